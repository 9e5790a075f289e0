/* SPDX-License-Identifier: BSD-2-Clause */
/* A world to trace: processes by real records, calls made by hand, and what was told of them. */
#ifndef UNIT_TRACE_WORLD_H
#define UNIT_TRACE_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "harness.h"
#include "trace/set.h"
#include "trace/trace.h"

#define UNUSED	     __attribute__((unused))
#define WORLD_SPANS  600
#define WORLD_INPUTS 64

struct told_attribute {
	char *key, *value;
};

struct told_event {
	uint64_t time_ns;
	char *name;
	char *attributes; /* key=value;... */
};

/* The last version of a span. */
struct told {
	uint64_t id, parent, start_ns, end_ns;
	uint32_t trace, seq, pid, tid, versions, frames;
	char *kind, *name, *type, *message, *how, *evidence;
	char *last_evidence, *task, *source; /* "file:line function" */
	bool certain, bounded;
	bool undecided, dropped; /* --keep */
	uint64_t forgot;	 /* the call that it is not to name any more */
	enum trace_status status;
	struct told_attribute attributes[TRACE_DRAFT_ATTRIBUTES];
	uint32_t attribute_count;
	struct told_event events[16];
	uint32_t event_count;
	struct trace_gap gaps[16];
	uint32_t gap_count;
};

struct world {
	struct trace_set *t;
	struct proc_table *procs;
	struct arena *a;
	struct told spans[WORLD_SPANS];
	uint32_t count;
	uint32_t began;
	uint64_t now;
	uint32_t connections;
};

/* ---- what was told ---- */

static UNUSED char *world_text(struct world *w, struct str s)
{
	if (s.p == NULL)
		return NULL;
	char *z = arena_alloc(w->a, s.n + 1);

	assert_non_null(z);
	memcpy(z, s.p, s.n);
	return z;
}

static UNUSED char *world_value(struct world *w, const struct trace_attribute *a)
{
	switch (a->type) {
	case TRACE_STR:
	case TRACE_JSON:
		return world_text(w, a->text);
	case TRACE_I64:
		return world_text(w, arena_printf(w->a, "%lld", (long long)a->i64));
	case TRACE_F64:
		return world_text(w, arena_printf(w->a, "%.6f", a->f64));
	case TRACE_BOOL:
		return world_text(w, a->i64 ? STR("true") : STR("false"));
	}
	return NULL;
}

static UNUSED void world_add_events(struct world *w, struct told *k, const struct trace_span *s)
{
	for (uint32_t i = 0; i < s->event_count && k->event_count < 16; i++) {
		struct buf b;

		buf_init(&b, 65536);
		for (uint32_t j = 0; j < s->events[i].count; j++)
			buf_addf(&b, "%.*s=%s;", STR_ARG(s->events[i].attributes[j].key),
				 world_value(w, &s->events[i].attributes[j]));
		k->events[k->event_count++] = (struct told_event){.time_ns = s->events[i].time_ns,
								  .name = world_text(w, s->events[i].name),
								  .attributes = world_text(w, buf_str(&b))};
		buf_fini(&b);
	}
}

/* What code did in a span that was told. */
static UNUSED void world_on_say(void *ctx, const struct trace_span *s)
{
	struct world *w = ctx;

	for (uint32_t i = 0; i < w->count; i++)
		if (w->spans[i].id == s->id)
			world_add_events(w, &w->spans[i], s);
}

