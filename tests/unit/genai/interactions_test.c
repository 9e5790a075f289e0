/* SPDX-License-Identifier: BSD-2-Clause */
/* Google's Interactions, whole and streamed, as steps and as the contents that they were. */
#include "rows.h"

static const struct row whole_answers_rows[] = {
	{"everything", "/v1beta/interactions",
	 "{\"model\":\"gemini-3\",\"previous_interaction_id\":\"v0\",\"system_instruction\":"
	 "\"brief\",\"stream\":false,\"background\":false,\"input\":[{\"type\":\"user_input"
	 "\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},\"b\",{\"type\":\"image\",\"mim"
	 "e_type\":\"image/png\",\"data\":\"AA\"},{\"type\":\"video\",\"mimeType\":\"video/m"
	 "p4\",\"uri\":\"gs://v\"},{\"type\":\"audio\"},{\"type\":\"text\",\"text\":\"\"}]},"
	 "{\"type\":\"thought\",\"signature\":\"s\",\"summary\":[{\"type\":\"text\",\"text\""
	 ":\"hm\"},{\"type\":\"image\"}]},{\"type\":\"thought\"},{\"type\":\"function_call\""
	 ",\"id\":\"c1\",\"name\":\"f\",\"arguments\":{\"a\":1}},{\"type\":\"function_call\""
	 ",\"id\":\"c2\",\"name\":\"g\",\"arguments\":{}},{\"type\":\"google_search_call\","
	 "\"id\":\"s1\",\"arguments\":{\"queries\":[\"q\"]}},{\"type\":\"google_search_resul"
	 "t\",\"call_id\":\"s1\",\"result\":[{\"t\":1},{\"t\":2}]},{\"type\":\"mcp_server_to"
	 "ol_call\",\"id\":\"m1\",\"name\":\"n\",\"server_name\":\"s\",\"arguments\":{}},{\""
	 "type\":\"mcp_server_tool_result\",\"call_id\":\"m1\",\"result\":\"r\"},{\"type\":"
	 "\"function_result\",\"call_id\":\"c1\",\"name\":\"f\",\"result\":{\"o\":1},\"is_er"
	 "ror\":true},{\"type\":\"function_result\",\"call_id\":\"c2\",\"result\":[{\"type\""
	 ":\"text\",\"text\":\"x\"},{\"type\":\"text\",\"text\":\"y\"}]},{\"type\":\"model_o"
	 "utput\",\"content\":[{\"type\":\"text\",\"text\":\"z\"}]},{\"type\":\"strange\",\""
	 "x\":1},\"plain\",{\"type\":\"text\",\"text\":\"more\"}],\"tools\":[{\"type\":\"fun"
	 "ction\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}"
	 ",{\"type\":\"url_context\"}],\"generation_config\":{\"temperature\":0.2,\"topP\":0"
	 ".9,\"max_output_tokens\":9,\"stop_sequences\":[\"s\"],\"seed\":1,\"thinking_level"
	 "\":\"high\"},\"response_modalities\":[\"audio\"]}",
	 JSON_HEAD,
	 "{\"id\":\"v1\",\"model\":\"gemini-3-x\",\"status\":\"completed\",\"service_tier\":"
	 "\"flex\",\"steps\":[{\"type\":\"user_input\",\"content\":[{\"type\":\"text\",\"tex"
	 "t\":\"no\"}]},{\"type\":\"function_result\",\"call_id\":\"x\",\"result\":\"\"},{\""
	 "type\":\"thought\",\"summary\":[{\"type\":\"text\",\"text\":\"t\"}]},{\"type\":\"m"
	 "odel_output\",\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image"
	 "\",\"mime_type\":\"image/png\",\"data\":\"BB\"}]},{\"type\":\"function_call\",\"id"
	 "\":\"c3\",\"name\":\"h\",\"arguments\":{\"k\":\"v\"}}],\"usage\":{\"total_input_to"
	 "kens\":10,\"total_cached_tokens\":4,\"total_output_tokens\":3,\"total_thought_toke"
	 "ns\":5,\"total_tool_use_tokens\":2,\"input_tokens_by_modality\":[{\"modality\":\"t"
	 "ext\",\"tokens\":8},{\"modality\":\"audio\",\"tokens\":2}]}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-3\" answered=\"gemini-3-"
	 "x\" id=\"v1\" previous=\"v0\"\n"
	 "  gen_ai.request.temperature=0.2\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.stop_sequences=[\"s\"]\n"
	 "  gen_ai.request.seed=1\n"
	 "  bottrace.request.reasoning_effort=\"high\"\n"
	 "  bottrace.request.background=false\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters"
	 "\":{\"type\":\"object\"}},{\"type\":\"url_context\"}]\n"
	 "  system\n"
	 "    text text=\"brief\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "    text text=\"b\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AA\"\n"
	 "    uri modality=\"video\" mime=\"video/mp4\" text=\"gs://v\"\n"
	 "  input assistant\n"
	 "    reasoning text=\"hm\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"g\" value={}\n"
	 "    server_tool_call id=\"s1\" name=\"google_search\" value={\"type\":\"google_sea"
	 "rch\",\"input\":{\"queries\":[\"q\"]}}\n"
	 "    server_tool_call_response id=\"s1\" name=\"google_search_result\" value={\"typ"
	 "e\":\"google_search_result\",\"content\":[{\"t\":1},{\"t\":2}]}\n"
	 "    server_tool_call id=\"m1\" name=\"n\" value={\"type\":\"n\",\"input\":{}}\n"
	 "    server_tool_call_response id=\"m1\" name=\"mcp_server_tool_result\" value={\"t"
	 "ype\":\"mcp_server_tool_result\",\"content\":[\"r\"]}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c1\" name=\"f\" value={\"o\":1} is_error\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c2\" value=\"xy\"\n"
	 "  input assistant\n"
	 "    text text=\"z\"\n"
	 "    other name=\"strange\" value={\"type\":\"strange\",\"x\":1}\n"
	 "  input user\n"
	 "    text text=\"plain\"\n"
	 "  input user\n"
	 "    text text=\"more\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"t\"\n"
	 "    text text=\"one\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"BB\"\n"
	 "    tool_call id=\"c3\" name=\"h\" value={\"k\":\"v\"}\n"
	 "  finish tool_call\n"
	 "  usage 12 8 4 - 5\n"},
	{"one step", "/v1beta/interactions",
	 "{\"model\":\"g\",\"input\":{\"type\":\"user_input\",\"content\":\"hey\"}}", JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"completed\",\"steps\":[{\"type\":\"model_output\",\"con"
	 "tent\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\"\n"
	 "  input user\n"
	 "    text text=\"hey\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"},
	{"turns", "/v1beta/interactions",
	 "{\"model\":\"g\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"mode"
	 "l\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"user\",\"content"
	 "\":[{\"type\":\"function_result\",\"call_id\":\"c\",\"result\":\"r\"}]},{\"role\":"
	 "\"user\",\"content\":[]}]}",
	 JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"completed\",\"outputs\":[{\"type\":\"thought\",\"summar"
	 "y\":[]},{\"type\":\"text\",\"text\":\"hi\"}],\"usage\":{\"totalInputTokens\":1,\"t"
	 "otalOutputTokens\":2}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  input assistant\n"
	 "    text text=\"a\"\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c\" value=\"r\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage 1 2 - - -\n"},
	{"an agent", "/v1beta/interactions",
	 "{\"agent\":\"deep-research\",\"input\":\"x\",\"background\":true,\"responseMimeTyp"
	 "e\":\"application/json\"}",
	 JSON_HEAD, "{\"id\":\"i\",\"status\":\"in_progress\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" id=\"i\"\n"
	 "  gen_ai.agent.name=\"deep-research\"\n"
	 "  bottrace.request.background=true\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  usage - - - - -\n"},
	{"cut off", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"incomplete\",\"steps\":[{\"type\":\"model_output\",\"co"
	 "ntent\":\"hi\"}]}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish length\n"
	 "  usage ~5 ~1 - - -\n"},
	{"failed", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"failed\",\"error\":{\"code\":\"boom\",\"message\":\"no"
	 "\"}}",
	 "generate_content error type=\"boom\" message=\"no\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"error\"\n"
	 "  finish error\n"
	 "  usage ~5 - - - -\n"},
	{"refused", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\"}",
	 "429 No\r\nContent-Type: application/json",
	 "{\"error\":{\"code\":\"too_many_requests\",\"message\":\"Quota.\"}}",
	 "generate_content error type=\"too_many_requests\" message=\"Quota.\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  usage - - - - -\n"},
	{"values of other types", "/v1beta/interactions",
	 "{\"model\":\"g\",\"input\":[1,null,{\"type\":7},{\"type\":\"function_call\"},{\"ty"
	 "pe\":\"function_result\"},{\"type\":\"thought\",\"summary\":7},{\"type\":\"x_call"
	 "\",\"arguments\":7},{\"type\":\"x_result\",\"result\":null},{\"role\":7,\"type\":"
	 "\"text\"},{\"content\":{}}],\"tools\":7,\"generation_config\":7,\"system_instructi"
	 "on\":7,\"stream\":\"yes\",\"response_modalities\":[\"text\",\"image\"]}",
	 JSON_HEAD,
	 "{\"id\":7,\"status\":7,\"steps\":[7,{\"type\":\"model_output\"},{\"type\":\"functi"
	 "on_call\",\"arguments\":[1]}],\"usage\":{\"total_input_tokens\":-1,\"total_output_"
	 "tokens\":9223372036854775807,\"total_thought_tokens\":9223372036854775807}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\"\n"
	 "  input assistant\n"
	 "    tool_call\n"
	 "  input tool\n"
	 "    tool_call_response\n"
	 "  input assistant\n"
	 "    server_tool_call name=\"x\"\n"
	 "    server_tool_call_response name=\"x_result\"\n"
	 "  output assistant\n"
	 "    tool_call\n"
	 "  usage ~15 - - - -\n"},
	{"steps that are none", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\"}", JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"cancelled\",\"steps\":7}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\"\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"error\"\n"
	 "  finish error\n"
	 "  usage ~5 - - - -\n"},
	{"another shape", "/v1beta/interactions", "{\"type\":\"ping\",\"input\":\"x\"}", JSON_HEAD, "{}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"},
	{"nothing was seen of it", "/v1beta/interactions", "", JSON_HEAD,
	 "{\"id\":\"i\",\"status\":\"completed\",\"steps\":[{\"type\":\"model_output\",\"con"
	 "tent\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" id=\"i\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"},
};

