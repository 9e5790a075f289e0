/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "drain/queue.h"
#include "record.h"

static bool readable(struct queue *q)
{
	struct pollfd p = {.fd = queue_event_fd(q), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void *tick_of(uint64_t n, size_t size)
{
	struct wire_head *h = record_new(WIRE_TICK, size, NULL, 0, NULL, 0);

	h->ts_ns = n;
	return h;
}

static void add(struct queue *q, uint64_t n, size_t size, enum queue_class class, int want)
{
	struct wire_head *h = tick_of(n, size);

	assert_int_equal(queue_add(q, h, class), want);
	free(h);
}

static void order_and_bounds(void **state)
{
	struct queue *q = queue_new(4096);

	(void)state;
	assert_false(readable(q));
	assert_null(queue_take(q));
	for (uint64_t n = 0; n < 32; n++)
		add(q, n, 128, QUEUE_ORDINARY, 0);
	add(q, 99, 32, QUEUE_ORDINARY, -ENOSPC);
	for (uint64_t n = 32; n < 40; n++)
		add(q, n, 128, QUEUE_RESERVE, 0);
	add(q, 99, 32, QUEUE_RESERVE, -ENOSPC);
	add(q, 40, 32, QUEUE_ALWAYS, 0);
	assert_false(readable(q));
	queue_flush(q);
	assert_true(readable(q));
	for (uint64_t n = 0; n < 41; n++) {
		assert_true(readable(q));
		assert_int_equal(queue_take(q)->ts_ns, n);
	}
	assert_null(queue_take(q));
	assert_false(readable(q));
	add(q, 7, 4096, QUEUE_ORDINARY, 0);
	queue_flush(q);
	assert_true(readable(q));
	queue_free(q);
	queue_free(NULL);
}

/* Without memory for the next block nothing that is in gets lost. */
static void no_memory(void **state)
{
	struct queue *q = queue_new(100u << 20);
	uint64_t in = 0, out = 0;
	const struct wire_head *h;

	(void)state;
	while (in < 40) {
		struct wire_head *r = tick_of(in, WIRE_RECORD_MAX);

		harness_fail_alloc(in % 8 == 4 ? 1 : 0);
		int e = queue_add(q, r, QUEUE_ORDINARY);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		assert_int_equal(e, failed ? -ENOMEM : 0);
		if (failed)
			assert_int_equal(queue_add(q, r, QUEUE_ORDINARY), 0);
		in++;
		free(r);
	}
	while ((h = queue_take(q)) != NULL)
		assert_int_equal(h->ts_ns, out++);
	assert_int_equal(out, in);
	queue_free(q);
	for (unsigned long n = 1; n <= 2; n++) {
		harness_fail_alloc(n);
		assert_null(queue_new(1));
		assert_true(harness_alloc_failed());
	}
	harness_fail_alloc(0);
}

#define RACE_RECORDS 300000

static void *producer(void *arg)
{
	struct queue *q = arg;
	uint64_t random = 5;

	for (uint64_t n = 0; n < RACE_RECORDS;) {
		struct wire_head *h = tick_of(n, 32 + 8 * (record_random(&random) % 64));

		if (queue_add(q, h, QUEUE_ORDINARY) == 0)
			n++;
		else
			queue_flush(q);
		if (n % 16 == 0)
			queue_flush(q);
		free(h);
	}
	queue_flush(q);
	return NULL;
}

/* Both ends at full speed; the consumer sleeps whenever it is told that nothing waits. A lost wake-up hangs here. */
static void race(void **state)
{
	struct queue *q = queue_new(1u << 20);
	pthread_t thread;
	uint64_t n = 0;

	(void)state;
	pthread_create(&thread, NULL, producer, q);
	while (n < RACE_RECORDS) {
		struct pollfd p = {.fd = queue_event_fd(q), .events = POLLIN};
		const struct wire_head *h;

		assert_int_equal(poll(&p, 1, 20000), 1);
		while ((h = queue_take(q)) != NULL) {
			assert_int_equal(h->ts_ns, n);
			n++;
		}
	}
	pthread_join(thread, NULL);
	assert_null(queue_take(q));
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_bounds),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
