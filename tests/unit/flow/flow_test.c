/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdio.h>

#include "base/limits.h"
#include "heard.h"

/* ---- ends ---- */

static void trailing_gap_after_exit(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_tls_close *c;

	(void)state;
	/* The first piece of a call of 30 came, the rest was lost, then the process died. */
	feed(f, record_data(1, WIRE_READ, 0, bytes, 10, 0, 30));
	feed(f, RECORD(wire_proc_exit, WIRE_PROC_EXIT));
	assert_int_equal(h->closes, 1);
	assert_int_equal(h->why, FLOW_END_PROC_EXIT);
	assert_int_equal(h->side[WIRE_READ].gaps, 0);
	c = RECORD(wire_tls_close, WIRE_CONN_FINAL);
	c->conn.ssl = 1;
	c->conn.generation = 7;
	c->side[WIRE_READ] = (struct wire_side){.bytes = 30, .calls = 1, .hole_cause = WIRE_CAUSE_RING_FULL};
	feed(f, c);
	assert_int_equal(h->gap_bytes[WIRE_CAUSE_RING_FULL], 20);
	const struct flow_side *s = &flow_next(f, NULL)->side[WIRE_READ];
	assert_int_equal(s->bytes, 30);
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->calls_kept, 0);
	feed_end(f, true);
	assert_int_equal(h->closes, 1);
	assert_int_equal(s->bytes, 30);
	flow_free(f);
	free(h);
}

/* The tracer died in the middle of a call: what it moved is known, why the rest is not here too. */
static void tracer_down(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);

	(void)state;
	feed(f, record_data(1, WIRE_WRITE, 0, bytes, 10, 0, 30));
	feed_end(f, false);
	assert_int_equal(h->gap_bytes[WIRE_CAUSE_TRACER_DOWN], 20);
	assert_int_equal(h->why, FLOW_END_SESSION);
	assert_int_equal(flow_next(f, NULL)->close_ns, 0);
	/* After the end nothing counts. */
	feed(f, record_data(1, WIRE_WRITE, 30, bytes, 10, 0, 10));
	assert_int_equal(flow_next(f, NULL)->side[WIRE_WRITE].bytes, 30);
	flow_free(f);
	free(h);
}

static void ends(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_head *x;

	(void)state;
	feed(f, PIECE(0, 10));
	/* Somebody else's end is not ours: a pid alone is nobody. */
	x = (void *)RECORD(wire_proc_exit, WIRE_PROC_EXIT);
	x->start_ns++;
	feed(f, x);
	assert_int_equal(h->closes, 0);
	x = record_new(WIRE_PROC_EXEC, sizeof(struct wire_proc_exec), NULL, 0, NULL, 0);
	x->ts_ns = 77;
	feed(f, x);
	assert_int_equal(h->closes, 1);
	assert_int_equal(h->why, FLOW_END_FREED);
	assert_int_equal(flow_next(f, NULL)->close_ns, 77);
	feed(f, RECORD(wire_proc_exit, WIRE_PROC_EXIT));
	feed_end(f, true);
	assert_int_equal(h->closes, 1);
	flow_free(f);
	free(h);
}

static void chunk_times(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_tls_data *d = PIECE(0, 10);

	(void)state;
	d->head.ts_ns = 1000;
	d->call_ns = 400;
	feed(f, d);
	assert_int_equal(h->last_chunk_start_ns, 600);
	assert_int_equal(h->last_chunk_ts_ns, 1000);
	d = PIECE(10, 10);
	d->head.ts_ns = 1000;
	d->call_ns = UINT64_MAX;
	feed(f, d);
	assert_int_equal(h->last_chunk_start_ns, 0);
	flow_free(f);
	free(h);
}

/* ---- names ---- */

static struct wire_tls_conn *conn_record(uint64_t ssl, uint32_t lib)
{
	struct wire_tls_conn *c = RECORD(wire_tls_conn, WIRE_TLS_CONN);

	c->conn.ssl = ssl;
	c->conn.generation = 7;
	c->lib = lib;
	return c;
}

static void *lib_record(uint32_t id, const char *path)
{
	struct wire_lib *l = record_new(WIRE_LIB, sizeof(*l), path, strlen(path), NULL, 0);

	l->id = id;
	l->path_len = (uint32_t)strlen(path);
	return l;
}

static void *sni_record(uint64_t ssl, const char *name)
{
	struct wire_tls_sni *s = record_new(WIRE_TLS_SNI, sizeof(*s), name, strlen(name), NULL, 0);

	s->conn.ssl = ssl;
	s->conn.generation = 7;
	s->len = (uint32_t)strlen(name);
	return s;
}

