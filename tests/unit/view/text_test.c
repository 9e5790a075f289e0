/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees, single spans, live lines: as approved, for every terminal, whatever a document holds. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "golden.h"
#include "sample.h"
#include "view/view.h"

enum what { TREE, SPAN, LIVE, DOCTOR, LINES };

static const struct view_style pipe_style = {0};

/* Renders, returns the error. */
static int render(enum what what, struct buf *out, struct arena *a, const struct json *j,
		  const struct view_style *style, uint32_t n)
{
	switch (what) {
	case TREE:
		return view_tree(out, a, j, style);
	case SPAN:
		return view_span(out, a, j, 0, n, style);
	case DOCTOR:
		return view_doctor(out, a, j, style);
	case LINES:
		return view_document_lines(out, a, j);
	case LIVE:
		view_live_heading(out, style);
		for (const struct json *s = json_first(json_get(j, "spans")); s; s = json_next(s))
			view_live_line(out, a, json_raw(s), style);
		return buf_err(out);
	}
	return -EINVAL;
}

static void assert_golden(const char *name, enum what what, struct view_style style, uint32_t n,
			  const char *want)
{
	struct arena *a = arena_new(1 << 26);
	struct buf out;

	buf_init(&out, 1 << 24);
	assert_int_equal(render(what, &out, a, json_parse(a, str_of(sample), NULL), &style, n), 0);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
	arena_free(a);
}

#define ASCII(c)  ((struct view_style){.ascii = true, .columns = (c)})
#define WIDTH(c)  ((struct view_style){.columns = (c)})
#define COLOUR(c) ((struct view_style){.colour = true, .columns = (c)})

static void golden_texts(void **state)
{
	(void)state;
	assert_golden("tree in a pipe", TREE, WIDTH(0), 0, tree_pipe);
	assert_golden("tree, 100 columns", TREE, WIDTH(100), 0, tree_100);
	assert_golden("tree, 60 columns, ASCII", TREE, ASCII(60), 0, tree_60_ascii);
	assert_golden("tree, colour", TREE, COLOUR(100), 0, tree_colour_100);
	assert_golden("live", LIVE, WIDTH(120), 0, live_120);
	assert_golden("live, ASCII", LIVE, ASCII(60), 0, live_ascii_60);
	assert_golden("span 2", SPAN, WIDTH(0), 2, span_2);
	assert_golden("span 3, ASCII", SPAN, ASCII(60), 3, span_3_ascii_60);
	assert_golden("span 4", SPAN, WIDTH(0), 4, span_4);
	assert_golden("span 5 continues span 2", SPAN, WIDTH(0), 5, span_5);
}

