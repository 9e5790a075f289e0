/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector's side of the hatch (hatch.h): answers whoever asks what is alive, and waits for nobody. */
#ifndef SESSION_DESK_H
#define SESSION_DESK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"

#define DESK_CLIENTS 4u
#define DESK_POLLS   (DESK_CLIENTS + 1u)

/* Appends the answer's JSON. 0 or -errno. */
typedef int desk_fn(void *ctx, uint32_t pid, struct buf *out);
struct desk;
/* listener: borrowed. NULL without memory. */
struct desk *desk_new(int listener, desk_fn *fn, void *ctx);
/* What to wait for now, at most DESK_POLLS; their number. wait_ms: not longer than this, or -1. */
unsigned desk_poll(const struct desk *d, struct pollfd *polls, uint64_t now_ns, int *wait_ms);
/* Serves who can be served; never waits. ready: one of the polls said so. */
void desk_serve(struct desk *d, uint64_t now_ns, bool ready);
void desk_free(struct desk *d);
DROP_POINTER(desk, desk_free)

#endif
