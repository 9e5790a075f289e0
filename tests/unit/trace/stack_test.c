/* SPDX-License-Identifier: BSD-2-Clause */
/* Which stack a call has: that of the write it began with, whichever of the two comes first; and what is said without one. */
#include "world.h"

#define AGENT 0x30u

struct rig {
	struct world *w;
	struct py *py;
};

static void *record(struct world *w, uint16_t kind, size_t size, uint32_t pid)
{
	struct wire_head *h = calloc(1, (size + 7) & ~7ul);

	assert_non_null(h);
	*h = (struct wire_head){.size = (uint32_t)((size + 7) & ~7ul),
				.kind = kind,
				.ts_ns = w->now,
				.pid = pid,
				.tid = pid + 1,
				.start_ns = pid * 1000ull};
	return h;
}

static void feed(struct rig *r, void *rec)
{
	py_feed(r->py, rec);
	trace_feed(r->w->t, rec);
	free(rec);
}

static void code(struct rig *r, uint32_t pid)
{
	struct wire_py_code *c = record(r->w, WIRE_PY_CODE, sizeof(*c) + 32, pid);

	c->code = AGENT;
	c->first_line = 41;
	c->version_minor = 11;
	c->filename_kind = c->name_kind = WIRE_PY_TEXT_LATIN1;
	c->filename_len = 11;
	c->name_len = 9;
	memcpy(c->payload, "/x/agent.pyAgent.run", 20);
	feed(r, c);
}

static void runtime(struct rig *r, uint32_t pid, enum wire_py_reason reason)
{
	struct wire_py_runtime *p = record(r->w, WIRE_PY_RUNTIME, sizeof(*p), pid);

	p->version = 0x030e02f0;
	p->reason = reason;
	feed(r, p);
}

/* At this place in the call's connection, of a thread; the task's name tells it from others. */
static struct wire_py_stack *stack_new(struct rig *r, const struct call *k, uint64_t offset, uint32_t tid,
				       const char *task)
{
	struct wire_py_frame f = {.code = AGENT, .lasti = -1};
	size_t n = strlen(task);
	struct wire_py_stack *s = record(r->w, WIRE_PY_STACK, sizeof(*s) + sizeof(f) + n, k->conn.proc->pid);

	s->head.tid = tid;
	s->conn = k->x.request.write.conn;
	s->offset = offset;
	s->count = 1;
	s->task_name_kind = WIRE_PY_TEXT_LATIN1;
	s->task_name_len = (uint32_t)n;
	memcpy(s->payload, &f, sizeof(f));
	memcpy(s->payload + sizeof(f), task, n);
	return s;
}

static void stack(struct rig *r, const struct call *k, uint64_t offset, uint32_t tid, const char *task)
{
	feed(r, stack_new(r, k, offset, tid, task));
}

static struct rig begin(uint64_t options)
{
	struct rig r = {.w = world_run()};
	struct wire_session *s = record(r.w, WIRE_SESSION, sizeof(*s), 0);

	r.py = py_new(&(struct py_settings){.ops = trace_py_ops(), .ctx = r.w->t, .procs = r.w->procs});
	assert_non_null(r.py);
	trace_read_stacks(r.w->t, r.py);
	s->mode = WIRE_MODE_RUN;
	s->options = options;
	feed(&r, s);
	runtime(&r, 100, WIRE_PY_WHOLE);
	code(&r, 100);
	return r;
}

static void end(struct rig *r)
{
	struct proc_table *procs = r->w->procs;

	r->w->procs = NULL;
	arena_free(take(r->w->a));
	trace_free(take(r->w->t));
	py_free(r->py);
	proc_free(procs);
	free(r->w);
}

/* Begun by a write at `offset`, on a connection of its own. */
static struct call *ask(struct rig *r, uint64_t offset)
{
	struct call *k = call_make(r->w, 77);

	k->x.request.write = (struct http_write){
		.is_one = true, .conn = {.ssl = k->conn.id, .generation = 5}, .offset = offset};
	call_begin(k, 100);
	call_in(k, "user", "hi");
	return k;
}

static void has(const struct told *s, const char *task, const char *partial)
{
	const char *got = world_get(s, "bottrace.stack.partial");

	HARNESS_TEXT("partial", str_of(got ? got : "-"), partial ? partial : "-");
	HARNESS_TEXT("task", str_of(s->task ? s->task : "-"), task ? task : "-");
	HARNESS_TEXT("source", str_of(s->source ? s->source : "-"), task ? "/x/agent.py:41 Agent.run" : "-");
	assert_int_equal(s->frames, task ? 1 : 0);
}

static void behind_the_data(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *k = ask(&r, 500);
	struct told *s;

	(void)state;
	stack(&r, k, 0, 77, "other");
	stack(&r, k, 500, 77, "mine");
	stack(&r, k, 900, 77, "later");
	s = call_do(k);
	has(s, "mine", NULL);
	HARNESS_TEXT("evidence", str_of(s->last_evidence),
		     "outwards: not known"); /* the stack ends in its middle */
	HARNESS_TEXT("how", str_of(s->how), "process");
	end(&r);
}

/* The request was understood only with a later write. */
static void before_the_call(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *first = ask(&r, 0), *k;

	(void)state;
	stack(&r, first, 0, 77, "first");
	stack(&r, first, 500, 77, "mine");
	stack(&r, first, 600, 77, "rest");
	k = call_make(r.w, 77);
	k->conn = first->conn;
	k->x.request.write = first->x.request.write;
	k->x.request.write.offset = 500;
	trace_genai_ops()->begin(r.w->t, &k->c);
	call_in(k, "user", "hi");
	has(call_do(k), "mine", NULL);
	has(call_do(first), "first", NULL);
	end(&r);
}

