/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of probed files: each file once, by device, inode and build-id, however many processes map it and under
 * whatever name. Opened through the process that maps it, so that deleted, replaced and container files are the
 * right ones.
 */
#ifndef PROBE_LIBRARY_H
#define PROBE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/load.h"
#include "probe/procfs.h"
#include "probe/site.h"
#include "probe/trial.h"
#include "wire.h"

#define LIBRARY_FILES_MAX 4096u

struct library {
	uint32_t id; /* from 1: WIRE_LIB's */
	uint64_t dev, ino;
	uint8_t build_id[ELF_BUILD_ID_BYTES];
	char *path; /* as first seen */
	struct site sites[WIRE_FNS];
	size_t site_count;
	enum trial_verdict
		verdict;   /* on the sites that were chosen; TRIAL_FAILED: they are at the symbols now */
	const char *doubt; /* why it did not pass; NULL */
	int fd;		   /* of the file + 1, held while its sites are unproven; 0: none */
	int watch;	   /* of change.h; <= 0: none */
	struct load_hooks hooks;
};

struct libraries;

struct libraries_settings {
	struct load *load;
	const struct site_costs *costs;
	void (*emit)(void *ctx, const struct wire_head *rec);
	void *ctx;
	bool symbols; /* each probe at its symbol, however dear */
	/* The processes that are traced now, from *pos 0, where the kernel cannot tell who maps a file. */
	bool (*next_pid)(void *ctx, size_t *pos, uint32_t *pid);
	void *pid_ctx;
	/* Links to the processes that map a file, one by one, and to no other: --no-children. The table then has a
	 * file once for each of them. */
	bool narrow;
};

struct libraries *library_new(const struct libraries_settings *settings);
void library_free(struct libraries *t);
DROP_POINTER(libraries, library_free)

/* Whether a file of that name may be a TLS library that we know how to probe. */
bool library_is_named(struct str path);
/* Probes the file that a mapping of a process shows. *out: the library, NULL when the file has no such functions.
 * 0; -EUCLEAN: some process has its code changed in memory; other negative errno. */
int library_add_mapping(struct libraries *t, uint32_t pid, const struct procfs_mapping *m,
			const struct library **out) MUST_CHECK;
/* Probes a file inside a root directory (root_open), for pid where links are narrow. */
int library_add_path(struct libraries *t, int root, uint32_t pid, const char *path,
		     const struct library **out) MUST_CHECK;
/* The id of the latest one. */
uint32_t library_last(const struct libraries *t);
/* A descriptor that is readable when a probed file was written into; -1: none. */
int library_event_fd(const struct libraries *t);
/* Takes the probes off files that were written into; they are looked at anew when they are met again. */
void library_tick(struct libraries *t);
/* The one unproven library of a set (state_wire.libs); NULL: there is none, or others are in it. */
const struct library *library_find_unproven(const struct libraries *t, uint32_t set);
/* Sockets moved what its probes saw: it is witnessed. Else its sites are given up for the symbols. */
void library_settle(struct libraries *t, const struct library *lib, bool agrees);
/* In order of their ids, from *pos 0; NULL at the end. */
const struct library *library_next(const struct libraries *t, size_t *pos);
/* Where the links of all files are, to be taken away together. */
size_t library_hooks(const struct libraries *t, struct load_hooks **list, size_t max);

/* ---- without a table: what a file is ---- */

/* Reads sites and build-id of an open file into *out (id 0, no path, no hooks). 0, -ENOENT: no such functions. */
int library_read(struct library *out, int fd) MUST_CHECK;
/* Tries the chosen sites; gives them up for the symbols when they do not see what they must. path: inside root. pid: of
 * a process that maps the file, 0: none. 0, negative errno. */
int library_try(struct library *lib, int fd, int root, const char *path, uint32_t pid) MUST_CHECK;
/* Opens the file behind a mapping. Descriptor or negative errno; -ESTALE: another file has its name now. */
int library_open_mapping(uint32_t pid, const struct procfs_mapping *m) MUST_CHECK;

#endif
