/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of HTTP/2: each is one exchange. What h2.c finds in frames becomes heads, bodies and ends here. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/parser.h"

/* A header block as the text of an HTTP/1 head, so that one reader judges both. */
struct http_stream_head {
	struct buf method, path; /* of a request */
	int status;		 /* of a response; 0: none */
	struct buf text;	 /* fields: "name: value\r\n" ... */
	bool websocket;		 /* of a request: the protocol that it asks for (RFC 8441) */
	bool lost;		 /* could not be read */
	bool unknown;		 /* something in it came from a table that was not seen */
};

void http_stream_head_init(struct http_stream_head *head);
void http_stream_head_fini(struct http_stream_head *head);
/* For http_hpack_feed; ctx is the head. */
void http_stream_head_add(void *ctx, struct str name, struct str value, bool known);

/* Bytes of a frame of the stream came by; opens: of a header block, which may begin it. Those of no stream are stray. */
void http_stream_count(struct http_conn *c, struct http_side *s, uint32_t stream, bool opens, uint64_t bytes,
		       uint64_t ts_ns);
/* first: the call and place where the block began; p: that of its end. */
void http_stream_headers(struct http_conn *c, struct http_side *s, uint32_t stream,
			 struct http_stream_head *head, bool end, const struct http_piece *first,
			 const struct http_piece *p);
void http_stream_data(struct http_conn *c, struct http_side *s, uint32_t stream,
		      const struct http_piece *data);
void http_stream_end(struct http_conn *c, struct http_side *s, uint32_t stream, const struct http_piece *p);
/* A side gives it up, for a reason of RFC 9113 7. */
void http_stream_reset(struct http_conn *c, uint32_t stream, uint32_t code);
/* The server takes no stream beyond `last`. */
void http_stream_goaway(struct http_conn *c, uint32_t last, uint32_t code);
/* What came for it on s makes no sense. */
void http_stream_broken(struct http_conn *c, struct http_side *s, uint32_t stream, const char *why);
/* Bytes of one stream's body are missing. */
void http_stream_gap(struct http_conn *c, struct http_side *s, uint32_t stream, const struct flow_gap *gap,
		     uint64_t bytes);
/* Bytes are missing and nobody knows whose: every stream that is open in this direction has lost something. */
void http_stream_gap_all(struct http_conn *c, struct http_side *s, const struct flow_gap *gap);

#endif
