/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a BPF ring buffer through its mapping alone, without bpf(): the consumer has no right to it.
 *
 * The layout is the kernel's (kernel/bpf/ringbuf.c) and stable ABI: page 0 holds the consumer's position, page 1 the
 * producer's, then come the data pages, mapped twice in a row so that no record is ever cut. Positions are bytes
 * since the ring's birth. A record is {u32 length | flags, u32 page offset}, its bytes, and padding to 8.
 */
#ifndef DRAIN_RING_H
#define DRAIN_RING_H

#include "drain/drain.h"

struct ring {
	unsigned long *consumer;       /* written by us alone */
	const unsigned long *producer; /* written by the kernel */
	const uint8_t *data;	       /* `size` bytes, and the same again */
	size_t size;		       /* a power of two */
	size_t page_size;	       /* 0: mapped by someone else, ring_close leaves it */
	size_t current;		       /* bytes of the slot that ring_get gave */
};

enum ring_state {
	RING_EMPTY,
	RING_BUSY,   /* the oldest record is being written */
	RING_RECORD, /* *slot and *slot_bytes are its */
	RING_BROKEN, /* a length that cannot be: all up to the producer's position is one slot, not to be read */
};

/* Maps the ring of fd. 0 or -errno. */
int ring_open(struct ring *r, int fd, size_t size_bytes) MUST_CHECK;
/* A ring whose pages are there already. */
void ring_init(struct ring *r, unsigned long *consumer, const unsigned long *producer, const void *data,
	       size_t size_bytes);
void ring_close(struct ring *r);
/* The oldest record, discarded ones passed over; it stays until ring_remove. */
enum ring_state ring_get(struct ring *r, const void **slot, size_t *slot_bytes);
void ring_remove(struct ring *r);
/* Bytes of records that wait, reserved ones included. */
size_t ring_used_bytes(const struct ring *r);
/* Whether nothing is even reserved. */
bool ring_is_empty(const struct ring *r);

/* drain_new on a ring that is mapped already; taken when the result is not NULL. */
struct drain *drain_new_on(const struct drain_settings *settings, const struct ring *ring);

#endif
