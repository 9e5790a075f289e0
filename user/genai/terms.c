/* SPDX-License-Identifier: BSD-2-Clause */
/* What answers say of their price beyond counts: the class of service, a price in dollars, who serves. */
#include "base/money.h"
#include "genai/decoder.h"

#define CLASS_BYTES 48
#define TICK_PUSD   100 /* xAI counts in ten-billionths of a dollar */

void genai_terms_class(struct genai_work *w, enum genai_class which, struct str s)
{
	static const struct {
		const char *theirs, *ours; /* NULL: the standard class */
	} rows[] = {
		{"default", NULL},
		{"standard", NULL},
		{"auto", NULL}, /* asked for; what it became is said later */
		{"on_demand", NULL},
		{"on_demand_flex", "flex"},
		{"on_demand_priority", "priority"},
		{"traffic_type_unspecified", NULL},
		{"unspecified", NULL},
		{"service_tier_unspecified", NULL},
		{"not_available", NULL}, /* Anthropic's inference_geo */
		{"global", NULL},
	};
	struct str *out = &w->c.terms.classes[which];
	char z[CLASS_BYTES];

	if (s.n == 0 || s.n > sizeof(z))
		return;
	for (size_t i = 0; i < s.n; i++)
		z[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	s = str_make(z, s.n);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(s, str_of(rows[i].theirs))) {
			*out = str_of(rows[i].ours);
			return;
		}
	if (!str_eq(*out, s))
		*out = arena_dup(w->c.arena, s);
}

/* Members that only llama.cpp's server and vLLM have, and the fingerprint of Ollama's compatible API. */
static bool has_local_mark(const struct json *body)
{
	return json_type(json_get(body, "timings")) == JSON_OBJECT ||
	       json_type(json_get(body, "kv_transfer_params")) != JSON_NONE ||
	       json_type(json_get(body, "prompt_logprobs")) != JSON_NONE ||
	       json_type(json_get(body, "prompt_token_ids")) != JSON_NONE ||
	       json_is(json_get(body, "system_fingerprint"), "fp_ollama");
}

void genai_terms_read(struct genai_work *w, const struct json *body)
{
	struct genai_terms *t = &w->c.terms;

	genai_terms_class(w, GENAI_CLASS_TIER, json_get_str(genai_scratch(w), body, "service_tier"));
	if (!t->local && w->c.x->conn->server.p == NULL) /* a name that TLS gave is nobody's own machine */
		t->local = has_local_mark(body);
}

static void add(int64_t *sum, const struct json *j)
{
	int64_t n;

	if (json_type(j) != JSON_NUMBER || json_is_cut(j) || !money_parse(json_raw(j), &n))
		return;
	if (*sum == GENAI_UNKNOWN)
		*sum = 0;
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = GENAI_UNKNOWN;
}

void genai_terms_usage(struct genai_work *w, const struct json *usage)
{
	const struct json *cost = json_get(usage, "cost"), *ticks = json_get(usage, "cost_in_usd_ticks");
	int64_t sum = GENAI_UNKNOWN, n;
	bool own_key = false;

	if (json_type(cost) == JSON_OBJECT) /* Perplexity */
		cost = json_get(cost, "total_cost");
	add(&sum, cost);
	/* OpenRouter with a key of the user's at the provider: its own fee, and what the provider charges. */
	if (sum != GENAI_UNKNOWN && json_bool(json_get(usage, "is_byok"), &own_key) && own_key)
		add(&sum, json_path(usage, "cost_details", "upstream_inference_cost", NULL));
	if (sum == GENAI_UNKNOWN && json_i64(ticks, &n) && n >= 0 && n <= INT64_MAX / TICK_PUSD)
		sum = n * TICK_PUSD;
	if (sum == GENAI_UNKNOWN)
		return;
	w->c.terms.cost_told = true;
	w->c.terms.cost_pusd = sum;
}

void genai_terms_fields(struct genai_work *w)
{
	const struct http_message *m = &w->c.x->response;
	struct genai_terms *t = &w->c.terms;
	struct str server = str_trim(http_field(m, "server"));

	if (money_parse(str_trim(http_field(m, "x-litellm-response-cost")), &t->cost_pusd))
		t->cost_told = true;
	t->local |= str_ieq(server, STR("llama.cpp")) || str_istarts(server, STR("ollama"));
}
