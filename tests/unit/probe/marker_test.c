/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/marker.h"
#include "probe/package.h"

#define MODULE "tools/python/bottrace.py"

static void test_names(void **state)
{
	static const char *const yes[] = {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/libc-2.31.so",
					  "/lib/ld-musl-x86_64.so.1", "/a/bottrace.py",
					  "/memfd:bottrace-flag"};
	static const char *const no[] = {"/lib/libcrypto.so.3", "/a/bottrace.pyc", "/a/notbottrace.py", "",
					 "/libc.so.6/x"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_true(marker_is_named(str_of(yes[i])));
		assert_false(marker_is_named(str_of(no[i])));
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* The offset that the module reads is the one that gets the breakpoint. */
static void test_flag(void **state)
{
	char dir[] = "/tmp/bottrace-unit-XXXXXX", path[64];
	uint64_t offset = 0;

	(void)state;
	autodrop(drop_fd) int fd = open(MODULE, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(marker_find_flag(fd, &offset), 0);
	assert_int_equal(offset, 64);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bottrace.py", dir);
	write_file(path, "# bottrace flag byte: PP\n");
	autodrop(drop_fd) int other = open(path, O_RDONLY);
	assert_int_equal(marker_find_flag(other, &offset), -ENOENT);
	unlink(path);
	rmdir(dir);
}

static void find(struct package *p, enum package_kind want)
{
	package_find(p, (uint32_t)getpid());
	if (p->kind != want)
		fail_msg("found %d %s, want %d", p->kind, p->path, want);
}

static void test_package(void **state)
{
	char dir[] = "/tmp/bottrace-unit-XXXXXX", before[4096];
	struct package p;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	find(&p, PACKAGE_NONE);
	write_file("bottrace.py", "#   bottrace flag byte: PPPPPPPPPPPPPPPP\n");
	find(&p, PACKAGE_OURS);
	assert_int_equal(mkdir("bottrace", 0755), 0);
	find(&p, PACKAGE_OURS); /* a directory alone is no package that hides a module */
	write_file("bottrace/__init__.py", "\n");
	find(&p, PACKAGE_OTHER);
	assert_string_equal(p.project, "");
	assert_int_equal(mkdir("bottrace-1.dist-info", 0755), 0);
	write_file("bottrace-1.dist-info/METADATA",
		   "Metadata-Version: 2.1\nName: bottrace\nVersion: 1\n\nName: no\n");
	find(&p, PACKAGE_OTHER);
	assert_string_equal(p.project, "bottrace 1");
	unlink("bottrace-1.dist-info/METADATA");
	unlink("bottrace/__init__.py");
	unlink("bottrace.py");
	rmdir("bottrace-1.dist-info");
	rmdir("bottrace");
	assert_int_equal(chdir(before), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_flag),
		cmocka_unit_test(test_package),
	};

	return cmocka_run_group_tests_name("marker", tests, NULL, NULL);
}
