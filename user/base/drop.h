/* SPDX-License-Identifier: BSD-2-Clause */
/* Ownership that a reader can see: what is dropped at the end of a scope, and where it moves instead. */
#ifndef BASE_DROP_H
#define BASE_DROP_H

#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

/* autodrop(f) T x = ...; calls f(&x) when x goes out of scope. */
#define autodrop(f) __attribute__((cleanup(f)))

/* take(p): the pointer's value; p is NULL afterwards, so its autodrop drops nothing. */
#define take(p)                             \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/* DROP_POINTER(foo, foo_free) defines drop_foo for `autodrop(drop_foo) struct foo *x`. */
#define DROP_POINTER(name, free_fn)                     \
	static inline void drop_##name(struct name **p) \
	{                                               \
		free_fn(*p);                            \
	}

static inline void drop_memory(void *p)
{
	free(*(void **)p);
}

/* For file descriptors; -1 is nothing, and what is left. */
static inline void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The descriptor's value; *fd is -1 afterwards. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
