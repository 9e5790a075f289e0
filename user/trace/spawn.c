/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which code ran a process: a thread that says it starts one (subprocess.Popen, os.posix_spawn, os.system) forks next. Its
 * stack at that moment names the tool's function, or the agent's run; no guess by time or arguments holds against the former.
 */
#include "trace/spawn.h"

#include <stdio.h>
#include <stdlib.h>

#include "trace/set.h"

#define SPAWN_NS 1000000000ull /* from what was said to the fork */

struct start {
	const struct trace_effect *x;
	struct trace_process *first; /* that the thread forked then */
};

static bool is_start(const struct trace_effect *x)
{
	return x->kind == PY_EVENT_AUDIT && x->run && x->run->told && !trace_effect_is_steps(x) &&
	       (x->what == WIRE_PY_POPEN || x->what == WIRE_PY_SPAWN || x->what == WIRE_PY_SYSTEM);
}

/* By process, thread, time. */
static int compare(const struct trace_effect *x, const struct trace_process *pr, uint32_t tid, uint64_t ns)
{
	if (x->process != pr)
		return (uintptr_t)x->process < (uintptr_t)pr ? -1 : 1;
	if (x->tid != tid)
		return x->tid < tid ? -1 : 1;
	return x->ts_ns < ns ? -1 : x->ts_ns > ns;
}

static int by_place(const void *a, const void *b)
{
	const struct trace_effect *y = ((const struct start *)b)->x;

	return compare(((const struct start *)a)->x, y->process, y->tid, y->ts_ns);
}

/* The last one of that thread before the fork; NULL. */
static struct start *find(struct start *list, size_t count, const struct trace_process *parent,
			  const struct proc *p)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(list[mid].x, parent, p->forked_by_tid, p->seen_ns) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	const struct trace_effect *x = list[low - 1].x;
	bool fits = x->process == parent && x->tid == p->forked_by_tid && p->seen_ns - x->ts_ns <= SPAWN_NS;
	return fits ? &list[low - 1] : NULL;
}

/* Where the run is all that its stack says, a guess which of the run's tools it was says more. */
static void place(struct trace_process *pr, const struct trace_effect *x)
{
	if (x->tool == NULL && pr->tool)
		return;
	uint32_t at = x->tool ? x->tool_at : x->run_at;
	struct str function = x->visit->sights[at].where.spot->function;

	pr->tool = x->tool ? x->tool->id : x->run->id;
	pr->tool_how = "frame";
	pr->tool_certain = !x->likely;
	pr->undecided = false;
	pr->open_tools = 0;
	pr->changed = true;
	snprintf(pr->tool_why, sizeof(pr->tool_why), "%.*s within %.*s, by the thread that forked next",
		 STR_ARG(str_head(x->name, 40)), STR_ARG(str_head(function, 60)));
}

/* Those that wait for --keep to decide stay where they are: they are kept with the call that asked for their tool. */
void trace_spawn_place(struct trace_set *t)
{
	size_t count = 0;

	for (const struct trace_effect *x = t->effects.first; x != NULL; x = x->next)
		count += is_start(x);
	if (count == 0 || t->groups != NULL)
		return;
	autodrop(drop_memory) struct start *list = calloc(count, sizeof(*list));
	if (list == NULL) {
		t->lost++;
		return;
	}
	count = 0;
	for (const struct trace_effect *x = t->effects.first; x != NULL; x = x->next)
		if (is_start(x))
			list[count++].x = x;
	qsort(list, count, sizeof(*list), by_place);
	for (struct trace_process *pr = t->processes; pr != NULL; pr = pr->next) {
		const struct proc *p = pr->proc;
		bool forked = p && p->born_here && p->forked_by_tid && p->parent && p->parent->user;
		struct start *s = forked ? find(list, count, p->parent->user, p) : NULL;

		if (s && (s->first == NULL || p->seen_ns < s->first->proc->seen_ns))
			s->first = pr;
	}
	for (size_t i = 0; i < count; i++)
		if (list[i].first)
			place(list[i].first, list[i].x);
}
