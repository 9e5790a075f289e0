/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenAI Chat Completions, POST .../chat/completions, and those who speak it: Azure, Groq, OpenRouter, DeepSeek,
 * Mistral, Cerebras, Z.ai, vLLM, llama.cpp, ... What they do otherwise is said where it is handled.
 * This file: request and whole answers. Streams: openai_stream.c.
 */
#include "genai/openai.h"

static const struct genai_param_map request_params[] = {
	{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
	{"max_completion_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
	{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
	{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
	{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
	{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
	{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
	{"seed", "gen_ai.request.seed", JSON_NUMBER},
	{"random_seed", "gen_ai.request.seed", JSON_NUMBER}, /* Mistral */
	{"stop", "gen_ai.request.stop_sequences", JSON_ARRAY},
	{"service_tier", "openai.request.service_tier", JSON_STRING},
	{"reasoning_effort", "bottrace.request.reasoning_effort", JSON_STRING},
	{NULL, NULL, JSON_NONE},
};

static void params_read(struct genai_work *w, const struct json *body)
{
	const struct json *stop = json_get(body, "stop"),
			  *format = json_path(body, "response_format", "type", NULL);
	int64_t n;

	genai_param_add_json(w, "openai.api.type", STR("\"chat_completions\""));
	genai_param_read(w, body, request_params);
	if (json_type(stop) == JSON_STRING && !json_is_cut(stop)) {
		struct str one = genai_compact(w, stop);

		genai_param_add_json(w, "gen_ai.request.stop_sequences",
				     arena_printf(w->c.arena, "[%.*s]", STR_ARG(one)));
	}
	if (json_i64(json_get(body, "n"), &n) && n != 1)
		genai_param_add(w, "gen_ai.request.choice.count", json_get(body, "n"));
	if (json_is(format, "json_object") || json_is(format, "json_schema"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	else if (json_is(format, "text"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"text\""));
	/* OpenRouter */
	genai_param_add(w, "bottrace.request.reasoning_effort", json_path(body, "reasoning", "effort", NULL));
}

/* ---- messages ---- */

static void part_other(struct genai_work *w, const struct json *j, struct str type, struct genai_part *p)
{
	p->type = GENAI_OTHER;
	p->name = type;
	p->value = genai_compact(w, j);
}

static void part_file(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	const struct json *file = json_get(j, "file");
	struct str id = genai_word(w, file, "file_id"), data = genai_prose(w, file, "file_data");

	if (id.p != NULL) {
		p->type = GENAI_FILE;
		p->modality = STR("document");
		p->text = id;
	} else if (data.p != NULL) {
		genai_part_url(p, "document", data);
	} else {
		part_other(w, j, STR("file"), p);
	}
}

static void part_audio(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	const struct json *audio = json_get(j, "input_audio");
	struct str data = genai_prose(w, audio, "data"), format = genai_word(w, audio, "format");

	if (data.p == NULL) {
		part_other(w, j, STR("input_audio"), p);
		return;
	}
	p->type = GENAI_BLOB;
	p->modality = STR("audio");
	if (str_eq(format, STR("mp3")))
		p->mime = STR("audio/mpeg");
	else if (format.p != NULL)
		p->mime = arena_printf(w->c.arena, "audio/%.*s", STR_ARG(format));
	p->text = data;
}

/* {"image_url": {"url"}}, {"image_url": "url"} (Mistral), video_url alike */
static void part_url(struct genai_work *w, const struct json *j, const char *member, const char *modality,
		     struct genai_part *p)
{
	const struct json *at = json_get(j, member);
	struct str url = json_type(at) == JSON_STRING ? genai_str(w, at) : genai_prose(w, at, "url");

	if (url.p != NULL)
		genai_part_url(p, modality, url);
	else
		part_other(w, j, str_of(member), p);
}

static void part_text(struct genai_part *p, enum genai_part_type type, struct str text)
{
	p->type = type;
	p->text = text;
}

/* One element of a content array. false: nothing to show. */
static bool part_read(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	struct str type = genai_word(w, j, "type"), text;

	if (json_type(j) == JSON_STRING) {
		part_text(p, GENAI_TEXT, genai_str(w, j));
	} else if (str_eq(type, STR("text")) && json_type(json_get(j, "text")) == JSON_STRING) {
		part_text(p, GENAI_TEXT, genai_str(w, json_get(j, "text")));
	} else if (str_eq(type, STR("refusal")) && json_type(json_get(j, "refusal")) == JSON_STRING) {
		part_text(p, GENAI_TEXT, genai_str(w, json_get(j, "refusal")));
		p->name = STR("refusal");
	} else if (str_eq(type, STR("thinking")) && genai_join_texts(w, json_get(j, "thinking"), &text)) {
		part_text(p, GENAI_REASONING, text); /* Mistral */
	} else if (str_eq(type, STR("thinking")) && json_type(json_get(j, "thinking")) == JSON_STRING) {
		part_text(p, GENAI_REASONING, genai_str(w, json_get(j, "thinking"))); /* Cohere */
	} else if (str_eq(type, STR("image_url"))) {
		part_url(w, j, "image_url", "image", p);
	} else if (str_eq(type, STR("video_url"))) {
		part_url(w, j, "video_url", "video", p);
	} else if (str_eq(type, STR("input_audio"))) {
		part_audio(w, j, p);
	} else if (str_eq(type, STR("file"))) {
		part_file(w, j, p);
	} else {
		part_other(w, j, type, p);
	}
	return p->text.n > 0 || (p->type != GENAI_TEXT && p->type != GENAI_REASONING);
}

static void tool_call_read(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	const struct json *f = json_get(j, "function");
	const struct json *args = json_get(f, "arguments");

	p->type = GENAI_TOOL_CALL;
	p->id = genai_word(w, j, "id");
	if (f == NULL) { /* {"type": "custom", "custom": {"name", "input"}} */
		f = json_get(j, "custom");
		args = json_get(f, "input");
		p->name = genai_word(w, f, "name");
		p->value = genai_compact(w, args);
		return;
	}
	p->name = genai_word(w, f, "name");
	if (json_type(args) == JSON_STRING)
		p->value = genai_arguments(w, json_str(genai_scratch(w), args));
	else if (json_type(args) != JSON_NULL)
		p->value = genai_compact(w, args); /* an object, as some servers have it */
}

static void audio_read(struct genai_work *w, const struct json *audio, struct genai_message *m)
{
	struct str transcript = genai_prose(w, audio, "transcript"), data = genai_prose(w, audio, "data");

	if (transcript.p != NULL)
		part_text(&m->parts[m->count++], GENAI_TEXT, transcript);
	if (data.p != NULL) {
		struct genai_part *p = &m->parts[m->count++];

		part_text(p, GENAI_BLOB, data);
		p->modality = STR("audio");
	}
}

static void content_read(struct genai_work *w, const struct json *content, struct genai_message *m)
{
	if (json_type(content) == JSON_STRING) {
		struct str text = genai_str(w, content);

		if (text.n > 0)
			part_text(&m->parts[m->count++], GENAI_TEXT, text);
		return;
	}
	if (json_type(content) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(content); e; e = json_next(e)) {
		struct genai_part *p = &m->parts[m->count];

		if (part_read(w, e, p))
			m->count++;
		else
			*p = (struct genai_part){0};
	}
}

static size_t elements(const struct json *j)
{
	return json_type(j) == JSON_ARRAY ? json_count(j) : 0;
}

static void calls_read(struct genai_work *w, const struct json *j, struct genai_message *m)
{
	const struct json *calls = json_get(j, "tool_calls"), *legacy = json_get(j, "function_call");

	if (json_type(calls) == JSON_ARRAY)
		for (const struct json *e = json_first(calls); e; e = json_next(e))
			tool_call_read(w, e, &m->parts[m->count++]);
	if (json_type(legacy) == JSON_OBJECT) {
		struct genai_part *p = &m->parts[m->count++];

		p->type = GENAI_TOOL_CALL;
		p->name = genai_word(w, legacy, "name");
		p->value = genai_arguments(w, json_str(genai_scratch(w), json_get(legacy, "arguments")));
	}
}

/* DeepSeek, vLLM; OpenRouter, Groq; Ollama; Cohere. */
static struct str reasoning_get(struct genai_work *w, const struct json *j)
{
	static const char *const names[] = {"reasoning_content", "reasoning", "thinking", "tool_plan"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str s = genai_prose(w, j, names[i]);

		if (s.p != NULL)
			return s;
	}
	return STR_NONE;
}

/* Parts (OpenRouter), or bare base64 (Ollama). */
static void images_read(struct genai_work *w, const struct json *images, struct genai_message *m)
{
	if (json_type(images) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(images); e; e = json_next(e)) {
		struct genai_part *p = &m->parts[m->count];

		if (json_type(e) == JSON_STRING) {
			*p = (struct genai_part){
				.type = GENAI_BLOB, .modality = STR("image"), .text = genai_str(w, e)};
			m->count++;
		} else if (part_read(w, e, p)) {
			m->count++;
		} else {
			*p = (struct genai_part){0};
		}
	}
}

bool genai_openai_message(struct genai_work *w, const struct json *j, struct genai_message *m)
{
	const struct json *content = json_get(j, "content"), *images = json_get(j, "images");
	struct str reasoning = reasoning_get(w, j), refusal = genai_prose(w, j, "refusal");
	/* content or its elements, reasoning, refusal, legacy call, audio and its transcript, tool calls, images */
	size_t most = 8 + elements(content) + elements(json_get(j, "tool_calls")) + elements(images);

	m->role = genai_word(w, j, "role");
	m->name = genai_word(w, j, "name");
	m->parts = arena_alloc(w->c.arena, most * sizeof(*m->parts));
	if (m->parts == NULL)
		return false;
	if (reasoning.p != NULL)
		part_text(&m->parts[m->count++], GENAI_REASONING, reasoning);
	if (str_eq(m->role, STR("tool")) || str_eq(m->role, STR("function"))) {
		struct genai_part *p = &m->parts[m->count++];

		p->type = GENAI_TOOL_RESPONSE;
		p->id = genai_word(w, j, "tool_call_id");
		p->name = m->name.p ? m->name : genai_word(w, j, "tool_name"); /* Ollama */
		p->value = genai_result(w, content);
		m->role = STR("tool");
	} else {
		content_read(w, content, m);
	}
	if (refusal.p != NULL) {
		m->parts[m->count].name = STR("refusal");
		part_text(&m->parts[m->count++], GENAI_TEXT, refusal);
	}
	audio_read(w, json_get(j, "audio"), m);
	images_read(w, images, m);
	calls_read(w, j, m);
	genai_message_hash(w, m);
	return true;
}

void genai_openai_messages(struct genai_work *w, const struct json *messages)
{
	size_t n = genai_input_new(w, json_count(messages));

	for (const struct json *e = json_first(messages); e && w->c.input_count < n; e = json_next(e))
		if (!genai_openai_message(w, e, &w->c.input[w->c.input_count++]))
			return;
}

/* ---- tools ---- */

static void definition_write(struct jsonw *out, struct arena *scratch, const struct json *tool,
			     const struct json *f, const char *type)
{
	static const char *const kept[] = {"name", "description", "parameters"};

	jsonw_object(out);
	if (type)
		jsonw_z(jsonw_key(out, "type"), type);
	else
		jsonw_value(jsonw_key(out, "type"), scratch, json_get(tool, "type"));
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct json *v = json_get(f, kept[i]);

		if (json_type(v) != JSON_NONE && json_type(v) != JSON_NULL)
			jsonw_value(jsonw_key(out, kept[i]), scratch, v);
	}
	jsonw_object_end(out);
}

void genai_openai_tools(struct genai_work *w, const struct json *body)
{
	const struct json *tools = json_get(body, "tools"), *legacy = json_get(body, "functions");
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (elements(tools) == 0 && elements(legacy) == 0)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	if (elements(tools) > 0) {
		for (const struct json *e = json_first(tools); e; e = json_next(e)) {
			const struct json *f = json_get(e, "function");

			if (json_type(f) == JSON_OBJECT)
				definition_write(&out, scratch, e, f, "function");
			else if (json_type(json_get(e, "custom")) == JSON_OBJECT)
				definition_write(&out, scratch, e, json_get(e, "custom"), "custom");
			else if (json_type(json_get(e, "type")) == JSON_STRING)
				definition_write(&out, scratch, e, e, NULL);
		}
	} else {
		for (const struct json *e = json_first(legacy); e; e = json_next(e))
			definition_write(&out, scratch, e, e, "function");
	}
	jsonw_array_end(&out);
	if (!buf_err(b))
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

/* ---- the request ---- */

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *messages = json_get(body, "messages"), *model = json_get(body, "model");
	struct genai_call *c = &w->c;

	if (json_type(messages) != JSON_ARRAY && (json_type(messages) != JSON_NONE || w->whole))
		return false;
	if (json_type(model) > JSON_NULL && json_type(model) != JSON_STRING)
		return false;
	c->request_model = genai_word(w, body, "model");
	if (c->request_model.p == NULL)
		c->request_model = genai_word(w, body, "model_id"); /* watsonx */
	if (c->request_model.p == NULL)
		c->request_model = genai_route_model(w, c->path);
	if (!json_bool(json_get(body, "stream"), &c->stream))
		c->stream = str_ends(c->path, STR("/chat_stream")); /* watsonx */
	if (json_type(json_get(body, "agent_id")) == JSON_STRING)   /* Mistral: in place of a model */
		genai_param_add(w, "gen_ai.agent.id", json_get(body, "agent_id"));
	params_read(w, body);
	genai_openai_tools(w, body);
	if (json_type(messages) == JSON_ARRAY)
		genai_openai_messages(w, messages);
	return true;
}

/* ---- the answer ---- */

static struct str finish_otel(struct str word)
{
	static const struct genai_finish_row rows[] = {
		{"tool_calls", "tool_call"},
		{"function_call", "tool_call"},
		{"max_tokens", "length"},
		{"model_length", "length"},
		{"eos", "stop"},
		{"sensitive", "content_filter"},
		{"network_error", "error"},
		{"insufficient_system_resource", "error"},
	};

	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), word);
}

/* xAI counts reasoning beside completion_tokens, all others in it: the total tells. */
static void reasoning_add(struct genai_work *w, const struct json *usage)
{
	struct genai_usage *u = &w->c.usage;
	int64_t total = GENAI_UNKNOWN;

	genai_param_count(json_get(usage, "total_tokens"), &total);
	if (u->input == GENAI_UNKNOWN || u->output == GENAI_UNKNOWN || u->reasoning <= 0 ||
	    total < u->input || total - u->input < u->output)
		return;
	if (total - u->input - u->output == u->reasoning)
		u->output += u->reasoning;
}

void genai_openai_usage(struct genai_work *w, const struct json *usage)
{
	struct genai_usage *u = &w->c.usage;
	const struct json *in = json_get(usage, "prompt_tokens_details"),
			  *out = json_get(usage, "completion_tokens_details");

	if (json_type(usage) != JSON_OBJECT)
		return;
	genai_param_count(json_get(usage, "prompt_tokens"), &u->input);
	genai_param_count(json_get(usage, "completion_tokens"), &u->output);
	genai_param_count(json_get(usage, "prompt_cache_hit_tokens"),
			  &u->cache_read); /* DeepSeek, before it had details */
	genai_param_count(json_get(usage, "cached_tokens"), &u->cache_read); /* Moonshot */
	genai_param_count(json_get(in, "cached_tokens"), &u->cache_read);
	genai_param_count(json_get(in, "cache_write_tokens"), &u->cache_creation);
	genai_param_count(json_get(out, "reasoning_tokens"), &u->reasoning);
	genai_param_count(json_get(in, "audio_tokens"), &u->audio_input);
	genai_param_count(json_path(in, "cached_tokens_details", "audio_tokens", NULL), &u->audio_cache_read);
	genai_param_count(json_get(out, "audio_tokens"), &u->audio_output);
	reasoning_add(w, usage);
	genai_terms_usage(w, usage);
}

void genai_openai_head(struct genai_work *w, const struct json *body)
{
	struct genai_call *c = &w->c;

	if (c->response_id.p == NULL)
		c->response_id = genai_word(w, body, "id");
	if (c->response_model.p == NULL)
		c->response_model = genai_word(w, body, "model");
	genai_terms_read(w, body);
	if (!w->tier_told && json_type(json_get(body, "service_tier")) == JSON_STRING) {
		w->tier_told = true;
		genai_param_add(w, "openai.response.service_tier", json_get(body, "service_tier"));
	}
	if (!w->fingerprint_told && genai_word(w, body, "system_fingerprint").p != NULL) {
		w->fingerprint_told = true;
		genai_param_add(w, "openai.response.system_fingerprint",
				json_get(body, "system_fingerprint"));
	}
}

bool genai_openai_outputs(struct genai_work *w, uint32_t n)
{
	struct genai_call *c = &w->c;

	c->output = arena_alloc(c->arena, n * sizeof(*c->output));
	c->finish_reasons = arena_alloc(c->arena, n * sizeof(*c->finish_reasons));
	return c->output != NULL && c->finish_reasons != NULL;
}

void genai_openai_finish_add(struct genai_work *w, struct genai_message *m, struct str word)
{
	if (word.n == 0)
		return;
	m->finish = finish_otel(word);
	w->c.finish_reasons[w->c.finish_count++] = word;
}

/* Of an answer with a hole in its only choice, the finish reason stands behind the hole. */
static void finish_behind(struct genai_work *w, const struct json *choices)
{
	struct genai_call *c = &w->c;

	for (uint32_t i = 0; i < c->param_count; i++)
		if (strcmp(c->params[i].key, "gen_ai.request.choice.count") == 0)
			return;
	if (json_is_cut(choices) && c->output_count == 1 && c->finish_count == 0)
		genai_openai_finish_add(w, &c->output[0], genai_word(w, w->element, "finish_reason"));
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct json *choices = json_get(body, "choices");
	struct genai_call *c = &w->c;
	size_t n = elements(choices);

	genai_openai_head(w, body);
	genai_openai_usage(w, json_get(body, "usage"));
	if (n > GENAI_CHOICES_MAX) {
		w->omitted_pieces += (uint32_t)(n - GENAI_CHOICES_MAX);
		n = GENAI_CHOICES_MAX;
	}
	if (n > 0 && genai_openai_outputs(w, (uint32_t)n)) {
		const struct json *e = json_first(choices);

		for (; e && c->output_count < n; e = json_next(e)) {
			struct genai_message *m = &c->output[c->output_count++];

			if (!genai_openai_message(w, json_get(e, "message"), m))
				return;
			if (m->role.p == NULL) {
				m->role = STR("assistant");
				genai_message_hash(w, m);
			}
			struct str finish = genai_word(w, e, "finish_reason");

			/* Mistral's models on Bedrock say it so. */
			genai_openai_finish_add(w, m, finish.p ? finish : genai_word(w, e, "stop_reason"));
			if (json_type(json_get(e, "error")) == JSON_OBJECT) /* OpenRouter */
				genai_error_read(w, e);
		}
		finish_behind(w, choices);
	}
	if (json_type(json_get(body, "error")) > JSON_NULL || json_is(json_get(body, "object"), "error"))
		genai_error_read(w, body);
}

const struct genai_decoder genai_openai_chat = {
	.provider = "openai",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = genai_openai_event,
	.finish = genai_openai_join,
};
