/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents of hand-written loops: each run of a function that was alive over two or more calls of one conversation, and what
 * was called while it was alive from within it. A frame's address tells runs apart while they live; one after the other
 * may have the same, so a run reaches from its first call to its last, and a call before or behind belongs to it only
 * likely. Calls with no run outwards stay where they are.
 */
#include <stdlib.h>

#include "trace/set.h"
#include "trace/spawn.h"
#include "trace/visit.h"

#define RUNS_LOOKED 4096u /* of one frame's address */

struct run_key {
	struct trace_where where;
	const void *what; /* first call of the conversation, or the agent's name */
	struct trace_request *request;
	const struct trace_name *tool; /* id of the tool call that it is within, of those that rules know */
};

struct place_key {
	const struct trace_spot *spot;
	int64_t lasti;
};

struct settling {
	struct trace_set *t;
	struct map *runs;   /* by frame and conversation */
	struct map *frames; /* newest run by frame */
	struct map *places; /* where runs' own calls were made */
	struct trace_run *first, *last;
};

/* ---- runs ---- */

static struct trace_run *run_new(struct settling *s, const struct run_key *key,
				 const struct trace_visit *talk)
{
	const struct trace_where *where = &key->where;
	struct trace_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	uint64_t facts[] = {talk->id, where->frame, where->outer, key->request ? key->request->id : 0};
	r->id = trace_id_of(facts, key->request ? 4 : 3, 4);
	r->request = key->request;
	r->where = *where;
	if (map_add(s->runs, key, r) < 0) {
		free(r);
		return NULL;
	}
	r->before = map_get(s->frames, where);
	if (map_add(s->frames, where, r) < 0)
		r->before = NULL; /* it is not found by its frame */
	*(s->last ? &s->last->next : &s->first) = r;
	s->last = r;
	return r;
}

static void extend(struct trace_run *r, const struct trace_visit *v)
{
	if (r->start_ns == 0 || v->start_ns < r->start_ns)
		r->start_ns = v->start_ns;
	if (v->end_ns == 0)
		r->end_ns = UINT64_MAX;
	if (v->end_ns > r->end_ns)
		r->end_ns = v->end_ns;
}

static struct trace_run *run_get(struct settling *s, const struct trace_where *where,
				 const struct trace_visit *talk, const struct trace_visit *v)
{
	struct run_key key = {.where = *where, .what = talk, .request = v->request};
	struct trace_run *r = map_get(s->runs, &key);

	return r ? r : run_new(s, &key, talk);
}

/* The innermost run is a call's own. */
static void belong(struct settling *s, struct trace_visit *v, struct trace_run *r, uint32_t at)
{
	struct place_key key = {.spot = r->where.spot, .lasti = v->sights[at].lasti};

	extend(r, v);
	if (r->newest == NULL || v->start_ns > r->newest->start_ns)
		r->newest = v;
	if (r->via == NULL || v->start_ns < r->via->start_ns) {
		r->via = v;
		r->via_at = at;
	}
	if (r->rule == NULL && map_add(s->places, &key, r) < 0)
		s->t->lost++;
	if (v->run == NULL || at < v->run_at) {
		v->run = r;
		v->run_at = at;
	}
}

static void find_runs(struct settling *s)
{
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next) {
		if (v->from == NULL || v->drive == TRACE_VISIT_NONE || v->from->request != v->request)
			continue;
		const struct trace_where *where = &v->sights[v->drive].where;
		struct trace_run *r = run_get(s, where, v->talk, v);
		uint32_t from_at = trace_visit_find(v->from, where);

		if (r == NULL || from_at == TRACE_VISIT_NONE)
			continue;
		r->guessed |= v->guessed;
		belong(s, v, r, v->drive);
		belong(s, v->from, r, from_at);
	}
}

/* Who writes its history anew goes on with nothing that was seen: its input holds more answers than the first call's, or says
 * more within the same words, and the run's last call waits for tools, or it is much more. */
