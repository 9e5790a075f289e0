/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "session/session.h"
#include "stream.h"

static char where[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(where, sizeof(where), "/tmp/load-XXXXXX");
	return mkdtemp(where) && chdir(where) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink("trace");
	unlink("pipe");
	return chdir("/") == 0 ? rmdir(where) : -1;
}

/* ---- a tape of one process that asked a model once ---- */

static void feed(struct drain_tape *t, struct wire_head *h, uint16_t kind, size_t fixed, const void *payload,
		 size_t n)
{
	size_t size = (fixed + n + 7) & ~(size_t)7;
	char *rec = calloc(1, size);

	h->size = (uint32_t)size;
	h->kind = kind;
	memcpy(rec, h, fixed);
	if (n)
		memcpy(rec + fixed, payload, n);
	assert_true(drain_valid(rec, size));
	drain_tape_feed(t, (struct wire_head *)rec);
	free(rec);
}

static void feed_data(struct drain_tape *t, enum wire_dir dir, uint64_t ts_ns, struct str bytes)
{
	struct wire_tls_data d = {
		.head = {.ts_ns = ts_ns, .pid = 100, .tid = 100, .start_ns = 5000},
		.conn = {.ssl = 1, .generation = 7},
		.call_len = bytes.n,
		.len = (uint32_t)bytes.n,
		.dir = dir,
		.fn = dir == WIRE_READ ? WIRE_FN_SSL_READ : WIRE_FN_SSL_WRITE,
	};

	feed(t, &d.head, WIRE_TLS_DATA, sizeof(d), bytes.p, bytes.n);
}

static void write_tape(const char *path)
{
	static const char request[] = "GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	static const char exe[] = "/bin/agent", argv[] = "agent\0--fast";
	struct wire_head process = {.ts_ns = 1000, .pid = 100, .tid = 100, .start_ns = 5000};
	struct drain_tape *t = drain_tape_new(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	char payload[sizeof(exe) - 1 + sizeof(argv)];

	assert_non_null(t);
	memcpy(payload, exe, sizeof(exe) - 1);
	memcpy(payload + sizeof(exe) - 1, argv, sizeof(argv));
	struct wire_session s = {.head.ts_ns = 1, .version = WIRE_VERSION, .mode = WIRE_MODE_RUN};
	feed(t, &s.head, WIRE_SESSION, sizeof(s), NULL, 0);
	struct wire_proc_exec e = {
		.head = process, .path_len = sizeof(exe) - 1, .argv_len = sizeof(argv), .comm = "agent"};
	feed(t, &e.head, WIRE_PROC_EXEC, sizeof(e), payload, sizeof(payload));
	struct wire_tls_conn c = {.head = process, .conn = {.ssl = 1, .generation = 7}, .fd = -1};
	feed(t, &c.head, WIRE_TLS_CONN, sizeof(c), NULL, 0);
	feed_data(t, WIRE_WRITE, 2000, str_make(request, sizeof(request) - 1));
	feed_data(t, WIRE_READ, 3000, str_make(answer, sizeof(answer) - 1));
	struct wire_tls_close gone = {
		.head = process,
		.conn = c.conn,
		.side = {[WIRE_READ] = {1, sizeof(answer) - 1, 0, 0},
			 [WIRE_WRITE] = {1, sizeof(request) - 1, 0, 0}},
	};
	gone.head.ts_ns = 3500;
	feed(t, &gone.head, WIRE_TLS_CLOSE, sizeof(gone), NULL, 0);
	struct wire_proc_exit x = {.head = process};
	x.head.ts_ns = 4000;
	feed(t, &x.head, WIRE_PROC_EXIT, sizeof(x), NULL, 0);
	const uint64_t moved = sizeof(request) + sizeof(answer) - 2;
	struct wire_proc_final f = {
		.head = process,
		.counts = {.entered = 2,
			   .returned = 2,
			   .sent = 2,
			   .bytes_seen = moved,
			   .bytes_sent = moved,
			   .events_sent = 4},
	};
	feed(t, &f.head, WIRE_PROC_FINAL, sizeof(f), NULL, 0);
	struct wire_end end = {.head.ts_ns = 5000, .why = WIRE_END_DONE, .has_final = 1};
	feed(t, &end.head, WIRE_END, sizeof(end), NULL, 0);
	assert_int_equal(drain_tape_close(t), 0);
}

static void write_file(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
}

static void read_file(struct buf *b, const char *path)
{
	char piece[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	buf_init(b, SIZE_MAX);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(b, str_make(piece, (size_t)n));
	close(fd);
}

/* What became of a trace. */
struct loaded {
	int code;
	bool complete;
	struct buf document, said;
};

static void load(struct loaded *l, const char *trace)
{
	struct stream s;

	buf_init(&l->document, LIMIT_DOCUMENT_BYTES);
	buf_init(&l->said, 1u << 16);
	l->complete = false;
	stream_start(&s, STDERR_FILENO);
	l->code = session_load(trace, NULL, &l->document, &l->complete);
	stream_stop(&s, &l->said);
}

static void loaded_fini(struct loaded *l)
{
	buf_fini(&l->document);
	buf_fini(&l->said);
}

static void is_refused(const char *trace, int code, const char *says)
{
	struct loaded l;

	load(&l, trace);
	if (l.code != code)
		fail_msg("%s: got %d: %.*s", trace, l.code, STR_ARG(buf_str(&l.said)));
	assert_says(buf_str(&l.said), says);
	loaded_fini(&l);
}

/* ---- from a pipe, in pieces ---- */

struct writer {
	struct str bytes;
	size_t piece;
};

static void *write_pieces(void *arg)
{
	const struct writer *w = arg;
	struct str rest = w->bytes;
	int fd = open("pipe", O_WRONLY);

	while (rest.n > 0) {
		ssize_t n = write(fd, rest.p, rest.n < w->piece ? rest.n : w->piece);

		if (n <= 0)
			break;
		rest = str_skip(rest, (size_t)n);
	}
	close(fd);
	return NULL;
}

static void load_from_pipe(struct loaded *l, struct str bytes, size_t piece)
{
	struct writer w = {bytes, piece};
	pthread_t thread;

	unlink("pipe");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_pieces, &w), 0);
	load(l, "pipe");
	pthread_join(thread, NULL);
}

