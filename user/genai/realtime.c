/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenAI's Realtime API over a WebSocket, and who speaks it (Azure, xAI). A session holds instructions, tools and the
 * conversation's items; response.create (or the server by itself, when it hears that the user stopped) makes an answer,
 * which is a model call: what was added since the one before is its input, with previous_id for the rest. Audio is
 * counted, not kept; its format stands in the session: "pcm16", "g711_ulaw", "g711_alaw" in input_audio_format, later
 * {"type": "audio/pcm", "rate": 24000} in audio.input.format; Azure's has rates ("pcm16-8000hz").
 */
#include <stdlib.h>

#include "base/jsonw.h"
#include "genai/responses.h"

#define SESSION_MAX (1u << 20)	/* instructions, tools */
#define ITEMS_MAX   (16u << 20) /* items that wait for an answer */
#define SAMPLES	    24000	/* a second of PCM, where nothing else is said */

/* Of sound that goes one way. */
struct format {
	bool told;
	uint32_t rate; /* bytes a second; 0: not known */
};

struct realtime {
	struct buf model, instructions, tools; /* JSON values; empty: not told */
	struct buf items;		       /* "item,item", JSON */
	struct buf previous;		       /* id of the last answer; "": none */
	struct format input, output;
	struct genai_sound buffer; /* since the last item of it */
	struct genai_sound heard;  /* of the items */
};

static struct realtime *state_get(struct genai_lane *l)
{
	struct realtime *r = l->state;

	if (r != NULL)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	buf_init(&r->model, SESSION_MAX);
	buf_init(&r->instructions, SESSION_MAX);
	buf_init(&r->tools, SESSION_MAX);
	buf_init(&r->items, ITEMS_MAX);
	buf_init(&r->previous, SESSION_MAX);
	l->state = r;
	return r;
}

static void close_talk(struct genai_lane *l)
{
	struct realtime *r = l->state;

	if (r == NULL)
		return;
	buf_fini(&r->model);
	buf_fini(&r->instructions);
	buf_fini(&r->tools);
	buf_fini(&r->items);
	buf_fini(&r->previous);
	free(r);
	l->state = NULL;
}

/* ---- what the session knows ---- */

static void set(struct genai_lane *l, struct buf *to, const struct json *value)
{
	struct jsonw out;

	if (json_type(value) <= JSON_NULL)
		return;
	buf_clear(to);
	jsonw_init(&out, to);
	jsonw_value(&out, genai_scratch(l->up), value);
	if (buf_err(to) < 0)
		buf_clear(to);
}

/* "pcm16", or "pcm16-8000hz" */
static uint32_t word_rate(struct str word, int64_t samples)
{
	struct str rest = str_skip(word, sizeof("pcm16") - 1);
	uint64_t n;

	if (!str_starts(word, STR("pcm16")) || rest.n == 0)
		return genai_sound_rate(word, samples);
	if ((rest.p[0] != '-' && rest.p[0] != '_') || !str_ends(rest, STR("hz")) ||
	    !str_to_u64(str_make(rest.p + 1, rest.n - 3), &n) || n > INT32_MAX)
		return 0;
	return genai_sound_rate(STR("pcm16"), (int64_t)n);
}

/* A format that the session, or a response, has in either of its forms; else *f stays. */
static void format_read(struct genai_lane *l, const struct json *j, bool input, struct format *f)
{
	struct arena *scratch = genai_scratch(l->up);
	const struct json *object = json_path(j, "audio", input ? "input" : "output", "format", NULL);
	const struct json *word = json_get(j, input ? "input_audio_format" : "output_audio_format");
	int64_t samples = SAMPLES;

	if (json_type(object) == JSON_OBJECT) {
		(void)json_i64(json_get(object, "rate"), &samples);
		f->rate = genai_sound_rate(json_get_str(scratch, object, "type"), samples);
	} else if (json_type(word) == JSON_STRING) {
		if (input)
			(void)json_i64(json_get(j, "input_audio_sampling_rate"), &samples);
		f->rate = word_rate(json_str(scratch, word), samples);
	} else {
		return;
	}
	f->told = true;
}

static void session_read(struct genai_lane *l, struct realtime *r, const struct json *session)
{
	set(l, &r->model, json_get(session, "model"));
	set(l, &r->instructions, json_get(session, "instructions"));
	set(l, &r->tools, json_get(session, "tools"));
	format_read(l, session, true, &r->input);
	format_read(l, session, false, &r->output);
}

/* What a session begins with. A client that reads and writes in two threads may have asked for something else by the time
 * it reads this. */
static void session_begin(struct genai_lane *l, struct realtime *r, const struct json *session)
{
	if (r->model.n == 0)
		set(l, &r->model, json_get(session, "model"));
	if (r->instructions.n == 0)
		set(l, &r->instructions, json_get(session, "instructions"));
	if (r->tools.n == 0)
		set(l, &r->tools, json_get(session, "tools"));
	if (!r->input.told)
		format_read(l, session, true, &r->input);
	if (!r->output.told)
		format_read(l, session, false, &r->output);
}

