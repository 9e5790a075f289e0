/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's types that our programs name, cut out of its BTF: 6 MB hold 126,000 types, of which loading needs some
 * hundreds. */
#ifndef PROBE_TYPES_H
#define PROBE_TYPES_H

#include "base/buf.h"
#include "base/drop.h"

struct btf;

/* Those types of `kernel` whose names `ours` has, with all that is inside them; pointers point to nothing. */
int types_cut(const struct btf *kernel, const struct btf *ours, struct buf *out) MUST_CHECK;

#endif
