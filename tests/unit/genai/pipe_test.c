/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of two programs. A test's input has a line each, with > or < before it: written or read by our process. */
#include "talk.h"

struct lines {
	struct talk *t;
	struct genai_pipe *pipe;
	struct buf line;
	enum http_end end;
};

static enum http_end lines_end = HTTP_END_CLOSED;

static void *lines_start(void)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	buf_init(&l->line, SIZE_MAX);
	l->t = talk_start();
	l->pipe = l->t ? genai_pipe_new(l->t->genai, &l->t->conn) : NULL;
	if (l->pipe == NULL) {
		if (l->t)
			talk_stop(l->t);
		free(l);
		return NULL;
	}
	return l;
}

static void lines_feed(void *state, struct str piece)
{
	struct lines *l = state;

	for (size_t i = 0; i < piece.n; i++) {
		if (piece.p[i] != '\n') {
			buf_add_char(&l->line, piece.p[i]);
			continue;
		}
		if (buf_err(&l->line) == 0 && l->line.n > 1)
			genai_pipe_feed(l->pipe, &(struct genai_pipe_line){
							 .dir = l->line.p[0] == '>' ? WIRE_WRITE : WIRE_READ,
							 .text = str_skip(buf_str(&l->line), 1),
							 .start_ns = 1000,
							 .ts_ns = 1000,
							 .tid = 7,
						 });
		buf_clear(&l->line);
	}
}

static void lines_finish(void *state, struct buf *out)
{
	struct lines *l = state;

	genai_pipe_free(l->pipe, lines_end, 3000);
	l->pipe = NULL;
	buf_add(out, buf_str(&l->t->out));
}

static void lines_stop(void *state)
{
	struct lines *l = state;

	genai_pipe_free(l->pipe, HTTP_END_SESSION, 0);
	talk_stop(l->t);
	buf_fini(&l->line);
	free(l);
}

static const struct harness_stage stage = {lines_start, lines_feed, lines_finish, lines_stop};

static void lines(const char *name, const char *input, enum http_end end, const char *want)
{
	struct lines *l = lines_start();
	struct buf out;

	lines_end = end;
	buf_init(&out, SIZE_MAX);
	assert_non_null(l);
	lines_feed(l, str_of(input));
	lines_finish(l, &out);
	lines_stop(l);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
	harness_sweep(name, &stage, str_of(input));
}

#define AT   "  server=\"api.example.com\" port=443"
#define PIPE "  network.transport=\"pipe\"\n"
#define INIT                                                                                       \
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":" \
	"\"2025-11-25\",\"clientInfo\":{\"name\":\"c\"}}}\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}\n"
#define PING_TEXT(x)                                                                        \
	"mcp " x "\n" AT "\n  method=\"ping\"\n  -\n  mcp.method.name=\"ping\"\n" PIPE "  " \
	"jsonrpc.request.id=\"0\"\n  usage - - - - -\n"

static void both_sides_ask(void **state)
{
	(void)state;
	/* initialize says which side the client is: here the other one, so ping from us is the server's. */
	lines("we serve", "<" INIT ">" PING "<{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}\n",
	      HTTP_END_CLOSED,
	      PING_TEXT("ok") "mcp aborted\n" AT "\n  method=\"initialize\"\n  -\n"
			      "  mcp.method.name=\"initialize\"\n" PIPE
			      "  bottrace.mcp.client=\"c\"\n  jsonrpc.request.id=\"0\"\n  usage - - - - -\n");
	/* The sides are known only after the first call. */
	lines("told late", "<" PING "<" INIT ">{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n",
	      HTTP_END_CLOSED,
	      PING_TEXT("aborted") "mcp aborted\n" AT "\n  method=\"initialize\"\n  -\n"
				   "  mcp.method.name=\"initialize\"\n" PIPE
				   "  bottrace.mcp.client=\"c\"\n  jsonrpc.request.id=\"0\"\n  usage - - - - "
				   "-\n");
	lines("goes on", ">" PING, HTTP_END_SESSION, "not closed: " PING_TEXT("open"));
}

