/* SPDX-License-Identifier: BSD-2-Clause */
/* A session from load to the last counter. Start here: probe_new, then target.c (attach), watch.c (tick), sweep.c. */
#include "probe/probe.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/procfs.h"
#include "probe/self.h"
#include "probe/witness.h"

#define FORESEEN_MAX 4096u

/* ---- start ---- */

/* Our own start as the kernel has it. */
static int find_self(struct probe *p, uint64_t *start_ns)
{
	struct stat st;
	int r = tasks_read(&p->tasks, p->load);

	if (r < 0)
		return r;
	const struct state_task *self = tasks_find(&p->tasks, (uint32_t)getpid());
	if (self == NULL)
		return -ESRCH;
	*start_ns = self->start_ns;
	if (stat("/proc/self/exe", &st) == 0) {
		p->self_dev = st.st_dev;
		p->self_ino = st.st_ino;
	}
	return 0;
}

/* Before anybody else gets a probe: are ours safe here, and what do they cost? */
static int try_ourselves(struct probe *p)
{
	uint64_t start_ns;
	int r = find_self(p, &start_ns);

	if (r < 0)
		return fail(r, "cannot list processes");
	r = self_hook(&p->self, p->load);
	if (r == -EPERM || r == -EACCES) {
		(void)err_say(EXIT_RIGHTS, "run it as root or through sudo; see: bottrace help privileges",
			      "cannot attach probes: %s%s", strerror(-r),
			      load_has_multi(p->load)
				      ? ""
				      : " (this kernel has no uprobe_multi: it takes CAP_SYS_ADMIN)");
		return -EPERM;
	}
	if (r < 0) {
		(void)err_say(EXIT_HOST, "probes need a kernel built with CONFIG_UPROBE_EVENTS=y",
			      "cannot attach probes: %s", strerror(-r));
		return -ENOSYS;
	}
	r = safety_check_returns(&p->self);
	if (r == 0) {
		(void)err_say(EXIT_HOST,
			      "kernels 6.11 to 6.13 have this fault; use an earlier or a later one",
			      "return probes end programs under seccomp on this kernel: refused");
		return -ENOSYS;
	}
	if (r < 0)
		err_note(ERR_VERBOSE, "note: return probes could not be tried under seccomp: %s",
			 strerror(-r));
	r = calibrate_run(&p->self, start_ns, p->settings.budget_ppm != 0, &p->costs);
	return r < 0 ? fail(r, "cannot calibrate probes") : 0;
}

static bool next_pid(void *ctx, size_t *pos, uint32_t *pid)
{
	const struct probe *p = ctx;
	void *value;

	if (p->processes == NULL || !map_next(p->processes, pos, NULL, &value))
		return false;
	*pid = ((const struct process *)value)->pid;
	return true;
}

/* One descriptor tells of both. Without the second one, changed files are found at the next tick. */
static void watch_libraries(struct probe *p)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fd = library_event_fd(p->libs);

	if (fd >= 0)
		(void)epoll_ctl(ring_buffer__epoll_fd(p->notify), EPOLL_CTL_ADD, fd, &e);
}

static void give_up_plain(struct probe *p, int why)
{
	p->settings.options &= ~(uint64_t)(WIRE_OPT_PLAIN | WIRE_OPT_PLAIN_ALL);
	err_note(ERR_NORMAL, "note: sockets and pipes without TLS are not read on this kernel: %s",
		 strerror(-why));
}

static void follow_plain(struct probe *p)
{
	if (!(p->settings.options & WIRE_OPT_PLAIN))
		return;
	bool bounded = p->settings.budget_ppm != 0;
	uint32_t before = bounded ? calibrate_syscall() : 0, after = 0;
	int r = load_follow_plain(p->load, p->settings.options & WIRE_OPT_PLAIN_ALL,
				  p->settings.options & WIRE_OPT_DIGEST);
	if (r == 0 && bounded) {
		load_mark(p->load, (uint32_t)getpid(), true);
		after = calibrate_syscall();
		load_mark(p->load, (uint32_t)getpid(), false);
	}
	p->costs.syscall_ns = after > before ? after - before : 0;
	if (r < 0)
		give_up_plain(p, r);
}

