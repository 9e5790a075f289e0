/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel side and the user side, and the content of a tape.
 *
 * Compiled by both compilers. Fixed-width integers only, pads are explicit, every struct's size is asserted.
 * Kinds are numbered by hand and append-only: a retired number stays here as a comment. A record is a
 * struct wire_head, the kind's own fields, and for some kinds a payload of `size - sizeof(struct)` bytes
 * at most; `size` counts the head and is a multiple of 8. All numbers are in host byte order.
 *
 * The next editor must also: raise WIRE_VERSION when a struct changes its meaning, extend the table in
 * user/drain/validate.c (minimum size and payload rule of each kind), and write the new kind into docs/tape.md.
 */
#ifndef BOTTRACE_WIRE_H
#define BOTTRACE_WIRE_H

#ifdef __bpf__
#include "vmlinux.h"
#define WIRE_U8	 __u8
#define WIRE_U16 __u16
#define WIRE_U32 __u32
#define WIRE_U64 __u64
#define WIRE_S32 __s32
#define WIRE_S64 __s64
#else
#include <stdint.h>
#define WIRE_U8	 uint8_t
#define WIRE_U16 uint16_t
#define WIRE_U32 uint32_t
#define WIRE_U64 uint64_t
#define WIRE_S32 int32_t
#define WIRE_S64 int64_t
#endif

#define WIRE_VERSION 2

/* Block 0x01: TLS. 0x02: processes. 0x03: sockets and pipes without TLS. 0x04: CPython. 0x05: markers. 0x40: the drain. 0x80: the attacher and
 * the loop. */
#define WIRE_TLS_DATA	0x0101 /* bytes that SSL_read* (or a system call) returned or SSL_write* accepted */
#define WIRE_TLS_CONN	0x0102 /* a connection's first sight, and again when more of it is known */
#define WIRE_TLS_SNI	0x0103 /* server name of a connection */
#define WIRE_TLS_CLOSE	0x0104 /* SSL_free, close(): a connection's final counts */
#define WIRE_PROC_FORK	0x0201 /* a new process (not a thread) of a traced one */
#define WIRE_PROC_EXEC	0x0202
#define WIRE_PROC_EXIT	0x0203
#define WIRE_PROC_STDIO 0x0204 /* which pipes or sockets are a process's standard input and output */
#define WIRE_PLAIN_CONN 0x0301 /* first sight of a socket or pipe whose bytes are read as they are */
#define WIRE_PY_STACK	0x0401 /* the Python stack of a thread when it wrote on a connection */
#define WIRE_PY_CODE	0x0402 /* what a code object is, before the first stack that names it */
#define WIRE_PY_VALUE	0x0403 /* a value that a rule reads of one of that stack's frames */
#define WIRE_PY_MAKE \
	0x0404 /* the Python stack of a thread when it made a task, submitted work, started a thread */
#define WIRE_PY_WORK	  0x0405 /* what a thread runs whose stack comes next: submitted work, or a thread's own */
#define WIRE_PY_AUDIT	  0x0410 /* Python code did something to the world: an audit event, and its arguments */
#define WIRE_PY_EXCEPTION 0x0411 /* an exception was raised, or goes through a frame */
#define WIRE_PY_PAUSE	  0x0412 /* the garbage collector stopped a thread */
#define WIRE_PY_SUMS	  0x0413 /* all pauses and imports of a process so far */
#define WIRE_MARK	  0x0501 /* what the marker module says */
#define WIRE_DRAIN_LOSS	  0x4001 /* the drain's queue was full: this piece of TLS data was dropped */
#define WIRE_SESSION	  0x8001 /* first record of a session: clocks, host, options */
#define WIRE_LIB	  0x8002 /* a library with probes: its sites */
#define WIRE_PROC_FACT	  0x8003 /* a process that lived before we looked, read from /proc */
#define WIRE_BLIND	  0x8004 /* traffic of a process that no probe reaches */
#define WIRE_PROC_FINAL	  0x8005 /* a process's counters, final */
#define WIRE_CONN_FINAL	  0x8006 /* a connection's counters, final: it was never freed */
#define WIRE_TICK	  0x8007 /* the time; nothing else happened */
#define WIRE_END	  0x8008 /* last record of a session */
#define WIRE_TARGET	  0x8009 /* a process that the user named; every probe is live for it */
#define WIRE_SHED	  0x800a /* the overhead governor took a step */
#define WIRE_KEEP	  0x800b /* which traces the document is to keep */
#define WIRE_PRICES	  0x800c /* a piece of the price file that the user gave */
#define WIRE_PY_RUNTIME	  0x8010 /* a process that runs CPython */
#define WIRE_RULES	  0x8011 /* a piece of the rules that frames are read by */

