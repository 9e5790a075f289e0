/* SPDX-License-Identifier: BSD-2-Clause */
/* Attach: the kernel filter first, so that nothing escapes by forking; then facts, then libraries. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/procfs.h"
#include "probe/witness.h"

#define ROUNDS_MAX	16    /* looks for children that were born before their parent was let through */
#define DESCENDANTS_MAX 16384 /* as many as `targets` holds */

/* ---- who can be traced ---- */

static int refuse(const char *because, const char **why)
{
	if (why)
		*why = because;
	return -ENOTSUP;
}

static bool is_ours(const struct probe *p, uint32_t pid)
{
	dev_t dev;
	ino_t ino;

	return procfs_identity(pid, "exe", &dev, &ino) == 0 && dev == p->self_dev && ino == p->self_ino;
}

static int check(const struct probe *p, uint32_t pid, const char **why)
{
	struct procfs_stat st;
	char exe[PROCFS_PATH_MAX];
	int r = procfs_stat(pid, &st);

	if (r < 0)
		return r == -EBADMSG ? -ESRCH : r;
	if (st.flags & PROCFS_PF_KTHREAD)
		return refuse("it is a kernel thread", why);
	if (st.state == 'Z' || st.state == 'X')
		return refuse("it has ended (a zombie)", why);
	r = procfs_link(pid, "exe", exe, sizeof(exe));
	if (r == -EACCES)
		return -EPERM;
	if (pid == (uint32_t)getpid() || is_ours(p, pid))
		return refuse("it is bottrace itself", why);
	if (procfs_bits(pid) == 32)
		return refuse("it is a 32-bit program", why);
	return 0;
}

/* A thread's id names its process. */
static uint32_t leader_of(uint32_t pid)
{
	autodrop(buf_fini) struct buf status;
	uint64_t leader;

	buf_init(&status, PROCFS_STATUS_MAX);
	if (procfs_read(pid, "status", &status) < 0 ||
	    !procfs_status_field(buf_str(&status), STR("Tgid"), 10, &leader) || leader == 0 ||
	    leader > UINT32_MAX)
		return pid;
	return (uint32_t)leader;
}

/* ---- the kernel filter ---- */

/* 1: let through from now on; 0: it was already (fork was followed); negative errno. */
static int admit(struct probe *p, const struct state_task *task)
{
	struct state_target target = {.start_ns = task->start_ns}, there;
	int fd = load_table_fd(p->load, LOAD_TARGETS);

	load_mark(p->load, task->pid, true);
	for (int try = 0; try < 2; try++) {
		if (bpf_map_update_elem(fd, &task->pid, &target, BPF_NOEXIST) == 0)
			return 1;
		if (errno != EEXIST)
			return errno == E2BIG ? -ENOSPC : -errno;
		if (bpf_map_lookup_elem(fd, &task->pid, &there) == 0 && there.start_ns == task->start_ns)
			return 0;
		/* An earlier process of that pid, whose end was missed. */
		(void)bpf_map_delete_elem(fd, &task->pid);
		emit_process_final(p->settings.emit, p->settings.ctx, task->pid, there.start_ns,
				   &there.counts);
	}
	return -EAGAIN;
}

/* Lets one process through and puts it into the table. 1: new to the session; 0: known; negative errno. */
static int take_in(struct probe *p, const struct state_task *task)
{
	int r = admit(p, task);

	if (r < 0)
		return r;
	bool known = process_find(p, task->pid, task->start_ns) != NULL;
	struct process *x = process_add(p, task->pid, task->start_ns);
	if (x == NULL)
		return -ENOMEM;
	if (process_find(p, task->parent_pid, task->parent_start_ns)) {
		x->parent_pid = task->parent_pid;
		x->parent_start_ns = task->parent_start_ns;
	}
	/* Who was let through by the kernel has a fork record in the ring. */
	if (r == 0 && !known)
		x->told = true;
	return r;
}

/* Whether pid is between us and the target: sudo, a shell that waits for us. */
static bool is_above_us(const struct tasks *t, uint32_t pid)
{
	uint32_t at = (uint32_t)getpid();

	for (int i = 0; i < 64 && at != 0; i++) {
		const struct state_task *task = tasks_find(t, at);

		if (at == pid)
			return true;
		at = task ? task->parent_pid : 0;
	}
	return false;
}

/* One look at all processes: lets pid and its descendants through. How many were new; negative errno. */
static int take_in_tree(struct probe *p, uint32_t pid, const struct state_task **list)
{
	int r = tasks_read(&p->tasks, p->load);

	if (r < 0)
		return r;
	const struct state_task *task = tasks_find(&p->tasks, pid);
	if (task == NULL)
		return -ESRCH;
	int fresh = take_in(p, task);
	if (fresh < 0)
		return fresh;
	size_t n = probe_is_narrow(p) ? 0 : tasks_descendants(&p->tasks, pid, list, DESCENDANTS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (is_above_us(&p->tasks, list[i]->pid) || is_ours(p, list[i]->pid))
			continue;
		r = take_in(p, list[i]);
		/* A full table: the rest is not traced, the target itself is. */
		if (r == -ENOSPC)
			break;
		if (r < 0)
			return r;
		fresh += r;
	}
	return fresh;
}

