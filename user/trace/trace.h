/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace: calls + processes + stacks -> spans, one tree per trace.
 * in:    genai calls (trace_genai_ops), processes (trace_proc_ops), stacks (trace_py_ops), notes of markers (trace_marker),
 *        records for time and session
 * out:   struct trace_span when it closes or is replaced (borrowed until the callback returns); struct trace at the end
 * owns:  open spans and their stacks, tool calls by id, prefix hashes of conversations, an index entry per span
 * may:   base, flow, genai, http, mark, proc, py, rules, wire
 * never: protocol bytes, disk, clock; a link that is only likely is never called certain
 * fails: beyond LIMIT_OPEN_SPANS the oldest open span is closed as it stands
 * start: trace.c
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"
#include "genai/genai.h"
#include "mark/mark.h"
#include "proc/proc.h"
#include "py/py.h"
#include "rules/rules.h"
#include "wire.h"

/* A value of an attribute. */
enum trace_value_type { TRACE_STR, TRACE_JSON, TRACE_I64, TRACE_F64, TRACE_BOOL };

struct trace_attribute {
	struct str key;
	enum trace_value_type type;
	struct str text; /* TRACE_STR: text; TRACE_JSON: JSON text */
	int64_t i64;	 /* TRACE_I64, TRACE_BOOL */
	double f64;
};

struct trace_event {
	uint64_t time_ns; /* monotonic; 0: unknown */
	struct str name;
	struct trace_attribute *attributes;
	uint32_t count;
};

struct trace_gap {
	uint32_t connection;
	enum wire_dir dir;
	uint64_t offset, bytes;
	enum wire_cause cause;
};

/* Of a stack: a place in a program. */
struct trace_frame {
	struct str file, function; /* p NULL: not known */
	uint32_t line;		   /* 0: none, or not known */
};

struct trace_link {
	const char *how; /* NULL: no link (a root) */
	bool certain;
	struct str *evidence;
	uint32_t evidence_count;
};

enum trace_status { TRACE_STATUS_OPEN, TRACE_STATUS_OK, TRACE_STATUS_ERROR, TRACE_STATUS_ABORTED };

struct trace_span {
	uint64_t id;
	uint64_t parent;   /* 0: a root */
	uint64_t asked_by; /* a tool call's: span of the answer that asked; a hop's: the first one; else 0 */
	bool undecided;	   /* --keep: trace_ops.decide will say whether it stays */
	uint32_t trace;	   /* index of its trace, from 0 */
	uint32_t seq;	   /* order of creation in its trace, from 1; the ordinal n follows (start, seq) */
	const char *kind;  /* docs/trace.md: chat, execute_tool, process, http, ... */
	struct str name;
	uint64_t start_ns; /* monotonic; 0: unknown (decode) */
	uint64_t end_ns;   /* 0: open, or unknown (decode) */
	bool bounded;	   /* time: known only from content */
	enum trace_status status;
	struct str status_type, status_message; /* p NULL: none */
	uint32_t pid, tid;			/* 0: unknown */
	struct str task;			/* name of an asyncio task; p NULL: none, or not known */
	const struct trace_frame *source;	/* the user's own code; NULL: none, or not known */
	const struct trace_frame *stack;	/* innermost first; NULL: none was taken */
	uint32_t stack_count;
	struct trace_link link;
	struct trace_attribute *attributes;
	uint32_t attribute_count;
	struct trace_event *events;
	uint32_t event_count;
	struct trace_gap *gaps;
	uint32_t gap_count;
};

/* --keep: what makes a call stay. 0: this rule was not given. */
struct trace_rules {
	bool errors;
	uint64_t slow_ns;
	uint64_t cost_pico; /* picodollars */
};

/* One trace, when its session ended. Spans were told before, by trace_ops.span. */
struct trace {
	uint32_t index;
	char id[33];
	const char *root_rule;	   /* run, process, decode, ... */
	struct str session;	   /* p NULL: none */
	uint64_t root;		   /* id of its root span; 0 in decode */
	uint64_t start_ns, end_ns; /* 0: unknown or open */
	uint64_t until_ns;	   /* tracing saw this far; 0: unknown */
	enum trace_status status;
	bool complete;		   /* by its spans and ledger: gaps, abandoned, blind, cut tape */
	uint32_t sample_n;	   /* one run, or one connection, of so many is here; 0, 1: all */
	bool sampled_out;	   /* this run is not one of those */
	uint32_t shed_steps;	   /* of the governor, while its root process lived */
	uint32_t shed_level;	   /* the last one's, enum wire_shed */
	struct wire_counts counts; /* summed over its processes */
	uint64_t in_flight;
	uint64_t queue_full_calls;
	uint32_t spans;
	uint64_t spans_dropped; /* by --keep */
	struct trace_rules rules;
	bool light;		/* --light: no content */
	struct proc *root_proc; /* NULL in decode */
	bool counts_known;
	bool served; /* a request, a workflow or a conversation of a process that serves: no bytes of its own */
};

