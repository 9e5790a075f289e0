/* SPDX-License-Identifier: BSD-2-Clause */
/* Values that rules read of a stack's frames. They come behind the stack, which may have been given out by then: who holds
 * it sees those that come later. */
#ifndef PY_VALUE_H
#define PY_VALUE_H

#include "base/drop.h"
#include "py/py.h"

struct value_list;

/* NULL without memory. bytes: of all lists, which it outlives not. */
struct value_list *value_new(size_t *bytes);
struct value_list *value_hold(struct value_list *l);
void value_release(struct value_list *l);
/* How much more is held; -ENOMEM, -ENOSPC beyond LIMIT_PY_VALUE_BYTES. */
int value_add(struct value_list *l, const struct wire_py_value *rec) MUST_CHECK;
const struct py_value *value_all(const struct value_list *l, uint32_t *count);

#endif
