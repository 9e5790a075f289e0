// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Markers (tools/python/bottrace.py): a traced program calls inet_pton(family, text, …) of its libc with an address family that
 * is none. Everybody else's call is told apart by one register.
 */
#include "filter.bpf.h"

#include "emit.bpf.h"
#include "policy.bpf.h"

#define MARK_RECORD 0x4254 /* family >> 16; below it the text's length */
#define MARK_HELLO  0x4255 /* the module was loaded */

/* In a record of a constant size; what the ring keeps beyond head.size is nobody's. 0, or the cause of loss. */
static __always_inline __u32 mark_copy(struct state_target *target, __u64 pid_tgid, __u64 text, __u64 n,
				       const __u32 room)
{
	struct wire_mark *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + room, 0);

	if (!rec)
		return WIRE_CAUSE_RING_FULL;
	emit_head(&rec->head, emit_round(sizeof(*rec) + n), WIRE_MARK, bpf_ktime_get_ns(), pid_tgid,
		  target->start_ns);
	rec->len = n;
	rec->pad = 0;
	compat_opaque(n);
	if (n > room)
		n = room;
	__u64 pad = (n - 1) & ~7ull;

	compat_opaque(pad);
	if (pad > room - 8)
		pad = room - 8;
	*(__u64 *)(rec->payload + pad) = 0;
	if (bpf_probe_read_user(rec->payload, n, (void *)text)) {
		emit_discard(rec, sizeof(*rec) + room);
		return WIRE_CAUSE_FAULT;
	}
	emit_submit(rec, sizeof(*rec) + room, target->flags);
	return WIRE_CAUSE_NONE;
}

static __always_inline __u32 mark_send(struct state_target *target, __u64 pid_tgid, __u64 text, __u64 n)
{
	if (n <= 256)
		return mark_copy(target, pid_tgid, text, n, 256);
	if (n <= 1024)
		return mark_copy(target, pid_tgid, text, n, 1024);
	if (n <= 4096)
		return mark_copy(target, pid_tgid, text, n, 4096);
	return mark_copy(target, pid_tgid, text, n, WIRE_MARK_MAX);
}

SEC("uprobe")
int mark_call(struct pt_regs *ctx)
{
	__u32 family = PT_REGS_PARM1(ctx), tag = family >> 16;
	__u64 pid_tgid, n = family & 0xffff;

	if (tag != MARK_RECORD && tag != MARK_HELLO)
		return 0;
	struct state_target *target = filter_thread(&pid_tgid);

	if (!target || target->flags & STATE_CALIBRATE)
		return 0;
	if (tag == MARK_HELLO) {
		struct state_notice notice = {
			.what = STATE_NOTICE_MARK, .pid = pid_tgid >> 32, .start_ns = target->start_ns};

		bpf_ringbuf_output(&notify, &notice, sizeof(notice), 0);
		return 0;
	}
	struct wire_shared *s = policy_shared();

	if (n == 0 || n > WIRE_MARK_MAX || (s && s->sample_none))
		return 0;
	__u64 cause = policy_is_throttled(target, bpf_ktime_get_ns(), n)
			      ? WIRE_CAUSE_THROTTLED
			      : mark_send(target, pid_tgid, PT_REGS_PARM2(ctx), n);

	compat_opaque(cause);
	if (cause == WIRE_CAUSE_NONE)
		emit_add(target->counts.events_sent, 1);
	else if (cause < WIRE_CAUSES)
		emit_add(target->counts.events_lost[cause], 1);
	return 0;
}

/* At the flag byte of the module's file: nobody executes it, everybody who maps the file sees the breakpoint there. */
SEC("uprobe")
int mark_flag(struct pt_regs *ctx)
{
	return 0;
}
