/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard: nothing reaches disk, network or a terminal without passing here: credentials become [redacted:kind].
 * in:    spans, argv, texts
 * out:   the span as one JSON object, cleaned
 * owns:  the redaction rules
 * may:   base, flow, genai, http, proc, trace, wire
 * never: is skipped; keeps a secret or a hash of one
 * fails: without memory: -ENOMEM, and the span is not written
 * start: guard.c
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "trace/trace.h"

struct guard;

struct guard_stats {
	uint64_t redacted; /* values */
};

struct guard *guard_new(void);
/*
 * Appends the span as docs/trace.md has it, all but `n` (which is known only at the end): a JSON object whose
 * members begin with id and parent. utc_offset_ns turns its times into UTC; no_times prints null (decode).
 */
int guard_span(struct guard *g, const struct trace_span *s, int64_t utc_offset_ns, bool no_times,
	       struct buf *out) MUST_CHECK;
/* Appends a link as it stands there. */
int guard_link(struct guard *g, const struct trace_link *link, struct buf *out) MUST_CHECK;
/* Appends the span's events alone, cleaned, with a comma before each; nothing when it has none. */
int guard_events(struct guard *g, const struct trace_span *s, int64_t utc_offset_ns, bool no_times,
		 struct buf *out) MUST_CHECK;
/* Redacted text, borrowed until the next call with this guard; `text` itself when nothing was found. */
struct str guard_text(struct guard *g, struct str text);
/* Redacted URL or request target (keys in the query, user:password@). */
struct str guard_url(struct guard *g, struct str url);
/* Appends JSON, every string of it cleaned; members whose names give a secret away lose it whatever it looks like. */
int guard_json(struct guard *g, struct str json, struct buf *out) MUST_CHECK;
/* Writes argv as a JSON array, redacted: values after --api-key and its kin whatever they look like, NAME=value of
 * secret names, URLs, vendor patterns. */
void guard_argv(struct guard *g, struct jsonw *w, const struct str *argv, uint32_t argc);
struct guard_stats guard_stats(const struct guard *g);
void guard_free(struct guard *g);
DROP_POINTER(guard, guard_free)

#endif
