/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark: what the marker module says (docs/markers.md): pieces of text -> one note a message.
 * in:    WIRE_MARK records
 * out:   struct mark_note (borrowed until the callback returns)
 * owns:  messages of which pieces are still to come
 * may:   base, proc, wire
 * never: believes a message: any traced program may write one
 * fails: beyond MARK_PARTIALS unfinished messages the oldest is told as far as it came; what is no message is counted
 * start: mark.c
 */
#ifndef MARK_MARK_H
#define MARK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/drop.h"
#include "base/json.h"
#include "base/str.h"
#include "proc/proc.h"
#include "wire.h"

#define MARK_MESSAGE_MAX (192u << 10) /* bytes of one message: two values of 64 KiB never come in one */
#define MARK_PARTIALS	 64u

enum mark_kind {
	MARK_BEGIN,
	MARK_END,
	MARK_EVENT,
	MARK_STATE,
	MARK_SESSION,
	MARK_NOW, /* the thread goes on in another marker, or in none */
};

struct mark_note {
	enum mark_kind kind;
	struct proc *proc;
	uint32_t tid;
	uint64_t ts_ns;
	uint64_t number; /* of the marker that it speaks of, unique in the process; 0: none */
	uint64_t parent; /* MARK_BEGIN: number of the enclosing one; 0: none */
	uint64_t now;	 /* the marker that the thread is in from here on; 0: none */
	bool has_now;	 /* else it goes on as before */
	bool foreign;	 /* MARK_BEGIN: threads inherit contexts: a parent of another thread proves nothing */
	bool cut;	 /* something of the value is missing */
	struct str session; /* that this thread or task serves; p NULL: none */
	struct str name;    /* of a step or event, key of a state; p NULL: none */
	struct str value;   /* JSON: input, output, attributes; p NULL: none */
	struct str error;   /* MARK_END: type of the exception that left it; p NULL: none */
	struct str message;
};

struct mark;

typedef void mark_note_fn(void *ctx, const struct mark_note *n);

struct mark *mark_new(struct proc_table *procs, mark_note_fn *fn, void *ctx);
/* Takes any record; uses those of its kind. Feed it to proc first. */
void mark_feed(struct mark *m, const struct wire_head *rec);
/* No more input: unfinished messages are told as far as they came. */
void mark_finish(struct mark *m);
/* Records that were no piece of a message, messages that could not be read. */
uint64_t mark_refused(const struct mark *m);
void mark_free(struct mark *m);
DROP_POINTER(mark, mark_free)

#endif