int probe_complete(struct probe *p)
{
	if (p->complete)
		return 0;
	int r = load_finish(p->load);
	if (r < 0)
		return fail(r, "cannot load probes");
	if (!probe_is_narrow(p)) {
		loader_add_own(&p->loaders, p->load);
		marker_add_own(&p->markers, p->load);
	}
	follow_plain(p);
	p->complete = true;
	return 0;
}

static int start(struct probe *p)
{
	struct load_trouble why;
	struct load_settings load = {.ring_bytes = p->settings.ring_bytes,
				     .spend = p->settings.budget_ppm != 0,
				     .plain = (p->settings.options & WIRE_OPT_PLAIN) != 0,
				     .stacks = (p->settings.options & WIRE_OPT_STACKS) != 0,
				     .rules = p->settings.rules,
				     .events = (p->settings.options & WIRE_OPT_EVENTS) != 0,
				     .narrow = probe_is_narrow(p)};
	int r = load_open(&p->load, &load, &why);

	if (r < 0) {
		(void)err_say(r == -EPERM ? EXIT_RIGHTS : EXIT_HOST, why.hint[0] ? why.hint : NULL, "%s",
			      why.cause[0] ? why.cause : strerror(-r));
		return r;
	}
	r = try_ourselves(p);
	if (r == 0 && load_has_events(p->load))
		r = audit_fill(p->load);
	if (r < 0)
		return r;
	struct libraries_settings ls = {.load = p->load,
					.costs = &p->costs,
					.emit = p->settings.emit,
					.ctx = p->settings.ctx,
					.next_pid = next_pid,
					.pid_ctx = p,
					.symbols = (p->settings.options & WIRE_OPT_SYMBOLS) != 0,
					.narrow = probe_is_narrow(p)};
	p->libs = library_new(&ls);
	p->processes = map_new(sizeof(struct state_process), LIMIT_PROCESSES);
	p->foreseen = map_new(24, FORESEEN_MAX);
	p->pythons = python_new_files();
	p->notes = map_new(sizeof(struct state_process), LIMIT_PROCESSES);
	if (p->libs == NULL || p->processes == NULL || p->foreseen == NULL || p->notes == NULL ||
	    p->pythons == NULL)
		return fail(-ENOMEM, "cannot start");
	p->notify = ring_buffer__new(load_table_fd(p->load, LOAD_NOTIFY), watch_notice, p, NULL);
	if (p->notify == NULL)
		return fail(-errno, "cannot map a ring");
	watch_libraries(p);
	r = load_follow(p->load, !probe_is_narrow(p));
	if (probe_is_narrow(p) && !load_has_narrow(p->load))
		err_note(ERR_NORMAL,
			 "note: this kernel has no links to one process: others on the same library "
			 "pay as without --no-children");
	if (r < 0)
		return fail(r, "cannot follow forks and execs");
	if (p->settings.options & WIRE_OPT_PLAIN && !load_has_plain(p->load))
		give_up_plain(p, -ENOTSUP);
	/* What the governor reckons with is told at the begin of a session. */
	return p->settings.budget_ppm ? probe_complete(p) : 0;
}

struct probe *probe_new(const struct probe_settings *settings)
{
	autodrop(drop_probe) struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	p->settings = *settings;
	int r = start(p);
	p->settings.rules = NULL;
	if (r < 0) {
		/* Free first: it may change errno. */
		probe_free(take(p));
		errno = -r;
		return NULL;
	}
	/* After the calibration, which is not to run into it. */
	load_shared(p->load)->rate_bytes = settings->rate_bytes;
	load_shared(p->load)->rate_calls = settings->rate_calls;
	shed_begin(p);
	struct emit_session session = {
		.mode = settings->mode,
		.options = p->settings.options,
		.sample_n = settings->sample_n,
		.budget_ppm = settings->budget_ppm,
		.ring_bytes = settings->ring_bytes,
		.costs = p->costs,
	};
	emit_session(settings->emit, settings->ctx, &session);
	return take(p);
}

int probe_ring_fd(const struct probe *p)
{
	return load_table_fd(p->load, LOAD_RING);
}

int probe_shared_fd(const struct probe *p)
{
	return load_table_fd(p->load, LOAD_SHARED);
}

int probe_verdicts_fd(const struct probe *p)
{
	return load_table_fd(p->load, LOAD_VERDICTS);
}

size_t probe_ring_bytes(const struct probe *p)
{
	return p->settings.ring_bytes;
}

