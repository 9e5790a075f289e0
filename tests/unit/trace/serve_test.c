/* SPDX-License-Identifier: BSD-2-Clause */
/* One process asks another: what is known at both ends, what is done for whom, and all that must not be linked. */
#include "world.h"

struct end {
	uint32_t pid, tid;
	bool server;
	const char *local, *peer;
	uint64_t body;
	const char *method; /* of JSON-RPC; NULL */
};

static struct call *request(struct world *w, struct end e)
{
	struct call *k = call_make(w, e.tid);

	snprintf(k->conn.local, sizeof(k->conn.local), "%s", e.local);
	snprintf(k->conn.peer, sizeof(k->conn.peer), "%s", e.peer);
	k->x.server_side = e.server;
	k->x.target = STR("/agents/run");
	k->c.path = k->x.target;
	k->c.body_hash = (struct hash128){.lo = e.body, .hi = 1};
	call_begin(k, e.pid);
	if (e.method) {
		k->c.kind = GENAI_EXECUTE_TOOL;
		k->c.method = str_of(e.method);
		k->c.label = STR("ask");
		k->c.tool_arguments = STR("{}");
	}
	trace_genai_ops()->request(w->t, &k->c);
	return k;
}

#define CLIENT(port)	     ((struct end){100, 100, false, "127.0.0.1:" port, "127.0.0.1:80", 7, NULL})
#define SERVER(thread, port) ((struct end){101, thread, true, "127.0.0.1:80", "127.0.0.1:" port, 7, NULL})

static uint64_t id_of(const struct call *k)
{
	return ((const struct trace_call *)k->c.user)->id;
}

static struct told *over(struct call *k)
{
	uint64_t id = id_of(k);

	call_close(k, GENAI_OK, 200);
	call_end(k);
	return world_by_id(k->w, id);
}

static struct told *ask(struct world *w, uint32_t pid, uint32_t tid)
{
	struct call *k = call_new(w, pid, tid);

	call_in(k, "user", "hi");
	call_out_text(k, "ok");
	return call_do(k);
}

static struct world *two(void)
{
	struct world *w = world_run();

	world_fork(w, 101, 100);
	return w;
}

static void test_both_ends(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *c = request(w, CLIENT("9")), *s = request(w, SERVER(111, "9"));
	struct told *inner = ask(w, 101, 111), *outside = ask(w, 100, 100);
	uint64_t client = id_of(c), server = id_of(s);

	struct told *served = over(s);
	struct told *after = ask(w, 101, 111);
	struct told *asked = over(c);
	world_finish(w, true);
	assert_int_equal(served->parent, client);
	assert_string_equal(served->how, "socket");
	assert_true(served->certain);
	assert_int_equal(inner->parent, server);
	assert_string_equal(inner->how, "socket");
	assert_false(inner->certain);
	assert_non_null(strstr(inner->evidence, "thread 111 of pid 101"));
	assert_int_equal(outside->parent, world_process(w, 100)->id);
	assert_int_equal(after->parent, world_process(w, 101)->id);
	assert_int_equal(asked->parent, world_process(w, 100)->id);
	world_free(w);
}

/* The server's read may be told before the client's write. */
static void test_other_order(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *s = request(w, SERVER(111, "9"));
	struct told *early = ask(w, 101, 111);
	struct call *c = request(w, CLIENT("9"));
	struct told *inner = ask(w, 101, 111);
	uint64_t client = id_of(c), server = id_of(s);

	over(c);
	struct told *served = over(s);
	world_finish(w, true);
	assert_int_equal(served->parent, client);
	assert_int_equal(inner->parent, server);
	assert_int_equal(early->parent, world_process(w, 101)->id); /* who asked was not known yet */
	world_free(w);
}

/* Two at once: each thread's own; of a third thread nothing is known. */
static void test_two_at_once(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *c1 = request(w, CLIENT("8")), *c2 = request(w, CLIENT("9"));
	struct call *s2 = request(w, SERVER(112, "9")), *s1 = request(w, SERVER(111, "8"));
	struct told *one = ask(w, 101, 111), *two_ = ask(w, 101, 112), *third = ask(w, 101, 113);
	uint64_t first = id_of(s1), second = id_of(s2), client1 = id_of(c1), client2 = id_of(c2);

	struct told *told1 = over(s1), *alone = ask(w, 101, 113), *told2 = over(s2);
	over(c1);
	over(c2);
	world_finish(w, true);
	assert_int_equal(told1->parent, client1);
	assert_int_equal(told2->parent, client2);
	assert_int_equal(one->parent, first);
	assert_int_equal(two_->parent, second);
	assert_int_equal(third->parent, world_process(w, 101)->id);
	assert_int_equal(alone->parent,
			 world_process(w, 101)->id); /* no stack says that it is for that one */
	world_free(w);
}

