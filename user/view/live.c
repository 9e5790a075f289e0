/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines while attached: one per closed span. */
#include <stdio.h>

#include "base/text.h"
#include "view/cost.h"
#include "view/line.h"
#include "view/node.h"

#define AT_SPAN	 10u
#define AT_MODEL 50u
#define AT_TOKEN 69u
#define AT_COST	 86u
#define AT_DUR	 95u
#define AT_STATE 104u

static void add_tokens(struct line *l, const struct node *n)
{
	char z[32];
	int64_t v;

	if (node_number(n, "gen_ai.usage.input_tokens", &v) && v >= 0)
		text_count((uint64_t)v, z);
	else
		z[0] = '?', z[1] = '\0';
	line_addf(l, LINE_PLAIN, "%7s->", z);
	if (node_number(n, "gen_ai.usage.output_tokens", &v) && v >= 0)
		text_count((uint64_t)v, z);
	else
		z[0] = '?', z[1] = '\0';
	line_addf(l, LINE_PLAIN, "%6s", z);
}

static void add_cost(struct line *l, const struct node *n)
{
	char z[MONEY_TEXT], text[MONEY_TEXT + 4] = "-";
	bool estimated;
	int64_t pusd;

	if (cost_get(n, &pusd, &estimated)) {
		money_round(pusd, z);
		(void)snprintf(text, sizeof(text), "%s$%s", estimated ? "~" : "", z);
	} else if (n->kind == NODE_LLM) {
		text[0] = '?';
	}
	line_addf(l, LINE_PLAIN, "%8s", text);
}

static void add_state(struct line *l, struct arena *a, const struct node *n)
{
	struct str code = node_status(a, n);
	int64_t cached;
	char z[32];

	if (str_eq(code, STR("ok")) && n->kind != NODE_PROC) /* a process says how it ended */
		line_addf(l, LINE_GREEN, "ok");
	if (node_number(n, "gen_ai.usage.cache_read.input_tokens", &cached) && cached > 0) {
		text_count((uint64_t)cached, z);
		line_addf(l, LINE_DIM, "  (%s cached)", z);
	}
}

void view_live_heading(struct buf *out, const struct view_style *style)
{
	autodrop(line_fini) struct line l;

	line_init(&l, style);
	line_addf(&l, LINE_BOLD, "TIME");
	line_pad(&l, AT_SPAN, 1);
	line_addf(&l, LINE_BOLD, "SPAN");
	line_pad(&l, AT_MODEL, 1);
	line_addf(&l, LINE_BOLD, "MODEL");
	line_pad(&l, AT_TOKEN, 1);
	line_addf(&l, LINE_BOLD, "%15s", "IN->OUT tok");
	line_pad(&l, AT_COST, 1);
	line_addf(&l, LINE_BOLD, "%8s", "COST");
	line_pad(&l, AT_DUR, 1);
	line_addf(&l, LINE_BOLD, "%7s", "DUR");
	line_pad(&l, AT_STATE, 1);
	line_addf(&l, LINE_BOLD, "STATE");
	line_end(&l, out);
}

void view_live_shed(struct buf *out, const struct wire_shed_step *step, int64_t utc_offset_ns,
		    const struct view_style *style)
{
	double window = step->window_ns ? (double)step->window_ns : 1;
	autodrop(line_fini) struct line l;
	char time[32];

	text_clock(step->head.ts_ns, utc_offset_ns, time);
	line_init(&l, style);
	line_add_cut(&l, LINE_DIM, str_make(time + 11, 8), 8);
	line_pad(&l, AT_SPAN, 1);
	line_addf(&l, LINE_BOLD, "%-6s", "shed");
	line_addf(&l, LINE_YELLOW, "left out now: %s; before: %s", wire_shed_word(step->level),
		  wire_shed_word(step->before));
	line_pad(&l, AT_TOKEN, 2);
	line_addf(&l, LINE_PLAIN, "probes took %.4f %% of a core, may take %.4f %%",
		  (double)step->cost_ns * 100 / window, (double)step->budget_ns * 100 / window);
	line_end(&l, out);
}

/* Model calls are named by where they went; their model has a column of its own. */
static struct str what(struct arena *a, const struct node *n)
{
	if (n->kind != NODE_LLM)
		return node_what(a, n);
	struct str host = node_text(a, n, "server.address"), path = node_text(a, n, "url.path");

	return arena_printf(a, "%.*s %.*s", STR_ARG(str_head(host, 200)), STR_ARG(str_head(path, 200)));
}

void view_live_line(struct buf *out, struct arena *a, struct str span_line, const struct view_style *style)
{
	const struct json *j = json_parse(a, span_line, NULL);
	autodrop(line_fini) struct line l = {0};
	struct node n;
	char d[24] = "-";
	int64_t ns;

	if (json_type(j) != JSON_OBJECT)
		return;
	node_init(&n, a, j);
	struct str time = json_get_str(a, j, n.kind == NODE_PROC ? "start" : "end");
	if (time.n < 19)
		time = json_get_str(a, j, "start");
	line_init(&l, style);
	line_add_cut(&l, LINE_DIM, time.n >= 19 ? str_make(time.p + 11, 8) : STR("-"), 8);
	line_pad(&l, AT_SPAN, 1);
	line_addf(&l, LINE_BOLD, "%-6s", n.word);
	line_add_cut(&l, LINE_PLAIN, what(a, &n), AT_MODEL - AT_SPAN - 7);
	line_pad(&l, AT_MODEL, 1);
	line_add_cut(&l, LINE_CYAN, n.kind == NODE_LLM ? node_what(a, &n) : STR("-"),
		     AT_TOKEN - AT_MODEL - 1);
	line_pad(&l, AT_TOKEN, 1);
	if (n.kind == NODE_LLM)
		add_tokens(&l, &n);
	else
		line_addf(&l, LINE_PLAIN, "%15s", "-");
	line_pad(&l, AT_COST, 1);
	add_cost(&l, &n);
	line_pad(&l, AT_DUR, 1);
	if (json_i64(json_get(j, "duration_ns"), &ns) && ns >= 0)
		text_duration((uint64_t)ns, d);
	line_addf(&l, LINE_PLAIN, "%7s", d);
	/* Notes bring two spaces of their own. */
	line_pad(&l, str_eq(node_status(a, &n), STR("ok")) && n.kind != NODE_PROC ? AT_STATE : AT_STATE - 2,
		 0);
	add_state(&l, a, &n);
	/* The notes repeat the tokens, so they are asked of what else there is to say. */
	n.kind = n.kind == NODE_LLM ? NODE_STEP : n.kind;
	node_notes(&l, a, &n, 0);
	node_source(&l, a, &n);
	line_end(&l, out);
}
