/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static void want_part(struct genai_part p, const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	trace_message_parts(&b, &p, 1);
	assert_int_equal(buf_err(&b), 0);
	harness_assert_text("part", buf_str(&b), str_of(want));
	buf_fini(&b);
}

static void test_parts(void **state)
{
	(void)state;
	want_part((struct genai_part){.type = GENAI_TEXT, .text = STR("a\"b")},
		  "[{\"type\":\"text\",\"content\":\"a\\\"b\"}]");
	want_part((struct genai_part){.type = GENAI_REASONING, .text = STR("hm")},
		  "[{\"type\":\"reasoning\",\"content\":\"hm\"}]");
	want_part((struct genai_part){.type = GENAI_TOOL_CALL,
				      .id = STR("c1"),
				      .name = STR("f"),
				      .value = STR("{\"a\":1}")},
		  "[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"f\",\"arguments\":{\"a\":1}}]");
	want_part((struct genai_part){.type = GENAI_TOOL_CALL, .name = STR("f")},
		  "[{\"type\":\"tool_call\",\"id\":null,\"name\":\"f\",\"arguments\":null}]");
	want_part((struct genai_part){.type = GENAI_TOOL_RESPONSE,
				      .id = STR("c1"),
				      .value = STR("\"x\""),
				      .is_error = true},
		  "[{\"type\":\"tool_call_response\",\"id\":\"c1\",\"response\":\"x\",\"is_error\":true}]");
	want_part((struct genai_part){.type = GENAI_SERVER_TOOL_CALL,
				      .id = STR("s"),
				      .name = STR("web"),
				      .value = STR("{\"type\":\"web\"}")},
		  "[{\"type\":\"server_tool_call\",\"id\":\"s\",\"name\":\"web\",\"server_tool_call\":{"
		  "\"type\":\"web\"}}]");
	want_part((struct genai_part){.type = GENAI_SERVER_TOOL_RESPONSE, .id = STR("s"), .value = STR("{}")},
		  "[{\"type\":\"server_tool_call_response\",\"id\":\"s\",\"server_tool_call_response\":{}}]");
	want_part((struct genai_part){.type = GENAI_BLOB,
				      .modality = STR("image"),
				      .mime = STR("image/png"),
				      .text = STR("iVBO")},
		  "[{\"type\":\"blob\",\"modality\":\"image\",\"mime_type\":\"image/"
		  "png\",\"content\":\"iVBO\"}]");
	want_part(
		(struct genai_part){.type = GENAI_URI, .modality = STR("image"), .text = STR("https://x/y")},
		"[{\"type\":\"uri\",\"modality\":\"image\",\"uri\":\"https://x/y\"}]");
	want_part((struct genai_part){.type = GENAI_FILE, .modality = STR("image"), .text = STR("file-1")},
		  "[{\"type\":\"file\",\"modality\":\"image\",\"file_id\":\"file-1\"}]");
	want_part((struct genai_part){.type = GENAI_OTHER,
				      .name = STR("redacted_thinking"),
				      .value = STR("{\"data\":\"q\"}")},
		  "[{\"type\":\"redacted_thinking\",\"content\":{\"data\":\"q\"}}]");
}

/* What claims to be JSON and is cut or none still gives a document that can be read. */
static void test_bad_values(void **state)
{
	(void)state;
	want_part((struct genai_part){.type = GENAI_TOOL_CALL,
				      .id = STR("c"),
				      .name = STR("f"),
				      .value = STR("{\"a\":[1,")},
		  "[{\"type\":\"tool_call\",\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"a\":[1]}}]");
	want_part(
		(struct genai_part){
			.type = GENAI_TOOL_CALL, .id = STR("c"), .name = STR("f"), .value = STR("}")},
		"[{\"type\":\"tool_call\",\"id\":\"c\",\"name\":\"f\",\"arguments\":\"}\"}]");
	want_part((struct genai_part){.type = GENAI_TEXT, .text = STR("\xff\x1b")},
		  "[{\"type\":\"text\",\"content\":\"\xef\xbf\xbd\\u001b\"}]");
}

static void test_list(void **state)
{
	(void)state;
	struct genai_part p = {.type = GENAI_TEXT, .text = STR("x")};
	struct genai_message m[2] = {
		{.role = STR("user"), .name = STR("bob"), .parts = &p, .count = 1},
		{.role = STR("assistant"), .parts = &p, .count = 1, .finish = STR("stop")},
	};
	struct buf b;

	buf_init(&b, 65536);
	trace_message_list(&b, m, 2, 0, false);
	HARNESS_TEXT(
		"input", buf_str(&b),
		"[{\"role\":\"user\",\"name\":\"bob\",\"parts\":[{\"type\":\"text\",\"content\":\"x\"}]},"
		"{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"x\"}]}]");
	buf_clear(&b);
	trace_message_list(&b, m + 1, 1, 0, true);
	HARNESS_TEXT("output", buf_str(&b),
		     "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"x\"}],\"finish_"
		     "reason\":\"stop\"}]");
	buf_clear(&b);
	trace_message_list(&b, m, 2, 2, false);
	HARNESS_TEXT("nothing left", buf_str(&b), "[]");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
