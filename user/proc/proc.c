/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process tree. Records of one process may come from several CPUs and from two sides (the ring, the attacher), so
 * any of them may be the first: each makes the process when need be, and completes what earlier ones left open.
 */
#include "proc/proc.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "proc/image.h"

#define BLIND_MAX 64 /* kinds of unseen traffic of one process that are kept */

struct key {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t pad;
};

/* p first: a struct proc * of ours is a struct entry *. */
struct entry {
	struct proc p;
	struct image image; /* owns p.exe and p.argv */
	uint32_t blinds;
};

struct proc_table {
	const struct proc_ops *ops;
	void *ctx;
	struct map *map;
	struct entry **all; /* in order of first sight: all[seq - 1] */
	size_t count, room;
	struct wire_counts orphans;
	uint64_t dropped;
};

struct proc_table *proc_new(const struct proc_ops *ops, void *ctx)
{
	autodrop(drop_proc_table) struct proc_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->ops = ops;
	t->ctx = ctx;
	t->map = map_new(sizeof(struct key), LIMIT_PROCESSES);
	return t->map ? take(t) : NULL;
}

static void blind_free(struct proc_blind *b)
{
	while (b != NULL) {
		struct proc_blind *next = b->next;

		free(b);
		b = next;
	}
}

void proc_free(struct proc_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++) {
		image_fini(&t->all[i]->image);
		blind_free(t->all[i]->p.blind);
		free(t->all[i]);
	}
	free(t->all);
	map_free(t->map);
	free(t);
}

/* ---- finding and making ---- */

struct proc *proc_find(const struct proc_table *t, uint32_t pid, uint64_t start_ns)
{
	struct key k = {.start_ns = start_ns, .pid = pid};

	return map_get(t->map, &k);
}

static bool grow(struct proc_table *t)
{
	if (t->count < t->room)
		return true;
	size_t room = t->room ? t->room * 2 : 64;
	struct entry **all = realloc(t->all, room * sizeof(*all));
	if (all == NULL)
		return false;
	t->all = all;
	t->room = room;
	return true;
}

static struct entry *make(struct proc_table *t, uint32_t pid, uint64_t start_ns)
{
	struct key k = {.start_ns = start_ns, .pid = pid};
	autodrop(drop_memory) struct entry *e = NULL;

	if (grow(t))
		e = calloc(1, sizeof(*e));
	if (e == NULL || map_add(t->map, &k, e) < 0) {
		t->dropped++;
		return NULL;
	}
	e->p.pid = pid;
	e->p.start_ns = start_ns;
	e->p.seq = t->count + 1;
	t->all[t->count++] = e;
	return take(e);
}

/* The process (pid, start); rec is the record that speaks of it, and of which begin tells when it is new. */
static struct entry *get(struct proc_table *t, uint32_t pid, uint64_t start_ns, const struct wire_head *rec)
{
	if (pid == 0)
		return NULL;
	struct entry *e = (struct entry *)proc_find(t, pid, start_ns);
	if (e != NULL)
		return e;
	e = make(t, pid, start_ns);
	if (e == NULL)
		return NULL;
	e->p.seen_ns = rec->ts_ns;
	t->ops->begin(t->ctx, &e->p, rec);
	return e;
}

struct proc *proc_get(struct proc_table *t, const struct wire_head *rec)
{
	struct entry *e = get(t, rec->pid, rec->start_ns, rec);

	return e ? &e->p : NULL;
}

struct proc *proc_next(const struct proc_table *t, const struct proc *after)
{
	size_t i = after ? after->seq : 0;

	return i < t->count ? &t->all[i]->p : NULL;
}

const struct wire_counts *proc_orphan_counts(const struct proc_table *t)
{
	return &t->orphans;
}

uint64_t proc_dropped(const struct proc_table *t)
{
	return t->dropped;
}

/* ---- what records say ---- */

static void set_comm(struct proc *p, const uint8_t comm[16])
{
	memcpy(p->comm, comm, 16);
	p->comm[16] = '\0';
}

