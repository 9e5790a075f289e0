/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of CPython with probes where work changes hands: a task is made (_asyncio), a function is submitted to a pool
 * (_queue), a thread is started (the interpreter). No symbols are needed; files without such a function are remembered too.
 */
#ifndef PROBE_MAKER_H
#define PROBE_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "probe/load.h"

#define MAKERS_MAX  64u /* distinct files */
#define MAKER_HOOKS 5u	/* a task, work, a thread in two ways, a future */

struct makers {
	size_t count;
	struct maker {
		uint64_t dev, ino;
		uint32_t pid; /* that its links are for; 0: everybody */
		struct load_hooks hooks[MAKER_HOOKS];
	} list[MAKERS_MAX];
};

/* Whether a file of that name may have such functions. */
bool maker_is_named(struct str path);
/* Probes an open file, once; pid: for that process alone, 0: whoever maps it. path: for what is said. */
void maker_add(struct makers *t, struct load *load, uint32_t pid, int fd, const char *path);
/* Where their links are; returns how many. */
size_t maker_hooks(struct makers *t, struct load_hooks **list, size_t max);
void maker_fini(struct makers *t);

#endif
