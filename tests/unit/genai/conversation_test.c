/* SPDX-License-Identifier: BSD-2-Clause */
/* Mistral's conversations. */
#include "rows.h"

static const struct row whole_answers_are_read_rows[] = {
	{"a model, a text", "/v1/conversations",
	 "{\"model\":\"m\",\"inputs\":\"hi\",\"instructions\":\"s\",\"completion_args\":{\"temperature\":1,"
	 "\"top_p\":0.5,\"max_tokens\":9,\"random_seed\":3,\"stop\":[\"x\"],\"presence_penalty\":0,"
	 "\"frequency_penalty\":2},\"tools\":[{\"type\":\"web_search\"}]}",
	 JSON_HEAD,
	 "{\"object\":\"conversation.response\",\"conversation_id\":\"c1\",\"outputs\":[{\"type\":\"message."
	 "output\",\"role\":\"assistant\",\"content\":\"Hello\",\"model\":\"m-1\"}],\"usage\":{\"prompt_"
	 "tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"
	 "  chat provider=\"mistral_ai\" model=\"m\" answered=\"m-1\" conversation=\"c1\"\n"
	 "  gen_ai.request.temperature=1\n"
	 "  gen_ai.request.top_p=0.5\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.seed=3\n"
	 "  gen_ai.request.presence_penalty=0\n"
	 "  gen_ai.request.frequency_penalty=2\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  tools [{\"type\":\"web_search\"}]\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"hi\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish stop\n"
	 "  usage 3 1 - - -\n"},
	{"entries", "/v1/conversations/c%201",
	 "{\"inputs\":[{\"type\":\"function.call\",\"tool_call_id\":\"t1\",\"name\":\"f\",\"arguments\":{"
	 "\"a\":1}},{\"type\":\"function.call\",\"tool_call_id\":\"t2\",\"name\":\"g\",\"arguments\":\"{"
	 "\\\"b\\\": "
	 "2}\"},{\"type\":\"function.result\",\"tool_call_id\":\"t1\",\"result\":\"ok\"},{\"role\":\"user\","
	 "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":\"https://h/"
	 "i\"}]},{\"type\":\"agent.handoff\",\"next_agent_name\":\"n\"},3,{}]}",
	 JSON_HEAD,
	 "{\"conversation_id\":\"c "
	 "1\",\"outputs\":[{\"type\":\"agent.handoff\",\"next_agent_id\":\"a2\"},{\"type\":\"function.call\","
	 "\"tool_call_id\":\"t3\",\"name\":\"h\",\"arguments\":{\"x\":1}},{\"type\":\"function.call\",\"tool_"
	 "call_id\":\"t4\",\"name\":\"i\",\"arguments\":\"{}\"},{\"type\":\"tool.execution\",\"id\":\"e1\","
	 "\"name\":\"web_search\",\"arguments\":\"{\\\"q\\\":1}\"},{\"type\":\"message.output\",\"content\":["
	 "{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]},{\"type\":\"text\","
	 "\"text\":\"x\"},{\"type\":\"tool_file\",\"file_id\":\"f\"},4]},5,{\"type\":7}],\"usage\":{}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations/c%201\"\n"
	 "  chat provider=\"mistral_ai\" conversation=\"c 1\"\n"
	 "  input assistant\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "  input assistant\n"
	 "    tool_call id=\"t2\" name=\"g\" value={\"b\":2}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"t1\" value=\"ok\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "    uri modality=\"image\" text=\"https://h/i\"\n"
	 "  input assistant\n"
	 "    other name=\"agent.handoff\" value={\"type\":\"agent.handoff\",\"next_agent_name\":\"n\"}\n"
	 "  input assistant\n"
	 "    other value=3\n"
	 "  input assistant\n"
	 "    other value={}\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    other name=\"agent.handoff\" value={\"type\":\"agent.handoff\",\"next_agent_id\":\"a2\"}\n"
	 "    tool_call id=\"t3\" name=\"h\" value={\"x\":1}\n"
	 "    tool_call id=\"t4\" name=\"i\" value={}\n"
	 "    server_tool_call id=\"e1\" name=\"web_search\" "
	 "value={\"type\":\"web_search\",\"input\":{\"q\":1}}\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"x\"\n"
	 "    other name=\"tool_file\" value={\"type\":\"tool_file\",\"file_id\":\"f\"}\n"
	 "  finish tool_call\n"
	 "  usage - - - - -\n"},
	{"one that is only kept", "/v1/conversations", "{\"metadata\":{\"a\":\"b\"},\"items\":[]}", JSON_HEAD,
	 "{\"id\":\"conv_1\",\"object\":\"conversation\"}",
	 "http ok note: a conversation that is kept: no model is asked\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"},
	{"nobody is asked", "/v1/conversations", "{\"inputs\":\"hi\"}", JSON_HEAD, "{}",
	 "http ok note: a conversation that is kept: no model is asked\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"},
	{"again from an entry", "/v1/conversations/c/restart", "{\"inputs\":\"hi\",\"from_entry_id\":\"e\"}",
	 JSON_HEAD, "{\"conversation_id\":\"c2\",\"outputs\":[]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations/c/restart\"\n"
	 "  chat provider=\"mistral_ai\" conversation=\"c2\"\n"
	 "  input user\n"
	 "    text text=\"hi\"\n"
	 "  usage - - - - -\n"},
};

