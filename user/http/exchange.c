/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life and pairing of exchanges. Answers come in the order of requests (RFC 9112 9.3.2), so pairing is counting; the
 * rules below are for what was not seen: the beginning (attach), and what gaps hide.
 */
#include <errno.h>
#include <stdlib.h>

#include "http/parser.h"
#include "http/websocket.h"

static void link_before(struct http_conn *c, struct http_open *o, struct http_open *at)
{
	o->next = at;
	o->prev = at ? at->prev : c->last;
	*(o->prev ? &o->prev->next : &c->first) = o;
	*(at ? &at->prev : &c->last) = o;
}

static void unlink_open(struct http_conn *c, struct http_open *o)
{
	*(o->prev ? &o->prev->next : &c->first) = o->next;
	*(o->next ? &o->next->prev : &c->last) = o->prev;
}

void http_exchange_free(struct http_open *o)
{
	if (!o)
		return;
	http_body_fini(&o->body[HTTP_REQUEST]);
	http_body_fini(&o->body[HTTP_RESPONSE]);
	http_ws_free(o->ws);
	arena_free(o->x.arena);
	free(o);
}

static void drop_open(struct http_open **o)
{
	http_exchange_free(*o);
}

static struct http_side *side_of(struct http_conn *c, enum http_which which)
{
	enum wire_dir request = c->request_dir;

	return &c->side[which == HTTP_REQUEST ? request : 1 - request];
}

/* A new exchange before `at` (NULL: the last); the roles are known. */
static struct http_open *open_exchange(struct http_side *s, struct http_open *at)
{
	struct http_conn *c = s->conn;
	autodrop(drop_open) struct http_open *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	buf_init(&o->body[HTTP_REQUEST].text, LIMIT_INFLATED_BYTES);
	buf_init(&o->body[HTTP_RESPONSE].text, LIMIT_INFLATED_BYTES);
	buf_init(&o->body[HTTP_REQUEST].tail, LIMIT_BODY_BYTES);
	buf_init(&o->body[HTTP_RESPONSE].tail, LIMIT_BODY_BYTES);
	o->x.arena = arena_new(LIMIT_SPAN_BYTES);
	if (!o->x.arena)
		return NULL;
	o->conn = c;
	o->mark = side_of(c, HTTP_RESPONSE)->offset;
	o->x.conn = c->flow;
	o->x.tid = s->at.tid;
	o->x.server_side = c->request_dir == WIRE_READ;
	o->x.tunnelled = c->tunnel;
	o->x.index = ++c->index;
	link_before(c, o, at);
	c->waiting++;
	c->http->stats.exchanges++;
	return take(o);
}

void http_exchange_begins(struct http_message *m, const struct http_piece *at)
{
	if (m->begun)
		return; /* after an interim response */
	m->begun = true;
	m->start_ns = at->start_ns;
	m->first_ns = at->ts_ns;
	m->end_ns = at->ts_ns;
	m->offset = at->offset;
	m->write = at->write;
}

void http_exchange_broken(struct http_open *o, enum wire_dir dir, uint64_t offset, const char *why)
{
	if (o->x.broken.set)
		return;
	o->x.broken = (struct http_broken){.set = true, .dir = dir, .offset = offset, .why = why};
	o->conn->http->stats.broken++;
}

struct http_open *http_exchange_open(struct http_side *s)
{
	return open_exchange(s, NULL);
}

bool http_exchange_gap(struct http_open *o, const struct flow_gap *gap)
{
	struct http_gap *g;

	if (gap->cause == WIRE_CAUSE_NONE)
		return true;
	g = arena_alloc(o->x.arena, sizeof(*g));
	if (!g)
		return false;
	*g = (struct http_gap){
		.dir = gap->dir, .offset = gap->offset, .bytes = gap->bytes, .cause = gap->cause};
	*(o->last_gap ? &o->last_gap->next : &o->x.gaps) = g;
	o->last_gap = g;
	return true;
}

void http_exchange_told(struct http_open *o)
{
	struct http *h = o->conn->http;

	if (o->request_told || !o->x.request.head_done)
		return;
	o->request_told = true;
	h->ops.request_done(h->ctx, &o->x);
}

