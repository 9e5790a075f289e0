/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a call that has returned is to become, whoever saw it: left out, sent, lost; and how it is counted. */
#ifndef BOTTRACE_SEND_BPF_H
#define BOTTRACE_SEND_BPF_H

#include "piece.bpf.h"
#include "spend.bpf.h"

/* Sends the first `count` pieces of the call in the slot that its thread is at (send.bpf.c). */
int send_pieces(__u32 count);

/* The slot that the thread is at. */
static __always_inline struct state_call *send_slot(__u64 pid_tgid)
{
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);
	__u32 at = c ? c->at : STATE_CALL_DEPTH + 1;

	return c && at <= STATE_CALL_DEPTH ? &c->slot[at] : NULL;
}

/* Whether something of the call is to be sent; then send_end follows its pieces. *skipped: bytes that policy leaves
 * out. What the process may not send any more is counted here, and no piece is left of it. */
static __always_inline bool send_begin(struct piece *p, __u64 *skipped)
{
	struct state_call *call = p->call;
	__u32 dir = call_dir(call->fn);
	__u32 word = policy_leaves_out(p->conn, call->ssl, dir, call->num);

	if (word != WIRE_CAUSE_NONE) {
		emit_left_call(p->target, word);
		*skipped = call->num;
		return false;
	}
	policy_cut(call, p->conn, dir);
	__u64 wanted = (__u64)call->head + call->tail;

	*skipped = call->num - wanted;
	call->lib = WIRE_CAUSE_NONE;
	if (!policy_is_throttled(p->target, call->out, wanted))
		return true;
	piece_lost(p, WIRE_CAUSE_THROTTLED, wanted);
	emit_lost_call(p->target, WIRE_CAUSE_THROTTLED);
	return false;
}

static __always_inline void send_end(struct piece *p)
{
	if (p->call->lib == WIRE_CAUSE_NONE)
		emit_add(p->target->counts.sent, 1);
	else
		emit_lost_call(p->target, p->call->lib);
}

/* n bytes, of which `sent` were copied out. */
static __always_inline void send_count(struct state_conn *conn, __u32 dir, __u64 n, __u64 sent)
{
	spend_moved(sent, dir == WIRE_WRITE && !(conn->flags & STATE_CONN_WROTE));
	if (dir == WIRE_READ) {
		conn->flags &= ~STATE_CONN_WROTE;
		conn->read_bytes += n;
		return;
	}
	conn->flags |= STATE_CONN_WROTE;
	conn->read_bytes = 0;
}

#endif
