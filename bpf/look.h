/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a call's first bytes look like: all that the kernel side ever asks of content. Compiled by both sides. */
#ifndef BOTTRACE_LOOK_H
#define BOTTRACE_LOOK_H

#include "wire.h"

#define LOOK_BYTES 8u

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

/* A request or status line, or a JSON object, alone or in an array. On pipes no HTTP is spoken, but logs are written. */
static inline __attribute__((always_inline)) _Bool look_is_known(const WIRE_U8 b[LOOK_BYTES], WIRE_U64 n,
								 WIRE_U32 transport)
{
	if (b[0] == '{')
		return n < 2 || b[1] == '"' || b[1] == '}' || look_is_space(b[1]);
	if (b[0] == '[')
		return n < 2 || b[1] == '{' || look_is_space(b[1]);
	return transport != WIRE_PIPE && n >= 3 && look_is_capital(b[0]) && look_is_capital(b[1]) &&
	       look_is_capital(b[2]);
}

#endif
