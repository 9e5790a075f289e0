/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading JSON that may be cut off at any byte, broken, deep or hostile.
 *
 * The text is read once, without recursion, into nodes in an arena; strings stay raw slices of the text until asked
 * for. Of a document that is cut or broken, everything before that byte is there: open arrays and objects are
 * closed, a string that was cut holds what came of it (without a half escape or half UTF-8 sequence), a number,
 * literal or key that was cut is not there (its value cannot be known).
 * Limits: JSON_DEPTH_MAX levels; deeper counts as broken. Why this is ours, with figures: docs/json.md.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 512

enum json_type { JSON_NONE, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json;

enum json_state {
	JSON_WHOLE,  /* a complete value; white space may follow it */
	JSON_CUT,    /* the text ends inside the value */
	JSON_BROKEN, /* not JSON at `offset` (or deeper than the limit) */
	JSON_MEMORY, /* the arena refused */
};

struct json_end {
	enum json_state state;
	size_t offset; /* bytes read: the value's end when whole, the text's end when cut, the bad byte when broken */
	const char *why; /* a few words when broken, else NULL; static */
};

/* Reads one value from the start of text (leading white space skipped). Returns its node, which borrows text and
 * lives in the arena; NULL when nothing could be read. end may be NULL. */
const struct json *json_parse(struct arena *a, struct str text, struct json_end *end);

/* An object of which a part in the middle is not here: the members of `tail` become the last ones of `head`, which stays
 * cut. Both are objects, read into arenas that live as long as the result; or NULL, and the other one is the result. */
const struct json *json_join(const struct json *head, const struct json *tail);

/* All of these take NULL for an absent value. */
enum json_type json_type(const struct json *j);
/* Whether the value was not complete in the text (cut string, array or object). */
bool json_is_cut(const struct json *j);
/* The value's own bytes in the text. */
struct str json_raw(const struct json *j);
/* Number of elements or members. */
size_t json_count(const struct json *j);
/* Member by name (names are compared decoded); the last one when a name stands twice, as Python's reader has it. */
const struct json *json_find(const struct json *object, struct str name);
/* The same; in the header, so that a literal's length is not counted each time. */
static inline const struct json *json_get(const struct json *object, const char *name)
{
	return json_find(object, str_of(name));
}
/* The first of two members that is there: for what is written in camel or in snake case. */
static inline const struct json *json_get_either(const struct json *object, const char *name,
						 const char *other)
{
	const struct json *v = json_get(object, name);

	return v ? v : json_get(object, other);
}
/* Path of member names and array indices: json_path(j, "choices", "0", "delta", NULL). */
const struct json *json_path(const struct json *j, ...) __attribute__((sentinel));
const struct json *json_at(const struct json *array, size_t i);
/* Children in order: for (c = json_first(j); c; c = json_next(c)) */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *j);
/* Raw name of a member (without quotes, escapes not decoded); of an element: empty. */
struct str json_raw_key(const struct json *member);
/* Decoded name of a member: borrowed from the text when it has no escapes, else in the arena. */
struct str json_key(struct arena *a, const struct json *member);
/* Whether a member's decoded name is this; needs no memory. */
bool json_key_is(const struct json *member, struct str name);

/* Decoded text of a string: borrowed from the text when it has no escapes, else in the arena. Lone surrogates and
 * invalid UTF-8 become U+FFFD. Not a string, or no memory: STR_NONE (p NULL). */
struct str json_str(struct arena *a, const struct json *j);
/* Shorthand: json_str of a member. */
struct str json_get_str(struct arena *a, const struct json *object, const char *name);
/* A whole number (1, 1.0, 1e2 are; 1.5 and numbers outside int64 are not). */
bool json_i64(const struct json *j, int64_t *out);
bool json_f64(const struct json *j, double *out);
bool json_bool(const struct json *j, bool *out);
/* Whether a string has this value. */
bool json_is(const struct json *j, const char *value);

/* Fingerprint of the value, however it was written: equal for other white space, escapes, spellings of a number, and
 * orders of an object's members. a is needed for strings with escapes. */
struct hash128 json_hash(struct arena *a, const struct json *j);

#endif
