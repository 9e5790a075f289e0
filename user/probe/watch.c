/* SPDX-License-Identifier: BSD-2-Clause */
/* After attach: processes that fork, exec and end, libraries that are loaded later. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "probe/engine.h"
#include "probe/witness.h"

#define MS	1000000ull
#define SYNC_NS (1000 * MS)
/* The linker tells before and after it maps a library; an interpreter may load a hundred in its first second. */
#define LINKER_WAIT_NS (1 * MS)
#define LINKER_REST_NS (5 * MS)
#define SCANS_PER_TICK 64u /* the rest is due at once: other messages get their turn */
#define WALK_MAX       1000000u

/* When the maps of a new image are looked at: most programs load their libraries in their first second. */
static const uint16_t scan_after_ms[] = {5, 50, 150, 400, 1000};
#define SCANS (sizeof(scan_after_ms) / sizeof(scan_after_ms[0]))

/* A thousand processes are looked at less often each: a look costs some 100 us. */
static uint64_t scan_interval(const struct probe *p)
{
	uint64_t many = map_count(p->processes) * 10 * MS;

	return many > 1000 * MS ? many : 1000 * MS;
}

static uint64_t wait_after(const struct probe *p, unsigned scans)
{
	if (scans == 0)
		return scan_after_ms[0] * MS;
	if (scans < SCANS)
		return (uint64_t)(scan_after_ms[scans] - scan_after_ms[scans - 1]) * MS;
	return scan_interval(p);
}

static void start_over(struct process *x)
{
	x->scans = 0;
	x->listens = false;
	x->maps_hash = 0;
	x->next_ns = clock_now_ns() + scan_after_ms[0] * MS;
}

static void look_soon(struct process *x)
{
	uint64_t at = clock_now_ns() + LINKER_WAIT_NS;

	if (at < x->scanned_ns + LINKER_REST_NS)
		at = x->scanned_ns + LINKER_REST_NS;
	if (at < x->next_ns)
		x->next_ns = at;
}

int watch_notice(void *ctx, void *data, size_t size)
{
	const struct state_notice *n = data;
	struct probe *p = ctx;
	struct process *x;

	if (size < sizeof(*n))
		return 0;
	switch (n->what) {
	case STATE_NOTICE_FORK:
		x = process_add(p, n->pid, n->start_ns);
		if (x && !x->told) {
			x->told = true;
			start_over(x);
		}
		break;
	case STATE_NOTICE_EXEC:
		x = process_add(p, n->pid, n->start_ns);
		if (x) {
			x->told = true;
			start_over(x);
			process_foresee(p, x);
		}
		break;
	case STATE_NOTICE_MAP:
		x = process_find(p, n->pid, n->start_ns);
		if (x)
			look_soon(x);
		break;
	case STATE_NOTICE_MARK:
		x = process_find(p, n->pid, n->start_ns);
		if (x)
			x->next_ns = 0; /* at once: it waits */
		break;
	case STATE_NOTICE_EXIT:
		process_remove(p, n->pid, n->start_ns);
		p->departures = true;
		break;
	}
	return 0;
}

static void add_untold(struct probe *p)
{
	int fd = load_table_fd(p->load, LOAD_TARGETS);
	struct state_target target;
	uint32_t key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned i = 0; more && i < WALK_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &target) != 0 || process_find(p, key, target.start_ns))
			continue;
		struct process *x = process_add(p, key, target.start_ns);
		if (x) {
			x->told = true;
			start_over(x);
		}
	}
}

/* Makes the table of processes agree with the kernel's: notices can be lost, that cannot. */
static void sync_processes(struct probe *p)
{
	int fd = load_table_fd(p->load, LOAD_TARGETS);
	struct state_target target;
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		const struct process *x = value;

		if (bpf_map_lookup_elem(fd, &x->pid, &target) == 0 && target.start_ns == x->start_ns)
			continue;
		process_remove(p, x->pid, x->start_ns);
		p->departures = true;
	}
	add_untold(p);
}

/* Scans who is due; the time of the next one that is. */
static uint64_t scan_due(struct probe *p, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned scanned = 0;
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		struct process *x = value;

		if (x->next_ns <= now && scanned < SCANS_PER_TICK) {
			unsigned before = x->scans;

			process_scan(p, x);
			scanned++;
			if (x->scans == before)
				x->scans++;
			x->next_ns = now + wait_after(p, x->scans);
		}
		if (x->next_ns < next)
			next = x->next_ns;
	}
	return next;
}

int probe_tick(struct probe *p)
{
	if (p->detached)
		return -1;
	library_tick(p->libs);
	/* Who attaches has had its answer by now. */
	if (p->attached)
		load_keep(p->load);
	(void)ring_buffer__consume(p->notify);
	uint64_t now = clock_now_ns();
	if (now >= p->next_sync_ns) {
		sync_processes(p);
		if (p->departures)
			sweep_departures(p);
		p->departures = false;
		witness_watch(p, now);
		shed_tick(p, now);
		p->next_sync_ns = now + SYNC_NS;
	}
	uint64_t next = scan_due(p, now);
	if (map_count(p->processes) == 0 && !p->departures)
		return -1;
	if (p->next_sync_ns < next)
		next = p->next_sync_ns;
	now = clock_now_ns();
	return next <= now ? 0 : (int)((next - now) / MS) + 1;
}

unsigned probe_alive(struct probe *p)
{
	if (!p->detached && map_count(p->processes) == 0)
		sync_processes(p);
	return (unsigned)map_count(p->processes);
}
