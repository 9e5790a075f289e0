/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/maker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "probe/code.h"
#include "probe/docstring.h"
#include "probe/elf.h"
#include "probe/site.h"

bool maker_is_named(struct str path)
{
	struct str name = str_base_name(path);

	return str_starts(name, STR("python")) || str_starts(name, STR("libpython")) ||
	       ((str_starts(name, STR("_asyncio.")) || str_starts(name, STR("_queue."))) &&
		str_ends(name, STR(".so")));
}

/* A single step at each hit is borne where there is no better place: it is said. False: nowhere. */
static bool choose(uint64_t *offset, struct elf_file *elf, uint64_t address, const char *path)
{
	const struct body_wish wish = {.arguments = CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3)};
	const char *why = NULL;
	struct site site;

	if (site_find(elf, address, 0, &wish, &site, &why) == 0) {
		*offset = site.offset;
		return true;
	}
	if (!elf_find_offset(elf, address, offset))
		return false;
	err_note(ERR_VERBOSE, "note: a probe in %s is single-stepped: %s", path, why ? why : "?");
	return true;
}

static int hook(struct maker *x, struct load *load, int fd, const char *path)
{
	static const char *const programs[MAKER_HOOKS] = {"make_task", "make_submit", "make_thread",
							  "make_thread", "make_future"};
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct docstring_makers found;
	char self[32];
	int r = docstring_find_makers(fd, &found);

	if (r == 0)
		r = elf_open(&elf, fd);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	const uint64_t places[MAKER_HOOKS] = {found.task, found.submit, found.thread[0], found.thread[1],
					      found.future};
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < MAKER_HOOKS; i++) {
		uint64_t offset;

		if (places[i] == 0 || !choose(&offset, elf, places[i], path))
			continue;
		r = load_hook_one(load, &x->hooks[i], programs[i], self, offset);
		if (r < 0)
			return r;
	}
	return 0;
}

void maker_add(struct makers *t, struct load *load, uint32_t pid, int fd, const char *path)
{
	struct stat st;

	if (t->count == MAKERS_MAX || !load_has_stacks(load) || fstat(fd, &st) != 0)
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].dev == st.st_dev && t->list[i].ino == st.st_ino && t->list[i].pid == pid)
			return;
	struct maker *x = &t->list[t->count++];
	*x = (struct maker){.dev = st.st_dev, .ino = st.st_ino, .pid = pid};
	for (size_t k = 0; k < MAKER_HOOKS; k++)
		x->hooks[k].pid = pid;
	int r = hook(x, load, fd, path);
	if (r < 0)
		err_note(ERR_VERBOSE, "note: who makes tasks and threads through %s is not seen: %s", path,
			 strerror(-r));
}

size_t maker_hooks(struct makers *t, struct load_hooks **list, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < MAKER_HOOKS && n < max; k++)
			list[n++] = &t->list[i].hooks[k];
	return n;
}

void maker_fini(struct makers *t)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < MAKER_HOOKS; k++)
			load_unhook_entries(&t->list[i].hooks[k]);
	t->count = 0;
}
