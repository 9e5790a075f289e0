/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Embeddings and reranking: texts in, numbers out. Only what was asked of which model, and what it cost in tokens, is
 * kept: the vectors say nothing to a reader. Who speaks how:
 *   OpenAI, Voyage, Mistral, Ollama  {"model", "input"}		usage {prompt_tokens | total_tokens}, prompt_eval_count
 *   Cohere			      {"model", "texts"}		meta.billed_units.input_tokens
 *   Google			      {"content"}, {"requests"}	usageMetadata.promptTokenCount; model in the path
 *   Vertex (predict)		      {"instances"}		predictions[].embeddings.statistics.token_count; model in the path
 *   Titan on Bedrock		      {"inputText" | "inputImage"}	inputTextTokenCount; model in the path
 *   Nova on Bedrock		      {"singleEmbeddingParams"}		counts only in the answer's fields
 *   Cohere, Voyage, Jina (rerank)    {"model", "query", "documents"}	meta.billed_units.search_units, usage.total_tokens
 */
#include "genai/decoder.h"

/* Numbers that the vectors have, under each provider's name; Google's batches say it in every request. */
static const struct json *dimensions_get(const struct json *body)
{
	static const char *const names[] = {"dimensions", "output_dimension", "outputDimensionality",
					    "output_dimensionality"};
	const struct json *titan = json_path(body, "embeddingConfig", "outputEmbeddingLength", NULL),
			  *nova = json_path(body, "singleEmbeddingParams", "embeddingDimension", NULL),
			  *vertex = json_get(body, "parameters");
	const struct json *first = json_type(json_get(body, "requests")) == JSON_ARRAY
					   ? json_at(json_get(body, "requests"), 0)
					   : body;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_type(json_get(first, names[i])) == JSON_NUMBER)
			return json_get(first, names[i]);
	if (json_type(json_get(vertex, "outputDimensionality")) == JSON_NUMBER)
		return json_get(vertex, "outputDimensionality");
	if (json_type(json_get(vertex, "dimension")) == JSON_NUMBER) /* of texts and pictures */
		return json_get(vertex, "dimension");
	return titan ? titan : nova;
}

static struct str model_get(struct genai_work *w, const struct json *body)
{
	struct str model = genai_word(w, body, "model");

	return model.p ? model : genai_word(w, body, "model_id"); /* watsonx */
}

static bool embed_request(struct genai_work *w, const struct json *body)
{
	static const char *const inputs[] = {"input",
					     "texts",
					     "inputs",
					     "content",
					     "requests",
					     "images",
					     "prompt",
					     "instances",
					     "inputText",
					     "inputImage",
					     "singleEmbeddingParams"};
	struct genai_call *c = &w->c;
	bool any = !w->whole;

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		any |= json_type(json_get(body, inputs[i])) > JSON_NULL;
	if (!any)
		return false;
	c->request_model = model_get(w, body);
	if (c->request_model.p == NULL)
		c->request_model = genai_route_model(w, c->path);
	if (json_type(json_get(body, "encoding_format")) == JSON_STRING)
		genai_param_add_json(
			w, "gen_ai.request.encoding_formats",
			arena_printf(c->arena, "[%.*s]",
				     STR_ARG(genai_compact(w, json_get(body, "encoding_format")))));
	else if (json_type(json_get(body, "embedding_types")) == JSON_ARRAY)
		genai_param_add(w, "gen_ai.request.encoding_formats", json_get(body, "embedding_types"));
	else if (json_type(json_get(body, "embeddingTypes")) == JSON_ARRAY)
		genai_param_add(w, "gen_ai.request.encoding_formats", json_get(body, "embeddingTypes"));
	genai_param_add(w, "gen_ai.embeddings.dimension.count", dimensions_get(body));
	return true;
}

