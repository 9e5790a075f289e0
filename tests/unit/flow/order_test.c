/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets and pipes that several threads use at once: every byte has one place, and what is missing is. */
#include "harness.h"

#include "heard.h"
#include "flow/order.h"

#define FILE_KEY 0xffff888000001000ull

static void data(struct flow *f, uint32_t tid, uint64_t ts_ns, uint64_t offset, uint64_t call_off, uint32_t n,
		 uint64_t call_len)
{
	struct wire_tls_data *d =
		record_data(FILE_KEY, WIRE_WRITE, offset + call_off, bytes, n, call_off, call_len);

	d->head.tid = tid;
	d->head.ts_ns = ts_ns;
	d->fn = WIRE_FN_PLAIN_WRITE;
	feed(f, d);
}

static void total(struct flow *f, uint64_t n, uint64_t calls, uint64_t skipped)
{
	struct wire_tls_close *r = RECORD(wire_tls_close, WIRE_TLS_CLOSE);

	r->conn.ssl = FILE_KEY;
	r->conn.generation = 7;
	r->side[WIRE_WRITE] = (struct wire_side){.bytes = n, .calls = calls, .skipped = skipped};
	feed(f, r);
}

static struct flow *begin(struct heard **h)
{
	struct wire_plain_conn *r = RECORD(wire_plain_conn, WIRE_PLAIN_CONN);

	*h = heard_new();
	(*h)->wide = true;
	r->head.flags = WIRE_WRITE;
	r->conn.ssl = FILE_KEY;
	r->conn.generation = 7;
	r->transport = WIRE_PIPE;
	struct flow *f = new_flow(*h, false);

	feed(f, r);
	return f;
}

static void end(struct flow *f, struct heard *h, uint64_t kept, uint64_t missing, uint64_t skipped,
		uint64_t calls)
{
	const struct flow_conn *c = flow_next(f, NULL);
	const struct flow_side *s = &c->side[WIRE_WRITE];

	feed_end(f, true);
	assert_int_equal(s->kept, kept);
	assert_int_equal(s->missing, missing);
	assert_int_equal(s->skipped, skipped);
	assert_int_equal(s->calls, calls);
	check_equation(f);
	flow_free(f);
	free(h);
}

/* Two calls claim one place, and then a third one knows of both. */
static void same_place(void **state)
{
	struct heard *h;
	struct flow *f = begin(&h);

	(void)state;
	data(f, 1, 10, 0, 0, 10, 10);
	data(f, 2, 11, 0, 0, 10, 10);
	data(f, 1, 12, 20, 0, 5, 5);
	data(f, 2, 13, 10, 0, 5, 5); /* late */
	data(f, 2, 14, 30, 0, 1, 1);
	total(f, 31, 5, 0);
	assert_int_equal(h->side[WIRE_WRITE].gaps, 0);
	end(f, h, 31, 0, 0, 5);
}

/* A call's pieces stay together, whoever comes between. */
static void long_calls(void **state)
{
	struct heard *h;
	struct flow *f = begin(&h);

	(void)state;
	data(f, 1, 20, 0, 0, WIRE_PIECE_MAX, 40000);
	data(f, 2, 21, 0, 0, WIRE_PIECE_MAX, 20000);
	data(f, 3, 22, 0, 0, 7, 7);
	data(f, 2, 21, 7, WIRE_PIECE_MAX, 20000 - WIRE_PIECE_MAX,
	     20000); /* the third one's sum is there already */
	data(f, 1, 20, 20007, WIRE_PIECE_MAX, WIRE_PIECE_MAX, 40000);
	data(f, 1, 20, 20007, 2 * WIRE_PIECE_MAX, 40000 - 2 * WIRE_PIECE_MAX, 40000);
	total(f, 60007, 3, 0);
	assert_int_equal(h->side[WIRE_WRITE].gaps, 0);
	end(f, h, 60007, 0, 0, 3);
}

/* The same thread goes on though its call's last piece never came. */
static void cut_call(void **state)
{
	struct heard *h;
	struct flow *f = begin(&h);

	(void)state;
	data(f, 1, 20, 0, 0, WIRE_PIECE_MAX, 20000);
	data(f, 1, 21, 20000, 0, 5, 5);
	total(f, 20005, 2, 0);
	end(f, h, WIRE_PIECE_MAX + 5, 20000 - WIRE_PIECE_MAX, 0, 2);
}

/* A hole is one though two threads were there; what policy left out may be counted before its place is. */
static void holes(void **state)
{
	struct heard *h;
	struct flow *f = begin(&h);

	(void)state;
	data(f, 1, 10, 0, 0, 10, 10);
	data(f, 2, 11, 0, 0, 10, 10);
	data(f, 1, 12, 50, 0, 10, 10);
	total(f, 60, 4, 0);
	end(f, h, 30, 30, 0, 4);

	f = begin(&h);
	data(f, 1, 10, 0, 0, 10, 10);
	struct wire_tls_data *d = record_data(FILE_KEY, WIRE_WRITE, 10, bytes, 10, 0, 10);
	d->skipped = 100;
	feed(f, d);
	d = record_data(FILE_KEY, WIRE_WRITE, 120, bytes, 10, 0, 10);
	d->skipped = 100;
	feed(f, d);
	total(f, 130, 4, 100);
	end(f, h, 30, 0, 100, 4);
}

/* So many threads in the middle of a call that the oldest is forgotten, and numbers beyond all streams. */
static void bounds(void **state)
{
	struct order o = {0};

	(void)state;
	for (uint32_t i = 0; i < 3 * ORDER_CALLS_MAX; i++) {
		struct stream_piece p = {.call_end = 100, .len = 10, .tid = i, .ts_ns = i};

		order_place(&o, &p);
		assert_int_equal(p.offset, i * 100);
		assert_in_range(o.count, 1, ORDER_CALLS_MAX);
	}
	for (int i = 0; i < 1000; i++) {
		struct stream_piece p = {
			.call_start = 1ull << 40, .offset = 1ull << 40, .call_end = 1ull << 56, .len = 10};

		order_place(&o, &p);
		assert_true(p.call_end >= p.call_start && p.offset == p.call_start && o.next <= 1ull << 60);
	}
	order_fini(&o);
	assert_int_equal(o.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_place), cmocka_unit_test(long_calls), cmocka_unit_test(cut_call),
		cmocka_unit_test(holes),      cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
