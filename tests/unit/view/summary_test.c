/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said at the end, from a session played by this file; as approved. */
#include "harness.h"

#include <errno.h>

#include "view/view.h"

#define SECOND 1000000000ull
#define START  (5 * SECOND)

/* ---- the rooms behind view, played ---- */

static struct trace traces[2];
static size_t trace_count;
static struct flow_conn conn = {.side = {[WIRE_READ] = {.kept = 211532}}};

const struct trace *trace_next(const struct trace_set *t, const struct trace *after)
{
	size_t i = after ? (size_t)(after - traces) + 1 : 0;

	(void)t;
	return i < trace_count ? &traces[i] : NULL;
}

uint32_t trace_of_proc(const struct trace_set *t, const struct proc *p)
{
	(void)t;
	(void)p;
	return 0;
}

int64_t trace_utc_offset(const struct trace_set *t)
{
	(void)t;
	return 1000000000000000000;
}

uint64_t trace_session_site_ns(const struct trace_set *t)
{
	(void)t;
	return 1900;
}

struct proc *proc_next(const struct proc_table *t, const struct proc *after)
{
	(void)t;
	(void)after;
	return NULL;
}

struct flow_conn *flow_next(const struct flow *f, const struct flow_conn *after)
{
	(void)f;
	return after ? NULL : &conn;
}

static void play(void)
{
	struct trace *t = &traces[0];

	traces[0] = (struct trace){.id = "0123456789abcdef0123456789abcdef",
				   .start_ns = START,
				   .end_ns = START + 72 * SECOND,
				   .status = TRACE_STATUS_ERROR,
				   .counts_known = true};
	t->counts.entered = 448;
	t->counts.empty = 57;
	t->counts.sent = 388;
	t->counts.lost[WIRE_CAUSE_RING_FULL] = 3;
	t->counts.bytes_seen = 212044;
	t->counts.events_sent = 12;
	traces[1] = (struct trace){.id = "f", .index = 1, .status = TRACE_STATUS_OPEN, .complete = true};
	trace_count = 1;
}

static void add_span(struct store *s, const char *kind, uint64_t id, uint64_t parent,
		     enum trace_status status, int64_t input, int64_t output)
{
	struct trace_attribute tokens[4];
	struct trace_gap gap = {.bytes = 512};
	struct trace_span span = {.id = id,
				  .parent = parent,
				  .kind = kind,
				  .status = status,
				  .start_ns = START + id * SECOND,
				  .link = {.how = "process", .certain = id != 4},
				  .attributes = tokens,
				  .gaps = &gap,
				  .gap_count = id == 5,
				  .seq = (uint32_t)id};

	if (input)
		tokens[span.attribute_count++] = (struct trace_attribute){
			.key = STR("gen_ai.usage.input_tokens"), .type = TRACE_I64, .i64 = input};
	if (output)
		tokens[span.attribute_count++] = (struct trace_attribute){
			.key = STR("gen_ai.usage.output_tokens"), .type = TRACE_I64, .i64 = output};
	if (id == 2) {
		tokens[span.attribute_count++] = (struct trace_attribute){
			.key = STR("bottrace.cost_usd"), .type = TRACE_STR, .text = STR("0.0077826")};
		tokens[span.attribute_count++] = (struct trace_attribute){
			.key = STR("http.response.status_code"), .type = TRACE_I64, .i64 = 200};
	}
	assert_int_equal(store_add(s, &span, STR("never read")), 0);
}

/* The session that sample.h has as a document. */
static void add_spans(struct store *s)
{
	add_span(s, "process", 1, 0, TRACE_STATUS_ERROR, 0, 0);
	add_span(s, "chat", 2, 1, TRACE_STATUS_OK, 8412, 311);
	add_span(s, "execute_tool", 3, 1, TRACE_STATUS_ERROR, 0, 0);
	add_span(s, "process", 4, 3, TRACE_STATUS_ERROR, 0, 0);
	add_span(s, "chat", 5, 1, TRACE_STATUS_ABORTED, 120, INT64_MAX);
	add_span(s, "http", 6, 1, TRACE_STATUS_OPEN, -4, 0);
	assert_int_equal(store_finish(s), 0);
}

static int sum_up(struct buf *out, const struct view_style *style, bool no_times, void add(struct store *))
{
	struct view_session v = {.store = store_new(NULL), .no_times = no_times};

	assert_non_null(v.store);
	buf_init(out, 1 << 20);
	add(v.store);
	int r = view_summary(out, &v, style);
	store_free(v.store);
	return r;
}

static void assert_summary(const char *name, struct view_style style, const char *want)
{
	struct buf out;

	assert_int_equal(sum_up(&out, &style, false, add_spans), 0);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
}

/* ---- tests ---- */

