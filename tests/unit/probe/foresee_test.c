/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees of files in a temporary directory that is also the root in which everything is resolved. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "probe/foresee.h"
#include "probe/root.h"

struct tree {
	char dir[64];
	int root;
	struct buf found;
};

static void note(void *ctx, const char *path)
{
	struct tree *t = ctx;

	buf_addf(&t->found, "%s\n", path);
}

/* ---- making trees ---- */

static void full(const struct tree *t, const char *path, char out[512])
{
	assert_true(snprintf(out, 512, "%s%s", t->dir, path) < 512);
}

static void make_parents(const struct tree *t, const char *path)
{
	char p[512];

	full(t, path, p);
	for (char *q = p + strlen(t->dir) + 1; *q; q++) {
		if (*q != '/')
			continue;
		*q = '\0';
		assert_true(mkdir(p, 0755) == 0 || errno == EEXIST);
		*q = '/';
	}
}

static void put_bytes(const struct tree *t, const char *path, const void *bytes, size_t n, int mode)
{
	char p[512];

	make_parents(t, path);
	full(t, path, p);
	int fd = open(p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	close(fd);
}

static void put(const struct tree *t, const char *path, const char *text, int mode)
{
	put_bytes(t, path, text, strlen(text), mode);
}

static void put_link(const struct tree *t, const char *path, const char *to)
{
	char p[512];

	make_parents(t, path);
	full(t, path, p);
	assert_int_equal(symlink(to, p), 0);
}

/* The smallest ELF with a dynamic section: needs libssl.so.3, runpath as given (NULL: none). */
static void put_elf(const struct tree *t, const char *path, const char *runpath)
{
	struct {
		uint8_t header[64];
		uint64_t dynamic[8];
		char strings[256];
		uint8_t sections[3 * 64];
	} file = {.header = "\177ELF\2\1\1"};
	uint16_t half;
	uint32_t word;
	uint64_t at = 64;

#define AT(base, off, value, type)                           \
	do {                                                 \
		type = (value);                              \
		memcpy((base) + (off), &type, sizeof(type)); \
	} while (0)
	AT(file.header, 16, 3, half); /* ET_DYN */
#if defined(__x86_64__)
	AT(file.header, 18, 62, half);
#else
	AT(file.header, 18, 183, half);
#endif
	AT(file.header, 20, 1, word);
	AT(file.header, 40, 64 + sizeof(file.dynamic) + sizeof(file.strings), at); /* e_shoff */
	AT(file.header, 52, 64, half);
	AT(file.header, 58, 64, half); /* e_shentsize */
	AT(file.header, 60, 3, half);
	AT(file.header, 62, 2, half);
	size_t n = 1;
	file.dynamic[0] = 1; /* DT_NEEDED */
	file.dynamic[1] = n;
	n += (size_t)snprintf(file.strings + n, sizeof(file.strings) - n, "libssl.so.3") + 1;
	if (runpath) {
		file.dynamic[2] = 29; /* DT_RUNPATH */
		file.dynamic[3] = n;
		assert_true((size_t)snprintf(file.strings + n, sizeof(file.strings) - n, "%s", runpath) + n <
			    sizeof(file.strings));
	}
	uint8_t *dynamic = file.sections + 64, *strings = file.sections + 128;
	AT(dynamic, 4, 6, word); /* SHT_DYNAMIC */
	AT(dynamic, 24, 64, at);
	AT(dynamic, 32, sizeof(file.dynamic), at);
	AT(dynamic, 40, 2, word);
	AT(dynamic, 56, 16, at);
	AT(strings, 4, 3, word); /* SHT_STRTAB */
	AT(strings, 24, 64 + sizeof(file.dynamic), at);
	AT(strings, 32, sizeof(file.strings), at);
#undef AT
	put_bytes(t, path, &file, sizeof(file), 0755);
}

static int start(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	snprintf(t->dir, sizeof(t->dir), "/tmp/foresee-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	t->root = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->root >= 0);
	buf_init(&t->found, 65536);
	*state = t;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int stop(void **state)
{
	struct tree *t = *state;

	nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	close(t->root);
	buf_fini(&t->found);
	free(t);
	return 0;
}

static void look(struct tree *t, const char *program, struct str argv, struct str env, const char *cwd)
{
	struct foresee_request r = {.root = t->root,
				    .program = program,
				    .argv = argv,
				    .env = env,
				    .cwd = cwd,
				    .found = note,
				    .ctx = t};

	buf_clear(&t->found);
	assert_int_equal(foresee_libraries(&r), 0);
}

static bool has(const struct tree *t, const char *path)
{
	char line[512];

	snprintf(line, sizeof(line), "%s\n", path);
	return str_has(buf_str(&t->found), str_of(line));
}

/* An interpreter with its own libssl below prefix. */
static void put_python(const struct tree *t, const char *prefix, const char *version)
{
	char path[256], runpath[128];

	snprintf(path, sizeof(path), "%s/bin/python%s", prefix, version);
	put_elf(t, path, NULL);
	snprintf(runpath, sizeof(runpath), "%s/ssl", prefix);
	snprintf(path, sizeof(path), "%s/lib/python%s/lib-dynload/_ssl.cpython-x.so", prefix, version);
	put_elf(t, path, runpath);
	snprintf(path, sizeof(path), "%s/ssl/libssl.so.3", prefix);
	put(t, path, "x", 0644);
}

/* ---- cases ---- */

static void by_path_and_runpath(void **state)
{
	struct tree *t = *state;

	put_python(t, "/opt/py", "3.11");
	look(t, "python3.11", STR("python3.11\0"), STR("PATH=/nowhere:/opt/py/bin"), "/");
	assert_true(has(t, "/opt/py/ssl/libssl.so.3"));
	/* relative to the working directory */
	look(t, "./bin/python3.11", STR_NONE, STR("PATH=/nowhere"), "/opt/py");
	assert_true(has(t, "/opt/py/./bin/../ssl/libssl.so.3") || has(t, "/opt/py/ssl/libssl.so.3"));
	look(t, "other", STR_NONE, STR("PATH=/nowhere"), "/");
	assert_int_equal(t->found.n, 0);
}

static void by_origin(void **state)
{
	struct tree *t = *state;

	put_elf(t, "/app/bin/tool", "$ORIGIN/../lib:/else");
	put(t, "/app/lib/libssl.so.3", "x", 0644);
	look(t, "/app/bin/tool", STR_NONE, STR(""), "/");
	assert_true(has(t, "/app/bin/../lib/libssl.so.3"));
}

static void by_library_path(void **state)
{
	struct tree *t = *state;

	put(t, "/l1/libssl.so.1.1", "x", 0644);
	put(t, "/w/l2/libssl-3a4b.so.3", "x", 0644);
	put(t, "/l1/libcrypto.so.1.1", "x", 0644);
	look(t, "/bin/none", STR_NONE, STR("LD_LIBRARY_PATH=/l1:l2"), "/w");
	assert_true(has(t, "/l1/libssl.so.1.1"));
	assert_true(has(t, "/w/l2/libssl-3a4b.so.3"));
	assert_false(str_has(buf_str(&t->found), STR("crypto")));
}

static void standard_directories_without_a_cache(void **state)
{
	struct tree *t = *state;

	put(t, "/usr/lib64/libssl.so.3", "x", 0644);
	look(t, "/bin/none", STR_NONE, STR(""), "/");
	assert_true(has(t, "/usr/lib64/libssl.so.3"));
}

static void through_shebangs(void **state)
{
	struct tree *t = *state;

	put_python(t, "/opt/py", "3.9");
	put_link(t, "/opt/py/bin/agentpy", "python3.9");
	put(t, "/s/direct", "#!/opt/py/bin/python3.9 -u\nprint()\n", 0755);
	put(t, "/s/env", "#!/usr/bin/env agentpy\n", 0755);
	put(t, "/s/split", "#! /usr/bin/env -S -i A=b agentpy -u\n", 0755);
	put(t, "/s/chain", "#!/s/env\n", 0755);
	const char *const scripts[] = {"/s/direct", "/s/env", "/s/split", "/s/chain"};
	for (size_t i = 0; i < 4; i++) {
		look(t, scripts[i], STR_NONE, STR("PATH=/opt/py/bin"), "/");
		if (!has(t, "/opt/py/ssl/libssl.so.3"))
			fail_msg("%s: not found", scripts[i]);
	}
}

static void loops_end(void **state)
{
	struct tree *t = *state;

	put(t, "/s/a", "#!/s/b\n", 0755);
	put(t, "/s/b", "#!/s/a\n", 0755);
	put(t, "/s/self", "#!/usr/bin/env self\n", 0755);
	put_link(t, "/s/loop", "loop");
	put(t, "/s/empty", "#!", 0755);
	put(t, "/s/spaces", "#!   \n", 0755);
	const char *const programs[] = {"/s/a", "/s/self", "/s/loop", "/s/empty", "/s/spaces", "", "/"};
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		look(t, programs[i], STR_NONE, STR("PATH=/s"), "/");
		assert_int_equal(t->found.n, 0);
	}
}

static void venvs(void **state)
{
	struct tree *t = *state;

	put_python(t, "/opt/py", "3.12");
	/* a copy, not a link: only pyvenv.cfg leads to the base */
	put_elf(t, "/v/bin/python", NULL);
	put(t, "/v/pyvenv.cfg", "include-system-site-packages = false\nHOME = /opt/py/bin\nversion = 3.12\n",
	    0644);
	put(t, "/v/bin/tool", "#!/v/bin/python\n", 0755);
	look(t, "/v/bin/tool", STR_NONE, STR(""), "/");
	assert_true(has(t, "/opt/py/ssl/libssl.so.3"));
}

static void wheels(void **state)
{
	struct tree *t = *state;

	put_elf(t, "/v/bin/python3", NULL);
	put(t, "/v/lib/python3.12/site-packages/psycopg_binary.libs/libssl-1a2b.so.3", "x", 0644);
	put(t, "/v/lib/python3.12/site-packages/psycopg_binary.libs/libpq-1a2b.so.5", "x", 0644);
	put(t, "/v/lib/python3.12/site-packages/cryptography/hazmat/bindings/_rust.abi3.so", "x", 0644);
	put(t, "/v/lib/python3.12/site-packages/other/libssl.so.3", "x", 0644);
	look(t, "/v/bin/python3", STR_NONE, STR(""), "/");
	assert_true(has(t, "/v/lib/python3.12/site-packages/psycopg_binary.libs/libssl-1a2b.so.3"));
	assert_true(has(t, "/v/lib/python3.12/site-packages/cryptography/hazmat/bindings/_rust.abi3.so"));
	assert_false(str_has(buf_str(&t->found), STR("libpq")));
	assert_false(str_has(buf_str(&t->found), STR("other")));
	assert_false(str_has(buf_str(&t->found), STR("curl_cffi")));
}

static const char shim[] = "#!/usr/bin/env bash\nset -e\nprogram=\"${0##*/}\"\nexport PYENV_ROOT=\"/pe\"\n"
			   "exec \"/pe/libexec/pyenv\" exec \"$program\" \"$@\"\n";

static void put_pyenv(struct tree *t)
{
	put_python(t, "/pe/versions/3.11.7", "3.11");
	put_python(t, "/pe/versions/3.12.1", "3.12");
	put_python(t, "/sys", "3.10");
	put_link(t, "/pe/versions/3.11.7/bin/agent", "python3.11");
	put_link(t, "/pe/versions/3.12.1/bin/agent", "python3.12");
	put_link(t, "/sys/bin/agent", "python3.10");
	put(t, "/pe/shims/agent", shim, 0755);
	put(t, "/home/u/p/sub/x", "", 0644);
}

static void check_pyenv(struct tree *t, struct str env, bool v311, bool v312, bool system)
{
	look(t, "agent", STR_NONE, env, "/home/u/p/sub");
	assert_int_equal(has(t, "/pe/versions/3.11.7/ssl/libssl.so.3"), v311);
	assert_int_equal(has(t, "/pe/versions/3.12.1/ssl/libssl.so.3"), v312);
	assert_int_equal(has(t, "/sys/ssl/libssl.so.3"), system);
}

static void pyenv_shims(void **state)
{
	struct tree *t = *state;

	put_pyenv(t);
	/* nothing names a version: the system's */
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin"), false, false, true);
	/* nor is there a system's: all of them */
	check_pyenv(t, STR("PATH=/pe/shims"), true, true, false);
	put(t, "/pe/version", "3.12.1\n", 0644);
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin"), false, true, false);
	put(t, "/home/u/.python-version", "# mine\n3.11\n", 0644);
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin"), true, false, false);
	put(t, "/home/u/p/.python-version", "system", 0644);
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin"), false, false, true);
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin\0PYENV_VERSION=3.12.1:3.11.7"), true, true, false);
	check_pyenv(t, STR("PATH=/pe/shims:/sys/bin\0PYENV_VERSION=../../etc"), true, true, false);
}

static void links_stay_inside_the_root(void **state)
{
	struct tree *t = *state;

	put_python(t, "/opt/py", "3.11");
	put_link(t, "/usr/bin/python3", "/opt/py/bin/python3.11"); /* absolute: within the tree */
	put_link(t, "/usr/bin/out", "../../../../../../../../bin/sh");
	look(t, "sh", STR("sh\0-c\0x\0"), STR("PATH=/usr/bin"), "/");
	assert_true(str_has(buf_str(&t->found), STR("libssl.so.3")));
	look(t, "/usr/bin/out", STR_NONE, STR("PATH=/none"), "/");
	assert_int_equal(t->found.n, 0);
}

static void special_files_are_left_alone(void **state)
{
	struct tree *t = *state;
	char p[512];

	make_parents(t, "/bin/x");
	full(t, "/bin/python3", p);
	assert_int_equal(mkfifo(p, 0755), 0);
	look(t, "python3", STR_NONE, STR("PATH=/bin"), "/"); /* would hang if the pipe were opened */
	assert_int_equal(t->found.n, 0);
}

static void without_memory(void **state)
{
	struct tree *t = *state;

	put_pyenv(t);
	unsigned long n = 0;
	do {
		struct foresee_request r = {.root = t->root,
					    .program = "agent",
					    .env = STR("PATH=/pe/shims"),
					    .cwd = "/",
					    .found = note,
					    .ctx = t};

		harness_fail_alloc(++n);
		(void)!foresee_libraries(&r);
	} while (harness_alloc_failed());
	harness_fail_alloc(0);
	assert_true(n > 3);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(by_path_and_runpath),
		CASE(by_origin),
		CASE(by_library_path),
		CASE(standard_directories_without_a_cache),
		CASE(through_shebangs),
		CASE(loops_end),
		CASE(venvs),
		CASE(wheels),
		CASE(pyenv_shims),
		CASE(links_stay_inside_the_root),
		CASE(special_files_are_left_alone),
		CASE(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
