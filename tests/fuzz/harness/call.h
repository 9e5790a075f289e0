/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One model call through http and genai. Parts: q the request's body, a the answer's body, e the answer as an event
 * stream, h fields of the answer's head (replacing its status line too), p the request's target; g a gap in the answer,
 * cutting it there.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include "base/json.h"
#include "fuzz.h"
#include "genai/genai.h"
#include "http/http.h"

struct call {
	struct http *http;
	struct genai *genai;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
	unsigned begun, closed, ended;
};

static void call_json(struct str text)
{
	autodrop(drop_arena) struct arena *a = arena_new(4u << 20);
	struct json_end end;

	if (text.p == NULL)
		return;
	(void)json_parse(a, text, &end);
	assert(end.state == JSON_WHOLE && end.offset == text.n);
}

static void call_messages(const struct genai_message *m, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < m[i].count; k++)
			call_json(m[i].parts[k].value);
}

static void call_begin(void *ctx, struct genai_call *c)
{
	((struct call *)ctx)->begun++;
	assert(c->status == GENAI_OPEN);
}

static void call_nothing(void *ctx, struct genai_call *c)
{
	(void)ctx;
	(void)c;
}

/* What the rooms behind rely on: every JSON text is one. */
static void call_close(void *ctx, struct genai_call *c)
{
	((struct call *)ctx)->closed++;
	for (uint32_t i = 0; i < c->param_count; i++)
		call_json(c->params[i].json);
	call_json(c->tools);
	call_messages(c->input, c->input_count);
	call_messages(c->output, c->output_count);
	assert(c->kind == GENAI_HTTP || c->operation);
}

static void call_end(void *ctx, struct genai_call *c)
{
	(void)c;
	((struct call *)ctx)->ended++;
}

static void call_feed(struct call *c, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {.conn = &c->conn,
				   .dir = dir,
				   .offset = c->offset[dir],
				   .start_ns = 10,
				   .ts_ns = 20,
				   .data = data};

	if (data.n == 0)
		return;
	c->offset[dir] += data.n;
	http_feed(c->http, &chunk);
}

static void call_answer(struct call *c, struct str head, struct str body, bool events)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	if (head.p)
		buf_add(&b, head);
	else
		buf_addf(&b, "HTTP/1.1 200 OK\r\nContent-Type: %s",
			 events ? "text/event-stream" : "application/json");
	buf_addf(&b, events ? "\r\n\r\n" : "\r\nContent-Length: %zu\r\n\r\n", body.n);
	call_feed(c, WIRE_READ, buf_str(&b));
	/* In two pieces: state goes over the cut. */
	call_feed(c, WIRE_READ, str_head(body, body.n / 2));
	call_feed(c, WIRE_READ, str_skip(body, body.n / 2));
}

static void call_request(struct call *c, struct str target, struct str body)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	buf_addf(&b, "POST %.*s HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: %zu\r\n\r\n",
		 STR_ARG(target), body.n);
	buf_add(&b, body);
	call_feed(c, WIRE_WRITE, buf_str(&b));
}

static void call_run(const char *path, struct str rest)
{
	static const struct genai_ops ops = {
		.begin = call_begin,
		.request = call_nothing,
		.first = call_nothing,
		.close = call_close,
		.end = call_end,
	};
	struct str target = str_of(path), head = STR_NONE, body;
	struct call c = {.conn = {.id = 1, .server = STR("api.example.com")}};
	char letter;

	c.genai = genai_new(&ops, &c);
	c.http = http_new(genai_http_ops(), c.genai);
	while (fuzz_part(&rest, &letter, &body)) {
		if (letter == 'p') {
			target = body;
		} else if (letter == 'h') {
			head = body;
		} else if (letter == 'q') {
			call_request(&c, target, body);
		} else if (letter == 'a' || letter == 'e') {
			call_answer(&c, head, body, letter == 'e');
		} else if (letter == 'g') {
			struct flow_gap g = {&c.conn,
					     WIRE_READ,
					     c.offset[WIRE_READ],
					     fuzz_number(&body) % 1000,
					     WIRE_CAUSE_RING_FULL,
					     20};

			c.offset[WIRE_READ] += g.bytes;
			http_gap(c.http, &g);
		}
	}
	http_close(c.http, &c.conn, FLOW_END_FREED, 30);
	http_free(c.http);
	genai_free(c.genai);
	assert(c.begun == c.ended && c.closed <= c.begun);
}

#endif
