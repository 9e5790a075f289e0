/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept over sessions, in a directory that is root's alone; where it may not be written or is not root's nothing
 * is kept. What trials said of libraries, in a file of lines "KEY VERDICT": a lost line only costs another trial. And
 * whole files, each with the key of what it was made from and a hash of its content: a lost or damaged one is made anew.
 */
#ifndef PROBE_CACHE_H
#define PROBE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/hash.h"
#include "probe/site.h"

#define CACHE_DIR  "/var/cache/bottrace"
#define CACHE_NAME "sites"

/* A build-id can be forged: the code at the sites is part of the key. */
struct hash128 cache_key(const uint8_t build_id[ELF_BUILD_ID_BYTES], const struct site *sites, size_t count);
/* The verdict's letter; 0: not known. */
char cache_find(struct hash128 key);
void cache_add(struct hash128 key, char verdict);

/* Whether anything can be kept; makes the directory. */
bool cache_is_there(void);
/* The content of a kept file. 0; -ENOENT: none of this key; -EBADMSG: damaged; other negative errno. */
int cache_read(const char *name, struct hash128 key, struct buf *out) MUST_CHECK;
int cache_write(const char *name, struct hash128 key, struct str content) MUST_CHECK;

#endif
