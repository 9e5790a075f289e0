/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people read on stderr. Three kinds of trouble, never mixed: the world says no (negative errno, said once
 * at a border), the bytes are wrong (data, never said here), we are wrong (assert, on in release too).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/drop.h"

/* Exit codes, stable: docs/cli.md. */
enum err_exit {
	EXIT_OK = 0,
	EXIT_NEGATIVE = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_RIGHTS = 4,
	EXIT_HOST = 5,
	EXIT_CORRUPT = 6,
	EXIT_SINK = 7,
	EXIT_LOSSY = 8,
	EXIT_BOUND = 9,
	EXIT_TIMEOUT = 124,
	EXIT_BEFORE_EXEC = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_COMMAND_NOT_FOUND = 127,
};

enum err_level { ERR_QUIET = -1, ERR_NORMAL = 0, ERR_VERBOSE = 1, ERR_DEBUG = 2 };

/* The level that err_note() must reach to be printed: -q, nothing, -v, -vv. Process-wide, set once at start. */
void err_set_level(enum err_level level);
enum err_level err_get_level(void);

/* Prints "bottrace: <cause>" and, when hint is not NULL, "hint: <hint>": one line each, control characters
 * escaped. Returns exit_code, so that `return err_say(EXIT_USAGE, "hint", "cause %s", x)` says and ends in one. */
int err_say(int exit_code, const char *hint, const char *fmt, ...) PRINTF(3, 4);

/* Prints "bottrace: <text>: <strerror(-r)>" and returns r: log-and-return in one expression. */
int fail(int r, const char *fmt, ...) PRINTF(2, 3);

/* Prints "bottrace: <text>" when the level is at least `level`. */
void err_note(enum err_level level, const char *fmt, ...) PRINTF(2, 3);

#endif
