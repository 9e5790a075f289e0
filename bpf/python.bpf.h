/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the Python stack of a thread is looked at, whose it is, and how its memory is read. */
#ifndef BOTTRACE_PYTHON_BPF_H
#define BOTTRACE_PYTHON_BPF_H

#include "filter.bpf.h"
#include "policy.bpf.h"

#define PYTHON_TYPE	 8  /* PyObject.ob_type */
#define PYTHON_TYPE_NAME 24 /* PyTypeObject.tp_name */

extern const volatile bool walk_stacks; /* this kernel has taken the walk's program */
extern const volatile bool walk_in_session;
extern const volatile bool read_values; /* and there are rules by which values are read of its frames */

/* At an entry in a uprobe session: its return is of no interest. Elsewhere some kernels take a 1 for "no more probes here". */
#define PYTHON_DONE (walk_in_session ? 1 : 0)

/* The interpreter of a process, or NULL. */
static __always_inline struct state_python *python_find(const struct state_target *target, __u32 tgid)
{
	struct state_python *p = bpf_map_lookup_elem(&pythons, &tgid);

	return p && p->start_ns == target->start_ns && p->epoch == target->epoch ? p : NULL;
}

/* A child of fork has its parent's memory, and so its interpreter. It does not run yet. */
static __always_inline void python_inherit(__u32 parent, __u32 child, __u64 start_ns)
{
	struct state_python *from = bpf_map_lookup_elem(&pythons, &parent);

	if (!from)
		return;
	bpf_map_update_elem(&pythons, &child, from, BPF_ANY);
	struct state_python *p = bpf_map_lookup_elem(&pythons, &child);

	if (!p)
		return;
	p->start_ns = start_ns;
	p->epoch = 0;
	p->pauses = 0;
	p->pause_ns = 0;
	p->imports = 0;
	p->import_ns = 0;
}

/*
 * Whether a call that moved data may begin a request: a connection's first write, one that follows a read, and each write
 * of a pipe (which is never read by who writes), of HTTP/2 or a WebSocket, as the collector says or the connection's own
 * first bytes did (python_look). Before the connection counts the call. A function of its own: inlined, the verifier walks
 * its caller twice.
 */
static __noinline __attribute__((unused)) bool python_is_due(const struct state_target *target, __u32 tgid,
							     const struct state_conn *conn, __u32 dir,
							     bool pipe)
{
	__u32 zero = 0;

	if (!walk_stacks || dir != WIRE_WRITE ||
	    (!pipe &&
	     (conn->flags & (STATE_CONN_WROTE | STATE_CONN_WHOLE | STATE_CONN_GET)) == STATE_CONN_WROTE))
		return false;
	struct wire_shared *s = bpf_map_lookup_elem(&shared, &zero);

	return s && s->stacks && python_find(target, tgid);
}

/* ---- what is read of a process ---- */

/* 0 and false: the page is not there. */
static __always_inline bool python_word(__u64 address, __u64 *out)
{
	*out = 0;
	return bpf_probe_read_user(out, sizeof(*out), (void *)address) == 0;
}

/*
 * The bytes of the object that is looked at: room for a code object, which is the largest. Where the kernel lets a
 * program read its stack at offsets that it does not know (5.12) they lie there: the kernel's own check of where it
 * copies to is then half as long. Else in the thread's scratch.
 */
#define PYTHON_ROOM STATE_PYTHON_CODE

static __always_inline __u64 python_at(__u64 offset, __u64 size)
{
	offset &= 256 - size;
	compat_opaque(offset);
	return offset > PYTHON_ROOM - size ? 0 : offset;
}

/* What lies at an offset of them. */
static __always_inline __u64 python_field(const __u8 *bytes, __u32 offset)
{
	return *(const __u64 *)(bytes + python_at(offset, 8));
}

static __always_inline __u32 python_field_32(const __u8 *bytes, __u32 offset)
{
	return *(const __u32 *)(bytes + python_at(offset, 4));
}

static __always_inline __u8 python_field_8(const __u8 *bytes, __u32 offset)
{
	return bytes[python_at(offset, 1)];
}

static __always_inline void python_mark(struct state_walk *w, __u8 reason)
{
	if (!w->stack.reason)
		w->stack.reason = reason;
}

#define PYTHON_MIX 0x9e3779b97f4a7c15ull

/* Where in what the thread knows of code objects one is. */
static __always_inline __u64 python_known(__u64 code)
{
	return (code * PYTHON_MIX >> 32) & (STATE_WALK_KNOWN - 1);
}

/* ---- going there ---- */

static const struct state_walk python_none; /* zeros: too large for the stack */

/* The scratch of the current thread, made at its first walk; NULL when the map is full. */
static __always_inline struct state_walk *python_slot(struct state_target *target, __u64 pid_tgid)
{
	struct state_walk *w = bpf_map_lookup_elem(&walks, &pid_tgid);

	if (!w) {
		bpf_map_update_elem(&walks, &pid_tgid, &python_none, BPF_ANY);
		w = bpf_map_lookup_elem(&walks, &pid_tgid);
		if (!w)
			return NULL;
	}
	if (w->start_ns != target->start_ns || w->epoch != target->epoch) {
		w->make[2] = 0;
		w->thread = 0;
		w->type = 0;
	}
	w->start_ns = target->start_ns;
	w->epoch = target->epoch;
	return w;
}

/* The last act of a write's program: does not come back. */
static __always_inline void python_go(void *ctx)
{
	if (walk_stacks)
		bpf_tail_call(ctx, &walkers, STATE_WALKER_STACK);
}

/* That of a system call's program, which is of another type. */
static __always_inline void python_go_plain(void *ctx)
{
	if (walk_stacks)
		bpf_tail_call(ctx, &plain_walkers, STATE_WALKER_STACK);
}

#endif
