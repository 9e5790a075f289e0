/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define HEAD_TEXT " server=\"api.example.com\" port=443 path="
#define SEND(params)                                                                                \
	"{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"message/stream\",\"params\":{\"message\":{" \
	"\"role\":\"user\",\"messageId\":\"m\",\"parts\":" params "}}}"
#define TEXT_PARTS                                                                                           \
	"[{\"kind\":\"text\",\"text\":\"hi\"},{\"kind\":\"file\",\"file\":{\"mimeType\":\"i/p\","            \
	"\"bytes\":\"QUJD\"}},{\"kind\":\"file\",\"file\":{\"uri\":\"u\"}},{\"kind\":\"data\",\"data\":[1]}" \
	"]"
#define UPDATE(rest) "data: {\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":{" rest "}}\n\n"
#define ASKED_TEXT                                                                            \
	"  a2a.method.name=\"message/stream\"\n  a2a.message.id=\"m\"\n  jsonrpc.request.id=" \
	"\"i\"\n  a2a.task.id=\"t\"\n"
#define INPUT_TEXT                                                                          \
	"  input user\n    text text=\"hi\"\n    blob modality=\"file\" mime=\"i/p\" text=" \
	"\"QUJD\"\n    uri modality=\"file\" text=\"u\"\n    other name=\"data\" value=[1]\n"

static void streams(void **state)
{
	char *input = talk_make(
		"POST /a2a HTTP/1.1", SEND(TEXT_PARTS), "200 OK\r\nContent-Type: text/event-stream",
		UPDATE("\"kind\":\"task\",\"id\":\"t\",\"contextId\":\"c\",\"status\":{\"state\":"
		       "\"submitted\"}") UPDATE("\"kind\":\"status-update\",\"taskId\":\"t\",\"contextId\":"
						"\"c\",\"status\":{"
						"\"state\":"
						"\"working\",\"message\":{\"role\":\"agent\",\"parts\":[{"
						"\"kind\":\"text\",\"text\":"
						"\"soon\"}]}},\"final\":false")
			UPDATE("\"kind\":\"artifact-update\",\"taskId\":"
			       "\"t\",\"artifact\":{\"parts\":[{\"kind\":"
			       "\"text\",\"text\":\"made\"}]}")
				UPDATE("\"kind\":\"status-update\",\"taskId\":\"t\",\"status\":{\"state\":"
				       "\"completed\","
				       "\"message\":{\"role\":\"agent\",\"parts\":[{\"kind\":\"text\","
				       "\"text\":"
				       "\"said\"}]}},"
				       "\"final\":true") "data: never read\n\n");

	(void)state;
	talk_sweep("stream", input,
		   "invoke_agent ok\n " HEAD_TEXT "\"/a2a\"\n  method=\"message/stream\"\n"
		   "  invoke_agent conversation=\"c\" stream first\n" ASKED_TEXT
		   "  a2a.task.state=\"completed\"\n" INPUT_TEXT
		   "  output assistant finish=\"stop\"\n    text text=\"made\"\n    text text=\"said\"\n"
		   "  usage - - - - -\n");
	free(input);
}

static void a_stream_that_stops(void **state)
{
	char *input = talk_make(
		"POST /a2a HTTP/1.1", SEND("[{\"kind\":\"text\",\"text\":\"hi\"}]"),
		"200 OK\r\nContent-Type: text/event-stream",
		UPDATE("\"kind\":\"status-update\",\"taskId\":\"t\",\"status\":{\"state\":\"working\"}"));

	(void)state;
	/* Its end was seen: the server said no more. */
	talk_sweep("ended", input,
		   "invoke_agent ok\n " HEAD_TEXT "\"/a2a\"\n  method=\"message/stream\"\n"
		   "  invoke_agent stream\n" ASKED_TEXT "  a2a.task.state=\"working\"\n"
		   "  input user\n    text text=\"hi\"\n  usage - - - - -\n");
	input[strlen(input) - 20] = 0;
	talk_sweep("cut", input,
		   "invoke_agent aborted\n " HEAD_TEXT "\"/a2a\"\n  method=\"message/stream\"\n"
		   "  invoke_agent stream\n  a2a.method.name=\"message/stream\"\n  a2a.message.id=\"m\"\n"
		   "  jsonrpc.request.id=\"i\"\n  input user\n    text text=\"hi\"\n  usage - - - - -\n");
	free(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams),
		cmocka_unit_test(a_stream_that_stops),
	};

	return cmocka_run_group_tests_name("genai a2a", tests, NULL, NULL);
}
