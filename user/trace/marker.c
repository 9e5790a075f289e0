/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Markers: what a program itself calls its steps. Which of them a call belongs to is told by the thread that wrote it: the
 * module says, in the order of that thread's own work, in which marker it goes on. Where it cannot know (several tasks of one
 * loop without a marked coroutine around them) it says nothing, and the call stays with what is known.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "trace/marker.h"

#define HELD_MAX    (64u << 20) /* bytes of values that open markers keep */
#define FIELDS_MAX  64u		/* attributes of one event */
#define LATEST_MAX  64u		/* states beyond the events of one marker or process */
#define THREADS_MAX 65536u

struct trace_thread {
	struct trace_marker *marker;	     /* NULL: in none that we know of */
	struct trace_thread *before, *after; /* in the same one */
	struct trace_root *root;	     /* of the session that it serves; NULL: its process's */
};

struct marker_key {
	uint64_t process, number;
};

/* ---- threads ---- */

static struct trace_thread *thread_find(const struct trace_set *t, const struct trace_process *pr,
					uint32_t tid)
{
	struct marker_key key = {pr->serial, tid};

	return map_get(t->threads, &key);
}

static struct trace_thread *thread_get(struct trace_set *t, const struct trace_process *pr, uint32_t tid)
{
	struct marker_key key = {pr->serial, tid};
	struct trace_thread *x = map_get(t->threads, &key);

	if (x)
		return x;
	x = calloc(1, sizeof(*x));
	if (x && map_add(t->threads, &key, x) < 0) {
		free(x);
		x = NULL;
	}
	if (x == NULL)
		t->lost++;
	return x;
}

static void thread_move(struct trace_thread *x, struct trace_marker *m)
{
	if (x->marker == m)
		return;
	if (x->before)
		x->before->after = x->after;
	else if (x->marker)
		x->marker->threads = x->after;
	if (x->after)
		x->after->before = x->before;
	x->marker = m;
	x->before = NULL;
	x->after = m ? m->threads : NULL;
	if (x->after)
		x->after->before = x;
	if (m)
		m->threads = x;
}

/* ---- the open ones ---- */

static struct trace_marker *marker_find(const struct trace_set *t, const struct trace_process *pr,
					uint64_t number)
{
	struct marker_key key = {pr->serial, number};

	return number ? map_get(t->markers, &key) : NULL;
}

static void said_free(struct trace_set *t, struct trace_said *s)
{
	t->held -= sizeof(*s) + s->name.n + s->value.n;
	free(s);
}

void trace_said_free(struct trace_set *t, struct trace_saids *all)
{
	while (all->first) {
		struct trace_said *s = all->first;

		all->first = s->next;
		said_free(t, s);
	}
	while (all->latest) {
		struct trace_said *s = all->latest;

		all->latest = s->next;
		said_free(t, s);
	}
}

static void marker_free(struct trace_set *t, struct trace_marker *m)
{
	struct marker_key key = {m->process->serial, m->number};
	struct trace_marker *up = NULL;

	if (m->prev)
		m->prev->next = m->next;
	else
		t->first_marker = m->next;
	if (m->next)
		m->next->prev = m->prev;
	else
		t->last_marker = m->prev;
	(void)map_remove(t->markers, &key);
	m->process->steps--;
	if (m->threads)
		up = marker_find(t, m->process, m->around);
	while (m->threads)
		thread_move(m->threads, up);
	trace_said_free(t, &m->saids);
	t->held -= m->held;
	free(m);
}

