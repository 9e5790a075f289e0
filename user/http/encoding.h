/* SPDX-License-Identifier: BSD-2-Clause */
/* Content codings, decoded as the bytes come: gzip (members one after another), deflate (zlib's frame or none),
 * brotli, zstd, and up to four of them one upon another. */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "http/head.h"

struct http_encoding;

struct http_encoding_sink {
	/* Takes decoded bytes; not 0: no more are wanted (http_encoding_feed returns it). */
	int (*give)(void *ctx, struct str decoded);
	void *ctx;
};

/* codings in the order of their application. NULL without memory. */
struct http_encoding *http_encoding_new(const enum http_coding *codings, uint32_t count);
/*
 * 0; -EBADMSG: the bytes are wrong (why says how), -ENOMEM, or what the sink returned: in these three cases feed no
 * more. *used: bytes of `in` that the outermost decoder had taken by then.
 */
int http_encoding_feed(struct http_encoding *e, struct str in, struct http_encoding_sink sink, size_t *used,
		       const char **why) MUST_CHECK;
/* Whether every coding came to its end (or nothing was ever fed). */
bool http_encoding_is_whole(const struct http_encoding *e);
void http_encoding_free(struct http_encoding *e);
DROP_POINTER(http_encoding, http_encoding_free)

#endif
