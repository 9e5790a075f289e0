/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths and their decoders. */
#include "harness.h"

#include <string.h>

#include "genai/decoder.h"

#define COUNTS "counts and asks no model"

static const struct {
	const char *path;
	const struct genai_decoder *decoder;
	const char *note; /* part of it; NULL: nothing is said of the path */
} path_rows[] = {
	{"/v1/chat/completions", &genai_openai_chat, NULL},
	{"/v1/chat/completions/", &genai_openai_chat, NULL},
	{"/openai/deployments/dep/chat/completions", &genai_openai_chat, NULL},
	{"/chat/completions", &genai_openai_chat, NULL},
	{"/v1/chat/completions/chatcmpl-1", NULL, "a stored completion"},
	{"/v1/chat/completionsx", NULL, NULL},
	{"/v1/responses", &genai_openai_responses, NULL},
	{"/api/v1/responses", &genai_openai_responses, NULL},
	{"/v1/responses/compact", &genai_openai_responses, NULL},
	{"/v1/responses/input_tokens", NULL, COUNTS},
	{"/v1/responses/resp_1/cancel", NULL, "a stored response"},
	{"/v1/messages", &genai_anthropic_messages, NULL},
	{"/anthropic/v1/messages", &genai_anthropic_messages, NULL},
	{"/v1/messages/count_tokens", NULL, COUNTS},
	{"/v1/messages/batches", NULL, "a batch asks later"},
	{"/v1/messages/batches/b/results", NULL, "a batch asks later"},
	{"/v1/batches", NULL, "a batch asks later"},
	{"/v1/batch/jobs/j", NULL, "a batch asks later"},
	{"/v1beta/models/g:batchGenerateContent", NULL, "a batch asks later"},
	{"/v1/completions", &genai_openai_completions, NULL},
	{"/openai/deployments/dep/completions", &genai_openai_completions, NULL},
	{"/completion", &genai_openai_completions, NULL},
	{"/v1/complete", &genai_anthropic_complete, NULL},
	{"/v1beta/models/g:generateContent", &genai_gemini, NULL},
	{"/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", &genai_gemini, NULL},
	{"/v1beta/interactions", &genai_interactions, NULL},
	{"/v1beta1/projects/p/locations/l/interactions", &genai_interactions, NULL},
	{"/v1beta/interactions/v1_x", NULL, "a stored interaction"},
	{"/v1/interactions/v1_x", NULL, "a stored interaction"},
	{"/interactions", NULL, NULL},
	{"/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
	 &genai_gemini_embed, NULL},
	{"/v1/projects/p/locations/l/publishers/google/models/imagen-4:predict", NULL, NULL},
	{"/v1/agents/completions", &genai_openai_chat, NULL},
	{"/ml/v1/text/chat", &genai_openai_chat, NULL},
	{"/ml/v1/text/chat_stream", &genai_openai_chat, NULL},
	{"/ml/v1/deployments/d/text/chat_stream", &genai_openai_chat, NULL},
	{"/ml/v1/text/generation", &genai_watsonx_generation, NULL},
	{"/ml/v1/deployments/d/text/generation_stream", &genai_watsonx_generation, NULL},
	{"/ml/v1/text/tokenization", NULL, COUNTS},
	{"/v1/fim/completions", &genai_mistral_fim, NULL},
	{"/beta/completions", &genai_openai_completions, NULL},
	{"/v1/conversations", &genai_conversation, NULL},
	{"/v1/conversations/", &genai_conversation, NULL},
	{"/v1/conversations/c", &genai_conversation, NULL},
	{"/v1/conversations/c/restart", &genai_conversation, NULL},
	{"/v1/conversations/c/items", NULL, "a stored conversation"},
	{"/conversations", NULL, NULL},
	{"/v1beta/openai/chat/completions", &genai_openai_chat, NULL},
	{"/v1/chat", NULL, NULL}, /* anybody's */
	{"/v1beta/models/g:countTokens", NULL, COUNTS},
	{"/v1beta/models/g:embedContent", &genai_gemini_embed, NULL},
	{"/v1beta/models/g:batchEmbedContents", &genai_gemini_embed, NULL},
	{"/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict", &genai_anthropic_messages,
	 NULL},
	{"/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict",
	 &genai_anthropic_messages, NULL},
	{"/model/a.b-v1%3A0/converse", &genai_bedrock_converse, NULL},
	{"/model/arn%3Aaws%3Abedrock%2Fx/converse-stream", &genai_bedrock_converse, NULL},
	{"/model/a.b-v1:0/invoke", &genai_bedrock_invoke, NULL},
	{"/model/a/invoke-with-response-stream", &genai_bedrock_invoke, NULL},
	{"/model/a/count-tokens", NULL, COUNTS},
	{"/v2/chat", &genai_cohere_chat, NULL},
	{"/v2/embed", &genai_cohere_embed, NULL},
	{"/v1/embeddings", &genai_embeddings, NULL},
	{"/v2/rerank", &genai_rerank, NULL},
	{"/api/chat", &genai_ollama_chat, NULL},
	{"/api/generate", &genai_ollama_generate, NULL},
	{"/api/embed", &genai_ollama_embed, NULL},
	{"/api/embeddings", &genai_ollama_embed, NULL},
	{"/", NULL, NULL},
	{"", NULL, NULL},
	{"/v1/files", NULL, NULL},
};

