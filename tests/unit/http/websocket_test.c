/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSockets: frames into messages, whole and in parts, packed and not, with bytes missing. */
#include "play.h"

#include <zlib.h>

#define TEXT   0x81
#define PACKED 0xc1 /* FIN, RSV1, text */

static struct play play;

/* One message as permessage-deflate sends it: without the last four bytes of a sync flush. */
static void pack(z_stream *z, struct buf *out, struct str data)
{
	size_t room = deflateBound(z, data.n) + 16;
	char *to = buf_reserve(out, room);

	assert_non_null(to);
	z->next_in = (Bytef *)data.p;
	z->avail_in = (uInt)data.n;
	z->next_out = (Bytef *)to;
	z->avail_out = (uInt)room;
	assert_int_equal(deflate(z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z->avail_in, 0);
	buf_commit(out, room - z->avail_out - 4);
}

static void pack_frame(z_stream *z, struct buf *to, bool masked, struct str data)
{
	struct buf packed;

	buf_init(&packed, SIZE_MAX);
	pack(z, &packed, data);
	ws_frame(to, PACKED, masked, buf_str(&packed));
	buf_fini(&packed);
}

static void packer(z_stream *z)
{
	*z = (z_stream){0};
	assert_int_equal(deflateInit2(z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

static void messages(void **state)
{
	char longer[300];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	ws_upgrade(&play, NULL);
	ws_frame(play_bytes(&play, W), TEXT, true, STR("hello"));
	struct buf *r = play_bytes(&play, R);
	ws_frame(r, TEXT, false, STR("hi"));
	ws_frame(r, 0x82, false, str_make(longer, sizeof(longer)));
	ws_frame(r, TEXT, false, STR(""));
	ws_frame(play_bytes(&play, W), 0x88, true, STR("\x03\xe8"));
	ws_frame(play_bytes(&play, R), 0x88, false, STR("\x03\xe8"));
	play_check(&play, "messages",
		   "begin 1\n"
		   "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Key=\"eA==\"\n"
		   "asked 1\n"
		   "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		   "message 1 write text @95 wire 11 \"hello\"\n"
		   "message 1 read text @77 wire 4 \"hi\"\n"
		   "message 1 read binary @81 wire 304 "
		   "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		   "x\"+140\n"
		   "message 1 read text @385 wire 2 \"\"\n"
		   "done 1 UPGRADED\n"
		   "  req @0 wire 114 body 19/0 \"\"\n"
		   "  res @0 wire 391 body 314/0 \"\"\n");
}

static void fragments(void **state)
{
	struct buf *w;

	(void)state;
	ws_upgrade(&play, NULL);
	w = play_bytes(&play, W);
	ws_frame(w, 0x01, true, STR("one "));
	ws_frame(w, 0x89, true, STR("ping")); /* control frames may stand between */
	ws_frame(w, 0x00, true, STR(""));
	ws_frame(w, 0x8a, true, STR(""));
	ws_frame(w, 0x80, true, STR("message"));
	ws_frame(w, 0x80, true, STR("goes on from nothing"));
	ws_frame(w, 0x02, true, STR("given up"));
	ws_frame(w, TEXT, true, STR("another"));
	play_check(&play, "fragments",
		   "begin 1\n"
		   "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Key=\"eA==\"\n"
		   "asked 1\n"
		   "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		   "message 1 write text @95 wire 29 \"one message\"\n"
		   "message 1 write text @180 wire 13 \"another\"\n"
		   "done 1 UPGRADED\n"
		   "  req @0 wire 193 body 98/0 \"\"\n"
		   "  res @0 wire 77 body 0/0 \"\"\n");
}

static void joined_in_one_read(void **state)
{
	struct buf *r;

	(void)state;
	play_text(&play, W,
		  "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	r = play_bytes(&play, R); /* the first message comes with the head */
	buf_add(r,
		STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
	ws_frame(r, TEXT, false, STR("a"));
	ws_frame(r, TEXT, false, STR("b"));
	play_check(&play, "joined",
		   "begin 1\n"
		   "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		   "asked 1\n"
		   "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		   "message 1 read text @77 wire 3 \"a\"\n"
		   "message 1 read text @80 wire 3 \"b\"\n"
		   "done 1 UPGRADED\n"
		   "  req @0 wire 70 body 0/0 \"\"\n"
		   "  res @0 wire 83 body 6/0 \"\"\n");
}

static void packed(void **state)
{
	static const char *const extensions[] = {
		"permessage-deflate",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover"};

	(void)state;
	for (int fresh = 0; fresh < 2; fresh++) {
		z_stream up, down;

		packer(&up);
		packer(&down);
		ws_upgrade(&play, extensions[fresh]);
		for (int i = 0; i < 3; i++) {
			pack_frame(&up, play_bytes(&play, W), true, STR("a question, a question"));
			pack_frame(&down, play_bytes(&play, R), false, STR("an answer, an answer"));
			if (fresh)
				deflateReset(&up), deflateReset(&down);
		}
		ws_frame(play_bytes(&play, R), TEXT, false, STR("not packed"));
		if (fresh)
			play_check(
				&play, "packed, fresh",
				"begin 1\n"
				"request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
				"Sec-WebSocket-Key=\"eA==\"\n"
				"asked 1\n"
				"response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
				"Sec-WebSocket-Extensions=\"permessage-deflate; server_no_context_takeover; "
				"client_no_context_takeover\"\n"
				"message 1 write text @95 wire 23 \"a question, a question\"\n"
				"message 1 read text @179 wire 17 \"an answer, an answer\"\n"
				"message 1 write text @118 wire 23 \"a question, a question\"\n"
				"message 1 read text @196 wire 17 \"an answer, an answer\"\n"
				"message 1 write text @141 wire 23 \"a question, a question\"\n"
				"message 1 read text @213 wire 17 \"an answer, an answer\"\n"
				"message 1 read text @230 wire 12 \"not packed\"\n"
				"done 1 UPGRADED\n"
				"  req @0 wire 164 body 69/0 \"\"\n"
				"  res @0 wire 242 body 63/0 \"\"\n");
		else
			play_check(
				&play, "packed",
				"begin 1\n"
				"request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
				"Sec-WebSocket-Key=\"eA==\"\n"
				"asked 1\n"
				"response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
				"Sec-WebSocket-Extensions=\"permessage-deflate\"\n"
				"message 1 write text @95 wire 23 \"a question, a question\"\n"
				"message 1 read text @123 wire 17 \"an answer, an answer\"\n"
				"message 1 write text @118 wire 11 \"a question, a question\"\n"
				"message 1 read text @140 wire 7 \"an answer, an answer\"\n"
				"message 1 write text @129 wire 10 \"a question, a question\"\n"
				"message 1 read text @147 wire 6 \"an answer, an answer\"\n"
				"message 1 read text @153 wire 12 \"not packed\"\n"
				"done 1 UPGRADED\n"
				"  req @0 wire 139 body 44/0 \"\"\n"
				"  res @0 wire 165 body 42/0 \"\"\n");
		deflateEnd(&up);
		deflateEnd(&down);
	}
}

static void packed_in_fragments(void **state)
{
	z_stream z;
	struct buf packed, *r;

	(void)state;
	packer(&z);
	buf_init(&packed, SIZE_MAX);
	pack(&z, &packed, STR("in three parts"));
	ws_upgrade(&play, "permessage-deflate");
	r = play_bytes(&play, R);
	ws_frame(r, 0x41, false, str_head(buf_str(&packed), 3));
	ws_frame(r, 0x00, false, str_head(str_skip(buf_str(&packed), 3), 4));
	ws_frame(r, 0x89, false, STR(""));
	ws_frame(r, 0x80, false, str_skip(buf_str(&packed), 7));
	pack_frame(&z, r, false, STR("in three parts again"));
	buf_fini(&packed);
	deflateEnd(&z);
	play_check(&play, "packed in parts",
		   "begin 1\n"
		   "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Key=\"eA==\"\n"
		   "asked 1\n"
		   "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Extensions=\"permessage-deflate\"\n"
		   "message 1 read text @123 wire 22 \"in three parts\"\n"
		   "message 1 read text @147 wire 13 \"in three parts again\"\n"
		   "done 1 UPGRADED\n"
		   "  req @0 wire 95 body 0/0 \"\"\n"
		   "  res @0 wire 160 body 37/0 \"\"\n");
}

/* A sender may end a message with a last block (RFC 7692 7.2.3.4); the next one still knows this one's text. */
static void a_last_block_ends_no_context(void **state)
{
	z_stream z;
	struct buf *r, packed;
	char room[256];
	uInt dictionary = 32768;
	Bytef window[32768];

	(void)state;
	packer(&z);
	ws_upgrade(&play, "permessage-deflate");
	r = play_bytes(&play, R);
	z.next_in = (Bytef *)"the same words, the same words";
	z.avail_in = 30;
	z.next_out = (Bytef *)room;
	z.avail_out = sizeof(room);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_init(&packed, SIZE_MAX);
	buf_add(&packed, str_make(room, sizeof(room) - z.avail_out));
	buf_add_char(&packed, 0); /* 7.2.3.4: a byte, so that the four that are left out end an empty block */
	ws_frame(r, PACKED, false, buf_str(&packed));
	buf_fini(&packed);
	assert_int_equal(deflateGetDictionary(&z, window, &dictionary), Z_OK);
	deflateReset(&z);
	assert_int_equal(deflateSetDictionary(&z, (Bytef *)"the same words, the same words", 30), Z_OK);
	pack_frame(&z, r, false, STR("the same words, the same words"));
	deflateEnd(&z);
	play_check(&play, "a last block",
		   "begin 1\n"
		   "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Key=\"eA==\"\n"
		   "asked 1\n"
		   "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
		   "Sec-WebSocket-Extensions=\"permessage-deflate\"\n"
		   "message 1 read text @123 wire 24 \"the same words, the same words\"\n"
		   "message 1 read text @147 wire 7 \"the same words, the same words\"\n"
		   "done 1 UPGRADED\n"
		   "  req @0 wire 95 body 0/0 \"\"\n"
		   "  res @0 wire 154 body 31/0 \"\"\n");
}

/* Of a connection whose server says something that is no frame: what was broken, and what was read around it. */
static void not_a_frame(const char *why, struct str bytes)
{
	struct buf want;

	ws_upgrade(&play, NULL);
	ws_frame(play_bytes(&play, R), TEXT, false, STR("before"));
	buf_add(play_bytes(&play, R), bytes);
	ws_frame(play_bytes(&play, R), TEXT, false, STR("after"));
	ws_frame(play_bytes(&play, W), TEXT, true, STR("the other side goes on"));
	(void)play_bytes(&play, FREED);
	buf_init(&want, SIZE_MAX);
	buf_addf(&want,
		 "begin 1\nrequest 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Key=\"eA==\"\nasked 1\n"
		 "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		 "message 1 read text @77 wire 8 \"before\"\nmessage 1 read text @%zu wire 7 \"after\"\n"
		 "message 1 write text @95 wire 28 \"the other side goes on\"\n"
		 "done 1 UPGRADED broken read@85 WebSocket: %s\n  req @0 wire 123 body 28/0 \"\"\n"
		 "  res @0 wire %zu body %zu/0 \"\"\n",
		 85 + bytes.n, why, 92 + bytes.n, 15 + bytes.n);
	play_run(&play, why, PLAY_ONCE, buf_z(&want));
	buf_fini(&want);
}

static void what_is_no_frame(void **state)
{
	(void)state;
	not_a_frame("reserved bits are set", STR("\xb1\x00"));
	not_a_frame("reserved bits are set", STR("\xc1\x01x")); /* packed, and nobody agreed to it */
	not_a_frame("an unknown kind of frame", STR("\x83\x00"));
	not_a_frame("a control frame that is too long or in parts", STR("\x09\x00"));
	not_a_frame("a control frame that is too long or in parts", STR("\x89\x7e\x00\x80"));
	not_a_frame("an impossible length", STR("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"));
}

static void gaps(void **state)
{
	struct buf *r;

	(void)state;
	ws_upgrade(&play, NULL);
	r = play_bytes(&play, R);
	ws_frame(r, TEXT, false, STR("whole"));
	buf_add(r, STR("\x81\x14"
		       "abcd")); /* of 20 */
	play_gap(&play, GAP_R, 12);
	r = play_bytes(&play, R);
	buf_add(r, STR("wxyz"));
	ws_frame(r, TEXT, false, STR("after one in it"));
	play_gap(&play, GAP_R, 50);
	ws_frame(play_bytes(&play, R), TEXT, false, STR("after one that hides where frames begin"));
	/* Of a ping in a message only the ping is hit. */
	r = play_bytes(&play, R);
	ws_frame(r, 0x01, false, STR("un"));
	buf_add(r, STR("\x89\x05p"));
	play_gap(&play, GAP_R, 2);
	r = play_bytes(&play, R);
	buf_add(r, STR("gs"));
	ws_frame(r, 0x80, false, STR("hurt"));
	(void)play_bytes(&play, FREED);
	play_run(&play, "gaps", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Key=\"eA==\"\n"
		 "asked 1\n"
		 "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\"\n"
		 "message 1 read text @77 wire 7 \"whole\"\n"
		 "message 1 read text cut @84 wire 22 \"abcd\"\n"
		 "message 1 read text @106 wire 17 \"after one in it\"\n"
		 "message 1 read text @173 wire 41 \"after one that hides where frames begin\"\n"
		 "message 1 read text @214 wire 10 \"unhurt\"\n"
		 "done 1 UPGRADED gap read@90+12 gap read@123+50 gap read@221+2\n"
		 "  req @0 wire 95 body 0/0 \"\"\n"
		 "  res @0 wire 167 body 90/0 \"\"\n");
}

static void gaps_in_what_is_packed(void **state)
{
	z_stream z;
	struct buf packed, *r;

	(void)state;
	packer(&z);
	ws_upgrade(&play, "permessage-deflate");
	buf_init(&packed, SIZE_MAX);
	pack_frame(&z, &packed, false, STR("a message that is hit"));
	r = play_bytes(&play, R);
	buf_add(r, str_head(buf_str(&packed), 6));
	play_gap(&play, GAP_R, 3);
	r = play_bytes(&play, R);
	buf_add(r, str_skip(buf_str(&packed), 9));
	pack_frame(&z, r, false, STR("a message that leans on it"));
	ws_frame(r, TEXT, false, STR("one that is not packed"));
	buf_fini(&packed);
	deflateEnd(&z);
	(void)play_bytes(&play, FREED);
	play_run(&play, "packed, gaps", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Key=\"eA==\"\n"
		 "asked 1\n"
		 "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Extensions=\"permessage-deflate\"\n"
		 "message 1 read text cut @123 wire 25 \"\"\n"
		 "message 1 read text cut @148 wire 18 \"\"\n"
		 "message 1 read text @166 wire 24 \"one that is not packed\"\n"
		 "done 1 UPGRADED gap read@129+3\n"
		 "  req @0 wire 95 body 0/0 \"\"\n"
		 "  res @0 wire 187 body 64/0 \"\"\n");
}

static void bombs(void **state)
{
	z_stream z;
	struct buf zeros, *r;

	(void)state;
	packer(&z);
	ws_upgrade(&play, "permessage-deflate");
	buf_init(&zeros, SIZE_MAX);
	for (int i = 0; i < 4 << 20; i += 64)
		buf_add(&zeros, STR("0000000000000000000000000000000000000000000000000000000000000000"));
	r = play_bytes(&play, R);
	pack_frame(&z, r, false, buf_str(&zeros));
	ws_frame(r, TEXT, false, STR("after"));
	ws_frame(r, PACKED, false, STR("\xff\xff\xff")); /* no such block */
	buf_fini(&zeros);
	deflateEnd(&z);
	(void)play_bytes(&play, FREED);
	play_run(&play, "bomb", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 GET /ws: Host=\"h\" Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Key=\"eA==\"\n"
		 "asked 1\n"
		 "response 1 101: Upgrade=\"websocket\" Connection=\"Upgrade\" "
		 "Sec-WebSocket-Extensions=\"permessage-deflate\"\n"
		 "message 1 read text cut @123 wire 4086 \"\"\n"
		 "message 1 read text @4209 wire 7 \"after\"\n"
		 "message 1 read text cut @4216 wire 5 \"\"\n"
		 "done 1 UPGRADED broken read@123 a WebSocket message cannot be inflated\n"
		 "  req @0 wire 95 body 0/0 \"\"\n"
		 "  res @0 wire 4221 body 4098/0 \"\"\n");
}

/* The upgrade was not seen: JSON is believed at once, and what is compressed is read where it needs nothing from before. */
static void joined(void **state)
{
	struct buf unseen;
	z_stream z;

	(void)state;
	packer(&z);
	ws_frame(play_bytes(&play, W), TEXT, true, STR("{\"a\":1}"));
	pack_frame(&z, play_bytes(&play, R), false, STR("{\"text\":\"something to say\"}"));
	play_text(&play, W, "");
	buf_init(&unseen, SIZE_MAX);
	pack_frame(&z, &unseen, false, STR("{\"text\":\"nothing else to do\"}"));
	buf_fini(&unseen);
	pack_frame(&z, play_bytes(&play, R), false, STR("{\"text\":\"nothing else to do\"}"));
	ws_frame(play_bytes(&play, W), TEXT, true, STR("{\"a\":2}"));
	(void)play_bytes(&play, FREED);
	deflateEnd(&z);
	play_run(&play, "joined", PLAY_ONCE,
		 "begin 1 unasked\n"
		 "message 1 write text @0 wire 13 \"{\"a\":1}\"\n"
		 "message 1 read text @0 wire 31 \"{\"text\":\"something to say\"}\"\n"
		 "message 1 read text cut @31 wire 6 \"\"\n"
		 "message 1 write text @13 wire 13 \"{\"a\":2}\"\n"
		 "done 1 UPGRADED\n"
		 "  res headless cut unkept @0 wire 37 body 37/0 \"\"\n");
}

/* Anything else has to look so twice; and what is no frame to its last byte never does. */
static void joined_late(void **state)
{
	(void)state;
	ws_frame(play_bytes(&play, W), 0x82, true, STR("\x01\x02\x03"));
	ws_frame(play_bytes(&play, R), 0x82, false, STR("\x04\x05"));
	ws_frame(play_bytes(&play, W), 0x82, true, STR("\x06"));
	(void)play_bytes(&play, FREED);
	play_run(&play, "late", PLAY_ONCE,
		 "begin 1 unasked\n"
		 "message 1 read binary @0 wire 4 \"\\x04\\x05\"\n"
		 "message 1 write binary @9 wire 7 \"\\x06\"\n"
		 "done 1 UPGRADED\n"
		 "  res headless cut unkept @0 wire 4 body 4/0 \"\"\n"
		 "stray write 9\n");
	play_text(&play, W, "\x81\x85xxxxhello!");
	play_text(&play, R, "\x81\x02{}\n");
	play_text(&play, W, "\x83\x81xxxxh");
	(void)play_bytes(&play, FREED);
	play_run(&play, "never", PLAY_ONCE, "stray write 19\nstray read 5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(fragments),
		cmocka_unit_test(joined_in_one_read),
		cmocka_unit_test(packed),
		cmocka_unit_test(packed_in_fragments),
		cmocka_unit_test(a_last_block_ends_no_context),
		cmocka_unit_test(what_is_no_frame),
		cmocka_unit_test(gaps),
		cmocka_unit_test(gaps_in_what_is_packed),
		cmocka_unit_test(bombs),
		cmocka_unit_test(joined),
		cmocka_unit_test(joined_late),
	};

	return cmocka_run_group_tests_name("http websocket", tests, NULL, NULL);
}
