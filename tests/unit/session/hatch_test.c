/* SPDX-License-Identifier: BSD-2-Clause */
/* The hatch: whose it is, what stays of it, and that no client can hold anybody up. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "session/desk.h"
#include "session/hatch.h"

#define MS 1000000ull

static char runtime[] = "/tmp/bottrace-hatch-XXXXXX";

static struct person me(void)
{
	return (struct person){.uid = geteuid(), .gid = getegid()};
}

static unsigned asked;

/* 7: a long answer. 9: none. */
static int answer(void *ctx, uint32_t pid, struct buf *out)
{
	(void)ctx;
	asked++;
	if (pid == 9)
		return -ENOENT;
	for (int i = 0; pid == 7 && i < 1 << 20; i++)
		buf_add_char(out, 'x');
	buf_addf(out, "{\"pid\":%u}", pid);
	return 0;
}

struct scene {
	struct hatch h;
	struct desk *d;
	uint64_t now;
};

static void open_scene(struct scene *s)
{
	const struct person p = me();

	hatch_open(&s->h, &p);
	assert_true(s->h.listener >= 0);
	s->d = desk_new(s->h.listener, answer, NULL);
	assert_non_null(s->d);
	s->now = 1000 * MS;
	asked = 0;
}

static void close_scene(struct scene *s)
{
	desk_free(s->d);
	hatch_close(&s->h);
}

/* -1: there are too many at its door. */
static int try_client(void)
{
	const struct person p = me();
	int dirs[HATCH_DIRS_MAX], fds[4];
	unsigned n = hatch_dirs(&p, dirs), found = 0;
	bool busy = false;

	assert_true(n >= 1);
	found = hatch_connect(dirs[0], fds, 4, &busy);
	while (n > 0)
		drop_fd(&dirs[--n]);
	assert_int_equal(found, !busy);
	return found ? fds[0] : -1;
}

