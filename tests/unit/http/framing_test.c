/* SPDX-License-Identifier: BSD-2-Clause */
#include "script.h"

#define POST_HEAD                                                                                      \
	"POST /v1/chat HTTP/1.1\r\nHost: a\r\ncontent-type: Application/JSON; x=y\r\nContent-Length: " \
	"8\r\n\r\n"
#define GET	  "GET /g HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK_CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OK_EMPTY  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void keep_alive(void **state)
{
	static const struct step steps[] = {
		SAYS(POST_HEAD),
		SAYS("{\"a\": 1}"),
		HEARS("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n"),
		HEARS("[1,2]"),
		SAYS("\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
		HEARS("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_times = true;
	script_check("keep-alive", steps,
		     "begin 1\n"
		     "request 1 POST /v1/chat: Host=\"a\" content-type=\"Application/JSON; x=y\" "
		     "Content-Length=\"8\"\n"
		     "asked 1\n"
		     "response 1 200: content-type=\"application/json\" content-length=\"5\"\n"
		     "body 1 450\n"
		     "done 1 DONE\n"
		     "  req @0 wire 99 body 8/8 100-150-250 \"{\"a\": 1}\"\n"
		     "  res @0 wire 75 body 5/5 300-350-450 \"[1,2]\"\n"
		     "begin 2\n"
		     "request 2 GET /b: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 404: content-length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @101 wire 28 body 0/0 500-550-550 \"\"\n"
		     "  res @75 wire 45 body 0/0 600-650-650 \"\"\n"
		     "stray write 2\n");
	script_times = false;
}

static void server_side(void **state)
{
	static const struct step steps[] = {
		HEARS(POST_HEAD "{\"a\": 1}"),
		SAYS("HTTP/1.0 201 \r\n\r\nuntil the end"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("server side, until close", steps,
		     "begin 1 server\n"
		     "request 1 POST /v1/chat: Host=\"a\" content-type=\"Application/JSON; x=y\" "
		     "Content-Length=\"8\"\n"
		     "asked 1\n"
		     "response 1 201:\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 99 body 8/8 \"{\"a\": 1}\"\n"
		     "  res @0 wire 30 body 13/13 \"until the end\"\n");
}

static void chunks(void **state)
{
	static const struct step steps[] = {
		SAYS("POST /c HTTP/1.1\r\ntransfer-encoding: "
		     "Chunked\r\n\r\n3\r\nabc\r\n00000002;x=\"y;\"\r\nde\r\n0\r\n\r\n"),
		HEARS(OK_CHUNKS "A \r\n0123456789\r\n1\n!\n0\r\nTrailer: x\r\nMore: y\r\n\r\n"),
		SAYS(GET),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("chunks", steps,
		     "begin 1\n"
		     "request 1 POST /c: transfer-encoding=\"Chunked\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 82 body 5/5 \"abcde\"\n"
		     "  res @0 wire 93 body 11/11 \"0123456789!\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @82 wire 28 body 0/0 \"\"\n"
		     "  res @93 wire 38 body 0/0 \"\"\n");
}

static void bad_chunks_letters(void **state)
{
	static const struct step steps[] = {SAYS(GET),	 HEARS(OK_CHUNKS "3\r\nabc\r\nxyz\r\n"),
					    SAYS(GET),	 HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("chunk size of letters", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 LOST broken read@55 bad chunk size\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 55 body 3/3 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @60 wire 38 body 0/0 \"\"\n"
		     "stray read 5\n");
}

static void bad_chunks_no_end(void **state)
{
	static const struct step steps[] = {SAYS(GET),	 HEARS(OK_CHUNKS "3\r\nabcd\r\n"),
					    SAYS(GET),	 HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("no line end after a chunk", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 LOST broken read@53 no line end after a chunk\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 53 body 3/3 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @56 wire 38 body 0/0 \"\"\n"
		     "stray read 3\n");
}

static void bad_chunks_huge(void **state)
{
	static const struct step steps[] = {SAYS(GET),	 HEARS(OK_CHUNKS "7fffffffffffffff\r\nabcd"),
					    SAYS(GET),	 HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("chunk of 2^63-1", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "done 1 LOST broken read@59 chunk size beyond reason\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 59 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @69 wire 38 body 0/0 \"\"\n"
		     "stray read 10\n");
}

static void bad_chunks_negative(void **state)
{
	static const struct step steps[] = {
		SAYS("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
		HEARS("HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno"), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("negative chunk in a request", steps,
		     "begin 1\n"
		     "request 1 POST /: Transfer-Encoding=\"chunked\"\n"
		     "asked 1 cut\n"
		     "response 1 400: Content-Length=\"2\"\n"
		     "body 1\n"
		     "done 1 LOST broken write@47 bad chunk size\n"
		     "  req cut unkept @0 wire 47 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 2/2 \"no\"\n"
		     "stray write 4\n");
}

static void bad_chunks_cr(void **state)
{
	static const struct step steps[] = {SAYS(GET), HEARS(OK_CHUNKS "3\rabc"), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("CR in a chunk size", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "done 1 LOST broken read@49 CR without LF after a chunk size\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 49 body 0/0 \"\"\n"
		     "stray read 3\n");
}

static void smuggling_both(void **state)
{
	static const struct step steps[] = {
		SAYS("POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: "
		     "chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
		HEARS(OK_EMPTY),
		SAYS(GET),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("length and chunks", steps,
		     "begin 1\n"
		     "request 1 POST /: Content-Length=\"4\" Transfer-Encoding=\"chunked\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@36 both Content-Length and Transfer-Encoding\n"
		     "  req @0 wire 81 body 5/5 \"abcde\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @81 wire 28 body 0/0 \"\"\n"
		     "  res @38 wire 38 body 0/0 \"\"\n");
}

static void smuggling_twice(void **state)
{
	static const struct step steps[] = {
		SAYS("POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde" GET),
		HEARS(OK_EMPTY),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("two lengths", steps,
		     "begin 1\n"
		     "request 1 POST /: Content-Length=\"4\" Content-Length=\"5\"\n"
		     "asked 1 cut\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 LOST broken write@36 Content-Length given twice\n"
		     "  req cut unkept @0 wire 57 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @62 wire 28 body 0/0 \"\"\n"
		     "  res @38 wire 38 body 0/0 \"\"\n"
		     "stray write 5\n");
}

static void smuggling_same(void **state)
{
	static const struct step steps[] = {
		SAYS("POST / HTTP/1.1\r\nContent-Length: 4, 4\r\ncontent-length: 4\r\n\r\nabcd"),
		HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("one length thrice", steps,
		     "begin 1\n"
		     "request 1 POST /: Content-Length=\"4, 4\" content-length=\"4\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 64 body 4/4 \"abcd\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void smuggling_obscured(void **state)
{
	static const struct step steps[] = {
		SAYS("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc"),
		HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("obscured coding", steps,
		     "begin 1\n"
		     "request 1 POST /: Transfer-Encoding=\"xchunked\" Content-Length=\"3\"\n"
		     "asked 1 cut\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 LOST broken write@17 transfer coding not known\n"
		     "  req cut unkept @0 wire 67 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n"
		     "stray write 3\n");
}

static void smuggling_spaced(void **state)
{
	static const struct step steps[] = {SAYS("POST / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"),
					    HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("space before colon", steps,
		     "begin 1\n"
		     "request 1 POST /: Content-Length=\"3\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@17 bad field name\n"
		     "  req @0 wire 42 body 3/3 \"abc\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void smuggling_huge(void **state)
{
	static const struct step steps[] = {
		SAYS(GET),   HEARS("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nabc"),
		SAYS(GET),   HEARS(OK_EMPTY),
		ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("length of 2^63-1", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"9223372036854775807\"\n"
		     "done 1 LOST broken read@17 bad Content-Length\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 56 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @59 wire 38 body 0/0 \"\"\n"
		     "stray read 3\n");
}

static void smuggling_overflow(void **state)
{
	static const struct step steps[] = {
		SAYS(GET), HEARS("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc"),
		ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("length beyond 64 bits", steps,
		     "begin 1\n"
		     "request 1 GET /g: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"99999999999999999999\"\n"
		     "done 1 LOST broken read@17 bad Content-Length\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 57 body 0/0 \"\"\n"
		     "stray read 3\n");
}

static void no_body(void **state)
{
	static const struct step steps[] = {
		SAYS("HEAD /h HTTP/1.1\r\n\r\n"),
		HEARS("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Encoding: gzip\r\n\r\n"),
		SAYS(GET),
		HEARS("HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n"),
		SAYS(GET),
		HEARS("HTTP/1.1 204 No Content\r\n\r\n"),
		SAYS(GET),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("no bodies", steps,
		     "begin 1\n"
		     "request 1 HEAD /h:\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"1234\" Content-Encoding=\"gzip\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 20 body 0/0 \"\"\n"
		     "  res @0 wire 65 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 304: Content-Length=\"1234\"\n"
		     "done 2 DONE\n"
		     "  req @20 wire 28 body 0/0 \"\"\n"
		     "  res @65 wire 51 body 0/0 \"\"\n"
		     "begin 3\n"
		     "request 3 GET /g: Host=\"a\"\n"
		     "asked 3\n"
		     "response 3 204:\n"
		     "done 3 DONE\n"
		     "  req @48 wire 28 body 0/0 \"\"\n"
		     "  res @116 wire 27 body 0/0 \"\"\n"
		     "begin 4\n"
		     "request 4 GET /g: Host=\"a\"\n"
		     "asked 4\n"
		     "response 4 200: Content-Length=\"0\"\n"
		     "done 4 DONE\n"
		     "  req @76 wire 28 body 0/0 \"\"\n"
		     "  res @143 wire 38 body 0/0 \"\"\n");
}

static void interim(void **state)
{
	static const struct step steps[] = {
		SAYS("PUT /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
		HEARS("HTTP/1.1 100 Continue\r\n\r\n"),
		SAYS("abc"),
		HEARS("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
		      "1\r\n\r\nz"),
		ENDS(FREED),
		ENDS(END),
	};
	static const struct step early[] = {
		SAYS("POST /e HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc"),
		HEARS("HTTP/1.1 413 Too Large\r\nContent-Length: 1\r\n\r\nz"),
		SAYS("def"),
		SAYS(GET),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};
	static const struct step given_up[] = {
		SAYS("POST /e HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc"),
		HEARS("HTTP/1.1 413 Too Large\r\nContent-Length: 1\r\n\r\nz"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("interim responses", steps,
		     "begin 1\n"
		     "request 1 PUT /e: Expect=\"100-continue\" Content-Length=\"3\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"1\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 63 body 3/3 \"abc\"\n"
		     "  res @0 wire 101 body 1/1 \"z\"\n");
	script_check("early response", early,
		     "begin 1\n"
		     "request 1 POST /e: Content-Length=\"6\"\n"
		     "asked 1 cut\n"
		     "response 1 413: Content-Length=\"1\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 45 body 6/6 \"abcdef\"\n"
		     "  res @0 wire 46 body 1/1 \"z\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @45 wire 28 body 0/0 \"\"\n"
		     "  res @46 wire 38 body 0/0 \"\"\n");
	script_check("early response, request given up", given_up,
		     "begin 1\n"
		     "request 1 POST /e: Content-Length=\"6\"\n"
		     "asked 1 cut\n"
		     "response 1 413: Content-Length=\"1\"\n"
		     "body 1\n"
		     "done 1 CLOSED\n"
		     "  req cut @0 wire 42 body 3/3 \"abc\"\n"
		     "  res @0 wire 46 body 1/1 \"z\"\n");
}

static void upgrade_websocket(void **state)
{
	static const struct step steps[] = {
		SAYS("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
		HEARS("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"),
		SAYS("\x81\x82\x01\x02\x03\x04ik"),
		HEARS("\x89\x01p\x82\x03\x01\x02\x03"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("websocket", steps,
		     "begin 1\n"
		     "request 1 GET /ws: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		     "asked 1\n"
		     "response 1 101: Upgrade=\"websocket\"\n"
		     "message 1 read text @56 wire 4 \"hi\"\n"
		     "message 1 write text @61 wire 8 \"hi\"\n"
		     "message 1 read binary @63 wire 5 \"\\x01\\x02\\x03\"\n"
		     "done 1 UPGRADED\n"
		     "  req @0 wire 69 body 8/0 \"\"\n"
		     "  res @0 wire 68 body 12/0 \"\"\n");
}

static void upgrade_connect(void **state)
{
	static const struct step steps[] = {
		SAYS("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
		HEARS("HTTP/1.1 200 Connection established\r\n\r\n"),
		SAYS("\x16\x03\x01"),
		HEARS("\x16\x03\x03"),
		LOSES(GAP_R, 5),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("connect", steps,
		     "begin 1\n"
		     "request 1 CONNECT h:443: Host=\"h\"\n"
		     "asked 1\n"
		     "response 1 200:\n"
		     "done 1 UPGRADED\n"
		     "  req @0 wire 35 body 0/0 \"\"\n"
		     "  res @0 wire 39 body 0/0 \"\"\n"
		     "stray gap read@42+5\n"
		     "stray write 3\n"
		     "stray read 3\n");
}

static void upgrade_refused(void **state)
{
	static const struct step steps[] = {
		SAYS("CONNECT h:443 HTTP/1.1\r\n\r\n"),
		HEARS("HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno"),
		SAYS(GET),
		HEARS(OK_EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("connect refused", steps,
		     "begin 1\n"
		     "request 1 CONNECT h:443:\n"
		     "asked 1\n"
		     "response 1 407: Content-Length=\"2\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 26 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 2/2 \"no\"\n"
		     "begin 2\n"
		     "request 2 GET /g: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @26 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 38 body 0/0 \"\"\n");
}

static void upgrade_http2(void **state)
{
	static const struct step steps[] = {SAYS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x01\x02"),
					    HEARS("\x03\x04" OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("HTTP/2", steps,
		     "stray write 26\n"
		     "stray read 40\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keep_alive),
		cmocka_unit_test(server_side),
		cmocka_unit_test(chunks),
		cmocka_unit_test(bad_chunks_letters),
		cmocka_unit_test(bad_chunks_no_end),
		cmocka_unit_test(bad_chunks_huge),
		cmocka_unit_test(bad_chunks_negative),
		cmocka_unit_test(bad_chunks_cr),
		cmocka_unit_test(smuggling_both),
		cmocka_unit_test(smuggling_twice),
		cmocka_unit_test(smuggling_same),
		cmocka_unit_test(smuggling_obscured),
		cmocka_unit_test(smuggling_spaced),
		cmocka_unit_test(smuggling_huge),
		cmocka_unit_test(smuggling_overflow),
		cmocka_unit_test(no_body),
		cmocka_unit_test(interim),
		cmocka_unit_test(upgrade_websocket),
		cmocka_unit_test(upgrade_connect),
		cmocka_unit_test(upgrade_refused),
		cmocka_unit_test(upgrade_http2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
