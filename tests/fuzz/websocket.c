/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebSocket. Parts besides those of harness/talk.h, a capital letter for what is read: u "extensions" the connection is
 * upgraded, they are agreed; f "head byte,mask,bytes" a frame (mask 0: none, else a byte of it four times); z "head
 * byte,mask,bytes" one whose payload is deflated, with the context of those before; l "head byte,length,bytes" the
 * beginning of one without a mask.
 */
#include <zlib.h>

#include "talk.h"

struct peers {
	z_stream z[WIRE_DIRS];
};

static void frame(struct talk *t, enum wire_dir dir, uint64_t first, uint64_t mask, uint64_t length,
		  struct str payload)
{
	autodrop(buf_fini) struct buf b;
	char bit = mask ? (char)0x80 : 0;

	buf_init(&b, 1u << 20);
	buf_add_char(&b, (char)first);
	if (length < 126) {
		buf_add_char(&b, (char)(bit | (char)length));
	} else {
		int shift = length < 65536 ? 8 : 56;

		buf_add_char(&b, (char)(bit | (shift == 8 ? 126 : 127)));
		for (; shift >= 0; shift -= 8)
			buf_add_char(&b, (char)(length >> shift));
	}
	for (int i = 0; mask && i < 4; i++)
		buf_add_char(&b, (char)mask);
	for (size_t i = 0; i < payload.n; i++)
		buf_add_char(&b, (char)(payload.p[i] ^ (char)mask));
	talk_feed(t, dir, buf_str(&b));
}

static void deflated(struct talk *t, enum wire_dir dir, struct str body)
{
	struct peers *p = t->own;
	uint64_t first = fuzz_number(&body), mask = fuzz_number(&body);
	unsigned char out[40000];
	z_stream *z = &p->z[dir];

	z->next_in = (Bytef *)body.p;
	z->avail_in = (uInt)body.n;
	z->next_out = out;
	z->avail_out = sizeof(out);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0)
		return;
	size_t n = sizeof(out) - z->avail_out;
	/* Without 00 00 ff ff (RFC 7692 7.2.1). */
	n = n >= 4 ? n - 4 : 0;
	frame(t, dir, first, mask, n, str_make(out, n));
}

static void upgrade(struct talk *t, struct str extensions)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	talk_feed(t, WIRE_WRITE,
		  STR("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
	buf_addf(&b,
		 "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		 "Sec-WebSocket-Extensions: %.*s\r\n\r\n",
		 STR_ARG(extensions));
	talk_feed(t, WIRE_READ, buf_str(&b));
}

static void own(struct talk *t, char letter, struct str body)
{
	enum wire_dir dir = letter >= 'a' ? WIRE_WRITE : WIRE_READ;
	uint64_t first, second;

	switch (letter | 0x20) {
	case 'u':
		upgrade(t, body);
		break;
	case 'f':
		first = fuzz_number(&body);
		second = fuzz_number(&body);
		frame(t, dir, first, second, body.n, body);
		break;
	case 'l':
		first = fuzz_number(&body);
		second = fuzz_number(&body);
		frame(t, dir, first, 0, second, body);
		break;
	case 'z':
		deflated(t, dir, body);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peers p = {0};

	for (int d = 0; d < WIRE_DIRS; d++)
		if (deflateInit2(&p.z[d], 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
			abort();
	(void)talk_run(str_make(data, size), own, &p);
	for (int d = 0; d < WIRE_DIRS; d++)
		deflateEnd(&p.z[d]);
	return 0;
}
