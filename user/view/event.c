/* SPDX-License-Identifier: BSD-2-Clause */
/* What code did in a span, a line each: exceptions, files, processes, connections; pauses of the collector as one. */
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

static bool is_shown(const struct json *e)
{
	return is_exception(e) || json_get(json_get(e, "attributes"), "bottrace.audit.args");
}

struct node_events node_events_begin(const struct node *n)
{
	return (struct node_events){.all = json_get(n->j, "events")};
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

/* The program stands in its command line once more; flags of open() say what its mode does. */
static bool is_said(struct arena *a, struct str name, const struct json *j, unsigned at)
{
	const struct json *next = json_next(j);

	return (at == 0 && json_type(next) == JSON_ARRAY && json_type(j) == JSON_STRING &&
		str_eq(json_str(a, j), json_str(a, json_first(next)))) ||
	       (at == 2 && str_eq(name, STR("open")));
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
	const struct json *e = x->at ? json_next(x->at) : x->begun ? NULL : json_first(x->all);

	x->begun = true;
	while (e && (!is_shown(e) || x->shown[!is_exception(e)] >= EVENTS_SHOWN)) {
		x->left += is_shown(e);
		e = json_next(e);
	}
	x->at = e;
	if (e) {
		const struct json *attributes = json_get(e, "attributes");

		x->shown[!is_exception(e)]++;
		if (is_exception(e))
			add_exception(l, a, attributes);
		else
			add_effect(l, a, e, attributes);
		return true;
	}
	if (x->left) {
		line_addf(l, LINE_DIM, "~ %u more", x->left);
		x->left = 0;
		return true;
	}
	return !x->paused && add_pauses(x, l);
}
