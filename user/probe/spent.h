/* SPDX-License-Identifier: BSD-2-Clause */
/* What probes did for traced processes, as the kernel side counted it. */
#ifndef PROBE_SPENT_H
#define PROBE_SPENT_H

#include "base/drop.h"
#include "probe/load.h"
#include "state.h"

/* What `spent` holds, of all processors together. 0, negative errno. */
int spent_read(const struct load *l, struct state_spent *out) MUST_CHECK;

#endif
