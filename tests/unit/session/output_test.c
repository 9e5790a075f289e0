/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/err.h"
#include "pipeline.h"
#include "stream.h"

static char where[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(where, sizeof(where), "/tmp/output-XXXXXX");
	return mkdtemp(where) && chdir(where) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const files[] = {"old", "new", "other", "tape", "fifo"};
	(void)state;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	return chdir("/") == 0 ? rmdir(where) : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void read_file(struct buf *b, const char *path)
{
	char piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	buf_init(b, SIZE_MAX);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(b, str_make(piece, n));
	fclose(f);
}

static void holds(const char *path, const char *want)
{
	struct buf b;

	read_file(&b, path);
	HARNESS_TEXT(path, buf_str(&b), want);
	buf_fini(&b);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static int opened(struct session_settings *settings, struct buf *said)
{
	struct stream s;

	buf_init(said, 4096);
	stream_start(&s, STDERR_FILENO);
	int r = output_open(settings);
	stream_stop(&s, said);
	return r;
}

static void close_outputs(struct session_settings *s)
{
	for (unsigned i = 0; i < s->output_count; i++)
		if (s->outputs[i].file && s->outputs[i].fd >= 0)
			close(s->outputs[i].fd);
}

/* ---- opening ---- */

static void files_are_opened_not_emptied(void **state)
{
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.outputs = {{.format = SESSION_JSON, .file = "old"},
			    {.format = SESSION_JSON, .file = "new"},
			    {0}},
		.output_count = 3,
	};
	struct buf said;
	(void)state;

	write_file("old", "yesterday's");
	umask(022);
	assert_int_equal(opened(&s, &said), EXIT_OK);
	buf_fini(&said);
	assert_false(s.outputs[0].created);
	assert_true(s.outputs[1].created);
	assert_int_equal(mode_of("new"), 0644);
	assert_int_equal(s.outputs[2].fd, STDERR_FILENO);
	assert_true(fcntl(s.outputs[0].fd, F_GETFD) & FD_CLOEXEC);
	holds("old", "yesterday's");
	close_outputs(&s);
	output_discard(&s); /* nothing was started: what we made goes, what was there stays */
	assert_int_equal(access("new", F_OK), -1);
	holds("old", "yesterday's");
	s.mode = WIRE_MODE_ATTACH;
	assert_int_equal(opened(&s, &said), EXIT_OK);
	assert_int_equal(s.outputs[2].fd, STDOUT_FILENO);
	close_outputs(&s);
	buf_fini(&said);
}

static void what_cannot_be_written(void **state)
{
	struct session_settings s = {
		.outputs = {{.format = SESSION_JSON, .file = "new"},
			    {.format = SESSION_JSON, .file = "no/such/dir"}},
		.output_count = 2,
	};
	struct buf said;
	(void)state;

	assert_int_equal(opened(&s, &said), EXIT_USAGE);
	HARNESS_TEXT("said", buf_str(&said),
		     "bottrace: cannot write no/such/dir: No such file or directory\n"
		     "hint: give -o a file in a directory that you may write to\n");
	buf_fini(&said);
	close_outputs(&s);
	output_discard(&s);
	assert_int_equal(access("new", F_OK), -1);
	s.outputs[1].file = "/";
	assert_int_equal(opened(&s, &said), EXIT_USAGE);
	assert_says(buf_str(&said), "cannot write /: Is a directory");
	close_outputs(&s);
	buf_fini(&said);
}

static int tape_opened(const char *file, struct buf *said)
{
	struct stream s;

	buf_init(said, 4096);
	stream_start(&s, STDERR_FILENO);
	int fd = output_open_tape(file);
	stream_stop(&s, said);
	return fd;
}

static void tape_is_private_and_empty(void **state)
{
	struct buf said;
	(void)state;

	umask(0);
	for (int i = 0; i < 2; i++) {
		int fd = tape_opened("tape", &said);

		assert_true(fd >= 0);
		close(fd);
		assert_says(buf_str(&said), "warning: tape will hold plaintext and keys");
		buf_fini(&said);
		assert_int_equal(mode_of("tape"), 0600);
		holds("tape", "");
		/* The second time it is somebody's old file, readable for all. */
		write_file("tape", "old");
		assert_int_equal(chmod("tape", 0644), 0);
	}
	assert_int_equal(tape_opened("no/tape", &said), -1);
	assert_says(buf_str(&said),
		    "cannot write no/tape: No such file or directory\nhint: give --tape a file");
	buf_fini(&said);
	umask(022);
}

/* ---- a session with one call ---- */

#define ASKED                                                                                      \
	"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 69\r\n\r\n" \
	"{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
#define TOLD                                                                                                \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 104\r\n\r\n"                  \
	"{\"id\":\"c1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"}," \
	"\"finish_reason\":\"stop\"}]}"

