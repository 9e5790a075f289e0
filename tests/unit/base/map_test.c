/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"

static int values[10000];

static void test_life(void **state)
{
	autodrop(drop_map) struct map *m = map_new(sizeof(uint32_t), 1000);
	uint32_t k = 1;
	size_t pos = 0;
	void *v;

	(void)state;
	assert_null(map_get(m, &k));
	assert_null(map_remove(m, &k));
	assert_false(map_next(m, &pos, NULL, &v));
	assert_int_equal(map_add(m, &k, &values[0]), 0);
	assert_ptr_equal(map_get(m, &k), &values[0]);
	assert_int_equal(map_add(m, &k, &values[1]), 0);
	assert_int_equal(map_count(m), 1);
	assert_ptr_equal(map_remove(m, &k), &values[1]);
	assert_null(map_get(m, &k));
	assert_int_equal(map_count(m), 0);
	map_free(NULL);
}

static void test_bound(void **state)
{
	autodrop(drop_map) struct map *m = map_new(1, 3);

	(void)state;
	assert_int_equal(map_add(m, "a", &values[0]), 0);
	assert_int_equal(map_add(m, "b", &values[1]), 0);
	assert_int_equal(map_add(m, "c", &values[2]), 0);
	assert_int_equal(map_add(m, "d", &values[3]), -ENOSPC);
	assert_int_equal(map_add(m, "b", &values[4]), 0);
	assert_ptr_equal(map_get(m, "b"), &values[4]);
	assert_ptr_equal(map_remove(m, "a"), &values[0]);
	assert_int_equal(map_add(m, "d", &values[3]), 0);
	autodrop(drop_map) struct map *none = map_new(1, 0);

	assert_int_equal(map_add(none, "a", &values[0]), -ENOSPC);
}

/* Against a plain array, with keys that come and go. */
static void test_against_model(void **state)
{
	enum { KEYS = 700, STEPS = 200000 };
	struct key {
		uint64_t a;
		uint32_t b, pad;
	};
	autodrop(drop_map) struct map *m = map_new(sizeof(struct key), KEYS);
	static void *model[KEYS];
	size_t count = 0;
	uint32_t seed = 12345;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		seed = seed * 1664525u + 1013904223u;
		uint32_t k = (seed >> 8) % KEYS;
		struct key key = {k, k * 3, 0};

		/* Waves: mostly adding, then mostly removing. */
		if ((seed >> 24) % 4 < (step / 5000 % 2 ? 1u : 3u)) {
			void *v = &values[seed % 10000];

			count += model[k] == NULL;
			model[k] = v;
			assert_int_equal(map_add(m, &key, v), 0);
		} else {
			count -= model[k] != NULL;
			assert_ptr_equal(map_remove(m, &key), model[k]);
			model[k] = NULL;
		}
		assert_int_equal(map_count(m), count);
		k = (k * 31 + 7) % KEYS;
		key = (struct key){k, k * 3, 0};
		assert_ptr_equal(map_get(m, &key), model[k]);
	}
	size_t pos = 0, walked = 0;
	const void *key;
	void *v;

	while (map_next(m, &pos, &key, &v)) {
		struct key one;

		memcpy(&one, key, sizeof(one));
		assert_ptr_equal(v, model[one.a]);
		walked++;
	}
	assert_int_equal(walked, count);
}

static void test_order(void **state)
{
	autodrop(drop_map) struct map *m = map_new(sizeof(int), 10000);
	size_t pos = 0;
	const void *key;
	void *v;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(map_add(m, &i, &values[i]), 0);
	for (int i = 0; i < 1000; i++) {
		if (i % 3)
			map_remove(m, &i);
	}
	/* Replacing keeps the place; removed and added again stands last. */
	int first = 0, again = 3;

	assert_int_equal(map_add(m, &first, &values[5000]), 0);
	map_remove(m, &again);
	assert_int_equal(map_add(m, &again, &values[3]), 0);
	int want = 0;

	while (map_next(m, &pos, &key, &v)) {
		int k;

		memcpy(&k, key, sizeof(k));
		assert_int_equal(k, want > 999 ? 3 : want);
		want += want == 0 ? 6 : 3;
	}
	assert_int_equal(want, 1005);
}

static void test_removes_while_walking(void **state)
{
	autodrop(drop_map) struct map *m = map_new(sizeof(int), 10000);

	(void)state;
	for (int keep = 1; keep <= 5; keep++) {
		size_t pos = 0;
		const void *key;
		void *v;
		int seen = 0;

		for (int i = 0; i < 500; i++)
			assert_int_equal(map_add(m, &i, &values[i]), 0);
		while (map_next(m, &pos, &key, &v)) {
			int k;

			memcpy(&k, key, sizeof(k));
			assert_ptr_equal(v, &values[k]);
			seen++;
			if (k % keep == 0)
				assert_ptr_equal(map_remove(m, &k), v);
		}
		assert_int_equal(seen, 500);
		assert_int_equal(map_count(m), 500 - (499 / keep + 1));
		for (int i = 0; i < 500; i++)
			map_remove(m, &i);
		assert_int_equal(map_count(m), 0);
	}
}

/* The oldest goes as the newest comes: neither room nor time may grow with the past. */
static void test_queue(void **state)
{
	autodrop(drop_map) struct map *m = map_new(sizeof(int), 100);
	struct timespec from, to;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 300000; i++) {
		size_t pos = 0;
		const void *key;
		void *v;

		if (map_count(m) == 100) {
			int oldest;

			assert_true(map_next(m, &pos, &key, &v));
			memcpy(&oldest, key, sizeof(oldest));
			assert_int_equal(oldest, i - 100);
			map_remove(m, &oldest);
		}
		assert_int_equal(map_add(m, &i, &values[0]), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 20);
}

static void test_no_memory(void **state)
{
	(void)state;
	harness_fail_alloc(1);
	assert_null(map_new(4, 10));
	for (unsigned long n = 1;; n++) {
		harness_fail_alloc(0);
		struct map *m = map_new(sizeof(int), 1000);
		int added = 0;

		harness_fail_alloc(n);
		for (int i = 0; i < 100; i++) {
			int r = map_add(m, &i, &values[i]);

			assert_true(r == 0 || (r == -ENOMEM && harness_alloc_failed()));
			added += r == 0;
			/* Unchanged by the failure: all that was added is there. */
			assert_int_equal(map_count(m), added);
			for (int k = 0; k < i; k += 9)
				assert_true(map_get(m, &k) == &values[k] || harness_alloc_failed());
		}
		assert_true(added >= 99);
		map_free(m);
		if (!harness_alloc_failed())
			break;
	}
	harness_fail_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),	  cmocka_unit_test(test_bound),
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_removes_while_walking),
		cmocka_unit_test(test_queue),	  cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
