/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/capture.h"
#include "cmd/word.h"

#define TARGETS_MAX 1024

int attach_run(struct option_values *v)
{
	autodrop(drop_memory) uint32_t *pids = calloc(TARGETS_MAX, sizeof(*pids));
	int code = capture_settings(v, WIRE_MODE_ATTACH);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count == 0 || v->arg_count > TARGETS_MAX || pids == NULL)
		return err_say(EXIT_USAGE, "bottrace attach PID…",
			       v->arg_count ? "too many processes" : "no process to attach to");
	for (int i = 0; i < v->arg_count; i++) {
		uint64_t pid;

		if (!str_to_u64(str_of(v->args[i]), &pid) || pid == 0 || pid > INT32_MAX)
			return err_say(EXIT_USAGE, "give the number of a running process (ps -e)",
				       "not a PID: %s", v->args[i]);
		pids[i] = (uint32_t)pid;
	}
	v->session.pids = pids;
	v->session.pid_count = (unsigned)v->arg_count;
	return session_attach(&v->session);
}
