/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/str.h"

#include <stdlib.h>

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? u | 0x20 : u;
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_head(s, prefix.n), prefix);
}

struct str str_head(struct str s, size_t n)
{
	return (struct str){s.p, n < s.n ? n : s.n};
}

struct str str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	/* NULL + 0 is undefined in C. */
	return n ? (struct str){s.p + n, s.n - n} : s;
}

ptrdiff_t str_find_char(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return -1;
	const char *at = memmem(s.p, s.n, needle.p, needle.n);

	return at ? at - s.p : -1;
}

bool str_has(struct str s, struct str needle)
{
	return str_find(s, needle) >= 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_cut(struct str s, char c, struct str *head)
{
	ptrdiff_t at = str_find_char(s, c);

	if (at < 0) {
		*head = s;
		return STR_NONE;
	}
	*head = str_head(s, (size_t)at);
	return str_skip(s, (size_t)at + 1);
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned int digit = (unsigned char)s.p[i] - (unsigned int)'0';

		if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*out = v;
	return true;
}

bool str_to_u64_hex(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int digit = str_hex_digit(s.p[i]);

		if (digit < 0 || v >> 60)
			return false;
		v = v << 4 | (unsigned int)digit;
	}
	*out = v;
	return true;
}

bool str_field_int(struct str s, size_t at, size_t n, int *out)
{
	uint64_t v;

	if (!str_to_u64(str_head(str_skip(s, at), n), &v))
		return false;
	*out = (int)v;
	return true;
}

struct str str_base_name(struct str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? str_skip(path, (size_t)(slash - path.p) + 1) : path;
}

struct str str_dir_name(struct str path)
{
	size_t n = path.n - str_base_name(path).n;

	return str_head(path, n > 1 ? n - 1 : n);
}

bool str_fits(struct str s, struct str pattern)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < s.n) {
		char c = p < pattern.n ? pattern.p[p] : '\0';

		if (c == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && (c == s.p[i] || (c == '#' && s.p[i] >= '0' && s.p[i] <= '9'))) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

char *str_dup(struct str s)
{
	char *z = s.n < SIZE_MAX ? malloc(s.n + 1) : NULL;

	if (z == NULL)
		return NULL;
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}
