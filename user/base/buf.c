/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Smallest allocation. */
#define FIRST_BYTES 64u

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
	if (b == NULL)
		return;
	free(b->p);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

static char *refuse(struct buf *b, int err)
{
	b->err = err;
	return NULL;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (b->n > b->max || n > b->max - b->n)
		return refuse(b, -EMSGSIZE);
	/* One byte more than asked for, so that the NUL of buf_z and of snprintf always has a place. */
	if (b->p && n < b->cap - b->n)
		return b->p + b->n;
	size_t need = b->n + n;

	if (need >= PTRDIFF_MAX)
		return refuse(b, -ENOMEM);
	need++;
	size_t cap = b->cap < FIRST_BYTES ? FIRST_BYTES : b->cap;

	while (cap < need)
		cap = cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : cap * 2;
	if (b->max < PTRDIFF_MAX && cap > b->max + 1)
		cap = b->max + 1;
	char *p = realloc(b->p, cap);

	if (p == NULL)
		return refuse(b, -ENOMEM);
	b->p = p;
	b->cap = cap;
	return b->p + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
	if (b->err == 0)
		b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
	if (s.n == 0)
		return;
	char *to = buf_reserve(b, s.n);

	if (to) {
		memcpy(to, s.p, s.n);
		b->n += s.n;
	}
}

void buf_add_char(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (to) {
		*to = c;
		b->n++;
	}
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	char *to = buf_reserve(b, 0);
	va_list again;

	if (to == NULL)
		return;
	va_copy(again, ap);
	int n = vsnprintf(to, b->cap - b->n, fmt, ap);

	if (n < 0) {
		b->err = -EMSGSIZE;
	} else if ((size_t)n < b->cap - b->n && (size_t)n <= b->max - b->n) {
		b->n += (size_t)n;
	} else {
		to = buf_reserve(b, (size_t)n);
		if (to && vsnprintf(to, (size_t)n + 1, fmt, again) == n)
			b->n += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

void buf_truncate(struct buf *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

const char *buf_z(struct buf *b)
{
	/* buf_reserve keeps a byte for it. */
	if (b->p == NULL)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

#define READ_PIECE 65536

/* One read of at most `most` bytes. > 0: there may be more; 0: the end; -errno. */
static int read_piece(struct buf *b, int fd, size_t most)
{
	char *room = buf_reserve(b, most);
	ssize_t n;

	if (room == NULL)
		return buf_err(b);
	do
		n = read(fd, room, most);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_commit(b, (size_t)n);
	return n > 0;
}

int buf_read(struct buf *b, int fd)
{
	int r;

	do
		r = read_piece(b, fd, READ_PIECE);
	while (r > 0);
	return r;
}

int buf_read_head(struct buf *b, int fd)
{
	int r = 1;

	while (r > 0 && b->n < b->max) {
		size_t room = b->max - b->n;

		r = read_piece(b, fd, room < READ_PIECE ? room : READ_PIECE);
	}
	return r;
}

int buf_write(const struct buf *b, int fd)
{
	for (size_t at = 0; at < b->n;) {
		ssize_t n = write(fd, b->p + at, b->n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}