/* Why bytes or calls are missing: the words of the ledger (docs/trace.md). */
enum wire_cause {
	WIRE_CAUSE_NONE = 0,
	WIRE_CAUSE_FAULT = 1,
	WIRE_CAUSE_RING_FULL = 2,
	WIRE_CAUSE_QUEUE_FULL = 3,
	WIRE_CAUSE_MAP_FULL = 4,
	WIRE_CAUSE_THROTTLED = 5,
	WIRE_CAUSE_FILTERED = 6,
	WIRE_CAUSE_SAMPLED_OUT = 7,
	WIRE_CAUSE_TRACER_DOWN = 8, /* user side only */
	WIRE_CAUSE_UNPROBED = 9,    /* user side only */
	WIRE_CAUSES = 10,
};

enum wire_dir { WIRE_READ = 0, WIRE_WRITE = 1, WIRE_DIRS = 2 };

/* Functions with probes, by number; also the index of a site in WIRE_LIB. */
enum wire_fn {
	WIRE_FN_SSL_READ = 0,
	WIRE_FN_SSL_READ_EX = 1,
	WIRE_FN_SSL_WRITE = 2,
	WIRE_FN_SSL_WRITE_EX = 3,
	WIRE_FN_SSL_WRITE_EX2 = 4,
	WIRE_FN_SSL_FREE = 5,
	WIRE_FN_SSL_CTRL = 6,
	WIRE_FN_SSL_SET_FD = 7,
	WIRE_FNS = 8, /* that have sites */
	/* system calls; 9 is free: the numbers tell the direction (call.bpf.h) */
	WIRE_FN_PLAIN_READ = 8,
	WIRE_FN_PLAIN_WRITE = 10,
	WIRE_FN_LAST = WIRE_FN_PLAIN_WRITE,
};

/* What carries a connection's bytes. */
enum wire_transport {
	WIRE_TLS = 0,
	WIRE_TCP = 1,
	WIRE_UNIX = 2, /* a stream socket; unnamed ones too (socketpair) */
	WIRE_PIPE = 3, /* one direction of one process; named ones too */
	WIRE_TRANSPORTS = 4,
};

#define WIRE_PIECE_MAX	16384	    /* payload bytes of one WIRE_TLS_DATA */
#define WIRE_CALL_MAX	(16u << 20) /* bytes of one call that are copied out; the rest is `skipped` */
#define WIRE_VERDICTS	16384	    /* slots of the verdict map */
#define WIRE_ARGV_MAX	8192	    /* bytes of argv kept of one exec */
#define WIRE_PATH_MAX	512	    /* bytes of an executable's path */
#define WIRE_SNI_MAX	256
#define WIRE_MARK_MAX	16384	    /* bytes of one WIRE_MARK */
#define WIRE_RECORD_MAX (64u << 10) /* no record is larger */

struct wire_head {
	WIRE_U32 size;	   /* bytes of the whole record, this head included, a multiple of 8 */
	WIRE_U16 kind;	   /* WIRE_* */
	WIRE_U16 flags;	   /* of the kind; 0 where the kind names none */
	WIRE_U64 ts_ns;	   /* CLOCK_MONOTONIC */
	WIRE_U32 pid;	   /* thread group id in the initial PID namespace; 0: no process */
	WIRE_U32 tid;	   /* thread; 0: none */
	WIRE_U64 start_ns; /* start of the process, boot-time ns (task->group_leader->start_boottime) */
};
_Static_assert(sizeof(struct wire_head) == 32, "wire_head");

