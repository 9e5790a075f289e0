/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The events of a Chat Completions stream, put together by (choice, tool call). Fragments of a tool call carry its id and
 * name only once; whose a fragment is:
 *   index given     that tool call; a new id with a name under an old index is a new one (Gemini numbers all calls 0)
 *   no index        by id; without id the last one (Mistral sends whole calls, each with its id)
 */
#include "genai/openai.h"

struct tool {
	int64_t index; /* -1: none given */
	struct str id, name;
	struct genai_rope arguments;
	bool told_arguments; /* so that absent ones stay absent */
	bool legacy;	     /* function_call: there is one, without id */
};

struct choice {
	int64_t index;
	struct str role, finish;
	struct genai_rope text, reasoning, refusal, transcript, audio;
	struct tool *tools;
	uint32_t count, cap;
};

struct stream {
	struct choice *choices[GENAI_CHOICES_MAX];
	uint32_t count;
	struct choice *last;
};

static struct choice *choice_get(struct genai_work *w, struct stream *s, int64_t index)
{
	if (s->last && s->last->index == index)
		return s->last;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->choices[i]->index == index)
			return s->last = s->choices[i];
	if (s->count == GENAI_CHOICES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	struct choice *c = arena_alloc(w->c.arena, sizeof(*c));
	uint32_t at = s->count;

	if (c == NULL)
		return NULL;
	c->index = index;
	for (; at > 0 && s->choices[at - 1]->index > index; at--)
		s->choices[at] = s->choices[at - 1];
	s->choices[at] = c;
	s->count++;
	return s->last = c;
}

static struct tool *tool_new(struct genai_work *w, struct choice *c, int64_t index)
{
	if (c->count == GENAI_PIECES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	if (c->count == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : 4;
		struct tool *more = arena_alloc(w->c.arena, cap * sizeof(*more));

		if (more == NULL)
			return NULL;
		if (c->count > 0)
			memcpy(more, c->tools, c->count * sizeof(*more));
		c->tools = more;
		c->cap = cap;
	}
	c->tools[c->count].index = index;
	return &c->tools[c->count++];
}

/* Whether what came for t is a whole document already. */
static bool is_full(struct genai_work *w, const struct tool *t)
{
	struct str s = genai_rope_str(w->c.arena, &t->arguments);
	struct json_end end = {0};

	return s.n > 0 && json_parse(genai_scratch(w), s, &end) != NULL && end.state == JSON_WHOLE;
}

/* Whether a fragment with this id and name under t's index begins another call. */
static bool is_other(struct genai_work *w, const struct tool *t, struct str id, struct str name)
{
	if (name.n == 0 || t->name.n == 0)
		return false;
	if (id.n > 0)
		return !str_eq(id, t->id);
	return t->id.n == 0 && is_full(w, t);
}

static struct tool *tool_get(struct genai_work *w, struct choice *c, const struct json *j, struct str id,
			     struct str name)
{
	int64_t index;

	if (json_i64(json_get(j, "index"), &index) && index >= 0) {
		for (uint32_t i = c->count; i-- > 0;)
			if (c->tools[i].index == index)
				return is_other(w, &c->tools[i], id, name) ? tool_new(w, c, index)
									   : &c->tools[i];
		return tool_new(w, c, index);
	}
	if (id.n > 0) {
		for (uint32_t i = c->count; i-- > 0;)
			if (str_eq(c->tools[i].id, id))
				return &c->tools[i];
		return tool_new(w, c, -1);
	}
	if (c->count > 0 && !is_other(w, &c->tools[c->count - 1], id, name))
		return &c->tools[c->count - 1];
	return tool_new(w, c, -1);
}

static void arguments_add(struct genai_work *w, struct tool *t, const struct json *args)
{
	if (json_type(args) == JSON_STRING) {
		t->told_arguments = true;
		genai_rope_add(w->c.arena, &t->arguments, json_str(genai_scratch(w), args));
	} else if (json_type(args) == JSON_OBJECT) { /* whole, as some servers have it */
		t->told_arguments = true;
		genai_rope_add(w->c.arena, &t->arguments, json_raw(args));
	}
}

static void call_add(struct genai_work *w, struct choice *c, const struct json *j)
{
	const struct json *f = json_get(j, "function");
	struct arena *scratch = genai_scratch(w);

	if (f == NULL)
		f = json_get(j, "custom");
	struct str id = json_get_str(scratch, j, "id"), name = json_get_str(scratch, f, "name");
	struct tool *t = tool_get(w, c, j, id, name);

	if (t == NULL)
		return;
	if (t->id.n == 0 && id.n > 0)
		t->id = arena_dup(w->c.arena, id);
	if (t->name.n == 0 && name.n > 0)
		t->name = arena_dup(w->c.arena, name);
	arguments_add(w, t, json_get(f, "arguments"));
	if (json_type(json_get(f, "input")) == JSON_STRING)
		arguments_add(w, t, json_get(f, "input"));
}

static void legacy_add(struct genai_work *w, struct choice *c, const struct json *f)
{
	struct tool *t = c->count > 0 && c->tools[0].legacy ? &c->tools[0] : tool_new(w, c, -1);
	struct str name = json_get_str(genai_scratch(w), f, "name");

	if (t == NULL)
		return;
	t->legacy = true;
	if (t->name.n == 0 && name.n > 0)
		t->name = arena_dup(w->c.arena, name);
	arguments_add(w, t, json_get(f, "arguments"));
}

/* Returns whether there was any. */
static bool text_add(struct genai_work *w, struct genai_rope *r, const struct json *j)
{
	struct str s = json_type(j) == JSON_STRING ? json_str(genai_scratch(w), j) : STR_NONE;

	genai_rope_add(w->c.arena, r, s);
	return s.n > 0;
}

/* Mistral: a delta's content may be a list of texts and thoughts. */
static bool list_add(struct genai_work *w, struct choice *c, const struct json *list)
{
	bool any = false;

	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const struct json *thought = json_get(e, "thinking");

		any |= text_add(w, &c->text, json_get(e, "text"));
		if (json_type(thought) == JSON_STRING)
			any |= text_add(w, &c->reasoning, thought);
		else if (json_type(thought) == JSON_ARRAY)
			for (const struct json *t = json_first(thought); t; t = json_next(t))
				any |= text_add(w, &c->reasoning, json_get(t, "text"));
	}
	return any;
}

