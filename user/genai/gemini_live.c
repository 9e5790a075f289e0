/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gemini Live (BidiGenerateContent) over a WebSocket. {setup} first; then the client's turns ({clientContent}, results of
 * tools {toolResponse}, sound {realtimeInput}), each answered by {serverContent} up to turnComplete, or by a {toolCall}.
 * One answer is a model call. Names come in camel and in snake case. Audio is counted, not kept: "audio/pcm;rate=16000"
 * says how long it takes.
 */
#include <stdlib.h>

#include "base/jsonw.h"
#include "genai/decoder.h"

#define SETUP_MAX (1u << 20)
#define TURNS_MAX (16u << 20)

struct live {
	struct buf setup; /* members of the setup, without the braces */
	struct buf turns; /* contents that wait for an answer, "c,c" */
	struct genai_sound heard;
	uint64_t seen_bytes; /* of pictures */
};

static struct live *state_get(struct genai_lane *l)
{
	struct live *s = l->state;

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	buf_init(&s->setup, SETUP_MAX);
	buf_init(&s->turns, TURNS_MAX);
	l->state = s;
	return s;
}

static void close_talk(struct genai_lane *l)
{
	struct live *s = l->state;

	if (s == NULL)
		return;
	buf_fini(&s->setup);
	buf_fini(&s->turns);
	free(s);
	l->state = NULL;
}

static void setup_read(struct live *s, const struct json *setup)
{
	struct str raw = str_trim(json_raw(setup));

	buf_clear(&s->setup);
	if (json_type(setup) != JSON_OBJECT || json_is_cut(setup) || raw.n < 2)
		return;
	buf_add(&s->setup, str_trim(str_make(raw.p + 1, raw.n - 2)));
	buf_clear(&s->turns);
}

static void turn_add(struct live *s, struct str json)
{
	if (s->turns.n > 0)
		buf_add_char(&s->turns, ',');
	buf_add(&s->turns, json);
}

static void turns_read(struct live *s, const struct json *turns)
{
	if (json_type(turns) == JSON_OBJECT)
		turn_add(s, json_raw(turns));
	if (json_type(turns) == JSON_ARRAY)
		for (const struct json *e = json_first(turns); e; e = json_next(e))
			turn_add(s, json_raw(e));
}

/* [{"id", "name", "response"}, ...] -> a content of functionResponse parts */
static void results_read(struct live *s, const struct json *list)
{
	if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
		return;
	turn_add(s, STR("{\"role\":\"user\",\"parts\":["));
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		if (e != json_first(list))
			buf_add_char(&s->turns, ',');
		buf_add(&s->turns, STR("{\"functionResponse\":"));
		buf_add(&s->turns, json_raw(e));
		buf_add_char(&s->turns, '}');
	}
	buf_add(&s->turns, STR("]}"));
}

static struct str mime_of(struct genai_work *w, const struct json *blob)
{
	return json_str(genai_scratch(w), json_get_either(blob, "mimeType", "mime_type"));
}

/* A picture, of a kind that says so; everything else is sound. */
static bool is_seen(struct str mime)
{
	return str_istarts(mime, STR("image/")) || str_istarts(mime, STR("video/"));
}

static void blob_read(struct genai_lane *l, struct live *s, const struct json *blob, bool seen)
{
	struct str mime = mime_of(l->up, blob);
	size_t bytes = genai_sound_size(json_get(blob, "data"));

	if (seen || is_seen(mime))
		s->seen_bytes += bytes;
	else
		genai_sound_add(&s->heard, bytes, genai_sound_rate_of(mime));
}

/* {"audio" | "video": {"data"}}, {"mediaChunks": [{"data"}]}, {"text"} */
static void input_read(struct genai_lane *l, struct live *s, const struct json *input)
{
	const struct json *chunks = json_get_either(input, "mediaChunks", "media_chunks"),
			  *text = json_get(input, "text");

	blob_read(l, s, json_get(input, "audio"), false);
	blob_read(l, s, json_get(input, "video"), true);
	if (json_type(chunks) == JSON_ARRAY)
		for (const struct json *e = json_first(chunks); e; e = json_next(e))
			blob_read(l, s, e, false);
	if (json_type(text) != JSON_STRING || json_is_cut(text))
		return;
	turn_add(s, STR("{\"role\":\"user\",\"parts\":[{\"text\":"));
	buf_add(&s->turns, json_raw(text));
	buf_add(&s->turns, STR("}]}"));
}

