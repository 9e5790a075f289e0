/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Python code did beside calling models: audit events, exceptions, pauses. Each becomes an event of the innermost span
 * whose frames stand on its stack: a tool call, an agent's run, a step; else of its process. Which one that is, is known when
 * agents are: then those of spans that are told already are kept, and added to them at the end.
 */
#ifndef TRACE_EFFECT_H
#define TRACE_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "py/py.h"
#include "trace/draft.h"
#include "trace/visit.h"

#define TRACE_EFFECTS_MAX 65536u /* that wait for agents to be known */
#define TRACE_EFFECTS_RAW 256u	 /* of these, whose stacks are held as they came */
#define TRACE_STATED_MAX  32u	 /* exceptions of which it is kept what was alive */
#define TRACE_LEFT_MAX	  8u	 /* functions named that an exception left */

struct trace_effect {
	struct trace_effect *next;
	struct trace_effect *run_next; /* of its run */
	struct trace_effect *raised_before;
	enum py_event_kind kind;
	enum wire_py_event what;
	struct trace_process *process;
	uint32_t tid;
	uint64_t ts_ns;
	uint64_t step, step_ns;	   /* the marker's span that the thread was in, and its start; 0: none */
	struct py_stack *stack;	   /* until its frames are looked at */
	struct trace_visit *visit; /* NULL: no stack */
	struct trace_run *run;	   /* whose code it is; NULL: none's */
	uint32_t run_at;	   /* its frame in `visit` */
	struct trace_errand *tool; /* of the run */
	uint32_t tool_at;	   /* its frame in `visit` */
	bool likely;
	/* an exception: */
	uint64_t raised;
	uint32_t raw_at; /* outermost frame of `stack` that saw it */
	uint32_t
		passed; /* sights of `visit`, the innermost first, that saw it; that of the last one may have handled it */
	struct str name, value; /* behind the struct; value: members of a JSON object */
	struct str type, message;
	char *state; /* what was alive then; NULL: nothing, or it is not kept */
};

struct trace_effects {
	struct trace_effect *first, *last;
	struct trace_effect *first_raw, *newest_raised;
	uint32_t count, raw;
	struct trace_effect *stated[TRACE_STATED_MAX]; /* the latest that have a state, around */
	uint32_t stated_count;
	struct map *late; /* span -> struct trace_late, owned */
};

/* 0, -ENOMEM. */
int trace_effect_init(struct trace_effects *x) MUST_CHECK;
void trace_effect_add(struct trace_set *t, struct py_event *e);
/* Looks at the frames of all that were held. */
void trace_effect_ripen(struct trace_set *t);
/* A run's own go into its span. */
void trace_effect_draft(struct trace_set *t, struct trace_draft *d, struct trace_run *r);
/* A step that began within the run, or that the run began in, holds it. */
bool trace_effect_is_steps(const struct trace_effect *x);
/* Runs are told: puts each one where it belongs, and forgets it. */
void trace_effect_settle(struct trace_set *t);
/* Everything was told: adds what is kept to spans that were. */
void trace_effect_finish(struct trace_set *t);
void trace_effect_free(struct trace_set *t);

#endif
