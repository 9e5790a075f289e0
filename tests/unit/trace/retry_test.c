/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

static struct call *attempt(struct world *w, uint32_t tid, int retry, uint64_t body)
{
	struct call *k = call_new(w, 100, tid);

	call_in(k, "user", "hi");
	k->c.retry_count = retry;
	k->c.body_hash = (struct hash128){.lo = body, .hi = 1};
	return k;
}

static struct told *fails(struct call *k, int http, const char *type)
{
	call_request(k);
	k->c.error_type = str_of(type);
	call_close(k, http ? GENAI_ERROR : GENAI_ABORTED, http);
	call_end(k);
	return &k->w->spans[k->w->count - 1];
}

static void test_folded(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *k = attempt(w, 100, 0, 7);
	struct http_gap gap = {.dir = WIRE_READ, .offset = 5, .bytes = 2, .cause = WIRE_CAUSE_FAULT};

	k->c.retry_after_ns = 1500000000;
	k->x.gaps = &gap;
	struct told *span = fails(k, 429, "rate_limit_error");
	uint64_t id = span->id, start = span->start_ns, end = span->end_ns;
	uint32_t seq = span->seq;
	assert_int_equal(span->status, TRACE_STATUS_ERROR);
	assert_string_equal(span->type, "rate_limit_error");
	world_want(span, "bottrace.attempts", "1");
	assert_int_equal(span->event_count, 0);

	k = attempt(w, 100, 1, 7);
	fails(k, 0, NULL); /* the connection died */
	k = attempt(w, 100, 2, 7);
	call_out_text(k, "hello");
	struct told *last = call_do(k);
	assert_ptr_equal(last, span);
	assert_int_equal(world_count(w, "chat"), 1);
	assert_int_equal(span->versions, 3);
	assert_int_equal(span->id, id);
	assert_int_equal(span->seq, seq);
	assert_int_equal(span->start_ns, start);
	assert_int_equal(span->status, TRACE_STATUS_OK);
	assert_null(span->type);
	world_want(span, "bottrace.attempts", "3");
	world_want(span, "http.response.status_code", "200");
	world_want(span, "error.type", NULL);
	world_want(span, "bottrace.connection", "3");
	assert_int_equal(span->event_count, 2);
	assert_string_equal(span->events[0].name, "retry");
	assert_int_equal(span->events[0].time_ns, end);
	assert_string_equal(span->events[0].attributes,
			    "bottrace.attempt=1;http.response.status_code=429;error.type=rate_limit_error;"
			    "bottrace.retry_after_ms=1500;");
	assert_string_equal(span->events[1].attributes, "bottrace.attempt=2;");
	/* the gap of the first attempt, on its connection */
	assert_int_equal(span->gap_count, 1);
	assert_int_equal(span->gaps[0].connection, 1);
	world_finish(w, true);
	assert_int_equal(trace_next(w->t, NULL)->spans, 2);
	world_free(w);
}

static void test_not_folded(void **state)
{
	(void)state;
	struct world *w = world_run();

	world_fork(w, 101, 100);
	fails(attempt(w, 100, 0, 7), 500, "api_error");
	call_do(attempt(w, 100, 1, 8));	 /* another body */
	call_do(attempt(w, 100, 0, 7));	 /* no retry says the client */
	call_do(attempt(w, 100, -1, 7)); /* it does not count */
	assert_int_equal(world_count(w, "chat"), 4);
	struct call *k = attempt(w, 100, 1, 7); /* another process */
	k->conn.proc = proc_find(w->procs, 101, 101000);
	call_end(k);
	assert_int_equal(world_count(w, "chat") + world_count(w, "http"), 5);
	world_free(w);

	/* success is not retried: same body again later is a new call */
	w = world_run();
	call_do(attempt(w, 100, 0, 7));
	struct told *second = call_do(attempt(w, 100, 1, 7));
	assert_int_equal(world_count(w, "chat"), 2);
	world_want(second, "bottrace.attempts",
		   "2"); /* the first one was not seen, but counted by the client */
	world_free(w);

	/* an empty body to another path is another request */
	w = world_run();
	fails(attempt(w, 100, 0, 7), 500, "api_error");
	k = attempt(w, 100, 1, 7);
	k->c.path = STR("/v1/models");
	call_do(k);
	assert_int_equal(world_count(w, "chat"), 2);
	world_free(w);
}

