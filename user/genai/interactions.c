/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Google's Interactions: POST /v1beta/interactions, of a model or of one of Google's agents. Input and answer are steps:
 * what the user said, what the model thought, said and asked for, what tools gave. Before May 2026 they were contents
 * ("outputs", content.delta), of which a turn has several; both are read by the same code. From the documentation at
 * ai.google.dev/gemini-api/docs and the types of google-genai 1.5x and 3.x.
 */
#include "genai/openai.h"

static const struct json *get(const struct json *j, const char *snake, const char *camel)
{
	const struct json *v = json_get(j, snake);

	return v ? v : json_get(j, camel);
}

/* ---- steps and contents ---- */

static struct str type_of(struct genai_work *w, const struct json *j)
{
	return json_get_str(genai_scratch(w), j, "type");
}

/* What people and models say alike; everything else the model made. The word, static; STR_NONE: it is none of them. */
static struct str content_type(struct str type)
{
	static const char *const types[] = {"text", "image", "audio", "video", "document", "file"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(type, str_of(types[i])))
			return str_of(types[i]);
	return STR_NONE;
}

static bool is_content(struct str type)
{
	return content_type(type).p != NULL;
}

/* {"type": "image", "data" | "uri", "mime_type"} */
static bool media_add(struct genai_work *w, struct genai_answer *to, int64_t index, struct str type,
		      const struct json *j)
{
	struct str uri = genai_prose(w, j, "uri"), data = genai_prose(w, j, "data");
	struct genai_part p = {.type = GENAI_BLOB, .text = data, .modality = type};

	p.mime = genai_word(w, j, json_get(j, "mime_type") ? "mime_type" : "mimeType");
	if (data.p == NULL) {
		p.type = GENAI_URI;
		p.text = uri;
	}
	if (p.text.p == NULL)
		return false;
	genai_answer_part(w, to, index, &p);
	return true;
}

/* {"type": "text", "text"}: the same of a step's content and of a delta. */
static bool content_add(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *j)
{
	struct arena *scratch = genai_scratch(w);
	struct str type = content_type(type_of(w, j));

	if (json_type(j) == JSON_STRING)
		return genai_answer_text(w, to, GENAI_TEXT, index, json_str(scratch, j));
	if (str_eq(type, STR("text")))
		return genai_answer_text(w, to, GENAI_TEXT, index, json_get_str(scratch, j, "text"));
	return type.p != NULL && media_add(w, to, index, type, j);
}

/* A step may hold many contents: each has an index of its own. */
static void contents_add(struct genai_work *w, struct genai_answer *to, int64_t *index,
			 const struct json *list)
{
	if (json_type(list) != JSON_ARRAY) {
		(void)content_add(w, to, (*index)++, list);
		return;
	}
	for (const struct json *e = json_first(list); e; e = json_next(e))
		(void)content_add(w, to, (*index)++, e);
}

static void summary_add(struct genai_work *w, struct genai_answer *to, int64_t *index,
			const struct json *summary)
{
	if (json_type(summary) == JSON_ARRAY)
		for (const struct json *e = json_first(summary); e; e = json_next(e))
			(void)genai_answer_text(w, to, GENAI_REASONING, (*index)++,
						json_get_str(genai_scratch(w), e, "text"));
}

/* The client's tool: {"type": "function_result", "call_id", "result": text | contents | object, "is_error"?} */
static void told_add(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *j)
{
	struct genai_part p = {
		.type = GENAI_TOOL_RESPONSE,
		.id = genai_word(w, j, json_get(j, "call_id") ? "call_id" : "callId"),
		.name = genai_word(w, j, "name"),
		.value = genai_result(w, json_get(j, "result")),
	};

	(void)json_bool(get(j, "is_error", "isError"), &p.is_error);
	genai_answer_part(w, to, index, &p);
}

