/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which function drives: of two calls of one conversation, the innermost frame of the user's own code that was alive over
 * both. Both stacks may show a helper that sends at the same address and the same instruction, called anew each time. So:
 *   1. where a frame stands at another instruction than before, what stood within it has ended: it is the one
 *   2. where a call in between was made from another place of a frame, that frame was alive, and what stood within it at
 *      the two calls was not
 *   3. a frame that cannot come back to its instruction (no loop around it) is another run
 *   4. a function that 1 or 2 found to be called anew is no driver, and one that they found to drive does so elsewhere,
 *      unless one within it may: a conversation that goes on in two ways
 *   5. of what is left, the innermost whose instructions lead back to where it stands
 *   6. where instructions are not known, the outermost that only this conversation came through; if there is another one
 *      than that, the link says that it is not certain
 */
#include <errno.h>

#include "trace/set.h"
#include "trace/visit.h"

/* A place in a run that conversations came through. */
struct site {
	struct trace_where where;
	int64_t lasti;
};

struct decision {
	struct trace_visits *v;
	struct map *owners; /* run -> first of the conversation that it certainly drives */
	struct map *sites;  /* site -> its first conversation, or `several` */
	struct map *passed; /* site and conversation */
	char several;
	bool failed;
};

struct passage {
	struct site site;
	const struct trace_visit *talk;
};

static struct site site_of(const struct trace_sight *s)
{
	return (struct site){.where = s->where, .lasti = s->lasti};
}

static const struct trace_sight *sight(const struct trace_visit *v, uint32_t i)
{
	return &v->sights[i];
}

/* The user's own, within whatever agent a rule knows. */
static bool may_drive(const struct trace_visit *v, uint32_t i)
{
	const struct trace_sight *s = sight(v, i);

	return i < v->inner && !s->ruled && s->where.spot->user && !s->where.spot->outermost;
}

/* ---- what came through where ---- */

static void add_passage(struct decision *d, struct trace_visit *v, const struct trace_sight *s)
{
	struct passage p = {.site = site_of(s), .talk = v->talk};
	const struct trace_visit *first = map_get(d->sites, &p.site);
	int r = map_add(d->passed, &p, v);

	if (first == NULL)
		r |= map_add(d->sites, &p.site, v->talk);
	else if (first != v->talk && (const void *)first != &d->several)
		r |= map_add(d->sites, &p.site, &d->several);
	if (r < 0)
		d->failed = true;
}

static void add_passages(struct decision *d)
{
	for (struct trace_visit *v = d->v->first; v != NULL; v = v->next)
		for (uint32_t i = 0; v->model && i < v->count; i++)
			if (may_drive(v, i))
				add_passage(d, v, sight(v, i));
}

/* ---- certain ---- */

/* Functions that stand within the frame in both stacks were called anew. */
static void mark_helpers(const struct trace_visit *a, uint32_t a_count, const struct trace_visit *b,
			 uint32_t b_count)
{
	for (uint32_t i = 0; i < a_count; i++)
		for (uint32_t j = 0; j < b_count; j++)
			if (sight(a, i)->where.spot == sight(b, j)->where.spot)
				sight(a, i)->where.spot->helper = true;
}

static void settle_on(struct decision *d, struct trace_visit *v, uint32_t at)
{
	struct trace_spot *spot = sight(v, at)->where.spot;

	v->decided = true;
	if (!may_drive(v, at))
		return;
	v->drive = at;
	spot->driver = true;
	if (map_add(d->owners, &sight(v, at)->where, v->talk) < 0)
		d->failed = true;
}

/* It went on within the frame. */
static void decide_moved(struct decision *d, struct trace_visit *v)
{
	if (sight(v, v->at)->lasti == sight(v->from, v->from_at)->lasti)
		return;
	mark_helpers(v, v->at, v->from, v->from_at);
	settle_on(d, v, v->at);
}

/*
 * The innermost frame, from the common one outwards, that `x` stands elsewhere in; TRACE_VISIT_NONE. Who made a task or
 * submitted work is seen as it stood then, and has gone on since: what was seen before the earlier call says nothing of
 * what happened after it.
 */
static uint32_t elsewhere(const struct trace_visit *v, const struct trace_visit *x)
{
	for (uint32_t i = v->at; i < v->count && sight(v, i)->seen_ns > v->from->start_ns; i++) {
		uint32_t j = trace_visit_find(x, &sight(v, i)->where);

		if (j != TRACE_VISIT_NONE)
			return sight(x, j)->lasti != sight(v, i)->lasti &&
					       sight(x, j)->seen_ns > v->from->start_ns
				       ? i
				       : TRACE_VISIT_NONE;
	}
	return TRACE_VISIT_NONE;
}

