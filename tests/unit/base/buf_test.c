/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>
#include <sys/wait.h>
#include <signal.h>
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static void test_adds(void **state)
{
	autodrop(buf_fini) struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(buf_z(&b), "");
	buf_add(&b, STR_NONE);
	assert_null(b.p);
	buf_add(&b, STR("ab"));
	buf_add_char(&b, 'c');
	buf_addf(&b, "%d-%s", 42, "x");
	HARNESS_TEXT("added", buf_str(&b), "abc42-x");
	assert_string_equal(buf_z(&b), "abc42-x");
	/* Longer than the room it has. */
	buf_addf(&b, "%0300d", 1);
	assert_int_equal(b.n, 307);
	assert_int_equal(strlen(buf_z(&b)), 307);
	char *p = buf_reserve(&b, 3);

	memcpy(p, "xyz", 3);
	buf_commit(&b, 2);
	assert_int_equal(b.n, 309);
	assert_string_equal(buf_z(&b) + 307, "xy");
	assert_int_equal(buf_err(&b), 0);
}

static void test_maximum(void **state)
{
	autodrop(buf_fini) struct buf b;

	(void)state;
	for (size_t max = 0; max < 200; max++) {
		buf_init(&b, max);
		for (size_t i = 0; i < max; i++)
			buf_add_char(&b, 'x');
		assert_int_equal(buf_err(&b), 0);
		assert_int_equal(strlen(buf_z(&b)), max);
		assert_true(b.cap <= max + 1);
		buf_add_char(&b, 'x');
		assert_int_equal(buf_err(&b), -EMSGSIZE);
		assert_int_equal(b.n, max);
		buf_fini(&b);
	}
	buf_init(&b, 10);
	buf_addf(&b, "%s", "0123456789");
	assert_int_equal(buf_err(&b), 0);
	buf_truncate(&b, 9);
	buf_addf(&b, "%s", "ab");
	assert_int_equal(buf_err(&b), -EMSGSIZE);
	/* It sticks, and nothing half is added. */
	buf_add_char(&b, 'x');
	assert_null(buf_reserve(&b, 0));
	buf_commit(&b, 1);
	HARNESS_TEXT("stuck", buf_str(&b), "012345678");
	buf_clear(&b);
	assert_int_equal(buf_err(&b), 0);
	buf_add(&b, STR("new"));
	HARNESS_TEXT("cleared", buf_str(&b), "new");
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(buf_err(&b), -EMSGSIZE);
}

static void test_no_maximum(void **state)
{
	autodrop(buf_fini) struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b, STR("x"));
	assert_null(buf_reserve(&b, SIZE_MAX - 1));
	assert_int_equal(buf_err(&b), -ENOMEM);
	HARNESS_TEXT("kept", buf_str(&b), "x");
}

static void test_moves(void **state)
{
	autodrop(buf_fini) struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_consume(&b, 5);
	buf_add(&b, STR("0123456789"));
	buf_consume(&b, 3);
	HARNESS_TEXT("consumed", buf_str(&b), "3456789");
	buf_truncate(&b, 99);
	buf_truncate(&b, 2);
	HARNESS_TEXT("cut", buf_str(&b), "34");
	buf_consume(&b, 99);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 100);
	buf_fini(NULL);
}

static void *start(void)
{
	static struct buf b;

	buf_init(&b, 1u << 20);
	return &b;
}

static void feed(void *state, struct str piece)
{
	buf_add(state, piece);
	if (piece.n)
		buf_addf(state, "%c", '.');
	buf_consume(state, 0);
}

static void finish(void *state, struct buf *out)
{
	struct buf *b = state;

	if (buf_err(b)) {
		assert_int_equal(buf_err(b), -ENOMEM);
		assert_true(harness_alloc_failed());
	}
	buf_addf(out, "%zu", strlen(buf_z(b)) == b->n ? 1ul : 0ul);
}

static void stop(void *state)
{
	buf_fini(state);
}

static void test_sweeps(void **state)
{
	const struct harness_stage stage = {start, feed, finish, stop};
	char big[3000];

	(void)state;
	memset(big, 'x', sizeof(big));
	harness_sweep("buf", &stage, str_make(big, sizeof(big)));
}

/* What one side writes the other reads, more than a pipe holds, up to the reader's maximum. */
static void read_and_write(void **state)
{
	const size_t many = 300000;
	struct buf out, in;
	int ends[2];

	(void)state;
	buf_init(&out, many);
	memset(buf_reserve(&out, many), 'x', many);
	buf_commit(&out, many);
	for (int full = 0; full < 2; full++) {
		assert_int_equal(pipe(ends), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(ends[0]);
			signal(SIGPIPE, SIG_IGN);
			int w = buf_write(&out, ends[1]);
			_exit(w == (full ? -EPIPE : 0) ? 0 : 1);
		}
		close(ends[1]);
		buf_init(&in, full ? 100000 : SIZE_MAX);
		assert_int_equal(buf_read(&in, ends[0]), full ? -EMSGSIZE : 0);
		close(ends[0]);
		int status = 1;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		if (!full)
			assert_true(str_eq(buf_str(&in), buf_str(&out)));
		buf_fini(&in);
	}
	buf_init(&in, SIZE_MAX);
	assert_int_equal(buf_read(&in, -1), -EBADF);
	assert_int_equal(buf_write(&out, -1), -EBADF);
	buf_fini(&in);
	buf_fini(&out);
}

/* A file of n bytes into room for `max`: what came, and whether that was all. */
static void reads_a_head(void **state)
{
	static const struct {
		size_t bytes, max;
		int want;
	} rows[] = {
		{0, 10, 0}, {9, 10, 0}, {10, 10, 1}, {11, 10, 1}, {200000, 150000, 1}, {200000, SIZE_MAX, 0},
		{5, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t want = rows[i].bytes < rows[i].max ? rows[i].bytes : rows[i].max;
		FILE *file = tmpfile();
		struct buf b;

		assert_non_null(file);
		assert_int_equal(ftruncate(fileno(file), (off_t)rows[i].bytes), 0);
		buf_init(&b, rows[i].max);
		assert_int_equal(buf_read_head(&b, fileno(file)), rows[i].want);
		assert_int_equal(b.n, want);
		assert_int_equal(buf_err(&b), 0);
		buf_fini(&b);
		buf_init(&b, 10);
		assert_int_equal(buf_read_head(&b, -1), -EBADF);
		buf_fini(&b);
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds),	   cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_no_maximum), cmocka_unit_test(test_moves),
		cmocka_unit_test(test_sweeps),	   cmocka_unit_test(read_and_write),
		cmocka_unit_test(reads_a_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
