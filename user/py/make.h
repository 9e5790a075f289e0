/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks, work items and threads as they were made, each with the stack of its maker: what a stack's bottom leads back
 * to. Addresses are used again: the latest make before the run counts. */
#ifndef PY_MAKE_H
#define PY_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "py/py.h"
#include "py/value.h"
#include "wire.h"

#define MAKE_DEPTH_MAX \
	32u /* makers outwards that are held: tasks that make their own successors have no first one */

struct make;

/* From a stack outwards. */
struct link {
	struct make *to; /* counted; NULL: none, or not known */
	uint8_t how;	 /* enum py_how */
	bool certain;
	uint16_t
		reach; /* frames, the innermost first, that were called in this run; the others only started it */
};

struct make {
	struct make *older, *newer; /* of the table */
	struct link link;
	struct value_list *values; /* of its stack; NULL: none yet */
	uint64_t process;	   /* serial number */
	uint32_t refs;
	uint32_t depth;
	size_t bytes;
	union {
		struct wire_py_make rec; /* last: with its payload */
		struct wire_py_stack stack;
	};
};

struct make_table {
	struct map *map;
	struct make *oldest, *newest;
	size_t bytes, max_bytes;
	size_t *value_bytes; /* of all values */
};

/* 0, -ENOMEM. value_bytes: all that values take, of others too. */
int make_init(struct make_table *t, size_t max_bytes, size_t *value_bytes) MUST_CHECK;
void make_fini(struct make_table *t);
/* 0, -ENOMEM. link: taken over in any case. */
int make_add(struct make_table *t, uint64_t process, const struct wire_py_make *rec,
	     struct link *link) MUST_CHECK;
/* The latest one of that object, or NULL. Borrowed. */
struct make *make_find(const struct make_table *t, uint64_t process, uint32_t what, uint64_t made);
/* The task that was made of a coroutine. */
struct make *make_find_root(const struct make_table *t, uint64_t process, uint64_t root);
/* A value of its stack came. 0, negative errno. */
int make_tell(struct make_table *t, struct make *m, const struct wire_py_value *value) MUST_CHECK;
/* All of a process. */
void make_drop_all(struct make_table *t, uint64_t process);

struct make *make_hold(struct make *m);
void make_release(struct make *m);

#endif
