/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/effect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "trace/set.h"

#define LATE_MAX    65536u /* spans that wait for their events */
#define VALUE_MAX   (80u << 10)
#define RAISED_LOOK 64u /* exceptions that may still go on */

/* Events of a span that was told. */
struct trace_late {
	uint64_t id;
	struct trace_saids saids;
};

int trace_effect_init(struct trace_effects *x)
{
	x->late = map_new(sizeof(uint64_t), LATE_MAX);
	return x->late ? 0 : -ENOMEM;
}

static void effect_free(struct trace_set *t, struct trace_effect *e)
{
	t->effects.raw -= e->stack != NULL;
	py_stack_free(e->stack);
	free(e->visit);
	free(e->state);
	free(e);
}

void trace_effect_free(struct trace_set *t)
{
	struct trace_effects *x = &t->effects;
	size_t at = 0;
	void *late;

	while (x->first) {
		struct trace_effect *e = x->first;

		x->first = e->next;
		effect_free(t, e);
	}
	while (x->late && map_next(x->late, &at, NULL, &late)) {
		trace_said_free(t, &((struct trace_late *)late)->saids);
		free(late);
	}
	map_free(x->late);
}

/* ---- what is worth telling ---- */

static bool is_file(const struct py_frame *f, const char *name)
{
	return f->origin == PY_ORIGIN_STDLIB && str_eq(str_base_name(f->file), str_of(name));
}

/* Whether code was made by the standard library, or while modules are imported, or by nobody of the user's. */
static bool is_imports(const struct py_stack *s)
{
	if (s == NULL || s->source >= s->count || s->frames[0].origin == PY_ORIGIN_STDLIB)
		return true;
	for (uint32_t i = 0; i < s->source; i++)
		if (str_starts(s->frames[i].file, STR("<frozen importlib")))
			return true;
	return false;
}

/* What the marker module makes for itself: it says so by the name that it gives to the text. */
static bool is_marker(const struct py_event *e, const struct py_frame *f)
{
	return f && str_eq(str_base_name(f->file), STR("bottrace.py")) &&
	       str_find(e->args, STR("\"<bottrace>\"")) >= 0;
}

/* What the interpreter and its library do for themselves: open descriptors, write caches of modules, make functions from text,
 * and say once more what they were asked for. */
static bool is_own(const struct py_event *e)
{
	const struct py_stack *s = e->stack;
	const struct py_frame *f = s && s->count > 0 ? &s->frames[0] : NULL;

	if (e->kind != PY_EVENT_AUDIT)
		return false;
	switch (e->what) {
	case WIRE_PY_OPEN:
		return e->first == WIRE_PY_ITEM_INT ||
		       (f && (str_starts(f->file, STR("<frozen importlib")) ||
			      (is_file(f, "subprocess.py") && str_find(e->args, STR("/dev/null")) >= 0)));
	case WIRE_PY_SPAWN:
		return f && is_file(f, "subprocess.py");
	case WIRE_PY_RUN:
	case WIRE_PY_COMPILE:
		return is_imports(s) || is_marker(e, f);
	default:
		return false;
	}
}

/* ---- coming ---- */

/* agent.py:41 Researcher.run */
static void write_place(struct jsonw *w, struct buf *scratch, const struct py_frame *f)
{
	buf_clear(scratch);
	buf_addf(scratch, "%.*s:%u %.*s", STR_ARG(str_head(str_base_name(f->file), 120)), f->line,
		 STR_ARG(str_head(f->function, 120)));
	jsonw_str(w, buf_str(scratch));
}