static void golden_texts(void **state)
{
	(void)state;
	play();
	assert_summary(
		"in a pipe", (struct view_style){0},
		"bottrace: 1m12s  llm 2  tools 1  tokens 8,532->311  $0.0078 + 1 unknown  errors 2  "
		"incomplete\n"
		"captured 211.5 kB in 391 calls, LOST 512 B; added 1.90 us a call, 851 us in all\n"
		"gaps: 1, 512 B: they stand in the tree, at the calls that they hit\n"
		"ledger: calls 391 = 388 kept + 3 ring_full; bytes 212,044 = 211,532 kept + 512 missing; "
		"events 12 = 12 kept + 0 lost\n");
	assert_summary("60 columns", (struct view_style){.ascii = true, .columns = 60},
		       "bottrace: 1m12s  llm 2  tools 1  tokens 8,532->311  $0.00...\n"
		       "captured 211.5 kB in 391 calls, LOST 512 B; added 1.90 us...\n"
		       "gaps: 1, 512 B: they stand in the tree, at the calls that...\n"
		       "ledger: calls 391 = 388 kept + 3 ring_full\n"
		       "        bytes 212,044 = 211,532 kept + 512 missing\n"
		       "        events 12 = 12 kept + 0 lost\n");
}

static void add_failed_build(struct store *s)
{
	add_span(s, "execute_tool", 1, 0, TRACE_STATUS_OK, 0, 0);
	add_span(s, "process", 2, 1, TRACE_STATUS_ERROR, 0, 0); /* fails a tool that is none itself: counts */
	add_span(s, "process", 3, 2, TRACE_STATUS_ERROR, 0, 0); /* below another process: does not */
	add_span(s, "process", 4, 99, TRACE_STATUS_ERROR, 0, 0); /* nobody's */
	assert_int_equal(store_finish(s), 0);
}

static void errors_of_processes(void **state)
{
	struct view_style style = {0};
	struct buf out;

	(void)state;
	play();
	traces[0].end_ns = 0;
	traces[0].until_ns = START + SECOND; /* spans begin later than that */
	assert_int_equal(sum_up(&out, &style, false, add_failed_build), 0);
	assert_true(
		str_starts(buf_str(&out), STR("bottrace: 4.00 s  llm 0  tools 1  errors 1  incomplete\n")));
	buf_fini(&out);
}

static void add_nothing(struct store *s)
{
	assert_int_equal(store_finish(s), 0);
}

static void several_traces_without_times(void **state)
{
	struct view_style style = {0};
	struct buf out;

	(void)state;
	play();
	trace_count = 2;
	assert_int_equal(sum_up(&out, &style, true, add_nothing), 0);
	assert_true(str_starts(buf_str(&out), STR("bottrace: ?  llm 0  tools 0  errors 0  incomplete\n")));
	assert_true(str_has(buf_str(&out), STR("\nbottrace: ?  llm 0  tools 0  errors 0  open  complete\n")));
	buf_fini(&out);
}

static void assert_first_line(const char *end)
{
	struct view_style style = {0};
	struct str line;
	struct buf out;

	assert_int_equal(sum_up(&out, &style, false, add_spans), 0);
	(void)str_cut(buf_str(&out), '\n', &line);
	if (!str_ends(line, str_of(end)))
		fail_msg("\"%s\" is not the end of: %.*s", end, STR_ARG(line));
	buf_fini(&out);
}

static void what_was_left_out(void **state)
{
	(void)state;
	play();
	traces[0].sample_n = 1;
	assert_first_line("  incomplete");
	traces[0].sample_n = 10;
	assert_first_line("  incomplete  sampled 1/10");
	traces[0].sampled_out = true;
	assert_first_line("  incomplete  sampled 1/10, not in the sample");
	play();
	traces[0].shed_steps = 1;
	traces[0].shed_level = WIRE_SHED_STACKS;
	assert_first_line("  incomplete  shed in 1 step, last: stacks");
	traces[0].shed_steps = 12;
	traces[0].shed_level = WIRE_SHED_LAST + 1;
	assert_first_line("  incomplete  shed in 12 steps, last: ?");
}

static void add_many(struct store *s)
{
	for (uint32_t i = 1; i <= 25000; i++)
		add_span(s, "chat", i, i - 1, TRACE_STATUS_OK, 1, 1);
	assert_int_equal(store_finish(s), 0);
}

static void many_spans(void **state)
{
	struct view_style style = {0};
	struct buf out;

	(void)state;
	play();
	assert_int_equal(sum_up(&out, &style, false, add_many), 0);
	assert_true(str_has(
		buf_str(&out),
		STR("llm 25,000  tools 0  tokens 25,000->25,000  $0.0078 + 24,999 unknown  errors 0")));
	buf_fini(&out);
}

static void every_failed_allocation(void **state)
{
	struct view_session v = {.store = store_new(NULL)};
	struct view_style style = {0};
	unsigned long n = 0;
	struct buf out;
	bool failed;

	(void)state;
	play();
	add_spans(v.store);
	do {
		buf_init(&out, 1 << 20);
		harness_fail_alloc(++n);
		int r = view_summary(&out, &v, &style);
		failed = harness_alloc_failed();
		harness_fail_alloc(0);
		if (!failed)
			assert_int_equal(r, 0);
		assert_true(r == 0 || r == -ENOMEM);
		buf_fini(&out);
	} while (failed);
	assert_true(n > 5);
	store_free(v.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_texts),
		cmocka_unit_test(errors_of_processes),
		cmocka_unit_test(several_traces_without_times),
		cmocka_unit_test(what_was_left_out),
		cmocka_unit_test(many_spans),
		cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
