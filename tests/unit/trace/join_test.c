/* SPDX-License-Identifier: BSD-2-Clause */
/* A model's tool call and the call by MCP that carries it out; what a server's question interrupts. */
#include "world.h"

static struct hash128 args_hash(struct world *w, const char *args)
{
	return json_hash(w->a, json_parse(w->a, str_of(args), NULL));
}

/* A tools/call of this process, understood. */
static struct call *mcp_begin(struct world *w, uint32_t pid, uint32_t tid, const char *name, const char *args)
{
	struct call *k = call_new(w, pid, tid);

	k->c.kind = GENAI_EXECUTE_TOOL;
	k->c.operation = "execute_tool";
	k->c.method = STR("tools/call");
	k->c.label = str_of(name);
	k->c.tool_arguments = str_of(args);
	k->c.arguments_hash = args_hash(w, args);
	k->c.body_hash = hash_u128(str_make(&k->c.start_ns, 8), 99);
	k->c.server = STR("tools.example");
	k->c.params[k->c.param_count++] = (struct genai_param){"mcp.method.name", STR("\"tools/call\"")};
	return k;
}

static void understood(struct call *k)
{
	trace_genai_ops()->request(k->w->t, &k->c);
}

static void answered(struct call *k, const char *result, bool error)
{
	k->c.tool_result = str_of(result);
	k->c.tool_error = error;
	if (error)
		k->c.error_type = STR("tool_error");
	call_close(k, error ? GENAI_ERROR : GENAI_OK, 200);
	call_end(k);
}

static struct call *mcp(struct world *w, uint32_t pid, uint32_t tid, const char *name, const char *args,
			const char *result)
{
	struct call *k = mcp_begin(w, pid, tid, name, args);

	understood(k);
	answered(k, result, false);
	return k;
}

/* A chat that asks for tools: pairs of id, name and arguments. */
static struct told *ask(struct world *w, uint32_t pid, uint32_t tid, const char *question,
			const char *const *calls)
{
	struct call *k = call_new(w, pid, tid);

	call_in(k, "user", question);
	for (; *calls; calls += 3)
		call_out_call(k, calls[0], calls[1], calls[2]);
	return call_do(k);
}

static void times_and_attributes(void **state)
{
	static const char *const calls[] = {"c1", "srv__find", "{\"b\":1,\"a\":\"x\"}", NULL};
	struct world *w = world_run();
	struct told *chat = ask(w, 100, 100, "q", calls);
	struct call *k;
	uint64_t begin, end;

	(void)state;
	w->now += 1000;
	k = mcp_begin(w, 100, 101, "find", "{\"a\":\"x\",\"b\":1.0}");
	k->x.gaps =
		&(struct http_gap){.dir = WIRE_READ, .offset = 5, .bytes = 6, .cause = WIRE_CAUSE_RING_FULL};
	understood(k);
	begin = k->c.start_ns;
	answered(k, "\"found\"", false);
	end = k->c.end_ns;
	w->now += 1000;
	assert_null(world_tool(w, "c1")); /* what the model is told is not known yet */
	k = call_new(w, 100, 100);
	call_in(k, "user", "q");
	call_in_call(k, "c1", "srv__find", "{\"b\":1,\"a\":\"x\"}");
	call_in_result(k, "c1", "\"told\"");
	call_do(k);
	world_finish(w, false);

	struct told *tool = world_tool(w, "c1");
	assert_non_null(tool);
	assert_int_equal(world_count(w, "execute_tool"), 1);
	assert_false(tool->bounded);
	assert_int_equal(tool->start_ns, begin);
	assert_int_equal(tool->end_ns, end);
	assert_int_equal(tool->tid, 101);
	assert_int_equal(tool->status, TRACE_STATUS_OK);
	assert_int_equal(tool->parent, world_process(w, 100)->id);
	assert_int_equal(tool->gap_count, 1);
	assert_string_equal(tool->how, "tool_call_id");
	world_want(tool, "gen_ai.tool.name", "srv__find");
	world_want(tool, "gen_ai.tool.call.result", "\"told\"");
	world_want(tool, "mcp.method.name", "\"tools/call\"");
	world_want(tool, "server.address", "tools.example");
	world_want(tool, "bottrace.requested_by", world_hex(w, chat->id));
	world_want(tool, "bottrace.tool.outcome", "returned");
	world_free(w);
}

