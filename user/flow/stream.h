/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of one connection: pieces in, in almost any order; bytes and gaps out, in order, each byte once.
 *
 * `next` is the offset up to which everything is accounted: kept + missing + skipped == bytes == next, always. A piece
 * beyond it leaves a hole. What of the hole policy left out, the piece says (skipped); is the rest's cause known
 * (hole_cause: the kernel could not send), it is told at once; else the piece is held for a while, since two threads
 * on one connection may overtake each other, and after that the rest is the user side's loss.
 *
 * What a read brought may be told of before the write that asked for it, where two threads share a connection: a call is
 * told of when it returns. Such a piece (early) is held for a while, too, though nothing is missing before it.
 */
#ifndef FLOW_STREAM_H
#define FLOW_STREAM_H

#include "flow/flow.h"

#define STREAM_HELD_PIECES 64
#define STREAM_HELD_BYTES  (1u << 20)
#define STREAM_HELD_NS	   50000000u
#define STREAM_EARLY_NS	   150000000u

/* A piece of TLS data, or of the drain's loss. */
struct stream_piece {
	uint64_t offset;
	uint64_t call_start; /* offset of the call's first byte in the direction */
	uint64_t call_end;
	uint64_t start_ns, ts_ns;
	uint32_t tid;
	uint32_t len;
	struct wire_conn_key key;
	enum wire_cause hole_cause;
	enum wire_cause loss_cause; /* NONE: the bytes are here */
	uint64_t skipped;	    /* before it in its direction, as the kernel counts */
	const char *data;	    /* NULL when lost */
	bool early;		    /* a write that began before this read returned may still come */
};

struct stream_held;

struct stream {
	struct flow_conn *conn;
	enum wire_dir dir;
	const struct flow_settings *settings;
	bool deaf; /* the stream ended: bytes are counted as missing, nobody is told data */
	enum wire_cause deaf_cause;
	uint64_t next;
	uint64_t skipped;	  /* the kernel's count at `next` */
	struct stream_held *held; /* by offset */
	uint32_t held_pieces;
	size_t held_bytes; /* memory */
	uint64_t
		held_since_ns; /* arrival of the one that waits longest, by its own time; of an early one later */

	/* the call that `next` is in, if any */
	struct {
		bool active, lost, queue_lost;
		uint64_t start, end;
	} call;

	/* the kernel's word */
	bool has_total;
	uint64_t total_bytes, total_calls, total_skipped;
	enum wire_cause total_cause;
	bool tail_told; /* that bytes of unknown number are missing at the end */
};

void stream_init(struct stream *s, struct flow_conn *conn, enum wire_dir dir,
		 const struct flow_settings *settings);
void stream_fini(struct stream *s);
/* Takes one piece; its data is borrowed. */
void stream_feed(struct stream *s, const struct stream_piece *piece);
/* Gives up waiting for what is older than STREAM_HELD_NS at now_ns. */
void stream_tick(struct stream *s, uint64_t now_ns);
/* Early pieces that are not later than until_ns wait no longer. */
void stream_admit(struct stream *s, uint64_t until_ns);
/* Gives up waiting for the oldest hole. */
void stream_push(struct stream *s);
/* Gives up waiting altogether. */
void stream_flush(struct stream *s);
/* Remembers what the kernel counted; the larger one of two. */
void stream_add_total(struct stream *s, const struct wire_side *side);
/* No more pieces come: what the kernel counted, or the last call moved, and did not come is a gap. unknown_cause is
 * for holes that the kernel does not explain. */
void stream_settle(struct stream *s, enum wire_cause unknown_cause, uint64_t ts_ns);

#endif
