/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdio.h>

#include "../drain/record.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "proc/proc.h"

/* ---- what is told ---- */

static void say(struct buf *b, const char *what, const struct proc *p)
{
	buf_addf(b, "%s %u", what, p->pid);
	if (p->parent)
		buf_addf(b, " of %u", p->parent->pid);
	buf_addf(b, " exe=%.*s", STR_ARG(p->exe));
	for (uint32_t i = 0; i < p->argc; i++)
		buf_addf(b, "%s%.*s", i ? "," : " argv=", STR_ARG(p->argv[i]));
	buf_addf(b, " comm=%s\n", p->comm);
}

static void told_begin(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)rec;
	say(ctx, "begin", p);
}

static void told_change(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)rec;
	say(ctx, "change", p);
}

static void told_end(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)rec;
	say(ctx, "end", p);
}

static const struct proc_ops ops = {.begin = told_begin, .change = told_change, .end = told_end};

static void feed(struct proc_table *t, void *rec)
{
	struct wire_head *h = rec;

	assert_true(drain_valid(h, h->size));
	proc_feed(t, h);
	free(h);
}

/* A process of pid n began at 1000 * n. */
static void *of(void *rec, uint32_t pid, uint64_t ts_ns)
{
	struct wire_head *h = rec;

	h->pid = pid;
	h->start_ns = pid * 1000ull;
	h->ts_ns = ts_ns;
	return h;
}

static void *fork_record(uint32_t pid, uint32_t parent, uint64_t ts_ns)
{
	struct wire_proc_fork *f = RECORD(wire_proc_fork, WIRE_PROC_FORK);

	f->parent_pid = parent;
	f->parent_tid = parent + 1;
	f->parent_start_ns = parent * 1000ull;
	memcpy(f->comm, "forked", 6);
	return of(f, pid, ts_ns);
}

static void *exec_record(uint32_t pid, const char *path, const char *argv, size_t argv_n, uint64_t ts_ns)
{
	struct wire_proc_exec *x = record_new(WIRE_PROC_EXEC, sizeof(*x), path, strlen(path), argv, argv_n);

	x->path_len = (uint32_t)strlen(path);
	x->argv_len = (uint32_t)argv_n;
	memcpy(x->comm, "sixteen-bytes-xx", 16);
	return of(x, pid, ts_ns);
}

static void *fact_record(uint32_t pid, uint32_t parent, const char *path, const char *argv, size_t argv_n,
			 uint16_t flags, uint64_t ts_ns)
{
	struct wire_proc_fact *x = record_new(WIRE_PROC_FACT, sizeof(*x), path, strlen(path), argv, argv_n);

	x->head.flags = flags;
	x->parent_pid = parent;
	x->parent_start_ns = parent * 1000ull;
	x->path_len = (uint32_t)strlen(path);
	x->argv_len = (uint32_t)argv_n;
	memcpy(x->comm, "fact", 4);
	return of(x, pid, ts_ns);
}

static void *exit_record(uint32_t pid, int code, int signal, uint64_t ts_ns)
{
	struct wire_proc_exit *x = RECORD(wire_proc_exit, WIRE_PROC_EXIT);

	x->code = code;
	x->signal = signal;
	return of(x, pid, ts_ns);
}

#define ARGV(literal) literal, sizeof(literal)

static struct proc *by_pid(const struct proc_table *t, uint32_t pid)
{
	return proc_find(t, pid, pid * 1000ull);
}

/* ---- cases ---- */

