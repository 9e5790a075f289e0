/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/ledger.h"

#include "base/text.h"

/* The last two are policy: nothing went wrong. */
static const char *const losses[] = {"fault",	  "ring_full",	 "queue_full", "map_full",
				     "throttled", "tracer_down", "filtered",   "sampled_out"};

/* A document may claim anything; sums of this many cannot overflow. */
#define NUMBER_MAX (INT64_MAX / 64)
#define TOKENS_MAX 100000000000

#define LOSSES	 (sizeof(losses) / sizeof(losses[0]))
#define FAILURES (LOSSES - 2)

int64_t ledger_number(const struct json *trace, const char *account, const char *word)
{
	int64_t n = 0;

	if (!json_i64(json_path(trace, "ledger", account, word, NULL), &n) || n < 0)
		return 0;
	return n < NUMBER_MAX ? n : NUMBER_MAX;
}

void ledger_add_tokens(struct ledger_sums *s, int64_t *sum, int64_t tokens)
{
	if (tokens < 0 || tokens > TOKENS_MAX)
		return;
	*sum += tokens;
	s->has_tokens = true;
}

/* Shells and build tools are full of processes that end with 1 by design: one counts only where it fails a tool that
 * is not counted itself. */
static bool is_error(const struct node_forest *f, const struct node *n)
{
	if (!n->bad)
		return false;
	if (n->kind != NODE_PROC)
		return true;
	const struct node *parent = n->parent == NODE_NONE ? NULL : &f->nodes[n->parent];
	return parent && parent->kind == NODE_TOOL && !parent->bad;
}

void ledger_sum_kinds(struct ledger_sums *s, const struct node_forest *f, uint32_t header)
{
	for (uint32_t i = 0; i < f->count; i++) {
		const struct node *n = &f->nodes[i];

		s->llm += n->kind == NODE_LLM && !n->hop;
		s->tools += n->kind == NODE_TOOL;
		s->agents += n->kind == NODE_AGENT;
		s->errors += i != header && is_error(f, n);
	}
}

void ledger_sum(struct ledger_sums *s, const struct node_forest *f, uint32_t header)
{
	*s = (struct ledger_sums){0};
	ledger_sum_kinds(s, f, header);
	for (uint32_t i = 0; i < f->count; i++) {
		const struct node *n = &f->nodes[i];
		const struct json *link = json_get(n->j, "link");
		int64_t tokens, bytes;
		bool certain;

		if (!n->hop && node_number(n, "gen_ai.usage.input_tokens", &tokens))
			ledger_add_tokens(s, &s->input, tokens);
		if (!n->hop && node_number(n, "gen_ai.usage.output_tokens", &tokens))
			ledger_add_tokens(s, &s->output, tokens);
		if (!n->hop && n->kind == NODE_LLM)
			cost_add(&s->cost, f->a, n);
		if (json_bool(json_get(link, "certain"), &certain)) {
			s->certain += certain;
			s->inferred += !certain;
		}
		for (const struct json *g = json_first(json_get(n->j, "gaps")); g; g = json_next(g)) {
			s->gaps++;
			if (json_i64(json_get(g, "bytes"), &bytes) && bytes > 0)
				s->gap_bytes += (uint64_t)bytes;
		}
	}
}

static void term(struct line *l, const char *sign, int64_t n, const char *word)
{
	char z[32];

	text_count((uint64_t)n, z);
	line_addf(l, LINE_PLAIN, "%s%s%s%s", sign, z, *word ? " " : "", word);
}

/* seen = kept + every cause that is not zero */
static void account(struct line *l, const struct json *trace, const char *name)
{
	int64_t seen = ledger_number(trace, name, "seen"), sum = ledger_number(trace, name, "kept"), n;
	bool lost = false;

	line_addf(l, LINE_PLAIN, "%s ", name);
	term(l, "", seen, "");
	term(l, " = ", sum, "kept");
	for (size_t i = 0; i < LOSSES; i++) {
		n = ledger_number(trace, name, losses[i]);
		sum += n;
		lost |= n > 0 && i < FAILURES;
		if (n)
			term(l, " + ", n, losses[i]);
	}
	if (!lost)
		line_addf(l, LINE_PLAIN, " + 0 lost");
	n = ledger_number(trace, name, "in_flight");
	if (n)
		term(l, " + ", n, "in flight");
	sum += n;
	n = ledger_number(trace, name, "abandoned");
	if (n)
		term(l, " + ", n, "abandoned");
	sum += n;
	if (json_type(json_path(trace, "ledger", name, "fault", NULL)) == JSON_NULL)
		line_addf(l, LINE_YELLOW, " (without the kernel's own counters)");
	if (sum != seen)
		line_addf(l, LINE_RED, " (does not balance)");
}

