/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

/* An agent asks for one tool. */
static struct told *ask(struct world *w, uint32_t pid, const char *system, const char *user, const char *id)
{
	struct call *k = call_new(w, pid, pid);

	call_in(k, "system", system);
	call_in(k, "user", user);
	call_out_call(k, id, "search", "{\"q\":\"otters\"}");
	return call_do(k);
}

static struct call *again(struct world *w, uint32_t pid, const char *system, const char *user)
{
	struct call *k = call_new(w, pid, pid);

	if (system)
		call_in(k, "system", system);
	call_in(k, "user", user);
	return k;
}

static void test_answered(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct told *first = ask(w, 100, "You search.", "otters?", "call_1");

	assert_null(world_tool(w, "call_1")); /* open: not told yet */
	struct call *k = again(w, 100, "You search.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"many\"");
	call_out_text(k, "There are many.");
	struct told *second = call_do(k);
	struct told *tool = world_tool(w, "call_1");

	assert_non_null(tool);
	assert_string_equal(tool->kind, "execute_tool");
	assert_string_equal(tool->name, "execute_tool search");
	assert_true(tool->bounded);
	assert_int_equal(tool->status, TRACE_STATUS_OK);
	assert_int_equal(tool->start_ns, first->end_ns);
	assert_int_equal(tool->end_ns, second->start_ns);
	assert_int_equal(tool->parent, first->parent);
	assert_string_equal(tool->how, "tool_call_id");
	assert_true(tool->certain);
	world_want(tool, "gen_ai.operation.name", "execute_tool");
	world_want(tool, "gen_ai.tool.name", "search");
	world_want(tool, "gen_ai.tool.call.arguments", "{\"q\":\"otters\"}");
	world_want(tool, "gen_ai.tool.call.result", "\"many\"");
	world_want(tool, "bottrace.tool.outcome", "returned");
	world_want(tool, "bottrace.requested_by", world_hex(w, first->id));
	world_want(tool, "bottrace.answered_in", world_hex(w, second->id));
	world_free(w);
}

static void test_error(void **state)
{
	(void)state;
	struct world *w = world_run();

	ask(w, 100, "You search.", "otters?", "call_1");
	struct call *k = again(w, 100, "You search.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"no such index\"")->is_error = true;
	call_do(k);
	struct told *tool = world_tool(w, "call_1");
	assert_int_equal(tool->status, TRACE_STATUS_ERROR);
	assert_string_equal(tool->type, "tool_error");
	world_want(tool, "bottrace.tool.outcome", "error");
	world_free(w);
}

/* Two calls in one answer, results in the other order, in one message (Anthropic) */
static void test_parallel(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = again(w, 100, NULL, "compare");

	call_out_call(k, "toolu_1", "price", "{\"of\":\"ACME\"}");
	call_out_call(k, "toolu_2", "price", "{\"of\":\"EMCA\"}");
	call_do(k);
	k = again(w, 100, NULL, "compare");
	struct genai_message *m = call_in_call(k, "toolu_1", "price", "{\"of\":\"ACME\"}");
	call_fill(call_part(k, m, GENAI_TOOL_CALL), "toolu_2", "price", "{\"of\":\"EMCA\"}");
	m = call_in(k, "user", NULL);
	call_fill(call_part(k, m, GENAI_TOOL_RESPONSE), "toolu_2", NULL, "2");
	call_fill(call_part(k, m, GENAI_TOOL_RESPONSE), "toolu_1", NULL, "1");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 2);
	world_want(world_tool(w, "toolu_1"), "gen_ai.tool.call.result", "1");
	world_want(world_tool(w, "toolu_2"), "gen_ai.tool.call.result", "2");
	assert_true(world_tool(w, "toolu_1")->id != world_tool(w, "toolu_2")->id);
	world_free(w);
}

