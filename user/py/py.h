/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * py: Python records -> stacks: who wrote, by file, line and function, thread, task and context.
 * in:    WIRE_PY_* records; WIRE_PROC_EXIT and WIRE_PROC_EXEC end what is known of a process
 * out:   word that a stack came; struct py_stack (owned by who asked)
 * owns:  code objects by (process, address, epoch); the latest stacks of each connection
 * may:   base, drain, proc, wire
 * never: files, sockets; follows an address; names a frame whose code object it was not told of
 * fails: beyond LIMIT_PY_* what was not used for longest goes; a stack that is not whole says why
 * start: py.c
 */
#ifndef PY_PY_H
#define PY_PY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "proc/proc.h"
#include "wire.h"

#define PY_NO_FRAME UINT32_MAX

/* Whose a file is. */
enum py_origin {
	PY_ORIGIN_UNKNOWN, /* its name did not come */
	PY_ORIGIN_USER,
	PY_ORIGIN_STDLIB,
	PY_ORIGIN_PACKAGE,   /* of site-packages or dist-packages */
	PY_ORIGIN_GENERATED, /* no file: <frozen ..>, <string>, what a library made with exec */
};

/* Whether a frame can come back to the instruction where it stands, by what of its code object is here. */
enum py_loop {
	PY_LOOP_UNKNOWN,
	PY_LOOP_NONE,	/* no code behind it goes back: who is seen there again is another run */
	PY_LOOP_LIKELY, /* some code behind it belongs to an earlier line: a loop, or the end of a `with` */
	PY_LOOP_SURE,	/* its instructions lead back there */
};

struct py_frame {
	struct str file, function; /* UTF-8; p NULL: not known. function: qualified from 3.11 on */
	uint32_t line;		   /* 0: none, or not known */
	enum py_origin origin;
	bool generator; /* of a generator or coroutine */
	bool coroutine;
	bool qualified;	   /* function is a qualified name: from 3.11 on */
	enum py_loop loop; /* of the user's own */
	int32_t lasti;	   /* byte offset of its instruction; -1: not started */
	uint64_t code;	   /* addresses in the process: identities */
	uint64_t frame;	   /* the run's, while it lives */
};

enum py_partial {
	PY_WHOLE = WIRE_PY_WHOLE,
	/* 1 to WIRE_PY_REASONS - 1: the kernel's reasons */
	PY_EARLIER =
		WIRE_PY_REASONS, /* taken at the write before, by the same thread: inner frames may have gone on */
	PY_MEMORY,		 /* too much is held already */
};

/* How the run at a stack's bottom was begun. */
enum py_how {
	PY_HOW_NONE,	 /* it is the program's own: nothing lies further out */
	PY_HOW_TASK,	 /* an asyncio task was made */
	PY_HOW_WORK,	 /* a function was submitted to a pool */
	PY_HOW_THREAD,	 /* a thread was started */
	PY_HOW_CALLBACK, /* a loop called a function: who asked for it is not known */
	PY_HOW_UNKNOWN,
};

/*
 * One block with its texts, and those outwards; py_stack_free. What tells one run of one agent from another stands in the numbers: they are
 * addresses, so they hold for as long as their object lives and may come back for another one later.
 */
struct py_stack {
	uint64_t ts_ns; /* the write's return; outwards: when it made what is run here */
	uint32_t tid;
	enum py_how how;
	bool certain; /* `outer` is who called; what a thread does after its start may be asked for by others */
	uint32_t reach; /* frames, the innermost first, that belong to the run; the others serve many */
	struct py_stack *
		outer; /* the stack of who made the run, as it was then; NULL: none (PY_HOW_NONE), or not known */
	int partial;	       /* enum wire_py_reason or PY_EARLIER: why it is not whole */
	struct str task;       /* name of the asyncio task; p NULL: none, or not known */
	uint64_t task_object;  /* 0: none, or not known: then the root coroutine stands for it */
	uint64_t coroutine;    /* the root coroutine of the step */
	uint64_t context;      /* a task's own, or a thread's */
	uint64_t context_vars; /* shared by copies until one of them sets a variable */
	uint64_t thread_state;
	uint32_t source; /* index of the innermost frame of the user's own code; PY_NO_FRAME */
	uint32_t count;
	struct py_frame frames[]; /* innermost first */
};

