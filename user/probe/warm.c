/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/warm.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/drop.h"
#include "probe/link.h"

#define ROUNDS_MAX 16 /* each lasts for 40 ms or so */

/* A probe that nobody meets, set and taken away. False: this kernel does not let us. */
static bool set_once(void)
{
	const unsigned long offset = 0;
	char path[32];
	const struct link_places place = {.path = path, .offsets = &offset, .count = 1};

	autodrop(drop_fd) int file = memfd_create("warm", MFD_CLOEXEC);
	autodrop(drop_fd) int prog = link_load_nothing(BPF_TRACE_UPROBE_MULTI);
	if (file < 0 || prog < 0 || ftruncate(file, 4096) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	autodrop(drop_fd) int link = link_open_many(prog, BPF_TRACE_UPROBE_MULTI, &place);
	return link >= 0;
}

static void *run(void *arg)
{
	struct warm *w = arg;

	for (unsigned i = 0; i < ROUNDS_MAX && !__atomic_load_n(&w->over, __ATOMIC_RELAXED); i++)
		if (!set_once())
			break;
	return NULL;
}

void warm_start(struct warm *w)
{
	w->running = pthread_create(&w->thread, NULL, run, w) == 0;
}

void warm_end(struct warm *w)
{
	__atomic_store_n(&w->over, true, __ATOMIC_RELAXED);
}

void warm_stop(struct warm *w)
{
	warm_end(w);
	if (w->running)
		(void)pthread_join(w->thread, NULL);
	w->running = false;
}
