/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "base/width.h"

#define NS_PER_S 1000000000

void text_time(int64_t utc_ns, char out[32])
{
	/* Rounds towards the past, so that the digits after the point count forwards before 1970 too. */
	int64_t s = utc_ns / NS_PER_S - (utc_ns % NS_PER_S < 0);
	int64_t ns = utc_ns % NS_PER_S + (utc_ns % NS_PER_S < 0 ? NS_PER_S : 0);
	time_t t = s;
	struct tm tm;

	/* int64 nanoseconds end in 1677 and 2262: always four digits of year. */
	gmtime_r(&t, &tm);
	int n = snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ",
			 (unsigned int)(tm.tm_year + 1900) % 10000u, (unsigned int)(tm.tm_mon + 1) % 100u,
			 (unsigned int)tm.tm_mday % 100u, (unsigned int)tm.tm_hour % 100u,
			 (unsigned int)tm.tm_min % 100u, (unsigned int)tm.tm_sec % 100u, (unsigned int)ns);

	assert(n == 30);
}

int64_t text_utc(uint64_t ns, int64_t offset_ns)
{
	int64_t utc_ns;

	/* Both may come from a tape that somebody made up. */
	return __builtin_add_overflow(ns, offset_ns, &utc_ns) ? INT64_MAX : utc_ns;
}

void text_clock(uint64_t ns, int64_t offset_ns, char out[32])
{
	text_time(text_utc(ns, offset_ns), out);
}

/* v units as three digits that matter; false when that rounds to limit or more, which is the next unit's business. */
static bool three_digits(uint64_t v, uint64_t unit, uint64_t limit, const char *name, char out[24])
{
	uint64_t hundredths = (v * 100 + unit / 2) / unit;
	uint64_t tenths = (v * 10 + unit / 2) / unit;
	uint64_t whole = (v + unit / 2) / unit;

	if (unit == 1 && v < limit)
		snprintf(out, 24, "%u %s", (unsigned int)v, name);
	else if (hundredths < 1000 && unit > 1)
		snprintf(out, 24, "%u.%02u %s", (unsigned int)hundredths / 100,
			 (unsigned int)hundredths % 100, name);
	else if (tenths < 1000 && tenths < limit * 10 && unit > 1)
		snprintf(out, 24, "%u.%u %s", (unsigned int)tenths / 10, (unsigned int)tenths % 10, name);
	else if (whole < limit && unit > 1)
		snprintf(out, 24, "%u %s", (unsigned int)whole, name);
	else
		return false;
	return true;
}

void text_duration(uint64_t ns, char out[24])
{
	static const struct {
		uint64_t unit, limit;
		const char *name;
	} units[] = {{1, 1000, "ns"}, {1000, 1000, "us"}, {1000000, 1000, "ms"}, {NS_PER_S, 60, "s"}};
	uint64_t s = ns / NS_PER_S + (ns % NS_PER_S >= NS_PER_S / 2);
	uint64_t min = s / 60 + (s % 60 >= 30);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		/* Also keeps three_digits from overflowing. */
		if (ns >= units[i].unit * units[i].limit)
			continue;
		/* Whole milliseconds from ten on: finer is noise to a reader. */
		if (units[i].unit == 1000000 && ns >= 10000000) {
			if ((ns + 500000) / 1000000 >= 1000)
				continue;
			snprintf(out, 24, "%u ms", (unsigned int)((ns + 500000) / 1000000));
			return;
		}
		if (three_digits(ns, units[i].unit, units[i].limit, units[i].name, out))
			return;
	}
	if (s < 60)
		s = 60;
	if (s < 3600)
		snprintf(out, 24, "%um%02us", (unsigned int)(s / 60), (unsigned int)(s % 60));
	else
		snprintf(out, 24, "%lluh%02um", (unsigned long long)min / 60, (unsigned int)(min % 60));
}

void text_size(uint64_t bytes, char out[24])
{
	static const char names[][3] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t unit = 1000;
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(out, 24, "%u B", (unsigned int)bytes);
		return;
	}
	/* Up while one decimal would round to 1000.0. */
	while (i + 1 < sizeof(names) / sizeof(names[0]) && bytes >= unit * 1000 - unit / 20) {
		unit *= 1000;
		i++;
	}
	uint64_t tenths = bytes / unit * 10 + (bytes % unit + unit / 20) / (unit / 10);

	snprintf(out, 24, "%u.%u %s", (unsigned int)(tenths / 10), (unsigned int)(tenths % 10), names[i]);
}

void text_count(uint64_t n, char out[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[to++] = ',';
		out[to++] = digits[i];
	}
	out[to] = '\0';
}

/* A character's six bits; -1 of none. */
static int base64_digit(unsigned char c)
{
	static const signed char digits[128] = {
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62,
		-1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0,
		1,  2,	3,  4,	5,  6,	7,  8,	9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
		23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
		39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
	};

	return c < 128 ? digits[c] : -1;
}