static void joins(const char *asked, const char *asked_args, const char *called, const char *args, bool want)
{
	const char *const calls[] = {"c1", asked, asked_args, NULL};
	struct world *w = world_run();

	ask(w, 100, 100, "q", calls);
	mcp(w, 100, 100, called, args, "1");
	world_finish(w, false);
	if (world_count(w, "execute_tool") != (want ? 1 : 2))
		fail_msg("%s %s and %s %s: %s", asked, asked_args, called, args, want ? "two" : "one");
	world_want(world_tool(w, "c1"), "mcp.method.name", want ? "\"tools/call\"" : NULL);
	world_free(w);
}

static void names_and_arguments(void **state)
{
	(void)state;
	joins("find", "{}", "find", "{}", true);
	joins("mcp__srv__find", "{}", "find", "{}", true);
	joins("srv.find", "{}", "find", "{}", true);
	joins("srv_find", "{\"a\":1}", "find", "{\"a\":1}", true);
	joins("srv-find", "{\"a\":1}", "find", "{\"a\":1}", true);
	joins("srv_find", "{}", "find", "{}", false);
	joins("unfind", "{\"a\":1}", "find", "{\"a\":1}", false);
	joins("find", "{\"a\":1}", "find", "{\"a\":2}", false);
	joins("find", "{\"a\":1}", "find", "{\"a\":\"1\"}", false);
	joins("find", "\"no JSON\"", "find", "{}", false);
	joins("find", "{}", "srv__find", "{}", false);
	joins("find", "{}", "", "{}", false);
}

/* Two agents of one process asked for the same: the thread tells, where it can. */
static void which_of_several(void **state)
{
	static const char *const one[] = {"c1", "find", "{}", NULL}, *const two[] = {"c2", "find", "{}",
										     NULL};
	struct world *w = world_run();

	(void)state;
	ask(w, 100, 201, "q1", one);
	ask(w, 100, 202, "q2", two);
	mcp(w, 100, 203, "find", "{}", "\"whose\"");
	mcp(w, 100, 202, "find", "{}", "\"two\"");
	mcp(w, 100, 201, "find", "{}", "\"one\"");
	mcp(w, 100, 201, "find", "{}", "\"again\"");
	world_finish(w, false);
	world_want(world_tool(w, "c1"), "gen_ai.tool.call.result", "\"one\"");
	world_want(world_tool(w, "c2"), "gen_ai.tool.call.result", "\"two\"");
	world_want(world_tool(w, "c1"), "bottrace.tool.outcome", "returned");
	assert_int_equal(world_count(w, "execute_tool"), 4);
	world_free(w);
}

static void another_process(void **state)
{
	static const char *const calls[] = {"c1", "find", "{}", NULL};
	struct world *w = world_run();

	(void)state;
	world_fork(w, 101, 100);
	ask(w, 100, 100, "q", calls);
	mcp(w, 101, 101, "find", "{}", "1");
	world_finish(w, false);
	assert_int_equal(world_count(w, "execute_tool"), 2);
	world_free(w);
}

/* The program tells the model of a time-out while the call still hangs. */
static void told_before_it_closed(void **state)
{
	static const char *const calls[] = {"c1", "find", "{}", NULL};
	struct world *w = world_run();
	struct call *k, *next;

	(void)state;
	ask(w, 100, 100, "q", calls);
	k = mcp_begin(w, 100, 100, "find", "{}");
	understood(k);
	next = call_new(w, 100, 100);
	call_in(next, "user", "q");
	call_in_call(next, "c1", "find", "{}");
	call_in_result(next, "c1", "\"timed out\"")->is_error = true;
	call_do(next);
	answered(k, "\"late\"", false);
	world_finish(w, false);
	assert_int_equal(world_count(w, "execute_tool"), 1);
	world_want(world_tool(w, "c1"), "gen_ai.tool.call.result", "\"timed out\"");
	assert_int_equal(world_tool(w, "c1")->status, TRACE_STATUS_ERROR);
	world_free(w);
}

