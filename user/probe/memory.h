/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the code of a process is still its file's where a probe would sit. The kernel writes its breakpoint over
 * whatever it finds there, but carries out the file's instruction: in a function that was patched in memory (a
 * profiler's or a security product's jump) that would end the process, and a debugger would lose its own breakpoint.
 */
#ifndef PROBE_MEMORY_H
#define PROBE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/site.h"

/* fd: of the file. 0: it is, or the process maps no such file, or it may not be read. -EUCLEAN: it is not, and
 * *why and *where say how and at which site. */
int memory_check(uint32_t pid, int fd, const struct site *sites, size_t count, const char **why,
		 const struct site **where) MUST_CHECK;

#endif
