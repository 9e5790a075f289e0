/* SPDX-License-Identifier: BSD-2-Clause */
/* A document without its shortening: every call with its whole list of messages. */
#include <errno.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/limits.h"
#include "view/message.h"
#include "view/node.h"
#include "view/view.h"

#define PIECE_BYTES (256u << 10) /* that gather before they go out */

struct full {
	struct node_forest f;
	struct message_history *histories; /* per node; items NULL: not made yet */
	uint32_t *path;			   /* nodes whose history waits for the next one's */
	struct jsonw w;
	struct buf b; /* written, not yet gone */
	view_write_fn *write;
	void *ctx;
	int err; /* the first */
};

static void flush(struct full *u)
{
	if (u->err == 0)
		u->err = buf_err(&u->b);
	if (u->err == 0 && u->b.n > 0)
		u->err = u->write(u->ctx, buf_str(&u->b));
	buf_clear(&u->b);
}

static void flush_some(struct full *u)
{
	if (u->b.n >= PIECE_BYTES || buf_err(&u->b))
		flush(u);
}

/* ---- histories ---- */

/* Only what is printed is held: as many pointers as the span will have messages. */
static int make_history(struct full *u, uint32_t at, uint32_t before, size_t messages)
{
	const struct message_history *b = before == NODE_NONE ? NULL : &u->histories[before];
	struct message_history *h = &u->histories[at];
	size_t own = json_count(node_attribute(&u->f.nodes[at], "gen_ai.input.messages")), had = 0, most = 0;

	if (b) {
		had = b->count < messages ? b->count : messages;
		most = b->count + json_count(node_attribute(&u->f.nodes[before], "gen_ai.output.messages"));
		most = most < messages ? most : messages;
	}
	h->items = arena_alloc(u->f.a, (most + own + 1) * sizeof(struct json *));
	if (h->items == NULL)
		return -ENOMEM;
	if (b) {
		memcpy(h->items, b->items, had * sizeof(struct json *));
		h->count = had;
		h->lossy |= b->lossy;
		h->system = b->system;
		h->tools = b->tools;
	}
	message_history_add(h, &u->f, at, before);
	return 0;
}

/* Every history once: a call's comes after that of the one it continues. A cycle ends where it meets itself. */
static int make_histories(struct full *u, uint32_t start)
{
	uint32_t depth = 0;

	if (u->histories[start].items)
		return 0;
	u->path[depth++] = start;
	u->f.nodes[start].shown = true;
	while (depth > 0) {
		uint32_t at = u->path[depth - 1];
		int64_t messages;
		uint32_t before = message_continued(&u->f, at, &messages, &u->histories[at].lossy);

		if (before != NODE_NONE && u->histories[before].items == NULL && !u->f.nodes[before].shown) {
			u->f.nodes[before].shown = true;
			u->path[depth++] = before;
			continue;
		}
		if (before != NODE_NONE && u->histories[before].items == NULL) {
			u->histories[at].lossy = true;
			before = NODE_NONE;
		}
		int r = make_history(u, at, before, (size_t)messages);
		if (r < 0)
			return r;
		depth--;
	}
	return 0;
}

