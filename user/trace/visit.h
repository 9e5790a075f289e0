/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of each call that has a stack, until it is known which agent's run it belongs to: the frames of the user's
 * own code, and which earlier call's conversation it goes on with. A frame on two stacks may be the same run when its
 * address and function are the same and everything outwards of it stands where it stood.
 */
#ifndef TRACE_VISIT_H
#define TRACE_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/map.h"
#include "py/py.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define TRACE_VISIT_BYTES  (64u << 20) /* of all; beyond, what is here is settled */
#define TRACE_VISIT_LOOKED (8u << 20)  /* of all, where they are only looked at */
#define TRACE_VISIT_NONE   UINT32_MAX
#define TRACE_VISIT_LOOKS  64u	 /* earlier calls with one and the same input */
#define TRACE_BETWEEN_MAX  512u	 /* calls between two of a conversation that are looked at */
#define TRACE_HEAD_BYTES   2048u /* of what a user said first */
#define TRACE_TAIL_BYTES   512u	 /* and of its end */
#define TRACE_GROWN_BYTES  64u	/* a task that is only longer is another one; a history is longer than that */
#define TRACE_TOOLS_LOOKED 256u /* open tool calls of an agent's call */

/* The request of another process that something is done for, likely: serve.c. */
struct trace_served {
	uint64_t parent; /* span; 0: none */
	uint64_t client; /* span of who asked */
	const char *how;
	bool thread;  /* that thread answers it */
	bool early;   /* it had all been asked, and nothing of its answer was there */
	uint32_t tid; /* that read it */
	uint64_t since_ns;
};

struct trace_process;
struct trace_root;
struct trace_call;
struct trace_tool;
struct trace_set;
struct trace_run;
struct trace_request;
struct trace_trail;

/* What was said in a step by event() and state(), what code did in a run: marker.c. */
struct trace_saids {
	struct trace_said *first, *last;
	uint32_t count;
	uint32_t left;		   /* out, for want of room */
	struct trace_said *latest; /* states that were left out of these, each key's last one */
	uint32_t latest_count;
};

/* A function of a process. */
struct trace_spot {
	struct trace_spot *next;
	struct str file, function;     /* behind the struct */
	const struct rules_rule *rule; /* the first that fits; NULL: none */
	bool qualified;
	bool user;	/* the user's own code */
	bool outermost; /* a module's own code, or main: no agent */
	bool helper;	/* called anew for each call of one conversation */
	bool driver;	/* stayed alive over calls, for certain */
	bool sends;	/* calls of models were made within it, for a run outwards */
};

/* Which run of which function, as far as stacks can tell. */
struct trace_where {
	struct trace_spot *spot;
	uint64_t frame;
	uint64_t outer; /* fingerprint of what stands outwards, instructions included */
};

/* A text of a frame, once for all. */
struct trace_name {
	struct trace_name *next;
	struct str text; /* behind the struct */
};

struct trace_sight {
	struct trace_where where;
	int32_t lasti;
	uint32_t line;
	uint64_t seen_ns; /* that it stood there */
	enum py_loop loop;
	const char *how; /* the last boundary between it and the call; NULL: none */
	bool likely;	 /* not each of them is certain */
	bool ruled;	 /* a rule says what it is: */
	enum rules_kind kind;
	const struct trace_name *name; /* NULL: its value is not here */
	const struct trace_name *id;   /* of a tool: of the model's call; NULL: not known */
};

/* A tool call that the model asked for, once its span was told. */
struct trace_errand {
	struct trace_errand *next; /* of the call that asked */
	uint64_t id;
	uint64_t start_ns, end_ns;
	char name[64];	     /* empty: longer */
	struct hash128 call; /* of the call's id; zeros: it has none */
};

