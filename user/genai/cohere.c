/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cohere's v2 chat: POST /v2/chat. Messages are like OpenAI's, answers are not: content is a list of texts and thoughts,
 * a plan may stand before tool calls, and billed units are what is paid for (they leave the documents' wrapping out).
 */
#include "genai/openai.h"

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
	const struct json *messages = json_get(body, "messages"), *format = json_get(body, "response_format");

	if (json_type(messages) != JSON_ARRAY && (json_type(messages) != JSON_NONE || w->whole))
		return false;
	w->c.request_model = genai_word(w, body, "model");
	(void)json_bool(json_get(body, "stream"), &w->c.stream);
	genai_param_read(w, body, params);
	if (json_is(json_get(format, "type"), "json_object"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	genai_openai_tools(w, body);
	if (json_type(messages) == JSON_ARRAY)
		genai_openai_messages(w, messages);
	return true;
}

static struct str finish_otel(struct str theirs)
{
	static const struct genai_finish_row rows[] = {
		{"COMPLETE", "stop"},	  {"STOP_SEQUENCE", "stop"}, {"TOOL_CALL", "tool_call"},
		{"MAX_TOKENS", "length"}, {"ERROR", "error"},	     {"ERROR_TOXIC", "content_filter"},
		{"TIMEOUT", "error"},
	};

	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), theirs);
}

/* Counts may be written as 33.0. */
static void usage_read(struct genai_work *w, const struct json *usage)
{
	const struct json *billed = json_get(usage, "billed_units"), *tokens = json_get(usage, "tokens");
	struct genai_usage *u = &w->c.usage;
	const struct json *from = billed ? billed : tokens;

	genai_param_count(json_get(from, "input_tokens"), &u->input);
	genai_param_count(json_get(from, "output_tokens"), &u->output);
	/* Cached tokens are counted in tokens, not in billed units: no part of the input given here. */
	genai_param_add(w, "bottrace.usage.cached_tokens", json_get(usage, "cached_tokens"));
}

static bool content_add(struct genai_work *w, struct genai_single *s, int64_t index, const struct json *j)
{
	struct arena *scratch = genai_scratch(w);

	if (json_type(j) == JSON_STRING)
		return genai_answer_text(w, &s->answer, GENAI_TEXT, index, json_str(scratch, j));
	bool thought = genai_answer_text(w, &s->answer, GENAI_REASONING, index,
					 json_get_str(scratch, j, "thinking"));

	return genai_answer_text(w, &s->answer, GENAI_TEXT, index, json_get_str(scratch, j, "text")) ||
	       thought;
}

static void call_begin(struct genai_work *w, struct genai_single *s, int64_t index, const struct json *call)
{
	const struct json *f = json_get(call, "function");

	genai_answer_call(w, &s->answer, GENAI_TOOL_CALL, index, genai_word(w, call, "id"),
			  genai_word(w, f, "name"));
	genai_answer_arguments(w, &s->answer, index, json_get_str(genai_scratch(w), f, "arguments"));
}

static void join(struct genai_work *w)
{
	genai_single_join(w, finish_otel);
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct json *message = json_get(body, "message"), *content = json_get(message, "content"),
			  *calls = json_get(message, "tool_calls");
	struct genai_single *s = genai_single_get(w);
	int64_t index = 0;

	w->c.response_id = genai_word(w, body, "id");
	usage_read(w, json_get(body, "usage"));
	if (s == NULL)
		return;
	(void)genai_answer_text(w, &s->answer, GENAI_REASONING, -1,
				json_get_str(genai_scratch(w), message, "tool_plan"));
	if (json_type(content) == JSON_ARRAY)
		for (const struct json *e = json_first(content); e; e = json_next(e))
			(void)content_add(w, s, index++, e);
	else
		(void)content_add(w, s, index, content);
	index = 0;
	if (json_type(calls) == JSON_ARRAY)
		for (const struct json *e = json_first(calls); e; e = json_next(e))
			call_begin(w, s, index++, e);
	s->finish = genai_word(w, body, "finish_reason");
	join(w);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct genai_single *s = genai_single_get(w);
	struct str type = json_get_str(genai_scratch(w), j, "type");
	const struct json *delta = json_get(j, "delta"), *message = json_get(delta, "message");
	const struct json *call = json_get(message, "tool_calls");
	int64_t index = 0;
	bool any = false;

	if (s == NULL || j == NULL)
		return false;
	(void)json_i64(json_get(j, "index"), &index);
	if (json_type(call) == JSON_ARRAY)
		call = json_at(call, 0);
	if (str_eq(type, STR("message-start"))) {
		w->c.response_id = genai_word(w, j, "id");
	} else if (str_eq(type, STR("tool-plan-delta"))) {
		any = genai_answer_text(w, &s->answer, GENAI_REASONING, -1,
					json_get_str(genai_scratch(w), message, "tool_plan"));
	} else if (str_eq(type, STR("content-start")) || str_eq(type, STR("content-delta"))) {
		any = content_add(w, s, index, json_get(message, "content"));
	} else if (str_eq(type, STR("tool-call-start"))) {
		call_begin(w, s, index, call);
		any = true;
	} else if (str_eq(type, STR("tool-call-delta"))) {
		genai_answer_arguments(
			w, &s->answer, index,
			json_get_str(genai_scratch(w), json_get(call, "function"), "arguments"));
		any = true;
	} else if (str_eq(type, STR("message-end"))) {
		s->finish = genai_word(w, delta, "finish_reason");
		usage_read(w, json_get(delta, "usage"));
		if (json_type(json_get(delta, "error")) == JSON_STRING)
			genai_error_read(w, delta);
		return true;
	}
	if (any)
		genai_told_first(w, ev->ts_ns);
	return false;
}

const struct genai_decoder genai_cohere_chat = {
	.provider = "cohere",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
