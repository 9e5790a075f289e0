/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agent2Agent 0.3 and 1.0. A message to an agent is an invocation of it; what it answers is a message, or a task with
 * its status and artifacts, whole or as a stream of updates. 0.3 tells these apart by "kind" and has states in lower
 * case; 1.0 is ProtoJSON: the member's name tells, states are TASK_STATE_..., roles ROLE_.... Over JSON-RPC or, in 1.0
 * and 0.3 alike, REST (POST .../message:send). An agent's name stands in its card.
 */
#include <stdlib.h>

#include "base/map.h"
#include "genai/protobuf.h"

#define A2A_AGENTS_MAX	   4096u
#define A2A_AGENT_NAME_MAX 256u

/* What an answer brought so far. */
struct a2a {
	struct genai_answer artifacts; /* in the order in which they came */
	struct genai_answer message;   /* the last one, of the agent or of its task's status */
	struct str state;	       /* of the task, lower case; p NULL: not told */
	bool over;
};

static const struct {
	const char *method;
	bool sends, streams;
} methods[] = {
	{"message/send", true, false},
	{"message/stream", true, true},
	{"SendMessage", true, false},
	{"SendStreamingMessage", true, true},
	{"tasks/get", false, false},
	{"tasks/list", false, false},
	{"tasks/cancel", false, false},
	{"tasks/resubscribe", false, true},
	{"tasks/pushNotificationConfig/set", false, false},
	{"tasks/pushNotificationConfig/get", false, false},
	{"tasks/pushNotificationConfig/list", false, false},
	{"tasks/pushNotificationConfig/delete", false, false},
	{"agent/getAuthenticatedExtendedCard", false, false},
	{"GetTask", false, false},
	{"ListTasks", false, false},
	{"CancelTask", false, false},
	{"SubscribeToTask", false, true},
	{"CreateTaskPushNotificationConfig", false, false},
	{"GetTaskPushNotificationConfig", false, false},
	{"ListTaskPushNotificationConfig", false, false},
	{"ListTaskPushNotificationConfigs", false, false},
	{"DeleteTaskPushNotificationConfig", false, false},
	{"GetExtendedAgentCard", false, false},
};

static int row_of(struct str method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eq(method, str_of(methods[i].method)))
			return (int)i;
	return -1;
}

static bool knows(struct genai_work *w, const struct genai_rpc_message *m)
{
	int row = row_of(m->method);

	(void)w;
	if (row < 0)
		return false;
	/* Messages of that name exist elsewhere; a message has parts. */
	return !methods[row].sends || json_type(json_path(m->params, "message", "parts", NULL)) == JSON_ARRAY;
}

/* "TASK_STATE_INPUT_REQUIRED", "input-required" -> input-required; without the prefix, lower case. */
static struct str lower_word(struct genai_work *w, struct str s, struct str prefix)
{
	if (s.n == 0)
		return STR_NONE;
	if (str_starts(s, prefix))
		s = str_skip(s, prefix.n);
	char *out = arena_alloc(w->c.arena, s.n ? s.n : 1);

