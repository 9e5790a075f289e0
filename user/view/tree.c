/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of a trace: one line a span, a header, and what must be known of completeness. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "view/ledger.h"
#include "view/line.h"
#include "view/node.h"

#define DRAWN_DEPTH_MAX 24u /* deeper spans are drawn here, with their depth */
#define LABEL_MIN	28u
#define LABEL_MAX	64u /* where the width is not limited */
#define GAPS_SHOWN	5u

struct tree {
	struct node_forest f;
	struct arena *a;
	const struct view_style *style;
	uint32_t header; /* the span that the header line shows; NODE_NONE */
	size_t label;	 /* columns of prefix, ordinal, kind and what */
	uint32_t *path;	 /* spans from the top to the one being drawn */
	uint32_t depth;
	bool processes; /* more than the one that the trace begins with */
};

/* ---- walking, parents before children, without recursion ---- */

static uint32_t first_shown(const struct tree *t)
{
	uint32_t at = t->header != NODE_NONE ? t->f.nodes[t->header].first : t->f.first_root;

	return at;
}

/* Moves to the next span of the walk; t->path[t->depth] is the current one. */
static bool walk_next(struct tree *t)
{
	uint32_t at = t->path[t->depth];

	if (t->f.nodes[at].first != NODE_NONE) {
		t->path[++t->depth] = t->f.nodes[at].first;
		return true;
	}
	for (;;) {
		at = t->path[t->depth];
		if (t->f.nodes[at].next != NODE_NONE) {
			t->path[t->depth] = t->f.nodes[at].next;
			return true;
		}
		if (t->depth == 0)
			return false;
		t->depth--;
	}
}

static bool walk_start(struct tree *t)
{
	t->depth = 0;
	t->path[0] = first_shown(t);
	return t->path[0] != NODE_NONE;
}

/* ---- one span's line ---- */

static void draw_prefix(struct tree *t, struct line *l)
{
	const struct view_style *s = t->style;
	uint32_t drawn = t->depth < DRAWN_DEPTH_MAX ? t->depth : DRAWN_DEPTH_MAX;

	for (uint32_t i = 0; i < drawn; i++)
		line_addf(l, LINE_DIM, "%s",
			  t->f.nodes[t->path[i]].next != NODE_NONE ? line_word(s, "\xe2\x94\x82   ", "|   ")
								   : "    ");
	line_addf(l, LINE_DIM, "%s ",
		  t->f.nodes[t->path[t->depth]].next != NODE_NONE
			  ? line_word(s, "\xe2\x94\x9c\xe2\x94\x80", "|-")
			  : line_word(s, "\xe2\x94\x94\xe2\x94\x80", "`-"));
	if (t->depth > DRAWN_DEPTH_MAX)
		line_addf(l, LINE_DIM, "(depth %u) ", t->depth);
}

static enum line_colour kind_colour(enum node_kind k)
{
	switch (k) {
	case NODE_LLM:
		return LINE_CYAN;
	case NODE_TOOL:
		return LINE_GREEN;
	case NODE_AGENT:
		return LINE_BOLD;
	default:
		return LINE_PLAIN;
	}
}

static void draw_label(struct tree *t, struct line *l)
{
	const struct node *n = &t->f.nodes[t->path[t->depth]];
	size_t columns;

	draw_prefix(t, l);
	line_addf(l, LINE_PLAIN, "%u ", n->n);
	line_addf(l, kind_colour(n->kind), "%-5s ", n->word);
	columns = t->label > l->width + 8 ? t->label - l->width : 8;
	if (t->style->columns == 0)
		columns = UINT32_MAX; /* rather crooked than cut */
	line_add_cut(l, LINE_PLAIN, node_what(t->a, n), columns);
}

static void draw_duration(struct line *l, const struct node *n)
{
	int64_t ns;
	char d[24] = "-";

	if (json_i64(json_get(n->j, "duration_ns"), &ns) && ns >= 0)
		text_duration((uint64_t)ns, d);
	line_addf(l, LINE_PLAIN, "%8s", d);
}

static void clear(struct line *l)
{
	buf_clear(&l->text);
	l->width = 0;
	l->count = 0;
}

/* Below the span's line, in front of its children's. */
static void draw_events(struct tree *t, struct line *l, const struct node *n, uint32_t depth, struct buf *out)
{
	struct node_events x = node_events_begin(n, t->processes);
	const struct view_style *s = t->style;
	uint32_t drawn = depth < DRAWN_DEPTH_MAX ? depth : DRAWN_DEPTH_MAX;
	bool more;

	do {
		for (uint32_t i = 0; i < drawn; i++)
			line_addf(l, LINE_DIM, "%s",
				  t->f.nodes[t->path[i]].next != NODE_NONE
					  ? line_word(s, "\xe2\x94\x82   ", "|   ")
					  : "    ");
		line_addf(l, LINE_DIM, "%s",
			  n->first != NODE_NONE ? line_word(s, "\xe2\x94\x82  ", "|  ") : "   ");
		more = node_events_next(&x, l, t->a);
		if (more)
			line_end(l, out);
	} while (more && buf_err(out) == 0);
	clear(l);
}

