/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define ARENA_BYTES (256u << 20)

/* Parsed from a heap copy of the exact size, so that ASAN sees every read beyond it. */
struct doc {
	struct arena *a;
	char *copy;
	struct json_end end;
	const struct json *j;
};

static struct doc open_doc(struct str text)
{
	struct doc d = {.a = arena_new(ARENA_BYTES), .copy = malloc(text.n ? text.n : 1)};

	if (text.n)
		memcpy(d.copy, text.p, text.n);
	d.j = json_parse(d.a, str_make(d.copy, text.n), &d.end);
	return d;
}

static void close_doc(struct doc *d)
{
	arena_free(d->a);
	free(d->copy);
}

#define DOC(name, text) autodrop(close_doc) struct doc name = open_doc(text)

static void expect(const char *text, enum json_state state, size_t offset, enum json_type type)
{
	DOC(d, str_of(text));

	if (d.end.state != state || d.end.offset != offset || json_type(d.j) != type)
		fail_msg("%s: state %d at %zu, type %d; want state %d at %zu, type %d", text, d.end.state,
			 d.end.offset, json_type(d.j), state, offset, type);
	assert_true((d.end.why != NULL) == (state == JSON_BROKEN));
}

static void test_whole(void **state)
{
	(void)state;
	expect("null", JSON_WHOLE, 4, JSON_NULL);
	expect(" \t\r\n true ", JSON_WHOLE, 9, JSON_BOOL);
	expect("false", JSON_WHOLE, 5, JSON_BOOL);
	expect("\"\"", JSON_WHOLE, 2, JSON_STRING);
	expect("[]", JSON_WHOLE, 2, JSON_ARRAY);
	expect("{}", JSON_WHOLE, 2, JSON_OBJECT);
	expect("[ ] x", JSON_WHOLE, 3, JSON_ARRAY);
	expect("{ } {", JSON_WHOLE, 3, JSON_OBJECT);
	expect("{}{}", JSON_WHOLE, 2, JSON_OBJECT);
	expect("42", JSON_WHOLE, 2, JSON_NUMBER);
	expect("-0.5e+10\n", JSON_WHOLE, 8, JSON_NUMBER);
	expect("0", JSON_WHOLE, 1, JSON_NUMBER);
	expect("\"a\x01\n\x7f\"", JSON_WHOLE, 6, JSON_STRING);
	expect("[1,[2,{\"a\":[]}],3]", JSON_WHOLE, 18, JSON_ARRAY);
}

static void test_cut(void **state)
{
	(void)state;
	expect("", JSON_CUT, 0, JSON_NONE);
	expect("  ", JSON_CUT, 2, JSON_NONE);
	expect("tru", JSON_CUT, 3, JSON_NONE);
	expect("-", JSON_CUT, 1, JSON_NONE);
	expect("1.", JSON_CUT, 2, JSON_NONE);
	expect("1e", JSON_CUT, 2, JSON_NONE);
	expect("1e+", JSON_CUT, 3, JSON_NONE);
	expect("\"", JSON_CUT, 1, JSON_STRING);
	expect("[", JSON_CUT, 1, JSON_ARRAY);
	expect("[1", JSON_CUT, 2, JSON_ARRAY);
	expect("[1,", JSON_CUT, 3, JSON_ARRAY);
	expect("{", JSON_CUT, 1, JSON_OBJECT);
	expect("{\"a", JSON_CUT, 3, JSON_OBJECT);
	expect("{\"a\"", JSON_CUT, 4, JSON_OBJECT);
	expect("{\"a\":", JSON_CUT, 5, JSON_OBJECT);
	expect("{\"a\":1,", JSON_CUT, 7, JSON_OBJECT);

	DOC(d, STR("{\"a\":1,\"b\":[\"x\",12"));
	const struct json *b = json_get(d.j, "b");

	assert_true(json_is_cut(d.j));
	assert_true(json_is_cut(b));
	assert_false(json_is_cut(json_get(d.j, "a")));
	assert_int_equal(json_count(d.j), 2);
	/* 12 may be the start of 123. */
	assert_int_equal(json_count(b), 1);
	HARNESS_TEXT("raw", json_raw(b), "[\"x\",12");
	DOC(key, STR("{\"a\":1,\"b\""));
	assert_int_equal(json_count(key.j), 1);
}