static struct pipeline *one_call(void)
{
	struct pipeline_settings settings = {.decode = true};
	struct pipeline *p = pipeline_new(&settings);

	assert_non_null(p);
	assert_int_equal(pipeline_connection(p, STR("api.openai.com"), STR(ASKED), STR(TOLD)), 0);
	assert_int_equal(pipeline_finish(p, false), 0);
	return p;
}

/* output_write, and what it said on stderr. */
static int written(const struct session_settings *settings, struct pipeline *p, struct output_live *l,
		   struct buf *said)
{
	struct view_session session = pipeline_session(p);
	struct stream s;

	buf_init(said, 1u << 16);
	stream_start(&s, STDERR_FILENO);
	int r = output_write(settings, &session, l);
	stream_stop(&s, said);
	return r;
}

#define SPAN                                                                                             \
	"{\"id\":\"00000000000000aa\",\"parent\":null,\"kind\":\"chat\",\"name\":\"chat m\",\"start\":"  \
	"\"2026-11-22T20:41:07.000000000Z\",\"end\":\"2026-11-22T20:41:08.000000000Z\",\"duration_ns\":" \
	"1000000000,"                                                                                    \
	"\"status\":{\"code\":\"ok\"},\"attributes\":{\"gen_ai.request.model\":\"m\"}}"

static void feed(struct output_live *l, uint32_t seq)
{
	output_live_span(l, STR(SPAN), seq);
}

static size_t count(struct str s, const char *what)
{
	size_t n = 0;

	for (ptrdiff_t at; (at = str_find(s, str_of(what))) >= 0; n++)
		s = str_skip(s, (size_t)at + strlen(what));
	return n;
}

static void old_content_stays_until_there_is_new(void **state)
{
	static const char old[] =
		"a document of yesterday that was a little longer than any of today will be: ";
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.outputs = {{.format = SESSION_JSON, .file = "old"},
			    {.format = SESSION_JSONL, .file = "new"},
			    {.format = SESSION_TEXT, .file = "other"}},
		.output_count = 3,
	};
	struct buf said, document, lines, text;
	(void)state;

	for (int i = 0; i < 3; i++) {
		FILE *f = fopen(s.outputs[i].file, "w");

		for (int j = 0; j < 1000; j++)
			fputs(old, f);
		fclose(f);
	}
	assert_int_equal(opened(&s, &said), EXIT_OK);
	buf_fini(&said);
	struct output_live *l = output_live_new(&s);
	assert_non_null(l);
	struct stat st;
	for (int i = 0; i < 3; i++)
		assert_true(stat(s.outputs[i].file, &st) == 0 && st.st_size == 1000 * (off_t)strlen(old));
	const struct wire_shed_step step = {.level = WIRE_SHED_BODIES, .before = WIRE_SHED_STACKS};

	output_live_shed(l, &step, 0);
	feed(l, 1);
	(void)output_live_flush(l);
	assert_true(stat("old", &st) == 0 && st.st_size == 1000 * (off_t)strlen(old));
	struct pipeline *p = one_call();
	assert_int_equal(written(&s, p, l, &said), 0);
	HARNESS_TEXT("said", buf_str(&said), "");
	read_file(&document, "old");
	read_file(&lines, "new");
	read_file(&text, "other");
	struct arena *a = arena_new(1u << 20);
	struct json_end end;
	assert_true(view_is_document(json_parse(a, buf_str(&document), &end)));
	assert_int_equal(end.state, JSON_WHOLE);
	assert_int_equal(count(buf_str(&document), "yesterday"), 0);
	assert_int_equal(count(buf_str(&lines), "yesterday"), 0);
	assert_true(str_starts(buf_str(&lines), STR("{\"id\":\"00000000000000aa\"")));
	assert_int_equal(count(buf_str(&text), "yesterday"), 0);
	assert_int_equal(count(buf_str(&text), "\n"), 3); /* the heading, the governor's step and the span */
	assert_int_equal(count(buf_str(&text), "  shed  left out now: bodies; before: stacks"), 1);
	assert_int_equal(count(buf_str(&lines), "shed"), 0);
	arena_free(a);
	output_live_free(l);
	pipeline_free(p);
	close_outputs(&s);
	buf_fini(&said);
	buf_fini(&document);
	buf_fini(&lines);
	buf_fini(&text);
}

