/* SPDX-License-Identifier: BSD-2-Clause */
/* What was alive at a moment: asked for while it ran, or kept at a failure (docs/state.md). */
#include <errno.h>

#include "base/jsonw.h"
#include "base/text.h"
#include "view/line.h"
#include "view/message.h"
#include "view/node.h"

#define AT_WORD 12u

struct scene {
	struct arena *a;
	const struct view_style *style;
	struct buf *out;
	struct line l;
	int64_t now_ns; /* since the epoch; 0: unknown */
};

static void end(struct scene *s)
{
	line_end(&s->l, s->out);
}

static void word(struct scene *s, const char *text)
{
	line_addf(&s->l, LINE_DIM, "  %s", text);
	line_pad(&s->l, AT_WORD, 1);
}

static void text(struct scene *s, const struct json *j, const char *member, const char *before)
{
	struct str t = json_get_str(s->a, j, member);

	if (t.n == 0)
		return;
	line_addf(&s->l, LINE_PLAIN, "%s", before);
	line_add_cut(&s->l, LINE_PLAIN, t, 200);
}

static void number(struct scene *s, const struct json *j, const char *member, const char *before,
		   const char *after)
{
	char z[32];
	int64_t n;

	if (!json_i64(json_get(j, member), &n) || n < 0)
		return;
	text_count((uint64_t)n, z);
	line_addf(&s->l, LINE_PLAIN, "%s%s%s", before, z, after);
}

static void id(struct scene *s, const struct json *j, const char *member)
{
	int64_t n;

	if (json_i64(json_get(j, member), &n))
		line_addf(&s->l, LINE_PLAIN, "  %s %lld", member, (long long)n);
}

static void size(struct scene *s, const struct json *j, const char *member, const char *before,
		 const char *after)
{
	char z[24];
	int64_t n;

	if (!json_i64(json_get(j, member), &n) || n < 0)
		return;
	text_size((uint64_t)n, z);
	line_addf(&s->l, LINE_PLAIN, "%s%s%s", before, z, after);
}

/* How long ago. */
static void since(struct scene *s, const struct json *j, const char *member, const char *before,
		  const char *after)
{
	int64_t ns = node_time(s->a, j, member);
	char d[24];

	if (ns == 0 || s->now_ns < ns)
		return;
	text_duration((uint64_t)(s->now_ns - ns), d);
	line_addf(&s->l, LINE_PLAIN, "%s%s%s", before, d, after);
}

static void left_out(struct scene *s, const struct json *j, const char *member, const char *what)
{
	int64_t n;

	if (!json_i64(json_get(j, member), &n) || n <= 0)
		return;
	line_addf(&s->l, LINE_YELLOW, "  and %lld more %s: left out for want of room", (long long)n, what);
	end(s);
}

/* ---- what is waited for ---- */

static void show_call(struct scene *s, const struct json *call)
{
	int64_t attempts = 1;

	word(s, "call");
	text(s, call, "kind", "");
	text(s, call, "what", " ");
	text(s, call, "server", "  ");
	since(s, call, "since", "  for ", "");
	size(s, call, "bytes_sent", "  ", " sent");
	size(s, call, "bytes_received", "  ", " received");
	if (json_i64(json_get(call, "attempts"), &attempts) && attempts > 1)
		line_addf(&s->l, LINE_YELLOW, "  attempt %lld", (long long)attempts);
	end(s);
}

static void show_tools(struct scene *s, const struct json *j)
{
	for (const struct json *t = json_first(json_get(j, "tools")); t; t = json_next(t)) {
		const struct json *arguments = json_get(t, "arguments");

		word(s, "tool");
		text(s, t, "name", "");
		text(s, t, "call_id", "  ");
		since(s, t, "since", "  for ", "");
		end(s);
		if (arguments)
			message_write_value(s->out, s->a, arguments, AT_WORD, s->style->ascii);
	}
	left_out(s, j, "tools_left_out", "tools");
}

static void show_states(struct scene *s, const struct json *j)
{
	for (const struct json *v = json_first(json_get(j, "state")); v; v = json_next(v)) {
		word(s, "state");
		line_add_cut(&s->l, LINE_BOLD, json_key(s->a, v), 100);
		end(s);
		message_write_value(s->out, s->a, v, AT_WORD, s->style->ascii);
	}
}

