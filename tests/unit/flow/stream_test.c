/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel and a drain that lose pieces at will and know exactly what they lost, against the flow room: bytes, gaps,
 * causes and calls must agree to the unit.
 */
#include "harness.h"

#include <stdio.h>

#include "flow/stream.h"
#include "heard.h"

/* ---- the model ---- */

struct model_side {
	uint8_t what[SIDE_MAX]; /* as heard_side.what */
	uint8_t data[SIDE_MAX];
	uint64_t bytes, calls, kept_calls, queue_calls;
	uint64_t kept, missing, skipped;
	enum wire_cause hole; /* the kernel's hole_cause */
	/* since the last piece sent: the missing bytes count as the first ones */
	uint64_t hole_start, hole_missing, hole_skipped;
	uint32_t tears; /* holes of unknown size */
};

struct model {
	struct model_side side[WIRE_DIRS];
	uint64_t random;
	uint64_t ts_ns;
	unsigned ring_loss, queue_loss, skip, filter, fault; /* percent */
	uint32_t piece_max;
	struct wire_head **sent; /* what the drain hands on, in order */
	size_t count;
};

static uint64_t below(struct model *m, uint64_t n)
{
	return record_random(&m->random) % n;
}

static void send(struct model *m, void *rec)
{
	m->sent = realloc(m->sent, (m->count + 1) * sizeof(*m->sent));
	m->sent[m->count++] = rec;
}

static void paint(struct model_side *s, uint64_t offset, uint64_t n, uint8_t what)
{
	memset(s->what + offset, what, n);
}

/* A call moved data, and the kernel could not read how much. */
static void model_fault(struct model *m, enum wire_dir dir)
{
	struct model_side *s = &m->side[dir];

	s->calls++;
	if (s->hole == WIRE_CAUSE_NONE)
		s->hole = WIRE_CAUSE_FAULT;
}

static void model_paint_hole(struct model_side *s)
{
	paint(s, s->hole_start, s->hole_missing, 1 + s->hole);
	paint(s, s->hole_start + s->hole_missing, s->hole_skipped, 1 + WIRE_CAUSE_NONE);
}

static void model_skip(struct model_side *s, uint64_t n)
{
	s->skipped += n;
	s->hole_skipped += n;
}

static void model_call(struct model *m, enum wire_dir dir, uint64_t len)
{
	struct model_side *s = &m->side[dir];
	uint64_t start = s->bytes, at = 0;
	bool ring_lost = false, queue_lost = false;
	/* Of some calls only the two ends are wanted, of some nothing. */
	uint64_t cut_start = len, cut_end = len;

	m->ts_ns += below(m, 1000000);
	for (uint64_t i = 0; i < len; i++)
		s->data[start + i] = (uint8_t)record_random(&m->random);
	s->calls++;
	if (below(m, 100) < m->filter) {
		model_skip(s, len);
		s->bytes += len;
		return;
	}
	if (below(m, 100) < m->skip && len > 2) {
		cut_start = 1 + below(m, len - 2);
		cut_end = cut_start + 1 + below(m, len - cut_start - 1);
	}
	while (at < len) {
		uint32_t n = (uint32_t)(1 + below(m, m->piece_max));

		if (at == cut_start && cut_end > cut_start) {
			model_skip(s, cut_end - cut_start);
			at = cut_end;
		}
		if (at < cut_start && n > cut_start - at)
			n = (uint32_t)(cut_start - at);
		if (n > len - at)
			n = (uint32_t)(len - at);
		struct wire_tls_data *d = record_data(1, dir, start + at, s->data + start + at, n, at, len);
		d->head.ts_ns = m->ts_ns;
		d->call_ns = below(m, 2000000);
		d->hole_cause = s->hole;
		d->skipped = s->skipped;
		if (below(m, 100) < m->ring_loss) {
			if (s->hole == WIRE_CAUSE_NONE)
				s->hole = below(m, 2) ? WIRE_CAUSE_RING_FULL : WIRE_CAUSE_FAULT;
			s->missing += n;
			s->hole_missing += n;
			ring_lost = true;
			free(d);
		} else {
			s->tears += s->hole != WIRE_CAUSE_NONE && s->hole_missing == 0;
			model_paint_hole(s);
			s->hole = WIRE_CAUSE_NONE;
			s->hole_start = start + at + n;
			s->hole_missing = s->hole_skipped = 0;
			if (below(m, 100) < m->queue_loss) {
				paint(s, start + at, n, 1 + WIRE_CAUSE_QUEUE_FULL);
				s->missing += n;
				queue_lost = true;
				send(m, record_loss(d));
				free(d);
			} else {
				paint(s, start + at, n, 100);
				s->kept += n;
				send(m, d);
			}
		}
		at += n;
	}
	s->bytes += len;
	s->kept_calls += !ring_lost && !queue_lost;
	s->queue_calls += !ring_lost && queue_lost;
}

