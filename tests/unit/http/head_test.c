/* SPDX-License-Identifier: BSD-2-Clause */
#include "script.h"

#include <string.h>

#include "base/limits.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void shapes_bare_lf(void **state)
{
	static const struct step steps[] = {SAYS("GET / HTTP/1.1\nHost: a\nX-Y:\t z \n\nGET /2 HTTP/1.0\n\n"),
					    HEARS("HTTP/1.1 200\nContent-Length: 1\n\nx"), HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("bare LF", steps,
		     "begin 1\n"
		     "request 1 GET /: Host=\"a\" X-Y=\"z\"\n"
		     "asked 1\n"
		     "begin 2\n"
		     "request 2 GET /2:\n"
		     "asked 2\n"
		     "response 1 200: Content-Length=\"1\"\n"
		     "body 1\n"
		     "done 1 DONE\n"
		     "  req @0 wire 33 body 0/0 \"\"\n"
		     "  res @0 wire 33 body 1/1 \"x\"\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @33 wire 17 body 0/0 \"\"\n"
		     "  res @33 wire 38 body 0/0 \"\"\n");
}

static void shapes_fold(void **state)
{
	static const struct step steps[] = {SAYS("GET / HTTP/1.1\r\nX: a\r\n  b\r\n\tc\r\nY: d\r\n\r\n"),
					    HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("folded lines", steps,
		     "begin 1\n"
		     "request 1 GET /: X=\"a    b  \\x09c\" Y=\"d\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 39 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void shapes_bare_cr(void **state)
{
	static const struct step steps[] = {SAYS("GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n"), HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("bare CR", steps,
		     "begin 1\n"
		     "request 1 GET /: X=\"a\\rY: b\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@20 CR without LF in the head\n"
		     "  req @0 wire 29 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void shapes_nul(void **state)
{
	static const struct step steps[] = {SAYS("POST / HTTP/1.1\r\nContent-Length: 2\r\nX: a\0b\r\n\r\nhi"),
					    HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("NUL", steps,
		     "begin 1\n"
		     "request 1 POST /: Content-Length=\"2\" X=\"a\\x00b\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@40 NUL in the head\n"
		     "  req @0 wire 48 body 2/2 \"hi\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void shapes_no_colon(void **state)
{
	static const struct step steps[] = {SAYS("GET / HTTP/1.1\r\nnonsense\r\n: x\r\nA: b\r\n\r\n"),
					    HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("no colon", steps,
		     "begin 1\n"
		     "request 1 GET /: A=\"b\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@16 a field without a colon\n"
		     "  req @0 wire 39 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void shapes_early_fold(void **state)
{
	static const struct step steps[] = {SAYS("GET / HTTP/1.1\r\n folded\r\nA: b\r\n\r\n"),
					    HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("a fold before any field", steps,
		     "begin 1\n"
		     "request 1 GET /: A=\"b\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE broken write@16 a field without a colon\n"
		     "  req @0 wire 33 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void shapes_space(void **state)
{
	static const struct step steps[] = {SAYS("GET /a b HTTP/1.1\r\nA:\r\n\r\n"), HEARS(OK_EMPTY),
					    ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("space in the target", steps,
		     "begin 1\n"
		     "request 1 GET /a b: A=\"\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 25 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n");
}

static void no_http(void **state)
{
	static const struct step old[] = {SAYS("GET /index.html\r\n"), HEARS("<html>hello</html>"),
					  ENDS(FREED), ENDS(END)};
	static const struct step binary[] = {SAYS("\x00\x01\x02\xff\xfe\n\r\n\x16\x03\x01"),
					     HEARS("SSH-2.0-OpenSSH_9.2\r\n"),
					     SAYS("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
					     HEARS(OK_EMPTY),
					     ENDS(FREED),
					     ENDS(END)};
	static const struct step words[] = {SAYS("EHLO me there\r\nQUIT\r\n"),
					    HEARS("220 ESMTP HTTP/1.1\r\n"), ENDS(FREED), ENDS(END)};
	static const struct step version[] = {SAYS("GET / HTTP/3.0\r\nA: b\r\n\r\n"),
					      HEARS("HTTP/1.1 99 x\r\n\r\n"), ENDS(FREED), ENDS(END)};

	(void)state;
	script_check("HTTP/0.9", old,
		     "stray write 17\n"
		     "stray read 18\n");
	script_check("binary before HTTP", binary,
		     "begin 1\n"
		     "request 1 GET /: Host=\"a\"\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @11 wire 27 body 0/0 \"\"\n"
		     "  res @21 wire 38 body 0/0 \"\"\n"
		     "stray write 11\n"
		     "stray read 21\n");
	script_check("SMTP", words,
		     "stray write 21\n"
		     "stray read 20\n");
	script_check("other versions", version,
		     "stray write 24\n"
		     "stray read 17\n");
}

static const struct step *sized(struct step steps[6], struct buf *b, size_t head_bytes)
{
	static const char first[] = "GET / HTTP/1.1\r\nX: ";

	buf_init(b, SIZE_MAX);
	buf_add(b, str_of(first));
	while (b->n < head_bytes - 4)
		buf_add_char(b, 'x');
	buf_add(b, STR("\r\n\r\n"));
	memset(steps, 0, 6 * sizeof(*steps));
	steps[0] = (struct step){W, buf_str(b), 0, WIRE_CAUSE_NONE};
	steps[1] = (struct step)HEARS(OK_EMPTY);
	steps[2] = (struct step)SAYS("GET /next HTTP/1.1\r\nA: b\r\n\r\n");
	steps[3] = (struct step)HEARS(OK_EMPTY);
	steps[4] = (struct step)ENDS(FREED);
	return steps;
}

static void head_limit(void **state)
{
	struct step at[6], beyond[6];
	struct buf b1, b2;

	(void)state;
	sized(at, &b1, LIMIT_HEADER_BYTES);
	script_check("a head of 64 KiB", at,
		     "begin 1\n"
		     "request 1 GET /: "
		     "X="
		     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"+65353\n"
		     "asked 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 DONE\n"
		     "  req @0 wire 65536 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /next: A=\"b\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @65536 wire 28 body 0/0 \"\"\n"
		     "  res @38 wire 38 body 0/0 \"\"\n");
	sized(beyond, &b2, LIMIT_HEADER_BYTES + 1);
	script_check("a head of 64 KiB and a byte", beyond,
		     "begin 1\n"
		     "response 1 200: Content-Length=\"0\"\n"
		     "done 1 LOST broken write@65536 head too long\n"
		     "  req headless cut unkept @0 wire 65537 body 0/0 \"\"\n"
		     "  res @0 wire 38 body 0/0 \"\"\n"
		     "begin 2\n"
		     "request 2 GET /next: A=\"b\"\n"
		     "asked 2\n"
		     "response 2 200: Content-Length=\"0\"\n"
		     "done 2 DONE\n"
		     "  req @65537 wire 28 body 0/0 \"\"\n"
		     "  res @38 wire 38 body 0/0 \"\"\n");
	buf_fini(&b1);
	buf_fini(&b2);
}

static void field_limit(void **state)
{
	struct buf b;
	struct step steps[] = {{W, {NULL, 0}, 0, WIRE_CAUSE_NONE}, HEARS(OK_EMPTY), ENDS(FREED), ENDS(END)};

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b, STR("POST / HTTP/1.1\r\n"));
	for (unsigned int i = 0; i < LIMIT_HEADER_FIELDS - 1; i++)
		buf_addf(&b, "A%u: %u\r\n", i, i);
	size_t n = b.n;
	buf_add(&b, STR("Content-Length: 2\r\n\r\nhi"));
	steps[0].data = buf_str(&b);
	script_check(
		"256 fields", steps,
		"begin 1\n"
		"request 1 POST /: A0=\"0\" A1=\"1\" A2=\"2\" A3=\"3\" A4=\"4\" A5=\"5\" A6=\"6\" A7=\"7\"\n"
		"asked 1\n"
		"response 1 200: Content-Length=\"0\"\n"
		"done 1 DONE\n"
		"  req @0 wire 2625 body 2/2 \"hi\"\n"
		"  res @0 wire 38 body 0/0 \"\"\n");
	buf_truncate(&b, n);
	buf_add(&b, STR("B: c\r\nContent-Length: 2\r\n\r\nhi"));
	steps[0].data = buf_str(&b);
	script_check(
		"257 fields", steps,
		"begin 1\n"
		"request 1 POST /: A0=\"0\" A1=\"1\" A2=\"2\" A3=\"3\" A4=\"4\" A5=\"5\" A6=\"6\" A7=\"7\"\n"
		"asked 1\n"
		"response 1 200: Content-Length=\"0\"\n"
		"done 1 DONE broken write@2608 too many fields\n"
		"  req @0 wire 2631 body 2/2 \"hi\"\n"
		"  res @0 wire 38 body 0/0 \"\"\n");
	buf_fini(&b);
}

static const struct http_exchange *seen;

static void look(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	seen = x;
	assert_true(str_eq(http_field(&x->request, "content-TYPE"), STR("first")));
	assert_true(str_eq(http_field(&x->request, "empty"), STR("")));
	assert_non_null(http_field(&x->request, "empty").p);
	assert_null(http_field(&x->request, "absent").p);
}

static void fields_by_name(void **state)
{
	struct flow_conn conn = {.id = 1};
	struct http_ops ops = script_ops;
	struct script t = {.conn = {.id = 1}};
	struct flow_chunk chunk = {
		.conn = &conn,
		.dir = WIRE_WRITE,
		.data = STR(
			"GET / HTTP/1.1\r\nContent-Type: first\r\nEMPTY:\r\nContent-type: second\r\n\r\n")};

	(void)state;
	buf_init(&t.out, SIZE_MAX);
	ops.request_head = look;
	ops.stray = NULL;
	autodrop(drop_http) struct http *h = http_new(&ops, &t);
	seen = NULL;
	http_feed(h, &chunk);
	assert_non_null(seen);
	buf_fini(&t.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_bare_lf),  cmocka_unit_test(shapes_fold),
		cmocka_unit_test(shapes_bare_cr),  cmocka_unit_test(shapes_nul),
		cmocka_unit_test(shapes_no_colon), cmocka_unit_test(shapes_early_fold),
		cmocka_unit_test(shapes_space),	   cmocka_unit_test(no_http),
		cmocka_unit_test(head_limit),	   cmocka_unit_test(field_limit),
		cmocka_unit_test(fields_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
