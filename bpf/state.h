/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side remembers: keys and values of the maps that the attacher fills, sweeps and reads.
 * Never on the wire, never on a tape: may change freely. Compiled by both sides.
 */
#ifndef BOTTRACE_STATE_H
#define BOTTRACE_STATE_H

#include "wire.h"

/* `targets`: u32 tgid -> struct state_target. Filled by the attacher and at fork, emptied at exit; a process is ours
 * when its tgid is here with its start time. Counters are added to atomically. */
struct state_target {
	WIRE_U64 start_ns;
	WIRE_U32 epoch; /* execs so far: an SSL pointer of an earlier image is another connection */
	WIRE_U32 flags; /* STATE_* */
	struct wire_counts counts;
	/* token bucket: bytes and calls in hand (below 0: in debt), and when they were last added to */
	WIRE_S64 hand_bytes;
	WIRE_S64 hand_calls;
	WIRE_U64 hand_ns;
};
_Static_assert(sizeof(struct state_target) == 352, "state_target");

#define STATE_CALIBRATE 1u /* the attacher itself: everything is done, then the record is thrown away */

/* A probe's cookie: function | flags | library << 8 */
#define STATE_COOKIE_FN	      0x3fu
#define STATE_COOKIE_EMULATED 0x40u /* the probed instruction is */
#define STATE_COOKIE_ENTRY    0x80u /* the return is not to be intercepted: for links that see both */
#define STATE_COOKIE_LIB      8

/* `departed`: counters of processes that ended, until the attacher has swept them. */
struct state_process {
	WIRE_U64 start_ns;
	WIRE_U32 pid;
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct state_process) == 16, "state_process");

/* `conns`: connections alive. */
struct state_conn_key {
	WIRE_U64 ssl;
	WIRE_U32 tgid;
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct state_conn_key) == 16, "state_conn_key");

struct state_conn {
	WIRE_U64 start_ns; /* of the process */
	WIRE_U64 generation;
	WIRE_U32 epoch;
	WIRE_S32 fd; /* -1: none */
	WIRE_U32 lib;
	WIRE_U32 told;	/* 1: WIRE_TLS_CONN was sent; 2: with addresses, or there are none to be had */
	WIRE_U32 flags; /* STATE_CONN_* */
	/* Bytes of their own, which threads change beside each other. */
	WIRE_U8 transport; /* enum wire_transport; WIRE_TLS: an SSL object; of the others: */
	WIRE_U8 heard;	   /* it speaks something we read: told of, and counted */
	WIRE_U8 deaf;	   /* TLS, or nothing that we read: not looked at any more */
	WIRE_U8 tries;	   /* that began like nothing that we read: calls of a pipe, turns of a socket */
	WIRE_U64 ino; /* plain: of the socket or pipe: the open file's address may become another one's */
	WIRE_U64 read_bytes; /* since the last write */
	struct wire_side side[WIRE_DIRS];
};
_Static_assert(sizeof(struct state_conn) == 120, "state_conn");

#define STATE_CONN_OUT	 1u  /* sampled out, for good */
#define STATE_CONN_WROTE 2u  /* the last call wrote */
#define STATE_CONN_WHOLE 4u  /* speaks in frames: light mode cuts nothing */
#define STATE_CONN_GET	 8u  /* seen in light mode: its last request was a GET */
#define STATE_CONN_TRIAL 16u /* plain: begins like JSON, which may be a conversation or any data */

/* Of each direction of a connection on trial so much is sent, whatever it is; the rest when the collector has said that
 * it is a conversation (WIRE_VERDICT_WHOLE). Its first message, or what `cat` writes before anybody can look. */
#define STATE_TRIAL_BYTES (1u << 20)

/* `descriptors`: by which a plain connection is known to a process, so that close() ends it. */
struct state_descriptor {
	WIRE_U32 tgid;
	WIRE_S32 fd;
};
_Static_assert(sizeof(struct state_descriptor) == 8, "state_descriptor");

/* Whether a process of such an id was ever traced: filter_marks. */
#define STATE_MARKS 32768u

/* `conn_finals`: connections that ended but whose WIRE_TLS_CLOSE could not be sent, until swept. */
struct state_conn_final {
	WIRE_U64 ssl;
	WIRE_U64 generation;
	WIRE_U64 start_ns;
	WIRE_U32 pid;
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct state_conn_final) == 32, "state_conn_final");

