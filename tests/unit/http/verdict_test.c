/* SPDX-License-Identifier: BSD-2-Clause */
/* What need not come is said, what must come is not; and what did not come leaves every exchange as it was. */
#include "script.h"

#include "base/limits.h"

/* ---- what is said ---- */

struct ear {
	struct http *http;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
	bool wants; /* as a decoder of model calls does */
	unsigned said;
	struct http_verdict last;
};

static void heard(void *ctx, const struct flow_conn *conn, const struct http_verdict *v)
{
	struct ear *e = ctx;

	assert_ptr_equal(conn, &e->conn);
	e->said++;
	e->last = *v;
}

static void nothing(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void response_head(void *ctx, struct http_exchange *x)
{
	x->wanted = ((struct ear *)ctx)->wants;
}

static void response_body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	(void)ctx;
	(void)x;
	(void)ts_ns;
}

static void event(void *ctx, struct http_exchange *x, const struct http_event *ev)
{
	(void)ctx;
	(void)x;
	(void)ev;
}

static struct ear *ear_new(void)
{
	static const struct http_ops ops = {
		.begin = nothing,
		.request_head = nothing,
		.request_done = nothing,
		.response_head = response_head,
		.response_body = response_body,
		.event = event,
		.done = nothing,
	};
	struct ear *e = calloc(1, sizeof(*e));

	e->http = http_new(&ops, e);
	http_judge(e->http, heard, e);
	return e;
}

static void ear_free(struct ear *e)
{
	http_free(e->http);
	free(e);
}

static void bytes(struct ear *e, enum wire_dir dir, const void *p, size_t n)
{
	struct flow_chunk c = {
		.conn = &e->conn, .dir = dir, .offset = e->offset[dir], .data = str_make(p, n)};

	e->offset[dir] += n;
	http_feed(e->http, &c);
}

static void text(struct ear *e, enum wire_dir dir, const char *z)
{
	bytes(e, dir, z, strlen(z));
}

static void zeros(struct ear *e, enum wire_dir dir, uint64_t n)
{
	static const char none[65536];

	for (; n > 0; n -= n < sizeof(none) ? n : sizeof(none))
		bytes(e, dir, none, n < sizeof(none) ? n : sizeof(none));
}

static void ask(struct ear *e)
{
	text(e, WIRE_WRITE, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
}

/* A response's head, asked for by a request. */
static struct ear *answered(const char *fields)
{
	struct ear *e = ear_new();

	ask(e);
	text(e, WIRE_READ, "HTTP/1.1 200 OK\r\n");
	text(e, WIRE_READ, fields);
	text(e, WIRE_READ, "\r\n");
	return e;
}

static void response_by_length(void **state)
{
	struct ear *e = answered("Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n");

	(void)state;
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_SKIP);
	assert_int_equal(e->last.dir, WIRE_READ);
	/* All but the last byte. */
	assert_int_equal(e->last.until, e->offset[WIRE_READ] + 999999);
	zeros(e, WIRE_READ, 1000000);
	assert_int_equal(e->said, 1);
	/* The next one is judged anew. */
	ask(e);
	text(e, WIRE_READ, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 70000\r\n\r\n");
	assert_int_equal(e->said, 2);
	assert_int_equal(e->last.until, e->offset[WIRE_READ] + 69999);
	ear_free(e);
}

static void response_that_stays(void **state)
{
	static const char *const fields[] = {
		"Content-Type: application/octet-stream\r\nContent-Length: 65536\r\n", /* not worth a word */
		"Content-Type: application/json; charset=utf-8\r\nContent-Length: 1000000\r\n",
		"Content-Type: application/problem+json\r\nContent-Length: 1000000\r\n",
		"Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n",
		"Content-Type: text/html\r\nContent-Length: 1000000\r\n",
		"Content-Type: multipart/mixed; boundary=x\r\nContent-Length: 1000000\r\n",
		"Content-Length: 1000000\r\n",
		"Content-Type: application/vnd.amazon.eventstream\r\nContent-Length: 1000000\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct ear *e = answered(fields[i]);

		if (strstr(fields[i], "eventstream") ==
		    NULL) /* zeros are no such thing, and nobody reads on */
			zeros(e, WIRE_READ, 60000);
		assert_int_equal(e->said, 0);
		ear_free(e);
	}
}

/* A model call's answer is read, whatever its type says; and an event stream however long. */
static void wanted(void **state)
{
	struct ear *e = ear_new();

	(void)state;
	e->wants = true;
	ask(e);
	text(e, WIRE_READ,
	     "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n");
	zeros(e, WIRE_READ, 999999);
	assert_int_equal(e->said, 0);
	ear_free(e);

	e = answered("Content-Type: text/event-stream\r\nContent-Length: 100000000\r\n");
	text(e, WIRE_READ, "data: x\n\n");
	for (int i = 0; i < 600; i++)
		zeros(e, WIRE_READ, 32768), text(e, WIRE_READ, "\n\n");
	assert_int_equal(e->said, 0);
	ear_free(e);
}

/* Beyond what is kept of a body, whatever it is, in both directions. */
static void beyond_the_limit(void **state)
{
	struct ear *e = answered("Content-Type: application/json\r\nContent-Length: 50000000\r\n");
	uint64_t end = e->offset[WIRE_READ] + 50000000;

	(void)state;
	zeros(e, WIRE_READ, LIMIT_BODY_BYTES);
	assert_int_equal(e->said, 0);
	zeros(e, WIRE_READ, 1);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_SKIP);
	assert_int_equal(e->last.until, end - 1);
	ear_free(e);

	e = ear_new();
	text(e, WIRE_WRITE,
	     "POST /up HTTP/1.1\r\nContent-Type: video/mp4\r\nContent-Length: 50000000\r\n\r\n");
	end = e->offset[WIRE_WRITE] + 50000000;
	zeros(e, WIRE_WRITE, LIMIT_BODY_BYTES);
	assert_int_equal(e->said, 0);
	zeros(e, WIRE_WRITE, 1);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.dir, WIRE_WRITE);
	assert_int_equal(e->last.until, end - 1);
	ear_free(e);
}