/* One answered, the other in the request after it. */
static void test_one_by_one(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = again(w, 100, NULL, "compare");

	call_out_call(k, "a", "price", "{}");
	call_out_call(k, "b", "price", "{}");
	call_do(k);
	for (int round = 0; round < 2; round++) {
		k = again(w, 100, NULL, "compare");
		struct genai_message *m = call_in_call(k, "a", "price", "{}");
		call_fill(call_part(k, m, GENAI_TOOL_CALL), "b", "price", "{}");
		call_in_result(k, "a", "1");
		if (round)
			call_in_result(k, "b", "2");
		call_do(k);
		assert_int_equal(world_count(w, "execute_tool"), 1 + round);
	}
	assert_true(world_tool(w, "b")->end_ns > world_tool(w, "a")->end_ns);
	world_free(w);
}

/* The ids quoted in another agent's prompt answer nothing; the asker's own next request does. */
static void test_quoted(void **state)
{
	(void)state;
	struct world *w = world_run();

	ask(w, 100, "You search.", "otters?", "call_1");
	/* a critic with instructions of its own is shown the whole exchange */
	struct call *k = again(w, 100, "You criticise.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"wrong\"");
	call_in(k, "user", "What do you think of that?");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	/* one without any instructions, the exchange in the middle */
	k = again(w, 100, NULL, "Judge this:");
	call_in(k, "user", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"wrong\"");
	call_do(k);
	k = again(w, 100, NULL, "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"wrong\"");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	/* result without the call, call without the result */
	k = again(w, 100, "You search.", "otters?");
	call_in_result(k, "call_1", "\"wrong\"");
	call_do(k);
	k = again(w, 100, "You search.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 0);

	k = again(w, 100, "You search.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "\"right\"");
	call_do(k);
	world_want(world_tool(w, "call_1"), "gen_ai.tool.call.result", "\"right\"");
	world_free(w);
}

/* Anthropic's instructions stand beside the messages. */
static void test_quoted_beside(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct genai_part searcher = {.type = GENAI_TEXT, .text = STR("You search.")};
	struct genai_part critic = {.type = GENAI_TEXT, .text = STR("You criticise.")};
	struct call *k = again(w, 100, NULL, "otters?");

	k->c.system = &searcher;
	k->c.system_count = 1;
	call_out_call(k, "call_1", "search", "{}");
	call_do(k);
	for (int round = 0; round < 2; round++) {
		k = again(w, 100, NULL, "otters?");
		k->c.system = round ? &searcher : &critic;
		k->c.system_count = 1;
		call_in_call(k, "call_1", "search", "{}");
		call_in_result(k, "call_1", round ? "2" : "1");
		call_do(k);
	}
	world_want(world_tool(w, "call_1"), "gen_ai.tool.call.result", "2");
	world_free(w);
}

static void test_other_process(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	ask(w, 100, "You search.", "otters?", "call_1");
	struct call *k = again(w, 101, "You search.", "otters?");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "1");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	world_free(w);
}

/* An earlier turn: long history before the call. `from`: messages dropped by the client before it goes on. */
static struct call *history(struct world *w, uint32_t from, uint32_t turns)
{
	static const char *const turn[] = {"one", "two", "three", "four", "five", "six"};
	struct call *k = call_new(w, 100, 100);

	call_in(k, "system", "You search.");
	for (uint32_t i = from; i < turns; i++)
		call_in(k, i % 2 ? "assistant" : "user", turn[i]);
	return k;
}

static void test_trimmed(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = history(w, 0, 5);

	call_out_call(k, "call_1", "search", "{}");
	call_do(k);
	k = history(w, 2, 5); /* the first two are gone */
	call_in_call(k, "call_1", "search", "{}");
	call_in_result(k, "call_1", "1");
	call_do(k);
	world_want(world_tool(w, "call_1"), "bottrace.tool.outcome", "returned");

	k = history(w, 0, 5);
	call_out_call(k, "call_2", "search", "{}");
	call_do(k);
	k = call_new(w, 100, 100); /* a summary in place of the middle */
	call_in(k, "system", "You search.");
	call_in(k, "user", "Summary: one to four were said.");
	call_in(k, "user", "five");
	call_in_call(k, "call_2", "search", "{}");
	call_in_result(k, "call_2", "2");
	call_do(k);
	world_want(world_tool(w, "call_2"), "bottrace.tool.outcome", "returned");
	world_free(w);
}

