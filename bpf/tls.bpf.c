/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * OpenSSL's doors: remember a call at entry, copy what it moved at return.
 *
 * Two sets of programs, one of which is loaded. tls_enter and tls_return want bpf_get_attach_cookie and bpf_loop
 * (5.17): one program for all functions, and the cookie says which function of which library it is. Older kernels get
 * a tls_enter_FUNCTION each, which does not know its library, and tls_return_plain. In either set return probes go on
 * before entry probes; they come off after them, or once tls_ending is set: no entry waits for a return that nobody
 * sees. tls_call, where the kernel has uprobe sessions, is both at once.
 */
#include "call.bpf.h"
#include "conn.bpf.h"
#include "piece.bpf.h"
#include "python.bpf.h"
#include "send.bpf.h"

/* Set by the attacher before it takes the probes away: calls that are entered now might return unseen. */
volatile __u32 tls_ending;

#define TLS_CTRL_SET_SNI 55 /* SSL_CTRL_SET_TLSEXT_HOSTNAME, openssl/tls1.h */

/* A connection changes its library hardly ever: one look into a map for each. */
static __always_inline void tls_set_library(struct state_target *target, const struct state_conn_key *key,
					    struct state_conn *conn, __u32 lib)
{
	if (conn->lib == lib)
		return;
	conn->lib = lib;
	sock_library(target->start_ns, key->tgid, lib);
}

/* ---- entry ---- */

static __always_inline bool tls_enter_data(struct pt_regs *ctx, struct state_target *target, __u64 pid_tgid,
					   __u32 fn, __u32 lib)
{
	if (tls_ending)
		return false;
	struct state_call call = {
		.ssl = PT_REGS_PARM1(ctx),
		.buffer = PT_REGS_PARM2(ctx),
		.num = PT_REGS_PARM3(ctx),
		.lib = lib,
		.fn = fn,
	};

	if (fn == WIRE_FN_SSL_READ_EX || fn == WIRE_FN_SSL_WRITE_EX)
		call.out = PT_REGS_PARM4(ctx);
	else if (fn == WIRE_FN_SSL_WRITE_EX2) /* (ssl, buf, num, flags, *written) */
		call.out = PT_REGS_PARM5(ctx);
	else
		call.num = (__u32)call.num; /* an int: the register's upper half is anybody's */
	call.ts_ns = bpf_ktime_get_ns();
	return call_enter(target, pid_tgid, PT_REGS_SP(ctx), &call);
}

static __always_inline void tls_free(struct state_target *target, const struct state_conn_key *key)
{
	struct state_conn *conn = bpf_map_lookup_elem(&conns, key);

	if (!conn)
		return;
	conn_finish(key, conn, target->flags);
	bpf_map_delete_elem(&conns, key);
}

static __always_inline void tls_set_fd(struct state_target *target, const struct state_conn_key *key,
				       __s32 fd, __u32 lib)
{
	struct state_conn *conn = conn_get(target, key);

	if (!conn) /* the connection's data will be counted as map_full */
		return;
	tls_set_library(target, key, conn, lib);
	if (conn->fd != fd && conn->told == 2)
		conn->told = 1;
	conn->fd = fd;
}

static __always_inline void tls_set_sni(struct state_target *target, const struct state_conn_key *key,
					__u64 name, __u32 lib)
{
	struct state_conn *conn = conn_get(target, key);

	if (!name)
		return;
	if (!conn) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_MAP_FULL], 1);
		return;
	}
	tls_set_library(target, key, conn, lib);
	if (policy_is_throttled(target, bpf_ktime_get_ns(), 0)) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_THROTTLED], 1);
		return;
	}
	struct wire_tls_sni *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + WIRE_SNI_MAX, 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	__builtin_memset(rec->payload, 0, WIRE_SNI_MAX);
	long n = bpf_probe_read_user_str(rec->payload, WIRE_SNI_MAX, (void *)name);

	if (n <= 1 || n > WIRE_SNI_MAX) { /* 1: an empty name takes the name back; nothing to tell */
		emit_discard(rec, sizeof(*rec) + WIRE_SNI_MAX);
		if (n != 1)
			emit_add(target->counts.events_lost[WIRE_CAUSE_FAULT], 1);
		return;
	}
	emit_head(&rec->head, emit_round(sizeof(*rec) + n - 1), WIRE_TLS_SNI, bpf_ktime_get_ns(),
		  bpf_get_current_pid_tgid(), target->start_ns);
	rec->conn.ssl = key->ssl;
	rec->conn.generation = conn->generation;
	rec->len = n - 1; /* without the NUL */
	rec->pad = 0;
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec) + WIRE_SNI_MAX, target->flags);
}

