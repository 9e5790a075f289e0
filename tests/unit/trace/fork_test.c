/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static struct told *ask(struct world *w, uint32_t tid, const char *id, const char *name, const char *args)
{
	struct call *k = call_new(w, 100, tid);

	call_in(k, "user", id);
	call_out_call(k, id, name, args);
	return call_do(k);
}

static uint64_t tool_of(struct world *w, const char *id)
{
	struct told *tool = world_tool(w, id);

	assert_non_null(tool);
	return tool->id;
}

static void test_no_tool(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	world_fork(w, 102, 101);
	world_finish(w, true);
	assert_int_equal(world_process(w, 100)->parent, 0);
	assert_null(world_process(w, 100)->how);
	assert_int_equal(world_process(w, 101)->parent, world_process(w, 100)->id);
	assert_string_equal(world_process(w, 101)->how, "fork");
	assert_true(world_process(w, 101)->certain);
	assert_int_equal(world_process(w, 102)->parent, world_process(w, 101)->id);
	world_free(w);
}

static void test_only_tool(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 90, 100);
	ask(w, 100, "call_1", "shell", "{\"command\":\"ls\"}");
	world_fork(w, 101, 100);
	world_fork(w, 102, 101); /* a grandchild is its parent's */
	/* the result is told: what is forked now is no tool's */
	struct call *k = call_new(w, 100, 100);
	call_in(k, "user", "call_1");
	call_in_call(k, "call_1", "shell", "{\"command\":\"ls\"}");
	call_in_result(k, "call_1", "1");
	call_do(k);
	world_fork(w, 103, 100);
	world_exit(w, 101, 0, 0); /* later than its tool: still the tool's */
	world_finish(w, true);
	struct told *p = world_process(w, 101);
	assert_int_equal(p->parent, tool_of(w, "call_1"));
	assert_string_equal(p->how, "fork");
	assert_false(p->certain);
	assert_non_null(strstr(p->evidence, "only open tool call of pid 100"));
	assert_int_equal(world_process(w, 102)->parent, p->id);
	assert_true(world_process(w, 102)->certain);
	assert_int_equal(world_process(w, 103)->parent, world_process(w, 100)->id);
	assert_int_equal(world_process(w, 90)->parent, world_process(w, 100)->id);
	world_free(w);
}

/* Another process's open call is no reason. */
static void test_other_process(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	ask(w, 100, "call_1", "shell", "{}");
	world_fork(w, 102, 101);
	world_finish(w, true);
	assert_int_equal(world_process(w, 102)->parent, world_process(w, 101)->id);
	world_free(w);
}

static void test_thread(void **state)
{
	(void)state;
	struct world *w = world_run();

	ask(w, 201, "call_1", "shell", "{\"command\":\"make all\"}");
	ask(w, 202, "call_2", "shell", "{\"command\":\"make all\"}");
	world_fork_by(w, 101, 100, 202);
	world_fork_by(w, 102, 100, 203);
	world_finish(w, true);
	assert_int_equal(world_process(w, 101)->parent, tool_of(w, "call_2"));
	assert_false(world_process(w, 101)->certain);
	assert_int_equal(world_process(w, 102)->parent, world_process(w, 100)->id);
	world_free(w);
}

static void test_content(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	call_in(k, "user", "go");
	call_out_call(k, "call_1", "read", "{\"path\":\"report.csv\",\"opts\":{\"deep\":[\"ACME\"]}}");
	call_out_call(k, "call_2", "read", "{\"path\":\"prices.csv\",\"opts\":{\"deep\":[\"ACME\"]}}");
	call_out_call(k, "call_3", "weather", "{\"c\":\"x\"}");
	call_do(k);
	for (uint32_t pid = 101; pid <= 106; pid++)
		world_fork(w, pid, 100);
	world_exec(w, 101, "/bin/wc", "wc\0-l\0data/prices.csv\0");
	world_exec(w, 102, "/bin/sh", "sh\0-c\0grep ACME report.csv\0");
	world_exec(w, 103, "/bin/uname", "uname\0");
	world_exec(w, 104, "/bin/grep", "grep\0ACME\0"); /* both */
	world_exec(w, 105, "/bin/python", "python\0tools/weather.py\0");
	/* 106 never execs */
	world_exec(w, 106, "/bin/diff", "diff\0report.csv\0prices.csv\0");
	world_finish(w, true);
	assert_int_equal(world_process(w, 101)->parent, tool_of(w, "call_2"));
	assert_string_equal(world_process(w, 101)->how, "content");
	assert_false(world_process(w, 101)->certain);
	assert_int_equal(world_process(w, 102)->parent, tool_of(w, "call_1"));
	assert_int_equal(world_process(w, 103)->parent, world_process(w, 100)->id);
	assert_true(world_process(w, 103)->certain);
	assert_int_equal(world_process(w, 104)->parent, world_process(w, 100)->id);
	assert_int_equal(world_process(w, 105)->parent, tool_of(w, "call_3"));
	assert_int_equal(world_process(w, 106)->parent, world_process(w, 100)->id);
	world_free(w);
}

/* Only the first exec tells: it is what the tool ran. */
static void test_second_exec(void **state)
{
	(void)state;
	struct world *w = world_run();

	ask(w, 100, "call_1", "shell", "{\"command\":\"alpha\"}");
	ask(w, 100, "call_2", "shell", "{\"command\":\"gamma\"}");
	world_fork_by(w, 101, 100, 300);
	world_exec(w, 101, "/bin/env", "env\0x\0");
	world_exec(w, 101, "/bin/alpha", "alpha\0");
	world_finish(w, true);
	assert_int_equal(world_process(w, 101)->parent, world_process(w, 100)->id);
	world_free(w);
}

/* Arguments that are cut, deep or no JSON at all. */
static void test_odd_arguments(void **state)
{
	(void)state;
	struct world *w = world_run();
	char deep[402];

	memset(deep, '[', 200);
	memset(deep + 200, ']', 201);
	deep[400] = '\0';
	struct call *k = call_new(w, 100, 100);
	call_in(k, "user", "go");
	call_out_call(k, "call_1", "a", "\"just words\"");
	call_out_call(k, "call_2", "b", deep);
	call_out_call(k, "call_3", "c", "[\"first\",{\"k\":\"second\"},[],{},\"third\"]");
	call_out_call(k, "call_4", "d", "null");
	call_do(k);
	for (uint32_t pid = 101; pid <= 104; pid++)
		world_fork(w, pid, 100);
	world_exec(w, 101, "/bin/x", "x\0just words\0");
	world_exec(w, 102, "/bin/x", "x\0third\0");
	world_exec(w, 103, "/bin/x", "x\0second\0");
	world_exec(w, 104, "/bin/x", "x\0");
	world_finish(w, true);
	assert_int_equal(world_process(w, 101)->parent, tool_of(w, "call_1"));
	assert_int_equal(world_process(w, 102)->parent, tool_of(w, "call_3"));
	assert_int_equal(world_process(w, 103)->parent, tool_of(w, "call_3"));
	assert_int_equal(world_process(w, 104)->parent, world_process(w, 100)->id);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_tool),	      cmocka_unit_test(test_only_tool),
		cmocka_unit_test(test_other_process), cmocka_unit_test(test_thread),
		cmocka_unit_test(test_content),	      cmocka_unit_test(test_second_exec),
		cmocka_unit_test(test_odd_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
