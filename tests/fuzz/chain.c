/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that go on from others: one connection decoded, in parts q the request's body, a the answer's, p the target of
 * those that follow. A call may go on from a call of this document only, and never with more messages than that one has.
 */
#include "base/json.h"
#include "base/limits.h"
#include "fuzz.h"
#include "pipeline.h"
#include "view/view.h"

static void add_message(struct buf *b, struct str first, struct str body)
{
	buf_addf(b, "%.*s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", STR_ARG(first),
		 body.n);
	buf_add(b, body);
}

static const struct json *attribute(const struct json *span, const char *name)
{
	return json_get(json_get(span, "attributes"), name);
}

static const struct json *find(const struct json *spans, const struct json *id)
{
	for (const struct json *s = json_first(spans); s; s = json_next(s))
		if (str_eq(json_raw(json_get(s, "id")), json_raw(id)))
			return s;
	return NULL;
}

/* Messages of its whole input and of its answer. */
static uint64_t messages(const struct json *span)
{
	int64_t before = 0;

	(void)json_i64(json_get(attribute(span, "bottrace.continues"), "messages"), &before);
	return (uint64_t)before + json_count(attribute(span, "gen_ai.input.messages")) +
	       json_count(attribute(span, "gen_ai.output.messages"));
}

static void check(const struct json *spans)
{
	for (const struct json *s = json_first(spans); s; s = json_next(s)) {
		const struct json *on = attribute(s, "bottrace.continues");
		int64_t n = -1;

		if (on == NULL)
			continue;
		const struct json *before = find(spans, json_get(on, "span"));
		assert(before && before != s);
		assert(json_i64(json_get(on, "messages"), &n) && n >= 0);
		assert((uint64_t)n <= messages(before));
	}
}

static void decode(struct str written, struct str read)
{
	const struct pipeline_settings settings = {.spool_dir = "/dev/shm", .decode = true};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	autodrop(buf_fini) struct buf document;
	struct pipeline *p = pipeline_new(&settings);
	struct json_end end;

	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	int r = pipeline_connection(p, STR("api.example.com"), written, read);
	assert(r == 0);
	r = pipeline_finish(p, false);
	assert(r == 0);
	struct view_session v = pipeline_session(p);
	if (view_document(&v, view_to_buf, &document) == 0) {
		const struct json *j = json_parse(a, buf_str(&document), &end);

		assert(end.state == JSON_WHOLE && view_is_document(j));
		check(json_get(j, "spans"));
	}
	pipeline_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), target = STR("/v1/responses"), body;
	autodrop(buf_fini) struct buf written, read, first;
	char letter;

	buf_init(&written, 1u << 20);
	buf_init(&read, 1u << 20);
	buf_init(&first, 1u << 20);
	while (fuzz_part(&rest, &letter, &body)) {
		if (letter == 'p') {
			target = body;
		} else if (letter == 'q') {
			buf_clear(&first);
			buf_addf(&first, "POST %.*s HTTP/1.1\r\nHost: h", STR_ARG(target));
			add_message(&written, buf_str(&first), body);
		} else if (letter == 'a') {
			add_message(&read, STR("HTTP/1.1 200 OK"), body);
		}
	}
	decode(buf_str(&written), buf_str(&read));
	return 0;
}