struct state_sides {
	struct wire_side side[WIRE_DIRS];
};
_Static_assert(sizeof(struct state_sides) == 64, "state_sides");

/* `calls`: u64 pid_tgid -> the calls that this thread is in, found again by stack pointer. */
#define STATE_CALL_DEPTH 4

/* After the return num, out and lib stand for other things for a moment: piece.bpf.h. */
struct state_call {
	WIRE_U64 ssl;
	WIRE_U64 buffer;
	WIRE_U64 out; /* address of the size_t that *_ex functions fill; 0: none */
	WIRE_U64 num;
	WIRE_U64 ts_ns;
	WIRE_U32 lib;
	WIRE_U32 fn;
	WIRE_U32 head; /* after the return: bytes of the call that are sent from its beginning */
	WIRE_U32 tail; /* and from its end */
};
_Static_assert(sizeof(struct state_call) == 56, "state_call");

struct state_calls {
	WIRE_U64 start_ns;
	WIRE_U32 epoch;
	WIRE_U32 at;		       /* the slot that a program is at, while it runs */
	WIRE_U64 sp[STATE_CALL_DEPTH]; /* of each slot, at entry; at return it is 8 more; 0: slot free */
	struct state_call slot[STATE_CALL_DEPTH + 1]; /* the last one: of a system call, in its return */
	WIRE_U64 vector; /* of the system call: address of its struct iovec[]; 0: it takes one buffer */
	WIRE_U64 left;	 /* bytes that it moved, beyond the buffers so far */
};
_Static_assert(sizeof(struct state_calls) == 344, "state_calls");

/*
 * `pythons`: u32 tgid -> the CPython that this process runs, and how it lays out its memory (docs/stacks.md). Filled by the
 * attacher and, for children, by proc_fork; counts when start and epoch are the process's. All offsets are in bytes.
 */
#define STATE_PYTHON_NONE 0xffffu /* an offset of what this version does not have */

/* What a process may send of events with a stack: exceptions are many, those of libraries most,
 * and must not leave nothing to the others. */
enum state_hands {
	STATE_HAND_AUDIT = 0,
	STATE_HAND_RAISE = 1,
	STATE_HAND_LIBRARY = 2, /* exceptions that were raised in one */
	STATE_HANDS = 3,
};

struct state_hand {
	WIRE_S64 events; /* that it may send at once */
	WIRE_U64 since_ns;
};

struct state_python {
	WIRE_U64 start_ns;
	WIRE_U32 epoch;
	WIRE_U32 minor;	       /* of CPython 3 */
	WIRE_U64 interpreters; /* address of the head of the list of interpreters */
	WIRE_U16 threads_head; /* in an interpreter: its list of thread states */
	WIRE_U16 interp_next;  /* the next interpreter */
	WIRE_U16 thread_next;  /* in a thread state: the next one of the same interpreter */
	WIRE_U16 thread_id;    /* what pthread_self() gave */
	WIRE_U16 thread_frame; /* its innermost frame, or what holds that */
	WIRE_U16 cframe_frame; /* in what thread_frame points to: the frame; NONE: it is the frame */
	WIRE_U16 thread_context;
	WIRE_U16 thread_task; /* the running asyncio.Task; NONE */
	WIRE_U16 task_name;   /* in a Task */
	WIRE_U16 frame_bytes; /* of a frame that are read at once, <= STATE_PYTHON_FRAME_MAX */
	WIRE_U16 frame_code;
	WIRE_U16 frame_back;
	WIRE_U16 frame_ip;    /* its instruction: an address, up to 3.10 an int */
	WIRE_U16 frame_owner; /* a byte, from 3.11 on; before, the pointer to its generator */
	WIRE_U16 code_file;
	WIRE_U16 code_name; /* co_qualname where there is one */
	WIRE_U16 code_table;
	WIRE_U16 code_line;
	WIRE_U16 code_flags;
	WIRE_U16 code_start;  /* of the instructions in a code object, from 3.11 on */
	WIRE_U16 gen_frame;   /* of the frame in its generator, from 3.11 on */
	WIRE_U16 str_ascii;   /* of the characters in a str of ASCII alone */
	WIRE_U16 str_compact; /* in any other one */
	WIRE_U16 code_locals; /* the names of its locals: up to 3.10 those that are no cells */
	WIRE_U16 code_kinds;  /* a byte of each, from 3.11 on */
	WIRE_U16 frame_locals;
	WIRE_U16 tuple_items;
	WIRE_U16 type_keys;    /* of a class: the names of its instances' attributes */
	WIRE_U16 type_name;    /* its __name__ */
	WIRE_U16 split_values; /* in what an instance's dict or the instance keeps them in: the first value */
	WIRE_U16
	thread_error; /* in a thread state: the exception that is under way; up to 3.11 its type, value, traceback */
	WIRE_U16 pad[1];
	/* kept by the kernel: audit.bpf.c */
	struct state_hand hands[STATE_HANDS];
	WIRE_U64 told_ns; /* when these were told last: */
	WIRE_U64 pauses;
	WIRE_U64 pause_ns;
	WIRE_U64 imports;
	WIRE_U64 import_ns;
};
_Static_assert(sizeof(struct state_python) == 176, "state_python");

