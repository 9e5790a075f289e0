/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"

#define TYPES_MAX 65536u

struct cut {
	const struct btf *kernel;
	struct btf *out;
	uint32_t *ids;	/* by the kernel's id: ours, 0: not taken */
	uint32_t *list; /* by our id less 1: the kernel's, in the order in which they were taken */
	uint32_t n;
};

/* The name without the flavour that tells our copies of one kernel type apart: task_struct___tasks. */
static struct str essential(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour != name ? str_make(name, (size_t)(flavour - name)) : str_of(name);
}

static bool is_root(const struct btf_type *t)
{
	return t->name_off != 0 && (btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t));
}

static struct map *name_set(const struct btf *ours)
{
	struct map *names = map_new(sizeof(struct hash128), TYPES_MAX);
	uint32_t count = btf__type_cnt(ours);
	int r = names ? 0 : -ENOMEM;

	for (uint32_t id = 1; id < count && r == 0; id++) {
		const struct btf_type *t = btf__type_by_id(ours, id);

		if (!is_root(t))
			continue;
		struct hash128 key = hash_u128(essential(btf__name_by_offset(ours, t->name_off)), 0);
		r = map_add(names, &key, names);
	}
	if (r < 0) {
		map_free(names);
		return NULL;
	}
	return names;
}

/* Our id of a kernel's type, which is taken at its first mention; 0 (void) when there are too many. */
static uint32_t id_of(struct cut *c, uint32_t id)
{
	if (id == 0 || c->ids[id] != 0)
		return c->ids[id];
	if (c->n == TYPES_MAX)
		return 0;
	c->list[c->n++] = id;
	c->ids[id] = c->n;
	return c->n;
}

/* A copy of one type, which mentions others by our ids. */
static int add(struct cut *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->kernel, id);

	/* What is behind a pointer is read by another access, which begins at that type's name. */
	if (btf_is_ptr(t))
		return btf__add_ptr(c->out, 0);
	/* Not told apart by the loader, and of no size. */
	if (btf_is_func_proto(t) || btf_is_func(t) || btf_is_var(t) || btf_is_datasec(t) ||
	    btf_is_decl_tag(t))
		return btf__add_ptr(c->out, 0);
	int added = btf__add_type(c->out, c->kernel, t);
	if (added < 0)
		return added;
	struct btf_type *copy = (struct btf_type *)btf__type_by_id(c->out, (uint32_t)added);
	if (btf_is_composite(copy)) {
		for (uint16_t i = 0; i < btf_vlen(copy); i++)
			btf_members(copy)[i].type = id_of(c, btf_members(t)[i].type);
	} else if (btf_is_array(copy)) {
		btf_array(copy)->type = id_of(c, btf_array(t)->type);
		btf_array(copy)->index_type = id_of(c, btf_array(t)->index_type);
	} else if (btf_is_typedef(copy) || btf_is_mod(copy)) {
		copy->type = id_of(c, t->type);
	}
	return added;
}

static int take_roots(struct cut *c, const struct btf *ours)
{
	autodrop(drop_map) struct map *names = name_set(ours);
	uint32_t count = btf__type_cnt(c->kernel);

	if (names == NULL)
		return -ENOMEM;
	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(c->kernel, id);

		if (!is_root(t))
			continue;
		struct hash128 key = hash_u128(essential(btf__name_by_offset(c->kernel, t->name_off)), 0);
		if (map_get(names, &key))
			(void)id_of(c, id);
	}
	return 0;
}

static void drop_btf(struct btf **b)
{
	btf__free(*b);
}

int types_cut(const struct btf *kernel, const struct btf *ours, struct buf *out)
{
	autodrop(drop_btf) struct btf *made = btf__new_empty();
	autodrop(drop_memory) uint32_t *ids = calloc(btf__type_cnt(kernel), sizeof(*ids));
	autodrop(drop_memory) uint32_t *list = calloc(TYPES_MAX, sizeof(*list));
	struct cut c = {.kernel = kernel, .out = made, .ids = ids, .list = list};
	uint32_t size;

	if (made == NULL || ids == NULL || list == NULL)
		return -ENOMEM;
	(void)btf__set_pointer_size(made, btf__pointer_size(kernel));
	int r = take_roots(&c, ours);
	/* The list grows under the walk: what a type mentions is taken behind it. */
	for (uint32_t i = 0; i < c.n && r >= 0; i++)
		r = add(&c, list[i]);
	if (r < 0)
		return r;
	if (c.n == TYPES_MAX)
		return -E2BIG;
	const char *raw = btf__raw_data(made, &size);
	if (raw == NULL)
		return -ENOMEM;
	buf_add(out, str_make(raw, size));
	return buf_err(out);
}
