/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/ld.so.cache: which file the dynamic linker takes for a library's name. glibc's format since 2.2 (dl-cache.h),
 * alone or behind the old table. */
#ifndef PROBE_LDCACHE_H
#define PROBE_LDCACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define LDCACHE_PATH	  "/etc/ld.so.cache"
#define LDCACHE_BYTES_MAX (16u << 20)

struct ldcache {
	struct str table; /* from the new header on; borrowed */
	size_t count;
	size_t next;
};

/* False when it is no cache of a format we know. */
bool ldcache_open(struct ldcache *c, struct str file);
/* The next entry of this machine's ABI; false at the end. Borrowed from the file's text. */
bool ldcache_next(struct ldcache *c, struct str *name, struct str *path);

#endif