/* Columns that the equations of a run with losses take on one line. */
#define ONE_LINE 140u

static void next_account(struct line *l, struct buf *out)
{
	if (l->style->columns == 0 || l->style->columns >= ONE_LINE) {
		line_addf(l, LINE_PLAIN, "; ");
		return;
	}
	line_end(l, out);
	line_pad(l, 8, 0);
}

bool ledger_is_elsewhere(const struct json *trace)
{
	const struct json *rule = json_get(trace, "root_rule");

	return json_is(rule, "request") || json_is(rule, "workflow") || json_is(rule, "conversation");
}

void ledger_write(struct line *l, const struct json *trace, struct buf *out)
{
	int64_t seen = ledger_number(trace, "bytes", "seen"), kept = ledger_number(trace, "bytes", "kept");
	int64_t missing = ledger_number(trace, "bytes", "missing"),
		skipped = ledger_number(trace, "bytes", "skipped");

	line_addf(l, LINE_PLAIN, "ledger: ");
	account(l, trace, "calls");
	next_account(l, out);
	line_addf(l, LINE_PLAIN, "bytes ");
	term(l, "", seen, "");
	term(l, " = ", kept, "kept");
	term(l, " + ", missing, "missing");
	if (skipped)
		term(l, " + ", skipped, "skipped");
	if (seen != kept + missing + skipped)
		line_addf(l, LINE_RED, " (does not balance)");
	next_account(l, out);
	account(l, trace, "events");
	line_end(l, out);
}

void ledger_write_mode(struct line *l, struct arena *a, const struct json *trace)
{
	const struct json *kept = json_get(trace, "kept");
	bool light = false;
	int64_t dropped;
	char z[32];

	if (json_bool(json_get(trace, "light"), &light) && light)
		line_addf(l, LINE_DIM, "  light");
	if (json_type(kept) != JSON_OBJECT)
		return;
	line_addf(l, LINE_DIM, "  kept by ");
	line_add_cut(l, LINE_DIM, json_get_str(a, kept, "rules"), 60);
	if (!json_i64(json_get(kept, "spans_dropped"), &dropped) || dropped < 0)
		return;
	text_count((uint64_t)dropped, z);
	line_addf(l, LINE_DIM, "; %s dropped", z);
}

void ledger_write_sampled(struct line *l, struct arena *a, const struct json *trace)
{
	struct str sampled = json_get_str(a, trace, "sampled");
	bool out = false;

	if (sampled.n == 0)
		return;
	line_addf(l, LINE_YELLOW, "  sampled ");
	line_add_cut(l, LINE_YELLOW, sampled, 12);
	if (json_bool(json_get(trace, "sampled_out"), &out) && out)
		line_addf(l, LINE_YELLOW, ", not in the sample");
}

void ledger_write_steps(struct line *l, uint32_t steps, struct str last)
{
	if (steps == 0)
		return;
	line_addf(l, LINE_YELLOW, "  shed in %u step%s, last: ", steps, steps == 1 ? "" : "s");
	line_add_cut(l, LINE_YELLOW, last, 20);
}

void ledger_write_shed(struct line *l, struct arena *a, const struct json *root)
{
	const struct json *last = NULL;
	uint32_t steps = 0;

	for (const struct json *e = json_first(json_get(root, "events")); e; e = json_next(e))
		if (json_is(json_get(e, "name"), "bottrace.shed")) {
			last = e;
			steps++;
		}
	ledger_write_steps(l, steps, json_get_str(a, json_get(last, "attributes"), "bottrace.shed.level"));
}

bool ledger_is_lossy(const struct json *trace)
{
	int64_t n = ledger_number(trace, "bytes", "missing") + ledger_number(trace, "calls", "abandoned");

	for (size_t i = 0; i < FAILURES; i++)
		n += ledger_number(trace, "calls", losses[i]) + ledger_number(trace, "events", losses[i]);
	return n > 0;
}
