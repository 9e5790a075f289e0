/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What trials said of libraries, kept over sessions: a file of lines "KEY VERDICT", root's alone. Where it may not be
 * written or is not root's nothing is kept; a lost line only costs another trial.
 */
#ifndef PROBE_CACHE_H
#define PROBE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "probe/site.h"

#define CACHE_DIR  "/var/cache/bottrace"
#define CACHE_NAME "sites"

/* A build-id can be forged: the code at the sites is part of the key. */
struct hash128 cache_key(const uint8_t build_id[ELF_BUILD_ID_BYTES], const struct site *sites, size_t count);
/* The verdict's letter; 0: not known. */
char cache_find(struct hash128 key);
void cache_add(struct hash128 key, char verdict);

#endif
