/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections: one SSL object of one image of one process, from first sight to SSL_free. */
#ifndef BOTTRACE_CONN_BPF_H
#define BOTTRACE_CONN_BPF_H

#include "emit.bpf.h"
#include "file.bpf.h"
#include "filter.bpf.h"
#include "policy.bpf.h"
#include "sock.bpf.h"

/* The last word on a connection; its entry in `conns` is the caller's to delete. */
static __always_inline void conn_finish(const struct state_conn_key *key, struct state_conn *conn,
					__u32 target_flags)
{
	struct wire_counts *counts = emit_counts(key->tgid, conn->start_ns);
	struct wire_tls_close *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (rec) {
		__u64 pid_tgid = (__u64)key->tgid << 32 | (__u32)bpf_get_current_pid_tgid();

		emit_head(&rec->head, sizeof(*rec), WIRE_TLS_CLOSE, bpf_ktime_get_ns(), pid_tgid,
			  conn->start_ns);
		rec->conn.ssl = key->ssl;
		rec->conn.generation = conn->generation;
		rec->side[WIRE_READ] = conn->side[WIRE_READ];
		rec->side[WIRE_WRITE] = conn->side[WIRE_WRITE];
		if (counts)
			emit_add(counts->events_sent, 1);
		emit_submit(rec, sizeof(*rec), target_flags);
		return;
	}
	if (counts)
		emit_add(counts->events_lost[WIRE_CAUSE_RING_FULL], 1);
	struct state_conn_final final = {.ssl = key->ssl,
					 .generation = conn->generation,
					 .start_ns = conn->start_ns,
					 .pid = key->tgid};

	bpf_map_update_elem(&conn_finals, &final, conn->side, BPF_ANY);
}

/* Finds or begins the connection of an SSL pointer; NULL when the map is full. A pointer that an earlier process or
 * image had is another connection. */
static __always_inline struct state_conn *conn_get(struct state_target *target,
						   const struct state_conn_key *key)
{
	struct state_conn *conn = bpf_map_lookup_elem(&conns, key);

	if (conn) {
		if (conn->start_ns == target->start_ns && conn->epoch == target->epoch)
			return conn;
		conn_finish(key, conn, target->flags);
	}
	struct state_conn fresh = {.start_ns = target->start_ns, .epoch = target->epoch, .fd = -1};

	fresh.generation = bpf_ktime_get_ns();
	if (!policy_samples(key->ssl, fresh.generation, target->flags))
		fresh.flags = STATE_CONN_OUT;
	bpf_map_update_elem(&conns, key, &fresh, BPF_ANY);
	sock_talk(target->start_ns, key->tgid);
	return bpf_map_lookup_elem(&conns, key);
}

/* The socket behind a descriptor of the current process, or NULL. */
static __always_inline struct sock *conn_sock(__s32 fd)
{
	struct file *file = file_find(fd);

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk);
}

/* rec: a struct wire_tls_conn or wire_plain_conn */
#define conn_addresses(rec, sk)                                                               \
	do {                                                                                  \
		__u16 family_ = BPF_CORE_READ(sk, __sk_common.skc_family);                    \
                                                                                              \
		if (family_ == CONN_AF_INET) {                                                \
			bpf_core_read((rec)->local, 4, &(sk)->__sk_common.skc_rcv_saddr);     \
			bpf_core_read((rec)->peer, 4, &(sk)->__sk_common.skc_daddr);          \
		} else if (family_ == CONN_AF_INET6 &&                                        \
			   bpf_core_field_exists((sk)->__sk_common.skc_v6_daddr)) {           \
			bpf_core_read((rec)->local, 16, &(sk)->__sk_common.skc_v6_rcv_saddr); \
			bpf_core_read((rec)->peer, 16, &(sk)->__sk_common.skc_v6_daddr);      \
		} else {                                                                      \
			break;                                                                \
		}                                                                             \
		(rec)->family = family_;                                                      \
		(rec)->lport = BPF_CORE_READ(sk, __sk_common.skc_num);                        \
		(rec)->pport = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));   \
	} while (0)

/* Says what is known of a connection, before its first data and once more when its descriptor became known. What
 * cannot be said now is tried again at the next call. */
static __always_inline void conn_tell(struct state_target *target, const struct state_conn_key *key,
				      struct state_conn *conn, __u64 ts_ns)
{
	__u32 told = conn->fd >= 0 ? 2 : 1;

	if (conn->told >= told)
		return;
	struct wire_tls_conn *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	emit_head(&rec->head, sizeof(*rec), WIRE_TLS_CONN, ts_ns, bpf_get_current_pid_tgid(),
		  target->start_ns);
	rec->conn.ssl = key->ssl;
	rec->conn.generation = conn->generation;
	rec->lib = conn->lib;
	rec->fd = conn->fd;
	struct sock *sk = conn_sock(conn->fd);

	if (sk)
		conn_addresses(rec, sk);
	conn->told = told;
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), target->flags);
}

#endif