/* Without a known end: by stretches, bound to what was written. */
static void response_by_chunks(void **state)
{
	struct ear *e = answered("Content-Type: image/gif\r\nTransfer-Encoding: chunked\r\n");
	unsigned said = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		text(e, WIRE_READ, "8000\r\n");
		zeros(e, WIRE_READ, 32768);
		text(e, WIRE_READ, "\r\n");
		if (i < 1)
			assert_int_equal(e->said, 0);
		if (e->said == said)
			continue;
		said = e->said;
		assert_int_equal(e->last.word, HTTP_WORD_READS);
		assert_int_equal(e->last.written, e->offset[WIRE_WRITE]);
		assert_true(e->last.until >= e->offset[WIRE_READ] + (1u << 20) - 8);
	}
	/* 12.5 MB in stretches of 1 MiB, later an eighth. */
	assert_in_range(said, 9, 13);
	ear_free(e);
}

/* Where an answer to another request may follow without a write in between, nothing is left out unseen. */
static void pipelined(void **state)
{
	struct ear *e = ear_new();

	(void)state;
	ask(e);
	ask(e);
	text(e, WIRE_READ,
	     "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n");
	zeros(e, WIRE_READ, 1000000);
	assert_int_equal(e->said, 0);
	ear_free(e);
}

/* ---- what is no HTTP ---- */

static void alien(void **state)
{
	struct ear *e = ear_new();
	char noise[100];

	(void)state;
	memset(noise, 0xe7, sizeof(noise));
	bytes(e, WIRE_WRITE, noise, sizeof(noise));
	bytes(e, WIRE_READ, noise, 63);
	assert_int_equal(e->said, 0);
	bytes(e, WIRE_READ, noise, 1);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_ALL);
	bytes(e, WIRE_READ, noise, 50);
	assert_int_equal(e->said, 1);
	ear_free(e);
}

#define NOISE                                                                                              \
	"\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7" \
	"\xe7\xe7\xe7\xe7\xe7\xe7\xe7\xe7"
#define NOISE_128 NOISE NOISE NOISE NOISE

static void not_alien(void **state)
{
	static const struct str firsts[] = {
		/* of HTTP/2, of which nothing is to be cut either */
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24},
		{"\0\0\x0c\x04\0\0\0\0\0", 9},		/* SETTINGS */
		{"\0\0\x04\x08\0\0\0\0\0\0\1\0\0", 13}, /* WINDOW_UPDATE */
		{"\0\x10\0\0\0\0\0\0\3", 9},		/* DATA that goes on */
		/* and of others */
		{"\x82\x05hello", 7},	       /* WebSocket from a server */
		{"\x81\x85\1\2\3\4hello", 11}, /* and from a client */
		{"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 28},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct ear *e = ear_new();

		bytes(e, WIRE_WRITE, firsts[i].p, firsts[i].n);
		for (int k = 0; k < 4; k++) {
			bytes(e, WIRE_WRITE, NOISE_128, 128);
			bytes(e, WIRE_READ, NOISE_128, 128);
		}
		assert_int_equal(e->said, i < 4);
		assert_true(i >= 4 || e->last.word == HTTP_WORD_WHOLE);
		ear_free(e);
	}
	/* One side alone says nothing: it may be the middle of a body. */
	struct ear *e = ear_new();
	zeros(e, WIRE_READ, 10000000);
	assert_int_equal(e->said, 0);
	ear_free(e);
}