/* A copy of what is worth keeping of a text; STR_NONE: too much is kept already. */
static struct str keep(char **at, struct str s)
{
	struct str copy = s.p ? str_make(*at, s.n) : STR_NONE;

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static struct trace_said *said_new(struct trace_set *t, const struct mark_note *n)
{
	size_t size = sizeof(struct trace_said) + n->name.n + n->value.n;
	struct trace_said *s = t->held + size <= HELD_MAX ? malloc(size) : NULL;

	if (s == NULL)
		return NULL;
	char *at = (char *)(s + 1);
	*s = (struct trace_said){.time_ns = n->ts_ns, .kind = n->kind, .cut = n->cut};
	s->name = keep(&at, n->name);
	s->value = keep(&at, n->value);
	t->held += size;
	return s;
}

/* No event of its own any more; but what a state is now is worth knowing. */
static void latest_set(struct trace_set *t, struct trace_saids *all, const struct mark_note *n)
{
	struct trace_said **at = &all->latest;

	while (*at && !str_eq((*at)->name, n->name))
		at = &(*at)->next;
	if (*at == NULL && all->latest_count == LATEST_MAX)
		return;
	struct trace_said *s = said_new(t, n), *old = *at;
	if (s == NULL)
		return;
	s->next = old ? old->next : NULL;
	*at = s;
	if (old)
		said_free(t, old);
	else
		all->latest_count++;
}

static void said_add(struct trace_set *t, struct trace_saids *all, const struct mark_note *n)
{
	struct trace_said *s = all->count < TRACE_EVENTS_MAX ? said_new(t, n) : NULL;

	if (s == NULL) {
		all->left++;
		if (n->kind == MARK_STATE)
			latest_set(t, all, n);
		return;
	}
	all->count++;
	if (all->last)
		all->last->next = s;
	else
		all->first = s;
	all->last = s;
}

void trace_said_add(struct trace_set *t, struct trace_saids *all, struct str name, struct str value,
		    uint64_t time_ns)
{
	said_add(t, all,
		 &(struct mark_note){.kind = MARK_EVENT, .ts_ns = time_ns, .name = name, .value = value});
}

/* ---- told ---- */

static void draft_field(struct trace_draft *d, struct trace_event *e, struct str key, const struct json *j)
{
	int64_t n;

	if (e == NULL || key.p == NULL || e->count == FIELDS_MAX)
		return;
	struct trace_attribute *a = &e->attributes[e->count++];
	*a = (struct trace_attribute){.key = key, .type = TRACE_JSON, .text = json_raw(j)};
	if (json_type(j) == JSON_STRING) {
		a->type = TRACE_STR;
		a->text = json_str(d->a, j);
	} else if (json_i64(j, &n)) {
		a->type = TRACE_I64;
		a->i64 = n;
	}
}

/* An event's attributes are its own. A state is one, named by its key: by names the guard knows secrets. */
static void draft_said(struct trace_draft *d, const struct trace_said *s)
{
	bool state = s->kind == MARK_STATE;
	const struct json *j = d->failed || s->value.n == 0 ? NULL : json_parse(d->a, s->value, NULL);
	size_t count = state ? 1 : json_count(j);
	struct trace_event *e = trace_draft_event(d, state ? "bottrace.state" : "event", s->time_ns,
						  (uint32_t)(count < FIELDS_MAX ? count : FIELDS_MAX) + 1);

	if (e == NULL)
		return;
	if (state && j)
		draft_field(d, e, s->name.p ? s->name : STR(""), j);
	if (!state && s->name.n)
		e->name = s->name;
	for (j = state ? NULL : json_first(j); j; j = json_next(j))
		draft_field(d, e, json_key(d->a, j), j);
	if (s->cut)
		trace_draft_event_i64(e, "bottrace.cut", 1);
}

void trace_said_draft(struct trace_draft *d, const struct trace_saids *all)
{
	for (const struct trace_said *s = all->first; s; s = s->next)
		draft_said(d, s);
	if (all->left)
		trace_draft_i64(d, "bottrace.events.left_out", all->left);
}

static void draft_status(struct trace_draft *d, const struct mark_note *end)
{
	if (end == NULL || end->error.p == NULL || str_eq(end->error, STR("GeneratorExit"))) {
		d->s.status = TRACE_STATUS_OK;
		return;
	}
	d->s.status = str_eq(end->error, STR("CancelledError")) ? TRACE_STATUS_ABORTED : TRACE_STATUS_ERROR;
	d->s.status_type = end->error;
	if (end->message.n)
		d->s.status_message = end->message;
	trace_draft_str(d, "error.type", end->error);
}

/* end: what was said at its end; NULL: nothing. status: then. */
static void tell(struct trace_set *t, struct trace_marker *m, const struct mark_note *end,
		 enum trace_status status)
{
	autodrop(drop_memory) char *state = NULL;
	struct trace_draft d;

