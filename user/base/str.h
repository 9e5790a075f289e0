/* SPDX-License-Identifier: BSD-2-Clause */
/* Borrowed slices of bytes: valid as long as their owner says, never stored beyond that, never NUL-terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p; /* may be NULL when n is 0: "absent", where a caller makes that difference */
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

static inline struct str str_make(const void *p, size_t n)
{
	return (struct str){(const char *)p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case ignored. */
bool str_ieq(struct str a, struct str b);
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_istarts(struct str s, struct str prefix);
/* First n bytes; all of s when it is shorter. */
struct str str_head(struct str s, size_t n);
/* s without its first n bytes; empty when it is shorter. */
struct str str_skip(struct str s, size_t n);
/* Position of the first c or needle, or -1. */
ptrdiff_t str_find_char(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
bool str_has(struct str s, struct str needle);
/* Without leading and trailing spaces, tabs, CR, LF. */
struct str str_trim(struct str s);
/* Cuts at the first c: *head is what stands before it, the result what stands after it; without c, *head is s and
 * the result empty with p NULL. */
struct str str_cut(struct str s, char c, struct str *head);
/* Whole of s as an unsigned decimal (or base 16) number without sign or spaces: false when it is not or overflows. */
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_u64_hex(struct str s, uint64_t *out);
/* A NUL-terminated copy, owned by the caller (free), or NULL without memory. */
char *str_dup(struct str s);

#endif
