/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"
#include "harness.h"

static void hosts_have_names(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *want; /* NULL: unknown */
	} rows[] = {
		{"api.openai.com", 443, "openai"},
		{"API.OpenAI.com", 443, "openai"},
		{"api.openai.com.", 443, "openai"},
		{"eu.api.openai.com", 443, "openai"},
		{"evilapi.openai.com", 443, NULL},
		{"api.openai.com.evil.org", 443, NULL},
		{"x.openai.azure.com", 443, "azure.ai.openai"},
		{"x.cognitiveservices.azure.com", 443, "azure.ai.openai"},
		{"x.azure-api.net", 443, "azure.ai.openai"},
		{"x.eastus.inference.ai.azure.com", 443, "azure.ai.inference"},
		{"x.services.ai.azure.com", 443, "azure.ai.inference"},
		{"api.anthropic.com", 443, "anthropic"},
		{"generativelanguage.googleapis.com", 443, "gcp.gemini"},
		{"us-east5-aiplatform.googleapis.com", 443, "gcp.vertex_ai"},
		{"aiplatform.googleapis.com", 443, "gcp.vertex_ai"},
		{"bedrock-runtime.us-east-1.amazonaws.com", 443, "aws.bedrock"},
		{"bedrock-runtime-fips.us-east-1.amazonaws.com", 443, "aws.bedrock"},
		{"bedrock-runtime.cn-north-1.amazonaws.com.cn", 443, "aws.bedrock"},
		{"bedrock-agent-runtime.us-east-1.amazonaws.com", 443, "aws.bedrock"},
		{"s3.us-east-1.amazonaws.com", 443, NULL},
		{"bedrock-mantle.us-east-1.api.aws", 443, "aws.bedrock"},
		{"api.mistral.ai", 443, "mistral_ai"},
		{"api.cohere.com", 443, "cohere"},
		{"api.cohere.ai", 443, "cohere"},
		{"api.groq.com", 443, "groq"},
		{"api.deepseek.com", 443, "deepseek"},
		{"api.perplexity.ai", 443, "perplexity"},
		{"api.moonshot.ai", 443, "moonshot_ai"},
		{"api.moonshot.cn", 443, "moonshot_ai"},
		{"api.cerebras.ai", 443, "cerebras"},
		{"api.together.ai", 443, "together"},
		{"api.novita.ai", 443, "novita"},
		{"api.minimax.com", 443, "minimax"},
		{"api.minimax.io", 443, "minimax"},
		{"api.minimaxi.com", 443, "minimax"},
		{"api.minimaxi.io", 443, "minimax"},
		{"open.bigmodel.cn", 443, "zhipu"},
		{"us-south.ml.cloud.ibm.com", 443, "ibm.watsonx.ai"},
		{"api.openrouter.ai", 443, "openrouter"},
		{"api.x.ai", 443, "x_ai"},
		{"api.together.xyz", 443, "together"},
		{"api.z.ai", 443, "zai"},
		{"api.voyageai.com", 443, "voyageai"},
		{"api.portkey.ai", 443, "portkey"},
		{"api.fireworks.ai", 443, "fireworks"},
		{"api.studio.nebius.com", 443, "nebius"},
		{"openrouter.ai", 443, "openrouter"},
		{"router.huggingface.co", 443, "huggingface"},
		{"localhost", 11434, "ollama"},
		{"localhost", 8000, NULL},
		{"", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str got = genai_provider_find(str_of(rows[i].host), rows[i].port);

		harness_assert_text(rows[i].host, got, str_of(rows[i].want ? rows[i].want : ""));
		assert_int_equal(got.p == NULL, rows[i].want == NULL);
	}
}

static void paths_have_decoders(void **state)
{
	static const struct {
		const char *method, *path;
		const struct genai_decoder *want;
		bool no_model_call;
	} rows[] = {
		{"POST", "/v1/chat/completions", &genai_openai_chat, false},
		{"POST", "/v1/chat/completions/", &genai_openai_chat, false},
		{"POST", "/chat/completions", &genai_openai_chat, false},
		{"POST", "/openai/deployments/x/chat/completions", &genai_openai_chat, false},
		{"POST", "/v1/messages", &genai_anthropic_messages, false},
		{"POST", "/anthropic/v1/messages", &genai_anthropic_messages, false},
		{"POST", "/v1/messages/count_tokens", NULL, true},
		{"POST", "/v1/messages/batches", NULL, true},
		{"GET", "/v1/chat/completions", NULL, true},
		{"GET", "/v1/chat/completions/chatcmpl-1", NULL, true},
		{"POST", "/v1/responses", &genai_openai_responses, false},
		{"POST", "/openai/v1/responses", &genai_openai_responses, false},
		{"POST", "/v1/responses/compact", &genai_openai_responses, false},
		{"POST", "/v1/responses/input_tokens", NULL, true},
		{"GET", "/v1/responses/resp_1", NULL, true},
		{"POST", "/v1/responses/resp_1/cancel", NULL, true},
		{"POST", "/mychat/completions", NULL, false},
		{"POST", "/", NULL, false},
		{"POST", "", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *note = NULL;
		bool none = false;

		assert_ptr_equal(genai_route_path(str_of(rows[i].method), str_of(rows[i].path), &note, &none),
				 rows[i].want);
		assert_int_equal(none, rows[i].no_model_call);
		assert_int_equal(note != NULL, none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_have_names),
		cmocka_unit_test(paths_have_decoders),
	};

	return cmocka_run_group_tests_name("genai provider", tests, NULL, NULL);
}
