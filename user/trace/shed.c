/* SPDX-License-Identifier: BSD-2-Clause */
/* What was left out on purpose: sampling, and the overhead governor's steps, events of the trace's root process. */
#include <stdlib.h>

#include "trace/set.h"

#define STEPS_MAX 4096u /* one in 30 s for more than a day; beyond it the last one's place is taken */

void trace_shed_add(struct trace_set *t, const struct wire_shed_step *s)
{
	if (s->level > WIRE_SHED_NONE)
		t->shed = true;
	if (t->step_count == STEPS_MAX) {
		t->steps[STEPS_MAX - 1] = *s;
		return;
	}
	if (t->step_count == t->step_cap) {
		uint32_t cap = t->step_cap ? t->step_cap * 2 : 16;
		struct wire_shed_step *steps = realloc(t->steps, cap * sizeof(*steps));

		if (steps == NULL) {
			t->lost++;
			return;
		}
		t->steps = steps;
		t->step_cap = cap;
	}
	t->steps[t->step_count++] = *s;
}

static bool is_during(const struct wire_shed_step *s, const struct proc *p)
{
	return s->head.ts_ns >= p->seen_ns && (p->end_ns == 0 || s->head.ts_ns <= p->end_ns);
}

uint32_t trace_shed_count(const struct trace_set *t, const struct trace_process *pr)
{
	uint32_t n = 0;

	if (pr->root == NULL || pr->root->root != pr)
		return 0;
	for (uint32_t i = 0; i < t->step_count; i++)
		n += is_during(&t->steps[i], pr->proc);
	return n;
}

void trace_shed_sum(const struct trace_set *t, struct trace_root *root)
{
	for (uint32_t i = 0; i < t->step_count && root->root; i++) {
		if (!is_during(&t->steps[i], root->root->proc))
			continue;
		root->t.shed_steps++;
		root->t.shed_level = t->steps[i].level;
	}
}

void trace_shed_draft(const struct trace_set *t, const struct trace_process *pr, struct trace_draft *d)
{
	for (uint32_t i = 0; i < t->step_count; i++) {
		const struct wire_shed_step *s = &t->steps[i];

		if (!is_during(s, pr->proc))
			continue;
		struct trace_event *e = trace_draft_event(d, "bottrace.shed", s->head.ts_ns, 5);
		trace_draft_event_str(e, "bottrace.shed.level", str_of(wire_shed_word(s->level)));
		trace_draft_event_str(e, "bottrace.shed.from", str_of(wire_shed_word(s->before)));
		trace_draft_event_i64(e, "bottrace.shed.cost_ns", (int64_t)s->cost_ns);
		trace_draft_event_i64(e, "bottrace.shed.budget_ns", (int64_t)s->budget_ns);
		trace_draft_event_i64(e, "bottrace.shed.window_ns", (int64_t)s->window_ns);
	}
}
