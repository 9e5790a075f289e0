/* SPDX-License-Identifier: BSD-2-Clause */
/* Who else was there when a span began and could have been its parent, and what speaks against each. */
#include <errno.h>
#include <string.h>

#include "view/why.h"

enum place { UNKNOWN, OUTSIDE, BELOW };

struct field {
	struct why *w;
	int64_t start_ns, pid, tid;
	unsigned char *below;  /* enum place of each span: is it the span itself, or below it? */
	unsigned char *around; /* whether it is one of the parent's ancestors */
};

/* Walks up until somebody's place is known; then all on the way have it. */
static bool is_below(struct field *f, uint32_t at)
{
	const struct node_forest *k = &f->w->f;
	uint32_t up = at;

	while (up != NODE_NONE && f->below[up] == UNKNOWN)
		up = k->nodes[up].parent;
	unsigned char place = up == NODE_NONE ? OUTSIDE : f->below[up];
	for (uint32_t i = at; i != up; i = k->nodes[i].parent)
		f->below[i] = place;
	return place == BELOW;
}

static bool can_be_parent(const struct node *n)
{
	if (n->kind == NODE_STEP)
		return strcmp(n->word, "mcp") != 0;
	if (n->kind == NODE_HTTP) /* a request that a process was seen to answer */
		return json_is(json_get(json_get(n->j, "link"), "how"), "socket");
	return n->kind == NODE_PROC || n->kind == NODE_AGENT || n->kind == NODE_TOOL;
}

static bool was_open(struct field *f, const struct node *n)
{
	int64_t from = node_time(f->w->a, n->j, "start"), to = node_time(f->w->a, n->j, "end");

	return f->start_ns && from && from <= f->start_ns && (to == 0 || to >= f->start_ns);
}

/* ---- what speaks against it ---- */

static struct str against_tool(struct field *f, const struct node *n)
{
	struct why *w = f->w;
	uint32_t all, found;

	if (w->n->kind == NODE_TOOL)
		return STR("nothing says that it was called from within this tool call");
	if (w->n->kind != NODE_PROC)
		return STR("nothing says that it was made from within this tool call");
	found = why_strings(w, n, w->n, &all);
	if (all == 0)
		return STR("of its arguments nothing can be looked for in the command line");
	return arena_printf(w->a, "%u of %u texts of its arguments stand in the command line", found, all);
}

static struct str against_agent(struct field *f, const struct node *n)
{
	struct why *w = f->w;

	if (json_type(json_get(w->n->j, "stack")) != JSON_ARRAY)
		return STR("there is no stack that could say so");
	if (why_frame(w, n) < 0)
		return STR("its function does not stand on the stack");
	return STR("its function stands on the stack, but in another run of it, or further out");
}

static struct str against_step(struct field *f, const struct node *n)
{
	int64_t tid = why_number(n, "tid");

	if (f->w->n->kind == NODE_STEP)
		return STR("the program says that it was within another one");
	if (f->tid && tid && tid != f->tid)
		return arena_printf(f->w->a, "it is of thread %lld, not of %lld", (long long)tid,
				    (long long)f->tid);
	if (f->tid == 0)
		return STR("the thread is not known");
	return STR("the thread was not in it then, or in one within it");
}

static struct str against_request(struct field *f, const struct node *n)
{
	int64_t tid = why_number(n, "tid");

	if (f->tid && tid && tid != f->tid)
		return arena_printf(f->w->a, "thread %lld answers it, not %lld", (long long)tid,
				    (long long)f->tid);
	return STR("nothing says that it was done for this request");
}

static struct str against(struct field *f, uint32_t at)
{
	const struct node *n = &f->w->f.nodes[at];
	int64_t pid = why_number(n, "pid");

	if (f->around[at])
		return STR("it is around the parent: the nearest counts");
	if (f->pid && pid && pid != f->pid && n->kind != NODE_TOOL)
		return arena_printf(f->w->a, "it is of pid %lld, not of %lld", (long long)pid,
				    (long long)f->pid);
	switch (n->kind) {
	case NODE_TOOL:
		return against_tool(f, n);
	case NODE_AGENT:
		return against_agent(f, n);
	case NODE_STEP:
		return against_step(f, n);
	case NODE_HTTP:
		return against_request(f, n);
	case NODE_PROC:
		if (pid && pid == f->pid)
			return STR("it is only where it ran: more is known");
		return STR("nothing ties it to this span");
	default:
		return STR("nothing ties it to this span");
	}
}

/* ---- the nearest ones ---- */

static bool is_nearer(const struct why_other *a, const struct why_other *b)
{
	if (a->same_pid != b->same_pid)
		return a->same_pid;
	return a->start_ns > b->start_ns;
}

static void consider(struct field *f, uint32_t at)
{
	struct why *w = f->w;
	const struct node *n = &w->f.nodes[at];
	struct why_other other = {.at = at,
				  .same_pid = f->pid && why_number(n, "pid") == f->pid,
				  .start_ns = node_time(w->a, n->j, "start")};
	uint32_t i = w->other_count;

	if (w->other_count == WHY_OTHERS) {
		w->left_out++;
		if (!is_nearer(&other, &w->others[--i]))
			return;
	} else {
		w->other_count++;
	}
	for (; i > 0 && is_nearer(&other, &w->others[i - 1]); i--)
		w->others[i] = w->others[i - 1];
	w->others[i] = other;
}

int why_compare(struct why *w)
{
	struct field f = {.w = w, .start_ns = node_time(w->a, w->n->j, "start")};
	uint32_t self = (uint32_t)(w->n - w->f.nodes);

	f.below = arena_alloc(w->a, w->f.count + 1ul);
	f.around = arena_alloc(w->a, w->f.count + 1ul);
	if (f.below == NULL || f.around == NULL)
		return -ENOMEM;
	f.below[self] = BELOW;
	for (uint32_t at = w->parent ? w->parent->parent : NODE_NONE; at != NODE_NONE;
	     at = w->f.nodes[at].parent)
		f.around[at] = 1;
	/* A process is made by its parent. */
	if (w->n->kind != NODE_PROC || !node_number(w->n, "process.parent_pid", &f.pid))
		f.pid = why_number(w->n, "pid");
	f.tid = why_number(w->n, "tid");
	for (uint32_t i = 0; i < w->f.count; i++) {
		const struct node *n = &w->f.nodes[i];

		if (can_be_parent(n) && n != w->parent && was_open(&f, n) && !is_below(&f, i))
			consider(&f, i);
	}
	for (uint32_t i = 0; i < w->other_count; i++) {
		w->others[i].why_not = against(&f, w->others[i].at);
		if (w->others[i].why_not.p == NULL)
			return -ENOMEM;
	}
	return 0;
}
