/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "bottrace.skel.h"
#include "probe/feature.h"
#include "probe/link.h"
#include "probe/refusal.h"
#include "probe/rule.h"
#include "probe/walk.h"
#include "probe/walker.h"
#include "probe/warm.h"
#include "state.h"

#define RETURNS_AFTER_NS 5000000 /* at detach, for calls that are in a library */
#define WALKS_PREALLOCATED \
	256 /* threads that have scratch for their stacks, where maps are not filled as needed */

struct load {
	struct bottrace *skel;
	struct bpf_link *follow[3];
	struct bpf_link *socks; /* NULL: this kernel has no such tracepoint */
	struct bpf_link *plain[2];
	struct bpf_program *returns;
	struct wire_shared *shared;
	struct walks walks;
	struct warm warm;
	bool multi;
	bool narrow; /* a multi link's pid means the process */
	/* One program for all functions (cookies and bpf_loop, 5.17); else one for each, which do not know their library. */
	bool cookies;
	/* One program and one link see entry and return of a call (6.13); who is not traced pays for the entry alone. */
	bool session;
	bool kept;  /* what was kept was used */
	bool spend; /* what probes do is counted */
	bool has_plain;
	bool stacks; /* Python stacks can be walked */
	bool values; /* and values of their frames read by: */
	struct rule_table rules;
};

/* ---- open, close ---- */

static struct str object_bytes(void)
{
	size_t size;
	const void *p = bottrace__elf_bytes(&size);

	return str_make(p, size);
}

/* What calls of libraries return to: of one kind, or the kernel refuses to go from one to the other. */
static enum bpf_attach_type attach_type(const struct load *l)
{
	return l->session ? LINK_SESSION : BPF_TRACE_UPROBE_MULTI;
}

static struct walker walker_of(const struct load *l)
{
	return (struct walker){.stacks = l->stacks,
			       .plain = l->has_plain,
			       .values = l->values,
			       .loop = l->cookies,
			       .attach_type = l->multi ? (int)attach_type(l) : -1};
}

/* One of the sets of bpf/tls.bpf.c; only what will be attached is loaded, and iterators only when none are kept. */
static void choose_programs(struct load *l, bool mappers)
{
	const struct walker walker = walker_of(l);
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, l->skel->obj)
	{
		const char *name = bpf_program__name(prog);

		if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING)
			bpf_program__set_autoload(prog,
						  !l->kept && (mappers || prog != l->skel->progs.mappers));
		if (l->multi && (strncmp(name, "loader_", 7) == 0 || strncmp(name, "mark_", 5) == 0))
			bpf_program__set_expected_attach_type(prog, BPF_TRACE_UPROBE_MULTI);
		if (strncmp(name, "python_", 7) == 0 || strncmp(name, "make_", 5) == 0)
			walker_choose(&walker, prog);
		if (strncmp(name, "plain_", 6) == 0)
			bpf_program__set_autoload(prog, l->has_plain);
		if (strncmp(name, "tls_", 4) != 0)
			continue;
		bool both = strcmp(name, "tls_call") == 0;
		bool any = strcmp(name, "tls_enter") == 0 || strcmp(name, "tls_return") == 0;
		if (l->multi)
			bpf_program__set_expected_attach_type(prog,
							      both ? attach_type(l) : BPF_TRACE_UPROBE_MULTI);
		bpf_program__set_autoload(prog, l->session ? both : !both && any == l->cookies);
	}
}

