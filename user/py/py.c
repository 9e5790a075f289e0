/* SPDX-License-Identifier: BSD-2-Clause */
/* What each record means; which of a process's files are its user's own. */
#include "py/py.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "py/code.h"
#include "py/event.h"
#include "py/make.h"
#include "py/origin.h"
#include "py/outward.h"
#include "py/recent.h"
#include "py/stack.h"
#include "py/value.h"

#define WORKS	    64u /* more than processors that send at once */
#define PARENTS_MAX 8u	/* of a process that multiprocessing made */

struct process_key {
	uint64_t pid;
	uint64_t start_ns;
};

/* A process that runs Python. */
struct process {
	struct process_key key;
	uint64_t serial;
	bool told; /* what runs there */
	struct py_runtime runtime;
	struct code *codes;
	struct recent_conn *conns;
	char *stdlib; /* directory; NULL: not seen */
	bool args_read;
	char package[ORIGIN_NAME_MAX]; /* of __main__ */
	struct origin origin;
};

struct py {
	struct py_settings settings;
	struct map *processes;
	uint64_t serial;
	struct code_table codes;
	struct recent recent;
	struct make_table makes;
	struct wire_py_work works[WORKS]; /* the latest ones: their stacks come next */
	uint32_t work_count;
	size_t value_bytes; /* of what rules read */
	struct event_table events;
	struct stack_account account;
	struct py_stats stats;
};

struct py *py_new(const struct py_settings *settings)
{
	autodrop(drop_py) struct py *py = calloc(1, sizeof(*py));

	if (py == NULL)
		return NULL;
	py->settings = *settings;
	event_init(&py->events);
	py->processes = map_new(sizeof(struct process_key), LIMIT_PROCESSES);
	if (py->processes == NULL || code_init(&py->codes, LIMIT_PY_CODE_BYTES) < 0 ||
	    make_init(&py->makes, LIMIT_PY_MAKE_BYTES, &py->value_bytes) < 0 ||
	    recent_init(&py->recent, &py->value_bytes) < 0)
		return NULL;
	return take(py);
}

/* ---- processes ---- */

static struct process *process_find(const struct py *py, uint32_t pid, uint64_t start_ns)
{
	struct process_key key = {.pid = pid, .start_ns = start_ns};

	return map_get(py->processes, &key);
}

