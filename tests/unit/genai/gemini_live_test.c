/* SPDX-License-Identifier: BSD-2-Clause */
/* Gemini Live: turns of the client, each answered up to its end or a tool call. */
#include "socket.h"

static const struct socket_row a_conversation_is_a_row_of_calls_rows[] = {
	{"a tool round",
	 "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\"setup\":{\"model\":\"models/gemini-live\","
	 "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],\"temperature\":0.5},"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]}]}}\n"
	 "< {\"setupComplete\":{}}\n"
	 "> {\"client_content\":{\"turns\":[{\"role\":\"user\",\"parts\":[{\"text\":\"record "
	 "5\"}]}],\"turn_complete\":true}}\n"
	 "< {\"toolCall\":{\"functionCalls\":[{\"id\":\"c1\",\"name\":\"f\","
	 "\"args\":{\"a\":5}}]},\"usageMetadata\":{\"promptTokenCount\":5,"
	 "\"responseTokenCount\":4,\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}\n"
	 "> {\"tool_response\":{\"functionResponses\":[{\"id\":\"c1\",\"name\":\"f\","
	 "\"response\":{\"out\":\"ok\"}}]}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\"I have\"}}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audi"
	 "o/pcm\",\"data\":\"AAAA\"}}]}}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\" done\"}}}\n"
	 "< {\"serverContent\":{\"generationComplete\":true}}\n"
	 "< {\"serverContent\":{\"turnComplete\":true},"
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"responseTokenCount\":4,"
	 "\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"record 5\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call id=\"c1\" name=\"f\" value={\"a\":5}\n"
	 "  finish STOP\n"
	 "  usage 5 5 - - 1\n"
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  bottrace.audio.output_bytes=3\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input tool\n"
	 "    tool_call_response id=\"c1\" name=\"f\" value={\"out\":\"ok\"}\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"I have done\"\n"
	 "  finish STOP\n"
	 "  usage 5 5 - - 1\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
	{"text, in camel case",
	 "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\"setup\":{\"model\":\"models/gemini-live\","
	 "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],\"temperature\":0.5},"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]}]}}\n"
	 "< {\"setupComplete\":{}}\n"
	 "> {\"clientContent\":{\"turns\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},"
	 "{\"role\":\"model\",\"parts\":[{\"text\":\"b\"}]}]}}\n"
	 "> {\"clientContent\":{\"turns\":{\"role\":\"user\",\"parts\":[{\"text\":\"c\"}]},"
	 "\"turnComplete\":true}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},"
	 "{\"text\":\"Hel\"}]}}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"text\":\"lo\"}]},"
	 "\"turnComplete\":true}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  input assistant\n"
	 "    text text=\"b\"\n"
	 "  input user\n"
	 "    text text=\"c\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    reasoning text=\"hm\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish STOP\n"
	 "  usage - - - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
	{"Vertex, binary", "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
	 "@ > {\"setup\": {\"model\": "
	 "\"projects/p/locations/l/publishers/google/models/gemini-live\"}}\n"
	 "@ < {\"setupComplete\":{}}\n"
	 "@ > {\"client_content\": {\"turns\": [{\"role\": \"user\", \"parts\": [{\"text\": "
	 "\"q\"}]}], \"turn_complete\": true}}\n"
	 "@ < {\"server_content\": {\"model_turn\": {\"parts\": [{\"text\": \"hi\"}]}, "
	 "\"turn_complete\": true}, \"usage_metadata\": {\"prompt_token_count\": 3, "
	 "\"response_token_count\": 1}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish STOP\n"
	 "  usage 3 1 - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent\"\n"},
};

static void a_conversation_is_a_row_of_calls(void **state)
{
	(void)state;
	SOCKETS_RUN(a_conversation_is_a_row_of_calls_rows);
}

