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

/* -1: none. */
static int open_dir(bool create)
{
	if (geteuid() != 0)
		return -1;
	if (create && mkdir(CACHE_DIR, 0700) != 0 && errno != EEXIST)
		return -1;
	autodrop(drop_fd) int dir = open(CACHE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir >= 0 && is_ours(dir, S_IFDIR) ? take_fd(&dir) : -1;
}

static int open_in(int dir, const char *name, int flags)
{
	autodrop(drop_fd) int fd = openat(dir, name, O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags, 0600);

	return fd >= 0 && is_ours(fd, S_IFREG) ? take_fd(&fd) : -1;
}

/* ---- verdicts ---- */

/* Descriptor of the file, -1: none. */
static int open_file(bool create)
{
	autodrop(drop_fd) int dir = open_dir(create);

	return dir < 0 ? -1 : open_in(dir, CACHE_NAME, create ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY);
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

/* ---- files ---- */

/* Before the bytes of a kept file. */
struct head {
	struct hash128 key;
	struct hash128 content;
};

bool cache_is_there(void)
{
	autodrop(drop_fd) int dir = open_dir(true);

	return dir >= 0;
}

int cache_read(const char *name, struct hash128 key, struct buf *out)
{
	struct head head;

	autodrop(drop_fd) int dir = open_dir(false);
	autodrop(drop_fd) int fd = dir < 0 ? -1 : open_in(dir, name, O_RDONLY);
	if (fd < 0 || read(fd, &head, sizeof(head)) != sizeof(head) || !hash_eq(head.key, key))
		return -ENOENT;
	int r = buf_read(out, fd);
	if (r < 0)
		return r;
	return hash_eq(head.content, hash_u128(buf_str(out), SEED)) ? 0 : -EBADMSG;
}

int cache_write(const char *name, struct hash128 key, struct str content)
{
	struct head head = {.key = key, .content = hash_u128(content, SEED)};
	autodrop(buf_fini) struct buf whole;
	char fresh[64];

	buf_init(&whole, sizeof(head) + content.n);
	buf_add(&whole, str_make((const char *)&head, sizeof(head)));
	buf_add(&whole, content);
	if (buf_err(&whole) < 0)
		return buf_err(&whole);
	int n = snprintf(fresh, sizeof(fresh), "%s.new", name);
	if (n < 0 || (size_t)n >= sizeof(fresh))
		return -ENAMETOOLONG;
	autodrop(drop_fd) int dir = open_dir(true);
	/* Two at a time may mix their bytes in it: what comes out then has another hash. */
	autodrop(drop_fd) int fd = dir < 0 ? -1 : open_in(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return -EACCES;
	int r = buf_write(&whole, fd);
	if (r == 0 && renameat(dir, fresh, dir, name) != 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, fresh, 0);
	return r;
}
