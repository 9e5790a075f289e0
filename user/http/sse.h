/* SPDX-License-Identifier: BSD-2-Clause */
/* Server-sent events, as the WHATWG's HTML standard reads them, from bytes in pieces. */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "http/frames.h"

struct http_sse;

struct http_sse *http_sse_new(struct http_frames_ops ops);
/* 0; -EMSGSIZE: a line or event was too long and is left out, reading goes on at the next event (*at: the byte in
 * data that was too many, the first of them); -ENOMEM likewise. */
int http_sse_feed(struct http_sse *s, struct str data, uint64_t ts_ns, size_t *at) MUST_CHECK;
/* Bytes are missing: what was begun is dropped, reading goes on after the next empty line. */
void http_sse_gap(struct http_sse *s);
/* The stream's end: gives the last event though no empty line ended it. cut: the stream was cut off, so its last
 * line may be half and is left out. */
void http_sse_flush(struct http_sse *s, bool cut, uint64_t ts_ns);
void http_sse_free(struct http_sse *s);
DROP_POINTER(http_sse, http_sse_free)

#endif
