/* SPDX-License-Identifier: BSD-2-Clause */
/* Cohere's v2 chat, whole and streamed; its embeddings and rerank are in embeddings_test.c. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"everything", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
	 "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
	 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://e.com/i\"}}]},"
	 "{\"role\":\"assistant\",\"tool_plan\":\"I call\",\"tool_calls\":[{\"id\":\"c1\","
	 "\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
	 "\"content\":[{\"type\":\"document\",\"document\":{\"data\":\"rain\"}}]},"
	 "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"text\"}],"
	 "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}],\"temperature\":0.3,"
	 "\"p\":0.9,\"k\":5,\"max_tokens\":9,\"seed\":1,\"frequency_penalty\":0.1,"
	 "\"presence_penalty\":0.2,\"stop_sequences\":[\"x\"],"
	 "\"response_format\":{\"type\":\"json_object\"},\"documents\":[\"d\"]}",
	 JSON_HEAD,
	 "{\"id\":\"id-1\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},"
	 "\"usage\":{\"billed_units\":{\"input_tokens\":5.0,\"output_tokens\":2},"
	 "\"tokens\":{\"input_tokens\":105,\"output_tokens\":12},\"cached_tokens\":96}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\"\n"
	 "  gen_ai.request.temperature=0.3\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=5\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.seed=1\n"
	 "  gen_ai.request.frequency_penalty=0.1\n"
	 "  gen_ai.request.presence_penalty=0.2\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  bottrace.usage.cached_tokens=96\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"object\"}}]\n"
	 "  input system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"look\"\n"
	 "    uri modality=\"image\" text=\"https://e.com/i\"\n"
	 "  input assistant\n"
	 "    reasoning text=\"I call\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c1\" value=[{\"type\":\"document\","
	 "\"document\":{\"data\":\"rain\"}}]\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c1\" value=\"text\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish COMPLETE\n"
	 "  usage 5 2 - - -\n"},
	{"another shape", "/v2/chat", "{\"message\":\"old\"}", JSON_HEAD,
	 "{\"id\":\"id-1\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":\"assistant\","
	 "\"content\":\"hi\"},\"usage\":{\"billed_units\":{\"input_tokens\":5.0,"
	 "\"output_tokens\":2},\"tokens\":{\"input_tokens\":105,\"output_tokens\":12},"
	 "\"cached_tokens\":96}}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row answers_are_read_rows[] = {
	{"thoughts and texts", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", JSON_HEAD,
	 "{\"id\":\"id-1\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\","
	 "\"text\":\"hi\"}]},\"usage\":{\"billed_units\":{\"input_tokens\":5.0,"
	 "\"output_tokens\":2},\"tokens\":{\"input_tokens\":105,\"output_tokens\":12},"
	 "\"cached_tokens\":96}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\"\n"
	 "  bottrace.usage.cached_tokens=96\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"hi\"\n"
	 "  finish COMPLETE\n"
	 "  usage 5 2 - - -\n"},
	{"calls", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", JSON_HEAD,
	 "{\"id\":\"id-1\",\"finish_reason\":\"TOOL_CALL\","
	 "\"message\":{\"role\":\"assistant\",\"tool_plan\":\"I call\","
	 "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"type\":\"function\","
	 "\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]},"
	 "\"usage\":{\"billed_units\":{\"input_tokens\":5.0,\"output_tokens\":2},"
	 "\"tokens\":{\"input_tokens\":105,\"output_tokens\":12},\"cached_tokens\":96}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\"\n"
	 "  bottrace.usage.cached_tokens=96\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"I call\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"g\" value={}\n"
	 "  finish TOOL_CALL\n"
	 "  usage 5 2 - - -\n"},
	{"a bare text, no bill", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", JSON_HEAD,
	 "{\"id\":\"id-1\",\"finish_reason\":\"MAX_TOKENS\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},"
	 "\"usage\":{\"tokens\":{\"input_tokens\":9,\"output_tokens\":3}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish MAX_TOKENS\n"
	 "  usage 9 3 - - -\n"},
	{"refused", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", "404 No",
	 "{\"id\":\"e\",\"message\":\"model not found\"}",
	 "chat error type=\"404\" message=\"model not found\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
	{"strange", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", JSON_HEAD,
	 "{\"id\":1,\"message\":{\"content\":[1,{\"text\":2}],\"tool_calls\":[3,{}]},"
	 "\"finish_reason\":9,\"usage\":[]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    tool_call\n"
	 "    tool_call\n"
	 "  usage ~5 - - - -\n"},
};

static void answers_are_read(void **state)
{
	(void)state;
	ROWS_RUN(answers_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"text", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
	 "\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"message-start\",\"id\":\"id-1\","
	 "\"delta\":{\"message\":{\"role\":\"assistant\"}}}\n"
	 "{\"type\":\"content-start\",\"index\":0,"
	 "\"delta\":{\"message\":{\"content\":{\"type\":\"thinking\",\"thinking\":\"\"}}}}\n"
	 "{\"type\":\"content-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"content\":{\"thinking\":\"hm\"}}}}\n"
	 "{\"type\":\"content-end\",\"index\":0}\n"
	 "{\"type\":\"content-start\",\"index\":1,"
	 "\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"\"}}}}\n"
	 "{\"type\":\"content-delta\",\"index\":1,"
	 "\"delta\":{\"message\":{\"content\":{\"text\":\"Hel\"}}}}\n"
	 "{\"type\":\"content-delta\",\"index\":1,"
	 "\"delta\":{\"message\":{\"content\":{\"text\":\"lo\"}}}}\n"
	 "{\"type\":\"citation-start\",\"index\":0,\"delta\":{}}\n"
	 "{\"type\":\"content-end\",\"index\":1}\n"
	 "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\","
	 "\"usage\":{\"billed_units\":{\"input_tokens\":5,\"output_tokens\":2}}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish COMPLETE\n"
	 "  usage 5 2 - - -\n"},
	{"calls, streams are put together", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
	 "\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"message-start\",\"id\":\"id-1\"}\n"
	 "{\"type\":\"tool-plan-delta\",\"index\":0,\"delta\":{\"message\":{\"tool_plan\":\"I "
	 "\"}}}\n"
	 "{\"type\":\"tool-plan-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"tool_plan\":\"call\"}}}\n"
	 "{\"type\":\"tool-call-start\",\"index\":0,"
	 "\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"c1\",\"type\":\"function\","
	 "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}\n"
	 "{\"type\":\"tool-call-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"{\\\"a\\\":\"}"
	 "}}}}\n"
	 "{\"type\":\"tool-call-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"1}\"}}}}}\n"
	 "{\"type\":\"tool-call-end\",\"index\":0}\n"
	 "{\"type\":\"tool-call-start\",\"index\":1,"
	 "\"delta\":{\"message\":{\"tool_calls\":[{\"id\":\"c2\",\"type\":\"function\","
	 "\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]}}}\n"
	 "{\"type\":\"tool-call-end\",\"index\":1}\n"
	 "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\","
	 "\"usage\":{\"billed_units\":{\"input_tokens\":5,\"output_tokens\":2}}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"I call\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"g\" value={}\n"
	 "  finish TOOL_CALL\n"
	 "  usage 5 2 - - -\n"},
	{"it failed", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
	 "\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"message-start\",\"id\":\"id-1\"}\n"
	 "{\"type\":\"content-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"content\":{\"text\":\"Hel\"}}}}\n"
	 "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"it "
	 "broke\"}}",
	 "chat error type=\"_OTHER\" message=\"it broke\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"error\"\n"
	 "    text text=\"Hel\"\n"
	 "  finish ERROR\n"
	 "  usage ~5 ~1 - - -\n"},
	{"cut", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
	 "\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"message-start\",\"id\":\"id-1\"}\n"
	 "{\"type\":\"content-delta\",\"index\":0,"
	 "\"delta\":{\"message\":{\"content\":{\"text\":\"Hel\"}}}}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" id=\"id-1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"strange, streams are put together", "/v2/chat",
	 "{\"model\":\"command-a\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
	 "\"stream\":true}",
	 SSE_HEAD,
	 "[]\n"
	 "{\"type\":3}\n"
	 "{\"type\":\"content-delta\",\"index\":\"x\","
	 "\"delta\":{\"message\":{\"content\":7}}}\n"
	 "{\"type\":\"tool-call-delta\",\"index\":4,"
	 "\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"x\"}}}}}\n"
	 "{\"type\":\"tool-call-start\"}\n"
	 "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\","
	 "\"usage\":{\"billed_units\":{\"input_tokens\":5,\"output_tokens\":2}}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/chat\"\n"
	 "  chat provider=\"cohere\" model=\"command-a\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    tool_call\n"
	 "  finish COMPLETE\n"
	 "  usage 5 2 - - -\n"},
};

static void streams_are_put_together(void **state)
{
	(void)state;
	ROWS_RUN(streams_are_put_together_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(streams_are_put_together),
	};

	return cmocka_run_group_tests_name("genai cohere", tests, NULL, NULL);
}
