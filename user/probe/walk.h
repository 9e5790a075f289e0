/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF iterators: programs that the kernel runs for each of its tasks, of their files or mappings,
 * or of a map's entries. */
#ifndef PROBE_WALK_H
#define PROBE_WALK_H

#include <stdint.h>

#include "base/drop.h"
#include "probe/kept.h"

struct bpf_object;

enum walk_kind { WALK_TASKS, WALK_SOCKS, WALK_FILES, WALK_MAPPERS, WALKS };

struct walks {
	int programs
		[WALKS]; /* descriptors; < 0: WALK_MAPPERS alone, where the kernel has no such iterator (before 5.12) */
	int links[WALKS]; /* of those that walk_open opens, + 1; 0: none yet */
	bool owned;	  /* ours to close; else the object's */
};

/* From an object that was loaded with its iterators. */
int walk_find(struct walks *w, const struct bpf_object *o) MUST_CHECK;
/* The kept programs over the maps of an object that was loaded without them. 0, negative errno. */
int walk_load(struct walks *w, const struct kept *k, const struct bpf_object *o) MUST_CHECK;
/* Keeps what walk_find found, the types, and what is known of sets. 0, negative errno. */
int walk_keep(struct str elf, const struct kept_sets *sets, const struct bpf_object *o) MUST_CHECK;
/* A descriptor whose read gives what the program writes: of WALK_TASKS, WALK_MAPPERS. -ENOTSUP: this kernel has no such
 * walk; other negative errno. */
int walk_open(struct walks *w, enum walk_kind kind) MUST_CHECK;
/* Runs one of the others over all that there is; map_fd: of WALK_SOCKS. 0, negative errno. */
int walk_run(struct walks *w, enum walk_kind kind, int map_fd) MUST_CHECK;
void walk_fini(struct walks *w);

#endif
