/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said at the end of a run. */
#include <errno.h>

#include "base/text.h"
#include "view/ledger.h"
#include "view/line.h"
#include "view/node.h"

static void counted(struct line *l, enum line_colour c, const char *name, uint64_t n)
{
	char z[32];

	text_count(n, z);
	line_addf(l, c, "  %s %s", name, z);
}

static void first_line(struct line *l, const struct node_forest *f, const struct ledger_sums *s)
{
	int64_t start = node_time(f->a, f->trace, "start"), end = node_time(f->a, f->trace, "end");
	bool complete = false;
	char d[32] = "?", out[32];

	if (end == 0)
		end = f->last_ns;
	if (start && end >= start)
		text_duration((uint64_t)(end - start), d);
	line_addf(l, LINE_BOLD, "bottrace: %s", d);
	counted(l, LINE_PLAIN, "llm", s->llm);
	counted(l, LINE_PLAIN, "tools", s->tools);
	if (s->has_tokens) {
		text_count((uint64_t)s->input, d);
		text_count((uint64_t)s->output, out);
		line_addf(l, LINE_PLAIN, "  tokens %s->%s", d, out);
	}
	counted(l, s->errors ? LINE_RED : LINE_PLAIN, "errors", s->errors);
	if (json_is(json_get(f->trace, "status"), "open"))
		line_addf(l, LINE_YELLOW, "  open");
	(void)json_bool(json_get(f->trace, "complete"), &complete);
	line_addf(l, complete ? LINE_GREEN : LINE_YELLOW, complete ? "  complete" : "  incomplete");
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

static int one_trace(struct buf *out, struct arena *a, const struct json *trace,
		     const struct view_style *style)
{
	autodrop(line_fini) struct line l;
	struct node_forest f;
	struct ledger_sums s;
	int r = node_forest_init(&f, a, trace);

	line_init(&l, style);
	if (r < 0)
		return r;
	ledger_sum(&s, &f,
		   f.first_root != NODE_NONE && f.nodes[f.first_root].kind == NODE_PROC ? f.first_root
											: NODE_NONE);
	first_line(&l, &f, &s);
	line_end(&l, out);
	cost_line(&l, trace);
	line_end(&l, out);
	loss_line(&l, &s);
	if (l.width)
		line_end(&l, out);
	ledger_write(&l, trace, out);
	return buf_err(out);
}

int view_summary(struct buf *out, struct arena *a, const struct json *document,
		 const struct view_style *style)
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
	}
	return buf_err(out);
}
