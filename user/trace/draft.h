/* SPDX-License-Identifier: BSD-2-Clause */
/* A span under construction: its arrays and texts, dropped once it was told. Errors stick. */
#ifndef TRACE_DRAFT_H
#define TRACE_DRAFT_H

#include "base/arena.h"
#include "base/buf.h"
#include "trace/trace.h"

#define TRACE_DRAFT_ATTRIBUTES 80u /* more than any span of ours has */
#define TRACE_DRAFT_BUFS       12u
#define TRACE_DRAFT_EVIDENCE   24u

struct trace_draft {
	struct trace_span s;
	struct arena *a;
	struct buf bufs[TRACE_DRAFT_BUFS]; /* long JSON texts, where they were written */
	uint32_t buf_count;
	uint32_t event_cap, gap_cap;
	bool failed;
	bool kept; /* --keep is not asked: what it holds stays */
};

/* Always to be followed by trace_draft_fini, also when it failed. */
void trace_draft_init(struct trace_draft *d);
void trace_draft_fini(struct trace_draft *d);
/* Whether everything added is there. */
bool trace_draft_whole(const struct trace_draft *d);

/* Attributes; a text whose p is NULL is not added. Texts are borrowed: they outlive the draft. Keys are literals. */
void trace_draft_str(struct trace_draft *d, const char *key, struct str v);
void trace_draft_json(struct trace_draft *d, const char *key, struct str json);
void trace_draft_i64(struct trace_draft *d, const char *key, int64_t v);
void trace_draft_f64(struct trace_draft *d, const char *key, double v);
void trace_draft_bool(struct trace_draft *d, const char *key, bool v);
/* 16 hex digits of a span's id, in the draft's memory. */
struct str trace_draft_hex(struct trace_draft *d, uint64_t id);
/* A buf that lives as long as the draft; add its text with trace_draft_json when it is written. */
struct buf *trace_draft_buf(struct trace_draft *d);

/* Room for so many events and gaps, before the first of them. */
void trace_draft_events(struct trace_draft *d, uint32_t count);
void trace_draft_gaps(struct trace_draft *d, uint32_t count);
/* NULL without room. `attributes` has room for so many. */
struct trace_event *trace_draft_event(struct trace_draft *d, const char *name, uint64_t time_ns,
				      uint32_t attributes);
void trace_draft_event_str(struct trace_event *e, const char *key, struct str v);
void trace_draft_event_json(struct trace_event *e, const char *key, struct str json);
void trace_draft_event_i64(struct trace_event *e, const char *key, int64_t v);
void trace_draft_gap(struct trace_draft *d, const struct trace_gap *gap);
void trace_draft_link(struct trace_draft *d, const char *how, bool certain);
void trace_draft_evidence(struct trace_draft *d, const char *fmt, ...) PRINTF(2, 3);

#endif
