/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What of a call is not copied out though it could be: connections that are not sampled, bytes that the collector said
 * nobody wants, the middle of calls in light mode (all of these policy: counted as skipped, no gap), and what a process
 * sends beyond its rate (defence: a gap, throttled).
 */
#ifndef BOTTRACE_POLICY_BPF_H
#define BOTTRACE_POLICY_BPF_H

#include "emit.bpf.h"

/* Light mode: a longer write is cut to its ends. The one that begins a request may hold its head and its body: heads
 * with tokens and a cloud's signature go beyond 2 KiB, and a head that is cut is a call lost. Of those that follow, the
 * members before a body's messages, and the last messages and parameters. */
#define POLICY_WRITE_MIN  4096
#define POLICY_FIRST_HEAD 3072
#define POLICY_FIRST_TAIL 1024
#define POLICY_WRITE_HEAD 1024
#define POLICY_WRITE_TAIL 3072
/* Of what is read after a write so much is whole: an answer without its bulk. Beyond it, longer reads are cut. */
#define POLICY_READ_WHOLE (256u << 10)
#define POLICY_READ_MIN	  2048
#define POLICY_READ_HEAD  1024
#define POLICY_READ_TAIL  1024

#define POLICY_SECOND_NS 1000000000ull
/* Rarely: between two fillings lies one gap of each connection. */
#define POLICY_REFILL_NS 100000000ll

static __always_inline struct wire_shared *policy_shared(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero);
}

/* Whether a connection at its first sight is one of those that are traced. */
static __always_inline bool policy_samples(__u64 ssl, __u64 generation, __u32 target_flags)
{
	struct wire_shared *s = policy_shared();

	if (!s || target_flags & STATE_CALIBRATE)
		return true;
	if (s->sample_none)
		return false;
	__u32 n = s->sample_n;

	if (n <= 1)
		return true;
	__u64 h = (ssl ^ generation ^ s->sample_seed) * 0x9e3779b97f4a7c15ull;

	return (__u32)(h >> 32) % n == 0;
}

/* The collector's word about n bytes at the end of what this direction has moved. */
static __always_inline bool policy_is_muted(struct state_conn *conn, __u64 ssl, __u32 dir, __u64 n)
{
	__u32 slot = wire_verdict_slot(ssl, conn->generation);
	volatile struct wire_verdict *v = bpf_map_lookup_elem(&verdicts, &slot);
	bool muted;

	if (!v || v->generation != conn->generation || v->ssl != ssl)
		return false;
	/* Kept here, where no other connection takes its place. In a slot that changes hands meanwhile it may be another's:
	 * that costs copies. */
	if (v->flags & WIRE_VERDICT_WHOLE)
		conn->flags = (conn->flags | STATE_CONN_WHOLE) & ~STATE_CONN_TRIAL;
	__u32 mute = v->mute;

	muted = conn->side[dir].bytes + n <= v->skip_until[dir];
	if (dir == WIRE_READ && mute & WIRE_MUTE_READS && conn->side[WIRE_WRITE].bytes > v->written)
		muted = false;
	if (mute & WIRE_MUTE_BOTH)
		muted = true;
	/* Once more: the slot may have changed hands while we read it. */
	return muted && v->generation == conn->generation;
}

/* Whether the collector wants nothing more of it, ever. */
static __always_inline bool policy_is_mute(const struct state_conn *conn, __u64 ssl)
{
	__u32 slot = wire_verdict_slot(ssl, conn->generation);
	volatile struct wire_verdict *v = bpf_map_lookup_elem(&verdicts, &slot);

	return v && v->ssl == ssl && v->mute & WIRE_MUTE_BOTH && v->generation == conn->generation;
}

/* The word under which a call is counted that policy leaves out; WIRE_CAUSE_NONE: it is wanted. */
static __always_inline __u32 policy_leaves_out(struct state_conn *conn, __u64 ssl, __u32 dir, __u64 n)
{
	if (conn->flags & STATE_CONN_OUT)
		return WIRE_CAUSE_SAMPLED_OUT;
	if (policy_is_muted(conn, ssl, dir, n) ||
	    (conn->flags & STATE_CONN_TRIAL && conn->side[dir].bytes >= STATE_TRIAL_BYTES))
		return WIRE_CAUSE_FILTERED;
	return WIRE_CAUSE_NONE;
}

/* The first four bytes of a call, as a little-endian number. */
#define POLICY_WORD(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)
#define POLICY_UPPER		POLICY_WORD(0x40, 0x40, 0x40, 0) /* of each of three letters; none of a frame's head */

