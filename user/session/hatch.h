/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket through which others of the same person ask what is alive in a traced process. The front makes it before
 * anything else lives and removes it; the collector answers between its batches, one question a connection:
 *
 *   struct hatch_question  ->
 *                          <-  struct hatch_answer, then `size` bytes of JSON, then the end
 *
 * It lies in a directory of the person's own, 0700: $XDG_RUNTIME_DIR/bottrace, or /run/bottrace/user-UID. What a session that
 * was killed left there is removed by the next one.
 */
#ifndef SESSION_HATCH_H
#define SESSION_HATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "session/person.h"

#define HATCH_QUESTION	   0x31515442u /* BTQ1 */
#define HATCH_ANSWER	   0x31415442u /* BTA1 */
#define HATCH_ANSWER_BYTES (4u << 20)
#define HATCH_DIRS_MAX	   4u
#define HATCH_FILES_MAX	   64u /* looked at in one directory */
#define HATCH_NAME_MAX	   40u

struct hatch_question {
	uint32_t magic;
	uint32_t pid;
	uint32_t pad[2];
};

struct hatch_answer {
	uint32_t magic;
	int32_t err; /* 0, or -errno: -ENOENT: it does not watch that process */
	uint64_t size;
};

/* ---- the front's ---- */
struct hatch {
	int dir;      /* -1: there is none */
	int listener; /* -1: none, or given away */
	char name[HATCH_NAME_MAX];
};

/* Without a place for it there is none, and nothing else is different. */
void hatch_open(struct hatch *h, const struct person *p);
void hatch_close(struct hatch *h);

/* ---- who asks ---- */
/* The person's directories that are there and nobody else's: their descriptors, at most HATCH_DIRS_MAX. */
unsigned hatch_dirs(const struct person *p, int dirs[HATCH_DIRS_MAX]);
/* A connection to each hatch in the directory, non-blocking; at most `most`. What nobody listens at is removed. *busy: one has
 * too many at its door. */
unsigned hatch_connect(int dir, int *fds, unsigned most, bool *busy);

#endif
