/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a span has the parent that it has: what its link says, what of it the document confirms, and who else was there. */
#include "view/why.h"

#include <errno.h>

#include "base/jsonw.h"
#include "base/text.h"

#define AT_WORD 10u

/* What `how` means, in words. */
static const char *meaning(struct arena *a, const struct json *link)
{
	static const struct {
		const char *how, *words;
	} all[] = {
		{"frame", "it was made from within the parent's function, on one stack"},
		{"task", "the parent's run made the task that it was made in"},
		{"submit", "the parent's run handed the work to a pool"},
		{"thread", "the parent's run started the thread"},
		{"context", "the parent's context came along to another thread"},
		{"fork", "the kernel or /proc says who made the process"},
		{"exec", "the program that was run says it"},
		{"tool_call_id", "the id of a tool call says it"},
		{"response_id", "the id of a response says it"},
		{"prefix", "its conversation begins like another one"},
		{"content", "what was said is the same"},
		{"marker", "the program's own marks say it"},
		{"traceparent", "a trace context came in with the request"},
		{"mcp", "the protocol says it"},
		{"socket", "the two ends of one connection were seen"},
		{"pipe", "the program's own messages say it"},
		{"process", "only the process is known"},
	};
	struct str how = json_get_str(a, link, "how");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_eq(how, str_of(all[i].how)))
			return all[i].words;
	return "";
}

int why_find(struct why *w, struct arena *a, const struct json *trace, uint32_t n)
{
	int r;

	*w = (struct why){.a = a};
	r = node_forest_init(&w->f, a, trace);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < w->f.count && w->n == NULL; i++)
		if (w->f.nodes[i].n == n)
			w->n = &w->f.nodes[i];
	if (w->n == NULL)
		return -ENOENT;
	uint32_t parent = node_by_id(&w->f, w->n->parent_id);
	w->parent = parent == NODE_NONE ? NULL : &w->f.nodes[parent];
	why_check(w);
	return why_compare(w);
}

static const struct json *find_trace(const struct json *document, uint32_t trace)
{
	const struct json *traces = json_get(document, "traces");

	return traces ? json_at(traces, trace) : trace == 0 ? document : NULL;
}

/* Of a document: -EBADMSG, -ENOENT. */
static int find(struct why *w, struct arena *a, const struct json *document, uint32_t trace, uint32_t n)
{
	const struct json *t = find_trace(document, trace);

	if (!view_is_document(document))
		return -EBADMSG;
	return t ? why_find(w, a, t, n) : -ENOENT;
}

/* ---- text ---- */

static void word(struct line *l, const char *text)
{
	line_addf(l, LINE_BOLD, "%s", text);
	line_pad(l, AT_WORD, 1);
}

static void add_span(struct line *l, enum line_colour colour, struct arena *a, const struct node *n)
{
	line_addf(l, colour, "%u %s ", n->n, n->word);
	line_add_cut(l, colour, node_what(a, n), 100);
}

/* Ids of spans become their numbers. */
static void add_evidence(struct why *w, struct line *l, struct str text)
{
	static const char before[] = "span ";
	const size_t n = sizeof(before) - 1;
	uint64_t id;

	text = str_head(text, 400);
	for (ptrdiff_t at; (at = str_find(text, STR(before))) >= 0;) {
		size_t end = (size_t)at + n;
		struct str hex = str_head(str_skip(text, end), 16);
		uint32_t node = hex.n == 16 && str_to_u64_hex(hex, &id) ? node_by_id(&w->f, id) : NODE_NONE;

		line_add(l, LINE_PLAIN, str_head(text, end));
		text = str_skip(text, end);
		if (node == NODE_NONE)
			continue;
		line_addf(l, LINE_PLAIN, "%u", w->f.nodes[node].n);
		text = str_skip(text, 16);
	}
	line_add(l, LINE_PLAIN, text);
}

static void show_link(struct why *w, struct line *l, struct buf *out)
{
	const struct json *link = json_get(w->n->j, "link");
	bool certain = false;

	word(l, "link");
	line_add_cut(l, LINE_PLAIN, json_get_str(w->a, link, "how"), 40);
	line_addf(l, LINE_PLAIN, ": %s", meaning(w->a, link));
	(void)json_bool(json_get(link, "certain"), &certain);
	line_addf(l, certain ? LINE_GREEN : LINE_YELLOW, certain ? "  certain" : "  inferred");
	line_end(l, out);
	for (const struct json *e = json_first(json_get(link, "evidence")); e; e = json_next(e)) {
		word(l, "evidence");
		add_evidence(w, l, json_str(w->a, e));
		line_end(l, out);
	}
}

