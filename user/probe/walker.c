/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/walker.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>

int walker_set(const struct bpf_map *map, const struct bpf_program *prog)
{
	uint32_t zero = 0, fd = (uint32_t)bpf_program__fd(prog);

	return bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY) == 0 ? 0 : -errno;
}
