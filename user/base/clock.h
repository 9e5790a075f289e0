/* SPDX-License-Identifier: BSD-2-Clause */
/* The one clock that records carry, for who makes records and waits: rooms that read them are told the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_ns(clockid_t clock);
/* CLOCK_MONOTONIC, as bpf_ktime_get_ns() has it. */
uint64_t clock_now_ns(void);

#endif
