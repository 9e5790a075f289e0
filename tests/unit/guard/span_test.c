/* SPDX-License-Identifier: BSD-2-Clause */
/* A span's JSON: its members, and secrets in every corner of it. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "guard/guard.h"

#define KEY "sk-ant-api03-Zq3vT9xK7mW1pR5nB8dLc2Yf6Hj4Gs0Qe7Ua1Xi3"

static void clean(const struct trace_span *s, struct buf *out)
{
	struct guard *g = guard_new();

	assert_int_equal(guard_span(g, s, 1000000000000000000, false, out), 0);
	guard_free(g);
}

static void whole_span(void **state)
{
	struct str evidence[] = {STR("call_1")};
	struct trace_attribute event_attrs[] = {{.key = STR("n"), .type = TRACE_I64, .i64 = -3}};
	struct trace_event events[] = {
		{.time_ns = 5, .name = STR("retry"), .attributes = event_attrs, .count = 1}};
	struct trace_frame stack[] = {{STR("/x/a.py"), STR("f"), 3}, {STR_NONE, STR_NONE, 0}};
	struct trace_gap gaps[] = {{3, WIRE_READ, 8192, 512, WIRE_CAUSE_RING_FULL}};
	struct trace_attribute attrs[] = {
		{.key = STR("gen_ai.request.model"), .type = TRACE_STR, .text = STR("m\x1b\xff")},
		{.key = STR("gen_ai.request.temperature"), .type = TRACE_F64, .f64 = 0.5},
		{.key = STR("gen_ai.request.stream"), .type = TRACE_BOOL, .i64 = 1},
		{.key = STR("gen_ai.input.messages"),
		 .type = TRACE_JSON,
		 .text = STR("[{\"a\": [1, 2.50, null, {}]}]")},
	};
	struct trace_span s = {
		.id = 0xabc,
		.parent = 0x1,
		.kind = "chat",
		.name = STR("chat m"),
		.start_ns = 2,
		.end_ns = 9,
		.bounded = true,
		.status = TRACE_STATUS_ERROR,
		.status_type = STR("429"),
		.pid = 7,
		.tid = 8,
		.task = STR("Task-1"),
		.source = stack,
		.stack = stack,
		.stack_count = 2,
		.link = {"tool_call_id", true, evidence, 1},
		.attributes = attrs,
		.attribute_count = 4,
		.events = events,
		.event_count = 1,
		.gaps = gaps,
		.gap_count = 1,
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	clean(&s, &b);
	HARNESS_TEXT(
		"span", buf_str(&b),
		"{\"id\":\"0000000000000abc\",\"parent\":\"0000000000000001\",\"kind\":\"chat\",\"name\":"
		"\"chat m\","
		"\"start\":\"2001-09-09T01:46:40.000000002Z\",\"end\":\"2001-09-09T01:46:40.000000009Z\","
		"\"duration_ns\":7,\"time\":\"bounded\",\"status\":{\"code\":\"error\",\"type\":\"429\","
		"\"message\":null},"
		"\"pid\":7,\"tid\":8,\"task\":\"Task-1\","
		"\"source\":{\"file\":\"/x/a.py\",\"line\":3,\"function\":\"f\"},"
		"\"stack\":[{\"file\":\"/x/a.py\",\"line\":3,\"function\":\"f\"},"
		"{\"file\":null,\"line\":null,\"function\":null}],"
		"\"link\":{\"how\":\"tool_call_id\",\"certain\":true,\"evidence\":[\"call_1\"]},"
		"\"attributes\":{\"gen_ai.request.model\":\"m\\u001b\xef\xbf\xbd\",\"gen_ai.request."
		"temperature\":0.5,"
		"\"gen_ai.request.stream\":true,\"gen_ai.input.messages\":[{\"a\":[1,2.50,null,{}]}]},"
		"\"events\":[{\"time\":\"2001-09-09T01:46:40.000000005Z\",\"name\":\"retry\",\"attributes\":{"
		"\"n\":-3}}],"
		"\"gaps\":[{\"connection\":3,\"direction\":\"read\",\"offset\":8192,\"bytes\":512,"
		"\"cause\":\"ring_full\"}]}");
	buf_fini(&b);
}

static void open_root_without_times(void **state)
{
	struct trace_span s = {.id = 1, .kind = "process", .name = STR("x"), .start_ns = 5};
	struct guard *g = guard_new();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(guard_span(g, &s, 1, true, &b), 0);
	HARNESS_TEXT("span", buf_str(&b),
		     "{\"id\":\"0000000000000001\",\"parent\":null,\"kind\":\"process\",\"name\":\"x\","
		     "\"start\":null,"
		     "\"end\":null,\"duration_ns\":null,\"time\":\"observed\",\"status\":{\"code\":\"open\","
		     "\"type\":null,"
		     "\"message\":null},\"pid\":null,\"tid\":null,\"task\":null,\"source\":null,\"stack\":"
		     "null,\"link\":null,"
		     "\"attributes\":{},\"events\":[],\"gaps\":[]}");
	buf_fini(&b);
	guard_free(g);
}

/* One attribute in, the attribute's value out. */
static void one(const char *key, enum trace_value_type type, const char *text, const char *want)
{
	struct trace_attribute attr = {.key = str_of(key), .type = type, .text = str_of(text)};
	struct trace_span s = {
		.id = 1, .kind = "chat", .name = STR("x"), .attributes = &attr, .attribute_count = 1};
	struct arena *a = arena_new(1 << 24);
	struct buf b;

	buf_init(&b, 1 << 20);
	clean(&s, &b);
	const struct json *j = json_parse(a, buf_str(&b), NULL);
	HARNESS_TEXT(text, json_raw(json_get(json_get(j, "attributes"), key)), want);
	arena_free(a);
	buf_fini(&b);
}

