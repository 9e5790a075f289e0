/* SPDX-License-Identifier: BSD-2-Clause */
/* Why the kernel did not take our programs, for people. */
#ifndef PROBE_REFUSAL_H
#define PROBE_REFUSAL_H

#include <stdbool.h>

#include "base/drop.h"
#include "probe/load.h"

/* r: what loading said; multi: by links that need less. Fills *why; what load_open is to say. */
int refusal_explain(int r, struct load_trouble *why, bool multi) MUST_CHECK;

#endif
