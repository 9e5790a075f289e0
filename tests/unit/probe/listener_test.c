/* SPDX-License-Identifier: BSD-2-Clause */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "probe/listener.h"
#include "probe/socket.h"

static bool is_it(const void *ctx, uint64_t ino)
{
	return *(const uint64_t *)ctx == ino;
}

/* A bound socket that does not listen yet, and its inode; -1: this host lacks the family. */
static int bound(int family, uint64_t *ino)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return -1;
	socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (bind(fd, (struct sockaddr *)&any, size) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(fstat(fd, &st), 0);
	*ino = st.st_ino;
	return fd;
}

static void finds_listeners_alone(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t ino;
		int fd = bound(families[i], &ino);

		if (fd < 0)
			continue;
		int r = listener_find(families[i], is_it, &ino);
		if (r >= 0) {
			assert_int_equal(r, 0);
			assert_int_equal(listen(fd, 1), 0);
			assert_int_equal(listener_find(families[i], is_it, &ino), 1);
		}
		close(fd);
		if (r >= 0)
			assert_int_equal(listener_find(families[i], is_it, &ino), 0);
	}
}

static void refuses_an_unknown_family(void **state)
{
	uint64_t ino = 0;

	(void)state;
	assert_true(listener_find(AF_UNSPEC, is_it, &ino) < 0);
}

static void process_listens(void **state)
{
	uint64_t ino;
	int fd = bound(AF_INET, &ino);

	(void)state;
	assert_true(fd >= 0);
	assert_false(socket_listens((uint32_t)getpid()));
	assert_int_equal(listen(fd, 1), 0);
	assert_true(socket_listens((uint32_t)getpid()));
	close(fd);
	assert_false(socket_listens((uint32_t)getpid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_listeners_alone),
		cmocka_unit_test(refuses_an_unknown_family),
		cmocka_unit_test(process_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