#define STATE_PYTHON_FRAME_MAX 128
#define STATE_PYTHON_CODE      144 /* of a code object that are read at once: every offset above lies below it */

/*
 * `rules`: how a name is found from a frame: a local of it, then steps from object to object. Numbered from 0 in the
 * map, and from 1 wherever a 0 means none. Filled by the attacher before anything is traced; the kernel writes hints.
 */
#define STATE_RULES_MAX 8192u
#define STATE_RULE_SEEK 0xffffu /* not known yet */
#define STATE_STEPS	5u	/* the local is the first one */
#define STATE_STEP_TEXT 64u	/* bytes of a name, in units as CPython keeps them */
#define STATE_RULE_TAIL 128u	/* units of a file's tail, a `/` before it */
#define STATE_RULE_NAME 248u	/* bytes of a function's name, in units as CPython keeps them */

enum state_step_what {
	STATE_STEP_LOCAL = 0,
	STATE_STEP_ATTRIBUTE = 1,
	STATE_STEP_KEY = 2,  /* of a dict */
	STATE_STEP_TYPE = 3, /* to the name of the object's class */
};

struct state_step {
	WIRE_U8 what;		       /* enum state_step_what */
	WIRE_U8 kind;		       /* of the name: enum wire_py_text */
	WIRE_U16 len;		       /* bytes of it */
	WIRE_U32 hint;		       /* where it stood last: only a place to look at first */
	WIRE_U8 text[STATE_STEP_TEXT]; /* zeros behind it */
};
_Static_assert(sizeof(struct state_step) == 72, "state_step");

#define STATE_RULE_SELF 1u /* the object's address, not its text */
#define STATE_RULE_LEAD 2u /* its local is that of all rules of its function and file */

struct state_rule {
	WIRE_U16 id; /* wire_py_value.rule */
	WIRE_U16 flags;
	WIRE_U16 steps; /* 1..STATE_STEPS */
	WIRE_U16 pad;
	/* of whole names [0] and, up to 3.10, of their last parts [1]: */
	WIRE_U32 next[2];	       /* the next rule of the same name; 0: none */
	WIRE_U32 same[2];	       /* 1: that one is of the same file, too */
	WIRE_U8 tail[STATE_RULE_TAIL]; /* its last bytes are here, zeros before them */
	struct state_step step[STATE_STEPS];
};
_Static_assert(sizeof(struct state_rule) == 24 + STATE_RULE_TAIL + 72 * STATE_STEPS, "state_rule");

/* `rule_names`: a function's name -> u32, its first rule. */
struct state_rule_name {
	WIRE_U8 text[STATE_RULE_NAME]; /* zeros behind it */
	WIRE_U32 kind;
	WIRE_U32 bare; /* 1: the last part of a name, as up to 3.10 */
};
_Static_assert(sizeof(struct state_rule_name) == 256, "state_rule_name");

/* `codes`: what a code object was when it was last met. */
struct state_code_key {
	WIRE_U64 start_ns; /* of the process */
	WIRE_U64 code;
};
_Static_assert(sizeof(struct state_code_key) == 16, "state_code_key");

struct state_code {
	WIRE_U64 file;
	WIRE_U64 name;
	WIRE_U64 table;
	WIRE_U32 line;
	WIRE_U32 epoch;
	WIRE_U16 told; /* STATE_CODE_* */
	WIRE_U8 tries; /* that could not read all of it */
	WIRE_U8 role;  /* enum wire_py_what: its first local is what was made; STATE_ROLE_FUTURE */
	WIRE_U32 rule; /* its first one; 0: none, STATE_RULE_SEEK: not known yet */
};
_Static_assert(sizeof(struct state_code) == 40, "state_code");

