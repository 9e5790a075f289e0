/* SPDX-License-Identifier: BSD-2-Clause */
/* For which request a server calls: by stacks of its calls and of its answers, made by hand. */
#include "program.h"

/* A coroutine, as a server's handler is, that awaits what asks; behind it the loop is left out. */
#define HANDLER(frame, lasti)           \
	{                               \
		GENERATOR, frame, lasti \
	}

static struct call *asked(struct rig *r)
{
	struct call *k = call_make(r->w, r->tid);

	k->conn.ssl = k->conn.id;
	k->x.server_side = true;
	k->x.request.first_ns = r->w->now + 10;
	call_begin(k, 100);
	k->c.kind = GENAI_HTTP;
	trace_genai_ops()->request(r->w->t, &k->c);
	return k;
}

/* frames NULL: no stack comes. */
static struct told *answered(struct rig *r, struct call *k, const struct at *frames)
{
	uint64_t id = ((struct trace_call *)k->c.user)->id;

	r->w->now += 10;
	k->x.response.begun = true;
	k->x.response.end_ns = r->w->now;
	k->x.response.write = (struct http_write){.is_one = true, .conn = {k->conn.ssl, k->conn.generation}};
	call_close(k, GENAI_OK, 200);
	k->x.request.write = k->x.response.write;
	if (frames)
		stack(r, k, frames);
	call_end(k);
	return world_by_id(r->w, id);
}

static const struct trace *trace_at(struct rig *r, uint32_t index)
{
	const struct trace *t = trace_next(r->w->t, NULL);

	while (t && t->index != index)
		t = trace_next(r->w->t, t);
	assert_non_null(t);
	return t;
}

static uint32_t traces(struct rig *r)
{
	uint32_t n = 0;

	for (const struct trace *t = trace_next(r->w->t, NULL); t; t = trace_next(r->w->t, t))
		n++;
	return n;
}

static void is_in(struct rig *r, const struct told *span, const struct told *request, const char *rule)
{
	uint32_t index = world_trace(r->w, span);
	const struct trace *t = trace_at(r, index);

	assert_int_equal(index, world_trace(r->w, request));
	assert_string_equal(t->root_rule, rule);
	assert_int_equal(t->root, request->id);
	assert_int_equal(t->start_ns, request->start_ns);
	assert_int_equal(t->end_ns, request->end_ns);
	assert_int_equal(request->parent, 0);
}

static void is_in_rest(struct rig *r, const struct told *span)
{
	assert_string_equal(trace_at(r, world_trace(r->w, span))->root_rule, "process");
}

static void tasks_at_once(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct call *x[10];
	struct talk t[10];
	struct told *one[10], *two[10], *in[10];

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		x[i] = asked(&r);
		t[i] = talk("same", "same");
	}
	for (uint32_t i = 0; i < 10; i++)
		one[i] = ask_tool(&r, &t[i], "search", "same",
				  FRAMES({ASK, 0x10, 2}, {RUN, 0x500 + i, 4}, HANDLER(0x800 + i, 6)));
	for (uint32_t k = 10; k-- > 0;)
		two[k] = ask(&r, &t[k], "done",
			     FRAMES({ASK, 0x10, 2}, {RUN, 0x500 + k, 4}, HANDLER(0x800 + k, 6)));
	/* A thread's frames lie where those of the call lay, called from another place. */
	for (uint32_t i = 0; i < 10; i++)
		in[i] = answered(&r, x[i], FRAMES({ASK, 0x10, 2}, HANDLER(0x800 + i, 8)));
	finish(&r);
	assert_int_equal(traces(&r), 11);
	for (uint32_t i = 0; i < 10; i++) {
		is_in(&r, one[i], in[i], "request");
		is_in(&r, two[i], in[i], "request");
		assert_int_equal(agent_of(&r, one[i])->parent, in[i]->id);
		assert_ptr_equal(agent_of(&r, one[i]), agent_of(&r, two[i]));
	}
	is_in_rest(&r, world_process(r.w, 100));
	end(&r);
}

static void below_in_a_run(void **state)
{
	struct rig r = begin();
	struct call *x = asked(&r), *y = asked(&r);
	struct talk t = talk("R", "q"), u = talk("R", "q");
	struct told *one = ask(&r, &t, "a", FRAMES({ASK, 0x10, 2}, HANDLER(0x80, 6)));
	struct told *two = ask(&r, &u, "a", FRAMES({ASK, 0x10, 2}, HANDLER(0x90, 6)));
	struct told *in_y = answered(&r, y, FRAMES(HANDLER(0x90, 8)));
	struct told *in_x = answered(&r, x, FRAMES(HANDLER(0x80, 8)));

	(void)state;
	finish(&r);
	assert_int_equal(traces(&r), 1);
	assert_int_equal(one->parent, in_x->id);
	assert_int_equal(two->parent, in_y->id);
	assert_string_equal(one->how, "frame");
	assert_true(one->certain);
	assert_int_equal(in_x->parent, process_id(&r));
	end(&r);
}