static bool goes_on(const struct trace_run *r, const struct trace_visit *v)
{
	size_t grown = trace_visit_grown(v, r->via);

	return v->answers > r->via->answers || grown >= TRACE_GROWN_BYTES || (grown && r->newest->errands);
}

/* An agent that begins another conversation from where its run began the first runs again. */
static bool begins_again(const struct trace_run *r, const struct trace_visit *v, uint32_t at)
{
	return !r->workflow && v->model && v->from == NULL && r->via && r->via->from == NULL &&
	       r->end_ns < v->start_ns && !goes_on(r, v) && trace_driver_same_path(r->via, r->via_at, v, at);
}

/* The run of this name that v goes on with; NULL: another one begins. within: the run outwards of a turn that is all that is
 * here of its agent; such turns, one after the other, are one agent's until another one has its turn. */
static struct trace_run *known_run(struct settling *s, const struct run_key *key, const struct trace_part *p,
				   const struct trace_visit *v, const struct trace_run *within)
{
	struct trace_run *r = p->inner && within ? within->turned : map_get(s->runs, key);

	if (r == NULL)
		return NULL;
	if (p->inner && within)
		return r->name == p->name && r->end_ns <= v->start_ns ? r : NULL;
	return begins_again(r, v, p->at) ? NULL : r;
}

/* Of the next tool outwards; an agent that is asked again, memory and all, is asked by another call. */
static const struct trace_name *tool_of(const struct trace_visit *v, uint32_t at)
{
	while (++at < v->count)
		if (v->sights[at].ruled && v->sights[at].id)
			return v->sights[at].id;
	return NULL;
}

static struct trace_run *ruled_get(struct settling *s, const struct trace_part *p,
				   const struct trace_visit *v, const struct trace_run *within)
{
	const struct trace_where *where = &v->sights[p->at].where;
	const void *what = p->name ? (const void *)p->name : (const void *)p->rule;
	struct run_key key = {
		.where = *where, .what = what, .request = v->request, .tool = tool_of(v, p->at)};
	struct trace_run *r = known_run(s, &key, p, v, within);

	if (r != NULL)
		return r;
	r = run_new(s, &key, v);
	if (r == NULL)
		return NULL;
	r->rule = p->rule;
	r->name = p->name;
	r->workflow = p->workflow;
	r->inner = p->inner;
	return r;
}

/* The innermost run outwards of a sight; NULL: none. */
static struct trace_run *within_of(const struct trace_part *list, struct trace_run *const *runs,
				   uint32_t count, uint32_t at)
{
	uint32_t best = count;

	for (uint32_t i = 0; i < count; i++)
		if (list[i].at > at && (best == count || list[i].at < list[best].at))
			best = i;
	return best == count ? NULL : runs[best];
}

static void find_ruled(struct settling *s)
{
	struct trace_part parts[TRACE_PARTS_MAX];

	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next) {
		struct trace_run *runs[TRACE_PARTS_MAX] = {NULL};
		uint32_t count = trace_part_list(v, parts, TRACE_PARTS_MAX);

		/* Those that are told by their frames first: a turn's run is one within them. */
		for (uint32_t n = 0; n < 2 * count; n++) {
			uint32_t i = n % count;
			struct trace_run *within = within_of(parts, runs, count, parts[i].at);

			if (parts[i].inner != (n >= count))
				continue;
			runs[i] = ruled_get(s, &parts[i], v, within);
			if (runs[i] != NULL)
				belong(s, v, runs[i], parts[i].at);
			if (parts[i].inner && within != NULL)
				within->turned = runs[i];
		}
	}
}

/* A failed attempt and the one that followed it are the same run's. */
static void join_attempt(struct settling *s, struct trace_visit *v, struct trace_visit *to)
{
	struct trace_run *r = v->run;
	uint32_t at = r && to->run == NULL && to->request == r->request ? trace_visit_find(to, &r->where)
									: TRACE_VISIT_NONE;

	if (at != TRACE_VISIT_NONE)
		belong(s, to, r, at);
}

