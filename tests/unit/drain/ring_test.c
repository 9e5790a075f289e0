/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <stdio.h>

#include "drain/ring.h"
#include "fake.h"
#include "kernel.h"
#include "record.h"

/* Random records through a small ring, many times around: each comes out as it went in. */
static void around(void **state)
{
	struct fake f = fake_new(4096);
	struct ring r = fake_ring(&f);
	uint64_t in = 1, out = 1;
	unsigned long written = 0, read = 0;
	const void *slot;
	size_t n;

	(void)state;
	while (read < 20000) {
		uint64_t before = in;
		uint32_t size = (uint32_t)(record_random(&in) % 900);
		uint8_t *p = fake_reserve(&f, size);

		if (p) {
			memset(p, (int)(written & 0xff), size);
			fake_commit(p, written % 7 == 3 ? FAKE_DISCARD : 0);
			written++;
			if (record_random(&in) % 3)
				continue;
		} else {
			in = before;
		}
		while (ring_get(&r, &slot, &n) == RING_RECORD) {
			if (read % 7 == 3) {
				read++;
				(void)record_random(&out);
				(void)record_random(&out);
			}
			assert_int_equal(n, record_random(&out) % 900);
			(void)record_random(&out);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(((const uint8_t *)slot)[i], read & 0xff);
			read++;
			ring_remove(&r);
		}
		assert_true(ring_is_empty(&r));
	}
	fake_free(&f);
}

static void states(void **state)
{
	struct fake f = fake_new(4096);
	struct ring r = fake_ring(&f);
	const void *slot;
	size_t n;

	(void)state;
	assert_int_equal(ring_get(&r, &slot, &n), RING_EMPTY);
	assert_true(ring_is_empty(&r));
	uint8_t *first = fake_reserve(&f, 24), *second = fake_reserve(&f, 9);
	fake_commit(second, 0);
	/* In order: the second waits for the first. */
	assert_int_equal(ring_get(&r, &slot, &n), RING_BUSY);
	assert_false(ring_is_empty(&r));
	fake_commit(first, FAKE_DISCARD);
	assert_int_equal(ring_get(&r, &slot, &n), RING_RECORD);
	assert_ptr_equal(slot, second);
	assert_int_equal(n, 9);
	/* It stays until it is removed. */
	assert_int_equal(ring_get(&r, &slot, &n), RING_RECORD);
	assert_int_equal(*f.consumer, 32);
	ring_remove(&r);
	assert_int_equal(*f.consumer, 32 + 24);
	assert_int_equal(ring_get(&r, &slot, &n), RING_EMPTY);
	/* A length that goes beyond what was produced */
	first = fake_reserve(&f, 16);
	*(uint32_t *)(first - 8) = 17 + 7;
	assert_int_equal(ring_get(&r, &slot, &n), RING_BROKEN);
	ring_remove(&r);
	assert_true(ring_is_empty(&r));
	fake_free(&f);
}

static void refusals(void **state)
{
	struct ring r;
	int fd = memfd_create("none", 0);

	(void)state;
	assert_int_equal(ring_open(&r, fd, 0), -EINVAL);
	assert_int_equal(ring_open(&r, fd, 4096 * 3), -EINVAL);
	assert_int_equal(ring_open(&r, fd, 2048), -EINVAL);
	assert_int_equal(ring_open(&r, -1, 4096), -EBADF);
	close(fd);
}

/* ---- the kernel's own ring ---- */

#define RECORD_WORDS 13

static void kernel_ring(void **state)
{
	struct kernel_ring k;
	struct ring r;
	const void *slot;
	size_t n;
	uint64_t seen = 0;

	(void)state;
	if (kernel_open(&k, 4096, RECORD_WORDS) < 0)
		skip();
	assert_int_equal(ring_open(&r, k.map_fd, 4096), 0);
	assert_int_equal(ring_get(&r, &slot, &n), RING_EMPTY);
	for (int i = 1; i <= 1000; i++) {
		uint64_t record[RECORD_WORDS];

		for (size_t word = 0; word < RECORD_WORDS; word++)
			record[word] = (uint64_t)i - 1;
		kernel_output(&k, record, 0);
		if (i % 3 != 1)
			continue;
		while (ring_get(&r, &slot, &n) == RING_RECORD) {
			assert_int_equal(n, 8 * RECORD_WORDS);
			for (size_t word = 0; word < RECORD_WORDS; word++)
				assert_int_equal(((const uint64_t *)slot)[word], seen);
			seen++;
			ring_remove(&r);
		}
		assert_true(ring_is_empty(&r));
	}
	assert_int_equal(seen, 1000);
	ring_close(&r);
	kernel_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(around),
		cmocka_unit_test(states),
		cmocka_unit_test(refusals),
		cmocka_unit_test(kernel_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
