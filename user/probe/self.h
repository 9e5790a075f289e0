/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of our own that carry our own probes: what they cost here, and whether they are safe here, is tried on
 * ourselves before anybody else gets one. */
#ifndef PROBE_SELF_H
#define PROBE_SELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/load.h"
#include "probe/site.h"

/* As SSL_write: gives num back. */
typedef int self_fn(void *ssl, const void *buffer, int num);

/* Never carries a probe. */
int self_bare(void *ssl, const void *buffer, int num);
/* By the class of their first instruction: [0] single-stepped, [1] emulated. */
self_fn *self_data(unsigned emulated);	/* entry and return probe */
self_fn *self_plain(unsigned emulated); /* entry probe only */

struct self {
	struct load *load;
	struct load_hooks hooks;
};

/* Sets the probes. 0, negative errno. */
int self_hook(struct self *s, struct load *l) MUST_CHECK;
void self_unhook(struct self *s);

/* ---- safety.c ---- */

/*
 * Whether a program under a strict seccomp filter survives a return probe: kernels 6.11 to 6.13 without a later fix
 * end it with SIGSYS. 1: it does; 0: it does not; negative errno: could not be tried.
 */
int safety_check_returns(const struct self *s) MUST_CHECK;

/* ---- calibrate.c ---- */

/* ns of a system call of ours that does nothing. */
uint32_t calibrate_syscall(void);
/* Measures *costs with our own process traced and its records thrown away. apart: also what only a budget and the
 * doctor want to know, which takes some ms more. 0, negative errno. */
int calibrate_run(const struct self *s, uint64_t start_ns, bool apart, struct site_costs *costs) MUST_CHECK;

#endif