static void names(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);
	struct wire_tls_conn *w;

	(void)state;
	feed(f, lib_record(1, "/usr/lib/x86_64-linux-gnu/libssl.so.3"));
	feed(f, conn_record(1, 1));
	feed(f, conn_record(2, 9)); /* its library is told of later */
	feed(f, conn_record(2, 9));
	feed(f, conn_record(3, 9));
	const struct flow_conn *a = flow_next(f, NULL), *b = flow_next(f, a), *c = flow_next(f, b);
	HARNESS_TEXT("known library", a->tls, "libssl.so.3");
	assert_null(b->tls.p);
	feed(f, lib_record(9, "libssl.so.1.1"));
	feed(f, lib_record(9, "other"));
	HARNESS_TEXT("late library", b->tls, "libssl.so.1.1");
	HARNESS_TEXT("late library, again", c->tls, "libssl.so.1.1");

	assert_string_equal(a->local, "");
	w = conn_record(1, 1);
	w->family = 2;
	memcpy(w->local, "\x0a\0\0\x07", 4);
	memcpy(w->peer, "\xa0\x4f\x68\x0a", 4);
	w->lport = 51822;
	w->pport = 443;
	feed(f, w);
	assert_string_equal(a->local, "10.0.0.7:51822");
	assert_string_equal(a->peer, "160.79.104.10:443");
	w = conn_record(2, 0);
	w->family = 10;
	memset(w->local, 0xfe, 16);
	w->lport = 65535;
	w->peer[15] = 1;
	w->pport = 443;
	feed(f, w);
	assert_string_equal(b->local, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535");
	assert_string_equal(b->peer, "[::1]:443");
	w = conn_record(3, 0);
	w->family = 10;
	memcpy(w->local, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01", 16);
	w->lport = 8;
	feed(f, w);
	assert_string_equal(c->local, "127.0.0.1:8");
	assert_string_equal(c->peer, "[::]:0");

	assert_null(a->server.p);
	feed(f, sni_record(1, "api.anthropic.com"));
	HARNESS_TEXT("server", a->server, "api.anthropic.com");
	struct str before = a->server;
	feed(f, sni_record(1, "api.openai.com"));
	feed(f, sni_record(1, ""));
	HARNESS_TEXT("the last one", a->server, "api.openai.com");
	HARNESS_TEXT("who kept the first", before, "api.anthropic.com");
	feed(f, sni_record(4, "first.example"));
	HARNESS_TEXT("name before data", flow_next(f, c)->server, "first.example");
	assert_int_equal(flow_next(f, c)->id, 4);
	flow_free(f);
	free(h);
}

static void decode(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, true);
	struct flow_conn *c = flow_open(f, NULL, STR("api.example"), 0);

	(void)state;
	assert_non_null(c);
	flow_data(f, c, WIRE_WRITE, STR("GET / "), 0);
	flow_data(f, c, WIRE_WRITE, STR(""), 0);
	flow_data(f, c, WIRE_WRITE, STR("HTTP/1.1"), 0);
	flow_data(f, c, WIRE_READ, STR("ok"), 0);
	assert_int_equal(c->side[WIRE_WRITE].bytes, 14);
	assert_int_equal(c->side[WIRE_WRITE].calls, 2);
	assert_int_equal(c->side[WIRE_WRITE].calls_kept, 2);
	assert_memory_equal(h->side[WIRE_WRITE].data, "GET / HTTP/1.1", 14);
	HARNESS_TEXT("server", c->server, "api.example");
	flow_close(f, c, 0);
	assert_int_equal(h->closes, 1);
	flow_free(f);
	free(h);
}

/* The connection beyond the limit ends the one that was idle longest; its account goes on. */
static void eviction(void **state)
{
	struct heard *h = heard_new();
	struct flow *f = new_flow(h, false);

	(void)state;
	h->wide = true;
	for (uint64_t ssl = 1; ssl <= LIMIT_CONNECTIONS; ssl++)
		feed(f, conn_record(ssl, 0));
	feed(f, PIECE(0, 10)); /* number 1 is not idle, so number 2 goes */
	assert_int_equal(h->closes, 0);
	feed(f, conn_record(LIMIT_CONNECTIONS + 1, 0));
	assert_int_equal(h->closes, 1);
	assert_int_equal(h->why, FLOW_END_SESSION);
	h->side[WIRE_READ].next = 0;
	feed(f, record_data(2, WIRE_READ, 0, bytes, 10, 0, 10));
	const struct flow_conn *second = flow_next(f, flow_next(f, NULL));
	assert_int_equal(second->ssl, 2);
	assert_int_equal(second->side[WIRE_READ].missing, 10);
	assert_int_equal(h->gap_bytes[WIRE_CAUSE_MAP_FULL], 10);
	feed_end(f, true);
	assert_int_equal(h->closes, LIMIT_CONNECTIONS + 1);
	check_equation(f);
	flow_free(f);
	free(h);
}

