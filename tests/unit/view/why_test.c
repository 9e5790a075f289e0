/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a span has its parent: what is confirmed and what is not, who else was there, whatever a document holds. */
#include "harness.h"

#include <errno.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

/* clang-format off */
#define TIME(s)	 "\"2026-11-22T20:41:" s ".000000000Z\""
#define SPAN(id, parent, n, kind, name, from, to, pid, tid, how, certain, evidence, attributes) \
	"{\"id\":\"00000000000000" id "\",\"parent\":" parent ",\"n\":" n ",\"kind\":\"" kind "\",\"name\":\"" name "\"," \
	"\"start\":" TIME(from) ",\"end\":" to ",\"pid\":" pid ",\"tid\":" tid "," \
	"\"link\":{\"how\":\"" how "\",\"certain\":" certain ",\"evidence\":[\"" evidence "\"]},\"attributes\":{" attributes "}," \
	"\"events\":[],\"gaps\":[],\"status\":{\"code\":\"ok\"}"
#define ID(id) "\"00000000000000" id "\""

static const char sample[] =
	"{\"schema\":\"bottrace.v1.trace\",\"root_rule\":\"run\",\"connections\":["
	"{\"id\":1,\"local\":\"a:1\",\"peer\":\"b:2\"},{\"id\":2,\"local\":\"b:2\",\"peer\":\"a:1\"}],\"spans\":["
	"{\"id\":" ID("01") ",\"parent\":null,\"n\":1,\"kind\":\"process\",\"name\":\"python3\",\"start\":" TIME("00") ",\"end\":null,"
	"\"pid\":100,\"tid\":null,\"link\":null,\"attributes\":{},\"events\":[],\"gaps\":[]},"
	SPAN("02", ID("01"), "2", "step", "outer", "01", "null", "100", "100", "process", "true", "pid 100 said so", "") "},"
	SPAN("03", ID("02"), "3", "step", "inner", "02", TIME("30"), "100", "100", "marker", "true", "pid 100 said so", "") "},"
	SPAN("04", ID("01"), "4", "step", "other", "02", "null", "100", "101", "process", "true", "pid 100 said so", "") "},"
	SPAN("05", ID("03"), "5", "chat", "chat gpt", "03", TIME("04"), "100", "100", "marker", "true", "thread 100 wrote it",
	     "\"bottrace.connection\":1,\"gen_ai.output.messages\":[{\"role\":\"assistant\",\"parts\":["
	     "{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"bash\"},{\"type\":\"tool_call\",\"id\":\"c2\",\"name\":\"bash\"}]}]") "},"
	SPAN("06", ID("03"), "6", "execute_tool", "execute_tool bash", "04", TIME("20"), "100", "null", "tool_call_id", "true",
	     "tool call c1 in the answer of span 0000000000000005, span x", "\"gen_ai.tool.call.id\":\"c1\",\"gen_ai.tool.name\":\"bash\","
	     "\"bottrace.requested_by\":" ID("05") ",\"gen_ai.tool.call.arguments\":{\"command\":\"pytest -q\",\"deep\":[[\"src/auth\"]]}") "},"
	SPAN("07", ID("03"), "7", "execute_tool", "execute_tool bash", "04", TIME("20"), "100", "null", "tool_call_id", "true",
	     "tool call c9 in the answer of span 05", "\"gen_ai.tool.call.id\":\"c9\",\"gen_ai.tool.name\":\"bash\","
	     "\"bottrace.requested_by\":" ID("05") ",\"gen_ai.tool.call.arguments\":{\"command\":\"ls /else/where\"}") "},"
	SPAN("08", ID("06"), "8", "process", "pytest", "05", TIME("06"), "200", "null", "content", "false", "its argv holds it",
	     "\"process.parent_pid\":100,\"process.command_args\":[\"sh\",\"-c\",\"pytest -q\"]") "},"
	SPAN("09", ID("03"), "9", "chat", "chat gpt", "05", TIME("06"), "100", "102", "content", "false", "the same",
	     "\"bottrace.hop_of\":" ID("05") ",\"bottrace.connection\":2") "},"
	SPAN("0a", ID("02"), "10", "invoke_agent", "invoke_agent run", "05", "null", "100", "100", "frame", "true", "called within", "")
	",\"source\":{\"file\":\"a.py\",\"line\":4,\"function\":\"run\"}},"
	SPAN("0b", ID("0a"), "11", "chat", "chat gpt", "06", TIME("07"), "100", "100", "frame", "true", "within run", "")
	",\"stack\":[{\"file\":\"a.py\",\"line\":2,\"function\":\"ask\"},{\"file\":\"a.py\",\"line\":4,\"function\":\"run\"}]},"
	SPAN("0c", ID("99"), "12", "chat", "chat gpt", "06", TIME("07"), "100", "100", "frame", "true", "x", "") "}"
	"]}";

