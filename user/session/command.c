/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/err.h"

extern char **environ;

/* Signals that are passed on. Those of a terminal (Ctrl-C, Ctrl-\, hang-up) go to the whole group by themselves. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP};
#define PASSED_ON     (sizeof(passed_on) / sizeof(passed_on[0]))
#define GROUP_WAIT_MS 50

/* ---- the sentinel: a process in the command's group that tells which signals the whole group got ---- */

static void stand_sentinel(int out, pid_t front)
{
	sigset_t set;
	siginfo_t info;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != front)
		_exit(0);
	/* Nothing of the front may live on here: the closing of a socket is how a death is noticed, and the end of a pipe
	 * how the command's reader learns of its end. */
	if (dup2(out, 0) < 0 || close_range(1, ~0u, 0) < 0)
		_exit(0);
	out = 0;
	sigemptyset(&set);
	for (size_t i = 0; i < PASSED_ON; i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (;;) {
		int sig = sigwaitinfo(&set, &info);

		if (sig > 0 && write(out, &(unsigned char){(unsigned char)sig}, 1) != 1)
			_exit(0);
	}
}

static int start_sentinel(struct command *c)
{
	pid_t front = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	c->sentinel = fork();
	if (c->sentinel == 0)
		stand_sentinel(ends[1], front);
	int err = errno;
	close(ends[1]);
	c->sentinel_fd = ends[0];
	return c->sentinel < 0 ? -err : 0;
}

/* Whether the sentinel got sig too, in the same moment as we did. */
static bool group_got(struct command *c, int sig)
{
	struct pollfd p = {.fd = c->sentinel_fd, .events = POLLIN};

	while (poll(&p, 1, GROUP_WAIT_MS) > 0) {
		unsigned char got;

		if (read(c->sentinel_fd, &got, 1) != 1)
			return false;
		if (got == sig)
			return true;
	}
	return false;
}

void command_signal(struct command *c, const struct signalfd_siginfo *info)
{
	if (c->ended || group_got(c, (int)info->ssi_signo))
		return;
	kill(c->pid, (int)info->ssi_signo);
}

/* ---- start ---- */

static int person_environment(struct command *c, const struct person *person)
{
	c->envp = environ;
	if (!person->through_sudo || !person->name || !person->home)
		return 0;
	/* Our own environment has no other reader from here on. */
	if (setenv("HOME", person->home, 1) < 0 || setenv("USER", person->name, 1) < 0 ||
	    setenv("LOGNAME", person->name, 1) < 0)
		return -errno;
	c->envp = environ;
	return 0;
}

static void become_command(const struct command *c, char **argv, const struct person *person,
			   const sigset_t *mask, int go, int failure)
{
	char byte;
	ssize_t n;

	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_BEFORE_EXEC);
	int err = -person_drop(person);
	if (err == 0) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvpe(argv[0], argv, c->envp);
		err = errno;
	}
	if (write(failure, &err, sizeof(err)) != sizeof(err))
		_exit(EXIT_BEFORE_EXEC);
	_exit(err == ENOENT ? EXIT_COMMAND_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

int command_start(struct command *c, char **argv, const struct person *person, const sigset_t *mask)
{
	int go[2], failure[2];

	*c = (struct command){.pid = -1, .go = -1, .failure = -1, .sentinel = -1, .sentinel_fd = -1};
	int r = person_environment(c, person);
	if (r == 0)
		r = start_sentinel(c);
	if (r < 0)
		return r;
	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(failure, O_CLOEXEC) < 0) {
		r = -errno;
		close(go[0]);
		close(go[1]);
		return r;
	}
	c->go = go[1];
	c->failure = failure[0];
	c->pid = fork();
	if (c->pid == 0) {
		close(go[1]); /* else it would wait for itself */
		become_command(c, argv, person, mask, go[0], failure[1]);
	}
	r = c->pid < 0 ? -errno : 0;
	close(go[0]);
	close(failure[1]);
	return r;
}

/* Strings with their NULs, then an empty string: the form that the attacher splits again. */
static bool write_list(FILE *f, char *const *list)
{
	for (; *list; list++) {
		/* An empty string would end the list; as an argument or variable it says nothing about libraries. */
		if (**list && fwrite(*list, strlen(*list) + 1, 1, f) != 1)
			return false;
	}
	return fputc('\0', f) == '\0';
}

int command_describe(const struct command *c, char **argv)
{
	autodrop(drop_fd) int fd = memfd_create("bottrace-command", MFD_CLOEXEC);
	char cwd[4096];

	if (fd < 0)
		return -errno;
	FILE *f = fdopen(dup(fd), "w");
	if (f == NULL)
		return -errno;
	bool ok = write_list(f, argv) && write_list(f, c->envp) && getcwd(cwd, sizeof(cwd)) &&
		  fwrite(cwd, strlen(cwd) + 1, 1, f) == 1;
	ok = fclose(f) == 0 && ok;
	return ok ? take_fd(&fd) : -EIO;
}

int command_release(struct command *c)
{
	int err = 0;
	ssize_t n;

	if (write(c->go, "g", 1) != 1)
		return errno;
	drop_fd(&c->go);
	do
		n = read(c->failure, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	drop_fd(&c->failure);
	return n == sizeof(err) ? err : 0;
}

/* ---- while it runs ---- */

static bool is_stopped(pid_t pid)
{
	siginfo_t info = {0};

	/* WNOWAIT leaves the state to be asked again. */
	return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* A command that was stopped alone (kill -STOP, its own raise) must look stopped to the shell: so we stop too. When the
 * terminal stopped the whole group we were stopped with it, and on `fg` we may be running again an instant before it. */
static void stop_with_it(struct command *c)
{
	const struct timespec instant = {.tv_nsec = 20 * 1000 * 1000};
	int status;

	nanosleep(&instant, NULL);
	if (!is_stopped(c->pid)) {
		(void)waitpid(c->pid, &status, WUNTRACED | WNOHANG);
		return;
	}
	if (waitpid(c->pid, &status, WUNTRACED | WNOHANG) != c->pid || !WIFSTOPPED(status))
		return;
	raise(SIGSTOP);
	kill(c->pid, SIGCONT);
}

void command_look(struct command *c)
{
	if (c->ended)
		return;
	if (is_stopped(c->pid)) {
		stop_with_it(c);
		return;
	}
	pid_t r = waitpid(c->pid, &c->status, WNOHANG);
	c->ended = r == c->pid && (WIFEXITED(c->status) || WIFSIGNALED(c->status));
}

/* ---- the end ---- */

void command_fini(struct command *c)
{
	drop_fd(&c->go);
	drop_fd(&c->failure);
	drop_fd(&c->sentinel_fd);
	if (c->sentinel > 0) {
		kill(c->sentinel, SIGKILL);
		(void)waitpid(c->sentinel, NULL, 0);
	}
	if (c->pid > 0 && !c->ended)
		(void)waitpid(c->pid, &c->status, WNOHANG);
}

int command_exit(const struct command *c)
{
	struct rlimit no_core = {0, 0};
	sigset_t one;

	if (WIFEXITED(c->status))
		return WEXITSTATUS(c->status);
	int sig = WTERMSIG(c->status);
	(void)setrlimit(RLIMIT_CORE, &no_core); /* the command's core is the one that counts */
	signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + sig; /* a signal that does not end us */
}
