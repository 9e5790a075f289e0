/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bedrock's Converse and ConverseStream: POST /model/{model}/converse[-stream]. A stream is AWS's event stream:
 * messageStart, contentBlockStart, contentBlockDelta, contentBlockStop, messageStop, metadata; or an exception.
 */
#include "genai/bedrock.h"

#include "base/jsonw.h"

/* ---- messages ---- */

/* {"source": {"bytes" | "s3Location": {"uri"}}, "format"} */
static void part_media(struct genai_work *w, const struct json *j, const char *modality, struct genai_part *p)
{
	static const struct {
		const char *format, *mime;
	} documents[] = {{"pdf", "application/pdf"},
			 {"html", "text/html"},
			 {"csv", "text/csv"},
			 {"txt", "text/plain"},
			 {"md", "text/markdown"}};
	const struct json *source = json_get(j, "source");
	struct str bytes = genai_prose(w, source, "bytes"),
		   uri = genai_prose(w, json_get(source, "s3Location"), "uri");
	struct str format = genai_word(w, j, "format");

	p->modality = str_of(modality);
	p->type = bytes.p ? GENAI_BLOB : GENAI_URI;
	p->text = bytes.p ? bytes : uri;
	if (format.p == NULL)
		return;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (str_eq(format, str_of(documents[i].format)))
			p->mime = str_of(documents[i].mime);
	if (p->mime.p == NULL && strcmp(modality, "document") != 0)
		p->mime = arena_printf(w->c.arena, "%s/%.*s", modality, STR_ARG(format));
}

/* [{"text"}, {"json"}, ...]: texts joined, one JSON as it is, else the list. */
static struct str result_read(struct genai_work *w, const struct json *content)
{
	const struct json *only = json_count(content) == 1 ? json_at(content, 0) : NULL;

	if (json_type(json_get(only, "json")) > JSON_NULL)
		return genai_compact(w, json_get(only, "json"));
	return genai_result(w, content);
}

static struct str reasoning_text(struct genai_work *w, const struct json *reasoning)
{
	struct str text = genai_prose(w, json_get(reasoning, "reasoningText"), "text");

	return text.p ? text : genai_prose(w, reasoning, "text");
}

/* Nova runs some tools itself. */
static enum genai_part_type call_type(const struct json *use)
{
	return json_is(json_get(use, "type"), "server_tool_use") ? GENAI_SERVER_TOOL_CALL : GENAI_TOOL_CALL;
}

static bool part_read(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	const struct json *text = json_get(j, "text"), *use = json_get(j, "toolUse"),
			  *result = json_get(j, "toolResult"), *reasoning = json_get(j, "reasoningContent");

	*p = (struct genai_part){0};
	if (json_type(text) == JSON_STRING) {
		p->type = GENAI_TEXT;
		p->text = genai_str(w, text);
		return p->text.n > 0;
	}
	if (json_type(use) == JSON_OBJECT) {
		p->type = call_type(use);
		p->id = genai_word(w, use, "toolUseId");
		p->name = genai_word(w, use, "name");
		p->value = genai_compact(w, json_get(use, "input"));
		if (p->type == GENAI_SERVER_TOOL_CALL)
			p->value = genai_server_call(w, p->name, p->value);
	} else if (json_type(result) == JSON_OBJECT) {
		/* The system's own tools answer within the assistant's message, and name the kind. */
		p->type = json_get(result, "type") ? GENAI_SERVER_TOOL_RESPONSE : GENAI_TOOL_RESPONSE;
		p->id = genai_word(w, result, "toolUseId");
		p->is_error = json_is(json_get(result, "status"), "error");
		if (p->type == GENAI_TOOL_RESPONSE) {
			p->value = result_read(w, json_get(result, "content"));
		} else {
			p->name = genai_word(w, result, "type");
			p->value = genai_server_result(w, p->name,
						       genai_compact(w, json_get(result, "content")));
		}
	} else if (json_type(reasoning) == JSON_OBJECT) {
		p->type = GENAI_REASONING;
		p->text = reasoning_text(w, reasoning);
		return p->text.n > 0;
	} else if (json_type(json_get(j, "image")) == JSON_OBJECT) {
		part_media(w, json_get(j, "image"), "image", p);
	} else if (json_type(json_get(j, "video")) == JSON_OBJECT) {
		part_media(w, json_get(j, "video"), "video", p);
	} else if (json_type(json_get(j, "document")) == JSON_OBJECT) {
		part_media(w, json_get(j, "document"), "document", p);
	} else {
		/* {"cachePoint": {...}} is a mark, no content. */
		if (json_first(j) == NULL || json_get(j, "cachePoint") != NULL)
			return false;
		p->type = GENAI_OTHER;
		p->name = arena_dup(w->c.arena, json_key(genai_scratch(w), json_first(j)));
		p->value = genai_compact(w, j);
	}
	return true;
}

