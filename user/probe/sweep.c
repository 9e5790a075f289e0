/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/witness.h"

#define WALK_MAX 1000000u /* keys: a map that changes under the walk can make it start anew */

static bool is_traced(const struct probe *p, uint32_t pid, uint64_t start_ns)
{
	struct state_target t;

	return bpf_map_lookup_elem(load_table_fd(p->load, LOAD_TARGETS), &pid, &t) == 0 &&
	       t.start_ns == start_ns;
}

/* An entry is final once `targets` has no such process any more (bpf/maps.bpf.h). */
static void sweep_departed(struct probe *p, bool all)
{
	int fd = load_table_fd(p->load, LOAD_DEPARTED);
	struct state_process key, next;
	struct wire_counts counts;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned i = 0; more && i < WALK_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!all && is_traced(p, key.pid, key.start_ns))
			continue;
		if (bpf_map_lookup_elem(fd, &key, &counts) != 0)
			continue;
		(void)bpf_map_delete_elem(fd, &key);
		witness_tell(p, key.pid, key.start_ns, &counts);
		emit_process_final(p->settings.emit, p->settings.ctx, key.pid, key.start_ns, &counts);
	}
}

static void sweep_conn_finals(struct probe *p)
{
	int fd = load_table_fd(p->load, LOAD_CONN_FINALS);
	struct state_conn_final key, next;
	struct state_sides sides;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned i = 0; more && i < WALK_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &sides) != 0)
			continue;
		(void)bpf_map_delete_elem(fd, &key);
		struct wire_conn_key conn = {.ssl = key.ssl, .generation = key.generation};
		emit_conn_final(p->settings.emit, p->settings.ctx, key.pid, key.start_ns, &conn, sides.side);
	}
}

static void sweep_conns(struct probe *p, bool all)
{
	int fd = load_table_fd(p->load, LOAD_CONNS);
	struct state_conn_key key, next;
	struct state_conn conn;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned i = 0; more && i < WALK_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &conn) != 0)
			continue;
		if (!all && is_traced(p, key.tgid, conn.start_ns))
			continue;
		(void)bpf_map_delete_elem(fd, &key);
		if (conn.transport && !conn.heard)
			continue; /* nobody was told of it */
		struct wire_conn_key name = {.ssl = key.ssl, .generation = conn.generation};
		emit_conn_final(p->settings.emit, p->settings.ctx, key.tgid, conn.start_ns, &name, conn.side);
	}
}

void sweep_departures(struct probe *p)
{
	witness_look(p);
	sweep_conn_finals(p);
	sweep_conns(p, false);
	sweep_departed(p, false);
}

static void sweep_targets(struct probe *p)
{
	int fd = load_table_fd(p->load, LOAD_TARGETS);
	struct state_target target;
	uint32_t key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned i = 0; more && i < WALK_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &target) != 0)
			continue;
		(void)bpf_map_delete_elem(fd, &key);
		witness_tell(p, key, target.start_ns, &target.counts);
		emit_process_final(p->settings.emit, p->settings.ctx, key, target.start_ns, &target.counts);
	}
}

void sweep_all(struct probe *p)
{
	static const struct wire_counts none;
	struct wire_counts orphans;
	uint32_t zero = 0;

	sweep_conn_finals(p);
	sweep_conns(p, true);
	sweep_departed(p, true);
	sweep_targets(p);
	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_ORPHANS), &zero, &orphans) == 0 &&
	    memcmp(&orphans, &none, sizeof(none)) != 0)
		emit_process_final(p->settings.emit, p->settings.ctx, 0, 0, &orphans);
}
