/* SPDX-License-Identifier: BSD-2-Clause */
/* One span in full: facts first, then what was said. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "view/cost.h"
#include "view/line.h"
#include "view/message.h"
#include "view/node.h"

#define AT_FACT 10u

struct show {
	struct node_forest f;
	struct arena *a;
	const struct view_style *style;
	const struct node *n;
	struct line l;
	struct buf *out;
};

/* Attributes that have a place of their own below. */
static const char *const placed[] = {
	"gen_ai.input.messages",
	"gen_ai.output.messages",
	"gen_ai.system_instructions",
	"gen_ai.tool.definitions",
	"gen_ai.tool.call.arguments",
	"gen_ai.tool.call.result",
	"bottrace.continues",
	"bottrace.redacted",
	"gen_ai.usage.input_tokens",
	"gen_ai.usage.output_tokens",
	"gen_ai.usage.cache_read.input_tokens",
	"gen_ai.usage.cache_creation.input_tokens",
	"gen_ai.usage.reasoning.output_tokens",
	"bottrace.connection",
	"server.address",
	"server.port",
	"http.request.method",
	"url.path",
	"http.response.status_code",
	"http.request.body.size",
	"http.response.body.size",
	"bottrace.time_to_first_byte_ns",
	"gen_ai.response.time_to_first_chunk",
	"process.command_args",
	"bottrace.requested_by",
	"bottrace.cost_usd",
	"bottrace.cost_source",
	"bottrace.price",
	"bottrace.hop_of",
	"bottrace.answered_in",
	"bottrace.stack.partial",
};

static void end(struct show *s)
{
	line_end(&s->l, s->out);
}

static void fact(struct show *s, const char *name)
{
	line_addf(&s->l, LINE_BOLD, "%s", name);
	line_pad(&s->l, AT_FACT, 1);
}

static void count(struct show *s, const char *before, const char *key, const char *after)
{
	int64_t n;
	char z[32];

	if (!node_number(s->n, key, &n) || n < 0)
		return;
	text_count((uint64_t)n, z);
	line_addf(&s->l, LINE_PLAIN, "%s%s%s", before, z, after);
}

/* ---- facts ---- */

static void show_head(struct show *s)
{
	struct str code = node_status(s->a, s->n);
	bool bad = str_eq(code, STR("error")) || str_eq(code, STR("aborted"));

	line_addf(&s->l, LINE_BOLD, "span %u  %s  ", s->n->n, s->n->word);
	line_add_cut(&s->l, LINE_BOLD, json_get_str(s->a, s->n->j, "name"), 200);
	line_addf(&s->l, LINE_PLAIN, "  ");
	line_add_cut(&s->l, bad ? LINE_RED : LINE_PLAIN, code, 20);
	node_notes(&s->l, s->a, s->n, s->f.last_ns);
	end(s);
}

static void show_duration(struct show *s, const char *before, int64_t ns)
{
	char d[24];

	if (ns < 0)
		return;
	text_duration((uint64_t)ns, d);
	line_addf(&s->l, LINE_PLAIN, "  %s %s", before, d);
}

static void show_times(struct show *s)
{
	struct str start = json_get_str(s->a, s->n->j, "start"), time = json_get_str(s->a, s->n->j, "time");
	double chunk;
	int64_t ns;

	fact(s, "started");
	line_add_cut(&s->l, LINE_PLAIN, start.n ? start : STR("at an unknown time"), 40);
	if (node_number(s->n, "bottrace.time_to_first_byte_ns", &ns))
		show_duration(s, "first byte", ns);
	if (json_f64(node_attribute(s->n, "gen_ai.response.time_to_first_chunk"), &chunk) && chunk >= 0 &&
	    chunk < 1e6)
		show_duration(s, "first chunk", (int64_t)(chunk * 1e9));
	if (json_i64(json_get(s->n->j, "duration_ns"), &ns))
		show_duration(s, "done", ns);
	if (str_eq(time, STR("bounded")))
		line_addf(&s->l, LINE_DIM, "  (bounded: known only from content)");
	end(s);
}

