/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets and pipes that carry no TLS: what a system call moved, copied when it returns. The registers still hold its
 * arguments then, so one tracepoint does; it is attached only when asked for, because every system call of the host
 * runs it, and a stranger's goes no further than its mark.
 *
 * Which bytes: TCP, Unix stream sockets, pipes. A call that begins like a TLS record ends the interest in its
 * connection: those bytes come from the library. Unless `plain_all` is set, a connection is heard from the first call on
 * that begins like HTTP or like a JSON object; one that never does costs a look a call, then less, and no record.
 */
#include "end.bpf.h"
#include "look.h"
#include "number.bpf.h"
#include "python.bpf.h"
#include "send.bpf.h"

extern volatile bool plain_all;	  /* heard however it begins */
extern volatile bool plain_whole; /* nobody is on trial: every byte is wanted */
extern volatile __u32
	plain_turn; /* how often we came back: what was begun before has holes that nobody counted */

#define PLAIN_TRIES 64 /* see struct state_conn: then a connection is deaf */
#define PLAIN_BLOCK 32 /* buffers of a call: blocks of blocks, up to UIO_MAXIOV; see send.bpf.c */

/* Of struct iovec and struct user_msghdr. */
#define PLAIN_VECTOR_BYTES 16
#define PLAIN_MSG_VECTOR   16

#define PLAIN_MSG_UNMOVED 0x2003 /* MSG_OOB | MSG_PEEK | MSG_ERRQUEUE: nothing of the stream was taken */
#define PLAIN_MSG_TRUNC	  0x20	 /* taken, but not into the buffer */

/* ---- connections ---- */

static __always_inline __u32 plain_epoch(const struct state_target *target)
{
	return target->epoch + (plain_turn << 20);
}

static __noinline void plain_finish(const struct state_conn_key *key, struct state_conn *conn,
				    __u32 target_flags)
{
	if (!conn->transport || conn->heard)
		conn_finish(key, conn, target_flags);
}

/* The descriptor means something else from now on. */
static __always_inline void plain_close(struct state_target *target, __u32 tgid, __s32 fd)
{
	struct state_descriptor d = {.tgid = tgid, .fd = fd};
	struct state_conn_key key = {.tgid = tgid};
	__u64 *id = bpf_map_lookup_elem(&descriptors, &d);

	/* The descriptor was given out again before the call that closed it returned. */
	if (!id || *id == (__u64)file_find(fd))
		return;
	key.ssl = *id;
	bpf_map_delete_elem(&descriptors, &d);
	struct state_conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn || conn->fd != fd)
		return; /* it is known by another one as well */
	plain_finish(&key, conn, target->flags);
	bpf_map_delete_elem(&conns, &key);
}

/* A frame of its own: the stack below is needed where bytes are sent. 0, or the map is full. */
static __noinline long plain_begin(struct state_target *target, const struct state_conn_key *key, __s32 fd,
				   __u64 ino, __u32 transport)
{
	struct state_descriptor d = {.tgid = key->tgid, .fd = fd};

	plain_close(target, key->tgid, fd); /* dup2() and close_range() tell nothing */
	struct state_conn fresh = {.start_ns = target->start_ns,
				   .epoch = plain_epoch(target),
				   .fd = fd,
				   .transport = transport,
				   .ino = ino};

	fresh.generation = bpf_ktime_get_ns();
	if (!policy_samples(key->ssl, fresh.generation, target->flags))
		fresh.flags = STATE_CONN_OUT;
	bpf_map_update_elem(&descriptors, &d, &key->ssl, BPF_ANY);
	/* Of two threads that are here at once, one begins it. */
	return bpf_map_update_elem(&conns, key, &fresh, BPF_NOEXIST);
}

