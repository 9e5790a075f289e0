/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of a call: from http's events to the callbacks of genai_ops. What a body means is the decoders' business. */
#include "genai/genai.h"

#include "genai/decoder.h"

#define SCRATCH_KEEP_BYTES (256u << 10) /* a scratch arena that grew beyond this is given back */
#define TEXT_KEEP_BYTES	   (1u << 20)
#define PLAIN_MESSAGE_MAX  4096u /* of an error body that is plain text */

struct genai {
	const struct genai_ops *ops;
	void *ctx;
	struct genai_stats stats;
	struct arena *scratch;
	struct buf text;
	struct genai_history *history;
	struct genai_rpc_table *rpc;
	struct map *agents;
};

struct genai *genai_new(const struct genai_ops *ops, void *ctx)
{
	struct genai *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->ops = ops;
	g->ctx = ctx;
	buf_init(&g->text, LIMIT_INFLATED_BYTES);
	g->history = genai_history_new();
	if (g->history == NULL) {
		free(g);
		return NULL;
	}
	return g;
}

void genai_free(struct genai *g)
{
	if (g == NULL)
		return;
	genai_rpc_fini(g->rpc);
	genai_a2a_fini(g->agents);
	arena_free(g->scratch);
	buf_fini(&g->text);
	genai_history_free(g->history);
	free(g);
}

struct genai_rpc_table **genai_rpc_table(struct genai *g)
{
	return &g->rpc;
}

struct map **genai_agents(struct genai *g)
{
	return &g->agents;
}

struct genai_stats genai_stats(const struct genai *g)
{
	return g->stats;
}

/* ---- memory for the moment ---- */

struct arena *genai_scratch(struct genai_work *w)
{
	if (w->g->scratch == NULL)
		w->g->scratch = arena_new(LIMIT_SPAN_BYTES);
	return w->g->scratch;
}

struct buf *genai_text(struct genai_work *w)
{
	buf_clear(&w->g->text);
	return &w->g->text;
}

void genai_scratch_trim(struct genai *g)
{
	if (g->scratch != NULL && arena_size(g->scratch) > SCRATCH_KEEP_BYTES) {
		arena_free(g->scratch);
		g->scratch = NULL;
	}
	if (g->text.cap > TEXT_KEEP_BYTES)
		buf_fini(&g->text);
}

/* ---- telling ---- */

void genai_told_first(struct genai_work *w, uint64_t ts_ns)
{
	if (w->first_told)
		return;
	w->first_told = true;
	w->c.first_chunk_ns = ts_ns;
	if (w->g->ops->first)
		w->g->ops->first(w->g->ctx, &w->c);
}

void genai_told_tool(struct genai_work *w, const struct genai_part *result, uint64_t ts_ns)
{
	if (w->g->ops->tool)
		w->g->ops->tool(w->g->ctx, &w->c, result, ts_ns);
}

void genai_mark_broken(struct genai_work *w, enum wire_dir dir, uint64_t offset, const char *why)
{
	if (w->c.broken.set)
		return;
	w->c.broken = (struct http_broken){.set = true, .dir = dir, .offset = offset, .why = why};
}

enum wire_dir genai_answer_dir(const struct genai_work *w)
{
	return w->c.x->server_side ? WIRE_WRITE : WIRE_READ;
}

/* What could not be read is an error of its own, unless the provider told one. */
static bool is_broken(struct genai_work *w)
{
	struct genai_call *c = &w->c;

	if (!c->broken.set)
		c->broken = c->x->broken;
	if (c->status == GENAI_ERROR || !c->broken.set)
		return false;
	c->error_type = STR("broken");
	c->error_message = str_of(c->broken.why);
	return true;
}

void genai_settle(struct genai_work *w, enum genai_status status, uint64_t end_ns)
{
	struct genai *g = w->g;

	if (w->closed)
		return;
	w->closed = true;
	if (w->rpc != NULL)
		genai_rpc_settled(w);
	w->c.status = status;
	w->c.end_ns = end_ns;
	genai_estimate(w);
	if (w->c.kind == GENAI_HTTP)
		g->stats.http++;
	else
		g->stats.calls++;
	if (w->c.broken.set)
		g->stats.broken++;
	if (g->ops->close)
		g->ops->close(g->ctx, &w->c);
}

/* ---- events ---- */

const struct json *genai_event_json(struct genai_work *w, const struct http_event *ev)
{
	struct arena *scratch = genai_scratch(w);
	struct str data = str_trim(ev->data);
	struct json_end end = {0};

	if (scratch == NULL || data.n == 0 || (data.p[0] != '{' && data.p[0] != '['))
		return NULL;
	const struct json *j = json_parse(scratch, data, &end);

	if (end.state == JSON_WHOLE)
		return j;
	if (end.state != JSON_MEMORY && !genai_has_gap(w->c.x, genai_answer_dir(w)))
		genai_mark_broken(w, genai_answer_dir(w), w->c.x->response.offset, "an event is no JSON");
	return NULL;
}

