/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenAI Responses, POST .../responses, and those who speak it: Azure, Bedrock, OpenRouter, DeepSeek, xAI, Ollama, ...
 * This file: request and whole answers. Items: items.c. Streams: responses_stream.c.
 */
#include "genai/responses.h"

#include "genai/openai.h"

static const struct genai_param_map request_params[] = {
	{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
	{"max_output_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
	{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
	{"service_tier", "openai.request.service_tier", JSON_STRING},
	{"background", "bottrace.request.background", JSON_BOOL},
	{NULL, NULL, JSON_NONE},
};

static void params_read(struct genai_work *w, const struct json *body)
{
	const struct json *format = json_path(body, "text", "format", "type", NULL);

	genai_param_add_json(w, "openai.api.type", STR("\"responses\""));
	genai_param_read(w, body, request_params);
	genai_param_add(w, "bottrace.request.reasoning_effort", json_path(body, "reasoning", "effort", NULL));
	if (json_is(format, "json_object") || json_is(format, "json_schema"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	else if (json_is(format, "text"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"text\""));
}

/* "conversation": "id" or {"id"} */
static void conversation_read(struct genai_work *w, const struct json *body)
{
	const struct json *conversation = json_get(body, "conversation");

	if (w->c.conversation_id.p != NULL)
		return;
	w->c.conversation_id = json_type(conversation) == JSON_OBJECT ? genai_word(w, conversation, "id")
								      : genai_word(w, body, "conversation");
	w->c.kept = w->c.conversation_id.p != NULL;
}

static void input_read(struct genai_work *w, const struct json *input)
{
	struct genai_items all;

	if (json_type(input) == JSON_STRING) {
		struct genai_part p = {.type = GENAI_TEXT, .text = genai_str(w, input)};

		if (!genai_items_init(w, &all, 1))
			return;
		genai_items_add_part(w, &all, STR("user"), STR_NONE, &p);
	} else {
		size_t n = genai_input_limit(w, json_count(input));
		const struct json *e = json_first(input);

		if (!genai_items_init(w, &all, n))
			return;
		w->element_messages = n ? arena_alloc(w->c.arena, n * sizeof(*w->element_messages)) : NULL;
		for (size_t i = 0; e && i < n; e = json_next(e), i++) {
			genai_items_add(w, &all, e);
			if (w->element_messages)
				w->element_messages[i] = all.count;
		}
	}
	genai_items_done(w, &all);
	w->c.input = all.messages;
	w->c.input_count = all.count;
}

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *input = json_get(body, "input"), *model = json_get(body, "model"),
			  *system = json_get(body, "instructions");
	struct genai_call *c = &w->c;

	/* Without input it goes on from a response or a stored prompt. */
	if (json_type(input) != JSON_STRING && json_type(input) != JSON_ARRAY &&
	    (json_type(input) > JSON_NULL ||
	     (w->whole && json_get(body, "previous_response_id") == NULL &&
	      json_get(body, "prompt") == NULL && json_get(body, "conversation") == NULL)))
		return false;
	if (json_type(model) > JSON_NULL && json_type(model) != JSON_STRING)
		return false;
	c->request_model = genai_word(w, body, "model");
	c->previous_id = genai_word(w, body, "previous_response_id");
	(void)json_bool(json_get(body, "stream"), &c->stream);
	conversation_read(w, body);
	params_read(w, body);
	genai_openai_tools(w, body);
	if (json_type(system) == JSON_STRING) {
		struct str text = genai_str(w, system);

		c->system = text.n > 0 ? arena_alloc(c->arena, sizeof(*c->system)) : NULL;
		if (c->system != NULL) {
			c->system[0] = (struct genai_part){.type = GENAI_TEXT, .text = text};
			c->system_count = 1;
		}
	}
	if (json_type(input) > JSON_NULL)
		input_read(w, input);
	return true;
}

/* ---- the answer ---- */

void genai_responses_usage(struct genai_work *w, const struct json *usage)
{
	struct genai_usage *u = &w->c.usage;
	const struct json *in = json_get(usage, "input_tokens_details"),
			  *out = json_get(usage, "output_tokens_details");

	if (in == NULL) /* Realtime's names */
		in = json_get(usage, "input_token_details");
	if (out == NULL)
		out = json_get(usage, "output_token_details");

	genai_param_count(json_get(usage, "input_tokens"), &u->input);
	genai_param_count(json_get(usage, "output_tokens"), &u->output);
	genai_param_count(json_get(in, "cached_tokens"), &u->cache_read);
	genai_param_count(json_get(in, "cache_write_tokens"), &u->cache_creation);
	genai_param_count(json_get(out, "reasoning_tokens"), &u->reasoning);
	genai_param_count(json_get(in, "audio_tokens"), &u->audio_input);
	genai_param_count(json_path(in, "cached_tokens_details", "audio_tokens", NULL), &u->audio_cache_read);
	genai_param_count(json_get(out, "audio_tokens"), &u->audio_output);
	genai_terms_usage(w, usage);
}

void genai_responses_head(struct genai_work *w, const struct json *response)
{
	genai_openai_head(w, response);
	conversation_read(w, response);
	genai_responses_usage(w, json_get(response, "usage"));
	if (json_type(json_get(response, "error")) == JSON_OBJECT ||
	    json_type(json_get(response, "error")) == JSON_STRING)
		genai_error_read(w, response);
	else if (json_type(json_path(response, "status_details", "error", NULL)) ==
		 JSON_OBJECT) /* Realtime */
		genai_error_read(w, json_get(response, "status_details"));
}

void genai_responses_finish(struct genai_work *w, const struct genai_items *all, struct str status,
			    struct str reason)
{
	struct genai_call *c = &w->c;
	struct str word;

	/* Without a status nothing ended: a compaction, an error of the stream, a cut. */
	if (status.p == NULL || str_eq(status, STR("queued")) || str_eq(status, STR("in_progress")))
		return;
	if (str_eq(status, STR("incomplete")))
		word = str_eq(reason, STR("content_filter")) ? reason : STR("length");
	else if (str_eq(status, STR("failed")) || str_eq(status, STR("cancelled")))
		word = STR("error");
	else
		word = all->called ? STR("tool_call") : STR("stop");
	c->finish_reasons = arena_alloc(c->arena, sizeof(*c->finish_reasons));
	if (c->finish_reasons == NULL)
		return;
	c->finish_reasons[0] = word;
	c->finish_count = 1;
	if (all->count > 0)
		all->messages[all->count - 1].finish = word;
}

/* Whether what came of an answer says how it ended. */
static bool is_ended(const struct json *response, const struct genai_items *all)
{
	const struct json *status = json_get(response, "status"), *output = json_get(response, "output");

	if (!json_is_cut(response))
		return true;
	if (json_is(status, "completed")) /* with a tool call that is not here? */
		return all->called || (json_type(output) == JSON_ARRAY && !json_is_cut(output));
	if (json_is(status, "incomplete"))
		return json_path(response, "incomplete_details", "reason", NULL) != NULL;
	return json_type(status) == JSON_STRING && !json_is_cut(status);
}

void genai_responses_read(struct genai_work *w, const struct json *response)
{
	const struct json *output = json_get(response, "output");
	struct genai_items all = {0};

	genai_responses_head(w, response);
	if (json_type(output) == JSON_ARRAY && genai_items_init(w, &all, json_count(output))) {
		for (const struct json *e = json_first(output); e; e = json_next(e))
			genai_items_add(w, &all, e);
		w->c.output = all.messages;
		w->c.output_count = all.count;
	}
	if (json_type(response) == JSON_OBJECT && is_ended(response, &all))
		genai_responses_finish(
			w, &all, json_get_str(genai_scratch(w), response, "status"),
			json_get_str(genai_scratch(w), json_get(response, "incomplete_details"), "reason"));
	genai_items_done(w, &all);
}

const struct genai_decoder genai_openai_responses = {
	.provider = "openai",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "input",
	.request = request,
	.response = genai_responses_read,
	.event = genai_responses_event,
	.finish = genai_responses_join,
};