static void test_broken(void **state)
{
	(void)state;
	expect("NaN", JSON_BROKEN, 0, JSON_NONE);
	expect("Infinity", JSON_BROKEN, 0, JSON_NONE);
	expect("+1", JSON_BROKEN, 0, JSON_NONE);
	expect(".5", JSON_BROKEN, 0, JSON_NONE);
	expect("'a'", JSON_BROKEN, 0, JSON_NONE);
	expect("01", JSON_BROKEN, 1, JSON_NONE);
	expect("-01", JSON_BROKEN, 2, JSON_NONE);
	expect("[01]", JSON_BROKEN, 2, JSON_ARRAY);
	expect("[1.]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[1.e5]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[1e]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[-]", JSON_BROKEN, 2, JSON_ARRAY);
	expect("[--1]", JSON_BROKEN, 2, JSON_ARRAY);
	expect("[1x]", JSON_BROKEN, 2, JSON_ARRAY);
	expect("0x10", JSON_BROKEN, 1, JSON_NONE);
	expect("trux", JSON_BROKEN, 3, JSON_NONE);
	expect("truex", JSON_BROKEN, 4, JSON_NONE);
	expect("[nul]", JSON_BROKEN, 4, JSON_ARRAY);
	expect("[1,]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[,1]", JSON_BROKEN, 1, JSON_ARRAY);
	expect("[1 2]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[1}", JSON_BROKEN, 2, JSON_ARRAY);
	expect("]", JSON_BROKEN, 0, JSON_NONE);
	expect("{1:2}", JSON_BROKEN, 1, JSON_OBJECT);
	expect("{\"a\" 1}", JSON_BROKEN, 5, JSON_OBJECT);
	expect("{\"a\":1,}", JSON_BROKEN, 7, JSON_OBJECT);
	expect("{\"a\":1 \"b\":2}", JSON_BROKEN, 7, JSON_OBJECT);
	expect("{\"a\":}", JSON_BROKEN, 5, JSON_OBJECT);
	expect("{\"a\":1]", JSON_BROKEN, 6, JSON_OBJECT);
	expect("[\"\\q\"]", JSON_BROKEN, 3, JSON_ARRAY);
	expect("[\"\\u12g4\"]", JSON_BROKEN, 6, JSON_ARRAY);
	expect("[DONE]", JSON_BROKEN, 1, JSON_ARRAY);
	expect("/* no */ 1", JSON_BROKEN, 0, JSON_NONE);

	/* What came before is there. */
	DOC(d, STR("{\"a\":\"x\",\"b\":[1,2,\"yz\\q\"],\"c\":3}"));
	const struct json *b = json_get(d.j, "b");

	assert_int_equal(d.end.state, JSON_BROKEN);
	assert_int_equal(json_count(d.j), 2);
	assert_int_equal(json_count(b), 3);
	assert_true(json_is_cut(json_at(b, 2)));
	HARNESS_TEXT("before", json_str(d.a, json_at(b, 2)), "yz");
	/* A number in front of the bad byte is whole when something ended it. */
	DOC(n, STR("[12 x"));
	assert_int_equal(json_count(n.j), 1);
}

static void test_zero_bytes(void **state)
{
	(void)state;
	DOC(d, STR("[\"a\0b\",\0]"));
	assert_int_equal(d.end.state, JSON_BROKEN);
	assert_int_equal(d.end.offset, 7);
	struct str s = json_str(d.a, json_at(d.j, 0));

	assert_true(str_eq(s, STR("a\0b")));
	assert_null(json_parse(d.a, STR_NONE, NULL));
}

