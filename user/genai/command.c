/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cohere's first chat: the body of Command R in Bedrock's InvokeModel. (Cohere's own POST /v1/chat has the same, but that
 * path and {"message"} are anybody's.) The last message stands apart from those before it, tool calls have no ids, and
 * results come with the call that they answer. A stream has a JSON document an event, named by its event_type.
 */
#include "base/jsonw.h"
#include "genai/decoder.h"

/* ---- the request ---- */

static struct str role_of(struct str theirs)
{
	if (str_ieq(theirs, STR("CHATBOT")))
		return STR("assistant");
	if (str_ieq(theirs, STR("SYSTEM")))
		return STR("system");
	return str_ieq(theirs, STR("TOOL")) ? STR("tool") : STR("user");
}

/* {"name", "parameters": {...}} */
static struct genai_part call_read(struct genai_work *w, const struct json *call)
{
	return (struct genai_part){.type = GENAI_TOOL_CALL,
				   .name = genai_word(w, call, "name"),
				   .value = genai_compact(w, json_get(call, "parameters"))};
}

static void calls_add(struct genai_work *w, struct genai_answer *to, const struct json *calls)
{
	if (json_type(calls) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(calls); e; e = json_next(e)) {
		struct genai_part p = call_read(w, e);

		genai_answer_part(w, to, to->count, &p);
	}
}

/* {"call": {"name", ...}, "outputs": [...]} */
static void results_add(struct genai_work *w, struct genai_answer *to, const struct json *results)
{
	if (json_type(results) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(results); e; e = json_next(e)) {
		struct genai_part p = {.type = GENAI_TOOL_RESPONSE,
				       .name = genai_word(w, json_get(e, "call"), "name"),
				       .value = genai_result(w, json_get(e, "outputs"))};

		genai_answer_part(w, to, to->count, &p);
	}
}

static void message_add(struct genai_work *w, struct str role, const struct genai_answer *parts)
{
	struct genai_message *m = &w->c.input[w->c.input_count];

	if (parts->count == 0 || !genai_answer_message(w, parts, m))
		return;
	m->role = role;
	genai_message_hash(w, m);
	w->c.input_count++;
}

/* {"role", "message", "tool_calls", "tool_results"} */
static void turn_add(struct genai_work *w, const struct json *turn)
{
	struct arena *scratch = genai_scratch(w);
	struct genai_answer parts = {0};

	(void)genai_answer_text(w, &parts, GENAI_TEXT, -1, json_get_str(scratch, turn, "message"));
	calls_add(w, &parts, json_get(turn, "tool_calls"));
	results_add(w, &parts, json_get(turn, "tool_results"));
	message_add(w, role_of(json_get_str(scratch, turn, "role")), &parts);
}

static void input_read(struct genai_work *w, const struct json *body)
{
	const struct json *history = json_get(body, "chat_history");
	size_t n = json_type(history) == JSON_ARRAY ? json_count(history) : 0;
	const struct json *e = n ? json_first(history) : NULL;
	struct genai_answer said = {0}, told = {0};

	if (n > LIMIT_MESSAGES - 2) {
		w->omitted_messages = (uint32_t)(n - (LIMIT_MESSAGES - 2));
		n = LIMIT_MESSAGES - 2;
	}
	w->c.input = arena_alloc(w->c.arena, (n + 2) * sizeof(*w->c.input));
	if (w->c.input == NULL)
		return;
	for (size_t i = 0; e && i < n; e = json_next(e), i++)
		turn_add(w, e);
	(void)genai_answer_text(w, &said, GENAI_TEXT, 0, json_get_str(genai_scratch(w), body, "message"));
	message_add(w, STR("user"), &said);
	results_add(w, &told, json_get(body, "tool_results"));
	message_add(w, STR("tool"), &told);
}

static void tools_read(struct genai_work *w, const struct json *tools)
{
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(tools) != JSON_ARRAY || json_count(tools) == 0)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (const struct json *e = json_first(tools); e; e = json_next(e)) {
		const struct json *parameters = json_get(e, "parameter_definitions");

		if (json_type(e) != JSON_OBJECT)
			continue;
		genai_function_write(w, &out, e, json_type(parameters) == JSON_OBJECT ? parameters : NULL);
	}
	jsonw_array_end(&out);
	if (!buf_err(b))
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

static bool request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"p", "gen_ai.request.top_p", JSON_NUMBER},
		{"k", "gen_ai.request.top_k", JSON_NUMBER},
		{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"seed", "gen_ai.request.seed", JSON_NUMBER},
		{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	struct genai_call *c = &w->c;

	if (json_type(json_get(body, "message")) != JSON_STRING && w->whole)
		return false;
	c->request_model = genai_word(w, body, "model");
	c->conversation_id = genai_word(w, body, "conversation_id");
	(void)json_bool(json_get(body, "stream"), &c->stream);
	genai_param_read(w, body, params);
	tools_read(w, json_get(body, "tools"));
	struct str preamble = genai_prose(w, body, "preamble");

	c->system = preamble.n > 0 ? arena_alloc(c->arena, sizeof(*c->system)) : NULL;
	if (c->system != NULL) {
		c->system[0] = (struct genai_part){.type = GENAI_TEXT, .text = preamble};
		c->system_count = 1;
	}
	input_read(w, body);
	return true;
}