static void set_answered(struct http_open *o)
{
	if (!o->answered)
		o->conn->waiting--;
	o->answered = true;
}

void http_exchange_end(struct http_open *o, enum http_end end)
{
	struct http_conn *c = o->conn;
	struct http *h = c->http;

	for (int d = 0; d < WIRE_DIRS; d++) {
		struct http_side *s = &c->side[d];

		if (s->x != o)
			continue;
		/* The rest of its message, should it come, is no one's: a start line will be looked for. */
		s->x = NULL;
		buf_fini(&s->held);
		s->stage = HTTP_AT_START;
		s->unsure = true;
	}
	if (end != HTTP_END_SESSION) {
		http_body_close(o, HTTP_REQUEST, false, 0, o->x.request.end_ns);
		http_body_close(o, HTTP_RESPONSE, false, 0, o->x.response.end_ns);
	}
	http_exchange_told(o);
	set_answered(o);
	unlink_open(c, o);
	o->x.end = end;
	h->ops.done(h->ctx, &o->x);
	http_exchange_free(o);
}

void http_exchange_end_all(struct http_conn *c, enum http_end end)
{
	while (c->first)
		http_exchange_end(c->first, end);
}

struct http_open *http_exchange_waiting(const struct http_conn *c)
{
	struct http_open *o = c->first;

	while (o && o->answered)
		o = o->next;
	return o;
}

bool http_exchange_is_passed(const struct http_open *o)
{
	const struct http_side *s = side_of(o->conn, HTTP_RESPONSE);
	struct str held = buf_str(&s->held), status = STR("HTTP/1.");

	if (o->answered || s->offset == o->mark)
		return false;
	if (s->stage == HTTP_AT_START)
		return held.n > 0 && !str_eq(str_head(held, status.n), str_head(status, held.n));
	return s->stage == HTTP_AT_SCAN;
}

void http_exchange_hidden(struct http_conn *c, bool begun)
{
	/* A client that does not pipeline wrote its last request after all earlier answers were read; so only the last
	 * one may still come, and one that waits alone is the one whose answer began here. */
	uint32_t n = c->waiting;

	if (!c->pipelines && n > 1)
		n--;
	else if (!begun)
		return;
	c->orphans = 0;
	while (n-- > 0)
		http_exchange_end(http_exchange_waiting(c), HTTP_END_LOST);
}

/* Whether s may be the side that this kind of line comes from; sets or turns the roles. */
static bool roles_allow(struct http_side *s, bool request)
{
	struct http_conn *c = s->conn;
	enum wire_dir dir = request ? s->dir : 1 - s->dir;

	if (c->role_known && c->request_dir == dir)
		return true;
	if (c->role_known && c->proved)
		return false;
	/* A first guess, or one from a body that looked like a message. */
	http_exchange_end_all(c, HTTP_END_LOST);
	c->role_known = true;
	c->request_dir = dir;
	c->orphans = 0;
	return true;
}

/* What a new request tells of those before it. */
static void settle_earlier(struct http_conn *c)
{
	struct http_side *r = side_of(c, HTTP_RESPONSE);
	struct http_open *next;

	for (struct http_open *o = c->first; o; o = next) {
		next = o->next;
		if (http_exchange_is_passed(o)) {
			http_exchange_end(o, HTTP_END_LOST);
			continue;
		}
		if (!o->answered || o->response_over || !o->x.response.head_done)
			continue;
		o->next_seen = true;
		/* No framing will end it, and who sends another request has done with it. */
		if (r->x == o && r->stage == HTTP_AT_BODY && r->framing == HTTP_BY_CLOSE)
			http_exchange_end(o, HTTP_END_NEXT);
	}
	if (c->waiting < LIMIT_PIPELINED)
		return;
	uint32_t lost = c->waiting;
	for (struct http_open *o = c->first; o; o = next) {
		next = o->next;
		if (!o->answered) {
			struct http_side *q = side_of(c, HTTP_REQUEST);

			http_exchange_broken(o, q->dir, q->at.offset, "too many requests await an answer");
			http_exchange_end(o, HTTP_END_LOST);
		}
	}
	c->orphans += lost;
}