static void draw_span(struct tree *t, struct line *l, struct buf *out)
{
	const struct node *n = &t->f.nodes[t->path[t->depth]];

	draw_label(t, l);
	line_pad(l, t->label + 1, 1);
	draw_duration(l, n);
	node_notes(l, t->a, n, t->f.last_ns);
	node_source(l, t->a, n);
	line_end(l, out);
	draw_events(t, l, n, t->depth + 1, out);
}

/* Columns of the widest label, within what leaves room for the rest. */
static void measure(struct tree *t, struct line *l)
{
	size_t widest = LABEL_MIN, most = LABEL_MAX;

	if (t->style->columns)
		most = t->style->columns > 72 ? t->style->columns - 40 : t->style->columns / 2;
	if (most < LABEL_MIN)
		most = LABEL_MIN;
	t->label = most;
	for (bool on = walk_start(t); on && widest < most; on = walk_next(t)) {
		draw_label(t, l);
		if (l->width > widest)
			widest = l->width;
		clear(l);
	}
	t->label = widest < most ? widest : most;
}

/* ---- header and footer ---- */

static uint32_t find_header(const struct node_forest *f)
{
	uint32_t root = f->first_root;

	if (root == NODE_NONE || f->nodes[root].next != NODE_NONE || f->nodes[root].kind != NODE_PROC)
		return NODE_NONE;
	return root;
}

static void draw_totals(struct line *l, const struct ledger_sums *s)
{
	char in[24], out[24];

	line_add_count(l, LINE_PLAIN, "llm", s->llm);
	line_add_count(l, LINE_PLAIN, "tools", s->tools);
	if (s->agents)
		line_add_count(l, LINE_PLAIN, "agents", s->agents);
	if (s->has_tokens) {
		node_short_count(s->input, in);
		node_short_count(s->output, out);
		line_addf(l, LINE_PLAIN, "  tokens %s->%s", in, out);
	}
	cost_total(l, &s->cost);
	if (s->errors)
		line_add_count(l, LINE_RED, "errors", s->errors);
}

static void draw_header(struct tree *t, struct line *l, const struct ledger_sums *s, struct buf *out)
{
	const struct json *trace = t->f.trace;
	struct str status = json_get_str(t->a, trace, "status");
	int64_t start = node_time(t->a, trace, "start"), end = node_time(t->a, trace, "end");
	bool complete = false;
	char d[24];

	if (t->header != NODE_NONE)
		line_add_cut(l, LINE_BOLD, node_what(t->a, &t->f.nodes[t->header]),
			     t->style->columns ? t->style->columns * 2 / 5 : 100);
	else
		line_add_cut(l, LINE_BOLD, json_get_str(t->a, trace, "root_rule"), 40);
	if (end == 0)
		end = t->f.last_ns;
	if (start && end >= start) {
		text_duration((uint64_t)(end - start), d);
		line_addf(l, LINE_PLAIN, "  %s", d);
	}
	/* First what a narrow terminal must not cut off. */
	line_addf(l, LINE_PLAIN, "  ");
	line_add_cut(l, str_eq(status, STR("error")) ? LINE_RED : LINE_PLAIN, status, 20);
	(void)json_bool(json_get(trace, "complete"), &complete);
	line_addf(l, complete ? LINE_PLAIN : LINE_YELLOW, complete ? "  complete" : "  incomplete");
	ledger_write_sampled(l, t->a, trace);
	if (t->header != NODE_NONE)
		ledger_write_shed(l, t->a, t->f.nodes[t->header].j);
	draw_totals(l, s);
	ledger_write_mode(l, t->a, trace);
	if (t->header != NODE_NONE)
		node_notes(l, t->a, &t->f.nodes[t->header], t->f.last_ns);
	line_end(l, out);
}

static void draw_gaps(struct tree *t, struct line *l, const struct ledger_sums *s)
{
	unsigned shown = 0;
	char size[24];

	if (s->gaps == 0) {
		line_addf(l, LINE_PLAIN, "gaps: none");
		return;
	}
	text_size(s->gap_bytes, size);
	line_addf(l, LINE_YELLOW, "gaps: %llu, %s in spans", (unsigned long long)s->gaps, size);
	for (uint32_t i = 0; i < t->f.count && shown <= GAPS_SHOWN; i++) {
		if (json_count(json_get(t->f.nodes[i].j, "gaps")) == 0)
			continue;
		if (++shown > GAPS_SHOWN)
			line_addf(l, LINE_YELLOW, ", ...");
		else
			line_addf(l, LINE_YELLOW, "%s %u", shown == 1 ? "" : ",", t->f.nodes[i].n);
	}
}

