/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow: data records -> ordered bytes per connection and direction, with gaps in their place.
 * in:    WIRE_TLS_*, WIRE_PLAIN_CONN, WIRE_PROC_STDIO, WIRE_DRAIN_LOSS, WIRE_CONN_FINAL, WIRE_LIB records
 * out:   struct flow_chunk (borrowed until the callback returns), gaps, ends
 * owns:  the connection table and its byte accounts
 * may:   base, drain, proc, wire
 * never: looks inside the bytes
 * fails: beyond LIMIT_CONNECTIONS the oldest idle connection's stream state ends (its account stays)
 * start: flow.c
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/hash.h"
#include "base/str.h"
#include "proc/proc.h"
#include "wire.h"

struct flow_side {
	uint64_t calls;		   /* that moved data, those whose bytes are missing included */
	uint64_t calls_kept;	   /* every byte that policy wants arrived here */
	uint64_t calls_queue_full; /* whole in the kernel, a piece dropped by the drain */
	uint64_t bytes;		   /* accepted or returned by the library = kept + missing + skipped */
	uint64_t kept;
	uint64_t missing;
	uint64_t skipped;
	struct hash_sha *sha; /* of the kept bytes, with digest; else NULL */
};

struct flow_conn {
	uint32_t id;	   /* from 1, in order of first sight */
	struct proc *proc; /* NULL in decode, and where proc has no room */
	uint64_t ssl;
	uint64_t generation;
	uint64_t seen_ns;
	uint64_t close_ns; /* 0: open */
	struct str server; /* SNI; p NULL: none seen */
	char local[56];	   /* "10.0.0.7:51822", "[::1]:443"; "": unknown */
	char peer[56];
	struct str tls; /* base name of the library; p NULL: unknown */
	enum wire_transport transport;
	struct str path; /* of a Unix socket's server; p NULL: none, or unknown */
	uint64_t
		mate_ssl; /* of two pipes that are one conversation: the second one's ssl and generation; 0: none */
	uint64_t mate_generation;
	struct flow_side side[WIRE_DIRS];
	void *user; /* of the room that consumes chunks */
};

struct flow_chunk {
	struct flow_conn *conn;
	enum wire_dir dir;
	uint64_t offset;	  /* of the first byte in its direction */
	uint64_t call_offset;	  /* of the first byte of the call that moved it */
	struct wire_conn_key key; /* as the call's records have it: of two pipes, this one's */
	uint64_t start_ns;	  /* when the call began */
	uint64_t ts_ns;		  /* when it returned */
	uint32_t tid;
	struct str data; /* never empty */
};

struct flow_gap {
	struct flow_conn *conn;
	enum wire_dir dir;
	uint64_t offset;
	uint64_t bytes; /* 0: a hole whose size could not be read, at offset */
	enum wire_cause
		cause; /* WIRE_CAUSE_NONE: left out by policy, counted as skipped, no gap of the trace */
	uint64_t ts_ns;
};

enum flow_end { FLOW_END_FREED, FLOW_END_PROC_EXIT, FLOW_END_SESSION };

struct flow_ops {
	void (*data)(void *ctx, const struct flow_chunk *chunk);
	/* May also come after the connection's close: what the kernel counted of it is known later than its process's end
	 * (never more than the account changes then: no data follows). */
	void (*gap)(void *ctx, const struct flow_gap *gap);
	/* The connection's stream ended. SESSION: tracing ended, the connection lives on (what is open stays open). */
	void (*close)(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns);
};

struct flow_settings {
	bool digest;
	const struct flow_ops *ops;
	void *ctx;
	struct proc_table *procs; /* to name a connection's process */
};

struct flow;

struct flow *flow_new(const struct flow_settings *settings);
/* Takes any record; uses those of its kinds, and WIRE_PROC_EXIT / WIRE_END to end connections. */
void flow_feed(struct flow *f, const struct wire_head *rec);
/* Every connection that was ever seen, in order; start with NULL. */
struct flow_conn *flow_next(const struct flow *f, const struct flow_conn *after);
/* Records of connections that found no room in memory or table: 0, or the accounts are not whole. NULL is fine. */
uint64_t flow_dropped(const struct flow *f);
/* Feeds bytes without a kernel (decode): a connection of its own, then chunks. */
struct flow_conn *flow_open(struct flow *f, struct proc *proc, struct str server, uint64_t ts_ns);
void flow_data(struct flow *f, struct flow_conn *c, enum wire_dir dir, struct str data, uint64_t ts_ns);
void flow_close(struct flow *f, struct flow_conn *c, uint64_t ts_ns);
void flow_free(struct flow *f);
DROP_POINTER(flow, flow_free)

#endif
