/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection table: accounts are kept for good, stream state only for the LIMIT_CONNECTIONS that are open.
 */
#ifndef FLOW_CONN_H
#define FLOW_CONN_H

#include "base/map.h"
#include "flow/flow.h"
#include "flow/order.h"
#include "flow/stream.h"

#define CONN_MAX (1u << 20) /* accounts of one session */

/* One direction, and its place among those that hold pieces back. */
struct conn_lane {
	struct stream stream;
	struct order order; /* of a socket or pipe */
	struct conn_lane *prev, *next;
	size_t held_bytes; /* that the table counts for it */
};

enum conn_state {
	CONN_OPEN,
	CONN_EVICTED, /* its stream ended to make room, its records go on */
	CONN_CLOSED,  /* no more records of it can come, but a late account can */
};

/* pub first: a struct flow_conn * of ours is a struct conn *. */
struct conn {
	struct flow_conn pub;
	struct conn_lane lane[WIRE_DIRS];
	enum conn_state state;
	uint32_t write_tid;			  /* of the last write; 0: none yet */
	struct conn_owner *owner;		  /* while open */
	struct conn *sibling_prev, *sibling_next; /* of its owner */
	struct conn *older, *newer;		  /* while open, by last use */
	/* Of two pipes that are one conversation: which of them moves the bytes of a direction. 0: this is no such. */
	struct wire_conn_key half[WIRE_DIRS];
	uint8_t halves; /* 1 << direction: known, */
	uint8_t ended;	/* and ended */
	bool awaits_lib;
	struct conn *lib_next;
};

/* A process with open connections. */
struct conn_owner {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t pad;
	struct conn *first;
};

struct conn_table {
	const struct flow_settings *settings;
	struct map *conns;  /* key -> struct conn */
	struct map *owners; /* (start, pid) -> struct conn_owner */
	struct conn **all;  /* by id - 1 */
	uint32_t count, room;
	uint32_t open_count;
	struct conn *oldest, *newest;
	struct conn_lane *waiting, *waiting_last; /* lanes that hold pieces, by last change */
	size_t held_bytes;			  /* of all lanes */
	uint64_t dropped;			  /* records of connections that found no room */
};

/* 0 or -ENOMEM; conn_fini is needed either way. */
int conn_init(struct conn_table *t, const struct flow_settings *settings) MUST_CHECK;
void conn_fini(struct conn_table *t);

/* The connection that rec speaks of, made when it is new; NULL: no room (counted). */
struct conn *conn_get(struct conn_table *t, const struct wire_head *rec, const struct wire_conn_key *key);
/* The same, but NULL when it is new. */
struct conn *conn_find(const struct conn_table *t, const struct wire_head *rec,
		       const struct wire_conn_key *key);
/* From now on these records speak of c as well. 0 or -ENOMEM. */
int conn_join(struct conn_table *t, const struct wire_head *rec, const struct wire_conn_key *key,
	      struct conn *c) MUST_CHECK;
/* The direction of c is that kernel connection's; false: it is another one's. */
bool conn_claim(struct conn *c, enum wire_dir dir, const struct wire_conn_key *key);
/* Whether all that the kernel counted of c is known. */
bool conn_has_total(const struct conn *c);
/* A connection without a kernel side; NULL: no room (counted). */
struct conn *conn_add(struct conn_table *t, struct proc *proc, uint64_t ts_ns);
struct conn_owner *conn_find_owner(const struct conn_table *t, uint32_t pid, uint64_t start_ns);

/* Feeds one piece and keeps the table's lists. */
void conn_feed(struct conn_table *t, struct conn *c, enum wire_dir dir, const struct stream_piece *piece);
/* Lets lanes that waited long enough give up. */
void conn_tick(struct conn_table *t, uint64_t now_ns);
/* Nothing that is held waits any longer. */
void conn_flush(struct conn_table *t, struct conn *c);
void conn_settle(struct conn_table *t, struct conn *c, enum wire_cause unknown_cause, uint64_t ts_ns);
/* Ends the stream when it is open, and tells so. */
void conn_close(struct conn_table *t, struct conn *c, enum conn_state state, enum flow_end why,
		uint64_t ts_ns);

#endif
