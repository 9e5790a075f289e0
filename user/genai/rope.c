/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"

#define BLOCK_MIN 112u /* with its head about 128 */
#define BLOCK_MAX 65536u

struct genai_block {
	struct genai_block *next;
	size_t n, cap;
	char p[];
};

static struct genai_block *block_add(struct arena *a, struct genai_rope *r, size_t want)
{
	size_t cap = r->last ? r->last->cap * 2 : BLOCK_MIN;

	if (cap > BLOCK_MAX)
		cap = BLOCK_MAX;
	if (cap < want)
		cap = want;
	struct genai_block *b = arena_alloc(a, sizeof(*b) + cap);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	if (r->last)
		r->last->next = b;
	else
		r->first = b;
	r->last = b;
	return b;
}

void genai_rope_add(struct arena *a, struct genai_rope *r, struct str s)
{
	if (s.n > LIMIT_BODY_BYTES - r->n)
		s = str_head(s, LIMIT_BODY_BYTES - r->n);
	while (s.n > 0) {
		struct genai_block *b = r->last;

		if (b == NULL || b->n == b->cap)
			b = block_add(a, r, s.n);
		if (b == NULL)
			return;
		struct str now = str_head(s, b->cap - b->n);

		memcpy(b->p + b->n, now.p, now.n);
		b->n += now.n;
		r->n += now.n;
		s = str_skip(s, now.n);
	}
}

struct str genai_rope_str(struct arena *a, const struct genai_rope *r)
{
	if (r->first == NULL)
		return STR("");
	if (r->first == r->last)
		return str_make(r->first->p, r->first->n);
	char *all = arena_alloc(a, r->n);
	size_t n = 0;

	if (all == NULL)
		return STR_NONE;
	for (const struct genai_block *b = r->first; b; b = b->next) {
		memcpy(all + n, b->p, b->n);
		n += b->n;
	}
	return str_make(all, n);
}
