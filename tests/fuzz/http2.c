/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/2. Parts besides those of harness/talk.h, a capital letter for what is read: p the preface; h "stream,flags,fields"
 * a header block, a field a line, compressed by nghttp2; d "stream,flags,bytes" data; f "type,flags,stream,bytes" any
 * frame; e "type,flags,stream,length,bytes" the beginning of one, whose rest comes as w or r, or never.
 */
#include <nghttp2/nghttp2.h>

#include "talk.h"

#define FIELDS_MAX 40u

struct peers {
	nghttp2_hd_deflater *deflater[WIRE_DIRS];
};

static void frame(struct talk *t, enum wire_dir dir, uint64_t type, uint64_t flags, uint64_t stream,
		  uint64_t length, struct str payload)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	for (int shift = 16; shift >= 0; shift -= 8)
		buf_add_char(&b, (char)(length >> shift));
	buf_add_char(&b, (char)type);
	buf_add_char(&b, (char)flags);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(&b, (char)(stream >> shift));
	buf_add(&b, payload);
	talk_feed(t, dir, buf_str(&b));
}

static void headers(struct talk *t, enum wire_dir dir, struct str body)
{
	struct peers *p = t->own;
	uint64_t stream = fuzz_number(&body), flags = fuzz_number(&body);
	nghttp2_nv fields[FIELDS_MAX];
	unsigned char block[20000];
	size_t n = 0;

	while (body.n > 0 && n < FIELDS_MAX) {
		struct str line, name, value;

		body = str_cut(body, '\n', &line);
		/* A name may begin with a colon. */
		ptrdiff_t at = str_find_char(str_skip(line, 1), ':');
		name = at < 0 ? line : str_head(line, (size_t)at + 1);
		value = at < 0 ? STR("") : str_skip(line, (size_t)at + 2);
		fields[n++] = (nghttp2_nv){(uint8_t *)name.p, (uint8_t *)(value.p ? value.p : ""), name.n,
					   value.n, NGHTTP2_NV_FLAG_NONE};
	}
	ssize_t size = nghttp2_hd_deflate_hd(p->deflater[dir], block, sizeof(block), fields, n);
	if (size >= 0)
		frame(t, dir, 1, flags, stream, (uint64_t)size, str_make(block, (size_t)size));
}

static void own(struct talk *t, char letter, struct str body)
{
	enum wire_dir dir = letter >= 'a' ? WIRE_WRITE : WIRE_READ;
	uint64_t a, b, c;

	switch (letter | 0x20) {
	case 'p':
		talk_feed(t, dir, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
		break;
	case 'h':
		headers(t, dir, body);
		break;
	case 'd':
		a = fuzz_number(&body);
		b = fuzz_number(&body);
		frame(t, dir, 0, b, a, body.n, body);
		break;
	case 'f':
	case 'e':
		a = fuzz_number(&body);
		b = fuzz_number(&body);
		c = fuzz_number(&body);
		frame(t, dir, a, b, c, (letter | 0x20) == 'e' ? fuzz_number(&body) : body.n, body);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peers p;

	for (int d = 0; d < WIRE_DIRS; d++)
		if (nghttp2_hd_deflate_new(&p.deflater[d], 4096) != 0)
			abort();
	(void)talk_run(str_make(data, size), own, &p);
	for (int d = 0; d < WIRE_DIRS; d++)
		nghttp2_hd_deflate_del(p.deflater[d]);
	return 0;
}
