/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes of a call's cost. */
#include "world.h"

static struct told *paid(struct world *w, struct call **out, const char *model)
{
	struct call *k = call_new(w, 100, 100);

	k->c.kind = GENAI_CHAT;
	k->c.operation = "chat";
	k->c.provider = STR("anthropic");
	k->c.request_model = str_of(model);
	call_in(k, "user", "hi");
	call_out_text(k, "ho");
	k->c.usage.input = 9120;
	k->c.usage.cache_read = 8192;
	k->c.usage.output = 64;
	trace_genai_ops()->request(w->t, &k->c);
	if (out) {
		*out = k;
		return NULL;
	}
	call_close(k, GENAI_OK, 200);
	call_end(k);
	return &w->spans[w->count - 1];
}

static void from_the_table(void **state)
{
	struct genai_prices *prices = genai_prices_new();
	struct world *w = world_new_priced(WIRE_MODE_RUN, prices);

	(void)state;
	world_fact(w, 100, 0);
	world_target(w, 100);
	struct told *s = paid(w, NULL, "claude-sonnet-4-5");

	world_want(s, "bottrace.cost_usd", "0.0062016");
	world_want(s, "bottrace.cost_source", "table");
	world_want(s, "bottrace.estimated", NULL);
	world_want(s, "bottrace.price",
		   "{\"table\":\"builtin\",\"date\":\"2026-08-21\",\"parts\":["
		   "{\"of\":\"input\",\"tokens\":928,\"usd_per_million\":\"3\"},"
		   "{\"of\":\"cache_read\",\"tokens\":8192,\"usd_per_million\":\"0.3\"},"
		   "{\"of\":\"output\",\"tokens\":64,\"usd_per_million\":\"15\"}]}");
	/* Nobody knows what it costs: nothing is said, least of all 0. */
	s = paid(w, NULL, "claude-of-my-own");
	world_want(s, "bottrace.cost_usd", NULL);
	world_want(s, "bottrace.cost_source", NULL);
	world_want(s, "bottrace.price", NULL);
	struct call *k;
	(void)paid(w, &k, "claude-sonnet-4-5");
	k->c.estimated = GENAI_ESTIMATED_OUTPUT;
	k->c.terms.classes[GENAI_CLASS_TIER] = STR("batch");
	call_close(k, GENAI_OK, 200);
	call_end(k);
	s = &w->spans[w->count - 1];
	world_want(s, "bottrace.cost_usd", "0.0031008");
	world_want(s, "bottrace.estimated", "[\"gen_ai.usage.output_tokens\",\"bottrace.cost_usd\"]");
	assert_non_null(strstr(world_get(s, "bottrace.price"), "\"classes\":[\"batch\"],\"times\":\"0.5\""));
	world_free(w);
	genai_prices_free(prices);
}

static void as_the_provider_says(void **state)
{
	struct world *w = world_run(); /* without a table */
	struct call *k;

	(void)state;
	(void)paid(w, &k, "claude-sonnet-4-5");
	k->c.terms.cost_told = true;
	k->c.terms.cost_pusd = 0;
	k->c.estimated = GENAI_ESTIMATED_INPUT;
	call_close(k, GENAI_OK, 200);
	call_end(k);
	struct told *s = &w->spans[w->count - 1];
	world_want(s, "bottrace.cost_usd", "0"); /* it said so */
	world_want(s, "bottrace.cost_source", "provider");
	world_want(s, "bottrace.price", NULL);
	world_want(s, "bottrace.estimated", "[\"gen_ai.usage.input_tokens\"]"); /* not the cost */
	world_want(paid(w, NULL, "claude-sonnet-4-5"), "bottrace.cost_usd", NULL);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_table),
		cmocka_unit_test(as_the_provider_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
