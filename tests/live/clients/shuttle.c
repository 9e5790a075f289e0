/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TLS client and server in one process, over memory, with whatever libssl is named: no file, no certificate.
 *
 *   shuttle LIBCRYPTO LIBSSL
 *
 * Says "ready", then obeys lines on stdin: "move" moves bytes both ways through every function that moves data, and
 * through those that only peek, and says what each end wrote and read ("WRITE-SHA256 BYTES READ-SHA256 BYTES");
 * "time N SIZE" says the ns that a write and its read took; "end" frees both ends.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT_MAX (16u << 20)

static struct {
	void *(*method)(void), *(*ctx_new)(const void *), *(*ssl_new)(void *), *(*mem)(void),
		*(*bio_new)(void *);
	long (*ctx_ctrl)(void *, int, long, void *);
	int (*ciphers)(void *, const char *);
	void (*set_bio)(void *, void *, void *), (*connect)(void *), (*accept)(void *), (*ssl_free)(void *);
	void (*psk_client)(void *,
			   unsigned (*)(void *, const char *, char *, unsigned, unsigned char *, unsigned));
	void (*psk_server)(void *, unsigned (*)(void *, const char *, unsigned char *, unsigned));
	int (*handshake)(void *);
	int (*read)(void *, void *, int), (*peek)(void *, void *, int), (*write)(void *, const void *, int);
	int (*read_ex)(void *, void *, size_t, size_t *), (*peek_ex)(void *, void *, size_t, size_t *);
	int (*write_ex)(void *, const void *, size_t, size_t *);
	int (*write_ex2)(void *, const void *, size_t, uint64_t, size_t *); /* from 3.3 */
	unsigned char *(*sha256)(const unsigned char *, size_t, unsigned char *);
	long (*ctrl)(void *, int, long, void *);
} f;

struct end {
	void *ssl;
	unsigned char *kept[2]; /* read, written */
	size_t bytes[2];
};

static void *need(void *lib, const char *name)
{
	void *p = dlsym(lib, name);

	if (!p) {
		fprintf(stderr, "no %s\n", name);
		exit(3);
	}
	return p;
}

static unsigned client_key(void *s, const char *hint, char *name, unsigned name_max, unsigned char *key,
			   unsigned max)
{
	(void)s, (void)hint, (void)max;
	snprintf(name, name_max, "shuttle");
	memset(key, 7, 16);
	return 16;
}

static unsigned server_key(void *s, const char *name, unsigned char *key, unsigned max)
{
	(void)s, (void)name, (void)max;
	memset(key, 7, 16);
	return 16;
}

static void load(const char *crypto, const char *ssl)
{
	void *c = dlopen(crypto, RTLD_NOW | RTLD_GLOBAL), *s = c ? dlopen(ssl, RTLD_NOW | RTLD_GLOBAL) : NULL;

	if (!s) {
		fprintf(stderr, "%s\n", dlerror());
		exit(4);
	}
	f.method = need(s, "TLS_method"), f.ctx_new = need(s, "SSL_CTX_new"), f.ssl_new = need(s, "SSL_new");
	f.mem = need(c, "BIO_s_mem"), f.bio_new = need(c, "BIO_new"), f.ctx_ctrl = need(s, "SSL_CTX_ctrl");
	f.ciphers = need(s, "SSL_CTX_set_cipher_list"), f.set_bio = need(s, "SSL_set_bio");
	f.connect = need(s, "SSL_set_connect_state"), f.accept = need(s, "SSL_set_accept_state");
	f.ssl_free = need(s, "SSL_free"), f.psk_client = need(s, "SSL_CTX_set_psk_client_callback");
	f.psk_server = need(s, "SSL_CTX_set_psk_server_callback"), f.handshake = need(s, "SSL_do_handshake");
	f.read = need(s, "SSL_read"), f.peek = need(s, "SSL_peek"), f.write = need(s, "SSL_write");
	f.read_ex = need(s, "SSL_read_ex"), f.peek_ex = need(s, "SSL_peek_ex"),
	f.write_ex = need(s, "SSL_write_ex");
	f.write_ex2 = dlsym(s, "SSL_write_ex2"), f.sha256 = need(c, "SHA256"), f.ctrl = need(s, "SSL_ctrl");
}

static struct end new_end(bool server)
{
	struct end e = {0};
	void *ctx = f.ctx_new(f.method());

