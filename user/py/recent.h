/* SPDX-License-Identifier: BSD-2-Clause */
/* The latest stacks of each connection, as they came. A request may become known only after its stack did. */
#ifndef PY_RECENT_H
#define PY_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "py/make.h"
#include "py/value.h"
#include "wire.h"

struct recent_key {
	uint64_t process; /* serial number */
	uint64_t ssl, generation;
};

struct recent_conn;

struct recent_stack {
	struct recent_conn *conn;
	struct recent_stack *older, *newer; /* of the connection */
	struct recent_stack *prev, *next;   /* of all, oldest first */
	size_t bytes;
	struct link link;
	struct value_list *values; /* NULL: none yet */
	struct wire_py_stack rec;  /* last: with its payload */
};

struct recent_conn {
	struct recent_key key;
	struct recent_conn **list;	    /* its process's */
	struct recent_conn *before, *after; /* of the process */
	struct recent_stack *newest, *oldest;
	uint32_t count;
};

struct recent {
	struct map *conns;
	struct recent_stack *first, *last;
	size_t bytes;
	size_t *value_bytes; /* of all values */
};

/* 0, -ENOMEM. value_bytes: all that values take, of others too. */
int recent_init(struct recent *r, size_t *value_bytes) MUST_CHECK;
void recent_fini(struct recent *r);
/* 0, -ENOMEM. list: where the process has its connections. link: taken over in any case. */
int recent_add(struct recent *r, uint64_t process, struct recent_conn **list, const struct wire_py_stack *rec,
	       struct link *link) MUST_CHECK;
/* Of what recent_find gave. */
const struct link *recent_link(const struct wire_py_stack *rec);
/* The stack of the write at this offset. `before`: without one, the latest of an earlier write. NULL: none. */
const struct wire_py_stack *recent_find(const struct recent *r, const struct recent_key *key, uint64_t offset,
					bool before);
/* Its values, which may be still to come; NULL without memory. Borrowed. */
struct value_list *recent_values(struct recent *r, const struct wire_py_stack *rec);
/* A value of it came. 0, negative errno. */
int recent_tell(struct recent *r, const struct wire_py_stack *rec,
		const struct wire_py_value *value) MUST_CHECK;
/* Of a connection, of all of a process. */
void recent_drop(struct recent *r, const struct recent_key *key);
void recent_drop_all(struct recent *r, struct recent_conn **list);

#endif