	trace_draft_init(&d);
	d.s.id = m->id;
	d.s.seq = m->seq;
	d.s.parent = m->parent;
	d.s.kind = "step";
	d.s.name = m->name.n ? m->name : STR("step");
	d.s.start_ns = m->start_ns;
	d.s.pid = m->process->proc->pid;
	d.s.tid = m->tid;
	trace_draft_link(&d, m->how, m->certain);
	if (m->parent_tid && m->parent_tid != m->tid)
		trace_draft_evidence(&d, "the context of thread %u came to thread %u", m->parent_tid, m->tid);
	else
		trace_draft_evidence(&d, "pid %u said so", d.s.pid);
	if (end) {
		d.s.end_ns = end->ts_ns;
		draft_status(&d, end);
	} else {
		d.s.status = status;
		d.s.end_ns = status == TRACE_STATUS_OPEN ? 0 : m->process->proc->end_ns;
		if (status != TRACE_STATUS_OPEN && d.s.end_ns == 0)
			d.s.end_ns = t->now_ns;
	}
	if (d.s.status == TRACE_STATUS_ERROR)
		state = trace_failure_step(t, m->process, m->id, m->tid, end->error, end->message);
	else if (end)
		m->process->thrown = (struct hash128){0};
	trace_draft_events(&d, (t->light ? 0 : m->saids.count) + (state != NULL));
	if (!t->light) {
		trace_draft_json(&d, "bottrace.input", m->input);
		if (m->cut)
			trace_draft_bool(&d, "bottrace.input.cut", true);
		if (end && end->value.p)
			trace_draft_json(&d, "bottrace.output", end->value);
		if (end && end->cut)
			trace_draft_bool(&d, "bottrace.output.cut", true);
		trace_said_draft(&d, &m->saids);
	}
	trace_failure_draft(&d, state, d.s.end_ns);
	trace_tell(t, m->root, &d, &m->told);
}

/* ---- sessions ---- */

static struct trace_root *session_get(struct trace_set *t, struct trace_process *pr,
				      const struct mark_note *n)
{
	if (n->session.p == NULL)
		return pr->root;
	struct trace_root *r = trace_session_find(t, n->session);

	return r ? r : trace_session_new(t, pr, n->session, n->ts_ns);
}

/* ---- notes ---- */

/* What it belongs to: the marker around it, as its own context has it; else the session or the process. */
static void place(struct trace_set *t, struct trace_marker *m, const struct mark_note *n)
{
	const struct trace_marker *up = marker_find(t, m->process, n->parent);

	if (up && n->foreign && up->tid != m->tid)
		up = NULL; /* a thread's context is its starter's there, and pools' threads are started by anybody */
	m->root = session_get(t, m->process, n);
	if (m->root == NULL)
		m->root = m->process->root;
	if (up && up->root == m->root) {
		m->parent = up->id;
		m->around = up->number;
		m->parent_tid = up->tid;
		m->how = up->tid == m->tid ? "marker" : "context";
		m->certain = true;
		return;
	}
	m->parent = m->root->session ? m->root->t.root : trace_process_parent(m->process);
	m->how = m->root->session ? "marker" : "process";
	m->certain = true;
}

static struct trace_marker *marker_new(struct trace_set *t, struct trace_process *pr,
				       const struct mark_note *n)
{
	size_t input = n->value.n, size = sizeof(struct trace_marker) + n->name.n;
	uint64_t facts[] = {t->boot_id[0], t->boot_id[1], pr->proc->pid, pr->proc->start_ns, n->number};
	struct marker_key key = {pr->serial, n->number};

	if (t->held + size + input > HELD_MAX)
		input = 0;
	struct trace_marker *m = calloc(1, size + input);
	if (m == NULL)
		return NULL;
	char *at = (char *)(m + 1);
	m->process = pr;
	m->number = n->number;
	m->held = size + input;
	m->name = keep(&at, n->name);
	m->cut = n->cut || input < n->value.n;
	if (input == n->value.n)
		m->input = keep(&at, n->value);
	m->tid = n->tid;
	m->start_ns = n->ts_ns;
	m->id = trace_id_of(facts, 5, 7);
	if (map_add(t->markers, &key, m) < 0) {
		free(m);
		return NULL;
	}
	t->held += m->held;
	pr->steps++;
	m->prev = t->last_marker;
	if (t->last_marker)
		t->last_marker->next = m;
	else
		t->first_marker = m;
	t->last_marker = m;
	return m;
}

static void begin(struct trace_set *t, struct trace_process *pr, const struct mark_note *n)
{
	if (n->number == 0 || marker_find(t, pr, n->number))
		return;
	if (map_count(t->markers) >= LIMIT_OPEN_SPANS && t->first_marker) {
		tell(t, t->first_marker, NULL, TRACE_STATUS_OPEN);
		marker_free(t, t->first_marker);
	}
	struct trace_marker *m = marker_new(t, pr, n);
	if (m == NULL) {
		t->lost++;
		return;
	}
	place(t, m, n);
	pr->thrown = (struct hash128){0};
	m->seq = ++m->root->seq;
	struct trace_span s = {.id = m->id,
			       .parent = m->parent,
			       .seq = m->seq,
			       .kind = "step",
			       .name = m->name,
			       .start_ns = m->start_ns,
			       .pid = pr->proc->pid,
			       .tid = m->tid};
	trace_began(t, m->root, &s);
}

static void end(struct trace_set *t, struct trace_process *pr, const struct mark_note *n)
{
	struct trace_marker *m = marker_find(t, pr, n->number);

	if (m == NULL)
		return; /* it began before somebody listened */
	tell(t, m, n, TRACE_STATUS_OK);
	marker_free(t, m);
}

static void say(struct trace_set *t, struct trace_process *pr, const struct mark_note *n)
{
	struct trace_marker *m = marker_find(t, pr, n->number);
	struct trace_root *root = m ? NULL : session_get(t, pr, n);

	if (m)
		said_add(t, &m->saids, n);
	else if (root && root->session)
		said_add(t, &root->saids, n);
	else
		said_add(t, &pr->saids, n);
	pr->changed = true;
}

/* The thread goes on elsewhere. Its session is what the context has that it runs in. */
static void move(struct trace_set *t, struct trace_process *pr, const struct mark_note *n)
{
	struct trace_thread *x = thread_get(t, pr, n->tid);

	if (x == NULL)
		return;
	thread_move(x, marker_find(t, pr, n->now));
	struct trace_root *r = n->kind == MARK_END && x->marker ? x->marker->root : session_get(t, pr, n);
	x->root = r && r->session ? r : NULL;
}

void trace_marker(void *ctx, const struct mark_note *n)
{
	struct trace_set *t = ctx;
	struct trace_process *pr = trace_process_get(t, n->proc);

	if (n->ts_ns > t->now_ns)
		t->now_ns = n->ts_ns;
	if (pr == NULL || pr->proc == NULL) {
		t->lost++;
		return;
	}
	if (n->kind == MARK_BEGIN)
		begin(t, pr, n);
	else if (n->kind == MARK_EVENT || n->kind == MARK_STATE)
		say(t, pr, n);
	if (n->has_now)
		move(t, pr, n);
	if (n->kind == MARK_END)
		end(t, pr, n);
}

/* ---- what others ask ---- */

bool trace_marker_place(struct trace_set *t, const struct trace_process *pr, uint32_t tid,
			struct trace_place *out)
{
	const struct trace_thread *x = pr->proc ? thread_find(t, pr, tid) : NULL;

