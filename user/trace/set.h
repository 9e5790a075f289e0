/* SPDX-License-Identifier: BSD-2-Clause */
/* The room's own state, shared by its files: what is kept of processes, open calls, open tools and failed attempts. */
#ifndef TRACE_SET_H
#define TRACE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/map.h"
#include "trace/draft.h"
#include "trace/request.h"
#include "trace/trace.h"
#include "trace/visit.h"
#include "trace/effect.h"

#define TRACE_PREFIXES_MAX  65536u	    /* conversation prefixes remembered; the oldest goes */
#define TRACE_FAILED_MAX    4096u	    /* failed calls that a retry may still join */
#define TRACE_FAILED_EACH   64u		    /* of one process */
#define TRACE_FAILED_NS	    300000000000ull /* and for so long: SDKs wait 120 s at most */
#define TRACE_SAME_ID_MAX   16u		    /* open tool calls of one process with one id */
#define TRACE_GAPS_MAX	    262144u /* gaps of one process that hit no call; the last one takes the rest */
#define TRACE_EXECS_MAX	    64u	    /* exec events of one process */
#define TRACE_KEPT_MAX	    16384u  /* kept calls (--keep) that later ones may be shortened against */
#define TRACE_MET_MAX	    256u    /* calls that closed before their server's view of them did */
#define TRACE_HOP_KEY	    32u	    /* bytes of a key in the index of hops */
#define TRACE_DEPTH_MAX	    4096u   /* ancestors of a process that are looked at */
#define TRACE_SERVES_LOOKED 64u	    /* requests that a process answers at once */
#define TRACE_EVENTS_MAX    256u    /* of one marker or process */
#define TRACE_KEPT_BYTES    65536u  /* of a state at a failure */

/* One trace under construction. */
struct trace_root {
	struct trace t; /* first: trace_next gives it out */
	struct trace_root *next;
	struct trace_process *root; /* NULL: not known yet, or decode */
	uint32_t seq;		    /* spans created */
	uint64_t gaps;		    /* gaps told */
	char *session;		    /* a marker's; NULL: this trace is a process's */
	struct trace_process *home; /* that began the session, or serves */
	char *said;		    /* id of the conversation of a request's calls; NULL: none */
	uint32_t session_seq;
	struct trace_saids saids; /* in the session, outside of its steps */
	bool lossy;		  /* something is missing that no gap of a span can show */
};

struct trace_exec {
	uint64_t time_ns;
	char *exe;  /* NULL: unknown */
	char *args; /* JSON array */
};

/* What is kept of a process: as long as the set lives. */
struct trace_process {
	struct trace_process *next;
	struct proc *proc;	 /* NULL: the stand-in for "no process" (decode) */
	uint64_t serial;	 /* stable number, for keys */
	uint64_t id;		 /* of its span; 0: it has none */
	struct trace_root *root; /* NULL: not settled yet */
	uint32_t seq;
	uint64_t tool;	      /* span of the tool call that ran it; 0: none */
	uint64_t tool_call;   /* the call that asked for it */
	uint64_t cut_ns;      /* start of its last request of which policy left a part out; 0: none */
	const char *tool_how; /* fork, content, frame */
	bool tool_certain;
	char tool_why[160];
	bool undecided;	     /* several tool calls were open when it was forked: its exec may tell */
	uint32_t open_tools; /* so many, and which of them ran it is not known; 0: that is no question */
	bool told;
	bool changed;		  /* since it was told */
	struct trace_tool *tools; /* open ones that it asked for, newest first */
	struct trace_exec *execs;
	uint32_t exec_count, exec_cap;
	struct trace_gap *gaps; /* that hit no call */
	uint32_t gap_count, gap_cap;
	struct py_sums sums;
	struct trace_saids saids;  /* outside of every step */
	uint32_t steps;		   /* that are open */
	uint64_t marker;	   /* span of the step in which it was forked; 0: none, or not known */
	uint32_t failed;	   /* entries in the set's list of failed calls */
	uint32_t serving;	   /* model calls that it answers now: hop.c */
	uint32_t speakers;	   /* conversations that it is in: speaker.c */
	struct trace_call *serves; /* requests that it answers now: serve.c */
	/* failure.c */
	char *state; /* at its end; NULL: it ended well, or nothing was alive in it */
	uint64_t state_ns;
	uint64_t raised_ns; /* since when these exceptions were raised: */
	uint32_t raised;
	uint32_t failures, failures_left; /* of its steps: states kept, and not */
	struct hash128 thrown;		  /* the exception that left the last step; zero: it went on since */
	bool asked;			  /* it was seen to take a request */
	bool python;
	struct py_runtime runtime; /* of its image, when that is Python */
};

