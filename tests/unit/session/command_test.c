/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands are started in earnest. Where signals and groups matter, a child plays the front in a group of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "session/command.h"
#include "stream.h"

static struct person caller;
static sigset_t none;
static char where[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(where, sizeof(where), "/tmp/command-XXXXXX");
	sigemptyset(&none);
	return mkdtemp(where) && chdir(where) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink("out");
	unlink("ready");
	unlink("program");
	return chdir("/") == 0 ? rmdir(where) : -1;
}

#define SHELL(script) ((char *[]){"sh", "-c", (script), NULL})

static int start(struct command *c, char **argv)
{
	return command_start(c, argv, &caller, &none);
}

/* As the front does on SIGCHLD. */
static void await(struct command *c)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT), 0);
	command_look(c);
	assert_true(c->ended);
}

static void read_out(struct buf *b)
{
	char piece[4096];
	int fd = open("out", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf_init(b, 1u << 20);
	while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(b, str_make(piece, (size_t)n));
	if (fd >= 0)
		close(fd);
}

static void waits_for_release(void **state)
{
	autodrop(buf_fini) struct buf out;
	struct command c;
	(void)state;

	assert_int_equal(start(&c, SHELL("echo $0 \"$@\" > out; exit 7")), 0);
	command_look(&c);
	assert_false(c.ended);
	assert_int_equal(access("out", F_OK), -1);
	assert_int_equal(command_release(&c), 0);
	await(&c);
	assert_int_equal(command_exit(&c), 7);
	command_look(&c); /* a late SIGCHLD changes nothing */
	assert_int_equal(command_exit(&c), 7);
	command_fini(&c);
	read_out(&out);
	HARNESS_TEXT("out", buf_str(&out), "sh\n");
}

static void never_released(void **state)
{
	struct command c;
	int status;
	(void)state;

	assert_int_equal(start(&c, SHELL("echo > out")), 0);
	pid_t pid = c.pid, sentinel = c.sentinel;
	/* fini reaps the command when it is quick enough; a second look then finds no child. */
	command_fini(&c);
	if (waitpid(pid, &status, 0) == pid)
		assert_int_equal(WEXITSTATUS(status), 125);
	assert_int_equal(access("out", F_OK), -1);
	assert_int_equal(kill(sentinel, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void exec_failures(void **state)
{
	struct command c;
	(void)state;

	close(open("program", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	const struct {
		char *name;
		int err, code;
	} cases[] = {
		{"/nowhere/program", ENOENT, 127}, {"no-such-program-on-path", ENOENT, 127},
		{"./program", EACCES, 126},	   {"/", EACCES, 126},
		{"program/x/y", ENOTDIR, 126},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(start(&c, (char *[]){cases[i].name, NULL}), 0);
		assert_int_equal(command_release(&c), cases[i].err);
		await(&c);
		assert_int_equal(command_exit(&c), cases[i].code);
		command_fini(&c);
	}
}

/* What argv says on stdout when it is started with this mask. */
static void said_by(char **argv, const sigset_t *mask, struct buf *out)
{
	struct command c;
	struct stream s;

	buf_init(out, 1u << 16);
	stream_start(&s, STDOUT_FILENO);
	int r = command_start(&c, argv, &caller, mask);
	if (r == 0)
		r = command_release(&c);
	if (r == 0)
		await(&c);
	command_fini(&c);
	stream_stop(&s, out);
	assert_int_equal(r, 0);
	assert_int_equal(command_exit(&c), 0);
}

static void mask_is_as_it_was(void **state)
{
	autodrop(buf_fini) struct buf out;
	char want[64];
	sigset_t mask;
	(void)state;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	said_by((char *[]){"grep", "SigBlk", "/proc/self/status", NULL}, &mask, &out);
	snprintf(want, sizeof(want), "SigBlk:\t%016llx\n", 1ull << (SIGUSR2 - 1));
	HARNESS_TEXT("mask", buf_str(&out), want);
}

static void descriptors_are_the_callers(void **state)
{
	autodrop(buf_fini) struct buf out;
	bool has[1024] = {0}, wants[1024] = {0};
	struct str line;
	uint64_t fd;
	int free_one = -1;
	(void)state;

	int theirs = dup2(STDERR_FILENO, 99);
	for (int i = 0; i < 1024; i++) {
		int flags = fcntl(i, F_GETFD);

		wants[i] = flags >= 0 && !(flags & FD_CLOEXEC);
		if (!wants[i] && free_one < 0)
			free_one = i; /* the directory that ls reads */
	}
	wants[free_one] = true;
	said_by((char *[]){"ls", "-1", "/proc/self/fd", NULL}, &none, &out);
	close(theirs);
	for (struct str rest = buf_str(&out); rest.n > 0;) {
		rest = str_cut(rest, '\n', &line);
		assert_true(str_to_u64(line, &fd) && fd < 1024);
		has[fd] = true;
	}
	assert_memory_equal(has, wants, sizeof(has));
}

/* ---- a front of our own ---- */

/* Runs f in a child that leads a group; its exit status. */
static int as_front(int (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t set;

		setpgid(0, 0);
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		_exit(f());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #x); \
			return 1;                                           \
		}                                                           \
	} while (0)

/* Ends by itself, should no signal come. */
#define TRAPS                                                                                     \
	"exec 2> /dev/null; trap 'echo usr1 >> out' USR1; trap 'echo term >> out; exit 3' TERM; " \
	"echo > ready; i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); sleep 0.01; done; exit 4"

static bool is_ready(void)
{
	for (int i = 0; i < 1000; i++) {
		if (access("ready", F_OK) == 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* How often the command noted SIGUSR1 before it ended of the SIGTERM that is sent now. */
static long ended_after(struct command *c)
{
	siginfo_t info;
	struct buf out;

	command_signal(c, &(struct signalfd_siginfo){.ssi_signo = SIGTERM});
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) < 0)
		return -1;
	command_look(c);
	if (!c->ended || command_exit(c) != 3)
		return -2;
	read_out(&out);
	long n = (long)(out.n / 5) - 1;
	if (!str_ends(buf_str(&out), STR("term\n")))
		n = -3;
	buf_fini(&out);
	command_fini(c);
	return n;
}

static int one_signal_is_passed_on(void)
{
	struct command c;

	CHECK(start(&c, SHELL(TRAPS)) == 0 && command_release(&c) == 0 && is_ready());
	command_signal(&c, &(struct signalfd_siginfo){.ssi_signo = SIGUSR1});
	/* Let it be taken before the next one. */
	for (int i = 0; i < 1000 && access("out", F_OK) != 0; i++)
		usleep(10000);
	CHECK(ended_after(&c) == 1);
	/* To one that has ended nothing is sent: its pid may be another's by now. */
	c.pid = getpid();
	command_signal(&c, &(struct signalfd_siginfo){.ssi_signo = SIGKILL});
	return 0;
}

static int group_signal_comes_once(void)
{
	struct command c;

	CHECK(start(&c, SHELL(TRAPS)) == 0 && command_release(&c) == 0 && is_ready());
	kill(0, SIGUSR1);
	for (int i = 0; i < 1000 && access("out", F_OK) != 0; i++)
		usleep(10000);
	command_signal(&c, &(struct signalfd_siginfo){.ssi_signo = SIGUSR1});
	CHECK(ended_after(&c) == 1);
	return 0;
}

static void signals(void **state)
{
	(void)state;
	assert_int_equal(as_front(one_signal_is_passed_on), 0);
	unlink("out");
	unlink("ready");
	assert_int_equal(as_front(group_signal_comes_once), 0);
}

static int dies_of_it(void)
{
	struct command c;
	siginfo_t info;

	CHECK(start(&c, SHELL("kill -TERM $$")) == 0 && command_release(&c) == 0);
	CHECK(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT) == 0);
	command_look(&c);
	CHECK(c.ended);
	command_fini(&c);
	return command_exit(&c);
}

static void signal_death(void **state)
{
	(void)state;
	assert_int_equal(as_front(dies_of_it), 1000 + SIGTERM);
}

/* Exits as its command, which stops itself once. */
static int stops_along(void)
{
	struct command c;
	siginfo_t info;

	CHECK(start(&c, SHELL("kill -STOP $$; exit 5")) == 0 && command_release(&c) == 0);
	CHECK(waitid(P_PID, (id_t)c.pid, &info, WSTOPPED | WNOWAIT) == 0);
	command_look(&c); /* here we are stopped, until the shell of the user says go on */
	CHECK(!c.ended);
	CHECK(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT) == 0);
	command_look(&c);
	CHECK(c.ended);
	command_fini(&c);
	return command_exit(&c);
}

static void stopped_alone(void **state)
{
	int status;
	(void)state;

	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(stops_along());
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGSTOP);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}

/* When the front dies, nobody may be left to hold its group. */
static void sentinel_dies_with_the_front(void **state)
{
	int ends[2], sentinel = 0;
	(void)state;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct command c;

		_exit(start(&c, SHELL("true")) < 0 || write(ends[1], &c.sentinel, sizeof(c.sentinel)) < 0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &sentinel, sizeof(sentinel)), sizeof(sentinel));
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* Gone, or a zombie that whoever adopted it has not collected. */
	bool lives = true;
	for (int i = 0; i < 500 && lives; i++) {
		char path[64], stat[512] = "";

		snprintf(path, sizeof(path), "/proc/%d/stat", sentinel);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, stat, sizeof(stat) - 1) < 0)
			stat[0] = '\0';
		if (fd >= 0)
			close(fd);
		lives = stat[0] != '\0' && strstr(stat, ") Z ") == NULL;
		if (lives)
			usleep(10000);
	}
	assert_false(lives);
}

/* ---- what the attacher is told ---- */

static void described(void **state)
{
	char got[512], *envp[] = {"A=1", "", "B=2 3", NULL}, *argv[] = {"python", "", "agent.py", NULL};
	struct command c = {.envp = envp};
	(void)state;

	int fd = command_describe(&c, argv);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ssize_t n = pread(fd, got, sizeof(got), 0);
	close(fd);
	char cwd[128], want[256] = "python\0agent.py\0\0A=1\0B=2 3\0";
	const size_t fixed = sizeof("python\0agent.py\0\0A=1\0B=2 3\0");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	memcpy(want + fixed, cwd, strlen(cwd) + 1);
	assert_int_equal(n, fixed + strlen(cwd) + 1);
	assert_memory_equal(got, want, n);
}

static int environment_of_the_person(void)
{
	struct person ada = {.through_sudo = true, .name = "ada", .home = "/home/ada"};
	struct command c;

	/* It is never released: person_drop must not be reached. */
	setenv("HOME", "/root", 1);
	setenv("KEPT", "yes", 1);
	CHECK(command_start(&c, SHELL("true"), &ada, &none) == 0);
	bool home = false, user = false, logname = false, kept = false;
	for (char **e = c.envp; *e; e++) {
		home |= strcmp(*e, "HOME=/home/ada") == 0;
		user |= strcmp(*e, "USER=ada") == 0;
		logname |= strcmp(*e, "LOGNAME=ada") == 0;
		kept |= strcmp(*e, "KEPT=yes") == 0;
	}
	command_fini(&c);
	CHECK(home && user && logname && kept);
	return 0;
}

static void through_sudo(void **state)
{
	(void)state;
	assert_int_equal(as_front(environment_of_the_person), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(waits_for_release),
		TEST(never_released),
		TEST(exec_failures),
		TEST(mask_is_as_it_was),
		TEST(descriptors_are_the_callers),
		TEST(signals),
		TEST(signal_death),
		TEST(stopped_alone),
		TEST(sentinel_dies_with_the_front),
		TEST(described),
		TEST(through_sudo),
	};

	return cmocka_run_group_tests_name("session command", tests, NULL, NULL);
}
