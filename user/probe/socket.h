/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's sockets: which listen (the tables of /proc/PID/net), what its TCP connections moved (sock_diag), matched with
 * its descriptors by inode. */
#ifndef PROBE_SOCKET_H
#define PROBE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "state.h"

/* The next listening socket's inode in the text of net/tcp or net/tcp6; false at the end. */
bool socket_next_tcp_listener(struct str *rest, uint64_t *ino);
/* The same for net/unix. */
bool socket_next_unix_listener(struct str *rest, uint64_t *ino);
/* The inode of "socket:[123]"; false for any other text. */
bool socket_parse_link(struct str link, uint64_t *ino);

/* Whether a process holds a listening TCP or UNIX socket. Without the right to look: false. */
bool socket_listens(uint32_t pid);
/* What its open TCP connections moved since they were made, `talks` left 0. 0; -ENOTSUP: it has another network than
 * we; other errno. */
int socket_sum(uint32_t pid, struct state_wire *out) MUST_CHECK;

#endif
