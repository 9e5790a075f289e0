/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection as a script of steps, and all that http says about it as text. script_check() compares the text with
 * what is wanted, then sweeps each direction (the other one is fed whole): every split, every prefix, every failing
 * allocation. Whatever happens, no byte and no gap may be counted twice or get lost: script_stop() asserts it.
 */
#ifndef UNIT_HTTP_SCRIPT_H
#define UNIT_HTTP_SCRIPT_H

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/http.h"

enum script_kind { END, W, R, GAP_W, GAP_R, FREED, EXITED, SESSION };

struct step {
	enum script_kind kind;
	struct str data; /* W, R */
	uint64_t gap;	 /* GAP_*: bytes */
	enum wire_cause cause;
};

#define SAYS(literal)                                                 \
	{                                                             \
		W, {literal, sizeof(literal) - 1}, 0, WIRE_CAUSE_NONE \
	}
#define HEARS(literal)                                                \
	{                                                             \
		R, {literal, sizeof(literal) - 1}, 0, WIRE_CAUSE_NONE \
	}
#define LOSES(kind, bytes)                                   \
	{                                                    \
		kind, {NULL, 0}, bytes, WIRE_CAUSE_RING_FULL \
	}
#define SKIPS(kind, bytes)                              \
	{                                               \
		kind, {NULL, 0}, bytes, WIRE_CAUSE_NONE \
	}
#define ENDS(kind)                                  \
	{                                           \
		kind, {NULL, 0}, 0, WIRE_CAUSE_NONE \
	}

struct script {
	const struct step *steps;
	enum script_kind swept;
	size_t at, used; /* current step, and bytes of it that were fed */
	struct http *http;
	struct flow_conn conn;
	struct buf out;
	uint64_t offset[WIRE_DIRS], fed[WIRE_DIRS], counted[WIRE_DIRS], stray[WIRE_DIRS];
	uint64_t gaps_fed, gaps_told;
	bool gaps, closed;
	bool times;	   /* shown */
	struct buf writes; /* offsets of the calls so far */
};

static const struct step *script_steps;
static enum script_kind script_swept;
static bool script_times;
static bool script_tails; /* shown: of torn bodies, what came behind the hole */

static void script_text(struct buf *b, struct str s)
{
	size_t n = s.n > 160 ? 160 : s.n;

	buf_add_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n')
			buf_add(b, STR("\\n"));
		else if (c == '\r')
			buf_add(b, STR("\\r"));
		else if (c < 0x20 || c >= 0x7f)
			buf_addf(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	buf_addf(b, n < s.n ? "\"+%zu" : "\"", s.n - n);
}

/* What begins at an offset went out with the call that holds it. Where a start line was found in the middle of broken
 * bytes, it may not be said. */
static void script_write(struct script *t, enum wire_dir dir, uint64_t offset, const struct http_write *w)
{
	const uint64_t *starts = (const uint64_t *)(const void *)t->writes.p;
	size_t n = t->writes.n / sizeof(*starts);

	assert_true(!w->is_one || dir == WIRE_WRITE);
	/* Nobody noted them; or one of our own allocations was made to fail. */
	if (!w->is_one || n == 0 || buf_err(&t->writes) < 0)
		return;
	while (n > 0 && starts[n - 1] > offset)
		n--;
	assert_true(n > 0);
	if (w->offset != starts[n - 1])
		fail_msg("what begins at %llu: write %llu, not %llu", (unsigned long long)offset,
			 (unsigned long long)w->offset, (unsigned long long)starts[n - 1]);
}

static void script_message(struct script *t, const char *name, const struct http_message *m)
{
	if (!m->begun)
		return;
	buf_addf(&t->out, "  %s%s%s%s @%llu wire %llu body %llu/%llu ", name, m->head_done ? "" : " headless",
		 m->done ? "" : " cut", m->body_kept ? "" : " unkept", (unsigned long long)m->offset,
		 (unsigned long long)m->wire_bytes, (unsigned long long)m->body_bytes,
		 (unsigned long long)m->decoded_bytes);
	if (t->times)
		buf_addf(&t->out, "%llu-%llu-%llu ", (unsigned long long)m->start_ns,
			 (unsigned long long)m->first_ns, (unsigned long long)m->end_ns);
	script_text(&t->out, m->body);
	if (script_tails && m->torn) {
		buf_addf(&t->out, " torn at %llu ", (unsigned long long)m->torn_at);
		script_text(&t->out, m->tail);
	}
	buf_add_char(&t->out, '\n');
}

static void script_fields(struct script *t, const struct http_message *m)
{
	for (uint32_t i = 0; i < m->count && i < 8; i++) {
		buf_addf(&t->out, " %.*s=", STR_ARG(m->fields[i].name));
		script_text(&t->out, m->fields[i].value);
	}
	buf_add_char(&t->out, '\n');
}

static void script_begin(void *ctx, struct http_exchange *x)
{
	struct script *t = ctx;

	buf_addf(&t->out, "begin %llu%s%s\n", (unsigned long long)x->index, x->server_side ? " server" : "",
		 x->request_seen ? "" : " unasked");
}

static void script_request_head(void *ctx, struct http_exchange *x)
{
	struct script *t = ctx;

	buf_addf(&t->out, "request %llu %.*s %.*s:", (unsigned long long)x->index, STR_ARG(x->method),
		 STR_ARG(x->target));
	script_fields(t, &x->request);
}

static void script_request_done(void *ctx, struct http_exchange *x)
{
	struct script *t = ctx;

	buf_addf(&t->out, "asked %llu%s\n", (unsigned long long)x->index, x->request.done ? "" : " cut");
}

static void script_response_head(void *ctx, struct http_exchange *x)
{
	struct script *t = ctx;

	buf_addf(&t->out, "response %llu %d:", (unsigned long long)x->index, x->status);
	script_fields(t, &x->response);
}

static void script_response_body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	struct script *t = ctx;

	buf_addf(&t->out, "body %llu", (unsigned long long)x->index);
	buf_addf(&t->out, t->times ? " %llu\n" : "\n", (unsigned long long)ts_ns);
}

