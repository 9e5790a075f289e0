/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The privileged process: small, parses no traffic; its only threads are those that wait for the kernel. Its standard
 * input is its socket to the front; it has no terminal, and it ends with whichever of front and collector ends first:
 * with it go all links.
 */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "probe/probe.h"
#include "session/message.h"
#include "session/ruleset.h"

#define COLLECTOR_NICE (-15)
#define HURRY_NICE     (-10)
#define COMMAND_BYTES_MAX \
	(16u << 20) /* argv, environment and cwd of a command: twice the kernel's own bound */

struct attacher {
	int front;
	int collector; /* -1 until MESSAGE_SETUP */
	struct probe *probe;
	struct message_setup setup;
	bool collector_gone;
	bool ready; /* every probe of the targets is live */
	bool told_idle;
	int nice; /* what we were started with */
};

static void emit(void *ctx, const struct wire_head *rec)
{
	struct attacher *a = ctx;

	if (!a->collector_gone && message_send(a->collector, MESSAGE_RECORD, rec, rec->size, NULL, 0) < 0)
		a->collector_gone = true;
}

static int failed(const struct attacher *a, uint32_t exit_code)
{
	if (message_send(a->front, MESSAGE_FAILED, &exit_code, sizeof(exit_code), NULL, 0) < 0)
		return (int)exit_code;
	return (int)exit_code;
}

static uint32_t exit_code_of(int r)
{
	switch (r) {
	case -EPERM:
	case -EACCES:
		return EXIT_RIGHTS;
	case -ESRCH:
		return EXIT_NOT_FOUND;
	default:
		return EXIT_HOST;
	}
}

/*
 * Until the first call can be captured, and from the end of tracing until its document can be written, people wait for
 * some ms of our work, which a busy machine makes a multiple of; in between nobody does. Where the scheduler shares time
 * among sessions first (autogroup), a nice value counts inside one alone, and there is one for the session, too.
 */
static void hurry(const struct attacher *a, bool on)
{
	bool lift = on && a->nice > HURRY_NICE;

	(void)setpriority(PRIO_PROCESS, 0, lift ? HURRY_NICE : a->nice);
	if (getsid(0) != getpid())
		return; /* others are in it */
	autodrop(drop_fd) int session = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (session >= 0)
		(void)dprintf(session, "%d", lift ? HURRY_NICE : 0);
}

/* ---- start ---- */

/* Whether it is a child of the process that holds the other end of our socket: an attacher that was raised for `run`
 * traces nothing but that one's command. */