/* The members of the event's attributes that are known when it comes. */
static void write_value(struct jsonw *w, struct buf *scratch, const struct py_event *e)
{
	const struct py_stack *s = e->stack;
	const struct py_frame *source = s && s->source < s->count ? &s->frames[s->source] : NULL;

	jsonw_object(w);
	switch (e->kind) {
	case PY_EVENT_AUDIT:
		jsonw_raw(jsonw_key(w, "bottrace.audit.args"), e->args);
		if (e->cut)
			jsonw_u64(jsonw_key(w, "bottrace.cut"), 1);
		break;
	case PY_EVENT_PAUSE:
		jsonw_u64(jsonw_key(w, "bottrace.duration_ns"), e->pause_ns);
		jsonw_u64(jsonw_key(w, "bottrace.gc.generation"), e->generation);
		jsonw_i64(jsonw_key(w, "bottrace.gc.collected"), e->collected);
		break;
	default:
		jsonw_str(jsonw_key(w, "exception.type"), e->type);
		if (e->message.p)
			jsonw_str(jsonw_key(w, "exception.message"), e->message);
		if (e->cut)
			jsonw_u64(jsonw_key(w, "bottrace.cut"), 1);
		if (s && s->count > 0)
			write_place(jsonw_key(w, "bottrace.exception.raised"), scratch, &s->frames[0]);
		break;
	}
	if (source)
		write_place(jsonw_key(w, "bottrace.source"), scratch, source);
	if (s && s->task.n)
		jsonw_str(jsonw_key(w, "bottrace.task"), s->task);
}

static struct str put(char **at, struct str s)
{
	struct str out = s.p ? str_make(*at, s.n) : STR_NONE;

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

static struct str name_of(const struct py_event *e)
{
	return e->kind == PY_EVENT_AUDIT ? e->name : e->kind == PY_EVENT_PAUSE ? STR("gc") : STR("exception");
}

static struct trace_effect *effect_new(const struct py_event *e)
{
	autodrop(buf_fini) struct buf value, scratch;
	struct str name = name_of(e);
	struct jsonw w;

	buf_init(&value, VALUE_MAX);
	buf_init(&scratch, 1024);
	jsonw_init(&w, &value);
	write_value(&w, &scratch, e);
	if (buf_err(&value) != 0 || buf_err(&scratch) != 0)
		return NULL;
	struct trace_effect *x = calloc(1, sizeof(*x) + name.n + value.n + e->type.n + e->message.n);
	if (x == NULL)
		return NULL;
	char *at = (char *)(x + 1);
	x->name = put(&at, name);
	x->value = put(&at, buf_str(&value));
	x->type = put(&at, e->type);
	x->message = put(&at, e->message);
	x->kind = e->kind;
	x->what = e->what;
	x->tid = e->tid;
	x->ts_ns = e->ts_ns;
	x->raised = e->raised;
	return x;
}

/* The exception goes on: in which of the frames. */
static void pass(struct trace_effect *x, uint64_t frame)
{
	if (x->stack) {
		for (uint32_t i = x->raw_at + 1; i < x->stack->count; i++)
			if (x->stack->frames[i].frame == frame)
				x->raw_at = i;
		return;
	}
	for (uint32_t i = x->passed; x->visit && i < x->visit->count; i++)
		if (x->visit->sights[i].where.frame == frame) {
			x->passed = i + 1;
			break;
		}
}

static void find_raised(struct trace_set *t, const struct trace_process *pr, const struct py_event *e)
{
	struct trace_effect *x = t->effects.newest_raised;

	for (uint32_t n = 0; x != NULL && n < RAISED_LOOK; n++, x = x->raised_before)
		if (x->process == pr && x->tid == e->tid && x->raised == e->raised) {
			pass(x, e->frame);
			return;
		}
}

/* ---- looking at frames ---- */

/* Sights that stand for one of the first frames of a stack. */
static uint32_t sights_in(const struct trace_visit *v, const struct py_stack *s, uint32_t frames)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < frames && i < s->count && n < v->count; i++)
		n += v->sights[n].where.frame == s->frames[i].frame &&
		     str_eq(v->sights[n].where.spot->function, s->frames[i].function);
	return n;
}

static void ripen(struct trace_set *t, struct trace_effect *x)
{
	if (x->stack == NULL)
		return;
	x->visit = trace_visit_new(t, x->process, x->stack);
	if (x->visit) {
		x->visit->start_ns = x->ts_ns;
		x->visit->root = x->process->root;
		x->passed = sights_in(x->visit, x->stack, x->raw_at + 1);
	}
	py_stack_free(x->stack);
	x->stack = NULL;
	t->effects.raw--;
}

void trace_effect_ripen(struct trace_set *t)
{
	for (struct trace_effect *x = t->effects.first_raw; x != NULL; x = x->next)
		ripen(t, x);
	t->effects.first_raw = NULL;
}

