/* SPDX-License-Identifier: BSD-2-Clause */
/* Who belongs to which trace. */
#include <errno.h>
#include <stdlib.h>

#include "view/record.h"

static size_t trace_at(const struct view_session *v, const struct record_roster *r, const struct proc *p)
{
	size_t i = p ? trace_of_proc(v->traces, p) : 0;

	return i < r->traces ? i : 0;
}

/* Counts behind each trace become places: from[t] is where trace t begins. */
static void make_places(size_t *from, size_t traces)
{
	size_t sum = 0;

	for (size_t i = 0; i <= traces; i++) {
		size_t n = from[i];

		from[i] = sum;
		sum += n;
	}
}

/* Filling has moved each place to the next trace's: back by one. */
static void restore_places(size_t *from, size_t traces)
{
	for (size_t i = traces; i > 0; i--)
		from[i] = from[i - 1];
	from[0] = 0;
}

static int place_conns(struct record_roster *r, const struct view_session *v)
{
	struct flow_conn *c;

	for (c = flow_next(v->flow, NULL); c; c = flow_next(v->flow, c)) {
		r->conn_from[trace_at(v, r, c->proc)]++;
		if (c->proc && c->proc->seq < r->talks_count)
			r->talks[c->proc->seq] = 1;
	}
	make_places(r->conn_from, r->traces);
	r->conns = calloc(r->conn_from[r->traces] + 1, sizeof(struct flow_conn *));
	if (r->conns == NULL)
		return -ENOMEM;
	for (c = flow_next(v->flow, NULL); c; c = flow_next(v->flow, c))
		r->conns[r->conn_from[trace_at(v, r, c->proc)]++] = c;
	restore_places(r->conn_from, r->traces);
	return 0;
}

static int place_procs(struct record_roster *r, const struct view_session *v)
{
	struct proc *p;

	for (p = proc_next(v->procs, NULL); p; p = proc_next(v->procs, p))
		r->proc_from[trace_at(v, r, p)]++;
	make_places(r->proc_from, r->traces);
	r->procs = calloc(r->proc_from[r->traces] + 1, sizeof(struct proc *));
	if (r->procs == NULL)
		return -ENOMEM;
	for (p = proc_next(v->procs, NULL); p; p = proc_next(v->procs, p))
		r->procs[r->proc_from[trace_at(v, r, p)]++] = p;
	restore_places(r->proc_from, r->traces);
	return 0;
}

int record_roster_init(struct record_roster *r, const struct view_session *v)
{
	const struct trace *t;
	uint64_t last = 0;
	int err;

	*r = (struct record_roster){0};
	for (t = trace_next(v->traces, NULL); t; t = trace_next(v->traces, t))
		if (t->index >= r->traces)
			r->traces = t->index + 1ul;
	for (struct proc *p = proc_next(v->procs, NULL); p; p = proc_next(v->procs, p))
		last = p->seq > last ? p->seq : last;
	r->talks_count = last + 1;
	r->talks = calloc(r->talks_count, 1);
	r->conn_from = calloc(r->traces + 2, sizeof(size_t));
	r->proc_from = calloc(r->traces + 2, sizeof(size_t));
	if (!r->talks || !r->conn_from || !r->proc_from)
		return -ENOMEM;
	err = place_conns(r, v);
	return err < 0 ? err : place_procs(r, v);
}

void record_roster_fini(struct record_roster *r)
{
	free(r->conns);
	free(r->procs);
	free(r->conn_from);
	free(r->proc_from);
	free(r->talks);
}
