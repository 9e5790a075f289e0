/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: their spans, which trace they belong to, gaps that hit no call. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "trace/set.h"

static struct trace_process *process_new(struct trace_set *t, struct proc *p)
{
	struct trace_process *pr = calloc(1, sizeof(*pr));

	if (pr == NULL)
		return NULL;
	uint64_t facts[] = {t->boot_id[0], t->boot_id[1], p->pid, p->start_ns};
	pr->proc = p;
	pr->serial = ++t->serial;
	pr->id = trace_id_of(facts, 4, 1);
	if (t->last_process)
		t->last_process->next = pr;
	else
		t->processes = pr;
	t->last_process = pr;
	p->user = pr;
	return pr;
}

static struct trace_process *parent_of(const struct trace_process *pr)
{
	return pr->proc && pr->proc->parent ? pr->proc->parent->user : NULL;
}

/* ---- which trace ---- */

/* The outermost ancestor, or the process itself, that is the root of its own trace. */
static struct trace_process *outermost(struct trace_process *pr)
{
	struct trace_process *target = NULL, *top = pr;
	uint32_t depth = 0;

	for (struct trace_process *a = pr; a != NULL && depth < TRACE_DEPTH_MAX; a = parent_of(a), depth++) {
		top = a;
		if (a->root && a->root->root == a)
			return a; /* settled: whatever we learn of its ancestors later changes nothing */
		if (a->proc->target)
			target = a;
	}
	return target ? target : top;
}

static struct trace_root *first_root(struct trace_set *t)
{
	return t->roots ? t->roots : trace_root_new(t, NULL);
}

static struct trace_root *root_of(struct trace_set *t, struct trace_process *pr)
{
	if (pr->proc == NULL)
		return first_root(t);
	if (t->mode == WIRE_MODE_ATTACH) {
		struct trace_process *top = outermost(pr);
		return top->root ? top->root : trace_root_new(t, top);
	}
	struct trace_root *r = first_root(t);
	if (r && r->root == NULL && pr->proc->target)
		r->root = pr;
	return r;
}

static void began(struct trace_set *t, struct trace_process *pr)
{
	struct trace_span s = {.id = pr->id, .seq = pr->seq, .kind = "process", .pid = pr->proc->pid};

	s.start_ns = pr->proc->seen_ns;
	s.name = str_of(pr->proc->comm);
	trace_began(t, pr->root, &s);
}

bool trace_process_settle(struct trace_set *t, struct trace_process *pr)
{
	if (pr->root)
		return true;
	struct trace_root *r = root_of(t, pr);
	if (r == NULL)
		return false;
	if (r->root && r->root != pr && r->root->root == NULL) {
		r->root->root = r; /* the root first: its ordinal is the lowest */
		r->root->seq = ++r->seq;
		began(t, r->root);
	}
	if (pr->root)
		return true;
	pr->root = r;
	if (pr->proc) {
		pr->seq = ++r->seq;
		began(t, pr);
	}
	return true;
}

struct trace_process *trace_process_get(struct trace_set *t, struct proc *p)
{
	struct trace_process *pr = p == NULL ? &t->nobody : p->user ? p->user : process_new(t, p);

	return pr && trace_process_settle(t, pr) ? pr : NULL;
}

uint64_t trace_process_parent(const struct trace_process *pr)
{
	if (pr->id == 0)
		return pr->root && pr->root->root ? pr->root->root->id : 0;
	return pr->id;
}

/* ---- facts ---- */

static void write_args(struct buf *out, const struct proc *p)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_array(&w);
	for (uint32_t i = 0; i < p->argc; i++)
		jsonw_str(&w, p->argv[i]);
	jsonw_array_end(&w);
}

static void add_exec(struct trace_set *t, struct trace_process *pr, const struct wire_head *rec)
{
	struct buf args;

	if (pr->exec_count == TRACE_EXECS_MAX)
		return;
	if (pr->exec_count == pr->exec_cap) {
		uint32_t cap = pr->exec_cap ? pr->exec_cap * 2 : 2;
		struct trace_exec *e = realloc(pr->execs, cap * sizeof(*e));

		if (e == NULL) {
			t->lost++;
			return;
		}
		pr->execs = e;
		pr->exec_cap = cap;
	}
	buf_init(&args, 8 * WIRE_ARGV_MAX);
	write_args(&args, pr->proc);
	pr->execs[pr->exec_count++] = (struct trace_exec){
		.time_ns = rec->ts_ns,
		.exe = pr->proc->exe.p ? str_dup(pr->proc->exe) : NULL,
		.args = buf_err(&args) == 0 ? str_dup(buf_str(&args)) : NULL,
	};
	buf_fini(&args);
}

