/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: what Bedrock's two ways of asking (converse.c, invoke.c) share. */
#ifndef GENAI_BEDROCK_H
#define GENAI_BEDROCK_H

#include "genai/decoder.h"

/* An exception in the stream: its type and message. body may be NULL. */
void genai_bedrock_exception(struct genai_work *w, const struct http_event *ev, const struct json *body);

#endif
