/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/line.h"

#include <stdarg.h>

#include "base/limits.h"
#include "base/text.h"

void line_init(struct line *l, const struct view_style *style)
{
	l->style = style;
	l->width = 0;
	l->count = 0;
	buf_init(&l->text, LIMIT_SPAN_BYTES);
}

void line_fini(struct line *l)
{
	buf_fini(&l->text);
}

const char *line_word(const struct view_style *style, const char *utf8, const char *ascii)
{
	return style->ascii ? ascii : utf8;
}

/* What was added since `from` is one piece. */
static void end_piece(struct line *l, enum line_colour colour, size_t from)
{
	if (l->text.n == from)
		return;
	l->width += text_width(str_skip(buf_str(&l->text), from));
	if (l->count > 0 && (l->pieces[l->count - 1].colour == colour || l->count == LINE_PIECES)) {
		l->pieces[l->count - 1].end = l->text.n;
		return;
	}
	l->pieces[l->count].end = l->text.n;
	l->pieces[l->count].colour = colour;
	l->count++;
}

void line_add(struct line *l, enum line_colour colour, struct str s)
{
	size_t from = l->text.n;

	text_safe(&l->text, s, l->style->ascii);
	end_piece(l, colour, from);
}

void line_add_cut(struct line *l, enum line_colour colour, struct str s, size_t columns)
{
	size_t from = l->text.n;

	/* A character takes at most a few columns of escapes, so no more of a long text needs a look. */
	text_safe_cut(&l->text, s, columns, l->style->ascii);
	end_piece(l, colour, from);
}

void line_addf(struct line *l, enum line_colour colour, const char *fmt, ...)
{
	size_t from = l->text.n;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&l->text, fmt, ap);
	va_end(ap);
	end_piece(l, colour, from);
}

void line_add_count(struct line *l, enum line_colour colour, const char *name, uint64_t n)
{
	char z[32];

	text_count(n, z);
	line_addf(l, colour, "  %s %s", name, z);
}

void line_pad(struct line *l, size_t column, size_t gap)
{
	size_t from = l->text.n, spaces = column > l->width ? column - l->width : 0;

	for (size_t i = 0; i < (spaces > gap ? spaces : gap); i++)
		buf_add_char(&l->text, ' ');
	end_piece(l, LINE_PLAIN, from);
}

static void add_coloured(struct line *l, struct buf *out, enum line_colour colour, struct str s)
{
	static const char *const codes[] = {
		[LINE_PLAIN] = "",	  [LINE_BOLD] = "\033[1m",   [LINE_DIM] = "\033[2m",
		[LINE_RED] = "\033[31m",  [LINE_GREEN] = "\033[32m", [LINE_YELLOW] = "\033[33m",
		[LINE_CYAN] = "\033[36m",
	};
	bool paint = l->style->colour && colour != LINE_PLAIN;

	if (paint)
		buf_add(out, str_of(codes[colour]));
	buf_add(out, s);
	if (paint)
		buf_add(out, STR("\033[0m"));
}

static void add_cut(struct line *l, struct buf *out, enum line_colour colour, struct str s, size_t columns)
{
	autodrop(buf_fini) struct buf longer, cut;

	buf_init(&longer, LIMIT_SPAN_BYTES);
	buf_init(&cut, LIMIT_SPAN_BYTES);
	/* What follows does not fit: the mark must stand even where this piece alone would just do. */
	buf_add(&longer, s);
	buf_add(&longer, STR("...."));
	text_safe_cut(&cut, buf_str(&longer), columns, l->style->ascii);
	if (out->err == 0)
		out->err = buf_err(&longer) ? buf_err(&longer) : buf_err(&cut);
	add_coloured(l, out, colour, buf_str(&cut));
}

static void trim(struct line *l)
{
	while (l->text.n > 0 && l->text.p[l->text.n - 1] == ' ') {
		l->text.n--;
		l->width--;
	}
	while (l->count > 1 && l->pieces[l->count - 2].end >= l->text.n)
		l->count--;
	if (l->count > 0)
		l->pieces[l->count - 1].end = l->text.n;
}

void line_end(struct line *l, struct buf *out)
{
	size_t columns = l->style->columns, left = columns, from = 0;

	trim(l);
	for (unsigned i = 0; i < l->count; i++) {
		struct str s = str_make(l->text.p + from, l->pieces[i].end - from);

		from = l->pieces[i].end;
		if (columns == 0 || l->width <= columns) {
			add_coloured(l, out, l->pieces[i].colour, s);
			continue;
		}
		size_t w = text_width(s);
		if (w + (l->style->ascii ? 3 : 1) > left) {
			add_cut(l, out, l->pieces[i].colour, s, left);
			break;
		}
		add_coloured(l, out, l->pieces[i].colour, s);
		left -= w;
	}
	buf_add_char(out, '\n');
	if (out->err == 0)
		out->err = buf_err(&l->text);
	buf_clear(&l->text);
	l->width = 0;
	l->count = 0;
}