/* `bottrace.continues`, found when the request was understood. */
struct trace_continues {
	uint64_t id; /* 0: continues nothing */
	uint32_t messages;
	bool same_system, same_tools;
	bool chained;		  /* by the response's id: chain.c */
	bool no_system, no_tools; /* chained: that call has them, this one has not */
};

/* A call whose exchange is alive. */
struct trace_call {
	struct trace_call *prev, *next; /* alive ones, oldest first */
	struct genai_call *c;
	struct trace_process *process;
	struct trace_root *root; /* its trace: the process's, or a session's */
	uint64_t id;
	uint32_t seq;
	uint32_t connection;
	uint32_t gaps_told;
	bool told; /* its span */
	bool closed;
	bool grouped;		     /* its group (--keep) waits for it */
	bool superseded;	     /* a retry took over while it hung: it has no span of its own */
	struct trace_failed *before; /* earlier attempts of the same logical call; NULL: none */
	struct trace_continues continues;
	struct hash128 chain; /* exact, of the whole input: prefix.c */
	struct hash128 system, tools;
	uint32_t inputs; /* messages of its whole input, the server's own history included: chain.c */
	/* Where the wire says what it is a part of; 0: its process. */
	uint64_t parent;
	const char *parent_how;
	struct trace_tool *tool; /* the model's call that it is: join.c */
	uint64_t served_by;	 /* process span of a server that was seen to serve it; 0: none */
	/* serve.c */
	struct trace_served served_for; /* what it is made for, where no step says so */
	struct trace_call *serve_other; /* the same request at its other end, while that is alive */
	uint64_t client_id;		/* at its server: the span of who asked; 0: not known */
	uint32_t client_pid;
	unsigned serve_by;
	struct hash128 serve_what;
	bool serve_indexed, serve_twice, served_here;
	struct trace_call *serve_prev, *serve_next; /* that the process answers now */
	/* speaker.c */
	struct trace_speaker *speaker; /* NULL: somebody else's by now */
	/* hop.c */
	uint64_t hop_of;		/* the span that saw this call first; 0: this one */
	struct trace_process *hop_home; /* whose that span is */
	struct trace_root *hop_root;	/* its trace */
	uint64_t hop_parent;		/* its parent; 0: that process */
	bool hop_asked;			/* by one who was traced: the answer's tool calls are that span's */
	bool hop_certain;
	bool hop_socket;    /* its connection's addresses are known */
	unsigned hop_twice; /* ways in which another one that is alive looks the same */
	bool hop_served;    /* by this process */
	unsigned hop_indexed;
	struct hash128 hop_keys[3]; /* what it is known by */
	/* stack.c */
	struct py_stack *stack; /* NULL: none came (yet) */
	struct py_place place;	/* of the write that it began with */
	bool written;		/* it has one: else it was read */
	bool awaits;
	struct trace_call *await_prev, *await_next; /* others that began with the same write */
	struct trace_request *request;		    /* that it is, to its process; NULL: it is none */
	uint64_t asked_in; /* span of the call whose tool calls this request answers; 0: none */
};

struct trace_attempt {
	uint64_t time_ns; /* its end */
	uint64_t retry_after_ns;
	int status; /* HTTP; 0: no answer */
	bool asked; /* no failure: it ended with a question (genai_call.asks) */
	char type[64];
};

