/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read from the end of an object with a hole: exactly what stands there, whatever the place of the hole. */
#include "genai/ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* Members as the whole document has them. */
struct truth {
	struct arena *a;
	struct str text;
	const struct json *doc;
};

static struct truth truth_of(const char *text)
{
	struct truth t = {.a = arena_new(64u << 20), .text = str_of(text)};
	struct json_end end;

	t.doc = json_parse(t.a, t.text, &end);
	assert_int_equal(end.state, JSON_WHOLE);
	assert_int_equal(json_type(t.doc), JSON_OBJECT);
	return t;
}

/* The first member whose name's quote stands behind `hole`, and how many there are from there on. */
static size_t members_from(const struct truth *t, size_t hole, const struct json **first)
{
	size_t n = 0;

	*first = NULL;
	for (const struct json *m = json_first(t->doc); m; m = json_next(m)) {
		size_t quote = (size_t)(json_raw_key(m).p - 1 - t->text.p);

		/* The byte before the quote must be seen too: it could be a backslash. */
		if (quote <= hole)
			continue;
		if (n++ == 0)
			*first = m;
	}
	return n;
}

static void sweep(const char *text)
{
	struct truth t = truth_of(text);

	for (size_t hole = 0; hole <= t.text.n; hole++) {
		/* In a block of its own, so that the sanitizer sees a read before it. */
		size_t size = t.text.n - hole;
		char *copy = malloc(size + 1);
		struct arena *a = arena_new(16u << 20);
		const struct json *want, *got, *j;

		memcpy(copy, t.text.p + hole, size);
		size_t n = members_from(&t, hole, &want), at = genai_ends_find(str_make(copy, size));
		j = genai_ends_members(a, str_make(copy, size), at);
		if (json_count(j) != n)
			fail_msg("%s\nhole up to %zu: %zu members, want %zu", text, hole, json_count(j), n);
		for (got = json_first(j); got; got = json_next(got), want = json_next(want)) {
			assert_true(str_eq(json_raw_key(got), json_raw_key(want)));
			assert_true(str_eq(json_raw(got), json_raw(want)));
		}
		arena_free(a);
		free(copy);
	}
	arena_free(t.a);
}

static void every_hole(void **state)
{
	(void)state;
	sweep("{}");
	sweep("{\"a\":1}");
	sweep("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"model\":\"gpt-5\",\"stream\":true}");
	sweep(" {\"model\" : \"m\" , \"usage\" : { \"prompt_tokens\" : 3 , \"d\":{\"e\":[1,2,{\"f\":null}]} "
	      "} , "
	      "\"stop\" : [ \"a\" , \"b\" ] } \r\n");
	sweep("{\"x\":\"}\",\"y\":\"{\",\"z\":\"]\",\"w\":\"\\\"\",\"v\":\"\\\\\",\"u\":\"\\\\\\\"\"}");
	sweep("{\"a\\\\\":\"\\\\\\\\\",\"b\\\"c\":\"\\\\\\\\\\\"\\\\\",\"\":\"\"}");
	sweep("{\"n\":-1.5e3,\"t\":true,\"f\":false,\"z\":null,\"s\":\"\\u005c\\u0022\"}");
}

/* A prompt that looks like the end of the request's object. */
static void hostile_texts(void **state)
{
	(void)state;
	sweep("{\"messages\":[{\"content\":\"\\\",\\\"model\\\":\\\"evil\\\",\\\"stream\\\":true}\"}],\"n\":"
	      "1}");
	sweep("{\"messages\":[{\"content\":\"\\\\\\\",\\\"model\\\":\\\"evil\\\"}],\\\\\"}],\"model\":"
	      "\"m\"}");
	sweep("{\"a\":\"\\\\\\\\\\\\\\\\\\\\\\\\\",\"model\":\"m\",\"b\":\"\\\\\\\\\\\\\\\\\\\\\\\\\\\"\"}");
	sweep("{\"tools\":[{\"model\":\"evil\",\"stream\":false}],\"metadata\":{\"model\":\"evil\"},\"k\":[[]"
	      ",{}]}");
	sweep("{\"a\":[{\"model\":\"evil\"},{\"model\":\"evil\"}],\"b\":{\"usage\":{\"prompt_tokens\":9}}}");
	sweep("{\"a\":\":\",\"b\":\"\\\":\\\"\",\"c\":{\"d\":\":\"},\"e\":[\":\"]}");
}

