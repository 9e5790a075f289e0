/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sixteen bytes at a time, as vectors of the compiler: SSE2 on x86-64, NEON on arm64, plain words elsewhere. A
 * comparison gives a mask: -1 where it holds, 0 where not; masks are joined with | and &.
 */
#ifndef BASE_LANE_H
#define BASE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANE_BYTES 16u

typedef signed char lane __attribute__((vector_size(LANE_BYTES)));

static inline lane lane_load(const char *p)
{
	lane v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void lane_store(char *p, lane v)
{
	memcpy(p, &v, sizeof(v));
}

static inline lane lane_of(char c)
{
	signed char s = (signed char)c;

	return (lane){s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
}

static inline lane lane_eq(lane v, char c)
{
	return (lane)(v == lane_of(c));
}

static inline bool lane_any(lane mask)
{
	uint64_t w[2];

	memcpy(w, &mask, sizeof(w));
	return (w[0] | w[1]) != 0;
}

/* Position of the first byte that a mask has set; there is one. */
static inline size_t lane_first(lane mask)
{
	uint64_t w[2];

	memcpy(w, &mask, sizeof(w));
	size_t at = w[0] ? 0 : 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return at + ((size_t)__builtin_ctzll(w[at / 8]) >> 3);
#else
	return at + ((size_t)__builtin_clzll(w[at / 8]) >> 3);
#endif
}

#endif