#define STATE_CODE_TOLD	 1u
#define STATE_CODE_SKIP	 2u /* a frame that the interpreter put between two others */
#define STATE_CODE_TRIES 4u

/* Of the codes that a thread met last: what it need not ask of all. */
#define STATE_WALK_KNOWN 128

#define STATE_KNOWN_CELL 127u

#define STATE_ROLE_FUTURE WIRE_PY_MADE_KINDS /* a future further on tells whose work it is */
#define STATE_KNOWN_SKIP  0xffu		     /* a frame that the interpreter put between two others */

struct state_known {
	WIRE_U64 code;
	WIRE_U64 identity; /* hash of what tells one life of it from another */
	WIRE_U32 epoch;
	WIRE_U8 role; /* enum wire_py_what; STATE_ROLE_FUTURE; STATE_KNOWN_SKIP */
	WIRE_U8 slot; /* of its rules' local, from 1, with STATE_KNOWN_CELL added for a cell; 0: not known yet */
	WIRE_U16 rule;
};
_Static_assert(sizeof(struct state_known) == 24, "state_known");

/* Where the bytes of a str or of a bytes object are, while a code object is told. */
struct state_text {
	WIRE_U64 data;
	WIRE_U32 len;
	WIRE_U16 kind;	/* enum wire_py_text */
	WIRE_U16 flags; /* WIRE_PY_CODE_* */
};
_Static_assert(sizeof(struct state_text) == 16, "state_text");

/* A frame of a walk whose code object has rules, or may have. */
struct state_ruled {
	WIRE_U16 at; /* the frame */
	WIRE_U16 rule;
};
_Static_assert(sizeof(struct state_ruled) == 4, "state_ruled");

/* What a look along a path does next. */
enum state_look_phase {
	STATE_LOOK_FRAME = 0,
	STATE_LOOK_BEGIN = 1,
	STATE_LOOK_SCAN = 2, /* a table of names */
	STATE_LOOK_CLASS = 3,
	STATE_LOOK_STEP = 4,
	STATE_LOOK_SEND = 5,
	STATE_LOOK_RULE = 6, /* whether a rule is the code object's */
};

#define STATE_LOOK_TRAIL 24 /* words that a path of STATE_STEPS follows, at most */

/* A word that was followed, and what it held. */
struct state_followed {
	WIRE_U64 at;
	WIRE_U64 was;
};
_Static_assert(sizeof(struct state_followed) == 16, "state_followed");

struct state_look {
	WIRE_U64 object; /* that the path has come to */
	WIRE_U64
	entries;	 /* the table's; each has its key at key_at, and its value behind that or in values */
	WIRE_U64 values; /* 0: in the entries */
	WIRE_U64 classes; /* the items of the type's __mro__ */
	WIRE_U32 count;	  /* entries */
	WIRE_U32 index;	  /* the one to be looked at next */
	WIRE_U32 base;	  /* of the locals' table: the first one's number */
	WIRE_U32 class_count;
	WIRE_U32 class_at;
	WIRE_U32 turns;
	WIRE_U32 rule;
	WIRE_U32 ruled; /* the next frame, among those that have rules */
	WIRE_U16 at;	/* this one */
	WIRE_U8 phase;	/* enum state_look_phase */
	WIRE_U8 reason; /* enum wire_py_value_reason */
	WIRE_U8 step;
	WIRE_U8 stride;
	WIRE_U8 key_at;
	WIRE_U8 segment;  /* of the locals: 0 plain, 1 cells, 2 free */
	WIRE_U8 hinted;	  /* index is a hint */
	WIRE_U8 large;	  /* the table has more entries */
	WIRE_U8 in_class; /* the table is a class's */
	WIRE_U8 tries;
	WIRE_U8 trail;	    /* words followed */
	WIRE_U8 trail_step; /* before the step that is being taken */
	WIRE_U8 pad[2];
	struct state_followed followed[STATE_LOOK_TRAIL];
};
_Static_assert(sizeof(struct state_look) == 80 + 16 * STATE_LOOK_TRAIL, "state_look");

/* `audit_names`: an audit event that is wanted. */
struct state_audit_name {
	char text[32]; /* zeros behind it */
};
_Static_assert(sizeof(struct state_audit_name) == 32, "state_audit_name");

#define STATE_AUDIT_WRITES 1u /* only when its third argument, flags of open(), lets it write */
#define STATE_AUDIT_CODE   2u /* only when its first argument is code that was made from text */
#define STATE_AUDIT_TEXT   4u /* only when its second argument names no file */
#define STATE_AUDIT_END	   8u /* the interpreter ends: nothing is sent of it but sums */