static int init_histories(struct full *u)
{
	u->histories = arena_alloc(u->f.a, (u->f.count + 1ul) * sizeof(*u->histories));
	u->path = arena_alloc(u->f.a, (u->f.count + 1ul) * sizeof(*u->path));
	if (!u->histories || !u->path)
		return -ENOMEM;
	for (uint32_t i = 0; i < u->f.count; i++)
		u->f.nodes[i].shown = false;
	for (uint32_t i = 0; i < u->f.count; i++) {
		int r = make_histories(u, i);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- writing ---- */

/* A member as it stands in the document. */
static void copy(struct jsonw *w, struct arena *a, const struct json *member)
{
	jsonw_raw(jsonw_key_str(w, json_key(a, member)), json_raw(member));
}

/* An answer as the next request quotes it: input messages have no finish reason. */
static void write_quoted(struct jsonw *w, struct arena *a, const struct json *message)
{
	if (json_get(message, "finish_reason") == NULL) {
		jsonw_raw(w, json_raw(message));
		return;
	}
	jsonw_object(w);
	for (const struct json *m = json_first(message); m; m = json_next(m))
		if (!json_key_is(m, STR("finish_reason")))
			copy(w, a, m);
	jsonw_object_end(w);
}

static void write_left_out(struct full *u, const struct node *n, const char *key, const struct json *value)
{
	if (value && node_attribute(n, key) == NULL)
		jsonw_raw(jsonw_key(&u->w, key), json_raw(value));
}

/* System instructions and messages, which stand next to each other in every span. */
static void write_messages(struct full *u, const struct node *n, const struct message_history *h)
{
	write_left_out(u, n, "gen_ai.system_instructions", h->system);
	jsonw_array(jsonw_key(&u->w, "gen_ai.input.messages"));
	for (size_t i = 0; i < h->count; i++) {
		if (i < h->repeated)
			write_quoted(&u->w, u->f.a, h->items[i]);
		else
			jsonw_raw(&u->w, json_raw(h->items[i]));
		flush_some(u);
	}
	jsonw_array_end(&u->w);
}

static void write_attributes(struct full *u, const struct node *n, const struct message_history *h)
{
	const struct json *own = node_attribute(n, "gen_ai.input.messages");
	const struct json *continues = node_attribute(n, "bottrace.continues");

	jsonw_object(&u->w);
	for (const struct json *m = json_first(n->attributes); m; m = json_next(m)) {
		if (m == own) {
			write_messages(u, n, h);
		} else if (m == continues) {
			if (own == NULL)
				write_messages(u, n, h);
			write_left_out(u, n, "gen_ai.tool.definitions", h->tools);
		} else {
			copy(&u->w, u->f.a, m);
		}
	}
	jsonw_object_end(&u->w);
}

static void write_span(struct full *u, const struct node *n, const struct message_history *h)
{
	if (h->lossy || json_type(node_attribute(n, "bottrace.continues")) != JSON_OBJECT) {
		jsonw_raw(&u->w, json_raw(n->j));
		flush_some(u);
		return;
	}
	jsonw_object(&u->w);
	for (const struct json *m = json_first(n->j); m; m = json_next(m)) {
		if (m == n->attributes) {
			jsonw_key(&u->w, "attributes");
			write_attributes(u, n, h);
		} else {
			copy(&u->w, u->f.a, m);
		}
	}
	jsonw_object_end(&u->w);
	flush_some(u);
}

static void write_trace(struct full *u, struct arena *a, const struct json *trace)
{
	const struct json *spans = json_get(trace, "spans");

	if (u->err == 0)
		u->err = node_forest_init(&u->f, a, trace);
	if (u->err == 0)
		u->err = init_histories(u);
	if (u->err < 0)
		return;
	jsonw_object(&u->w);
	for (const struct json *m = json_first(trace); m && u->err == 0; m = json_next(m)) {
		if (m != spans) {
			copy(&u->w, a, m);
			flush_some(u);
			continue;
		}
		jsonw_array(jsonw_key(&u->w, "spans"));
		for (uint32_t i = 0; i < u->f.count && u->err == 0; i++)
			write_span(u, &u->f.nodes[i], &u->histories[i]);
		jsonw_array_end(&u->w);
	}
	jsonw_object_end(&u->w);
}

static void write_traces(struct full *u, struct arena *a, const struct json *document)
{
	const struct json *traces = json_get(document, "traces");

	jsonw_object(&u->w);
	for (const struct json *m = json_first(document); m && u->err == 0; m = json_next(m)) {
		if (m != traces) {
			copy(&u->w, a, m);
			continue;
		}
		jsonw_array(jsonw_key(&u->w, "traces"));
		for (const struct json *t = json_first(traces); t && u->err == 0; t = json_next(t))
			write_trace(u, a, t);
		jsonw_array_end(&u->w);
	}
	jsonw_object_end(&u->w);
}

/* ---- doors ---- */

static void drop_full(struct full *u)
{
	buf_fini(&u->b);
}

int view_full(struct arena *a, const struct json *document, view_write_fn *write, void *ctx)
{
	autodrop(drop_full) struct full u = {.write = write, .ctx = ctx};

	if (!view_is_document(document))
		return -EBADMSG;
	buf_init(&u.b, LIMIT_DOCUMENT_BYTES);
	jsonw_init(&u.w, &u.b);
	if (json_get(document, "traces"))
		write_traces(&u, a, document);
	else
		write_trace(&u, a, document);
	buf_add_char(&u.b, '\n');
	flush(&u);
	return u.err;
}

int view_full_span(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n)
{
	const struct json *traces = json_get(document, "traces");
	const struct json *t = traces ? json_at(traces, trace) : trace == 0 ? document : NULL;
	struct message_history h;
	struct full u = {0}; /* nothing gathers in it: all goes to out */

	if (!view_is_document(document))
		return -EBADMSG;
	if (t == NULL)
		return -ENOENT;
	int r = node_forest_init(&u.f, a, t);
	for (uint32_t i = 0; r == 0 && i < u.f.count; i++) {
		if (u.f.nodes[i].n != n)
			continue;
		r = message_history_init(&h, &u.f, i);
		if (r < 0)
			return r;
		jsonw_init(&u.w, out);
		write_span(&u, &u.f.nodes[i], &h);
		return buf_err(out);
	}
	return r < 0 ? r : -ENOENT;
}