struct own {
	struct py_stack s;
	struct py_stack outer[3];
};

/* The stack of a call, and what made it, innermost first. */
static const struct py_stack *stack_of(struct own *o, unsigned boundaries)
{
	o->s.outer = boundaries > 0 ? &o->outer[0] : NULL;
	for (unsigned i = 0; i < 3; i++)
		o->outer[i].outer = i + 1 < boundaries ? &o->outer[i + 1] : NULL;
	return &o->s;
}

/* What frames say of who a call is made for. */
static void test_frames(void **state)
{
	(void)state;
	const struct trace_served loops = {.parent = 1, .tid = 50, .since_ns = 1000, .thread = true},
				  pools = {.parent = 1, .tid = 50, .since_ns = 1000};
	struct own o = {.s = {.ts_ns = 2000, .tid = 50}};

	/* A thread that reads, works and answers. */
	assert_true(trace_serve_fits(stack_of(&o, 0), &loops));
	o.s.how = PY_HOW_THREAD;
	o.outer[0] = (struct py_stack){.ts_ns = 900, .tid = 1};
	assert_true(trace_serve_fits(stack_of(&o, 1), &loops));
	/* Another thread, of which nothing is known, or that lived before. */
	o = (struct own){.s = {.ts_ns = 2000, .tid = 51}};
	assert_false(trace_serve_fits(stack_of(&o, 0), &pools));
	o.s.how = PY_HOW_THREAD;
	o.outer[0] = (struct py_stack){.ts_ns = 900, .tid = 1};
	assert_false(trace_serve_fits(stack_of(&o, 1), &pools));
	/* A loop's task that was made for the request; one that was there before; a timer. */
	o = (struct own){.s = {.ts_ns = 2000, .tid = 50, .how = PY_HOW_TASK, .task_object = 7}};
	o.outer[0] = (struct py_stack){.ts_ns = 1100, .tid = 50, .how = PY_HOW_CALLBACK};
	assert_true(trace_serve_fits(stack_of(&o, 1), &loops));
	o.outer[0].ts_ns = 500;
	assert_false(trace_serve_fits(stack_of(&o, 1), &loops));
	o = (struct own){.s = {.ts_ns = 2000, .tid = 50, .how = PY_HOW_CALLBACK}};
	assert_false(trace_serve_fits(stack_of(&o, 0), &loops));
	/* Work for a pool: by a task that was made for the request, by one that was not, by the thread that read it. */
	o = (struct own){.s = {.ts_ns = 2000, .tid = 60, .how = PY_HOW_WORK}};
	o.outer[0] = (struct py_stack){.ts_ns = 1500, .tid = 50, .how = PY_HOW_TASK, .task_object = 7};
	o.outer[1] = (struct py_stack){.ts_ns = 1100, .tid = 50, .how = PY_HOW_CALLBACK};
	assert_true(trace_serve_fits(stack_of(&o, 2), &pools));
	o.outer[1].ts_ns = 500;
	assert_false(trace_serve_fits(stack_of(&o, 2), &pools));
	o.outer[0] = (struct py_stack){.ts_ns = 1500, .tid = 50};
	assert_true(trace_serve_fits(stack_of(&o, 1), &pools));
	/* That thread, but before the request came. */
	o.outer[0] = (struct py_stack){.ts_ns = 990, .tid = 50};
	assert_false(trace_serve_fits(stack_of(&o, 1), &pools));
}

/* Without frames: an answer that has begun may be a stream that others are served beside; a request that says nothing may be one. */
static void test_streams(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct world *w = two();
		struct call *c = request(w, CLIENT("9")), *s = request(w, SERVER(111, "9"));
		if (how == 1)
			s->x.response.begun = true;
		if (how == 2)
			s->x.request.body_bytes = 0;
		uint64_t server = id_of(s);
		struct told *inner = ask(w, 101, 111);
		over(s);
		over(c);
		world_finish(w, true);
		assert_int_equal(inner->parent, how ? world_process(w, 101)->id : server);
		world_free(w);
	}
}

/* One loop's thread answers two: which of them asks a model is not known. */
static void test_one_loop(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *c1 = request(w, CLIENT("8")), *c2 = request(w, CLIENT("9"));
	struct call *s1 = request(w, SERVER(111, "8")), *s2 = request(w, SERVER(111, "9"));
	struct told *loop = ask(w, 101, 111), *pool = ask(w, 101, 112);

	over(s1);
	over(s2);
	over(c1);
	over(c2);
	world_finish(w, true);
	assert_int_equal(loop->parent, world_process(w, 101)->id);
	assert_int_equal(pool->parent, world_process(w, 101)->id);
	world_free(w);
}

