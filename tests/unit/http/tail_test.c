/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a body behind a part that is not here. */
#include "script.h"

#include "http/parser.h"

#define ASK   SAYS("GET / HTTP/1.1\r\n\r\n")
#define CHUNK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void unchunked(const char *tail, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_add(&b, str_of(tail));
	http_tail_unchunk(&b);
	HARNESS_TEXT(tail, buf_str(&b), want);
	buf_fini(&b);
}

static void chunks_are_taken_out(void **state)
{
	(void)state;
	unchunked("abc\r\n0\r\n\r\n", "abc");
	unchunked("ab\r\n3\r\ncde\r\n0\r\n\r\n", "abcde");
	unchunked("ab\r\n3\r\ncde\r\n00A\r\n0123456789\r\n0\r\n\r\n", "abcde0123456789");
	/* A size line that is cut stays, at the very beginning only. */
	unchunked("f\r\n0123456789\r\n0\r\n\r\n", "f\r\n0123456789");
	unchunked("\r\n3\r\ncde\r\n0\r\n\r\n", "cde");
	/* What only looks like a size line is data. */
	unchunked("ab\r\n4\r\ncde\r\n0\r\n\r\n", "ab\r\n4\r\ncde");
	unchunked("a\r\n1\r\nb\r\n3\r\ncde\r\n0\r\n\r\n", "abcde");
	unchunked("\r\n0\r\n\r\n", "");
	unchunked("0\r\n\r\n", "");
	unchunked("abc\r\n0\r\nX: y\r\n\r\n", "");
	unchunked("abc", "");
	unchunked("", "");
}

static void tails(void **state)
{
	static const struct step length[] = {ASK,
					     HEARS("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabcd"),
					     SKIPS(GAP_R, 6),
					     HEARS("ef"),
					     LOSES(GAP_R, 2),
					     HEARS("012345"),
					     ENDS(FREED),
					     ENDS(END)};
	static const struct step encoded[] = {
		ASK,
		HEARS("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n"),
		SKIPS(GAP_R, 6),
		HEARS("01234567890123"),
		ENDS(FREED),
		ENDS(END)};
	static const struct step chunks[] = {
		ASK, HEARS(CHUNK "5\r\nab"),	       SKIPS(GAP_R, 40), HEARS("ij\r\n3\r\nklm\r\n0\r\n\r\n"),
		ASK, HEARS("HTTP/1.1 204 No\r\n\r\n"), ENDS(FREED),	 ENDS(END)};

	(void)state;
	script_tails = true;
	script_check("by length", length,
		     "begin 1\nrequest 1 GET /:\nasked 1\nresponse 1 200: Content-Length=\"20\"\nbody 1\n"
		     "done 1 DONE gap read@51+2\n  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 59 body 20/12 \"abcd\" torn at 4 \"012345\"\n");
	script_check("encoded", encoded,
		     "begin 1\nrequest 1 GET /:\nasked 1\nresponse 1 200: Content-Encoding=\"gzip\" "
		     "Content-Length=\"20\"\ndone 1 DONE\n  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 83 body 20/0 \"\" torn at 0 \"\"\n");
	script_check(
		"by chunks", chunks,
		"begin 1\nrequest 1 GET /:\nasked 1\nresponse 1 200: Transfer-Encoding=\"chunked\"\nbody 1\n"
		"begin 2\nrequest 2 GET /:\nasked 2\ndone 1 DONE\n  req @0 wire 18 body 0/0 \"\"\n"
		"  res unkept @0 wire 109 body 59/19 \"ab\" torn at 2 \"ijklm\"\n"
		"response 2 204:\ndone 2 DONE\n  req @18 wire 18 body 0/0 \"\"\n"
		"  res @109 wire 19 body 0/0 \"\"\n");
	script_tails = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_taken_out),
		cmocka_unit_test(tails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
