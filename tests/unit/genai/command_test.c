/* SPDX-License-Identifier: BSD-2-Clause */
/* Cohere's first chat on Bedrock. */
#include "rows.h"

static const struct row whole_and_streamed_rows[] = {
	{"on Bedrock", "/model/cohere.command-r-plus-v1%3A0/invoke",
	 "{\"message\":\"And now?\",\"preamble\":\"Be brief.\",\"max_tokens\":99,\"temperatu"
	 "re\":0.5,\"p\":0.9,\"k\":3,\"chat_history\":[{\"role\":\"USER\",\"message\":\"Weat"
	 "her in Oslo?\"},{\"role\":\"CHATBOT\",\"message\":\"Cold.\"}],\"tools\":[{\"name\""
	 ":\"get_weather\",\"description\":\"Weather.\",\"parameter_definitions\":{\"city\":"
	 "{\"type\":\"str\",\"required\":true}}}]}",
	 "200 OK\r\nContent-Type: application/json",
	 "{\"response_id\":\"r1\",\"generation_id\":\"g1\",\"text\":\"\",\"chat_history\":[]"
	 ",\"finish_reason\":\"COMPLETE\",\"tool_calls\":[{\"name\":\"get_weather\",\"parame"
	 "ters\":{\"city\":\"Oslo\"}}],\"meta\":{\"api_version\":{\"version\":\"1\"},\"bille"
	 "d_units\":{\"input_tokens\":30,\"output_tokens\":6}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r-plus-v1%3A0/i"
	 "nvoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r-plus-v1:0\" id=\"r1\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=3\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"description\":\"Weather"
	 ".\",\"parameters\":{\"city\":{\"type\":\"str\",\"required\":true}}}]\n"
	 "  system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "  input assistant\n"
	 "    text text=\"Cold.\"\n"
	 "  input user\n"
	 "    text text=\"And now?\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call name=\"get_weather\" value={\"city\":\"Oslo\"}\n"
	 "  finish COMPLETE\n"
	 "  usage 30 6 - - -\n"},
	{"on Bedrock, streams", "/model/cohere.command-r-v1%3A0/invoke-with-response-stream",
	 "{\"message\":\"And now?\",\"preamble\":\"Be brief.\",\"max_tokens\":99,\"temperatu"
	 "re\":0.5,\"p\":0.9,\"k\":3,\"chat_history\":[{\"role\":\"USER\",\"message\":\"Weat"
	 "her in Oslo?\"},{\"role\":\"CHATBOT\",\"message\":\"Cold.\"}],\"tools\":[{\"name\""
	 ":\"get_weather\",\"description\":\"Weather.\",\"parameter_definitions\":{\"city\":"
	 "{\"type\":\"str\",\"required\":true}}}],\"tool_results\":[{\"call\":{\"name\":\"ge"
	 "t_weather\",\"parameters\":{\"city\":\"Oslo\"}},\"outputs\":[{\"text\":\"-3 °C\"}]"
	 "}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoic3RyZWFtLXN0YXJ0IiwiZ2VuZXJhdGlvbl9pZCI6Imc"
	 "yIiwiaXNfZmluaXNoZWQiOmZhbHNlfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoidGV4dC1nZW5lcmF0aW9uIiwidGV4dCI6IlN0aWxsICI"
	 "sImlzX2ZpbmlzaGVkIjpmYWxzZX0=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoidGV4dC1nZW5lcmF0aW9uIiwidGV4dCI6ImNvbGQuIiw"
	 "iaXNfZmluaXNoZWQiOmZhbHNlfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoic3RyZWFtLWVuZCIsImZpbmlzaF9yZWFzb24iOiJDT01"
	 "QTEVURSIsImlzX2ZpbmlzaGVkIjp0cnVlLCJyZXNwb25zZSI6eyJyZXNwb25zZV9pZCI6InIyIiwiZ2VuZ"
	 "XJhdGlvbl9pZCI6ImcyIiwidGV4dCI6IlN0aWxsIGNvbGQuIiwiZmluaXNoX3JlYXNvbiI6IkNPTVBMRVR"
	 "FIiwibWV0YSI6eyJiaWxsZWRfdW5pdHMiOnsiaW5wdXRfdG9rZW5zIjozMCwib3V0cHV0X3Rva2VucyI6M"
	 "319fSwiYW1hem9uLWJlZHJvY2staW52b2NhdGlvbk1ldHJpY3MiOnsiaW5wdXRUb2tlbkNvdW50IjozMSw"
	 "ib3V0cHV0VG9rZW5Db3VudCI6NCwiaW52b2NhdGlvbkxhdGVuY3kiOjUsImZpcnN0Qnl0ZUxhdGVuY3kiO"
	 "jJ9fQ==\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r-v1%3A0/invoke"
	 "-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r-v1:0\" id=\"r2\" stream f"
	 "irst\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=3\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"description\":\"Weather"
	 ".\",\"parameters\":{\"city\":{\"type\":\"str\",\"required\":true}}}]\n"
	 "  system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "  input assistant\n"
	 "    text text=\"Cold.\"\n"
	 "  input user\n"
	 "    text text=\"And now?\"\n"
	 "  input tool\n"
	 "    tool_call_response name=\"get_weather\" value=\"-3 °C\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Still cold.\"\n"
	 "  finish COMPLETE\n"
	 "  usage 31 4 - - -\n"},
};

static void whole_and_streamed(void **state)
{
	(void)state;
	ROWS_RUN(whole_and_streamed_rows);
}