/* A logical call whose last attempt failed: a retry with the same body joins it. */
struct trace_failed {
	struct trace_failed *prev, *next; /* oldest first */
	struct trace_process *process;
	struct hash128 request; /* body, path, host; what was asked */
	bool asked;
	struct trace_seen *seen; /* what was said in a round that ended with a question */
	uint64_t id;
	uint32_t seq, tid;
	bool told;
	uint64_t start_ns, closed_ns;
	struct trace_continues continues;
	struct trace_attempt *attempts;
	uint32_t attempt_count;
	struct trace_gap *gaps;
	uint32_t gap_count;
};

/* What an answer's tool calls have in common: the conversation that asked. Freed with the last of them. */
struct trace_ask {
	uint64_t chat;
	struct hash128 chain; /* of its input */
	uint32_t inputs;
	uint64_t parent; /* the asker's; 0: its process */
	uint32_t connection;
	uint64_t conversation; /* fingerprint of its id, where the server keeps it; 0: none */
	uint32_t tools;	       /* open ones that point here */
	uint32_t tid;
	struct hash128 system;
	uint64_t first, last; /* fingerprints of the first and last message */
	bool first_is_system;
	uint64_t checked;   /* request for which `members` holds */
	uint32_t members;   /* so many of its first messages are all ours; UINT32_MAX: not looked at */
	uint64_t *messages; /* fingerprints, sorted; NULL without memory */
};

struct trace_tool {
	struct trace_tool *prev, *next;	   /* of the set, oldest first */
	struct trace_tool *before, *after; /* of the process, newest first */
	struct trace_tool *same;	   /* next with the same (process, id) */
	struct trace_process *process;
	struct trace_root *root;
	struct trace_ask *ask;
	uint64_t id;
	uint32_t seq;
	uint64_t start_ns;
	struct hash128 key; /* of the call's id */
	bool told;
	bool has_id;
	bool indexed;
	/* While a request is read: */
	uint64_t pending;  /* the request that quotes the call, and has not told its result yet */
	bool exact;	   /* there it continues the asker's conversation word for word */
	uint64_t answered; /* the request that tells the result */
	bool answered_exactly;
	const struct genai_part *result;
	struct trace_call *call;	/* the call by MCP that carries it out, while it is alive */
	struct trace_seen *seen;	/* what was seen of that; NULL: nothing */
	struct str call_id, name, args; /* in one block behind the struct */
};

struct trace_list {
	uint64_t *ids;
	uint32_t count, cap;
};

/* Spans that stay or go together (--keep): a call and the tool calls that its answer asked for, or all of a run. */
struct trace_group {
	struct trace_group *prev, *next; /* oldest first */
	uint64_t key;			 /* the call's span */
	struct trace_root *root;
	uint32_t open; /* what may still come: the call, its tools, failed attempts that a retry may join */
	bool kept;     /* one of them fulfils a rule */
	struct trace_list told;	    /* spans that wait for the decision */
	struct trace_list refers;   /* tool calls of other groups that were answered in this call */
	struct trace_process **ran; /* processes that its tools ran */
	uint32_t ran_count, ran_cap;
};