/* A read of a muted connection, where the governor wants even less done: counted here, whatever it will move. */
static __always_inline bool tls_leaves(struct state_target *target, const struct state_conn_key *key,
				       __u32 fn)
{
	if (!spend_is_bounded() || call_dir(fn) != WIRE_READ)
		return false;
	struct wire_shared *s = policy_shared();

	if (!s || !s->blunt)
		return false;
	struct state_conn *conn = bpf_map_lookup_elem(&conns, key);

	if (!conn || conn->start_ns != target->start_ns || conn->epoch != target->epoch ||
	    !policy_is_mute(conn, key->ssl))
		return false;
	conn->side[WIRE_READ].calls++;
	emit_add(target->counts.entered, 1);
	emit_add(target->counts.returned, 1);
	emit_left_call(target, WIRE_CAUSE_FILTERED);
	return true;
}

/* Whether the return of the call is of interest. */
static __always_inline bool tls_enter_any(struct pt_regs *ctx, struct state_target *target, __u64 pid_tgid,
					  __u32 fn, __u32 lib)
{
	struct state_conn_key key = {.ssl = PT_REGS_PARM1(ctx), .tgid = pid_tgid >> 32};

	if (!key.ssl)
		return false;
	if (call_is_data(fn))
		return !tls_leaves(target, &key, fn) && tls_enter_data(ctx, target, pid_tgid, fn, lib);
	if (fn == WIRE_FN_SSL_FREE)
		tls_free(target, &key);
	else if (fn == WIRE_FN_SSL_SET_FD)
		tls_set_fd(target, &key, PT_REGS_PARM2(ctx), lib);
	else if (fn == WIRE_FN_SSL_CTRL && (__s32)PT_REGS_PARM2(ctx) == TLS_CTRL_SET_SNI)
		tls_set_sni(target, &key, PT_REGS_PARM4(ctx), lib);
	return false;
}

/* ---- return ---- */

enum tls_result { TLS_EMPTY, TLS_MOVED, TLS_UNKNOWN };

/* What the call did; call->num becomes the bytes that it moved. */
static __always_inline enum tls_result tls_result(struct pt_regs *ctx, struct state_call *call)
{
	__s32 result = (__s32)PT_REGS_RC(ctx);
	__u64 n = 0;

	if (result <= 0)
		return TLS_EMPTY;
	if (call->fn == WIRE_FN_SSL_READ || call->fn == WIRE_FN_SSL_WRITE) {
		n = result;
	} else if (bpf_probe_read_user(&n, sizeof(n), (void *)call->out)) {
		if (call_dir(call->fn) == WIRE_READ)
			return TLS_UNKNOWN;
		n = call->num; /* a write that succeeded took all, but for partial writes */
	}
	if (n < call->num)
		call->num = n;
	return call->num ? TLS_MOVED : TLS_EMPTY;
}

static __noinline long tls_piece(__u32 index, struct piece *p)
{
	piece_send(p, index, compat_has_exact_records() && !force_classes);
	return 0;
}

static __always_inline void tls_send(struct piece *p)
{
	__u32 count = piece_count(p->call);

	if (count == 1)
		tls_piece(0, p);
	else
		bpf_loop(count, tls_piece, p, 0);
}

/* Sends of the call what is wanted. Returns how many bytes are not. `plain`: a constant. */
static __always_inline __u64 tls_pass_on(struct piece *p, bool plain)
{
	__u64 skipped;

	if (!send_begin(p, &skipped))
		return skipped;
	if (plain)
		send_pieces(piece_count(p->call));
	else
		tls_send(p);
	send_end(p);
	return skipped;
}

/* Files what the call moved under its connection, sends it, and counts the call once. Whether the Python stack belongs
 * to it. `plain`: a constant. */
static __always_inline bool tls_moved(struct state_target *target, struct state_call *call, bool plain)
{
	struct state_conn_key key = {.ssl = call->ssl, .tgid = bpf_get_current_pid_tgid() >> 32};
	struct state_conn *conn = conn_get(target, &key);
	__u64 n = call->num;

	emit_add(target->counts.bytes_seen, n);
	if (!conn) {
		emit_lost_bytes(target, WIRE_CAUSE_MAP_FULL, n);
		emit_lost_call(target, WIRE_CAUSE_MAP_FULL);
		return false;
	}
	if (!conn->lib && call->lib)
		sock_begun(target->start_ns, key.tgid);
	tls_set_library(target, &key, conn, call->lib);
	conn_tell(target, &key, conn, call->out);
	struct piece p = {.target = target, .conn = conn, .call = call};
	__u64 skipped = tls_pass_on(&p, plain);

	if (skipped)
		emit_add(target->counts.bytes_skipped, skipped);
	piece_side(&p)->calls++;
	piece_side(&p)->bytes += n;
	piece_side(&p)->skipped += skipped;
	bool due = skipped < n && python_is_due(target, key.tgid, conn, call_dir(call->fn), false);

	send_count(conn, call_dir(call->fn), n, n - skipped);
	return due;
}

