/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a call's first bytes look like: all that the kernel side ever asks of content. Compiled by both sides. */
#ifndef BOTTRACE_LOOK_H
#define BOTTRACE_LOOK_H

#include "wire.h"

#define LOOK_BYTES 16u

static inline __attribute__((always_inline)) _Bool look_is_capital(WIRE_U8 c)
{
	return c >= 'A' && c <= 'Z';
}

static inline __attribute__((always_inline)) _Bool look_is_space(WIRE_U8 c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A TLS record (RFC 8446 5.1), of the n bytes of a call. `late`: something else was spoken on the connection before, so
 * only a hello is one (STARTTLS, CONNECT), whole or its head read by itself. */
static inline __attribute__((always_inline)) _Bool look_is_tls(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n,
							       _Bool late)
{
	if (n < 3 || b[0] < 0x14 || b[0] > 0x17 || b[1] != 3 || b[2] > 4)
		return 0;
	return !late || (b[0] == 0x16 && (n == 5 || (n > 5 && (b[5] == 1 || b[5] == 2))));
}

/* b begins with the word, or is the beginning of it: who writes pieces may write a method by itself. */
#define LOOK_WORD(word)                                                                       \
	(n >= 3 && b[0] == (word)[0] && b[1] == (word)[1] && b[2] == (word)[2] &&             \
	 (n < 4 || b[3] == (word)[3]) && (sizeof(word) <= 5 || n < 5 || b[4] == (word)[4]) && \
	 (sizeof(word) <= 6 || n < 6 || b[5] == (word)[5]) &&                                 \
	 (sizeof(word) <= 7 || n < 7 || b[6] == (word)[6]) &&                                 \
	 (sizeof(word) <= 8 || n < 8 || b[7] == (word)[7]))

/* A target begins: a path, a URI of HTTP, `*`. So say other protocols that have a GET, too, what they are. */
static inline __attribute__((always_inline)) _Bool look_is_target(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n,
								  WIRE_U32 at)
{
	return n <= at || b[at] == '/' || b[at] == '*' || (b[at] | 0x20) == 'h';
}

/* The beginning of a request or status line. */
static inline __attribute__((always_inline)) _Bool look_is_http(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n)
{
	if (!look_is_capital(b[0]))
		return 0;
	if (LOOK_WORD("GET ") || LOOK_WORD("PUT ") || LOOK_WORD("PRI "))
		return look_is_target(b, n, 4);
	if (LOOK_WORD("POST ") || LOOK_WORD("HEAD "))
		return look_is_target(b, n, 5);
	if (LOOK_WORD("PATCH "))
		return look_is_target(b, n, 6);
	if (LOOK_WORD("DELETE "))
		return look_is_target(b, n, 7);
	if (LOOK_WORD("OPTIONS "))
		return look_is_target(b, n, 8);
	if (LOOK_WORD("CONNECT ")) /* a host; NATS says CONNECT {...} */
		return n <= 8 || b[8] != '{';
	return LOOK_WORD("HTTP/1.");
}

/* A JSON object, alone or in an array. */
static inline __attribute__((always_inline)) _Bool look_is_json(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n)
{
	if (b[0] == '{')
		return n < 2 || b[1] == '"' || b[1] == '}' || look_is_space(b[1]);
	return b[0] == '[' && (n < 2 || b[1] == '{' || look_is_space(b[1]));
}

/* Over TCP no lines of JSON are read; through pipes no HTTP is spoken, but logs are written. */
static inline __attribute__((always_inline)) _Bool look_is_known(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n,
								 WIRE_U32 transport)
{
	return (transport != WIRE_TCP && look_is_json(b, n)) ||
	       (transport != WIRE_PIPE && look_is_http(b, n));
}

#endif
