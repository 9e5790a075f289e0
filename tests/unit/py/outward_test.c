/* SPDX-License-Identifier: BSD-2-Clause */
/* From a stack outwards: over tasks, work and threads; addresses that are used again; what is not known. */
#include "py/py.h"

#include "records.h"

#define LIB "/usr/lib/python3.11/"

enum {
	SAY = 0x10,
	STEP,
	LOOP,
	RUN_WORK,
	WORKER,
	THREAD,
	SUBMIT,
	MAIN,
	RUNNER,
	MODULE,
	ANYIO,
	ANYIO_SUBMIT,
	TRIO,
	COROUTINE
};

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	(void)ctx;
	(void)py;
	(void)place;
}

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

static const struct py_ops ops = {.stack = on_stack};
static const struct proc_ops proc_ops = {.begin = nothing, .change = nothing, .end = nothing};

struct world {
	struct proc_table *procs;
	struct py *py;
	uint64_t ts_ns;
};

static void feed(struct world *w, void *rec)
{
	py_feed(w->py, rec);
	free(rec);
}

static void start(struct world *w)
{
	const struct {
		uint64_t code;
		struct text file, name;
	} codes[] = {
		{SAY, LATIN("/home/me/app.py"), LATIN("say")},
		{STEP, LATIN("/home/me/app.py"), LATIN("step")},
		{LOOP, LATIN(LIB "asyncio/events.py"), LATIN("Handle._run")},
		{RUN_WORK, LATIN(LIB "concurrent/futures/thread.py"), LATIN("_WorkItem.run")},
		{WORKER, LATIN(LIB "concurrent/futures/thread.py"), LATIN("_worker")},
		{THREAD, LATIN(LIB "threading.py"), LATIN("Thread._bootstrap")},
		{SUBMIT, LATIN(LIB "concurrent/futures/thread.py"), LATIN("ThreadPoolExecutor.submit")},
		{MAIN, LATIN("/home/me/app.py"), LATIN("main")},
		{RUNNER, LATIN(LIB "asyncio/runners.py"), LATIN("Runner.run")},
		{MODULE, LATIN("/home/me/app.py"), LATIN("<module>")},
		{ANYIO, LATIN("/x/site-packages/anyio/_backends/_asyncio.py"), LATIN("WorkerThread.run")},
		{ANYIO_SUBMIT, LATIN("/x/site-packages/anyio/_backends/_asyncio.py"),
		 LATIN("AsyncIOBackend.run_sync_in_worker_thread")},
		{TRIO, LATIN("/x/site-packages/trio/_core/_run.py"), LATIN("unrolled_run")},
		{COROUTINE, LATIN("/home/me/app.py"), LATIN("ask")},
	};

	*w = (struct world){.procs = proc_new(&proc_ops, NULL)};
	assert_non_null(w->procs);
	w->py = py_new(&(struct py_settings){.ops = &ops, .procs = w->procs});
	assert_non_null(w->py);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		feed(w, code_record(codes[i].code, 1, codes[i].file, codes[i].name));
}

static void stop(struct world *w)
{
	py_free(w->py);
	proc_free(w->procs);
}

/* Of generators (3.11) the address of the generator is what counts: the frame's less 80. */
#define GENERATOR(code, address)                                       \
	{                                                              \
		code, 1, 0, (address) + 80, WIRE_PY_FRAME_GENERATOR, 0 \
	}
#define FRAME(code)                      \
	{                                \
		code, 1, 0, 0x9000, 0, 0 \
	}
#define FRAMES(...)                                  \
	(const struct wire_py_frame[]){__VA_ARGS__}, \
		(uint16_t)(sizeof((struct wire_py_frame[]){__VA_ARGS__}) / sizeof(struct wire_py_frame))

static struct wire_py_stack *stamped(struct world *w, struct wire_py_stack *s)
{
	s->head.ts_ns = ++w->ts_ns;
	return s;
}

static void work(struct world *w, uint32_t what, uint64_t made)
{
	struct wire_py_work *r = record(WIRE_PY_WORK, sizeof(*r), 0);

	r->head.ts_ns = w->ts_ns + 1;
	r->what = what;
	r->made = made;
	assert_true(drain_valid(r, r->head.size));
	feed(w, r);
}

static void make(struct world *w, uint64_t what, uint64_t made, uint64_t root,
		 const struct wire_py_frame *frames, uint16_t count)
{
	struct wire_py_make *m = (void *)stamped(w, stack_record(0, 0, frames, count, NO_TEXT));

	m->head.kind = WIRE_PY_MAKE;
	m->made = made;
	m->root = root;
	m->what = what;
	assert_true(drain_valid(m, m->head.size));
	feed(w, m);
}

