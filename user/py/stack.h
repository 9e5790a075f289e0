/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the kernel sent of a stack to one that can be given out. */
#ifndef PY_STACK_H
#define PY_STACK_H

#include "py/code.h"
#include "py/origin.h"
#include "py/py.h"
#include "py/value.h"

/* What of the room holds for stacks that were given out. */
struct stack_account {
	size_t bytes;
	uint64_t lost_frames;
};

/* Frames that stand in no source. c: NULL is none. */
bool stack_is_shim(const struct code *c);
/* NULL without memory. values: a share of them is taken; NULL: none. */
struct py_stack *stack_new(const struct wire_py_stack *rec, struct code_table *codes, uint64_t process,
			   const struct origin *origin, struct value_list *values,
			   struct stack_account *account);

#endif
