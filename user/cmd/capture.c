/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/capture.h"

#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

int capture_settings(struct option_values *v, enum wire_mode mode)
{
	struct session_settings *s = &v->session;

	if (s->ring_bytes < LIMIT_RING_MIN || s->ring_bytes > LIMIT_RING_MAX)
		return err_say(EXIT_USAGE, "--ring-size takes 4096 to 1G", "bad value for --ring-size");
	/* The kernel multiplies it. */
	if (s->rate_bytes > UINT64_C(1) << 40 || s->rate_calls > UINT64_C(1) << 40)
		return err_say(EXIT_USAGE, "0 is no bound",
			       "--rate-bytes and --rate-calls take at most 1024G");
	/* The kernel wants a power of two; more is what was asked for, too. */
	while (s->ring_bytes & (s->ring_bytes - 1))
		s->ring_bytes += s->ring_bytes & -s->ring_bytes;
	s->mode = mode;
	s->quiet = v->quiet;
	s->digest = v->digest;
	s->symbols = v->symbols;
	s->strict = v->strict;
	s->full = v->full;
	int code = session_prices(s->prices_file, &s->prices);
	if (code == EXIT_OK)
		code = session_rules(s->rules_file, &s->rules);
	if (code != EXIT_OK)
		return code;
	s->style = word_style(v, mode == WIRE_MODE_RUN ? STDERR_FILENO : STDOUT_FILENO);
	return EXIT_OK;
}
