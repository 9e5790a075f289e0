/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"
#include "cmd/word.h"

int version_run(struct option_values *v)
{
	autodrop(buf_fini) struct buf text = {0};

	if (v->arg_count > 0)
		return err_say(EXIT_USAGE, "bottrace version", "this word takes nothing");
	buf_init(&text, 1024);
	buf_add(&text, STR("bottrace " BOTTRACE_VERSION "\n"));
	return word_print(&text);
}
