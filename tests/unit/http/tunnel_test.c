/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read behind a CONNECT, and what is not asked for any more. */
#include "script.h"

#define CONNECT "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"
#define OPENED	"HTTP/1.1 200 Connection established\r\n\r\n"
#define GET	"GET /g HTTP/1.1\r\nHost: a\r\n\r\n"
#define EMPTY	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OPENING                                 \
	"begin 1\n"                             \
	"request 1 CONNECT h:443: Host=\"h\"\n" \
	"asked 1\n"                             \
	"response 1 200:\n"                     \
	"done 1 UPGRADED\n"                     \
	"  req @0 wire 35 body 0/0 \"\"\n"      \
	"  res @0 wire 39 body 0/0 \"\"\n"
#define INSIDE                                   \
	"begin 2\n"                              \
	"request 2 GET /g: Host=\"a\"\n"         \
	"asked 2\n"                              \
	"response 2 200: Content-Length=\"0\"\n" \
	"done 2 DONE\n"                          \
	"  req @35 wire 28 body 0/0 \"\"\n"      \
	"  res @39 wire 38 body 0/0 \"\"\n"

static void plain(void **state)
{
	static const struct step steps[] = {SAYS(CONNECT), HEARS(OPENED), SAYS(GET),
					    HEARS(EMPTY),  ENDS(FREED),	  ENDS(END)};

	(void)state;
	script_check("plain", steps, OPENING INSIDE);
}

/* Ciphertext that looks like a request is none. */
static void sealed(void **state)
{
	static const struct step steps[] = {
		SAYS(CONNECT), HEARS(OPENED), SAYS("\x16\x03\x01\n" GET), HEARS("\x16\x03\x03\n" EMPTY),
		ENDS(FREED),   ENDS(END),
	};

	(void)state;
	script_check("sealed", steps, OPENING "stray write 32\nstray read 42\n");
}

/* Its greeting does not wait for the proxy's word, or the server's is seen first. */
static void sealed_early(void **state)
{
	static const struct step said[] = {
		SAYS(CONNECT "\x16\x03\x01\n"),
		HEARS(OPENED "\x16\x03\x03\n"),
		SAYS(GET),
		ENDS(FREED),
		ENDS(END),
	};
	static const struct step heard[] = {
		SAYS(CONNECT), HEARS(OPENED "\x16\x03\x03\n" EMPTY), SAYS("\x16\x03\x01\n" GET), ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("client early", said, OPENING "stray write 32\nstray read 4\n");
	script_check("server early", heard, OPENING "stray write 32\nstray read 42\n");
}

/* Neither TLS nor HTTP: nothing is made of it, and HTTP behind it is found. */
static void strange(void **state)
{
	static const struct step steps[] = {
		SAYS(CONNECT),
		HEARS(OPENED "SSH-2.0-x\r\n"),
		SAYS("SSH-2.0-y\r\n" GET),
		HEARS(EMPTY),
		ENDS(FREED),
		ENDS(END),
	};

	(void)state;
	script_check("strange", steps,
		     OPENING "begin 2\n"
			     "request 2 GET /g: Host=\"a\"\n"
			     "asked 2\n"
			     "response 2 200: Content-Length=\"0\"\n"
			     "done 2 DONE\n"
			     "  req @46 wire 28 body 0/0 \"\"\n"
			     "  res @50 wire 38 body 0/0 \"\"\n"
			     "stray write 11\n"
			     "stray read 11\n");
}

/* A tunnel in a tunnel: TLS behind the second CONNECT. */
static void twice(void **state)
{
	static const struct step steps[] = {
		SAYS(CONNECT), HEARS(OPENED), SAYS(CONNECT), HEARS(OPENED), SAYS("\x16\x03\x01" GET),
		ENDS(FREED),   ENDS(END),
	};

	(void)state;
	script_check("twice", steps,
		     OPENING "begin 2\n"
			     "request 2 CONNECT h:443: Host=\"h\"\n"
			     "asked 2\n"
			     "response 2 200:\n"
			     "done 2 UPGRADED\n"
			     "  req @35 wire 35 body 0/0 \"\"\n"
			     "  res @39 wire 39 body 0/0 \"\"\n"
			     "stray write 31\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),   cmocka_unit_test(sealed), cmocka_unit_test(sealed_early),
		cmocka_unit_test(strange), cmocka_unit_test(twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
