/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"
#include "cmd/capture.h"
#include "cmd/word.h"

int run_run(struct option_values *v)
{
	if (v->arg_count == 0)
		return err_say(EXIT_USAGE, "bottrace run -- COMMAND…", "no command to run");
	int code = capture_settings(v, WIRE_MODE_RUN);
	if (code != EXIT_OK)
		return code;
	v->session.argv = v->args;
	return session_run(&v->session);
}