ptrdiff_t text_base64(struct str s, char *out)
{
	size_t at = 0, n = 0, more = 0;

	/* Four characters at a time as long as nothing else stands among them; libsodium, which takes its time so that
	 * nobody can measure a secret, reads what is left. */
	for (; s.n - at >= 4; at += 4) {
		const unsigned char *p = (const unsigned char *)s.p + at;
		int a = base64_digit(p[0]), b = base64_digit(p[1]), c = base64_digit(p[2]),
		    d = base64_digit(p[3]);

		if ((a | b | c | d) < 0)
			break;
		out[n++] = (char)(a << 2 | b >> 4);
		out[n++] = (char)(b << 4 | c >> 2);
		out[n++] = (char)(c << 6 | d);
	}
	s = str_skip(s, at);
	if (s.n > 0 && sodium_base642bin((unsigned char *)out + n, s.n / 4 * 3 + 3, s.p, s.n, "\r\n", &more,
					 NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return -1;
	return (ptrdiff_t)(n + more);
}

void text_hex(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[from[i] >> 4];
		*out++ = digits[from[i] & 15];
	}
	*out = '\0';
}

/* What a lead byte promises: length, and the second byte's range (Unicode 15, table 3-7); 0 for no lead byte. */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0) {
		if (c == 0xe0)
			*low = 0xa0;
		else if (c == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (c == 0xf0)
		*low = 0x90;
	else if (c == 0xf4)
		*high = 0x8f;
	return 4;
}

/* How many bytes at the start of s are as a sequence has them; *want is how many it should have. */
static size_t good_bytes(struct str s, size_t *want)
{
	unsigned char low, high;
	size_t i = 1;

	*want = s.n ? lead((unsigned char)s.p[0], &low, &high) : 0;
	if (*want == 0)
		return 0;
	for (; i < *want && i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < low || c > high)
			break;
		low = 0x80;
		high = 0xbf;
	}
	return i;
}

size_t text_utf8(struct str s, uint32_t *code)
{
	static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t n;

	if (good_bytes(s, &n) < n || n == 0)
		return 0;
	uint32_t v = (unsigned char)s.p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
	*code = v;
	return n;
}

size_t text_utf8_bad(struct str s)
{
	size_t want, good = good_bytes(s, &want);

	return s.n == 0 ? 0 : good ? good : 1;
}

size_t text_utf8_put(uint32_t code, char out[4])
{
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		code = 0xfffd;
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

size_t text_width(struct str s)
{
	size_t columns = 0;

	while (s.n) {
		uint32_t code = 0xfffd;
		size_t n = text_utf8(s, &code);

		columns += width_of(code);
		s = str_skip(s, n ? n : text_utf8_bad(s));
	}
	return columns;
}

/* What a terminal or a reader's eye can be fooled with, controls aside. */
static bool is_treacherous(uint32_t code)
{
	return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* One character that is safe to show: a slice of s, or its escape in space. *used: bytes of s it stands for. */
static struct str safe_piece(struct str s, bool ascii, char space[16], size_t *used, size_t *columns)
{
	uint32_t code = 0;
	size_t n = text_utf8(s, &code);
	int len;

	*used = n ? n : 1;
	if (n && !(ascii && n > 1) && code >= 0x20 && !(code >= 0x7f && code < 0xa0) &&
	    !is_treacherous(code)) {
		*columns = width_of(code);
		return str_head(s, n);
	}
	if (n == 0)
		len = snprintf(space, 16, "\\x%02x", (unsigned char)s.p[0]);
	else if (code == '\n' || code == '\t' || code == 0x1b)
		len = snprintf(space, 16, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'e');
	else if (n == 1)
		len = snprintf(space, 16, "\\x%02x", (unsigned int)code);
	else
		len = snprintf(space, 16, "\\u{%04x}", (unsigned int)code);
	*columns = (size_t)len;
	return str_make(space, (size_t)len);
}

void text_safe(struct buf *b, struct str s, bool ascii)
{
	char space[16];

	while (s.n && buf_err(b) == 0) {
		size_t plain = 0, used, columns;

		while (plain < s.n && s.p[plain] >= 0x20 && s.p[plain] < 0x7f)
			plain++;
		buf_add(b, str_head(s, plain));
		s = str_skip(s, plain);
		if (s.n == 0)
			return;
		buf_add(b, safe_piece(s, ascii, space, &used, &columns));
		s = str_skip(s, used);
	}
}

void text_safe_cut(struct buf *b, struct str s, size_t columns, bool ascii)
{
	struct str mark = ascii ? STR("...") : STR("\xe2\x80\xa6");
	size_t mark_columns = ascii ? 3 : 1;
	size_t width = 0, keep = b->n; /* up to keep, the mark still fits behind it */
	char space[16];

	if (mark_columns > columns) {
		mark = str_head(mark, ascii ? columns : 0);
		mark_columns = mark.n;
	}
	while (s.n && buf_err(b) == 0) {
		size_t used, w;
		struct str piece = safe_piece(s, ascii, space, &used, &w);

		if (s.p[0] == '\n') {
			piece = STR(" ");
			w = 1;
		}
		if (width + w > columns) {
			buf_truncate(b, keep);
			buf_add(b, mark);
			return;
		}
		buf_add(b, piece);
		width += w;
		s = str_skip(s, used);
		if (width + mark_columns <= columns)
			keep = b->n;
	}
}
