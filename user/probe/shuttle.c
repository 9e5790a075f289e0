/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/shuttle.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- what is moved ---- */

#define TURNS 12 /* even: both ends write as often */
static const uint32_t sizes[] = {1, 5, 200, 4096, 16384, 20000};
#define SIZES	(sizeof(sizes) / sizeof(sizes[0]))
#define LARGEST 20000

uint64_t shuttle_bytes(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TURNS; i += 2)
		sum += sizes[i / 2 % SIZES];
	return sum;
}

uint8_t shuttle_byte(unsigned end, uint64_t offset)
{
	return (uint8_t)(end ? offset * 13 + (offset >> 7) + 101 : offset * 7 + (offset >> 8) + 1);
}

/* ---- less and less ---- */

static const int denied[] = {
	SCMP_SYS(bpf),	     SCMP_SYS(perf_event_open),
	SCMP_SYS(ptrace),    SCMP_SYS(process_vm_readv),
	SCMP_SYS(socket),    SCMP_SYS(process_vm_writev),
	SCMP_SYS(connect),   SCMP_SYS(socketpair),
	SCMP_SYS(execve),    SCMP_SYS(execveat),
	SCMP_SYS(fork),	     SCMP_SYS(vfork),
	SCMP_SYS(clone),     SCMP_SYS(clone3),
	SCMP_SYS(kill),	     SCMP_SYS(tkill),
	SCMP_SYS(tgkill),    SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(mount),     SCMP_SYS(unshare),
	SCMP_SYS(setns),     SCMP_SYS(pidfd_getfd),
	SCMP_SYS(keyctl),    SCMP_SYS(io_uring_setup),
	SCMP_SYS(unlink),    SCMP_SYS(unlinkat),
	SCMP_SYS(rename),    SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),   SCMP_SYS(chmod),
	SCMP_SYS(fchmod),    SCMP_SYS(fchmodat),
	SCMP_SYS(link),	     SCMP_SYS(linkat),
	SCMP_SYS(symlink),   SCMP_SYS(symlinkat),
	SCMP_SYS(truncate),  SCMP_SYS(ftruncate),
};

static int deny(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(denied) / sizeof(denied[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	/* open for writing */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, O_RDWR, O_RDWR));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int limit(int what, rlim_t value)
{
	struct rlimit l = {.rlim_cur = value, .rlim_max = value};

	return setrlimit((__rlimit_resource_t)what, &l) == 0 ? 0 : -errno;
}

/* Only the four descriptors stay. */
static int close_others(const struct shuttle *s)
{
	const int kept[] = {s->ssl_fd, s->crypto_fd, s->go_fd, s->said_fd};
	unsigned from = 0;

	for (;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < 4; i++)
			if (kept[i] >= 0 && (unsigned)kept[i] >= from && (unsigned)kept[i] < next)
				next = (unsigned)kept[i];
		if (next > from && close_range(from, next == ~0u ? ~0u : next - 1, 0) != 0)
			return -errno;
		if (next == ~0u)
			return 0;
		from = next + 1;
	}
}

static int drop_rights(const struct shuttle *s)
{
	int r = 0;

	if (geteuid() == 0) {
		if (s->uid == 0)
			return -EPERM;
		(void)unshare(CLONE_NEWNET | CLONE_NEWIPC);
		if (setgroups(0, NULL) != 0 || setresgid(s->gid, s->gid, s->gid) != 0 ||
		    setresuid(s->uid, s->uid, s->uid) != 0)
			return -errno;
	}
	cap_t none = cap_init();
	if (none == NULL || cap_set_proc(none) != 0)
		r = -EPERM;
	cap_free(none);
	return r;
}

static int confine(const struct shuttle *s)
{
	if (clearenv() != 0 || setenv("OPENSSL_CONF", "/dev/null", 1) != 0)
		return -ENOMEM;
	int r = close_others(s);
	if (r == 0)
		r = drop_rights(s);
	/* After the change of user, which takes it back. */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		r = -errno;
	if (r == 0)
		r = limit(RLIMIT_CPU, SHUTTLE_SECONDS);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		r = -errno;
	return r == 0 ? deny() : r;
}

/* ---- a stranger's library ---- */

struct ssl; /* SSL, SSL_CTX, BIO: never looked into */

