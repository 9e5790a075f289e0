/* SPDX-License-Identifier: BSD-2-Clause */
/* Embeddings and reranking, as each provider speaks them. */
#include "rows.h"

static const struct row embeddings_are_read_rows[] = {
	{"OpenAI", "/v1/embeddings",
	 "{\"model\":\"e\",\"input\":[\"a\",\"b\"],\"dimensions\":128,"
	 "\"encoding_format\":\"base64\"}",
	 JSON_HEAD,
	 "{\"object\":\"list\",\"model\":\"e-1\",\"data\":[{\"index\":0,"
	 "\"embedding\":\"AAAA\"}],\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/embeddings\"\n"
	 "  embeddings provider=\"openai\" model=\"e\" answered=\"e-1\"\n"
	 "  gen_ai.request.encoding_formats=[\"base64\"]\n"
	 "  gen_ai.embeddings.dimension.count=128\n"
	 "  usage 4 - - - -\n"},
	{"Voyage", "/v1/embeddings", "{\"model\":\"v\",\"input\":\"a\",\"output_dimension\":256}", JSON_HEAD,
	 "{\"object\":\"list\",\"model\":\"v\",\"data\":[],\"usage\":{\"total_tokens\":3}}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/embeddings\"\n"
	 "  embeddings provider=\"openai\" model=\"v\" answered=\"v\"\n"
	 "  gen_ai.embeddings.dimension.count=256\n"
	 "  usage 3 - - - -\n"},
	{"Cohere", "/v2/embed",
	 "{\"model\":\"embed-v4\",\"texts\":[\"a\"],\"embedding_types\":[\"float\",\"int8\"],"
	 "\"input_type\":\"search_query\"}",
	 JSON_HEAD,
	 "{\"id\":\"id-1\",\"embeddings\":{\"float\":[[0.1]]},"
	 "\"meta\":{\"billed_units\":{\"input_tokens\":4}}}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/embed\"\n"
	 "  embeddings provider=\"cohere\" model=\"embed-v4\" id=\"id-1\"\n"
	 "  gen_ai.request.encoding_formats=[\"float\",\"int8\"]\n"
	 "  usage 4 - - - -\n"},
	{"Gemini", "/v1beta/models/emb:embedContent",
	 "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"outputDimensionality\":64}", JSON_HEAD,
	 "{\"embedding\":{\"values\":[1]},\"usageMetadata\":{\"promptTokenCount\":11}}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1beta/models/emb:embedContent\"\n"
	 "  embeddings provider=\"gcp.gemini\" model=\"emb\"\n"
	 "  gen_ai.embeddings.dimension.count=64\n"
	 "  usage 11 - - - -\n"},
	{"Gemini, several", "/v1beta/models/emb:batchEmbedContents",
	 "{\"requests\":[{\"model\":\"models/emb\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
	 "\"outputDimensionality\":64}]}",
	 JSON_HEAD, "{\"embeddings\":[{\"values\":[1]}]}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1beta/models/emb:batchEmbedContents\"\n"
	 "  embeddings provider=\"gcp.gemini\" model=\"emb\"\n"
	 "  gen_ai.embeddings.dimension.count=64\n"
	 "  usage - - - - -\n"},
	{"Vertex", "/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
	 "{\"instances\":[{\"content\":\"a\"},{\"content\":\"b\"}],\"parameters\":{\"outputDimensionality\":"
	 "64}}",
	 JSON_HEAD,
	 "{\"predictions\":[{\"embeddings\":{\"values\":[1],\"statistics\":{\"token_count\":3}}},"
	 "{\"embeddings\":{\"values\":[2],\"statistics\":{\"token_count\":4}}}]}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict\"\n"
	 "  embeddings provider=\"gcp.gemini\" model=\"text-embedding-005\"\n"
	 "  gen_ai.embeddings.dimension.count=64\n"
	 "  usage 7 - - - -\n"},
	{"Vertex, texts and pictures",
	 "/v1/projects/p/locations/l/publishers/google/models/multimodalembedding@001:predict",
	 "{\"instances\":[{\"text\":\"a\"}],\"parameters\":{\"dimension\":128}}", JSON_HEAD,
	 "{\"predictions\":[{\"textEmbedding\":[1]}]}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 "
	 "path=\"/v1/projects/p/locations/l/publishers/google/models/multimodalembedding@001:predict\"\n"
	 "  embeddings provider=\"gcp.gemini\" model=\"multimodalembedding@001\"\n"
	 "  gen_ai.embeddings.dimension.count=128\n"
	 "  usage - - - - -\n"},
	{"Ollama", "/api/embed", "{\"model\":\"nomic\",\"input\":\"a\"}", JSON_HEAD,
	 "{\"model\":\"nomic\",\"embeddings\":[[0.1]],\"prompt_eval_count\":2}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/embed\"\n"
	 "  embeddings provider=\"ollama\" model=\"nomic\" answered=\"nomic\"\n"
	 "  usage 2 - - - -\n"},
	{"Ollama of old", "/api/embeddings", "{\"model\":\"nomic\",\"prompt\":\"a\"}", JSON_HEAD,
	 "{\"embedding\":[0.1]}",
	 "embeddings ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/api/embeddings\"\n"
	 "  embeddings provider=\"ollama\" model=\"nomic\"\n"
	 "  usage - - - - -\n"},
	{"refused", "/v1/embeddings", "{\"model\":\"e\",\"input\":\"a\"}", "404 No",
	 "{\"error\":{\"message\":\"no such model\",\"type\":\"invalid_request_error\"}}",
	 "embeddings error type=\"invalid_request_error\" message=\"no such model\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/embeddings\"\n"
	 "  embeddings provider=\"openai\" model=\"e\"\n"
	 "  usage - - - - -\n"},
	{"an error that is no status", "/v1/embeddings", "{\"model\":\"e\",\"input\":\"a\"}", JSON_HEAD,
	 "{\"error\":{\"message\":\"late\",\"code\":502}}",
	 "embeddings error type=\"502\" message=\"late\"\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/embeddings\"\n"
	 "  embeddings provider=\"openai\" model=\"e\"\n"
	 "  usage - - - - -\n"},
	{"another shape", "/v1/embeddings", "{\"model\":\"e\"}", JSON_HEAD, "{}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/embeddings\"\n"},
};

