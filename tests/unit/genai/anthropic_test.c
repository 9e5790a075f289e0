/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define MESSAGES  "POST /v1/messages?beta=true HTTP/1.1"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define TOP	  "chat ok\n  server=\"api.example.com\" port=443 path=\"/v1/messages\"\n"

static void expect(const char *name, const char *body, const char *answer, const char *want)
{
	char *input = talk_make(MESSAGES, body, JSON_HEAD, answer);

	talk_sweep(name, input, want);
	free(input);
}

static void everything_of_a_request(void **state)
{
	(void)state;
	expect("request",
	       "{\"model\":\"c\",\"max_tokens\":10,\"temperature\":1.0,\"top_k\":5,\"stop_sequences\":[\"a\","
	       "\"b\"],"
	       "\"output_config\":{\"effort\":\"high\"},\"system\":[{\"type\":\"text\",\"text\":\"s1\","
	       "\"cache_control\":{}},"
	       "{\"type\":\"text\",\"text\":\"s2\"}],\"tools\":[{\"name\":\"f\",\"description\":\"d\","
	       "\"input_schema\":{\"type\":"
	       "\"object\"}},{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":5},{"
	       "\"type\":\"custom\","
	       "\"name\":\"g\"}],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
	       "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
	       "\"signature\":\"x\"},"
	       "{\"type\":\"redacted_thinking\",\"data\":\"y\"},{\"type\":\"text\",\"text\":\"t\"},"
	       "{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\",\"input\":{\"query\":"
	       "\"q\"}},"
	       "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":[]},"
	       "{\"type\":\"tool_use\",\"id\":\"u1\",\"name\":\"f\",\"input\":{\"a\": 1}}]},"
	       "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"u1\",\"is_"
	       "error\":true,\"content\":"
	       "\"bad\"},{\"type\":\"tool_result\",\"tool_use_id\":\"u2\",\"content\":[{\"type\":\"text\","
	       "\"text\":\"x\"},"
	       "{\"type\":\"image\",\"source\":{}}]},{\"type\":\"tool_result\",\"tool_use_id\":\"u3\"}]},"
	       "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"u4\",\"content\":"
	       "[]},{\"type\":"
	       "\"text\",\"text\":\"and\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_"
	       "type\":\"image/png\","
	       "\"data\":\"QQ==\"}},{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":\"https://x/"
	       "d.pdf\"}},"
	       "{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}},{\"type\":"
	       "\"document\",\"source\":"
	       "{\"type\":\"text\",\"data\":\"plain\"}}]}]}",
	       "{}",
	       TOP
	       "  chat provider=\"anthropic\" model=\"c\"\n  gen_ai.request.max_tokens=10\n"
	       "  gen_ai.request.temperature=1.0\n  gen_ai.request.top_k=5\n"
	       "  gen_ai.request.stop_sequences=[\"a\",\"b\"]\n  bottrace.request.reasoning_effort=\"high\"\n"
	       "  tools "
	       "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
	       "\"object\"}},"
	       "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"},{\"type\":\"function\",\"name\":"
	       "\"g\"}]\n"
	       "  system\n    text text=\"s1\"\n  system\n    text text=\"s2\"\n"
	       "  input user\n    text text=\"hi\"\n"
	       "  input assistant\n    reasoning text=\"hm\"\n"
	       "    other name=\"redacted_thinking\" value={\"type\":\"redacted_thinking\",\"data\":\"y\"}\n"
	       "    text text=\"t\"\n"
	       "    server_tool_call id=\"s1\" name=\"web_search\" "
	       "value={\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":"
	       "\"web_search\",\"input\":{\"query\":\"q\"}}\n"
	       "    server_tool_call_response id=\"s1\" name=\"web_search_tool_result\" value={\"type\":"
	       "\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":[]}\n"
	       "    tool_call id=\"u1\" name=\"f\" value={\"a\":1}\n"
	       "  input tool\n    tool_call_response id=\"u1\" value=\"bad\" is_error\n"
	       "    tool_call_response id=\"u2\" "
	       "value=[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"source\":{}}]\n"
	       "    tool_call_response id=\"u3\"\n"
	       "  input user\n    tool_call_response id=\"u4\" value=[]\n    text text=\"and\"\n"
	       "    blob modality=\"image\" mime=\"image/png\" text=\"QQ==\"\n"
	       "    uri modality=\"document\" text=\"https://x/d.pdf\"\n    file modality=\"image\" "
	       "text=\"file_1\"\n"
	       "    text text=\"plain\"\n"
	       "  usage - - - - -\n");
}

