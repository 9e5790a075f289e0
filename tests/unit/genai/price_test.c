/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call costs: the parts and their sum, tiers, days, classes of service, what makes it unknown. */
#include <string.h>

#include "genai/prices.h"
#include "harness.h"

#define HEAD                                                                                         \
	"provider\tmodels\tfrom\tclass\tabove\tinput\toutput\tcache_read\tcache_write\tcache_write_" \
	"1h\treasoning\taudio_in\taudio_out\taudio_cache\trequest\ttimes\n"
#define REST "-\t-\t-\t-\t-\t-\t-\t-\t-\n"

static const char table[] =
	HEAD "x\tm\t-\t-\t-\t3\t15\t0.3\t3.75\t6\t-\t-\t-\t-\t-\t-\n"
	     "x\tm\t-\t-\t1000\t6\t22.5\t0.6\t7.5\t12\t-\t-\t-\t-\t-\t-\n"
	     "x\tm\t-\tbatch\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t0.5\n"
	     "x\tplain\t-\t-\t-\t1\t2\t" REST "x\tthinks\t-\t-\t-\t1\t2\t-\t-\t-\t3\t-\t-\t-\t-\t-\n"
	     "x\thears\t-\t-\t-\t1\t2\t0.5\t-\t-\t-\t10\t20\t5\t-\t-\n"
	     "x\tonce\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t0.002\t-\n"
	     "x\tboth\t-\t-\t-\t1\t1\t-\t-\t-\t-\t-\t-\t-\t0.012\t-\n"
	     "x\tembeds\t-\t-\t-\t0.02\t-\t" REST "x\tplain\t-\tfast\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t6\n"
	     "x\tplain\t-\tus\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t1.1\n"
	     "x\tplain\t-\tpriority\t-\t2\t4\t" REST "x\tdear\t-\t-\t-\t9000000000000\t0\t" REST;

struct bill {
	struct genai_prices *p;
	struct flow_conn conn;
	struct http_exchange x;
	struct genai_call c;
};

static struct bill *bill_new(const char *model)
{
	struct bill *b = calloc(1, sizeof(*b));
	struct genai_prices_error e;

	assert_non_null(b);
	b->p = genai_prices_new();
	assert_non_null(b->p);
	if (genai_prices_add(b->p, str_of(table), &e) < 0)
		fail_msg("line %u: %s", e.line, e.why);
	b->x.conn = &b->conn;
	b->x.status = 200;
	b->c = (struct genai_call){.x = &b->x,
				   .kind = GENAI_CHAT,
				   .status = GENAI_OK,
				   .provider = STR("x"),
				   .request_model = str_of(model),
				   .usage = GENAI_USAGE_UNKNOWN};
	b->c.usage.input = 100;
	b->c.usage.output = 10;
	return b;
}

static void bill_free(struct bill *b)
{
	genai_prices_free(b->p);
	free(b);
}

/* want: NULL: unknown. Always: the parts are the sum, and no token is counted twice. */
static void bill_is(struct bill *b, const char *want)
{
	struct genai_cost cost;
	char z[MONEY_TEXT];
	money_wide sum = 0;

	genai_cost(b->p, &b->c, 0, &cost);
	if ((cost.source == NULL) != (want == NULL))
		fail_msg("%s, want %s", cost.source ? cost.source : "unknown", want ? want : "unknown");
	if (want == NULL)
		return;
	money_format(cost.pusd, z);
	assert_string_equal(z, want);
	if (strcmp(cost.source, "table") != 0)
		return;
	for (uint32_t i = 0; i < cost.part_count; i++)
		sum += (money_wide)cost.parts[i].count * cost.parts[i].each_pusd;
	sum = (sum * cost.times_micro + 500000) / 1000000;
	assert_true(sum == cost.pusd);
}

static void classes_of_tokens(void **state)
{
	struct bill *b = bill_new("m");

	(void)state;
	bill_is(b, "0.00045"); /* 100 x 3 + 10 x 15 */
	b->c.usage.cache_read = 40;
	bill_is(b, "0.000342"); /* 60 x 3 + 40 x 0.3 + 150 */
	b->c.usage.cache_creation = 20;
	bill_is(b, "0.000357"); /* 40 x 3 + 12 + 20 x 3.75 + 150 */
	b->c.usage.cache_creation_1h = 5;
	bill_is(b, "0.00036825"); /* 120 + 12 + 15 x 3.75 + 5 x 6 + 150 */
	b->c.usage.reasoning = 9; /* a part of output at its price */
	bill_is(b, "0.00036825");
	b->c.usage.cache_creation = 61; /* more than there is */
	bill_is(b, NULL);
	b->c.usage.cache_creation = 20;
	b->c.usage.cache_creation_1h = 21;
	bill_is(b, NULL);
	b->c.usage.cache_creation_1h = 0;
	b->c.usage.audio_input = 1; /* without a price */
	bill_is(b, NULL);
	bill_free(b);
}

