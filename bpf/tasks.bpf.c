/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All processes with their exact start times, for processes that lived before we looked: /proc gives clock ticks. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "state.h"

/* Only what is read here; the kernel's own layout is filled in at load. */
struct task_struct___tasks {
	int pid;
	int tgid;
	struct task_struct___tasks *real_parent;
	struct task_struct___tasks *group_leader;
	__u64 start_boottime;
} __attribute__((preserve_access_index));

struct tasks_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct tasks_context {
	struct tasks_meta *meta;
	struct task_struct___tasks *task;
};

SEC("iter/task")
int tasks(struct tasks_context *ctx)
{
	struct task_struct___tasks *task = ctx->task;
	struct state_task out = {0};

	if (task == NULL)
		return 0;
	out.pid = BPF_CORE_READ(task, tgid);
	if (out.pid != (__u32)BPF_CORE_READ(task, pid))
		return 0;
	out.start_ns = BPF_CORE_READ(task, start_boottime);
	out.parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	out.parent_start_ns = BPF_CORE_READ(task, real_parent, group_leader, start_boottime);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}
