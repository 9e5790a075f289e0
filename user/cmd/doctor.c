/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"
#include "probe/probe.h"

int doctor_run(struct option_values *v)
{
	autodrop(buf_fini) struct buf json = {0};
	autodrop(buf_fini) struct buf text = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_TEXT_BYTES);
	struct view_style style = word_style(v, STDOUT_FILENO);
	enum session_format format;
	uint64_t pid = 0;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count > 1 || a == NULL ||
	    (v->arg_count == 1 && (!str_to_u64(str_of(v->args[0]), &pid) || pid == 0 || pid > INT32_MAX)))
		return err_say(EXIT_USAGE, "bottrace doctor [PID]",
			       "one process at most is to be given, by its number");
	buf_init(&json, LIMIT_TEXT_BYTES);
	buf_init(&text, LIMIT_TEXT_BYTES);
	int r = probe_doctor(&json, (uint32_t)pid);
	if (r == -ESRCH)
		return err_say(EXIT_NOT_FOUND, "give the PID of a running process (ps -e)",
			       "no such process: %s", v->args[0]);
	if (r < 0)
		return err_say(r == -EPERM || r == -EACCES ? EXIT_RIGHTS : EXIT_HOST,
			       "run it as root or through sudo", "cannot look: %s", strerror(-r));
	if (format == SESSION_TEXT) {
		r = view_doctor(&text, a, json_parse(a, buf_str(&json), NULL), &style);
		if (r < 0)
			return err_say(EXIT_HOST, NULL, "cannot show it: %s", strerror(-r));
		return word_print(&text);
	}
	buf_add_char(&json, '\n');
	return word_print(&json);
}
