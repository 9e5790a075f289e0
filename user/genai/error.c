/* SPDX-License-Identifier: BSD-2-Clause */
/* What providers say when they say no. Every shape that is known, in the order in which they are told apart:
 *   {"error": {"type", "code", "message"}}	OpenAI and its kin; code may be a number (OpenRouter)
 *   {"type": "error", "error": {...}}		Anthropic
 *   {"error": "text"}				Ollama, Hugging Face
 *   {"object": "error", "type", "code", "message"}	vLLM; {"type", "message"}, {"message"}: Mistral, Cohere
 *   {"detail": "text"}				FastAPI
 *   [{"error": {...}}]				Google
 *   {"message"} and the field x-amzn-errortype	Bedrock; the name may have ":" and a namespace after it */
#include "genai/decoder.h"

/* A word or a number, as text. */
static struct str word(struct genai_work *w, const struct json *j)
{
	struct str s = STR_NONE;

	if (json_type(j) == JSON_STRING)
		s = genai_str(w, j);
	else if (json_type(j) == JSON_NUMBER)
		s = arena_dup(w->c.arena, json_raw(j));
	return s.n > 0 ? s : STR_NONE;
}

static struct str field_word(struct genai_work *w, const char *field)
{
	struct str s;

	(void)str_cut(str_trim(http_field(&w->c.x->response, field)), ':', &s);
	return s.n > 0 ? arena_dup(w->c.arena, s) : STR_NONE;
}

void genai_error_read(struct genai_work *w, const struct json *body)
{
	struct genai_call *c = &w->c;
	const struct json *e;

	if (json_type(body) == JSON_ARRAY)
		body = json_at(body, 0);
	e = json_get(body, "error");
	if (json_type(e) == JSON_STRING)
		c->error_message = genai_str(w, e);
	if (json_type(e) != JSON_OBJECT)
		e = body;
	/* Anthropic's outer {"type": "error"} names no type. */
	if (e != body || !json_is(json_get(e, "type"), "error"))
		c->error_type = word(w, json_get(e, "type"));
	if (c->error_type.p == NULL)
		c->error_type = word(w, json_get(e, "code"));
	if (c->error_type.p == NULL)
		c->error_type = field_word(w, "x-amzn-errortype");
	if (c->error_message.p == NULL)
		c->error_message = word(w, json_get(e, "message"));
	if (c->error_message.p == NULL)
		c->error_message = word(w, json_get(e, "detail"));
	/* Lists of complaints (Mistral, FastAPI) are kept as the JSON they are. */
	if (c->error_message.p == NULL && json_type(json_get(e, "message")) >= JSON_ARRAY)
		c->error_message = genai_compact(w, json_get(e, "message"));
	if (c->error_message.p == NULL && json_type(json_get(e, "detail")) >= JSON_ARRAY)
		c->error_message = genai_compact(w, json_get(e, "detail"));
	if (c->error_type.p == NULL)
		c->error_type =
			c->x->status >= 400 ? arena_printf(c->arena, "%d", c->x->status) : STR("_OTHER");
	c->status = GENAI_ERROR;
}
