/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard's own state and the parts that its files share. */
#ifndef GUARD_VALUE_H
#define GUARD_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "guard/guard.h"
#include "guard/scan.h"

struct value_frame {
	const struct json *parent; /* array or object that is open */
	const struct json *next;   /* child to be written next */
	bool secret;		   /* array: all its strings are secrets */
	bool command;		   /* its texts are command lines */
	bool option;		   /* array: the last string was an option that takes a secret */
	bool asked, pair;	   /* object: {"name": "x-api-key", "value": ...} was looked for, and found */
	const char *kind;
};

struct guard {
	struct scan_table table;
	struct buf text; /* what guard_text returned last */
	struct buf marker;
	struct value_frame *frames; /* JSON_DEPTH_MAX + 1 */
	uint64_t redacted;
	int err; /* sticks until the next span */
};

/* As guard_text; command: the text is a command line. */
struct str value_text(struct guard *g, struct str text, bool command);
/* [redacted:kind], borrowed until the next call; counts. */
struct str value_marker(struct guard *g, const char *kind);
/* Writes a string that stands under `name` (may be empty). */
void value_string(struct guard *g, struct jsonw *w, struct str name, struct str text);
/* Writes JSON anew, every string of it cleaned. */
void value_json(struct guard *g, struct jsonw *w, struct arena *a, struct str name, const struct json *j);
/* Whether an argument's successor is a secret, and of what kind. */
const char *value_option(struct str argument);

#endif
