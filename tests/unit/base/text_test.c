/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/width.h"

static void test_time(void **state)
{
	static const struct {
		int64_t ns;
		const char *want;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000000Z"},
		{1795293667102334455, "2026-11-21T20:41:07.102334455Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{-1000000000, "1969-12-31T23:59:59.000000000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
		{951782400000000000, "2000-02-29T00:00:00.000000000Z"},
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_time(cases[i].ns, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_clock(void **state)
{
	static const struct {
		uint64_t ns;
		int64_t offset_ns;
		const char *want;
	} cases[] = {
		{0, 0, "1970-01-01T00:00:00.000000000Z"},
		{1000, 1795293667102333455, "2026-11-21T20:41:07.102334455Z"},
		{5, -6, "1969-12-31T23:59:59.999999999Z"},
		{UINT64_MAX, 0, "2262-04-11T23:47:16.854775807Z"},
		{1ull << 62, INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{UINT64_MAX, INT64_MIN, "2262-04-11T23:47:16.854775807Z"},
		{0, INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_clock(cases[i].ns, cases[i].offset_ns, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_duration(void **state)
{
	static const struct {
		uint64_t ns;
		const char *want;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{12345, "12.3 us"},
		{999499, "999 us"},
		{999999, "1.00 ms"},
		{2310000, "2.31 ms"},
		{9999999, "10.0 ms"},
		{12345678, "12 ms"},
		{412000000, "412 ms"},
		{999499999, "999 ms"},
		{999500000, "1.00 s"},
		{2314999999, "2.31 s"},
		{42149999999, "42.1 s"},
		{59949999999, "59.9 s"},
		{59950000000, "1m00s"},
		{72000000000, "1m12s"},
		{3599499999999, "59m59s"},
		{3599500000000, "1h00m"},
		{7500000000000, "2h05m"},
		{UINT64_MAX, "5124095h35m"},
	};
	char out[24];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_duration(cases[i].ns, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_size_and_count(void **state)
{
	static const struct {
		uint64_t n;
		const char *size, *count;
	} cases[] = {
		{0, "0 B", "0"},
		{512, "512 B", "512"},
		{999, "999 B", "999"},
		{1000, "1.0 kB", "1,000"},
		{41249, "41.2 kB", "41,249"},
		{999949, "999.9 kB", "999,949"},
		{999950, "1.0 MB", "999,950"},
		{16000000, "16.0 MB", "16,000,000"},
		{UINT64_MAX, "18.4 EB", "18,446,744,073,709,551,615"},
	};
	char size[24], count[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_size(cases[i].n, size);
		text_count(cases[i].n, count);
		assert_string_equal(size, cases[i].size);
		assert_string_equal(count, cases[i].count);
	}
}

/* Each length, each place of a line end, each byte in each place: as libsodium has it. */
static void test_base64(void **state)
{
	unsigned char bytes[40], want[64];
	char coded[64], out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 89 + 250);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		sodium_bin2base64(coded, sizeof(coded), bytes, n, sodium_base64_VARIANT_ORIGINAL);
		struct str s = str_of(coded);

		assert_int_equal(text_base64(s, out), (ptrdiff_t)n);
		assert_memory_equal(out, bytes, n);
		for (size_t at = 0; at <= s.n; at++) {
			char cut[64];
			int len = snprintf(cut, sizeof(cut), "%.*s\r\n%s", (int)at, coded, coded + at);

			assert_int_equal(text_base64(str_make(cut, (size_t)len), out), (ptrdiff_t)n);
			assert_memory_equal(out, bytes, n);
		}
	}
	for (size_t n = 1; n <= 12; n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				size_t told = 0;

				memcpy(coded, "QUJDREVGR0hJ", n);
				coded[at] = (char)c;
				int r = sodium_base642bin(want, sizeof(want), coded, n, "\r\n", &told, NULL,
							  sodium_base64_VARIANT_ORIGINAL);

				assert_int_equal(text_base64(str_make(coded, n), out),
						 r ? -1 : (ptrdiff_t)told);
				assert_memory_equal(out, want, r ? 0 : told);
			}
}

static void test_hex(void **state)
{
	char out[9];

	(void)state;
	text_hex("\x00\x7f\x80\xff", 4, out);
	assert_string_equal(out, "007f80ff");
	text_hex("", 0, out);
	assert_string_equal(out, "");
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, bad;
		uint32_t code;
	} cases[] = {
		{"a", 1, 0, 'a'},
		{"\xc3\xa9", 2, 0, 0xe9},
		{"\xe2\x82\xac!", 3, 0, 0x20ac},
		{"\xf0\x9f\x98\x80", 4, 0, 0x1f600},
		{"\xf4\x8f\xbf\xbf", 4, 0, 0x10ffff},
		{"\x80", 0, 1, 0},
		{"\xc0\x80", 0, 1, 0}, /* overlong */
		{"\xc1\xbf", 0, 1, 0},
		{"\xe0\x80\x80", 0, 1, 0},     /* overlong */
		{"\xed\xa0\x80", 0, 1, 0},     /* surrogate */
		{"\xf4\x90\x80\x80", 0, 1, 0}, /* beyond Unicode */
		{"\xf5\x80\x80\x80", 0, 1, 0},
		{"\xe2\x82", 0, 2, 0},
		{"\xe2\x82(", 0, 2, 0},
		{"\xf0\x9f\x98", 0, 3, 0},
		{"\xf0\x9f\x98\xff", 0, 3, 0},
		{"\xff", 0, 1, 0},
		{"", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t code = 0;

		assert_int_equal(text_utf8(str_of(cases[i].bytes), &code), cases[i].n);
		assert_int_equal(code, cases[i].code);
		if (cases[i].n == 0)
			assert_int_equal(text_utf8_bad(str_of(cases[i].bytes)), cases[i].bad);
	}
	/* There and back for every code. */
	for (uint32_t code = 0; code <= 0x110000; code++) {
		char out[4];
		uint32_t back = 0;
		size_t n = text_utf8_put(code, out);
		bool none = code > 0x10ffff || (code >= 0xd800 && code < 0xe000);

		if (text_utf8(str_make(out, n), &back) != n || back != (none ? 0xfffd : code))
			fail_msg("U+%04X comes back as U+%04X", code, back);
	}
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(STR("abc")), 3);
	assert_int_equal(text_width(STR_NONE), 0);
	assert_int_equal(text_width(STR("\xe4\xbd\xa0\xe5\xa5\xbd")), 4); /* two Chinese characters */
	assert_int_equal(text_width(STR("e\xcc\x81")), 1);		  /* e and a combining acute */
	assert_int_equal(text_width(STR("\xf0\x9f\x98\x80")), 2);	  /* emoji */
	assert_int_equal(text_width(STR("\xef\xbc\xa1")), 2);		  /* fullwidth A */
	assert_int_equal(text_width(STR("\xef\xbd\xb1")), 1);		  /* halfwidth a */
	assert_int_equal(text_width(STR("\xe2\x80\x8d")), 0);		  /* joiner */
	assert_int_equal(text_width(STR("\xed\x95\x9c")), 2);		  /* Hangul syllable */
	assert_int_equal(text_width(STR("\xff\xff")), 2);
	assert_int_equal(width_of(0x1160), 0);
	assert_int_equal(width_of(0x10ffff), 1);
	assert_int_equal(width_of(0x20000), 2);
	assert_int_equal(width_of(0xad), 1);
}

static void safe(const char *name, struct str s, bool ascii, const char *want)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1000);
	text_safe(&b, s, ascii);
	assert_int_equal(buf_err(&b), 0);
	HARNESS_TEXT(name, buf_str(&b), want);
}

static void test_safe(void **state)
{
	(void)state;
	safe("plain", STR("a b~"), false, "a b~");
	safe("nothing", STR_NONE, false, "");
	safe("controls",
	     STR("a\n\t\x1b[31m\r\0\x7f"
		 "b"),
	     false, "a\\n\\t\\e[31m\\x0d\\x00\\x7fb");
	safe("C1",
	     STR("\xc2\x9b"
		 "1m\xc2\x85"),
	     false, "\\u{009b}1m\\u{0085}");
	safe("bidi",
	     STR("\xe2\x80\xae"
		 "x\xe2\x81\xa6\xd8\x9c\xe2\x80\x8e"),
	     false, "\\u{202e}x\\u{2066}\\u{061c}\\u{200e}");
	safe("separators", STR("\xe2\x80\xa8\xe2\x80\xa9"), false, "\\u{2028}\\u{2029}");
	safe("invalid",
	     STR("\x80\xe2\x82"
		 "a\xed\xa0\x80"),
	     false, "\\x80\\xe2\\x82a\\xed\\xa0\\x80");
	safe("text", STR("\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80"), false,
	     "\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80");
	safe("ascii", STR("\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80z"), true, "\\u{00e9}\\u{4f60}\\u{1f600}z");
}

/* No byte sequence gets a control, or anything beyond ASCII when that is asked for, to the terminal. */
static void test_safe_is_safe(void **state)
{
	autodrop(buf_fini) struct buf b;
	uint32_t seed = 1;

	(void)state;
	buf_init(&b, 10000);
	for (int round = 0; round < 20000; round++) {
		char bytes[24];
		uint32_t code;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (char)(seed >> 24);
			if (round % 3 == 0)
				bytes[i] = "\xe2\x80\xae\xc2\x9b\x1b\xf0\x9f\x98\x80\n\xed\xa0"[(seed >> 20) %
												13];
		}
		buf_clear(&b);
		text_safe(&b, str_make(bytes, sizeof(bytes)), round % 2);
		for (struct str s = buf_str(&b); s.n;) {
			size_t n = text_utf8(s, &code);

			assert_true(n > 0 && code >= 0x20 && !(code >= 0x7f && code < 0xa0));
			assert_false((code >= 0x2028 && code <= 0x202e) ||
				     (code >= 0x2066 && code <= 0x2069));
			assert_true(n == 1 || round % 2 == 0);
			s = str_skip(s, n);
		}
	}
}

static void cut(struct str s, size_t columns, bool ascii, const char *want)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1000);
	buf_add(&b, STR(">"));
	text_safe_cut(&b, s, columns, ascii);
	HARNESS_TEXT("cut", str_skip(buf_str(&b), 1), want);
	assert_true(text_width(buf_str(&b)) <= columns + 1);
}

static void test_safe_cut(void **state)
{
	(void)state;
	cut(STR("hello"), 5, true, "hello");
	cut(STR("hello!"), 5, true, "he...");
	cut(STR("hello!"), 5, false, "hell\xe2\x80\xa6");
	cut(STR("hello"), 3, true, "...");
	cut(STR("hello"), 2, true, "..");
	cut(STR("hello"), 0, true, "");
	cut(STR("hello"), 0, false, "");
	cut(STR("hello"), 1, false, "\xe2\x80\xa6");
	cut(STR("a\nb"), 10, true, "a b");
	cut(STR("a\nbcd"), 4, true, "a...");
	cut(STR("\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0"), 6, false, "\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0");
	cut(STR("\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0"), 5, false, "\xe4\xbd\xa0\xe4\xbd\xa0\xe2\x80\xa6");
	cut(STR("\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0"), 4, false, "\xe4\xbd\xa0\xe2\x80\xa6");
	/* An escape is never cut in two. */
	cut(STR("ab\x01"
		"cd"),
	    6, true, "ab...");
	cut(STR(""), 5, false, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),	     cmocka_unit_test(test_clock),
		cmocka_unit_test(test_duration),     cmocka_unit_test(test_size_and_count),
		cmocka_unit_test(test_base64),	     cmocka_unit_test(test_hex),
		cmocka_unit_test(test_utf8),	     cmocka_unit_test(test_width),
		cmocka_unit_test(test_safe),	     cmocka_unit_test(test_safe_cut),
		cmocka_unit_test(test_safe_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