/* Finds or begins the connection; NULL: it is nothing that we read, or the map is full. */
static __always_inline struct state_conn *
plain_conn(struct state_target *target, const struct state_conn_key *key, struct end *e, __s32 fd)
{
	struct state_conn *conn = bpf_map_lookup_elem(&conns, key);
	struct inode *inode = e->inode;
	__u64 ino = conn ? BPF_CORE_READ(inode, i_ino) : 0;

	if (conn && conn->ino == ino && conn->start_ns == target->start_ns &&
	    conn->epoch == plain_epoch(target))
		return conn;
	if (conn) {
		plain_finish(key, conn, target->flags);
		bpf_map_delete_elem(&conns, key);
	}
	end_look(e);
	if (e->transport == WIRE_TLS)
		return NULL;
	plain_begin(target, key, fd, BPF_CORE_READ(inode, i_ino), e->transport);
	return bpf_map_lookup_elem(&conns, key);
}

/* Its bytes are seen here: they are no matter of the witness. */
static __always_inline void plain_unfile(struct state_target *target, struct sock *sk, __u32 tgid)
{
	__u64 id = (__u64)sk;
	struct state_sock *x = bpf_map_lookup_elem(&socks, &id);
	struct state_wire *wire = sock_wire(target->start_ns, tgid);

	if (!x || !wire || x->pid != tgid || x->start_ns != target->start_ns)
		return;
	emit_add(wire->conns, -1);
	emit_add(wire->received, x->before - x->sent - x->received); /* of a sum, modulo 2^64 */
	bpf_map_delete_elem(&socks, &id);
}

/* Whether that was one try too many. What is long and goes one way (an answer that we came into the middle of) is one
 * try of a socket: after it something else may be said. */
static __always_inline bool plain_tries(struct state_conn *conn, __u32 writes)
{
	__u32 wrote = conn->flags & STATE_CONN_WROTE ? PLAIN_WRITES : 0;

	if (conn->transport != WIRE_PIPE && conn->tries && wrote == writes)
		return false;
	conn->flags = writes ? conn->flags | STATE_CONN_WROTE : conn->flags & ~STATE_CONN_WROTE;
	return ++conn->tries >= PLAIN_TRIES;
}

/* Whether a call of n bytes is wanted, the first `first` of which are at `buffer`. */
static __always_inline bool plain_hears(struct state_target *target, const struct state_conn_key *key,
					struct state_conn *conn, struct end *e, __u64 buffer, __u64 first,
					__u64 n, __u32 writes)
{
	__u32 transport = conn->transport;
	bool heard = conn->heard;
	__u8 b[LOOK_BYTES] = {0};

	if (heard && transport == WIRE_PIPE)
		return true;
	if (first > n)
		first = n;
	__u64 whole = first;

	compat_opaque(first);
	if (first > sizeof(b))
		first = sizeof(b);
	bpf_probe_read_user(b, first, (void *)buffer);
	if (transport != WIRE_PIPE && look_is_tls(b, n, heard)) {
		conn->deaf = 1;
		return false;
	}
	if (heard)
		return true;
	if (!plain_all && !look_is_known(b, whole, transport)) {
		if (plain_tries(conn, writes))
			conn->deaf = 1;
		return false;
	}
	conn->heard = 1;
	conn->flags &= ~STATE_CONN_WROTE;
	if (!look_is_capital(b[0])) /* lines, which are worth nothing when they are cut */
		conn->flags |=
			plain_all || plain_whole ? STATE_CONN_WHOLE : STATE_CONN_WHOLE | STATE_CONN_TRIAL;
	end_look(e);
	if (transport == WIRE_TCP)
		plain_unfile(target, e->sk, key->tgid);
	return true;
}

/* The name of a Unix socket, or of its peer: whoever was bound. */
static __always_inline void plain_name(struct wire_plain_conn *rec, struct sock *sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;

	if (!bpf_core_field_exists(u->addr))
		return;
	struct unix_address *addr = BPF_CORE_READ(u, addr);

	if (!addr) {
		u = (struct unix_sock *)end_peer(sk);
		addr = u ? BPF_CORE_READ(u, addr) : NULL;
	}
	if (!addr)
		return;
	__u32 len = BPF_CORE_READ(addr, len) - 2; /* sun_family */

	if (len > WIRE_UNIX_PATH_MAX)
		return;
	struct sockaddr_un *name = (void *)addr + bpf_core_field_offset(addr->name);

	if (bpf_probe_read_kernel(rec->path, WIRE_UNIX_PATH_MAX, name->sun_path) == 0)
		rec->path_len = len;
}

