/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gRPC: POST /package.Service/Method with application/grpc, messages in both bodies, the status in the answer's trailers
 * (or in its head, when there is no body; or in a last message of gRPC-Web). A plain http call with OpenTelemetry's rpc.*
 * attributes; of A2A's service (lf.a2a.v1, its 1.0; a2a.v1, its 0.3) sending a message is an invocation of an agent.
 */
#include "genai/protobuf.h"

static const char *const status_words[] = {
	"OK",	     "CANCELLED",	"UNKNOWN",	     "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS",	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED",   "OUT_OF_RANGE",	"UNIMPLEMENTED",     "INTERNAL",	   "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};
#define STATUS_COUNT (sizeof(status_words) / sizeof(status_words[0]))

struct a2a_version;

struct rpc {
	uint64_t received;
	struct str status, message;	 /* of gRPC-Web's last message; p NULL */
	const struct a2a_version *agent; /* the call is A2A's; NULL: it is none */
};

/* ---- A2A's messages, from specification/a2a.proto of its 1.0 ---- */

static const char *const roles[] = {"ROLE_UNSPECIFIED", "ROLE_USER", "ROLE_AGENT", NULL};
static const char *const states[] = {
	"TASK_STATE_UNSPECIFIED",    "TASK_STATE_SUBMITTED",
	"TASK_STATE_WORKING",	     "TASK_STATE_COMPLETED",
	"TASK_STATE_FAILED",	     "TASK_STATE_CANCELED",
	"TASK_STATE_INPUT_REQUIRED", "TASK_STATE_REJECTED",
	"TASK_STATE_AUTH_REQUIRED",  NULL,
};

#define END                  \
	{                    \
		.name = NULL \
	}
