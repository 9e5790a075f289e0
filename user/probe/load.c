/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "probe/feature.h"
#include "probe/grace.h"
#include "probe/link.h"
#include "probe/object.h"
#include "probe/refusal.h"
#include "probe/warm.h"
#include "state.h"

#define RETURNS_AFTER_NS 5000000 /* at detach, for calls that are in a library */
#define CLOSERS_MAX	 64

struct load {
	struct object o;
	int follow[3]; /* links + 1; 0: none */
	int socks;     /* 0: this kernel has no such tracepoint */
	int plain[2];
	struct warm warm;
	pthread_t closers[CLOSERS_MAX]; /* that take links away */
	size_t closer_count;
	bool narrow; /* a multi link's pid means the process */
};

/* ---- open, close ---- */

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
	ring_start(&l->o.ring, (uint32_t)settings->ring_bytes);
	l->o.multi = multi;
	/*
	 * Not with links to one process: where two such links share a place, the kernel runs neither's program for the other's
	 * process, but takes that for "the return is wanted", and puts its own address over what lies on top of the stack. Within a
	 * function that is no return address, and the process dies of it.
	 */
	l->o.session = multi && !settings->narrow && feature_ask_session() == 1;
	l->narrow = multi && feature_ask_narrow() == 1;
	l->o.cookies = multi || (feature_ask_cookies() == 1 && feature_ask_loop() == 1);
	l->o.spend = settings->spend;
	l->o.plain = settings->plain;
	l->o.stacks = settings->stacks;
	l->o.events = settings->events;
	l->o.values = settings->stacks && settings->rules;
	if (l->o.values && rule_make(&l->o.rules, settings->rules) < 0)
		return refusal_explain(-ENOMEM, why, multi);
	if (l->o.rules.left_out > 0)
		err_note(ERR_VERBOSE,
			 "note: %u rules for names of agents and tools are too long for the kernel",
			 l->o.rules.left_out);
	if (multi)
		warm_start(&l->warm);
	int r = object_load(&l->o);
	if (r < 0)
		return refusal_explain(r, why, multi);
	*out = take(l);
	return 0;
}

int load_finish(struct load *l)
{
	int r = object_finish(&l->o);

	rule_fini(&l->o.rules); /* the kernel has them, or never will */
	return r;
}

void load_keep(struct load *l)
{
	warm_end(&l->warm);
	object_keep(&l->o);
}

void load_close(struct load *l)
{
	if (l == NULL)
		return;
	load_wait_gone(l);
	warm_stop(&l->warm);
	load_unfollow(l);
	object_unload(&l->o);
	ring_fini(&l->o.ring);
	rule_fini(&l->o.rules);
	free(l);
}

struct wire_shared *load_shared(const struct load *l)
{
	return l->o.shared;
}

int load_table_fd(const struct load *l, enum load_table table)
{
	static const char *const names[LOAD_TABLES] = {
		[LOAD_RING] = "ring",
		[LOAD_SHARED] = "shared",
		[LOAD_TARGETS] = "targets",
		[LOAD_DEPARTED] = "departed",
		[LOAD_CONNS] = "conns",
		[LOAD_CONN_FINALS] = "conn_finals",
		[LOAD_ORPHANS] = "orphans",
		[LOAD_NOTIFY] = "notify",
		[LOAD_WIRES] = "wires",
		[LOAD_VERDICTS] = "verdicts",
		[LOAD_SPENT] = "spent",
		[LOAD_PYTHONS] = "pythons",
		[LOAD_AUDIT_NAMES] = "audit_names",
	};

	return object_map(&l->o, names[table]);
}

bool load_has_multi(const struct load *l)
{
	return l->o.multi;
}

bool load_has_narrow(const struct load *l)
{
	return l->narrow || !l->o.multi;
}

bool load_has_stacks(const struct load *l)
{
	return l->o.stacks;
}

bool load_has_events(const struct load *l)
{
	return l->o.stacks && l->o.events;
}

bool load_has_plain(const struct load *l)
{
	return l->o.plain;
}

/* ---- processes ---- */

/* A tracepoint's link + 1, negative errno. */
static int trace(struct load *l, const char *program, const char *point)
{
	const struct batch_program *x = object_find(&l->o, program);
	int fd = x ? bpf_raw_tracepoint_open(point, x->fd) : -ENOENT;

	return fd < 0 ? fd : fd + 1;
}

static void untrace(int *link)
{
	if (*link > 0)
		close(*link - 1);
	*link = 0;
}

