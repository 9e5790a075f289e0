/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of identity happen in children. Those that need root are skipped without it. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/err.h"
#include "session/person.h"
#include "stream.h"

#define NOBODY	 65534
#define STRANGER 3999999 /* no entry in the password database */

static void sudo(const char *uid, const char *gid)
{
	uid ? setenv("SUDO_UID", uid, 1) : unsetenv("SUDO_UID");
	gid ? setenv("SUDO_GID", gid, 1) : unsetenv("SUDO_GID");
}

/* 0, or the line of the first check that failed. */
static int in_child(int (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #x); \
			return 1;                                           \
		}                                                           \
	} while (0)

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
}

static int not_through_sudo(const char *uid, const char *gid)
{
	struct person p;
	struct person_mask mask;

	sudo(uid, gid);
	person_find(&p);
	CHECK(!p.through_sudo);
	CHECK(p.uid == getuid() && p.gid == getgid());
	CHECK(p.name == NULL && p.home == NULL);
	CHECK(person_drop(&p) == 0);
	uid_t before = geteuid();
	person_become(&mask);
	CHECK(geteuid() == before && !mask.changed);
	person_restore(&mask);
	person_fini(&p);
	return 0;
}

static void without_sudo(void **state)
{
	static const char *const ids[][2] = {
		{NULL, NULL},
		{"1000", NULL},
		{NULL, "1000"},
		{"", "1000"},
		{"1000", ""},
		{"me", "1000"},
		{"-1", "1000"},
		{"4294967296", "1"},
		{"0", "0"},
		{" 1000", "1000"},
		{"1000 ", "10"},
		{"0x10", "100"},
		{"18446744073709551617", "1"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(not_through_sudo(ids[i][0], ids[i][1]), 0);
	sudo(NULL, NULL);
}

static int as_nobody_the_variables_say_nothing(void)
{
	CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	return not_through_sudo("1000", "1000");
}

static void not_root(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(as_nobody_the_variables_say_nothing), 0);
}

static int drops(void)
{
	struct passwd *pw = getpwuid(NOBODY);
	struct person p;
	uid_t r, e, s;
	gid_t groups[64];

	sudo("65534", "65534");
	person_find(&p);
	CHECK(p.through_sudo && p.uid == NOBODY && p.gid == NOBODY);
	CHECK(pw && strcmp(p.name, pw->pw_name) == 0 && strcmp(p.home, pw->pw_dir) == 0);
	CHECK(person_drop(&p) == 0);
	CHECK(getresuid(&r, &e, &s) == 0 && r == NOBODY && e == NOBODY && s == NOBODY);
	CHECK(getresgid(&r, &e, &s) == 0 && r == NOBODY && e == NOBODY && s == NOBODY);
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		CHECK(groups[i] != 0);
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	/* A second time there is no right to do so, and it is said. */
	CHECK(person_drop(&p) == -EPERM);
	person_fini(&p);
	CHECK(p.name == NULL && p.home == NULL);
	return 0;
}

static int drops_to_a_stranger(void)
{
	struct person p;
	gid_t group;

	sudo("3999999", "3999999");
	person_find(&p);
	CHECK(p.through_sudo && p.uid == STRANGER);
	CHECK(p.name == NULL && p.home == NULL);
	CHECK(person_drop(&p) == 0);
	CHECK(getuid() == STRANGER && getgid() == STRANGER);
	CHECK(getgroups(1, &group) == 1 && group == STRANGER);
	person_fini(&p);
	return 0;
}

static void for_good(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(drops), 0);
	assert_int_equal(in_child(drops_to_a_stranger), 0);
}

static int becomes_and_returns(void)
{
	gid_t before[64], after[64];
	struct person_mask mask;
	struct stat st;
	char where[] = "/tmp/person-XXXXXX";

	CHECK(setgroups(2, (gid_t[]){0, 4}) == 0);
	int count = getgroups(64, before);
	CHECK(mkdtemp(where) && chmod(where, 0777) == 0 && chdir(where) == 0);
	sudo("65534", "65534");
	person_become(&mask);
	CHECK(mask.changed && geteuid() == NOBODY && getegid() == NOBODY && getuid() == 0);
	int fd = open("theirs", O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
	person_restore(&mask);
	CHECK(geteuid() == 0 && getegid() == 0 && !mask.changed && mask.groups == NULL);
	CHECK(getgroups(64, after) == count && memcmp(before, after, (size_t)count * sizeof(gid_t)) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_uid == NOBODY && st.st_gid == NOBODY);
	unlink("theirs");
	rmdir(where);
	return 0;
}

static void for_a_while(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(becomes_and_returns), 0);
}

static void says_who(void **state)
{
	autodrop(buf_fini) struct buf said;
	struct stream s;
	(void)state;

	buf_init(&said, 4096);
	stream_start(&s, STDERR_FILENO);
	person_say(&(struct person){.uid = 1000, .name = "ada"});
	person_say(&(struct person){.through_sudo = true, .uid = 1000, .name = "ada"});
	person_say(&(struct person){.through_sudo = true, .uid = 7});
	err_set_level(ERR_QUIET);
	person_say(&(struct person){.through_sudo = true, .uid = 8});
	err_set_level(ERR_NORMAL);
	stream_stop(&s, &said);
	HARNESS_TEXT("said", buf_str(&said),
		     "bottrace: the command runs as ada (uid 1000), who called sudo\n"
		     "bottrace: the command runs as the user (uid 7), who called sudo\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_sudo), cmocka_unit_test(not_root), cmocka_unit_test(for_good),
		cmocka_unit_test(for_a_while),	cmocka_unit_test(says_who),
	};

	return cmocka_run_group_tests_name("session person", tests, NULL, NULL);
}