static const struct genai_protobuf_field part[] = {
	{.number = 1, .name = "text", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "raw", .type = GENAI_PROTOBUF_BYTES},
	{.number = 3, .name = "url", .type = GENAI_PROTOBUF_TEXT},
	{.number = 4, .name = "data", .type = GENAI_PROTOBUF_ANY},
	{.number = 7, .name = "mediaType", .type = GENAI_PROTOBUF_TEXT},
	END,
};
static const struct genai_protobuf_field message[] = {
	{.number = 1, .name = "messageId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 4, .name = "role", .type = GENAI_PROTOBUF_WORD, .words = roles},
	{.number = 5, .name = "parts", .type = GENAI_PROTOBUF_MESSAGE, .repeated = true, .message = part},
	{.number = 8, .name = "referenceTaskIds", .type = GENAI_PROTOBUF_TEXT, .repeated = true},
	END,
};
static const struct genai_protobuf_field task_status[] = {
	{.number = 1, .name = "state", .type = GENAI_PROTOBUF_WORD, .words = states},
	{.number = 2, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = message},
	END,
};
static const struct genai_protobuf_field artifact[] = {
	{.number = 1, .name = "artifactId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 4, .name = "parts", .type = GENAI_PROTOBUF_MESSAGE, .repeated = true, .message = part},
	END,
};
static const struct genai_protobuf_field task[] = {
	{.number = 1, .name = "id", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "status", .type = GENAI_PROTOBUF_MESSAGE, .message = task_status},
	{.number = 4,
	 .name = "artifacts",
	 .type = GENAI_PROTOBUF_MESSAGE,
	 .repeated = true,
	 .message = artifact},
	END,
};
static const struct genai_protobuf_field status_update[] = {
	{.number = 1, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "status", .type = GENAI_PROTOBUF_MESSAGE, .message = task_status},
	END,
};
static const struct genai_protobuf_field artifact_update[] = {
	{.number = 1, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "artifact", .type = GENAI_PROTOBUF_MESSAGE, .message = artifact},
	END,
};
static const struct genai_protobuf_field send_request[] = {
	{.number = 1, .name = "tenant", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = message},
	END,
};
/* SendMessageResponse has the first two. */
static const struct genai_protobuf_field stream_response[] = {
	{.number = 1, .name = "task", .type = GENAI_PROTOBUF_MESSAGE, .message = task},
	{.number = 2, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = message},
	{.number = 3, .name = "statusUpdate", .type = GENAI_PROTOBUF_MESSAGE, .message = status_update},
	{.number = 4, .name = "artifactUpdate", .type = GENAI_PROTOBUF_MESSAGE, .message = artifact_update},
	END,
};

/*
 * Those of 0.3, from specification/grpc/a2a.proto: named as 1.0 has them. The drafts between the two speak of themselves as
 * a2a.v1, too; they differ in names only, and in two fields that 0.3 lacks (tenant, reference_task_ids).
 */
static const struct genai_protobuf_field old_file[] = {
	{.number = 1, .name = "uri", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "bytes", .type = GENAI_PROTOBUF_BASE64},
	{.number = 3, .name = "mimeType", .type = GENAI_PROTOBUF_TEXT},
	END,
};
static const struct genai_protobuf_field old_part[] = {
	{.number = 1, .name = "text", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "file", .type = GENAI_PROTOBUF_MESSAGE, .message = old_file},
	{.number = 3, .name = "data", .type = GENAI_PROTOBUF_BOX},
	END,
};
static const struct genai_protobuf_field old_message[] = {
	{.number = 1, .name = "messageId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 4, .name = "role", .type = GENAI_PROTOBUF_WORD, .words = roles},
	{.number = 5, .name = "parts", .type = GENAI_PROTOBUF_MESSAGE, .repeated = true, .message = old_part},
	{.number = 8, .name = "referenceTaskIds", .type = GENAI_PROTOBUF_TEXT, .repeated = true},
	END,
};
static const struct genai_protobuf_field old_status[] = {
	{.number = 1, .name = "state", .type = GENAI_PROTOBUF_WORD, .words = states},
	{.number = 2, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = old_message},
	END,
};
static const struct genai_protobuf_field old_artifact[] = {
	{.number = 1, .name = "artifactId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 5, .name = "parts", .type = GENAI_PROTOBUF_MESSAGE, .repeated = true, .message = old_part},
	END,
};
static const struct genai_protobuf_field old_task[] = {
	{.number = 1, .name = "id", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "status", .type = GENAI_PROTOBUF_MESSAGE, .message = old_status},
	{.number = 4,
	 .name = "artifacts",
	 .type = GENAI_PROTOBUF_MESSAGE,
	 .repeated = true,
	 .message = old_artifact},
	END,
};
static const struct genai_protobuf_field old_status_update[] = {
	{.number = 1, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "status", .type = GENAI_PROTOBUF_MESSAGE, .message = old_status},
	END,
};
static const struct genai_protobuf_field old_artifact_update[] = {
	{.number = 1, .name = "taskId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 2, .name = "contextId", .type = GENAI_PROTOBUF_TEXT},
	{.number = 3, .name = "artifact", .type = GENAI_PROTOBUF_MESSAGE, .message = old_artifact},
	END,
};
static const struct genai_protobuf_field old_send_request[] = {
	{.number = 1, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = old_message},
	{.number = 4, .name = "tenant", .type = GENAI_PROTOBUF_TEXT},
	END,
};
static const struct genai_protobuf_field old_stream_response[] = {
	{.number = 1, .name = "task", .type = GENAI_PROTOBUF_MESSAGE, .message = old_task},
	{.number = 2, .name = "message", .type = GENAI_PROTOBUF_MESSAGE, .message = old_message},
	{.number = 3, .name = "statusUpdate", .type = GENAI_PROTOBUF_MESSAGE, .message = old_status_update},
	{.number = 4,
	 .name = "artifactUpdate",
	 .type = GENAI_PROTOBUF_MESSAGE,
	 .message = old_artifact_update},
	END,
};

static const struct a2a_version {
	const char *service;
	const struct genai_protobuf_field *request, *response;
} versions[] = {
	{"lf.a2a.v1.A2AService", send_request, stream_response},
	{"a2a.v1.A2AService", old_send_request, old_stream_response},
};

/* ---- the request ---- */

/* The first message of a body that begins with it; p NULL: there is none here. *bytes: with its prefix. */
static struct str first_message(struct str body, bool *compressed, size_t *bytes)
{
	const unsigned char *p = (const unsigned char *)body.p;

	if (body.n < 5)
		return STR_NONE;
	size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];

	if (n > body.n - 5)
		return STR_NONE;
	*compressed = p[0] & 1;
	*bytes = 5 + n;
	return str_make(body.p + 5, n);
}

static const struct json *message_json(struct genai_work *w, struct str bytes,
				       const struct genai_protobuf_field *fields)
{
	struct str text = genai_protobuf_json(w, bytes, fields);

	return text.p ? json_parse(genai_scratch(w), text, NULL) : NULL;
}

/* NULL: it is no call of A2A's that sends a message. */
static const struct a2a_version *agent_find(struct genai_work *w, struct str service, struct str method,
					    struct str body)
{
	bool streams = str_eq(method, STR("SendStreamingMessage")), compressed = false;
	const struct a2a_version *version = NULL;
	size_t bytes;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (str_eq(service, str_of(versions[i].service)))
			version = &versions[i];
	if (version == NULL || (!streams && !str_eq(method, STR("SendMessage"))))
		return NULL;
	struct str first = first_message(body, &compressed, &bytes);

	if (first.p == NULL || compressed ||
	    !genai_a2a_request(w, message_json(w, first, version->request), streams)) {
		w->c.note = "A2A: its message cannot be read";
		return NULL;
	}
	return version;
}

static bool is_grpc(struct str type)
{
	struct str rest = str_skip(type, sizeof("application/grpc") - 1);

	return str_starts(type, STR("application/grpc")) &&
	       (rest.n == 0 || rest.p[0] == '+' || str_starts(rest, STR("-web")));
}

bool genai_grpc_find(struct genai_work *w, struct str body)
{
	struct genai_call *c = &w->c;
	struct str service, method = str_skip(c->path, 1);

	if (!str_eq(c->x->method, STR("POST")) || !is_grpc(c->x->request.content_type))
		return false;
	/* A name of the service may have slashes before it, where a proxy routes by them. */
	struct str label = method;

	service = STR_NONE;
	for (ptrdiff_t at; (at = str_find_char(method, '/')) >= 0;) {
		service = str_head(method, (size_t)at);
		method = str_skip(method, (size_t)at + 1);
	}
	if (service.n == 0 || method.n == 0)
		return false;
	struct rpc *r = arena_alloc(c->arena, sizeof(*r));

	if (r == NULL)
		return false;
	w->native = r;
	genai_param_add_str(w, "rpc.system", STR("grpc"));
	genai_param_add_str(w, "rpc.service", service);
	genai_param_add_str(w, "rpc.method", method);
	r->agent = agent_find(w, service, method, body);
	w->decoder = &genai_grpc;
	if (r->agent == NULL)
		c->label = label;
	return true;
}

/* ---- the answer ---- */

static void trailers_read(struct genai_work *w, struct rpc *r, struct str lines)
{
	struct str line, name, value;

	while (lines.n > 0) {
		lines = str_cut(lines, '\n', &line);
		value = str_trim(str_cut(line, ':', &name));
		if (str_ieq(str_trim(name), STR("grpc-status")))
			r->status = arena_dup(w->c.arena, value);
		else if (str_ieq(str_trim(name), STR("grpc-message")))
			r->message = arena_dup(w->c.arena, value);
	}
}

static bool event(struct genai_work *w, const struct http_event *ev)
{
	struct rpc *r = w->native;

	if (str_eq(ev->event, STR("trailers"))) {
		trailers_read(w, r, ev->data);
		return false;
	}
	r->received++;
	if (r->agent != NULL && ev->event.n == 0)
		genai_a2a_result(w, message_json(w, ev->data, r->agent->response), ev->ts_ns);
	return false;
}

static uint64_t sent_count(struct str body)
{
	bool compressed;
	uint64_t n = 0;
	size_t bytes = 0;

	while (first_message(body, &compressed, &bytes).p != NULL) {
		body = str_skip(body, bytes);
		n++;
	}
	return n;
}

static struct str field_get(const struct http_message *m, const char *name)
{
	struct str s = http_trailer(m, name);

	return str_trim(s.p ? s : http_field(m, name));
}

/* What is a client's mistake is no error of the server's, as OpenTelemetry has it. */
static bool is_error(const struct genai_work *w, uint64_t status)
{
	static const uint64_t servers[] = {2, 4, 12, 13, 14, 15};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (status == servers[i])
			return true;
	return status != 0 && !w->c.x->server_side;
}

static void status_read(struct genai_work *w, struct rpc *r)
{
	const struct http_message *m = &w->c.x->response;
	struct str status = r->status.p ? r->status : field_get(m, "grpc-status"),
		   told = r->message.p ? r->message : field_get(m, "grpc-message");
	struct genai_call *c = &w->c;
	uint64_t n;

	if (!str_to_u64(status, &n))
		return;
	w->finished = true;
	genai_param_add_json(w, "rpc.grpc.status_code",
			     arena_printf(c->arena, "%llu", (unsigned long long)n));
	if (!is_error(w, n) || c->status == GENAI_ERROR)
		return;
	c->status = GENAI_ERROR;
	c->error_type = n < STATUS_COUNT ? str_of(status_words[n]) : arena_dup(c->arena, status);
	c->error_message = told.n > 0 ? genai_server_unescape(w, told) : STR_NONE;
}

static void finish(struct genai_work *w)
{
	const struct http_exchange *x = w->c.x;
	struct rpc *r = w->native;

	if (!x->request.torn && x->request.body_kept)
		genai_param_add_json(
			w, "bottrace.rpc.sent",
			arena_printf(w->c.arena, "%llu", (unsigned long long)sent_count(x->request.body)));
	if (!x->response.torn)
		genai_param_add_json(w, "bottrace.rpc.received",
				     arena_printf(w->c.arena, "%llu", (unsigned long long)r->received));
	w->finished |= x->response.done;
	if (r->agent != NULL)
		genai_a2a_finish(w);
	status_read(w, r);
}

/* A body of another type is none of gRPC's: a proxy's. */
static void response(struct genai_work *w, const struct json *body)
{
	(void)body;
	finish(w);
}

const struct genai_decoder genai_grpc = {
	.kind = GENAI_HTTP, .always = true, .response = response, .event = event, .finish = finish};