void trace_process_gap(struct trace_set *t, struct trace_process *pr, const struct trace_gap *gap)
{
	struct trace_gap *last = pr->gap_count ? &pr->gaps[pr->gap_count - 1] : NULL;

	pr->changed = true;
	if (pr->root)
		pr->root->lossy = true;
	if (pr->proc == NULL)
		return; /* no span to show it */
	if (last && last->connection == gap->connection && last->dir == gap->dir &&
	    last->cause == gap->cause && last->offset + last->bytes == gap->offset) {
		last->bytes += gap->bytes;
		return;
	}
	if (pr->gap_count == TRACE_GAPS_MAX) {
		last->bytes += gap->bytes;
		return;
	}
	if (pr->gap_count == pr->gap_cap) {
		uint32_t cap = pr->gap_cap ? pr->gap_cap * 2 : 4;
		struct trace_gap *g = realloc(pr->gaps, cap * sizeof(*g));

		if (g == NULL) {
			t->lost++;
			return;
		}
		pr->gaps = g;
		pr->gap_cap = cap;
	}
	pr->gaps[pr->gap_count++] = *gap;
}

/* ---- its span ---- */

static void draft_status(struct trace_draft *d, const struct proc *p)
{
	if (p->end_ns == 0)
		return;
	d->s.status = TRACE_STATUS_OK;
	if (p->exit_signal) {
		const char *name = sigabbrev_np(p->exit_signal);

		d->s.status = TRACE_STATUS_ERROR;
		d->s.status_type = name ? arena_printf(d->a, "SIG%s", name)
					: arena_printf(d->a, "signal %d", p->exit_signal);
		trace_draft_i64(d, "bottrace.exit.signal", p->exit_signal);
		return;
	}
	trace_draft_i64(d, "process.exit.code", p->exit_code);
	if (p->exit_code) {
		d->s.status = TRACE_STATUS_ERROR;
		d->s.status_type = arena_printf(d->a, "exit %d", p->exit_code);
	}
}

static void draft_link(struct trace_draft *d, const struct trace_process *pr)
{
	const struct proc *p = pr->proc;
	const struct trace_process *parent = parent_of(pr);

	if (pr->root->root == pr)
		return;
	if (pr->tool) {
		d->s.parent = pr->tool;
		trace_draft_link(d, pr->tool_how, pr->tool_certain);
		trace_draft_evidence(d, "%s", pr->tool_why);
		return;
	}
	if (parent && parent->root == pr->root) {
		d->s.parent = pr->marker ? pr->marker : parent->id;
		trace_draft_link(d, "fork", true);
		if (pr->marker)
			trace_draft_evidence(d, "thread %u of pid %u forked it inside that step",
					     p->forked_by_tid, p->parent_pid);
		else if (p->born_here && p->forked_by_tid)
			trace_draft_evidence(d, "thread %u of pid %u forked it", p->forked_by_tid,
					     p->parent_pid);
		else if (p->born_here)
			trace_draft_evidence(d, "pid %u forked it", p->parent_pid);
		else
			trace_draft_evidence(d, "/proc: its parent is pid %u", p->parent_pid);
		if (pr->open_tools)
			trace_draft_evidence(d,
					     "%u tool calls of pid %u were open then: which of them ran it, "
					     "if any, is not known",
					     pr->open_tools, p->parent_pid);
		return;
	}
	if (pr->root->root == NULL)
		return;
	d->s.parent = pr->root->root->id;
	trace_draft_link(d, "process", false);
	trace_draft_evidence(d, "traced with this command; who forked it was not seen");
}

static void draft_events(struct trace_set *t, struct trace_draft *d, const struct trace_process *pr)
{
	/* One exec is how a process begins; what the attributes say is the last. */
	uint32_t execs = pr->exec_count < 2 ? 0 : pr->exec_count, sheds = trace_shed_count(t, pr);

	uint32_t said = t->light ? 0 : pr->saids.count;

	trace_draft_events(d, execs + sheds + said + (pr->state != NULL));
	for (uint32_t i = 0; i < execs; i++) {
		struct trace_event *e = trace_draft_event(d, "exec", pr->execs[i].time_ns, 2);

		trace_draft_event_str(e, "process.executable.path", str_of(pr->execs[i].exe));
		trace_draft_event_json(e, "process.command_args", str_of(pr->execs[i].args));
	}
	if (sheds > 0)
		trace_shed_draft(t, pr, d);
	if (said > 0)
		trace_said_draft(d, &pr->saids);
	trace_failure_draft(d, pr->state, pr->state_ns);
}

static void draft_sums(struct trace_draft *d, const struct py_sums *s)
{
	if (s->pauses) {
		trace_draft_i64(d, "bottrace.gc.count", (int64_t)s->pauses);
		trace_draft_i64(d, "bottrace.gc.pause_ns", (int64_t)s->pause_ns);
	}
	if (s->imports) {
		trace_draft_i64(d, "bottrace.imports.count", (int64_t)s->imports);
		trace_draft_i64(d, "bottrace.imports.duration_ns", (int64_t)s->import_ns);
	}
}

