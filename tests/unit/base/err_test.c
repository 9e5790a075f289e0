/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* cmocka has a macro of this name. */
#undef fail
#include "base/err.h"

/* stderr as a socket that keeps messages apart would not do for a plain write; a packet pipe does: one read gives what
 * one write gave. */
static int packets[2], saved;

static void catch_stderr(void)
{
	assert_int_equal(pipe2(packets, O_DIRECT | O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	dup2(packets[1], STDERR_FILENO);
}

/* Gives stderr back; the text of the only write there was, "" for none. */
static struct str caught(char *space, size_t n)
{
	char more;

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(packets[1]);
	ssize_t got = read(packets[0], space, n);

	assert_int_equal(read(packets[0], &more, 1), 0);
	close(packets[0]);
	return str_make(space, got > 0 ? (size_t)got : 0);
}

static void test_says(void **state)
{
	char space[8192];

	(void)state;
	catch_stderr();
	int code = err_say(EXIT_USAGE, "try \x1b[2Jhelp", "no such word: %s", "a\nb\x1b]0;x\x07");
	struct str s = caught(space, sizeof(space));

	assert_int_equal(code, 2);
	HARNESS_TEXT("said", s, "bottrace: no such word: a\\nb\\e]0;x\\x07\nhint: try \\e[2Jhelp\n");
	catch_stderr();
	code = err_say(EXIT_NOT_FOUND, NULL, "%s", "gone");
	s = caught(space, sizeof(space));
	assert_int_equal(code, 3);
	HARNESS_TEXT("no hint", s, "bottrace: gone\n");
}

static void test_fails(void **state)
{
	char space[8192];

	(void)state;
	catch_stderr();
	errno = EBUSY;
	int r = fail(-ENOENT, "open %s", "/x");
	int after = errno;
	struct str s = caught(space, sizeof(space));

	assert_int_equal(r, -ENOENT);
	assert_int_equal(after, EBUSY);
	HARNESS_TEXT("failed", s, "bottrace: open /x: No such file or directory\n");
}

static void test_levels(void **state)
{
	char space[8192];

	(void)state;
	err_set_level(ERR_QUIET);
	assert_int_equal(err_get_level(), ERR_QUIET);
	catch_stderr();
	err_note(ERR_NORMAL, "hidden");
	assert_int_equal(caught(space, sizeof(space)).n, 0);
	err_set_level(ERR_VERBOSE);
	catch_stderr();
	err_note(ERR_DEBUG, "hidden");
	err_note(ERR_VERBOSE, "seen %d", 1);
	HARNESS_TEXT("note", caught(space, sizeof(space)), "bottrace: seen 1\n");
	err_set_level(ERR_NORMAL);
}

/* Long and hostile, and without memory: still one line of bounded length. */
static void test_long(void **state)
{
	static char big[100000], space[65536];

	(void)state;
	memset(big, 0xff, sizeof(big) - 1);
	catch_stderr();
	harness_fail_alloc(1);
	(void)err_say(EXIT_USAGE, big, "%s", big);
	(void)harness_alloc_failed();
	harness_fail_alloc(0);
	/* Beyond a pipe's packet of 4 KiB one write comes as several reads. */
	size_t n = 0;

	dup2(saved, STDERR_FILENO);
	for (ssize_t got; (got = read(packets[0], space + n, sizeof(space) - n)) > 0;)
		n += (size_t)got;
	close(saved);
	close(packets[0]);
	close(packets[1]);
	assert_true(n > 8000 && n < 9000);
	space[n] = '\0';
	assert_non_null(strstr(space, "\\xff...\nhint: \\xff"));
	assert_true(strcmp(space + n - 4, "...\n") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
