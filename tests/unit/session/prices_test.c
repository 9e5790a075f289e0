/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's price file: the one that was asked for, the one of the configuration, and what is wrong with either. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "session/session.h"
#include "stream.h"

static const char good[] = "provider\tmodels\tinput\toutput\nopenai\tgpt-*\t7\t11\n";

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* said: a part of what must stand on stderr; NULL: nothing may. */
static void expect(const char *file, int want_code, const char *want, const char *said)
{
	struct buf text, heard;
	struct stream s;

	buf_init(&heard, 1u << 16);
	stream_start(&s, STDERR_FILENO);
	int code = session_prices(file, &text);
	stream_stop(&s, &heard);
	assert_int_equal(code, want_code);
	HARNESS_TEXT("text", buf_str(&text), want);
	if (said == NULL)
		HARNESS_TEXT("stderr", buf_str(&heard), "");
	else if (!str_has(buf_str(&heard), str_of(said)))
		fail_msg("%s does not say: %s", buf_z(&heard), said);
	buf_fini(&text);
	buf_fini(&heard);
}

static int enter(void **state)
{
	static char dir[] = "/tmp/prices_test.XXXXXX";

	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 && mkdir("config", 0700) == 0 &&
			       mkdir("config/bottrace", 0700) == 0 && setenv("HOME", dir, 1) == 0 &&
			       unsetenv("XDG_CONFIG_HOME") == 0
		       ? 0
		       : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", (const char *)*state);
	return system(command);
}

static void the_file_asked_for(void **state)
{
	(void)state;
	write_text("good.tsv", good);
	expect("good.tsv", EXIT_OK, good, NULL);
	expect("none.tsv", EXIT_USAGE, "", "cannot read none.tsv: No such file");
	expect("config", EXIT_USAGE, "", "config: this is no file to read");
	write_text("bad.tsv", "provider\tmodels\tinput\n# two lines that are right\nx\ty\t1\nx\tz\tone\n");
	expect("bad.tsv", EXIT_USAGE, "", "bad.tsv:4: input is no number");
	write_text("empty.tsv", "");
	expect("empty.tsv", EXIT_USAGE, "", "empty.tsv: no line of column names");
}

static void the_one_of_the_configuration(void **state)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/config", (const char *)*state);
	expect(NULL, EXIT_OK, "", NULL);
	assert_int_equal(setenv("XDG_CONFIG_HOME", path, 1), 0);
	expect(NULL, EXIT_OK, "", NULL);
	write_text("config/bottrace/prices.tsv", good);
	expect(NULL, EXIT_OK, good, NULL);
	/* An error in it is said, and the work goes on. */
	write_text("config/bottrace/prices.tsv", "provider\tmodels\tinput\nx\ty\n");
	expect(NULL, EXIT_OK, "", "prices.tsv:2: 2 cells, of 3 columns");
	expect(NULL, EXIT_OK, "", "the built-in prices stand");
	/* A fifo would wait for ever. */
	assert_int_equal(unlink("config/bottrace/prices.tsv"), 0);
	assert_int_equal(mkfifo("config/bottrace/prices.tsv", 0600), 0);
	expect(NULL, EXIT_OK, "", "the built-in prices stand");
	assert_int_equal(unlink("config/bottrace/prices.tsv"), 0);
	/* Without XDG_CONFIG_HOME: ~/.config. */
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(rename("config", ".config"), 0);
	write_text(".config/bottrace/prices.tsv", good);
	expect(NULL, EXIT_OK, good, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_asked_for),
		cmocka_unit_test(the_one_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
