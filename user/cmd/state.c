/* SPDX-License-Identifier: BSD-2-Clause */
/* show --state: what is alive in a process now, or was when something failed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/limits.h"
#include "cmd/word.h"

static int print_alive(struct option_values *v, uint32_t pid, enum session_format format)
{
	autodrop(buf_fini) struct buf answer = {0};
	autodrop(buf_fini) struct buf text = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	struct view_style style = word_style(v, STDOUT_FILENO);
	const struct json *j = NULL;

	buf_init(&answer, LIMIT_SPAN_BYTES);
	buf_init(&text, LIMIT_TEXT_BYTES);
	int code = session_ask(pid, &answer);
	if (code != EXIT_OK)
		return code;
	int r = a ? word_read(&j, a, &answer) : -ENOMEM;
	if (r == 0 && !view_is_state(j))
		r = -EBADMSG;
	if (r == 0 && format == SESSION_TEXT)
		r = view_state(&text, a, j, &style);
	if (r < 0)
		return err_say(EXIT_HOST, "is the other bottrace of the same version?",
			       "the answer cannot be shown: %s", strerror(-r));
	if (format == SESSION_TEXT)
		return word_print(&text);
	buf_add_char(&answer, '\n');
	return word_print(&answer);
}

static int none_kept(const struct option_values *v)
{
	return err_say(
		EXIT_NOT_FOUND,
		"it is kept where an exception left a step, or a process failed while agents lived in it",
		"%s%s%s has no state of a failure", v->arg_count > 1 ? "span " : "",
		v->args[v->arg_count - 1], v->arg_count > 1 ? " of that trace" : "");
}

static int print_kept(struct option_values *v, uint32_t trace, uint32_t n, enum session_format format)
{
	autodrop(buf_fini) struct buf document = {0};
	autodrop(buf_fini) struct buf text = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	struct view_style style = word_style(v, STDOUT_FILENO);
	const struct json *j = NULL;
	bool complete = false;

	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	buf_init(&text, LIMIT_TEXT_BYTES);
	int code = session_load(v->args[0], v->session.prices_file, &document, &complete);
	if (code != EXIT_OK)
		return code;
	int r = a ? word_read(&j, a, &document) : -ENOMEM;
	if (r == 0 && n > 0 && view_find(j, trace, n) == NULL)
		return err_say(EXIT_NOT_FOUND, "`bottrace tree` shows the numbers", "%s has no span %u",
			       v->args[0], n);
	if (r == 0)
		r = format == SESSION_TEXT ? view_failures(&text, a, j, trace, n, &style)
					   : view_failures_json(&text, a, j, trace, n);
	if (r == -ENOENT)
		return none_kept(v);
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show the trace: %s", strerror(-r));
	code = word_print(&text);
	return code == EXIT_OK && v->strict && !complete ? EXIT_LOSSY : code;
}

int state_run(struct option_values *v, uint32_t trace, uint32_t n)
{
	enum session_format format;
	struct str which = str_of(v->args[0]), pid = str_skip(which, strlen(WORD_PID));
	uint64_t number = 0;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (!str_starts(which, STR(WORD_PID)))
		return print_kept(v, trace, n, format);
	if (!str_to_u64(pid, &number) || number == 0 || number > INT32_MAX || v->arg_count != 1)
		return err_say(EXIT_USAGE, "bottrace show @pid:4242 --state", "one PID is to be given");
	return print_alive(v, (uint32_t)number, format);
}