/* A connection: (process of the head, SSL pointer, generation). The generation is the time of first sight. Where no SSL
 * object is, the kernel's address of the open file stands for it: above 2^63, where no program's pointers are. */
struct wire_conn_key {
	WIRE_U64 ssl;
	WIRE_U64 generation;
};
_Static_assert(sizeof(struct wire_conn_key) == 16, "wire_conn_key");

/*
 * One piece of what one call moved. `offset` counts from the connection's first sight in this direction and
 * goes on over pieces that could not be sent, so a hole has a place and a size. A hole of h bytes before a piece
 * whose `skipped` has grown by s since the piece before holds s bytes that policy left out (no loss) and h - s that
 * are missing under hole_cause; where it holds both, the missing ones count as the first. The head's ts_ns is the
 * return of the call; the call began call_ns earlier (0: only its return was seen). Of a system call that takes many
 * buffers each is a call here. A piece with len 0 and call_len > 0 does not exist.
 */
struct wire_tls_data {
	struct wire_head head;
	struct wire_conn_key conn;
	WIRE_U64 offset;   /* of this piece in its direction */
	WIRE_U64 call_len; /* bytes that the call moved */
	WIRE_U64 call_off; /* of this piece in its call */
	WIRE_U64 call_ns;  /* duration of the call */
	WIRE_U64
	skipped;      /* bytes of this direction before this piece that policy left out, since first sight */
	WIRE_U32 len; /* payload bytes here, <= WIRE_PIECE_MAX */
	WIRE_U8 dir;  /* enum wire_dir */
	WIRE_U8 fn;   /* enum wire_fn */
	WIRE_U8 hole_cause; /* enum wire_cause of the first piece missing since the last one sent; 0: none */
	WIRE_U8 pad;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_tls_data) == 96, "wire_tls_data");

/* Facts of a connection. Sent before its first data, and once more when the address became known. */
struct wire_tls_conn {
	struct wire_head head;
	struct wire_conn_key conn;
	WIRE_U32 lib;	 /* WIRE_LIB's id; 0: unknown */
	WIRE_S32 fd;	 /* -1: the library has no socket (MemoryBIO), or it was set before we looked */
	WIRE_U16 family; /* 0: addresses unknown; 2 IPv4, 10 IPv6 */
	WIRE_U16 lport;	 /* host order */
	WIRE_U16 pport;
	WIRE_U16 pad;
	WIRE_U8 local[16]; /* network order; IPv4 in the first 4 */
	WIRE_U8 peer[16];
};
_Static_assert(sizeof(struct wire_tls_conn) == 96, "wire_tls_conn");

struct wire_tls_sni {
	struct wire_head head;
	struct wire_conn_key conn;
	WIRE_U32 len; /* payload bytes, no NUL */
	WIRE_U32 pad;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_tls_sni) == 56, "wire_tls_sni");

#define WIRE_UNIX_PATH_MAX 108 /* sun_path */

/* Facts of a connection that is a socket or a pipe. Sent before its first data. head.flags: that one's enum wire_dir. */
struct wire_plain_conn {
	struct wire_head head;
	struct wire_conn_key conn;
	WIRE_U16 transport; /* enum wire_transport */
	WIRE_U16 family;    /* TCP: 2 IPv4, 10 IPv6; else 0 */
	WIRE_U16 lport;	    /* host order */
	WIRE_U16 pport;
	WIRE_S32 fd; /* that it was first used by */
	WIRE_U32 path_len;
	WIRE_U8 local[16]; /* network order; IPv4 in the first 4 */
	WIRE_U8 peer[16];
	WIRE_U64 ino;	   /* of the socket or pipe: one number for all who hold it */
	WIRE_U64 peer_ino; /* of the socket at a Unix socket's other end; 0: unknown */
	/* of the Unix socket's server, path_len bytes: a file's up to the first NUL; no file's begins with one */
	WIRE_U8 path[112];
};
_Static_assert(sizeof(struct wire_plain_conn) == 224, "wire_plain_conn");

