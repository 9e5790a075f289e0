/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc: who is who: the tree of processes, from fork, exec, exit and /proc facts.
 * in:    WIRE_PROC_*, WIRE_TARGET, WIRE_BLIND records
 * out:   struct proc (stable pointers until proc_free), and calls when one begins, execs, ends
 * owns:  the process tree
 * may:   base, drain, wire
 * never: trusts a bare pid: a process is (pid, start)
 * fails: beyond LIMIT_PROCESSES new ones are counted, not kept
 * start: proc.c
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "wire.h"

struct proc_blind {
	struct str what, why;
	uint64_t bytes;
	struct proc_blind *next;
};

struct proc {
	uint32_t pid;
	uint64_t start_ns;   /* boot-time ns */
	uint64_t seq;	     /* order of first sight, from 1 */
	struct proc *parent; /* NULL: not traced, or not known */
	uint32_t parent_pid; /* 0: not known */
	uint32_t forked_by_tid;
	uint64_t seen_ns; /* monotonic: fork, or when tracing of it began */
	uint64_t exec_ns; /* last exec; 0: none seen */
	uint64_t end_ns;  /* 0: alive as far as we know */
	bool born_here;	  /* its fork was seen */
	bool target;	  /* the user named it, or it is the command of `run` */
	bool argv_cut;
	int exit_code; /* valid when end_ns != 0 */
	int exit_signal;
	uint32_t execs;
	uint16_t fact_flags; /* WIRE_FACT_* */
	char comm[17];
	struct str exe; /* path; p NULL: unknown */
	struct str *argv;
	uint32_t argc;
	struct proc_blind *blind;
	struct wire_counts counts; /* final counters, when has_counts */
	bool has_counts;
	void *user; /* of the room that consumes processes */
};

struct proc_ops {
	void (*begin)(void *ctx, struct proc *p, const struct wire_head *rec); /* first sight */
	void (*change)(void *ctx, struct proc *p,
		       const struct wire_head *rec); /* exec, facts, blind, target */
	void (*end)(void *ctx, struct proc *p, const struct wire_head *rec);
};

struct proc_table;

struct proc_table *proc_new(const struct proc_ops *ops, void *ctx);
/* Takes any record; uses those of its kinds. */
void proc_feed(struct proc_table *t, const struct wire_head *rec);
/* By (pid, start); NULL: unknown. */
struct proc *proc_find(const struct proc_table *t, uint32_t pid, uint64_t start_ns);
/* The process of a record's head, made on the spot when it was never heard of (its fork record was lost). NULL only
 * without memory or beyond the limit. */
struct proc *proc_get(struct proc_table *t, const struct wire_head *rec);
/* In order of first sight; start with NULL. */
struct proc *proc_next(const struct proc_table *t, const struct proc *after);
/* Counters that belong to no process (WIRE_PROC_FINAL with pid 0). */
const struct wire_counts *proc_orphan_counts(const struct proc_table *t);
void proc_counts_add(struct wire_counts *sum, const struct wire_counts *c);
uint64_t proc_dropped(const struct proc_table *t);
void proc_free(struct proc_table *t);
DROP_POINTER(proc_table, proc_free)

#endif
