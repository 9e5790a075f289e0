/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2: every kind of frame, in order and out of it. */
#include "play.h"

static struct play play;

static void ask(struct buf *b, uint32_t stream)
{
	h2_fields(b, 0, stream, H2_POST);
	h2_frame(b, H2_DATA, H2_END, stream, STR("{}"));
}

static void answer(struct buf *b, uint32_t stream, const char *data)
{
	h2_fields(b, 0, stream, H2_OK);
	h2_frame(b, H2_DATA, 0, stream, str_of(data));
	h2_frame(b, H2_DATA, H2_END, stream, STR(""));
}

static void an_exchange(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	h2_frame(w, H2_WINDOW, 0, 0, STR("\0\1\0\0"));
	h2_frame(w, H2_PRIORITY, 0, 3, STR("\0\0\0\0\20"));
	ask(w, 1);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR("\0\3\0\0\0\144"));
	h2_frame(r, H2_SETTINGS, H2_ACK, 0, STR(""));
	answer(r, 1, "data: hi\n\n");
	w = play_bytes(&play, W);
	h2_frame(w, H2_PING, 0, 0, STR("12345678"));
	h2_frame(w, H2_GOAWAY, 0, 0, STR("\0\0\0\0\0\0\0\0bye"));
	play_check(&play, "exchange",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "event 1 \"hi\"\n"
		   "done 1 DONE\n"
		   "  req @60 wire 104 body 2/2 \"{}\"\n"
		   "  res unkept @24 wire 82 body 10/10 \"\"\n"
		   "stray write 97\n"
		   "stray read 24\n");
}

static void many_at_once(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	ask(w, 1);
	h2_fields(w, 0, 3, H2_POST);
	ask(w, 5);
	h2_frame(w, H2_DATA, H2_END, 3, STR("[3]"));
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_fields(r, 0, 5, H2_OK);
	h2_fields(r, 0, 1, H2_OK);
	h2_frame(r, H2_DATA, H2_END, 5, STR("data: five\n\n"));
	h2_frame(r, H2_DATA, 0, 1, STR("data: o"));
	h2_fields(r, H2_END, 3, ":status=204");
	h2_frame(r, H2_DATA, H2_END, 1, STR("ne\n\n"));
	play_check(&play, "many at once",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "begin 2\n"
		   "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "begin 3\n"
		   "request 3 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 3\n"
		   "asked 2\n"
		   "response 3 200: content-type=\"text/event-stream\"\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 3\n"
		   "event 3 \"five\"\n"
		   "done 3 DONE\n"
		   "  req @230 wire 104 body 2/2 \"{}\"\n"
		   "  res unkept @9 wire 75 body 12/12 \"\"\n"
		   "body 1\n"
		   "response 2 204:\n"
		   "done 2 DONE\n"
		   "  req @137 wire 105 body 3/3 \"[3]\"\n"
		   "  res @154 wire 22 body 0/0 \"\"\n"
		   "event 1 \"one\"\n"
		   "done 1 DONE\n"
		   "  req @33 wire 104 body 2/2 \"{}\"\n"
		   "  res unkept @63 wire 83 body 11/11 \"\"\n"
		   "stray write 33\n"
		   "stray read 9\n");
}

static void heads_in_pieces(void **state)
{
	struct buf *w, *r, block;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	/* The table's entry (:authority h) is used by the second block. */
	h2_frame(w, H2_HEADERS, H2_END, 1, STR("\x82\x87"));
	h2_frame(w, H2_CONTINUATION, 0, 1, STR("\x84\x41"));
	h2_frame(w, H2_CONTINUATION, H2_ALL, 1, STR("\x01h"));
	h2_frame(w, H2_HEADERS, H2_END | H2_ALL | H2_PADDED | H2_PRIO, 3,
		 STR("\x03\x80\0\0\0\xff\x82\x87\x84\xbe\0\0\0"));
	r = play_bytes(&play, R);
	buf_init(&block, SIZE_MAX);
	h2_block(&block, 0, H2_OK);
	h2_frame(r, H2_HEADERS, 0, 1, STR(""));
	h2_frame(r, H2_CONTINUATION, H2_ALL, 1, buf_str(&block));
	h2_frame(r, H2_DATA, H2_END | H2_PADDED, 1,
		 STR("\x02"
		     "data: hi\n\n\0\0"));
	h2_fields(r, H2_END, 3, ":status=404");
	buf_fini(&block);
	play_check(&play, "in pieces",
		   "begin 1\n"
		   "request 1 GET /: host=\"h\"\n"
		   "asked 1\n"
		   "begin 2\n"
		   "request 2 GET /: host=\"h\"\n"
		   "asked 2\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "event 1 \"hi\"\n"
		   "done 1 DONE\n"
		   "  req @33 wire 33 body 0/0 \"\"\n"
		   "  res unkept @0 wire 85 body 10/10 \"\"\n"
		   "response 2 404:\n"
		   "done 2 DONE\n"
		   "  req @66 wire 22 body 0/0 \"\"\n"
		   "  res @85 wire 22 body 0/0 \"\"\n"
		   "stray write 33\n");
}

