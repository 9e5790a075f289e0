/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/store.h"

static void add(struct store *s, uint64_t id, uint32_t trace, uint64_t start_ns, uint32_t seq,
		const char *line)
{
	struct trace_span span = {
		.id = id, .parent = id / 2, .trace = trace, .start_ns = start_ns, .seq = seq};

	assert_int_equal(store_add(s, &span, str_of(line)), 0);
}

static void assert_next(struct store *s, uint32_t trace, uint64_t *pos, uint32_t n, const char *want)
{
	struct store_entry e;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(store_next(s, trace, pos, &e), want ? 1 : 0);
	if (want) {
		/* In two pieces. */
		assert_int_equal(store_read(s, &e, 0, 2, &b), 0);
		assert_int_equal(store_read(s, &e, (uint32_t)b.n, UINT32_MAX, &b), 0);
		assert_int_equal(store_read(s, &e, e.size, UINT32_MAX, &b), 0);
		assert_int_equal(e.n, n);
		assert_int_equal(e.trace, trace);
		HARNESS_TEXT("line", buf_str(&b), want);
	}
	buf_fini(&b);
}

/* Of a span that is replaced the newest facts count. */
static void facts(void **state)
{
	struct trace_attribute attributes[] = {
		{.key = STR("gen_ai.usage.output_tokens"), .type = TRACE_I64, .i64 = 7},
		{.key = STR("gen_ai.usage.input_tokens"), .type = TRACE_F64, .f64 = 9},
		{.key = STR("bottrace.hop_of"), .type = TRACE_STR, .text = STR("00000000000000aa")},
	};
	struct trace_gap gaps[] = {{.bytes = 5}, {.bytes = 6}};
	struct trace_span span = {.id = 1, .kind = "chat", .status = TRACE_STATUS_OPEN};
	struct store *s = store_new(NULL);
	struct store_entry e;
	uint64_t pos = 0;

	(void)state;
	assert_non_null(s);
	assert_int_equal(store_add(s, &span, STR("x")), 0);
	span.status = TRACE_STATUS_ERROR;
	span.end_ns = 8;
	span.link = (struct trace_link){.how = "exec"};
	span.attributes = attributes;
	span.attribute_count = 3;
	span.gaps = gaps;
	span.gap_count = 2;
	assert_int_equal(store_add(s, &span, STR("x")), 0);
	assert_int_equal(store_finish(s), 0);
	assert_int_equal(store_next(s, 0, &pos, &e), 1);
	assert_string_equal(e.facts.kind, "chat");
	assert_int_equal(e.facts.status, TRACE_STATUS_ERROR);
	assert_int_equal(e.facts.end_ns, 8);
	assert_int_equal(e.facts.input, -1);
	assert_int_equal(e.facts.output, 7);
	assert_int_equal(e.facts.gaps, 2);
	assert_int_equal(e.facts.gap_bytes, 11);
	assert_true(e.facts.linked && !e.facts.certain && e.facts.hop);
	store_free(s);
}

static void order_and_replacement(void **state)
{
	struct store *s = store_new(NULL);
	uint64_t pos = 0;

	(void)state;
	assert_non_null(s);
	add(s, 11, 1, 50, 1, "b1");
	add(s, 10, 0, 90, 1, "late");
	add(s, 12, 0, 20, 3, "third");
	add(s, 13, 0, 20, 2, "second");
	add(s, 14, 0, 10, 9, "first");
	add(s, 13, 0, 20, 2, "second, longer than before");
	add(s, 10, 0, 90, 1, "L8");
	add(s, 10, 0, 90, 1, "late");
	add(s, 12, 0, 5, 3, "now first");
	assert_int_equal(store_finish(s), 0);
	assert_int_equal(store_count(s, 0), 4);
	assert_int_equal(store_count(s, 1), 1);
	assert_int_equal(store_count(s, UINT32_MAX), 0);
	assert_next(s, 0, &pos, 1, "now first");
	assert_next(s, 0, &pos, 2, "first");
	assert_next(s, 0, &pos, 3, "second, longer than before");
	assert_next(s, 0, &pos, 4, "late");
	assert_next(s, 0, &pos, 0, NULL);
	pos = 0;
	assert_next(s, 1, &pos, 1, "b1");
	assert_next(s, 1, &pos, 0, NULL);
	pos = 0;
	assert_next(s, 7, &pos, 0, NULL);
	assert_int_equal(store_lost(s), 0);
	store_free(s);
}

