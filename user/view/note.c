/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands behind a span in a tree: how it went. */
#include <stdio.h>

#include "base/text.h"
#include "view/cost.h"
#include "view/node.h"

#define MESSAGE_COLUMNS 160u

static void note_tokens(struct line *l, const struct node *n)
{
	int64_t input = -1, output = -1, cached = 0;
	char a[24] = "?", b[24] = "?", c[24];

	if (node_number(n, "gen_ai.usage.input_tokens", &input))
		node_short_count(input, a);
	if (node_number(n, "gen_ai.usage.output_tokens", &output))
		node_short_count(output, b);
	if (input >= 0 || output >= 0)
		line_addf(l, LINE_PLAIN, "  %s->%s", a, b);
	if (node_number(n, "gen_ai.usage.cache_read.input_tokens", &cached) && cached > 0) {
		node_short_count(cached, c);
		line_addf(l, LINE_DIM, "  %s cached", c);
	}
}

static bool is_usual_end(struct str reason)
{
	static const char *const usual[] = {"stop",	 "end_turn", "tool_calls",   "tool_use",
					    "tool_call", "STOP",     "stop_sequence"};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (str_eq(reason, str_of(usual[i])))
			return true;
	return false;
}

static void note_finish(struct line *l, struct arena *a, const struct node *n)
{
	const struct json *reasons = node_attribute(n, "gen_ai.response.finish_reasons");

	for (const struct json *r = json_first(reasons); r; r = json_next(r)) {
		struct str reason = json_str(a, r);

		if (reason.n == 0 || is_usual_end(reason))
			continue;
		line_addf(l, LINE_YELLOW, "  stopped: ");
		line_add_cut(l, LINE_YELLOW, reason, 40);
		return;
	}
}

static void note_process(struct line *l, const struct node *n)
{
	int64_t code = 0, sig = 0, pid = 0;

	if (node_number(n, "bottrace.exit.signal", &sig) && sig > 0)
		line_addf(l, LINE_RED, "  killed by %s%s (%lld)", *node_signal(sig) ? "SIG" : "signal",
			  node_signal(sig), (long long)sig);
	else if (node_number(n, "process.exit.code", &code))
		line_addf(l, code ? LINE_RED : LINE_PLAIN, "  exit %lld", (long long)code);
	if (json_i64(json_get(n->j, "pid"), &pid))
		line_addf(l, LINE_DIM, "  (pid %lld)", (long long)pid);
}

static void note_error(struct line *l, struct arena *a, const struct node *n, struct str code)
{
	const struct json *status = json_get(n->j, "status");
	struct str type = json_get_str(a, status, "type"), message = json_get_str(a, status, "message");

	if (n->kind == NODE_PROC)
		return;
	line_addf(l, LINE_RED, "  %s", line_word(l->style, "\xe2\x9c\x97", "!!"));
	if (str_eq(code, STR("aborted")))
		line_addf(l, LINE_RED, " aborted");
	if (type.n && !str_eq(type, STR("aborted"))) {
		line_addf(l, LINE_RED, " ");
		line_add_cut(l, LINE_RED, type, 60);
	}
	if (message.n) {
		line_addf(l, LINE_RED, " ");
		line_add_cut(l, LINE_RED, message, MESSAGE_COLUMNS);
	}
}

static void note_open(struct line *l, struct arena *a, const struct node *n, int64_t now_ns)
{
	int64_t start = node_time(a, n->j, "start");
	char d[24];

	if (start <= 0 || now_ns < start) {
		line_addf(l, LINE_YELLOW, "  open");
		return;
	}
	text_duration((uint64_t)(now_ns - start), d);
	line_addf(l, LINE_YELLOW, "  open since %s", d);
}