static void interim_answers_and_trailers(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	h2_fields(w, 0, 1, H2_POST);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_fields(r, 0, 1, ":status=100");
	h2_fields(r, 0, 1, ":status=103\nlink=x");
	w = play_bytes(&play, W);
	h2_frame(w, H2_DATA, 0, 1, STR("{}"));
	h2_fields(w, H2_END, 1, "checksum=1");
	r = play_bytes(&play, R);
	h2_fields(r, 0, 1, H2_OK);
	h2_frame(r, H2_DATA, 0, 1, STR("data: hi\n\n"));
	h2_fields(r, H2_END, 1, "grpc-status=0");
	play_check(&play, "interim, trailers",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "event 1 \"hi\"\n"
		   "done 1 DONE\n"
		   "  req @33 wire 125 body 2/2 \"{}\"\n"
		   "  res unkept @61 wire 149 body 10/10 \"\"\n"
		   "stray write 33\n"
		   "stray read 9\n");
}

static void streams_that_are_reset(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	ask(w, 1);
	h2_fields(w, 0, 3, H2_POST);
	ask(w, 5);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_fields(r, 0, 1, H2_OK);
	h2_frame(r, H2_DATA, 0, 1, STR("data: half"));
	h2_fields(r, H2_END, 3, ":status=413"); /* it does not want the rest */
	h2_frame(r, H2_RST, 0, 3, STR("\0\0\0\0"));
	h2_frame(r, H2_RST, 0, 5, STR("\0\0\0\7"));
	w = play_bytes(&play, W);
	h2_frame(w, H2_RST, 0, 1, STR("\0\0\0\x08"));
	h2_frame(w, H2_RST, 0, 99, STR("\0\0\0\x08")); /* nobody's */
	play_check(&play, "reset",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "begin 2\n"
		   "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "begin 3\n"
		   "request 3 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 3\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "asked 2 cut\n"
		   "response 2 413:\n"
		   "done 2 DONE\n"
		   "  req cut @137 wire 93 body 0/0 \"\"\n"
		   "  res @82 wire 35 body 0/0 \"\"\n"
		   "done 3 CLOSED REFUSED_STREAM\n"
		   "  req @230 wire 104 body 2/2 \"{}\"\n"
		   "done 1 CLOSED CANCEL\n"
		   "  req @33 wire 117 body 2/2 \"{}\"\n"
		   "  res cut unkept @9 wire 73 body 10/10 \"\"\n"
		   "stray write 46\n"
		   "stray read 9\n");
}

static void pushed_streams(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	ask(w, 1);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_frame(r, H2_PUSH, H2_ALL, 1, STR("\0\0\0\2\x82\x87\x84\x41\x01p"));
	answer(r, 1, "data: hi\n\n");
	h2_fields(r, H2_END, 2, ":status=200");
	play_check(&play, "pushed",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "event 1 \"hi\"\n"
		   "done 1 DONE\n"
		   "  req @33 wire 104 body 2/2 \"{}\"\n"
		   "  res unkept @28 wire 101 body 10/10 \"\"\n"
		   "begin 2 unasked\n"
		   "response 2 200:\n"
		   "done 2 DONE\n"
		   "  res @110 wire 22 body 0/0 \"\"\n"
		   "stray write 33\n"
		   "stray read 9\n");
}

