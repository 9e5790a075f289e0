/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/raise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/err.h"
#include "base/str.h"
#include "session/message.h"

enum raise_group {
	OWN_SESSION, /* no terminal at all: no share in Ctrl-C, Ctrl-Z, or in what sudo does to a terminal */
	OWN_GROUP, /* the terminal's session, in the background: sudo finds the password that was just typed for it */
};

static void exec_attacher(int socket, int errors, enum raise_group group)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	if (n <= 0 || null < 0)
		_exit(EXIT_BEFORE_EXEC);
	self[n] = '\0';
	if (group == OWN_SESSION)
		setsid();
	else
		setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(errors, STDERR_FILENO) < 0)
		_exit(EXIT_BEFORE_EXEC);
	if (geteuid() == 0)
		execl(self, "bottrace", "attacher", (char *)NULL);
	else
		execlp("sudo", "sudo", "-n", "--", self, "attacher", (char *)NULL);
	dprintf(STDERR_FILENO, "sudo: %s\n", strerror(errno));
	_exit(EXIT_BEFORE_EXEC);
}

static int start(struct raise_attacher *r, enum raise_group group)
{
	int pair[2], pipe_ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	autodrop(drop_fd) int ours = pair[0];
	autodrop(drop_fd) int theirs = pair[1];
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -errno;
	autodrop(drop_fd) int errors = pipe_ends[0];
	autodrop(drop_fd) int errors_in = pipe_ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		exec_attacher(theirs, errors_in, group);
	r->socket = take_fd(&ours);
	r->errors = take_fd(&errors);
	r->pid = pid;
	return 0;
}

static void stop(struct raise_attacher *r)
{
	drop_fd(&r->socket);
	drop_fd(&r->errors);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	r->pid = -1;
}

/* Waits for the attacher's first word. 0, or -EPERM with what sudo said instead in `words`. */
static int hear(struct raise_attacher *r, char *words, size_t size)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p[2] = {{.fd = r->socket, .events = POLLIN},
				      {.fd = r->errors, .events = POLLIN}};
		char hello[64];

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents & POLLIN) {
			if (recv(r->socket, hello, sizeof(hello), 0) > 0)
				return 0;
			p[0].revents = POLLHUP;
		}
		if (p[1].revents & POLLIN && n < size - 1) {
			ssize_t got = read(r->errors, words + n, size - 1 - n);

			n += got > 0 ? (size_t)got : 0;
		} else if (p[0].revents || p[1].revents) {
			words[n] = '\0';
			return -EPERM;
		}
	}
}

/* Lets sudo ask for the password on the terminal, once. */
static bool ask_password(void)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	int status = 1;

	if (tty < 0)
		return false;
	close(tty);
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execlp("sudo", "sudo", "-v", "-p",
		       "[sudo] password for %p (bottrace attaches its probes as root): ", (char *)NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int raise_start(struct raise_attacher *r)
{
	char words[512] = "";
	int e = start(r, OWN_SESSION);

	if (e < 0)
		return fail(e, "start the attacher");
	e = hear(r, words, sizeof(words));
	if (e == -EPERM && geteuid() != 0) {
		stop(r);
		if (strstr(words, "password") != NULL && ask_password()) {
			e = start(r, OWN_GROUP);
			if (e == 0)
				e = hear(r, words, sizeof(words));
		}
	}
	if (e == 0)
		return 0;
	struct str line;
	(void)str_cut(str_trim(str_of(words)), '\n', &line);
	if (line.n == 0)
		line = STR("it ended without a word");
	err_say(0, "run it as root, or let sudo allow you to run bottrace; see: bottrace help privileges",
		"no right to attach probes: %.*s", STR_ARG(line));
	return -EPERM;
}
