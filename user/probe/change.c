/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/change.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

int change_open(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int change_add(int changes, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int number = inotify_add_watch(changes, path, IN_MODIFY);
	return number < 0 ? -errno : number;
}

void change_remove(int changes, int number)
{
	if (number > 0)
		(void)inotify_rm_watch(changes, number);
}

/* Events about a file itself carry no name: one is as large as its head. */
bool change_next(int changes, int *number)
{
	struct inotify_event e;

	while (read(changes, &e, sizeof(e)) == (ssize_t)sizeof(e))
		if (e.mask & IN_MODIFY) {
			*number = e.wd;
			return true;
		}
	return false;
}