/* Of what Google's own tools were given and gave; in a step or, piece by piece, in its deltas. */
static void server_more(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *j)
{
	const struct json *given = json_get(j, "arguments"), *gave = json_get(j, "result");

	if (json_type(given) == JSON_OBJECT)
		genai_answer_arguments(w, to, index, genai_compact(w, given));
	if (json_type(gave) == JSON_ARRAY)
		for (const struct json *e = json_first(gave); e; e = json_next(e))
			genai_answer_arguments(w, to, index, genai_compact(w, e));
	else if (json_type(gave) > JSON_NULL)
		genai_answer_arguments(w, to, index, genai_compact(w, gave));
}

/* google_search_call, code_execution_call, mcp_server_tool_call, ..., and X_result with what it gave. */
static void server_add(struct genai_work *w, struct genai_answer *to, int64_t index, struct str type,
		       const struct json *j)
{
	bool result = str_ends(type, STR("_result"));
	struct str name = genai_word(w, j, "name");
	size_t end = result ? sizeof("_result") - 1 : sizeof("_call") - 1;

	if (result)
		genai_answer_call(w, to, GENAI_SERVER_TOOL_RESPONSE, index,
				  genai_word(w, j, json_get(j, "call_id") ? "call_id" : "callId"), type);
	else
		genai_answer_call(w, to, GENAI_SERVER_TOOL_CALL, index, genai_word(w, j, "id"),
				  name.p ? name : str_head(type, type.n - end));
	server_more(w, to, index, j);
}

/* The client's tool that is asked for. A stream begins it with no arguments. */
static void call_add(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *j)
{
	const struct json *arguments = json_get(j, "arguments");

	genai_answer_call(w, to, GENAI_TOOL_CALL, index, genai_word(w, j, "id"), genai_word(w, j, "name"));
	if (json_type(arguments) == JSON_OBJECT)
		genai_answer_arguments(w, to, index,
				       json_count(arguments) > 0 ? genai_compact(w, arguments) : STR(""));
}

/* A step, or a content: as far as it is here. */
static void step_add(struct genai_work *w, struct genai_answer *to, int64_t *index, const struct json *j)
{
	struct str type = type_of(w, j);

	if (str_eq(type, STR("user_input")) || str_eq(type, STR("model_output")))
		contents_add(w, to, index, json_get(j, "content"));
	else if (str_eq(type, STR("thought")))
		summary_add(w, to, index, json_get(j, "summary"));
	else if (str_eq(type, STR("function_call")))
		call_add(w, to, (*index)++, j);
	else if (str_eq(type, STR("function_result")))
		told_add(w, to, (*index)++, j);
	else if (str_ends(type, STR("_call")) || str_ends(type, STR("_result")))
		server_add(w, to, (*index)++, arena_dup(w->c.arena, type), j);
	else if (type.n > 0 && !is_content(type))
		genai_answer_part(w, to, (*index)++,
				  &(struct genai_part){.type = GENAI_OTHER,
						       .name = arena_dup(w->c.arena, type),
						       .value = genai_compact(w, j)});
	else
		(void)content_add(w, to, (*index)++, j);
}

/* {"role", "content": text | contents}: as it was before there were steps. */
static void turn_contents_add(struct genai_work *w, struct genai_answer *to, int64_t *index,
			      const struct json *content)
{
	if (json_type(content) != JSON_ARRAY) {
		(void)content_add(w, to, (*index)++, content);
		return;
	}
	for (const struct json *e = json_first(content); e; e = json_next(e))
		step_add(w, to, index, e);
}

/* ---- the request ---- */

/* Messages out of steps: what the model did in a row is one, and so are contents in a row. */
struct turns {
	struct genai_message *messages;
	uint32_t count;
	struct genai_answer open; /* the message that the next element may go on with */
	struct str role;	  /* its; p NULL: none is open */
	int64_t index;
};

static void turn_end(struct genai_work *w, struct turns *t)
{
	struct genai_message *m = &t->messages[t->count];

	if (t->open.count > 0 && genai_answer_message(w, &t->open, m)) {
		bool results = true;

		for (uint32_t i = 0; i < m->count; i++)
			results &= m->parts[i].type == GENAI_TOOL_RESPONSE;
		m->role = results ? STR("tool") : t->role;
		genai_message_hash(w, m);
		t->count++;
	}
	t->open = (struct genai_answer){0};
	t->role = STR_NONE;
}