/* Neither another connection, nor other words, nor what was over, is the other end. */
static void test_no_other_end(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *done = request(w, CLIENT("5"));
	over(done);
	struct call *c = request(w, CLIENT("9"));
	struct end other_words = SERVER(111, "9");
	other_words.body = 8;
	struct call *s1 = request(w, SERVER(111, "7")), *s2 = request(w, other_words),
		    *s3 = request(w, SERVER(111, "5"));
	uint64_t process = world_find(w, "http", 0)->parent;

	struct told *t1 = over(s1), *t2 = over(s2);
	struct told *inner = ask(w, 101, 111);
	struct told *t3 = over(s3);
	over(c);
	world_finish(w, true);
	assert_int_equal(process, world_process(w, 100)->id);
	assert_int_equal(t1->parent, world_process(w, 101)->id);
	assert_int_equal(t2->parent, world_process(w, 101)->id);
	assert_int_equal(t3->parent, world_process(w, 101)->id);
	assert_int_equal(inner->parent, world_process(w, 101)->id);
	world_free(w);
}

/* The same words again on the same connection, while the exchange before still reads on. */
static void test_again(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *c1 = request(w, CLIENT("9")), *s1 = request(w, SERVER(111, "9"));

	call_close(s1, GENAI_OK, 200);
	call_close(c1, GENAI_OK, 200);
	struct call *c2 = request(w, CLIENT("9")), *s2 = request(w, SERVER(111, "9"));
	uint64_t second = id_of(c2), first = id_of(c1);
	struct told *inner = ask(w, 101, 111);
	call_end(s1);
	call_end(c1);
	struct told *served = over(s2);
	over(c2);
	world_finish(w, true);
	assert_int_not_equal(first, second);
	assert_int_equal(served->parent, second);
	assert_int_equal(inner->parent, served->id);
	world_free(w);
}

/* Ends that nobody knows: the words alone are enough for one, and for two they are too little. */
static void test_unknown_ends(void **state)
{
	(void)state;
	for (int twins = 0; twins < 2; twins++) {
		struct world *w = two();
		struct end client = CLIENT("9"), server = SERVER(111, "9");
		client.local = client.peer = server.local = server.peer = "";
		struct call *c = request(w, client), *c2 = NULL;
		uint64_t asker = id_of(c);
		if (twins)
			c2 = request(w, client);
		struct call *s = request(w, server);
		struct told *inner = ask(w, 101, 111);
		struct told *served = over(s);
		over(c);
		if (c2)
			over(c2);
		world_finish(w, true);
		assert_int_equal(served->parent, twins ? world_process(w, 101)->id : asker);
		assert_false(!twins && served->certain);
		assert_int_equal(inner->parent, twins ? world_process(w, 101)->id : served->id);
		world_free(w);
	}
}

/* A tool's server that asks a model itself: its part is the tool call's. */
static void test_tool_server(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *k = call_new(w, 100, 100);
	struct end client = {100, 100, false, "pipe:[1]", "pipe:[2]", 7, "tools/call"},
		   server = {101, 111, true, "pipe:[2]", "pipe:[1]", 7, "tools/call"};

	call_in(k, "user", "go");
	call_out_call(k, "c1", "ask", "{}");
	call_do(k);
	client.server = false;
	struct call *c = call_make(w, 100);
	snprintf(c->conn.local, sizeof(c->conn.local), "%s", client.local);
	snprintf(c->conn.peer, sizeof(c->conn.peer), "%s", client.peer);
	c->x.target = STR("/agents/run");
	c->c.body_hash = (struct hash128){.lo = 7, .hi = 1};
	call_begin(c, 100);
	struct json_end end;
	c->c.kind = GENAI_EXECUTE_TOOL;
	c->c.method = STR("tools/call");
	c->c.label = STR("ask");
	c->c.tool_arguments = STR("{}");
	c->c.arguments_hash = json_hash(w->a, json_parse(w->a, STR("{}"), &end));
	trace_genai_ops()->request(w->t, &c->c);
	struct call *s = request(w, server);
	struct told *inner = ask(w, 101, 111);
	call_close(s, GENAI_OK, 200);
	call_end(s);
	call_close(c, GENAI_OK, 200);
	call_end(c);
	world_finish(w, true);
	struct told *tool = world_tool(w, "c1");
	assert_non_null(tool);
	assert_int_equal(world_count(w, "execute_tool"), 1);
	assert_int_equal(inner->parent, tool->id);
	assert_string_equal(inner->how, "pipe");
	assert_false(inner->certain);
	world_free(w);
}