static int client(void)
{
	int fd = try_client();

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, uint32_t magic, uint32_t pid)
{
	const struct hatch_question q = {.magic = magic, .pid = pid};

	assert_int_equal(send(fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
}

static void serve(struct scene *s, unsigned rounds)
{
	struct pollfd p[DESK_POLLS];
	int wait_ms;

	while (rounds-- > 0) {
		assert_true(desk_poll(s->d, p, s->now, &wait_ms) <= DESK_POLLS);
		assert_true(wait_ms == -1 || wait_ms >= 200);
		desk_serve(s->d, s->now, true);
	}
}

/* Up to the end, or as far as it came; -1: nothing yet. */
static ssize_t get(int fd, struct buf *out)
{
	char piece[4096];
	ssize_t n, all = -1;

	buf_clear(out);
	while ((n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0) {
		buf_add(out, str_make(piece, (size_t)n));
		all = (ssize_t)out->n;
	}
	return n == 0 ? (ssize_t)out->n : all;
}

static struct hatch_answer head_of(const struct buf *b)
{
	struct hatch_answer head;

	assert_true(b->n >= sizeof(head));
	memcpy(&head, b->p, sizeof(head));
	assert_int_equal(head.magic, HATCH_ANSWER);
	return head;
}

static void test_answers(void **state)
{
	(void)state;
	struct scene s;
	struct buf b;

	buf_init(&b, 1 << 21);
	open_scene(&s);
	int fd = client();
	put(fd, HATCH_QUESTION, 4);
	serve(&s, 3);
	assert_int_equal(get(fd, &b), sizeof(struct hatch_answer) + 9);
	assert_int_equal(head_of(&b).err, 0);
	assert_int_equal(head_of(&b).size, 9);
	close(fd);
	s.now += 300 * MS;
	fd = client();
	put(fd, HATCH_QUESTION, 9);
	serve(&s, 3);
	assert_int_equal(get(fd, &b), sizeof(struct hatch_answer));
	assert_int_equal(head_of(&b).err, -ENOENT);
	assert_int_equal(head_of(&b).size, 0);
	close(fd);
	buf_fini(&b);
	close_scene(&s);
}

/* Five a second, whoever asks. */
static void test_rate(void **state)
{
	(void)state;
	struct scene s;
	struct buf b;
	int wait_ms;
	struct pollfd p[DESK_POLLS];

	buf_init(&b, 1 << 21);
	open_scene(&s);
	assert_int_equal(desk_poll(s.d, p, s.now, &wait_ms), 1);
	assert_int_equal(wait_ms, -1);
	for (int i = 0; i < 1000; i++) {
		int fd = try_client();

		if (fd >= 0)
			put(fd, HATCH_QUESTION, 4);
		serve(&s, 2);
		drop_fd(&fd);
		s.now += 1 * MS;
	}
	assert_true(asked <= 6);
	s.now += 5000 * MS;
	serve(&s, 20);
	buf_fini(&b);
	close_scene(&s);
}

/* Who says nothing, half of it, or something else, is shown out; the others wait for a moment only. */
static void test_silent(void **state)
{
	(void)state;
	struct scene s;
	struct buf b;
	int fds[6];

	buf_init(&b, 1 << 21);
	open_scene(&s);
	for (int i = 0; i < 6; i++)
		fds[i] = client();
	assert_int_equal(send(fds[1], "BT", 2, MSG_NOSIGNAL), 2);
	put(fds[2], 0x20544547, 4);
	put(fds[5], HATCH_QUESTION, 4);
	serve(&s, 10);
	assert_int_equal(get(fds[2], &b), 0);
	s.now += 301 * MS;
	serve(&s, 10);
	assert_int_equal(get(fds[0], &b), 0);
	assert_int_equal(get(fds[1], &b), 0);
	assert_int_equal(get(fds[5], &b), sizeof(struct hatch_answer) + 9);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	buf_fini(&b);
	close_scene(&s);
}

/* An answer that nobody reads goes after its time. */
static void test_unread(void **state)
{
	(void)state;
	struct scene s;
	struct buf b;
	struct pollfd p[DESK_POLLS];
	int wait_ms;

	buf_init(&b, 1 << 22);
	open_scene(&s);
	int fd = client();
	put(fd, HATCH_QUESTION, 7);
	serve(&s, 5);
	assert_int_equal(asked, 1);
	s.now += 500 * MS;
	serve(&s, 5);
	assert_int_equal(desk_poll(s.d, p, s.now, &wait_ms), 2);
	assert_int_equal(wait_ms, 200);
	s.now += 501 * MS;
	serve(&s, 1);
	assert_int_equal(desk_poll(s.d, p, s.now, &wait_ms), 1);
	assert_int_equal(wait_ms, -1);
	assert_true(get(fd, &b) < 1 << 20);
	close(fd);
	/* One that reads gets all of it. */
	fd = client();
	put(fd, HATCH_QUESTION, 7);
	size_t all = 0;
	for (int i = 0; i < 1000; i++) {
		serve(&s, 1);
		ssize_t n = get(fd, &b);
		all += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(all, sizeof(struct hatch_answer) + (1 << 20) + 9);
	close(fd);
	buf_fini(&b);
	close_scene(&s);
}

/* ---- the place ---- */

static unsigned files(void)
{
	char command[128];
	unsigned n = 0;

	snprintf(command, sizeof(command), "ls %s/bottrace | wc -l", runtime);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void test_place(void **state)
{
	(void)state;
	struct scene s;
	struct stat st;
	char path[128];

	open_scene(&s);
	snprintf(path, sizeof(path), "%s/bottrace", runtime);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/bottrace/%s", runtime, s.h.name);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(files(), 1);
	close_scene(&s);
	assert_int_equal(files(), 0);
}

/* One that was killed: the next one, or who asks, takes its file away; a living one's stays. */
static void test_stale(void **state)
{
	(void)state;
	const struct person p = me();
	struct scene s;
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		struct hatch h;

		hatch_open(&h, &p);
		_exit(h.listener >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(files(), 1);
	open_scene(&s);
	assert_int_equal(files(), 1);
	close(client());
	assert_int_equal(files(), 1);
	close_scene(&s);
	assert_int_equal(files(), 0);
}

/* A directory that others could write in, or a link, is none. */
static void test_foreign(void **state)
{
	(void)state;
	const struct person p = me();
	int dirs[HATCH_DIRS_MAX];
	char path[128], away[128];
	unsigned before = 0;

	snprintf(path, sizeof(path), "%s/bottrace", runtime);
	snprintf(away, sizeof(away), "%s/away", runtime);
	for (int how = 0; how < 3; how++) {
		if (how == 1)
			assert_int_equal(chmod(path, 0770), 0);
		if (how == 2) {
			assert_int_equal(chmod(path, 0700), 0);
			assert_int_equal(rename(path, away), 0);
			assert_int_equal(symlink(away, path), 0);
		}
		unsigned n = hatch_dirs(&p, dirs);
		for (unsigned i = 0; i < n; i++)
			drop_fd(&dirs[i]);
		if (how == 0)
			before = n;
		else
			assert_int_equal(n, before - 1);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(away, path), 0);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("SUDO_UID");
	return mkdtemp(runtime) == NULL || setenv("XDG_RUNTIME_DIR", runtime, 1) < 0;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/bottrace", runtime);
	(void)rmdir(path);
	return rmdir(runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),	cmocka_unit_test(test_answers), cmocka_unit_test(test_rate),
		cmocka_unit_test(test_silent),	cmocka_unit_test(test_unread),	cmocka_unit_test(test_stale),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
