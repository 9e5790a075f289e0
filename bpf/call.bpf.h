/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls that a thread is in, told apart by stack pointer. Entries without returns exist (longjmp, a killed thread,
 * the depth limit of return probes), and one call may enter several functions that have probes.
 */
#ifndef BOTTRACE_CALL_BPF_H
#define BOTTRACE_CALL_BPF_H

#include "emit.bpf.h"

/* An inner function that gets its caller's arguments is this near on the stack. */
#define CALL_NEAR_BYTES 4096

static const struct state_calls call_none; /* zeros: too large for the stack */

static __always_inline bool call_is_data(__u32 fn)
{
	return fn <= WIRE_FN_SSL_WRITE_EX2;
}

/* enum wire_dir: 0, 1 read; 2, 3, 4 write. Arithmetic, for a branch would double what the verifier walks. */
static __always_inline __u32 call_dir(__u32 fn)
{
	return (fn + 2) >> 2 & 1;
}

/* Whoever these slots belonged to will not return to them. */
static __always_inline void call_abandon(struct state_calls *c, __u32 tgid)
{
	struct wire_counts *counts = emit_counts(tgid, c->start_ns);

#pragma unroll
	for (int i = 0; i < STATE_CALL_DEPTH; i++) {
		if (!c->sp[i])
			continue;
		c->sp[i] = 0;
		if (counts)
			emit_add(counts->abandoned, 1);
	}
}

/* The slots of the current thread, made at its first call; NULL when the map is full. */
static __always_inline struct state_calls *call_get(struct state_target *target, __u64 pid_tgid)
{
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);

	if (!c) {
		bpf_map_update_elem(&calls, &pid_tgid, &call_none, BPF_ANY);
		c = bpf_map_lookup_elem(&calls, &pid_tgid);
		if (!c)
			return NULL;
	} else if (c->start_ns == target->start_ns && c->epoch == target->epoch) {
		return c;
	} else {
		call_abandon(c, pid_tgid >> 32); /* an earlier process or image had this thread id */
	}
	c->start_ns = target->start_ns;
	c->epoch = target->epoch;
	return c;
}

/*
 * SSL_write_ex jumps or calls on to SSL_write_ex2 with its own arguments: that is one call, and the outer function's
 * return says what it did. So is a library that hands on to another one of the same functions. The same function of the
 * same library twice is not: the first one's return was missed.
 */
static __always_inline bool call_is_same(const struct state_call *outer, const struct state_call *inner)
{
	return (outer->fn != inner->fn || outer->lib != inner->lib) && outer->ssl == inner->ssl &&
	       outer->buffer == inner->buffer && outer->num == inner->num &&
	       call_dir(outer->fn) == call_dir(inner->fn);
}

/*
 * One entry seen twice: the file is probed under two names (two overlay mounts show one inode as two files). The first
 * one counts; of the returns the second one finds nothing. Only a call that never returned and its repetition from the
 * very same place look alike, and those have one library.
 */
static __always_inline bool call_is_twin(const struct state_call *first, const struct state_call *second)
{
	return first->fn == second->fn && first->ssl == second->ssl && first->lib != second->lib;
}

#define CALL_KNOWN (STATE_CALL_DEPTH + 1)

/* The slot for a call that begins at `sp`; STATE_CALL_DEPTH: none is free; CALL_KNOWN: it has one. Slots at or below its
 * stack pointer belong to frames that are gone. */
static __always_inline __u32 call_place(struct state_target *target, struct state_calls *c, __u64 sp,
					const struct state_call *call)
{
	__u32 at = STATE_CALL_DEPTH;

#pragma unroll
	for (int i = STATE_CALL_DEPTH - 1; i >= 0; i--) {
		__u64 outer = c->sp[i];

		if (outer && outer - sp < CALL_NEAR_BYTES &&
		    (call_is_same(&c->slot[i], call) || (outer == sp && call_is_twin(&c->slot[i], call))))
			return CALL_KNOWN;
		if (outer && outer <= sp) {
			c->sp[i] = 0;
			emit_add(target->counts.abandoned, 1);
			outer = 0;
		}
		if (!outer)
			at = i;
	}
	return at;
}

/* Remembers a call that begins; false: its return will find nothing. */
static __always_inline bool call_enter(struct state_target *target, __u64 pid_tgid, __u64 sp,
				       const struct state_call *call)
{
	struct state_calls *c = call_get(target, pid_tgid);

	if (!c) {
		emit_add(target->counts.entered, 1);
		emit_add(target->counts.abandoned, 1);
		return false;
	}
	__u64 at = 0;

	if (c->sp[0] | c->sp[1] | c->sp[2] | c->sp[3]) {
		c->at = call_place(target, c, sp, call);
		/* Read back: one path for the verifier in place of one for each slot. */
		at = *(volatile __u32 *)&c->at;
	}
	if (at == CALL_KNOWN)
		return false;
	emit_add(target->counts.entered, 1);
	compat_opaque(at);
	if (at >= STATE_CALL_DEPTH) {
		emit_add(target->counts.abandoned, 1);
		return false;
	}
	c->slot[at] = *call;
	c->sp[at] = sp;
	return true;
}

/* The call that returns to where `sp` was at entry. Its slot is free but intact until the thread's next call. NULL:
 * an inner function's return, or a call that began before we looked. */
static __always_inline struct state_call *call_return(struct state_target *target, struct state_calls *c,
						      __u64 sp)
{
	c->at = STATE_CALL_DEPTH;
#pragma unroll
	for (int i = 0; i < STATE_CALL_DEPTH; i++) {
		if (!c->sp[i] || c->sp[i] > sp)
			continue;
		if (c->sp[i] == sp)
			c->at = i;
		else
			emit_add(target->counts.abandoned, 1);
		c->sp[i] = 0;
	}
	__u32 at = c->at;

	if (at >= STATE_CALL_DEPTH)
		return NULL;
	emit_add(target->counts.returned, 1);
	return &c->slot[at];
}

#endif