/* What the first bytes of a request say, before the collector can. */
static __always_inline void policy_look(struct state_conn *conn, __u32 dir, __u32 word)
{
	if (word == POLICY_WORD('P', 'R', 'I', ' ')) /* the preface of HTTP/2 */
		conn->flags |= STATE_CONN_WHOLE;
	if (dir == WIRE_READ)
		return;
	if (word == POLICY_WORD('G', 'E', 'T', ' '))
		conn->flags |= STATE_CONN_GET;
	else if ((word & POLICY_WORD(0xe0, 0xe0, 0xe0, 0)) == POLICY_UPPER)
		conn->flags &= ~STATE_CONN_GET;
	else if (conn->flags & STATE_CONN_GET) /* no request: the GET was one for a WebSocket */
		conn->flags |= STATE_CONN_WHOLE;
}

/*
 * Whether nothing may be cut: of HTTP/2 and WebSockets, because the next frame's place would go with it. The collector
 * says so (WIRE_VERDICT_WHOLE), but too late for what comes right behind a connection's first bytes. A GET has no body, so
 * what is written after it is another request, or a WebSocket's.
 */
static __always_inline bool policy_is_whole(const struct state_call *call, struct state_conn *conn, __u32 dir)
{
	bool begins = dir == WIRE_WRITE ? !(conn->flags & STATE_CONN_WROTE) : !conn->side[WIRE_READ].bytes;
	__u32 word = 0;

	if (begins && !(conn->flags & STATE_CONN_WHOLE) && call->num >= sizeof(word) &&
	    !bpf_probe_read_user(&word, sizeof(word), (void *)call->buffer))
		policy_look(conn, dir, word);
	return conn->flags & STATE_CONN_WHOLE || (dir == WIRE_WRITE && conn->flags & STATE_CONN_GET);
}

/* Sets what of the call is sent: call->head bytes from its beginning, call->tail from its end. */
static __always_inline void policy_cut(struct state_call *call, struct state_conn *conn, __u32 dir)
{
	struct wire_shared *s = policy_shared();
	__u64 n = call->num;

	call->head = n < WIRE_CALL_MAX ? n : WIRE_CALL_MAX;
	call->tail = 0;
	if (conn->flags & STATE_CONN_TRIAL) {
		__u64 bytes = conn->side[dir].bytes;
		/* One at least: another thread may have used the rest up. */
		__u64 left = bytes < STATE_TRIAL_BYTES ? STATE_TRIAL_BYTES - bytes : 1;

		if (call->head > left)
			call->head = left;
		return;
	}
	if (!s || !s->light || policy_is_whole(call, conn, dir))
		return;
	if (dir == WIRE_WRITE && n > POLICY_WRITE_MIN) {
		bool begins = !(conn->flags & STATE_CONN_WROTE);

		call->head = begins ? POLICY_FIRST_HEAD : POLICY_WRITE_HEAD;
		call->tail = begins ? POLICY_FIRST_TAIL : POLICY_WRITE_TAIL;
	} else if (dir == WIRE_READ && n > POLICY_READ_MIN && conn->read_bytes > POLICY_READ_WHOLE) {
		call->head = POLICY_READ_HEAD;
		call->tail = POLICY_READ_TAIL;
	}
}

/* A second's worth at most: that is also the burst which a quiet process has in hand. Two threads that fill it at once
 * may both add; it is a bound against floods, no accounting. */
static __always_inline void policy_refill(struct state_target *target, const struct wire_shared *s, __u64 now)
{
	__s64 passed = now - target->hand_ns;

	if (passed < POLICY_REFILL_NS)
		return;
	if (passed > (__s64)POLICY_SECOND_NS)
		passed = POLICY_SECOND_NS;
	target->hand_ns = now;
	__u64 part = (__u64)passed >> 10; /* a smaller number: the products stay below 2^64 */
	__s64 bytes = target->hand_bytes + part * s->rate_bytes / (POLICY_SECOND_NS >> 10);
	__s64 calls = target->hand_calls + part * s->rate_calls / (POLICY_SECOND_NS >> 10);

	target->hand_bytes = bytes < (__s64)s->rate_bytes ? bytes : (__s64)s->rate_bytes;
	target->hand_calls = calls < (__s64)s->rate_calls ? calls : (__s64)s->rate_calls;
}

/* Whether the process has sent too much already; else takes n bytes and a call from what it has in hand, into debt if
 * need be: one call is sent whole or not at all. */
static __always_inline bool policy_is_throttled(struct state_target *target, __u64 now, __u64 n)
{
	struct wire_shared *s = policy_shared();

	if (!s || (!s->rate_bytes && !s->rate_calls))
		return false;
	if (target->hand_bytes <= 0 || target->hand_calls <= 0)
		policy_refill(target, s, now);
	if ((s->rate_bytes && target->hand_bytes <= 0) || (s->rate_calls && target->hand_calls <= 0))
		return true;
	emit_add(target->hand_bytes, -(__s64)n);
	emit_add(target->hand_calls, -1);
	return false;
}

#endif
