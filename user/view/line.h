/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of text for people: pieces with colours, padding by columns, cut to the terminal's width. */
#ifndef VIEW_LINE_H
#define VIEW_LINE_H

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"
#include "view/view.h"

enum line_colour { LINE_PLAIN, LINE_BOLD, LINE_DIM, LINE_RED, LINE_GREEN, LINE_YELLOW, LINE_CYAN };

#define LINE_PIECES 48u

struct line {
	const struct view_style *style;
	struct buf text;
	size_t width; /* columns so far */
	struct {
		size_t end; /* in text */
		enum line_colour colour;
	} pieces[LINE_PIECES];
	unsigned count;
};

void line_init(struct line *l, const struct view_style *style);
void line_fini(struct line *l);
/* Adds content: made safe for a terminal, newlines included. */
void line_add(struct line *l, enum line_colour colour, struct str s);
/* The same, cut to a number of columns. */
void line_add_cut(struct line *l, enum line_colour colour, struct str s, size_t columns);
/* Adds our own words, which may hold UTF-8 of ours; %s arguments are numbers and words of ours. */
void line_addf(struct line *l, enum line_colour colour, const char *fmt, ...) PRINTF(3, 4);
/* "  tools 1,024": an item of a row of totals. */
void line_add_count(struct line *l, enum line_colour colour, const char *name, uint64_t n);
/* Spaces up to a column; at least `gap` of them. */
void line_pad(struct line *l, size_t column, size_t gap);
/* Ends the line into out and empties it for the next. */
void line_end(struct line *l, struct buf *out);
/* The word that this terminal can show. */
const char *line_word(const struct view_style *style, const char *utf8, const char *ascii);

#endif