static void draw_links(struct tree *t, struct line *l, const struct ledger_sums *s)
{
	unsigned shown = 0;

	line_addf(l, LINE_PLAIN, "parent links: %llu certain, %llu inferred", (unsigned long long)s->certain,
		  (unsigned long long)s->inferred);
	for (uint32_t i = 0; i < t->f.count && s->inferred; i++) {
		const struct json *link = json_get(t->f.nodes[i].j, "link");
		bool certain = true;

		if (!json_bool(json_get(link, "certain"), &certain) || certain)
			continue;
		if (++shown > GAPS_SHOWN) {
			line_addf(l, LINE_PLAIN, ", ...");
			break;
		}
		line_addf(l, LINE_PLAIN, "%s%u: ", shown == 1 ? " (" : ", ", t->f.nodes[i].n);
		line_add_cut(l, LINE_PLAIN, json_get_str(t->a, link, "how"), 20);
	}
	if (shown)
		line_addf(l, LINE_PLAIN, ")");
}

static void draw_blind(struct tree *t, struct line *l, struct buf *out)
{
	for (const struct json *p = json_first(json_get(t->f.trace, "processes")); p; p = json_next(p)) {
		int64_t pid = 0;

		(void)json_i64(json_get(p, "pid"), &pid);
		for (const struct json *b = json_first(json_get(p, "blind")); b; b = json_next(b)) {
			line_addf(l, LINE_YELLOW, "blind: pid %lld: ", (long long)pid);
			line_add_cut(l, LINE_YELLOW, json_get_str(t->a, b, "what"), 60);
			line_addf(l, LINE_YELLOW, ": ");
			line_add_cut(l, LINE_YELLOW, json_get_str(t->a, b, "why"), 200);
			line_end(l, out);
		}
	}
}

static int draw_trace(struct tree *t, struct buf *out)
{
	autodrop(line_fini) struct line l;
	struct ledger_sums s;

	line_init(&l, t->style);
	t->header = find_header(&t->f);
	ledger_sum(&s, &t->f, t->header);
	measure(t, &l);
	draw_header(t, &l, &s, out);
	if (t->header != NODE_NONE)
		draw_events(t, &l, &t->f.nodes[t->header], 0, out);
	for (bool on = walk_start(t); on && buf_err(out) == 0; on = walk_next(t))
		draw_span(t, &l, out);
	draw_gaps(t, &l, &s);
	if (t->style->columns && t->style->columns < 80)
		line_end(&l, out);
	else
		line_addf(&l, LINE_PLAIN, "     ");
	draw_links(t, &l, &s);
	line_end(&l, out);
	if (!ledger_is_elsewhere(t->f.trace))
		ledger_write(&l, t->f.trace, out);
	draw_blind(t, &l, out);
	return buf_err(out);
}

static int one_trace(struct buf *out, struct arena *a, const struct json *trace,
		     const struct view_style *style)
{
	struct tree t = {.a = a, .style = style};
	int r = node_forest_init(&t.f, a, trace);

	if (r < 0)
		return r;
	for (uint32_t i = 0, processes = 0; i < t.f.count && !t.processes; i++)
		t.processes = t.f.nodes[i].kind == NODE_PROC && ++processes > 1;
	t.path = arena_alloc(a, (t.f.count + 1ul) * sizeof(*t.path));
	return t.path ? draw_trace(&t, out) : -ENOMEM;
}

bool view_is_document(const struct json *j)
{
	const struct json *schema = json_get(j, "schema");

	return (json_is(schema, "bottrace.v1.trace") && json_type(json_get(j, "spans")) == JSON_ARRAY) ||
	       (json_is(schema, "bottrace.v1.traces") && json_type(json_get(j, "traces")) == JSON_ARRAY);
}

int view_tree(struct buf *out, struct arena *a, const struct json *document, const struct view_style *style)
{
	const struct json *traces = json_get(document, "traces");

	if (!view_is_document(document))
		return -EBADMSG;
	if (traces == NULL)
		return one_trace(out, a, document, style);
	for (const struct json *t = json_first(traces); t; t = json_next(t)) {
		int r = one_trace(out, a, t, style);

		if (r < 0)
			return r;
		if (json_next(t))
			buf_add_char(out, '\n');
	}
	if (json_count(traces) == 0)
		buf_add(out, STR("no traces\n"));
	return buf_err(out);
}
