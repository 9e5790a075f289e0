/* SPDX-License-Identifier: BSD-2-Clause */
/* Gaps, and the door's own duties. */
#include "script.h"

#include "base/limits.h"

#define GET(path)	 "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define CHUNKS		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void gap_loses_beyond_chunk(void **state)
{
	static const struct step steps[] = {
		SAYS(GET("/1")), HEARS(CHUNKS "a\r\nabc"), LOSES(GAP_R, 9), HEARS("5\r\nabcde\r\n0\r\n\r\n"),
		SAYS(GET("/2")), HEARS(OK("two", "3")),	   ENDS(FREED),	    ENDS(END)};

	(void)state;
	script_check("gap beyond a chunk", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Transfer-Encoding=\"chunked\"\n"
		     "body 1\n"
		     "done 1 LOST gap read@53+9\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res cut unkept @0 wire 53 body 3/3 \"abc\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @77 wire 41 body 3/3 \"two\"\n"
		     "stray read 15\n");
}

static void gap_loses_in_head(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")),  HEARS("HTTP/1.1 200 OK\r\nConte"),
					    LOSES(GAP_R, 20), HEARS(": x\r\n\r\nbody"),
					    SAYS(GET("/2")),  HEARS(OK("two", "3")),
					    ENDS(FREED),      ENDS(END)};

	(void)state;
	script_check("gap in a head", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 LOST gap read@22+20\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res headless cut unkept @0 wire 22 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @53 wire 41 body 3/3 \"two\"\n"
		     "stray read 11\n");
}

static void gap_loses_in_status(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), HEARS("HTTP/1.1 2"),   LOSES(GAP_R, 20),
					    SAYS(GET("/2")), HEARS(OK("two", "3")), ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("gap in a status line", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 LOST gap read@10+20\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res headless cut unkept @0 wire 10 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @30 wire 41 body 3/3 \"two\"\n");
}

