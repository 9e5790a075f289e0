/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owned, growing bytes with a maximum. Errors stick: after the first failure every further add does nothing, so a
 * writer adds without looking and asks buf_err() once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/drop.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max; /* never more bytes than this */
	int err;    /* 0, -ENOMEM or -EMSGSIZE: what the first failed add met */
};

/* Allocates nothing yet. */
void buf_init(struct buf *b, size_t max_bytes);
/* Frees; b is as after buf_init. NULL is fine. Also the function for autodrop(buf_fini). */
void buf_fini(struct buf *b);
/* Empties and clears the error, keeps the memory. */
void buf_clear(struct buf *b);
/* Room for n more bytes: a pointer to write to and commit with buf_commit, or NULL (error sticks). */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* Removes the first n bytes (moves the rest). */
void buf_consume(struct buf *b, size_t n);
/* Cuts to n bytes; n beyond the end does nothing. */
void buf_truncate(struct buf *b, size_t n);
/* Adds all that is left to read of fd. 0; -errno of reading; buf_err when b has not 64 KiB more room
 * than it needs. */
int buf_read(struct buf *b, int fd) MUST_CHECK;
/* As much of it as b has room for. 0; 1: b is full, and there may be more; -errno. */
int buf_read_head(struct buf *b, int fd) MUST_CHECK;
/* Writes all of it to fd, waiting where fd makes us wait. 0 or -errno. */
int buf_write(const struct buf *b, int fd) MUST_CHECK;
/* NUL-terminated view (the NUL is not counted), or "" without memory; valid until the next change. */
const char *buf_z(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){b->p, b->n};
}

static inline int buf_err(const struct buf *b)
{
	return b->err;
}

#endif
