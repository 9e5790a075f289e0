/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/ldcache.h"

#include <stdint.h>
#include <string.h>

#define OLD_MAGIC    "ld.so-1.7.0"
#define OLD_ENTRY    12u /* flags, key, value */
#define NEW_MAGIC    "glibc-ld.so.cache1.1"
#define NEW_HEAD     48u
#define NEW_ENTRY    24u /* flags, key, value, osversion: u32; hwcap: u64 */
#define PATH_LEN_MAX 4096u

/* dl-cache.h: ELF for libc6, and the ABI. */
#if defined(__x86_64__)
#define ABI 0x0303u
#elif defined(__aarch64__)
#define ABI 0x0a03u
#else
#error "no ld.so.cache flags for this architecture"
#endif

static uint32_t u32_at(struct str s, size_t at)
{
	uint32_t v;

	memcpy(&v, s.p + at, sizeof(v));
	return v;
}

bool ldcache_open(struct ldcache *c, struct str file)
{
	*c = (struct ldcache){0};
	if (str_starts(file, STR(OLD_MAGIC)) && file.n >= 16) {
		uint64_t skip = 16 + (uint64_t)u32_at(file, 12) * OLD_ENTRY;

		skip = (skip + 7) & ~7ull;
		if (skip > file.n)
			return false;
		file = str_skip(file, (size_t)skip);
	}
	if (file.n < NEW_HEAD || !str_starts(file, STR(NEW_MAGIC)))
		return false;
	size_t count = u32_at(file, 20);
	if (count > (file.n - NEW_HEAD) / NEW_ENTRY)
		return false;
	c->table = file;
	c->count = count;
	return true;
}

static bool text_at(struct str table, uint32_t at, struct str *out)
{
	if (at >= table.n)
		return false;
	struct str tail = str_head(str_skip(table, at), PATH_LEN_MAX);
	ptrdiff_t end = str_find_char(tail, '\0');
	if (end <= 0)
		return false;
	*out = str_head(tail, (size_t)end);
	return true;
}

bool ldcache_next(struct ldcache *c, struct str *name, struct str *path)
{
	while (c->next < c->count) {
		size_t at = NEW_HEAD + c->next++ * NEW_ENTRY;

		if (u32_at(c->table, at) != ABI)
			continue;
		if (text_at(c->table, u32_at(c->table, at + 4), name) &&
		    text_at(c->table, u32_at(c->table, at + 8), path))
			return true;
	}
	return false;
}