static void get_replace_remove(void **state)
{
	struct store *s = store_new(NULL);
	struct store_entry e;
	struct buf b;
	uint64_t pos = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	add(s, 11, 0, 10, 1, "first");
	add(s, 12, 0, 20, 2, "second");
	add(s, 13, 0, 30, 3, "third");
	assert_int_equal(store_get(s, 12, &e, &b), 1);
	HARNESS_TEXT("line", buf_str(&b), "second");
	assert_int_equal(e.seq, 2);
	assert_int_equal(store_get(s, 99, &e, &b), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(store_replace(s, 13, STR("3rd")), 0);
	assert_int_equal(store_replace(s, 99, STR("x")), -ENOENT);
	store_remove(s, 11); /* the last one moves into its place */
	store_remove(s, 11);
	store_remove(s, 99);
	assert_int_equal(store_get(s, 11, &e, &b), 0);
	assert_int_equal(store_get(s, 13, &e, &b), 1);
	HARNESS_TEXT("line", buf_str(&b), "3rd");
	add(s, 13, 0, 30, 3, "third, once more");
	add(s, 11, 0, 40, 4, "a new one of its id");
	assert_int_equal(store_finish(s), 0);
	assert_next(s, 0, &pos, 1, "second");
	assert_next(s, 0, &pos, 2, "third, once more");
	assert_next(s, 0, &pos, 3, "a new one of its id");
	assert_next(s, 0, &pos, 0, NULL);
	/* What is numbered stays. */
	store_remove(s, 11);
	assert_int_equal(store_get(s, 11, &e, &b), 0);
	assert_int_equal(store_lost(s), 0);
	buf_fini(&b);
	store_free(s);
}

/* However many go, the room that they took does not grow. */
static void removed_room_is_given_back(void **state)
{
	struct store *s = store_new(NULL);
	static char line[100000];
	struct store_entry e;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	memset(line, 'x', sizeof(line) - 1);
	for (uint64_t id = 1; id <= 1000; id++) {
		add(s, id, 0, id, (uint32_t)id, line);
		if (id > 10)
			store_remove(s, id);
	}
	for (uint64_t id = 1; id <= 10; id++)
		assert_int_equal(store_get(s, id, &e, &b), 1);
	buf_fini(&b);
	store_free(s);
}

static void nothing_stored(void **state)
{
	struct store *s = store_new(NULL);
	uint64_t pos = 0;

	(void)state;
	assert_int_equal(store_finish(s), 0);
	assert_next(s, 0, &pos, 0, NULL);
	store_free(s);
	store_free(NULL);
}

/* The spool has no name that anybody could open. */
static void no_file_is_left(void **state)
{
	char dir[] = "/tmp/bottrace-store-test-XXXXXX";
	struct dirent *e;
	unsigned files = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	struct store *s = store_new(dir);
	assert_non_null(s);
	add(s, 1, 0, 1, 1, "x");
	DIR *d = opendir(dir);
	while ((e = readdir(d)) != NULL)
		files += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(files, 0);
	store_free(s);
	assert_int_equal(rmdir(dir), 0);
	errno = 0;
	assert_null(store_new("/nonexistent/place"));
	assert_int_equal(errno, ENOENT);
}

/* A full disk, played by the limit of a file's size. */
static void no_space(void **state)
{
	struct rlimit before, small = {.rlim_cur = 4096};
	struct store *s = store_new(NULL);
	struct trace_span span = {.id = 2, .seq = 2, .start_ns = 2};
	char big[8192];
	uint64_t pos = 0;

	(void)state;
	memset(big, 'x', sizeof(big));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	add(s, 1, 0, 1, 1, "kept");
	setrlimit(RLIMIT_FSIZE, &small);
	int r = store_add(s, &span, str_make(big, sizeof(big)));
	/* A replacement that finds no room leaves the older line. */
	span.id = 1;
	int again = store_add(s, &span, str_make(big, sizeof(big)));
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(again, -ENOSPC);
	assert_int_equal(store_lost(s), 2);
	add(s, 3, 0, 3, 3, "after");
	assert_int_equal(store_finish(s), 0);
	assert_next(s, 0, &pos, 1, "kept");
	assert_next(s, 0, &pos, 2, "after");
	assert_next(s, 0, &pos, 0, NULL);
	store_free(s);
}

static void many_spans(void **state)
{
	struct store *s = store_new(NULL);
	char line[32];
	uint64_t pos = 0;

	(void)state;
	for (uint32_t i = 0; i < 30000; i++) {
		snprintf(line, sizeof(line), "span %u", i);
		add(s, i + 1, i % 3, 1000000 - i, i + 1, line);
	}
	assert_int_equal(store_finish(s), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "span %u", 29999 - 3 * i);
		assert_next(s, 2, &pos, i + 1, line);
	}
	assert_next(s, 2, &pos, 0, NULL);
	store_free(s);
}

static void every_failed_allocation(void **state)
{
	unsigned long n = 0;
	bool failed;

	(void)state;
	do {
		harness_fail_alloc(++n);
		struct store *s = store_new("/tmp");
		uint32_t kept = 0;
		for (uint32_t i = 0; s && i < 100; i++) {
			struct trace_span span = {.id = i + 1, .start_ns = i, .seq = i};

			kept += store_add(s, &span, STR("line")) == 0;
		}
		failed = harness_alloc_failed();
		harness_fail_alloc(0);
		if (s) {
			uint64_t pos = 0;

			assert_int_equal(kept + store_lost(s), 100);
			assert_int_equal(store_finish(s), 0);
			for (uint32_t i = 0; i < kept; i++)
				assert_next(s, 0, &pos, i + 1, "line");
			assert_next(s, 0, &pos, 0, NULL);
		}
		store_free(s);
	} while (failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_replacement),
		cmocka_unit_test(facts),
		cmocka_unit_test(get_replace_remove),
		cmocka_unit_test(removed_room_is_given_back),
		cmocka_unit_test(nothing_stored),
		cmocka_unit_test(no_file_is_left),
		cmocka_unit_test(no_space),
		cmocka_unit_test(many_spans),
		cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
