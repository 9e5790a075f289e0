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
	static const char *const http[] = {"POST /v1/chat HTTP/1.1\r\n",
					   "POST",
					   "POST ",
					   "GET / HTTP/1.1\r\n",
					   "GET http://localhost:11434/api/tags HTTP/1.1\r\n",
					   "PUT",
					   "PUT /api/blobs",
					   "HEAD /api/blobs",
					   "PATCH /x",
					   "DELETE /api/delete",
					   "OPTIONS * HTTP/1.1\r\n",
					   "CONNECT api.openai.com:443 HTTP/1.1\r\n",
					   "PRI * HTTP/2.0\r\n",
					   "HTTP/1.1 200 OK\r\n",
					   "HTTP/1.0 404",
					   NULL};
	static const char *const json[] = {
		"{\"jsonrpc\":\"2.0\"}\n", "{", "{}", "{\n", "[{\"id\":1}]", "[\n", "[", NULL};

	(void)state;
	for (size_t i = 0; http[i]; i++) {
		assert_true(known(http[i], WIRE_TCP));
		assert_true(known(http[i], WIRE_UNIX));
		assert_false(known(http[i], WIRE_PIPE));
	}
	for (size_t i = 0; json[i]; i++) {
		assert_false(known(json[i], WIRE_TCP));
		assert_true(known(json[i], WIRE_UNIX));
		assert_true(known(json[i], WIRE_PIPE));
	}
}

/* Other protocols, and logs. */
static void strangers(void **state)
{
	static const char *const no[] = {"",
					 "P",
					 "PO",
					 "Get /",
					 "GETX /",
					 "GET key\r\n",
					 "POSTING",
					 "HTTPS",
					 "\r\n",
					 "*1\r\n$4\r\nPING\r\n",
					 "PING\r\n",
					 "Q\x01\x02\x03select 1",
					 "220 mail ready",
					 "EHLO localhost\r\n",
					 "MAIL FROM:<a@b>\r\n",
					 "DATA\r\n",
					 "QUIT\r\n",
					 "USER anna\r\n",
					 "SSH-2.0-OpenSSH_9.2\r\n",
					 "CONNECT {\"verbose\":false}\r\n",
					 "INFO {\"server_id\":1}\r\n",
					 "OPTIONS sip:anna@b SIP/2.0\r\n",
					 "AMQP\x01\x01",
					 "INFO: ready",
					 "ERROR something",
					 "N",
					 "{x",
					 "[INFO] ready",
					 "[1, 2]",
					 "data: {}",
					 "\x01{",
					 NULL};

	(void)state;
	for (size_t i = 0; no[i]; i++)
		for (int t = WIRE_TCP; t <= WIRE_PIPE; t++)
			assert_false(known(no[i], t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(late_records),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
