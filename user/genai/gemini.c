/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Google's generateContent and streamGenerateContent, of Gemini (generativelanguage) and Vertex (aiplatform). A stream is
 * server-sent events, or without alt=sse one JSON array; a chunk has the shape of a whole answer, so both are read by
 * the same code. Names come in camel and in snake case, enums as words or (Vertex's gax clients) as numbers.
 */
#include "genai/decoder.h"

#include "base/jsonw.h"

static struct str word(struct genai_work *w, const struct json *j)
{
	if (json_type(j) != JSON_STRING || json_is_cut(j))
		return STR_NONE;
	struct str s = genai_str(w, j);

	return s.n > 0 ? s : STR_NONE;
}

/* ---- parts ---- */

static void part_blob(struct genai_work *w, const struct json *blob, struct genai_part *p)
{
	struct str mime = word(w, json_get_either(blob, "mimeType", "mime_type"));

	p->type = GENAI_BLOB;
	p->text = genai_prose(w, blob, "data");
	p->mime = mime;
	p->modality = str_starts(mime, STR("image/"))	? STR("image")
		      : str_starts(mime, STR("audio/")) ? STR("audio")
		      : str_starts(mime, STR("video/")) ? STR("video")
							: STR("document");
}

static void part_call(struct genai_work *w, const struct json *call, struct genai_part *p)
{
	const struct json *args = json_get(call, "args");

	p->type = GENAI_TOOL_CALL;
	p->id = genai_word(w, call, "id");
	p->name = genai_word(w, call, "name");
	p->value = json_type(args) > JSON_NULL ? genai_compact(w, args) : STR("{}");
}

static bool part_read(struct genai_work *w, const struct json *j, struct genai_part *p)
{
	const struct json *text = json_get(j, "text"),
			  *call = json_get_either(j, "functionCall", "function_call"),
			  *told = json_get_either(j, "functionResponse", "function_response"),
			  *blob = json_get_either(j, "inlineData", "inline_data"),
			  *file = json_get_either(j, "fileData", "file_data");
	bool thought = false;

	*p = (struct genai_part){0};
	(void)json_bool(json_get(j, "thought"), &thought);
	if (json_type(text) == JSON_STRING) {
		p->type = thought ? GENAI_REASONING : GENAI_TEXT;
		p->text = genai_str(w, text);
		return p->text.n > 0;
	}
	if (json_type(call) == JSON_OBJECT) {
		part_call(w, call, p);
	} else if (json_type(told) == JSON_OBJECT) {
		p->type = GENAI_TOOL_RESPONSE;
		p->id = genai_word(w, told, "id");
		p->name = genai_word(w, told, "name");
		p->value = genai_compact(w, json_get(told, "response"));
	} else if (json_type(blob) == JSON_OBJECT) {
		part_blob(w, blob, p);
	} else if (json_type(file) == JSON_OBJECT) {
		part_blob(w, file, p);
		p->type = GENAI_URI;
		p->text = word(w, json_get_either(file, "fileUri", "file_uri"));
	} else {
		const struct json *only = json_first(j);

		/* {"executableCode": {...}}, {"codeExecutionResult": {...}}, {"thoughtSignature": "..."} */
		if (json_type(only) != JSON_OBJECT)
			return false;
		p->type = GENAI_OTHER;
		p->name = arena_dup(w->c.arena, json_key(genai_scratch(w), only));
		p->value = genai_compact(w, j);
	}
	return true;
}

static struct str role_of(struct str theirs)
{
	if (str_eq(theirs, STR("model")))
		return STR("assistant");
	if (str_eq(theirs, STR("function")))
		return STR("tool");
	return theirs.p ? theirs : STR("user");
}

/* {"role", "parts"}. Results of tools come in a user's name, or the function's. */
static bool content_read(struct genai_work *w, const struct json *j, struct genai_message *m)
{
	const struct json *parts = json_get(j, "parts");
	size_t n = json_type(parts) == JSON_ARRAY ? json_count(parts) : json_type(parts) == JSON_OBJECT;
	const struct json *e = json_type(parts) == JSON_OBJECT ? parts : json_first(parts);
	bool results = n > 0;

	*m = (struct genai_message){.role = role_of(genai_word(w, j, "role"))};
	m->parts = arena_alloc(w->c.arena, (n ? n : 1) * sizeof(*m->parts));
	if (m->parts == NULL)
		return false;
	for (size_t i = 0; e && i < n; e = json_next(e), i++) {
		struct genai_part *p = &m->parts[m->count];

		if (!part_read(w, e, p))
			continue;
		results &= p->type == GENAI_TOOL_RESPONSE;
		m->count++;
	}
	if (results && m->count > 0)
		m->role = STR("tool");
	genai_message_hash(w, m);
	return true;
}

/* ---- the request ---- */

static void tools_read(struct genai_work *w, const struct json *tools)
{
	static const char *const kept[][3] = {
		{"name", "name", "name"},
		{"description", "description", "description"},
		{"parameters", "parameters", "parameters"},
		{"parametersJsonSchema", "parameters_json_schema", "parameters"}};
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(tools) == JSON_NONE || json_type(tools) == JSON_NULL)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (const struct json *t = json_type(tools) == JSON_OBJECT ? tools : json_first(tools); t;
	     t = t == tools ? NULL : json_next(t)) {
		const struct json *list = json_get_either(t, "functionDeclarations", "function_declarations");

		if (json_type(list) != JSON_ARRAY) { /* {"googleSearch": {}} */
			jsonw_object(&out);
			jsonw_str(jsonw_key(&out, "type"), json_key(scratch, json_first(t)));
			jsonw_object_end(&out);
			continue;
		}
		for (const struct json *f = json_first(list); f; f = json_next(f)) {
			jsonw_object(&out);
			jsonw_z(jsonw_key(&out, "type"), "function");
			for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
				if (json_type(json_get_either(f, kept[i][0], kept[i][1])) > JSON_NULL)
					jsonw_value(jsonw_key(&out, kept[i][2]), scratch,
						    json_get_either(f, kept[i][0], kept[i][1]));
			jsonw_object_end(&out);
		}
	}
	jsonw_array_end(&out);
	if (!buf_err(b))
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

/* The only kind of output that was asked for; several are no one type. */
static void modality_read(struct genai_work *w, const struct json *j)
{
	static const struct {
		const char *word, *json;
		int64_t number; /* google.cloud.aiplatform.v1.GenerationConfig.Modality */
	} rows[] = {{"TEXT", "\"text\"", 1}, {"IMAGE", "\"image\"", 2}, {"AUDIO", "\"speech\"", 3}};
	int64_t n = 0;

	(void)json_i64(j, &n);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_is(j, rows[i].word) || n == rows[i].number)
			genai_param_add_json(w, "gen_ai.output.type", str_of(rows[i].json));
}