static const char why_8[] =
	"span 8 proc sh -c pytest -q\n"
	"parent    6 tool bash {\"command\":\"pytest -q\",\"deep\":[[\"src/auth\"]]}\n"
	"link      content: what was said is the same  inferred\n"
	"evidence  its argv holds it\n"
	"checked   + it began while the parent was open\n"
	"          + its parent process is pid 100, the parent's\n"
	"          + 1 of 2 texts of the tool call's arguments stand in its command line\n"
	"others    6 more were open when it began\n"
	"  10 agent invoke_agent run: there is no stack that could say so\n"
	"  7 tool bash ls /else/where: 0 of 1 texts of its arguments stand in the command line\n"
	"  3 step inner: it is around the parent: the nearest counts\n"
	"  4 step other: the thread is not known\n"
	"  2 step outer: it is around the parent: the nearest counts\n"
	"  1 proc python3: it is around the parent: the nearest counts\n";

static const char why_6[] =
	"span 6 tool bash {\"command\":\"pytest -q\",\"deep\":[[\"src/auth\"]]}\n"
	"parent    3 step inner\n"
	"link      tool_call_id: the id of a tool call says it  certain\n"
	"evidence  tool call c1 in the answer of span 5, span x\n"
	"checked   + it began while the parent was open\n"
	"          + span 5 asks for c1\n"
	"          + span 5, which asked for it, has the same parent\n"
	"others    4 more were open when it began\n"
	"  7 tool bash ls /else/where: nothing says that it was called from within this tool call\n"
	"  4 step other: the thread is not known\n"
	"  2 step outer: it is around the parent: the nearest counts\n"
	"  1 proc python3: it is around the parent: the nearest counts\n";

static const char why_5[] =
	"span 5 llm chat gpt\n"
	"parent    3 step inner\n"
	"link      marker: the program's own marks say it  certain\n"
	"evidence  thread 100 wrote it\n"
	"checked   + it began while the parent was open\n"
	"          + both are of pid 100\n"
	"          + both are of thread 100\n"
	"others    3 more were open when it began\n"
	"  4 step other: it is of thread 101, not of 100\n"
	"  2 step outer: it is around the parent: the nearest counts\n"
	"  1 proc python3: it is around the parent: the nearest counts\n";
/* clang-format on */

static const struct view_style ascii = {.ascii = true};

static void text_of(const char *name, uint32_t n, const char *want)
{
	struct arena *a = arena_new(1 << 24);
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_int_equal(view_why(&out, a, json_parse(a, str_of(sample), NULL), 0, n, &ascii), 0);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
	arena_free(a);
}

static void as_approved(void **state)
{
	(void)state;
	text_of("a process of a tool call", 8, why_8);
	text_of("a call in a step", 5, why_5);
	text_of("a tool call", 6, why_6);
	text_of("a root", 1,
		"span 1 proc python3\nparent    none: it is a root; the trace was cut out as run\n");
}

static const struct json *why(struct arena *a, uint32_t n)
{
	struct json_end end;
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_int_equal(view_why_json(&out, a, json_parse(a, str_of(sample), NULL), 0, n), 0);
	const struct json *j = json_parse(a, arena_dup(a, buf_str(&out)), &end);
	assert_int_equal(end.state, JSON_WHOLE);
	buf_fini(&out);
	return j;
}

