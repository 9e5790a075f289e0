/* SPDX-License-Identifier: BSD-2-Clause */
/* Values that rules read of frames, by the write that their stack was taken at. They come behind the stack, which may be
 * asked for long after; the oldest go. */
#ifndef PY_VALUE_H
#define PY_VALUE_H

#include "base/map.h"
#include "py/py.h"

struct value_key {
	uint64_t process; /* serial number */
	uint64_t ssl, generation, offset;
};

struct value_set;

struct value_table {
	struct map *map;
	struct value_set *first, *last; /* oldest first */
	size_t bytes;
};

/* 0, -ENOMEM. */
int value_init(struct value_table *t) MUST_CHECK;
void value_fini(struct value_table *t);
/* 0, -ENOMEM. */
int value_add(struct value_table *t, uint64_t process, const struct wire_py_value *rec) MUST_CHECK;
/* Of one write; borrowed until the next is added. */
const struct py_value *value_find(const struct value_table *t, const struct value_key *key, uint32_t *count);

#endif
