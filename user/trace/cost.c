/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call cost, as attributes of its span; and what of its usage was reckoned and not told. */
#include "base/jsonw.h"
#include "base/money.h"
#include "base/text.h"
#include "trace/set.h"

#define NS_PER_S 1000000000

static void draft_estimated(struct trace_draft *d, const struct genai_call *c, bool cost)
{
	static const struct {
		unsigned bit;
		const char *key;
	} rows[] = {
		{GENAI_ESTIMATED_INPUT, "gen_ai.usage.input_tokens"},
		{GENAI_ESTIMATED_OUTPUT, "gen_ai.usage.output_tokens"},
	};
	struct jsonw w;

	if (c->estimated == 0)
		return;
	struct buf *text = trace_draft_buf(d);
	jsonw_init(&w, text);
	jsonw_array(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (c->estimated & rows[i].bit)
			jsonw_z(&w, rows[i].key);
	if (cost)
		jsonw_z(&w, "bottrace.cost_usd");
	jsonw_array_end(&w);
	trace_draft_json(d, "bottrace.estimated", buf_str(text));
}

static void write_money(struct jsonw *w, const char *key, money_wide pusd)
{
	char z[MONEY_TEXT];

	money_format(pusd, z);
	jsonw_z(jsonw_key(w, key), z);
}

static void write_part(struct jsonw *w, const struct genai_cost_part *p)
{
	bool request = str_eq(str_of(p->what), STR("request"));

	jsonw_object(w);
	jsonw_z(jsonw_key(w, "of"), p->what);
	jsonw_i64(jsonw_key(w, request ? "requests" : "tokens"), p->count);
	if (request)
		write_money(w, "usd_each", p->each_pusd);
	else
		write_money(w, "usd_per_million", (money_wide)p->each_pusd * 1000000);
	jsonw_object_end(w);
}

/* The row of the table, and every product of the sum: what a person needs to reckon it again. */
static void draft_price(struct trace_draft *d, const struct genai_call *c, const struct genai_cost *cost)
{
	struct buf *text = trace_draft_buf(d);
	struct jsonw w;

	jsonw_init(&w, text);
	jsonw_object(&w);
	jsonw_z(jsonw_key(&w, "table"), cost->user ? "user" : "builtin");
	if (cost->date.p)
		jsonw_str(jsonw_key(&w, "date"), cost->date);
	if (cost->from.p)
		jsonw_str(jsonw_key(&w, "from"), cost->from);
	if (cost->above)
		jsonw_i64(jsonw_key(&w, "above_tokens"), cost->above);
	for (int i = 0, n = 0; i < GENAI_CLASSES; i++) {
		if (c->terms.classes[i].p == NULL)
			continue;
		if (n++ == 0)
			jsonw_array(jsonw_key(&w, "classes"));
		jsonw_str(&w, c->terms.classes[i]);
	}
	if (c->terms.classes[0].p || c->terms.classes[1].p || c->terms.classes[2].p)
		jsonw_array_end(&w);
	if (cost->times_micro != 1000000)
		write_money(&w, "times", (money_wide)cost->times_micro * 1000000);
	jsonw_array(jsonw_key(&w, "parts"));
	for (uint32_t i = 0; i < cost->part_count; i++)
		write_part(&w, &cost->parts[i]);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	trace_draft_json(d, "bottrace.price", buf_str(text));
}

void trace_cost_draft(const struct trace_set *t, struct trace_draft *d, const struct genai_call *c)
{
	struct genai_cost cost;
	char z[MONEY_TEXT];
	int64_t now_s = 0;

	if (!genai_is_model(c->kind))
		return;
	if (t->mode != WIRE_MODE_DECODE && c->end_ns)
		now_s = text_utc(c->end_ns, t->utc_offset_ns) / NS_PER_S;
	genai_cost(t->settings.prices, c, now_s, &cost);
	draft_estimated(d, c, cost.source != NULL && str_eq(str_of(cost.source), STR("table")));
	if (cost.source == NULL || d->failed)
		return;
	money_format(cost.pusd, z);
	trace_draft_str(d, "bottrace.cost_usd", arena_dup(d->a, str_of(z)));
	trace_draft_str(d, "bottrace.cost_source", str_of(cost.source));
	if (str_eq(str_of(cost.source), STR("table")))
		draft_price(d, c, &cost);
}
