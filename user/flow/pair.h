/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input and output of a process are two pipes (or two unnamed sockets), and one conversation with whoever
 * holds the other ends. Which two belong together is said by WIRE_PROC_STDIO; it is true of both sides.
 */
#ifndef FLOW_PAIR_H
#define FLOW_PAIR_H

#include "base/drop.h"
#include "wire.h"

struct conn;
struct pair_table;

/* NULL without memory. */
struct pair_table *pair_new(void);
void pair_free(struct pair_table *t);
void pair_take(struct pair_table *t, const struct wire_proc_stdio *rec);
/* What a process already has at the other half of the pair that this pipe or unnamed socket belongs to; NULL: nothing
 * yet, or no pair is known. */
struct conn *pair_mate(const struct pair_table *t, const struct wire_plain_conn *rec);
/* Where the bytes of this pipe or unnamed socket go. The pair may become known later: a parent's first words can be
 * earlier than its child's exec record. */
void pair_add(struct pair_table *t, const struct wire_plain_conn *rec, struct conn *c);

#endif
