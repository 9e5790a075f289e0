/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One model call seen twice or three times on this host: by the client that made it, by the gateway that took it, and by the
 * gateway's own call to the provider. The later ones are hops of the first: `bottrace.hop_of`, its parent, no part in totals.
 *
 * Client and gateway know each other by the two ends of one connection and the request's bytes. The gateway's own call is known
 * by what it says: the same instructions, messages and presence of tools as the one request that its process is serving.
 * An agent that is spoken to like a model adds words of its own, and is none. Two candidates are none.
 */
#include <string.h>

#include "trace/set.h"

enum hop_by { HOP_SOCKET, HOP_WIRE, HOP_CONTENT };

struct hop_key {
	struct hash128 what;
	uint64_t by;	 /* enum hop_by, and above it whether the server keeps it */
	uint64_t serial; /* HOP_CONTENT: the process's */
};
_Static_assert(sizeof(struct hop_key) == TRACE_HOP_KEY, "the set's map is made for it");

/* ---- fingerprints ---- */

static bool is_instruction(struct str role)
{
	return str_eq(role, STR("system")) || str_eq(role, STR("developer"));
}

static void mix(struct hash128 *h, uint64_t seed, struct str s)
{
	*h = hash_chain(*h, hash_u128(s, seed));
}

/* Without what only one API has: roles of tools, borders between messages, thoughts. */
static uint32_t add_parts(struct hash128 *h, const struct genai_part *parts, uint32_t count)
{
	uint32_t added = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct genai_part *p = &parts[i];

		if (p->type == GENAI_REASONING || (p->type == GENAI_TEXT && p->text.n == 0))
			continue;
		*h = hash_chain(*h, (struct hash128){.lo = p->type});
		mix(h, 1, p->text);
		mix(h, 2, p->id);
		mix(h, 3, p->type == GENAI_TOOL_CALL ? p->name : STR_NONE);
		mix(h, 4, p->value);
		added++;
	}
	return added;
}

/* A call within a WebSocket: it has no body of its own. */
static bool is_lane(const struct genai_call *c)
{
	return c->body_hash.lo == 0 && c->body_hash.hi == 0;
}

/* What a call says; false: too little to know it by. */
static bool content_of(struct genai_call *c, struct hash128 *out)
{
	struct hash128 h = {.lo = c->tools.p != NULL};
	uint32_t said = 0;

	if (c->known > 0)
		genai_expand(c);

	(void)add_parts(&h, c->system, c->system_count);
	for (uint32_t i = 0; i < c->input_count; i++)
		if (is_instruction(c->input[i].role))
			(void)add_parts(&h, c->input[i].parts, c->input[i].count);
	for (uint32_t i = 0; i < c->input_count; i++)
		if (!is_instruction(c->input[i].role))
			said += add_parts(&h, c->input[i].parts, c->input[i].count);
	*out = h;
	if (said == 0 && c->x != NULL && c->x->request.body_bytes > 0) { /* embeddings: the body as it is */
		*out = c->body_hash;
		return true;
	}
	return said > 0;
}

/* The connection as both of its ends see it, and the request. */
static bool socket_of(const struct genai_call *c, struct hash128 content, struct hash128 *out)
{
	const struct flow_conn *conn = c->x->conn;
	const char *ends[] = {conn->local, conn->peer};
	struct hash128 h = {0};

	if (ends[0][0] == '\0' || ends[1][0] == '\0')
		return false;
	for (int i = 0; i < 2; i++) /* the client's first */
		mix(&h, 1, str_of(ends[c->x->server_side ? 1 - i : i]));
	*out = hash_chain(h, is_lane(c) ? content : c->body_hash);
	return true;
}

/* The request as it came over the wire, for ends whose addresses nobody knows (a library that reads from memory). */
static bool wire_of(const struct genai_call *c, struct hash128 *out)
{
	const struct http_message *m = &c->x->request;
	struct hash128 h = c->body_hash;

	if (!m->head_done || m->head_unknown || m->body_bytes == 0 || is_lane(c))
		return false;
	mix(&h, 1, c->x->method);
	mix(&h, 2, c->x->target);
	for (uint32_t i = 0; i < m->count; i++) {
		mix(&h, 3, m->fields[i].name);
		mix(&h, 4, m->fields[i].value);
	}
	*out = h;
	return true;
}

/* ---- links ---- */

static void set_hop(struct trace_set *t, struct trace_call *k, const struct trace_call *first, bool certain)
{
	uint64_t before = k->hop_of;

	k->hop_of = first->hop_of ? first->hop_of : first->id;
	k->hop_home = first->hop_of ? first->hop_home : first->process;
	k->hop_root = first->hop_of ? first->hop_root : first->root;
	k->hop_parent = first->hop_of ? first->hop_parent : trace_call_place(first);
	k->hop_asked = first->hop_of ? first->hop_asked : !first->c->x->server_side;
	k->hop_certain = certain && (first->hop_of == 0 || first->hop_certain);
	/* Under --keep it stays or goes with the first. */
	trace_keep_enter(t, k->root, k->hop_of);
	if (before)
		trace_keep_leave(t, before);
}