int load_follow(struct load *l, bool children)
{
	static const char *const programs[3] = {"proc_fork", "proc_exec", "proc_exit"};
	static const char *const points[3] = {"sched_process_fork", "sched_process_exec",
					      "sched_process_exit"};

	for (size_t i = children ? 0 : 1; i < 3; i++) {
		int r = trace(l, programs[i], points[i]);

		if (r < 0) {
			load_unfollow(l);
			return r;
		}
		l->follow[i] = r;
	}
	int r = trace(l, "sock_state", "inet_sock_set_state");
	l->socks = r < 0 ? 0 : r;
	return 0;
}

void load_pause_plain(struct load *l, bool pause)
{
	if (!l->plain[0] || pause == !l->plain[1])
		return;
	*l->o.words.plain_turn += !pause;
	untrace(&l->plain[1]);
	int r = pause ? 0 : trace(l, "plain_call", "sys_exit");
	l->plain[1] = r < 0 ? 0 : r; /* or it stays paused */
}

int load_follow_plain(struct load *l, bool all, bool whole)
{
	static const char *const programs[2] = {"plain_exec", "plain_call"};
	static const char *const points[2] = {"sched_process_exec", "sys_exit"};

	if (!l->o.plain)
		return -ENOTSUP;
	*l->o.words.plain_all = all;
	*l->o.words.plain_whole = whole;
	for (size_t i = 0; i < 2; i++) {
		int r = trace(l, programs[i], points[i]);

		if (r < 0)
			return r;
		l->plain[i] = r;
	}
	return 0;
}

void load_mark(struct load *l, uint32_t pid, bool traced)
{
	l->o.words.marks[pid % STATE_MARKS] = traced;
}

void load_unfollow(struct load *l)
{
	for (size_t i = 0; i < 2; i++)
		untrace(&l->plain[i]);
	for (size_t i = 0; i < 3; i++)
		untrace(&l->follow[i]);
	untrace(&l->socks);
}

int load_open_tasks(struct load *l)
{
	return walk_open(&l->o.walks, WALK_TASKS);
}

int load_open_mappers(struct load *l, uint64_t ino)
{
	*l->o.words.mappers_ino = ino;
	return walk_open(&l->o.walks, WALK_MAPPERS);
}

int load_walk_socks(struct load *l, bool files)
{
	return walk_run(&l->o.walks, files ? WALK_FILES : WALK_SOCKS, object_map(&l->o, "socks"));
}

/* ---- files ---- */

static int hook_multi(struct load *l, const char *program, const struct link_places *places)
{
	const struct batch_program *x = object_find(&l->o, program);
	int fd = x ? link_open_many(x->fd, x->attach_type, places) : -ENOENT;

	return fd < 0 ? fd : fd + 1;
}

/* The program for attachments without cookies: tls_enter_ssl_read for SSL_read. */
static void name_program(char name[BATCH_NAME_MAX], uint32_t fn)
{
	snprintf(name, BATCH_NAME_MAX, "tls_enter_%s", site_name(fn));
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
}

/* Only where everything came out of one object. */
static int hook_perf(struct load *l, struct bpf_link **link, const char *program, uint32_t pid,
		     const char *path, const struct load_place *place, bool returns)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = returns, .bpf_cookie = place->cookie,
		    .ref_ctr_offset = place->counter);
	const struct bpf_program *prog = bpf_object__find_program_by_name(l->o.obj, program);

	if (prog == NULL)
		return -ENOENT;
	*link = bpf_program__attach_uprobe_opts(prog, pid ? (pid_t)pid : -1, path, place->offset, &opts);
	return *link ? 0 : -errno;
}

static uint32_t pid_of(const struct load *l, const struct load_hooks *h)
{
	return load_has_narrow(l) ? h->pid : 0;
}

