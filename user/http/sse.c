/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/sse.h"

#include <errno.h>

#include "base/buf.h"
#include "base/limits.h"

/* After a gap or an overlong line: what must come before events are read again. */
enum skip { SKIP_NONE, SKIP_LINE /* the rest of a line that began unseen */, SKIP_EVENT /* an empty line */ };

struct http_sse {
	struct http_frames_ops ops;
	struct buf line; /* begun in an earlier piece */
	struct buf event, data, id;
	bool has_event, has_data;
	bool after_cr;	 /* an LF now belongs to the line end before */
	bool past_first; /* a byte order mark may stand before the first line only */
	enum skip skip;
};

struct http_sse *http_sse_new(struct http_frames_ops ops)
{
	struct http_sse *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ops = ops;
	buf_init(&s->line, LIMIT_SSE_LINE_BYTES);
	buf_init(&s->event, LIMIT_SSE_LINE_BYTES);
	buf_init(&s->id, LIMIT_SSE_LINE_BYTES);
	buf_init(&s->data, LIMIT_BODY_BYTES);
	return s;
}

void http_sse_free(struct http_sse *s)
{
	if (!s)
		return;
	buf_fini(&s->line);
	buf_fini(&s->event);
	buf_fini(&s->data);
	buf_fini(&s->id);
	free(s);
}

static void forget_event(struct http_sse *s)
{
	buf_clear(&s->event);
	buf_clear(&s->data);
	buf_clear(&s->id);
	s->has_event = false;
	s->has_data = false;
}

/* The standard drops an event without data; the SDKs give one that has a name, and so do we. */
static void give_event(struct http_sse *s, uint64_t ts_ns)
{
	if (s->has_data || s->has_event) {
		struct http_event ev = {
			.event = buf_str(&s->event),
			.data = buf_str(&s->data),
			.id = buf_str(&s->id),
			.ts_ns = ts_ns,
		};
		s->ops.event(s->ops.ctx, &ev);
	}
	forget_event(s);
}

static int add_field(struct http_sse *s, struct str line)
{
	struct str name, value = str_cut(line, ':', &name);

	if (value.n > 0 && value.p[0] == ' ')
		value = str_skip(value, 1);
	if (str_eq(name, STR("data"))) {
		if (s->has_data)
			buf_add_char(&s->data, '\n');
		buf_add(&s->data, value);
		s->has_data = true;
		return buf_err(&s->data);
	}
	if (str_eq(name, STR("event"))) {
		buf_clear(&s->event);
		buf_add(&s->event, value);
		s->has_event = value.n > 0;
		return buf_err(&s->event);
	}
	if (str_eq(name, STR("id"))) {
		buf_clear(&s->id);
		buf_add(&s->id, value);
		return buf_err(&s->id);
	}
	return 0; /* retry:, and names that the standard says to ignore */
}

static int take_line(struct http_sse *s, struct str line, uint64_t ts_ns)
{
	int r;

	if (!s->past_first) {
		s->past_first = true;
		if (str_starts(line, STR("\xef\xbb\xbf")))
			line = str_skip(line, 3);
	}
	if (s->skip == SKIP_LINE) {
		s->skip = SKIP_EVENT;
		return 0;
	}
	if (s->skip == SKIP_EVENT) {
		if (line.n == 0)
			s->skip = SKIP_NONE;
		return 0;
	}
	if (line.n == 0) {
		give_event(s, ts_ns);
		return 0;
	}
	if (line.p[0] == ':')
		return 0;
	r = add_field(s, line);
	if (r < 0) {
		forget_event(s);
		s->skip = SKIP_EVENT;
	}
	return r;
}

/* Keeps a line's bytes until its end comes. */
static int hold(struct http_sse *s, struct str part, size_t *over)
{
	int r;

	if (s->skip != SKIP_NONE && s->line.n + part.n > 1)
		part = str_head(part, s->line.n ? 0 : 1); /* only whether it is empty matters */
	size_t room = LIMIT_SSE_LINE_BYTES - s->line.n;
	buf_add(&s->line, part);
	r = buf_err(&s->line);
	if (r == 0)
		return 0;
	*over = room < part.n ? room : 0;
	buf_clear(&s->line);
	forget_event(s);
	s->skip = SKIP_LINE;
	return r;
}

static int end_line(struct http_sse *s, struct str part, uint64_t ts_ns, size_t *over)
{
	int r = 0;

	if (s->line.n == 0 && part.n <= LIMIT_SSE_LINE_BYTES) {
		r = take_line(s, part, ts_ns);
	} else {
		r = hold(s, part, over);
		int r2 = take_line(s, buf_str(&s->line), ts_ns);
		if (r == 0)
			r = r2;
		buf_clear(&s->line);
	}
	return r;
}

/* Position of c at or after `from`, looked up once and kept until it is passed. */
static size_t next_of(struct str data, char c, size_t from, size_t *known)
{
	if (*known < from || *known == SIZE_MAX) {
		const char *p = from < data.n ? memchr(data.p + from, c, data.n - from) : NULL;

		*known = p ? (size_t)(p - data.p) : data.n;
	}
	return *known;
}

int http_sse_feed(struct http_sse *s, struct str data, uint64_t ts_ns, size_t *at)
{
	size_t pos = 0, lf = SIZE_MAX, cr = SIZE_MAX;
	int r = 0;

	if (data.n > 0 && s->after_cr) {
		s->after_cr = false;
		if (data.p[0] == '\n')
			pos = 1;
	}
	while (pos < data.n) {
		size_t l = next_of(data, '\n', pos, &lf), c = next_of(data, '\r', pos, &cr);
		size_t end = l < c ? l : c, over = 0;
		struct str part = str_make(data.p + pos, end - pos);
		int now = end == data.n ? hold(s, part, &over) : end_line(s, part, ts_ns, &over);

		if (now < 0 && r == 0) {
			r = now;
			*at = pos + over;
		}
		pos = end + 1;
		if (end < data.n && data.p[end] == '\r') {
			if (pos == data.n)
				s->after_cr = true;
			else if (data.p[pos] == '\n')
				pos++;
		}
	}
	return r;
}

void http_sse_gap(struct http_sse *s)
{
	buf_clear(&s->line);
	forget_event(s);
	s->after_cr = false;
	s->past_first = true;
	s->skip = SKIP_LINE;
}

void http_sse_flush(struct http_sse *s, bool cut, uint64_t ts_ns)
{
	/* A line too long for memory has been told of when it came. */
	if (s->line.n > 0 && !cut && take_line(s, buf_str(&s->line), ts_ns) < 0)
		return;
	if (s->skip == SKIP_NONE)
		give_event(s, ts_ns);
}

/* ---- as a framing ---- */

static void *frames_open(struct http_frames_ops ops)
{
	return http_sse_new(ops);
}

static int frames_feed(void *frames, struct str data, uint64_t ts_ns, size_t *at, const char **why)
{
	*why = "event too long";
	return http_sse_feed(frames, data, ts_ns, at);
}

static void frames_gap(void *frames)
{
	http_sse_gap(frames);
}

static void frames_flush(void *frames, bool cut, uint64_t ts_ns)
{
	http_sse_flush(frames, cut, ts_ns);
}

static void frames_close(void *frames)
{
	http_sse_free(frames);
}

const struct http_frames_kind http_frames_sse = {
	.sniff = true,
	.open = frames_open,
	.feed = frames_feed,
	.gap = frames_gap,
	.flush = frames_flush,
	.close = frames_close,
};
