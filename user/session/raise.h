/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the attacher with the rights that it needs: as we are when we are root, else through sudo. */
#ifndef SESSION_RAISE_H
#define SESSION_RAISE_H

#include <sys/types.h>

#include "base/drop.h"

struct raise_attacher {
	int socket; /* ours */
	int errors; /* what it says on stderr; read by the front */
	pid_t pid;  /* of sudo, or of the attacher */
};

/* Starts it and waits until it answers. 0; -EPERM when the right to raise it is missing (cause and remedy were said);
 * else -errno after saying why. */
int raise_start(struct raise_attacher *r) MUST_CHECK;

#endif
