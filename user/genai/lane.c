/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on a WebSocket. The exchange that upgraded the connection is a plain http call; each model call on it is one of
 * its own, with an exchange of its own that has the upgrade's head and the message's bytes.
 */
#include "genai/decoder.h"

#define LANE_CALLS_MAX \
	100u /* open at once on one connection; each may hold instructions and tools of 2 MiB */

static const struct {
	const char *path; /* end of it */
	const struct genai_talk *talk;
} rows[] = {
	{"/responses", &genai_talk_responses},
	{"/realtime", &genai_talk_realtime},
	{"/voice-live/realtime", &genai_talk_realtime},
	{"BidiGenerateContent", &genai_talk_gemini},
};

static const struct genai_talk *talk_find(struct str path)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_ends(path, str_of(rows[i].path)))
			return rows[i].talk;
	return NULL;
}

/* What only one of them says; NULL: the message may be of any. */
static const struct genai_talk *talk_guess(struct arena *scratch, const struct json *j)
{
	static const char *const live[] = {
		"setup",	"clientContent", "client_content", "realtimeInput", "realtime_input",
		"toolResponse", "tool_response", "serverContent",  "setupComplete", "toolCall"};
	static const char *const spoken[] = {"session.", "conversation.", "input_audio_buffer.",
					     "rate_limits."};
	struct str type = json_get_str(scratch, j, "type");
	const struct json *object = json_path(j, "response", "object", NULL);

	for (size_t i = 0; type.n == 0 && i < sizeof(live) / sizeof(live[0]); i++)
		if (json_type(json_get(j, live[i])) == JSON_OBJECT)
			return &genai_talk_gemini;
	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++)
		if (str_starts(type, str_of(spoken[i])))
			return &genai_talk_realtime;
	if (json_is(object, "realtime.response"))
		return &genai_talk_realtime;
	if (json_is(object, "response"))
		return &genai_talk_responses;
	if (!str_eq(type, STR("response.create")))
		return NULL;
	return json_get(j, "model") != NULL || json_path(j, "response", "model", NULL) != NULL
		       ? &genai_talk_responses
		       : &genai_talk_realtime;
}

static struct genai_lane *lane_get(struct genai_work *up, struct arena *scratch, const struct json *j)
{
	const struct genai_talk *talk;

	if (up->lane != NULL)
		return up->lane;
	talk = up->c.x->joined ? talk_guess(scratch, j) : talk_find(up->c.path);
	if (talk == NULL)
		return NULL;
	up->lane = arena_alloc(up->c.arena, sizeof(*up->lane));
	up->c.note = up->c.x->joined
			     ? "attached in mid-connection: a WebSocket; each call from then on has a span"
			     : "a WebSocket: each call on it has a span";
	if (up->lane != NULL)
		*up->lane = (struct genai_lane){.g = up->g, .up = up, .talk = talk};
	return up->lane;
}

void genai_lane_feed(struct genai_work *up, const struct http_ws_message *m)
{
	struct arena *scratch = genai_scratch(up);
	struct genai_lane *l;

	if (up->c.x->joined && up->lane == NULL)
		up->c.note = m->cut ? "attached in mid-connection: a WebSocket whose compressed messages "
				      "cannot be "
				      "read"
				    : "attached in mid-connection: a WebSocket";
	if (scratch == NULL || m->data.n == 0 ||
	    (up->lane == NULL && !up->c.x->joined && !talk_find(up->c.path)))
		return;
	/* Google sends its JSON in binary messages. */
	if (str_trim(m->data).n == 0 || str_trim(m->data).p[0] != '{')
		return;
	const struct json *j = json_parse(scratch, m->data, NULL);

	l = lane_get(up, scratch, j);
	if (l != NULL)
		l->talk->message(l, m, j);
}

/* The exchange of one call: the upgrade's head, the message as body. */
static struct http_exchange *exchange_new(struct genai_lane *l, const struct http_ws_message *m)
{
	const struct http_exchange *up = l->up->c.x;
	struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	struct http_exchange *x = a ? arena_alloc(a, sizeof(*x)) : NULL;

