/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../drain/record.h"
#include "drain/drain.h"
#include "mark/mark.h"

struct world {
	struct proc_table *procs;
	struct mark *mark;
	struct buf out;
};

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

static const struct proc_ops no_ops = {.begin = nothing, .change = nothing, .end = nothing};

static void noted(void *ctx, const struct mark_note *n)
{
	static const char *const words[] = {"begin", "end", "event", "state", "session", "now"};
	struct world *w = ctx;

	buf_addf(&w->out, "%s %u/%u", words[n->kind], n->proc->pid, n->tid);
	if (n->number)
		buf_addf(&w->out, " #%llu", (unsigned long long)n->number);
	if (n->parent)
		buf_addf(&w->out, " in #%llu", (unsigned long long)n->parent);
	if (n->has_now)
		buf_addf(&w->out, " now #%llu", (unsigned long long)n->now);
	if (n->cut)
		buf_add(&w->out, STR(" cut"));
	if (n->foreign)
		buf_add(&w->out, STR(" foreign"));
	if (n->session.p)
		buf_addf(&w->out, " session=%.*s", STR_ARG(n->session));
	if (n->name.p)
		buf_addf(&w->out, " name=%.*s", STR_ARG(n->name));
	if (n->value.p)
		buf_addf(&w->out, " value=%.*s", STR_ARG(n->value));
	if (n->error.p)
		buf_addf(&w->out, " error=%.*s: %.*s", STR_ARG(n->error), STR_ARG(n->message));
	buf_add_char(&w->out, '\n');
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	buf_init(&w->out, 16u << 20);
	w->procs = proc_new(&no_ops, NULL);
	w->mark = w->procs ? mark_new(w->procs, noted, w) : NULL;
	return w;
}

static void world_free(struct world *w)
{
	mark_free(w->mark);
	proc_free(w->procs);
	buf_fini(&w->out);
	free(w);
}

static void send(struct world *w, uint32_t tid, struct str payload)
{
	struct wire_mark *m = record_new(WIRE_MARK, sizeof(*m), payload.p, payload.n, NULL, 0);

	m->len = (uint32_t)payload.n;
	m->head.tid = tid;
	assert_true(drain_valid(m, m->head.size));
	mark_feed(w->mark, &m->head);
	free(m);
}

/* One piece of a message. */
static void piece(struct world *w, uint32_t tid, unsigned number, size_t offset, size_t total,
		  const char *text, size_t n)
{
	struct buf b;

	buf_init(&b, WIRE_MARK_MAX);
	buf_addf(&b, "%08x%08zx%08zx%.*s", number, offset, total, (int)n, text);
	send(w, tid, buf_str(&b));
	buf_fini(&b);
}

static void whole(struct world *w, const char *text)
{
	piece(w, 101, 1, 0, strlen(text), text, strlen(text));
}

static void test_notes(void **state)
{
	(void)state;
	struct world *w = world_new();

	whole(w, "{\"k\":\"b\",\"i\":7,\"z\":\"s\\u00e9\",\"p\":3,\"n\":\"f\",\"in\":{\"a\":[1,\"x\"]}}");
	whole(w, "{\"k\":\"b\",\"i\":8,\"p\":0,\"y\":1,\"l\":1,\"t\":1,\"n\":\"g\",\"a\":{}}");
	whole(w, "{\"k\":\"v\",\"i\":8,\"n\":\"ev\",\"a\":{\"x\":1}}");
	whole(w, "{\"k\":\"w\",\"i\":0,\"n\":\"key\",\"a\":null}");
	whole(w, "{\"k\":\"r\",\"i\":8}");
	whole(w, "{\"k\":\"e\",\"i\":8,\"x\":[\"KeyError\",\"m\"]}");
	whole(w, "{\"k\":\"e\",\"i\":7,\"c\":3,\"o\":[true]}");
	whole(w, "{\"k\":\"s\",\"i\":0,\"z\":\"t\"}");
	HARNESS_TEXT("notes", buf_str(&w->out),
		     "begin 100/101 #7 in #3 now #7 session=s\u00e9 name=f value={\"a\":[1,\"x\"]}\n"
		     "begin 100/101 #8 cut foreign name=g value={}\n"
		     "event 100/101 #8 name=ev value={\"x\":1}\n"
		     "state 100/101 name=key value=null\n"
		     "now 100/101 #8 now #8\n"
		     "end 100/101 #8 error=KeyError: m\n"
		     "end 100/101 #7 now #3 value=[true]\n"
		     "session 100/101 now #0 session=t\n");
	assert_int_equal(mark_refused(w->mark), 0);
	world_free(w);
}

