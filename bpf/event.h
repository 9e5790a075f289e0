/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of wire.h: what is sent of what Python code does beside writing: audit events, exceptions, pauses, imports. */
#ifndef BOTTRACE_EVENT_H
#define BOTTRACE_EVENT_H

#include "wire.h"

/*
 * Behind a WIRE_PY_AUDIT, a first WIRE_PY_EXCEPTION and a WIRE_PY_PAUSE comes, of the same thread, the WIRE_PY_STACK of that
 * moment: its conn.ssl is 0, its conn.generation says the thread, its offset is the ts_ns of both heads.
 */
#define WIRE_PY_AT_EVENT (1ull << 63) /* wire_py_stack.conn.generation of those: this | tid */

#define WIRE_PY_ITEMS_MAX 24u	/* of one WIRE_PY_AUDIT */
#define WIRE_PY_LIST_MAX  16u	/* elements that are sent of one list or tuple */
#define WIRE_PY_ITEM_MAX  1024u /* bytes of one text */
#define WIRE_PY_AUDIT_MAX 4104u /* bytes of all of them */

/* Which audit event it is. */
enum wire_py_event {
	WIRE_PY_POPEN = 1,    /* subprocess.Popen: executable, args, cwd */
	WIRE_PY_EXEC = 2,     /* os.exec: path, args */
	WIRE_PY_SPAWN = 3,    /* os.posix_spawn: path, args */
	WIRE_PY_SYSTEM = 4,   /* os.system: command */
	WIRE_PY_OPEN = 5,     /* open, for writing: path, mode, flags */
	WIRE_PY_CONNECT = 6,  /* socket.connect: (nothing,) address */
	WIRE_PY_SQLITE = 7,   /* sqlite3.connect: database */
	WIRE_PY_URL = 8,      /* urllib.Request: url, method */
	WIRE_PY_RUN = 9,      /* exec, of code that was made from text: its file and name */
	WIRE_PY_COMPILE = 10, /* compile, of text that stands in no file: source, name */
	WIRE_PY_EVENTS = 11,
};

#ifndef __bpf__
/* The audit event's name in CPython; NULL: none has that number. */
static inline const char *wire_py_event_name(WIRE_U32 event)
{
	static const char *const names[WIRE_PY_EVENTS] = {
		[WIRE_PY_POPEN] = "subprocess.Popen",
		[WIRE_PY_EXEC] = "os.exec",
		[WIRE_PY_SPAWN] = "os.posix_spawn",
		[WIRE_PY_SYSTEM] = "os.system",
		[WIRE_PY_OPEN] = "open",
		[WIRE_PY_CONNECT] = "socket.connect",
		[WIRE_PY_SQLITE] = "sqlite3.connect",
		[WIRE_PY_URL] = "urllib.Request",
		[WIRE_PY_RUN] = "exec",
		[WIRE_PY_COMPILE] = "compile",
	};

	return event < WIRE_PY_EVENTS ? names[event] : 0;
}
#endif

enum wire_py_item_type {
	WIRE_PY_ITEM_NONE = 0,
	WIRE_PY_ITEM_STR = 1,	/* in units as CPython keeps it: kind */
	WIRE_PY_ITEM_BYTES = 2, /* bytes, or a C string */
	WIRE_PY_ITEM_INT = 3,	/* a s64 */
	WIRE_PY_ITEM_LIST = 4,	/* a u64: elements that a list or tuple has; those sent come next */
	WIRE_PY_ITEM_OTHER = 5, /* its type's name */
	WIRE_PY_ITEM_TYPES = 6,
};

#define WIRE_PY_ITEM_CUT     1u
#define WIRE_PY_ITEM_FAULT   2u /* it could not be read */
#define WIRE_PY_ITEM_ELEMENT 4u /* of the list before it */

/* A value; len bytes follow, and up to 7 more, so that the next one is aligned. */
struct wire_py_item {
	WIRE_U8 arg;   /* which argument of the event it is, from 0 */
	WIRE_U8 type;  /* enum wire_py_item_type */
	WIRE_U8 kind;  /* enum wire_py_text, of a str */
	WIRE_U8 flags; /* WIRE_PY_ITEM_* */
	WIRE_U32 len;
};
_Static_assert(sizeof(struct wire_py_item) == 8, "wire_py_item");

/* Payload: len bytes, count items. */
struct wire_py_audit {
	struct wire_head head;
	WIRE_U16 event; /* enum wire_py_event */
	WIRE_U16 count;
	WIRE_U32 len;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_audit) == 40, "wire_py_audit");

#define WIRE_PY_PASSED	    1u /* it goes on through this frame: no payload, no stack */
#define WIRE_PY_MESSAGE_CUT 2u

#define WIRE_PY_TYPE_MAX    64u
#define WIRE_PY_MESSAGE_MAX 512u

/* An exception was raised in a frame, or passes through one. Payload: type_len bytes of its type's name, message_len of its
 * first argument that is a str. */
struct wire_py_exception {
	struct wire_head head;
	WIRE_U64 raised; /* head.ts_ns of its first record: which one it is, in its thread */
	WIRE_U64 frame;	 /* wire_py_frame.frame */
	WIRE_U32 type_len;
	WIRE_U32 message_len;
	WIRE_U8 message_kind; /* enum wire_py_text */
	WIRE_U8 flags;	      /* WIRE_PY_PASSED, WIRE_PY_MESSAGE_CUT */
	WIRE_U8 pad[6];
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_py_exception) == 64, "wire_py_exception");

/* The garbage collector stopped the thread for a while. */
struct wire_py_pause {
	struct wire_head head; /* its end */
	WIRE_U64 pause_ns;
	WIRE_S64 collected; /* objects */
	WIRE_U32 generation;
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct wire_py_pause) == 56, "wire_py_pause");

/* What a process did so far, since it was traced; the last one counts. */
struct wire_py_sums {
	struct wire_head head;
	WIRE_U64 pauses; /* of the garbage collector, short ones too */
	WIRE_U64 pause_ns;
	WIRE_U64 imports;   /* modules that were found and loaded */
	WIRE_U64 import_ns; /* outermost ones */
};
_Static_assert(sizeof(struct wire_py_sums) == 64, "wire_py_sums");

#endif
