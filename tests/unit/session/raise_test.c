/* SPDX-License-Identifier: BSD-2-Clause */
/* raise_start runs /proc/self/exe as the attacher: that is this test, which plays one according to ATTACHER. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "session/message.h"
#include "session/raise.h"
#include "stream.h"

#define NOBODY 65534

/* ---- the attacher ---- */

/* Descriptors that a program started now gets, beyond the standard ones. */
static int inherited(void)
{
	int n = 0;

	for (int fd = 3; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return n;
}

static int play_attacher(void)
{
	const char *part = getenv("ATTACHER");
	char facts[128], stdout_path[64] = "";

	if (strcmp(part, "refused") == 0)
		return dprintf(STDERR_FILENO, "  no, not today \n and never \n") < 0;
	if (strcmp(part, "mute") == 0)
		return 1;
	/* Words on stderr before the hello are no refusal. */
	dprintf(STDERR_FILENO, "warning\n");
	if (message_send(STDIN_FILENO, MESSAGE_HELLO, NULL, 0, NULL, 0) < 0)
		return 1;
	(void)!readlink("/proc/self/fd/1", stdout_path, sizeof(stdout_path) - 1);
	snprintf(facts, sizeof(facts), "session %s, stdout %s, %d more",
		 getsid(0) == getpid() ? "own" : "shared", stdout_path, inherited());
	return message_send(STDIN_FILENO, MESSAGE_READY, facts, strlen(facts), NULL, 0) < 0;
}

/* ---- the front ---- */

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
}

static int raised(struct raise_attacher *r, struct buf *said)
{
	struct stream s;

	buf_init(said, 4096);
	stream_start(&s, STDERR_FILENO);
	int e = raise_start(r);
	stream_stop(&s, said);
	return e;
}

static void let_go(struct raise_attacher *r)
{
	close(r->socket);
	close(r->errors);
	(void)waitpid(r->pid, NULL, 0);
}

static void as_root_directly(void **state)
{
	static struct message m;
	struct raise_attacher r;
	struct buf said;
	char want[64];
	(void)state;

	need_root();
	setenv("ATTACHER", "well", 1);
	assert_int_equal(raised(&r, &said), 0);
	HARNESS_TEXT("said", buf_str(&said), "");
	assert_true(r.pid > 0);
	assert_int_equal(message_receive(r.socket, &m), 1);
	assert_int_equal(m.kind, MESSAGE_READY);
	snprintf(want, sizeof(want), "session own, stdout /dev/null, %d more", inherited());
	HARNESS_TEXT("facts", str_make((char *)m.bytes, m.size), want);
	assert_int_equal(message_receive(r.socket, &m), 0);
	let_go(&r);
	buf_fini(&said);
}

static void refused(void **state)
{
	struct raise_attacher r = {.socket = -1, .errors = -1};
	struct buf said;
	(void)state;

	need_root();
	setenv("ATTACHER", "refused", 1);
	assert_int_equal(raised(&r, &said), -EPERM);
	HARNESS_TEXT("said", buf_str(&said),
		     "bottrace: no right to attach probes: no, not today \n"
		     "hint: run it as root, or let sudo allow you to run bottrace; see: bottrace help "
		     "privileges\n");
	buf_fini(&said);
	setenv("ATTACHER", "mute", 1);
	let_go(&r);
	assert_int_equal(raised(&r, &said), -EPERM);
	assert_says(buf_str(&said), "no right to attach probes: it ended without a word\n");
	let_go(&r);
	buf_fini(&said);
}

/* ---- through sudo: one of our own on PATH ---- */

static void write_sudo(const char *where, const char *script)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sudo", where);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(script, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static bool can_nobody_run_us(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char self[4096];
		ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

		self[n > 0 ? n : 0] = '\0';
		_exit(setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
		      access(self, X_OK) < 0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Raises as nobody with this sudo, without a terminal to ask on. What was said; the result is in *r. */
static void as_nobody(const char *script, int *result, struct buf *said)
{
	char where[] = "/tmp/raise-XXXXXX", path[128];
	struct stream s;
	int status;

	assert_non_null(mkdtemp(where));
	assert_int_equal(chmod(where, 0755), 0);
	write_sudo(where, script);
	buf_init(said, 4096);
	stream_start(&s, STDERR_FILENO);
	pid_t pid = fork();
	if (pid == 0) {
		struct raise_attacher r;

		setsid();
		setenv("PATH", where, 1);
		if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(99);
		_exit(-raise_start(&r));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	stream_stop(&s, said);
	assert_true(WIFEXITED(status));
	*result = -WEXITSTATUS(status);
	snprintf(path, sizeof(path), "%s/sudo", where);
	unlink(path);
	rmdir(where);
}

static void through_sudo(void **state)
{
	struct buf said;
	int r;
	(void)state;

	need_root();
	if (!can_nobody_run_us()) {
		print_message("skipped: lies where an ordinary user cannot run it\n");
		skip();
	}
	setenv("ATTACHER", "well", 1);
	as_nobody("#!/bin/sh\n[ \"$1 $2 $4\" = '-n -- attacher' ] || exit 9\nshift 2\nexec \"$@\"\n", &r,
		  &said);
	HARNESS_TEXT("said", buf_str(&said), "");
	assert_int_equal(r, 0);
	buf_fini(&said);
}

static void sudo_says_no(void **state)
{
	struct buf said;
	int r;
	(void)state;

	need_root();
	as_nobody("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", &r, &said);
	assert_int_equal(r, -EPERM);
	assert_says(buf_str(&said), "no right to attach probes: sudo: a password is required\nhint: ");
	buf_fini(&said);
	/* Something that cannot be run at all. */
	as_nobody("#!/nowhere/shell\n", &r, &said);
	assert_int_equal(r, -EPERM);
	assert_says(buf_str(&said), "no right to attach probes: sudo: No such file or directory\n");
	buf_fini(&said);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_root_directly),
		cmocka_unit_test(refused),
		cmocka_unit_test(through_sudo),
		cmocka_unit_test(sudo_says_no),
	};

	if (argc == 2 && strcmp(argv[1], "attacher") == 0)
		return play_attacher();
	return cmocka_run_group_tests_name("session raise", tests, NULL, NULL);
}
