/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An agent's program and who drives it, in stream-json: a line each for what the user says, for every message of the
 * model (in several lines, one a content block, with the same message id), for tools' results, and one at the end with
 * cost and turns. The model calls themselves go another way, which may not be seen; here each message is one. Lines with
 * a parent_tool_use_id are a sub-agent's, which that tool call runs. Messages are Anthropic's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "genai/decoder.h"

#define AGENT_CONTEXTS_MAX 64u	      /* sub-agents at a time */
#define AGENT_HISTORY_MAX  (4u << 20) /* of one conversation; what is longer begins anew */
#define AGENT_MESSAGE_MAX  (4u << 20)
#define AGENT_ID_MAX	   128u
#define AGENT_USAGE_MAX	   (64u << 10)
#define AGENT_AROUND_MAX   (64u << 10) /* what a body has around its messages: names, ids */

/* A conversation: the agent's own, or a sub-agent's. */
struct context {
	struct context *next;
	char id[AGENT_ID_MAX]; /* of the tool call that runs it; "": the agent's own */
	size_t id_n;
	struct genai_work *run, *call; /* the invocation, and the message that comes */
	struct buf history;	       /* "message,message" */
	struct buf content;	       /* "block,block" of the message that comes */
	struct buf message_id, stop, usage;
	struct sub { /* sub-agents that it asked for: the tool call, and what kind */
		char id[AGENT_ID_MAX], kind[AGENT_ID_MAX];
	} subs[AGENT_CONTEXTS_MAX];
	uint32_t sub_count;
	uint64_t last_ns;
};

struct genai_agent {
	struct genai_work *up;
	struct context *first;
	uint32_t count;
};

static const char *const types[] = {"control_request", "control_response", "system",	   "user",
				    "assistant",       "result",	   "stream_event", "keep_alive"};

bool genai_agent_knows(struct genai_work *up, const struct json *j)
{
	struct str type = json_get_str(genai_scratch(up), j, "type");

	if (json_get(j, "session_id") == NULL && json_get(j, "request_id") == NULL &&
	    json_get(j, "parent_tool_use_id") == NULL)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(type, str_of(types[i])))
			return true;
	return false;
}

/* ---- contexts ---- */

static void context_free(struct context *x)
{
	buf_fini(&x->history);
	buf_fini(&x->content);
	buf_fini(&x->message_id);
	buf_fini(&x->stop);
	buf_fini(&x->usage);
	free(x);
}

static struct context *context_find(struct genai_agent *g, struct str id)
{
	struct context *x = g->first;

	id = str_head(id.p ? id : STR(""), AGENT_ID_MAX);
	while (x != NULL && !str_eq(str_make(x->id, x->id_n), id))
		x = x->next;
	return x;
}

static struct context *context_get(struct genai_agent *g, struct str id)
{
	struct context *x = context_find(g, id);

	id = str_head(id.p ? id : STR(""), AGENT_ID_MAX);
	if (x != NULL || g->count == AGENT_CONTEXTS_MAX)
		return x;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	memcpy(x->id, id.p, id.n);
	x->id_n = id.n;
	buf_init(&x->history, AGENT_HISTORY_MAX);
	buf_init(&x->content, AGENT_MESSAGE_MAX);
	buf_init(&x->message_id, AGENT_ID_MAX);
	buf_init(&x->stop, AGENT_ID_MAX);
	buf_init(&x->usage, AGENT_USAGE_MAX);
	x->next = g->first;
	g->first = x;
	g->count++;
	return x;
}

static void context_remove(struct genai_agent *g, struct context *gone)
{
	for (struct context **at = &g->first; *at != NULL; at = &(*at)->next)
		if (*at == gone) {
			*at = gone->next;
			g->count--;
			context_free(gone);
			return;
		}
}

static void history_add(struct context *x, struct str message)
{
	if (x->history.n + message.n + 1 > AGENT_HISTORY_MAX)
		buf_clear(&x->history);
	if (x->history.n > 0)
		buf_add_char(&x->history, ',');
	buf_add(&x->history, message);
	if (buf_err(&x->history))
		buf_clear(&x->history);
}

static void set(struct buf *b, struct str s)
{
	buf_clear(b);
	buf_add(b, s);
	if (buf_err(b))
		buf_clear(b);
}

static struct genai_rpc_at at_of(const struct genai_pipe_line *line)
{
	return (struct genai_rpc_at){.start_ns = line->start_ns,
				     .ts_ns = line->ts_ns,
				     .offset = line->offset,
				     .write = line->write,
				     .bytes = line->text.n + 1,
				     .tid = line->tid};
}