static void add(char *to, size_t room, const char *text)
{
	size_t n = strlen(to);

	assert_true(n + strlen(text) < room);
	memcpy(to + n, text, strlen(text) + 1);
}

static void noise(void **state)
{
	char many[2048] = "";

	(void)state;
	lines("noise",
	      "<Server started\n<{\"level\":\"info\"}\n<{broken\n>" PING
	      "<{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n<{\"jsonrpc\":\"2.0\"}\n<[]\n<[1,null]\n"
	      "<{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-1}}\n",
	      HTTP_END_CLOSED,
	      "mcp error type=\"-1\"\n" AT "\n  method=\"ping\"\n  -\n  mcp.method.name=\"ping\"\n" PIPE
	      "  jsonrpc.request.id=\"0\"\n  rpc.response.status_code=\"-1\"\n  usage - - - - -\n");
	/* What speaks something else for so long is left alone. */
	for (int i = 0; i < 64; i++)
		add(many, sizeof(many), "<{\"a\":1}\n");
	add(many, sizeof(many), ">" PING);
	lines("another language", many, HTTP_END_CLOSED, "");
}

#define SDK(type, rest) "{\"type\":\"" type "\",\"session_id\":\"s\"," rest "}\n"

static void an_agents_program(void **state)
{
	(void)state;
	lines("killed in the middle",
	      ">" SDK("user", "\"message\":{\"role\":\"user\",\"content\":\"q\"}") "<" SDK(
		      "assistant",
		      "\"message\":{\"id\":\"m1\",\"model\":\"c\",\"content\":[{\"type\":\"text\","
		      "\"text\":\"a\"}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}") "<" SDK("assist"
												      "ant",
												      "\"mess"
												      "age\":"
												      "{\"id"
												      "\":"
												      "\"m2\""
												      ",\"mod"
												      "el\":"
												      "\"c\","
												      "\"cont"
												      "ent\":"
												      "[{"
												      "\"type"
												      "\":"
												      "\"text"
												      "\","
												      "\"text"
												      "\":"
												      "\"b\"}"
												      "]},"
												      "\"pare"
												      "nt_"
												      "tool_"
												      "use_"
												      "id\":"
												      "\"t"
												      "\""),
	      HTTP_END_ABORTED,
	      "chat ok\n" AT "\n  chat provider=\"anthropic\" model=\"c\" answered=\"c\" id=\"m1\" "
	      "conversation=\"s\" first\n" PIPE
	      "  input user\n    text text=\"q\"\n  output assistant\n    text text=\"a\"\n  usage 1 2 - - "
	      "-\n"
	      "chat aborted\n" AT "\n  chat provider=\"anthropic\" model=\"c\" answered=\"c\" id=\"m2\" "
	      "conversation=\"s\" first\n" PIPE
	      "  output assistant\n    text text=\"b\"\n  usage - ~1 - - -\n"
	      "invoke_agent aborted\n" AT "\n  invoke_agent provider=\"anthropic\" conversation=\"s\"\n" PIPE
	      "  usage - - - - -\n"
	      "invoke_agent aborted\n" AT "\n  invoke_agent provider=\"anthropic\" conversation=\"s\"\n" PIPE
	      "  input user\n    text text=\"q\"\n  usage - - - - -\n");
	lines("failed",
	      ">" SDK("user",
		      "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}"
		      "]}") "<" SDK("result",
				    "\"subtype\":\"error_max_turns\",\"is_error\":true,\"num_turns\":9,"
				    "\"total_cost_usd\":0.5"),
	      HTTP_END_CLOSED,
	      "invoke_agent error type=\"error_max_turns\"\n" AT
	      "\n  invoke_agent provider=\"anthropic\" conversation=\"s\"\n" PIPE
	      "  bottrace.agent.turns=9\n  bottrace.agent.cost_usd=\"0.5\"\n  input user\n    text "
	      "text=\"q\"\n"
	      "  usage - - - - -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_ask),
		cmocka_unit_test(noise),
		cmocka_unit_test(an_agents_program),
	};

	return cmocka_run_group_tests_name("genai pipe", tests, NULL, NULL);
}
