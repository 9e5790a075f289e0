/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/marker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "probe/code.h"
#include "probe/elf.h"
#include "probe/library.h"

#define FLAG_TEXT "#   bottrace flag byte: PPPPPPPP" /* P: push %rax, which can be probed */
#define FLAG_HEAD 4096				     /* bytes in which it stands */

static bool is_libc(struct str name)
{
	return str_starts(name, STR("libc.so")) || str_starts(name, STR("libc-2.")) ||
	       str_starts(name, STR("ld-musl"));
}

static bool is_module(struct str name)
{
	return str_eq(name, STR(MARKER_MODULE)) || str_starts(name, STR("memfd:bottrace-flag"));
}

bool marker_is_named(struct str path)
{
	struct str name = str_base_name(path);

	return is_libc(name) || is_module(name);
}

int marker_find_flag(int fd, uint64_t *offset)
{
	char head[FLAG_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return -errno;
	const char *p = memmem(head, (size_t)n, FLAG_TEXT, sizeof(FLAG_TEXT) - 1);
	if (p == NULL)
		return -ENOENT;
	*offset = (uint64_t)(p - head) + sizeof(FLAG_TEXT) - 1 - 8;
	return 0;
}

static int find_call(int fd, uint64_t *offset)
{
	static const struct body_wish wish = {.arguments = CODE_ARG(1) | CODE_ARG(2)};
	struct elf_symbol symbol = {.name = "inet_pton"};
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct site site;
	const char *why;
	int r = elf_open(&elf, fd);

	if (r < 0)
		return r;
	if (elf_find(elf, &symbol, 1) == 0)
		return -ENOENT;
	r = site_find(elf, symbol.address, symbol.size, &wish, &site, &why);
	*offset = r < 0 ? symbol.offset : site.offset;
	return 0;
}

static int hook(struct load *load, struct load_hooks *hooks, int fd, bool module)
{
	uint64_t offset;
	char path[32];
	int r = module ? marker_find_flag(fd, &offset) : find_call(fd, &offset);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return load_hook_one(load, hooks, module ? "mark_flag" : "mark_call", path, offset);
}

void marker_add_file(struct markers *t, struct load *load, uint32_t pid, int fd, struct str path)
{
	struct stat st;

	if (t->count == MARKERS_MAX || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].dev == st.st_dev && t->list[i].ino == st.st_ino && t->list[i].pid == pid)
			return;
	struct marker *x = &t->list[t->count++];
	*x = (struct marker){.dev = st.st_dev, .ino = st.st_ino, .pid = pid, .hooks.pid = pid};
	int r = hook(load, &x->hooks, fd, is_module(str_base_name(path)));
	if (r < 0)
		err_note(ERR_VERBOSE, "note: no markers through %.*s: %s", STR_ARG(path), strerror(-r));
}

void marker_add_mapping(struct markers *t, struct load *load, uint32_t pid, bool narrow,
			const struct procfs_mapping *m)
{
	if (!marker_is_named(m->path))
		return;
	autodrop(drop_fd) int fd = library_open_mapping(pid, m);
	if (fd >= 0)
		marker_add_file(t, load, narrow ? pid : 0, fd, m->path);
}

void marker_add_own(struct markers *t, struct load *load)
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (procfs_read((uint32_t)getpid(), "maps", &maps) < 0)
		return;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m))
		if (m.executable && m.ino != 0)
			marker_add_mapping(t, load, (uint32_t)getpid(), false, &m);
}

void marker_fini(struct markers *t)
{
	for (size_t i = 0; i < t->count; i++)
		load_unhook_entries(&t->list[i].hooks);
	t->count = 0;
}
