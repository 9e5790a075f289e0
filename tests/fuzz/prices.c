/* SPDX-License-Identifier: BSD-2-Clause */
/* A price file; and what a call costs by it: the counts are the input's first bytes, whatever they are. */
#include "fuzz.h"
#include "genai/prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genai_prices *table; /* reading the built-in rows each time would be most of the work */
	struct genai_prices_error error;
	struct http_exchange x = {.status = 200};
	struct flow_conn conn = {0};
	struct genai_call c = {.x = &x, .kind = GENAI_CHAT, .status = GENAI_OK, .provider = STR("x")};
	struct str text = str_make(data, size), model;
	struct genai_cost cost;

	x.conn = &conn;
	if (table == NULL)
		table = genai_prices_new();
	if (table == NULL)
		return 0;
	text = str_cut(text, '\n', &model);
	int r = genai_prices_add(table, text.p ? text : STR(""), &error);
	assert(r == 0 || (error.why[0] != '\0' && error.line <= size + 1));
	/* The model's first letter chooses what else there is to say of the call. */
	c.request_model = model;
	c.server = str_starts(model, STR("l")) ? STR("localhost") : STR("127.1");
	c.terms.local = str_starts(model, STR("lo"));
	c.kind = str_starts(model, STR("e"))   ? GENAI_EMBEDDINGS
		 : str_starts(model, STR("h")) ? GENAI_HTTP
					       : GENAI_CHAT;
	if (str_starts(model, STR("g")))
		c.provider = STR("litellm");
	c.terms.cost_told =
		str_starts(model, STR("$")) && money_parse(str_skip(model, 1), &c.terms.cost_pusd);
	for (size_t i = 0; i < sizeof(c.usage) && i < size; i++)
		((uint8_t *)&c.usage)[i] = data[i] & (i % 8 < 3 ? 0xff : 0);
	c.terms.classes[GENAI_CLASS_TIER] = size % 3 ? STR_NONE : STR("flex");
	c.terms.classes[GENAI_CLASS_REGION] = size % 7 ? STR_NONE : STR("us");
	genai_cost(table, &c, (int64_t)size * 86400 * 50, &cost);
	if (cost.source != NULL) {
		char z[MONEY_TEXT];
		int64_t again;

		money_format(cost.pusd, z);
		assert(money_parse(str_of(z), &again) && again == cost.pusd);
		money_round(cost.pusd, z);
		money_round((money_wide)cost.pusd * INT64_MAX, z);
	}
	if (cost.part_count > 0 && cost.source != NULL && cost.times_micro == 1000000) {
		money_wide sum = 0;

		for (uint32_t i = 0; i < cost.part_count; i++)
			sum += (money_wide)cost.parts[i].count * cost.parts[i].each_pusd;
		assert(sum == cost.pusd);
	}
	return 0;
}
