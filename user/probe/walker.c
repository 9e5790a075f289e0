/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/walker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "probe/object.h"

enum table { TABLE_CALLS, TABLE_PLAIN, TABLES };

static const char *const tables[TABLES] = {"walkers", "plain_walkers"};

/* Of each table, with bpf_loop and without. */
static const char *const names[STATE_WALKERS][TABLES][2] = {
	[STATE_WALKER_STACK] = {{"python_walk", "python_walk_plain"},
				{"python_walk_raw", "python_walk_plain_raw"}},
	[STATE_WALKER_VALUE] = {{"python_value", "python_value_plain"},
				{"python_value_raw", "python_value_plain_raw"}},
};

static bool is_wanted(const struct walker *w, unsigned walker, unsigned table)
{
	return w->stacks && (w->values || walker != STATE_WALKER_VALUE) && (w->plain || table != TABLE_PLAIN);
}

bool walker_wants(const struct walker *w, const char *program)
{
	bool wanted = w->stacks && strncmp(program, "make_", 5) == 0;

	for (unsigned i = 0; i < STATE_WALKERS; i++)
		for (unsigned k = 0; k < TABLES; k++)
			wanted |= is_wanted(w, i, k) && strcmp(program, names[i][k][!w->loop]) == 0;
	return wanted;
}

int walker_size(const struct bpf_object *obj, const struct rule_table *rules)
{
	struct bpf_map *of_rules = bpf_object__find_map_by_name(obj, "rules");
	struct bpf_map *of_names = bpf_object__find_map_by_name(obj, "rule_names");

	if (rules->count == 0)
		return 0;
	int r = bpf_map__set_max_entries(of_rules, rules->count);
	return r < 0 ? r : bpf_map__set_max_entries(of_names, rules->name_count);
}

static int set(const struct walker *w, struct object *o, uint32_t walker, unsigned table)
{
	const struct batch_program *prog = object_find(o, names[walker][table][!w->loop]);
	int map = object_map(o, tables[table]);

	if (prog == NULL || map < 0)
		return -ENOENT;
	uint32_t fd = (uint32_t)prog->fd;
	return bpf_map_update_elem(map, &walker, &fd, BPF_ANY) == 0 ? 0 : -errno;
}

int walker_set(const struct walker *w, struct object *o, const struct rule_table *rules)
{
	for (uint32_t i = 0; i < STATE_WALKERS; i++)
		for (unsigned k = 0; k < TABLES; k++) {
			int r = is_wanted(w, i, k) ? set(w, o, i, k) : 0;

			if (r < 0)
				return r;
		}
	if (!w->stacks || !w->values)
		return 0;
	return rule_give(rules, object_map(o, "rules"), object_map(o, "rule_names"));
}