static void json_members(void **state)
{
	(void)state;
	/* By name, whatever it looks like; schemas, numbers and plain keys stay. */
	one("gen_ai.tool.call.arguments", TRACE_JSON,
	    "{\"password\":\"a\",\"apiKey\":\"b\",\"key\":\"c\",\"token\":\"d e\"}",
	    "{\"password\":\"[redacted:password]\",\"apiKey\":\"[redacted:api-key]\",\"key\":\"c\",\"token\":"
	    "\"d e\"}");
	one("x", TRACE_JSON,
	    "{\"properties\":{\"password\":{\"type\":\"string\"},\"secret\":{}},\"required\":[\"password\"]}",
	    "{\"properties\":{\"password\":{\"type\":\"string\"},\"secret\":{}},\"required\":[\"password\"]"
	    "}");
	one("x", TRACE_JSON,
	    "{\"access_token\":12,\"secret\":null,\"token\":\"0123456789abcdefXYZ\",\"passwords\":1}",
	    "{\"access_token\":12,\"secret\":null,\"token\":\"[redacted:token]\",\"passwords\":1}");
	one("x", TRACE_JSON, "{\"secret\":[\"a\",{\"b\":\"c\"},\"d\"],\"e\":\"f\"}",
	    "{\"secret\":[\"[redacted:secret]\",{\"b\":\"c\"},\"[redacted:secret]\"],\"e\":\"f\"}");
	one("x", TRACE_JSON,
	    "{\"headers\":[{\"name\":\"X-Api-Key\",\"value\":\"a\"},{\"name\":\"b\",\"value\":\"c\"}]}",
	    "{\"headers\":[{\"name\":\"X-Api-Key\",\"value\":\"[redacted:api-key]\"},{\"name\":\"b\","
	    "\"value\":\"c\"}]}");
	one("x", TRACE_JSON,
	    "{\"args\":[\"x\",\"--token\",\"abc\",\"y\"],\"command\":\"x --password abc y\"}",
	    "{\"args\":[\"x\",\"--token\",\"[redacted:token]\",\"y\"],\"command\":\"x --password "
	    "[redacted:password] y\"}");
	/* Keys of objects are texts too. */
	one("x", TRACE_JSON, "{\"" KEY "\":1}", "{\"[redacted:anthropic-key]\":1}");
}

