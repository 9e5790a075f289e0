/* SPDX-License-Identifier: BSD-2-Clause */
/* Sampling and the governor's steps, put into effect: the shared page for the kernel, records for the session, a beacon
 * for others. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "probe/beacon.h"
#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/spent.h"

/* Nobody can foresee it, and another run has another one. */
static uint64_t draw(void)
{
	struct {
		uint8_t boot_id[16];
		uint64_t now_ns;
		uint64_t pid;
	} facts = {.now_ns = clock_now_ns(), .pid = (uint64_t)getpid()};

	emit_boot_id(facts.boot_id);
	return hash_u64(str_make((const char *)&facts, sizeof(facts)), 0);
}

/* What is left out at the governor's level, on top of what was asked for. */
static void apply(struct probe *p)
{
	struct wire_shared *page = load_shared(p->load);
	uint32_t level = p->governor.level;
	uint64_t n = p->settings.mode == WIRE_MODE_ATTACH && p->settings.sample_n ? p->settings.sample_n : 1;

	n *= governor_sample(level);
	__atomic_store_n(&page->light, (p->settings.options & WIRE_OPT_LIGHT) || level >= WIRE_SHED_BODIES,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&page->stacks, (p->settings.options & WIRE_OPT_STACKS) && level < WIRE_SHED_STACKS,
			 __ATOMIC_RELAXED);
	p->blunted |= level >= WIRE_SHED_READS;
	__atomic_store_n(&page->blunt, level >= WIRE_SHED_READS, __ATOMIC_RELAXED);
	__atomic_store_n(&page->sample_n, (uint32_t)n, __ATOMIC_RELAXED);
	/* What every system call costs cannot be had for less. */
	load_pause_plain(p->load, level >= WIRE_SHED_SAMPLING);
}

void shed_begin(struct probe *p)
{
	struct wire_shared *page = load_shared(p->load);
	uint64_t drawn = draw();

	governor_init(&p->governor, p->settings.budget_ppm);
	governor_state(&p->governor, &p->seen);
	page->sample_seed = drawn;
	if (p->settings.mode == WIRE_MODE_RUN && p->settings.sample_n > 1 &&
	    drawn % p->settings.sample_n != 0) {
		page->sample_none = 1;
		p->settings.options |= WIRE_OPT_SAMPLED_OUT;
	}
	apply(p);
	beacon_sweep(BEACON_DIR);
}

void shed_show(struct probe *p)
{
	struct beacon b = {
		.mode = p->settings.mode,
		.sample_n = p->settings.sample_n ? p->settings.sample_n : 1,
		.budget_ppm = p->settings.budget_ppm,
		.processes = (uint32_t)map_count(p->processes),
		.state = p->seen,
	};
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		const struct process *x = value;

		if (!x->named)
			continue;
		if (b.target_count < BEACON_TARGETS_MAX)
			b.targets[b.target_count] = x->pid;
		b.target_count++;
	}
	int r = beacon_write(BEACON_DIR, &b);
	if (r < 0)
		err_note(ERR_DEBUG, "no other process can see what this one traces: %s: %s", BEACON_DIR,
			 strerror(-r));
}

void shed_tick(struct probe *p, uint64_t now_ns)
{
	struct state_spent total;
	struct governor_step step;
	bool stepped;

	if (p->settings.budget_ppm == 0)
		return;
	int r = spent_read(p->load, &total);
	if (r < 0) {
		err_note(ERR_VERBOSE, "note: the governor cannot read what probes cost: %s", strerror(-r));
		return;
	}
	governor_state(&p->governor, &step);
	stepped = governor_tick(&p->governor, now_ns, &total, &p->costs, &step);
	p->seen = step;
	if (stepped) {
		apply(p);
		emit_shed(p->settings.emit, p->settings.ctx, &step);
	}
	shed_show(p);
}

void shed_end(struct probe *p)
{
	(void)p;
	beacon_remove(BEACON_DIR);
}
