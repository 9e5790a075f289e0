/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said at the end of a run. */
#include <errno.h>

#include "base/text.h"
#include "view/ledger.h"
#include "view/line.h"
#include "view/node.h"
#include "view/record.h"

#define PARTS_SHOWN 8u	       /* traces of requests and the like */
#define FACTS_BYTES (1u << 20) /* of a trace, its lists left out; some 2 KiB */

struct summary {
	const struct view_session *v;
	const struct trace *trace;
	const struct json *facts; /* the trace's, read back: the ledger's words are those of the document */
	struct node_forest f;	  /* of the store's index: no line is read */
	struct ledger_sums sums;
	uint64_t last_ns; /* that stands in the trace; 0: none */
	struct arena *a;
};

static void first_line(struct line *l, const struct summary *s)
{
	const struct trace *t = s->trace;
	uint64_t end = t->end_ns ? t->end_ns : s->last_ns;
	bool complete = false;
	char d[32] = "?", out[32];

	if (!s->v->no_times && t->start_ns && end >= t->start_ns)
		text_duration(end - t->start_ns, d);
	line_addf(l, LINE_BOLD, "bottrace: %s", d);
	line_add_count(l, LINE_PLAIN, "llm", s->sums.llm);
	line_add_count(l, LINE_PLAIN, "tools", s->sums.tools);
	if (s->sums.has_tokens) {
		text_count((uint64_t)s->sums.input, d);
		text_count((uint64_t)s->sums.output, out);
		line_addf(l, LINE_PLAIN, "  tokens %s->%s", d, out);
	}
	cost_total(l, &s->sums.cost);
	line_add_count(l, s->sums.errors ? LINE_RED : LINE_PLAIN, "errors", s->sums.errors);
	if (t->status == TRACE_STATUS_OPEN)
		line_addf(l, LINE_YELLOW, "  open");
	(void)json_bool(json_get(s->facts, "complete"), &complete);
	line_addf(l, complete ? LINE_GREEN : LINE_YELLOW, complete ? "  complete" : "  incomplete");
	ledger_write_mode(l, s->a, s->facts);
	ledger_write_sampled(l, s->a, s->facts);
	ledger_write_steps(l, t->shed_steps, str_of(wire_shed_word(t->shed_level)));
}

static void cost_line(struct line *l, const struct json *trace)
{
	int64_t calls = ledger_number(trace, "added", "calls"),
		ns = ledger_number(trace, "added", "ns_per_call");
	int64_t bytes = ledger_number(trace, "bytes", "kept"),
		missing = ledger_number(trace, "bytes", "missing");
	char size[24], lost[24], n[32], d[24], all[24];

	text_size((uint64_t)bytes, size);
	text_count((uint64_t)ledger_number(trace, "calls", "seen"), n);
	line_addf(l, LINE_PLAIN, "captured %s in %s calls, ", size, n);
	text_size((uint64_t)missing, lost);
	if (ledger_is_lossy(trace))
		line_addf(l, LINE_RED, "LOST %s", lost);
	else
		line_addf(l, LINE_PLAIN, "lost 0");
	text_duration((uint64_t)ns, d);
	/* A claim of years is no figure. */
	text_duration(ns > 0 && calls < INT64_MAX / ns ? (uint64_t)(calls * ns) : 0, all);
	line_addf(l, LINE_PLAIN, "; added %s a call, %s in all", d, all);
}

static void loss_line(struct line *l, const struct ledger_sums *s)
{
	char size[24];

	if (s->gaps == 0)
		return;
	text_size(s->gap_bytes, size);
	line_addf(l, LINE_YELLOW, "gaps: %llu, %s: they stand in the tree, at the calls that they hit",
		  (unsigned long long)s->gaps, size);
}

static void note_time(struct summary *s, uint64_t ns)
{
	if (ns > s->last_ns)
		s->last_ns = ns;
}

