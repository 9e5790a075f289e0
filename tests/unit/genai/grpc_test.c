/* SPDX-License-Identifier: BSD-2-Clause */
/* gRPC as http calls, and A2A's messages in it; over HTTP/1.1, where nothing but the trailers is missing. */
#include "talk.h"

static void framed(struct buf *b, struct str message)
{
	buf_add_char(b, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(message.n >> shift));
	buf_add(b, message);
}

static void run(const char *name, const char *path, struct str asked, const char *head, struct str told,
		const char *want)
{
	struct buf input, q, a;

	buf_init(&input, SIZE_MAX);
	buf_init(&q, SIZE_MAX);
	buf_init(&a, SIZE_MAX);
	framed(&q, asked);
	if (told.p != NULL)
		framed(&a, told);
	buf_addf(&input,
		 "POST %s HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/grpc\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 path, q.n);
	buf_add(&input, buf_str(&q));
	talk_request = input.n;
	buf_addf(&input, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, a.n);
	buf_add(&input, buf_str(&a));
	talk_sweep_str(name, buf_str(&input), want);
	buf_fini(&a);
	buf_fini(&q);
	buf_fini(&input);
}

#define OK_HEAD "200 OK\r\nContent-Type: application/grpc\r\ngrpc-status: 0"

static void calls(void **state)
{
	(void)state;
	run("fine", "/echo.v1.Echo/Say", STR("x"), OK_HEAD, STR("y"),
	    "http ok\n"
	    "  server=\"api.example.com\" port=443 path=\"/echo.v1.Echo/Say\"\n");
	run("refused", "/echo.v1.Echo/Say", STR("x"),
	    "200 OK\r\nContent-Type: application/grpc\r\ngrpc-status: 7\r\ngrpc-message: not%20you%21",
	    STR_NONE,
	    "http error type=\"PERMISSION_DENIED\" message=\"not you!\"\n"
	    "  server=\"api.example.com\" port=443 path=\"/echo.v1.Echo/Say\"\n");
	run("no method", "/echo", STR("x"), OK_HEAD, STR("y"),
	    "http ok\n"
	    "  server=\"api.example.com\" port=443 path=\"/echo\"\n");
}

/* SendMessageRequest{tenant: "t", message{"m", "c", ROLE_USER, parts: {text: "hi"}, {data: {"k": [1.5, null, true, {}]}},
 * {raw: 01 ff, media_type: "image/x"}}} */
static const char asked[] = "\012\001\164\022\103\012\001\155\022\001\143\040\001\052\004\012\002\150\151\052"
			    "\044\042\042\052\040\012\036\012\001\153\022\031\062\027\012\011\021\000\000\000"
			    "\000\000\000\370\077\012\002\010\000\012\002\040\001\012\002\052\000\052\015\022"
			    "\002\001\377\072\007\151\155\141\147\145\057\170";
/* Task{"t1", "c2", status{COMPLETED}, artifacts{parts{text: "cold"}}} */
static const char told[] = "\012\026\012\002\164\061\022\002\143\062\032\002\010\003\042\010\042\006\012\004"
			   "\143\157\154\144";
/* Task{"t1", status{99}}, and fields of every type that no table has */
static const char odd[] = "\012\010\012\002\164\061\032\002\010\143\111\000\000\000\000\000\000\370\077\122"
			  "\001\170\135\001\002\003\004";

/* 0.3's SendMessageRequest{message{"m", "c", ROLE_USER, parts: {text: "hi"}, {file: {bytes in base64, "image/x"}}, {file: {01 ff}},
 * {file: {almost base64}}, {data: {"k": [1.5]}}, {data: {}}}} */
static const char old_asked[] =
	"\012\122\012\001\155\022\001\143\040\001\052\004\012\002\150\151\052\021\022\017\022\004\101"
	"\101\105\103\032\007\151\155\141\147\145\057\170\052\006\022\004\022\002\001\377\052\011\022"
	"\007\022\005\101\101\105\075\077\052\030\032\026\012\024\012\022\012\001\153\022\015\062\013"
	"\012\011\021\000\000\000\000\000\000\370\077\052\002\032\000";
/* Task{"t1", "c2", status{COMPLETED, "done"}, artifacts{parts{text: "cold"}}} */
static const char old_told[] =
	"\012\051\012\002\164\061\022\002\143\062\032\022\010\003\022\016\012\002\155\062\040\002\052"
	"\006\012\004\144\157\156\145\042\013\012\001\141\052\006\012\004\143\157\154\144";

static void agents(void **state)
{
	(void)state;
	run("a task", "/lf.a2a.v1.A2AService/SendMessage", str_make(asked, sizeof(asked) - 1), OK_HEAD,
	    str_make(told, sizeof(told) - 1),
	    "invoke_agent ok\n"
	    "  server=\"api.example.com\" port=443 path=\"/lf.a2a.v1.A2AService/SendMessage\"\n"
	    "  invoke_agent conversation=\"c2\" first\n"
	    "  rpc.system=\"grpc\"\n"
	    "  rpc.service=\"lf.a2a.v1.A2AService\"\n"
	    "  rpc.method=\"SendMessage\"\n"
	    "  a2a.method.name=\"SendMessage\"\n"
	    "  a2a.tenant=\"t\"\n"
	    "  a2a.message.id=\"m\"\n"
	    "  a2a.task.id=\"t1\"\n"
	    "  bottrace.rpc.sent=1\n"
	    "  bottrace.rpc.received=1\n"
	    "  a2a.task.state=\"completed\"\n"
	    "  rpc.grpc.status_code=0\n"
	    "  input user\n"
	    "    text text=\"hi\"\n"
	    "    other name=\"data\" value={\"k\":[1.5,null,true,{}]}\n"
	    "    blob modality=\"file\" mime=\"image/x\" text=\"Af8=\"\n"
	    "  output assistant finish=\"stop\"\n"
	    "    text text=\"cold\"\n"
	    "  usage - - - - -\n");
	run("a state that nobody has", "/lf.a2a.v1.A2AService/SendStreamingMessage",
	    str_make(asked, sizeof(asked) - 1), OK_HEAD, str_make(odd, sizeof(odd) - 1),
	    "invoke_agent ok\n"
	    "  server=\"api.example.com\" port=443 path=\"/lf.a2a.v1.A2AService/SendStreamingMessage\"\n"
	    "  invoke_agent conversation=\"c\" stream\n"
	    "  rpc.system=\"grpc\"\n"
	    "  rpc.service=\"lf.a2a.v1.A2AService\"\n"
	    "  rpc.method=\"SendStreamingMessage\"\n"
	    "  a2a.method.name=\"SendStreamingMessage\"\n"
	    "  a2a.tenant=\"t\"\n"
	    "  a2a.message.id=\"m\"\n"
	    "  a2a.task.id=\"t1\"\n"
	    "  bottrace.rpc.sent=1\n"
	    "  bottrace.rpc.received=1\n"
	    "  rpc.grpc.status_code=0\n"
	    "  input user\n"
	    "    text text=\"hi\"\n"
	    "    other name=\"data\" value={\"k\":[1.5,null,true,{}]}\n"
	    "    blob modality=\"file\" mime=\"image/x\" text=\"Af8=\"\n"
	    "  usage - - - - -\n");
	run("a task of 0.3", "/a2a.v1.A2AService/SendMessage", str_make(old_asked, sizeof(old_asked) - 1),
	    OK_HEAD, str_make(old_told, sizeof(old_told) - 1),
	    "invoke_agent ok\n"
	    "  server=\"api.example.com\" port=443 path=\"/a2a.v1.A2AService/SendMessage\"\n"
	    "  invoke_agent conversation=\"c2\" first\n"
	    "  rpc.system=\"grpc\"\n"
	    "  rpc.service=\"a2a.v1.A2AService\"\n"
	    "  rpc.method=\"SendMessage\"\n"
	    "  a2a.method.name=\"SendMessage\"\n"
	    "  a2a.message.id=\"m\"\n"
	    "  a2a.task.id=\"t1\"\n"
	    "  bottrace.rpc.sent=1\n"
	    "  bottrace.rpc.received=1\n"
	    "  a2a.task.state=\"completed\"\n"
	    "  rpc.grpc.status_code=0\n"
	    "  input user\n"
	    "    text text=\"hi\"\n"
	    "    blob modality=\"file\" mime=\"image/x\" text=\"AAEC\"\n"
	    "    blob modality=\"file\" text=\"Af8=\"\n"
	    "    blob modality=\"file\" text=\"QUFFPT8=\"\n"
	    "    other name=\"data\" value={\"k\":[1.5]}\n"
	    "    other name=\"data\" value={}\n"
	    "  output assistant finish=\"stop\"\n"
	    "    text text=\"cold\"\n"
	    "    text text=\"done\"\n"
	    "  usage - - - - -\n");
	run("0.3, cut in the middle", "/a2a.v1.A2AService/SendMessage",
	    str_make(old_asked, sizeof(old_asked) - 9), OK_HEAD, STR_NONE,
	    "http ok note: A2A: its message cannot be read\n"
	    "  server=\"api.example.com\" port=443 path=\"/a2a.v1.A2AService/SendMessage\"\n");
	run("cut in the middle", "/lf.a2a.v1.A2AService/SendMessage", str_make(asked, sizeof(asked) - 9),
	    OK_HEAD, STR_NONE,
	    "http ok note: A2A: its message cannot be read\n"
	    "  server=\"api.example.com\" port=443 path=\"/lf.a2a.v1.A2AService/SendMessage\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
		cmocka_unit_test(agents),
	};

	return cmocka_run_group_tests_name("genai grpc", tests, NULL, NULL);
}
