/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What loading on this kernel comes to, kept over sessions (cache.h): the kernel's types that our programs name, cut out
 * of its BTF (types.h), and the programs that need more of the BTF than that, as they were loaded. With it loading takes
 * half the time. Belongs to one kernel and one bottrace; whatever is wrong with it, loading does without.
 */
#ifndef PROBE_KEPT_H
#define PROBE_KEPT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"

#define KEPT_PROGRAMS	  4
#define KEPT_INSTRUCTIONS 4096u /* of one program */

struct bpf_insn;

/* Where a loaded instruction has the descriptor of a map, a kept one has the map's place in the object. */
struct kept_program {
	uint32_t attach_btf_id;
	uint32_t count; /* 0: this kernel has no such iterator */
	const struct bpf_insn *instructions;
};

/* Sets of programs that not every kernel takes, by bits: those that were tried here, those that were taken. */
struct kept_sets {
	uint32_t tried, taken;
};

struct kept {
	struct kept_sets sets;
	struct kept_program programs[KEPT_PROGRAMS];
	int types; /* descriptor of a file of BTF */
	struct buf bytes;
};

/* object: our ELF file. 0; negative errno: nothing (that fits) is kept. Either way kept_fini afterwards. */
int kept_open(struct kept *k, struct str object) MUST_CHECK;
void kept_fini(struct kept *k);
/* 0, negative errno. iterators: names of the kernel's functions that the programs attach to; their ids are found here. */
int kept_write(struct str object, const struct kept_sets *sets,
	       const struct kept_program programs[KEPT_PROGRAMS],
	       const char *const iterators[KEPT_PROGRAMS]) MUST_CHECK;

#endif