static void no_json(void **state)
{
	static const char *const texts[] = {
		"",	     "}",	  "\"a\":1}", "\\\"a\":1}", ":1}",	   "]}",	 "1",
		"a}",	     "x:1}",	  "\"a\" 1}", ",\"a\":}",   ",\"a\":1,}",  ",\"a\":x}",	 "[\"a\":1}",
		",\"a\":[}", ",\"a\":]}", ",a\":1}",  "\"",	    ",\"a\":1}}}", ",\"a\":1} x"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena *a = arena_new(1u << 20);
		struct str s = str_of(texts[i]);
		const struct json *j = genai_ends_members(a, s, genai_ends_find(s));

		/* Of what is no JSON, at most the part that is. */
		if (json_count(j) > 0)
			fail_msg("%s gives %zu members", texts[i], json_count(j));
		assert_null(genai_ends_element(a, s, genai_ends_find(s)));
		arena_free(a);
	}
}

static void elements(void **state)
{
	struct arena *a = arena_new(1u << 20);
	static const struct {
		const char *tail, *want; /* NULL: none */
	} rows[] = {
		{"xt\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}", "stop"},
		{"xt\"},\"finish_reason\":\"length\" } ] }", "length"},
		{"xt\"},\"logprobs\":null,\"finish_reason\":\"stop\"} ] , \"u\":1}\n", "stop"},
		{"{\"index\":0,\"finish_reason\":\"stop\"}],\"u\":1}", "stop"},
		{"xt\"},\"finish_reason\":\"stop\"},\"usage\":{\"prompt_tokens\":1}}", NULL},
		{"xt\",\"finish_reason\":\"stop\"}}],\"usage\":1}", NULL},
		{"stop\"}],\"usage\":1}", NULL},
		{"\"finish_reason\":\"stop\"}],\"usage\":1}", NULL},
		{"[\"finish_reason\"],\"usage\":1}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = str_of(rows[i].tail);
		const struct json *e = genai_ends_element(a, s, genai_ends_find(s));
		const struct json *word = json_get(e, "finish_reason");

		if (rows[i].want ? !json_is(word, rows[i].want) : word != NULL)
			fail_msg("%s: %.*s", rows[i].tail, STR_ARG(json_raw(word)));
	}
	arena_free(a);
}

/* Backslashes and quotes without end take no more than one look each. */
static void linear(void **state)
{
	size_t n = 512u << 10;
	char *text = malloc(n);
	static const char end[] = "\",\"model\":\"m\"}";

	(void)state;
	assert_non_null(text);
	memset(text, '\\', n);
	for (size_t i = 3; i + sizeof(end) < n; i += 2)
		text[i] = '"';
	memcpy(text + n - sizeof(end) + 1, end, sizeof(end) - 1);
	size_t at = genai_ends_find(str_make(text, n));
	assert_true(at == GENAI_ENDS_NONE || at >= n - sizeof(end));
	memset(text, '\\', n);
	memcpy(text + n - sizeof(end) + 1, end, sizeof(end) - 1);
	at = genai_ends_find(str_make(text, n));
	assert_int_equal(at, n - sizeof(end) + 3);
	memset(text, '}', n);
	assert_int_equal(genai_ends_find(str_make(text, n)), GENAI_ENDS_NONE);
	free(text);
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned k = 1; k < 8; k++) {
		struct arena *a = arena_new(1u << 20);
		struct str s = STR("xx,\"model\":\"m\",\"n\":[1]}");
		const struct json *j;

		harness_fail_alloc(k);
		j = a ? genai_ends_members(a, s, genai_ends_find(s)) : NULL;
		harness_fail_alloc(0);
		assert_true(j == NULL || json_is(json_get(j, "model"), "m"));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hole), cmocka_unit_test(hostile_texts),
		cmocka_unit_test(no_json),    cmocka_unit_test(elements),
		cmocka_unit_test(linear),     cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
