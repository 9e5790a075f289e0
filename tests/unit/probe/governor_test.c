/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/governor.h"

#include "harness.h"

#define S GOVERNOR_SECOND_NS

/* A call costs 1 us at an emulated site and 10 at another, a record 2 us, a byte 0.1 ns. */
static const struct site_costs costs = {
	.plain_ns = {5000, 500},
	.empty_ns = {10000, 1000},
	.record_ns = 2000,
	.byte_ps = 100,
	.syscall_ns = 140,
};

struct load {
	uint64_t now_ns;
	struct state_spent total;
};

/* A second in which the probes cost so much, and calls that moved data so often. */
static bool second(struct governor *g, struct load *l, uint64_t cost_us, uint64_t requests, uint64_t chunks,
		   struct governor_step *step)
{
	l->now_ns += S;
	l->total.hits[STATE_HIT(true, true)] += cost_us;
	l->total.requests += requests;
	l->total.chunks += chunks;
	return governor_tick(g, l->now_ns, &l->total, &costs, step);
}

static void begin(struct governor *g, struct load *l, uint32_t ppm)
{
	struct governor_step step;

	*l = (struct load){.now_ns = 1000 * S, .total = {.records = 77, .bytes = 1u << 30}};
	governor_init(g, ppm);
	/* What was before is nobody's. */
	assert_false(governor_tick(g, l->now_ns, &l->total, &costs, &step));
	assert_int_equal(g->count, 0);
}

static void cost_by_class(void **state)
{
	const struct state_spent from = {.hits = {1, 2, 3, 4}, .records = 5, .bytes = 6};
	struct state_spent to = from;
	(void)state;

	assert_int_equal(governor_cost(&from, &to, &costs), 0);
	to.hits[STATE_HIT(false, false)] += 1;
	assert_int_equal(governor_cost(&from, &to, &costs), 5000);
	to.hits[STATE_HIT(false, true)] += 2;
	assert_int_equal(governor_cost(&from, &to, &costs), 6000);
	to.hits[STATE_HIT(true, false)] += 1;
	assert_int_equal(governor_cost(&from, &to, &costs), 16000);
	to.hits[STATE_HIT(true, true)] += 3;
	assert_int_equal(governor_cost(&from, &to, &costs), 19000);
	to.records += 10;
	assert_int_equal(governor_cost(&from, &to, &costs), 39000);
	to.walks += 2;
	to.walk_ns += 7000; /* as measured: stacks differ */
	assert_int_equal(governor_cost(&from, &to, &costs), 46000);
	to.walk_ns -= 7000;
	to.bytes += 16384;
	assert_int_equal(governor_cost(&from, &to, &costs), 39000 + 1638);
	/* Requests and chunks are what it is weighed against. */
	to.requests += 1000;
	to.chunks += 1000;
	assert_int_equal(governor_cost(&from, &to, &costs), 39000 + 1638);
	to.syscalls += 100;
	assert_int_equal(governor_cost(&from, &to, &costs), 39000 + 1638 + 14000);
	/* A counter that went back stands still. */
	assert_int_equal(governor_cost(&to, &from, &costs), 0);
}

/* System calls cost, but are not weighed against model calls: within the budget nothing is left out. */
static void system_calls(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000); /* 1 %: 10 ms a second */
	for (int i = 0; i < 60; i++) {
		l.total.syscalls += 50000; /* 7 ms */
		assert_false(second(&g, &l, 10, 1, 10, &step));
	}
	assert_int_equal(g.level, WIRE_SHED_NONE);
	l.total.syscalls += 500000;
	bool stepped = false;
	for (int i = 0; i < 10 && !stepped; i++) {
		l.total.syscalls += 100000; /* 14 ms */
		stepped = second(&g, &l, 10, 1, 10, &step);
	}
	assert_true(stepped);
}

static void cost_cannot_overflow(void **state)
{
	const struct state_spent none = {0}, all = {.hits = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
						    .records = UINT64_MAX,
						    .bytes = UINT64_MAX};
	(void)state;

	assert_true(governor_cost(&none, &all, &costs) == UINT64_MAX);
	const struct state_spent bytes = {.bytes = UINT64_MAX};
	assert_true(governor_cost(&none, &bytes, &costs) >= UINT64_MAX / 1000);
}

