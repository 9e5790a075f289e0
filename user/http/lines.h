/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that speaks in lines, each a JSON text: a pair of pipes, a Unix socket without HTTP. A line is told when
 * its end came; what is longer than LIMIT_LINE_BYTES, or has a hole, is told as cut.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include "http/parser.h"

/* Whether a connection that said nothing yet speaks so, by what carries it and its first bytes. */
bool http_lines_is_begin(const struct http_conn *c, struct str data);
/* NULL without memory. */
struct http_lines *http_lines_new(struct http_conn *c);
void http_lines_free(struct http_lines *l);
void http_lines_feed(struct http_lines *l, enum wire_dir dir, const struct http_piece *p);
void http_lines_gap(struct http_lines *l, const struct flow_gap *gap);
/* The connection ended: what is unfinished is told as cut, then that it is over. */
void http_lines_end(struct http_lines *l, enum http_end end, uint64_t ts_ns);

#endif
