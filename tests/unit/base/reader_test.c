/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "doc.h"

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
		cmocka_unit_test(test_whole),	  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_broken),	  cmocka_unit_test(test_zero_bytes),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_large),
		cmocka_unit_test(test_every_cut), cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