struct trace_visit {
	struct trace_visit *next; /* as they were told */
	struct trace_visit *same; /* the one before with the same input */
	uint64_t id;
	uint64_t follows; /* stands where that span stands: seen again behind a gateway; 0: by itself */
	struct trace_process *process;
	struct trace_root *root;
	uint64_t start_ns, end_ns; /* end 0: open */
	uint32_t tid;
	bool model; /* a call of a model */
	bool failed;
	uint32_t answers; /* of a model that its input holds: 0 where a conversation begins */
	/* Of a call that goes on with no conversation: what the user says first in its input, its first bytes and its last. */
	char *words;
	size_t words_bytes, head_bytes, tail_bytes;
	struct hash128 system;
	bool outermost; /* its stack ends in a module's own code: nothing stands outwards */
	struct trace_errand *errands;
	struct trace_served served_for; /* the request of another process that it was made for, likely */

	struct trace_visit *from; /* the call whose conversation it goes on with */
	uint32_t at, from_at;	  /* innermost sight that both have */
	bool again;		  /* the same request, after a failure */
	struct trace_visit *talk; /* first of the conversation */
	uint32_t drive;		  /* sight whose run was alive over both; TRACE_VISIT_NONE */
	bool decided;
	bool guessed; /* another function may have driven as well */

	struct trace_trail *trail;	       /* of a process that serves */
	struct trace_request *request;	       /* for which it was made; NULL: none, or not known */
	const char *request_how;	       /* the last boundary between the two */
	const struct trace_name *conversation; /* its id; NULL: not said */
	struct trace_visit
		*opens;	     /* of a process without Python: first call of its conversation; NULL: not so */
	const char *goes_on; /* how that is known; NULL: it is the first */
	uint32_t said;	     /* messages of its input */
	struct trace_root *own;	   /* trace of the conversation that it opens */
	struct trace_run *run;	   /* that it belongs to */
	uint32_t run_at;	   /* its frame; TRACE_VISIT_NONE: it is known by time alone */
	bool run_likely;	   /* it may be another run's */
	struct trace_errand *tool; /* of the run, that it was made for */
	bool tool_likely;
	struct trace_visit *run_next; /* of the run, later */

	uint32_t
		inner; /* sights within the innermost agent that a rule knows; there the user's functions may drive */
	uint32_t count;
	struct trace_sight sights[]; /* innermost first: the user's own frames, and those that a rule knows */
};

/* An agent's run. */
struct trace_run {
	struct trace_run *next;
	struct trace_run *before; /* of the same frame */
	struct trace_where where;
	uint64_t id;
	uint64_t start_ns, end_ns; /* of the calls for which it was alive; end 0: one is open */
	struct trace_visit *first, *last;
	uint32_t calls;
	const struct trace_visit *newest; /* of its calls, while they are found */
	const struct trace_visit *via;	  /* the first call within it, and which of its frames it is */
	uint32_t via_at;
	const struct rules_rule *rule; /* that knows it; NULL: the function drives */
	const struct trace_name *name; /* by the rule; NULL: not known */
	bool workflow;
	bool inner;		  /* its own frame was not on the stack: several of these may be one run */
	struct trace_run *turned; /* the latest such run within it */
	bool guessed;
	bool told;
	bool seen;				    /* while ancestors are looked for */
	struct trace_effect *effects, *last_effect; /* what its code did */
	struct trace_saids saids;		    /* the same, told */
	struct trace_effect *failed;		    /* the exception that left it; NULL: none is known */
	/* Where it stands itself. */
	struct trace_run *parent;
	uint32_t parent_at; /* its frame in `via` */
	struct trace_errand *tool;
	bool tool_likely;
	struct trace_request *request; /* all of its calls are that one's */
	struct trace_root *own;	       /* trace of which it is the root */
	struct trace_run *into;	       /* another conversation of the same run, that has its calls now */
};

struct trace_visits {
	struct trace_visit *first, *last;
	size_t bytes;
	struct map *ids;    /* by span */
	struct map *talks;  /* first call by (process, conversation's id), of a process without Python */
	struct map *inputs; /* newest by (process, whole input) */
	struct map *spots;  /* by (process, code object, name) */
	struct trace_spot *first_spot;
	struct map *names; /* by their fingerprint */
	struct trace_name *first_name;
};

