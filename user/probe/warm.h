/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first uprobe after a while waits some 10 ms until nobody reads a lock of the kernel that every fork takes
 * (dup_mmap_sem); those that come soon after it do not wait. So one is set and taken away, on a file that nobody maps,
 * over and over while programs are loaded and the first targets get their probes.
 */
#ifndef PROBE_WARM_H
#define PROBE_WARM_H

#include <pthread.h>
#include <stdbool.h>

struct warm {
	pthread_t thread;
	bool running;
	bool over; /* atomically: it is to come to an end */
};

/* Where uprobe_multi links are there. Without it everything works, later. */
void warm_start(struct warm *w);
/* It is needed no longer. Does not wait. */
void warm_end(struct warm *w);
void warm_stop(struct warm *w);

#endif
