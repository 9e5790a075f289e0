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
/* The value of a hex digit in either case, or -1. */
static inline int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
/* The number in n decimal digits of s, at most 9, from `at`: a field of a date. false: not digits. */
bool str_field_int(struct str s, size_t at, size_t n, int *out);
/* What stands behind the last slash: all of a path without one. */
struct str str_base_name(struct str path);
/* What stands before it: "/" for what lies in the root, empty for a path without a slash. */
struct str str_dir_name(struct str path);
/* Whether the pattern describes all of s: * is any bytes, # a digit. Linear in s for each star: patterns are ours or the
 * user's, and short. */
bool str_fits(struct str s, struct str pattern);
/* A NUL-terminated copy, owned by the caller (free), or NULL without memory. */
char *str_dup(struct str s);

#endif
