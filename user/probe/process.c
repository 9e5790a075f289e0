/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/foresee.h"
#include "probe/procfs.h"
#include "probe/root.h"
#include "probe/socket.h"
#include "probe/witness.h"

#define COMMAND_MAX   (4u << 20) /* argv or environment of a command: ARG_MAX and more */
#define LISTENS_SCANS 6u /* look for listening sockets in each of the first scans, then in every eighth */

/* ---- the table ---- */

struct process *process_find(const struct probe *p, uint32_t pid, uint64_t start_ns)
{
	struct state_process key = process_key(pid, start_ns);

	return map_get(p->processes, &key);
}

struct process *process_add(struct probe *p, uint32_t pid, uint64_t start_ns)
{
	struct state_process key = process_key(pid, start_ns);
	struct process *x = map_get(p->processes, &key);

	if (x != NULL)
		return x;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	x->pid = pid;
	x->start_ns = start_ns;
	if (map_add(p->processes, &key, x) < 0) {
		free(x);
		return NULL;
	}
	return x;
}

void process_remove(struct probe *p, uint32_t pid, uint64_t start_ns)
{
	struct state_process key = process_key(pid, start_ns);

	free(map_remove(p->processes, &key));
}

void process_free_all(struct probe *p)
{
	size_t pos = 0;
	void *value;

	while (p->processes && map_next(p->processes, &pos, NULL, &value))
		free(value);
	map_free(p->processes);
	p->processes = NULL;
}

/* ---- what /proc says of one ---- */

void process_tell(struct probe *p, struct process *x, bool with_image)
{
	autodrop(buf_fini) struct buf argv;
	char exe[PROCFS_PATH_MAX];
	struct procfs_stat st;
	struct emit_fact f = {
		.pid = x->pid,
		.start_ns = x->start_ns,
		.flags = x->flags,
		.parent_pid = x->parent_pid,
		.parent_start_ns = x->parent_start_ns,
	};

	buf_init(&argv, WIRE_ARGV_MAX);
	if (procfs_stat(x->pid, &st) == 0 && st.start_ticks == x->start_ns / PROCFS_TICK_NS) {
		memcpy(f.comm, st.comm, sizeof(f.comm));
		if (with_image && procfs_link(x->pid, "exe", exe, sizeof(exe)) >= 0)
			f.path = str_of(exe);
		if (with_image && procfs_read(x->pid, "cmdline", &argv) >= 0)
			f.argv = buf_str(&argv);
	}
	x->told = true;
	emit_fact(p->settings.emit, p->settings.ctx, &f);
}

/* Whether the pid still is the process that we mean. */
static bool is_same(const struct process *x)
{
	struct procfs_stat st;

	return procfs_stat(x->pid, &st) == 0 && st.start_ticks == x->start_ns / PROCFS_TICK_NS;
}

static uint64_t hash_maps(struct str maps)
{
	struct procfs_mapping m;
	uint64_t hash = 1;

	while (procfs_next_mapping(&maps, &m)) {
		uint64_t key[] = {m.start, m.end, (uint64_t)m.dev_major << 32 | m.dev_minor, m.ino};

		if ((m.executable || marker_is_named(m.path)) && m.ino != 0)
			hash = hash_u64(str_make((const char *)key, sizeof(key)), hash);
	}
	return hash ? hash : 1;
}

/* Those that are OpenSSL's by their names: calls are seen before hundreds of other files are looked into. Else all.
 * Whether there are any. */
static bool probe_files(struct probe *p, const struct process *x, struct str maps, bool named)
{
	const struct library *lib;
	struct procfs_mapping m;
	bool any = false;

	while (procfs_next_mapping(&maps, &m)) {
		if (!m.executable || m.ino == 0 || (named && !library_is_named(m.path)))
			continue;
		/* What fails here does so again in its turn, and is said then. */
		if (library_add_mapping(p->libs, x->pid, &m, &lib) == 0)
			any |= lib != NULL;
	}
	return any;
}

void process_probe(struct probe *p, const struct process *x)
{
	autodrop(buf_fini) struct buf maps;

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (!is_same(x) || procfs_read(x->pid, "maps", &maps) < 0)
		return;
	python_announce(p, x, buf_str(&maps));
	if (!probe_files(p, x, buf_str(&maps), true))
		(void)probe_files(p, x, buf_str(&maps), false);
}

