/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The events of a Responses stream. The last one repeats the whole response, so that the others matter only for times,
 * and where the stream was cut: then what items were done, and the deltas of those that were not.
 */
#include "genai/openai.h"
#include "genai/responses.h"

struct item {
	int64_t index;
	struct str json; /* compact, as the item was added or, better, done */
	bool done;
	struct genai_rope text, refusal, reasoning, arguments;
};

struct stream {
	struct item *items;
	uint32_t count, cap;
	bool read;		   /* the last event had everything */
	struct str status, reason; /* of the last event, when it left the output out */
};

/* In the order of their indices, which is nearly always that in which they come. */
static struct item *item_get(struct genai_work *w, struct stream *s, int64_t index)
{
	uint32_t at;

	for (uint32_t i = s->count; i-- > 0;)
		if (s->items[i].index == index)
			return &s->items[i];
	if (s->count == GENAI_PIECES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	if (s->count == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 4;
		struct item *more = arena_alloc(w->c.arena, cap * sizeof(*more));

		if (more == NULL)
			return NULL;
		if (s->count > 0)
			memcpy(more, s->items, s->count * sizeof(*more));
		s->items = more;
		s->cap = cap;
	}
	for (at = s->count++; at > 0 && s->items[at - 1].index > index; at--)
		s->items[at] = s->items[at - 1];
	s->items[at] = (struct item){.index = index};
	return &s->items[at];
}

enum delta { DELTA_NONE, DELTA_TEXT, DELTA_REFUSAL, DELTA_REASONING, DELTA_ARGUMENTS };

static enum delta delta_of(struct str type)
{
	static const struct {
		const char *type;
		enum delta delta;
	} rows[] = {
		{"response.output_text.delta", DELTA_TEXT},
		{"response.text.delta", DELTA_TEXT}, /* Realtime, before it was generally available */
		{"response.audio_transcript.delta", DELTA_TEXT},
		{"response.output_audio_transcript.delta", DELTA_TEXT},
		{"response.refusal.delta", DELTA_REFUSAL},
		{"response.reasoning_text.delta", DELTA_REASONING},
		{"response.reasoning_summary_text.delta", DELTA_REASONING},
		{"response.function_call_arguments.delta", DELTA_ARGUMENTS},
		{"response.custom_tool_call_input.delta", DELTA_ARGUMENTS},
		{"response.mcp_call_arguments.delta", DELTA_ARGUMENTS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(type, str_of(rows[i].type)))
			return rows[i].delta;
	return DELTA_NONE;
}

static void delta_add(struct genai_work *w, struct stream *s, enum delta delta, const struct json *j)
{
	struct str text = json_get_str(genai_scratch(w), j, "delta");
	int64_t index = 0;

	(void)json_i64(json_get(j, "output_index"), &index);
	struct item *i = item_get(w, s, index);
	if (i == NULL)
		return;
	struct genai_rope *r = delta == DELTA_TEXT	  ? &i->text
			       : delta == DELTA_REFUSAL	  ? &i->refusal
			       : delta == DELTA_REASONING ? &i->reasoning
							  : &i->arguments;

	genai_rope_add(w->c.arena, r, text);
}

static void item_add(struct genai_work *w, struct stream *s, const struct json *j, bool done)
{
	int64_t index = s->count;

	(void)json_i64(json_get(j, "output_index"), &index);
	struct item *i = item_get(w, s, index);
	if (i == NULL || (i->done && !done))
		return;
	i->json = genai_compact(w, json_get(j, "item"));
	i->done = done;
}

/* What an event says of the response that goes on. The tier in it is the one asked for ("auto"), not yet the one given. */
static void early_head(struct genai_work *w, const struct json *response)
{
	bool told = w->tier_told;

	w->tier_told = true;
	genai_responses_head(w, response);
	w->tier_told = told;
}

/* response.completed and its like: true, and everything is read. */
static bool last_read(struct genai_work *w, struct stream *s, struct str type, const struct json *j)
{
	static const char *const types[] = {"response.completed", "response.failed", "response.incomplete",
					    "response.cancelled", "response.done"};
	const struct json *response = json_get(j, "response");
	bool last = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		last |= str_eq(type, str_of(types[i]));
	if (!last)
		return false;
	genai_responses_usage(w, json_get(j, "usage")); /* xAI's Realtime has it beside the response */
	if (json_count(json_get(response, "output")) > 0 || s->count == 0) {
		genai_responses_read(w, response);
		s->read = true;
	} else {
		/* Some leave the output out at the end. */
		genai_responses_head(w, response);
		s->status = genai_word(w, response, "status");
		s->reason = genai_word(w, json_get(response, "incomplete_details"), "reason");
	}
	return true;
}

bool genai_responses_event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct str type;
	enum delta delta;

