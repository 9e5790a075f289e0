/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences between kernels and processors, one function each. What a kernel has is found by presence in its BTF:
 * the verifier then sees a constant and removes the branch that this kernel would refuse.
 */
#ifndef BOTTRACE_COMPAT_BPF_H
#define BOTTRACE_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The compiler must not see through a clamp: clang 14 would move it behind the use that needs it. */
#define compat_opaque(x) asm volatile("" : "+r"(x))

/* Ring records as long as needed: 5.19. */
static __always_inline bool compat_has_exact_records(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ringbuf_reserve_dynptr);
}

/* The verifier knows the type of `current`, whose members are then plain loads: 5.11. Else each is a helper's call. */
static __always_inline bool compat_has_current(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* What pthread_self() gives in the thread that runs; 0: not known on this processor. */
static __always_inline __u64 compat_self(void)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread.fsbase);
#else
	return 0;
#endif
}

/* The stack pointer that a function had at its entry, seen from its return: ret took the return address on x86. */
static __always_inline __u64 compat_entry_sp(struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_x86)
	return PT_REGS_SP(ctx) - 8;
#else
	return PT_REGS_SP(ctx);
#endif
}

#endif