/* ---- every failing allocation ---- */

static void *script_start(void)
{
	static struct heard heard;
	struct flow_settings s = {.digest = true, .ops = &ops, .ctx = &heard};

	memset(&heard, 0, sizeof(heard));
	return flow_new(&s);
}

static void script_feed(void *state, struct str input)
{
	struct flow *f = state;

	for (size_t at = 0; at + sizeof(struct wire_head) <= input.n;) {
		const struct wire_head *h = (const void *)(input.p + at);

		if (h->size > input.n - at || !drain_valid(h, h->size))
			break;
		flow_feed(f, h);
		check_equation(f);
		at += h->size;
	}
}

static void script_stop(void *state)
{
	flow_free(state);
}

static void every_oom(void **state)
{
	static const struct harness_stage stage = {
		.start = script_start, .feed = script_feed, .stop = script_stop};
	void *records[] = {
		lib_record(1, "/usr/lib/libssl.so.3"),
		conn_record(1, 1),
		sni_record(1, "api.example"),
		PIECE(0, 10),
		PIECE(20, 10),
		PIECE(40, 10),
		PIECE(10, 10),
		RECORD(wire_proc_exit, WIRE_PROC_EXIT),
		RECORD(wire_end, WIRE_END),
	};
	char *all = calloc(1, 4096);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct wire_head *h = records[i];

		memcpy(all + n, h, h->size);
		n += h->size;
		free(h);
	}
	harness_every_oom("flow", &stage, str_make(all, n));
	harness_every_prefix("flow", &stage, str_make(all, n));
	free(all);
}

/* ---- hostile tapes ---- */

/* Valid records with bits flipped: what the gate lets through must not hurt, and the equation must hold. */
static void every_flip(void **state)
{
	struct wire_tls_close *c = RECORD(wire_tls_close, WIRE_TLS_CLOSE);
	struct wire_tls_data *d = PIECE(10, 10);
	uint64_t random = 11;

	(void)state;
	d->hole_cause = WIRE_CAUSE_RING_FULL;
	c->conn.ssl = 1;
	c->conn.generation = 7;
	c->side[WIRE_READ] = (struct wire_side){.bytes = 100, .calls = 3};
	struct wire_head *records[] = {
		lib_record(1, "/usr/lib/libssl.so.3"),
		(void *)conn_record(1, 1),
		sni_record(1, "api.example"),
		(void *)PIECE(0, 10),
		(void *)d,
		(void *)PIECE(40, 10),
		(void *)record_loss(d),
		(void *)c,
		(void *)RECORD(wire_proc_exit, WIRE_PROC_EXIT),
		(void *)RECORD(wire_end, WIRE_END),
	};
	const size_t count = sizeof(records) / sizeof(records[0]);

	for (int round = 0; round < 20000; round++) {
		struct heard *h = heard_new();
		struct flow *f = new_flow(h, round % 2);

		h->deaf = true;
		for (size_t i = 0; i < count; i++) {
			struct wire_head *r = malloc(records[i]->size);
			size_t size = records[i]->size;

			memcpy(r, records[i], size);
			for (uint64_t flips = record_random(&random) % 3; flips > 0; flips--) {
				uint64_t bit = record_random(&random) % (size * 8);

				((uint8_t *)r)[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			if (drain_valid(r, size))
				flow_feed(f, r);
			check_equation(f);
			free(r);
		}
		flow_free(f);
		free(h);
	}
	for (size_t i = 0; i < count; i++)
		free(records[i]);
}

int main(void)
{
	fill_bytes();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trailing_gap_after_exit),
		cmocka_unit_test(tracer_down),
		cmocka_unit_test(ends),
		cmocka_unit_test(chunk_times),
		cmocka_unit_test(names),
		cmocka_unit_test(decode),
		cmocka_unit_test(eviction),
		cmocka_unit_test(every_oom),
		cmocka_unit_test(every_flip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
