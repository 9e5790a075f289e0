/* SPDX-License-Identifier: BSD-2-Clause */
/* Histories are undone of their shortening to the byte, whatever a document claims about them. */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

/* clang-format off */
#define MESSAGE(role, text) "{\"role\":\"" role "\",\"parts\":[{\"type\":\"text\",\"content\":\"" text "\"}]}"
#define ANSWER(text) \
	"{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"" text "\"}],\"finish_reason\":\"stop\"}"
#define SPAN(id, n, attributes) \
	"{\"id\":\"000000000000000" id "\",\"parent\":null,\"n\":" n ",\"kind\":\"chat\",\"attributes\":{" attributes "},\"gaps\":[]}"
#define SYSTEM(text) "\"gen_ai.system_instructions\":[{\"type\":\"text\",\"content\":\"" text "\"}],"
#define TOOLS(name)  ",\"gen_ai.tool.definitions\":[{\"name\":\"" name "\"}]"
#define OUTPUT(text) "\"gen_ai.output.messages\":[" ANSWER(text) "]"
#define CONTINUES(id, n) ",\"bottrace.continues\":{\"span\":\"000000000000000" id "\",\"messages\":" n "}"
#define TRACE(spans) "{\"schema\":\"bottrace.v1.trace\",\"trace_id\":\"0\",\"spans\":[" spans "],\"complete\":true}"

#define U1 MESSAGE("user", "one")
#define A1 MESSAGE("assistant", "A")
#define U2 MESSAGE("user", "two")
#define A2 MESSAGE("assistant", "B \\u001b\\ud800")
#define U3 MESSAGE("user", "three")
#define LIST(...) "\"gen_ai.input.messages\":[" __VA_ARGS__ "],"

/* Three turns; a fork that goes another way after the first message; a turn with a system text of its own. */
static const char shortened[] = TRACE(
	SPAN("1", "1", "\"a\":1," SYSTEM("be brief") LIST(U1) OUTPUT("A") TOOLS("bash")) ","
	SPAN("2", "2", LIST(U2) OUTPUT("B \\u001b\\ud800") CONTINUES("1", "2") ",\"z\":1.50") ","
	SPAN("3", "3", LIST(U3) OUTPUT("C") CONTINUES("2", "4")) ","
	SPAN("4", "4", LIST(U3) OUTPUT("D") CONTINUES("3", "1")) ","
	SPAN("5", "5", SYSTEM("sing") LIST() OUTPUT("E") TOOLS("cat") CONTINUES("3", "5")) ","
	"{\"id\":\"0000000000000006\",\"n\":6,\"kind\":\"http\",\"attributes\":{ }}");
static const char whole[] = TRACE(
	SPAN("1", "1", "\"a\":1," SYSTEM("be brief") LIST(U1) OUTPUT("A") TOOLS("bash")) ","
	SPAN("2", "2", SYSTEM("be brief") LIST(U1 "," A1 "," U2) OUTPUT("B \\u001b\\ud800") TOOLS("bash") ",\"z\":1.50") ","
	SPAN("3", "3", SYSTEM("be brief") LIST(U1 "," A1 "," U2 "," A2 "," U3) OUTPUT("C") TOOLS("bash")) ","
	SPAN("4", "4", SYSTEM("be brief") LIST(U1 "," U3) OUTPUT("D") TOOLS("bash")) ","
	SPAN("5", "5", SYSTEM("sing") LIST(U1 "," A1 "," U2 "," A2 "," U3) OUTPUT("E") TOOLS("cat")) ","
	"{\"id\":\"0000000000000006\",\"n\":6,\"kind\":\"http\",\"attributes\":{ }}");
/* clang-format on */

static int to_buf(void *ctx, struct str piece)
{
	buf_add(ctx, piece);
	return buf_err(ctx);
}

static void assert_full(const char *name, struct str document, const char *want)
{
	struct arena *a = arena_new(1u << 30);
	struct buf out;

	buf_init(&out, 1u << 30);
	assert_int_equal(view_full(a, json_parse(a, document, NULL), to_buf, &out), 0);
	assert_true(out.n > 0 && out.p[out.n - 1] == '\n');
	buf_truncate(&out, out.n - 1);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
	arena_free(a);
}

static void histories_are_whole(void **state)
{
	(void)state;
	assert_full("three turns and a fork", str_of(shortened), whole);
	assert_full("twice is once", str_of(whole), whole);
}

/* The call that is continued may stand behind. */
static void order_does_not_matter(void **state)
{
	(void)state;
	assert_full("backwards",
		    STR(TRACE(SPAN("2", "1", LIST(U2) OUTPUT("B") CONTINUES("1", "2")) "," SPAN(
			    "1", "2", LIST(U1) OUTPUT("A")))),
		    TRACE(SPAN("2", "1", LIST(U1 "," A1 "," U2) OUTPUT("B")) "," SPAN("1", "2",
										      LIST(U1) OUTPUT("A"))));
}

static void several_traces(void **state)
{
	struct buf in, want;

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&want, 1 << 20);
	buf_addf(&in, "{\"schema\":\"bottrace.v1.traces\",\"traces\":[%s,%s]}", shortened, shortened);
	buf_addf(&want, "{\"schema\":\"bottrace.v1.traces\",\"traces\":[%s,%s]}", whole, whole);
	assert_full("two traces", buf_str(&in), buf_z(&want));
	buf_fini(&in);
	buf_fini(&want);
}

