/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What probes do for traced processes, counted for the overhead governor; without one none of this is loaded. */
#ifndef BOTTRACE_SPEND_BPF_H
#define BOTTRACE_SPEND_BPF_H

#include "maps.bpf.h"

extern const volatile bool count_spent;

/* Whether there is a budget, and a governor that may ask for less. */
static __always_inline bool spend_is_bounded(void)
{
	return count_spent;
}

/* This processor's. Who is interrupted between reading and adding loses a count: it is a reckoning, no ledger. */
static __always_inline struct state_spent *spend_get(void)
{
	__u32 zero = 0;

	return spend_is_bounded() ? bpf_map_lookup_elem(&spent, &zero) : NULL;
}

/* A probe was hit whose instruction is emulated, or not. returns: the call's return is intercepted, too. */
static __always_inline void spend_hit(bool returns, bool emulated)
{
	struct state_spent *s = spend_get();
	__u64 class = STATE_HIT(returns, emulated);

	compat_opaque(class); /* or the check is left out, and the verifier wants it */
	if (s && class < STATE_HITS)
		s->hits[class]++;
}

/* Whatever system call it was. */
static __always_inline void spend_syscall(void)
{
	struct state_spent *s = spend_get();

	if (s)
		s->syscalls++;
}

/* A call moved data, of which `sent` bytes were copied out. */
static __always_inline void spend_moved(__u64 sent, bool is_request)
{
	struct state_spent *s = spend_get();

	if (!s)
		return;
	s->chunks++;
	s->requests += is_request;
	s->records += sent != 0;
	s->bytes += sent;
}

/* A Python stack was walked, from `begin` on. */
static __always_inline void spend_walked(__u64 begin)
{
	struct state_spent *s = spend_get();

	if (!s)
		return;
	s->walks++;
	s->walk_ns += bpf_ktime_get_ns() - begin;
}

/* And values of its frames read. */
static __always_inline void spend_valued(__u64 begin)
{
	struct state_spent *s = spend_get();

	if (s)
		s->walk_ns += bpf_ktime_get_ns() - begin;
}

#endif
