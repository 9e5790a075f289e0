/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole conversation of a model call, undone of its shortening, and its text. */
#ifndef VIEW_MESSAGE_H
#define VIEW_MESSAGE_H

#include "view/node.h"

struct message_history {
	const struct json **items; /* input messages in order, in the arena */
	size_t count;
	size_t repeated; /* the first so many stand in earlier spans */
	uint32_t from;	 /* ordinal of the span that this one continues; 0: none */
	bool lossy;	 /* a span that it refers to is not there, or holds less than it says */
	const struct json *system, *tools; /* its own, or those of the call that it continues; NULL: none */
};

/* The span that `at` continues, and how many of its messages. NODE_NONE: none; *dangling: one that is not there. */
uint32_t message_continued(const struct node_forest *f, uint32_t at, int64_t *messages, bool *dangling);
/* Turns the history of `before` (NODE_NONE: an empty one) into that of `at`, which continues it: items must have room
 * for the messages that it takes from there and its own. */
void message_history_add(struct message_history *h, const struct node_forest *f, uint32_t at,
			 uint32_t before);
/* -ENOMEM */
int message_history_init(struct message_history *h, struct node_forest *f, uint32_t at) MUST_CHECK;
/* A message, its parts indented. ordinal 0: without. */
void message_write(struct buf *out, struct arena *a, const struct json *message, size_t ordinal, bool ascii);
/* Parts of a message (an array), at an indentation. */
void message_write_parts(struct buf *out, struct arena *a, const struct json *parts, unsigned indent,
			 bool ascii);
/* Text in full: its own line breaks, every line indented, everything else safe for a terminal. */
void message_write_text(struct buf *out, struct str text, unsigned indent, bool ascii);
/* A string as text, any other value as JSON. */
void message_write_value(struct buf *out, struct arena *a, const struct json *value, unsigned indent,
			 bool ascii);

#endif
