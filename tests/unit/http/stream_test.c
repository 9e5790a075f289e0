/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSockets on streams of HTTP/2 (RFC 8441), beside other streams. */
#include "play.h"

#include <zlib.h>

#define TEXT 0x81
#define ASKS                                                                                       \
	":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=h\n:path=/v1/responses\n" \
	"sec-websocket-version=13"

static struct play play;

static void data(struct buf *b, uint32_t stream, int flags, bool masked, const char *text)
{
	struct buf frame;

	buf_init(&frame, SIZE_MAX);
	ws_frame(&frame, TEXT, masked, str_of(text));
	h2_frame(b, H2_DATA, flags, stream, buf_str(&frame));
	buf_fini(&frame);
}

/* Stream 1 is a WebSocket; another exchange has gone before its answer. */
static void opened(const char *fields)
{
	struct buf *w = play_bytes(&play, W), *r;

	h2_preface(w);
	h2_fields(w, 0, 1, ASKS);
	r = play_bytes(&play, R);
	h2_frame(r, H2_SETTINGS, 0, 0, STR("\0\10\0\0\0\1"));
	h2_fields(r, 0, 1, fields);
}

#define OPENED                                                                       \
	"begin 1\n"                                                                  \
	"request 1 CONNECT /v1/responses: host=\"h\" sec-websocket-version=\"13\"\n" \
	"asked 1 cut\n"                                                              \
	"response 1 200:\n"

static void messages(void **state)
{
	struct buf *w, *r, frame;

	(void)state;
	opened(":status=200");
	w = play_bytes(&play, W);
	buf_init(&frame, SIZE_MAX);
	ws_frame(&frame, TEXT, true, STR("in two frames"));
	h2_frame(w, H2_DATA, 0, 1, str_head(buf_str(&frame), 5)); /* even its head is */
	h2_fields(w, 0, 3, H2_POST);
	h2_frame(w, H2_DATA, H2_END, 3, STR("{}"));
	h2_frame(w, H2_DATA, H2_PADDED, 1, STR("\3\0\0\0"));
	h2_frame(w, H2_DATA, 0, 1, str_skip(buf_str(&frame), 5));
	buf_fini(&frame);
	r = play_bytes(&play, R);
	h2_frame(r, H2_DATA, 0, 1,
		 STR("\x01\x02he\x89\x01p\x80\x03llo"
		     "\x82\x02\1\2"));
	h2_fields(r, H2_END, 3, ":status=204");
	data(play_bytes(&play, W), 1, H2_END, true, "bye");
	h2_frame(play_bytes(&play, R), H2_DATA, H2_END, 1, STR("\x88\x02\x03\xe8"));
	play_check(&play, "messages",
		   OPENED "begin 2\n"
			  "request 2 POST /p: host=\"h\" content-type=\"application/json\"\n"
			  "asked 2\n"
			  "message 1 write text @165 wire 19 \"in two frames\"\n"
			  "message 1 read text @46 wire 9 \"hello\"\n"
			  "message 1 read binary @58 wire 4 \"\\x01\\x02\"\n"
			  "response 2 204:\n"
			  "done 2 DONE\n"
			  "  req @170 wire 104 body 2/2 \"{}\"\n"
			  "  res @62 wire 22 body 0/0 \"\"\n"
			  "message 1 write text @319 wire 9 \"bye\"\n"
			  "done 1 UPGRADED\n"
			  "  req @33 wire 191 body 28/0 \"\"\n"
			  "  res @15 wire 60 body 20/0 \"\"\n"
			  "stray write 33\n"
			  "stray read 15\n");
}