/* The sample with other words in the place of some of its own. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(sample, from);
	struct buf b;

	assert_non_null(at);
	buf_init(&b, 1 << 20);
	buf_add(&b, str_make(sample, (size_t)(at - sample)));
	buf_add(&b, str_of(to));
	buf_add(&b, str_of(at + strlen(from)));
	char *text = str_dup(buf_str(&b));
	buf_fini(&b);
	return text;
}

static void first_line_says(enum what what, const char *document, const char *want)
{
	struct arena *a = arena_new(1 << 26);
	struct str line;
	struct buf out;

	buf_init(&out, 1 << 24);
	assert_int_equal(render(what, &out, a, json_parse(a, str_of(document), NULL), &pipe_style, 0), 0);
	(void)str_cut(buf_str(&out), '\n', &line);
	if (!str_has(line, str_of(want)))
		fail_msg("\"%s\" is not in: %.*s", want, STR_ARG(line));
	buf_fini(&out);
	arena_free(a);
}

static void what_was_left_out(void **state)
{
	char *in =
		changed("\"complete\":false", "\"complete\":true,\"sampled\":\"1/10\",\"sampled_out\":false");
	char *out = changed("\"complete\":false",
			    "\"complete\":false,\"sampled\":\"1/\\u001b[2J\",\"sampled_out\":true");
	char *shed = changed(
		"\"events\":[]",
		"\"events\":[{\"time\":null,\"name\":\"bottrace.shed\",\"attributes\":{\"bottrace.shed."
		"level\":\"stacks\"}},{\"time\":null,\"name\":\"exec\",\"attributes\":{}},{\"time\":null,"
		"\"name\":\"bottrace.shed\",\"attributes\":{\"bottrace.shed.level\":\"bodies\"}}]");
	(void)state;

	first_line_says(TREE, in, "complete  sampled 1/10  llm");
	first_line_says(TREE, out, "incomplete  sampled 1/\\e[2J, not in the sample");
	first_line_says(TREE, shed, "incomplete  shed in 2 steps, last: bodies  llm");
	free(in);
	free(out);
	free(shed);
}

static void live_shed(void **state)
{
	const struct wire_shed_step step = {.head.ts_ns = 1000000000,
					    .level = WIRE_SHED_BODIES,
					    .before = WIRE_SHED_STACKS,
					    .cost_ns = 132000000,
					    .budget_ns = 100000000,
					    .window_ns = 10000000000};
	const struct wire_shed_step none = {.level = 99, .before = 98};
	struct buf out;
	(void)state;

	buf_init(&out, 1 << 16);
	view_live_shed(&out, &step, 1000000000000000000, &pipe_style);
	view_live_shed(&out, &none, 1000000000000000000, &pipe_style);
	HARNESS_TEXT("live", buf_str(&out),
		     "01:46:41  shed  left out now: bodies; before: stacks                 probes took "
		     "1.3200 % of a core, "
		     "may take 1.0000 %\n"
		     "01:46:40  shed  left out now: ?; before: ?                           probes took "
		     "0.0000 % of a core, "
		     "may take 0.0000 %\n");
	buf_fini(&out);
}

static void doctor_text(void **state)
{
	static const char doc[] = "{\"schema\":\"bottrace.v1.doctor\",\"checks\":[{\"name\":\"kernel\","
				  "\"state\":\"ok\",\"text\":\"6.18 x86_64\",\"remedy\":null},"
				  "{\"name\":\"safety\",\"state\":\"note\",\"text\":\"nop5 sites "
				  "refused\",\"remedy\":\"newer kernel\"},"
				  "{\"name\":\"rights\",\"state\":\"fail\",\"text\":\"no\\u001bcap\","
				  "\"remedy\":\"sudo\"}],\"verdict\":\"nothing works\"}";
	struct arena *a = arena_new(1 << 24);
	struct view_style style = ASCII(40);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	const struct json *j = json_parse(a, str_of(doc), NULL);
	assert_int_equal(view_doctor(&out, a, j, &style), 0);
	HARNESS_TEXT("doctor", buf_str(&out),
		     "kernel    6.18 x86_64              ok\n"
		     "safety    nop5 sites refused       note\n"
		     "          -> newer kernel\n"
		     "rights    no\\ecap                  FAIL\n"
		     "          -> sudo\n"
		     "verdict   nothing works\n");
	/* Nothing is cut off where it is narrow. */
	style = WIDTH(24);
	buf_clear(&out);
	assert_int_equal(view_doctor(&out, a, j, &style), 0);
	HARNESS_TEXT("narrow doctor", buf_str(&out),
		     "kernel    6.18\n"
		     "          x86_64   ok\n"
		     "safety    nop5\n"
		     "          sites\n"
		     "          refused  note\n"
		     "          \xe2\x86\x92 newer\n"
		     "            kernel\n"
		     "rights    no\\ecap  FAIL\n"
		     "          \xe2\x86\x92 sudo\n"
		     "verdict   nothing\n"
		     "          works\n");
	assert_int_equal(view_doctor(&out, a, json_parse(a, STR("{}"), NULL), &style), -EBADMSG);
	buf_fini(&out);
	arena_free(a);
}

