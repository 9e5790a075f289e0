/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/2 (RFC 9113) on one connection: frames of both directions -> the same exchanges as HTTP/1's, one a stream.
 * Flow control, priorities and settings are the peers' business; a reader only has to find headers and data.
 */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "http/parser.h"

struct http_h2;

/* Whether bytes at the start of a call look like frames: each plausible, one right behind the other to the end. */
bool http_h2_is_frames(struct str data);
/* The connection speaks HTTP/2 from here on. joined: not from its beginning (no preface was seen), so that header
 * tables are not known. skip: bytes of the request side that still belong to the preface. NULL without memory. */
struct http_h2 *http_h2_new(struct http_conn *c, bool joined, uint32_t skip);
/* All of p is taken. */
void http_h2_feed(struct http_h2 *h, struct http_side *s, const struct http_piece *p);
void http_h2_gap(struct http_h2 *h, struct http_side *s, const struct flow_gap *gap);
/* As http_reach: to the end of the current frame. */
size_t http_h2_reach(const struct http_h2 *h, enum wire_dir dir, size_t n);
/* The connection's end: what of a frame's head has come is no exchange's. */
void http_h2_flush(struct http_h2 *h);
void http_h2_free(struct http_h2 *h);

#endif
