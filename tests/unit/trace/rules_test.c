/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static void formats(const char *text, const char *want)
{
	struct trace_rules r = {0}, again = {0};
	struct buf b;
	const char *why = trace_rules_parse(str_of(text), &r);

	if (why)
		fail_msg("%s: %s", text, why);
	buf_init(&b, 256);
	trace_rules_format(&b, &r);
	HARNESS_TEXT(text, buf_str(&b), want);
	/* The one spelling means the same. */
	assert_null(trace_rules_parse(buf_str(&b), &again));
	assert_memory_equal(&r, &again, sizeof(r));
	buf_fini(&b);
}

static void spellings(void **state)
{
	(void)state;
	formats("errors", "errors");
	formats("slow>5s", "slow>5s");
	formats("slow>5000ms", "slow>5s");
	formats("slow>0.5s", "slow>500ms");
	formats("slow>2m", "slow>2m");
	formats("slow>90s", "slow>90s");
	formats("slow>1.5m", "slow>90s");
	formats("slow>0.000001ms", "slow>0.000001ms");
	formats("slow>1.25s", "slow>1.25s");
	formats("cost>0.50", "cost>0.5");
	formats("cost>3", "cost>3");
	formats("cost>0.000000000001", "cost>0.000000000001");
	formats("cost>1,slow>1s,errors", "errors,slow>1s,cost>1");
	formats("errors,slow>5s,cost>0.50", "errors,slow>5s,cost>0.5");
	formats("slow>1s,slow>2s", "slow>2s"); /* the last one */
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"",
		",",
		"errors,",
		",errors",
		"error",
		"errors ",
		" errors",
		"errors,,slow>1s",
		"slow",
		"slow>",
		"slow>s",
		"slow>5",
		"slow>0s",
		"slow>0ms",
		"slow>0.0s",
		"slow>-1s",
		"slow>1.s",
		"slow>.5s",
		"slow>1h",
		"slow>1 s",
		"slow>1.0000000001s",
		"slow>1.0000001ms",
		"slow>99999999999999999999s",
		"slow>18446744074s",
		"slow>400000000m",
		"slow<1s",
		"slow=1s",
		"cost",
		"cost>",
		"cost>0",
		"cost>0.0",
		"cost>$1",
		"cost>1$",
		"cost>-1",
		"cost>1e3",
		"cost>0.0000000000001",
		"cost>18446745",
		"cost>1.",
		"Errors",
		"slow>1S",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trace_rules r = {.slow_ns = 77};

		if (trace_rules_parse(str_of(texts[i]), &r) == NULL)
			fail_msg("%s was taken", texts[i]);
		assert_int_equal(r.slow_ns, 77); /* as before */
		assert_false(r.errors);
	}
}

static bool matches(const char *rules, const struct trace_span *s, uint64_t now_ns)
{
	struct trace_rules r;

	assert_null(trace_rules_parse(str_of(rules), &r));
	return trace_rules_match(&r, s, now_ns);
}

static void matching(void **state)
{
	const uint64_t second = 1000000000u;
	struct trace_span ok = {
		.kind = "chat", .status = TRACE_STATUS_OK, .start_ns = second, .end_ns = 4 * second};
	struct trace_span failed = {.kind = "http", .status = TRACE_STATUS_ERROR};
	struct trace_span aborted = {.kind = "chat", .status = TRACE_STATUS_ABORTED};
	struct trace_span open = {.kind = "chat", .status = TRACE_STATUS_OPEN, .start_ns = second};
	struct trace_span tool = {
		.kind = "execute_tool", .status = TRACE_STATUS_OPEN, .start_ns = second, .bounded = true};
	struct trace_span unseen = {
		.kind = "execute_tool", .status = TRACE_STATUS_OK, .start_ns = second, .bounded = true};
	struct trace_event retry = {.name = STR("retry")};
	struct trace_span retried = {
		.kind = "chat", .status = TRACE_STATUS_OK, .events = &retry, .event_count = 1};
	struct trace_attribute cost = {
		.key = STR("bottrace.cost_usd"), .type = TRACE_STR, .text = STR("0.51")};
	struct trace_span dear = {
		.kind = "chat", .status = TRACE_STATUS_OK, .attributes = &cost, .attribute_count = 1};

	(void)state;
	assert_false(matches("errors", &ok, 9 * second));
	assert_true(matches("errors", &failed, 0));
	assert_true(matches("errors", &aborted, 0));
	assert_false(matches("errors", &open, 9 * second));
	assert_true(matches("errors", &retried, 0)); /* an attempt failed */
	assert_true(matches("slow>2s", &ok, 0));
	assert_true(matches("slow>2999ms", &ok, 0));
	assert_false(matches("slow>3s", &ok, 0)); /* as long is not longer */
	assert_true(matches("slow>2s", &open, 4 * second));
	assert_false(matches("slow>2s", &open, 3 * second));
	assert_false(matches("slow>2s", &tool, 9 * second));
	assert_false(matches("slow>2s", &unseen, 9 * second));
	assert_false(matches("slow>2s", &failed, 9 * second)); /* no times */
	assert_true(matches("cost>0.50", &dear, 0));
	assert_false(matches("cost>0.51", &dear, 0));
	assert_false(matches("cost>0.50", &ok, 0)); /* unknown */
	cost = (struct trace_attribute){.key = STR("bottrace.cost_usd"), .type = TRACE_STR, .text = STR("2")};
	assert_true(matches("cost>1.5", &dear, 0));
	assert_true(matches("errors,slow>9s,cost>1.5", &dear, 0));
	assert_false(matches("errors,slow>9s,cost>2.5", &dear, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(refused),
		cmocka_unit_test(matching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
