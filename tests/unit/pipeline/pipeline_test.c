/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stream.h"

#define REQUEST                                                                                    \
	"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 69\r\n\r\n" \
	"{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
#define ANSWER                                                                                              \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 104\r\n\r\n"                  \
	"{\"id\":\"c1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"}," \
	"\"finish_reason\":\"stop\"}]}"

static int to_buf(void *ctx, struct str piece)
{
	buf_add(ctx, piece);
	return buf_err(ctx);
}

static void decoded_call(void **state)
{
	const struct pipeline_settings settings = {.decode = true};
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	autodrop(buf_fini) struct buf b;
	(void)state;

	buf_init(&b, 1u << 20);
	assert_non_null(p);
	assert_int_equal(
		pipeline_connection(p, STR("api.openai.com"), STR(REQUEST REQUEST), STR(ANSWER ANSWER)), 0);
	assert_int_equal(pipeline_finish(p, false), 0);
	assert_true(pipeline_complete(p));
	struct view_session v = pipeline_session(p);
	assert_int_equal(view_document(&v, to_buf, &b), 0);
	autodrop(drop_arena) struct arena *a = arena_new(1u << 20);
	const struct json *spans = json_get(json_parse(a, buf_str(&b), NULL), "spans");
	size_t calls = 0;
	for (const struct json *s = json_first(spans); s; s = json_next(s)) {
		calls += str_eq(json_get_str(a, s, "kind"), STR("chat"));
		HARNESS_TEXT("name", json_get_str(a, s, "name"), "chat gpt-5-mini");
	}
	assert_int_equal(calls, 2);
}

/* A direction that gives a few bytes more than it has to. */
struct drip {
	struct str all;
	size_t at;
	struct buf b;
	int err_after;
};

static int drip(void *ctx, struct str *data)
{
	struct drip *d = ctx;
	size_t want = PIPELINE_PIECE_BYTES + 7;

	if (d->err_after > 0 && --d->err_after == 0)
		return -EIO;
	buf_consume(&d->b, d->b.n - data->n);
	struct str more = str_head(str_skip(d->all, d->at), d->b.n < want ? want - d->b.n : 0);
	buf_add(&d->b, more);
	d->at += more.n;
	*data = buf_str(&d->b);
	return buf_err(&d->b);
}

static void written_document(struct pipeline *p, struct buf *out)
{
	struct view_session v;

	assert_int_equal(pipeline_finish(p, false), 0);
	v = pipeline_session(p);
	assert_int_equal(view_document(&v, to_buf, out), 0);
	pipeline_free(p);
}

/* Read as they are due, a connection's bytes give the document that they give in one piece. */
static void inputs_in_pieces(void **state)
{
	const struct pipeline_settings settings = {.decode = true};
	struct drip up = {0}, down = {0};
	struct pipeline_input written = {.fill = drip, .ctx = &up}, read = {.fill = drip, .ctx = &down};
	autodrop(buf_fini) struct buf request, whole, pieces;
	struct pipeline *p = pipeline_new(&settings);
	(void)state;

	buf_init(&request, 1u << 24);
	buf_init(&whole, 1u << 24);
	buf_init(&pieces, 1u << 24);
	buf_init(&up.b, 1u << 20);
	buf_init(&down.b, 1u << 20);
	for (unsigned i = 0; i < 9; i++) {
		buf_addf(&request,
			 "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n"
			 "Content-Length: 40064\r\n\r\n"
			 "{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"%"
			 "040000u\"}]}",
			 i);
	}
	up.all = buf_str(&request);
	down.all = STR(ANSWER ANSWER ANSWER ANSWER ANSWER ANSWER ANSWER ANSWER ANSWER);
	assert_non_null(p);
	assert_int_equal(pipeline_connection(p, STR("h"), up.all, down.all), 0);
	written_document(p, &whole);
	p = pipeline_new(&settings);
	assert_non_null(p);
	assert_int_equal(pipeline_inputs(p, STR("h"), &written, &read), 0);
	written_document(p, &pieces);
	assert_true(str_eq(buf_str(&whole), buf_str(&pieces)));
	assert_true(up.b.cap < 4 * PIPELINE_PIECE_BYTES);
	/* What cannot be read ends it, and says so. */
	p = pipeline_new(&settings);
	assert_non_null(p);
	up = (struct drip){.all = up.all, .b = up.b, .err_after = 2};
	buf_clear(&up.b);
	written.data = STR_NONE;
	assert_int_equal(pipeline_inputs(p, STR("h"), &written, &read), -EIO);
	pipeline_free(p);
	buf_fini(&up.b);
	buf_fini(&down.b);
}

struct told {
	struct buf lines;
	uint32_t last_seq;
};

static void tell(void *ctx, struct str line, uint32_t seq)
{
	struct told *t = ctx;

	buf_add(&t->lines, line);
	buf_add_char(&t->lines, '\n');
	t->last_seq = seq;
}

