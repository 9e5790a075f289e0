/* SPDX-License-Identifier: BSD-2-Clause */
/* Which function drives, where the functions outwards were seen earlier than the calls. */
#include "world.h"

#include "trace/visit.h"

struct three {
	struct trace_spot drive, maker;
	struct trace_visit *before, *between, *after;
};

static struct trace_visit *visit(struct trace_visits *v, uint64_t start_ns)
{
	struct trace_visit *x = calloc(1, sizeof(*x) + 2 * sizeof(struct trace_sight));

	assert_non_null(x);
	x->start_ns = start_ns;
	x->model = true;
	x->talk = x;
	x->count = x->inner = 2;
	x->drive = x->run_at = TRACE_VISIT_NONE;
	*(v->last ? &v->last->next : &v->first) = x;
	v->last = x;
	return x;
}

static void stand(struct trace_sight *s, struct trace_spot *spot, uint64_t frame, int32_t lasti,
		  uint64_t seen_ns)
{
	s->where.spot = spot;
	s->where.frame = frame;
	s->lasti = lasti;
	s->seen_ns = seen_ns;
	s->loop = PY_LOOP_SURE;
}

/* Two calls of one conversation in a task, and one of another task between them; both tasks were made by one function, in
 * another place each, when it was seen. */
static void decide(struct trace_visits *v, struct three *t, uint64_t seen_ns, uint64_t other_ns)
{
	t->drive.user = t->maker.user = true;
	t->before = visit(v, 100);
	t->between = visit(v, 150);
	t->after = visit(v, 200);
	stand(&t->before->sights[0], &t->drive, 0x10, 4, 100);
	stand(&t->before->sights[1], &t->maker, 0x20, 8, 50);
	stand(&t->between->sights[0], &t->drive, 0x11, 4, 150);
	stand(&t->between->sights[1], &t->maker, 0x20, 9, other_ns);
	stand(&t->after->sights[0], &t->drive, 0x10, 4, 200);
	stand(&t->after->sights[1], &t->maker, 0x20, 8, seen_ns);
	t->after->from = t->before;
	t->after->talk = t->before;
	assert_int_equal(trace_driver_decide(v), 0);
}

static void free_all(struct trace_visits *v)
{
	for (struct trace_visit *x = v->first, *next = NULL; x != NULL; x = next) {
		next = x->next;
		free(x);
	}
}

static void makers_have_gone_on(void **state)
{
	struct trace_visits v = {0}, other = {0}, all = {0};
	struct three t = {0}, u = {0}, w = {0};

	(void)state;
	/* Both tasks were made before the first call: where their maker stood then says nothing. */
	decide(&v, &t, 50, 60);
	assert_int_equal(t.after->drive, 0);
	assert_false(t.drive.helper);
	assert_false(t.maker.driver);
	/* The other one was: the same. */
	decide(&other, &u, 190, 60);
	assert_int_equal(u.after->drive, 0);
	/* It was alive in between: what stood within it was not. */
	decide(&all, &w, 190, 140);
	assert_int_equal(w.after->drive, 1);
	assert_true(w.drive.helper);
	assert_true(w.maker.driver);
	free_all(&v);
	free_all(&other);
	free_all(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makers_have_gone_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
