/* SPDX-License-Identifier: BSD-2-Clause */
/* The door: connections, and the walk of one piece of bytes through its side's stages. */
#include "http/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "http/lines.h"
#include "http/parser.h"
#include "http/websocket.h"

struct http *http_new(const struct http_ops *ops, void *ctx)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ops = *ops;
	h->ctx = ctx;
	return h;
}

/* What a side holds never grows beyond a head and the line that broke its limit. */
#define HELD_MAX (4u * LIMIT_HEADER_BYTES)

static struct http_conn *get_conn(struct http *h, struct flow_conn *flow)
{
	struct http_conn *c = flow->user;

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->http = h;
	c->flow = flow;
	for (int d = 0; d < WIRE_DIRS; d++) {
		c->side[d].conn = c;
		c->side[d].dir = (enum wire_dir)d;
		c->side[d].unsure = true;
		buf_init(&c->side[d].held, HELD_MAX);
	}
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	flow->user = c;
	return c;
}

static void free_conn(struct http_conn *c)
{
	while (c->first) {
		struct http_open *o = c->first;

		c->first = o->next;
		http_exchange_free(o);
	}
	for (int d = 0; d < WIRE_DIRS; d++)
		buf_fini(&c->side[d].held);
	http_h2_free(c->h2);
	http_ws_free(c->ws);
	http_lines_free(c->lines);
	*(c->prev ? &c->prev->next : &c->http->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
}

/* Exchanges that are still open go without a word, and connections are not touched: flow may be gone. */
void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->conns)
		free_conn(h->conns);
	free(h);
}

struct http_stats http_stats(const struct http *h)
{
	return h->stats;
}

static struct str field_find(const struct http_field *fields, uint32_t count, const char *name)
{
	struct str want = str_of(name);

	for (uint32_t i = 0; i < count; i++)
		if (str_ieq(fields[i].name, want))
			return fields[i].value;
	return STR_NONE;
}

struct str http_field(const struct http_message *m, const char *name)
{
	return field_find(m->fields, m->count, name);
}

struct str http_trailer(const struct http_message *m, const char *name)
{
	return field_find(m->trailers, m->trailer_count, name);
}

static void tell_stray(struct http *h, struct flow_conn *flow, enum wire_dir dir, uint64_t bytes,
		       const struct flow_gap *gap)
{
	struct http_gap g;

	h->stats.stray_bytes += bytes;
	if (!h->ops.stray)
		return;
	if (gap)
		g = (struct http_gap){
			.dir = dir, .offset = gap->offset, .bytes = gap->bytes, .cause = gap->cause};
	h->ops.stray(h->ctx, flow, dir, bytes, gap ? &g : NULL);
}

void http_stray(struct http_side *s, uint64_t bytes)
{
	if (bytes > 0)
		tell_stray(s->conn->http, s->conn->flow, s->dir, bytes, NULL);
}

void http_stray_gap(struct http_side *s, const struct flow_gap *gap)
{
	if (gap->cause != WIRE_CAUSE_NONE)
		tell_stray(s->conn->http, s->conn->flow, s->dir, 0, gap);
}

void http_count(struct http_side *s, uint64_t bytes, uint64_t ts_ns)
{
	struct http_message *m = http_message_of(s->x, http_which_of(s));

	m->wire_bytes += bytes;
	s->offset += bytes; /* http_feed sets it anew, but an end within its step wants to know */
	if (bytes > 0)
		m->end_ns = ts_ns;
}

/* ---- stages ---- */

static void judge_line(struct http_side *s, const struct http_piece *p)
{
	struct str line = buf_str(&s->held);

	if (s->unsure && http_start_find(line, true, true) > 0) {
		/* The end of something that we have not seen stands before the start line. */
		http_scan_begin(s, true, p);
	} else if (http_start_parse(line).kind == HTTP_START_PREFACE) {
		http_switch_preface(s);
	} else if (line.n <= LIMIT_HEADER_BYTES && http_exchange_start(s, line)) {
		http_message_of(s->x, http_which_of(s))->end_ns = p->ts_ns;
		s->stage = HTTP_AT_HEAD;
		s->line = s->held.n;
	} else {
		http_scan_begin(s, true, p);
	}
}

/* Bytes until the line's end, but not many more than a head may have. */
static size_t line_bytes(const struct http_side *s, struct str data, bool *whole)
{
	size_t room = LIMIT_HEADER_BYTES + 1 - s->held.n;
	struct str part = str_head(data, room);
	const char *lf = memchr(part.p, '\n', part.n);

	*whole = lf != NULL;
	return lf ? (size_t)(lf - part.p) + 1 : part.n;
}