struct trace_ops {
	/* A span closed; also each time a closed one changed (a retry joined it, a tool's process ended): it replaces the
	 * one with the same id. At the end of the session also every span that is still open. */
	void (*span)(void *ctx, const struct trace_span *s);
	/* A span began: for live displays only; it may still lack most. May be NULL. */
	void (*open)(void *ctx, const struct trace_span *s);
	/* A span that was told as undecided stays, or is to be forgotten. Comes once for each. May be NULL. */
	void (*decide)(void *ctx, uint64_t id, bool keep);
	/* The call `call` was dropped: the span `id`, if it is still there, is not to name it as what it was answered in. May
	 * be NULL. */
	void (*forget)(void *ctx, uint64_t id, uint64_t call);
	/* The span `id`, if it was told and is there, stands below `parent`; link NULL: known as before. It is not told
	 * again. NULL: no agents are looked for. */
	void (*place)(void *ctx, uint64_t id, uint64_t parent, const struct trace_link *link, bool undecided);
	/* The span with this id, if it was told and is there, has these events too. NULL: what code did in spans that were told
	 * is not kept. */
	void (*say)(void *ctx, const struct trace_span *s);
	/* The span `id` is the root of that trace, and all that is below it belongs there. May be NULL. */
	void (*root)(void *ctx, uint64_t id, uint32_t trace);
};

struct trace_settings {
	const struct trace_ops *ops;
	void *ctx;
	const struct genai_prices *prices; /* NULL: no call's cost is reckoned */
};

struct trace_set;

/* ---- rules.c: --keep ---- */

/* "errors,slow>5s,cost>0.50". NULL, or what is wrong with it in a few words; then out is as before. */
const char *trace_rules_parse(struct str text, struct trace_rules *out) MUST_CHECK;
/* In the same form, in one spelling. */
void trace_rules_format(struct buf *out, const struct trace_rules *r);
bool trace_rules_has_any(const struct trace_rules *r);
/* Whether the span fulfils one of them; now_ns for those that are open. */
bool trace_rules_match(const struct trace_rules *r, const struct trace_span *s, uint64_t now_ns);

struct trace_set *trace_new(const struct trace_settings *settings);
const struct genai_ops *trace_genai_ops(void); /* ctx: the struct trace_set */
const struct proc_ops *trace_proc_ops(void);   /* ctx: the struct trace_set */
/* A marker begins or ends, says something, or a thread goes on in another one. ctx: the struct trace_set */
void trace_marker(void *ctx, const struct mark_note *n);
const struct py_ops *trace_py_ops(void); /* ctx: the struct trace_set */
/* Where calls find their stacks; outlives the set. */
void trace_read_stacks(struct trace_set *t, struct py *py);
/* What frames are read by; outlives the set. False: it is too late for others than those before. */
bool trace_use_rules(struct trace_set *t, const struct rules *rules);
#define TRACE_STATE_BYTES (1u << 20)
/* What is alive in the process and its descendants, as JSON that the guard is to clean (docs/state.md). -ENOENT: no such
 * process is traced, or it ended; -ENOMEM. Changes nothing. */
int trace_state(struct trace_set *t, uint32_t pid, uint64_t now_ns, struct buf *out) MUST_CHECK;
/* A process is about to end, and what it has open still is: before flow and proc are fed. p NULL: nothing. */
void trace_failure_exit(struct trace_set *t, struct proc *p, const struct wire_proc_exit *w);
/* Takes any record: time, WIRE_SESSION, WIRE_KEEP, WIRE_TICK, WIRE_END. Feed it to proc and flow first. */
void trace_feed(struct trace_set *t, const struct wire_head *rec);
/* No more input: closes or reports what is open, assigns every process to its trace, sums. cut: the tape ended early. */
void trace_finish(struct trace_set *t, struct proc_table *procs, struct flow *flow, bool cut);
/* After trace_finish; start with NULL. */
const struct trace *trace_next(const struct trace_set *t, const struct trace *after);
/* The trace that a process (or a connection's process) belongs to; valid after trace_finish. */
uint32_t trace_of_proc(const struct trace_set *t, const struct proc *p);
/* Offset that turns monotonic ns into UTC ns (WIRE_SESSION). */
int64_t trace_utc_offset(const struct trace_set *t);
uint64_t trace_session_site_ns(const struct trace_set *t);
void trace_free(struct trace_set *t);
DROP_POINTER(trace_set, trace_free)

#endif