static void note_state(struct line *l, struct arena *a, const struct node *n, int64_t now_ns)
{
	struct str code = node_status(a, n);
	struct str outcome = node_text(a, n, "bottrace.tool.outcome");
	int64_t status = 0;

	if (n->kind == NODE_HTTP && node_number(n, "http.response.status_code", &status))
		line_addf(l, status >= 400 ? LINE_RED : LINE_PLAIN, "  %lld", (long long)status);
	if (n->kind == NODE_PROC)
		note_process(l, n);
	if (str_eq(outcome, STR("unanswered")))
		line_addf(l, LINE_YELLOW, "  unanswered");
	if (str_eq(outcome, STR("unseen")))
		line_addf(l, LINE_DIM, "  end unseen");
	if (str_eq(code, STR("open")) && !str_eq(outcome, STR("unseen")))
		note_open(l, a, n, now_ns);
	else if (str_eq(code, STR("error")) || str_eq(code, STR("aborted")))
		note_error(l, a, n, code);
}

static void note_gaps(struct line *l, struct arena *a, const struct node *n)
{
	unsigned shown = 0;

	for (const struct json *g = json_first(json_get(n->j, "gaps")); g; g = json_next(g)) {
		struct str dir = json_get_str(a, g, "direction"), cause = json_get_str(a, g, "cause");
		int64_t bytes = 0;
		char size[24];

		if (++shown > 3) {
			line_addf(l, LINE_YELLOW, ", ...");
			return;
		}
		(void)json_i64(json_get(g, "bytes"), &bytes);
		text_size(bytes > 0 ? (uint64_t)bytes : 0, size);
		line_addf(l, LINE_YELLOW, "%sgap %s ", shown == 1 ? "  ! " : ", ", size);
		line_add_cut(l, LINE_YELLOW, dir, 8);
		line_addf(l, LINE_YELLOW, " (");
		line_add_cut(l, LINE_YELLOW, cause, 20);
		line_addf(l, LINE_YELLOW, ")");
	}
}

void node_place(struct line *l, enum line_colour colour, struct arena *a, const struct json *frame, bool path)
{
	struct str file = json_get_str(a, frame, "file"), function = json_get_str(a, frame, "function");
	int64_t number = 0;

	if (json_type(frame) != JSON_OBJECT)
		return;
	for (ptrdiff_t at; !path && (at = str_find_char(file, '/')) >= 0;)
		file = str_skip(file, (size_t)at + 1);
	line_add_cut(l, colour, file.n ? file : STR("?"), path ? 1000 : 60);
	if (json_i64(json_get(frame, "line"), &number))
		line_addf(l, colour, ":%lld", (long long)number);
	line_addf(l, colour, " ");
	line_add_cut(l, colour, function.n ? function : STR("?"), path ? 1000 : 80);
}

void node_source(struct line *l, struct arena *a, const struct node *n)
{
	const struct json *source = json_get(n->j, "source");

	if (json_type(source) != JSON_OBJECT)
		return;
	line_addf(l, LINE_DIM, "  ");
	node_place(l, LINE_DIM, a, source, false);
}

void node_notes(struct line *l, struct arena *a, const struct node *n, int64_t now_ns)
{
	const struct json *link = json_get(n->j, "link");
	int64_t attempts = 0;
	bool certain = true;

	if (n->kind == NODE_LLM) {
		note_tokens(l, n);
		cost_note(l, a, n);
		note_finish(l, a, n);
	}
	note_state(l, a, n, now_ns);
	if (node_number(n, "bottrace.attempts", &attempts) && attempts > 1)
		line_addf(l, LINE_YELLOW, "  retried %s%lld", line_word(l->style, "\xc3\x97", "x"),
			  (long long)attempts - 1);
	note_gaps(l, a, n);
	if (json_bool(json_get(link, "certain"), &certain) && !certain) {
		line_addf(l, LINE_DIM, "  (parent inferred: ");
		line_add_cut(l, LINE_DIM, json_get_str(a, link, "how"), 20);
		line_addf(l, LINE_DIM, ")");
	}
}
