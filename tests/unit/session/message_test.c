/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "harness.h"
#include "session/message.h"

static struct message m; /* 64 KiB: not for the stack */
static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 4, 7, 8, 4096, 65536, MESSAGE_BYTES_MAX};
	(void)state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *p = malloc(sizes[i] ? sizes[i] : 1);

		for (size_t j = 0; j < sizes[i]; j++)
			p[j] = (unsigned char)(j * 31 + i);
		assert_int_equal(message_send(pair[0], MESSAGE_RECORD, p, sizes[i], NULL, 0), 0);
		assert_int_equal(message_receive(pair[1], &m), 1);
		assert_int_equal(m.kind, MESSAGE_RECORD);
		assert_int_equal(m.size, sizes[i]);
		assert_int_equal(m.fd_count, 0);
		assert_memory_equal(m.bytes, p, sizes[i]);
		free(p);
	}
}

static void one_message_a_packet(void **state)
{
	(void)state;
	assert_int_equal(message_send(pair[0], MESSAGE_IDLE, NULL, 0, NULL, 0), 0);
	assert_int_equal(message_send(pair[0], MESSAGE_READY, "attached", 8, NULL, 0), 0);
	assert_int_equal(message_receive(pair[1], &m), 1);
	assert_int_equal(m.kind, MESSAGE_IDLE);
	assert_int_equal(m.size, 0);
	assert_int_equal(message_receive(pair[1], &m), 1);
	assert_int_equal(m.kind, MESSAGE_READY);
	assert_memory_equal(m.bytes, "attached", 8);
}

static void too_large_is_not_sent(void **state)
{
	static unsigned char bytes[MESSAGE_BYTES_MAX + 1];
	int fds[MESSAGE_FDS_MAX + 1] = {0, 1, 2};
	(void)state;

	assert_int_equal(message_send(pair[0], MESSAGE_RECORD, bytes, sizeof(bytes), NULL, 0), -EMSGSIZE);
	assert_int_equal(message_send(pair[0], MESSAGE_RING, NULL, 0, fds, MESSAGE_FDS_MAX + 1), -EMSGSIZE);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(message_receive(pair[1], &m), -EAGAIN);
}

