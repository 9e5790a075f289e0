/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that a tracer must stand: a TLS client and server in one process, over memory, without a certificate.
 *
 *   torrent flood THREADS SECONDS   each thread writes byte after byte, into nothing
 *   torrent absent CALLS            before each write returns, its buffer's page goes, and nobody will bring it back
 *
 * Says "ready", waits for a line on stdin, works, says how many calls it made, and waits for another line.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static void *crypto, *ssl;

#define CALL(lib, type, name, ...) (((type)need(lib, name))(__VA_ARGS__))

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
	snprintf(name, name_max, "torrent");
	memset(key, 7, 16);
	return 16;
}

static unsigned server_key(void *s, const char *name, unsigned char *key, unsigned max)
{
	(void)s, (void)name, (void)max;
	memset(key, 7, 16);
	return 16;
}

static void *new_end(int server)
{
	typedef void *(*get)(void);
	typedef void *(*make)(const void *);
	void *ctx = CALL(ssl, make, "SSL_CTX_new", CALL(ssl, get, "TLS_method"));

	/* at most TLS 1.2: its PSK needs no session */
	CALL(ssl, long (*)(void *, int, long, void *), "SSL_CTX_ctrl", ctx, 124, 0x0303, NULL);
	CALL(ssl, int (*)(void *, const char *), "SSL_CTX_set_cipher_list", ctx, "PSK:@SECLEVEL=0");
	CALL(ssl, void (*)(void *, void *), "SSL_CTX_set_psk_client_callback", ctx, (void *)client_key);
	CALL(ssl, void (*)(void *, void *), "SSL_CTX_set_psk_server_callback", ctx, (void *)server_key);
	void *s = CALL(ssl, make, "SSL_new", ctx);
	CALL(ssl, void (*)(void *), server ? "SSL_set_accept_state" : "SSL_set_connect_state", s);
	return s;
}

/* ---- a BIO that takes everything ---- */

static __thread void *absent_page;

static int swallow(void *bio, const char *p, int n)
{
	(void)bio, (void)p;
	if (absent_page) /* the library has read it by now; its caller's return finds nothing there */
		madvise(absent_page, PAGE, MADV_DONTNEED);
	return n;
}

static long control(void *bio, int cmd, long n, void *p)
{
	(void)bio, (void)n, (void)p;
	return cmd == 11; /* BIO_CTRL_FLUSH */
}

static void *connection(void)
{
	typedef void *(*get)(void);
	typedef void *(*make)(const void *);
	void *end[2] = {new_end(0), new_end(1)};
	void *there = CALL(crypto, make, "BIO_new", CALL(crypto, get, "BIO_s_mem"));
	void *back = CALL(crypto, make, "BIO_new", CALL(crypto, get, "BIO_s_mem"));

	CALL(crypto, int (*)(void *), "BIO_up_ref", there);
	CALL(crypto, int (*)(void *), "BIO_up_ref", back);
	CALL(ssl, void (*)(void *, void *, void *), "SSL_set_bio", end[0], back, there);
	CALL(ssl, void (*)(void *, void *, void *), "SSL_set_bio", end[1], there, back);
	int shaken = 0;
	for (int i = 0; i < 10 && !shaken; i++)
		shaken = (CALL(ssl, int (*)(void *), "SSL_do_handshake", end[0]) == 1) &
			 (CALL(ssl, int (*)(void *), "SSL_do_handshake", end[1]) == 1);
	if (!shaken)
		exit(8);
	void *method = CALL(crypto, void *(*)(int, const char *), "BIO_meth_new", 0x400 | 99, "nothing");
	CALL(crypto, int (*)(void *, void *), "BIO_meth_set_write", method, (void *)swallow);
	CALL(crypto, int (*)(void *, void *), "BIO_meth_set_ctrl", method, (void *)control);
	void *nothing = CALL(crypto, make, "BIO_new", method);
	CALL(crypto, void (*)(void *, int), "BIO_set_init", nothing, 1);
	CALL(ssl, void (*)(void *, void *), "SSL_set0_wbio", end[0], nothing);
	return end[0];
}

/* ---- flood ---- */

static double seconds;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *flood(void *connection)
{
	int (*write)(void *, const void *, int) = (int (*)(void *, const void *, int))need(ssl, "SSL_write");
	uintptr_t calls = 0;

	for (double end = now() + seconds; now() < end;)
		for (int i = 0; i < 1000; i++, calls++)
			if (write(connection, "x", 1) != 1)
				exit(7);
	return (void *)calls;
}

static unsigned long flood_all(int threads)
{
	pthread_t thread[16];
	unsigned long calls = 0;
	void *made;

	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, flood, connection());
	for (int i = 0; i < threads; i++) {
		pthread_join(thread[i], &made);
		calls += (uintptr_t)made;
	}
	return calls;
}

/* ---- pages that nobody serves ---- */

static unsigned long write_absent(int calls)
{
	size_t bytes = (size_t)calls * PAGE;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.range = {(uintptr_t)p, bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	void *c = connection();

	memset(p, 'a', bytes);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
		puts("no userfaultfd");
		exit(9);
	}
	for (int i = 0; i < calls; i++) {
		absent_page = p + (size_t)i * PAGE;
		if (CALL(ssl, int (*)(void *, const void *, int), "SSL_write", c, absent_page, 1000) != 1000)
			exit(7);
	}
	return (unsigned long)calls;
}

int main(int argc, char **argv)
{
	char line[80];
	unsigned long calls;

	if (argc < 3)
		return 2;
	crypto = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
	ssl = crypto ? dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL) : NULL;
	if (!ssl) {
		printf("%s\n", dlerror());
		return 4;
	}
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	seconds = argc > 3 ? strtod(argv[3], NULL) : 0;
	calls = strcmp(argv[1], "flood") == 0 ? flood_all(atoi(argv[2])) : write_absent(atoi(argv[2]));
	printf("calls %lu\n", calls);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) == NULL;
}
