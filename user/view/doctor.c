/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor's findings as text: one line a check, its verdict at the right. */
#include <errno.h>

#include "view/line.h"
#include "view/node.h"

#define AT_TEXT	  10u
#define STATE_MAX 5u /* "blind" */

static enum line_colour state_colour(struct str state)
{
	if (str_ieq(state, STR("fail")))
		return LINE_RED;
	return str_eq(state, STR("ok")) ? LINE_GREEN : LINE_YELLOW;
}

/* Columns of the longest check, so that the states stand under one another. */
static size_t measure(struct arena *a, const struct json *checks, const struct view_style *style)
{
	autodrop(line_fini) struct line l;
	size_t widest = 60;

	line_init(&l, style);
	for (const struct json *c = json_first(checks); c; c = json_next(c)) {
		l.width = 0;
		buf_clear(&l.text);
		l.count = 0;
		line_add_cut(&l, LINE_PLAIN, json_get_str(a, c, "text"), 400);
		if (l.width + AT_TEXT > widest)
			widest = l.width + AT_TEXT;
	}
	if (style->columns > STATE_MAX + 2 && widest + 2 + STATE_MAX > style->columns)
		widest = style->columns - STATE_MAX - 2;
	return widest;
}

static void draw_check(struct line *l, struct arena *a, const struct json *check, size_t widest, struct buf *out)
{
	struct str state = json_get_str(a, check, "state"), remedy = json_get_str(a, check, "remedy");

	line_add_cut(l, LINE_BOLD, json_get_str(a, check, "name"), 40);
	line_pad(l, AT_TEXT, 2);
	line_add_cut(l, LINE_PLAIN, json_get_str(a, check, "text"), widest > l->width ? widest - l->width : 1);
	line_pad(l, widest, 0);
	line_addf(l, LINE_PLAIN, "  ");
	line_add_cut(l, state_colour(state), str_ieq(state, STR("fail")) ? STR("FAIL") : state, 20);
	line_end(l, out);
	if (remedy.n == 0 || str_eq(state, STR("ok")))
		return;
	line_pad(l, AT_TEXT, 0);
	line_addf(l, LINE_YELLOW, "%s ", line_word(l->style, "\xe2\x86\x92", "->"));
	line_add_cut(l, LINE_YELLOW, remedy, 400);
	line_end(l, out);
}

int view_doctor(struct buf *out, struct arena *a, const struct json *doctor, const struct view_style *style)
{
	const struct json *checks = json_get(doctor, "checks");
	autodrop(line_fini) struct line l;
	struct str verdict = json_get_str(a, doctor, "verdict");
	size_t widest;

	line_init(&l, style);
	if (!json_is(json_get(doctor, "schema"), "bottrace.v1.doctor"))
		return -EBADMSG;
	widest = measure(a, checks, style);
	for (const struct json *c = json_first(checks); c; c = json_next(c))
		draw_check(&l, a, c, widest, out);
	if (verdict.n) {
		line_addf(&l, LINE_BOLD, "verdict");
		line_pad(&l, AT_TEXT, 2);
		line_add_cut(&l, LINE_PLAIN, verdict, 1000);
		line_end(&l, out);
	}
	return buf_err(out);
}