static void life(void **state)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	struct proc_table *t = proc_new(&ops, &b);

	(void)state;
	feed(t, fact_record(10, 0, "/bin/sh", ARGV("sh\0-c\0x"), WIRE_FACT_TLS, 100));
	feed(t, of(RECORD(wire_target, WIRE_TARGET), 10, 101));
	feed(t, fork_record(11, 10, 102));
	feed(t, exec_record(11, "/usr/bin/python3", ARGV("python3\0\0agent.py"), 103));
	feed(t, exit_record(11, 3, 0, 104));
	feed(t, exit_record(11, 4, 0, 105));
	HARNESS_TEXT("told", buf_str(&b),
		     "begin 10 exe=/bin/sh argv=sh,-c,x comm=fact\n"
		     "change 10 exe=/bin/sh argv=sh,-c,x comm=fact\n"
		     "begin 11 of 10 exe=/bin/sh argv=sh,-c,x comm=forked\n"
		     "change 11 of 10 exe=/usr/bin/python3 argv=python3,,agent.py comm=sixteen-bytes-xx\n"
		     "end 11 of 10 exe=/usr/bin/python3 argv=python3,,agent.py comm=sixteen-bytes-xx\n");
	struct proc *p = by_pid(t, 11);
	assert_true(p->born_here);
	assert_int_equal(p->seen_ns, 102);
	assert_int_equal(p->exec_ns, 103);
	assert_int_equal(p->end_ns, 104);
	assert_int_equal(p->exit_code, 3);
	assert_int_equal(p->execs, 1);
	assert_int_equal(p->forked_by_tid, 11);
	assert_ptr_equal(p->parent, by_pid(t, 10));
	assert_true(by_pid(t, 10)->target);
	assert_int_equal(by_pid(t, 10)->fact_flags, WIRE_FACT_TLS);
	assert_false(by_pid(t, 10)->born_here);
	assert_ptr_equal(proc_next(t, NULL), by_pid(t, 10));
	assert_ptr_equal(proc_next(t, by_pid(t, 10)), p);
	assert_null(proc_next(t, p));
	assert_null(proc_find(t, 11, 11001));
	proc_free(t);
	buf_fini(&b);
}

static int times(struct str text, struct str what)
{
	int n = 0;

	for (ptrdiff_t at; (at = str_find(text, what)) >= 0; n++)
		text = str_skip(text, (size_t)at + 1);
	return n;
}

/* Records of one process in every order end in the same process. */
static void any_order(void **state)
{
	int order[4] = {0, 1, 2, 3};

	(void)state;
	for (int n = 0; n < 24; n++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		struct proc_table *t = proc_new(&ops, &b);
		int left[4] = {0, 1, 2, 3}, k = n;

		for (int i = 0; i < 4; i++) {
			int at = k % (4 - i);

			k /= 4 - i;
			order[i] = left[at];
			left[at] = left[3 - i];
		}
		for (int i = 0; i < 4; i++) {
			struct wire_head *tls = (void *)record_data(1, WIRE_READ, 0, "x", 1, 0, 1);
			void *all[4] = {
				fork_record(11, 10, 102),
				exec_record(11, "/bin/b", ARGV("b\0c"), 103),
				exit_record(11, 0, 9, 105),
				of(tls, 11, 104),
			};

			if (order[i] == 3)
				assert_non_null(proc_get(t, all[3]));
			for (int j = 0; j < 4; j++) {
				if (j == order[i] && j != 3)
					feed(t, all[j]);
				else
					free(all[j]);
			}
		}
		const struct proc *p = by_pid(t, 11);
		assert_ptr_equal(p->parent, by_pid(t, 10));
		assert_true(p->born_here);
		assert_int_equal(p->seen_ns, 102);
		assert_int_equal(p->exec_ns, 103);
		assert_int_equal(p->end_ns, 105);
		assert_int_equal(p->exit_signal, 9);
		assert_string_equal(p->comm, "sixteen-bytes-xx");
		HARNESS_TEXT("exe", p->exe, "/bin/b");
		assert_int_equal(p->argc, 2);
		HARNESS_TEXT("argv", p->argv[1], "c");
		/* It begins once, before anything else is said of it. */
		assert_int_equal(times(buf_str(&b), STR("begin 11")), 1);
		ptrdiff_t begin = str_find(buf_str(&b), STR("begin 11"));
		assert_false(str_has(str_head(buf_str(&b), (size_t)begin), STR(" 11 ")));
		proc_free(t);
		buf_fini(&b);
	}
}