static void ripen_oldest(struct trace_set *t)
{
	struct trace_effects *all = &t->effects;

	while (all->first_raw && all->first_raw->stack == NULL)
		all->first_raw = all->first_raw->next;
	if (all->raw <= TRACE_EFFECTS_RAW || all->first_raw == NULL)
		return;
	ripen(t, all->first_raw);
	all->first_raw = all->first_raw->next;
}

/* What was compiled a moment ago, in the same place, is run: it was told with its text. */
static bool is_run_of_last(const struct trace_effect *last, const struct trace_process *pr,
			   const struct py_event *e)
{
	return e->kind == PY_EVENT_AUDIT && e->what == WIRE_PY_RUN && last && last->what == WIRE_PY_COMPILE &&
	       last->process == pr && last->tid == e->tid && last->stack && e->stack &&
	       last->stack->count == e->stack->count &&
	       last->stack->frames[0].frame == e->stack->frames[0].frame &&
	       last->stack->frames[0].line == e->stack->frames[0].line;
}

/* What is alive now: whether it left an agent, a tool or the program is known later. The oldest one's goes. */
static void keep_state(struct trace_set *t, struct trace_effect *x)
{
	struct trace_effects *all = &t->effects;
	struct trace_effect **at = &all->stated[all->stated_count % TRACE_STATED_MAX];

	x->state = trace_failure_raised(t, x->process, x->ts_ns);
	if (x->state == NULL)
		return;
	if (*at) {
		free((*at)->state);
		(*at)->state = NULL;
	}
	*at = x;
	all->stated_count++;
}

static void add(struct trace_set *t, struct trace_process *pr, struct py_event *e)
{
	struct trace_effects *all = &t->effects;
	struct trace_place place;

	if (is_run_of_last(all->last, pr, e))
		return;
	if (all->count == TRACE_EFFECTS_MAX)
		trace_agent_settle(t);
	struct trace_effect *x = effect_new(e);

	if (x == NULL) {
		t->lost++;
		return;
	}
	x->process = pr;
	if (trace_marker_place(t, pr, e->tid, &place)) {
		x->step = place.parent;
		x->step_ns = place.start_ns;
	}
	x->stack = e->stack;
	e->stack = NULL;
	all->raw += x->stack != NULL;
	*(all->last ? &all->last->next : &all->first) = x;
	all->last = x;
	all->count++;
	if (x->kind == PY_EVENT_RAISED) {
		keep_state(t, x);
		x->raised_before = all->newest_raised;
		all->newest_raised = x;
	}
	if (x->stack && all->first_raw == NULL)
		all->first_raw = x;
	ripen_oldest(t);
}

void trace_effect_add(struct trace_set *t, struct py_event *e)
{
	struct trace_process *pr = e->proc ? trace_process_get(t, e->proc) : NULL;

	if (pr == NULL || pr->proc == NULL || t->light)
		return;
	if (e->kind == PY_EVENT_SUMS) {
		pr->sums = e->sums;
		pr->changed = true;
	} else if (e->kind == PY_EVENT_PASSED) {
		find_raised(t, pr, e);
	} else if (!is_own(e)) {
		add(t, pr, e);
	}
}

/* ---- told ---- */

/* Whether the exception left the frame of a sight: what stands outwards of it saw it too. */
static bool has_left(const struct trace_effect *x, uint32_t at)
{
	return at + 1 < x->passed;
}

static void write_left(struct jsonw *w, const struct trace_effect *x)
{
	uint32_t left = x->passed ? x->passed - 1 : 0;

	if (left == 0 || x->visit == NULL)
		return;
	jsonw_array(jsonw_key(w, "bottrace.exception.left"));
	for (uint32_t i = 0; i < left && i < TRACE_LEFT_MAX; i++)
		jsonw_str(w, str_head(x->visit->sights[i].where.spot->function, 120));
	jsonw_array_end(w);
}

