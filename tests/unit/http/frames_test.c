/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies that are sequences of events: AWS's binary messages, and JSON by the line. */
#include "play.h"

#include <errno.h>
#include <zlib.h>

#include "base/limits.h"
#include "http/frames.h"

static struct play play;

static void u32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift));
}

static void sum(struct buf *b, size_t from)
{
	u32(b, (uint32_t)crc32(0, (const Bytef *)b->p + from, (uInt)(b->n - from)));
}

/* name, type 7, value */
static void header(struct buf *b, struct str name, struct str value)
{
	buf_add_char(b, (char)name.n);
	buf_add(b, name);
	buf_add_char(b, 7);
	buf_add_char(b, (char)(value.n >> 8));
	buf_add_char(b, (char)value.n);
	buf_add(b, value);
}

static void message(struct buf *b, struct str headers, struct str payload)
{
	size_t start = b->n;

	u32(b, (uint32_t)(16 + headers.n + payload.n));
	u32(b, (uint32_t)headers.n);
	sum(b, start);
	buf_add(b, headers);
	buf_add(b, payload);
	sum(b, start);
}

static void event(struct buf *b, const char *kind, const char *type, const char *payload)
{
	struct buf headers;

	buf_init(&headers, SIZE_MAX);
	/* Every type that a header can have, before the ones that matter. */
	buf_add(&headers, STR("\1a\0\1b\1\1c\2x\1d\3xx\1e\4xxxx\1f\5xxxxxxxx\1g\6\0\2xx\1h\x08xxxxxxxx\1i\x09"
			      "xxxxxxxxxxxxxxxx"));
	header(&headers, strcmp(kind, "exception") == 0 ? STR(":exception-type") : STR(":event-type"),
	       str_of(type));
	header(&headers, STR(":message-type"), str_of(kind));
	message(b, buf_str(&headers), str_of(payload));
	buf_fini(&headers);
}

static struct buf *begin(const char *type, struct buf *body)
{
	play_text(&play, W, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	struct buf *r = play_bytes(&play, R);

	buf_addf(r, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, body->n);
	buf_add(r, buf_str(body));
	buf_fini(body);
	buf_init(body, SIZE_MAX);
	return r;
}

static size_t events_seen;

static void count(void *ctx, const struct http_event *ev)
{
	(void)ctx;
	events_seen++;
	assert_true(ev->data.n <= LIMIT_SSE_LINE_BYTES);
}

#define AWS "application/vnd.amazon.eventstream"

static void messages_of_aws(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	event(&b, "event", "messageStart", "{\"role\":\"assistant\"}");
	event(&b, "event", "empty", "");
	message(&b, STR(""), STR("no headers"));
	event(&b, "exception", "throttlingException", "{\"message\":\"slow\"}");
	begin(AWS, &b);
	play_check(&play, "aws",
		   "begin 1\n"
		   "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
		   "asked 1\n"
		   "response 1 200: Content-Type=\"application/vnd.amazon.eventstream\" "
		   "Content-Length=\"477\"\n"
		   "body 1\n"
		   "event 1 messageStart \"{\"role\":\"assistant\"}\"\n"
		   "event 1 empty \"\"\n"
		   "event 1 \"no headers\"\n"
		   "event 1 throttlingException \"{\"message\":\"slow\"}\"\n"
		   "done 1 DONE\n"
		   "  req @0 wire 48 body 0/0 \"\"\n"
		   "  res unkept @0 wire 567 body 477/477 \"\"\n");
}

static void sums_that_are_wrong(void **state)
{
	struct buf b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		buf_init(&b, SIZE_MAX);
		event(&b, "event", "one", "1");
		size_t second = b.n;

		event(&b, "event", "two", "2");
		event(&b, "event", "three", "3");
		b.p[second + (i == 0 ? 9 : 20)] ^= 1; /* the prelude's sum, a header */
		begin(AWS, &b);
		if (i == 0)
			play_check(&play, "prelude's sum",
				   "begin 1\n"
				   "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
				   "asked 1\n"
				   "response 1 200: Content-Type=\"application/vnd.amazon.eventstream\" "
				   "Content-Length=\"383\"\n"
				   "body 1\n"
				   "event 1 one \"1\"\n"
				   "done 1 DONE broken read@228 event stream: a prelude's checksum is wrong\n"
				   "  req @0 wire 48 body 0/0 \"\"\n"
				   "  res unkept @0 wire 473 body 383/139 \"\"\n");
		else
			play_check(&play, "message's sum",
				   "begin 1\n"
				   "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
				   "asked 1\n"
				   "response 1 200: Content-Type=\"application/vnd.amazon.eventstream\" "
				   "Content-Length=\"383\"\n"
				   "body 1\n"
				   "event 1 one \"1\"\n"
				   "done 1 DONE broken read@343 event stream: a message's checksum is wrong\n"
				   "  req @0 wire 48 body 0/0 \"\"\n"
				   "  res unkept @0 wire 473 body 383/254 \"\"\n");
	}
}

