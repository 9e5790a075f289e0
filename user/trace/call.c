/* SPDX-License-Identifier: BSD-2-Clause */
/* Model calls and plain http: their spans, from genai's callbacks. */
#include <stdlib.h>

#include "base/jsonw.h"
#include "base/limits.h"
#include "trace/set.h"

/* ---- list of the open ones ---- */

static void list(struct trace_set *t, struct trace_call *k)
{
	k->prev = t->last_call;
	if (t->last_call)
		t->last_call->next = k;
	else
		t->calls = k;
	t->last_call = k;
	t->call_count++;
}

static void unlist(struct trace_set *t, struct trace_call *k)
{
	if (k->prev)
		k->prev->next = k->next;
	else
		t->calls = k->next;
	if (k->next)
		k->next->prev = k->prev;
	else
		t->last_call = k->prev;
	t->call_count--;
}

void trace_call_free(struct trace_set *t, struct trace_call *k)
{
	unlist(t, k);
	if (k->tool)
		k->tool->call = NULL;
	trace_hop_forget(t, k);
	trace_serve_forget(t, k);
	trace_speaker_forget(k);
	trace_stack_forget(t, k);
	trace_retry_drop(t, k->before);
	if (k->grouped)
		trace_keep_leave(t, k->id);
	if (k->c)
		k->c->user = NULL;
	free(k);
}

/* ---- attributes ---- */

const char *trace_call_kind(enum genai_kind kind)
{
	switch (kind) {
	case GENAI_CHAT:
		return "chat";
	case GENAI_TEXT_COMPLETION:
		return "text_completion";
	case GENAI_GENERATE_CONTENT:
		return "generate_content";
	case GENAI_EMBEDDINGS:
		return "embeddings";
	case GENAI_RERANK:
		return "rerank";
	case GENAI_EXECUTE_TOOL:
		return "execute_tool";
	case GENAI_MCP:
		return "mcp";
	case GENAI_INVOKE_AGENT:
		return "invoke_agent";
	case GENAI_HTTP:
		break;
	}
	return "http";
}

static struct str name_of(struct trace_draft *d, const struct genai_call *c)
{
	struct str method = c->x && c->x->method.n ? c->x->method : STR("HTTP");
	struct str a = c->operation	       ? str_of(c->operation)
		       : c->kind == GENAI_HTTP ? method
		       : c->kind == GENAI_MCP  ? c->method
					       : str_of(trace_call_kind(c->kind));
	if (c->kind == GENAI_HTTP && c->label.n > 0) /* gRPC's service and method */
		return c->label;
	struct str b = c->kind == GENAI_HTTP	 ? c->path
		       : genai_is_model(c->kind) ? c->request_model
						 : c->label;

	if (b.n == 0 || d->failed)
		return a;
	struct buf *text = trace_draft_buf(d);
	buf_add(text, a);
	buf_add_char(text, ' ');
	buf_add(text, b);
	return buf_str(text);
}

/* 1 + retries, where the client counts them; those before we looked included. */
static void draft_attempts(struct trace_draft *d, const struct trace_call *k)
{
	uint32_t seen = (k->before && !k->before->asked ? k->before->attempt_count : 0) + 1;
	uint32_t said = k->c->retry_count > 0 ? (uint32_t)k->c->retry_count + 1 : 1;

	trace_draft_i64(d, "bottrace.attempts", seen > said ? seen : said);
}

static void draft_broken(struct trace_draft *d, const struct genai_call *c)
{
	struct jsonw w;

	if (!c->broken.set)
		return;
	struct buf *text = trace_draft_buf(d);
	jsonw_init(&w, text);
	jsonw_object(&w);
	jsonw_z(jsonw_key(&w, "direction"), c->broken.dir == WIRE_READ ? "read" : "write");
	jsonw_u64(jsonw_key(&w, "offset"), c->broken.offset);
	jsonw_z(jsonw_key(&w, "why"), c->broken.why);
	jsonw_object_end(&w);
	trace_draft_json(d, "bottrace.broken", buf_str(text));
}

static void draft_cut(struct trace_draft *d, const struct genai_call *c)
{
	if (!c->cut.set)
		return;
	struct buf *text = trace_draft_buf(d);
	buf_addf(text,
		 "{\"direction\":\"%s\",\"body_offset\":%llu,\"why\":\"encoded: not readable behind what was "
		 "left out\"}",
		 c->cut.dir == WIRE_READ ? "read" : "write", (unsigned long long)c->cut.body_offset);
	trace_draft_json(d, "bottrace.cut", buf_str(text));
}

