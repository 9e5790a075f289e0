/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/ring.h"

#include <bpf/bpf.h>
#include <errno.h>

static void *run(void *arg)
{
	struct ring *r = arg;
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, r->bytes, NULL);

	r->fd = fd < 0 ? -errno : fd;
	return NULL;
}

void ring_start(struct ring *r, uint32_t bytes)
{
	*r = (struct ring){.bytes = bytes, .fd = -EINVAL};
	r->running = pthread_create(&r->thread, NULL, run, r) == 0;
	if (!r->running)
		(void)run(r);
}

int ring_wait(struct ring *r)
{
	if (r->running)
		(void)pthread_join(r->thread, NULL);
	r->running = false;
	return r->fd;
}

void ring_fini(struct ring *r)
{
	if (ring_wait(r) >= 0)
		drop_fd(&r->fd);
	r->fd = -EINVAL;
}
