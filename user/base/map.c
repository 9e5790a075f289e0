/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries stand in an array in insertion order; an open-addressed index of (hash, entry) leads to them. A removed
 * entry leaves a hole in the array (value NULL) and none in the index (the probe run is shifted back). Holes at both
 * ends go at once, those between when the array is full. So add, get and remove are O(1) amortised, a whole walk is
 * O(entries that ever stood between the first and the last).
 */
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"

#define FIRST_ENTRIES 8u
#define ENTRIES_MAX   (1u << 30)
#define NOWHERE	      UINT32_MAX

struct slot {
	uint32_t hash;
	uint32_t entry; /* NOWHERE: free */
};

struct map {
	size_t key_size;
	size_t entry_size; /* value, hash, key, rounded up to 8 */
	size_t max_entries;
	size_t count;
	size_t first; /* no entry below it lives */
	size_t used;  /* entries in the array, with holes */
	size_t cap;
	char *entries;
	struct slot *index; /* mask + 1 slots: twice cap, so at most half full */
	size_t mask;
	uint64_t seed;
};

struct entry {
	void *value; /* NULL: a hole */
	uint32_t hash;
	uint32_t pad;
	char key[];
};

struct map *map_new(size_t key_size, size_t max_entries)
{
	assert(key_size > 0 && key_size < 1u << 16);
	struct map *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->key_size = key_size;
	m->entry_size = (sizeof(struct entry) + key_size + 7) & ~(size_t)7;
	m->max_entries = max_entries < ENTRIES_MAX ? max_entries : ENTRIES_MAX;
	/* Walks do not depend on it, strangers cannot guess it. */
	m->seed = (uint64_t)(uintptr_t)m;
	return m;
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	free(m->entries);
	free(m->index);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m->count;
}

static struct entry *entry_at(const struct map *m, size_t i)
{
	return (struct entry *)(m->entries + i * m->entry_size);
}

static uint32_t hash_of(const struct map *m, const void *key)
{
	return (uint32_t)hash_u64(str_make(key, m->key_size), m->seed);
}

/* The slot that leads to key, or NULL. */
static struct slot *find(const struct map *m, const void *key, uint32_t hash)
{
	if (m->index == NULL)
		return NULL;
	for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
		struct slot *s = &m->index[i];

		if (s->entry == NOWHERE)
			return NULL;
		if (s->hash == hash && memcmp(entry_at(m, s->entry)->key, key, m->key_size) == 0)
			return s;
	}
}

void *map_get(const struct map *m, const void *key)
{
	const struct slot *s = find(m, key, hash_of(m, key));

	return s ? entry_at(m, s->entry)->value : NULL;
}

static void put_slot(struct slot *index, size_t mask, uint32_t hash, size_t entry)
{
	size_t i = hash & mask;

	while (index[i].entry != NOWHERE)
		i = (i + 1) & mask;
	index[i] = (struct slot){hash, (uint32_t)entry};
}

/* Closes the holes; the index is built anew. */
static void compact(struct map *m)
{
	size_t to = 0;

	memset(m->index, 0xff, (m->mask + 1) * sizeof(*m->index));
	for (size_t i = m->first; i < m->used; i++) {
		struct entry *e = entry_at(m, i);

		if (e->value == NULL)
			continue;
		if (i != to)
			memcpy(entry_at(m, to), e, m->entry_size);
		put_slot(m->index, m->mask, e->hash, to++);
	}
	m->first = 0;
	m->used = to;
}

/* Doubles the room. Unchanged when there is no memory. */
static int grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : FIRST_ENTRIES;
	struct slot *index = malloc(cap * 2 * sizeof(*index));

	if (index == NULL)
		return -ENOMEM;
	char *entries = realloc(m->entries, cap * m->entry_size);

	if (entries == NULL) {
		free(index);
		return -ENOMEM;
	}
	free(m->index);
	m->entries = entries;
	m->index = index;
	m->cap = cap;
	m->mask = cap * 2 - 1;
	compact(m);
	return 0;
}

int map_add(struct map *m, const void *key, void *value)
{
	assert(value != NULL);
	uint32_t hash = hash_of(m, key);
	struct slot *s = find(m, key, hash);

	if (s) {
		entry_at(m, s->entry)->value = value;
		return 0;
	}
	if (m->count >= m->max_entries)
		return -ENOSPC;
	if (m->used == m->cap) {
		if (m->cap && m->count <= m->cap / 2)
			compact(m);
		else if (grow(m) < 0)
			return -ENOMEM;
	}
	struct entry *e = entry_at(m, m->used);

	memset(e, 0, m->entry_size);
	e->value = value;
	e->hash = hash;
	memcpy(e->key, key, m->key_size);
	put_slot(m->index, m->mask, hash, m->used);
	m->used++;
	m->count++;
	return 0;
}

/* Frees slot i and moves back those of its probe run that may stand there. */
static void remove_slot(struct map *m, size_t i)
{
	for (size_t j = (i + 1) & m->mask; m->index[j].entry != NOWHERE; j = (j + 1) & m->mask) {
		size_t home = m->index[j].hash & m->mask;

		/* Its home is cyclically in (i, j]: it must stay behind it. */
		if (((j - home) & m->mask) < ((j - i) & m->mask))
			continue;
		m->index[i] = m->index[j];
		i = j;
	}
	m->index[i].entry = NOWHERE;
}

void *map_remove(struct map *m, const void *key)
{
	struct slot *s = find(m, key, hash_of(m, key));

	if (s == NULL)
		return NULL;
	struct entry *e = entry_at(m, s->entry);
	void *value = e->value;

	remove_slot(m, (size_t)(s - m->index));
	e->value = NULL;
	m->count--;
	/* A walk under way stays right: nothing that lives moves. */
	while (m->used > m->first && entry_at(m, m->used - 1)->value == NULL)
		m->used--;
	while (m->first < m->used && entry_at(m, m->first)->value == NULL)
		m->first++;
	if (m->count == 0)
		m->first = m->used = 0;
	return value;
}

bool map_next(const struct map *m, size_t *pos, const void **key, void **value)
{
	size_t i = *pos > m->first ? *pos : m->first;

	while (i < m->used && entry_at(m, i)->value == NULL)
		i++;
	if (i >= m->used)
		return false;
	const struct entry *e = entry_at(m, i);

	if (key)
		*key = e->key;
	*value = e->value;
	*pos = i + 1;
	return true;
}
