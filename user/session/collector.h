/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector process: no capabilities, no network; drains, understands, writes. */
#ifndef SESSION_COLLECTOR_H
#define SESSION_COLLECTOR_H

#include "session/session.h"

struct collector_sockets {
	int front;
	int attacher;
	int hatch; /* the listening end; -1: none */
};

/* Drops what is left of privilege for good. hatch: the only descriptor that connections may be taken from; -1: none. 0 or
 * -errno. */
int collector_sandbox(int hatch) MUST_CHECK;
/* Runs until the session is over and everything is written; tells the front how it went. Returns the exit code of the
 * process. tape_fd: -1, or taken. */
int collector_run(const struct session_settings *settings, struct collector_sockets sockets, int tape_fd);

#endif
