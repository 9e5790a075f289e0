/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS in TLS as C programs do it: the inner library call moves its bytes by calling the library again.
 *
 *   nested calls PORT HOPS   each layer over a BIO of our own that calls SSL_write and SSL_read of the one below
 *   nested chain PORT HOPS   each layer over OpenSSL's BIO_f_ssl
 *
 * Speaks TLS to PORT, asks HOPS times for a CONNECT and speaks TLS again behind each, then asks two questions and prints
 * the answers' bodies. Declares what it calls, for the headers are not everywhere.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ssl_st;
struct ssl_ctx_st;
struct bio_st;
struct bio_method_st;

const void *TLS_client_method(void);
struct ssl_ctx_st *SSL_CTX_new(const void *method);
struct ssl_st *SSL_new(struct ssl_ctx_st *ctx);
int SSL_set_fd(struct ssl_st *s, int fd);
void SSL_set_bio(struct ssl_st *s, struct bio_st *in, struct bio_st *out);
int SSL_connect(struct ssl_st *s);
int SSL_read(struct ssl_st *s, void *to, int n);
int SSL_write(struct ssl_st *s, const void *from, int n);
void SSL_free(struct ssl_st *s);
long SSL_ctrl(struct ssl_st *s, int cmd, long n, void *p);
struct bio_st *BIO_new(const struct bio_method_st *method);
const struct bio_method_st *BIO_f_ssl(void);
long BIO_ctrl(struct bio_st *b, int cmd, long n, void *p);
struct bio_method_st *BIO_meth_new(int type, const char *name);
int BIO_meth_set_write(struct bio_method_st *m, int (*f)(struct bio_st *, const char *, int));
int BIO_meth_set_read(struct bio_method_st *m, int (*f)(struct bio_st *, char *, int));
int BIO_meth_set_ctrl(struct bio_method_st *m, long (*f)(struct bio_st *, int, long, void *));
void BIO_set_init(struct bio_st *b, int init);
void BIO_set_data(struct bio_st *b, void *p);
void *BIO_get_data(struct bio_st *b);

#define SET_SNI	 55  /* SSL_CTRL_SET_TLSEXT_HOSTNAME */
#define SET_SSL	 109 /* BIO_C_SET_SSL */
#define FLUSH	 11  /* BIO_CTRL_FLUSH */
#define LAYERS	 8
#define REQUESTS 2
#define ASK                                                                                             \
	"{\"model\": \"gpt-5-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"Is it cold in " \
	"Oslo?\"}]}"

static void fail(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	exit(3);
}

static int below_write(struct bio_st *b, const char *from, int n)
{
	return SSL_write(BIO_get_data(b), from, n);
}

static int below_read(struct bio_st *b, char *to, int n)
{
	return SSL_read(BIO_get_data(b), to, n);
}

static long below_ctrl(struct bio_st *b, int cmd, long n, void *p)
{
	(void)b, (void)n, (void)p;
	return cmd == FLUSH;
}

/* A BIO over `below`, which stays the caller's. */
static struct bio_st *over(struct ssl_st *below, int chain)
{
	static struct bio_method_st *method;
	struct bio_st *b;

	if (chain) {
		b = BIO_new(BIO_f_ssl());
		BIO_ctrl(b, SET_SSL, 0, below);
		return b;
	}
	if (!method) {
		method = BIO_meth_new(0x400 | 98, "nested");
		BIO_meth_set_write(method, below_write);
		BIO_meth_set_read(method, below_read);
		BIO_meth_set_ctrl(method, below_ctrl);
	}
	b = BIO_new(method);
	BIO_set_data(b, below);
	BIO_set_init(b, 1);
	return b;
}

static struct ssl_st *layer(struct ssl_ctx_st *ctx, struct ssl_st *below, int fd, int chain, const char *name)
{
	struct ssl_st *s = SSL_new(ctx);

	SSL_ctrl(s, SET_SNI, 0, (void *)name);
	if (below) {
		struct bio_st *b = over(below, chain);

		SSL_set_bio(s, b, b);
	} else {
		SSL_set_fd(s, fd);
	}
	if (SSL_connect(s) != 1)
		fail("SSL_connect");
	return s;
}

static void say(struct ssl_st *s, const char *text)
{
	if (SSL_write(s, text, (int)strlen(text)) != (int)strlen(text))
		fail("SSL_write");
}

/* Until the text ends with `end`; returns it. */
static char *hear(struct ssl_st *s, const char *end)
{
	static char text[65536];
	size_t n = 0, tail = strlen(end);

	while (n < tail || memcmp(text + n - tail, end, tail) != 0) {
		int got = SSL_read(s, text + n, (int)(sizeof(text) - 1 - n));

		if (got <= 0)
			fail("SSL_read");
		n += (size_t)got;
	}
	text[n] = 0;
	return text;
}

static int dial(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("connect");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int chain = strcmp(argv[1], "chain") == 0, hops = atoi(argv[3]), fd = dial(atoi(argv[2]));
	struct ssl_ctx_st *ctx = SSL_CTX_new(TLS_client_method());
	struct ssl_st *layers[LAYERS];

	if (hops >= LAYERS)
		return 2;
	layers[0] = layer(ctx, NULL, fd, chain, "localhost");
	for (int i = 1; i <= hops; i++) {
		say(layers[i - 1], "CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n");
		hear(layers[i - 1], "\r\n\r\n");
		layers[i] = layer(ctx, layers[i - 1], -1, chain, i < hops ? "localhost" : "api.openai.com");
	}
	for (int i = 0; i < REQUESTS; i++) {
		char head[256];

		snprintf(head, sizeof(head),
			 "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nAuthorization: "
			 "Bearer sk-x\r\n"
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			 strlen(ASK));
		say(layers[hops], head);
		say(layers[hops], ASK);
		puts(strstr(hear(layers[hops], "}"), "\r\n\r\n") + 4);
	}
	/* No SSL_shutdown: a proxy whose far side has gone would leave a layer's goodbye unread. */
	for (int i = hops; i >= 0; i--)
		SSL_free(layers[i]);
	close(fd);
	return 0;
}