static void release(struct genai_work *w)
{
	genai_end(w);
	arena_free(w->c.arena);
}

/* ---- the invocation ---- */

static void text_message(struct genai_work *w, struct genai_message **to, uint32_t *count, const char *role,
			 const struct json *content)
{
	struct genai_message *m = arena_alloc(w->c.arena, sizeof(*m));
	struct genai_part *p = arena_alloc(w->c.arena, sizeof(*p));
	struct str text = STR_NONE;

	if (json_type(content) == JSON_STRING)
		text = arena_dup(w->c.arena, json_str(genai_scratch(w), content));
	else
		(void)genai_join_texts(w, content, &text);
	if (m == NULL || p == NULL || text.n == 0)
		return;
	*p = (struct genai_part){.type = GENAI_TEXT, .text = text};
	*m = (struct genai_message){.role = str_of(role), .parts = p, .count = 1};
	genai_message_hash(w, m);
	*to = m;
	*count = 1;
}

/* What kind of sub-agent a tool call asked for; p NULL: not said. */
static struct str kind_find(const struct genai_agent *g, struct str id)
{
	for (const struct context *x = g->first; x != NULL; x = x->next)
		for (uint32_t i = 0; i < x->sub_count && i < AGENT_CONTEXTS_MAX; i++)
			if (str_eq(str_of(x->subs[i].id), id))
				return str_of(x->subs[i].kind);
	return STR_NONE;
}

/* The oldest of too many goes. */
static void kind_add(struct context *x, struct str id, struct str kind)
{
	struct sub *s = &x->subs[x->sub_count++ % AGENT_CONTEXTS_MAX];

	snprintf(s->id, sizeof(s->id), "%.*s", STR_ARG(str_head(id, sizeof(s->id) - 1)));
	snprintf(s->kind, sizeof(s->kind), "%.*s", STR_ARG(str_head(kind, sizeof(s->kind) - 1)));
}

static void run_begin(struct genai_agent *g, struct context *x, const struct genai_pipe_line *line,
		      const struct json *content)
{
	struct genai_rpc_at at = at_of(line);
	struct str kind = STR_NONE;
	struct genai_work *w = x->run ? NULL : genai_work_part(g->up, &at);

	if (w == NULL)
		return;
	x->run = w;
	w->c.kind = GENAI_INVOKE_AGENT;
	w->c.operation = "invoke_agent";
	w->c.provider = STR("anthropic");
	if (x->id_n > 0) {
		w->c.within = arena_dup(w->c.arena, str_make(x->id, x->id_n));
		kind = kind_find(g, w->c.within);
	}
	if (kind.n > 0) {
		w->c.label = arena_dup(w->c.arena, kind);
		genai_param_add_json(w, "gen_ai.agent.name", genai_quote(w, kind));
	}
	genai_param_add_json(w, "network.transport", STR("\"pipe\""));
	if (content != NULL)
		text_message(w, &w->c.input, &w->c.input_count, "user", content);
	genai_understood(w);
}

static void run_end(struct context *x, enum genai_status status, uint64_t ts_ns)
{
	struct genai_work *w = x->run;

	x->run = NULL;
	if (w == NULL)
		return;
	if (status != GENAI_OPEN)
		genai_settle(w, status, ts_ns);
	release(w);
}

/* ---- the model's messages ---- */

static const struct json *parsed(struct genai_work *w, struct buf *b)
{
	struct str text = buf_err(b) ? STR_NONE : arena_dup(genai_scratch(w), buf_str(b));

	return text.p ? json_parse(genai_scratch(w), text, NULL) : NULL;
}

static void call_begin(struct genai_agent *g, struct context *x, const struct genai_pipe_line *line,
		       const struct json *message)
{
	autodrop(buf_fini) struct buf body = {0};
	struct genai_rpc_at at = at_of(line);
	struct genai_work *w;

	at.write = (struct http_write){0}; /* the line tells of the answer: who asked wrote elsewhere */
	run_begin(g, x, line, NULL);
	w = genai_work_part(g->up, &at);
	if (w == NULL)
		return;
	buf_init(&body, AGENT_HISTORY_MAX + AGENT_AROUND_MAX);
	buf_add(&body, STR("{\"model\":"));
	buf_add(&body, json_get(message, "model") ? json_raw(json_get(message, "model")) : STR("null"));
	buf_add(&body, STR(",\"messages\":["));
	buf_add(&body, buf_str(&x->history));
	buf_add(&body, STR("]}"));
	x->call = w;
	w->c.under = x->run ? &x->run->c : NULL;
	/* When it was asked is not said: after what stands before it. */
	if (x->last_ns > 0)
		w->c.start_ns = x->last_ns;
	if (genai_anthropic_messages.request(w, parsed(w, &body))) {
		w->decoder = &genai_anthropic_messages;
		w->c.kind = GENAI_CHAT;
		w->c.operation = "chat";
		w->c.provider = STR("anthropic");
	}
	genai_param_add_json(w, "network.transport", STR("\"pipe\""));
	genai_understood(w);
	set(&x->message_id, json_raw(json_get(message, "id")));
	buf_clear(&x->content);
	buf_clear(&x->stop);
	buf_clear(&x->usage);
}