/* Sent when a process executes a program, and for one that is attached to. */
struct wire_proc_stdio {
	struct wire_head head;
	WIRE_U64 ino[2];      /* of descriptors 0 and 1; 0: neither pipe nor Unix socket */
	WIRE_U64 peer_ino[2]; /* of the sockets at their other ends */
};
_Static_assert(sizeof(struct wire_proc_stdio) == 64, "wire_proc_stdio");

/* What the kernel counted of one direction of a connection. bytes = sent + missing + skipped. */
struct wire_side {
	WIRE_U64 calls;	     /* calls that moved data */
	WIRE_U64 bytes;	     /* bytes that they moved */
	WIRE_U64 skipped;    /* of these, left out by policy */
	WIRE_U32 hole_cause; /* first cause missing since the last piece sent */
	WIRE_U32 pad;
};
_Static_assert(sizeof(struct wire_side) == 32, "wire_side");

/* WIRE_TLS_CLOSE (from SSL_free) and WIRE_CONN_FINAL (from the attacher's sweep) */
struct wire_tls_close {
	struct wire_head head;
	struct wire_conn_key conn;
	struct wire_side side[WIRE_DIRS];
};
_Static_assert(sizeof(struct wire_tls_close) == 112, "wire_tls_close");

/* The head is the child. */
struct wire_proc_fork {
	struct wire_head head;
	WIRE_U32 parent_pid;
	WIRE_U32 parent_tid; /* the thread that forked */
	WIRE_U64 parent_start_ns;
	WIRE_U8 comm[16];
};
_Static_assert(sizeof(struct wire_proc_fork) == 64, "wire_proc_fork");

#define WIRE_EXEC_ARGV_CUT 1u /* head.flags: argv was longer than WIRE_ARGV_MAX */
#define WIRE_EXEC_FAULT	   2u /* argv could not be read */

/* Payload: path_len bytes of path (no NUL), then argv_len bytes of argv, each argument NUL-terminated. */
struct wire_proc_exec {
	struct wire_head head;
	WIRE_U32 path_len;
	WIRE_U32 argv_len;
	WIRE_U8 comm[16];
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_proc_exec) == 56, "wire_proc_exec");

struct wire_proc_exit {
	struct wire_head head;
	WIRE_S32 code;	 /* exit status, 0 when killed */
	WIRE_S32 signal; /* that killed it, 0: none */
};
_Static_assert(sizeof(struct wire_proc_exit) == 40, "wire_proc_exit");

/* One piece of a message of the marker module (docs/markers.md), ASCII, sent by the thread that it speaks of. Payload: len bytes. */
struct wire_mark {
	struct wire_head head;
	WIRE_U32 len;
	WIRE_U32 pad;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_mark) == 40, "wire_mark");

/* The drain dropped this piece of WIRE_TLS_DATA; fields as there. */
struct wire_drain_loss {
	struct wire_head head;
	struct wire_conn_key conn;
	WIRE_U64 offset;
	WIRE_U64 call_len;
	WIRE_U64 call_off;
	WIRE_U64 skipped;
	WIRE_U32 len;
	WIRE_U8 dir;
	WIRE_U8 cause;	    /* WIRE_CAUSE_QUEUE_FULL */
	WIRE_U8 hole_cause; /* as in the dropped record: what was missing before it */
	WIRE_U8 pad;
};
_Static_assert(sizeof(struct wire_drain_loss) == 88, "wire_drain_loss");

enum wire_mode { WIRE_MODE_RUN = 1, WIRE_MODE_ATTACH = 2, WIRE_MODE_DECODE = 3 };

