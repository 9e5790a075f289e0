/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static void shed(struct world *w, uint32_t before, uint32_t level)
{
	struct wire_shed_step rec = {.head = {.size = sizeof(rec), .kind = WIRE_SHED},
				     .level = level,
				     .before = before,
				     .cost_ns = 20,
				     .budget_ns = 10,
				     .window_ns = 1000};

	w->now += 10;
	world_feed(w, &rec.head, 0);
}

static const struct trace *end(struct world *w)
{
	world_final(w, 100, (struct wire_counts){0});
	world_finish(w, true);
	return trace_next(w->t, NULL);
}

static void test_events(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	shed(w, 0, 1);
	shed(w, 1, 2);
	shed(w, 12, 13);
	shed(w, 2, 1);
	uint64_t last = w->now;
	world_exit(w, 100, 0, 0);
	shed(w, 1, 2); /* nobody's any more */
	const struct trace *t = end(w);
	assert_false(t->complete);
	const struct told *root = world_process(w, 100);
	assert_int_equal(root->event_count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_string_equal(root->events[i].name, "bottrace.shed");
		assert_int_equal(root->events[i].time_ns, last - 10 * (3 - i));
	}
	assert_string_equal(root->events[0].attributes,
			    "bottrace.shed.level=stacks;bottrace.shed.from=nothing;bottrace.shed.cost_ns=20;"
			    "bottrace.shed.budget_ns=10;bottrace.shed.window_ns=1000;");
	assert_non_null(strstr(root->events[2].attributes,
			       "level=sampling 1/1024;bottrace.shed.from=sampling 1/512;"));
	assert_non_null(strstr(root->events[3].attributes, "level=stacks;bottrace.shed.from=bodies;"));
	assert_int_equal(world_process(w, 101)->event_count, 0);
	assert_int_equal(t->shed_steps, 4);
	assert_int_equal(t->shed_level, WIRE_SHED_STACKS);
	world_free(w);
}

/* Beside its execs, and when it is alive at the end. */
static void test_with_execs(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_exec(w, 100, "/bin/b", "b\0");
	shed(w, 0, 1);
	const struct trace *t = end(w);
	const struct told *root = world_process(w, 100);
	assert_int_equal(root->event_count, 3);
	assert_string_equal(root->events[0].name, "exec");
	assert_string_equal(root->events[2].name, "bottrace.shed");
	/* The first step already leaves stacks out. */
	assert_false(t->complete);
	world_free(w);
}

static void test_every_root(void **state)
{
	(void)state;
	struct world *w = world_new(WIRE_MODE_ATTACH);

	world_fact(w, 100, 0);
	world_target(w, 100);
	world_fact(w, 200, 0);
	world_target(w, 200);
	shed(w, 2, 3);
	world_final(w, 200, (struct wire_counts){0});
	const struct trace *t = end(w);
	assert_int_equal(world_process(w, 100)->event_count, 1);
	assert_int_equal(world_process(w, 200)->event_count, 1);
	assert_false(t->complete);
	t = trace_next(w->t, t);
	assert_non_null(t);
	assert_false(t->complete);
	world_free(w);
}

static void test_many_steps(void **state)
{
	(void)state;
	struct world *w = world_run();

	for (int i = 0; i < 5000; i++)
		shed(w, 3 + (i & 1), 4 - (i & 1));
	const struct trace *t = end(w);
	assert_false(t->complete);
	assert_int_equal(world_process(w, 100)->versions, 1);
	world_free(w);
}

static void session(struct world *w, uint32_t n, uint64_t options)
{
	struct wire_session rec = {.head = {.size = sizeof(rec), .kind = WIRE_SESSION},
				   .version = WIRE_VERSION,
				   .mode = WIRE_MODE_RUN,
				   .options = options,
				   .sample_n = n};

	world_feed(w, &rec.head, 0);
}

static void test_sampled(void **state)
{
	(void)state;
	struct world *w = world_run();

	session(w, 10, 0);
	const struct trace *t = end(w);
	assert_int_equal(t->sample_n, 10);
	assert_false(t->sampled_out);
	assert_true(t->complete); /* this run is in, and all of it is here */
	world_free(w);
	w = world_run();
	session(w, 10, WIRE_OPT_SAMPLED_OUT);
	t = end(w);
	assert_true(t->sampled_out);
	assert_false(t->complete);
	world_free(w);
	w = world_run();
	world_final(w, 100,
		    (struct wire_counts){.entered = 1, .returned = 1, .lost[WIRE_CAUSE_SAMPLED_OUT] = 1});
	assert_false(end(w)->complete);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	   cmocka_unit_test(test_with_execs),
		cmocka_unit_test(test_every_root), cmocka_unit_test(test_many_steps),
		cmocka_unit_test(test_sampled),
	};

	return cmocka_run_group_tests_name("trace shed", tests, NULL, NULL);
}