static void escapes_hide_nothing(void **state)
{
	(void)state;
	one("x", TRACE_JSON, "{\"t\":\"my sk\\u002dant-api03-Zq3vT9xK7mW1pR5nB8dL ok\"}",
	    "{\"t\":\"my [redacted:anthropic-key] ok\"}");
	/* JSON in a string in JSON. */
	one("x", TRACE_JSON, "{\"t\":\"{\\\"k\\\":\\\"sk\\\\u002dant-api03-Zq3vT9xK7mW1pR5nB8dL\\\"}\"}",
	    "{\"t\":\"{\\\"k\\\":\\\"[redacted:anthropic-key]\\\"}\"}");
	/* Nothing to hide: as it was, spaces and escapes included. */
	one("x", TRACE_JSON, "{\"t\":\"{ \\\"k\\\" : \\\"\\\\u00e4\\\" }\"}",
	    "{\"t\":\"{ \\\"k\\\" : \\\"\\\\u00e4\\\" }\"}");
}

static void cut_and_broken_json(void **state)
{
	(void)state;
	one("x", TRACE_JSON, "{\"password\":\"hun", "{\"password\":\"[redacted:password]\"}");
	one("x", TRACE_JSON, "[1,{\"a\":\"b", "[1,{\"a\":\"b\"}]");
	one("x", TRACE_JSON, "\xff" KEY, "\"\xef\xbf\xbd[redacted:anthropic-key]\"");
}

static void attributes_by_name(void **state)
{
	(void)state;
	one("process.command_args", TRACE_JSON, "[\"a\",\"--password\",\"b\",\"-H\",\"Authorization: c\"]",
	    "[\"a\",\"--password\",\"[redacted:password]\",\"-H\",\"Authorization: [redacted:header]\"]");
	one("url.full", TRACE_STR, "https://a:b@c/d?key=e",
	    "\"https://a:[redacted:url-password]@c/d?key=[redacted:url-key]\"");
	one("http.request.header.x-custom", TRACE_STR, "abc", "\"[redacted:header]\"");
	one("http.request.header.authorization", TRACE_JSON, "[\"Bearer x\"]", "\"[redacted:header]\"");
	one("http.response.header.request-id", TRACE_STR, "req_1", "\"req_1\"");
	one("http.request.header.x-stainless-lang", TRACE_STR, "python", "\"python\"");
	one("http.request.header.x-stainless-api-key", TRACE_STR, "abc", "\"[redacted:header]\"");
	one("http.response.header.x-ratelimit-remaining-tokens", TRACE_STR, "7", "\"7\"");
	one("process.command_line", TRACE_STR, "x --token a", "\"x --token [redacted:token]\"");
	one("bottrace.redirect", TRACE_STR, "x", "\"x\"");
	one("server.address", TRACE_STR, "api.openai.com", "\"api.openai.com\"");
}

/* Depth beyond the reader's limit ends as broken JSON does, without recursion. */
static void deep_json(void **state)
{
	char text[3000];
	struct trace_attribute attr = {.key = STR("x"), .type = TRACE_JSON, .text = {text, sizeof(text)}};
	struct trace_span s = {
		.id = 1, .kind = "chat", .name = STR("x"), .attributes = &attr, .attribute_count = 1};
	struct buf b;

	(void)state;
	memset(text, '[', sizeof(text));
	buf_init(&b, 1 << 20);
	clean(&s, &b);
	assert_true(str_ends(buf_str(&b), STR("\"events\":[],\"gaps\":[]}")));
	buf_fini(&b);
}