struct state_audit {
	WIRE_U16 event; /* enum wire_py_event */
	WIRE_U8 wants;	/* 1 << argument; the first four */
	WIRE_U8 flags;	/* STATE_AUDIT_* */
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct state_audit) == 8, "state_audit");

/* A probe's cookie where arguments lie as a USDT note says: two operands of 32 bits each. */
#define STATE_OPERAND_OFFSET 0xffu  /* of its register in struct pt_regs */
#define STATE_OPERAND_MEMORY 0x100u /* what lies there, at a distance: */
#define STATE_OPERAND_INT    0x200u /* a signed int, not 8 bytes */
#define STATE_OPERAND_SHIFT  12	    /* of the distance, signed */

/* An event's arguments, before they are read and as they are sent. */
enum state_item_what {
	STATE_ITEM_OBJECT = 0,
	STATE_ITEM_STRING = 1, /* of C */
	STATE_ITEM_NUMBER = 2,
	STATE_ITEM_LIST = 3, /* so many elements come next */
};

struct state_item {
	WIRE_U64 value;
	WIRE_U8 arg;
	WIRE_U8 what;  /* enum state_item_what */
	WIRE_U8 flags; /* WIRE_PY_ITEM_ELEMENT */
	WIRE_U8 pad[5];
};
_Static_assert(sizeof(struct state_item) == 16, "state_item");

struct state_gather {
	WIRE_U32 count, done, used, pad;
	struct state_item items[WIRE_PY_ITEMS_MAX];
	WIRE_U8 fixed[sizeof(struct wire_py_audit)];
	WIRE_U8 payload[WIRE_PY_AUDIT_MAX];
};

#define STATE_WALK_EVENT 16u /* state_walk.make[2]: at an event, whose time is make[1] */

/* `walks`: u64 pid_tgid -> the walk that this thread makes. */
struct state_walk {
	WIRE_U64 start_ns;
	WIRE_U32 epoch;
	WIRE_U32 fresh;	    /* frames whose code objects are to be told first */
	WIRE_U64 thread;    /* the thread state found last; 0: none */
	WIRE_U64 head;	    /* of the list of interpreters, then */
	WIRE_U32 alone;	    /* it was the only one */
	WIRE_U32 framed;    /* the thread state has frames */
	WIRE_U64 self;	    /* what its thread_id must be */
	WIRE_U64 interp;    /* while it is sought: the interpreter to come */
	WIRE_U64 at;	    /* the thread state or frame to be looked at next */
	WIRE_U64 type;	    /* address of the type of code objects; 0: not met yet */
	WIRE_U32 told;	    /* code objects */
	WIRE_U32 chain;	    /* STATE_WALK_* */
	WIRE_U64 work;	    /* what the outermost frame runs that runs what was made; 0: none */
	WIRE_U32 work_what; /* enum wire_py_what */
	WIRE_U32 role;	    /* of the code object met last */
	WIRE_U64 make[3];   /* made, root, what: of the walk that is about to begin; what 0: at a write */
	WIRE_U64 error;	    /* when the exception was raised that was told of last; 0: none */
	WIRE_U64 error_value;
	WIRE_U64 error_frame; /* the frame object that it passed last */
	WIRE_U64 gc_ns;	      /* start of the collection that it is in; 0: in none */
	WIRE_U64 import_ns;   /* of the outermost import that it is in */
	WIRE_U32 import_depth;
	WIRE_U32 gc_generation;
	WIRE_U8 bytes[256]; /* of the object being looked at */
	struct state_text texts[4];
	struct state_known known[STATE_WALK_KNOWN];
	WIRE_U64 ruled; /* frames with rules: */
	struct state_ruled ruling[WIRE_PY_FRAMES];
	struct state_look look;
	struct state_rule_name name;	   /* while a code object's rules are sought */
	WIRE_U8 tail[2 * STATE_RULE_TAIL]; /* the end of its file's name, in bytes */
	WIRE_U8 wide[4 * STATE_RULE_TAIL]; /* before, in units of two or four */
	union {				   /* the record */
		struct wire_py_stack stack;
		struct {
			WIRE_U8 fixed[sizeof(struct wire_py_stack)];
			struct wire_py_frame frames[WIRE_PY_FRAMES];
			WIRE_U8 task[WIRE_PY_TASK_MAX];
		};
		struct state_gather gather; /* before the walk */
	};
};
_Static_assert(sizeof(struct state_walk) == 8 * 21 + 256 + 16 * 4 + 24 * STATE_WALK_KNOWN + 8 +
						    4 * WIRE_PY_FRAMES + sizeof(struct state_look) + 256 +
						    6 * STATE_RULE_TAIL + 104 + 32 * WIRE_PY_FRAMES +
						    WIRE_PY_TASK_MAX,
	       "state_walk");

