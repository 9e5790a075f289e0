/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What events of Python code have in common: whose they are, how many may be sent, how the walk is begun. */
#ifndef BOTTRACE_EVENT_BPF_H
#define BOTTRACE_EVENT_BPF_H

#include "filter.bpf.h"
#include "python.bpf.h"
#include "spend.bpf.h"

#define EVENT_TYPE_FLAGS 168	    /* PyTypeObject.tp_flags */
#define EVENT_PAUSE_NS	 1000000ull /* shorter pauses are only summed */
#define EVENT_SUM_NS	 100000000ull

/* Events with a stack that a process may send, of each enum state_hands: so many a second, and at once when it was
 * quiet. What is more is filtered: it is policy, not a loss that nobody chose. */
#define EVENT_RATE  500
#define EVENT_BURST 1000

/* At an entry in a uprobe session its return is of no interest, and at a USDT site there is none. */
#define EVENT_DONE (walk_in_session ? 1 : 0)

struct event {
	__u64 pid_tgid;
	struct state_target *target;
	struct state_python *p;
	/* from event_begin on: */
	struct state_walk *w;
	__u64 now;
};

/* False: not of a process whose Python is walked, or nobody wants events now. */
static __always_inline bool event_find(struct event *e)
{
	e->target = filter_thread(&e->pid_tgid);
	if (!e->target || !walk_stacks)
		return false;
	spend_hit(false, true);
	struct wire_shared *s = policy_shared();

	e->p = python_find(e->target, e->pid_tgid >> 32);
	return s && s->stacks && !s->sample_none && e->p;
}

/* An operand of a USDT site, by its half of the cookie. */
static __always_inline __u64 event_operand(struct pt_regs *ctx, __u32 operand)
{
	__u64 at = operand & STATE_OPERAND_OFFSET, value = 0;

	if (bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + at))
		return 0;
	if (operand & STATE_OPERAND_MEMORY) {
		value += (__s64)((__s32)operand >> STATE_OPERAND_SHIFT);
		python_word(value, &value);
	}
	return operand & STATE_OPERAND_INT ? (__u64)(__s64)(__s32)value : value;
}

/* Two threads that fill it at once may both add: it is a bound, no accounting. */
static __always_inline bool event_is_throttled(struct state_hand *hand, __u64 now)
{
	if (hand->events <= 0) {
		__u64 passed = now - hand->since_ns;
		__u64 more = passed >= 2000000000ull ? EVENT_BURST : passed * EVENT_RATE / 1000000000ull;

		if (more < EVENT_BURST / 100)
			return true;
		hand->since_ns = now;
		hand->events = more;
	}
	emit_add(hand->events, -1);
	return false;
}

/* An event is about to be sent, with a stack. False: it is not to be. */
static __always_inline bool event_begin(struct event *e, enum state_hands hand)
{
	e->now = bpf_ktime_get_ns();
	if (event_is_throttled(&e->p->hands[hand], e->now)) {
		emit_add(e->target->counts.events_lost[WIRE_CAUSE_FILTERED], 1);
		return false;
	}
	e->w = python_slot(e->target, e->pid_tgid);
	if (!e->w)
		emit_add(e->target->counts.events_lost[WIRE_CAUSE_MAP_FULL], 1);
	return e->w != NULL;
}

/* The event was sent: its stack. Does not come back. */
static __always_inline void event_go(struct pt_regs *ctx, struct event *e)
{
	e->w->make[0] = WIRE_PY_AT_EVENT | (__u32)e->pid_tgid;
	e->w->make[1] = e->now;
	e->w->make[2] = STATE_WALK_EVENT;
	python_go(ctx);
	e->w->make[2] = 0; /* there is no walk */
}

/* Tells the sums, now and then or at the end. */
static __always_inline void event_sum(struct event *e, bool end)
{
	struct state_python *p = e->p;
	__u64 now = bpf_ktime_get_ns();

	if (!end && now - p->told_ns < EVENT_SUM_NS)
		return;
	p->told_ns = now;
	struct wire_py_sums *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(e->target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	emit_head(&rec->head, sizeof(*rec), WIRE_PY_SUMS, now, e->pid_tgid, e->target->start_ns);
	rec->pauses = p->pauses;
	rec->pause_ns = p->pause_ns;
	rec->imports = p->imports;
	rec->import_ns = p->import_ns;
	emit_add(e->target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), e->target->flags);
}

#endif
