/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of a document that was read, as a forest; and what people call them. */
#ifndef VIEW_NODE_H
#define VIEW_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "view/line.h"

#define NODE_NONE UINT32_MAX

enum node_kind { NODE_LLM, NODE_TOOL, NODE_AGENT, NODE_PROC, NODE_HTTP, NODE_STEP };

struct node {
	const struct json *j, *attributes;
	uint64_t id, parent_id; /* 0: none or unreadable */
	uint32_t n;
	enum node_kind kind;
	const char *word;		    /* llm, tool, agent, proc, http, ... */
	uint32_t parent, first, last, next; /* indices or NODE_NONE */
	bool bad;			    /* its status is an error, or it was aborted */
	bool hop;			    /* a model call seen again behind a gateway */
	bool shown;			    /* for walks that must not come twice */
};

struct node_index {
	uint64_t id;
	uint32_t at;
};

struct node_forest {
	const struct json *trace;
	struct arena *a;
	struct node *nodes;	  /* in the document's order */
	struct node_index *index; /* by id */
	uint32_t count;
	uint32_t first_root; /* roots are chained by next */
	int64_t last_ns;     /* latest time that stands in the trace; 0: none */
};

/* -ENOMEM, -EBADMSG. A parent that is not there makes a root; cycles end up as roots too. */
int node_forest_init(struct node_forest *f, struct arena *a, const struct json *trace) MUST_CHECK;
/* The same of spans that are not read: a forest of `count` nodes to be given id, parent_id, kind, bad and hop, in order, and
 * then linked. Only these and what linking makes may be asked for. */
int node_forest_new(struct node_forest *f, struct arena *a, size_t count) MUST_CHECK;
int node_forest_link(struct node_forest *f) MUST_CHECK;
/* What `kind` of a span means. */
enum node_kind node_kind_of(struct str kind, const char **word);
/* A single span, as when it closes. */
void node_init(struct node *n, struct arena *a, const struct json *span);
/* By id; NODE_NONE. */
uint32_t node_by_id(const struct node_forest *f, uint64_t id);

const struct json *node_attribute(const struct node *n, const char *key);
struct str node_text(struct arena *a, const struct node *n, const char *key);
/* False when it is not there or no number. */
bool node_number(const struct node *n, const char *key, int64_t *out);
/* status.code, never empty. */
struct str node_status(struct arena *a, const struct node *n);
/* Nanoseconds since the epoch of an RFC 3339 time; 0: null or unreadable. */
int64_t node_time(struct arena *a, const struct json *object, const char *member);
/* What the span is about: model, tool and argument, method and address, command line. At most some hundred bytes. */
struct str node_what(struct arena *a, const struct node *n);
/* 8.4k */
void node_short_count(int64_t n, char out[24]);
/* Tokens, cached tokens, outcome, exit, error, retries, openness, gaps, doubt about the parent: each led by two spaces.
 * now_ns: what "open since" refers to; 0: unknown. */
void node_notes(struct line *l, struct arena *a, const struct node *n, int64_t now_ns);
/* A place in a program: "agent.py:41 Researcher.run". path: with its file's directory. Nothing when it is none. */
void node_place(struct line *l, enum line_colour colour, struct arena *a, const struct json *frame,
		bool path);
/* The user's own code that made the call, led by two spaces. */
void node_source(struct line *l, struct arena *a, const struct node *n);
/* What code did in the span (docs/events.md), a line at a time. */
struct node_events {
	const struct json *all, *at; /* at: the next one */
	unsigned shown[2], left;     /* exceptions, others */
	bool begun, paused, processes;
};
/* processes: those that were begun are shown themselves. */
struct node_events node_events_begin(const struct node *n, bool processes);
/* Adds the next one's words; false: no more. */
bool node_events_next(struct node_events *x, struct line *l, struct arena *a);
/* SIGKILL; "" when the number has no name. */
const char *node_signal(int64_t number);

#endif
