/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of bpf/python.bpf.c, bpf/value.bpf.c and bpf/make.bpf.c among those of the object: which of them are loaded,
 * and what goes over to them. */
#ifndef PROBE_WALKER_H
#define PROBE_WALKER_H

#include <stdbool.h>

#include "base/drop.h"
#include "probe/rule.h"

struct walker {
	bool stacks; /* the walk over frames is wanted */
	bool values; /* and values of them */
	bool loop;   /* this kernel has bpf_loop */
	bool plain;  /* also for what is written without TLS */
};

struct bpf_object;
struct object;

/* Of one of those programs, before load: whether it is to be loaded. */
bool walker_wants(const struct walker *w, const char *program);
int walker_size(const struct bpf_object *obj, const struct rule_table *rules) MUST_CHECK;
/* After it. */
int walker_set(const struct walker *w, struct object *o, const struct rule_table *rules) MUST_CHECK;

#endif