static void prelude(struct buf *b, uint32_t total, uint32_t headers)
{
	size_t start = b->n;

	u32(b, total);
	u32(b, headers);
	sum(b, start);
	buf_add(b, STR("0123456789012345678901234567890123456789"));
}

static void lengths_that_are_wrong(void **state)
{
	static const uint32_t rows[][2] = {{15, 0},
					   {0, 0},
					   {32, 17},
					   {32, UINT32_MAX},
					   {UINT32_MAX, 0},
					   {200u << 20, 0},
					   {300u << 10, 129u << 10}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;
		char name[32];

		buf_init(&b, SIZE_MAX);
		prelude(&b, rows[i][0], rows[i][1]);
		begin(AWS, &b);
		(void)play_bytes(&play, FREED);
		snprintf(name, sizeof(name), "lengths %zu", i);
		play_run(&play, i == 0 ? "lengths" : name, PLAY_ONCE,
			 "begin 1\n"
			 "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
			 "asked 1\n"
			 "response 1 200: Content-Type=\"application/vnd.amazon.eventstream\" "
			 "Content-Length=\"52\"\n"
			 "body 1\n"
			 "done 1 DONE broken read@100 event stream: impossible lengths\n"
			 "  req @0 wire 48 body 0/0 \"\"\n"
			 "  res unkept @0 wire 141 body 52/12 \"\"\n");
	}
}

static void headers_that_are_wrong(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
		{"\x05"
		 "ab",
		 3}, /* a name that is longer than all */
		{"\x01"
		 "a",
		 2}, /* no type */
		{"\x01"
		 "a\x0a",
		 3}, /* no such type */
		{"\x01"
		 "a\x07\xff\xff",
		 5}, /* a value that is longer than all */
		{"\x01"
		 "a\x07\x00",
		 4}, /* half a length */
		{"\x01"
		 "a\x09xxxx",
		 7}, /* half a UUID */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_frames f = {0};
		const char *why = NULL;
		size_t at = 0;
		struct buf b;

		buf_init(&b, SIZE_MAX);
		message(&b, str_make(rows[i].p, rows[i].n), STR("{}"));
		events_seen = 0;
		assert_int_equal(
			http_frames_open(&f, &http_frames_eventstream, (struct http_frames_ops){count, NULL}),
			0);
		assert_int_equal(f.kind->feed(f.state, buf_str(&b), 1, &at, &why), -EBADMSG);
		assert_string_equal(why, "event stream: a message's headers cannot be read");
		assert_int_equal(at, b.n - 1);
		assert_int_equal(f.kind->feed(f.state, buf_str(&b), 1, &at, &why), 0); /* nobody reads on */
		assert_int_equal(events_seen, 0);
		http_frames_close(&f);
		buf_fini(&b);
	}
}

static void aws_with_bytes_missing(void **state)
{
	struct buf b, *r;

	(void)state;
	buf_init(&b, SIZE_MAX);
	event(&b, "event", "one", "1");
	event(&b, "event", "two", "2");
	event(&b, "event", "three", "3");
	r = begin(AWS, &b);
	r->n -= 150; /* cut in the last but one */
	play_gap(&play, GAP_R, 20);
	buf_add(play_bytes(&play, R), str_make(r->p + r->n + 20, 130));
	(void)play_bytes(&play, FREED);
	play_run(&play, "aws, gap", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
		 "asked 1\n"
		 "response 1 200: Content-Type=\"application/vnd.amazon.eventstream\" "
		 "Content-Length=\"383\"\n"
		 "body 1\n"
		 "event 1 one \"1\"\n"
		 "done 1 DONE gap read@323+20\n"
		 "  req @0 wire 48 body 0/0 \"\"\n"
		 "  res unkept @0 wire 473 body 383/363 \"\"\n");
}

