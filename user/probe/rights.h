/* SPDX-License-Identifier: BSD-2-Clause */
/* Which capabilities this process has of those that tracing needs. */
#ifndef PROBE_RIGHTS_H
#define PROBE_RIGHTS_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the names, parted by ", ". multi: uprobe_multi links exist here (else perf events, which want
 * CAP_SYS_ADMIN). Returns how many. */
unsigned rights_missing(struct buf *out, bool multi);
unsigned rights_held(struct buf *out);

#endif