static void test_looks(void **state)
{
	DOC(d, STR(" {\"a\":1, \"choices\":[{\"delta\":{\"content\":\"hi\"}}], \"n\":null, \"a\":\"two\", "
		   "\"\":0} "));
	size_t seen = 0;

	(void)state;
	assert_int_equal(json_count(d.j), 5);
	assert_true(json_is(json_path(d.j, "choices", "0", "delta", "content", NULL), "hi"));
	assert_false(json_is(json_path(d.j, "choices", "0", "delta", "content", NULL), "hi!"));
	assert_false(json_is(json_path(d.j, "choices", "0", "delta", "content", NULL), "h"));
	assert_null(json_path(d.j, "choices", "1", "delta", NULL));
	assert_null(json_path(d.j, "choices", "x", NULL));
	assert_null(json_path(d.j, "choices", "18446744073709551615", NULL));
	assert_null(json_path(d.j, "n", "x", NULL));
	assert_ptr_equal(json_path(d.j, NULL), d.j);
	/* Of doubled names the last. */
	assert_true(json_is(json_get(d.j, "a"), "two"));
	assert_int_equal(json_type(json_get(d.j, "n")), JSON_NULL);
	assert_int_equal(json_type(json_get(d.j, "")), JSON_NUMBER);
	assert_null(json_get(d.j, "absent"));
	assert_null(json_get(json_get(d.j, "choices"), "0"));
	assert_null(json_at(d.j, 0));
	assert_null(json_at(json_get(d.j, "choices"), 1));
	HARNESS_TEXT("raw", json_raw(json_path(d.j, "choices", "0", NULL)),
		     "{\"delta\":{\"content\":\"hi\"}}");
	for (const struct json *c = json_first(d.j); c; c = json_next(c))
		seen++;
	assert_int_equal(seen, 5);
	HARNESS_TEXT("key", json_raw_key(json_next(json_first(d.j))), "choices");
	assert_int_equal(json_raw_key(json_at(json_get(d.j, "choices"), 0)).n, 0);
	assert_int_equal(json_raw_key(d.j).n, 0);
	assert_non_null(json_raw_key(json_get(d.j, "")).p);
	HARNESS_TEXT("get_str", json_get_str(d.a, d.j, "a"), "two");
	assert_null(json_get_str(d.a, d.j, "n").p);
}

static void test_nothing(void **state)
{
	int64_t i;
	double f;
	bool b;

	(void)state;
	assert_int_equal(json_type(NULL), JSON_NONE);
	assert_false(json_is_cut(NULL));
	assert_null(json_raw(NULL).p);
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_get(NULL, "a"));
	assert_null(json_path(NULL, "a", NULL));
	assert_null(json_at(NULL, 0));
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_raw_key(NULL).p);
	assert_null(json_key(NULL, NULL).p);
	assert_false(json_key_is(NULL, STR("")));
	assert_null(json_str(NULL, NULL).p);
	assert_null(json_get_str(NULL, NULL, "a").p);
	assert_false(json_i64(NULL, &i) || json_f64(NULL, &f) || json_bool(NULL, &b) || json_is(NULL, ""));
}

static void decodes(struct str text, struct str want)
{
	DOC(d, text);
	struct str got = json_str(d.a, d.j);

	assert_non_null(got.p);
	harness_assert_text("decoded", got, want);
	if (memchr(want.p, 0, want.n) == NULL) {
		char z[256] = "", more[257];

		memcpy(z, want.p, want.n);
		assert_true(json_is(d.j, z));
		snprintf(more, sizeof(more), "%sx", z);
		assert_false(json_is(d.j, more));
	}
}

