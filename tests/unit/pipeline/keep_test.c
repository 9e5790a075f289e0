/* SPDX-License-Identifier: BSD-2-Clause */
/* --keep from records to document: what stays, what was told, and that nothing names what went. */
#include "pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stream.h"

#define S  1000000000ull
#define MS 1000000ull

#define ASK "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"how warm?\"}]}"
#define CALL                                                                                          \
	"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{" \
	"\"name\":"                                                                                   \
	"\"weather\",\"arguments\":\"{}\"}}]}"
#define TELL                                                                                 \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"how warm?\"}," CALL \
	",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"4\"}]}"

struct world {
	struct pipeline *p;
	uint64_t now, offset[WIRE_DIRS];
	uint64_t slow_ns; /* between a request and its answer */
	uint32_t lines;
};

static void told(void *ctx, struct str line, uint32_t seq)
{
	struct world *w = ctx;

	assert_true(line.n > 0 && seq > 0);
	w->lines++;
}

static void feed(struct world *w, struct wire_head *rec, uint32_t pid)
{
	rec->ts_ns = w->now;
	rec->pid = pid;
	rec->tid = pid;
	rec->start_ns = pid ? 1 : 0;
	pipeline_feed(w->p, rec);
}

static void moves(struct world *w, enum wire_dir dir, const char *text)
{
	_Alignas(8) char space[8192] = {0};
	struct wire_tls_data *d = (void *)space;
	size_t n = strlen(text);

	d->head.size = (uint32_t)((sizeof(*d) + n + 7) & ~7ul);
	d->head.kind = WIRE_TLS_DATA;
	d->conn = (struct wire_conn_key){.ssl = 1, .generation = 2};
	d->offset = w->offset[dir];
	d->call_len = d->len = (uint32_t)n;
	d->dir = (uint8_t)dir;
	memcpy(d->payload, text, n);
	w->offset[dir] += n;
	w->now += MS;
	feed(w, &d->head, 7);
}

static void exchange(struct world *w, const char *body, const char *answer)
{
	char text[8000];

	snprintf(text, sizeof(text),
		 "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	moves(w, WIRE_WRITE, text);
	w->now += w->slow_ns;
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(answer),
		 answer);
	moves(w, WIRE_READ, text);
}

static void begin(struct world *w, enum wire_mode mode)
{
	const struct pipeline_settings settings = {.span = told, .ctx = w};
	struct wire_session s = {.head = {.size = sizeof(s), .kind = WIRE_SESSION}, .mode = mode};
	struct wire_keep k = {.head = {.size = sizeof(k), .kind = WIRE_KEEP}, .slow_ns = S};
	struct wire_proc_fact f = {.head = {.size = sizeof(f), .kind = WIRE_PROC_FACT}, .comm = "agent"};
	struct wire_target t = {.head = {.size = sizeof(t), .kind = WIRE_TARGET}};

	*w = (struct world){.now = S, .p = pipeline_new(&settings)};
	assert_non_null(w->p);
	feed(w, &s.head, 0);
	feed(w, &k.head, 0);
	feed(w, &f.head, 7);
	feed(w, &t.head, 7);
}

static void finish(struct world *w, struct buf *document)
{
	struct wire_end e = {.head = {.size = sizeof(e), .kind = WIRE_END}, .has_final = 1};

	w->now += MS;
	feed(w, &e.head, 0);
	assert_int_equal(pipeline_finish(w->p, false), 0);
	struct view_session v = pipeline_session(w->p);
	assert_int_equal(view_document(&v, view_to_buf, document), 0);
	pipeline_free(w->p);
}

/* An agent that asks for a tool, waits so long, and tells the result. */
static void play(struct world *w, enum wire_mode mode, uint64_t tool_ns, struct buf *document)
{
	begin(w, mode);
	exchange(w, ASK,
		 "{\"choices\":[{\"index\":0,\"message\":" CALL ",\"finish_reason\":\"tool_calls\"}]}");
	w->now += tool_ns;
	exchange(w, TELL,
		 "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"4\"},"
		 "\"finish_reason\":\"stop\"}]}");
	finish(w, document);
}