static void items_comma(struct realtime *r)
{
	if (r->items.n > 0)
		buf_add_char(&r->items, ',');
}

static void sound_write(struct jsonw *out, const struct genai_sound *s)
{
	char text[GENAI_SOUND_TEXT];
	size_t n = genai_sound_seconds(s, text);

	jsonw_u64(jsonw_key(out, "bytes"), s->bytes);
	if (n > 0)
		jsonw_raw(jsonw_key(out, "seconds"), str_make(text, n));
}

/* Of audio only its size is kept. */
static void item_add(struct genai_lane *l, struct realtime *r, const struct json *item)
{
	struct arena *scratch = genai_scratch(l->up);
	struct jsonw out;

	if (json_type(item) != JSON_OBJECT)
		return;
	items_comma(r);
	jsonw_init(&out, &r->items);
	jsonw_object(&out);
	for (const struct json *m = json_first(item); m; m = json_next(m)) {
		jsonw_key_str(&out, json_key(scratch, m));
		if (!json_key_is(m, STR("content")) || json_type(m) != JSON_ARRAY) {
			jsonw_value(&out, scratch, m);
			continue;
		}
		jsonw_array(&out);
		for (const struct json *part = json_first(m); part; part = json_next(part)) {
			const struct json *audio = json_get(part, "audio");
			struct genai_sound sound = {0};

			if (json_type(audio) != JSON_STRING) {
				jsonw_value(&out, scratch, part);
				continue;
			}
			jsonw_object(&out);
			jsonw_str(jsonw_key(&out, "type"), json_get_str(scratch, part, "type"));
			genai_sound_add(&sound, genai_sound_size(audio), r->input.rate);
			genai_sound_join(&r->heard, &sound);
			sound_write(&out, &sound);
			if (json_type(json_get(part, "transcript")) == JSON_STRING)
				jsonw_value(jsonw_key(&out, "transcript"), scratch,
					    json_get(part, "transcript"));
			jsonw_object_end(&out);
		}
		jsonw_array_end(&out);
	}
	jsonw_object_end(&out);
}

/* What the user said, as sound. */
static void audio_add(struct realtime *r)
{
	struct jsonw out;

	if (r->buffer.bytes == 0)
		return;
	items_comma(r);
	buf_add(&r->items, STR("{\"type\":\"message\",\"role\":\"user\",\"content\":["));
	jsonw_init(&out, &r->items);
	jsonw_object(&out);
	jsonw_z(jsonw_key(&out, "type"), "input_audio");
	sound_write(&out, &r->buffer);
	jsonw_object_end(&out);
	buf_add(&r->items, STR("]}"));
	genai_sound_join(&r->heard, &r->buffer);
	r->buffer = (struct genai_sound){0};
}

/* ---- an answer begins ---- */

static void member(struct buf *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_addf(b, ",\"%s\":", name);
	buf_add(b, value);
}

/* What the session has, or what is asked for this one answer. */
static void member_of(struct buf *b, const struct json *asked, const char *name, const struct buf *session)
{
	const struct json *own = json_get(asked, name);

	member(b, name, json_type(own) > JSON_NULL && !json_is_cut(own) ? json_raw(own) : buf_str(session));
}

/* "/v1/realtime?model=NAME", as JSON: until the server says which one it is. */
static struct str model_asked(struct genai_lane *l)
{
	struct str rest = l->up->c.x->target, one, name;

	rest = str_cut(rest, '?', &one);
	while (rest.n > 0) {
		rest = str_cut(rest, '&', &one);
		struct str value = str_cut(one, '=', &name);

		if (str_eq(name, STR("model")) || str_eq(name, STR("deployment")))
			return genai_quote(l->up, genai_server_unescape(l->up, value));
	}
	return STR_NONE;
}

/* The request as Responses would have it. asked: the "response" of response.create, or NULL. */
static const struct json *body_of(struct genai_lane *l, struct realtime *r, const struct json *asked)
{
	struct arena *scratch = genai_scratch(l->up);
	const struct json *own = json_get(asked, "input");
	autodrop(buf_fini) struct buf b;
	struct str text;

	buf_init(&b, 2 * SESSION_MAX + ITEMS_MAX);
	audio_add(r);
	buf_add(&b, STR("{\"stream\":true"));
	if (r->model.n == 0)
		buf_add(&r->model, model_asked(l));
	member(&b, "model", buf_str(&r->model));
	member_of(&b, asked, "instructions", &r->instructions);
	member_of(&b, asked, "tools", &r->tools);
	if (json_type(own) == JSON_ARRAY && !json_is_cut(own)) { /* out of the conversation */
		member(&b, "input", json_raw(own));
	} else {
		member(&b, "previous_response_id", buf_str(&r->previous));
		buf_add(&b, STR(",\"input\":["));
		buf_add(&b, buf_str(&r->items));
		buf_add_char(&b, ']');
	}
	buf_add_char(&b, '}');
	text = buf_err(&b) || buf_err(&r->items) ? STR_NONE : arena_dup(scratch, buf_str(&b));
	if (json_type(own) != JSON_ARRAY)
		buf_clear(&r->items);
	return text.p ? json_parse(scratch, text, NULL) : NULL;
}

