/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/listener.h"
#include "probe/procfs.h"
#include "probe/root.h"

#define FDS_MAX	   65536u
#define TABLE_MAX  (8u << 20)
#define DUMP_BYTES 32768u
#define DUMPS_MAX  4096u  /* reads of so many bytes */
#define CONNECTED  0xb3eu /* set of TCP states: all but CLOSE (7), LISTEN (10) and those that nobody holds */

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

static bool holds(const void *held, uint64_t ino)
{
	const struct inodes *s = held;

	return bsearch(&ino, s->p, s->n, sizeof(ino), compare) != NULL;
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
		if (holds(held, ino))
			return true;
	return false;
}

static bool is_elsewhere(uint32_t pid)
{
	char ours[64], its[64];

	return procfs_link((uint32_t)getpid(), "ns/net", ours, sizeof(ours)) < 0 ||
	       procfs_link(pid, "ns/net", its, sizeof(its)) < 0 || strcmp(ours, its) != 0;
}

static bool listens_tcp(uint32_t pid, const struct inodes *held, bool ours, int family, const char *name)
{
	int r = ours ? listener_find(family, holds, held) : -ENOTSUP;

	return r < 0 ? table_has(pid, name, socket_next_tcp_listener, held) : r > 0;
}

bool socket_listens(uint32_t pid)
{
	autodrop(inodes_fini) struct inodes held = {0};

	collect_sockets(pid, &held);
	if (held.n == 0)
		return false;
	bool ours = !is_elsewhere(pid);
	return listens_tcp(pid, &held, ours, AF_INET, "net/tcp") ||
	       listens_tcp(pid, &held, ours, AF_INET6, "net/tcp6") ||
	       table_has(pid, "net/unix", socket_next_unix_listener, &held);
}

/* ---- what they moved ---- */

static void add_connection(struct state_wire *out, const struct inet_diag_msg *m, size_t size)
{
	struct tcp_info info = {0};
	size_t at = NLMSG_ALIGN(sizeof(*m));

	while (size >= at + sizeof(struct rtattr)) {
		const struct rtattr *a = (const void *)((const char *)m + at);

		if (a->rta_len < sizeof(*a) || a->rta_len > size - at)
			break;
		if (a->rta_type == INET_DIAG_INFO) {
			size_t n = a->rta_len - sizeof(*a);

			memcpy(&info, a + 1, n < sizeof(info) ? n : sizeof(info));
		}
		at += RTA_ALIGN(a->rta_len);
	}
	out->sent += info.tcpi_bytes_acked;
	out->received += info.tcpi_bytes_received;
	out->conns++;
	if (info.tcpi_bytes_acked + info.tcpi_bytes_received <= out->most)
		return;
	out->most = info.tcpi_bytes_acked + info.tcpi_bytes_received;
	out->family = m->idiag_family;
	out->pport = ntohs(m->id.idiag_dport);
	memcpy(out->peer, m->id.idiag_dst, sizeof(out->peer));
}

/* One answer of the kernel. 1: there is more; 0: that was all; negative errno. */
static int take_dump(const char *bytes, size_t size, const struct inodes *held, struct state_wire *out)
{
	for (size_t at = 0; size >= at + sizeof(struct nlmsghdr);) {
		const struct nlmsghdr *h = (const void *)(bytes + at);

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > size - at)
			return -EBADMSG;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return -EOPNOTSUPP;
		const struct inet_diag_msg *m = (const void *)(h + 1);
		uint64_t ino = h->nlmsg_len >= sizeof(*h) + sizeof(*m) ? m->idiag_inode : 0;
		if (ino && bsearch(&ino, held->p, held->n, sizeof(ino), compare))
			add_connection(out, m, h->nlmsg_len - sizeof(*h));
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return 1;
}

static int dump(int fd, uint8_t family, const struct inodes *held, struct state_wire *out)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 want;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.want = {.sdiag_family = family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_ext = 1 << (INET_DIAG_INFO - 1),
			 .idiag_states = CONNECTED},
	};
	autodrop(drop_memory) char *bytes = malloc(DUMP_BYTES);
	int r = 1;

	if (bytes == NULL)
		return -ENOMEM;
	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	for (unsigned i = 0; i < DUMPS_MAX && r > 0; i++) {
		ssize_t n = recv(fd, bytes, DUMP_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : take_dump(bytes, (size_t)n, held, out);
	}
	return r;
}

int socket_sum(uint32_t pid, struct state_wire *out)
{
	autodrop(inodes_fini) struct inodes held = {0};
	struct state_wire sum = {0};

	if (is_elsewhere(pid))
		return -ENOTSUP;
	collect_sockets(pid, &held);
	autodrop(drop_fd) int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	int r = held.n ? dump(fd, AF_INET, &held, &sum) : 0;
	if (r >= 0 && held.n)
		r = dump(fd, AF_INET6, &held, &sum);
	if (r < 0)
		return r;
	*out = sum;
	return 0;
}