/* ---- the answer ---- */

struct stream {
	struct genai_answer answer;
	struct str finish;
};

static struct stream *stream_get(struct genai_work *w)
{
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	return w->stream;
}

/* What is paid for, as in the second chat. */
static void usage_read(struct genai_work *w, const struct json *meta)
{
	const struct json *billed = json_get(meta, "billed_units"), *tokens = json_get(meta, "tokens");

	genai_param_count(json_get(billed ? billed : tokens, "input_tokens"), &w->c.usage.input);
	genai_param_count(json_get(billed ? billed : tokens, "output_tokens"), &w->c.usage.output);
}

static void join(struct genai_work *w)
{
	static const struct genai_finish_row rows[] = {
		{"COMPLETE", "stop"}, {"STOP_SEQUENCE", "stop"}, {"MAX_TOKENS", "length"},
		{"ERROR", "error"},   {"ERROR_LIMIT", "length"}, {"ERROR_TOXIC", "content_filter"},
	};
	const struct stream *s = w->stream;

	if (s == NULL)
		return;
	struct str otel = genai_finish(rows, sizeof(rows) / sizeof(rows[0]), s->finish);

	if (s->answer.called && str_eq(otel, STR("stop"))) /* said of tool calls too */
		otel = STR("tool_call");
	genai_answer_only(w, &s->answer, s->finish, otel);
}

static void head_read(struct genai_work *w, struct stream *s, const struct json *j)
{
	if (w->c.response_id.p == NULL)
		w->c.response_id =
			genai_word(w, j, json_get(j, "response_id") ? "response_id" : "generation_id");
	usage_read(w, json_get(j, "meta"));
	if (json_type(json_get(j, "finish_reason")) == JSON_STRING)
		s->finish = genai_word(w, j, "finish_reason");
}

static void response(struct genai_work *w, const struct json *body)
{
	struct stream *s = json_type(body) == JSON_OBJECT ? stream_get(w) : NULL;

	if (s == NULL)
		return;
	head_read(w, s, body);
	(void)genai_answer_text(w, &s->answer, GENAI_TEXT, -1, json_get_str(genai_scratch(w), body, "text"));
	calls_add(w, &s->answer, json_get(body, "tool_calls"));
	join(w);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct stream *s = stream_get(w);
	struct arena *scratch = genai_scratch(w);
	struct str type = json_get_str(scratch, j, "event_type");

	if (s == NULL || j == NULL)
		return false;
	if (str_eq(type, STR("text-generation"))) {
		if (genai_answer_text(w, &s->answer, GENAI_TEXT, -1, json_get_str(scratch, j, "text")))
			genai_told_first(w, ev->ts_ns);
	} else if (str_eq(type, STR("tool-calls-generation"))) {
		calls_add(w, &s->answer, json_get(j, "tool_calls"));
		genai_told_first(w, ev->ts_ns);
	} else if (str_eq(type, STR("stream-end"))) {
		const struct json *whole = json_get(j, "response");

		head_read(w, s, whole);
		head_read(w, s, j);
		if (!s->answer.called)
			calls_add(w, &s->answer, json_get(whole, "tool_calls"));
		return true;
	}
	return false;
}

const struct genai_decoder genai_cohere_command = {
	.provider = "cohere",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
