/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of a Messages stream: message_start, then blocks, each of content_block_start, deltas and a stop, then
 * message_delta with the stop reason and cumulative usage, then message_stop. */
#include "genai/anthropic.h"

#include "base/jsonw.h"

struct block {
	int64_t index;
	enum genai_part_type type;
	struct str start; /* JSON of content_block, of blocks that are neither text nor thinking */
	struct str id, name;
	struct genai_rope text; /* of text, thinking, or the input's JSON */
	bool hidden;		/* a tool's result and others: nothing is put together */
	bool stopped;		/* its content_block_stop came */
};

struct stream {
	struct genai_anthropic_counts counts;
	struct str stop, role;
	struct block *blocks;
	uint32_t count, cap;
};

static struct block *block_new(struct genai_work *w, struct stream *s, int64_t index)
{
	if (s->count == GENAI_PIECES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	if (s->count == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 4;
		struct block *more = arena_alloc(w->c.arena, cap * sizeof(*more));

		if (more == NULL)
			return NULL;
		if (s->count > 0)
			memcpy(more, s->blocks, s->count * sizeof(*more));
		s->blocks = more;
		s->cap = cap;
	}
	s->blocks[s->count].index = index;
	return &s->blocks[s->count++];
}

static struct block *block_get(struct stream *s, int64_t index)
{
	for (uint32_t i = s->count; i-- > 0;)
		if (s->blocks[i].index == index)
			return &s->blocks[i];
	return NULL;
}

/* A block's input as it stands in its start: {} is what the deltas will replace. */
static bool is_empty_object(const struct json *j)
{
	return json_type(j) == JSON_OBJECT && json_count(j) == 0;
}

/* Returns whether content came with it. */
static bool block_start(struct genai_work *w, struct stream *s, const struct json *j)
{
	const struct json *content = json_get(j, "content_block"), *type = json_get(content, "type"),
			  *input = json_get(content, "input");
	struct arena *scratch = genai_scratch(w);
	int64_t index = -1;

	(void)json_i64(json_get(j, "index"), &index);
	struct block *b = json_type(content) == JSON_OBJECT ? block_new(w, s, index) : NULL;
	if (b == NULL)
		return false;
	if (json_is(type, "text")) {
		b->type = GENAI_TEXT;
		genai_rope_add(w->c.arena, &b->text, json_get_str(scratch, content, "text"));
		return b->text.n > 0;
	}
	if (json_is(type, "thinking")) {
		b->type = GENAI_REASONING;
		genai_rope_add(w->c.arena, &b->text, json_get_str(scratch, content, "thinking"));
		return b->text.n > 0;
	}
	b->start = genai_compact(w, content);
	if (json_is(type, "tool_use")) {
		b->type = GENAI_TOOL_CALL;
		b->id = genai_word(w, content, "id");
		b->name = genai_word(w, content, "name");
	} else if (json_is(type, "server_tool_use") || json_is(type, "mcp_tool_use")) {
		b->type = GENAI_SERVER_TOOL_CALL;
		b->id = genai_word(w, content, "id");
		b->name = genai_word(w, content, "name");
	} else {
		b->hidden = true;
		return true;
	}
	/* Servers that send the whole input at once. */
	if (json_type(input) > JSON_NULL && !is_empty_object(input))
		genai_rope_add(w->c.arena, &b->text, genai_compact(w, input));
	return true;
}

static bool block_delta(struct genai_work *w, struct stream *s, const struct json *j)
{
	const struct json *delta = json_get(j, "delta");
	struct arena *scratch = genai_scratch(w);
	struct str text = STR_NONE;
	int64_t index = -1;

	(void)json_i64(json_get(j, "index"), &index);
	struct block *b = block_get(s, index);
	if (b == NULL || b->hidden)
		return false;
	switch (b->type) {
	case GENAI_TEXT:
		text = json_get_str(scratch, delta, "text");
		break;
	case GENAI_REASONING:
		text = json_get_str(scratch, delta, "thinking");
		break;
	default:
		text = json_get_str(scratch, delta, "partial_json");
	}
	genai_rope_add(w->c.arena, &b->text, text);
	return text.n > 0;
}

static void block_stop(struct stream *s, const struct json *j)
{
	int64_t index = -1;

	(void)json_i64(json_get(j, "index"), &index);
	struct block *b = block_get(s, index);
	if (b != NULL)
		b->stopped = true;
}

static void message_start(struct genai_work *w, struct stream *s, const struct json *message)
{
	w->c.response_id = genai_word(w, message, "id");
	w->c.response_model = genai_word(w, message, "model");
	s->role = genai_word(w, message, "role");
	genai_anthropic_usage(w, &s->counts, json_get(message, "usage"));
	w->c.terms.interim = true; /* its output_tokens are a first few */
}

static struct stream *stream_get(struct genai_work *w)
{
	struct stream *s = w->stream;