static void a_file_takes_all(void **state)
{
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.outputs = {{.format = SESSION_JSONL, .file = "new"}},
		.output_count = 1,
	};
	struct buf said, lines;
	const uint32_t spans = 20000;
	(void)state;

	assert_int_equal(opened(&s, &said), EXIT_OK);
	buf_fini(&said);
	struct output_live *l = output_live_new(&s);
	for (uint32_t i = 1; i <= spans; i++)
		feed(l, i);
	assert_false(output_live_flush(l));
	struct pipeline *p = one_call();
	assert_int_equal(written(&s, p, l, &said), 0);
	read_file(&lines, "new");
	struct arena *a = arena_new(256u << 20);
	struct str rest = buf_str(&lines), line;
	for (uint32_t i = 1; i <= spans; i++) {
		int64_t n = -1;

		rest = str_cut(rest, '\n', &line);
		assert_true(json_i64(json_get(json_parse(a, line, NULL), "n"), &n));
		assert_int_equal(n, i);
	}
	/* Behind them stand the spans of the session that were never told, numbered, and the trace. */
	assert_true(rest.n > 0);
	assert_int_equal(rest.p[rest.n - 1], '\n');
	assert_int_equal(count(rest, "\"schema\":\"bottrace.v1.trace\""), 1);
	arena_free(a);
	output_live_free(l);
	pipeline_free(p);
	close_outputs(&s);
	buf_fini(&said);
	buf_fini(&lines);
}

/* ---- readers that are slow, stopped or gone ---- */

struct reader {
	int fd;
	struct buf got;
};

static void *read_to_end(void *arg)
{
	struct reader *r = arg;
	char piece[65536];
	ssize_t n;

	while ((n = read(r->fd, piece, sizeof(piece))) > 0)
		buf_add(&r->got, str_make(piece, (size_t)n));
	return NULL;
}

/* Fills a target that nobody reads. The settings' one output becomes the pipe's write end. */
static struct output_live *fill(struct session_settings *s, int ends[2], uint32_t spans)
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*s = (struct session_settings){
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.outputs = {{.format = SESSION_TEXT, .file = "a pipe", .fd = ends[1]}},
		.output_count = 1,
	};
	struct output_live *l = output_live_new(s);
	assert_non_null(l);
	for (uint32_t i = 1; i <= spans; i++)
		feed(l, i); /* returns, whatever the reader does: this test would hang */
	assert_true(output_live_flush(l));
	return l;
}

static void slow_reader_loses_lines_and_knows(void **state)
{
	const uint32_t spans = 15000;
	struct session_settings s;
	struct reader reader;
	struct buf said;
	pthread_t thread;
	int ends[2];
	(void)state;

	struct output_live *l = fill(&s, ends, spans);
	reader.fd = ends[0];
	buf_init(&reader.got, SIZE_MAX);
	assert_int_equal(pthread_create(&thread, NULL, read_to_end, &reader), 0);
	struct pipeline *p = one_call();
	assert_int_equal(written(&s, p, l, &said), 0); /* text for people costs no data */
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
	size_t lines = count(buf_str(&reader.got), "\n");
	char want[128];
	assert_in_range(lines, 5000, spans);
	assert_int_equal(reader.got.p[reader.got.n - 1], '\n'); /* whole lines only */
	snprintf(want, sizeof(want),
		 "bottrace: note: a pipe was not read in time: %zu or more lines are not in it\n",
		 spans + 1 - lines);
	HARNESS_TEXT("said", buf_str(&said), want);
	output_live_free(l);
	pipeline_free(p);
	buf_fini(&said);
	buf_fini(&reader.got);
}

static void stopped_reader_is_left_behind(void **state)
{
	struct session_settings s;
	struct buf said;
	int ends[2];
	(void)state;

	struct output_live *l = fill(&s, ends, 2000);
	struct pipeline *p = one_call();
	assert_int_equal(written(&s, p, l, &said), 0);
	assert_says(buf_str(&said), "a pipe was not read in time");
	output_live_free(l);
	pipeline_free(p);
	close(ends[0]);
	close(ends[1]);
	buf_fini(&said);
}

static void reader_went_away(void **state)
{
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.output_count = 1,
	};
	int ends[2];
	(void)state;

	/* For text nobody is told; JSON lines are data. */
	for (int i = 0; i < 2; i++) {
		struct buf said;

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		s.outputs[0] = (struct session_output){
			.format = i ? SESSION_JSONL : SESSION_TEXT, .file = "a pipe", .fd = ends[1]};
		struct output_live *l = output_live_new(&s);
		feed(l, 1);
		close(ends[0]);
		feed(l, 2);
		assert_false(output_live_flush(l));
		struct pipeline *p = one_call();
		assert_int_equal(written(&s, p, l, &said), i ? -EPIPE : 0);
		HARNESS_TEXT("said", buf_str(&said), i ? "bottrace: write a pipe: Broken pipe\n" : "");
		output_live_free(l);
		pipeline_free(p);
		close(ends[1]);
		buf_fini(&said);
	}
}