static void it_dies_with_its_process(void **state)
{
	static const char *const calls[] = {"c1", "find", "{}", NULL};
	struct world *w = world_run();
	struct call *k, *own;

	(void)state;
	ask(w, 100, 100, "q", calls);
	k = mcp_begin(w, 100, 100, "find", "{}");
	understood(k);
	own = mcp_begin(w, 100, 100, "other", "{}");
	understood(own);
	world_exit(w, 100, 0, 9);
	call_end(k);
	call_end(own);
	world_finish(w, false);
	assert_int_equal(world_count(w, "execute_tool"), 2);
	assert_int_equal(world_tool(w, "c1")->status, TRACE_STATUS_ABORTED);
	world_want(world_tool(w, "c1"), "bottrace.tool.outcome", "unanswered");
	assert_int_equal(world_find(w, "execute_tool", 0)->status, TRACE_STATUS_ABORTED);
	world_free(w);
}

/* Rounds of one call, with and without a model that asked. */
static void rounds(bool asked)
{
	static const char *const calls[] = {"c1", "book", "{}", NULL};
	struct hash128 one = {1, 1}, two = {2, 2};
	struct world *w = world_run();
	struct call *k;
	uint64_t begin;

	if (asked)
		ask(w, 100, 100, "q", calls);
	k = mcp_begin(w, 100, 100, "book", "{}");
	k->c.params[k->c.param_count++] = (struct genai_param){"bottrace.traceparent", STR("\"00-1\"")};
	begin = k->c.start_ns;
	k->c.asks = one;
	understood(k);
	call_close(k, GENAI_OK, 200);
	call_end(k);
	k = mcp_begin(w, 100, 100, "book", "{}");
	k->c.resumes = one;
	k->c.asks = two;
	understood(k);
	call_close(k, GENAI_OK, 200);
	call_end(k);
	/* A person thinks. */
	struct wire_tick tick = {.head = {.size = sizeof(tick), .kind = WIRE_TICK}};
	w->now += 2 * TRACE_FAILED_NS;
	world_feed(w, &tick.head, 0);
	k = mcp_begin(w, 100, 100, "book", "{}");
	k->c.resumes = two;
	understood(k);
	answered(k, "\"booked\"", false);
	world_finish(w, false);

	struct told *tool = world_find(w, "execute_tool", 0);
	assert_int_equal(world_count(w, "execute_tool"), 1);
	assert_int_equal(tool->start_ns, begin);
	assert_int_equal(tool->end_ns, k->c.end_ns);
	assert_int_equal(tool->status, TRACE_STATUS_OK);
	world_want(tool, "gen_ai.tool.call.result", "\"booked\"");
	world_want(tool, "bottrace.tool.outcome", "returned");
	world_want(tool, "bottrace.traceparent", "\"00-1\"");
	world_want(tool, "gen_ai.tool.call.id", asked ? "c1" : NULL);
	world_want(tool, "bottrace.mcp.rounds", asked ? "3" : NULL);
	assert_int_equal(tool->event_count, asked ? 0 : 2);
	if (!asked)
		assert_string_equal(tool->events[0].name, "input_required");
	world_free(w);
}

static void questions_interrupt(void **state)
{
	(void)state;
	rounds(false);
	rounds(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_and_attributes),	 cmocka_unit_test(names_and_arguments),
		cmocka_unit_test(which_of_several),	 cmocka_unit_test(another_process),
		cmocka_unit_test(told_before_it_closed), cmocka_unit_test(it_dies_with_its_process),
		cmocka_unit_test(questions_interrupt),
	};

	return cmocka_run_group_tests_name("trace join", tests, NULL, NULL);
}
