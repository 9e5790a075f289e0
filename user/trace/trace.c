/* SPDX-License-Identifier: BSD-2-Clause */
/* The door: the session's record, the end, the traces; the other files fill it. */
#include "trace/trace.h"

#include <stdlib.h>

#include "base/limits.h"
#include "trace/set.h"

struct trace_set *trace_new(const struct trace_settings *settings)
{
	autodrop(drop_trace_set) struct trace_set *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->settings = *settings;
	t->tool_index = map_new(sizeof(struct hash128) + sizeof(uint64_t), LIMIT_OPEN_SPANS);
	t->prefixes = map_new(sizeof(struct hash128) + sizeof(uint64_t), TRACE_PREFIXES_MAX);
	t->chains = map_new(sizeof(struct hash128) + sizeof(uint64_t), TRACE_PREFIXES_MAX);
	t->hops = map_new(TRACE_HOP_KEY, 3 * LIMIT_OPEN_SPANS);
	t->serves = map_new(sizeof(struct hash128) + sizeof(uint64_t), 2 * LIMIT_OPEN_SPANS);
	t->sessions = map_new(sizeof(struct hash128), 65536);
	if (t->sessions == NULL || t->serves == NULL || !trace_marker_init(t) || !trace_speaker_init(t))
		return NULL;
	t->awaiting = map_new(sizeof(struct py_place), LIMIT_OPEN_SPANS);
	if (trace_effect_init(&t->effects) < 0 || trace_visit_init(&t->visits) < 0 ||
	    trace_request_init(&t->requests) < 0 || t->awaiting == NULL || t->tool_index == NULL ||
	    t->prefixes == NULL || t->chains == NULL || t->hops == NULL)
		return NULL;
	return take(t);
}

uint64_t trace_id_of(const uint64_t *facts, size_t count, uint64_t seed)
{
	uint64_t id = hash_u64(str_make(facts, count * sizeof(*facts)), seed);

	return id ? id : 1;
}

void trace_read_stacks(struct trace_set *t, struct py *py)
{
	t->py = py;
}

bool trace_use_rules(struct trace_set *t, const struct rules *rules)
{
	if (t->visits.first_spot != NULL)
		return false;
	t->rules_table = rules;
	return true;
}

struct trace_root *trace_root_new(struct trace_set *t, struct trace_process *root)
{
	struct trace_root *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->root = root;
	if (t->last_root) {
		r->t.index = t->last_root->t.index + 1;
		t->last_root->next = r;
	} else {
		t->roots = r;
	}
	t->last_root = r;
	return r;
}

void trace_began(struct trace_set *t, struct trace_root *root, struct trace_span *s)
{
	if (t->settings.ops->open == NULL)
		return;
	s->trace = root->t.index;
	s->status = TRACE_STATUS_OPEN;
	t->settings.ops->open(t->settings.ctx, s);
}

void trace_tell(struct trace_set *t, struct trace_root *root, struct trace_draft *d, bool *told)
{
	if (!trace_draft_whole(d)) {
		t->lost++;
		root->lossy = true;
		trace_draft_fini(d);
		return;
	}
	d->s.trace = root->t.index;
	d->s.undecided = !d->kept && trace_keep_tell(t, root, &d->s, *told);
	if (!*told)
		root->t.spans++;
	*told = true;
	root->gaps += d->s.gap_count;
	t->settings.ops->span(t->settings.ctx, &d->s);
	trace_draft_fini(d);
}

static void session(struct trace_set *t, const struct wire_session *s)
{
	t->mode = s->mode;
	t->light = (s->options & WIRE_OPT_LIGHT) != 0;
	memcpy(t->boot_id, s->boot_id, sizeof(t->boot_id));
	t->utc_offset_ns = s->utc_offset_ns;
	t->site_ns = s->site_ns;
	t->session_ns = s->head.ts_ns;
	t->stacks = (s->options & WIRE_OPT_STACKS) != 0;
	t->sample_n = s->sample_n;
	t->sampled_out = (s->options & WIRE_OPT_SAMPLED_OUT) != 0;
}

/* What a call costs is told for each site; of libraries whose sites differ, the dearest one's. */
static void library(struct trace_set *t, const struct wire_lib *l)
{
	for (uint32_t i = 0; i < l->sites && i < WIRE_FNS; i++)
		if (l->site[i].fn <= WIRE_FN_SSL_WRITE_EX2 && l->site[i].ns_per_hit > t->lib_ns)
			t->lib_ns = l->site[i].ns_per_hit;
	if (t->lib_ns)
		t->site_ns = t->lib_ns;
}

