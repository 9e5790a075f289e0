/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conversations of a process that serves and runs no Python: nothing tells for whom it calls but what is said. A call goes on
 * with another one's conversation when it carries the same id, names its response, tells what its tools gave, or begins with
 * all of its input and its answer. Beginnings that look alike make none.
 */
#include <stdlib.h>

#include "trace/request.h"
#include "trace/set.h"
#include "trace/visit.h"

struct talk_key {
	uint64_t process;
	struct hash128 conversation;
};

bool trace_talk_has(const struct trace_set *t, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	const struct proc *p = k->process->proc;

	return t->mode == WIRE_MODE_ATTACH && p != NULL && k->stack == NULL && k->hop_of == 0 && c->x &&
	       !c->x->server_side && genai_is_model(c->kind) && c->input_count > 0 &&
	       !(p->fact_flags & WIRE_FACT_PYTHON) &&
	       (t->py == NULL || py_find(t->py, p->pid, p->start_ns) == NULL);
}

static void join(struct trace_visit *v, struct trace_visit *to, const char *how)
{
	if (v->opens != v || to == NULL || to->opens == NULL || to->process != v->process)
		return;
	v->opens = to->opens;
	v->goes_on = how;
}

void trace_talk_add(struct trace_set *t, struct trace_visit *v, const struct trace_call *k)
{
	struct trace_visits *all = &t->visits;
	const struct trace_continues *from = &k->continues;
	struct trace_visit *before = from->id ? map_get(all->ids, &from->id) : NULL;

	v->opens = v;
	v->said = k->c->input_count;
	if (v->conversation) {
		struct talk_key key = {v->process->serial, hash_u128(v->conversation->text, 3)};
		struct trace_visit *same = map_get(all->talks, &key);

		if (same == NULL && map_add(all->talks, &key, v) < 0)
			t->lost++;
		join(v, same, "content");
	}
	if (from->chained)
		join(v, before, "response_id");
	join(v, k->asked_in ? map_get(all->ids, &k->asked_in) : NULL, "tool_call_id");
	if (before && !from->chained && from->messages > before->said)
		join(v, before, "prefix");
}

/* ---- their traces ---- */

static bool is_open(const struct trace_set *t, const struct trace_visit *v)
{
	return v->opens && v->root->session == NULL && trace_root_serves(v->process) &&
	       trace_keep_has(t, v->id);
}

static void extend(struct trace *of, const struct trace_visit *v, bool first)
{
	if (first || v->start_ns < of->start_ns)
		of->start_ns = v->start_ns;
	if (v->end_ns == 0)
		of->end_ns = UINT64_MAX;
	if (v->end_ns > of->end_ns)
		of->end_ns = v->end_ns;
}

void trace_talk_find(struct trace_set *t)
{
	for (struct trace_visit *v = t->visits.first; v != NULL; v = v->next) {
		struct trace_visit *first = v->opens;

		if (!is_open(t, v))
			continue;
		if (first->own == NULL)
			first->own = trace_root_open(t, v->process, "conversation");
		struct trace_root *r = first->own;
		if (r == NULL)
			continue;
		extend(&r->t, v, r->t.root == 0);
		r->t.root = trace_id_of(&first->id, 1, 11);
		if (v->conversation && r->said == NULL) {
			r->said = str_dup(v->conversation->text);
			r->t.session = str_of(r->said);
		}
	}
}

static void tell(struct trace_set *t, const struct trace_visit *first)
{
	struct trace_root *r = first->own;
	struct trace_draft d;
	bool told = false;

	if (r->t.end_ns == UINT64_MAX)
		r->t.end_ns = 0;
	r->t.status = r->t.end_ns ? TRACE_STATUS_OK : TRACE_STATUS_OPEN;
	trace_draft_init(&d);
	d.kept = true;
	d.s.id = r->t.root;
	d.s.seq = ++r->seq;
	d.s.kind = "step";
	d.s.name = STR("conversation");
	d.s.start_ns = r->t.start_ns;
	d.s.end_ns = r->t.end_ns;
	d.s.bounded = true;
	d.s.status = r->t.status;
	d.s.pid = first->process->proc->pid;
	trace_draft_str(&d, "gen_ai.conversation.id", r->t.session);
	trace_tell(t, r, &d, &told);
	t->settings.ops->root(t->settings.ctx, r->t.root, r->t.index);
}

static struct str why(const struct trace_visit *v)
{
	if (v->goes_on == NULL)
		return STR("it begins a conversation: it goes on with no call that was seen");
	if (strcmp(v->goes_on, "content") == 0)
		return STR("it carries the conversation's id");
	if (strcmp(v->goes_on, "response_id") == 0)
		return STR("it names a response of the conversation as the one before");
	if (strcmp(v->goes_on, "tool_call_id") == 0)
		return STR("it tells what a tool gave that the conversation asked for");
	return STR("it begins with all of an earlier call's input and its answer");
}

void trace_talk_tell(struct trace_set *t)
{
	if (t->settings.ops->root == NULL || t->settings.ops->place == NULL)
		return;
	for (const struct trace_visit *v = t->visits.first; v != NULL; v = v->next)
		if (v->own)
			tell(t, v);
	for (const struct trace_visit *v = t->visits.first; v != NULL; v = v->next) {
		const struct trace_root *r = is_open(t, v) ? v->opens->own : NULL;
		struct str evidence = why(v);
		struct trace_link link = {.how = v->goes_on ? v->goes_on : "process",
					  .evidence = &evidence,
					  .evidence_count = 1};

		if (r == NULL)
			continue;
		link.certain = v->goes_on == NULL || strcmp(link.how, "response_id") == 0;
		t->settings.ops->place(t->settings.ctx, v->id, r->t.root, &link, false);
		for (const struct trace_errand *e = v->errands; e != NULL; e = e->next)
			t->settings.ops->place(t->settings.ctx, e->id, r->t.root, NULL, false);
	}
}
