/* SPDX-License-Identifier: BSD-2-Clause */
/* The node, which json.c and reader.c share; nobody else sees inside. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdint.h>

#include "base/json.h"

/*
 * Nodes stand in the order of their first bytes, in chunks from the arena. A container is never the last node of its
 * chunk: behind it stands its first child, or (JSON_NONE) a node whose `next` is that child, in the next chunk. While
 * a container is open, its `next` holds its parent: that is all the stack there is.
 */
struct json {
	const char *p;
	struct json *next;
	uint32_t n;
	uint32_t key_back; /* from the name's first byte to p; 0 for an element */
	uint32_t key_n;
	uint32_t type : 3;
	uint32_t cut : 1;
	uint32_t escaped : 1;	  /* the string has escapes */
	uint32_t wide : 1;	  /* the string may have bytes beyond ASCII, valid or not */
	uint32_t key_escaped : 1; /* its name has escapes */
	uint32_t count : 25;	  /* children; more than COUNT_MAX is more than we hold */
};

_Static_assert(sizeof(struct json) == 32,
	       "a node is 32 bytes: a body of [1,1,1... takes sixteen times its size");

/* What the escape \\c stands for when it is one character; 0 for \\u and for no escape. A table: a switch here is a
 * branch that is guessed wrong once per escape. */
extern const char reader_simple[256];

/* json_parse. */
const struct json *reader_parse(struct arena *a, struct str text, struct json_end *end);

#endif
