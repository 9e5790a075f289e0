/* SPDX-License-Identifier: BSD-2-Clause */
/* Google's generateContent, whole and streamed, in both ways to write names. */
#include "rows.h"

static const struct row requests_are_read_rows[] = {
	{"everything", "/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"look \"},"
	 "{\"text\":\"here\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
	 "{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"BB==\"}},"
	 "{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":\"gs://b/v\"}}]},"
	 "{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},"
	 "{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}},"
	 "{\"functionCall\":{\"id\":\"x\",\"name\":\"g\"}}]},{\"role\":\"user\","
	 "\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"out\":2}}},"
	 "{\"functionResponse\":{\"id\":\"x\",\"name\":\"g\",\"response\":{}}}]},"
	 "{\"role\":\"function\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
	 "\"response\":{\"out\":3}}}]},{\"role\":\"model\","
	 "\"parts\":[{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}},"
	 "{\"codeExecutionResult\":{\"outcome\":\"OK\",\"output\":\"1\"}},"
	 "{\"thoughtSignature\":\"s\"},{}]},{\"parts\":[{\"text\":\"no role\"}]}],"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be\"},{\"text\":\" brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}},{\"name\":\"g\","
	 "\"parametersJsonSchema\":{\"type\":\"object\"}}]},{\"googleSearch\":{}},"
	 "{\"codeExecution\":{}}],\"generationConfig\":{\"temperature\":0.2,\"topP\":0.9,"
	 "\"topK\":40,\"maxOutputTokens\":100,\"stopSequences\":[\"x\"],\"seed\":7,"
	 "\"candidateCount\":2,\"responseMimeType\":\"application/json\","
	 "\"presencePenalty\":0.1,\"frequencyPenalty\":0.2}}",
	 JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"candidatesTokenCount\":2,\"totalTokenCount\":7},\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-3\" answered=\"gemini-x\" "
	 "id=\"r1\"\n"
	 "  gen_ai.request.temperature=0.2\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=40\n"
	 "  gen_ai.request.max_tokens=100\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  gen_ai.request.frequency_penalty=0.2\n"
	 "  gen_ai.request.presence_penalty=0.1\n"
	 "  gen_ai.request.seed=7\n"
	 "  gen_ai.request.choice.count=2\n"
	 "  gen_ai.output.type=\"json\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}},{\"type\":\"function\",\"name\":\"g\","
	 "\"parameters\":{\"type\":\"object\"}},{\"type\":\"googleSearch\"},"
	 "{\"type\":\"codeExecution\"}]\n"
	 "  system\n"
	 "    text text=\"be\"\n"
	 "  system\n"
	 "    text text=\" brief\"\n"
	 "  input user\n"
	 "    text text=\"look \"\n"
	 "    text text=\"here\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AAAA\"\n"
	 "    blob modality=\"document\" mime=\"application/pdf\" text=\"BB==\"\n"
	 "    uri modality=\"video\" mime=\"video/mp4\" text=\"gs://b/v\"\n"
	 "  input assistant\n"
	 "    reasoning text=\"hm\"\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "    tool_call id=\"x\" name=\"g\" value={}\n"
	 "  input tool\n"
	 "    tool_call_response name=\"f\" value={\"out\":2}\n"
	 "    tool_call_response id=\"x\" name=\"g\" value={}\n"
	 "  input tool\n"
	 "    tool_call_response name=\"f\" value={\"out\":3}\n"
	 "  input assistant\n"
	 "    other name=\"executableCode\" "
	 "value={\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}\n"
	 "    other name=\"codeExecutionResult\" "
	 "value={\"codeExecutionResult\":{\"outcome\":\"OK\",\"output\":\"1\"}}\n"
	 "  input user\n"
	 "    text text=\"no role\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish STOP\n"
	 "  usage 5 2 - - -\n"},
	{"snake case", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\","
	 "\"parts\":[{\"inline_data\":{\"mime_type\":\"audio/wav\",\"data\":\"AA\"}},"
	 "{\"file_data\":{\"mime_type\":\"text/plain\",\"file_uri\":\"u\"}}]},"
	 "{\"role\":\"model\",\"parts\":[{\"function_call\":{\"name\":\"f\",\"args\":{}}}]},"
	 "{\"role\":\"user\",\"parts\":[{\"function_response\":{\"name\":\"f\","
	 "\"response\":{\"r\":1}}}]}],\"system_instruction\":{\"parts\":[{\"text\":\"s\"}]},"
	 "\"tools\":{\"function_declarations\":[{\"name\":\"f\"}]},"
	 "\"generation_config\":{\"max_output_tokens\":5,\"top_k\":3,"
	 "\"response_modalities\":[\"AUDIO\"]}}",
	 JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finish_reason\":\"MAX_TOKENS\"}],\"usage_metadata\":{\"prompt_token_count\":5,"
	 "\"candidates_token_count\":2,\"thoughts_token_count\":3,"
	 "\"cached_content_token_count\":1},\"model_version\":\"gemini-x\","
	 "\"response_id\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\"\n"
	 "  gen_ai.request.top_k=3\n"
	 "  gen_ai.request.max_tokens=5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\"}]\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    blob modality=\"audio\" mime=\"audio/wav\" text=\"AA\"\n"
	 "    uri modality=\"document\" mime=\"text/plain\" text=\"u\"\n"
	 "  input assistant\n"
	 "    tool_call name=\"f\" value={}\n"
	 "  input tool\n"
	 "    tool_call_response name=\"f\" value={\"r\":1}\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish MAX_TOKENS\n"
	 "  usage 5 5 1 - 3\n"},
	{"single things instead of lists", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":{\"parts\":{\"text\":\"q\"}},"
	 "\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]}}",
	 JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"candidatesTokenCount\":2,\"totalTokenCount\":7},\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish STOP\n"
	 "  usage 5 2 - - -\n"},
	{"another shape", "/v1beta/models/gemini-2.5-pro:generateContent", "{\"messages\":[]}", JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"candidatesTokenCount\":2,\"totalTokenCount\":7},\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"},
};