static struct wire_tls_close *model_totals(struct model *m, uint16_t kind)
{
	struct wire_tls_close *c = RECORD(wire_tls_close, kind);

	c->conn.ssl = 1;
	c->conn.generation = 7;
	c->head.ts_ns = m->ts_ns;
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		c->side[dir].bytes = m->side[dir].bytes;
		c->side[dir].calls = m->side[dir].calls;
		c->side[dir].skipped = m->side[dir].skipped;
		c->side[dir].hole_cause = m->side[dir].hole;
	}
	return c;
}

static struct model *model_new(uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));

	m->random = seed * 2654435761u + 1;
	m->ts_ns = 1000000;
	m->piece_max = 1 + (uint32_t)below(m, 200);
	return m;
}

static void model_free(struct model *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->sent[i]);
	free(m->sent);
	free(m);
}

static void model_traffic(struct model *m, unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		if (below(m, 100) < m->fault)
			model_fault(m, below(m, 2));
		model_call(m, below(m, 2), 1 + below(m, 500));
	}
}

static void check_digest(const struct model_side *m, const struct flow_side *s)
{
	struct hash_sha *want = hash_sha_new();
	char a[65], b[65];

	for (uint64_t i = 0; i < m->bytes; i++)
		if (m->what[i] == 100)
			hash_sha_feed(want, str_make(m->data + i, 1));
	hash_sha_hex(want, a);
	hash_sha_hex(s->sha, b);
	assert_string_equal(a, b);
	hash_sha_free(want);
}

static void check_against_model(struct model *m, const struct heard *h, const struct flow *f)
{
	const struct flow_conn *c = flow_next(f, NULL);

	assert_non_null(c);
	assert_null(flow_next(f, c));
	check_equation(f);
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		struct model_side *want = &m->side[dir];
		const struct flow_side *got = &c->side[dir];

		model_paint_hole(want);
		assert_int_equal(got->bytes, want->bytes);
		assert_int_equal(got->kept, want->kept);
		assert_int_equal(got->missing, want->missing);
		assert_int_equal(got->skipped, want->skipped);
		assert_int_equal(got->calls, want->calls);
		assert_int_equal(got->calls_kept, want->kept_calls);
		assert_int_equal(got->calls_queue_full, want->queue_calls);
		assert_int_equal(h->side[dir].next, want->bytes);
		assert_int_equal(h->side[dir].tears, want->tears + (want->hole && want->hole_missing == 0));
		assert_memory_equal(h->side[dir].what, want->what, SIDE_MAX);
		for (uint64_t i = 0; i < want->bytes; i++)
			if (want->what[i] == 100)
				assert_int_equal(h->side[dir].data[i], want->data[i]);
		check_digest(want, got);
	}
}

/* ---- random streams ---- */

enum ending { BY_CLOSE, BY_FINAL_FIRST, BY_FINAL_LAST, BY_EXIT_THEN_FINAL, ENDINGS };