struct trace_set {
	struct trace_settings settings;
	uint32_t mode; /* enum wire_mode; 0: no session record yet */
	uint64_t boot_id[2];
	int64_t utc_offset_ns;
	uint64_t site_ns; /* of the session, then of the libraries' data sites */
	uint64_t lib_ns;
	uint64_t session_ns;
	bool light;
	struct trace_rules rules;
	struct map *groups; /* --keep; else NULL */
	struct trace_group *first_group, *last_group;
	struct map *kept;   /* the latest calls that were kept */
	uint64_t *kept_ids; /* the same in order, TRACE_KEPT_MAX around */
	uint64_t kept_count;
	uint64_t now_ns;   /* of the last record */
	uint32_t sample_n; /* one of so many; 0, 1: everything */
	bool sampled_out;  /* this run is not one of those */
	bool shed;	   /* the governor left something out */
	struct wire_shed_step *steps;
	uint32_t step_count, step_cap;
	bool has_final;
	bool attacher_died;
	uint64_t lost;		/* spans that could not be made: no memory */
	uint64_t serial;	/* processes */
	uint64_t request;	/* requests understood */
	struct hash128 content; /* of everything decoded, for a decode's trace id */
	struct trace_root *roots, *last_root;
	struct trace_process *processes, *last_process;
	struct trace_process nobody;
	struct map *serves; /* requests that are alive, by what they are known by: serve.c */
	struct trace_speaker *speakers, *last_speaker;
	uint32_t speaker_count;
	struct map *speaker_index; /* by the span of their latest call */
	uint32_t failures;	   /* states kept */
	struct trace_call *calls, *last_call;
	uint32_t call_count;
	struct trace_tool *tools, *last_tool;
	uint32_t tool_count;
	struct map *tool_index;
	struct trace_failed *failed, *last_failed;
	uint32_t failed_count;
	struct map *prefixes;
	struct trace_prefix *first_prefix, *last_prefix;
	struct trace_met {
		struct hash128 message;
		struct trace_root *root;
	} met[TRACE_MET_MAX]; /* clients' calls that closed lately: witness.c */
	uint32_t met_count;
	struct map *chains;
	struct map *markers;  /* (process's serial, number) -> struct trace_marker, open */
	struct map *threads;  /* (process's serial, tid) -> struct trace_thread, owned */
	struct map *sessions; /* hash of the id -> struct trace_root */
	struct trace_marker *first_marker, *last_marker;
	size_t held;	  /* bytes of values kept for markers */
	struct map *hops; /* struct trace_call by its socket or content, while alive */
	struct trace_chain *first_chain, *last_chain;
	struct py *py;	      /* NULL: no stacks */
	struct map *awaiting; /* first of the calls that began with a write, by its place */
	bool stacks;	      /* the session takes them */
	struct trace_visits visits;
	struct trace_effects effects;
	struct trace_requests requests;
	uint32_t served;		 /* traces of requests and workflows */
	const struct rules *rules_table; /* for frames; NULL: none */
};

/* Deterministic span id from facts; never 0. */
uint64_t trace_id_of(const uint64_t *facts, size_t count, uint64_t seed);
/* Tells the draft (when it is whole) and drops it. */
void trace_tell(struct trace_set *t, struct trace_root *root, struct trace_draft *d, bool *told);
/* A span began: fills the common fields and tells it to live displays. */
void trace_began(struct trace_set *t, struct trace_root *root, struct trace_span *s);
/* A new trace at the end of the list; NULL without memory. */
struct trace_root *trace_root_new(struct trace_set *t, struct trace_process *root);

/* ---- process.c ---- */
/* Of a connection's process (NULL: nobody); NULL without memory. Its trace is settled. */
struct trace_process *trace_process_get(struct trace_set *t, struct proc *p);
/* The span that everything in this process has as parent; 0: none. */
uint64_t trace_process_parent(const struct trace_process *pr);
/* Ensures that the process has its trace and ordinal. False without memory. */
bool trace_process_settle(struct trace_set *t, struct trace_process *pr);
/* A gap that hit no call. */
void trace_process_gap(struct trace_set *t, struct trace_process *pr, const struct trace_gap *gap);
void trace_process_tell(struct trace_set *t, struct trace_process *pr);
void trace_process_free(struct trace_process *pr);

/* ---- fork.c: which tool call ran a process ---- */
/* At the fork of pr by parent. */
void trace_fork_begin(struct trace_set *t, struct trace_process *pr, struct trace_process *parent);
/* At its first exec. */
void trace_fork_exec(struct trace_set *t, struct trace_process *pr, struct trace_process *parent);

