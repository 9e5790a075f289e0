/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call costs: what its server says, else its usage times the table's prices. Where anything that has a price is not
 * known (the model, the class of service, a count), the cost is not known: a sum without a part of it is a wrong number.
 */
#include "genai/decoder.h"
#include "genai/prices.h"

#define MICRO	    1000000
#define DAY_S	    86400
#define MODEL_BYTES 512

/* ---- whose prices ---- */

/* Gateways name a model by its provider, in words of their own. The rows of LiteLLM's documentation. */
static const struct {
	const char *word, *provider;
} routes[] = {
	{"openai", "openai"},		{"azure", "azure.ai.openai"},
	{"anthropic", "anthropic"},	{"gemini", "gcp.gemini"},
	{"vertex_ai", "gcp.vertex_ai"}, {"bedrock", "aws.bedrock"},
	{"mistral", "mistral_ai"},	{"groq", "groq"},
	{"deepseek", "deepseek"},	{"xai", "x_ai"},
	{"cohere", "cohere"},		{"openrouter", "openrouter"},
	{"together_ai", "together"},	{"fireworks_ai", "fireworks"},
	{"perplexity", "perplexity"},	{"cerebras", "cerebras"},
	{"voyage", "voyageai"},		{"moonshot", "moonshot_ai"},
};

static bool is_gateway(struct str provider)
{
	return str_eq(provider, STR("litellm")) || str_eq(provider, STR("portkey"));
}

/* Lower case, without what Google's paths put before it. */
static struct str model_name(struct str s, char out[MODEL_BYTES])
{
	size_t n = s.n < MODEL_BYTES ? s.n : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	s = str_make(out, n);
	return str_starts(s, STR("models/")) ? str_skip(s, 7) : s;
}

static const struct prices_row *find(const struct genai_prices *p, struct prices_query q)
{
	const struct prices_row *row = prices_find(p, &q);
	const char *slash = row ? NULL : memrchr(q.model.p, '/', q.model.n);

	/* "openai/gpt-5" of a provider that knows it as gpt-5; paths of deployments and profiles. */
	if (slash == NULL)
		return row;
	q.model = str_skip(q.model, (size_t)(slash + 1 - q.model.p));
	return prices_find(p, &q);
}

static const struct prices_row *find_behind_gateway(const struct genai_prices *p, struct prices_query q)
{
	struct str word, rest = str_cut(q.model, '/', &word);

	if (rest.p == NULL)
		return NULL;
	q.model = rest;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (str_eq(word, str_of(routes[i].word))) {
			q.provider = str_of(routes[i].provider);
			return find(p, q);
		}
	return NULL;
}

/* By the model that answered; by the one that was asked for, when nobody knows the other. */
static const struct prices_row *find_row(const struct genai_prices *p, const struct genai_call *c,
					 struct str class, int32_t day)
{
	char answered[MODEL_BYTES], asked[MODEL_BYTES];
	struct str models[] = {model_name(c->response_model, answered), model_name(c->request_model, asked)};

	for (size_t i = 0; i < 2; i++) {
		struct prices_query q = {.provider = c->provider,
					 .model = models[i],
					 .class = class,
					 .day = day,
					 .input = c->usage.input};
		const struct prices_row *row = models[i].n ? find(p, q) : NULL;

		if (row == NULL && models[i].n && is_gateway(c->provider))
			row = find_behind_gateway(p, q);
		if (row != NULL)
			return row;
	}
	return NULL;
}

/* ---- who asks nothing ---- */

static bool is_loopback(struct str host)
{
	return str_ieq(host, STR("localhost")) || str_starts(host, STR("127.")) || str_eq(host, STR("::1")) ||
	       str_eq(host, STR("::ffff:127.0.0.1"));
}

/* Software that people run themselves, on this host. A gateway on the same host is none: it sends the call on. */
static bool is_local(const struct genai_call *c)
{
	bool cloud = str_ends(c->request_model, STR("-cloud")); /* Ollama sends those on */

	return is_loopback(c->server) && !is_gateway(c->provider) && !cloud &&
	       (c->terms.local || str_eq(c->provider, STR("ollama")));
}

/* ---- how much of what ---- */

struct sum {
	struct genai_cost *out;
	money_wide pusd;
	bool unknown;
};

/* rate: PRICES_NONE: the table has no price for this. */
static void add(struct sum *s, const char *what, int64_t count, int64_t rate)
{
	if (count < 0 || (count > 0 && rate == PRICES_NONE))
		s->unknown = true;
	if (count <= 0 || s->unknown || s->out->part_count == GENAI_COST_PARTS)
		return;
	s->pusd += (money_wide)count * rate;
	s->out->parts[s->out->part_count++] =
		(struct genai_cost_part){.what = what, .count = count, .each_pusd = rate};
}

static int64_t known(int64_t n)
{
	return n == GENAI_UNKNOWN ? 0 : n;
}

static int64_t or_else(int64_t rate, int64_t other)
{
	return rate == PRICES_NONE ? other : rate;
}

/* Classes that do not overlap, each at its price. Where a column is empty: what a cache read or took costs as fresh input,
 * an hour in it as its usual time, reasoning as output; audio has no price. */
