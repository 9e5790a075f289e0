/* SPDX-License-Identifier: BSD-2-Clause */
/* What is alive, and what of it is kept when something fails. */
#include <errno.h>

#include "trace/excerpt.h"
#include "world.h"

static const struct json *look(struct world *w, uint32_t pid)
{
	struct buf out;
	struct json_end end;

	buf_init(&out, 4 * TRACE_STATE_BYTES);
	assert_int_equal(trace_state(w->t, pid, w->now, &out), 0);
	const struct json *j = json_parse(w->a, arena_dup(w->a, buf_str(&out)), &end);
	assert_int_equal(end.state, JSON_WHOLE);
	buf_fini(&out);
	assert_true(json_is(json_get(j, "schema"), "bottrace.v1.state"));
	return j;
}

static const struct json *agent(struct world *w, uint32_t pid, size_t n)
{
	return json_at(json_get(look(w, pid), "agents"), n);
}

static size_t agents(struct world *w, uint32_t pid)
{
	return json_count(json_get(look(w, pid), "agents"));
}

static void want(struct world *w, const struct json *j, const char *member, const char *value)
{
	struct str got = json_get_str(w->a, j, member);

	if (value == NULL ? got.p != NULL : !str_eq(got, str_of(value)))
		fail_msg("%s is %.*s, want %s", member, STR_ARG(got), value ? value : "null");
}

/* "text|text": what stands in its messages. */
static void want_said(struct world *w, const struct json *agent, const char *said)
{
	struct buf b;

	buf_init(&b, 65536);
	for (const struct json *m = json_first(json_get(agent, "messages")); m; m = json_next(m)) {
		const struct json *part = json_at(json_get(m, "parts"), 0);
		struct str text = json_get_str(w->a, part, "content");

		if (b.n)
			buf_add_char(&b, '|');
		buf_add(&b, text.p ? text : json_get_str(w->a, part, "type"));
	}
	assert_string_equal(buf_z(&b), said);
	buf_fini(&b);
}

static struct mark_note note(struct world *w, enum mark_kind kind, uint32_t tid, uint64_t number)
{
	w->now += 10;
	return (struct mark_note){.kind = kind,
				  .proc = proc_find(w->procs, 100, 100 * 1000ull),
				  .tid = tid,
				  .ts_ns = w->now,
				  .number = number};
}

static void begin(struct world *w, uint32_t tid, uint64_t number, uint64_t parent, const char *name)
{
	struct mark_note n = note(w, MARK_BEGIN, tid, number);

	n.parent = parent;
	n.has_now = true;
	n.now = number;
	n.name = str_of(name);
	n.value = STR("{\"a\":1}");
	trace_marker(w->t, &n);
}

static void end(struct world *w, uint32_t tid, uint64_t number, uint64_t now, const char *error)
{
	struct mark_note n = note(w, MARK_END, tid, number);

	n.has_now = true;
	n.now = now;
	n.error = str_of(error);
	n.message = STR("it broke");
	trace_marker(w->t, &n);
}