static void gap_loses_in_request_head(void **state)
{
	static const struct step steps[] = {SAYS("POST /1 HTTP/1.1\r\nContent-"),
					    LOSES(GAP_W, 30),
					    SAYS("body"),
					    HEARS(OK("one", "3")),
					    SAYS(GET("/2")),
					    HEARS(OK("two", "3")),
					    ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("gap in a request's head", steps,
		     "begin 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 LOST gap write@26+30\n"
		     "  req headless cut unkept @0 wire 26 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @60 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 41 body 3/3 \"two\"\n"
		     "stray write 4\n");
}

static void gap_loses_in_request_line(void **state)
{
	static const struct step steps[] = {SAYS("POST /1 HT"),	   LOSES(GAP_W, 30), SAYS("body"),
					    HEARS(OK("one", "3")), SAYS(GET("/2")),  HEARS(OK("two", "3")),
					    ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("gap in a request line", steps,
		     "begin 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 LOST gap write@10+30\n"
		     "  req headless cut unkept @0 wire 10 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @44 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 41 body 3/3 \"two\"\n"
		     "stray write 4\n");
}

static void gap_loses_in_request_chunks(void **state)
{
	static const struct step steps[] = {
		SAYS("POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab"),
		LOSES(GAP_W, 30),
		HEARS(OK("one", "3")),
		SAYS(GET("/2")),
		HEARS(OK("two", "3")),
		ENDS(FREED),
		ENDS(END)};

	(void)state;
	script_check("gap in a request's chunks", steps,
		     "begin 1\n"
		     "request 1 POST /1: Transfer-Encoding=\"chunked\"\n"
		     "asked 1 cut\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 LOST gap write@53+30\n"
		     "  req cut unkept @0 wire 53 body 2/2 \"ab\"\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @83 wire 28 body 0/0 \"\"\n"
		     "  res @41 wire 41 body 3/3 \"two\"\n");
}

static void gap_between_whole_response(void **state)
{
	static const struct step steps[] = {/* A gap is told of when something comes after it. */
					    SAYS(GET("/1")),	   SAYS(GET("/2")), LOSES(GAP_R, 50),
					    HEARS(OK("two", "3")), SAYS(GET("/3")), HEARS(OK("three", "5")),
					    ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("gap hides a response", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 LOST gap read@0+50\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @50 wire 41 body 3/3 \"two\"\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @56 wire 28 body 0/0 \"\"\n"
		     "  res @91 wire 43 body 5/5 \"three\"\n");
}

static void gap_between_two_responses(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")),   SAYS(GET("/2")),		SAYS(GET("/3")),
					    LOSES(GAP_R, 100), HEARS(OK("three", "5")), ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("gap hides two responses", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "done 1 LOST gap read@0+100\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "done 2 LOST\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @56 wire 28 body 0/0 \"\"\n"
		     "  res @100 wire 43 body 5/5 \"three\"\n");
}

static void gap_between_response_begins(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")), LOSES(GAP_R, 50),	    HEARS("rest of one"),
					    SAYS(GET("/2")), HEARS(OK("two", "3")), ENDS(FREED),
					    ENDS(END)};

	(void)state;
	script_check("gap hides a response's beginning", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "done 1 LOST gap read@0+50\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "  res @61 wire 41 body 3/3 \"two\"\n"
		     "stray read 11\n");
}

static void gap_between_spans(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")),	     HEARS(OK("on", "3")), SAYS(GET("/2")),
					    LOSES(GAP_R, 50),	     HEARS("rest of two"), SAYS(GET("/3")),
					    HEARS(OK("three", "5")), ENDS(FREED),	   ENDS(END)};

	(void)state;
	script_check("gap over two responses", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 DONE gap read@40+50\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res unkept @0 wire 41 body 3/2 \"on\"\n"
		     "done 2 LOST\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @56 wire 28 body 0/0 \"\"\n"
		     "  res @101 wire 43 body 5/5 \"three\"\n"
		     "stray read 11\n");
}

static void gap_between_whole_request(void **state)
{
	static const struct step steps[] = {
		SAYS(GET("/1")), HEARS(OK("one", "3")),	  LOSES(GAP_W, 50), HEARS(OK("two", "3")),
		SAYS(GET("/3")), HEARS(OK("three", "5")), ENDS(FREED),	    ENDS(END)};

	(void)state;
	script_check("gap hides a request", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "  res @0 wire 41 body 3/3 \"one\"\n"
		     "stray gap write@28+50\n"
		     "begin 2 unasked\n"
		     "response 2 200: Content-Length=\"3\"\n"
		     "body 2\n"
		     "done 2 DONE\n"
		     "  res @41 wire 41 body 3/3 \"two\"\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @78 wire 28 body 0/0 \"\"\n"
		     "  res @82 wire 43 body 5/5 \"three\"\n");
}

static void gap_between_first(void **state)
{
	static const struct step steps[] = {
		LOSES(GAP_W, 10), LOSES(GAP_R, 10), SAYS(GET("/1")), HEARS(OK("one", "3")),
		LOSES(GAP_W, 1),  ENDS(FREED),	    ENDS(END)};

	(void)state;
	script_check("gap first", steps,
		     "stray gap write@0+10\n"
		     "stray gap read@0+10\n"
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"3\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @10 wire 28 body 0/0 \"\"\n"
		     "  res @10 wire 41 body 3/3 \"one\"\n"
		     "stray gap write@38+1\n");
}

static void gap_between_tail_of_second(void **state)
{
	static const struct step steps[] = {SAYS(GET("/1")),	  SAYS(GET("/2")), LOSES(GAP_R, 70),
					    HEARS("rest of two"), SAYS(GET("/3")), HEARS(OK("three", "5")),
					    ENDS(FREED),	  ENDS(END)};

	(void)state;
	script_check("gap to the middle of the second", steps,
		     "begin 1\n"
		     "request 1 GET /1: Host=\"a\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2: Host=\"a\"\n"
		     "asked 2\n"
		     "done 1 LOST gap read@0+70\n"
		     "  req @0 wire 28 body 0/0 \"\"\n"
		     "done 2 LOST\n"
		     "  req @28 wire 28 body 0/0 \"\"\n"
		     "begin 3\n"
		     "request 3 GET /3: Host=\"a\"\n"
		     "asked 3\n"
		     "response 3 200: Content-Length=\"5\"\n"
		     "body 3\n"
		     "done 3 DONE\n"
		     "  req @56 wire 28 body 0/0 \"\"\n"
		     "  res @81 wire 43 body 5/5 \"three\"\n"
		     "stray read 11\n");
}

/* Offsets that jump without a word are a gap without a cause. */
static void silent_gap(void **state)
{
	struct script *t;

	(void)state;
	script_steps = (const struct step[]){ENDS(END)};
	t = script_start();
	script_bytes(t, WIRE_WRITE, STR(GET("/1")));
	script_bytes(t, WIRE_READ, STR(OK("abc", "10")));
	t->offset[WIRE_READ] += 4;
	script_bytes(t, WIRE_READ, STR("hij"));
	script_other(t, &(struct step)ENDS(FREED));
	HARNESS_TEXT(
		"silent gap", buf_str(&t->out),
		"begin 1\nrequest 1 GET /1: Host=\"a\"\nasked 1\nresponse 1 200: Content-Length=\"10\"\nbody "
		"1\n"
		"done 1 DONE\n  req @0 wire 28 body 0/0 \"\"\n  res unkept @0 wire 49 body 10/6 \"abc\"\n");
	struct http_stats stats = http_stats(t->http);
	assert_int_equal(stats.exchanges, 1);
	assert_int_equal(stats.broken, 0);
	assert_int_equal(stats.stray_bytes, 0);
	t->gaps = true;
	script_stop(t);
}

/* Two connections at once, both open when all is freed. */
static void two_connections(void **state)
{
	struct script t = {.closed = false};
	struct flow_conn a = {.id = 1}, b = {.id = 2};
	struct http_ops ops = script_ops;

	(void)state;
	ops.stray = NULL;
	buf_init(&t.out, SIZE_MAX);
	struct http *h = http_new(&ops, &t);
	struct flow_chunk chunk = {
		.conn = &a, .dir = WIRE_WRITE, .data = STR("POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n")};
	http_feed(h, &chunk);
	chunk.conn = &b;
	chunk.data = STR("POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
	http_feed(h, &chunk);
	chunk.offset = chunk.data.n;
	chunk.data = STR("bbbb");
	http_feed(h, &chunk);
	chunk.conn = &a;
	chunk.data = STR("aa");
	http_feed(h, &chunk);
	HARNESS_TEXT("two connections", buf_str(&t.out),
		     "begin 1\nrequest 1 POST /a: Content-Length=\"4\"\nbegin 1\n"
		     "request 1 POST /b: Content-Length=\"4\"\nasked 1\n");
	http_close(h, &b, FLOW_END_FREED, 1);
	assert_null(b.user);
	assert_true(str_has(buf_str(&t.out), STR("done 1 CLOSED\n  req @0 wire 43 body 4/4 \"bbbb\"\n")));
	http_free(h);
	buf_fini(&t.out);
}

/* ---- recordings ---- */

static struct str feed_recorded(struct http *h, struct flow_conn *conn, enum wire_dir dir, struct str data,
				uint64_t offset[WIRE_DIRS])
{
	size_t n = http_reach(conn, dir, data);
	struct flow_chunk chunk = {
		.conn = conn, .dir = dir, .offset = offset[dir], .data = str_head(data, n)};

	assert_true(n > 0 && n <= data.n);
	http_feed(h, &chunk);
	offset[dir] += n;
	return str_skip(data, n);
}

/* Chunks that are not the last one are one piece, whatever stands in them; what is no plain size line ends it. */
static void chunks_are_one_piece(void **state)
{
	static const struct {
		const char *behind;
		size_t reach;
	} rows[] = {
		{"abc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 3},
		{"abc\r\n2\r\nx\n\r\n0\r\n\r\n", 10},
		{"abc\r\n2\r\nxy\r\nA\r\n0123\n56789\r\n00\r\n\r\n", 25},
		{"abc\n2\nxy\n0\n\n", 8},
		{"abc\r\n2;a=b\r\nxy\r\n0\r\n\r\n", 3},
		{"abc\r\n02\r\nxy\r\n0\r\n\r\n", 11},
		{"abc\r\nffffffffffffffff\r\nxy", 3},
		{"abc\r\nffffffffffff\r\nxy", 21},
		{"abc\r\n100000\r\nxyz", 16},
		{"abc\r\n2\r", 3},
		{"abc\r", 3},
		{"ab", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script t = {0};
		struct flow_conn conn = {.id = 1};
		struct http *h = http_new(&script_ops, &t);
		uint64_t offset[WIRE_DIRS] = {0};

		buf_init(&t.out, 1 << 20);
		(void)feed_recorded(h, &conn, WIRE_WRITE, STR("POST /1 HTTP/1.1\r\n"), offset);
		(void)feed_recorded(h, &conn, WIRE_WRITE, STR("Content-Length: 0\r\n"), offset);
		(void)feed_recorded(h, &conn, WIRE_WRITE, STR("\r\n"), offset);
		for (struct str head = STR(CHUNKS "3\r\n"); head.n > 0;)
			head = feed_recorded(h, &conn, WIRE_READ, head, offset);
		size_t reach = http_reach(&conn, WIRE_READ, str_of(rows[i].behind));

		if (reach != rows[i].reach)
			fail_msg("row %zu: %zu, not %zu", i, reach, rows[i].reach);
		http_close(h, &conn, FLOW_END_FREED, 1);
		http_free(h);
		buf_fini(&t.out);
	}
}

/* More exchanges than may wait, each direction in one piece: no answer comes after the next request, no piece goes
 * beyond a message. */
static void recordings_are_put_in_order(void **state)
{
	struct script t = {0};
	struct flow_conn conn = {.id = 1};
	struct http *h = http_new(&script_ops, &t);
	struct buf says, hears, want;
	uint64_t offset[WIRE_DIRS] = {0};

	(void)state;
	buf_init(&says, 1 << 20);
	buf_init(&hears, 1 << 20);
	buf_init(&want, 1 << 20);
	buf_init(&t.out, 1 << 20);
	for (unsigned i = 1; i <= LIMIT_PIPELINED + 2; i++) {
		buf_addf(&says, "POST /%u HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\nc", i);
		if (i % 2)
			buf_addf(&hears, CHUNKS "3\r\na\nb\r\n2\r\n\r\n\r\n1;x\r\ny\r\n0\r\nX: 1\r\n\r\n");
		else
			buf_addf(&hears, OK("x\ny", "3"));
	}
	struct str w = buf_str(&says), r = buf_str(&hears);
	assert_false(http_awaits_answer(&conn));
	while (w.n > 0 || r.n > 0) {
		if (!http_awaits_answer(&conn) && w.n > 0)
			w = feed_recorded(h, &conn, WIRE_WRITE, w, offset);
		else
			r = feed_recorded(h, &conn, WIRE_READ, r, offset);
	}
	assert_false(http_awaits_answer(&conn));
	for (unsigned i = 1; i <= LIMIT_PIPELINED + 2; i++) {
		struct str told = buf_str(&t.out);

		buf_clear(&want);
		buf_addf(&want, "asked %u\n", i);
		ptrdiff_t asked = str_find(told, buf_str(&want));
		buf_clear(&want);
		buf_addf(&want, "done %u DONE\n", i);
		ptrdiff_t done = str_find(told, buf_str(&want));
		buf_clear(&want);
		buf_addf(&want, "begin %u\n", i + 1);
		ptrdiff_t next = str_find(told, buf_str(&want));
		assert_true(asked >= 0 && asked < done && (next < 0 || done < next));
	}
	http_close(h, &conn, FLOW_END_FREED, 1);
	http_free(h);
	buf_fini(&says);
	buf_fini(&hears);
	buf_fini(&want);
	buf_fini(&t.out);
}

/* HEADERS without a byte, then the same stream's in earnest; the second says that it is padded, and has no pad. */
static void http2_empty_headers(void **state)
{
	static const struct step steps[] = {
		SAYS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
		SAYS("\0\0\0\1\5\0\0\0\1"
		     "\0\0\0\1\15\0\0\0\3"
		     "\0\0\3\1\5\0\0\0\5"
		     "\x82\x84\x87"),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("empty headers", steps,
		     "begin 1\n"
		     "request 1  :\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2  :\n"
		     "asked 2\n"
		     "begin 3\n"
		     "request 3 GET /:\n"
		     "asked 3\n"
		     "done 1 CLOSED\n"
		     "  req @33 wire 9 body 0/0 \"\"\n"
		     "done 2 CLOSED broken write@42 header block cannot be read\n"
		     "  req @42 wire 9 body 0/0 \"\"\n"
		     "done 3 CLOSED\n"
		     "  req @51 wire 12 body 0/0 \"\"\n"
		     "stray write 33\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gap_loses_beyond_chunk),
		cmocka_unit_test(gap_loses_in_head),
		cmocka_unit_test(gap_loses_in_status),
		cmocka_unit_test(gap_loses_in_request_head),
		cmocka_unit_test(gap_loses_in_request_line),
		cmocka_unit_test(gap_loses_in_request_chunks),
		cmocka_unit_test(gap_between_whole_response),
		cmocka_unit_test(gap_between_two_responses),
		cmocka_unit_test(gap_between_response_begins),
		cmocka_unit_test(gap_between_spans),
		cmocka_unit_test(gap_between_whole_request),
		cmocka_unit_test(gap_between_first),
		cmocka_unit_test(gap_between_tail_of_second),
		cmocka_unit_test(silent_gap),
		cmocka_unit_test(two_connections),
		cmocka_unit_test(chunks_are_one_piece),
		cmocka_unit_test(recordings_are_put_in_order),
		cmocka_unit_test(http2_empty_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
