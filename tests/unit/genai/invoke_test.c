/* SPDX-License-Identifier: BSD-2-Clause */
/* Bedrock's InvokeModel: Anthropic's bodies, and other models', each with its own. */
#include "rows.h"

static const struct row whole_answers_rows[] = {
	{"Anthropic", "/model/anthropic.claude-v1:0/invoke",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 JSON_HEAD,
	 "{\"id\":\"msg_1\",\"model\":\"claude-1\",\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
	 "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\":1}}],"
	 "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":5,\"output_tokens\":2,"
	 "\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":0}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/anthropic.claude-v1:0/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\"\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"hi\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_use\n"
	 "  usage 8 2 3 0 -\n"},
	{"the counts of the fields", "/model/anthropic.claude-v1:0/invoke",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 "200 OK\r\n"
	 "Content-Type: application/json\r\n"
	 "x-amzn-bedrock-input-token-count: 7\r\n"
	 "x-amzn-bedrock-output-token-count: 3\r\n"
	 "x-amzn-bedrock-cache-read-input-token-count: 2\r\n"
	 "x-amzn-bedrock-cache-write-input-token-count: 1",
	 "{\"id\":\"msg_1\",\"model\":\"claude-1\",\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
	 "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\":1}}],"
	 "\"stop_reason\":\"tool_use\",\"usage\":{}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/anthropic.claude-v1:0/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\"\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"hi\"\n"
	 "    tool_call id=\"t1\" name=\"f\" value={\"a\":1}\n"
	 "  finish tool_use\n"
	 "  usage 10 3 2 1 -\n"},
	{"another model", "/model/meta.llama3-70b/invoke", "{\"prompt\":\"q\",\"max_gen_len\":5}",
	 "200 OK\r\n"
	 "Content-Type: application/json\r\n"
	 "x-amzn-bedrock-input-token-count: 7\r\n"
	 "x-amzn-bedrock-output-token-count: 3\r\n"
	 "x-amzn-bedrock-cache-read-input-token-count: 2\r\n"
	 "x-amzn-bedrock-cache-write-input-token-count: 1",
	 "{\"generation\":\"hi\",\"stop_reason\":\"stop\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/meta.llama3-70b/invoke\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"meta.llama3-70b\"\n"
	 "  gen_ai.request.max_tokens=5\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"hi\"\n"
	 "  finish stop\n"
	 "  usage 10 3 2 1 -\n"},
	{"a count that is none", "/model/meta.llama3-70b/invoke", "{\"prompt\":\"q\"}",
	 "200 OK\r\n"
	 "Content-Type: application/json\r\n"
	 "x-amzn-bedrock-input-token-count: seven\r\n"
	 "x-amzn-bedrock-output-token-count: 3\r\n"
	 "x-amzn-bedrock-cache-read-input-token-count: 2\r\n"
	 "x-amzn-bedrock-cache-write-input-token-count: 1",
	 "{\"generation\":\"hi\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/meta.llama3-70b/invoke\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"meta.llama3-70b\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"hi\"\n"
	 "  usage ~5 3 2 1 -\n"},
	{"refused", "/model/anthropic.claude-v1:0/invoke",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 "403 No\r\n"
	 "x-amzn-errortype: AccessDeniedException",
	 "{\"message\":\"no access\"}",
	 "chat error type=\"AccessDeniedException\" message=\"no access\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/anthropic.claude-v1:0/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\"\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage - - - - -\n"},
	{"nothing was seen of it", "/model/anthropic.claude-v1:0/invoke", "", JSON_HEAD,
	 "{\"id\":\"msg_1\",\"model\":\"claude-1\",\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
	 "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\":1}}],"
	 "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":5,\"output_tokens\":2,"
	 "\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":0}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/anthropic.claude-v1:0/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\"\n"
	 "  usage - - - - -\n"},
};

static void whole_answers(void **state)
{
	(void)state;
	ROWS_RUN(whole_answers_rows);
}