static void full_disk(void **state)
{
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.outputs = {{.format = SESSION_JSON, .file = "/dev/full"}},
		.output_count = 1,
	};
	struct buf said;
	(void)state;

	assert_int_equal(opened(&s, &said), EXIT_OK);
	buf_fini(&said);
	struct output_live *l = output_live_new(&s);
	struct pipeline *p = one_call();
	assert_int_equal(written(&s, p, l, &said), -ENOSPC);
	HARNESS_TEXT("said", buf_str(&said), "bottrace: write /dev/full: No space left on device\n");
	output_live_free(l);
	pipeline_free(p);
	close_outputs(&s);
	buf_fini(&said);
}

/* What one file cannot take the others have whole. */
static void full_disk_beside_a_good_one(void **state)
{
	struct session_settings s = {
		.mode = WIRE_MODE_RUN,
		.quiet = true,
		.outputs = {{.format = SESSION_JSON, .file = "/dev/full"},
			    {.format = SESSION_JSON, .file = "old"}},
		.output_count = 2,
	};
	struct pipeline *p = one_call();
	struct buf said, document;
	(void)state;

	write_file("old", "yesterday's, which was longer than today's will be");
	assert_int_equal(output_open(&s), EXIT_OK);
	struct output_live *l = output_live_new(&s);
	assert_int_equal(written(&s, p, l, &said), -ENOSPC);
	HARNESS_TEXT("said", buf_str(&said), "bottrace: write /dev/full: No space left on device\n");
	struct view_session session = pipeline_session(p);
	buf_init(&document, 1u << 20);
	assert_int_equal(view_document(&session, view_to_buf, &document), 0);
	holds("old", buf_z(&document));
	output_live_free(l);
	pipeline_free(p);
	close_outputs(&s);
	buf_fini(&said);
	buf_fini(&document);
}

/* ---- who gets the live lines ---- */

static void live_lines_on_stdout(void **state)
{
	static const struct {
		enum wire_mode mode;
		bool quiet;
		struct session_output output;
		size_t lines; /* on stdout: heading and span */
	} cases[] = {
		{WIRE_MODE_ATTACH, false, {.format = SESSION_JSON, .file = "x", .fd = -1}, 2},
		{WIRE_MODE_ATTACH, true, {.format = SESSION_JSON, .file = "x", .fd = -1}, 0},
		{WIRE_MODE_RUN, false, {.format = SESSION_JSON, .file = "x", .fd = -1}, 0},
		{WIRE_MODE_ATTACH, false, {.format = SESSION_JSON, .fd = STDOUT_FILENO}, 0},
		{WIRE_MODE_ATTACH, false, {.format = SESSION_JSONL, .fd = STDOUT_FILENO}, 1},
		{WIRE_MODE_ATTACH, false, {.format = SESSION_TEXT, .fd = STDOUT_FILENO}, 2},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session_settings s = {.mode = cases[i].mode,
					     .quiet = cases[i].quiet,
					     .outputs = {cases[i].output},
					     .output_count = 1};
		struct stream out;
		struct buf said;

		buf_init(&said, 1u << 16);
		stream_start(&out, STDOUT_FILENO);
		struct output_live *l = output_live_new(&s);
		feed(l, 1);
		(void)output_live_flush(l);
		output_live_free(l);
		stream_stop(&out, &said);
		assert_int_equal(count(buf_str(&said), "\n"), cases[i].lines);
		buf_fini(&said);
	}
}

static void summary_unless_quiet(void **state)
{
	struct session_settings s = {.mode = WIRE_MODE_RUN};
	struct pipeline *p = one_call();
	struct buf said;
	(void)state;

	for (int quiet = 0; quiet < 2; quiet++) {
		s.quiet = quiet;
		struct output_live *l = output_live_new(&s);
		assert_int_equal(written(&s, p, l, &said), 0);
		assert_int_equal(said.n == 0, quiet);
		output_live_free(l);
		buf_fini(&said);
	}
	pipeline_free(p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(files_are_opened_not_emptied),
		TEST(what_cannot_be_written),
		TEST(tape_is_private_and_empty),
		TEST(old_content_stays_until_there_is_new),
		TEST(a_file_takes_all),
		TEST(slow_reader_loses_lines_and_knows),
		TEST(stopped_reader_is_left_behind),
		TEST(reader_went_away),
		TEST(full_disk),
		TEST(full_disk_beside_a_good_one),
		TEST(live_lines_on_stdout),
		TEST(summary_unless_quiet),
	};

	signal(SIGPIPE, SIG_IGN); /* as the collector does */
	return cmocka_run_group_tests_name("session output", tests, NULL, NULL);
}
