/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over Python frames (bpf/python.bpf.c): the programs that those of writes go over to. */
#ifndef PROBE_WALKER_H
#define PROBE_WALKER_H

#include <bpf/libbpf.h>

#include "base/drop.h"

/* Puts a loaded program into a table of one. 0; negative errno: the kernel finds that the two do not fit. */
int walker_set(const struct bpf_map *map, const struct bpf_program *prog) MUST_CHECK;

#endif
