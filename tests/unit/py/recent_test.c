/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks that wait for their request. */
#include "py/recent.h"

#include <errno.h>

#include "base/limits.h"
#include "records.h"

static struct recent recent;
static struct recent_conn *first, *second;
static size_t value_bytes;

static int begin(void **state)
{
	(void)state;
	first = second = NULL;
	value_bytes = 0;
	return recent_init(&recent, &value_bytes);
}

static int end(void **state)
{
	(void)state;
	recent_fini(&recent);
	assert_int_equal(value_bytes, 0);
	return 0;
}

static void add(uint64_t process, struct recent_conn **list, uint64_t ssl, uint64_t offset, uint16_t frames)
{
	static const struct wire_py_frame none[WIRE_PY_FRAMES];
	struct wire_py_stack *rec = stack_record(ssl, offset, none, frames, NO_TEXT);

	rec->tstate = ssl * 1000 + offset;
	assert_int_equal(recent_add(&recent, process, list, rec, &(struct link){0}), 0);
	free(rec);
}

/* What was found: its tstate; 0: nothing. */
static uint64_t find(uint64_t process, uint64_t ssl, uint64_t offset, bool before)
{
	struct recent_key key = {process, ssl, 5};
	const struct wire_py_stack *s = recent_find(&recent, &key, offset, before);

	return s ? s->tstate : 0;
}

static void places(void **state)
{
	(void)state;
	add(1, &first, 1, 0, 3);
	add(1, &first, 1, 70, 3);
	add(1, &first, 1, 50, 3); /* two threads overtook each other */
	add(1, &first, 2, 50, 0);
	add(2, &second, 1, 50, 0);
	assert_int_equal(find(1, 1, 0, false), 1000);
	assert_int_equal(find(1, 1, 50, false), 1050);
	assert_int_equal(find(1, 2, 50, false), 2050);
	assert_int_equal(find(2, 1, 50, false), 1050);
	assert_int_equal(find(1, 1, 60, false), 0);
	assert_int_equal(find(1, 1, 60, true), 1050);
	assert_int_equal(find(1, 1, 1000, true), 1070);
	assert_int_equal(find(1, 2, 49, true), 0);
	assert_int_equal(find(1, 3, 50, true), 0);
	/* The same write once more: the later one. */
	add(1, &first, 1, 50, 1);
	assert_int_equal(recent_find(&recent, &(struct recent_key){1, 1, 5}, 50, false)->count, 1);
}

static void many_of_one(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		add(1, &first, 1, i, 1);
	assert_int_equal(find(1, 1, 99 - LIMIT_PY_STACKS, false), 0);
	assert_int_equal(find(1, 1, 100 - LIMIT_PY_STACKS, false), 1000 + 100 - LIMIT_PY_STACKS);
	assert_int_equal(first->count, LIMIT_PY_STACKS);
}

static void many_of_all(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 3000; i++) {
		add(1, &first, i, 0, WIRE_PY_FRAMES);
		assert_true(recent.bytes <= LIMIT_PY_STACK_BYTES);
	}
	assert_int_equal(find(1, 1, 0, false), 0);
	assert_int_equal(find(1, 3000, 0, false), 3000000);
	/* A connection without stacks is gone. */
	assert_true(map_count(recent.conns) <=
		    LIMIT_PY_STACK_BYTES / (WIRE_PY_FRAMES * sizeof(struct wire_py_frame)));
}

static void ends(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		add(1, &first, i % 3, i, 1);
		add(2, &second, i % 3, i, 1);
	}
	recent_drop(&recent, &(struct recent_key){1, 1, 5});
	recent_drop(&recent, &(struct recent_key){1, 1, 5});
	assert_int_equal(find(1, 1, 4, true), 0);
	assert_int_equal(find(1, 2, 5, false), 2005);
	recent_drop_all(&recent, &first);
	assert_null(first);
	assert_int_equal(find(1, 2, 5, false), 0);
	assert_int_equal(find(2, 2, 5, false), 2005);
	assert_int_equal(map_count(recent.conns), 3);
	recent_drop_all(&recent, &second);
	assert_int_equal(recent.bytes, 0);
	assert_int_equal(map_count(recent.conns), 0);
}

static void no_memory(void **state)
{
	static const struct wire_py_frame none[2];

	(void)state;
	for (unsigned long n = 1;; n++) {
		struct wire_py_stack *rec = stack_record(n, 0, none, 2, NO_TEXT);

		harness_fail_alloc(n);
		int r = recent_add(&recent, 1, &first, rec, &(struct link){0});
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		free(rec);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (!failed)
			break;
	}
	assert_int_equal(map_count(recent.conns), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(places), TEST(many_of_one), TEST(many_of_all), TEST(ends), TEST(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