static void join_attempts(struct settling *s)
{
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next) {
		if (!v->again)
			continue;
		join_attempt(s, v->from, v);
		for (struct trace_visit *x = v; x->again && x->from->run == NULL; x = x->from)
			join_attempt(s, x, x->from);
	}
}

static struct trace_run *whole(struct trace_run *r)
{
	while (r != NULL && r->into)
		r = r->into;
	return r;
}

/* Two conversations at once in one frame are one run's. */
static void merge_runs(struct settling *s)
{
	for (struct trace_run *r = s->first; r != NULL; r = r->next) {
		struct trace_run *b = whole(r->before);

		if (b == NULL || r->rule || b->rule || r->request != b->request || r->start_ns >= b->end_ns ||
		    b->start_ns >= r->end_ns)
			continue;
		b->start_ns = r->start_ns < b->start_ns ? r->start_ns : b->start_ns;
		b->end_ns = r->end_ns > b->end_ns ? r->end_ns : b->end_ns;
		b->guessed |= r->guessed;
		r->into = b;
	}
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next)
		v->run = whole(v->run);
}

/* ---- who was alive ---- */

/* request: for which it is asked; NULL: not known, its frame tells. */
static struct trace_run *alive(const struct settling *s, const struct trace_where *where, uint64_t ns,
			       const struct trace_request *request)
{
	struct trace_run *r = map_get(s->frames, where);

	for (uint32_t n = 0; r != NULL && n < RUNS_LOOKED; n++, r = r->before)
		if (r->into == NULL && (request == NULL || r->request == request) && r->start_ns <= ns &&
		    ns <= r->end_ns)
			return r;
	return NULL;
}

/* The innermost one from sight `at` outwards. */
static struct trace_run *alive_outwards(const struct settling *s, const struct trace_visit *v, uint32_t *at)
{
	for (; *at < v->count; ++*at) {
		struct trace_run *r = alive(s, &v->sights[*at].where, v->start_ns, v->request);

		if (r != NULL)
			return r;
	}
	return NULL;
}

/* ---- single calls ---- */

struct neighbours {
	struct trace_run *before, *after; /* the latest that had ended, the first that had not begun */
};

static struct neighbours neighbours_of(const struct settling *s, const struct trace_where *where, uint64_t ns)
{
	struct trace_run *r = map_get(s->frames, where);
	struct neighbours n = {0};

	for (uint32_t i = 0; r != NULL && i < RUNS_LOOKED; i++, r = r->before) {
		if (r->into)
			continue;
		if (r->end_ns < ns && (n.before == NULL || r->end_ns > n.before->end_ns))
			n.before = r;
		if (r->start_ns > ns && (n.after == NULL || r->start_ns < n.after->start_ns))
			n.after = r;
	}
	return n;
}

static bool has_called_from(const struct settling *s, const struct trace_sight *at)
{
	struct place_key key = {.spot = at->where.spot, .lasti = at->lasti};

	return map_get(s->places, &key) != NULL;
}

/* Made by a function that drives, from where it makes its calls: a run of a single call. */
static bool place_single(struct settling *s, struct trace_visit *v, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct trace_sight *at = &v->sights[i];
		struct trace_run *r = has_called_from(s, at) ? run_get(s, &at->where, v, v) : NULL;

		if (r == NULL)
			continue;
		belong(s, v, r, i);
		return true;
	}
	return false;
}

/* From elsewhere in a frame that drives at another time: what it asks before or after, likely, when there is but one run
 * that it can be of. */
static void place_beside(struct settling *s, struct trace_visit *v)
{
	for (uint32_t i = 0; i < v->count && v->run == NULL; i++) {
		struct neighbours n = neighbours_of(s, &v->sights[i].where, v->start_ns);
		struct trace_run *r = n.before ? n.before : n.after;

		if ((n.before == NULL) == (n.after == NULL) || r->request != v->request)
			continue;
		v->run = r;
		v->run_at = i;
		v->run_likely = true;
	}
}

