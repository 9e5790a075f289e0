/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side as the attacher holds it: BPF programs and maps, and links to probed files. Decides by presence,
 * never by version, which kinds of link and program this kernel takes. */
#ifndef PROBE_LOAD_H
#define PROBE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/site.h"
#include "rules/rules.h"
#include "state.h"

enum load_table {
	LOAD_RING,
	LOAD_SHARED,
	LOAD_TARGETS,
	LOAD_DEPARTED,
	LOAD_CONNS,
	LOAD_CONN_FINALS,
	LOAD_ORPHANS,
	LOAD_NOTIFY,
	LOAD_WIRES,
	LOAD_VERDICTS,
	LOAD_SPENT,
	LOAD_PYTHONS,
	LOAD_AUDIT_NAMES,
	LOAD_TABLES,
};

/* Why the kernel side could not be loaded, for people. */
struct load_trouble {
	char cause[256];
	char hint[256];
};

struct load;

struct load_settings {
	uint64_t ring_bytes; /* power of two >= 4096 */
	bool spend;	     /* what probes do is counted for the governor */
	bool plain; /* with the programs for sockets and pipes without TLS, as far as this kernel takes them */
	bool stacks;		   /* Python stacks are wanted; whether they can be had: load_has_stacks() */
	const struct rules *rules; /* by which values of their frames are read; NULL: none */
	bool events;		   /* what Python code does is wanted, too */
	bool narrow;		   /* links will be to processes, each alone */
};

/* What calls of libraries and processes need is there when it returns; the other programs may be loaded beside what comes
 * next: load_finish. 0; -ENOSYS this kernel cannot, -EPERM a right is missing (both told
 * in *why), -ENOMEM, other errno. */
int load_open(struct load **out, const struct load_settings *settings, struct load_trouble *why) MUST_CHECK;
/* Waits for all programs; from then on stacks are taken of processes that are told of. Whoever asks for one of them has it
 * called. 0; negative errno: some cannot be loaded. */
int load_finish(struct load *l) MUST_CHECK;
/* Keeps what makes the next start faster (kept.h): 30 ms, once for each kernel and each bottrace. */
void load_keep(struct load *l);
void load_close(struct load *l);
DROP_POINTER(load, load_close)

int load_table_fd(const struct load *l, enum load_table table);
/* The shared page, mapped: what the kernel is told of sampling, cutting and bounds. Never NULL. */
struct wire_shared *load_shared(const struct load *l);
bool load_has_multi(const struct load *l);
/* This kernel has taken the walk over Python frames, and it was asked for. */
bool load_has_stacks(const struct load *l);
/* Programs for what Python code does (bpf/audit.bpf.c) are there. */
bool load_has_events(const struct load *l);
/* The same of the programs for sockets and pipes without TLS. */
bool load_has_plain(const struct load *l);
/* Links to one process alone: kernels before 6.10 (stable ones before 2024-06) mean its first thread with that. */
bool load_has_narrow(const struct load *l);
/* Attaches exec and exit, and fork when children are to be traced. */
int load_follow(struct load *l, bool children) MUST_CHECK;
/* Sockets and pipes without TLS, with everything that they carry (all) or what begins like HTTP or JSON; whole: no byte
 * of it is left out before it is known to be a conversation. To be called after load_follow; ends with load_unfollow. 0;
 * -ENOTSUP: not loaded; negative errno. */
int load_follow_plain(struct load *l, bool all, bool whole) MUST_CHECK;
/* System calls cost what they did, and nothing of them is seen, for a while. */
void load_pause_plain(struct load *l, bool pause);
/* A process of that id is let through, or not any more, when it never was traced. */
void load_mark(struct load *l, uint32_t pid, bool traced);
void load_unfollow(struct load *l);
/* A descriptor whose read gives all processes, as struct tasks_entry. Negative errno. */
int load_open_tasks(struct load *l) MUST_CHECK;

/* A descriptor whose read gives, as struct state_mapper, who maps code of a file with that inode number on any device. Negative
 * errno; -ENOTSUP: this kernel has no such walk. */
int load_open_mappers(struct load *l, uint64_t ino) MUST_CHECK;

/* The witness (bpf/sock.bpf.c): makes it look at the connections that it knows (0), at those that traced processes
 * have now (files). 0; negative errno: this kernel has no such walk, or no tracepoint. */
int load_walk_socks(struct load *l, bool files) MUST_CHECK;

/* The links of one file. Zeroed: none. */
#define LOAD_HOOKS_MAX (2 * WIRE_FNS)

struct bpf_link;

struct load_hooks {
	/* Set before: of this process alone, so that others that map the file never meet a probe. It does not follow
	 * forks, but exec. 0: whoever maps it; so it is, too, where the kernel's filter is by thread (load_has_narrow). */
	uint32_t pid;
	int returns_fd; /* uprobe_multi link + 1, of the returns or, in a session, of both; 0: none */
	int entries_fd;
	struct bpf_link *returns[LOAD_HOOKS_MAX]; /* perf links */
	struct bpf_link *entries[LOAD_HOOKS_MAX];
};

/* path: of the file, as this process can open it (/proc/self/fd/N). lib: goes into every record of these probes.
 * Returns first, entries second; to take one file's away, the other way round: so no entry is without its return. */
int load_hook_returns(struct load *l, struct load_hooks *h, const char *path, const struct site *sites,
		      size_t count) MUST_CHECK;
int load_hook_entries(struct load *l, struct load_hooks *h, const char *path, const struct site *sites,
		      size_t count, uint32_t lib) MUST_CHECK;
/* One program, by its name in bpf/, at one offset of the file, as an entry. */
int load_hook_one(struct load *l, struct load_hooks *h, const char *program, const char *path,
		  uint64_t offset) MUST_CHECK;
/* One program at many places of the file, each with a cookie and the counter that turns it on (0: none). -ENOTSUP: this
 * kernel has no cookies. */
struct load_place {
	uint64_t offset, counter, cookie;
};
int load_hook_places(struct load *l, struct load_hooks *h, const char *program, const char *path,
		     const struct load_place *places, size_t count) MUST_CHECK;
void load_unhook_entries(struct load_hooks *h);
void load_unhook_returns(struct load_hooks *h);
/* The end: of these files, of processes and system calls. When it returns no program of ours counts or sends anything any
 * more. The links go beside what is done next; load_wait_gone waits for them. */
void load_leave(struct load *l, struct load_hooks *const *list, size_t count);
void load_wait_gone(struct load *l);

#endif