static bool content_read(struct genai_work *w, const struct json *content, struct genai_message *m)
{
	size_t n = json_type(content) == JSON_ARRAY ? json_count(content) : 0;
	bool results = n > 0;

	m->parts = arena_alloc(w->c.arena, (n ? n : 1) * sizeof(*m->parts));
	if (m->parts == NULL)
		return false;
	for (const struct json *e = n ? json_first(content) : NULL; e; e = json_next(e))
		if (part_read(w, e, &m->parts[m->count])) {
			results &= m->parts[m->count].type == GENAI_TOOL_RESPONSE;
			m->count++;
		}
	if (results && m->count > 0)
		m->role = STR("tool");
	genai_message_hash(w, m);
	return true;
}

static void messages_read(struct genai_work *w, const struct json *messages)
{
	size_t n = genai_input_new(w, json_count(messages));

	for (const struct json *e = json_first(messages); e && w->c.input_count < n; e = json_next(e)) {
		struct genai_message *m = &w->c.input[w->c.input_count++];

		*m = (struct genai_message){.role = genai_word(w, e, "role")};
		if (!content_read(w, json_get(e, "content"), m))
			return;
	}
}

/* ---- the request ---- */

static void tools_read(struct genai_work *w, const struct json *tools)
{
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(tools) != JSON_ARRAY || json_count(tools) == 0)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (const struct json *e = json_first(tools); e; e = json_next(e)) {
		const struct json *spec = json_get(e, "toolSpec");
		const struct json *schema = json_path(spec, "inputSchema", "json", NULL);

		if (json_type(spec) != JSON_OBJECT)
			continue; /* a cache point, or a tool of the system's */
		genai_function_write(w, &out, spec, schema);
	}
	jsonw_array_end(&out);
	if (!buf_err(b))
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

static bool request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"topP", "gen_ai.request.top_p", JSON_NUMBER},
		{"topK", "gen_ai.request.top_k", JSON_NUMBER},
		{"maxTokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"max_new_tokens", "gen_ai.request.max_tokens", JSON_NUMBER}, /* Nova, before */
		{"stopSequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *messages = json_get(body, "messages"), *system = json_get(body, "system");
	struct genai_call *c = &w->c;
	struct genai_message m = {0};

	if (json_type(messages) != JSON_ARRAY && (json_type(messages) != JSON_NONE || w->whole))
		return false;
	c->request_model = genai_route_model(w, c->path);
	c->stream = str_ends(c->path, STR("/converse-stream"));
	genai_param_read(w, json_get(body, "inferenceConfig"), params);
	tools_read(w, json_path(body, "toolConfig", "tools", NULL));
	if (json_type(system) == JSON_ARRAY && content_read(w, system, &m)) {
		c->system = m.parts;
		c->system_count = m.count;
	}
	if (json_type(messages) == JSON_ARRAY)
		messages_read(w, messages);
	return true;
}

/* ---- the answer ---- */

static struct str finish_otel(struct str theirs)
{
	static const struct genai_finish_row rows[] = {
		{"end_turn", "stop"},
		{"stop_sequence", "stop"},
		{"tool_use", "tool_call"},
		{"max_tokens", "length"},
		{"model_context_window_exceeded", "length"},
		{"guardrail_intervened", "content_filter"},
		{"content_filtered", "content_filter"},
		{"malformed_model_output", "error"},
		{"malformed_tool_use", "error"},
	};

	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), theirs);
}

/* [{"ttl": "5m" | "1h", "inputTokens": n}] */
static void hour_read(struct genai_usage *u, const struct json *details)
{
	int64_t n, sum = 0;

	if (json_type(details) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(details); e; e = json_next(e))
		if (json_is(json_get(e, "ttl"), "1h") && json_i64(json_get(e, "inputTokens"), &n) && n >= 0 &&
		    n < INT64_MAX / 4)
			sum = n;
	u->cache_creation_1h = sum;
}

/* The answer's, or its last event's. */
static void terms_read(struct genai_work *w, const struct json *j)
{
	genai_terms_class(w, GENAI_CLASS_TIER, genai_word(w, json_get(j, "serviceTier"), "type"));
	genai_terms_class(w, GENAI_CLASS_SPEED, genai_word(w, json_get(j, "performanceConfig"), "latency"));
}