struct openssl {
	const void *(*method)(void);
	struct ssl *(*ctx_new)(const void *);
	long (*ctx_ctrl)(struct ssl *, int, long, void *);
	int (*ciphers)(struct ssl *, const char *);
	void (*psk_client)(struct ssl *, unsigned (*)(struct ssl *, const char *, char *, unsigned,
						      unsigned char *, unsigned));
	void (*psk_server)(struct ssl *, unsigned (*)(struct ssl *, const char *, unsigned char *, unsigned));
	struct ssl *(*ssl_new)(struct ssl *);
	void (*set_bio)(struct ssl *, struct ssl *, struct ssl *);
	void (*set_connect)(struct ssl *);
	void (*set_accept)(struct ssl *);
	int (*handshake)(struct ssl *);
	int (*read)(struct ssl *, void *, int);
	int (*peek)(struct ssl *, void *, int);
	int (*write)(struct ssl *, const void *, int);
	int (*read_ex)(struct ssl *, void *, size_t, size_t *);
	int (*peek_ex)(struct ssl *, void *, size_t, size_t *);
	int (*write_ex)(struct ssl *, const void *, size_t, size_t *);
	void (*ssl_free)(struct ssl *);
	const void *(*mem)(void);
	struct ssl *(*bio_new)(const void *);
	int (*bio_up)(struct ssl *);
	int (*write_ex2)(struct ssl *, const void *, size_t, uint64_t, size_t *); /* from 3.3, may be NULL */
};

static bool find(void *lib, const char *name, void *slot)
{
	void *p = dlsym(lib, name);

	memcpy(slot, &p, sizeof(p));
	return p != NULL;
}

static bool find_all(struct openssl *o, void *ssl, void *crypto)
{
	(void)find(ssl, "SSL_write_ex2", &o->write_ex2);
	return find(ssl, "TLS_method", &o->method) && find(ssl, "SSL_CTX_new", &o->ctx_new) &&
	       find(ssl, "SSL_CTX_ctrl", &o->ctx_ctrl) && find(ssl, "SSL_CTX_set_cipher_list", &o->ciphers) &&
	       find(ssl, "SSL_CTX_set_psk_client_callback", &o->psk_client) &&
	       find(ssl, "SSL_CTX_set_psk_server_callback", &o->psk_server) &&
	       find(ssl, "SSL_new", &o->ssl_new) && find(ssl, "SSL_set_bio", &o->set_bio) &&
	       find(ssl, "SSL_set_connect_state", &o->set_connect) &&
	       find(ssl, "SSL_set_accept_state", &o->set_accept) &&
	       find(ssl, "SSL_do_handshake", &o->handshake) && find(ssl, "SSL_read", &o->read) &&
	       find(ssl, "SSL_peek", &o->peek) && find(ssl, "SSL_write", &o->write) &&
	       find(ssl, "SSL_read_ex", &o->read_ex) && find(ssl, "SSL_peek_ex", &o->peek_ex) &&
	       find(ssl, "SSL_write_ex", &o->write_ex) && find(ssl, "SSL_free", &o->ssl_free) &&
	       find(crypto, "BIO_s_mem", &o->mem) && find(crypto, "BIO_new", &o->bio_new) &&
	       find(crypto, "BIO_up_ref", &o->bio_up);
}

#define KEY_BYTES 16

static unsigned tell_key(struct ssl *s, const char *hint, char *name, unsigned name_max, unsigned char *key,
			 unsigned max)
{
	(void)s;
	(void)hint;
	if (max < KEY_BYTES || snprintf(name, name_max, "shuttle") < 0)
		return 0;
	memset(key, 7, KEY_BYTES);
	return KEY_BYTES;
}

static unsigned find_key(struct ssl *s, const char *name, unsigned char *key, unsigned max)
{
	(void)s;
	(void)name;
	if (max < KEY_BYTES)
		return 0;
	memset(key, 7, KEY_BYTES);
	return KEY_BYTES;
}

/* openssl/ssl.h, openssl/tls1.h */
#define CTRL_SET_MAX_PROTO_VERSION 124
#define TLS1_2			   0x0303

static enum shuttle_word open_end(const struct openssl *o, bool server, struct ssl **out)
{
	struct ssl *ctx = o->ctx_new(o->method());

	/* A key that both know: no certificate. TLS 1.2, where such a key needs no session. */
	if (ctx == NULL || o->ctx_ctrl(ctx, CTRL_SET_MAX_PROTO_VERSION, TLS1_2, NULL) != 1 ||
	    o->ciphers(ctx, "PSK:@SECLEVEL=0") != 1)
		return SHUTTLE_NO_CIPHER;
	o->psk_client(ctx, tell_key);
	o->psk_server(ctx, find_key);
	*out = o->ssl_new(ctx);
	if (*out == NULL)
		return SHUTTLE_NO_CIPHER;
	(server ? o->set_accept : o->set_connect)(*out);
	return SHUTTLE_DONE;
}

