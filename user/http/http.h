/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http: byte streams -> exchanges: HTTP/1.1 and 2, content encodings, bodies of events, WebSocket messages; or lines.
 * in:    chunks, gaps and ends of connections
 * out:   struct http_exchange and the events on it (borrowed until the callback returns; the exchange until `done`);
 *        verdicts: what need not come any more
 * owns:  the parser state of each connection, one arena per exchange
 * may:   base, flow, proc, wire
 * never: knows a provider; looks at the clock
 * fails: broken or oversized input marks the exchange (broken) and the stream resynchronises at the next message
 * start: http.c
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/drop.h"
#include "base/str.h"
#include "flow/flow.h"

struct http_field {
	struct str name, value; /* value trimmed; as on the wire otherwise */
};

/* A call by which the process wrote on the connection: who made it is known by the call. */
struct http_write {
	bool is_one;		   /* false: the bytes were read */
	struct wire_conn_key conn; /* as the call's records have it */
	uint64_t offset;	   /* of the call's first byte in the write direction */
};

struct http_message {
	struct http_field *fields; /* in the exchange's arena */
	uint32_t count;
	struct http_field *trailers; /* of HTTP/2 */
	uint32_t trailer_count;
	bool head_done;	     /* start line and fields are whole */
	bool head_unknown;   /* HTTP/2: some of it stands in a table whose beginning was not seen */
	bool begun;	     /* a byte of it was seen */
	bool done;	     /* the body's end was seen as its framing says */
	bool body_kept;	     /* `body` holds the whole decoded body so far (not beyond the limits) */
	uint64_t wire_bytes; /* of the whole message, framing included */
	uint64_t body_bytes; /* of the body as transferred, before decoding its encoding, without framing */
	uint64_t decoded_bytes;
	struct str body;  /* decoded; grows: look again after each call. Empty for event streams */
	bool torn;	  /* a part of the body is not here: lost (a gap says so) or left out by policy */
	uint64_t torn_at; /* first byte that is not here, in the body as transferred */
	bool encoded;	  /* has a content encoding: what comes behind the tear cannot be read */
	struct str
		tail; /* of a torn body that has no encoding: what came after the last part that is not here */
	struct str content_type; /* without parameters, lower case */
	uint64_t start_ns;	 /* first byte: start of the call that moved it */
	uint64_t first_ns;	 /* first byte: return of that call */
	uint64_t end_ns;	 /* last byte so far */
	uint64_t offset;	 /* of its first byte in the connection's direction */
	struct http_write write; /* that its first byte went out with */
};

struct http_gap {
	enum wire_dir dir;
	uint64_t offset, bytes;
	enum wire_cause cause;
	struct http_gap *next;
};

struct http_broken {
	bool set;
	enum wire_dir dir;
	uint64_t offset; /* in the connection's direction */
	const char *why; /* static */
};

enum http_end {
	HTTP_END_OPEN,	   /* not ended */
	HTTP_END_DONE,	   /* both messages ended as framed */
	HTTP_END_NEXT,	   /* the next request began before the response's end was read */
	HTTP_END_CLOSED,   /* connection closed; a body without framing ends so too (then DONE) */
	HTTP_END_ABORTED,  /* the process died */
	HTTP_END_SESSION,  /* tracing ended, the exchange goes on without us */
	HTTP_END_LOST,	   /* a gap or broken bytes hide the rest */
	HTTP_END_UPGRADED, /* 101 or CONNECT: something else from here on; of a WebSocket: it was closed */
};

struct http_exchange {
	uint64_t index; /* on its connection, from 1 */
	struct flow_conn *conn;
	uint32_t tid;	  /* thread that wrote (or first read) */
	bool server_side; /* the process answers here (it read the request) */
	bool http2;	  /* a stream of HTTP/2 */
	bool joined;	  /* a WebSocket whose upgrade was not seen: no request, no head of a response */
	bool tunnelled;	  /* behind a CONNECT on this connection, whose other end is a proxy */
	bool websocket; /* HTTP/2: asks for a WebSocket on its stream (RFC 8441), by a CONNECT that is none to a proxy */
	bool request_seen;	   /* false: attached in mid-exchange, only the response came by */
	struct str method, target; /* as on the wire */
	int status;		   /* final status; 0: none yet */
	bool wanted; /* set by the consumer in response_head: it reads the body, whatever its type */
	struct http_message request, response;
	struct http_gap *gaps;	   /* in order */
	struct http_broken broken; /* the first one */
	const char *reset; /* HTTP/2: why a side gave the stream up (RFC 9113 7), static; NULL: none did */
	enum http_end end;
	struct arena *arena; /* the exchange's; for its consumers too */
	void *user;	     /* of the room that consumes exchanges */
};

