/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

/* What the module says, as user/mark gives it. */
static struct mark_note note(struct world *w, enum mark_kind kind, uint32_t pid, uint32_t tid,
			     uint64_t number)
{
	w->now += 10;
	return (struct mark_note){.kind = kind,
				  .proc = proc_find(w->procs, pid, pid * 1000ull),
				  .tid = tid,
				  .ts_ns = w->now,
				  .number = number};
}

static void begin(struct world *w, uint32_t tid, uint64_t number, uint64_t parent, const char *name)
{
	struct mark_note n = note(w, MARK_BEGIN, 100, tid, number);

	n.parent = parent;
	n.has_now = true;
	n.now = number;
	n.name = str_of(name);
	n.value = STR("{\"a\":1}");
	trace_marker(w->t, &n);
}

static void end(struct world *w, uint32_t tid, uint64_t number, uint64_t now)
{
	struct mark_note n = note(w, MARK_END, 100, tid, number);

	n.has_now = true;
	n.now = now;
	n.value = STR("[2]");
	trace_marker(w->t, &n);
}

static void now(struct world *w, uint32_t tid, uint64_t number)
{
	struct mark_note n = note(w, MARK_NOW, 100, tid, number);

	n.has_now = true;
	n.now = number;
	trace_marker(w->t, &n);
}

static void say(struct world *w, enum mark_kind kind, uint64_t number, const char *name, const char *value)
{
	struct mark_note n = note(w, kind, 100, 100, number);

	n.name = str_of(name);
	n.value = str_of(value);
	trace_marker(w->t, &n);
}

static void session(struct world *w, uint32_t tid, const char *id)
{
	struct mark_note n = note(w, MARK_SESSION, 100, tid, 0);

	n.has_now = true;
	n.session = str_of(id);
	trace_marker(w->t, &n);
}

static struct told *step(struct world *w, const char *name)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (strcmp(w->spans[i].kind, "step") == 0 && strcmp(w->spans[i].name, name) == 0)
			return &w->spans[i];
	fail_msg("no step %s", name);
	return NULL;
}

static struct told *ask(struct world *w, uint32_t tid, const char *text)
{
	struct call *k = call_new(w, 100, tid);

	call_in(k, "user", text);
	call_out_text(k, "ok");
	return call_do(k);
}

static void test_nesting(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "outer");
	begin(w, 100, 2, 1, "inner");
	struct told *in = ask(w, 100, "in"), *other = ask(w, 101, "other");
	end(w, 100, 2, 1);
	struct told *out = ask(w, 100, "out");
	end(w, 100, 1, 0);
	struct told *after = ask(w, 100, "after");
	world_finish(w, true);
	uint64_t process = world_process(w, 100)->id;
	struct told *outer = step(w, "outer"), *inner = step(w, "inner");
	assert_int_equal(outer->parent, process);
	assert_string_equal(outer->how, "process");
	assert_int_equal(inner->parent, outer->id);
	assert_string_equal(inner->how, "marker");
	assert_true(inner->certain);
	assert_int_equal(in->parent, inner->id);
	assert_string_equal(in->how, "marker");
	assert_int_equal(out->parent, outer->id);
	assert_int_equal(other->parent, process);
	assert_string_equal(other->how, "process");
	assert_int_equal(after->parent, process);
	world_want(outer, "bottrace.input", "{\"a\":1}");
	world_want(outer, "bottrace.output", "[2]");
	assert_int_equal(outer->status, TRACE_STATUS_OK);
	assert_true(outer->start_ns < inner->start_ns && inner->end_ns < outer->end_ns);
	world_free(w);
}

/* Two tasks on one thread: what is between their steps is nobody's. */
static void test_steps(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "a");
	now(w, 100, 0);
	struct told *between = ask(w, 100, "x");
	begin(w, 100, 2, 0, "b");
	now(w, 100, 0);
	now(w, 100, 1);
	struct told *a = ask(w, 100, "in a");
	now(w, 100, 0);
	now(w, 100, 2);
	struct told *b = ask(w, 100, "in b");
	end(w, 100, 2, 0);
	end(w, 100, 1, 0);
	world_finish(w, true);
	assert_int_equal(between->parent, world_process(w, 100)->id);
	assert_int_equal(a->parent, step(w, "a")->id);
	assert_int_equal(b->parent, step(w, "b")->id);
	world_free(w);
}

