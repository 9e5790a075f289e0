/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/money.h"

#include <string.h>

#include "harness.h"

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: none */
	} rows[] = {
		{"0", 0},
		{"1", MONEY_PUSD_PER_USD},
		{"0.0062016", 6201600000},
		{"3.855e-05", 38550000},
		{"3.855E+2", 385500000000000},
		{"1e-12", 1},
		{"4e-13", 0},
		{"5e-13", 1}, /* half up */
		{"0.0000000000014999", 1},
		{"0.0000000000015", 2},
		{"9223372.036854775807", INT64_MAX},
		{"9223372.0368547758074", INT64_MAX},
		{"9223372.036854775808", -1},
		{"1e7", -1},
		{"1e400", -1},
		{"0e400", 0},
		{"0e99999999999999999999", 0},
		{"1e-99999999999999999999", 0},
		{"000000000000000000000000000000001", MONEY_PUSD_PER_USD},
		{"0.00000000000100000000000000000000000000", 1},
		{"18446744073709551619", -1}, /* wraps in 64 bits */
		{"1844674407370955161.9e-16", 184467440737096},
		{"1844674407370955161955e-20", 18446744073710},
		{"", -1},
		{".", -1},
		{".5", -1},
		{"5.", -1},
		{"-1", -1},
		{"+1", -1},
		{"1 ", -1},
		{" 1", -1},
		{"1e", -1},
		{"1e+", -1},
		{"1,5", -1},
		{"0x10", -1},
		{"nan", -1},
		{"inf", -1},
		{"1.2.3", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t got = -1;

		if (money_parse(str_of(rows[i].text), &got) != (rows[i].want >= 0) || got != rows[i].want)
			fail_msg("%s: %lld, want %lld", rows[i].text, (long long)got,
				 (long long)rows[i].want);
	}
}

static void exact_numbers(void **state)
{
	int64_t n = 7;

	(void)state;
	assert_true(money_scale_exact(STR("0.083333"), 6, &n));
	assert_int_equal(n, 83333);
	assert_true(money_scale_exact(STR("0.0833330000"), 6, &n));
	assert_int_equal(n, 83333);
	n = 7;
	assert_false(money_scale_exact(STR("0.0833333"), 6, &n));
	assert_false(money_scale_exact(STR("1e-7"), 6, &n));
	assert_int_equal(n, 7);
	assert_true(money_scale_exact(STR("1.25"), 6, &n));
	assert_int_equal(n, 1250000);
}

static void amounts_are_written(void **state)
{
	static const struct {
		int64_t pusd;
		const char *whole, *rounded;
	} rows[] = {
		{0, "0", "0.0000"},
		{1, "0.000000000001", "0.000000000001"},
		{6201600000, "0.0062016", "0.0062"},
		{434100000, "0.0004341", "0.00043"},
		{29950000000, "0.02995", "0.0300"},
		{MONEY_PUSD_PER_USD, "1", "1.0000"},
		{12 * MONEY_PUSD_PER_USD + 345600000000, "12.3456", "12.35"},
		{INT64_MAX, "9223372.036854775807", "9223372.04"},
		{100 * MONEY_PUSD_PER_USD, "100", "100.00"},
		{MONEY_PUSD_PER_USD / 10, "0.1", "0.1000"},
	};
	char z[MONEY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		money_format(rows[i].pusd, z);
		assert_string_equal(z, rows[i].whole);
		money_round(rows[i].pusd, z);
		assert_string_equal(z, rows[i].rounded);
	}
	money_format((money_wide)INT64_MAX * 1000000, z);
	assert_string_equal(z, "9223372036854.775807");
	money_format((money_wide)INT64_MAX * INT64_MAX, z);
	assert_int_equal(strlen(z), 39); /* 27 digits, a point, up to 12 */
}

/* What is written is read as the same amount, and looks the same again. */
static void written_is_read(void **state)
{
	uint64_t n = 88172645463325252ull;
	char z[MONEY_TEXT], again[MONEY_TEXT];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		n ^= n << 13;
		n ^= n >> 7;
		n ^= n << 17;
		int64_t pusd = (int64_t)(n >> (1 + n % 62)), got;

		money_format(pusd, z);
		assert_true(money_parse(str_of(z), &got));
		assert_int_equal(got, pusd);
		money_format(got, again);
		assert_string_equal(z, again);
		assert_null(strpbrk(z, "eE+-"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(exact_numbers),
		cmocka_unit_test(amounts_are_written),
		cmocka_unit_test(written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
