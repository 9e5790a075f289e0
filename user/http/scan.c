/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the next message where we do not know what we are in: the middle of a body (attach), the far side of a gap,
 * or something that is no HTTP. A line whose end is a start line counts when the line after it is a field (or the
 * empty line): what stands before it on its line is the end of somebody's body, which has no line end of its own.
 * Where calls begin and end plays no part, so any cutting of the stream gives the same messages.
 *
 * held: [a candidate, `line` bytes][the line after it so far], or without a candidate [the line so far], of which
 * only the last bytes are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "http/parser.h"

/* Drops the first n bytes of held as stray. */
static void stray_held(struct http_side *s, size_t n)
{
	http_stray(s, n);
	buf_consume(&s->held, n);
	s->at.offset += n;
}

void http_scan_drop(struct http_side *s)
{
	if (s->stage == HTTP_AT_START || s->stage == HTTP_AT_SCAN)
		http_stray(s, s->held.n);
	buf_fini(&s->held);
	s->line = 0;
}

static bool takes(const struct http_side *s, bool request)
{
	return !s->conn->role_known || request == http_is_request_side(s);
}

/* held is one whole line: a candidate, or nothing. */
static void try_candidate(struct http_side *s, const struct http_piece *p)
{
	struct str line;
	ptrdiff_t at;

	if (s->held.n > HTTP_SCAN_BYTES)
		stray_held(s, s->held.n - HTTP_SCAN_BYTES);
	line = buf_str(&s->held);
	at = line.n > 0 ? http_start_find(line, takes(s, true), takes(s, false)) : -1;

	stray_held(s, at < 0 ? line.n : (size_t)at);
	s->line = at < 0 ? 0 : s->held.n;
	/* The call that brought the line's end is the one that counts: an earlier one may have been all stray. Whose its
	 * first byte is, when it is of an earlier one, is not known any more. */
	s->at.write = s->at.offset >= p->offset ? p->write : (struct http_write){0};
	s->at.start_ns = p->start_ns;
	s->at.ts_ns = p->ts_ns;
	s->at.tid = p->tid;
}

/* A candidate and the whole line after it. */
static void judge_candidate(struct http_side *s, const struct http_piece *p)
{
	struct str first = str_head(buf_str(&s->held), s->line);
	struct str second = str_skip(buf_str(&s->held), s->line);
	struct http_open *o;

	if (!http_head_is_field(second) || !http_exchange_start(s, first)) {
		stray_held(s, s->line);
		try_candidate(s, p);
		return;
	}
	o = s->x;
	http_count(s, second.n, p->ts_ns);
	s->stage = HTTP_AT_HEAD;
	s->line = s->held.n;
	if (second.n <= 2 && (second.p[0] == '\n' || second.p[0] == '\r'))
		http_framing_head(s, p);
	else if (s->held.n > LIMIT_HEADER_BYTES) {
		http_exchange_broken(o, s->dir, s->at.offset + LIMIT_HEADER_BYTES, "head too long");
		http_exchange_message_lost(s);
	}
}

void http_scan_begin(struct http_side *s, bool line_whole, const struct http_piece *p)
{
	s->stage = HTTP_AT_SCAN;
	s->line = 0;
	if (line_whole)
		try_candidate(s, p);
}

/* Adds to held, of which without a candidate only the last HTTP_SCAN_BYTES matter. */
static void hold(struct http_side *s, struct str part)
{
	if (s->held.n == 0)
		s->at.offset = s->offset;
	if (s->line == 0 && s->held.n + part.n > 2 * HTTP_SCAN_BYTES) {
		size_t drop = part.n > HTTP_SCAN_BYTES ? part.n - HTTP_SCAN_BYTES : 0;
		size_t keep = part.n - drop >= HTTP_SCAN_BYTES ? 0 : HTTP_SCAN_BYTES - (part.n - drop);

		if (keep < s->held.n)
			stray_held(s, s->held.n - keep);
		http_stray(s, drop);
		s->at.offset += drop;
		part = str_skip(part, drop);
	}
	buf_add(&s->held, part);
	if (buf_err(&s->held) == 0)
		return;
	/* No memory: what was held, and this, is passed over. */
	http_stray(s, s->held.n + part.n);
	buf_fini(&s->held);
	s->line = 0;
}

/* How many bytes at the start of data cannot hold a candidate: whole lines without "HTTP/1.". */
static size_t dull(struct str data)
{
	ptrdiff_t at = str_find(data, STR("HTTP/1."));
	const char *lf = memrchr(data.p, '\n', at < 0 ? data.n : (size_t)at);

	return lf ? (size_t)(lf - data.p) + 1 : 0;
}

size_t http_scan_feed(struct http_side *s, const struct http_piece *p)
{
	struct str data = p->data;
	const char *lf;
	size_t n;

	if (s->held.n == 0) {
		n = dull(data);
		if (n > 0) {
			http_stray(s, n);
			return n;
		}
	}
	lf = memchr(data.p, '\n', data.n);
	n = lf ? (size_t)(lf - data.p) + 1 : data.n;
	/* A candidate's next line is judged when whole; one without end is none. */
	if (s->line > 0 && s->held.n - s->line + n > LIMIT_HEADER_BYTES) {
		stray_held(s, s->line);
		s->line = 0;
	}
	hold(s, str_head(data, n));
	if (lf && s->line > 0)
		judge_candidate(s, p);
	else if (lf && s->held.n > 0)
		try_candidate(s, p);
	return n;
}
