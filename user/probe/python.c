/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/python.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "probe/emit.h"
#include "probe/engine.h"
#include "probe/interpreter.h"
#include "probe/layout.h"
#include "probe/procfs.h"

/* ---- files ---- */

struct file_key {
	uint64_t dev, ino, size;
	int64_t changed_ns;
};

/* What a file is, wherever it is mapped. */
struct file {
	bool is_interpreter;
	struct python python; /* with addresses as if it were mapped at 0 */
};

struct map *python_new_files(void)
{
	return map_new(sizeof(struct file_key), PYTHON_FILES_MAX);
}

void python_free_files(struct map *files)
{
	size_t pos = 0;
	void *value;

	while (files && map_next(files, &pos, NULL, &value))
		free(value);
	map_free(files);
}

static struct str base_name(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return str_skip(path, i);
	return path;
}

/* python3.9, libpython3.9.so.1.0, python3.13t: the 9, the 13. 0: the name does not tell. */
static unsigned minor_of(struct str path)
{
	struct str name = base_name(path);
	ptrdiff_t at = str_find(name, STR("python3."));
	unsigned minor = 0;

	if (at < 0)
		return 0;
	name = str_skip(name, (size_t)at + sizeof("python3.") - 1);
	for (size_t i = 0; i < name.n && i < 2 && name.p[i] >= '0' && name.p[i] <= '9'; i++)
		minor = minor * 10 + (unsigned)(name.p[i] - '0');
	return minor;
}

static void read_file(struct file *f, int fd, struct str path)
{
	struct interpreter in;

	if (interpreter_read(&in, fd) < 0)
		return;
	f->is_interpreter = true;
	f->python.version = in.version;
	if (in.version == 0 && minor_of(path) > 0)
		f->python.version = 3u << 24 | minor_of(path) << 16;
	if (in.has_offsets && in.offsets[2] != 0)
		f->python.flags = WIRE_PY_RUNTIME_FREE_THREADED;
	unsigned minor = f->python.version >> 24 == 3 ? f->python.version >> 16 & 0xff : 0;
	f->python.reason = layout_find(&f->python.layout, &in, minor);
}

/* The file of a mapping, looked into once; NULL: it cannot be. */
static const struct file *find_file(uint32_t pid, const struct procfs_mapping *m, struct map *files,
				    struct file *room)
{
	struct stat st;
	autodrop(drop_fd) int fd = library_open_mapping(pid, m);

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	struct file_key key = {.dev = st.st_dev,
			       .ino = st.st_ino,
			       .size = (uint64_t)st.st_size,
			       .changed_ns = st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec};
	const struct file *known = files ? map_get(files, &key) : NULL;
	if (known)
		return known;
	*room = (struct file){0};
	read_file(room, fd, m->path);
	struct file *kept = files ? malloc(sizeof(*kept)) : NULL;
	if (kept == NULL)
		return room;
	*kept = *room;
	/* A full memory only costs looking again. */
	if (map_add(files, &key, kept) < 0)
		free(kept);
	return room;
}

static bool is_candidate(const struct procfs_mapping *m)
{
	struct str name = base_name(m->path);

	return m->ino != 0 && m->offset == 0 &&
	       (str_starts(name, STR("libpython")) || str_starts(name, STR("python")));
}

bool python_find(struct python *out, uint32_t pid, struct str maps, struct map *files)
{
	struct procfs_mapping m;
	struct file room;
	unsigned looks = 0;

	/* In the order of addresses: a program comes before its libraries, and its runtime before theirs. */
	while (procfs_next_mapping(&maps, &m)) {
		if (!is_candidate(&m) || looks++ >= 8)
			continue;
		const struct file *f = find_file(pid, &m, files, &room);
		if (f == NULL || !f->is_interpreter)
			continue;
		*out = f->python;
		out->path = m.path;
		out->layout.interpreters += m.start;
		return true;
	}
	return false;
}

/* ---- words ---- */

void python_version_text(uint32_t version, char out[32])
{
	if (version == 0)
		snprintf(out, 32, "of a version that is not known");
	else if (version & 0xffff)
		snprintf(out, 32, "%u.%u.%u", version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
	else
		snprintf(out, 32, "%u.%u", version >> 24, version >> 16 & 0xff);
}

const char *python_why(uint32_t reason)
{
	switch (reason) {
	case WIRE_PY_WHOLE:
		return NULL;
	case WIRE_PY_FREE_THREADED:
		return "it is built without a GIL";
	case WIRE_PY_KERNEL:
		return "this kernel cannot walk its frames";
	default:
		return "how it lays out its memory is not known";
	}
}

/* ---- processes ---- */

/* Gives the kernel the layout. Who has ended or begun another program meanwhile takes it back. */
static void give(struct probe *p, const struct process *x, struct state_python *layout, uint32_t epoch)
{
	int pythons = load_table_fd(p->load, LOAD_PYTHONS), targets = load_table_fd(p->load, LOAD_TARGETS);
	struct state_target target;

	layout->start_ns = x->start_ns;
	layout->epoch = epoch;
	/* A full table: this one's writes have no stack. */
	if (bpf_map_update_elem(pythons, &x->pid, layout, BPF_ANY) != 0)
		return;
	if (bpf_map_lookup_elem(targets, &x->pid, &target) != 0 || target.start_ns != x->start_ns)
		(void)bpf_map_delete_elem(pythons, &x->pid);
}

void python_announce(struct probe *p, const struct process *x, struct str maps)
{
	struct python py;

	if (p->complete || !(p->settings.options & WIRE_OPT_STACKS) ||
	    !python_find(&py, x->pid, maps, p->pythons))
		return;
	if (py.reason == WIRE_PY_WHOLE)
		py.reason = load_has_stacks(p->load) ? WIRE_PY_EARLY : WIRE_PY_KERNEL;
	emit_python(p->settings.emit, p->settings.ctx, x->pid, x->start_ns, &py);
}

void python_look(struct probe *p, struct process *x, struct str maps)
{
	struct state_target target;
	struct python py;

	if (!(p->settings.options & WIRE_OPT_STACKS) || !python_find(&py, x->pid, maps, p->pythons))
		return;
	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_TARGETS), &x->pid, &target) != 0 ||
	    target.start_ns != x->start_ns || (x->python && x->python_epoch == target.epoch))
		return;
	if (py.reason == WIRE_PY_WHOLE && !load_has_stacks(p->load))
		py.reason = WIRE_PY_KERNEL;
	if (py.reason == WIRE_PY_WHOLE)
		give(p, x, &py.layout, target.epoch);
	x->python = true;
	x->python_epoch = target.epoch;
	emit_python(p->settings.emit, p->settings.ctx, x->pid, x->start_ns, &py);
}
