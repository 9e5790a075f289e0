/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TRACE_SPAWN_H
#define TRACE_SPAWN_H

struct trace_set;

/* Runs are told and their events still there: processes that code of tools and agents started become theirs, in the next
 * telling. */
void trace_spawn_place(struct trace_set *t);

#endif
