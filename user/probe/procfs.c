/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- text ---- */

static bool to_u64(struct str s, unsigned base, uint64_t *out)
{
	if (base == 16)
		return str_to_u64_hex(s, out);
	return str_to_u64(s, out);
}

/* proc(5): pid (comm) state ppid pgrp session tty tpgid flags ... 22: starttime. comm holds any byte, also ") ": the
 * last ')' ends it. */
int procfs_parse_stat(struct str text, struct procfs_stat *out)
{
	struct procfs_stat s = {0};
	ptrdiff_t open = str_find_char(text, '(');
	ptrdiff_t close = -1;
	uint64_t n;

	for (ptrdiff_t i = (ptrdiff_t)text.n - 1; i > open && close < 0; i--)
		if (text.p[i] == ')')
			close = i;
	if (open < 2 || close < 0)
		return -EBADMSG;
	if (!str_to_u64(str_make(text.p, (size_t)open - 1), &n) || n > UINT32_MAX)
		return -EBADMSG;
	s.pid = (uint32_t)n;
	struct str comm = str_make(text.p + open + 1, (size_t)(close - open - 1));
	comm = str_head(comm, sizeof(s.comm) - 1);
	memcpy(s.comm, comm.p, comm.n);

	struct str rest = str_trim(str_skip(text, (size_t)close + 1));
	for (unsigned field = 3; field <= 22; field++) {
		struct str word;

		if (rest.n == 0)
			return -EBADMSG;
		rest = str_cut(rest, ' ', &word);
		if (field == 3) {
			if (word.n != 1)
				return -EBADMSG;
			s.state = word.p[0];
		}
		if (field != 4 && field != 9 && field != 22)
			continue;
		if (!str_to_u64(word, &n) || (field < 22 && n > UINT32_MAX))
			return -EBADMSG;
		if (field == 4)
			s.parent_pid = (uint32_t)n;
		else if (field == 9)
			s.flags = (uint32_t)n;
		else
			s.start_ticks = n;
	}
	*out = s;
	return 0;
}

/* start-end perms offset major:minor inode, spaces, path */
static bool parse_mapping(struct str line, struct procfs_mapping *m)
{
	struct str word, half;
	uint64_t major, minor;

	*m = (struct procfs_mapping){0};
	line = str_cut(line, ' ', &word);
	struct str end = str_cut(word, '-', &half);
	if (!str_to_u64_hex(half, &m->start) || !str_to_u64_hex(end, &m->end) || m->end <= m->start)
		return false;
	line = str_cut(line, ' ', &word);
	if (word.n != 4)
		return false;
	m->executable = word.p[2] == 'x';
	line = str_cut(line, ' ', &word);
	if (!str_to_u64_hex(word, &m->offset))
		return false;
	line = str_cut(line, ' ', &word);
	struct str low = str_cut(word, ':', &half);
	if (!str_to_u64_hex(half, &major) || !str_to_u64_hex(low, &minor) || major > UINT32_MAX ||
	    minor > UINT32_MAX)
		return false;
	m->dev_major = (uint32_t)major;
	m->dev_minor = (uint32_t)minor;
	line = str_cut(line, ' ', &word);
	if (!str_to_u64(word, &m->ino))
		return false;
	while (line.n > 0 && line.p[0] == ' ')
		line = str_skip(line, 1);
	if (str_ends(line, STR(" (deleted)"))) {
		m->deleted = true;
		line.n -= sizeof(" (deleted)") - 1;
	}
	m->path = line;
	return true;
}

bool procfs_next_mapping(struct str *rest, struct procfs_mapping *out)
{
	while (rest->n > 0) {
		struct str line;

		*rest = str_cut(*rest, '\n', &line);
		if (parse_mapping(line, out))
			return true;
	}
	return false;
}

bool procfs_next_string(struct str *rest, struct str *out)
{
	if (rest->n == 0)
		return false;
	*rest = str_cut(*rest, '\0', out);
	return true;
}

struct str procfs_variable(struct str block, struct str name)
{
	struct str entry;

	while (procfs_next_string(&block, &entry))
		if (entry.n > name.n && entry.p[name.n] == '=' && str_starts(entry, name))
			return str_skip(entry, name.n + 1);
	return STR_NONE;
}

bool procfs_status_field(struct str text, struct str name, unsigned base, uint64_t *out)
{
	while (text.n > 0) {
		struct str line, word;

		text = str_cut(text, '\n', &line);
		if (line.n <= name.n || line.p[name.n] != ':' || !str_starts(line, name))
			continue;
		(void)str_cut(str_trim(str_skip(line, name.n + 1)), '\t', &word);
		(void)str_cut(word, ' ', &word);
		return to_u64(word, base, out);
	}
	return false;
}

/* ---- files ---- */

/* /proc/PID/NAME; false when it does not fit. */
static bool proc_path(uint32_t pid, const char *name, char out[64])
{
	int n = snprintf(out, 64, "/proc/%u/%s", pid, name);

	return n > 0 && n < 64;
}

void procfs_map_file(char out[PROCFS_MAP_FILE_BYTES], uint32_t pid, const struct procfs_mapping *m)
{
	snprintf(out, PROCFS_MAP_FILE_BYTES, "/proc/%u/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
}

/* A process that is gone shows as ENOENT (no directory) or ESRCH (read of an open file). */
static int gone(int err)
{
	return err == ENOENT ? -ESRCH : -err;
}

int procfs_read(uint32_t pid, const char *name, struct buf *out)
{
	char path[64];

	if (!proc_path(pid, name, path))
		return -ENAMETOOLONG;
	autodrop(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return gone(errno);
	int r = buf_read_head(out, fd);
	return r < 0 ? gone(-r) : r;
}

int procfs_stat(uint32_t pid, struct procfs_stat *out)
{
	autodrop(buf_fini) struct buf text;

	buf_init(&text, 4096);
	int r = procfs_read(pid, "stat", &text);
	if (r < 0)
		return r;
	return procfs_parse_stat(buf_str(&text), out);
}

int procfs_link(uint32_t pid, const char *name, char *out, size_t size)
{
	char path[64];

	if (!proc_path(pid, name, path))
		return -ENAMETOOLONG;
	ssize_t n = readlink(path, out, size);
	if (n < 0)
		return gone(errno);
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	struct str s = str_make(out, (size_t)n);
	if (str_ends(s, STR(" (deleted)")))
		s.n -= sizeof(" (deleted)") - 1;
	out[s.n] = '\0';
	return (int)s.n;
}

int procfs_identity(uint32_t pid, const char *name, dev_t *dev, ino_t *ino)
{
	struct stat st;
	char path[64];

	if (!proc_path(pid, name, path))
		return -ENAMETOOLONG;
	if (stat(path, &st) != 0)
		return gone(errno);
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

unsigned procfs_bits(uint32_t pid)
{
	unsigned char ident[5];
	autodrop(buf_fini) struct buf b;

	buf_init(&b, sizeof(ident));
	if (procfs_read(pid, "exe", &b) < 0 || b.n < sizeof(ident) || memcmp(b.p, "\177ELF", 4) != 0)
		return 0;
	return b.p[4] == 2 ? 64 : b.p[4] == 1 ? 32 : 0;
}