static void params_read(struct genai_work *w, const struct json *config)
{
	static const struct {
		const char *camel, *snake, *key;
		enum json_type type;
	} rows[] = {
		{"temperature", "temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"topP", "top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"topK", "top_k", "gen_ai.request.top_k", JSON_NUMBER},
		{"maxOutputTokens", "max_output_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"stopSequences", "stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{"frequencyPenalty", "frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"presencePenalty", "presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"seed", "seed", "gen_ai.request.seed", JSON_NUMBER},
	};
	const struct json *mime = json_get_either(config, "responseMimeType", "response_mime_type"),
			  *modalities = json_get_either(config, "responseModalities", "response_modalities"),
			  *count = json_get_either(config, "candidateCount", "candidate_count");
	int64_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct json *v = json_get_either(config, rows[i].camel, rows[i].snake);

		if (json_type(v) == rows[i].type)
			genai_param_add(w, rows[i].key, v);
	}
	if (json_i64(count, &n) && n != 1)
		genai_param_add(w, "gen_ai.request.choice.count", count);
	if (json_is(mime, "application/json"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"json\""));
	else if (json_is(mime, "text/plain"))
		genai_param_add_json(w, "gen_ai.output.type", STR("\"text\""));
	else if (json_type(modalities) == JSON_ARRAY && json_count(modalities) == 1)
		modality_read(w, json_first(modalities));
}

static void contents_read(struct genai_work *w, const struct json *contents)
{
	size_t n = json_type(contents) == JSON_OBJECT ? 1 : json_count(contents);
	const struct json *e = json_type(contents) == JSON_OBJECT ? contents : json_first(contents);

	n = genai_input_new(w, n);
	for (; e && w->c.input_count < n; e = json_next(e))
		if (!content_read(w, e, &w->c.input[w->c.input_count++]))
			return;
}

static bool request(struct genai_work *w, const struct json *body)
{
	const struct json *contents = json_get(body, "contents"),
			  *system = json_get_either(body, "systemInstruction", "system_instruction");
	struct genai_call *c = &w->c;
	struct genai_message m;

	if (json_type(contents) != JSON_ARRAY && json_type(contents) != JSON_OBJECT &&
	    (json_type(contents) != JSON_NONE || w->whole))
		return false;
	c->request_model = genai_route_model(w, c->path);
	c->stream = str_ends(c->path, STR(":streamGenerateContent"));
	params_read(w, json_get_either(body, "generationConfig", "generation_config"));
	tools_read(w, json_get(body, "tools"));
	if (json_type(system) == JSON_OBJECT && content_read(w, system, &m)) {
		c->system = m.parts;
		c->system_count = m.count;
	}
	if (json_type(contents) > JSON_NULL)
		contents_read(w, contents);
	return true;
}