static void empty_columns(void **state)
{
	struct bill *b = bill_new("plain");

	(void)state;
	b->c.usage.cache_read = 50;
	b->c.usage.cache_creation = 50;
	b->c.usage.cache_creation_1h = 20;
	bill_is(b, "0.00012"); /* as fresh input */
	b->c.request_model = STR("thinks");
	b->c.usage.reasoning = 4;
	bill_is(b, "0.000124"); /* 100 + 6 x 2 + 4 x 3 */
	b->c.usage.reasoning = 11;
	bill_is(b, NULL);
	bill_free(b);
}

static void audio(void **state)
{
	struct bill *b = bill_new("hears");

	(void)state;
	b->c.usage.cache_read = 30;
	b->c.usage.audio_input = 50;
	b->c.usage.audio_cache_read = 20;
	b->c.usage.audio_output = 4;
	/* input 40 x 1, cache 10 x 0.5, audio 30 x 10, audio cache 20 x 5, output 6 x 2, audio 4 x 20 */
	bill_is(b, "0.000537");
	b->c.usage.audio_cache_read = 31;
	bill_is(b, NULL);
	bill_free(b);
}

static void tiers(void **state)
{
	struct bill *b = bill_new("m");

	(void)state;
	b->c.usage.input = 1000;
	bill_is(b, "0.00315");
	b->c.usage.input = 1001; /* the whole request */
	bill_is(b, "0.006231");
	b->c.usage.cache_read = 1001; /* cached tokens count for the tier */
	bill_is(b, "0.0008256");
	bill_free(b);
}

static void services(void **state)
{
	struct bill *b = bill_new("plain");

	(void)state;
	bill_is(b, "0.00012");
	b->c.terms.classes[GENAI_CLASS_TIER] = STR("priority");
	bill_is(b, "0.00024");
	b->c.terms.classes[GENAI_CLASS_SPEED] = STR("fast");
	bill_is(b, "0.00144");
	b->c.terms.classes[GENAI_CLASS_REGION] = STR("us");
	bill_is(b, "0.001584");
	b->c.terms.classes[GENAI_CLASS_TIER] = STR_NONE;
	bill_is(b, "0.000792");
	b->c.terms.classes[GENAI_CLASS_TIER] = STR("scale"); /* no price is known */
	bill_is(b, NULL);
	b->c.terms = (struct genai_terms){.classes = {STR("batch")}};
	bill_is(b, NULL); /* of another model */
	b->c.request_model = STR("m");
	bill_is(b, "0.000225");
	b->c.usage.input = 1001;
	bill_is(b, "0.0031155"); /* of the tier's price */
	bill_free(b);
}

static void requests(void **state)
{
	struct bill *b = bill_new("once");

	(void)state;
	b->c.usage = GENAI_USAGE_UNKNOWN;
	bill_is(b, "0.002");
	b->c.terms.units = 7;
	bill_is(b, "0.014");
	b->c.terms.units = 0;
	b->c.request_model = STR("both");
	bill_is(b, NULL); /* tokens are not known */
	b->c.usage.input = 1000;
	b->c.usage.output = 500;
	bill_is(b, "0.0135");
	b->c.request_model = STR("embeds");
	bill_is(b, NULL); /* output has no price */
	b->c.kind = GENAI_EMBEDDINGS;
	b->c.usage.output = GENAI_UNKNOWN;
	bill_is(b, "0.00002");
	bill_free(b);
}

static void limits(void **state)
{
	struct bill *b = bill_new("m");

	(void)state;
	b->c.usage.input = INT64_MAX;
	b->c.usage.output = 0;
	bill_is(b, NULL);
	b->c.usage.input = 0;
	bill_is(b, "0");
	b->c.usage.cache_read = INT64_MAX;
	bill_is(b, NULL);
	b->c.usage.cache_read = 0;
	b->c.usage.audio_input = INT64_MAX;
	bill_is(b, NULL);
	b->c.usage.audio_input = 0;
	b->c.usage.output = INT64_MAX;
	b->c.usage.reasoning = INT64_MAX;
	bill_is(b, NULL);
	b->c.request_model = STR("dear"); /* 9 million dollars each: one is known, two are too many */
	b->c.usage = GENAI_USAGE_UNKNOWN;
	b->c.usage.input = 1;
	b->c.usage.output = 0;
	bill_is(b, "9000000");
	b->c.usage.input = 2;
	bill_is(b, NULL);
	bill_free(b);
}

