/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who called: the Python stack of the write that a request's first byte went out with. It comes behind the write's data, so
 * most calls begin before their stack is here; those whose first bytes are understood later find it with py.
 */
#include <stdlib.h>

#include "trace/set.h"

#define OUTWARDS_TOLD 16u

/* ---- calls that wait ---- */

static void await(struct trace_set *t, struct trace_call *k)
{
	struct trace_call *first = map_get(t->awaiting, &k->place);

	k->await_prev = NULL;
	k->await_next = first;
	if (map_add(t->awaiting, &k->place, k) < 0)
		return; /* it has another chance when it is told */
	if (first)
		first->await_prev = k;
	k->awaits = true;
}

static void unawait(struct trace_set *t, struct trace_call *k)
{
	if (!k->awaits)
		return;
	k->awaits = false;
	if (k->await_next)
		k->await_next->await_prev = k->await_prev;
	if (k->await_prev)
		k->await_prev->await_next = k->await_next;
	else if (k->await_next == NULL)
		(void)map_remove(t->awaiting, &k->place);
	else if (map_add(t->awaiting, &k->place, k->await_next) < 0)
		t->lost++; /* cannot be: the key is there */
}

void trace_stack_begin(struct trace_set *t, struct trace_call *k)
{
	const struct http_exchange *x = k->c->x;

	if (t->py == NULL || x == NULL || !x->request.write.is_one || x->conn == NULL ||
	    x->conn->proc == NULL)
		return;
	k->written = true;
	k->place = (struct py_place){.pid = x->conn->proc->pid,
				     .start_ns = x->conn->proc->start_ns,
				     .ssl = x->request.write.conn.ssl,
				     .generation = x->request.write.conn.generation,
				     .offset = x->request.write.offset};
	k->stack = py_take(t->py, &k->place, false, 0);
	if (k->stack == NULL)
		await(t, k);
}

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	struct trace_set *t = ctx;
	struct trace_call *k = map_remove(t->awaiting, place);

	if (k == NULL && trace_request_stack(t, py, place))
		return;

	for (struct trace_call *next = NULL; k != NULL; k = next) {
		next = k->await_next;
		k->awaits = false;
		k->stack = py_take(py, place, false, 0);
	}
}

static void on_event(void *ctx, struct py *py, struct py_event *e)
{
	(void)py;
	trace_effect_add(ctx, e);
}

const struct py_ops *trace_py_ops(void)
{
	static const struct py_ops ops = {.stack = on_stack, .event = on_event};

	return &ops;
}

void trace_stack_settle(struct trace_set *t, struct trace_call *k)
{
	const struct http_exchange *x = k->c->x;

	if (!k->written || k->stack != NULL || x == NULL)
		return;
	/* HTTP/2 says hello in a write of its own, before anybody can know that each of the connection's writes matters: its
	 * first request comes from the same place. */
	bool hello = x->http2 && x->index == 1;
	k->stack = py_take(t->py, &k->place, hello, x->tid);
}

void trace_stack_forget(struct trace_set *t, struct trace_call *k)
{
	unawait(t, k);
	py_stack_free(k->stack);
	k->stack = NULL;
}

/* ---- told ---- */

static struct trace_frame frame_of(const struct py_frame *f)
{
	return (struct trace_frame){.file = f->file, .function = f->function, .line = f->line};
}

/* Texts are the stack's: it outlives the draft. */
void trace_stack_fill(struct trace_draft *d, const struct py_stack *s)
{
	const char *partial = py_partial_word(s->partial);
	struct trace_frame *frames;

	d->s.task = s->task;
	if (partial)
		trace_draft_str(d, "bottrace.stack.partial", str_of(partial));
	if (d->failed || s->count == 0)
		return;
	frames = arena_alloc(d->a, s->count * sizeof(*frames));
	if (frames == NULL) {
		d->failed = true;
		return;
	}
	for (uint32_t i = 0; i < s->count; i++)
		frames[i] = frame_of(&s->frames[i]);
	d->s.stack = frames;
	d->s.stack_count = s->count;
	if (s->source < s->count)
		d->s.source = &frames[s->source];
}

