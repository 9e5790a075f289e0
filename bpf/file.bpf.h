/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stands behind a descriptor. */
#ifndef BOTTRACE_FILE_BPF_H
#define BOTTRACE_FILE_BPF_H

#include "compat.bpf.h"

/* S_IFMT, S_IFSOCK, S_IFIFO of linux/stat.h */
#define FILE_TYPE   0170000
#define FILE_SOCKET 0140000
#define FILE_PIPE   0010000

#ifndef NULL
#define NULL ((void *)0)
#endif

/* The open file behind a descriptor of the current process, or NULL. */
static __always_inline struct file *file_find(__s32 fd)
{
	struct file **files, *file = NULL;
	__u32 count;

	if (compat_has_current()) {
		struct fdtable *table = bpf_get_current_task_btf()->files->fdt;

		count = table->max_fds;
		files = table->fd;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct fdtable *table = BPF_CORE_READ(task, files, fdt);

		count = BPF_CORE_READ(table, max_fds);
		files = BPF_CORE_READ(table, fd);
	}
	if ((__u32)fd >= count || bpf_probe_read_kernel(&file, sizeof(file), files + (__u32)fd))
		return NULL;
	return file;
}

#endif