static __always_inline void plain_tell(struct state_target *target, const struct state_conn_key *key,
				       struct state_conn *conn, const struct end *e, __u32 dir, __u64 ts_ns)
{
	struct wire_plain_conn *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	emit_head(&rec->head, sizeof(*rec), WIRE_PLAIN_CONN, ts_ns, bpf_get_current_pid_tgid(),
		  target->start_ns);
	rec->head.flags = dir;
	rec->conn.ssl = key->ssl;
	rec->conn.generation = conn->generation;
	rec->transport = e->transport;
	rec->fd = conn->fd;
	rec->ino = conn->ino;
	struct sock *sk = e->sk;

	if (e->transport == WIRE_TCP)
		conn_addresses(rec, sk);
	if (e->transport == WIRE_UNIX) {
		rec->peer_ino = end_peer_ino(sk);
		plain_name(rec, sk);
	}
	conn->told = 2;
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), target->flags);
}

/* ---- bytes ---- */

static __always_inline void plain_sum(struct state_target *target, __u32 tgid, __u64 n)
{
	struct state_wire *wire = sock_wire(target->start_ns, tgid);

	if (!wire)
		return;
	emit_add(wire->plain, n);
	emit_add(wire->plain_calls, 1);
}

/* Atomically: of pipes and sockets threads may move bytes at the same time. `bytes` last: who reads it has seen what of
 * them was skipped. */
static __always_inline void plain_count(struct wire_side *side, __u64 n, __u64 skipped)
{
	emit_add(side->calls, 1);
	if (skipped)
		emit_add(side->skipped, skipped);
	emit_add(side->bytes, n);
}

/* One buffer of the system call that the thread returns from. */
__noinline int plain_buffer(__u32 index)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct state_conn_key key = {.tgid = pid_tgid >> 32};
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);
	struct piece p = {.target = bpf_map_lookup_elem(&targets, &key.tgid)};
	__u64 vector[2] = {0, 0};
	__u64 skipped;

	if (!c || !p.target)
		return 0;
	p.call = &c->slot[STATE_CALL_DEPTH];
	key.ssl = p.call->ssl;
	p.conn = bpf_map_lookup_elem(&conns, &key);
	if (!p.conn)
		return 0;
	p.call->num = c->left;
	if (c->vector) { /* unreadable: all that is left is at 0, where nothing is */
		if (bpf_probe_read_user(vector, sizeof(vector),
					(void *)(c->vector + index * PLAIN_VECTOR_BYTES)))
			vector[1] = c->left;
		p.call->buffer = vector[0];
		if (vector[1] < p.call->num)
			p.call->num = vector[1];
	}
	__u64 n = p.call->num;

	if (!n)
		return 0;
	c->left -= n;
	emit_add(p.target->counts.entered, 1);
	emit_add(p.target->counts.returned, 1);
	emit_add(p.target->counts.bytes_seen, n);
	plain_sum(p.target, key.tgid, n);
	if (send_begin(&p, &skipped)) {
		send_pieces(piece_count(p.call));
		send_end(&p);
	}
	if (skipped)
		emit_add(p.target->counts.bytes_skipped, skipped);
	plain_count(piece_side(&p), n, skipped);
	send_count(p.conn, call_dir(p.call->fn), n, n - skipped);
	return 0;
}

__noinline int plain_block(__u32 from)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);

	for (__u32 i = 0; c && i < PLAIN_BLOCK; i++) {
		if (!*(volatile __u64 *)&c->left)
			break;
		plain_buffer(from + i);
	}
	return 0;
}

