/* SPDX-License-Identifier: BSD-2-Clause */
/* Records in, stacks out: names, lines, whose code it is, what is missing and why. */
#include "py/py.h"

#include "base/limits.h"
#include "records.h"

#define SITE "/venv/lib/python3.11/site-packages/"

enum {
	SEND = 0x10,
	CLIENT = 0x20,
	RUN = 0x30,
	MAIN = 0x40,
	WORKER = 0x50,
	FROZEN = 0x60,
	SHIM = 0x70,
	NOWHERE = 0x80
};

struct world {
	struct proc_table *procs;
	struct py *py;
	struct py_place place; /* of the last stack that came */
	unsigned came;
};

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	struct world *w = ctx;

	assert_non_null(py);
	w->place = *place;
	w->came++;
}

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

static const struct py_ops ops = {.stack = on_stack};
static const struct proc_ops proc_ops = {.begin = nothing, .change = nothing, .end = nothing};

static void feed(struct world *w, void *rec)
{
	proc_feed(w->procs, rec);
	py_feed(w->py, rec);
	free(rec);
}

static void args(struct world *w, uint32_t pid, uint32_t parent, struct str argv)
{
	struct wire_proc_fact *f = record(WIRE_PROC_FACT, sizeof(*f), argv.n);

	f->head.pid = f->head.tid = pid;
	f->parent_pid = parent;
	f->parent_start_ns = parent ? START : 0;
	f->argv_len = (uint32_t)argv.n;
	memcpy(f->payload, argv.p, argv.n);
	feed(w, f);
}

static void code(struct world *w, uint32_t pid, uint64_t address, struct text file, struct text name)
{
	struct wire_py_code *c = code_record(address, 1, file, name);

	c->head.pid = pid;
	feed(w, c);
}

static void codes(struct world *w, uint32_t pid)
{
	code(w, pid, SEND, LATIN("/usr/lib/python3.11/ssl.py"), LATIN("SSLSocket.send"));
	code(w, pid, CLIENT, LATIN(SITE "crew/client.py"), LATIN("Client.send"));
	code(w, pid, RUN, LATIN("/home/me/agent.py"), LATIN("Agent.run"));
	code(w, pid, MAIN, LATIN(SITE "crew/__main__.py"), LATIN("<module>"));
	code(w, pid, WORKER, LATIN("/usr/lib/python3.11/threading.py"), LATIN("Thread._bootstrap"));
	code(w, pid, FROZEN, LATIN("<frozen runpy>"), LATIN("_run_module_as_main"));
	code(w, pid, SHIM, LATIN("__init__"), LATIN("__init__"));
}

static void start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->procs = proc_new(&proc_ops, w);
	assert_non_null(w->procs);
	w->py = py_new(&(struct py_settings){.ops = &ops, .ctx = w, .procs = w->procs});
	assert_non_null(w->py);
}

static void stop(struct world *w)
{
	py_free(w->py);
	proc_free(w->procs);
}

static void send(struct world *w, uint32_t pid, uint64_t ssl, uint64_t offset, const uint64_t *addresses,
		 struct text task)
{
	struct wire_py_frame frames[16] = {0};
	uint16_t n = 0;

	for (; addresses[n]; n++)
		frames[n] = (struct wire_py_frame){
			.code = addresses[n], .epoch = 1, .lasti = n % 3 * 2 - 1, .frame = 0x9000 + n};
	frames[0].flags = WIRE_PY_FRAME_GENERATOR;
	struct wire_py_stack *s = stack_record(ssl, offset, frames, n, task);
	s->head.pid = pid;
	s->head.tid = pid + 1;
	s->task = 0xa1;
	s->coroutine = 0xa2;
	s->context = 0xa3;
	s->context_vars = 0xa4;
	s->tstate = 0xa5;
	feed(w, s);
}

#define FRAMES(...) ((const uint64_t[]){__VA_ARGS__, 0})

static struct py_stack *take_at(struct world *w, uint32_t pid, uint64_t ssl, uint64_t offset)
{
	struct py_place place = {
		.pid = pid, .start_ns = START, .ssl = ssl, .generation = 5, .offset = offset};

