/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorded exchanges, cut in two at every byte: same call. From BOTTRACE_DATA (default ../shared/data), skipped where
 * it is not. Above SAMPLE_BYTES the places are sampled; BOTTRACE_SPLITS=all cuts at each byte whatever the size.
 */
#include "talk.h"

#include <glob.h>
#include <stdio.h>

#define SAMPLE_BYTES 4096u

static void read_file(struct buf *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(b, str_make(piece, n));
	fclose(f);
}

static void decode(struct str input, size_t at, struct buf *out)
{
	struct talk *t = talk_start();

	assert_non_null(t);
	/* Heap copies of the exact size: the sanitizer sees a look beyond or after. */
	for (int i = 0; i < 2; i++) {
		struct str piece = i == 0 ? str_head(input, at) : str_skip(input, at);
		char *copy = str_dup(piece);

		talk_feed(t, str_make(copy, piece.n));
		free(copy);
	}
	talk_finish(t, out);
	talk_stop(t);
}

/* Every byte near the ends and around the two messages' border, a coarse comb between. */
static bool is_sampled(size_t at, size_t n)
{
	size_t border = at > talk_request ? at - talk_request : talk_request - at;

	return at < 128 || n - at < 256 || border < 192 || at % (n / 251 + 1) == 0;
}

static size_t cut_everywhere(const char *name, struct str input, bool all)
{
	struct buf want, got;
	char label[256];
	size_t cuts = 0;

	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	decode(input, 0, &want);
	assert_true(want.n > 0);
	for (size_t at = 1; at < input.n; at++) {
		if (!all && input.n > SAMPLE_BYTES && !is_sampled(at, input.n))
			continue;
		buf_clear(&got);
		decode(input, at, &got);
		snprintf(label, sizeof(label), "%s cut at %zu", name, at);
		harness_assert_text(label, buf_str(&got), buf_str(&want));
		cuts++;
	}
	buf_fini(&want);
	buf_fini(&got);
	return cuts;
}

static void recorded_exchanges(void **state)
{
	const char *data = getenv("BOTTRACE_DATA"), *splits = getenv("BOTTRACE_SPLITS");
	bool all = splits && strcmp(splits, "all") == 0;
	char pattern[512];
	size_t files = 0, cuts = 0;
	glob_t found;

	(void)state;
	talk_server = NULL;
	snprintf(pattern, sizeof(pattern), "%s/wire/*.req", data ? data : "../shared/data");
	if (glob(pattern, 0, NULL, &found) != 0) {
		print_message("skipped: no recorded exchanges in %s\n", pattern);
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *path = found.gl_pathv[i];
		struct buf input;

		buf_init(&input, SIZE_MAX);
		read_file(&input, path);
		talk_request = input.n;
		memcpy(path + strlen(path) - 3, "res", 3);
		snprintf(pattern, sizeof(pattern), "%sp", path);
		read_file(&input, pattern);
		cuts += cut_everywhere(path, buf_str(&input), all);
		buf_fini(&input);
		files++;
	}
	globfree(&found);
	print_message("%zu exchanges, %zu cuts\n", files, cuts);
	assert_true(files > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_exchanges),
	};

	return cmocka_run_group_tests_name("genai wire", tests, NULL, NULL);
}
