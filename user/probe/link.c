/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By hand, for libbpf passes no kind of link on that it does not know. */
int link_open_many(int prog, unsigned attach_type, const struct link_places *places)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.attach_type = attach_type;
	attr.link_create.uprobe_multi.pid = places->pid;
	attr.link_create.uprobe_multi.path = (uintptr_t)places->path;
	attr.link_create.uprobe_multi.offsets = (uintptr_t)places->offsets;
	attr.link_create.uprobe_multi.cookies = (uintptr_t)places->cookies;
	attr.link_create.uprobe_multi.ref_ctr_offsets = (uintptr_t)places->counters;
	attr.link_create.uprobe_multi.cnt = (uint32_t)places->count;
	attr.link_create.uprobe_multi.flags = places->returns ? BPF_F_UPROBE_MULTI_RETURN : 0;
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

int link_load_nothing(unsigned attach_type)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "nothing", "GPL", nothing, 2, &opts);

	return fd < 0 ? -errno : fd;
}
