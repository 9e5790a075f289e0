/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define ALIGN	    16u
#define FIRST_BYTES (4u << 10)
#define BLOCK_BYTES (1u << 20) /* blocks grow up to this; what is larger gets a block of its own size */

struct block {
	struct block *before;
	size_t size; /* of data */
	size_t used;
	_Alignas(ALIGN) char data[];
};

struct arena {
	struct block *top; /* the one to allocate from */
	size_t max_bytes;
	size_t held_bytes; /* data of all blocks: what max_bytes bounds */
	size_t size_bytes; /* with the blocks' heads */
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->max_bytes = max_bytes;
	return a;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->top) {
		struct block *b = a->top;

		a->top = b->before;
		free(b);
	}
	free(a);
}

/* A block that holds at least n bytes, n being a multiple of ALIGN. */
static struct block *add_block(struct arena *a, size_t n)
{
	size_t left = a->max_bytes - a->held_bytes;
	size_t size = a->top ? a->held_bytes : FIRST_BYTES - sizeof(struct block);

	if (n > left)
		return NULL;
	if (size > BLOCK_BYTES - sizeof(struct block))
		size = BLOCK_BYTES - sizeof(struct block);
	if (size < n)
		size = n;
	if (size > left)
		size = left;
	if (size > PTRDIFF_MAX - sizeof(struct block))
		return NULL;
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->size = size;
	b->used = 0;
	a->held_bytes += size;
	a->size_bytes += sizeof(*b) + size;
	/* A block made for one large piece goes below the top when the top has more room left. */
	if (a->top && a->top->size - a->top->used > size - n) {
		b->before = a->top->before;
		a->top->before = b;
	} else {
		b->before = a->top;
		a->top = b;
	}
	return b;
}

static void *get(struct arena *a, size_t n)
{
	if (n > PTRDIFF_MAX - ALIGN)
		return NULL;
	n = n ? (n + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
	struct block *b = a->top;

	if (b == NULL || b->size - b->used < n) {
		b = add_block(a, n);
		if (b == NULL)
			return NULL;
	}
	void *p = b->data + b->used;

	b->used += n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = get(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

char *arena_bytes(struct arena *a, size_t n)
{
	return get(a, n);
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *p = get(a, s.n);

	if (p == NULL)
		return STR_NONE;
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct str){p, s.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return STR_NONE;
	char *p = get(a, (size_t)n + 1);

	if (p == NULL)
		return STR_NONE;
	va_start(ap, fmt);
	n = vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	return (struct str){p, (size_t)n};
}

size_t arena_size(const struct arena *a)
{
	return a->size_bytes;
}
