/* SPDX-License-Identifier: BSD-2-Clause */
/* A WebSocket's conversation as lines: "> {...}" is said by the client, "< {...}" by the server; "@ " before it: as a
 * binary message. */
#ifndef UNIT_GENAI_SOCKET_H
#define UNIT_GENAI_SOCKET_H

#include "talk.h"

struct socket_row {
	const char *name, *path, *script, *want;
};

static void socket_frame(struct buf *b, bool client, bool binary, struct str data)
{
	static const char mask[4] = {1, 2, 3, 4};

	buf_add_char(b, (char)(0x80 | (binary ? 2 : 1)));
	if (data.n < 126) {
		buf_add_char(b, (char)(data.n | (client ? 0x80 : 0)));
	} else {
		buf_add_char(b, (char)(126 | (client ? 0x80 : 0)));
		buf_add_char(b, (char)(data.n >> 8));
		buf_add_char(b, (char)data.n);
	}
	if (client)
		buf_add(b, str_make(mask, sizeof(mask)));
	for (size_t i = 0; i < data.n; i++)
		buf_add_char(b, (char)(data.p[i] ^ (client ? mask[i & 3] : 0)));
}

static void socket_run(const struct socket_row *r)
{
	struct str rest = str_of(r->script), line;
	bool client = false; /* who spoke last */
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b,
		 "GET %s HTTP/1.1\r\nHost: api.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
		 r->path);
	talk_request = b.n;
	talk_turn_count = 0;
	buf_add(&b, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: eA==\r\n\r\n"));
	while (rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		bool binary = str_starts(line, STR("@ "));

		line = str_skip(line, binary ? 2 : 0);
		if ((line.p[0] == '>') != client) {
			assert_true(talk_turn_count < TALK_TURNS_MAX);
			talk_turns[talk_turn_count++] = b.n;
			client = !client;
		}
		socket_frame(&b, client, binary, str_skip(line, 2));
	}
	talk_sweep_str(r->name, buf_str(&b), r->want);
	talk_turn_count = 0;
	buf_fini(&b);
}

#define SOCKETS_RUN(rows)                                                 \
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) \
	socket_run(&(rows)[row])

#endif
