/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own ring buffer, filled by a program that is run by hand: what the fake one must be like. */
#ifndef UNIT_DRAIN_KERNEL_H
#define UNIT_DRAIN_KERNEL_H

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNEL_WORDS_MAX 32

struct kernel_ring {
	int map_fd, program_fd;
	size_t words;
};

#define KERNEL_MOVE(dst, value)                                                       \
	{                                                                             \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (dst), .imm = (value) \
	}
#define KERNEL_LOAD(dst, src, o)                                                                          \
	{                                                                                                 \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (dst), .src_reg = (src), .off = (short)(o) \
	}
#define KERNEL_STORE(o)                                                                            \
	{                                                                                          \
		.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 6, .off = (short)(o) \
	}

/* Copies `words` words of its context to the stack and outputs them, with the flags that stand behind them. */
static inline int kernel_program(int map_fd, int words)
{
	struct bpf_insn code[2 * KERNEL_WORDS_MAX + 16];
	const struct bpf_insn call[] = {
		KERNEL_LOAD(4, 1, 8 * words),
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map_fd},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -8 * words},
		KERNEL_MOVE(3, 8 * words),
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output},
		KERNEL_MOVE(0, 0),
		{.code = BPF_JMP | BPF_EXIT},
	};
	size_t n = 0;

	for (int word = 0; word < words; word++) {
		code[n++] = (struct bpf_insn)KERNEL_LOAD(6, 1, 8 * word);
		code[n++] = (struct bpf_insn)KERNEL_STORE(8 * (word - words));
	}
	memcpy(code + n, call, sizeof(call));
	n += sizeof(call) / sizeof(call[0]);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "output", "GPL", code, n, &opts);
}

/* -1, having said why: not the right, or not the kernel. */
static inline int kernel_open(struct kernel_ring *k, uint32_t bytes, int words)
{
	k->words = (size_t)words;
	k->map_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, bytes, NULL);
	if (k->map_fd < 0) {
		print_message("skip: bpf: no ring buffer can be made (%s)\n", strerror(errno));
		return -1;
	}
	k->program_fd = kernel_program(k->map_fd, words);
	if (k->program_fd < 0) {
		print_message("skip: bpf: no program can be run by hand (%s)\n", strerror(errno));
		close(k->map_fd);
		return -1;
	}
	return 0;
}

static inline void kernel_close(struct kernel_ring *k)
{
	close(k->program_fd);
	close(k->map_fd);
}

/* The helper's result is not looked at: a full ring is for the test to notice. */
static inline void kernel_output(struct kernel_ring *k, const void *record, uint64_t flags)
{
	uint64_t context[KERNEL_WORDS_MAX + 1];
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = context, .ctx_size_in = (uint32_t)(8 * (k->words + 1)));

	memcpy(context, record, 8 * k->words);
	context[k->words] = flags;
	assert_int_equal(bpf_prog_test_run_opts(k->program_fd, &run), 0);
}

#endif
