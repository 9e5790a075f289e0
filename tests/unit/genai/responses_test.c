/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and whole answers of OpenAI's Responses, and their items. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"a text", "/v1/responses",
	 "{\"model\":\"m\",\"input\":\"hello\",\"instructions\":\"be brief\","
	 "\"temperature\":0.5,\"top_p\":1,\"max_output_tokens\":9,\"service_tier\":\"flex\","
	 "\"background\":true,\"reasoning\":{\"effort\":\"low\"},"
	 "\"text\":{\"format\":{\"type\":\"json_schema\"}},\"stream\":false}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.top_p=1\n"
	 "  openai.request.service_tier=\"flex\"\n"
	 "  bottrace.request.background=true\n"
	 "  bottrace.request.reasoning_effort=\"low\"\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"hello\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~8 ~1 - - -\n"},
	{"items", "/v1/responses",
	 "{\"model\":\"m\",\"input\":[{\"role\":\"system\",\"content\":\"s\"},"
	 "{\"role\":\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":\"d\"}]},"
	 "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"look\"},"
	 "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AAAA\"},"
	 "{\"type\":\"input_image\",\"image_url\":\"https://e.com/i.png\"},"
	 "{\"type\":\"input_image\",\"file_id\":\"file-1\"},{\"type\":\"input_file\","
	 "\"file_data\":\"data:application/pdf;base64,BBBB\"},{\"type\":\"input_file\","
	 "\"file_url\":\"https://e.com/f.pdf\"},{\"type\":\"input_audio\","
	 "\"input_audio\":{\"data\":\"x\"}}]}]}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input system\n"
	 "    text text=\"s\"\n"
	 "  input developer\n"
	 "    text text=\"d\"\n"
	 "  input user\n"
	 "    text text=\"look\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AAAA\"\n"
	 "    uri modality=\"image\" text=\"https://e.com/i.png\"\n"
	 "    file modality=\"image\" text=\"file-1\"\n"
	 "    blob modality=\"document\" mime=\"application/pdf\" text=\"BBBB\"\n"
	 "    uri modality=\"document\" text=\"https://e.com/f.pdf\"\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\","
	 "\"input_audio\":{\"data\":\"x\"}}\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
	{"a conversation of items", "/v1/responses",
	 "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
	 "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":\"summary_text\","
	 "\"text\":\"hm\"},{\"type\":\"summary_text\",\"text\":\"well\"}],"
	 "\"encrypted_content\":\"e\"},{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"I look\"},{\"type\":\"refusal\","
	 "\"refusal\":\"but no\"}]},{\"type\":\"function_call\",\"id\":\"fc\","
	 "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"},"
	 "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"sql\","
	 "\"input\":\"select 1\"},{\"type\":\"computer_call\",\"call_id\":\"c3\","
	 "\"action\":{\"type\":\"click\"}},{\"type\":\"web_search_call\",\"id\":\"ws\","
	 "\"status\":\"completed\",\"action\":{\"query\":\"x\"}},{\"type\":\"mcp_call\","
	 "\"id\":\"mc\",\"name\":\"deep\",\"server_label\":\"l\",\"arguments\":\"{}\","
	 "\"output\":\"o\"},{\"type\":\"function_call_output\",\"call_id\":\"c1\","
	 "\"output\":\"plain\"},{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\","
	 "\"output\":[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"input_text\","
	 "\"text\":\"b\"}]},{\"type\":\"computer_call_output\",\"call_id\":\"c3\","
	 "\"output\":{\"type\":\"computer_screenshot\",\"image_url\":\"u\"}},"
	 "{\"type\":\"item_reference\",\"id\":\"msg_1\"},{\"type\":\"reasoning\","
	 "\"id\":\"empty\",\"summary\":[]}]}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  input assistant\n"
	 "    reasoning text=\"hm\\n\\nwell\"\n"
	 "    text text=\"I look\"\n"
	 "    text name=\"refusal\" text=\"but no\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"sql\" value=\"select 1\"\n"
	 "    tool_call id=\"c3\" name=\"computer\" value={\"type\":\"click\"}\n"
	 "    server_tool_call id=\"ws\" name=\"web_search\" "
	 "value={\"type\":\"web_search_call\",\"id\":\"ws\",\"status\":\"completed\","
	 "\"action\":{\"query\":\"x\"}}\n"
	 "    server_tool_call id=\"mc\" name=\"deep\" value={\"type\":\"mcp_call\","
	 "\"id\":\"mc\",\"name\":\"deep\",\"server_label\":\"l\",\"arguments\":\"{}\","
	 "\"output\":\"o\"}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c1\" value=\"plain\"\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c2\" value=\"ab\"\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c3\" value={\"type\":\"computer_screenshot\","
	 "\"image_url\":\"u\"}\n"
	 "  input assistant\n"
	 "    other name=\"item_reference\" value={\"type\":\"item_reference\","
	 "\"id\":\"msg_1\"}\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
	{"several agents", "/v1/responses",
	 "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":\"a\",\"agent\":{\"agent_name\":\"/root/one\"}},{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":\"b\",\"agent\":{\"agent_name\":\"/root/one\"}},"
	 "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"c\"}]}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input assistant name=\"/root/one\"\n"
	 "    text text=\"a\"\n"
	 "    text text=\"b\"\n"
	 "  input assistant\n"
	 "    text text=\"c\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~9 ~1 - - -\n"},
	{"tools", "/v1/responses",
	 "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\","
	 "\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true},"
	 "{\"type\":\"web_search\"},{\"type\":\"custom\",\"name\":\"sql\"}],"
	 "\"tool_choice\":\"auto\"}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"object\"}},{\"type\":\"web_search\"},"
	 "{\"type\":\"custom\",\"name\":\"sql\"}]\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~49 ~1 - - -\n"},
	{"it goes on from a response", "/v1/responses",
	 "{\"model\":\"m\",\"previous_response_id\":\"resp_0\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" "
	 "previous=\"resp_0\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
	{"it goes on in a conversation", "/v1/responses",
	 "{\"model\":\"m\",\"input\":\"x\",\"conversation\":{\"id\":\"conv_1\"}}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],"
	 "\"conversation\":{\"id\":\"conv_2\"}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\" "
	 "conversation=\"conv_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
	{"a stored prompt", "/v1/responses", "{\"prompt\":{\"id\":\"pmpt_1\"},\"conversation\":\"conv_1\"}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" answered=\"m-1\" id=\"resp_1\" conversation=\"conv_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row other_shapes_are_no_calls_rows[] = {
	{"input of another kind", "/v1/responses", "{\"model\":\"m\",\"input\":3}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"no input", "/v1/responses", "{\"model\":\"m\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"model of another kind", "/v1/responses", "{\"model\":3,\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"nothing was seen of it", "/v1/responses", "", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
};

static void other_shapes_are_no_calls(void **state)
{
	(void)state;
	ROWS_RUN(other_shapes_are_no_calls_rows);
}

static const struct row answers_are_read_rows[] = {
	{"text and calls", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[],"
	 "\"content\":[{\"type\":\"reasoning_text\",\"text\":\"think\"}]},"
	 "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
	 "\"text\":\"hi\"}]},{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\","
	 "\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"},{\"type\":\"function_call\","
	 "\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"not json\"}],"
	 "\"usage\":{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4,"
	 "\"cache_write_tokens\":2},\"output_tokens\":7,"
	 "\"output_tokens_details\":{\"reasoning_tokens\":3},\"total_tokens\":17},"
	 "\"service_tier\":\"default\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  openai.response.service_tier=\"default\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"think\"\n"
	 "    text text=\"hi\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"g\" value=\"not json\"\n"
	 "  finish tool_call\n"
	 "  usage 10 7 4 2 3\n"},
	{"too long", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"incomplete\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],"
	 "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish length\n"
	 "  usage ~5 ~1 - - -\n"},
	{"filtered", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"incomplete\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],"
	 "\"incomplete_details\":{\"reason\":\"content_filter\"}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"content_filter\"\n"
	 "    text text=\"hi\"\n"
	 "  finish content_filter\n"
	 "  usage ~5 ~1 - - -\n"},
	{"failed", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"failed\",\"model\":\"m-1\","
	 "\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"sorry\"}}",
	 "chat error type=\"server_error\" message=\"sorry\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  finish error\n"
	 "  usage - - - - -\n"},
	{"cancelled", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"cancelled\","
	 "\"model\":\"m-1\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
	 "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"error\"\n"
	 "    text text=\"hi\"\n"
	 "  finish error\n"
	 "  usage ~5 ~1 - - -\n"},
	{"in the background", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"background\":true}",
	 JSON_HEAD,
	 "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"queued\",\"model\":\"m-1\","
	 "\"output\":[]}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"resp_1\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  bottrace.request.background=true\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  usage - - - - -\n"},
	{"compacted", "/v1/responses/compact", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"resp_9\",\"object\":\"response.compaction\","
	 "\"output\":[{\"type\":\"message\",\"role\":\"user\","
	 "\"content\":[{\"type\":\"input_text\",\"text\":\"u\"}]},{\"type\":\"compaction\","
	 "\"encrypted_content\":\"zz\"}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses/compact\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"resp_9\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output user\n"
	 "    text text=\"u\"\n"
	 "  output assistant\n"
	 "    other name=\"compaction\" value={\"type\":\"compaction\","
	 "\"encrypted_content\":\"zz\"}\n"
	 "  usage 1 2 - - -\n"},
	{"nothing of it is as it should be", "/v1/responses", "{\"model\":\"m\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":7,\"status\":5,\"output\":[3,\"x\",null,{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":7},{\"type\":\"function_call\","
	 "\"arguments\":{\"a\":1}},{\"type\":\"message\",\"content\":[\"bare\",null]}],"
	 "\"usage\":{\"input_tokens\":-1,\"output_tokens\":\"5\"}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\"\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    tool_call value={\"a\":1}\n"
	 "    text text=\"bare\"\n"
	 "    other value=null\n"
	 "  usage ~5 - - - -\n"},
};

static void answers_are_read(void **state)
{
	(void)state;
	ROWS_RUN(answers_are_read_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(other_shapes_are_no_calls),
		cmocka_unit_test(answers_are_read),
	};

	return cmocka_run_group_tests_name("genai responses", tests, NULL, NULL);
}
