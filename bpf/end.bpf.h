/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which end of a socket or pipe stands behind a descriptor, and which other end it has. */
#ifndef BOTTRACE_END_BPF_H
#define BOTTRACE_END_BPF_H

#include "conn.bpf.h"

#define END_AF_UNIX 1
#define END_STREAM  1 /* SOCK_STREAM */
#define END_TCP	    6
#define END_MPTCP   262

/* What stands behind a descriptor. The open file is what a connection is known by: it is the one thing that costs
 * little to find. */
struct end {
	struct file *file;
	struct inode *inode;
	struct sock *sk; /* NULL: a pipe */
	__u32 transport; /* enum wire_transport; WIRE_TLS: nothing that we read */
};

static __always_inline void end_find(struct end *e, __s32 fd)
{
	struct file *file = file_find(fd);

	e->file = file;
	e->inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
}

static __always_inline __u32 end_transport(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	if (family == END_AF_UNIX)
		return WIRE_UNIX;
	if ((family == CONN_AF_INET || family == CONN_AF_INET6) &&
	    (protocol == END_TCP || protocol == (__u16)END_MPTCP))
		return WIRE_TCP;
	return WIRE_TLS;
}

/* What it is, once it is found. */
static __always_inline void end_look(struct end *e)
{
	struct file *file = e->file;
	struct inode *inode = e->inode;

	e->sk = NULL;
	e->transport = WIRE_TLS;
	if (!inode)
		return;
	__u32 type = BPF_CORE_READ(inode, i_mode) & FILE_TYPE;

	if (type == FILE_PIPE)
		e->transport = WIRE_PIPE;
	if (type != FILE_SOCKET)
		return;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);

	e->sk = sk;
	if (sk && BPF_CORE_READ(socket, type) == END_STREAM)
		e->transport = end_transport(sk);
}

static __always_inline __u64 end_ino(struct file *file)
{
	return file ? BPF_CORE_READ(file, f_inode, i_ino) : 0;
}

static __always_inline struct sock *end_peer(struct sock *sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;

	return bpf_core_field_exists(u->peer) ? BPF_CORE_READ(u, peer) : NULL;
}

static __always_inline __u64 end_peer_ino(struct sock *sk)
{
	struct sock *peer = end_peer(sk);
	struct socket *socket = peer ? BPF_CORE_READ(peer, sk_socket) : NULL;

	return socket ? end_ino(BPF_CORE_READ(socket, file)) : 0;
}

#endif
