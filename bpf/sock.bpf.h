/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sums of the witness (sock.bpf.c), which the TLS side adds to as well. */
#ifndef BOTTRACE_SOCK_BPF_H
#define BOTTRACE_SOCK_BPF_H

#include "emit.bpf.h"

#define CONN_AF_INET  2
#define CONN_AF_INET6 10

static const struct state_wire sock_none;

/* The sum of a process, made when it has none; NULL when the map is full. */
static __always_inline struct state_wire *sock_wire(__u64 start_ns, __u32 tgid)
{
	struct state_process who = {.start_ns = start_ns, .pid = tgid};
	struct state_wire *wire = bpf_map_lookup_elem(&wires, &who);

	if (wire)
		return wire;
	bpf_map_update_elem(&wires, &who, &sock_none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&wires, &who);
}

/* A probed TLS library begins a connection. */
static __always_inline void sock_talk(__u64 start_ns, __u32 tgid)
{
	struct state_wire *wire = sock_wire(start_ns, tgid);

	if (wire)
		emit_add(wire->talks, 1);
}

/* The one just begun was met in the middle, or neither its name nor its socket was set through the library. */
static __always_inline void sock_begun(__u64 start_ns, __u32 tgid)
{
	struct state_wire *wire = sock_wire(start_ns, tgid);

	if (wire)
		emit_add(wire->begun, 1);
}

/* Its data goes through that library. Two at once on two processors: one is noted with its next connection. */
static __always_inline void sock_library(__u64 start_ns, __u32 tgid, __u32 lib)
{
	struct state_wire *wire = sock_wire(start_ns, tgid);

	if (wire)
		wire->libs |= 1u << (lib & 31);
}

#endif
