/* SPDX-License-Identifier: BSD-2-Clause */
/* A call that is a part of an exchange, or of a pipe: with an exchange of its own, made of what carries it. */
#include "genai/decoder.h"

/* What of the carrier's head holds for its parts. */
static void fields_copy(struct http_message *to, const struct http_message *from, struct arena *a)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < from->count; i++)
		n += str_istarts(from->fields[i].name, STR("mcp-"));
	if (n == 0)
		return;
	to->fields = arena_alloc(a, n * sizeof(*to->fields));
	for (uint32_t i = 0; to->fields && i < from->count; i++)
		if (str_istarts(from->fields[i].name, STR("mcp-")))
			to->fields[to->count++] = (struct http_field){
				.name = arena_dup(a, from->fields[i].name),
				.value = arena_dup(a, from->fields[i].value),
			};
}

struct genai_work *genai_work_part(struct genai_work *up, const struct genai_rpc_at *at)
{
	const struct http_exchange *from = up->c.x;
	struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	struct http_exchange *x = a ? arena_alloc(a, sizeof(*x)) : NULL;
	struct genai_work *w;

	if (x == NULL) {
		arena_free(a);
		return NULL;
	}
	*x = (struct http_exchange){
		.index = from->index << 32 | ++up->parts,
		.conn = from->conn,
		.tid = at->tid,
		.server_side = from->server_side,
		.http2 = from->http2,
		.request_seen = true,
		.arena = a,
	};
	x->request = (struct http_message){
		.begun = true,
		.done = true,
		.wire_bytes = at->bytes,
		.body_bytes = at->bytes,
		.decoded_bytes = at->bytes,
		.start_ns = at->start_ns,
		.first_ns = at->ts_ns,
		.end_ns = at->ts_ns,
		.offset = at->offset,
		.write = at->write,
	};
	fields_copy(&x->request, &from->request, a);
	w = genai_work_new(up->g, x);
	if (w == NULL) {
		arena_free(a);
		return NULL;
	}
	w->is_own = true;
	w->is_pipe = up->is_pipe;
	w->c.path = up->c.path.p ? arena_dup(a, up->c.path) : STR_NONE;
	if (up->c.server.p != NULL) {
		w->c.server = arena_dup(a, up->c.server);
		w->c.port = up->c.port;
	}
	w->whole = true;
	return w;
}
