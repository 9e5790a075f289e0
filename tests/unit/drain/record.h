/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as tests want them: each in a heap block of its exact size, so that ASAN sees every look beyond. */
#ifndef UNIT_DRAIN_RECORD_H
#define UNIT_DRAIN_RECORD_H

#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define RECORD_UNUSED __attribute__((unused))

/* fixed bytes of the kind, then two payloads; size rounded to 8. */
RECORD_UNUSED static void *record_new(uint16_t kind, size_t fixed, const void *a, size_t a_n, const void *b,
				      size_t b_n)
{
	size_t size = (fixed + a_n + b_n + 7) & ~(size_t)7;
	struct wire_head *h = calloc(1, size);

	h->size = (uint32_t)size;
	h->kind = kind;
	h->pid = 100;
	h->tid = 101;
	h->start_ns = 5000;
	if (a_n)
		memcpy((char *)h + fixed, a, a_n);
	if (b_n)
		memcpy((char *)h + fixed + a_n, b, b_n);
	return h;
}

#define RECORD(type, kind) ((struct type *)record_new(kind, sizeof(struct type), NULL, 0, NULL, 0))

RECORD_UNUSED static struct wire_tls_data *record_data(uint64_t ssl, enum wire_dir dir, uint64_t offset,
						       const void *p, uint32_t n, uint64_t call_off,
						       uint64_t call_len)
{
	struct wire_tls_data *d = record_new(WIRE_TLS_DATA, sizeof(*d), p, n, NULL, 0);

	d->conn.ssl = ssl;
	d->conn.generation = 7;
	d->offset = offset;
	d->len = n;
	d->dir = dir;
	d->fn = dir == WIRE_READ ? WIRE_FN_SSL_READ : WIRE_FN_SSL_WRITE;
	d->call_off = call_off;
	d->call_len = call_len;
	return d;
}

RECORD_UNUSED static struct wire_drain_loss *record_loss(const struct wire_tls_data *d)
{
	struct wire_drain_loss *l = RECORD(wire_drain_loss, WIRE_DRAIN_LOSS);
	uint32_t size = l->head.size;

	l->head = d->head;
	l->head.size = size;
	l->head.kind = WIRE_DRAIN_LOSS;
	l->conn = d->conn;
	l->offset = d->offset;
	l->call_len = d->call_len;
	l->call_off = d->call_off;
	l->len = d->len;
	l->dir = d->dir;
	l->cause = WIRE_CAUSE_QUEUE_FULL;
	l->hole_cause = d->hole_cause;
	l->skipped = d->skipped;
	return l;
}

/* xorshift64*: the same sequence everywhere. */
RECORD_UNUSED static uint64_t record_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

#endif