	return py_take(w->py, &place, false, 0);
}

/* One line a frame, > before the source. */
static void has(struct world *w, uint32_t pid, uint64_t offset, const char *want)
{
	struct py_stack *s = take_at(w, pid, 1, offset);
	struct buf b;

	buf_init(&b, 1u << 16);
	if (s == NULL)
		buf_add(&b, STR("none\n"));
	for (uint32_t i = 0; s && i < s->count; i++) {
		const struct py_frame *f = &s->frames[i];

		buf_addf(&b, "%s%.*s:%u %.*s\n", i == s->source ? "> " : "", STR_ARG(f->file), f->line,
			 STR_ARG(f->function));
	}
	if (s && s->partial)
		buf_addf(&b, "%s\n", py_partial_word(s->partial));
	HARNESS_TEXT("stack", buf_str(&b), want);
	buf_fini(&b);
	py_stack_free(s);
}

static void a_stack(void **state)
{
	struct world w;
	struct py_stack *s;

	(void)state;
	start(&w);
	args(&w, PID, 0, STR("python3\0agent.py\0"));
	codes(&w, PID);
	send(&w, PID, 1, 400, FRAMES(SEND, CLIENT, SHIM, RUN, RUN, WORKER), LATIN("caf\xe9"));
	assert_int_equal(w.came, 1);
	assert_int_equal(w.place.offset, 400);
	assert_int_equal(w.place.ssl, 1);
	has(&w, PID, 400,
	    "/usr/lib/python3.11/ssl.py:40 SSLSocket.send\n" SITE "crew/client.py:40 Client.send\n"
	    "> /home/me/agent.py:40 Agent.run\n"
	    "/home/me/agent.py:40 Agent.run\n"
	    "/usr/lib/python3.11/threading.py:41 Thread._bootstrap\n");
	s = take_at(&w, PID, 1, 400);
	HARNESS_TEXT("task", s->task, "café");
	assert_int_equal(s->tid, PID + 1);
	assert_int_equal(s->ts_ns, 1000);
	assert_int_equal(s->task_object, 0xa1);
	assert_int_equal(s->coroutine, 0xa2);
	assert_int_equal(s->context, 0xa3);
	assert_int_equal(s->context_vars, 0xa4);
	assert_int_equal(s->thread_state, 0xa5);
	assert_true(s->frames[0].generator);
	assert_false(s->frames[1].generator);
	assert_int_equal(s->frames[2].frame, 0x9003); /* the one before it stands in no source */
	assert_int_equal(s->frames[2].origin, PY_ORIGIN_USER);
	py_stack_free(s);
	/* No other write, connection, process. */
	has(&w, PID, 401, "none\n");
	assert_null(take_at(&w, PID, 2, 400));
	assert_null(take_at(&w, PID + 1, 1, 400));
	assert_int_equal(py_stats(w.py).stacks, 1);
	assert_int_equal(py_stats(w.py).codes, 7);
	stop(&w);
}

static void tasks(void **state)
{
	struct world w;
	struct py_stack *s;

	(void)state;
	start(&w);
	send(&w, PID, 1, 0, FRAMES(0), (struct text){WIRE_PY_TEXT_NUMBER, STR("\x15\xcd\x5b\7\0\0\0\0")});
	s = take_at(&w, PID, 1, 0);
	HARNESS_TEXT("task", s->task, "Task-123456789");
	py_stack_free(s);
	send(&w, PID, 1, 1, FRAMES(0), NO_TEXT);
	s = take_at(&w, PID, 1, 1);
	assert_null(s->task.p);
	py_stack_free(s);
	send(&w, PID, 1, 2, FRAMES(0), LATIN(""));
	s = take_at(&w, PID, 1, 2);
	assert_non_null(s->task.p);
	assert_int_equal(s->task.n, 0);
	assert_int_equal(s->count, 0);
	assert_int_equal(s->source, PY_NO_FRAME);
	py_stack_free(s);
	stop(&w);
}

