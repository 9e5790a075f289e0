/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the room: a connection is two sides (one per direction), each a small state machine over bytes; open
 * exchanges stand in one list in the order of their requests.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/encoding.h"
#include "http/frames.h"
#include "http/head.h"
#include "http/http.h"

/* Larger sizes are no sizes: nobody sends 256 TiB, and a wrong one would swallow the connection's rest. */
#define HTTP_SIZE_MAX ((uint64_t)1 << 48)
/* Of a line without end, what is kept while scanning: longer start lines are not found again. */
#define HTTP_SCAN_BYTES 16384u

enum http_which { HTTP_REQUEST, HTTP_RESPONSE };

struct http_conn;
struct http_open;
struct http_ws;

/* Bytes of one call, and the call's facts. */
struct http_piece {
	struct str data;
	uint64_t offset; /* of data in its direction */
	struct http_write write;
	uint64_t start_ns, ts_ns;
	uint32_t tid;
};

enum http_stage {
	HTTP_AT_START, /* a message may begin here: right after another, at first sight, after a gap */
	HTTP_AT_SCAN,  /* inside of we do not know what: looking for a start line */
	HTTP_AT_HEAD,
	HTTP_AT_BODY,
	HTTP_AT_OVER, /* no HTTP/1 any more */
};

enum http_framing {
	HTTP_BY_LENGTH,
	HTTP_BY_CHUNKS,
	HTTP_BY_CLOSE,
	HTTP_BY_NEXT, /* chunks some of which were left out by policy: until the other side has gone on */
};

enum http_chunk_at {
	HTTP_CHUNK_SIZE,    /* first digit of a size */
	HTTP_CHUNK_DIGITS,  /* further ones */
	HTTP_CHUNK_EXT,	    /* extension, to the line's end */
	HTTP_CHUNK_SIZE_LF, /* CR seen */
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR, /* line end after the data */
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_TRAILER,
};

struct http_side {
	struct http_conn *conn;
	uint64_t stream_bytes; /* HTTP/2: of a header block whose stream is not open yet */
	enum wire_dir dir;
	enum http_stage stage;
	bool seen;	 /* offset is known */
	bool unsure;	 /* START: messages may be hidden right before this place */
	uint64_t offset; /* of the next byte */
	struct buf held; /* START: the line so far; HEAD: the head so far; SCAN: candidate and line so far */
	size_t line;	 /* HEAD: where its last line begins; SCAN: length of the candidate, 0 without */
	struct http_piece at; /* facts of held's first byte; its data is not used */
	struct http_open *x;  /* HEAD, BODY: whose message */
	int status;	      /* HEAD of a response */
	enum http_framing framing;
	enum http_chunk_at chunk_at;
	uint64_t left;	  /* bytes of the body (LENGTH) or of the chunk */
	size_t line_size; /* CHUNK_EXT: of the size line; TRAILER: of the current line */
	size_t trailer_size;
	uint64_t asked; /* up to which offset a verdict was given */
};

/* What becomes of a message's body. */
struct http_body {
	struct buf text, tail;
	uint64_t promised_bytes;	/* by its head; 0: it does not say */
	struct http_encoding *encoding; /* NULL: identity */
	struct http_frames frames; /* of a body that is a sequence of events, once it is known to be one */
	const struct http_frames_kind *sniff; /* said to be such a body; its first byte will tell */
	bool hidden;			      /* text after a gap is not joined to the text before it */
	bool stopped;			      /* only counted from here on */
};

struct http_open {
	struct http_exchange x; /* first member */
	struct http_conn *conn;
	struct http_open *prev, *next;
	struct http_body body[2]; /* by enum http_which */
	struct http_gap *last_gap;
	bool request_over, request_told; /* ended or lost; request_done was called */
	bool response_over;
	bool answered;	    /* the final response's start line was seen */
	bool lost;	    /* a part is hidden */
	bool next_seen;	    /* the next request began after this response's head */
	uint64_t mark;	    /* response side's offset when the request began */
	uint32_t stream;    /* HTTP/2: its id; 0: HTTP/1 */
	struct http_ws *ws; /* of a stream; NULL: none */
};

struct http_conn {
	struct http *http;
	struct flow_conn *flow;
	struct http_conn *prev, *next;
	struct http_side side[WIRE_DIRS];
	bool role_known;
	enum wire_dir request_dir; /* valid when role_known */
	bool proved;		   /* a response was paired with its request: the roles are right */
	bool judged;		   /* whether it is HTTP at all is decided */
	bool whole;		   /* HTTP_WORD_WHOLE was said */
	bool tunnel;		   /* behind a CONNECT */
	uint32_t frames_seen;	   /* how much it looks like a WebSocket that was joined */
	bool pipelines;		   /* has sent a request before the answer to the one before, for sure */
	uint64_t index;
	uint32_t orphans; /* answers to come for requests that were given up */
	struct http_open *first, *last;
	uint32_t waiting;	  /* open exchanges without a final start line of their response */
	struct http_h2 *h2;	  /* NULL: no HTTP/2 */
	struct http_ws *ws;	  /* NULL: no WebSocket */
	struct http_lines *lines; /* NULL: HTTP, or not known */
};

struct http {
	struct http_ops ops;
	void *ctx;
	struct http_stats stats;
	struct http_conn *conns;
	http_verdict_fn *judge; /* NULL: none */
	void *judge_ctx;
};

