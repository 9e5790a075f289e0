/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is alive at a moment: processes, steps, conversations, what they wait for and what they said of themselves. Looks,
 * and changes nothing that a document is made of. As JSON that the guard has not seen yet.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "base/text.h"
#include "trace/excerpt.h"
#include "trace/marker.h"
#include "trace/speaker.h"

#define ELEMENTS_MAX 64u   /* of each list */
#define CALLS_MAX    16u   /* of one process, beside its conversations' */
#define TOOLS_MAX    16u   /* of one conversation or process */
#define TOOLS_LOOKED 1024u /* newest ones of a process */
#define FRAMES_MAX   64u
#define WITHIN_MAX   8u	     /* agents around one */
#define KEYS_MAX     64u     /* states of one step or process */
#define VALUE_BYTES  2048u   /* of one of them; of a tool call's arguments */
#define ELEMENT_MAX  131072u /* bytes of one element */

struct looking {
	struct trace_set *t;
	const struct trace_process *top;
	const struct trace_state_mark *mark; /* NULL: none */
	struct jsonw w;
	struct buf *out;
	struct buf one; /* the element at hand */
	size_t most;
	bool ids; /* spans are named */
};

/* ---- parts ---- */

static void write_time(struct looking *l, struct jsonw *w, const char *key, uint64_t ns)
{
	char z[32];

	jsonw_key(w, key);
	if (ns == 0) {
		jsonw_null(w);
		return;
	}
	text_clock(ns, l->t->utc_offset_ns, z);
	jsonw_z(w, z);
}

static void write_id(struct looking *l, struct jsonw *w, const char *key, uint64_t id)
{
	static const char digits[] = "0123456789abcdef";
	char z[16];

	jsonw_key(w, key);
	for (int i = 0; i < 16; i++)
		z[i] = digits[id >> (60 - 4 * i) & 15];
	if (id != 0 && l->ids)
		jsonw_str(w, str_make(z, 16));
	else
		jsonw_null(w);
}

static void write_number(struct jsonw *w, const char *key, uint64_t n)
{
	jsonw_key(w, key);
	if (n)
		jsonw_u64(w, n);
	else
		jsonw_null(w);
}

static void write_text(struct jsonw *w, const char *key, struct str s)
{
	jsonw_key(w, key);
	if (s.n)
		jsonw_str(w, str_head(s, 1024));
	else
		jsonw_null(w);
}

static void write_frame(struct jsonw *w, const struct py_frame *f)
{
	jsonw_object(w);
	write_text(w, "file", f->file);
	write_number(w, "line", f->line);
	write_text(w, "function", f->function);
	jsonw_object_end(w);
}

static void write_stack(struct looking *l, struct jsonw *w, const struct py_stack *s)
{
	const char *partial = s ? py_partial_word(s->partial) : NULL;

	jsonw_key(w, "source");
	if (s && s->source < s->count)
		write_frame(w, &s->frames[s->source]);
	else
		jsonw_null(w);
	jsonw_key(w, "stack");
	if (s == NULL || s->count == 0) {
		jsonw_null(w);
		return;
	}
	jsonw_array(w);
	for (uint32_t i = 0; i < s->count && i < FRAMES_MAX; i++)
		write_frame(w, &s->frames[i]);
	jsonw_array_end(w);
	write_time(l, w, "stack_time", s->ts_ns);
	if (partial || s->count > FRAMES_MAX)
		jsonw_z(jsonw_key(w, "stack_partial"), partial ? partial : "depth");
}

/* ---- states ---- */

