/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What markers (tools/python/bottrace.py, docs/markers.md) need: a probe at inet_pton of each libc, through which the module
 * speaks, and one at the flag byte of the module's file, by which it knows that somebody listens.
 */
#ifndef PROBE_MARKER_H
#define PROBE_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/load.h"
#include "probe/procfs.h"

#define MARKERS_MAX 256u /* distinct files: a libc for each container image, a module for each environment */

#define MARKER_MODULE "bottrace.py"

struct markers {
	size_t count;
	struct marker {
		uint64_t dev, ino; /* as stat gives them */
		uint32_t pid;	   /* that its link is for; 0: everybody */
		struct load_hooks hooks;
	} list[MARKERS_MAX];
};

/* Whether a file of that path may be one of either kind. */
bool marker_is_named(struct str path);
/* Probes the file behind a mapping if it is one that has no probe yet. A failure is remembered. narrow: for that process
 * alone. */
void marker_add_mapping(struct markers *t, struct load *load, uint32_t pid, bool narrow,
			const struct procfs_mapping *m);
/* The same for a file that will be mapped. pid 0: everybody. */
void marker_add_file(struct markers *t, struct load *load, uint32_t pid, int fd, struct str path);
/* Our own libc: most commands have the same. */
void marker_add_own(struct markers *t, struct load *load);
/* Where in the file the flag byte is; -ENOENT: it is another file. */
int marker_find_flag(int fd, uint64_t *offset) MUST_CHECK;
void marker_fini(struct markers *t);

#endif