static void packed(void **state)
{
	Bytef text[2][64];
	struct buf *r;
	z_stream z = {0};

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	opened(":status=200\nsec-websocket-extensions=permessage-deflate");
	r = play_bytes(&play, R);
	for (int i = 0; i < 2; i++) { /* the second one is a reference to the first */
		struct buf frame;

		z.next_in = (Bytef *)"{\"type\":\"response.created\"}";
		z.avail_in = 27;
		z.next_out = text[i];
		z.avail_out = sizeof(text[i]);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		buf_init(&frame, SIZE_MAX);
		ws_frame(&frame, 0xc1, false, str_make(text[i], sizeof(text[i]) - z.avail_out - 4));
		h2_frame(r, H2_DATA, 0, 1, buf_str(&frame));
		buf_fini(&frame);
	}
	deflateEnd(&z);
	play_check(&play, "packed",
		   "begin 1\n"
		   "request 1 CONNECT /v1/responses: host=\"h\" sec-websocket-version=\"13\"\n"
		   "asked 1 cut\n"
		   "response 1 200: sec-websocket-extensions=\"permessage-deflate\"\n"
		   "message 1 read text @91 wire 31 \"{\"type\":\"response.created\"}\"\n"
		   "message 1 read text @131 wire 7 \"{\"type\":\"response.created\"}\"\n"
		   "done 1 UPGRADED\n"
		   "  req cut @33 wire 123 body 0/0 \"\"\n"
		   "  res cut @15 wire 123 body 38/0 \"\"\n"
		   "stray write 33\n"
		   "stray read 15\n");
}

static void none(void **state)
{
	struct buf *w, *r;

	(void)state;
	/* Refused; another protocol; not asked by CONNECT. */
	opened(":status=403\ncontent-type=application/json");
	w = play_bytes(&play, W);
	h2_frame(w, H2_DATA, H2_END, 1, STR(""));
	h2_fields(w, H2_END, 3, ":method=CONNECT\n:protocol=connect-udp\n:path=/u\n:authority=h");
	h2_fields(w, H2_END, 5, ":method=GET\n:protocol=websocket\n:path=/g\n:authority=h");
	r = play_bytes(&play, R);
	h2_frame(r, H2_DATA, H2_END, 1, STR("{}"));
	for (uint32_t stream = 3; stream <= 5; stream += 2) {
		h2_fields(r, 0, stream, ":status=200\ncontent-type=application/json");
		h2_frame(r, H2_DATA, H2_END, stream, STR("\x81\x02{}"));
	}
	play_check(&play, "none",
		   "begin 1\n"
		   "request 1 CONNECT /v1/responses: host=\"h\" sec-websocket-version=\"13\"\n"
		   "asked 1 cut\n"
		   "response 1 403: content-type=\"application/json\"\n"
		   "begin 2\n"
		   "request 2 CONNECT /u: host=\"h\"\n"
		   "asked 2\n"
		   "begin 3\n"
		   "request 3 GET /g: host=\"h\"\n"
		   "asked 3\n"
		   "body 1\n"
		   "done 1 DONE\n"
		   "  req @33 wire 132 body 0/0 \"\"\n"
		   "  res @15 wire 64 body 2/2 \"{}\"\n"
		   "response 2 200: content-type=\"application/json\"\n"
		   "body 2\n"
		   "done 2 DONE\n"
		   "  req @165 wire 73 body 0/0 \"\"\n"
		   "  res @79 wire 66 body 4/4 \"\\x81\\x02{}\"\n"
		   "response 3 200: content-type=\"application/json\"\n"
		   "body 3\n"
		   "done 3 DONE\n"
		   "  req @238 wire 67 body 0/0 \"\"\n"
		   "  res @145 wire 66 body 4/4 \"\\x81\\x02{}\"\n"
		   "stray write 33\n"
		   "stray read 15\n");
}

static void bytes_are_missing(void **state)
{
	struct buf *r;

	(void)state;
	opened(":status=200");
	r = play_bytes(&play, R);
	h2_head(r, 12, H2_DATA, 0, 1); /* a message of ten, of which four are not here */
	buf_add(r, STR("\x81\x0a"
		       "abc"));
	play_gap(&play, GAP_R, 4);
	r = play_bytes(&play, R);
	buf_add(r, STR("hij"));
	data(r, 1, 0, false, "whole");
	h2_head(r, 30, H2_DATA, 0, 1); /* and one whose end nobody knows */
	buf_add(r, STR("\x81\x1c"
		       "abc"));
	play_gap(&play, GAP_R, 4000);
	r = play_bytes(&play, R);
	data(r, 1, 0, false, "again");
	data(r, 1, H2_END, false, "last");
	h2_frame(play_bytes(&play, W), H2_DATA, H2_END, 1, STR(""));
	(void)play_bytes(&play, FREED);
	play_run(&play, "gaps", PLAY_ONCE,
		 OPENED "message 1 read text cut @46 wire 12 \"abc\"\n"
			"message 1 read text @67 wire 7 \"whole\"\n"
			"message 1 read text @4097 wire 7 \"again\"\n"
			"message 1 read text @4113 wire 6 \"last\"\n"
			"done 1 UPGRADED gap read@51+4 gap read@88+4000\n"
			"  req @33 wire 132 body 0/0 \"\"\n"
			"  res @15 wire 100 body 33/0 \"\"\n"
			"stray write 33\n"
			"stray read 15\n");
}

