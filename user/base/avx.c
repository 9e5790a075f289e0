/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/avx.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

/* Everything below is compiled for AVX2, whatever the rest of the program is compiled for: nothing here may be called
 * without asking avx_is_here(). */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#define XXH_VECTOR 2 /* XXH_AVX2 */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* gcc does not do so by itself under a pragma; what is left in the upper halves slows down all code behind that is not AVX. */
static void clean_up(void)
{
	_mm256_zeroupper();
}

uint64_t avx_u64(struct str s, uint64_t seed)
{
	uint64_t h = XXH3_64bits_withSeed(s.p, s.n, seed);

	clean_up();
	return h;
}

struct hash128 avx_u128(struct str s, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(s.p, s.n, seed);

	clean_up();
	return (struct hash128){.lo = h.low64, .hi = h.high64};
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