/* n bytes that went by without a call's slot. */
static __always_inline void plain_passed(struct state_target *target, __u32 tgid, __u64 n)
{
	emit_add(target->counts.entered, 1);
	emit_add(target->counts.returned, 1);
	emit_add(target->counts.bytes_seen, n);
	plain_sum(target, tgid, n);
}

static __always_inline void plain_lost(struct state_target *target, struct state_conn *conn, __u32 tgid,
				       __u32 fn, __u64 n)
{
	struct wire_side *side = &conn->side[call_dir(fn)];

	plain_passed(target, tgid, n);
	emit_lost_bytes(target, WIRE_CAUSE_MAP_FULL, n);
	emit_lost_call(target, WIRE_CAUSE_MAP_FULL);
	if (!side->hole_cause)
		side->hole_cause = WIRE_CAUSE_MAP_FULL;
	plain_count(side, n, 0);
}

/* A file's bytes are no conversation; they are left out, in their place. */
static __always_inline void plain_file(struct state_target *target, struct state_conn *conn, __u32 tgid,
				       __u64 n)
{
	plain_passed(target, tgid, n);
	emit_left_call(target, WIRE_CAUSE_FILTERED);
	emit_add(target->counts.bytes_skipped, n);
	plain_count(&conn->side[WIRE_WRITE], n, n);
}

/* vector: 0, or where the buffers stand that the n bytes went through. */
static __always_inline void plain_pass_on(struct state_target *target, const struct state_conn_key *key,
					  struct state_conn *conn, __u64 pid_tgid, __u32 fn, __u64 buffer,
					  __u64 vector, __u64 n, __u64 now)
{
	struct state_calls *c = call_get(target, pid_tgid);

	if (!c) {
		plain_lost(target, conn, key->tgid, fn, n);
		return;
	}
	struct state_call *call = &c->slot[STATE_CALL_DEPTH];

	call->ssl = key->ssl;
	call->buffer = buffer;
	call->out = now;
	call->ts_ns = now;
	call->fn = fn;
	c->at = STATE_CALL_DEPTH;
	c->vector = vector;
	c->left = n;
	if (!vector) {
		plain_buffer(0);
		return;
	}
	for (__u32 i = 0; i < PLAIN_BLOCK; i++) {
		if (!*(volatile __u64 *)&c->left)
			break;
		plain_block(i * PLAIN_BLOCK);
	}
}

/* ---- programs ---- */

/* Where the system call's bytes are: buffer[0] of the first one (0: not known), buffer[1] its size at most, *vector of
 * the buffers or 0. False: it moved nothing of a stream. */
static __always_inline bool plain_arguments(const struct plain_registers *r, struct pt_regs *regs, __u32 kind,
					    __u64 buffer[2], __u64 *vector)
{
	__u64 flags = 0;

	buffer[0] = kind & PLAIN_MSG ? 0 : r->si;
	buffer[1] = ~0ull;
	*vector = 0;
	if (kind & PLAIN_FLAGS)
		flags = plain_fourth(regs);
	if (kind & PLAIN_MSG)
		flags = r->dx;
	if (!(kind & PLAIN_WRITES) && flags & PLAIN_MSG_UNMOVED)
		return false;
	if (kind & PLAIN_VECTOR)
		*vector = r->si;
	if (kind & PLAIN_MSG &&
	    bpf_probe_read_user(vector, sizeof(*vector), (void *)(r->si + PLAIN_MSG_VECTOR)))
		return false;
	if (*vector && bpf_probe_read_user(buffer, PLAIN_VECTOR_BYTES, (void *)*vector))
		buffer[0] = 0;
	if (!(kind & PLAIN_WRITES) && flags & PLAIN_MSG_TRUNC)
		buffer[0] = *vector = 0;
	return true;
}

