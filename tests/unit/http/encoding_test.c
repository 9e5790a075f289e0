/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/encoding.h"
#include "script.h"

#include <zlib.h>
#include <errno.h>
#include <zstd.h>

#include "base/limits.h"

#define GET  "GET / HTTP/1.1\r\n\r\n"
#define TEXT "data: {\"a\": \"hello hello hello\"}\n\nevent: e\ndata: second second second\n\n"

/* TEXT by libbrotlienc (the library that is linked only decodes), flushed after the first event at BROTLI_FLUSHED. */
static const unsigned char brotli_text[] = {
	0x8b, 0x10, 0x00, 0xf8, 0x8d, 0xc3, 0x38, 0x26, 0xbc, 0xe8, 0x62, 0xf1, 0x55, 0x4b, 0x05,
	0x90, 0xb0, 0x16, 0xd1, 0xd9, 0xeb, 0xdb, 0x82, 0x88, 0xb2, 0x0b, 0x30, 0xf2, 0x00, 0x0b,
	0xc8, 0xa1, 0xd6, 0xac, 0x0c, 0x9d, 0x8e, 0x01, 0x41, 0x02, 0x80, 0xdf, 0x48, 0xad, 0xd5,
	0xcc, 0xb9, 0xb9, 0x54, 0xd0, 0x21, 0x2b, 0x90, 0x32, 0xd8, 0x80, 0x03, 0x87, 0x02, 0x4a,
	0x74, 0xb1, 0x7b, 0x01, 0x1d, 0xb2, 0xf8, 0x04, 0x2d, 0xad, 0x7f, 0x08,
};
#define BROTLI_FLUSHED 38

enum how { GZIP, ZLIB, RAW };

static void add_zlib(struct buf *out, struct str text, enum how how)
{
	z_stream z = {0};
	size_t bound = text.n + text.n / 100 + 1000;

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED,
				      how == GZIP   ? 31
				      : how == ZLIB ? 15
						    : -15,
				      9, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = (unsigned char *)text.p;
	z.avail_in = (uInt)text.n;
	z.next_out = (unsigned char *)buf_reserve(out, bound);
	z.avail_out = (uInt)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_commit(out, bound - z.avail_out);
	deflateEnd(&z);
}

static void add_zstd(struct buf *out, struct str text)
{
	size_t bound = ZSTD_compressBound(text.n);
	size_t n = ZSTD_compress(buf_reserve(out, bound), bound, text.p, text.n, 3);

	assert_false(ZSTD_isError(n));
	buf_commit(out, n);
}