/* Joined after the preface: the tables are not known, so that what is in them is marked; what is sent whole is read. */
/* The server takes no more: what it will not answer ends, what it still does goes on. */
static void server_that_goes_away(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	ask(w, 1);
	ask(w, 3);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_frame(r, H2_GOAWAY, 0, 0, STR("\0\0\0\1\0\0\0\xb"));
	answer(r, 1, "data: hi\n\n");
	play_check(&play, "goaway",
		   "begin 1\n"
		   "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 1\n"
		   "begin 2\n"
		   "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
		   "asked 2\n"
		   "done 2 CLOSED ENHANCE_YOUR_CALM\n"
		   "  req @137 wire 104 body 2/2 \"{}\"\n"
		   "response 1 200: content-type=\"text/event-stream\"\n"
		   "body 1\n"
		   "event 1 \"hi\"\n"
		   "done 1 DONE\n"
		   "  req @33 wire 104 body 2/2 \"{}\"\n"
		   "  res unkept @26 wire 82 body 10/10 \"\"\n"
		   "stray write 33\n"
		   "stray read 26\n");
}

static void joined_in_mid_connection(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_frame(w, H2_HEADERS, H2_ALL, 7,
		 STR("\x83\x87\xbe\xbf\x44\x02/p\x5f\x10"
		     "application/json"));
	h2_frame(w, H2_DATA, H2_END, 7, STR("{}"));
	r = play_bytes(&play, R);
	h2_frame(r, H2_HEADERS, H2_ALL, 7,
		 STR("\x88\xc0\x5f\x11"
		     "text/event-stream"));
	h2_frame(r, H2_DATA, H2_END, 7, STR("data: hi\n\n"));
	w = play_bytes(&play, W);
	/* :path and content-type are in the table by now. */
	h2_frame(w, H2_HEADERS, H2_ALL | H2_END, 9, STR("\x83\x87\xbf\xbe"));
	r = play_bytes(&play, R);
	h2_frame(r, H2_HEADERS, H2_ALL, 9, STR("\x88\xbe"));
	h2_frame(r, H2_DATA, H2_END, 9, STR("data: two\n\n"));
	(void)play_bytes(&play, FREED);
	play_run(&play, "joined", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 POST /p: content-type=\"application/json\"\n"
		 "asked 1\n"
		 "response 1 200: content-type=\"text/event-stream\"\n"
		 "body 1\n"
		 "event 1 \"hi\"\n"
		 "done 1 DONE\n"
		 "  req @0 wire 46 body 2/2 \"{}\"\n"
		 "  res unkept @0 wire 49 body 10/10 \"\"\n"
		 "begin 2\n"
		 "request 2 POST /p: content-type=\"application/json\"\n"
		 "asked 2\n"
		 "response 2 200: content-type=\"text/event-stream\"\n"
		 "body 2\n"
		 "event 2 \"two\"\n"
		 "done 2 DONE\n"
		 "  req @46 wire 13 body 0/0 \"\"\n"
		 "  res unkept @49 wire 31 body 11/11 \"\"\n");
}

static void gaps(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	ask(w, 1);
	ask(w, 3);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_fields(r, 0, 1, H2_OK);
	h2_fields(r, 0, 3, H2_OK);
	h2_head(r, 40, H2_DATA, 0, 1);
	buf_add(r, STR("data: a\n\nda")); /* 11, then 18 are missing, then 11 */
	play_gap(&play, GAP_R, 18);
	r = play_bytes(&play, R);
	buf_add(r, STR("x\n\ndata: b\n"));
	h2_frame(r, H2_DATA, H2_END, 1, STR("\ndata: c\n\n"));
	h2_frame(r, H2_DATA, 0, 3, STR("data: 3\n\n"));
	play_gap(&play, GAP_R, 100); /* whose, nobody knows */
	r = play_bytes(&play, R);
	h2_frame(r, H2_DATA, H2_END, 3, STR("data: 4\n\n"));
	w = play_bytes(&play, W);
	ask(w, 5);
	r = play_bytes(&play, R);
	answer(r, 5, "data: five\n\n");
	(void)play_bytes(&play, FREED);
	play_run(&play, "gaps", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		 "asked 1\n"
		 "begin 2\n"
		 "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
		 "asked 2\n"
		 "response 1 200: content-type=\"text/event-stream\"\n"
		 "response 2 200: content-type=\"text/event-stream\"\n"
		 "body 1\n"
		 "event 1 \"a\"\n"
		 "event 1 \"b\"\n"
		 "event 1 \"c\"\n"
		 "done 1 DONE gap read@137+18\n"
		 "  req @33 wire 104 body 2/2 \"{}\"\n"
		 "  res unkept @9 wire 104 body 50/32 \"\"\n"
		 "body 2\n"
		 "event 2 \"3\"\n"
		 "done 2 LOST gap read@203+100\n"
		 "  req @137 wire 104 body 2/2 \"{}\"\n"
		 "  res cut unkept @63 wire 72 body 9/9 \"\"\n"
		 "begin 3\n"
		 "request 3 POST /p: host=\"h\" content-type=\"application/json\"\n"
		 "asked 3\n"
		 "response 3 200: content-type=\"text/event-stream\"\n"
		 "body 3\n"
		 "event 3 \"five\"\n"
		 "done 3 DONE\n"
		 "  req @241 wire 104 body 2/2 \"{}\"\n"
		 "  res unkept @321 wire 84 body 12/12 \"\"\n"
		 "stray write 33\n"
		 "stray read 27\n");
}

