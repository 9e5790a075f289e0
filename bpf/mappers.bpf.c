/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes map a file's code, traced or not: a breakpoint goes into all of them. iter/task_vma: 5.12. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "state.h"

#define MAPPERS_EXEC 4 /* VM_EXEC of linux/mm.h */

/* Only what is read here; the kernel's own layout is filled in at load. */
struct inode___mappers {
	unsigned long i_ino;
} __attribute__((preserve_access_index));

struct file___mappers {
	struct inode___mappers *f_inode;
} __attribute__((preserve_access_index));

struct vm_area_struct___mappers {
	unsigned long vm_flags;
	struct file___mappers *vm_file;
} __attribute__((preserve_access_index));

struct task_struct___mappers {
	int tgid;
} __attribute__((preserve_access_index));

struct mappers_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct mappers_context {
	struct mappers_meta *meta;
	struct task_struct___mappers *task;
	struct vm_area_struct___mappers *vma;
};

/* Set by the attacher before it reads. Of whatever device: it looks closer. */
__u64 mappers_ino = 0;

SEC("iter/task_vma")
int mappers(struct mappers_context *ctx)
{
	struct vm_area_struct___mappers *vma = ctx->vma;
	struct task_struct___mappers *task = ctx->task;

	if (!task || !vma || !(BPF_CORE_READ(vma, vm_flags) & MAPPERS_EXEC))
		return 0;
	struct file___mappers *file = BPF_CORE_READ(vma, vm_file);

	if (!file || BPF_CORE_READ(file, f_inode, i_ino) != mappers_ino)
		return 0;
	struct state_mapper out = {.pid = BPF_CORE_READ(task, tgid)};

	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}