/* A TLS handshake's first byte (RFC 8446 5.1): what the tunnel carries is not for us, and what it says another
 * connection shows, or none. */
static bool is_sealed(const struct http_side *s, struct str data)
{
	return s->conn->tunnel && s->held.n == 0 && data.p[0] == 0x16;
}

static size_t feed_start(struct http_side *s, const struct http_piece *p)
{
	bool whole;
	size_t n = 0, before = s->held.n;

	if (is_sealed(s, p->data)) {
		for (int d = 0; d < WIRE_DIRS; d++) {
			http_scan_drop(&s->conn->side[d]);
			s->conn->side[d].stage = HTTP_AT_OVER;
		}
		http_verdict_all(s->conn);
		return 0;
	}
	if (before == 0) {
		/* RFC 9112 2.2: empty lines before a message are to be passed over. */
		while (n < p->data.n && (p->data.p[n] == '\r' || p->data.p[n] == '\n'))
			n++;
		if (n > 0) {
			http_stray(s, n);
			return n;
		}
		s->at = *p;
		s->at.data = STR_NONE;
	}
	n = line_bytes(s, p->data, &whole);
	buf_add(&s->held, str_head(p->data, n));
	if (buf_err(&s->held) < 0) {
		http_stray(s, before + n);
		buf_fini(&s->held);
		http_scan_begin(s, false, p);
	} else if (whole) {
		judge_line(s, p);
	} else if (s->held.n > LIMIT_HEADER_BYTES ||
		   (before < 40 && !http_start_is_prefix(buf_str(&s->held)))) {
		http_scan_begin(s, false, p);
	}
	return n;
}

static size_t feed_head(struct http_side *s, const struct http_piece *p)
{
	struct http_open *o = s->x;
	size_t pos = 0;

	while (pos < p->data.n) {
		bool whole;
		size_t n = line_bytes(s, str_skip(p->data, pos), &whole);
		const char *line;

		buf_add(&s->held, str_make(p->data.p + pos, n));
		http_count(s, n, p->ts_ns);
		pos += n;
		if (buf_err(&s->held) < 0 || s->held.n > LIMIT_HEADER_BYTES) {
			bool memory = buf_err(&s->held) < 0;

			http_exchange_broken(o, s->dir, s->at.offset + (memory ? 0 : LIMIT_HEADER_BYTES),
					     memory ? "no memory" : "head too long");
			http_exchange_message_lost(s);
			break;
		}
		if (!whole)
			break;
		line = s->held.p + s->line;
		n = s->held.n - s->line;
		s->line = s->held.n;
		if (n == 1 || (n == 2 && line[0] == '\r')) {
			http_framing_head(s, p);
			break;
		}
	}
	return pos;
}

static size_t feed_side(struct http_side *s, const struct http_piece *p)
{
	switch (s->stage) {
	case HTTP_AT_START:
		return feed_start(s, p);
	case HTTP_AT_SCAN:
		return http_scan_feed(s, p);
	case HTTP_AT_HEAD:
		return feed_head(s, p);
	case HTTP_AT_BODY:
		return http_framing_feed(s, p);
	case HTTP_AT_OVER:
		break;
	}
	http_stray(s, p->data.n);
	return p->data.n;
}

/* A call that gives a status line in the middle of a body whose client has gone on to the next request: the rest of
 * that body was never read. */
static void look_for_next(struct http_side *s, struct str data)
{
	if (http_framing_is_over(s)) {
		http_exchange_message_done(s);
		s->unsure = true;
	}
	if (s->stage == HTTP_AT_BODY && s->x->next_seen && !http_is_request_side(s) &&
	    http_start_is_status(data))
		http_exchange_end(s->x, HTTP_END_NEXT);
}

/* Without memory its bytes are no lines, nor HTTP. */
static bool is_lines(struct http_conn *c, const struct http_piece *p)
{
	if (!c->h2 && !c->ws && http_lines_is_begin(c, p->data))
		c->lines = http_lines_new(c);
	return c->lines != NULL;
}

