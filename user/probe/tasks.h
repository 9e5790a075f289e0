/* SPDX-License-Identifier: BSD-2-Clause */
/* All processes with their exact start times, as the kernel's own records carry them; /proc only has ticks. */
#ifndef PROBE_TASKS_H
#define PROBE_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/load.h"
#include "state.h"

struct tasks {
	struct state_task *p; /* by parent, then pid */
	size_t n, cap;
};

/* Replaces what t holds. 0, negative errno. */
int tasks_read(struct tasks *t, struct load *l) MUST_CHECK;
void tasks_fini(struct tasks *t);
/* NULL: no such process. */
const struct state_task *tasks_find(const struct tasks *t, uint32_t pid);
/* Appends the index of every descendant of `pid` (not its own) to out, parents before children; at most max. */
size_t tasks_descendants(const struct tasks *t, uint32_t pid, const struct state_task **out, size_t max);

#endif
