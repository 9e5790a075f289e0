/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers from pieces: what goes on, what begins anew, and where it ends. */
#include "harness.h"

#include "genai/decoder.h"

static struct genai *genai;

static struct genai_work work(void)
{
	return (struct genai_work){.c = {.arena = arena_new(64u << 20)}, .g = genai};
}

static int setup(void **state)
{
	static const struct genai_ops ops;

	(void)state;
	genai = genai_new(&ops, NULL);
	return genai ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	genai_free(genai);
	return 0;
}

static void texts_go_on(void **state)
{
	struct genai_work w = work();
	struct genai_answer a = {0};
	struct genai_message m;

	(void)state;
	assert_false(genai_answer_text(&w, &a, GENAI_TEXT, 0, STR("")));
	assert_true(genai_answer_text(&w, &a, GENAI_REASONING, 0, STR("h")));
	assert_true(genai_answer_text(&w, &a, GENAI_REASONING, 0, STR("m")));
	assert_true(genai_answer_text(&w, &a, GENAI_TEXT, 0, STR("a")));
	assert_true(genai_answer_text(&w, &a, GENAI_TEXT, 1, STR("b"))); /* another block */
	assert_true(genai_answer_text(&w, &a, GENAI_TEXT, 1, STR("c")));
	assert_true(genai_answer_message(&w, &a, &m));
	assert_int_equal(m.count, 3);
	HARNESS_TEXT("reasoning", m.parts[0].text, "hm");
	HARNESS_TEXT("first", m.parts[1].text, "a");
	HARNESS_TEXT("second", m.parts[2].text, "bc");
	arena_free(w.c.arena);
}

static void arguments_find_their_call(void **state)
{
	struct genai_work w = work();
	struct genai_answer a = {0};
	struct genai_message m;

	(void)state;
	genai_answer_arguments(&w, &a, 0, STR("nobody's"));
	genai_answer_call(&w, &a, GENAI_TOOL_CALL, 0, STR("c0"), STR("f"));
	genai_answer_call(&w, &a, GENAI_TOOL_CALL, 1, STR("c1"), STR("g"));
	genai_answer_arguments(&w, &a, 1, STR("{\"b\":"));
	genai_answer_arguments(&w, &a, 0, STR("{\"a\":1}"));
	genai_answer_arguments(&w, &a, 1, STR(" 2}"));
	genai_answer_call(&w, &a, GENAI_TOOL_CALL, 1, STR("c2"), STR("h")); /* the index is used again */
	genai_answer_arguments(&w, &a, 1, STR("broken"));
	genai_answer_call(&w, &a, GENAI_SERVER_TOOL_CALL, 7, STR("s"), STR("search"));
	genai_answer_arguments(&w, &a, 7, STR(""));
	assert_true(a.called);
	assert_true(genai_answer_message(&w, &a, &m));
	assert_int_equal(m.count, 4);
	HARNESS_TEXT("c0", m.parts[0].value, "{\"a\":1}");
	HARNESS_TEXT("c1", m.parts[1].value, "{\"b\":2}");
	HARNESS_TEXT("c2", m.parts[2].value, "\"broken\"");
	HARNESS_TEXT("s", m.parts[3].value, "{\"type\":\"search\",\"input\":{}}");
	arena_free(w.c.arena);
}

static void stops_at_the_limit(void **state)
{
	struct genai_work w = work();
	struct genai_answer a = {0};
	struct genai_message m;

	(void)state;
	for (uint32_t i = 0; i < GENAI_PIECES_MAX + 10; i++)
		genai_answer_call(&w, &a, GENAI_TOOL_CALL, i, STR("c"), STR("f"));
	genai_answer_arguments(&w, &a, GENAI_PIECES_MAX + 5, STR("{}"));
	assert_int_equal(w.omitted_pieces, 10);
	assert_true(genai_answer_message(&w, &a, &m));
	assert_int_equal(m.count, GENAI_PIECES_MAX);
	arena_free(w.c.arena);
}

static void an_answer_that_says_nothing_is_none(void **state)
{
	struct genai_work w = work();
	struct genai_answer a = {0};

	(void)state;
	genai_answer_only(&w, &a, STR_NONE, STR_NONE);
	assert_int_equal(w.c.output_count, 0);
	genai_answer_only(&w, &a, STR("end_turn"), STR("stop"));
	assert_int_equal(w.c.output_count, 1);
	assert_int_equal(w.c.finish_count, 1);
	HARNESS_TEXT("finish", w.c.output[0].finish, "stop");
	arena_free(w.c.arena);
}

static void words_have_a_translation(void **state)
{
	static const struct genai_finish_row rows[] = {{"end_turn", "stop"}};

	(void)state;
	HARNESS_TEXT("known", genai_finish(rows, 1, STR("end_turn")), "stop");
	HARNESS_TEXT("unknown", genai_finish(rows, 1, STR("pause")), "pause");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_go_on),
		cmocka_unit_test(arguments_find_their_call),
		cmocka_unit_test(stops_at_the_limit),
		cmocka_unit_test(an_answer_that_says_nothing_is_none),
		cmocka_unit_test(words_have_a_translation),
	};

	return cmocka_run_group_tests_name("genai answer", tests, setup, teardown);
}
