/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process that serves was asked, and which of its calls were made for it. The stack at the answer's write names
 * frames that lived then; a call that was made from one of them, or from what one of them made, while the request was
 * being answered belongs to it. What no frame ties to one request belongs to none.
 */
#ifndef TRACE_REQUEST_H
#define TRACE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "py/py.h"
#include "trace/trace.h"

#define TRACE_REQUESTS_MAX \
	16384u /* kept until it is known what was called for them; then those that are answered go */

struct trace_call;
struct trace_process;
struct trace_root;
struct trace_set;
struct trace_visit;
struct trace_run;

/* A frame that lived at `ns`: when something was written, or when what wrote was made. */
struct trace_alive {
	uint64_t code, frame; /* addresses in the process */
	uint64_t
		outer; /* fingerprint of what stands outwards: a thread's frames come back to their addresses */
	uint64_t ns;
	const char *how; /* the last boundary between it and the write; NULL: none */
	bool brief;	 /* a loop called it: it lived for that moment only */
};

/* From the write outwards, as far as it is certain who made what ran. */
struct trace_trail {
	uint32_t count;
	struct trace_alive list[];
};

struct trace_request {
	struct trace_request *next; /* as they began */
	struct trace_process *process;
	struct trace_root *root; /* a trace of its own; NULL: it has none (yet) */
	uint64_t id;		 /* of its span */
	uint32_t connection;
	bool http2;
	bool told;	  /* its span */
	bool asked;	  /* by one who is in the same trace: a part of that */
	uint64_t read_ns; /* its first byte was here */
	uint64_t end_ns;  /* the answer's last byte had gone; 0: not yet */
	uint64_t span_start_ns, span_end_ns;
	enum trace_status status;
	bool answered; /* the answer has begun */
	bool awaits;
	struct py_place place;	   /* of the answer's first byte */
	struct trace_trail *trail; /* NULL: it is not known who answered */
	/* What belongs to it: */
	uint32_t calls, loose, agents,
		ruled; /* loose: calls of no run; agents: outermost ones, ruled: by a rule */
	const struct trace_name *conversation; /* of its calls, one and the same; NULL: none */
	bool conversations;		       /* there are several */
};

struct trace_requests {
	struct trace_request *first, *last;
	uint32_t count;
	struct map *awaiting; /* by place */
};

/* ---- trail.c ---- */
/* NULL: nothing is certain, or no memory. */
struct trace_trail *trace_trail_new(const struct py_stack *s);

/* ---- request.c ---- */
/* 0, -ENOMEM. */
int trace_request_init(struct trace_requests *all) MUST_CHECK;
/* The call began: when it is one that its process answers, it is a request. */
void trace_request_begin(struct trace_set *t, struct trace_call *k);
/* Its span is about to be told. */
void trace_request_tell(struct trace_set *t, struct trace_call *k, const struct trace_span *s);
/* A stack came; true: it was an answer's. */
bool trace_request_stack(struct trace_set *t, struct py *py, const struct py_place *place);
/* Of each visit: for which request it was made. */
void trace_request_find(struct trace_set *t);
/* Those that will get no more calls. */
void trace_request_clear(struct trace_set *t);
void trace_request_fini(struct trace_requests *all);

/* ---- talk.c: conversations, where there is no Python ---- */
/* Whether nothing but what is said tells for whom the call is made. */
bool trace_talk_has(const struct trace_set *t, const struct trace_call *k);
/* Finds whose conversation it goes on with. */
void trace_talk_add(struct trace_set *t, struct trace_visit *v, const struct trace_call *k);
void trace_talk_find(struct trace_set *t);
void trace_talk_tell(struct trace_set *t);

/* ---- root.c: traces of a process that serves ---- */
bool trace_root_serves(const struct trace_process *pr);
/* NULL without memory, beyond a limit, and where there is one trace for all. */
struct trace_root *trace_root_open(struct trace_set *t, struct trace_process *pr, const char *rule);
/* Where visits and runs were found: traces of requests and workflows. */
void trace_root_find(struct trace_set *t, struct trace_run *runs);
/* Their spans have been told. */
void trace_root_tell(struct trace_set *t, struct trace_run *runs);

#endif
