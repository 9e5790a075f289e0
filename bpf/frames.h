/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of wire.h: what is sent of CPython, its stacks and code objects. */
#ifndef BOTTRACE_FRAMES_H
#define BOTTRACE_FRAMES_H

#include "wire.h"

#define WIRE_PY_FRAMES	  256	/* of one WIRE_PY_STACK */
#define WIRE_PY_NAME_MAX  512	/* bytes of a code object's file name, and of its name */
#define WIRE_PY_TABLE_MAX 16384 /* bytes of its line table */
#define WIRE_PY_TASK_MAX  128	/* bytes of a task's name */
#define WIRE_PY_VALUE_MAX 256	/* characters of a value */

/* Why a stack is partial or missing. */
enum wire_py_reason {
	WIRE_PY_WHOLE = 0,
	WIRE_PY_DEPTH = 1,	   /* more than WIRE_PY_FRAMES frames, or than this kernel can walk */
	WIRE_PY_FAULT = 2,	   /* a page that is not there, a pointer that leads nowhere */
	WIRE_PY_THREAD = 3,	   /* the interpreter has no thread state of this thread */
	WIRE_PY_VERSION = 4,	   /* how this interpreter lays out its memory is not known */
	WIRE_PY_FREE_THREADED = 5, /* a build without GIL */
	WIRE_PY_KERNEL = 6,	   /* this kernel cannot walk */
	WIRE_PY_CHANGED = 7,	   /* what stood where a code object was is none any more */
	WIRE_PY_LOST = 8,	   /* user side only: a code object's record was lost */
	WIRE_PY_EARLY = 9,	   /* of a process: not yet; another record says when */
	WIRE_PY_REASONS = 10,
};

#define WIRE_PY_RUNTIME_FREE_THREADED 1u /* wire_py_runtime.flags: a build without GIL */

/* A process that runs CPython, from the attacher; once more when exec changed it. Payload: path_len bytes, the path of
 * the file that holds the interpreter. */
struct wire_py_runtime {
	struct wire_head head;
	WIRE_U32 version; /* PY_VERSION_HEX; 0: unknown */
	WIRE_U32 flags;	  /* WIRE_PY_RUNTIME_* */
	WIRE_U32 reason;  /* enum wire_py_reason: why no stacks come of it; 0: they do */
	WIRE_U32 path_len;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_runtime) == 48, "wire_py_runtime");

#define WIRE_PY_FRAME_GENERATOR 1u /* of a generator or coroutine */

struct wire_py_frame {
	WIRE_U64 code;	/* address of the code object */
	WIRE_U32 epoch; /* which life of that address: wire_py_code.epoch */
	WIRE_S32 lasti; /* byte offset of the instruction in co_code; -1: not started */
	WIRE_U64
	frame; /* its own address, up to 3.10 its generator's where it has one: a run's identity while it lives */
	WIRE_U32 flags; /* WIRE_PY_FRAME_* */
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct wire_py_frame) == 32, "wire_py_frame");

enum wire_py_text {
	WIRE_PY_TEXT_NONE = 0,
	WIRE_PY_TEXT_LATIN1 = 1, /* units of one byte, two, four: as CPython keeps a str */
	WIRE_PY_TEXT_UCS2 = 2,
	WIRE_PY_TEXT_UCS4 = 4,
	WIRE_PY_TEXT_NUMBER = 8, /* a u64: the n of "Task-n" */
};

/*
 * The Python stack of a thread, sent behind the data of the write that it belongs to: the first of a connection, those
 * that follow a read, and all of connections that speak in frames and of pipes. The head's ts_ns is the write's return. Addresses
 * are of the process: identities, never followed by the reader. Payload: count frames, the innermost first, then
 * task_name_len bytes.
 */
struct wire_py_stack {
	struct wire_head head;
	struct wire_conn_key conn; /* ssl 0: not at a write, but at an event (event.h) */
	WIRE_U64 offset;	   /* of the write's first byte, as wire_tls_data.offset */
	WIRE_U64 tstate;	   /* its PyThreadState; 0: none was found */
	WIRE_U64 context;	   /* tstate.context */
	WIRE_U64 context_vars;	   /* the root of its hamt */
	WIRE_U64 task;		   /* current asyncio.Task; 0: none, or not known (before 3.14) */
	WIRE_U64 coroutine; /* the outermost coroutine or generator of the innermost chain of them; 0: none */
	WIRE_U16 count;	    /* frames, <= WIRE_PY_FRAMES */
	WIRE_U8 reason;	    /* enum wire_py_reason: why it is partial; 0: whole */
	WIRE_U8 task_name_kind; /* enum wire_py_text */
	WIRE_U32 task_name_len; /* <= WIRE_PY_TASK_MAX */
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_stack) == 104, "wire_py_stack");

