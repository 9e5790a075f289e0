/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets that listen in our own network namespace, asked of the kernel by state: /proc/net/tcp walks the table of
 * all connections, which takes 10 ms even when it is empty. */
#ifndef PROBE_LISTENER_H
#define PROBE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"

typedef bool listener_fn(const void *ctx, uint64_t ino);

/* Shows the inodes of one family's (AF_INET, AF_INET6) listening sockets until `is_it` says yes. 1: it did; 0: it never
 * did; negative errno: this kernel does not answer. */
int listener_find(int family, listener_fn *is_it, const void *ctx) MUST_CHECK;

#endif
