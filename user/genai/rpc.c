/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC 2.0: which request an answer belongs to, whatever carries them. Over HTTP a request is a POST, and its
 * exchange is the call; its answer comes in the same exchange, as JSON or as an event of a stream, or (MCP with HTTP and
 * SSE; a stream that was resumed) on another one. What the server asks comes as an event, and is answered by a POST.
 * Over a pipe everything is a line. So calls that wait for an answer are kept in one table, by who speaks to whom.
 */
#include <stdlib.h>

#include "base/map.h"
#include "genai/decoder.h"

#define RPC_WAITING_MAX 4096u /* calls without an answer; the oldest is told as open */

struct genai_rpc_table {
	struct map *index; /* key -> the oldest call with it */
	struct genai_work *first, *last;
	uint32_t count;
};

static const struct genai_rpc_protocol *const protocols[] = {&genai_rpc_mcp, &genai_rpc_a2a};

/* ---- who speaks to whom ---- */

/* Of an absolute URL or a target: what stands behind the authority. */
static struct str local_part(struct str url)
{
	ptrdiff_t at = str_find(url, STR("://"));

	if (at < 0)
		return url;
	url = str_skip(url, (size_t)at + 3);
	at = str_find_char(url, '/');
	return at < 0 ? STR("/") : str_skip(url, (size_t)at);
}

/* MCP's session, where it has one; else where the messages are sent: the older transport has the session there. */
static struct str session_of(const struct genai_work *up)
{
	struct str id = http_field(&up->c.x->request, "mcp-session-id");

	if (up->session.p)
		return up->session;
	return id.n ? id : local_part(up->c.x->target);
}

static uint64_t scope_of(const struct genai_work *up)
{
	const struct http_exchange *x = up->c.x;
	const struct proc *p = x->conn ? x->conn->proc : NULL;
	bool serves = x->server_side && !up->is_pipe; /* of a pipe that is known late */
	uint64_t facts[] = {p ? p->pid : 0, p ? p->start_ns : 0,       serves,
			    up->c.port,	    hash_u64(up->c.server, 0), hash_u64(session_of(up), 0)};

	return hash_u64(str_make(facts, sizeof(facts)), 0);
}

static uint64_t id_of(struct genai_work *w, const struct json *id)
{
	return json_hash(genai_scratch(w), id).lo;
}

/* ---- those that wait ---- */

static struct genai_rpc_table *table_get(struct genai *g)
{
	struct genai_rpc_table **slot = genai_rpc_table(g);

	if (*slot != NULL)
		return *slot;
	struct genai_rpc_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->index = map_new(sizeof(((struct genai_rpc *)0)->key), RPC_WAITING_MAX + 1);
	if (t->index == NULL) {
		free(t);
		return NULL;
	}
	*slot = t;
	return t;
}

static void unindex(struct genai_rpc_table *t, struct genai_work *w)
{
	struct genai_work *head = map_get(t->index, &w->rpc->key);

	if (head == w) {
		(void)map_remove(t->index, &w->rpc->key);
		if (w->rpc->same && map_add(t->index, &w->rpc->key, w->rpc->same) < 0)
			return; /* no memory: its namesakes find no answer */
		return;
	}
	for (; head != NULL; head = head->rpc->same)
		if (head->rpc->same == w) {
			head->rpc->same = w->rpc->same;
			return;
		}
}

void genai_rpc_settled(struct genai_work *w)
{
	struct genai_rpc *r = w->rpc;
	struct genai_rpc_table *t = *genai_rpc_table(w->g);

	if (!r->waits)
		return;
	r->waits = false;
	unindex(t, w);
	*(r->prev ? &r->prev->rpc->next : &t->first) = r->next;
	*(r->next ? &r->next->rpc->prev : &t->last) = r->prev;
	t->count--;
}

/* A call that owns itself is over. */
static void release(struct genai_work *w)
{
	genai_rpc_settled(w);
	genai_end(w);
	arena_free(w->c.arena);
}