/* A thread that was left in a marker which ended elsewhere goes on in the one around it. */
static void test_stale(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "outer");
	begin(w, 100, 2, 1, "inner");
	struct mark_note n = note(w, MARK_END, 100, 101, 2);
	trace_marker(w->t, &n);
	struct told *a = ask(w, 100, "a");
	n = note(w, MARK_END, 100, 101, 1);
	trace_marker(w->t, &n);
	struct told *b = ask(w, 100, "b");
	now(w, 100, 2);
	struct told *c = ask(w, 100, "c");
	world_finish(w, true);
	assert_int_equal(a->parent, step(w, "outer")->id);
	assert_int_equal(b->parent, world_process(w, 100)->id);
	assert_int_equal(c->parent, world_process(w, 100)->id);
	world_free(w);
}

static void test_contexts(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "outer");
	begin(w, 101, 2, 1, "copied");
	struct mark_note n = note(w, MARK_BEGIN, 100, 102, 3);
	n.parent = 1;
	n.foreign = true;
	n.name = STR("inherited");
	trace_marker(w->t, &n);
	world_finish(w, true);
	assert_int_equal(step(w, "copied")->parent, step(w, "outer")->id);
	assert_string_equal(step(w, "copied")->how, "context");
	assert_int_equal(step(w, "inherited")->parent, world_process(w, 100)->id);
	assert_int_equal(step(w, "outer")->status, TRACE_STATUS_OPEN);
	assert_int_equal(step(w, "outer")->end_ns, 0);
	world_free(w);
}

static void test_ends(void **state)
{
	static const struct {
		const char *error;
		enum trace_status status;
	} cases[] = {{"KeyError", TRACE_STATUS_ERROR},
		     {"GeneratorExit", TRACE_STATUS_OK},
		     {"CancelledError", TRACE_STATUS_ABORTED}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = world_run();

		begin(w, 100, 1, 0, "s");
		struct mark_note n = note(w, MARK_END, 100, 100, 1);
		n.error = str_of(cases[i].error);
		n.message = STR("why");
		trace_marker(w->t, &n);
		begin(w, 100, 2, 0, "left");
		world_exit(w, 100, 0, 9);
		world_finish(w, true);
		assert_int_equal(step(w, "s")->status, cases[i].status);
		if (cases[i].status != TRACE_STATUS_OK)
			world_want(step(w, "s"), "error.type", cases[i].error);
		assert_int_equal(step(w, "left")->status, TRACE_STATUS_ABORTED);
		assert_true(step(w, "left")->end_ns > 0);
		world_free(w);
	}
}

static void test_said(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "s");
	say(w, MARK_EVENT, 1, "chosen", "{\"tool\":\"x\",\"n\":3,\"list\":[1]}");
	say(w, MARK_STATE, 1, "memory", "{\"a\":1}");
	say(w, MARK_EVENT, 0, "outside", "{}");
	end(w, 100, 1, 0);
	world_exit(w, 100, 0, 0);
	world_finish(w, true);
	struct told *s = step(w, "s"), *p = world_process(w, 100);
	assert_int_equal(s->event_count, 2);
	assert_string_equal(s->events[0].name, "chosen");
	assert_string_equal(s->events[0].attributes, "tool=x;n=3;list=[1];");
	assert_string_equal(s->events[1].name, "bottrace.state");
	assert_string_equal(s->events[1].attributes, "memory={\"a\":1};");
	assert_int_equal(p->event_count, 1);
	assert_string_equal(p->events[0].name, "outside");
	world_free(w);
}

/* Tools of an answer, and processes, are where the call and the fork were. */
static void test_descendants(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "s");
	struct call *k = call_new(w, 100, 100);
	call_in(k, "user", "go");
	call_out_call(k, "call_1", "lookup", "{}");
	call_do(k);
	world_fork_by(w, 101, 100, 103);
	world_fork_by(w, 102, 100, 100);
	end(w, 100, 1, 0);
	world_finish(w, true);
	assert_int_equal(world_tool(w, "call_1")->parent, step(w, "s")->id);
	world_free(w);

	w = world_run();
	begin(w, 100, 1, 0, "s");
	world_fork_by(w, 101, 100, 103);
	world_fork_by(w, 102, 100, 100);
	world_finish(w, true);
	assert_int_equal(world_process(w, 101)->parent, world_process(w, 100)->id);
	assert_int_equal(world_process(w, 102)->parent, step(w, "s")->id);
	assert_string_equal(world_process(w, 102)->how, "fork");
	world_free(w);
}