static void whole_answers_are_read(void **state)
{
	(void)state;
	ROWS_RUN(whole_answers_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"all kinds", "/v1/conversations", "{\"agent_id\":\"a\",\"inputs\":\"hi\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"conversation.response.started\",\"conversation_id\":\"c1\"}\n"
	 "{\"type\":\"agent.handoff.started\",\"output_index\":0,\"previous_agent_name\":\"p\"}\n"
	 "{\"type\":\"agent.handoff.done\",\"output_index\":0,\"next_agent_name\":\"n\"}\n"
	 "{\"type\":\"tool.execution.started\",\"output_index\":1,\"id\":\"e1\",\"name\":\"code\","
	 "\"arguments\":\"{\\\"c\\\"\"}\n"
	 "{\"type\":\"tool.execution.delta\",\"output_index\":1,\"id\":\"e1\",\"name\":\"code\","
	 "\"arguments\":\":1}\"}\n"
	 "{\"type\":\"tool.execution.done\",\"output_index\":1,\"id\":\"e1\",\"name\":\"code\",\"info\":{}}\n"
	 "{\"type\":\"message.output.delta\",\"output_index\":2,\"content\":\"Hel\",\"model\":\"m-1\"}\n"
	 "{\"type\":\"message.output.delta\",\"output_index\":2,\"content\":{\"type\":\"text\",\"text\":"
	 "\"lo\"}}\n"
	 "{\"type\":\"function.call.delta\",\"output_index\":3,\"tool_call_id\":\"t1\",\"name\":\"f\","
	 "\"arguments\":\"{\\\"a\\\":\"}\n"
	 "{\"type\":\"function.call.delta\",\"output_index\":3,\"tool_call_id\":\"t1\",\"name\":\"f\","
	 "\"arguments\":\"1}\"}\n"
	 "{\"type\":\"function.call.delta\",\"output_index\":4,\"tool_call_id\":\"t2\",\"name\":\"f\","
	 "\"arguments\":\"{}\"}\n"
	 "{\"type\":\"conversation.response.done\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"
	 "  chat provider=\"mistral_ai\" answered=\"m-1\" conversation=\"c1\" stream first\n"
	 "  gen_ai.agent.id=\"a\"\n"
	 "  input user\n"
	 "    text text=\"hi\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    other name=\"agent.handoff\" "
	 "value={\"type\":\"agent.handoff.done\",\"output_index\":0,\"next_agent_name\":\"n\"}\n"
	 "    server_tool_call id=\"e1\" name=\"code\" value={\"type\":\"code\",\"input\":{\"c\":1}}\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"t2\" name=\"f\" value={}\n"
	 "  finish tool_call\n"
	 "  usage 3 1 - - -\n"},
	{"an error in it", "/v1/conversations", "{\"agent_id\":\"a\",\"inputs\":\"hi\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"message.output.delta\",\"content\":\"Hel\"}\n"
	 "{\"type\":\"conversation.response.error\",\"message\":\"no\",\"code\":3505}",
	 "chat error type=\"3505\" message=\"no\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"
	 "  chat provider=\"mistral_ai\" stream first\n"
	 "  gen_ai.agent.id=\"a\"\n"
	 "  input user\n"
	 "    text text=\"hi\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"named by the stream", "/v1/conversations", "{\"agent_id\":\"a\",\"inputs\":\"hi\"}", SSE_HEAD,
	 "event: message.output.delta\n"
	 "{\"content\":\"x\"}\n"
	 "3\n"
	 "{\"type\":\"conversation.response.error\"}",
	 "chat error type=\"_OTHER\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/conversations\"\n"
	 "  chat provider=\"mistral_ai\" first\n"
	 "  gen_ai.agent.id=\"a\"\n"
	 "  input user\n"
	 "    text text=\"hi\"\n"
	 "  output assistant\n"
	 "    text text=\"x\"\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void streams_are_put_together(void **state)
{
	(void)state;
	ROWS_RUN(streams_are_put_together_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answers_are_read),
		cmocka_unit_test(streams_are_put_together),
	};

	return cmocka_run_group_tests_name("genai conversation", tests, NULL, NULL);
}
