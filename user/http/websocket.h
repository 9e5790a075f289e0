/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebSocket (RFC 6455) with permessage-deflate (RFC 7692) on a connection that was upgraded, or on a stream of HTTP/2
 * (RFC 8441): messages of both directions.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "http/parser.h"

struct http_ws;

/* The connection (of HTTP/2: the stream) is o's from here on; o, whose response is a 101 (2xx), stays open. NULL without
 * memory. */
struct http_ws *http_ws_new(struct http_conn *c, struct http_open *o);
/* How much a call's bytes look like frames that fill it to the byte: 0 not at all; 1 they may be; 2 their text is JSON. */
int http_ws_likeness(struct str call, bool *masked);
/* The same as http_ws_new for a connection whose upgrade was not seen: what is compressed is read if it needs nothing that
 * came before. */
struct http_ws *http_ws_join(struct http_conn *c, struct http_open *o);
/* Whether o was upgraded to it. */
bool http_ws_is_of(const struct http_ws *w, const struct http_open *o);
/* All of p is taken. */
void http_ws_feed(struct http_ws *w, struct http_side *s, const struct http_piece *p);
void http_ws_gap(struct http_ws *w, struct http_side *s, const struct flow_gap *gap);
/* Of a stream: bytes that come next in it are missing; and nobody knows how many, or which. */
void http_ws_skip(struct http_ws *w, enum wire_dir dir, uint64_t bytes);
void http_ws_lose(struct http_ws *w, enum wire_dir dir);
void http_ws_free(struct http_ws *w);

#endif
