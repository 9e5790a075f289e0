/* SPDX-License-Identifier: BSD-2-Clause */
/* A few small reads that say whether a file is worth a closer look: every mapped file of every traced process is asked,
 * and nearly all of them have nothing for us. */
#ifndef PROBE_GLANCE_H
#define PROBE_GLANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define GLANCE_BYTES_MIN (100u << 10) /* no TLS library is smaller; OpenSSL's libssl is 400 kB and more */

/* The file exports one of the functions that move TLS data (.gnu.hash), or it may hide them: it is a program, or its
 * name speaks of TLS, of Python or of what is known to carry a TLS library inside. */
bool glance_is_worth(int fd, uint64_t size, struct str path);
/* The TLS that a file of that name is known to have inside, where no probe reaches it: "BoringSSL" for cygrpc; NULL. */
const char *glance_find_suspect(struct str path);

#endif