static void show_image(struct entry *e)
{
	e->p.exe = e->image.exe;
	e->p.argv = e->image.argv;
	e->p.argc = e->image.argc;
	e->p.argv_cut = e->image.argv_cut;
}

/* A parent is older than its child; what claims otherwise is no parent, so the tree has no cycles. */
static bool is_older(const struct proc *a, const struct proc *b)
{
	return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->pid < b->pid;
}

/* Who is made here for want of its own records is completed by them later. The parent is told of before the child. */
static struct entry *get_parent(struct proc_table *t, const struct wire_head *rec, uint32_t pid,
				uint64_t start_ns)
{
	struct proc child = {.pid = rec->pid, .start_ns = rec->start_ns};
	struct proc parent = {.pid = pid, .start_ns = start_ns};

	return rec->pid != 0 && is_older(&parent, &child) ? get(t, pid, start_ns, rec) : NULL;
}

/* Before begin tells of a new process, it should know what its record knows. Returns whether it is new. */
static struct entry *get_silent(struct proc_table *t, const struct wire_head *rec, bool *is_new)
{
	struct entry *e = rec->pid ? (struct entry *)proc_find(t, rec->pid, rec->start_ns) : NULL;

	*is_new = false;
	if (e != NULL || rec->pid == 0)
		return e;
	e = make(t, rec->pid, rec->start_ns);
	if (e == NULL)
		return NULL;
	e->p.seen_ns = rec->ts_ns;
	*is_new = true;
	return e;
}

static void tell(struct proc_table *t, struct entry *e, const struct wire_head *rec, bool is_new)
{
	if (is_new)
		t->ops->begin(t->ctx, &e->p, rec);
	else
		t->ops->change(t->ctx, &e->p, rec);
}

static void take_fork(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_proc_fork *f = (const void *)rec;
	struct entry *parent = get_parent(t, rec, f->parent_pid, f->parent_start_ns);
	bool is_new;
	struct entry *e = get_silent(t, rec, &is_new);

	if (e == NULL || e->p.born_here)
		return;
	e->p.born_here = true;
	e->p.seen_ns = rec->ts_ns;
	e->p.parent = parent ? &parent->p : NULL;
	e->p.parent_pid = f->parent_pid;
	e->p.forked_by_tid = f->parent_tid;
	if (e->p.execs == 0) {
		set_comm(&e->p, f->comm);
		/* Until it execs, a child runs what its parent runs. */
		if (parent && e->p.exe.p == NULL && image_copy(&e->image, &parent->image) == 0)
			show_image(e);
	}
	tell(t, e, rec, is_new);
}

static void take_exec(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_proc_exec *x = (const void *)rec;
	bool is_new;
	struct entry *e = get_silent(t, rec, &is_new);

	if (e == NULL)
		return;
	e->p.execs++;
	/* An exec that came late must not cover the one after it. */
	if (e->p.execs == 1 || rec->ts_ns >= e->p.exec_ns) {
		struct str path = str_make(x->payload, x->path_len);

		e->p.exec_ns = rec->ts_ns;
		set_comm(&e->p, x->comm);
		image_set(&e->image, path, str_make(x->payload + x->path_len, x->argv_len),
			  rec->flags & (WIRE_EXEC_ARGV_CUT | WIRE_EXEC_FAULT));
		show_image(e);
	}
	tell(t, e, rec, is_new);
}

static void take_fact(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_proc_fact *f = (const void *)rec;
	struct entry *parent = get_parent(t, rec, f->parent_pid, f->parent_start_ns);
	bool is_new;
	struct entry *e = get_silent(t, rec, &is_new);

	if (e == NULL)
		return;
	e->p.fact_flags = rec->flags;
	if (!e->p.born_here && f->parent_pid != 0) {
		e->p.parent = parent ? &parent->p : NULL;
		e->p.parent_pid = f->parent_pid;
	}
	/* What exec was given is nearer to the truth than what /proc shows later: a program may write over its argv. */
	if (e->p.execs == 0) {
		set_comm(&e->p, f->comm);
		if (f->path_len + f->argv_len > 0) {
			image_set(&e->image, str_make(f->payload, f->path_len),
				  str_make(f->payload + f->path_len, f->argv_len), false);
			show_image(e);
		}
	}
	tell(t, e, rec, is_new);
}