int load_hook_returns(struct load *l, struct load_hooks *h, const char *path, const struct site *sites,
		      size_t count)
{
	const char *program = l->o.cookies ? "tls_return" : "tls_return_plain";
	unsigned long offsets[LOAD_HOOKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && i < LOAD_HOOKS_MAX; i++)
		if (sites[i].returns)
			offsets[n++] = sites[i].offset;
	if (l->o.session) /* they come with the entries */
		return 0;
	if (l->o.multi) {
		const struct link_places places = {
			.path = path, .offsets = offsets, .count = n, .pid = pid_of(l, h), .returns = true};
		int fd = hook_multi(l, program, &places);

		if (fd < 0)
			return fd;
		h->returns_fd = fd;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct load_place place = {.offset = offsets[i]};
		int r = hook_perf(l, &h->returns[i], program, pid_of(l, h), path, &place, true);

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
		if (l->o.session && !sites[i].returns)
			cookies[i] |= STATE_COOKIE_ENTRY;
	}
	if (l->o.multi) {
		const struct link_places places = {.path = path,
						   .offsets = offsets,
						   .cookies = cookies,
						   .count = count,
						   .pid = pid_of(l, h)};
		int fd = hook_multi(l, l->o.session ? "tls_call" : "tls_enter", &places);

		if (fd < 0)
			return fd;
		/* What sees returns stays until nobody waits for one. */
		*(l->o.session ? &h->returns_fd : &h->entries_fd) = fd;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		char name[BATCH_NAME_MAX] = "tls_enter";

		if (!l->o.cookies)
			name_program(name, sites[i].fn);
		const struct load_place place = {.offset = offsets[i],
						 .cookie = l->o.cookies ? cookies[i] : 0};
		int r = hook_perf(l, &h->entries[i], name, pid_of(l, h), path, &place, false);

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
	const unsigned long offsets[] = {offset};
	const struct link_places places = {.path = path, .offsets = offsets, .count = 1, .pid = pid_of(l, h)};

	const struct load_place place = {.offset = offset};

	if (!l->o.multi)
		return hook_perf(l, &h->entries[0], program, pid_of(l, h), path, &place, false);
	int fd = hook_multi(l, program, &places);
	if (fd < 0)
		return fd;
	h->entries_fd = fd;
	return 0;
}

int load_hook_places(struct load *l, struct load_hooks *h, const char *program, const char *path,
		     const struct load_place *list, size_t count)
{
	unsigned long offsets[LOAD_HOOKS_MAX], counters[LOAD_HOOKS_MAX];
	uint64_t cookies[LOAD_HOOKS_MAX];
	const struct link_places places = {.path = path,
					   .offsets = offsets,
					   .cookies = cookies,
					   .counters = counters,
					   .count = count,
					   .pid = pid_of(l, h)};

	if (!l->o.cookies || count > LOAD_HOOKS_MAX)
		return l->o.cookies ? -E2BIG : -ENOTSUP;
	for (size_t i = 0; i < count; i++) {
		offsets[i] = list[i].offset;
		counters[i] = list[i].counter;
		cookies[i] = list[i].cookie;
		int r = l->o.multi
				? 0
				: hook_perf(l, &h->entries[i], program, pid_of(l, h), path, &list[i], false);
		if (r < 0)
			return r;
	}
	int fd = l->o.multi ? hook_multi(l, program, &places) : 0;
	if (fd > 0)
		h->entries_fd = fd;
	return fd < 0 ? fd : 0;
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

static void *run_close(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

static void *run_destroy(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

static void *run_unfollow(void *l)
{
	load_unfollow(l);
	return NULL;
}

void load_wait_gone(struct load *l)
{
	while (l->closer_count > 0)
		(void)pthread_join(l->closers[--l->closer_count], NULL);
}

static void start_closer(struct load *l, void *(*run)(void *), void *arg)
{
	if (l->closer_count == CLOSERS_MAX)
		load_wait_gone(l);
	if (pthread_create(&l->closers[l->closer_count], NULL, run, arg) == 0)
		l->closer_count++;
	else
		(void)run(arg);
}

static void start_closing(struct load *l, int *fd, struct bpf_link *links[LOAD_HOOKS_MAX])
{
	if (*fd > 0)
		start_closer(l, run_close, (void *)(intptr_t)(*fd - 1));
	*fd = 0;
	for (size_t i = 0; i < LOAD_HOOKS_MAX; i++)
		if (links[i])
			start_closer(l, run_destroy, take(links[i]));
}

/*
 * Closing a link waits, for tens of ms, until no program of it can be in flight; waits that begin within some ms of each
 * other are one. So all are closed beside each other. That no call is entered whose return nobody sees does not hang on
 * their order then: from the first line on none is entered, and those that were have until the filter closes. What is in
 * flight then is waited for in a shorter way, and the links may take their time.
 */
void load_leave(struct load *l, struct load_hooks *const *list, size_t count)
{
	const struct timespec grace = {.tv_nsec = RETURNS_AFTER_NS};

	__atomic_store_n(l->o.words.tls_ending, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < count; i++)
		start_closing(l, &list[i]->entries_fd, list[i]->entries);
	(void)nanosleep(&grace, NULL);
	__atomic_store_n(l->o.words.filter_closed, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < count; i++)
		start_closing(l, &list[i]->returns_fd, list[i]->returns);
	start_closer(l, run_unfollow, l);
	if (grace_wait() < 0)
		load_wait_gone(l);
}
