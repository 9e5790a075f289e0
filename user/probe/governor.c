/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/governor.h"

#include <string.h>

void governor_init(struct governor *g, uint32_t budget_ppm)
{
	*g = (struct governor){.budget_ppm = budget_ppm};
}

/* Counters only grow; one that did not (a reading torn between processors) counts as standing still. */
static uint64_t grown(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t syscall_cost(const struct state_spent *from, const struct state_spent *to,
			     const struct site_costs *costs)
{
	return times(grown(from->syscalls, to->syscalls), costs->syscall_ns);
}

uint64_t governor_cost(const struct state_spent *from, const struct state_spent *to,
		       const struct site_costs *costs)
{
	uint64_t cost = 0;

	for (unsigned emulated = 0; emulated < 2; emulated++) {
		uint64_t plain =
			grown(from->hits[STATE_HIT(false, emulated)], to->hits[STATE_HIT(false, emulated)]);
		uint64_t data =
			grown(from->hits[STATE_HIT(true, emulated)], to->hits[STATE_HIT(true, emulated)]);

		cost = add(cost, times(plain, costs->plain_ns[emulated]));
		cost = add(cost, times(data, costs->empty_ns[emulated]));
	}
	cost = add(cost, grown(from->walk_ns, to->walk_ns));
	cost = add(cost, times(grown(from->records, to->records), costs->record_ns));
	cost = add(cost, syscall_cost(from, to, costs));
	return add(cost, times(grown(from->bytes, to->bytes), costs->byte_ps) / 1000);
}

/* ---- the window ---- */

static struct governor_slot window(const struct governor *g)
{
	struct governor_slot sum = {0};

	for (uint32_t i = 0; i < g->count; i++) {
		sum.ns = add(sum.ns, g->slots[i].ns);
		sum.cost_ns = add(sum.cost_ns, g->slots[i].cost_ns);
		sum.allowed_ns = add(sum.allowed_ns, g->slots[i].allowed_ns);
	}
	return sum;
}

static void keep(struct governor *g, const struct governor_slot *slot)
{
	g->slots[g->at] = *slot;
	g->at = (g->at + 1) % GOVERNOR_SLOTS;
	if (g->count < GOVERNOR_SLOTS)
		g->count++;
}

/* What counts against the next step begins now. */
static void start_over(struct governor *g)
{
	g->count = g->at = 0;
	g->calm_ns = 0;
}

void governor_state(const struct governor *g, struct governor_step *state)
{
	struct governor_slot w = window(g);
	uint64_t ns = w.ns > GOVERNOR_WINDOW_NS ? w.ns : GOVERNOR_WINDOW_NS;

	*state = (struct governor_step){
		.level = g->level,
		.before = g->level,
		.cost_ns = w.cost_ns,
		.window_ns = ns,
		/* The product of a long pause fits: 10^6 ppm of 5 hours is 2^64. */
		.budget_ns = (uint64_t)((__uint128_t)ns * g->budget_ppm / 1000000),
	};
	/* Calls are weighed against what they moved only where 10 s of them were seen. */
	if (w.ns >= GOVERNOR_WINDOW_NS && w.allowed_ns > 0 && w.allowed_ns < state->budget_ns)
		state->budget_ns = w.allowed_ns;
}

/* ---- steps ---- */

static bool take_step(struct governor *g, struct governor_step *step, uint32_t level)
{
	step->before = g->level;
	step->level = level;
	g->level = level;
	start_over(g);
	return true;
}

bool governor_tick(struct governor *g, uint64_t now_ns, const struct state_spent *total,
		   const struct site_costs *costs, struct governor_step *step)
{
	uint64_t passed = now_ns - g->last_ns;

	if (g->budget_ppm == 0 || now_ns < g->last_ns || (g->last_ns && passed < GOVERNOR_SECOND_NS))
		return false;
	struct governor_slot slot = {
		.ns = passed,
		.cost_ns = governor_cost(&g->last, total, costs),
		.allowed_ns = add(times(grown(g->last.requests, total->requests), GOVERNOR_REQUEST_NS),
				  times(grown(g->last.chunks, total->chunks), GOVERNOR_CHUNK_NS)),
	};
	/* Model calls are no measure for what other calls cost: that counts against the budget alone. */
	if (slot.allowed_ns > 0)
		slot.allowed_ns = add(slot.allowed_ns, syscall_cost(&g->last, total, costs));
	bool first = g->last_ns == 0;
	g->last_ns = now_ns;
	g->last = *total;
	if (first)
		return false;
	keep(g, &slot);
	governor_state(g, step);
	if (step->cost_ns > step->budget_ns) {
		g->calm_ns = 0;
		return g->level < WIRE_SHED_LAST && take_step(g, step, g->level + 1);
	}
	g->calm_ns = step->cost_ns < step->budget_ns / 2 ? add(g->calm_ns, passed) : 0;
	if (g->level > WIRE_SHED_NONE && g->calm_ns >= GOVERNOR_CALM_NS)
		return take_step(g, step, g->level - 1);
	return false;
}

uint32_t governor_sample(uint32_t level)
{
	return level < WIRE_SHED_SAMPLING ? 1 : 2u << (level - WIRE_SHED_SAMPLING);
}
