/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "base/limits.h"

static void test_absent(void **state)
{
	(void)state;
	struct trace_draft d;

	trace_draft_init(&d);
	trace_draft_str(&d, "a", STR_NONE); /* unknown: not there */
	trace_draft_json(&d, "b", STR_NONE);
	trace_draft_str(&d, "c", STR(""));
	trace_draft_bool(&d, "d", false);
	assert_int_equal(d.s.attribute_count, 2);
	assert_true(str_eq(d.s.attributes[0].key, STR("c")));
	assert_int_equal(d.s.attributes[1].type, TRACE_BOOL);
	assert_true(trace_draft_whole(&d));
	trace_draft_fini(&d);
}

/* Each kind of room has an end; beyond it the draft is not whole, and nothing is overwritten. */
static void test_bounds(void **state)
{
	(void)state;
	struct trace_draft d;

	trace_draft_init(&d);
	for (uint32_t i = 0; i < TRACE_DRAFT_ATTRIBUTES; i++)
		trace_draft_i64(&d, "k", i);
	assert_true(trace_draft_whole(&d));
	trace_draft_i64(&d, "k", 0);
	assert_false(trace_draft_whole(&d));
	trace_draft_fini(&d);

	trace_draft_init(&d);
	trace_draft_events(&d, 1);
	struct trace_event *e = trace_draft_event(&d, "x", 5, 1);
	trace_draft_event_str(e, "k", STR("v"));
	assert_int_equal(e->count, 1);
	assert_null(trace_draft_event(&d, "y", 6, 1));
	trace_draft_event_str(NULL, "k", STR("v"));
	assert_false(trace_draft_whole(&d));
	trace_draft_fini(&d);

	trace_draft_init(&d);
	trace_draft_gap(&d, &(struct trace_gap){.bytes = 1});
	assert_false(trace_draft_whole(&d));
	trace_draft_fini(&d);

	trace_draft_init(&d);
	for (uint32_t i = 0; i < TRACE_DRAFT_BUFS; i++)
		assert_non_null(trace_draft_buf(&d));
	assert_true(trace_draft_whole(&d));
	assert_non_null(trace_draft_buf(&d));
	assert_false(trace_draft_whole(&d));
	trace_draft_fini(&d);

	trace_draft_init(&d);
	trace_draft_link(&d, "fork", false);
	for (unsigned i = 0; i < TRACE_DRAFT_EVIDENCE + 5; i++) /* enough is enough */
		trace_draft_evidence(&d, "%u %0300d", i, 7);
	assert_int_equal(d.s.link.evidence_count, TRACE_DRAFT_EVIDENCE);
	assert_int_equal(d.s.link.evidence[0].n, 255);
	assert_true(trace_draft_whole(&d));
	trace_draft_fini(&d);
}

static void test_text_too_long(void **state)
{
	(void)state;
	struct trace_draft d;

	trace_draft_init(&d);
	assert_null(buf_reserve(trace_draft_buf(&d), LIMIT_SPAN_BYTES + 1ul));
	assert_false(trace_draft_whole(&d));
	trace_draft_fini(&d);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1; n <= 3; n++) {
		struct trace_draft d;

		harness_fail_alloc(n);
		trace_draft_init(&d);
		trace_draft_i64(&d, "k", 1);
		trace_draft_link(&d, "fork", true);
		trace_draft_evidence(&d, "why");
		trace_draft_events(&d, 2);
		trace_draft_gaps(&d, 2);
		(void)trace_draft_hex(&d, 1);
		trace_draft_fini(&d);
	}
	harness_fail_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_text_too_long),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