static void decide_between(struct decision *d, struct trace_visit *v)
{
	uint32_t best = TRACE_VISIT_NONE, looks = 0;

	if (v->decided)
		return;
	for (const struct trace_visit *x = v->from->next; x != v && looks < TRACE_BETWEEN_MAX;
	     x = x->next, looks++) {
		if (x->process != v->process || x->start_ns <= v->from->start_ns ||
		    x->start_ns >= v->start_ns)
			continue;
		uint32_t i = elsewhere(v, x);
		best = i < best ? i : best;
	}
	if (best == TRACE_VISIT_NONE)
		return;
	for (uint32_t i = v->at; i < best; i++)
		sight(v, i)->where.spot->helper = true;
	settle_on(d, v, best);
}

/* ---- likely ---- */

/* Another conversation's driver that this one runs in, as part of what that one does between its calls. */
static bool is_anothers(const struct decision *d, const struct trace_visit *v, const struct trace_sight *s)
{
	const struct trace_visit *owner = map_get(d->owners, &s->where);
	struct passage p = {.site = site_of(s), .talk = owner};

	return owner != NULL && owner != v->talk && map_get(d->passed, &p) == NULL;
}

struct choice {
	uint32_t inner, outer, count;
};

static void decide_likely(struct decision *d, struct trace_visit *v)
{
	struct choice c = {.inner = TRACE_VISIT_NONE, .outer = TRACE_VISIT_NONE};

	for (uint32_t i = v->at; i < v->count && !v->decided; i++) {
		const struct trace_sight *s = sight(v, i);
		struct site site = site_of(s);

		if (i >= v->inner || s->where.spot->outermost || is_anothers(d, v, s) ||
		    trace_visit_find(v->from, &s->where) == TRACE_VISIT_NONE)
			break;
		if (!may_drive(v, i))
			continue;
		if (map_get(d->owners, &s->where) == v->talk || s->where.spot->driver) {
			v->drive = c.inner != TRACE_VISIT_NONE ? c.inner : i;
			v->decided = true;
			v->guessed =
				c.inner != TRACE_VISIT_NONE && sight(v, c.inner)->loop == PY_LOOP_UNKNOWN;
		}
		if (s->where.spot->helper || s->loop == PY_LOOP_NONE)
			continue;
		c.count++;
		if (c.inner == TRACE_VISIT_NONE)
			c.inner = i;
		if (map_get(d->sites, &site) != (void *)&d->several)
			c.outer = i;
	}
	if (v->decided)
		return;
	v->decided = true;
	bool sure = c.inner != TRACE_VISIT_NONE && sight(v, c.inner)->loop == PY_LOOP_SURE;
	v->drive = sure || c.outer == TRACE_VISIT_NONE ? c.inner : c.outer;
	v->guessed = c.count > 1 && !sure;
}

int trace_driver_decide(struct trace_visits *v)
{
	autodrop(drop_map) struct map *owners = map_new(sizeof(struct trace_where), SIZE_MAX / 64);
	autodrop(drop_map) struct map *sites = map_new(sizeof(struct site), SIZE_MAX / 64);
	autodrop(drop_map) struct map *passed = map_new(sizeof(struct passage), SIZE_MAX / 64);
	struct decision d = {.v = v, .owners = owners, .sites = sites, .passed = passed};

	if (owners == NULL || sites == NULL || passed == NULL)
		return -ENOMEM;
	add_passages(&d);
	for (struct trace_visit *x = v->first; x != NULL; x = x->next)
		if (x->from && !x->again)
			decide_moved(&d, x);
	for (struct trace_visit *x = v->first; x != NULL; x = x->next)
		if (x->from && !x->again)
			decide_between(&d, x);
	for (struct trace_visit *x = v->first; x != NULL; x = x->next)
		if (x->from && !x->again && !x->decided)
			decide_likely(&d, x);
	return d.failed ? -ENOMEM : 0;
}

bool trace_driver_same_path(const struct trace_visit *a, uint32_t a_at, const struct trace_visit *b,
			    uint32_t b_at)
{
	if (a_at != b_at)
		return false;
	for (uint32_t i = 0; i <= a_at; i++)
		if (a->sights[i].where.spot != b->sights[i].where.spot ||
		    a->sights[i].lasti != b->sights[i].lasti)
			return false;
	return true;
}