static const struct row odd_ones_rows[] = {
	{"everything", "/model/cohere.command-r/invoke",
	 "{\"message\":\"\",\"conversation_id\":\"conv\",\"seed\":1,\"frequency_penalty\":0."
	 "1,\"presence_penalty\":0.2,\"stop_sequences\":[\"s\"],\"tools\":[{\"name\":\"f\"},"
	 "7],\"chat_history\":[{\"role\":\"SYSTEM\",\"message\":\"s\"},{\"role\":\"User\",\""
	 "message\":\"u\"},{\"role\":\"CHATBOT\",\"message\":\"\",\"tool_calls\":[{\"name\":"
	 "\"f\",\"parameters\":{\"a\":1}}]},{\"role\":\"TOOL\",\"tool_results\":[{\"call\":{"
	 "\"name\":\"f\"},\"outputs\":[{\"r\":1}]}]},{\"role\":7},7],\"tool_results\":[{\"ca"
	 "ll\":{\"name\":\"g\"},\"outputs\":[{\"text\":\"x\"},{\"text\":\"y\"}]},7]}",
	 "200 OK\r\nContent-Type: application/json",
	 "{\"generation_id\":\"g\",\"text\":\"hi\",\"finish_reason\":\"MAX_TOKENS\",\"meta\""
	 ":{\"tokens\":{\"input_tokens\":5.0,\"output_tokens\":2.0}}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\" id=\"g\" conversation="
	 "\"conv\"\n"
	 "  gen_ai.request.seed=1\n"
	 "  gen_ai.request.frequency_penalty=0.1\n"
	 "  gen_ai.request.presence_penalty=0.2\n"
	 "  gen_ai.request.stop_sequences=[\"s\"]\n"
	 "  tools [{\"type\":\"function\",\"name\":\"f\"}]\n"
	 "  input system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"u\"\n"
	 "  input assistant\n"
	 "    tool_call name=\"f\" value={\"a\":1}\n"
	 "  input tool\n"
	 "    tool_call_response name=\"f\" value=[{\"r\":1}]\n"
	 "  input tool\n"
	 "    tool_call_response name=\"g\" value=\"xy\"\n"
	 "    tool_call_response\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"hi\"\n"
	 "  finish MAX_TOKENS\n"
	 "  usage 5 2 - - -\n"},
	{"tool calls in a stream", "/model/cohere.command-r/invoke-with-response-stream",
	 "{\"message\":\"q\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoic3RyZWFtLXN0YXJ0IiwiZ2VuZXJhdGlvbl9pZCI6Imc"
	 "ifQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoidGV4dC1nZW5lcmF0aW9uIiwidGV4dCI6ImgifQ==\","
	 "\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoidG9vbC1jYWxscy1nZW5lcmF0aW9uIiwidG9vbF9jYWx"
	 "scyI6W3sibmFtZSI6ImYiLCJwYXJhbWV0ZXJzIjp7fX1dfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoiY2l0YXRpb24tZ2VuZXJhdGlvbiJ9\",\"p\":\"ab\""
	 "}\n"
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoic3RyZWFtLWVuZCIsImZpbmlzaF9yZWFzb24iOiJDT01"
	 "QTEVURSIsInJlc3BvbnNlIjp7InJlc3BvbnNlX2lkIjoiciIsInRvb2xfY2FsbHMiOlt7Im5hbWUiOiJmI"
	 "iwicGFyYW1ldGVycyI6e319XSwibWV0YSI6eyJiaWxsZWRfdW5pdHMiOnsiaW5wdXRfdG9rZW5zIjoxLCJ"
	 "vdXRwdXRfdG9rZW5zIjoyfX19fQ==\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke-with-r"
	 "esponse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\" id=\"r\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"h\"\n"
	 "    tool_call name=\"f\" value={}\n"
	 "  finish COMPLETE\n"
	 "  usage 1 2 - - -\n"},
	{"tool calls at its end", "/model/cohere.command-r/invoke-with-response-stream",
	 "{\"message\":\"q\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoic3RyZWFtLWVuZCIsImZpbmlzaF9yZWFzb24iOiJDT01"
	 "QTEVURSIsInJlc3BvbnNlIjp7InRvb2xfY2FsbHMiOlt7Im5hbWUiOiJmIiwicGFyYW1ldGVycyI6e319X"
	 "X19\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke-with-r"
	 "esponse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    tool_call name=\"f\" value={}\n"
	 "  finish COMPLETE\n"
	 "  usage ~5 ~1 - - -\n"},
	{"cut", "/model/cohere.command-r/invoke-with-response-stream", "{\"message\":\"q\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJldmVudF90eXBlIjoidGV4dC1nZW5lcmF0aW9uIiwidGV4dCI6ImgifQ==\","
	 "\"p\":\"ab\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke-with-r"
	 "esponse-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"h\"\n"
	 "  usage ~5 ~1 - - -\n"},
	{"refused", "/model/cohere.command-r/invoke", "{\"message\":\"q\"}",
	 "429 No\r\nContent-Type: application/json", "{\"message\":\"slow down\"}",
	 "chat error type=\"429\" message=\"slow down\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
	{"an answer that is none", "/model/cohere.command-r/invoke", "{\"message\":\"q\"}",
	 "200 OK\r\nContent-Type: application/json", "7",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-r/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"cohere.command-r\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
};

static void odd_ones(void **state)
{
	(void)state;
	ROWS_RUN(odd_ones_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_streamed),
		cmocka_unit_test(odd_ones),
	};

	return cmocka_run_group_tests_name("genai command", tests, NULL, NULL);
}
