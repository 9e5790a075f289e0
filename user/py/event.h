/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of Python code as they came, until the stack of that moment follows. */
#ifndef PY_EVENT_H
#define PY_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "py/py.h"
#include "wire.h"

#define EVENT_WAITING 64u /* more than threads that send at once */

struct event_table {
	struct wire_head *waiting[EVENT_WAITING]; /* copies; NULL: free */
	uint32_t count, next;
	struct buf text; /* of the one that is given out */
};

void event_init(struct event_table *t);
void event_fini(struct event_table *t);
/* Whether a stack will follow such a record. */
bool event_waits(const struct wire_head *rec);
/* Keeps a copy. The one that had to make room, or was left of the same thread: owned by the caller; NULL: none. false:
 * no memory. */
bool event_keep(struct event_table *t, const struct wire_head *rec, struct wire_head **left);
/* That which waits for a stack of this thread and time; owned by the caller. NULL: none. */
struct wire_head *event_take(struct event_table *t, const struct wire_head *stack);
/* Any one; of a process when pid is not 0. NULL: none is left. */
struct wire_head *event_take_any(struct event_table *t, uint32_t pid);
/* What a record says, all but its stack. Texts are the table's, until the next one. False: no memory. */
bool event_read(struct event_table *t, const struct wire_head *rec, struct py_event *out);

#endif
