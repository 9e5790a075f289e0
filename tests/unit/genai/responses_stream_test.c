/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of a Responses stream: the last one has everything; without it what came is put together. */
#include "rows.h"

static const struct row the_last_event_has_everything_rows[] = {
	{"whole", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"in_progress\",\"content\":[]}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"lo\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"\"}}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"{\\\"a\\\":\"}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"1}\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}\n"
	 "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]},{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}],\"usage\":{\"input_tokens\":3,"
	 "\"output_tokens\":4}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 4 - - -\n"},
	{"only the last one", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]},{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}],\"usage\":{\"input_tokens\":3,"
	 "\"output_tokens\":4}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 4 - - -\n"},
	{"and more after it", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]},{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}],\"usage\":{\"input_tokens\":3,"
	 "\"output_tokens\":4}}}\n"
	 "data: [DONE]\n",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 4 - - -\n"},
	{"named by the event field", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "event: response.created\n"
	 "data: {\"response\":{\"id\":\"resp_1\",\"model\":\"m-1\"}}\n"
	 "\n"
	 "event: response.completed\n"
	 "data: {\"response\":{\"id\":\"resp_1\",\"status\":\"completed\","
	 "\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}}\n",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"},
	{"incomplete", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.incomplete\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"incomplete\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}],\"usage\":{\"input_tokens\":3,\"output_tokens\":4},"
	 "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish length\n"
	 "  usage 3 4 - - -\n"},
	{"failed", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\","
	 "\"model\":\"m-1\",\"service_tier\":\"auto\",\"output\":[],"
	 "\"error\":{\"code\":\"server_error\",\"message\":\"sorry\"}}}",
	 "chat error type=\"server_error\" message=\"sorry\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"auto\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"error\"\n"
	 "    text text=\"Hel\"\n"
	 "  finish error\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void the_last_event_has_everything(void **state)
{
	(void)state;
	ROWS_RUN(the_last_event_has_everything_rows);
}

static const struct row what_the_last_event_leaves_out_was_said_before_rows[] = {
	{"no output at the end", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"in_progress\",\"content\":[]}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"lo\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"\"}}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"{\\\"a\\\":\"}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"1}\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}\n"
	 "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 4 - - -\n"},
	{"no output, and too long", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.incomplete\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"incomplete\",\"model\":\"m-1\",\"service_tier\":\"auto\","
	 "\"incomplete_details\":{\"reason\":\"content_filter\"}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"auto\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"content_filter\"\n"
	 "    text text=\"Hel\"\n"
	 "  finish content_filter\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void what_the_last_event_leaves_out_was_said_before(void **state)
{
	(void)state;
	ROWS_RUN(what_the_last_event_leaves_out_was_said_before_rows);
}

static const struct row a_cut_stream_keeps_what_came_rows[] = {
	{"all was done but the end", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"in_progress\",\"content\":[]}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"lo\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"\"}}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"{\\\"a\\\":\"}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"1}\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  usage ~5 ~4 - - -\n"},
	{"in the midst of a call", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"in_progress\",\"content\":[]}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"lo\"}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"\"}}\n"
	 "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,"
	 "\"delta\":\"{\\\"a\\\":\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value=\"{\\\"a\\\":\"\n"
	 "  usage ~5 ~5 - - -\n"},
	{"in the midst of every kind", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"reasoning\",\"id\":\"r\"}}\n"
	 "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,"
	 "\"delta\":\"hm \"}\n"
	 "{\"type\":\"response.reasoning_text.delta\",\"output_index\":0,\"delta\":\"well\"}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"
	 "\"agent\":{\"agent_name\":\"/root/a\"}}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"I \"}\n"
	 "{\"type\":\"response.refusal.delta\",\"output_index\":1,\"delta\":\"cannot\"}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":2,"
	 "\"item\":{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"sql\"}}\n"
	 "{\"type\":\"response.custom_tool_call_input.delta\",\"output_index\":2,"
	 "\"delta\":\"select\"}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":3,"
	 "\"item\":{\"type\":\"mcp_call\",\"id\":\"mc\",\"name\":\"n\"}}\n"
	 "{\"type\":\"response.mcp_call_arguments.delta\",\"output_index\":3,\"delta\":\"{}\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    reasoning text=\"hm well\"\n"
	 "  output assistant name=\"/root/a\"\n"
	 "    text text=\"I \"\n"
	 "    text name=\"refusal\" text=\"cannot\"\n"
	 "  output assistant\n"
	 "    tool_call id=\"c2\" name=\"sql\" value=\"select\"\n"
	 "  usage ~5 ~9 - - -\n"},
	{"items out of order", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_item.done\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"late\"}\n"
	 "{\"type\":\"response.output_item.added\",\"output_index\":1,"
	 "\"item\":{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"other\",\"arguments\":\"{\\\"a\\\":1}\"}}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"late\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  usage ~5 ~4 - - -\n"},
};

static void a_cut_stream_keeps_what_came(void **state)
{
	(void)state;
	ROWS_RUN(a_cut_stream_keeps_what_came_rows);
}

static const struct row an_error_ends_it_rows[] = {
	{"error", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"in_progress\",\"model\":\"m-1\",\"service_tier\":\"auto\"}}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}\n"
	 "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\","
	 "\"param\":null}\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"lo\"}",
	 "chat error type=\"rate_limit_exceeded\" message=\"slow down\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"a nested one", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"error\",\"status\":400,\"error\":{\"type\":\"invalid_request_error\","
	 "\"code\":\"previous_response_not_found\",\"message\":\"gone\"}}",
	 "chat error type=\"invalid_request_error\" message=\"gone\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  usage - - - - -\n"},
};

static void an_error_ends_it(void **state)
{
	(void)state;
	ROWS_RUN(an_error_ends_it_rows);
}

static const struct row strange_events_are_passed_over_rows[] = {
	{"strange", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"type\":\"response.something.new\",\"x\":1}\n"
	 "{\"type\":5}\n"
	 "{}\n"
	 "[1,2]\n"
	 "{\"type\":\"response.output_text.delta\",\"output_index\":\"0\",\"delta\":7}\n"
	 "{\"type\":\"response.output_item.done\",\"item\":3}\n"
	 "{\"type\":\"response.output_item.added\"}\n"
	 "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"service_tier\":\"default\","
	 "\"output\":[{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\","
	 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"Hello\"}]},{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}],\"usage\":{\"input_tokens\":3,"
	 "\"output_tokens\":4}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Hello\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 4 - - -\n"},
	{"no JSON", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "data: {\"type\":\"response.output_text.delta\",\n",
	 "chat error type=\"broken\" message=\"an event is no JSON\" broken=0\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  usage - - - - -\n"},
};

static void strange_events_are_passed_over(void **state)
{
	(void)state;
	ROWS_RUN(strange_events_are_passed_over_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_event_has_everything),
		cmocka_unit_test(what_the_last_event_leaves_out_was_said_before),
		cmocka_unit_test(a_cut_stream_keeps_what_came),
		cmocka_unit_test(an_error_ends_it),
		cmocka_unit_test(strange_events_are_passed_over),
	};

	return cmocka_run_group_tests_name("genai responses stream", tests, NULL, NULL);
}
