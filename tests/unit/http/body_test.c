/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies with bytes missing; their encodings and limits are in encoding_test.c. */
#include "script.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

#define CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

#define SSE_LENGTH(n) "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " n "\r\n\r\n"

static void gap_in_body_length(void **state)
{
	static const struct step steps[] = {
		SAYS(GET("/1")), HEARS(OK("abc", "10")), LOSES(GAP_R, 4), HEARS("hij"),
		SAYS(GET("/2")), HEARS(OK("two", "3")),	 ENDS(FREED),	  ENDS(END)};

	(void)state;
	script_check("gap in a body", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"10\"\n"
		     "body 1\n"
		     "done 1 DONE gap read@42+4\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 49 body 10/6 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @49 wire 41 body 3/3 \"two\"\n");
}

static void gap_in_body_to_end(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(OK("abc", "10")), LOSES(GAP_R, 7),
					    SAYS(GET("/2")), HEARS(OK("two", "3")),  ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("gap to a body's end", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"10\"\n"
		     "body 1\n"
		     "done 1 DONE gap read@42+7\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 49 body 10/3 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @49 wire 41 body 3/3 \"two\"\n");
}

static void gap_in_body_policy(void **state)
{
	static const struct step steps[] = {SAYS("POST /1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"),
					    SKIPS(GAP_W, 7), HEARS(OK("two", "3")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("left out by policy", steps,
		     "begin 1\n"
		     "request 1 POST /1: Content-Length=\"10\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req unkept @0 wire 50 body 10/3 \"abc\"\n"
		     "  res @0 wire 41 body 3/3 \"two\"\n");
}

static void gap_in_body_two_gaps(void **state)
{
	static const struct step steps[] = {SAYS("POST /1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"),
					    LOSES(GAP_W, 2),
					    SAYS("d"),
					    LOSES(GAP_W, 4),
					    HEARS(OK("t", "3")),
					    LOSES(GAP_R, 2),
					    ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("three gaps", steps,
		     "begin 1\n"
		     "request 1 POST /1: Content-Length=\"10\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE gap write@43+2 gap write@46+4 gap read@39+2\n"
		     "  req unkept @0 wire 50 body 10/4 \"abc\"\n"
		     "  res unkept @0 wire 41 body 3/1 \"t\"\n");
}

static void gap_in_body_in_chunk(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(CHUNKS "a\r\nabc"),
					    LOSES(GAP_R, 4), HEARS("hij\r\n0\r\n\r\n"),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("gap in a chunk", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 DONE gap read@53+4\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 67 body 10/6 \"abc\"\n");
}

static void gap_in_body_whole_chunk(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS(CHUNKS "a\r\nabc"),
					    LOSES(GAP_R, 7), HEARS("\r\n1\r\nk\r\n0\r\n\r\n"),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("gap to a chunk's end", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 DONE gap read@53+7\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 73 body 11/4 \"abc\"\n");
}

static void gap_in_body_until_close(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 200 OK\r\n\r\nabc"),
					    LOSES(GAP_R, 7), HEARS("def"),
					    ENDS(FREED),     ENDS(END)};

	(void)state;
	script_check("gap in a body without framing", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200:\n"
		     "body 1\n"
		     "done 1 DONE gap read@22+7\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 32 body 13/6 \"abc\"\n");
}

static void gap_in_body_stream(void **state)
{
	static const struct step steps[] = {
		SAYS(GET("/1")),  HEARS(SSE_LENGTH("60") "data: 1\n\ndata: 2\ndata"),
		LOSES(GAP_R, 10), HEARS("x\ndata: 3\n\ndata: 4\n\nda"),
		ENDS(FREED),	  ENDS(END)};

	(void)state;
	script_check("gap in a stream", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\" Content-Length=\"60\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "event 1 \"4\"\n"
		     "done 1 CLOSED gap read@93+10\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 125 body 53/43 \"\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gap_in_body_length),	   cmocka_unit_test(gap_in_body_to_end),
		cmocka_unit_test(gap_in_body_policy),	   cmocka_unit_test(gap_in_body_two_gaps),
		cmocka_unit_test(gap_in_body_in_chunk),	   cmocka_unit_test(gap_in_body_whole_chunk),
		cmocka_unit_test(gap_in_body_until_close), cmocka_unit_test(gap_in_body_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
