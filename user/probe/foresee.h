/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which TLS libraries a command will load, told from files alone: nothing foreign is executed. More is named than
 * will be used: a probe too many costs a bystander a microsecond, one too few costs the first request.
 */
#ifndef PROBE_FORESEE_H
#define PROBE_FORESEE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"

struct foresee_request {
	int root;	     /* root_open */
	const char *program; /* argv[0], or the path of an executable that runs already */
	struct str argv;     /* NUL-terminated strings, argv[0] first; may be empty */
	struct str env;	     /* NUL-terminated NAME=value strings */
	const char *cwd;
	void (*found)(void *ctx, const char *path); /* a library's path, inside root; each once */
	void *ctx;
};

/* 0, -ENOMEM. What cannot be read is passed over. */
int foresee_libraries(const struct foresee_request *request) MUST_CHECK;

/* ---- shared by foresee.c and pyenv.c ---- */

#define FORESEE_PATH_MAX  4096
#define FORESEE_QUEUE_MAX 64 /* executables looked at */
#define FORESEE_DEPTH_MAX 5  /* interpreters of interpreters */

struct foresee {
	const struct foresee_request *request;
	struct buf queue; /* paths to look at, NUL-terminated, each after its depth as one byte */
	unsigned queued;
	struct buf told; /* libraries told, NUL-terminated */
};

/* Queues an executable, unless it was queued before or is too deep. */
void foresee_queue(struct foresee *f, const char *path, unsigned depth);
/* Queues what PATH or cwd gives for a name; `without`: a directory of PATH to pass over, or NULL. False
 * when there is no such command. */
bool foresee_queue_command(struct foresee *f, struct str name, const char *without, unsigned depth);
/* dir/name made absolute by cwd. False when too long. */
bool foresee_join(char out[FORESEE_PATH_MAX], struct str dir, struct str name);

#endif