	for (size_t i = 0; out && i < s.n; i++) {
		char c = s.p[i];

		out[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return out ? str_make(out, s.n) : STR_NONE;
}

/* ---- agents' names ---- */

struct agent {
	size_t n;
	char name[A2A_AGENT_NAME_MAX];
};

static uint64_t agent_key(const struct genai_work *w, struct str host, uint16_t port)
{
	const struct proc *p = w->c.x->conn ? w->c.x->conn->proc : NULL;
	uint64_t facts[] = {p ? p->pid : 0, p ? p->start_ns : 0, hash_u64(host, 0), port};

	return hash_u64(str_make(facts, sizeof(facts)), 0);
}

static void agent_add(struct genai_work *w, struct str host, uint16_t port, struct str name)
{
	struct map **slot = genai_agents(w->g);
	uint64_t key = agent_key(w, host, port);
	struct agent *a;

	if (*slot == NULL)
		*slot = map_new(sizeof(key), A2A_AGENTS_MAX);
	if (*slot == NULL || host.n == 0)
		return;
	a = map_get(*slot, &key);
	if (a == NULL) {
		a = calloc(1, sizeof(*a));
		if (a == NULL || map_add(*slot, &key, a) < 0) {
			free(a);
			return;
		}
	}
	name = str_head(name, sizeof(a->name));
	memcpy(a->name, name.p, name.n);
	a->n = name.n;
}

static struct str agent_find(struct genai_work *w)
{
	struct map *agents = *genai_agents(w->g);
	uint64_t key = agent_key(w, w->c.server, w->c.port);
	struct agent *a = agents ? map_get(agents, &key) : NULL;

	return a ? arena_dup(w->c.arena, str_make(a->name, a->n)) : STR_NONE;
}

void genai_a2a_fini(struct map *agents)
{
	size_t at = 0;
	void *value;

	while (agents != NULL && map_next(agents, &at, NULL, &value))
		free(value);
	map_free(agents);
}

/* ---- messages ---- */

static void part_read(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *p)
{
	const struct json *file = json_get(p, "file");
	struct genai_part part = {.type = GENAI_OTHER};

	if (json_type(json_get(p, "text")) == JSON_STRING) {
		(void)genai_answer_text(w, to, GENAI_TEXT, index, json_get_str(genai_scratch(w), p, "text"));
		return;
	}
	if (file == NULL && (json_get(p, "raw") || json_get(p, "url")))
		file = p;
	if (file != NULL) {
		part.mime = genai_copy(w, file, json_get(file, "mimeType") ? "mimeType" : "mediaType");
		part.modality = STR("file");
		part.type = GENAI_URI;
		part.text = genai_copy(w, file, json_get(file, "uri") ? "uri" : "url");
		if (part.text.p == NULL) {
			part.type = GENAI_BLOB;
			part.text = genai_copy(w, file, json_get(file, "bytes") ? "bytes" : "raw");
		}
		if (part.text.p != NULL) {
			genai_answer_part(w, to, index, &part);
			return;
		}
	}
	part.type = GENAI_OTHER;
	part.name = json_get(p, "data") ? STR("data") : STR("part");
	part.value = genai_compact(w, json_get(p, "data") ? json_get(p, "data") : p);
	genai_answer_part(w, to, index, &part);
}

static void parts_read(struct genai_work *w, struct genai_answer *to, int64_t index, const struct json *parts)
{
	if (json_type(parts) != JSON_ARRAY)
		return;
	for (const struct json *p = json_first(parts); p; p = json_next(p))
		part_read(w, to, index, p);
}

static void message_request(struct genai_work *w, const struct json *message)
{
	struct genai_call *c = &w->c;
	struct str role = json_get_str(genai_scratch(w), message, "role");
	struct genai_answer parts = {0};

	genai_param_add_str(w, "a2a.message.id", json_get_str(genai_scratch(w), message, "messageId"));
	genai_param_add_str(w, "a2a.task.id", json_get_str(genai_scratch(w), message, "taskId"));
	genai_param_add(w, "a2a.message.reference_task_ids", json_get(message, "referenceTaskIds"));
	c->conversation_id = genai_copy(w, message, "contextId");
	parts_read(w, &parts, 0, json_get(message, "parts"));
	c->input = arena_alloc(c->arena, sizeof(*c->input));
	if (c->input == NULL || !genai_answer_message(w, &parts, c->input))
		return;
	c->input_count = 1;
	c->input->role = str_ieq(role, STR("agent")) || str_eq(role, STR("ROLE_AGENT")) ? STR("assistant")
											: STR("user");
	genai_message_hash(w, c->input);
}

/* ---- a request ---- */

static void invoke(struct genai_work *w, const struct json *params)
{
	struct genai_call *c = &w->c;

	c->kind = GENAI_INVOKE_AGENT;
	c->operation = "invoke_agent";
	c->label = agent_find(w);
	genai_param_add_str(w, "gen_ai.agent.name", c->label);
	message_request(w, json_get(params, "message"));
}

static void state_new(struct genai_work *w)
{
	w->stream = arena_alloc(w->c.arena, sizeof(struct a2a));
}

static void request(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	struct genai_call *c = &w->c;
	int row = row_of(c->method);

	(void)at;
	state_new(w);
	genai_param_add_str(w, "a2a.method.name", c->method);
	genai_param_add_str(w, "a2a.protocol.version", http_field(&c->x->request, "a2a-version"));
	genai_param_add_str(w, "a2a.tenant", json_get_str(genai_scratch(w), m->params, "tenant"));
	if (row >= 0 && methods[row].sends) {
		c->stream = methods[row].streams;
		invoke(w, m->params);
		return;
	}
	c->note = "A2A: asks about a task, invokes no agent";
	genai_param_add_str(w, "a2a.task.id", json_get_str(genai_scratch(w), m->params, "id"));
}

/* ---- an answer ---- */

static bool is_end(struct str state)
{
	static const char *const words[] = {"completed", "failed",	   "canceled",
					    "rejected",	 "input-required", "auth-required"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(state, str_of(words[i])))
			return true;
	return false;
}

static void status_read(struct genai_work *w, struct a2a *a, const struct json *status)
{
	const struct json *message = json_get(status, "message");
	struct str state = json_get_str(genai_scratch(w), status, "state");

	if (state.n > 0)
		a->state = lower_word(w, state, STR("TASK_STATE_"));
	a->over = is_end(a->state);
	if (json_type(message) != JSON_OBJECT)
		return;
	/* What a task says on its way is replaced by what it says at its end. */
	a->message = (struct genai_answer){0};
	parts_read(w, &a->message, 0, json_get(message, "parts"));
}

static void artifact_read(struct genai_work *w, struct a2a *a, const struct json *artifact, int64_t index)
{
	parts_read(w, &a->artifacts, index, json_get(artifact, "parts"));
}

static void ids_read(struct genai_work *w, const struct json *j, const char *task)
{
	struct str context = genai_copy(w, j, "contextId");

	if (context.p != NULL)
		w->c.conversation_id = context;
	genai_param_add_str(w, "a2a.task.id", json_get_str(genai_scratch(w), j, task));
}

/* One of: a task, a message, an update of a status or an artifact; named by its member (1.0) or its kind (0.3). */
static void result_read(struct genai_work *w, const struct json *result)
{
	struct a2a *a = w->stream;
	struct str kind = json_get_str(genai_scratch(w), result, "kind");
	const struct json *task = json_get(result, "task"), *message = json_get(result, "message");
	const struct json *status = json_get(result, "statusUpdate"),
			  *artifact = json_get(result, "artifactUpdate");
	bool final = false;

	if (a == NULL)
		return;
	if (str_eq(kind, STR("task")) ||
	    (kind.n == 0 && json_get(result, "status") && json_get(result, "id")))
		task = result;
	else if (str_eq(kind, STR("message")))
		message = result;
	else if (str_eq(kind, STR("status-update")))
		status = result;
	else if (str_eq(kind, STR("artifact-update")))
		artifact = result;
	if (json_type(task) == JSON_OBJECT) {
		ids_read(w, task, "id");
		status_read(w, a, json_get(task, "status"));
		for (const struct json *e = json_first(json_get(task, "artifacts")); e; e = json_next(e))
			artifact_read(w, a, e, 0);
	} else if (json_type(status) == JSON_OBJECT) {
		ids_read(w, status, "taskId");
		status_read(w, a, json_get(status, "status"));
		if (json_bool(json_get(status, "final"), &final) && final)
			a->over = true;
	} else if (json_type(artifact) == JSON_OBJECT) {
		ids_read(w, artifact, "taskId");
		artifact_read(w, a, json_get(artifact, "artifact"), 0);
	} else if (json_type(message) == JSON_OBJECT) {
		ids_read(w, message, "taskId");
		a->message = (struct genai_answer){0};
		parts_read(w, &a->message, 0, json_get(message, "parts"));
		a->over = true;
	}
}

static bool response(struct genai_work *w, const struct genai_rpc_message *m, const struct genai_rpc_at *at)
{
	struct a2a *a = w->stream;

	if (m->error != NULL) {
		genai_rpc_error(w, m->error);
		return true;
	}
	result_read(w, m->result);
	if (w->streamed && a != NULL && (a->message.count > 0 || a->artifacts.count > 0))
		genai_told_first(w, at->ts_ns);
	return a == NULL || a->over || !w->c.stream;
}

static void finish(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	struct a2a *a = w->stream;
	struct genai_answer all = {0};
	struct genai_message said = {0}, made = {0};

	w->finished |= c->x->response.done;
	if (a == NULL)
		return;
	genai_param_add_str(w, "a2a.task.state", a->state);
	if (c->kind != GENAI_INVOKE_AGENT)
		return;
	if (str_eq(a->state, STR("failed")) || str_eq(a->state, STR("rejected")) ||
	    str_eq(a->state, STR("canceled"))) {
		c->status = GENAI_ERROR;
		c->error_type = a->state;
	}
	if (a->message.count == 0 && a->artifacts.count == 0)
		return;
	/* What it made, then what it said. */
	if (!genai_answer_message(w, &a->artifacts, &made) || !genai_answer_message(w, &a->message, &said))
		return;
	for (uint32_t i = 0; i < made.count; i++)
		genai_answer_part(w, &all, 0, &made.parts[i]);
	for (uint32_t i = 0; i < said.count; i++)
		genai_answer_part(w, &all, 1, &said.parts[i]);
	genai_answer_only(w, &all, STR_NONE, STR_NONE);
	if (c->output_count == 1)
		c->output[0].finish = c->status == GENAI_ERROR ? STR("error") : STR("stop");
	if (c->status == GENAI_ERROR && said.count > 0)
		c->error_message = said.parts[0].text;
}

const struct genai_rpc_protocol genai_rpc_a2a = {
	.knows = knows, .request = request, .response = response, .finish = finish};

/* ---- gRPC ---- */

bool genai_a2a_request(struct genai_work *w, const struct json *params, bool streams)
{
	if (json_type(json_path(params, "message", "parts", NULL)) != JSON_ARRAY)
		return false;
	state_new(w);
	genai_param_add_str(w, "a2a.method.name", streams ? STR("SendStreamingMessage") : STR("SendMessage"));
	genai_param_add_str(w, "a2a.protocol.version", http_field(&w->c.x->request, "a2a-version"));
	genai_param_add_str(w, "a2a.tenant", json_get_str(genai_scratch(w), params, "tenant"));
	w->c.stream = streams;
	invoke(w, params);
	return true;
}

void genai_a2a_result(struct genai_work *w, const struct json *result, uint64_t ts_ns)
{
	const struct a2a *a = w->stream;

	result_read(w, result);
	if (a != NULL && (a->message.count > 0 || a->artifacts.count > 0))
		genai_told_first(w, ts_ns);
}

void genai_a2a_finish(struct genai_work *w)
{
	finish(w);
}

/* ---- REST ---- */

static bool send_request(struct genai_work *w, const struct json *body)
{
	return genai_a2a_request(w, body, str_ends(w->c.path, STR(":stream")));
}

static void send_response(struct genai_work *w, const struct json *body)
{
	result_read(w, body);
	finish(w);
}

static bool send_event(struct genai_work *w, const struct http_event *ev)
{
	struct a2a *a = w->stream;

	result_read(w, genai_event_json(w, ev));
	if (a != NULL && (a->message.count > 0 || a->artifacts.count > 0))
		genai_told_first(w, ev->ts_ns);
	return a == NULL || a->over;
}

const struct genai_decoder genai_a2a_send = {
	.kind = GENAI_INVOKE_AGENT,
	.operation = "invoke_agent",
	.request = send_request,
	.response = send_response,
	.event = send_event,
	.finish = finish,
};

/* ---- the card ---- */

static void card_response(struct genai_work *w, const struct json *body)
{
	struct str name = genai_copy(w, body, "name"), url = json_get_str(genai_scratch(w), body, "url");
	ptrdiff_t scheme = str_find(url, STR("://"));
	struct str host;
	uint16_t port;

	if (name.p == NULL || json_get(body, "skills") == NULL)
		return;
	genai_param_add_str(w, "gen_ai.agent.name", name);
	w->c.note = "an agent's card";
	if (w->c.x->server_side)
		return;
	agent_add(w, w->c.server, w->c.port, name);
	if (scheme < 0)
		return;
	/* The card may stand elsewhere than the agent. */
	port = str_starts(url, STR("https")) ? 443 : 80;
	host = genai_server_split(str_skip(url, (size_t)scheme + 3), &port);
	agent_add(w, host, port, name);
}

static bool card_event(struct genai_work *w, const struct http_event *ev)
{
	(void)w;
	(void)ev;
	return false;
}

static void card_finish(struct genai_work *w)
{
	(void)w;
}

const struct genai_decoder genai_a2a_card = {
	.kind = GENAI_HTTP, .response = card_response, .event = card_event, .finish = card_finish};