static const struct json *find_connection(struct show *s, int64_t id)
{
	for (const struct json *c = json_first(json_get(s->f.trace, "connections")); c; c = json_next(c)) {
		int64_t n;

		if (json_i64(json_get(c, "id"), &n) && n == id)
			return c;
	}
	return NULL;
}

static void text_or(struct show *s, struct str text, const char *otherwise)
{
	line_add_cut(&s->l, LINE_PLAIN, text.n ? text : str_of(otherwise), 200);
}

static void show_transport(struct show *s, const struct json *c)
{
	struct str transport = json_get_str(s->a, c, "transport"), path = json_get_str(s->a, c, "path");

	line_addf(&s->l, LINE_PLAIN, "  ");
	if (transport.n == 0 || str_eq(transport, STR("tls"))) {
		line_addf(&s->l, LINE_PLAIN, "tls ");
		text_or(s, json_get_str(s->a, c, "tls"), "?");
		return;
	}
	text_or(s, transport, "?");
	if (path.n > 0) {
		line_addf(&s->l, LINE_PLAIN, " ");
		text_or(s, path, "?");
	}
}

static void show_where(struct show *s)
{
	int64_t id, pid = 0, tid = 0;

	if (node_number(s->n, "bottrace.connection", &id)) {
		const struct json *c = find_connection(s, id);

		fact(s, "conn");
		line_addf(&s->l, LINE_PLAIN, "%lld  ", (long long)id);
		text_or(s, json_get_str(s->a, c, "local"), "?");
		line_addf(&s->l, LINE_PLAIN, " -> ");
		text_or(s, json_get_str(s->a, c, "peer"), "?");
		show_transport(s, c);
		end(s);
	}
	if (json_i64(json_get(s->n->j, "pid"), &pid)) {
		fact(s, "pid");
		line_addf(&s->l, LINE_PLAIN, "%lld", (long long)pid);
		if (json_i64(json_get(s->n->j, "tid"), &tid))
			line_addf(&s->l, LINE_PLAIN, "  tid %lld", (long long)tid);
		end(s);
	}
}

static void show_caller(struct show *s)
{
	const struct json *source = json_get(s->n->j, "source");
	struct str task = json_get_str(s->a, s->n->j, "task");
	struct str partial = node_text(s->a, s->n, "bottrace.stack.partial");

	if (json_type(source) == JSON_OBJECT || task.n) {
		fact(s, "caller");
		node_place(&s->l, LINE_PLAIN, s->a, source, true);
		if (task.n) {
			line_addf(&s->l, LINE_PLAIN, json_type(source) == JSON_OBJECT ? "  task " : "task ");
			line_add_cut(&s->l, LINE_PLAIN, task, 200);
		}
		end(s);
	} else if (partial.n && json_type(json_get(s->n->j, "stack")) != JSON_ARRAY) {
		fact(s, "caller");
		line_addf(&s->l, LINE_YELLOW, "not known: ");
		line_add_cut(&s->l, LINE_YELLOW, partial, 40);
		end(s);
	}
}

static void show_size(struct show *s, const char *key)
{
	char size[24];
	int64_t n;

	if (!node_number(s->n, key, &n) || n < 0)
		return;
	text_size((uint64_t)n, size);
	line_addf(&s->l, LINE_PLAIN, "  %s", size);
}