/* False: no memory, nobody will find it. */
static bool wait_for(struct genai_rpc_table *t, struct genai_work *w)
{
	struct genai_rpc *r = w->rpc;
	struct genai_work *head = map_get(t->index, &r->key);

	if (t->count >= RPC_WAITING_MAX) {
		struct genai_work *old = t->first;

		if (old->is_own)
			release(old);
		else
			genai_rpc_settled(old);
		head = map_get(t->index, &r->key);
	}
	if (head == NULL && map_add(t->index, &r->key, w) < 0)
		return false;
	while (head != NULL && head->rpc->same != NULL)
		head = head->rpc->same;
	if (head != NULL)
		head->rpc->same = w;
	r->waits = true;
	r->prev = t->last;
	*(t->last ? &t->last->rpc->next : &t->first) = w;
	t->last = w;
	t->count++;
	return true;
}

static struct genai_work *find(struct genai_work *up, uint64_t scope, const struct json *id, bool from_server)
{
	struct genai_rpc_table *t = *genai_rpc_table(up->g);
	__typeof__(((struct genai_rpc *)0)->key) key = {
		.scope = scope, .id = id_of(up, id), .from_server = from_server};

	return t ? map_get(t->index, &key) : NULL;
}

void genai_rpc_fini(struct genai_rpc_table *t)
{
	if (t == NULL)
		return;
	while (t->first != NULL) {
		struct genai_work *w = t->first;

		/* Whoever took the calls is gone, or knows that we go. */
		genai_rpc_settled(w);
		if (w->is_own)
			arena_free(w->c.arena);
	}
	map_free(t->index);
	free(t);
}

/* ---- messages ---- */

static bool message_read(struct genai_work *w, const struct json *j, struct genai_rpc_message *m)
{
	*m = (struct genai_rpc_message){
		.j = j,
		.id = json_get(j, "id"),
		.params = json_get(j, "params"),
		.result = json_get(j, "result"),
		.error = json_get(j, "error"),
		.method = json_get_str(genai_scratch(w), j, "method"),
	};
	if (json_type(m->id) == JSON_NULL)
		m->id = NULL;
	return json_is(json_get(j, "jsonrpc"), "2.0") && (m->method.n > 0 || m->result || m->error);
}

static const struct genai_rpc_protocol *protocol_find(struct genai_work *w, const struct genai_rpc_message *m)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i]->knows(w, m))
			return protocols[i];
	return NULL;
}

/* A string or number as a JSON string. */
static struct str quoted(struct genai_work *w, const struct json *j)
{
	struct str s = json_type(j) == JSON_STRING ? json_str(genai_scratch(w), j) : json_raw(j);

	return json_type(j) == JSON_STRING || json_type(j) == JSON_NUMBER ? genai_quote(w, s) : STR_NONE;
}

void genai_rpc_error(struct genai_work *w, const struct json *error)
{
	struct genai_call *c = &w->c;
	const struct json *code = json_get(error, "code");

	c->status = GENAI_ERROR;
	c->error_type = json_type(code) == JSON_NUMBER ? arena_dup(c->arena, json_raw(code)) : STR("_OTHER");
	c->error_message = arena_dup(c->arena, json_get_str(genai_scratch(w), error, "message"));
	if (c->error_message.n == 0)
		c->error_message = STR_NONE;
}

static const struct genai_decoder rpc_call, rpc_batch;

/* The same message in two sessions is not the same. */
static void session_mix(struct genai_work *w)
{
	struct str id = http_field(&w->c.x->request, "mcp-session-id");

	w->c.body_hash = hash_chain(w->c.body_hash, hash_u128(id, 0));
}

