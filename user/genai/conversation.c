/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistral's conversations, of a model or of an agent that is kept there: POST /v1/conversations begins one, .../{id} goes
 * on with it, .../{id}/restart goes on from an entry of it. Inputs and outputs are entries with a type. From its API
 * reference and the event types of its clients. OpenAI's path of that name only keeps one: its bodies have no inputs.
 */
#include "genai/openai.h"

struct talk {
	struct genai_answer answer;
	int64_t call; /* output that the last call is */
	bool calling, called, over;
};

static struct talk *talk_get(struct genai_work *w)
{
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct talk));
	return w->stream;
}

/* ---- the request ---- */

/* {"type": "function.result", "tool_call_id", "result"}, {"type": "function.call", "tool_call_id", "name", "arguments"}; an
 * entry with a role is a message as Chat Completions has it. */
static void entry_read(struct genai_work *w, const struct json *e, struct genai_message *m)
{
	struct str type = json_get_str(genai_scratch(w), e, "type");
	const struct json *arguments = json_get(e, "arguments");
	struct genai_part *p;

	if (json_get(e, "role") != NULL) {
		(void)genai_openai_message(w, e, m);
		return;
	}
	p = arena_alloc(w->c.arena, sizeof(*p));
	if (p == NULL)
		return;
	m->parts = p;
	m->count = 1;
	m->role = STR("assistant");
	if (str_eq(type, STR("function.result"))) {
		m->role = STR("tool");
		p->type = GENAI_TOOL_RESPONSE;
		p->id = genai_word(w, e, "tool_call_id");
		p->value = genai_result(w, json_get(e, "result"));
	} else if (str_eq(type, STR("function.call"))) {
		p->type = GENAI_TOOL_CALL;
		p->id = genai_word(w, e, "tool_call_id");
		p->name = genai_word(w, e, "name");
		p->value = json_type(arguments) == JSON_STRING
				   ? genai_arguments(w, json_str(genai_scratch(w), arguments))
				   : genai_compact(w, arguments);
	} else {
		p->type = GENAI_OTHER;
		p->name = genai_word(w, e, "type");
		p->value = genai_compact(w, e);
	}
	genai_message_hash(w, m);
}

static void inputs_read(struct genai_work *w, const struct json *inputs)
{
	size_t n;

	if (json_type(inputs) == JSON_STRING) {
		genai_prompt_read(w, inputs);
		return;
	}
	n = genai_input_new(w, json_count(inputs));
	for (const struct json *e = json_first(inputs); e && w->c.input_count < n; e = json_next(e))
		entry_read(w, e, &w->c.input[w->c.input_count++]);
}

/* "/v1/conversations/ID", "/v1/conversations/ID/restart" */
static struct str id_of(struct genai_work *w)
{
	struct str rest = str_skip(w->c.path, sizeof("/v1/conversations/") - 1), id;

	(void)str_cut(rest, '/', &id);
	return genai_server_unescape(w, id);
}

static void instructions_read(struct genai_work *w, const struct json *instructions)
{
	struct genai_part *p;

	if (json_type(instructions) != JSON_STRING)
		return;
	p = arena_alloc(w->c.arena, sizeof(*p));
	if (p == NULL)
		return;
	*p = (struct genai_part){.type = GENAI_TEXT, .text = genai_str(w, instructions)};
	w->c.system = p;
	w->c.system_count = 1;
}

static bool request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"random_seed", "gen_ai.request.seed", JSON_NUMBER},
		{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"stop", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *inputs = json_get(body, "inputs");
	struct genai_call *c = &w->c;
	struct str id = id_of(w);

	bool given = json_type(inputs) == JSON_STRING || json_type(inputs) == JSON_ARRAY;
	bool named = id.n > 0 || json_type(json_get(body, "model")) == JSON_STRING ||
		     json_type(json_get(body, "agent_id")) == JSON_STRING;

	if (w->whole && (!given || !named)) {
		c->note = "a conversation that is kept: no model is asked";
		return false;
	}
	c->kept = true;
	if (id.n > 0)
		c->conversation_id = id;
	c->request_model = genai_word(w, body, "model");
	if (json_type(json_get(body, "agent_id")) == JSON_STRING)
		genai_param_add(w, "gen_ai.agent.id", json_get(body, "agent_id"));
	(void)json_bool(json_get(body, "stream"), &c->stream);
	genai_param_read(w, json_get(body, "completion_args"), params);
	genai_openai_tools(w, body);
	instructions_read(w, json_get(body, "instructions"));
	if (given)
		inputs_read(w, inputs);
	return true;
}

/* ---- the answer ---- */

/* A text; or a piece of content: {"type": "text", "text"}, {"type": "thinking", "thinking": [{"text"}]}, references. */
static bool piece_add(struct genai_work *w, struct talk *t, int64_t at, const struct json *j)
{
	struct str type = json_get_str(genai_scratch(w), j, "type"), text;

	if (json_type(j) == JSON_STRING)
		return genai_answer_text(w, &t->answer, GENAI_TEXT, at, json_str(genai_scratch(w), j));
	if (json_type(j) != JSON_OBJECT)
		return false;
	if (str_eq(type, STR("text")))
		return genai_answer_text(w, &t->answer, GENAI_TEXT, at,
					 json_get_str(genai_scratch(w), j, "text"));
	if (str_eq(type, STR("thinking")) && genai_join_texts(w, json_get(j, "thinking"), &text))
		return genai_answer_text(w, &t->answer, GENAI_REASONING, at, text);
	genai_answer_part(w, &t->answer, at,
			  &(struct genai_part){.type = GENAI_OTHER,
					       .name = genai_word(w, j, "type"),
					       .value = genai_compact(w, j)});
	return true;
}

