/* SPDX-License-Identifier: BSD-2-Clause */
/* The bodies of calls as JSON, and the request's half of a call. */
#include "genai/decoder.h"
#include "genai/ends.h"

/* ---- bodies ---- */

bool genai_has_gap(const struct http_exchange *x, enum wire_dir dir)
{
	for (const struct http_gap *gap = x->gaps; gap; gap = gap->next)
		if (gap->dir == dir)
			return true;
	return false;
}

/* Where byte `at` of a body lies in its direction: exact for a body without encoding and chunks, else the message's
 * first byte (the map from decoded bytes to wire bytes is not kept). */
static uint64_t body_offset(const struct http_message *m, size_t at)
{
	uint64_t head = m->wire_bytes - m->body_bytes;
	bool plain =
		http_field(m, "transfer-encoding").p == NULL && http_field(m, "content-encoding").p == NULL;

	if (!plain || m->wire_bytes < m->body_bytes)
		return m->offset;
	return m->offset + head + at;
}

/* What stands whole at the end of a torn object joins what came of it before. */
static const struct json *join_tail(struct genai_work *w, const struct http_message *m,
				    const struct json *head)
{
	size_t at;

	if (!m->done || m->tail.n == 0 || (head != NULL && json_type(head) != JSON_OBJECT))
		return head;
	at = genai_ends_find(m->tail);
	w->element = genai_ends_element(w->c.arena, m->tail, at);
	return json_join(head, genai_ends_members(w->c.arena, m->tail, at));
}

void genai_cut_tell(struct genai_work *w, const struct http_message *m, enum wire_dir dir)
{
	if (m->torn && m->encoded && !genai_has_gap(w->c.x, dir) && !w->c.cut.set)
		w->c.cut = (struct genai_cut){.set = true, .dir = dir, .body_offset = m->torn_at};
}

const struct json *genai_body_json(struct genai_work *w, const struct http_message *m, struct str body,
				   enum wire_dir dir)
{
	struct arena *scratch = genai_scratch(w);
	struct json_end end = {0};

	w->whole = false;
	w->element = NULL;
	if (scratch == NULL)
		return NULL;
	const struct json *j = body.n > 0 ? json_parse(scratch, body, &end) : NULL;

	if (m->torn)
		return join_tail(w, m, j);
	if (body.n == 0)
		return NULL;
	if (end.state == JSON_WHOLE && str_trim(str_skip(body, end.offset)).n > 0) {
		end.state = JSON_BROKEN;
		end.why = "bytes after the JSON document";
	}
	w->whole = end.state == JSON_WHOLE;
	/* Bytes that are missing explain themselves; bytes that are there and no JSON are the sender's doing. */
	if (w->whole || end.state == JSON_MEMORY || !m->done || !m->body_kept || genai_has_gap(w->c.x, dir))
		return j;
	genai_mark_broken(w, dir, body_offset(m, end.offset), end.why ? end.why : "JSON ends too early");
	return j;
}

/* ---- the request ---- */

size_t genai_input_limit(struct genai_work *w, size_t n)
{
	if (n <= LIMIT_MESSAGES)
		return n;
	w->omitted_messages = (uint32_t)(n - LIMIT_MESSAGES);
	return LIMIT_MESSAGES;
}

size_t genai_input_new(struct genai_work *w, size_t n)
{
	n = genai_input_limit(w, n);
	w->c.input = n ? arena_alloc(w->c.arena, n * sizeof(*w->c.input)) : NULL;
	return w->c.input ? n : 0;
}

void genai_omitted_tell(struct genai_work *w)
{
	if (w->omitted_messages > 0)
		genai_param_add_json(w, "bottrace.input.omitted_messages",
				     arena_printf(w->c.arena, "%u", w->omitted_messages));
	if (w->omitted_pieces > 0)
		genai_param_add_json(w, "bottrace.output.omitted_parts",
				     arena_printf(w->c.arena, "%u", w->omitted_pieces));
}

static const struct json *request_json(struct genai_work *w, const struct genai_decoder *d, struct str body,
				       struct genai_known *known)
{
	const struct http_message *m = &w->c.x->request;
	enum wire_dir dir = w->c.x->server_side ? WIRE_READ : WIRE_WRITE;

	if (d != NULL && m->done && m->body_kept && genai_history_find(w, d, body, known)) {
		struct json_end end = {0};
		const struct json *j = json_parse(genai_scratch(w), known->text, &end);

		w->whole = end.state == JSON_WHOLE && str_trim(str_skip(known->text, end.offset)).n == 0;
		/* Beyond the limit messages are left out, and that is counted over all of them. */
		if (w->whole && known->elements + json_count(json_get(j, d->history)) <= LIMIT_MESSAGES)
			return j;
		/* What is wrong is to be found at its place. */
		*known = (struct genai_known){0};
	}
	return genai_body_json(w, m, body, dir);
}

/* Puts what is known before what was read, and remembers all of it. */
static void history_use(struct genai_work *w, const struct genai_decoder *d, struct str body,
			const struct json *j, const struct genai_known *known)
{
	struct genai_call *c = &w->c;

	for (uint32_t i = 0; i < c->input_count; i++)
		c->input[i].exact = genai_message_exact(&c->input[i]);
	if (known->record != NULL && !genai_history_join(w, known)) {
		c->input_count = 0; /* no memory: no input is better than half of one */
		return;
	}
	w->body = body;
	if (w->whole && d->history != NULL)
		genai_history_keep(w, d, body, json_get(j, d->history), known);
}

