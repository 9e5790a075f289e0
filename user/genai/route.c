/* SPDX-License-Identifier: BSD-2-Clause */
/* Which API a request speaks: by its path, from the providers' documentation. First row that fits wins. */
#include "genai/decoder.h"

struct path_row {
	/* Of the whole path, without a slash at its end; as str_fits has it. */
	const char *pattern;
	const struct genai_decoder *decoder; /* NULL: no model call, by rule */
	const char *note;
};

/* Only a POST asks a model. */
static const struct path_row paths[] = {
	{"*/chat/completions", &genai_openai_chat, NULL},
	{"*/chat/completions/*", NULL, "a stored completion"},
	{"*/responses", &genai_openai_responses, NULL},
	{"*/responses/compact", &genai_openai_responses, NULL},
	{"*/responses/input_tokens", NULL, "input_tokens counts and asks no model"},
	{"*/responses/*", NULL, "a stored response"},
	{"*/v1/messages", &genai_anthropic_messages, NULL},
	{"*/v1/completions", &genai_openai_completions, NULL},
	{"*/deployments/*/completions", &genai_openai_completions, NULL},
	{"/v1/agents/completions", &genai_openai_chat, NULL}, /* Mistral */
	{"/ml/v1/text/chat", &genai_openai_chat, NULL},	      /* watsonx */
	{"/ml/v1/text/chat_stream", &genai_openai_chat, NULL},
	{"/ml/v1/deployments/*/text/chat", &genai_openai_chat, NULL},
	{"/ml/v1/deployments/*/text/chat_stream", &genai_openai_chat, NULL},
	{"/ml/v1/text/generation", &genai_watsonx_generation, NULL},
	{"/ml/v1/text/generation_stream", &genai_watsonx_generation, NULL},
	{"/ml/v1/deployments/*/text/generation", &genai_watsonx_generation, NULL},
	{"/ml/v1/deployments/*/text/generation_stream", &genai_watsonx_generation, NULL},
	{"/ml/v1/text/tokenization", NULL, "tokenization counts and asks no model"},
	{"*/v1/fim/completions", &genai_mistral_fim, NULL},	/* Mistral: between two texts */
	{"/beta/completions", &genai_openai_completions, NULL}, /* DeepSeek: the same */
	{"/v1/conversations", &genai_conversation, NULL},	/* Mistral */
	{"/v1/conversations/*/restart", &genai_conversation, NULL},
	{"/v1/conversations/*/*", NULL, "a stored conversation"},
	{"/v1/conversations/*", &genai_conversation, NULL},
	{"/completions", &genai_openai_completions, NULL},
	{"/completion", &genai_openai_completions, NULL}, /* llama.cpp */
	{"/v1/complete", &genai_anthropic_complete, NULL},
	{"*/models/*:generateContent", &genai_gemini, NULL},
	{"*/models/*:streamGenerateContent", &genai_gemini, NULL},
	{"*/v1beta/interactions", &genai_interactions, NULL},
	{"/v1*/interactions", &genai_interactions, NULL},
	{"*/v1beta/interactions/*", NULL, "a stored interaction"},
	{"/v1/interactions/*", NULL, "a stored interaction"},
	{"*/publishers/anthropic/models/*:rawPredict", &genai_anthropic_messages, NULL},
	{"*/publishers/anthropic/models/*:streamRawPredict", &genai_anthropic_messages, NULL},
	{"/model/*/converse", &genai_bedrock_converse, NULL},
	{"/model/*/converse-stream", &genai_bedrock_converse, NULL},
	{"/model/*/invoke", &genai_bedrock_invoke, NULL},
	{"/model/*/invoke-with-response-stream", &genai_bedrock_invoke, NULL},
	{"/model/*/count-tokens", NULL, "count-tokens counts and asks no model"},
	{"*:countTokens", NULL, "countTokens counts and asks no model"},
	{"/v2/chat", &genai_cohere_chat, NULL},
	{"/v1/embed", &genai_cohere_embed, NULL},
	{"/v2/embed", &genai_cohere_embed, NULL},
	{"/api/chat", &genai_ollama_chat, NULL},
	{"/api/generate", &genai_ollama_generate, NULL},
	{"/api/embed", &genai_ollama_embed, NULL},
	{"/api/embeddings", &genai_ollama_embed, NULL},
	{"*/embeddings", &genai_embeddings, NULL},
	{"*/rerank", &genai_rerank, NULL},
	{"*/models/*:embedContent", &genai_gemini_embed, NULL},
	{"*/models/*:batchEmbedContents", &genai_gemini_embed, NULL},
	{"*/publishers/google/models/*embedding*:predict", &genai_gemini_embed, NULL},
	{"*/message:send", &genai_a2a_send, NULL},
	{"*/message:stream", &genai_a2a_send, NULL},
	{"*/messages/count_tokens", NULL, "count_tokens counts and asks no model"},
	/* What is in it is answered at some other time, in a file. */
	{"*/messages/batches", NULL, "a batch asks later"},
	{"*/messages/batches/*", NULL, "a batch asks later"},
	{"*/v1/batches", NULL, "a batch asks later"},
	{"*/v1/batches/*", NULL, "a batch asks later"},
	{"/v1/batch/jobs", NULL, "a batch asks later"}, /* Mistral */
	{"/v1/batch/jobs/*", NULL, "a batch asks later"},
	{"*/models/*:batchGenerateContent", NULL, "a batch asks later"},
};

const struct genai_decoder *genai_route_path(struct str method, struct str path, const char **note,
					     bool *no_model_call)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!str_fits(path, str_of(paths[i].pattern)))
			continue;
		if (paths[i].decoder != NULL && str_eq(method, STR("POST")))
			return paths[i].decoder;
		*note = paths[i].decoder != NULL ? "not a POST" : paths[i].note;
		*no_model_call = true;
		return NULL;
	}
	return NULL;
}

const struct genai_decoder *genai_route_shape(const struct genai_work *w, const struct json *body)
{
	bool model = json_type(json_get(body, "model")) == JSON_STRING;
	bool messages = json_type(json_get(body, "messages")) == JSON_ARRAY;
	bool anthropic = http_field(&w->c.x->request, "anthropic-version").p != NULL ||
			 (json_get(body, "system") != NULL && json_get(body, "max_tokens") != NULL);

	if (model && messages)
		return anthropic ? &genai_anthropic_messages : &genai_openai_chat;
	if (json_type(json_get(body, "contents")) == JSON_ARRAY)
		return &genai_gemini;
	if (model && json_get(body, "input") != NULL &&
	    (json_get(body, "instructions") != NULL || json_get(body, "previous_response_id") != NULL))
		return &genai_openai_responses;
	return NULL;
}

struct str genai_route_model(struct genai_work *w, struct str path)
{
	static const struct {
		const char *before;
		char after;
	} rows[] = {
		{"/deployments/", '/'}, /* Azure: a deployment's name, the user's own */
		{"/models/", ':'},	/* Google */
		{"/model/", '/'},	/* Bedrock */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str before = str_of(rows[i].before), name;
		ptrdiff_t at = str_find(path, before);

		if (at < 0)
			continue;
		(void)str_cut(str_skip(path, (size_t)at + before.n), rows[i].after, &name);
		return genai_server_unescape(w, name);
	}
	return STR_NONE;
}
