/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are written into while they carry probes. Who maps such a file afterwards would get the breakpoints of the
 * old content into the new one: the probes must go first. A file that is replaced by another one under its name is none
 * of that: whoever maps the old one keeps it.
 */
#ifndef PROBE_CHANGE_H
#define PROBE_CHANGE_H

#include <stdbool.h>

#include "base/drop.h"

/* A descriptor that is readable when there is something to tell; negative errno. */
int change_open(void) MUST_CHECK;
/* Looks after an open file. A number to know it by; negative errno. */
int change_add(int changes, int fd) MUST_CHECK;
void change_remove(int changes, int number);
/* The next file that was written into; false: none. */
bool change_next(int changes, int *number);

#endif