/* Failed calls that no retry will join any more: their spans were told when they closed. */
static void forget(struct trace_set *t)
{
	struct trace_failed *f = t->failed, *next = NULL;

	for (; f && f->closed_ns && t->now_ns > f->closed_ns + TRACE_FAILED_NS; f = next) {
		next = f->next;
		if (!f->asked) /* a person may take longer to answer */
			trace_retry_free(t, f);
	}
}

void trace_feed(struct trace_set *t, const struct wire_head *rec)
{
	if (rec->ts_ns > t->now_ns)
		t->now_ns = rec->ts_ns;
	switch (rec->kind) {
	case WIRE_SESSION:
		session(t, (const struct wire_session *)rec);
		break;
	case WIRE_KEEP:
		if (trace_keep_start(t, (const struct wire_keep *)rec) < 0)
			t->lost++;
		break;
	case WIRE_LIB:
		library(t, (const struct wire_lib *)rec);
		break;
	case WIRE_SHED:
		trace_shed_add(t, (const struct wire_shed_step *)rec);
		break;
	case WIRE_TICK:
		forget(t);
		break;
	case WIRE_END:
		t->has_final = ((const struct wire_end *)rec)->has_final != 0;
		t->attacher_died = ((const struct wire_end *)rec)->why == WIRE_END_ATTACHER;
		break;
	default:
		break;
	}
}

void trace_finish(struct trace_set *t, struct proc_table *procs, struct flow *flow, bool cut)
{
	for (struct proc *p = proc_next(procs, NULL); p != NULL; p = proc_next(procs, p))
		if (trace_process_get(t, p) == NULL)
			t->lost++;
	if (t->roots == NULL && trace_root_new(t, NULL) == NULL)
		t->lost++;
	/* The command's record was lost: what we saw first is the root. */
	if (t->roots && t->roots->root == NULL && t->processes)
		t->roots->root = t->processes;
	trace_call_finish(t);
	trace_tool_finish(t);
	trace_marker_finish(t);
	trace_agent_settle(t);
	trace_keep_finish(t); /* processes last: what ran them is decided now */
	for (struct trace_process *pr = t->processes; pr != NULL; pr = pr->next)
		if (trace_process_settle(t, pr))
			trace_process_tell(t, pr);
	trace_session_finish(t);
	trace_effect_finish(t);
	trace_ledger_close(t, procs, flow, cut);
}

const struct trace *trace_next(const struct trace_set *t, const struct trace *after)
{
	/* struct trace is the first member of struct trace_root */
	const struct trace_root *r = after ? ((const struct trace_root *)after)->next : t->roots;

	return r ? &r->t : NULL;
}

uint32_t trace_of_proc(const struct trace_set *t, const struct proc *p)
{
	const struct trace_process *pr = p ? p->user : &t->nobody;

	return pr && pr->root ? pr->root->t.index : 0;
}

int64_t trace_utc_offset(const struct trace_set *t)
{
	return t->utc_offset_ns;
}

uint64_t trace_session_site_ns(const struct trace_set *t)
{
	return t->site_ns;
}

void trace_free(struct trace_set *t)
{
	if (t == NULL)
		return;
	while (t->calls) {
		t->calls->c = NULL; /* whose room may be gone already */
		trace_call_free(t, t->calls);
	}
	trace_speaker_free(t);
	while (t->tools)
		trace_tool_free(t, t->tools);
	while (t->failed)
		trace_retry_free(t, t->failed);
	trace_marker_free(t);
	while (t->processes) {
		struct trace_process *pr = t->processes;

		t->processes = pr->next;
		trace_said_free(t, &pr->saids);
		trace_process_free(pr);
	}
	while (t->roots) {
		struct trace_root *r = t->roots;

		t->roots = r->next;
		trace_said_free(t, &r->saids);
		free(r->session);
		free(r->said);
		free(r);
	}
	trace_effect_free(t);
	trace_visit_fini(&t->visits);
	trace_request_fini(&t->requests);
	trace_keep_free(t);
	trace_prefix_free(t);
	trace_chain_free(t);
	free(t->steps);
	map_free(t->tool_index);
	map_free(t->prefixes);
	map_free(t->hops);
	map_free(t->serves);
	map_free(t->sessions);
	map_free(t->awaiting);
	free(t);
}
