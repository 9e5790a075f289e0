/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anthropic Messages, POST .../v1/messages. Here: request and whole answers. Streams: anthropic_stream.c.
 * The content of a message is a list of blocks, in requests and answers alike.
 */
#include "genai/anthropic.h"

#include "base/jsonw.h"

static const struct genai_param_map request_params[] = {
	{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
	{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
	{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
	{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
	{"stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
	{NULL, NULL, JSON_NONE},
};

/* ---- blocks ---- */

static void block_other(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	p->type = GENAI_OTHER;
	p->name = genai_word(w, j, "type");
	p->value = genai_compact(w, j);
}

/* image, document: {"source": {"type": "base64|url|file|text", ...}} */
static void block_media(struct genai_work *w, const struct json *j, const char *modality,
			struct genai_part *p)
{
	const struct json *source = json_get(j, "source"), *type = json_get(source, "type");
	struct str data = genai_prose(w, source, "data"), url = genai_word(w, source, "url"),
		   file = genai_word(w, source, "file_id");

	if (json_is(type, "base64") && data.p != NULL) {
		p->type = GENAI_BLOB;
		p->text = data;
	} else if (json_is(type, "url") && url.p != NULL) {
		p->type = GENAI_URI;
		p->text = url;
	} else if (json_is(type, "file") && file.p != NULL) {
		p->type = GENAI_FILE;
		p->text = file;
	} else if (json_is(type, "text") && data.p != NULL) {
		p->type = GENAI_TEXT;
		p->text = data;
		return;
	} else {
		block_other(w, j, p);
		return;
	}
	p->modality = str_of(modality);
	p->mime = genai_word(w, source, "media_type");
}

static void block_result(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	p->type = GENAI_TOOL_RESPONSE;
	p->id = genai_word(w, j, "tool_use_id");
	p->value = genai_result(w, json_get(j, "content"));
	(void)json_bool(json_get(j, "is_error"), &p->is_error);
}

/* Tools that the provider runs itself: the block's own JSON is the value. */
static void block_server(struct genai_work *w, const struct json *j, bool result, struct genai_part *p)
{
	p->type = result ? GENAI_SERVER_TOOL_RESPONSE : GENAI_SERVER_TOOL_CALL;
	p->id = genai_word(w, j, result ? "tool_use_id" : "id");
	p->name = genai_word(w, j, result ? "type" : "name");
	p->value = genai_compact(w, j);
}

bool genai_anthropic_block(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	struct str type = genai_word(w, j, "type");

	if (json_type(j) == JSON_STRING || str_eq(type, STR("text"))) {
		p->type = GENAI_TEXT;
		p->text = genai_str(w, json_type(j) == JSON_STRING ? j : json_get(j, "text"));
		return p->text.n > 0;
	}
	if (str_eq(type, STR("thinking"))) {
		p->type = GENAI_REASONING;
		p->text = genai_prose(w, j, "thinking");
		return p->text.n > 0;
	}
	if (str_eq(type, STR("tool_use"))) {
		p->type = GENAI_TOOL_CALL;
		p->id = genai_word(w, j, "id");
		p->name = genai_word(w, j, "name");
		p->value = genai_compact(w, json_get(j, "input"));
	} else if (str_eq(type, STR("tool_result"))) {
		block_result(w, j, p);
	} else if (str_eq(type, STR("image"))) {
		block_media(w, j, "image", p);
	} else if (str_eq(type, STR("document"))) {
		block_media(w, j, "document", p);
	} else if (str_eq(type, STR("server_tool_use")) || str_eq(type, STR("mcp_tool_use"))) {
		block_server(w, j, false, p);
	} else if (str_ends(type, STR("_tool_result"))) {
		block_server(w, j, true, p);
	} else {
		block_other(w, j, p);
	}
	return true;
}

static uint32_t blocks_read(struct genai_work *w, const struct json *content, struct genai_part **parts)
{
	size_t n = json_type(content) == JSON_ARRAY ? json_count(content) : 1;
	const struct json *e = json_type(content) == JSON_ARRAY ? json_first(content) : content;
	uint32_t count = 0;

	if (n == 0 || json_type(content) <= JSON_NULL)
		return 0;
	*parts = arena_alloc(w->c.arena, n * sizeof(**parts));
	if (*parts == NULL)
		return 0;
	for (size_t i = 0; e && i < n; i++) {
		if (genai_anthropic_block(w, e, &(*parts)[count]))
			count++;
		else
			(*parts)[count] = (struct genai_part){0};
		e = json_type(content) == JSON_ARRAY ? json_next(e) : NULL;
	}
	return count;
}

/* OpenTelemetry's role for a message of results only is tool. */
static bool is_results_only(const struct genai_message *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->parts[i].type != GENAI_TOOL_RESPONSE)
			return false;
	return m->count > 0;
}

static void message_read(struct genai_work *w, const struct json *j, struct genai_message *m)
{
	m->role = genai_word(w, j, "role");
	m->count = blocks_read(w, json_get(j, "content"), &m->parts);
	if (is_results_only(m))
		m->role = STR("tool");
	genai_message_hash(w, m);
}

static void messages_read(struct genai_work *w, const struct json *messages)
{
	size_t n = genai_input_new(w, json_count(messages));

	for (const struct json *e = json_first(messages); e && w->c.input_count < n; e = json_next(e))
		message_read(w, e, &w->c.input[w->c.input_count++]);
}

/* ---- tools ---- */

static void tools_read(struct genai_work *w, const struct json *tools)
{
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(tools) != JSON_ARRAY || json_count(tools) == 0)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (const struct json *e = json_first(tools); e; e = json_next(e)) {
		const struct json *type = json_get(e, "type"), *schema = json_get(e, "input_schema"),
				  *about = json_get(e, "description");

		if (json_type(e) != JSON_OBJECT)
			continue;
		jsonw_object(&out);
		/* The provider's own tools have a dated type; those of the caller have none, or "custom". */
		if (json_type(type) == JSON_STRING && !json_is(type, "custom"))
			jsonw_value(jsonw_key(&out, "type"), scratch, type);
		else
			jsonw_z(jsonw_key(&out, "type"), "function");
		if (json_type(json_get(e, "name")) == JSON_STRING)
			jsonw_value(jsonw_key(&out, "name"), scratch, json_get(e, "name"));
		if (json_type(about) == JSON_STRING)
			jsonw_value(jsonw_key(&out, "description"), scratch, about);
		if (json_type(schema) > JSON_NULL)
			jsonw_value(jsonw_key(&out, "parameters"), scratch, schema);
		jsonw_object_end(&out);
	}
	jsonw_array_end(&out);
	if (!buf_err(b))
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

/* ---- request and answer ---- */

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *messages = json_get(body, "messages"), *model = json_get(body, "model");
	struct genai_call *c = &w->c;

	if (json_type(messages) != JSON_ARRAY && (json_type(messages) != JSON_NONE || w->whole))
		return false;
	/* Bedrock and Vertex have the model in the path, and the version in the body. */
	if (json_type(model) != JSON_STRING && (json_type(model) != JSON_NONE || w->whole) &&
	    json_type(json_get(body, "anthropic_version")) != JSON_STRING)
		return false;
	c->request_model = genai_word(w, body, "model");
	if (c->request_model.p == NULL)
		c->request_model = genai_route_model(w, c->path);
	if (str_ends(c->path, STR(":streamRawPredict")))
		c->stream = true;
	(void)json_bool(json_get(body, "stream"), &c->stream);
	genai_param_read(w, body, request_params);
	genai_param_add(w, "bottrace.request.reasoning_effort",
			json_path(body, "output_config", "effort", NULL));
	if (json_type(json_path(body, "output_config", "format", NULL)) == JSON_OBJECT)
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	tools_read(w, json_get(body, "tools"));
	c->system_count = blocks_read(w, json_get(body, "system"), &c->system);
	if (json_type(messages) == JSON_ARRAY)
		messages_read(w, messages);
	return true;
}

static struct str finish_otel(struct str word)
{
	static const struct genai_finish_row rows[] = {
		{"end_turn", "stop"},	   {"stop_sequence", "stop"},
		{"pause_turn", "stop"},	   {"compaction", "stop"},
		{"max_tokens", "length"},  {"model_context_window_exceeded", "length"},
		{"tool_use", "tool_call"}, {"refusal", "content_filter"},
	};

	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), word);
}

void genai_anthropic_usage(struct genai_work *w, struct genai_anthropic_counts *n, const struct json *usage)
{
	genai_param_count(json_get(usage, "input_tokens"), &n->fresh);
	genai_param_count(json_get(usage, "output_tokens"), &n->output);
	genai_param_count(json_get(usage, "cache_read_input_tokens"), &n->cache_read);
	genai_param_count(json_get(usage, "cache_creation_input_tokens"), &n->cache_creation);
	genai_param_count(json_path(usage, "output_tokens_details", "thinking_tokens", NULL), &n->reasoning);
	genai_param_count(json_path(usage, "cache_creation", "ephemeral_1h_input_tokens", NULL),
			  &n->cache_creation_1h);
	genai_terms_class(w, GENAI_CLASS_TIER, genai_word(w, usage, "service_tier"));
	genai_terms_class(w, GENAI_CLASS_SPEED, genai_word(w, usage, "speed"));
	genai_terms_class(w, GENAI_CLASS_REGION, genai_word(w, usage, "inference_geo"));
	genai_terms_usage(w, usage);
}

void genai_anthropic_sum(struct genai_work *w, const struct genai_anthropic_counts *n)
{
	struct genai_usage *u = &w->c.usage;
	int64_t sum = n->fresh;

	u->output = n->output;
	u->cache_read = n->cache_read;
	u->cache_creation = n->cache_creation;
	u->cache_creation_1h = n->cache_creation_1h;
	u->reasoning = n->reasoning;
	if (n->fresh == GENAI_UNKNOWN)
		return;
	if (n->cache_read > 0 && __builtin_add_overflow(sum, n->cache_read, &sum))
		return;
	if (n->cache_creation > 0 && __builtin_add_overflow(sum, n->cache_creation, &sum))
		return;
	u->input = sum;
}

bool genai_anthropic_output(struct genai_work *w)
{
	struct genai_call *c = &w->c;

	c->output = arena_alloc(c->arena, sizeof(*c->output));
	c->finish_reasons = arena_alloc(c->arena, sizeof(*c->finish_reasons));
	if (c->output == NULL || c->finish_reasons == NULL)
		return false;
	c->output_count = 1;
	return true;
}

void genai_anthropic_stop(struct genai_work *w, struct str word)
{
	if (word.n == 0)
		return;
	w->c.output[0].finish = finish_otel(word);
	w->c.finish_reasons[0] = word;
	w->c.finish_count = 1;
}

static void response(struct genai_work *w, const struct json *body)
{
	struct genai_anthropic_counts n = GENAI_ANTHROPIC_COUNTS;
	struct genai_call *c = &w->c;

	if (json_is(json_get(body, "type"), "error") || json_type(json_get(body, "error")) > JSON_NULL) {
		genai_error_read(w, body);
		return;
	}
	c->response_id = genai_word(w, body, "id");
	c->response_model = genai_word(w, body, "model");
	genai_anthropic_usage(w, &n, json_get(body, "usage"));
	if (json_is_cut(json_get(body, "usage")))
		n.fresh = GENAI_UNKNOWN; /* what the cache read may not be here, and is a part of the sum */
	genai_anthropic_sum(w, &n);
	struct str stop = genai_word(w, body, "stop_reason");
	bool torn = c->x->response.torn && stop.p != NULL; /* its content may stand in the hole */

	if ((json_type(json_get(body, "content")) != JSON_ARRAY && !torn) || !genai_anthropic_output(w))
		return;
	message_read(w, body, &c->output[0]);
	if (c->output[0].role.p == NULL) {
		c->output[0].role = STR("assistant");
		genai_message_hash(w, &c->output[0]);
	}
	genai_anthropic_stop(w, stop);
}

const struct genai_decoder genai_anthropic_messages = {
	.provider = "anthropic",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = genai_anthropic_event,
	.finish = genai_anthropic_join,
};