static void what_is_missing(void **state)
{
	struct wire_py_stack *deep;
	struct wire_py_code *torn;
	struct world w;

	(void)state;
	start(&w);
	codes(&w, PID);
	send(&w, PID, 1, 0, FRAMES(SEND, NOWHERE, RUN), NO_TEXT);
	has(&w, PID, 0,
	    "/usr/lib/python3.11/ssl.py:40 SSLSocket.send\n:0 \n> /home/me/agent.py:41 Agent.run\nlost\n");
	assert_int_equal(py_stats(w.py).lost_frames, 1);
	torn = code_record(NOWHERE, 1, NO_TEXT, NO_TEXT);
	torn->flags = WIRE_PY_CODE_FAULT;
	feed(&w, torn);
	has(&w, PID, 0,
	    "/usr/lib/python3.11/ssl.py:40 SSLSocket.send\n:40 \n> /home/me/agent.py:41 Agent.run\nfault\n");
	/* The kernel's reason goes first. */
	deep = stack_record(1, 9, &(struct wire_py_frame){.code = 0xdead}, 1, NO_TEXT);
	deep->reason = WIRE_PY_DEPTH;
	feed(&w, deep);
	has(&w, PID, 9, ":0 \ndepth\n");
	stop(&w);
}

/* An address gets another code object: what was seen before keeps its name. */
static void lives_of_an_address(void **state)
{
	struct wire_py_frame f = {.code = RUN, .epoch = 1, .lasti = 0};
	struct world w;

	(void)state;
	start(&w);
	feed(&w, code_record(RUN, 1, LATIN("/a.py"), LATIN("one")));
	feed(&w, stack_record(1, 0, &f, 1, NO_TEXT));
	feed(&w, code_record(RUN, 2, LATIN("/b.py"), LATIN("two")));
	f.epoch = 2;
	feed(&w, stack_record(1, 50, &f, 1, NO_TEXT));
	f.epoch = 3;
	feed(&w, stack_record(1, 60, &f, 1, NO_TEXT));
	has(&w, PID, 0, "> /a.py:40 one\n");
	has(&w, PID, 50, "> /b.py:40 two\n");
	has(&w, PID, 60, ":0 \nlost\n");
	stop(&w);
}

static void ends(void **state)
{
	static const uint16_t kinds[] = {WIRE_PROC_EXIT, WIRE_PROC_EXEC};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire_py_runtime *r;
		struct py_stack *held;
		struct world w;

		start(&w);
		r = record(WIRE_PY_RUNTIME, sizeof(*r), 0);
		r->version = 0x030b02f0;
		feed(&w, r);
		codes(&w, PID);
		codes(&w, PID + 1);
		send(&w, PID, 1, 0, FRAMES(RUN), NO_TEXT);
		send(&w, PID + 1, 1, 0, FRAMES(RUN), NO_TEXT);
		assert_int_equal(py_find(w.py, PID, START)->version, 0x030b02f0);
		assert_null(py_find(w.py, PID + 1, START)); /* runs Python, but nobody said what */
		held = take_at(&w, PID, 1, 0);
		feed(&w,
		     record(kinds[i], i ? sizeof(struct wire_proc_exec) : sizeof(struct wire_proc_exit), 0));
		has(&w, PID, 0, "none\n");
		has(&w, PID + 1, 0, "> /home/me/agent.py:40 Agent.run\n");
		assert_null(py_find(w.py, PID, START));
		send(&w, PID, 1, 0, FRAMES(RUN), NO_TEXT);
		has(&w, PID, 0, ":0 \nlost\n"); /* the old image's code objects are no more */
		/* What was given out is its owner's. */
		HARNESS_TEXT("file", held->frames[0].file, "/home/me/agent.py");
		py_stack_free(held);
		stop(&w);
	}
}

