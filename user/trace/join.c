/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model asks for a tool, the program calls it by MCP: two witnesses of one call. They are joined when the tool call is
 * open in the same process, the arguments are the same value, and the name is the same but for the server's name that a
 * framework put before it. Of several that fit, those that one answer asked for are taken in its order; else the one
 * that the same thread asked for; else none, and the call is a span of its own.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "trace/set.h"

#define JOIN_LOOKS_MAX 256u /* open tool calls that are looked at */

/* What was seen of a tool call on the wire, when it closed. In one block with its texts. */
struct trace_seen {
	uint64_t start_ns, end_ns;
	uint32_t tid;
	enum trace_status status;
	struct str status_type, status_message;
	struct str method, result;
	struct hash128 asks; /* it goes on with the call that resumes this; zero: it is over */
	uint32_t rounds;     /* that ended with a question */
	uint64_t served_by;
	struct py_stack *stack; /* of who called; NULL: none */
	struct trace_gap *gaps;
	uint32_t gap_count;
	uint32_t attribute_count;
	struct trace_attribute *attributes;
};

/* ---- which ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "server__tool", "mcp__server__tool", "server.tool" for "tool". A single _ or - may be a part of any name: only with
 * arguments that agree is it enough. */
static bool names_agree(struct str asked, struct str called, bool has_args)
{
	struct str prefix;

	if (str_eq(asked, called))
		return called.n > 0;
	if (called.n == 0 || asked.n <= called.n + 1 || !str_ends(asked, called))
		return false;
	prefix = str_head(asked, asked.n - called.n);
	if (is_letter(prefix.p[prefix.n - 1]))
		return false;
	if (prefix.p[prefix.n - 1] == '_' || prefix.p[prefix.n - 1] == '-')
		return has_args || str_ends(prefix, STR("__"));
	return true;
}

static bool args_agree(const struct trace_tool *tool, struct hash128 want)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	const struct json *j = a ? json_parse(a, tool->args.n ? tool->args : STR("{}"), NULL) : NULL;

	return j != NULL && hash_eq(json_hash(a, j), want);
}

static struct trace_tool *tool_find(struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_tool *best = NULL, *own = NULL;
	bool has_args = c->tool_arguments.n > 2, one_ask = true;
	uint32_t looks = 0, owns = 0;

	/* The newest first: the last one that stays is the oldest. */
	for (struct trace_tool *o = k->process->tools; o != NULL && looks < JOIN_LOOKS_MAX;
	     o = o->after, looks++) {
		if (o->call || o->seen || !names_agree(o->name, c->label, has_args) ||
		    !args_agree(o, c->arguments_hash))
			continue;
		one_ask = one_ask && (best == NULL || best->ask == o->ask);
		best = o;
		if (c->x && o->ask->tid == c->x->tid) {
			own = o;
			owns++;
		}
	}
	return one_ask ? best : owns == 1 ? own : NULL;
}

static struct trace_tool *asked_find(struct trace_call *k)
{
	for (struct trace_tool *o = k->process->tools; o != NULL; o = o->after)
		if (o->seen && !o->call && hash_eq(o->seen->asks, k->c->resumes))
			return o;
	return NULL;
}

void trace_join_begin(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	bool resumes = c->resumes.lo != 0;

	if (c->x && c->x->server_side)
		return;
	if (c->kind == GENAI_EXECUTE_TOOL)
		k->tool = resumes ? asked_find(k) : tool_find(k);
	if (k->tool)
		k->tool->call = k;
	else if (resumes)
		trace_retry_resume(t, k);
}

/* ---- what was seen ---- */

