/* SPDX-License-Identifier: BSD-2-Clause */
/* What code did, in the span whose frames did it: a tool call, an agent's run, a step, else the process. */
#include "program.h"

static uint64_t last_ns;

/* A record of the kind, then the stack of that moment; its time in last_ns. */
static void happen(struct rig *r, void *rec, const struct at *frames)
{
	uint32_t count = 0;

	r->w->now += 10;
	last_ns = r->w->now;
	((struct wire_head *)rec)->ts_ns = last_ns;
	if (((struct wire_head *)rec)->kind == WIRE_PY_EXCEPTION)
		((struct wire_py_exception *)rec)->raised = last_ns;
	feed(r, rec);
	while (count < MAX_FRAMES && frames[count].frame)
		count++;
	struct wire_py_stack *s =
		record(r->w, WIRE_PY_STACK, sizeof(*s) + count * sizeof(struct wire_py_frame), r->tid);
	struct wire_py_frame *f = (void *)s->payload;

	s->conn.generation = WIRE_PY_AT_EVENT | r->tid;
	s->offset = last_ns;
	s->count = (uint16_t)count;
	for (uint32_t i = 0; i < count; i++)
		f[i] = (struct wire_py_frame){
			.code = 0x1000u + frames[i].f, .frame = frames[i].frame, .lasti = frames[i].lasti};
	feed(r, s);
}

static void *audit(struct rig *r, enum wire_py_event event, const char *path)
{
	size_t n = strlen(path);
	struct wire_py_audit *a =
		record(r->w, WIRE_PY_AUDIT, sizeof(*a) + sizeof(struct wire_py_item) + n, r->tid);
	struct wire_py_item *i = (void *)a->payload;

	a->event = (uint16_t)event;
	a->count = 1;
	a->len = (uint32_t)(sizeof(*i) + ((n + 7) & ~7ul));
	*i = (struct wire_py_item){.type = WIRE_PY_ITEM_BYTES, .len = (uint32_t)n};
	memcpy(i + 1, path, n);
	return a;
}

static void *wrote(struct rig *r, const char *path)
{
	return audit(r, WIRE_PY_OPEN, path);
}

static void *raised(struct rig *r, const char *type, uint64_t frame)
{
	struct wire_py_exception *e = record(r->w, WIRE_PY_EXCEPTION, sizeof(*e) + 64, r->tid);

	e->frame = frame;
	e->type_len = (uint32_t)strlen(type);
	e->message_kind = WIRE_PY_TEXT_LATIN1;
	e->message_len = 2;
	memcpy(e->payload, type, e->type_len);
	memcpy(e->payload + e->type_len, "no", 2);
	return e;
}

static void passed(struct rig *r, uint64_t which, uint64_t frame)
{
	struct wire_py_exception *e = record(r->w, WIRE_PY_EXCEPTION, sizeof(*e), r->tid);

	e->raised = which;
	e->frame = frame;
	e->flags = WIRE_PY_PASSED;
	feed(r, e);
}

static void has(const struct told *s, uint32_t at, const char *name, const char *part)
{
	assert_true(at < s->event_count);
	assert_string_equal(s->events[at].name, name);
	if (strstr(s->events[at].attributes, part) == NULL)
		fail_msg("no %s in %s", part, s->events[at].attributes);
}

#define IN_RUN                           \
	{RUN, 0x50, 4}, {MAIN, 0x60, 8}, \
	{                                \
		MODULE, 0x70, 2          \
	}
#define IN_TOOL                                           \
	{TOOL, 0x40, 2}, {RUN, 0x50, 6}, {MAIN, 0x60, 8}, \
	{                                                 \
		MODULE, 0x70, 2                           \
	}