/* W3C's Trace Context, "00-<32 hex digits>-<16>-<2>" and what later versions add: somebody's trace, and no reason to
 * believe in it. */
static void traceparent_read(struct genai_work *w)
{
	struct str s = str_trim(http_field(&w->c.x->request, "traceparent"));

	if (s.n >= 55 && s.n <= 128 && s.p[2] == '-' && s.p[35] == '-')
		genai_param_add_json(w, "bottrace.traceparent", genai_quote(w, s));
}

static bool is_card(struct genai_work *w)
{
	const struct genai_call *c = &w->c;

	if (!str_eq(c->x->method, STR("GET")) || (!str_ends(c->path, STR("/.well-known/agent-card.json")) &&
						  !str_ends(c->path, STR("/.well-known/agent.json"))))
		return false;
	w->decoder = &genai_a2a_card;
	return true;
}

/* A body on a path that says nothing: whether it is JSON-RPC. Most are told by their first byte. */
static bool is_rpc(struct genai_work *w, struct str body)
{
	struct str s = str_trim(body);

	if (!str_eq(w->c.x->method, STR("POST")) || s.n == 0 || (s.p[0] != '{' && s.p[0] != '[') ||
	    !str_has(s, STR("\"jsonrpc\"")) || genai_scratch(w) == NULL)
		return false;
	return genai_rpc_take(w, json_parse(genai_scratch(w), s, NULL));
}

static void request_read(struct genai_work *w, struct str body, struct genai_known *known)
{
	struct genai_call *c = &w->c;
	const struct http_message *m = &c->x->request;
	bool blind = m->head_unknown && c->x->target.n == 0;

	traceparent_read(w);
	bool export = genai_export_find(w, body);

	if (genai_grpc_find(w, body) || export || is_card(w))
		return;
	const struct genai_decoder *d = genai_route_path(c->x->method, c->path, &c->note, &c->no_model_call);
	if (d == NULL && is_rpc(w, body))
		return;
	if (m->head_unknown)
		c->note = "attached in mid-connection: some header fields stand in a table that was not seen";
	if (d == NULL && !blind)
		return;
	genai_cut_tell(w, m, c->x->server_side ? WIRE_READ : WIRE_WRITE);
	if (!m->done) /* it may still grow, and move */
		body = arena_dup(c->arena, body);
	const struct json *j = request_json(w, d, body, known);

	if (json_get(j, "jsonrpc") != NULL && genai_rpc_take(w, j))
		return;
	if (blind)
		d = genai_route_shape(w, j);
	if (d == NULL)
		return;
	/* An empty or unreadable body contradicts nothing: the path says what was meant. */
	if (w->whole && json_type(j) != JSON_OBJECT) {
		c->note = "its body is no JSON object";
		return;
	}
	uint32_t params = c->param_count;
	const char *note = c->note;

	c->note = NULL;
	bool fits = d->request(w, json_type(j) == JSON_OBJECT ? j : NULL);

	/* The same beginning, but an end that has somebody else read it. */
	if (fits && known->record != NULL && known->reader != w->reader) {
		*known = (struct genai_known){0};
		c->input = NULL;
		c->input_count = 0;
		c->param_count = params;
		j = genai_body_json(w, m, body, c->x->server_side ? WIRE_READ : WIRE_WRITE);
		fits = d->request(w, j);
	}
	if (!fits) {
		if (c->note == NULL)
			c->note = "its body has another shape than its path says";
		c->param_count = params;
		return;
	}
	c->note = note;
	history_use(w, d, body, j, known);
	if (w->decoder == NULL)
		w->decoder = d;
	c->kind = w->decoder->kind;
	c->operation = w->decoder->operation;
	c->provider = genai_provider_find(c->server, c->port);
	if (c->provider.p == NULL)
		c->provider = str_of(d->provider);
	genai_omitted_tell(w);
}

void genai_request_read(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	const struct http_message *m = &c->x->request;
	struct genai_known known = {0};
	struct str body = m->body;

	c->body_hash = genai_history_digest(w, body);
	if (m->torn) /* its beginning alone would make all requests of a conversation one */
		c->body_hash = hash_chain(c->body_hash, hash_u128(m->tail, m->body_bytes));
	request_read(w, body, &known);
	c->said_hash = known.record ? known.said : hash_u128(body, 0);
	if (m->torn)
		c->said_hash = hash_chain(c->said_hash, hash_u128(m->tail, m->body_bytes));
}

void genai_expand(struct genai_call *c)
{
	struct genai_work *w = (struct genai_work *)c;
	struct arena *scratch = genai_scratch(w);
	struct genai_message *had = c->input;
	uint32_t count = c->input_count;
	bool whole = w->whole;

	if (c->known == 0 || scratch == NULL)
		return;
	const struct json *j = json_parse(scratch, w->body, NULL);

	c->input = NULL;
	c->input_count = 0;
	w->whole = true;
	if (!w->decoder->request(w, j) || c->input_count != count) {
		c->input = had; /* without memory only */
		c->input_count = count;
	} else {
		c->known = 0;
	}
	w->whole = whole;
}
