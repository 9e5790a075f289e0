/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of agents' runs, and the places that calls and tool calls have below them. */
#include <stdarg.h>
#include <stdio.h>

#include "trace/set.h"
#include "trace/visit.h"

/* What is told of who called from where, in a buffer of the draft's size. */
struct placing {
	struct trace_link link;
	struct str evidence[3];
	char text[3][256];
};

static void begin(struct placing *p, const char *how, bool certain)
{
	p->link = (struct trace_link){.how = how, .certain = certain, .evidence = p->evidence};
}

static void PRINTF(2, 3) add(struct placing *p, const char *fmt, ...)
{
	char *text = p->text[p->link.evidence_count];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(p->text[0]), fmt, ap);
	va_end(ap);
	if (n > 0)
		p->evidence[p->link.evidence_count++] = str_of(text);
}

static struct str base_of(struct str file)
{
	for (ptrdiff_t at; (at = str_find_char(file, '/')) >= 0;)
		file = str_skip(file, (size_t)at + 1);
	return str_head(file, 80);
}

/* A function's name as people say it: from where it was defined within another one. */
static struct str name_of(const struct trace_spot *s)
{
	static const char locals[] = "<locals>.";
	struct str name = s->function;

	for (ptrdiff_t at; (at = str_find(name, STR(locals))) >= 0;)
		name = str_skip(name, (size_t)at + sizeof(locals) - 1);
	return str_head(name.n ? name : s->function, 256);
}

/* What a run is called: as a rule reads it of the frame, else as its function. */
struct str trace_invoke_name(const struct trace_run *r)
{
	return r->name	 ? str_head(r->name->text, 256)
	       : r->rule ? str_head(r->rule->function, 256)
			 : name_of(r->where.spot);
}

/* ---- agents ---- */

static void draft_evidence(struct trace_draft *d, const struct trace_run *r)
{
	const struct trace_spot *s = r->where.spot;

	if (r->rule)
		trace_draft_evidence(d, "%.*s of %.*s%s", STR_ARG(str_head(r->rule->function, 80)),
				     STR_ARG(str_head(r->rule->framework, 40)),
				     r->name ? "" : ": its name is not known");
	else if (r->calls > 1)
		trace_draft_evidence(d, "one run of %.*s in %.*s was alive over %u calls",
				     STR_ARG(str_head(s->function, 80)), STR_ARG(base_of(s->file)), r->calls);
	else
		trace_draft_evidence(d, "%.*s in %.*s, which drives conversations, made one call",
				     STR_ARG(str_head(s->function, 80)), STR_ARG(base_of(s->file)));
	if (r->inner)
		trace_draft_evidence(d, "whose run it is a part of is not known");
	if (r->guessed)
		trace_draft_evidence(d, "another function on the same stacks may be the one that drives");
}

/* The last boundary between a call's frame and one further out: "frame" when both stand on one stack. */
static const char *crossing(const struct trace_visit *v, uint32_t from, uint32_t to)
{
	const char *inner = from < v->count ? v->sights[from].how : NULL;
	const char *outer = to < v->count ? v->sights[to].how : NULL;

	return outer && outer != inner ? outer : "frame";
}

static bool is_sure(const struct trace_visit *v, uint32_t at)
{
	return at >= v->count || !v->sights[at].likely;
}

/* All that it asked for it asked while the same request was answered. */
static bool is_served(const struct trace_run *r, const struct trace_visit *v)
{
	for (const struct trace_visit *x = r->first; x != NULL; x = x->run_next)
		if (x->served_for.parent != v->served_for.parent)
			return false;
	return v->served_for.parent != 0;
}

static void draft_link(struct trace_draft *d, const struct trace_run *r, const struct trace_visit *v)
{
	if (r->tool != NULL) {
		trace_draft_link(d, crossing(v, r->via_at, r->parent_at),
				 !r->tool_likely && !r->guessed && !r->inner && is_sure(v, r->parent_at));
		trace_draft_evidence(d,
				     r->tool_likely
					     ? "called while %.256s was the only open tool call of the agent"
					     : "called within %.256s, as the open tool call is named",
				     r->tool->name);
	} else if (r->parent != NULL) {
		trace_draft_link(d, crossing(v, r->via_at, r->parent_at),
				 !r->guessed && !r->inner && is_sure(v, r->parent_at));
		trace_draft_evidence(d, "called within the run of %.*s",
				     STR_ARG(trace_invoke_name(r->parent)));
	} else if (r->request != NULL) {
		trace_draft_link(d, v->request_how ? v->request_how : "frame", !r->inner);
		trace_draft_evidence(d, "called from where that request was answered");
	} else if (is_served(r, v)) {
		trace_served_draft(d, &v->served_for, d->s.pid, v->tid);
	} else if (d->s.parent) {
		trace_draft_link(d, "process", v->outermost && !r->inner);
		trace_draft_evidence(
			d,
			v->outermost
				? "no agent stands outwards on its stack"
				: "no agent stands on its stack; who made its task or thread is not known");
	}
	draft_evidence(d, r);
}

static uint64_t parent_of(const struct trace_run *r, const struct trace_visit *v)
{
	if (r->tool || r->parent)
		return r->tool ? r->tool->id : r->parent->id;
	if (r->own)
		return 0;
	if (r->request)
		return r->request->id;
	return is_served(r, v) ? v->served_for.parent : trace_process_parent(v->process);
}

/* The innermost of the user's own frames, from the run outwards. */
static const struct trace_sight *source_of(const struct trace_visit *v, uint32_t at)
{
	while (at < v->count && !v->sights[at].where.spot->user)
		at++;
	return at < v->count ? &v->sights[at] : NULL;
}

