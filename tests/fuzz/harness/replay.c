/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target once over each file given: without libFuzzer, so by either compiler. With REPLAY_EDGES set, in a
 * build with clang's counters, prints a line for each file: the edges that it reached.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20)

static uint8_t *counters, *counters_end;

/* Called by clang's instrumentation, once for each module; all of ours lie in one section. */
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end);
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end)
{
	counters = start;
	counters_end = end;
}

static void print_edges(const char *file)
{
	printf("%s", file);
	for (uint8_t *c = counters; c < counters_end; c++)
		if (*c)
			printf(" %zu", (size_t)(c - counters));
	printf("\n");
}

static int replay(const char *file, bool edges)
{
	struct buf b;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	buf_init(&b, INPUT_MAX);
	if (fd < 0 || buf_read(&b, fd) < 0) {
		fprintf(stderr, "replay: cannot read %s\n", file);
		return 1;
	}
	close(fd);
	/* Exactly as long as the input: a read behind it is seen. */
	char *copy = fuzz_copy(buf_str(&b));
	if (counters)
		memset(counters, 0, (size_t)(counters_end - counters));
	fprintf(stderr, "replay: %s\n", file);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)copy, b.n);
	if (edges)
		print_edges(file);
	free(copy);
	buf_fini(&b);
	return 0;
}

int main(int argc, char **argv)
{
	bool edges = getenv("REPLAY_EDGES") != NULL;
	int code = 0;

	for (int i = 1; i < argc; i++)
		code |= replay(argv[i], edges);
	return code;
}
