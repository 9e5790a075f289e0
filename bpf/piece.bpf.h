/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a call moved, on its way out: cut into pieces, each copied straight into its ring record. The copy does not
 * fault pages in: it is done at return, when the library has just touched the buffer.
 */
#ifndef BOTTRACE_PIECE_BPF_H
#define BOTTRACE_PIECE_BPF_H

#include "call.bpf.h"
#include "policy.bpf.h"

/* Longer pieces get records of their exact length where the kernel has such. */
#define PIECE_PLAIN_MAX 1024

/*
 * Where everything about the call is: its slot is free by now, but intact. There num, out and lib have become the
 * bytes moved, the time of the return and the cause of the first missing piece (enum wire_cause, 0: none).
 */
struct piece {
	struct state_target *target;
	struct state_conn *conn;
	struct state_call *call;
};

static __always_inline struct wire_side *piece_side(const struct piece *p)
{
	return &p->conn->side[call_dir(p->call->fn)];
}

/* Pieces of a call whose head and tail are set; a tail is one piece. */
static __always_inline __u32 piece_count(const struct state_call *call)
{
	return (call->head + WIRE_PIECE_MAX - 1) / WIRE_PIECE_MAX + (call->tail != 0);
}

static __always_inline void piece_fill(struct wire_tls_data *rec, const struct piece *p, __u64 call_off,
				       __u64 n)
{
	const struct state_call *call = p->call;
	const struct wire_side *side = piece_side(p);

	emit_head(&rec->head, emit_round(sizeof(*rec) + n), WIRE_TLS_DATA, call->out,
		  bpf_get_current_pid_tgid(), p->target->start_ns);
	rec->conn.ssl = call->ssl;
	rec->conn.generation = p->conn->generation;
	rec->offset = side->bytes + call_off; /* the side's counts move on after the call's last piece */
	rec->call_len = call->num;
	rec->call_off = call_off;
	rec->call_ns = call->out - call->ts_ns;
	rec->skipped = side->skipped + (call_off > call->head ? call_off - call->head : 0);
	rec->len = n;
	rec->dir = call_dir(call->fn);
	rec->fn = call->fn;
	rec->hole_cause = side->hole_cause;
	rec->pad = 0;
}

static __always_inline long piece_slice(struct bpf_dynptr *d, __u64 at, __u64 user, const __u32 bytes)
{
	void *to = bpf_dynptr_data(d, sizeof(struct wire_tls_data) + at, bytes);

	return to ? bpf_probe_read_user(to, bytes, (void *)(user + at)) : -1;
}

/* A slice's size must be a constant: two of 2^k that overlap make any n from 2^k to 2^(k+1). */
#define PIECE_TWO(k)          \
	if (n <= (2u << (k))) \
	return piece_slice(d, 0, user, 1u << (k)) ?: piece_slice(d, n - (1u << (k)), user, 1u << (k))

/* n: above PIECE_PLAIN_MAX */
static __always_inline long piece_copy(struct bpf_dynptr *d, __u64 user, __u64 n)
{
	PIECE_TWO(10);
	PIECE_TWO(11);
	PIECE_TWO(12);
	PIECE_TWO(13);
	return -1;
}

/* Fills a record of `size` bytes. 0, or the cause of loss. */
static __always_inline __u32 piece_exact_fill(struct bpf_dynptr *d, struct piece *p, __u64 call_off, __u64 n,
					      __u32 size)
{
	struct wire_tls_data *rec = bpf_dynptr_data(d, 0, sizeof(*rec));
	__u64 *pad = bpf_dynptr_data(d, size - 8, 8);

	if (!rec || !pad)
		return WIRE_CAUSE_RING_FULL;
	piece_fill(rec, p, call_off, n);
	*pad = 0;
	return piece_copy(d, p->call->buffer + call_off, n) ? WIRE_CAUSE_FAULT : WIRE_CAUSE_NONE;
}

