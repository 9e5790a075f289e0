/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks every hatch of the person's who watches a process; the first that does gives the answer. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "session/hatch.h"
#include "session/session.h"

#define ASK_MS	  5000 /* for all of them */
#define AGAIN_MS  100
#define AGAIN_MAX 30u /* while one has too many at its door */

struct asked {
	int fd; /* -1: it has nothing to say */
	struct buf text;
};

struct asking {
	struct asked all[HATCH_FILES_MAX];
	unsigned count, open;
	bool busy;
};

static bool is_trusted(int fd, const struct person *p)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == p->uid);
}

static void connect_all(struct asking *k, const struct person *p)
{
	int dirs[HATCH_DIRS_MAX], fds[HATCH_FILES_MAX];
	unsigned n = hatch_dirs(p, dirs);

	for (unsigned i = 0; i < n; i++) {
		unsigned found = hatch_connect(dirs[i], fds, HATCH_FILES_MAX - k->count, &k->busy);

		for (unsigned j = 0; j < found; j++) {
			if (!is_trusted(fds[j], p)) {
				drop_fd(&fds[j]);
				continue;
			}
			buf_init(&k->all[k->count].text, HATCH_ANSWER_BYTES + 4096);
			k->all[k->count++].fd = fds[j];
		}
		drop_fd(&dirs[i]);
	}
	k->open = k->count;
}

static void leave(struct asking *k, struct asked *a)
{
	drop_fd(&a->fd);
	k->open--;
}

static void question(struct asking *k, uint32_t pid)
{
	const struct hatch_question q = {.magic = HATCH_QUESTION, .pid = pid};

	for (unsigned i = 0; i < k->count; i++)
		if (send(k->all[i].fd, &q, sizeof(q), MSG_NOSIGNAL) != sizeof(q))
			leave(k, &k->all[i]);
}

/* Whether it is the answer. */
static bool hear(struct asking *k, struct asked *a)
{
	struct hatch_answer head;
	char *room = buf_reserve(&a->text, 65536);
	ssize_t n = room ? recv(a->fd, room, 65536, 0) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0) {
		buf_commit(&a->text, (size_t)n);
		return false;
	}
	if (n == 0 && a->text.n >= sizeof(head)) {
		memcpy(&head, a->text.p, sizeof(head));
		if (head.magic == HATCH_ANSWER && head.err == 0 && head.size == a->text.n - sizeof(head))
			return true;
	}
	leave(k, a);
	return false;
}

/* The one that answers; NULL: none does. */
static struct asked *wait_answer(struct asking *k)
{
	uint64_t until = clock_now_ns() + ASK_MS * 1000000ull;

	while (k->open > 0) {
		struct pollfd p[HATCH_FILES_MAX];
		uint64_t now = clock_now_ns();

		for (unsigned i = 0; i < k->count; i++)
			p[i] = (struct pollfd){.fd = k->all[i].fd, .events = POLLIN};
		if (now >= until || poll(p, k->count, (int)((until - now) / 1000000 + 1)) < 0)
			return NULL;
		for (unsigned i = 0; i < k->count; i++)
			if (p[i].revents && hear(k, &k->all[i]))
				return &k->all[i];
	}
	return NULL;
}

static int none_watches(uint32_t pid, bool silent)
{
	char path[32], hint[64];

	(void)snprintf(path, sizeof(path), "/proc/%u", pid);
	(void)snprintf(hint, sizeof(hint), "bottrace attach %u", pid);
	if (access(path, F_OK) < 0)
		return err_say(EXIT_NOT_FOUND, "give the PID of a process that is traced now",
			       "there is no process %u", pid);
	if (silent)
		return err_say(EXIT_NOT_FOUND, "ask again: it is busy, or about to end",
			       "a bottrace did not answer in time, and no other watches %u", pid);
	return err_say(EXIT_NOT_FOUND, hint, "no bottrace of yours watches %u", pid);
}

/* Whether there is one. silent: somebody may have had one. */
static bool ask_all(struct asking *k, const struct person *person, uint32_t pid, struct buf *out,
		    bool *silent)
{
	struct asked *found;

	k->count = 0;
	k->busy = false;
	connect_all(k, person);
	question(k, pid);
	found = wait_answer(k);
	*silent = k->open > 0 || k->busy;
	if (found)
		buf_add(out, str_skip(buf_str(&found->text), sizeof(struct hatch_answer)));
	for (unsigned i = 0; i < k->count; i++) {
		drop_fd(&k->all[i].fd);
		buf_fini(&k->all[i].text);
	}
	return found != NULL;
}

int session_ask(uint32_t pid, struct buf *out)
{
	const struct timespec again = {.tv_nsec = AGAIN_MS * 1000000};
	autodrop(drop_memory) struct asking *k = calloc(1, sizeof(*k));
	struct person person;
	bool found = false, silent = false;

	if (k == NULL)
		return err_say(EXIT_HOST, NULL, "cannot ask: %s", strerror(ENOMEM));
	person_find(&person);
	found = ask_all(k, &person, pid, out, &silent);
	for (unsigned i = 0; !found && k->busy && i < AGAIN_MAX; i++) {
		nanosleep(&again, NULL);
		found = ask_all(k, &person, pid, out, &silent);
	}
	person_fini(&person);
	if (!found)
		return none_watches(pid, silent);
	return buf_err(out) ? err_say(EXIT_HOST, NULL, "cannot show it: %s", strerror(-buf_err(out)))
			    : EXIT_OK;
}
