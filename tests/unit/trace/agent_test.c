/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose calls: runs of the user's own functions, told apart by stacks made by hand and by what was said. */
#include "world.h"

/* A frame without a name is written without it. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define MAX_FRAMES 12

/* Functions of the program, by the address of their code object. A table with a loop says that code behind the call goes
 * back to an earlier line. */
enum function {
	SEND,
	CREW,
	AGENT,
	LOOP,
	TURN,
	USE,
	ASK,
	RETRY,
	RUN,
	WRITER,
	TOOL,
	BRANCH,
	PIPELINE,
	MAIN,
	MODULE,
	GENERATOR,
	FUNCTIONS
};

static const struct {
	const char *name;
	bool loops;
	uint32_t co_flags;
} functions[FUNCTIONS] = {
	[SEND] = {"Client.send"},
	[CREW] = {"Crew.kickoff"},
	[AGENT] = {"Agent.execute"},
	[LOOP] = {"Agent.loop"},
	[TURN] = {"Agent.turn"},
	[USE] = {"Tool.use"},
	[ASK] = {"ask"},
	[RETRY] = {"retry", true},
	[RUN] = {"Researcher.run", true},
	[WRITER] = {"write", true},
	[TOOL] = {"make.<locals>.search"},
	[BRANCH] = {"branch", true},
	[PIPELINE] = {"pipeline", true},
	[MAIN] = {"main", true},
	[MODULE] = {"<module>"},
	[GENERATOR] = {"steps", true, 0x20},
};

struct at {
	enum function f;
	uint32_t frame; /* address */
	int32_t lasti;
	const char *name; /* that a rule reads */
};

struct rig {
	struct world *w;
	struct py *py;
	struct rules *rules;
	uint32_t tid;
};

/* A conversation, as its client keeps it. */
struct talk {
	const char *system;
	struct {
		const char *role, *text, *id, *name;
	} said[24];
	uint32_t count;
};

static void *record(struct world *w, uint16_t kind, size_t size, uint32_t tid)
{
	struct wire_head *h = calloc(1, (size + 7) & ~7ul);

	assert_non_null(h);
	*h = (struct wire_head){.size = (uint32_t)((size + 7) & ~7ul),
				.kind = kind,
				.ts_ns = w->now,
				.pid = 100,
				.tid = tid,
				.start_ns = 100000};
	return h;
}

static void feed(struct rig *r, void *rec)
{
	py_feed(r->py, rec);
	trace_feed(r->w->t, rec);
	free(rec);
}

/* One unit of code in the second line, another in the third (no loop) or back in the first: from 3.12 on that is known. */
static void code(struct rig *r, enum function f)
{
	const char *file = f <= USE ? "/v/lib/python3.12/site-packages/fw/c.py" : "/x/agent.py";
	const char *name = functions[f].name;
	size_t file_len = strlen(file), name_len = strlen(name);
	struct wire_py_code *c = record(r->w, WIRE_PY_CODE, sizeof(*c) + file_len + name_len + 16, 1);
	/* kind 13 (no columns), 8 units each: lines +1 (zigzag 2), then +1 or -1 (3) */
	const uint8_t table[] = {0x80 | 13 << 3 | 7, 2, 0x80 | 13 << 3 | 7, functions[f].loops ? 3 : 2};

	c->code = 0x1000u + f;
	c->first_line = 10 * f + 1;
	c->co_flags = functions[f].co_flags;
	c->version_minor = 12;
	c->flags = WIRE_PY_CODE_QUALNAME;
	c->filename_kind = c->name_kind = WIRE_PY_TEXT_LATIN1;
	c->filename_len = (uint32_t)file_len;
	c->name_len = (uint32_t)name_len;
	c->table_len = sizeof(table);
	memcpy(c->payload, file, file_len);
	memcpy(c->payload + file_len, name, name_len);
	memcpy(c->payload + file_len + name_len, table, sizeof(table));
	feed(r, c);
}

static struct rig begin(void)
{
	struct rig r = {.w = world_run(), .tid = 100};
	struct wire_session *s = record(r.w, WIRE_SESSION, sizeof(*s), 0);