/* "HOW[?] FUNCTION" for each stack outwards, FUNCTION the innermost one of the run's own. */
static void has(struct world *w, const struct wire_py_frame *frames, uint16_t count, const char *want)
{
	struct py_place place = {
		.pid = PID, .start_ns = START, .ssl = 1, .generation = 5, .offset = w->ts_ns};
	struct buf b;

	feed(w, stamped(w, stack_record(1, w->ts_ns, frames, count, NO_TEXT)));
	struct py_stack *s = py_take(w->py, &place, false, 0);
	assert_non_null(s);
	buf_init(&b, 1u << 16);
	for (const struct py_stack *at = s; at; at = py_outwards(at)) {
		const char *how = py_how_word(at->how);

		buf_addf(&b, "%.*s/%u %s%s\n", STR_ARG(at->frames[0].function), at->reach, how ? how : "end",
			 at->certain ? "" : "?");
	}
	HARNESS_TEXT("outwards", buf_str(&b), want);
	buf_fini(&b);
	py_stack_free(s);
}

#define BY_MAIN FRAMES(FRAME(MAIN), FRAME(MODULE))

static void test_ends(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	has(&w, FRAMES(FRAME(SAY), FRAME(MAIN), FRAME(MODULE)), "say/3 end\n");
	has(&w, FRAMES(FRAME(SAY), FRAME(MAIN)), "say/2 unknown?\n"); /* who called main? */
	has(&w, FRAMES(FRAME(SAY), FRAME(LOOP), FRAME(MODULE)), "say/1 callback?\n");
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x100), FRAME(TRIO), FRAME(MODULE)), "ask/1 unknown?\n");
	stop(&w);
}

static void test_tasks(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	has(&w, FRAMES(FRAME(SAY), GENERATOR(COROUTINE, 0x100), FRAME(LOOP)), "say/2 task?\n");
	make(&w, WIRE_PY_MADE_TASK, 0xa0, 0x200, BY_MAIN);
	make(&w, WIRE_PY_MADE_TASK, 0xa1, 0x100, FRAMES(GENERATOR(STEP, 0x200), FRAME(LOOP), FRAME(MODULE)));
	has(&w, FRAMES(FRAME(SAY), GENERATOR(COROUTINE, 0x100), FRAME(LOOP)),
	    "say/2 task\nstep/1 task\nmain/2 end\n");
	/* A loop that is no Python: what called it stands below. */
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x200), FRAME(RUNNER), FRAME(MODULE)),
	    "ask/1 task\nmain/2 end\n");
	/* An eager task writes on its maker's stack: that is the way, not the task's own make. */
	make(&w, WIRE_PY_MADE_TASK, 0xa2, 0x300, FRAMES(GENERATOR(STEP, 0x200), FRAME(LOOP), FRAME(MODULE)));
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x300), FRAME(SAY), GENERATOR(STEP, 0x200), FRAME(LOOP)),
	    "ask/3 task\nmain/2 end\n");
	/* The coroutine's address is another one's now. */
	make(&w, WIRE_PY_MADE_TASK, 0xa3, 0x100, BY_MAIN);
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x100), FRAME(LOOP)), "ask/1 task\nmain/2 end\n");
	stop(&w);
}

static void test_makers_stay(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	make(&w, WIRE_PY_MADE_TASK, 0xa0, 0x200, BY_MAIN);
	make(&w, WIRE_PY_MADE_TASK, 0xa1, 0x100, FRAMES(GENERATOR(STEP, 0x200), FRAME(LOOP)));
	/* The maker's own task ended, and another one has its place: what it made was made by the former. */
	make(&w, WIRE_PY_MADE_TASK, 0xa0, 0x200, FRAMES(FRAME(SAY), FRAME(MODULE)));
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x100), FRAME(LOOP)), "ask/1 task\nstep/1 task\nmain/2 end\n");
	has(&w, FRAMES(GENERATOR(COROUTINE, 0x200), FRAME(LOOP)), "ask/1 task\nsay/2 end\n");
	stop(&w);
}

#define IN_POOL FRAMES(FRAME(SAY), FRAME(RUN_WORK), FRAME(WORKER), FRAME(THREAD))