/* What was heard and seen since, as two parts of one turn. */
static void media_add(struct live *s)
{
	char seconds[GENAI_SOUND_TEXT];
	size_t n = genai_sound_seconds(&s->heard, seconds);
	bool heard = s->heard.bytes > 0, seen = s->seen_bytes > 0;

	if (!heard && !seen)
		return;
	turn_add(s, STR("{\"role\":\"user\",\"parts\":["));
	if (heard)
		buf_addf(&s->turns, "{\"audio\":{\"bytes\":%llu", (unsigned long long)s->heard.bytes);
	if (n > 0)
		buf_addf(&s->turns, ",\"seconds\":%.*s", (int)n, seconds);
	if (heard)
		buf_add(&s->turns, STR("}}"));
	if (seen)
		buf_addf(&s->turns, "%s{\"video\":{\"bytes\":%llu}}", heard ? "," : "",
			 (unsigned long long)s->seen_bytes);
	buf_add(&s->turns, STR("]}"));
	s->seen_bytes = 0;
}

/* ---- a call ---- */

static bool request(struct genai_work *w, const struct json *body)
{
	bool ok = genai_gemini.request(w, body);
	struct str model = genai_word(w, body, "model");

	/* "models/NAME", or Vertex's "projects/.../models/NAME" */
	ptrdiff_t at = str_find(model, STR("models/"));

	if (at >= 0)
		model = str_skip(model, (size_t)at + sizeof("models/") - 1);
	w->c.request_model = model;
	w->c.held = true;
	return ok;
}

/* The parts of the list, each below `name` unless that is NULL; sound is left out, and counted. */
static void parts_add(struct genai_work *w, struct buf *b, const struct json *list, const char *name,
		      bool *any)
{
	if (json_type(list) != JSON_ARRAY)
		return;
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const struct json *blob = json_get_either(e, "inlineData", "inline_data");
		struct str mime = mime_of(w, blob);

		if (blob != NULL && !is_seen(mime)) {
			genai_sound_add(&w->sound, genai_sound_size(json_get(blob, "data")),
					genai_sound_rate_of(mime));
			continue;
		}
		if (*any)
			buf_add_char(b, ',');
		*any = true;
		if (name != NULL)
			buf_addf(b, "{\"%s\":", name);
		buf_add(b, json_raw(e));
		if (name != NULL)
			buf_add_char(b, '}');
	}
}

static void usage_add(struct buf *b, const struct json *usage)
{
	static const struct {
		const char *camel, *snake, *as;
	} rows[] = {
		{"promptTokenCount", "prompt_token_count", "promptTokenCount"},
		{"responseTokenCount", "response_token_count", "candidatesTokenCount"},
		{"thoughtsTokenCount", "thoughts_token_count", "thoughtsTokenCount"},
		{"cachedContentTokenCount", "cached_content_token_count", "cachedContentTokenCount"},
	};
	bool any = false;
	int64_t n;

	buf_add(b, STR(",\"usageMetadata\":{"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!json_i64(json_get_either(usage, rows[i].camel, rows[i].snake), &n))
			continue;
		buf_addf(b, "%s\"%s\":%lld", any ? "," : "", rows[i].as, (long long)n);
		any = true;
	}
	buf_add_char(b, '}');
}

