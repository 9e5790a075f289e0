/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repeated histories. Requests go to one reader that remembers, and each to a reader of its own that knows nothing: both
 * must tell the same. Parts build a body: q it begins anew, k "N" of it N bytes are kept, t bytes behind it, r "N,bytes"
 * N times; s sends it, l "N" without N bytes in its middle that were lost, o "N" that nobody wanted. p the target. A body that begins with a brace gets a long member before all others, so that little
 * is enough to be remembered.
 */
#include <stdio.h>

#include "fuzz.h"
#include "genai/genai.h"
#include "http/http.h"

#define BODY_MAX     (256u << 10)
#define REQUESTS_MAX 24u
#define PAD_BYTES    2100u

struct reader {
	struct http *http;
	struct genai *genai;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
	struct buf told;     /* all that is said of the call, read whole */
	struct buf recalled; /* what is kept of messages that are known */
};

static void add_str(struct buf *b, const char *name, struct str s)
{
	if (s.p)
		buf_addf(b, " %s=%zu:", name, s.n), buf_add(b, s);
}

static void add_parts(struct buf *b, const struct genai_part *parts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct genai_part *p = &parts[i];

		buf_addf(b, "\n  part %d %d", p->type, p->is_error);
		add_str(b, "text", p->text);
		add_str(b, "id", p->id);
		add_str(b, "name", p->name);
		add_str(b, "value", p->value);
		add_str(b, "modality", p->modality);
		add_str(b, "mime", p->mime);
	}
}

static void add_hash(struct buf *b, struct hash128 h)
{
	buf_addf(b, " %llx.%llx", (unsigned long long)h.hi, (unsigned long long)h.lo);
}

/* Role, fingerprints, and the ids of tool calls and results: what a known message has. */
static void add_recalled(struct buf *b, const struct genai_call *c)
{
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct genai_message *m = &c->input[i];

		buf_addf(b, "\nmessage");
		add_str(b, "role", m->role);
		add_hash(b, m->hash);
		add_hash(b, m->exact);
		for (uint32_t k = 0; k < m->count; k++)
			if (m->parts[k].type == GENAI_TOOL_CALL || m->parts[k].type == GENAI_TOOL_RESPONSE) {
				buf_addf(b, " tool %d", m->parts[k].type);
				add_str(b, "id", m->parts[k].id);
			}
	}
}

static void add_call(struct buf *b, const struct genai_call *c)
{
	buf_addf(b, "kind %d stream %d broken %d %llu %s note %s", c->kind, c->stream, c->broken.set,
		 (unsigned long long)(c->broken.set ? c->broken.offset - c->x->request.offset : 0),
		 c->broken.why ? c->broken.why : "", c->note ? c->note : "");
	add_str(b, "provider", c->provider);
	add_str(b, "model", c->request_model);
	add_str(b, "previous", c->previous_id);
	add_str(b, "conversation", c->conversation_id);
	add_str(b, "tools", c->tools);
	for (uint32_t i = 0; i < c->param_count; i++)
		add_str(b, c->params[i].key, c->params[i].json);
	add_parts(b, c->system, c->system_count);
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct genai_message *m = &c->input[i];

		buf_addf(b, "\nmessage");
		add_str(b, "role", m->role);
		add_str(b, "name", m->name);
		add_hash(b, m->hash);
		add_hash(b, genai_message_exact(m));
		add_parts(b, m->parts, m->count);
	}
}

static void on_begin(void *ctx, struct genai_call *c)
{
	(void)ctx;
	(void)c;
}

static void on_request(void *ctx, struct genai_call *c)
{
	struct reader *r = ctx;

	assert(c->known <= c->input_count);
	for (uint32_t i = 0; i < c->input_count; i++)
		assert(c->input[i].known == (i < c->known));
	add_recalled(&r->recalled, c);
	genai_expand(c);
	assert(c->known == 0);
	add_call(&r->told, c);
}

static void reader_init(struct reader *r)
{
	static const struct genai_ops ops = {.begin = on_begin, .request = on_request};

	*r = (struct reader){.conn = {.id = 1, .server = STR("api.example.com")}};
	buf_init(&r->told, 16u << 20);
	buf_init(&r->recalled, 16u << 20);
	r->genai = genai_new(&ops, r);
	r->http = http_new(genai_http_ops(), r->genai);
	if (r->genai == NULL || r->http == NULL)
		abort();
}

