/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: protobuf messages as JSON, by a table of their fields. */
#ifndef GENAI_PROTOBUF_H
#define GENAI_PROTOBUF_H

#include "genai/decoder.h"

enum genai_protobuf_type {
	GENAI_PROTOBUF_TEXT,
	GENAI_PROTOBUF_BYTES,  /* as base64 */
	GENAI_PROTOBUF_BASE64, /* bytes that some send as base64 already: those stay */
	GENAI_PROTOBUF_WORD,   /* an enum */
	GENAI_PROTOBUF_ANY,    /* google.protobuf.Value */
	GENAI_PROTOBUF_BOX,    /* a message whose field 1 is a google.protobuf.Struct, as that */
	GENAI_PROTOBUF_MESSAGE,
};

struct genai_protobuf_field {
	uint32_t number;
	const char *name; /* as ProtoJSON has it; NULL ends a table */
	enum genai_protobuf_type type;
	bool repeated;
	const struct genai_protobuf_field *message; /* of MESSAGE */
	const char *const *words;		    /* of WORD: by number, NULL ends them */
};

/* In the scratch arena; STR_NONE: it is no such message, or no memory. */
struct str genai_protobuf_json(struct genai_work *w, struct str message,
			       const struct genai_protobuf_field *fields);

/* ---- a2a.c, for what comes over gRPC ---- */
/* A SendMessageRequest in ProtoJSON becomes the call's request: an invocation of the agent. */
bool genai_a2a_request(struct genai_work *w, const struct json *params, bool streams);
/* A SendMessageResponse or StreamResponse. */
void genai_a2a_result(struct genai_work *w, const struct json *result, uint64_t ts_ns);
void genai_a2a_finish(struct genai_work *w);

#endif