static void foreign_documents(void **state)
{
	static const char *const foreign[] = {"{}",
					      "[]",
					      "1",
					      "{\"schema\":\"bottrace.v2.trace\",\"spans\":[]}",
					      "{\"schema\":\"bottrace.v1.trace\"}",
					      "{\"schema\":\"bottrace.v1.traces\",\"traces\":{}}"};
	struct arena *a = arena_new(1 << 24);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_false(view_is_document(NULL));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const struct json *j = json_parse(a, str_of(foreign[i]), NULL);

		assert_false(view_is_document(j));
		for (int w = TREE; w <= LINES; w++)
			if (w != LIVE)
				assert_int_equal(render((enum what)w, &out, a, j, &pipe_style, 1), -EBADMSG);
	}
	const struct json *j = json_parse(a, str_of(sample), NULL);
	assert_int_equal(view_span(&out, a, j, 0, 7, &pipe_style), -ENOENT);
	assert_int_equal(view_span(&out, a, j, 1, 1, &pipe_style), -ENOENT);
	assert_null(view_find(j, 1, 1));
	assert_true(json_is(json_get(view_find(j, 0, 3), "id"), "0000000000000003"));
	buf_fini(&out);
	arena_free(a);
}

/* ---- content cannot move a cursor ---- */

static bool is_harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	return !(c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
		 (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029);
}

/* A stored line that is none shows nothing. */
static void foreign_lines(void **state)
{
	static const char *const foreign[] = {"", "[]", "1", "null", "{", "\"x\""};
	struct arena *a = arena_new(1 << 20), *small = arena_new(1);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		buf_clear(&out);
		view_live_line(&out, a, str_of(foreign[i]), &pipe_style);
		if (foreign[i][0] != '{')
			HARNESS_TEXT(foreign[i], buf_str(&out), "");
	}
	/* Nor does one for which there is no memory. */
	view_live_line(&out, small, STR("{\"kind\":\"chat\"}"), &pipe_style);
	buf_fini(&out);
	arena_free(small);
	arena_free(a);
}

static void assert_harmless(struct str s, bool ascii)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t c = 0;
		size_t n = text_utf8(str_skip(s, i), &c);

		if (n == 0 || (ascii && c > 0x7e) || (s.p[i] != '\n' && !is_harmless(c)))
			fail_msg("U+%04x at %zu in %.*s", c, i, STR_ARG(str_skip(s, i > 40 ? i - 40 : 0)));
		i += n;
	}
}

static const char zoo[] = "\\u001b[2J\\u001b]0;"
			  "t\\u0007\\r\\n\\b\\u0000\\u009b31m\\u202ebidi\\u2066\\u200f\\u2028x\\u007f\\t\\ud8"
			  "00 \\u4e16\\u754c e\\u0301";

/* The sample with every string but the names that steer replaced by the zoo. */
static void make_zoo(struct buf *out)
{
	static const char *const steering[] = {"schema", "kind", "code", "id",	 "parent",
					       "start",	 "end",	 "span", "type", "bottrace.requested_by"};
	struct str s = str_of(sample), key = STR_NONE;

	for (size_t i = 0; i < s.n; i++) {
		size_t from = i;

		buf_add_char(out, s.p[i]);
		if (s.p[i] != '"')
			continue;
		for (i++; s.p[i] != '"'; i++)
			i += s.p[i] == '\\';
		struct str text = str_make(s.p + from + 1, i - from - 1);
		bool is_key = s.p[i + 1] == ':', steers = is_key;
		for (size_t k = 0; k < sizeof(steering) / sizeof(steering[0]); k++)
			steers |= str_eq(key, str_of(steering[k]));
		buf_add(out, steers ? text : str_of(zoo));
		buf_add_char(out, '"');
		key = is_key ? text : key;
	}
}

static void escapes_are_disarmed(void **state)
{
	static const uint32_t widths[] = {0, 20, 60, 100};
	struct arena *a = arena_new(1 << 28);
	struct buf document, out;

	(void)state;
	buf_init(&document, 1 << 20);
	buf_init(&out, 1 << 24);
	make_zoo(&document);
	const struct json *j = json_parse(a, buf_str(&document), NULL);
	assert_true(view_is_document(j));
	for (int what = TREE; what <= LIVE; what++)
		for (unsigned i = 0; i < 8; i++)
			for (uint32_t n = 1; n <= (what == SPAN ? 6 : 1); n++) {
				struct view_style style = {.ascii = i & 1, .columns = widths[i / 2]};

				buf_clear(&out);
				assert_int_equal(render((enum what)what, &out, a, j, &style, n), 0);
				assert_true(out.n > 100);
				assert_harmless(buf_str(&out), style.ascii);
			}
	buf_fini(&document);
	buf_fini(&out);
	arena_free(a);
}

