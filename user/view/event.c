/* SPDX-License-Identifier: BSD-2-Clause */
/* What code did in a span, a line each: exceptions, files, connections, processes where none is shown; the same again and
 * again as one, and pauses of the collector. */
#include "base/text.h"
#include "view/node.h"

#define EVENTS_SHOWN  10u /* exceptions, and as many others */
#define ARGS_COLUMNS  100u
#define PLACE_COLUMNS 80u

static bool is_exception(const struct json *e)
{
	return json_is(json_get(e, "name"), "exception");
}

static bool is_pause(const struct json *e)
{
	return json_is(json_get(e, "name"), "gc");
}

static bool is_start(const struct json *e)
{
	static const char *const names[] = {"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_is(json_get(e, "name"), names[i]))
			return true;
	return false;
}

static bool is_shown(const struct node_events *x, const struct json *e)
{
	return is_exception(e) ||
	       (json_get(json_get(e, "attributes"), "bottrace.audit.args") && !(x->processes && is_start(e)));
}

static const struct json *next_shown(const struct node_events *x, const struct json *e)
{
	do
		e = json_next(e);
	while (e && !is_shown(x, e));
	return e;
}

static bool has_same(const struct json *a, const struct json *b, const char *member)
{
	return str_eq(json_raw(json_get(a, member)), json_raw(json_get(b, member)));
}

/* As far as its line goes. */
static bool is_same(const struct json *a, const struct json *b)
{
	const struct json *of_a = json_get(a, "attributes"), *of_b = json_get(b, "attributes");

	return has_same(a, b, "name") && has_same(of_a, of_b, "bottrace.audit.args") &&
	       has_same(of_a, of_b, "bottrace.source") && has_same(of_a, of_b, "exception.type") &&
	       has_same(of_a, of_b, "exception.message") && has_same(of_a, of_b, "exception.escaped");
}

struct node_events node_events_begin(const struct node *n, bool processes)
{
	return (struct node_events){.all = json_get(n->j, "events"), .processes = processes};
}

/* An argument as people type it: texts bare, lists word by word. */
static void add_argument(struct line *l, struct arena *a, const struct json *j)
{
	if (json_type(j) == JSON_ARRAY) {
		for (const struct json *c = json_first(j); c; c = json_next(c))
			if (json_type(c) != JSON_ARRAY)
				add_argument(l, a, c);
		return;
	}
	if (json_type(j) == JSON_NULL || l->width > 4 * ARGS_COLUMNS)
		return;
	line_addf(l, LINE_PLAIN, " ");
	line_add_cut(l, LINE_PLAIN, json_type(j) == JSON_STRING ? json_str(a, j) : json_raw(j), ARGS_COLUMNS);
}

/* The program stands in its command line once more; flags of open() say what its mode does; where a process begins is a detail. */
static bool is_said(struct arena *a, struct str name, const struct json *j, unsigned at)
{
	const struct json *next = json_next(j);

	return (at == 0 && json_type(next) == JSON_ARRAY && json_type(j) == JSON_STRING &&
		str_eq(json_str(a, j), json_str(a, json_first(next)))) ||
	       (at == 2 && (str_eq(name, STR("open")) || str_eq(name, STR("subprocess.Popen"))));
}

static void add_place(struct line *l, struct arena *a, const struct json *attributes)
{
	struct str place = json_get_str(a, attributes, "bottrace.source");

	if (place.n == 0)
		return;
	line_addf(l, LINE_PLAIN, "  ");
	line_add_cut(l, LINE_DIM, place, PLACE_COLUMNS);
}

static void add_exception(struct line *l, struct arena *a, const struct json *attributes)
{
	struct str message = json_get_str(a, attributes, "exception.message");
	bool escaped = false;

	(void)json_bool(json_get(attributes, "exception.escaped"), &escaped);
	enum line_colour colour = escaped ? LINE_RED : LINE_YELLOW;
	line_addf(l, colour, "! ");
	line_add_cut(l, colour, json_get_str(a, attributes, "exception.type"), 60);
	if (message.n) {
		line_addf(l, colour, ": ");
		line_add_cut(l, colour, message, ARGS_COLUMNS);
	}
	if (!escaped)
		line_addf(l, LINE_DIM, "  (handled)");
	add_place(l, a, attributes);
}

static void add_effect(struct line *l, struct arena *a, const struct json *e, const struct json *attributes)
{
	struct str name = json_get_str(a, e, "name");
	unsigned at = 0;

	line_addf(l, LINE_PLAIN, "~ ");
	line_add_cut(l, LINE_PLAIN, name, 40);
	for (const struct json *j = json_first(json_get(attributes, "bottrace.audit.args")); j;
	     j = json_next(j), at++)
		if (!is_said(a, name, j, at))
			add_argument(l, a, j);
	add_place(l, a, attributes);
}

static bool add_pauses(struct node_events *x, struct line *l)
{
	uint64_t count = 0, ns = 0;
	char d[24];

	x->paused = true;
	for (const struct json *e = json_first(x->all); e; e = json_next(e)) {
		int64_t one = 0;

		if (!is_pause(e) ||
		    !json_i64(json_get(json_get(e, "attributes"), "bottrace.duration_ns"), &one) || one < 0)
			continue;
		count++;
		ns += (uint64_t)one;
	}
	if (count == 0)
		return false;
	text_duration(ns, d);
	line_addf(l, LINE_DIM, "~ gc %llu %s, %s", (unsigned long long)count, count == 1 ? "pause" : "pauses",
		  d);
	return true;
}

bool node_events_next(struct node_events *x, struct line *l, struct arena *a)
{
	const struct json *e = x->begun ? x->at : json_first(x->all);
	unsigned times = 1;

	if (!x->begun && e && !is_shown(x, e))
		e = next_shown(x, e);
	x->begun = true;
	for (; e && x->shown[!is_exception(e)] >= EVENTS_SHOWN; e = next_shown(x, e))
		x->left++;
	if (e) {
		const struct json *attributes = json_get(e, "attributes");

		x->shown[!is_exception(e)]++;
		for (x->at = next_shown(x, e); x->at && is_same(x->at, e); x->at = next_shown(x, x->at))
			times++;
		if (is_exception(e))
			add_exception(l, a, attributes);
		else
			add_effect(l, a, e, attributes);
		if (times > 1)
			line_addf(l, LINE_DIM, "  (%u times)", times);
		return true;
	}
	x->at = NULL;
	if (x->left) {
		line_addf(l, LINE_DIM, "~ %u more", x->left);
		x->left = 0;
		return true;
	}
	return !x->paused && add_pauses(x, l);
}
