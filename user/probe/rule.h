/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules by which values of frames are read (room rules), as the kernel wants them. */
#ifndef PROBE_RULE_H
#define PROBE_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "rules/rules.h"
#include "state.h"

/* A function's name, and its first rule, numbered from 1. */
struct rule_name {
	struct state_rule_name key;
	uint32_t first;
};

struct rule_table {
	struct state_rule *rules;
	uint32_t count;
	struct rule_name *names;
	uint32_t name_count;
	uint32_t left_out; /* rules whose names are longer than the kernel reads */
};

/* 0, -ENOMEM. Rules without a path are passed over: there is nothing to read. One rule more than those of `rules` is there: it
 * says whose work a pool's thread does (WIRE_PY_RULE_SELF). */
int rule_make(struct rule_table *out, const struct rules *rules) MUST_CHECK;
/* Into the maps. 0; negative errno. */
int rule_give(const struct rule_table *t, int rules_fd, int names_fd) MUST_CHECK;
void rule_fini(struct rule_table *t);

#endif