/* A gateway is asked like a model: it is a hop, and nobody's agent. */
static void test_gateway(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *c = call_make(w, 100), *s = call_make(w, 111);

	snprintf(c->conn.local, sizeof(c->conn.local), "a:1");
	snprintf(c->conn.peer, sizeof(c->conn.peer), "b:2");
	snprintf(s->conn.local, sizeof(s->conn.local), "b:2");
	snprintf(s->conn.peer, sizeof(s->conn.peer), "a:1");
	s->x.server_side = true;
	call_in(c, "user", "hi");
	call_in(s, "user", "hi");
	c->c.body_hash = s->c.body_hash = (struct hash128){.lo = 3, .hi = 3};
	call_begin(c, 100);
	call_request(c);
	call_begin(s, 101);
	call_request(s);
	struct call *out = call_new(w, 101, 111);
	call_in(out, "user", "something else");
	struct told *other = call_do(out);
	struct told *hop = over(s);
	over(c);
	world_finish(w, true);
	assert_int_equal(hop->parent, world_process(w, 100)->id);
	assert_int_equal(other->parent, world_process(w, 101)->id);
	world_free(w);
}

/* Each asks the other while it answers it: the tree has no ring. */
static void test_callback(void **state)
{
	(void)state;
	struct world *w = two();
	struct end back_client = {101, 111, false, "127.0.0.1:9", "127.0.0.1:70", 9, NULL},
		   back_server = {100, 105, true, "127.0.0.1:70", "127.0.0.1:9", 9, NULL};
	struct call *c = request(w, CLIENT("9")), *s = request(w, SERVER(111, "9"));
	struct call *bc = request(w, back_client), *bs = request(w, back_server);
	uint64_t ids[] = {id_of(c), id_of(s), id_of(bc), id_of(bs)};
	struct told *deep = ask(w, 100, 105);

	struct told *t4 = over(bs), *t3 = over(bc), *t2 = over(s), *t1 = over(c);
	world_finish(w, true);
	assert_int_equal(deep->parent, ids[3]);
	assert_int_equal(t4->parent, ids[2]);
	assert_int_equal(t3->parent, ids[1]);
	assert_int_equal(t2->parent, ids[0]);
	assert_int_equal(t1->parent, world_process(w, 100)->id);
	world_free(w);
}

/* One that asks itself, with the two ends in either order. */
static void test_itself(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct world *w = two();
		struct end client = CLIENT("9"), server = SERVER(111, "9");
		client.pid = 101;
		client.tid = 111;
		struct call *a = request(w, swapped ? server : client);
		struct call *b = request(w, swapped ? client : server);
		struct call *c = swapped ? b : a, *s = swapped ? a : b;
		uint64_t asker = id_of(c);
		struct told *t1 = over(s), *t2 = over(c);
		world_finish(w, true);
		assert_int_equal(t1->parent, asker);
		assert_int_equal(t2->parent, world_process(w, 101)->id);
		world_free(w);
	}
}

/* What --keep may drop of an attach is nobody's parent; another trace's request neither. */
static void test_kept_and_traces(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct world *w = world_new(WIRE_MODE_ATTACH);
		world_fact(w, 100, 1);
		world_target(w, 100);
		world_fact(w, 101, keep ? 100 : 1);
		world_target(w, 101);
		if (keep)
			world_keep(w, "errors");
		struct call *c = request(w, CLIENT("9")), *s = request(w, SERVER(111, "9"));
		struct told *inner = ask(w, 101, 111);
		struct told *served = over(s);
		over(c);
		world_finish(w, true);
		assert_int_equal(inner->parent, world_process(w, 101)->id);
		assert_int_equal(served->parent, world_process(w, 101)->id);
		world_free(w);
	}
}

/* More at once than are looked at. */
static void test_many(void **state)
{
	(void)state;
	struct world *w = two();
	struct call *all[200];
	char port[200][24];

	for (int i = 0; i < 100; i++) {
		struct end c = CLIENT("9"), s = SERVER((uint32_t)(1000 + i), "9");

		snprintf(port[i], sizeof(port[i]), "127.0.0.1:%d", 10000 + i);
		c.local = s.peer = port[i];
		all[2 * i] = request(w, c);
		all[2 * i + 1] = request(w, s);
	}
	struct told *newest = ask(w, 101, 1099), *nobody = ask(w, 101, 5);
	uint64_t last = id_of(all[199]);
	for (int i = 0; i < 200; i++)
		over(all[i]);
	world_finish(w, true);
	assert_int_equal(newest->parent, last);
	assert_int_equal(nobody->parent, world_process(w, 101)->id);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),    cmocka_unit_test(test_other_order),
		cmocka_unit_test(test_two_at_once),  cmocka_unit_test(test_frames),
		cmocka_unit_test(test_streams),	     cmocka_unit_test(test_one_loop),
		cmocka_unit_test(test_no_other_end), cmocka_unit_test(test_unknown_ends),
		cmocka_unit_test(test_tool_server),  cmocka_unit_test(test_gateway),
		cmocka_unit_test(test_callback),     cmocka_unit_test(test_itself),
		cmocka_unit_test(test_again),	     cmocka_unit_test(test_kept_and_traces),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