static UNUSED void world_on_span(void *ctx, const struct trace_span *s)
{
	struct world *w = ctx;
	struct told *k = NULL;

	for (uint32_t i = 0; i < w->count && k == NULL; i++)
		if (w->spans[i].id == s->id)
			k = &w->spans[i];
	if (k == NULL) {
		assert_true(w->count < WORLD_SPANS);
		k = &w->spans[w->count++];
	}
	uint32_t versions = k->versions + 1;

	/* Decided once, and for good; what was dropped comes back as a new one only. */
	assert_true(versions == 1 || k->undecided || k->dropped || !s->undecided);
	*k = (struct told){.id = s->id,
			   .parent = s->parent,
			   .start_ns = s->start_ns,
			   .end_ns = s->end_ns,
			   .trace = s->trace,
			   .seq = s->seq,
			   .pid = s->pid,
			   .tid = s->tid,
			   .versions = versions,
			   .bounded = s->bounded,
			   .undecided = s->undecided,
			   .status = s->status,
			   .certain = s->link.certain};
	k->kind = world_text(w, str_of(s->kind));
	k->name = world_text(w, s->name);
	k->type = world_text(w, s->status_type);
	k->message = world_text(w, s->status_message);
	k->how = world_text(w, str_of(s->link.how));
	k->evidence = s->link.evidence_count ? world_text(w, s->link.evidence[0]) : NULL;
	k->last_evidence =
		s->link.evidence_count ? world_text(w, s->link.evidence[s->link.evidence_count - 1]) : NULL;
	k->task = world_text(w, s->task);
	k->frames = s->stack_count;
	if (s->source) {
		k->source = world_text(w, arena_printf(w->a, "%.*s:%u %.*s", STR_ARG(s->source->file),
						       s->source->line, STR_ARG(s->source->function)));
	}
	for (uint32_t i = 0; i < s->attribute_count; i++) {
		struct told_attribute *a = &k->attributes[k->attribute_count++];

		a->key = world_text(w, s->attributes[i].key);
		a->value = world_value(w, &s->attributes[i]);
		for (uint32_t j = 0; j < i; j++) /* no key twice */
			assert_string_not_equal(a->key, k->attributes[j].key);
		/* what claims to be JSON is JSON */
		if (s->attributes[i].type == TRACE_JSON) {
			struct json_end end;

			(void)json_parse(w->a, s->attributes[i].text, &end);
			assert_int_equal(end.state, JSON_WHOLE);
			assert_int_equal(end.offset, s->attributes[i].text.n);
		}
	}
	world_add_events(w, k, s);
	for (uint32_t i = 0; i < s->gap_count && i < 16; i++)
		k->gaps[k->gap_count++] = s->gaps[i];
}

static UNUSED void world_on_open(void *ctx, const struct trace_span *s)
{
	struct world *w = ctx;

	assert_non_null(s->kind);
	w->began++;
}

#include "later.h"

static const struct trace_ops world_ops = {
	.span = world_on_span,
	.open = world_on_open,
	.decide = world_on_decide,
	.forget = world_on_forget,
	.place = world_on_place,
	.say = world_on_say,
	.root = world_on_root,
};

/* The value of an attribute, NULL: not there. */
static UNUSED const char *world_get(const struct told *k, const char *key)
{
	for (uint32_t i = 0; i < k->attribute_count; i++)
		if (strcmp(k->attributes[i].key, key) == 0)
			return k->attributes[i].value;
	return NULL;
}

static UNUSED void world_want(const struct told *k, const char *key, const char *want)
{
	const char *got = world_get(k, key);

	if (want == NULL ? got == NULL : got != NULL && strcmp(got, want) == 0)
		return;
	fail_msg("%s: %s is %s, want %s", k->name, key, got ? got : "absent", want ? want : "absent");
}

/* The n-th told span (from 0) of a kind. */
static UNUSED struct told *world_find(struct world *w, const char *kind, uint32_t n)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (strcmp(w->spans[i].kind, kind) == 0 && n-- == 0)
			return &w->spans[i];
	return NULL;
}

static UNUSED uint32_t world_count(struct world *w, const char *kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->count; i++)
		n += strcmp(w->spans[i].kind, kind) == 0;
	return n;
}

static UNUSED struct told *world_process(struct world *w, uint32_t pid)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (strcmp(w->spans[i].kind, "process") == 0 && w->spans[i].pid == pid)
			return &w->spans[i];
	fail_msg("no span of process %u", pid);
	return NULL;
}

