/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text completions: OpenAI's POST .../completions (vLLM, llama.cpp and others speak it), llama.cpp's own POST /completion,
 * and Anthropic's old POST /v1/complete. A prompt in, texts out.
 */
#include "genai/openai.h"

void genai_prompt_read(struct genai_work *w, const struct json *prompt)
{
	struct genai_call *c = &w->c;
	struct genai_rope all = {0};
	struct genai_message *m;

	if (json_type(prompt) != JSON_STRING && json_type(prompt) != JSON_ARRAY)
		return;
	m = arena_alloc(c->arena, sizeof(*m));
	if (m == NULL)
		return;
	m->parts = arena_alloc(c->arena, sizeof(*m->parts));
	if (m->parts == NULL)
		return;
	m->role = STR("user");
	m->count = 1;
	m->parts[0].type = GENAI_TEXT;
	if (json_type(prompt) == JSON_STRING) {
		m->parts[0].text = genai_str(w, prompt);
	} else if (json_type(json_first(prompt)) == JSON_STRING) {
		for (const struct json *e = json_first(prompt); e; e = json_next(e)) {
			if (all.n > 0)
				genai_rope_add(c->arena, &all, STR("\n"));
			genai_rope_add(c->arena, &all, json_str(genai_scratch(w), e));
		}
		m->parts[0].text = genai_rope_str(c->arena, &all);
	} else { /* tokens */
		m->parts[0] = (struct genai_part){
			.type = GENAI_OTHER, .name = STR("tokens"), .value = genai_compact(w, prompt)};
	}
	genai_message_hash(w, m);
	c->input = m;
	c->input_count = 1;
}

static bool request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"max_tokens_to_sample", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"n_predict", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
		{"seed", "gen_ai.request.seed", JSON_NUMBER},
		{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"stop", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{"stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *prompt = json_get(body, "prompt");
	int64_t n;

	if (json_type(prompt) != JSON_STRING && json_type(prompt) != JSON_ARRAY &&
	    (json_type(prompt) != JSON_NONE || w->whole))
		return false;
	w->c.request_model = genai_word(w, body, "model");
	if (w->c.request_model.p == NULL)
		w->c.request_model = genai_route_model(w, w->c.path);
	(void)json_bool(json_get(body, "stream"), &w->c.stream);
	genai_param_read(w, body, params);
	if (json_i64(json_get(body, "n"), &n) && n != 1)
		genai_param_add(w, "gen_ai.request.choice.count", json_get(body, "n"));
	genai_prompt_read(w, prompt);
	return true;
}

struct choice {
	int64_t index;
	struct genai_answer answer;
	struct str finish;
};

struct stream {
	struct choice choices[GENAI_CHOICES_MAX];
	uint32_t count;
};

static struct choice *choice_get(struct genai_work *w, int64_t index)
{
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct stream));
	struct stream *s = w->stream;

	for (uint32_t i = 0; s && i < s->count; i++)
		if (s->choices[i].index == index)
			return &s->choices[i];
	if (s == NULL || s->count == GENAI_CHOICES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	s->choices[s->count].index = index;
	return &s->choices[s->count++];
}

/* llama.cpp and Anthropic: one text beside everything else. */
static bool only_read(struct genai_work *w, const struct json *j)
{
	struct arena *scratch = genai_scratch(w);
	struct choice *c = choice_get(w, 0);
	bool any, stop = false;

	if (c == NULL)
		return false;
	any = genai_answer_text(w, &c->answer, GENAI_TEXT, 0, json_get_str(scratch, j, "content"));
	any |= genai_answer_text(w, &c->answer, GENAI_TEXT, 0, json_get_str(scratch, j, "completion"));
	genai_param_count(json_get(j, "tokens_evaluated"), &w->c.usage.input);
	genai_param_count(json_get(j, "tokens_predicted"), &w->c.usage.output);
	if (json_type(json_get(j, "stop_reason")) == JSON_STRING)
		c->finish = genai_word(w, j, "stop_reason");
	if (json_bool(json_get(j, "stop"), &stop) && stop) {
		c->finish = genai_word(w, j, "stop_type");
		if (c->finish.p == NULL)
			c->finish = STR("stop");
	}
	w->finished |= c->finish.p != NULL;
	return any;
}

/* A whole answer or a chunk. Returns whether text came with it. */
static bool chunk_read(struct genai_work *w, const struct json *j)
{
	const struct json *choices = json_get(j, "choices");
	bool any = false;

	if (json_type(j) != JSON_OBJECT)
		return false;
	genai_openai_head(w, j);
	genai_openai_usage(w, json_get(j, "usage"));
	if (json_type(json_get(j, "error")) > JSON_NULL)
		genai_error_read(w, j);
	if (json_type(choices) != JSON_ARRAY)
		return only_read(w, j);
	for (const struct json *e = json_first(choices); e; e = json_next(e)) {
		int64_t index = 0;

		(void)json_i64(json_get(e, "index"), &index);
		struct choice *c = choice_get(w, index);
		if (c == NULL)
			continue;
		any |= genai_answer_text(w, &c->answer, GENAI_TEXT, 0,
					 json_get_str(genai_scratch(w), e, "text"));
		if (json_type(json_get(e, "finish_reason")) == JSON_STRING) {
			c->finish = genai_word(w, e, "finish_reason");
			w->finished = true;
		}
	}
	return any;
}

static struct str finish_otel(struct str theirs)
{
	static const struct genai_finish_row rows[] = {
		{"eos", "stop"},	   {"word", "stop"},	     {"limit", "length"},
		{"stop_sequence", "stop"}, {"max_tokens", "length"},
	};

	return genai_finish(rows, sizeof(rows) / sizeof(rows[0]), theirs);
}

static void join(struct genai_work *w)
{
	const struct stream *s = w->stream;
	struct genai_call *c = &w->c;

	if (s == NULL || s->count == 0 || !genai_openai_outputs(w, s->count))
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		struct genai_message *m = &c->output[c->output_count];

		if (!genai_answer_message(w, &s->choices[i].answer, m))
			return;
		c->output_count++;
		if (s->choices[i].finish.p == NULL)
			continue;
		m->finish = finish_otel(s->choices[i].finish);
		c->finish_reasons[c->finish_count++] = s->choices[i].finish;
	}
}

static void response(struct genai_work *w, const struct json *body)
{
	(void)chunk_read(w, body);
	join(w);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j;

	if (str_eq(str_trim(ev->data), STR("[DONE]")))
		return true;
	j = genai_event_json(w, ev);
	if (chunk_read(w, j))
		genai_told_first(w, ev->ts_ns);
	return w->c.status == GENAI_ERROR;
}

const struct genai_decoder genai_openai_completions = {
	.provider = "openai",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};

const struct genai_decoder genai_anthropic_complete = {
	.provider = "anthropic",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = request,
	.response = response,
	.event = event,
	.finish = join,
};
