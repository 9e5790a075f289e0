/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

#include "drain/drain.h"
#include "drain/ring.h"
#include "fake.h"
#include "kernel.h"
#include "record.h"

/* What a kernel side would do to its ring and its shared page. */
struct source {
	struct fake fake;
	struct wire_shared shared;
	int wake_fd; /* stands for the ring's own readiness */
	struct drain *drain;
};

static struct source *source_new(size_t ring_bytes, size_t queue_bytes)
{
	struct source *s = calloc(1, sizeof(*s));
	struct drain_settings settings = {
		.ring_bytes = ring_bytes, .queue_bytes = queue_bytes, .shared = &s->shared};

	s->fake = fake_new(ring_bytes);
	s->wake_fd = eventfd(0, EFD_NONBLOCK);
	settings.ring_fd = s->wake_fd;
	struct ring r = fake_ring(&s->fake);
	s->drain = drain_new_on(&settings, &r);
	assert_non_null(s->drain);
	return s;
}

static void source_free(struct source *s)
{
	drain_free(s->drain);
	close(s->wake_fd);
	fake_free(&s->fake);
	free(s);
}

static void wake(struct source *s)
{
	uint64_t one = 1;

	if (__atomic_exchange_n(&s->shared.sleeping, 0, __ATOMIC_SEQ_CST))
		assert_int_equal(write(s->wake_fd, &one, sizeof(one)), sizeof(one));
}

static bool emit(struct source *s, const struct wire_head *h, uint32_t longer)
{
	uint8_t *slot = fake_reserve(&s->fake, h->size + longer);

	if (slot == NULL)
		return false;
	memcpy(slot, h, h->size);
	bool sleeping = __atomic_load_n(&s->shared.sleeping, __ATOMIC_SEQ_CST);
	fake_commit(slot, 0);
	if (sleeping)
		wake(s);
	return true;
}

struct sum {
	uint64_t records, data, losses, others, data_bytes, loss_bytes, next;
};

/* Pieces are numbered by offset: each comes once, in order, as data or as loss. */
static void count(void *ctx, const struct wire_head *h)
{
	struct sum *s = ctx;

	assert_true(drain_valid(h, h->size));
	s->records++;
	if (h->kind == WIRE_TLS_DATA) {
		const struct wire_tls_data *d = (const void *)h;

		assert_int_equal(d->offset, s->next);
		for (uint32_t i = 0; i < d->len; i++)
			assert_int_equal(d->payload[i], (uint8_t)(d->offset + i));
		s->next += d->len;
		s->data++;
		s->data_bytes += d->len;
	} else if (h->kind == WIRE_DRAIN_LOSS) {
		const struct wire_drain_loss *l = (const void *)h;

		assert_int_equal(l->offset, s->next);
		assert_int_equal(l->cause, WIRE_CAUSE_QUEUE_FULL);
		assert_int_equal(l->hole_cause, WIRE_CAUSE_RING_FULL);
		assert_int_equal(l->skipped, 3);
		assert_int_equal(l->call_len, l->call_off + l->len + 1);
		s->next += l->len;
		s->losses++;
		s->loss_bytes += l->len;
	} else {
		s->others++;
	}
}

static struct wire_tls_data *piece(uint64_t offset, uint32_t len)
{
	static uint8_t bytes[WIRE_PIECE_MAX];

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(offset + i);
	struct wire_tls_data *d = record_data(1, WIRE_READ, offset, bytes, len, 0, len + 1);
	d->hole_cause = WIRE_CAUSE_RING_FULL;
	d->skipped = 3;
	return d;
}

struct flood {
	struct source *source;
	uint64_t records, bytes;
	bool pauses;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	uint64_t random = 3;