static void reader_fini(struct reader *r)
{
	http_close(r->http, &r->conn, FLOW_END_FREED, 30);
	http_free(r->http);
	genai_free(r->genai);
	buf_fini(&r->told);
	buf_fini(&r->recalled);
}

static void feed(struct reader *r, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {.conn = &r->conn,
				   .dir = dir,
				   .offset = r->offset[dir],
				   .start_ns = 10,
				   .ts_ns = 20,
				   .data = data};

	if (data.n == 0)
		return;
	r->offset[dir] += data.n;
	http_feed(r->http, &chunk);
}

/* What is left out of a body. */
struct hole {
	size_t at, bytes;
	enum wire_cause cause;
};

static void feed_body(struct reader *r, struct str body, struct hole hole)
{
	struct flow_gap gap = {&r->conn, WIRE_WRITE, 0, hole.bytes, hole.cause, 20};

	feed(r, WIRE_WRITE, str_head(body, hole.at));
	if (hole.bytes > 0) {
		gap.offset = r->offset[WIRE_WRITE];
		r->offset[WIRE_WRITE] += hole.bytes;
		http_gap(r->http, &gap);
	}
	feed(r, WIRE_WRITE, str_skip(body, hole.at + hole.bytes));
}

static void send(struct reader *r, struct str target, struct str body, struct hole hole)
{
	autodrop(buf_fini) struct buf b;

	buf_clear(&r->told);
	buf_clear(&r->recalled);
	buf_init(&b, 2 * BODY_MAX);
	buf_addf(&b, "POST %.*s HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: %zu\r\n\r\n",
		 STR_ARG(target), body.n);
	feed(r, WIRE_WRITE, buf_str(&b));
	feed_body(r, body, hole);
	feed(r, WIRE_READ, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
}

static void same(struct str known, struct str fresh)
{
	if (str_eq(known, fresh))
		return;
	fprintf(stderr, "known: %.*s\nfresh: %.*s\n", STR_ARG(known), STR_ARG(fresh));
	abort();
}

static void compare(struct reader *known, struct str target, struct str body, struct hole hole)
{
	struct reader fresh;

	reader_init(&fresh);
	send(known, target, body, hole);
	send(&fresh, target, body, hole);
	assert(!buf_err(&known->told) && !buf_err(&known->recalled));
	same(buf_str(&known->recalled), buf_str(&fresh.recalled));
	same(buf_str(&known->told), buf_str(&fresh.told));
	reader_fini(&fresh);
}

static void body_begin(struct buf *b, struct str body, size_t *padded)
{
	buf_clear(b);
	*padded = 0;
	if (str_starts(body, STR("{"))) {
		buf_addf(b, "{\"pad\":\"%*s\",", PAD_BYTES, "");
		*padded = b->n;
		body = str_skip(body, 1);
	}
	buf_add(b, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), part, target = STR("/v1/chat/completions");
	autodrop(buf_fini) struct buf body;
	unsigned requests = 0;
	struct reader known;
	size_t padded = 0;
	char letter;

	buf_init(&body, BODY_MAX);
	reader_init(&known);
	while (fuzz_part(&rest, &letter, &part) && !buf_err(&body)) {
		if (letter == 'p' && str_find_char(part, ' ') < 0 && str_find_char(part, '\n') < 0) {
			target = part;
		} else if (letter == 'q') {
			body_begin(&body, part, &padded);
		} else if (letter == 'k') {
			uint64_t keep = fuzz_number(&part) % BODY_MAX + padded;

			body.n = keep < body.n ? (size_t)keep : body.n;
		} else if (letter == 't') {
			buf_add(&body, part);
		} else if (letter == 'r') {
			uint64_t count = fuzz_number(&part);

			for (uint64_t i = 0; i < count && part.n > 0 && !buf_err(&body); i++)
				buf_add(&body, part);
		} else if (letter && strchr("slo", letter) && requests++ < REQUESTS_MAX) {
			uint64_t bytes = letter == 's' ? 0 : fuzz_number(&part) % BODY_MAX;
			struct hole hole = {.cause = letter == 'l' ? WIRE_CAUSE_RING_FULL : WIRE_CAUSE_NONE};

			hole.bytes = bytes < body.n ? (size_t)bytes : body.n;
			hole.at = (body.n - hole.bytes) / 2;
			compare(&known, target, buf_str(&body), hole);
		}
	}
	reader_fini(&known);
	return 0;
}
