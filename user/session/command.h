/* SPDX-License-Identifier: BSD-2-Clause */
/* The command of `run`: started by us, traced before its first instruction, otherwise as if we were not there. */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include "base/drop.h"
#include "session/person.h"

struct command {
	pid_t pid;
	int go;	     /* write end: one byte releases it */
	int failure; /* read end: errno of a failed exec; closed by a successful one */
	pid_t sentinel;
	int sentinel_fd; /* signals that the whole process group got */
	bool ended;
	int status;  /* of waitpid, when ended */
	char **envp; /* what it will have */
};

/* Forks it, waiting for command_release. mask: the signal mask that it is to have. 0 or -errno. */
int command_start(struct command *c, char **argv, const struct person *person,
		  const sigset_t *mask) MUST_CHECK;
/* argv, environment and working directory as a memory file for the attacher: its descriptor or -errno. */
int command_describe(const struct command *c, char **argv) MUST_CHECK;
/* Lets it exec. 0, or the errno of exec (positive). */
int command_release(struct command *c) MUST_CHECK;
/* A signal came to us: to the command too, unless its whole group got it anyway. */
void command_signal(struct command *c, const struct signalfd_siginfo *info);
/* SIGCHLD came: looks at it; stops with it when it was stopped alone. */
void command_look(struct command *c);
/* Ends a command that was never released. */
void command_fini(struct command *c);
/* Ends this process as the command ended: returns its exit status, or dies of its signal. */
int command_exit(const struct command *c);

#endif
