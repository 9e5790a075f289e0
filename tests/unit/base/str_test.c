/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdlib.h>

#include "base/str.h"

static void test_compares(void **state)
{
	(void)state;
	assert_true(str_eq(STR_NONE, STR("")));
	assert_false(str_eq(STR("a"), STR("b")));
	assert_true(str_ieq(STR("Content-Type"), STR("cONTENT-tYPE")));
	/* ASCII only: '[' and '{' differ by the case bit alone. */
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_ieq(STR("ab"), STR("abc")));
}

static void test_starts_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts(STR("data: x"), STR("data:")));
	assert_false(str_starts(STR("dat"), STR("data")));
	assert_true(str_starts(STR_NONE, STR_NONE));
	assert_true(str_ends(STR("a.json"), STR(".json")));
	assert_false(str_ends(STR("json"), STR(".json")));
	assert_true(str_istarts(STR("HTTP/1.1"), STR("http/")));
	assert_false(str_istarts(STR("HTT"), STR("http/")));
}

static void test_slices(void **state)
{
	struct str head, s = STR("a=b=c");

	(void)state;
	HARNESS_TEXT("head", str_head(s, 2), "a=");
	HARNESS_TEXT("head beyond", str_head(s, 99), "a=b=c");
	HARNESS_TEXT("skip", str_skip(s, 2), "b=c");
	assert_int_equal(str_skip(s, 99).n, 0);
	assert_int_equal(str_skip(STR_NONE, 3).n, 0);
	HARNESS_TEXT("rest", str_cut(s, '=', &head), "b=c");
	HARNESS_TEXT("before", head, "a");
	struct str rest = str_cut(s, ';', &head);

	HARNESS_TEXT("all", head, "a=b=c");
	assert_null(rest.p);
	rest = str_cut(STR("a="), '=', &head);
	assert_non_null(rest.p);
	assert_int_equal(rest.n, 0);
	HARNESS_TEXT("trim", str_trim(STR(" \t\r\nx y\n ")), "x y");
	assert_int_equal(str_trim(STR("  ")).n, 0);
	assert_int_equal(str_trim(STR_NONE).n, 0);
}

static void test_finds(void **state)
{
	(void)state;
	assert_int_equal(str_find_char(STR("abc"), 'c'), 2);
	assert_int_equal(str_find_char(STR("abc"), 'x'), -1);
	assert_int_equal(str_find_char(STR_NONE, 'x'), -1);
	assert_int_equal(str_find(STR("a\0bc"), STR("\0b")), 1);
	assert_int_equal(str_find(STR("abc"), STR("abcd")), -1);
	assert_int_equal(str_find(STR_NONE, STR_NONE), 0);
	assert_true(str_has(STR("abc"), STR("bc")));
	assert_false(str_has(STR("abc"), STR("cb")));
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999"};
	static const char *const bad_hex[] = {"", "0x1", "g", "10000000000000000", "-1", "@"};
	uint64_t v = 7;

	(void)state;
	assert_true(str_to_u64(STR("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_to_u64(STR("000"), &v));
	assert_true(v == 0);
	v = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(str_to_u64(str_of(bad[i]), &v));
		assert_true(v == 7);
	}
	for (size_t i = 0; i < sizeof(bad_hex) / sizeof(bad_hex[0]); i++) {
		assert_false(str_to_u64_hex(str_of(bad_hex[i]), &v));
		assert_true(v == 7);
	}
	assert_true(str_to_u64_hex(STR("fFfFffffffffffff"), &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_to_u64_hex(STR("1c"), &v));
	assert_true(v == 28);
}

static void test_hex_digit(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int c = -128; c < 128; c++) {
		const char *at = c ? strchr(digits, (char)c) : NULL;
		int want = at == NULL ? -1 : (int)(at - digits) - (at - digits >= 16 ? 6 : 0);

		assert_int_equal(str_hex_digit((char)c), want);
	}
}

static void test_field_int(void **state)
{
	int v = 7;

	(void)state;
	assert_true(str_field_int(STR("2026-11-24"), 0, 4, &v));
	assert_int_equal(v, 2026);
	assert_true(str_field_int(STR("2026-11-04"), 8, 2, &v));
	assert_int_equal(v, 4);
	assert_false(str_field_int(STR("2026-11-04"), 4, 2, &v));
	assert_false(str_field_int(STR("2026-11-04"), 10, 2, &v));
	assert_int_equal(v, 4);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *dir, *base;
	} rows[] = {
		{"/usr/lib/libssl.so.3", "/usr/lib", "libssl.so.3"},
		{"lib/x", "lib", "x"},
		{"/vmlinuz", "/", "vmlinuz"},
		{"python3", "", "python3"},
		{"/usr/lib/", "/usr/lib", ""},
		{"a//b", "a/", "b"},
		{"/", "/", ""},
		{"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(str_eq(str_base_name(str_of(rows[i].path)), str_of(rows[i].base)));
		assert_true(str_eq(str_dir_name(str_of(rows[i].path)), str_of(rows[i].dir)));
	}
	assert_null(str_base_name(STR_NONE).p);
	assert_null(str_dir_name(STR_NONE).p);
}

static void test_fits(void **state)
{
	static const struct {
		struct str s;
		const char *pattern;
		bool want;
	} rows[] = {
		{STR("gpt-4o"), "gpt-4o", true},
		{STR("gpt-4o-mini"), "gpt-4o", false},
		{STR("gpt-4"), "gpt-4o", false},
		{STR("gpt-4o-2024-08-06"), "gpt-4o-####-##-##", true},
		{STR("gpt-4o-2024-08-0x"), "gpt-4o-####-##-##", false},
		{STR("a#"), "a#", true},
		{STR("/v1/chat/completions"), "*/chat/completions", true},
		{STR("/chat/completions/x"), "*/chat/completions", false},
		{STR("abcabd"), "*abd", true},
		{STR("aXbYc"), "a*b*c", true},
		{STR("aXbYcZ"), "a*b*c", false},
		{STR("abc"), "a**c", true},
		{STR("ac"), "a*c*", true},
		{STR(""), "", true},
		{STR(""), "*", true},
		{STR(""), "?", false},
		{STR("x\0"), "x", false},
		{STR("x\0y"), "x*y", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(str_fits(rows[i].s, str_of(rows[i].pattern)), rows[i].want);
}

static void test_dup(void **state)
{
	(void)state;
	char *z = str_dup(STR("ab"));

	assert_string_equal(z, "ab");
	free(z);
	z = str_dup(STR_NONE);
	assert_string_equal(z, "");
	free(z);
	harness_fail_alloc(1);
	assert_null(str_dup(STR("ab")));
	harness_fail_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compares),  cmocka_unit_test(test_starts_and_ends),
		cmocka_unit_test(test_slices),	  cmocka_unit_test(test_finds),
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_hex_digit),
		cmocka_unit_test(test_field_int), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_fits),	  cmocka_unit_test(test_dup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