/* carrier: scope of what it came over; scope: within which its id counts. */
static bool setup(struct genai_work *w, const struct genai_rpc_message *m,
		  const struct genai_rpc_protocol *protocol, uint64_t carrier, uint64_t scope,
		  const struct genai_rpc_at *at)
{
	struct genai_rpc_table *t = table_get(w->g);
	struct genai_rpc *r = arena_alloc(w->c.arena, sizeof(*r));

	if (t == NULL || r == NULL)
		return false;
	r->protocol = protocol;
	r->carrier = carrier;
	r->key.scope = scope;
	r->key.id = id_of(w, m->id);
	r->key.from_server = at->from_server;
	w->rpc = r;
	w->decoder = &rpc_call;
	w->c.method = arena_dup(w->c.arena, m->method);
	session_mix(w);
	protocol->request(w, m, at);
	genai_param_add_json(w, "jsonrpc.request.id", quoted(w, m->id));
	/* The exchange that it is finds its answer without. */
	return wait_for(t, w) || !w->is_own;
}

void genai_rpc_ask(struct genai_work *up, const struct genai_rpc_message *m, uint64_t scope,
		   const struct genai_rpc_at *at)
{
	const struct genai_rpc_protocol *protocol = protocol_find(up, m);
	struct genai_work *w = protocol ? genai_work_part(up, at) : NULL;

	if (w == NULL)
		return;
	w->c.body_hash = genai_history_digest(w, json_raw(m->j));
	w->c.said_hash = hash_u128(json_raw(m->j), 0);
	if (!setup(w, m, protocol, scope_of(up), scope ? scope : scope_of(up), at)) {
		genai_end(w);
		arena_free(w->c.arena);
		return;
	}
	genai_understood(w);
}

/* An answer's bytes, of a call whose exchange they are no part of. */
static void heard(struct genai_work *w, const struct genai_rpc_at *at)
{
	struct http_message *r = &w->c.x->response;

	if (w->c.first_byte_ns == 0)
		w->c.first_byte_ns = at->ts_ns;
	if (!r->begun) {
		r->begun = true;
		r->start_ns = at->start_ns;
		r->first_ns = at->ts_ns;
		r->offset = at->offset;
	}
	r->end_ns = at->ts_ns;
	r->wire_bytes += at->bytes;
	r->body_bytes += at->bytes;
	r->decoded_bytes += at->bytes;
}

static void answer(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	if (w->is_own)
		heard(w, at);
	if (!w->rpc->protocol->response(w, m, at))
		return;
	genai_finish_call(w, at->ts_ns);
	if (w->is_own)
		release(w);
}

void genai_rpc_tell(struct genai_work *up, uint64_t scope, const struct genai_rpc_message *m,
		    const struct genai_rpc_at *at)
{
	struct genai_work *w = find(up, scope, m->id, true);

	if (w != NULL)
		answer(w, m, at);
}

/* The client gave up waiting. */
static void cancel(struct genai_work *up, const struct json *id, uint64_t ts_ns)
{
	struct genai_work *w = find(up, scope_of(up), id, false);

	if (w == NULL || w->closed)
		return;
	w->c.error_type = STR("cancelled");
	genai_settle(w, GENAI_ABORTED, ts_ns);
	if (w->is_own)
		release(w);
}

/* Whether somebody took it. */
static bool dispatch_one(struct genai_work *up, const struct json *j, const struct genai_rpc_at *at)
{
	struct genai_rpc_message m;
	struct genai_work *w;

	if (!message_read(up, j, &m))
		return false;
	if (m.method.n > 0 && m.id != NULL) {
		genai_rpc_ask(up, &m, 0, at);
		return protocol_find(up, &m) != NULL;
	}
	if (m.method.n > 0) {
		if (str_eq(m.method, STR("notifications/cancelled")) && !at->from_server)
			cancel(up, json_get(m.params, "requestId"), at->ts_ns);
		return protocol_find(up, &m) != NULL;
	}
	w = m.id ? find(up, scope_of(up), m.id, !at->from_server) : NULL;
	if (w != NULL)
		answer(w, &m, at);
	return w != NULL;
}

