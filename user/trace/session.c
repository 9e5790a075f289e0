/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program says that it serves: each session is a trace of its own, with a span that holds its steps. */
#include <stdlib.h>

#include "trace/set.h"

#define SESSIONS_MAX 65536u

struct trace_root *trace_session_find(const struct trace_set *t, struct str id)
{
	struct hash128 key = hash_u128(id, 8);

	return map_get(t->sessions, &key);
}

struct trace_root *trace_session_new(struct trace_set *t, struct trace_process *pr, struct str id,
				     uint64_t ts_ns)
{
	uint64_t facts[] = {t->boot_id[0], t->boot_id[1], t->session_ns, hash_u64(id, 8)};
	struct hash128 key = hash_u128(id, 8);

	if (map_count(t->sessions) >= SESSIONS_MAX)
		return NULL;
	char *copy = str_dup(id);
	struct trace_root *r = copy ? trace_root_new(t, NULL) : NULL;
	if (r == NULL || map_add(t->sessions, &key, r) < 0) {
		if (r)
			r->session = copy; /* an empty trace in the document: still its own */
		else
			free(copy);
		t->lost++;
		return NULL;
	}
	r->session = copy;
	r->home = pr;
	r->t.session = str_of(copy);
	r->t.root = trace_id_of(facts, 4, 9);
	r->t.start_ns = ts_ns;
	r->session_seq = ++r->seq;
	return r;
}

/* It ends with the program that began it. */
static void tell(struct trace_set *t, struct trace_root *r)
{
	const struct proc *p = r->home->proc;
	struct trace_draft d;
	bool told = false;

	r->t.end_ns = p->end_ns;
	r->t.status = p->end_ns ? TRACE_STATUS_OK : TRACE_STATUS_OPEN;
	trace_draft_init(&d);
	d.s.id = r->t.root;
	d.s.seq = r->session_seq;
	d.s.kind = "step";
	d.s.name = d.failed ? STR_NONE : arena_printf(d.a, "session %s", r->session);
	d.s.start_ns = r->t.start_ns;
	d.s.end_ns = r->t.end_ns;
	d.s.status = r->t.status;
	d.s.pid = p->pid;
	if (!t->light) {
		trace_draft_events(&d, r->saids.count);
		trace_said_draft(&d, &r->saids);
	}
	trace_tell(t, r, &d, &told);
}

void trace_session_finish(struct trace_set *t)
{
	for (struct trace_root *r = t->roots; r != NULL; r = r->next)
		if (r->session && r->home)
			tell(t, r);
}
