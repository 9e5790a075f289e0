/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process does for another one. A request that is no model call is known at both its ends when the two ends of one
 * connection (or of two pipes) say the same words at the same time. What the serving process does while it answers that
 * request, and no other by that thread, is likely done for it: an agent that another one asked over HTTP, or a tool's server that
 * asks models itself. Two requests that look alike, or two that are served at once with nothing to tell them apart: none.
 */
#include "trace/set.h"

enum serve_by { SERVE_ENDS, SERVE_WIRE };

struct serve_key {
	struct hash128 what;
	uint64_t side; /* enum serve_by, and above it whether the server keeps it */
};

static bool is_server(const struct trace_call *k)
{
	return k->c->x && k->c->x->server_side;
}

/* ---- what a request is known by ---- */

static void mix(struct hash128 *h, uint64_t seed, struct str s)
{
	*h = hash_chain(*h, hash_u128(s, seed));
}

static struct hash128 words_of(const struct genai_call *c)
{
	struct hash128 h = c->body_hash;

	mix(&h, 1, c->method.n ? c->method : c->x->method);
	mix(&h, 2, c->x->target);
	return h;
}

/* The ends of its connection, the client's first. A pipe's are what each side writes and reads. */
static bool ends_of(const struct trace_call *k, struct hash128 *out)
{
	const struct flow_conn *conn = k->c->x->conn;
	const char *ends[] = {conn->local, conn->peer};
	bool server = is_server(k);

	if (ends[0][0] == '\0' || ends[1][0] == '\0')
		return false;
	*out = words_of(k->c);
	mix(out, 3, str_of(ends[server]));
	mix(out, 4, str_of(ends[!server]));
	return true;
}

/* Where nobody knows the ends: everything that went over the wire. Too little says nothing. */
static bool wire_of(const struct trace_call *k, struct hash128 *out)
{
	const struct http_message *m = &k->c->x->request;

	if (!m->head_done || m->head_unknown || m->body_bytes == 0)
		return false;
	*out = words_of(k->c);
	for (uint32_t i = 0; i < m->count; i++) {
		mix(out, 5, m->fields[i].name);
		mix(out, 6, m->fields[i].value);
	}
	return true;
}

/* ---- the two ends ---- */

static struct serve_key key_of(const struct trace_call *k, bool server)
{
	return (struct serve_key){.what = k->serve_what, .side = k->serve_by + 8u * server};
}

static void join(struct trace_call *client, struct trace_call *server)
{
	if (client->root != server->root || client->serve_other || server->serve_other)
		return;
	client->serve_other = server;
	server->serve_other = client;
	server->client_id = client->tool ? client->tool->id : client->id;
	server->client_pid = client->process->proc ? client->process->proc->pid : 0;
}

/* Two at once that look the same: neither is known. */
static void add(struct trace_set *t, struct trace_call *k)
{
	struct serve_key key = key_of(k, is_server(k));
	struct trace_call *same = map_get(t->serves, &key);

	if (same != NULL && same->closed) {
		same->serve_indexed = false; /* it was answered: this one is the next */
	} else if (same != NULL) {
		same->serve_twice = true;
		k->serve_twice = true;
		return;
	}
	k->serve_indexed = map_add(t->serves, &key, k) == 0;
}

static void meet(struct trace_set *t, struct trace_call *k)
{
	struct serve_key key = key_of(k, !is_server(k));
	struct trace_call *other = map_get(t->serves, &key);

	if (other != NULL && !other->serve_twice && !k->serve_twice && !other->closed)
		join(is_server(k) ? other : k, is_server(k) ? k : other);
}

static void list(struct trace_call *k)
{
	struct trace_process *pr = k->process;

	k->serve_next = pr->serves;
	if (pr->serves)
		pr->serves->serve_prev = k;
	pr->serves = k;
	k->served_here = true;
}

void trace_serve_begin(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	/* --keep could drop the one and leave the other. */
	if (c->x == NULL || c->x->conn == NULL || genai_is_model(c->kind) || t->mode == WIRE_MODE_DECODE ||
	    (t->groups != NULL && t->mode == WIRE_MODE_ATTACH))
		return;
	if (ends_of(k, &k->serve_what))
		k->serve_by = SERVE_ENDS;
	else if (wire_of(k, &k->serve_what))
		k->serve_by = SERVE_WIRE;
	else
		return;
	if (is_server(k))
		list(k);
	add(t, k);
	meet(t, k);
}

