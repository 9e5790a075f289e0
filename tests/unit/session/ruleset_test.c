/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's rules for frames: what is wrong with a file is said with its line; those that hold go before the built-in ones,
 * in the attacher as on the tape. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "session/ruleset.h"
#include "session/session.h"
#include "stream.h"

static const char good[] = "kind\tfile\tfunction\tname\nagent\tmine/loop.py\tLoop.go\tself.title\n";

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* said: all of stderr; NULL: nothing. */
static void expect(const char *file, int want_code, const char *want, const char *said)
{
	struct buf text, heard;
	struct stream s;

	buf_init(&heard, 1u << 16);
	stream_start(&s, STDERR_FILENO);
	int code = session_rules(file, &text);
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
	static char dir[] = "/tmp/ruleset_test.XXXXXX";

	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", (const char *)*state);
	return system(command);
}

static void files(void **state)
{
	(void)state;
	write_text("good.tsv", good);
	expect(NULL, EXIT_OK, "", NULL);
	expect("good.tsv", EXIT_OK, good, NULL);
	expect("none.tsv", EXIT_USAGE, "", "cannot read none.tsv: No such file");
	expect("/", EXIT_USAGE, "", "/: this is no file to read");
}

static void errors(void **state)
{
	(void)state;
	write_text("bad.tsv", "# "
			      "mine\nkind\tfile\tfunction\tname\nagent\ta/b.py\tC.d\tself.name\nagnet\ta/"
			      "b.py\tC.d\tself.name\n");
	expect("bad.tsv", EXIT_USAGE, "", "bad.tsv:4: ");
	write_text("bad.tsv", "kind\tfile\tfunction\tname\nagent\ta/b.py\tC.d\tself.name()\n");
	expect("bad.tsv", EXIT_USAGE, "", "bad.tsv:2: ");
	write_text("bad.tsv", "kind\tfile\n");
	expect("bad.tsv", EXIT_USAGE, "", "bad.tsv:1: ");
}

/* Each row fits, all with the built-in ones do not. */
static void too_many(void **state)
{
	FILE *f = fopen("many.tsv", "w");

	(void)state;
	assert_non_null(f);
	assert_true(fputs("kind\tfile\tfunction\tname\n", f) >= 0);
	for (unsigned i = 0; i < RULES_MAX; i++)
		assert_true(fprintf(f, "agent\ta/b.py\tC.f%u\tself.name\n", i) > 0);
	assert_int_equal(fclose(f), 0);
	expect("many.tsv", EXIT_USAGE, "", "many.tsv: ");
}

static void order(void **state)
{
	struct rules_error error;
	struct buf text;

	(void)state;
	autodrop(drop_rules) struct rules *all = ruleset_of(str_of(good), &error);
	assert_non_null(all);
	HARNESS_TEXT("first", rules_get(all, 0)->function, "Loop.go");

	autodrop(drop_fd) int fd = ruleset_describe(str_of(good));
	assert_true(fd >= 0);
	autodrop(drop_rules) struct rules *received = ruleset_receive(fd);
	assert_non_null(received);
	assert_int_equal(rules_count(received), rules_count(all));
	HARNESS_TEXT("received", rules_get(received, 0)->function, "Loop.go");

	assert_int_equal(ruleset_text(str_of(good), &text), 0);
	autodrop(drop_rules) struct rules *taped = rules_new();
	assert_non_null(taped);
	assert_int_equal(rules_add(taped, buf_str(&text), &error), 0);
	assert_int_equal(rules_count(taped), rules_count(all));
	for (uint32_t i = 0; i < rules_count(all); i++)
		assert_true(str_eq(rules_get(taped, i)->function, rules_get(all, i)->function));
	buf_fini(&text);
	assert_true(rules_count(all) > 100);
}

static void none(void **state)
{
	(void)state;
	autodrop(drop_rules) struct rules *r = ruleset_receive(-1);
	assert_non_null(r);
	assert_true(rules_count(r) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files), cmocka_unit_test(errors), cmocka_unit_test(too_many),
		cmocka_unit_test(order), cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
