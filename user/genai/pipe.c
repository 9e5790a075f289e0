/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two programs that speak in lines, over a pair of pipes: JSON-RPC (MCP's stdio), or an agent's program with its
 * stream-json. The first line that can be told decides. Nothing of the pipe itself is a call.
 */
#include <stdlib.h>

#include "genai/decoder.h"

#define PIPE_LINES_MAX 64u /* without a line that can be told it is something else */

struct genai_pipe {
	struct genai_work up; /* stands for the exchange that there is none of; told to nobody */
	struct http_exchange x;
	enum genai_pipe_talk talk;
	bool sides_known;
	enum wire_dir client; /* direction in which the client's lines go */
	uint32_t lines;	      /* that could not be told */
	struct genai_agent *agent;
};

struct genai_pipe *genai_pipe_new(struct genai *g, struct flow_conn *conn)
{
	struct genai_pipe *p = calloc(1, sizeof(*p));
	struct arena *a = arena_new(LIMIT_SPAN_BYTES);

	if (p == NULL || a == NULL) {
		arena_free(a);
		free(p);
		return NULL;
	}
	p->x = (struct http_exchange){.index = 1, .conn = conn, .arena = a};
	p->up.g = g;
	p->up.is_pipe = true;
	p->up.c = (struct genai_call){.x = &p->x, .arena = a};
	p->up.session = arena_printf(a, "pipe %u", conn->id);
	p->client = WIRE_WRITE;
	return p;
}

/* Who of the two asks: MCP's methods that only one side may call. */
static bool is_servers(struct str method)
{
	return str_starts(method, STR("sampling/")) || str_starts(method, STR("elicitation/")) ||
	       str_starts(method, STR("roots/")) || str_eq(method, STR("notifications/message")) ||
	       str_ends(method, STR("/list_changed"));
}

static bool is_clients(struct str method)
{
	return str_eq(method, STR("initialize")) || str_starts(method, STR("tools/")) ||
	       str_starts(method, STR("resources/")) || str_starts(method, STR("prompts/")) ||
	       str_starts(method, STR("server/")) || str_starts(method, STR("completion/")) ||
	       str_eq(method, STR("notifications/initialized"));
}

static void sides_tell(struct genai_pipe *p, enum wire_dir dir, struct str method)
{
	bool clients = is_clients(method);

	if (p->sides_known || (!clients && !is_servers(method)))
		return;
	p->sides_known = true;
	p->client = clients ? dir : (dir == WIRE_READ ? WIRE_WRITE : WIRE_READ);
	p->x.server_side = p->client == WIRE_READ;
}

static void rpc_feed(struct genai_pipe *p, const struct genai_pipe_line *line, const struct json *j)
{
	struct genai_rpc_at at = {
		.start_ns = line->start_ns,
		.ts_ns = line->ts_ns,
		.offset = line->offset,
		.write = line->write,
		.bytes = line->text.n + 1,
		.tid = line->tid,
	};

	sides_tell(p, line->dir, json_get_str(genai_scratch(&p->up), j, "method"));
	at.from_server = line->dir != p->client;
	genai_rpc_dispatch(&p->up, j, &at);
}

void genai_pipe_feed(struct genai_pipe *p, const struct genai_pipe_line *line)
{
	struct str text = str_trim(line->text);
	struct arena *scratch = genai_scratch(&p->up);
	struct json_end end = {0};

	if (p->talk == GENAI_PIPE_NOTHING || text.n == 0 || (text.p[0] != '{' && text.p[0] != '[') ||
	    scratch == NULL)
		return;
	const struct json *j = json_parse(scratch, text, &end);
	const struct json *first = json_type(j) == JSON_ARRAY ? json_at(j, 0) : j;

	if (p->talk == GENAI_PIPE_UNKNOWN && json_is(json_get(first, "jsonrpc"), "2.0"))
		p->talk = GENAI_PIPE_RPC;
	else if (p->talk == GENAI_PIPE_UNKNOWN && genai_agent_knows(&p->up, j))
		p->talk = GENAI_PIPE_AGENT;
	else if (p->talk == GENAI_PIPE_UNKNOWN && ++p->lines >= PIPE_LINES_MAX)
		p->talk = GENAI_PIPE_NOTHING;
	if (end.state == JSON_WHOLE && p->talk == GENAI_PIPE_RPC)
		rpc_feed(p, line, j);
	else if (end.state == JSON_WHOLE && p->talk == GENAI_PIPE_AGENT)
		genai_agent_feed(&p->agent, &p->up, line, j);
	genai_scratch_trim(p->up.g);
}

enum http_heard genai_pipe_hear(void *ctx, struct flow_conn *conn, void **user, const struct http_line *l)
{
	struct genai_pipe *p = *user;

	if (p == NULL)
		p = *user = genai_pipe_new(ctx, conn);
	if (p == NULL)
		return HTTP_HEARD_ENOUGH;
	genai_pipe_feed(p, &(struct genai_pipe_line){.dir = l->dir,
						     .text = l->text,
						     .cut = l->cut,
						     .start_ns = l->start_ns,
						     .ts_ns = l->ts_ns,
						     .offset = l->offset,
						     .write = l->write,
						     .tid = l->tid});
	if (p->talk == GENAI_PIPE_UNKNOWN)
		return HTTP_HEARD_SO_FAR;
	return p->talk == GENAI_PIPE_NOTHING ? HTTP_HEARD_ENOUGH : HTTP_HEARD_KNOWN;
}

void genai_pipe_end(void *ctx, struct flow_conn *conn, void *user, enum http_end end, uint64_t ts_ns)
{
	(void)ctx;
	(void)conn;
	genai_pipe_free(user, end, ts_ns);
}

void genai_pipe_free(struct genai_pipe *p, enum http_end end, uint64_t ts_ns)
{
	if (p == NULL)
		return;
	genai_rpc_abandon(&p->up, end, ts_ns);
	genai_agent_free(p->agent, end, ts_ns);
	arena_free(p->x.arena);
	free(p);
}
