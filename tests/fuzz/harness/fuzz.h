/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target gets. A target is one function, LLVMFuzzerTestOneInput, run by libFuzzer (make fuzz) or over
 * files (replay.c).
 *
 * Inputs with parts are text where they can be: a part begins with the byte 0x1e (the ASCII record separator) and a
 * letter that says what it is; a number is decimal digits. So corpora can be read, and a fuzzer cuts and joins parts by
 * moving one byte.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

#define FUZZ_UNUSED __attribute__((unused))
#define FUZZ_PART   '\x1e'

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part: its letter and what follows it. What stands before the first separator is a part '\0'. False at the
 * end. */
FUZZ_UNUSED static bool fuzz_part(struct str *rest, char *letter, struct str *body)
{
	*letter = '\0';
	if (rest->n == 0)
		return false;
	if (rest->p[0] == FUZZ_PART) {
		*letter = rest->n > 1 ? rest->p[1] : '\0';
		*rest = str_skip(*rest, 2);
	}
	ptrdiff_t end = str_find_char(*rest, FUZZ_PART);
	*body = end < 0 ? *rest : str_head(*rest, (size_t)end);
	*rest = str_skip(*rest, body->n);
	return true;
}

/* The number that a text begins with, taken off it; otherwise 0. A comma behind it goes too. */
FUZZ_UNUSED static uint64_t fuzz_number(struct str *text)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < text->n && text->p[i] >= '0' && text->p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(text->p[i] - '0');
	if (i < text->n && text->p[i] == ',')
		i++;
	*text = str_skip(*text, i);
	return n;
}

/* The bytes alone on the heap: a read beyond them is seen. Freed by fuzz_free. */
FUZZ_UNUSED static char *fuzz_copy(struct str s)
{
	char *copy = malloc(s.n ? s.n : 1);

	if (copy == NULL)
		abort();
	if (s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

/* A file without a name that holds these bytes, read from its beginning. */
FUZZ_UNUSED static int fuzz_file(struct str s)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (s.n && write(fd, s.p, s.n) != (ssize_t)s.n) || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

#endif
