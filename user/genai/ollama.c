/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ollama's own API: POST /api/chat and /api/generate. A stream unless the request says "stream": false; it is a JSON
 * document a line, the last one with "done": true and the counts. Tool calls come whole, arguments as an object.
 */
#include "genai/openai.h"

static bool is_generate(const struct genai_work *w)
{
	return str_ends(w->c.path, STR("/generate"));
}

static void options_read(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
		{"num_predict", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"seed", "gen_ai.request.seed", JSON_NUMBER},
		{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"stop", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *format = json_get(body, "format");

	genai_param_read(w, json_get(body, "options"), params);
	if (json_is(format, "json") || json_type(format) == JSON_OBJECT)
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
}

/* "prompt" and "system" of generate, as messages. */
static void prompt_read(struct genai_work *w, const struct json *body)
{
	struct genai_call *c = &w->c;
	struct str system = genai_prose(w, body, "system");

	if (system.p != NULL)
		c->system = arena_alloc(c->arena, sizeof(*c->system));
	if (c->system != NULL) {
		c->system[0] = (struct genai_part){.type = GENAI_TEXT, .text = system};
		c->system_count = 1;
	}
	genai_prompt_read(w, json_get(body, "prompt"));
}

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *messages = json_get(body, is_generate(w) ? "prompt" : "messages");
	enum json_type want = is_generate(w) ? JSON_STRING : JSON_ARRAY;

	/* Without messages it loads the model, and says so: {"model"} alone. */
	if (json_type(messages) != want && (json_type(messages) > JSON_NULL || (w->whole && !is_generate(w))))
		return false;
	w->c.request_model = genai_word(w, body, "model");
	w->c.stream = true;
	(void)json_bool(json_get(body, "stream"), &w->c.stream);
	options_read(w, body);
	genai_openai_tools(w, body);
	if (is_generate(w))
		prompt_read(w, body);
	else if (json_type(messages) == JSON_ARRAY)
		genai_openai_messages(w, messages);
	return true;
}

struct stream {
	struct genai_answer answer;
	struct str finish;
	int64_t calls;
};

static void call_add(struct genai_work *w, struct stream *s, const struct json *call)
{
	const struct json *f = json_get(call, "function"), *args = json_get(f, "arguments");
	struct genai_part p = {
		.type = GENAI_TOOL_CALL,
		.id = genai_word(w, call, "id"),
		.name = genai_word(w, f, "name"),
		.value = json_type(args) == JSON_STRING ? genai_arguments(w, json_str(genai_scratch(w), args))
							: genai_compact(w, args),
	};

	genai_answer_part(w, &s->answer, s->calls++, &p);
}

/* A whole answer, or one line of a stream. Returns whether it is the last. */
static bool line_read(struct genai_work *w, const struct json *j, uint64_t ts_ns)
{
	const struct json *message = json_get(j, "message"), *calls = json_get(message, "tool_calls");
	struct arena *scratch = genai_scratch(w);
	bool any, done = false;

	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	struct stream *s = w->stream;

	if (s == NULL || json_type(j) != JSON_OBJECT)
		return false;
	if (w->c.response_model.p == NULL)
		w->c.response_model = genai_word(w, j, "model");
	any = genai_answer_text(w, &s->answer, GENAI_REASONING, 0,
				json_get_str(scratch, message, "thinking"));
	any |= genai_answer_text(w, &s->answer, GENAI_REASONING, 0, json_get_str(scratch, j, "thinking"));
	any |= genai_answer_text(w, &s->answer, GENAI_TEXT, 0, json_get_str(scratch, message, "content"));
	any |= genai_answer_text(w, &s->answer, GENAI_TEXT, 0, json_get_str(scratch, j, "response"));
	if (json_type(calls) == JSON_ARRAY)
		for (const struct json *e = json_first(calls); e; e = json_next(e)) {
			call_add(w, s, e);
			any = true;
		}
	if (any && ts_ns > 0)
		genai_told_first(w, ts_ns);
	genai_param_count(json_get(j, "prompt_eval_count"), &w->c.usage.input);
	genai_param_count(json_get(j, "eval_count"), &w->c.usage.output);
	if (json_type(json_get(j, "error")) > JSON_NULL) {
		genai_error_read(w, j);
		return true;
	}
	(void)json_bool(json_get(j, "done"), &done);
	if (done)
		s->finish = genai_word(w, j, "done_reason");
	return done;
}

static void join(struct genai_work *w)
{
	const struct stream *s = w->stream;
	struct str otel;

	if (s == NULL)
		return;
	/* "stop" is said after tool calls too. */
	otel = s->answer.called && str_eq(s->finish, STR("stop")) ? STR("tool_call") : s->finish;
	genai_answer_only(w, &s->answer, s->finish, otel);
}

static void response(struct genai_work *w, const struct json *body)
{
	(void)line_read(w, body, 0);
	join(w);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	return line_read(w, genai_event_json(w, ev), ev->ts_ns);
}

const struct genai_decoder genai_ollama_chat = {
	.provider = "ollama",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};

const struct genai_decoder genai_ollama_generate = {
	.provider = "ollama",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