static void show_request(struct show *s)
{
	int64_t n;

	if (node_attribute(s->n, "http.request.method") == NULL)
		return;
	fact(s, "request");
	text_or(s, node_text(s->a, s->n, "http.request.method"), "?");
	line_addf(&s->l, LINE_PLAIN, " ");
	line_add_cut(&s->l, LINE_PLAIN, node_text(s->a, s->n, "server.address"), 255);
	if (node_number(s->n, "server.port", &n))
		line_addf(&s->l, LINE_PLAIN, ":%lld", (long long)n);
	line_add_cut(&s->l, LINE_PLAIN, node_text(s->a, s->n, "url.path"), 1000);
	show_size(s, "http.request.body.size");
	if (node_number(s->n, "http.response.status_code", &n))
		line_addf(&s->l, n >= 400 ? LINE_RED : LINE_PLAIN, "  status %lld", (long long)n);
	show_size(s, "http.response.body.size");
	end(s);
}

static void show_usage(struct show *s)
{
	int64_t n;

	if (!node_number(s->n, "gen_ai.usage.input_tokens", &n) &&
	    !node_number(s->n, "gen_ai.usage.output_tokens", &n))
		return;
	fact(s, "tokens");
	count(s, "input ", "gen_ai.usage.input_tokens", "");
	count(s, "  cache read ", "gen_ai.usage.cache_read.input_tokens", "");
	count(s, "  cache write ", "gen_ai.usage.cache_creation.input_tokens", "");
	count(s, "  output ", "gen_ai.usage.output_tokens", "");
	count(s, "  reasoning ", "gen_ai.usage.reasoning.output_tokens", "");
	end(s);
}

static void show_cost(struct show *s)
{
	if (json_type(node_attribute(s->n, "bottrace.cost_usd")) != JSON_STRING)
		return;
	fact(s, "cost");
	(void)cost_terms(&s->l, s->a, s->n);
	end(s);
}

static void show_reference(struct show *s, const char *name, struct str id)
{
	uint64_t number;
	uint32_t at = str_to_u64_hex(id, &number) ? node_by_id(&s->f, number) : NODE_NONE;

	if (at == NODE_NONE)
		return;
	fact(s, name);
	line_addf(&s->l, LINE_PLAIN, "%u %s ", s->f.nodes[at].n, s->f.nodes[at].word);
	line_add_cut(&s->l, LINE_PLAIN, node_what(s->a, &s->f.nodes[at]), 100);
	end(s);
}

static void show_link(struct show *s)
{
	const struct json *link = json_get(s->n->j, "link");
	bool certain = false;

	show_reference(s, "parent", json_get_str(s->a, s->n->j, "parent"));
	if (json_type(link) == JSON_OBJECT) {
		(void)json_bool(json_get(link, "certain"), &certain);
		fact(s, "link");
		line_add_cut(&s->l, LINE_PLAIN, json_get_str(s->a, link, "how"), 40);
		line_addf(&s->l, certain ? LINE_PLAIN : LINE_YELLOW, certain ? ", certain" : ", inferred");
		for (const struct json *e = json_first(json_get(link, "evidence")); e; e = json_next(e)) {
			line_addf(&s->l, LINE_PLAIN, "; ");
			line_add_cut(&s->l, LINE_PLAIN, json_str(s->a, e), 300);
		}
		end(s);
	}
	show_reference(s, "asked by", node_text(s->a, s->n, "bottrace.requested_by"));
	show_reference(s, "hop of", node_text(s->a, s->n, "bottrace.hop_of"));
	show_reference(s, "told in", node_text(s->a, s->n, "bottrace.answered_in"));
}

static bool is_placed(struct str key)
{
	for (size_t i = 0; i < sizeof(placed) / sizeof(placed[0]); i++)
		if (str_eq(key, str_of(placed[i])))
			return true;
	return false;
}

static void show_attributes(struct show *s)
{
	for (const struct json *c = json_first(s->n->attributes); c; c = json_next(c)) {
		struct str key = json_key(s->a, c);

		if (is_placed(key))
			continue;
		line_add_cut(&s->l, LINE_DIM, key, 100);
		line_pad(&s->l, 40, 1);
		line_add_cut(&s->l, LINE_PLAIN, json_type(c) == JSON_STRING ? json_str(s->a, c) : json_raw(c),
			     1000);
		end(s);
	}
}

