/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/audit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "probe/code.h"
#include "probe/docstring.h"
#include "probe/elf.h"
#include "probe/site.h"
#include "probe/usdt.h"

/* ---- which events ---- */

static const struct {
	const char *name;
	struct state_audit what;
} wanted[] = {
	{"subprocess.Popen", {.event = WIRE_PY_POPEN, .wants = 1 | 2 | 4}},
	{"os.exec", {.event = WIRE_PY_EXEC, .wants = 1 | 2}},
	{"os.posix_spawn", {.event = WIRE_PY_SPAWN, .wants = 1 | 2}},
	{"os.system", {.event = WIRE_PY_SYSTEM, .wants = 1}},
	{"open", {.event = WIRE_PY_OPEN, .wants = 1 | 2 | 4, .flags = STATE_AUDIT_WRITES}},
	{"socket.connect", {.event = WIRE_PY_CONNECT, .wants = 2}},
	{"sqlite3.connect", {.event = WIRE_PY_SQLITE, .wants = 1}},
	{"urllib.Request", {.event = WIRE_PY_URL, .wants = 1 | 8}},
	{"exec", {.event = WIRE_PY_RUN, .wants = 1 | 2, .flags = STATE_AUDIT_CODE}},
	{"compile", {.event = WIRE_PY_COMPILE, .wants = 1 | 2, .flags = STATE_AUDIT_TEXT}},
	{"cpython._PySys_ClearAuditHooks", {.flags = STATE_AUDIT_END}},
};

int audit_fill(struct load *load)
{
	int fd = load_table_fd(load, LOAD_AUDIT_NAMES);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct state_audit_name name = {0};

		snprintf(name.text, sizeof(name.text), "%s", wanted[i].name);
		if (bpf_map_update_elem(fd, &name, &wanted[i].what, BPF_ANY) != 0)
			return -errno;
	}
	return 0;
}

/* ---- where ---- */

bool audit_is_named(struct str path)
{
	struct str name = str_base_name(path);

	return str_starts(name, STR("python")) || str_starts(name, STR("libpython"));
}

/* A program for the sites of one name. */
struct kind {
	const char *site, *program;
};

static const struct kind kinds[] = {
	{"audit", "audit_usdt"},
	{"gc__start", "audit_gc_start"},
	{"gc__done", "audit_gc_done"},
	{"import__find__load__start", "audit_load_start"},
	{"import__find__load__done", "audit_load_done"},
};

#define KINDS	    (sizeof(kinds) / sizeof(kinds[0]))
#define HOOK_CALL   KINDS
#define HOOK_METHOD (KINDS + 1)
#define HOOK_RAISE  (KINDS + 2)

static int hook_sites(struct load *load, struct load_hooks *hooks, const char *path,
		      const struct usdt_site *sites, size_t count, const struct kind *kind)
{
	struct load_place places[LOAD_HOOKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && n < LOAD_HOOKS_MAX; i++)
		if (strcmp(sites[i].name, kind->site) == 0)
			places[n++] = (struct load_place){.offset = sites[i].offset,
							  .counter = sites[i].counter,
							  .cookie = sites[i].cookie};
	return n ? load_hook_places(load, hooks, kind->program, path, places, n) : -ENOENT;
}

