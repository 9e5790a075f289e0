/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../view/sample.h"
#include "base/arena.h"
#include "base/err.h"
#include "cmd/word.h"
#include "stream.h"

static struct buf document(const char *text)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_add(&b, str_of(text));
	return b;
}

struct printed {
	int code;
	struct buf out, said;
};

static void print(struct printed *p, const struct option_values *v, const char *text,
		  enum session_format format)
{
	struct arena *a = arena_new(16u << 20);
	struct view_style style = {0};
	struct stream one, two;
	struct buf d = document(text);

	buf_init(&p->out, 1u << 20);
	buf_init(&p->said, 1u << 16);
	stream_start(&one, STDOUT_FILENO);
	stream_start(&two, STDERR_FILENO);
	p->code = word_print_document(v, &d, format, a, &style);
	stream_stop(&two, &p->said);
	stream_stop(&one, &p->out);
	buf_fini(&d);
	arena_free(a);
}

static void printed_fini(struct printed *p)
{
	buf_fini(&p->out);
	buf_fini(&p->said);
}

static void json_is_the_document(void **state)
{
	struct option_values v = {0};
	struct printed p;
	(void)state;

	print(&p, &v, sample, SESSION_JSON);
	assert_int_equal(p.code, EXIT_OK);
	HARNESS_TEXT("json", buf_str(&p.out), sample);
	HARNESS_TEXT("said", buf_str(&p.said), "");
	printed_fini(&p);
}

static void lines_are_spans_and_the_trace(void **state)
{
	struct option_values v = {0};
	struct printed p;
	struct str line;
	(void)state;

	print(&p, &v, sample, SESSION_JSONL);
	assert_int_equal(p.code, EXIT_OK);
	struct arena *a = arena_new(16u << 20);
	struct str rest = buf_str(&p.out);
	for (int64_t i = 1; i <= 6; i++) {
		int64_t n = 0;

		rest = str_cut(rest, '\n', &line);
		assert_true(json_i64(json_get(json_parse(a, line, NULL), "n"), &n));
		assert_int_equal(n, i);
	}
	rest = str_cut(rest, '\n', &line);
	assert_int_equal(rest.n, 0);
	const struct json *trace = json_parse(a, line, NULL);
	HARNESS_TEXT("schema", json_get_str(a, trace, "schema"), "bottrace.v1.trace");
	assert_null(json_get(trace, "spans"));
	arena_free(a);
	printed_fini(&p);
}

static void text_is_a_tree(void **state)
{
	struct option_values v = {0};
	struct printed p;
	(void)state;

	print(&p, &v, sample, SESSION_TEXT);
	assert_int_equal(p.code, EXIT_OK);
	assert_says(buf_str(&p.out), "claude-sonnet-4-5");
	assert_says(buf_str(&p.out), "bash");
	assert_true(str_find_char(buf_str(&p.out), '\x1b') < 0);
	printed_fini(&p);
}

/* --full: a call that continues another has that one's messages before its own. */
static void full_expands(void **state)
{
	static const enum session_format formats[] = {SESSION_JSON, SESSION_JSONL};
	struct option_values v = {.full = true};
	(void)state;

	for (int i = 0; i < 2; i++) {
		struct printed p;

		print(&p, &v, sample, formats[i]);
		assert_int_equal(p.code, EXIT_OK);
		assert_true(str_find(buf_str(&p.out), STR("\"bottrace.continues\"")) < 0);
		printed_fini(&p);
		/* More than the continued call has: it stays as it is. */
		struct buf more = document(sample);
		ptrdiff_t at = str_find(buf_str(&more), STR("\"messages\":2"));
		assert_true(at > 0);
		more.p[at + 11] = '9';
		print(&p, &v, buf_z(&more), formats[i]);
		assert_int_equal(p.code, EXIT_OK);
		assert_says(buf_str(&p.out), "\"bottrace.continues\"");
		printed_fini(&p);
		buf_fini(&more);
	}
}

static void no_document(void **state)
{
	static const char *const texts[] = {"", "x", "{\"schema\":", "[1]"};
	static const enum session_format formats[] = {SESSION_TEXT, SESSION_JSONL};
	struct option_values v = {0};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (int f = 0; f < 2; f++) {
			struct printed p;

			print(&p, &v, texts[i], formats[f]);
			assert_int_equal(p.code, EXIT_CORRUPT);
			assert_says(buf_str(&p.said), "bottrace: cannot show the trace: ");
			HARNESS_TEXT("out", buf_str(&p.out), "");
			printed_fini(&p);
		}
}

/* ---- where it goes ---- */

