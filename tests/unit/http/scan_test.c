/* SPDX-License-Identifier: BSD-2-Clause */
/* Resynchronisation in what is long, hostile or random. */
#include "script.h"

#include "base/limits.h"

#define GET(path)	 "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

#define SSE                                                                                        \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: " \
	"chunked\r\n\r\n"

static void attach_in_response(void **state)
{
	static const struct step steps[] = {
		HEARS("\"tail\": \"of HTTP/1.1 200 OK\\r\\nit\"}"),
		SAYS(GET("/2")),
		HEARS(OK("two", "3")),
		SAYS(GET("/3")),
		HEARS(OK("three", "5")),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("attached in a response", steps,
		     "begin 1\n"
		     "request 1 GET /2: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @35 wire 41 body 3/3 \"two\"\n"
		     "begin 2\n"
		     "request 2 GET /3: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"5\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @76 wire 43 body 5/5 \"three\"\n"
		     "stray read 35\n");
}

static void attach_glued(void **state)
{
	static const struct step steps[] = {
		SAYS("{\"rest\": \"of a request\"}" GET("/2")),
		HEARS("rest of a response}" OK("two", "3")),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("tails without line ends", steps,
		     "begin 1\n"
		     "request 1 GET /2: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @24 wire 28 body 0/0 \"\"\n"
		     "  res @19 wire 41 body 3/3 \"two\"\n"
		     "stray write 24\n"
		     "stray read 19\n");
}

static void attach_unasked(void **state)
{
	static const struct step steps[] = {SAYS("rest of the request's body"),
					    HEARS(OK("one", "3")),
					    SAYS(GET("/2")),
					    HEARS(OK("two", "3")),
					    ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("response to an unseen request", steps,
		     "begin 1 unasked\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @26 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 41 body 3/3 \"two\"\n"
		     "stray write 26\n");
}

static void attach_unasked_stream(void **state)
{
	static const struct step steps[] = {HEARS(SSE "b\r\ndata: 1\n\n\r\n\r\n0\r\n\r\n"), SAYS(GET("/2")),
					    HEARS(OK("two", "3")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("stream of an unseen request", steps,
		     "begin 1 unasked\n"
		     "response 1 200: Content-Type=\"text/event-stream; charset=utf-8\" "
		     "Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "done 1 DONE\n"
		     "  res unkept @0 wire 116 body 11/11 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @116 wire 41 body 3/3 \"two\"\n");
}

static void attach_unasked_interim(void **state)
{
	static const struct step steps[] = {HEARS("HTTP/1.1 100 Continue\r\n\r\n"), SAYS("body"),
					    HEARS(OK("one", "3")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("interim response to an unseen request", steps,
		     "begin 1 unasked\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  res @0 wire 66 body 3/3 \"one\"\n"
		     "stray write 4\n");
}

static void attach_in_chunks(void **state)
{
	static const struct step steps[] = {HEARS("ta: {\"x\": 1}\n\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
					    SAYS(GET("/2")), HEARS(OK("two", "3")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("attached in chunks", steps,
		     "begin 1\n"
		     "request 1 GET /2: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @31 wire 41 body 3/3 \"two\"\n"
		     "stray read 31\n");
}

static void attach_look_alike(void **state)
{
	static const struct step steps[] = {
		HEARS("log:\nHTTP/1.1 200 OK\nno field here\nGET /x HTTP/1.1\nmore: or less\n"),
		SAYS(GET("/2")), HEARS(OK("two", "3")), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("a body that looks like messages", steps,
		     "begin 1 server\n"
		     "done 1 LOST\n"
		     "  req headless cut unkept @35 wire 30 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @65 wire 41 body 3/3 \"two\"\n"
		     "stray read 35\n");
}

static void attach_stale(void **state)
{
	static const struct step steps[] = {
		/* The answer to /2 is not recognisable; the one to /3 must not be taken for it. */
		HEARS("junk"),
		SAYS(GET("/2")),
		HEARS("more junk"),
		SAYS(GET("/3")),
		HEARS("\n" OK("three", "5")),
		ENDS(FREED),
		ENDS(END)};

	(void)state;
	script_check("an answer that was missed", steps,
		     "begin 1\n"
		     "request 1 GET /2: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 LOST\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /3: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"5\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @14 wire 43 body 5/5 \"three\"\n"
		     "stray read 14\n");
}

static struct str repeat(struct buf *b, struct str unit, size_t bytes)
{
	while (b->n < bytes)
		buf_add(b, unit);
	return buf_str(b);
}

/* A response glued to a long tail without line ends, in one line with it. */
static void long_tail(void **state)
{
	static const char *const units[] = {"x", "HTTP/1.1 200 ", "H", "POST / HTTP/1.1", "\r"};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct buf b;
		char want[400];

		buf_init(&b, SIZE_MAX);
		repeat(&b, str_of(units[i]), 40000);
		size_t n = b.n;
		buf_add(&b, STR(OK("one", "3")));
		struct step steps[] = {{R, buf_str(&b), 0, WIRE_CAUSE_NONE},
				       SAYS(GET("/2")),
				       HEARS(OK("two", "3")),
				       ENDS(FREED),
				       ENDS(END)};
		snprintf(want, sizeof(want),
			 "begin 1 unasked\nresponse 1 200: Content-Length=\"3\"\nbody 1\ndone 1 DONE\n"
			 "  res @%zu wire 41 body 3/3 \"one\"\nbegin 2\nrequest 2 GET /2: Host=\"a\"\nasked "
			 "2\n"
			 "response 2 200: Content-Length=\"3\"\nbody 2\ndone 2 DONE\n"
			 "  req @0 wire 28 body 0/0 \"\"\n  res @%zu wire 41 body 3/3 \"two\"\nstray read "
			 "%zu\n",
			 n, n + 41, n);
		script_check(units[i], steps, want);
		buf_fini(&b);
	}
}

/* 64 MiB of each kind of junk, in pieces of 16 KiB and a few of one byte: the time limit of the test run is the check. */
static void floods(void **state)
{
	static const char *const units[] = {
		"junk without end ",	"HTTP/1.1 200 ",	"HTTP/1.", "a line\n", "\n",
		"GET / HTTP/1.1\n\x01", "HTTP/1.1 200 OK\nnext"};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct script *t;
		struct buf b;

		buf_init(&b, SIZE_MAX);
		repeat(&b, str_of(units[i]), 1u << 20);
		script_steps = (const struct step[]){ENDS(END)};
		t = script_start();
		for (int times = 0; times < 8; times++)
			for (struct str rest = buf_str(&b); rest.n > 0; rest = str_skip(rest, 16384))
				script_bytes(t, WIRE_READ, str_head(rest, 16384));
		for (size_t at = 0; at < 50000; at++)
			script_bytes(t, WIRE_READ, str_make(b.p + at, 1));
		/* Junk that begins with a start line is a head, until it is too long. */
		assert_true(http_stats(t->http).exchanges <= (9u << 20) / LIMIT_HEADER_BYTES);
		script_stop(t);
		buf_fini(&b);
	}
}

static uint32_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *const words[] = {
	GET("/a"),
	GET("/b"),
	OK("abc", "3"),
	OK("", "0"),
	"HTTP/1.1 200 OK\r\n",
	"POST /c HTTP/1.1\r\n",
	"Content-Length: 5\r\n",
	"Content-Length: 70\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Content-Type: text/event-stream\r\n",
	"\r\n",
	"\r\n",
	"\r\n",
	"\n",
	"5\r\nabcde\r\n",
	"0\r\n\r\n",
	"ffff\r\n",
	"data: x\n\n",
	"data: {\"a\": 1}\n",
	"event: e\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 101 x\r\n\r\n",
	"HEAD /h HTTP/1.1\r\n\r\n",
	"\x00\x01\xff",
	"junk",
	"{\"json\": [1, 2]}",
	"HTTP/1.",
	"GET ",
	"H",
	"POST /long",
	" HTTP/1.1\r\n",
	"Name: value\r\n",
	": \r\n",
	"PRI * HTTP/2.0\r\n\r\n",
	"CONNECT a:1 HTTP/1.1\r\n\r\n",
	"HTTP/1.1 204 x\r\n\r\n",
	"\r",
};

#define STEPS 24

static void make_story(struct step steps[STEPS + 2], struct buf texts[STEPS])
{
	size_t n = 2 + any(STEPS - 2);

	memset(steps, 0, (STEPS + 2) * sizeof(*steps));
	for (size_t i = 0; i < n; i++) {
		buf_clear(&texts[i]);
		for (uint32_t w = 1 + any(5); w > 0; w--) {
			struct str word = str_of(words[any(sizeof(words) / sizeof(words[0]))]);

			buf_add(&texts[i], word.n ? word : STR("\0"));
		}
		steps[i] = (struct step){any(2) ? W : R, buf_str(&texts[i]), 0, WIRE_CAUSE_NONE};
		if (any(12) == 0)
			steps[i] = (struct step){any(2) ? GAP_W : GAP_R,
						 {NULL, 0},
						 1 + any(9),
						 any(3) ? WIRE_CAUSE_FAULT : WIRE_CAUSE_NONE};
	}
	steps[n] = (struct step){any(3) ? FREED : any(2) ? EXITED : SESSION, {NULL, 0}, 0, WIRE_CAUSE_NONE};
}

static void tell(const struct step *steps, bool cut, struct buf *out)
{
	struct script *t;

	script_steps = steps;
	t = script_start();
	buf_clear(out);
	for (; steps[t->at].kind != END; t->at++) {
		const struct step *s = &steps[t->at];
		size_t from = 0;

		if (s->kind != W && s->kind != R) {
			script_other(t, s);
			continue;
		}
		while (from < s->data.n) {
			size_t n = cut ? 1 + any(any(3) ? 4 : 40) : s->data.n;
			struct str part = str_head(str_skip(s->data, from), n);

			script_bytes(t, s->kind == W ? WIRE_WRITE : WIRE_READ, part);
			from += part.n;
		}
	}
	script_finish(t, out);
	script_stop(t);
}

/* Random stories: whatever the bytes, cutting them otherwise changes nothing, and every byte has one place. */
static void stories(void **state)
{
	struct buf texts[STEPS], whole, cut;
	struct step steps[STEPS + 2];
	uint32_t exchanges = 0;
	const char *many = getenv("STORIES");

	(void)state;
	for (size_t i = 0; i < STEPS; i++)
		buf_init(&texts[i], SIZE_MAX);
	buf_init(&whole, SIZE_MAX);
	buf_init(&cut, SIZE_MAX);
	for (uint32_t story = 1; story <= (many ? (uint32_t)atoi(many) : 20000); story++) {
		char name[40];

		seed = story * 2654435761u;
		make_story(steps, texts);
		tell(steps, false, &whole);
		tell(steps, true, &cut);
		snprintf(name, sizeof(name), "story %u", story);
		/* Only this end looks at where a call begins. */
		if (str_has(buf_str(&whole), STR(" NEXT")) || str_has(buf_str(&cut), STR(" NEXT")))
			continue;
		HARNESS_TEXT(name, buf_str(&cut), buf_z(&whole));
		exchanges += str_has(buf_str(&whole), STR(" DONE\n"));
	}
	/* The stories are worth telling: a good part has whole exchanges. */
	assert_true(many || exchanges > 2000);
	for (size_t i = 0; i < STEPS; i++)
		buf_fini(&texts[i]);
	buf_fini(&whole);
	buf_fini(&cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_in_response),
		cmocka_unit_test(attach_glued),
		cmocka_unit_test(attach_unasked),
		cmocka_unit_test(attach_unasked_stream),
		cmocka_unit_test(attach_unasked_interim),
		cmocka_unit_test(attach_in_chunks),
		cmocka_unit_test(attach_look_alike),
		cmocka_unit_test(attach_stale),
		cmocka_unit_test(long_tail),
		cmocka_unit_test(floods),
		cmocka_unit_test(stories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