/* A response whose body is `body`, with these lines in its head. */
static void answer(struct step steps[6], struct buf *b, const char *fields, struct str body)
{
	buf_init(b, SIZE_MAX);
	buf_addf(b, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", fields, body.n);
	buf_add(b, body);
	memset(steps, 0, 6 * sizeof(*steps));
	steps[0] = (struct step)SAYS(GET);
	steps[1] = (struct step){R, buf_str(b), 0, WIRE_CAUSE_NONE};
	steps[2] = (struct step)SAYS(GET);
	steps[3] = (struct step)HEARS("HTTP/1.1 204 x\r\n\r\n");
	steps[4] = (struct step)ENDS(FREED);
}

/* Every coding gives TEXT as events, and as a body when its type is another. */
static void check_text(const char *coding, struct str body, bool sweep)
{
	static const char *const types[] = {"text/event-stream", "text/plain"};

	for (int i = 0; i < 2; i++) {
		char fields[200];
		struct step steps[6];
		struct buf b, got;

		snprintf(fields, sizeof(fields), "Content-Type: %s\r\n%s\r\n", types[i], coding);
		answer(steps, &b, fields, body);
		script_steps = steps;
		script_swept = END;
		buf_init(&got, SIZE_MAX);
		void *t = script_start();
		script_finish(t, &got);
		script_stop(t);
		if (i == 0)
			assert_true(str_has(buf_str(&got),
					    STR("event 1 \"{\"a\": \"hello hello hello\"}\"\n"
						"event 1 e \"second second second\"\ndone 1 DONE\n")));
		else
			assert_true(str_has(
				buf_str(&got),
				STR("\"data: {\"a\": \"hello hello hello\"}\\n\\nevent: e\\ndata: second "
				    "second second\\n\\n\"\nbegin 2")));
		assert_true(str_has(buf_str(&got), STR("done 2 DONE\n")));
		if (sweep)
			script_sweep(coding, steps, ALL_SWEEPS);
		buf_fini(&b);
		buf_fini(&got);
	}
}

static void each_coding(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	add_zlib(&b, STR(TEXT), GZIP);
	check_text("Content-Encoding: gzip", buf_str(&b), true);
	check_text("Content-Encoding: X-Gzip", buf_str(&b), false);
	check_text("Content-Encoding: identity, gzip", buf_str(&b), false);
	buf_clear(&b);
	add_zlib(&b, STR(TEXT), ZLIB);
	check_text("Content-Encoding: deflate", buf_str(&b), true);
	buf_clear(&b);
	add_zlib(&b, STR(TEXT), RAW);
	check_text("Content-Encoding: deflate", buf_str(&b), true);
	buf_clear(&b);
	add_zstd(&b, STR(TEXT));
	check_text("Content-Encoding: zstd", buf_str(&b), true);
	check_text("Content-Encoding: br", str_make(brotli_text, sizeof(brotli_text)), true);
	check_text("Content-Encoding: identity", STR(TEXT), true);
	buf_fini(&b);
}

static void several(void **state)
{
	struct buf members, inner, outer, frames;

	(void)state;
	buf_init(&members, SIZE_MAX);
	buf_init(&inner, SIZE_MAX);
	buf_init(&outer, SIZE_MAX);
	buf_init(&frames, SIZE_MAX);
	add_zlib(&members, STR("data: {\"a\": \"hello "), GZIP);
	add_zlib(&members, STR(""), GZIP);
	add_zlib(&members, str_skip(STR(TEXT), 19), GZIP);
	buf_add(&members, STR("\0\0\0"));
	check_text("Content-Encoding: gzip", buf_str(&members), true);
	add_zstd(&frames, str_head(STR(TEXT), 30));
	add_zstd(&frames, str_skip(STR(TEXT), 30));
	check_text("Content-Encoding: zstd", buf_str(&frames), true);
	add_zstd(&inner, STR(TEXT));
	add_zlib(&outer, buf_str(&inner), ZLIB);
	check_text("Content-Encoding: zstd, deflate", buf_str(&outer), true);
	check_text("Content-Encoding: zstd\r\ncontent-encoding: deflate", buf_str(&outer), false);
	buf_fini(&members);
	buf_fini(&inner);
	buf_fini(&outer);
	buf_fini(&frames);
}

/* The first event of a stream is there as soon as its bytes are. */
static void events_come_at_once(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b,
		STR("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br\r\n\r\n"));
	buf_add(&b, str_make(brotli_text, BROTLI_FLUSHED));
	struct step steps[] = {SAYS(GET), {R, buf_str(&b), 0, WIRE_CAUSE_NONE}, ENDS(SESSION), ENDS(END)};
	script_check("flushed brotli", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\" Content-Encoding=\"br\"\n"
		     "body 1\n"
		     "event 1 \"{\"a\": \"hello hello hello\"}\"\n"
		     "done 1 SESSION\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 112 body 38/34 \"\"\n");
	buf_fini(&b);
}