static void script_event(void *ctx, struct http_exchange *x, const struct http_event *ev)
{
	struct script *t = ctx;

	buf_addf(&t->out, "event %llu %.*s%s", (unsigned long long)x->index, STR_ARG(ev->event),
		 ev->event.n ? " " : "");
	script_text(&t->out, ev->data);
	if (ev->id.n)
		buf_addf(&t->out, " id %.*s", STR_ARG(ev->id));
	buf_addf(&t->out, t->times ? " %llu\n" : "\n", (unsigned long long)ev->ts_ns);
}

static void script_ws_message(void *ctx, struct http_exchange *x, const struct http_ws_message *m)
{
	struct script *t = ctx;

	buf_addf(&t->out, "message %llu %s %s%s @%llu wire %llu ", (unsigned long long)x->index,
		 m->dir == WIRE_READ ? "read" : "write", m->text ? "text" : "binary", m->cut ? " cut" : "",
		 (unsigned long long)m->offset, (unsigned long long)m->wire_bytes);
	script_text(&t->out, m->data);
	buf_add_char(&t->out, '\n');
	script_write(t, m->dir, m->offset, &m->write);
}

static void script_done(void *ctx, struct http_exchange *x)
{
	static const char *const ends[] = {"OPEN",    "DONE",	 "NEXT", "CLOSED",
					   "ABORTED", "SESSION", "LOST", "UPGRADED"};
	struct script *t = ctx;
	enum wire_dir request = x->server_side ? WIRE_READ : WIRE_WRITE;

	if (x->request.begun)
		script_write(t, request, x->request.offset, &x->request.write);
	if (x->response.begun)
		script_write(t, 1 - request, x->response.offset, &x->response.write);
	buf_addf(&t->out, "done %llu %s", (unsigned long long)x->index, ends[x->end]);
	if (x->reset)
		buf_addf(&t->out, " %s", x->reset);
	if (x->broken.set)
		buf_addf(&t->out, " broken %s@%llu %s", x->broken.dir == WIRE_READ ? "read" : "write",
			 (unsigned long long)x->broken.offset, x->broken.why);
	for (const struct http_gap *g = x->gaps; g; g = g->next, t->gaps_told++)
		buf_addf(&t->out, " gap %s@%llu+%llu", g->dir == WIRE_READ ? "read" : "write",
			 (unsigned long long)g->offset, (unsigned long long)g->bytes);
	buf_add_char(&t->out, '\n');
	script_message(t, "req", &x->request);
	script_message(t, "res", &x->response);
	t->counted[request] += x->request.wire_bytes;
	t->counted[1 - request] += x->response.wire_bytes;
}

static void script_stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
			 const struct http_gap *gap)
{
	struct script *t = ctx;

	assert_ptr_equal(conn, &t->conn);
	t->stray[dir] += bytes;
	t->gaps_told += gap != NULL;
	if (gap)
		buf_addf(&t->out, "stray gap %s@%llu+%llu\n", dir == WIRE_READ ? "read" : "write",
			 (unsigned long long)gap->offset, (unsigned long long)gap->bytes);
}

static const struct http_ops script_ops = {
	.begin = script_begin,
	.request_head = script_request_head,
	.request_done = script_request_done,
	.response_head = script_response_head,
	.response_body = script_response_body,
	.event = script_event,
	.message = script_ws_message,
	.done = script_done,
	.stray = script_stray,
};

static void *script_start(void)
{
	struct script *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->steps = script_steps;
	t->swept = script_swept;
	t->times = script_times;
	buf_init(&t->out, SIZE_MAX);
	buf_init(&t->writes, SIZE_MAX);
	t->http = http_new(&script_ops, t);
	if (!t->http) {
		free(t);
		return NULL;
	}
	return t;
}

