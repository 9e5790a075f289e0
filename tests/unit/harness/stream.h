/* SPDX-License-Identifier: BSD-2-Clause */
/* What the code under test says on standard output or standard error: `struct stream s; stream_start(&s, 2); ...;
 * stream_stop(&s, &text);` */
#ifndef UNIT_HARNESS_STREAM_H
#define UNIT_HARNESS_STREAM_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define STREAM_UNUSED __attribute__((unused))

struct stream {
	int fd;	   /* that is listened to */
	int saved; /* where it went */
	int file;
};

STREAM_UNUSED static void stream_start(struct stream *s, int fd)
{
	s->fd = fd;
	s->saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	s->file = memfd_create("stream", MFD_CLOEXEC);
	assert_true(s->saved >= 0 && s->file >= 0);
	assert_int_equal(dup2(s->file, fd), fd);
}

/* Puts the old descriptor back; appends what was said to out (NULL: forgets it). */
STREAM_UNUSED static void stream_stop(struct stream *s, struct buf *out)
{
	char piece[4096];
	ssize_t n;

	assert_int_equal(dup2(s->saved, s->fd), s->fd);
	close(s->saved);
	for (off_t at = 0; out && (n = pread(s->file, piece, sizeof(piece), at)) > 0; at += n)
		buf_add(out, str_make(piece, (size_t)n));
	close(s->file);
}

STREAM_UNUSED static void assert_says(struct str got, const char *want)
{
	if (str_find(got, str_of(want)) < 0)
		fail_msg("want: ...%s...\ngot:  %.*s", want, STR_ARG(got));
}

#endif