/* One task, one connection: what is asked before an answer is written is that answer's. A history that goes on over both
 * does not make them one. */
static void kept_connection(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct talk t = talk("R", "q");
	struct told *one[2], *two[2], *in[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct call *x = asked(&r);

		one[i] = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 6)));
		two[i] = ask(&r, &t, "b", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 6)));
		in[i] = answered(&r, x, FRAMES(HANDLER(0x80, 8)));
	}
	finish(&r);
	assert_int_equal(traces(&r), 3);
	for (int i = 0; i < 2; i++) {
		is_in(&r, one[i], in[i], "request");
		is_in(&r, two[i], in[i], "request");
	}
	end(&r);
}

/* An answer that was begun before the call, and went on. */
static void streamed(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct call *x = asked(&r);
	struct talk t = talk("R", "q");
	struct told *one, *in;

	(void)state;
	x->x.request.write.offset = 0;
	uint64_t begun = r.w->now;
	one = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 6)));
	/* The stack says when: at its own time. */
	uint64_t now = r.w->now;
	r.w->now = begun;
	x->x.response.write = (struct http_write){.is_one = true, .conn = {x->conn.ssl, x->conn.generation}};
	x->x.request.write = x->x.response.write;
	stack(&r, x, FRAMES(HANDLER(0x80, 4)));
	r.w->now = now;
	in = answered(&r, x, NULL);
	finish(&r);
	is_in(&r, one, in, "request");
	end(&r);
}

static void nobodys(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct talk t = talk("R", "q"), u = talk("S", "q"), v = talk("T", "q");
	struct told *before = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 6)));
	struct call *x = asked(&r);
	struct told *beside = ask(&r, &u, "a", FRAMES({RUN, 0x58, 4}, HANDLER(0x90, 6)));
	struct told *in = answered(&r, x, FRAMES(HANDLER(0x80, 8)));
	struct told *after = ask(&r, &v, "a", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 9)));

	(void)state;
	finish(&r);
	assert_int_equal(traces(&r), 1);
	is_in_rest(&r, before);
	is_in_rest(&r, beside);
	is_in_rest(&r, after);
	is_in_rest(&r, in);
	end(&r);
}

/* A worker takes one request after the other, from one frame; the next one waits meanwhile. */
static void a_worker(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct call *a = asked(&r), *b = asked(&r);
	struct talk t = talk("R", "a"), u = talk("R", "b");
	struct told *one, *two, *in_a, *in_b;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({ASK, 0x50, 4}, {WRITER, 0x80, 6}));
	in_a = answered(&r, a, FRAMES({WRITER, 0x80, 8}));
	two = ask(&r, &u, "a", FRAMES({ASK, 0x50, 4}, {WRITER, 0x80, 6}));
	in_b = answered(&r, b, FRAMES({WRITER, 0x80, 8}));
	finish(&r);
	is_in(&r, one, in_a, "request");
	is_in(&r, two, in_b, "request");
	end(&r);
}

/* One of the worker's requests is never answered: whose the calls are is not known while it is open. */
static void a_hung_request(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct call *a = asked(&r), *b = asked(&r), *c = asked(&r);
	struct talk t = talk("R", "a"), u = talk("R", "b"), v = talk("R", "c");
	struct told *one, *two, *three;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({ASK, 0x50, 4}, {WRITER, 0x80, 6}));
	answered(&r, a, FRAMES({WRITER, 0x80, 8}));
	two = ask(&r, &u, "a", FRAMES({ASK, 0x50, 4}, {WRITER, 0x80, 6}));
	three = ask(&r, &v, "a", FRAMES({ASK, 0x50, 4}, {WRITER, 0x80, 6}));
	answered(&r, c, FRAMES({WRITER, 0x80, 8}));
	finish(&r);
	assert_int_equal(traces(&r), 1);
	is_in_rest(&r, one);
	is_in_rest(&r, two);
	is_in_rest(&r, three);
	call_end(b);
	end(&r);
}

/* ---- frameworks ---- */