void http_feed(struct http *h, const struct flow_chunk *chunk)
{
	struct http_conn *c = get_conn(h, chunk->conn);
	struct http_piece p = {.data = chunk->data,
			       .offset = chunk->offset,
			       .start_ns = chunk->start_ns,
			       .ts_ns = chunk->ts_ns,
			       .tid = chunk->tid};
	struct http_side *s;

	if (!c) {
		tell_stray(h, chunk->conn, chunk->dir, chunk->data.n, NULL);
		return;
	}
	if (chunk->dir == WIRE_WRITE)
		p.write =
			(struct http_write){.is_one = true, .conn = chunk->key, .offset = chunk->call_offset};
	s = &c->side[chunk->dir];
	if (s->seen && chunk->offset > s->offset) {
		/* Missing bytes that nobody told of. */
		struct flow_gap gap = {chunk->conn,	chunk->dir,  s->offset, chunk->offset - s->offset,
				       WIRE_CAUSE_NONE, chunk->ts_ns};
		http_gap(h, &gap);
	}
	s->seen = true;
	s->offset = chunk->offset;
	if (c->lines || is_lines(c, &p)) {
		http_lines_feed(c->lines, chunk->dir, &p);
		s->offset += p.data.n;
		return;
	}
	if (c->h2 == NULL && c->ws == NULL && http_switch_is_h2(s, &p))
		http_switch_h2(s, &p);
	if (c->h2 == NULL && c->ws == NULL && http_switch_is_ws(s, &p))
		http_switch_ws(s, &p);
	if (c->h2 == NULL && c->ws == NULL)
		look_for_next(s, p.data);
	while (p.data.n > 0 && c->h2 == NULL && c->ws == NULL) {
		size_t n = feed_side(s, &p);

		p.data = str_skip(p.data, n);
		p.offset += n;
		s->offset = p.offset;
	}
	if (c->h2 != NULL && p.data.n > 0)
		http_h2_feed(c->h2, s, &p);
	else if (c->ws != NULL && p.data.n > 0)
		http_ws_feed(c->ws, s, &p);
	http_verdict_body(s);
	http_verdict_conn(c, chunk->data);
}

/* ---- recordings ---- */

/* A chunk's line end and a plain size line in hex. */
#define SIZE_LINES_BYTES 16u

/* How far chunks reach of which none is the last one: a place within one, or the end of one with something else behind. */
static uint64_t chunks_reach(uint64_t left, struct str next)
{
	uint64_t at = left, size;

	while (at < next.n) {
		struct str end, line, lines = str_head(str_skip(next, (size_t)at), SIZE_LINES_BYTES);
		struct str behind = str_cut(str_cut(lines, '\n', &end), '\n', &line);

		if (behind.p == NULL || str_trim(end).n > 0 || !str_to_u64_hex(str_trim(line), &size) ||
		    size == 0)
			break;
		at += (size_t)(behind.p - lines.p) + size;
	}
	return at;
}

size_t http_reach(const struct flow_conn *conn, enum wire_dir dir, struct str next)
{
	const struct http_conn *c = conn->user;
	const struct http_side *s = c ? &c->side[dir] : NULL;
	bool over = s && s->stage == HTTP_AT_OVER, body = s && s->stage == HTTP_AT_BODY;
	uint64_t left = next.n;

	if (c && c->h2)
		return http_h2_reach(c->h2, dir, next.n);
	if (body && s->framing == HTTP_BY_LENGTH) {
		left = s->left;
	} else if (body && s->framing == HTTP_BY_CHUNKS && s->chunk_at == HTTP_CHUNK_DATA) {
		left = chunks_reach(s->left, next);
	} else if (!over && !(body && s->framing == HTTP_BY_CLOSE)) {
		/* Heads, chunk sizes, trailers and what is no message end with a line. */
		ptrdiff_t at = str_find_char(next, '\n');

		if (at >= 0)
			left = (uint64_t)at + 1;
	}
	return left > 0 && left < next.n ? (size_t)left : next.n;
}

bool http_awaits_answer(const struct flow_conn *conn)
{
	const struct http_conn *c = conn->user;
	const struct http_open *o = c && !c->ws ? c->first : NULL;

	while (o && o->ws)
		o = o->next;
	/* A WebSocket on a stream speaks once it was let in. */
	return o && (o->x.websocket ? !o->x.response.head_done : o->request_over && !o->response_over);
}

/* ---- gaps ---- */

/* A message's first line was cut off: it still counts as begun when it can be nothing else. */
static bool begin_cut(struct http_side *s)
{
	static const char *const starts[] = {"POST ",	"GET ",	    "HEAD ",	"PUT ",	   "PATCH ",
					     "DELETE ", "OPTIONS ", "CONNECT ", "HTTP/1.", NULL};
	struct str held = buf_str(&s->held);
	bool response = s->conn->role_known && !http_is_request_side(s);

	if (s->stage != HTTP_AT_START || held.n == 0)
		return false;
	for (size_t i = 0; starts[i]; i++) {
		struct str start = str_of(starts[i]);

		if (str_starts(held, start) && (start.p[0] == 'H' && start.p[1] == 'T') == response)
			return response ? http_exchange_start_cut(s, STR_NONE)
					: http_exchange_start_cut(s, str_head(start, start.n - 1));
	}
	return false;
}

