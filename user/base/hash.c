/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"

#include <endian.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/avx.h"
#include "base/text.h"

/* Shorter texts take another way through XXH3, with nothing to gain. */
#define LONG_BYTES 256u

uint64_t hash_u64(struct str s, uint64_t seed)
{
	if (s.n >= LONG_BYTES && avx_is_here())
		return avx_u64(s, seed);
	return XXH3_64bits_withSeed(s.n ? s.p : "", s.n, seed);
}

struct hash128 hash_u128(struct str s, uint64_t seed)
{
	if (s.n >= LONG_BYTES && avx_is_here())
		return avx_u128(s, seed);
	XXH128_hash_t h = XXH3_128bits_withSeed(s.n ? s.p : "", s.n, seed);

	return (struct hash128){.lo = h.low64, .hi = h.high64};
}

struct hash128 hash_chain(struct hash128 before, struct hash128 next)
{
	/* Little-endian by decree, so that it is the same on every machine. */
	uint64_t words[4] = {htole64(before.lo), htole64(before.hi), htole64(next.lo), htole64(next.hi)};

	return hash_u128(str_make(words, sizeof(words)), 0);
}

struct hash_sha {
	crypto_hash_sha256_state state;
};

struct hash_sha *hash_sha_new(void)
{
	struct hash_sha *h = malloc(sizeof(*h));

	if (h)
		crypto_hash_sha256_init(&h->state);
	return h;
}

void hash_sha_free(struct hash_sha *h)
{
	free(h);
}

void hash_sha_feed(struct hash_sha *h, struct str s)
{
	if (s.n)
		crypto_hash_sha256_update(&h->state, (const unsigned char *)s.p, s.n);
}

void hash_sha_hex(const struct hash_sha *h, char out[65])
{
	crypto_hash_sha256_state copy = h->state;
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(&copy, digest);
	text_hex(digest, sizeof(digest), out);
}
