/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: who a traced process forks is traced before it runs; what it executes; how it ends. */
#include "call.bpf.h"
#include "filter.bpf.h"
#include "python.bpf.h"

#define PROC_SIGNAL_GROUP_EXIT 4 /* SIGNAL_GROUP_EXIT, linux/sched/signal.h */

static const struct state_target proc_none; /* zeros: too large for the stack */

static __always_inline void proc_notice(__u32 what, __u32 pid, __u64 start_ns)
{
	struct state_notice notice = {.what = what, .pid = pid, .start_ns = start_ns};

	bpf_ringbuf_output(&notify, &notice, sizeof(notice), 0);
}

/* Adds up counters field by field; both are nothing but __u64. */
static __always_inline void proc_add(struct wire_counts *to, const struct wire_counts *from)
{
	if (!to)
		return;
#pragma unroll
	for (int i = 0; i < (int)(sizeof(*to) / sizeof(__u64)); i++)
		emit_add(((__u64 *)to)[i], ((const __u64 *)from)[i]);
}

/* ---- fork ---- */

/* The thread group id belonged to a process whose end we did not see: keep what was counted of it. */
static __always_inline void proc_replace(__u32 tgid)
{
	struct state_target *old = bpf_map_lookup_elem(&targets, &tgid);

	if (!old)
		return;
	struct state_process key = {.start_ns = old->start_ns, .pid = tgid};

	if (bpf_map_update_elem(&departed, &key, &old->counts, BPF_ANY))
		proc_add(emit_orphans(), &old->counts);
}

static __always_inline void proc_tell_fork(struct state_target *target, struct state_target *parent,
					   struct task_struct *child, __u32 child_tgid)
{
	struct wire_proc_fork *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	emit_head(&rec->head, sizeof(*rec), WIRE_PROC_FORK, bpf_ktime_get_ns(),
		  (__u64)child_tgid << 32 | child_tgid, target->start_ns);
	rec->parent_pid = pid_tgid >> 32;
	rec->parent_tid = (__u32)pid_tgid;
	rec->parent_start_ns = parent->start_ns;
	__builtin_memset(rec->comm, 0, sizeof(rec->comm));
	bpf_core_read_str(rec->comm, sizeof(rec->comm), &child->comm);
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), target->flags);
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(proc_fork, struct task_struct *parent_task, struct task_struct *child)
{
	struct state_target *parent = filter_current();

	if (!parent || parent->flags & STATE_CALIBRATE)
		return 0;
	__u32 tgid = BPF_CORE_READ(child, tgid);

	if (tgid == bpf_get_current_pid_tgid() >> 32)
		return 0; /* a thread */
	proc_replace(tgid);
	filter_mark(tgid);
	bpf_map_update_elem(&targets, &tgid, &proc_none, BPF_ANY);
	struct state_target *target = bpf_map_lookup_elem(&targets, &tgid);

	if (!target) { /* full: the child goes untraced */
		struct wire_counts *counts = emit_orphans();

		if (counts)
			emit_add(counts->events_lost[WIRE_CAUSE_MAP_FULL], 1);
		return 0;
	}
	target->start_ns = filter_start(child);
	python_inherit(bpf_get_current_pid_tgid() >> 32, tgid, target->start_ns);
	proc_tell_fork(target, parent, child, tgid);
	proc_notice(STATE_NOTICE_FORK, tgid, target->start_ns);
	return 0;
}

/* ---- exec ---- */

/* The record in a constant size with room for argv_max bytes; false: the ring is full. */
static __always_inline bool proc_tell_exec(struct state_target *target, struct linux_binprm *bprm, __u64 argv,
					   __u64 argv_len, bool cut, const __u32 argv_max)
{
	struct wire_proc_exec *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + WIRE_PATH_MAX + argv_max, 0);
	__u16 flags = cut ? WIRE_EXEC_ARGV_CUT : 0;

	if (!rec)
		return false;
	__u64 path_len =
		bpf_probe_read_kernel_str(rec->payload, WIRE_PATH_MAX, BPF_CORE_READ(bprm, filename));

	path_len--; /* without the NUL; an error becomes as large */
	compat_opaque(path_len);
	if (path_len >= WIRE_PATH_MAX)
		path_len = 0;
	compat_opaque(argv_len);
	if (argv_len > argv_max)
		argv_len = argv_max;
	if (argv_len && bpf_probe_read_user(rec->payload + path_len, argv_len, (void *)argv)) {
		flags = WIRE_EXEC_FAULT;
		argv_len = 0;
	}
	if (argv_len) /* the last argument ends, cut or not */
		rec->payload[path_len + ((argv_len - 1) & (argv_max - 1))] = 0;
	__u32 used = path_len + argv_len;

