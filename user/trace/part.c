/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rules say of a stack, from the innermost frame outwards: the runs of agents and workflows that it is within. Several
 * frames of one run are one, told by its outermost frame: the same name, and no tool between. An agent's run that is a
 * workflow's inside shows no workflow.
 */
#include "trace/visit.h"

#include <string.h>

struct parts {
	const struct trace_visit *v;
	struct trace_part *list;
	uint32_t count, most;
	const struct trace_sight *turn; /* the innermost that names the agent to come */
	uint32_t turn_at;
};

/* Whether a frame may be of the same run as those of the part: a function that stands there already runs again. Without
 * names, what is of one file. */
static bool same_run(const struct parts *p, const struct trace_part *part, const struct trace_name *name,
		     const struct trace_sight *s)
{
	const struct rules_rule *rule = s->where.spot->rule;

	if (part->closed || part->name != name || (name == NULL && !str_eq(part->rule->file, rule->file)))
		return false;
	for (uint32_t i = part->first; i <= part->at; i++)
		if (p->v->sights[i].where.spot == s->where.spot)
			return false;
	return true;
}

static void add(struct parts *p, bool workflow, const struct trace_sight *s, const struct trace_name *name,
		uint32_t at, bool inner)
{
	if (p->count == p->most)
		return;
	p->list[p->count++] = (struct trace_part){.workflow = workflow,
						  .rule = s->where.spot->rule,
						  .name = name,
						  .first = at,
						  .at = at,
						  .inner = inner};
}

/* The agent's part that a frame outwards goes on with; NULL: it is another's. */
static struct trace_part *same_agent(struct parts *p, const struct trace_name *name,
				     const struct trace_sight *s)
{
	uint32_t n = p->count;

	while (n > 0 && p->list[n - 1].workflow)
		n--;
	if (n == 0 || !same_run(p, &p->list[n - 1], name, s))
		return NULL;
	p->count = n;
	return &p->list[n - 1];
}

/* A turn whose agent's run has no frame of its own on this stack. */
static void flush_turn(struct parts *p)
{
	const struct trace_sight *turn = p->turn;

	p->turn = NULL;
	if (turn != NULL)
		add(p, false, turn, turn->name, p->turn_at, true);
}

static void add_agent(struct parts *p, const struct trace_sight *s, uint32_t at)
{
	const struct trace_name *name = s->kind == RULES_RUN && p->turn ? p->turn->name : s->name;

	if (p->turn != NULL && s->kind == RULES_AGENT && name != NULL && name != p->turn->name)
		flush_turn(p);
	if (name == NULL && p->turn != NULL)
		name = p->turn->name;
	bool named = p->turn != NULL;
	const struct trace_part *last = p->count ? &p->list[p->count - 1] : NULL;
	/* Several functions of one run, of which a turn names the innermost. */
	if (name == NULL && s->kind == RULES_RUN && last && !last->workflow)
		name = last->name;
	p->turn = NULL;
	/* A turn names this one: workflows between are its own. */
	while (named && p->count > 0 && p->list[p->count - 1].workflow && p->list[p->count - 1].in_turn)
		p->count--;
	struct trace_part *same = same_agent(p, name, s);
	if (same != NULL) {
		same->at = at;
		same->rule = s->where.spot->rule;
		same->inner = false;
	} else {
		add(p, false, s, name, at, false);
	}
}

static void add_workflow(struct parts *p, const struct trace_sight *s, uint32_t at)
{
	struct trace_part *last = p->count ? &p->list[p->count - 1] : NULL;

	if (last && last->workflow && same_run(p, last, s->name, s)) {
		last->at = at; /* kickoff within kickoff_async */
		return;
	}
	add(p, true, s, s->name, at, false);
	if (p->count > 0)
		p->list[p->count - 1].in_turn = p->turn != NULL;
}

/* A turn of the agent that was met last: its run's own frame stands within it. */
static bool is_known(const struct parts *p, const struct trace_sight *s)
{
	const struct trace_part *last = p->count ? &p->list[p->count - 1] : NULL;

	return last && !last->workflow && !last->closed && last->name == s->name;
}

uint32_t trace_part_list(const struct trace_visit *v, struct trace_part *list, uint32_t most)
{
	struct parts p = {.v = v, .list = list, .most = most};

	memset(list, 0, most * sizeof(*list));
	for (uint32_t i = 0; i < v->count; i++) {
		const struct trace_sight *s = &v->sights[i];

		if (!s->ruled)
			continue;
		switch (s->kind) {
		case RULES_TURN:
			if (p.turn == NULL && s->name != NULL && !is_known(&p, s)) {
				p.turn = s;
				p.turn_at = i;
			}
			break;
		case RULES_AGENT:
		case RULES_RUN:
			add_agent(&p, s, i);
			break;
		case RULES_WORKFLOW:
			add_workflow(&p, s, i);
			break;
		case RULES_TOOL:
			flush_turn(&p);
			if (p.count > 0)
				p.list[p.count - 1].closed = true;
			break;
		default:
			break;
		}
	}
	flush_turn(&p);
	return p.count;
}
