/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain/queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

/* Four of the largest records: what a block wastes at its end is at most a quarter. */
#define BLOCK_BYTES (4u * WIRE_RECORD_MAX)

struct block {
	_Atomic(struct block *) next; /* set when this one is full */
	atomic_size_t filled;
	_Alignas(8) uint8_t bytes[BLOCK_BYTES];
};

struct queue {
	size_t max_bytes;
	int event_fd;
	atomic_size_t waiting_bytes;
	atomic_bool signalled;	       /* event_fd is readable, or about to be */
	_Atomic(struct block *) spare; /* the last emptied block, for the producer */
	struct block *head;	       /* consumer's */
	size_t taken;		       /* consumer's: bytes of head that were given out */
	struct block *tail;	       /* producer's */
};

static struct block *block_new(struct queue *q)
{
	struct block *b = atomic_exchange_explicit(&q->spare, NULL, memory_order_acquire);

	if (b == NULL)
		b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	atomic_store_explicit(&b->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&b->filled, 0, memory_order_relaxed);
	return b;
}

struct queue *queue_new(size_t max_bytes)
{
	autodrop(drop_queue) struct queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->max_bytes = max_bytes;
	q->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->event_fd < 0)
		return NULL;
	q->head = q->tail = block_new(q);
	return q->head ? take(q) : NULL;
}

void queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	int saved = errno;

	for (struct block *b = q->head; b != NULL;) {
		struct block *next = atomic_load(&b->next);

		free(b);
		b = next;
	}
	free(atomic_load(&q->spare));
	if (q->event_fd >= 0)
		close(q->event_fd);
	free(q);
	errno = saved;
}

int queue_event_fd(const struct queue *q)
{
	return q->event_fd;
}

int queue_add(struct queue *q, const struct wire_head *rec, enum queue_class class)
{
	size_t waiting = atomic_load_explicit(&q->waiting_bytes, memory_order_relaxed) + rec->size;
	struct block *b = q->tail;
	size_t filled = atomic_load_explicit(&b->filled, memory_order_relaxed);

	if (class == QUEUE_ORDINARY && waiting > q->max_bytes)
		return -ENOSPC;
	if (class == QUEUE_RESERVE && waiting > q->max_bytes + q->max_bytes / 4)
		return -ENOSPC;
	if (rec->size > BLOCK_BYTES - filled) {
		b = block_new(q);
		if (b == NULL)
			return -ENOMEM;
		filled = 0;
		atomic_store_explicit(&q->tail->next, b, memory_order_release);
		q->tail = b;
	}
	memcpy(b->bytes + filled, rec, rec->size);
	atomic_fetch_add_explicit(&q->waiting_bytes, rec->size, memory_order_relaxed);
	atomic_store_explicit(&b->filled, filled + rec->size, memory_order_release);
	return 0;
}

static void signal_once(struct queue *q)
{
	static const uint64_t one = 1;

	/* Against clear(): one of the two sides sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_exchange(&q->signalled, true))
		while (write(q->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
}

void queue_flush(struct queue *q)
{
	if (atomic_load(&q->waiting_bytes) > 0)
		signal_once(q);
}

static void clear(struct queue *q)
{
	uint64_t count;

	while (read(q->event_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	atomic_store(&q->signalled, false);
	atomic_thread_fence(memory_order_seq_cst);
}

static const struct wire_head *oldest(struct queue *q)
{
	for (;;) {
		struct block *b = q->head;
		/* The successor first: once it is there, `filled` is final. */
		struct block *next = atomic_load_explicit(&b->next, memory_order_acquire);

		if (q->taken < atomic_load_explicit(&b->filled, memory_order_acquire))
			return (const struct wire_head *)(b->bytes + q->taken);
		if (next == NULL)
			return NULL;
		q->head = next;
		q->taken = 0;
		free(atomic_exchange_explicit(&q->spare, b, memory_order_acq_rel));
	}
}

const struct wire_head *queue_take(struct queue *q)
{
	const struct wire_head *rec = oldest(q);

	if (rec == NULL) {
		clear(q);
		rec = oldest(q);
		if (rec == NULL)
			return NULL;
		signal_once(q);
	}
	q->taken += rec->size;
	atomic_fetch_sub(&q->waiting_bytes, rec->size);
	return rec;
}
