/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State at the failure: when a step ends in an exception, or a process with a status other than 0 or by a signal, what was
 * alive then becomes an event of its span. An exception on its way through several steps is told where it left the first.
 */
#include <stdlib.h>

#include "trace/set.h"

#define FAILURES_EACH 16u  /* steps of one process whose state is kept */
#define FAILURES_MAX  256u /* of all */

static bool may(struct trace_set *t, struct trace_process *pr)
{
	if (t->groups != NULL && !t->rules.errors)
		return false; /* nobody asked for failures */
	if (t->failures < FAILURES_MAX && pr->failures < FAILURES_EACH)
		return true;
	pr->failures_left++;
	return false;
}

char *trace_failure_step(struct trace_set *t, struct trace_process *pr, uint64_t step, uint32_t tid,
			 struct str type, struct str message)
{
	struct trace_state_mark mark = {.step = step};
	struct hash128 what = hash_chain(hash_u128(type, tid), hash_u128(message, 0));
	bool same = hash_eq(what, pr->thrown);

	pr->thrown = what;
	if (same || !may(t, pr))
		return NULL;
	char *state = trace_state_keep(t, pr, &mark);
	if (state) {
		t->failures++;
		pr->failures++;
	}
	return state;
}

/* Before anything of it is closed: what it waited for is still waited for. */
void trace_failure_exit(struct trace_set *t, struct proc *p, const struct wire_proc_exit *w)
{
	struct trace_process *pr = p ? p->user : NULL;

	if ((w->code == 0 && w->signal == 0) || pr == NULL || pr->root == NULL || pr->state != NULL ||
	    !trace_state_has_any(pr) || (t->groups != NULL && !t->rules.errors) ||
	    t->failures >= FAILURES_MAX)
		return;
	pr->state = trace_state_keep(t, pr, NULL);
	pr->state_ns = w->head.ts_ns;
	t->failures += pr->state != NULL;
}

void trace_failure_draft(struct trace_draft *d, const char *state, uint64_t ns)
{
	struct trace_event *e = state ? trace_draft_event(d, "bottrace.failure", ns, 1) : NULL;

	trace_draft_event_json(e, "bottrace.failure.state", str_of(state));
}
