/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose calls: runs of the user's own functions, told apart by stacks made by hand and by what was said. */
#include "program.h"

/* ---- one agent ---- */

static void a_loop(void **state)
{
	struct rig r = begin();
	struct talk t = talk("You are R.", "q");
	struct told *a, *one, *two, *three;

	(void)state;
	one = ask_tool(&r, &t, "search", "c1", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &t, "b", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	a = agent_of(&r, one);
	is_agent(&r, a, "Researcher.run", process_id(&r));
	assert_string_equal(a->how, "process");
	assert_true(a->certain);
	assert_string_equal(a->source, "/x/agent.py:82 Researcher.run");
	assert_int_equal(a->start_ns, one->start_ns);
	assert_int_equal(a->end_ns, three->end_ns);
	assert_ptr_equal(agent_of(&r, two), a);
	assert_ptr_equal(agent_of(&r, three), a);
	assert_ptr_equal(agent_of(&r, world_tool(r.w, "c1")), a);
	assert_string_equal(world_tool(r.w, "c1")->how, "tool_call_id");
	assert_string_equal(two->how, "frame");
	assert_true(two->certain);
	assert_string_equal(two->evidence, "called in agent.py:82 Researcher.run");
	assert_int_equal(world_count(r.w, "invoke_agent"), 1);
	end(&r);
}

/* What main asks itself belongs to nobody, nor does a single call of a function that drives nothing. */
static void nobody(void **state)
{
	struct rig r = begin();
	struct talk t = talk(NULL, "q"), u = talk(NULL, "r");
	struct told *one, *two, *three;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({MAIN, 0x60, 4}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &u, "c", FRAMES({ASK, 0x40, 2}, {MAIN, 0x60, 10}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 0);
	assert_int_equal(one->parent, process_id(&r));
	assert_int_equal(two->parent, process_id(&r));
	assert_int_equal(three->parent, process_id(&r));
	end(&r);
}

/* A helper sends for all agents: called anew each time, at the same address. */
static void a_helper(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "q");
	struct told *a[2], *b[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		a[i] = ask(&r, &t, "a",
			   FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		b[i] = ask(&r, &u, "b",
			   FRAMES({ASK, 0x40, 2}, {WRITER, 0x50, 4}, {MAIN, 0x60, 12}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, a[0]), "Researcher.run", process_id(&r));
	is_agent(&r, agent_of(&r, b[0]), "write", process_id(&r));
	assert_ptr_equal(agent_of(&r, a[0]), agent_of(&r, a[1]));
	assert_ptr_equal(agent_of(&r, b[0]), agent_of(&r, b[1]));
	assert_true(a[1]->certain && b[1]->certain);
	end(&r);
}

/* A helper that tries again has a loop of its own: where nothing tells which of the two drives, that is said. */
static void a_helper_that_loops(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two, *three, *failed;

	(void)state;
	failed = ask(&r, &t, NULL,
		     FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	one = ask(&r, &t, "a", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, failed), agent_of(&r, one));
	assert_false(one->certain);
	end(&r);

	r = begin();
	t = talk("R", "q");
	one = ask(&r, &t, "a", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &t, "c",
		    FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, two), agent_of(&r, three));
	assert_true(two->certain);
	end(&r);
}

/* ---- several ---- */

static void threads_and_tasks(void **state)
{
	struct rig r = begin();
	struct talk t[10];
	struct told *first[10], *second[10];

	(void)state;
	/* Ten identical prompts at once: the same function, other frames. */
	for (uint32_t i = 0; i < 10; i++) {
		t[i] = talk("same", "same");
		r.tid = 200 + i;
		first[i] = ask_tool(&r, &t[i], "search", "same", FRAMES({RUN, 0x500 + i, 4}));
	}
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t k = 9 - i;

		r.tid = 200 + k;
		second[k] = ask(&r, &t[k], "done", FRAMES({RUN, 0x500 + k, 4}));
	}
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 10);
	for (uint32_t i = 0; i < 10; i++) {
		is_agent(&r, agent_of(&r, first[i]), "Researcher.run", process_id(&r));
		assert_ptr_equal(agent_of(&r, first[i]), agent_of(&r, second[i]));
		assert_false(agent_of(&r, first[i])->certain); /* who started the thread is not known */
		for (uint32_t j = 0; j < i; j++)
			assert_ptr_not_equal(agent_of(&r, first[i]), agent_of(&r, first[j]));
	}
	end(&r);
}

/* One after the other, the same function has the same frame: conversations tell them apart. */
static void one_after_the_other(void **state)
{
	struct rig r = begin();
	struct told *call[3][2], *single;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct talk t = talk("same", "same");

		for (int j = 0; j < 2; j++)
			call[i][j] =
				ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	}
	struct talk t = talk("same", "another");
	single = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 4);
	for (int i = 0; i < 3; i++) {
		assert_non_null(agent_of(&r, call[i][0]));
		assert_ptr_equal(agent_of(&r, call[i][0]), agent_of(&r, call[i][1]));
		assert_ptr_not_equal(agent_of(&r, call[i][0]), agent_of(&r, call[(i + 1) % 3][0]));
	}
	is_agent(&r, agent_of(&r, single), "Researcher.run", process_id(&r));
	end(&r);
}