/* Those that the tool's span has from the model's side. */
static bool is_kept(struct str key)
{
	static const char *const others[] = {"gen_ai.operation.name",	   "gen_ai.tool.name",
					     "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
					     "bottrace.tool.outcome",	   "error.type"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (str_eq(key, str_of(others[i])))
			return false;
	return true;
}

static struct str moved(char **at, struct str s)
{
	struct str to = {s.p ? *at : NULL, s.n};

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return to;
}

static enum trace_status status_of(const struct genai_call *c)
{
	switch (c->status) {
	case GENAI_OK:
		return TRACE_STATUS_OK;
	case GENAI_ERROR:
		return TRACE_STATUS_ERROR;
	case GENAI_ABORTED:
		return TRACE_STATUS_ABORTED;
	case GENAI_OPEN:
		break;
	}
	return TRACE_STATUS_OPEN;
}

static struct trace_seen *seen_new(const struct trace_call *k, const struct trace_draft *d)
{
	const struct genai_call *c = k->c;
	uint32_t gaps = trace_call_gaps(c);
	size_t room = d->s.attribute_count * sizeof(struct trace_attribute) +
		      gaps * sizeof(struct trace_gap) + c->error_type.n + c->error_message.n + c->method.n +
		      c->tool_result.n;

	for (uint32_t i = 0; i < d->s.attribute_count; i++)
		room += d->s.attributes[i].text.n;
	struct trace_seen *s = calloc(1, sizeof(*s) + room);

	if (s == NULL)
		return NULL;
	s->attributes = (struct trace_attribute *)(s + 1);
	s->gaps = (struct trace_gap *)(s->attributes + d->s.attribute_count);
	char *at = (char *)(s->gaps + gaps);

	for (uint32_t i = 0; i < d->s.attribute_count; i++) {
		const struct trace_attribute *from = &d->s.attributes[i];

		if (!is_kept(from->key))
			continue;
		s->attributes[s->attribute_count] = *from; /* keys are literals */
		s->attributes[s->attribute_count++].text = moved(&at, from->text);
	}
	for (const struct http_gap *g = gaps ? c->x->gaps : NULL; g != NULL; g = g->next)
		s->gaps[s->gap_count++] =
			(struct trace_gap){k->connection, g->dir, g->offset, g->bytes, g->cause};
	s->status_type = moved(&at, c->error_type);
	s->status_message = moved(&at, c->error_message);
	s->method = moved(&at, c->method);
	s->result = moved(&at, c->tool_result);
	return s;
}

struct trace_seen *trace_join_keep(const struct trace_call *k, bool light)
{
	struct trace_seen *s = NULL;
	struct trace_draft d;

	trace_draft_init(&d);
	trace_attribute_draft(&d, k, light);
	if (k->before && k->before->seen)
		trace_join_merge(&d, k->before->seen);
	if (trace_draft_whole(&d))
		s = seen_new(k, &d);
	trace_draft_fini(&d);
	return s;
}

/* What a later round leaves out because the first one said it. */
static bool is_lasting(struct str key)
{
	return str_starts(key, STR("mcp.")) || str_eq(key, STR("bottrace.traceparent")) ||
	       str_eq(key, STR("bottrace.mcp.client")) || str_eq(key, STR("bottrace.mcp.server"));
}

static bool has(const struct trace_draft *d, struct str key)
{
	for (uint32_t i = 0; i < d->s.attribute_count; i++)
		if (str_eq(d->s.attributes[i].key, key))
			return true;
	return false;
}

void trace_join_merge(struct trace_draft *d, const struct trace_seen *seen)
{
	for (uint32_t i = 0; i < seen->attribute_count && !d->failed; i++) {
		const struct trace_attribute *a = &seen->attributes[i];

		if (!is_lasting(a->key) || has(d, a->key))
			continue;
		if (d->s.attribute_count == TRACE_DRAFT_ATTRIBUTES)
			d->failed = true;
		else
			d->s.attributes[d->s.attribute_count++] = *a;
	}
}

void trace_join_close(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_tool *tool = k->tool;
	struct trace_seen *before = tool->seen, *s;
	struct trace_draft d;

	trace_draft_init(&d);
	trace_attribute_draft(&d, k, t->light);
	if (before)
		trace_join_merge(&d, before);
	s = trace_draft_whole(&d) ? seen_new(k, &d) : NULL;
	trace_draft_fini(&d);
	if (s == NULL) {
		t->lost++;
		return;
	}
	s->start_ns = before ? before->start_ns : c->start_ns;
	s->end_ns = c->end_ns;
	s->tid = c->x ? c->x->tid : 0;
	s->status = status_of(c);
	s->asks = c->asks;
	s->rounds = (before ? before->rounds : 0) + (c->asks.lo != 0);
	s->served_by = k->served_by;
	trace_stack_settle(t, k);
	s->stack = take(k->stack);
	if (s->stack == NULL && before)
		s->stack = take(before->stack);
	k->gaps_told = s->gap_count;
	trace_join_free(before);
	tool->seen = s;
}

void trace_join_part(struct trace_tool *tool)
{
	if (tool->call == NULL)
		return;
	tool->call->tool = NULL;
	tool->call->superseded = true; /* its span was told */
	tool->call = NULL;
}

void trace_join_free(struct trace_seen *seen)
{
	if (seen)
		py_stack_free(seen->stack);
	free(seen);
}

/* ---- of its own ---- */

/* Of a call by MCP that is a tool's. */
void trace_join_tool(struct trace_draft *d, const struct genai_call *c, bool light)
{
	const char *outcome = c->tool_error || c->status == GENAI_ERROR	 ? "error"
			      : c->status == GENAI_OK && c->asks.lo == 0 ? "returned"
									 : "unanswered";

	if (c->kind != GENAI_EXECUTE_TOOL)
		return;
	trace_draft_str(d, "gen_ai.tool.name", c->label);
	if (!light) {
		trace_draft_json(d, "gen_ai.tool.call.arguments", c->tool_arguments);
		trace_draft_json(d, "gen_ai.tool.call.result", c->tool_result);
	}
	trace_draft_str(d, "bottrace.tool.outcome", str_of(outcome));
}

/* What the wire says of where it belongs. */
void trace_join_place(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	const struct trace_call *under = c->under ? c->under->user : NULL;

	if (under != NULL) {
		k->parent = under->id;
		k->parent_how = "pipe";
	} else if (c->within.n > 0) {
		k->parent = trace_tool_find(t, k->process, c->within);
		k->parent_how = "tool_call_id";
	}
}

/* ---- told ---- */

void trace_join_draft(struct trace_draft *d, const struct trace_tool *tool, const char **outcome,
		      struct str *result)
{
	const struct trace_seen *s = tool->seen;

	d->s.start_ns = s->start_ns;
	d->s.end_ns = s->status == TRACE_STATUS_OPEN ? 0 : s->end_ns;
	d->s.bounded = false;
	d->s.tid = s->tid;
	if (s->stack)
		trace_stack_fill(d, s->stack);
	/* What the model was told of a call that went well may still be an error; of one that failed it is one. */
	if (s->status == TRACE_STATUS_ERROR || s->status == TRACE_STATUS_ABORTED ||
	    str_starts(str_of(*outcome), STR("un"))) { /* unanswered, unseen */
		d->s.status = s->status;
		d->s.status_type = s->status_type;
		d->s.status_message = s->status_message;
		if (s->asks.lo == 0 && s->status == TRACE_STATUS_ERROR)
			*outcome = "error";
		else if (s->asks.lo == 0 && s->status == TRACE_STATUS_OK)
			*outcome = "returned";
	}
	if (result->p == NULL)
		*result = s->result;
	for (uint32_t i = 0; i < s->attribute_count && !d->failed; i++) {
		if (d->s.attribute_count == TRACE_DRAFT_ATTRIBUTES)
			d->failed = true;
		else
			d->s.attributes[d->s.attribute_count++] = s->attributes[i];
	}
	if (s->rounds > 0)
		trace_draft_i64(d, "bottrace.mcp.rounds", s->rounds + (s->asks.lo == 0));
	if (s->served_by)
		trace_draft_str(d, "bottrace.served_by", trace_draft_hex(d, s->served_by));
	trace_draft_gaps(d, s->gap_count);
	for (uint32_t i = 0; i < s->gap_count; i++)
		trace_draft_gap(d, &s->gaps[i]);
}
