/* SPDX-License-Identifier: BSD-2-Clause */
/* The end: sums per trace, whether it is complete, its id, status and times. */
#include "base/text.h"
#include "trace/set.h"

static void add_process(struct trace_root *r, const struct proc *p)
{
	const struct wire_counts *c = &p->counts;

	if (p->has_counts) {
		uint64_t back = c->returned + c->abandoned;
		uint64_t inside = c->entered > back ? c->entered - back : 0;

		proc_counts_add(&r->t.counts, c);
		if (p->end_ns)
			r->t.counts.abandoned += inside; /* nobody is there to return */
		else
			r->t.in_flight += inside;
	}
	if (p->blind)
		r->lossy = true;
}

static struct trace_root *root_at(const struct trace_set *t, uint32_t index)
{
	struct trace_root *r = t->roots;

	while (r && r->t.index != index)
		r = r->next;
	return r;
}

static void add_flow(struct trace_set *t, const struct flow *flow)
{
	struct flow_conn *c = flow ? flow_next(flow, NULL) : NULL;

	for (; c != NULL; c = flow_next(flow, c)) {
		struct trace_root *r = root_at(t, trace_of_proc(t, c->proc));

		for (int dir = 0; r && dir < WIRE_DIRS; dir++) {
			r->t.queue_full_calls += c->side[dir].calls_queue_full;
			if (c->side[dir].missing)
				r->lossy = true;
		}
	}
}

static bool has_loss(const struct wire_counts *c)
{
	uint64_t lost = 0;

	for (int i = 0; i < WIRE_CAUSES; i++) {
		/* A call or event that nobody wanted is no loss; one of a connection that is not sampled is no fault, but missing. */
		if (i != WIRE_CAUSE_FILTERED)
			lost |= c->lost[i] | c->events_lost[i];
		lost |= c->bytes_lost[i];
	}
	return lost != 0;
}

static const char *rule_of(const struct trace_set *t)
{
	switch (t->mode) {
	case WIRE_MODE_DECODE:
		return "decode";
	case WIRE_MODE_ATTACH:
		return "process";
	default:
		return "run";
	}
}

static void set_id(const struct trace_set *t, struct trace_root *r)
{
	const struct proc *p = r->root ? r->root->proc : NULL;
	uint64_t facts[] = {t->boot_id[0],	 t->boot_id[1], p ? p->pid : 0,
			    p ? p->start_ns : 0, t->session_ns, p ? 0 : r->t.index,
			    t->content.lo,	 t->content.hi, r->home ? r->t.root : 0};
	struct hash128 h = hash_u128(str_make(facts, sizeof(facts)), 4);
	uint64_t id[2] = {h.hi, h.lo ? h.lo : 1};

	text_hex(id, sizeof(id), r->t.id);
}

static void set_status(const struct trace_set *t, struct trace_root *r)
{
	const struct proc *p = r->root ? r->root->proc : NULL;

	r->t.root_proc = r->root ? r->root->proc : NULL;
	r->t.root = r->root ? r->root->id : 0;
	if (p == NULL) {
		r->t.status = t->mode == WIRE_MODE_DECODE ? TRACE_STATUS_OK : TRACE_STATUS_OPEN;
		r->t.start_ns = t->session_ns;
		return;
	}
	r->t.start_ns = p->seen_ns;
	r->t.end_ns = p->end_ns;
	if (p->end_ns == 0)
		r->t.status = TRACE_STATUS_OPEN;
	else
		r->t.status = p->exit_code || p->exit_signal ? TRACE_STATUS_ERROR : TRACE_STATUS_OK;
}

void trace_ledger_close(struct trace_set *t, struct proc_table *procs, struct flow *flow, bool cut)
{
	bool decode = t->mode == WIRE_MODE_DECODE;
	const struct wire_counts *orphans = proc_orphan_counts(procs);

	for (struct trace_process *pr = t->processes; pr != NULL; pr = pr->next)
		if (pr->root)
			add_process(pr->root, pr->proc);
	if (t->roots && orphans)
		proc_counts_add(&t->roots->t.counts, orphans);
	add_flow(t, flow);
	for (struct trace_root *r = t->roots; r != NULL; r = r->next) {
		set_id(t, r);
		if (r->home == NULL && r->session == NULL)
			set_status(t, r);
		if (r->t.root_rule == NULL)
			r->t.root_rule = r->session ? "marker" : rule_of(t);
		r->t.light = t->light;
		r->t.rules = t->rules;
		r->t.until_ns = decode ? 0 : t->now_ns;
		r->t.sample_n = t->sample_n;
		r->t.sampled_out = t->sampled_out;
		trace_shed_sum(t, r);
		r->t.counts_known = t->has_final && !cut && !decode;
		bool unknown = !decode && !r->t.counts_known;
		r->t.complete = !(unknown || cut || t->sampled_out || t->shed || r->lossy || r->gaps ||
				  t->lost || proc_dropped(procs) || flow_dropped(flow) ||
				  r->t.counts.abandoned || r->t.queue_full_calls || has_loss(&r->t.counts));
		if (r->home && r->home->root) /* made before it; what it lost may have been the session's */
			r->t.complete = r->t.complete && r->home->root->t.complete;
	}
}
