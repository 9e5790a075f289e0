/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/conn.h"

#include <errno.h>

#include "base/limits.h"

#define HELD_BYTES_MAX (16u << 20) /* memory that all lanes together hold back */

struct conn_key {
	uint64_t ssl, generation, start_ns;
	uint32_t pid;
	uint32_t pad;
};

struct owner_key {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t pad;
};

int conn_init(struct conn_table *t, const struct flow_settings *settings)
{
	*t = (struct conn_table){.settings = settings};
	t->conns = map_new(sizeof(struct conn_key), CONN_MAX);
	t->owners = map_new(sizeof(struct owner_key), LIMIT_PROCESSES);
	return t->conns && t->owners ? 0 : -ENOMEM;
}

static void conn_drop(struct conn *c)
{
	if (c == NULL)
		return;
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		stream_fini(&c->lane[dir].stream);
		order_fini(&c->lane[dir].order);
		hash_sha_free(c->pub.side[dir].sha);
	}
	free(c);
}

void conn_fini(struct conn_table *t)
{
	size_t at = 0;
	void *owner;

	while (t->owners && map_next(t->owners, &at, NULL, &owner))
		free(owner);
	map_free(t->owners);
	map_free(t->conns);
	for (uint32_t i = 0; i < t->count; i++)
		conn_drop(t->all[i]);
	free(t->all);
	*t = (struct conn_table){0};
}

/* ---- lists ---- */

static void lru_remove(struct conn_table *t, struct conn *c)
{
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
	c->older = c->newer = NULL;
}

static void lru_add(struct conn_table *t, struct conn *c)
{
	c->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void waiting_remove(struct conn_table *t, struct conn_lane *l)
{
	*(l->prev ? &l->prev->next : &t->waiting) = l->next;
	*(l->next ? &l->next->prev : &t->waiting_last) = l->prev;
	l->prev = l->next = NULL;
}

static void waiting_add(struct conn_table *t, struct conn_lane *l)
{
	l->prev = t->waiting_last;
	*(t->waiting_last ? &t->waiting_last->next : &t->waiting) = l;
	t->waiting_last = l;
}

/* After anything that may have changed what a lane holds. */
static void lane_changed(struct conn_table *t, struct conn_lane *l)
{
	if (l->held_bytes == l->stream.held_bytes)
		return;
	if (l->held_bytes > 0)
		waiting_remove(t, l);
	t->held_bytes += l->stream.held_bytes - l->held_bytes;
	l->held_bytes = l->stream.held_bytes;
	if (l->held_bytes > 0)
		waiting_add(t, l);
}

struct conn_owner *conn_find_owner(const struct conn_table *t, uint32_t pid, uint64_t start_ns)
{
	struct owner_key k = {.start_ns = start_ns, .pid = pid};

	return map_get(t->owners, &k);
}

/* Without memory the connection has no owner: then it ends with the session. */
static void owner_add(struct conn_table *t, struct conn *c, uint32_t pid, uint64_t start_ns)
{
	struct owner_key k = {.start_ns = start_ns, .pid = pid};
	struct conn_owner *o = conn_find_owner(t, pid, start_ns);

	if (o == NULL) {
		o = calloc(1, sizeof(*o));
		if (o == NULL)
			return;
		o->start_ns = start_ns;
		o->pid = pid;
		if (map_add(t->owners, &k, o) < 0) {
			free(o);
			return;
		}
	}
	c->owner = o;
	c->sibling_next = o->first;
	if (o->first)
		o->first->sibling_prev = c;
	o->first = c;
}

static void owner_remove(struct conn_table *t, struct conn *c)
{
	struct conn_owner *o = c->owner;

	if (o == NULL)
		return;
	*(c->sibling_prev ? &c->sibling_prev->sibling_next : &o->first) = c->sibling_next;
	if (c->sibling_next)
		c->sibling_next->sibling_prev = c->sibling_prev;
	c->sibling_prev = c->sibling_next = NULL;
	c->owner = NULL;
	if (o->first == NULL) {
		struct owner_key k = {.start_ns = o->start_ns, .pid = o->pid};

		map_remove(t->owners, &k);
		free(o);
	}
}

/* ---- making ---- */

static bool grow(struct conn_table *t)
{
	if (t->count < t->room)
		return true;
	uint32_t room = t->room ? t->room * 2 : 64;
	struct conn **all = realloc(t->all, room * sizeof(struct conn *));
	if (all == NULL)
		return false;
	t->all = all;
	t->room = room;
	return true;
}

static struct conn *make(struct conn_table *t, struct proc *proc, uint64_t ts_ns)
{
	struct conn *c = t->count < CONN_MAX && grow(t) ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL)
		return NULL;
	c->pub.proc = proc;
	c->pub.seen_ns = ts_ns;
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		stream_init(&c->lane[dir].stream, &c->pub, dir, t->settings);
		if (!t->settings->digest)
			continue;
		c->pub.side[dir].sha = hash_sha_new();
		if (c->pub.side[dir].sha == NULL) {
			conn_drop(c);
			return NULL;
		}
	}
	return c;
}

/* From here on the table owns it. */
static void enter(struct conn_table *t, struct conn *c)
{
	c->pub.id = t->count + 1;
	t->all[t->count++] = c;
	t->open_count++;
	lru_add(t, c);
	while (t->open_count > LIMIT_CONNECTIONS)
		conn_close(t, t->oldest, CONN_EVICTED, FLOW_END_SESSION, c->pub.seen_ns);
}

struct conn *conn_add(struct conn_table *t, struct proc *proc, uint64_t ts_ns)
{
	struct conn *c = make(t, proc, ts_ns);

	if (c == NULL) {
		t->dropped++;
		return NULL;
	}
	enter(t, c);
	return c;
}