/* The mock server calls every call `call_1`: turns of one conversation, and two conversations at once. */
static void test_same_id(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct told *a = ask(w, 100, "A", "x", "call_1");
	struct told *b = ask(w, 100, "B", "x", "call_1");

	for (int second = 0; second < 2; second++) {
		struct call *k = again(w, 100, second ? "B" : "A", "x");

		call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
		call_in_result(k, "call_1", second ? "2" : "1");
		call_out_call(k, "call_1", "search", "{\"turn\":2}");
		call_do(k);
	}
	struct call *k = again(w, 100, "A", "x");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "1");
	call_in_call(k, "call_1", "search", "{\"turn\":2}");
	call_in_result(k, "call_1", "3");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct told *tool = world_find(w, "execute_tool", i);
		const char *result = world_get(tool, "gen_ai.tool.call.result");

		if (i < 2)
			world_want(tool, "bottrace.requested_by", world_hex(w, i ? b->id : a->id));
		assert_string_equal(result, i == 0 ? "1" : i == 1 ? "2" : "3");
	}
	world_finish(w, false);
	assert_int_equal(world_count(w, "execute_tool"), 4); /* B's second */
	world_free(w);
}

/* Polling: the same id, arguments and result turn after turn. Each turn's result is its own. */
static void test_poll(void **state)
{
	(void)state;
	static const char *const results[] = {"\"busy\"", "\"busy\"", "\"busy\"", "\"done\""};
	struct world *w = world_run();

	for (uint32_t turn = 0; turn < 5; turn++) {
		struct call *k = again(w, 100, "A", "wait");

		for (uint32_t i = 0; i < turn; i++) {
			call_in_call(k, "call_1", "status", "{}");
			call_in_result(k, "call_1", results[i]);
		}
		if (turn < 4)
			call_out_call(k, "call_1", "status", "{}");
		call_do(k);
	}
	assert_int_equal(world_count(w, "execute_tool"), 4);
	for (uint32_t i = 0; i < 4; i++)
		world_want(world_find(w, "execute_tool", i), "gen_ai.tool.call.result", results[i]);
	world_free(w);
}

static void test_no_id(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = again(w, 100, NULL, "both");

	call_out_call(k, "", "alpha", "{}");
	call_out_call(k, "", "beta", "{}");
	call_do(k);
	k = again(w, 100, "other", "both"); /* not this conversation */
	call_in_call(k, "", "alpha", "{}");
	call_in_result(k, "", "0");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	k = again(w, 100, NULL, "both");
	struct genai_message *m = call_in_call(k, "", "alpha", "{}");
	call_fill(call_part(k, m, GENAI_TOOL_CALL), "", "beta", "{}");
	call_in_result(k, "", "1");
	call_in_result(k, "", "2");
	call_do(k);
	assert_int_equal(world_count(w, "execute_tool"), 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct told *tool = world_find(w, "execute_tool", i);

		world_want(tool, "gen_ai.tool.call.id", NULL);
		world_want(tool, "gen_ai.tool.name", i ? "beta" : "alpha");
		world_want(tool, "gen_ai.tool.call.result", i ? "2" : "1");
	}
	world_free(w);
}

/* Reasoning is dropped by clients when they quote. */
static void test_reasoning_dropped(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = again(w, 100, "S", "x");

	call_part(k, call_in(k, "assistant", "hm"), GENAI_REASONING)->text = STR("let me think");
	call_in(k, "user", "go on");
	call_out_call(k, "call_1", "search", "{}");
	call_do(k);
	k = again(w, 100, "S", "x");
	call_in(k, "assistant", "hm");
	call_in(k, "user", "go on");
	call_in_call(k, "call_1", "search", "{}");
	call_in_result(k, "call_1", "1");
	call_do(k);
	world_want(world_tool(w, "call_1"), "bottrace.tool.outcome", "returned");
	world_free(w);
}