static struct process *process_get(struct py *py, const struct wire_head *rec)
{
	struct process *p = process_find(py, rec->pid, rec->start_ns);

	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->key = (struct process_key){.pid = rec->pid, .start_ns = rec->start_ns};
	p->serial = ++py->serial;
	if (map_add(py->processes, &p->key, p) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

static void process_free(struct py *py, struct process *p)
{
	recent_drop_all(&py->recent, &p->conns);
	make_drop_all(&py->makes, p->serial);
	code_drop(&py->codes, &p->codes);
	free(p->stdlib);
	free(p);
}

static void process_end(struct py *py, const struct wire_head *rec)
{
	struct process_key key = {.pid = rec->pid, .start_ns = rec->start_ns};
	struct process *p = map_remove(py->processes, &key);

	if (p != NULL)
		process_free(py, p);
}

void py_free(struct py *py)
{
	size_t at = 0;
	void *p;

	if (py == NULL)
		return;
	while (py->processes && map_next(py->processes, &at, NULL, &p))
		process_free(py, p);
	map_free(py->processes);
	event_fini(&py->events);
	code_fini(&py->codes);
	recent_fini(&py->recent);
	make_fini(&py->makes);
	free(py);
}

/* ---- whose files are whose ---- */

static void package_set(struct process *p, size_t n)
{
	if (n > 0)
		p->origin.package = str_make(p->package, n);
}

/* A process that multiprocessing made runs its parent's program. */
static const struct proc *program_of(const struct proc *proc, struct str *what, enum origin_main *kind)
{
	for (uint32_t i = 0; proc != NULL && i < PARENTS_MAX; i++, proc = proc->parent) {
		*kind = origin_main(proc->argv, proc->argc, what);
		if (*kind != ORIGIN_MAIN_TEXT || !str_starts(*what, STR("from multiprocessing.")))
			return proc;
	}
	return NULL;
}

static void read_args(struct py *py, struct process *p)
{
	const struct proc *proc = proc_find(py->settings.procs, (uint32_t)p->key.pid, p->key.start_ns);
	enum origin_main kind = ORIGIN_MAIN_NONE;
	struct str what = STR_NONE;

	if (p->args_read || proc == NULL || proc->argc == 0)
		return;
	p->args_read = true;
	if (program_of(proc, &what, &kind) == NULL)
		return;
	if (kind == ORIGIN_MAIN_FILE && p->origin.package.p == NULL)
		package_set(p, origin_package(what, p->package));
	else if (kind == ORIGIN_MAIN_MODULE && p->origin.package.p == NULL)
		package_set(p, origin_module(what, p->package));
	p->origin.text = kind == ORIGIN_MAIN_TEXT;
}

static void learn_stdlib(struct process *p, const struct code *c)
{
	struct str dir = p->stdlib ? STR_NONE : origin_stdlib(c->file, c->function);

	if (dir.n == 0)
		return;
	p->stdlib = str_dup(dir);
	if (p->stdlib)
		p->origin.stdlib = str_make(p->stdlib, dir.n);
}

/* The outermost frame of the main thread is the module `__main__`, or runpy's, below which that stands. */
static void learn_main(struct py *py, struct process *p, const struct wire_py_stack *rec)
{
	const struct wire_py_frame *frames = (const void *)rec->payload;

	if (p->origin.package.p != NULL)
		return;
	for (uint32_t i = rec->count; i > 0; i--) {
		const struct wire_py_frame *f = &frames[i - 1];
		const struct code *c = code_find(&py->codes, p->serial, f->code, f->epoch);

		if (c == NULL)
			return;
		if (str_eq(c->function, STR("<module>"))) {
			package_set(p, origin_package(c->file, p->package));
			return;
		}
		if (!str_starts(c->function, STR("_run_")) ||
		    !(str_eq(c->file, STR("<frozen runpy>")) || str_ends(c->file, STR("/runpy.py"))))
			return;
	}
}

/* ---- records ---- */

static void take_runtime(struct py *py, const struct wire_head *rec)
{
	const struct wire_py_runtime *w = (const void *)rec;
	struct process *p = process_get(py, rec);

	if (p == NULL) {
		py->stats.dropped++;
		return;
	}
	p->told = true;
	p->runtime = (struct py_runtime){.version = w->version, .reason = w->reason, .since_ns = rec->ts_ns};
}

static void take_code(struct py *py, const struct wire_head *rec)
{
	const struct wire_py_code *w = (const void *)rec;
	struct process *p = process_get(py, rec);
	const struct code *c = p ? code_add(&py->codes, p->serial, &p->codes, w) : NULL;

	py->stats.codes++;
	if (c == NULL)
		py->stats.dropped++;
	else
		learn_stdlib(p, c);
}

static void take_work(struct py *py, const struct wire_head *rec)
{
	py->works[py->work_count++ % WORKS] = *(const struct wire_py_work *)(const void *)rec;
}

/* What came before a stack of the same thread and time. */
static const struct wire_py_work *find_work(const struct py *py, const struct wire_head *rec)
{
	for (uint32_t i = 0; i < WORKS && i < py->work_count; i++) {
		const struct wire_head *h = &py->works[i].head;

		if (h->ts_ns == rec->ts_ns && h->tid == rec->tid && h->start_ns == rec->start_ns)
			return &py->works[i];
	}
	return NULL;
}

static void take_make(struct py *py, const struct wire_head *rec)
{
	const struct wire_py_make *w = (const void *)rec;
	struct process *p = process_get(py, rec);
	struct link link;

	py->stats.makes++;
	if (p == NULL) {
		py->stats.dropped++;
		return;
	}
	outward_find(&link, (const void *)w, find_work(py, rec), p->serial, &py->codes, &py->makes);
	if (make_add(&py->makes, p->serial, w, &link) < 0)
		py->stats.dropped++;
	learn_main(py, p, (const void *)w);
}

/* A stack and those outwards. */
static struct py_stack *give(struct py *py, const struct process *p, const struct wire_py_stack *rec,
			     const struct link *link)
{
	struct value_list *values = recent_values(&py->recent, rec);
	struct py_stack *first = NULL, **at = &first;

	while (rec != NULL) {
		struct py_stack *s = stack_new(rec, &py->codes, p->serial, &p->origin, values, &py->account);

		if (s == NULL) {
			py->stats.dropped++;
			break;
		}
		s->how = link->how;
		s->certain = link->certain;
		s->reach = link->reach < s->count ? link->reach : s->count;
		*at = s;
		at = &s->outer;
		const struct make *to = link->to;
		rec = to ? &to->stack : NULL;
		values = to ? to->values : NULL;
		link = to ? &to->link : NULL;
	}
	return first;
}

/* ---- events ---- */

static void event_tell(struct py *py, const struct wire_head *rec, struct py_stack *stack)
{
	struct py_event e;

	py->stats.events++;
	if (py->settings.ops->event == NULL || !event_read(&py->events, rec, &e)) {
		py->stats.dropped += py->settings.ops->event != NULL;
		py_stack_free(stack);
		return;
	}
	e.stack = stack;
	e.proc = proc_find(py->settings.procs, rec->pid, rec->start_ns);
	py->settings.ops->event(py->settings.ctx, py, &e);
	py_stack_free(e.stack);
}

/* Whose stack does not come any more. */
static void events_left(struct py *py, uint32_t pid)
{
	for (struct wire_head *rec; (rec = event_take_any(&py->events, pid)) != NULL;) {
		event_tell(py, rec, NULL);
		free(rec);
	}
}

static void take_event(struct py *py, const struct wire_head *rec)
{
	struct wire_head *left = NULL;

	if (!event_waits(rec)) {
		event_tell(py, rec, NULL);
		return;
	}
	if (!event_keep(&py->events, rec, &left))
		py->stats.dropped++;
	if (left)
		event_tell(py, left, NULL);
	free(left);
}

/* From where it is kept: values of its frames are still to come. */
static void event_stack(struct py *py, struct process *p, const struct wire_py_stack *w)
{
	struct recent_key key = {p->serial, w->conn.ssl, w->conn.generation};
	const struct wire_py_stack *kept = recent_find(&py->recent, &key, w->offset, false);
	struct wire_head *rec = event_take(&py->events, &w->head);

	if (rec == NULL)
		return;
	read_args(py, p);
	event_tell(py, rec, kept ? give(py, p, kept, recent_link(kept)) : NULL);
	free(rec);
}

/* ---- stacks ---- */

static void take_stack(struct py *py, const struct wire_head *rec)
{
	const struct wire_py_stack *w = (const void *)rec;
	struct process *p = process_get(py, rec);
	struct py_place place = {.pid = rec->pid,
				 .start_ns = rec->start_ns,
				 .ssl = w->conn.ssl,
				 .generation = w->conn.generation,
				 .offset = w->offset};

	py->stats.stacks++;
	if (p == NULL) {
		py->stats.dropped++;
		return;
	}
	struct link link;
	outward_find(&link, w, find_work(py, rec), p->serial, &py->codes, &py->makes);
	if (recent_add(&py->recent, p->serial, &p->conns, w, &link) < 0) {
		py->stats.dropped++;
		return;
	}
	learn_main(py, p, w);
	if (w->conn.ssl == 0)
		event_stack(py, p, w);
	else
		py->settings.ops->stack(py->settings.ctx, py, &place);
}

/* It is of the stack or make that came last with what it says: a make's three numbers are what names it. */
static void take_value(struct py *py, const struct wire_head *rec)
{
	const struct wire_py_value *w = (const void *)rec;
	const struct process *p = process_find(py, rec->pid, rec->start_ns);

	if (p == NULL)
		return;
	struct recent_key key = {p->serial, w->conn.ssl, w->conn.generation};
	const struct wire_py_stack *s = recent_find(&py->recent, &key, w->offset, false);
	struct make *m = s || w->offset >= WIRE_PY_MADE_KINDS
				 ? NULL
				 : make_find(&py->makes, p->serial, (uint32_t)w->offset, w->conn.ssl);
	int r = 0;
	if (s != NULL)
		r = recent_tell(&py->recent, s, w);
	else if (m != NULL && m->rec.root == w->conn.generation)
		r = make_tell(&py->makes, m, w);
	if (r < 0)
		py->stats.dropped++;
}

static void end_connection(struct py *py, const struct wire_head *rec)
{
	const struct wire_tls_close *w = (const void *)rec;
	const struct process *p = process_find(py, rec->pid, rec->start_ns);

	if (p == NULL)
		return;
	struct recent_key key = {p->serial, w->conn.ssl, w->conn.generation};
	recent_drop(&py->recent, &key);
}

void py_feed(struct py *py, const struct wire_head *rec)
{
	switch (rec->kind) {
	case WIRE_PY_RUNTIME:
		take_runtime(py, rec);
		break;
	case WIRE_PY_CODE:
		take_code(py, rec);
		break;
	case WIRE_PY_STACK:
		take_stack(py, rec);
		break;
	case WIRE_PY_WORK:
		take_work(py, rec);
		break;
	case WIRE_PY_MAKE:
		take_make(py, rec);
		break;
	case WIRE_PY_VALUE:
		take_value(py, rec);
		break;
	case WIRE_PY_AUDIT:
	case WIRE_PY_EXCEPTION:
	case WIRE_PY_PAUSE:
	case WIRE_PY_SUMS:
		take_event(py, rec);
		break;
	case WIRE_END:
		events_left(py, 0);
		break;
	case WIRE_TLS_CLOSE:
		end_connection(py, rec);
		break;
	case WIRE_PROC_EXIT:
	case WIRE_PROC_EXEC:
		events_left(py, rec->pid);
		process_end(py, rec);
		break;
	}
}

const struct py_stack *py_outwards(const struct py_stack *s)
{
	return s->outer;
}

const char *py_how_word(enum py_how how)
{
	static const char *const words[] = {
		[PY_HOW_TASK] = "task",		[PY_HOW_WORK] = "work",	      [PY_HOW_THREAD] = "thread",
		[PY_HOW_CALLBACK] = "callback", [PY_HOW_UNKNOWN] = "unknown",
	};

	return words[how];
}

struct py_stack *py_take(struct py *py, const struct py_place *place, bool earlier, uint32_t tid)
{
	struct process *p = process_find(py, place->pid, place->start_ns);

	if (p == NULL)
		return NULL;
	struct recent_key key = {p->serial, place->ssl, place->generation};
	const struct wire_py_stack *rec = recent_find(&py->recent, &key, place->offset, earlier);
	if (rec == NULL || (rec->offset != place->offset && rec->head.tid != tid))
		return NULL;
	read_args(py, p);
	struct py_stack *s = give(py, p, rec, recent_link(rec));
	if (s != NULL && rec->offset != place->offset && s->partial == PY_WHOLE)
		s->partial = PY_EARLIER;
	return s;
}

const struct py_runtime *py_find(const struct py *py, uint32_t pid, uint64_t start_ns)
{
	const struct process *p = process_find(py, pid, start_ns);

	return p && p->told ? &p->runtime : NULL;
}

const char *py_partial_word(int partial)
{
	static const char *const words[] = {
		[WIRE_PY_DEPTH] = "depth",
		[WIRE_PY_FAULT] = "fault",
		[WIRE_PY_THREAD] = "thread",
		[WIRE_PY_VERSION] = "version",
		[WIRE_PY_FREE_THREADED] = "free_threaded",
		[WIRE_PY_KERNEL] = "kernel",
		[WIRE_PY_CHANGED] = "changed",
		[WIRE_PY_LOST] = "lost",
		[WIRE_PY_EARLY] = "early",
		[PY_EARLIER] = "earlier_write",
		[PY_MEMORY] = "memory",
	};

	return partial > 0 && partial <= PY_MEMORY ? words[partial] : NULL;
}

struct py_stats py_stats(const struct py *py)
{
	struct py_stats s = py->stats;

	s.lost_frames = py->account.lost_frames;
	return s;
}