static void who_says(void **state)
{
	struct bill *b = bill_new("nobody-knows");
	struct genai_cost cost;

	(void)state;
	bill_is(b, NULL);
	b->c.response_model = STR("PLAIN"); /* the one that answered */
	bill_is(b, "0.00012");
	b->c.response_model = STR("nobody-knows-this-either");
	b->c.request_model = STR("vendor/plain");
	bill_is(b, "0.00012");
	b->c.terms.cost_told = true;
	b->c.terms.cost_pusd = 5;
	genai_cost(b->p, &b->c, 0, &cost);
	assert_string_equal(cost.source, "provider");
	bill_is(b, "0.000000000005");
	b->c.terms.cost_told = false;
	b->x.status = 429;
	bill_is(b, NULL);
	b->x.status = 200;
	b->c.status = GENAI_OPEN;
	bill_is(b, NULL);
	b->c.status = GENAI_ABORTED;
	b->c.terms.interim = true; /* a count from before the answer */
	bill_is(b, NULL);
	b->c.estimated = GENAI_ESTIMATED_OUTPUT;
	bill_is(b, "0.00012");
	bill_free(b);
}

static void local_servers(void **state)
{
	struct bill *b = bill_new("llama3.2");

	(void)state;
	b->c.provider = STR("openai");
	b->c.server = STR("127.0.0.1");
	bill_is(b, NULL); /* who is that? */
	b->c.terms.local = true;
	bill_is(b, "0");
	b->c.server = STR("models.example.com");
	bill_is(b, NULL);
	b->c.terms.local = false;
	b->c.server = STR("localhost");
	b->c.provider = STR("ollama");
	bill_is(b, "0");
	b->c.request_model = STR("gpt-oss:120b-cloud");
	bill_is(b, NULL);
	b->c.request_model = STR("llama3.2");
	b->c.provider = STR("litellm"); /* it sends the call on */
	b->c.terms.local = true;
	bill_is(b, NULL);
	b->c.request_model = STR("openai/gpt-4o");
	bill_is(b, "0.00035");
	bill_free(b);
}

static void the_answers_day(void **state)
{
	struct http_field date = {STR("Date"), STR("Mon, 09 Jun 2025 23:59:59 GMT")};
	struct bill *b = bill_new("o3");

	(void)state;
	b->c.provider = STR("openai");
	b->x.response.fields = &date;
	b->x.response.count = 1;
	bill_is(b, "0.0014"); /* 100 x 10 + 10 x 40 */
	date.value = STR("Tue, 10 Jun 2025 00:00:00 GMT");
	bill_is(b, "0.00028");
	date.value = STR("yesterday");
	bill_is(b, "0.00028"); /* the youngest */
	bill_free(b);
}

/* Any counts: known only when they fit together, and then the sum of its parts, each token in one of them. */
static void every_token_once(void **state)
{
	static const char *const models[] = {"m", "plain", "thinks", "hears", "both"};
	uint64_t n = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct bill *b = bill_new(models[i % 5]);
		struct genai_usage *u = &b->c.usage;
		struct genai_cost cost;
		int64_t tokens = 0;

		int64_t *all[] = {&u->input,	      &u->output,	    &u->cache_read,
				  &u->cache_creation, &u->reasoning,	    &u->cache_creation_1h,
				  &u->audio_input,    &u->audio_cache_read, &u->audio_output};
		for (size_t k = 0; k < 9; k++) {
			n ^= n << 13;
			n ^= n >> 7;
			n ^= n << 17;
			*all[k] = (int64_t)(n % (k < 2 ? 10000 : k < 5 ? 3000 : 300)) * (n >> 60 > 3);
		}
		genai_cost(b->p, &b->c, 0, &cost);
		if (cost.source != NULL) {
			money_wide sum = 0;

			for (uint32_t k = 0; k < cost.part_count; k++) {
				sum += (money_wide)cost.parts[k].count * cost.parts[k].each_pusd;
				tokens += strcmp(cost.parts[k].what, "request") ? cost.parts[k].count : 0;
			}
			assert_true(sum == cost.pusd);
			assert_int_equal(tokens, u->input + u->output);
		}
		bill_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_of_tokens),
		cmocka_unit_test(empty_columns),
		cmocka_unit_test(audio),
		cmocka_unit_test(tiers),
		cmocka_unit_test(services),
		cmocka_unit_test(requests),
		cmocka_unit_test(limits),
		cmocka_unit_test(who_says),
		cmocka_unit_test(local_servers),
		cmocka_unit_test(the_answers_day),
		cmocka_unit_test(every_token_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