/* The call moved data, but how much could not be read: no offset shows this hole, so its cause stands alone. */
static __always_inline void tls_fault(struct state_target *target, struct state_call *call)
{
	struct state_conn_key key = {.ssl = call->ssl, .tgid = bpf_get_current_pid_tgid() >> 32};
	struct state_conn *conn = bpf_map_lookup_elem(&conns, &key);

	emit_lost_call(target, WIRE_CAUSE_FAULT);
	if (!conn)
		return;
	conn->side[call_dir(call->fn)].calls++;
	if (!conn->side[call_dir(call->fn)].hole_cause)
		conn->side[call_dir(call->fn)].hole_cause = WIRE_CAUSE_FAULT;
}

/* Whether the Python stack belongs to what the call did. */
static __always_inline bool tls_return_any(struct pt_regs *ctx, struct state_target *target, __u64 pid_tgid,
					   bool plain)
{
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);

	if (!c || c->start_ns != target->start_ns || c->epoch != target->epoch)
		return false;
	struct state_call *call = call_return(target, c, compat_entry_sp(ctx));

	if (!call)
		return false;
	enum tls_result result = tls_result(ctx, call);

	if (result == TLS_EMPTY) {
		emit_add(target->counts.empty, 1);
		return false;
	}
	call->out = bpf_ktime_get_ns();
	if (result == TLS_MOVED)
		return tls_moved(target, call, plain);
	tls_fault(target, call);
	return false;
}

/* ---- programs ---- */

static __always_inline bool tls_enter_cookie(struct pt_regs *ctx, struct state_target *target, __u64 pid_tgid,
					     __u64 cookie)
{
	return tls_enter_any(ctx, target, pid_tgid, cookie & STATE_COOKIE_FN, cookie >> STATE_COOKIE_LIB);
}

SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	__u64 pid_tgid;
	struct state_target *target = filter_thread(&pid_tgid);

	if (!target)
		return 0;
	__u64 cookie = bpf_get_attach_cookie(ctx);

	spend_hit(call_is_data(cookie & STATE_COOKIE_FN), cookie & STATE_COOKIE_EMULATED);
	tls_enter_cookie(ctx, target, pid_tgid, cookie);
	return 0;
}

SEC("uretprobe")
int tls_return(struct pt_regs *ctx)
{
	__u64 pid_tgid;
	struct state_target *target = filter_thread(&pid_tgid);

	if (target && tls_return_any(ctx, target, pid_tgid, false))
		python_go(ctx);
	return 0;
}

/* Both in one (uprobe session, 6.13). At entry 1 says that the return is of no interest: it is then not intercepted,
 * which is half of what a stranger pays. At the return the probed address is still known, and is another one. */
SEC("?uprobe")
int tls_call(struct pt_regs *ctx)
{
	__u64 pid_tgid;
	struct state_target *target = filter_thread(&pid_tgid);

	if (!target)
		return 1;
	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx)) {
		if (tls_return_any(ctx, target, pid_tgid, false))
			python_go(ctx);
		return 0;
	}
	__u64 cookie = bpf_get_attach_cookie(ctx);
	bool wanted = tls_enter_cookie(ctx, target, pid_tgid, cookie) && !(cookie & STATE_COOKIE_ENTRY);

	spend_hit(wanted, cookie & STATE_COOKIE_EMULATED);
	return !wanted;
}

#define TLS_ENTER_PLAIN(name, fn)                                       \
	SEC("?uprobe")                                                  \
	int tls_enter_##name(struct pt_regs *ctx)                       \
	{                                                               \
		__u64 pid_tgid;                                         \
		struct state_target *target = filter_thread(&pid_tgid); \
                                                                        \
		if (!target)                                            \
			return 0;                                       \
		spend_hit(call_is_data(fn), false);                     \
		tls_enter_any(ctx, target, pid_tgid, fn, 0);            \
		return 0;                                               \
	}

TLS_ENTER_PLAIN(ssl_read, WIRE_FN_SSL_READ)
TLS_ENTER_PLAIN(ssl_read_ex, WIRE_FN_SSL_READ_EX)
TLS_ENTER_PLAIN(ssl_write, WIRE_FN_SSL_WRITE)
TLS_ENTER_PLAIN(ssl_write_ex, WIRE_FN_SSL_WRITE_EX)
TLS_ENTER_PLAIN(ssl_write_ex2, WIRE_FN_SSL_WRITE_EX2)
TLS_ENTER_PLAIN(ssl_free, WIRE_FN_SSL_FREE)
TLS_ENTER_PLAIN(ssl_ctrl, WIRE_FN_SSL_CTRL)
TLS_ENTER_PLAIN(ssl_set_fd, WIRE_FN_SSL_SET_FD)

SEC("?uretprobe")
int tls_return_plain(struct pt_regs *ctx)
{
	__u64 pid_tgid;
	struct state_target *target = filter_thread(&pid_tgid);

	if (target && tls_return_any(ctx, target, pid_tgid, true))
		python_go(ctx);
	return 0;
}
