/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

static int print_why(struct option_values *v, const struct buf *document, enum session_format format,
		     struct arena *a, const struct view_style *style)
{
	autodrop(buf_fini) struct buf text = {0};
	const struct json *j = NULL;
	uint32_t trace, n;

	if (!word_span(v->why, &trace, &n))
		return err_say(EXIT_USAGE, "N stands in front of each span of `bottrace tree TRACE`",
			       "--why wants a span's number");
	buf_init(&text, LIMIT_TEXT_BYTES);
	int r = word_read(&j, a, document);
	if (r == 0)
		r = format == SESSION_TEXT ? view_why(&text, a, j, trace, n, style)
					   : view_why_json(&text, a, j, trace, n);
	if (r == -ENOENT)
		return err_say(EXIT_NOT_FOUND, "`bottrace tree` shows the numbers", "%s has no span %s",
			       v->args[0], v->why);
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show the trace: %s", strerror(-r));
	return word_print(&text);
}

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
	code = v->why ? print_why(v, &document, format, a, &style)
		      : word_print_document(v, &document, format, a, &style);
	return code == EXIT_OK && v->strict && !complete ? EXIT_LOSSY : code;
}
