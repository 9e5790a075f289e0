/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a message's body is and where it ends: RFC 9112 6.3, and chunks (7.1). */
#include <errno.h>
#include <string.h>

#include "http/parser.h"
#include "http/websocket.h"

static void broken(struct http_side *s, uint64_t offset, const char *why)
{
	http_exchange_broken(s->x, s->dir, offset, why);
}

/* ---- after a head ---- */

/* No HTTP/1 from here on, in both directions. A WebSocket's exchange goes on with its messages. */
static void upgraded(struct http_conn *c, struct http_open *o)
{
	bool ws = o->x.status == 101 && str_ieq(http_field(&o->x.response, "upgrade"), STR("websocket"));
	struct http_open *next;

	for (struct http_open *k = c->first; k; k = next) {
		next = k->next;
		if (k != o)
			http_exchange_end(k, HTTP_END_UPGRADED);
	}
	for (int d = 0; d < WIRE_DIRS; d++) {
		http_scan_drop(&c->side[d]);
		c->side[d].stage = HTTP_AT_OVER;
		c->side[d].x = NULL;
	}
	if (ws)
		c->ws = http_ws_new(c, o);
	if (c->ws == NULL)
		http_exchange_end(o, HTTP_END_UPGRADED);
	for (int d = 0; d < WIRE_DIRS; d++)
		c->side[d].stage = HTTP_AT_OVER;
}

/* RFC 9110 9.3.6: behind the proxy's 2xx both sides speak anew. TLS, most often, and the first byte tells; else what
 * they say is read as on any other connection. */
static void tunnelled(struct http_conn *c, struct http_open *o)
{
	struct http_open *next;

	for (struct http_open *k = c->first; k; k = next) {
		next = k->next;
		if (k != o)
			http_exchange_end(k, HTTP_END_UPGRADED);
	}
	http_exchange_end(o, HTTP_END_UPGRADED);
	c->tunnel = true;
	c->orphans = 0;
	for (int d = 0; d < WIRE_DIRS; d++) {
		http_scan_drop(&c->side[d]);
		c->side[d].stage = HTTP_AT_START;
		c->side[d].unsure = false;
	}
}

static bool has_no_body(const struct http_open *o, int status)
{
	return status == 204 || status == 304 || str_eq(o->x.method, STR("HEAD"));
}

static void begin_body(struct http_side *s, enum http_framing framing, uint64_t left)
{
	s->framing = framing;
	s->left = left;
	s->chunk_at = HTTP_CHUNK_SIZE;
	s->line_size = 0;
	s->trailer_size = 0;
	s->asked = 0;
	s->stage = HTTP_AT_BODY;
	http_verdict_body(s);
	if (framing == HTTP_BY_LENGTH && left == 0)
		http_exchange_message_done(s);
}

static void request_framing(struct http_side *s, const struct http_facts *f)
{
	struct http_open *o = s->x;
	struct http *h = s->conn->http;

	h->ops.request_head(h->ctx, &o->x);
	if (f->unframed || (f->has_te && !f->chunked)) {
		broken(s, s->at.offset + f->why_at, "the request's body has no end");
		http_exchange_message_lost(s);
	} else if (f->chunked) {
		begin_body(s, HTTP_BY_CHUNKS, 0);
	} else {
		begin_body(s, HTTP_BY_LENGTH, f->has_length ? f->length : 0);
	}
}

static void response_framing(struct http_side *s, const struct http_facts *f)
{
	struct http_open *o = s->x;
	struct http *h = s->conn->http;

	/* Whoever reads exchanges wants the request first, even if its body is still on its way. */
	http_exchange_told(o);
	h->ops.response_head(h->ctx, &o->x);
	if (s->status == 101) {
		o->x.response.done = true;
		upgraded(s->conn, o);
	} else if (str_eq(o->x.method, STR("CONNECT")) && s->status / 100 == 2) {
		o->x.response.done = true;
		tunnelled(s->conn, o);
	} else if (has_no_body(o, s->status)) {
		begin_body(s, HTTP_BY_LENGTH, 0);
	} else if (f->unframed) {
		http_exchange_message_lost(s);
	} else if (f->chunked) {
		begin_body(s, HTTP_BY_CHUNKS, 0);
	} else if (f->has_length) {
		begin_body(s, HTTP_BY_LENGTH, f->length);
	} else {
		begin_body(s, HTTP_BY_CLOSE, UINT64_MAX);
	}
}

/* A 1xx response: the final one is still to come. */
static void interim(struct http_side *s)
{
	buf_fini(&s->held);
	s->x = NULL;
	s->stage = HTTP_AT_START;
}