static struct conn_key key_of(const struct wire_head *rec, const struct wire_conn_key *key)
{
	return (struct conn_key){
		.ssl = key->ssl, .generation = key->generation, .start_ns = rec->start_ns, .pid = rec->pid};
}

struct conn *conn_find(const struct conn_table *t, const struct wire_head *rec,
		       const struct wire_conn_key *key)
{
	struct conn_key k = key_of(rec, key);

	return map_get(t->conns, &k);
}

int conn_join(struct conn_table *t, const struct wire_head *rec, const struct wire_conn_key *key,
	      struct conn *c)
{
	struct conn_key k = key_of(rec, key);
	int r = map_add(t->conns, &k, c);

	if (r < 0)
		return r;
	c->pub.mate_ssl = key->ssl;
	c->pub.mate_generation = key->generation;
	return 0;
}

static bool is_same(const struct wire_conn_key *a, const struct wire_conn_key *b)
{
	return a->ssl == b->ssl && a->generation == b->generation;
}

bool conn_claim(struct conn *c, enum wire_dir dir, const struct wire_conn_key *key)
{
	if (!(c->halves & 1 << dir)) {
		c->halves |= (uint8_t)(1 << dir);
		c->half[dir] = *key;
	}
	return is_same(&c->half[dir], key);
}

bool conn_has_total(const struct conn *c)
{
	for (int dir = 0; dir < WIRE_DIRS; dir++)
		if ((!c->halves || c->halves & 1 << dir) && !c->lane[dir].stream.has_total)
			return false;
	return true;
}

struct conn *conn_get(struct conn_table *t, const struct wire_head *rec, const struct wire_conn_key *key)
{
	struct conn_key k = key_of(rec, key);
	struct conn *c = map_get(t->conns, &k);

	if (c != NULL)
		return c;
	c = make(t, t->settings->procs ? proc_get(t->settings->procs, rec) : NULL, rec->ts_ns);
	if (c == NULL || map_add(t->conns, &k, c) < 0) {
		conn_drop(c);
		t->dropped++;
		return NULL;
	}
	c->pub.ssl = key->ssl;
	c->pub.generation = key->generation;
	owner_add(t, c, rec->pid, rec->start_ns);
	enter(t, c);
	return c;
}

/* ---- bytes, time, end ---- */

/*
 * Whether a write that a read answers may be told of after it: a library call is told of when it returns, and one thread's
 * read may return before another's write does, though that one's bytes went out first. A client that has not written
 * (who names a server is one) did it then for sure.
 */
static bool is_early(const struct conn *c, enum wire_dir dir, const struct stream_piece *piece)
{
	if (dir != WIRE_READ || c->state != CONN_OPEN || piece->tid == 0 || piece->tid == c->write_tid)
		return false;
	return c->write_tid != 0 || c->pub.server.p != NULL;
}

/* A write that began before a read returned was not made because of it: it comes first. */
static void admit(struct conn_table *t, struct conn *c, uint64_t until_ns)
{
	struct conn_lane *l = &c->lane[WIRE_READ];

	if (l->stream.held == NULL)
		return;
	stream_admit(&l->stream, until_ns);
	lane_changed(t, l);
}

void conn_feed(struct conn_table *t, struct conn *c, enum wire_dir dir, const struct stream_piece *fed)
{
	struct conn_lane *l = &c->lane[dir];
	struct stream_piece own = *fed, *piece = &own;

	piece->early = is_early(c, dir, piece);
	if (dir == WIRE_WRITE) {
		admit(t, c, piece->start_ns);
		c->write_tid = piece->tid;
	}

	if (c->state == CONN_OPEN && t->newest != c) {
		lru_remove(t, c);
		lru_add(t, c);
	}
	stream_feed(&l->stream, piece);
	lane_changed(t, l);
	if (dir == WIRE_WRITE && piece->offset + piece->len >= piece->call_end)
		admit(t, c, UINT64_MAX);
	while (t->held_bytes > HELD_BYTES_MAX) {
		l = t->waiting;
		stream_push(&l->stream);
		lane_changed(t, l);
	}
}

void conn_tick(struct conn_table *t, uint64_t now_ns)
{
	while (t->waiting != NULL) {
		struct conn_lane *l = t->waiting;
		size_t before = l->held_bytes;

		stream_tick(&l->stream, now_ns);
		if (l->stream.held_bytes == before)
			return;
		lane_changed(t, l);
	}
}

void conn_flush(struct conn_table *t, struct conn *c)
{
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		stream_flush(&c->lane[dir].stream);
		lane_changed(t, &c->lane[dir]);
	}
}

void conn_settle(struct conn_table *t, struct conn *c, enum wire_cause unknown_cause, uint64_t ts_ns)
{
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		stream_settle(&c->lane[dir].stream, unknown_cause, ts_ns);
		lane_changed(t, &c->lane[dir]);
	}
}

void conn_close(struct conn_table *t, struct conn *c, enum conn_state state, enum flow_end why,
		uint64_t ts_ns)
{
	bool was_open = c->state == CONN_OPEN;

	if (why != FLOW_END_SESSION && c->pub.close_ns == 0)
		c->pub.close_ns = ts_ns;
	if (c->state == CONN_CLOSED)
		return;
	conn_flush(t, c);
	c->state = state;
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		c->lane[dir].stream.deaf = true;
		c->lane[dir].stream.deaf_cause =
			state == CONN_EVICTED ? WIRE_CAUSE_MAP_FULL : WIRE_CAUSE_QUEUE_FULL;
	}
	if (!was_open)
		return;
	t->open_count--;
	lru_remove(t, c);
	owner_remove(t, c);
	t->settings->ops->close(t->settings->ctx, &c->pub, why, ts_ns);
}
