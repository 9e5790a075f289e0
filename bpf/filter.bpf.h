/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is this process ours? The one test that every probe starts with; a stranger pays one hash miss. */
#ifndef BOTTRACE_FILTER_BPF_H
#define BOTTRACE_FILTER_BPF_H

#include "maps.bpf.h"

static __always_inline __u64 filter_start(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/*
 * Whether a process of such an id was ever let through: for programs that every system call of the host runs, a load in
 * place of a lookup. Set by the attacher and by proc_fork, never cleared: a stranger with an old mark pays the lookup.
 */
extern volatile __u8 filter_marks[STATE_MARKS];

static __always_inline void filter_mark(__u32 tgid)
{
	filter_marks[tgid & (STATE_MARKS - 1)] = 1;
}

static __always_inline bool filter_is_marked(void)
{
	__u32 tgid = compat_has_current() ? (__u32)bpf_get_current_task_btf()->tgid
					  : bpf_get_current_pid_tgid() >> 32;

	return filter_marks[tgid & (STATE_MARKS - 1)];
}

/* Nobody is let through any more. A grace period after it was set no program of ours counts or sends anything, though their
 * links take longer to go. */
extern volatile __u32 filter_closed;

/* The traced process of a thread group, or NULL. A PID alone is nobody: its start must agree. */
static __always_inline struct state_target *filter_find(__u32 tgid, struct task_struct *task)
{
	struct state_target *target = bpf_map_lookup_elem(&targets, &tgid);

	if (!target || target->start_ns != filter_start(task) || filter_closed)
		return NULL;
	return target;
}

/* The traced process that runs, or NULL, and which of its threads it is. */
static __always_inline struct state_target *filter_thread(__u64 *pid_tgid)
{
	if (!compat_has_current()) {
		*pid_tgid = bpf_get_current_pid_tgid();
		return filter_find(*pid_tgid >> 32, (struct task_struct *)bpf_get_current_task());
	}
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 tgid = task->tgid;
	struct state_target *target = bpf_map_lookup_elem(&targets, &tgid);

	if (!target || target->start_ns != task->group_leader->start_boottime || filter_closed)
		return NULL;
	*pid_tgid = (__u64)tgid << 32 | (__u32)task->pid;
	return target;
}

static __always_inline struct state_target *filter_current(void)
{
	__u64 pid_tgid;

	return filter_thread(&pid_tgid);
}

#endif