	f.ctx_ctrl(ctx, 124, 0x0303, NULL); /* at most TLS 1.2: its PSK needs no session */
	if (!ctx || f.ciphers(ctx, "PSK:@SECLEVEL=0") != 1)
		exit(5);
	f.psk_client(ctx, client_key);
	f.psk_server(ctx, server_key);
	e.ssl = f.ssl_new(ctx);
	server ? f.accept(e.ssl) : f.connect(e.ssl);
	e.kept[0] = malloc(KEPT_MAX), e.kept[1] = malloc(KEPT_MAX);
	return e;
}

static void keep(struct end *e, int dir, const void *p, size_t n)
{
	if (e->bytes[dir] + n > KEPT_MAX)
		exit(6);
	memcpy(e->kept[dir] + e->bytes[dir], p, n);
	e->bytes[dir] += n;
}

static void write_some(struct end *e, unsigned char *buf, size_t n, unsigned how)
{
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		buf[i] = (unsigned char)rand();
	if (how % 3 == 0)
		done = (size_t)f.write(e->ssl, buf, (int)n);
	else if (how % 3 == 1 || !f.write_ex2)
		f.write_ex(e->ssl, buf, n, &done);
	else
		f.write_ex2(e->ssl, buf, n, 0, &done);
	if (done != n)
		exit(7);
	keep(e, 1, buf, done);
}

/* Reads till nothing is left, peeking on the way, and once more: WANT_READ. */
static void read_all(struct end *e, unsigned char *buf, size_t size, unsigned how)
{
	for (;; how++) {
		size_t done = 0, n = 1 + (size_t)rand() % size;

		if (how % 5 == 0)
			(void)f.peek(e->ssl, buf, (int)n);
		if (how % 7 == 0)
			(void)f.peek_ex(e->ssl, buf, n, &done);
		done = 0;
		if (how % 2) {
			int r = f.read(e->ssl, buf, (int)n);
			done = r > 0 ? (size_t)r : 0;
		} else if (f.read_ex(e->ssl, buf, n, &done) != 1) {
			done = 0;
		}
		if (!done)
			return;
		keep(e, 0, buf, done);
	}
}

static void move(struct end e[2])
{
	static const size_t sizes[] = {1, 7, 8, 200, 4096, 16384, 16385, 100000, 300000};
	unsigned char *buf = malloc(1 << 20);

	for (unsigned i = 0; i < 27 + 3; i++) {
		struct end *from = &e[i & 1], *to = &e[~i & 1];

		write_some(from, buf, sizes[i * 4 % 9], i / 2);
		if (i % 3 == 0)
			write_some(from, buf, sizes[(i + 1) % 4], i);
		read_all(to, buf, 1 + (size_t)rand() % 40000, i);
	}
	for (unsigned i = 0; i < 2; i++) {
		for (int dir = 1; dir >= 0; dir--) {
			unsigned char sum[32];

			f.sha256(e[i].kept[dir], e[i].bytes[dir], sum);
			for (int k = 0; k < 32; k++)
				printf("%02x", sum[k]);
			printf(" %zu%s", e[i].bytes[dir], dir ? " " : "\n");
		}
	}
	free(buf);
}

static void measure(struct end e[2], int n, size_t size)
{
	static unsigned char buf[65536];
	struct timespec a, b;
	size_t done;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i++) {
		f.write_ex(e[0].ssl, buf, size, &done);
		f.read_ex(e[1].ssl, buf, sizeof(buf), &done);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / n);
}

int main(int argc, char **argv)
{
	char line[80];

	if (argc != 3)
		return 2;
	load(argv[1], argv[2]);
	struct end e[2] = {new_end(false), new_end(true)};
	void *there = f.bio_new(f.mem()), *back = f.bio_new(f.mem());
	f.set_bio(e[0].ssl, back, there);
	/* Both ends own both: neither is freed before the process ends. */
	int (*up_ref)(void *) = dlsym(RTLD_DEFAULT, "BIO_up_ref");
	up_ref(there), up_ref(back);
	f.set_bio(e[1].ssl, there, back);
	puts("ready");
	fflush(stdout);
	bool shaken = false;
	while (fgets(line, sizeof(line), stdin)) {
		for (int i = 0; i < 10 && !shaken; i++)
			shaken = (f.handshake(e[0].ssl) == 1) & (f.handshake(e[1].ssl) == 1);
		if (!shaken)
			return 8;
		if (strncmp(line, "move", 4) == 0)
			move(e);
		else if (strncmp(line, "time ", 5) == 0) {
			char *rest;
			int n = (int)strtol(line + 5, &rest, 10);

			measure(e, n, strtoul(rest, NULL, 10));
		} else if (strncmp(line, "end", 3) == 0) {
			f.ssl_free(e[0].ssl);
			f.ssl_free(e[1].ssl);
			puts("ended");
		}
		fflush(stdout);
	}
	return 0;
}