	if (j == NULL) /* OpenRouter ends with [DONE], after the last event */
		return false;
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	if (w->stream == NULL)
		return false;
	type = json_get_str(genai_scratch(w), j, "type");
	if (type.n == 0)
		type = ev->event;
	delta = delta_of(type);
	if (last_read(w, w->stream, type, j))
		return true;
	if (delta != DELTA_NONE) {
		delta_add(w, w->stream, delta, j);
		genai_told_first(w, ev->ts_ns);
	} else if (str_eq(type, STR("response.output_item.added"))) {
		item_add(w, w->stream, j, false);
	} else if (str_eq(type, STR("response.output_item.done"))) {
		item_add(w, w->stream, j, true);
		genai_told_first(w, ev->ts_ns);
	} else if (json_type(json_get(j, "response")) == JSON_OBJECT) {
		early_head(w, json_get(j, "response"));
	} else if (str_eq(type, STR("error"))) {
		genai_error_read(w, j);
	}
	return w->c.status == GENAI_ERROR;
}

/* ---- the end ---- */

static void part_add(struct genai_work *w, struct genai_items *all, struct str name,
		     enum genai_part_type type, const struct genai_rope *r, struct str part_name)
{
	struct genai_part p = {.type = type, .name = part_name};

	if (r->n == 0)
		return;
	p.text = genai_rope_str(w->c.arena, r);
	genai_items_add_part(w, all, STR("assistant"), name, &p);
}

/* An item that was not done: as far as its deltas came. */
static void item_join(struct genai_work *w, struct genai_items *all, const struct item *i,
		      const struct json *j)
{
	struct str name = genai_word(w, json_get(j, "agent"), "agent_name");

	part_add(w, all, name, GENAI_REASONING, &i->reasoning, STR_NONE);
	part_add(w, all, name, GENAI_TEXT, &i->text, STR_NONE);
	part_add(w, all, name, GENAI_TEXT, &i->refusal, STR("refusal"));
	if (!json_is(json_get(j, "type"), "function_call") &&
	    !json_is(json_get(j, "type"), "custom_tool_call"))
		return;
	struct genai_part p = {
		.type = GENAI_TOOL_CALL,
		.id = genai_word(w, j, "call_id"),
		.name = genai_word(w, j, "name"),
	};

	if (i->arguments.n > 0)
		p.value = genai_arguments(w, genai_rope_str(w->c.arena, &i->arguments));
	genai_items_add_part(w, all, STR("assistant"), name, &p);
}

void genai_responses_join(struct genai_work *w)
{
	const struct stream *s = w->stream;
	struct genai_items all;

	if (s == NULL || s->read || s->count == 0 || !genai_items_init(w, &all, s->count))
		return;
	for (uint32_t k = 0; k < s->count; k++) {
		const struct item *i = &s->items[k];
		const struct json *j = i->json.n ? json_parse(genai_scratch(w), i->json, NULL) : NULL;

		if (i->done)
			genai_items_add(w, &all, j);
		else
			item_join(w, &all, i, j);
	}
	genai_responses_finish(w, &all, s->status, s->reason);
	genai_items_done(w, &all);
	w->c.output = all.messages;
	w->c.output_count = all.count;
}
