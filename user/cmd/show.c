/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

/* TRACE/N is TRACE N, where it is no file itself. Cuts the argument. */
static const char *split(struct option_values *v)
{
	char *slash = v->arg_count == 1 ? strrchr(v->args[0], '/') : NULL;
	uint32_t trace, n;

	if (slash == NULL || slash == v->args[0] || !word_span(slash + 1, &trace, &n) ||
	    access(v->args[0], F_OK) == 0)
		return v->arg_count > 1 ? v->args[1] : NULL;
	*slash = '\0';
	return slash + 1;
}

int show_run(struct option_values *v)
{
	const char *number = split(v);
	autodrop(buf_fini) struct buf document = {0};
	autodrop(buf_fini) struct buf text = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	struct view_style style = word_style(v, STDOUT_FILENO);
	enum session_format format;
	uint32_t trace, n;
	bool complete = false;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	trace = n = 0;
	if (v->state && v->arg_count >= 1 && v->arg_count <= 2 && (!number || word_span(number, &trace, &n)))
		return state_run(v, trace, n);
	if (v->arg_count >= 1 && strncmp(v->args[0], WORD_PID, strlen(WORD_PID)) == 0)
		return err_say(EXIT_NOT_FOUND, "--state shows what is alive in it now",
			       "there is no store: of a process that is traced now there is no trace yet");
	if (v->arg_count > 2 || a == NULL || !number || !word_span(number, &trace, &n))
		return err_say(
			EXIT_USAGE,
			"bottrace show TRACE N; N stands in front of each span of `bottrace tree TRACE`",
			"a trace and a span's number are to be given");
	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	buf_init(&text, LIMIT_TEXT_BYTES);
	code = session_load(v->args[0], v->session.prices_file, &document, &complete);
	if (code != EXIT_OK)
		return code;
	const struct json *j;
	int r = word_read(&j, a, &document);
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show the trace: %s", strerror(-r));
	const struct json *span = view_find(j, trace, n);
	if (span == NULL)
		return err_say(EXIT_NOT_FOUND, "`bottrace tree` shows the numbers", "%s has no span %s",
			       v->args[0], number);
	if (format == SESSION_TEXT) {
		r = view_span(&text, a, j, trace, n, &style);
	} else {
		if (v->full)
			r = view_full_span(&text, a, j, trace, n);
		else
			buf_add(&text, json_raw(span));
		buf_add_char(&text, '\n');
	}
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show span %s: %s", number, strerror(-r));
	code = word_print(&text);
	return code == EXIT_OK && v->strict && !complete ? EXIT_LOSSY : code;
}
