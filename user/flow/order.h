/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places in a stream that several threads move bytes of at once: sockets and pipes, unlike SSL objects. Two calls that
 * return at the same time on two processors may claim one place, each unaware of the other; none of their bytes is lost.
 * So their records' order counts, and a call that claims a place which is taken gets the next free one. The kernel's sum
 * is exact nevertheless, so a call claims a place beyond the next free one only when something before it never came.
 */
#ifndef FLOW_ORDER_H
#define FLOW_ORDER_H

#include "flow/stream.h"

/* Calls whose pieces are still to come: of so many threads at once. The oldest one goes. */
#define ORDER_CALLS_MAX 64u

struct order_call;

struct order {
	uint64_t next; /* free from here on */
	struct order_call *calls;
	uint32_t count;
};

void order_fini(struct order *o);
/* Gives the piece its place. */
void order_place(struct order *o, struct stream_piece *p);

#endif
