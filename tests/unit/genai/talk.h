/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection through http and genai, and what came out as text. A test's input is the request followed by the
 * answer; talk_request says where the answer begins. */
#ifndef UNIT_GENAI_TALK_H
#define UNIT_GENAI_TALK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "genai/genai.h"
#include "harness.h"
#include "http/http.h"

struct talk {
	struct http *http;
	struct genai *genai;
	struct flow_conn conn;
	uint64_t offset[WIRE_DIRS];
	size_t fed;
	struct buf out;
	bool closed;
};

static size_t talk_request; /* bytes of the input that the client writes */
#define TALK_TURNS_MAX 32
static size_t talk_turns
	[TALK_TURNS_MAX]; /* and then in turns: the server up to the first, the client up to the second, ... */
static size_t talk_turn_count;			    /* 0: all the rest is the server's */
static enum flow_end talk_end = FLOW_END_FREED;	    /* how the connection ends */
static const char *talk_server = "api.example.com"; /* SNI; NULL: none */

static void talk_str(struct buf *b, const char *key, struct str s)
{
	struct jsonw w;

	if (s.p == NULL)
		return;
	buf_addf(b, " %s=", key);
	jsonw_init(&w, b);
	jsonw_str(&w, s);
}

static void talk_raw(struct buf *b, const char *key, struct str s)
{
	if (s.p != NULL)
		buf_addf(b, " %s=%.*s", key, STR_ARG(s));
}

static void talk_part(struct buf *b, const struct genai_part *p)
{
	static const char *const names[] = {"text",
					    "reasoning",
					    "tool_call",
					    "tool_call_response",
					    "server_tool_call",
					    "server_tool_call_response",
					    "blob",
					    "uri",
					    "file",
					    "other"};

	buf_addf(b, "    %s", names[p->type]);
	talk_str(b, "id", p->id);
	talk_str(b, "name", p->name);
	talk_raw(b, "value", p->value);
	talk_str(b, "modality", p->modality);
	talk_str(b, "mime", p->mime);
	if (p->text.n > 0)
		talk_str(b, "text", p->text);
	buf_addf(b, "%s\n", p->is_error ? " is_error" : "");
}

static void talk_messages(struct buf *b, const char *what, const struct genai_message *m, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_addf(b, "  %s %.*s", what, STR_ARG(m[i].role));
		talk_str(b, "name", m[i].name);
		talk_str(b, "finish", m[i].finish);
		buf_add_char(b, '\n');
		for (uint32_t k = 0; k < m[i].count; k++)
			talk_part(b, &m[i].parts[k]);
	}
}

/* ~ before what was estimated. */
static void talk_usage(struct buf *b, const struct genai_usage *u, unsigned estimated)
{
	const int64_t n[] = {u->input, u->output, u->cache_read, u->cache_creation, u->reasoning};

	buf_addf(b, "  usage");
	for (size_t i = 0; i < 5; i++) {
		if (n[i] == GENAI_UNKNOWN)
			buf_addf(b, " -");
		else
			buf_addf(b, " %s%lld", i < 2 && (estimated >> i & 1) ? "~" : "", (long long)n[i]);
	}
	buf_add_char(b, '\n');
}

static void talk_call(struct buf *b, const struct genai_call *c)
{
	static const char *const kinds[] = {"http",	   "chat",   "text_completion", "generate_content",
					    "embeddings",  "rerank", "execute_tool",	"mcp",
					    "invoke_agent"};
	static const char *const states[] = {"open", "ok", "error", "aborted"};

	buf_addf(b, "%s %s", kinds[c->kind], states[c->status]);
	talk_str(b, "type", c->error_type);
	talk_str(b, "message", c->error_message);
	if (c->retry_after_ns)
		buf_addf(b, " retry_after=%llu", (unsigned long long)c->retry_after_ns);
	if (c->retry_count >= 0)
		buf_addf(b, " retry=%d", c->retry_count);
	if (c->broken.set)
		buf_addf(b, " broken=%d", (int)c->broken.dir);
	if (c->cut.set)
		buf_addf(b, " cut=%d@%llu", (int)c->cut.dir, (unsigned long long)c->cut.body_offset);
	buf_addf(b, "%s%s%s\n", c->no_model_call ? " no_model_call" : "", c->note ? " note: " : "",
		 c->note ? c->note : "");
	talk_str(b, " server", c->server);
	buf_addf(b, " port=%u", c->port);
	talk_str(b, "path", c->path);
	buf_add_char(b, '\n');
	if (c->kind == GENAI_HTTP)
		return;
	if (c->method.n > 0) {
		talk_str(b, " method", c->method);
		talk_str(b, "label", c->label);
		talk_raw(b, "arguments", c->tool_arguments);
		talk_raw(b, "result", c->tool_result);
		buf_addf(b, "%s%s%s\n", c->tool_error ? " tool_error" : "", c->asks.lo ? " asks" : "",
			 c->resumes.lo ? " resumes" : "");
	}
	buf_addf(b, "  %s", c->operation ? c->operation : "-");
	talk_str(b, "provider", c->provider);
	talk_str(b, "model", c->request_model);
	talk_str(b, "answered", c->response_model);
	talk_str(b, "id", c->response_id);
	talk_str(b, "previous", c->previous_id);
	talk_str(b, "conversation", c->conversation_id);
	buf_addf(b, "%s%s\n", c->stream ? " stream" : "", c->first_chunk_ns ? " first" : "");
	for (uint32_t i = 0; i < c->param_count; i++)
		buf_addf(b, "  %s=%.*s\n", c->params[i].key, STR_ARG(c->params[i].json));
	if (c->tools.p)
		buf_addf(b, "  tools %.*s\n", STR_ARG(c->tools));
	for (uint32_t i = 0; i < c->system_count; i++) {
		buf_addf(b, "  system\n");
		talk_part(b, &c->system[i]);
	}
	talk_messages(b, "input", c->input, c->input_count);
	talk_messages(b, "output", c->output, c->output_count);
	for (uint32_t i = 0; i < c->finish_count; i++)
		buf_addf(b, "  finish %.*s\n", STR_ARG(c->finish_reasons[i]));
	talk_usage(b, &c->usage, c->estimated);
}

