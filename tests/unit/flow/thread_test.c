/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads share a connection, and a read's record overtakes that of the write it answers. */
#include "harness.h"

#include "base/buf.h"
#include "flow/stream.h"
#include "heard.h"

#define MS 1000000ull

struct log {
	struct buf text;
	struct flow *flow;
	uint64_t offset[WIRE_DIRS];
};

static void log_data(void *ctx, const struct flow_chunk *chunk)
{
	struct log *l = ctx;

	buf_addf(&l->text, "%s%llu ", chunk->dir == WIRE_READ ? "r" : "w", (unsigned long long)chunk->offset);
}

static void log_gap(void *ctx, const struct flow_gap *gap)
{
	struct log *l = ctx;

	buf_addf(&l->text, "gap%llu ", (unsigned long long)gap->bytes);
}

static void log_close(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	struct log *l = ctx;

	(void)conn;
	(void)why;
	(void)ts_ns;
	buf_add(&l->text, STR("end "));
}

static const struct flow_ops log_ops = {.data = log_data, .gap = log_gap, .close = log_close};

static struct log *log_new(bool named)
{
	struct log *l = calloc(1, sizeof(*l));
	struct flow_settings s = {.ops = &log_ops, .ctx = l};

	buf_init(&l->text, 65536);
	l->flow = flow_new(&s);
	if (named) {
		struct wire_tls_sni *sni = record_new(WIRE_TLS_SNI, sizeof(*sni), NULL, 0, "a.b", 3);

		sni->conn.ssl = 1;
		sni->conn.generation = 7;
		sni->len = 3;
		feed(l->flow, sni);
	}
	return l;
}

/* A call of 10 bytes by a thread, from start to end. */
static void moved(struct log *l, enum wire_dir dir, uint32_t tid, uint64_t start_ns, uint64_t end_ns)
{
	struct wire_tls_data *d = record_data(1, dir, l->offset[dir], bytes, 10, 0, 10);

	d->head.tid = tid;
	d->head.ts_ns = end_ns;
	d->call_ns = end_ns - start_ns;
	l->offset[dir] += 10;
	feed(l->flow, d);
}

static void tick(struct log *l, uint64_t ts_ns)
{
	struct wire_tick *t = RECORD(wire_tick, WIRE_TICK);

	t->head.ts_ns = ts_ns;
	feed(l->flow, t);
}

static void says(struct log *l, const char *want)
{
	harness_assert_text("told", buf_str(&l->text), str_of(want));
}

static void log_free(struct log *l)
{
	check_equation(l->flow);
	flow_free(l->flow);
	buf_fini(&l->text);
	free(l);
}

static void answer_before_the_first_request(void **state)
{
	struct log *l = log_new(true);

	(void)state;
	moved(l, WIRE_READ, 2, 1 * MS, 5 * MS);
	says(l, "");
	moved(l, WIRE_WRITE, 1, 3 * MS, 6 * MS);
	says(l, "w0 r0 ");
	log_free(l);
}

static void answer_before_a_later_request(void **state)
{
	struct log *l = log_new(false);

	(void)state;
	moved(l, WIRE_WRITE, 1, 1 * MS, 2 * MS);
	moved(l, WIRE_READ, 2, 2 * MS, 5 * MS);
	moved(l, WIRE_READ, 2, 5 * MS, 9 * MS);
	says(l, "w0 ");
	/* What was read when this one began came before it. */
	moved(l, WIRE_WRITE, 1, 6 * MS, 10 * MS);
	says(l, "w0 r0 w10 r10 ");
	log_free(l);
}

/* One thread's calls come in their order: nothing waits. So do those of who has no name to ask for: a server reads first. */
static void nothing_waits(void **state)
{
	struct log *l = log_new(true);

	(void)state;
	moved(l, WIRE_WRITE, 1, 1 * MS, 2 * MS);
	moved(l, WIRE_READ, 1, 2 * MS, 5 * MS);
	says(l, "w0 r0 ");
	log_free(l);
	l = log_new(false);
	moved(l, WIRE_READ, 2, 1 * MS, 2 * MS);
	says(l, "r0 ");
	log_free(l);
}

static void waits_not_for_ever(void **state)
{
	struct log *l = log_new(false);

	(void)state;
	moved(l, WIRE_WRITE, 1, 1 * MS, 2 * MS);
	moved(l, WIRE_READ, 2, 2 * MS, 10 * MS);
	tick(l, 10 * MS + STREAM_EARLY_NS);
	says(l, "w0 ");
	tick(l, 10 * MS + STREAM_EARLY_NS + 1);
	says(l, "w0 r0 ");
	moved(l, WIRE_READ, 2, 200 * MS, 210 * MS);
	moved(l, WIRE_READ, 2, 210 * MS, 220 * MS);
	says(l, "w0 r0 ");
	moved(l, WIRE_READ, 2, 370 * MS, 380 * MS);
	says(l, "w0 r0 r10 r20 ");
	/* The end waits for nobody. */
	feed(l->flow, RECORD(wire_proc_exit, WIRE_PROC_EXIT));
	says(l, "w0 r0 r10 r20 r30 end ");
	log_free(l);
}

static void holds_a_bounded_number(void **state)
{
	struct log *l = log_new(false);

	(void)state;
	moved(l, WIRE_WRITE, 1, 1 * MS, 2 * MS);
	for (int i = 0; i < STREAM_HELD_PIECES; i++)
		moved(l, WIRE_READ, 2, 2 * MS, 3 * MS);
	says(l, "w0 ");
	moved(l, WIRE_READ, 2, 2 * MS, 3 * MS);
	says(l, "w0 r0 ");
	log_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_before_the_first_request),
		cmocka_unit_test(answer_before_a_later_request),
		cmocka_unit_test(nothing_waits),
		cmocka_unit_test(waits_not_for_ever),
		cmocka_unit_test(holds_a_bounded_number),
	};

	return cmocka_run_group_tests_name("flow threads", tests, NULL, NULL);
}