/* Whether the Python stack belongs to it. */
static __always_inline bool plain_moved(struct state_target *target, __u64 pid_tgid,
					const struct plain_registers *r, struct pt_regs *regs, __u32 kind,
					__u64 n)
{
	struct state_conn_key key = {.tgid = pid_tgid >> 32};
	struct end e;
	__u64 buffer[2], vector;

	end_find(&e, r->di);
	if (!e.inode)
		return false;
	key.ssl = (__u64)e.file;
	struct state_conn *conn = plain_conn(target, &key, &e, r->di);

	if (!conn || conn->deaf)
		return false;
	if (kind & PLAIN_FILE) {
		if (conn->heard)
			plain_file(target, conn, key.tgid, n);
		return false;
	}
	if (!plain_arguments(r, regs, kind, buffer, &vector) ||
	    !plain_hears(target, &key, conn, &e, buffer[0], buffer[1], n, kind & PLAIN_WRITES))
		return false;
	__u64 now = bpf_ktime_get_ns(), offset = conn->side[WIRE_WRITE].bytes;

	bool due = python_is_due(target, key.tgid, conn, kind & PLAIN_WRITES ? WIRE_WRITE : WIRE_READ,
				 conn->transport == WIRE_PIPE);

	if (conn->told != 2) {
		end_look(&e);
		plain_tell(target, &key, conn, &e, kind & PLAIN_WRITES ? WIRE_WRITE : WIRE_READ, now);
	}
	plain_pass_on(target, &key, conn, pid_tgid,
		      kind & PLAIN_WRITES ? WIRE_FN_PLAIN_WRITE : WIRE_FN_PLAIN_READ, buffer[0], vector, n,
		      now);
	struct state_call *done = due ? send_slot(pid_tgid) : NULL;

	if (done)
		done->ts_ns = offset; /* the call is over: python.bpf.c */
	return done;
}

SEC("?raw_tp/sys_exit")
int BPF_PROG(plain_call, struct pt_regs *regs, long result)
{
	struct plain_registers r;
	__u64 pid_tgid;
	bool due = false;

	if (!filter_is_marked())
		return 0;
	spend_syscall();
	if (result < 0 || !plain_read_registers(&r, regs))
		return 0;
	__u32 kind = plain_kind(r.nr);

	if (kind == PLAIN_NOTHING || (result == 0 && kind != PLAIN_CLOSE))
		return 0;
	struct state_target *target = filter_thread(&pid_tgid);

	if (!target || target->flags & STATE_CALIBRATE)
		return 0;
	spend_syscall();
	if (kind == PLAIN_CLOSE)
		plain_close(target, pid_tgid >> 32, r.di);
	else
		due = plain_moved(target, pid_tgid, &r, regs, kind, result);
	if (due)
		python_go_plain(ctx);
	return 0;
}

static __always_inline void plain_stdio(__u64 *ino, __u64 *peer_ino, __s32 fd)
{
	struct end e;

	end_find(&e, fd);
	end_look(&e);
	if (e.transport != WIRE_PIPE && e.transport != WIRE_UNIX)
		return;
	*ino = end_ino(e.file);
	if (e.transport == WIRE_UNIX)
		*peer_ino = end_peer_ino(e.sk);
}

SEC("?raw_tp/sched_process_exec")
int BPF_PROG(plain_exec, struct task_struct *task)
{
	struct state_target *target = filter_current();
	__u64 ino[2] = {0, 0}, peer[2] = {0, 0};

	if (!target || target->flags & STATE_CALIBRATE)
		return 0;
	plain_stdio(&ino[0], &peer[0], 0);
	plain_stdio(&ino[1], &peer[1], 1);
	if (!ino[0] || !ino[1])
		return 0;
	struct wire_proc_stdio *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return 0;
	}
	emit_head(&rec->head, sizeof(*rec), WIRE_PROC_STDIO, bpf_ktime_get_ns(), bpf_get_current_pid_tgid(),
		  target->start_ns);
	rec->ino[0] = ino[0];
	rec->ino[1] = ino[1];
	rec->peer_ino[0] = peer[0];
	rec->peer_ino[1] = peer[1];
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), target->flags);
	return 0;
}