static void state(struct world *w, uint64_t number, const char *key, const char *value)
{
	struct mark_note n = note(w, MARK_STATE, 100, number);

	n.name = str_of(key);
	n.value = str_of(value);
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

/* As the pipeline does: before its connections are ended. */
static void exits(struct world *w, uint32_t pid, int code, int signal)
{
	struct wire_proc_exit rec = {
		.head = {.size = sizeof(rec), .kind = WIRE_PROC_EXIT, .ts_ns = w->now + 5, .pid = pid},
		.code = code,
		.signal = signal};

	trace_failure_exit(w->t, proc_find(w->procs, pid, pid * 1000ull), &rec);
	world_exit(w, pid, code, signal);
}

static const struct json *failure(struct world *w, const struct told *k)
{
	for (uint32_t i = 0; i < k->event_count; i++) {
		const char *text = k->events[i].attributes;

		if (strcmp(k->events[i].name, "bottrace.failure") != 0)
			continue;
		assert_ptr_equal(strstr(text, "bottrace.failure.state="), text);
		return json_parse(w->a, str_of(strchr(text, '=') + 1), NULL);
	}
	return NULL;
}

/* ---- conversations ---- */

/* First request, answer with a tool call, request with its result. */
static struct call *ask_first(struct world *w, uint32_t tid, const char *text)
{
	struct call *k = call_new(w, 100, tid);

	call_in(k, "system", "be brief");
	call_in(k, "user", text);
	call_request(k);
	return k;
}

static struct call *ask_next(struct world *w, uint32_t tid, const char *text, const char *id,
			     const char *result)
{
	struct call *k = call_new(w, 100, tid);

	call_in(k, "system", "be brief");
	call_in(k, "user", text);
	call_in_call(k, id, "search", "{\"q\":1}");
	call_in_result(k, id, result);
	call_request(k);
	return k;
}

static void done(struct call *k)
{
	call_close(k, GENAI_OK, 200);
	call_end(k);
}

static void test_conversation(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *k = ask_first(w, 100, "find it");
	const struct json *a = agent(w, 100, 0);

	want(w, a, "doing", "model");
	want(w, json_get(a, "call"), "what", "gpt-5-mini");
	want(w, json_get(a, "call"), "server", "api.openai.com");
	want(w, a, "system", "be brief");
	want_said(w, a, "be brief|find it");
	call_out_call(k, "c1", "search", "{\"q\":1}");
	done(k);
	a = agent(w, 100, 0);
	want(w, a, "doing", "tool");
	assert_int_equal(json_count(json_get(a, "tools")), 1);
	want(w, json_at(json_get(a, "tools"), 0), "call_id", "c1");
	want_said(w, a, "be brief|find it|tool_call");
	k = ask_next(w, 100, "find it", "c1", "\"there\"");
	assert_int_equal(agents(w, 100), 1);
	a = agent(w, 100, 0);
	want(w, a, "doing", "model");
	assert_int_equal(json_count(json_get(a, "tools")), 0);
	want_said(w, a, "be brief|find it|tool_call|tool_call_response");
	call_out_text(k, "here");
	done(k);
	a = agent(w, 100, 0);
	want(w, a, "doing", "idle");
	want(w, json_get(a, "last"), "status", "ok");
	want_said(w, a, "be brief|find it|tool_call|tool_call_response|here");
	world_finish(w, true);
	world_free(w);
}

/* The same question twice is two conversations, whoever asks; a retry is none. */
static void test_apart(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *a = ask_first(w, 100, "pick one"), *b = ask_first(w, 100, "pick one");

	assert_int_equal(agents(w, 100), 2);
	call_out_text(a, "one");
	call_out_text(b, "two");
	done(a);
	done(b);
	assert_int_equal(agents(w, 100), 2);
	struct call *c = call_new(w, 100, 100);
	c->c.retry_count = 0;
	call_in(c, "system", "be brief");
	call_in(c, "user", "pick one");
	call_in(c, "assistant", "two");
	call_in(c, "user", "why?");
	call_request(c);
	assert_int_equal(agents(w, 100), 2);
	want_said(w, agent(w, 100, 0), "be brief|pick one|two|why?");
	want_said(w, agent(w, 100, 1), "be brief|pick one|one");
	call_close(c, GENAI_ERROR, 429);
	call_end(c);
	struct call *d = call_make(w, 100);
	d->c.body_hash = c->c.body_hash;
	d->c.retry_count = 1;
	call_begin(d, 100);
	memcpy(d->input, c->input, sizeof(d->input));
	d->c.input_count = c->c.input_count;
	call_request(d);
	assert_int_equal(agents(w, 100), 2);
	want_said(w, agent(w, 100, 0), "be brief|pick one|two|why?");
	int64_t attempts = 0;
	assert_true(json_i64(json_path(agent(w, 100, 0), "call", "attempts", NULL), &attempts));
	assert_int_equal(attempts, 2);
	call_close(d, GENAI_ERROR, 500);
	call_end(d);
	/* A client that counts nothing. */
	struct call *e = call_new(w, 100, 100);
	memcpy(e->input, c->input, sizeof(e->input));
	e->c.input_count = c->c.input_count;
	call_request(e);
	assert_int_equal(agents(w, 100), 2);
	want_said(w, agent(w, 100, 0), "be brief|pick one|two|why?");
	done(e);
	world_finish(w, true);
	world_free(w);
}

/* Only the last messages, and how many stand before them. */
static void test_long(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);
	int64_t before = 0;

	for (int i = 0; i < 40; i++)
		call_in(k, i % 2 ? "assistant" : "user", i == 39 ? "last" : "x");
	call_request(k);
	const struct json *a = agent(w, 100, 0);
	want_said(w, a, "x|x|x|x|x|last");
	assert_true(json_i64(json_get(a, "messages_before"), &before));
	assert_int_equal(before, 34);
	done(k);
	world_finish(w, true);
	world_free(w);
}

