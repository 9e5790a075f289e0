/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The overhead governor's arithmetic (--budget): what the probes of all traced processes cost, whether that is more
 * than they may, and which step comes next. Numbers in, numbers out: no clock, no kernel, no memory; shed.c does what
 * it says.
 *
 * The cost of a second is reckoned, not measured: hits of each class of site by what a hit of that class was calibrated
 * to cost, and for calls whose payload was copied out the record and the bytes. It may not exceed
 *  - the budget: a share of one core over all targets, averaged over 10 s; what was before the first second, or before
 *    the last step, counts as nothing, so a flood is answered within seconds and a short burst not at all;
 *  - what model calls are worth: 50 us for each request and 2 us for each call that moved data, over 10 s of traffic.
 * One step is taken a second at most. A step is taken back after 30 s below half of both.
 */
#ifndef PROBE_GOVERNOR_H
#define PROBE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/site.h"
#include "state.h"
#include "wire.h"

#define GOVERNOR_SLOTS	    10u		  /* of at least a second each: the window */
#define GOVERNOR_SECOND_NS  1000000000ull /* the shortest time between two looks */
#define GOVERNOR_WINDOW_NS  10000000000ull
#define GOVERNOR_CALM_NS    30000000000ull
#define GOVERNOR_REQUEST_NS 50000u
#define GOVERNOR_CHUNK_NS   2000u

struct governor_slot {
	uint64_t ns; /* how long */
	uint64_t cost_ns;
	uint64_t allowed_ns; /* for its requests and chunks */
};

struct governor {
	uint32_t budget_ppm; /* millionths of one core; 0: no budget, nothing is ever shed */
	uint32_t level;	     /* enum wire_shed */
	uint64_t last_ns;    /* 0: not looked yet */
	uint64_t calm_ns;    /* below half of what is allowed, for so long */
	struct state_spent last;
	struct governor_slot slots[GOVERNOR_SLOTS];
	uint32_t count, at; /* slots in use; the next one to write */
};

/* What a step was taken on. Also taken back: then level < before. */
struct governor_step {
	uint32_t level, before;
	uint64_t cost_ns;   /* in the window */
	uint64_t budget_ns; /* what it might have been: the tighter of the two that counts */
	uint64_t window_ns;
};

void governor_init(struct governor *g, uint32_t budget_ppm);
/* total: of all processors, since the beginning. True: a step was taken, and *step says which. Before a second is over
 * nothing is looked at. */
bool governor_tick(struct governor *g, uint64_t now_ns, const struct state_spent *total,
		   const struct site_costs *costs, struct governor_step *step);
/* What the probes cost between two readings. */
uint64_t governor_cost(const struct state_spent *from, const struct state_spent *to,
		       const struct site_costs *costs);
/* Cost and budget of the window as it stands, for people. */
void governor_state(const struct governor *g, struct governor_step *state);
/* At this level one of so many new connections is looked at: 1, 2, 4, ... 1024. */
uint32_t governor_sample(uint32_t level);

#endif
