/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/message.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int message_send(int sock, enum message_kind kind, const void *bytes, size_t size, const int *fds,
		 int fd_count)
{
	uint32_t head = kind;
	struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)bytes, size}};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = size ? 2 : 1};

	if (size > MESSAGE_BYTES_MAX || fd_count > MESSAGE_FDS_MAX)
		return -EMSGSIZE;
	if (fd_count > 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
	}
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EAGAIN) {
			struct pollfd p = {.fd = sock, .events = POLLOUT};
			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return errno == ECONNRESET ? -EPIPE : -errno;
		}
	}
}

/* False: there were more than a message may have (room is made in steps of 8 bytes, so one too many may fit). */
static bool collect_fds(struct msghdr *msg, struct message *m)
{
	bool fit = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (m->fd_count < MESSAGE_FDS_MAX)
				m->fds[m->fd_count++] = fd;
			else {
				close(fd);
				fit = false;
			}
		}
	}
	return fit;
}

int message_receive(int sock, struct message *m)
{
	uint32_t head = 0;
	struct iovec iov[2] = {{&head, sizeof(head)}, {m->bytes, sizeof(m->bytes)}};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control;
	struct msghdr msg = {.msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = control.room,
			     .msg_controllen = sizeof(control.room)};
	ssize_t n;

	m->fd_count = 0;
	m->size = 0;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	bool fit = collect_fds(&msg, m);
	if (n == 0) {
		message_close_fds(m);
		return 0;
	}
	if (!fit || (size_t)n < sizeof(head) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		message_close_fds(m);
		return -EPROTO;
	}
	m->kind = head;
	m->size = (size_t)n - sizeof(head);
	return 1;
}

void message_close_fds(struct message *m)
{
	for (int i = 0; i < m->fd_count; i++)
		close(m->fds[i]);
	m->fd_count = 0;
}
