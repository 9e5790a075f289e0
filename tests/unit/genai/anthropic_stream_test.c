/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define MESSAGES "POST /v1/messages HTTP/1.1"
#define SSE_HEAD "200 OK\r\nContent-Type: text/event-stream"
#define ASK	 "{\"model\":\"c\",\"stream\":true,\"messages\":[]}"
#define TOP(state, rest)                                                                \
	"chat " state "\n  server=\"api.example.com\" port=443 path=\"/v1/messages\"\n" \
	"  chat provider=\"anthropic\" model=\"c\"" rest "\n"
#define EVENT(type, json) "event: " type "\ndata: {\"type\":\"" type "\"" json "}  \n\n"
#define START                                                                                      \
	EVENT("message_start",                                                                     \
	      ",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"c-1\",\"usage\":" \
	      "{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"output_tokens\":1}}")
#define BLOCK(index, json) EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{" json "}")
#define DELTA(index, json) EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{" json "}")
#define END(index)	   EVENT("content_block_stop", ",\"index\":" index)
#define STOP(reason, usage)                                                                         \
	EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{" usage "}") \
	EVENT("message_stop", "")
#define INPUT(index, json) DELTA(index, "\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"")

static void expect(const char *name, const char *answer, const char *want)
{
	char *input = talk_make(MESSAGES, ASK, SSE_HEAD, answer);

	talk_sweep(name, input, want);
	free(input);
}

