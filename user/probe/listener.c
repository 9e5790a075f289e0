/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/listener.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_LISTEN 10 /* TCP_LISTEN, net/tcp_states.h */
#define ANSWERS_MAX  4096u

static int ask(int fd, int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = (uint8_t)family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = 1u << STATE_LISTEN},
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n = sendto(fd, &request, sizeof(request), 0, (struct sockaddr *)&kernel, sizeof(kernel));

	return n < 0 ? -errno : 0;
}

/* One answer with many messages. 1: found; 0: go on; -ENODATA: the list has ended; other negative errno. */
static int look(const char *answer, size_t size, listener_fn *is_it, const void *ctx)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)answer;
	uint32_t left = (uint32_t)size;

	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		struct inet_diag_msg socket;
		struct nlmsgerr error;

		if (m->nlmsg_type == NLMSG_DONE)
			return -ENODATA;
		if (m->nlmsg_type == NLMSG_ERROR) {
			if (m->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
				return -EPROTO;
			memcpy(&error, NLMSG_DATA(m), sizeof(error));
			return error.error < 0 ? error.error : -EPROTO;
		}
		if (m->nlmsg_len < NLMSG_LENGTH(sizeof(socket)))
			return -EPROTO;
		memcpy(&socket, NLMSG_DATA(m), sizeof(socket));
		if (is_it(ctx, socket.idiag_inode))
			return 1;
	}
	return 0;
}

int listener_find(int family, listener_fn *is_it, const void *ctx)
{
	_Alignas(struct nlmsghdr) char
		answer[16384]; /* the kernel's dumps come in pieces of at most this size */

	autodrop(drop_fd) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	int r = ask(fd, family);
	for (unsigned i = 0; r == 0 && i < ANSWERS_MAX; i++) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : n == 0 ? -ENODATA : look(answer, (size_t)n, is_it, ctx);
	}
	return r == -ENODATA ? 0 : r;
}
