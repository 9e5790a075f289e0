/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/node.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define WHAT_BYTES 512u

static const struct {
	const char *kind;
	enum node_kind is;
	const char *word;
} kinds[] = {
	{"chat", NODE_LLM, "llm"},
	{"text_completion", NODE_LLM, "llm"},
	{"generate_content", NODE_LLM, "llm"},
	{"embeddings", NODE_LLM, "embed"},
	{"rerank", NODE_LLM, "rerank"},
	{"execute_tool", NODE_TOOL, "tool"},
	{"mcp", NODE_STEP, "mcp"},
	{"invoke_agent", NODE_AGENT, "agent"},
	{"invoke_workflow", NODE_AGENT, "flow"},
	{"process", NODE_PROC, "proc"},
	{"http", NODE_HTTP, "http"},
	{"task", NODE_STEP, "task"},
	{"step", NODE_STEP, "step"},
};

static uint64_t read_id(struct arena *a, const struct json *span, const char *member)
{
	struct str s = json_get_str(a, span, member);
	uint64_t id;

	return s.n == 16 && str_to_u64_hex(s, &id) ? id : 0;
}

enum node_kind node_kind_of(struct str kind, const char **word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kind, str_of(kinds[i].kind))) {
			*word = kinds[i].word;
			return kinds[i].is;
		}
	*word = "step";
	return NODE_STEP;
}

void node_init(struct node *n, struct arena *a, const struct json *span)
{
	int64_t ordinal = 0;

	*n = (struct node){
		.j = span, .parent = NODE_NONE, .first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE};
	n->attributes = json_get(span, "attributes");
	n->id = read_id(a, span, "id");
	n->parent_id = read_id(a, span, "parent");
	if (json_i64(json_get(span, "n"), &ordinal) && ordinal > 0 && ordinal < UINT32_MAX)
		n->n = (uint32_t)ordinal;
	n->kind = node_kind_of(json_get_str(a, span, "kind"), &n->word);
	struct str code = node_status(a, n);
	n->bad = str_eq(code, STR("error")) || str_eq(code, STR("aborted"));
	n->hop = json_type(node_attribute(n, "bottrace.hop_of")) == JSON_STRING;
}

/* ---- the forest ---- */

static int compare_ids(const void *va, const void *vb)
{
	const struct node_index *a = va, *b = vb;

	return a->id < b->id ? -1 : a->id > b->id;
}

uint32_t node_by_id(const struct node_forest *f, uint64_t id)
{
	struct node_index key = {.id = id};
	const struct node_index *found = NULL;

	if (id && f->count)
		found = bsearch(&key, f->index, f->count, sizeof(key), compare_ids);
	return found ? found->at : NODE_NONE;
}

/* Cuts every cycle: a walk up that meets its own mark has found one. */
static void cut_cycles(struct node_forest *f, uint32_t *mark)
{
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t at = i;

		while (at != NODE_NONE && mark[at] == 0) {
			mark[at] = i + 1;
			at = f->nodes[at].parent;
		}
		if (at != NODE_NONE && mark[at] == i + 1)
			f->nodes[at].parent = NODE_NONE;
	}
}

static void chain(struct node_forest *f)
{
	uint32_t last_root = NODE_NONE;

	f->first_root = NODE_NONE;
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t parent = f->nodes[i].parent;
		uint32_t *first = parent == NODE_NONE ? &f->first_root : &f->nodes[parent].first;
		uint32_t *last = parent == NODE_NONE ? &last_root : &f->nodes[parent].last;

		if (*first == NODE_NONE)
			*first = i;
		else
			f->nodes[*last].next = i;
		*last = i;
	}
}

static void note_time(struct node_forest *f, int64_t ns)
{
	if (ns > f->last_ns)
		f->last_ns = ns;
}

int node_forest_new(struct node_forest *f, struct arena *a, size_t count)
{
	*f = (struct node_forest){.a = a, .first_root = NODE_NONE};
	if (count >= NODE_NONE)
		return -EBADMSG;
	f->nodes = arena_alloc(a, (count + 1) * sizeof(*f->nodes));
	f->index = arena_alloc(a, (count + 1) * sizeof(*f->index));
	return f->nodes && f->index ? 0 : -ENOMEM;
}

int node_forest_link(struct node_forest *f)
{
	uint32_t *mark = arena_alloc(f->a, (f->count + 1ul) * sizeof(*mark));

	if (mark == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->count; i++)
		f->index[i] = (struct node_index){f->nodes[i].id, i};
	qsort(f->index, f->count, sizeof(*f->index), compare_ids);
	for (uint32_t i = 0; i < f->count; i++) {
		struct node *n = &f->nodes[i];

		n->first = n->last = n->next = NODE_NONE;
		n->parent = node_by_id(f, n->parent_id);
	}
	cut_cycles(f, mark);
	chain(f);
	return 0;
}

int node_forest_init(struct node_forest *f, struct arena *a, const struct json *trace)
{
	const struct json *spans = json_get(trace, "spans");
	size_t count = json_count(spans);
	int r = node_forest_new(f, a, count);

	f->trace = trace;
	if (json_type(spans) != JSON_ARRAY)
		return -EBADMSG;
	if (r < 0)
		return r;
	note_time(f, node_time(a, trace, "end"));
	if (node_time(a, trace, "end") == 0)
		note_time(f, node_time(a, trace, "observed_until"));
	for (const struct json *s = json_first(spans); s && f->count < count; s = json_next(s)) {
		node_init(&f->nodes[f->count++], a, s);
		note_time(f, node_time(a, s, "start"));
		note_time(f, node_time(a, s, "end"));
		if (json_type(s) != JSON_OBJECT)
			return -EBADMSG;
	}
	return node_forest_link(f);
}

