/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --keep: which spans stay. They are told when they are there, marked as undecided, and later kept or dropped together
 * with those that they stand or fall with: all of a run; in attached processes each call with its tool calls. What stays
 * refers to nothing that went: a call shortened against another (`bottrace.continues`) is told whole unless that one is
 * kept for sure, a process's parent is the process that forked it, and who was answered in a call that went forgets it.
 */
#include <stdlib.h>

#include "trace/set.h"

static bool is_on(const struct trace_set *t)
{
	return trace_rules_has_any(&t->rules) && t->mode != WIRE_MODE_DECODE;
}

static bool by_run(const struct trace_set *t)
{
	return t->mode != WIRE_MODE_ATTACH;
}

/* Under run, one group is all there is. */
static uint64_t key_of(const struct trace_set *t, uint64_t call)
{
	return by_run(t) ? 1 : call;
}

static struct trace_group *find(const struct trace_set *t, uint64_t call)
{
	uint64_t key = key_of(t, call);

	return t->groups ? map_get(t->groups, &key) : NULL;
}

/* NULL without memory: then what it would hold is kept. */
static struct trace_group *get(struct trace_set *t, struct trace_root *root, uint64_t call)
{
	struct trace_group *g = find(t, call);

	if (g != NULL || t->groups == NULL)
		return g;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->key = key_of(t, call);
	g->root = root;
	if (map_add(t->groups, &g->key, g) < 0) {
		free(g);
		return NULL;
	}
	g->prev = t->last_group;
	*(t->last_group ? &t->last_group->next : &t->first_group) = g;
	t->last_group = g;
	return g;
}

/* Adds to a growing list of ids; false without memory. */
static bool add(struct trace_list *l, uint64_t id)
{
	if (l->count == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 4;
		uint64_t *ids = cap > l->cap ? realloc(l->ids, cap * sizeof(*ids)) : NULL;

		if (ids == NULL)
			return false;
		l->ids = ids;
		l->cap = cap;
	}
	l->ids[l->count++] = id;
	return true;
}

static void clear(struct trace_list *l)
{
	free(l->ids);
	*l = (struct trace_list){0};
}

static void free_group(struct trace_set *t, struct trace_group *g)
{
	(void)map_remove(t->groups, &g->key);
	*(g->prev ? &g->prev->next : &t->first_group) = g->next;
	*(g->next ? &g->next->prev : &t->last_group) = g->prev;
	clear(&g->told);
	clear(&g->refers);
	free(g->ran);
	free(g);
}

static void keep(struct trace_set *t, struct trace_group *g)
{
	if (g->kept)
		return;
	g->kept = true;
	for (uint32_t i = 0; i < g->told.count && t->settings.ops->decide; i++)
		t->settings.ops->decide(t->settings.ctx, g->told.ids[i], true);
	clear(&g->told);
	clear(&g->refers);
}

static void drop(struct trace_set *t, struct trace_group *g)
{
	const struct trace_ops *ops = t->settings.ops;

	for (uint32_t i = 0; i < g->told.count && ops->decide; i++)
		ops->decide(t->settings.ctx, g->told.ids[i], false);
	for (uint32_t i = 0; i < g->refers.count && ops->forget; i++)
		ops->forget(t->settings.ctx, g->refers.ids[i], g->key);
	g->root->t.spans -= g->told.count;
	g->root->t.spans_dropped += g->told.count;
	for (uint32_t i = 0; i < g->ran_count; i++) {
		struct trace_process *pr = g->ran[i];

		if (pr->tool == 0 || key_of(t, pr->tool_call) != g->key)
			continue;
		pr->tool = 0;
		pr->changed = true;
	}
}

/* Remembers the latest calls that were kept: those before are only not shortened against any more. */
static void remember(struct trace_set *t, uint64_t call)
{
	if (t->kept_ids == NULL || map_get(t->kept, &call))
		return;
	uint64_t *slot = &t->kept_ids[t->kept_count % TRACE_KEPT_MAX];

	if (t->kept_count >= TRACE_KEPT_MAX)
		(void)map_remove(t->kept, slot);
	if (map_add(t->kept, &call, t) < 0) {
		*slot = 0;
		return;
	}
	*slot = call;
	t->kept_count++;
}