static void call_end(struct context *x, enum genai_status status)
{
	autodrop(buf_fini) struct buf body = {0};
	struct genai_work *w = x->call;

	if (w == NULL)
		return;
	x->call = NULL;
	buf_init(&body, AGENT_MESSAGE_MAX + AGENT_USAGE_MAX + AGENT_AROUND_MAX);
	buf_add(&body, STR("{\"type\":\"message\",\"role\":\"assistant\",\"id\":"));
	buf_add(&body, x->message_id.n ? buf_str(&x->message_id) : STR("null"));
	buf_add(&body, STR(",\"model\":"));
	struct str model = genai_quote(w, w->c.request_model);
	buf_add(&body, model.p ? model : STR("null"));
	buf_add(&body, STR(",\"content\":["));
	buf_add(&body, buf_str(&x->content));
	buf_addf(&body, "],\"stop_reason\":%.*s,\"usage\":%.*s}",
		 STR_ARG(x->stop.n ? buf_str(&x->stop) : STR("null")),
		 STR_ARG(x->usage.n ? buf_str(&x->usage) : STR("{}")));
	const struct json *j = parsed(w, &body);

	if (w->decoder != NULL && j != NULL)
		w->decoder->response(w, j);
	genai_omitted_tell(w);
	buf_clear(&body);
	buf_add(&body, STR("{\"role\":\"assistant\",\"content\":["));
	buf_add(&body, buf_str(&x->content));
	buf_add(&body, STR("]}"));
	if (buf_err(&body) == 0)
		history_add(x, buf_str(&body));
	if (status != GENAI_OPEN)
		genai_settle(w, w->c.status == GENAI_ERROR ? GENAI_ERROR : status, x->last_ns);
	release(w);
}

static void assistant(struct genai_agent *g, struct context *x, const struct genai_pipe_line *line,
		      const struct json *message)
{
	struct arena *scratch = genai_scratch(g->up);

	if (x->call != NULL && !str_eq(buf_str(&x->message_id), json_raw(json_get(message, "id"))))
		call_end(x, GENAI_OK);
	if (x->call == NULL)
		call_begin(g, x, line, message);
	if (x->call == NULL)
		return;
	genai_told_first(x->call, line->ts_ns);
	for (const struct json *b = json_first(json_get(message, "content")); b; b = json_next(b)) {
		const struct json *input = json_get(b, "input");

		if (x->content.n > 0)
			buf_add_char(&x->content, ',');
		buf_add(&x->content, json_raw(b));
		if (json_type(json_get(input, "subagent_type")) == JSON_STRING)
			kind_add(x, json_get_str(scratch, b, "id"),
				 json_get_str(scratch, input, "subagent_type"));
	}
	if (json_type(json_get(message, "stop_reason")) == JSON_STRING)
		set(&x->stop, json_raw(json_get(message, "stop_reason")));
	if (json_type(json_get(message, "usage")) == JSON_OBJECT)
		set(&x->usage, json_raw(json_get(message, "usage")));
}

/* ---- what the user and the tools say ---- */

static void tool_results(struct genai_agent *g, struct context *x, const struct genai_pipe_line *line,
			 const struct json *content)
{
	struct genai_work *w = x->run;
	struct context *sub;

	for (const struct json *b = json_first(content); b; b = json_next(b)) {
		struct genai_part p = {.type = GENAI_TOOL_RESPONSE};

		if (!json_is(json_get(b, "type"), "tool_result") || w == NULL)
			continue;
		p.id = json_get_str(genai_scratch(w), b, "tool_use_id");
		p.value = genai_result(w, json_get(b, "content"));
		(void)json_bool(json_get(b, "is_error"), &p.is_error);
		sub = p.id.n > 0 ? context_find(g, p.id) : NULL;
		if (sub != NULL && sub != x) {
			call_end(sub, GENAI_OK);
			run_end(sub, GENAI_OK, line->ts_ns);
			context_remove(g, sub);
		}
		genai_told_tool(w, &p, line->ts_ns);
	}
}

