/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records on their way from the drain thread (the one producer) to the worker (the one consumer): a chain of blocks
 * without locks, so that neither ever waits for the other. Bounded by bytes; behind the bound lies a reserve that is
 * for small records only: the losses themselves must not be lost.
 */
#ifndef DRAIN_QUEUE_H
#define DRAIN_QUEUE_H

#include "drain/drain.h"

struct queue;

/* NULL: errno. The reserve is a quarter of max_bytes more. */
struct queue *queue_new(size_t max_bytes);
void queue_free(struct queue *q);
DROP_POINTER(queue, queue_free)

enum queue_class {
	QUEUE_ORDINARY, /* up to max_bytes */
	QUEUE_RESERVE,	/* into the reserve */
	QUEUE_ALWAYS,	/* beyond it: when the rest is known to be bounded */
};

/* Producer: appends a copy. 0, -ENOSPC: full for this class, -ENOMEM. Nobody is told before queue_flush. */
int queue_add(struct queue *q, const struct wire_head *rec, enum queue_class class) MUST_CHECK;
/* Producer: makes queue_event_fd readable when records wait. */
void queue_flush(struct queue *q);
/* Readable while records wait. */
int queue_event_fd(const struct queue *q);
/* Consumer: the oldest record, or NULL (then the event is cleared); it stays valid until the next queue_take. */
const struct wire_head *queue_take(struct queue *q);

#endif
