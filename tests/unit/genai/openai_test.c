/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define CHAT	  "POST /v1/chat/completions HTTP/1.1"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define TOP	  "chat ok\n  server=\"api.example.com\" port=443 path=\"/v1/chat/completions\"\n"

static void expect(const char *name, const char *body, const char *head, const char *answer, const char *want)
{
	char *input = talk_make(CHAT, body, head, answer);

	talk_sweep(name, input, want);
	free(input);
}

static void everything_of_a_request(void **state)
{
	(void)state;
	expect("request",
	       "{\"model\":\"m\",\"temperature\":0.70,\"top_p\":1,\"top_k\":40,\"n\":2,\"stop\":\"END\","
	       "\"max_tokens\":5,"
	       "\"max_completion_tokens\":6,\"seed\":-1,\"frequency_penalty\":null,\"presence_penalty\":1e-1,"
	       "\"response_format\":{\"type\":\"json_schema\"},\"reasoning_effort\":\"low\",\"service_tier\":"
	       "\"flex\","
	       "\"user\":\"u\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	       "\"description\":\"d\","
	       "\"strict\":true,\"parameters\":{\"type\": "
	       "\"object\"}}},{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}},"
	       "{\"type\":\"web_search\"},3],\"messages\":["
	       "{\"role\":\"developer\",\"content\":\"Be \\\"brief\\\"\"},"
	       "{\"role\":\"user\",\"name\":\"bob\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
	       "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},"
	       "{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,QUJD\"},"
	       "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"mp3\"}},"
	       "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
	       "{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,JVBE\"}},"
	       "{\"type\":\"new_thing\",\"x\": 1}]},"
	       "{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\",\"tool_calls\":[{"
	       "\"id\":\"c1\",\"type\":"
	       "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{ \\\"a\\\" : [1.0, "
	       "\\\"\\u00e9\\\"] }\"}},"
	       "{\"id\":\"c2\",\"function\":{\"name\":\"f\",\"arguments\":\"not json\"}},"
	       "{\"id\":\"\",\"function\":{\"name\":\"f\"}}]},"
	       "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{\\\"r\\\":1}\"},"
	       "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
	       "{\"type\":\"text\",\"text\":\"b\"}]},"
	       "{\"role\":\"assistant\",\"function_call\":{\"name\":\"old\",\"arguments\":\"{}\"}},"
	       "{\"role\":\"function\",\"name\":\"old\",\"content\":\"x\"},"
	       "{\"role\":\"user\",\"content\":\"\"}]}",
	       JSON_HEAD, "{}",
	       TOP "  chat provider=\"openai\" model=\"m\"\n"
		   "  openai.api.type=\"chat_completions\"\n  gen_ai.request.temperature=0.70\n"
		   "  gen_ai.request.max_tokens=6\n  gen_ai.request.top_p=1\n  gen_ai.request.top_k=40\n"
		   "  gen_ai.request.presence_penalty=1e-1\n  gen_ai.request.seed=-1\n"
		   "  openai.request.service_tier=\"flex\"\n  bottrace.request.reasoning_effort=\"low\"\n"
		   "  gen_ai.request.stop_sequences=[\"END\"]\n  gen_ai.request.choice.count=2\n"
		   "  gen_ai.output.type=\"json\"\n"
		   "  tools "
		   "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
		   "\"object\"}},"
		   "{\"type\":\"custom\",\"name\":\"c\"},{\"type\":\"web_search\"}]\n"
		   "  input developer\n    text text=\"Be \\\"brief\\\"\"\n"
		   "  input user name=\"bob\"\n    text text=\"look\"\n"
		   "    uri modality=\"image\" text=\"https://x/y.png\"\n"
		   "    blob modality=\"image\" mime=\"image/png\" text=\"QUJD\"\n"
		   "    blob modality=\"audio\" mime=\"audio/mpeg\" text=\"UklG\"\n"
		   "    file modality=\"document\" text=\"file-1\"\n"
		   "    blob modality=\"document\" mime=\"application/pdf\" text=\"JVBE\"\n"
		   "    other name=\"new_thing\" value={\"type\":\"new_thing\",\"x\":1}\n"
		   "  input assistant\n    reasoning text=\"hm\"\n"
		   "    tool_call id=\"c1\" name=\"f\" value={\"a\":[1.0,\"\xc3\xa9\"]}\n"
		   "    tool_call id=\"c2\" name=\"f\" value=\"not json\"\n"
		   "    tool_call name=\"f\"\n"
		   "  input tool\n    tool_call_response id=\"c1\" value=\"{\\\"r\\\":1}\"\n"
		   "  input tool\n    tool_call_response id=\"c2\" value=\"ab\"\n"
		   "  input assistant\n    tool_call name=\"old\" value={}\n"
		   "  input tool name=\"old\"\n    tool_call_response name=\"old\" value=\"x\"\n"
		   "  input user\n"
		   "  usage - - - - -\n");
}

