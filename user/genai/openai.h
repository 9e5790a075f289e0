/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: what openai.c (bodies) and openai_stream.c (events) share, with each other and with responses*.c. */
#ifndef GENAI_OPENAI_H
#define GENAI_OPENAI_H

#include "base/jsonw.h"
#include "genai/decoder.h"

/* A message of a request or an answer, with its hash; m is zeroed before. false: no memory. */
bool genai_openai_message(struct genai_work *w, const struct json *j, struct genai_message *m);
/* All messages of a request. */
void genai_openai_messages(struct genai_work *w, const struct json *messages);
/* completions.c: a prompt (text, texts or tokens) as the one message of a request. */
void genai_prompt_read(struct genai_work *w, const struct json *prompt);
/* id, model and the fields that stand beside the choices; what is known already stays. */
void genai_openai_head(struct genai_work *w, const struct json *body);
void genai_openai_usage(struct genai_work *w, const struct json *usage);
/* tools, and functions as they were called once; the tools of Responses, which are not nested, too. */
void genai_openai_tools(struct genai_work *w, const struct json *body);
/* Room for n answers. */
bool genai_openai_outputs(struct genai_work *w, uint32_t n);
void genai_openai_finish_add(struct genai_work *w, struct genai_message *m, struct str word);
bool genai_openai_event(struct genai_work *w, const struct http_event *ev);
void genai_openai_join(struct genai_work *w);

#endif
