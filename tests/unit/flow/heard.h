/* SPDX-License-Identifier: BSD-2-Clause */
/* An ear behind the flow room: what it told, byte by byte, and that it told it in order. */
#ifndef UNIT_FLOW_HEARD_H
#define UNIT_FLOW_HEARD_H

#include "../drain/record.h"
#include "drain/drain.h"
#include "flow/flow.h"

#define SIDE_MAX (1u << 15)

struct heard_side {
	uint8_t what[SIDE_MAX]; /* per byte: 0 nothing, 1 + cause for gaps, 100 data */
	uint8_t data[SIDE_MAX];
	uint64_t next; /* everything comes in order */
	uint32_t chunks, gaps, tears;
};

struct heard {
	struct heard_side side[WIRE_DIRS];
	uint32_t closes;
	enum flow_end why;
	uint32_t chunks_after_close;
	uint64_t last_chunk_start_ns, last_chunk_ts_ns;
	bool wide; /* offsets beyond SIDE_MAX come: only sums are kept */
	bool deaf; /* several connections speak: nothing is noted */
	uint64_t gap_bytes[WIRE_CAUSES];
};

RECORD_UNUSED static void hear_data(void *ctx, const struct flow_chunk *chunk)
{
	struct heard *h = ctx;
	struct heard_side *s = &h->side[chunk->dir];

	if (h->deaf)
		return;
	assert_true(chunk->data.n > 0);
	assert_int_equal(chunk->offset, s->next);
	s->next += chunk->data.n;
	s->chunks++;
	h->last_chunk_start_ns = chunk->start_ns;
	h->last_chunk_ts_ns = chunk->ts_ns;
	if (h->closes)
		h->chunks_after_close++;
	if (h->wide)
		return;
	assert_true(s->next <= SIDE_MAX);
	memset(s->what + chunk->offset, 100, chunk->data.n);
	memcpy(s->data + chunk->offset, chunk->data.p, chunk->data.n);
}

RECORD_UNUSED static void hear_gap(void *ctx, const struct flow_gap *gap)
{
	struct heard *h = ctx;
	struct heard_side *s = &h->side[gap->dir];

	if (h->deaf)
		return;
	assert_int_equal(gap->offset, s->next);
	if (gap->bytes == 0) {
		assert_int_not_equal(gap->cause, WIRE_CAUSE_NONE);
		s->tears++;
		return;
	}
	s->next += gap->bytes;
	s->gaps++;
	h->gap_bytes[gap->cause] += gap->bytes;
	if (h->wide)
		return;
	assert_true(s->next <= SIDE_MAX);
	memset(s->what + gap->offset, 1 + gap->cause, gap->bytes);
}

RECORD_UNUSED static void hear_close(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	struct heard *h = ctx;

	(void)conn;
	(void)ts_ns;
	h->closes++;
	h->why = why;
}

RECORD_UNUSED static const struct flow_ops ops = {.data = hear_data, .gap = hear_gap, .close = hear_close};

RECORD_UNUSED static struct heard *heard_new(void)
{
	return calloc(1, sizeof(struct heard));
}

RECORD_UNUSED static struct flow *new_flow(struct heard *h, bool digest)
{
	struct flow_settings s = {.digest = digest, .ops = &ops, .ctx = h};
	struct flow *f = flow_new(&s);

	assert_non_null(f);
	return f;
}

/* Feeds and frees. Everything that tests make must pass the gate. */
RECORD_UNUSED static void feed(struct flow *f, void *rec)
{
	struct wire_head *h = rec;

	assert_true(drain_valid(h, h->size));
	flow_feed(f, h);
	free(h);
}

RECORD_UNUSED static void feed_end(struct flow *f, bool has_final)
{
	struct wire_end *e = RECORD(wire_end, WIRE_END);

	e->has_final = has_final;
	feed(f, e);
}

RECORD_UNUSED static void check_equation(const struct flow *f)
{
	for (const struct flow_conn *c = flow_next(f, NULL); c; c = flow_next(f, c))
		for (int dir = 0; dir < WIRE_DIRS; dir++) {
			const struct flow_side *s = &c->side[dir];

			assert_int_equal(s->kept + s->missing + s->skipped, s->bytes);
			assert_true(s->calls_kept + s->calls_queue_full <= s->calls);
		}
}

#define PIECE(offset, n) record_data(1, WIRE_READ, offset, bytes + (offset), n, 0, n)

RECORD_UNUSED static uint8_t bytes[1u << 16];

RECORD_UNUSED static void fill_bytes(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
}

#endif