/* ---- keep.c: --keep ---- */
/* The record came. 0, or -1 without memory: then everything is kept. */
int trace_keep_start(struct trace_set *t, const struct wire_keep *w);
/* The call with this span, or something that stands and falls with it, has begun and ended. */
void trace_keep_enter(struct trace_set *t, struct trace_root *root, uint64_t call);
void trace_keep_leave(struct trace_set *t, uint64_t call);
/* Whether the call is kept for sure (without --keep each is). */
bool trace_keep_has(const struct trace_set *t, uint64_t call);
/* A tool call that this one asked for ran pr. */
void trace_keep_ran(struct trace_set *t, struct trace_process *pr, uint64_t call);
/* The span `id` names this call as what it was answered in. */
void trace_keep_refer(struct trace_set *t, uint64_t id, uint64_t call);
/* Whether what was told of a run may go yet, all of it. */
bool trace_keep_waits(const struct trace_set *t);
/* Whether the span, about to be told, is undecided. told: it was told before. */
bool trace_keep_tell(struct trace_set *t, struct trace_root *root, struct trace_span *s, bool told);
/* No more calls and tools: decides what is left. */
void trace_keep_finish(struct trace_set *t);
void trace_keep_free(struct trace_set *t);

/* ---- attribute.c ---- */
/* Attributes of a call, all but those of its attempts. light: without what people and tools wrote. */
void trace_attribute_draft(struct trace_draft *d, const struct trace_call *k, bool light);

/* ---- call.c ---- */
const char *trace_call_kind(enum genai_kind kind);
/* The process ended: what still waits for an answer gets none. */
void trace_call_end(struct trace_set *t, struct trace_process *pr);
/* Tells every call that never closed, as open. */
void trace_call_finish(struct trace_set *t);
void trace_call_free(struct trace_set *t, struct trace_call *k);
/* What it stands below, but for agents that are found later; 0: its process. */
static inline uint64_t trace_call_place(const struct trace_call *k)
{
	return k->parent ? k->parent : k->served_for.parent;
}
/* Gaps of the call's exchange. */
uint32_t trace_call_gaps(const struct genai_call *c);

/* ---- hop.c ---- */
/* The request is read: whether it is a call that another span has seen first. */
void trace_hop_input(struct trace_set *t, struct trace_call *k);
void trace_hop_forget(struct trace_set *t, struct trace_call *k);
/* Its attribute, and the parent and link of the span it is a hop of. */
void trace_hop_draft(const struct trace_call *k, struct trace_draft *d);

/* ---- stack.c: who called ---- */
/* The call began: takes the stack of its write, or waits for it. */
void trace_stack_begin(struct trace_set *t, struct trace_call *k);
/* It is about to be told: what has not come by now will not. */
void trace_stack_settle(struct trace_set *t, struct trace_call *k);
/* Task, source and stack of its span; how far the link's evidence goes. */
void trace_stack_draft(struct trace_set *t, struct trace_draft *d, const struct trace_call *k);
void trace_stack_fill(struct trace_draft *d, const struct py_stack *s);
/* What runs in a process, as attributes of its span. */
void trace_stack_process(struct trace_set *t, struct trace_draft *d, struct trace_process *pr);
void trace_stack_forget(struct trace_set *t, struct trace_call *k);

/* ---- cost.c ---- */
/* Attributes of a model call that ended: what it cost, and which of its counts were estimated. */
void trace_cost_draft(const struct trace_set *t, struct trace_draft *d, const struct genai_call *c);

/* ---- tool.c ---- */
/* The tool calls of an answer become spans. */
void trace_tool_ask(struct trace_set *t, struct trace_call *k);
/* A request is understood: the tool calls whose result it tells end. */
void trace_tool_answer(struct trace_set *t, struct trace_call *k);
/* The process ended: nobody will tell. */
void trace_tool_end(struct trace_set *t, struct trace_process *pr);
void trace_tool_finish(struct trace_set *t);
void trace_tool_free(struct trace_set *t, struct trace_tool *tool);

/* What a tool gave was told outside of a request to a model. */
void trace_tool_told(struct trace_set *t, struct trace_call *k, const struct genai_part *result,
		     uint64_t ts_ns);
/* Span of an open tool call by its id; 0: none. */
uint64_t trace_tool_find(struct trace_set *t, struct trace_process *pr, struct str id);

