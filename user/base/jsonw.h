/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing JSON into a buf: commas and nesting are kept by the writer, errors stick in the buf. Compact, UTF-8; every
 * string is made valid: control characters escaped, invalid UTF-8 becomes U+FFFD.
 */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#define JSONW_DEPTH_MAX 600

struct jsonw {
	struct buf *b;
	uint32_t depth;
	bool first; /* nothing stands yet at this level */
	bool named; /* a key was written, its value is due */
	/* Called for every string value before it is escaped, when set: may give another text (borrowed until the next
	 * call). The guard hangs its redaction here. */
	struct str (*filter)(void *ctx, struct str text);
	void *filter_ctx;
};

/* Appends to b from here on. */
void jsonw_init(struct jsonw *w, struct buf *b);
void jsonw_object(struct jsonw *w);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w);
void jsonw_array_end(struct jsonw *w);
/* Member name; the next value is its value. Returns w: jsonw_str(jsonw_key(w, "name"), s). */
struct jsonw *jsonw_key(struct jsonw *w, const char *key);
struct jsonw *jsonw_key_str(struct jsonw *w, struct str key);
void jsonw_str(struct jsonw *w, struct str s);
void jsonw_z(struct jsonw *w, const char *z); /* NULL: null */
void jsonw_i64(struct jsonw *w, int64_t v);
void jsonw_u64(struct jsonw *w, uint64_t v);
/* Shortest decimal that reads back the same, never an exponent; not finite: null. */
void jsonw_f64(struct jsonw *w, double v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
/* Bytes that are JSON already. */
void jsonw_raw(struct jsonw *w, struct str json);
/* A value read before, written anew: compact, strings made valid (and filtered), numbers as they stood, of doubled
 * member names the last. Cut values are closed. Uses arena for decoding. */
void jsonw_value(struct jsonw *w, struct arena *a, const struct json *j);

#endif
