/* SPDX-License-Identifier: BSD-2-Clause */
/* The project's own table as it stands in the tree, inside of the program. */
#include "genai/prices.h"

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	"prices_builtin_begin:\n"
	".incbin \"tools/prices/prices.tsv\"\n"
	"prices_builtin_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char prices_builtin_begin[] __attribute__((visibility("hidden")));
extern const char prices_builtin_end[] __attribute__((visibility("hidden")));

struct str prices_builtin(void)
{
	return str_make(prices_builtin_begin, (size_t)(prices_builtin_end - prices_builtin_begin));
}
