/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"
#include "harness.h"

static void pieces_come_back_in_order(void **state)
{
	struct arena *a = arena_new(64u << 20);
	struct genai_rope r = {0};
	char *want = malloc(400000);
	size_t n = 0;

	(void)state;
	assert_string_equal(genai_rope_str(a, &r).p, "");
	/* Sizes around every border of the blocks, and pieces larger than any. */
	for (size_t i = 0; i < 200; i++) {
		size_t len = i % 7 == 0 ? i * 150 : i;

		for (size_t k = 0; k < len; k++)
			want[n + k] = (char)('a' + (i + k) % 26);
		if (n + len > 290000)
			break;
		genai_rope_add(a, &r, str_make(want + n, len));
		n += len;
	}
	assert_true(n > 100000);
	assert_int_equal(r.n, n);
	harness_assert_text("rope", genai_rope_str(a, &r), str_make(want, n));
	free(want);
	arena_free(a);
}

static void stops_at_the_limit(void **state)
{
	struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	struct genai_rope r = {0};
	char *piece = calloc(1, 1u << 20);

	(void)state;
	for (int i = 0; i < 20; i++)
		genai_rope_add(a, &r, str_make(piece, (1u << 20) - 1));
	assert_int_equal(r.n, LIMIT_BODY_BYTES);
	free(piece);
	arena_free(a);
}

static void lives_without_memory(void **state)
{
	struct arena *a = arena_new(4096);
	struct genai_rope r = {0};
	char piece[1000] = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		genai_rope_add(a, &r, str_make(piece, sizeof(piece)));
	assert_true(r.n < 4096);
	(void)genai_rope_str(a, &r);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_back_in_order),
		cmocka_unit_test(stops_at_the_limit),
		cmocka_unit_test(lives_without_memory),
	};

	return cmocka_run_group_tests_name("genai rope", tests, NULL, NULL);
}
