/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process that the user started, as that user: starts the other two and the command, waits, passes signals and
 * status on; nothing else. When attacher or collector dies it says so in one line and goes on for the command's sake.
 */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "session/collector.h"
#include "session/command.h"
#include "session/hatch.h"
#include "session/message.h"
#include "session/output.h"
#include "session/person.h"
#include "session/raise.h"
#include "session/ruleset.h"

#define GONE_MS	      1000 /* an attacher that ends is waited for */
#define LOOK_AGAIN_US 500

struct front {
	struct session_settings *settings;
	struct person person;
	struct raise_attacher attacher;
	struct command command;
	struct hatch hatch;
	struct message *message;
	pid_t collector_pid;
	int collector; /* socket; -1: gone */
	int signals;   /* signalfd */
	sigset_t old_mask;
	uint64_t deadline_ns; /* of --duration; 0: none */
	uint32_t outcome;     /* enum message_outcome bits */
	int failed;	      /* exit code that the attacher gave */
	bool ready, stopping, done;
	bool lost_tracer; /* attacher or collector died before their time */
	unsigned interrupts;
};

/* ---- start ---- */

static int block_signals(struct front *f)
{
	static const int ours[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, &f->old_mask) < 0)
		return -errno;
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return f->signals < 0 ? -errno : 0;
}

/* Standard input and output are the command's alone: who reads its output sees the end when the command ends. */
static void leave_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	close(null);
}

static void be_collector(struct front *f, struct collector_sockets sockets, int tape)
{
	sigset_t none;

	/* Ctrl-C and Ctrl-Z are for the command; when the front is killed the attacher ends and so do we. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (f->settings->mode == WIRE_MODE_RUN)
		leave_stdio();
	drop_fd(&f->signals);
	drop_fd(&f->attacher.socket);
	drop_fd(&f->attacher.errors);
	if (person_drop(&f->person) < 0)
		_exit(EXIT_BEFORE_EXEC);
	_exit(collector_run(f->settings, sockets, tape));
}

/* Forks the collector. *to_collector: the attacher's end of their socket. */
static int start_collector(struct front *f, int tape, int *to_collector)
{
	int ours[2], theirs[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ours) < 0)
		return -errno;
	autodrop(drop_fd) int front_end = ours[0];
	autodrop(drop_fd) int collector_end = ours[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, theirs) < 0)
		return -errno;
	autodrop(drop_fd) int attacher_end = theirs[0];
	autodrop(drop_fd) int collector_attacher_end = theirs[1];
	f->collector_pid = fork();
	if (f->collector_pid < 0)
		return -errno;
	if (f->collector_pid == 0) {
		/* The other ends must not live here: their closing is how a death is noticed. */
		drop_fd(&front_end);
		drop_fd(&attacher_end);
		be_collector(f,
			     (struct collector_sockets){.front = collector_end,
							.attacher = collector_attacher_end,
							.hatch = f->hatch.listener},
			     tape);
	}
	drop_fd(&f->hatch.listener);
	f->collector = take_fd(&front_end);
	*to_collector = take_fd(&attacher_end);
	return 0;
}

static uint64_t plain_options(const struct session_settings *s)
{
	if (s->plain == SESSION_PLAIN_ON)
		return WIRE_OPT_PLAIN | WIRE_OPT_PLAIN_ALL;
	return s->plain == SESSION_PLAIN_AUTO && !s->no_children ? WIRE_OPT_PLAIN : 0;
}

