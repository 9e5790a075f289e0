/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define HEADING		"framework\tkind\tfile\tfunction\tname\tsource\n"
#define ROW(kind, name) HEADING "f\t" kind "\ta/b.py\tC.run\t" name "\t-\n"

static void builtin(void **state)
{
	autodrop(drop_rules) struct rules *r = rules_new();
	struct rules_error e;
	const struct rules_rule *rule;

	(void)state;
	int err = rules_add(r, rules_builtin(), &e);
	if (err < 0)
		fail_msg("line %u: %s", e.line, e.why);
	assert_true(rules_count(r) > 100);
	rule = rules_next(r, NULL, STR("/v/site-packages/langgraph/pregel/main.py"), STR("Pregel.stream"),
			  true);
	assert_non_null(rule);
	assert_int_equal(rule->kind, RULES_AGENT);
	HARNESS_TEXT("local", rule->local, "self");
	assert_int_equal(rule->step_count, 3);
	HARNESS_TEXT("attribute", rule->steps[0].name, "config");
	assert_int_equal(rule->steps[1].kind, RULES_KEY);
	HARNESS_TEXT("key", rule->steps[2].name, "lc_agent_name");
	rule = rules_next(r, rule, STR("/v/site-packages/langgraph/pregel/main.py"), STR("Pregel.stream"),
			  true);
	assert_non_null(rule);
	assert_int_equal(rule->kind, RULES_WORKFLOW);
	assert_null(rules_next(r, rule, STR("/v/site-packages/langgraph/pregel/main.py"),
			       STR("Pregel.stream"), true));
	assert_ptr_equal(rules_get(r, rule->number), rule);
	assert_null(rules_get(r, rules_count(r)));
	/* A tail begins at a directory; a bare name is the last part. */
	assert_null(rules_next(r, NULL, STR("/v/xlanggraph/pregel/main.py"), STR("Pregel.stream"), true));
	assert_null(rules_next(r, NULL, STR("/v/langgraph/pregel/main.py"), STR("stream"), true));
	assert_non_null(rules_next(r, NULL, STR("langgraph/pregel/main.py"), STR("stream"), false));
}

static void paths(void **state)
{
	static const struct {
		const char *text;
		uint32_t steps; /* 9: refused */
	} cases[] = {
		{ROW("agent", "-"), 0},
		{ROW("agent", "name"), 0},
		{ROW("agent", "self.a.b.c.d"), 4},
		{ROW("agent", "self.a.b.c.d.e"), 9},
		{ROW("agent", "type(self).__name__"), 1},
		{ROW("agent", "type(self.x).__name__"), 2},
		{ROW("agent", "type(self)"), 9},
		{ROW("agent", "type(self).__name__.x"), 9},
		{ROW("agent", "self[\"k v\"].x"), 2},
		{ROW("agent", "self[\"\"]"), 9},
		{ROW("agent", "self[\"k]"), 9},
		{ROW("agent", "self['k']"), 9},
		{ROW("agent", "self[0]"), 9},
		{ROW("agent", "self.a()"), 9},
		{ROW("agent", ".a"), 9},
		{ROW("agent", "self..a"), 9},
		{ROW("agent", "1self"), 9},
		{ROW("tool_id", "-"), 9},
		{ROW("tool_id", "call[\"id\"]"), 1},
		{ROW("agents", "-"), 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autodrop(drop_rules) struct rules *r = rules_new();
		struct rules_error e;
		int err = rules_add(r, str_of(cases[i].text), &e);

		if ((err < 0) != (cases[i].steps == 9))
			fail_msg("%s: %d %s", cases[i].text, err, e.why);
		if (err == 0)
			assert_int_equal(rules_get(r, 0)->step_count, cases[i].steps);
		else
			assert_int_equal(e.line, 2);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
		uint32_t line;
	} cases[] = {
		{"kind\tfile\n", "column function is missing", 1},
		{"kind\tkind\tfile\tfunction\n", "column kind stands there twice", 1},
		{"kind\tfile\tfunction\tcolour\n", "no such column: colour", 1},
		{"# a\n\nkind\tfile\tfunction\nagent\ta.py\n", "2 cells where 3 columns are", 4},
		{"kind\tfile\tfunction\nagent\ta.py\tf\tx\n", "more than 3 cells", 2},
		{"kind\tfile\tfunction\nagent\t/a.py\tf\n",
		 "file: the tail of a path, as pkg/module.py: /a.py", 2},
		{"kind\tfile\tfunction\nagent\ta.c\tf\n", "file: the tail of a path, as pkg/module.py: a.c",
		 2},
		{"kind\tfile\tfunction\nagent\ta.py\t-\n", "function is missing", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autodrop(drop_rules) struct rules *r = rules_new();
		struct rules_error e;

		assert_int_equal(rules_add(r, STR("kind\tfile\tfunction\ntool\tx.py\tf\n"), &e), 0);
		assert_int_equal(rules_add(r, str_of(cases[i].text), &e), -EINVAL);
		assert_string_equal(e.why, cases[i].why);
		assert_int_equal(e.line, cases[i].line);
		assert_int_equal(rules_count(r), 1); /* as before */
	}
}

/* Two texts in one, each with its heading; carriage returns; no end of line. */
static void several(void **state)
{
	autodrop(drop_rules) struct rules *r = rules_new();
	struct rules_error e;

	(void)state;
	assert_int_equal(rules_add(r,
				   STR("kind\tfile\tfunction\r\ntool\tx.py\tf\r\nfunction\tfile\tkind\n"
				       "A.g\ty.py\tnode"),
				   &e),
			 0);
	assert_int_equal(rules_count(r), 2);
	assert_int_equal(rules_get(r, 1)->kind, RULES_NODE);
	HARNESS_TEXT("function", rules_get(r, 1)->function, "A.g");
	HARNESS_TEXT("name", rules_get(r, 1)->name, "g");
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		autodrop(drop_rules) struct rules *r = rules_new();
		struct rules_error e;

		harness_fail_alloc(n);
		int err = rules_add(r, rules_builtin(), &e);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		assert_int_equal(err, failed ? -ENOMEM : 0);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builtin), cmocka_unit_test(paths),	cmocka_unit_test(refused),
		cmocka_unit_test(several), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
