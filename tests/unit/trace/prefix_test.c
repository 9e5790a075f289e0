/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static struct call *talk(struct world *w, uint32_t pid, uint32_t messages)
{
	struct call *k = call_new(w, pid, pid);

	/* user 0, assistant 1, user 2, ... */
	for (uint32_t i = 0; i < messages; i++) {
		char *text = (char *)arena_printf(w->a, "message %u%c", i, 0).p;

		call_in(k, i % 2 ? "assistant" : "user", text);
	}
	return k;
}

static void answer(struct call *k, uint32_t i)
{
	call_out_text(k, arena_printf(k->w->a, "message %u%c", i, 0).p);
}

static const char *continues(struct world *w, const struct told *of, uint32_t n)
{
	return arena_printf(w->a, "{\"span\":\"%016llx\",\"messages\":%u}%c", (unsigned long long)of->id, n,
			    0)
		.p;
}

static void test_conversation(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = talk(w, 100, 1);

	answer(k, 1);
	struct told *first = call_do(k);
	world_want(first, "bottrace.continues", NULL);
	world_want(first, "gen_ai.input.messages",
		   "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"message 0\"}]}]");
	k = talk(w, 100, 3);
	answer(k, 3);
	struct told *second = call_do(k);
	/* the input and the answer of the first are the first two */
	world_want(second, "bottrace.continues", continues(w, first, 2));
	world_want(second, "gen_ai.input.messages",
		   "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"message 2\"}]}]");
	/* of two that carry a prefix, the one that carries more */
	struct told *third = call_do(talk(w, 100, 5));
	world_want(third, "bottrace.continues", continues(w, second, 4));
	/* the same request again holds nothing new */
	struct told *again = call_do(talk(w, 100, 5));
	world_want(again, "bottrace.continues", continues(w, third, 5));
	world_want(again, "gen_ai.input.messages", "[]");
	world_free(w);
}

static void test_not_the_same(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	struct call *k = talk(w, 100, 1);
	answer(k, 1);
	call_do(k);
	/* another process */
	world_want(call_do(talk(w, 101, 3)), "bottrace.continues", NULL);
	/* another role, another name, another first word */
	k = talk(w, 100, 3);
	k->input[0].role = STR("system");
	world_want(call_do(k), "bottrace.continues", NULL);
	k = talk(w, 100, 3);
	k->input[0].name = STR("bob");
	world_want(call_do(k), "bottrace.continues", NULL);
	k = call_new(w, 100, 100);
	call_in(k, "user", "other");
	world_want(call_do(k), "bottrace.continues", NULL);
	world_free(w);
}

/* An answer that a client quotes otherwise than it came is printed again: expanding must not invent reasoning. */
static void test_exact(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = talk(w, 100, 1);

	call_part(k, call_out(k), GENAI_REASONING)->text = STR("hmm");
	answer(k, 1);
	struct told *first = call_do(k);
	world_want(call_do(talk(w, 100, 3)), "bottrace.continues", continues(w, first, 1));
	world_free(w);
}

static void test_system_and_tools(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct genai_part system = {.type = GENAI_TEXT, .text = STR("Be kind.")};
	struct genai_part other = {.type = GENAI_TEXT, .text = STR("Be rude.")};
	struct call *k = talk(w, 100, 1);

	k->c.system = &system;
	k->c.system_count = 1;
	k->c.tools = STR("[{\"type\":\"function\",\"name\":\"f\"}]");
	answer(k, 1);
	struct told *first = call_do(k);
	world_want(first, "gen_ai.system_instructions", "[{\"type\":\"text\",\"content\":\"Be kind.\"}]");
	world_want(first, "gen_ai.tool.definitions", "[{\"type\":\"function\",\"name\":\"f\"}]");

	k = talk(w, 100, 3); /* both equal: left out */
	k->c.system = &system;
	k->c.system_count = 1;
	k->c.tools = STR("[{\"type\":\"function\",\"name\":\"f\"}]");
	struct told *s = call_do(k);
	world_want(s, "bottrace.continues", continues(w, first, 2));
	world_want(s, "gen_ai.system_instructions", NULL);
	world_want(s, "gen_ai.tool.definitions", NULL);

	k = talk(w, 100, 3); /* other ones: printed */
	k->c.system = &other;
	k->c.system_count = 1;
	k->c.tools = STR("[]");
	s = call_do(k);
	assert_non_null(world_get(s, "bottrace.continues"));
	world_want(s, "gen_ai.system_instructions", "[{\"type\":\"text\",\"content\":\"Be rude.\"}]");
	world_want(s, "gen_ai.tool.definitions", "[]");

	/* none: it must not look as if they were equal */
	s = call_do(talk(w, 100, 3));
	world_want(s, "bottrace.continues", NULL);
	assert_non_null(strstr(world_get(s, "gen_ai.input.messages"), "message 0"));
	world_free(w);
}

