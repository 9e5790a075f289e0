/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets: the tables of /proc/PID/net, matched with a process's descriptors by inode. */
#ifndef PROBE_SOCKET_H
#define PROBE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The next listening socket's inode in the text of net/tcp or net/tcp6; false at the end. */
bool socket_next_tcp_listener(struct str *rest, uint64_t *ino);
/* The same for net/unix. */
bool socket_next_unix_listener(struct str *rest, uint64_t *ino);
/* The inode of "socket:[123]"; false for any other text. */
bool socket_parse_link(struct str link, uint64_t *ino);

/* Whether a process holds a listening TCP or UNIX socket. Without the right to look: false. */
bool socket_listens(uint32_t pid);

#endif
