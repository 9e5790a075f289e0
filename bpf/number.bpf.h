/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs between processors in a system call that returned: its number, and where its arguments stand. */
#ifndef NUMBER_BPF_H
#define NUMBER_BPF_H

#include "compat.bpf.h"

enum plain_kind {
	PLAIN_NOTHING = 0,
	PLAIN_WRITES = 1, /* else it reads */
	PLAIN_FLAT = 2,	  /* (fd, buffer, size) */
	PLAIN_FLAGS = 4,  /* and flags */
	PLAIN_VECTOR = 8, /* (fd, struct iovec *, count) */
	PLAIN_MSG = 16,	  /* (fd, struct user_msghdr *, flags) */
	PLAIN_CLOSE = 32,
	PLAIN_FILE = 64, /* (fd, another fd): bytes of a file, which are in no buffer */
};

/* By number of the system call. A table: a switch would make the verifier walk what follows once for each. */
static const __u8 plain_kinds[256] = {
#if defined(__TARGET_ARCH_x86)
	[0] = PLAIN_FLAT,		    /* read */
	[1] = PLAIN_FLAT | PLAIN_WRITES,    /* write */
	[3] = PLAIN_CLOSE,		    /* close */
	[19] = PLAIN_VECTOR,		    /* readv */
	[20] = PLAIN_VECTOR | PLAIN_WRITES, /* writev */
	[40] = PLAIN_FILE | PLAIN_WRITES,   /* sendfile */
	[44] = PLAIN_FLAT | PLAIN_WRITES,   /* sendto */
	[45] = PLAIN_FLAT | PLAIN_FLAGS,    /* recvfrom */
	[46] = PLAIN_MSG | PLAIN_WRITES,    /* sendmsg */
	[47] = PLAIN_MSG,		    /* recvmsg */
#elif defined(__TARGET_ARCH_arm64)
	/* include/uapi/asm-generic/unistd.h */
	[57] = PLAIN_CLOSE,		    /* close */
	[63] = PLAIN_FLAT,		    /* read */
	[64] = PLAIN_FLAT | PLAIN_WRITES,   /* write */
	[65] = PLAIN_VECTOR,		    /* readv */
	[66] = PLAIN_VECTOR | PLAIN_WRITES, /* writev */
	[71] = PLAIN_FILE | PLAIN_WRITES,   /* sendfile */
	[206] = PLAIN_FLAT | PLAIN_WRITES,  /* sendto */
	[207] = PLAIN_FLAT | PLAIN_FLAGS,   /* recvfrom */
	[211] = PLAIN_MSG | PLAIN_WRITES,   /* sendmsg */
	[212] = PLAIN_MSG,		    /* recvmsg */
#endif
};

static __always_inline __u32 plain_kind(__u64 nr)
{
	return nr < sizeof(plain_kinds) ? *(const volatile __u8 *)&plain_kinds[nr] : PLAIN_NOTHING;
}

/* A system call's number and its first three arguments, third to first; false: a 32-bit program's, whose calls have other
 * numbers. And its fourth argument. */
#if defined(__TARGET_ARCH_x86)
#define PLAIN_USER32_CS 0x23

/* A stretch of struct pt_regs of x86-64, which is ABI there: what we want of it, in one read. */
struct plain_registers {
	__u64 dx, si, di, nr, ip, cs;
};

static __always_inline bool plain_read_registers(struct plain_registers *r, struct pt_regs *regs)
{
	return bpf_probe_read_kernel(r, sizeof(*r), (void *)regs + bpf_core_field_offset(regs->dx)) == 0 &&
	       (__u16)r->cs != PLAIN_USER32_CS;
}

static __always_inline __u64 plain_fourth(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, r10);
}
#elif defined(__TARGET_ARCH_arm64)
#define PLAIN_PSTATE_32 0x10 /* PSR_MODE32_BIT */

/* The result stands in regs[0] already; what stood there before it was put aside. */
struct pt_regs___plain {
	__u64 regs[31];
	__u64 pstate;
	__u64 orig_x0;
	__s32 syscallno;
} __attribute__((preserve_access_index));

struct plain_registers {
	__u64 dx, si, di, nr;
};

static __always_inline bool plain_read_registers(struct plain_registers *r, struct pt_regs *regs)
{
	const struct pt_regs___plain *p = (void *)regs;

	r->nr = (__u32)BPF_CORE_READ(p, syscallno);
	r->di = BPF_CORE_READ(p, orig_x0);
	r->si = BPF_CORE_READ(p, regs[1]);
	r->dx = BPF_CORE_READ(p, regs[2]);
	return !(BPF_CORE_READ(p, pstate) & PLAIN_PSTATE_32);
}

static __always_inline __u64 plain_fourth(struct pt_regs *regs)
{
	const struct pt_regs___plain *p = (void *)regs;

	return BPF_CORE_READ(p, regs[3]);
}
#else
#error "system calls of this processor have no table"
#endif

#endif
