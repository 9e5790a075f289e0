/* SPDX-License-Identifier: BSD-2-Clause */
#include "script.h"

#include "base/limits.h"
#include "http/sse.h"

#define GET  "GET / HTTP/1.1\r\n\r\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

static void lines_ends(void **state)
{
	static const struct step steps[] = {SAYS(GET),
					    HEARS(HEAD "data: lf\n\ndata: crlf\r\n\r\ndata: cr\r\rdata: "
						       "mixed\r\n\ndata: x\n\r\ndata: y\r\r\n\r\n"),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("line ends", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 \"lf\"\n"
		     "event 1 \"crlf\"\n"
		     "event 1 \"cr\"\n"
		     "event 1 \"mixed\"\n"
		     "event 1 \"x\"\n"
		     "event 1 \"y\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 122 body 70/70 \"\"\n");
}

static void lines_fields(void **state)
{
	static const struct step steps[] = {
		SAYS(GET),
		HEARS(HEAD "\xef\xbb\xbf: OPENROUTER PROCESSING\n\nid: 7\nevent: a\ndata:no space\ndata:  "
			   "two spaces\ndata\nretry: 10\nother: x\nDATA: no\n\n"
			   "event: named\n\nid: 8\n\n:\n\ndata:\n\ndata: \xe2\x82\xac {\"pad\": 1}   \n\n"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("fields", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 a \"no space\\n two spaces\\n\" id 7\n"
		     "event 1 named \"\"\n"
		     "event 1 \"\"\n"
		     "event 1 \"\\xe2\\x82\\xac {\"pad\": 1}   \"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 217 body 165/165 \"\"\n");
}

static void lines_unfinished(void **state)
{
	static const struct step steps[] = {SAYS(GET), HEARS(HEAD "data: 1\n\nevent: last\ndata: [DONE]"),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("no line end at the end", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "event 1 last \"[DONE]\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 85 body 33/33 \"\"\n");
}

static void lines_unfinished_event(void **state)
{
	static const struct step steps[] = {SAYS(GET), HEARS(HEAD "data: 1\n\ndata: [DONE]\n"), ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("no empty line at the end", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "event 1 \"[DONE]\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 74 body 22/22 \"\"\n");
}

static void lines_cut(void **state)
{
	static const struct step steps[] = {SAYS(GET), HEARS(HEAD "data: 1\n\ndata: 2\ndata: {\"ha"),
					    ENDS(EXITED), ENDS(END)};

	(void)state;
	script_check("cut in a line", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 \"1\"\n"
		     "event 1 \"2\"\n"
		     "done 1 ABORTED\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 79 body 27/27 \"\"\n");
}

static void lines_again(void **state)
{
	static const struct step steps[] = {
		SAYS(GET), HEARS(HEAD "event: a\nevent: b\nid: 1\nid: 2\ndata: x\n\ndata: y\n\n"),
		ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("the last of a field counts", steps,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 b \"x\" id 2\n"
		     "event 1 \"y\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 100 body 48/48 \"\"\n");
}

static void plain(void **state)
{
	static const struct step json[] = {SAYS(GET), HEARS(HEAD "\r\n  [{\"error\": {\"code\": 400}}]\n"),
					   ENDS(FREED), ENDS(END)};
	static const struct step object[] = {SAYS(GET), HEARS(HEAD "{\n\n}"), ENDS(FREED), ENDS(END)};
	static const struct step blank[] = {SAYS(GET), HEARS(HEAD "\n\r\n \n"), ENDS(FREED), ENDS(END)};
	static const struct step late[] = {SAYS(GET), HEARS(HEAD "\n\n\ndata: {\n\n"), ENDS(FREED),
					   ENDS(END)};
	static const struct step empty[] = {
		SAYS(GET),
		HEARS("HTTP/1.1 500 x\r\nContent-Type: TEXT/Event-Stream ; a=b\r\nContent-Length: 0\r\n\r\n"),
		ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("JSON that calls itself a stream", json,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res @0 wire 83 body 31/31 \"\\r\\n  [{\"error\": {\"code\": 400}}]\\n\"\n");
	script_check("an object", object,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res @0 wire 56 body 4/4 \"{\\n\\n}\"\n");
	script_check("white space only", blank,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 57 body 5/5 \"\"\n");
	script_check("stream after empty lines", late,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 200: Content-Type=\"text/event-stream\"\n"
		     "body 1\n"
		     "event 1 \"{\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 64 body 12/12 \"\"\n");
	script_check("empty stream", empty,
		     "begin 1\n"
		     "request 1 GET /:\n"
		     "asked 1\n"
		     "response 1 500: Content-Type=\"TEXT/Event-Stream ; a=b\" Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 18 body 0/0 \"\"\n"
		     "  res unkept @0 wire 76 body 0/0 \"\"\n");
}

static uint64_t events, event_bytes;

static void count(void *ctx, const struct http_event *ev)
{
	(void)ctx;
	events++;
	event_bytes = ev->data.n;
}

/* A line of exactly the limit is read, one byte more is not; the next event is. */
static void line_limit(void **state)
{
	size_t n = LIMIT_SSE_LINE_BYTES;
	char *line = malloc(n + 3);

	(void)state;
	memset(line, 'x', n + 3);
	memcpy(line, "data: ", 6);
	for (int beyond = 0; beyond < 2; beyond++)
		for (size_t step = 1000; step < 2 * n; step = step * 100 + 1) {
			autodrop(drop_http_sse) struct http_sse *s =
				http_sse_new((struct http_frames_ops){count, NULL});
			size_t at = 0, total = n + (size_t)beyond, wrong = 0, pos;

			events = 0;
			for (pos = 0; pos < total; pos += step)
				if (http_sse_feed(s, str_head(str_make(line + pos, total - pos), step), 1,
						  &at) < 0)
					wrong = pos + at;
			assert_int_equal(http_sse_feed(s, STR("\n\n"), 1, &at), 0);
			assert_int_equal(events, !beyond);
			assert_int_equal(wrong, beyond ? n : 0);
			assert_int_equal(http_sse_feed(s, STR("data: 1\n\n"), 1, &at), 0);
			assert_int_equal(events, 1 + !beyond);
			assert_int_equal(event_bytes, 1);
		}
	free(line);
}

/* Many short lines of one event: bounded too. */
static void event_limit(void **state)
{
	autodrop(drop_http_sse) struct http_sse *s = http_sse_new((struct http_frames_ops){count, NULL});
	char line[1008];
	size_t at;
	uint64_t wrong = 0;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "data: ", 6);
	line[sizeof(line) - 1] = '\n';
	events = 0;
	for (size_t n = 0; n < 2 * (size_t)LIMIT_BODY_BYTES; n += sizeof(line))
		wrong += http_sse_feed(s, str_make(line, sizeof(line)), 1, &at) < 0;
	assert_int_equal(wrong, 1);
	assert_int_equal(http_sse_feed(s, STR("\ndata: 1\n\n"), 1, &at), 0);
	assert_int_equal(events, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_ends),
		cmocka_unit_test(lines_fields),
		cmocka_unit_test(lines_unfinished),
		cmocka_unit_test(lines_unfinished_event),
		cmocka_unit_test(lines_cut),
		cmocka_unit_test(lines_again),
		cmocka_unit_test(plain),
		cmocka_unit_test(line_limit),
		cmocka_unit_test(event_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