static int send_setup(struct front *f, int to_collector)
{
	const struct session_settings *s = f->settings;
	struct message_setup setup = {
		.mode = s->mode,
		.verbose = (uint32_t)err_get_level(),
		.options = (s->digest ? WIRE_OPT_DIGEST : 0) | (s->symbols ? WIRE_OPT_SYMBOLS : 0) |
			   (s->light ? WIRE_OPT_LIGHT : 0) | (s->stacks ? WIRE_OPT_STACKS : 0) |
			   (s->stacks && s->events && !s->light ? WIRE_OPT_EVENTS : 0) |
			   (trace_rules_has_any(&s->keep) ? WIRE_OPT_KEEP : 0) |
			   (s->no_children ? WIRE_OPT_NARROW : 0) | plain_options(s),
		.ring_bytes = s->ring_bytes,
		.rate_bytes = s->rate_bytes,
		.rate_calls = s->rate_calls,
		.collector_pid = (uint32_t)f->collector_pid,
		.sample_n = (uint32_t)s->sample_n,
		.budget_ppm = (uint32_t)s->budget_ppm,
	};
	struct str text = buf_str(&s->rules);
	autodrop(drop_fd) int rules = text.n ? ruleset_describe(text) : -1;
	if (text.n && rules < 0)
		return rules;
	int fds[2] = {to_collector, rules};
	int r = message_send(f->attacher.socket, MESSAGE_SETUP, &setup, sizeof(setup), fds, text.n ? 2 : 1);
	if (r < 0)
		return r;
	if (s->mode == WIRE_MODE_ATTACH)
		return message_send(f->attacher.socket, MESSAGE_TARGETS, s->pids,
				    s->pid_count * sizeof(*s->pids), NULL, 0);
	autodrop(drop_fd) int described = command_describe(&f->command, s->argv);
	if (described < 0)
		return described;
	uint32_t pid = (uint32_t)f->command.pid;
	return message_send(f->attacher.socket, MESSAGE_COMMAND, &pid, sizeof(pid), &described, 1);
}

/* Everything but the waiting. EXIT_OK, or an exit code after saying why; `early` is the code for "before the command". */
static int start_all(struct front *f, int early)
{
	struct session_settings *s = f->settings;
	autodrop(drop_fd) int tape = -1;
	autodrop(drop_fd) int to_collector = -1;
	int code = output_open(s);

	if (code != EXIT_OK)
		return code;
	if (s->tape && (tape = output_open_tape(s->tape)) < 0)
		return EXIT_USAGE;
	int r = block_signals(f);
	if (r < 0)
		return err_say(early, NULL, "cannot start: %s", strerror(-r));
	person_find(&f->person);
	r = raise_start(&f->attacher);
	if (r < 0)
		return early == EXIT_BEFORE_EXEC ? early : r == -EPERM ? EXIT_RIGHTS : EXIT_HOST;
	hatch_open(&f->hatch, &f->person);
	r = start_collector(f, tape, &to_collector);
	if (r == 0 && s->mode == WIRE_MODE_RUN) {
		person_say(&f->person);
		r = command_start(&f->command, s->argv, &f->person, &f->old_mask);
		if (r == 0)
			leave_stdio();
	}
	if (r == 0)
		r = send_setup(f, to_collector);
	if (r < 0)
		return err_say(early, NULL, "cannot start: %s", strerror(-r));
	return EXIT_OK;
}

/* ---- the end of tracing ---- */

static void stop(struct front *f, uint32_t why)
{
	if (f->stopping || f->attacher.socket < 0)
		return;
	f->stopping = true;
	if (message_send(f->attacher.socket, MESSAGE_STOP, &why, sizeof(why), NULL, 0) < 0)
		err_note(ERR_VERBOSE, "the attacher is gone already");
}

static void tracer_died(struct front *f, const char *which)
{
	if (f->stopping || f->lost_tracer || f->failed)
		return;
	f->lost_tracer = true;
	f->outcome |= MESSAGE_INCOMPLETE;
	err_note(ERR_QUIET, "the %s died: tracing has ended%s", which,
		 f->settings->mode == WIRE_MODE_RUN ? ", the command goes on" : "");
}

/* ---- events ---- */

static void take_attacher_message(struct front *f)
{
	struct message *m = f->message;
	uint32_t code = EXIT_HOST;
	int r = message_receive(f->attacher.socket, m);

	if (r <= 0) {
		tracer_died(f, "attacher");
		drop_fd(&f->attacher.socket);
		return;
	}
	switch (m->kind) {
	case MESSAGE_READY:
		f->ready = true;
		if (f->settings->mode == WIRE_MODE_ATTACH)
			dprintf(STDERR_FILENO, "attached to %.*s\n", (int)m->size, (const char *)m->bytes);
		break;
	case MESSAGE_FAILED:
		if (m->size == sizeof(code))
			memcpy(&code, m->bytes, sizeof(code));
		f->failed = (int)code;
		break;
	case MESSAGE_IDLE:
		if (f->settings->mode == WIRE_MODE_ATTACH)
			stop(f, WIRE_END_DONE);
		break;
	default:
		break;
	}
	message_close_fds(m);
}