static void write_states(struct looking *l, struct jsonw *w, const struct trace_saids *all)
{
	const struct trace_said *said[TRACE_EVENTS_MAX], *shown[KEYS_MAX];
	uint32_t count = 0, keys = 0;

	jsonw_object(jsonw_key(w, "state"));
	for (const struct trace_said *s = all->latest; s && keys < KEYS_MAX; s = s->next)
		shown[keys++] = s;
	for (const struct trace_said *s = all->first; s && count < TRACE_EVENTS_MAX; s = s->next)
		if (s->kind == MARK_STATE)
			said[count++] = s;
	while (count > 0 && keys < KEYS_MAX) {
		const struct trace_said *s = said[--count];
		bool known = false;

		for (uint32_t i = 0; i < keys && !known; i++)
			known = str_eq(shown[i]->name, s->name);
		if (!known)
			shown[keys++] = s;
	}
	for (uint32_t i = 0; i < keys && !l->t->light; i++) {
		jsonw_key_str(w, trace_excerpt_text(shown[i]->name, 256));
		(void)trace_excerpt_value(w, shown[i]->value, VALUE_BYTES);
	}
	jsonw_object_end(w);
}

static bool has_state(const struct trace_saids *all)
{
	for (const struct trace_said *s = all->first; s; s = s->next)
		if (s->kind == MARK_STATE)
			return true;
	return all->latest != NULL;
}

/* ---- what is waited for ---- */

static void write_call(struct looking *l, struct jsonw *w, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct str what = c->kind == GENAI_HTTP	    ? c->path
			  : genai_is_model(c->kind) ? c->request_model
			  : c->label.n		    ? c->label
						    : c->method;

	jsonw_object(w);
	write_id(l, w, "span", k->tool ? k->tool->id : k->id);
	jsonw_z(jsonw_key(w, "kind"), trace_call_kind(c->kind));
	write_text(w, "what", what);
	write_text(w, "server", c->server);
	write_time(l, w, "since", c->start_ns);
	write_number(w, "tid", c->x ? c->x->tid : 0);
	if (c->x) {
		jsonw_u64(jsonw_key(w, "bytes_sent"), c->x->request.wire_bytes);
		jsonw_u64(jsonw_key(w, "bytes_received"), c->x->response.wire_bytes);
	}
	write_time(l, w, "first_byte", c->first_byte_ns);
	jsonw_u64(jsonw_key(w, "attempts"),
		  (k->before && !k->before->asked ? k->before->attempt_count : 0) + 1ul);
	jsonw_object_end(w);
}

static bool is_pending(const struct trace_call *k)
{
	return !k->closed && !k->superseded && k->c != NULL && k->c->end_ns == 0;
}

static void write_tool(struct looking *l, struct jsonw *w, const struct trace_tool *tool)
{
	jsonw_object(w);
	write_id(l, w, "span", tool->id);
	write_text(w, "name", tool->name);
	write_text(w, "call_id", tool->has_id ? tool->call_id : STR_NONE);
	if (!l->t->light) {
		jsonw_key(w, "arguments");
		if (trace_excerpt_value(w, tool->args, VALUE_BYTES))
			jsonw_bool(jsonw_key(w, "cut"), true);
	}
	write_time(l, w, "since", tool->start_ns);
	jsonw_object_end(w);
}

/* Open tool calls that this call asked for; 0: those whose conversation is not known. Their number. */
static uint32_t write_tools(struct looking *l, struct jsonw *w, const struct trace_process *pr,
			    uint64_t asker)
{
	uint32_t count = 0, looked = 0;

	jsonw_array(jsonw_key(w, "tools"));
	for (const struct trace_tool *tool = pr->tools; tool && looked < TOOLS_LOOKED;
	     tool = tool->after, looked++) {
		uint64_t chat = tool->ask->chat;

		if (asker ? chat != asker : map_get(l->t->speaker_index, &chat) != NULL)
			continue;
		if (count++ < TOOLS_MAX)
			write_tool(l, w, tool);
	}
	jsonw_array_end(w);
	if (count > TOOLS_MAX)
		jsonw_u64(jsonw_key(w, "tools_left_out"), count - TOOLS_MAX);
	return count;
}

/* ---- elements ---- */

/* Adds what stands in l->one, when there is room. */
static bool add(struct looking *l)
{
	bool fits = buf_err(&l->one) == 0 && l->out->n + l->one.n < l->most;

	if (fits)
		jsonw_raw(&l->w, buf_str(&l->one));
	return fits;
}

