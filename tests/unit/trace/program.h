/* SPDX-License-Identifier: BSD-2-Clause */
/* A program of functions whose stacks are made by hand, in a world to trace. */
#ifndef UNIT_TRACE_PROGRAM_H
#define UNIT_TRACE_PROGRAM_H

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

static UNUSED void *record(struct world *w, uint16_t kind, size_t size, uint32_t tid)
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

static UNUSED void feed(struct rig *r, void *rec)
{
	py_feed(r->py, rec);
	trace_feed(r->w->t, rec);
	free(rec);
}

/* One unit of code in the second line, another in the third (no loop) or back in the first: from 3.12 on that is known. */
static UNUSED void code(struct rig *r, enum function f)
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

/* The program is pid 100. */
static UNUSED struct world *world_of(enum wire_mode mode)
{
	struct world *w;

	if (mode == WIRE_MODE_RUN)
		return world_run();
	w = world_new(mode);
	world_fact(w, 100, 0);
	world_target(w, 100);
	return w;
}

static UNUSED struct rig begin_as(enum wire_mode mode)
{
	struct rig r = {.w = world_of(mode), .tid = 100};
	struct wire_session *s = record(r.w, WIRE_SESSION, sizeof(*s), 0);

	r.py = py_new(&(struct py_settings){.ops = trace_py_ops(), .ctx = r.w->t, .procs = r.w->procs});
	assert_non_null(r.py);
	trace_read_stacks(r.w->t, r.py);
	s->mode = mode;
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

static UNUSED struct rig begin(void)
{
	return begin_as(WIRE_MODE_RUN);
}

static UNUSED void end(struct rig *r)
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

static UNUSED void value(struct rig *r, const struct call *k, const struct at *at)
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

static UNUSED void stack(struct rig *r, const struct call *k, const struct at *frames)
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

static UNUSED void say(struct talk *t, const char *role, const char *text, const char *id, const char *name)
{
	t->said[t->count].role = role;
	t->said[t->count].text = text;
	t->said[t->count].id = id;
	t->said[t->count++].name = name;
}

/* Who asks what is alive, at any time, changes nothing: every test that is one of agents is one of this. */
static UNUSED const struct json *look(struct rig *r)
{
	struct buf out;

	buf_init(&out, 4 * TRACE_STATE_BYTES);
	assert_int_equal(trace_state(r->w->t, 100, r->w->now, &out), 0);
	const struct json *j = json_parse(r->w->a, arena_dup(r->w->a, buf_str(&out)), NULL);
	assert_non_null(j);
	buf_fini(&out);
	return j;
}

/* The request of a conversation, from these frames (innermost first). */
static UNUSED struct call *open_call(struct rig *r, const struct talk *t, const struct at *frames)
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
	(void)look(r);
	return k;
}

static UNUSED struct told *close_call(struct rig *r, struct talk *t, struct call *k, const char *answer,
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
	(void)look(r);
	return world_by_id(r->w, span);
}

static UNUSED struct told *ask(struct rig *r, struct talk *t, const char *answer, const struct at *frames)
{
	return close_call(r, t, open_call(r, t, frames), answer, NULL, NULL);
}

static UNUSED struct told *ask_tool(struct rig *r, struct talk *t, const char *tool, const char *id,
				    const struct at *frames)
{
	return close_call(r, t, open_call(r, t, frames), NULL, tool, id);
}

#define FRAMES(...) ((const struct at[]){__VA_ARGS__, {0}})

static UNUSED struct talk talk(const char *system, const char *question)
{
	struct talk t = {.system = system};

	say(&t, "user", question, NULL, NULL);
	return t;
}

static UNUSED void finish(struct rig *r)
{
	trace_finish(r->w->t, r->w->procs, NULL, false);
}

static UNUSED struct told *agent_of(struct rig *r, const struct told *call)
{
	struct told *a = world_by_id(r->w, call->parent);

	return a && strcmp(a->kind, "invoke_agent") == 0 ? a : NULL;
}

static UNUSED void is_agent(struct rig *r, const struct told *a, const char *name, uint64_t parent)
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

static UNUSED uint64_t process_id(struct rig *r)
{
	return world_process(r->w, 100)->id;
}

#endif
