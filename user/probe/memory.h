/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the code of a process is still its file's where a probe would sit. The kernel writes its breakpoint over
 * whatever it finds there, but carries out the file's instruction: in a function that was patched in memory (a
 * profiler's or a security product's jump) that would end the process, and a debugger would lose its own breakpoint.
 */
#ifndef PROBE_MEMORY_H
#define PROBE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/load.h"
#include "probe/site.h"

/* Who is looked at: whoever maps the file, where this kernel tells it; else these. */
struct memory_suspects {
	struct load *load;
	bool (*next_pid)(void *ctx, size_t *pos, uint32_t *pid); /* from *pos 0 */
	void *pid_ctx;
};

struct memory_trouble {
	uint32_t pid;
	const char *why;	  /* "its code was changed in memory" */
	const struct site *where; /* of the sites that were asked for */
};

/* fd: of the file. 0: the code is the file's wherever it could be read; -EUCLEAN: it is not, and *out is filled. */
int memory_check_all(const struct memory_suspects *suspects, int fd, const struct site *sites, size_t count,
		     struct memory_trouble *out) MUST_CHECK;

#endif
