/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel side takes for TLS, and for something worth hearing. */
#include "harness.h"

#include "look.h"

static void fill(WIRE_U8 b[LOOK_BYTES], const char *p, size_t n)
{
	memset(b, 0, LOOK_BYTES);
	memcpy(b, p, n < LOOK_BYTES ? n : LOOK_BYTES);
}

static bool tls(const char *p, size_t n, bool late)
{
	WIRE_U8 b[LOOK_BYTES];

	fill(b, p, n);
	return look_is_tls(b, n, late);
}

static bool known(const char *z, enum wire_transport transport)
{
	WIRE_U8 b[LOOK_BYTES];

	fill(b, z, strlen(z));
	return look_is_known(b, strlen(z), transport);
}

#define TLS(bytes, late) tls(bytes, sizeof(bytes) - 1, late)

static void records(void **state)
{
	(void)state;
	assert_true(TLS("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", false)); /* ClientHello */
	assert_true(TLS("\x16\x03\x03\x00\x7a\x02\x00\x00", false));	 /* ServerHello */
	assert_true(TLS("\x17\x03\x03\x40\x00", false));		 /* a record's head, read by itself */
	assert_true(TLS("\x14\x03\x03\x00\x01\x01", false));
	assert_true(TLS("\x15\x03\x04\x00\x02", false));
	assert_true(TLS("\x16\x03\x00\x00\x10\x01", false)); /* SSL 3.0 */
	assert_false(TLS("\x13\x03\x03\x00\x01\x01", false));
	assert_false(TLS("\x18\x03\x03\x00\x01\x01", false));
	assert_false(TLS("\x16\x02\x03\x00\x01\x01", false));
	assert_false(TLS("\x16\x03\x05\x00\x01\x01", false));
	assert_false(TLS("\x16\x03", false));
	assert_false(TLS("\x00\x00\x00\x08\x04\xd2\x16\x2f", false)); /* PostgreSQL asks for TLS */
	assert_false(TLS("POST / HTTP/1.1", false));
}

/* Behind a CONNECT: a body may begin with anything, a handshake begins with a hello. */
static void late_records(void **state)
{
	(void)state;
	assert_true(TLS("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", true));
	assert_true(TLS("\x16\x03\x03\x00\x7a\x02\x00\x00", true));
	assert_true(TLS("\x16\x03\x03\x00\x7a", true));
	assert_false(TLS("\x17\x03\x03\x40\x00", true));
	assert_false(TLS("\x16\x03\x03\x00\x7a\x0b\x00\x00", true));
	assert_false(TLS("\x16\x03\x03\x00", true));
}

static void beginnings(void **state)
{
	static const char *const yes[] = {"POST /v1/chat HTTP/1.1\r\n",
					  "GET / HTTP/1.1\r\n",
					  "PRI * HTTP/2.0\r\n",
					  "HTTP/1.1 200 OK\r\n",
					  "PUT",
					  "{\"jsonrpc\":\"2.0\"}\n",
					  "{",
					  "{}",
					  "{\n",
					  "[{\"id\":1}]",
					  "[\n",
					  "[",
					  NULL};
	static const char *const no[] = {"",
					 "P",
					 "GE",
					 "Get /",
					 "\r\n",
					 "*1\r\n$4\r\nPING\r\n",
					 "Q\x01\x02\x03select 1",
					 "220 mail ready",
					 "N",
					 "{x",
					 "[INFO] ready",
					 "[1, 2]",
					 "data: {}",
					 "\x01{",
					 NULL};

	(void)state;
	for (size_t i = 0; yes[i]; i++) {
		assert_true(known(yes[i], WIRE_TCP));
		assert_true(known(yes[i], WIRE_UNIX));
		/* On a pipe only JSON is. */
		assert_int_equal(known(yes[i], WIRE_PIPE), yes[i][0] == '{' || yes[i][0] == '[');
	}
	for (size_t i = 0; no[i]; i++)
		for (int t = WIRE_TCP; t <= WIRE_PIPE; t++)
			assert_false(known(no[i], t));
	assert_false(known("INFO: ready", WIRE_PIPE));
	assert_true(known("INFO: ready", WIRE_TCP)); /* so the collector decides */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(late_records),
		cmocka_unit_test(beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