/* ---- join.c: a call by MCP and the model's tool call that caused it are one span ---- */
/* The request is read: k->tool, when there is one. */
void trace_join_begin(struct trace_set *t, struct trace_call *k);
/* It closed: what was seen of it is kept with the tool call. */
void trace_join_close(struct trace_set *t, struct trace_call *k);
/* The tool call is told: times, status and attributes of what was seen. outcome, result: as far as they are known. */
void trace_join_draft(struct trace_draft *d, const struct trace_tool *tool, const char **outcome,
		      struct str *result);
/* Neither knows the other any more. */
void trace_join_part(struct trace_tool *tool);
void trace_join_free(struct trace_seen *seen);
/* What was said by a call, kept for the one that resumes it, which says less; NULL without memory. */
struct trace_seen *trace_join_keep(const struct trace_call *k, bool light);
/* Attributes of a tool's call that nobody's answer asked for. */
void trace_join_tool(struct trace_draft *d, const struct genai_call *c, bool light);
/* k->parent, where the wire says what it is a part of. */
void trace_join_place(struct trace_set *t, struct trace_call *k);
void trace_join_merge(struct trace_draft *d, const struct trace_seen *seen);

/* ---- witness.c: a call seen by its client and by its server is one span ---- */
/* k closed: whether it is the server's view of a call of which the client's was seen. */
bool trace_witness_serves(struct trace_set *t, struct trace_call *k);
/* A client's call closed. */
void trace_witness_keep(struct trace_set *t, const struct trace_call *k);

/* ---- retry.c ---- */
/* k ended with a question: the call that comes back with the answer joins it. */
void trace_retry_ask(struct trace_set *t, struct trace_call *k);
void trace_retry_resume(struct trace_set *t, struct trace_call *k);
/* When k is a retry: joins it to the logical call of its earlier attempts. */
void trace_retry_join(struct trace_set *t, struct trace_call *k);
/* k closed without success: remembered for a retry to join. k->before moves. */
void trace_retry_keep(struct trace_set *t, struct trace_call *k);
void trace_retry_free(struct trace_set *t, struct trace_failed *f);
/* One that is in no list. NULL is fine. */
void trace_retry_drop(struct trace_set *t, struct trace_failed *f);

/* ---- prefix.c ---- */
/* Finds what k continues (k->continues) and remembers its input. */
void trace_prefix_input(struct trace_set *t, struct trace_call *k);
/* Remembers the input followed by the answer. */
void trace_prefix_answer(struct trace_set *t, struct trace_call *k);
void trace_prefix_free(struct trace_set *t);

/* ---- chain.c ---- */
/* The request is read: whether it goes on from a response that was seen. After trace_prefix_input. */
void trace_chain_input(struct trace_set *t, struct trace_call *k);
/* Its answer may be gone on from. */
void trace_chain_answer(struct trace_set *t, struct trace_call *k);
/* With the map. */
void trace_chain_free(struct trace_set *t);

/* ---- message.c: OpenTelemetry's message form as JSON ---- */
void trace_message_parts(struct buf *out, const struct genai_part *parts, uint32_t count);
/* Messages from `skip` on. output: with finish_reason. */
void trace_message_list(struct buf *out, const struct genai_message *m, uint32_t count, uint32_t skip,
			bool output);

/* ---- marker.c ---- */
/* Where what a thread does belongs. */
struct trace_place {
	struct trace_root *root;
	uint64_t parent;
	struct str name; /* of that step or session; borrowed until it ends */
	uint64_t start_ns;
};

bool trace_marker_init(struct trace_set *t);
/* False: in no marker and no session, as far as we know. */
bool trace_marker_place(struct trace_set *t, const struct trace_process *pr, uint32_t tid,
			struct trace_place *out);
/* The process ended, or runs another program: what is open was left. */
void trace_marker_end(struct trace_set *t, struct trace_process *pr);
void trace_marker_finish(struct trace_set *t);
void trace_marker_free(struct trace_set *t);
/* Events of a span; room was made for all->count of them. */
void trace_said_draft(struct trace_draft *d, const struct trace_saids *all);
void trace_said_free(struct trace_set *t, struct trace_saids *all);
/* An event; value: a JSON object. */
void trace_said_add(struct trace_set *t, struct trace_saids *all, struct str name, struct str value,
		    uint64_t time_ns);

