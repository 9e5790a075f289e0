/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view: the trace document, and from it text for people.
 * in:    cursors over stored spans, the session's traces, processes and connections; or a document read back
 * out:   JSON documents, JSON lines, text: trees, single spans, live lines, summaries
 * owns:  nothing
 * may:   base, flow, genai, guard, http, proc, store, trace, wire
 * never: writes files; prints a byte of content that could move a cursor
 * fails: a document that is not ours: -EBADMSG
 * start: document.c
 */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/drop.h"
#include "base/json.h"
#include "base/str.h"
#include "flow/flow.h"
#include "guard/guard.h"
#include "proc/proc.h"
#include "store/store.h"
#include "trace/trace.h"

struct view_style {
	bool ascii; /* LC_ALL=C */
	bool colour;
	uint32_t columns; /* width to keep to; 0: no limit (a pipe) */
};

/* ---- writing the document ---- */

struct view_session { /* borrowed, all after trace_finish and store_finish */
	const struct trace_set *traces;
	const struct proc_table *procs;
	const struct flow *flow;
	struct store *store;
	struct guard *guard;
	bool digest;
	bool no_times; /* decode */
};

/* Where a document goes, piece by piece: 0, or -errno that ends the writing and is returned. */
typedef int view_write_fn(void *ctx, struct str piece);
/* The one that collects in memory: ctx is a struct buf. */
int view_to_buf(void *ctx, struct str piece) MUST_CHECK;

/* One `bottrace.v1.trace`, or `bottrace.v1.traces` when there are several (docs/trace.md). Ends with a newline. */
int view_document(const struct view_session *v, view_write_fn *write, void *ctx) MUST_CHECK;
/* One span a line in start order, then the trace without its spans. */
int view_lines(const struct view_session *v, view_write_fn *write, void *ctx) MUST_CHECK;
/* For JSON lines that were written as spans closed, numbered by their `seq`: the spans whose ordinal is another, then
 * the trace(s) without spans. */
int view_corrections(const struct view_session *v, view_write_fn *write, void *ctx) MUST_CHECK;
/* What `run` and `attach` say at the end: what was seen, lost, and added (ledger). Reads no span again. */
int view_summary(struct buf *out, const struct view_session *v, const struct view_style *style) MUST_CHECK;
/* One stored span with its ordinal: {"id":..,"parent":..,"n":N,...} */
void view_numbered(struct buf *out, struct str line, uint32_t n);

/* ---- text from a document ---- */

/* Whether j is a document of ours (either schema). */
bool view_is_document(const struct json *j);
/* The tree(s) of a document. */
int view_tree(struct buf *out, struct arena *a, const struct json *document,
	      const struct view_style *style) MUST_CHECK;
/* Span number n of the document's trace (of the only one, or of the trace-th from 0): -ENOENT when there is none. */
int view_span(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
	      const struct view_style *style) MUST_CHECK;
/* The span itself, as it stands in the document; NULL: none. */
const struct json *view_find(const struct json *document, uint32_t trace, uint32_t n);
/* Why a span has its parent: its link's evidence, what of it the document confirms, and who else was open then. As
 * view_span. */
int view_why(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
	     const struct view_style *style) MUST_CHECK;
/* The same as one `bottrace.v1.why` document. */
int view_why_json(struct buf *out, struct arena *a, const struct json *document, uint32_t trace,
		  uint32_t n) MUST_CHECK;
/* Heading and one line per closed span while attached; the span is a stored line (JSON text). An empty out: nothing to
 * show for it. */
void view_live_heading(struct buf *out, const struct view_style *style);
void view_live_line(struct buf *out, struct arena *a, struct str span_line, const struct view_style *style);
/* A line when the overhead governor took a step. utc_offset_ns: of the monotonic clock. */
void view_live_shed(struct buf *out, const struct wire_shed_step *step, int64_t utc_offset_ns,
		    const struct view_style *style);
/* Whether it is what is alive in a process (`bottrace.v1.state`), and that as text. */
bool view_is_state(const struct json *j);
int view_state(struct buf *out, struct arena *a, const struct json *state,
	       const struct view_style *style) MUST_CHECK;
/* What was alive when span n of the trace-th trace failed; n 0: of every span of all traces from that one on. -ENOENT: no state
 * was kept there. */
int view_failures(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
		  const struct view_style *style) MUST_CHECK;
/* The same as one `bottrace.v1.failures` document. */
int view_failures_json(struct buf *out, struct arena *a, const struct json *document, uint32_t trace,
		       uint32_t n) MUST_CHECK;
/* The `bottrace.v1.doctor` document as text. */
int view_doctor(struct buf *out, struct arena *a, const struct json *doctor,
		const struct view_style *style) MUST_CHECK;
/* A document as JSON lines: one span a line, then each trace without its spans. */
int view_document_lines(struct buf *out, struct arena *a, const struct json *document) MUST_CHECK;
/* A document with every `bottrace.continues` expanded: whole lists of messages, system instructions and tools as the
 * call had them. What refers to a span that is not there, or to more than that has, stays as it is. */
int view_full(struct arena *a, const struct json *document, view_write_fn *write, void *ctx) MUST_CHECK;
/* One span of it. -ENOENT when there is none. */
int view_full_span(struct buf *out, struct arena *a, const struct json *document, uint32_t trace,
		   uint32_t n) MUST_CHECK;

#endif