	if (x == NULL || (x->marker == NULL && x->root == NULL))
		return false;
	if (x->marker)
		*out = (struct trace_place){.root = x->marker->root,
					    .parent = x->marker->id,
					    .name = x->marker->name,
					    .start_ns = x->marker->start_ns};
	else
		*out = (struct trace_place){.root = x->root,
					    .parent = x->root->t.root,
					    .name = str_of(x->root->session),
					    .start_ns = x->root->t.start_ns};
	return true;
}

void trace_marker_end(struct trace_set *t, struct trace_process *pr)
{
	for (struct trace_marker *m = t->first_marker, *next = NULL; m != NULL && pr->steps > 0; m = next) {
		next = m->next;
		if (m->process != pr)
			continue;
		tell(t, m, NULL, TRACE_STATUS_ABORTED);
		marker_free(t, m);
	}
}

void trace_marker_finish(struct trace_set *t)
{
	while (t->first_marker) {
		tell(t, t->first_marker, NULL, TRACE_STATUS_OPEN);
		marker_free(t, t->first_marker);
	}
}

bool trace_marker_init(struct trace_set *t)
{
	t->markers = map_new(sizeof(struct marker_key), LIMIT_OPEN_SPANS + 1);
	t->threads = map_new(sizeof(struct marker_key), THREADS_MAX);
	return t->markers && t->threads;
}

void trace_marker_free(struct trace_set *t)
{
	size_t pos = 0;
	void *x;

	while (t->markers && t->first_marker)
		marker_free(t, t->first_marker);
	while (t->threads && map_next(t->threads, &pos, NULL, &x))
		free(x);
	map_free(t->markers);
	map_free(t->threads);
}
