/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks of HTTP/2 (RFC 7541), decoded by nghttp2, for one direction of one connection. */
#ifndef HTTP_HPACK_H
#define HTTP_HPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"

struct http_hpack;

/* joined: bytes before this were not seen, so that the peers share a table that we do not have. What a block takes from
 * there is given as unknown, never as something else: the table is filled with entries that say so, and entries that are
 * added from here on stand where the encoder has them, since they are counted from the newest. NULL without memory. */
struct http_hpack *http_hpack_new(bool joined);
/* Reads one whole block. field is called for each pair, valid until it returns; known false: name or value is not known
 * (then empty). 0; -EBADMSG: no such block, nothing after it can be read either; -ENOMEM. */
int http_hpack_feed(struct http_hpack *h, struct str block,
		    void (*field)(void *ctx, struct str name, struct str value, bool known),
		    void *ctx) MUST_CHECK;
void http_hpack_free(struct http_hpack *h);
DROP_POINTER(http_hpack, http_hpack_free)

#endif