static struct str role_of(struct genai_work *w, const struct json *j, struct str type)
{
	struct str role = genai_word(w, j, "role");

	if (role.p != NULL)
		return str_eq(role, STR("model")) ? STR("assistant") : role;
	if (json_type(j) == JSON_STRING || str_eq(type, STR("user_input")) || is_content(type))
		return STR("user");
	return str_eq(type, STR("function_result")) ? STR("tool") : STR("assistant");
}

static void turn_add(struct genai_work *w, struct turns *t, const struct json *j)
{
	struct str type = type_of(w, j);
	struct str role = role_of(w, j, type);
	bool goes_on = str_eq(role, STR("assistant")) || is_content(type);

	if (!goes_on || !str_eq(role, t->role))
		turn_end(w, t);
	t->role = role;
	if (json_type(j) == JSON_STRING)
		(void)content_add(w, &t->open, t->index++, j);
	else if (type.n == 0)
		turn_contents_add(w, &t->open, &t->index, json_get(j, "content"));
	else
		step_add(w, &t->open, &t->index, j);
	if (!goes_on)
		turn_end(w, t);
}

static void input_read(struct genai_work *w, const struct json *input)
{
	bool list = json_type(input) == JSON_ARRAY;
	size_t n = list ? json_count(input) : 1;
	const struct json *e = list ? json_first(input) : input;
	struct turns t = {0};

	if (n > LIMIT_MESSAGES) {
		w->omitted_messages = (uint32_t)(n - LIMIT_MESSAGES);
		n = LIMIT_MESSAGES;
	}
	t.messages = n ? arena_alloc(w->c.arena, n * sizeof(*t.messages)) : NULL;
	if (t.messages == NULL)
		return;
	w->element_messages = arena_alloc(w->c.arena, n * sizeof(*w->element_messages));
	for (size_t i = 0; e && i < n; e = list ? json_next(e) : NULL, i++) {
		turn_add(w, &t, e);
		if (w->element_messages)
			w->element_messages[i] =
				(t.count + (t.open.count > 0)) | (t.role.p != NULL ? GENAI_ELEMENT_OPEN : 0);
	}
	turn_end(w, &t);
	w->c.input = t.messages;
	w->c.input_count = t.count;
}

