/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as a process sees them: every path is resolved inside a root directory (ours, or /proc/PID/root of a
 * container), symbolic links included. Only regular files are opened, and only after they were seen to be regular:
 * opening a device or a pipe can have effects.
 */
#ifndef PROBE_ROOT_H
#define PROBE_ROOT_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"

/* Descriptor of the root directory of a process; pid 0: ours. Negative errno. */
int root_open(uint32_t pid) MUST_CHECK;
/* A regular file, read only. Negative errno; -EISDIR, -EINVAL for what is no regular file. */
int root_open_file(int root, const char *path) MUST_CHECK;
/* NULL: errno. Close with closedir. */
DIR *root_open_dir(int root, const char *path);
/* The path inside root of an open file without links, as far as the kernel can tell. 0, negative errno. */
int root_real_path(int root, int fd, char *out, size_t size) MUST_CHECK;
/* Appends a file's bytes, at most out->max of them: 0, negative errno. */
int root_read(int root, const char *path, struct buf *out) MUST_CHECK;

static inline void drop_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#endif
