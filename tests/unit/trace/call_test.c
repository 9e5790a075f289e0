/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "base/limits.h"

static void test_chat(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 77);
	struct str reason = STR("tool_calls");

	call_in(k, "user", "hi");
	call_out_text(k, "hello");
	k->c.response_model = STR("gpt-5-mini-2026");
	k->c.response_id = STR("chatcmpl-1");
	k->c.stream = true;
	k->c.params[0] = (struct genai_param){.key = "gen_ai.request.temperature", .json = STR("0.5")};
	k->c.params[1] = (struct genai_param){.key = "gen_ai.request.stop_sequences", .json = STR("[\"a\"]")};
	k->c.param_count = 2;
	k->c.finish_reasons = &reason;
	k->c.finish_count = 1;
	k->c.usage = (struct genai_usage){
		.input = 10, .output = 5, .cache_read = 0, .cache_creation = GENAI_UNKNOWN, .reasoning = 2};
	k->c.first_byte_ns = k->c.start_ns + 1500;
	k->c.first_chunk_ns = k->c.start_ns + 2500000;
	w->now += 3000000;
	struct told *s = call_do(k);
	assert_string_equal(s->kind, "chat");
	assert_string_equal(s->name, "chat gpt-5-mini");
	assert_int_equal(s->status, TRACE_STATUS_OK);
	assert_int_equal(s->start_ns, k->c.start_ns);
	assert_int_equal(s->end_ns, k->c.end_ns);
	assert_false(s->bounded);
	assert_int_equal(s->pid, 100);
	assert_int_equal(s->tid, 77);
	assert_string_equal(s->how, "process");
	assert_true(s->certain);
	world_want(s, "gen_ai.operation.name", "chat");
	world_want(s, "gen_ai.provider.name", "openai");
	world_want(s, "gen_ai.request.model", "gpt-5-mini");
	world_want(s, "gen_ai.response.model", "gpt-5-mini-2026");
	world_want(s, "gen_ai.response.id", "chatcmpl-1");
	world_want(s, "gen_ai.conversation.id", NULL);
	world_want(s, "gen_ai.response.finish_reasons", "[\"tool_calls\"]");
	world_want(s, "gen_ai.request.temperature", "0.5");
	world_want(s, "gen_ai.request.stop_sequences", "[\"a\"]");
	world_want(s, "gen_ai.request.stream", "true");
	world_want(s, "gen_ai.usage.input_tokens", "10");
	world_want(s, "gen_ai.usage.output_tokens", "5");
	world_want(s, "gen_ai.usage.cache_read.input_tokens", "0");
	world_want(s, "gen_ai.usage.cache_creation.input_tokens", NULL);
	world_want(s, "gen_ai.usage.reasoning.output_tokens", "2");
	world_want(s, "gen_ai.output.messages",
		   "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"hello\"}],\"finish_"
		   "reason\":\"stop\"}]");
	world_want(s, "gen_ai.system_instructions", NULL);
	world_want(s, "gen_ai.tool.definitions", NULL);
	world_want(s, "gen_ai.response.time_to_first_chunk", "0.002500");
	world_want(s, "bottrace.time_to_first_byte_ns", "1500");
	world_want(s, "server.address", "api.openai.com");
	world_want(s, "server.port", "443");
	world_want(s, "http.request.method", "POST");
	world_want(s, "url.path", "/v1/chat/completions");
	world_want(s, "http.response.status_code", "200");
	world_want(s, "http.request.body.size", "77");
	world_want(s, "bottrace.attempts", "1");
	world_want(s, "bottrace.connection", "1");
	world_want(s, "bottrace.broken", NULL);
	world_want(s, "error.type", NULL);
	assert_int_equal(s->event_count, 1);
	assert_string_equal(s->events[0].name, "first_token");
	world_free(w);
}

static struct told *plain(struct world *w, int status, enum genai_status said)
{
	struct call *k = call_new(w, 100, 100);