static void show_stack(struct scene *s, const struct json *j)
{
	struct str partial = json_get_str(s->a, j, "stack_partial");
	const struct json *stack = json_get(j, "stack");

	if (json_count(stack) == 0)
		return;
	word(s, "stack");
	since(s, j, "stack_time", "as it was ", " ago");
	if (partial.n) {
		line_addf(&s->l, LINE_YELLOW, "  not whole: ");
		line_add_cut(&s->l, LINE_YELLOW, partial, 40);
	}
	end(s);
	for (const struct json *f = json_first(stack); f; f = json_next(f)) {
		line_pad(&s->l, AT_WORD, 1);
		node_place(&s->l, LINE_PLAIN, s->a, f, true);
		end(s);
	}
}

/* ---- who is there ---- */

static void show_head(struct scene *s, const char *what, const struct json *j)
{
	struct str name = json_get_str(s->a, j, "name");
	bool failing = false;

	buf_add_char(s->out, '\n');
	line_addf(&s->l, LINE_BOLD, "%s ", what);
	line_add_cut(&s->l, LINE_BOLD, name.n ? name : STR("(no name)"), 100);
	id(s, j, "pid");
	id(s, j, "tid");
	text(s, j, "task", "  task ");
	if (json_bool(json_get(j, "failing"), &failing) && failing)
		line_addf(&s->l, LINE_RED, "  failing");
}

static void show_messages(struct scene *s, const struct json *j)
{
	const struct json *messages = json_get(j, "messages");

	if (json_type(json_get(j, "system")) == JSON_STRING) {
		word(s, "system");
		end(s);
		message_write_value(s->out, s->a, json_get(j, "system"), AT_WORD, s->style->ascii);
	}
	if (json_type(messages) != JSON_ARRAY)
		return;
	word(s, "messages");
	number(s, j, "messages_before", "", " before these");
	end(s);
	for (const struct json *m = json_first(messages); m; m = json_next(m))
		message_write(s->out, s->a, m, 0, s->style->ascii);
}

static void show_agent(struct scene *s, const struct json *j)
{
	const struct json *call = json_get(j, "call"), *last = json_get(j, "last");
	struct str doing = json_get_str(s->a, j, "doing");

	show_head(s, "agent", j);
	line_addf(&s->l, LINE_PLAIN, "  %s",
		  str_eq(doing, STR("model"))  ? "waits for the model"
		  : str_eq(doing, STR("tool")) ? "runs a tool"
					       : "idle");
	since(s, j, "since", "  for ", "");
	end(s);
	if (json_type(call) == JSON_OBJECT)
		show_call(s, call);
	show_tools(s, j);
	word(s, "calls");
	number(s, j, "calls", "", "");
	text(s, last, "model", "  the last one of ");
	text(s, last, "status", "  ");
	text(s, last, "type", " ");
	since(s, last, "end", "  ", " ago");
	end(s);
	show_stack(s, j);
	show_messages(s, j);
}

static void show_step(struct scene *s, const struct json *j)
{
	const struct json *input = json_get(j, "input");

	show_head(s, "step", j);
	since(s, j, "since", "  for ", "");
	end(s);
	if (input) {
		word(s, "input");
		end(s);
		message_write_value(s->out, s->a, input, AT_WORD, s->style->ascii);
	}
	show_states(s, j);
}

static void show_process(struct scene *s, const struct json *j)
{
	show_head(s, "proc", j);
	since(s, j, "since", "  for ", "");
	end(s);
	show_states(s, j);
	for (const struct json *c = json_first(json_get(j, "calls")); c; c = json_next(c))
		show_call(s, c);
	left_out(s, j, "calls_left_out", "calls");
	show_tools(s, j);
}

static void show_list(struct scene *s, const struct json *state, const char *list,
		      void (*show)(struct scene *, const struct json *), const char *left)
{
	for (const struct json *j = json_first(json_get(state, list)); j && buf_err(s->out) == 0;
	     j = json_next(j))
		show(s, j);
	left_out(s, state, left, list);
}

static int show_scene(struct scene *s, const struct json *state)
{
	show_list(s, state, "agents", show_agent, "agents_left_out");
	show_list(s, state, "steps", show_step, "steps_left_out");
	show_list(s, state, "processes", show_process, "processes_left_out");
	return buf_err(s->out);
}

static void clock_of(struct scene *s, const struct json *j)
{
	struct str time = json_get_str(s->a, j, "time");

	s->now_ns = node_time(s->a, j, "time");
	line_add_cut(&s->l, LINE_PLAIN, time.n ? time : STR("an unknown time"), 40);
}

/* ---- doors ---- */

