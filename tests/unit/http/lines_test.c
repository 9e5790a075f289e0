/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines without HTTP: whole, in order, with their place; what is cut says so; what nobody wants is muted. */
#include "harness.h"

#include "base/buf.h"
#include "base/limits.h"
#include "http/http.h"

struct ear {
	struct http *http;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
	struct buf told; /* ">text@offset\n", "<" for what was read, "!" when cut */
	unsigned lines, ends;
	unsigned wants; /* how many lines are wanted */
	unsigned knows; /* with which line it is known what they are; 0: never */
	uint64_t stray;
	unsigned said;
	struct http_verdict last;
	enum http_end end;
};

static enum http_heard line(void *ctx, struct flow_conn *conn, void **user, const struct http_line *l)
{
	struct ear *e = ctx;

	assert_ptr_equal(conn, &e->conn);
	assert_ptr_equal(*user, e->lines ? e : NULL);
	*user = e;
	e->lines++;
	if (l->text.n < 1000)
		buf_addf(&e->told, "%s%s%.*s@%llu\n", l->dir == WIRE_WRITE ? ">" : "<", l->cut ? "!" : "",
			 STR_ARG(l->text), (unsigned long long)l->offset);
	else
		buf_addf(&e->told, "%s%zu\n", l->cut ? "!" : "", l->text.n);
	if (e->lines >= e->wants)
		return HTTP_HEARD_ENOUGH;
	return e->knows && e->lines >= e->knows ? HTTP_HEARD_KNOWN : HTTP_HEARD_SO_FAR;
}

static void lines_end(void *ctx, struct flow_conn *conn, void *user, enum http_end end, uint64_t ts_ns)
{
	struct ear *e = ctx;

	(void)conn;
	(void)ts_ns;
	assert_ptr_equal(user, e->lines ? e : NULL);
	e->ends++;
	e->end = end;
}

static void stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		  const struct http_gap *gap)
{
	(void)conn;
	(void)dir;
	(void)gap;
	((struct ear *)ctx)->stray += bytes;
}

static void judge(void *ctx, const struct flow_conn *conn, const struct http_verdict *v)
{
	struct ear *e = ctx;

	(void)conn;
	e->said++;
	e->last = *v;
}

static void nothing(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	(void)ctx;
	(void)x;
	(void)ts_ns;
}

static struct ear *ear_new(enum wire_transport transport, bool listens)
{
	struct http_ops ops = {.begin = nothing,
			       .request_head = nothing,
			       .request_done = nothing,
			       .response_head = nothing,
			       .response_body = body,
			       .done = nothing,
			       .line = listens ? line : NULL,
			       .lines_end = listens ? lines_end : NULL,
			       .stray = stray};
	struct ear *e = calloc(1, sizeof(*e));

	buf_init(&e->told, 1u << 20);
	e->conn.transport = transport;
	e->wants = UINT32_MAX;
	e->http = http_new(&ops, e);
	http_judge(e->http, judge, e);
	return e;
}

static void ear_free(struct ear *e)
{
	http_free(e->http);
	buf_fini(&e->told);
	free(e);
}

static void say(struct ear *e, enum wire_dir dir, const char *p, size_t n)
{
	struct flow_chunk c = {
		.conn = &e->conn, .dir = dir, .offset = e->offset[dir], .data = str_make(p, n), .ts_ns = 5};

	e->offset[dir] += n;
	http_feed(e->http, &c);
}

static void gap(struct ear *e, enum wire_dir dir, uint64_t n)
{
	struct flow_gap g = {.conn = &e->conn,
			     .dir = dir,
			     .offset = e->offset[dir],
			     .bytes = n,
			     .cause = WIRE_CAUSE_RING_FULL};

	e->offset[dir] += n;
	http_gap(e->http, &g);
}

#define TALK  "{\"id\":1}\n\n{\"id\":2}\r\n{}"
#define HEARD ">{\"id\":1}@0\n>{\"id\":2}@10\n>!{}@20\n"

static void every_split(void **state)
{
	(void)state;
	for (size_t at = 0; at <= sizeof(TALK) - 1; at++) {
		struct ear *e = ear_new(WIRE_PIPE, true);

		if (at > 0)
			say(e, WIRE_WRITE, TALK, at);
		if (at < sizeof(TALK) - 1)
			say(e, WIRE_WRITE, TALK + at, sizeof(TALK) - 1 - at);
		http_close(e->http, &e->conn, FLOW_END_FREED, 9);
		assert_string_equal(buf_z(&e->told), HEARD);
		assert_int_equal(e->ends, 1);
		assert_int_equal(e->end, HTTP_END_CLOSED);
		assert_int_equal(e->stray + e->said, 0);
		ear_free(e);
	}
}

