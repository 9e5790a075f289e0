/* SPDX-License-Identifier: BSD-2-Clause */
/* The room as a whole: a scenario with everything in it, whose every allocation fails once. */
#include "world.h"

struct tally {
	uint32_t spans;
	uint64_t bytes;
};

static void count_span(void *ctx, const struct trace_span *s)
{
	struct tally *n = ctx;

	n->spans++;
	for (uint32_t i = 0; i < s->attribute_count; i++)
		n->bytes += s->attributes[i].text.n;
}

static struct tally tally;
static bool kept; /* under --keep, in an attached process */

/* Made before anything can fail. */
static void make(struct world *w, struct call **calls)
{
	for (int turn = 0; turn < 3; turn++) {
		struct call *k = calls[turn] = call_make(w, 100);

		call_in(k, "system", "S");
		call_in(k, "user", "x");
		for (int i = 0; i < turn; i++) {
			call_in_call(k, "a", "f", "{\"v\":\"alpha\"}");
			call_in_result(k, "a", "1");
		}
		k->c.retry_count = turn == 1;
		k->c.body_hash = (struct hash128){1, turn == 2};
		call_out_call(k, "a", "f", "{\"v\":\"alpha\"}");
		call_out_call(k, "b", "g", "{\"v\":\"gamma\"}");
	}
}

static void play(struct world *w, struct call **calls)
{
	struct wire_session rec = {.head = {.size = sizeof(rec), .kind = WIRE_SESSION},
				   .mode = kept ? WIRE_MODE_ATTACH : WIRE_MODE_RUN};
	struct http_gap gap = {.dir = WIRE_READ, .bytes = 5, .cause = WIRE_CAUSE_FAULT};
	struct flow_conn conn = {.id = 9};

	w->now = 1000;
	world_feed(w, &rec.head, 0);
	if (kept)
		world_keep(w, "errors");
	world_fact(w, 100, 0);
	world_target(w, 100);
	for (int turn = 0; turn < 3; turn++) {
		call_begin(calls[turn], 100);
		call_request(calls[turn]);
		call_close(calls[turn], turn == 0 ? GENAI_ERROR : GENAI_OK, turn == 0 ? 500 : 200);
		call_end(calls[turn]);
	}
	world_fork(w, 101, 100);
	world_exec(w, 101, "/bin/alpha", "alpha\0");
	world_exec(w, 101, "/bin/beta", "beta\0");
	conn.proc = proc_find(w->procs, 101, 101000);
	trace_genai_ops()->stray(w->t, &conn, WIRE_READ, 5, &gap);
	world_exit(w, 101, 0, 15);
	world_finish(w, true);
}

/* Whether the n-th allocation failed. */
static bool run(unsigned long n)
{
	static const struct trace_ops ops = {.span = count_span};
	struct trace_settings s = {.ops = &ops, .ctx = &tally};
	struct world *w = calloc(1, sizeof(*w));
	struct call *calls[3];

	tally = (struct tally){0};
	assert_non_null(w);
	w->a = arena_new(256u << 20);
	assert_non_null(w->a);
	make(w, calls);
	harness_fail_alloc(n);
	w->t = trace_new(&s);
	if (w->t)
		w->procs = proc_new(trace_proc_ops(), w->t);
	if (w->t && w->procs)
		play(w, calls);
	bool failed = harness_alloc_failed();
	harness_fail_alloc(0);
	/* A span that could not be made is missed: never is the trace called complete without it. */
	const struct trace *t = w->t && w->procs ? trace_next(w->t, NULL) : NULL;
	if (t && t->spans + t->spans_dropped < 6)
		assert_false(t->complete);
	proc_free(w->procs);
	trace_free(w->t);
	arena_free(w->a);
	free(w);
	return failed;
}

static void test_whole(void **state)
{
	(void)state;
	assert_false(run(0));
	/* 2 processes; the folded call twice, the last call; f and g of turns 1 and 2 */
	assert_int_equal(tally.spans, 2 + 3 + 4);
}

static void test_every_oom(void **state)
{
	(void)state;
	unsigned long n = 1;

	while (run(n))
		assert_true(n++ < 5000);
	assert_true(n > 50);
}

static void test_every_oom_kept(void **state)
{
	kept = true;
	test_every_oom(state);
	kept = false;
}

/* Half built, and nothing at all. */
static void test_half_built(void **state)
{
	(void)state;
	trace_free(NULL);
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	call_in(k, "user", "x");
	call_out_call(k, "a", "f", "{}");
	call_do(k);
	k = call_new(w, 100, 100);
	k->c.retry_count = 0;
	call_request(k);
	call_close(k, GENAI_ERROR, 500);
	call_end(k);
	call_request(call_new(w, 100, 100)); /* open */
	world_free(w);
}

/* Records of kinds that are none of this room's. */
static void test_other_records(void **state)
{
	(void)state;
	struct world *w = world_run();

	for (uint32_t kind = 0; kind < 0x9000; kind += 7) {
		struct wire_head rec = {.size = sizeof(rec), .kind = (uint16_t)kind};

		if (kind != WIRE_SESSION && kind != WIRE_END)
			trace_feed(w->t, &rec);
	}
	world_finish(w, true);
	assert_int_equal(w->count, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	       cmocka_unit_test(test_every_oom),
		cmocka_unit_test(test_every_oom_kept), cmocka_unit_test(test_half_built),
		cmocka_unit_test(test_other_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