#pragma unroll
	for (int i = 0; i < 7; i++)
		if ((used + i) & 7 && used + i < WIRE_PATH_MAX + argv_max)
			rec->payload[used + i] = 0;
		else
			break;
	emit_head(&rec->head, emit_round(sizeof(*rec) + used), WIRE_PROC_EXEC, bpf_ktime_get_ns(),
		  bpf_get_current_pid_tgid(), target->start_ns);
	rec->head.flags = flags;
	rec->path_len = path_len;
	rec->argv_len = argv_len;
	__builtin_memset(rec->comm, 0, sizeof(rec->comm));
	bpf_get_current_comm(rec->comm, sizeof(rec->comm));
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec) + WIRE_PATH_MAX + argv_max, target->flags);
	return true;
}

/* The image is gone, and with it the calls of the thread that execs: under the id that it had, and under the one that
 * it has now, the leader's. Other threads go through proc_exit. */
static __always_inline void proc_forget(__u32 tgid, __u32 tid)
{
	__u64 key = (__u64)tgid << 32 | tid;
	struct state_calls *c = bpf_map_lookup_elem(&calls, &key);

	if (!c)
		return;
	call_abandon(c, tgid);
	bpf_map_delete_elem(&calls, &key);
	bpf_map_delete_elem(&walks, &key);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(proc_exec, struct task_struct *task, __u32 old_pid, struct linux_binprm *bprm)
{
	struct state_target *target = filter_current();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	bool told;

	if (!target)
		return 0;
	proc_forget(tgid, tgid);
	proc_forget(tgid, old_pid);
	target->epoch++;
	bpf_map_delete_elem(&pythons, &tgid);
	__u64 argv = BPF_CORE_READ(task, mm, arg_start);
	__u64 argv_len = BPF_CORE_READ(task, mm, arg_end) - argv;
	bool cut = argv_len > WIRE_ARGV_MAX;

	if (argv_len <= 256)
		told = proc_tell_exec(target, bprm, argv, argv_len, cut, 256);
	else if (argv_len <= 2048)
		told = proc_tell_exec(target, bprm, argv, argv_len, cut, 2048);
	else
		told = proc_tell_exec(target, bprm, argv, argv_len, cut, WIRE_ARGV_MAX);
	if (!told)
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
	proc_notice(STATE_NOTICE_EXEC, tgid, target->start_ns);
	return 0;
}

/* ---- exit ---- */

static __always_inline void proc_tell_exit(struct wire_counts *counts, struct task_struct *task, __u32 tgid,
					   __u64 start_ns, __u32 target_flags)
{
	struct wire_proc_exit *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(counts->events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	__u32 status = BPF_CORE_READ(signal, flags) & PROC_SIGNAL_GROUP_EXIT
			       ? BPF_CORE_READ(signal, group_exit_code)
			       : BPF_CORE_READ(task, group_leader, exit_code);

	emit_head(&rec->head, sizeof(*rec), WIRE_PROC_EXIT, bpf_ktime_get_ns(), bpf_get_current_pid_tgid(),
		  start_ns);
	rec->code = status >> 8 & 0xff;
	rec->signal = status & 0x7f;
	emit_add(counts->events_sent, 1);
	emit_submit(rec, sizeof(*rec), target_flags);
}

/* `departed` is full: the copy is made first, for a deleted entry may be another's at once. */
static __always_inline void proc_end_full(struct state_target *target, struct task_struct *task, __u32 tgid)
{
	struct wire_counts copy = target->counts;
	struct wire_counts *counts = emit_orphans();
	__u64 start_ns = target->start_ns;
	__u32 target_flags = target->flags;

	bpf_map_delete_elem(&pythons, &tgid);
	if (bpf_map_delete_elem(&targets, &tgid) || !counts)
		return;
	proc_add(counts, &copy);
	proc_tell_exit(counts, task, tgid, start_ns, target_flags);
	proc_notice(STATE_NOTICE_EXIT, tgid, start_ns);
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(proc_exit, struct task_struct *task)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tgid = pid_tgid >> 32;

	if (filter_closed)
		return 0;
	/* Before anything else, and for processes that went from `targets` already: the last two threads of a process may
	 * end at the same time. */
	proc_forget(tgid, pid_tgid);
	struct state_target *target = filter_current();

	if (!target || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	struct state_process key = {.start_ns = target->start_ns, .pid = tgid};
	long r = bpf_map_update_elem(&departed, &key, &target->counts, BPF_NOEXIST);
	struct wire_counts *counts = bpf_map_lookup_elem(&departed, &key);

	if (r == 0 && counts) { /* else another thread was first, or there is no room */
		proc_tell_exit(counts, task, tgid, target->start_ns, target->flags);
		bpf_map_delete_elem(&targets, &tgid);
		bpf_map_delete_elem(&pythons, &tgid);
		proc_notice(STATE_NOTICE_EXIT, tgid, key.start_ns);
	} else if (!counts) {
		proc_end_full(target, task, tgid);
	}
	return 0;
}