/* ---- visit.c ---- */
/* 0, -ENOMEM. */
int trace_visit_init(struct trace_visits *v) MUST_CHECK;
/* Where a stack stands, and those outwards; not in the list of visits, owned by the caller. NULL without memory. It holds until the visits are cleared. */
struct trace_visit *trace_visit_new(struct trace_set *t, struct trace_process *pr,
				    const struct py_stack *stack);
/* The call is about to be told. */
void trace_visit_add(struct trace_set *t, struct trace_call *k);
/* How many bytes more its user says than another one's, put in at one place of the same words: a history that is written
 * anew. 0: they are other words. */
size_t trace_visit_grown(const struct trace_visit *v, const struct trace_visit *from);
/* The sight of a visit that may be the same run; TRACE_VISIT_NONE. */
uint32_t trace_visit_find(const struct trace_visit *v, const struct trace_where *w);
bool trace_where_eq(const struct trace_where *a, const struct trace_where *b);
void trace_visit_clear(struct trace_visits *v);
void trace_visit_fini(struct trace_visits *v);

/* ---- errand.c ---- */
/* A tool call was told. end_ns 0: open. */
void trace_errand_add(struct trace_set *t, const struct trace_tool *tool, uint64_t end_ns);
/* The one of the run's that v was made for, or done, `at` being the run's frame in v; NULL: none, or not known. */
struct trace_errand *trace_errand_find(const struct trace_run *r, const struct trace_visit *v, uint32_t at,
				       bool *likely);
/* Whether a function within sight `at` is called as the tool is, or a rule says that it is that tool's. */
bool trace_errand_is_named(const struct trace_visit *v, uint32_t at, const struct trace_errand *e);

#define TRACE_SHARED_MAX 64u
/* Of identical conversations at once: how many frames k stands in that the call `chat` stood in, too; at most
 * TRACE_SHARED_MAX. *from is where k stands, made when it is NULL; the caller's, to be freed. */
uint32_t trace_errand_shared(struct trace_set *t, const struct trace_call *k, uint64_t chat,
			     struct trace_visit **from);

/* ---- driver.c ---- */
/* Decides for each link which run was alive over both calls. 0, -ENOMEM. */
int trace_driver_decide(struct trace_visits *v) MUST_CHECK;
/* Whether both were made along the same instructions, from the run inwards. */
bool trace_driver_same_path(const struct trace_visit *a, uint32_t a_at, const struct trace_visit *b,
			    uint32_t b_at);

/* ---- part.c: what rules say of a stack ---- */
#define TRACE_PARTS_MAX 32u
struct trace_part {
	const struct rules_rule *rule;
	const struct trace_name *name; /* NULL: not known */
	uint32_t first, at;	       /* its innermost and its outermost frame */
	bool workflow;
	bool inner;   /* a turn whose run is not on the stack */
	bool in_turn; /* a workflow between a turn and its agent */
	bool closed;  /* a tool stands outwards of it */
};
/* From the innermost outwards; how many. */
uint32_t trace_part_list(const struct trace_visit *v, struct trace_part *list, uint32_t most);

/* ---- agent.c: runs, and what belongs to them ---- */
/* Tells the agents of all that was visited, and what belongs to them; forgets the visits. */
void trace_agent_settle(struct trace_set *t);
/* Only looks: while fn runs, visits have the runs that they would have if this was the end. It runs in any case. */
void trace_agent_look(struct trace_set *t, void (*fn)(void *ctx), void *ctx);

/* ---- invoke.c: their spans ---- */
/* Runs in the order they were found. */
void trace_invoke_tell(struct trace_set *t, struct trace_run *runs);
/* What a run is called. */
struct str trace_invoke_name(const struct trace_run *r);

#endif
