/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection in two directions. Parts: w, r bytes written and read; W, R the same a byte at a time; m, M "N,bytes":
 * written, read N times in a row, which is how small inputs reach the limits; G, g a gap of N
 * bytes in what was written, read; K, k bytes left out by policy; c, x, s the end (freed, exit, session). No byte may be
 * counted twice, none may get lost, every gap is told once.
 */
#ifndef FUZZ_TALK_H
#define FUZZ_TALK_H

#include "flow/flow.h"
#include "fuzz.h"
#include "http/http.h"

#define TALK_GAP_MAX	1000000u
#define TALK_REPEAT_MAX (200u << 10)

struct talk {
	struct http *http;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS], fed[WIRE_DIRS], counted[WIRE_DIRS], stray[WIRE_DIRS], ts_ns;
	uint64_t gaps_fed, gaps_told, begun, ended;
	bool closed, skipped;
	void *own; /* of a target with parts of its own */
};

static void talk_begin(void *ctx, struct http_exchange *x)
{
	struct talk *t = ctx;

	assert(x->arena && x->conn == &t->conn);
	t->begun++;
}

static void talk_head(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)http_field(&x->request, "content-type");
	(void)http_field(&x->response, "content-type");
}

static void talk_request_done(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void talk_response_body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	struct talk *t = ctx;

	(void)x;
	assert(ts_ns <= t->ts_ns);
}

static void talk_event(void *ctx, struct http_exchange *x, const struct http_event *ev)
{
	(void)ctx;
	(void)x;
	assert(ev->data.n == 0 || ev->data.p);
}

static void talk_message(void *ctx, struct http_exchange *x, const struct http_ws_message *m)
{
	(void)ctx;
	(void)x;
	assert(m->data.n == 0 || m->data.p);
}

static void talk_done(void *ctx, struct http_exchange *x)
{
	struct talk *t = ctx;
	enum wire_dir request = x->server_side ? WIRE_READ : WIRE_WRITE;

	t->ended++;
	for (const struct http_gap *g = x->gaps; g; g = g->next)
		t->gaps_told++;
	t->counted[request] += x->request.wire_bytes;
	t->counted[1 - request] += x->response.wire_bytes;
	assert(x->request.body.n <= x->request.decoded_bytes &&
	       x->response.body.n <= x->response.decoded_bytes);
}

static void talk_stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		       const struct http_gap *gap)
{
	struct talk *t = ctx;

	assert(conn == &t->conn);
	t->stray[dir] += bytes;
	t->gaps_told += gap != NULL;
}

static void talk_feed(struct talk *t, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {.conn = &t->conn,
				   .dir = dir,
				   .offset = t->offset[dir],
				   .start_ns = t->ts_ns,
				   .ts_ns = t->ts_ns + 50,
				   .tid = 7,
				   .data = data};

	if (data.n == 0)
		return;
	t->ts_ns += 100;
	/* Alone on the heap: nothing may be kept of it. */
	chunk.data.p = fuzz_copy(data);
	size_t reach = http_reach(&t->conn, dir, chunk.data);
	assert(reach > 0 && reach <= data.n);
	(void)http_awaits_answer(&t->conn);
	t->offset[dir] += data.n;
	t->fed[dir] += data.n;
	http_feed(t->http, &chunk);
	free((char *)chunk.data.p);
}

static void talk_repeat(struct talk *t, enum wire_dir dir, struct str body)
{
	uint64_t count = fuzz_number(&body);
	autodrop(buf_fini) struct buf b;

	buf_init(&b, TALK_REPEAT_MAX);
	for (uint64_t i = 0; i < count && buf_err(&b) == 0 && body.n > 0; i++)
		buf_add(&b, body);
	talk_feed(t, dir, buf_str(&b));
}

static void talk_gap(struct talk *t, enum wire_dir dir, struct str body, enum wire_cause cause)
{
	struct flow_gap g = {&t->conn, dir,	t->offset[dir], fuzz_number(&body) % TALK_GAP_MAX,
			     cause,    t->ts_ns};

	t->gaps_fed += cause != WIRE_CAUSE_NONE;
	t->skipped |= cause == WIRE_CAUSE_NONE;
	t->offset[dir] += g.bytes;
	http_gap(t->http, &g);
}

static void talk_finish(struct talk *t, enum flow_end why)
{
	t->closed = true;
	http_close(t->http, &t->conn, why, t->ts_ns);
}

static void talk_step(struct talk *t, char letter, struct str body)
{
	switch (letter) {
	case 'w':
	case 'r':
		talk_feed(t, letter == 'w' ? WIRE_WRITE : WIRE_READ, body);
		break;
	case 'W':
	case 'R':
		for (size_t i = 0; i < body.n; i++)
			talk_feed(t, letter == 'W' ? WIRE_WRITE : WIRE_READ, str_head(str_skip(body, i), 1));
		break;
	case 'm':
	case 'M':
		talk_repeat(t, letter == 'm' ? WIRE_WRITE : WIRE_READ, body);
		break;
	case 'G':
	case 'g':
		talk_gap(t, letter == 'G' ? WIRE_WRITE : WIRE_READ, body, WIRE_CAUSE_RING_FULL);
		break;
	case 'K':
	case 'k':
		talk_gap(t, letter == 'K' ? WIRE_WRITE : WIRE_READ, body, WIRE_CAUSE_NONE);
		break;
	case 'c':
		talk_finish(t, FLOW_END_FREED);
		break;
	case 'x':
		talk_finish(t, FLOW_END_PROC_EXIT);
		break;
	case 's':
		talk_finish(t, FLOW_END_SESSION);
		break;
	}
}

/* Every part goes to `own`, too, unless that is NULL: what the letters above do not mean, means something to it. */
static int talk_run(struct str rest, void (*own)(struct talk *t, char letter, struct str body), void *ctx)
{
	static const struct http_ops ops = {
		.begin = talk_begin,
		.request_head = talk_head,
		.request_done = talk_request_done,
		.response_head = talk_head,
		.response_body = talk_response_body,
		.event = talk_event,
		.message = talk_message,
		.done = talk_done,
		.stray = talk_stray,
	};
	struct talk t = {.ts_ns = 1, .own = ctx};
	struct str body;
	char letter;

	t.http = http_new(&ops, &t);
	while (!t.closed && fuzz_part(&rest, &letter, &body)) {
		talk_step(&t, letter, body);
		if (own && !t.closed)
			own(&t, letter, body);
	}
	if (!t.closed)
		talk_finish(&t, FLOW_END_FREED);
	for (int d = 0; d < WIRE_DIRS; d++)
		assert(t.gaps_fed || t.skipped || t.fed[d] == t.counted[d] + t.stray[d]);
	assert(t.gaps_fed == t.gaps_told);
	http_free(t.http);
	assert(t.begun == t.ended);
	return 0;
}

#endif