static void workflows(void **state)
{
	struct rig r = begin_as(WIRE_MODE_ATTACH);
	struct call *x = asked(&r);
	struct talk t = talk("R", "q"), u = talk("R", "q"), v = talk("S", "q"), w = talk("J", "q");
	struct told *one = ask(&r, &t, "a", FRAMES({AGENT, 0x50, 4, "R"}, HANDLER(0x80, 6)));
	struct told *in_x = answered(&r, x, FRAMES(HANDLER(0x80, 8)));
	struct call *y = asked(&r);
	struct told *two = ask(&r, &u, "a", FRAMES({AGENT, 0x50, 4, "R"}, HANDLER(0x80, 6)));
	struct told *three = ask(&r, &v, "a", FRAMES({AGENT, 0x58, 4, "S"}, HANDLER(0x80, 7)));
	struct told *in_y = answered(&r, y, FRAMES(HANDLER(0x80, 8)));
	struct told *job = ask(&r, &w, "a", FRAMES({AGENT, 0x60, 4, "J"}, HANDLER(0x90, 6)));

	(void)state;
	finish(&r);
	assert_int_equal(traces(&r), 4);
	is_in(&r, one, in_x, "workflow");
	is_in(&r, two, in_y, "request");
	is_in(&r, three, in_y, "request");
	is_in(&r, job, agent_of(&r, job), "workflow");
	end(&r);
}

/* ---- without Python ---- */

static struct told *say_on(struct world *w, struct talk *t, const char *conversation, const char *answer)
{
	struct call *k = call_new(w, 100, 100);
	struct told *told;

	k->c.conversation_id = str_of(conversation);
	call_in(k, "system", t->system);
	for (uint32_t i = 0; i < t->count; i++)
		call_in(k, t->said[i].role, t->said[i].text);
	call_out_text(k, answer);
	told = call_do(k);
	say(t, "assistant", answer, NULL, NULL);
	say(t, "user", "go on", NULL, NULL);
	return told;
}

static void conversations(void **state)
{
	struct world *w = world_new(WIRE_MODE_ATTACH);
	struct talk t = talk("R", "q"), u = talk("R", "q"), v = talk("R", "other"), x = talk("R", "third");
	struct wire_proc_fact fact = {.head = {.size = sizeof(fact), .kind = WIRE_PROC_FACT}, .comm = "node"};
	struct told *a[2], *b[2], *c[2];

	(void)state;
	fact.head.flags = WIRE_FACT_LISTENS;
	world_feed(w, &fact.head, 100);
	world_target(w, 100);
	a[0] = say_on(w, &t, NULL, "one");
	b[0] = say_on(w, &u, NULL, "two"); /* the same question is another conversation */
	c[0] = say_on(w, &v, "thread-1", "x");
	b[1] = say_on(w, &u, NULL, "three");
	a[1] = say_on(w, &t, NULL, "four");
	c[1] = say_on(w, &x, "thread-1", "y");
	world_finish(w, true);
	struct rig r = {.w = w};
	assert_int_equal(traces(&r), 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_trace(w, a[i]), world_trace(w, a[0]));
		assert_int_equal(world_trace(w, b[i]), world_trace(w, b[0]));
		assert_int_equal(world_trace(w, c[i]), world_trace(w, c[0]));
		assert_string_equal(trace_at(&r, world_trace(w, a[i]))->root_rule, "conversation");
	}
	assert_int_not_equal(world_trace(w, a[0]), world_trace(w, b[0]));
	assert_string_equal(a[1]->how, "prefix");
	assert_false(a[1]->certain);
	HARNESS_TEXT("session", trace_at(&r, world_trace(w, c[0]))->session, "thread-1");
	assert_null(trace_at(&r, world_trace(w, a[0]))->session.p);
	world_free(w);
}

/* It serves nobody. */
static void no_server(void **state)
{
	struct world *w = world_new(WIRE_MODE_ATTACH);
	struct talk t = talk("R", "q");

	(void)state;
	world_fact(w, 100, 0);
	world_target(w, 100);
	say_on(w, &t, "c", "one");
	world_finish(w, true);
	struct rig r = {.w = w};
	assert_int_equal(traces(&r), 1);
	assert_string_equal(trace_at(&r, 0)->root_rule, "process");
	world_free(w);
}

static void no_memory(void **state)
{
	(void)state;
	for (long n = 1; n < 400; n++) {
		struct rig r = begin_as(WIRE_MODE_ATTACH);
		struct talk t = talk("R", "q");
		struct call *x = asked(&r);

		ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, HANDLER(0x80, 6)));
		answered(&r, x, FRAMES(HANDLER(0x80, 8)));
		harness_fail_alloc(n);
		trace_agent_settle(r.w->t);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		finish(&r);
		end(&r);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_at_once),   cmocka_unit_test(below_in_a_run),
		cmocka_unit_test(kept_connection), cmocka_unit_test(streamed),
		cmocka_unit_test(nobodys),	   cmocka_unit_test(a_worker),
		cmocka_unit_test(a_hung_request),  cmocka_unit_test(workflows),
		cmocka_unit_test(conversations),   cmocka_unit_test(no_server),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
