/* SPDX-License-Identifier: BSD-2-Clause */
/* Text completions: OpenAI's, llama.cpp's, and Anthropic's old ones. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"everything", "/v1/completions",
	 "{\"model\":\"m\",\"prompt\":\"once\",\"max_tokens\":9,\"temperature\":0,\"top_p\":1,"
	 "\"n\":2,\"stop\":[\"x\"],\"seed\":3,\"presence_penalty\":0.5,"
	 "\"frequency_penalty\":0.25}",
	 JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null},{\"index\":1,\"text\":\"b\",\"finish_reason\":\"length\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\"\n"
	 "  gen_ai.request.temperature=0\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.top_p=1\n"
	 "  gen_ai.request.seed=3\n"
	 "  gen_ai.request.frequency_penalty=0.25\n"
	 "  gen_ai.request.presence_penalty=0.5\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  gen_ai.request.choice.count=2\n"
	 "  input user\n"
	 "    text text=\"once\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"b\"\n"
	 "  finish stop\n"
	 "  finish length\n"
	 "  usage 3 4 - - -\n"},
	{"a stop that is a text", "/v1/completions", "{\"model\":\"m\",\"prompt\":\"once\",\"stop\":\"x\"}",
	 JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\"\n"
	 "  input user\n"
	 "    text text=\"once\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"a\"\n"
	 "  finish stop\n"
	 "  usage 3 4 - - -\n"},
	{"texts", "/v1/completions", "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}", JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"x\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null},{\"index\":1,\"text\":\"y\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\"\n"
	 "  input user\n"
	 "    text text=\"a\\nb\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"x\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"y\"\n"
	 "  finish stop\n"
	 "  finish stop\n"
	 "  usage 3 4 - - -\n"},
	{"tokens", "/v1/completions", "{\"model\":\"m\",\"prompt\":[1,2,3]}", JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"x\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\"\n"
	 "  input user\n"
	 "    other name=\"tokens\" value=[1,2,3]\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"x\"\n"
	 "  finish stop\n"
	 "  usage 3 4 - - -\n"},
	{"Azure", "/openai/deployments/dep/completions?api-version=1", "{\"prompt\":\"p\"}", JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"x\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/openai/deployments/dep/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"dep\" answered=\"m-1\" id=\"cmpl-1\"\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"x\"\n"
	 "  finish stop\n"
	 "  usage 3 4 - - -\n"},
	{"another shape", "/v1/completions", "{\"model\":\"m\",\"messages\":[]}", JSON_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"x\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"chunks", "/v1/completions", "{\"model\":\"m\",\"prompt\":\"p\",\"stream\":true}", SSE_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"Hel\",\"finish_reason\":null,"
	 "\"logprobs\":null}],\"usage\":null}\n"
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"lo\",\"finish_reason\":null,"
	 "\"logprobs\":null}],\"usage\":null}\n"
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\","
	 "\"logprobs\":null}],\"usage\":null}\n"
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\",\"choices\":[],"
	 "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n"
	 "data: [DONE]\n",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\" "
	 "stream first\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish stop\n"
	 "  usage 3 4 - - -\n"},
	{"an error", "/v1/completions", "{\"model\":\"m\",\"prompt\":\"p\",\"stream\":true}", SSE_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"Hel\",\"finish_reason\":null,"
	 "\"logprobs\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	 "\"total_tokens\":7}}\n"
	 "{\"error\":{\"message\":\"gone\",\"type\":\"server_error\"}}",
	 "text_completion error type=\"server_error\" message=\"gone\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\" "
	 "stream first\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage 3 4 - - -\n"},
	{"cut", "/v1/completions", "{\"model\":\"m\",\"prompt\":\"p\",\"stream\":true}", SSE_HEAD,
	 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"m-1\","
	 "\"choices\":[{\"index\":0,\"text\":\"Hel\",\"finish_reason\":null,"
	 "\"logprobs\":null}],\"usage\":null}",
	 "text_completion aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"cmpl-1\" "
	 "stream first\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void streams_are_put_together(void **state)
{
	(void)state;
	ROWS_RUN(streams_are_put_together_rows);
}

static const struct row others_answer_with_one_text_rows[] = {
	{"llama.cpp", "/completion", "{\"prompt\":\"p\",\"n_predict\":8,\"stream\":false}", JSON_HEAD,
	 "{\"content\":\"hi\",\"stop\":true,\"stop_type\":\"limit\",\"tokens_evaluated\":5,"
	 "\"tokens_predicted\":8,\"model\":\"gguf\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/completion\"\n"
	 "  text_completion provider=\"openai\" answered=\"gguf\"\n"
	 "  gen_ai.request.max_tokens=8\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish limit\n"
	 "  usage 5 8 - - -\n"},
	{"llama.cpp, streamed", "/completion", "{\"prompt\":\"p\",\"n_predict\":8,\"stream\":true}", SSE_HEAD,
	 "{\"content\":\"he\",\"stop\":false}\n"
	 "{\"content\":\"y\",\"stop\":false}\n"
	 "{\"content\":\"\",\"stop\":true,\"stop_type\":\"eos\",\"tokens_evaluated\":5,"
	 "\"tokens_predicted\":2}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/completion\"\n"
	 "  text_completion provider=\"openai\" stream first\n"
	 "  gen_ai.request.max_tokens=8\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hey\"\n"
	 "  finish eos\n"
	 "  usage 5 2 - - -\n"},
	{"Anthropic", "/v1/complete",
	 "{\"model\":\"claude-2\",\"prompt\":\"\\n\\nHuman: q\\n\\nAssistant:\","
	 "\"max_tokens_to_sample\":9,\"stop_sequences\":[\"x\"]}",
	 JSON_HEAD,
	 "{\"id\":\"compl_1\",\"type\":\"completion\",\"completion\":\" hi\","
	 "\"stop_reason\":\"stop_sequence\",\"model\":\"claude-2.1\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/complete\"\n"
	 "  text_completion provider=\"anthropic\" model=\"claude-2\" answered=\"claude-2.1\" "
	 "id=\"compl_1\"\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  input user\n"
	 "    text text=\"\\n\\nHuman: q\\n\\nAssistant:\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\" hi\"\n"
	 "  finish stop_sequence\n"
	 "  usage ~10 ~1 - - -\n"},
	{"strange", "/v1/completions", "{\"model\":\"m\",\"prompt\":\"p\"}", JSON_HEAD,
	 "{\"choices\":[1,{\"index\":\"x\",\"text\":3},{\"index\":-5,\"text\":\"t\","
	 "\"finish_reason\":4}]}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/completions\"\n"
	 "  text_completion provider=\"openai\" model=\"m\"\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant\n"
	 "  output assistant\n"
	 "    text text=\"t\"\n"
	 "  usage ~5 ~1 - - -\n"},
};

static void others_answer_with_one_text(void **state)
{
	(void)state;
	ROWS_RUN(others_answer_with_one_text_rows);
}

static const struct row watsonx_and_between_rows[] = {
	{"watsonx", "/ml/v1/text/generation",
	 "{\"model_id\":\"ibm/"
	 "g\",\"project_id\":\"p\",\"input\":\"once\",\"parameters\":{\"max_new_tokens\":9,\"temperature\":0."
	 "5,\"top_p\":1,\"top_k\":5,\"random_seed\":3,\"stop_sequences\":[\".\"]}}",
	 JSON_HEAD,
	 "{\"model_id\":\"ibm/"
	 "g-1\",\"results\":[{\"generated_text\":\"a\",\"generated_token_count\":2,\"input_token_count\":4,"
	 "\"stop_reason\":\"token_limit\"}]}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/ml/v1/text/generation\"\n"
	 "  text_completion provider=\"ibm.watsonx.ai\" model=\"ibm/g\" answered=\"ibm/g-1\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.top_p=1\n"
	 "  gen_ai.request.top_k=5\n"
	 "  gen_ai.request.seed=3\n"
	 "  gen_ai.request.stop_sequences=[\".\"]\n"
	 "  input user\n"
	 "    text text=\"once\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"a\"\n"
	 "  finish token_limit\n"
	 "  usage 4 2 - - -\n"},
	{"watsonx, a stream", "/ml/v1/deployments/d/text/generation_stream",
	 "{\"parameters\":{\"prompt_variables\":{\"a\":\"b\"}}}", SSE_HEAD,
	 "{}\n"
	 "{\"results\":[{\"generated_text\":\"\",\"generated_token_count\":0,\"input_token_count\":7,\"stop_"
	 "reason\":\"not_finished\"}]}\n"
	 "{\"results\":[{\"generated_text\":\"a\",\"generated_token_count\":1,\"input_token_count\":0,\"stop_"
	 "reason\":\"not_finished\"}]}\n"
	 "{\"results\":[{\"generated_text\":\"b\",\"generated_token_count\":3,\"input_token_count\":0,\"stop_"
	 "reason\":\"time_limit\"}]}\n"
	 "{\"results\":[{\"generated_text\":\"c\"}]}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/ml/v1/deployments/d/text/generation_stream\"\n"
	 "  text_completion provider=\"ibm.watsonx.ai\" model=\"d\" stream first\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"ab\"\n"
	 "  finish time_limit\n"
	 "  usage 7 3 - - -\n"},
	{"no shape of watsonx's", "/ml/v1/text/generation", "{\"model_id\":\"m\",\"inputs\":[\"a\"]}",
	 JSON_HEAD, "{}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/ml/v1/text/generation\"\n"},
	{"between two texts", "/v1/fim/completions",
	 "{\"model\":\"m\",\"prompt\":\"p\",\"suffix\":\"s\",\"random_seed\":1}", JSON_HEAD,
	 "{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"m-1\",\"choices\":[{\"index\":0,"
	 "\"message\":{\"role\":\"assistant\",\"content\":\"t\"},\"finish_reason\":\"stop\"}],\"usage\":{"
	 "\"prompt_tokens\":3,\"completion_tokens\":1}}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/fim/completions\"\n"
	 "  text_completion provider=\"mistral_ai\" model=\"m\" answered=\"m-1\" id=\"x\"\n"
	 "  gen_ai.request.seed=1\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "    other name=\"suffix\" value=\"s\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"t\"\n"
	 "  finish stop\n"
	 "  usage 3 1 - - -\n"},
	{"between two texts, a stream", "/v1/fim/completions",
	 "{\"model\":\"m\",\"prompt\":\"p\",\"suffix\":\"\",\"stream\":true}", SSE_HEAD,
	 "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n"
	 "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}"
	 "],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n"
	 "data: [DONE]\n",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/fim/completions\"\n"
	 "  text_completion provider=\"mistral_ai\" model=\"m\" id=\"x\" stream first\n"
	 "  input user\n"
	 "    text text=\"p\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"ab\"\n"
	 "  finish length\n"
	 "  usage 3 2 - - -\n"},
};

static void watsonx_and_between(void **state)
{
	(void)state;
	ROWS_RUN(watsonx_and_between_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(streams_are_put_together),
		cmocka_unit_test(others_answer_with_one_text),
		cmocka_unit_test(watsonx_and_between),
	};

	return cmocka_run_group_tests_name("genai completions", tests, NULL, NULL);
}