static void every_failed_allocation(void **state)
{
	static const char text[] =
		"{\"p\":\"{\\\"k\\\":\\\"sk\\\\u002dant-api03-Zq3vT9xK7mW1pR5nB8dL\\\"}\",\"q\":\"" KEY "\","
		"\"password\":\"a\\u0062c\",\"c\":\"\\u0041 password=abcdefg1\"}";
	struct trace_attribute attrs[] = {
		{.key = STR("x"), .type = TRACE_JSON, .text = STR(text)},
		{.key = STR("process.command_args"),
		 .type = TRACE_JSON,
		 .text = STR("[\"--token\",\"" KEY "\",\"--x-key=abcdef\"]")},
		{.key = STR("url.full"), .type = TRACE_STR, .text = STR("https://a:secret1@b/")},
	};
	struct trace_span s = {
		.id = 1, .kind = "chat", .name = STR(KEY), .attributes = attrs, .attribute_count = 3};
	unsigned long n = 0;
	bool failed;

	(void)state;
	do {
		struct buf b;

		buf_init(&b, 1 << 20);
		harness_fail_alloc(++n);
		struct guard *g = guard_new();
		int r = g ? guard_span(g, &s, 1, false, &b) : -ENOMEM;
		failed = harness_alloc_failed();
		harness_fail_alloc(0);
		if (r == 0) {
			static const char *const secrets[] = {"Zq3vT9xK", "abcdef", "secret1", "abc\""};

			for (size_t i = 0; i < 4; i++)
				if (str_has(buf_str(&b), str_of(secrets[i])))
					fail_msg("allocation %lu: %s is in %.*s", n, secrets[i],
						 STR_ARG(buf_str(&b)));
		} else {
			assert_int_equal(b.n, 0);
		}
		guard_free(g);
		buf_fini(&b);
	} while (failed);
	assert_true(n > 5);
}

static void what_code_did(void **state)
{
	struct trace_attribute attrs[] = {
		{.key = STR("bottrace.audit.args"),
		 .type = TRACE_JSON,
		 .text = STR("[\"https://u:pw@h/x?key=" KEY
			     "\",[\"curl\",\"--token\",\"plain-word\",\"A_SECRET=x1y2z3\"],"
			     "[\"h\",9],\"" KEY "\",577,null,{\"password\":\"pw\"}]")}};
	struct trace_event events[] = {{.time_ns = 5, .name = STR("open"), .attributes = attrs, .count = 1},
				       {.time_ns = 6, .name = STR("gc")}};
	struct trace_span s = {.events = events, .event_count = 2};
	struct guard *g = guard_new();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	assert_int_equal(guard_events(g, &s, 1000000000000000000, false, &b), 0);
	static const char *const secrets[] = {KEY, "u:pw", "plain-word", "x1y2z3", "\"pw\""};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (str_has(buf_str(&b), str_of(secrets[i])))
			fail_msg("%s is in %.*s", secrets[i], STR_ARG(buf_str(&b)));
	assert_true(str_has(buf_str(&b), STR("[\"h\",9]")));
	assert_true(str_has(buf_str(&b), STR(",577,null,")));
	assert_true(str_starts(buf_str(&b),
			       STR(",{\"time\":\"2001-09-09T01:46:40.000000005Z\",\"name\":\"open\"")));
	assert_true(str_has(
		buf_str(&b),
		STR("},{\"time\":\"2001-09-09T01:46:40.000000006Z\",\"name\":\"gc\",\"attributes\":{}}")));
	buf_fini(&b);
	guard_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_span),
		cmocka_unit_test(open_root_without_times),
		cmocka_unit_test(json_members),
		cmocka_unit_test(escapes_hide_nothing),
		cmocka_unit_test(cut_and_broken_json),
		cmocka_unit_test(attributes_by_name),
		cmocka_unit_test(what_code_did),
		cmocka_unit_test(deep_json),
		cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
