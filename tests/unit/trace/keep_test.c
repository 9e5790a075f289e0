/* SPDX-License-Identifier: BSD-2-Clause */
/* Which spans stay under --keep, and that what stays names nothing that went. */
#include "world.h"

#define MS 1000000u

static void exit_of(struct world *w, int code)
{
	world_exit(w, 100, code, 0);
	world_finish(w, true);
}

/* A call that asks for a tool and the call that tells its result. */
static void conversation(struct world *w, enum genai_status first, enum genai_status second, uint64_t tool_ms,
			 struct told **ask, struct told **tell)
{
	struct call *k = call_new(w, 100, 100);

	call_in(k, "user", "how warm is it?");
	call_request(k);
	call_out_call(k, "c1", "weather", "{\"city\":\"Oslo\"}");
	uint64_t id = ((struct trace_call *)k->c.user)->id;
	call_close(k, first, 200);
	call_end(k);
	*ask = world_by_id(w, id);

	w->now += tool_ms * MS;
	k = call_new(w, 100, 100);
	call_in(k, "user", "how warm is it?");
	call_in_call(k, "c1", "weather", "{\"city\":\"Oslo\"}");
	call_in_result(k, "c1", "\"4 degrees\"");
	call_request(k);
	id = ((struct trace_call *)k->c.user)->id;
	call_out_text(k, "4");
	call_close(k, second, 200);
	call_end(k);
	*tell = world_by_id(w, id);
}

static struct world *attached(const char *rules)
{
	struct world *w = world_new(WIRE_MODE_ATTACH);

	world_keep(w, rules);
	world_fact(w, 100, 0);
	world_target(w, 100);
	return w;
}

static const struct trace *only_trace(struct world *w)
{
	const struct trace *t = trace_next(w->t, NULL);

	assert_non_null(t);
	assert_null(trace_next(w->t, t));
	return t;
}

static uint32_t dropped(struct world *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->count; i++) {
		assert_false(w->spans[i].undecided); /* at the end all is decided */
		n += w->spans[i].dropped;
	}
	assert_int_equal(only_trace(w)->spans_dropped, n);
	assert_int_equal(only_trace(w)->spans, w->count - n);
	return n;
}

static void a_call_by_itself(void **state)
{
	struct told *ask, *tell, *tool;
	struct world *w = attached("errors");

	(void)state;
	/* The second fails: the first goes with its tool, the second is told whole. */
	conversation(w, GENAI_OK, GENAI_ERROR, 1, &ask, &tell);
	tool = world_tool(w, "c1");
	assert_true(ask->dropped && tool->dropped);
	assert_false(tell->dropped || tell->undecided);
	world_want(tell, "bottrace.continues", NULL);
	assert_non_null(strstr(world_get(tell, "gen_ai.input.messages"), "how warm"));
	world_finish(w, true);
	assert_int_equal(dropped(w), 2);
	world_free(w);

	/* The first fails, after its answer had begun with a tool call: nothing names the second. */
	w = attached("slow>1s");
	conversation(w, GENAI_OK, GENAI_OK, 2000, &ask, &tell);
	tool = world_tool(w, "c1");
	assert_false(ask->dropped || tool->dropped); /* the tool was slow: its call stays with it */
	assert_true(tell->dropped);
	assert_true(tool->forgot == tell->id);
	world_finish(w, true);
	assert_int_equal(dropped(w), 1);
	world_free(w);
}

