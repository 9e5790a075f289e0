/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/walker.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

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

void walker_choose(const struct walker *w, struct bpf_program *prog)
{
	bool wanted = w->stacks && strncmp(bpf_program__name(prog), "make_", 5) == 0;

	for (unsigned i = 0; i < STATE_WALKERS; i++)
		for (unsigned k = 0; k < TABLES; k++)
			wanted |= is_wanted(w, i, k) &&
				  strcmp(bpf_program__name(prog), names[i][k][!w->loop]) == 0;
	if (w->attach_type >= 0 && bpf_program__type(prog) != BPF_PROG_TYPE_RAW_TRACEPOINT)
		bpf_program__set_expected_attach_type(prog, (enum bpf_attach_type)w->attach_type);
	bpf_program__set_autoload(prog, wanted);
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

static int set(const struct walker *w, const struct bpf_object *obj, uint32_t walker, unsigned table)
{
	const struct bpf_program *prog =
		bpf_object__find_program_by_name(obj, names[walker][table][!w->loop]);
	int map = bpf_object__find_map_fd_by_name(obj, tables[table]);

	if (prog == NULL || map < 0)
		return -ENOENT;
	uint32_t fd = (uint32_t)bpf_program__fd(prog);
	return bpf_map_update_elem(map, &walker, &fd, BPF_ANY) == 0 ? 0 : -errno;
}

int walker_set(const struct walker *w, const struct bpf_object *obj, const struct rule_table *rules)
{
	for (uint32_t i = 0; i < STATE_WALKERS; i++)
		for (unsigned k = 0; k < TABLES; k++) {
			int r = is_wanted(w, i, k) ? set(w, obj, i, k) : 0;

			if (r < 0)
				return r;
		}
	if (!w->stacks || !w->values)
		return 0;
	return rule_give(rules, bpf_object__find_map_fd_by_name(obj, "rules"),
			 bpf_object__find_map_fd_by_name(obj, "rule_names"));
}
