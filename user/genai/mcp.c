/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Model Context Protocol, in both its eras: up to 2025-11-25 with initialize and sessions, from 2026-07-28 without,
 * where each request says in _meta what it speaks, and a server that needs something answers "input_required": the
 * client then sends the same request again under a new id, with the answers and the server's requestState.
 * A call may outlive its exchange's body: everything is copied.
 */
#include "base/jsonw.h"
#include "genai/decoder.h"

#define META "io.modelcontextprotocol/"

/* Methods, or beginnings of their names; the schema's of all versions. */
static const char *const methods[] = {
	"initialize", "server/discover", "ping",	   "tools/",	     "resources/",
	"prompts/",   "completion/",	 "sampling/",	   "elicitation/",   "roots/",
	"logging/",   "tasks/",		 "notifications/", "subscriptions/",
};

static bool knows(struct genai_work *w, const struct genai_rpc_message *m)
{
	bool known = false;

	(void)w;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && !known; i++) {
		struct str name = str_of(methods[i]);

		known = name.p[name.n - 1] == '/' ? str_starts(m->method, name) : str_eq(m->method, name);
	}
	/* Other protocols have these names too: an editor's, A2A's. */
	if (str_eq(m->method, STR("initialize")))
		return json_type(json_get(m->params, "protocolVersion")) == JSON_STRING;
	if (str_starts(m->method, STR("tasks/")) && m->params != NULL)
		return json_get(m->params, "id") == NULL && !str_eq(m->method, STR("tasks/resubscribe")) &&
		       !str_starts(m->method, STR("tasks/pushNotificationConfig/"));
	return known;
}

/* ---- texts ---- */

/* {"type": "text", "text"}, other content, or an array of them, as parts. */
static void parts_read(struct genai_work *w, struct genai_message *m, const struct json *content)
{
	bool many = json_type(content) == JSON_ARRAY;
	size_t n = many ? json_count(content) : 1;

	if (content == NULL || n > GENAI_PIECES_MAX)
		return;
	m->parts = arena_alloc(w->c.arena, (n ? n : 1) * sizeof(*m->parts));
	if (m->parts == NULL)
		return;
	for (const struct json *e = many ? json_first(content) : content; e; e = many ? json_next(e) : NULL) {
		struct genai_part *p = &m->parts[m->count++];
		struct str type = json_get_str(genai_scratch(w), e, "type");

		if (str_eq(type, STR("text"))) {
			p->type = GENAI_TEXT;
			p->text = genai_copy(w, e, "text");
		} else if (str_eq(type, STR("image")) || str_eq(type, STR("audio"))) {
			p->type = GENAI_BLOB;
			p->modality = arena_dup(w->c.arena, type);
			p->mime = genai_copy(w, e, "mimeType");
			p->text = genai_copy(w, e, "data");
		} else {
			p->type = GENAI_OTHER;
			p->name = type.n ? arena_dup(w->c.arena, type) : STR("content");
			p->value = genai_compact(w, e);
		}
	}
	genai_message_hash(w, m);
}

/* What a server asks its client's model. */
static void sampling_request(struct genai_work *w, const struct json *params)
{
	const struct json *messages = json_get(params, "messages");
	size_t n = json_count(messages);
	struct genai_call *c = &w->c;
	struct str system = genai_copy(w, params, "systemPrompt");

	if (system.p) {
		c->system = arena_alloc(c->arena, sizeof(*c->system));
		if (c->system != NULL)
			*c->system = (struct genai_part){.type = GENAI_TEXT, .text = system};
		c->system_count = c->system ? 1 : 0;
	}
	genai_param_add(w, "gen_ai.request.max_tokens", json_get(params, "maxTokens"));
	if (json_type(messages) != JSON_ARRAY || n == 0 || n > LIMIT_MESSAGES)
		return;
	c->input = arena_alloc(c->arena, n * sizeof(*c->input));
	for (const struct json *e = c->input ? json_first(messages) : NULL; e; e = json_next(e)) {
		struct genai_message *m = &c->input[c->input_count++];

		m->role = genai_copy(w, e, "role");
		parts_read(w, m, json_get(e, "content"));
	}
}

static void sampling_response(struct genai_work *w, const struct json *result)
{
	struct genai_call *c = &w->c;

	c->response_model = genai_copy(w, result, "model");
	c->output = arena_alloc(c->arena, sizeof(*c->output));
	if (c->output == NULL || json_get(result, "content") == NULL)
		return;
	c->output_count = 1;
	c->output->role = genai_copy(w, result, "role");
	parts_read(w, c->output, json_get(result, "content"));
	c->finish_reasons = arena_alloc(c->arena, sizeof(*c->finish_reasons));
	if (c->finish_reasons == NULL || json_type(json_get(result, "stopReason")) != JSON_STRING)
		return;
	c->finish_reasons[0] = genai_copy(w, result, "stopReason");
	c->finish_count = 1;
	c->output->finish = str_eq(c->finish_reasons[0], STR("maxTokens")) ? STR("length")
			    : str_eq(c->finish_reasons[0], STR("toolUse")) ? STR("tool_call")
									   : STR("stop");
}

