/* SPDX-License-Identifier: BSD-2-Clause */
/* A body that is a sequence of events. Parts: e bytes, m "N,bytes": N times in a row, which is how small inputs reach the
 * limits, g a gap, c the end, cut off. Fed whole and a byte at a time, the same events. */
#ifndef FUZZ_EVENTS_H
#define FUZZ_EVENTS_H

#include <errno.h>

#include "fuzz.h"
#include "http/frames.h"

#define EVENTS_REPEAT_MAX (5u << 20)
#define EVENTS_PIECE_MIN  65521u /* of what is repeated: single bytes would take too long */

struct events_heard {
	uint64_t hash, events;
};

static void events_mix(struct events_heard *h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h->hash = h->hash * 1099511628211u + (unsigned char)s.p[i];
	h->hash = h->hash * 31 + s.n;
}

static void events_event(void *ctx, const struct http_event *ev)
{
	struct events_heard *h = ctx;

	events_mix(h, ev->event);
	events_mix(h, ev->data);
	events_mix(h, ev->id);
	h->events++;
}

/* False: nothing more can be read. */
static bool events_feed(const struct http_frames_kind *kind, void *state, struct str body, size_t piece)
{
	while (body.n > 0) {
		struct str part = str_head(body, piece);
		char *copy = fuzz_copy(part);
		const char *why = NULL;
		size_t at = 0;
		int r = kind->feed(state, str_make(copy, part.n), 1, &at, &why);

		assert(at <= part.n && (r == 0 || why || r == -ENOMEM));
		free(copy);
		if (r == -EBADMSG || r == -ENOMEM)
			return false;
		body = str_skip(body, part.n);
	}
	return true;
}

static bool events_repeat(const struct http_frames_kind *kind, void *state, struct str body, size_t piece)
{
	uint64_t count = fuzz_number(&body);
	autodrop(buf_fini) struct buf b;

	buf_init(&b, EVENTS_REPEAT_MAX);
	for (uint64_t i = 0; i < count && body.n > 0 && buf_err(&b) == 0; i++)
		buf_add(&b, body);
	return events_feed(kind, state, buf_str(&b), piece < EVENTS_PIECE_MIN ? EVENTS_PIECE_MIN : piece);
}

static struct events_heard events_listen(const struct http_frames_kind *kind, struct str rest, size_t piece)
{
	struct events_heard h = {0};
	struct http_frames f;
	bool cut = false, on = true;
	struct str body;
	char letter;

	if (http_frames_open(&f, kind, (struct http_frames_ops){events_event, &h}) < 0)
		abort();
	while (on && !cut && fuzz_part(&rest, &letter, &body)) {
		cut = letter == 'c';
		if (letter == 'g')
			kind->gap(f.state);
		else if (letter == 'm')
			on = events_repeat(kind, f.state, body, piece);
		else if (!cut)
			on = events_feed(kind, f.state, body, piece);
	}
	if (on && kind->flush)
		kind->flush(f.state, cut, 2);
	http_frames_close(&f);
	return h;
}

static int events_run(const struct http_frames_kind *kind, struct str input)
{
	struct events_heard whole = events_listen(kind, input, SIZE_MAX),
			    bytes = events_listen(kind, input, 1);

	assert(whole.hash == bytes.hash && whole.events == bytes.events);
	return 0;
}

#endif
