/* SPDX-License-Identifier: BSD-2-Clause */
/* A little of what was said, cut so that the guard still knows a secret by what is left. */
#ifndef TRACE_EXCERPT_H
#define TRACE_EXCERPT_H

#include "base/jsonw.h"
#include "trace/set.h"

/* At most so many bytes, up to where a word ends; nothing of a word that does not fit. */
struct str trace_excerpt_text(struct str s, size_t most);
/* A value that claims to be JSON, with about so many bytes of texts. Whether something was left out. */
bool trace_excerpt_value(struct jsonw *w, struct str json, size_t most);
/* A message as one JSON object, in OpenTelemetry's form but for what was cut: `cut` on a part, `parts_left_out`. */
void trace_excerpt_message(struct buf *out, const struct genai_message *m, size_t most);

#endif