static void a_gap_in_the_requests(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	h2_fields(w, 0, 1, H2_POST);
	h2_head(w, 10, H2_DATA, 0, 1);
	play_gap(&play, GAP_W, 60);
	w = play_bytes(&play, W);
	h2_frame(w, H2_PING, 0, 0, STR("12345678"));
	ask(w, 3);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	answer(r, 1, "data: one\n\n");
	answer(r, 3, "data: three\n\n");
	(void)play_bytes(&play, FREED);
	play_run(&play, "gap in requests", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 POST /p: host=\"h\" content-type=\"application/json\"\n"
		 "begin 2\n"
		 "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
		 "asked 2\n"
		 "asked 1 cut\n"
		 "response 1 200: content-type=\"text/event-stream\"\n"
		 "body 1\n"
		 "event 1 \"one\"\n"
		 "done 1 LOST gap write@135+60\n"
		 "  req cut unkept @33 wire 102 body 0/0 \"\"\n"
		 "  res unkept @9 wire 83 body 11/11 \"\"\n"
		 "response 2 200: content-type=\"text/event-stream\"\n"
		 "body 2\n"
		 "event 2 \"three\"\n"
		 "done 2 DONE\n"
		 "  req @212 wire 104 body 2/2 \"{}\"\n"
		 "  res unkept @92 wire 85 body 13/13 \"\"\n"
		 "stray write 50\n"
		 "stray read 9\n");
}

/* A head that cannot be read is marked; what stands after it in other streams is still found. */
static void hostile_heads(void **state)
{
	struct buf *w, *r;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	h2_frame(w, H2_HEADERS, H2_ALL | H2_END, 1, STR("\xff\xff\xff\xff\xff\xff\xff")); /* no such index */
	h2_frame(w, H2_HEADERS, H2_ALL | H2_END | H2_PADDED, 3, STR("\xff\x82")); /* pads more than it has */
	h2_frame(w, H2_CONTINUATION, H2_ALL, 5, STR("\x82"));			  /* of nothing */
	h2_frame(w, H2_HEADERS, H2_ALL | H2_END, 7, STR(""));
	h2_fields(w, H2_END, 9, ":method=GET\n:path=/x\nsmuggled=a\rb");
	h2_fields(w, H2_END, 11, ":method=GET\n:path=/ok");
	h2_frame(w, 0x77, 0xff, 13, STR("unknown"));
	h2_frame(w, H2_DATA, H2_PADDED | H2_END, 15, STR("\xff"));
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR(""));
	h2_fields(r, H2_END, 11, ":status=two");
	h2_fields(r, H2_END, 9, ":status=200");
	play_check(&play, "hostile heads",
		   "begin 1\n"
		   "request 1  :\n"
		   "asked 1\n"
		   "begin 2\n"
		   "request 2  :\n"
		   "asked 2\n"
		   "begin 3\n"
		   "request 3  :\n"
		   "asked 3\n"
		   "begin 4\n"
		   "request 4 GET /x:\n"
		   "asked 4\n"
		   "begin 5\n"
		   "request 5 GET /ok:\n"
		   "asked 5\n"
		   "response 5 0:\n"
		   "done 5 DONE\n"
		   "  req @125 wire 33 body 0/0 \"\"\n"
		   "  res @9 wire 22 body 0/0 \"\"\n"
		   "response 4 200:\n"
		   "done 4 DONE broken write@79 header block cannot be read\n"
		   "  req @79 wire 46 body 0/0 \"\"\n"
		   "  res @31 wire 22 body 0/0 \"\"\n"
		   "done 1 CLOSED broken write@33 header block cannot be read\n"
		   "  req @33 wire 16 body 0/0 \"\"\n"
		   "done 2 CLOSED broken write@49 header block cannot be read\n"
		   "  req @49 wire 11 body 0/0 \"\"\n"
		   "done 3 CLOSED\n"
		   "  req @70 wire 9 body 0/0 \"\"\n"
		   "stray write 69\n"
		   "stray read 9\n");
}