static UNUSED struct told *world_tool(struct world *w, const char *call_id)
{
	for (uint32_t i = 0; i < w->count; i++) {
		const char *id = world_get(&w->spans[i], "gen_ai.tool.call.id");

		if (id && strcmp(id, call_id) == 0)
			return &w->spans[i];
	}
	return NULL;
}

static UNUSED const char *world_hex(struct world *w, uint64_t id)
{
	return world_text(w, arena_printf(w->a, "%016llx", (unsigned long long)id));
}

/* ---- the world ---- */

static UNUSED void world_feed(struct world *w, struct wire_head *rec, uint32_t pid)
{
	rec->ts_ns = w->now;
	rec->pid = pid;
	rec->tid = pid;
	rec->start_ns = pid ? pid * 1000ull : 0;
	proc_feed(w->procs, rec);
	trace_feed(w->t, rec);
}

static UNUSED struct world *world_new_priced(enum wire_mode mode, const struct genai_prices *prices)
{
	struct world *w = calloc(1, sizeof(*w));
	struct trace_settings s = {.ops = &world_ops, .ctx = w, .prices = prices};
	struct wire_session rec = {.head = {.size = sizeof(rec), .kind = WIRE_SESSION},
				   .version = WIRE_VERSION,
				   .mode = mode,
				   .utc_offset_ns = 1000,
				   .boot_id = {1, 2, 3},
				   .site_ns = 1900};

	assert_non_null(w);
	w->a = arena_new(256u << 20);
	w->t = trace_new(&s);
	w->procs = proc_new(trace_proc_ops(), w->t);
	assert_true(w->a && w->t && w->procs);
	w->now = mode == WIRE_MODE_DECODE ? 0 : 1000;
	world_feed(w, &rec.head, 0);
	return w;
}

static UNUSED struct world *world_new(enum wire_mode mode)
{
	return world_new_priced(mode, NULL);
}

static UNUSED void world_free(struct world *w)
{
	proc_free(w->procs);
	trace_free(w->t);
	arena_free(w->a);
	free(w);
}

static UNUSED void world_finish(struct world *w, bool final)
{
	struct wire_end rec = {.head = {.size = sizeof(rec), .kind = WIRE_END}, .has_final = final};

	w->now += 10;
	world_feed(w, &rec.head, 0);
	trace_finish(w->t, w->procs, NULL, false);
}

static UNUSED void world_target(struct world *w, uint32_t pid)
{
	struct wire_target rec = {.head = {.size = sizeof(rec), .kind = WIRE_TARGET}};

	w->now += 10;
	world_feed(w, &rec.head, pid);
}

static UNUSED void world_fact(struct world *w, uint32_t pid, uint32_t parent)
{
	struct wire_proc_fact rec = {.head = {.size = sizeof(rec), .kind = WIRE_PROC_FACT},
				     .parent_pid = parent,
				     .parent_start_ns = parent * 1000ull,
				     .comm = "python"};

	w->now += 10;
	world_feed(w, &rec.head, pid);
}

static UNUSED void world_fork_by(struct world *w, uint32_t pid, uint32_t parent, uint32_t tid)
{
	struct wire_proc_fork rec = {.head = {.size = sizeof(rec), .kind = WIRE_PROC_FORK},
				     .parent_pid = parent,
				     .parent_tid = tid,
				     .parent_start_ns = parent * 1000ull,
				     .comm = "python"};

	w->now += 10;
	world_feed(w, &rec.head, pid);
}

static UNUSED void world_fork(struct world *w, uint32_t pid, uint32_t parent)
{
	world_fork_by(w, pid, parent, parent);
}