/* A record as long as its payload, rounded to 8. 0, or the cause of loss. */
static __always_inline __u32 piece_exact(struct piece *p, __u64 call_off, __u64 n)
{
	__u32 size = emit_round(sizeof(struct wire_tls_data) + n);
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&ring, size, 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d,
					   BPF_RB_NO_WAKEUP); /* the verifier wants it; there is no record */
		return WIRE_CAUSE_RING_FULL;
	}
	__u32 cause = piece_exact_fill(&d, p, call_off, n, size);

	if (cause == WIRE_CAUSE_NONE)
		emit_add(p->target->counts.bytes_sent, n);
	__u64 flags = emit_flags(size);

	if (cause != WIRE_CAUSE_NONE || p->target->flags & STATE_CALIBRATE)
		bpf_ringbuf_discard_dynptr(&d, flags);
	else
		bpf_ringbuf_submit_dynptr(&d, flags);
	return cause;
}

/* The room for n bytes in a record of a constant size. The compiler must leave it a chain: then the verifier knows which
 * constant it is on each path, and one piece of code serves them all. */
#define PIECE_ROOM(bytes)       \
	if (n > (bytes) / 2)    \
		room = (bytes); \
	compat_opaque(room)

static __always_inline __u64 piece_room(__u64 n, bool any)
{
	__u64 room = 64;

	PIECE_ROOM(128);
	PIECE_ROOM(256);
	PIECE_ROOM(512);
	PIECE_ROOM(1024);
	if (any) {
		PIECE_ROOM(2048);
		PIECE_ROOM(4096);
		PIECE_ROOM(8192);
		PIECE_ROOM(16384);
	}
	return room;
}

/* The same in a record of a constant size; what the ring keeps beyond head.size is nobody's. Cheaper than an exact one:
 * two helpers' calls less, and one copy in place of two. any: n may be above PIECE_PLAIN_MAX; a constant. */
static __always_inline __u32 piece_plain(struct piece *p, __u64 call_off, __u64 n, bool any)
{
	__u64 room = piece_room(n, any);
	struct wire_tls_data *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + room, 0);

	if (!rec)
		return WIRE_CAUSE_RING_FULL;
	piece_fill(rec, p, call_off, n);
	compat_opaque(n);
	if (n > room)
		n = room;
	__u64 pad = (n - 1) & ~7ull; /* clamped by itself: older verifiers do not learn n > 0 from n != 0 */

	compat_opaque(pad);
	if (pad > room - 8)
		pad = room - 8;
	*(__u64 *)(rec->payload + pad) = 0;
	if (bpf_probe_read_user(rec->payload, n, (void *)(p->call->buffer + call_off))) {
		emit_discard(rec, sizeof(*rec) + room);
		return WIRE_CAUSE_FAULT;
	}
	emit_add(p->target->counts.bytes_sent, n);
	emit_submit(rec, sizeof(*rec) + room, p->target->flags);
	return WIRE_CAUSE_NONE;
}

static __always_inline void piece_lost(struct piece *p, __u32 cause, __u64 n)
{
	struct wire_side *side = piece_side(p);

	emit_lost_bytes(p->target, cause, n);
	if (!side->hole_cause)
		side->hole_cause = cause;
	if (!p->call->lib)
		p->call->lib = cause;
}

/* Sends the index-th piece, or counts it as missing. `exact`: a constant. */
static __always_inline void piece_send(struct piece *p, __u32 index, bool exact)
{
	__u64 call_off = (__u64)index * WIRE_PIECE_MAX;
	__u64 n = p->call->head - call_off;

	if (call_off >= p->call->head) {
		call_off = p->call->num - p->call->tail;
		n = p->call->tail;
	}
	compat_opaque(n);
	if (n > WIRE_PIECE_MAX)
		n = WIRE_PIECE_MAX;
	__u32 cause = exact && n > PIECE_PLAIN_MAX ? piece_exact(p, call_off, n)
						   : piece_plain(p, call_off, n, !exact);

	if (cause == WIRE_CAUSE_NONE)
		piece_side(p)->hole_cause = 0;
	else
		piece_lost(p, cause, n);
}

#endif