static bool request(struct genai_work *w, const struct json *body)
{
	genai_param_add_json(w, "openai.api.type", STR("\"realtime\""));
	return genai_openai_responses.request(w, body);
}

static void finish(struct genai_work *w)
{
	genai_responses_join(w);
	genai_sound_tell_said(w);
}

static const struct genai_decoder realtime = {
	.provider = "openai",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.request = request,
	.response = genai_responses_read,
	.event = genai_responses_event,
	.finish = finish,
};

/* asked: as body_of has it. */
static struct genai_work *begin(struct genai_lane *l, struct realtime *r, const struct http_ws_message *m,
				const struct json *asked)
{
	struct genai_work *w = genai_lane_begin(l, m, &realtime, body_of(l, r, asked), STR(""));
	bool apart = json_type(json_get(asked, "input")) == JSON_ARRAY;
	struct format output = r->output;

	if (w != NULL) {
		format_read(l, asked, false, &output);
		w->sound_rate = output.rate;
		if (!apart)
			genai_sound_tell_heard(w, &r->heard);
	}
	if (!apart)
		r->heard = (struct genai_sound){0};
	return w;
}

static void from_client(struct genai_lane *l, const struct http_ws_message *m, const struct json *j,
			struct str type)
{
	struct realtime *r = state_get(l);

	if (str_eq(type, STR("session.update"))) {
		session_read(l, r, json_get(j, "session"));
	} else if (str_eq(type, STR("conversation.item.create"))) {
		item_add(l, r, json_get(j, "item"));
	} else if (str_eq(type, STR("input_audio_buffer.append"))) {
		genai_sound_add(&r->buffer, genai_sound_size(json_get(j, "audio")), r->input.rate);
	} else if (str_eq(type, STR("input_audio_buffer.commit"))) {
		audio_add(r);
	} else if (str_eq(type, STR("input_audio_buffer.clear"))) {
		r->buffer = (struct genai_sound){0};
	} else if (str_eq(type, STR("response.create"))) {
		(void)begin(l, r, m, json_get(j, "response"));
	}
}

/* The call that an answer's event belongs to. Its first event takes the oldest call that has no answer yet; without one
 * the server began by itself. */
static struct genai_work *call_get(struct genai_lane *l, struct realtime *r, const struct http_ws_message *m,
				   struct str id, bool created)
{
	struct genai_work *w = genai_lane_find(l, id);

	if (w != NULL || !created)
		return w ? w : genai_lane_find(l, STR(""));
	w = genai_lane_find(l, STR(""));
	if (w == NULL)
		w = begin(l, r, m, NULL);
	if (w != NULL)
		w->lane_key = arena_dup(w->c.arena, id);
	return w;
}

static void from_server(struct genai_lane *l, const struct http_ws_message *m, const struct json *j,
			struct str type)
{
	struct arena *scratch = genai_scratch(l->up);
	struct realtime *r = state_get(l);
	bool created = str_eq(type, STR("response.created"));
	struct str id = json_get_str(scratch, j, "response_id");

	if (str_eq(type, STR("session.created"))) {
		session_begin(l, r, json_get(j, "session"));
		return;
	}
	if (str_starts(type, STR("session."))) {
		session_read(l, r, json_get(j, "session"));
		return;
	}
	if (id.p == NULL)
		id = json_get_str(scratch, json_get(j, "response"), "id");
	if (!str_starts(type, STR("response.")) && !str_eq(type, STR("error")))
		return;
	struct genai_work *w = call_get(l, r, m, id.p ? id : STR(""), created);

	if (w == NULL)
		return;
	if (str_eq(type, STR("response.output_audio.delta")) || str_eq(type, STR("response.audio.delta")))
		genai_sound_add(&w->sound, genai_sound_size(json_get(j, "delta")), w->sound_rate);
	/* One out of the conversation (null) is nothing that a later one goes on from. */
	if (str_eq(type, STR("response.done")) &&
	    json_type(json_path(j, "response", "conversation_id", NULL)) != JSON_NULL)
		set(l, &r->previous, json_path(j, "response", "id", NULL));
	(void)genai_lane_event(w, m, type, m->data);
}

static void message(struct genai_lane *l, const struct http_ws_message *m, const struct json *j)
{
	struct str type = json_get_str(genai_scratch(l->up), j, "type");

	if (state_get(l) == NULL)
		return;
	if ((m->dir == WIRE_WRITE) != l->up->c.x->server_side)
		from_client(l, m, j, type);
	else
		from_server(l, m, j, type);
}

const struct genai_talk genai_talk_realtime = {.message = message, .close = close_talk};
