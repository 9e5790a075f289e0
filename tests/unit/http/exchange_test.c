/* SPDX-License-Identifier: BSD-2-Clause */
#include "script.h"

#include "base/limits.h"

#define GET(path)	 "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define SSE                                                                                        \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: " \
	"chunked\r\n\r\n"

static void pipelining(void **state)
{
	static const struct step steps[] = {
		SAYS(GET("/1") GET("/2") GET("/3")),
		HEARS(OK("one", "3") OK("HTTP/1.1 200 OK", "15")),
		SAYS(GET("/4")),
		HEARS(OK("three", "5")),
		HEARS(OK("four", "4")),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("pipelining", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "response 2 200: Content-Length=\"15\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 54 body 15/15 \"HTTP/1.1 200 OK\"\n"
		     "begin 4\n"
		     "request 4 GET /4: Host=\"a\"\n"
		     "asked 4\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @56 wire 28 body 0/0 \"\"\n"
		     "  res @95 wire 43 body 5/5 \"three\"\n"
		     "response 4 200: Content-Length=\"4\"\n"
		     "body 4\n"
		     "done 4 DONE\n"
		     "  req @84 wire 28 body 0/0 \"\"\n"
		     "  res @138 wire 42 body 4/4 \"four\"\n");
}

/* openai's SDK stops reading at [DONE] and goes. */
static void next_request_dropped(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(SSE "e\r\ndata: [DONE]\n\n\r\n"),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("stream dropped", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream; charset=utf-8\" "
		     "Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "event 1 \"[DONE]\"\n"
		     "done 1 CLOSED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 114 body 14/14 \"\"\n");
}

static void next_request_late(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(SSE "e\r\ndata: [DONE]\n\n\r\n"),
					    SAYS(GET("/2")), HEARS("0\r\n\r\n" OK("two", "3")),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("tail read late", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream; charset=utf-8\" "
		     "Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "event 1 \"[DONE]\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 119 body 14/14 \"\"\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @119 wire 41 body 3/3 \"two\"\n");
}

static void next_request_never(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(SSE "e\r\ndata: [DONE]\n\n\r\n"),
					    SAYS(GET("/2")), HEARS(OK("two", "3")),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("tail never read", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream; charset=utf-8\" "
		     "Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "event 1 \"[DONE]\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 NEXT\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 114 body 14/14 \"\"\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @114 wire 41 body 3/3 \"two\"\n");
}

static void next_request_unread(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(OK("par", "10")), SAYS(GET("/2")),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("rest unread at the end", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"10\"\n"
		     "body 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 NEXT\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut @0 wire 42 body 3/3 \"par\"\n"
		     "done 2 CLOSED\n"
		     "  req @28 wire 28 body 0/0 \"\"\n");
}

static void next_request_until_close(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 200 OK\r\n\r\nabc"),
					    SAYS(GET("/2")), HEARS(OK("two", "3")),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("no framing, next request", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200:\n"
		     "body 1\n"
		     "done 1 NEXT\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut @0 wire 22 body 3/3 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @22 wire 41 body 3/3 \"two\"\n");
}

/* A length whose rest was never read shows where a call begins, so this one is not swept. */
static void next_at_call(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(OK("par", "100")),
					    SAYS(GET("/2")), HEARS(OK("two", "3")),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_once("next at a call's beginning", steps,
		    "begin 1\n"
		    "request 1 GET /1: Host=\"a\"\n"
		    "asked 1\n"
		    "response 1 200: Content-Length=\"100\"\n"
		    "body 1\n"
		    "begin 2\n"
		    "request 2 GET /2: Host=\"a\"\n"
		    "asked 2\n"
		    "done 1 NEXT\n"
		    "  req @0 wire 28 body 0/0 \"\"\n"
		    "  res cut @0 wire 43 body 3/3 \"par\"\n"
		    "response 2 200: Content-Length=\"3\"\n"
		    "body 2\n"
		    "done 2 DONE\n"
		    "  req @28 wire 28 body 0/0 \"\"\n"
		    "  res @43 wire 41 body 3/3 \"two\"\n");
}

static void ends_closed(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(OK("par", "10")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("closed in a body", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"10\"\n"
		     "body 1\n"
		     "done 1 CLOSED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut @0 wire 42 body 3/3 \"par\"\n");
}

static void ends_died(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(SSE "d\r\ndata: 1\n\nda"), ENDS(EXITED),
					    ENDS(END)};

	(void)state;
	script_check("died in a stream", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream; charset=utf-8\" "
		     "Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "done 1 ABORTED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 109 body 11/11 \"\"\n");
}

static void ends_session(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 200 OK\r\n\r\npar"),
					    ENDS(SESSION), ENDS(END)};

	(void)state;
	script_check("tracing ended", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200:\n"
		     "body 1\n"
		     "done 1 SESSION\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut @0 wire 22 body 3/3 \"par\"\n");
}