static void given_up(void **state)
{
	struct buf *r;

	(void)state;
	opened(":status=200");
	r = play_bytes(&play, R);
	data(r, 1, 0, false, "hi");
	h2_frame(r, H2_RST, 0, 1, STR("\0\0\0\10"));
	data(r, 1, 0, false, "nobody's");
	play_check(&play, "given up",
		   OPENED "message 1 read text @46 wire 4 \"hi\"\n"
			  "done 1 CLOSED CANCEL\n"
			  "  req cut @33 wire 123 body 0/0 \"\"\n"
			  "  res cut @15 wire 48 body 4/0 \"\"\n"
			  "stray write 33\n"
			  "stray read 34\n");
}

static void broken_frames(void **state)
{
	struct buf *r;

	(void)state;
	opened(":status=200");
	r = play_bytes(&play, R);
	h2_frame(r, H2_DATA, 0, 1, STR("\xf1\x01x"));
	data(r, 1, H2_END, false, "again");
	(void)play_bytes(&play, FREED);
	play_run(&play, "broken", PLAY_ONCE, /* what is lost is found again where a call begins */
		 OPENED "message 1 read text @58 wire 7 \"again\"\n"
			"done 1 UPGRADED broken read@46 WebSocket: reserved bits are set\n"
			"  req cut @33 wire 123 body 0/0 \"\"\n"
			"  res @15 wire 50 body 10/0 \"\"\n"
			"stray write 33\n"
			"stray read 15\n");
}

static void too_many(void **state)
{
	struct buf *w, *r;
	struct buf want;

	(void)state;
	w = play_bytes(&play, W);
	r = play_bytes(&play, R);
	h2_preface(w);
	buf_init(&want, SIZE_MAX);
	for (uint32_t i = 0; i < 65; i++)
		h2_fields(w, 0, 2 * i + 1, ASKS);
	for (uint32_t i = 0; i < 65; i++)
		h2_fields(r, 0, 2 * i + 1, ":status=200");
	data(r, 129, 0, false, "unheard");
	data(r, 127, 0, false, "heard");
	for (int i = 1; i <= 65; i++)
		buf_addf(&want,
			 "begin %d\nrequest %d CONNECT /v1/responses: host=\"h\" "
			 "sec-websocket-version=\"13\"\n",
			 i, i);
	for (int i = 1; i <= 65; i++)
		buf_addf(&want, "asked %d cut\nresponse %d 200:\n", i, i);
	buf_add(&want, STR("body 65\nmessage 64 read text @1457 wire 7 \"heard\"\n"));
	for (int i = 1; i <= 65; i++)
		buf_addf(&want,
			 i < 65 ? "done %d SESSION\n  req cut @%d wire 123 body 0/0 \"\"\n  res%s cut @%d "
				  "wire "
				  "%d body %d/%d \"%s\"\n"
				: "done %d SESSION broken read@1408 too many WebSockets on one connection\n"
				  "  req cut @%d wire 123 body 0/0 \"\"\n  res%s cut @%d wire %d body %d/%d "
				  "\"%s\"\n",
			 i, 33 + 123 * (i - 1), "", 22 * (i - 1),
			 i == 64   ? 38
			 : i == 65 ? 40
				   : 22,
			 i == 64   ? 7
			 : i == 65 ? 9
				   : 0,
			 i == 65 ? 9 : 0, i == 65 ? "\\x81\\x07unheard" : "");
	buf_add(&want, STR("stray write 33\n"));
	buf_add_char(&want, '\0');
	(void)play_bytes(&play, SESSION);
	play_run(&play, "too many", PLAY_ONCE, want.p);
	buf_fini(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages), cmocka_unit_test(packed),
		cmocka_unit_test(none),	    cmocka_unit_test(bytes_are_missing),
		cmocka_unit_test(given_up), cmocka_unit_test(broken_frames),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("http stream", tests, NULL, NULL);
}
