/* SPDX-License-Identifier: BSD-2-Clause */
/* gRPC's messages in a body. */
#include "play.h"

#include <errno.h>

#include "base/limits.h"
#include "http/frames.h"

static struct play play;

static void prefix(struct buf *b, unsigned flags, uint32_t n)
{
	buf_add_char(b, (char)flags);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift));
}

static void message(struct buf *b, unsigned flags, const char *text)
{
	prefix(b, flags, (uint32_t)strlen(text));
	buf_add(b, str_of(text));
}

static void begin(struct buf *body)
{
	play_text(&play, W, "POST /s/m HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	struct buf *r = play_bytes(&play, R);

	buf_addf(r, "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: %zu\r\n\r\n",
		 body->n);
	buf_add(r, buf_str(body));
	buf_fini(body);
}

static void messages(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	message(&b, 0, "one");
	message(&b, 0, "");
	message(&b, 1, "packed");
	message(&b, 0x80, "grpc-status: 0\r\n");
	begin(&b);
	play_check(&play, "messages",
		   "begin 1\n"
		   "request 1 POST /s/m: Host=\"h\" Content-Length=\"0\"\n"
		   "asked 1\n"
		   "response 1 200: Content-Type=\"application/grpc\" Content-Length=\"45\"\n"
		   "body 1\n"
		   "event 1 \"one\"\n"
		   "event 1 \"\"\n"
		   "event 1 compressed \"packed\"\n"
		   "event 1 trailers \"grpc-status: 0\\r\\n\"\n"
		   "done 1 DONE\n"
		   "  req @0 wire 50 body 0/0 \"\"\n"
		   "  res unkept @0 wire 116 body 45/45 \"\"\n");
}

static void another_framing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	message(&b, 0, "one");
	buf_add(&b, STR("<html>"));
	begin(&b);
	play_check(&play, "another framing",
		   "begin 1\n"
		   "request 1 POST /s/m: Host=\"h\" Content-Length=\"0\"\n"
		   "asked 1\n"
		   "response 1 200: Content-Type=\"application/grpc\" Content-Length=\"14\"\n"
		   "body 1\n"
		   "event 1 \"one\"\n"
		   "done 1 DONE broken read@79 gRPC: no such message\n"
		   "  req @0 wire 50 body 0/0 \"\"\n"
		   "  res unkept @0 wire 85 body 14/9 \"\"\n");
}

static struct heard {
	size_t events, omitted;
} heard;

static void hear(void *ctx, const struct http_event *ev)
{
	(void)ctx;
	heard.events++;
	heard.omitted += str_eq(ev->event, STR("omitted"));
	assert_true(ev->data.n <= LIMIT_BODY_BYTES);
}

/* A message beyond the limit is counted, and reading goes on behind it; behind a gap nothing is read. */
static void beyond_the_limit_and_gaps(void **state)
{
	static char piece[1u << 20];
	struct http_frames f = {0};
	const char *why = NULL;
	struct buf b;
	size_t at = 0;

	(void)state;
	heard = (struct heard){0};
	assert_int_equal(http_frames_open(&f, http_frames_find(STR("application/grpc+proto")),
					  (struct http_frames_ops){hear, NULL}),
			 0);
	buf_init(&b, SIZE_MAX);
	prefix(&b, 0, LIMIT_BODY_BYTES + 1);
	assert_int_equal(f.kind->feed(f.state, buf_str(&b), 1, &at, &why), 0);
	for (size_t i = 0; i < LIMIT_BODY_BYTES / sizeof(piece); i++)
		assert_int_equal(f.kind->feed(f.state, str_make(piece, sizeof(piece)), 1, &at, &why), 0);
	assert_int_equal(heard.events, 0);
	buf_clear(&b);
	buf_add(&b, STR("x"));
	message(&b, 0, "one");
	assert_int_equal(f.kind->feed(f.state, buf_str(&b), 1, &at, &why), 0);
	assert_int_equal(heard.events, 2);
	assert_int_equal(heard.omitted, 1);
	f.kind->gap(f.state);
	assert_int_equal(f.kind->feed(f.state, buf_str(&b), 1, &at, &why), 0);
	assert_int_equal(heard.events, 2);
	http_frames_close(&f);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(another_framing),
		cmocka_unit_test(beyond_the_limit_and_gaps),
	};

	return cmocka_run_group_tests_name("http grpc", tests, NULL, NULL);
}