static int map_shared(struct load *l)
{
	void *p = mmap(NULL, sizeof(*l->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(l->skel->maps.shared), 0);

	if (p == MAP_FAILED)
		return -errno;
	l->shared = p;
	return 0;
}

struct wire_shared *load_shared(const struct load *l)
{
	return l->shared;
}

/* 18 MB that are not filled before they are needed. uprobe_multi (6.6) is younger than bpf_mem_alloc (6.1), without
 * which a map must not allocate under a tracing program. */
static int choose_maps(struct load *l, uint64_t ring_bytes)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, l->skel->obj)
	{
		if (!l->multi || bpf_map__type(map) != BPF_MAP_TYPE_HASH)
			continue;
		int r = bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_NO_PREALLOC);
		if (r < 0)
			return r;
	}
	/* Filled before it is needed: 3 MB. */
	int r = l->multi ? 0 : bpf_map__set_max_entries(l->skel->maps.walks, WALKS_PREALLOCATED);
	if (r == 0 && l->values)
		r = walker_size(l->skel->obj, &l->rules);
	return r < 0 ? r : bpf_map__set_max_entries(l->skel->maps.ring, (uint32_t)ring_bytes);
}

/* k: what was kept, or NULL. */
static int load_all(struct load *l, uint64_t ring_bytes, const struct kept *k, bool mappers)
{
	const struct walker walker = walker_of(l);
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char types[32];

	if (k) {
		snprintf(types, sizeof(types), "/proc/self/fd/%d", k->types);
		opts.btf_custom_path = types;
	}
	l->kept = k != NULL;
	l->skel = bottrace__open_opts(&opts);
	if (l->skel == NULL)
		return -errno;
	choose_programs(l, mappers);
	l->skel->rodata->count_spent = l->spend;
	l->skel->rodata->walk_stacks = l->stacks;
	l->skel->rodata->walk_in_session = l->session;
	l->skel->rodata->read_values = l->stacks && l->values;
	l->returns = l->cookies ? l->skel->progs.tls_return : l->skel->progs.tls_return_plain;
	int r = choose_maps(l, ring_bytes);
	if (r == 0)
		r = bottrace__load(l->skel);
	if (r == 0)
		r = k ? walk_load(&l->walks, k, l->skel->obj) : walk_find(&l->walks, l->skel->obj);
	if (r == 0)
		r = map_shared(l);
	if (r == 0)
		r = walker_set(&walker, l->skel->obj, &l->rules);
	if (r < 0) {
		walk_fini(&l->walks);
		bottrace__destroy(take(l->skel));
	}
	return r;
}

/* Kernels before 5.12 have no walk over mappings, and say so in ways of their own. */
static int load_fresh(struct load *l, uint64_t ring_bytes)
{
	int r = load_all(l, ring_bytes, NULL, true);
	bool final = r == 0 || r == -EPERM || r == -EACCES || r == -ENOMEM;

	return final ? r : load_all(l, ring_bytes, NULL, false);
}

static int load_somehow(struct load *l, uint64_t ring_bytes)
{
	autodrop(kept_fini) struct kept k;
	int r = kept_open(&k, object_bytes());

	if (r == 0)
		r = load_all(l, ring_bytes, &k, true);
	if (r == 0)
		return 0;
	err_note(ERR_DEBUG, "nothing that was kept can be loaded: %s", strerror(-r));
	r = load_fresh(l, ring_bytes);
	/* Without a JIT no program goes over to another one. */
	if (l->stacks && r < 0 && r != -EPERM && r != -ENOMEM) {
		err_note(ERR_DEBUG, "the walk over Python frames cannot be loaded: %s", strerror(-r));
		l->stacks = false;
		r = load_fresh(l, ring_bytes);
	}
	return r;
}