static void of_a_tool_and_its_agent(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");

	(void)state;
	struct told *one = ask_tool(&r, &t, "search", "c1", FRAMES(IN_RUN));
	happen(&r, wrote(&r, "/in-tool"), FRAMES(IN_TOOL));
	happen(&r, wrote(&r, "/in-run"), FRAMES({RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "a", FRAMES(IN_RUN));
	happen(&r, wrote(&r, "/in-main"), FRAMES({MAIN, 0x60, 10}, {MODULE, 0x70, 2}));
	finish(&r);
	struct told *tool = world_tool(r.w, "c1"), *agent = agent_of(&r, one), *p = world_process(r.w, 100);
	assert_int_equal(tool->event_count, 1);
	has(tool, 0, "open", "bottrace.audit.args=[\"/in-tool\"];");
	has(tool, 0, "open", "bottrace.source=agent.py:102 make.<locals>.search;");
	has(tool, 0, "open", "bottrace.link=frame;");
	assert_int_equal(agent->event_count, 1);
	has(agent, 0, "open", "[\"/in-run\"]");
	assert_int_equal(p->event_count, 1);
	has(p, 0, "open", "[\"/in-main\"]");
	has(p, 0, "open", "bottrace.link=process;");
	end(&r);
}

/* A function through which the run asks models is no tool, however many are open. */
static void of_the_asking_itself(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");

	(void)state;
	struct told *one = ask_tool(&r, &t, "lookup", "c1", FRAMES({ASK, 0x40, 2}, IN_RUN));
	happen(&r, wrote(&r, "/by-ask"),
	       FRAMES({ASK, 0x40, 1}, {RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	happen(&r, wrote(&r, "/by-other"),
	       FRAMES({BRANCH, 0x40, 1}, {RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "a", FRAMES({ASK, 0x40, 2}, IN_RUN));
	finish(&r);
	struct told *agent = agent_of(&r, one), *tool = world_tool(r.w, "c1");
	assert_int_equal(agent->event_count, 1);
	has(agent, 0, "open", "/by-ask");
	assert_int_equal(tool->event_count, 1);
	has(tool, 0, "open", "/by-other");
	has(tool, 0, "open", "bottrace.likely=1;");
	end(&r);
}

static void is_of(struct rig *r, uint32_t pid, const struct told *parent, const char *how, bool certain)
{
	const struct told *p = world_process(r->w, pid);

	assert_int_equal(p->parent, parent->id);
	assert_string_equal(p->how, how);
	assert_int_equal(p->certain, certain);
}

static void processes(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");

	(void)state;
	struct told *one = ask_tool(&r, &t, "search", "c1", FRAMES(IN_RUN));
	happen(&r, audit(&r, WIRE_PY_POPEN, "grep"), FRAMES(IN_TOOL));
	world_fork_by(r.w, 101, 100, 100);
	world_fork_by(r.w, 102, 100, 100); /* nothing was said before it */
	world_fork_by(r.w, 103, 101, 101);
	happen(&r, audit(&r, WIRE_PY_SYSTEM, "ls"),
	       FRAMES({RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	world_fork_by(r.w, 104, 100, 77); /* another thread */
	world_fork_by(r.w, 105, 100, 100);
	happen(&r, wrote(&r, "/x"), FRAMES(IN_TOOL));
	world_fork_by(r.w, 106, 100, 100);
	happen(&r, audit(&r, WIRE_PY_SPAWN, "ls"), FRAMES(IN_TOOL));
	r.w->now += 2000000000;
	world_fork_by(r.w, 107, 100, 100); /* too late */
	(void)ask(&r, &t, "a", FRAMES(IN_RUN));
	happen(&r, audit(&r, WIRE_PY_SYSTEM, "ls"),
	       FRAMES({RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	world_fork_by(r.w, 109, 100, 100);
	(void)ask(&r, &t, "b", FRAMES(IN_RUN));
	happen(&r, audit(&r, WIRE_PY_POPEN, "ls"), FRAMES({MAIN, 0x60, 10}, {MODULE, 0x70, 2}));
	world_fork_by(r.w, 108, 100, 100);
	finish(&r);
	struct told *tool = world_tool(r.w, "c1"), *agent = agent_of(&r, one);
	is_of(&r, 101, tool, "frame", true);
	assert_string_equal(world_process(r.w, 101)->evidence,
			    "subprocess.Popen within make.<locals>.search, by the thread that forked next");
	is_of(&r, 102, tool, "fork", false);
	is_of(&r, 103, world_process(r.w, 101), "fork", true);
	is_of(&r, 104, tool, "fork", false);
	is_of(&r, 105, tool, "fork", false); /* the run itself, perhaps for the tool */
	is_of(&r, 106, tool, "fork", false);
	is_of(&r, 107, tool, "fork", false);
	is_of(&r, 109, agent, "frame", true); /* no tool call was open */
	is_of(&r, 108, world_process(r.w, 100), "fork", true);
	end(&r);
}

static void exceptions(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");

	(void)state;
	struct told *one = ask_tool(&r, &t, "search", "c1", FRAMES(IN_RUN));
	happen(&r, raised(&r, "ValueError", 0x40), FRAMES(IN_TOOL));
	passed(&r, last_ns, 0x50); /* the run handles it */
	(void)ask_tool(&r, &t, "search", "c2", FRAMES(IN_RUN));
	happen(&r, raised(&r, "KeyError", 0x40), FRAMES(IN_TOOL)); /* its own function handles it */
	(void)ask(&r, &t, "a", FRAMES(IN_RUN));
	finish(&r);
	struct told *agent = agent_of(&r, one);
	struct told *c1 = world_tool(r.w, "c1"), *c2 = world_tool(r.w, "c2");
	has(c1, 0, "exception", "exception.type=ValueError;exception.message=no;");
	has(c1, 0, "exception", "exception.escaped=true;");
	has(c1, 0, "exception", "bottrace.exception.left=[\"make.<locals>.search\"];");
	has(c2, 0, "exception", "exception.escaped=false;");
	assert_null(strstr(c2->events[0].attributes, "exception.left"));
	assert_int_equal(agent->status, TRACE_STATUS_OK);
	assert_int_equal(agent->event_count, 0);
	end(&r);
}

static void an_agent_fails(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");

	(void)state;
	struct told *one = ask_tool(&r, &t, "search", "c1", FRAMES(IN_RUN));
	(void)ask(&r, &t, "a", FRAMES(IN_RUN));
	happen(&r, raised(&r, "KeyError", 0x50), FRAMES(IN_RUN));
	passed(&r, last_ns, 0x60);
	passed(&r, last_ns + 1, 0x70); /* another one's */
	finish(&r);
	struct told *agent = agent_of(&r, one);
	assert_int_equal(agent->status, TRACE_STATUS_ERROR);
	assert_string_equal(agent->type, "KeyError");
	assert_string_equal(agent->message, "no");
	has(agent, 0, "exception", "exception.escaped=true;");
	has(agent, 0, "exception", "bottrace.exception.left=[\"Researcher.run\"];");
	end(&r);
}

/* What no code of the user's own saw is left out; so is what the library does for itself. */
static void not_told(void **state)
{
	struct rig r = begin();
	struct wire_py_audit *a = wrote(&r, "x = 1");
	struct wire_py_item *i;

	(void)state;
	happen(&r, raised(&r, "KeyError", 0x30), FRAMES({SEND, 0x30, 1}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	a->event = WIRE_PY_COMPILE;
	happen(&r, a, FRAMES({SEND, 0x30, 1})); /* nobody of the user's */
	a = wrote(&r, "12345678");
	i = (void *)a->payload;
	i->type = WIRE_PY_ITEM_INT; /* a descriptor */
	happen(&r, a, FRAMES({MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_int_equal(world_process(r.w, 100)->event_count, 0);
	end(&r);
}

static void pauses_and_sums(void **state)
{
	struct rig r = begin();
	struct wire_py_pause *p = record(r.w, WIRE_PY_PAUSE, sizeof(*p), r.tid);
	struct wire_py_sums *s = record(r.w, WIRE_PY_SUMS, sizeof(*s), r.tid);

	(void)state;
	p->pause_ns = 2000000;
	p->generation = 2;
	happen(&r, p, FRAMES({MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	s->pauses = 9;
	s->pause_ns = 3000000;
	s->imports = 4;
	s->import_ns = 5;
	feed(&r, s);
	finish(&r);
	struct told *k = world_process(r.w, 100);
	has(k, 0, "gc", "bottrace.duration_ns=2000000;bottrace.gc.generation=2;bottrace.gc.collected=0;");
	world_want(k, "bottrace.gc.count", "9");
	world_want(k, "bottrace.gc.pause_ns", "3000000");
	world_want(k, "bottrace.imports.count", "4");
	world_want(k, "bottrace.imports.duration_ns", "5");
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_tool_and_its_agent),
		cmocka_unit_test(of_the_asking_itself),
		cmocka_unit_test(processes),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(an_agent_fails),
		cmocka_unit_test(not_told),
		cmocka_unit_test(pauses_and_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
