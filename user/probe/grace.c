/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/grace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>

int grace_wait(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0;

	autodrop(drop_fd) int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace", 4, 4, 1, NULL);
	if (inner < 0)
		return -errno;
	opts.inner_map_fd = (uint32_t)inner;
	autodrop(drop_fd) int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "graces", 4, 4, 1, &opts);
	if (outer < 0)
		return -errno;
	return bpf_map_update_elem(outer, &zero, &inner, BPF_ANY) == 0 ? 0 : -errno;
}
