/* SPDX-License-Identifier: BSD-2-Clause */
/* Of the world: what is told of a span behind the span itself. Included there. */
#ifndef UNIT_TRACE_LATER_H
#define UNIT_TRACE_LATER_H

static UNUSED struct told *world_by_id(struct world *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->spans[i].id == id)
			return &w->spans[i];
	return NULL;
}

static UNUSED void world_on_decide(void *ctx, uint64_t id, bool keep)
{
	struct told *k = world_by_id(ctx, id);

	assert_non_null(k);
	assert_true(k->undecided && !k->dropped);
	k->undecided = false;
	k->dropped = !keep;
}

static UNUSED void world_on_forget(void *ctx, uint64_t id, uint64_t call)
{
	struct told *k = world_by_id(ctx, id);

	assert_non_null(k);
	k->forgot = call;
}

static UNUSED void world_on_place(void *ctx, uint64_t id, uint64_t parent, const struct trace_link *link,
				  bool undecided)
{
	struct world *w = ctx;
	struct told *k = world_by_id(w, id);

	assert_non_null(k);
	assert_non_null(world_by_id(w, parent));
	assert_true(k->dropped || k->undecided == undecided);
	k->parent = parent;
	if (link == NULL)
		return;
	k->how = world_text(w, str_of(link->how));
	k->certain = link->certain;
	k->evidence = world_text(w, link->evidence[0]);
	k->last_evidence = world_text(w, link->evidence[link->evidence_count - 1]);
}

/* What is below a root goes to its trace: see world_trace. */
static UNUSED void world_on_root(void *ctx, uint64_t id, uint32_t trace)
{
	struct told *k = world_by_id(ctx, id);

	assert_non_null(k);
	k->parent = 0;
	k->trace = trace;
}

static UNUSED uint32_t world_trace(struct world *w, const struct told *k)
{
	while (k->parent) {
		k = world_by_id(w, k->parent);
		assert_non_null(k);
	}
	return k->trace;
}

#endif