static bool has_results(const struct json *content)
{
	for (const struct json *b = json_first(content); b; b = json_next(b))
		if (json_is(json_get(b, "type"), "tool_result"))
			return true;
	return false;
}

static void user(struct genai_agent *g, struct context *x, const struct genai_pipe_line *line,
		 const struct json *message)
{
	const struct json *content = json_get(message, "content");

	call_end(x, GENAI_OK);
	if (!has_results(content))
		run_begin(g, x, line, content);
	history_add(x, json_raw(message));
	tool_results(g, x, line, content);
}

/* ---- the end ---- */

/* A price as a decimal string. */
static struct str money(struct genai_work *w, const struct json *j)
{
	struct str raw = json_raw(j);
	double v;

	if (!json_f64(j, &v) || v < 0 || v > 1e9)
		return STR_NONE;
	if (str_find_char(raw, 'e') < 0 && str_find_char(raw, 'E') < 0)
		return genai_quote(w, raw);
	return arena_printf(w->c.arena, "\"%.12f\"", v);
}

static void result(struct context *x, const struct genai_pipe_line *line, const struct json *j)
{
	struct genai_work *w;
	bool error = false;

	call_end(x, GENAI_OK);
	w = x->run;
	if (w == NULL || x->id_n > 0)
		return;
	genai_param_add(w, "bottrace.agent.turns", json_get(j, "num_turns"));
	genai_param_add_json(w, "bottrace.agent.cost_usd", money(w, json_get(j, "total_cost_usd")));
	text_message(w, &w->c.output, &w->c.output_count, "assistant", json_get(j, "result"));
	if (w->c.output_count > 0)
		w->c.output[0].finish = STR("stop");
	(void)json_bool(json_get(j, "is_error"), &error);
	if (error) {
		w->c.status = GENAI_ERROR;
		w->c.error_type = arena_dup(w->c.arena, json_get_str(genai_scratch(w), j, "subtype"));
	}
	run_end(x, error ? GENAI_ERROR : GENAI_OK, line->ts_ns);
}

static void session_read(struct genai_agent *g, struct context *x, const struct json *j)
{
	struct str id = json_get_str(genai_scratch(g->up), j, "session_id");

	if (x->run != NULL && x->run->c.conversation_id.p == NULL && id.n > 0 && !str_eq(id, STR("default")))
		x->run->c.conversation_id = arena_dup(x->run->c.arena, id);
	if (x->call != NULL && x->run != NULL)
		x->call->c.conversation_id = x->run->c.conversation_id.p
						     ? arena_dup(x->call->c.arena, x->run->c.conversation_id)
						     : STR_NONE;
}

void genai_agent_feed(struct genai_agent **agent, struct genai_work *up, const struct genai_pipe_line *line,
		      const struct json *j)
{
	struct str type = json_get_str(genai_scratch(up), j, "type");
	const struct json *message = json_get(j, "message");
	struct context *x;

	if (*agent == NULL)
		*agent = calloc(1, sizeof(**agent));
	if (*agent == NULL)
		return;
	(*agent)->up = up;
	x = context_get(*agent, json_get_str(genai_scratch(up), j, "parent_tool_use_id"));
	if (x == NULL)
		return;
	/* A message is whole when another conversation goes on: the tool call in it runs. */
	for (struct context *o = (*agent)->first; o != NULL; o = o->next)
		if (o != x)
			call_end(o, GENAI_OK);
	if (str_eq(type, STR("user")))
		user(*agent, x, line, message);
	else if (str_eq(type, STR("assistant")))
		assistant(*agent, x, line, message);
	session_read(*agent, x, j);
	if (str_eq(type, STR("result")))
		result(x, line, j);
	x = context_find(*agent, json_get_str(genai_scratch(up), j, "parent_tool_use_id"));
	if (x != NULL)
		x->last_ns = line->ts_ns;
}

void genai_agent_free(struct genai_agent *g, enum http_end end, uint64_t ts_ns)
{
	enum genai_status status = end == HTTP_END_SESSION ? GENAI_OPEN : GENAI_ABORTED;

	while (g != NULL && g->first != NULL) {
		struct context *x = g->first;

		x->last_ns = ts_ns;
		call_end(x, status);
		run_end(x, status, ts_ns);
		context_remove(g, x);
	}
	free(g);
}
