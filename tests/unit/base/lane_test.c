/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/lane.h"

#include "harness.h"

static void masks(void **state)
{
	char text[LANE_BYTES + 1];
	(void)state;

	for (size_t i = 0; i < LANE_BYTES; i++) {
		for (size_t later = i; later < LANE_BYTES; later++) {
			memset(text, 'a', sizeof(text));
			text[i] = text[later] = 'x';
			text[LANE_BYTES] = 'y'; /* not seen */
			lane v = lane_load(text);
			assert_true(lane_any(lane_eq(v, 'x')));
			assert_int_equal(lane_first(lane_eq(v, 'x')), i);
			assert_int_equal(lane_first(lane_eq(v, 'x') | lane_eq(v, 'y')), i);
			assert_false(lane_any(lane_eq(v, 'y')));
			assert_false(lane_any(lane_eq(v, 'x') & lane_eq(v, 'a')));
		}
	}
}

/* Bytes beyond ASCII are negative, whatever char is. */
static void signs(void **state)
{
	char text[LANE_BYTES] = {0};
	(void)state;

	for (int c = 0; c < 256; c++) {
		text[9] = (char)c;
		assert_int_equal(lane_any((lane)(lane_load(text) < lane_of(0))), c >= 0x80);
		assert_int_equal(lane_any(lane_eq(lane_load(text), (char)0xff)), c == 0xff);
	}
}

static void stores(void **state)
{
	char from[LANE_BYTES + 2] = "0123456789abcdefg", to[LANE_BYTES + 2] = {0};
	(void)state;

	lane_store(to + 1, lane_load(from + 1)); /* no alignment needed */
	assert_memory_equal(to + 1, from + 1, LANE_BYTES);
	assert_int_equal(to[0], 0);
	assert_int_equal(to[LANE_BYTES + 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks),
		cmocka_unit_test(signs),
		cmocka_unit_test(stores),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
