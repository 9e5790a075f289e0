/* SPDX-License-Identifier: BSD-2-Clause */
/* Bedrock's InvokeModel with each model's own body. */
#include "rows.h"

static const struct row models_rows[] = {
	{"Nova", "/model/amazon.nova-lite-v1%3A0/invoke",
	 "{\"schemaVersion\":\"messages-v1\",\"system\":[{\"text\":\"Be brief.\"}],\"message"
	 "s\":[{\"role\":\"user\",\"content\":[{\"text\":\"Weather in Oslo?\"},{\"image\":{"
	 "\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}]},{\"role\":\"assistant\",\"c"
	 "ontent\":[{\"toolUse\":{\"toolUseId\":\"t0\",\"name\":\"get_weather\",\"input\":{"
	 "\"city\":\"Oslo\"}}}]},{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseI"
	 "d\":\"t0\",\"content\":[{\"text\":\"-3 °C\"}]}}]}],\"inferenceConfig\":{\"maxToken"
	 "s\":99,\"temperature\":0.5,\"topP\":0.9,\"topK\":20,\"stopSequences\":[\"x\"]},\"t"
	 "oolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"get_weather\",\"inputSchema\":{"
	 "\"json\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}}]"
	 "}}",
	 "200 OK\r\nContent-Type: application/json",
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Ask.\"},"
	 "{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"get_weather\",\"input\":{\"city\":\""
	 "Bergen\"}}}]}},\"stopReason\":\"tool_use\",\"usage\":{\"inputTokens\":20,\"outputT"
	 "okens\":7,\"totalTokens\":27,\"cacheReadInputTokenCount\":5,\"cacheWriteInputToken"
	 "Count\":0}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.nova-lite-v1%3A0/invoke"
	 "\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"amazon.nova-lite-v1:0\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=20\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":"
	 "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]\n"
	 "  system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AAAA\"\n"
	 "  input assistant\n"
	 "    tool_call id=\"t0\" name=\"get_weather\" value={\"city\":\"Oslo\"}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"t0\" value=\"-3 °C\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Ask.\"\n"
	 "    tool_call id=\"t1\" name=\"get_weather\" value={\"city\":\"Bergen\"}\n"
	 "  finish tool_use\n"
	 "  usage 25 7 5 0 -\n"},
	{"Nova, streams", "/model/us.amazon.nova-pro-v1%3A0/invoke-with-response-stream",
	 "{\"schemaVersion\":\"messages-v1\",\"system\":[{\"text\":\"Be brief.\"}],\"message"
	 "s\":[{\"role\":\"user\",\"content\":[{\"text\":\"Weather in Oslo?\"},{\"image\":{"
	 "\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}]},{\"role\":\"assistant\",\"c"
	 "ontent\":[{\"toolUse\":{\"toolUseId\":\"t0\",\"name\":\"get_weather\",\"input\":{"
	 "\"city\":\"Oslo\"}}}]},{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseI"
	 "d\":\"t0\",\"content\":[{\"text\":\"-3 °C\"}]}}]}],\"inferenceConfig\":{\"maxToken"
	 "s\":99,\"temperature\":0.5,\"topP\":0.9,\"topK\":20,\"stopSequences\":[\"x\"]},\"t"
	 "oolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"get_weather\",\"inputSchema\":{"
	 "\"json\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}}]"
	 "}}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJtZXNzYWdlU3RhcnQiOnsicm9sZSI6ImFzc2lzdGFudCJ9fQ==\",\"p\":\""
	 "ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6eyJkZWx0YSI6eyJ0ZXh0IjoiQXMifSwiY29"
	 "udGVudEJsb2NrSW5kZXgiOjB9fQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6eyJkZWx0YSI6eyJ0ZXh0Ijoiay4g4p2EIn0"
	 "sImNvbnRlbnRCbG9ja0luZGV4IjowfX0=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tTdG9wIjp7ImNvbnRlbnRCbG9ja0luZGV4IjowfX0=\","
	 "\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tTdGFydCI6eyJzdGFydCI6eyJ0b29sVXNlIjp7InRvb2x"
	 "Vc2VJZCI6InQxIiwibmFtZSI6ImdldF93ZWF0aGVyIn19LCJjb250ZW50QmxvY2tJbmRleCI6MX19\",\""
	 "p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6eyJkZWx0YSI6eyJ0b29sVXNlIjp7ImlucHV"
	 "0Ijoie1wiY2l0eVwiOlwiQmVyZ2VuXCJ9In19LCJjb250ZW50QmxvY2tJbmRleCI6MX19\",\"p\":\"ab"
	 "\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tTdG9wIjp7ImNvbnRlbnRCbG9ja0luZGV4IjoxfX0=\","
	 "\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJtZXNzYWdlU3RvcCI6eyJzdG9wUmVhc29uIjoidG9vbF91c2UifX0=\",\"p"
	 "\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJtZXRhZGF0YSI6eyJ1c2FnZSI6eyJpbnB1dFRva2VucyI6MjAsIm91dHB1dFR"
	 "va2VucyI6N30sIm1ldHJpY3MiOnt9LCJ0cmFjZSI6e319LCJhbWF6b24tYmVkcm9jay1pbnZvY2F0aW9uT"
	 "WV0cmljcyI6eyJpbnB1dFRva2VuQ291bnQiOjIwLCJvdXRwdXRUb2tlbkNvdW50Ijo4LCJpbnZvY2F0aW9"
	 "uTGF0ZW5jeSI6NSwiZmlyc3RCeXRlTGF0ZW5jeSI6MiwiY2FjaGVSZWFkSW5wdXRUb2tlbkNvdW50Ijo1L"
	 "CJjYWNoZVdyaXRlSW5wdXRUb2tlbkNvdW50IjoyfX0=\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/us.amazon.nova-pro-v1%3A0/invo"
	 "ke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"us.amazon.nova-pro-v1:0\" stream first\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=20\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":"
	 "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]\n"
	 "  system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "    blob modality=\"image\" mime=\"image/png\" text=\"AAAA\"\n"
	 "  input assistant\n"
	 "    tool_call id=\"t0\" name=\"get_weather\" value={\"city\":\"Oslo\"}\n"
	 "  input tool\n"
	 "    tool_call_response id=\"t0\" value=\"-3 °C\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Ask. ❄\"\n"
	 "    tool_call id=\"t1\" name=\"get_weather\" value={\"city\":\"Bergen\"}\n"
	 "  finish tool_use\n"
	 "  usage 27 8 5 2 -\n"},
	{"Titan", "/model/amazon.titan-text-express-v1/invoke",
	 "{\"inputText\":\"Count.\",\"textGenerationConfig\":{\"temperature\":0.5,\"topP\":0"
	 ".9,\"maxTokenCount\":9,\"stopSequences\":[\"x\"]}}",
	 "200 OK\r\nContent-Type: application/json",
	 "{\"inputTextTokenCount\":3,\"results\":[{\"tokenCount\":9,\"outputText\":\"1, 2\","
	 "\"completionReason\":\"LENGTH\"}]}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.titan-text-express-v1/i"
	 "nvoke\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"amazon.titan-text-express-v1\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  gen_ai.request.stop_sequences=[\"x\"]\n"
	 "  input user\n"
	 "    text text=\"Count.\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"1, 2\"\n"
	 "  finish LENGTH\n"
	 "  usage 3 9 - - -\n"},
	{"Titan, streams", "/model/amazon.titan-text-lite-v1/invoke-with-response-stream",
	 "{\"inputText\":\"Count.\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJvdXRwdXRUZXh0IjoiMSwiLCJpbmRleCI6MCwidG90YWxPdXRwdXRUZXh0VG9"
	 "rZW5Db3VudCI6bnVsbCwiY29tcGxldGlvblJlYXNvbiI6bnVsbCwiaW5wdXRUZXh0VG9rZW5Db3VudCI6M"
	 "30=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJvdXRwdXRUZXh0IjoiIDIiLCJpbmRleCI6MCwidG90YWxPdXRwdXRUZXh0VG9"
	 "rZW5Db3VudCI6NCwiY29tcGxldGlvblJlYXNvbiI6IkZJTklTSCIsImlucHV0VGV4dFRva2VuQ291bnQiO"
	 "jMsImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXRyaWNzIjp7ImlucHV0VG9rZW5Db3VudCI6Mywib3V"
	 "0cHV0VG9rZW5Db3VudCI6NCwiaW52b2NhdGlvbkxhdGVuY3kiOjUsImZpcnN0Qnl0ZUxhdGVuY3kiOjJ9f"
	 "Q==\",\"p\":\"ab\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.titan-text-lite-v1/invo"
	 "ke-with-response-stream\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"amazon.titan-text-lite-v1\" str"
	 "eam first\n"
	 "  input user\n"
	 "    text text=\"Count.\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"1, 2\"\n"
	 "  finish FINISH\n"
	 "  usage 3 4 - - -\n"},
	{"Llama, streams", "/model/us.meta.llama4-scout-17b-instruct-v1%3A0/invoke-with-response-stream",
	 "{\"prompt\":\"Count.\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJnZW5lcmF0aW9uIjoiMSwiLCJwcm9tcHRfdG9rZW5fY291bnQiOjMsImdlbmV"
	 "yYXRpb25fdG9rZW5fY291bnQiOjEsInN0b3BfcmVhc29uIjpudWxsfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJnZW5lcmF0aW9uIjoiIDIiLCJwcm9tcHRfdG9rZW5fY291bnQiOm51bGwsImd"
	 "lbmVyYXRpb25fdG9rZW5fY291bnQiOjIsInN0b3BfcmVhc29uIjpudWxsfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJnZW5lcmF0aW9uIjoiIiwicHJvbXB0X3Rva2VuX2NvdW50IjpudWxsLCJnZW5"
	 "lcmF0aW9uX3Rva2VuX2NvdW50IjozLCJzdG9wX3JlYXNvbiI6InN0b3AiLCJhbWF6b24tYmVkcm9jay1pb"
	 "nZvY2F0aW9uTWV0cmljcyI6eyJpbnB1dFRva2VuQ291bnQiOjMsIm91dHB1dFRva2VuQ291bnQiOjMsIml"
	 "udm9jYXRpb25MYXRlbmN5Ijo1LCJmaXJzdEJ5dGVMYXRlbmN5IjoyfX0=\",\"p\":\"ab\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/us.meta.llama4-scout-17b-instr"
	 "uct-v1%3A0/invoke-with-response-stream\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"us.meta.llama4-scout-17b-instru"
	 "ct-v1:0\" stream first\n"
	 "  input user\n"
	 "    text text=\"Count.\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"1, 2\"\n"
	 "  finish stop\n"
	 "  usage 3 3 - - -\n"},
	{"Mistral's texts, streams",
	 "/model/mistral.mixtral-8x7b-instruct-v0%3A1/invoke-with-response-stream", "{\"prompt\":\"Count.\"}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJvdXRwdXRzIjpbeyJ0ZXh0IjoiMSwiLCJzdG9wX3JlYXNvbiI6bnVsbH1dfQ="
	 "=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJvdXRwdXRzIjpbeyJ0ZXh0IjoiIDIiLCJzdG9wX3JlYXNvbiI6Imxlbmd0aCJ"
	 "9XSwiYW1hem9uLWJlZHJvY2staW52b2NhdGlvbk1ldHJpY3MiOnsiaW5wdXRUb2tlbkNvdW50Ijo3LCJvd"
	 "XRwdXRUb2tlbkNvdW50Ijo0LCJpbnZvY2F0aW9uTGF0ZW5jeSI6NSwiZmlyc3RCeXRlTGF0ZW5jeSI6Mn1"
	 "9\",\"p\":\"ab\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/mistral.mixtral-8x7b-instruct-"
	 "v0%3A1/invoke-with-response-stream\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"mistral.mixtral-8x7b-instruct-v"
	 "0:1\" stream first\n"
	 "  input user\n"
	 "    text text=\"Count.\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"1, 2\"\n"
	 "  finish length\n"
	 "  usage 7 4 - - -\n"},
	{"Mistral's chat, streams", "/model/mistral.mistral-large-2407-v2%3A0/invoke-with-response-stream",
	 "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
	 "\"content\":\"Weather in Oslo?\"}],\"max_tokens\":99,\"temperature\":0.5,\"tools\""
	 ":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\""
	 "type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}]}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJjaG9pY2VzIjpbeyJpbmRleCI6MCwibWVzc2FnZSI6eyJyb2xlIjoiYXNzaXN"
	 "0YW50IiwiY29udGVudCI6IkNvIn0sInN0b3BfcmVhc29uIjpudWxsfV19\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjaG9pY2VzIjpbeyJpbmRleCI6MCwibWVzc2FnZSI6eyJyb2xlIjoiYXNzaXN"
	 "0YW50IiwiY29udGVudCI6ImxkLiJ9LCJzdG9wX3JlYXNvbiI6InN0b3AifV0sImFtYXpvbi1iZWRyb2NrL"
	 "Wludm9jYXRpb25NZXRyaWNzIjp7ImlucHV0VG9rZW5Db3VudCI6NDAsIm91dHB1dFRva2VuQ291bnQiOjM"
	 "sImludm9jYXRpb25MYXRlbmN5Ijo1LCJmaXJzdEJ5dGVMYXRlbmN5IjoyfX0=\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/mistral.mistral-large-2407-v2%"
	 "3A0/invoke-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"mistral.mistral-large-2407-v2:0\" stream f"
	 "irst\n"
	 "  openai.api.type=\"chat_completions\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":"
	 "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]\n"
	 "  input system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"Cold.\"\n"
	 "  finish stop\n"
	 "  usage 40 3 - - -\n"},
	{"Command", "/model/cohere.command-text-v14/invoke",
	 "{\"prompt\":\"Count.\",\"max_tokens\":9,\"p\":0.9,\"k\":4,\"num_generations\":2}",
	 "200 OK\r\nContent-Type: application/json\r\nX-Amzn-Bedrock-Input-Token-Count: "
	 "2\r\nX-Amzn-Bedrock-Output-Token-Count: 2",
	 "{\"id\":\"i\",\"prompt\":\"Count.\",\"generations\":[{\"id\":\"a\",\"text\":\"1\","
	 "\"finish_reason\":\"COMPLETE\"},{\"id\":\"b\",\"text\":\"2\",\"finish_reason\":\"M"
	 "AX_TOKENS\"}]}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.command-text-v14/invoke"
	 "\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"cohere.command-text-v14\" id=\""
	 "i\"\n"
	 "  gen_ai.request.top_p=0.9\n"
	 "  gen_ai.request.top_k=4\n"
	 "  gen_ai.request.choice.count=2\n"
	 "  gen_ai.request.max_tokens=9\n"
	 "  input user\n"
	 "    text text=\"Count.\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"1\"\n"
	 "  output assistant finish=\"length\"\n"
	 "    text text=\"2\"\n"
	 "  finish COMPLETE\n"
	 "  finish MAX_TOKENS\n"
	 "  usage 2 2 - - -\n"},
	{"gpt-oss, streams", "/model/openai.gpt-oss-20b-1%3A0/invoke-with-response-stream",
	 "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
	 "\"content\":\"Weather in Oslo?\"}],\"max_tokens\":99,\"temperature\":0.5,\"tools\""
	 ":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\""
	 "type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}],\"stream\":t"
	 "rue}",
	 AWS_HEAD,
	 "chunk {\"bytes\":\"eyJpZCI6ImNoYXRjbXBsLTIiLCJvYmplY3QiOiJjaGF0LmNvbXBsZXRpb24uY2h"
	 "1bmsiLCJtb2RlbCI6Im9wZW5haS5ncHQtb3NzLTIwYi0xOjAiLCJjaG9pY2VzIjpbeyJpbmRleCI6MCwiZ"
	 "GVsdGEiOnsicm9sZSI6ImFzc2lzdGFudCIsImNvbnRlbnQiOiJDbyJ9fV19\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJpZCI6ImNoYXRjbXBsLTIiLCJvYmplY3QiOiJjaGF0LmNvbXBsZXRpb24uY2h"
	 "1bmsiLCJtb2RlbCI6Im9wZW5haS5ncHQtb3NzLTIwYi0xOjAiLCJjaG9pY2VzIjpbeyJpbmRleCI6MCwiZ"
	 "GVsdGEiOnsiY29udGVudCI6ImxkLiIsInRvb2xfY2FsbHMiOlt7ImluZGV4IjowLCJpZCI6ImMxIiwidHl"
	 "wZSI6ImZ1bmN0aW9uIiwiZnVuY3Rpb24iOnsibmFtZSI6ImdldF93ZWF0aGVyIiwiYXJndW1lbnRzIjoie"
	 "1wiY2l0eVwiOiJ9fV19fV19\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJpZCI6ImNoYXRjbXBsLTIiLCJvYmplY3QiOiJjaGF0LmNvbXBsZXRpb24uY2h"
	 "1bmsiLCJtb2RlbCI6Im9wZW5haS5ncHQtb3NzLTIwYi0xOjAiLCJjaG9pY2VzIjpbeyJpbmRleCI6MCwiZ"
	 "GVsdGEiOnsidG9vbF9jYWxscyI6W3siaW5kZXgiOjAsImZ1bmN0aW9uIjp7ImFyZ3VtZW50cyI6IlwiT3N"
	 "sb1wifSJ9fV19LCJmaW5pc2hfcmVhc29uIjoidG9vbF9jYWxscyJ9XSwidXNhZ2UiOnsicHJvbXB0X3Rva"
	 "2VucyI6NzAsImNvbXBsZXRpb25fdG9rZW5zIjoxMn0sImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXR"
	 "yaWNzIjp7ImlucHV0VG9rZW5Db3VudCI6NzEsIm91dHB1dFRva2VuQ291bnQiOjEzLCJpbnZvY2F0aW9uT"
	 "GF0ZW5jeSI6NSwiZmlyc3RCeXRlTGF0ZW5jeSI6Mn19\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/openai.gpt-oss-20b-1%3A0/invok"
	 "e-with-response-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"openai.gpt-oss-20b-1:0\" answered=\"openai"
	 ".gpt-oss-20b-1:0\" id=\"chatcmpl-2\" stream first\n"
	 "  openai.api.type=\"chat_completions\"\n"
	 "  gen_ai.request.temperature=0.5\n"
	 "  gen_ai.request.max_tokens=99\n"
	 "  tools [{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":"
	 "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]\n"
	 "  input system\n"
	 "    text text=\"Be brief.\"\n"
	 "  input user\n"
	 "    text text=\"Weather in Oslo?\"\n"
	 "  output assistant finish=\"tool_call\"\n"
	 "    text text=\"Cold.\"\n"
	 "    tool_call id=\"c1\" name=\"get_weather\" value={\"city\":\"Oslo\"}\n"
	 "  finish tool_calls\n"
	 "  usage 71 13 - - -\n"},
	{"Titan's embeddings", "/model/amazon.titan-embed-image-v1/invoke",
	 "{\"inputText\":\"a\",\"inputImage\":\"AAAA\",\"embeddingConfig\":{\"outputEmbeddin"
	 "gLength\":384}}",
	 "200 OK\r\nContent-Type: application/json",
	 "{\"embedding\":[0.1],\"inputTextTokenCount\":2,\"message\":null}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.titan-embed-image-v1/in"
	 "voke\"\n"
	 "  embeddings provider=\"aws.bedrock\" model=\"amazon.titan-embed-image-v1\"\n"
	 "  gen_ai.embeddings.dimension.count=384\n"
	 "  usage 2 - - - -\n"},
	{"Nova's embeddings", "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
	 "{\"taskType\":\"SINGLE_EMBEDDING\",\"singleEmbeddingParams\":{\"embeddingPurpose\""
	 ":\"GENERIC_INDEX\",\"embeddingDimension\":1024,\"text\":{\"truncationMode\":\"END"
	 "\",\"value\":\"a\"}}}",
	 "200 OK\r\nContent-Type: application/json\r\nX-Amzn-Bedrock-Input-Token-Count: 1",
	 "{\"embeddings\":[{\"embeddingType\":\"TEXT\",\"embedding\":[0.1]}]}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.nova-2-multimodal-embed"
	 "dings-v1%3A0/invoke\"\n"
	 "  embeddings provider=\"aws.bedrock\" model=\"amazon.nova-2-multimodal-embeddings-"
	 "v1:0\"\n"
	 "  gen_ai.embeddings.dimension.count=1024\n"
	 "  usage 1 - - - -\n"},
	{"a rerank", "/model/cohere.rerank-v3-5%3A0/invoke",
	 "{\"query\":\"q\",\"documents\":[\"a\",\"b\"],\"top_n\":1,\"api_version\":2}",
	 "200 OK\r\nContent-Type: application/json", "{\"results\":[{\"index\":1,\"relevance_score\":0.5}]}",
	 "rerank ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.rerank-v3-5%3A0/invoke"
	 "\"\n"
	 "  retrieval provider=\"aws.bedrock\" model=\"cohere.rerank-v3-5:0\"\n"
	 "  gen_ai.retrieval.query.text=\"q\"\n"
	 "  bottrace.request.top_n=1\n"
	 "  usage - - - - -\n"},
	{"a model that is not known", "/model/stability.sd3-large-v1%3A0/invoke",
	 "{\"prompts\":[\"a cat\"],\"mode\":\"text-to-image\"}", "200 OK\r\nContent-Type: application/json",
	 "{\"images\":[\"AAAA\"]}",
	 "http ok note: its body is that of no model that is known\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/stability.sd3-large-v1%3A0/inv"
	 "oke\"\n"},
	{"texts of nobody knows what", "/model/arn/invoke", "{\"inputText\":\"x\"}",
	 "200 OK\r\nContent-Type: application/json", "{\"results\":[]}",
	 "http ok note: its body is that of no model that is known\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/arn/invoke\"\n"},
	{"values of other types", "/model/m/invoke",
	 "{\"prompt\":7,\"messages\":{},\"inputText\":[],\"texts\":7,\"query\":1}",
	 "200 OK\r\nContent-Type: application/json", "{}",
	 "http ok note: its body is that of no model that is known\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/m/invoke\"\n"},
	{"an empty list of messages", "/model/m/invoke", "{\"messages\":[]}",
	 "200 OK\r\nContent-Type: application/json", "{\"choices\":7}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/m/invoke\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"m\"\n"
	 "  openai.api.type=\"chat_completions\"\n"
	 "  usage - - - - -\n"},
	{"cut, of an embedding's model", "/model/cohere.embed-x/invoke", "{\"te", JSON_HEAD,
	 "{\"embeddings\":[]}",
	 "embeddings error type=\"broken\" message=\"JSON ends too early\" broken=1\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/cohere.embed-x/invoke\"\n"
	 "  embeddings provider=\"aws.bedrock\" model=\"cohere.embed-x\"\n"
	 "  usage - - - - -\n"},
	{"metrics of other types", "/model/m/invoke-with-response-stream", "{\"prompt\":\"q\"}", AWS_HEAD,
	 "chunk {\"bytes\":\"eyJnZW5lcmF0aW9uIjoiYSIsInN0b3BfcmVhc29uIjoic3RvcCIsImFtYXpvbi1"
	 "iZWRyb2NrLWludm9jYXRpb25NZXRyaWNzIjp7ImlucHV0VG9rZW5Db3VudCI6IngiLCJvdXRwdXRUb2tlb"
	 "kNvdW50IjotMX19\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJhbWF6b24tYmVkcm9jay1pbnZvY2F0aW9uTWV0cmljcyI6N30=\",\"p\":\""
	 "ab\"}\n"
	 "chunk {\"bytes\":\"eyJnZW5lcmF0aW9uIjoiYiIsImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXR"
	 "yaWNzIjp7Im91dHB1dFRva2VuQ291bnQiOjIsImNhY2hlUmVhZElucHV0VG9rZW5Db3VudCI6OTIyMzM3M"
	 "jAzNjg1NDc3NTgwN319\",\"p\":\"ab\"}",
	 "text_completion ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/m/invoke-with-response-stream"
	 "\"\n"
	 "  text_completion provider=\"aws.bedrock\" model=\"m\" stream first\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"ab\"\n"
	 "  finish stop\n"
	 "  usage ~5 2 - - -\n"},
	{"no event of Nova's", "/model/amazon.nova/invoke-with-response-stream",
	 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", AWS_HEAD,
	 "chunk {\"bytes\":\"Nw==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"e30=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"W10=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJ4IjoxfQ==\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6N30=\",\"p\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJtZXNzYWdlU3RvcCI6eyJzdG9wUmVhc29uIjoiZW5kX3R1cm4ifX0=\",\"p"
	 "\":\"ab\"}\n"
	 "chunk {\"bytes\":\"eyJtZXRhZGF0YSI6e30sImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXRyaWN"
	 "zIjp7Im91dHB1dFRva2VuQ291bnQiOjJ9fQ==\",\"p\":\"ab\"}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/model/amazon.nova/invoke-with-respon"
	 "se-stream\"\n"
	 "  chat provider=\"aws.bedrock\" model=\"amazon.nova\" stream\n"
	 "  input user\n"
	 "    text text=\"q\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "  finish end_turn\n"
	 "  usage ~5 2 - - -\n"},
};

static void models(void **state)
{
	(void)state;
	ROWS_RUN(models_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models),
	};

	return cmocka_run_group_tests_name("genai models", tests, NULL, NULL);
}