/* inputTokens leaves out what was read from a cache or written to it. */
static void usage_read(struct genai_work *w, const struct json *usage)
{
	struct genai_usage *u = &w->c.usage;

	if (json_type(usage) != JSON_OBJECT || json_is_cut(usage)) /* of a sum, a part says nothing */
		return;
	genai_param_count(json_get(usage, "inputTokens"), &u->input);
	genai_param_count(json_get(usage, "outputTokens"), &u->output);
	genai_param_count(json_get(usage, "cacheReadInputTokens"), &u->cache_read);
	genai_param_count(json_get(usage, "cacheWriteInputTokens"), &u->cache_creation);
	/* Nova's own, through InvokeModel */
	genai_param_count(json_get(usage, "cacheReadInputTokenCount"), &u->cache_read);
	genai_param_count(json_get(usage, "cacheWriteInputTokenCount"), &u->cache_creation);
	hour_read(u, json_get(usage, "cacheDetails"));
	if (u->input == GENAI_UNKNOWN)
		return;
	u->input += u->cache_read != GENAI_UNKNOWN ? u->cache_read : 0;
	u->input += u->cache_creation != GENAI_UNKNOWN ? u->cache_creation : 0;
}

static void join(struct genai_work *w)
{
	genai_single_join(w, finish_otel);
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct json *content = json_path(body, "output", "message", "content", NULL);
	struct genai_single *s = genai_single_get(w);
	struct genai_part p;

	usage_read(w, json_get(body, "usage"));
	terms_read(w, body);
	if (s == NULL)
		return;
	int64_t index = 0;

	if (json_type(content) == JSON_ARRAY)
		for (const struct json *e = json_first(content); e; e = json_next(e), index++)
			if (part_read(w, e, &p))
				genai_answer_part(w, &s->answer, index, &p);
	s->finish = genai_word(w, body, "stopReason");
	join(w);
}

/* ---- the stream ---- */

/* A tool of the system's answers within the answer: {"start": {"toolResult": {...}}}, then its content, whole. */
static void result_begin(struct genai_work *w, struct genai_single *s, int64_t index,
			 const struct json *result)
{
	struct genai_part p = {.type = GENAI_SERVER_TOOL_RESPONSE,
			       .id = genai_word(w, result, "toolUseId"),
			       .name = genai_word(w, result, "type"),
			       .is_error = json_is(json_get(result, "status"), "error")};

	genai_answer_part(w, &s->answer, index, &p);
}

/* {"contentBlockIndex", "delta": {"text" | "toolUse": {"input"} | "reasoningContent": {"text"}}} */
static bool delta_add(struct genai_work *w, struct genai_single *s, int64_t index, const struct json *delta)
{
	struct arena *scratch = genai_scratch(w);
	const struct json *use = json_get(delta, "toolUse"), *result = json_get(delta, "toolResult");

	if (json_type(result) == JSON_ARRAY) {
		for (const struct json *e = json_first(result); e; e = json_next(e))
			genai_answer_arguments(w, &s->answer, index, genai_compact(w, e));
		return true;
	}
	if (json_type(use) == JSON_OBJECT) {
		genai_answer_arguments(w, &s->answer, index, json_get_str(scratch, use, "input"));
		return true;
	}
	if (json_type(json_get(delta, "reasoningContent")) == JSON_OBJECT)
		return genai_answer_text(w, &s->answer, GENAI_REASONING, index,
					 json_get_str(scratch, json_get(delta, "reasoningContent"), "text"));
	return genai_answer_text(w, &s->answer, GENAI_TEXT, index, json_get_str(scratch, delta, "text"));
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct genai_single *s = genai_single_get(w);
	int64_t index = 0;

	if (ev->exception) {
		genai_bedrock_exception(w, ev, j);
		return true;
	}
	if (s == NULL || j == NULL)
		return false;
	(void)json_i64(json_get(j, "contentBlockIndex"), &index);
	if (str_eq(ev->event, STR("contentBlockDelta"))) {
		if (delta_add(w, s, index, json_get(j, "delta")))
			genai_told_first(w, ev->ts_ns);
	} else if (str_eq(ev->event, STR("contentBlockStart"))) {
		const struct json *use = json_path(j, "start", "toolUse", NULL),
				  *result = json_path(j, "start", "toolResult", NULL);

		if (json_type(result) == JSON_OBJECT)
			result_begin(w, s, index, result);
		if (json_type(use) == JSON_OBJECT) {
			genai_answer_call(w, &s->answer, call_type(use), index,
					  genai_word(w, use, "toolUseId"), genai_word(w, use, "name"));
			genai_answer_arguments(w, &s->answer, index, STR(""));
			genai_told_first(w, ev->ts_ns);
		}
	} else if (str_eq(ev->event, STR("messageStop"))) {
		s->finish = genai_word(w, j, "stopReason");
		w->finished = s->finish.p != NULL;
	} else if (str_eq(ev->event, STR("metadata"))) {
		usage_read(w, json_get(j, "usage"));
		terms_read(w, j);
		return w->finished; /* it comes last */
	}
	return false;
}

const struct genai_decoder genai_bedrock_converse = {
	.provider = "aws.bedrock",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