static void settle(struct trace_set *t, struct trace_group *g)
{
	if (!g->kept)
		drop(t, g);
	else if (!by_run(t))
		remember(t, g->key);
	free_group(t, g);
}

int trace_keep_start(struct trace_set *t, const struct wire_keep *w)
{
	t->rules = (struct trace_rules){
		.errors = w->errors != 0, .slow_ns = w->slow_ns, .cost_pico = w->cost_pico};
	if (!is_on(t) || t->groups)
		return 0;
	autodrop(drop_map) struct map *groups = map_new(sizeof(uint64_t), SIZE_MAX / 64);
	autodrop(drop_map) struct map *kept = map_new(sizeof(uint64_t), TRACE_KEPT_MAX);
	autodrop(drop_memory) uint64_t *ids = calloc(TRACE_KEPT_MAX, sizeof(*ids));
	if (!groups || !kept || !ids)
		return -1;
	t->groups = take(groups);
	t->kept = take(kept);
	t->kept_ids = take(ids);
	return 0;
}

void trace_keep_enter(struct trace_set *t, struct trace_root *root, uint64_t call)
{
	struct trace_group *g = is_on(t) ? get(t, root, call) : NULL;

	if (g)
		g->open++;
}

void trace_keep_leave(struct trace_set *t, uint64_t call)
{
	struct trace_group *g = is_on(t) ? find(t, call) : NULL;

	if (g && g->open > 0)
		g->open--;
	if (g && g->open == 0 && !by_run(t))
		settle(t, g);
}

bool trace_keep_has(const struct trace_set *t, uint64_t call)
{
	if (!is_on(t) || by_run(t))
		return true;
	const struct trace_group *g = find(t, call);
	return g ? g->kept : t->kept && map_get(t->kept, &call) != NULL;
}

void trace_keep_ran(struct trace_set *t, struct trace_process *pr, uint64_t call)
{
	struct trace_group *g = is_on(t) ? find(t, call) : NULL;

	pr->tool_call = call;
	if (g == NULL || g->kept)
		return;
	if (g->ran_count == g->ran_cap) {
		uint32_t cap = g->ran_cap ? g->ran_cap * 2 : 2;
		struct trace_process **ran = realloc(g->ran, cap * sizeof(*ran));

		if (ran == NULL) {
			keep(t, g);
			return;
		}
		g->ran = ran;
		g->ran_cap = cap;
	}
	g->ran[g->ran_count++] = pr;
}

void trace_keep_refer(struct trace_set *t, uint64_t id, uint64_t call)
{
	struct trace_group *g = is_on(t) && !by_run(t) ? find(t, call) : NULL;

	if (g && !g->kept && !add(&g->refers, id))
		keep(t, g);
}

bool trace_keep_waits(const struct trace_set *t)
{
	const struct trace_group *g = is_on(t) && by_run(t) ? find(t, 0) : NULL;

	return g && !g->kept;
}

bool trace_keep_tell(struct trace_set *t, struct trace_root *root, struct trace_span *s, bool told)
{
	bool process = strcmp(s->kind, "process") == 0;
	/* Shells and build tools are full of processes that end with 1 by design; the command's own end counts. */
	bool command = process && by_run(t) && root->root && root->root->id == s->id;

	if (!is_on(t) || (process && !command))
		return false;
	struct trace_group *g = get(t, root, s->asked_by ? s->asked_by : s->id);
	if (g == NULL)
		return false;
	struct trace_rules rules = t->rules;
	/* An agent's run is as long as what it does: that counts. */
	if (process || (s->bounded && str_starts(str_of(s->kind), STR("invoke_"))))
		rules.slow_ns = rules.cost_pico = 0;
	if (trace_rules_match(&rules, s, t->now_ns))
		keep(t, g);
	if (g->kept || process)
		return false;
	if ((!told || g->told.count == 0) && !add(&g->told, s->id)) {
		keep(t, g);
		return false;
	}
	return true;
}

void trace_keep_finish(struct trace_set *t)
{
	while (t->first_group)
		settle(t, t->first_group);
}

void trace_keep_free(struct trace_set *t)
{
	while (t->first_group)
		free_group(t, t->first_group);
	map_free(t->groups);
	map_free(t->kept);
	free(t->kept_ids);
}
