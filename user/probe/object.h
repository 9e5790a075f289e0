/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps and programs of the kernel side, loaded: in batches side by side where it is known how this kernel takes them
 * (kept.h), else one after another, which tells it for the next time. */
#ifndef PROBE_OBJECT_H
#define PROBE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/batch.h"
#include "probe/kept.h"
#include "probe/ring.h"
#include "probe/rule.h"
#include "probe/walk.h"

struct bottrace;
struct bpf_object;
struct wire_shared;

/* What programs look at while they run. */
struct object_words {
	bool *plain_all, *plain_whole;
	uint32_t *plain_turn;
	uint32_t *tls_ending, *filter_closed;
	uint8_t *marks; /* STATE_MARKS of them */
	uint64_t *mappers_ino;
};

struct object {
	/* Set before. */
	bool multi, session, cookies; /* as load.c has them */
	bool spend;		      /* what probes do is counted */
	struct ring ring;	      /* started */
	bool plain, stacks;	      /* wanted; then: can be had */
	bool events;		      /* what Python code does; only with stacks */
	bool values;		      /* of frames, by: */
	struct rule_table rules;      /* the object's from then on */
	/* What it came to. */
	struct bottrace *skel; /* the maps, and where nothing was kept the programs */
	struct bpf_object *obj;
	struct object_words words;
	/* Programs; of batches that run still: none yet. Where nothing was kept the first one has all. */
	struct batch batches[BATCHES];
	int finished; /* 1: every program is there; negative errno: why not */
	struct wire_shared *shared;
	struct walks walks;
	bool kept; /* what was kept was used */
	struct kept_sets sets;
};

/* What calls of libraries and processes need is there when it returns; the rest may come beside what the caller does next.
 * 0, negative errno. */
int object_load(struct object *o) MUST_CHECK;
/* Waits for the rest. 0; negative errno: some program is not there. */
int object_finish(struct object *o) MUST_CHECK;
/* A program by its name in bpf/, waited for if need be. NULL: it is not there. */
const struct batch_program *object_find(struct object *o, const char *name);
/* A map's descriptor by its name in bpf/, negative errno. */
int object_map(const struct object *o, const char *name);
/* Keeps what makes the next start faster. */
void object_keep(struct object *o);
void object_unload(struct object *o);

#endif