static void output_type_read(struct genai_work *w, const struct json *body)
{
	static const char *const words[][2] = {
		{"text", "\"text\""}, {"image", "\"image\""}, {"audio", "\"speech\""}};
	const struct json *format = get(body, "response_format", "responseFormat"),
			  *modalities = get(body, "response_modalities", "responseModalities");
	const struct json *mime = get(body, "response_mime_type", "responseMimeType");

	if (mime == NULL)
		mime = get(format, "mime_type", "mimeType");
	if (json_is(mime, "application/json"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	if (json_type(modalities) != JSON_ARRAY || json_count(modalities) != 1)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_is(json_first(modalities), words[i][0]))
			genai_param_add_json(w, "gen_ai.output.type", str_of(words[i][1]));
}

static void params_read(struct genai_work *w, const struct json *body)
{
	static const struct {
		const char *snake, *camel, *key;
		enum json_type type;
	} rows[] = {
		{"temperature", "temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"top_p", "topP", "gen_ai.request.top_p", JSON_NUMBER},
		{"max_output_tokens", "maxOutputTokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"stop_sequences", "stopSequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{"seed", "seed", "gen_ai.request.seed", JSON_NUMBER},
		{"thinking_level", "thinkingLevel", "bottrace.request.reasoning_effort", JSON_STRING},
	};
	const struct json *config = get(body, "generation_config", "generationConfig");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct json *v = get(config, rows[i].snake, rows[i].camel);

		if (json_type(v) == rows[i].type)
			genai_param_add(w, rows[i].key, v);
	}
	if (json_type(json_get(body, "agent")) == JSON_STRING)
		genai_param_add(w, "gen_ai.agent.name", json_get(body, "agent"));
	if (json_type(json_get(body, "background")) == JSON_BOOL)
		genai_param_add(w, "bottrace.request.background", json_get(body, "background"));
	output_type_read(w, body);
}

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *input = json_get(body, "input"), *model = json_get(body, "model"),
			  *agent = json_get(body, "agent"),
			  *system = get(body, "system_instruction", "systemInstruction");
	struct genai_call *c = &w->c;

	if (w->whole && ((json_type(input) != JSON_STRING && json_type(input) < JSON_ARRAY) ||
			 (json_type(model) != JSON_STRING && json_type(agent) != JSON_STRING)))
		return false;
	c->request_model = genai_word(w, body, "model");
	c->previous_id = genai_word(w, body,
				    json_get(body, "previousInteractionId") ? "previousInteractionId"
									    : "previous_interaction_id");
	(void)json_bool(json_get(body, "stream"), &c->stream);
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

struct stream {
	struct genai_answer answer;
	struct str status; /* of the interaction, the last one told; p NULL: none */
	int64_t index;	   /* of the next step of a whole answer */
};

static struct stream *stream_get(struct genai_work *w)
{
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	return w->stream;
}

/* [{"modality": "audio", "tokens": n}] */
static void audio_read(const struct json *list, int64_t *out)
{
	if (json_type(list) == JSON_ARRAY)
		for (const struct json *e = json_first(list); e; e = json_next(e))
			if (json_is(json_get(e, "modality"), "audio"))
				genai_param_count(json_get(e, "tokens"), out);
}

static void count_read(const struct json *usage, const char *snake, const char *camel, int64_t *out)
{
	int64_t n = GENAI_UNKNOWN;

	genai_param_count(get(usage, snake, camel), &n);
	if (n != GENAI_UNKNOWN && n < INT64_MAX / 4)
		*out = n;
}

static int64_t sum(int64_t a, int64_t b)
{
	if (a == GENAI_UNKNOWN)
		return b;
	return b == GENAI_UNKNOWN ? a : a + b;
}

/* Thoughts and what tools put into the prompt are counted beside output and input. */
static void usage_read(struct genai_work *w, const struct json *j)
{
	struct genai_usage *u = &w->c.usage;
	int64_t input = GENAI_UNKNOWN, output = GENAI_UNKNOWN, tools = GENAI_UNKNOWN;

	if (json_type(j) != JSON_OBJECT || json_is_cut(j))
		return;
	count_read(j, "total_input_tokens", "totalInputTokens", &input);
	count_read(j, "total_output_tokens", "totalOutputTokens", &output);
	count_read(j, "total_tool_use_tokens", "totalToolUseTokens", &tools);
	count_read(j, "total_thought_tokens", "totalThoughtTokens", &u->reasoning);
	count_read(j, "total_cached_tokens", "totalCachedTokens", &u->cache_read);
	audio_read(get(j, "input_tokens_by_modality", "inputTokensByModality"), &u->audio_input);
	audio_read(get(j, "cached_tokens_by_modality", "cachedTokensByModality"), &u->audio_cache_read);
	audio_read(get(j, "output_tokens_by_modality", "outputTokensByModality"), &u->audio_output);
	u->input = sum(input, tools);
	u->output = sum(output, u->reasoning);
}

/* The Interaction, whole or as the events of a stream have it. */
static void head_read(struct genai_work *w, struct stream *s, const struct json *j)
{
	struct genai_call *c = &w->c;
	struct str status = genai_word(w, j, "status");

	if (c->response_id.p == NULL)
		c->response_id = genai_word(w, j, "id");
	if (c->response_model.p == NULL)
		c->response_model = genai_word(w, j, "model");
	if (status.p != NULL)
		s->status = status;
	usage_read(w, json_get(j, "usage"));
	genai_terms_class(w, GENAI_CLASS_TIER, genai_word(w, j, "service_tier"));
	if (json_type(json_get(j, "error")) == JSON_OBJECT)
		genai_error_read(w, j);
}

/* What the model did; what was said to it is not repeated. */
static void steps_read(struct genai_work *w, struct stream *s, const struct json *j)
{
	const struct json *steps = json_get(j, json_get(j, "steps") ? "steps" : "outputs");

	if (json_type(steps) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(steps); e; e = json_next(e))
		if (!json_is(json_get(e, "type"), "user_input") &&
		    !json_is(json_get(e, "type"), "function_result"))
			step_add(w, &s->answer, &s->index, e);
}

static void join(struct genai_work *w)
{
	static const struct genai_finish_row rows[] = {
		{"completed", "stop"}, {"requires_action", "tool_call"}, {"incomplete", "length"},
		{"failed", "error"},   {"cancelled", "error"},		 {"budget_exceeded", "length"},
	};
	struct stream *s = w->stream;
	struct str word = STR_NONE;

	if (s == NULL)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(s->status, str_of(rows[i].theirs)))
			word = str_of(rows[i].otel);
	if (str_eq(word, STR("stop")) && s->answer.called)
		word = STR("tool_call");
	/* Like Responses it has no word of its own for why the model stopped. */
	genai_answer_only(w, &s->answer, word, word);
}

static void response(struct genai_work *w, const struct json *body)
{
	struct stream *s = json_type(body) == JSON_OBJECT ? stream_get(w) : NULL;

	if (s == NULL)
		return;
	head_read(w, s, body);
	steps_read(w, s, body);
	join(w);
}

/* Returns whether content came. */
static bool delta_add(struct genai_work *w, struct stream *s, int64_t index, const struct json *delta)
{
	struct str type = type_of(w, delta);
	struct arena *scratch = genai_scratch(w);

	if (str_eq(type, STR("thought_summary")))
		return genai_answer_text(w, &s->answer, GENAI_REASONING, index,
					 json_get_str(scratch, json_get(delta, "content"), "text"));
	if (str_eq(type, STR("arguments_delta"))) {
		const char *member = json_get(delta, "arguments") ? "arguments" : "partial_arguments";

		genai_answer_arguments(w, &s->answer, index, json_get_str(scratch, delta, member));
		return true;
	}
	if (is_content(type))
		return content_add(w, &s->answer, index, delta);
	if (str_eq(type, STR("function_call"))) { /* of contents: whole */
		call_add(w, &s->answer, index, delta);
		return true;
	}
	if (str_ends(type, STR("_call")) || str_ends(type, STR("_result"))) {
		server_more(w, &s->answer, index, delta);
		return true;
	}
	return false; /* signatures, annotations */
}

/* An event's "index", times the contents that a step may begin with. */
static int64_t index_of(const struct json *j)
{
	int64_t index = 0;

	(void)json_i64(json_get(j, "index"), &index);
	return index < 0 || index > INT32_MAX ? 0 : index << 16;
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct stream *s = stream_get(w);
	struct str type = json_get_str(genai_scratch(w), j, "event_type");
	bool any = false;

	if (s == NULL || j == NULL)
		return false;
	if (type.n == 0)
		type = ev->event;
	int64_t index = index_of(j);
	const struct json *step = json_get(j, "step"), *interaction = json_get(j, "interaction");

	if (str_eq(type, STR("step.delta")) || str_eq(type, STR("content.delta"))) {
		any = delta_add(w, s, index, json_get(j, "delta"));
	} else if (json_type(step) == JSON_OBJECT) {
		step_add(w, &s->answer, &index, step);
		any = json_is(json_get(step, "type"), "function_call");
	} else if (json_type(interaction) == JSON_OBJECT) {
		head_read(w, s, interaction);
	} else if (json_type(json_get(j, "status")) == JSON_STRING) {
		s->status = genai_word(w, j, "status");
	} else if (json_type(json_get(j, "error")) == JSON_OBJECT) {
		genai_error_read(w, j);
	}
	if (any)
		genai_told_first(w, ev->ts_ns);
	if (str_starts(type, STR("interaction.complete"))) { /* once without the d */
		if (s->answer.count == 0)
			steps_read(w, s, interaction);
		return true;
	}
	return w->c.status == GENAI_ERROR;
}

const struct genai_decoder genai_interactions = {
	.provider = "gcp.gemini",
	.kind = GENAI_GENERATE_CONTENT,
	.operation = "generate_content",
	.history = "input",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