/* Nothing that can be believed: as it stands. */
static void false_claims_stay(void **state)
{
	static const char *const all[] = {
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A") CONTINUES("1", "1"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A") CONTINUES("2", "1")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "1"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A") CONTINUES("2", "1")) "," SPAN(
			"2", "2",
			LIST(U2) OUTPUT("B") CONTINUES(
				"3", "2")) "," SPAN("3", "3", LIST(U3) OUTPUT("C") CONTINUES("2", "1"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A") CONTINUES("9", "1"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "3"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "9223372036854775807"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "-1"))),
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "null"))),
		/* whoever continues one of these cannot be believed either */
		TRACE(SPAN("1", "1", LIST(U1) OUTPUT("A") CONTINUES("9", "1")) "," SPAN(
			"2", "2", LIST(U2) OUTPUT("B") CONTINUES("1", "1"))),
		TRACE(SPAN("1", "1", "\"bottrace.continues\":7")),
		TRACE("{\"id\":\"0000000000000001\",\"n\":1,\"attributes\":[1,2]}"),
		TRACE("{}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_full("a false claim", str_of(all[i]), all[i]);
}

static void foreign_is_refused(void **state)
{
	static const char *const all[] = {"{}", "[]", "7", TRACE("7"),
					  "{\"schema\":\"bottrace.v1.traces\",\"traces\":[{}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct arena *a = arena_new(1 << 20);
		struct buf out;

		buf_init(&out, 1 << 20);
		assert_int_equal(view_full(a, json_parse(a, str_of(all[i]), NULL), to_buf, &out), -EBADMSG);
		buf_fini(&out);
		arena_free(a);
	}
}

static void one_span(void **state)
{
	struct arena *a = arena_new(1 << 24);
	const struct json *j = json_parse(a, str_of(shortened), NULL);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(view_full_span(&out, a, j, 0, 3), 0);
	HARNESS_TEXT("span 3", buf_str(&out),
		     SPAN("3", "3",
			  SYSTEM("be brief") LIST(U1 "," A1 "," U2 "," A2 "," U3) OUTPUT("C") TOOLS("bash")));
	assert_int_equal(view_full_span(&out, a, j, 0, 7), -ENOENT);
	assert_int_equal(view_full_span(&out, a, j, 1, 1), -ENOENT);
	buf_fini(&out);
	arena_free(a);
}

/* A long chain that adds nothing at all, and one in which every call adds a turn: the cost is that of the result. */
static void long_chains(void **state)
{
	(void)state;
	for (int adds = 0; adds < 2; adds++) {
		struct buf in, out;
		struct arena *a = arena_new(1u << 30);
		unsigned count = adds ? 1000 : 50000;
		clock_t start = clock();

		buf_init(&in, 1 << 28);
		buf_init(&out, 1 << 30);
		buf_addf(&in, "{\"schema\":\"bottrace.v1.trace\",\"spans\":[");
		for (unsigned i = 1; i <= count; i++)
			buf_addf(
				&in,
				"%s{\"id\":\"%016x\",\"n\":%u,\"attributes\":{\"gen_ai.input.messages\":[%s],"
				"\"bottrace.continues\":{\"span\":\"%016x\",\"messages\":%u}}}",
				i > 1 ? "," : "", i + 1, i, adds ? "{}" : "", i, adds ? i - 1 : 0);
		/* The first refers to a span that stands last and adds nothing. */
		buf_addf(&in, ",{\"id\":\"%016x\",\"n\":%u,\"attributes\":{\"gen_ai.input.messages\":[]}}]}",
			 1u, count + 1);
		assert_int_equal(view_full(a, json_parse(a, buf_str(&in), NULL), to_buf, &out), 0);
		assert_true(str_find(buf_str(&out), STR("continues")) < 0);
		if (adds)
			assert_true(out.n > 3ul * count * count / 2 - count);
		assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
		buf_fini(&in);
		buf_fini(&out);
		arena_free(a);
	}
}

static int refuse(void *ctx, struct str piece)
{
	(void)piece;
	++*(int *)ctx;
	return -EPIPE;
}

static void a_refused_piece_ends_it(void **state)
{
	struct arena *a = arena_new(1 << 24);
	int pieces = 0;

	(void)state;
	assert_int_equal(view_full(a, json_parse(a, str_of(shortened), NULL), refuse, &pieces), -EPIPE);
	assert_int_equal(pieces, 1);
	arena_free(a);
}

static void every_prefix(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(shortened); n++) {
		struct arena *a = arena_new(1 << 24);
		struct buf out;
		int r;

		buf_init(&out, 1 << 24);
		r = view_full(a, json_parse(a, str_make(shortened, n), NULL), to_buf, &out);
		assert_true(r == 0 || r == -EBADMSG);
		(void)!view_full_span(&out, a, json_parse(a, str_make(shortened, n), NULL), 0, 3);
		buf_fini(&out);
		arena_free(a);
	}
}

static void every_failed_allocation(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned long n = 1; failed; n++) {
		struct arena *a = arena_new(1 << 24);
		const struct json *j = json_parse(a, str_of(shortened), NULL);
		struct buf out, one;
		int r;

		buf_init(&out, 1 << 24);
		buf_init(&one, 1 << 24);
		harness_fail_alloc(n);
		r = view_full(a, j, to_buf, &out);
		failed = harness_alloc_failed();
		(void)!view_full_span(&one, a, j, 0, 3);
		failed |= harness_alloc_failed();
		harness_fail_alloc(0);
		assert_true(r == 0 || r == -ENOMEM);
		buf_fini(&out);
		buf_fini(&one);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histories_are_whole), cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(several_traces),      cmocka_unit_test(false_claims_stay),
		cmocka_unit_test(foreign_is_refused),  cmocka_unit_test(one_span),
		cmocka_unit_test(long_chains),	       cmocka_unit_test(a_refused_piece_ends_it),
		cmocka_unit_test(every_prefix),	       cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