int load_open(struct load **out, const struct load_settings *settings, struct load_trouble *why)
{
	*why = (struct load_trouble){0};
	int multi = feature_ask_multi();
	if (multi < 0)
		return refusal_explain(multi, why, true);
	if (settings->ring_bytes < LIMIT_RING_MIN || settings->ring_bytes > UINT32_MAX)
		return -EINVAL;
	autodrop(drop_load) struct load *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return refusal_explain(-ENOMEM, why, multi);
	l->multi = multi;
	l->session = multi && feature_ask_session() == 1;
	l->narrow = multi && feature_ask_narrow() == 1;
	l->cookies = multi || (feature_ask_cookies() == 1 && feature_ask_loop() == 1);
	l->spend = settings->spend;
	l->has_plain = settings->plain;
	l->stacks = settings->stacks;
	l->values = settings->stacks && settings->rules;
	if (l->values && rule_make(&l->rules, settings->rules) < 0)
		return refusal_explain(-ENOMEM, why, multi);
	if (l->rules.left_out > 0)
		err_note(ERR_VERBOSE,
			 "note: %u rules for names of agents and tools are too long for the kernel",
			 l->rules.left_out);
	if (l->multi)
		warm_start(&l->warm);
	int r = load_somehow(l, settings->ring_bytes);
	if (r < 0 && l->has_plain) { /* who lacks a right is told so by the second try */
		l->has_plain = false;
		l->stacks = settings->stacks;
		r = load_somehow(l, settings->ring_bytes);
	}
	rule_fini(&l->rules);
	if (r < 0)
		return refusal_explain(r, why, multi);
	*out = take(l);
	return 0;
}

void load_keep(struct load *l)
{
	if (l->kept)
		return;
	l->kept = true;
	int r = walk_keep(object_bytes(), l->skel->obj);
	if (r < 0)
		err_note(ERR_DEBUG, "how programs are loaded here cannot be kept: %s", strerror(-r));
	(void)malloc_trim(0); /* all of the kernel's types were read once more */
}

void load_close(struct load *l)
{
	if (l == NULL)
		return;
	warm_stop(&l->warm);
	load_unfollow(l);
	walk_fini(&l->walks);
	if (l->shared)
		munmap(l->shared, sizeof(*l->shared));
	bottrace__destroy(l->skel);
	rule_fini(&l->rules);
	free(l);
}

int load_table_fd(const struct load *l, enum load_table table)
{
	struct bpf_map *maps[LOAD_TABLES] = {
		[LOAD_RING] = l->skel->maps.ring,	[LOAD_SHARED] = l->skel->maps.shared,
		[LOAD_TARGETS] = l->skel->maps.targets, [LOAD_DEPARTED] = l->skel->maps.departed,
		[LOAD_CONNS] = l->skel->maps.conns,	[LOAD_CONN_FINALS] = l->skel->maps.conn_finals,
		[LOAD_ORPHANS] = l->skel->maps.orphans, [LOAD_NOTIFY] = l->skel->maps.notify,
		[LOAD_WIRES] = l->skel->maps.wires,	[LOAD_VERDICTS] = l->skel->maps.verdicts,
		[LOAD_SPENT] = l->skel->maps.spent,	[LOAD_PYTHONS] = l->skel->maps.pythons,
	};

	return bpf_map__fd(maps[table]);
}

bool load_has_multi(const struct load *l)
{
	return l->multi;
}

bool load_has_narrow(const struct load *l)
{
	return l->narrow || !l->multi;
}

bool load_has_stacks(const struct load *l)
{
	return l->stacks;
}

/* ---- processes ---- */

int load_follow(struct load *l, bool children)
{
	struct bpf_program *progs[3] = {l->skel->progs.proc_fork, l->skel->progs.proc_exec,
					l->skel->progs.proc_exit};

	for (size_t i = children ? 0 : 1; i < 3; i++) {
		l->follow[i] = bpf_program__attach(progs[i]);
		if (l->follow[i] == NULL) {
			int r = -errno;

			load_unfollow(l);
			return r;
		}
	}
	l->socks = bpf_program__attach(l->skel->progs.sock_state);
	return 0;
}

void load_pause_plain(struct load *l, bool pause)
{
	if (!l->plain[0] || pause == !l->plain[1])
		return;
	l->skel->bss->plain_turn += !pause;
	bpf_link__destroy(l->plain[1]);
	l->plain[1] = pause ? NULL : bpf_program__attach(l->skel->progs.plain_call); /* or it stays paused */
}

