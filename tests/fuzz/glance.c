/* SPDX-License-Identifier: BSD-2-Clause */
/* The first look at a mapped file. A part 'n' in front of the file is its name. */
#include "fuzz.h"
#include "probe/glance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), name = STR("/lib/x.so");

	if (size > 2 && data[0] == FUZZ_PART && data[1] == 'n') {
		name = str_head(str_skip(rest, 2), 32);
		rest = str_skip(rest, 2 + name.n);
	}
	autodrop(drop_fd) int fd = fuzz_file(rest);
	(void)glance_is_worth(fd, GLANCE_BYTES_MIN, name);
	(void)glance_find_suspect(name);
	return 0;
}