static void no_line_is_wider(void **state)
{
	struct arena *a = arena_new(1 << 28);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 24);
	const struct json *j = json_parse(a, str_of(sample), NULL);
	for (uint32_t columns = 1; columns <= 160; columns += columns < 24 ? 1 : 17)
		for (int what = TREE; what <= LIVE; what++)
			for (int ascii = 0; ascii < 2; ascii++) {
				struct view_style style = {.ascii = ascii, .columns = columns};

				if (what == SPAN)
					continue;
				buf_clear(&out);
				assert_int_equal(render((enum what)what, &out, a, j, &style, 1), 0);
				for (struct str rest = buf_str(&out), line; rest.n;) {
					rest = str_cut(rest, '\n', &line);
					if (text_width(line) > columns)
						fail_msg("%zu columns of %u: %.*s", text_width(line), columns,
							 STR_ARG(line));
				}
			}
	buf_fini(&out);
	arena_free(a);
}

/* ---- documents that are cut, cyclic, huge ---- */

static void every_prefix(void **state)
{
	struct str s = str_of(sample);

	(void)state;
	for (size_t n = 0; n < s.n; n += 13) {
		struct arena *a = arena_new(1 << 26);
		struct buf out;

		buf_init(&out, 1 << 24);
		const struct json *j = json_parse(a, str_head(s, n), NULL);
		for (int w = TREE; w <= LINES; w++)
			(void)render((enum what)w, &out, a, j, &pipe_style, 5);
		buf_fini(&out);
		arena_free(a);
	}
}

static void parents_in_a_ring(void **state)
{
	static const char doc[] = "{\"schema\":\"bottrace.v1.trace\",\"spans\":["
				  "{\"id\":\"0000000000000001\",\"parent\":\"0000000000000003\",\"n\":1,"
				  "\"kind\":\"step\",\"name\":\"a\"},"
				  "{\"id\":\"0000000000000002\",\"parent\":\"0000000000000001\",\"n\":2,"
				  "\"kind\":\"step\",\"name\":\"b\"},"
				  "{\"id\":\"0000000000000003\",\"parent\":\"0000000000000002\",\"n\":3,"
				  "\"kind\":\"step\",\"name\":\"c\"},"
				  "{\"id\":\"0000000000000004\",\"parent\":\"0000000000000004\",\"n\":4,"
				  "\"kind\":\"step\",\"name\":\"d\"},"
				  "{\"id\":\"0000000000000005\",\"parent\":\"00000000000000ff\",\"n\":5,"
				  "\"kind\":\"step\",\"name\":\"e\"}]}";
	struct arena *a = arena_new(1 << 24);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(view_tree(&out, a, json_parse(a, str_of(doc), NULL), &pipe_style), 0);
	for (char c = 'a'; c <= 'e'; c++) {
		char want[16];

		snprintf(want, sizeof(want), "%d step  %c", c - 'a' + 1, c);
		assert_true(str_has(buf_str(&out), str_of(want)));
	}
	buf_fini(&out);
	arena_free(a);
}

