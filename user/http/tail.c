/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a chunked body whose framing was lost with a part that was left out. Read backwards it is exact again: the
 * last chunk's data ends where the closing chunk begins, and a size line counts that says just how far it is to there.
 */
#include <string.h>

#include "http/parser.h"

#define SIZE_DIGITS 16u

/* A line end, a size and a line end right before `data`: where they begin, when the size is `size`; SIZE_MAX: no. */
static size_t size_line(struct str s, size_t data, uint64_t size)
{
	size_t end = data >= 2 && s.p[data - 2] == '\r' ? data - 2 : data - 1, digits = 0;
	uint64_t said;

	while (digits < end && digits < SIZE_DIGITS && str_hex_digit(s.p[end - 1 - digits]) >= 0)
		digits++;
	if (!str_to_u64_hex(str_make(s.p + end - digits, digits), &said) || said != size)
		return SIZE_MAX;
	size_t at = end - digits;

	if (at == 0 || s.p[at - 1] != '\n')
		return SIZE_MAX;
	return at >= 2 && s.p[at - 2] == '\r' ? at - 2 : at - 1;
}

/* Where the chunk that ends at `end` has its size line, and its data; SIZE_MAX: not here. */
static size_t chunk_before(struct str s, size_t end, size_t *data)
{
	const char *lf;

	for (size_t to = end; (lf = memrchr(s.p, '\n', to)) != NULL; to = (size_t)(lf - s.p)) {
		size_t at = size_line(s, (size_t)(lf - s.p) + 1, end - (size_t)(lf - s.p) - 1);

		if (at == SIZE_MAX)
			continue;
		*data = (size_t)(lf - s.p) + 1;
		return at;
	}
	return SIZE_MAX;
}

void http_tail_unchunk(struct buf *b)
{
	static const char last[] = "\r\n0\r\n\r\n";
	struct str s = buf_str(b);
	size_t end = s.n - (sizeof(last) - 1), to = end, data;

	/* With a trailer, or another way to write it, nobody knows where the data ends. */
	if (!str_ends(s, STR(last))) {
		buf_clear(b);
		return;
	}
	/* Data moves to the end, over the size lines. */
	for (size_t at = end; at != SIZE_MAX && at > 0;) {
		size_t from = at;

		data = 0;
		at = chunk_before(s, from, &data);
		to -= from - data;
		memmove(b->p + to, b->p + data, from - data);
	}
	buf_truncate(b, end);
	buf_consume(b, to);
}
