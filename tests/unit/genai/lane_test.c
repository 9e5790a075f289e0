/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on a WebSocket: Responses' own, with lanes or without. */
#include "socket.h"

static const struct socket_row answers_find_their_calls_rows[] = {
	{"one after another", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"in_progress\"}}\n"
	 "< {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"A\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"A\"}]}],"
	 "\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n"
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"b\","
	 "\"previous_response_id\":\"r1\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r2\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"B\"}]}]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"A\"\n"
	 "  finish stop\n"
	 "  usage 1 2 - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r2\" previous=\"r1\" "
	 "stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"b\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"B\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"two lanes at once", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\","
	 "\"stream_id\":\"x\"}\n"
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"b\","
	 "\"stream_id\":\"y\"}\n"
	 "< {\"type\":\"response.output_text.delta\",\"stream_id\":\"y\",\"output_index\":0,"
	 "\"delta\":\"B\"}\n"
	 "< {\"type\":\"response.output_text.delta\",\"stream_id\":\"x\",\"output_index\":0,"
	 "\"delta\":\"A\"}\n"
	 "< {\"type\":\"response.completed\",\"stream_id\":\"y\",\"response\":{\"id\":\"r2\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"B\"}]}]}}\n"
	 "< {\"type\":\"response.completed\",\"stream_id\":\"x\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"A\"}]}]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r2\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"b\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"B\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"A\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"two in a row without lanes", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\"}\n"
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"b\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"A\"}]}]}}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r2\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"B\"}]}]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"A\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r2\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"b\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"B\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"the body one level down", "/v1/responses",
	 "> {\"type\":\"response.create\",\"response\":{\"model\":\"m\",\"input\":\"a\"}}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"A\"}]}]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"A\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"refused", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\","
	 "\"previous_response_id\":\"r0\"}\n"
	 "< {\"type\":\"error\",\"status\":400,\"error\":{\"type\":\"invalid_request_error\","
	 "\"code\":\"previous_response_not_found\",\"message\":\"gone\"}}\n"
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"b\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"B\"}]}]}}",
	 "chat error type=\"invalid_request_error\" message=\"gone\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" previous=\"r0\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"b\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"B\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
};

static void answers_find_their_calls(void **state)
{
	(void)state;
	SOCKETS_RUN(answers_find_their_calls_rows);
}

static const struct socket_row what_does_not_end_rows[] = {
	{"closed in mid-answer", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r1\",\"model\":\"m-1\"}}\n"
	 "< {\"type\":\"response.output_item.added\",\"output_index\":0,"
	 "\"item\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}}\n"
	 "< {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hel\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream first\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant\n"
	 "    text text=\"Hel\"\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"never answered", "/v1/responses",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\"}",
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  usage - - - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
};

static void what_does_not_end(void **state)
{
	(void)state;
	SOCKETS_RUN(what_does_not_end_rows);
}

static const struct socket_row strange_messages_rows[] = {
	{"strange", "/v1/responses",
	 "> hello\n"
	 "> {\n"
	 "> [1]\n"
	 "< {\"type\":3}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r0\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"nobody "
	 "asked\"}]}]}}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "> {\"type\":\"response.create\",\"model\":5,\"input\":\"a\"}\n"
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"b\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"B\"}]}]}}\n"
	 "< {\"type\":\"response.completed\",",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" answered=\"m-1\" id=\"r1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"B\"\n"
	 "  finish stop\n"
	 "  usage - ~1 - - -\n"
	 "chat aborted broken=0\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" stream\n"
	 "  usage - - - - -\n"
	 "chat aborted\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"b\"\n"
	 "  usage - - - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
	{"another path", "/v1/chat",
	 "> {\"type\":\"response.create\",\"model\":\"m\",\"input\":\"a\"}\n"
	 "< {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\","
	 "\"status\":\"completed\",\"model\":\"m-1\",\"output\":[{\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"A\"}]}]}}",
	 "http ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/chat\"\n"},
	{"binary", "/v1/responses",
	 "@ > {\"type\": \"response.create\", \"model\": \"m\", \"input\": \"a\"}\n"
	 "@ < {\"type\": \"response.completed\", \"response\": {\"id\": \"r1\", \"status\": "
	 "\"completed\", \"model\": \"m-1\", \"output\": [{\"type\": \"message\", \"role\": "
	 "\"assistant\", \"content\": [{\"type\": \"output_text\", \"text\": \"A\"}]}]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"
	 "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r1\" stream\n"
	 "  openai.api.type=\"responses\"\n"
	 "  input user\n"
	 "    text text=\"a\"\n"
	 "  output assistant finish=\"stop\"\n"
	 "    text text=\"A\"\n"
	 "  finish stop\n"
	 "  usage ~5 ~1 - - -\n"
	 "http ok no_model_call note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/responses\"\n"},
};

static void strange_messages(void **state)
{
	(void)state;
	SOCKETS_RUN(strange_messages_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_find_their_calls),
		cmocka_unit_test(what_does_not_end),
		cmocka_unit_test(strange_messages),
	};

	return cmocka_run_group_tests_name("genai lane", tests, NULL, NULL);
}