/* In Python: where it makes what it runs later, in threads and tasks. */
static void probe_makers(struct probe *p, const struct process *x, struct str maps)
{
	char path[PROCFS_PATH_MAX];
	struct procfs_mapping m;

	if (!(p->settings.options & WIRE_OPT_STACKS) || !x->python)
		return;
	while (procfs_next_mapping(&maps, &m)) {
		if (!m.executable || m.ino == 0 || !maker_is_named(m.path))
			continue;
		autodrop(drop_fd) int fd = library_open_mapping(x->pid, &m);
		snprintf(path, sizeof(path), "%.*s", STR_ARG(m.path));
		if (fd >= 0)
			maker_add(&p->makers, p->load, probe_is_narrow(p) ? x->pid : 0, fd, path);
		if (fd >= 0 && audit_is_named(m.path))
			audit_add(&p->audits, p->load, probe_is_narrow(p) ? x->pid : 0, fd, path);
	}
}

/* What its executable mappings show; attach: and probes the libraries among them. */
static uint16_t scan_maps(struct probe *p, struct process *x, struct str maps, bool attach)
{
	uint64_t hash = attach ? hash_maps(maps) : 0;

	if (attach && hash == x->maps_hash)
		return x->maps_flags;
	x->maps_hash = hash;
	uint32_t last = library_last(p->libs);
	struct witness_mark mark = {0};
	if (attach) {
		witness_mark(p, x, &mark);
		python_look(p, x, maps);
		probe_makers(p, x, maps);
		(void)probe_files(p, x, maps, true);
	}
	const struct library *met[64];
	struct procfs_mapping m;
	uint16_t flags = 0;
	unsigned count = 0;

	while (procfs_next_mapping(&maps, &m)) {
		const struct library *lib = NULL;

		if (attach && m.ino != 0 && marker_is_named(m.path))
			marker_add_mapping(&p->markers, p->load, x->pid, probe_is_narrow(p), &m);
		if (!m.executable || m.ino == 0)
			continue;
		if (str_starts(str_base_name(m.path), STR("libpython")))
			flags |= WIRE_FACT_PYTHON;
		if (!attach)
			continue;
		loader_add_mapping(&p->loaders, p->load, x->pid, probe_is_narrow(p), &m);
		int r = library_add_mapping(p->libs, x->pid, &m, &lib);
		/* What the first targets did before all probes were live was before the trace. */
		if (lib != NULL && lib->id > last && p->attached)
			witness_note_late(p, x, lib, &mark);
		if (r < 0 && r != -ESRCH && r != -ENOENT && r != -EUCLEAN)
			err_note(ERR_VERBOSE, "note: no probes on %.*s of %u: %s", STR_ARG(m.path), x->pid,
				 strerror(-r));
		if (r < 0 && r != -EUCLEAN)
			x->maps_hash = 0;
		witness_note(p, x, m.path, lib != NULL, r == -EUCLEAN);
		bool again = lib == NULL;
		for (unsigned i = 0; i < count && !again; i++)
			again = met[i] == lib;
		if (!again && count < 64)
			met[count++] = lib;
	}
	x->mapped = count;
	x->maps_flags = count ? flags | WIRE_FACT_TLS : flags;
	return x->maps_flags;
}

/* False when the process is gone, or may not be looked at. */
static bool find_flags(struct probe *p, struct process *x, bool attach, uint16_t *flags)
{
	autodrop(buf_fini) struct buf maps;
	char exe[PROCFS_PATH_MAX];

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (!is_same(x) || procfs_read(x->pid, "maps", &maps) < 0)
		return false;
	*flags = scan_maps(p, x, buf_str(&maps), attach);
	if (procfs_link(x->pid, "exe", exe, sizeof(exe)) >= 0) {
		struct str name = str_base_name(str_of(exe));

		if (str_starts(name, STR("python")) || str_starts(name, STR("pypy")))
			*flags |= WIRE_FACT_PYTHON;
	}
	if (!x->listens && (x->scans < LISTENS_SCANS || x->scans % 8 == 0))
		x->listens = socket_listens(x->pid);
	if (x->listens)
		*flags |= WIRE_FACT_LISTENS;
	return true;
}

void process_look(struct probe *p, struct process *x)
{
	uint16_t flags;

	if (find_flags(p, x, false, &flags))
		x->flags = flags;
}

void process_scan(struct probe *p, struct process *x)
{
	uint16_t flags;

	if (!find_flags(p, x, true, &flags))
		return;
	x->scans++;
	x->scanned_ns = clock_now_ns();
	if (flags == x->flags)
		return;
	x->flags = flags;
	if (x->told)
		process_tell(p, x, false);
}

/* ---- what it will load ---- */

struct finder {
	struct probe *p;
	uint32_t pid; /* 0: none yet */
	int root;
};