/* More conversations than are kept: those that wait stay. */
static void test_many(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *waits = ask_first(w, 100, "wait");
	char text[32];

	for (int i = 0; i < 400; i++) {
		snprintf(text, sizeof(text), "question %d", i);
		struct call *k = ask_first(w, 100, arena_printf(w->a, "%s%c", text, 0).p);
		call_out_text(k, "a");
		done(k);
	}
	const struct json *j = look(w, 100);
	int64_t left = 0;
	assert_int_equal(json_count(json_get(j, "agents")), 64);
	assert_true(json_i64(json_get(j, "agents_left_out"), &left));
	assert_int_equal(left, 256 - 64);
	want_said(w, json_at(json_get(j, "agents"), 0), "be brief|wait");
	done(waits);
	world_finish(w, true);
	world_free(w);
}

/* ---- who is looked at ---- */

static void test_scope(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct buf out;

	world_fork(w, 101, 100);
	world_fork(w, 102, 101);
	world_fork(w, 103, 100);
	struct call *k = call_new(w, 102, 102);
	call_in(k, "user", "from below");
	call_request(k);
	assert_int_equal(json_count(json_get(look(w, 100), "processes")), 4);
	assert_int_equal(json_count(json_get(look(w, 101), "processes")), 2);
	assert_int_equal(agents(w, 101), 1);
	assert_int_equal(agents(w, 103), 0);
	buf_init(&out, TRACE_STATE_BYTES);
	assert_int_equal(trace_state(w->t, 4711, w->now, &out), -ENOENT);
	exits(w, 103, 0, 0);
	assert_int_equal(trace_state(w->t, 103, w->now, &out), -ENOENT);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	assert_int_equal(json_count(json_get(look(w, 100), "processes")), 3);
	done(k);
	world_finish(w, true);
	world_free(w);
}

/* Of each key the last one, also beyond what a step keeps of events. */
static void test_states(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	char value[16];
	int64_t n = 0;

	begin(w, 100, 1, 0, "outer");
	state(w, 1, "first", "\"kept\"");
	for (int i = 0; i < 1000; i++) {
		snprintf(value, sizeof(value), "%d", i);
		state(w, 1, i % 2 ? "odd" : "even", value);
	}
	state(w, 0, "own", "[1]");
	const struct json *j = look(w, 100), *s = json_get(json_at(json_get(j, "steps"), 0), "state");
	assert_int_equal(json_count(s), 3);
	assert_true(json_is(json_get(s, "first"), "kept"));
	assert_true(json_i64(json_get(s, "odd"), &n) && n == 999);
	assert_true(json_i64(json_get(s, "even"), &n) && n == 998);
	s = json_get(json_at(json_get(j, "processes"), 0), "state");
	assert_int_equal(json_count(json_get(s, "own")), 1);
	end(w, 100, 1, 0, NULL);
	assert_int_equal(json_count(json_get(look(w, 100), "steps")), 0);
	world_finish(w, true);
	world_free(w);
}

/* ---- failures ---- */

