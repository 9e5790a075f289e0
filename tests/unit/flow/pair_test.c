/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets and pipes: which two pipes are one conversation, and that each byte of them is accounted once. */
#include "harness.h"

#include "heard.h"

enum { PARENT = 100, CHILD = 200 };

static void *of(void *rec, uint32_t pid)
{
	((struct wire_head *)rec)->pid = pid;
	return rec;
}

static void stdio(struct flow *f, uint32_t pid, uint64_t in, uint64_t out, uint64_t in_peer,
		  uint64_t out_peer)
{
	struct wire_proc_stdio *r = of(RECORD(wire_proc_stdio, WIRE_PROC_STDIO), pid);

	r->ino[0] = in;
	r->ino[1] = out;
	r->peer_ino[0] = in_peer;
	r->peer_ino[1] = out_peer;
	feed(f, r);
}

static void plain(struct flow *f, uint32_t pid, enum wire_transport transport, uint64_t ssl, uint64_t ino,
		  uint64_t peer_ino, enum wire_dir dir)
{
	struct wire_plain_conn *r = of(RECORD(wire_plain_conn, WIRE_PLAIN_CONN), pid);

	r->head.flags = dir;
	r->conn.ssl = ssl;
	r->conn.generation = 7;
	r->transport = transport;
	r->ino = ino;
	r->peer_ino = peer_ino;
	feed(f, r);
}

static void data(struct flow *f, uint32_t pid, uint64_t ssl, enum wire_dir dir, uint64_t offset, uint32_t n)
{
	feed(f, of(record_data(ssl, dir, offset, bytes + offset, n, 0, n), pid));
}

static void ended(struct flow *f, uint32_t pid, uint64_t ssl, uint64_t read, uint64_t wrote)
{
	struct wire_tls_close *r = of(RECORD(wire_tls_close, WIRE_TLS_CLOSE), pid);

	r->conn.ssl = ssl;
	r->conn.generation = 7;
	r->side[WIRE_READ] = (struct wire_side){.bytes = read, .calls = read > 0};
	r->side[WIRE_WRITE] = (struct wire_side){.bytes = wrote, .calls = wrote > 0};
	feed(f, r);
}

static struct flow *new_world(struct heard **h)
{
	*h = heard_new();
	(*h)->deaf = true;
	return new_flow(*h, false);
}

static unsigned count(const struct flow *f)
{
	unsigned n = 0;

	for (const struct flow_conn *c = flow_next(f, NULL); c; c = flow_next(f, c))
		n++;
	return n;
}

static void check(const struct flow_conn *c, uint64_t read, uint64_t wrote, const char *local,
		  const char *peer)
{
	assert_int_equal(c->side[WIRE_READ].kept, read);
	assert_int_equal(c->side[WIRE_WRITE].kept, wrote);
	assert_string_equal(c->local, local);
	assert_string_equal(c->peer, peer);
}

/* A parent that writes to its child's standard input and reads its output. */
static void pipes(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);
	const struct flow_conn *c;

	(void)state;
	stdio(f, CHILD, 11, 12, 0, 0);
	plain(f, PARENT, WIRE_PIPE, 0xa1, 11, 0, WIRE_WRITE);
	data(f, PARENT, 0xa1, WIRE_WRITE, 0, 20);
	plain(f, CHILD, WIRE_PIPE, 0xa1, 11, 0, WIRE_READ);
	data(f, CHILD, 0xa1, WIRE_READ, 0, 20);
	plain(f, CHILD, WIRE_PIPE, 0xa2, 12, 0, WIRE_WRITE);
	data(f, CHILD, 0xa2, WIRE_WRITE, 0, 30);
	plain(f, PARENT, WIRE_PIPE, 0xa2, 12, 0, WIRE_READ);
	data(f, PARENT, 0xa2, WIRE_READ, 0, 30);
	data(f, PARENT, 0xa1, WIRE_WRITE, 20, 5);
	assert_int_equal(count(f), 2);
	c = flow_next(f, NULL);
	check(c, 30, 25, "pipe:[11]", "pipe:[12]");
	assert_int_equal(c->transport, WIRE_PIPE);
	assert_int_equal(c->ssl, 0xa1);
	assert_int_equal(c->mate_ssl, 0xa2);
	check(flow_next(f, c), 20, 30, "pipe:[12]", "pipe:[11]");
	/* It is over when both are. */
	ended(f, PARENT, 0xa1, 0, 25);
	assert_int_equal(h->closes, 0);
	data(f, PARENT, 0xa2, WIRE_READ, 30, 4);
	ended(f, PARENT, 0xa2, 36, 0);
	assert_int_equal(h->closes, 1);
	assert_int_equal(c->side[WIRE_READ].kept, 34);
	assert_int_equal(c->side[WIRE_READ].missing, 2);
	assert_int_equal(c->side[WIRE_WRITE].missing, 0);
	check_equation(f);
	feed_end(f, true);
	flow_free(f);
	free(h);
}

/* Node gives its children unnamed sockets; a shell hands its own on to the program that it runs. */
static void sockets(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);

	(void)state;
	stdio(f, CHILD, 21, 22, 31, 32);
	stdio(f, CHILD + 1, 21, 22, 31, 32);
	plain(f, PARENT, WIRE_UNIX, 0xb1, 31, 21, WIRE_WRITE);
	data(f, PARENT, 0xb1, WIRE_WRITE, 0, 10);
	plain(f, PARENT, WIRE_UNIX, 0xb2, 32, 22, WIRE_READ);
	data(f, PARENT, 0xb2, WIRE_READ, 0, 15);
	assert_int_equal(count(f), 1);
	check(flow_next(f, NULL), 15, 10, "socket:[31]", "socket:[21]");
	/* One of them speaks in the direction that is the other's: nothing is mixed. */
	data(f, PARENT, 0xb2, WIRE_WRITE, 0, 7);
	assert_int_equal(count(f), 2);
	assert_int_equal(flow_next(f, NULL)->side[WIRE_WRITE].kept, 10);
	check_equation(f);
	flow_free(f);
	free(h);
}

