/* SPDX-License-Identifier: BSD-2-Clause */
/* An event stream. Parts: e bytes, g a gap, c the end, cut off. Fed whole and a byte at a time, the same events. */
#include "fuzz.h"
#include "http/sse.h"

struct heard {
	uint64_t hash, events;
};

static void mix(struct heard *h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h->hash = h->hash * 1099511628211u + (unsigned char)s.p[i];
	h->hash = h->hash * 31 + s.n;
}

static void event(void *ctx, const struct http_event *ev)
{
	struct heard *h = ctx;

	mix(h, ev->event);
	mix(h, ev->data);
	mix(h, ev->id);
	h->events++;
}

static void feed(struct http_sse *s, struct str body, size_t piece)
{
	while (body.n > 0) {
		struct str part = str_head(body, piece);
		char *copy = fuzz_copy(part);
		size_t at = 0;

		(void)!http_sse_feed(s, str_make(copy, part.n), 1, &at);
		assert(at <= part.n);
		free(copy);
		body = str_skip(body, part.n);
	}
}

static struct heard listen(struct str rest, size_t piece)
{
	struct heard h = {0};
	autodrop(drop_http_sse) struct http_sse *s = http_sse_new((struct http_sse_ops){event, &h});
	struct str body;
	bool cut = false;
	char letter;

	while (!cut && fuzz_part(&rest, &letter, &body)) {
		cut = letter == 'c';
		if (letter == 'g')
			http_sse_gap(s);
		else if (!cut)
			feed(s, body, piece);
	}
	http_sse_flush(s, cut, 2);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = listen(str_make(data, size), SIZE_MAX), bytes = listen(str_make(data, size), 1);

	assert(whole.hash == bytes.hash && whole.events == bytes.events);
	return 0;
}