	k->x.method = STR("GET");
	k->c.path = STR("/health");
	trace_genai_ops()->request(w->t, &k->c);
	call_close(k, said, status);
	call_end(k);
	return &w->spans[w->count - 1];
}

static void test_http(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct told *s = plain(w, 204, GENAI_OK);

	assert_string_equal(s->kind, "http");
	assert_string_equal(s->name, "GET /health");
	assert_int_equal(s->status, TRACE_STATUS_OK);
	world_want(s, "http.request.method", "GET");
	world_want(s, "gen_ai.operation.name", NULL);
	world_want(s, "gen_ai.input.messages", NULL);
	s = plain(w, 404, GENAI_OK);
	assert_int_equal(s->status, TRACE_STATUS_ERROR);
	assert_string_equal(s->type, "404");
	world_want(s, "error.type", "404");
	world_free(w);
}

/* Attached in mid-exchange: only the response came by. */
static void test_no_request(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	k->x.method = STR_NONE;
	k->c.path = STR_NONE;
	k->x.request.head_done = k->x.request_seen = false;
	trace_genai_ops()->request(w->t, &k->c);
	call_close(k, GENAI_OK, 200);
	call_end(k);
	struct told *s = world_find(w, "http", 0);
	assert_string_equal(s->name, "HTTP");
	world_want(s, "http.request.method", NULL);
	world_want(s, "url.path", NULL);
	world_want(s, "http.request.body.size", NULL);
	world_free(w);
}

static struct told *ends(struct world *w, enum genai_status status, int http, const char *type,
			 const char *message, bool broken)
{
	struct call *k = call_new(w, 100, 100);
	uint32_t before = w->count;

	call_in(k, "user", "hi");
	call_out_text(k, "hal");
	call_request(k);
	k->c.error_type = str_of(type);
	k->c.error_message = str_of(message);
	if (broken)
		k->c.broken =
			(struct http_broken){.set = true, .dir = WIRE_READ, .offset = 120, .why = "bad gzip"};
	call_close(k, status, http);
	call_end(k);
	assert_int_equal(w->count, before + 1);
	return &w->spans[before];
}

static void test_status(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct told *s = ends(w, GENAI_ERROR, 400, "invalid_request_error", "no \"model\"", false);

	assert_int_equal(s->status, TRACE_STATUS_ERROR);
	assert_string_equal(s->type, "invalid_request_error");
	assert_string_equal(s->message, "no \"model\"");
	world_want(s, "error.type", "invalid_request_error");
	s = ends(w, GENAI_ERROR, 502, NULL, NULL, false);
	assert_string_equal(s->type, "502");
	assert_null(s->message);
	s = ends(w, GENAI_ERROR, 200, NULL, NULL, true);
	assert_string_equal(s->type, "broken");
	world_want(s, "bottrace.broken", "{\"direction\":\"read\",\"offset\":120,\"why\":\"bad gzip\"}");
	/* the process died: what came so far */
	s = ends(w, GENAI_ABORTED, 200, NULL, NULL, false);
	assert_int_equal(s->status, TRACE_STATUS_ABORTED);
	assert_non_null(strstr(world_get(s, "gen_ai.output.messages"), "hal"));
	assert_true(s->end_ns > 0);
	/* and one that still answers when the session ends */
	s = ends(w, GENAI_OPEN, 200, NULL, NULL, false);
	assert_int_equal(s->status, TRACE_STATUS_OPEN);
	assert_int_equal(s->end_ns, 0);
	world_free(w);
}

/* A call that asked for a tool, and was cut off by the end of the session, has not asked yet. */
static void test_open_asks_nothing(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	call_out_call(k, "call_1", "f", "{}");
	call_request(k);
	call_close(k, GENAI_OPEN, 200);
	call_end(k);
	world_finish(w, true);
	assert_int_equal(world_count(w, "execute_tool"), 0);
	world_free(w);
}