/* ---- reading ---- */

const struct json *node_attribute(const struct node *n, const char *key)
{
	return json_get(n->attributes, key);
}

struct str node_text(struct arena *a, const struct node *n, const char *key)
{
	return json_str(a, node_attribute(n, key));
}

bool node_number(const struct node *n, const char *key, int64_t *out)
{
	return json_i64(node_attribute(n, key), out);
}

struct str node_status(struct arena *a, const struct node *n)
{
	struct str code = json_get_str(a, json_get(n->j, "status"), "code");

	return code.n ? code : STR("unknown");
}

int64_t node_time(struct arena *a, const struct json *object, const char *member)
{
	struct str s = json_get_str(a, object, member);
	int year, month, day, hour, minute, second, ns;

	/* 2026-11-22T20:41:07.102334455Z, as text_time writes it */
	if (s.n != 30 || s.p[10] != 'T' || s.p[29] != 'Z')
		return 0;
	if (!str_field_int(s, 0, 4, &year) || !str_field_int(s, 5, 2, &month) ||
	    !str_field_int(s, 8, 2, &day) || !str_field_int(s, 11, 2, &hour) ||
	    !str_field_int(s, 14, 2, &minute) || !str_field_int(s, 17, 2, &second) ||
	    !str_field_int(s, 20, 9, &ns))
		return 0;
	if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1)
		return 0;
	/* Days since 1970-01-01, years begun in March. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t era_day = y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
	return (era_day * 86400 + hour * 3600 + minute * 60 + second) * 1000000000 + ns;
}

void node_short_count(int64_t n, char out[24])
{
	static const char units[] = "kMGT";
	double v = (double)n / 1000;
	int u = 0;

	if (n < 1000) {
		snprintf(out, 24, "%lld", (long long)n);
		return;
	}
	while (v >= 999.5 && u < 3) {
		v /= 1000;
		u++;
	}
	snprintf(out, 24, v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
}

const char *node_signal(int64_t number)
{
	const char *name = number > 0 && number < 65 ? sigabbrev_np((int)number) : NULL;

	return name ? name : "";
}

/* ---- what it is about ---- */

/* Command line of a process span without the directories of its program; p NULL: unknown. */
static struct str command_of(struct arena *a, const struct json *args)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, WHAT_BYTES * 4);
	for (const struct json *c = json_first(args); c && b.n < WHAT_BYTES; c = json_next(c)) {
		struct str s = json_str(a, c);

		if (c == json_first(args))
			s = str_base_name(s);
		if (b.n)
			buf_add_char(&b, ' ');
		buf_add(&b, str_head(s, WHAT_BYTES));
	}
	return b.n ? arena_dup(a, buf_str(&b)) : STR_NONE;
}

/* The argument that says most: a lone text, else all of them as JSON. */
static struct str brief_arguments(struct arena *a, const struct json *arguments)
{
	const struct json *first = json_first(arguments);

	if (json_type(arguments) == JSON_OBJECT && json_count(arguments) == 1 &&
	    json_type(first) == JSON_STRING)
		return json_str(a, first);
	if (json_type(arguments) == JSON_STRING)
		return json_str(a, arguments);
	return json_count(arguments) ? json_raw(arguments) : STR_NONE;
}

static struct str what_tool(struct arena *a, const struct node *n)
{
	struct str name = node_text(a, n, "gen_ai.tool.name");
	struct str arguments = brief_arguments(a, node_attribute(n, "gen_ai.tool.call.arguments"));

	name = name.n ? str_head(name, WHAT_BYTES) : STR("?");
	if (arguments.n == 0)
		return name;
	return arena_printf(a, "%.*s %.*s", STR_ARG(name), STR_ARG(str_head(arguments, WHAT_BYTES)));
}

static struct str what_http(struct arena *a, const struct node *n)
{
	struct str method = node_text(a, n, "http.request.method"), host = node_text(a, n, "server.address");
	struct str path = node_text(a, n, "url.path");

	return arena_printf(a, "%.*s %.*s%.*s", STR_ARG(str_head(method.n ? method : STR("?"), 32)),
			    STR_ARG(str_head(host, 256)), STR_ARG(str_head(path, WHAT_BYTES)));
}

struct str node_what(struct arena *a, const struct node *n)
{
	struct str s = STR_NONE;

	switch (n->kind) {
	case NODE_LLM:
		s = node_text(a, n, "gen_ai.response.model");
		if (s.n == 0)
			s = node_text(a, n, "gen_ai.request.model");
		break;
	case NODE_TOOL:
		s = what_tool(a, n);
		break;
	case NODE_AGENT:
		s = node_text(a, n, "gen_ai.agent.name");
		break;
	case NODE_HTTP:
		s = what_http(a, n);
		break;
	case NODE_PROC:
		s = command_of(a, node_attribute(n, "process.command_args"));
		break;
	case NODE_STEP:
		break;
	}
	if (s.n == 0)
		s = json_get_str(a, n->j, "name");
	return str_head(s, WHAT_BYTES * 2);
}