void genai_rpc_dispatch(struct genai_work *up, const struct json *j, const struct genai_rpc_at *at)
{
	if (json_type(j) != JSON_ARRAY) {
		(void)dispatch_one(up, j, at);
		return;
	}
	for (const struct json *e = json_first(j); e; e = json_next(e))
		(void)dispatch_one(up, e, at);
}

/* ---- over HTTP ---- */

static struct genai_rpc_at request_at(const struct genai_work *w)
{
	const struct http_message *m = &w->c.x->request;

	return (struct genai_rpc_at){.start_ns = m->start_ns,
				     .ts_ns = m->end_ns,
				     .offset = m->offset,
				     .write = m->write,
				     .tid = w->c.x->tid};
}

static struct genai_rpc_at answer_at(const struct genai_work *w, uint64_t ts_ns, size_t bytes)
{
	const struct http_message *m = &w->c.x->response;

	return (struct genai_rpc_at){.start_ns = ts_ns,
				     .ts_ns = ts_ns,
				     .offset = m->offset,
				     .bytes = bytes,
				     .tid = w->c.x->tid,
				     .from_server = true};
}

static bool take_batch(struct genai_work *w, const struct json *body)
{
	struct genai_rpc_at at = request_at(w);
	bool any = false;

	for (const struct json *e = json_first(body); e; e = json_next(e))
		any |= dispatch_one(w, e, &at);
	if (any) {
		w->decoder = &rpc_batch;
		w->c.note = "a batch of JSON-RPC messages: each request in it has a span";
	}
	return any;
}

/* A notification is an exchange of its own here, and so a span. */
static bool take_notice(struct genai_work *w, const struct genai_rpc_message *m)
{
	const struct genai_rpc_protocol *protocol = protocol_find(w, m);
	struct genai_rpc_at at = request_at(w);

	if (protocol != &genai_rpc_mcp)
		return false;
	w->c.method = arena_dup(w->c.arena, m->method);
	session_mix(w);
	protocol->request(w, m, &at);
	(void)dispatch_one(w, m->j, &at);
	return true;
}

bool genai_rpc_take(struct genai_work *w, const struct json *body)
{
	struct genai_rpc_at at = request_at(w);
	const struct genai_rpc_protocol *protocol;
	struct genai_rpc_message m;

	if (json_type(body) == JSON_ARRAY)
		return take_batch(w, body);
	if (!message_read(w, body, &m))
		return false;
	if (m.method.n == 0) {
		if (!dispatch_one(w, body, &at))
			return false;
		w->c.note = "the answer to a request that came from the server";
		genai_param_add_json(w, "jsonrpc.request.id", quoted(w, m.id));
		return true;
	}
	if (m.id == NULL)
		return take_notice(w, &m);
	protocol = protocol_find(w, &m);
	if (protocol == NULL)
		w->c.note = "JSON-RPC with a method of no protocol that is known";
	return protocol != NULL && setup(w, &m, protocol, scope_of(w), scope_of(w), &at);
}

static bool is_mine(struct genai_work *w, const struct genai_rpc_message *m)
{
	return m->method.n == 0 && m->id != NULL && id_of(w, m->id) == w->rpc->key.id;
}

/* The one answer to the one request: an error may have lost its id. */
static void call_response(struct genai_work *w, const struct json *body)
{
	struct genai_rpc_at at = answer_at(w, w->c.x->response.end_ns, 0);
	struct genai_rpc_message m;

	if (json_type(body) == JSON_ARRAY && json_count(body) == 1)
		body = json_at(body, 0);
	if (!message_read(w, body, &m) || m.method.n > 0) {
		if (w->c.x->response.done && w->whole)
			genai_mark_broken(w, genai_answer_dir(w), w->c.x->response.offset,
					  "the answer is no JSON-RPC response");
		return;
	}
	(void)w->rpc->protocol->response(w, &m, &at);
	if (w->rpc->protocol->finish)
		w->rpc->protocol->finish(w);
}

