/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "probe/elf.h"
#include "probe/library.h"

static bool is_named(struct str path)
{
	struct str name = str_base_name(path);

	return str_starts(name, STR("ld-linux")) || str_starts(name, STR("ld-musl")) ||
	       str_starts(name, STR("ld-2.")) || str_starts(name, STR("ld.so"));
}

static int hook(struct load *load, struct load_hooks *hooks, int fd)
{
	/* r_brk of <link.h>; glibc and musl both export it. */
	struct elf_symbol symbol = {.name = "_dl_debug_state"};
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	char path[32];
	int r = elf_open(&elf, fd);

	if (r < 0)
		return r;
	if (elf_find(elf, &symbol, 1) == 0)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return load_hook_one(load, hooks, "loader_state", path, symbol.offset);
}

void loader_add_mapping(struct loaders *t, struct load *load, uint32_t pid, bool narrow,
			const struct procfs_mapping *m)
{
	uint32_t only = narrow ? pid : 0;
	uint64_t dev = (uint64_t)m->dev_major << 32 | m->dev_minor;

	if (t->count == LOADERS_MAX || !is_named(m->path))
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].dev == dev && t->list[i].ino == m->ino && t->list[i].pid == only)
			return;
	struct loader *x = &t->list[t->count++];
	*x = (struct loader){.dev = dev, .ino = m->ino, .pid = only, .hooks.pid = only};
	autodrop(drop_fd) int fd = library_open_mapping(pid, m);
	int r = fd < 0 ? fd : hook(load, &x->hooks, fd);
	if (r < 0)
		err_note(ERR_VERBOSE, "note: libraries that come through %.*s are found later: %s",
			 STR_ARG(m->path), strerror(-r));
}

void loader_add_own(struct loaders *t, struct load *load)
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (procfs_read((uint32_t)getpid(), "maps", &maps) < 0)
		return;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m))
		if (m.executable && m.ino != 0)
			loader_add_mapping(t, load, (uint32_t)getpid(), false, &m);
}

void loader_fini(struct loaders *t)
{
	for (size_t i = 0; i < t->count; i++)
		load_unhook_entries(&t->list[i].hooks);
	t->count = 0;
}