/* serverContent and toolCall as the chunk of generateContent that says the same. */
static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev),
			  *content = json_get_either(j, "serverContent", "server_content"),
			  *tool = json_get_either(j, "toolCall", "tool_call"),
			  *said = json_get(
				  json_get_either(content, "outputTranscription", "output_transcription"),
				  "text");
	autodrop(buf_fini) struct buf b;
	bool complete = false, interrupted = false, any = false;

	buf_init(&b, LIMIT_BODY_BYTES);
	(void)json_bool(json_get_either(content, "turnComplete", "turn_complete"), &complete);
	(void)json_bool(json_get(content, "interrupted"), &interrupted);
	buf_add(&b, STR("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":["));
	parts_add(w, &b, json_get(json_get_either(content, "modelTurn", "model_turn"), "parts"), NULL, &any);
	if (json_type(said) == JSON_STRING) {
		buf_addf(&b, "%s{\"text\":", any ? "," : "");
		buf_add(&b, json_raw(said));
		buf_add_char(&b, '}');
		any = true;
	}
	parts_add(w, &b, json_get_either(tool, "functionCalls", "function_calls"), "functionCall", &any);
	buf_add(&b, STR("]}"));
	/* A turn that was interrupted is complete later. */
	if (interrupted || (!w->finished && (complete || tool != NULL)))
		buf_addf(&b, ",\"finishReason\":\"%s\"", interrupted ? "INTERRUPTED" : "STOP");
	buf_add(&b, STR("}]"));
	if (json_type(json_get_either(j, "usageMetadata", "usage_metadata")) == JSON_OBJECT)
		usage_add(&b, json_get_either(j, "usageMetadata", "usage_metadata"));
	buf_add_char(&b, '}');
	struct http_event as = {.data = buf_err(&b) ? STR_NONE : buf_str(&b), .ts_ns = ev->ts_ns};

	(void)genai_gemini.event(w, &as);
	return complete || tool != NULL;
}

static void finish(struct genai_work *w)
{
	genai_gemini.finish(w);
	genai_sound_tell_said(w);
}

static const struct genai_decoder live = {
	.provider = "gcp.gemini",
	.kind = GENAI_GENERATE_CONTENT,
	.operation = "generate_content",
	.request = request,
	.response = NULL,
	.event = event,
	.finish = finish,
};

static void begin(struct genai_lane *l, struct live *s, const struct http_ws_message *m)
{
	struct arena *scratch = genai_scratch(l->up);
	struct genai_work *w = NULL;
	autodrop(buf_fini) struct buf b;

	buf_init(&b, SETUP_MAX + TURNS_MAX);
	media_add(s);
	buf_add_char(&b, '{');
	buf_add(&b, buf_str(&s->setup));
	buf_add(&b, s->setup.n > 0 ? STR(",\"contents\":[") : STR("\"contents\":["));
	buf_add(&b, buf_str(&s->turns));
	buf_add(&b, STR("]}"));
	struct str text = buf_err(&b) || buf_err(&s->turns) ? STR_NONE : arena_dup(scratch, buf_str(&b));

	buf_clear(&s->turns);
	if (text.p != NULL)
		w = genai_lane_begin(l, m, &live, json_parse(scratch, text, NULL), STR(""));
	if (w != NULL)
		genai_sound_tell_heard(w, &s->heard);
	s->heard = (struct genai_sound){0};
}

static void message(struct genai_lane *l, const struct http_ws_message *m, const struct json *j)
{
	bool from_client = (m->dir == WIRE_WRITE) != l->up->c.x->server_side, complete = false;
	const struct json *content = json_get_either(j, "clientContent", "client_content"),
			  *results = json_get_either(j, "toolResponse", "tool_response"),
			  *sound = json_get_either(j, "realtimeInput", "realtime_input");
	struct genai_work *w = genai_lane_find(l, STR(""));
	struct live *s = state_get(l);

	if (s == NULL)
		return;
	if (!from_client) {
		bool speaks = json_get_either(j, "serverContent", "server_content") != NULL ||
			      json_get_either(j, "toolCall", "tool_call") != NULL;

		if (w == NULL && speaks) { /* it heard the user stop */
			begin(l, s, m);
			w = genai_lane_find(l, STR(""));
		}
		if (w != NULL && (speaks || json_get_either(j, "usageMetadata", "usage_metadata") != NULL))
			(void)genai_lane_event(w, m, STR(""), m->data);
		return;
	}
	if (json_get(j, "setup") != NULL)
		setup_read(s, json_get(j, "setup"));
	input_read(l, s, sound);
	turns_read(s, json_get(content, "turns"));
	results_read(s, json_get_either(results, "functionResponses", "function_responses"));
	(void)json_bool(json_get_either(content, "turnComplete", "turn_complete"), &complete);
	if ((complete || results != NULL) && w == NULL)
		begin(l, s, m);
}

const struct genai_talk genai_talk_gemini = {.message = message, .close = close_talk};