static bool delta_add(struct genai_work *w, struct choice *c, const struct json *delta)
{
	const struct json *content = json_get(delta, "content"), *calls = json_get(delta, "tool_calls"),
			  *audio = json_get(delta, "audio"), *legacy = json_get(delta, "function_call");
	bool any;

	if (c->role.p == NULL)
		c->role = genai_word(w, delta, "role");
	any = json_type(content) == JSON_ARRAY ? list_add(w, c, content) : text_add(w, &c->text, content);
	/* Gateways send the same thought under both names. */
	if (text_add(w, &c->reasoning, json_get(delta, "reasoning_content")) ||
	    text_add(w, &c->reasoning, json_get(delta, "reasoning")))
		any = true;
	any |= text_add(w, &c->refusal, json_get(delta, "refusal"));
	any |= text_add(w, &c->transcript, json_get(audio, "transcript"));
	any |= text_add(w, &c->audio, json_get(audio, "data"));
	if (json_type(calls) == JSON_ARRAY) {
		for (const struct json *e = json_first(calls); e; e = json_next(e)) {
			call_add(w, c, e);
			any = true;
		}
	}
	if (json_type(legacy) == JSON_OBJECT) {
		legacy_add(w, c, legacy);
		any = true;
	}
	return any;
}

static bool choices_add(struct genai_work *w, struct stream *s, const struct json *choices)
{
	bool any = false;

	if (json_type(choices) != JSON_ARRAY)
		return false;
	for (const struct json *e = json_first(choices); e; e = json_next(e)) {
		int64_t index = 0;

		(void)json_i64(json_get(e, "index"), &index);
		struct choice *c = choice_get(w, s, index);
		if (c == NULL)
			continue;
		const struct json *delta = json_get(e, "delta");
		const char *finish = json_type(json_get(e, "finish_reason")) == JSON_STRING ? "finish_reason"
											    : "stop_reason";

		/* Mistral's models on Bedrock have whole answers' names. */
		any |= delta_add(w, c, delta ? delta : json_get(e, "message"));
		if (c->finish.p == NULL && json_type(json_get(e, finish)) == JSON_STRING) {
			c->finish = genai_word(w, e, finish);
			w->finished |= c->finish.p != NULL;
		}
		if (json_type(json_get(e, "error")) == JSON_OBJECT) /* OpenRouter */
			genai_error_read(w, e);
	}
	return any;
}

bool genai_openai_event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j;

	if (str_eq(str_trim(ev->data), STR("[DONE]")))
		return true;
	j = genai_event_json(w, ev);
	if (j == NULL)
		return false;
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	if (w->stream == NULL)
		return false;
	genai_openai_head(w, j);
	genai_openai_usage(w, json_path(j, "x_groq", "usage", NULL));
	genai_openai_usage(w, json_get(j, "usage"));
	if (choices_add(w, w->stream, json_get(j, "choices")))
		genai_told_first(w, ev->ts_ns);
	if (json_type(json_get(j, "error")) > JSON_NULL || json_is(json_get(j, "object"), "error") ||
	    str_eq(ev->event, STR("error")))
		genai_error_read(w, j);
	return w->c.status == GENAI_ERROR;
}

/* ---- the end ---- */

static void part_add(struct genai_work *w, struct genai_message *m, enum genai_part_type type,
		     const struct genai_rope *r)
{
	if (r->n == 0)
		return;
	m->parts[m->count++] = (struct genai_part){.type = type, .text = genai_rope_str(w->c.arena, r)};
}

static bool choice_join(struct genai_work *w, const struct choice *c, struct genai_message *m)
{
	m->role = c->role.p ? c->role : STR("assistant");
	m->parts = arena_alloc(w->c.arena, (5 + c->count) * sizeof(*m->parts));
	if (m->parts == NULL)
		return false;
	part_add(w, m, GENAI_REASONING, &c->reasoning);
	part_add(w, m, GENAI_TEXT, &c->text);
	part_add(w, m, GENAI_TEXT, &c->refusal);
	if (c->refusal.n > 0)
		m->parts[m->count - 1].name = STR("refusal");
	part_add(w, m, GENAI_TEXT, &c->transcript);
	part_add(w, m, GENAI_BLOB, &c->audio);
	if (c->audio.n > 0)
		m->parts[m->count - 1].modality = STR("audio");
	for (uint32_t i = 0; i < c->count; i++) {
		const struct tool *t = &c->tools[i];
		struct genai_part *p = &m->parts[m->count++];

		p->type = GENAI_TOOL_CALL;
		p->id = t->id;
		p->name = t->name;
		if (t->told_arguments)
			p->value = genai_arguments(w, genai_rope_str(w->c.arena, &t->arguments));
	}
	genai_message_hash(w, m);
	genai_openai_finish_add(w, m, c->finish);
	return true;
}

void genai_openai_join(struct genai_work *w)
{
	const struct stream *s = w->stream;

	if (s == NULL || s->count == 0 || !genai_openai_outputs(w, s->count))
		return;
	for (uint32_t i = 0; i < s->count; i++)
		if (!choice_join(w, s->choices[i], &w->c.output[w->c.output_count++]))
			return;
}