/* Vertex counts each text by itself. */
static void predictions_read(const struct json *predictions, int64_t *out)
{
	int64_t n, sum = 0;

	if (json_type(predictions) != JSON_ARRAY || json_is_cut(predictions))
		return;
	for (const struct json *e = json_first(predictions); e; e = json_next(e)) {
		if (!json_i64(json_path(e, "embeddings", "statistics", "token_count", NULL), &n) || n < 0 ||
		    n > INT64_MAX / 4 - sum)
			return;
		sum += n;
		*out = sum;
	}
}

static void answer_read(struct genai_work *w, const struct json *body)
{
	const struct json *usage = json_get(body, "usage"),
			  *billed = json_path(body, "meta", "billed_units", NULL);
	struct genai_usage *u = &w->c.usage;

	w->c.response_model = model_get(w, body);
	w->c.response_id = genai_word(w, body, "id");
	genai_param_count(json_get(usage, "total_tokens"), &u->input);
	genai_param_count(json_get(usage, "prompt_tokens"), &u->input);
	genai_param_count(json_get(billed, "input_tokens"), &u->input);
	genai_param_count(json_path(body, "usageMetadata", "promptTokenCount", NULL), &u->input);
	genai_param_count(json_get(body, "prompt_eval_count"), &u->input);
	genai_param_count(json_get(body, "inputTextTokenCount"), &u->input);
	genai_param_count(json_get(body, "input_token_count"), &u->input); /* watsonx */
	predictions_read(json_get(body, "predictions"), &u->input);
	genai_param_add(w, "bottrace.usage.search_units", json_get(billed, "search_units"));
	genai_param_count(json_get(billed, "search_units"), &w->c.terms.units);
	genai_terms_read(w, body);
	genai_terms_usage(w, usage);
	if (json_type(json_get(body, "error")) > JSON_NULL)
		genai_error_read(w, body);
}

static bool rerank_request(struct genai_work *w, const struct json *body)
{
	const struct json *query = json_get(body, "query");
	struct genai_call *c = &w->c;

	if (json_type(json_get(body, "documents")) != JSON_ARRAY &&
	    json_type(json_get(body, "texts")) != JSON_ARRAY &&
	    json_type(json_get(body, "inputs")) != JSON_ARRAY && w->whole)
		return false;
	c->request_model = model_get(w, body);
	if (json_type(query) == JSON_STRING)
		genai_param_add(w, "gen_ai.retrieval.query.text", query);
	genai_param_add(w, "bottrace.request.top_n",
			json_get(body, "top_n") ? json_get(body, "top_n") : json_get(body, "top_k"));
	return true;
}

static void finish(struct genai_work *w)
{
	(void)w;
}

/* Nobody streams them; an event would be a stranger's. */
static bool event(struct genai_work *w, const struct http_event *ev)
{
	(void)w;
	(void)ev;
	return false;
}

const struct genai_decoder genai_embeddings = {
	.provider = "openai",
	.kind = GENAI_EMBEDDINGS,
	.operation = "embeddings",
	.request = embed_request,
	.response = answer_read,
	.event = event,
	.finish = finish,
};

const struct genai_decoder genai_cohere_embed = {
	.provider = "cohere",
	.kind = GENAI_EMBEDDINGS,
	.operation = "embeddings",
	.request = embed_request,
	.response = answer_read,
	.event = event,
	.finish = finish,
};

const struct genai_decoder genai_gemini_embed = {
	.provider = "gcp.gemini",
	.kind = GENAI_EMBEDDINGS,
	.operation = "embeddings",
	.request = embed_request,
	.response = answer_read,
	.event = event,
	.finish = finish,
};

const struct genai_decoder genai_ollama_embed = {
	.provider = "ollama",
	.kind = GENAI_EMBEDDINGS,
	.operation = "embeddings",
	.request = embed_request,
	.response = answer_read,
	.event = event,
	.finish = finish,
};

const struct genai_decoder genai_rerank = {
	.provider = "cohere",
	.kind = GENAI_RERANK,
	.operation = "retrieval",
	.request = rerank_request,
	.response = answer_read,
	.event = event,
	.finish = finish,
};
