/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call's span says of the call itself: the model's or tool's part, and HTTP's. */
#include "base/jsonw.h"
#include "trace/set.h"

static void draft_usage(struct trace_draft *d, const struct genai_usage *u)
{
	const struct {
		const char *key;
		int64_t n;
	} all[] = {
		{"gen_ai.usage.input_tokens", u->input},
		{"gen_ai.usage.output_tokens", u->output},
		{"gen_ai.usage.cache_read.input_tokens", u->cache_read},
		{"gen_ai.usage.cache_creation.input_tokens", u->cache_creation},
		{"gen_ai.usage.reasoning.output_tokens", u->reasoning},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].n != GENAI_UNKNOWN)
			trace_draft_i64(d, all[i].key, all[i].n);
}

static void draft_finish(struct trace_draft *d, const struct genai_call *c)
{
	struct jsonw w;

	if (c->finish_count == 0)
		return;
	struct buf *text = trace_draft_buf(d);
	jsonw_init(&w, text);
	jsonw_array(&w);
	for (uint32_t i = 0; i < c->finish_count; i++)
		if (c->finish_reasons[i].p)
			jsonw_str(&w, c->finish_reasons[i]);
		else
			jsonw_null(&w);
	jsonw_array_end(&w);
	trace_draft_json(d, "gen_ai.response.finish_reasons", buf_str(text));
}

/* Messages, and what of them an earlier span holds already. */
static void draft_content(struct trace_draft *d, const struct trace_call *k, bool light)
{
	const struct genai_call *c = k->c;
	const struct trace_continues *before = &k->continues;
	struct buf *text;

	if (light)
		return;
	if (before->no_system)
		trace_draft_json(d, "gen_ai.system_instructions", STR("[]"));
	if (c->system_count > 0 && !(before->id && before->same_system)) {
		text = trace_draft_buf(d);
		trace_message_parts(text, c->system, c->system_count);
		trace_draft_json(d, "gen_ai.system_instructions", buf_str(text));
	}
	if (c->input_count > 0) {
		bool here = before->id && !before->chained && before->messages <= c->input_count;
		uint32_t skip = here ? before->messages : 0;

		if (skip < c->known)
			genai_expand(k->c);
		text = trace_draft_buf(d);
		trace_message_list(text, c->input, c->input_count, skip, false);
		trace_draft_json(d, "gen_ai.input.messages", buf_str(text));
	}
	if (c->output_count > 0) {
		text = trace_draft_buf(d);
		trace_message_list(text, c->output, c->output_count, 0, true);
		trace_draft_json(d, "gen_ai.output.messages", buf_str(text));
	}
	if (before->no_tools)
		trace_draft_json(d, "gen_ai.tool.definitions", STR("[]"));
	if (!(before->id && before->same_tools))
		trace_draft_json(d, "gen_ai.tool.definitions", c->tools);
	if (before->id) {
		text = trace_draft_buf(d);
		buf_addf(text, "{\"span\":\"%016llx\",\"messages\":%u}", (unsigned long long)before->id,
			 before->messages);
		trace_draft_json(d, "bottrace.continues", buf_str(text));
	}
}

/* Of the parameters, those that are what somebody wrote. */
static bool is_content(const struct genai_param *p)
{
	static const char *const keys[] = {"gen_ai.retrieval.query.text", "bottrace.mcp.structured_content",
					   "bottrace.mcp.message"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(p->key, keys[i]) == 0)
			return true;
	return false;
}

static void draft_params(struct trace_draft *d, const struct genai_call *c, bool light)
{
	for (uint32_t i = 0; i < c->param_count && i < GENAI_PARAMS_MAX; i++)
		if (!light || !is_content(&c->params[i]))
			trace_draft_json(d, c->params[i].key, c->params[i].json);
}

static void draft_model(struct trace_draft *d, const struct trace_call *k, bool light)
{
	const struct genai_call *c = k->c;

	if (c->kind == GENAI_HTTP) {
		draft_params(d, c, light);
		return;
	}
	trace_draft_str(d, "gen_ai.operation.name", str_of(c->operation));
	trace_draft_str(d, "gen_ai.provider.name", c->provider);
	trace_draft_str(d, "gen_ai.request.model", c->request_model);
	trace_draft_str(d, "gen_ai.response.model", c->response_model);
	trace_draft_str(d, "gen_ai.response.id", c->response_id);
	trace_draft_str(d, "gen_ai.conversation.id", c->conversation_id);
	trace_draft_str(d, "bottrace.request.previous_response_id", c->previous_id);
	draft_finish(d, c);
	draft_params(d, c, light);
	trace_join_tool(d, c, light);
	if (c->stream)
		trace_draft_bool(d, "gen_ai.request.stream", true);
	draft_usage(d, &c->usage);
	if (c->first_chunk_ns > c->start_ns && c->start_ns)
		trace_draft_f64(d, "gen_ai.response.time_to_first_chunk",
				(double)(c->first_chunk_ns - c->start_ns) / 1e9);
	draft_content(d, k, light);
}

static void draft_http(struct trace_draft *d, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	const struct http_exchange *x = c->x;

	trace_draft_str(d, "server.address", c->server);
	if (c->port)
		trace_draft_i64(d, "server.port", c->port);
	if (x && x->method.n)
		trace_draft_str(d, "http.request.method", x->method);
	trace_draft_str(d, "url.path", c->path);
	if (x && x->http2)
		trace_draft_str(d, "network.protocol.version", STR("2"));
	if (x && x->status)
		trace_draft_i64(d, "http.response.status_code", x->status);
	if (x && x->request.head_done)
		trace_draft_i64(d, "http.request.body.size", (int64_t)x->request.body_bytes);
	if (x && x->response.head_done)
		trace_draft_i64(d, "http.response.body.size", (int64_t)x->response.body_bytes);
	if (c->first_byte_ns > c->start_ns && c->start_ns)
		trace_draft_i64(d, "bottrace.time_to_first_byte_ns",
				(int64_t)(c->first_byte_ns - c->start_ns));
	if (k->connection)
		trace_draft_i64(d, "bottrace.connection", k->connection);
	if (c->retry_after_ns)
		trace_draft_i64(d, "bottrace.retry_after_ms", (int64_t)(c->retry_after_ns / 1000000));
	if (c->note)
		trace_draft_str(d, "bottrace.note", str_of(c->note));
}

void trace_attribute_draft(struct trace_draft *d, const struct trace_call *k, bool light)
{
	draft_model(d, k, light);
	draft_http(d, k);
}