/* Pieces of two threads' messages between each other, wherever the cuts are. */
static void test_pieces(void **state)
{
	static const char text[] = "{\"k\":\"b\",\"i\":7,\"p\":0,\"n\":\"f\",\"in\":{\"a\":\"xyz\"}}";
	size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 1; cut < n; cut++) {
		struct world *w = world_new();

		piece(w, 101, 4, 0, n, text, cut);
		piece(w, 102, 4, 0, n, text, 1);
		assert_int_equal(w->out.n, 0);
		piece(w, 101, 4, cut, n, text + cut, n - cut);
		piece(w, 102, 4, 1, n, text + 1, n - 1);
		HARNESS_TEXT("pieces", buf_str(&w->out),
			     "begin 100/101 #7 now #7 name=f value={\"a\":\"xyz\"}\n"
			     "begin 100/102 #7 now #7 name=f value={\"a\":\"xyz\"}\n");
		world_free(w);
	}
}

/* What came before a hole is told, closed and marked. */
static void test_holes(void **state)
{
	static const char text[] =
		"{\"k\":\"e\",\"i\":7,\"c\":0,\"o\":[\"aaaaaaaa\",\"bbbbbbbb\",\"cccccccc\"]}";
	size_t n = sizeof(text) - 1;

	(void)state;
	struct world *w = world_new();
	piece(w, 101, 4, 0, n, text, 40);
	piece(w, 101, 4, 50, n, text + 50, n - 50);
	piece(w, 101, 5, 0, n, text, 40);
	mark_finish(w->mark);
	HARNESS_TEXT("hole", buf_str(&w->out),
		     "end 100/101 #7 now #0 cut value=[\"aaaaaaaa\",\"bb\"]\n"
		     "end 100/101 #7 now #0 cut value=[\"aaaaaaaa\",\"bb\"]\n");
	/* a first piece that is not there, and more unfinished ones than there is room for */
	piece(w, 101, 6, 50, n, text + 50, n - 50);
	assert_int_equal(mark_refused(w->mark), 1);
	for (unsigned i = 0; i < MARK_PARTIALS + 1; i++)
		piece(w, 101, 100 + i, 0, n, text, 40);
	assert_int_equal(w->out.n, 3 * strlen("end 100/101 #7 now #0 cut value=[\"aaaaaaaa\",\"bb\"]\n"));
	world_free(w);
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"x",
		"000000010000000000000005",
		"0000000g0000000000000001x",
		"00000001000000000fffffffx",
		"000000010000000200000001x",
		"000000010000000000000001xx",
		"ffffffffffffffffffffffffx",
		"000000010000000000000001{",
		"000000010000000000000002[]",
		"0000000100000000000000022{",
		"000000010000000000000009{\"k\":\"q\"}",
		"000000010000000000000007{\"k\":5}",
	};
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		send(w, 101, str_of(bad[i]));
	assert_int_equal(w->out.n, 0);
	assert_int_equal(mark_refused(w->mark), sizeof(bad) / sizeof(bad[0]));
	whole(w, "{\"k\":\"b\",\"i\":-1,\"p\":1e99,\"n\":[],\"in\":{\"a\"");
	whole(w, "{\"k\":\"e\",\"x\":\"no\",\"c\":[]}");
	HARNESS_TEXT("half", buf_str(&w->out), "begin 100/101 now #0 cut value={}\nend 100/101\n");
	world_free(w);
}

/* ---- sweeps ---- */

static void *start(void)
{
	struct world *w = world_new();

	if (w && w->mark == NULL) {
		world_free(w);
		return NULL;
	}
	return w;
}

static void feed(void *state, struct str text)
{
	struct world *w = state;

	/* Each piece of the sweep is one of a message as long as the input. */
	struct buf b;
	buf_init(&b, WIRE_MARK_MAX);
	buf_addf(&b, "%08x%08x%08x", 9, 0, (unsigned)text.n);
	buf_add(&b, text);
	if (buf_err(&b) == 0 && text.n > 0) {
		struct wire_mark *m = record_new(WIRE_MARK, sizeof(*m), b.p, b.n, NULL, 0);

		m->len = (uint32_t)b.n;
		mark_feed(w->mark, &m->head);
		free(m);
	}
	buf_fini(&b);
}

static void stop(void *state)
{
	struct world *w = state;

	mark_finish(w->mark);
	world_free(w);
}

static void test_sweep(void **state)
{
	static const struct harness_stage stage = {.start = start, .feed = feed, .stop = stop};
	struct str input = STR(
		"{\"k\":\"e\",\"i\":7,\"c\":0,\"x\":[\"E\\u00e9\",\"m\\\"\"],\"o\":[\"a\",{\"b\":[1,2]}]}");

	(void)state;
	harness_every_prefix("mark", &stage, input);
	harness_every_split("mark", &stage, input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes),	cmocka_unit_test(test_pieces), cmocka_unit_test(test_holes),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
