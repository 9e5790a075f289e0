/* SPDX-License-Identifier: BSD-2-Clause */
/* A document under test, read from a heap copy of the exact size: ASAN sees every look beyond it. */
#ifndef UNIT_BASE_DOC_H
#define UNIT_BASE_DOC_H

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define ARENA_BYTES (256u << 20)

struct doc {
	struct arena *a;
	char *copy;
	struct json_end end;
	const struct json *j;
};

static inline struct doc open_doc(struct str text)
{
	struct doc d = {.a = arena_new(ARENA_BYTES), .copy = malloc(text.n ? text.n : 1)};

	if (text.n)
		memcpy(d.copy, text.p, text.n);
	d.j = json_parse(d.a, str_make(d.copy, text.n), &d.end);
	return d;
}

static inline void close_doc(struct doc *d)
{
	arena_free(d->a);
	free(d->copy);
}

#define DOC(name, text) autodrop(close_doc) struct doc name = open_doc(text)

#endif
