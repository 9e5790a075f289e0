/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static void test_facts(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	uint64_t forked = w->now;
	world_exec(w, 101, "/usr/bin/wc", "wc\0-l\0\x22q\x22\0");
	world_exit(w, 101, 0, 0);
	struct told *p = world_process(w, 101);
	assert_string_equal(p->name, "wc");
	assert_string_equal(p->kind, "process");
	assert_int_equal(p->start_ns, forked);
	assert_int_equal(p->end_ns, w->now);
	assert_false(p->bounded);
	assert_int_equal(p->status, TRACE_STATUS_OK);
	assert_null(p->type);
	assert_null(p->message);
	world_want(p, "process.pid", "101");
	world_want(p, "process.parent_pid", "100");
	world_want(p, "process.executable.path", "/usr/bin/wc");
	world_want(p, "process.command_args", "[\"wc\",\"-l\",\"\\\"q\\\"\"]");
	world_want(p, "process.exit.code", "0");
	world_want(p, "bottrace.exit.signal", NULL);
	assert_int_equal(p->event_count, 0); /* one exec is how a process begins */
	assert_true(w->began >= 2);
	world_free(w);
}

static void test_status(void **state)
{
	(void)state;
	struct world *w = world_run();

	for (uint32_t pid = 101; pid <= 103; pid++)
		world_fork(w, pid, 100);
	world_exit(w, 101, 3, 0);
	world_exit(w, 102, 0, 9);
	world_finish(w, true);
	struct told *p = world_process(w, 101);
	assert_int_equal(p->status, TRACE_STATUS_ERROR);
	assert_string_equal(p->type, "exit 3");
	world_want(p, "process.exit.code", "3");
	p = world_process(w, 102);
	assert_int_equal(p->status, TRACE_STATUS_ERROR);
	assert_string_equal(p->type, "SIGKILL");
	world_want(p, "process.exit.code", NULL);
	world_want(p, "bottrace.exit.signal", "9");
	p = world_process(w, 103);
	assert_int_equal(p->status, TRACE_STATUS_OPEN);
	assert_int_equal(p->end_ns, 0);
	world_want(p, "process.exit.code", NULL);
	/* it never ran anything of its own */
	assert_string_equal(p->name, "python3");
	world_want(p, "process.command_args", "[\"python3\",\"agent.py\"]");
	world_free(w);
}

static void test_execs(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	world_exec(w, 101, "/usr/bin/env", "env\0python3\0x.py\0");
	world_exec(w, 101, "/usr/bin/python3", "python3\0x.py\0");
	world_exit(w, 101, 0, 0);
	struct told *p = world_process(w, 101);
	assert_string_equal(p->name, "python3");
	assert_int_equal(p->event_count, 2);
	assert_string_equal(p->events[0].name, "exec");
	assert_string_equal(
		p->events[0].attributes,
		"process.executable.path=/usr/bin/env;process.command_args=[\"env\",\"python3\",\"x.py\"];");
	assert_int_equal(p->events[1].time_ns, w->now - 10);
	for (int i = 0; i < 200; i++) /* bounded */
		world_exec(w, 100, "/bin/a", "a\0");
	world_finish(w, true);
	assert_string_equal(world_process(w, 100)->name, "a");
	world_free(w);
}

static struct http_gap gap_at(uint64_t offset, uint64_t bytes)
{
	return (struct http_gap){
		.dir = WIRE_READ, .offset = offset, .bytes = bytes, .cause = WIRE_CAUSE_RING_FULL};
}

static void test_stray_gaps(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct flow_conn conn = {.id = 7, .proc = proc_find(w->procs, 100, 100000)};
	struct http_gap a = gap_at(10, 5), b = gap_at(15, 5), c = gap_at(30, 1);

	trace_genai_ops()->stray(w->t, &conn, WIRE_READ, 99, NULL); /* bytes that are no HTTP: no gap */
	trace_genai_ops()->stray(w->t, &conn, WIRE_READ, 5, &a);
	trace_genai_ops()->stray(w->t, &conn, WIRE_READ, 5, &b);
	world_exit(w, 100, 0, 0);
	struct told *p = world_process(w, 100);
	assert_int_equal(p->gap_count, 1);
	assert_int_equal(p->gaps[0].connection, 7);
	assert_int_equal(p->gaps[0].offset, 10);
	assert_int_equal(p->gaps[0].bytes, 10);
	trace_genai_ops()->stray(w->t, &conn, WIRE_READ, 5, &c); /* after the end: told again */
	world_finish(w, true);
	assert_int_equal(p->gap_count, 2);
	assert_int_equal(p->versions, 2);
	assert_false(trace_next(w->t, NULL)->complete);
	world_free(w);
}

/* attach: a target that descends from another target is in its trace. */
static void test_attach(void **state)
{
	(void)state;
	struct world *w = world_new(WIRE_MODE_ATTACH);

	world_fact(w, 200, 0);
	world_target(w, 200);
	world_fact(w, 300, 0);
	world_target(w, 300);
	world_fact(w, 201, 200); /* a child that lived before */
	world_fact(w, 301, 300);
	world_target(w, 301);
	world_fork(w, 202, 201);
	world_finish(w, true);
	const struct trace *first = trace_next(w->t, NULL), *second = trace_next(w->t, first);
	assert_non_null(second);
	assert_null(trace_next(w->t, second));
	assert_string_equal(first->root_rule, "process");
	assert_int_equal(first->root, world_process(w, 200)->id);
	assert_int_equal(second->root, world_process(w, 300)->id);
	assert_int_equal(first->spans, 3);
	assert_int_equal(second->spans, 2);
	assert_string_not_equal(first->id, second->id);
	assert_int_equal(world_process(w, 202)->trace, 0);
	assert_int_equal(world_process(w, 301)->trace, 1);
	assert_int_equal(world_process(w, 301)->parent, world_process(w, 300)->id);
	assert_int_equal(world_process(w, 200)->parent, 0);
	assert_int_equal(world_process(w, 300)->parent, 0);
	assert_int_equal(world_process(w, 300)->seq, 1);
	assert_int_equal(trace_of_proc(w->t, proc_find(w->procs, 301, 301000)), 1);
	assert_int_equal(trace_of_proc(w->t, NULL), 0);
	assert_int_equal(first->status, TRACE_STATUS_OPEN);
	world_free(w);
}

/* run: who forked it was not seen: it hangs below the command, not certainly. */
static void test_orphan(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_exec(w, 150, "/bin/x", "x\0");
	world_finish(w, true);
	struct told *p = world_process(w, 150);
	assert_int_equal(p->parent, world_process(w, 100)->id);
	assert_string_equal(p->how, "process");
	assert_false(p->certain);
	world_free(w);
}

/* The same records give the same ids. */
static void test_ids(void **state)
{
	(void)state;
	uint64_t id[2];
	char trace[2][33];

	for (int i = 0; i < 2; i++) {
		struct world *w = world_run();

		world_finish(w, true);
		id[i] = world_process(w, 100)->id;
		memcpy(trace[i], trace_next(w->t, NULL)->id, 33);
		world_free(w);
	}
	assert_int_equal(id[0], id[1]);
	assert_string_equal(trace[0], trace[1]);
	assert_int_equal(strlen(trace[0]), 32);
	assert_true(id[0] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),  cmocka_unit_test(test_status),
		cmocka_unit_test(test_execs),  cmocka_unit_test(test_stray_gaps),
		cmocka_unit_test(test_attach), cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