static void whole_answers(void **state)
{
	(void)state;
	ROWS_RUN(whole_answers_rows);
}

static const struct row streams_rows[] = {
	{"steps", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"event_type\":\"interaction.created\",\"interaction\":{\"id\":\"i\",\"status\":"
	 "\"in_progress\",\"model\":\"m\"}}\n"
	 "{\"event_type\":\"interaction.status_update\",\"interaction_id\":\"i\",\"status\":"
	 "\"in_progress\"}\n"
	 "{\"event_type\":\"step.start\",\"index\":0,\"step\":{\"type\":\"thought\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"thought_summary\""
	 ",\"content\":{\"type\":\"text\",\"text\":\"h\"}}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"thought_summary\""
	 ",\"content\":{\"type\":\"text\",\"text\":\"m\"}}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"thought_signature"
	 "\",\"signature\":\"s\"}}\n"
	 "{\"event_type\":\"step.stop\",\"index\":0}\n"
	 "{\"event_type\":\"step.start\",\"index\":1,\"step\":{\"type\":\"code_execution_cal"
	 "l\",\"id\":\"e\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":1,\"delta\":{\"type\":\"code_execution_ca"
	 "ll\",\"arguments\":{\"code\":\"1\"}}}\n"
	 "{\"event_type\":\"step.start\",\"index\":2,\"step\":{\"type\":\"code_execution_res"
	 "ult\",\"call_id\":\"e\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":2,\"delta\":{\"type\":\"code_execution_re"
	 "sult\",\"result\":\"1\"}}\n"
	 "{\"event_type\":\"step.start\",\"index\":3,\"step\":{\"type\":\"model_output\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":3,\"delta\":{\"type\":\"text\",\"text\":"
	 "\"o\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":3,\"delta\":{\"type\":\"text\",\"text\":"
	 "\"k\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":3,\"delta\":{\"type\":\"audio\",\"mime_ty"
	 "pe\":\"audio/l16\",\"data\":\"AA\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":3,\"delta\":{\"type\":\"text_annotation_d"
	 "elta\",\"annotations\":[]}}\n"
	 "{\"event_type\":\"step.start\",\"index\":4,\"step\":{\"type\":\"function_call\",\""
	 "id\":\"c\",\"name\":\"f\",\"arguments\":{}}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":4,\"delta\":{\"type\":\"arguments_delta\""
	 ",\"arguments\":\"{\\\"a\\\":\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":4,\"delta\":{\"type\":\"arguments_delta\""
	 ",\"partial_arguments\":\"1}\"}}\n"
	 "{\"event_type\":\"interaction.completed\",\"interaction\":{\"id\":\"i\",\"status\""
	 ":\"requires_action\",\"usage\":{\"total_input_tokens\":3,\"total_output_tokens\":2"
	 ",\"total_thought_tokens\":1}}}\n"
	 "event: done\n"
	 "data: [DONE]\n",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" answered=\"m\" id=\"i\" str"
	 "eam first\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    server_tool_call id=\"e\" name=\"code_execution\" value={\"type\":\"code_execu"
	 "tion\",\"input\":{\"code\":\"1\"}}\n"
	 "    server_tool_call_response id=\"e\" name=\"code_execution_result\" value={\"typ"
	 "e\":\"code_execution_result\",\"content\":[\"1\"]}\n"
	 "    text text=\"ok\"\n"
	 "    blob modality=\"audio\" mime=\"audio/l16\" text=\"AA\"\n"
	 "    tool_call id=\"c\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 3 - - 1\n"},
	{"contents", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"event_type\":\"interaction.start\",\"interaction\":{\"id\":\"i\",\"status\":\"i"
	 "n_progress\"}}\n"
	 "{\"event_type\":\"content.start\",\"index\":0,\"content\":{\"type\":\"text\"}}\n"
	 "{\"event_type\":\"content.delta\",\"index\":0,\"delta\":{\"type\":\"text\",\"text"
	 "\":\"hi\"}}\n"
	 "{\"event_type\":\"content.delta\",\"index\":1,\"delta\":{\"type\":\"function_call"
	 "\",\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"a\":1}}}\n"
	 "{\"event_type\":\"interaction.complete\",\"interaction\":{\"id\":\"i\",\"status\":"
	 "\"completed\",\"usage\":{\"total_input_tokens\":3,\"total_output_tokens\":2}}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\" stream first\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"hi\"\n"
	 "    tool_call id=\"c\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_call\n"
	 "  usage 3 2 - - -\n"},
	{"all at its end", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"event_type\":\"interaction.completed\",\"interaction\":{\"id\":\"i\",\"status\""
	 ":\"completed\",\"steps\":[{\"type\":\"model_output\",\"content\":[{\"type\":\"text"
	 "\",\"text\":\"hi\"}]}]}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\" stream\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"},
	{"cut", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "{\"event_type\":\"interaction.created\",\"interaction\":{\"id\":\"i\",\"status\":"
	 "\"in_progress\"}}\n"
	 "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"text\",\"text\":"
	 "\"hi\"}}",
	 "generate_content aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" id=\"i\" stream first\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"hi\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"an error in it", "/v1beta/interactions", "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}",
	 SSE_HEAD,
	 "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"text\",\"text\":"
	 "\"hi\"}}\n"
	 "{\"event_type\":\"error\",\"error\":{\"code\":\"gateway_timeout\",\"message\":\"la"
	 "te\"}}",
	 "generate_content error type=\"gateway_timeout\" message=\"late\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" stream first\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant\n"
	 "    text text=\"hi\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"names of events alone, and odd ones", "/v1beta/interactions",
	 "{\"model\":\"g\",\"input\":\"x\",\"stream\":true}", SSE_HEAD,
	 "event: step.delta\n"
	 "data: {\"index\":-5,\"delta\":{\"type\":\"text\",\"text\":\"hi\"}}\n"
	 "\n"
	 "event: step.delta\n"
	 "data: {\"index\":1e99,\"delta\":7}\n"
	 "\n"
	 "event: step.delta\n"
	 "data: {\"delta\":{\"type\":\"arguments_delta\"}}\n"
	 "\n"
	 "event: x\n"
	 "data: 7\n"
	 "\n"
	 "event: interaction.completed\n"
	 "data: {\"interaction\":{\"status\":\"completed\"}}\n"
	 "\n",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/interactions\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"g\" stream first\n"
	 "  input user\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void streams(void **state)
{
	(void)state;
	ROWS_RUN(streams_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answers),
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests_name("genai interactions", tests, NULL, NULL);
}
