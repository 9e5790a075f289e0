/* SPDX-License-Identifier: BSD-2-Clause */
/* Tool calls that stand in a model's text. */
#include "trace/said.h"

#include "world.h"

static void is(const char *text, const char *name, const char *arguments)
{
	struct trace_said said;

	assert_true(trace_said_find(str_of(text), &said));
	assert_true(str_eq(said.name, str_of(name)));
	if (arguments)
		assert_true(str_eq(said.arguments, str_of(arguments)));
	else
		assert_null(said.arguments.p);
}

static void none(const char *text)
{
	struct trace_said said;

	assert_false(trace_said_find(str_of(text), &said));
}

static void test_fields(void **state)
{
	(void)state;
	is("[[ ## next_thought ## ]]\nweigh it\n\n[[ ## next_tool_name ## ]]\nweigh\n\n"
	   "[[ ## next_tool_args ## ]]\n{\"sample\": \"gold\"}\n\n[[ ## completed ## ]]\n",
	   "weigh", "{\"sample\": \"gold\"}");
	is("[[ ## next_tool_name ## ]]\nfinish\n[[ ## next_tool_args ## ]]\n{}", "finish", "{}");
	is("[[ ## next_tool_name ## ]]\nweigh\n[[ ## next_tool_args ## ]]\n{\"a\": ", "weigh", NULL);
	is("[[ ## next_tool_name ## ]] weigh", "weigh", NULL);
	none("[[ ## next_tool_name ## ]]\nthe one that weighs\n");
	none("[[ ## next_tool_name ## ]]\n\n[[ ## next_tool_args ## ]]\n{}");
	none("[[ ## next_tool_name ## ]]");
}

static void test_lines(void **state)
{
	(void)state;
	is("Thought: look it up\nAction: search\nAction Input: {\"q\": \"otters\"}\nObservation: many",
	   "search", "{\"q\": \"otters\"}");
	is("Action: search\nAction Input: otters", "search", NULL);
	none("Action: search");
	none("Action: search\nand then\nAction Input: {}");
	none("Action: search the web\nAction Input: {}");
	none("The Action: search\nAction Input: {}");
	none("");
}

/* No prefix reads beyond its end. */
static void test_prefixes(void **state)
{
	static const char text[] =
		"Thought: x\nAction: search\nAction Input: {\"q\": [1, {\"a\": \"b\"}]}\n"
		"[[ ## next_tool_name ## ]]\nweigh\n[[ ## next_tool_args ## ]]\n{\"k\": 1}\n";
	struct trace_said said;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		(void)trace_said_find(str_make(copy, n), &said);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