/* What a rule's path led to from a frame of a stack. */
struct py_value {
	uint64_t frame;	 /* py_frame.frame */
	uint32_t rule;	 /* its number; WIRE_PY_RULE_SELF */
	bool cut;	 /* it is longer */
	struct str text; /* UTF-8; p NULL: nothing was found */
	uint64_t number; /* an address, of WIRE_PY_RULE_SELF; else 0 */
};

/* Where a stack was taken: a write of a process on a connection. */
struct py_place {
	uint32_t pid;
	uint32_t pad;
	uint64_t start_ns;
	uint64_t ssl, generation;
	uint64_t offset; /* of the write's first byte in its direction */
};

enum py_event_kind {
	PY_EVENT_AUDIT,	 /* code did something to the world */
	PY_EVENT_RAISED, /* an exception began */
	PY_EVENT_PASSED, /* it goes on through one more frame */
	PY_EVENT_PAUSE,	 /* the garbage collector ran; ts_ns is its end */
	PY_EVENT_SUMS,	 /* all pauses and imports of the process so far */
};

struct py_sums {
	uint64_t pauses, pause_ns;
	uint64_t imports, import_ns;
};

/* Borrowed, and its texts, until the callback returns. */
struct py_event {
	enum py_event_kind kind;
	struct proc *proc; /* NULL: not known */
	uint32_t pid, tid;
	uint64_t start_ns, ts_ns;
	struct py_stack *
		stack; /* of AUDIT, RAISED, PAUSE; NULL: it did not come. Who wants to keep it puts NULL here */
	bool cut;      /* something is missing of args, or of message */
	/* AUDIT */
	enum wire_py_event what;
	struct str name; /* of the audit event */
	struct str args; /* JSON array */
	uint8_t first;	 /* enum wire_py_item_type of the first one */
	/* RAISED, PASSED */
	uint64_t raised;	  /* which exception, in its thread: ts_ns of its RAISED */
	uint64_t frame;		  /* py_frame.frame */
	struct str type, message; /* RAISED; message p NULL: it has none that is a str */
	/* PAUSE */
	uint64_t pause_ns;
	int64_t collected; /* objects */
	uint32_t generation;
	struct py_sums sums;
};

struct py;

struct py_ops {
	/* A stack came, and py_take will give it for as long as the connection's later ones leave it room. */
	void (*stack)(void *ctx, struct py *py, const struct py_place *place);
	/* Code did something. May be NULL. */
	void (*event)(void *ctx, struct py *py, struct py_event *e);
};

struct py_stats {
	uint64_t stacks, codes, makes; /* that came */
	uint64_t events;
	uint64_t lost_frames; /* given out without a name: the code object's record is not here */
	uint64_t dropped;     /* records for which there was no memory */
};

struct py_settings {
	const struct py_ops *ops;
	void *ctx;
	const struct proc_table *procs; /* for command lines */
};

/* What runs there, as the attacher saw it. */
struct py_runtime {
	uint32_t version;	    /* PY_VERSION_HEX; 0: unknown */
	enum wire_py_reason reason; /* why it gives no stacks; 0: it does */
	uint64_t since_ns;	    /* before that none was taken of it */
};

struct py *py_new(const struct py_settings *settings);
/* Takes any record; uses those of its kinds. Feed it to proc and to what consumes the connection's bytes first. */
void py_feed(struct py *py, const struct wire_head *rec);
/* The stack that was taken at this very write; NULL: none, or no memory. `earlier`: else the one of an earlier write of
 * thread `tid`, if that is the latest that was taken on the connection; it is marked so. */
struct py_stack *py_take(struct py *py, const struct py_place *place, bool earlier, uint32_t tid);
void py_stack_free(struct py_stack *s);
/* The next stack outwards, over one boundary; NULL. Borrowed from s. */
const struct py_stack *py_outwards(const struct py_stack *s);
/* "task", "work", "thread", "callback", "unknown"; NULL: PY_HOW_NONE. */
const char *py_how_word(enum py_how how);
/* What rules read of this stack's frames, as far as it came. Borrowed until the next record. */
const struct py_value *py_values(const struct py_stack *s, uint32_t *count);
/* NULL: this process is not known to run Python. Borrowed until the next record. */
const struct py_runtime *py_find(const struct py *py, uint32_t pid, uint64_t start_ns);
/* The word for why a stack is partial; NULL: it is whole. */
const char *py_partial_word(int partial);
struct py_stats py_stats(const struct py *py);
void py_free(struct py *py);
DROP_POINTER(py, py_free)
DROP_POINTER(py_stack, py_stack_free)

#endif
