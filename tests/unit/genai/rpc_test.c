/* SPDX-License-Identifier: BSD-2-Clause */
/* Which request an answer belongs to, over HTTP: in the exchange, on another connection, in both directions. */
#include <stdio.h>

#include "talk.h"

#define HOST_TEXT " server=\"api.example.com\" port=443 path="
#define MCP	  "POST /mcp HTTP/1.1\r\nContent-Type: application/json"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define SSE_HEAD  "200 OK\r\nContent-Type: text/event-stream"
#define TCP	  "  network.transport=\"tcp\"\n"
#define CALL                                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"t\"," \
	"\"arguments\":{\"a\":1}}}"
#define CALL_TEXT                                                               \
	"  method=\"tools/call\" label=\"t\" arguments={\"a\":1}"               \
	" result=\"x\"\n  execute_tool\n  mcp.method.name=\"tools/call\"\n" TCP \
	"  jsonrpc.request.id=\"7\"\n  usage - - - - -\n"
#define RESULT "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}"

static void sweep(const char *name, const char *body, const char *head, const char *answer, const char *want)
{
	char *input = talk_make(MCP, body, head, answer);

	talk_sweep(name, input, want);
	free(input);
}

static void answers_in_the_exchange(void **state)
{
	static const char ok[] = "execute_tool ok\n " HOST_TEXT "\"/mcp\"\n" CALL_TEXT;

	(void)state;
	sweep("json", CALL, JSON_HEAD, RESULT, ok);
	sweep("events", CALL, SSE_HEAD,
	      ": ping\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n"
	      "data: {\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}\n\ndata: " RESULT "\n\n",
	      ok);
	sweep("array of one", CALL, JSON_HEAD, "[" RESULT "]", ok);
	sweep("error without an id", CALL, "400 Bad\r\nContent-Type: application/json",
	      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32020,\"message\":\"m\"}}",
	      "execute_tool error type=\"-32020\" message=\"m\"\n " HOST_TEXT
	      "\"/mcp\"\n  method=\"tools/call\" label=\"t\" arguments={\"a\":1}\n  execute_tool\n"
	      "  mcp.method.name=\"tools/call\"\n" TCP "  jsonrpc.request.id=\"7\"\n  usage - - - - -\n");
}

static void batches(void **state)
{
	(void)state;
	sweep("batch",
	      "[" CALL ",{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":"
	      "\"notifications/cancelled\",\"params\":{\"requestId\":1}}]",
	      SSE_HEAD, "data: [" RESULT "]\n\n",
	      "mcp aborted type=\"cancelled\"\n " HOST_TEXT
	      "\"/mcp\"\n  method=\"ping\"\n  -\n  mcp.method.name=\"ping\"\n" TCP
	      "  jsonrpc.request.id=\"1\"\n  usage - - - - -\n"
	      "execute_tool ok\n " HOST_TEXT "\"/mcp\"\n" CALL_TEXT
	      "http ok note: a batch of JSON-RPC messages: each request in it has a span\n " HOST_TEXT
	      "\"/mcp\"\n");
}

/* ---- several connections of one process ---- */

struct side {
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
};

static void say(struct talk *t, struct side *s, enum wire_dir dir, const char *text, uint64_t ts_ns)
{
	struct flow_chunk chunk = {.conn = &s->conn,
				   .dir = dir,
				   .offset = s->offset[dir],
				   .start_ns = ts_ns,
				   .ts_ns = ts_ns,
				   .tid = 7,
				   .data = str_of(text)};

	s->offset[dir] += chunk.data.n;
	http_feed(t->http, &chunk);
}

static void post(struct talk *t, struct side *s, const char *target, const char *body, uint64_t ts_ns)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", target, strlen(body),
		 body);
	say(t, s, WIRE_WRITE, buf_z(&b), ts_ns);
	say(t, s, WIRE_READ, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", ts_ns + 1);
	buf_fini(&b);
}

static void event(struct talk *t, struct side *s, const char *name, const char *data, uint64_t ts_ns)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "event: %s\ndata: %s\n\n", name, data);
	say(t, s, WIRE_READ, buf_z(&b), ts_ns);
	buf_fini(&b);
}

static void want(struct talk *t, const char *name, const char *text)
{
	HARNESS_TEXT(name, buf_str(&t->out), text);
	buf_clear(&t->out);
}