/* Never closed at all: told at the end. */
static void test_never_closed(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);

	call_in(k, "user", "hi");
	call_request(k);
	world_finish(w, true);
	struct told *s = world_find(w, "chat", 0);
	assert_non_null(s);
	assert_int_equal(s->status, TRACE_STATUS_OPEN);
	call_end(k); /* too late, and harmless */
	assert_int_equal(s->versions, 1);
	world_free(w);
}

static void test_gaps(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = call_new(w, 100, 100);
	struct http_gap late = {.dir = WIRE_READ, .offset = 900, .bytes = 5, .cause = WIRE_CAUSE_FAULT};
	struct http_gap gap = {
		.dir = WIRE_WRITE, .offset = 8192, .bytes = 512, .cause = WIRE_CAUSE_RING_FULL};

	k->x.gaps = &gap;
	call_request(k);
	call_close(k, GENAI_OK, 200);
	struct told *s = world_find(w, "chat", 0);
	assert_int_equal(s->gap_count, 1);
	gap.next = &late; /* after the semantic end */
	call_end(k);
	assert_int_equal(s->versions, 2);
	assert_int_equal(s->gap_count, 2);
	assert_int_equal(s->gaps[0].connection, 1);
	assert_int_equal(s->gaps[0].dir, WIRE_WRITE);
	assert_int_equal(s->gaps[0].offset, 8192);
	assert_int_equal(s->gaps[0].bytes, 512);
	assert_int_equal(s->gaps[0].cause, WIRE_CAUSE_RING_FULL);
	assert_int_equal(s->gaps[1].offset, 900);
	world_finish(w, true);
	assert_false(trace_next(w->t, NULL)->complete);
	world_free(w);
}

static void test_decode(void **state)
{
	(void)state;
	uint64_t id[2];

	for (int i = 0; i < 2; i++) {
		struct world *w = world_new(WIRE_MODE_DECODE);
		struct call *a = call_new(w, 0, 0), *b = call_new(w, 0, 0);
		struct told *s = call_do(a);

		assert_int_equal(s->start_ns, 0);
		assert_int_equal(s->end_ns, 0);
		assert_int_equal(s->parent, 0);
		assert_int_equal(s->pid, 0);
		assert_null(s->how);
		assert_int_equal(s->status, TRACE_STATUS_OK);
		world_want(s, "bottrace.time_to_first_byte_ns", NULL);
		id[i] = s->id;
		assert_true(call_do(b)->id != s->id);
		world_finish(w, false);
		const struct trace *t = trace_next(w->t, NULL);
		assert_string_equal(t->root_rule, "decode");
		assert_int_equal(t->root, 0);
		assert_null(t->root_proc);
		assert_true(t->complete);
		assert_int_equal(t->spans, 2);
		assert_null(trace_next(w->t, t));
		world_free(w);
	}
	assert_int_equal(id[0], id[1]);
}

/* Beyond the limit the oldest open span is closed as it stands. */
static void test_limit(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct genai_call *calls = calloc(LIMIT_OPEN_SPANS + 1, sizeof(*calls));
	struct flow_conn conn = {.id = 1, .proc = proc_find(w->procs, 100, 100000), .generation = 5};
	struct http_exchange *x = calloc(LIMIT_OPEN_SPANS + 1, sizeof(*x));

	assert_true(calls && x);
	for (uint32_t i = 0; i <= LIMIT_OPEN_SPANS; i++) {
		x[i] = (struct http_exchange){.conn = &conn, .index = i + 1};
		calls[i].x = &x[i];
		trace_genai_ops()->begin(w->t, &calls[i]);
	}
	assert_int_equal(w->count, 1);
	assert_int_equal(w->spans[0].status, TRACE_STATUS_OPEN);
	assert_null(calls[0].user);
	trace_genai_ops()->close(w->t, &calls[0]); /* nobody's any more */
	trace_genai_ops()->end(w->t, &calls[0]);
	assert_int_equal(w->count, 1);
	world_free(w);
	free(calls);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chat),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_no_request),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_open_asks_nothing),
		cmocka_unit_test(test_never_closed),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