static void off_without_budget(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l = {.now_ns = S};
	(void)state;

	governor_init(&g, 0);
	for (int i = 0; i < 100; i++)
		assert_false(second(&g, &l, 1000000, 0, 1, &step));
	assert_int_equal(g.level, WIRE_SHED_NONE);
}

static void at_the_budget_nothing_happens(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000); /* 1 %: 10 ms a second */
	for (int i = 0; i < 100; i++)
		assert_false(second(&g, &l, 10000, 0, 0, &step));
	/* One us more in the window is too much. */
	assert_true(second(&g, &l, 10001, 0, 0, &step));
	assert_int_equal(step.level, WIRE_SHED_STACKS);
	assert_int_equal(step.before, WIRE_SHED_NONE);
	assert_int_equal(step.cost_ns, 100001000);
	assert_int_equal(step.budget_ns, 100000000);
	assert_int_equal(step.window_ns, 10 * S);
}

static void a_burst_is_averaged(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000);
	for (int i = 0; i < 30; i++) /* 99 ms in one second of ten */
		assert_false(second(&g, &l, i % 10 ? 100 : 99000, 0, 0, &step));
}

static void steps_in_order(void **state)
{
	static const char *const words[] = {
		"nothing",	  "stacks",	    "bodies",	      "muted reads",	"sampling 1/2",
		"sampling 1/4",	  "sampling 1/8",   "sampling 1/16",  "sampling 1/32",	"sampling 1/64",
		"sampling 1/128", "sampling 1/256", "sampling 1/512", "sampling 1/1024"};
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000);
	for (uint32_t level = 0; level < WIRE_SHED_LAST; level++) {
		/* Twice the budget in a second is not yet the budget of ten. */
		for (int i = 0; i < 5; i++)
			assert_false(second(&g, &l, 20000, 0, 0, &step));
		assert_true(second(&g, &l, 20000, 0, 0, &step));
		assert_int_equal(step.before, level);
		assert_int_equal(step.level, level + 1);
		assert_int_equal(step.cost_ns, 120000000); /* since the last step alone */
		assert_string_equal(wire_shed_word(step.level), words[level + 1]);
	}
	assert_int_equal(governor_sample(g.level), 1024);
	/* There is nothing more to leave out. */
	for (int i = 0; i < 100; i++)
		assert_false(second(&g, &l, 20000, 0, 0, &step));
	assert_int_equal(g.level, WIRE_SHED_LAST);
	assert_string_equal(wire_shed_word(0), words[0]);
	assert_string_equal(wire_shed_word(WIRE_SHED_LAST + 1), "?");
}

static void a_flood_is_met_each_second(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 100); /* 0.01 %: 1 ms in 10 s */
	for (uint32_t level = 0; level < WIRE_SHED_LAST; level++)
		assert_true(second(&g, &l, 5000, 10, 100, &step));
	assert_int_equal(g.level, WIRE_SHED_LAST);
}

static void calls_have_their_own_worth(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	/* 10 requests and 100 chunks a second: 700 us. The budget is far away. */
	begin(&g, &l, 1000000);
	for (int i = 0; i < 30; i++)
		assert_false(second(&g, &l, 700, 10, 100, &step));
	assert_true(second(&g, &l, 701, 10, 100, &step));
	assert_int_equal(step.budget_ns, 7000000);
	assert_int_equal(step.cost_ns, 7001000);
	/* Then ten seconds must pass: a few calls prove nothing. */
	for (int i = 0; i < 9; i++)
		assert_false(second(&g, &l, 100000, 10, 100, &step));
	assert_true(second(&g, &l, 1000, 10, 100, &step));
	assert_int_equal(step.level, WIRE_SHED_BODIES);
	/* Where nothing moved there is nothing to weigh it against. */
	begin(&g, &l, 1000000);
	for (int i = 0; i < 30; i++)
		assert_false(second(&g, &l, 100000, 0, 0, &step));
}

