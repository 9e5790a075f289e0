/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprints (xxHash, not secret) and SHA-256 (libsodium). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct hash128 {
	uint64_t lo, hi;
};

/* XXH3 of s, seeded; the same on every machine, and for every empty s. */
uint64_t hash_u64(struct str s, uint64_t seed);
struct hash128 hash_u128(struct str s, uint64_t seed);
/* Fingerprint of a sequence: h of what came before and the next element. */
struct hash128 hash_chain(struct hash128 before, struct hash128 next);
static inline int hash_eq(struct hash128 a, struct hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* Incremental SHA-256. hash_sha_new: NULL without memory. */
struct hash_sha;
struct hash_sha *hash_sha_new(void);
void hash_sha_free(struct hash_sha *h);
void hash_sha_feed(struct hash_sha *h, struct str s);
/* 64 hex digits and a NUL of what was fed so far; h goes on unchanged. */
void hash_sha_hex(const struct hash_sha *h, char out[65]);

#endif