static void test_exit(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *k = ask_first(w, 100, "never answered");

	world_fork(w, 101, 100);
	exits(w, 101, 1, 0); /* nothing lived in it */
	exits(w, 100, 0, 9);
	call_close(k, GENAI_ABORTED, 0);
	call_end(k);
	world_finish(w, true);
	assert_null(failure(w, world_process(w, 101)));
	const struct json *j = failure(w, world_process(w, 100));
	assert_non_null(j);
	const struct json *a = json_at(json_get(j, "agents"), 0);
	want(w, a, "doing", "model");
	want_said(w, a, "be brief|never answered");
	want(w, json_get(a, "last"), "span", world_hex(w, world_find(w, "chat", 0)->id));
	world_free(w);
}

static void test_good_end(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct call *k = ask_first(w, 100, "x");

	done(k);
	exits(w, 100, 0, 0);
	world_finish(w, true);
	assert_null(failure(w, world_process(w, 100)));
	world_free(w);
}

/* An exception on its way out is told once; the next one, and one that went on elsewhere, again. */
static void test_steps(void **unused)
{
	(void)unused;
	struct world *w = world_run();

	begin(w, 100, 1, 0, "outer");
	begin(w, 100, 2, 1, "middle");
	begin(w, 100, 3, 2, "inner");
	state(w, 3, "plan", "\"b\"");
	end(w, 100, 3, 2, "KeyError");
	end(w, 100, 2, 1, "KeyError");
	begin(w, 100, 4, 1, "again");
	end(w, 100, 4, 1, "KeyError");
	end(w, 100, 1, 0, "ValueError");
	world_finish(w, true);
	const struct json *j = failure(w, step(w, "inner"));
	bool failing = false;
	assert_int_equal(json_count(json_get(j, "steps")), 3);
	const struct json *s = json_at(json_get(j, "steps"), 0);
	want(w, s, "name", "inner");
	assert_true(json_bool(json_get(s, "failing"), &failing) && failing);
	assert_true(json_is(json_path(s, "state", "plan", NULL), "b"));
	assert_null(failure(w, step(w, "middle")));
	assert_non_null(failure(w, step(w, "again")));
	assert_non_null(failure(w, step(w, "outer")));
	world_free(w);
}

/* A step that fails all the time fills no document. */
static void test_too_often(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	uint32_t kept = 0;

	for (uint64_t i = 1; i <= 100; i++) {
		begin(w, 100, i, 0, "loop");
		end(w, 100, i, 0, "KeyError");
	}
	world_finish(w, true);
	for (uint32_t i = 0; i < w->count; i++)
		kept += failure(w, &w->spans[i]) != NULL;
	assert_int_equal(kept, 16);
	world_want(world_process(w, 100), "bottrace.failures.left_out", "84");
	world_free(w);
}

/* Exceptions come fast or slow: what is alive is looked at now and then. */
static void test_raised(void **unused)
{
	(void)unused;
	struct world *w = world_run();
	struct trace_process *pr = trace_process_get(w->t, proc_find(w->procs, 100, 100000));
	uint32_t taken = 0;

	assert_null(trace_failure_raised(w->t, pr, w->now)); /* nothing lives there */
	struct call *k = ask_first(w, 100, "wait");
	for (uint64_t i = 0; i < 3000; i++) {
		char *state = trace_failure_raised(w->t, pr, 5000000000ull + i * 1000000);

		taken += state != NULL;
		free(state);
	}
	assert_true(taken >= 3 * 8 && taken <= 3 * 28);
	char *state = trace_failure_raised(w->t, pr, 60000000000ull);
	assert_non_null(strstr(state, "\"wait\""));
	free(state);
	done(k);
	world_finish(w, true);
	world_free(w);
}

/* What --keep may leave out is named nowhere, and nothing is kept that no rule asks for. */
static void test_kept(void **unused)
{
	(void)unused;
	static const char *const rules[] = {"slow>5s", "errors"};

	for (int i = 0; i < 2; i++) {
		struct world *w = world_run();
		world_keep(w, rules[i]);
		struct call *k = ask_first(w, 100, "never answered");
		exits(w, 100, 3, 0);
		call_close(k, GENAI_ABORTED, 0);
		call_end(k);
		world_finish(w, true);
		const struct json *j = failure(w, world_process(w, 100));
		assert_int_equal(j != NULL, i == 1);
		want(w, json_get(json_at(json_get(j, "agents"), 0), "last"), "span", NULL);
		world_free(w);
	}
}