static void everything_of_an_answer(void **state)
{
	(void)state;
	expect("answer", "{\"model\":\"c\",\"messages\":[],\"system\":\"s\"}",
	       "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c-1\",\"content\":["
	       "{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"t\"},"
	       "{\"type\":\"tool_use\",\"id\":\"u1\",\"name\":\"f\",\"input\":{}}],\"stop_reason\":\"tool_"
	       "use\",\"usage\":"
	       "{\"input_tokens\":3,\"output_tokens\":9,\"cache_read_input_tokens\":5,\"cache_creation_input_"
	       "tokens\":0,"
	       "\"output_tokens_details\":{\"thinking_tokens\":4}}}",
	       TOP "  chat provider=\"anthropic\" model=\"c\" answered=\"c-1\" id=\"msg_1\"\n"
		   "  system\n    text text=\"s\"\n"
		   "  output assistant finish=\"tool_call\"\n    reasoning text=\"hm\"\n    text text=\"t\"\n"
		   "    tool_call id=\"u1\" name=\"f\" value={}\n  finish tool_use\n  usage 8 9 5 0 4\n");
	expect("few counts", "{\"model\":\"c\",\"messages\":[]}",
	       "{\"content\":[],\"stop_reason\":\"max_tokens\",\"usage\":{\"input_tokens\":3}}",
	       TOP "  chat provider=\"anthropic\" model=\"c\"\n  output assistant finish=\"length\"\n"
		   "  finish max_tokens\n  usage 3 - - - -\n");
	expect("too many tokens", "{\"model\":\"c\",\"messages\":[]}",
	       "{\"content\":[],\"usage\":{\"input_tokens\":9223372036854775807,\"cache_read_input_tokens\":"
	       "1}}",
	       TOP "  chat provider=\"anthropic\" model=\"c\"\n  output assistant\n  usage - - 1 - -\n");
}

static void errors_say_what_the_provider_says(void **state)
{
	char *input = talk_make(
		MESSAGES, "{\"model\":\"c\",\"messages\":[]}",
		"529 Overloaded\r\nContent-Type: application/json",
		"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}");

	(void)state;
	talk_sweep("error", input,
		   "chat error type=\"overloaded_error\" message=\"Overloaded\"\n  "
		   "server=\"api.example.com\" port=443 "
		   "path=\"/v1/messages\"\n  chat provider=\"anthropic\" model=\"c\"\n  usage - - - - -\n");
	free(input);
}

static void hostile_shapes_do_no_harm(void **state)
{
	(void)state;
	expect("hostile",
	       "{\"model\":\"c\",\"system\":7,\"tools\":[1,null,{}],\"messages\":[null,1,{},{\"role\":"
	       "\"user\",\"content\":"
	       "[null,2,\"s\",{\"type\":\"image\"},{\"type\":\"tool_use\"},{\"type\":\"tool_result\"}]}]}",
	       "{\"content\":[null,{\"type\":\"text\"},{}],\"usage\":3,\"stop_reason\":{}}",
	       TOP
	       "  chat provider=\"anthropic\" model=\"c\"\n"
	       "  tools [{\"type\":\"function\"}]\n"
	       "  system\n    other value=7\n"
	       "  input \n  input \n  input \n"
	       "  input user\n    other value=null\n    other value=2\n    text text=\"s\"\n"
	       "    other name=\"image\" value={\"type\":\"image\"}\n    tool_call\n    tool_call_response\n"
	       "  output assistant\n    other value=null\n    other value={}\n"
	       "  usage - - - - -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_of_a_request),
		cmocka_unit_test(everything_of_an_answer),
		cmocka_unit_test(errors_say_what_the_provider_says),
		cmocka_unit_test(hostile_shapes_do_no_harm),
	};

	return cmocka_run_group_tests_name("genai anthropic", tests, NULL, NULL);
}