#define WIRE_OPT_DIGEST	     1u	 /* options: --digest */
#define WIRE_OPT_SYMBOLS     2u	 /* --symbol-sites */
#define WIRE_OPT_LIGHT	     4u	 /* --light */
#define WIRE_OPT_SAMPLED_OUT 8u	 /* --sample: this run is not one of those that are kept */
#define WIRE_OPT_KEEP	     16u /* --keep: WIRE_KEEP follows */
#define WIRE_OPT_NARROW	     32u /* --no-children */
#define WIRE_OPT_PLAIN	     64u /* --plain: sockets and pipes without TLS, those that begin like HTTP or JSON */
#define WIRE_OPT_PLAIN_ALL   128u /* however they begin */
#define WIRE_OPT_STACKS	     256u /* --stacks on */
#define WIRE_OPT_EVENTS	     512u /* --events on; only with stacks */

struct wire_session {
	struct wire_head head;
	WIRE_U32 version;	 /* WIRE_VERSION */
	WIRE_U32 mode;		 /* enum wire_mode */
	WIRE_U64 options;	 /* WIRE_OPT_* */
	WIRE_S64 utc_offset_ns;	 /* CLOCK_REALTIME - CLOCK_MONOTONIC at start */
	WIRE_U64 boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC at start */
	WIRE_U64 ring_bytes;
	WIRE_U8 boot_id[16];
	/* One call through a data site (entry and return, 200 bytes copied), calibrated at attach; less the same call untraced. */
	WIRE_U32 site_ns;
	WIRE_U32 base_ns;    /* that call untraced */
	WIRE_U32 sample_n;   /* one of so many; 0, 1: everything */
	WIRE_U32 budget_ppm; /* of the overhead governor, in millionths of one core; 0: none */
};
_Static_assert(sizeof(struct wire_session) == 104, "wire_session");

struct wire_site {
	WIRE_U32 fn;	     /* enum wire_fn */
	WIRE_U32 ns_per_hit; /* expected cost of one call, entry and return */
	WIRE_U64 offset;     /* in the file */
	WIRE_U8 bytes[16];   /* the instruction there, as many bytes as were read */
};
_Static_assert(sizeof(struct wire_site) == 32, "wire_site");

/* Payload: path_len bytes of the library's path. */
struct wire_lib {
	struct wire_head head;
	WIRE_U32 id;
	WIRE_U32 path_len;
	WIRE_U64 dev;
	WIRE_U64 ino;
	WIRE_U8 build_id[20]; /* zeros: none */
	WIRE_U32 sites;	      /* of site[], the used ones */
	struct wire_site site[WIRE_FNS];
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_lib) == 336, "wire_lib");

#define WIRE_FACT_TLS	  1u /* head.flags: a library with our probes is mapped */
#define WIRE_FACT_PYTHON  2u /* it runs CPython */
#define WIRE_FACT_LISTENS 4u /* it holds a listening socket */

/* Payload as WIRE_PROC_EXEC's. Sent for processes that lived before us, and again when `flags` changed. */
struct wire_proc_fact {
	struct wire_head head;
	WIRE_U32 parent_pid; /* 0: not traced */
	WIRE_U32 pad;
	WIRE_U64 parent_start_ns;
	WIRE_U32 path_len;
	WIRE_U32 argv_len;
	WIRE_U8 comm[16];
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_proc_fact) == 72, "wire_proc_fact");

/* Payload: what_len bytes ("grpc"), then why_len bytes ("static BoringSSL without symbols"). */
struct wire_blind {
	struct wire_head head;
	WIRE_U32 what_len;
	WIRE_U32 why_len;
	WIRE_U64 bytes; /* that its sockets moved unseen; 0: unknown */
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_blind) == 48, "wire_blind");

/*
 * What the kernel counted for one process (reliability: K1, K2). Calls that moved data are counted once: under
 * `sent` when every piece that policy wants was submitted, else under the cause of the first missing piece.
 */
