/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One model call through http and genai. Parts: q the request's body, a the answer's body, e the answer as an event
 * stream, n as lines of JSON, h fields of the answer's head (replacing its status line too), p the request's target; g a
 * gap in the answer, cutting it there. v "type LF payload" an event of AWS's event stream (the first one brings the
 * answer's head), V the same as an exception, b "payload" one whose "bytes" are the payload in base64. u the connection
 * becomes a WebSocket; o, i a message of the client's, of the server's.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include <sodium.h>
#include <zlib.h>

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
	bool streaming; /* the head of an event stream was sent */
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
	call_json(c->tool_arguments);
	call_json(c->tool_result);
	assert(c->kind == GENAI_HTTP || c->operation || c->method.n > 0);
	assert(c->finish_count <= c->output_count || c->output_count == 0);
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

static void call_answer(struct call *c, struct str head, struct str body, char letter)
{
	bool events = letter != 'a';
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	if (head.p)
		buf_add(&b, head);
	else
		buf_addf(&b, "HTTP/1.1 200 OK\r\nContent-Type: %s",
			 letter == 'e'	 ? "text/event-stream"
			 : letter == 'n' ? "application/x-ndjson"
					 : "application/json");
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

/* ---- AWS's event stream ---- */

static void call_u32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift));
}

static void call_header(struct buf *b, const char *name, struct str value)
{
	buf_add_char(b, (char)strlen(name));
	buf_add(b, str_of(name));
	buf_add_char(b, 7); /* a string */
	buf_add_char(b, (char)(value.n >> 8));
	buf_add_char(b, (char)value.n);
	buf_add(b, value);
}

static void call_crc(struct buf *b)
{
	call_u32(b, (uint32_t)crc32(0, (const unsigned char *)b->p, (unsigned)b->n));
}

static void call_frame(struct call *c, struct str type, struct str payload, bool exception)
{
	autodrop(buf_fini) struct buf headers, b;

	buf_init(&headers, 1u << 20);
	buf_init(&b, 1u << 20);
	call_header(&headers, ":message-type", str_of(exception ? "exception" : "event"));
	call_header(&headers, exception ? ":exception-type" : ":event-type", str_head(type, 1000));
	call_u32(&b, (uint32_t)(16 + headers.n + payload.n));
	call_u32(&b, (uint32_t)headers.n);
	call_crc(&b);
	buf_add(&b, buf_str(&headers));
	buf_add(&b, payload);
	call_crc(&b);
	if (!c->streaming)
		call_feed(c, WIRE_READ,
			  STR("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n"));
	c->streaming = true;
	call_feed(c, WIRE_READ, buf_str(&b));
}

static void call_event(struct call *c, char letter, struct str body)
{
	autodrop(buf_fini) struct buf b;
	struct str type, payload = str_cut(body, '\n', &type);

	buf_init(&b, 1u << 20);
	if (letter != 'b') {
		call_frame(c, type, payload, letter == 'V');
		return;
	}
	size_t room = sodium_base64_encoded_len(body.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);

	if (text == NULL)
		abort();
	sodium_bin2base64(text, room, (const unsigned char *)body.p, body.n, sodium_base64_VARIANT_ORIGINAL);
	buf_addf(&b, "{\"bytes\":\"%s\",\"p\":\"ab\"}", text);
	free(text);
	call_frame(c, STR("chunk"), buf_str(&b), false);
}

/* ---- WebSocket ---- */

static void call_upgrade(struct call *c, struct str target)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	buf_addf(&b,
		 "GET %.*s HTTP/1.1\r\nHost: api.example.com\r\nConnection: Upgrade\r\nUpgrade: "
		 "websocket\r\n\r\n",
		 STR_ARG(target));
	call_feed(c, WIRE_WRITE, buf_str(&b));
	call_feed(
		c, WIRE_READ,
		STR("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

/* A text message in one frame; the client's mask of zeros leaves it readable. */
static void call_message(struct call *c, enum wire_dir dir, struct str body)
{
	autodrop(buf_fini) struct buf b;
	int mask = dir == WIRE_WRITE ? 0x80 : 0;

	buf_init(&b, 1u << 20);
	buf_add_char(&b, (char)0x81);
	buf_add_char(&b, (char)(mask | 127));
	call_u32(&b, 0);
	call_u32(&b, (uint32_t)body.n);
	if (mask)
		call_u32(&b, 0);
	buf_add(&b, body);
	call_feed(c, dir, buf_str(&b));
}

static inline void call_run(const char *path, struct str rest)
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
		} else if (letter == 'a' || letter == 'e' || letter == 'n') {
			call_answer(&c, head, body, letter);
		} else if (letter == 'v' || letter == 'V' || letter == 'b') {
			call_event(&c, letter, body);
		} else if (letter == 'u') {
			call_upgrade(&c, target);
		} else if (letter == 'o' || letter == 'i') {
			call_message(&c, letter == 'o' ? WIRE_WRITE : WIRE_READ, body);
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