static void broken_gzip(void **state)
{
	struct step steps[6];
	struct buf gzip, b;

	(void)state;
	buf_init(&gzip, SIZE_MAX);
	add_zlib(&gzip, STR(TEXT), GZIP);
	answer(steps, &b, "Content-Encoding: gzip\r\n", str_head(buf_str(&gzip), gzip.n - 9));
	script_check("gzip that ends early", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"gzip\" Content-Length=\"57\"\n"
		     "body 1\n"
		     "done 1 DONE broken read@120 the encoded body ends early\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res @0 wire 120 body 57/71 \"data: {\"a\": \"hello hello hello\"}\\n\\nevent: "
		     "e\\ndata: second second second\\n\\n\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @120 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
	gzip.p[gzip.n - 6] ^= 1;
	answer(steps, &b, "Content-Encoding: gzip\r\n", buf_str(&gzip));
	script_check("gzip with a wrong checksum", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"gzip\" Content-Length=\"66\"\n"
		     "body 1\n"
		     "done 1 DONE broken read@125 bad gzip data\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 129 body 66/71 \"data: {\"a\": \"hello hello hello\"}\\n\\nevent: "
		     "e\\ndata: second second second\\n\\n\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @129 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
	buf_fini(&gzip);
}

static void other_bytes(void **state)
{
	struct step steps[6];
	struct buf b;

	(void)state;
	answer(steps, &b, "Content-Encoding: gzip\r\n", STR("{\"plain\": \"json\"}"));
	script_check("no gzip at all", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"gzip\" Content-Length=\"17\"\n"
		     "body 1\n"
		     "done 1 DONE broken read@65 bad gzip data\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 80 body 17/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @80 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
	answer(steps, &b, "Content-Encoding: br\r\n", STR("\xff\xff\xff\xff plain"));
	script_once("no brotli at all", steps,
		    "begin 1\n"
		    "request 1 GET /:\n"
		    "asked 1\n"
		    "response 1 200: Content-Encoding=\"br\" Content-Length=\"10\"\n"
		    "body 1\n"
		    "done 1 DONE broken read@62 bad brotli data\n"
		    "  req @0 wire 18 body 0/0 \"\"\n"
		    "  res unkept @0 wire 71 body 10/0 \"\"\n"
		    "begin 2\n"
		    "request 2 GET /:\n"
		    "asked 2\n"
		    "response 2 204:\n"
		    "done 2 DONE\n"
		    "  req @18 wire 18 body 0/0 \"\"\n"
		    "  res @71 wire 18 body 0/0 \"\"\n");
	script_sweep("no brotli at all", steps, ALL_SWEEPS);
	buf_fini(&b);
	answer(steps, &b, "Content-Encoding: zstd\r\n", STR("{\"plain\": \"json\"}"));
	/* The library says only which call failed, so the byte depends on how they came. */
	script_once("no zstd at all", steps,
		    "begin 1\n"
		    "request 1 GET /:\n"
		    "asked 1\n"
		    "response 1 200: Content-Encoding=\"zstd\" Content-Length=\"17\"\n"
		    "body 1\n"
		    "done 1 DONE broken read@63 bad zstd data\n"
		    "  req @0 wire 18 body 0/0 \"\"\n"
		    "  res unkept @0 wire 80 body 17/0 \"\"\n"
		    "begin 2\n"
		    "request 2 GET /:\n"
		    "asked 2\n"
		    "response 2 204:\n"
		    "done 2 DONE\n"
		    "  req @18 wire 18 body 0/0 \"\"\n"
		    "  res @80 wire 18 body 0/0 \"\"\n");
	script_sweep("no zstd at all", steps, NO_SPLITS);
	buf_fini(&b);
}

/* The library can read frames older than RFC 8878, but only when it sees four bytes at once: none is taken, however the
 * bytes come. */
static void old_zstd(void **state)
{
	static const char *const magics[] = {"\x24\xb5\x2f\xfd", "\x25\xb5\x2f\xfd", "\x26\xb5\x2f\xfd",
					     "\x27\xb5\x2f\xfd"};

	(void)state;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		for (size_t piece = 1; piece < 12; piece++) {
			enum http_coding coding = HTTP_CODING_ZSTD;
			autodrop(drop_http_encoding) struct http_encoding *e = http_encoding_new(&coding, 1);
			char frame[] = "....\x04X\x19\0\0abc\0\0\0\0\0\0\0\0";
			struct str rest = str_make(frame, sizeof(frame));
			const char *why = NULL;
			int r = 0;

			memcpy(frame, magics[i], 4);
			while (rest.n > 0 && r == 0) {
				struct http_encoding_sink sink = {0};
				size_t used;

				r = http_encoding_feed(e, str_head(rest, piece), sink, &used, &why);
				rest = str_skip(rest, piece);
			}
			assert_int_equal(r, -EBADMSG);
			assert_string_equal(why, "bad zstd data");
		}
}

static void odd_codings(void **state)
{
	struct step steps[6];
	struct buf b;

	(void)state;
	answer(steps, &b, "Content-Encoding: compress\r\n", STR("\x1f\x9d?"));
	script_check("coding not known", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"compress\" Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 69 body 3/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @69 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
	answer(steps, &b, "Content-Encoding: gzip,gzip,gzip,gzip,gzip\r\n", STR("abc"));
	script_check("too many codings", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"gzip,gzip,gzip,gzip,gzip\" Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE broken read@17 too many content codings\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 85 body 3/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @85 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
	answer(steps, &b, "Content-Encoding: gzip\r\n", STR(""));
	script_check("empty gzip", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Encoding=\"gzip\" Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res @0 wire 62 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /:\n"
		     "asked 2\n"
		     "response 2 204:\n"
		     "done 2 DONE\n"
		     "  req @18 wire 18 body 0/0 \"\"\n"
		     "  res @62 wire 18 body 0/0 \"\"\n");
	buf_fini(&b);
}

/* What is kept of a body of n bytes in this coding: looked up at the end of its exchange. */
struct kept {
	uint64_t decoded, kept_bytes;
	bool whole;
	const char *why;
};

static struct kept kept;

static void note_kept(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	if (x->index != 1)
		return;
	kept = (struct kept){x->response.decoded_bytes, x->response.body.n, x->response.body_kept,
			     x->broken.set ? x->broken.why : ""};
}

static void ignore(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void ignore_body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	(void)ctx;
	(void)x;
	(void)ts_ns;
}

/* Feeds a response whose body is `body` repeated, in pieces of 16 KiB as TLS gives them. */
static void feed_body(const char *fields, struct str body, uint64_t times)
{
	static const struct http_ops ops = {.begin = ignore,
					    .request_head = ignore,
					    .request_done = ignore,
					    .response_head = ignore,
					    .response_body = ignore_body,
					    .done = note_kept};
	struct flow_conn conn = {.id = 1};
	struct flow_chunk chunk = {.conn = &conn, .dir = WIRE_WRITE, .data = STR(GET)};
	autodrop(drop_http) struct http *h = http_new(&ops, NULL);
	char head[300];

	kept = (struct kept){0};
	http_feed(h, &chunk);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%sContent-Length: %llu\r\n\r\n", fields,
		 (unsigned long long)(body.n * times));
	chunk.dir = WIRE_READ;
	chunk.data = str_of(head);
	http_feed(h, &chunk);
	chunk.offset = chunk.data.n;
	for (uint64_t i = 0; i < times; i++)
		for (struct str rest = body; rest.n > 0; rest = str_skip(rest, 16384)) {
			chunk.data = str_head(rest, 16384);
			http_feed(h, &chunk);
			chunk.offset += chunk.data.n;
		}
	http_close(h, &conn, FLOW_END_FREED, 1);
}

static void body_limits(void **state)
{
	size_t mib = 1u << 20;
	char *block = calloc(1, mib + 1);

	(void)state;
	feed_body("", str_make(block, mib), LIMIT_BODY_BYTES / mib);
	assert_true(kept.whole);
	assert_int_equal(kept.kept_bytes, LIMIT_BODY_BYTES);
	feed_body("", str_make(block, mib + 1), LIMIT_BODY_BYTES / mib);
	assert_false(kept.whole);
	assert_int_equal(kept.kept_bytes, LIMIT_BODY_BYTES);
	assert_int_equal(kept.decoded, LIMIT_BODY_BYTES + 16);
	assert_string_equal(kept.why, "");
	free(block);
}

static void bombs(void **state)
{
	size_t n = 32u << 20;
	char *zeros = calloc(1, n);
	struct buf b, twice;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&twice, SIZE_MAX);
	/* Zeros deflate a thousand to one. */
	add_zlib(&b, str_make(zeros, n), GZIP);
	feed_body("Content-Encoding: gzip\r\n", buf_str(&b), 1);
	assert_string_equal(kept.why, "bomb: inflates beyond 200:1");
	assert_true(kept.decoded < 8u << 20);
	assert_false(kept.whole);
	add_zlib(&twice, buf_str(&b), GZIP);
	feed_body("Content-Encoding: gzip, gzip\r\n", buf_str(&twice), 1);
	assert_string_equal(kept.why, "bomb: inflates beyond 200:1");
	assert_true(kept.decoded <= 2u << 20);
	/* One that shrinks again behind the bomb is one all the same. */
	buf_clear(&b);
	add_zstd(&b, str_make(zeros, n));
	feed_body("Content-Encoding: zstd\r\n", buf_str(&b), 1);
	assert_string_equal(kept.why, "bomb: inflates beyond 200:1");
	/* Beyond 64 MiB at a fair ratio: cut, not broken. */
	buf_clear(&b);
	for (size_t i = 0; i < n; i++)
		zeros[i] = (char)((i * 2654435761u >> 13) & (i % 64 ? 0x01 : 0xff));
	add_zlib(&b, str_make(zeros, n), GZIP);
	feed_body("Content-Encoding: gzip\r\n", buf_str(&b), 3);
	assert_string_equal(kept.why, "");
	assert_false(kept.whole);
	assert_int_equal(kept.kept_bytes, LIMIT_INFLATED_BYTES);
	buf_fini(&b);
	buf_fini(&twice);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_coding),
		cmocka_unit_test(several),
		cmocka_unit_test(events_come_at_once),
		cmocka_unit_test(broken_gzip),
		cmocka_unit_test(other_bytes),
		cmocka_unit_test(old_zstd),
		cmocka_unit_test(odd_codings),
		cmocka_unit_test(body_limits),
		cmocka_unit_test(bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
