/* SPDX-License-Identifier: BSD-2-Clause */
/* What each record means for the connection table (conn.c); the order of bytes is kept by stream.c. */
#include "flow/flow.h"

#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "flow/address.h"
#include "flow/conn.h"
#include "flow/pair.h"

#define NAMES_BYTES_MAX (64u << 20) /* server names and library names of one session */
#define LIBS_MAX	65536u

struct lib {
	struct str base;      /* p NULL: its record has not come yet */
	struct conn *waiting; /* for its name */
};

struct flow {
	struct flow_settings settings;
	struct conn_table table;
	struct map *libs; /* id -> struct lib */
	struct arena *names;
	struct pair_table *pairs;
	bool ended;
};

struct flow *flow_new(const struct flow_settings *settings)
{
	autodrop(drop_flow) struct flow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->settings = *settings;
	f->libs = map_new(sizeof(uint32_t), LIBS_MAX);
	f->names = arena_new(NAMES_BYTES_MAX);
	f->pairs = pair_new();
	if (conn_init(&f->table, &f->settings) < 0 || !f->libs || !f->names || !f->pairs)
		return NULL;
	return take(f);
}

void flow_free(struct flow *f)
{
	size_t at = 0;
	void *lib;

	if (f == NULL)
		return;
	conn_fini(&f->table);
	while (f->libs && map_next(f->libs, &at, NULL, &lib))
		free(lib);
	map_free(f->libs);
	pair_free(f->pairs);
	arena_free(f->names);
	free(f);
}

/* ---- data ---- */

static uint64_t call_start(uint64_t ts_ns, uint64_t call_ns)
{
	return call_ns < ts_ns ? ts_ns - call_ns : 0;
}

/* Where bytes of a direction go. A pipe has one direction; of two sockets that are taken for such a pair one may still
 * speak in both, and is a connection of its own in what it was not taken for. */
static struct conn *data_conn(struct flow *f, const struct wire_head *rec, const struct wire_conn_key *key,
			      enum wire_dir dir)
{
	struct conn *c = conn_get(&f->table, rec, key);
	struct wire_conn_key other = {.ssl = key->ssl | 1, .generation = key->generation};

	if (c == NULL || !c->halves || conn_claim(c, dir, key))
		return c;
	return conn_get(&f->table, rec, &other);
}

static void place(struct conn *c, const struct wire_conn_key *key, enum wire_dir dir, struct stream_piece *p)
{
	if (key->ssl >> 63) /* an open file: struct wire_conn_key */
		order_place(&c->lane[dir].order, p);
}

static void take_data(struct flow *f, const struct wire_head *rec)
{
	const struct wire_tls_data *d = (const void *)rec;
	struct conn *c = data_conn(f, rec, &d->conn, d->dir);

	if (c == NULL)
		return;
	struct stream_piece p = {
		.offset = d->offset,
		.call_start = d->offset - d->call_off,
		.call_end = d->offset - d->call_off + d->call_len,
		.start_ns = call_start(rec->ts_ns, d->call_ns),
		.ts_ns = rec->ts_ns,
		.tid = rec->tid,
		.len = d->len,
		.key = d->conn,
		.hole_cause = d->hole_cause,
		.skipped = d->skipped,
		.data = (const char *)d->payload,
	};
	place(c, &d->conn, d->dir, &p);
	conn_feed(&f->table, c, d->dir, &p);
}

static void take_loss(struct flow *f, const struct wire_head *rec)
{
	const struct wire_drain_loss *l = (const void *)rec;
	struct conn *c = data_conn(f, rec, &l->conn, l->dir);

	if (c == NULL)
		return;
	struct stream_piece p = {
		.offset = l->offset,
		.call_start = l->offset - l->call_off,
		.call_end = l->offset - l->call_off + l->call_len,
		.ts_ns = rec->ts_ns,
		.tid = rec->tid,
		.len = l->len,
		.hole_cause = l->hole_cause,
		.loss_cause = l->cause ? l->cause : WIRE_CAUSE_QUEUE_FULL,
		.skipped = l->skipped,
	};
	place(c, &l->conn, l->dir, &p);
	conn_feed(&f->table, c, l->dir, &p);
}

/* ---- names ---- */

static struct lib *get_lib(struct flow *f, uint32_t id)
{
	struct lib *l = map_get(f->libs, &id);

