/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a link's evidence can be looked up in the document again. */
#include <stdarg.h>
#include <stdio.h>

#include "view/why.h"

#define STRINGS_MAX 64u
#define STRING_MIN  4u /* shorter ones stand in any command line: as where the link was made */
#define LEVELS_MAX  32u

static void PRINTF(3, 4) add(struct why *w, bool holds, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n <= 0 || w->fact_count == WHY_FACTS)
		return;
	struct str s = arena_dup(w->a, str_head(str_of(text), sizeof(text) - 1));
	if (s.p)
		w->facts[w->fact_count++] = (struct why_fact){.text = s, .holds = holds};
}

int64_t why_number(const struct node *n, const char *member)
{
	int64_t v = 0;

	(void)json_i64(json_get(n->j, member), &v);
	return v;
}

/* ---- stacks ---- */

ptrdiff_t why_frame(struct why *w, const struct node *other)
{
	const struct json *source = json_get(other->j, "source");
	struct str file = json_get_str(w->a, source, "file");
	struct str function = json_get_str(w->a, source, "function");
	ptrdiff_t i = 0;

	if (function.n == 0)
		return -1;
	for (const struct json *f = json_first(json_get(w->n->j, "stack")); f; f = json_next(f), i++)
		if (str_eq(json_get_str(w->a, f, "file"), file) &&
		    str_eq(json_get_str(w->a, f, "function"), function))
			return i;
	return -1;
}

static void check_stack(struct why *w)
{
	ptrdiff_t at = why_frame(w, w->parent);
	struct str function = json_get_str(w->a, json_get(w->parent->j, "source"), "function");

	if (function.n && json_type(json_get(w->n->j, "stack")) == JSON_ARRAY)
		add(w, at >= 0, "%.*s stands on its stack%s", STR_ARG(str_head(function, 100)),
		    at >= 0 ? "" : ": not on its own thread's");
}

/* ---- times and processes ---- */

static void check_times(struct why *w)
{
	int64_t start = node_time(w->a, w->n->j, "start");
	int64_t from = node_time(w->a, w->parent->j, "start"), to = node_time(w->a, w->parent->j, "end");

	if (start == 0 || from == 0)
		return;
	add(w, start >= from && (to == 0 || start <= to), "it began while the parent was open");
}

/* Links that lead from one process to another. */
static bool is_across(const struct why *w)
{
	const struct json *how = json_get(json_get(w->n->j, "link"), "how");

	return json_is(how, "socket") || json_is(how, "pipe") || json_is(how, "content");
}

static void check_process(struct why *w)
{
	int64_t pid = why_number(w->n, "pid"), parent = why_number(w->parent, "pid"), of = 0;

	if (w->n->kind == NODE_PROC) {
		if (node_number(w->n, "process.parent_pid", &of) && parent)
			add(w, of == parent, "its parent process is pid %lld, the parent's", (long long)of);
		return;
	}
	if (pid && parent && w->n->kind != NODE_TOOL && !is_across(w))
		add(w, pid == parent, "both are of pid %lld", (long long)pid);
}

static void check_thread(struct why *w)
{
	int64_t tid = why_number(w->n, "tid"), of = why_number(w->parent, "tid");

	if (tid && of)
		add(w, tid == of, "both are of thread %lld", (long long)tid);
}

/* ---- tool calls ---- */

static const struct node *referred(struct why *w, const char *key)
{
	struct str id = node_text(w->a, w->n, key);
	uint64_t number;
	uint32_t at = str_to_u64_hex(id, &number) ? node_by_id(&w->f, number) : NODE_NONE;

	return at == NODE_NONE ? NULL : &w->f.nodes[at];
}

static bool has_part(struct why *w, const struct json *messages, const char *type, struct str id)
{
	for (const struct json *m = json_first(messages); m; m = json_next(m))
		for (const struct json *p = json_first(json_get(m, "parts")); p; p = json_next(p))
			if (json_is(json_get(p, "type"), type) && str_eq(json_get_str(w->a, p, "id"), id))
				return true;
	return false;
}

static void check_told(struct why *w, const struct node *chat, const char *key, const char *type,
		       struct str id, const char *what)
{
	const struct json *messages = chat ? node_attribute(chat, key) : NULL;

	if (messages)
		add(w, has_part(w, messages, type, id), "span %u %s %.*s", chat->n, what,
		    STR_ARG(str_head(id, 128)));
}