/* OpenTelemetry's form of {"name", "description", "inputSchema"}. */
static void tools_read(struct genai_work *w, const struct json *tools)
{
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(tools) != JSON_ARRAY)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (const struct json *t = json_first(tools); t; t = json_next(t)) {
		if (json_type(json_get(t, "name")) != JSON_STRING)
			continue;
		jsonw_object(&out);
		jsonw_z(jsonw_key(&out, "type"), "function");
		jsonw_value(jsonw_key(&out, "name"), scratch, json_get(t, "name"));
		if (json_type(json_get(t, "description")) == JSON_STRING)
			jsonw_value(jsonw_key(&out, "description"), scratch, json_get(t, "description"));
		if (json_type(json_get(t, "inputSchema")) == JSON_OBJECT)
			jsonw_value(jsonw_key(&out, "parameters"), scratch, json_get(t, "inputSchema"));
		jsonw_object_end(&out);
	}
	jsonw_array_end(&out);
	if (buf_err(b) == 0)
		w->c.tools = arena_dup(w->c.arena, buf_str(b));
}

/* ---- a request ---- */

/* What the client says when it comes again: each answer belongs to a request of the server's. */
static void inputs_tell(struct genai_work *w, const struct genai_rpc_message *m, uint64_t scope,
			const struct genai_rpc_at *at)
{
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	for (const struct json *e = json_first(json_get(m->params, "inputResponses")); e; e = json_next(e)) {
		buf_clear(b);
		jsonw_init(&out, b);
		jsonw_str(&out, json_key(scratch, e));
		struct str name = buf_err(b) ? STR_NONE : arena_dup(scratch, buf_str(b));
		struct genai_rpc_message answer = {.j = e, .result = e};

		answer.id = name.p ? json_parse(scratch, name, NULL) : NULL;
		if (answer.id != NULL)
			genai_rpc_tell(w, scope, &answer, at);
	}
}

static struct hash128 state_of(struct genai_work *w, struct str method, const struct json *state)
{
	return hash_chain(json_hash(genai_scratch(w), state), hash_u128(method, 7));
}

static void version_read(struct genai_work *w, const struct json *meta, const struct json *params)
{
	struct arena *scratch = genai_scratch(w);
	struct str version = json_get_str(scratch, meta, META "protocolVersion");

	if (version.n == 0)
		version = http_field(&w->c.x->request, "mcp-protocol-version");
	/* Of initialize it is the client's wish: the answer has what is spoken. */
	if (version.n == 0 && !str_eq(w->c.method, STR("initialize")))
		version = json_get_str(scratch, params, "protocolVersion");
	genai_param_add_str(w, "mcp.protocol.version", version);
}

static void subject_read(struct genai_work *w, const struct json *params)
{
	struct genai_call *c = &w->c;
	const struct json *args = json_get(params, "arguments");

	if (str_eq(c->method, STR("tools/call"))) {
		c->kind = GENAI_EXECUTE_TOOL;
		c->operation = "execute_tool";
		c->label = genai_copy(w, params, "name");
		c->tool_arguments = json_type(args) == JSON_OBJECT ? genai_compact(w, args) : STR("{}");
		if (json_type(args) == JSON_OBJECT)
			c->arguments_hash = json_hash(genai_scratch(w), args);
		else
			c->arguments_hash =
				json_hash(genai_scratch(w), json_parse(genai_scratch(w), STR("{}"), NULL));
	} else if (str_starts(c->method, STR("prompts/"))) {
		c->label = genai_copy(w, params, "name");
		genai_param_add_str(w, "gen_ai.prompt.name", c->label);
	} else if (str_starts(c->method, STR("resources/"))) {
		genai_param_add_str(w, "mcp.resource.uri", json_get_str(genai_scratch(w), params, "uri"));
	} else if (str_eq(c->method, STR("sampling/createMessage"))) {
		sampling_request(w, params);
	} else if (str_eq(c->method, STR("elicitation/create"))) {
		genai_param_add_str(w, "bottrace.mcp.message",
				    json_get_str(genai_scratch(w), params, "message"));
	}
}