/* ---- serve.c: what a process does for another one ---- */
/* A request is read, at either end. */
void trace_serve_begin(struct trace_set *t, struct trace_call *k);
void trace_serve_forget(struct trace_set *t, struct trace_call *k);
/* What the thread does is done for the one request that it answers now, when both of its ends are in that trace. */
bool trace_serve_place(const struct trace_process *pr, const struct trace_root *root, uint32_t tid,
		       struct trace_served *out);
/* The call is about to be told, its stack is here if there is one: whether it fits. */
void trace_serve_settle(struct trace_call *k);
bool trace_serve_fits(const struct py_stack *s, const struct trace_served *to);
/* Parent and link of a server's span; false: who asked is not known. */
bool trace_serve_draft(const struct trace_call *k, struct trace_draft *d);
/* Link of what is done for a request. */
void trace_served_draft(struct trace_draft *d, const struct trace_served *s, uint32_t pid, uint32_t tid);

/* ---- speaker.c: conversations, for who looks at what is alive ---- */
bool trace_speaker_init(struct trace_set *t);
/* A request to a model is read: what it goes on with and whose results it tells is known. */
void trace_speaker_begin(struct trace_set *t, struct trace_call *k);
void trace_speaker_close(struct trace_set *t, struct trace_call *k);
/* The call goes; its stack stays with the conversation. */
void trace_speaker_forget(struct trace_call *k);
void trace_speaker_end(struct trace_set *t, const struct trace_process *pr);
void trace_speaker_free(struct trace_set *t);

/* ---- state.c: what is alive ---- */
struct trace_state_mark {
	uint64_t step; /* the span that fails; 0: not known */
	bool quick;    /* agents are not looked for */
};
/* The state of pr and its descendants as JSON, malloc'ed; NULL without memory. */
char *trace_state_keep(struct trace_set *t, struct trace_process *pr, const struct trace_state_mark *mark);
/* Whether there is more to say of it than that it is there. */
bool trace_state_has_any(const struct trace_process *pr);

/* ---- failure.c ---- */
/* An exception leaves a step that is still open: the state as JSON, malloc'ed, or NULL: it is told already, or too often. */
char *trace_failure_step(struct trace_set *t, struct trace_process *pr, uint64_t step, uint32_t tid,
			 struct str type, struct str message);
/* An exception begins its way: the state as JSON, malloc'ed, or NULL: nothing lives there, or they come too fast. */
char *trace_failure_raised(struct trace_set *t, struct trace_process *pr, uint64_t ts_ns);
/* As one of the events of a span that are told with it. */
void trace_failure_say(struct trace_set *t, struct trace_saids *to, const char *state, uint64_t ts_ns);
/* As an event; room was made for it. state NULL: nothing. */
void trace_failure_draft(struct trace_draft *d, const char *state, uint64_t ns);

/* ---- session.c ---- */
struct trace_root *trace_session_find(const struct trace_set *t, struct str id);
/* NULL without memory, or beyond a limit: then its steps stay in the process's trace. */
struct trace_root *trace_session_new(struct trace_set *t, struct trace_process *pr, struct str id,
				     uint64_t ts_ns);
void trace_session_finish(struct trace_set *t);

/* ---- shed.c ---- */
void trace_shed_add(struct trace_set *t, const struct wire_shed_step *s);
/* The governor's steps while a trace's root process lived; 0 for any other process. */
uint32_t trace_shed_count(const struct trace_set *t, const struct trace_process *pr);
/* How many there were, and where they led, for the trace's own facts. */
void trace_shed_sum(const struct trace_set *t, struct trace_root *root);
/* An event for each of them. */
void trace_shed_draft(const struct trace_set *t, const struct trace_process *pr, struct trace_draft *d);

/* ---- ledger.c ---- */
void trace_ledger_close(struct trace_set *t, struct proc_table *procs, struct flow *flow, bool cut);

#endif