static void blocks_become_a_message(void **state)
{
	(void)state;
	expect("blocks",
	       START EVENT("ping", "") BLOCK("0", "\"type\":\"thinking\",\"thinking\":\"\"") DELTA(
		       "0", "\"type\":\"thinking_delta\",\"thinking\":\"hm\"")
		       DELTA("0", "\"type\":\"signature_delta\",\"signature\":\"x\"") END("0") BLOCK(
			       "1", "\"type\":\"text\",\"text\":\"\"") DELTA("1", "\"type\":\"text_delta\","
										  "\"text\":\"Hel\"")
			       DELTA("1", "\"type\":\"text_delta\",\"text\":\"lo\"") END("1") BLOCK(
				       "2", "\"type\":\"tool_use\",\"id\":\"u1\",\"name\":\"f\",\"input\":{}")
				       INPUT("2", "") INPUT("2", "{\\\"a\\\":") INPUT("2", " 1}") END(
					       "2") BLOCK("3", "\"type\":\"tool_use\",\"id\":\"u2\",\"name\":"
							       "\"g\",\"input\":{}") END("3")
					       STOP("tool_use", "\"output_tokens\":42,\"output_tokens_"
								"details\":{\"thinking_tokens\":7}"),
	       TOP("ok",
		   " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant finish=\"tool_call\"\n"
								  "    reasoning text=\"hm\"\n    text "
								  "text=\"Hello\"\n    tool_call id=\"u1\" "
								  "name=\"f\" value={\"a\":1}\n"
								  "    tool_call id=\"u2\" name=\"g\" "
								  "value={}\n  finish tool_use\n  usage 15 "
								  "42 5 - 7\n");
}

static void later_counts_win(void **state)
{
	(void)state;
	expect("usage",
	       START STOP("end_turn",
			  "\"input_tokens\":11,\"cache_creation_input_tokens\":2,\"output_tokens\":3"),
	       TOP("ok", " answered=\"c-1\" id=\"msg_1\" stream") "  output assistant finish=\"stop\"\n"
								  "  finish end_turn\n  usage 18 3 5 2 -\n");
}

static void tools_of_the_server(void **state)
{
	(void)state;
	expect("server tools",
	       START BLOCK("0",
			   "\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\",\"input\":{}")
		       INPUT("0", "{\\\"query\\\":\\\"q\\\"}") END("0")
			       BLOCK("1", "\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\","
					  "\"content\":[{\"url\":\"u\"}]") END("1")
				       BLOCK("2", "\"type\":\"redacted_thinking\",\"data\":\"x\"") END("2")
					       STOP("end_turn", "\"output_tokens\":3"),
	       TOP("ok",
		   " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant finish=\"stop\"\n"
								  "    server_tool_call id=\"s1\" "
								  "name=\"web_search\" "
								  "value={\"type\":\"server_tool_use\","
								  "\"id\":\"s1\",\"name\":"
								  "\"web_search\",\"input\":{\"query\":\"q\"}"
								  "}\n"
								  "    server_tool_call_response id=\"s1\" "
								  "name=\"web_search_tool_result\" "
								  "value={\"type\":"
								  "\"web_search_tool_result\",\"tool_use_"
								  "id\":\"s1\",\"content\":[{\"url\":\"u\"}]}"
								  "\n"
								  "    other name=\"redacted_thinking\" "
								  "value={\"type\":\"redacted_thinking\","
								  "\"data\":\"x\"}\n"
								  "  finish end_turn\n  usage 15 3 5 - -\n");
}

static void errors_in_mid_stream(void **state)
{
	(void)state;
	expect("error",
	       START BLOCK("0", "\"type\":\"text\",\"text\":\"\"")
		       DELTA("0", "\"type\":\"text_delta\",\"text\":\"par\"")
			       EVENT("error",
				     ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"),
	       TOP("error type=\"overloaded_error\" message=\"Overloaded\"",
		   " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant\n    text "
								  "text=\"par\"\n  usage 15 ~1 5 - -\n");
}

static void cut_streams_keep_what_came(void **state)
{
	(void)state;
	expect("cut in text",
	       START BLOCK("0", "\"type\":\"text\",\"text\":\"\"")
		       DELTA("0", "\"type\":\"text_delta\",\"text\":\"par\""),
	       TOP("aborted",
		   " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant\n    text "
								  "text=\"par\"\n  usage 15 ~1 5 - -\n");
	expect("cut in input",
	       START BLOCK("0", "\"type\":\"tool_use\",\"id\":\"u1\",\"name\":\"f\",\"input\":{}")
		       INPUT("0", "{\\\"a\\\":"),
	       TOP("aborted", " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant\n    "
									     "tool_call id=\"u1\" name=\"f\" "
									     "value=\"{\\\"a\\\":\"\n  usage "
									     "15 ~4 5 - -\n");
	expect("cut before input",
	       START BLOCK("0", "\"type\":\"tool_use\",\"id\":\"u1\",\"name\":\"f\",\"input\":{}"),
	       TOP("aborted",
		   " answered=\"c-1\" id=\"msg_1\" stream first") "  output assistant\n    tool_call "
								  "id=\"u1\" name=\"f\"\n  usage 15 ~1 5 - "
								  "-\n");
}

static void hostile_events_do_no_harm(void **state)
{
	(void)state;
	expect("hostile",
	       "data: []\n\ndata: {}\n\n" EVENT("content_block_delta", "") EVENT(
		       "content_block_start", ",\"content_block\":3") DELTA("9", "\"text\":\"x\"")
		       EVENT("message_start", ",\"message\":[]") BLOCK("-5", "\"type\":\"text\",\"text\":7")
			       DELTA("-5", "\"type\":\"text_delta\",\"text\":\"ok\"")
				       EVENT("message_delta", ",\"usage\":[]") EVENT("message_stop", ""),
	       TOP("ok", " stream first") "  output assistant\n    text text=\"ok\"\n  usage - ~1 - - -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_become_a_message),    cmocka_unit_test(later_counts_win),
		cmocka_unit_test(tools_of_the_server),	      cmocka_unit_test(errors_in_mid_stream),
		cmocka_unit_test(cut_streams_keep_what_came), cmocka_unit_test(hostile_events_do_no_harm),
	};

	return cmocka_run_group_tests_name("genai anthropic stream", tests, NULL, NULL);
}