static void test_unanswered(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	world_fork(w, 102, 100);
	ask(w, 100, "A", "x", "alive");
	ask(w, 101, "A", "x", "killed");
	ask(w, 102, "A", "x", "last_word");
	world_exit(w, 101, 0, 9);
	world_exit(w, 102, 0, 0);
	world_finish(w, true);
	struct told *tool = world_tool(w, "killed");
	assert_int_equal(tool->status, TRACE_STATUS_ABORTED);
	assert_true(tool->end_ns > 0);
	world_want(tool, "bottrace.tool.outcome", "unanswered");
	tool = world_tool(w, "last_word");
	assert_int_equal(tool->status, TRACE_STATUS_OK);
	world_want(tool, "bottrace.tool.outcome", "unanswered");
	tool = world_tool(w, "alive");
	assert_int_equal(tool->status, TRACE_STATUS_OPEN);
	assert_int_equal(tool->end_ns, 0);
	world_want(tool, "bottrace.tool.outcome", "unanswered");
	world_want(tool, "gen_ai.tool.call.result", NULL);
	world_free(w);
}

static void test_decode(void **state)
{
	(void)state;
	struct world *w = world_new(WIRE_MODE_DECODE);
	struct told *first = ask(w, 0, "A", "x", "call_1");
	struct call *k = again(w, 0, "A", "x");

	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "1");
	call_out_call(k, "call_2", "search", "{}");
	call_do(k);
	world_finish(w, false);
	struct told *tool = world_tool(w, "call_1");
	assert_int_equal(tool->parent, 0);
	assert_null(tool->how);
	assert_int_equal(tool->start_ns, 0);
	assert_int_equal(tool->pid, 0);
	world_want(tool, "bottrace.requested_by", world_hex(w, first->id));
	world_want(tool, "bottrace.tool.outcome", "returned");
	world_want(world_tool(w, "call_2"), "bottrace.tool.outcome", "unanswered");
	world_free(w);
}

/* Many calls with one id that nobody answers: bounded, and all are told. */
static void test_flood(void **state)
{
	(void)state;
	struct world *w = world_run();

	for (int i = 0; i < 100; i++)
		ask(w, 100, "A", "x", "call_1");
	struct call *k = again(w, 100, "A", "x");
	call_in_call(k, "call_1", "search", "{\"q\":\"otters\"}");
	call_in_result(k, "call_1", "1");
	call_do(k);
	world_finish(w, true);
	assert_int_equal(world_count(w, "execute_tool"), 100);
	uint32_t returned = 0;
	for (uint32_t i = 0; i < 100; i++)
		returned += strcmp(world_get(world_find(w, "execute_tool", i), "bottrace.tool.outcome"),
				   "returned") == 0;
	assert_int_equal(returned, 1);
	world_free(w);
}

/* What a traced server answers is not asked of anybody here. */
static void test_server_side(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = again(w, 100, "A", "x");

	k->x.server_side = true;
	call_out_call(k, "call_1", "search", "{}");
	call_do(k);
	world_finish(w, true);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),      cmocka_unit_test(test_error),
		cmocka_unit_test(test_parallel),      cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_quoted),	      cmocka_unit_test(test_quoted_beside),
		cmocka_unit_test(test_other_process), cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_same_id),	      cmocka_unit_test(test_poll),
		cmocka_unit_test(test_no_id),	      cmocka_unit_test(test_reasoning_dropped),
		cmocka_unit_test(test_unanswered),    cmocka_unit_test(test_decode),
		cmocka_unit_test(test_flood),	      cmocka_unit_test(test_server_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
