/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define CHAT	 "POST /v1/chat/completions HTTP/1.1"
#define SSE_HEAD "200 OK\r\nContent-Type: text/event-stream; charset=utf-8"
#define ASK	 "{\"model\":\"m\",\"stream\":true,\"messages\":[]}"
#define TOP(state, rest)                                                                        \
	"chat " state "\n  server=\"api.example.com\" port=443 path=\"/v1/chat/completions\"\n" \
	"  chat provider=\"openai\" model=\"m\"" rest "\n  openai.api.type=\"chat_completions\"\n"
#define DELTA(json)  "data: {\"choices\":[{\"index\":0,\"delta\":{" json "}}]}\n\n"
#define TOOLS(json)  DELTA("\"tool_calls\":[" json "]")
#define FINISH(word) "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" word "\"}]}\n\n"
#define DONE	     "data: [DONE]\n\n"
#define CALL(index, id, name, args)                                                                        \
	"{\"index\":" index ",\"id\":\"" id "\",\"function\":{\"name\":\"" name "\",\"arguments\":\"" args \
	"\"}}"

static void expect(const char *name, const char *answer, const char *want)
{
	char *input = talk_make(CHAT, ASK, SSE_HEAD, answer);

	talk_sweep(name, input, want);
	free(input);
}

static void texts_and_thoughts(void **state)
{
	(void)state;
	expect("text",
	       "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n"
	       ": PROCESSING\n\n"
	       "data: "
	       "{\"id\":\"r\",\"model\":\"m-1\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,"
	       "\"delta\":{\"role\":"
	       "\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n" DELTA(
		       "\"reasoning_content\":\"th\",\"reasoning\":\"th\"") DELTA("\"reasoning\":\"ink\"")
		       DELTA("\"content\":\"\xe2\x82\xac \\u20ac\"")
			       DELTA("\"content\":null,\"refusal\":\"no\"")
				       FINISH("stop") "data: "
						      "{\"id\":\"other\",\"choices\":[],\"usage\":{\"prompt_"
						      "tokens\":9,\"completion_tokens\":2,"
						      "\"prompt_tokens_details\":{\"cached_tokens\":1}}}"
						      "\r\n\r\n" DONE,
	       TOP("ok",
		   " answered=\"m-1\" id=\"r\" stream first") "  openai.response.system_fingerprint=\"fp\"\n"
							      "  output assistant finish=\"stop\"\n    "
							      "reasoning text=\"think\"\n"
							      "    text text=\"\xe2\x82\xac \xe2\x82\xac\"\n "
							      "   text name=\"refusal\" text=\"no\"\n"
							      "  finish stop\n  usage 9 2 1 - -\n");
	expect("mistral",
	       DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"a\"}]}"
		     "]") DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":\"b\"},{\"type\":\"text\","
				"\"text\":\"c\"}]") DELTA("\"content\":\"d\"") FINISH("model_length") DONE,
	       TOP("ok",
		   " stream first") "  output assistant finish=\"length\"\n    reasoning text=\"ab\"\n"
				    "    text text=\"cd\"\n  finish model_length\n  usage - ~1 - - -\n");
	expect("nothing", FINISH("stop") DONE,
	       TOP("ok", " stream") "  output assistant finish=\"stop\"\n  finish stop\n  usage - - - - -\n");
	expect("groq",
	       "data: "
	       "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}}"
	       "\n\n" DONE,
	       TOP("ok", " stream") "  usage 3 4 - - -\n");
}

static void choices_in_their_order(void **state)
{
	(void)state;
	expect("choices",
	       "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n"
	       "data: "
	       "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{"
	       "\"content\":\"b\"}}]}\n\n"
	       "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n" FINISH(
		       "stop") DONE,
	       TOP("ok", " stream first") "  output assistant finish=\"stop\"\n    text text=\"a\"\n"
					  "  output assistant finish=\"length\"\n    text text=\"bb\"\n  "
					  "finish stop\n  finish length\n"
					  "  usage - ~1 - - -\n");
}

