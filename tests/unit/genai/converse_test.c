/* SPDX-License-Identifier: BSD-2-Clause */
/* Bedrock's Converse and ConverseStream. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"everything", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"look\"},"
	 "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}},"
	 "{\"document\":{\"format\":\"pdf\",\"name\":\"n\","
	 "\"source\":{\"s3Location\":{\"uri\":\"s3://b/k\"}}}},{\"video\":{\"format\":\"mp4\","
	 "\"source\":{\"bytes\":\"BB\"}}},{\"cachePoint\":{\"type\":\"default\"}},"
	 "{\"guardContent\":{\"text\":{\"text\":\"g\"}}}]},{\"role\":\"assistant\","
	 "\"content\":[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\","
	 "\"signature\":\"s\"}}},{\"reasoningContent\":{\"redactedContent\":\"zz\"}},"
	 "{\"text\":\"I call\"},{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"f\","
	 "\"input\":{\"a\":1}}},{\"toolUse\":{\"toolUseId\":\"t2\",\"name\":\"g\","
	 "\"input\":{}}}]},{\"role\":\"user\","
	 "\"content\":[{\"toolResult\":{\"toolUseId\":\"t1\",\"content\":[{\"text\":\"a\"},"
	 "{\"text\":\"b\"}],\"status\":\"success\"}},{\"toolResult\":{\"toolUseId\":\"t2\","
	 "\"content\":[{\"json\":{\"r\":1}}],\"status\":\"error\"}}]},{\"role\":\"user\","
	 "\"content\":[{\"toolResult\":{\"toolUseId\":\"t3\",\"content\":[{\"text\":\"a\"},"
	 "{\"json\":{\"r\":1}}]}},{\"text\":\"and\"}]}],\"system\":[{\"text\":\"be brief\"},"
	 "{\"cachePoint\":{\"type\":\"default\"}}],\"inferenceConfig\":{\"maxTokens\":9,"
	 "\"temperature\":0.5,\"topP\":0.9,\"stopSequences\":[\"x\"]},"
	 "\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\","
	 "\"inputSchema\":{\"json\":{\"type\":\"object\"}}}},"
	 "{\"cachePoint\":{\"type\":\"default\"}},"
	 "{\"systemTool\":{\"name\":\"nova_grounding\"}}]}}",
	 JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"hi\"}]}},"
	 "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,\"outputTokens\":2,"
	 "\"totalTokens\":7},\"metrics\":{\"latencyMs\":3}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"object\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"look\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AAAA\"\n"
	 "    uri modality=\"document\" mime=\"application/pdf\" text=\"s3://b/k\"\n"
	 "    blob modality=\"video\" mime=\"video/mp4\" text=\"BB\"\n"
	 "    other name=\"guardContent\" "
	 "value={\"guardContent\":{\"text\":{\"text\":\"g\"}}}\n"
	 "  input assistant\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"I call\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"t2\" name=\"g\" value={}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"t1\" value=\"ab\"\n"
	 "    tool_call_response id=\"t2\" value={\"r\":1} is_error\n"
	 "  input user\n"
	 "    tool_call_response id=\"t3\" value=[{\"text\":\"a\"},{\"json\":{\"r\":1}}]\n"
	 "    text text=\"and\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
	{"another shape", "/model/us.anthropic.claude-v1%3A0/converse", "{\"prompt\":\"x\"}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"hi\"}]}},"
	 "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,\"outputTokens\":2,"
	 "\"totalTokens\":7},\"metrics\":{\"latencyMs\":3}}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"},
	{"no path of its own", "/model//converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"hi\"}]}},"
	 "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,\"outputTokens\":2,"
	 "\"totalTokens\":7},\"metrics\":{\"latencyMs\":3}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model//converse\"\n"
	 "  chat provider=\"aws.bedrock\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row answers_are_read_rows[] = {
	{"thoughts and calls", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\","
	 "\"content\":[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\"}}},"
	 "{\"text\":\"I call\"},{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"f\","
	 "\"input\":{\"a\":1}}}]}},\"stopReason\":\"tool_use\",\"usage\":{\"inputTokens\":2,"
	 "\"outputTokens\":5,\"totalTokens\":1329,\"cacheReadInputTokens\":1322,"
	 "\"cacheWriteInputTokens\":0},\"metrics\":{\"latencyMs\":3}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"I call\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_use\n"
	 "  usage 1324 5 1322 0 -\n"},
	{"tools of the system", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\","
	 "\"content\":[{\"toolUse\":{\"toolUseId\":\"s1\",\"name\":\"nova_code_interpreter\","
	 "\"type\":\"server_tool_use\",\"input\":{\"snippet\":\"1\"}}},"
	 "{\"toolResult\":{\"toolUseId\":\"s1\",\"type\":\"nova_code_interpreter_result\","
	 "\"content\":[{\"json\":{\"stdOut\":\"1\"}}],\"status\":\"success\"}},"
	 "{\"text\":\"1\"}]}},\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,"
	 "\"outputTokens\":2,\"totalTokens\":7},\"metrics\":{\"latencyMs\":3}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    server_tool_call id=\"s1\" name=\"nova_code_interpreter\" "
	 "value={\"type\":\"nova_code_interpreter\",\"input\":{\"snippet\":\"1\"}}\n"
	 "    server_tool_call_response id=\"s1\" name=\"nova_code_interpreter_result\" "
	 "value={\"type\":\"nova_code_interpreter_result\","
	 "\"content\":[{\"json\":{\"stdOut\":\"1\"}}]}\n"
	 "    text text=\"1\"\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
	{"held back", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"no\"}]}},"
	 "\"stopReason\":\"guardrail_intervened\",\"usage\":{\"inputTokens\":5,"
	 "\"outputTokens\":2,\"totalTokens\":7},\"metrics\":{\"latencyMs\":3}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"content_filter\"\n"
	 "    text text=\"no\"\n"
	 "  finish guardrail_intervened\n"
	 "  usage 5 2 - - -\n"},
	{"strange", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"output\":{\"message\":{\"content\":[1,{},{\"text\":2},{\"toolUse\":3},"
	 "{\"new\":{\"x\":1}}]}},\"stopReason\":7,\"usage\":{\"inputTokens\":\"5\"}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    other name=\"text\" value={\"text\":2}\n"
	 "    other name=\"toolUse\" value={\"toolUse\":3}\n"
	 "    other name=\"new\" value={\"new\":{\"x\":1}}\n"
	 "  usage ~5 - - - -\n"},
	{"refused", "/model/us.anthropic.claude-v1%3A0/converse",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}",
	 "429 No\r\n"
	 "Content-Type: application/json\r\n"
	 "x-amzn-ErrorType: ThrottlingException:http://x/",
	 "{\"message\":\"Too many requests\"}",
	 "chat error type=\"ThrottlingException\" message=\"Too many requests\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
};

static void answers_are_read(void **state)
{
	(void)state;
	ROWS_RUN(answers_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"texts and thoughts", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"\"},"
	 "\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,"
	 "\"delta\":{\"reasoningContent\":{\"text\":\"hm\"}},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,"
	 "\"delta\":{\"reasoningContent\":{\"signature\":\"s\"}},\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":0,\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":1,\"delta\":{\"text\":\"Hel\"},"
	 "\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":1,\"delta\":{\"text\":\"lo\"},"
	 "\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":1,\"p\":\"abc\"}\n"
	 "messageStop {\"stopReason\":\"end_turn\",\"p\":\"abc\"}\n"
	 "metadata {\"usage\":{\"inputTokens\":5,\"outputTokens\":2,\"totalTokens\":7},"
	 "\"metrics\":{\"latencyMs\":1},\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
	{"calls", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockStart {\"contentBlockIndex\":0,"
	 "\"start\":{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"f\"}},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"toolUse\":{\"input\":\"\"}},"
	 "\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,"
	 "\"delta\":{\"toolUse\":{\"input\":\"{\\\"a\\\":\"}},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,"
	 "\"delta\":{\"toolUse\":{\"input\":\"1}\"}},\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":0,\"p\":\"abc\"}\n"
	 "contentBlockStart {\"contentBlockIndex\":1,"
	 "\"start\":{\"toolUse\":{\"toolUseId\":\"t2\",\"name\":\"g\"}},\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":1,\"p\":\"abc\"}\n"
	 "messageStop {\"stopReason\":\"tool_use\",\"p\":\"abc\"}\n"
	 "metadata {\"usage\":{\"inputTokens\":5,\"outputTokens\":2,\"totalTokens\":7},"
	 "\"metrics\":{\"latencyMs\":1},\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"t2\" name=\"g\" value={}\n"
	 "  finish tool_use\n"
	 "  usage 5 2 - - -\n"},
	{"tools of the system, streams are put together", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockStart {\"contentBlockIndex\":0,"
	 "\"start\":{\"toolUse\":{\"toolUseId\":\"s1\",\"name\":\"nova_code_interpreter\","
	 "\"type\":\"server_tool_use\"}},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,"
	 "\"delta\":{\"toolUse\":{\"input\":\"{\\\"snippet\\\":\\\"1\\\"}\"}},\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":0,\"p\":\"abc\"}\n"
	 "contentBlockStart {\"contentBlockIndex\":1,"
	 "\"start\":{\"toolResult\":{\"toolUseId\":\"s1\","
	 "\"type\":\"nova_code_interpreter_result\",\"status\":\"error\"}},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":1,"
	 "\"delta\":{\"toolResult\":[{\"json\":{\"stdOut\":\"1\"}}]},\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":1,"
	 "\"delta\":{\"toolResult\":[{\"text\":\"x\"},{\"text\":\"y\"}]},\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":1,\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":2,\"delta\":{\"text\":\"1\"},"
	 "\"p\":\"abc\"}\n"
	 "contentBlockStop {\"contentBlockIndex\":2,\"p\":\"abc\"}\n"
	 "messageStop {\"stopReason\":\"end_turn\",\"p\":\"abc\"}\n"
	 "metadata {\"usage\":{\"inputTokens\":5,\"outputTokens\":2,\"totalTokens\":7},"
	 "\"metrics\":{\"latencyMs\":1},\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    server_tool_call id=\"s1\" name=\"nova_code_interpreter\" "
	 "value={\"type\":\"nova_code_interpreter\",\"input\":{\"snippet\":\"1\"}}\n"
	 "    server_tool_call_response id=\"s1\" name=\"nova_code_interpreter_result\" "
	 "value={\"type\":\"nova_code_interpreter_result\","
	 "\"content\":[{\"json\":{\"stdOut\":\"1\"}},{\"text\":\"x\"},{\"text\":\"y\"}]} "
	 "is_error\n"
	 "    text text=\"1\"\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
	{"cut before its end", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hel\"},"
	 "\"p\":\"abc\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"no counts", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hel\"},"
	 "\"p\":\"abc\"}\n"
	 "messageStop {\"stopReason\":\"max_tokens\",\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"Hel\"\n"
	 "  finish max_tokens\n"
	 "  usage ~5 ~1 - - -\n"},
	{"an exception in the midst", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
	 "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hel\"},"
	 "\"p\":\"abc\"}\n"
	 "!throttlingException {\"message\":\"slow down\"}",
	 "chat error type=\"throttlingException\" message=\"slow down\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"strange, streams are put together", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "contentBlockDelta {\"contentBlockIndex\":\"x\",\"delta\":7}\n"
	 "somethingNew {}\n"
	 "contentBlockDelta [1]\n"
	 "messageStop {}\n"
	 "contentBlockStart {\"start\":{\"toolUse\":{}}}\n"
	 "contentBlockDelta {\"contentBlockIndex\":5,"
	 "\"delta\":{\"toolUse\":{\"input\":\"{}\"}},\"p\":\"abc\"}\n"
	 "messageStop {\"stopReason\":\"end_turn\"}\n"
	 "metadata {\"usage\":{\"inputTokens\":5,\"outputTokens\":2,\"totalTokens\":7},"
	 "\"metrics\":{\"latencyMs\":1},\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    tool_call value={}\n"
	 "  finish end_turn\n"
	 "  usage 5 2 - - -\n"},
	{"no JSON", "/model/us.anthropic.claude-v1%3A0/converse-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "contentBlockDelta {\"contentBlockIndex\":0,",
	 "chat error type=\"broken\" message=\"an event is no JSON\" broken=0\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/us.anthropic.claude-v1%3A0/converse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.anthropic.claude-v1:0\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
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

	return cmocka_run_group_tests_name("genai converse", tests, NULL, NULL);
}