/* The fact that begins so: 1 it holds, 0 it does not, -1 there is none. */
static int fact(struct arena *a, uint32_t n, const char *begins)
{
	for (const struct json *f = json_first(json_get(why(a, n), "checked")); f; f = json_next(f)) {
		bool holds = false;

		if (!str_starts(json_get_str(a, f, "what"), str_of(begins)))
			continue;
		assert_true(json_bool(json_get(f, "holds"), &holds));
		return holds;
	}
	return -1;
}

/* Facts are looked up, not believed. */
static void checks(void **state)
{
	(void)state;
	struct arena *a = arena_new(1 << 24);

	assert_int_equal(fact(a, 6, "span 5 asks for c1"), 1);
	assert_int_equal(fact(a, 6, "span 5, which asked for it, has the same parent"), 1);
	assert_int_equal(fact(a, 7, "span 5 asks for c9"), 0);
	assert_int_equal(fact(a, 9, "its connection and that of span 5 are two ends of one"), 1);
	assert_int_equal(fact(a, 11, "run stands on its stack"), 1);
	assert_int_equal(fact(a, 11, "it began while the parent was open"), 1);
	assert_true(json_type(json_get(why(a, 12), "parent")) == JSON_NULL);
	assert_int_equal(fact(a, 12, ""), -1);
	/* What lies below a span is not asked whether it is its parent. */
	for (const struct json *o = json_first(json_get(why(a, 10), "others")); o; o = json_next(o))
		assert_false(json_is(json_path(o, "span", "id", NULL), "000000000000000b"));
	arena_free(a);
}

static void none(void **state)
{
	(void)state;
	struct arena *a = arena_new(1 << 24);
	struct buf out;

	buf_init(&out, 1 << 20);
	const struct json *j = json_parse(a, str_of(sample), NULL);
	assert_int_equal(view_why(&out, a, j, 0, 99, &ascii), -ENOENT);
	assert_int_equal(view_why(&out, a, j, 1, 1, &ascii), -ENOENT);
	assert_int_equal(view_why(&out, a, json_parse(a, STR("{}"), NULL), 0, 1, &ascii), -EBADMSG);
	buf_fini(&out);
	arena_free(a);
}

static void hostile(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t n = 0; n < sizeof(sample); n += 3) {
		struct arena *a = arena_new(1 << 24);
		const struct json *j = json_parse(a, str_head(str_of(sample), n), NULL);

		for (uint32_t k = 1; k <= 12; k += 11) {
			buf_clear(&out);
			int r = view_why(&out, a, j, 0, k, &ascii);
			assert_true(r == 0 || r == -ENOENT || r == -EBADMSG);
			buf_clear(&out);
			r = view_why_json(&out, a, j, 0, k);
			assert_true(r == 0 || r == -ENOENT || r == -EBADMSG);
		}
		arena_free(a);
	}
	buf_fini(&out);
}

/* A deep chain and many open spans: in time that grows with their number, and the nearest are shown. */
static void many(void **state)
{
	(void)state;
	struct arena *a = arena_new(1u << 30);
	struct buf text, out;
	int64_t left = 0;
	clock_t begin = clock();

	buf_init(&text, 1 << 28);
	buf_init(&out, 1 << 20);
	buf_add(&text, STR("{\"schema\":\"bottrace.v1.trace\",\"spans\":["));
	for (int i = 1; i <= 50000; i++)
		buf_addf(&text,
			 "%s{\"id\":\"%016x\",\"parent\":\"%016x\",\"n\":%d,\"kind\":\"step\",\"name\":\"s\","
			 "\"start\":" TIME("00") ",\"end\":null,\"pid\":1,\"attributes\":{}}",
			 i > 1 ? "," : "", i, i == 1 ? 50000 : i - 1, i);
	buf_add(&text, STR("]}"));
	const struct json *j = json_parse(a, buf_str(&text), NULL);
	assert_int_equal(view_why_json(&out, a, j, 0, 40000), 0);
	j = json_parse(a, buf_str(&out), NULL);
	assert_int_equal(json_count(json_get(j, "others")), 16);
	assert_true(json_i64(json_get(j, "others_left_out"), &left));
	assert_int_equal(left, 39999 - 1 - 16);
	assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20);
	buf_fini(&text);
	buf_fini(&out);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_approved), cmocka_unit_test(checks), cmocka_unit_test(none),
		cmocka_unit_test(hostile),     cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