/* ---- the answer ---- */

struct candidate {
	int64_t index;
	struct str finish;
	struct genai_answer answer;
};

/* Counts as Google has them; GENAI_UNKNOWN: not said yet. */
struct counts {
	int64_t prompt, tools, candidates, thoughts, cached;
};

struct stream {
	struct candidate candidates[GENAI_CHOICES_MAX];
	uint32_t count;
	struct counts counts;
};

/* google.cloud.aiplatform.v1.Candidate.FinishReason */
static const char *const finish_words[] = {
	"FINISH_REASON_UNSPECIFIED",
	"STOP",
	"MAX_TOKENS",
	"SAFETY",
	"RECITATION",
	"OTHER",
	"BLOCKLIST",
	"PROHIBITED_CONTENT",
	"SPII",
	"MALFORMED_FUNCTION_CALL",
	"MODEL_ARMOR",
};

static struct str finish_read(struct genai_work *w, const struct json *j)
{
	int64_t n;

	if (json_type(j) == JSON_STRING)
		return word(w, j);
	if (json_i64(j, &n) && n > 0 && n < (int64_t)(sizeof(finish_words) / sizeof(finish_words[0])))
		return str_of(finish_words[n]);
	return STR_NONE;
}

static struct str finish_otel(struct str theirs, bool called)
{
	static const struct genai_finish_row rows[] = {
		{"STOP", "stop"},
		{"MAX_TOKENS", "length"},
		{"SAFETY", "content_filter"},
		{"RECITATION", "content_filter"},
		{"BLOCKLIST", "content_filter"},
		{"PROHIBITED_CONTENT", "content_filter"},
		{"SPII", "content_filter"},
		{"IMAGE_SAFETY", "content_filter"},
		{"MODEL_ARMOR", "content_filter"},
		{"LANGUAGE", "error"},
		{"OTHER", "error"},
		{"MALFORMED_FUNCTION_CALL", "error"},
		{"UNEXPECTED_TOOL_CALL", "error"},
	};

	if (called && str_eq(theirs, STR("STOP"))) /* said of tool calls too */
		return STR("tool_call");
	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), theirs);
}

static void count_read(const struct json *usage, const char *camel, const char *snake, int64_t *out)
{
	int64_t n;

	if (json_i64(json_get_either(usage, camel, snake), &n) && n >= 0 && n < INT64_MAX / 4)
		*out = n;
}

static int64_t sum(int64_t a, int64_t b)
{
	if (a == GENAI_UNKNOWN)
		return b;
	return b == GENAI_UNKNOWN ? a : a + b;
}

/* [{"modality": "AUDIO", "tokenCount": n}]; as an integer, AUDIO is 4. */
static void modality_count(const struct json *details, int64_t *out)
{
	int64_t n;

	if (json_type(details) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(details); e; e = json_next(e)) {
		const struct json *modality = json_get(e, "modality");

		if (json_is(modality, "AUDIO") || (json_i64(modality, &n) && n == 4))
			genai_param_count(json_get_either(e, "tokenCount", "token_count"), out);
	}
}

/* Each chunk repeats the counts so far, some without what an earlier one had: each class is kept by itself. */
static void usage_read(struct genai_work *w, struct counts *n, const struct json *j)
{
	struct genai_usage *u = &w->c.usage;

	if (json_type(j) != JSON_OBJECT || json_is_cut(j)) /* of a sum, a part says nothing */
		return;
	count_read(j, "promptTokenCount", "prompt_token_count", &n->prompt);
	count_read(j, "toolUsePromptTokenCount", "tool_use_prompt_token_count", &n->tools);
	count_read(j, "candidatesTokenCount", "candidates_token_count", &n->candidates);
	count_read(j, "thoughtsTokenCount", "thoughts_token_count", &n->thoughts);
	count_read(j, "cachedContentTokenCount", "cached_content_token_count", &n->cached);
	modality_count(json_get_either(j, "promptTokensDetails", "prompt_tokens_details"), &u->audio_input);
	modality_count(json_get_either(j, "cacheTokensDetails", "cache_tokens_details"),
		       &u->audio_cache_read);
	modality_count(json_get_either(j, "candidatesTokensDetails", "candidates_tokens_details"),
		       &u->audio_output);
	genai_terms_class(w, GENAI_CLASS_TIER, word(w, json_get_either(j, "trafficType", "traffic_type")));
	genai_terms_class(w, GENAI_CLASS_TIER, word(w, json_get_either(j, "serviceTier", "service_tier")));
	u->input = sum(n->prompt, n->tools);
	u->output = sum(n->candidates, n->thoughts);
	u->reasoning = n->thoughts;
	u->cache_read = n->cached;
}

