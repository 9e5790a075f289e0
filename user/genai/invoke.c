/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bedrock's InvokeModel: POST /model/{model}/invoke[-with-response-stream]. The bodies are the model's own: Anthropic's
 * Messages are read as such; of others what nearly all have (prompt or messages, and the counts that AWS puts into the
 * answer's fields). A stream is AWS's event stream; each event {"bytes": base64 of the model's own event}.
 */
#include "genai/bedrock.h"

#include <sodium.h>

#include "genai/anthropic.h"

void genai_bedrock_exception(struct genai_work *w, const struct http_event *ev, const struct json *body)
{
	w->c.status = GENAI_ERROR;
	w->c.error_type = ev->event.n ? arena_dup(w->c.arena, ev->event) : STR("_OTHER");
	w->c.error_message = genai_prose(w, body, "message");
}

/* ---- the request ---- */

struct native {
	const struct genai_decoder *decoder; /* of the model's own API; NULL: unknown */
	int64_t input, output;		     /* AWS's own counts of a stream, in its last event: they win */
};

static bool request(struct genai_work *w, const struct json *body)
{
	struct genai_call *c = &w->c;
	struct native *n = arena_alloc(c->arena, sizeof(*n));

	if (n == NULL)
		return false;
	*n = (struct native){.input = GENAI_UNKNOWN, .output = GENAI_UNKNOWN};
	w->native = n;
	if (json_type(json_get(body, "anthropic_version")) == JSON_STRING &&
	    genai_anthropic_messages.request(w, body))
		n->decoder = &genai_anthropic_messages;
	c->request_model = genai_route_model(w, c->path);
	c->stream = str_ends(c->path, STR("/invoke-with-response-stream"));
	return true;
}

/* ---- the answer ---- */

static void field_count(struct genai_work *w, const char *field, int64_t *out)
{
	uint64_t n;

	if (str_to_u64(str_trim(http_field(&w->c.x->response, field)), &n) && n < INT64_MAX / 4)
		*out = (int64_t)n;
}

/* What AWS counted, whatever the model's own answer says; its input leaves out the cached part. */
static void fields_read(struct genai_work *w)
{
	struct genai_usage *u = &w->c.usage, f = GENAI_USAGE_UNKNOWN;

	genai_terms_class(w, GENAI_CLASS_TIER,
			  str_trim(http_field(&w->c.x->response, "x-amzn-bedrock-service-tier")));
	field_count(w, "x-amzn-bedrock-input-token-count", &f.input);
	field_count(w, "x-amzn-bedrock-output-token-count", &f.output);
	field_count(w, "x-amzn-bedrock-cache-read-input-token-count", &f.cache_read);
	field_count(w, "x-amzn-bedrock-cache-write-input-token-count", &f.cache_creation);
	if (u->cache_read == GENAI_UNKNOWN)
		u->cache_read = f.cache_read;
	if (u->cache_creation == GENAI_UNKNOWN)
		u->cache_creation = f.cache_creation;
	if (u->input == GENAI_UNKNOWN && f.input != GENAI_UNKNOWN)
		u->input = f.input + (f.cache_read > 0 ? f.cache_read : 0) +
			   (f.cache_creation > 0 ? f.cache_creation : 0);
	if (u->output == GENAI_UNKNOWN)
		u->output = f.output;
}

static void response(struct genai_work *w, const struct json *body)
{
	const struct native *n = w->native;

	if (n->decoder != NULL)
		n->decoder->response(w, body);
	fields_read(w);
}

static void metrics_read(struct genai_work *w, struct str event)
{
	const struct json *m =
		json_get(json_parse(genai_scratch(w), event, NULL), "amazon-bedrock-invocationMetrics");
	struct native *n = w->native;

	genai_param_count(json_get(m, "inputTokenCount"), &n->input);
	genai_param_count(json_get(m, "outputTokenCount"), &n->output);
}

/* base64 -> bytes in the scratch arena; STR_NONE: it is none. */
static struct str bytes_decode(struct genai_work *w, struct str base64)
{
	struct arena *scratch = genai_scratch(w);
	unsigned char *out = scratch ? arena_alloc(scratch, base64.n / 4 * 3 + 4) : NULL;
	size_t n = 0;

	if (out == NULL || base64.p == NULL ||
	    sodium_base642bin(out, base64.n / 4 * 3 + 4, base64.p, base64.n, "\r\n", &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return STR_NONE;
	return str_make(out, n);
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	const struct json *j = genai_event_json(w, ev);
	struct native *n = w->native;
	struct http_event own = {.ts_ns = ev->ts_ns};

	if (ev->exception) {
		genai_bedrock_exception(w, ev, j);
		return true;
	}
	own.data = bytes_decode(w, json_get_str(genai_scratch(w), j, "bytes"));
	if (own.data.p == NULL)
		return false;
	metrics_read(w, own.data);
	if (n->decoder != NULL)
		return n->decoder->event(w, &own);
	genai_told_first(w, ev->ts_ns);
	w->finished |= n->output != GENAI_UNKNOWN;
	return w->finished;
}

static void finish(struct genai_work *w)
{
	const struct native *n = w->native;

	if (n->decoder != NULL)
		n->decoder->finish(w);
	if (n->output != GENAI_UNKNOWN)
		w->c.usage.output = n->output;
	if (w->c.usage.input == GENAI_UNKNOWN)
		w->c.usage.input = n->input;
	fields_read(w);
}

const struct genai_decoder genai_bedrock_invoke = {
	.provider = "aws.bedrock",
	.kind = GENAI_CHAT,
	.operation = "chat",
	.request = request,
	.response = response,
	.event = event,
	.finish = finish,
};