static void everything_of_an_answer(void **state)
{
	(void)state;
	expect("answer", "{\"model\":\"m\",\"messages\":[]}", JSON_HEAD,
	       "{\"id\":\"chatcmpl-1\",\"model\":\"m-1\",\"service_tier\":\"default\",\"system_fingerprint\":"
	       "\"fp\",\"choices\":["
	       "{\"index\":0,\"finish_reason\":\"tool_calls\",\"message\":{\"role\":\"assistant\","
	       "\"content\":\"t\","
	       "\"reasoning\":\"r\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
	       "\"arguments\":\"{}\"}}]}},"
	       "{\"index\":1,\"finish_reason\":\"content_filter\",\"message\":{\"content\":null,\"refusal\":"
	       "\"no\"}},"
	       "{\"index\":2,\"finish_reason\":\"length\",\"message\":{\"content\":[{\"type\":\"thinking\","
	       "\"thinking\":"
	       "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]},{\"type\":\"text\","
	       "\"text\":\"c\"}]}},"
	       "{\"index\":3,\"finish_reason\":\"odd\",\"message\":{\"content\":null,\"audio\":{\"id\":\"x\","
	       "\"data\":\"QQ==\","
	       "\"transcript\":\"hey\"}}}],"
	       "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"total_tokens\":17,\"prompt_tokens_"
	       "details\":"
	       "{\"cached_tokens\":0,\"cache_write_tokens\":3},\"completion_tokens_details\":{\"reasoning_"
	       "tokens\":4}}}",
	       TOP "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"chatcmpl-1\"\n"
		   "  openai.api.type=\"chat_completions\"\n  openai.response.service_tier=\"default\"\n"
		   "  openai.response.system_fingerprint=\"fp\"\n"
		   "  output assistant finish=\"tool_call\"\n    reasoning text=\"r\"\n    text text=\"t\"\n"
		   "    tool_call id=\"c1\" name=\"f\" value={}\n"
		   "  output assistant finish=\"content_filter\"\n    text name=\"refusal\" text=\"no\"\n"
		   "  output assistant finish=\"length\"\n    reasoning text=\"ab\"\n    text text=\"c\"\n"
		   "  output assistant finish=\"odd\"\n    text text=\"hey\"\n    blob modality=\"audio\" "
		   "text=\"QQ==\"\n"
		   "  finish tool_calls\n  finish content_filter\n  finish length\n  finish odd\n"
		   "  usage 10 7 0 3 4\n");
}