/* HTTP with SSE: the endpoint is an absolute URL here; a second client of the same server has the same ids. */
static void the_older_transport(void **state)
{
	struct side stream = {.conn.id = 1}, posts = {.conn.id = 2}, other = {.conn.id = 3};
	struct talk *t = talk_start();

	(void)state;
	say(t, &stream, WIRE_WRITE, "GET /sse HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n", 1);
	say(t, &stream, WIRE_READ, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", 2);
	event(t, &stream, "endpoint", "http://h/messages?sid=1", 3);
	post(t, &other, "/messages?sid=2", CALL, 10);
	post(t, &posts, "/messages?sid=1", CALL, 20);
	http_close(t->http, &posts.conn, FLOW_END_FREED, 30);
	want(t, "nothing yet", "");
	event(t, &stream, "message", RESULT, 40);
	want(t, "answered", "execute_tool ok\n  server=\"h\" port=0 path=\"/messages\"\n" CALL_TEXT);
	event(t, &stream, "message", RESULT, 41);
	want(t, "twice", "");
	/* The server asks, a POST answers. */
	event(t, &stream, "message", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"roots/list\"}", 50);
	post(t, &other, "/messages?sid=1", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"roots\":[]}}", 60);
	want(t, "asked by the server",
	     "mcp ok\n  server=\"h\" port=0 path=\"/sse\"\n  method=\"roots/list\"\n  -\n"
	     "  mcp.method.name=\"roots/list\"\n" TCP "  jsonrpc.request.id=\"7\"\n  usage - - - - -\n"
	     "http ok note: the answer to a request that came from the server\n"
	     "  server=\"h\" port=0 path=\"/messages\"\n");
	http_close(t->http, &stream.conn, FLOW_END_FREED, 70);
	buf_clear(&t->out);
	http_close(t->http, &other.conn, FLOW_END_FREED, 70);
	talk_stop(t); /* the other client's call never got an answer */
}

/* The stream of an answer ends without it, and another one goes on with it. */
static void a_stream_is_resumed(void **state)
{
	struct side posts = {.conn.id = 1}, stream = {.conn.id = 2};
	struct talk *t = talk_start();

	(void)state;
	say(t, &posts, WIRE_WRITE,
	    "POST /mcp HTTP/1.1\r\nHost: h\r\nMcp-Session-Id: s\r\nContent-Length: 88\r\n\r\n" CALL, 1);
	assert_int_equal(strlen(CALL), 88);
	say(t, &posts, WIRE_READ,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 13\r\n\r\nid: 1\ndata: "
	    "\n\n",
	    2);
	want(t, "waits", "");
	say(t, &stream, WIRE_WRITE,
	    "GET /mcp HTTP/1.1\r\nHost: h\r\nMcp-Session-Id: s\r\nLast-Event-ID: 1\r\n\r\n", 3);
	say(t, &stream, WIRE_READ, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", 4);
	event(t, &stream, "message", RESULT, 5);
	HARNESS_TEXT("resumed", str_head(buf_str(&t->out), 15), "execute_tool ok");
	http_close(t->http, &posts.conn, FLOW_END_FREED, 70);
	http_close(t->http, &stream.conn, FLOW_END_FREED, 70);
	talk_stop(t);
}

/* Calls that nobody answers are bounded. */
static void too_many_wait(void **state)
{
	struct side posts = {.conn.id = 1};
	struct talk *t = talk_start();
	char body[128];

	(void)state;
	for (int i = 0; i < 4100; i++) {
		snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/list\"}",
			 i / 2);
		post(t, &posts, "/messages", body, 10);
	}
	HARNESS_TEXT("the oldest", str_head(buf_str(&t->out), 20), "not closed: mcp open");
	int dropped = 0;
	for (size_t i = 0; i + 12 <= t->out.n; i++)
		dropped += memcmp(t->out.p + i, "not closed: ", 12) == 0;
	assert_int_equal(dropped, 4);
	http_close(t->http, &posts.conn, FLOW_END_FREED, 70);
	talk_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_the_exchange), cmocka_unit_test(batches),
		cmocka_unit_test(the_older_transport),	   cmocka_unit_test(a_stream_is_resumed),
		cmocka_unit_test(too_many_wait),
	};

	return cmocka_run_group_tests_name("genai rpc", tests, NULL, NULL);
}