/* args: NUL-terminated strings, one after the other, ended by an empty one. */
static UNUSED void world_exec(struct world *w, uint32_t pid, const char *path, const char *args)
{
	char space[1024] = {0};
	struct wire_proc_exec *rec = (void *)space;
	size_t n = 0;

	while (args[n])
		n += strlen(args + n) + 1;
	rec->path_len = (uint32_t)strlen(path);
	rec->argv_len = (uint32_t)n;
	memcpy(rec->payload, path, rec->path_len);
	memcpy(rec->payload + rec->path_len, args, n);
	rec->head.kind = WIRE_PROC_EXEC;
	rec->head.size = (uint32_t)((sizeof(*rec) + rec->path_len + n + 7) & ~7ul);
	w->now += 10;
	world_feed(w, &rec->head, pid);
}

static UNUSED void world_exit(struct world *w, uint32_t pid, int code, int signal)
{
	struct wire_proc_exit rec = {
		.head = {.size = sizeof(rec), .kind = WIRE_PROC_EXIT}, .code = code, .signal = signal};

	w->now += 10;
	world_feed(w, &rec.head, pid);
}

static UNUSED void world_final(struct world *w, uint32_t pid, struct wire_counts counts)
{
	struct wire_proc_final rec = {.head = {.size = sizeof(rec), .kind = WIRE_PROC_FINAL},
				      .counts = counts};

	world_feed(w, &rec.head, pid);
}

static UNUSED void world_keep(struct world *w, const char *rules)
{
	struct trace_rules r;
	struct wire_keep rec = {.head = {.size = sizeof(rec), .kind = WIRE_KEEP}};

	assert_null(trace_rules_parse(str_of(rules), &r));
	rec.errors = r.errors;
	rec.slow_ns = r.slow_ns;
	rec.cost_pico = r.cost_pico;
	world_feed(w, &rec.head, 0);
}

/* The command of `run`: pid 100. */
static UNUSED struct world *world_run(void)
{
	struct world *w = world_new(WIRE_MODE_RUN);

	world_fact(w, 100, 0);
	world_target(w, 100);
	world_exec(w, 100, "/usr/bin/python3", "python3\0agent.py\0");
	return w;
}

/* ---- calls ---- */

struct call {
	struct world *w;
	struct flow_conn conn;
	struct http_exchange x;
	struct genai_call c;
	struct genai_message input[WORLD_INPUTS], output[8];
};

static UNUSED struct call *call_make(struct world *w, uint32_t tid)
{
	struct call *k = arena_alloc(w->a, sizeof(*k));

	assert_non_null(k);
	k->w = w;
	k->conn.id = ++w->connections;
	k->x.conn = &k->conn;
	k->x.index = 1;
	k->x.tid = tid;
	k->x.method = STR("POST");
	k->x.target = STR("/v1/chat/completions");
	k->x.request_seen = true;
	k->x.request.head_done = true;
	k->x.request.body_bytes = 77;
	k->c = (struct genai_call){
		.x = &k->x,
		.server = STR("api.openai.com"),
		.port = 443,
		.path = STR("/v1/chat/completions"),
		.input = k->input,
		.output = k->output,
		.usage = GENAI_USAGE_UNKNOWN,
		.retry_count = -1,
		.arena = w->a,
	};
	return k;
}

static UNUSED void call_begin(struct call *k, uint32_t pid)
{
	struct world *w = k->w;

	w->now += w->now ? 10 : 0;
	k->c.start_ns = w->now;
	k->conn.generation = w->now;
	k->conn.proc = pid ? proc_find(w->procs, pid, pid * 1000ull) : NULL;
	trace_genai_ops()->begin(w->t, &k->c);
}

static UNUSED struct call *call_new(struct world *w, uint32_t pid, uint32_t tid)
{
	struct call *k = call_make(w, tid);

	call_begin(k, pid);
	return k;
}

static UNUSED struct genai_part *call_part(struct call *k, struct genai_message *m, enum genai_part_type type)
{
	if (m->parts == NULL)
		m->parts = arena_alloc(k->w->a, 16 * sizeof(*m->parts));
	assert_true(m->parts && m->count < 16);
	struct genai_part *p = &m->parts[m->count++];
	p->type = type;
	return p;
}