static struct jsonw begin(struct looking *l)
{
	struct jsonw w;

	buf_clear(&l->one);
	jsonw_init(&w, &l->one);
	jsonw_object(&w);
	return w;
}

static bool is_below(const struct trace_process *pr, const struct trace_process *top)
{
	const struct proc *p = pr->proc;

	for (uint32_t i = 0; p != NULL && i < 64; i++, p = p->parent)
		if (p == top->proc)
			return true;
	return false;
}

/* Among those that are looked at. */
static bool is_within(const struct looking *l, const struct trace_process *pr)
{
	if (pr == l->top)
		return true;
	return pr->proc && pr->proc->end_ns == 0 && pr->root && is_below(pr, l->top);
}

static void write_process(struct looking *l, struct jsonw *w, const struct trace_process *pr)
{
	const struct proc *p = pr->proc;
	uint32_t calls = 0;

	write_id(l, w, "span", pr->id);
	jsonw_u64(jsonw_key(w, "pid"), p->pid);
	write_number(w, "parent_pid", p->parent_pid);
	write_text(w, "name", p->exe.n ? str_base_name(p->exe) : str_of(p->comm));
	write_time(l, w, "since", p->seen_ns);
	if (pr->tool)
		write_id(l, w, "run_by", pr->tool);
	write_states(l, w, &pr->saids);
	jsonw_array(jsonw_key(w, "calls"));
	for (const struct trace_call *k = l->t->calls; k != NULL; k = k->next)
		if (k->process == pr && k->speaker == NULL && is_pending(k) && calls++ < CALLS_MAX)
			write_call(l, w, k);
	jsonw_array_end(w);
	if (calls > CALLS_MAX)
		jsonw_u64(jsonw_key(w, "calls_left_out"), calls - CALLS_MAX);
	(void)write_tools(l, w, pr, 0);
}

static void list_processes(struct looking *l)
{
	uint32_t count = 0, left = 0;

	jsonw_array(jsonw_key(&l->w, "processes"));
	for (const struct trace_process *pr = l->t->processes; pr != NULL; pr = pr->next) {
		if (!is_within(l, pr))
			continue;
		struct jsonw w = begin(l);
		if (count < ELEMENTS_MAX)
			write_process(l, &w, pr);
		jsonw_object_end(&w);
		if (count >= ELEMENTS_MAX || !add(l))
			left++;
		else
			count++;
	}
	jsonw_array_end(&l->w);
	if (left)
		jsonw_u64(jsonw_key(&l->w, "processes_left_out"), left);
}

static void list_steps(struct looking *l)
{
	uint32_t count = 0, left = 0;

	jsonw_array(jsonw_key(&l->w, "steps"));
	for (const struct trace_marker *m = l->t->last_marker; m != NULL; m = m->prev) {
		if (!is_within(l, m->process))
			continue;
		struct jsonw w = begin(l);
		write_id(l, &w, "span", m->id);
		write_id(l, &w, "parent", m->parent);
		write_text(&w, "name", m->name);
		jsonw_u64(jsonw_key(&w, "pid"), m->process->proc->pid);
		write_number(&w, "tid", m->tid);
		write_time(l, &w, "since", m->start_ns);
		if (l->mark && l->mark->step == m->id)
			jsonw_bool(jsonw_key(&w, "failing"), true);
		if (!l->t->light && m->input.p) {
			jsonw_key(&w, "input");
			if (trace_excerpt_value(&w, m->input, VALUE_BYTES) || m->cut)
				jsonw_bool(jsonw_key(&w, "cut"), true);
		}
		write_states(l, &w, &m->saids);
		jsonw_object_end(&w);
		if (count >= ELEMENTS_MAX || !add(l))
			left++;
		else
			count++;
	}
	jsonw_array_end(&l->w);
	if (left)
		jsonw_u64(jsonw_key(&l->w, "steps_left_out"), left);
}

