/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: what responses.c (bodies) and responses_stream.c (events) share. */
#ifndef GENAI_RESPONSES_H
#define GENAI_RESPONSES_H

#include "genai/decoder.h"

/* Items in the order of the wire, gathered into messages: what one speaker said in a row is one message. */
struct genai_items {
	struct genai_message *messages;
	uint32_t count, room;
	uint32_t part_room; /* of the message being filled: the last one */
	bool called;	    /* a tool that the client has to run was asked for */
};

/* Room for as many items as list has; false: no memory. */
bool genai_items_init(struct genai_work *w, struct genai_items *all, size_t count);
void genai_items_add(struct genai_work *w, struct genai_items *all, const struct json *item);
/* One part of a message that is none of an item's (a delta's text). */
void genai_items_add_part(struct genai_work *w, struct genai_items *all, struct str role, struct str name,
			  const struct genai_part *part);
/* The messages are whole: hashes them. */
void genai_items_done(struct genai_work *w, struct genai_items *all);

/* What stands beside the output: id, model, usage, tier, error, conversation. */
void genai_responses_head(struct genai_work *w, const struct json *response);
void genai_responses_usage(struct genai_work *w, const struct json *usage);
/* The finish reason by status and items; Responses has no word of its own. None without a status. */
void genai_responses_finish(struct genai_work *w, const struct genai_items *all, struct str status,
			    struct str reason);
/* A whole response object: head, output, finish. */
void genai_responses_read(struct genai_work *w, const struct json *response);

bool genai_responses_event(struct genai_work *w, const struct http_event *ev);
void genai_responses_join(struct genai_work *w);

#endif