static void test_strings(void **state)
{
	(void)state;
	decodes(STR("\"\""), STR(""));
	decodes(STR("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\""), STR("a\"\\/\b\f\n\r\tz"));
	decodes(STR("\"\\u0041\\u00e9\\u20AC\\u0000\""), STR("A\xc3\xa9\xe2\x82\xac\0"));
	decodes(STR("\"\\uD83D\\uDE00\""), STR("\xf0\x9f\x98\x80"));
	decodes(STR("\"\\ud83d\\ude00x\""), STR("\xf0\x9f\x98\x80x"));
	/* Lone surrogates, either way round, twice, at the end. */
	decodes(STR("\"\\uD83D\""), STR("\xef\xbf\xbd"));
	decodes(STR("\"\\uDE00\\uD83D\""), STR("\xef\xbf\xbd\xef\xbf\xbd"));
	decodes(STR("\"\\uD83D\\uD83D\\uDE00\""), STR("\xef\xbf\xbd\xf0\x9f\x98\x80"));
	decodes(STR("\"\\uD83Dx\\uDE00\""), STR("\xef\xbf\xbdx\xef\xbf\xbd"));
	decodes(STR("\"\\uD83D\\n\""), STR("\xef\xbf\xbd\n"));
	decodes(STR("\"\\uD83D\\u0041\""), STR("\xef\xbf\xbd"
					       "A"));
	/* Raw bytes. */
	decodes(STR("\"\xc3\xa9\xf0\x9f\x98\x80\""), STR("\xc3\xa9\xf0\x9f\x98\x80"));
	decodes(STR("\"a\xff"
		    "b\""),
		STR("a\xef\xbf\xbd"
		    "b"));
	decodes(STR("\"\xff\xff\xff\""), STR("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
	decodes(STR("\"\xe2\x82\""), STR("\xef\xbf\xbd"));
	decodes(STR("\"\xed\xa0\x80\""), STR("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
	decodes(STR("\"\xc3\xa9\\n\xff\""), STR("\xc3\xa9\n\xef\xbf\xbd"));
	decodes(STR("\"raw\x01\n\t\""), STR("raw\x01\n\t"));

	/* Borrowed where it can be. */
	DOC(d, STR("[\"plain\",\"\xc3\xa9t\xc3\xa9\"]"));
	for (size_t i = 0; i < 2; i++)
		assert_ptr_equal(json_str(d.a, json_at(d.j, i)).p, json_raw(json_at(d.j, i)).p + 1);
	assert_null(json_str(d.a, d.j).p);
}

/* Quotes and escapes at every distance from the start, so at every place in the words the reader steps by. */
static void test_string_alignments(void **state)
{
	char text[128], want[128];

	(void)state;
	for (size_t pad = 0; pad < 40; pad++) {
		for (size_t more = 0; more < 20; more++) {
			size_t n = (size_t)snprintf(text, sizeof(text), "[\"%.*s\\\"%.*s\",\"\xc3\xa9\",1]",
						    (int)pad, "#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!",
						    (int)more, "[]]][[[]]][[[]]][[[]]][[");
			snprintf(want, sizeof(want), "%.*s\"%.*s", (int)pad,
				 "#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!#!", (int)more,
				 "[]]][[[]]][[[]]][[[]]][[");
			DOC(d, str_make(text, n));
			assert_int_equal(d.end.state, JSON_WHOLE);
			assert_int_equal(json_count(d.j), 3);
			HARNESS_TEXT("aligned", json_str(d.a, json_at(d.j, 0)), want);
		}
	}
}

static void cut_string(struct str text, const char *want)
{
	DOC(d, text);

	assert_int_equal(d.end.state, JSON_CUT);
	assert_true(json_is_cut(d.j));
	HARNESS_TEXT("cut string", json_str(d.a, d.j), want);
	assert_true(json_is(d.j, want));
}

static void test_cut_strings(void **state)
{
	(void)state;
	cut_string(STR("\""), "");
	cut_string(STR("\"ab"), "ab");
	cut_string(STR("\"ab\\"), "ab");
	cut_string(STR("\"ab\\\\"), "ab\\");
	cut_string(STR("\"ab\\u"), "ab");
	cut_string(STR("\"ab\\u00e"), "ab");
	cut_string(STR("\"ab\\u00e9"), "ab\xc3\xa9");
	/* A high surrogate waits for its low one; a lone one before other text does not. */
	cut_string(STR("\"ab\\ud83d"), "ab");
	cut_string(STR("\"ab\\ud83d\\"), "ab");
	cut_string(STR("\"ab\\ud83d\\ude0"), "ab");
	cut_string(STR("\"ab\\ud83d\\ude00"), "ab\xf0\x9f\x98\x80");
	cut_string(STR("\"ab\\ud83dx"), "ab\xef\xbf\xbdx");
	cut_string(STR("\"\\\\ud83d"), "\\ud83d");
	cut_string(STR("\"a\xc3"), "a");
	cut_string(STR("\"a\xe2\x82"), "a");
	cut_string(STR("\"a\xf0\x9f\x98"), "a");
	cut_string(STR("\"a\xf0\x9f\x98\x80"), "a\xf0\x9f\x98\x80");
	cut_string(STR("\"\xf0"), "");
	/* Not the start of anything. */
	cut_string(STR("\"a\xff"), "a\xef\xbf\xbd");
	cut_string(STR("\"a\x80\x80"), "a\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_keys(void **state)
{
	DOC(d, STR("{\"a\\u0062c\":1,\"\\uD83D\\uDE00\":2,\"x\xff\":3,\"abc\":4,\"a\\\\u0062c\":5}"));
	const struct json *m = json_first(d.j);
	int64_t v;

	(void)state;
	HARNESS_TEXT("decoded", json_key(d.a, m), "abc");
	HARNESS_TEXT("raw", json_raw_key(m), "a\\u0062c");
	assert_true(json_key_is(m, STR("abc")));
	assert_false(json_key_is(m, STR("ab")));
	assert_false(json_key_is(m, STR("a\\u0062c")));
	/* The escaped name and the plain one are one name: the last wins. */
	assert_true(json_i64(json_get(d.j, "abc"), &v) && v == 4);
	assert_true(json_i64(json_get(d.j, "\xf0\x9f\x98\x80"), &v) && v == 2);
	assert_true(json_i64(json_get(d.j, "a\\u0062c"), &v) && v == 5);
	HARNESS_TEXT("bad byte", json_key(d.a, json_next(json_next(m))), "x\xef\xbf\xbd");
	assert_ptr_equal(json_key(d.a, json_get(d.j, "abc")).p, json_raw_key(json_get(d.j, "abc")).p);
}

static void test_integers(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"0", 0},
		{"-0", 0},
		{"0.000", 0},
		{"0e999999999999999999999", 0},
		{"1", 1},
		{"1.0", 1},
		{"1e2", 100},
		{"1E+2", 100},
		{"-1.50e1", -15},
		{"1000e-3", 1},
		{"1000.000e-3", 1},
		{"0.001e3", 1},
		{"120e-1", 12},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
		{"9223372036854775807.000", INT64_MAX},
		{"922337203685477580700e-2", INT64_MAX},
		{"0.000000000000000000000000000001e30", 1},
	};
	static const char *const bad[] = {
		"1.5",
		"1e-1",
		"0.1",
		"9223372036854775808",
		"-9223372036854775809",
		"1e19",
		"1e9999",
		"1e99999999999999999999999",
		"1e-99999999999999999999999",
		"18446744073709551616",
		"true",
		"\"1\"",
		"[1]",
	};
	int64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		DOC(d, str_of(good[i].text));
		if (!json_i64(d.j, &v) || v != good[i].want)
			fail_msg("%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		DOC(d, str_of(bad[i]));
		v = 77;
		if (json_i64(d.j, &v) || v != 77)
			fail_msg("%s", bad[i]);
	}
	/* A million zeros and the exponent that takes them away. */
	enum { ZEROS = 1000000 };
	char *big = malloc(ZEROS + 32);

	big[0] = '7';
	memset(big + 1, '0', ZEROS);
	memcpy(big + 1 + ZEROS, "e-1000000", sizeof("e-1000000"));
	DOC(d, str_of(big));
	assert_true(json_i64(d.j, &v) && v == 7);
	double f;

	assert_false(json_f64(d.j, &f));
	free(big);
}

static void test_doubles(void **state)
{
	double v = 77;

	(void)state;
	DOC(d, STR("[0.1,-1.5e-3,1e308,5e-324,1e-9999,1e9999,-1e9999,true,\"1\",-0.0]"));
	assert_true(json_f64(json_at(d.j, 0), &v) && v == 0.1);
	assert_true(json_f64(json_at(d.j, 1), &v) && v == -1.5e-3);
	assert_true(json_f64(json_at(d.j, 2), &v) && v == 1e308);
	assert_true(json_f64(json_at(d.j, 3), &v) && v == 5e-324);
	assert_true(json_f64(json_at(d.j, 4), &v) && v == 0);
	for (size_t i = 5; i < 9; i++) {
		v = 77;
		assert_false(json_f64(json_at(d.j, i), &v));
		assert_true(v == 77);
	}
	assert_true(json_f64(json_at(d.j, 9), &v) && v == 0 && signbit(v));
	bool b = false;

	assert_true(json_bool(json_at(d.j, 7), &b) && b);
	assert_false(json_bool(json_at(d.j, 8), &b));
}

static void test_depth(void **state)
{
	enum { DEEP = 100000 };
	char *text = malloc(2 * DEEP);

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	{
		DOC(d, str_make(text, 2 * JSON_DEPTH_MAX));
		assert_int_equal(d.end.state, JSON_WHOLE);
	}
	memset(text, '[', DEEP);
	memset(text + DEEP, ']', DEEP);
	{
		DOC(d, str_make(text, 2 * DEEP));
		assert_int_equal(d.end.state, JSON_BROKEN);
		assert_int_equal(d.end.offset, JSON_DEPTH_MAX);
		size_t depth = 0;

		for (const struct json *j = d.j; j; j = json_first(j)) {
			assert_true(json_is_cut(j));
			depth++;
		}
		assert_int_equal(depth, JSON_DEPTH_MAX);
	}
	for (size_t i = 0; i < DEEP; i++)
		memcpy(text + i % (2 * DEEP / 5) * 5, "{\"a\":", 5);
	{
		DOC(d, str_make(text, 2 * DEEP));
		assert_int_equal(d.end.state, JSON_BROKEN);
		assert_int_equal(d.end.offset, 5 * JSON_DEPTH_MAX);
	}
	free(text);
}

static void test_large(void **state)
{
	enum { BIG = 20 << 20, MANY = 1000000 };
	char *text = malloc(BIG);

	(void)state;
	memset(text, 'x', BIG);
	text[0] = text[BIG - 1] = '"';
	{
		DOC(d, str_make(text, BIG));
		assert_int_equal(d.end.state, JSON_WHOLE);
		assert_int_equal(json_str(d.a, d.j).n, BIG - 2);
		/* One node. */
		assert_true(arena_size(d.a) < 16384);
	}
	for (size_t i = 0; i < MANY; i++)
		memcpy(text + 2 * i, i ? ",1" : "[1", 2);
	text[2 * MANY] = ']';
	{
		DOC(d, str_make(text, 2 * MANY + 1));
		assert_int_equal(d.end.state, JSON_WHOLE);
		assert_int_equal(json_count(d.j), MANY);
		assert_true(arena_size(d.a) < 35u * MANY);
	}
	/* An arena that is too small: what fitted is there, and the state says so. */
	struct arena *small = arena_new(100000);
	struct json_end end;
	const struct json *j = json_parse(small, str_make(text, 2 * MANY + 1), &end);

	assert_int_equal(end.state, JSON_MEMORY);
	assert_true(json_is_cut(j));
	assert_true(json_count(j) > 1000 && json_count(j) < 100000 / 32);
	arena_free(small);
	free(text);
}

/* ---- cut at every byte: what is there equals the whole document's, and all is there that was whole ---- */

static size_t end_of(const struct json *j, const char *base)
{
	return (size_t)(json_raw(j).p + json_raw(j).n - base);
}

static bool must_be_there(const struct json *whole, const char *base, size_t n)
{
	size_t start = (size_t)(json_raw(whole).p - base), end = end_of(whole, base);

	switch (json_type(whole)) {
	case JSON_STRING:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return start < n;
	case JSON_NUMBER:
		return end < n;
	default:
		return end <= n;
	}
}

static void compare(struct doc *part, const struct json *p, struct doc *full, const struct json *f, size_t n)
{
	assert_int_equal(json_type(p), json_type(f));
	harness_assert_text("name", json_key(part->a, p), json_key(full->a, f));
	bool whole = end_of(f, full->copy) <= n;

	assert_int_equal(json_is_cut(p), !whole);
	if (whole) {
		harness_assert_text("raw", json_raw(p), json_raw(f));
		assert_int_equal(json_count(p), json_count(f));
	}
	if (json_type(f) == JSON_STRING) {
		struct str got = json_str(part->a, p), want = json_str(full->a, f);

		assert_true(str_starts(want, got));
		/* No more is lost than one character may need: an escaped pair. */
		assert_true(whole ? got.n == want.n : json_raw(p).p + json_raw(p).n + 12 > part->copy + n);
	}
	const struct json *pc = json_first(p), *fc = json_first(f);

	for (; fc && must_be_there(fc, full->copy, n); fc = json_next(fc)) {
		assert_non_null(pc);
		compare(part, pc, full, fc, n);
		pc = json_next(pc);
	}
	assert_null(pc);
}

static const char *const documents[] = {
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\\"b\\\\ \\u00e9\\ud83d\\ude00 "
	"\xc3\xa9\xe2\x82\xac"
	"\xf0\x9f\x98\x80\"},{\"role\":\"assistant\",\"content\":null}],\"n\":-12.5e+3,\"stream\":true,"
	"\"stop\":[],\"x\":{}}",
	" [ 1 , 22 , [ ] , { \"a\" : { \"b\" : [ false , null , \"\" ] } } , 0.5 , \"\\ud800\" , "
	"\"\\ud800x\" ] ",
	"{\"a\\u0062\":1,\"ab\":2,\"\":{\"\\\\\":\"\\\\\"},\"k\xff\":\"v\xff\xe2\x82\",\"l\":"
	"\"\xe2\x82\\n\"}",
	"\"just a string with \\\\ and \\u0041 and \xf4\x8f\xbf\xbf\"",
	"[[[[[[[[[[\"deep\",[1,[2,[3]]]]]]]]]]]]]",
	"true",
};

static void test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct str text = str_of(documents[i]);
		DOC(full, text);

		assert_int_equal(full.end.state, JSON_WHOLE);
		for (size_t n = 0; n <= text.n; n++) {
			DOC(part, str_head(text, n));
			bool whole = n >= end_of(full.j, full.copy);

			assert_int_equal(part.end.state, whole ? JSON_WHOLE : JSON_CUT);
			assert_int_equal(part.end.offset, whole ? full.end.offset : n);
			if (must_be_there(full.j, full.copy, n))
				compare(&part, part.j, &full, full.j, n);
			else
				assert_null(part.j);
		}
	}
}

static void walk(struct arena *a, const struct json *j, size_t *nodes)
{
	int64_t i;
	double f;

	(void)json_str(a, j);
	(void)json_key(a, j);
	(void)json_i64(j, &i);
	(void)json_f64(j, &f);
	(void)json_is(j, "x");
	(void)json_get(j, "ab");
	++*nodes;
	for (const struct json *c = json_first(j); c; c = json_next(c))
		walk(a, c, nodes);
}

/* Bytes changed at random: no state but those, no read outside (ASAN), and what is there is consistent. */
static void test_noise(void **state)
{
	static const char bytes[] = "\"\\{}[]:,u0d8eE+-.1tfn \xff\xe2\x82\xf0\x9f";
	uint32_t seed = 4711;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		char text[512];
		struct str from =
			str_of(documents[(size_t)round % (sizeof(documents) / sizeof(documents[0]))]);
		size_t nodes = 0;

		assert_true(from.n < sizeof(text));
		memcpy(text, from.p, from.n);
		for (int k = round % 4; k >= 0; k--) {
			seed = seed * 1664525u + 1013904223u;
			text[(seed >> 8) % from.n] = bytes[(seed >> 3) % (sizeof(bytes) - 1)];
		}
		DOC(d, str_make(text, from.n));
		assert_true(d.end.offset <= from.n);
		assert_true(d.end.state == JSON_WHOLE || d.end.state == JSON_CUT ||
			    d.end.state == JSON_BROKEN);
		if (d.end.state == JSON_WHOLE)
			assert_false(json_is_cut(d.j));
		if (d.j)
			walk(d.a, d.j, &nodes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_broken),	    cmocka_unit_test(test_zero_bytes),
		cmocka_unit_test(test_looks),	    cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_strings),	    cmocka_unit_test(test_string_alignments),
		cmocka_unit_test(test_cut_strings), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_integers),    cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_depth),	    cmocka_unit_test(test_large),
		cmocka_unit_test(test_every_cut),   cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