static void embeddings_are_read(void **state)
{
	(void)state;
	ROWS_RUN(embeddings_are_read_rows);
}

static const struct row reranking_is_read_rows[] = {
	{"Cohere, reranking is read", "/v2/rerank",
	 "{\"model\":\"rerank-v3.5\",\"query\":\"q\",\"documents\":[\"a\",\"b\"],\"top_n\":1}", JSON_HEAD,
	 "{\"id\":\"id-1\",\"results\":[{\"index\":0,\"relevance_score\":0.9}],"
	 "\"meta\":{\"billed_units\":{\"search_units\":1}}}",
	 "rerank ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v2/rerank\"\n"
	 "  retrieval provider=\"cohere\" model=\"rerank-v3.5\" id=\"id-1\"\n"
	 "  gen_ai.retrieval.query.text=\"q\"\n"
	 "  bottrace.request.top_n=1\n"
	 "  bottrace.usage.search_units=1\n"
	 "  usage - - - - -\n"},
	{"Voyage, reranking is read", "/v1/rerank",
	 "{\"model\":\"rerank-2\",\"query\":\"q\",\"documents\":[\"a\"],\"top_k\":1}", JSON_HEAD,
	 "{\"object\":\"list\",\"data\":[{\"index\":0,\"relevance_score\":0.9}],"
	 "\"model\":\"rerank-2\",\"usage\":{\"total_tokens\":26}}",
	 "rerank ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/rerank\"\n"
	 "  retrieval provider=\"cohere\" model=\"rerank-2\" answered=\"rerank-2\"\n"
	 "  gen_ai.retrieval.query.text=\"q\"\n"
	 "  bottrace.request.top_n=1\n"
	 "  usage 26 - - - -\n"},
	{"another shape, reranking is read", "/v1/rerank", "{\"model\":\"rerank-2\",\"query\":\"q\"}",
	 JSON_HEAD, "{}",
	 "http ok note: its body has another shape than its path says\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/rerank\"\n"},
};

static void reranking_is_read(void **state)
{
	(void)state;
	ROWS_RUN(reranking_is_read_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embeddings_are_read),
		cmocka_unit_test(reranking_is_read),
	};

	return cmocka_run_group_tests_name("genai embeddings", tests, NULL, NULL);
}