/* Calls that one write began, and one that ended while it waited. */
static void several_of_one_write(void **state)
{
	struct call *k[5];
	struct rig r = begin(WIRE_OPT_STACKS);

	(void)state;
	k[0] = ask(&r, 7);
	for (size_t i = 1; i < 5; i++) {
		k[i] = call_make(r.w, 77);
		k[i]->conn = k[0]->conn;
		k[i]->x.index = i + 1;
		k[i]->c.start_ns = r.w->now;
		k[i]->x.request.write = k[0]->x.request.write;
		trace_genai_ops()->begin(r.w->t, &k[i]->c);
		call_in(k[i], "user", "hi");
	}
	has(call_do(k[2]), NULL, "missing"); /* in the middle of those that wait, */
	has(call_do(k[4]), NULL, "missing"); /* the last to come, */
	has(call_do(k[0]), NULL, "missing"); /* the first */
	stack(&r, k[1], 7, 77, "both");
	has(call_do(k[1]), "both", NULL);
	has(call_do(k[3]), "both", NULL);
	end(&r);
}

static void hello(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *k[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		k[i] = ask(&r, 50);
		k[i]->x.http2 = i != 1;
		k[i]->x.index = i == 2 ? 2 : 1;
		stack(&r, k[i], 0, i == 3 ? 78 : 77, "hello");
	}
	has(call_do(k[0]), "hello", "earlier_write");
	has(call_do(k[1]), NULL, "missing"); /* not in frames */
	has(call_do(k[2]), NULL, "missing"); /* not the first */
	has(call_do(k[3]), NULL, "missing"); /* another thread */
	end(&r);
}

/* The bytes were read: whatever stands at that offset of the writes is not its. */
static void not_written(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *k = call_make(r.w, 77);

	(void)state;
	call_begin(k, 100);
	call_in(k, "user", "hi");
	k->x.request.write.conn.ssl = 1;
	stack(&r, k, 0, 77, "other");
	has(call_do(k), NULL, NULL);
	end(&r);
}

/* Its interpreter was told of when the call had begun. */
static void early(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *k = ask(&r, 0);

	(void)state;
	r.w->now++;
	runtime(&r, 100, WIRE_PY_WHOLE);
	has(call_do(k), NULL, "early");
	has(call_do(ask(&r, 0)), NULL, "missing");
	end(&r);
}

static void reasons(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig r = begin(i == 1 ? 0 : WIRE_OPT_STACKS);

		if (i == 0)
			runtime(&r, 100, WIRE_PY_FREE_THREADED);
		has(call_do(ask(&r, 0)), NULL, i == 0 ? "free_threaded" : i == 1 ? NULL : "missing");
		trace_finish(r.w->t, r.w->procs, NULL, false);
		HARNESS_TEXT("version", str_of(world_get(&r.w->spans[1], "process.runtime.version")),
			     "3.14.2");
		const char *partial = world_get(&r.w->spans[1], "bottrace.stack.partial");
		HARNESS_TEXT("process", str_of(partial ? partial : "-"), i == 0 ? "free_threaded" : "-");
		end(&r);
	}
}

/* A call that is open at the end, and the image is another one by then. */
static void open_at_the_end(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *k = ask(&r, 0);

	(void)state;
	call_request(k);
	stack(&r, k, 0, 77, "mine");
	feed(&r, record(r.w, WIRE_PROC_EXEC, sizeof(struct wire_proc_exec), 100));
	trace_finish(r.w->t, r.w->procs, NULL, false);
	has(&r.w->spans[0], "mine", NULL);
	end(&r);
}

/* What MCP carries out for a model's tool call is in the tool's span. */
static void a_tool(void **state)
{
	struct rig r = begin(WIRE_OPT_STACKS);
	struct call *chat = ask(&r, 0), *tool;
	struct told *s;

	(void)state;
	call_out_call(chat, "c1", "add", "{}");
	stack(&r, chat, 0, 77, "chat");
	has(call_do(chat), "chat", NULL);
	tool = ask(&r, 0);
	tool->c.kind = GENAI_EXECUTE_TOOL;
	tool->c.method = STR("tools/call");
	tool->c.label = STR("add");
	tool->c.tool_arguments = STR("{}");
	tool->c.arguments_hash = json_hash(r.w->a, json_parse(r.w->a, STR("{}"), NULL));
	trace_genai_ops()->request(r.w->t, &tool->c);
	stack(&r, tool, 0, 77, "tool");
	call_close(tool, GENAI_OK, 200);
	call_end(tool);
	trace_finish(r.w->t, r.w->procs, NULL, false);
	s = world_tool(r.w, "c1");
	assert_non_null(s);
	has(s, "tool", NULL);
	end(&r);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct rig r = begin(WIRE_OPT_STACKS);
		struct call *k = ask(&r, 0);
		struct wire_py_stack *rec = stack_new(&r, k, 0, 77, "mine");

		call_request(k);
		harness_fail_alloc(n);
		feed(&r, rec);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		call_close(k, GENAI_OK, 200);
		call_end(k);
		bool there = r.w->spans[0].frames > 0;
		has(&r.w->spans[0], there ? "mine" : NULL, there ? NULL : "missing");
		assert_true(there || failed);
		end(&r);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_the_data),
		cmocka_unit_test(before_the_call),
		cmocka_unit_test(several_of_one_write),
		cmocka_unit_test(hello),
		cmocka_unit_test(not_written),
		cmocka_unit_test(early),
		cmocka_unit_test(reasons),
		cmocka_unit_test(open_at_the_end),
		cmocka_unit_test(a_tool),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