static void title(struct show *s, const char *text)
{
	buf_add_char(s->out, '\n');
	line_addf(&s->l, LINE_BOLD, "%s", text);
}

/* ---- what was said ---- */

static void show_tools(struct show *s, const struct json *tools)
{
	title(s, "tools");
	line_addf(&s->l, LINE_PLAIN, " %zu", json_count(tools));
	end(s);
	for (const struct json *t = json_first(tools); t; t = json_next(t))
		message_write_text(s->out, json_raw(t), 2, s->style->ascii);
}

static int show_conversation(struct show *s)
{
	const struct json *answer = node_attribute(s->n, "gen_ai.output.messages");
	struct message_history h;
	int r = message_history_init(&h, &s->f, (uint32_t)(s->n - s->f.nodes));

	if (r < 0)
		return r;
	if (h.system) {
		title(s, "system");
		end(s);
		message_write_parts(s->out, s->a, h.system, 4, s->style->ascii);
	}
	if (h.tools)
		show_tools(s, h.tools);
	title(s, "messages");
	line_addf(&s->l, LINE_PLAIN, " %zu", h.count);
	if (h.from)
		line_addf(&s->l, LINE_DIM, "  (the first %zu as in span %u and its answer)", h.repeated,
			  h.from);
	if (h.lossy)
		line_addf(&s->l, LINE_YELLOW, "  (earlier messages stand in a span that is not here)");
	end(s);
	for (size_t i = 0; i < h.count; i++)
		message_write(s->out, s->a, h.items[i], i + 1, s->style->ascii);
	title(s, "answer");
	if (json_count(answer) == 0)
		line_addf(&s->l, LINE_YELLOW, "  none");
	end(s);
	for (const struct json *m = json_first(answer); m; m = json_next(m))
		message_write(s->out, s->a, m, 0, s->style->ascii);
	return 0;
}

static void show_value(struct show *s, const char *name, const char *key)
{
	const struct json *v = node_attribute(s->n, key);

	if (v == NULL)
		return;
	title(s, name);
	end(s);
	message_write_value(s->out, s->a, v, 4, s->style->ascii);
}

static bool is_same_place(struct arena *a, const struct json *x, const struct json *y)
{
	int64_t i = -1, k = -1;

	(void)json_i64(json_get(x, "line"), &i);
	(void)json_i64(json_get(y, "line"), &k);
	return i == k && str_eq(json_get_str(a, x, "file"), json_get_str(a, y, "file")) &&
	       str_eq(json_get_str(a, x, "function"), json_get_str(a, y, "function"));
}

static void show_stack(struct show *s)
{
	const struct json *stack = json_get(s->n->j, "stack"), *source = json_get(s->n->j, "source");
	struct str partial = node_text(s->a, s->n, "bottrace.stack.partial");
	bool found = json_type(source) != JSON_OBJECT;

	if (json_count(stack) == 0)
		return;
	title(s, "stack");
	line_addf(&s->l, LINE_PLAIN, " %zu", json_count(stack));
	if (partial.n) {
		line_addf(&s->l, LINE_YELLOW, "  not whole: ");
		line_add_cut(&s->l, LINE_YELLOW, partial, 40);
	}
	end(s);
	for (const struct json *f = json_first(stack); f; f = json_next(f)) {
		bool own = !found && is_same_place(s->a, f, source);

		found |= own;
		line_addf(&s->l, LINE_BOLD, own ? "  > " : "    ");
		node_place(&s->l, own ? LINE_BOLD : LINE_PLAIN, s->a, f, true);
		end(s);
	}
}

