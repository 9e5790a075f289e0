/* SPDX-License-Identifier: BSD-2-Clause */
/* A JSON document on each line (application/x-ndjson and its like): a line is an event. */
#include "http/frames.h"

#include <errno.h>

#include "base/buf.h"
#include "base/limits.h"

struct ndjson {
	struct http_frames_ops ops;
	struct buf line; /* begun in an earlier piece */
	bool skip;	 /* to the line's end: its beginning is missing or it is too long */
};

static void *frames_open(struct http_frames_ops ops)
{
	struct ndjson *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->ops = ops;
	buf_init(&f->line, LIMIT_SSE_LINE_BYTES);
	return f;
}

static void frames_close(void *frames)
{
	struct ndjson *f = frames;

	buf_fini(&f->line);
	free(f);
}

static void give(struct ndjson *f, struct str line, uint64_t ts_ns)
{
	struct http_event ev = {.data = str_trim(line), .ts_ns = ts_ns};

	if (ev.data.n > 0)
		f->ops.event(f->ops.ctx, &ev);
}

/* 0 or the error of a line that does not fit; *over: how many of its bytes did. */
static int hold(struct ndjson *f, struct str part, size_t *over)
{
	size_t room = LIMIT_SSE_LINE_BYTES - f->line.n;
	int r;

	if (f->skip)
		return 0;
	buf_add(&f->line, part);
	r = buf_err(&f->line);
	if (r == 0)
		return 0;
	*over = room < part.n ? room : 0;
	buf_fini(&f->line);
	buf_init(&f->line, LIMIT_SSE_LINE_BYTES);
	f->skip = true;
	return r;
}

static int frames_feed(void *frames, struct str data, uint64_t ts_ns, size_t *at, const char **why)
{
	struct ndjson *f = frames;
	size_t pos = 0;
	int r = 0;

	*why = "line too long";
	while (pos < data.n) {
		struct str rest = str_skip(data, pos);
		ptrdiff_t lf = str_find_char(rest, '\n');
		struct str part = lf < 0 ? rest : str_head(rest, (size_t)lf);
		size_t over = 0;
		int now = 0;

		if (lf >= 0 && f->line.n == 0 && part.n <= LIMIT_SSE_LINE_BYTES) {
			if (!f->skip)
				give(f, part, ts_ns);
		} else {
			now = hold(f, part, &over);
			if (lf >= 0 && !f->skip)
				give(f, buf_str(&f->line), ts_ns);
		}
		if (now < 0 && r == 0) {
			r = now;
			*at = pos + over;
		}
		if (lf < 0)
			break;
		buf_clear(&f->line);
		f->skip = false;
		pos += (size_t)lf + 1;
	}
	return r;
}

static void frames_gap(void *frames)
{
	struct ndjson *f = frames;

	buf_clear(&f->line);
	f->skip = true;
}

static void frames_flush(void *frames, bool cut, uint64_t ts_ns)
{
	struct ndjson *f = frames;

	if (!cut && !f->skip)
		give(f, buf_str(&f->line), ts_ns);
	buf_clear(&f->line);
}

/* An error may come as one document over several lines; a line by line reading of it would only say that each is
 * broken. But a stream's first byte is a brace as well, so nothing is sniffed: the reader of events decides. */
const struct http_frames_kind http_frames_ndjson = {
	.open = frames_open,
	.feed = frames_feed,
	.gap = frames_gap,
	.flush = frames_flush,
	.close = frames_close,
};