static void take_collector_message(struct front *f)
{
	struct message *m = f->message;
	int r = message_receive(f->collector, m);

	if (r == 1 && m->kind == MESSAGE_DONE && m->size == sizeof(f->outcome)) {
		uint32_t outcome;

		memcpy(&outcome, m->bytes, sizeof(outcome));
		f->outcome |= outcome;
		f->done = true;
	}
	if (r == 1) {
		message_close_fds(m);
		return;
	}
	if (!f->done) {
		f->outcome |= MESSAGE_INCOMPLETE | MESSAGE_SINK_FAILED;
		if (f->stopping)
			err_note(ERR_QUIET, "the collector died: nothing was written");
		tracer_died(f, "collector");
	}
	drop_fd(&f->collector);
}

static void pass_errors(struct front *f)
{
	char text[1024];
	ssize_t n = read(f->attacher.errors, text, sizeof(text));

	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) == n)
		return;
	drop_fd(&f->attacher.errors);
}

static void take_run_signal(struct front *f, const struct signalfd_siginfo *info)
{
	if (info->ssi_signo == SIGCHLD)
		command_look(&f->command);
	else if (f->ready)
		command_signal(&f->command, info);
	else if (info->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	else
		f->interrupts++;
}

static void take_attach_signal(struct front *f, const struct signalfd_siginfo *info)
{
	if (info->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	if (info->ssi_signo != SIGINT && info->ssi_signo != SIGTERM && info->ssi_signo != SIGHUP)
		return;
	f->interrupts++;
	stop(f, WIRE_END_SIGNAL);
}

/*
 * Ctrl-Z under run is not ours to obey at once: until the command has stopped it may still read what is typed to the
 * shell, so the shell must not hear of a stop before. We stop when it has (command_look).
 */
static void take_signal(struct front *f)
{
	struct signalfd_siginfo info;

	while (read(f->signals, &info, sizeof(info)) == sizeof(info)) {
		if (f->settings->mode == WIRE_MODE_RUN)
			take_run_signal(f, &info);
		else
			take_attach_signal(f, &info);
	}
}

/* Waits for one round of events. */
static void wait_events(struct front *f)
{
	struct pollfd p[4] = {
		{.fd = f->signals, .events = POLLIN},
		{.fd = f->attacher.socket, .events = POLLIN},
		{.fd = f->attacher.errors, .events = POLLIN},
		{.fd = f->collector, .events = POLLIN},
	};
	int wait_ms = -1;

	if (f->deadline_ns && !f->stopping) {
		uint64_t now = clock_now_ns();

		wait_ms = now >= f->deadline_ns ? 0 : (int)((f->deadline_ns - now) / 1000000 + 1);
	}
	int n = poll(p, 4, wait_ms);
	if (n < 0)
		return;
	if (f->deadline_ns && clock_now_ns() >= f->deadline_ns)
		stop(f, WIRE_END_DURATION);
	if (p[2].revents)
		pass_errors(f);
	if (p[1].revents)
		take_attacher_message(f);
	if (p[3].revents)
		take_collector_message(f);
	if (p[0].revents)
		take_signal(f);
}

/* Until the collector has written everything, or nobody is left to write. */
static void wait_written(struct front *f)
{
	while (f->collector >= 0 && !(f->settings->mode == WIRE_MODE_ATTACH && f->interrupts > 1))
		wait_events(f);
	while (f->attacher.errors >= 0 && f->attacher.socket < 0)
		pass_errors(f);
}

/* So that nothing of ours is in the kernel any more when we have ended; not for ever, whatever holds it up. */
static void wait_attacher(struct front *f)
{
	const struct timespec instant = {.tv_nsec = LOOK_AGAIN_US * 1000};

	for (int us = 0; us < GONE_MS * 1000 && f->attacher.pid > 0; us += LOOK_AGAIN_US) {
		if (waitpid(f->attacher.pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&instant, NULL);
	}
}

static void front_fini(struct front *f)
{
	hatch_close(&f->hatch);
	command_fini(&f->command);
	drop_fd(&f->attacher.socket);
	drop_fd(&f->attacher.errors);
	drop_fd(&f->collector);
	drop_fd(&f->signals);
	if (f->collector_pid > 0)
		(void)waitpid(f->collector_pid, NULL, 0);
	wait_attacher(f);
	person_fini(&f->person);
	free(f->message);
}

static int exit_code(const struct front *f, int code)
{
	if (code != EXIT_OK)
		return code;
	if (f->outcome & MESSAGE_SINK_FAILED)
		return EXIT_SINK;
	if (f->settings->strict && (f->outcome & MESSAGE_INCOMPLETE))
		return EXIT_LOSSY;
	return EXIT_OK;
}

static struct front front_init(struct session_settings *settings)
{
	struct front f = {
		.settings = settings,
		.attacher = {.socket = -1, .errors = -1, .pid = -1},
		.command = {.pid = -1, .go = -1, .failure = -1, .sentinel = -1, .sentinel_fd = -1},
		.hatch = {.dir = -1, .listener = -1},
		.message = malloc(sizeof(struct message)),
		.collector = -1,
		.signals = -1,
	};
	return f;
}

/* Until every probe is live. EXIT_OK or the code to end with. */
static int wait_ready(struct front *f)
{
	while (!f->ready && !f->failed && !f->lost_tracer && !f->interrupts)
		wait_events(f);
	if (f->ready && !f->interrupts)
		return EXIT_OK;
	if (f->interrupts)
		return 128 + SIGINT;
	return f->failed ? f->failed : EXIT_HOST;
}

/* Nothing was begun: nothing is to be written, and the command never starts. */
static void call_off(struct front *f)
{
	if (f->collector_pid > 0)
		kill(f->collector_pid, SIGKILL);
	drop_fd(&f->attacher.socket);
	while (f->attacher.errors >= 0)
		pass_errors(f);
	output_discard(f->settings);
	front_fini(f);
}

/* ---- run ---- */

int session_run(struct session_settings *settings)
{
	struct front f = front_init(settings);
	int code = f.message ? start_all(&f, EXIT_BEFORE_EXEC) : EXIT_BEFORE_EXEC;

	if (code == EXIT_OK && wait_ready(&f) != EXIT_OK)
		code = f.interrupts ? 128 + SIGINT : EXIT_BEFORE_EXEC;
	if (code != EXIT_OK) {
		call_off(&f);
		return code;
	}
	int err = command_release(&f.command);
	if (err != 0)
		err_say(0, "give the command as you would type it in a shell", "cannot run %s: %s",
			settings->argv[0], strerror(err));
	while (!f.command.ended)
		wait_events(&f);
	stop(&f, WIRE_END_DONE);
	wait_written(&f);
	bool exited = WIFEXITED(f.command.status);
	struct command ended = f.command;
	code = exited ? exit_code(&f, WEXITSTATUS(f.command.status)) : 0;
	front_fini(&f);
	return exited ? code : command_exit(&ended);
}

/* ---- attach ---- */

int session_attach(struct session_settings *settings)
{
	struct front f = front_init(settings);
	int code = f.message ? start_all(&f, EXIT_HOST) : EXIT_HOST;

	if (code == EXIT_OK)
		code = wait_ready(&f);
	if (code != EXIT_OK) {
		call_off(&f);
		return code;
	}
	if (settings->duration_ns)
		f.deadline_ns = clock_now_ns() + settings->duration_ns;
	while (!f.stopping && !f.lost_tracer)
		wait_events(&f);
	wait_written(&f);
	code = exit_code(&f, EXIT_OK);
	if (code == EXIT_OK && f.lost_tracer)
		code = EXIT_HOST;
	front_fini(&f);
	return code;
}