static UNUSED struct genai_message *call_in(struct call *k, const char *role, const char *text)
{
	assert_true(k->c.input_count < WORLD_INPUTS);
	struct genai_message *m = &k->input[k->c.input_count++];

	m->role = str_of(role);
	if (text)
		call_part(k, m, GENAI_TEXT)->text = str_of(text);
	return m;
}

static UNUSED void call_fill(struct genai_part *p, const char *id, const char *name, const char *value)
{
	p->id = str_of(id);
	p->name = str_of(name);
	p->value = str_of(value);
}

/* The assistant's message with one tool call; add more with call_also. */
static UNUSED struct genai_message *call_in_call(struct call *k, const char *id, const char *name,
						 const char *args)
{
	struct genai_message *m = call_in(k, "assistant", NULL);

	call_fill(call_part(k, m, GENAI_TOOL_CALL), id, name, args);
	return m;
}

static UNUSED struct genai_part *call_in_result(struct call *k, const char *id, const char *value)
{
	struct genai_message *m = call_in(k, "tool", NULL);
	struct genai_part *p = call_part(k, m, GENAI_TOOL_RESPONSE);

	call_fill(p, id, NULL, value);
	return p;
}

static UNUSED struct genai_message *call_out(struct call *k)
{
	if (k->c.output_count == 0) {
		k->output[0].role = STR("assistant");
		k->c.output_count = 1;
	}
	return &k->output[0];
}

static UNUSED void call_out_text(struct call *k, const char *text)
{
	call_part(k, call_out(k), GENAI_TEXT)->text = str_of(text);
	k->output[0].finish = STR("stop");
}

static UNUSED void call_out_call(struct call *k, const char *id, const char *name, const char *args)
{
	call_fill(call_part(k, call_out(k), GENAI_TOOL_CALL), id, name, args);
	k->output[0].finish = STR("tool_call");
}

/* As the decoders do: reasoning is silent. */
static UNUSED void call_hash(struct genai_message *m)
{
	m->exact = genai_message_exact(m);
	m->hash = hash_u128(m->role, 1);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct genai_part *p = &m->parts[i];

		if (p->type == GENAI_REASONING)
			continue;
		m->hash = hash_chain(m->hash, hash_u128(p->text, 2));
		m->hash = hash_chain(m->hash, hash_u128(p->id, 3));
		m->hash = hash_chain(m->hash, hash_u128(p->value, 4));
	}
}

static UNUSED void call_request(struct call *k)
{
	k->c.kind = GENAI_CHAT;
	k->c.operation = "chat";
	k->c.provider = STR("openai");
	k->c.request_model = STR("gpt-5-mini");
	if (k->c.body_hash.lo == 0)
		k->c.body_hash = hash_u128(str_make(&k->c.start_ns, 8), k->x.tid + 1);
	for (uint32_t i = 0; i < k->c.input_count; i++)
		call_hash(&k->input[i]);
	trace_genai_ops()->request(k->w->t, &k->c);
}

static UNUSED void call_close(struct call *k, enum genai_status status, int http)
{
	k->w->now += k->w->now ? 10 : 0;
	k->c.status = status;
	k->x.status = http;
	k->c.end_ns = status == GENAI_OPEN ? 0 : k->w->now;
	for (uint32_t i = 0; i < k->c.output_count; i++)
		call_hash(&k->output[i]);
	if (status != GENAI_OPEN)
		trace_genai_ops()->close(k->w->t, &k->c);
}

static UNUSED void call_end(struct call *k)
{
	trace_genai_ops()->end(k->w->t, &k->c);
}

/* Request, answer and end of a call whose messages are there. Gives back its span. */
static UNUSED struct told *call_do(struct call *k)
{
	call_request(k);
	uint64_t id = ((struct trace_call *)k->c.user)->id;
	call_close(k, GENAI_OK, 200);
	call_end(k);
	for (uint32_t i = 0; i < k->w->count; i++)
		if (k->w->spans[i].id == id)
			return &k->w->spans[i];
	fail_msg("its span was not told");
	return NULL;
}

#endif
