/* SPDX-License-Identifier: BSD-2-Clause */
/* Tool calls that stand in a model's text. */
#ifndef TRACE_SAID_H
#define TRACE_SAID_H

#include <stdbool.h>

#include "base/str.h"
#include "genai/genai.h"

struct trace_said {
	struct str name;
	struct str arguments; /* a JSON object; p NULL: none that can be read */
};

/* The call that a client would read from this answer; both borrow from it. */
bool trace_said_find(struct str text, struct trace_said *out);
/* The same as a part of an answer that has no calls of its own. */
bool trace_said_part(const struct genai_call *c, struct genai_part *call);

#endif