static void place_rest(struct settling *s)
{
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next) {
		uint32_t at = 0;

		if (v->run != NULL || v->follows)
			continue;
		struct trace_run *r = alive_outwards(s, v, &at);
		if (v->model && place_single(s, v, at))
			continue;
		v->run = r;
		v->run_at = r ? at : TRACE_VISIT_NONE;
		if (r == NULL && v->model)
			place_beside(s, v);
	}
}

/* ---- what a run was doing ---- */

static void list_calls(struct settling *s)
{
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next) {
		struct trace_run *r = v->run;

		if (r == NULL)
			continue;
		r->calls++;
		for (uint32_t i = 0; v->model && v->run_at != TRACE_VISIT_NONE && i < v->run_at; i++)
			v->sights[i].where.spot->sends = true;
		*(r->last ? &r->last->run_next : &r->first) = v;
		r->last = v;
		extend(r, v);
	}
}

static void nest_runs(struct settling *s)
{
	for (struct trace_run *r = s->first; r != NULL; r = r->next) {
		const struct trace_visit *v = r->into ? NULL : r->via;
		uint32_t at = v ? r->via_at + 1 : 0;

		if (v == NULL)
			continue;
		r->parent = alive_outwards(s, v, &at);
		r->parent_at = at;
		if (r->parent != NULL && r->parent->via->root != v->root)
			r->parent = NULL; /* another session's */
		if (r->parent != NULL)
			r->tool = trace_errand_find(r->parent, v, at, &r->tool_likely);
	}
	for (struct trace_visit *v = s->t->visits.first; v != NULL; v = v->next)
		if (v->run != NULL && v->run_at > 0 && v->from == NULL)
			v->tool = trace_errand_find(v->run, v, v->run_at, &v->tool_likely);
}

/* ---- what code did ---- */

/* In this frame, while it was alive; else in its only run before or behind, likely. */
static struct trace_run *run_around(const struct settling *s, const struct trace_effect *x, uint32_t *at,
				    bool *likely)
{
	struct trace_run *r;

	*at = 0;
	*likely = false;
	r = alive_outwards(s, x->visit, at);
	for (uint32_t i = 0; r == NULL && i < x->visit->count; i++) {
		struct neighbours n = neighbours_of(s, &x->visit->sights[i].where, x->ts_ns);

		if ((n.before == NULL) == (n.after == NULL))
			continue;
		r = n.before ? n.before : n.after;
		*at = i;
		*likely = true;
	}
	return r;
}

/* The outermost frame within the run that is named as the tool is; TRACE_VISIT_NONE. */
static uint32_t named_at(const struct trace_visit *v, uint32_t at, const struct trace_errand *e)
{
	while (at > 0 && !(trace_errand_is_named(v, at, e) && !trace_errand_is_named(v, at - 1, e)))
		at--;
	return at > 0 ? at - 1 : TRACE_VISIT_NONE;
}

/* The open tool call that it is done for. What stands within a function through which the run asks models is no tool's. */
static struct trace_errand *tool_around(struct trace_effect *x)
{
	bool likely = false, sends = false;
	struct trace_errand *e =
		x->run_at > 0 ? trace_errand_find(x->run, x->visit, x->run_at, &likely) : NULL;

	for (uint32_t i = 0; likely && i < x->run_at; i++)
		sends |= x->visit->sights[i].where.spot->sends;
	if (e == NULL || sends)
		return NULL;
	x->tool_at = likely ? x->run_at - 1 : named_at(x->visit, x->run_at, e);
	x->likely |= likely;
	return e;
}

