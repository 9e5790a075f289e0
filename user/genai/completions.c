/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text completions: OpenAI's POST .../completions (vLLM, llama.cpp and others speak it), llama.cpp's own POST /completion,
 * and Anthropic's old POST /v1/complete; Mistral's POST /v1/fim/completions, whose answer is Chat Completions'; watsonx's
 * POST /ml/v1/text/generation; and the bodies that Titan, Llama, Mistral, DeepSeek and Cohere's Command have in Bedrock's
 * InvokeModel. A prompt in, texts out.
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

static bool prompt_request(struct genai_work *w, const struct json *body, const struct json *prompt)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"max_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"max_tokens_to_sample", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"max_gen_len", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"n_predict", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
		{"seed", "gen_ai.request.seed", JSON_NUMBER},
		{"random_seed", "gen_ai.request.seed", JSON_NUMBER},
		{"frequency_penalty", "gen_ai.request.frequency_penalty", JSON_NUMBER},
		{"presence_penalty", "gen_ai.request.presence_penalty", JSON_NUMBER},
		{"stop", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{"stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
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

/* What comes behind the text that is asked for is the prompt's other half. */
static void suffix_read(struct genai_work *w, const struct json *suffix)
{
	struct genai_message *m = w->c.input;
	struct genai_part *parts;

	if (w->c.input_count != 1 || json_type(suffix) != JSON_STRING || genai_str(w, suffix).n == 0)
		return;
	parts = arena_alloc(w->c.arena, 2 * sizeof(*parts));
	if (parts == NULL)
		return;
	parts[0] = m->parts[0];
	parts[1] = (struct genai_part){
		.type = GENAI_OTHER, .name = STR("suffix"), .value = genai_compact(w, suffix)};
	m->parts = parts;
	m->count = 2;
	genai_message_hash(w, m);
}

static bool request(struct genai_work *w, const struct json *body)
{
	bool ok = prompt_request(w, body, json_get(body, "prompt"));

	suffix_read(w, json_get(body, "suffix"));
	return ok;
}

/* watsonx: {"model_id", "input", "parameters"} */
static bool generation_request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map params[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"max_new_tokens", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"top_p", "gen_ai.request.top_p", JSON_NUMBER},
		{"top_k", "gen_ai.request.top_k", JSON_NUMBER},
		{"random_seed", "gen_ai.request.seed", JSON_NUMBER},
		{"stop_sequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *input = json_get(body, "input");

	/* A deployment may have the prompt, and be given its variables. */
	if (json_type(input) > JSON_NULL && json_type(input) != JSON_STRING)
		return false;
	if (w->whole && json_type(input) != JSON_STRING &&
	    json_type(json_get(body, "parameters")) != JSON_OBJECT)
		return false;
	w->c.request_model = genai_word(w, body, "model_id");
	if (w->c.request_model.p == NULL)
		w->c.request_model = genai_route_model(w, w->c.path);
	w->c.stream = str_ends(w->c.path, STR("_stream"));
	genai_param_read(w, json_get(body, "parameters"), params);
	genai_prompt_read(w, input);
	return true;
}

/* Titan's request is its own; the others' differ in names only. */
static bool invoke_request(struct genai_work *w, const struct json *body)
{
	static const struct genai_param_map titan[] = {
		{"temperature", "gen_ai.request.temperature", JSON_NUMBER},
		{"topP", "gen_ai.request.top_p", JSON_NUMBER},
		{"maxTokenCount", "gen_ai.request.max_tokens", JSON_NUMBER},
		{"stopSequences", "gen_ai.request.stop_sequences", JSON_ARRAY},
		{NULL, NULL, JSON_NONE},
	};
	static const struct genai_param_map command[] = {
		{"p", "gen_ai.request.top_p", JSON_NUMBER},
		{"k", "gen_ai.request.top_k", JSON_NUMBER},
		{"num_generations", "gen_ai.request.choice.count", JSON_NUMBER},
		{NULL, NULL, JSON_NONE},
	};
	const struct json *text = json_get(body, "inputText");

	genai_param_read(w, json_get(body, "textGenerationConfig"), titan);
	genai_param_read(w, body, command);
	return prompt_request(w, body, text ? text : json_get(body, "prompt"));
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

/* A text by the name that its server has for it. */
static bool text_add(struct genai_work *w, struct choice *c, const struct json *j)
{
	static const char *const names[] = {"text",	  "content",	"completion",
					    "generation", "outputText", "generated_text"};
	bool any = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		any |= genai_answer_text(w, &c->answer, GENAI_TEXT, 0,
					 json_get_str(genai_scratch(w), j, names[i]));
	return any;
}

static void finish_add(struct genai_work *w, struct choice *c, const struct json *j)
{
	static const char *const names[] = {"finish_reason", "stop_reason", "completionReason"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_type(json_get(j, names[i])) == JSON_STRING &&
		    !json_is(json_get(j, names[i]), "not_finished")) { /* watsonx, until it is */
			c->finish = genai_word(w, j, names[i]);
			break;
		}
	w->finished |= c->finish.p != NULL;
}

/* llama.cpp, Anthropic, and most streams of InvokeModel: one text beside everything else. */
static bool only_read(struct genai_work *w, const struct json *j)
{
	struct choice *c = choice_get(w, 0);
	bool any, stop = false;

	if (c == NULL)
		return false;
	any = text_add(w, c, j);
	genai_param_count(json_get(j, "tokens_evaluated"), &w->c.usage.input);
	genai_param_count(json_get(j, "tokens_predicted"), &w->c.usage.output);
	finish_add(w, c, j);
	if (json_bool(json_get(j, "stop"), &stop) && stop) {
		c->finish = genai_word(w, j, "stop_type");
		if (c->finish.p == NULL)
			c->finish = STR("stop");
	}
	w->finished |= c->finish.p != NULL;
	return any;
}

/* Counts that InvokeModel's models have in their own answers. */
static void invoke_usage(struct genai_work *w, const struct json *j)
{
	struct genai_usage *u = &w->c.usage;

	genai_param_count(json_get(j, "prompt_token_count"), &u->input);
	genai_param_count(json_get(j, "inputTextTokenCount"), &u->input);
	genai_param_count(json_get(j, "generation_token_count"), &u->output);
	genai_param_count(json_get(j, "totalOutputTextTokenCount"), &u->output);
}

/* watsonx: of a stream, the input's count stands in the first event and is 0 later; the output's grows. */
static void generation_usage(struct genai_work *w, const struct json *result)
{
	struct genai_usage *u = &w->c.usage;
	int64_t input = GENAI_UNKNOWN, output = GENAI_UNKNOWN;

	genai_param_count(json_get(result, "input_token_count"), &input);
	genai_param_count(json_get(result, "generated_token_count"), &output);
	u->input = input > u->input ? input : u->input;
	u->output = output > u->output ? output : u->output;
}

static const struct json *choices_get(const struct json *j)
{
	static const char *const names[] = {"choices", "outputs", "generations", "results"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_type(json_get(j, names[i])) == JSON_ARRAY)
			return json_get(j, names[i]);
	return NULL;
}

/* A whole answer or a chunk. Returns whether text came with it. */
static bool chunk_read(struct genai_work *w, const struct json *j)
{
	const struct json *choices = choices_get(j);
	int64_t at = 0;
	bool any = false;

	if (json_type(j) != JSON_OBJECT)
		return false;
	genai_openai_head(w, j);
	if (w->c.response_model.p == NULL)
		w->c.response_model = genai_word(w, j, "model_id"); /* watsonx */
	genai_openai_usage(w, json_get(j, "usage"));
	invoke_usage(w, j);
	if (json_type(json_get(j, "error")) > JSON_NULL)
		genai_error_read(w, j);
	if (choices == NULL)
		return only_read(w, j);
	for (const struct json *e = json_first(choices); e; e = json_next(e), at++) {
		int64_t index = json_get(j, "choices") ? 0 : at;

		(void)json_i64(json_get(e, "index"), &index);
		struct choice *c = choice_get(w, index);
		if (c == NULL)
			continue;
		any |= text_add(w, c, e);
		finish_add(w, c, e);
		genai_param_count(json_get(e, "tokenCount"), &w->c.usage.output); /* Titan has one */
		generation_usage(w, e);
	}
	return any;
}

static struct str finish_otel(struct str theirs)
{
	static const struct genai_finish_row rows[] = {
		{"eos", "stop"},
		{"word", "stop"},
		{"limit", "length"},
		{"stop_sequence", "stop"},
		{"max_tokens", "length"},
		/* watsonx */
		{"eos_token", "stop"},
		{"token_limit", "length"},
		{"time_limit", "length"},
		/* Titan */
		{"FINISH", "stop"},
		{"FINISHED", "stop"},
		{"STOP_CRITERIA_MET", "stop"},
		{"LENGTH", "length"},
		{"CONTENT_FILTERED", "content_filter"},
		/* Cohere */
		{"COMPLETE", "stop"},
		{"MAX_TOKENS", "length"},
		{"ERROR", "error"},
		{"ERROR_TOXIC", "content_filter"},
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

/* Its answer is a chat's. */
static void fim_response(struct genai_work *w, const struct json *body)
{
	genai_openai_chat.response(w, body);
}

const struct genai_decoder genai_mistral_fim = {
	.provider = "mistral_ai",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = request,
	.response = fim_response,
	.event = genai_openai_event,
	.finish = genai_openai_join,
};

/* No event says that it is the last one, but for the reason why it ended. */
static bool generation_event(struct genai_work *w, const struct http_event *ev)
{
	return event(w, ev) || w->finished;
}

const struct genai_decoder genai_watsonx_generation = {
	.provider = "ibm.watsonx.ai",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = generation_request,
	.response = response,
	.event = generation_event,
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

const struct genai_decoder genai_invoke_prompt = {
	.provider = "aws.bedrock",
	.kind = GENAI_TEXT_COMPLETION,
	.operation = "text_completion",
	.request = invoke_request,
	.response = response,
	.event = event,
	.finish = join,
};