/* ---- status, events, gaps ---- */

static void draft_status(struct trace_draft *d, const struct trace_call *k, bool open)
{
	const struct genai_call *c = k->c;
	const struct http_exchange *x = c->x;
	bool refused = c->kind == GENAI_HTTP && x && x->status >= (x->server_side ? 500 : 400);

	if (open || c->status == GENAI_OPEN || c->asks.lo != 0) {
		d->s.status = TRACE_STATUS_OPEN;
		d->s.end_ns = 0;
		return;
	}
	if (c->status == GENAI_ABORTED) {
		d->s.status = TRACE_STATUS_ABORTED;
		d->s.status_type = c->error_type;
		d->s.status_message = c->error_message;
	} else if (c->status == GENAI_ERROR || c->broken.set || refused) {
		d->s.status = TRACE_STATUS_ERROR;
		d->s.status_type = c->error_type;
		d->s.status_message = c->error_message;
		if (d->s.status_type.n == 0 && c->broken.set) {
			d->s.status_type = STR("broken");
			d->s.status_message = str_of(c->broken.why);
		} else if (d->s.status_type.n == 0 && x && x->status && !d->failed) {
			d->s.status_type = arena_printf(d->a, "%d", x->status);
		}
	} else {
		d->s.status = TRACE_STATUS_OK;
	}
	if (d->s.status_type.n)
		trace_draft_str(d, "error.type", d->s.status_type);
}

static void draft_events(struct trace_draft *d, const struct trace_call *k)
{
	const struct trace_failed *before = k->before;
	uint32_t retries = before ? before->attempt_count : 0;
	bool first = k->c->first_chunk_ns != 0;

	trace_draft_events(d, retries + first);
	for (uint32_t i = 0; i < retries; i++) {
		const struct trace_attempt *a = &before->attempts[i];
		struct trace_event *e =
			trace_draft_event(d, a->asked ? "input_required" : "retry", a->time_ns, 4);

		trace_draft_event_i64(e, "bottrace.attempt", i + 1);
		if (a->status)
			trace_draft_event_i64(e, "http.response.status_code", a->status);
		if (a->type[0])
			trace_draft_event_str(e, "error.type", str_of(a->type));
		if (a->retry_after_ns)
			trace_draft_event_i64(e, "bottrace.retry_after_ms",
					      (int64_t)(a->retry_after_ns / 1000000));
	}
	if (first)
		(void)trace_draft_event(d, "first_token", k->c->first_chunk_ns, 0);
}

uint32_t trace_call_gaps(const struct genai_call *c)
{
	uint32_t n = 0;

	for (const struct http_gap *g = c->x ? c->x->gaps : NULL; g != NULL; g = g->next)
		n++;
	return n;
}

static void draft_gaps(struct trace_draft *d, struct trace_call *k)
{
	const struct trace_failed *before = k->before;
	uint32_t own = trace_call_gaps(k->c), earlier = before ? before->gap_count : 0;

	trace_draft_gaps(d, own + earlier);
	for (uint32_t i = 0; i < earlier; i++)
		trace_draft_gap(d, &before->gaps[i]);
	for (const struct http_gap *g = own ? k->c->x->gaps : NULL; g != NULL; g = g->next)
		trace_draft_gap(d, &(struct trace_gap){k->connection, g->dir, g->offset, g->bytes, g->cause});
	k->gaps_told = own;
}

/* Once its id is settled: a retry has that of the first attempt. */
static void enter(struct trace_set *t, struct trace_call *k)
{
	if (!k->grouped)
		trace_keep_enter(t, k->root, k->id);
	k->grouped = true;
}

static uint64_t parent_of(const struct trace_call *k)
{
	uint64_t place = trace_call_place(k);

	return place ? place : trace_process_parent(k->process);
}