/* ---- conversations ---- */

static void write_messages(struct looking *l, struct jsonw *w, const struct trace_speaker *s)
{
	if (l->t->light)
		return;
	jsonw_key(w, "system");
	if (s->system)
		jsonw_raw(w, str_of(s->system));
	else
		jsonw_null(w);
	jsonw_array(jsonw_key(w, "messages"));
	for (uint32_t i = 0; i < s->said_count; i++)
		jsonw_raw(w, str_of(s->said[i]));
	jsonw_array_end(w);
	if (s->messages > s->said_count)
		jsonw_u64(jsonw_key(w, "messages_before"), s->messages - s->said_count);
}

static void write_last(struct looking *l, struct jsonw *w, const struct trace_speaker *s)
{
	static const char *const words[] = {[TRACE_STATUS_OPEN] = "open",
					    [TRACE_STATUS_OK] = "ok",
					    [TRACE_STATUS_ERROR] = "error",
					    [TRACE_STATUS_ABORTED] = "aborted"};

	jsonw_object(jsonw_key(w, "last"));
	write_id(l, w, "span", s->id);
	write_text(w, "model", str_of(s->model));
	jsonw_z(jsonw_key(w, "status"), words[s->status]);
	write_text(w, "type", str_of(s->type));
	write_time(l, w, "end", s->end_ns);
	jsonw_object_end(w);
}

static const struct trace_marker *step_of(const struct looking *l, const struct trace_speaker *s)
{
	for (const struct trace_marker *m = s->parent ? l->t->last_marker : NULL; m != NULL; m = m->prev)
		if (m->id == s->parent)
			return m;
	return NULL;
}

/* The run that its calls so far belong to; NULL: not known. */
static const struct trace_run *run_of(const struct looking *l, const struct trace_speaker *s)
{
	const struct trace_visit *v =
		s->told && l->t->visits.ids ? map_get(l->t->visits.ids, &s->told) : NULL;

	return v ? v->run : NULL;
}

static void write_run(struct jsonw *w, const struct trace_run *r)
{
	write_text(w, "name", trace_invoke_name(r));
	jsonw_z(jsonw_key(w, "name_from"), r->workflow ? "workflow" : "agent");
	if (r->rule)
		write_text(w, "framework", r->rule->framework);
	jsonw_array(jsonw_key(w, "within"));
	r = r->parent;
	for (uint32_t i = 0; r != NULL && i < WITHIN_MAX; i++, r = r->parent)
		jsonw_str(w, str_head(trace_invoke_name(r), 256));
	jsonw_array_end(w);
}

/* What people would call it: the agent, the step that it is in, else the user's function that asks. */
static void write_name(struct looking *l, struct jsonw *w, const struct trace_speaker *s,
		       const struct py_stack *stack)
{
	const struct trace_run *r = run_of(l, s);

	if (r != NULL) {
		write_run(w, r);
		return;
	}
	const struct trace_marker *m = step_of(l, s);
	bool source = stack && stack->source < stack->count && stack->frames[stack->source].function.n;

	write_text(w, "name", m ? m->name : source ? stack->frames[stack->source].function : STR_NONE);
	jsonw_z(jsonw_key(w, "name_from"), m ? "step" : source ? "source" : NULL);
}

static void write_agent(struct looking *l, struct jsonw *w, const struct trace_speaker *s)
{
	const struct trace_call *k = s->call && is_pending(s->call) ? s->call : NULL;
	const struct py_stack *stack = s->call && s->call->stack ? s->call->stack : s->stack;
	uint32_t tools;

	write_name(l, w, s, stack);
	write_id(l, w, "parent", s->parent ? s->parent : trace_process_parent(s->process));
	write_number(w, "pid", s->process->proc ? s->process->proc->pid : 0);
	write_number(w, "tid", s->tid);
	write_text(w, "task", stack ? stack->task : STR_NONE);
	if (l->mark && l->mark->step && l->mark->step == s->parent)
		jsonw_bool(jsonw_key(w, "failing"), true);
	jsonw_key(w, "call");
	if (k)
		write_call(l, w, k);
	else
		jsonw_null(w);
	tools = write_tools(l, w, s->process, s->id);
	jsonw_z(jsonw_key(w, "doing"), k ? "model" : tools ? "tool" : "idle");
	jsonw_u64(jsonw_key(w, "calls"), s->calls);
	write_time(l, w, "since", s->first_ns);
	write_last(l, w, s);
	write_messages(l, w, s);
	write_stack(l, w, stack);
}