static void byte_by_byte(void **state)
{
	struct ear *e = ear_new(WIRE_PIPE, true);

	(void)state;
	for (size_t i = 0; i < sizeof(TALK) - 1; i++) {
		say(e, WIRE_WRITE, TALK + i, 1);
		say(e, WIRE_READ, "{}\n" + i % 3, 1);
	}
	http_close(e->http, &e->conn, FLOW_END_PROC_EXIT, 9);
	assert_int_equal(e->lines, 3 + 22 / 3 + 1);
	assert_int_equal(e->end, HTTP_END_ABORTED);
	ear_free(e);
}

static void holes(void **state)
{
	struct ear *e = ear_new(WIRE_PIPE, true);

	(void)state;
	say(e, WIRE_READ, "{\"a\":", 5);
	gap(e, WIRE_READ, 100);
	say(e, WIRE_READ, "1}\n{\"b\":1}\n", 11);
	gap(e, WIRE_READ, 7);
	say(e, WIRE_READ, "}\n{}\n", 5);
	assert_string_equal(buf_z(&e->told), "<!{\"a\":1}@0\n<{\"b\":1}@108\n<!}@123\n<{}@125\n");
	ear_free(e);
}

static void limit(void **state)
{
	struct ear *e = ear_new(WIRE_PIPE, true);
	size_t n = LIMIT_LINE_BYTES;
	char *p = malloc(n + 2);

	(void)state;
	memset(p, 'x', n + 1);
	p[n] = '\n';
	say(e, WIRE_READ, p, n + 1);
	p[n] = 'x';
	p[n + 1] = '\n';
	say(e, WIRE_READ, p, n + 2);
	say(e, WIRE_READ, p, 100);
	say(e, WIRE_READ, p, n);
	say(e, WIRE_READ, "x\n{}\n", 5);
	assert_string_equal(buf_z(&e->told), "16777216\n!16777216\n!16777216\n<{}@50331753\n");
	free(p);
	ear_free(e);
}

static void unwanted(void **state)
{
	struct ear *e = ear_new(WIRE_PIPE, true);

	(void)state;
	e->wants = 2;
	say(e, WIRE_WRITE, "{}\n{}\n{}\n", 9);
	assert_int_equal(e->lines, 2);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_ALL);
	assert_int_equal(e->stray, 3);
	say(e, WIRE_READ, "{}\n", 3);
	assert_int_equal(e->lines, 2);
	assert_int_equal(e->said, 1);
	ear_free(e);
	/* Nobody listens at all. */
	e = ear_new(WIRE_PIPE, false);
	say(e, WIRE_WRITE, "{}\n", 3);
	say(e, WIRE_WRITE, "{}\n", 3);
	http_close(e->http, &e->conn, FLOW_END_FREED, 9);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->stray, 6);
	ear_free(e);
}

/* What is known is said once, and again when the other pipe of the two turns up. */
static void known(void **state)
{
	struct ear *e = ear_new(WIRE_PIPE, true);

	(void)state;
	e->knows = 2;
	say(e, WIRE_WRITE, "{}\n", 3);
	assert_int_equal(e->said, 0);
	say(e, WIRE_WRITE, "{}\n{}\n", 6);
	assert_int_equal(e->said, 1);
	assert_int_equal(e->last.word, HTTP_WORD_WHOLE);
	e->conn.mate_ssl = 77;
	say(e, WIRE_READ, "{}\n", 3);
	say(e, WIRE_READ, "{}\n", 3);
	assert_int_equal(e->said, 2);
	assert_int_equal(e->last.word, HTTP_WORD_WHOLE);
	/* It was something else after all. */
	e->wants = 6;
	say(e, WIRE_READ, "{}\n{}\n", 6);
	assert_int_equal(e->said, 3);
	assert_int_equal(e->last.word, HTTP_WORD_ALL);
	e->conn.mate_ssl = 78;
	say(e, WIRE_READ, "{}\n", 3);
	assert_int_equal(e->said, 4);
	assert_int_equal(e->last.word, HTTP_WORD_ALL);
	ear_free(e);
}

/* A Unix socket may speak either; TCP and TLS speak HTTP. */
static void what_is_lines(void **state)
{
	static const struct {
		enum wire_transport transport;
		const char *text;
		unsigned lines;
	} rows[] = {
		{WIRE_UNIX, "{\"a\":1}\n", 1},
		{WIRE_UNIX, "[{}]\n", 1},
		{WIRE_UNIX, "GET / HTTP/1.1\r\n\r\n", 0},
		{WIRE_TCP, "{\"a\":1}\n", 0},
		{WIRE_TLS, "{\"a\":1}\n", 0},
		{WIRE_PIPE, "ready\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ear *e = ear_new(rows[i].transport, true);

		say(e, WIRE_WRITE, rows[i].text, strlen(rows[i].text));
		assert_int_equal(e->lines, rows[i].lines);
		assert_int_equal(http_stats(e->http).exchanges, rows[i].text[0] == 'G');
		ear_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split),	 cmocka_unit_test(byte_by_byte), cmocka_unit_test(holes),
		cmocka_unit_test(limit),	 cmocka_unit_test(unwanted),	 cmocka_unit_test(known),
		cmocka_unit_test(what_is_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