static void paths_have_decoders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		const char *note = NULL;
		bool none = false;
		const struct genai_decoder *d =
			genai_route_path(STR("POST"), str_of(path_rows[i].path), &note, &none);

		if (d != path_rows[i].decoder)
			fail_msg("%s: another decoder", path_rows[i].path);
		assert_int_equal(none, path_rows[i].note != NULL);
		if (path_rows[i].note != NULL && (note == NULL || strstr(note, path_rows[i].note) == NULL))
			fail_msg("%s: says %s", path_rows[i].path, note ? note : "nothing");
	}
}

static void only_a_post_asks(void **state)
{
	const char *note = NULL;
	bool none = false;

	(void)state;
	assert_null(genai_route_path(STR("GET"), STR("/v1/responses"), &note, &none));
	assert_true(none);
	assert_string_equal(note, "not a POST");
	none = false;
	assert_null(genai_route_path(STR("GET"), STR("/index.html"), &note, &none));
	assert_false(none);
}

/* Stars of our own patterns against the worst of paths: its end must come soon. */
static void hostile_paths_end(void **state)
{
	const char *note = NULL;
	bool none = false;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 4000; i++)
		buf_add(&b, STR("/models/deployments/publishers/anthropic/models/"));
	assert_null(genai_route_path(STR("POST"), buf_str(&b), &note, &none));
	buf_fini(&b);
}

static const struct genai_decoder *shape_of(const char *text, bool anthropic)
{
	struct arena *a = arena_new(1u << 20);
	struct http_field field = {STR("anthropic-version"), STR("2023-06-01")};
	struct http_exchange x = {.request = {.fields = &field, .count = anthropic}};
	struct genai_work w = {.c = {.x = &x, .arena = a}};
	const struct genai_decoder *d = genai_route_shape(&w, json_parse(a, str_of(text), NULL));

	arena_free(a);
	return d;
}

static void bodies_have_shapes(void **state)
{
	(void)state;
	assert_ptr_equal(shape_of("{\"model\":\"m\",\"messages\":[]}", false), &genai_openai_chat);
	assert_ptr_equal(shape_of("{\"model\":\"m\",\"messages\":[]}", true), &genai_anthropic_messages);
	assert_ptr_equal(
		shape_of("{\"model\":\"m\",\"max_tokens\":1,\"system\":\"s\",\"messages\":[]}", false),
		&genai_anthropic_messages);
	assert_ptr_equal(shape_of("{\"contents\":[]}", false), &genai_gemini);
	assert_ptr_equal(shape_of("{\"model\":\"m\",\"input\":\"x\",\"instructions\":\"s\"}", false),
			 &genai_openai_responses);
	assert_null(shape_of("{\"model\":\"m\",\"input\":\"x\"}", false)); /* embeddings, or Responses */
	assert_null(shape_of("{\"messages\":[]}", false));
	assert_null(shape_of("[]", false));
	assert_null(shape_of("", false));
}

static void paths_name_models(void **state)
{
	static const struct {
		const char *path, *model;
	} rows[] = {
		{"/openai/deployments/my%20dep/chat/completions", "my dep"},
		{"/v1beta/models/gemini-2.5:generateContent", "gemini-2.5"},
		{"/v1/projects/p/publishers/google/models/g:countTokens", "g"},
		{"/model/us.a.b-v1%3A0/converse", "us.a.b-v1:0"},
		{"/model/arn%3Aaws%3Ax%2Fy/converse", "arn:aws:x/y"},
		{"/model//converse", NULL},
		{"/v1/chat/completions", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1u << 20);
		struct genai_work w = {.c = {.arena = a}};
		struct str got = genai_route_model(&w, str_of(rows[i].path));

		if (rows[i].model == NULL)
			assert_null(got.p);
		else
			HARNESS_TEXT(rows[i].path, got, rows[i].model);
		arena_free(a);
	}
}

static void escapes_are_undone(void **state)
{
	static const char *const rows[][2] = {{"a%3Ab", "a:b"},	  {"%41%4a", "AJ"}, {"100%", "100%"},
					      {"%zz%4", "%zz%4"}, {"%%41", "%A"},   {"%2525", "%25"}};
	struct arena *a = arena_new(1u << 20);
	struct genai_work w = {.c = {.arena = a}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		HARNESS_TEXT(rows[i][0], genai_server_unescape(&w, str_of(rows[i][0])), rows[i][1]);
	assert_null(genai_server_unescape(&w, STR("")).p);
	assert_int_equal(genai_server_unescape(&w, STR("a%00b")).n, 3);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_have_decoders), cmocka_unit_test(only_a_post_asks),
		cmocka_unit_test(hostile_paths_end),   cmocka_unit_test(bodies_have_shapes),
		cmocka_unit_test(paths_name_models),   cmocka_unit_test(escapes_are_undone),
	};

	return cmocka_run_group_tests_name("genai route", tests, NULL, NULL);
}