/* a | b | c: to each process its own two, whoever holds the other ends. */
static void pipeline(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);

	(void)state;
	stdio(f, 1, 5, 11, 0, 0);
	stdio(f, 2, 11, 12, 0, 0);
	stdio(f, 3, 12, 6, 0, 0);
	plain(f, 2, WIRE_PIPE, 0xc1, 11, 0, WIRE_READ);
	plain(f, 1, WIRE_PIPE, 0xc1, 11, 0, WIRE_WRITE);
	plain(f, 3, WIRE_PIPE, 0xc2, 12, 0, WIRE_READ);
	plain(f, 2, WIRE_PIPE, 0xc2, 12, 0, WIRE_WRITE);
	data(f, 2, 0xc1, WIRE_READ, 0, 9);
	data(f, 2, 0xc2, WIRE_WRITE, 0, 8);
	assert_int_equal(count(f), 3);
	check(flow_next(f, NULL), 9, 8, "pipe:[12]", "pipe:[11]");
	flow_free(f);
	free(h);
}

/* A parent's first words come before its child's exec record. */
static void late(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);

	(void)state;
	plain(f, PARENT, WIRE_PIPE, 0xe1, 61, 0, WIRE_WRITE);
	data(f, PARENT, 0xe1, WIRE_WRITE, 0, 20);
	stdio(f, CHILD, 61, 62, 0, 0);
	plain(f, PARENT, WIRE_PIPE, 0xe2, 62, 0, WIRE_READ);
	data(f, PARENT, 0xe2, WIRE_READ, 0, 30);
	data(f, PARENT, 0xe1, WIRE_WRITE, 20, 1);
	assert_int_equal(count(f), 1);
	check(flow_next(f, NULL), 30, 21, "pipe:[61]", "pipe:[62]");
	ended(f, PARENT, 0xe1, 0, 21);
	ended(f, PARENT, 0xe2, 30, 0);
	assert_int_equal(h->closes, 1);
	/* An unnamed pair of sockets that is nobody's standard input speaks both ways. */
	plain(f, PARENT, WIRE_UNIX, 0xe3, 71, 72, WIRE_WRITE);
	data(f, PARENT, 0xe3, WIRE_WRITE, 0, 2);
	data(f, PARENT, 0xe3, WIRE_READ, 0, 3);
	ended(f, PARENT, 0xe3, 4, 2);
	assert_int_equal(count(f), 2);
	assert_int_equal(h->closes, 2);
	assert_int_equal(flow_next(f, flow_next(f, NULL))->side[WIRE_READ].missing, 1);
	check_equation(f);
	flow_free(f);
	free(h);
}

/* Nothing is known of them: each is what it is. A process that ends takes both halves with it. */
static void alone(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);

	(void)state;
	plain(f, PARENT, WIRE_PIPE, 0xd1, 41, 0, WIRE_WRITE);
	plain(f, PARENT, WIRE_PIPE, 0xd2, 42, 0, WIRE_READ);
	data(f, PARENT, 0xd1, WIRE_WRITE, 0, 3);
	data(f, PARENT, 0xd2, WIRE_READ, 0, 4);
	assert_int_equal(count(f), 2);
	stdio(f, CHILD, 51, 52, 0, 0);
	plain(f, CHILD, WIRE_PIPE, 0xd3, 51, 0, WIRE_READ);
	plain(f, CHILD, WIRE_PIPE, 0xd4, 52, 0, WIRE_WRITE);
	data(f, CHILD, 0xd3, WIRE_READ, 0, 5);
	feed(f, of(RECORD(wire_proc_exit, WIRE_PROC_EXIT), CHILD));
	assert_int_equal(h->closes, 1);
	/* The same two for its next program are another conversation. */
	plain(f, CHILD, WIRE_PIPE, 0xd5, 51, 0, WIRE_READ);
	assert_int_equal(count(f), 4);
	flow_free(f);
	free(h);
}

static void names(void **state)
{
	struct heard *h;
	struct flow *f = new_world(&h);
	struct wire_plain_conn *r = RECORD(wire_plain_conn, WIRE_PLAIN_CONN);
	const struct flow_conn *c;

	(void)state;
	r->transport = WIRE_TCP;
	r->family = 2;
	r->lport = 40000;
	r->pport = 11434;
	memcpy(r->local, (uint8_t[]){127, 0, 0, 1}, 4);
	memcpy(r->peer, (uint8_t[]){127, 0, 0, 1}, 4);
	feed(f, r);
	c = flow_next(f, NULL);
	check(c, 0, 0, "127.0.0.1:40000", "127.0.0.1:11434");
	for (int i = 0; i < 2; i++) {
		r = RECORD(wire_plain_conn, WIRE_PLAIN_CONN);
		r->conn.ssl = 2 + (uint64_t)i;
		r->transport = WIRE_UNIX;
		r->path_len = 13;
		memcpy(r->path, i ? "\0hidden-name-" : "/run/x.sock\0\0", 13);
		feed(f, r);
		c = flow_next(f, c);
		assert_true(str_eq(c->path, i ? STR("@hidden-name-") : STR("/run/x.sock")));
	}
	flow_free(f);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipes), cmocka_unit_test(sockets), cmocka_unit_test(pipeline),
		cmocka_unit_test(late),	 cmocka_unit_test(alone),   cmocka_unit_test(names),
	};

	fill_bytes();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