struct wire_counts {
	WIRE_U64 entered;	    /* entries of SSL_read*, SSL_write*; system calls that moved plain data */
	WIRE_U64 returned;	    /* returns that were paired with their entry */
	WIRE_U64 abandoned;	    /* entries known to have no return: overwritten, unwound */
	WIRE_U64 empty;		    /* returns that moved nothing (WANT_READ, EOF, errors) */
	WIRE_U64 sent;		    /* calls, whole */
	WIRE_U64 lost[WIRE_CAUSES]; /* calls by cause */
	WIRE_U64 bytes_seen;
	WIRE_U64 bytes_sent;
	WIRE_U64 bytes_skipped;
	WIRE_U64 bytes_lost[WIRE_CAUSES];
	WIRE_U64 events_sent; /* all other records */
	WIRE_U64 events_lost[WIRE_CAUSES];
};
_Static_assert(sizeof(struct wire_counts) == 312, "wire_counts");

/* The head names the process; pid 0: what could be counted for no process. */
struct wire_proc_final {
	struct wire_head head;
	struct wire_counts counts;
};
_Static_assert(sizeof(struct wire_proc_final) == 344, "wire_proc_final");

/* The head is the process; parent fields as in WIRE_PROC_FACT, which was sent before. */
struct wire_target {
	struct wire_head head;
};
_Static_assert(sizeof(struct wire_target) == 32, "wire_target");

/* The pieces come right behind WIRE_SESSION, in order. Payload: len bytes. */
struct wire_prices {
	struct wire_head head;
	WIRE_U32 total;	 /* bytes of the whole file */
	WIRE_U32 offset; /* of this piece */
	WIRE_U32 len;
	WIRE_U32 pad;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_prices) == 48, "wire_prices");

/* As wire_prices, behind them: the rules in force, as text (the user's, then the built-in ones). */
struct wire_rules {
	struct wire_head head;
	WIRE_U32 total;	 /* bytes of the whole text */
	WIRE_U32 offset; /* of this piece */
	WIRE_U32 len;
	WIRE_U32 pad;
	WIRE_U8 payload[];
};
_Static_assert(sizeof(struct wire_rules) == 48, "wire_rules");

struct wire_tick {
	struct wire_head head;
};
_Static_assert(sizeof(struct wire_tick) == 32, "wire_tick");

enum wire_end_why {
	WIRE_END_DONE = 0,     /* the command or the last target ended */
	WIRE_END_SIGNAL = 1,   /* the user said stop */
	WIRE_END_DURATION = 2, /* --duration */
	WIRE_END_ATTACHER = 3, /* the attacher died: no final counters */
	WIRE_END_FRONT = 4,    /* the front died */
};

struct wire_end {
	struct wire_head head;
	WIRE_U32 why;	    /* enum wire_end_why */
	WIRE_U32 has_final; /* 1: every process's and connection's final counters came before */
};
_Static_assert(sizeof(struct wire_end) == 40, "wire_end");

/* What the overhead governor gives up, in this order; from WIRE_SHED_SAMPLING on, of new connections only one of
 * 2^(level - WIRE_SHED_SAMPLING + 1) is traced. */
enum wire_shed {
	WIRE_SHED_NONE = 0,
	WIRE_SHED_STACKS = 1,
	WIRE_SHED_BODIES = 2, /* as --light */
	WIRE_SHED_READS = 3,  /* of muted kinds */
	WIRE_SHED_SAMPLING = 4,
	WIRE_SHED_LAST = 13, /* one of 1024 */
};

#ifndef __bpf__
/* A level for people: what is given up at it, on top of all before. */
static inline const char *wire_shed_word(WIRE_U32 level)
{
	static const char *const words[] = {
		"nothing",	  "stacks",	    "bodies",	      "muted reads",	 "sampling 1/2",
		"sampling 1/4",	  "sampling 1/8",   "sampling 1/16",  "sampling 1/32",	 "sampling 1/64",
		"sampling 1/128", "sampling 1/256", "sampling 1/512", "sampling 1/1024",
	};

	return level <= WIRE_SHED_LAST ? words[level] : "?";
}
#endif