/* Client and server side of one exchange; the server's may be the elder, and have hops of its own. */
static void join(struct trace_set *t, struct trace_call *client, struct trace_call *server, bool certain)
{
	if (server->hop_of || client->id == server->id)
		return;
	set_hop(t, server, client, certain);
	for (struct trace_call *k = t->calls; k != NULL; k = k->next)
		if (k->hop_of == server->id)
			set_hop(t, k, server, k->hop_certain);
}

/* ---- the index of calls that are alive ---- */

static struct hop_key key_of(const struct trace_call *k, enum hop_by by, bool server)
{
	return (struct hop_key){.what = k->hop_keys[by],
				.by = by + 8u * server,
				.serial = by == HOP_CONTENT ? k->process->serial : 0};
}

static struct trace_call *find(struct trace_set *t, const struct trace_call *k, enum hop_by by, bool server)
{
	struct hop_key key = key_of(k, by, server);
	struct trace_call *other = map_get(t->hops, &key);

	return other && !(other->hop_twice >> by & 1) && !other->closed ? other : NULL;
}

/* Two at once that look the same: neither can be told from the other. */
static void add(struct trace_set *t, struct trace_call *k, enum hop_by by, bool server)
{
	struct hop_key key = key_of(k, by, server);
	struct trace_call *other = map_get(t->hops, &key);

	if (other != NULL && !other->closed) {
		other->hop_twice |= 1u << by;
		return;
	}
	if (map_add(t->hops, &key, k) == 0)
		k->hop_indexed |= 1u << by;
}

/* The other end of the request's connection. */
static void meet(struct trace_set *t, struct trace_call *k, enum hop_by by)
{
	bool served = k->c->x->server_side;
	struct trace_call *other = find(t, k, by, !served);

	/* Two known sockets that are not one connection are two requests, however alike. */
	if (other && by == HOP_WIRE && other->hop_socket && k->hop_socket)
		other = NULL;
	if (other)
		join(t, served ? other : k, served ? k : other, by == HOP_SOCKET);
	add(t, k, by, served);
}

void trace_hop_input(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	k->hop_served = c->x && c->x->server_side;
	if (c->x == NULL || c->x->conn == NULL)
		return;
	/* Whoever serves nobody is no gateway: its history is not read again for this. */
	bool gateway = k->hop_served || k->process->serving > 0;
	bool says = (gateway || is_lane(c)) && content_of(k->c, &k->hop_keys[HOP_CONTENT]);

	k->hop_socket = socket_of(c, k->hop_keys[HOP_CONTENT], &k->hop_keys[HOP_SOCKET]);
	if (k->hop_socket)
		meet(t, k, HOP_SOCKET);
	if (k->hop_of == 0 && wire_of(c, &k->hop_keys[HOP_WIRE]))
		meet(t, k, HOP_WIRE);
	if (k->hop_served) {
		k->process->serving++;
		if (says)
			add(t, k, HOP_CONTENT, true);
		return;
	}
	struct trace_call *inbound = says ? find(t, k, HOP_CONTENT, true) : NULL;

	if (inbound && k->hop_of == 0)
		set_hop(t, k, inbound, false);
}

void trace_hop_forget(struct trace_set *t, struct trace_call *k)
{
	for (unsigned by = HOP_SOCKET; by <= HOP_CONTENT; by++) {
		struct hop_key key = key_of(k, by, k->hop_served);

		if ((k->hop_indexed >> by & 1) && map_get(t->hops, &key) == k)
			(void)map_remove(t->hops, &key);
	}
	if (k->hop_served && k->process->serving > 0)
		k->process->serving--;
	if (k->hop_of)
		trace_keep_leave(t, k->hop_of);
}

void trace_hop_draft(const struct trace_call *k, struct trace_draft *d)
{
	bool serves = k->c->x && k->c->x->server_side;

	if (k->hop_of == 0)
		return;
	trace_draft_str(d, "bottrace.hop_of", trace_draft_hex(d, k->hop_of));
	if (k->hop_root != k->root)
		return; /* another trace's span is nobody's parent here */
	d->s.asked_by = k->hop_of;
	d->s.parent = k->hop_parent ? k->hop_parent : trace_process_parent(k->hop_home);
	if (d->s.parent == 0)
		return;
	trace_draft_link(d, serves && k->hop_certain ? "socket" : "content", serves && k->hop_certain);
	if (serves && !k->hop_certain)
		trace_draft_evidence(d, "the same request, field by field, as that of span %016llx",
				     (unsigned long long)k->hop_of);
	else if (serves)
		trace_draft_evidence(d, "the other end of the connection of span %016llx, the same request",
				     (unsigned long long)k->hop_of);
	else
		trace_draft_evidence(
			d, "the same instructions and messages as the request that pid %u was serving",
			k->process->proc ? k->process->proc->pid : 0);
}
