/* SPDX-License-Identifier: BSD-2-Clause */
/* What is alive, called after the agent that it is, before anybody can know how it ends. */
#include "program.h"

static const struct json *alone(struct rig *r)
{
	const struct json *agents = json_get(look(r), "agents");

	assert_int_equal(json_count(agents), 1);
	return json_at(agents, 0);
}

static void want(struct rig *r, const struct json *agent, const char *name, const char *from,
		 const char *within)
{
	struct str got = json_get_str(r->w->a, agent, "name");
	const struct json *first = json_at(json_get(agent, "within"), 0);

	if (!str_eq(got, str_of(name)) || !json_is(json_get(agent, "name_from"), from))
		fail_msg("called %.*s, want %s from %s", STR_ARG(got), name, from);
	assert_true(within ? json_is(first, within) : first == NULL);
}

static void by_hand(void **state)
{
	struct rig r = begin();
	struct talk t = talk("You are R.", "q");

	(void)state;
	struct call *k = open_call(&r, &t, FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	want(&r, alone(&r), "Researcher.run", "source", NULL); /* one call drives nothing yet */
	close_call(&r, &t, k, "a", NULL, NULL);
	ask(&r, &t, "b", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	want(&r, alone(&r), "Researcher.run", "agent", NULL);
	k = open_call(&r, &t, FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	want(&r, alone(&r), "Researcher.run", "agent", NULL);
	assert_true(json_is(json_get(alone(&r), "doing"), "model"));
	struct told *last = close_call(&r, &t, k, "c", NULL, NULL);
	finish(&r);
	is_agent(&r, agent_of(&r, last), "Researcher.run", process_id(&r));
	end(&r);
}

static void by_rules(void **state)
{
	struct rig r = begin();
	struct talk t = talk("You are R.", "q");

	(void)state;
	ask(&r, &t, "a",
	    FRAMES({AGENT, 0x40, 2, "Researcher"}, {CREW, 0x50, 4, "Team"}, {MAIN, 0x60, 8},
		   {MODULE, 0x70, 2}));
	want(&r, alone(&r), "Researcher", "agent", "Team");
	assert_true(json_is(json_get(alone(&r), "framework"), "fw"));
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 1);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(by_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
