/* SPDX-License-Identifier: BSD-2-Clause */
/* Ollama's chat and generate: a JSON document a line, or one. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"everything", "/api/chat",
	 "{\"model\":\"llama3.2\",\"stream\":false,\"messages\":[{\"role\":\"system\","
	 "\"content\":\"s\"},{\"role\":\"user\",\"content\":\"look\",\"images\":[\"AAAA\"]},"
	 "{\"role\":\"assistant\",\"content\":\"\","
	 "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]},"
	 "{\"role\":\"tool\",\"content\":\"rain\",\"tool_name\":\"f\"}],"
	 "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}],"
	 "\"format\":{\"type\":\"object\"},\"think\":true,\"keep_alive\":\"5m\","
	 "\"options\":{\"temperature\":0.1,\"top_p\":0.9,\"top_k\":4,\"num_predict\":8,"
	 "\"seed\":1,\"stop\":[\"x\"],\"frequency_penalty\":0.1,\"presence_penalty\":0.2,"
	 "\"num_ctx\":4096}}",
	 JSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done_reason\":\"stop\","
	 "\"prompt_eval_count\":9,\"eval_count\":3,\"done\":true}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\"\n"
	 "  gen_ai.request.temperature=0.1\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=4\n"
	 "  gen_ai.request.max_tokens=8\n"
	 "  gen_ai.request.seed=1\n"
	 "  gen_ai.request.frequency_penalty=0.1\n"
	 "  gen_ai.request.presence_penalty=0.2\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"object\"}}]\n"
	 "  input system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"look\"\n"
	 "    blob modality=\"image\" text=\"AAAA\"\n"
	 "  input assistant\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "  input tool\n"
	 "    tool_call_response name=\"f\" value=\"rain\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage 9 3 - - -\n"},
	{"a prompt", "/api/generate",
	 "{\"model\":\"llama3.1\",\"prompt\":\"q\",\"system\":\"s\",\"format\":\"json\","
	 "\"stream\":false,\"options\":{}}",
	 JSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"response\":\"hi\","
	 "\"done_reason\":\"length\",\"context\":[1,2],\"prompt_eval_count\":9,"
	 "\"eval_count\":3,\"done\":true}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/generate\"\n"
	 "  text_completion provider=\"ollama\" model=\"llama3.1\" answered=\"llama3.2\"\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish length\n"
	 "  usage 9 3 - - -\n"},
	{"loading only", "/api/generate", "{\"model\":\"llama3.1\"}", JSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"response\":\"\","
	 "\"done_reason\":\"load\",\"done\":true}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/generate\"\n"
	 "  text_completion provider=\"ollama\" model=\"llama3.1\" answered=\"llama3.2\" "
	 "stream\n"
	 "  output assistant finish=\"load\"\n"
	 "  finish load\n"
	 "  usage - - - - -\n"},
	{"another shape", "/api/chat", "{\"model\":\"llama3.2\",\"prompt\":\"x\"}", JSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"done\":true}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"},
	{"a prompt of another kind", "/api/generate", "{\"model\":\"m\",\"prompt\":[1]}", JSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"done\":true}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/generate\"\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"texts and thoughts", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NDJSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"h\"},"
	 "\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"m\"},"
	 "\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\","
	 "\"prompt_eval_count\":9,\"eval_count\":3,\"total_duration\":5,\"done\":true}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish stop\n"
	 "  usage 9 3 - - -\n"},
	{"calls", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NDJSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\","
	 "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]},"
	 "\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c2\","
	 "\"function\":{\"index\":1,\"name\":\"g\",\"arguments\":{}}},"
	 "{\"function\":{\"name\":\"h\",\"arguments\":\"{\\\"b\\\":2}\"}}]},\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\","
	 "\"prompt_eval_count\":9,\"eval_count\":3,\"total_duration\":5,\"done\":true}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"c2\" name=\"g\" value={}\n"
	 "    tool_call name=\"h\" value={\"b\":2}\n"
	 "  finish stop\n"
	 "  usage 9 3 - - -\n"},
	{"a prompt, streams are put together", "/api/generate", "{\"model\":\"m\",\"prompt\":\"q\"}",
	 NDJSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"response\":\"Hel\",\"thinking\":\"hm\",\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"response\":\"lo\","
	 "\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\",\"response\":\"\","
	 "\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":2,\"done\":true}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/generate\"\n"
	 "  text_completion provider=\"ollama\" model=\"m\" answered=\"llama3.2\" stream "
	 "first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish stop\n"
	 "  usage 1 2 - - -\n"},
	{"an error in the midst", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NDJSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n"
	 "{\"error\":\"out of memory\"}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\","
	 "\"prompt_eval_count\":9,\"eval_count\":3,\"total_duration\":5,\"done\":true}",
	 "chat error type=\"_OTHER\" message=\"out of memory\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"cut", "/api/chat", "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 NDJSON_HEAD,
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hello\"\n"
	 "  usage ~5 ~2 - - -\n"},
	{"refused", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 "404 Not Found\r\n"
	 "Content-Type: application/json",
	 "{\"error\":\"model \\\"x\\\" not found, try pulling it first\"}",
	 "chat error type=\"404\" message=\"model \\\"x\\\" not found, try pulling it "
	 "first\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
	{"strange", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NDJSON_HEAD,
	 "[1]\n"
	 "{\"message\":3}\n"
	 "{\"message\":{\"content\":4,\"tool_calls\":[5,{\"function\":6}]}}\n"
	 "\n"
	 "{\"model\":\"llama3.2\",\"created_at\":\"2026-07-07T20:22:19Z\","
	 "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\","
	 "\"prompt_eval_count\":9,\"eval_count\":3,\"total_duration\":5,\"done\":true}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" answered=\"llama3.2\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call\n"
	 "    tool_call\n"
	 "  finish stop\n"
	 "  usage 9 3 - - -\n"},
	{"no JSON", "/api/chat",
	 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NDJSON_HEAD,
	 "{\"message\":\n"
	 "{\"x",
	 "chat error type=\"broken\" message=\"an event is no JSON\" broken=0\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/chat\"\n"
	 "  chat provider=\"ollama\" model=\"llama3.2\" stream\n"
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
		cmocka_unit_test(streams_are_put_together),
	};

	return cmocka_run_group_tests_name("genai ollama", tests, NULL, NULL);
}
