/* SPDX-License-Identifier: BSD-2-Clause */
/* Links of many probes on one file (uprobe_multi, 6.6; uprobe sessions, 6.13). */
#ifndef PROBE_LINK_H
#define PROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"

/* BPF_TRACE_UPROBE_SESSION, linux/bpf.h of 6.13: newer than the headers that we build with. */
#define LINK_SESSION ((enum bpf_attach_type)57)

struct link_places {
	const char *path;
	const unsigned long *offsets; /* in the file */
	const uint64_t *cookies;      /* one each; NULL: none */
	const unsigned long
		*counters; /* offsets of USDT semaphores, one each, 0: none; NULL: no place has one */
	size_t count;
	uint32_t pid; /* of the process that alone is to meet them; 0: whoever maps the file */
	bool returns; /* probes where the function returns, not at the place itself */
};

/* attach_type: enum bpf_attach_type. Descriptor, negative errno. */
int link_open_many(int prog, unsigned attach_type, const struct link_places *places) MUST_CHECK;
/* Descriptor of a program that does nothing, with an attach type that old kernels refuse; negative errno. */
int link_load_nothing(unsigned attach_type) MUST_CHECK;

#endif
