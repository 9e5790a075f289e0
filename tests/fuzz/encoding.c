/* SPDX-License-Identifier: BSD-2-Clause */
/* A coded body. Before the first '|': the codings (g d b z), then how many bytes come at a time. Fed in such pieces and
 * whole, the same must come out. */
#include <errno.h>

#include "fuzz.h"
#include "http/encoding.h"

#define DECODED_MAX (1u << 20)

struct sum {
	uint64_t hash, bytes;
};

static int give(void *ctx, struct str decoded)
{
	struct sum *s = ctx;

	for (size_t i = 0; i < decoded.n; i++)
		s->hash = s->hash * 1099511628211u + (unsigned char)decoded.p[i];
	s->bytes += decoded.n;
	return s->bytes > DECODED_MAX ? -EMSGSIZE : 0;
}

static struct sum decode(const enum http_coding *codings, uint32_t count, struct str in, size_t piece, int *r)
{
	struct sum sum = {.hash = 14695981039346656037u};
	struct http_encoding_sink sink = {give, &sum};
	autodrop(drop_http_encoding) struct http_encoding *e = http_encoding_new(codings, count);
	const char *why = NULL;

	*r = 0;
	while (in.n > 0 && *r == 0) {
		struct str part = str_head(in, piece);
		char *copy = fuzz_copy(part);
		size_t used = 0;

		*r = http_encoding_feed(e, str_make(copy, part.n), sink, &used, &why);
		free(copy);
		assert(used <= part.n && (*r == 0 || *r == -ENOMEM || *r == -EMSGSIZE || why));
		in = str_skip(in, part.n);
	}
	(void)http_encoding_is_whole(e);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char letters[] = "gdbz";
	enum http_coding codings[HTTP_CODINGS_MAX];
	struct str head, body = str_cut(str_make(data, size), '|', &head);
	uint32_t count = 0;
	int r, again;

	while (head.n > 0 && count < HTTP_CODINGS_MAX && memchr(letters, head.p[0], 4)) {
		codings[count++] = (enum http_coding)((const char *)memchr(letters, head.p[0], 4) - letters);
		head = str_skip(head, 1);
	}
	if (count == 0)
		return 0;
	size_t piece = fuzz_number(&head) % 4096 + 1;
	struct sum whole = decode(codings, count, body, SIZE_MAX, &r);
	struct sum parts = decode(codings, count, body, piece, &again);
	assert(r == again);
	assert(r != 0 || (whole.hash == parts.hash && whole.bytes == parts.bytes));
	return 0;
}