static size_t count(struct str s, const char *what)
{
	size_t n = 0;

	for (ptrdiff_t at; (at = str_find(s, str_of(what))) >= 0; n++)
		s = str_skip(s, (size_t)at + strlen(what));
	return n;
}

/* The tool was slow: it stays with the call that asked, and does not name the call that told, which went. */
static void nothing_dangles(void **state)
{
	autodrop(drop_arena) struct arena *a = arena_new(1u << 20);
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	play(&w, WIRE_MODE_ATTACH, 2 * S, &b);
	const struct json *j = json_parse(a, buf_str(&b), NULL);
	assert_says(buf_str(&b), "\"kept\":{\"rules\":\"slow>1s\",\"spans_dropped\":1}");
	assert_int_equal(count(buf_str(&b), "\"kind\":\"chat\""), 1);
	assert_int_equal(count(buf_str(&b), "\"kind\":\"execute_tool\""), 1);
	assert_int_equal(count(buf_str(&b), "answered_in"), 0);
	assert_int_equal(count(buf_str(&b), "its result in the request"), 0);
	assert_says(buf_str(&b), "\"bottrace.requested_by\"");
	assert_int_equal(json_count(json_get(j, "spans")), 3); /* still JSON, numbered without holes */
	int64_t n = 1, got;
	for (const struct json *s = json_first(json_get(j, "spans")); s; s = json_next(s), n++)
		assert_true(json_i64(json_get(s, "n"), &got) && got == n);
	assert_int_equal(w.lines, 3); /* nobody heard of the one that went */
	buf_fini(&b);
}

static void all_or_nothing(void **state)
{
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	play(&w, WIRE_MODE_RUN, 2 * S, &b);
	assert_says(buf_str(&b), "\"spans_dropped\":0}");
	assert_int_equal(count(buf_str(&b), "\"kind\":\"chat\""), 2);
	assert_int_equal(count(buf_str(&b), "\"bottrace.answered_in\""), 1);
	assert_int_equal(w.lines, 4);
	buf_clear(&b);
	play(&w, WIRE_MODE_RUN, MS, &b);
	assert_says(buf_str(&b), "\"spans_dropped\":3}");
	assert_int_equal(count(buf_str(&b), "\"kind\":"), 1);
	assert_int_equal(w.lines, 1); /* the process */
	buf_fini(&b);
}

#define OK                                                                                            \
	"{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"4\"},\"finish_" \
	"reason\":\"stop\"}]}"

/* What a request repeats of one that went is known by its bytes alone, and is read anew for the one that stays. */
static void repeated_history(void **state)
{
	struct world w;
	struct buf b;
	char body[6000];

	(void)state;
	buf_init(&b, 1u << 20);
	begin(&w, WIRE_MODE_ATTACH);
	snprintf(body, sizeof(body),
		 "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"first %02500d\"}]}", 1);
	exchange(&w, body, OK);
	snprintf(body, sizeof(body),
		 "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"first %02500d\"},"
		 "{\"role\":\"assistant\",\"content\":\"4\"},{\"role\":\"user\",\"content\":\"second\"}]}",
		 1);
	w.slow_ns = 2 * S;
	exchange(&w, body, OK);
	finish(&w, &b);
	assert_says(buf_str(&b), "\"spans_dropped\":1}");
	assert_int_equal(count(buf_str(&b), "\"kind\":\"chat\""), 1);
	assert_int_equal(count(buf_str(&b), "first 000"), 1);
	assert_int_equal(count(buf_str(&b), "\"second\""), 1);
	assert_int_equal(count(buf_str(&b), "bottrace.continues"), 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_dangles),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(repeated_history),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