/* 40 bytes on the wire that mean megabytes: each index stands for a field of 4,000. */
static void header_bombs(void **state)
{
	struct buf *w, block;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	buf_init(&block, SIZE_MAX);
	buf_add(&block, STR("\x82\x84\x40\x01x\x7f\xa1\x1e")); /* x: 4,000 bytes, into the table */
	for (int i = 0; i < 4000; i++)
		buf_add_char(&block, 'a');
	for (int i = 0; i < 12000; i++)
		buf_add_char(&block, (char)0xbe);
	h2_frame(w, H2_HEADERS, H2_ALL | H2_END, 1, buf_str(&block));
	h2_fields(w, H2_END, 3, ":method=GET\n:path=/after");
	buf_fini(&block);
	(void)play_bytes(&play, FREED);
	play_run(&play, "bomb", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 GET /:\n"
		 "asked 1\n"
		 "begin 2\n"
		 "request 2 GET /after:\n"
		 "asked 2\n"
		 "done 1 CLOSED broken write@33 header block cannot be read\n"
		 "  req @33 wire 16017 body 0/0 \"\"\n"
		 "done 2 CLOSED\n"
		 "  req @16050 wire 36 body 0/0 \"\"\n"
		 "stray write 33\n");

	/* A block without end. */
	w = play_bytes(&play, W);
	h2_preface(w);
	h2_frame(w, H2_HEADERS, 0, 1, STR("\x82\x84"));
	buf_init(&block, SIZE_MAX);
	h2_field(&block, 0, STR("y"), STR("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"));
	for (int i = 0; i < 3000; i++)
		h2_frame(w, H2_CONTINUATION, 0, 1, buf_str(&block));
	h2_frame(w, H2_CONTINUATION, H2_ALL, 1, STR(""));
	h2_fields(w, H2_END, 3, ":method=GET\n:path=/after");
	buf_fini(&block);
	(void)play_bytes(&play, FREED);
	play_run(&play, "endless block", PLAY_ONCE,
		 "begin 1\n"
		 "request 1  :\n"
		 "begin 2\n"
		 "request 2 GET /after:\n"
		 "asked 2\n"
		 "asked 1 cut\n"
		 "done 1 CLOSED broken write@33 header block cannot be read\n"
		 "  req cut @33 wire 204020 body 0/0 \"\"\n"
		 "done 2 CLOSED\n"
		 "  req @204053 wire 36 body 0/0 \"\"\n"
		 "stray write 33\n");
}

/* More streams than are kept: the rest is counted, not kept. */
static void too_many_streams(void **state)
{
	struct http *h;
	struct script *t;
	size_t begun = 0;
	struct buf *w;

	(void)state;
	w = play_bytes(&play, W);
	h2_preface(w);
	for (uint32_t i = 0; i < 1100; i++)
		h2_frame(w, H2_HEADERS, H2_ALL | H2_END, 1 + 2 * i, STR(H2_GET));
	play.steps[0].data = buf_str(w);
	play.steps[1].kind = FREED;
	script_steps = play.steps;
	script_swept = END;
	t = script_start();
	h = t->http;
	assert_non_null(h);
	script_run(t);
	for (struct str rest = buf_str(&t->out); rest.n > 0;) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		begun += str_starts(line, STR("begin "));
	}
	assert_int_equal(begun, 1000);
	assert_true(t->stray[WIRE_WRITE] > 100 * (9 + 6 - 2));
	script_stop(t);
	buf_fini(w);
	play = (struct play){0};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(heads_in_pieces),
		cmocka_unit_test(interim_answers_and_trailers),
		cmocka_unit_test(streams_that_are_reset),
		cmocka_unit_test(pushed_streams),
		cmocka_unit_test(server_that_goes_away),
		cmocka_unit_test(joined_in_mid_connection),
		cmocka_unit_test(gaps),
		cmocka_unit_test(a_gap_in_the_requests),
		cmocka_unit_test(hostile_heads),
		cmocka_unit_test(header_bombs),
		cmocka_unit_test(too_many_streams),
	};

	return cmocka_run_group_tests_name("http h2", tests, NULL, NULL);
}
