/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: cleaned spans on disk and back. Until there is one that lasts: an unlinked spool file of this run, so that
 *        memory does not grow with it.
 * in:    spans as JSON lines, from the guard
 * out:   cursors over the newest version of each span, in start order
 * owns:  the spool file, one small index entry per span
 * may:   base, flow, genai, http, proc, trace, wire
 * never: network; sees what the guard has not cleaned
 * fails: no space: -ENOSPC once, the span is counted as lost and the document says so
 * start: store.c
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"
#include "trace/trace.h"

struct store;

/* dir NULL: $TMPDIR, else /var/tmp, else /tmp. NULL: errno. */
struct store *store_new(const char *dir);
/* Adds a span's line, or replaces the one with its id. */
int store_add(struct store *s, const struct trace_span *span, struct str line) MUST_CHECK;
/* No more spans: sorts. Numbers them: n from 1 by (start, seq) in each trace. */
int store_finish(struct store *s) MUST_CHECK;

struct store_entry {
	uint64_t id, parent, start_ns;
	uint32_t trace, seq, n;
};

/* After store_finish: spans of a trace in order. pos starts at 0; 1: one was given, 0: no more, < 0: -errno. The line
 * (without n) is appended to an emptied `line`. */
int store_next(struct store *s, uint32_t trace, uint64_t *pos, struct store_entry *entry,
	       struct buf *line) MUST_CHECK;
uint64_t store_lost(const struct store *s);
void store_free(struct store *s);
DROP_POINTER(store, store_free)

#endif