void trace_serve_forget(struct trace_set *t, struct trace_call *k)
{
	struct serve_key key = key_of(k, k->served_here);

	if (k->serve_indexed && map_get(t->serves, &key) == k)
		(void)map_remove(t->serves, &key);
	if (k->serve_other)
		k->serve_other->serve_other = NULL;
	if (!k->served_here)
		return;
	if (k->serve_prev)
		k->serve_prev->serve_next = k->serve_next;
	else
		k->process->serves = k->serve_next;
	if (k->serve_next)
		k->serve_next->serve_prev = k->serve_prev;
}

/* ---- what is done for it ---- */

static const char *how_of(const struct trace_call *server)
{
	const struct flow_conn *conn = server->c->x->conn;

	if (server->serve_by == SERVE_WIRE)
		return "content";
	return str_starts(str_of(conn->local), STR("pipe:")) ? "pipe" : "socket";
}

/* The only one that this thread answers; else the only one of the process. */
static const struct trace_call *served_by(const struct trace_process *pr, uint32_t tid, bool *thread)
{
	const struct trace_call *any = NULL, *own = NULL;
	uint32_t all = 0, owns = 0;

	for (const struct trace_call *k = pr->serves; k != NULL && all < TRACE_SERVES_LOOKED;
	     k = k->serve_next) {
		if (k->closed)
			continue;
		all++;
		any = k;
		if (tid && k->c->x->tid == tid) {
			owns++;
			own = k;
		}
	}
	*thread = owns == 1;
	return owns == 1 ? own : owns == 0 && all == 1 ? any : NULL;
}

bool trace_serve_place(const struct trace_process *pr, const struct trace_root *root, uint32_t tid,
		       struct trace_served *out)
{
	bool thread = false;
	const struct trace_call *k = served_by(pr, tid, &thread);

	if (k == NULL || k->client_id == 0 || k->root != root)
		return false;
	/* One of JSON-RPC has no span of its own: the client's says all (witness.c). */
	*out = (struct trace_served){.parent = k->c->method.n ? k->client_id : k->id,
				     .client = k->client_id,
				     .how = how_of(k),
				     .thread = thread,
				     .early = k->c->method.n > 0 ||
					      (k->c->x->request.body_bytes > 0 && !k->c->x->response.begun),
				     .tid = k->c->x->tid,
				     .since_ns = k->c->start_ns};
	return true;
}

/* The thread that read the request, at work for it: no task's step, and nothing that a loop called. */
static bool is_at_work(const struct py_stack *s, const struct trace_served *to)
{
	return s->tid == to->tid && s->ts_ns >= to->since_ns && s->how != PY_HOW_TASK &&
	       s->how != PY_HOW_CALLBACK && s->task_object == 0;
}

/*
 * What the program's own frames say. A loop's thread, or a pool's, works for many: there what leads outwards must have been begun
 * since the request came, or have come from the thread that read it. A task that lived before is somebody else's.
 */
bool trace_serve_fits(const struct py_stack *s, const struct trace_served *to)
{
	const struct py_stack *last = NULL;

	if (s == NULL)
		return to->thread && to->early;
	for (const struct py_stack *x = s; x != NULL; x = py_outwards(x)) {
		if (is_at_work(x, to))
			return true;
		last = x;
	}
	return last != s && last->ts_ns >= to->since_ns;
}

void trace_serve_settle(struct trace_call *k)
{
	if (k->served_for.parent && !trace_serve_fits(k->stack, &k->served_for))
		k->served_for.parent = 0;
}

/* ---- its own span ---- */

bool trace_serve_draft(const struct trace_call *k, struct trace_draft *d)
{
	if (k->client_id == 0 || !k->served_here)
		return false;
	d->s.parent = k->client_id;
	trace_draft_link(d, how_of(k), k->serve_by == SERVE_ENDS);
	if (k->serve_by == SERVE_ENDS)
		trace_draft_evidence(
			d, "the other end of span %016llx of pid %u: the same connection, the same request",
			(unsigned long long)k->client_id, k->client_pid);
	else
		trace_draft_evidence(d, "the same request, field by field, as span %016llx of pid %u",
				     (unsigned long long)k->client_id, k->client_pid);
	return true;
}

void trace_served_draft(struct trace_draft *d, const struct trace_served *s, uint32_t pid, uint32_t tid)
{
	trace_draft_link(d, s->how, false);
	if (s->thread)
		trace_draft_evidence(
			d, "thread %u of pid %u answered the request of span %016llx then, and no other", tid,
			pid, (unsigned long long)s->client);
	else
		trace_draft_evidence(d, "pid %u answered the request of span %016llx then, and no other", pid,
				     (unsigned long long)s->client);
}