static void show_facts(struct why *w, const struct view_style *style, struct line *l, struct buf *out)
{
	for (uint32_t i = 0; i < w->fact_count; i++) {
		const struct why_fact *f = &w->facts[i];

		word(l, i == 0 ? "checked" : "");
		line_addf(l, f->holds ? LINE_GREEN : LINE_RED, "%s ",
			  f->holds ? line_word(style, "\xe2\x9c\x93", "+")
				   : line_word(style, "\xe2\x9c\x97", "x"));
		line_add_cut(l, LINE_PLAIN, f->text, 400);
		line_end(l, out);
	}
}

static void show_others(struct why *w, struct line *l, struct buf *out)
{
	word(l, "others");
	if (w->other_count == 0)
		line_addf(l, LINE_PLAIN, "none: nothing else was open that could be its parent");
	else
		line_addf(l, LINE_PLAIN, "%u more were open when it began", w->other_count + w->left_out);
	line_end(l, out);
	for (uint32_t i = 0; i < w->other_count; i++) {
		line_addf(l, LINE_PLAIN, "  ");
		add_span(l, LINE_PLAIN, w->a, &w->f.nodes[w->others[i].at]);
		line_addf(l, LINE_DIM, ": ");
		line_add_cut(l, LINE_DIM, w->others[i].why_not, 200);
		line_end(l, out);
	}
	if (w->left_out) {
		line_addf(l, LINE_DIM, "  and %u further away", w->left_out);
		line_end(l, out);
	}
}

static void show(struct why *w, const struct view_style *style, struct line *l, struct buf *out)
{
	line_addf(l, LINE_BOLD, "span ");
	add_span(l, LINE_BOLD, w->a, w->n);
	line_end(l, out);
	word(l, "parent");
	if (w->n->parent_id == 0) {
		line_addf(l, LINE_PLAIN, "none: it is a root; the trace was cut out as ");
		line_add_cut(l, LINE_PLAIN, json_get_str(w->a, w->f.trace, "root_rule"), 40);
		line_end(l, out);
		return;
	}
	if (w->parent)
		add_span(l, LINE_PLAIN, w->a, w->parent);
	else
		line_addf(l, LINE_YELLOW, "a span that is not in this document");
	line_end(l, out);
	show_link(w, l, out);
	show_facts(w, style, l, out);
	show_others(w, l, out);
}

int view_why(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
	     const struct view_style *style)
{
	const struct view_style wide = {.ascii = style->ascii, .colour = style->colour};
	struct why w;
	struct line l;
	int r = find(&w, a, document, trace, n);

	if (r < 0)
		return r;
	line_init(&l, &wide);
	show(&w, &wide, &l, out);
	line_fini(&l);
	return buf_err(out);
}

/* ---- JSON ---- */

static void write_span(struct jsonw *j, struct arena *a, const struct node *n)
{
	if (n == NULL) {
		jsonw_null(j);
		return;
	}
	jsonw_object(j);
	jsonw_u64(jsonw_key(j, "n"), n->n);
	jsonw_str(jsonw_key(j, "id"), json_get_str(a, n->j, "id"));
	jsonw_str(jsonw_key(j, "kind"), json_get_str(a, n->j, "kind"));
	jsonw_str(jsonw_key(j, "name"), json_get_str(a, n->j, "name"));
	jsonw_object_end(j);
}

int view_why_json(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n)
{
	struct why w;
	struct jsonw j;
	int r = find(&w, a, document, trace, n);

	if (r < 0)
		return r;
	jsonw_init(&j, out);
	jsonw_object(&j);
	jsonw_z(jsonw_key(&j, "schema"), "bottrace.v1.why");
	write_span(jsonw_key(&j, "span"), a, w.n);
	write_span(jsonw_key(&j, "parent"), a, w.parent);
	jsonw_key(&j, "link");
	if (json_get(w.n->j, "link"))
		jsonw_value(&j, a, json_get(w.n->j, "link"));
	else
		jsonw_null(&j);
	jsonw_array(jsonw_key(&j, "checked"));
	for (uint32_t i = 0; i < w.fact_count; i++) {
		jsonw_object(&j);
		jsonw_str(jsonw_key(&j, "what"), w.facts[i].text);
		jsonw_bool(jsonw_key(&j, "holds"), w.facts[i].holds);
		jsonw_object_end(&j);
	}
	jsonw_array_end(&j);
	jsonw_array(jsonw_key(&j, "others"));
	for (uint32_t i = 0; i < w.other_count; i++) {
		jsonw_object(&j);
		write_span(jsonw_key(&j, "span"), a, &w.f.nodes[w.others[i].at]);
		jsonw_str(jsonw_key(&j, "why_not"), w.others[i].why_not);
		jsonw_object_end(&j);
	}
	jsonw_array_end(&j);
	jsonw_u64(jsonw_key(&j, "others_left_out"), w.left_out);
	jsonw_object_end(&j);
	buf_add_char(out, '\n');
	return buf_err(out);
}
