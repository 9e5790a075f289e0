/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reserve, fill the head, submit; count a loss by its cause. Nothing here sleeps, and no reservation is held over
 * anything that could: one stuck reservation blocks every record behind it.
 */
#ifndef BOTTRACE_EMIT_BPF_H
#define BOTTRACE_EMIT_BPF_H

#include "maps.bpf.h"

#ifndef NULL
#define NULL ((void *)0)
#endif

extern const volatile bool force_classes; /* records in size classes even where exact sizes are to be had */

/* The compiler must not see what is added: of 0 it makes an atomic OR, which kernels before 5.12 do not have. */
#define emit_add(counter, n)                              \
	do {                                              \
		__u64 added_ = (n);                       \
		compat_opaque(added_);                    \
		__sync_fetch_and_add(&(counter), added_); \
	} while (0)

static __always_inline __u32 emit_round(__u32 size)
{
	return (size + 7) & ~7u;
}

/*
 * Wake-ups cost more than the probe, and a timer alone loses records; so the drain is woken for the first record after
 * it said that it sleeps, and each time that the ring's filling passes another eighth of its size. To be called
 * between reserve and submit, after the atomic counting: the reservation has moved the producer's position before
 * `sleeping` is read, so a drain that says it sleeps and then looks at the positions once more misses nothing.
 */
static __always_inline __u64 emit_flags(__u32 size)
{
	__u32 zero = 0;
	struct wire_shared *s = bpf_map_lookup_elem(&shared, &zero);

	if (s && *(volatile __u32 *)&s->sleeping) {
		*(volatile __u32 *)&s->sleeping = 0;
		return BPF_RB_FORCE_WAKEUP;
	}
	__u64 eighth = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) >> 3;
	__u64 used = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	__u64 place = used & (eighth - 1); /* the size is a power of two */

	return used >= eighth && place < size + 8 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* The end of every record that was reserved plainly. A calibrating process's goes nowhere. */
static __always_inline void emit_submit(void *rec, __u32 size, __u32 target_flags)
{
	__u64 flags = emit_flags(size);

	if (target_flags & STATE_CALIBRATE)
		bpf_ringbuf_discard(rec, flags);
	else
		bpf_ringbuf_submit(rec, flags);
}

/* Takes no room from others for long: a discarded record fills the ring until the drain passes it, so it wakes too. */
static __always_inline void emit_discard(void *rec, __u32 size)
{
	bpf_ringbuf_discard(rec, emit_flags(size));
}

static __always_inline void emit_head(struct wire_head *head, __u32 size, __u16 kind, __u64 ts_ns,
				      __u64 pid_tgid, __u64 start_ns)
{
	head->size = size;
	head->kind = kind;
	head->flags = 0;
	head->ts_ns = ts_ns;
	head->pid = pid_tgid >> 32;
	head->tid = (__u32)pid_tgid;
	head->start_ns = start_ns;
}

/* A call that moved data is missing, wholly or in part. */
static __always_inline void emit_lost_call(struct state_target *target, __u64 cause)
{
	__u32 zero = 0;
	struct wire_shared *s = bpf_map_lookup_elem(&shared, &zero);

	compat_opaque(cause);
	if (cause >= WIRE_CAUSES)
		return;
	emit_add(target->counts.lost[cause], 1);
	if (s && !(target->flags & STATE_CALIBRATE))
		emit_add(s->lost_calls, 1);
}

/* A call that moved data was left out by policy: no loss. */
static __always_inline void emit_left_call(struct state_target *target, __u64 cause)
{
	compat_opaque(cause);
	if (cause < WIRE_CAUSES)
		emit_add(target->counts.lost[cause], 1);
}

static __always_inline void emit_lost_bytes(struct state_target *target, __u64 cause, __u64 bytes)
{
	__u32 zero = 0;
	struct wire_shared *s = bpf_map_lookup_elem(&shared, &zero);

	compat_opaque(cause);
	if (cause >= WIRE_CAUSES)
		return;
	emit_add(target->counts.bytes_lost[cause], bytes);
	if (s && !(target->flags & STATE_CALIBRATE))
		emit_add(s->lost_bytes, bytes);
}

static __always_inline struct wire_counts *emit_orphans(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&orphans, &zero);
}

/* Where events of a process that may be gone are counted. Never NULL but for the verifier. */
static __always_inline struct wire_counts *emit_counts(__u32 pid, __u64 start_ns)
{
	struct state_process key = {.start_ns = start_ns, .pid = pid};
	struct state_target *target = bpf_map_lookup_elem(&targets, &pid);

	if (target && target->start_ns == start_ns)
		return &target->counts;
	struct wire_counts *counts = bpf_map_lookup_elem(&departed, &key);

	return counts ?: emit_orphans();
}

#endif
