/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which module a process gets, or got, for `import bottrace`: ours, or another one of that name (PyPI's bottrace is another
 * project). Told from files, in the order in which Python looks: nothing is run.
 */
#ifndef PROBE_PACKAGE_H
#define PROBE_PACKAGE_H

#include <stdint.h>

#include "base/drop.h"
#include "probe/check.h"
#include "probe/procfs.h"

enum package_kind {
	PACKAGE_NONE,	/* nothing of that name where we looked */
	PACKAGE_LOADED, /* ours is loaded */
	PACKAGE_OURS,	/* would be found */
	PACKAGE_OTHER,	/* another one would be found first */
};

struct package {
	enum package_kind kind;
	char path[PROCFS_PATH_MAX];
	char project[128]; /* PACKAGE_OTHER: "bottrace 1.2", from its dist-info; empty: unknown */
};

/* For a process that runs CPython. What cannot be looked at counts as not there. */
void package_find(struct package *out, uint32_t pid);
/* Its line among the doctor's. */
void package_report(const struct package *p, struct checks *c);

#endif