int load_follow_plain(struct load *l, bool all, bool whole)
{
	struct bpf_program *progs[2] = {l->skel->progs.plain_exec, l->skel->progs.plain_call};

	if (!l->has_plain)
		return -ENOTSUP;
	l->skel->bss->plain_all = all;
	l->skel->bss->plain_whole = whole;
	for (size_t i = 0; i < 2; i++) {
		l->plain[i] = bpf_program__attach(progs[i]);
		if (l->plain[i] == NULL)
			return -errno;
	}
	return 0;
}

void load_mark(struct load *l, uint32_t pid, bool traced)
{
	l->skel->bss->filter_marks[pid % STATE_MARKS] = traced;
}

void load_unfollow(struct load *l)
{
	for (size_t i = 0; i < 2; i++) {
		bpf_link__destroy(l->plain[i]);
		l->plain[i] = NULL;
	}
	for (size_t i = 0; i < 3; i++) {
		bpf_link__destroy(l->follow[i]);
		l->follow[i] = NULL;
	}
	bpf_link__destroy(l->socks);
	l->socks = NULL;
}

int load_open_tasks(struct load *l)
{
	return walk_open(&l->walks, WALK_TASKS);
}

int load_open_mappers(struct load *l, uint64_t ino)
{
	l->skel->bss->mappers_ino = ino;
	return walk_open(&l->walks, WALK_MAPPERS);
}

int load_walk_socks(struct load *l, bool files)
{
	return walk_run(&l->walks, files ? WALK_FILES : WALK_SOCKS, bpf_map__fd(l->skel->maps.socks));
}

/* ---- files ---- */

static int hook_multi(const struct bpf_program *prog, const struct link_places *places)
{
	int fd = link_open_many(bpf_program__fd(prog), bpf_program__expected_attach_type(prog), places);

	return fd < 0 ? fd : fd + 1;
}

/* The program for attachments without cookies: tls_enter_ssl_read for SSL_read. */
static struct bpf_program *program_of(struct load *l, uint32_t fn)
{
	char name[64];

	snprintf(name, sizeof(name), "tls_enter_%s", site_name(fn));
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	return bpf_object__find_program_by_name(l->skel->obj, name);
}

static int hook_perf(struct bpf_link **link, const struct bpf_program *prog, uint32_t pid, const char *path,
		     uint64_t offset, uint64_t cookie, bool returns)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = returns, .bpf_cookie = cookie);

	if (prog == NULL)
		return -ENOENT;
	*link = bpf_program__attach_uprobe_opts(prog, pid ? (pid_t)pid : -1, path, offset, &opts);
	return *link ? 0 : -errno;
}

static uint32_t pid_of(const struct load *l, const struct load_hooks *h)
{
	return load_has_narrow(l) ? h->pid : 0;
}

int load_hook_returns(struct load *l, struct load_hooks *h, const char *path, const struct site *sites,
		      size_t count)
{
	unsigned long offsets[LOAD_HOOKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && i < LOAD_HOOKS_MAX; i++)
		if (sites[i].returns)
			offsets[n++] = sites[i].offset;
	if (l->session) /* they come with the entries */
		return 0;
	if (l->multi) {
		const struct link_places places = {
			.path = path, .offsets = offsets, .count = n, .pid = pid_of(l, h), .returns = true};
		int fd = hook_multi(l->returns, &places);

		if (fd < 0)
			return fd;
		h->returns_fd = fd;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		int r = hook_perf(&h->returns[i], l->returns, pid_of(l, h), path, offsets[i], 0, true);

		if (r < 0) {
			load_unhook_returns(h);
			return r;
		}
	}
	return 0;
}

