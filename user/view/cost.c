/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/cost.h"

#include "base/text.h"

#define PARTS_SHOWN 12u

static bool is_estimated(const struct node *n, const char *what)
{
	const struct json *names = node_attribute(n, "bottrace.estimated");

	for (const struct json *e = json_first(names); e; e = json_next(e))
		if (json_is(e, what))
			return true;
	return false;
}

bool cost_get(const struct node *n, int64_t *pusd, bool *estimated)
{
	const struct json *j = node_attribute(n, "bottrace.cost_usd");
	struct str raw = json_raw(j);

	/* A decimal number in quotes, without an escape. */
	if (json_type(j) != JSON_STRING || raw.n < 3 || !money_parse(str_make(raw.p + 1, raw.n - 2), pusd))
		return false;
	*estimated = is_estimated(n, "bottrace.cost_usd");
	return true;
}

void cost_count(struct cost_sum *s, int64_t pusd, bool estimated, bool failed, int64_t http_status)
{
	bool answered = http_status > 0 && http_status < 400;

	if (pusd >= 0) {
		s->pusd += pusd;
		s->known++;
		s->estimated |= estimated;
	} else if (answered || (!failed && http_status < 400)) {
		s->unknown++;
	}
}

void cost_add(struct cost_sum *s, struct arena *a, const struct node *n)
{
	bool estimated = false;
	int64_t pusd = -1, status = 0;

	if (!cost_get(n, &pusd, &estimated))
		pusd = -1;
	(void)node_number(n, "http.response.status_code", &status);
	cost_count(s, pusd, estimated, str_eq(node_status(a, n), STR("error")), status);
}

static void add_dollars(struct line *l, const char *before, money_wide pusd)
{
	char z[MONEY_TEXT];

	money_round(pusd, z);
	line_addf(l, LINE_PLAIN, "%s$%s", before, z);
}

void cost_total(struct line *l, const struct cost_sum *s)
{
	char n[32];

	if (s->known == 0 && s->unknown == 0)
		return;
	if (s->known == 0) {
		line_addf(l, LINE_PLAIN, "  cost unknown");
		return;
	}
	add_dollars(l, s->estimated ? "  ~" : "  ", s->pusd);
	if (s->unknown == 0)
		return;
	text_count(s->unknown, n);
	line_addf(l, LINE_YELLOW, " + %s unknown", n);
}

void cost_note(struct line *l, struct arena *a, const struct node *n)
{
	struct str first = node_text(a, n, "bottrace.hop_of");
	bool estimated;
	int64_t pusd;

	if (cost_get(n, &pusd, &estimated))
		add_dollars(l, estimated ? "  ~" : "  ", pusd);
	if (first.n == 0)
		return;
	line_addf(l, LINE_DIM, "  hop of ");
	line_add_cut(l, LINE_DIM, first, 16);
}

/* Two decimals, and more where they say something: $3.00, $0.075. */
static void add_rate(struct line *l, struct str text)
{
	ptrdiff_t point = str_find_char(text, '.');
	size_t decimals = point < 0 ? 0 : text.n - (size_t)point - 1;

	line_addf(l, LINE_PLAIN, "$");
	line_add_cut(l, LINE_PLAIN, text, 30);
	if (decimals < 2)
		line_addf(l, LINE_PLAIN, "%s", decimals == 1 ? "0" : ".00");
}

static void add_part(struct line *l, struct arena *a, const struct json *part)
{
	struct str rate = json_get_str(a, part, "usd_per_million"), each = json_get_str(a, part, "usd_each");
	int64_t n = 0;
	char z[32];

	(void)json_i64(json_get(part, rate.n ? "tokens" : "requests"), &n);
	text_count(n > 0 ? (uint64_t)n : 0, z);
	line_addf(l, LINE_PLAIN, "%s%s", z, line_word(l->style, "\xc3\x97", "x"));
	add_rate(l, rate.n ? rate : each);
	if (rate.n)
		line_addf(l, LINE_PLAIN, "/M");
}

static void add_table(struct line *l, struct arena *a, const struct node *n, const struct json *price)
{
	struct str table = json_get_str(a, price, "table"), date = json_get_str(a, price, "date");
	int64_t above = 0;
	char z[32];

	line_addf(l, LINE_DIM, str_eq(table, STR("user")) ? "   your price table" : "   price table");
	if (date.n) {
		line_addf(l, LINE_DIM, " ");
		line_add_cut(l, LINE_DIM, date, 12);
	}
	line_addf(l, LINE_DIM, " ");
	line_add_cut(l, LINE_DIM, node_text(a, n, "gen_ai.provider.name"), 30);
	if (json_i64(json_get(price, "above_tokens"), &above) && above > 0) {
		text_count((uint64_t)above, z);
		line_addf(l, LINE_DIM, ", above %s tokens", z);
	}
	for (const struct json *c = json_first(json_get(price, "classes")); c; c = json_next(c)) {
		line_addf(l, LINE_DIM, ", ");
		line_add_cut(l, LINE_DIM, json_str(a, c), 30);
	}
}

bool cost_terms(struct line *l, struct arena *a, const struct node *n)
{
	const struct json *price = node_attribute(n, "bottrace.price"), *parts = json_get(price, "parts");
	struct str times = json_get_str(a, price, "times"), source = node_text(a, n, "bottrace.cost_source");
	const char *before = "";
	char z[MONEY_TEXT];
	unsigned shown = 0;
	bool estimated;
	int64_t pusd;

	if (!cost_get(n, &pusd, &estimated))
		return false;
	if (times.n && json_count(parts) > 1)
		line_addf(l, LINE_PLAIN, "(");
	for (const struct json *p = json_first(parts); p && shown < PARTS_SHOWN; p = json_next(p), shown++) {
		line_addf(l, LINE_PLAIN, "%s", before);
		add_part(l, a, p);
		before = " + ";
	}
	if (times.n) {
		line_addf(l, LINE_PLAIN, "%s%s", json_count(parts) > 1 ? ") " : " ",
			  line_word(l->style, "\xc3\x97 ", "x "));
		line_add_cut(l, LINE_PLAIN, times, 20);
	}
	money_format(pusd, z);
	line_addf(l, LINE_PLAIN, "%s$%s", shown ? (estimated ? " ~ " : " = ") : (estimated ? "~" : ""), z);
	if (price != NULL)
		add_table(l, a, n, price);
	else if (str_eq(source, STR("provider")))
		line_addf(l, LINE_DIM, "   as the provider says");
	else if (str_eq(source, STR("local")))
		line_addf(l, LINE_DIM, "   a server on this host");
	if (estimated)
		line_addf(l, LINE_YELLOW, "   from estimated tokens");
	return true;
}
