/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"

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

static void joined(void **state)
{
	struct arena *a = arena_new(1u << 20);
	struct json_end end;
	const struct json *tail = json_parse(a, STR("{\"b\":3,\"c\":4}"), NULL);
	const struct json *j =
		json_join(json_parse(a, STR("{\"a\":1,\"b\":2,\"m\":[{\"x\":\"cu"), &end), tail);
	int64_t n;

	(void)state;
	assert_int_equal(end.state, JSON_CUT);
	assert_true(json_is_cut(j));
	assert_int_equal(json_count(j), 5);
	assert_true(json_i64(json_get(j, "a"), &n) && n == 1);
	assert_true(json_i64(json_get(j, "b"), &n) && n == 3); /* the last one, as in a whole text */
	assert_true(json_i64(json_get(j, "c"), &n) && n == 4);
	assert_true(json_is_cut(json_get(j, "m")));
	tail = json_parse(a, STR("{\"c\":4}"), NULL);
	assert_ptr_equal(json_join(NULL, tail), tail);
	assert_true(json_is_cut(tail));
	assert_ptr_equal(json_join(json_parse(a, STR("{"), NULL), tail), tail);
	assert_null(json_join(NULL, NULL));
	j = json_parse(a, STR("{\"a\":1"), NULL);
	assert_ptr_equal(json_join(j, NULL), j);
	assert_ptr_equal(json_join(j, json_parse(a, STR("{}"), NULL)), j);
	arena_free(a);
}

static struct hash128 hash_of(const char *text)
{
	autodrop(drop_arena) struct arena *a = arena_new(8u << 20);

	assert_non_null(a);
	return json_hash(a, json_parse(a, str_of(text), NULL));
}

static void same_hash(const char *a, const char *b, bool same)
{
	if (!!hash_eq(hash_of(a), hash_of(b)) != same)
		fail_msg("%s and %s are %s", a, b, same ? "not the same" : "the same");
}

static void test_hash(void **state)
{
	(void)state;
	same_hash("{\"a\":1,\"b\":[true,null]}", " { \"b\" : [ true , null ], \"\\u0061\" : 1.0 } ", true);
	same_hash("{\"a\":{\"x\":1,\"y\":{}}}", "{\"a\":{\"y\":{},\"x\":1e0}}", true);
	same_hash("\"\\u00e4\"", "\"\xc3\xa4\"", true);
	same_hash("-0.0", "0", true);
	same_hash("[1,2]", "[2,1]", false);
	same_hash("[1,2]", "[1,[2]]", false);
	same_hash("[[1],2]", "[[1,2]]", false);
	same_hash("{}", "[]", false);
	same_hash("[]", "[[]]", false);
	same_hash("{\"a\":\"1\"}", "{\"a\":1}", false);
	same_hash("{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false);
	same_hash("{\"a\":{\"b\":1},\"c\":2}", "{\"a\":{\"b\":1,\"c\":2}}", false);
	same_hash("null", "false", false);
	same_hash("{\"a\":null}", "{}", false);
	/* What stands beside a value is not a part of it. */
	DOC(d, STR("{\"x\":{\"a\":1},\"y\":2,\"z\":[3]}"));
	assert_true(hash_eq(json_hash(d.a, json_get(d.j, "x")), hash_of("{\"a\":1}")));
	assert_true(hash_eq(json_hash(d.a, json_get(d.j, "y")), hash_of("2")));
	(void)json_hash(d.a, NULL);
	/* As deep as the reader goes. */
	char deep[2 * JSON_DEPTH_MAX + 1];

	for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
		deep[i] = '[';
		deep[JSON_DEPTH_MAX + i] = ']';
	}
	deep[2 * JSON_DEPTH_MAX] = 0;
	same_hash(deep, deep, true);
	same_hash(deep, "[]", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_alignments),
		cmocka_unit_test(test_cut_strings),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