/* An agent that a tool calls, by its own function: below the tool call that is open. */
static void recursion(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("R", "sub");
	struct told *one, *two, *sub[2];

	(void)state;
	one = ask_tool(&r, &t, "search", "c1", FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		sub[i] = ask(&r, &u, "s",
			     FRAMES({ASK, 0x20, 2}, {RUN, 0x30, 4}, {TOOL, 0x40, 2}, {RUN, 0x50, 10},
				    {MODULE, 0x70, 2}));
	two = ask(&r, &t, "a", FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	is_agent(&r, agent_of(&r, sub[0]), "Researcher.run", world_tool(r.w, "c1")->id);
	assert_ptr_equal(agent_of(&r, sub[0]), agent_of(&r, sub[1]));
	assert_true(agent_of(&r, sub[0])->certain);
	assert_int_equal(world_tool(r.w, "c1")->parent, agent_of(&r, one)->id);
	assert_int_equal(world_count(r.w, "invoke_agent"), 2);
	end(&r);
}

/* Two tools are open, and no function is named as one of them: the agent's, and no tool's. */
static void which_tool(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "sub");
	struct told *sub;
	struct call *k = open_call(&r, &t, FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));

	(void)state;
	call_out_call(k, "c1", "one", "{}");
	close_call(&r, &t, k, NULL, "two", "c2");
	for (int i = 0; i < 2; i++)
		sub = ask(&r, &u, "s",
			  FRAMES({WRITER, 0x30, 4}, {TOOL, 0x40, 2}, {RUN, 0x50, 10}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	finish(&r);
	struct told *a = agent_of(&r, sub);
	assert_non_null(a);
	struct told *outer = world_by_id(r.w, a->parent);
	assert_string_equal(outer->kind, "invoke_agent");
	end(&r);
}

/* What goes on from one conversation in two ways is two runs below the one that began. */
static void a_fork(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u;
	struct told *one, *left[2], *right[2];

	(void)state;
	one = ask(&r, &t, "a", FRAMES({PIPELINE, 0x50, 2}, {MODULE, 0x70, 2}));
	u = t;
	for (int i = 0; i < 2; i++)
		left[i] = ask(&r, &t, "l", FRAMES({BRANCH, 0x40, 4}, {PIPELINE, 0x50, 4}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		right[i] =
			ask(&r, &u, "r", FRAMES({BRANCH, 0x40, 4}, {PIPELINE, 0x50, 6}, {MODULE, 0x70, 2}));
	finish(&r);
	struct told *outer = agent_of(&r, one);
	is_agent(&r, outer, "pipeline", process_id(&r));
	is_agent(&r, agent_of(&r, left[0]), "branch", outer->id);
	is_agent(&r, agent_of(&r, right[0]), "branch", outer->id);
	assert_ptr_equal(agent_of(&r, left[0]), agent_of(&r, left[1]));
	assert_ptr_equal(agent_of(&r, right[0]), agent_of(&r, right[1]));
	assert_ptr_not_equal(agent_of(&r, left[0]), agent_of(&r, right[0]));
	end(&r);
}

/* A generator lives on whoever runs it. */
static void a_generator(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({GENERATOR, 0x5000, 4}, {MAIN, 0x60, 2}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b",
		  FRAMES({GENERATOR, 0x5000, 4}, {PIPELINE, 0x50, 2}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "steps", process_id(&r));
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	end(&r);
}

/* Another conversation within the run, while it is alive, is the agent's; before and behind it, only likely. */
static void on_the_side(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), plan = talk("plan", "q"), judge = talk("judge", "q");
	struct told *one, *inside, *before;

	(void)state;
	before = ask(&r, &plan, "p", FRAMES({RUN, 0x50, 2}, {MODULE, 0x70, 2}));
	one = ask(&r, &t, "a", FRAMES({RUN, 0x50, 6}, {MODULE, 0x70, 2}));
	inside = ask(&r, &judge, "j", FRAMES({RUN, 0x50, 8}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "b", FRAMES({RUN, 0x50, 6}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_ptr_equal(agent_of(&r, inside), agent_of(&r, one));
	assert_true(inside->certain);
	assert_ptr_equal(agent_of(&r, before), agent_of(&r, one));
	assert_false(before->certain);
	assert_int_equal(agent_of(&r, one)->start_ns, before->start_ns);
	end(&r);
}

/* Few-shot examples that quote another agent's words are no conversation of this one's frames. */
static void quoted(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({WRITER, 0x50, 4}, {MAIN, 0x60, 12}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_null(agent_of(&r, one));
	assert_null(agent_of(&r, two));
	end(&r);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct rig r = begin();
		struct talk t = talk("R", "q");

		(void)ask_tool(&r, &t, "search", "c1", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
		(void)ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
		harness_fail_alloc(n);
		trace_agent_settle(r.w->t);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		finish(&r);
		end(&r);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop),
		cmocka_unit_test(nobody),
		cmocka_unit_test(a_helper),
		cmocka_unit_test(a_helper_that_loops),
		cmocka_unit_test(threads_and_tasks),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(recursion),
		cmocka_unit_test(which_tool),
		cmocka_unit_test(a_fork),
		cmocka_unit_test(a_generator),
		cmocka_unit_test(on_the_side),
		cmocka_unit_test(quoted),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