static void tell_run(struct trace_set *t, struct trace_run *r)
{
	const struct trace_visit *v = r->via;
	const struct trace_sight *at = source_of(v, r->via_at);
	struct trace_frame source;
	const char *kind = r->workflow ? "invoke_workflow" : "invoke_agent";
	struct trace_draft d;
	struct str name = trace_invoke_name(r);

	if (at != NULL)
		source = (struct trace_frame){
			.file = at->where.spot->file, .function = at->where.spot->function, .line = at->line};

	trace_draft_init(&d);
	d.kept = t->mode == WIRE_MODE_ATTACH;
	d.s.id = r->id;
	d.s.seq = ++v->root->seq;
	d.s.kind = kind;
	struct buf *title = trace_draft_buf(&d);
	if (title)
		buf_addf(title, "%s %.*s", kind, STR_ARG(name));
	d.s.name = title ? buf_str(title) : str_of(kind);
	d.s.start_ns = r->start_ns;
	d.s.end_ns = r->end_ns == UINT64_MAX ? 0 : r->end_ns;
	d.s.bounded = true;
	d.s.status = d.s.end_ns ? TRACE_STATUS_OK : TRACE_STATUS_OPEN;
	d.s.pid = v->process->proc ? v->process->proc->pid : 0;
	d.s.tid = v->tid;
	d.s.source = at ? &source : NULL;
	d.s.parent = parent_of(r, v);
	draft_link(&d, r, v);
	trace_draft_str(&d, "gen_ai.operation.name", str_of(kind));
	if (r->name || !r->rule)
		trace_draft_str(&d, r->workflow ? "gen_ai.workflow.name" : "gen_ai.agent.name", name);
	if (r->rule && r->rule->framework.n)
		trace_draft_str(&d, "bottrace.framework", r->rule->framework);
	trace_effect_draft(t, &d, r);
	trace_tell(t, v->root, &d, &r->told);
}

/* Of a call: how it is known to be the run's. */
static void fill_call(struct placing *p, const struct trace_visit *v)
{
	const struct trace_run *r = v->run;
	const struct trace_sight *in = source_of(v, 0);

	begin(p, crossing(v, 0, v->run_at),
	      !v->run_likely && !r->guessed && !(v->tool && v->tool_likely) && is_sure(v, v->run_at));
	if (in)
		add(p, "called in %.*s:%u %.*s", STR_ARG(base_of(in->where.spot->file)), in->line,
		    STR_ARG(str_head(in->where.spot->function, 80)));
	if (v->tool)
		add(p,
		    v->tool_likely ? "while %s was the only open tool call of the agent"
				   : "within %s, as the open tool call is named",
		    v->tool->name);
	else if (v->run_likely)
		add(p, "%.*s drives a conversation in this frame before or after",
		    STR_ARG(trace_invoke_name(r)));
	else
		add(p, "within the run of %.*s", STR_ARG(trace_invoke_name(r)));
	if (r->guessed)
		add(p, "another function on the same stacks may be the one that drives");
}

static void place(struct trace_set *t, uint64_t id, uint64_t parent, const struct trace_link *link)
{
	t->settings.ops->place(t->settings.ctx, id, parent, link, trace_keep_waits(t));
}

static void place_call(struct trace_set *t, const struct trace_visit *v)
{
	uint64_t parent = v->tool ? v->tool->id : v->run->id;
	struct placing p;

	fill_call(&p, v);
	place(t, v->id, parent, &p.link);
	for (const struct trace_errand *e = v->errands; e != NULL; e = e->next)
		place(t, e->id, parent, NULL);
}

/* Of a call of a request, with no agent known. */
static void place_asked(struct trace_set *t, const struct trace_visit *v)
{
	struct placing p;

	begin(&p, v->request_how ? v->request_how : "frame", true);
	add(&p, "called from where that request was answered; no agent is known");
	place(t, v->id, v->request->id, &p.link);
	for (const struct trace_errand *e = v->errands; e != NULL; e = e->next)
		place(t, e->id, v->request->id, NULL);
}

/* What a gateway passed on stands where its first sight does. */
static void place_hop(struct trace_set *t, const struct trace_visit *v)
{
	const struct trace_visit *first = map_get(t->visits.ids, &v->follows);

	if (first != NULL && first->run != NULL && first->run->told)
		place(t, v->id, first->tool ? first->tool->id : first->run->id, NULL);
}

static bool has_kept(const struct trace_set *t, const struct trace_run *r)
{
	for (const struct trace_visit *v = r->first; v != NULL; v = v->run_next)
		if (trace_keep_has(t, v->id))
			return true;
	return r->first == NULL && r->via != NULL && trace_keep_has(t, r->via->id);
}

/* Those outwards first. */
static void tell_with_parents(struct trace_set *t, struct trace_run *run)
{
	for (struct trace_run *r = run; !run->told && !run->seen; r = run) {
		while (r->parent && !r->parent->told && !r->parent->seen)
			r = r->parent;
		r->seen = true;
		if (r->parent && !r->parent->told)
			r->parent = NULL; /* it has gone */
		if (r->parent == NULL)
			r->tool = NULL;
		if (r->via && has_kept(t, r))
			tell_run(t, r);
	}
}

void trace_invoke_tell(struct trace_set *t, struct trace_run *runs)
{
	if (t->settings.ops->place == NULL)
		return;
	for (struct trace_run *r = runs; r != NULL; r = r->next)
		if (r->into == NULL)
			tell_with_parents(t, r);
	for (const struct trace_visit *v = t->visits.first; v != NULL; v = v->next)
		if (v->run != NULL && v->run->told && v->run->via->root == v->root)
			place_call(t, v);
		else if (v->request)
			place_asked(t, v);
		else if (v->follows)
			place_hop(t, v);
}