/* A call that is kept for sure is a base to shorten against. */
static void kept_history(void **state)
{
	struct told *ask, *tell;
	struct world *w = attached("slow>1s");

	(void)state;
	conversation(w, GENAI_OK, GENAI_OK, 1500, &ask, &tell);
	assert_false(ask->dropped);
	/* It was decided when the tool's result was told, before the second one was. */
	assert_non_null(strstr(world_get(tell, "bottrace.continues"), world_hex(w, ask->id)));
	world_free(w);

	w = attached("errors,slow>1s");
	conversation(w, GENAI_OK, GENAI_ERROR, 1, &ask, &tell);
	world_want(tell, "bottrace.continues", NULL);
	struct call *k = call_new(w, 100, 100); /* goes on from the second, which is kept and whole */
	call_in(k, "user", "how warm is it?");
	call_in_call(k, "c1", "weather", "{\"city\":\"Oslo\"}");
	call_in_result(k, "c1", "\"4 degrees\"");
	call_in(k, "user", "sure?");
	w->now += 1;
	call_request(k);
	uint64_t id = ((struct trace_call *)k->c.user)->id;
	call_close(k, GENAI_ERROR, 500);
	call_end(k);
	struct told *third = world_by_id(w, id);
	assert_non_null(strstr(world_get(third, "bottrace.continues"), world_hex(w, tell->id)));
	world_free(w);
}

static void a_whole_run(void **state)
{
	struct told *ask, *tell;
	struct world *w = world_run();

	(void)state;
	world_keep(w, "errors");
	conversation(w, GENAI_OK, GENAI_OK, 1, &ask, &tell);
	assert_true(ask->undecided && tell->undecided);
	/* Nothing of it is taken apart: all stays or all goes. */
	assert_non_null(world_get(tell, "bottrace.continues"));
	exit_of(w, 0);
	assert_int_equal(dropped(w), 3);
	assert_false(world_process(w, 100)->dropped);
	world_free(w);

	w = world_run();
	world_keep(w, "errors");
	conversation(w, GENAI_OK, GENAI_ERROR, 1, &ask, &tell);
	assert_false(ask->undecided || tell->undecided || ask->dropped);
	conversation(w, GENAI_OK, GENAI_OK, 1, &ask, &tell); /* after the decision */
	assert_false(ask->undecided || tell->undecided);
	exit_of(w, 0);
	assert_int_equal(dropped(w), 0);
	world_free(w);

	/* The command's own failure is an error of the run; one of its children's is not. */
	w = world_run();
	world_keep(w, "errors");
	conversation(w, GENAI_OK, GENAI_OK, 1, &ask, &tell);
	world_fork(w, 101, 100);
	world_exit(w, 101, 1, 0);
	assert_true(ask->undecided);
	exit_of(w, 1);
	assert_int_equal(dropped(w), 0);
	world_free(w);
}

/* A process that a tool ran has another parent once the tool has gone. */
static void a_process_of_a_tool(void **state)
{
	(void)state;
	for (int attach = 0; attach < 2; attach++) {
		struct world *w = attach ? attached("errors") : world_run();
		struct call *k;

		if (!attach)
			world_keep(w, "errors");
		k = call_new(w, 100, 100);
		call_in(k, "user", "list");
		call_request(k);
		call_out_call(k, "c1", "bash", "{\"command\":\"ls\"}");
		call_close(k, GENAI_OK, 200);
		call_end(k);
		world_fork(w, 101, 100);
		world_exit(w, 101, 0, 0);
		assert_string_equal(world_process(w, 101)->how, "fork");
		assert_false(world_process(w, 101)->certain);
		assert_int_not_equal(world_process(w, 101)->parent, world_process(w, 101)->id);
		exit_of(w, 0);
		assert_int_equal(dropped(w), 2);
		assert_int_equal(world_process(w, 101)->parent, world_process(w, 100)->id);
		assert_true(world_process(w, 101)->certain);
		world_free(w);
	}
}

static struct call *attempt(struct world *w, int count, uint64_t body)
{
	struct call *k = call_new(w, 100, 100);

	call_in(k, "user", "hello");
	k->c.retry_count = count;
	k->c.body_hash = hash_u128(str_make(&body, 8), 9);
	call_request(k);
	return k;
}

