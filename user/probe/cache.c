/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/drop.h"

#define FILE_MAX  (256u << 10) /* thousands of libraries; then it begins anew */
#define LINE_SIZE 35	       /* 32 digits, a space, a letter, a line feed */
#define SEED	  1	       /* another one for each change of what a trial proves */

struct hash128 cache_key(const uint8_t build_id[ELF_BUILD_ID_BYTES], const struct site *sites, size_t count)
{
	struct hash128 key = hash_u128(str_make((const char *)build_id, ELF_BUILD_ID_BYTES), SEED);

	/* Whether a library loads beside our C library depends on that one too. */
	key = hash_chain(key, hash_u128(str_of(gnu_get_libc_version()), SEED));

	for (size_t i = 0; i < count; i++) {
		uint64_t place[2] = {sites[i].fn | (uint64_t)sites[i].covers << 32, sites[i].offset};

		key = hash_chain(key, hash_u128(str_make((const char *)place, sizeof(place)), SEED));
		key = hash_chain(key, hash_u128(str_make((const char *)sites[i].bytes, sites[i].len), SEED));
	}
	return key;
}

/* What others may write is not believed. */
static bool is_ours(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Descriptor of the file, -1: none. */
static int open_file(bool create)
{
	if (geteuid() != 0)
		return -1;
	if (create && mkdir(CACHE_DIR, 0700) != 0 && errno != EEXIST)
		return -1;
	autodrop(drop_fd) int dir = open(CACHE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !is_ours(dir, S_IFDIR))
		return -1;
	autodrop(drop_fd) int fd = openat(dir, CACHE_NAME,
					  O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
						  (create ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY),
					  0600);
	if (fd < 0 || !is_ours(fd, S_IFREG))
		return -1;
	return take_fd(&fd);
}

static void format(struct hash128 key, char verdict, char line[LINE_SIZE + 1])
{
	snprintf(line, LINE_SIZE + 1, "%016" PRIx64 "%016" PRIx64 " %c\n", key.hi, key.lo, verdict);
}

char cache_find(struct hash128 key)
{
	char want[LINE_SIZE + 1], line[LINE_SIZE];
	char found = 0;

	autodrop(drop_fd) int fd = open_file(false);
	if (fd < 0)
		return 0;
	format(key, '?', want);
	for (unsigned at = 0; at < FILE_MAX; at += LINE_SIZE) {
		if (pread(fd, line, LINE_SIZE, at) != LINE_SIZE)
			break;
		if (memcmp(line, want, 33) == 0 && line[34] == '\n')
			found = line[33]; /* the last one counts */
	}
	return found;
}

void cache_add(struct hash128 key, char verdict)
{
	char line[LINE_SIZE + 1];
	struct stat st;

	autodrop(drop_fd) int fd = open_file(true);
	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	/* Full, or cut in the middle of a line: anew. */
	if ((st.st_size > FILE_MAX - LINE_SIZE || st.st_size % LINE_SIZE != 0) && ftruncate(fd, 0) != 0)
		return;
	format(key, verdict, line);
	if (write(fd, line, LINE_SIZE) != LINE_SIZE)
		return;
}
