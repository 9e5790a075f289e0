/* SPDX-License-Identifier: BSD-2-Clause */
/* When has every program that saw an old value come to its end? */
#ifndef PROBE_GRACE_H
#define PROBE_GRACE_H

#include "base/drop.h"

/*
 * Waits until every program that runs now has ended (none of ours sleeps), which takes 10 to 20 ms. The kernel does so for
 * who changes an entry of a map of maps, since 4.20: "so that userspace, when we return to it, knows that all programs
 * that could be running use the new map value" (kernel/bpf/syscall.c, maybe_wait_bpf_programs). 0; negative errno: it did
 * not.
 */
int grace_wait(void) MUST_CHECK;

#endif
