/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

int tree_run(struct option_values *v)
{
	autodrop(buf_fini) struct buf document = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	struct view_style style = word_style(v, STDOUT_FILENO);
	enum session_format format;
	bool complete = false;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count != 1 || a == NULL)
		return err_say(EXIT_USAGE, "bottrace tree TRACE", "one trace is to be given");
	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	code = session_load(v->args[0], v->session.prices_file, &document, &complete);
	if (code != EXIT_OK)
		return code;
	code = word_print_document(v, &document, format, a, &style);
	return code == EXIT_OK && v->strict && !complete ? EXIT_LOSSY : code;
}
