/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State at the failure: when a step ends in an exception, or a process with a status other than 0 or by a signal, what was
 * alive then becomes an event of its span. An exception on its way through several steps is told where it left the first.
 */
#include <stdlib.h>

#include "trace/set.h"

#define FAILURES_EACH	  16u		/* steps of one process whose state is kept */
#define RAISED_NS	  1000000000ull /* exceptions: of each second */
#define RAISED_BURST	  8u
#define RAISED_BETWEEN_NS 50000000ull /* and then */
#define FAILURES_MAX	  256u	      /* of all */

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

/* Of a program that raises all the time the first ones of each second count, and then one in a while. */
static bool is_rare(struct trace_process *pr, uint64_t ts_ns)
{
	uint64_t since = ts_ns > pr->raised_ns ? ts_ns - pr->raised_ns : 0;

	if (since >= RAISED_NS) {
		pr->raised_ns = ts_ns;
		pr->raised = 0;
		since = 0;
	}
	if (pr->raised >= RAISED_BURST && since < (pr->raised - RAISED_BURST + 1) * RAISED_BETWEEN_NS)
		return false;
	pr->raised++;
	return true;
}

char *trace_failure_raised(struct trace_set *t, struct trace_process *pr, uint64_t ts_ns)
{
	struct trace_state_mark mark = {.quick = true};

	if (!trace_state_has_any(pr) || (t->groups != NULL && !t->rules.errors) ||
	    t->failures >= FAILURES_MAX || !is_rare(pr, ts_ns))
		return NULL;
	return trace_state_keep(t, pr, &mark);
}

void trace_failure_say(struct trace_set *t, struct trace_saids *to, const char *state, uint64_t ts_ns)
{
	autodrop(buf_fini) struct buf value;

	if (t->failures >= FAILURES_MAX)
		return;
	t->failures++;
	buf_init(&value, 2 * TRACE_KEPT_BYTES);
	buf_addf(&value, "{\"bottrace.failure.state\":%s}", state);
	if (buf_err(&value) == 0)
		trace_said_add(t, to, STR("bottrace.failure"), buf_str(&value), ts_ns);
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
