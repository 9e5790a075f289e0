/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who serves a host. First row that fits wins. Names are OpenTelemetry's gen_ai.provider.name values; hosts outside
 * its list go by their own name. Hosts are from the providers' documentation.
 */
#include "genai/decoder.h"

struct host_row {
	const char *prefix; /* of the host */
	const char *suffix; /* of the host. With a leading dot: a domain or any below it */
	uint16_t port;	    /* 0: any */
	const char *provider;
};

static const struct host_row hosts[] = {
	{"", ".api.openai.com", 0, "openai"},
	{"", ".openai.azure.com", 0, "azure.ai.openai"},
	{"", ".cognitiveservices.azure.com", 0, "azure.ai.openai"},
	{"", ".azure-api.net", 0, "azure.ai.openai"},
	{"", ".services.ai.azure.com", 0, "azure.ai.inference"},
	{"", ".inference.ai.azure.com", 0, "azure.ai.inference"},
	{"", ".api.anthropic.com", 0, "anthropic"},
	{"", ".generativelanguage.googleapis.com", 0, "gcp.gemini"},
	{"", ".aiplatform.googleapis.com", 0, "gcp.vertex_ai"},
	{"", "-aiplatform.googleapis.com", 0, "gcp.vertex_ai"},
	{"bedrock-runtime", ".amazonaws.com", 0, "aws.bedrock"},
	{"bedrock-runtime", ".amazonaws.com.cn", 0, "aws.bedrock"},
	{"bedrock-agent-runtime.", "", 0, "aws.bedrock"},
	{"bedrock-mantle.", ".api.aws", 0, "aws.bedrock"},
	{"", ".api.mistral.ai", 0, "mistral_ai"},
	{"", ".api.cohere.com", 0, "cohere"},
	{"", ".api.cohere.ai", 0, "cohere"},
	{"", ".api.groq.com", 0, "groq"},
	{"", ".api.deepseek.com", 0, "deepseek"},
	{"", ".api.x.ai", 0, "x_ai"},
	{"", ".api.perplexity.ai", 0, "perplexity"},
	{"", ".openrouter.ai", 0, "openrouter"},
	{"", ".api.moonshot.ai", 0, "moonshot_ai"},
	{"", ".api.moonshot.cn", 0, "moonshot_ai"},
	{"", ".api.cerebras.ai", 0, "cerebras"},
	{"", ".api.together.xyz", 0, "together"},
	{"", ".api.together.ai", 0, "together"},
	{"", ".api.fireworks.ai", 0, "fireworks"},
	{"", ".api.novita.ai", 0, "novita"},
	{"", ".api.z.ai", 0, "zai"},
	{"", ".open.bigmodel.cn", 0, "zhipu"},
	{"", ".api.minimax.io", 0, "minimax"},
	{"", ".api.minimax.com", 0, "minimax"},
	{"", ".api.minimaxi.com", 0, "minimax"},
	{"", ".api.minimaxi.io", 0, "minimax"},
	{"", ".api.voyageai.com", 0, "voyageai"},
	{"", ".api.portkey.ai", 0, "portkey"},
	{"", ".router.huggingface.co", 0, "huggingface"},
	{"", ".api-inference.huggingface.co", 0, "huggingface"},
	{"", ".ml.cloud.ibm.com", 0, "ibm.watsonx.ai"},
	{"api.", ".nebius.com", 0, "nebius"},
	{"api.", ".nebius.ai", 0, "nebius"},
	{"", ".api.deepinfra.com", 0, "deepinfra"},
	{"", ".api.sambanova.ai", 0, "sambanova"},
	{"", ".integrate.api.nvidia.com", 0, "nvidia"},
	{"", "", 11434, "ollama"},
};

static bool host_fits(const struct host_row *row, struct str host, uint16_t port)
{
	struct str prefix = str_of(row->prefix), suffix = str_of(row->suffix);

	if (row->port != 0 && row->port != port)
		return false;
	if (!str_istarts(host, prefix))
		return false;
	if (suffix.n > 0 && suffix.p[0] == '.' && str_ieq(host, str_skip(suffix, 1)))
		return true;
	return host.n >= suffix.n && str_ieq(str_skip(host, host.n - suffix.n), suffix);
}

struct str genai_provider_find(struct str host, uint16_t port)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--; /* a fully qualified name */
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (host_fits(&hosts[i], host, port))
			return str_of(hosts[i].provider);
	return STR_NONE;
}

/* Gateways that stand on anybody's host and are known only by what they answer. */
struct str genai_provider_gateway(const struct http_message *response)
{
	static const struct {
		const char *field, *provider;
	} rows[] = {
		{"x-litellm-call-id", "litellm"},
		{"x-litellm-model-id", "litellm"},
		{"x-portkey-trace-id", "portkey"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (http_field(response, rows[i].field).p != NULL)
			return str_of(rows[i].provider);
	return STR_NONE;
}