static void tool_calls_from_fragments(void **state)
{
	(void)state;
	expect("interleaved",
	       TOOLS(CALL("0", "c0", "f", ""))
		       TOOLS("{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}")
			       TOOLS(CALL("1", "c1", "g", "{\\\"b\\\":"))
				       TOOLS("{\"index\":0,\"function\":{\"arguments\":\": 1}\"}}") TOOLS(
					       "{\"index\":1,\"function\":{\"arguments\":\"2}\"}},{\"index\":"
					       "2,\"id\":\"c2\",\"function\":{\"name\":\"h\"}}")
					       FINISH("tool_calls") DONE,
	       TOP("ok", " stream first") "  output assistant finish=\"tool_call\"\n"
					  "    tool_call id=\"c0\" name=\"f\" value={\"a\":1}\n"
					  "    tool_call id=\"c1\" name=\"g\" value={\"b\":2}\n    tool_call "
					  "id=\"c2\" name=\"h\"\n"
					  "  finish tool_calls\n  usage - ~6 - - -\n");
	/* Mistral: whole calls, no index. */
	expect("whole",
	       TOOLS("{\"id\":\"c0\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
		       TOOLS("{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
			       FINISH("tool_calls") DONE,
	       TOP("ok", " stream first") "  output assistant finish=\"tool_call\"\n"
					  "    tool_call id=\"c0\" name=\"f\" value={}\n    tool_call "
					  "id=\"c1\" name=\"f\" value={}\n"
					  "  finish tool_calls\n  usage - ~2 - - -\n");
	/* Gemini: all have index 0, ids may be empty. */
	expect("same index",
	       TOOLS(CALL("0", "c0", "f", "{}")) TOOLS(CALL("0", "c1", "g", "{}")) FINISH("tool_calls") DONE,
	       TOP("ok", " stream first") "  output assistant finish=\"tool_call\"\n"
					  "    tool_call id=\"c0\" name=\"f\" value={}\n    tool_call "
					  "id=\"c1\" name=\"g\" value={}\n"
					  "  finish tool_calls\n  usage - ~2 - - -\n");
	expect("no ids", TOOLS(CALL("0", "", "f", "{}")) TOOLS(CALL("0", "", "g", "{}")) DONE,
	       TOP("ok", " stream first") "  output assistant\n    tool_call name=\"f\" value={}\n"
					  "    tool_call name=\"g\" value={}\n  usage - ~2 - - -\n");
	/* Servers that repeat id and name with every fragment. */
	expect("repeated",
	       TOOLS(CALL("0", "c0", "f", "{\\\"a\\\"")) TOOLS(CALL("0", "c0", "f", ":1}"))
		       TOOLS(CALL("0", "x", "", "")) DONE,
	       TOP("ok",
		   " stream first") "  output assistant\n    tool_call id=\"c0\" name=\"f\" value={\"a\":1}\n"
				    "  usage - ~3 - - -\n");
	expect("no json", TOOLS(CALL("0", "c0", "f", "{\\\"a\\\":")) DONE,
	       TOP("ok", " stream first") "  output assistant\n    tool_call id=\"c0\" name=\"f\" "
					  "value=\"{\\\"a\\\":\"\n"
					  "  usage - ~4 - - -\n");
	expect("legacy",
	       DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}")
		       DELTA("\"function_call\":{\"arguments\":\"}\"}") FINISH("function_call") DONE,
	       TOP("ok", " stream first") "  output assistant finish=\"tool_call\"\n    tool_call name=\"f\" "
					  "value={}\n"
					  "  finish function_call\n  usage - ~1 - - -\n");
}

static void errors_in_mid_stream(void **state)
{
	(void)state;
	expect("error",
	       DELTA("\"content\":\"par\"") "data: {\"error\":{\"message\":\"The server had an "
					    "error\",\"type\":\"server_error\",\"param\":null,\"code\":null}}"
					    "\n\n" DELTA("\"content\":\"after\""),
	       TOP("error type=\"server_error\" message=\"The server had an error\"",
		   " stream first") "  output assistant\n    text text=\"par\"\n  usage - ~1 - - -\n");
	/* OpenRouter: the error beside a last choice. */
	expect("openrouter",
	       DELTA("\"content\":\"par\"") "data: "
					    "{\"error\":{\"code\":502,\"message\":\"gone\"},\"choices\":[{"
					    "\"index\":0,\"delta\":{\"content\":\"\"},"
					    "\"finish_reason\":\"error\"}]}\n\n",
	       TOP("error type=\"502\" message=\"gone\"",
		   " stream first") "  output assistant finish=\"error\"\n    text text=\"par\"\n  finish "
				    "error\n  usage - ~1 - - -\n");
	expect("event", "event: error\ndata: {\"message\":\"busy\"}\n\n",
	       TOP("error type=\"_OTHER\" message=\"busy\"", " stream") "  usage - - - - -\n");
	/* An event that was to be JSON and is none: marked, and read on. */
	expect("broken",
	       DELTA("\"content\":\"a\"") "data: {\"choices\":[}\n\n" DELTA("\"content\":\"b\"") DONE,
	       TOP("error type=\"broken\" message=\"an event is no JSON\" broken=0",
		   " stream first") "  output assistant\n    text text=\"ab\"\n  usage - ~1 - - -\n");
	expect("noise", "data: hello\n\n" DELTA("\"content\":\"a\"") DONE,
	       TOP("ok", " stream first") "  output assistant\n    text text=\"a\"\n  usage - ~1 - - -\n");
}

/* A body of JSON where events were asked for. */
static void json_instead_of_events(void **state)
{
	char *input = talk_make(CHAT, ASK, "400 No\r\nContent-Type: application/json",
				"{\"error\":{\"message\":\"bad\",\"code\":\"x\"}}");

	(void)state;
	talk_sweep("json", input, TOP("error type=\"x\" message=\"bad\"", " stream") "  usage - - - - -\n");
	free(input);
	input = talk_make(CHAT, ASK, "400 No\r\nContent-Type: text/event-stream",
			  "{\n  \"error\": {\n    \"message\": \"bad\",\n    \"code\": \"x\"\n  }\n}\n");
	talk_sweep("json as events", input,
		   TOP("error type=\"x\" message=\"bad\"", " stream") "  usage - - - - -\n");
	free(input);
}

static void more_than_the_limits(void **state)
{
	struct buf b, want;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	for (int i = 0; i < 600; i++)
		buf_addf(&b,
			 TOOLS("{\"index\":%d,\"id\":\"c%d\",\"function\":{\"name\":\"f\",\"arguments\":\"{}"
			       "\"}}"),
			 i, i);
	buf_addf(&b, DONE);
	buf_addf(&want,
		 TOP("ok", " stream first") "  bottrace.output.omitted_parts=88\n  output assistant\n");
	for (int i = 0; i < 512; i++)
		buf_addf(&want, "    tool_call id=\"c%d\" name=\"f\" value={}\n", i);
	buf_addf(&want, "  usage - - - - -\n");
	char *input = talk_make(CHAT, ASK, SSE_HEAD, buf_z(&b));

	talk_expect("limits", input, buf_z(&want));
	free(input);
	buf_fini(&b);
	buf_fini(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_thoughts),	     cmocka_unit_test(choices_in_their_order),
		cmocka_unit_test(tool_calls_from_fragments), cmocka_unit_test(errors_in_mid_stream),
		cmocka_unit_test(json_instead_of_events),    cmocka_unit_test(more_than_the_limits),
	};

	return cmocka_run_group_tests_name("genai openai stream", tests, NULL, NULL);
}