/* A whole life, whose n-th allocation fails: whether one did. */
static bool starved(unsigned long n)
{
	struct world *w = world_run();
	struct buf out;

	buf_init(&out, 2 * TRACE_STATE_BYTES);
	for (int i = 0; i < 256; i++)
		state(w, 0, "k", "1");
	/* What is the test's own is there before. */
	struct call *k = call_make(w, 100), *next = call_make(w, 100);
	call_in(k, "user", "find it");
	call_out_call(k, "c1", "search", "{\"q\":1}");
	call_in(next, "user", "find it");
	call_in_call(next, "c1", "search", "{\"q\":1}");
	call_in_result(next, "c1", "\"there\"");
	harness_fail_alloc(n);
	begin(w, 100, 1, 0, "outer");
	state(w, 0, "k", "2");
	state(w, 1, "k", "3");
	call_begin(k, 100);
	call_request(k);
	done(k);
	call_begin(next, 100);
	call_request(next);
	k = next;
	int r = trace_state(w->t, 100, w->now, &out);
	assert_true(r == 0 || r == -ENOMEM);
	end(w, 100, 1, 0, "KeyError");
	exits(w, 100, 1, 0);
	call_close(k, GENAI_ABORTED, 0);
	call_end(k);
	world_finish(w, true);
	bool failed = harness_alloc_failed();
	harness_fail_alloc(0);
	buf_fini(&out);
	world_free(w);
	return failed;
}

static void test_oom(void **unused)
{
	(void)unused;
	unsigned long n = 1;

	while (starved(n))
		n++;
	assert_true(n > 50);
}

/* ---- excerpts ---- */

static void excerpt(const char *json, size_t most, const char *want, bool cut)
{
	struct buf b;
	struct jsonw w;

	buf_init(&b, 65536);
	jsonw_init(&w, &b);
	assert_int_equal(trace_excerpt_value(&w, str_of(json), most), cut);
	assert_string_equal(buf_z(&b), want);
	buf_fini(&b);
}

static void test_excerpt(void **unused)
{
	(void)unused;
	struct buf b;

	assert_true(str_eq(trace_excerpt_text(STR("one two three"), 13), STR("one two three")));
	assert_true(str_eq(trace_excerpt_text(STR("one two three"), 12), STR("one two")));
	assert_true(str_eq(trace_excerpt_text(STR("one two three"), 7), STR("one two")));
	assert_int_equal(trace_excerpt_text(STR("onetwothree"), 5).n, 0);
	excerpt("{\"a\":\"one two\",\"b\":[1,2]}", 100, "{\"a\":\"one two\",\"b\":[1,2]}", false);
	excerpt("{\"a\":\"one two three\",\"b\":[1,2]}", 8, "{\"a\":\"one\"}", true);
	excerpt("[[[[[[[[[1]]]]]]]]]", 100, "[[[[[[[[null]]]]]]]]", true);
	excerpt("not json", 100, "\"not json\"", false);
	excerpt("", 100, "\"\"", false);
	/* A string that the window cuts loses its last word, however little of it there is. */
	buf_init(&b, 1u << 20);
	buf_add(&b, STR("[\"secret"));
	for (int i = 0; i < 8192; i++)
		buf_add(&b, STR("\\u0041"));
	excerpt(buf_z(&b), 4096, "[\"\"]", true);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation), cmocka_unit_test(test_apart),
		cmocka_unit_test(test_long),	     cmocka_unit_test(test_many),
		cmocka_unit_test(test_scope),	     cmocka_unit_test(test_states),
		cmocka_unit_test(test_exit),	     cmocka_unit_test(test_good_end),
		cmocka_unit_test(test_steps),	     cmocka_unit_test(test_too_often),
		cmocka_unit_test(test_oom),	     cmocka_unit_test(test_raised),
		cmocka_unit_test(test_kept),	     cmocka_unit_test(test_excerpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