static void talk_begin(void *ctx, struct genai_call *c)
{
	(void)ctx;
	assert_int_equal(c->status, GENAI_OPEN);
	assert_null(c->user);
	c->user = c;
}

static void talk_understood(void *ctx, struct genai_call *c)
{
	(void)ctx;
	assert_ptr_equal(c->user, c);
}

static void talk_first(void *ctx, struct genai_call *c)
{
	(void)ctx;
	assert_true(c->first_chunk_ns > 0);
}

static void talk_close(void *ctx, struct genai_call *c)
{
	struct talk *t = ctx;

	assert_ptr_equal(c->user, c);
	c->user = NULL; /* twice would be seen */
	t->closed = true;
	talk_call(&t->out, c);
}

static void talk_over(void *ctx, struct genai_call *c)
{
	struct talk *t = ctx;

	if (c->user != NULL) { /* never closed */
		buf_addf(&t->out, "not closed: ");
		talk_call(&t->out, c);
	}
}

static void *talk_start(void)
{
	static const struct genai_ops ops = {
		.begin = talk_begin,
		.request = talk_understood,
		.first = talk_first,
		.close = talk_close,
		.end = talk_over,
	};
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	buf_init(&t->out, SIZE_MAX);
	t->conn.id = 1;
	t->conn.server = str_of(talk_server);
	t->genai = genai_new(&ops, t);
	t->http = t->genai ? http_new(genai_http_ops(), t->genai) : NULL;
	if (t->http == NULL) {
		genai_free(t->genai);
		free(t);
		return NULL;
	}
	return t;
}

static void talk_bytes(struct talk *t, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {
		.conn = &t->conn,
		.dir = dir,
		.offset = t->offset[dir],
		.start_ns = dir == WIRE_WRITE ? 1000 : 2000,
		.ts_ns = dir == WIRE_WRITE ? 1500 : 2500,
		.tid = 7,
		.data = data,
	};

	if (data.n == 0)
		return;
	t->offset[dir] += data.n;
	http_feed(t->http, &chunk);
}

static void talk_feed(void *state, struct str piece)
{
	struct talk *t = state;

	while (piece.n > 0) {
		size_t end = talk_request, turn = 0;

		while (t->fed >= end) {
			end = turn < talk_turn_count ? talk_turns[turn] : SIZE_MAX;
			turn++;
		}
		struct str part = str_head(piece, end - t->fed);

		t->fed += part.n;
		talk_bytes(t, turn % 2 ? WIRE_READ : WIRE_WRITE, part);
		piece = str_skip(piece, part.n);
	}
}

static void talk_finish(void *state, struct buf *out)
{
	struct talk *t = state;

	t->conn.close_ns = 3000;
	http_close(t->http, &t->conn, talk_end, 3000);
	buf_add(out, buf_str(&t->out));
}

static void talk_stop(void *state)
{
	struct talk *t = state;

	http_free(t->http);
	genai_free(t->genai);
	buf_fini(&t->out);
	free(t);
}

static const struct harness_stage talk_stage = {talk_start, talk_feed, talk_finish, talk_stop};

/* Both messages with Content-Length, as one input. Owned by the caller. */
__attribute__((unused)) static char *talk_make(const char *line, const char *body, const char *head,
					       const char *answer)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "%s\r\nHost: api.example.com\r\nContent-Length: %zu\r\n\r\n%s", line, strlen(body),
		 body);
	talk_request = b.n;
	buf_addf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(answer), answer);
	buf_add_char(&b, 0);
	return b.p;
}

/* What comes out of one input, whole. */
__attribute__((unused)) static void talk_expect_str(const char *name, struct str input, const char *want)
{
	struct talk *t = talk_start();
	struct buf out;

	buf_init(&out, SIZE_MAX);
	assert_non_null(t);
	talk_feed(t, input);
	talk_finish(t, &out);
	talk_stop(t);
	if (getenv("TALK_SHOW"))
		printf("=== %s\n%.*s", name, STR_ARG(buf_str(&out)));
	else
		HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
}

__attribute__((unused)) static void talk_expect(const char *name, const char *input, const char *want)
{
	talk_expect_str(name, str_of(input), want);
}

/* The same, and the sweeps. */
__attribute__((unused)) static void talk_sweep_str(const char *name, struct str input, const char *want)
{
	talk_expect_str(name, input, want);
	harness_sweep(name, &talk_stage, input);
}

__attribute__((unused)) static void talk_sweep(const char *name, const char *input, const char *want)
{
	talk_sweep_str(name, str_of(input), want);
}

#endif
