/* SPDX-License-Identifier: BSD-2-Clause */
/* How each CPython lays out what the walk over its frames reads: of 3.13 and later by its own word, checked; of 3.8 to
 * 3.12, and of what it does not tell, by tables compiled from the headers of each version. */
#ifndef PROBE_LAYOUT_H
#define PROBE_LAYOUT_H

#include "probe/interpreter.h"
#include "state.h"

/* minor: of CPython 3. Fills the offsets of *out and its minor. WIRE_PY_WHOLE, or why no stacks come of it
 * (enum wire_py_reason). */
uint32_t layout_find(struct state_python *out, const struct interpreter *in, unsigned minor) MUST_CHECK;

#endif
