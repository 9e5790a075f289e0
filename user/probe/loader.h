/* SPDX-License-Identifier: BSD-2-Clause */
/* Dynamic linkers with a probe: they tell at once when a traced process loads a library. */
#ifndef PROBE_LOADER_H
#define PROBE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/load.h"
#include "probe/procfs.h"

#define LOADERS_MAX 64u /* distinct files: one for each container image, and the host's */

struct loaders {
	size_t count;
	struct loader {
		uint64_t dev, ino; /* as maps show them */
		uint32_t pid;	   /* that its link is for; 0: everybody */
		struct load_hooks hooks;
	} list[LOADERS_MAX];
};

/* Probes the file behind a mapping if it is a dynamic linker that has no probe yet. A failure is remembered: libraries
 * are then found by looking at the maps from time to time. narrow: a probe for that process alone. */
void loader_add_mapping(struct loaders *t, struct load *load, uint32_t pid, bool narrow,
			const struct procfs_mapping *m);
/* Our own one: most commands have the same. */
void loader_add_own(struct loaders *t, struct load *load);
void loader_fini(struct loaders *t);

#endif