static int print_to(int fd, const char *text, struct buf *said)
{
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	struct buf b = document(text);
	struct stream s;

	buf_init(said, 1u << 16);
	dup2(fd, STDOUT_FILENO);
	stream_start(&s, STDERR_FILENO);
	int code = word_print(&b);
	stream_stop(&s, said);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	buf_fini(&b);
	return code;
}

static void closed_pipe_is_no_error(void **state)
{
	struct buf said;
	int ends[2];
	(void)state;

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(print_to(ends[1], sample, &said), EXIT_OK);
	HARNESS_TEXT("said", buf_str(&said), "");
	close(ends[1]);
	buf_fini(&said);
}

static void full_disk(void **state)
{
	struct buf said;
	int fd = open("/dev/full", O_WRONLY);
	(void)state;

	assert_true(fd >= 0);
	assert_int_equal(print_to(fd, sample, &said), EXIT_SINK);
	HARNESS_TEXT("said", buf_str(&said), "bottrace: cannot write to stdout: No space left on device\n");
	close(fd);
	buf_fini(&said);
}

static void text_that_could_not_be_made(void **state)
{
	struct stream s;
	struct buf said, b;
	(void)state;

	buf_init(&b, 4);
	buf_add(&b, STR("too long"));
	buf_init(&said, 4096);
	stream_start(&s, STDERR_FILENO);
	int code = word_print(&b);
	stream_stop(&s, &said);
	assert_int_equal(code, EXIT_HOST);
	assert_says(buf_str(&said), "bottrace: cannot show it: ");
	buf_fini(&b);
	buf_fini(&said);
}

static void one_format(void **state)
{
	static const struct {
		struct session_output outputs[2];
		unsigned count;
		int code;
		enum session_format format;
	} cases[] = {
		{{{0}}, 0, EXIT_OK, SESSION_TEXT},
		{{{.format = SESSION_JSON}}, 1, EXIT_OK, SESSION_JSON},
		{{{.format = SESSION_JSONL}}, 1, EXIT_OK, SESSION_JSONL},
		{{{.format = SESSION_JSON, .file = "f"}}, 1, EXIT_USAGE, 0},
		{{{.format = SESSION_JSON}, {.format = SESSION_TEXT}}, 2, EXIT_USAGE, 0},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct option_values v = {.session.output_count = cases[i].count};
		enum session_format format;
		struct stream s;

		memcpy(v.session.outputs, cases[i].outputs, sizeof(cases[i].outputs));
		stream_start(&s, STDERR_FILENO);
		int code = word_format(&v, &format);
		stream_stop(&s, NULL);
		assert_int_equal(code, cases[i].code);
		if (code == EXIT_OK)
			assert_int_equal(format, cases[i].format);
	}
}

/* ---- allocations that fail ---- */

static void without_memory(void **state)
{
	struct option_values plain = {0}, full = {.full = true};
	(void)state;

	for (unsigned format = SESSION_TEXT; format <= SESSION_JSONL; format++) {
		const struct option_values *v = format == SESSION_JSONL ? &full : &plain;
		struct printed want, p;

		print(&want, v, sample, format);
		for (unsigned long n = 1;; n++) {
			struct arena *a = arena_new(16u << 20);
			struct view_style style = {0};
			struct buf d = document(sample);
			struct stream one, two;

			buf_init(&p.out, 1u << 20);
			stream_start(&one, STDOUT_FILENO);
			stream_start(&two, STDERR_FILENO);
			harness_fail_alloc(n);
			p.code = word_print_document(v, &d, format, a, &style);
			bool failed = harness_alloc_failed();
			harness_fail_alloc(0);
			stream_stop(&two, NULL);
			stream_stop(&one, &p.out);
			/* Text for people may say less of a span; data is whole or not there. */
			if (p.code == EXIT_OK && format == SESSION_TEXT)
				assert_true(p.out.n > 0);
			else if (p.code == EXIT_OK)
				harness_assert_text("whole or not at all", buf_str(&p.out),
						    buf_str(&want.out));
			else
				HARNESS_TEXT("whole or not at all", buf_str(&p.out), "");
			buf_fini(&p.out);
			buf_fini(&d);
			arena_free(a);
			if (!failed)
				break;
			assert_true(n < 100000);
		}
		printed_fini(&want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_the_document),
		cmocka_unit_test(lines_are_spans_and_the_trace),
		cmocka_unit_test(text_is_a_tree),
		cmocka_unit_test(full_expands),
		cmocka_unit_test(no_document),
		cmocka_unit_test(closed_pipe_is_no_error),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(text_that_could_not_be_made),
		cmocka_unit_test(one_format),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests_name("cmd print", tests, NULL, NULL);
}