static enum shuttle_word shake(const struct openssl *o, struct ssl *end[2])
{
	struct ssl *there = o->bio_new(o->mem()), *back = o->bio_new(o->mem());

	if (there == NULL || back == NULL || o->bio_up(there) != 1 || o->bio_up(back) != 1)
		return SHUTTLE_NO_HANDSHAKE;
	o->set_bio(end[0], back, there);
	o->set_bio(end[1], there, back);
	for (int i = 0; i < 10; i++) {
		int first = o->handshake(end[0]), second = o->handshake(end[1]);

		if (first == 1 && second == 1)
			return SHUTTLE_DONE;
	}
	return SHUTTLE_NO_HANDSHAKE;
}

static bool write_piece(const struct openssl *o, struct ssl *end, const uint8_t *p, size_t n, unsigned how)
{
	size_t done = 0;

	if (how % 3 == 0)
		return o->write(end, p, (int)n) == (int)n;
	if (how % 3 == 1 || o->write_ex2 == NULL)
		return o->write_ex(end, p, n, &done) == 1 && done == n;
	return o->write_ex2(end, p, n, 0, &done) == 1 && done == n;
}

/* Reads until it is told to want more, peeking on the way: a peek takes nothing away. */
static bool read_piece(const struct openssl *o, struct ssl *end, unsigned from, uint64_t at, size_t n,
		       unsigned how)
{
	static uint8_t space[LARGEST];
	size_t want = n / 3 + 1;

	for (;; how++) {
		size_t done = 0;

		if (how % 2)
			(void)o->peek(end, space, (int)want);
		else
			(void)o->peek_ex(end, space, want, &done);
		done = 0;
		if (how % 3 == 0) {
			int r = o->read(end, space, (int)want);
			done = r > 0 ? (size_t)r : 0;
		} else if (o->read_ex(end, space, want, &done) != 1) {
			done = 0;
		}
		if (done == 0)
			return n == 0;
		if (done > n || done > want)
			return false;
		for (size_t i = 0; i < done; i++)
			if (space[i] != shuttle_byte(from, at + i))
				return false;
		at += done;
		n -= done;
	}
}

static enum shuttle_word move(const struct openssl *o, struct ssl *end[2])
{
	static uint8_t space[LARGEST];
	uint64_t at[2] = {0};

	for (unsigned turn = 0; turn < TURNS; turn++) {
		unsigned from = turn % 2;
		size_t n = sizes[turn / 2 % SIZES];

		for (size_t i = 0; i < n; i++)
			space[i] = shuttle_byte(from, at[from] + i);
		if (!write_piece(o, end[from], space, n, turn / 2) ||
		    !read_piece(o, end[!from], from, at[from], n, turn))
			return SHUTTLE_NO_BYTES;
		at[from] += n;
	}
	return SHUTTLE_DONE;
}

static void *load(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

static enum shuttle_word go(const struct shuttle *s)
{
	struct openssl o;
	struct ssl *end[2] = {NULL, NULL};
	char byte;

	if (confine(s) < 0 || read(s->go_fd, &byte, 1) != 1)
		return SHUTTLE_NO_SANDBOX;
	void *crypto = load(s->crypto_fd);
	if (crypto == NULL)
		return SHUTTLE_NO_CRYPTO;
	void *ssl = load(s->ssl_fd);
	if (ssl == NULL)
		return SHUTTLE_NO_SSL;
	if (!find_all(&o, ssl, crypto))
		return SHUTTLE_NO_FUNCTION;
	enum shuttle_word word = open_end(&o, false, &end[0]);
	if (word == SHUTTLE_DONE)
		word = open_end(&o, true, &end[1]);
	if (word == SHUTTLE_DONE)
		word = shake(&o, end);
	if (word == SHUTTLE_DONE)
		word = move(&o, end);
	for (unsigned i = 0; i < 2; i++)
		if (end[i])
			o.ssl_free(end[i]);
	return word;
}

void shuttle_run(const struct shuttle *s)
{
	(void)setpriority(PRIO_PROCESS, 0, 0); /* who started us may be in a hurry */
	uint8_t word = (uint8_t)go(s);

	_exit(write(s->said_fd, &word, 1) == 1 ? 0 : 1);
}