static void requests_are_read(void **state)
{
	(void)state;
	ROWS_RUN(requests_are_read_rows);
}

static const struct row answers_are_read_rows[] = {
	{"thoughts and calls", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hm\","
	 "\"thought\":true,\"thoughtSignature\":\"s\"},{\"text\":\"I call\"},"
	 "{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}},\"thoughtSignature\":\"s\"},"
	 "{\"functionCall\":{\"name\":\"f\"}}]},\"finishReason\":\"STOP\"}],"
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":2,"
	 "\"totalTokenCount\":7},\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"I call\"\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "    tool_call name=\"f\" value={}\n"
	 "  finish STOP\n"
	 "  usage 5 2 - - -\n"},
	{"every class of usage", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":10,"
	 "\"toolUsePromptTokenCount\":4,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":3,"
	 "\"cachedContentTokenCount\":6},\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish STOP\n"
	 "  usage 14 5 6 - 3\n"},
	{"candidates", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]},"
	 "\"finishReason\":\"SAFETY\"},{\"index\":0,"
	 "\"content\":{\"parts\":[{\"text\":\"a\"}]},"
	 "\"finishReason\":\"MALFORMED_FUNCTION_CALL\"},{\"index\":2,"
	 "\"finishReason\":\"SOMETHING_NEW\"}]}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"content_filter\"\n"
	 "    text text=\"b\"\n"
	 "  output assistant finish=\"error\"\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"SOMETHING_NEW\"\n"
	 "  finish SAFETY\n"
	 "  finish MALFORMED_FUNCTION_CALL\n"
	 "  finish SOMETHING_NEW\n"
	 "  usage ~5 ~1 - - -\n"},
	{"the prompt was blocked", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},"
	 "\"usageMetadata\":{\"promptTokenCount\":5}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\"\n"
	 "  bottrace.response.block_reason=\"SAFETY\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage 5 - - - -\n"},
	{"numbers for words", "/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	 "\"finishReason\":2}],\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"candidatesTokenCount\":2,\"totalTokenCount\":7},\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-3\" answered=\"gemini-x\" "
	 "id=\"r1\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish MAX_TOKENS\n"
	 "  usage 5 2 - - -\n"},
	{"an array of chunks", "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "[{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"he\"}]},"
	 "\"index\":0}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"},"
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"y\"}]},"
	 "\"index\":0,\"finishReason\":1}],\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}]",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hey\"\n"
	 "  finish STOP\n"
	 "  usage ~5 ~1 - - -\n"},
	{"an error in a list", "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}",
	 "400 Bad Request\r\n"
	 "Content-Type: application/json",
	 "{\"error\":{\"code\":400,\"message\":\"no key\",\"status\":\"INVALID_ARGUMENT\"}}",
	 "generate_content error type=\"400\" message=\"no key\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
	{"strange", "/v1beta/models/gemini-2.5-pro:generateContent",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", JSON_HEAD,
	 "{\"candidates\":[3,{\"content\":4},{\"content\":{\"parts\":[5,{\"text\":6},"
	 "{\"functionCall\":7}]},\"finishReason\":99}],\"usageMetadata\":7}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:generateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "  usage ~5 - - - -\n"},
};

static void answers_are_read(void **state)
{
	(void)state;
	ROWS_RUN(answers_are_read_rows);
}

static const struct row streams_are_put_together_rows[] = {
	{"texts", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", SSE_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hm\","
	 "\"thought\":true}]},\"index\":0}],\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}\n"
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" so\","
	 "\"thought\":true}]},\"index\":0}],\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\"}\n"
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},"
	 "\"index\":0}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"}\n"
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"lo\"}]},"
	 "\"index\":0,\"finishReason\":\"STOP\"}],\"modelVersion\":\"gemini-x\","
	 "\"responseId\":\"r1\",\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"candidatesTokenCount\":2}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm so\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish STOP\n"
	 "  usage 5 2 - - -\n"},
	{"a call, usage that shrinks", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", SSE_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"x\"}]},"
	 "\"index\":0}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\","
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"thoughtsTokenCount\":9}}\n"
	 "{\"candidates\":[{\"content\":{\"role\":\"model\","
	 "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}}]},\"index\":0,"
	 "\"finishReason\":\"STOP\"}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\","
	 "\"usageMetadata\":{\"promptTokenCount\":6,\"candidatesTokenCount\":2}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"x\"\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "  finish STOP\n"
	 "  usage 6 11 - - 9\n"},
	{"cut before its end", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", SSE_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},"
	 "\"index\":0}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"}",
	 "generate_content aborted\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"an error after a start", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}", SSE_HEAD,
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},"
	 "\"index\":0}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r1\"}\n"
	 "{\"error\":{\"code\":503,\"message\":\"overloaded\",\"status\":\"UNAVAILABLE\"}}",
	 "generate_content error type=\"503\" message=\"overloaded\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" "
	 "answered=\"gemini-x\" id=\"r1\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"an error that calls itself a stream", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}",
	 "400 Bad Request\r\n"
	 "Content-Type: text/event-stream",
	 "{  \"error\": {\"code\": 400, \"message\": \"no key\"}}",
	 "generate_content error type=\"400\" message=\"no key\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/gemini-2.5-pro:streamGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-2.5-pro\" stream\n"
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

	return cmocka_run_group_tests_name("genai gemini", tests, NULL, NULL);
}
