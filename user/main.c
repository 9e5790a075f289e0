/* SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>

#include "cmd/cmd.h"

/* What a message of some 100 kB takes comes and goes with each exchange: below these sizes the heap keeps it, instead
 * of having every page of it cleared anew by the kernel. The C library's own sizes would follow the largest block that
 * was ever freed, and keep as much. */
#define MMAP_BYTES (4 << 20)
#define KEEP_BYTES (8 << 20)

int main(int argc, char **argv)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_ARENA_MAX, 1); /* few threads, and only one of them allocates often */
	return cmd_main(argc, argv);
}
