/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <string.h>

#include "base/arena.h"

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static void test_pieces(void **state)
{
	autodrop(drop_arena) struct arena *a = arena_new(64u << 20);
	unsigned char *kept[500];
	size_t sum = 0;

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		size_t n = (i * 7919) % 5000;

		kept[i] = arena_alloc(a, n);
		assert_non_null(kept[i]);
		assert_int_equal((uintptr_t)kept[i] % 16, 0);
		assert_true(is_zero(kept[i], n));
		memset(kept[i], (int)i | 1, n);
		sum += n;
	}
	for (size_t i = 0; i < 500; i++) {
		size_t n = (i * 7919) % 5000;

		for (size_t k = 0; k < n; k++)
			assert_int_equal(kept[i][k], (unsigned char)(i | 1));
	}
	assert_true(arena_size(a) >= sum);
	assert_true(arena_size(a) < 3 * sum);
}

static void test_large_piece_keeps_the_room(void **state)
{
	autodrop(drop_arena) struct arena *a = arena_new(64u << 20);

	(void)state;
	char *before = arena_alloc(a, 16);
	assert_non_null(arena_alloc(a, 10u << 20));
	size_t size = arena_size(a);
	char *after = arena_alloc(a, 16);

	assert_ptr_equal(after, before + 16);
	assert_int_equal(arena_size(a), size);
}

static void test_maximum(void **state)
{
	(void)state;
	for (size_t max = 0; max < 20000; max += 16 * 37) {
		struct arena *a = arena_new(max);
		size_t got = 0;

		while (arena_alloc(a, 16))
			got += 16;
		/* The whole of it can be used, and not a piece more. */
		assert_true(got <= max);
		assert_true(max - got < 64);
		assert_null(arena_alloc(a, 1));
		arena_free(a);
	}
	autodrop(drop_arena) struct arena *a = arena_new(SIZE_MAX);

	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 8));
	assert_null(arena_alloc(a, PTRDIFF_MAX));
	assert_non_null(arena_alloc(a, 0));
}

static void test_texts(void **state)
{
	autodrop(drop_arena) struct arena *a = arena_new(1u << 20);

	(void)state;
	HARNESS_TEXT("dup", arena_dup(a, STR("abc")), "abc");
	struct str empty = arena_dup(a, STR_NONE);

	assert_non_null(empty.p);
	assert_int_equal(empty.n, 0);
	HARNESS_TEXT("printf", arena_printf(a, "%s/%d", "x", 7), "x/7");
	empty = arena_printf(a, "%s", "");
	assert_non_null(empty.p);
	assert_null(arena_printf(a, "%02000000d", 1).p);
	static char big[2u << 20];

	assert_null(arena_dup(a, str_make(big, sizeof(big))).p);
	arena_free(NULL);
}

static void test_no_memory(void **state)
{
	(void)state;
	harness_fail_alloc(1);
	assert_null(arena_new(100));
	harness_fail_alloc(2);
	autodrop(drop_arena) struct arena *a = arena_new(10000);

	assert_null(arena_alloc(a, 1));
	assert_int_equal(arena_size(a), 0);
	/* Not for ever. */
	assert_non_null(arena_alloc(a, 1));
	harness_fail_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),	  cmocka_unit_test(test_large_piece_keeps_the_room),
		cmocka_unit_test(test_maximum),	  cmocka_unit_test(test_texts),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
