/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/procfs.h"
#include "probe/root.h"

#define FDS_MAX	  65536u
#define TABLE_MAX (8u << 20)

/* ---- text ---- */

/* The n-th (from 0) word of a line, words being parted by any number of spaces. */
static struct str word_at(struct str line, unsigned n)
{
	struct str word = STR_NONE;

	for (unsigned i = 0; i <= n; i++) {
		while (line.n > 0 && line.p[0] == ' ')
			line = str_skip(line, 1);
		if (line.n == 0)
			return STR_NONE;
		line = str_cut(line, ' ', &word);
	}
	return word;
}

/* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode; st 0A is TCP_LISTEN. */
bool socket_next_tcp_listener(struct str *rest, uint64_t *ino)
{
	while (rest->n > 0) {
		struct str line;

		*rest = str_cut(*rest, '\n', &line);
		if (str_eq(word_at(line, 3), STR("0A")) && str_to_u64(word_at(line, 9), ino))
			return true;
	}
	return false;
}

/* Num: RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON. */
bool socket_next_unix_listener(struct str *rest, uint64_t *ino)
{
	while (rest->n > 0) {
		struct str line;

		*rest = str_cut(*rest, '\n', &line);
		if (str_eq(word_at(line, 3), STR("00010000")) && str_to_u64(word_at(line, 6), ino))
			return true;
	}
	return false;
}

bool socket_parse_link(struct str link, uint64_t *ino)
{
	if (!str_starts(link, STR("socket:[")) || !str_ends(link, STR("]")))
		return false;
	return str_to_u64(str_make(link.p + 8, link.n - 9), ino);
}

/* ---- a process ---- */

struct inodes {
	uint64_t *p;
	size_t n, cap;
};

static void inodes_fini(struct inodes *s)
{
	free(s->p);
}

static bool add(struct inodes *s, uint64_t ino)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		uint64_t *p = realloc(s->p, cap * sizeof(*p));

		if (p == NULL)
			return false;
		s->p = p;
		s->cap = cap;
	}
	s->p[s->n++] = ino;
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void collect_sockets(uint32_t pid, struct inodes *out)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	autodrop(drop_dir) DIR *dir = opendir(path);
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < FDS_MAX; i++) {
		struct dirent *e = readdir(dir);
		char link[64];
		uint64_t ino;

		if (e == NULL)
			break;
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link));
		if (n > 0 && socket_parse_link(str_make(link, (size_t)n), &ino) && !add(out, ino))
			break;
	}
	if (out->n > 0)
		qsort(out->p, out->n, sizeof(*out->p), compare);
}

static bool table_has(uint32_t pid, const char *name, bool (*next)(struct str *, uint64_t *),
		      const struct inodes *held)
{
	autodrop(buf_fini) struct buf text;
	uint64_t ino;

	buf_init(&text, TABLE_MAX);
	if (procfs_read(pid, name, &text) < 0)
		return false;
	struct str rest = buf_str(&text);
	while (next(&rest, &ino))
		if (bsearch(&ino, held->p, held->n, sizeof(ino), compare))
			return true;
	return false;
}

bool socket_listens(uint32_t pid)
{
	autodrop(inodes_fini) struct inodes held = {0};

	collect_sockets(pid, &held);
	if (held.n == 0)
		return false;
	return table_has(pid, "net/tcp", socket_next_tcp_listener, &held) ||
	       table_has(pid, "net/tcp6", socket_next_tcp_listener, &held) ||
	       table_has(pid, "net/unix", socket_next_unix_listener, &held);
}