static void test_pools(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	make(&w, WIRE_PY_MADE_THREAD, 0xb0, 0, BY_MAIN); /* by whoever submitted first */
	make(&w, WIRE_PY_MADE_WORK, 0xc0, 0, FRAMES(FRAME(SUBMIT), FRAME(STEP), FRAME(MODULE)));
	work(&w, WIRE_PY_MADE_WORK, 0xc0);
	has(&w, IN_POOL, "say/1 work\nThreadPoolExecutor.submit/3 end\n");
	has(&w, IN_POOL, "say/1 work?\n"); /* its word of what it runs did not come */
	work(&w, WIRE_PY_MADE_WORK, 0xc1);
	has(&w, IN_POOL, "say/1 work?\n"); /* what was submitted is not known */
	/* Never to who started the thread. */
	work(&w, WIRE_PY_MADE_THREAD, 0xb0);
	has(&w, FRAMES(FRAME(SAY), FRAME(WORKER), FRAME(THREAD)), "say/2 work?\n");
	work(&w, WIRE_PY_MADE_THREAD, 0xb0);
	has(&w, FRAMES(FRAME(SAY), FRAME(ANYIO), FRAME(THREAD)), "say/2 work?\n");
	stop(&w);
}

#define IN_ANYIO FRAMES(FRAME(SAY), FRAME(ANYIO), FRAME(THREAD))

static void test_anyio(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	make(&w, WIRE_PY_MADE_THREAD, 0xb0, 0, BY_MAIN);
	make(&w, WIRE_PY_MADE_TASK, 0xa0, 0x100, FRAMES(FRAME(MAIN), FRAME(MODULE)));
	make(&w, WIRE_PY_MADE_WORK, 0xc0, 0,
	     FRAMES(GENERATOR(ANYIO_SUBMIT, 0x300), GENERATOR(STEP, 0x100), FRAME(LOOP)));
	work(&w, WIRE_PY_MADE_WORK, 0xc0);
	has(&w, IN_ANYIO, "say/1 work\nAsyncIOBackend.run_sync_in_worker_thread/2 task\nmain/2 end\n");
	work(&w, WIRE_PY_MADE_WORK, 0xc1);
	has(&w, IN_ANYIO, "say/2 work?\n"); /* a future that nobody was seen to make */
	make(&w, WIRE_PY_MADE_WORK, 0xc0, 0, FRAMES(FRAME(STEP), FRAME(MODULE)));
	work(&w, WIRE_PY_MADE_WORK, 0xc0);
	has(&w, IN_ANYIO, "say/2 work?\n"); /* its place is another one's now */
	work(&w, WIRE_PY_MADE_THREAD, 0xb0);
	has(&w, IN_ANYIO, "say/2 work?\n"); /* never to who started the thread */
	stop(&w);
}

static void test_threads(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	make(&w, WIRE_PY_MADE_THREAD, 0xb0, 0, BY_MAIN);
	work(&w, WIRE_PY_MADE_THREAD, 0xb0);
	has(&w, FRAMES(FRAME(SAY), FRAME(THREAD)), "say/1 thread\?\nmain/2 end\n");
	/* Who submits from a thread is in no pool, though submit stands in a pool's file. */
	work(&w, WIRE_PY_MADE_THREAD, 0xb0);
	make(&w, WIRE_PY_MADE_WORK, 0xc0, 0, FRAMES(FRAME(SUBMIT), FRAME(STEP), FRAME(THREAD)));
	work(&w, WIRE_PY_MADE_WORK, 0xc0);
	has(&w, IN_POOL, "say/1 work\nThreadPoolExecutor.submit/2 thread\?\nmain/2 end\n");
	stop(&w);
}

/* A task that makes its successor, again and again: memory is bounded, and so is what is given out. */
static void test_endless(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	for (uint64_t i = 1; i <= 100000; i++) {
		make(&w, WIRE_PY_MADE_TASK, i << 8, i << 8,
		     FRAMES(GENERATOR(STEP, (i - 1) << 8), FRAME(LOOP), FRAME(MODULE)));
	}
	feed(&w, stamped(&w, stack_record(1, 7, FRAMES(GENERATOR(STEP, 100000 << 8), FRAME(LOOP)), NO_TEXT)));
	struct py_place place = {.pid = PID, .start_ns = START, .ssl = 1, .generation = 5, .offset = 7};
	struct py_stack *s = py_take(w.py, &place, false, 0);
	unsigned n = 0;
	for (const struct py_stack *at = s; at; at = py_outwards(at))
		n++;
	assert_in_range(n, 2, 40);
	py_stack_free(s);
	struct wire_head *end = record(WIRE_PROC_EXIT, sizeof(struct wire_proc_exit), 0);
	feed(&w, end);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),	    cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_makers_stay), cmocka_unit_test(test_pools),
		cmocka_unit_test(test_anyio),	    cmocka_unit_test(test_threads),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