static void play(struct model *m, struct heard *h, struct flow *f, enum ending ending)
{
	size_t final_at = ending == BY_FINAL_FIRST && m->count ? below(m, m->count) : SIZE_MAX;

	for (size_t i = 0; i < m->count; i++) {
		if (i == final_at)
			feed(f, model_totals(m, WIRE_CONN_FINAL));
		feed(f, m->sent[i]);
	}
	m->count = 0;
	if (final_at == SIZE_MAX && ending == BY_FINAL_FIRST)
		feed(f, model_totals(m, WIRE_CONN_FINAL));
	if (ending == BY_CLOSE) {
		feed(f, model_totals(m, WIRE_TLS_CLOSE));
		assert_int_equal(h->closes, 1);
		assert_int_equal(h->why, FLOW_END_FREED);
	}
	if (ending == BY_EXIT_THEN_FINAL) {
		struct wire_proc_exit *e = RECORD(wire_proc_exit, WIRE_PROC_EXIT);

		e->head.ts_ns = m->ts_ns;
		feed(f, e);
		assert_int_equal(h->closes, flow_next(f, NULL) ? 1 : 0);
	}
	if (ending == BY_EXIT_THEN_FINAL || ending == BY_FINAL_LAST)
		feed(f, model_totals(m, WIRE_CONN_FINAL));
	feed_end(f, true);
	assert_int_equal(h->closes, 1);
	assert_int_equal(h->chunks_after_close, 0);
}

static void random_losses(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct model *m = model_new(seed);
		struct heard *h = heard_new();
		struct flow *f = new_flow(h, true);

		m->ring_loss = (unsigned)below(m, 60) * (seed % 3 != 0);
		m->queue_loss = (unsigned)below(m, 60) * (seed % 5 != 0);
		m->skip = (unsigned)below(m, 30) * (seed % 2);
		m->filter = (unsigned)below(m, 40) * (seed % 7 > 3);
		m->fault = (unsigned)below(m, 20) * (seed % 4 == 3);
		model_traffic(m, (unsigned)(1 + below(m, 60)));
		play(m, h, f, seed % ENDINGS);
		/* All pieces lost before the process ended: the account opens only with its total. */
		check_against_model(m, h, f);
		flow_free(f);
		free(h);
		model_free(m);
	}
}

/* Every 8 neighbours shuffled, over both directions: nothing is lost, everything comes in order. */
static void random_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct model *m = model_new(seed);
		struct heard *h = heard_new();
		struct flow *f = new_flow(h, true);

		m->queue_loss = (unsigned)below(m, 50) * (seed % 2);
		m->skip = (unsigned)below(m, 30) * (seed % 3 == 0);
		m->filter = (unsigned)below(m, 40) * (seed % 7 > 3);
		model_traffic(m, (unsigned)(1 + below(m, 60)));
		size_t group = 2 + below(m, 7);
		for (size_t at = 0; at < m->count; at += group) {
			size_t n = m->count - at < group ? m->count - at : group;

			for (size_t i = n - 1; i > 0; i--) {
				size_t j = below(m, i + 1);
				struct wire_head *swap = m->sent[at + i];

				m->sent[at + i] = m->sent[at + j];
				m->sent[at + j] = swap;
			}
		}
		play(m, h, f, seed % 2 ? BY_CLOSE : BY_FINAL_LAST);
		check_against_model(m, h, f);
		flow_free(f);
		free(h);
		model_free(m);
	}
}