static const struct socket_row sound_is_counted_rows[] = {
	{"the server hears the end",
	 "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\"setup\":{\"model\":\"models/gemini-live\","
	 "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],\"temperature\":0.5},"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]}]}}\n"
	 "< {\"setupComplete\":{}}\n"
	 "> {\"realtimeInput\":{\"audio\":{\"mimeType\":\"audio/pcm\","
	 "\"data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}}\n"
	 "> {\"realtime_input\":{\"media_chunks\":[{\"data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}}\n"
	 "> {\"realtimeInput\":{\"text\":\"and hear\"}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\"Hello\"}}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audi"
	 "o/pcm\",\"data\":\"AAAA\"}}]}}}\n"
	 "< {\"serverContent\":{\"turnComplete\":true},"
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"responseTokenCount\":4,"
	 "\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  bottrace.audio.input_bytes=600\n"
	 "  bottrace.audio.output_bytes=3\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"and hear\"\n"
	 "  input user\n"
	 "    other name=\"audio\" value={\"audio\":{\"bytes\":600}}\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish STOP\n"
	 "  usage 5 5 - - 1\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
	{"with its rate, and pictures beside it",
	 "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
	 "> {\"setup\":{\"model\":\"models/gemini-live\"}}\n"
	 "> {\"realtimeInput\":{\"audio\":{\"mimeType\":\"audio/pcm;rate=16000\",\"data\":\"AAAAAAAA\"}}}\n"
	 "> {\"realtimeInput\":{\"mediaChunks\":[{\"mimeType\":\"audio/pcm; rate=8000\",\"data\":\"AAA=\"},"
	 "{\"mimeType\":\"image/jpeg\",\"data\":\"AAAA\"}],\"video\":{\"data\":\"AAAA\"}}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":"
	 "\"audio/pcm;rate=24000\",\"data\":\"AAAAAAAA\"}}]}}}\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":"
	 "\"audio/pcm;rate=24000\",\"data\":\"AAAAAAAA\"}}]}}}\n"
	 "< {\"serverContent\":{\"turnComplete\":true}}\n"
	 "> {\"realtimeInput\":{\"audio\":{\"mimeType\":\"audio/ogg\",\"data\":\"AAAA\"}}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\"Hm\"},\"turnComplete\":true}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream\n"
	 "  bottrace.audio.input_bytes=8\n"
	 "  bottrace.audio.input_seconds=0.000313\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00025\n"
	 "  input user\n"
	 "    other name=\"audio\" value={\"audio\":{\"bytes\":8,\"seconds\":0.000313}}\n"
	 "    other name=\"video\" value={\"video\":{\"bytes\":6}}\n"
	 "  output assistant finish=\"stop\"\n"
	 "  finish STOP\n"
	 "  usage - - - - -\n"
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  bottrace.audio.input_bytes=3\n"
	 "  input user\n"
	 "    other name=\"audio\" value={\"audio\":{\"bytes\":3}}\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hm\"\n"
	 "  finish STOP\n"
	 "  usage - - - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent\"\n"},
};

static void sound_is_counted(void **state)
{
	(void)state;
	SOCKETS_RUN(sound_is_counted_rows);
}

static const struct socket_row answers_that_do_not_end_well_rows[] = {
	{"interrupted", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\"setup\":{\"model\":\"models/gemini-live\","
	 "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],\"temperature\":0.5},"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]}]}}\n"
	 "< {\"setupComplete\":{}}\n"
	 "> {\"client_content\":{\"turns\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}],"
	 "\"turn_complete\":true}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\"Hel\"}}}\n"
	 "< {\"serverContent\":{\"interrupted\":true}}\n"
	 "< {\"serverContent\":{\"turnComplete\":true},"
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"responseTokenCount\":4,"
	 "\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"INTERRUPTED\"\n"
	 "    text text=\"Hel\"\n"
	 "  finish INTERRUPTED\n"
	 "  usage 5 5 - - 1\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
	{"closed", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\"setup\":{\"model\":\"models/gemini-live\","
	 "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],\"temperature\":0.5},"
	 "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]},"
	 "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]}]}}\n"
	 "< {\"setupComplete\":{}}\n"
	 "> {\"client_content\":{\"turns\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}],"
	 "\"turn_complete\":true}}\n"
	 "< {\"serverContent\":{\"outputTranscription\":{\"text\":\"Hel\"}}}",
	 "generate_content aborted\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" model=\"gemini-live\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.output.type=\"speech\"\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	 "\"parameters\":{\"type\":\"OBJECT\"}}]\n"
	 "  system\n"
	 "    text text=\"be brief\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage - - - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
};

static void answers_that_do_not_end_well(void **state)
{
	(void)state;
	SOCKETS_RUN(answers_that_do_not_end_well_rows);
}

static const struct socket_row strange_messages_rows[] = {
	{"strange", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
	 "> {\n"
	 "> {\"setup\":5}\n"
	 "< {\"usageMetadata\":{\"promptTokenCount\":5,\"responseTokenCount\":4,"
	 "\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}\n"
	 "> {\"client_content\":7}\n"
	 "> {\"tool_response\":{\"functionResponses\":[]}}\n"
	 "< {\"serverContent\":3}\n"
	 "< {\"toolCall\":4}\n"
	 "> {\"client_content\":{\"turns\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}],"
	 "\"turn_complete\":true}}\n"
	 "< {\"serverContent\":\n"
	 "< {\"serverContent\":{\"modelTurn\":{\"parts\":[1,{\"text\":2},{}]}}}\n"
	 "< {\"serverContent\":{\"turnComplete\":true},"
	 "\"usageMetadata\":{\"promptTokenCount\":5,\"responseTokenCount\":4,"
	 "\"totalTokenCount\":9,\"thoughtsTokenCount\":1}}",
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" stream\n"
	 "  output assistant finish=\"stop\"\n"
	 "  finish STOP\n"
	 "  usage - - - - -\n"
	 "generate_content ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"
	 "  generate_content provider=\"gcp.gemini\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "  finish STOP\n"
	 "  usage 5 5 - - 1\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	 "\"\n"},
};

static void strange_messages(void **state)
{
	(void)state;
	SOCKETS_RUN(strange_messages_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_is_a_row_of_calls),
		cmocka_unit_test(sound_is_counted),
		cmocka_unit_test(answers_that_do_not_end_well),
		cmocka_unit_test(strange_messages),
	};

	return cmocka_run_group_tests_name("genai gemini live", tests, NULL, NULL);
}
