/* SPDX-License-Identifier: BSD-2-Clause */
/* The project's own table as it stands in the tree, inside of the program. */
#include "rules/rules.h"

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	"rules_builtin_begin:\n"
	".incbin \"tools/rules/frames.tsv\"\n"
	"rules_builtin_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char rules_builtin_begin[] __attribute__((visibility("hidden")));
extern const char rules_builtin_end[] __attribute__((visibility("hidden")));

struct str rules_builtin(void)
{
	return str_make(rules_builtin_begin, (size_t)(rules_builtin_end - rules_builtin_begin));
}