static void tell(struct trace_set *t, struct trace_call *k, bool open)
{
	const struct genai_call *c = k->c;
	struct trace_draft d;

	enter(t, k);
	trace_stack_settle(t, k);
	trace_serve_settle(k);
	trace_visit_add(t, k);
	if (k->continues.id && !trace_keep_has(t, k->continues.id))
		k->continues = (struct trace_continues){0}; /* it may go: this one is told whole */
	trace_draft_init(&d);
	d.s.id = k->id;
	d.s.seq = k->seq;
	d.s.parent = parent_of(k);
	d.s.kind = trace_call_kind(c->kind);
	d.s.start_ns = k->before ? k->before->start_ns : c->start_ns;
	d.s.end_ns = c->end_ns ? c->end_ns : t->now_ns;
	d.s.pid = k->process->proc ? k->process->proc->pid : 0;
	d.s.tid = c->x ? c->x->tid : 0;
	if (trace_serve_draft(k, &d)) {
		/* it is the other end of somebody's request */
	} else if (k->parent == 0 && k->served_for.parent) {
		trace_served_draft(&d, &k->served_for, d.s.pid, d.s.tid);
	} else if (k->parent) {
		trace_draft_link(&d, k->parent_how, true);
		if (strcmp(k->parent_how, "marker") == 0)
			trace_draft_evidence(&d, "thread %u of pid %u wrote it inside that step", d.s.tid,
					     d.s.pid);
		else
			trace_draft_evidence(&d, "the program's own messages say so");
	} else if (d.s.parent) {
		trace_draft_link(&d, "process", k->process->id != 0);
		trace_draft_evidence(&d, "pid %u made this call; no agent is known", d.s.pid);
	}
	trace_hop_draft(k, &d);
	trace_stack_draft(t, &d, k);
	draft_status(&d, k, open);
	trace_attribute_draft(&d, k, t->light);
	if (!open)
		trace_cost_draft(t, &d, c);
	if (k->before && k->before->seen)
		trace_join_merge(&d, k->before->seen);
	if (k->served_by)
		trace_draft_str(&d, "bottrace.served_by", trace_draft_hex(&d, k->served_by));
	draft_attempts(&d, k);
	draft_broken(&d, c);
	draft_cut(&d, c);
	draft_events(&d, k);
	draft_gaps(&d, k);
	/* Last: it may take a buf of its own. */
	d.s.name = name_of(&d, c);
	trace_request_tell(t, k, &d.s);
	trace_tell(t, k->root, &d, &k->told);
}

/* ---- what genai calls ---- */

/* In which of its own steps the program makes the call, as far as the thread that wrote it tells. */
static void place(struct trace_set *t, struct trace_call *k)
{
	const struct http_exchange *x = k->c->x;
	struct trace_place place;

	k->root = k->process->root;
	if (x == NULL || x->server_side || x->tid == 0)
		return;
	if (!trace_marker_place(t, k->process, x->tid, &place)) {
		(void)trace_serve_place(k->process, k->root, x->tid, &k->served_for);
		return;
	}
	k->root = place.root;
	k->parent = place.parent;
	k->parent_how = "marker";
}

static void on_begin(void *ctx, struct genai_call *c)
{
	struct trace_set *t = ctx;
	struct flow_conn *conn = c->x ? c->x->conn : NULL;
	struct trace_process *pr = trace_process_get(t, conn ? conn->proc : NULL);
	struct trace_call *k = pr ? calloc(1, sizeof(*k)) : NULL;

	c->user = k;
	if (k == NULL) {
		t->lost++;
		return;
	}
	uint64_t facts[] = {t->boot_id[0],
			    t->boot_id[1],
			    pr->proc ? pr->proc->pid : 0,
			    pr->proc ? pr->proc->start_ns : 0,
			    conn ? conn->ssl : 0,
			    conn ? conn->generation : 0,
			    conn && conn->generation == 0 ? conn->id : 0,
			    c->x ? c->x->index : 0};

	k->c = c;
	k->process = pr;
	k->id = trace_id_of(facts, 8, 2);
	place(t, k);
	k->seq = ++k->root->seq;
	k->connection = conn ? conn->id : 0;
	if (t->call_count >= LIMIT_OPEN_SPANS) {
		struct trace_call *old = t->calls;

		if (!old->closed && !old->superseded)
			tell(t, old, true);
		trace_call_free(t, old); /* what comes of it later is nobody's */
	}
	list(t, k);
	trace_stack_begin(t, k);
	trace_request_begin(t, k);
}

static void on_request(void *ctx, struct genai_call *c)
{
	struct trace_set *t = ctx;
	struct trace_call *k = c->user;

	if (k == NULL)
		return;
	trace_retry_join(t, k);
	trace_join_place(t, k);
	trace_join_begin(t, k);
	trace_serve_begin(t, k);
	enter(t, k);
	if (c->x && c->x->request.torn && c->x->gaps == NULL)
		k->process->cut_ns = c->start_ns;
	if (t->mode == WIRE_MODE_DECODE)
		t->content = hash_chain(t->content, c->said_hash);
	if (genai_is_model(c->kind)) {
		trace_prefix_input(t, k);
		trace_chain_input(t, k);
		trace_hop_input(t, k);
		if ((!c->x || !c->x->server_side) && !k->hop_asked)
			trace_tool_answer(t, k);
		if ((!c->x || !c->x->server_side) && k->hop_of == 0 && t->mode != WIRE_MODE_DECODE)
			trace_speaker_begin(t, k);
	}
	if (k->tool)
		return; /* its span began already */
	struct trace_span s = {.id = k->id, .parent = parent_of(k), .seq = k->seq};
	s.kind = trace_call_kind(c->kind);
	s.name = c->kind == GENAI_HTTP ? c->path : c->label.n ? c->label : c->request_model;
	s.start_ns = c->start_ns;
	trace_began(t, k->root, &s);
}