static void images(void **state)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	struct proc_table *t = proc_new(&ops, &b);
	struct wire_head *h;

	(void)state;
	/* A later exec that came first stays. */
	feed(t, exec_record(10, "/bin/second", ARGV("2"), 200));
	feed(t, exec_record(10, "/bin/first", ARGV("1"), 100));
	HARNESS_TEXT("second", by_pid(t, 10)->exe, "/bin/second");
	assert_int_equal(by_pid(t, 10)->execs, 2);
	assert_int_equal(by_pid(t, 10)->exec_ns, 200);
	/* /proc's view does not replace exec's, but its flags count. */
	feed(t, fact_record(10, 0, "/bin/second", ARGV("worker: idle"), WIRE_FACT_PYTHON, 300));
	HARNESS_TEXT("argv", by_pid(t, 10)->argv[0], "2");
	assert_int_equal(by_pid(t, 10)->fact_flags, WIRE_FACT_PYTHON);
	/* Arguments cut off, without an end, and none at all. */
	h = exec_record(10, "/x", "a\0bc", 4, 400);
	h->flags = WIRE_EXEC_ARGV_CUT;
	feed(t, h);
	assert_int_equal(by_pid(t, 10)->argc, 2);
	HARNESS_TEXT("cut", by_pid(t, 10)->argv[1], "bc");
	assert_true(by_pid(t, 10)->argv_cut);
	feed(t, exec_record(10, "", "", 0, 500));
	assert_int_equal(by_pid(t, 10)->argc, 0);
	assert_null(by_pid(t, 10)->argv);
	assert_null(by_pid(t, 10)->exe.p);
	assert_false(by_pid(t, 10)->argv_cut);
	/* A command of 8192 empty arguments */
	char *nothing = calloc(1, WIRE_ARGV_MAX);
	feed(t, exec_record(10, "/n", nothing, WIRE_ARGV_MAX, 600));
	assert_int_equal(by_pid(t, 10)->argc, WIRE_ARGV_MAX);
	assert_int_equal(by_pid(t, 10)->argv[WIRE_ARGV_MAX - 1].n, 0);
	free(nothing);
	proc_free(t);
	buf_fini(&b);
}

/* A tape can claim anything: who is not older is no parent, so walking up always ends. */
static void no_cycles(void **state)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	struct proc_table *t = proc_new(&ops, &b);

	(void)state;
	feed(t, fact_record(10, 11, "a", ARGV("a"), 0, 1));
	feed(t, fact_record(11, 10, "b", ARGV("b"), 0, 1));
	feed(t, fork_record(12, 12, 1));
	assert_null(by_pid(t, 10)->parent);
	assert_int_equal(by_pid(t, 10)->parent_pid, 11);
	assert_ptr_equal(by_pid(t, 11)->parent, by_pid(t, 10));
	assert_null(by_pid(t, 12)->parent);
	proc_free(t);
	buf_fini(&b);
}

static void *final_record(uint32_t pid, uint64_t n)
{
	struct wire_proc_final *f = RECORD(wire_proc_final, WIRE_PROC_FINAL);
	uint64_t *c = (uint64_t *)&f->counts;

	for (size_t i = 0; i < sizeof(f->counts) / sizeof(*c); i++)
		c[i] = n + i;
	return of(f, pid, 1);
}

static void counters(void **state)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	struct proc_table *t = proc_new(&ops, &b);

	(void)state;
	feed(t, fork_record(11, 10, 1));
	assert_false(by_pid(t, 11)->has_counts);
	feed(t, final_record(11, 100));
	assert_true(by_pid(t, 11)->has_counts);
	feed(t, final_record(11, 1000));
	assert_int_equal(by_pid(t, 11)->counts.entered, 1100);
	assert_int_equal(by_pid(t, 11)->counts.events_lost[WIRE_CAUSES - 1], 1100 + 2 * 38);
	feed(t, final_record(0, 5));
	feed(t, final_record(0, 5));
	assert_int_equal(proc_orphan_counts(t)->entered, 10);
	feed(t, final_record(99, 7));
	assert_int_equal(by_pid(t, 99)->counts.entered, 7);
	proc_free(t);
	buf_fini(&b);
}

static void *blind_record(uint32_t pid, const char *what, const char *why, uint64_t bytes)
{
	struct wire_blind *w = record_new(WIRE_BLIND, sizeof(*w), what, strlen(what), why, strlen(why));

	w->what_len = (uint32_t)strlen(what);
	w->why_len = (uint32_t)strlen(why);
	w->bytes = bytes;
	return of(w, pid, 1);
}

static void blind(void **state)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	struct proc_table *t = proc_new(&ops, &b);
	char name[16];
	int n = 0;

	(void)state;
	feed(t, blind_record(10, "grpc", "static", 5));
	feed(t, blind_record(10, "node", "", 0));
	feed(t, blind_record(10, "grpc", "static", 9));
	const struct proc_blind *x = by_pid(t, 10)->blind;
	HARNESS_TEXT("what", x->what, "grpc");
	HARNESS_TEXT("why", x->why, "static");
	assert_int_equal(x->bytes, 9);
	HARNESS_TEXT("second", x->next->what, "node");
	assert_null(x->next->next);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		feed(t, blind_record(10, name, "", 0));
	}
	for (x = by_pid(t, 10)->blind; x; x = x->next)
		n++;
	assert_int_equal(n, 64);
	proc_free(t);
	buf_fini(&b);
}

