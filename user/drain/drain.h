/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain: ring buffer or tape -> validated records, in order; writes the tape.
 * in:    the ring's descriptor and the shared page, or a tape file
 * out:   struct wire_head * (borrowed until the callback returns)
 * owns:  the ring's mapping, its thread and queue, the tape file
 * may:   base, wire
 * never: interprets payload; waits for anybody; drops silently
 * fails: a malformed record is counted and skipped; beyond a full queue and half the ring a piece of data becomes a
 *        WIRE_DRAIN_LOSS; when the queue's reserve is full too, records stay in the ring and the kernel counts what
 *        finds no room; a foreign tape: -EBADMSG
 * start: drain.c
 */
#ifndef DRAIN_DRAIN_H
#define DRAIN_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/drop.h"
#include "base/str.h"
#include "wire.h"

typedef void drain_record_fn(void *ctx, const struct wire_head *rec);

/* ---- validation: the one place where a record's size is checked before any cast ---- */

/* Whether `size` bytes at p are one record of a known kind whose size, lengths and payload agree. Unknown kinds of
 * the right shape are valid (a newer tape's); the feeding stages ignore them. */
bool drain_valid(const void *p, size_t size);

/* ---- live ---- */

struct drain_settings {
	int ring_fd;		    /* BPF ring buffer map; borrowed */
	size_t ring_bytes;	    /* its size */
	struct wire_shared *shared; /* mapped by the caller, outlives the drain */
	size_t queue_bytes;	    /* LIMIT_QUEUE_BYTES */
};

struct drain_stats {
	uint64_t consumed;	 /* records taken from the ring */
	uint64_t malformed;	 /* of these, refused by drain_valid */
	uint64_t delivered;	 /* given to the callback */
	uint64_t dropped;	 /* queue full: pieces of TLS data, each one WIRE_DRAIN_LOSS */
	uint64_t dropped_events; /* out of memory while stopping: other records, gone */
	uint64_t wakeups;
};

struct drain;

/* Maps the ring and starts the drain thread. NULL: errno says why. */
struct drain *drain_new(const struct drain_settings *settings);
/* Readable whenever records wait (level); for epoll. */
int drain_event_fd(const struct drain *d);
/* Calls fn for at most max_records queued records, on the caller's thread. Returns how many. */
size_t drain_feed(struct drain *d, drain_record_fn *fn, void *ctx, size_t max_records);
/* No more records come (all probes are gone): empties the ring, ends the thread. drain_feed then yields the rest;
 * it returns 0 when there is nothing more. */
void drain_stop(struct drain *d);
struct drain_stats drain_stats(const struct drain *d);
void drain_free(struct drain *d);
DROP_POINTER(drain, drain_free)

/* ---- tape (docs/tape.md) ---- */

struct drain_tape; /* a tape being written */

/* Starts a tape on fd (taken; the caller made it 0600). NULL: errno. */
struct drain_tape *drain_tape_new(int fd);
/* Appends one record, buffered. Errors stick and are told by drain_tape_close. */
void drain_tape_feed(struct drain_tape *t, const struct wire_head *rec);
/* Flushes, closes, frees. 0, or the first write's -errno. NULL is fine. */
int drain_tape_close(struct drain_tape *t) MUST_CHECK;

enum drain_tape_end {
	DRAIN_TAPE_WHOLE, /* its last record is WIRE_END */
	DRAIN_TAPE_CUT,	  /* ends without one, or inside a record: replayed as far as it goes */
};

/* Whether the first bytes of a file are a tape's. */
bool drain_is_tape(struct str head);
/* Replays a tape. head: the file's first bytes, where they were read already, as from a pipe one must: they stand before
 * what fd gives. 0 and *end; -EBADMSG: not a tape; -EPROTO: another version; else -errno of reading. *offset is the
 * position of the first byte that was not replayed. */
int drain_replay(struct str head, int fd, drain_record_fn *fn, void *ctx, enum drain_tape_end *end,
		 uint64_t *offset) MUST_CHECK;

#endif
