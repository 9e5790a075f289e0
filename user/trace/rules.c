/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of --keep: "errors,slow>5s,cost>0.50". */
#include <string.h>

#include "base/money.h"
#include "trace/trace.h"

/* ---- reading ---- */

/* Digits with at most `places` behind the point, as a number of 10^-places. */
static bool read_decimal(struct str s, unsigned places, uint64_t *out)
{
	struct str whole, part = str_cut(s, '.', &whole);
	uint64_t n = 0, fraction = 0, scale = 1;

	if (!str_to_u64(whole, &n) || (part.p != NULL && (part.n == 0 || part.n > places)))
		return false;
	if (part.p != NULL && !str_to_u64(part, &fraction))
		return false;
	for (unsigned i = 0; i < places; i++) {
		scale *= 10;
		if (i >= part.n)
			fraction *= 10;
	}
	return !__builtin_mul_overflow(n, scale, &n) && !__builtin_add_overflow(n, fraction, out);
}

static const struct {
	const char *unit;
	unsigned places; /* of a decimal of it, in ns */
	uint64_t factor;
} units[] = {
	{"ms", 6, 1},
	{"s", 9, 1},
	{"m", 9, 60},
};

#define UNITS (sizeof(units) / sizeof(units[0]))

static bool read_duration(struct str s, uint64_t *out)
{
	for (size_t i = 0; i < UNITS; i++) {
		struct str unit = str_of(units[i].unit),
			   number = str_head(s, s.n > unit.n ? s.n - unit.n : 0);
		uint64_t n;

		if (str_ends(s, unit) && read_decimal(number, units[i].places, &n))
			return !__builtin_mul_overflow(n, units[i].factor, out) && *out > 0;
	}
	return false;
}

static const char *read_rule(struct trace_rules *r, struct str rule)
{
	if (str_eq(rule, STR("errors"))) {
		r->errors = true;
		return NULL;
	}
	if (str_starts(rule, STR("slow>")))
		return read_duration(str_skip(rule, 5), &r->slow_ns)
			       ? NULL
			       : "slow> wants a time above 0 with its unit: slow>500ms, slow>5s, slow>2m";
	if (str_starts(rule, STR("cost>")))
		return read_decimal(str_skip(rule, 5), 12, &r->cost_pico) && r->cost_pico > 0
			       ? NULL
			       : "cost> wants dollars above 0, without a sign: cost>0.50";
	return "a rule is errors, slow>TIME or cost>DOLLARS";
}

const char *trace_rules_parse(struct str text, struct trace_rules *out)
{
	struct trace_rules r = {0};
	struct str rest = text, rule;

	do {
		rest = str_cut(rest, ',', &rule);
		const char *why = read_rule(&r, rule);
		if (why)
			return why;
	} while (rest.p != NULL);
	*out = r;
	return NULL;
}

bool trace_rules_has_any(const struct trace_rules *r)
{
	return r->errors || r->slow_ns || r->cost_pico;
}

/* ---- writing ---- */

static void add_decimal(struct buf *out, uint64_t n, uint64_t scale)
{
	buf_addf(out, "%llu", (unsigned long long)(n / scale));
	n %= scale;
	if (n == 0)
		return;
	buf_add_char(out, '.');
	for (; n > 0; n = n * 10 % scale)
		buf_add_char(out, (char)('0' + n * 10 / scale));
}

void trace_rules_format(struct buf *out, const struct trace_rules *r)
{
	const char *comma = "";

	if (r->errors) {
		buf_add(out, STR("errors"));
		comma = ",";
	}
	if (r->slow_ns) {
		bool small = r->slow_ns < 1000000000u, minutes = r->slow_ns % 60000000000u == 0;

		buf_addf(out, "%sslow>", comma);
		add_decimal(out, r->slow_ns, small ? 1000000u : minutes ? 60000000000u : 1000000000u);
		buf_addf(out, "%s", small ? "ms" : minutes ? "m" : "s");
		comma = ",";
	}
	if (r->cost_pico) {
		buf_addf(out, "%scost>", comma);
		add_decimal(out, r->cost_pico, 1000000000000u);
	}
}

/* ---- matching ---- */

static bool is_error(const struct trace_span *s)
{
	if (s->status == TRACE_STATUS_ERROR || s->status == TRACE_STATUS_ABORTED)
		return true;
	for (uint32_t i = 0; i < s->event_count; i++)
		if (str_eq(s->events[i].name, STR("retry")))
			return true;
	return false;
}

/* One that runs still has taken as long as it runs; of a tool call that nobody answered not even that is known. */
static bool is_slow(const struct trace_span *s, uint64_t slow_ns, uint64_t now_ns)
{
	bool runs = s->end_ns == 0 && s->status == TRACE_STATUS_OPEN && !s->bounded;
	uint64_t end = runs ? now_ns : s->end_ns;

	return s->start_ns && end > s->start_ns && end - s->start_ns > slow_ns;
}

static bool is_dear(const struct trace_span *s, uint64_t cost_pico)
{
	int64_t pusd;

	for (uint32_t i = 0; i < s->attribute_count; i++) {
		const struct trace_attribute *a = &s->attributes[i];

		if (!str_eq(a->key, STR("bottrace.cost_usd")))
			continue;
		return a->type == TRACE_STR && money_parse(a->text, &pusd) && (uint64_t)pusd > cost_pico;
	}
	return false; /* its cost is not known */
}

bool trace_rules_match(const struct trace_rules *r, const struct trace_span *s, uint64_t now_ns)
{
	return (r->errors && is_error(s)) || (r->slow_ns && is_slow(s, r->slow_ns, now_ns)) ||
	       (r->cost_pico && is_dear(s, r->cost_pico));
}