enum wire_py_what {
	WIRE_PY_MADE_TASK = 1,	 /* an asyncio.Task */
	WIRE_PY_MADE_WORK = 2,	 /* a concurrent.futures work item */
	WIRE_PY_MADE_THREAD = 3, /* a threading.Thread */
	WIRE_PY_MADE_KINDS = 4,
};

/*
 * What is run later, and the Python stack of who made it, as it was when it did. The fields from tstate on and the payload are
 * those of wire_py_stack.
 */
struct wire_py_make {
	struct wire_head head;
	WIRE_U64 made; /* address of the object */
	WIRE_U64 root; /* TASK: what it runs, a coroutine most likely; 0: not known */
	WIRE_U64 what; /* enum wire_py_what */
	WIRE_U64 tstate;
	WIRE_U64 context;
	WIRE_U64 context_vars;
	WIRE_U64 task;
	WIRE_U64 coroutine;
	WIRE_U16 count;
	WIRE_U8 reason;
	WIRE_U8 task_name_kind;
	WIRE_U32 task_name_len;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_make) == sizeof(struct wire_py_stack), "wire_py_make");

/* Before the WIRE_PY_STACK or WIRE_PY_MAKE of the same thread and time: of its outermost frame that runs one. */
struct wire_py_work {
	struct wire_head head;
	WIRE_U64 made; /* as in WIRE_PY_MAKE */
	WIRE_U32 what; /* enum wire_py_what: WORK, THREAD */
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct wire_py_work) == 48, "wire_py_work");

#define WIRE_PY_CODE_QUALNAME 1u /* the name is co_qualname (3.11), else co_name */
#define WIRE_PY_CODE_CUT      2u /* a string, the line table or the code is longer than what is here */
#define WIRE_PY_CODE_FAULT    4u /* a string or the line table could not be read */

/*
 * A code object, before the first stack that names (code, epoch); again, with the same epoch, whenever the kernel no
 * longer knows that it sent it. Payload: filename_len bytes, name_len, table_len: co_lnotab in 3.8 and 3.9, else
 * co_linetable; code_len: the instructions as they stand in memory, specialised and with their caches.
 */
struct wire_py_code {
	struct wire_head head;
	WIRE_U64 code;
	WIRE_U32 epoch;
	WIRE_S32 first_line;
	WIRE_U32 co_flags;
	WIRE_U8 version_minor; /* of CPython 3 */
	WIRE_U8 filename_kind; /* enum wire_py_text */
	WIRE_U8 name_kind;
	WIRE_U8 flags;	       /* WIRE_PY_CODE_* */
	WIRE_U32 filename_len; /* bytes, <= WIRE_PY_NAME_MAX */
	WIRE_U32 name_len;     /* the same */
	WIRE_U32 table_len;    /* <= WIRE_PY_TABLE_MAX */
	WIRE_U32 code_len;     /* the same */
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_code) == 72, "wire_py_code");

/* Why a value is partial or missing. */
enum wire_py_value_reason {
	WIRE_PY_VALUE_WHOLE = 0,
	WIRE_PY_VALUE_LOCAL = 1,  /* the code has no such local, or it is not bound now */
	WIRE_PY_VALUE_ABSENT = 2, /* the object has no such attribute of its own, the dict no such key */
	WIRE_PY_VALUE_TYPE =
		3, /* no str at the end of the path (None is none), no dict where a key is asked for */
	WIRE_PY_VALUE_FAULT = 4, /* a page that is not there, a pointer that leads nowhere */
	WIRE_PY_VALUE_LARGE = 5, /* more entries than are looked at */
	WIRE_PY_VALUE_CUT = 6,	 /* longer than what is here */
	WIRE_PY_VALUE_REASONS = 7,
};

#define WIRE_PY_RULE_SELF \
	0xffffu /* wire_py_value.rule: the address of the frame's first local, kind TEXT_NUMBER */

/*
 * What a rule's path leads to from a frame, right behind the stack that the frame is in (same thread, conn and offset);
 * one for each frame and rule that fit. The record comes too when nothing was found: kind is TEXT_NONE then. Payload:
 * len bytes.
 */
struct wire_py_value {
	struct wire_head head;
	struct wire_conn_key conn; /* as of the stack */
	WIRE_U64 offset;
	WIRE_U64 frame; /* wire_py_frame.frame, .epoch */
	WIRE_U32 epoch;
	WIRE_U16 rule;	/* in the order of the rules' text, from 0; or WIRE_PY_RULE_SELF */
	WIRE_U16 at;	/* index of the frame in the stack */
	WIRE_U8 kind;	/* enum wire_py_text */
	WIRE_U8 reason; /* enum wire_py_value_reason */
	WIRE_U16 pad;
	WIRE_U32 len; /* bytes, <= WIRE_PY_VALUE_MAX units of kind */
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_value) == 80, "wire_py_value");

#endif
