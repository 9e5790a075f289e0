/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's side of the hatch. A client that sends nothing, reads nothing or asks without end costs a descriptor for a
 * moment and five answers a second: nobody is waited for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "session/desk.h"
#include "session/hatch.h"

#define BETWEEN_NS  200000000ull  /* answers: five a second */
#define PATIENCE_NS 1000000000ull /* for the answer to be read */
#define QUESTION_NS 300000000ull  /* who connects has his question ready */
#define LOOK_MS	    200

struct client {
	int fd; /* -1: free */
	uint64_t until_ns;
	struct hatch_question question;
	size_t heard;
	struct buf answer; /* empty: it has not asked yet */
	size_t sent;
};

struct desk {
	int listener;
	desk_fn *fn;
	void *ctx;
	uint64_t next_ns; /* no answer before */
	struct client clients[DESK_CLIENTS];
};

struct desk *desk_new(int listener, desk_fn *fn, void *ctx)
{
	struct desk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct desk){.listener = listener, .fn = fn, .ctx = ctx};
	for (unsigned i = 0; i < DESK_CLIENTS; i++)
		d->clients[i].fd = -1;
	return d;
}

static void client_close(struct client *c)
{
	drop_fd(&c->fd);
	buf_fini(&c->answer);
}

void desk_free(struct desk *d)
{
	if (d == NULL)
		return;
	for (unsigned i = 0; i < DESK_CLIENTS; i++)
		client_close(&d->clients[i]);
	free(d);
}

/* ---- waiting ---- */

static bool has_asked(const struct client *c)
{
	return c->heard == sizeof(c->question);
}

static struct client *free_place(struct desk *d)
{
	for (unsigned i = 0; i < DESK_CLIENTS; i++)
		if (d->clients[i].fd < 0)
			return &d->clients[i];
	return NULL;
}

unsigned desk_poll(const struct desk *d, struct pollfd *polls, uint64_t now_ns, int *wait_ms)
{
	bool early = now_ns < d->next_ns;
	unsigned n = 0, busy = 0;

	for (unsigned i = 0; i < DESK_CLIENTS; i++) {
		const struct client *c = &d->clients[i];

		if (c->fd < 0)
			continue;
		busy++;
		if (c->answer.n > 0)
			polls[n++] = (struct pollfd){.fd = c->fd, .events = POLLOUT};
		else if (!has_asked(c))
			polls[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	}
	if (busy < DESK_CLIENTS && !early)
		polls[n++] = (struct pollfd){.fd = d->listener, .events = POLLIN};
	*wait_ms = busy > 0 || early ? LOOK_MS : -1;
	return n;
}

/* ---- serving ---- */

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof(peer) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void let_in(struct desk *d, uint64_t now_ns)
{
	struct client *c = free_place(d);

	if (c == NULL || now_ns < d->next_ns)
		return;
	int fd = accept4(d->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!is_ours(fd)) {
		close(fd);
		return;
	}
	*c = (struct client){.fd = fd, .until_ns = now_ns + QUESTION_NS};
	buf_init(&c->answer, HATCH_ANSWER_BYTES + sizeof(struct hatch_answer));
}

static void answer(struct desk *d, struct client *c, uint64_t now_ns)
{
	struct hatch_answer head = {.magic = HATCH_ANSWER};

	buf_add(&c->answer, str_make(&head, sizeof(head)));
	head.err = d->fn(d->ctx, c->question.pid, &c->answer);
	if (head.err == 0)
		head.err = buf_err(&c->answer);
	if (head.err < 0)
		buf_truncate(&c->answer, sizeof(head));
	head.size = c->answer.n > sizeof(head) ? c->answer.n - sizeof(head) : 0;
	if (c->answer.n >= sizeof(head))
		memcpy(c->answer.p, &head, sizeof(head));
	d->next_ns = now_ns + BETWEEN_NS;
	c->until_ns = now_ns + PATIENCE_NS;
	if (c->answer.n == 0)
		client_close(c); /* without memory */
}

static void hear(struct client *c, uint64_t now_ns)
{
	char *at = (char *)&c->question + c->heard;
	ssize_t n = recv(c->fd, at, sizeof(c->question) - c->heard, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->heard += (size_t)n;
	if (!has_asked(c))
		return;
	if (c->question.magic != HATCH_QUESTION)
		client_close(c);
	c->until_ns = now_ns + DESK_CLIENTS * BETWEEN_NS + PATIENCE_NS;
}

static void say(struct client *c)
{
	struct str rest = str_skip(buf_str(&c->answer), c->sent);
	ssize_t n = send(c->fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->sent += n > 0 ? (size_t)n : 0;
	if (n <= 0 || c->sent == c->answer.n)
		client_close(c);
}

static bool has_clients(const struct desk *d)
{
	for (unsigned i = 0; i < DESK_CLIENTS; i++)
		if (d->clients[i].fd >= 0)
			return true;
	return false;
}

void desk_serve(struct desk *d, uint64_t now_ns, bool ready)
{
	if (!ready && !has_clients(d))
		return;
	for (unsigned i = 0; i < DESK_CLIENTS; i++) {
		struct client *c = &d->clients[i];

		if (c->fd >= 0 && !has_asked(c))
			hear(c, now_ns);
		if (c->fd >= 0 && has_asked(c) && c->answer.n == 0 && now_ns >= d->next_ns)
			answer(d, c, now_ns);
		if (c->fd >= 0 && c->answer.n > 0)
			say(c);
		if (c->fd >= 0 && now_ns > c->until_ns)
			client_close(c);
	}
	let_in(d, now_ns);
}