static void lines_of_json(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b, STR("{\"a\":1}\n\n  {\"b\":2}\r\n\n{\"c\":3}"));
	begin("application/x-ndjson", &b);
	play_check(&play, "lines",
		   "begin 1\n"
		   "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
		   "asked 1\n"
		   "response 1 200: Content-Type=\"application/x-ndjson\" Content-Length=\"28\"\n"
		   "body 1\n"
		   "event 1 \"{\"a\":1}\"\n"
		   "event 1 \"{\"b\":2}\"\n"
		   "event 1 \"{\"c\":3}\"\n"
		   "done 1 DONE\n"
		   "  req @0 wire 48 body 0/0 \"\"\n"
		   "  res unkept @0 wire 103 body 28/28 \"\"\n");
}

static void lines_with_bytes_missing(void **state)
{
	struct buf b, *r;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b, STR("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}\n{\"cut"));
	r = begin("application/x-ndjson", &b);
	r->n -= 23; /* within {"b":2} */
	play_gap(&play, GAP_R, 4);
	buf_add(play_bytes(&play, R), STR("\"c\":3}\n{\"d\":4}\n{"));
	(void)play_bytes(&play, FREED);
	play_run(&play, "lines, gap", PLAY_ONCE,
		 "begin 1\n"
		 "request 1 POST /x: Host=\"h\" Content-Length=\"0\"\n"
		 "asked 1\n"
		 "response 1 200: Content-Type=\"application/x-ndjson\" Content-Length=\"37\"\n"
		 "body 1\n"
		 "event 1 \"{\"a\":1}\"\n"
		 "event 1 \"{\"d\":4}\"\n"
		 "done 1 CLOSED gap read@89+4\n"
		 "  req @0 wire 48 body 0/0 \"\"\n"
		 "  res cut unkept @0 wire 109 body 34/30 \"\"\n");
}

static void endless_lines(void **state)
{
	struct http_frames_ops ops = {count, NULL};
	struct http_frames f = {0};
	const char *why = NULL;
	size_t at = 0, told = 0;
	char piece[65536];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	events_seen = 0;
	assert_int_equal(http_frames_open(&f, http_frames_find(STR("application/x-ndjson")), ops), 0);
	for (size_t n = 0; n < 3 * LIMIT_SSE_LINE_BYTES; n += sizeof(piece)) {
		int r = f.kind->feed(f.state, str_make(piece, sizeof(piece)), 1, &at, &why);

		told += r == -EMSGSIZE;
	}
	assert_int_equal(told, 1);
	assert_string_equal(why, "line too long");
	assert_int_equal(f.kind->feed(f.state, STR("\n{\"a\":1}\n"), 1, &at, &why), 0);
	assert_int_equal(events_seen, 1);
	http_frames_close(&f);
}

static void types_have_framings(void **state)
{
	(void)state;
	assert_ptr_equal(http_frames_find(STR("text/event-stream")), &http_frames_sse);
	assert_ptr_equal(http_frames_find(STR("application/x-ndjson")), &http_frames_ndjson);
	assert_ptr_equal(http_frames_find(STR(AWS)), &http_frames_eventstream);
	assert_null(http_frames_find(STR("application/json")));
	assert_null(http_frames_find(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_aws),	    cmocka_unit_test(sums_that_are_wrong),
		cmocka_unit_test(lengths_that_are_wrong),   cmocka_unit_test(headers_that_are_wrong),
		cmocka_unit_test(aws_with_bytes_missing),   cmocka_unit_test(lines_of_json),
		cmocka_unit_test(lines_with_bytes_missing), cmocka_unit_test(endless_lines),
		cmocka_unit_test(types_have_framings),
	};

	return cmocka_run_group_tests_name("http frames", tests, NULL, NULL);
}