/* Reordering, duplicates, lost and invented pieces all at once: whatever comes, the equation holds. */
static void random_chaos(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct model *m = model_new(seed);
		struct heard *h = heard_new();
		struct flow *f = new_flow(h, false);

		h->wide = true;
		m->ring_loss = (unsigned)below(m, 40);
		m->queue_loss = (unsigned)below(m, 40);
		m->skip = (unsigned)below(m, 30);
		model_traffic(m, (unsigned)(1 + below(m, 80)));
		for (size_t i = 0; i < m->count; i++) {
			struct wire_head *r = m->sent[below(m, m->count)];
			struct wire_tls_data *d = (void *)r;

			if (below(m, 4) == 0)
				r->ts_ns += below(m, 200000000);
			if (below(m, 4) == 0 && r->kind == WIRE_TLS_DATA)
				d->hole_cause = (uint8_t)below(m, WIRE_CAUSES);
			if (below(m, 6) == 0 && r->kind == WIRE_TLS_DATA)
				d->offset += below(m, 3000);
			if (below(m, 40) == 0 && r->kind == WIRE_TLS_DATA) {
				d->call_len += below(m, UINT64_C(1) << 61);
				d->skipped += below(m, 4000);
			}
			assert_true(drain_valid(r, r->size));
			flow_feed(f, r);
			check_equation(f);
			if (below(m, 50) == 0)
				feed(f, model_totals(m, WIRE_CONN_FINAL));
			if (below(m, 200) == 0)
				feed(f, model_totals(m, WIRE_TLS_CLOSE));
		}
		if (seed % 2)
			feed(f, model_totals(m, WIRE_CONN_FINAL));
		feed_end(f, seed % 3);
		check_equation(f);
		assert_int_equal(h->closes, m->count || seed % 2 ? 1 : 0);
		assert_int_equal(h->chunks_after_close, 0);
		flow_free(f);
		free(h);
		model_free(m);
	}
}

/* ---- cases by hand ---- */

static void window_waits_and_gives_up(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_tls_data *d;
	const struct heard_side *r = &h->side[WIRE_READ];

	(void)state;
	feed(f, PIECE(0, 10));
	d = PIECE(20, 10);
	d->head.ts_ns = 1000;
	feed(f, d);
	assert_int_equal(r->next, 10);
	/* The late one comes: both are told. */
	d = PIECE(10, 10);
	d->head.ts_ns = 2000;
	feed(f, d);
	assert_int_equal(r->next, 30);
	assert_int_equal(r->gaps, 0);
	/* It never comes: exactly 50 ms are waited, by any record's time. */
	d = PIECE(40, 10);
	d->head.ts_ns = 3000;
	feed(f, d);
	struct wire_tick *t = RECORD(wire_tick, WIRE_TICK);
	t->head.ts_ns = 3000 + STREAM_HELD_NS;
	feed(f, t);
	assert_int_equal(r->next, 30);
	t = RECORD(wire_tick, WIRE_TICK);
	t->head.ts_ns = 3001 + STREAM_HELD_NS;
	feed(f, t);
	assert_int_equal(r->next, 50);
	assert_int_equal(h->gap_bytes[WIRE_CAUSE_QUEUE_FULL], 10);
	/* Too late: it was accounted as missing, and stays so. */
	feed(f, PIECE(30, 10));
	assert_int_equal(r->next, 50);
	/* A hole with a cause does not wait. */
	d = PIECE(60, 10);
	d->hole_cause = WIRE_CAUSE_RING_FULL;
	feed(f, d);
	assert_int_equal(r->next, 70);
	assert_int_equal(h->gap_bytes[WIRE_CAUSE_RING_FULL], 10);
	/* 64 wait, the 65th is one too many. */
	for (uint64_t i = 0; i < STREAM_HELD_PIECES; i++)
		feed(f, PIECE(80 + i * 20, 10));
	assert_int_equal(r->next, 70);
	feed(f, PIECE(80 + STREAM_HELD_PIECES * 20, 10));
	assert_int_equal(r->next, 90);
	check_equation(f);
	flow_free(f);
	free(h);
}

static void window_is_bounded_in_bytes(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	uint64_t n = 0;

	(void)state;
	h->wide = true;
	/* 63 pieces of 16 KiB fit into 1 MiB with what each costs beside. */
	while (h->side[WIRE_READ].next == 0 && n < 100)
		feed(f, record_data(1, WIRE_READ, 1 + n++ * 16384, bytes, 16384, 0, 16384));
	assert_int_equal(n, 64);
	check_equation(f);
	flow_free(f);
	free(h);
}

static void sum_data(void *ctx, const struct flow_chunk *chunk)
{
	*(uint64_t *)ctx += chunk->data.n;
}

static void ignore_gap(void *ctx, const struct flow_gap *gap)
{
	(void)ctx;
	(void)gap;
}