static void test_sessions(void **state)
{
	(void)state;
	struct world *w = world_run();

	session(w, 100, "one");
	struct told *one = ask(w, 100, "a");
	struct mark_note n = note(w, MARK_BEGIN, 100, 100, 1);
	n.session = STR("one");
	n.has_now = true;
	n.now = 1;
	n.name = STR("turn");
	trace_marker(w->t, &n);
	struct told *turn = ask(w, 100, "b");
	session(w, 101, "two");
	session(w, 102, "one");
	struct told *again = ask(w, 102, "c"), *two = ask(w, 101, "d"), *none = ask(w, 103, "e");
	world_exit(w, 100, 0, 0);
	world_finish(w, true);

	const struct trace *t[3] = {0};
	t[0] = trace_next(w->t, NULL);
	t[1] = trace_next(w->t, t[0]);
	t[2] = trace_next(w->t, t[1]);
	assert_true(t[2] && !trace_next(w->t, t[2]));
	assert_string_equal(t[0]->root_rule, "run");
	assert_null(t[0]->session.p);
	assert_string_equal(t[1]->root_rule, "marker");
	HARNESS_TEXT("session", t[1]->session, "one");
	HARNESS_TEXT("session", t[2]->session, "two");
	assert_string_not_equal(t[1]->id, t[2]->id);
	assert_int_equal(t[1]->status, TRACE_STATUS_OK);
	struct told *root = step(w, "session one");
	assert_int_equal(t[1]->root, root->id);
	assert_null(root->how);
	assert_int_equal(root->parent, 0);
	assert_int_equal(one->parent, root->id);
	assert_int_equal(one->trace, 1);
	assert_int_equal(again->parent, root->id);
	assert_int_equal(turn->parent, step(w, "turn")->id);
	assert_int_equal(step(w, "turn")->parent, root->id);
	assert_int_equal(two->trace, 2);
	assert_int_equal(none->trace, 0);
	world_free(w);
}

/* Whoever writes nonsense gets nonsense, and no more. */
static void test_hostile(void **state)
{
	(void)state;
	struct world *w = world_run();

	begin(w, 100, 1, 1, "itself");
	begin(w, 100, 1, 0, "twice");
	begin(w, 100, 0, 0, "none");
	end(w, 100, 77, 78);
	now(w, 100, 79);
	say(w, MARK_EVENT, 1, "", "[1,2]");
	for (unsigned i = 0; i < 300; i++)
		say(w, MARK_STATE, 1, "k", "1");
	end(w, 100, 1, 1);
	end(w, 100, 1, 1);
	world_finish(w, true);
	assert_int_equal(world_count(w, "step"), 1);
	world_want(step(w, "itself"), "bottrace.events.left_out", "45");
	world_free(w);
}

/* Values that open markers keep are bounded together. */
static void test_held(void **state)
{
	static char value[65536];
	struct world *w = world_run();

	(void)state;
	memset(value, '1', sizeof(value) - 1);
	for (uint64_t i = 1; i <= 500; i++) {
		struct mark_note n = note(w, MARK_BEGIN, 100, 100, i);

		n.name = STR("s");
		n.value = str_make(value, i > 20 ? 200000 % sizeof(value) : sizeof(value) - 1);
		trace_marker(w->t, &n);
	}
	assert_true(w->t->held <= 65u << 20);
	trace_marker_finish(w->t);
	assert_int_equal(w->t->held, 0);
	world_finish(w, true);
	world_free(w);
}

static void test_oom(void **state)
{
	(void)state;
	for (unsigned long i = 1; i < 200; i++) {
		struct world *w = world_run();

		harness_fail_alloc(i);
		struct mark_note n = note(w, MARK_BEGIN, 100, 100, 1);
		n.session = STR("one");
		n.name = STR("turn");
		n.has_now = true;
		n.now = 1;
		trace_marker(w->t, &n);
		say(w, MARK_EVENT, 1, "e", "{\"a\":1}");
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		end(w, 100, 1, 0);
		world_finish(w, true);
		world_free(w);
		if (!failed)
			return;
	}
	fail_msg("allocations never end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),	    cmocka_unit_test(test_steps),
		cmocka_unit_test(test_stale),	    cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_ends),	    cmocka_unit_test(test_said),
		cmocka_unit_test(test_descendants), cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_hostile),	    cmocka_unit_test(test_held),
		cmocka_unit_test(test_oom),
	};

	return cmocka_run_group_tests_name("marker", tests, NULL, NULL);
}