static void take_exit(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_proc_exit *x = (const void *)rec;
	struct entry *e = get(t, rec->pid, rec->start_ns, rec);

	if (e == NULL || e->p.end_ns != 0)
		return;
	e->p.end_ns = rec->ts_ns ? rec->ts_ns : 1;
	e->p.exit_code = x->code;
	e->p.exit_signal = x->signal;
	t->ops->end(t->ctx, &e->p, rec);
}

static void take_target(struct proc_table *t, const struct wire_head *rec)
{
	bool is_new;
	struct entry *e = get_silent(t, rec, &is_new);

	if (e == NULL)
		return;
	e->p.target = true;
	tell(t, e, rec, is_new);
}

static struct proc_blind *find_blind(struct proc *p, struct str what, struct str why)
{
	for (struct proc_blind *b = p->blind; b != NULL; b = b->next)
		if (str_eq(b->what, what) && str_eq(b->why, why))
			return b;
	return NULL;
}

/* NULL: without memory (counted), or BLIND_MAX are kept. */
static struct proc_blind *add_blind(struct proc_table *t, struct entry *e, struct str what, struct str why)
{
	if (e->blinds == BLIND_MAX)
		return NULL;
	struct proc_blind *b = calloc(1, sizeof(*b) + what.n + why.n + 1);
	if (b == NULL) {
		t->dropped++;
		return NULL;
	}
	char *text = (char *)(b + 1);
	b->what = str_make(memcpy(text, what.p, what.n), what.n);
	b->why = str_make(memcpy(text + what.n, why.p, why.n), why.n);
	e->blinds++;
	struct proc_blind **end = &e->p.blind;
	while (*end != NULL)
		end = &(*end)->next;
	*end = b;
	return b;
}

static void take_blind(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_blind *w = (const void *)rec;
	struct str what = str_make(w->payload, w->what_len);
	struct str why = str_make(w->payload + w->what_len, w->why_len);
	struct entry *e = get(t, rec->pid, rec->start_ns, rec);

	if (e == NULL)
		return;
	struct proc_blind *b = find_blind(&e->p, what, why);
	if (b == NULL)
		b = add_blind(t, e, what, why);
	if (b == NULL)
		return;
	/* Told again, it has moved more: the last word counts. */
	b->bytes = w->bytes;
	t->ops->change(t->ctx, &e->p, rec);
}

/* struct wire_counts is nothing but u64s. */
_Static_assert(sizeof(struct wire_counts) % sizeof(uint64_t) == 0, "wire_counts");

void proc_counts_add(struct wire_counts *sum, const struct wire_counts *c)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)c;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static void take_final(struct proc_table *t, const struct wire_head *rec)
{
	const struct wire_proc_final *f = (const void *)rec;
	struct entry *e = get(t, rec->pid, rec->start_ns, rec);

	/* What has no process, or none that could be kept, must still be in the sum. */
	if (e == NULL) {
		proc_counts_add(&t->orphans, &f->counts);
		return;
	}
	proc_counts_add(&e->p.counts, &f->counts);
	e->p.has_counts = true;
}

void proc_feed(struct proc_table *t, const struct wire_head *rec)
{
	switch (rec->kind) {
	case WIRE_PROC_FORK:
		take_fork(t, rec);
		break;
	case WIRE_PROC_EXEC:
		take_exec(t, rec);
		break;
	case WIRE_PROC_EXIT:
		take_exit(t, rec);
		break;
	case WIRE_PROC_FACT:
		take_fact(t, rec);
		break;
	case WIRE_TARGET:
		take_target(t, rec);
		break;
	case WIRE_BLIND:
		take_blind(t, rec);
		break;
	case WIRE_PROC_FINAL:
		take_final(t, rec);
		break;
	}
}