/* `walkers`: */
#define STATE_WALKER_STACK 0u
#define STATE_WALKER_VALUE 1u
#define STATE_WALKERS	   2u

/* The innermost chain of generators and coroutines: */
#define STATE_WALK_BEFORE 0u
#define STATE_WALK_IN	  1u
#define STATE_WALK_BEHIND 2u

/* `socks`: one TCP connection, and what it had moved when it was last looked at. */
struct state_sock {
	WIRE_U64 start_ns; /* of the process that made it */
	WIRE_U32 pid;
	WIRE_U16 family;
	WIRE_U16 lport; /* host order */
	WIRE_U16 pport;
	WIRE_U16 pad[3];
	WIRE_U64 sent;
	WIRE_U64 received;
	WIRE_U64 before;  /* of these, before we came */
	WIRE_U8 peer[16]; /* network order */
};
_Static_assert(sizeof(struct state_sock) == 64, "state_sock");

/* `wires`: what the TCP connections of one process moved, and how many connections its probed libraries began. */
struct state_wire {
	WIRE_U64 sent;
	WIRE_U64 received;
	WIRE_U64 conns; /* TCP connections established */
	WIRE_U64 talks; /* SSL objects seen */
	WIRE_U64 begun; /* of these, first seen when they moved data: what came before may be unseen */
	WIRE_U64 plain; /* bytes seen on connections without TLS, which are no part of these sums */
	WIRE_U64 plain_calls;
	WIRE_U64 most; /* bytes of the busiest connection, whose peer this is: */
	WIRE_U16 family;
	WIRE_U16 pport;
	WIRE_U32 libs; /* 1 << (id & 31) of the libraries whose calls moved its data */
	WIRE_U8 peer[16];
};
_Static_assert(sizeof(struct state_wire) == 88, "state_wire");

/* `spent`, of each processor: what probes did for traced processes, as the overhead governor reckons it. Counted only
 * when there is a budget. */
#define STATE_HIT(returns, emulated) \
	((returns) << 1 | (emulated)) /* entry and return or entry alone; of which kind of site */
#define STATE_HITS 4

struct state_spent {
	WIRE_U64 hits[STATE_HITS];
	WIRE_U64 records;  /* calls that moved data and sent it */
	WIRE_U64 bytes;	   /* copied out */
	WIRE_U64 requests; /* writes that are a connection's first, or follow a read */
	WIRE_U64 chunks;   /* calls that moved data */
	WIRE_U64
	syscalls; /* system calls of traced processes; those that read or write twice, for a look at what */
	WIRE_U64 walks;	  /* Python stacks */
	WIRE_U64 walk_ns; /* that they took */
};
_Static_assert(sizeof(struct state_spent) == 88, "state_spent");

/* `notify`, a ring of the attacher's own: a process of ours changed, look at its maps again. Lost when that ring is
 * full: who finds it more than half full looks at everything. */
enum state_what {
	STATE_NOTICE_FORK = 1,
	STATE_NOTICE_EXEC = 2,
	STATE_NOTICE_EXIT = 3,
	STATE_NOTICE_MAP = 4,  /* the dynamic linker works */
	STATE_NOTICE_MARK = 5, /* the marker module was loaded, and waits */
};

struct state_notice {
	WIRE_U32 what; /* enum state_what */
	WIRE_U32 pid;
	WIRE_U64 start_ns;
};
_Static_assert(sizeof(struct state_notice) == 16, "state_notice");

/* One executable mapping of a file as the iterator `mappers` writes it. */
struct state_mapper {
	WIRE_U32 pid;
};
_Static_assert(sizeof(struct state_mapper) == 4, "state_mapper");

/* One process as the iterator `tasks` writes it: a thread group leader, whatever its threads. */
struct state_task {
	WIRE_U32 pid;
	WIRE_U32 parent_pid;
	WIRE_U64 start_ns;
	WIRE_U64 parent_start_ns;
};
_Static_assert(sizeof(struct state_task) == 24, "state_task");

#endif