	for (uint64_t n = 0; n < f->records; n++) {
		uint32_t len = 1 + (uint32_t)(record_random(&random) % 400);
		struct wire_tls_data *d = piece(f->bytes, len);

		while (!emit(f->source, &d->head, len % 3 * 8))
			sched_yield();
		f->bytes += len;
		free(d);
		if (f->pauses && n % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void everything_arrives(void **state)
{
	struct source *s = source_new(65536, 64u << 20);
	struct flood f = {.source = s, .records = 50000, .pauses = true};
	struct sum sum = {0};
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, flood, &f);
	while (sum.records < f.records) {
		struct pollfd p = {.fd = drain_event_fd(s->drain), .events = POLLIN};

		assert_int_equal(poll(&p, 1, 20000), 1);
		drain_feed(s->drain, count, &sum, 100);
	}
	pthread_join(thread, NULL);
	drain_stop(s->drain);
	assert_int_equal(drain_feed(s->drain, count, &sum, 100), 0);
	struct drain_stats st = drain_stats(s->drain);
	assert_int_equal(st.consumed, f.records);
	assert_int_equal(st.delivered, f.records);
	assert_int_equal(st.malformed + st.dropped + st.dropped_events, 0);
	assert_int_equal(sum.data, f.records);
	assert_int_equal(sum.data_bytes, f.bytes);
	source_free(s);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Until the ring's consumer stands at the producer, or deadline. */
static bool drained(const struct source *s, uint64_t deadline_ns)
{
	while (__atomic_load_n(s->fake.consumer, __ATOMIC_ACQUIRE) != *s->fake.producer) {
		if (now_ns() > deadline_ns)
			return false;
		sched_yield();
	}
	return true;
}

/* Nobody reads the queue: data becomes losses, other records are kept, and then the ring is left to fill up. At the
 * end every byte is there as data or as loss. */
static void nobody_reads(void **state)
{
	struct source *s = source_new(1u << 20, 16384);
	struct sum sum = {0};
	uint64_t submitted = 0, records = 0, refused = 0;

	(void)state;
	while (refused == 0) {
		struct wire_tls_data *d = piece(submitted, 300);

		if (!emit(s, &d->head, 0)) {
			/* Is it full, or only slow? */
			if (!drained(s, now_ns() + 300000000)) {
				refused++;
				/* The thread is waiting, not gone. */
				assert_true(*s->fake.consumer > 0);
			}
		} else {
			submitted += 300;
			records++;
		}
		free(d);
	}
	struct drain_stats st = drain_stats(s->drain);
	/* 16 KiB of queue and 4 KiB of reserve hold no more than this. */
	assert_true(st.consumed - st.dropped <= 16384 / (sizeof(struct wire_tls_data) + 300));
	assert_true(st.dropped >= 4096 / sizeof(struct wire_drain_loss));
	assert_true(st.consumed < records);
	drain_stop(s->drain);
	while (drain_feed(s->drain, count, &sum, 7) > 0)
		;
	st = drain_stats(s->drain);
	assert_int_equal(st.consumed, records);
	assert_int_equal(sum.next, submitted);
	assert_int_equal(sum.data + sum.losses, records);
	assert_int_equal(sum.losses, st.dropped);
	assert_int_equal(st.dropped_events, 0);
	source_free(s);
}

/* A full queue leaves half the ring alone and drops from the other half; when room comes back, data is data again. */
static void recovers(void **state)
{
	struct source *s = source_new(32768, 4096);
	struct sum sum = {0};
	uint64_t offset = 0;

	(void)state;
	for (int round = 0; round < 50; round++) {
		uint64_t data_before = sum.data, losses_before = sum.losses;
		struct wire_head *event = (void *)RECORD(wire_proc_exit, WIRE_PROC_EXIT);
		uint64_t deadline_ns = now_ns() + 10000000000;

		for (int i = 0; i < 47; i++) {
			struct wire_tls_data *d = piece(offset, 500);

			assert_true(emit(s, &d->head, 0));
			offset += 500;
			free(d);
		}
		assert_true(emit(s, event, 0));
		free(event);
		/* Nobody reads yet: what does not fit into the queue is dropped until half the ring is free again. */
		while (*s->fake.producer - __atomic_load_n(s->fake.consumer, __ATOMIC_ACQUIRE) >= 16384)
			assert_true(now_ns() < deadline_ns);
		while (sum.others < (uint64_t)round + 1) {
			drain_feed(s->drain, count, &sum, 1000);
			assert_true(now_ns() < deadline_ns);
		}
		assert_int_equal(sum.data - data_before + sum.losses - losses_before, 47);
		assert_true(sum.losses - losses_before >= 10);
		assert_true(sum.data - data_before >=
			    6 + 20); /* 592 bytes each: the queue's, then the half ring's */
	}
	assert_int_equal(sum.next, offset);
	source_free(s);
}

static void malformed(void **state)
{
	struct source *s = source_new(65536, 65536);
	struct sum sum = {0};
	struct wire_tls_data *d = piece(0, 100);
	uint8_t *slot;

	(void)state;
	/* Shorter than a head; size beyond the slot; a payload that does not fit; then a good one in a longer slot. */
	slot = fake_reserve(&s->fake, 16);
	memset(slot, 0, 16);
	fake_commit(slot, 0);
	fake_write(&s->fake, d, d->head.size - 8, 0);
	d->len = 5000;
	d->call_len = 6000;
	fake_write(&s->fake, d, d->head.size, 0);
	free(d);
	d = piece(0, 100);
	assert_true(emit(s, &d->head, 4096));
	free(d);
	drain_stop(s->drain);
	while (drain_feed(s->drain, count, &sum, 10) > 0)
		;
	struct drain_stats st = drain_stats(s->drain);
	assert_int_equal(st.consumed, 4);
	assert_int_equal(st.malformed, 3);
	assert_int_equal(st.delivered, 1);
	assert_int_equal(sum.data, 1);
	source_free(s);
}

/* While it sleeps it says so, and one record is enough to wake it long before its safety timeout would. */
static void sleeps_and_wakes(void **state)
{
	struct source *s = source_new(65536, 65536);
	struct sum sum = {0};
	uint64_t slowest = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct wire_tls_data *d = piece(sum.next, 100);
		struct pollfd p = {.fd = drain_event_fd(s->drain), .events = POLLIN};

		while (!__atomic_load_n(&s->shared.sleeping, __ATOMIC_SEQ_CST))
			sched_yield();
		uint64_t before = now_ns();
		assert_true(emit(s, &d->head, 0));
		assert_int_equal(poll(&p, 1, 20000), 1);
		if (now_ns() - before > slowest)
			slowest = now_ns() - before;
		while (drain_feed(s->drain, count, &sum, 10) > 0)
			;
		free(d);
	}
	assert_int_equal(sum.data, 20);
	assert_true(drain_stats(s->drain).wakeups >= 19);
	/* Even a forgotten wake-up costs at most the safety timeout. */
	struct wire_tls_data *d = piece(sum.next, 100);
	assert_true(fake_write(&s->fake, d, d->head.size, 0));
	free(d);
	assert_true(drained(s, now_ns() + 10000000000));
	print_message("slowest wake-up: %lu us\n", (unsigned long)(slowest / 1000));
	source_free(s);
}

/* What comes every few milliseconds is not handed over one by one, and nobody is asked for a wake-up in between. */
static void slow_records_are_gathered(void **state)
{
	struct source *s = source_new(1 << 20, 1 << 20);
	struct pollfd p = {.fd = drain_event_fd(s->drain), .events = POLLIN};
	struct timespec pause = {.tv_nsec = 5000000};
	struct sum sum = {0};
	uint64_t told = 0;
	(void)state;

	while (!__atomic_load_n(&s->shared.sleeping, __ATOMIC_SEQ_CST))
		sched_yield();
	uint64_t before = now_ns();
	for (unsigned i = 0; i < 20; i++) {
		struct wire_tls_data *d = piece(100ull * i, 100);

		assert_true(emit(s, &d->head, 0));
		free(d);
		nanosleep(&pause, NULL);
		told += poll(&p, 1, 0) == 1;
		while (drain_feed(s->drain, count, &sum, 10) > 0)
			;
	}
	uint64_t ms = (now_ns() - before) / 1000000;
	assert_true(told <= 2 + ms / 20);
	assert_true(drain_stats(s->drain).wakeups <= 1 + ms / 40);
	while (sum.data < 20) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		drain_feed(s->drain, count, &sum, 10);
	}
	source_free(s);
}

static void starts_or_says_why(void **state)
{
	struct wire_shared shared = {0};
	struct drain_settings settings = {
		.ring_fd = -1, .ring_bytes = 4096, .queue_bytes = 4096, .shared = &shared};

	(void)state;
	assert_null(drain_new(&settings));
	assert_int_equal(errno, EBADF);
	drain_free(NULL);
	struct fake f = fake_new(4096);
	struct ring r = fake_ring(&f);
	for (unsigned long n = 1; n <= 3; n++) {
		harness_fail_alloc(n);
		assert_null(drain_new_on(&settings, &r));
		assert_true(harness_alloc_failed());
	}
	harness_fail_alloc(0);
	/* A descriptor that cannot be waited for */
	assert_null(drain_new_on(&settings, &r));
	assert_int_equal(errno, EBADF);
	fake_free(&f);
}

/* The same with the kernel's ring: mapping, readiness, wake-ups. */
static void kernel_ring(void **state)
{
	struct kernel_ring k;
	struct wire_shared shared = {0};
	struct sum sum = {0};
	struct wire_head h = {.size = sizeof(h), .kind = WIRE_TARGET, .pid = 1};
	uint64_t n = 0;

	(void)state;
	if (kernel_open(&k, 4096, sizeof(h) / 8) < 0)
		skip();
	struct drain_settings settings = {
		.ring_fd = k.map_fd, .ring_bytes = 4096, .queue_bytes = 1 << 20, .shared = &shared};
	struct drain *d = drain_new(&settings);
	assert_non_null(d);
	for (int i = 0; i < 200; i++) {
		struct pollfd p = {.fd = drain_event_fd(d), .events = POLLIN};

		/* Bursts without wake-up, the last record with one if it is wanted: as the kernel side does it. */
		for (int j = 0; j < i % 5; j++, n++)
			kernel_output(&k, &h, BPF_RB_NO_WAKEUP);
		if (__atomic_exchange_n(&shared.sleeping, 0, __ATOMIC_SEQ_CST))
			kernel_output(&k, &h, BPF_RB_FORCE_WAKEUP);
		else
			kernel_output(&k, &h, BPF_RB_NO_WAKEUP);
		n++;
		while (sum.records < n) {
			assert_int_equal(poll(&p, 1, 20000), 1);
			drain_feed(d, count, &sum, 100);
		}
	}
	kernel_output(&k, &h, BPF_RB_NO_WAKEUP);
	drain_stop(d);
	assert_int_equal(drain_feed(d, count, &sum, 100), 1);
	assert_int_equal(drain_stats(d).consumed, n + 1);
	assert_int_equal(drain_stats(d).malformed, 0);
	drain_free(d);
	kernel_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives), cmocka_unit_test(nobody_reads),
		cmocka_unit_test(recovers),	      cmocka_unit_test(malformed),
		cmocka_unit_test(sleeps_and_wakes),   cmocka_unit_test(slow_records_are_gathered),
		cmocka_unit_test(starts_or_says_why), cmocka_unit_test(kernel_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