static void on_first(void *ctx, struct genai_call *c)
{
	(void)ctx;
	(void)c;
}

/* A call whose retry took over: what went missing since has no other span. */
static void give_gaps(struct trace_set *t, struct trace_call *k)
{
	uint32_t n = 0;

	for (const struct http_gap *g = k->c->x ? k->c->x->gaps : NULL; g != NULL; g = g->next)
		if (n++ >= k->gaps_told)
			trace_process_gap(
				t, k->process,
				&(struct trace_gap){k->connection, g->dir, g->offset, g->bytes, g->cause});
}

static void close_call(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	if (k->closed)
		return;
	k->closed = true;
	if (!k->superseded && trace_witness_serves(t, k))
		k->superseded = true;
	if (k->superseded)
		return;
	trace_witness_keep(t, k);
	if (k->tool) {
		trace_join_close(t, k);
		return;
	}
	tell(t, k, false);
	if (c->status == GENAI_OPEN)
		return;
	trace_speaker_close(t, k);
	if (!genai_is_model(c->kind) || (c->x && c->x->server_side))
		return;
	trace_prefix_answer(t, k);
	trace_chain_answer(t, k);
	if (k->hop_asked)
		return;
	/* A client that was told of an error in mid-answer runs nothing; without a client, what stands there counts. */
	if (c->status != GENAI_ERROR || c->broken.set || t->mode == WIRE_MODE_DECODE)
		trace_tool_ask(t, k);
}

static void on_close(void *ctx, struct genai_call *c)
{
	struct trace_call *k = c->user;

	if (k)
		close_call(ctx, k);
}

static void on_end(void *ctx, struct genai_call *c)
{
	struct trace_set *t = ctx;
	struct trace_call *k = c->user;

	if (k == NULL)
		return;
	close_call(t, k);
	if (k->superseded || k->tool)
		give_gaps(t, k);
	else if (trace_call_gaps(c) > k->gaps_told)
		tell(t, k, false); /* bytes after the semantic end went missing */
	bool told = !k->superseded && !k->tool;
	if (told && c->asks.lo != 0)
		trace_retry_ask(t, k);
	else if (told && (c->status == GENAI_ERROR || c->status == GENAI_ABORTED))
		trace_retry_keep(t, k);
	trace_call_free(t, k);
}

static void on_tool(void *ctx, struct genai_call *c, const struct genai_part *result, uint64_t ts_ns)
{
	if (c->user)
		trace_tool_told(ctx, c->user, result, ts_ns);
}

static void on_stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		     const struct http_gap *gap)
{
	struct trace_set *t = ctx;

	(void)bytes;
	if (gap == NULL)
		return;
	struct trace_process *pr = trace_process_get(t, conn->proc);
	if (pr == NULL)
		t->lost++;
	else
		trace_process_gap(t, pr,
				  &(struct trace_gap){conn->id, dir, gap->offset, gap->bytes, gap->cause});
}

const struct genai_ops *trace_genai_ops(void)
{
	static const struct genai_ops ops = {
		.begin = on_begin,
		.request = on_request,
		.first = on_first,
		.close = on_close,
		.tool = on_tool,
		.end = on_end,
		.stray = on_stray,
	};

	return &ops;
}

void trace_call_finish(struct trace_set *t)
{
	while (t->calls) {
		struct trace_call *k = t->calls;

		if (k->tool && !k->closed)
			trace_join_close(t, k);
		else if (!k->closed && !k->superseded)
			tell(t, k, true);
		trace_call_free(t, k);
	}
}

void trace_call_end(struct trace_set *t, struct trace_process *pr)
{
	for (struct trace_call *k = t->calls, *next = NULL; k != NULL; k = next) {
		next = k->next;
		if (k->process != pr || k->closed || k->c->method.n == 0)
			continue;
		k->c->status = GENAI_ABORTED;
		k->c->end_ns = pr->proc->end_ns;
		close_call(t, k);
	}
}
