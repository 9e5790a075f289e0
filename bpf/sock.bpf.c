/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The witness: how many bytes the TCP connections of a traced process moved, whoever encrypted them, to be held against
 * what the TLS probes saw. Counts only; never looks at content. Knows connections that the process made while it was
 * traced and those that it had when it was attached to, not those that it accepted.
 *
 * inet_sock_set_state: 4.16. A connection is filed under the process that called connect() (SYN_SENT: the one state that
 * is entered by the caller); it is looked at whenever its state changes, and when the attacher walks `socks`.
 */
#include "file.bpf.h"
#include "filter.bpf.h"
#include "sock.bpf.h"

#define SOCK_IPPROTO_TCP 6
#define SOCK_ESTABLISHED 1
#define SOCK_SYN_SENT	 2
#define SOCK_CLOSE	 7
#define SOCK_FLIGHT_MAX	 (1u << 30) /* no window is larger: a difference beyond is a torn reading */

static __always_inline bool sock_name(struct state_sock *x, struct sock *sk)
{
	x->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	x->lport = BPF_CORE_READ(sk, __sk_common.skc_num);
	x->pport = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (x->family == CONN_AF_INET)
		bpf_core_read(x->peer, 4, &sk->__sk_common.skc_daddr);
	else if (x->family == CONN_AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		bpf_core_read(x->peer, 16, &sk->__sk_common.skc_v6_daddr);
	else
		return false;
	return true;
}

/* What the program gave to the connection and took from it: without what it never read. */
static __always_inline void sock_moved(struct sock *sk, __u64 *sent, __u64 *received)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u32 flight = BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_una);
	__u32 unread = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);

	*sent = BPF_CORE_READ(tp, bytes_acked);
	*received = BPF_CORE_READ(tp, bytes_received);
	if (flight < SOCK_FLIGHT_MAX)
		*sent += flight;
	if (unread < SOCK_FLIGHT_MAX)
		*received = *received > unread ? *received - unread : 0;
}

/* Adds what the connection moved since the last look. */
static __always_inline void sock_look(struct state_sock *x, struct sock *sk)
{
	struct state_process who = {.start_ns = x->start_ns, .pid = x->pid};
	struct state_wire *wire = bpf_map_lookup_elem(&wires, &who);
	__u64 sent, received;

	sock_moved(sk, &sent, &received);
	if (!wire)
		return;
	if (sent > x->sent) {
		emit_add(wire->sent, sent - x->sent);
		x->sent = sent;
	}
	if (received > x->received) {
		emit_add(wire->received, received - x->received);
		x->received = received;
	}
	if (x->sent + x->received - x->before <= wire->most)
		return;
	wire->most = x->sent + x->received - x->before;
	wire->family = x->family;
	wire->pport = x->pport;
	__builtin_memcpy(wire->peer, x->peer, sizeof(wire->peer));
}

static __always_inline void sock_file(struct sock *sk, struct state_target *target, __u32 tgid, bool is_old)
{
	struct state_sock x = {.start_ns = target->start_ns, .pid = tgid};
	__u64 key = (__u64)sk;

	if (!sock_name(&x, sk) || !sock_wire(target->start_ns, tgid))
		return;
	if (is_old) {
		sock_moved(sk, &x.sent, &x.received);
		x.before = x.sent + x.received;
	}
	/* A full map: the witness then says less than there was, never more. */
	bpf_map_update_elem(&socks, &key, &x, is_old ? BPF_NOEXIST : BPF_ANY);
}

/* Once for each connection that was established. */
static __always_inline void sock_count(struct state_sock *x)
{
	struct state_process who = {.start_ns = x->start_ns, .pid = x->pid};
	struct state_wire *wire = bpf_map_lookup_elem(&wires, &who);

	if (wire)
		emit_add(wire->conns, 1);
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(sock_state, struct sock *sk, int before, int after)
{
	__u64 key = (__u64)sk;

	if (filter_closed)
		return 0;
	if (after == SOCK_SYN_SENT) {
		struct state_target *target = filter_current();

		if (!target || target->flags & STATE_CALIBRATE ||
		    BPF_CORE_READ(sk, sk_protocol) != SOCK_IPPROTO_TCP)
			return 0;
		sock_file(sk, target, bpf_get_current_pid_tgid() >> 32, false);
		return 0;
	}
	struct state_sock *x = bpf_map_lookup_elem(&socks, &key);

	if (!x)
		return 0;
	if (after == SOCK_ESTABLISHED) {
		sock_name(x, sk); /* the local port is chosen after SYN_SENT */
		sock_count(x);
		return 0;
	}
	if (before != SOCK_SYN_SENT)
		sock_look(x, sk);
	if (after == SOCK_CLOSE)
		bpf_map_delete_elem(&socks, &key);
	return 0;
}

/* ---- walks ---- */

struct sock_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct sock_element {
	struct sock_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

/* Every connection in `socks`, before its process's sum is read. */
SEC("iter/bpf_map_elem")
int sock_walk(struct sock_element *ctx)
{
	__u64 *at = ctx->key;
	struct state_sock now = {0};

	if (!at || !ctx->value)
		return 0;
	__u64 key = *at;
	struct state_sock *x = bpf_map_lookup_elem(&socks, &key);
	struct sock *sk = (struct sock *)key;

	/* Another one may live there since: its end was missed. */
	if (!x || !sock_name(&now, sk) || now.lport != x->lport || now.pport != x->pport ||
	    BPF_CORE_READ(sk, __sk_common.skc_state) == SOCK_SYN_SENT)
		return 0;
	sock_look(x, sk);
	return 0;
}

struct sock_descriptor {
	struct sock_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

/* Connections that traced processes have already: what they moved before does not count. */
SEC("iter/task_file")
int sock_files(struct sock_descriptor *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file)
		return 0;
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct state_target *target = filter_find(tgid, task);

	if (!target || (BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u64 key = (__u64)sk;

	if ((family != CONN_AF_INET && family != CONN_AF_INET6) ||
	    BPF_CORE_READ(sk, sk_protocol) != SOCK_IPPROTO_TCP ||
	    BPF_CORE_READ(sk, __sk_common.skc_state) != SOCK_ESTABLISHED || bpf_map_lookup_elem(&socks, &key))
		return 0;
	sock_file(sk, target, tgid, true);
	struct state_sock *x = bpf_map_lookup_elem(&socks, &key);

	if (x)
		sock_count(x);
	return 0;
}