/* Runs that an exception left: those whose frame is not the outermost that saw it. */
static void fail_runs(const struct settling *s, struct trace_effect *x)
{
	for (uint32_t i = 0; i + 1 < x->passed; i++) {
		struct trace_run *r = alive(s, &x->visit->sights[i].where, x->ts_ns, NULL);

		if (r == NULL)
			r = neighbours_of(s, &x->visit->sights[i].where, x->ts_ns).before;
		if (r != NULL && !r->workflow)
			r->failed = x;
	}
}

static void place_effects(struct settling *s)
{
	for (struct trace_effect *x = s->t->effects.first; x != NULL; x = x->next) {
		if (x->visit == NULL)
			continue;
		struct trace_run *r = run_around(s, x, &x->run_at, &x->likely);
		if (x->kind == PY_EVENT_RAISED)
			fail_runs(s, x);
		if (r == NULL)
			continue;
		x->run = r;
		x->tool = tool_around(x);
		*(r->last_effect ? &r->last_effect->run_next : &r->effects) = x;
		r->last_effect = x;
	}
}

static void free_runs(struct settling *s)
{
	while (s->first) {
		struct trace_run *r = s->first;

		s->first = r->next;
		trace_said_free(s->t, &r->saids);
		free(r);
	}
}

/* False without memory. */
static bool find_all(struct settling *s)
{
	if (s->runs == NULL || s->frames == NULL || s->places == NULL ||
	    trace_driver_decide(&s->t->visits) < 0)
		return false;
	trace_request_find(s->t);
	find_ruled(s);
	find_runs(s);
	join_attempts(s);
	merge_runs(s);
	place_rest(s);
	list_calls(s);
	nest_runs(s);
	return true;
}

/* As if nobody had looked. */
static void forget_runs(struct trace_visits *v)
{
	for (struct trace_visit *x = v->first; x != NULL; x = x->next) {
		x->drive = x->run_at = TRACE_VISIT_NONE;
		x->run = NULL;
		x->run_next = NULL;
		x->tool = NULL;
		x->decided = x->guessed = x->run_likely = x->tool_likely = false;
	}
	for (struct trace_spot *s = v->first_spot; s != NULL; s = s->next)
		s->helper = s->driver = false;
}

void trace_agent_look(struct trace_set *t, void (*fn)(void *ctx), void *ctx)
{
	autodrop(drop_map) struct map *runs = map_new(sizeof(struct run_key), SIZE_MAX / 64);
	autodrop(drop_map) struct map *frames = map_new(sizeof(struct trace_where), SIZE_MAX / 64);
	autodrop(drop_map) struct map *places = map_new(sizeof(struct place_key), SIZE_MAX / 64);
	struct settling s = {.t = t, .runs = runs, .frames = frames, .places = places};
	uint64_t lost = t->lost;

	if (t->visits.bytes <= TRACE_VISIT_LOOKED && !find_all(&s))
		forget_runs(&t->visits);
	fn(ctx);
	forget_runs(&t->visits);
	free_runs(&s);
	t->lost = lost;
}

void trace_agent_settle(struct trace_set *t)
{
	autodrop(drop_map) struct map *runs = map_new(sizeof(struct run_key), SIZE_MAX / 64);
	autodrop(drop_map) struct map *frames = map_new(sizeof(struct trace_where), SIZE_MAX / 64);
	autodrop(drop_map) struct map *places = map_new(sizeof(struct place_key), SIZE_MAX / 64);
	struct settling s = {.t = t, .runs = runs, .frames = frames, .places = places};

	trace_effect_ripen(t);
	if (t->visits.first == NULL) {
		trace_effect_settle(t);
		trace_request_clear(t);
		return;
	}
	if (!find_all(&s)) {
		t->lost++;
		trace_effect_settle(t);
		trace_visit_clear(&t->visits);
		trace_request_clear(t);
		return;
	}
	place_effects(&s);
	trace_root_find(t, s.first);
	trace_invoke_tell(t, s.first);
	trace_root_tell(t, s.first);
	trace_spawn_place(t);
	trace_effect_settle(t);
	free_runs(&s);
	trace_visit_clear(&t->visits);
	trace_request_clear(t);
}