static struct stream *stream_get(struct genai_work *w)
{
	struct stream *s = w->stream;

	if (s != NULL)
		return s;
	s = w->stream = arena_alloc(w->c.arena, sizeof(*s));
	if (s != NULL)
		s->counts = (struct counts){GENAI_UNKNOWN, GENAI_UNKNOWN, GENAI_UNKNOWN, GENAI_UNKNOWN,
					    GENAI_UNKNOWN};
	return s;
}

static struct candidate *candidate_get(struct genai_work *w, struct stream *s, int64_t index)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->candidates[i].index == index)
			return &s->candidates[i];
	if (s->count == GENAI_CHOICES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	s->candidates[s->count] = (struct candidate){.index = index};
	return &s->candidates[s->count++];
}

/* Returns whether content came with it. */
static bool candidate_add(struct genai_work *w, struct stream *s, const struct json *j)
{
	const struct json *content = json_get(j, "content"), *parts = json_get(content, "parts");
	struct genai_part p;
	int64_t index = 0;
	bool any = false;

	(void)json_i64(json_get(j, "index"), &index);
	struct candidate *c = candidate_get(w, s, index);
	if (c == NULL)
		return false;
	if (json_type(parts) == JSON_ARRAY)
		for (const struct json *e = json_first(parts); e; e = json_next(e))
			if (part_read(w, e, &p)) {
				genai_answer_part(w, &c->answer, 0, &p);
				any = true;
			}
	struct str finish = finish_read(w, json_get_either(j, "finishReason", "finish_reason"));
	if (finish.p != NULL) {
		c->finish = finish;
		w->finished = true;
	}
	return any;
}

/* A whole answer, or one chunk of a stream. Returns whether content came with it. */
static bool chunk_add(struct genai_work *w, const struct json *j)
{
	const struct json *candidates = json_get(j, "candidates"),
			  *blocked = json_path(j, "promptFeedback", "blockReason", NULL);
	struct genai_call *c = &w->c;
	bool any = false;

	struct stream *s = json_type(j) == JSON_OBJECT ? stream_get(w) : NULL;

	if (s == NULL)
		return false;
	if (c->response_id.p == NULL)
		c->response_id = word(w, json_get_either(j, "responseId", "response_id"));
	if (c->response_model.p == NULL)
		c->response_model = word(w, json_get_either(j, "modelVersion", "model_version"));
	usage_read(w, &s->counts, json_get_either(j, "usageMetadata", "usage_metadata"));
	if (json_type(blocked) == JSON_STRING) {
		genai_param_add(w, "bottrace.response.block_reason", blocked);
		w->finished = true;
	}
	if (json_type(candidates) == JSON_ARRAY)
		for (const struct json *e = json_first(candidates); e; e = json_next(e))
			any |= candidate_add(w, s, e);
	if (json_type(json_get(j, "error")) == JSON_OBJECT)
		genai_error_read(w, j);
	return any;
}

static bool candidate_join(struct genai_work *w, const struct candidate *from, struct genai_message *m)
{
	if (!genai_answer_message(w, &from->answer, m))
		return false;
	if (from->finish.p != NULL) {
		m->finish = finish_otel(from->finish, from->answer.called);
		w->c.finish_reasons[w->c.finish_count++] = from->finish;
	}
	return true;
}

static void join(struct genai_work *w)
{
	const struct stream *s = w->stream;
	struct genai_call *c = &w->c;

	if (s == NULL || s->count == 0)
		return;
	c->output = arena_alloc(c->arena, s->count * sizeof(*c->output));
	c->finish_reasons = arena_alloc(c->arena, s->count * sizeof(*c->finish_reasons));
	if (c->output == NULL || c->finish_reasons == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		if (!candidate_join(w, &s->candidates[i], &c->output[c->output_count++]))
			return;
}

/* One object, or the array that a stream without alt=sse is. */
static void response(struct genai_work *w, const struct json *body)
{
	if (json_type(body) == JSON_ARRAY)
		for (const struct json *e = json_first(body); e; e = json_next(e))
			chunk_add(w, e);
	else
		chunk_add(w, body);
	join(w);
}

/* No event says that it is the last one: the body's end does. */
static bool event(struct genai_work *w, const struct http_event *ev)
{
	if (chunk_add(w, genai_event_json(w, ev)))
		genai_told_first(w, ev->ts_ns);
	return w->c.status == GENAI_ERROR;
}

const struct genai_decoder genai_gemini = {
	.provider = "gcp.gemini",
	.kind = GENAI_GENERATE_CONTENT,
	.operation = "generate_content",
	.history = "contents",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