static void script_bytes(struct script *t, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {
		.conn = &t->conn,
		.dir = dir,
		.offset = t->offset[dir],
		.call_offset = t->offset[dir],
		.start_ns = 100 * t->at + 100,
		.ts_ns = 100 * t->at + 150,
		.tid = 7,
		.data = data,
	};

	if (data.n == 0)
		return;
	if (dir == WIRE_WRITE)
		buf_add(&t->writes, str_make(&t->offset[dir], sizeof(t->offset[dir])));
	t->offset[dir] += data.n;
	t->fed[dir] += data.n;
	http_feed(t->http, &chunk);
}

static void script_other(struct script *t, const struct step *s)
{
	enum wire_dir dir = s->kind == W || s->kind == GAP_W ? WIRE_WRITE : WIRE_READ;
	struct flow_gap gap = {&t->conn, dir, t->offset[dir], s->gap, s->cause, 100 * t->at + 100};

	switch (s->kind) {
	case W:
	case R:
		script_bytes(t, dir, s->data);
		break;
	case GAP_W:
	case GAP_R:
		t->gaps = true;
		t->gaps_fed += s->cause != WIRE_CAUSE_NONE;
		t->offset[dir] += s->gap;
		http_gap(t->http, &gap);
		break;
	default:
		t->closed = true;
		http_close(t->http, &t->conn,
			   s->kind == FREED    ? FLOW_END_FREED
			   : s->kind == EXITED ? FLOW_END_PROC_EXIT
					       : FLOW_END_SESSION,
			   100 * t->at);
	}
}

/* Runs all steps up to the next that is swept. */
static void script_run(struct script *t)
{
	while (t->steps[t->at].kind != END && t->steps[t->at].kind != t->swept)
		script_other(t, &t->steps[t->at]), t->at++;
}

static void script_feed(void *state, struct str piece)
{
	struct script *t = state;

	script_run(t);
	while (piece.n > 0) {
		const struct step *s = &t->steps[t->at];
		struct str part = str_head(piece, s->data.n - t->used);

		script_bytes(t, t->swept == W ? WIRE_WRITE : WIRE_READ, part);
		piece = str_skip(piece, part.n);
		t->used += part.n;
		if (t->used < s->data.n)
			break;
		t->used = 0;
		t->at++;
		script_run(t);
	}
}

static void script_finish(void *state, struct buf *out)
{
	struct script *t = state;

	script_run(t);
	if (t->stray[WIRE_WRITE])
		buf_addf(&t->out, "stray write %llu\n", (unsigned long long)t->stray[WIRE_WRITE]);
	if (t->stray[WIRE_READ])
		buf_addf(&t->out, "stray read %llu\n", (unsigned long long)t->stray[WIRE_READ]);
	buf_add(out, buf_str(&t->out));
}

static void script_stop(void *state)
{
	struct script *t = state;

	if (t->closed && !t->gaps)
		for (int d = 0; d < WIRE_DIRS; d++)
			if (t->fed[d] != t->counted[d] + t->stray[d])
				fail_msg("%s: fed %llu, in messages %llu, stray %llu",
					 d == WIRE_READ ? "read" : "write", (unsigned long long)t->fed[d],
					 (unsigned long long)t->counted[d], (unsigned long long)t->stray[d]);
	if (t->closed && t->gaps_fed != t->gaps_told)
		fail_msg("%llu gaps, told of %llu", (unsigned long long)t->gaps_fed,
			 (unsigned long long)t->gaps_told);
	http_free(t->http);
	buf_fini(&t->out);
	buf_fini(&t->writes);
	free(t);
}

static const struct harness_stage script_stage = {script_start, script_feed, script_finish, script_stop};

/* All bytes of one direction, one after another. */
static struct str script_input(const struct step *steps, enum script_kind kind, struct buf *b)
{
	buf_init(b, SIZE_MAX);
	for (const struct step *s = steps; s->kind != END; s++)
		if (s->kind == kind)
			buf_add(b, s->data);
	return buf_str(b);
}

static void script_once(const char *name, const struct step *steps, const char *want)
{
	struct buf got;
	void *t;

	script_steps = steps;
	script_swept = END;
	buf_init(&got, SIZE_MAX);
	t = script_start();
	script_finish(t, &got);
	script_stop(t);
	if (getenv("SCRIPT_SHOW"))
		printf("=== %s\n%.*s", name, STR_ARG(buf_str(&got)));
	else
		HARNESS_TEXT(name, buf_str(&got), want);
	buf_fini(&got);
}

enum script_sweeps { ALL_SWEEPS, NO_SPLITS };

static void script_sweep(const char *name, const struct step *steps, enum script_sweeps which)
{
	static const enum script_kind kinds[] = {W, R};

	for (size_t i = 0; i < 2; i++) {
		struct buf input;

		script_steps = steps;
		script_swept = kinds[i];
		script_input(steps, kinds[i], &input);
		if (which == ALL_SWEEPS)
			harness_every_split(name, &script_stage, buf_str(&input));
		harness_every_prefix(name, &script_stage, buf_str(&input));
		harness_every_oom(name, &script_stage, buf_str(&input));
		buf_fini(&input);
	}
	script_swept = END;
}

static inline void script_check(const char *name, const struct step *steps, const char *want)
{
	script_once(name, steps, want);
	script_sweep(name, steps, ALL_SWEEPS);
}

#endif