static void add_tokens(struct sum *s, const struct genai_usage *u, const int64_t rate[PRICES_RATES])
{
	int64_t read = known(u->cache_read), written = known(u->cache_creation), hour = u->cache_creation_1h;
	int64_t reasoning = known(u->reasoning), output = known(u->output), input = known(u->input);
	int64_t write_rate = or_else(rate[PRICES_CACHE_WRITE], rate[PRICES_INPUT]);

	/* Each part is at most the whole, so that no difference can overflow. */
	if (read > input || written > input - read || hour > written || reasoning > output ||
	    u->audio_cache_read > u->audio_input || u->audio_cache_read > read ||
	    u->audio_output > output - (rate[PRICES_REASONING] == PRICES_NONE ? 0 : reasoning)) {
		s->unknown = true;
		return;
	}
	add(s, "input", input - read - written - (u->audio_input - u->audio_cache_read), rate[PRICES_INPUT]);
	add(s, "cache_read", read - u->audio_cache_read,
	    or_else(rate[PRICES_CACHE_READ], rate[PRICES_INPUT]));
	add(s, "cache_write", written - hour, write_rate);
	add(s, "cache_write_1h", hour, or_else(rate[PRICES_CACHE_WRITE_1H], write_rate));
	add(s, "audio_input", u->audio_input - u->audio_cache_read, rate[PRICES_AUDIO_IN]);
	add(s, "audio_cache_read", u->audio_cache_read,
	    or_else(rate[PRICES_AUDIO_CACHE], rate[PRICES_AUDIO_IN]));
	if (rate[PRICES_REASONING] == PRICES_NONE)
		reasoning = 0;
	add(s, "output", output - reasoning - u->audio_output, rate[PRICES_OUTPUT]);
	add(s, "reasoning", reasoning, rate[PRICES_REASONING]);
	add(s, "audio_output", u->audio_output, rate[PRICES_AUDIO_OUT]);
}

static bool has_tokens(const struct prices_row *row)
{
	for (int i = 0; i < PRICES_RATES; i++)
		if (row->rate[i] != PRICES_NONE)
			return true;
	return false;
}

/* ---- classes of service ---- */

/* The row with prices, and what to multiply its sum with. NULL: of a class that was told, no price is known. */
static const struct prices_row *find_prices(const struct genai_prices *p, const struct genai_call *c,
					    int32_t day, int64_t *times_micro)
{
	const struct prices_row *base = NULL;

	*times_micro = MICRO;
	for (int i = 0; i < GENAI_CLASSES; i++) {
		const struct prices_row *row;

		if (c->terms.classes[i].p == NULL)
			continue;
		row = find_row(p, c, c->terms.classes[i], day);
		if (row == NULL || (row->times_micro == PRICES_NONE && base != NULL))
			return NULL;
		if (row->times_micro == PRICES_NONE) {
			base = row;
			continue;
		}
		money_wide times = (money_wide)*times_micro * row->times_micro / MICRO;
		if (times > INT64_MAX)
			return NULL;
		*times_micro = (int64_t)times;
	}
	return base ? base : find_row(p, c, STR("standard"), day);
}

static void table_cost(const struct genai_prices *p, const struct genai_call *c, int32_t day,
		       struct genai_cost *out)
{
	struct sum s = {.out = out};
	const struct prices_row *row = find_prices(p, c, day, &out->times_micro);

	if (row == NULL)
		return;
	/* What was told before the answer began, and is not the answer's count. */
	bool early = c->terms.interim && c->status != GENAI_OK && !(c->estimated & GENAI_ESTIMATED_OUTPUT);
	bool counted =
		!early && c->usage.input != GENAI_UNKNOWN &&
		(c->usage.output != GENAI_UNKNOWN || c->kind == GENAI_EMBEDDINGS || c->kind == GENAI_RERANK);
	if (has_tokens(row) && !counted)
		return;
	if (has_tokens(row))
		add_tokens(&s, &c->usage, row->rate);
	if (row->request != PRICES_NONE)
		add(&s, "request", c->terms.units > 0 ? c->terms.units : 1, row->request);
	money_wide pusd = s.unknown || s.pusd > INT64_MAX ? -1 : s.pusd;
	if (pusd >= 0 && out->times_micro != MICRO)
		pusd = (pusd * out->times_micro + MICRO / 2) / MICRO;
	if (pusd < 0 || pusd > INT64_MAX)
		return;
	out->pusd = (int64_t)pusd;
	out->from = row->from;
	out->date = row->date;
	out->above = row->above;
	out->user = row->user;
	out->source = "table";
}

/* ---- the door ---- */

/* The server was at work: an answer that it refused is not on the bill. */
static bool is_billed(const struct genai_call *c)
{
	if (!genai_is_model(c->kind) || c->status == GENAI_OPEN)
		return false;
	return c->x == NULL || c->x->status < 400;
}

void genai_cost(const struct genai_prices *p, const struct genai_call *c, int64_t now_s,
		struct genai_cost *out)
{
	int64_t date_s = now_s;
	int32_t day = PRICES_NEWEST;

	*out = (struct genai_cost){.times_micro = MICRO};
	if (!is_billed(c))
		return;
	if (c->terms.cost_told) {
		out->pusd = c->terms.cost_pusd;
		out->source = "provider";
		return;
	}
	if (is_local(c)) {
		out->source = "local";
		return;
	}
	if (p == NULL)
		return;
	if (c->x != NULL)
		(void)genai_server_date(&c->x->response, &date_s);
	if (date_s > 0)
		day = (int32_t)(date_s / DAY_S < INT32_MAX ? date_s / DAY_S : PRICES_NEWEST - 1);
	struct genai_cost t = *out;
	table_cost(p, c, day, &t);
	if (t.source != NULL)
		*out = t;
}