void http_framing_head(struct http_side *s, const struct http_piece *p)
{
	struct http_open *o = s->x;
	enum http_which which = http_which_of(s);
	struct http_message *m = http_message_of(o, which);
	struct http_facts facts = {0};
	struct str head;
	int r = -ENOMEM;

	(void)p;
	if (which == HTTP_RESPONSE && s->status < 200 && s->status != 101) {
		interim(s);
		return;
	}
	head = arena_dup(o->x.arena, buf_str(&s->held));
	if (head.p)
		r = http_head_parse(o->x.arena, (char *)head.p, head.n, m, &facts);
	buf_fini(&s->held);
	if (facts.why)
		broken(s, s->at.offset + facts.why_at, facts.why);
	if (r == 0)
		r = http_body_open(o, which, &facts);
	if (r < 0) {
		broken(s, s->at.offset, "no memory");
		http_exchange_message_lost(s);
		return;
	}
	m->head_done = true;
	if (which == HTTP_REQUEST)
		request_framing(s, &facts);
	else
		response_framing(s, &facts);
}

/* ---- bodies ---- */

static void feed_body(struct http_side *s, const struct http_piece *p, size_t from, size_t n)
{
	struct http_piece part = *p;

	part.data = str_make(p->data.p + from, n);
	part.offset += from;
	http_body_feed(s->x, http_which_of(s), &part);
}

/* The size line's end: data, or the trailer. */
static void size_done(struct http_side *s)
{
	s->line_size = 0;
	s->chunk_at = s->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
}

/* One byte of a size line before its extension. NULL, or what is wrong. */
static const char *feed_size(struct http_side *s, char c)
{
	int digit = str_hex_digit(c);

	s->line_size++;
	if (s->chunk_at == HTTP_CHUNK_SIZE) {
		if (digit < 0)
			return "bad chunk size";
		s->left = (uint64_t)digit;
		s->chunk_at = HTTP_CHUNK_DIGITS;
	} else if (digit >= 0) {
		if (s->left > HTTP_SIZE_MAX >> 4)
			return "chunk size beyond reason";
		s->left = s->left << 4 | (uint64_t)digit;
		if (s->line_size > LIMIT_HEADER_BYTES)
			return "chunk size line too long";
	} else if (c == '\n') {
		size_done(s);
	} else if (c == '\r') {
		s->chunk_at = HTTP_CHUNK_SIZE_LF;
	} else if (c == ';' || c == ' ' || c == '\t') {
		s->chunk_at = HTTP_CHUNK_EXT;
	} else {
		return "bad chunk size";
	}
	return NULL;
}

/* A part of the extension or of a trailer line; ends: with its LF. */
static const char *feed_run(struct http_side *s, struct str run, bool ends)
{
	if (s->chunk_at == HTTP_CHUNK_EXT) {
		s->line_size += run.n;
		if (s->line_size > LIMIT_HEADER_BYTES)
			return "chunk size line too long";
		if (ends)
			size_done(s);
		return NULL;
	}
	s->trailer_size += run.n;
	if (s->trailer_size > LIMIT_HEADER_BYTES)
		return "trailer too long";
	/* An empty line is nothing, or one CR, before its LF. */
	for (size_t i = 0; i < run.n - ends && s->line_size < 2; i++)
		s->line_size += run.p[i] == '\r' && s->line_size == 0 ? 1 : 2;
	if (!ends)
		return NULL;
	if (s->line_size < 2)
		http_exchange_message_done(s);
	else
		s->line_size = 0;
	return NULL;
}

static const char *feed_line_end(struct http_side *s, char c)
{
	if (s->chunk_at == HTTP_CHUNK_SIZE_LF) {
		if (c != '\n')
			return "CR without LF after a chunk size";
		size_done(s);
	} else if (s->chunk_at == HTTP_CHUNK_DATA_CR && c == '\r') {
		s->chunk_at = HTTP_CHUNK_DATA_LF;
	} else if (c == '\n') {
		s->line_size = 0;
		s->chunk_at = HTTP_CHUNK_SIZE;
	} else {
		return "no line end after a chunk";
	}
	return NULL;
}

/* The framing is lost at byte `at` of p; what follows may be another message. */
static void give_up(struct http_side *s, const struct http_piece *p, size_t at, const char *why)
{
	struct http_open *o = s->x;

	if (o->next_seen && at < p->data.n && p->data.p[at] == 'H' && s->chunk_at == HTTP_CHUNK_SIZE) {
		/* The next response where a chunk was due: this one's rest was never sent. */
		http_exchange_end(o, HTTP_END_NEXT);
		return;
	}
	broken(s, p->offset + at, why);
	http_exchange_message_lost(s);
}