int load_hook_entries(struct load *l, struct load_hooks *h, const char *path, const struct site *sites,
		      size_t count, uint32_t lib)
{
	unsigned long offsets[LOAD_HOOKS_MAX];
	uint64_t cookies[LOAD_HOOKS_MAX];

	if (count > LOAD_HOOKS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++) {
		offsets[i] = sites[i].offset;
		cookies[i] = sites[i].fn | (uint64_t)lib << STATE_COOKIE_LIB;
		if (sites[i].emulated)
			cookies[i] |= STATE_COOKIE_EMULATED;
		if (l->session && !sites[i].returns)
			cookies[i] |= STATE_COOKIE_ENTRY;
	}
	if (l->multi) {
		const struct bpf_program *prog =
			l->session ? l->skel->progs.tls_call : l->skel->progs.tls_enter;
		const struct link_places places = {.path = path,
						   .offsets = offsets,
						   .cookies = cookies,
						   .count = count,
						   .pid = pid_of(l, h)};
		int fd = hook_multi(prog, &places);

		if (fd < 0)
			return fd;
		/* What sees returns stays until nobody waits for one. */
		*(l->session ? &h->returns_fd : &h->entries_fd) = fd;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		const struct bpf_program *prog =
			l->cookies ? l->skel->progs.tls_enter : program_of(l, sites[i].fn);
		int r = hook_perf(&h->entries[i], prog, pid_of(l, h), path, offsets[i],
				  l->cookies ? cookies[i] : 0, false);

		if (r < 0) {
			load_unhook_entries(h);
			return r;
		}
	}
	return 0;
}

int load_hook_one(struct load *l, struct load_hooks *h, const char *program, const char *path,
		  uint64_t offset)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(l->skel->obj, program);
	const unsigned long offsets[] = {offset};
	const struct link_places places = {.path = path, .offsets = offsets, .count = 1, .pid = pid_of(l, h)};

	if (!l->multi)
		return hook_perf(&h->entries[0], prog, pid_of(l, h), path, offset, 0, false);
	int fd = hook_multi(prog, &places);
	if (fd < 0)
		return fd;
	h->entries_fd = fd;
	return 0;
}

static void unhook(int *fd, struct bpf_link *links[LOAD_HOOKS_MAX])
{
	if (*fd > 0)
		close(*fd - 1);
	*fd = 0;
	for (size_t i = 0; i < LOAD_HOOKS_MAX; i++) {
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
}

void load_unhook_entries(struct load_hooks *h)
{
	unhook(&h->entries_fd, h->entries);
}

void load_unhook_returns(struct load_hooks *h)
{
	unhook(&h->returns_fd, h->returns);
}

static void *run_unhook_entries(void *h)
{
	load_unhook_entries(h);
	return NULL;
}

static void *run_unhook_returns(void *h)
{
	load_unhook_returns(h);
	return NULL;
}

static bool has_links(int fd, struct bpf_link *const links[LOAD_HOOKS_MAX])
{
	for (size_t i = 0; i < LOAD_HOOKS_MAX; i++)
		if (links[i])
			return true;
	return fd > 0;
}

static void join_all(const pthread_t *threads, size_t *n)
{
	while (*n > 0)
		(void)pthread_join(threads[--*n], NULL);
}

/*
 * Closing a link waits, for tens of ms, until no program of it can be in flight; waits that begin within some ms of each
 * other are one. So all are closed beside each other. That no call is entered whose return nobody sees does not hang on
 * their order then: from the first line on none is entered, and those that were have until the returns' links, or those
 * of both, are closed.
 */
void load_unhook_all(struct load *l, struct load_hooks *const *list, size_t count)
{
	const struct timespec grace = {.tv_nsec = RETURNS_AFTER_NS};
	enum { BESIDE = 64 };
	pthread_t threads[BESIDE];
	size_t n = 0;

	__atomic_store_n(&l->skel->bss->tls_ending, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < 2 * count; i++) {
		struct load_hooks *h = list[i % count];
		bool returns = i >= count;

		if (i == count)
			(void)nanosleep(&grace, NULL);
		if (n == BESIDE)
			join_all(threads, &n);
		if (!(returns ? has_links(h->returns_fd, h->returns) : has_links(h->entries_fd, h->entries)))
			continue;
		void *(*run)(void *) = returns ? run_unhook_returns : run_unhook_entries;
		if (pthread_create(&threads[n], NULL, run, h) == 0)
			n++;
		else
			(void)run(h);
	}
	join_all(threads, &n);
}
