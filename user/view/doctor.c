/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor's findings as text: one line a check, its verdict at the right. */
#include <errno.h>

#include "base/text.h"
#include "view/line.h"
#include "view/node.h"

#define AT_TEXT	  10u
#define TEXT_MAX  4096u
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
	if (style->columns == 0 && widest > 100)
		widest = 100;
	if (style->columns > STATE_MAX + 2 && widest + 2 + STATE_MAX > style->columns)
		widest = style->columns - STATE_MAX - 2;
	return widest;
}

/* As much of text as fits into `columns`, broken at a space where there is one; the rest stays in *text. */
static struct str take_words(struct str *text, size_t columns)
{
	size_t fits = 0, width = 0, space = 0;

	while (fits < text->n) {
		uint32_t code;
		size_t n = text_utf8(str_skip(*text, fits), &code);
		struct str piece = str_make(text->p + fits, n ? n : 1);

		width += text_width(piece);
		if (width > columns && fits > 0)
			break;
		if (piece.p[0] == ' ')
			space = fits;
		fits += piece.n;
	}
	if (fits < text->n && space > 0)
		fits = space;
	struct str head = str_head(*text, fits);
	*text = str_skip(*text, fits);
	while (text->n && text->p[0] == ' ')
		*text = str_skip(*text, 1);
	return head;
}

/* The text from the current column on, over as many lines as it needs: what a doctor says must not be cut off. The
 * last line is left open. */
static void draw_text(struct line *l, enum line_colour colour, struct str text, size_t widest,
		      struct buf *out)
{
	autodrop(buf_fini) struct buf safe;
	size_t at = l->width;

	/* Made safe first: escapes are wider than what they stand for. */
	buf_init(&safe, TEXT_MAX * 12);
	text_safe(&safe, str_head(text, TEXT_MAX), l->style->ascii);
	if (out->err == 0)
		out->err = buf_err(&safe);
	text = buf_str(&safe);
	for (;;) {
		struct str head = take_words(&text, widest > at + 10 ? widest - at : 10);

		line_add(l, colour, head);
		if (text.n == 0)
			return;
		line_end(l, out);
		line_pad(l, at, 0);
	}
}

static void draw_check(struct line *l, struct arena *a, const struct json *check, size_t widest,
		       struct buf *out)
{
	struct str state = json_get_str(a, check, "state"), remedy = json_get_str(a, check, "remedy");

	line_add_cut(l, LINE_BOLD, json_get_str(a, check, "name"), 40);
	line_pad(l, AT_TEXT, 2);
	draw_text(l, LINE_PLAIN, json_get_str(a, check, "text"), widest, out);
	line_pad(l, widest, 0);
	line_addf(l, LINE_PLAIN, "  ");
	line_add_cut(l, state_colour(state), str_ieq(state, STR("fail")) ? STR("FAIL") : state, 20);
	line_end(l, out);
	if (remedy.n == 0 || str_eq(state, STR("ok")))
		return;
	line_pad(l, AT_TEXT, 0);
	line_addf(l, LINE_YELLOW, "%s ", line_word(l->style, "\xe2\x86\x92", "->"));
	draw_text(l, LINE_YELLOW, remedy, widest + STATE_MAX, out);
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
		draw_text(&l, LINE_PLAIN, verdict, widest + STATE_MAX, out);
		line_end(&l, out);
	}
	return buf_err(out);
}