static void ignore_close(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	(void)ctx;
	(void)conn;
	(void)why;
	(void)ts_ns;
}

/* 40 connections, each with nearly 1 MiB held: together they hold at most 16 MiB, the oldest give up. */
static void windows_are_bounded_together(void **state)
{
	static const struct flow_ops sums = {.data = sum_data, .gap = ignore_gap, .close = ignore_close};
	uint64_t told = 0, all = 40 * 60 * 16384;
	struct flow_settings s = {.ops = &sums, .ctx = &told};
	struct flow *f = flow_new(&s);

	(void)state;
	assert_non_null(f);
	for (uint64_t c = 1; c <= 40; c++)
		for (uint64_t i = 0; i < 60; i++)
			feed(f, record_data(c, WIRE_READ, 1 + i * 16384, bytes, 16384, 0, 16384));
	assert_true(all - told <= 16u << 20);
	assert_true(all - told > 14u << 20);
	const struct flow_conn *c = flow_next(f, NULL);
	assert_int_equal(c->side[WIRE_READ].kept, 60 * 16384);
	feed_end(f, false);
	assert_int_equal(told, all);
	check_equation(f);
	flow_free(f);
}

/* A call beyond WIRE_CALL_MAX whose last piece is lost: the hole is lost up to the limit, skipped beyond. */
static void skip_inside_a_hole(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	uint64_t len = WIRE_CALL_MAX + 1000;
	struct wire_tls_data *d;

	(void)state;
	h->wide = true;
	for (uint64_t at = 0; at + WIRE_PIECE_MAX < WIRE_CALL_MAX; at += WIRE_PIECE_MAX)
		feed(f, record_data(1, WIRE_READ, at, bytes, WIRE_PIECE_MAX, at, len));
	d = record_data(1, WIRE_READ, len, bytes, 5, 0, 5);
	d->hole_cause = WIRE_CAUSE_RING_FULL;
	d->skipped = 1000;
	feed(f, d);
	const struct flow_side *s = &flow_next(f, NULL)->side[WIRE_READ];
	assert_int_equal(s->missing, WIRE_PIECE_MAX);
	assert_int_equal(s->skipped, 1000);
	assert_int_equal(s->bytes, len + 5);
	assert_int_equal(s->calls, 2);
	assert_int_equal(s->calls_kept, 1);
	flow_free(f);
	free(h);
}

/* Calls whose size could not be read: told where they were, with 0 bytes, once. */
static void tears(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_tls_data *d = PIECE(0, 10);
	struct wire_tls_close *c;

	(void)state;
	feed(f, d);
	d = PIECE(10, 10);
	d->hole_cause = WIRE_CAUSE_FAULT;
	feed(f, d);
	assert_int_equal(h->side[WIRE_READ].tears, 1);
	assert_int_equal(h->side[WIRE_READ].next, 20);
	for (int i = 0; i < 2; i++) {
		c = RECORD(wire_tls_close, i ? WIRE_CONN_FINAL : WIRE_TLS_CLOSE);
		c->conn.ssl = 1;
		c->conn.generation = 7;
		c->side[WIRE_READ] =
			(struct wire_side){.bytes = 20, .calls = 4, .hole_cause = WIRE_CAUSE_FAULT};
		feed(f, c);
	}
	feed_end(f, true);
	assert_int_equal(h->side[WIRE_READ].tears, 2);
	assert_int_equal(flow_next(f, NULL)->side[WIRE_READ].calls, 4);
	assert_int_equal(flow_next(f, NULL)->side[WIRE_READ].missing, 0);
	flow_free(f);
	free(h);
}

int main(void)
{
	fill_bytes();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_losses),
		cmocka_unit_test(random_order),
		cmocka_unit_test(random_chaos),
		cmocka_unit_test(window_waits_and_gives_up),
		cmocka_unit_test(window_is_bounded_in_bytes),
		cmocka_unit_test(windows_are_bounded_together),
		cmocka_unit_test(skip_inside_a_hole),
		cmocka_unit_test(tears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