static const struct row streams_rows[] = {
	{"Anthropic, streams", "/model/anthropic.claude-v1:0/invoke-with-response-stream",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RhcnQiLCAibWVzc2FnZSI6IHsiaWQiOiAibXNnX"
	 "zEiLCAibW9kZWwiOiAiY2xhdWRlLTEiLCAicm9sZSI6ICJhc3Npc3RhbnQiLCAiY29udGVudCI6IFtdLCAid"
	 "XNhZ2UiOiB7ImlucHV0X3Rva2VucyI6IDUsICJvdXRwdXRfdG9rZW5zIjogMSwgImNhY2hlX3JlYWRfaW5wd"
	 "XRfdG9rZW5zIjogM319fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfc3RhcnQiLCAiaW5kZXgiOiAwLCAiY29ud"
	 "GVudF9ibG9jayI6IHsidHlwZSI6ICJ0ZXh0IiwgInRleHQiOiAiIn19\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogIkhlbCJ9fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogImxvIn19\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfc3RvcCIsICJpbmRleCI6IDB9\","
	 "\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2VfZGVsdGEiLCAiZGVsdGEiOiB7InN0b3BfcmVhc29uI"
	 "jogImVuZF90dXJuIn0sICJ1c2FnZSI6IHsib3V0cHV0X3Rva2VucyI6IDR9fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RvcCIsICJhbWF6b24tYmVkcm9jay1pbnZvY2F0a"
	 "W9uTWV0cmljcyI6IHsiaW5wdXRUb2tlbkNvdW50IjogOCwgIm91dHB1dFRva2VuQ291bnQiOiA0LCAiaW52b"
	 "2NhdGlvbkxhdGVuY3kiOiA1LCAiZmlyc3RCeXRlTGF0ZW5jeSI6IDJ9fQ==\",\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/anthropic.claude-v1:0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\" stream first\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish end_turn\n"
	 "  usage 8 4 3 - -\n"},
	{"cut", "/model/anthropic.claude-v1:0/invoke-with-response-stream",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RhcnQiLCAibWVzc2FnZSI6IHsiaWQiOiAibXNnX"
	 "zEiLCAibW9kZWwiOiAiY2xhdWRlLTEiLCAicm9sZSI6ICJhc3Npc3RhbnQiLCAiY29udGVudCI6IFtdLCAid"
	 "XNhZ2UiOiB7ImlucHV0X3Rva2VucyI6IDUsICJvdXRwdXRfdG9rZW5zIjogMSwgImNhY2hlX3JlYWRfaW5wd"
	 "XRfdG9rZW5zIjogM319fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfc3RhcnQiLCAiaW5kZXgiOiAwLCAiY29ud"
	 "GVudF9ibG9jayI6IHsidHlwZSI6ICJ0ZXh0IiwgInRleHQiOiAiIn19\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogIkhlbCJ9fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogImxvIn19\",\"p\":\"abc\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/anthropic.claude-v1:0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\" stream first\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"Hello\"\n"
	 "  usage 8 ~2 3 - -\n"},
	{"another model, streams", "/model/amazon.nova-v1:0/invoke-with-response-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJtZXNzYWdlU3RhcnQiOiB7InJvbGUiOiAiYXNzaXN0YW50In19\","
	 "\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6IHsiZGVsdGEiOiB7InRleHQiOiAiaGkifX19"
	 "\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJtZXRhZGF0YSI6IHsidXNhZ2UiOiB7fX0sICJhbWF6b24tYmVkcm9jay1pbnZvY"
	 "2F0aW9uTWV0cmljcyI6IHsiaW5wdXRUb2tlbkNvdW50IjogOCwgIm91dHB1dFRva2VuQ291bnQiOiA0fX0="
	 "\",\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/amazon.nova-v1:0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"amazon.nova-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant\n"
	 "    text text=\"hi\"\n"
	 "  usage 8 4 - - -\n"},
	{"an exception", "/model/anthropic.claude-v1:0/invoke-with-response-stream",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RhcnQiLCAibWVzc2FnZSI6IHsiaWQiOiAibXNnX"
	 "zEiLCAibW9kZWwiOiAiY2xhdWRlLTEiLCAicm9sZSI6ICJhc3Npc3RhbnQiLCAiY29udGVudCI6IFtdLCAid"
	 "XNhZ2UiOiB7ImlucHV0X3Rva2VucyI6IDUsICJvdXRwdXRfdG9rZW5zIjogMSwgImNhY2hlX3JlYWRfaW5wd"
	 "XRfdG9rZW5zIjogM319fQ==\",\"p\":\"abc\"}\n"
	 "!modelStreamErrorException {\"message\":\"broke\"}",
	 "chat error type=\"modelStreamErrorException\" message=\"broke\"\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/anthropic.claude-v1:0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\" stream\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  usage 8 1 3 - -\n"},
	{"no base64", "/model/anthropic.claude-v1:0/invoke-with-response-stream",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"system\":\"s\","
	 "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"!!\"}\n"
	 "chunk {\"x\":1}\n"
	 "chunk {\"bytes\":7}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RhcnQiLCAibWVzc2FnZSI6IHsiaWQiOiAibXNnX"
	 "zEiLCAibW9kZWwiOiAiY2xhdWRlLTEiLCAicm9sZSI6ICJhc3Npc3RhbnQiLCAiY29udGVudCI6IFtdLCAid"
	 "XNhZ2UiOiB7ImlucHV0X3Rva2VucyI6IDUsICJvdXRwdXRfdG9rZW5zIjogMSwgImNhY2hlX3JlYWRfaW5wd"
	 "XRfdG9rZW5zIjogM319fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfc3RhcnQiLCAiaW5kZXgiOiAwLCAiY29ud"
	 "GVudF9ibG9jayI6IHsidHlwZSI6ICJ0ZXh0IiwgInRleHQiOiAiIn19\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogIkhlbCJ9fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiaW5kZXgiOiAwLCAiZGVsd"
	 "GEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogImxvIn19\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfc3RvcCIsICJpbmRleCI6IDB9\","
	 "\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2VfZGVsdGEiLCAiZGVsdGEiOiB7InN0b3BfcmVhc29uI"
	 "jogImVuZF90dXJuIn0sICJ1c2FnZSI6IHsib3V0cHV0X3Rva2VucyI6IDR9fQ==\",\"p\":\"abc\"}\n"
	 "chunk {\"bytes\":\"eyJ0eXBlIjogIm1lc3NhZ2Vfc3RvcCIsICJhbWF6b24tYmVkcm9jay1pbnZvY2F0a"
	 "W9uTWV0cmljcyI6IHsiaW5wdXRUb2tlbkNvdW50IjogOCwgIm91dHB1dFRva2VuQ291bnQiOiA0LCAiaW52b"
	 "2NhdGlvbkxhdGVuY3kiOiA1LCAiZmlyc3RCeXRlTGF0ZW5jeSI6IDJ9fQ==\",\"p\":\"abc\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/model/anthropic.claude-v1:0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"anthropic.claude-v1:0\" "
	 "answered=\"claude-1\" id=\"msg_1\" stream first\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  system\n"
	 "    text text=\"s\"\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Hello\"\n"
	 "  finish end_turn\n"
	 "  usage 8 4 3 - -\n"},
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

	return cmocka_run_group_tests_name("genai invoke", tests, NULL, NULL);
}