static void connections_end(void **state)
{
	struct wire_tls_close *c;
	struct world w;

	(void)state;
	start(&w);
	codes(&w, PID);
	send(&w, PID, 1, 0, FRAMES(RUN), NO_TEXT);
	c = record(WIRE_TLS_CLOSE, sizeof(*c), 0);
	c->conn = (struct wire_conn_key){.ssl = 1, .generation = 5};
	feed(&w, c);
	has(&w, PID, 0, "none\n");
	c = record(WIRE_TLS_CLOSE, sizeof(*c), 0);
	c->head.pid = 4711;
	feed(&w, c);
	/* Of no write. */
	struct wire_py_stack *s = stack_record(0, 0, NULL, 0, NO_TEXT);
	s->conn.generation = 0;
	feed(&w, s);
	assert_int_equal(w.came, 1);
	stop(&w);
}

static void an_earlier_write(void **state)
{
	struct py_place place = {.pid = PID, .start_ns = START, .ssl = 1, .generation = 5, .offset = 80};
	struct py_stack *s;
	struct world w;

	(void)state;
	start(&w);
	codes(&w, PID);
	send(&w, PID, 1, 0, FRAMES(RUN), NO_TEXT);
	assert_null(py_take(w.py, &place, false, PID + 1));
	assert_null(py_take(w.py, &place, true, PID)); /* another thread's */
	s = py_take(w.py, &place, true, PID + 1);
	assert_int_equal(s->partial, PY_EARLIER);
	HARNESS_TEXT("word", str_of(py_partial_word(s->partial)), "earlier_write");
	py_stack_free(s);
	place.offset = 0;
	s = py_take(w.py, &place, true, 12345);
	assert_int_equal(s->partial, PY_WHOLE);
	py_stack_free(s);
	stop(&w);
}

/* `__main__`'s package is the user's: by command line, by the main thread's stack, by the parent's. */
static void main_packages(void **state)
{
	static const char *const own = "> " SITE "crew/client.py:40 Client.send\n";
	static const char *const other = SITE "crew/client.py:40 Client.send\n";
	struct world w;

	(void)state;
	start(&w);
	for (uint32_t pid = PID; pid < PID + 9; pid++)
		codes(&w, pid);
	args(&w, PID, 0, STR("python3\0-m\0crew\0"));
	args(&w, PID + 1, 0, STR("python3\0" SITE "crew/__main__.py\0"));
	args(&w, PID + 2, 0, STR("python3\0agent.py\0"));
	args(&w, PID + 3, PID, STR("python3\0-c\0from multiprocessing.spawn import spawn_main\0"));
	args(&w, PID + 4, PID + 3, STR("python3\0-c\0from multiprocessing.forkserver import main\0"));
	args(&w, PID + 5, PID, STR("python3\0-c\0import crew\0"));
	for (uint32_t pid = PID; pid < PID + 9; pid++)
		send(&w, pid, 1, 0, FRAMES(CLIENT), NO_TEXT);
	has(&w, PID, 0, own);
	has(&w, PID + 1, 0, own);
	has(&w, PID + 2, 0, other);
	has(&w, PID + 3, 0, own);
	has(&w, PID + 4, 0, own);
	has(&w, PID + 5, 0, other);
	has(&w, PID + 6, 0, other);
	/* The main thread shows it; from then on it holds for every thread. */
	send(&w, PID + 6, 1, 10, FRAMES(CLIENT, MAIN, FROZEN), NO_TEXT);
	has(&w, PID + 6, 0, own);
	send(&w, PID + 7, 1, 10, FRAMES(CLIENT, MAIN), NO_TEXT);
	has(&w, PID + 7, 0, own);
	/* Below a thread's own functions stands no `__main__`. */
	send(&w, PID + 8, 1, 10, FRAMES(CLIENT, MAIN, WORKER), NO_TEXT);
	send(&w, PID + 8, 1, 20, FRAMES(CLIENT, MAIN, NOWHERE), NO_TEXT);
	has(&w, PID + 8, 0, other);
	stop(&w);
}

