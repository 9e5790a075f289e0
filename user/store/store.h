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

/* What sums over spans need, so that no line has to be read again for them. */
struct store_facts {
	const char *kind; /* static */
	uint64_t end_ns, gap_bytes;
	int64_t input, output; /* tokens; -1: not said */
	int64_t cost_pusd;     /* -1: not known */
	int64_t http_status;   /* 0: none */
	uint32_t gaps;
	enum trace_status status;
	bool linked, certain; /* the link to its parent */
	bool cost_estimated;
	bool hop;     /* a model call seen again behind a gateway */
	bool bounded; /* its times are those of what it holds */
};

struct store_entry {
	uint64_t id, parent, start_ns;
	uint32_t trace, seq, n; /* n: 0 before store_finish */
	struct store_facts facts;
	uint64_t offset; /* of the line in the spool */
	uint32_t size;	 /* of the line, without n */
};

/* dir NULL: $TMPDIR, else /var/tmp, else /tmp. NULL: errno. */
struct store *store_new(const char *dir);
/* Adds a span's line, or replaces the one with its id. */
int store_add(struct store *s, const struct trace_span *span, struct str line) MUST_CHECK;
/* Before store_finish: the newest line of a span, appended to an emptied `line`. 1, 0 when it is not there, < 0: -errno. */
int store_get(const struct store *s, uint64_t id, struct store_entry *entry, struct buf *line) MUST_CHECK;
/* Another line for a span that is there, which says the same of the entry's parent, times and facts: they stay. -ENOENT
 * when it is not there. */
int store_replace(struct store *s, uint64_t id, struct str line) MUST_CHECK;
/* Another line for it, that says another parent and link. -ENOENT when it is not there. */
int store_move(struct store *s, uint64_t id, uint64_t parent, bool certain, struct str line) MUST_CHECK;
/* The span is the root of that trace: what has it as an ancestor when the store is finished goes there. */
void store_root(struct store *s, uint64_t id, uint32_t trace);
/* Forgets a span; its room on disk is given back where the file system can. */
void store_remove(struct store *s, uint64_t id);
/* No more spans: sorts. Numbers them: n from 1 by (start, seq) in each trace. */
int store_finish(struct store *s) MUST_CHECK;

/* After store_finish. */
size_t store_count(const struct store *s, uint32_t trace);
/* After store_finish: spans of a trace in order. pos starts at 0; 1: one was given, 0: no more, < 0: -errno. */
int store_next(const struct store *s, uint32_t trace, uint64_t *pos, struct store_entry *entry) MUST_CHECK;
/* Appends the bytes of an entry's line from `from` on, at most so many. 0 or -errno. */
int store_read(const struct store *s, const struct store_entry *entry, uint32_t from, uint32_t most,
	       struct buf *out) MUST_CHECK;
uint64_t store_lost(const struct store *s);
void store_free(struct store *s);
DROP_POINTER(store, store_free)

#endif
