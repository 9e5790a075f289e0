/* SPDX-License-Identifier: BSD-2-Clause */
/* Hash map from fixed-size keys (compared as bytes: zero your pads) to pointers. Not for hostile iteration order:
 * map_next walks in insertion order, so what is made from a walk is the same on every replay. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/drop.h"

struct map;

/* max_entries bounds it: beyond, map_add says -ENOSPC. NULL without memory. */
struct map *map_new(size_t key_size, size_t max_entries);
/* Frees the map, not what its values point to. */
void map_free(struct map *m);
DROP_POINTER(map, map_free)
size_t map_count(const struct map *m);
/* The value, or NULL. */
void *map_get(const struct map *m, const void *key);
/* Sets key to value (never NULL), replacing what was there. 0, -ENOMEM, -ENOSPC; unchanged on failure. */
int map_add(struct map *m, const void *key, void *value) MUST_CHECK;
/* Removes key and returns its value, or NULL. */
void *map_remove(struct map *m, const void *key);
/* Walks: start with *pos 0; false at the end. key may be NULL. Removing the entry just given is allowed, adding is not. */
bool map_next(const struct map *m, size_t *pos, const void **key, void **value);

#endif