/* A standard library in an odd place, known by a thread's first function. */
static void a_standard_library(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	code(&w, PID, SEND, LATIN("/opt/std/ssl.py"), LATIN("SSLSocket.sendall"));
	code(&w, PID, RUN, LATIN("/opt/agent.py"), LATIN("run"));
	send(&w, PID, 1, 0, FRAMES(SEND, RUN), NO_TEXT);
	has(&w, PID, 0, "> /opt/std/ssl.py:40 SSLSocket.sendall\n/opt/agent.py:40 run\n");
	code(&w, PID, WORKER, LATIN("/opt/std/threading.py"), LATIN("Thread._bootstrap"));
	code(&w, PID, FROZEN, LATIN("/other/std/threading.py"), LATIN("Thread._bootstrap"));
	has(&w, PID, 0, "/opt/std/ssl.py:40 SSLSocket.sendall\n> /opt/agent.py:40 run\n");
	stop(&w);
}

static void too_much_held(void **state)
{
	static struct py_stack *held[30000];
	char path[WIRE_PY_NAME_MAX];
	struct wire_py_frame frames[16];
	struct world w;
	size_t n = 0;

	(void)state;
	start(&w);
	memset(path, 'x', sizeof(path));
	for (uint32_t i = 0; i < 16; i++) {
		path[0] = (char)('a' + i);
		frames[i] = (struct wire_py_frame){.code = i, .epoch = 1};
		feed(&w,
		     code_record(i, 1, (struct text){WIRE_PY_TEXT_LATIN1, {path, sizeof(path)}}, LATIN("f")));
	}
	feed(&w, stack_record(1, 0, frames, 16, LATIN("t")));
	while (n < 30000) {
		held[n] = take_at(&w, PID, 1, 0);
		if (held[n++]->partial)
			break;
	}
	assert_true(n > 1000 && n < 30000);
	assert_int_equal(held[n - 1]->partial, PY_MEMORY);
	assert_int_equal(held[n - 1]->count, 0);
	HARNESS_TEXT("task", held[n - 1]->task, "t");
	py_stack_free(held[--n]);
	py_stack_free(held[--n]);
	struct py_stack *s = take_at(&w, PID, 1, 0);
	assert_int_equal(s->partial, PY_WHOLE);
	py_stack_free(s);
	while (n > 0)
		py_stack_free(held[--n]);
	stop(&w);
}

static void words(void **state)
{
	(void)state;
	assert_null(py_partial_word(PY_WHOLE));
	assert_null(py_partial_word(-1));
	assert_null(py_partial_word(PY_MEMORY + 1));
	for (int i = 1; i <= PY_MEMORY; i++)
		assert_non_null(py_partial_word(i));
	py_stack_free(NULL);
	py_free(NULL);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct proc_table *procs = proc_new(&proc_ops, NULL);
		struct world w = {.procs = procs};

		harness_fail_alloc(n);
		struct py *py = py_new(&(struct py_settings){.ops = &ops, .ctx = &w, .procs = procs});
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		py_free(py);
		proc_free(procs);
		assert_true(failed == (py == NULL));
		if (!failed)
			break;
	}
	for (unsigned long n = 1;; n++) {
		void *records[3];
		struct world w;

		start(&w);
		records[0] = record(WIRE_PY_RUNTIME, sizeof(struct wire_py_runtime), 0);
		records[1] = code_record(RUN, 1, LATIN("/opt/std/threading.py"), LATIN("Thread._bootstrap"));
		records[2] = stack_record(1, 0, &(struct wire_py_frame){.code = RUN, .epoch = 1}, 1, NO_TEXT);
		harness_fail_alloc(n);
		for (size_t i = 0; i < 3; i++)
			py_feed(w.py, records[i]);
		struct py_stack *s = take_at(&w, PID, 1, 0);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		for (size_t i = 0; i < 3; i++)
			free(records[i]);
		/* Only the directory that was to be learned says nothing of it. */
		assert_true(failed || (s && s->partial == PY_WHOLE));
		py_stack_free(s);
		stop(&w);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack),
		cmocka_unit_test(tasks),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(lives_of_an_address),
		cmocka_unit_test(ends),
		cmocka_unit_test(connections_end),
		cmocka_unit_test(an_earlier_write),
		cmocka_unit_test(main_packages),
		cmocka_unit_test(a_standard_library),
		cmocka_unit_test(too_much_held),
		cmocka_unit_test(words),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