static void descriptors_travel(void **state)
{
	struct stat a, b;
	int pipe_ends[2];
	(void)state;

	assert_int_equal(pipe(pipe_ends), 0);
	int file = memfd_create("travels", 0);
	assert_int_equal(message_send(pair[0], MESSAGE_RING, "12345678", 8, (int[]){file, pipe_ends[1]}, 2),
			 0);
	assert_int_equal(message_receive(pair[1], &m), 1);
	assert_int_equal(m.size, 8);
	assert_int_equal(m.fd_count, 2);
	assert_int_equal(fstat(file, &a), 0); /* the sender's stay open */
	assert_int_equal(fstat(m.fds[0], &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	for (int i = 0; i < 2; i++)
		assert_true(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
	char byte;
	assert_int_equal(write(m.fds[1], "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	int taken[2] = {m.fds[0], m.fds[1]};
	message_close_fds(&m);
	assert_int_equal(m.fd_count, 0);
	assert_int_equal(fcntl(taken[0], F_GETFD), -1);
	assert_int_equal(fcntl(taken[1], F_GETFD), -1);
	message_close_fds(&m);
	close(file);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* A packet that message_send does not make. */
static void send_raw(const void *p, size_t n, int fd_count)
{
	struct iovec iov = {(void *)p, n};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd_count > 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		for (int i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &pair[0], sizeof(int));
	}
	assert_int_equal(sendmsg(pair[0], &msg, 0), n);
}

static void foreign_packets_are_refused(void **state)
{
	static unsigned char bytes[MESSAGE_BYTES_MAX + 5] = {MESSAGE_RECORD};
	size_t before = open_fds();
	(void)state;

	for (size_t n = 1; n < 4; n++) {
		send_raw(bytes, n, 0);
		assert_int_equal(message_receive(pair[1], &m), -EPROTO);
		send_raw(bytes, n, 2);
		assert_int_equal(message_receive(pair[1], &m), -EPROTO);
		assert_int_equal(m.fd_count, 0);
	}
	send_raw(bytes, sizeof(bytes), 1); /* one byte too long */
	assert_int_equal(message_receive(pair[1], &m), -EPROTO);
	for (int fds = MESSAGE_FDS_MAX + 1; fds <= 8; fds++) {
		send_raw(bytes, 8, fds);
		assert_int_equal(message_receive(pair[1], &m), -EPROTO);
		assert_int_equal(m.fd_count, 0);
	}
	send_raw(bytes, 0, 2); /* an empty packet reads as the end: its descriptors must not stay */
	assert_int_equal(message_receive(pair[1], &m), 0);
	assert_int_equal(open_fds(), before);
	/* What follows is read as if nothing had been. */
	assert_int_equal(message_send(pair[0], MESSAGE_STOP, "abcd", 4, NULL, 0), 0);
	assert_int_equal(message_receive(pair[1], &m), 1);
	assert_int_equal(m.size, 4);
}

static void peer_gone(void **state)
{
	(void)state;
	assert_int_equal(message_send(pair[0], MESSAGE_DONE, "abcd", 4, NULL, 0), 0);
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(message_receive(pair[1], &m), 1); /* the last words still come */
	assert_int_equal(message_receive(pair[1], &m), 0);
	assert_int_equal(message_send(pair[1], MESSAGE_STOP, "abcd", 4, NULL, 0),
			 -EPIPE); /* and no SIGPIPE */
}

/* A peer that went away with something unread. */
static void peer_gone_unread(void **state)
{
	(void)state;
	assert_int_equal(message_send(pair[1], MESSAGE_STOP, "abcd", 4, NULL, 0), 0);
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(message_receive(pair[1], &m), 0);
	assert_int_equal(message_send(pair[1], MESSAGE_STOP, "abcd", 4, NULL, 0), -EPIPE);
}

static void nothing_now(void **state)
{
	(void)state;
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(message_receive(pair[1], &m), -EAGAIN);
	assert_int_equal(message_receive(-1, &m), -EBADF);
	assert_int_equal(message_send(-1, MESSAGE_IDLE, NULL, 0, NULL, 0), -EBADF);
}

/* ---- a full buffer ---- */

static volatile sig_atomic_t rings, read_packets;
static bool peer_leaves;

static void on_alarm(int sig)
{
	static char bytes[MESSAGE_BYTES_MAX];

	(void)sig;
	if (++rings < 2)
		return; /* the first one only interrupts */
	if (peer_leaves) {
		close(pair[1]);
		pair[1] = -1;
	} else if (read(pair[1], bytes, sizeof(bytes)) > 0) {
		read_packets++;
	}
}

/* The sender waits until the reader takes something; signals do not disturb it. */
static int send_into_full(bool leave)
{
	const struct itimerval often = {{0, 20000}, {0, 20000}}, never = {0};
	struct sigaction act = {.sa_handler = on_alarm}, old;
	static char bytes[60000];

	rings = read_packets = 0;
	peer_leaves = leave;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	while (send(pair[0], bytes, sizeof(bytes), 0) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	int r = message_send(pair[0], MESSAGE_RECORD, bytes, sizeof(bytes), NULL, 0);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_true(rings >= 2);
	return r;
}

static void full_buffer_waits(void **state)
{
	(void)state;
	assert_int_equal(send_into_full(false), 0);
	assert_true(read_packets > 0);
}

static void peer_goes_while_full(void **state)
{
	(void)state;
	assert_int_equal(send_into_full(true), -EPIPE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		TEST(every_size),
		TEST(one_message_a_packet),
		TEST(too_large_is_not_sent),
		TEST(descriptors_travel),
		TEST(foreign_packets_are_refused),
		TEST(peer_gone),
		TEST(peer_gone_unread),
		TEST(nothing_now),
		TEST(full_buffer_waits),
		TEST(peer_goes_while_full),
	};

	return cmocka_run_group_tests_name("session message", tests, NULL, NULL);
}