	r.py = py_new(&(struct py_settings){.ops = trace_py_ops(), .ctx = r.w->t, .procs = r.w->procs});
	assert_non_null(r.py);
	trace_read_stacks(r.w->t, r.py);
	s->mode = WIRE_MODE_RUN;
	s->options = WIRE_OPT_STACKS;
	feed(&r, s);
	r.rules = rules_new();
	struct rules_error error;
	assert_int_equal(rules_add(r.rules,
				   STR("framework\tkind\tfile\tfunction\tname\n"
				       "fw\tworkflow\tfw/c.py\tCrew.kickoff\tself.name\n"
				       "fw\tagent\tfw/c.py\tAgent.execute\tself.role\n"
				       "fw\tagent\tfw/c.py\tAgent.loop\tself.role\n"
				       "fw\tturn\tfw/c.py\tAgent.turn\tself.role\n"
				       "fw\ttool\tfw/c.py\tTool.use\tself.name\n"),
				   &error),
			 0);
	assert_true(trace_use_rules(r.w->t, r.rules));
	for (int f = 0; f < FUNCTIONS; f++)
		code(&r, f);
	return r;
}

static void end(struct rig *r)
{
	struct proc_table *procs = r->w->procs;

	r->w->procs = NULL;
	arena_free(take(r->w->a));
	trace_free(take(r->w->t));
	py_free(r->py);
	rules_free(r->rules);
	proc_free(procs);
	free(r->w);
}

static void value(struct rig *r, const struct call *k, const struct at *at)
{
	size_t n = strlen(at->name);
	struct wire_py_value *v = record(r->w, WIRE_PY_VALUE, sizeof(*v) + n, r->tid);

	v->conn = (struct wire_conn_key){k->conn.ssl, k->conn.generation};
	v->frame = at->frame;
	v->rule = at->f - CREW;
	v->kind = WIRE_PY_TEXT_LATIN1;
	v->len = (uint32_t)n;
	memcpy(v->payload, at->name, n);
	feed(r, v);
}

static void stack(struct rig *r, const struct call *k, const struct at *frames)
{
	uint32_t count = 0;

	while (count < MAX_FRAMES && frames[count].frame)
		count++;
	struct wire_py_stack *s =
		record(r->w, WIRE_PY_STACK, sizeof(*s) + (count + 1) * sizeof(struct wire_py_frame), r->tid);
	struct wire_py_frame *f = (void *)s->payload;

	s->conn = (struct wire_conn_key){k->conn.ssl, k->conn.generation};
	s->offset = k->x.request.write.offset;
	s->count = (uint16_t)(count + 1);
	*f++ = (struct wire_py_frame){.code = 0x1000 + SEND, .frame = 1, .lasti = 2};
	for (uint32_t i = 0; i < count; i++)
		*f++ = (struct wire_py_frame){
			.code = 0x1000u + frames[i].f,
			.frame = frames[i].frame,
			.lasti = frames[i].lasti,
			.flags = functions[frames[i].f].co_flags ? WIRE_PY_FRAME_GENERATOR : 0};
	feed(r, s);
	for (uint32_t i = 0; i < count; i++)
		if (frames[i].name)
			value(r, k, &frames[i]);
}

static void say(struct talk *t, const char *role, const char *text, const char *id, const char *name)
{
	t->said[t->count].role = role;
	t->said[t->count].text = text;
	t->said[t->count].id = id;
	t->said[t->count++].name = name;
}

/* The request of a conversation, from these frames (innermost first). */
static struct call *open_call(struct rig *r, const struct talk *t, const struct at *frames)
{
	struct call *k = call_make(r->w, r->tid);

	k->conn.ssl = k->conn.id;
	k->x.request.write = (struct http_write){.is_one = true, .conn = {k->conn.ssl, r->w->now + 10}};
	call_begin(k, 100);
	if (t->system)
		call_in(k, "system", t->system);
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->said[i].id && t->said[i].name)
			call_in_call(k, t->said[i].id, t->said[i].name, "{}");
		else if (t->said[i].id)
			call_in_result(k, t->said[i].id, t->said[i].text);
		else
			call_in(k, t->said[i].role, t->said[i].text);
	}
	stack(r, k, frames);
	call_request(k);
	return k;
}

