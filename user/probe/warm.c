/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/warm.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/drop.h"
#include "probe/link.h"

static void *run(void *arg)
{
	const unsigned long offset = 0;
	char path[32];
	const struct link_places place = {.path = path, .offsets = &offset, .count = 1};

	(void)arg;
	autodrop(drop_fd) int file = memfd_create("warm", MFD_CLOEXEC);
	autodrop(drop_fd) int prog = link_load_nothing(BPF_TRACE_UPROBE_MULTI);
	if (file < 0 || prog < 0 || ftruncate(file, 4096) != 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	autodrop(drop_fd) int link = link_open_many(prog, BPF_TRACE_UPROBE_MULTI, &place);
	(void)link;
	return NULL;
}

void warm_start(struct warm *w)
{
	w->running = pthread_create(&w->thread, NULL, run, NULL) == 0;
}

void warm_stop(struct warm *w)
{
	if (w->running)
		(void)pthread_join(w->thread, NULL);
	w->running = false;
}