/* Two threads send the same and both fail. */
static void test_twins(void **state)
{
	(void)state;
	struct world *w = world_run();
	uint64_t a = fails(attempt(w, 11, 0, 7), 500, "x")->id;
	uint64_t b = fails(attempt(w, 12, 0, 7), 500, "x")->id;

	struct told *second = call_do(attempt(w, 12, 1, 7));
	struct told *first = call_do(attempt(w, 11, 1, 7));
	assert_int_equal(first->id, a);
	assert_int_equal(second->id, b);
	assert_int_equal(world_count(w, "chat"), 2);
	world_free(w);
}

/* The client gave up waiting and retries before it closes what hangs. */
static void test_hanging(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *hangs = attempt(w, 100, 0, 7);
	struct http_gap gap = {.dir = WIRE_READ, .offset = 5, .bytes = 2, .cause = WIRE_CAUSE_FAULT};

	call_request(hangs);
	struct call *k = attempt(w, 100, 1, 7);
	struct told *span = call_do(k);
	world_want(span, "bottrace.attempts", "2");
	assert_int_equal(span->start_ns, hangs->c.start_ns);
	assert_string_equal(span->events[0].attributes, "bottrace.attempt=1;error.type=no_answer;");
	hangs->x.gaps = &gap;
	call_close(hangs, GENAI_ABORTED, 0);
	call_end(hangs);
	assert_int_equal(world_count(w, "chat"), 1);
	world_finish(w, true);
	assert_int_equal(world_process(w, 100)->gap_count, 1); /* in exactly one span */
	assert_int_equal(span->gap_count, 0);
	world_free(w);

	/* one that already answers is not given up */
	w = world_run();
	hangs = attempt(w, 100, 0, 7);
	hangs->c.first_byte_ns = w->now;
	call_request(hangs);
	call_do(attempt(w, 100, 1, 7));
	call_close(hangs, GENAI_OK, 200);
	call_end(hangs);
	assert_int_equal(world_count(w, "chat"), 2);
	world_free(w);
}

/* Closed, but its exchange has not ended when the retry comes. */
static void test_closed_not_ended(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct call *first = attempt(w, 100, 0, 7);
	struct http_gap gap = {.dir = WIRE_READ, .offset = 5, .bytes = 2, .cause = WIRE_CAUSE_FAULT};

	call_request(first);
	first->x.gaps = &gap;
	first->c.error_type = STR("overloaded_error");
	call_close(first, GENAI_ERROR, 529);
	struct told *span = call_do(attempt(w, 100, 1, 7));
	call_end(first);
	world_finish(w, true);
	assert_int_equal(world_count(w, "chat"), 1);
	assert_int_equal(span->gap_count, 1);
	assert_int_equal(world_process(w, 100)->gap_count, 0);
	world_free(w);
}

/* The retry runs when the session ends; and a retry that fails can be retried. */
static void test_open_retry(void **state)
{
	(void)state;
	struct world *w = world_run();
	struct told *span = fails(attempt(w, 100, 0, 7), 503, "x");
	struct call *k = attempt(w, 100, 1, 7);

	call_request(k);
	world_finish(w, true);
	assert_int_equal(world_count(w, "chat"), 1);
	assert_int_equal(span->status, TRACE_STATUS_OPEN);
	assert_int_equal(span->end_ns, 0);
	world_want(span, "bottrace.attempts", "2");
	world_free(w);
}

static void test_bounded(void **state)
{
	(void)state;
	struct world *w = world_run();

	for (uint64_t i = 0; i < 300; i++)
		fails(attempt(w, 100, 0, i + 1), 500, "x");
	assert_int_equal(w->t->failed_count, TRACE_FAILED_EACH);
	call_do(attempt(w, 100, 1, 300));
	assert_int_equal(world_count(w, "chat"), 300);
	call_do(attempt(w, 100, 1, 1)); /* forgotten: a call of its own */
	assert_int_equal(world_count(w, "chat"), 301);
	/* and they age */
	struct wire_tick tick = {.head = {.size = sizeof(tick), .kind = WIRE_TICK}};
	w->now += TRACE_FAILED_NS + 10000;
	world_feed(w, &tick.head, 0);
	assert_int_equal(w->t->failed_count, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_not_folded),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_hanging),
		cmocka_unit_test(test_closed_not_ended),
		cmocka_unit_test(test_open_retry),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