static void request(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	struct genai_call *c = &w->c;
	const struct json *meta = json_get(m->params, "_meta"), *state = json_get(m->params, "requestState");
	const struct json *client = json_get(m->params, "clientInfo");

	c->kind = GENAI_MCP;
	subject_read(w, m->params);
	genai_param_add_str(w, "mcp.method.name", c->method);
	genai_param_add_str(w, "mcp.session.id", http_field(&c->x->request, "mcp-session-id"));
	version_read(w, meta, m->params);
	genai_param_add_json(w, "network.transport", w->is_pipe ? STR("\"pipe\"") : STR("\"tcp\""));
	if (client == NULL)
		client = json_get(meta, META "clientInfo");
	genai_param_add_str(w, "bottrace.mcp.client", json_get_str(genai_scratch(w), client, "name"));
	genai_param_add_str(w, "bottrace.traceparent", json_get_str(genai_scratch(w), meta, "traceparent"));
	if (state != NULL) {
		c->resumes = state_of(w, c->method, state);
		inputs_tell(w, m, c->resumes.lo, at);
	}
}

/* ---- an answer ---- */

/* {"result": the same text}: what libraries put around a text to give it a schema. */
static bool is_wrapped(struct genai_work *w, const struct json *structured, struct str result)
{
	return json_count(structured) == 1 &&
	       str_eq(genai_compact(w, json_get(structured, "result")), result);
}

static void tool_result(struct genai_work *w, const struct json *result)
{
	struct genai_call *c = &w->c;
	const struct json *content = json_get(result, "content");
	const struct json *structured = json_get(result, "structuredContent");
	bool error = false;

	(void)json_bool(json_get(result, "isError"), &error);
	if (json_count(content) > 0 || structured == NULL)
		c->tool_result = genai_result(w, content);
	else
		c->tool_result = genai_compact(w, structured);
	if (json_count(content) > 0 && structured != NULL && !is_wrapped(w, structured, c->tool_result))
		genai_param_add(w, "bottrace.mcp.structured_content", structured);
	c->tool_error = error;
	if (!error)
		return;
	c->status = GENAI_ERROR;
	c->error_type = STR("tool_error");
	if (json_count(content) > 0)
		c->error_message = genai_copy(w, json_at(content, 0), "text");
}

/* The server wants to know something first. */
static void asks(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	struct genai_call *c = &w->c;
	const struct json *state = json_get(m->result, "requestState");
	struct genai_rpc_at asked = *at;
	struct genai_rpc_message q;

	genai_param_add_json(w, "bottrace.mcp.result_type", STR("\"input_required\""));
	if (state == NULL)
		return;
	c->asks = state_of(w, c->method, state);
	asked.from_server = true;
	for (const struct json *e = json_first(json_get(m->result, "inputRequests")); e; e = json_next(e)) {
		struct buf *b = genai_text(w);
		struct jsonw out;

		jsonw_init(&out, b);
		jsonw_str(&out, json_key(genai_scratch(w), e));
		struct str name = buf_err(b) ? STR_NONE : arena_dup(genai_scratch(w), buf_str(b));

		q = (struct genai_rpc_message){
			.j = e,
			.method = json_get_str(genai_scratch(w), e, "method"),
			.params = json_get(e, "params"),
			.id = name.p ? json_parse(genai_scratch(w), name, NULL) : NULL,
		};
		if (q.id != NULL && q.method.n > 0)
			genai_rpc_ask(w, &q, c->asks.lo, &asked);
	}
}

static bool response(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	struct genai_call *c = &w->c;
	struct arena *scratch = genai_scratch(w);
	const struct json *server = json_get(m->result, "serverInfo");

	genai_param_add_str(w, "mcp.session.id", http_field(&c->x->response, "mcp-session-id"));
	if (m->error != NULL) {
		genai_rpc_error(w, m->error);
		genai_param_add_json(w, "rpc.response.status_code", genai_quote(w, c->error_type));
		return true;
	}
	if (server == NULL)
		server = json_path(m->result, "_meta", META "serverInfo", NULL);
	genai_param_add_str(w, "bottrace.mcp.server", json_get_str(scratch, server, "name"));
	if (str_eq(c->method, STR("initialize")))
		genai_param_add_str(w, "mcp.protocol.version",
				    json_get_str(scratch, m->result, "protocolVersion"));
	if (json_is(json_get(m->result, "resultType"), "input_required"))
		asks(w, m, at);
	else if (c->kind == GENAI_EXECUTE_TOOL)
		tool_result(w, m->result);
	else if (str_eq(c->method, STR("tools/list")))
		tools_read(w, json_get(m->result, "tools"));
	else if (str_eq(c->method, STR("sampling/createMessage")))
		sampling_response(w, m->result);
	else if (str_eq(c->method, STR("elicitation/create")))
		genai_param_add_str(w, "bottrace.mcp.action", json_get_str(scratch, m->result, "action"));
	return true;
}

const struct genai_rpc_protocol genai_rpc_mcp = {.knows = knows, .request = request, .response = response};