/* Those that wait for something come first, and of each the one that was heard of last. */
static bool waits(const struct trace_speaker *s)
{
	return s->call && is_pending(s->call);
}

static void list_agents(struct looking *l)
{
	uint32_t count = 0, left = 0;

	jsonw_array(jsonw_key(&l->w, "agents"));
	for (int pass = 0; pass < 2; pass++) {
		for (const struct trace_speaker *s = l->t->last_speaker; s != NULL; s = s->prev) {
			if (waits(s) != (pass == 0) || !is_within(l, s->process))
				continue;
			struct jsonw w = begin(l);
			write_agent(l, &w, s);
			jsonw_object_end(&w);
			if (count >= ELEMENTS_MAX || !add(l))
				left++;
			else
				count++;
		}
	}
	jsonw_array_end(&l->w);
	if (left)
		jsonw_u64(jsonw_key(&l->w, "agents_left_out"), left);
}

/* ---- doors ---- */

static struct trace_process *find_alive(struct trace_set *t, uint32_t pid)
{
	struct trace_process *found = NULL;

	for (struct trace_process *pr = t->processes; pr != NULL; pr = pr->next)
		if (pr->proc && pr->proc->pid == pid && pr->proc->end_ns == 0 && pr->root)
			found = pr;
	return found;
}

static void write_all(void *ctx)
{
	struct looking *l = ctx;

	list_agents(l);
	list_steps(l);
	list_processes(l);
}

int trace_state(struct trace_set *t, uint32_t pid, uint64_t now_ns, struct buf *out)
{
	struct looking l = {.t = t, .top = find_alive(t, pid), .out = out, .most = TRACE_STATE_BYTES};

	if (l.top == NULL)
		return -ENOENT;
	l.ids = t->groups == NULL;
	buf_init(&l.one, ELEMENT_MAX);
	jsonw_init(&l.w, out);
	jsonw_object(&l.w);
	jsonw_z(jsonw_key(&l.w, "schema"), "bottrace.v1.state");
	jsonw_u64(jsonw_key(&l.w, "pid"), pid);
	write_time(&l, &l.w, "time", now_ns);
	if (t->light)
		jsonw_bool(jsonw_key(&l.w, "light"), true);
	trace_agent_look(t, write_all, &l);
	jsonw_object_end(&l.w);
	buf_fini(&l.one);
	return buf_err(out);
}

char *trace_state_keep(struct trace_set *t, struct trace_process *pr, const struct trace_state_mark *mark)
{
	struct looking l = {.t = t, .top = pr, .mark = mark, .most = TRACE_KEPT_BYTES};
	autodrop(buf_fini) struct buf out = {0};

	buf_init(&out, 2 * TRACE_KEPT_BYTES);
	buf_init(&l.one, TRACE_KEPT_BYTES);
	l.out = &out;
	l.ids = t->groups == NULL;
	jsonw_init(&l.w, &out);
	jsonw_object(&l.w);
	if (mark && mark->quick)
		write_all(&l);
	else
		trace_agent_look(t, write_all, &l);
	jsonw_object_end(&l.w);
	buf_fini(&l.one);
	return buf_err(&out) ? NULL : str_dup(buf_str(&out));
}

bool trace_state_has_any(const struct trace_process *pr)
{
	return pr->speakers > 0 || pr->steps > 0 || has_state(&pr->saids);
}