static int take_in_all(struct probe *p, uint32_t pid)
{
	autodrop(drop_memory) const struct state_task **list =
		calloc(DESCENDANTS_MAX, sizeof(struct state_task *));
	int r = 1;

	if (list == NULL)
		return -ENOMEM;
	/* A child of an untraced process may have been born behind our look; its own children are followed. */
	for (int round = 0; round < ROUNDS_MAX && r > 0; round++)
		r = take_in_tree(p, pid, list);
	return r < 0 ? r : 0;
}

/* ---- facts ---- */

static uint32_t epoch_of(const struct probe *p, const struct process *x)
{
	struct state_target t;

	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_TARGETS), &x->pid, &t) != 0)
		return UINT32_MAX;
	return t.epoch;
}

/* An exec between our look and our word would make the older one the newer: then an exec record is in the ring, and
 * the fact is told without an image. */
static void tell_fact(struct probe *p, struct process *x)
{
	process_tell(p, x, epoch_of(p, x) == 0);
}

/* "pipe:[4711]", "socket:[4711]": the number, or 0. */
static uint64_t ino_behind(uint32_t pid, const char *descriptor)
{
	char text[PROCFS_PATH_MAX];
	uint64_t ino;

	if (procfs_link(pid, descriptor, text, sizeof(text)) < 0)
		return 0;
	struct str s = str_of(text);
	if (!str_starts(s, STR("pipe:[")) && !str_starts(s, STR("socket:[")))
		return 0;
	s = str_skip(s, (size_t)str_find_char(s, '[') + 1);
	return str_ends(s, STR("]")) && str_to_u64(str_head(s, s.n - 1), &ino) ? ino : 0;
}

/* Of who executed its program before we looked: the kernel tells it of the others. */
static void tell_stdio(struct probe *p, const struct process *x)
{
	uint64_t ino[2] = {ino_behind(x->pid, "fd/0"), ino_behind(x->pid, "fd/1")};

	if (p->settings.options & WIRE_OPT_PLAIN && ino[0] && ino[1])
		emit_stdio(p->settings.emit, p->settings.ctx, x->pid, x->start_ns, ino);
}

static void tell_new(struct probe *p)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		struct process *x = value;

		if (!x->told) {
			process_look(p, x);
			tell_fact(p, x);
			tell_stdio(p, x);
		}
	}
}

static void probe_all(struct probe *p)
{
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value))
		if (((const struct process *)value)->scans == 0)
			process_probe(p, value);
}

static void look_at_all(struct probe *p)
{
	uint64_t now = clock_now_ns();
	size_t pos = 0;
	void *value;

	while (map_next(p->processes, &pos, NULL, &value)) {
		struct process *x = value;

		if (x->scans > 0)
			continue;
		process_scan(p, x);
		process_foresee(p, x);
		x->next_ns = now;
	}
}

static int take_target(struct probe *p, uint32_t pid, struct process **out)
{
	int r = take_in_all(p, pid);

	if (r < 0)
		return r;
	const struct state_task *task = tasks_find(&p->tasks, pid);
	struct process *x = task ? process_find(p, pid, task->start_ns) : NULL;
	if (x == NULL)
		return -ESRCH;
	x->named = true;
	*out = x;
	return 0;
}

int probe_attach(struct probe *p, uint32_t pid, unsigned *mapped, const char **why)
{
	struct process *x = NULL;

	pid = leader_of(pid);
	int r = check(p, pid, why);
	if (r == 0)
		r = take_target(p, pid, &x);
	if (r < 0)
		return r;
	tell_new(p);
	/* From here on calls are seen; the rest was under way meanwhile. */
	probe_all(p);
	witness_begin(p);
	p->attached = true;
	r = probe_complete(p);
	if (r < 0)
		return r;
	look_at_all(p);
	if (mapped)
		*mapped = x->mapped;
	emit_target(p->settings.emit, p->settings.ctx, x->pid, x->start_ns);
	shed_show(p);
	return 0;
}

int probe_attach_command(struct probe *p, uint32_t pid, char *const *argv, char *const *envp, const char *cwd)
{
	struct process *x = NULL;

	if (argv == NULL || argv[0] == NULL)
		return -EINVAL;
	int r = take_target(p, pid, &x);
	if (r == 0)
		r = probe_complete(p);
	if (r < 0)
		return r;
	p->commanded = true;
	/* What runs in it now is bottrace; what it will run, its exec record tells. */
	x->scans = 1;
	process_tell(p, x, false);
	process_foresee_command(p, argv, envp, cwd);
	x->next_ns = UINT64_MAX;
	p->attached = true;
	emit_target(p->settings.emit, p->settings.ctx, x->pid, x->start_ns);
	shed_show(p);
	return 0;
}
