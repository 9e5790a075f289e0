/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/procfs.h"

int root_open(uint32_t pid)
{
	char path[32] = "/";

	if (pid != 0)
		snprintf(path, sizeof(path), "/proc/%u/root", pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* O_PATH: nothing happens to the file. Descriptor or negative errno. */
static int locate(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0)
		return fd;
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	/* A sandbox without openat2: links that are absolute then lead into our own root. */
	while (*path == '/')
		path++;
	fd = openat(root, *path ? path : ".", O_PATH | O_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

static int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
	return again < 0 ? -errno : again;
}

int root_open_file(int root, const char *path)
{
	struct stat st;

	autodrop(drop_fd) int fd = locate(root, path, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return reopen(fd, 0);
}

DIR *root_open_dir(int root, const char *path)
{
	autodrop(drop_fd) int fd = locate(root, path, O_DIRECTORY);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	autodrop(drop_fd) int again = reopen(fd, O_DIRECTORY);
	if (again < 0) {
		errno = -again;
		return NULL;
	}
	DIR *dir = fdopendir(again);
	if (dir)
		(void)take_fd(&again);
	return dir;
}

static int read_fd_path(int fd, char *out, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, out, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	out[n] = '\0';
	return 0;
}

int root_real_path(int root, int fd, char *out, size_t size)
{
	char top[PROCFS_PATH_MAX];
	int r = read_fd_path(root, top, sizeof(top));

	if (r == 0)
		r = read_fd_path(fd, out, size);
	if (r < 0)
		return r;
	/* Of another mount namespace the kernel names files from that one's own root already. */
	size_t n = strlen(top);
	if (n > 1 && strncmp(out, top, n) == 0 && out[n] == '/')
		memmove(out, out + n, strlen(out + n) + 1);
	return 0;
}

int root_read(int root, const char *path, struct buf *out)
{
	autodrop(drop_fd) int fd = root_open_file(root, path);
	if (fd < 0)
		return fd;
	int r = buf_read_head(out, fd);
	return r < 0 ? r : 0;
}