static struct told *close_call(struct rig *r, struct talk *t, struct call *k, const char *answer,
			       const char *tool, const char *id)
{
	uint64_t span = ((struct trace_call *)k->c.user)->id;

	if (tool)
		call_out_call(k, id, tool, "{}");
	else
		call_out_text(k, answer);
	call_close(k, answer || tool ? GENAI_OK : GENAI_ERROR, answer || tool ? 200 : 500);
	call_end(k);
	if (tool) {
		say(t, "assistant", NULL, id, tool);
		say(t, "tool", "\"done\"", id, NULL);
	} else if (answer) {
		say(t, "assistant", answer, NULL, NULL);
		say(t, "user", "go on", NULL, NULL);
	}
	return world_by_id(r->w, span);
}

static struct told *ask(struct rig *r, struct talk *t, const char *answer, const struct at *frames)
{
	return close_call(r, t, open_call(r, t, frames), answer, NULL, NULL);
}

static struct told *ask_tool(struct rig *r, struct talk *t, const char *tool, const char *id,
			     const struct at *frames)
{
	return close_call(r, t, open_call(r, t, frames), NULL, tool, id);
}

#define FRAMES(...) ((const struct at[]){__VA_ARGS__, {0}})

static struct talk talk(const char *system, const char *question)
{
	struct talk t = {.system = system};

	say(&t, "user", question, NULL, NULL);
	return t;
}

static void finish(struct rig *r)
{
	trace_finish(r->w->t, r->w->procs, NULL, false);
}

static struct told *agent_of(struct rig *r, const struct told *call)
{
	struct told *a = world_by_id(r->w, call->parent);

	return a && strcmp(a->kind, "invoke_agent") == 0 ? a : NULL;
}

static void is_agent(struct rig *r, const struct told *a, const char *name, uint64_t parent)
{
	char want[128];

	(void)r;
	assert_non_null(a);
	snprintf(want, sizeof(want), "invoke_agent %s", name);
	assert_string_equal(a->name, want);
	world_want(a, "gen_ai.agent.name", name);
	assert_true(a->bounded);
	assert_int_equal(a->parent, parent);
}

static uint64_t process_id(struct rig *r)
{
	return world_process(r->w, 100)->id;
}

/* ---- one agent ---- */