	if (l != NULL)
		return l;
	l = calloc(1, sizeof(*l));
	if (l != NULL && map_add(f->libs, &id, l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static void take_lib(struct flow *f, const struct wire_head *rec)
{
	const struct wire_lib *w = (const void *)rec;
	struct str path = str_make(w->payload, w->path_len);
	struct lib *l = get_lib(f, w->id);

	if (l == NULL || l->base.p != NULL)
		return;
	l->base = arena_dup(f->names, str_base_name(path));
	while (l->waiting != NULL) {
		struct conn *c = l->waiting;

		l->waiting = c->lib_next;
		c->lib_next = NULL;
		c->pub.tls = l->base;
		c->awaits_lib = false;
	}
}

static void take_conn(struct flow *f, const struct wire_head *rec)
{
	const struct wire_tls_conn *w = (const void *)rec;
	struct conn *c = conn_get(&f->table, rec, &w->conn);

	if (c == NULL)
		return;
	if (w->family != 0) {
		address_format(w->family, w->local, w->lport, c->pub.local);
		address_format(w->family, w->peer, w->pport, c->pub.peer);
	}
	if (w->lib == 0 || c->pub.tls.p != NULL || c->awaits_lib)
		return;
	struct lib *l = get_lib(f, w->lib);
	if (l == NULL)
		return;
	if (l->base.p != NULL) {
		c->pub.tls = l->base;
		return;
	}
	c->awaits_lib = true;
	c->lib_next = l->waiting;
	l->waiting = c;
}

/* The connection of a socket or pipe; the second half of a pair is the first one's. */
static struct conn *plain_conn(struct flow *f, const struct wire_head *rec, const struct wire_plain_conn *w)
{
	bool may_pair = w->ino && w->path_len == 0 && w->transport != WIRE_TCP;
	struct conn *c = conn_find(&f->table, rec, &w->conn);

	if (c || !may_pair)
		return c ? c : conn_get(&f->table, rec, &w->conn);
	c = pair_mate(f->pairs, w);
	if (!c || c->state != CONN_OPEN || c->halves & 1 << rec->flags ||
	    conn_join(&f->table, rec, &w->conn, c) < 0)
		c = conn_get(&f->table, rec, &w->conn);
	if (c == NULL)
		return NULL;
	(void)conn_claim(c, rec->flags, &w->conn);
	pair_add(f->pairs, w, c);
	return c;
}

static void take_plain(struct flow *f, const struct wire_head *rec)
{
	const struct wire_plain_conn *w = (const void *)rec;
	struct conn *c = plain_conn(f, rec, w);

	if (c == NULL)
		return;
	c->pub.transport = w->transport;
	if (w->transport == WIRE_PIPE) {
		address_format_ino(WIRE_PIPE, w->ino, rec->flags == WIRE_READ ? c->pub.peer : c->pub.local);
	} else if (w->family != 0) {
		address_format(w->family, w->local, w->lport, c->pub.local);
		address_format(w->family, w->peer, w->pport, c->pub.peer);
	} else if (c->pub.local[0] == '\0') {
		address_format_ino(WIRE_UNIX, w->ino, c->pub.local);
		address_format_ino(WIRE_UNIX, w->peer_ino, c->pub.peer);
	}
	struct str path = str_make(w->path, w->path_len);
	if (path.n > 0 && w->path[0] == '\0')
		c->pub.path = arena_printf(f->names, "@%.*s", STR_ARG(str_skip(path, 1)));
	else if (path.n > 0)
		c->pub.path = arena_dup(f->names, str_head(path, strnlen(path.p, path.n)));
}

/* The last name that was set before the handshake is the one that went out. */
static void take_sni(struct flow *f, const struct wire_head *rec)
{
	const struct wire_tls_sni *w = (const void *)rec;
	struct str name = str_make(w->payload, w->len);
	struct conn *c = conn_get(&f->table, rec, &w->conn);

	if (c == NULL || name.n == 0 || str_eq(c->pub.server, name))
		return;
	struct str kept = arena_dup(f->names, name);
	if (kept.p != NULL)
		c->pub.server = kept;
}

/* ---- ends ---- */

/* False: another kernel connection of it goes on. */
static bool add_totals(struct conn *c, const struct wire_tls_close *w)
{
	for (int dir = 0; dir < WIRE_DIRS; dir++) {
		if (c->halves && !(c->halves & 1 << dir && conn_claim(c, dir, &w->conn)))
			continue;
		stream_add_total(&c->lane[dir].stream, &w->side[dir]);
		c->ended |= (uint8_t)(1 << dir);
	}
	return !c->halves || (c->ended & c->halves) == c->halves;
}

/* Comes through the ring: all that was sent of the connection came before it. */
static void take_close(struct flow *f, const struct wire_head *rec)
{
	const struct wire_tls_close *w = (const void *)rec;
	struct conn *c = conn_get(&f->table, rec, &w->conn);

	if (c == NULL)
		return;
	if (!add_totals(c, w)) {
		conn_flush(&f->table, c);
		return;
	}
	conn_settle(&f->table, c, WIRE_CAUSE_QUEUE_FULL, rec->ts_ns);
	conn_close(&f->table, c, CONN_CLOSED, FLOW_END_FREED, rec->ts_ns);
}

/* Comes beside the ring: pieces of the connection may still be in it, unless its process has ended. */
static void take_conn_final(struct flow *f, const struct wire_head *rec)
{
	const struct wire_tls_close *w = (const void *)rec;
	struct conn *c = conn_get(&f->table, rec, &w->conn);

	if (c == NULL)
		return;
	if (add_totals(c, w) && c->state == CONN_CLOSED)
		conn_settle(&f->table, c, WIRE_CAUSE_QUEUE_FULL, rec->ts_ns);
}

/* The image that had these connections is gone. A total that came is final; without one, what the last call moved and
 * we did not get waits for its cause. */
static void end_process(struct flow *f, const struct wire_head *rec, enum flow_end why)
{
	struct conn_owner *o = conn_find_owner(&f->table, rec->pid, rec->start_ns);
	struct conn *c = o ? o->first : NULL;

	/* Newest first in the list; told oldest first. */
	while (c != NULL && c->sibling_next != NULL)
		c = c->sibling_next;
	while (c != NULL) {
		struct conn *next = c->sibling_prev;

		conn_flush(&f->table, c);
		if (conn_has_total(c))
			conn_settle(&f->table, c, WIRE_CAUSE_QUEUE_FULL, rec->ts_ns);
		conn_close(&f->table, c, CONN_CLOSED, why, rec->ts_ns);
		c = next;
	}
}

static void end_session(struct flow *f, const struct wire_head *rec)
{
	const struct wire_end *e = (const void *)rec;

	f->ended = true;
	for (uint32_t i = 0; i < f->table.count; i++) {
		struct conn *c = f->table.all[i];
		bool told = e->has_final || conn_has_total(c);

		/* Nobody could say what became of the rest. */
		conn_settle(&f->table, c, told ? WIRE_CAUSE_QUEUE_FULL : WIRE_CAUSE_TRACER_DOWN, rec->ts_ns);
		conn_close(&f->table, c, CONN_CLOSED, FLOW_END_SESSION, rec->ts_ns);
	}
}

void flow_feed(struct flow *f, const struct wire_head *rec)
{
	if (f->ended)
		return;
	conn_tick(&f->table, rec->ts_ns);
	switch (rec->kind) {
	case WIRE_TLS_DATA:
		take_data(f, rec);
		break;
	case WIRE_DRAIN_LOSS:
		take_loss(f, rec);
		break;
	case WIRE_TLS_CONN:
		take_conn(f, rec);
		break;
	case WIRE_PLAIN_CONN:
		take_plain(f, rec);
		break;
	case WIRE_PROC_STDIO:
		pair_take(f->pairs, (const void *)rec);
		break;
	case WIRE_TLS_SNI:
		take_sni(f, rec);
		break;
	case WIRE_TLS_CLOSE:
		take_close(f, rec);
		break;
	case WIRE_CONN_FINAL:
		take_conn_final(f, rec);
		break;
	case WIRE_LIB:
		take_lib(f, rec);
		break;
	case WIRE_PROC_EXIT:
		end_process(f, rec, FLOW_END_PROC_EXIT);
		break;
	case WIRE_PROC_EXEC:
		end_process(f, rec, FLOW_END_FREED);
		break;
	case WIRE_END:
		end_session(f, rec);
		break;
	}
}

struct flow_conn *flow_next(const struct flow *f, const struct flow_conn *after)
{
	uint32_t i = after ? after->id : 0;

	return i < f->table.count ? &f->table.all[i]->pub : NULL;
}

uint64_t flow_dropped(const struct flow *f)
{
	return f ? f->table.dropped : 0;
}

/* ---- without a kernel ---- */

struct flow_conn *flow_open(struct flow *f, struct proc *proc, struct str server, uint64_t ts_ns)
{
	struct conn *c = conn_add(&f->table, proc, ts_ns);

	if (c == NULL)
		return NULL;
	if (server.p != NULL)
		c->pub.server = arena_dup(f->names, server);
	return &c->pub;
}

void flow_data(struct flow *f, struct flow_conn *c, enum wire_dir dir, struct str data, uint64_t ts_ns)
{
	struct conn *own = (struct conn *)c;
	uint64_t start = own->lane[dir].stream.next;
	uint64_t end = start + data.n;

	while (data.n > 0) {
		struct str part = str_head(data, 1u << 30);
		struct stream_piece p = {
			.offset = own->lane[dir].stream.next,
			.call_start = start,
			.call_end = end,
			.start_ns = ts_ns,
			.ts_ns = ts_ns,
			.len = (uint32_t)part.n,
			.data = part.p,
		};

		conn_feed(&f->table, own, dir, &p);
		data = str_skip(data, part.n);
	}
}

void flow_close(struct flow *f, struct flow_conn *c, uint64_t ts_ns)
{
	conn_close(&f->table, (struct conn *)c, CONN_CLOSED, FLOW_END_FREED, ts_ns);
}