/* Attempts of one call are one span: it waits for the last of them. */
static void retries(void **state)
{
	struct world *w = attached("slow>1s");
	struct call *k = attempt(w, 0, 1);
	uint64_t id = ((struct trace_call *)k->c.user)->id;

	(void)state;
	call_close(k, GENAI_ERROR, 429);
	call_end(k);
	assert_true(world_by_id(w, id)->undecided);
	k = attempt(w, 1, 1);
	w->now += 2000 * MS;
	call_close(k, GENAI_OK, 200);
	call_end(k);
	assert_false(world_by_id(w, id)->undecided || world_by_id(w, id)->dropped);
	/* And one that nobody tries again goes in the end. */
	k = attempt(w, 0, 2);
	id = ((struct trace_call *)k->c.user)->id;
	call_close(k, GENAI_ERROR, 429);
	call_end(k);
	world_finish(w, true);
	assert_true(world_by_id(w, id)->dropped);
	assert_int_equal(dropped(w), 1);
	world_free(w);
}

static void open_calls(void **state)
{
	struct world *w = attached("slow>1s");
	struct call *a = call_new(w, 100, 100), *b;

	(void)state;
	call_request(a);
	w->now += 1500 * MS;
	b = call_new(w, 100, 101);
	call_request(b);
	world_finish(w, true);
	assert_int_equal(world_count(w, "chat"), 2);
	assert_int_equal(dropped(w), 1);
	assert_false(world_find(w, "chat", 0)->dropped);
	world_free(w);
}

/* Without --keep nothing waits. */
static void not_asked(void **state)
{
	struct told *ask, *tell;
	struct world *w = world_run();

	(void)state;
	conversation(w, GENAI_OK, GENAI_OK, 1, &ask, &tell);
	assert_false(ask->undecided || tell->undecided);
	exit_of(w, 0);
	assert_int_equal(dropped(w), 0);
	world_free(w);
}

static void light(void **state)
{
	struct told *ask, *tell;
	struct world *w = world_new(WIRE_MODE_RUN);
	struct wire_session rec = {.head = {.size = sizeof(rec), .kind = WIRE_SESSION},
				   .mode = WIRE_MODE_RUN,
				   .options = WIRE_OPT_LIGHT};
	static const char *const content[] = {"gen_ai.input.messages",	    "gen_ai.output.messages",
					      "gen_ai.system_instructions", "gen_ai.tool.definitions",
					      "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
					      "bottrace.continues"};

	(void)state;
	world_feed(w, &rec.head, 0);
	world_fact(w, 100, 0);
	world_target(w, 100);
	conversation(w, GENAI_OK, GENAI_OK, 1, &ask, &tell);
	for (uint32_t i = 0; i < w->count; i++)
		for (size_t j = 0; j < sizeof(content) / sizeof(content[0]); j++)
			world_want(&w->spans[i], content[j], NULL);
	struct told *tool = world_tool(w, "c1");
	world_want(tool, "gen_ai.tool.name", "weather");
	world_want(tool, "bottrace.tool.outcome", "returned");
	/* A later request of which a part is not here may have told: nobody knows when. */
	struct call *k = call_new(w, 100, 100);
	call_in(k, "user", "again");
	call_request(k);
	call_out_call(k, "c2", "weather", "{}");
	call_close(k, GENAI_OK, 200);
	call_end(k);
	k = call_new(w, 100, 100);
	k->x.request.torn = true;
	call_request(k);
	call_close(k, GENAI_OK, 200);
	call_end(k);
	exit_of(w, 0);
	tool = world_tool(w, "c2");
	world_want(tool, "bottrace.tool.outcome", "unseen");
	assert_int_equal(tool->end_ns, 0);
	assert_int_equal(tool->status, TRACE_STATUS_OK);
	assert_true(only_trace(w)->light);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_by_itself), cmocka_unit_test(kept_history),
		cmocka_unit_test(a_whole_run),	    cmocka_unit_test(a_process_of_a_tool),
		cmocka_unit_test(retries),	    cmocka_unit_test(open_calls),
		cmocka_unit_test(not_asked),	    cmocka_unit_test(light),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