static bool is_child_of_front(const struct attacher *a, uint32_t pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char path[64], line[512];

	if (getsockopt(a->front, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	size_t n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	/* pid (comm) state ppid: comm may hold anything, so look behind its last parenthesis */
	char *paren = strrchr(line, ')');
	if (paren == NULL || strlen(paren) < 4)
		return false;
	return strtol(paren + 4, NULL, 10) == peer.pid;
}

/*
 * The drain thread must run within the few milliseconds in which one large write fills the ring, however busy the
 * machine is. It takes its priority over from the thread that starts it when it hears of the ring; that one then steps
 * back a little. Without the right to do it nothing is lost but this.
 */
static void lift_collector(const struct attacher *a)
{
	if (is_child_of_front(a, a->setup.collector_pid) &&
	    setpriority(PRIO_PROCESS, (id_t)a->setup.collector_pid, COLLECTOR_NICE) < 0)
		err_note(ERR_VERBOSE, "note: no right to raise the drain's priority");
}

static int start(struct attacher *a, struct message *m)
{
	if (a->probe != NULL || m->size != sizeof(a->setup) || m->fd_count < 1 || m->fd_count > 2)
		return -EPROTO;
	memcpy(&a->setup, m->bytes, sizeof(a->setup));
	a->collector = m->fds[0];
	autodrop(drop_fd) int rules_fd = m->fd_count == 2 ? m->fds[1] : -1;
	m->fd_count = 0;
	err_set_level((enum err_level)a->setup.verbose);
	autodrop(drop_rules) struct rules *rules = ruleset_receive(rules_fd);
	if (rules == NULL)
		return -EPROTO;
	struct probe_settings ps = {
		.mode = (enum wire_mode)a->setup.mode,
		.options = a->setup.options,
		.ring_bytes = a->setup.ring_bytes,
		.rate_bytes = a->setup.rate_bytes,
		.rate_calls = a->setup.rate_calls,
		.sample_n = a->setup.sample_n,
		.budget_ppm = a->setup.budget_ppm,
		.rules = rules,
		.emit = emit,
		.ctx = a,
	};
	a->probe = probe_new(&ps);
	if (a->probe == NULL)
		return -errno;
	lift_collector(a);
	int fds[3] = {probe_ring_fd(a->probe), probe_shared_fd(a->probe), probe_verdicts_fd(a->probe)};
	uint64_t ring_bytes = probe_ring_bytes(a->probe);
	return message_send(a->collector, MESSAGE_RING, &ring_bytes, sizeof(ring_bytes), fds, 3);
}

/* ---- a command ---- */

/* Splits NUL-separated text at p into a NULL-terminated array over the same memory; *p moves behind the empty string
 * that ends the list. */
static char **split(char **p, char *end)
{
	size_t count = 0;

	for (char *q = *p; q < end && *q; q += strlen(q) + 1)
		count++;
	char **list = calloc(count + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		list[i] = *p;
		*p += strlen(*p) + 1;
	}
	if (*p < end)
		(*p)++;
	return list;
}

static int attach_command(struct attacher *a, struct message *m)
{
	struct stat st;
	uint32_t pid;

	if (a->probe == NULL || m->size != sizeof(pid) || m->fd_count != 1)
		return -EPROTO;
	memcpy(&pid, m->bytes, sizeof(pid));
	if (!is_child_of_front(a, pid))
		return -EPROTO;
	if (fstat(m->fds[0], &st) < 0 || st.st_size < 3 || st.st_size > COMMAND_BYTES_MAX)
		return -EPROTO;
	size_t size = (size_t)st.st_size;
	char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, m->fds[0], 0);
	if (text == MAP_FAILED)
		return -errno;
	int r = -EPROTO;
	if (text[size - 1] == '\0') {
		char *p = text, *end = text + size;
		autodrop(drop_memory) char **argv = split(&p, end);
		autodrop(drop_memory) char **envp = split(&p, end);

		r = -ENOMEM;
		if (argv && envp)
			r = probe_attach_command(a->probe, pid, argv, envp, p < end ? p : "/");
	}
	munmap(text, size);
	return r;
}

/* ---- running processes ---- */

static int attach_targets(struct attacher *a, const struct message *m)
{
	unsigned mapped_all = 0;
	size_t count = m->size / sizeof(uint32_t);

	if (a->probe == NULL || m->size % sizeof(uint32_t) || count == 0)
		return -EPROTO;
	for (size_t i = 0; i < count; i++) {
		const char *why = NULL;
		unsigned mapped = 0;
		uint32_t pid;

		memcpy(&pid, m->bytes + i * sizeof(pid), sizeof(pid));
		int r = probe_attach(a->probe, pid, &mapped, &why);
		if (r == -ESRCH)
			err_say(0, "give the PID of a running process (ps -e)",
				"cannot attach to %u: no such process", pid);
		else if (r == -ENOTSUP)
			err_say(0, "see: bottrace doctor PID", "cannot attach to %u: %s", pid,
				why ? why : "nothing of it could ever be seen");
		else if (r == -EPERM || r == -EACCES)
			err_say(0, "run it as root or through sudo; see: bottrace help privileges",
				"cannot attach to %u: no right to look at it", pid);
		else if (r < 0)
			err_say(0, "see: bottrace doctor", "cannot attach to %u: %s", pid, strerror(-r));
		if (r < 0)
			return r;
		mapped_all += mapped;
	}
	return (int)mapped_all;
}

static int say_ready(struct attacher *a, int mapped)
{
	autodrop(buf_fini) struct buf text = {0};

	buf_init(&text, 4096);
	probe_describe(a->probe, &text);
	if (mapped == 0)
		buf_add(&text, STR("; nothing to see yet: no TLS library mapped"));
	a->ready = true;
	int r = message_send(a->front, MESSAGE_READY, text.p, text.n, NULL, 0);
	hurry(a, false);
	/* What loading the programs took: up to 7 MB that nobody needs again. Nobody waits for us now. */
	(void)malloc_trim(0);
	return r;
}

/* ---- the end ---- */

static void finish(struct attacher *a, uint32_t why)
{
	if (a->probe == NULL)
		return;
	hurry(a, true);
	/* The collector empties the ring in between: final counters come after the last record. */
	probe_detach(a->probe);
	if (message_send(a->collector, MESSAGE_DETACHED, NULL, 0, NULL, 0) < 0)
		a->collector_gone = true;
	probe_stop(a->probe);
	struct wire_end end = {
		.head = {.size = sizeof(end), .kind = WIRE_END, .ts_ns = clock_now_ns()},
		.why = why,
		.has_final = 1,
	};
	emit(a, &end.head);
}

/* One message from the front. > 0: go on; 0: the session is over; < 0: failed. */
static int take_message(struct attacher *a, struct message *m)
{
	uint32_t why = WIRE_END_FRONT;
	int r = message_receive(a->front, m);

	if (r <= 0) {
		if (r == 0)
			finish(a, WIRE_END_FRONT);
		return r;
	}
	switch (m->kind) {
	case MESSAGE_SETUP:
		r = start(a, m);
		break;
	case MESSAGE_COMMAND:
		r = attach_command(a, m);
		if (r >= 0)
			r = say_ready(a, -1);
		break;
	case MESSAGE_TARGETS:
		r = attach_targets(a, m);
		if (r >= 0)
			r = say_ready(a, r);
		break;
	case MESSAGE_STOP:
		if (m->size == sizeof(why))
			memcpy(&why, m->bytes, sizeof(why));
		finish(a, why);
		return 0;
	default:
		r = -EPROTO;
	}
	message_close_fds(m);
	if (r < 0)
		failed(a, exit_code_of(r));
	return r < 0 ? r : 1;
}

static int look_after(struct attacher *a)
{
	int wait_ms = probe_tick(a->probe);

	if (a->ready && !a->told_idle && probe_alive(a->probe) == 0) {
		a->told_idle = true;
		if (message_send(a->front, MESSAGE_IDLE, NULL, 0, NULL, 0) < 0)
			return -1;
	}
	return wait_ms;
}

int session_attacher(void)
{
	struct attacher a = {.front = 0, .collector = -1, .nice = getpriority(PRIO_PROCESS, 0)};
	autodrop(drop_memory) struct message *m = malloc(sizeof(*m));
	struct rlimit no_core = {0, 0};
	int r = 1, wait_ms = -1;

	if (m == NULL)
		return EXIT_HOST;
	signal(SIGPIPE, SIG_IGN);
	hurry(&a, true);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* The first word: the front knows that it has an attacher, not a sudo that wants a password. */
	if (message_send(a.front, MESSAGE_HELLO, NULL, 0, NULL, 0) < 0)
		return EXIT_HOST;
	while (r > 0 && !a.collector_gone) {
		struct pollfd p[3] = {
			{.fd = a.front, .events = POLLIN},
			{.fd = a.collector, .events = 0}, /* only its end */
			{.fd = a.probe ? probe_event_fd(a.probe) : -1, .events = POLLIN},
		};

		if (poll(p, 3, wait_ms) < 0 && errno != EINTR)
			break;
		if (a.collector >= 0 && (p[1].revents & (POLLHUP | POLLERR)))
			break;
		if (p[0].revents)
			r = take_message(&a, m);
		if (r > 0 && a.probe)
			wait_ms = look_after(&a);
	}
	probe_free(a.probe);
	drop_fd(&a.collector);
	return r < 0 ? (int)exit_code_of(r) : EXIT_OK;
}