/* 25,000 spans below one another, each continuing the one before. */
static void many_spans(void **state)
{
	struct arena *a = arena_new(1ul << 30);
	struct buf doc, out;
	struct timespec from, to;

	(void)state;
	buf_init(&doc, 1 << 28);
	buf_init(&out, 1 << 28);
	buf_add(&doc, STR("{\"schema\":\"bottrace.v1.trace\",\"spans\":["));
	for (unsigned i = 1; i <= 25000; i++)
		buf_addf(&doc,
			 "%s{\"id\":\"%016x\",\"parent\":\"%016x\",\"n\":%u,\"kind\":\"chat\",\"name\":"
			 "\"chat m\",\"attributes\":{"
			 "\"bottrace.continues\":{\"span\":\"%016x\",\"messages\":%u},\"gen_ai.input."
			 "messages\":[{\"role\":\"user\","
			 "\"parts\":[{\"type\":\"text\",\"content\":\"message %u\"}]}]}}",
			 i > 1 ? "," : "", i, i - 1, i, i - 1, i - 1, i);
	buf_add(&doc, STR("]}"));
	const struct json *j = json_parse(a, buf_str(&doc), NULL);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(view_tree(&out, a, j, &pipe_style), 0);
	assert_int_equal(view_span(&out, a, j, 0, 25000, &pipe_style), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(str_has(buf_str(&out), STR("    message 1\n")));
	assert_true(str_has(buf_str(&out), STR("messages 25000 ")));
	if (to.tv_sec - from.tv_sec > 5)
		fail_msg("25,000 spans took %ld s", (long)(to.tv_sec - from.tv_sec));
	buf_fini(&doc);
	buf_fini(&out);
	arena_free(a);
}

/* What a span continues may not be there. */
static void dangling_history(void **state)
{
	static const char doc[] = "{\"schema\":\"bottrace.v1.trace\",\"spans\":[{\"id\":\"0000000000000001\","
				  "\"parent\":null,\"n\":1,"
				  "\"kind\":\"chat\",\"name\":\"x\",\"attributes\":{\"bottrace.continues\":{"
				  "\"span\":\"00000000000000aa\","
				  "\"messages\":2},\"gen_ai.input.messages\":[]}}]}";
	struct arena *a = arena_new(1 << 24);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(view_span(&out, a, json_parse(a, str_of(doc), NULL), 0, 1, &pipe_style), 0);
	assert_true(str_has(buf_str(&out), STR("(earlier messages stand in a span that is not here)")));
	buf_fini(&out);
	arena_free(a);
}

static void several_traces(void **state)
{
	struct arena *a = arena_new(1 << 26);
	struct buf doc, out;

	(void)state;
	buf_init(&doc, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_addf(&doc, "{\"schema\":\"bottrace.v1.traces\",\"traces\":[%s,%s]}", sample, sample);
	const struct json *j = json_parse(a, buf_str(&doc), NULL);
	assert_int_equal(view_tree(&out, a, j, &pipe_style), 0);
	assert_int_equal(out.n, 2 * strlen(tree_pipe) + 1);
	assert_non_null(view_find(j, 1, 6));
	assert_null(view_find(j, 2, 1));
	buf_fini(&doc);
	buf_fini(&out);
	arena_free(a);
}

static void json_lines(void **state)
{
	struct arena *a = arena_new(1 << 26);
	struct buf out;
	unsigned lines = 0;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(view_document_lines(&out, a, json_parse(a, str_of(sample), NULL)), 0);
	for (struct str rest = buf_str(&out), line; rest.n; lines++) {
		rest = str_cut(rest, '\n', &line);
		const struct json *j = json_parse(a, line, NULL);
		assert_int_equal(json_type(j), JSON_OBJECT);
		assert_null(json_get(j, "spans"));
		assert_int_equal(json_get(j, "schema") != NULL, lines == 6);
	}
	assert_int_equal(lines, 7);
	buf_fini(&out);
	arena_free(a);
}

static void every_failed_allocation(void **state)
{
	(void)state;
	for (int w = TREE; w <= LINES; w++) {
		bool failed = true;

		for (unsigned long n = 1; failed; n++) {
			struct arena *a = arena_new(1 << 26);
			const struct json *j = json_parse(a, str_of(sample), NULL);
			struct buf out;

			buf_init(&out, 1 << 24);
			harness_fail_alloc(n);
			(void)render((enum what)w, &out, a, j, &pipe_style, 5);
			failed = harness_alloc_failed();
			harness_fail_alloc(0);
			buf_fini(&out);
			arena_free(a);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_texts),
		cmocka_unit_test(doctor_text),
		cmocka_unit_test(foreign_documents),
		cmocka_unit_test(foreign_lines),
		cmocka_unit_test(escapes_are_disarmed),
		cmocka_unit_test(no_line_is_wider),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(parents_in_a_ring),
		cmocka_unit_test(many_spans),
		cmocka_unit_test(dangling_history),
		cmocka_unit_test(several_traces),
		cmocka_unit_test(what_was_left_out),
		cmocka_unit_test(live_shed),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