/* One event of a body that is a sequence of them: server-sent, or of another framing (frames.h). */
struct http_event {
	struct str event; /* its type, where the framing has one; empty: "message" */
	struct str data;  /* of server-sent events: lines joined by \n */
	struct str id;
	bool exception; /* the framing says that this is an error, of type `event` */
	uint64_t ts_ns; /* when its last byte was read */
};

/* One message on an upgraded connection (WebSocket), put together and inflated. */
struct http_ws_message {
	enum wire_dir dir;
	bool text;
	bool cut;	 /* not whole: data is what is known of it, or nothing */
	struct str data; /* borrowed until the callback returns */
	uint64_t start_ns, ts_ns;
	uint64_t offset; /* of its first byte in its direction */
	struct http_write write;
	uint64_t wire_bytes;
	uint32_t tid;
};

/* One line on a connection that speaks in lines of JSON, without HTTP: pipes, Unix sockets. */
struct http_line {
	enum wire_dir dir;
	bool cut;	 /* bytes of it are missing, or it has no end */
	struct str text; /* without its end; borrowed until the callback returns */
	uint64_t start_ns, ts_ns;
	uint64_t offset; /* of its first byte in its direction */
	struct http_write write;
	uint32_t tid;
};

enum http_heard {
	HTTP_HEARD_ENOUGH, /* no more is wanted of this connection: as when there is no such function */
	HTTP_HEARD_SO_FAR, /* what it is nobody knows yet */
	HTTP_HEARD_KNOWN,  /* a conversation: all of it is wanted */
};

struct http_ops {
	/* First byte of the request (or of a response without a request that we saw). */
	void (*begin)(void *ctx, struct http_exchange *x);
	void (*request_head)(void *ctx, struct http_exchange *x);
	/* The request's body is whole (or as whole as it will get). */
	void (*request_done)(void *ctx, struct http_exchange *x);
	/* Final (not 1xx) status and fields. */
	void (*response_head)(void *ctx, struct http_exchange *x);
	/* First byte of the response's body. */
	void (*response_body)(void *ctx, struct http_exchange *x, uint64_t ts_ns);
	/* One event of a body that is a sequence of them. */
	void (*event)(void *ctx, struct http_exchange *x, const struct http_event *ev);
	/* A message after the exchange upgraded its connection to WebSocket; it stays open until that ends. May be NULL. */
	void (*message)(void *ctx, struct http_exchange *x, const struct http_ws_message *m);
	/* The exchange ended: x->end says how. It is freed afterwards. */
	void (*done)(void *ctx, struct http_exchange *x);
	/* A line; *user: of the consumer, NULL at the connection's first one. Then lines_end, once, if there was a line. */
	enum http_heard (*line)(void *ctx, struct flow_conn *conn, void **user, const struct http_line *line);
	void (*lines_end)(void *ctx, struct flow_conn *conn, void *user, enum http_end end, uint64_t ts_ns);
	/* Bytes that are no HTTP, or hidden behind a gap: counted for the connection, in no exchange. The gap, when
	 * there is one, is reported here because no exchange has it. May be NULL. */
	void (*stray)(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		      const struct http_gap *gap);
};

struct http_stats {
	uint64_t exchanges, broken, stray_bytes;
	uint64_t http2; /* connections that spoke HTTP/2 */
};

/* What of a connection is not wanted any more. */
enum http_word {
	HTTP_WORD_SKIP,	 /* bytes of `dir` below `until` */
	HTTP_WORD_READS, /* reads below `until`, unless more than `written` bytes were written by then */
	HTTP_WORD_ALL,	 /* everything, for good: it is no HTTP */
	HTTP_WORD_WHOLE, /* the other way: it speaks in frames, nothing is to be cut out of calls, for good */
};

struct http_verdict {
	enum http_word word;
	enum wire_dir dir;
	uint64_t until;
	uint64_t written;
};

typedef void http_verdict_fn(void *ctx, const struct flow_conn *conn, const struct http_verdict *v);

struct http;

struct http *http_new(const struct http_ops *ops, void *ctx);
/* Who can see to it that bytes do not come at all is told which need not. */
void http_judge(struct http *h, http_verdict_fn *fn, void *ctx);
void http_feed(struct http *h, const struct flow_chunk *chunk);
void http_gap(struct http *h, const struct flow_gap *gap);

/* For recordings, whose two directions carry no times. How many of the bytes that come next in this direction can be
 * fed without passing the end of a message; 0 only when there are none. */
size_t http_reach(const struct flow_conn *conn, enum wire_dir dir, struct str next);
/* Whether a request is whole and its answer is not, or asks for a WebSocket and is not answered. */
bool http_awaits_answer(const struct flow_conn *conn);

void http_close(struct http *h, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns);
struct http_stats http_stats(const struct http *h);
/* First field of that name (case ignored); p NULL: none. */
struct str http_field(const struct http_message *m, const char *name);
struct str http_trailer(const struct http_message *m, const char *name);
void http_free(struct http *h);
DROP_POINTER(http, http_free)

#endif
