/* SPDX-License-Identifier: BSD-2-Clause */
/* A root directory that a stranger made: no path leads out of it, nothing but a regular file is opened. */
#include "probe/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static char directory[] = "/tmp/root_test.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void link_to(const char *name, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(symlink(target, path), 0);
}

static int make(void **state)
{
	char path[128];

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/etc", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	put("etc/hostname", "inside");
	put("file", "0123456789");
	link_to("absolute", "/etc/hostname");
	link_to("upwards", "../../../../etc/hostname");
	link_to("loop", "loop");
	link_to("magic", "/proc/self/exe");
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	return 0;
}

static int clean(void **state)
{
	static const char *const names[] = {"etc/hostname", "file",  "absolute", "upwards",
					    "loop",	    "magic", "fifo"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/etc", directory);
	rmdir(path);
	return rmdir(directory);
}

static int open_root(void)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void links_stay_inside(void **state)
{
	static const char *const paths[] = {
		"etc/hostname",	      "/etc/hostname",		"absolute", "/absolute", "upwards",
		"../../etc/hostname", "/etc/../../etc/hostname"};
	autodrop(drop_fd) int root = open_root();

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		autodrop(buf_fini) struct buf b;

		buf_init(&b, 100);
		int r = root_read(root, paths[i], &b);
		if (r != 0 || !str_eq(buf_str(&b), STR("inside")))
			fail_msg("%s: %d, %.*s", paths[i], r, STR_ARG(buf_str(&b)));
	}
}

static void only_regular_files(void **state)
{
	static const struct {
		const char *path;
		int want;
	} cases[] = {
		{"etc", -EISDIR},  {"/", -EISDIR},	{"", -ENOENT},
		{"fifo", -EINVAL}, {"nosuch", -ENOENT}, {"file/x", -ENOTDIR},
		{"loop", -ELOOP},  {"magic", -ENOENT},	{"proc/self/exe", -ENOENT},
	};
	autodrop(drop_fd) int root = open_root();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = root_open_file(root, cases[i].path);

		if (fd != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].path, fd, cases[i].want);
	}
	/* A device of our own root. */
	autodrop(drop_fd) int ours = root_open(0);
	assert_int_equal(root_open_file(ours, "/dev/null"), -EINVAL);
	assert_true(root_open(UINT32_MAX) < 0);
}

static void as_much_as_wanted(void **state)
{
	autodrop(drop_fd) int root = open_root();
	autodrop(buf_fini) struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(root_read(root, "file", &b), 0);
	HARNESS_TEXT("cut", buf_str(&b), "0123");
}

static void directories_and_names(void **state)
{
	autodrop(drop_fd) int root = open_root();
	char path[64], small[4];
	bool seen = false;

	(void)state;
	autodrop(drop_dir) DIR *d = root_open_dir(root, "/etc");
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		seen |= strcmp(e->d_name, "hostname") == 0;
	assert_true(seen);
	assert_null(root_open_dir(root, "file"));
	assert_int_equal(errno, ENOTDIR);
	autodrop(drop_fd) int fd = root_open_file(root, "absolute");
	assert_true(fd >= 0);
	assert_int_equal(root_real_path(root, fd, path, sizeof(path)), 0);
	assert_string_equal(path, "/etc/hostname");
	assert_int_equal(root_real_path(root, fd, small, sizeof(small)), -ENAMETOOLONG);
	assert_true(root_real_path(root, -1, path, sizeof(path)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_stay_inside),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(as_much_as_wanted),
		cmocka_unit_test(directories_and_names),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