static inline bool http_is_request_side(const struct http_side *s)
{
	return s->conn->role_known && s->dir == s->conn->request_dir;
}

static inline struct http_message *http_message_of(struct http_open *o, enum http_which which)
{
	return which == HTTP_REQUEST ? &o->x.request : &o->x.response;
}

static inline enum http_which http_which_of(const struct http_side *s)
{
	return http_is_request_side(s) ? HTTP_REQUEST : HTTP_RESPONSE;
}

/* exchange.c: life and pairing of exchanges. */

/* A new exchange, the last one; the roles are known. NULL: no memory. */
struct http_open *http_exchange_open(struct http_side *s);
/* The message's first byte; a second time: nothing. */
void http_exchange_begins(struct http_message *m, const struct http_piece *at);
/* A start line in s->held at [0, line.n): opens or finds its exchange and sets s->x. False: it does not fit here. */
bool http_exchange_start(struct http_side *s, struct str line);
/* The same when only the line's beginning came (all of s->held), cut off by a gap or the end: the request's method,
 * or nothing for a response, which only begins when its request waits. */
bool http_exchange_start_cut(struct http_side *s, struct str method);
/* The current message of s ended as framed; s is at a start again. May end the exchange. */
void http_exchange_message_done(struct http_side *s);
/* The rest of the current message of s cannot be known; s looks for another. May end the exchange. */
void http_exchange_message_lost(struct http_side *s);
/* Ends, tells and frees. */
void http_exchange_end(struct http_open *o, enum http_end end);
/* Ends all open exchanges of the connection. */
void http_exchange_end_all(struct http_conn *c, enum http_end end);
/* A gap on the response side that reaches beyond one response: ends those whose answers are in there. begun: it has
 * certainly swallowed the beginning of another one. */
void http_exchange_hidden(struct http_conn *c, bool begun);
/* The first that awaits its response, or NULL. */
struct http_open *http_exchange_waiting(const struct http_conn *c);
/* Bytes that are no response came by on its response side since its request began. */
bool http_exchange_is_passed(const struct http_open *o);
/* Tells request_done once. */
void http_exchange_told(struct http_open *o);
void http_exchange_broken(struct http_open *o, enum wire_dir dir, uint64_t offset, const char *why);
/* Lists the gap; false: no memory (or no gap of the trace: then true and nothing is listed). */
bool http_exchange_gap(struct http_open *o, const struct flow_gap *gap);
void http_exchange_free(struct http_open *o);

/* body.c: what framing lets through. */
int http_body_open(struct http_open *o, enum http_which which, const struct http_facts *facts) MUST_CHECK;
void http_body_feed(struct http_open *o, enum http_which which, const struct http_piece *p);
void http_body_gap(struct http_open *o, enum http_which which, uint64_t bytes);
/* whole: the body ended as framed, at `offset`. */
void http_body_close(struct http_open *o, enum http_which which, bool whole, uint64_t offset, uint64_t ts_ns);
void http_body_fini(struct http_body *b);

/* tail.c: what came at the end of a chunked body, size lines included, becomes the data; empty when it cannot be told. */
void http_tail_unchunk(struct buf *b);

/* framing.c: the bytes of the current message's body. Each returns how many of p it took. */
size_t http_framing_feed(struct http_side *s, const struct http_piece *p);
/* A gap inside the body (policy: left out on purpose): how many of its bytes are the body's for sure (all of them, or
 * less when it goes on beyond); UINT64_MAX: the framing is lost. */
uint64_t http_framing_gap(struct http_side *s, uint64_t bytes, bool policy);
/* Whether what comes next in a body without framing can only be the next message's. */
bool http_framing_is_over(const struct http_side *s);
/* A head is whole in s->held: reads it and sets what follows. */
void http_framing_head(struct http_side *s, const struct http_piece *p);

/* verdict.c: to be called when bytes came. */
void http_verdict_body(struct http_side *s);
void http_verdict_conn(struct http_conn *c, struct str call);
/* Nothing of the connection is wanted. */
void http_verdict_all(struct http_conn *c);
/* Nothing is to be cut out of it; of lines: it is a conversation. */
void http_verdict_whole(struct http_conn *c);

/* scan.c */
size_t http_scan_feed(struct http_side *s, const struct http_piece *p);
/* s->held is a line (or a part of one) that is no start line: s scans from it on. */
void http_scan_begin(struct http_side *s, bool line_whole, const struct http_piece *p);
/* Gives up what s holds. */
void http_scan_drop(struct http_side *s);

/* http.c */
void http_stray(struct http_side *s, uint64_t bytes);
/* A gap that no exchange has. */
void http_stray_gap(struct http_side *s, const struct flow_gap *gap);
/* Bytes of the current message that came with p. */
void http_count(struct http_side *s, uint64_t bytes, uint64_t ts_ns);

/* switch.c: whether a piece of bytes begins HTTP/2 or WebSocket frames, and what follows from it */
/* The client's preface was read. */
void http_switch_preface(struct http_side *s);
bool http_switch_is_h2(const struct http_side *s, const struct http_piece *p);
void http_switch_h2(struct http_side *s, const struct http_piece *p);
/* Also counts what looks like it. */
bool http_switch_is_ws(struct http_side *s, const struct http_piece *p);
void http_switch_ws(struct http_side *s, const struct http_piece *p);

#endif
