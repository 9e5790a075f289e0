// SPDX-License-Identifier: BSD-2-Clause
/* A debugger with one breakpoint: debugger PID ADDRESS. Prints "set", and how often it was hit when its stdin ends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	int status, hits = 0;

	if (argc < 3)
		return 2;
	pid_t pid = (pid_t)atol(argv[1]);
	void *at = (void *)strtoul(argv[2], NULL, 16);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		return 2;
	long code = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
	long trap = (code & ~0xffl) | 0xcc;
	ptrace(PTRACE_POKETEXT, pid, at, (void *)trap);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	printf("set\n");
	fflush(stdout);
	for (;;) {
		struct pollfd p = {.fd = 0, .events = POLLIN};

		if (poll(&p, 1, 5) > 0)
			break;
		if (waitpid(pid, &status, WNOHANG) != pid)
			continue;
		if (!WIFSTOPPED(status))
			return 1;
		struct user_regs_struct regs;

		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		if (WSTOPSIG(status) != SIGTRAP || regs.rip != (unsigned long)at + 1) {
			ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(status));
			continue;
		}
		hits++;
		regs.rip = (unsigned long)at;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
		ptrace(PTRACE_POKETEXT, pid, at, (void *)code);
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		ptrace(PTRACE_POKETEXT, pid, at, (void *)trap);
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	}
	kill(pid, SIGSTOP);
	waitpid(pid, &status, 0);
	ptrace(PTRACE_POKETEXT, pid, at, (void *)code);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	kill(pid, SIGCONT);
	printf("%d\n", hits);
	return 0;
}