/* A step from `before` to `level`: cost_ns was spent in the last window_ns, where budget_ns were allowed. */
struct wire_shed_step {
	struct wire_head head;
	WIRE_U32 level; /* enum wire_shed and beyond */
	WIRE_U32 before;
	WIRE_U64 cost_ns;
	WIRE_U64 budget_ns;
	WIRE_U64 window_ns;
};
_Static_assert(sizeof(struct wire_shed_step) == 64, "wire_shed_step");

/* --keep: a trace that fulfils none of the rules is left out of the document. 0: this rule was not given. */
struct wire_keep {
	struct wire_head head;
	WIRE_U32 errors;
	WIRE_U32 pad;
	WIRE_U64 slow_ns;
	WIRE_U64 cost_pico; /* picodollars */
};
_Static_assert(sizeof(struct wire_keep) == 56, "wire_keep");

/*
 * Shared by attacher, collector and kernel through one mmap-able array map of one element: the collector never calls
 * bpf(). Writers: the collector (sleeping), the kernel (sleeping, lost_*, atomically), the attacher (the rest).
 */
struct wire_shared {
	WIRE_U32 sleeping; /* the drain sleeps: wake it with the next record; the waker clears it */
	WIRE_U32 light;	   /* 1: payload is cut to what the decoders need (piece.bpf.h) */
	/* over all processes, for live displays; the ledger's truth is WIRE_PROC_FINAL */
	WIRE_U64 lost_calls;
	WIRE_U64 lost_bytes;
	WIRE_U32 sample_n;    /* 0, 1: everything; N: one of N new connections, by hash */
	WIRE_U32 sample_none; /* 1: this whole run is not sampled: every connection is out */
	WIRE_U64 sample_seed;
	/* What one process may send a second, and has in hand when it was quiet for as long; 0: no bound. */
	WIRE_U64 rate_bytes;
	WIRE_U64 rate_calls;
	WIRE_U32
	blunt; /* 1: reads of muted connections are counted as they begin, and not followed to their end */
	WIRE_U32 stacks; /* 1: Python stacks are sent */
};
_Static_assert(sizeof(struct wire_shared) == 64, "wire_shared");

#define WIRE_MUTE_BOTH 1u /* both directions, for good */
#define WIRE_MUTE_READS \
	2u /* reads below skip_until, but only while no more than `written` bytes were written */

#define WIRE_VERDICT_WHOLE 1u /* HTTP/2, WebSocket: light mode is to cut nothing, for good */

/*
 * What of a connection need not be copied out: the collector's word to the kernel, through an mmap-able array map of
 * WIRE_VERDICTS slots. Bytes of a direction below skip_until are not wanted (with WIRE_MUTE_READS, of reads: only as long
 * as the condition there holds). A slot counts for the connection whose
 * ssl and generation stand in it; a collision unmutes the earlier one, and costs nothing but copies. The collector
 * writes generation last (and 0 first when the slot changes hands).
 */
struct wire_verdict {
	WIRE_U64 generation;
	WIRE_U64 ssl;
	WIRE_U64 skip_until[WIRE_DIRS];
	WIRE_U64 written; /* with WIRE_MUTE_READS: what of the connection's writes the collector had seen */
	WIRE_U32 mute;	  /* WIRE_MUTE_*; 0: none */
	WIRE_U32 flags;	  /* WIRE_VERDICT_* */
};
_Static_assert(sizeof(struct wire_verdict) == 48, "wire_verdict");

static inline __attribute__((always_inline)) WIRE_U32 wire_verdict_slot(WIRE_U64 ssl, WIRE_U64 generation)
{
	WIRE_U64 h = (ssl ^ generation) * 0x9e3779b97f4a7c15ull;

	return (WIRE_U32)(h >> 40) & (WIRE_VERDICTS - 1);
}

#include "frames.h"

#include "event.h"

#endif