/* Several choices: which one was continued cannot be known. */
static void test_choices(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = talk(w, 100, 1);

	answer(k, 1);
	k->output[1] = (struct genai_message){.role = STR("assistant")};
	k->c.output_count = 2;
	struct told *first = call_do(k);
	world_want(call_do(talk(w, 100, 3)), "bottrace.continues", continues(w, first, 1));
	world_free(w);
}

static void test_retry_keeps(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = talk(w, 100, 1);

	answer(k, 1);
	struct told *first = call_do(k);
	for (int i = 0; i < 2; i++) {
		k = talk(w, 100, 3);
		k->c.retry_count = i;
		k->c.body_hash = (struct hash128){5, 5};
		call_request(k);
		call_close(k, i ? GENAI_OK : GENAI_ERROR, i ? 200 : 500);
		call_end(k);
	}
	assert_int_equal(world_count(w, "chat"), 2);
	/* not itself */
	world_want(world_find(w, "chat", 1), "bottrace.continues", continues(w, first, 2));
	world_free(w);
}

/* Few-shot: the first request holds an assistant message that is word for word an earlier answer. */
static void test_few_shot(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	call_in(k, "system", "Answer.");
	call_in(k, "user", "1 + 1?");
	call_out_call(k, "call_1", "add", "{}");
	call_do(k);
	k = call_new(w, 100, 100);
	call_in(k, "system", "Answer.");
	call_in(k, "user", "1 + 1?");
	call_in(k, "assistant", "2");
	call_in(k, "user", "2 + 2?");
	struct told *s = call_do(k);
	assert_string_equal(s->how, "process");
	assert_int_equal(s->parent, ((struct trace_process *)proc_find(w->procs, 100, 100000)->user)->id);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	world_free(w);
}

static void test_bounded(void **state)
{
	(void)state;
	struct world *w = world_run();
	uint32_t n = TRACE_PREFIXES_MAX / 32 + 8;

	/* told spans are kept for the test only: look at the table itself */
	w->t->settings.ops = &(struct trace_ops){.span = NULL};
	for (uint32_t i = 0; i < n; i++) {
		struct genai_message m[40];
		struct genai_part p = {.type = GENAI_TEXT, .text = str_make(&i, sizeof(i))};
		struct genai_call c = {.input = m, .input_count = 40};
		struct trace_call k = {.c = &c, .id = i + 1, .process = w->t->processes};

		for (uint32_t j = 0; j < 40; j++)
			m[j] = (struct genai_message){
				.role = STR("user"), .parts = &p, .count = 1, .exact = {i, j}};
		trace_prefix_input(w->t, &k);
		assert_true(map_count(w->t->prefixes) <= TRACE_PREFIXES_MAX);
	}
	assert_int_equal(map_count(w->t->prefixes), TRACE_PREFIXES_MAX);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation), cmocka_unit_test(test_not_the_same),
		cmocka_unit_test(test_exact),	     cmocka_unit_test(test_system_and_tools),
		cmocka_unit_test(test_choices),	     cmocka_unit_test(test_retry_keeps),
		cmocka_unit_test(test_few_shot),     cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