static void show_events(struct show *s)
{
	const struct json *events = json_get(s->n->j, "events");

	if (json_count(events) == 0)
		return;
	title(s, "events");
	end(s);
	for (const struct json *e = json_first(events); e; e = json_next(e)) {
		struct str time = json_get_str(s->a, e, "time");

		line_addf(&s->l, LINE_PLAIN, "  ");
		line_add_cut(&s->l, LINE_DIM, time.n > 23 ? str_make(time.p + 11, 12) : STR("-"), 12);
		line_addf(&s->l, LINE_PLAIN, "  ");
		line_add_cut(&s->l, LINE_PLAIN, json_get_str(s->a, e, "name"), 100);
		line_addf(&s->l, LINE_PLAIN, "  ");
		if (json_count(json_get(e, "attributes")))
			line_add_cut(&s->l, LINE_PLAIN, json_raw(json_get(e, "attributes")), 1000);
		end(s);
	}
}

static void show_gaps(struct show *s)
{
	buf_add_char(s->out, '\n');
	count(s, "redacted ", "bottrace.redacted", " values");
	if (s->l.width)
		end(s);
	if (json_count(json_get(s->n->j, "gaps")) == 0) {
		line_addf(&s->l, LINE_PLAIN, "gaps: none");
		end(s);
	}
	for (const struct json *g = json_first(json_get(s->n->j, "gaps")); g; g = json_next(g)) {
		int64_t conn = 0, offset = 0, bytes = 0;

		(void)json_i64(json_get(g, "connection"), &conn);
		(void)json_i64(json_get(g, "offset"), &offset);
		(void)json_i64(json_get(g, "bytes"), &bytes);
		line_addf(&s->l, LINE_YELLOW, "gap: connection %lld, ", (long long)conn);
		line_add_cut(&s->l, LINE_YELLOW, json_get_str(s->a, g, "direction"), 10);
		line_addf(&s->l, LINE_YELLOW, " byte %lld, %lld bytes missing, ", (long long)offset,
			  (long long)bytes);
		line_add_cut(&s->l, LINE_YELLOW, json_get_str(s->a, g, "cause"), 30);
		end(s);
	}
}

static int show_span(struct show *s)
{
	int r = 0;

	show_head(s);
	show_times(s);
	show_where(s);
	show_caller(s);
	show_request(s);
	show_usage(s);
	show_cost(s);
	show_link(s);
	show_attributes(s);
	show_value(s, "command", "process.command_args");
	if (s->n->kind == NODE_LLM)
		r = show_conversation(s);
	show_value(s, "arguments", "gen_ai.tool.call.arguments");
	show_value(s, "result", "gen_ai.tool.call.result");
	show_stack(s);
	show_events(s);
	show_gaps(s);
	return r < 0 ? r : buf_err(s->out);
}

/* ---- doors ---- */

static const struct json *find_trace(const struct json *document, uint32_t trace)
{
	const struct json *traces = json_get(document, "traces");

	if (traces)
		return json_at(traces, trace);
	return trace == 0 ? document : NULL;
}

const struct json *view_find(const struct json *document, uint32_t trace, uint32_t n)
{
	const struct json *t = find_trace(document, trace);

	for (const struct json *s = json_first(json_get(t, "spans")); s; s = json_next(s)) {
		int64_t number;

		if (json_i64(json_get(s, "n"), &number) && number == n)
			return s;
	}
	return NULL;
}

int view_span(struct buf *out, struct arena *a, const struct json *document, uint32_t trace, uint32_t n,
	      const struct view_style *style)
{
	const struct json *t = find_trace(document, trace);
	/* In full means that nothing is cut: the terminal wraps. */
	const struct view_style wide = {.ascii = style->ascii, .colour = style->colour};
	struct show s = {.a = a, .style = &wide, .out = out};
	int r;

	if (!view_is_document(document))
		return -EBADMSG;
	if (t == NULL)
		return -ENOENT;
	r = node_forest_init(&s.f, a, t);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < s.f.count && s.n == NULL; i++)
		if (s.f.nodes[i].n == n)
			s.n = &s.f.nodes[i];
	if (s.n == NULL)
		return -ENOENT;
	line_init(&s.l, &wide);
	r = show_span(&s);
	line_fini(&s.l);
	return r;
}