static bool content_add(struct genai_work *w, struct talk *t, int64_t at, const struct json *content)
{
	bool any = false;

	if (json_type(content) != JSON_ARRAY)
		return piece_add(w, t, at, content);
	for (const struct json *e = json_first(content); e; e = json_next(e))
		any |= piece_add(w, t, at, e);
	return any;
}

/* A call of the caller's function, or of a tool of the server's; whole, or its first fragment, or a later one. */
static void call_add(struct genai_work *w, struct talk *t, int64_t at, const struct json *j, bool server)
{
	const struct json *arguments = json_get(j, "arguments");

	if (!t->calling || t->call != at)
		genai_answer_call(w, &t->answer, server ? GENAI_SERVER_TOOL_CALL : GENAI_TOOL_CALL, at,
				  genai_word(w, j, server ? "id" : "tool_call_id"), genai_word(w, j, "name"));
	t->calling = true;
	t->call = at;
	t->called |= !server;
	if (json_type(arguments) == JSON_STRING)
		genai_answer_arguments(w, &t->answer, at, json_str(genai_scratch(w), arguments));
	else if (json_type(arguments) == JSON_OBJECT)
		genai_answer_arguments(w, &t->answer, at, genai_compact(w, arguments));
}

static void handoff_add(struct genai_work *w, struct talk *t, int64_t at, const struct json *j)
{
	genai_answer_part(w, &t->answer, at,
			  &(struct genai_part){.type = GENAI_OTHER,
					       .name = STR("agent.handoff"),
					       .value = genai_compact(w, j)});
}

static void model_read(struct genai_work *w, const struct json *j)
{
	if (w->c.response_model.p == NULL)
		w->c.response_model = genai_word(w, j, "model");
}

static void join(struct genai_work *w)
{
	struct talk *t = w->stream;

	if (t == NULL)
		return;
	/* No output says why it ended. */
	struct str why = !t->over || t->answer.count == 0 ? STR_NONE
			 : t->called			  ? STR("tool_call")
							  : STR("stop");

	genai_answer_only(w, &t->answer, why, why);
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct json *outputs = json_get(body, "outputs");
	struct str id = genai_word(w, body, "conversation_id");
	struct talk *t = talk_get(w);
	int64_t at = 0;

	genai_openai_usage(w, json_get(body, "usage"));
	if (id.p != NULL)
		w->c.conversation_id = id;
	if (t == NULL || json_type(outputs) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(outputs); e; e = json_next(e), at++) {
		struct str type = json_get_str(genai_scratch(w), e, "type");

		model_read(w, e);
		if (str_eq(type, STR("function.call")))
			call_add(w, t, at, e, false);
		else if (str_eq(type, STR("tool.execution")))
			call_add(w, t, at, e, true);
		else if (str_eq(type, STR("agent.handoff")))
			handoff_add(w, t, at, e);
		else
			(void)content_add(w, t, at, json_get(e, "content"));
	}
	t->over = w->whole;
	join(w);
}

/* {"type": the event's, "message", "code": a number} */
static void error_read(struct genai_work *w, const struct json *j)
{
	const struct json *code = json_get(j, "code");

	genai_error_read(w, j);
	w->c.error_type =
		json_type(code) == JSON_NUMBER ? arena_dup(w->c.arena, json_raw(code)) : STR("_OTHER");
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct str type = json_get_str(genai_scratch(w), j, "type");
	struct talk *t = talk_get(w);
	bool any = false;
	int64_t at = 0;

	if (t == NULL || j == NULL)
		return false;
	if (type.n == 0)
		type = ev->event;
	(void)json_i64(json_get(j, "output_index"), &at);
	if (str_eq(type, STR("conversation.response.started"))) {
		w->c.conversation_id = genai_word(w, j, "conversation_id");
	} else if (str_eq(type, STR("message.output.delta"))) {
		model_read(w, j);
		any = content_add(w, t, at, json_get(j, "content"));
	} else if (str_eq(type, STR("function.call.delta"))) {
		model_read(w, j);
		call_add(w, t, at, j, false);
		any = true;
	} else if (str_eq(type, STR("tool.execution.started")) || str_eq(type, STR("tool.execution.delta"))) {
		call_add(w, t, at, j, true);
		any = true;
	} else if (str_eq(type, STR("agent.handoff.done"))) {
		handoff_add(w, t, at, j);
	} else if (str_eq(type, STR("conversation.response.error"))) {
		error_read(w, j);
		return true;
	} else if (str_eq(type, STR("conversation.response.done"))) {
		genai_openai_usage(w, json_get(j, "usage"));
		t->over = true;
		return true;
	}
	if (any)
		genai_told_first(w, ev->ts_ns);
	return false;
}

const struct genai_decoder genai_conversation = {
	.provider = "mistral_ai",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