static void check_tool(struct why *w)
{
	const struct node *asker = referred(w, "bottrace.requested_by");
	struct str id = node_text(w->a, w->n, "gen_ai.tool.call.id");

	if (id.n) {
		check_told(w, asker, "gen_ai.output.messages", "tool_call", id, "asks for");
		check_told(w, referred(w, "bottrace.answered_in"), "gen_ai.input.messages",
			   "tool_call_response", id, "tells the result of");
	}
	if (asker)
		add(w, asker->parent_id == w->n->parent_id,
		    "span %u, which asked for it, has the same parent", asker->n);
}

/* ---- content ---- */

static bool in_command(struct why *w, const struct node *process, struct str s)
{
	const struct json *args = node_attribute(process, "process.command_args");

	for (const struct json *v = json_first(args); v; v = json_next(v))
		if (str_has(json_str(w->a, v), s))
			return true;
	return false;
}

uint32_t why_strings(struct why *w, const struct node *tool, const struct node *process, uint32_t *all)
{
	const struct json *next[LEVELS_MAX] = {node_attribute(tool, "gen_ai.tool.call.arguments")};
	uint32_t depth = 1, found = 0;

	*all = 0;
	while (depth > 0 && *all < STRINGS_MAX) {
		const struct json *j = next[depth - 1];

		if (j == NULL) {
			depth--;
			continue;
		}
		next[depth - 1] = depth > 1 ? json_next(j) : NULL;
		if (json_type(j) == JSON_STRING) {
			struct str s = str_trim(json_str(w->a, j));

			*all += s.n >= STRING_MIN;
			found += s.n >= STRING_MIN && in_command(w, process, s);
		} else if (json_first(j) && depth < LEVELS_MAX) {
			next[depth++] = json_first(j);
		}
	}
	return found;
}

static void check_command(struct why *w)
{
	uint32_t all, found = why_strings(w, w->parent, w->n, &all);

	if (all > 0)
		add(w, found > 0, "%u of %u texts of the tool call's arguments stand in its command line",
		    found, all);
}

static const struct json *connection(struct why *w, const struct node *n)
{
	int64_t id, number;

	if (!node_number(n, "bottrace.connection", &id))
		return NULL;
	for (const struct json *c = json_first(json_get(w->f.trace, "connections")); c; c = json_next(c))
		if (json_i64(json_get(c, "id"), &number) && number == id)
			return c;
	return NULL;
}

static void check_ends(struct why *w, const struct node *other)
{
	const struct json *here = connection(w, w->n), *there = connection(w, other);
	struct str local = json_get_str(w->a, here, "local"), peer = json_get_str(w->a, here, "peer");

	if (local.n && peer.n && there && here != there)
		add(w,
		    str_eq(local, json_get_str(w->a, there, "peer")) &&
			    str_eq(peer, json_get_str(w->a, there, "local")),
		    "its connection and that of span %u are two ends of one", other->n);
}

/* The same call, seen again. */
static void check_hop(struct why *w)
{
	const struct node *first = referred(w, "bottrace.hop_of");

	if (first == NULL)
		return;
	check_ends(w, first);
	const struct json *said = node_attribute(w->n, "gen_ai.input.messages"),
			  *same = node_attribute(first, "gen_ai.input.messages");
	if (said && same && !node_attribute(w->n, "bottrace.continues") &&
	    !node_attribute(first, "bottrace.continues"))
		add(w, str_eq(json_raw(said), json_raw(same)),
		    "its messages and those of span %u are the same, %zu bytes", first->n, json_raw(said).n);
	add(w, first->parent_id == w->n->parent_id, "span %u, which saw the call first, has the same parent",
	    first->n);
}

/* ---- all of it ---- */

void why_check(struct why *w)
{
	const struct json *how = json_get(json_get(w->n->j, "link"), "how");
	static const char *const stacked[] = {"frame", "task", "submit", "thread"};

	if (w->parent == NULL)
		return;
	check_times(w);
	check_process(w);
	if (json_is(how, "marker") && w->parent->kind == NODE_STEP)
		check_thread(w);
	for (size_t i = 0; i < sizeof(stacked) / sizeof(stacked[0]); i++)
		if (json_is(how, stacked[i]))
			check_stack(w);
	if (w->n->kind == NODE_TOOL)
		check_tool(w);
	if (w->n->kind == NODE_PROC && w->parent->kind == NODE_TOOL)
		check_command(w);
	if (w->n->kind == NODE_HTTP && w->parent->kind == NODE_HTTP && is_across(w))
		check_ends(w, w->parent);
	check_hop(w);
}