void genai_understood(struct genai_work *w)
{
	w->understood = true;
	for (uint32_t i = 0; i < w->c.input_count; i++)
		w->c.input[i].exact = genai_message_exact(&w->c.input[i]);
	genai_omitted_tell(w);
	if (w->g->ops->request)
		w->g->ops->request(w->g->ctx, &w->c);
}

void genai_end(struct genai_work *w)
{
	if (w->g->ops->end)
		w->g->ops->end(w->g->ctx, &w->c);
	genai_history_leave(w);
}

static void understand(struct genai_work *w)
{
	if (w->understood)
		return;
	w->understood = true;
	if (w->c.x->request_seen && w->c.x->request.head_done)
		genai_request_read(w);
	genai_scratch_trim(w->g);
	if (w->g->ops->request)
		w->g->ops->request(w->g->ctx, &w->c);
}

/* ---- http's events ---- */

struct genai_work *genai_work_new(struct genai *g, struct http_exchange *x)
{
	struct genai_work *w = arena_alloc(x->arena, sizeof(*w));

	x->user = w;
	if (w == NULL)
		return NULL;
	w->g = g;
	w->g_history = g->history;
	w->c = (struct genai_call){
		.x = x,
		.kind = GENAI_HTTP,
		.usage = GENAI_USAGE_UNKNOWN,
		.status = GENAI_OPEN,
		.retry_count = -1,
		/* Who waits for a request begins to read long before it comes. */
		.start_ns = !x->request_seen ? x->response.start_ns
			    : x->server_side ? x->request.first_ns
					     : x->request.start_ns,
		.arena = x->arena,
	};
	genai_server_read(w);
	if (g->ops->begin)
		g->ops->begin(g->ctx, &w->c);
	return w;
}

static void on_begin(void *ctx, struct http_exchange *x)
{
	(void)genai_work_new(ctx, x);
}

static void on_request_head(void *ctx, struct http_exchange *x)
{
	struct genai_work *w = x->user;
	uint64_t n;

	(void)ctx;
	if (w == NULL)
		return;
	w->c.path = genai_server_path(x->target);
	genai_server_read(w);
	if (str_to_u64(str_trim(http_field(&x->request, "x-stainless-retry-count")), &n) && n < 1000)
		w->c.retry_count = (int)n;
}

static void on_request_done(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	if (x->user != NULL)
		understand(x->user);
}

static void on_response_head(void *ctx, struct http_exchange *x)
{
	struct genai_work *w = x->user;

	(void)ctx;
	if (w == NULL)
		return;
	x->wanted = w->decoder != NULL;
	w->c.first_byte_ns = x->response.first_ns;
	w->c.retry_after_ns = genai_server_retry_after(&x->response);
	genai_terms_fields(w);
	/* A gateway on a host of somebody's own gives itself away only here. */
	if (genai_is_model(w->c.kind) && genai_provider_find(w->c.server, w->c.port).p == NULL) {
		struct str gateway = genai_provider_gateway(&x->response);

		if (gateway.p != NULL)
			w->c.provider = gateway;
	}
}

static void on_response_body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	(void)ctx;
	(void)x;
	(void)ts_ns;
}

void genai_finish_call(struct genai_work *w, uint64_t end_ns)
{
	w->finished = true;
	w->decoder->finish(w);
	genai_omitted_tell(w);
	bool bad = w->c.status == GENAI_ERROR || is_broken(w);

	genai_settle(w, bad ? GENAI_ERROR : GENAI_OK, end_ns);
}

static void on_event(void *ctx, struct http_exchange *x, const struct http_event *ev)
{
	struct genai_work *w = x->user;

	(void)ctx;
	if (w == NULL || w->closed)
		return;
	understand(w);
	if (w->decoder == NULL && str_eq(x->method, STR("GET")))
		genai_rpc_listen(w, ev);
	if (w->decoder == NULL)
		return;
	w->streamed = true;
	if (w->decoder->event(w, ev))
		genai_finish_call(w, ev->ts_ns);
	genai_scratch_trim(w->g);
}

