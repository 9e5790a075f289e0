/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/rule.h"

#include <stdio.h>

#include "base/buf.h"
#include "harness.h"
#include "wire.h"

#define HEADING "framework\tkind\tfile\tfunction\tname\n"

static void make(struct rule_table *t, const char *text)
{
	autodrop(drop_rules) struct rules *rules = rules_new();
	struct rules_error error;

	assert_non_null(rules);
	assert_int_equal(rules_add(rules, str_of(text), &error), 0);
	assert_int_equal(rule_make(t, rules), 0);
}

/* The first rule of a name, from 1; 0: it has none. */
static uint32_t find(const struct rule_table *t, const char *name, size_t bytes, unsigned kind, bool bare)
{
	struct state_rule_name key = {.kind = kind, .bare = bare};

	memcpy(key.text, name, bytes);
	for (uint32_t i = 0; i < t->name_count; i++)
		if (memcmp(&t->names[i].key, &key, sizeof(key)) == 0)
			return t->names[i].first;
	return 0;
}

static uint32_t find_ascii(const struct rule_table *t, const char *name, bool bare)
{
	return find(t, name, strlen(name), WIRE_PY_TEXT_LATIN1, bare);
}

static void paths(void **state)
{
	autodrop(rule_fini) struct rule_table t;
	(void)state;

	make(&t, HEADING "x\tagent\tpkg/core.py\tAgent.run\tself.config[\"meta\"][\"größe\"]\n"
			 "x\tagent\tpkg/core.py\tAgent.stop\t-\n"
			 "x\tagent\tpkg/core.py\tloop\ttype(имя).__name__\n");
	assert_int_equal(t.count, 3); /* one has no path; one is a pool's work */
	uint32_t run = find_ascii(&t, "Agent.run", false), loop = find_ascii(&t, "loop", false);
	assert_int_equal(find_ascii(&t, "Agent.stop", false), 0);
	assert_true(run > 0 && loop > 0);
	const struct state_rule *r = &t.rules[run - 1];
	assert_int_equal(r->id, 0);
	assert_int_equal(r->steps, 4);
	assert_memory_equal(r->tail + STATE_RULE_TAIL - 12, "/pkg/core.py", 12);
	assert_int_equal(r->tail[STATE_RULE_TAIL - 13], 0);
	assert_int_equal(r->step[0].what, STATE_STEP_LOCAL);
	assert_memory_equal(r->step[0].text, "self", 5);
	assert_int_equal(r->step[1].what, STATE_STEP_ATTRIBUTE);
	assert_int_equal(r->step[2].what, STATE_STEP_KEY);
	assert_int_equal(r->step[2].len, 4);
	assert_int_equal(r->step[3].kind, WIRE_PY_TEXT_LATIN1);
	assert_int_equal(r->step[3].len, 5);
	assert_memory_equal(r->step[3].text, "gr\xf6\xdf\x65\0", 6);
	r = &t.rules[loop - 1];
	assert_int_equal(r->id, 2);
	assert_int_equal(r->steps, 2);
	assert_int_equal(r->step[0].kind, WIRE_PY_TEXT_UCS2);
	assert_int_equal(r->step[0].len, 6);
	assert_memory_equal(r->step[0].text, "\x38\x04\x3c\x04\x4f\x04\0\0", 8);
	assert_int_equal(r->step[1].what, STATE_STEP_TYPE);
	r = &t.rules[find_ascii(&t, "_WorkItem.run", false) - 1];
	assert_int_equal(r->id, WIRE_PY_RULE_SELF);
	assert_int_equal(r->flags, STATE_RULE_SELF | STATE_RULE_LEAD);
}

/* Rules of one name are a chain, those of one file stand together in it, in their order. */
static void chains(void **state)
{
	autodrop(rule_fini) struct rule_table t;
	uint32_t seen = 0, of_file = 0;
	(void)state;

	make(&t, HEADING "x\tagent\ta/core.py\tAgent.go\tself.a\n"
			 "x\tagent\tb/core.py\tAgent.go\tself.b\n"
			 "x\tagent\ta/core.py\tAgent.go\tself.c\n"
			 "x\tagent\ta/core.py\tOther.go\tself.d\n");
	for (uint32_t i = find_ascii(&t, "Agent.go", false); i; i = t.rules[i - 1].next[0], seen++)
		if (t.rules[i - 1].same[0]) {
			assert_int_equal(t.rules[i - 1].id, 0);
			assert_int_equal(t.rules[t.rules[i - 1].next[0] - 1].id, 2);
			of_file++;
		}
	assert_int_equal(seen, 3);
	assert_int_equal(of_file, 1);
	seen = of_file = 0;
	for (uint32_t i = find_ascii(&t, "go", true); i; i = t.rules[i - 1].next[1], seen++)
		of_file += t.rules[i - 1].same[1];
	assert_int_equal(seen, 4);
	assert_int_equal(of_file, 2);
	for (uint32_t i = 0; i < t.count; i++)
		assert_true(t.rules[i].flags & STATE_RULE_LEAD);
	rule_fini(&t);
	make(&t, HEADING "x\tagent\ta/core.py\tAgent.go\tself.a\n"
			 "x\tagent\ta/core.py\tOther.go\tother.d\n"
			 "x\tagent\tb/core.py\tOther.go\tother.d\n");
	for (uint32_t i = 0; i < t.count; i++)
		assert_int_equal(!(t.rules[i].flags & STATE_RULE_LEAD), t.rules[i].id < 2);
	assert_int_equal(find_ascii(&t, "go", false), 0);
	assert_int_equal(find_ascii(&t, "Agent.go", true), 0);
}

/* What is longer than the kernel reads is left out, alone. */
static void long_names(void **state)
{
	autodrop(rule_fini) struct rule_table t;
	autodrop(buf_fini) struct buf text;
	(void)state;

	buf_init(&text, 16384);
	buf_addf(&text, HEADING "x\tagent\tpkg/core.py\t%0249d\tself\nx\tagent\t%0128d.py\trun\tself\n", 1,
		 1);
	buf_addf(&text, "x\tagent\tимя/core.py\trun\tself\nx\tagent\tpkg/core.py\t%0248d\tself\n", 1);
	make(&t, buf_z(&text));
	assert_int_equal(t.left_out, 3);
	assert_int_equal(t.count, 2);
	rule_fini(&t);
	assert_int_equal(t.count, 0);
}

static void builtin(void **state)
{
	autodrop(drop_rules) struct rules *rules = rules_new();
	autodrop(rule_fini) struct rule_table t;
	struct rules_error error;
	uint32_t linked = 0;
	(void)state;

	assert_int_equal(rules_add(rules, rules_builtin(), &error), 0);
	assert_int_equal(rule_make(&t, rules), 0);
	assert_int_equal(t.left_out, 0);
	for (int bare = 0; bare < 2; bare++, linked = 0) {
		for (uint32_t i = 0; i < t.name_count; i++) {
			if (t.names[i].key.bare != (uint32_t)bare)
				continue;
			for (uint32_t at = t.names[i].first; at; at = t.rules[at - 1].next[bare])
				linked++;
		}
		assert_int_equal(linked, t.count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(chains),
		cmocka_unit_test(long_names),
		cmocka_unit_test(builtin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