	if (s != NULL)
		return s;
	s = w->stream = arena_alloc(w->c.arena, sizeof(*s));
	if (s != NULL)
		s->counts = (struct genai_anthropic_counts)GENAI_ANTHROPIC_COUNTS;
	return s;
}

bool genai_anthropic_event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev), *type = json_get(j, "type");
	struct stream *s = stream_get(w);

	if (j == NULL || s == NULL)
		return false;
	if (json_is(type, "content_block_delta")) {
		if (block_delta(w, s, j))
			genai_told_first(w, ev->ts_ns);
	} else if (json_is(type, "content_block_start")) {
		if (block_start(w, s, j))
			genai_told_first(w, ev->ts_ns);
	} else if (json_is(type, "content_block_stop")) {
		block_stop(s, j);
	} else if (json_is(type, "message_start")) {
		message_start(w, s, json_get(j, "message"));
	} else if (json_is(type, "message_delta")) {
		genai_anthropic_usage(w, &s->counts, json_get(j, "usage"));
		w->c.terms.interim &= json_get(json_get(j, "usage"), "output_tokens") == NULL;
		if (s->stop.p == NULL)
			s->stop = genai_word(w, json_get(j, "delta"), "stop_reason");
		w->finished |= s->stop.p != NULL;
	} else if (json_is(type, "error") || str_eq(ev->event, STR("error"))) {
		genai_error_read(w, j);
		return true;
	}
	return json_is(type, "message_stop");
}

/* The block's own JSON with the input that the deltas brought. */
static struct str server_value(struct genai_work *w, const struct block *b, struct str input)
{
	struct arena *scratch = genai_scratch(w);
	const struct json *j = scratch ? json_parse(scratch, b->start, NULL) : NULL;
	struct buf *text = genai_text(w);
	struct jsonw out;

	if (j == NULL || input.p == NULL)
		return b->start;
	jsonw_init(&out, text);
	jsonw_object(&out);
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		struct str key = json_key(scratch, m);

		jsonw_key_str(&out, key);
		if (str_eq(key, STR("input")))
			jsonw_raw(&out, input);
		else
			jsonw_value(&out, scratch, m);
	}
	jsonw_object_end(&out);
	return buf_err(text) ? b->start : arena_dup(w->c.arena, buf_str(text));
}

static bool block_join(struct genai_work *w, const struct block *b, struct genai_part *p)
{
	struct str text = genai_rope_str(w->c.arena, &b->text);

	if (b->hidden) {
		struct arena *scratch = genai_scratch(w);

		return scratch && b->start.p &&
		       genai_anthropic_block(w, json_parse(scratch, b->start, NULL), p);
	}
	p->type = b->type;
	p->id = b->id;
	p->name = b->name;
	if (b->type == GENAI_TEXT || b->type == GENAI_REASONING) {
		p->text = text;
		return text.n > 0;
	}
	if (text.n > 0)
		p->value = genai_arguments(w, text);
	else if (b->stopped) /* of one that was cut off nothing is known */
		p->value = STR("{}");
	if (b->type == GENAI_SERVER_TOOL_CALL)
		p->value = text.n > 0 ? server_value(w, b, p->value) : b->start;
	return true;
}

void genai_anthropic_join(struct genai_work *w)
{
	const struct stream *s = w->stream;

	if (s == NULL)
		return;
	genai_anthropic_sum(w, &s->counts);
	if (s->count == 0 && s->stop.p == NULL)
		return;
	if (!genai_anthropic_output(w))
		return;
	struct genai_message *m = &w->c.output[0];

	m->role = s->role.p ? s->role : STR("assistant");
	genai_anthropic_stop(w, s->stop);
	if (s->count > 0)
		m->parts = arena_alloc(w->c.arena, s->count * sizeof(*m->parts));
	for (uint32_t i = 0; m->parts != NULL && i < s->count; i++) {
		if (block_join(w, &s->blocks[i], &m->parts[m->count]))
			m->count++;
		else
			m->parts[m->count] = (struct genai_part){0};
	}
	genai_message_hash(w, m);
}