static void draft_evidence(struct trace_draft *d, const struct py_stack *s)
{
	const struct trace_frame *f = d->s.source;
	struct str file = f ? f->file : STR_NONE, task = str_head(s->task, 80);

	for (ptrdiff_t at; (at = str_find_char(file, '/')) >= 0;)
		file = str_skip(file, (size_t)at + 1);
	file = str_head(file, 80);
	struct str function = f ? str_head(f->function, 80) : STR_NONE;
	if (f && task.n)
		trace_draft_evidence(d, "called in %.*s:%u %.*s, task %.*s", STR_ARG(file), f->line,
				     STR_ARG(function), STR_ARG(task));
	else if (f)
		trace_draft_evidence(d, "called in %.*s:%u %.*s", STR_ARG(file), f->line, STR_ARG(function));
	else if (task.n)
		trace_draft_evidence(d, "called in task %.*s", STR_ARG(task));
}

/* Its innermost frame of the user's own code; where all of the run is others', what it began with. */
static const struct py_frame *asker_of(const struct py_stack *s)
{
	if (s == NULL || s->reach == 0)
		return NULL;
	return &s->frames[s->source < s->reach ? s->source : s->reach - 1];
}

/* Who made what runs here, outwards: one line for each boundary. */
static void draft_outwards(struct trace_draft *d, const struct py_stack *s)
{
	for (unsigned n = 0; n < OUTWARDS_TOLD && s && s->how != PY_HOW_NONE; n++) {
		const struct py_stack *outer = py_outwards(s);
		const struct py_frame *f = asker_of(outer);
		const char *how = py_how_word(s->how);
		struct str file = f ? str_base_name(f->file) : STR_NONE,
			   function = f ? f->function : STR_NONE;

		if (s->how == PY_HOW_UNKNOWN)
			trace_draft_evidence(d, "outwards: not known");
		else if (!outer)
			trace_draft_evidence(d, "outwards: %s, not known", how);
		else
			trace_draft_evidence(d, "outwards: %s by %.*s:%u %.*s%s", how,
					     STR_ARG(str_head(file, 80)), f ? f->line : 0,
					     STR_ARG(str_head(function, 80)), s->certain ? "" : ", perhaps");
		s = outer;
	}
}

void trace_stack_draft(struct trace_set *t, struct trace_draft *d, const struct trace_call *k)
{
	const struct py_runtime *r;

	if (k->stack != NULL) {
		trace_stack_fill(d, k->stack);
		draft_evidence(d, k->stack);
		draft_outwards(d, k->stack);
		return;
	}
	r = k->written ? py_find(t->py, k->place.pid, k->place.start_ns) : NULL;
	if (r && r->reason)
		trace_draft_str(d, "bottrace.stack.partial", str_of(py_partial_word((int)r->reason)));
	else if (r && t->stacks)
		trace_draft_str(d, "bottrace.stack.partial",
				k->c->start_ns < r->since_ns ? str_of(py_partial_word(WIRE_PY_EARLY))
							     : STR("missing"));
}

void trace_stack_process(struct trace_set *t, struct trace_draft *d, struct trace_process *pr)
{
	const struct py_runtime *r =
		t->py && pr->proc ? py_find(t->py, pr->proc->pid, pr->proc->start_ns) : NULL;
	uint32_t v;

	if (r != NULL) {
		pr->python = true;
		pr->runtime = *r;
	}
	if (!pr->python || d->failed)
		return;
	v = pr->runtime.version;
	trace_draft_str(d, "process.runtime.name", STR("cpython"));
	if (v)
		trace_draft_str(d, "process.runtime.version",
				arena_printf(d->a, "%u.%u.%u", v >> 24, v >> 16 & 0xff, v >> 8 & 0xff));
	if (pr->runtime.reason)
		trace_draft_str(d, "bottrace.stack.partial",
				str_of(py_partial_word((int)pr->runtime.reason)));
}
