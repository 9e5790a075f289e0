/* SPDX-License-Identifier: BSD-2-Clause */
/* Line tables: as real interpreters read their own, and any bytes. */
#include "py/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "tables.h"

static size_t unhex(const char *hex, char *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char two[3] = {hex[2 * i], hex[2 * i + 1], 0};

		out[i] = (char)strtoul(two, NULL, 16);
	}
	return n;
}

/* Every instruction of every code object in tables.h. */
static void as_the_interpreter(void **state)
{
	unsigned minors = 0, checks = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char bytes[4096];
		struct str table = {bytes, unhex(tables[i].table, bytes)};
		int32_t at = 0;

		minors |= 1u << tables[i].minor;
		for (const char *p = tables[i].lines; *p;) {
			char *rest;
			unsigned long line = strtoul(p, &rest, 10), n = strtoul(rest + 1, &rest, 10);

			for (; n > 0; n--, at += 2, checks++)
				if (table_line(tables[i].minor, table, tables[i].first, at) != line)
					fail_msg("3.%u, first line %d, byte %d: %u, not %lu", tables[i].minor,
						 tables[i].first, at,
						 table_line(tables[i].minor, table, tables[i].first, at),
						 line);
			p = *rest ? rest + 1 : rest;
		}
		assert_int_equal(table_line(tables[i].minor, table, tables[i].first, -1), tables[i].first);
	}
	assert_int_equal(minors, 0x7f << 8); /* 3.8 to 3.14 */
	assert_true(checks > 3000);
}

static void edges(void **state)
{
	(void)state;
	/* nothing */
	assert_int_equal(table_line(9, STR(""), 7, 100), 7);
	assert_int_equal(table_line(10, STR(""), 7, 100), 0);
	assert_int_equal(table_line(11, STR(""), 7, 100), 0);
	/* half a pair */
	assert_int_equal(table_line(8, STR("\2\1\2"), 7, 100), 8);
	assert_int_equal(table_line(10, STR("\2\1\200"), 7, 2), 0);
	/* no line, and one after it */
	assert_int_equal(table_line(10, STR("\2\200\2\1"), 7, 0), 0);
	assert_int_equal(table_line(10, STR("\2\200\2\1"), 7, 2), 8);
	assert_int_equal(table_line(12, STR("\xf9\xe9\1"), 7, 0), 0); /* none; without columns */
	assert_int_equal(table_line(12, STR("\xf9\xe9\2"), 7, 4), 8);
	assert_int_equal(table_line(12, STR("\xe9\3"), 7, 0), 6);
	/* long: a delta of two bytes, then columns */
	assert_int_equal(table_line(13, STR("\xf0\x60\3\1\1\1"), 7, 1), 7 + (32 + (3 << 6)) / 2);
	/* below the first line, and beyond all lines */
	assert_int_equal(table_line(11, STR("\xe8\x3f"), 7, 0), 0);
	assert_int_equal(table_line(9, STR("\0\200\0\200"), 7, 2), 0);
	assert_int_equal(table_line(11, STR("\xe8\x7e\x7f\x7f\x7f\x7f\x3f"), 7, 0), 0);
	assert_int_equal(table_line(11, STR("\xe8\x7e\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"), INT32_MAX, 0),
			 0);
	assert_int_equal(table_line(11, STR("\x80"), INT32_MAX, 0), INT32_MAX);
	assert_int_equal(table_line(11, STR("\x80"), INT32_MIN, 0), 0);
	assert_int_equal(table_line(9, STR(""), INT32_MIN, -1), 0);
	/* continuations without a beginning */
	assert_int_equal(table_line(11, STR("\1\2\3\x80"), 7, 0), 7);
	assert_int_equal(table_line(3, STR("\4\1"), 7, 4), 8);
	assert_int_equal(table_line(255, STR("\x80"), 7, 0), 7);
}

/* A table of the largest size, read to its end. */
static void long_tables(void **state)
{
	char *bytes = calloc(1, 16384);

	(void)state;
	for (uint8_t minor = 8; minor < 16; minor++)
		for (int fill = 0; fill < 256; fill += 5) {
			memset(bytes, fill, 16384);
			(void)table_line(minor, str_make(bytes, 16384), 1, INT32_MAX);
		}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_interpreter),
		cmocka_unit_test(edges),
		cmocka_unit_test(long_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
