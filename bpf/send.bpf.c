/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pieces without bpf_loop, which 5.10 lacks: functions verified once, by themselves, whose arguments can be but numbers.
 * Everything about the call is found again from its thread. */
#include "send.bpf.h"

__noinline int send_piece(__u32 index)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct state_conn_key key = {.tgid = pid_tgid >> 32};
	struct piece p = {.target = bpf_map_lookup_elem(&targets, &key.tgid), .call = send_slot(pid_tgid)};

	if (!p.call || !p.target)
		return 0;
	key.ssl = p.call->ssl;
	p.conn = bpf_map_lookup_elem(&conns, &key);
	if (!p.conn)
		return 0;
	piece_send(&p, index, compat_has_exact_records() && !force_classes);
	return 0;
}

/* Blocks of blocks: verifiers walk every turn of a loop. */
#define SEND_BLOCK 32
_Static_assert(SEND_BLOCK *SEND_BLOCK == WIRE_CALL_MAX / WIRE_PIECE_MAX, "a call's pieces");

__noinline int send_block(__u32 from, __u32 to)
{
	for (__u32 i = 0; i < SEND_BLOCK; i++) {
		if (from + i >= to)
			break;
		send_piece(from + i);
	}
	return 0;
}

__noinline int send_pieces(__u32 count)
{
	for (__u32 i = 0; i < SEND_BLOCK; i++) {
		if (i * SEND_BLOCK >= count)
			break;
		send_block(i * SEND_BLOCK, count);
	}
	return 0;
}