static void add_entry(struct summary *s, const struct store_entry *e)
{
	const struct store_facts *f = &e->facts;
	struct node *n = &s->f.nodes[s->f.count++];

	n->id = e->id;
	n->parent_id = e->parent;
	n->kind = node_kind_of(str_of(f->kind), &n->word);
	n->bad = f->status == TRACE_STATUS_ERROR || f->status == TRACE_STATUS_ABORTED;
	n->hop = f->hop;
	note_time(s, e->start_ns);
	note_time(s, f->end_ns);
	if (!f->hop) {
		ledger_add_tokens(&s->sums, &s->sums.input, f->input);
		ledger_add_tokens(&s->sums, &s->sums.output, f->output);
		if (n->kind == NODE_LLM)
			cost_count(&s->sums.cost, f->cost_pusd, f->cost_estimated,
				   f->status == TRACE_STATUS_ERROR, f->http_status);
	}
	s->sums.certain += f->linked && f->certain;
	s->sums.inferred += f->linked && !f->certain;
	s->sums.gaps += f->gaps;
	s->sums.gap_bytes += f->gap_bytes;
}

static int add_spans(struct summary *s, struct arena *a)
{
	size_t count = store_count(s->v->store, s->trace->index);
	int r = node_forest_new(&s->f, a, count);
	struct store_entry e;
	uint64_t pos = 0;

	note_time(s, s->trace->end_ns ? s->trace->end_ns : s->trace->until_ns);
	while (r == 0 && s->f.count < count) {
		r = store_next(s->v->store, s->trace->index, &pos, &e);
		if (r <= 0)
			return r;
		add_entry(s, &e);
		r = 0;
	}
	return r < 0 ? r : node_forest_link(&s->f);
}

static int read_facts(struct summary *s, struct arena *a, const struct record_roster *roster)
{
	autodrop(buf_fini) struct buf b = {0};
	struct jsonw w;

	buf_init(&b, FACTS_BYTES);
	jsonw_init(&w, &b);
	jsonw_object(&w);
	record_facts(&w, s->v, roster, s->trace);
	jsonw_object_end(&w);
	struct str text = buf_err(&b) ? STR_NONE : arena_dup(a, buf_str(&b));
	s->facts = text.p ? json_parse(a, text, NULL) : NULL;
	return s->facts ? 0 : -ENOMEM;
}

static void write_trace(struct buf *out, const struct summary *s, const struct view_style *style)
{
	autodrop(line_fini) struct line l;

	line_init(&l, style);
	first_line(&l, s);
	line_end(&l, out);
	if (ledger_is_elsewhere(s->facts))
		return;
	cost_line(&l, s->facts);
	line_end(&l, out);
	loss_line(&l, &s->sums);
	if (l.width)
		line_end(&l, out);
	ledger_write(&l, s->facts, out);
}

static int one_trace(struct buf *out, const struct view_session *v, const struct record_roster *roster,
		     const struct trace *t, const struct view_style *style)
{
	autodrop(drop_arena) struct arena *a = arena_new(SIZE_MAX / 2);
	struct summary s = {.v = v, .trace = t, .a = a};
	int r = a ? read_facts(&s, a, roster) : -ENOMEM;

	if (r == 0)
		r = add_spans(&s, a);
	if (r < 0)
		return r;
	uint32_t root = s.f.first_root;
	bool header = root != NODE_NONE && s.f.nodes[root].kind == NODE_PROC;
	ledger_sum_kinds(&s.sums, &s.f, header ? root : NODE_NONE);
	write_trace(out, &s, style);
	return buf_err(out);
}

int view_summary(struct buf *out, const struct view_session *v, const struct view_style *style)
{
	autodrop(record_roster_fini) struct record_roster roster;
	int r = record_roster_init(&roster, v);
	uint64_t parts = 0;

	for (const struct trace *t = trace_next(v->traces, NULL); t && r == 0; t = trace_next(v->traces, t)) {
		parts += t->served;
		if (!t->served || parts <= PARTS_SHOWN)
			r = one_trace(out, v, &roster, t, style);
	}
	if (r == 0 && parts > PARTS_SHOWN)
		buf_addf(out, "and %llu more traces of what was served\n",
			 (unsigned long long)(parts - PARTS_SHOWN));
	return r;
}