/* What stands between two chunks' data, up to an extension; *n bytes of it were right. */
static const char *feed_lines(struct http_side *s, const struct http_piece *p, struct str rest, size_t *n)
{
	const char *why = NULL;
	bool more = true;

	for (*n = 0; more && *n < rest.n; *n += why == NULL) {
		bool size = s->chunk_at == HTTP_CHUNK_SIZE || s->chunk_at == HTTP_CHUNK_DIGITS;

		why = size ? feed_size(s, rest.p[*n]) : feed_line_end(s, rest.p[*n]);
		more = why == NULL && s->chunk_at != HTTP_CHUNK_DATA && s->chunk_at != HTTP_CHUNK_EXT &&
		       s->chunk_at != HTTP_CHUNK_TRAILER;
	}
	http_count(s, *n, p->ts_ns);
	return why;
}

/* Takes a run of bytes of one kind, *n of them, which are counted unless they are wrong. */
static const char *feed_chunk_part(struct http_side *s, const struct http_piece *p, size_t pos, size_t *n)
{
	struct str rest = str_skip(p->data, pos);
	const char *lf;

	switch (s->chunk_at) {
	case HTTP_CHUNK_DATA:
		*n = rest.n < s->left ? rest.n : (size_t)s->left;
		s->left -= *n;
		if (s->left == 0)
			s->chunk_at = HTTP_CHUNK_DATA_CR;
		http_count(s, *n, p->ts_ns);
		feed_body(s, p, pos, *n);
		return NULL;
	case HTTP_CHUNK_EXT:
	case HTTP_CHUNK_TRAILER:
		lf = memchr(rest.p, '\n', rest.n);
		*n = lf ? (size_t)(lf - rest.p) + 1 : rest.n;
		http_count(s, *n, p->ts_ns);
		return feed_run(s, str_head(rest, *n), lf != NULL);
	default:
		return feed_lines(s, p, rest, n);
	}
}

static size_t feed_chunks(struct http_side *s, const struct http_piece *p)
{
	struct http_open *o = s->x;
	size_t pos = 0;

	while (pos < p->data.n && s->x == o) {
		size_t n;
		const char *why = feed_chunk_part(s, p, pos, &n);

		pos += n;
		if (why) {
			give_up(s, p, pos, why);
			return pos;
		}
	}
	return pos;
}

size_t http_framing_feed(struct http_side *s, const struct http_piece *p)
{
	size_t n = p->data.n;

	if (s->framing == HTTP_BY_CHUNKS)
		return feed_chunks(s, p);
	if (s->framing == HTTP_BY_LENGTH && s->left < n)
		n = (size_t)s->left;
	http_count(s, n, p->ts_ns);
	feed_body(s, p, 0, n);
	if (s->framing == HTTP_BY_LENGTH) {
		s->left -= n;
		if (s->left == 0)
			http_exchange_message_done(s);
	}
	return n;
}

bool http_framing_is_over(const struct http_side *s)
{
	if (s->stage != HTTP_AT_BODY || s->framing != HTTP_BY_NEXT)
		return false;
	return http_is_request_side(s) ? s->x->response_over : s->x->next_seen;
}

uint64_t http_framing_gap(struct http_side *s, uint64_t bytes, bool policy)
{
	struct http_open *o = s->x;
	enum http_which which = http_which_of(s);
	uint64_t taken = bytes;

	bool in_chunk = s->chunk_at == HTTP_CHUNK_DATA && s->left >= bytes;

	if (s->framing == HTTP_BY_CHUNKS && !in_chunk && policy) {
		s->framing = HTTP_BY_NEXT;
		s->left = UINT64_MAX;
	}
	if (s->framing == HTTP_BY_CHUNKS && !in_chunk) {
		http_exchange_message_lost(s);
		return UINT64_MAX;
	}
	if (s->framing == HTTP_BY_LENGTH && s->left < bytes)
		taken = s->left;
	http_message_of(o, which)->wire_bytes += taken;
	http_body_gap(o, which, taken);
	if (s->framing == HTTP_BY_LENGTH || s->framing == HTTP_BY_CHUNKS)
		s->left -= taken;
	if (http_framing_is_over(s))
		http_exchange_message_done(s);
	if (s->x == NULL || s->left > 0)
		return taken;
	if (s->framing == HTTP_BY_CHUNKS)
		s->chunk_at = HTTP_CHUNK_DATA_CR;
	else
		http_exchange_message_done(s);
	return taken;
}
