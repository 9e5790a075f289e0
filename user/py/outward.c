/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack is read from its innermost frame on until what runs there was begun by something else: the step of a task, a
 * pool's work item, a thread. What lies further out is a loop or a worker that serves many. A pool's thread leads to
 * the work item and never to who started the thread. An eager task's step stands on the stack of its maker: there is no
 * loop between, so the stack itself leads outwards.
 */
#include "py/outward.h"

#include "py/stack.h"

struct reader {
	const struct wire_py_stack *rec;
	const struct wire_py_frame *frames;
	const struct wire_py_work *work;
	uint64_t process;
	struct code_table *codes;
	const struct make_table *makes;
};

static const struct code *code_at(const struct reader *r, uint32_t i)
{
	return i < r->rec->count ? code_find(r->codes, r->process, r->frames[i].code, r->frames[i].epoch)
				 : NULL;
}

static bool is_in(const struct code *c, const char *tail)
{
	return c && str_ends(c->file, str_of(tail));
}

/* Up to 3.10 a name comes without its class. */
static bool is_method(const struct code *c, const char *name)
{
	struct str want = str_of(name);

	if (!c)
		return false;
	if (c->version_minor < 11) {
		ptrdiff_t dot = str_find_char(want, '.');
		want = str_skip(want, dot < 0 ? 0 : (size_t)dot + 1);
	}
	return str_eq(c->function, want);
}

/* What is called by a loop: its callbacks, the steps of its tasks. */
static bool is_loop(const struct code *c)
{
	return is_in(c, "/asyncio/events.py") && is_method(c, "Handle._run");
}

/* Of a loop that is no Python: what called it. */
static bool is_runner(const struct code *c)
{
	return is_in(c, "/asyncio/runners.py") || is_in(c, "/uvloop/__init__.py");
}

/* What threads that serve whoever asks are at. */
static bool is_pool(const struct code *c)
{
	static const struct {
		const char *file, *method;
	} pools[] = {
		{"/concurrent/futures/thread.py", "_worker"},
		{"/anyio/_backends/_asyncio.py", "WorkerThread.run"},
		{"/multiprocessing/pool.py", "worker"},
		{"/trio/_core/_thread_cache.py", "WorkerThread._work"},
		{"/gevent/threadpool.py", "_WorkerGreenlet.run"},
	};

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (is_in(c, pools[i].file) && is_method(c, pools[i].method))
			return true;
	return false;
}

/* Loops whose tasks are made where nobody looks. */
static bool is_foreign(const struct code *c)
{
	return is_in(c, "/trio/_core/_run.py") || is_in(c, "/curio/kernel.py");
}

/* A generator's address, from its frame's; before 3.11 that is what was sent. */
static uint64_t generator_of(const struct code *c, const struct wire_py_frame *f)
{
	if (c->version_minor < 11)
		return f->frame;
	return f->frame - (c->version_minor == 11 ? 80 : 72);
}

static void lead(struct link *link, struct make *to, enum py_how how, bool certain)
{
	link->how = (uint8_t)how;
	link->to = make_hold(to);
	link->certain = to && certain;
}

/* The step of a task. inner: the frame that the loop called. */
static void lead_task(struct link *link, const struct reader *r, uint32_t inner, bool certain)
{
	const struct wire_py_frame *f = &r->frames[inner];
	const struct code *c = code_at(r, inner);
	struct make *to = NULL;

	if (f->flags & WIRE_PY_FRAME_GENERATOR && c != NULL)
		to = make_find_root(r->makes, r->process, generator_of(c, f));
	else if (r->rec->task)
		to = make_find(r->makes, r->process, WIRE_PY_MADE_TASK, r->rec->task);
	else {
		lead(link, NULL, PY_HOW_CALLBACK, false);
		return;
	}
	lead(link, to, PY_HOW_TASK, certain);
}

static void lead_work(struct link *link, const struct reader *r, uint32_t what)
{
	struct make *to = NULL;

	if (r->work && r->work->what == what)
		to = make_find(r->makes, r->process, what, r->work->made);
	/* Who waits in a thread of its own for what others ask of it was not called by who started it: nothing tells. */
	lead(link, to, what == WIRE_PY_MADE_WORK ? PY_HOW_WORK : PY_HOW_THREAD, what == WIRE_PY_MADE_WORK);
}

/* anyio's worker thread has the future that its submitter waits for. Whether that one made it there is asked of its stack. */
static bool lead_anyio(struct link *link, const struct reader *r)
{
	struct make *to = r->work && r->work->what == WIRE_PY_MADE_WORK
				  ? make_find(r->makes, r->process, WIRE_PY_MADE_WORK, r->work->made)
				  : NULL;
	const struct wire_py_frame *f = to && to->rec.count ? (const void *)to->rec.payload : NULL;
	const struct code *c = f ? code_find(r->codes, r->process, f->code, f->epoch) : NULL;

	if (!is_in(c, "/anyio/_backends/_asyncio.py") ||
	    !str_ends(c->function, STR("run_sync_in_worker_thread")))
		return false;
	lead(link, to, PY_HOW_WORK, true);
	return true;
}

/* What frame i says of how the run that called the frame `inner` was begun. False: it is part of it. */
static bool look(struct link *link, const struct reader *r, uint32_t i, uint32_t inner, bool *pool)
{
	const struct code *c = code_at(r, i);

	if (inner < i && (is_loop(c) || (is_runner(c) && r->frames[inner].flags & WIRE_PY_FRAME_GENERATOR))) {
		lead_task(link, r, inner, true);
		return true;
	}
	if (is_in(c, "/concurrent/futures/thread.py") && is_method(c, "_WorkItem.run")) {
		lead_work(link, r, WIRE_PY_MADE_WORK);
		return true;
	}
	if (is_in(c, "/anyio/_backends/_asyncio.py") && is_method(c, "WorkerThread.run") &&
	    lead_anyio(link, r))
		return true;
	if (is_foreign(c)) {
		lead(link, NULL, PY_HOW_UNKNOWN, false);
		return true;
	}
	*pool = *pool || is_pool(c);
	if (!is_in(c, "/threading.py") || !is_method(c, "Thread._bootstrap"))
		return false;
	if (*pool)
		lead(link, NULL, PY_HOW_WORK, false);
	else
		lead_work(link, r, WIRE_PY_MADE_THREAD);
	return true;
}

/* Where a program begins. */
static bool is_bottom(const struct code *c)
{
	return c && (str_eq(c->function, STR("<module>")) || str_eq(c->function, STR("_run_module_as_main")));
}

void outward_find(struct link *link, const struct wire_py_stack *rec, const struct wire_py_work *work,
		  uint64_t process, struct code_table *codes, const struct make_table *makes)
{
	const struct reader r = {.rec = rec,
				 .frames = (const void *)rec->payload,
				 .work = work,
				 .process = process,
				 .codes = codes,
				 .makes = makes};
	uint32_t inner = 0;
	bool pool = false;

	*link = (struct link){0};
	for (uint32_t i = 0; i < rec->count; i++) {
		const struct code *c = code_at(&r, i);

		if (stack_is_shim(c))
			continue;
		if (look(link, &r, i, link->reach ? inner : i, &pool))
			return;
		inner = i;
		link->reach++;
	}
	link->how = rec->reason == WIRE_PY_WHOLE && rec->count && is_bottom(code_at(&r, inner))
			    ? PY_HOW_NONE
			    : PY_HOW_UNKNOWN;
	link->certain = link->how == PY_HOW_NONE;
}