static bool call_event(struct genai_work *w, const struct http_event *ev)
{
	struct genai_rpc_at at = answer_at(w, ev->ts_ns, ev->data.n);
	const struct json *j = genai_event_json(w, ev);
	const struct json *e = json_type(j) == JSON_ARRAY ? json_first(j) : j;
	struct genai_rpc_message m;

	for (; e != NULL; e = json_type(j) == JSON_ARRAY ? json_next(e) : NULL) {
		if (!message_read(w, e, &m))
			continue;
		if (!is_mine(w, &m))
			(void)dispatch_one(w, e, &at);
		else if (w->rpc->protocol->response(w, &m, &at))
			return true;
	}
	return false;
}

static void call_finish(struct genai_work *w)
{
	if (w->rpc->protocol->finish)
		w->rpc->protocol->finish(w);
}

static const struct genai_decoder rpc_call = {
	.response = call_response,
	.event = call_event,
	.finish = call_finish,
};

static void batch_response(struct genai_work *w, const struct json *body)
{
	struct genai_rpc_at at = answer_at(w, w->c.x->response.end_ns, 0);

	genai_rpc_dispatch(w, body, &at);
}

static bool batch_event(struct genai_work *w, const struct http_event *ev)
{
	genai_rpc_listen(w, ev);
	return false;
}

static void batch_finish(struct genai_work *w)
{
	w->finished |= w->c.x->response.done;
}

static const struct genai_decoder rpc_batch = {
	.response = batch_response,
	.event = batch_event,
	.finish = batch_finish,
};

void genai_rpc_listen(struct genai_work *w, const struct http_event *ev)
{
	struct genai_rpc_at at = answer_at(w, ev->ts_ns, ev->data.n);
	struct arena *scratch = genai_scratch(w);
	struct str data = str_trim(ev->data);

	if (str_eq(ev->event, STR("endpoint")) && data.n > 0) {
		w->session = arena_dup(w->c.arena, local_part(data));
		w->c.note = "what an MCP server sends to its client";
		return;
	}
	if (scratch == NULL || data.n == 0 || (data.p[0] != '{' && data.p[0] != '['))
		return;
	genai_rpc_dispatch(w, json_parse(scratch, data, NULL), &at);
}

/* No answer in what came: the request was only accepted, or a stream ended without it. */
static bool is_answerless(const struct http_exchange *x)
{
	if (x->status < 200 || x->status >= 300 || x->end != HTTP_END_DONE || x->broken.set ||
	    x->gaps != NULL)
		return false;
	return x->status == 202 || x->response.body_bytes == 0 ||
	       str_eq(x->response.content_type, STR("text/event-stream"));
}

bool genai_rpc_outlive(struct genai_work *w)
{
	struct http_exchange *x = w->c.x, *copy;

	if (w->rpc == NULL || !w->rpc->waits || w->closed || w->rpc->protocol != &genai_rpc_mcp ||
	    !is_answerless(x))
		return false;
	copy = arena_alloc(w->c.arena, sizeof(*copy));
	if (copy == NULL)
		return false;
	*copy = *x;
	copy->user = NULL;
	copy->request.body = copy->response.body = STR_NONE;
	w->c.x = copy;
	w->is_own = true;
	x->arena = NULL;
	x->user = NULL;
	return true;
}

void genai_rpc_abandon(struct genai_work *up, enum http_end end, uint64_t ts_ns)
{
	struct genai_rpc_table *t = *genai_rpc_table(up->g);
	uint64_t scope = scope_of(up);
	struct genai_work *next;

	for (struct genai_work *w = t ? t->first : NULL; w != NULL; w = next) {
		next = w->rpc->next;
		if (w->rpc->carrier != scope || !w->is_own)
			continue;
		if (end != HTTP_END_SESSION)
			genai_settle(w, GENAI_ABORTED, ts_ns);
		release(w);
	}
}
