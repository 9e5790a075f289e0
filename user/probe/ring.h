/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring, made beside what else is loaded: the kernel fills its pages with zeros, which takes 5 ms for 32 MB. */
#ifndef PROBE_RING_H
#define PROBE_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"

struct ring {
	pthread_t thread;
	bool running;
	uint32_t bytes;
	int fd; /* negative errno: why there is none */
};

void ring_start(struct ring *r, uint32_t bytes);
/* Waits for it. Its descriptor, which stays the ring's; negative errno. */
int ring_wait(struct ring *r) MUST_CHECK;
void ring_fini(struct ring *r);

#endif