static void load_from_stdin(struct loaded *l, const char *path)
{
	int saved = dup(STDIN_FILENO), fd = open(path, O_RDONLY);

	dup2(fd, STDIN_FILENO);
	close(fd);
	load(l, "-");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void same(const char *name, struct loaded *got, const struct loaded *want)
{
	assert_int_equal(got->code, want->code);
	assert_int_equal(got->complete, want->complete);
	harness_assert_text(name, buf_str(&got->document), buf_str(&want->document));
	loaded_fini(got);
}

/* The file, whichever way it comes, gives this. */
static void every_way(const struct loaded *want)
{
	static const size_t pieces[] = {1, 7, 16, 17, 65536};
	struct loaded got;
	struct buf bytes;
	char name[32];

	read_file(&bytes, "trace");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		snprintf(name, sizeof(name), "pipe by %zu", pieces[i]);
		load_from_pipe(&got, buf_str(&bytes), pieces[i]);
		same(name, &got, want);
	}
	load_from_stdin(&got, "trace");
	same("stdin", &got, want);
	buf_fini(&bytes);
}

static void tape(void **state)
{
	struct loaded l;
	(void)state;

	write_tape("trace");
	load(&l, "trace");
	assert_int_equal(l.code, EXIT_OK);
	HARNESS_TEXT("said", buf_str(&l.said), "");
	assert_true(l.complete);
	assert_says(buf_str(&l.document), "\"schema\":\"bottrace.v1.trace\"");
	assert_says(buf_str(&l.document), "\"/v1/models\"");
	assert_says(buf_str(&l.document), "\"--fast\"");
	every_way(&l);
	loaded_fini(&l);
}

static void document(void **state)
{
	struct loaded first, l;
	(void)state;

	write_tape("trace");
	load(&first, "trace");
	write_file("trace", buf_str(&first.document));
	load(&l, "trace");
	assert_int_equal(l.code, EXIT_OK);
	HARNESS_TEXT("said", buf_str(&l.said), "");
	harness_assert_text("byte for byte", buf_str(&l.document), buf_str(&first.document));
	every_way(&l);
	loaded_fini(&l);
	/* Cut anywhere it is no document, and that is said. */
	for (size_t n = 1; n + 2 < first.document.n; n += 1 + first.document.n / 97) {
		write_file("trace", str_head(buf_str(&first.document), n));
		load(&l, "trace");
		assert_int_equal(l.code, EXIT_CORRUPT);
		loaded_fini(&l);
	}
	write_file("trace", str_head(buf_str(&first.document), first.document.n - 3));
	is_refused("trace", EXIT_CORRUPT, "trace is a document cut off at byte ");
	loaded_fini(&first);
}