static void a_loop(void **state)
{
	struct rig r = begin();
	struct talk t = talk("You are R.", "q");
	struct told *a, *one, *two, *three;

	(void)state;
	one = ask_tool(&r, &t, "search", "c1", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &t, "b", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	a = agent_of(&r, one);
	is_agent(&r, a, "Researcher.run", process_id(&r));
	assert_string_equal(a->how, "process");
	assert_true(a->certain);
	assert_string_equal(a->source, "/x/agent.py:82 Researcher.run");
	assert_int_equal(a->start_ns, one->start_ns);
	assert_int_equal(a->end_ns, three->end_ns);
	assert_ptr_equal(agent_of(&r, two), a);
	assert_ptr_equal(agent_of(&r, three), a);
	assert_ptr_equal(agent_of(&r, world_tool(r.w, "c1")), a);
	assert_string_equal(world_tool(r.w, "c1")->how, "tool_call_id");
	assert_string_equal(two->how, "frame");
	assert_true(two->certain);
	assert_string_equal(two->evidence, "called in agent.py:82 Researcher.run");
	assert_int_equal(world_count(r.w, "invoke_agent"), 1);
	end(&r);
}

/* What main asks itself belongs to nobody, nor does a single call of a function that drives nothing. */
static void nobody(void **state)
{
	struct rig r = begin();
	struct talk t = talk(NULL, "q"), u = talk(NULL, "r");
	struct told *one, *two, *three;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({MAIN, 0x60, 4}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &u, "c", FRAMES({ASK, 0x40, 2}, {MAIN, 0x60, 10}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 0);
	assert_int_equal(one->parent, process_id(&r));
	assert_int_equal(two->parent, process_id(&r));
	assert_int_equal(three->parent, process_id(&r));
	end(&r);
}

/* A helper sends for all agents: called anew each time, at the same address. */
static void a_helper(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "q");
	struct told *a[2], *b[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		a[i] = ask(&r, &t, "a",
			   FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		b[i] = ask(&r, &u, "b",
			   FRAMES({ASK, 0x40, 2}, {WRITER, 0x50, 4}, {MAIN, 0x60, 12}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, a[0]), "Researcher.run", process_id(&r));
	is_agent(&r, agent_of(&r, b[0]), "write", process_id(&r));
	assert_ptr_equal(agent_of(&r, a[0]), agent_of(&r, a[1]));
	assert_ptr_equal(agent_of(&r, b[0]), agent_of(&r, b[1]));
	assert_true(a[1]->certain && b[1]->certain);
	end(&r);
}

/* A helper that tries again has a loop of its own: where nothing tells which of the two drives, that is said. */
static void a_helper_that_loops(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two, *three, *failed;

	(void)state;
	failed = ask(&r, &t, NULL,
		     FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	one = ask(&r, &t, "a", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, failed), agent_of(&r, one));
	assert_false(one->certain);
	end(&r);

	r = begin();
	t = talk("R", "q");
	one = ask(&r, &t, "a", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	three = ask(&r, &t, "c",
		    FRAMES({RETRY, 0x40, 2}, {RUN, 0x50, 6}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, two), agent_of(&r, three));
	assert_true(two->certain);
	end(&r);
}

/* ---- several ---- */

static void threads_and_tasks(void **state)
{
	struct rig r = begin();
	struct talk t[10];
	struct told *first[10], *second[10];

	(void)state;
	/* Ten identical prompts at once: the same function, other frames. */
	for (uint32_t i = 0; i < 10; i++) {
		t[i] = talk("same", "same");
		r.tid = 200 + i;
		first[i] = ask_tool(&r, &t[i], "search", "same", FRAMES({RUN, 0x500 + i, 4}));
	}
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t k = 9 - i;

		r.tid = 200 + k;
		second[k] = ask(&r, &t[k], "done", FRAMES({RUN, 0x500 + k, 4}));
	}
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 10);
	for (uint32_t i = 0; i < 10; i++) {
		is_agent(&r, agent_of(&r, first[i]), "Researcher.run", process_id(&r));
		assert_ptr_equal(agent_of(&r, first[i]), agent_of(&r, second[i]));
		assert_false(agent_of(&r, first[i])->certain); /* who started the thread is not known */
		for (uint32_t j = 0; j < i; j++)
			assert_ptr_not_equal(agent_of(&r, first[i]), agent_of(&r, first[j]));
	}
	end(&r);
}

/* One after the other, the same function has the same frame: conversations tell them apart. */
static void one_after_the_other(void **state)
{
	struct rig r = begin();
	struct told *call[3][2], *single;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct talk t = talk("same", "same");

		for (int j = 0; j < 2; j++)
			call[i][j] =
				ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	}
	struct talk t = talk("same", "another");
	single = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_int_equal(world_count(r.w, "invoke_agent"), 4);
	for (int i = 0; i < 3; i++) {
		assert_non_null(agent_of(&r, call[i][0]));
		assert_ptr_equal(agent_of(&r, call[i][0]), agent_of(&r, call[i][1]));
		assert_ptr_not_equal(agent_of(&r, call[i][0]), agent_of(&r, call[(i + 1) % 3][0]));
	}
	is_agent(&r, agent_of(&r, single), "Researcher.run", process_id(&r));
	end(&r);
}

/* An agent that a tool calls, by its own function: below the tool call that is open. */
static void recursion(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("R", "sub");
	struct told *one, *two, *sub[2];

	(void)state;
	one = ask_tool(&r, &t, "search", "c1", FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		sub[i] = ask(&r, &u, "s",
			     FRAMES({ASK, 0x20, 2}, {RUN, 0x30, 4}, {TOOL, 0x40, 2}, {RUN, 0x50, 10},
				    {MODULE, 0x70, 2}));
	two = ask(&r, &t, "a", FRAMES({ASK, 0x40, 2}, {RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "Researcher.run", process_id(&r));
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	is_agent(&r, agent_of(&r, sub[0]), "Researcher.run", world_tool(r.w, "c1")->id);
	assert_ptr_equal(agent_of(&r, sub[0]), agent_of(&r, sub[1]));
	assert_true(agent_of(&r, sub[0])->certain);
	assert_int_equal(world_tool(r.w, "c1")->parent, agent_of(&r, one)->id);
	assert_int_equal(world_count(r.w, "invoke_agent"), 2);
	end(&r);
}

/* Two tools are open, and no function is named as one of them: the agent's, and no tool's. */
static void which_tool(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "sub");
	struct told *sub;
	struct call *k = open_call(&r, &t, FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));

	(void)state;
	call_out_call(k, "c1", "one", "{}");
	close_call(&r, &t, k, NULL, "two", "c2");
	for (int i = 0; i < 2; i++)
		sub = ask(&r, &u, "s",
			  FRAMES({WRITER, 0x30, 4}, {TOOL, 0x40, 2}, {RUN, 0x50, 10}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
	finish(&r);
	struct told *a = agent_of(&r, sub);
	assert_non_null(a);
	struct told *outer = world_by_id(r.w, a->parent);
	assert_string_equal(outer->kind, "invoke_agent");
	end(&r);
}

/* What goes on from one conversation in two ways is two runs below the one that began. */
static void a_fork(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u;
	struct told *one, *left[2], *right[2];

	(void)state;
	one = ask(&r, &t, "a", FRAMES({PIPELINE, 0x50, 2}, {MODULE, 0x70, 2}));
	u = t;
	for (int i = 0; i < 2; i++)
		left[i] = ask(&r, &t, "l", FRAMES({BRANCH, 0x40, 4}, {PIPELINE, 0x50, 4}, {MODULE, 0x70, 2}));
	for (int i = 0; i < 2; i++)
		right[i] =
			ask(&r, &u, "r", FRAMES({BRANCH, 0x40, 4}, {PIPELINE, 0x50, 6}, {MODULE, 0x70, 2}));
	finish(&r);
	struct told *outer = agent_of(&r, one);
	is_agent(&r, outer, "pipeline", process_id(&r));
	is_agent(&r, agent_of(&r, left[0]), "branch", outer->id);
	is_agent(&r, agent_of(&r, right[0]), "branch", outer->id);
	assert_ptr_equal(agent_of(&r, left[0]), agent_of(&r, left[1]));
	assert_ptr_equal(agent_of(&r, right[0]), agent_of(&r, right[1]));
	assert_ptr_not_equal(agent_of(&r, left[0]), agent_of(&r, right[0]));
	end(&r);
}

/* A generator lives on whoever runs it. */
static void a_generator(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({GENERATOR, 0x5000, 4}, {MAIN, 0x60, 2}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b",
		  FRAMES({GENERATOR, 0x5000, 4}, {PIPELINE, 0x50, 2}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	finish(&r);
	is_agent(&r, agent_of(&r, one), "steps", process_id(&r));
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	end(&r);
}

/* Another conversation within the run, while it is alive, is the agent's; before and behind it, only likely. */
static void on_the_side(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), plan = talk("plan", "q"), judge = talk("judge", "q");
	struct told *one, *inside, *before;

	(void)state;
	before = ask(&r, &plan, "p", FRAMES({RUN, 0x50, 2}, {MODULE, 0x70, 2}));
	one = ask(&r, &t, "a", FRAMES({RUN, 0x50, 6}, {MODULE, 0x70, 2}));
	inside = ask(&r, &judge, "j", FRAMES({RUN, 0x50, 8}, {MODULE, 0x70, 2}));
	(void)ask(&r, &t, "b", FRAMES({RUN, 0x50, 6}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_ptr_equal(agent_of(&r, inside), agent_of(&r, one));
	assert_true(inside->certain);
	assert_ptr_equal(agent_of(&r, before), agent_of(&r, one));
	assert_false(before->certain);
	assert_int_equal(agent_of(&r, one)->start_ns, before->start_ns);
	end(&r);
}

/* Few-shot examples that quote another agent's words are no conversation of this one's frames. */
static void quoted(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q");
	struct told *one, *two;

	(void)state;
	one = ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MAIN, 0x60, 8}, {MODULE, 0x70, 2}));
	two = ask(&r, &t, "b", FRAMES({WRITER, 0x50, 4}, {MAIN, 0x60, 12}, {MODULE, 0x70, 2}));
	finish(&r);
	assert_null(agent_of(&r, one));
	assert_null(agent_of(&r, two));
	end(&r);
}

/* A framework's: names by rules, one run of several frames, tools by name, a workflow around. */
static void by_rules(void **state)
{
	struct rig r = begin();
	struct talk t = talk("R", "q"), u = talk("W", "sub");
	struct told *one, *two, *sub, *own;

	(void)state;
	one = ask_tool(&r, &t, "search", "c1",
		       FRAMES({TURN, 0x30, 2, "boss"}, {LOOP, 0x40, 2, "boss"}, {AGENT, 0x50, 2, "boss"},
			      {CREW, 0x60, 4, "crew"}, {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	sub = ask(&r, &u, "s",
		  FRAMES({LOOP, 0x10, 2, "helper"}, {AGENT, 0x18, 2, "helper"}, {USE, 0x20, 2, "search"},
			 {LOOP, 0x40, 8, "boss"}, {AGENT, 0x50, 2, "boss"}, {CREW, 0x60, 4, "crew"},
			 {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	two = ask(&r, &t, "a",
		  FRAMES({LOOP, 0x40, 4, "boss"}, {AGENT, 0x50, 2, "boss"}, {CREW, 0x60, 4, "crew"},
			 {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	struct talk p = talk("P", "plan");
	own = ask(&r, &p, "p", FRAMES({CREW, 0x60, 8, "crew"}, {WRITER, 0x70, 2}, {MODULE, 0x80, 2}));
	finish(&r);
	struct told *crew = world_find(r.w, "invoke_workflow", 0);
	assert_non_null(crew);
	assert_string_equal(crew->name, "invoke_workflow crew");
	assert_int_equal(crew->parent, process_id(&r));
	assert_string_equal(crew->source, "/x/agent.py:92 write");
	is_agent(&r, agent_of(&r, one), "boss", crew->id);
	assert_ptr_equal(agent_of(&r, one), agent_of(&r, two));
	is_agent(&r, agent_of(&r, sub), "helper", world_tool(r.w, "c1")->id);
	world_want(agent_of(&r, sub), "bottrace.framework", "fw");
	assert_int_equal(own->parent, crew->id);
	assert_int_equal(world_count(r.w, "invoke_agent"), 2);
	assert_int_equal(world_count(r.w, "invoke_workflow"), 1);
	end(&r);
}

/* The same agent twice from one place, at one address: two runs. Without values, nobody's name is guessed. */
static void by_rules_again(void **state)
{
	struct rig r = begin();
	struct told *call[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk t = talk("R", "q");

		for (int j = 0; j < 2; j++)
			call[i][j] = ask(&r, &t, "a",
					 FRAMES({AGENT, 0x50, 2}, {MAIN, 0x60, 4}, {MODULE, 0x80, 2}));
	}
	finish(&r);
	struct told *a = agent_of(&r, call[0][0]), *b = agent_of(&r, call[1][0]);
	assert_true(a && b && a != b);
	assert_ptr_equal(agent_of(&r, call[0][1]), a);
	assert_ptr_equal(agent_of(&r, call[1][1]), b);
	assert_string_equal(a->name, "invoke_agent Agent.execute");
	world_want(a, "gen_ai.agent.name", NULL);
	end(&r);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct rig r = begin();
		struct talk t = talk("R", "q");

		(void)ask_tool(&r, &t, "search", "c1", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
		(void)ask(&r, &t, "a", FRAMES({RUN, 0x50, 4}, {MODULE, 0x70, 2}));
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
		cmocka_unit_test(a_loop),
		cmocka_unit_test(nobody),
		cmocka_unit_test(a_helper),
		cmocka_unit_test(a_helper_that_loops),
		cmocka_unit_test(threads_and_tasks),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(recursion),
		cmocka_unit_test(which_tool),
		cmocka_unit_test(a_fork),
		cmocka_unit_test(a_generator),
		cmocka_unit_test(on_the_side),
		cmocka_unit_test(quoted),
		cmocka_unit_test(by_rules),
		cmocka_unit_test(by_rules_again),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