/* The answer as far as it came: fills outputs, or the error. */
static void answer_read(struct genai_work *w)
{
	const struct http_message *m = &w->c.x->response;
	const struct json *j = NULL;

	if (w->decoder != NULL)
		genai_cut_tell(w, m, genai_answer_dir(w));
	bool none = m->body.n == 0 && m->tail.n == 0;

	if (w->decoder != NULL && (w->streamed || (w->decoder->always && none))) {
		w->decoder->finish(w);
	} else if (w->decoder != NULL && (m->body.n > 0 || m->tail.n > 0)) {
		bool plain =
			w->c.x->status >= 400 && m->body.n > 0 && m->body.p[0] != '{' && m->body.p[0] != '[';

		/* A proxy's page of apology is no broken JSON. */
		j = plain ? NULL : genai_body_json(w, m, m->body, genai_answer_dir(w));
		if (w->c.x->status < 400)
			w->decoder->response(w, j);
		else if (plain && str_eq(m->content_type, STR("text/plain")))
			w->c.error_message =
				arena_dup(w->c.arena, str_head(str_trim(m->body), PLAIN_MESSAGE_MAX));
	}
	genai_omitted_tell(w);
	if (w->decoder != NULL && w->c.x->status >= 400)
		genai_error_read(w, j);
	genai_scratch_trim(w->g);
}

static uint64_t last_ns(const struct http_exchange *x)
{
	uint64_t ns = x->request.end_ns > x->response.end_ns ? x->request.end_ns : x->response.end_ns;

	if ((x->end == HTTP_END_CLOSED || x->end == HTTP_END_ABORTED) && x->conn->close_ns > ns)
		ns = x->conn->close_ns;
	return ns;
}

static bool is_complete(const struct genai_work *w)
{
	const struct http_exchange *x = w->c.x;

	/* Its end may stand in a part left out. */
	if (w->decoder != NULL && w->streamed && x->response.torn && !genai_has_gap(x, genai_answer_dir(w)))
		return w->finished || x->response.done;
	if (w->decoder != NULL && w->streamed)
		return w->finished;
	if (w->decoder != NULL && x->response.body.n > 0 && genai_has_gap(x, genai_answer_dir(w)))
		return w->whole;
	if (x->end == HTTP_END_DONE || x->end == HTTP_END_UPGRADED)
		return true;
	return x->response.done || (w->decoder != NULL && x->response.body.n > 0 && w->whole);
}

/* An error of plain http as OpenTelemetry has it: a server is not to blame for its clients' mistakes. */
static bool is_http_error(const struct http_exchange *x)
{
	return x->status >= (x->server_side ? 500 : 400);
}

/* Status at the exchange's end; GENAI_OPEN: it goes on without us. */
static enum genai_status outcome(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	bool complete = is_complete(w);

	if (c->x->broken.set && !c->broken.set)
		c->broken = c->x->broken;
	if (c->status == GENAI_ERROR)
		return GENAI_ERROR;
	if (w->decoder == NULL && is_http_error(c->x)) {
		c->error_type = arena_printf(c->arena, "%d", c->x->status);
		return GENAI_ERROR;
	}
	if (is_broken(w))
		return GENAI_ERROR;
	if (complete)
		return GENAI_OK;
	if (c->x->reset != NULL)
		c->error_type = str_of(c->x->reset);
	return c->x->end == HTTP_END_SESSION ? GENAI_OPEN : GENAI_ABORTED;
}

static void on_message(void *ctx, struct http_exchange *x, const struct http_ws_message *m)
{
	struct genai *g = ctx;

	if (x->user != NULL)
		genai_lane_feed(x->user, m);
	genai_scratch_trim(g);
}

static void on_done(void *ctx, struct http_exchange *x)
{
	struct genai_work *w = x->user;

	(void)ctx;
	if (w == NULL)
		return;
	genai_lane_close(w, x->end);
	if (genai_rpc_outlive(w))
		return;
	if (!w->closed) {
		if (w->c.first_byte_ns == 0 && x->response.begun)
			w->c.first_byte_ns = x->response.first_ns;
		understand(w);
		answer_read(w);
		enum genai_status status = outcome(w);

		if (status != GENAI_OPEN)
			genai_settle(w, status, x->end == HTTP_END_DONE ? x->response.end_ns : last_ns(x));
	}
	genai_end(w);
	x->user = NULL;
}

static void on_stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		     const struct http_gap *gap)
{
	struct genai *g = ctx;

	if (g->ops->stray)
		g->ops->stray(g->ctx, conn, dir, bytes, gap);
}

const struct http_ops *genai_http_ops(void)
{
	static const struct http_ops ops = {
		.begin = on_begin,
		.request_head = on_request_head,
		.request_done = on_request_done,
		.response_head = on_response_head,
		.response_body = on_response_body,
		.event = on_event,
		.message = on_message,
		.done = on_done,
		.line = genai_pipe_hear,
		.lines_end = genai_pipe_end,
		.stray = on_stray,
	};

	return &ops;
}
