/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of the kernel side, loaded in batches: each by a thread of its own, out of an object of its own over the
 * same maps. Most of a start's time is the kernel's verifier, which takes no lock for who has the right to load. A
 * program that is new belongs to BATCH_REST until it is given a row in batch.c.
 */
#ifndef PROBE_BATCH_H
#define PROBE_BATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/drop.h"
#include "base/str.h"

#define BATCH_PROGRAMS_MAX 64
#define BATCH_NAME_MAX	   32

struct bpf_object;

enum batch_kind {
	BATCH_TLS,  /* calls of libraries: nothing is captured before these two are there */
	BATCH_PROC, /* processes, and what walks over them */
	BATCH_PLAIN,
	BATCH_STACK,
	BATCH_VALUE, /* of frames */
	BATCH_REST,
	BATCHES
};

/* Which programs are wanted, and of what kind they are on this kernel. */
struct batch_choice {
	bool multi, session, cookies; /* as load.c has them */
	bool plain, stacks, values, events;
	bool iterators; /* else they are loaded from what was kept */
	bool mappers;	/* with that over mappings */
};

struct batch_program {
	char name[BATCH_NAME_MAX];
	int fd;
	unsigned attach_type;
};

struct batch_table {
	size_t count;
	struct batch_program list[BATCH_PROGRAMS_MAX];
};

struct batch {
	/* Set before; what is pointed at outlives the batch. */
	enum batch_kind kind;
	struct batch_choice choice;
	struct str elf;		       /* our object, */
	const struct bpf_object *maps; /* and what was loaded of it; its programs are none of ours */
	int ring;		       /* descriptor of the map that `maps` lacks */
	int types;		       /* a descriptor of ours to a file with the kernel's types */
	bool later;		       /* who is waited for goes first */
	/* In the same thread, behind the programs: 0, negative errno. NULL: nothing. */
	int (*also)(void *ctx);
	void *ctx;
	/* What it came to, to be looked at after batch_wait. */
	struct batch_table programs;
	int result;
	pthread_t thread;
	pid_t tid; /* atomically: the thread's, once it runs */
	bool running;
};

/* Has an object load the chosen ones of its programs, or those of one kind alone; -1: of each kind. */
void batch_choose(struct bpf_object *o, const struct batch_choice *choice, int kind);
/* What an object has loaded, by descriptors that outlive it. 0, negative errno. */
int batch_collect(struct batch_table *t, const struct bpf_object *o) MUST_CHECK;
/* NULL: it is not there. */
const struct batch_program *batch_find(const struct batch_table *t, const char *name);
void batch_drop(struct batch_table *t);

/* In a thread, or, where none can be had, at once. */
void batch_start(struct batch *b);
void batch_run(struct batch *b);
/* Somebody is about to wait for it. */
void batch_hurry(struct batch *b);
/* 0; negative errno: why its programs are not there. */
int batch_wait(struct batch *b) MUST_CHECK;

#endif
