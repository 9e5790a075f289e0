/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/hpack.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

/* A table that we join may be as large as any encoder in use makes it; its newest entries are what matters. */
#define JOINED_TABLE_BYTES (64u << 10)
/* RFC 7541 4.1: an entry's size is its name, its value and 32. No entry is smaller than ours but the empty one. */
#define UNKNOWN_NAME "?"
#define UNKNOWN_SIZE 33u
/* What an encoder may announce: more than anybody does, so that growing is never refused. */
#define TABLE_BYTES_MAX (1u << 20)

struct http_hpack {
	nghttp2_hd_inflater *inflater;
};

static void drop_pairs(void *ctx, struct str name, struct str value, bool known)
{
	(void)ctx;
	(void)name;
	(void)value;
	(void)known;
}

/* An integer with a prefix of 5 bits (RFC 7541 5.1). */
static void add_integer(struct buf *b, uint8_t flags, uint32_t n)
{
	if (n < 31) {
		buf_add_char(b, (char)(flags | n));
		return;
	}
	buf_add_char(b, (char)(flags | 31));
	for (n -= 31; n >= 128; n >>= 7)
		buf_add_char(b, (char)(0x80 | (n & 0x7f)));
	buf_add_char(b, (char)n);
}

static int fill(struct http_hpack *h)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, 1u << 20);
	add_integer(&b, 0x20, JOINED_TABLE_BYTES); /* dynamic table size update */
	for (uint32_t i = 0; i < JOINED_TABLE_BYTES / UNKNOWN_SIZE; i++) {
		/* literal with incremental indexing, new name; no value */
		buf_add(&b, str_make("\x40\x01" UNKNOWN_NAME "\x00", 4));
	}
	return buf_err(&b) < 0 ? buf_err(&b) : http_hpack_feed(h, buf_str(&b), drop_pairs, NULL);
}

struct http_hpack *http_hpack_new(bool joined)
{
	autodrop(drop_http_hpack) struct http_hpack *h = calloc(1, sizeof(*h));

	if (h == NULL || nghttp2_hd_inflate_new(&h->inflater) != 0)
		return NULL;
	if (nghttp2_hd_inflate_change_table_size(h->inflater, TABLE_BYTES_MAX) != 0)
		return NULL;
	if (joined && fill(h) < 0)
		return NULL;
	return take(h);
}

void http_hpack_free(struct http_hpack *h)
{
	if (h == NULL)
		return;
	if (h->inflater)
		nghttp2_hd_inflate_del(h->inflater);
	free(h);
}

int http_hpack_feed(struct http_hpack *h, struct str block,
		    void (*field)(void *ctx, struct str name, struct str value, bool known), void *ctx)
{
	const uint8_t *p = (const uint8_t *)(block.n ? block.p : "");
	size_t left = block.n;

	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, p, left, 1);

		if (n < 0)
			return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EBADMSG;
		p += n;
		left -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			struct str name = str_make(nv.name, nv.namelen),
				   value = str_make(nv.value, nv.valuelen);
			bool known = !str_eq(name, STR(UNKNOWN_NAME));

			field(ctx, known ? name : STR(""), value, known);
		}
		if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(h->inflater);
			return left > 0 ? -EBADMSG : 0;
		}
		if (n == 0 && !(flags & NGHTTP2_HD_INFLATE_EMIT))
			return -EBADMSG;
	}
}
