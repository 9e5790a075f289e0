/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/spent.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

int spent_read(const struct load *l, struct state_spent *out)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t zero = 0;

	if (cpus <= 0)
		return cpus < 0 ? cpus : -EINVAL;
	autodrop(drop_memory) struct state_spent *each = calloc((size_t)cpus, sizeof(*each));
	if (each == NULL)
		return -ENOMEM;
	if (bpf_map_lookup_elem(load_table_fd(l, LOAD_SPENT), &zero, each) != 0)
		return -errno;
	*out = (struct state_spent){0};
	for (int i = 0; i < cpus; i++) {
		for (int h = 0; h < STATE_HITS; h++)
			out->hits[h] += each[i].hits[h];
		out->records += each[i].records;
		out->bytes += each[i].bytes;
		out->requests += each[i].requests;
		out->chunks += each[i].chunks;
		out->syscalls += each[i].syscalls;
		out->walks += each[i].walks;
		out->walk_ns += each[i].walk_ns;
	}
	return 0;
}
