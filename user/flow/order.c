/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/order.h"

#include <stdlib.h>

/* No stream is longer: who says so is not listened to. */
#define ORDER_PLACE_MAX (1ull << 60)

/* A call of which a piece came. A thread is in one call at a time. */
struct order_call {
	struct order_call *next;
	uint64_t ts_ns; /* of its return */
	uint64_t start, len;
	uint32_t tid;
};

void order_fini(struct order *o)
{
	while (o->calls) {
		struct order_call *c = o->calls;

		o->calls = c->next;
		free(c);
	}
	o->count = 0;
}

static void drop(struct order *o, struct order_call **at)
{
	struct order_call *c = *at;

	*at = c->next;
	o->count--;
	free(c);
}

static struct order_call **find(struct order *o, uint32_t tid)
{
	struct order_call **at = &o->calls;

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

/* Without memory its further pieces are placed by themselves. */
static void keep(struct order *o, const struct stream_piece *p, uint64_t start, uint64_t len)
{
	struct order_call *c = malloc(sizeof(*c)), **at = &o->calls;

	if (c == NULL)
		return;
	*c = (struct order_call){
		.next = o->calls, .ts_ns = p->ts_ns, .start = start, .len = len, .tid = p->tid};
	o->calls = c;
	if (++o->count <= ORDER_CALLS_MAX)
		return;
	while ((*at)->next)
		at = &(*at)->next;
	drop(o, at);
}

/* Where the piece's call begins. */
static uint64_t start_of(struct order *o, const struct stream_piece *p, uint64_t at, uint64_t len)
{
	struct order_call **known = find(o, p->tid);
	bool last = at + p->len >= len || at + p->len >= WIRE_CALL_MAX;
	uint64_t start = p->call_start > o->next ? p->call_start : o->next;

	if (*known && at > 0 && (*known)->ts_ns == p->ts_ns && (*known)->len == len) {
		start = (*known)->start;
		if (last)
			drop(o, known);
		return start;
	}
	if (*known)
		drop(o, known);
	if (start + len > ORDER_PLACE_MAX)
		return p->call_start;
	o->next = start + len;
	if (!last)
		keep(o, p, start, len);
	return start;
}

void order_place(struct order *o, struct stream_piece *p)
{
	uint64_t len = p->call_end - p->call_start, at = p->offset - p->call_start;

	p->call_start = start_of(o, p, at, len);
	p->call_end = p->call_start + len;
	p->offset = p->call_start + at;
}
