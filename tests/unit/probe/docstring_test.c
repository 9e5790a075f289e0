/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The methods that read and write, of every CPython that this machine has: found by their docstrings, and each with a
 * place where a probe is cheap and safe. One test a file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "probe/code.h"
#include "probe/docstring.h"
#include "probe/site.h"

#define FILES_MAX 64
#define THREE	  (CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3))

static const char *const modules[] = {
	"/usr/lib/python3*/lib-dynload/_ssl.*.so",
	"/usr/local/lib/python3*/lib-dynload/_ssl.*.so",
	"%s/.pyenv/versions/*/lib/python3*/lib-dynload/_ssl.*.so",
};
/* OpenSSL inside. */
static const char *const whole[] = {
	".cache/standalone/*/lib/libpython3.*.so.1.0",
	".cache/standalone/*/bin/python3.14",
};

/* 3.6 and 3.7 are older than what is traced. */
static bool is_too_old(const char *path)
{
	return strstr(path, "python3.6") || strstr(path, "python3.7");
}

static void site_of(struct elf_file *elf, uint64_t method, const char *what, const char *path)
{
	const struct body_wish wish = {.arguments = THREE, .stack = true};
	uint8_t there[ELF_CODE_BYTES];
	const char *why = NULL;
	struct site s;

	if (site_find(elf, method, 0, &wish, &s, &why) < 0)
		fail_msg("%s: %s at %#lx: %s", path, what, (unsigned long)method, why);
	assert_true(s.emulated && s.returns);
	assert_true(code_is_emulated(s.bytes, s.len));
	autodrop(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, there, s.len, (off_t)s.offset), s.len);
	assert_memory_equal(there, s.bytes, s.len);
}

/* *state: "m/path" or "w/path". */
static void methods(void **state)
{
	const char *kind = *state, *path = kind + 1;
	autodrop(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct docstring_places p = {0};

	if (fd < 0)
		skip();
	assert_int_equal(elf_open(&elf, fd), 0);
	assert_int_equal(kind[0] == 'w' ? docstring_find(fd, &p) : docstring_find_methods(fd, &p), 0);
	/* Files with symbols say which they are. */
	struct elf_symbol symbols[] = {{.name = "_ssl__SSLSocket_read"}, {.name = "_ssl__SSLSocket_write"}};
	(void)elf_find(elf, symbols, 2);
	assert_true(!symbols[0].found || symbols[0].address == p.read_method);
	assert_true(!symbols[1].found || symbols[1].address == p.write_method);
	site_of(elf, p.read_method, "read", path);
	site_of(elf, p.write_method, "write", path);
	if (kind[0] == 'w') {
		site_of(elf, p.read, "SSL_read_ex", path);
		site_of(elf, p.write, "SSL_write_ex", path);
	}
}

/* *state: "k/path" of _asyncio, _queue or the interpreter: what begins what runs later is what symbols say, where there are. */
static void makers(void **state)
{
	const char *path = (const char *)*state + 1;
	autodrop(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct docstring_makers m;

	if (fd < 0)
		skip();
	assert_int_equal(elf_open(&elf, fd), 0);
	assert_int_equal(docstring_find_makers(fd, &m), 0);
	assert_true(!strstr(path, "_asyncio") || (m.task && m.future));
	assert_true(!strstr(path, "_queue") || m.submit);
	assert_true(!strstr(path, "libpython") || m.thread[0]);
	struct elf_symbol symbols[] = {{.name = "_asyncio_Task___init__"},
				       {.name = "_queue_SimpleQueue_put"},
				       {.name = "thread_PyThread_start_new_thread"},
				       {.name = "_asyncio_Future___init__"}};
	(void)elf_find(elf, symbols, 4);
	const uint64_t found[] = {m.task, m.submit, m.thread[0], m.future};
	for (size_t i = 0; i < 4; i++)
		assert_true(!symbols[i].found || symbols[i].address == found[i]);
}

/* A file without the module has none. */
static void no_methods(void **state)
{
	autodrop(drop_fd) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct docstring_places p = {0};

	(void)state;
	assert_int_equal(docstring_find_methods(fd, &p), -ENOENT);
	assert_int_equal(p.read_method, 0);
}

static size_t add(struct CMUnitTest *tests, size_t n, char kind, const char *path)
{
	size_t size = strlen(path) + 2;
	char *name = malloc(size);

	assert(name != NULL);
	snprintf(name, size, "%c%s", kind, path);
	tests[n] = (struct CMUnitTest){
		.name = name + 1, .test_func = kind == 'k' ? makers : methods, .initial_state = name};
	return n + 1;
}

static size_t add_all(struct CMUnitTest *tests, size_t n, char kind, const char *const *patterns,
		      size_t count)
{
	const char *home = getenv("HOME");

	for (size_t i = 0; i < count; i++) {
		char pattern[4096];
		glob_t found = {0};

		snprintf(pattern, sizeof(pattern), patterns[i], home ? home : "");
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc && n < FILES_MAX; k++)
				if (!is_too_old(found.gl_pathv[k]))
					n = add(tests, n, kind, found.gl_pathv[k]);
		globfree(&found);
	}
	return n;
}

int main(void)
{
	static struct CMUnitTest tests[FILES_MAX + 1];
	size_t n = 0;

#if defined(__x86_64__)
	static const char *const makers_of[] = {
		"%s/.pyenv/versions/*/lib/python3*/lib-dynload/_asyncio.*.so",
		"%s/.pyenv/versions/*/lib/python3*/lib-dynload/_queue.*.so",
		"%s/.pyenv/versions/*/lib/libpython3.*.so.1.0",
	};
	n = add_all(tests, n, 'k', makers_of, sizeof(makers_of) / sizeof(makers_of[0]));
	n = add_all(tests, n, 'm', modules, sizeof(modules) / sizeof(modules[0]));
	n = add_all(tests, n, 'w', whole, sizeof(whole) / sizeof(whole[0]));
#endif
	tests[n++] = (struct CMUnitTest){.name = "no_methods", .test_func = no_methods};
	int failed = _cmocka_run_group_tests("docstring", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free(tests[i].initial_state);
	return failed;
}