int probe_event_fd(const struct probe *p)
{
	return p->detached ? -1 : ring_buffer__epoll_fd(p->notify);
}

/* ---- what people read ---- */

/* "48213 (python3.11, agent.py)" : the program, and the script where its first argument names one. Other arguments
 * may be secrets. */
static void describe_process(const struct process *x, struct buf *out)
{
	autodrop(buf_fini) struct buf argv;
	char exe[PROCFS_PATH_MAX];
	struct str word = STR_NONE;

	buf_init(&argv, WIRE_ARGV_MAX);
	buf_addf(out, "%u", x->pid);
	if (procfs_link(x->pid, "exe", exe, sizeof(exe)) < 0)
		return;
	struct str program = str_base_name(str_of(exe));
	buf_addf(out, " (%.*s", STR_ARG(program));
	if (procfs_read(x->pid, "cmdline", &argv) >= 0) {
		struct str rest = buf_str(&argv);

		(void)procfs_next_string(&rest, &word);
		word = STR_NONE;
		(void)procfs_next_string(&rest, &word);
	}
	if ((x->flags & WIRE_FACT_PYTHON) && str_ends(word, STR(".py")))
		buf_addf(out, ", %.*s", STR_ARG(str_base_name(word)));
	buf_add_char(out, ')');
}

void probe_describe(struct probe *p, struct buf *out)
{
	unsigned named = 0, children = 0, libs = 0;
	const struct library *lib;
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		const struct process *x = value;

		if (!x->named) {
			children++;
			continue;
		}
		buf_add(out, named++ ? STR(", ") : STR(""));
		describe_process(x, out);
	}
	if (children > 0)
		buf_addf(out, " and %u %s", children, children == 1 ? "child" : "children");
	buf_add(out, STR("; probes: "));
	pos = 0;
	while ((lib = library_next(p->libs, &pos)) != NULL) {
		if (libs++ < 4)
			buf_addf(out, "%.*s (%zu), ", STR_ARG(str_base_name(str_of(lib->path))),
				 lib->site_count);
	}
	if (libs > 4)
		buf_addf(out, "%u more libraries, ", libs - 4);
	buf_add(out, probe_is_narrow(p) ? STR("exec/exit") : STR("fork/exec/exit"));
	witness_describe(p, out);
}

/* ---- the end ---- */

void probe_detach(struct probe *p)
{
	autodrop(drop_memory) struct load_hooks **list = NULL;
	size_t n = 0;

	if (p->detached)
		return;
	/* As long as the kernel says which connections close. */
	if (p->load)
		witness_look(p);
	if (p->libs)
		list = calloc(LIBRARY_FILES_MAX + LOADERS_MAX + MARKERS_MAX + MAKERS_MAX * MAKER_HOOKS +
				      AUDITS_MAX * AUDIT_HOOKS + 1,
			      sizeof(struct load_hooks *));
	/* Without memory for the list library_free, loader_fini and self_unhook do it one by one. */
	if (list) {
		n = library_hooks(p->libs, list, LIBRARY_FILES_MAX);
		for (size_t i = 0; i < p->loaders.count; i++)
			list[n++] = &p->loaders.list[i].hooks;
		for (size_t i = 0; i < p->markers.count; i++)
			list[n++] = &p->markers.list[i].hooks;
		n += maker_hooks(&p->makers, list + n, MAKERS_MAX * MAKER_HOOKS);
		n += audit_hooks(&p->audits, list + n, AUDITS_MAX * AUDIT_HOOKS);
		list[n++] =
			&p->self.hooks; /* of the calibration: beside the others it takes no time of its own */
	}
	if (p->load)
		load_leave(p->load, list, n);
	shed_end(p);
	p->detached = true;
}

void probe_stop(struct probe *p)
{
	if (p->stopped)
		return;
	probe_detach(p);
	sweep_all(p);
	p->stopped = true;
}

void probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	probe_detach(p);
	if (p->load)
		load_wait_gone(p->load);
	self_unhook(&p->self);
	ring_buffer__free(p->notify);
	library_free(p->libs);
	loader_fini(&p->loaders);
	marker_fini(&p->markers);
	maker_fini(&p->makers);
	audit_fini(&p->audits);
	process_free_all(p);
	map_free(p->foreseen);
	python_free_files(p->pythons);
	witness_fini(p);
	tasks_fini(&p->tasks);
	load_close(p->load);
	free(p);
}
