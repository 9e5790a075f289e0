/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every unit test gets: cmocka, and the three sweeps that each stage must survive.
 *
 *   every split   the input cut in two at each byte, and byte by byte: same output
 *   every prefix  then free: no leak, no crash (ASAN looks)
 *   every OOM     the n-th allocation fails, for n = 1.. until the run meets none: no leak, no crash
 */
#ifndef UNIT_HARNESS_H
#define UNIT_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* cmocka has macros of these names, base/err.h a function `fail`. */
#undef fail
#undef fail_msg
#define fail_msg(...)                      \
	do {                               \
		print_error(__VA_ARGS__);  \
		print_error("\n");         \
		_fail(__FILE__, __LINE__); \
	} while (0)

#include "base/buf.h"
#include "base/str.h"

/* A stage under test: new state, feed a piece, finish and write what came out as text, free. */
struct harness_stage {
	void *(*start)(void); /* NULL: without memory */
	void (*feed)(void *state, struct str piece);
	void (*finish)(void *state, struct buf *out); /* may be NULL */
	void (*stop)(void *state);
};

/* Each runs the stage over input; assert with the stage's name. Splits of inputs above 4 KiB are sampled (every byte
 * of the first and last 1 KiB, then 997 positions). */
void harness_every_split(const char *name, const struct harness_stage *s, struct str input);
void harness_every_prefix(const char *name, const struct harness_stage *s, struct str input);
void harness_every_oom(const char *name, const struct harness_stage *s, struct str input);
/* All three. */
void harness_sweep(const char *name, const struct harness_stage *s, struct str input);

/* The n-th allocation from now on fails (n = 1: the next), once; 0: none fails. */
void harness_fail_alloc(unsigned long n);
/* Whether one has failed since harness_fail_alloc. */
bool harness_alloc_failed(void);

/* Asserts that two texts are equal, and prints both when they are not. */
void harness_assert_text(const char *name, struct str got, struct str want);
#define HARNESS_TEXT(name, got, want) harness_assert_text(name, got, str_of(want))

#endif