static void taken_back_when_calm(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000);
	for (int i = 0; i < 3; i++)
		assert_true(second(&g, &l, 200000, 0, 0, &step));
	assert_int_equal(g.level, WIRE_SHED_READS);
	/* Half of it is not below half. */
	for (int i = 0; i < 60; i++)
		assert_false(second(&g, &l, 5000, 0, 0, &step));
	/* Below half for 29 s, then one second of more. */
	for (int i = 0; i < 29; i++)
		assert_false(second(&g, &l, 1000, 0, 0, &step));
	assert_false(second(&g, &l, 50000, 0, 0, &step));
	for (int i = 0; i < 9; i++) /* as long as it is in the window */
		assert_false(second(&g, &l, 0, 0, 0, &step));
	for (int i = 0; i < 29; i++)
		assert_false(second(&g, &l, 0, 0, 0, &step));
	assert_true(second(&g, &l, 0, 0, 0, &step));
	assert_int_equal(step.before, WIRE_SHED_READS);
	assert_int_equal(step.level, WIRE_SHED_BODIES);
	/* The next one takes as long. */
	for (int i = 0; i < 29; i++)
		assert_false(second(&g, &l, 0, 0, 0, &step));
	assert_true(second(&g, &l, 0, 0, 0, &step));
	for (int i = 0; i < 30; i++)
		(void)second(&g, &l, 0, 0, 0, &step);
	assert_int_equal(g.level, WIRE_SHED_NONE);
	for (int i = 0; i < 100; i++)
		assert_false(second(&g, &l, 0, 0, 0, &step));
}

static void calm_by_calls_too(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	bool back = false;
	(void)state;

	begin(&g, &l, 1000000);
	for (int i = 0; i < 10; i++)
		(void)second(&g, &l, 800, 10, 100, &step);
	assert_int_equal(g.level, WIRE_SHED_STACKS);
	/* Under what the calls are worth, but not under half of it. */
	for (int i = 0; i < 90; i++)
		back |= second(&g, &l, 400, 10, 100, &step);
	assert_false(back);
	for (int i = 0; i < 45; i++)
		back |= second(&g, &l, 300, 10, 100, &step);
	assert_true(back);
}

static void time_is_what_it_is(void **state)
{
	struct governor_step step;
	struct governor g;
	struct load l;
	(void)state;

	begin(&g, &l, 10000);
	/* Asked too early, and with a clock that went back: nothing is looked at. */
	l.total.hits[STATE_HIT(true, true)] += 1000000;
	assert_false(governor_tick(&g, l.now_ns + S - 1, &l.total, &costs, &step));
	assert_false(governor_tick(&g, l.now_ns - 1, &l.total, &costs, &step));
	assert_int_equal(g.count, 0);
	/* A pause of 200 s may have cost 2 s. */
	l.now_ns += 200 * S;
	assert_false(governor_tick(&g, l.now_ns, &l.total, &costs, &step));
	governor_state(&g, &step);
	assert_int_equal(step.window_ns, 200 * S);
	assert_int_equal(step.cost_ns, 1 * S);
	assert_int_equal(step.budget_ns, 2 * S);
}

static void sample_of_level(void **state)
{
	(void)state;

	for (uint32_t level = 0; level < WIRE_SHED_SAMPLING; level++)
		assert_int_equal(governor_sample(level), 1);
	assert_int_equal(governor_sample(WIRE_SHED_SAMPLING), 2);
	assert_int_equal(governor_sample(WIRE_SHED_SAMPLING + 1), 4);
	assert_int_equal(governor_sample(WIRE_SHED_LAST), 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_by_class),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(cost_cannot_overflow),
		cmocka_unit_test(off_without_budget),
		cmocka_unit_test(at_the_budget_nothing_happens),
		cmocka_unit_test(a_burst_is_averaged),
		cmocka_unit_test(steps_in_order),
		cmocka_unit_test(a_flood_is_met_each_second),
		cmocka_unit_test(calls_have_their_own_worth),
		cmocka_unit_test(taken_back_when_calm),
		cmocka_unit_test(calm_by_calls_too),
		cmocka_unit_test(time_is_what_it_is),
		cmocka_unit_test(sample_of_level),
	};

	return cmocka_run_group_tests_name("probe governor", tests, NULL, NULL);
}
