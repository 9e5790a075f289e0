/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a stack's own run ends, and which make it leads to. */
#ifndef PY_OUTWARD_H
#define PY_OUTWARD_H

#include "py/code.h"
#include "py/make.h"

/* The link of a stack. work: what its thread was said to run; NULL: nothing. link->to is counted. */
void outward_find(struct link *link, const struct wire_py_stack *rec, const struct wire_py_work *work,
		  uint64_t process, struct code_table *codes, const struct make_table *makes);

#endif