void trace_process_tell(struct trace_set *t, struct trace_process *pr)
{
	const struct proc *p = pr->proc;
	struct trace_draft d;

	if (pr->told && !pr->changed)
		return;
	pr->changed = false;
	trace_draft_init(&d);
	d.s.id = pr->id;
	d.s.seq = pr->seq;
	d.s.kind = "process";
	d.s.name = p->exe.n ? str_base_name(p->exe) : str_of(p->comm);
	if (d.s.name.n == 0)
		d.s.name = d.failed ? STR("process") : arena_printf(d.a, "pid %u", p->pid);
	d.s.start_ns = p->seen_ns;
	d.s.end_ns = p->end_ns;
	d.s.pid = p->pid;
	d.s.tid = 0;
	trace_draft_i64(&d, "process.pid", p->pid);
	if (p->parent_pid)
		trace_draft_i64(&d, "process.parent_pid", p->parent_pid);
	trace_draft_str(&d, "process.executable.path", p->exe);
	if (p->argc > 0) {
		struct buf *args = trace_draft_buf(&d);

		write_args(args, p);
		trace_draft_json(&d, "process.command_args", buf_str(args));
		if (p->argv_cut)
			trace_draft_bool(&d, "bottrace.process.command_args.cut", true);
	}
	trace_stack_process(t, &d, pr);
	draft_sums(&d, &pr->sums);
	if (pr->failures_left)
		trace_draft_i64(&d, "bottrace.failures.left_out", pr->failures_left);
	if (!d.failed)
		draft_status(&d, p);
	draft_link(&d, pr);
	draft_events(t, &d, pr);
	trace_draft_gaps(&d, pr->gap_count);
	for (uint32_t i = 0; i < pr->gap_count; i++)
		trace_draft_gap(&d, &pr->gaps[i]);
	trace_tell(t, pr->root, &d, &pr->told);
}

/* ---- what proc calls ---- */

/* The step of its parent in which it was forked; in another trace than its process's it is told of nowhere. */
static void find_marker(struct trace_set *t, struct trace_process *pr, const struct trace_process *parent)
{
	struct trace_place place;

	if (pr->proc->born_here && pr->proc->forked_by_tid && pr->marker == 0 &&
	    trace_marker_place(t, parent, pr->proc->forked_by_tid, &place) && place.root == parent->root)
		pr->marker = place.parent;
}

static void on_begin(void *ctx, struct proc *p, const struct wire_head *rec)
{
	struct trace_set *t = ctx;
	struct trace_process *pr = p->user ? p->user : process_new(t, p);

	if (pr == NULL) {
		t->lost++;
		return;
	}
	struct trace_process *parent = parent_of(pr);
	if (p->born_here && parent) {
		trace_fork_begin(t, pr, parent);
		find_marker(t, pr, parent);
	}
	if (rec->kind == WIRE_PROC_EXEC)
		add_exec(t, pr, rec);
	/* Under attach, whether one of its ancestors is a target comes in the next record. */
	if (t->mode != WIRE_MODE_ATTACH || p->target || (parent && parent->root))
		(void)trace_process_settle(t, pr);
}

static void on_change(void *ctx, struct proc *p, const struct wire_head *rec)
{
	struct trace_set *t = ctx;
	struct trace_process *pr = p->user;

	if (pr == NULL)
		return;
	pr->changed = true;
	if (p->target && trace_process_settle(t, pr) && t->mode != WIRE_MODE_ATTACH && pr->root->root == NULL)
		pr->root->root = pr;
	struct trace_process *parent = parent_of(pr);
	if (rec->kind == WIRE_PROC_FORK && parent) { /* it came after other records of the child */
		trace_fork_begin(t, pr, parent);
		find_marker(t, pr, parent);
	}
	if (rec->kind != WIRE_PROC_EXEC)
		return;
	trace_marker_end(t, pr);
	pr->python = false;
	add_exec(t, pr, rec);
	if (pr->undecided && parent)
		trace_fork_exec(t, pr, parent);
	pr->undecided = false;
}

static void on_end(void *ctx, struct proc *p, const struct wire_head *rec)
{
	struct trace_set *t = ctx;
	struct trace_process *pr = p->user;

	(void)rec;
	if (pr == NULL || !trace_process_settle(t, pr))
		return;
	trace_call_end(t, pr);
	trace_tool_end(t, pr);
	trace_marker_end(t, pr);
	trace_speaker_end(t, pr);
	pr->changed = true;
	trace_process_tell(t, pr);
}

const struct proc_ops *trace_proc_ops(void)
{
	static const struct proc_ops ops = {.begin = on_begin, .change = on_change, .end = on_end};

	return &ops;
}

void trace_process_free(struct trace_process *pr)
{
	for (uint32_t i = 0; i < pr->exec_count; i++) {
		free(pr->execs[i].exe);
		free(pr->execs[i].args);
	}
	free(pr->execs);
	free(pr->gaps);
	free(pr->state);
	free(pr);
}