static void nobody(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)p;
	(void)rec;
	++*(size_t *)ctx;
}

static void limit(void **state)
{
	static const struct proc_ops counting = {.begin = nobody, .change = nobody, .end = nobody};
	size_t told = 0;
	struct proc_table *t = proc_new(&counting, &told);
	struct wire_head h = {.size = sizeof(h), .kind = WIRE_TARGET};

	(void)state;
	for (h.pid = 1; h.pid <= LIMIT_PROCESSES + 2; h.pid++)
		proc_feed(t, &h);
	assert_int_equal(told, LIMIT_PROCESSES);
	assert_int_equal(proc_dropped(t), 2);
	assert_null(proc_get(t, &h));
	/* Whose process has no room still counts. */
	struct wire_proc_final *f = final_record(LIMIT_PROCESSES + 1, 7);
	f->head.start_ns = 0;
	feed(t, f);
	assert_int_equal(proc_orphan_counts(t)->entered, 7);
	h.pid = 0;
	assert_null(proc_get(t, &h));
	proc_free(t);
}

/* ---- sweeps ---- */

static struct buf sink;

static void *stage_start(void)
{
	buf_clear(&sink);
	return proc_new(&ops, &sink);
}

static void stage_feed(void *state, struct str in)
{
	for (size_t at = 0; at + sizeof(struct wire_head) <= in.n;) {
		const struct wire_head *h = (const void *)(in.p + at);

		if (h->size > in.n - at || !drain_valid(h, h->size))
			break;
		proc_feed(state, h);
		at += h->size;
	}
}

static void stage_stop(void *state)
{
	proc_free(state);
}

static void sweeps(void **state)
{
	static const struct harness_stage stage = {
		.start = stage_start, .feed = stage_feed, .stop = stage_stop};
	void *records[] = {
		fact_record(10, 0, "/bin/sh", ARGV("sh\0-c\0x"), WIRE_FACT_TLS, 100),
		fork_record(11, 10, 102),
		exec_record(11, "/usr/bin/python3", ARGV("python3\0agent.py"), 103),
		blind_record(11, "grpc", "static", 5),
		final_record(12, 5),
		exit_record(11, 3, 0, 104),
	};
	char *all = calloc(1, 4096);
	size_t n = 0;

	(void)state;
	buf_init(&sink, 1 << 20);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct wire_head *h = records[i];

		memcpy(all + n, h, h->size);
		n += h->size;
		free(h);
	}
	harness_every_oom("proc", &stage, str_make(all, n));
	harness_every_prefix("proc", &stage, str_make(all, n));
	free(all);
	buf_fini(&sink);
}

/* Valid records with bits flipped: what the gate lets through must not hurt, and walking up must end. */
static void every_flip(void **state)
{
	uint64_t random = 9;
	struct wire_head *records[] = {
		fact_record(10, 0, "/bin/sh", ARGV("sh\0-c\0x"), WIRE_FACT_TLS, 100),
		fork_record(11, 10, 102),
		exec_record(11, "/usr/bin/python3", ARGV("python3\0agent.py"), 103),
		blind_record(11, "grpc", "static", 5),
		final_record(12, 5),
		exit_record(11, 3, 0, 104),
	};
	const size_t count = sizeof(records) / sizeof(records[0]);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t told = 0;
		static const struct proc_ops counting = {.begin = nobody, .change = nobody, .end = nobody};
		struct proc_table *t = proc_new(&counting, &told);

		for (size_t i = 0; i < count; i++) {
			size_t size = records[i]->size;
			struct wire_head *r = malloc(size);

			memcpy(r, records[i], size);
			for (uint64_t flips = record_random(&random) % 3; flips > 0; flips--) {
				uint64_t bit = record_random(&random) % (size * 8);

				((uint8_t *)r)[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			if (drain_valid(r, size))
				proc_feed(t, r);
			free(r);
		}
		for (const struct proc *p = proc_next(t, NULL); p; p = proc_next(t, p)) {
			int up = 0;

			for (const struct proc *q = p; q; q = q->parent)
				assert_true(up++ < 100);
		}
		proc_free(t);
	}
	for (size_t i = 0; i < count; i++)
		free(records[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),	     cmocka_unit_test(any_order), cmocka_unit_test(images),
		cmocka_unit_test(no_cycles), cmocka_unit_test(counters),  cmocka_unit_test(blind),
		cmocka_unit_test(limit),     cmocka_unit_test(sweeps),	  cmocka_unit_test(every_flip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