static void ends_died_until_close(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 200 OK\r\n\r\npar"),
					    ENDS(EXITED), ENDS(END)};

	(void)state;
	script_check("died in a body without framing", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200:\n"
		     "body 1\n"
		     "done 1 ABORTED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut @0 wire 22 body 3/3 \"par\"\n");
}

static void ends_in_head(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 200 OK\r\nConte"), ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("closed in a head", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 CLOSED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res headless cut unkept @0 wire 22 body 0/0 \"\"\n");
}

static void ends_in_start(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 2"), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("closed in a status line", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 CLOSED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res headless cut unkept @0 wire 10 body 0/0 \"\"\n");
}

static void ends_in_request(void **state)
{
	static const struct step steps[] = {SAYS("POST /v1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"),
					    ENDS(EXITED), ENDS(END)};

	(void)state;
	script_check("died in a request", steps,
		     "begin 1\n"
		     "request 1 POST /v1: Content-Length=\"10\"\n"
		     "asked 1 cut\n"
		     "done 1 ABORTED\n"
		     "  req cut @0 wire 44 body 3/3 \"abc\"\n");
}

static void ends_in_request_line(void **state)
{
	static const struct step steps[] = {SAYS("POST /v1/cha"), ENDS(EXITED), ENDS(END)};

	(void)state;
	script_check("died in a request line", steps,
		     "begin 1\n"
		     "done 1 ABORTED\n"
		     "  req headless cut unkept @0 wire 12 body 0/0 \"\"\n");
}

static void ends_waiting(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1") GET("/2")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("nobody answered", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 CLOSED\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "done 2 CLOSED\n"
		     "  req @28 wire 28 body 0/0 \"\"\n");
}

static void too_many(void **state)
{
	struct step steps[] = {{W, {NULL, 0}, 0, WIRE_CAUSE_NONE},
			       {R, {NULL, 0}, 0, WIRE_CAUSE_NONE},
			       ENDS(FREED),
			       ENDS(END)};
	struct buf says, hears, got;
	size_t pos = 0, lost = 0, done = 0;

	(void)state;
	buf_init(&says, SIZE_MAX);
	buf_init(&hears, SIZE_MAX);
	for (unsigned int i = 0; i <= LIMIT_PIPELINED; i++) {
		buf_addf(&says, "GET /%u HTTP/1.1\r\n\r\n", i);
		buf_addf(&hears, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02u", i);
	}
	steps[0].data = buf_str(&says);
	steps[1].data = buf_str(&hears);
	script_steps = steps;
	script_swept = END;
	buf_init(&got, SIZE_MAX);
	void *t = script_start();
	script_finish(t, &got);
	script_stop(t);
	/* The first 64 are given up, their answers are nobody's; the 65th has its own. */
	for (struct str rest = buf_str(&got), line; rest.n > 0; rest = str_skip(rest, pos)) {
		pos = (size_t)(str_find_char(rest, '\n') + 1);
		line = str_head(rest, pos);
		lost += str_has(line, STR("LOST broken write@")) && str_has(line, STR("too many requests"));
		done += str_starts(line, STR("done ")) && str_has(line, STR("DONE"));
	}
	assert_int_equal(lost, LIMIT_PIPELINED);
	assert_int_equal(done, LIMIT_PIPELINED + 1);
	assert_true(str_has(buf_str(&got),
			    STR("response 65 200: Content-Length=\"2\"\nbody 65\ndone 65 DONE\n")));
	assert_true(str_has(buf_str(&got), STR("body 2/2 \"64\"\n")));
	script_sweep("too many requests", steps, ALL_SWEEPS);
	buf_fini(&says);
	buf_fini(&hears);
	buf_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelining),
		cmocka_unit_test(next_request_dropped),
		cmocka_unit_test(next_request_late),
		cmocka_unit_test(next_request_never),
		cmocka_unit_test(next_request_unread),
		cmocka_unit_test(next_request_until_close),
		cmocka_unit_test(next_at_call),
		cmocka_unit_test(ends_closed),
		cmocka_unit_test(ends_died),
		cmocka_unit_test(ends_session),
		cmocka_unit_test(ends_died_until_close),
		cmocka_unit_test(ends_in_head),
		cmocka_unit_test(ends_in_start),
		cmocka_unit_test(ends_in_request),
		cmocka_unit_test(ends_in_request_line),
		cmocka_unit_test(ends_waiting),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