static void completeness(void **state)
{
	static const struct {
		const char *text;
		bool complete;
	} cases[] = {
		{"{\"schema\":\"bottrace.v1.trace\",\"complete\":true,\"spans\":[]}", true},
		{"{\"schema\":\"bottrace.v1.trace\",\"complete\":false,\"spans\":[]}", false},
		{"{\"schema\":\"bottrace.v1.trace\",\"spans\":[]}", false},
		{"{\"schema\":\"bottrace.v1.traces\",\"traces\":[{\"complete\":true},{\"complete\":true}]}",
		 true},
		{"{\"schema\":\"bottrace.v1.traces\",\"traces\":[{\"complete\":true},{\"complete\":false}]}",
		 false},
		{"{\"schema\":\"bottrace.v1.traces\",\"traces\":[{\"complete\":true},{}]}", false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct loaded l;

		write_file("trace", str_of(cases[i].text));
		load(&l, "trace");
		assert_int_equal(l.code, EXIT_OK);
		if (l.complete != cases[i].complete)
			fail_msg("%s: complete is %d", cases[i].text, l.complete);
		loaded_fini(&l);
	}
}

static void cut_tape(void **state)
{
	struct loaded l;
	struct buf bytes;
	(void)state;

	write_tape("trace");
	read_file(&bytes, "trace");
	for (size_t n = 8; n < bytes.n; n++) {
		write_file("trace", str_head(buf_str(&bytes), n));
		load(&l, "trace");
		assert_int_equal(l.code, EXIT_OK);
		assert_false(l.complete);
		assert_says(buf_str(&l.said), "without its last record; shown as far as it goes");
		loaded_fini(&l);
	}
	for (size_t n = 1; n < 8; n++) {
		write_file("trace", str_head(buf_str(&bytes), n));
		is_refused("trace", EXIT_CORRUPT, "trace is neither a tape nor a trace document");
	}
	bytes.p[8]++;
	write_file("trace", buf_str(&bytes));
	is_refused("trace", EXIT_CORRUPT, "trace is a tape of another version");
	buf_fini(&bytes);
}

static void what_is_no_trace(void **state)
{
	static const char *const garbage[] = {"x",
					      "{}",
					      "[]",
					      "{\"schema\":\"other\"}",
					      "null",
					      "\n",
					      "#!/bin/sh\nexit 0\n# a script of some length",
					      "\211bottap_"};
	(void)state;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		write_file("trace", str_of(garbage[i]));
		is_refused("trace", EXIT_CORRUPT, "trace is neither a tape nor a trace document\nhint: ");
	}
	write_file("trace", STR(""));
	is_refused("trace", EXIT_CORRUPT, "trace is empty");
	is_refused("/dev/null", EXIT_CORRUPT, "/dev/null is empty");
	is_refused(".", EXIT_CORRUPT, ". is a directory");
	is_refused("nowhere", EXIT_NOT_FOUND, "no such trace: nowhere\nhint: TRACE is a file");
	is_refused("trace/below", EXIT_NOT_FOUND, "cannot read trace/below: Not a directory");
	is_refused("/proc/self/mem", EXIT_CORRUPT, "cannot read /proc/self/mem: Input/output error");
}

static void without_right(void **state)
{
	int status;
	(void)state;

	write_tape("trace");
	assert_int_equal(chmod("trace", 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct loaded l;

		if (geteuid() == 0 && (chmod(".", 0755) < 0 || setuid(65534) < 0))
			_exit(99);
		load(&l, "trace");
		_exit(l.code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_RIGHTS);
}

/* ---- allocations that fail ---- */

struct stage {
	bool complete;
	struct buf document;
	struct str want;
};

static struct stage stage; /* not from the heap: the load is under test */

static void *stage_start(void)
{
	buf_init(&stage.document, LIMIT_DOCUMENT_BYTES);
	return &stage;
}

static void stage_feed(void *state, struct str piece)
{
	struct stage *s = state;
	struct stream said;

	write_file("trace", piece);
	stream_start(&said, STDERR_FILENO);
	int code = session_load("trace", NULL, &s->document, &s->complete);
	stream_stop(&said, NULL);
	/* Half a document must not pass for one. A replay may have understood less. */
	if (code == EXIT_OK && s->want.p)
		harness_assert_text("whole", buf_str(&s->document), s->want);
	else if (code == EXIT_OK)
		assert_true(str_ends(buf_str(&s->document), STR("]}\n")));
	assert_true(code == EXIT_OK || code == EXIT_CORRUPT || code == EXIT_HOST);
}

static void stage_stop(void *state)
{
	buf_fini(&((struct stage *)state)->document);
}

static void without_memory(void **state)
{
	const struct harness_stage s = {.start = stage_start, .feed = stage_feed, .stop = stage_stop};
	struct loaded l;
	struct buf bytes;
	(void)state;

	write_tape("trace");
	read_file(&bytes, "trace");
	load(&l, "trace");
	assert_true(l.complete);
	assert_true(str_ends(buf_str(&l.document), STR("]}\n")));
	harness_every_oom("tape", &s, buf_str(&bytes));
	stage.want = buf_str(&l.document);
	harness_every_oom("document", &s, buf_str(&l.document));
	buf_fini(&bytes);
	loaded_fini(&l);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(tape),	      TEST(document),	      TEST(completeness),
		TEST(cut_tape),	      TEST(what_is_no_trace), TEST(without_right),
		TEST(without_memory),
	};

	return cmocka_run_group_tests_name("session load", tests, NULL, NULL);
}