static void gap_at_border(struct http_side *s, const struct flow_gap *gap)
{
	struct http_conn *c = s->conn;
	bool response = c->role_known && !http_is_request_side(s);
	struct http_open *o = response && s->stage == HTTP_AT_START ? http_exchange_waiting(c) : NULL;

	/* While scanning, nobody knows whose bytes these were. */
	if ((!o || !http_exchange_gap(o, gap)) && gap->cause != WIRE_CAUSE_NONE)
		tell_stray(c->http, c->flow, s->dir, 0, gap);
	if (response)
		http_exchange_hidden(c, o != NULL);
	http_scan_drop(s);
	s->stage = HTTP_AT_START;
	s->unsure = true;
}

static void gap_in_body(struct http_side *s, const struct flow_gap *gap)
{
	struct http_conn *c = s->conn;
	bool response = !http_is_request_side(s);
	uint64_t taken = http_framing_gap(s, gap->bytes, gap->cause == WIRE_CAUSE_NONE);

	if (taken == gap->bytes)
		return;
	if (response)
		http_exchange_hidden(c, taken != UINT64_MAX);
	s->unsure = true;
}

void http_gap(struct http *h, const struct flow_gap *gap)
{
	struct http_conn *c = get_conn(h, gap->conn);
	struct http_side *s;

	if (c && c->lines) {
		c->side[gap->dir].offset = gap->offset + gap->bytes;
		http_lines_gap(c->lines, gap);
		return;
	}
	if (c && c->h2) {
		http_h2_gap(c->h2, &c->side[gap->dir], gap);
		return;
	}
	if (c && c->ws) {
		http_ws_gap(c->ws, &c->side[gap->dir], gap);
		return;
	}
	if (!c || c->side[gap->dir].stage == HTTP_AT_OVER) {
		if (gap->cause != WIRE_CAUSE_NONE)
			tell_stray(h, gap->conn, gap->dir, 0, gap);
		return;
	}
	s = &c->side[gap->dir];
	s->seen = true;
	s->offset = gap->offset + gap->bytes;
	if (s->stage == HTTP_AT_START || s->stage == HTTP_AT_SCAN)
		if (!begin_cut(s)) {
			gap_at_border(s, gap);
			return;
		}
	if (!http_exchange_gap(s->x, gap))
		tell_stray(h, gap->conn, gap->dir, 0, gap);
	if (s->stage == HTTP_AT_BODY) {
		gap_in_body(s, gap);
		return;
	}
	http_exchange_message_lost(s);
	if (c->role_known && !http_is_request_side(s))
		http_exchange_hidden(c, false);
}

/* ---- ends ---- */

static enum http_end end_of(enum flow_end why)
{
	switch (why) {
	case FLOW_END_PROC_EXIT:
		return HTTP_END_ABORTED;
	case FLOW_END_SESSION:
		return HTTP_END_SESSION;
	case FLOW_END_FREED:
		break;
	}
	return HTTP_END_CLOSED;
}

static void end_open(struct http_open *o, enum http_end end)
{
	if (o->ws || (o->conn->ws && http_ws_is_of(o->conn->ws, o)))
		end = end == HTTP_END_CLOSED ? HTTP_END_UPGRADED : end;
	else if (http_exchange_is_passed(o))
		end = HTTP_END_LOST;
	else if (end == HTTP_END_CLOSED && o->next_seen && !o->response_over)
		end = HTTP_END_NEXT;
	http_exchange_end(o, end);
}

void http_close(struct http *h, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	struct http_conn *c = conn->user;

	(void)h;
	if (!c)
		return;
	if (c->lines)
		http_lines_end(c->lines, end_of(why), ts_ns);
	for (int d = 0; d < WIRE_DIRS; d++) {
		struct http_side *s = &c->side[d];

		if (s->stage != HTTP_AT_BODY)
			continue;
		/* How a body whose framing was skipped went on, nobody knows; it is not to blame. */
		if ((s->framing == HTTP_BY_CLOSE && why == FLOW_END_FREED) ||
		    (s->framing == HTTP_BY_NEXT && why != FLOW_END_SESSION))
			http_exchange_message_done(s);
	}
	for (int d = 0; d < WIRE_DIRS; d++)
		begin_cut(&c->side[d]);
	while (c->first)
		end_open(c->first, end_of(why));
	if (c->h2)
		http_h2_flush(c->h2);
	for (int d = 0; d < WIRE_DIRS; d++)
		http_scan_drop(&c->side[d]);
	free_conn(c);
	conn->user = NULL;
}