/* 0; -ENOENT: it has none; -ENOTSUP: this kernel cannot tell one from another. */
static int hook_usdt(struct audit *x, struct load *load, int fd, const char *path)
{
	struct usdt_site sites[USDT_SITES_MAX];
	int count = usdt_find(fd, "python", sites);

	if (count <= 0)
		return count ? count : -ENOENT;
	for (size_t i = 1; i < KINDS; i++) {
		int r = hook_sites(load, &x->hooks[i], path, sites, (size_t)count, &kinds[i]);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return hook_sites(load, &x->hooks[0], path, sites, (size_t)count, &kinds[0]);
}

/* A single step at each hit is borne where there is no better place: it is said. */
static int hook_function(struct load *load, struct load_hooks *hooks, const char *program, const char *self,
			 struct elf_file *elf, uint64_t address, uint64_t size, uint8_t arguments)
{
	const struct body_wish wish = {.arguments = arguments};
	const char *why = NULL;
	uint64_t offset;
	struct site site;

	if (site_find(elf, address, size, &wish, &site, &why) == 0)
		return load_hook_one(load, hooks, program, self, site.offset);
	if (!elf_find_offset(elf, address, &offset))
		return -ENOENT;
	err_note(ERR_VERBOSE, "note: a probe for %s is single-stepped: %s", program, why ? why : "?");
	return load_hook_one(load, hooks, program, self, offset);
}

static int hook_calls(struct audit *x, struct load *load, int fd, struct elf_file *elf, const char *self)
{
	struct elf_symbol symbol = {.name = "PySys_Audit"};
	uint64_t method;

	if (elf_find(elf, &symbol, 1) == 0)
		return -ENOENT;
	int r = hook_function(load, &x->hooks[HOOK_CALL], "audit_call", self, elf, symbol.address,
			      symbol.size,
			      CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3) | CODE_ARG(4) | CODE_ARG(5));
	if (r == 0)
		r = docstring_find_audit(fd, &method);
	if (r < 0)
		return r;
	return hook_function(load, &x->hooks[HOOK_METHOD], "audit_method", self, elf, method, 0,
			     CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3));
}

static int hook_raise(struct audit *x, struct load *load, struct elf_file *elf, const char *self)
{
	struct elf_symbol symbol = {.name = "PyTraceBack_Here"};

	if (elf_find(elf, &symbol, 1) == 0)
		return -ENOENT;
	return hook_function(load, &x->hooks[HOOK_RAISE], "audit_raise", self, elf, symbol.address,
			     symbol.size, CODE_ARG(1));
}

static int hook(struct audit *x, struct load *load, int fd)
{
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = elf_open(&elf, fd);
	if (r < 0)
		return r;
	r = hook_raise(x, load, elf, self);
	if (r < 0)
		return r;
	r = hook_usdt(x, load, fd, self);
	return r == 0 ? 0 : hook_calls(x, load, fd, elf, self);
}

void audit_add(struct audits *t, struct load *load, uint32_t pid, int fd, const char *path)
{
	struct stat st;

	if (t->count == AUDITS_MAX || !load_has_events(load) || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].dev == st.st_dev && t->list[i].ino == st.st_ino && t->list[i].pid == pid)
			return;
	struct audit *x = &t->list[t->count++];
	*x = (struct audit){.dev = st.st_dev, .ino = st.st_ino, .pid = pid};
	for (size_t k = 0; k < AUDIT_HOOKS; k++)
		x->hooks[k].pid = pid;
	int r = hook(x, load, fd);
	if (r < 0 && r != -ENOENT)
		err_note(ERR_VERBOSE, "note: what code does through %s is not all seen: %s", path,
			 strerror(-r));
}

size_t audit_hooks(struct audits *t, struct load_hooks **list, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < AUDIT_HOOKS && n < max; k++)
			list[n++] = &t->list[i].hooks[k];
	return n;
}

const char *audit_way(int fd)
{
	struct elf_symbol symbol = {.name = "PySys_Audit"};
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct usdt_site sites[USDT_SITES_MAX];
	int count = usdt_find(fd, "python", sites);

	for (int i = 0; i < count; i++)
		if (strcmp(sites[i].name, kinds[0].site) == 0)
			return "usdt";
	return elf_open(&elf, fd) == 0 && elf_find(elf, &symbol, 1) > 0 ? "calls" : NULL;
}

void audit_fini(struct audits *t)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < AUDIT_HOOKS; k++)
			load_unhook_entries(&t->list[i].hooks[k]);
	t->count = 0;
}