bool view_is_state(const struct json *j)
{
	return json_is(json_get(j, "schema"), "bottrace.v1.state") &&
	       json_type(json_get(j, "processes")) == JSON_ARRAY;
}

int view_state(struct buf *out, struct arena *a, const struct json *state, const struct view_style *style)
{
	const struct view_style wide = {.ascii = style->ascii, .colour = style->colour};
	struct scene s = {.a = a, .style = &wide, .out = out};
	int64_t pid = 0;

	if (!view_is_state(state))
		return -EBADMSG;
	(void)json_i64(json_get(state, "pid"), &pid);
	line_init(&s.l, &wide);
	line_addf(&s.l, LINE_BOLD, "pid %lld at ", (long long)pid);
	clock_of(&s, state);
	end(&s);
	int r = show_scene(&s, state);
	line_fini(&s.l);
	return r;
}

/* Of one span: every failure that was kept there. Their number. */
static unsigned show_failures(struct scene *s, const struct json *span)
{
	unsigned n = 0;

	for (const struct json *e = json_first(json_get(span, "events")); e; e = json_next(e)) {
		const struct json *state = json_get(json_get(e, "attributes"), "bottrace.failure.state");
		struct node node;

		if (json_type(state) != JSON_OBJECT)
			continue;
		node_init(&node, s->a, span);
		if (s->out->n > 0)
			buf_add_char(s->out, '\n');
		line_addf(&s->l, LINE_BOLD, "span %u  %s  ", node.n, node.word);
		line_add_cut(&s->l, LINE_BOLD, json_get_str(s->a, span, "name"), 200);
		line_addf(&s->l, LINE_PLAIN, "  failed at ");
		clock_of(s, e);
		text(s, json_get(span, "status"), "type", "  ");
		text(s, json_get(span, "status"), "message", ": ");
		end(s);
		(void)show_scene(s, state);
		n++;
	}
	return n;
}

int view_failures(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
		  const struct view_style *style)
{
	const struct view_style wide = {.ascii = style->ascii, .colour = style->colour};
	struct scene s = {.a = a, .style = &wide, .out = out};
	const struct json *traces = json_get(document, "traces");
	const struct json *t = traces ? json_at(traces, trace) : document;
	unsigned shown = 0;

	if (!view_is_document(document))
		return -EBADMSG;
	line_init(&s.l, &wide);
	if (n > 0) {
		shown = show_failures(&s, view_find(document, trace, n));
	} else {
		for (; t; t = traces ? json_next(t) : NULL)
			for (const struct json *j = json_first(json_get(t, "spans")); j; j = json_next(j))
				shown += show_failures(&s, j);
	}
	line_fini(&s.l);
	return buf_err(out) ? buf_err(out) : shown ? 0 : -ENOENT;
}

static unsigned write_failures(struct jsonw *w, struct arena *a, const struct json *span)
{
	unsigned n = 0;

	for (const struct json *e = json_first(json_get(span, "events")); e; e = json_next(e)) {
		const struct json *state = json_get(json_get(e, "attributes"), "bottrace.failure.state");
		struct node node;

		if (json_type(state) != JSON_OBJECT)
			continue;
		node_init(&node, a, span);
		jsonw_object(w);
		jsonw_u64(jsonw_key(w, "n"), node.n);
		jsonw_str(jsonw_key(w, "span"), json_get_str(a, span, "id"));
		jsonw_str(jsonw_key(w, "time"), json_get_str(a, e, "time"));
		jsonw_raw(jsonw_key(w, "state"), json_raw(state));
		jsonw_object_end(w);
		n++;
	}
	return n;
}

int view_failures_json(struct buf *out, struct arena *a, const struct json *document, uint32_t trace,
		       uint32_t n)
{
	const struct json *traces = json_get(document, "traces");
	const struct json *t = traces ? json_at(traces, trace) : document;
	unsigned shown = 0;
	struct jsonw w;

	if (!view_is_document(document))
		return -EBADMSG;
	jsonw_init(&w, out);
	jsonw_object(&w);
	jsonw_z(jsonw_key(&w, "schema"), "bottrace.v1.failures");
	jsonw_array(jsonw_key(&w, "failures"));
	if (n > 0)
		shown = write_failures(&w, a, view_find(document, trace, n));
	for (; n == 0 && t; t = traces ? json_next(t) : NULL)
		for (const struct json *j = json_first(json_get(t, "spans")); j; j = json_next(j))
			shown += write_failures(&w, a, j);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	buf_add_char(out, '\n');
	return buf_err(out) ? buf_err(out) : shown ? 0 : -ENOENT;
}