static bool start_request(struct http_side *s, struct str method, struct str target, size_t bytes)
{
	struct http_conn *c = s->conn;
	struct http *h = c->http;
	struct http_open *o;

	settle_earlier(c);
	o = open_exchange(s, NULL);
	if (!o)
		return false;
	o->x.request_seen = true;
	o->x.method = arena_dup(o->x.arena, method);
	if (target.p)
		o->x.target = arena_dup(o->x.arena, target);
	http_exchange_begins(&o->x.request, &s->at);
	o->x.request.wire_bytes = bytes;
	s->x = o;
	h->ops.begin(h->ctx, &o->x);
	return true;
}

/* The exchange that a response belongs to: the first that waits, else one of its own. */
static struct http_open *answered_by(struct http_side *s, bool final)
{
	struct http_conn *c = s->conn;
	struct http *h = c->http;
	struct http_open *o;

	o = http_exchange_waiting(c);
	if (o && (c->orphans == 0 || !o->x.request_seen)) {
		if (o->x.request_seen && c->waiting > 1 && s->stage == HTTP_AT_START && !s->unsure)
			c->pipelines = true;
		c->proved = c->proved || o->x.request_seen;
		c->orphans -= final && c->orphans > 0;
		return o;
	}
	c->orphans -= final && c->orphans > 0;
	o = open_exchange(s, c->first);
	if (!o)
		return NULL;
	o->request_over = true;
	o->request_told = true;
	http_exchange_begins(&o->x.response, &s->at);
	h->ops.begin(h->ctx, &o->x);
	return o;
}

bool http_exchange_start(struct http_side *s, struct str line)
{
	struct http_start start = http_start_parse(line);
	struct http_open *o;

	if (start.kind != HTTP_START_REQUEST && start.kind != HTTP_START_STATUS)
		return false;
	if (!roles_allow(s, start.kind == HTTP_START_REQUEST))
		return false;
	if (start.kind == HTTP_START_REQUEST)
		return start_request(s, start.method, start.target, line.n);
	bool final = start.status >= 200 || start.status == 101;
	o = answered_by(s, final);
	if (!o)
		return false;
	http_exchange_begins(&o->x.response, &s->at);
	o->x.response.wire_bytes += line.n;
	s->status = start.status;
	if (final) {
		o->x.status = start.status;
		set_answered(o);
	}
	s->x = o;
	return true;
}

bool http_exchange_start_cut(struct http_side *s, struct str method)
{
	struct http_open *o;

	if (method.p) {
		if (!roles_allow(s, true) || !start_request(s, method, STR_NONE, s->held.n))
			return false;
	} else {
		o = http_exchange_waiting(s->conn);
		if (!o || s->conn->orphans > 0)
			return false;
		http_exchange_begins(&o->x.response, &s->at);
		o->x.response.wire_bytes += s->held.n;
		s->x = o;
	}
	s->stage = HTTP_AT_HEAD;
	return true;
}

static void over(struct http_side *s, struct http_open *o)
{
	if (http_is_request_side(s)) {
		o->request_over = true;
		http_exchange_told(o);
	} else {
		o->response_over = true;
		set_answered(o);
	}
	s->x = NULL;
	s->stage = HTTP_AT_START;
	if (o->request_over && o->response_over)
		http_exchange_end(o, o->lost ? HTTP_END_LOST : HTTP_END_DONE);
}

void http_exchange_message_done(struct http_side *s)
{
	struct http_open *o = s->x;
	enum http_which which = http_which_of(s);
	struct http_message *m = http_message_of(o, which);

	m->done = true;
	s->unsure = false;
	http_body_close(o, which, true, s->offset, m->end_ns);
	over(s, o);
}

void http_exchange_message_lost(struct http_side *s)
{
	struct http_open *o = s->x;
	enum http_which which = http_which_of(s);
	struct http_message *m = http_message_of(o, which);

	o->lost = true;
	s->unsure = true;
	m->body_kept = false;
	http_body_close(o, which, false, 0, m->end_ns);
	buf_fini(&s->held);
	over(s, o);
}