static void found(void *ctx, const char *path)
{
	struct finder *f = ctx;

	if ((f->p->settings.options & WIRE_OPT_STACKS) && maker_is_named(str_of(path))) {
		autodrop(drop_fd) int fd = root_open_file(f->root, path);

		if (fd >= 0)
			maker_add(&f->p->makers, f->p->load, probe_is_narrow(f->p) ? f->pid : 0, fd, path);
		if (fd >= 0 && audit_is_named(str_of(path)))
			audit_add(&f->p->audits, f->p->load, probe_is_narrow(f->p) ? f->pid : 0, fd, path);
	}
	const struct library *lib;

	if (marker_is_named(str_of(path))) {
		autodrop(drop_fd) int fd = root_open_file(f->root, path);

		if (fd >= 0)
			marker_add_file(&f->p->markers, f->p->load, probe_is_narrow(f->p) ? f->pid : 0, fd,
					str_of(path));
		return;
	}
	int r = library_add_path(f->p->libs, f->root, f->pid, path, &lib);

	if (r < 0 && r != -ENOENT)
		err_note(ERR_VERBOSE, "note: no probes on %s: %s", path, strerror(-r));
}

/* Whether this program with this search path was looked at before; remembers it. */
static bool is_foreseen(struct probe *p, uint32_t pid, struct str env)
{
	struct {
		uint64_t dev, ino, search;
	} key = {0};
	dev_t dev;
	ino_t ino;

	if (procfs_identity(pid, "exe", &dev, &ino) < 0)
		return false;
	key.dev = dev;
	key.ino = ino;
	key.search = hash_u64(procfs_variable(env, STR("LD_LIBRARY_PATH")), 0) ^
		     hash_u64(procfs_variable(env, STR("PATH")), 1);
	if (map_get(p->foreseen, &key))
		return true;
	/* A full memory only costs looking again. */
	if (map_add(p->foreseen, &key, p) < 0)
		return false;
	return false;
}

/* /proc names files from our root; a process in another one sees them without what leads there. */
static void strip_root(uint32_t pid, char *path)
{
	char top[PROCFS_PATH_MAX];
	int n = procfs_link(pid, "root", top, sizeof(top));

	if (n > 1 && strncmp(path, top, (size_t)n) == 0 && path[n] == '/')
		memmove(path, path + n, strlen(path + n) + 1);
}

void process_foresee(struct probe *p, struct process *x)
{
	autodrop(buf_fini) struct buf env, argv;
	char exe[PROCFS_PATH_MAX], cwd[PROCFS_PATH_MAX];
	struct finder f = {.p = p, .pid = x->pid};

	buf_init(&env, PROCFS_ENVIRON_MAX);
	buf_init(&argv, WIRE_ARGV_MAX);
	if (procfs_read(x->pid, "environ", &env) < 0 ||
	    (!probe_is_narrow(p) && is_foreseen(p, x->pid, buf_str(&env))))
		return;
	if (procfs_link(x->pid, "exe", exe, sizeof(exe)) < 0)
		return;
	if (procfs_link(x->pid, "cwd", cwd, sizeof(cwd)) < 0)
		memcpy(cwd, "/", 2);
	strip_root(x->pid, exe);
	strip_root(x->pid, cwd);
	if (procfs_read(x->pid, "cmdline", &argv) < 0)
		buf_clear(&argv);
	f.root = root_open(x->pid);
	if (f.root < 0)
		return;
	autodrop(drop_fd) int root = f.root;
	struct foresee_request request = {
		.root = root,
		.program = exe,
		.argv = buf_str(&argv),
		.env = buf_str(&env),
		.cwd = cwd,
		.found = found,
		.ctx = &f,
	};
	if (foresee_libraries(&request) < 0)
		err_note(ERR_VERBOSE, "note: out of memory while looking for libraries of %u", x->pid);
}

static void join(struct buf *out, char *const *list)
{
	for (; list && *list; list++)
		buf_add(out, str_make(*list, strlen(*list) + 1));
}

void process_foresee_command(struct probe *p, char *const *argv, char *const *envp, const char *cwd)
{
	autodrop(buf_fini) struct buf args, env;
	struct finder f = {.p = p};

	buf_init(&args, COMMAND_MAX);
	buf_init(&env, COMMAND_MAX);
	join(&args, argv);
	join(&env, envp);
	autodrop(drop_fd) int root = root_open(0);
	f.root = root;
	struct foresee_request request = {
		.root = root,
		.program = argv[0],
		.argv = buf_str(&args),
		.env = buf_str(&env),
		.cwd = cwd,
		.found = found,
		.ctx = &f,
	};
	if (root < 0 || foresee_libraries(&request) < 0)
		err_note(ERR_VERBOSE, "note: cannot look for libraries of %s", argv[0]);
}
