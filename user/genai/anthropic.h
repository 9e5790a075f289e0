/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: what anthropic.c (bodies) and anthropic_stream.c (events) share. */
#ifndef GENAI_ANTHROPIC_H
#define GENAI_ANTHROPIC_H

#include "genai/decoder.h"

/* As on the wire: input tokens are counted without those that the cache read or wrote. */
struct genai_anthropic_counts {
	int64_t fresh, output, cache_read, cache_creation, reasoning;
	int64_t cache_creation_1h; /* of cache_creation */
};
#define GENAI_ANTHROPIC_COUNTS                                                               \
	{                                                                                    \
		GENAI_UNKNOWN, GENAI_UNKNOWN, GENAI_UNKNOWN, GENAI_UNKNOWN, GENAI_UNKNOWN, 0 \
	}

/* One block of content; p is zeroed before. false: it is empty. */
bool genai_anthropic_block(struct genai_work *w, const struct json *j, struct genai_part *p);
/* Takes over every count that usage gives: a stream's are cumulative, the last one wins. */
void genai_anthropic_usage(struct genai_work *w, struct genai_anthropic_counts *n, const struct json *usage);
void genai_anthropic_sum(struct genai_work *w, const struct genai_anthropic_counts *n);
/* Room for the one answer. */
bool genai_anthropic_output(struct genai_work *w);
void genai_anthropic_stop(struct genai_work *w, struct str word);
bool genai_anthropic_event(struct genai_work *w, const struct http_event *ev);
void genai_anthropic_join(struct genai_work *w);

#endif
