/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bedrock's InvokeModel: POST /model/{model}/invoke[-with-response-stream]. The bodies are the model's own, and so is the
 * decoder: told by the request's shape, which is the same whatever name or ARN stands in the path. A stream is AWS's event
 * stream; each event {"bytes": base64 of the model's own event}. AWS's own counts stand in the answer's fields, or in the
 * last event's amazon-bedrock-invocationMetrics. From the documentation at docs.aws.amazon.com/bedrock/latest/userguide.
 *   {"anthropic_version"}			Claude		Anthropic's Messages
 *   {"messages"} with untyped contents		Nova		Converse
 *   {"messages"}				Jamba, Mistral, DeepSeek, gpt-oss, Qwen	OpenAI's Chat Completions
 *   {"message"}				Command R	Cohere's first chat
 *   {"prompt"}					Llama, Mistral, DeepSeek-R1, Command, Claude	texts
 *   {"inputText"}				Titan		texts, or embeddings
 *   {"texts" | "images"}, {"singleEmbeddingParams"}	Cohere, Nova	embeddings
 *   {"query", "documents"}			Cohere, Amazon	rerank
 */
#include "genai/bedrock.h"

#include "base/text.h"
#include "genai/anthropic.h"

void genai_bedrock_exception(struct genai_work *w, const struct http_event *ev, const struct json *body)
{
	w->c.status = GENAI_ERROR;
	w->c.error_type = ev->event.n ? arena_dup(w->c.arena, ev->event) : STR("_OTHER");
	w->c.error_message = genai_prose(w, body, "message");
}

/* ---- the request ---- */

struct native {
	const struct genai_decoder *decoder; /* of the model's own API; NULL: unknown */
	struct genai_usage told;	     /* AWS's own counts of a stream, in its last event: they win */
};

static const struct genai_decoder invoke_text, invoke_embeddings, invoke_rerank;

static bool has_name(const struct genai_work *w, const char *part)
{
	return str_has(w->c.request_model, str_of(part));
}

/* Nova's contents have no "type", and its settings a place of their own. */
static bool is_nova(const struct json *body)
{
	const struct json *content = json_get(json_at(json_get(body, "messages"), 0), "content");

	if (json_get(body, "inferenceConfig") != NULL || json_get(body, "toolConfig") != NULL ||
	    json_type(json_get(body, "schemaVersion")) == JSON_STRING)
		return true;
	return json_type(content) == JSON_ARRAY && json_type(json_at(content, 0)) == JSON_OBJECT &&
	       json_get(json_at(content, 0), "type") == NULL;
}

/* Titan's texts and embeddings are asked for in the same words. */
static const struct genai_decoder *titan_of(const struct genai_work *w, const struct json *body)
{
	static const char *const members[] = {"dimensions", "normalize", "embeddingTypes", "embeddingConfig"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_get(body, members[i]) != NULL)
			return &genai_embeddings;
	if (has_name(w, "embed"))
		return &genai_embeddings;
	if (json_get(body, "textGenerationConfig") != NULL || has_name(w, "titan"))
		return &genai_invoke_prompt;
	return NULL;
}

static const struct genai_decoder *decoder_of(const struct genai_work *w, const struct json *body)
{
	if (json_type(json_get(body, "anthropic_version")) == JSON_STRING)
		return &genai_anthropic_messages;
	if (json_type(json_get(body, "messages")) == JSON_ARRAY)
		return is_nova(body) ? &genai_bedrock_converse : &genai_openai_chat;
	if (json_type(json_get(body, "message")) == JSON_STRING)
		return &genai_cohere_command;
	if (json_type(json_get(body, "prompt")) == JSON_STRING)
		return &genai_invoke_prompt;
	if (json_type(json_get(body, "query")) == JSON_STRING &&
	    json_type(json_get(body, "documents")) == JSON_ARRAY)
		return &genai_rerank;
	if (json_type(json_get(body, "inputText")) == JSON_STRING)
		return titan_of(w, body);
	if (json_type(json_get(body, "texts")) == JSON_ARRAY ||
	    json_type(json_get(body, "images")) == JSON_ARRAY || json_get(body, "inputImage") != NULL ||
	    json_get(body, "singleEmbeddingParams") != NULL)
		return &genai_embeddings;
	return NULL;
}

/* What is asked for, as spans have it. */
static const struct genai_decoder *kind_of(const struct genai_work *w, const struct genai_decoder *native)
{
	if (native == &genai_invoke_prompt)
		return &invoke_text;
	if (native == &genai_embeddings || (native == NULL && has_name(w, "embed")))
		return &invoke_embeddings;
	if (native == &genai_rerank || (native == NULL && has_name(w, "rerank")))
		return &invoke_rerank;
	return &genai_bedrock_invoke;
}

static bool request(struct genai_work *w, const struct json *body)
{
	struct genai_call *c = &w->c;
	struct native *n = w->native; /* it is read again */

	if (n == NULL) {
		n = arena_alloc(c->arena, sizeof(*n));
		if (n == NULL)
			return false;
		n->told = GENAI_USAGE_UNKNOWN;
		w->native = n;
	}
	n->decoder = NULL;
	c->request_model = genai_route_model(w, c->path);
	struct str model = c->request_model;
	const struct genai_decoder *native = decoder_of(w, body);

	/* Of a body that is not whole, what tells may be missing. */
	if (native != NULL && native->request(w, body))
		n->decoder = native;
	c->request_model = model;
	c->stream = str_ends(c->path, STR("/invoke-with-response-stream"));
	if (n->decoder == NULL && w->whole) {
		c->note = "its body is that of no model that is known";
		return false;
	}
	w->reader = n->decoder;
	w->decoder = kind_of(w, n->decoder);
	return true;
}

/* ---- the answer ---- */

static void field_count(struct genai_work *w, const char *field, int64_t *out)
{
	uint64_t n;

	if (str_to_u64(str_trim(http_field(&w->c.x->response, field)), &n) && n < INT64_MAX / 4)
		*out = (int64_t)n;
}

/* What AWS counted, whatever the model's own answer says; its input leaves out the cached part. */
static void fields_read(struct genai_work *w)
{
	struct genai_usage *u = &w->c.usage, f = GENAI_USAGE_UNKNOWN;

	genai_terms_class(w, GENAI_CLASS_TIER,
			  str_trim(http_field(&w->c.x->response, "x-amzn-bedrock-service-tier")));
	field_count(w, "x-amzn-bedrock-input-token-count", &f.input);
	field_count(w, "x-amzn-bedrock-output-token-count", &f.output);
	field_count(w, "x-amzn-bedrock-cache-read-input-token-count", &f.cache_read);
	field_count(w, "x-amzn-bedrock-cache-write-input-token-count", &f.cache_creation);
	if (u->cache_read == GENAI_UNKNOWN)
		u->cache_read = f.cache_read;
	if (u->cache_creation == GENAI_UNKNOWN)
		u->cache_creation = f.cache_creation;
	if (u->input == GENAI_UNKNOWN && f.input != GENAI_UNKNOWN)
		u->input = f.input + (f.cache_read > 0 ? f.cache_read : 0) +
			   (f.cache_creation > 0 ? f.cache_creation : 0);
	if (u->output == GENAI_UNKNOWN)
		u->output = f.output;
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct native *n = w->native;

	if (n->decoder != NULL)
		n->decoder->response(w, body);
	fields_read(w);
}

static void count_read(const struct json *j, int64_t *out)
{
	int64_t n;

	if (json_i64(j, &n) && n >= 0 && n < INT64_MAX / 4)
		*out = n;
}

/* Whether they are in this event: then it is the last one. */
static bool metrics_read(struct genai_work *w, struct str event)
{
	static const char name[] = "amazon-bedrock-invocationMetrics";
	struct native *n = w->native;

	if (!str_has(event, str_of(name)))
		return false;
	const struct json *m = json_get(json_parse(genai_scratch(w), event, NULL), name);

	count_read(json_get(m, "inputTokenCount"), &n->told.input);
	count_read(json_get(m, "outputTokenCount"), &n->told.output);
	count_read(json_get(m, "cacheReadInputTokenCount"), &n->told.cache_read);
	count_read(json_get(m, "cacheWriteInputTokenCount"), &n->told.cache_creation);
	return n->told.output != GENAI_UNKNOWN;
}

/* base64 -> bytes in the scratch arena; STR_NONE: it is none. */
static struct str bytes_decode(struct genai_work *w, struct str base64)
{
	struct arena *scratch = genai_scratch(w);
	char *out = scratch && base64.p ? arena_bytes(scratch, base64.n / 4 * 3 + 3) : NULL;
	ptrdiff_t n = out ? text_base64(base64, out) : -1;

	return n < 0 ? STR_NONE : str_make(out, (size_t)n);
}

/* Nova's events are named by their only member. */
static bool nova_event(struct genai_work *w, struct http_event *own)
{
	struct arena *scratch = genai_scratch(w);
	const struct json *member = json_first(json_parse(scratch, own->data, NULL));

	if (member == NULL)
		return false;
	own->event = json_key(scratch, member);
	own->data = json_raw(member);
	return genai_bedrock_converse.event(w, own);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct native *n = w->native;
	struct http_event own = {.ts_ns = ev->ts_ns};
	bool last = false;

	if (ev->exception) {
		genai_bedrock_exception(w, ev, j);
		return true;
	}
	own.data = bytes_decode(w, json_get_str(genai_scratch(w), j, "bytes"));
	if (own.data.p == NULL)
		return false;
	bool told = metrics_read(w, own.data);

	if (n->decoder == &genai_bedrock_converse)
		last = nova_event(w, &own);
	else if (n->decoder != NULL)
		last = n->decoder->event(w, &own);
	else
		genai_told_first(w, ev->ts_ns);
	w->finished |= told;
	return last || told;
}

/* Like the fields, AWS's counts leave out what the cache read or wrote; where they do not speak of it and the model does,
 * the model's own sum stands. */
static void told_use(struct genai_usage *u, const struct genai_usage *told)
{
	bool cached = told->cache_read != GENAI_UNKNOWN || told->cache_creation != GENAI_UNKNOWN;

	if (told->output != GENAI_UNKNOWN)
		u->output = told->output;
	if (told->cache_read != GENAI_UNKNOWN)
		u->cache_read = told->cache_read;
	if (told->cache_creation != GENAI_UNKNOWN)
		u->cache_creation = told->cache_creation;
	if (told->input != GENAI_UNKNOWN &&
	    (cached || u->input == GENAI_UNKNOWN || (u->cache_read <= 0 && u->cache_creation <= 0)))
		u->input = told->input + (told->cache_read > 0 ? told->cache_read : 0) +
			   (told->cache_creation > 0 ? told->cache_creation : 0);
}

static void finish(struct genai_work *w)
{
	const struct native *n = w->native;

	if (n->decoder != NULL)
		n->decoder->finish(w);
	told_use(&w->c.usage, &n->told);
	fields_read(w);
}

const struct genai_decoder genai_bedrock_invoke = {
	.provider = "aws.bedrock",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.history = "messages",
	.request = request,
	.response = response,
	.event = event,
	.finish = finish,
};

static const struct genai_decoder invoke_text = {
	.provider = "aws.bedrock",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = request,
	.response = response,
	.event = event,
	.finish = finish,
};

static const struct genai_decoder invoke_embeddings = {
	.provider = "aws.bedrock",
	.kind = GENAI_EMBEDDINGS,
	.operation = "embeddings",
	.request = request,
	.response = response,
	.event = event,
	.finish = finish,
};

static const struct genai_decoder invoke_rerank = {
	.provider = "aws.bedrock",
	.kind = GENAI_RERANK,
	.operation = "retrieval",
	.request = request,
	.response = response,
	.event = event,
	.finish = finish,
};
