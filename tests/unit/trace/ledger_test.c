/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static const struct trace *end(struct world *w, bool final)
{
	world_finish(w, final);
	return trace_next(w->t, NULL);
}

static void test_complete(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct wire_counts c = {
		.entered = 10, .returned = 10, .empty = 3, .sent = 7, .bytes_seen = 99, .bytes_sent = 99};

	world_fork(w, 101, 100);
	world_exit(w, 101, 0, 0);
	world_final(w, 101, c);
	world_exit(w, 100, 0, 0);
	world_final(w, 100, c);
	const struct trace *t = end(w, true);
	assert_string_equal(t->root_rule, "run");
	assert_true(t->complete);
	assert_true(t->counts_known);
	assert_int_equal(t->counts.entered, 20);
	assert_int_equal(t->counts.bytes_seen, 198);
	assert_int_equal(t->in_flight, 0);
	assert_int_equal(t->status, TRACE_STATUS_OK);
	assert_int_equal(t->root, world_process(w, 100)->id);
	assert_int_equal(t->start_ns, world_process(w, 100)->start_ns);
	assert_int_equal(t->end_ns, world_process(w, 100)->end_ns);
	assert_ptr_equal(t->root_proc, proc_find(w->procs, 100, 100000));
	assert_int_equal(trace_utc_offset(w->t), 1000);
	assert_int_equal(trace_session_site_ns(w->t), 1900);
	world_free(w);
}

/* Alive in a read is in flight; dead in a read is abandoned. */
static void test_in_flight(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_final(w, 100, (struct wire_counts){.entered = 5, .returned = 3, .abandoned = 1});
	const struct trace *t = end(w, true);
	assert_int_equal(t->in_flight, 1);
	assert_int_equal(t->counts.abandoned, 1);
	assert_false(t->complete);
	assert_int_equal(t->status, TRACE_STATUS_OPEN);
	assert_int_equal(t->end_ns, 0);
	world_free(w);

	w = world_run();
	world_final(w, 100, (struct wire_counts){.entered = 5, .returned = 4});
	assert_true(end(w, true)->complete); /* in flight alone is no loss */
	world_free(w);

	w = world_run();
	world_exit(w, 100, 1, 0);
	world_final(w, 100, (struct wire_counts){.entered = 5, .returned = 3, .abandoned = 1});
	t = end(w, true);
	assert_int_equal(t->in_flight, 0);
	assert_int_equal(t->counts.abandoned, 2);
	assert_false(t->complete);
	assert_int_equal(t->status, TRACE_STATUS_ERROR);
	world_free(w);
}

static void incomplete(struct wire_counts c, uint32_t pid)
{
	struct world *w = world_run();

	world_final(w, pid, c);
	assert_false(end(w, true)->complete);
	world_free(w);
}

static void test_losses(void **state)
{
	(void)state;
	struct wire_counts calls = {0}, bytes = {0}, events = {0};

	calls.lost[WIRE_CAUSE_RING_FULL] = 1;
	bytes.bytes_lost[WIRE_CAUSE_FAULT] = 1;
	events.events_lost[WIRE_CAUSE_MAP_FULL] = 1;
	incomplete(calls, 100);
	incomplete(bytes, 100);
	incomplete(events, 100);
	incomplete(events, 0); /* of no process: the first trace's */
}

static void test_unknown(void **state)
{
	(void)state;
	struct world *w = world_run();
	const struct trace *t = end(w, false); /* the attacher died: no final counters */

	assert_false(t->counts_known);
	assert_false(t->complete);
	world_free(w);

	w = world_run();
	trace_finish(w->t, w->procs, NULL, true); /* cut tape */
	assert_false(trace_next(w->t, NULL)->complete);
	world_free(w);
}

static void test_blind(void **state)
{
	(void)state;
	struct world *w = world_run();
	char space[128] = {0};
	struct wire_blind *b = (void *)space;

	b->head.kind = WIRE_BLIND;
	b->head.size = sizeof(*b) + 8;
	b->what_len = 4;
	b->why_len = 3;
	memcpy(b->payload, "grpcwhy", 7);
	world_feed(w, &b->head, 100);
	assert_false(end(w, true)->complete);
	world_free(w);
}

/* What the drain dropped is known to the flow alone. */
static void test_queue_full(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct flow_ops ops = {0};
	struct flow_settings fs = {.ops = &ops, .procs = w->procs};
	struct flow *f = flow_new(&fs);
	struct flow_conn *c = flow_open(f, proc_find(w->procs, 100, 100000), STR_NONE, 5);

	assert_non_null(c);
	c->side[WIRE_READ].calls_queue_full = 2;
	c->side[WIRE_WRITE].calls_queue_full = 1;
	struct wire_end rec = {.head = {.size = sizeof(rec), .kind = WIRE_END}, .has_final = 1};
	world_feed(w, &rec.head, 0);
	trace_finish(w->t, w->procs, f, false);
	assert_int_equal(trace_next(w->t, NULL)->queue_full_calls, 3);
	assert_false(trace_next(w->t, NULL)->complete);
	flow_free(f);
	world_free(w);
}

/* Nothing came at all: there is still one trace. */
static void test_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(WIRE_MODE_RUN);
	const struct trace *t = end(w, true);

	assert_non_null(t);
	assert_int_equal(t->spans, 0);
	assert_int_equal(t->root, 0);
	assert_int_equal(strlen(t->id), 32);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete), cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_losses),	 cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_blind),	 cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