	if (x == NULL) {
		arena_free(a);
		return NULL;
	}
	*x = (struct http_exchange){
		.index = up->index << 32 | ++l->count,
		.conn = up->conn,
		.tid = m->tid,
		.server_side = up->server_side,
		.http2 = up->http2,
		.websocket = up->websocket,
		.request_seen = true,
		.method = up->method,
		.target = up->target,
		.status = up->status,
		.arena = a,
	};
	x->request = (struct http_message){
		.fields = up->request.fields,
		.count = up->request.count,
		.head_done = true,
		.begun = true,
		.done = true,
		.body_kept = !m->cut,
		.wire_bytes = m->wire_bytes,
		.body_bytes = m->data.n,
		.decoded_bytes = m->data.n,
		.start_ns = m->start_ns,
		.first_ns = m->ts_ns,
		.end_ns = m->ts_ns,
		.offset = m->offset,
		.write = m->write,
	};
	x->response = (struct http_message){.fields = up->response.fields, .count = up->response.count};
	return x;
}

struct genai_work *genai_lane_begin(struct genai_lane *l, const struct http_ws_message *m,
				    const struct genai_decoder *d, const struct json *body, struct str key)
{
	struct http_exchange *x = l->open < LANE_CALLS_MAX ? exchange_new(l, m) : NULL;
	struct genai_work *w = x ? genai_work_new(l->g, x) : NULL;
	struct genai_call *c;

	if (w == NULL) {
		arena_free(x ? x->arena : NULL);
		return NULL;
	}
	c = &w->c;
	w->lane = l;
	w->lane_key = arena_dup(c->arena, key);
	w->lane_prev = l->last;
	*(l->last ? &l->last->lane_next : &l->first) = w;
	l->last = w;
	l->open++;
	c->path = l->up->c.path;
	/* The message's type said that it asks a model, so whatever it holds it is a call: the answer is its answer. */
	w->whole = false;
	(void)d->request(w, body);
	w->decoder = d;
	c->kind = d->kind;
	c->operation = d->operation;
	c->provider = genai_provider_find(c->server, c->port);
	if (c->provider.p == NULL)
		c->provider = str_of(d->provider);
	c->stream = true;
	genai_understood(w);
	return w;
}

struct genai_work *genai_lane_find(struct genai_lane *l, struct str key)
{
	for (struct genai_work *w = l->first; w; w = w->lane_next)
		if (str_eq(w->lane_key, key))
			return w;
	return NULL;
}

static void lane_end(struct genai_work *w)
{
	struct genai_lane *l = w->lane;

	*(w->lane_prev ? &w->lane_prev->lane_next : &l->first) = w->lane_next;
	*(w->lane_next ? &w->lane_next->lane_prev : &l->last) = w->lane_prev;
	l->open--;
	genai_end(w);
	arena_free(w->c.arena);
}

bool genai_lane_event(struct genai_work *w, const struct http_ws_message *m, struct str type, struct str data)
{
	struct http_event ev = {.event = type, .data = data, .ts_ns = m->ts_ns};
	struct http_message *r = &w->c.x->response;

	if (!r->begun) {
		r->begun = true;
		r->head_done = true;
		r->start_ns = m->start_ns;
		r->first_ns = m->ts_ns;
		r->offset = m->offset;
		w->c.first_byte_ns = m->ts_ns;
	}
	r->end_ns = m->ts_ns;
	r->wire_bytes += m->wire_bytes;
	r->body_bytes += m->data.n;
	r->decoded_bytes += m->data.n;
	w->streamed = true;
	if (!w->decoder->event(w, &ev))
		return false;
	r->done = true;
	genai_finish_call(w, m->ts_ns);
	lane_end(w);
	return true;
}

void genai_lane_close(struct genai_work *up, enum http_end end)
{
	struct genai_lane *l = up->lane;

	while (l != NULL && l->first != NULL) {
		struct genai_work *w = l->first;

		if (end != HTTP_END_SESSION) {
			w->decoder->finish(w);
			genai_settle(w, w->c.status == GENAI_ERROR ? GENAI_ERROR : GENAI_ABORTED,
				     w->c.x->conn->close_ns ? w->c.x->conn->close_ns
							    : w->c.x->response.end_ns);
		} else {
			w->decoder->finish(w);
		}
		lane_end(w);
	}
	if (l != NULL && l->talk->close)
		l->talk->close(l);
}