/* Spans are told cleaned: what the guard takes out of the document is in no line either. */
static void told_lines_passed_the_guard(void **state)
{
	static const char secret[] = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
	struct told told = {0};
	const struct pipeline_settings settings = {.decode = true, .span = tell, .ctx = &told};
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	autodrop(buf_fini) struct buf request;
	(void)state;

	buf_init(&told.lines, 1u << 20);
	buf_init(&request, 1u << 16);
	buf_addf(&request,
		 "GET /v1/models?api_key=%s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n", secret,
		 secret);
	assert_int_equal(pipeline_connection(p, STR("h"), buf_str(&request), STR(ANSWER)), 0);
	assert_int_equal(pipeline_finish(p, false), 0);
	assert_true(told.last_seq > 0);
	assert_says(buf_str(&told.lines), "/v1/models");
	assert_true(str_find(buf_str(&told.lines), str_of(secret)) < 0);
	buf_fini(&told.lines);
}

/* ---- what is complete ---- */

static bool complete_after(bool end, bool cut)
{
	const struct pipeline_settings settings = {0};
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	struct wire_session s = {
		.head = {.size = sizeof(s), .kind = WIRE_SESSION, .ts_ns = 1},
		.version = WIRE_VERSION,
		.mode = WIRE_MODE_RUN,
	};
	struct wire_end e = {.head = {.size = sizeof(e), .kind = WIRE_END, .ts_ns = 9},
			     .why = WIRE_END_DONE,
			     .has_final = 1};
	char record[128] = {0};
	struct wire_proc_exec *x = (struct wire_proc_exec *)record;

	*x = (struct wire_proc_exec){
		.head = {.size = 72, .kind = WIRE_PROC_EXEC, .ts_ns = 2, .pid = 7, .tid = 7, .start_ns = 5},
		.path_len = 5,
		.argv_len = 2,
		.comm = "a",
	};
	memcpy(x->payload, "/bin/aa", 8);
	struct wire_proc_exit gone = {.head = x->head};
	gone.head.size = sizeof(gone);
	gone.head.kind = WIRE_PROC_EXIT;
	gone.head.ts_ns = 3;
	assert_non_null(p);
	pipeline_feed(p, &s.head);
	pipeline_feed(p, &x->head);
	pipeline_feed(p, &gone.head);
	if (end)
		pipeline_feed(p, &e.head);
	assert_int_equal(pipeline_finish(p, cut), 0);
	return pipeline_complete(p);
}

static void completeness(void **state)
{
	(void)state;
	assert_true(complete_after(true, false));
	assert_false(complete_after(true, true));
	assert_false(complete_after(false, false)); /* nobody told the final counts */
	assert_false(complete_after(false, true));
}

static void nothing_at_all(void **state)
{
	const struct pipeline_settings settings = {0};
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	autodrop(buf_fini) struct buf b;
	(void)state;

	buf_init(&b, 1u << 16);
	assert_int_equal(pipeline_finish(p, true), 0);
	assert_false(pipeline_complete(p));
	struct view_session v = pipeline_session(p);
	assert_int_equal(view_document(&v, to_buf, &b), 0);
	pipeline_free(NULL);
}

/* ---- the sweeps: the answer comes as it comes, or memory does not ---- */

struct stage {
	struct pipeline *p;
	int err;
};

static struct stage stage; /* not from the heap: the pipeline is under test */

static void *stage_start(void)
{
	const struct pipeline_settings settings = {.decode = true};

	stage.err = 0;
	stage.p = pipeline_new(&settings);
	return stage.p ? &stage : NULL;
}

static void stage_feed(void *state, struct str piece)
{
	struct stage *s = state;
	struct stream said;

	stream_start(&said, STDERR_FILENO);
	int r = pipeline_connection(s->p, STR("api.openai.com"), STR(REQUEST), piece);
	if (r == 0)
		r = pipeline_finish(s->p, false);
	stream_stop(&said, NULL);
	s->err = r;
}

static bool all_bytes; /* are fed, so the call must be there */

static void stage_finish(void *state, struct buf *out)
{
	struct stage *s = state;

	if (s->err < 0)
		return;
	bool complete = pipeline_complete(s->p);
	struct view_session v = pipeline_session(s->p);
	s->err = view_document(&v, to_buf, out);
	/* Without memory an exchange may be less understood; it may not be missing when nothing is said to be. */
	if (s->err == 0 && complete && all_bytes)
		assert_says(buf_str(out), "\"spans\":[{\"id\"");
}

static void stage_stop(void *state)
{
	pipeline_free(((struct stage *)state)->p);
}

static void sweeps(void **state)
{
	const struct harness_stage s = {stage_start, stage_feed, stage_finish, stage_stop};
	(void)state;

	harness_every_prefix("pipeline", &s, STR(ANSWER));
	all_bytes = true;
	harness_every_oom("pipeline", &s, STR(ANSWER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoded_call),
		cmocka_unit_test(inputs_in_pieces),
		cmocka_unit_test(told_lines_passed_the_guard),
		cmocka_unit_test(completeness),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(sweeps),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
