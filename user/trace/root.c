/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of a process that serves, while it is attached: each request for which something was called, and each outermost
 * agent or workflow of a framework that runs for none. What is below such a span goes with it; the rest stays with the
 * process.
 */
#include <stdlib.h>

#include "trace/request.h"
#include "trace/set.h"
#include "trace/visit.h"

#define ROOTS_MAX 65536u /* traces of this kind; beyond, spans stay in their process's */

bool trace_root_serves(const struct trace_process *pr)
{
	return pr->asked || (pr->proc && pr->proc->fact_flags & WIRE_FACT_LISTENS);
}

struct trace_root *trace_root_open(struct trace_set *t, struct trace_process *pr, const char *rule)
{
	if (t->mode != WIRE_MODE_ATTACH || t->settings.ops->place == NULL || t->served >= ROOTS_MAX)
		return NULL;
	struct trace_root *r = trace_root_new(t, NULL);
	if (r == NULL) {
		t->lost++;
		return NULL;
	}
	t->served++;
	r->home = pr;
	r->t.root_rule = rule;
	r->t.served = true;
	return r;
}

/* ---- what belongs to a request ---- */

static void count_run(struct trace_request *r, const struct trace_run *run)
{
	if (run->parent || run->into)
		return;
	r->agents++;
	r->ruled += run->rule != NULL;
}

static void count_call(struct trace_request *r, const struct trace_visit *v)
{
	r->calls++;
	r->loose += v->run == NULL;
	r->conversations |= r->conversation && v->conversation && r->conversation != v->conversation;
	if (v->conversation)
		r->conversation = v->conversation;
}

static struct str session_of(const struct trace_request *r)
{
	return r->conversation && !r->conversations ? r->conversation->text : STR_NONE;
}

static void open_request(struct trace_set *t, struct trace_request *r)
{
	/* One agent and nothing beside it: the request is that agent's run. */
	bool workflow = r->agents == 1 && r->ruled == 1 && r->loose == 0;
	struct str session = session_of(r);

	r->root = trace_root_open(t, r->process, workflow ? "workflow" : "request");
	if (r->root == NULL)
		return;
	struct trace *trace = &r->root->t;
	trace->root = r->id;
	trace->start_ns = r->span_start_ns;
	trace->end_ns = r->span_end_ns;
	trace->status = r->status;
	r->root->said = session.n ? str_dup(session) : NULL;
	trace->session = str_of(r->root->said);
}

/* Nobody asked for it over a connection that is seen: a job of the server's own. */
static void open_workflow(struct trace_set *t, struct trace_run *r)
{
	struct trace_process *pr = r->via->process;

	if (r->parent || r->into || r->request || r->rule == NULL || r->inner || r->via->root->session ||
	    !trace_root_serves(pr))
		return;
	r->own = trace_root_open(t, pr, "workflow");
	if (r->own == NULL)
		return;
	r->own->t.root = r->id;
	r->own->t.start_ns = r->start_ns;
	r->own->t.end_ns = r->end_ns == UINT64_MAX ? 0 : r->end_ns;
	r->own->t.status = r->own->t.end_ns ? TRACE_STATUS_OK : TRACE_STATUS_OPEN;
}

void trace_root_find(struct trace_set *t, struct trace_run *runs)
{
	if (t->settings.ops->place == NULL)
		return;
	for (struct trace_visit *v = t->visits.first; v != NULL; v = v->next)
		if (v->request)
			count_call(v->request, v);
	for (struct trace_run *r = runs; r != NULL; r = r->next)
		if (r->request)
			count_run(r->request, r);
	for (struct trace_request *r = t->requests.first; r != NULL; r = r->next)
		if (r->calls && r->root == NULL && !r->asked)
			open_request(t, r);
	trace_talk_find(t);
	if (t->mode == WIRE_MODE_ATTACH)
		for (struct trace_run *r = runs; r != NULL; r = r->next)
			if (r->via && trace_keep_has(t, r->via->id))
				open_workflow(t, r);
}

/* ---- told ---- */

static void tell(struct trace_set *t, uint64_t id, const struct trace_root *root)
{
	t->settings.ops->root(t->settings.ctx, id, root->t.index);
}

void trace_root_tell(struct trace_set *t, struct trace_run *runs)
{
	if (t->settings.ops->root == NULL)
		return;
	for (struct trace_request *r = t->requests.first; r != NULL; r = r->next)
		if (r->root)
			tell(t, r->id, r->root);
	for (struct trace_run *r = runs; r != NULL; r = r->next)
		if (r->own && r->told)
			tell(t, r->id, r->own);
	trace_talk_tell(t);
}
