/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- allocations that fail ---- */

static unsigned long countdown;
static bool failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

void harness_fail_alloc(unsigned long n)
{
	countdown = n;
	failed = false;
}

bool harness_alloc_failed(void)
{
	return failed;
}

static bool fails_now(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
	return fails_now() ? NULL : __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails_now() ? NULL : __real_realloc(p, n);
}

/* ---- text ---- */

void harness_assert_text(const char *name, struct str got, struct str want)
{
	if (str_eq(got, want))
		return;
	size_t at = 0;
	while (at < got.n && at < want.n && got.p[at] == want.p[at])
		at++;
	fail_msg("%s: differs at byte %zu\n--- got (%zu)\n%.*s\n--- want (%zu)\n%.*s\n---", name, at, got.n,
		 STR_ARG(got), want.n, STR_ARG(want));
}

/* ---- sweeps ---- */

static void run(const struct harness_stage *s, const struct str *pieces, size_t count, struct buf *out)
{
	void *state = s->start();

	if (state == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		/* A heap copy of the exact size: ASAN sees every read beyond a piece, and every later look at it. */
		char *copy = __real_malloc(pieces[i].n ? pieces[i].n : 1);
		if (pieces[i].n)
			memcpy(copy, pieces[i].p, pieces[i].n);
		s->feed(state, str_make(copy, pieces[i].n));
		free(copy);
	}
	if (s->finish)
		s->finish(state, out);
	s->stop(state);
}

static bool sampled(size_t at, size_t n)
{
	if (n <= 4096 || at < 1024 || at > n - 1024)
		return true;
	return at % (n / 997 + 1) == 0;
}

void harness_every_split(const char *name, const struct harness_stage *s, struct str input)
{
	struct buf want, got;
	char label[160];

	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	run(s, &input, 1, &want);
	for (size_t at = 1; at < input.n; at++) {
		struct str two[2] = {str_head(input, at), str_skip(input, at)};

		if (!sampled(at, input.n))
			continue;
		buf_clear(&got);
		run(s, two, 2, &got);
		snprintf(label, sizeof(label), "%s: cut in two at %zu", name, at);
		harness_assert_text(label, buf_str(&got), buf_str(&want));
	}
	if (input.n > 0) {
		struct str *bytes = __real_calloc(input.n, sizeof(*bytes));

		for (size_t i = 0; i < input.n; i++)
			bytes[i] = str_make(input.p + i, 1);
		buf_clear(&got);
		run(s, bytes, input.n, &got);
		free(bytes);
		snprintf(label, sizeof(label), "%s: byte by byte", name);
		harness_assert_text(label, buf_str(&got), buf_str(&want));
	}
	buf_fini(&want);
	buf_fini(&got);
}

void harness_every_prefix(const char *name, const struct harness_stage *s, struct str input)
{
	struct buf out;

	(void)name;
	buf_init(&out, SIZE_MAX);
	for (size_t n = 0; n < input.n; n++) {
		struct str piece = str_head(input, n);

		if (!sampled(n, input.n))
			continue;
		buf_clear(&out);
		run(s, &piece, 1, &out);
	}
	buf_fini(&out);
}

void harness_every_oom(const char *name, const struct harness_stage *s, struct str input)
{
	struct buf out;
	unsigned long n = 0;

	buf_init(&out, SIZE_MAX);
	do {
		buf_clear(&out);
		harness_fail_alloc(++n);
		run(s, &input, 1, &out);
		if (n > 1000000)
			fail_msg("%s: allocates without end", name);
	} while (harness_alloc_failed());
	harness_fail_alloc(0);
	buf_fini(&out);
}

void harness_sweep(const char *name, const struct harness_stage *s, struct str input)
{
	harness_every_split(name, s, input);
	harness_every_prefix(name, s, input);
	harness_every_oom(name, s, input);
}
