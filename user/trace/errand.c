/* SPDX-License-Identifier: BSD-2-Clause */
/* Tool calls that the calls of a run asked for, and which of them it was doing. */
#include <stdlib.h>
#include <string.h>

#include "trace/set.h"
#include "trace/visit.h"

void trace_errand_add(struct trace_set *t, const struct trace_tool *tool, uint64_t end_ns)
{
	struct trace_visit *v = t->visits.ids ? map_get(t->visits.ids, &tool->ask->chat) : NULL;
	struct trace_errand *e = v ? v->errands : NULL;

	while (e != NULL && e->id != tool->id)
		e = e->next;
	if (v == NULL)
		return;
	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return;
		e->id = tool->id;
		e->start_ns = tool->start_ns;
		if (tool->name.n > 0 && tool->name.n < sizeof(e->name))
			memcpy(e->name, tool->name.p, tool->name.n);
		if (tool->has_id)
			e->call = hash_u128(tool->call_id, 9);
		e->next = v->errands;
		v->errands = e;
		t->visits.bytes += sizeof(*e);
	}
	e->end_ns = end_ns;
}

static struct str last_part(struct str function)
{
	for (ptrdiff_t at; (at = str_find_char(function, '.')) >= 0;)
		function = str_skip(function, (size_t)at + 1);
	return function;
}

static bool is_tool(const struct trace_sight *s, const struct trace_errand *e)
{
	if (s->kind != RULES_TOOL && s->kind != RULES_TOOL_ID)
		return false;
	if (s->id != NULL && e->call.lo != 0)
		return hash_eq(hash_u128(s->id->text, 9), e->call);
	return s->name && e->name[0] && str_eq(s->name->text, str_of(e->name));
}

bool trace_errand_is_named(const struct trace_visit *v, uint32_t at, const struct trace_errand *e)
{
	for (uint32_t i = 0; i < at; i++)
		if (v->sights[i].ruled ? is_tool(&v->sights[i], e)
				       : e->name[0] && str_eq(last_part(v->sights[i].where.spot->function),
							      str_of(e->name)))
			return true;
	return false;
}

struct errands {
	struct trace_errand *only, *named;
	uint32_t open, named_count;
};

static struct errands errands_of(const struct trace_run *r, const struct trace_visit *v, uint32_t at)
{
	struct trace_visit *latest = NULL;
	struct errands out = {0};

	for (struct trace_visit *x = r->first; x != NULL; x = x->run_next)
		if (x != v && x->errands && x->end_ns && x->end_ns <= v->start_ns &&
		    (latest == NULL || x->end_ns > latest->end_ns))
			latest = x;
	for (struct trace_errand *e = latest ? latest->errands : NULL; e != NULL; e = e->next) {
		if (e->start_ns > v->start_ns || (e->end_ns && e->end_ns < v->start_ns) ||
		    out.open == TRACE_TOOLS_LOOKED)
			continue;
		out.open++;
		out.only = e;
		if (trace_errand_is_named(v, at, e)) {
			out.named_count++;
			out.named = e;
		}
	}
	return out;
}

/* A function of the user's that is no helper stands between the run and the call. */
static bool is_indirect(const struct trace_visit *v, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (!v->sights[i].where.spot->helper)
			return true;
	return false;
}

struct trace_errand *trace_errand_find(const struct trace_run *r, const struct trace_visit *v, uint32_t at,
				       bool *likely)
{
	struct errands e = errands_of(r, v, at);

	*likely = false;
	if (e.named_count == 1)
		return e.named;
	*likely = true;
	return e.named_count == 0 && e.open == 1 && is_indirect(v, at) ? e.only : NULL;
}

uint32_t trace_errand_shared(struct trace_set *t, const struct trace_call *k, uint64_t chat,
			     struct trace_visit **from)
{
	const struct trace_visit *asker = t->visits.ids ? map_get(t->visits.ids, &chat) : NULL;
	uint32_t count = 0;

	if (asker == NULL || k->stack == NULL)
		return 0;
	if (*from == NULL) {
		*from = trace_visit_new(t, k->process, k->stack);
		if (*from) /* it is not kept */
			t->visits.bytes -= sizeof(**from) + (*from)->count * sizeof(struct trace_sight);
	}
	for (uint32_t i = 0; *from && i < (*from)->count && count < TRACE_SHARED_MAX; i++)
		count += trace_visit_find(asker, &(*from)->sights[i].where) != TRACE_VISIT_NONE;
	return count;
}
