/* SPDX-License-Identifier: BSD-2-Clause */
#include "mark/mark.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"

/* A piece: number of the message, offset in it, its whole length, 8 hex digits each; then text. */
#define HEAD_BYTES  24u
#define ARENA_BYTES (16u << 20) /* nodes of one message */

struct partial {
	struct proc *proc;
	uint32_t tid;
	uint32_t number;
	uint32_t total;
	uint64_t ts_ns; /* of its first piece */
	uint64_t order;
	struct buf text;
	bool used;
};

struct mark {
	struct proc_table *procs;
	mark_note_fn *fn;
	void *ctx;
	uint64_t order, refused;
	struct partial partials[MARK_PARTIALS];
};

struct mark *mark_new(struct proc_table *procs, mark_note_fn *fn, void *ctx)
{
	struct mark *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->procs = procs;
	m->fn = fn;
	m->ctx = ctx;
	for (size_t i = 0; i < MARK_PARTIALS; i++)
		buf_init(&m->partials[i].text, MARK_MESSAGE_MAX);
	return m;
}

void mark_free(struct mark *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < MARK_PARTIALS; i++)
		buf_fini(&m->partials[i].text);
	free(m);
}

uint64_t mark_refused(const struct mark *m)
{
	return m->refused;
}

/* ---- a message ---- */

static uint64_t number_of(const struct json *j, const char *key)
{
	int64_t n = 0;

	return json_i64(json_get(j, key), &n) && n > 0 ? (uint64_t)n : 0;
}

static bool has_flag(const struct json *j, const char *key)
{
	return number_of(j, key) != 0;
}

static bool find_kind(const struct json *j, enum mark_kind *kind)
{
	static const char *const words[] = {
		[MARK_BEGIN] = "b", [MARK_END] = "e",	  [MARK_EVENT] = "v",
		[MARK_STATE] = "w", [MARK_SESSION] = "s", [MARK_NOW] = "r",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_is(json_get(j, "k"), words[i])) {
			*kind = (enum mark_kind)i;
			return true;
		}
	return false;
}

/* The value's text as it came; written anew where it was cut off. */
static void find_value(struct mark_note *n, struct arena *a, const struct json *j, struct buf *closed)
{
	static const char *const keys[] = {"in", "a", "o"};
	const struct json *v = NULL;
	struct jsonw w;

	for (size_t i = 0; i < 3 && v == NULL; i++)
		v = json_get(j, keys[i]);
	if (v == NULL)
		return;
	if (!json_is_cut(v)) {
		n->value = json_raw(v);
		return;
	}
	jsonw_init(&w, closed);
	jsonw_value(&w, a, v);
	n->cut = true;
	if (buf_err(closed) == 0)
		n->value = buf_str(closed);
}

/* Which marker the thread is in after it. */
static void find_now(struct mark_note *n, const struct json *j)
{
	switch (n->kind) {
	case MARK_BEGIN:
		n->has_now = !has_flag(j, "l");
		n->now = n->number;
		break;
	case MARK_END:
		n->has_now = json_type(json_get(j, "c")) == JSON_NUMBER;
		n->now = number_of(j, "c");
		break;
	case MARK_NOW:
	case MARK_SESSION:
		n->has_now = true;
		n->now = n->number;
		break;
	default:
		break;
	}
}

static void tell(struct mark *m, const struct partial *p, struct str text)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	autodrop(buf_fini) struct buf closed;
	struct mark_note n = {.proc = p->proc, .tid = p->tid, .ts_ns = p->ts_ns};
	const struct json *j = a ? json_parse(a, text, NULL) : NULL;

	buf_init(&closed, MARK_MESSAGE_MAX * 2);
	if (json_type(j) != JSON_OBJECT || !find_kind(j, &n.kind)) {
		m->refused++;
		return;
	}
	n.number = number_of(j, "i");
	n.parent = number_of(j, "p");
	n.cut = has_flag(j, "t");
	n.foreign = has_flag(j, "y");
	n.session = json_get_str(a, j, "z");
	n.name = json_get_str(a, j, "n");
	n.error = json_str(a, json_path(j, "x", "0", NULL));
	n.message = json_str(a, json_path(j, "x", "1", NULL));
	find_value(&n, a, j, &closed);
	find_now(&n, j);
	m->fn(m->ctx, &n);
}

/* ---- its pieces ---- */

static void finish(struct mark *m, struct partial *p)
{
	tell(m, p, buf_str(&p->text));
	p->used = false;
	buf_fini(&p->text);
}

static struct partial *find_partial(struct mark *m, const struct proc *proc, uint32_t tid, uint32_t number)
{
	for (size_t i = 0; i < MARK_PARTIALS; i++) {
		struct partial *p = &m->partials[i];

		if (p->used && p->proc == proc && p->tid == tid && p->number == number)
			return p;
	}
	return NULL;
}

/* A free place; where there is none the oldest has waited long enough. */
static struct partial *new_partial(struct mark *m)
{
	struct partial *oldest = NULL;

	for (size_t i = 0; i < MARK_PARTIALS; i++) {
		struct partial *p = &m->partials[i];

		if (!p->used)
			return p;
		if (oldest == NULL || p->order < oldest->order)
			oldest = p;
	}
	finish(m, oldest);
	return oldest;
}

static bool read_hex(struct str text, uint32_t *out)
{
	uint32_t n = 0;

	for (size_t i = 0; i < 8; i++) {
		char c = text.p[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = n;
	return true;
}

/* Of a message whose pieces are not all there, what came before the hole is told. */
static void add_piece(struct mark *m, struct partial *head, uint32_t offset, struct str text)
{
	struct partial *p = find_partial(m, head->proc, head->tid, head->number);

	if (p == NULL && offset == 0) {
		p = new_partial(m);
		p->proc = head->proc;
		p->tid = head->tid;
		p->number = head->number;
		p->total = head->total;
		p->ts_ns = head->ts_ns;
		p->order = ++m->order;
		p->used = true;
	}
	if (p == NULL || p->total != head->total) {
		m->refused++;
		return;
	}
	if (offset == p->text.n)
		buf_add(&p->text, text);
	if (offset + text.n >= p->total || buf_err(&p->text))
		finish(m, p);
}

void mark_feed(struct mark *m, const struct wire_head *rec)
{
	const struct wire_mark *w = (const struct wire_mark *)rec;
	struct partial head = {.tid = rec->tid, .ts_ns = rec->ts_ns};
	uint32_t offset;

	if (rec->kind != WIRE_MARK)
		return;
	struct str text = str_make(w->payload, w->len);
	if (text.n <= HEAD_BYTES || !read_hex(text, &head.number) || !read_hex(str_skip(text, 8), &offset) ||
	    !read_hex(str_skip(text, 16), &head.total) || head.total > MARK_MESSAGE_MAX ||
	    offset > head.total || text.n - HEAD_BYTES > head.total - offset) {
		m->refused++;
		return;
	}
	head.proc = proc_get(m->procs, rec);
	if (head.proc == NULL)
		return; /* counted there */
	text = str_skip(text, HEAD_BYTES);
	if (offset == 0 && text.n == head.total)
		tell(m, &head, text);
	else
		add_piece(m, &head, offset, text);
}

void mark_finish(struct mark *m)
{
	for (size_t i = 0; i < MARK_PARTIALS; i++)
		if (m->partials[i].used)
			finish(m, &m->partials[i]);
}