/* Upgraded connections stay, and stay whole. */
static void upgraded(void **state)
{
	struct ear *e = ear_new();

	(void)state;
	text(e, WIRE_WRITE, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	assert_int_equal(e->said, 0);
	text(e, WIRE_READ, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_WHOLE);
	for (int i = 0; i < 100; i++) {
		bytes(e, WIRE_WRITE, NOISE_128, 128);
		bytes(e, WIRE_READ, NOISE_128, 128);
	}
	assert_int_equal(e->said, 1);
	ear_free(e);
}

/* ---- what did not come ---- */

#define GET    "GET /f HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK_TWO "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Behind a CONNECT: TLS is nobody's, anything else is read. */
static void tunnelled(void **state)
{
	static const char *const inside[] = {"\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n",
					     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct ear *e = ear_new();

		text(e, WIRE_WRITE, "CONNECT h:443 HTTP/1.1\r\n\r\n");
		text(e, WIRE_READ, "HTTP/1.1 200 OK\r\n\r\n");
		assert_int_equal(e->said, 0);
		text(e, WIRE_WRITE, inside[i]);
		assert_int_equal(e->said, i != 1);
		if (i != 1)
			assert_int_equal(e->last.word, i == 0 ? HTTP_WORD_ALL : HTTP_WORD_WHOLE);
		zeros(e, WIRE_WRITE, 1000);
		zeros(e, WIRE_READ, 1000);
		assert_int_equal(e->said, i != 1);
		ear_free(e);
	}
}

static void skipped_by_length(void **state)
{
	static const struct step steps[] = {
		SAYS(GET),	   HEARS("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345"),
		SKIPS(GAP_R, 990), HEARS("67890"),
		SAYS(GET),	   HEARS(OK_TWO),
		ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("skipped by length", steps,
		     "begin 1\n"
		     "request 1 GET /f: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"1000\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 1041 body 1000/10 \"12345\"\n"
		     "begin 2\n"
		     "request 2 GET /f: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"2\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @1041 wire 40 body 2/2 \"ok\"\n");
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"

/* The end of a chunked body was left out: the next write ends it, and the next answer is read from its first byte. */
static void skipped_chunks(void **state)
{
	static const struct step steps[] = {SAYS(GET),	   HEARS(CHUNKED), SAYS(GET), SKIPS(GAP_R, 5000),
					    HEARS(OK_TWO), ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("skipped chunks", steps,
		     "begin 1\n"
		     "request 1 GET /f: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "begin 2\n"
		     "request 2 GET /f: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 5057 body 5005/5 \"12345\"\n"
		     "response 2 200: Content-Length=\"2\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @5057 wire 40 body 2/2 \"ok\"\n");
}

/* Between two stretches a call was seen, whose bytes are the body's; what follows the last one is the next answer's. */
static void skipped_stretches(void **state)
{
	static const struct step steps[] = {SAYS(GET),		HEARS(CHUNKED),
					    SKIPS(GAP_R, 3000), HEARS("xx\r\n99\r\nHTTP/1.1 200 OK\r\n"),
					    SKIPS(GAP_R, 2000), HEARS("\r\n0\r\n\r\n"),
					    SAYS(GET),		HEARS(OK_TWO),
					    ENDS(FREED),	ENDS(END)};

	(void)state;
	script_check("skipped stretches", steps,
		     "begin 1\n"
		     "request 1 GET /f: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "begin 2\n"
		     "request 2 GET /f: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 5089 body 5037/37 \"12345\"\n"
		     "response 2 200: Content-Length=\"2\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @5089 wire 40 body 2/2 \"ok\"\n");
}

/* A stretch inside one chunk leaves the framing whole. */
static void skipped_inside_a_chunk(void **state)
{
	static const struct step steps[] = {
		SAYS(GET),	   HEARS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n12345"),
		SKIPS(GAP_R, 995), HEARS("\r\n0\r\n\r\n"),
		ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("skipped inside a chunk", steps,
		     "begin 1\n"
		     "request 1 GET /f: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 1059 body 1000/5 \"12345\"\n");
}

/* Nothing follows: the connection's end, or its process's, ends the body, and nobody is to blame. */
static void skipped_to_the_end(void **state)
{
	static const struct step freed[] = {SAYS(GET), HEARS(CHUNKED), SKIPS(GAP_R, 5000), ENDS(FREED),
					    ENDS(END)};
	static const struct step exited[] = {SAYS(GET), HEARS(CHUNKED), SKIPS(GAP_R, 5000), ENDS(EXITED),
					     ENDS(END)};
	static const char want[] = "begin 1\n"
				   "request 1 GET /f: Host=\"a\"\n"
				   "asked 1\n"
				   "response 1 200: Transfer-Encoding=\"chunked\"\n"
				   "body 1\n"
				   "done 1 DONE\n"
				   "  req @0 wire 28 body 0/0 \"\"\n"
				   "  res unkept @0 wire 5057 body 5005/5 \"12345\"\n";

	(void)state;
	script_check("skipped to the end", freed, want);
	script_check("skipped to the exit", exited, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(response_by_length),
		cmocka_unit_test(response_that_stays),
		cmocka_unit_test(wanted),
		cmocka_unit_test(beyond_the_limit),
		cmocka_unit_test(response_by_chunks),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(alien),
		cmocka_unit_test(not_alien),
		cmocka_unit_test(upgraded),
		cmocka_unit_test(tunnelled),
		cmocka_unit_test(skipped_by_length),
		cmocka_unit_test(skipped_chunks),
		cmocka_unit_test(skipped_stretches),
		cmocka_unit_test(skipped_inside_a_chunk),
		cmocka_unit_test(skipped_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
