/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that lives and dies together: one arena per exchange, per span under construction. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/drop.h"
#include "base/str.h"

struct arena;

/* NULL without memory. max_bytes bounds all that it will ever hold. */
struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena *a);
DROP_POINTER(arena, arena_free)
/* Zeroed, aligned to 16; NULL without memory or beyond the maximum. */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;
/* The same, not zeroed: for bytes that are written at once. */
char *arena_bytes(struct arena *a, size_t n) MUST_CHECK;
/* A copy of s in the arena; STR_NONE (p NULL) without memory. An empty s gives a non-NULL p. */
struct str arena_dup(struct arena *a, struct str s) MUST_CHECK;
/* Formatted text in the arena; STR_NONE without memory. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;
/* Bytes allocated from the system. */
size_t arena_size(const struct arena *a);

#endif
