/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of agents and workflows that rules know. */
#include "program.h"

/* A framework's: names by rules, one run of several frames, tools by name, a workflow around. */
static void by_rules(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "sub");
	struct told *one, *two, *sub, *own;

	(void)state;
	one = ask_tool(&r, &t, "search", "c1",
		       FRAMES({TURN, 0x30, 2, "boss"}, {LOOP, 0x40, 2, "boss"}, {AGENT, 0x50, 2, "boss"},
			      {CREW, 0x60, 4, "crew"}, {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	sub = ask(&r, &u, "s",
		  FRAMES({LOOP, 0x10, 2, "helper"}, {AGENT, 0x18, 2, "helper"}, {USE, 0x20, 2, "search"},
			 {LOOP, 0x40, 8, "boss"}, {AGENT, 0x50, 2, "boss"}, {CREW, 0x60, 4, "crew"},
			 {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	two = ask(&r, &t, "a",
		  FRAMES({LOOP, 0x40, 4, "boss"}, {AGENT, 0x50, 2, "boss"}, {CREW, 0x60, 4, "crew"},
			 {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	struct talk p = talk("P", "plan");
	own = ask(&r, &p, "p", FRAMES({CREW, 0x60, 8, "crew"}, {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	finish(&r);
	struct told *crew = world_find(r.w, "invoke_workflow", 0);
	assert_non_null(crew);
	assert_string_equal(crew->name, "invoke_workflow crew");
	assert_int_equal(crew->parent, process_id(&r));
	assert_string_equal(crew->source, "/x/agent.py:92 write");
	is_agent(&r, agent_of(&r, one), "boss", crew->id);
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	is_agent(&r, agent_of(&r, sub), "helper", world_tool(r.w, "c1")->id);
	world_want(agent_of(&r, sub), "bottrace.framework", "fw");
	assert_int_equal(own->parent, crew->id);
	assert_int_equal(world_count(r.w, "invoke_agent"), 2);
	assert_int_equal(world_count(r.w, "invoke_workflow"), 1);
	end(&r);
}

/* The same agent twice from one place, at one address: two runs. Without values, nobody's name is guessed. */
static void by_rules_again(void **state)
{
	struct rig r = begin();
	struct told *call[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk t = talk("R", "q");

		for (int j = 0; j < 2; j++)
			call[i][j] = ask(&r, &t, "a",
					 FRAMES({AGENT, 0x50, 2}, {MAIN, 0x60, 4}, {MODULE, 0x80, 2}));
	}
	finish(&r);
	struct told *a = agent_of(&r, call[0][0]), *b = agent_of(&r, call[1][0]);
	assert_true(a && b && a != b);
	assert_ptr_equal(agent_of(&r, call[0][1]), a);
	assert_ptr_equal(agent_of(&r, call[1][1]), b);
	assert_string_equal(a->name, "invoke_agent Agent.execute");
	world_want(a, "gen_ai.agent.name", NULL);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_rules),
		cmocka_unit_test(by_rules_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