static void usage_says_only_what_the_wire_says(void **state)
{
	static const char *const rows[][2] = {
		{"{}", "  usage - - - - -\n"},
		{"null", "  usage - - - - -\n"},
		{"{\"prompt_tokens\":0,\"completion_tokens\":0}", "  usage 0 0 - - -\n"},
		{"{\"prompt_tokens\":5,\"prompt_cache_hit_tokens\":3}", "  usage 5 - 3 - -\n"},
		{"{\"prompt_tokens\":5,\"prompt_cache_hit_tokens\":3,\"prompt_tokens_details\":{\"cached_"
		 "tokens\":4}}",
		 "  usage 5 - 4 - -\n"},
		{"{\"prompt_tokens\":5,\"prompt_tokens_details\":null,\"completion_tokens_details\":null}",
		 "  usage 5 - - - -\n"},
		{"{\"prompt_tokens\":-5,\"completion_tokens\":\"7\"}", "  usage - - - - -\n"},
		{"{\"prompt_tokens\":99999999999999999999,\"completion_tokens\":1.5}", "  usage - - - - -\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf answer, want;

		buf_init(&answer, SIZE_MAX);
		buf_init(&want, SIZE_MAX);
		buf_addf(&answer, "{\"usage\":%s}", rows[i][0]);
		buf_addf(&want,
			 TOP
			 "  chat provider=\"openai\" model=\"m\"\n  openai.api.type=\"chat_completions\"\n%s",
			 rows[i][1]);
		expect(rows[i][0], "{\"model\":\"m\",\"messages\":[]}", JSON_HEAD, buf_z(&answer),
		       buf_z(&want));
		buf_fini(&answer);
		buf_fini(&want);
	}
}

static void azure_names_the_model_in_the_path(void **state)
{
	char *input = talk_make("POST /openai/deployments/gpt-x/chat/completions?api-version=1 HTTP/1.1",
				"{\"messages\":[]}", JSON_HEAD, "{}");

	(void)state;
	talk_server = "me.openai.azure.com";
	talk_expect("azure", input,
		    "chat ok\n  server=\"me.openai.azure.com\" port=443 "
		    "path=\"/openai/deployments/gpt-x/chat/completions\"\n"
		    "  chat provider=\"azure.ai.openai\" model=\"gpt-x\"\n  "
		    "openai.api.type=\"chat_completions\"\n"
		    "  usage - - - - -\n");
	talk_server = "api.example.com";
	free(input);
}

static void gateways_name_themselves(void **state)
{
	(void)state;
	expect("litellm", "{\"model\":\"m\",\"messages\":[]}", JSON_HEAD "\r\nX-LiteLLM-Call-Id: 1", "{}",
	       TOP "  chat provider=\"litellm\" model=\"m\"\n  openai.api.type=\"chat_completions\"\n  usage "
		   "- - - - -\n");
}

static void hostile_shapes_do_no_harm(void **state)
{
	(void)state;
	expect("hostile",
	       "{\"model\":\"m\",\"stop\":[1,{\"a\":2}],\"temperature\":\"hot\",\"tools\":{\"a\":1},"
	       "\"messages\":[null,3,\"x\",[],{},"
	       "{\"role\":7,\"content\":{\"a\":1}},{\"role\":\"assistant\",\"tool_calls\":[null,{},{"
	       "\"function\":3}]},"
	       "{\"role\":\"tool\"},{\"role\":\"user\",\"content\":[null,1,{\"type\":\"text\"},{\"type\":"
	       "\"image_url\"}]}]}",
	       JSON_HEAD, "{\"choices\":[null,3,{\"message\":[]}],\"usage\":[1],\"id\":5,\"model\":{}}",
	       TOP "  chat provider=\"openai\" model=\"m\"\n  openai.api.type=\"chat_completions\"\n"
		   "  gen_ai.request.stop_sequences=[1,{\"a\":2}]\n"
		   "  input \n  input \n  input \n  input \n  input \n  input \n"
		   "  input assistant\n    tool_call\n    tool_call\n    tool_call\n"
		   "  input tool\n    tool_call_response\n"
		   "  input user\n    other value=null\n    other value=1\n    other name=\"text\" "
		   "value={\"type\":\"text\"}\n"
		   "    other name=\"image_url\" value={\"type\":\"image_url\"}\n"
		   "  output assistant\n  output assistant\n  output assistant\n"
		   "  usage - - - - -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_of_a_request),
		cmocka_unit_test(everything_of_an_answer),
		cmocka_unit_test(usage_says_only_what_the_wire_says),
		cmocka_unit_test(azure_names_the_model_in_the_path),
		cmocka_unit_test(gateways_name_themselves),
		cmocka_unit_test(hostile_shapes_do_no_harm),
	};

	return cmocka_run_group_tests_name("genai openai", tests, NULL, NULL);
}
