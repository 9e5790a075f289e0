/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"

/* Beyond them pipes are conversations of their own. */
#define PAIRS_MAX 65536u

struct pair {
	uint64_t ino[2]; /* of the process's descriptors 0 and 1 */
	uint64_t peer_ino[2];
	struct pair *next;
};

struct who {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t pad;
};

struct place {
	uint64_t start_ns;
	uint64_t ino;
	uint32_t pid;
	uint32_t pad;
};

struct pair_table {
	struct map *by_ino;  /* of a pair, or of the other ends of its sockets */
	struct map *by_proc; /* struct who -> its own standard input and output */
	struct map *
		conns; /* struct place -> struct conn: whatever a process has there, or at the other end of it */
	struct pair *all;
	uint32_t count;
};

struct pair_table *pair_new(void)
{
	struct pair_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->by_ino = map_new(sizeof(uint64_t), 4 * PAIRS_MAX);
	t->by_proc = map_new(sizeof(struct who), LIMIT_PROCESSES);
	t->conns = map_new(sizeof(struct place), 4 * PAIRS_MAX);
	if (t->by_ino && t->by_proc && t->conns)
		return t;
	pair_free(t);
	return NULL;
}

void pair_free(struct pair_table *t)
{
	if (t == NULL)
		return;
	map_free(t->by_ino);
	map_free(t->by_proc);
	map_free(t->conns);
	while (t->all) {
		struct pair *p = t->all;

		t->all = p->next;
		free(p);
	}
	free(t);
}

/* The last word counts: numbers come again after 2^32 of them, processes execute more than once. Without memory two
 * pipes stay two conversations. */
static void put(struct map *m, const void *key, void *value)
{
	(void)map_remove(m, key);
	if (map_add(m, key, value) < 0)
		return;
}

static struct pair *make(struct pair_table *t, const struct wire_proc_stdio *rec)
{
	struct pair *p = t->count < PAIRS_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL)
		return NULL;
	memcpy(p->ino, rec->ino, sizeof(p->ino));
	memcpy(p->peer_ino, rec->peer_ino, sizeof(p->peer_ino));
	p->next = t->all;
	t->all = p;
	t->count++;
	return p;
}

void pair_take(struct pair_table *t, const struct wire_proc_stdio *rec)
{
	struct who who = {.start_ns = rec->head.start_ns, .pid = rec->head.pid};
	struct pair *p = map_get(t->by_ino, &rec->ino[0]);

	if (rec->ino[0] == 0 || rec->ino[1] == 0 || rec->ino[0] == rec->ino[1]) {
		(void)map_remove(t->by_proc, &who);
		return;
	}
	/* A shell and the program that it runs in its place have the same two. */
	if (p == NULL || p->ino[0] != rec->ino[0] || p->ino[1] != rec->ino[1])
		p = make(t, rec);
	if (p == NULL)
		return;
	put(t->by_proc, &who, p);
	for (int i = 0; i < 2; i++) {
		put(t->by_ino, &rec->ino[i], p);
		if (rec->peer_ino[i])
			put(t->by_ino, &rec->peer_ino[i], p);
	}
}

static bool has(const struct pair *p, uint64_t ino)
{
	return p->ino[0] == ino || p->ino[1] == ino;
}

/* The pair that a connection is a half of, for its process; NULL: none is known. */
static const struct pair *find(const struct pair_table *t, const struct wire_plain_conn *rec)
{
	struct who who = {.start_ns = rec->head.start_ns, .pid = rec->head.pid};
	const struct pair *own = map_get(t->by_proc, &who);

	/* In a | b one pipe is b's input and a's output: to each its own. */
	if (own && has(own, rec->ino))
		return own;
	const struct pair *p = map_get(t->by_ino, &rec->ino);
	if (p == NULL && rec->peer_ino)
		p = map_get(t->by_ino, &rec->peer_ino);
	return p;
}

static bool is_half(const struct pair *p, int i, uint64_t ino)
{
	return ino != 0 && (p->ino[i] == ino || p->peer_ino[i] == ino);
}

struct conn *pair_mate(const struct pair_table *t, const struct wire_plain_conn *rec)
{
	const struct pair *p = find(t, rec);

	for (int i = 0; p && i < 2; i++) {
		struct place at = {
			.start_ns = rec->head.start_ns, .ino = p->ino[1 - i], .pid = rec->head.pid};

		if (is_half(p, i, rec->ino) || is_half(p, i, rec->peer_ino))
			return map_get(t->conns, &at);
	}
	return NULL;
}

void pair_add(struct pair_table *t, const struct wire_plain_conn *rec, struct conn *c)
{
	const uint64_t ino[2] = {rec->ino, rec->peer_ino};

	for (int i = 0; i < 2; i++) {
		struct place at = {.start_ns = rec->head.start_ns, .ino = ino[i], .pid = rec->head.pid};

		if (ino[i])
			put(t->conns, &at, c);
	}
}