/* The whole value: with what became known since. how: it is known to belong there. */
static void say(struct trace_set *t, const struct trace_effect *x, struct trace_saids *to, const char *how,
		bool escaped)
{
	autodrop(buf_fini) struct buf tail;
	autodrop(buf_fini) struct buf value;
	struct jsonw w;

	buf_init(&tail, 4096);
	buf_init(&value, VALUE_MAX + 4096);
	jsonw_init(&w, &tail);
	jsonw_object(&w);
	if (x->kind == PY_EVENT_RAISED) {
		jsonw_bool(jsonw_key(&w, "exception.escaped"), escaped);
		write_left(&w, x);
	}
	jsonw_z(jsonw_key(&w, "bottrace.link"), how);
	if (x->likely)
		jsonw_u64(jsonw_key(&w, "bottrace.likely"), 1);
	jsonw_object_end(&w);
	buf_add(&value, x->value);
	buf_add_char(&value, ',');
	buf_add(&value, str_skip(buf_str(&tail), 1));
	if (buf_err(&value) != 0 || buf_err(&tail) != 0) {
		t->lost++;
		return;
	}
	trace_said_add(t, to, x->name, buf_str(&value), x->ts_ns);
	if (escaped && x->state)
		trace_failure_say(t, to, x->state, x->ts_ns);
}

/* An exception that no code of the user's own saw is the library's own affair. */
static bool is_told(const struct trace_effect *x)
{
	return x->kind != PY_EVENT_RAISED || x->passed > 0;
}

static struct trace_saids *late_get(struct trace_set *t, uint64_t id)
{
	struct trace_late *late = map_get(t->effects.late, &id);

	if (late != NULL)
		return &late->saids;
	late = calloc(1, sizeof(*late));
	if (late == NULL)
		return NULL;
	late->id = id;
	if (map_add(t->effects.late, &late->id, late) < 0) {
		free(late);
		return NULL;
	}
	return &late->saids;
}

bool trace_effect_is_steps(const struct trace_effect *x)
{
	return x->step && (x->run == NULL || x->step_ns > x->run->start_ns);
}

static bool is_runs(const struct trace_effect *x)
{
	return x->run && x->tool == NULL && !trace_effect_is_steps(x) && is_told(x);
}

void trace_effect_draft(struct trace_set *t, struct trace_draft *d, struct trace_run *r)
{
	for (const struct trace_effect *x = r->effects; x != NULL; x = x->run_next)
		if (is_runs(x))
			say(t, x, &r->saids, "frame", has_left(x, x->run_at));
	trace_draft_events(d, r->saids.count);
	trace_said_draft(d, &r->saids);
	if (r->failed) {
		d->s.status = TRACE_STATUS_ERROR;
		d->s.status_type = r->failed->type;
		if (r->failed->message.n)
			d->s.status_message = r->failed->message;
		trace_draft_str(d, "error.type", r->failed->type);
	}
}

static void place(struct trace_set *t, struct trace_effect *x)
{
	struct trace_saids *to = NULL;
	bool told = x->run && x->run->told;

	if (!is_told(x) || (is_runs(x) && told))
		return;
	if (x->tool && told && !trace_effect_is_steps(x))
		to = late_get(t, x->tool->id);
	if (to) {
		say(t, x, to, "frame", has_left(x, x->tool_at));
		return;
	}
	x->likely = false;
	if (x->step)
		to = late_get(t, x->step);
	if (to) {
		say(t, x, to, "step", false);
		return;
	}
	bool escaped = x->visit && x->passed == x->visit->count && x->visit->outermost &&
		       x->process->proc->exit_code != 0;
	say(t, x, &x->process->saids, "process", escaped);
	x->process->changed = true;
}

void trace_effect_settle(struct trace_set *t)
{
	struct trace_effects *all = &t->effects;

	for (struct trace_effect *x = all->first, *next = NULL; x != NULL; x = next) {
		next = x->next;
		place(t, x);
		effect_free(t, x);
	}
	all->first = all->last = all->first_raw = all->newest_raised = NULL;
	all->count = 0;
	memset(all->stated, 0, sizeof(all->stated));
}

void trace_effect_finish(struct trace_set *t)
{
	size_t at = 0;
	void *p;

	while (t->settings.ops->say && map_next(t->effects.late, &at, NULL, &p)) {
		const struct trace_late *late = p;
		struct trace_draft d;

		trace_draft_init(&d);
		d.s.id = late->id;
		trace_draft_events(&d, late->saids.count);
		trace_said_draft(&d, &late->saids);
		if (trace_draft_whole(&d))
			t->settings.ops->say(t->settings.ctx, &d.s);
		else
			t->lost++;
		trace_draft_fini(&d);
	}
}
