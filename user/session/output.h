/* SPDX-License-Identifier: BSD-2-Clause */
/* Where results go: the files of -o, live lines, the summary. */
#ifndef SESSION_OUTPUT_H
#define SESSION_OUTPUT_H

#include "base/drop.h"
#include "session/session.h"
#include "trace/trace.h"
#include "view/view.h"

/* Opens every output's file as the invoking user (fd), before anything is started. EXIT_OK, or an exit code after
 * saying why. */
int output_open(struct session_settings *settings) MUST_CHECK;
/* Opens the tape: 0600, emptied. The descriptor, or -1 after saying why. */
int output_open_tape(const char *file);
/* Removes the files that were made for a session that never started. */
void output_discard(struct session_settings *settings);

/* ---- while it runs: text lines and JSON lines as spans close ---- */
struct output_live;

struct output_live *output_live_new(const struct session_settings *settings);
void output_live_span(struct output_live *l, struct str line, uint32_t seq);
/* The overhead governor took a step: a line of text. */
void output_live_shed(struct output_live *l, const struct wire_shed_step *step, int64_t utc_offset_ns);
/* Writes what the readers take without waiting. Whether something still waits. */
bool output_live_flush(struct output_live *l);
void output_live_free(struct output_live *l);

/* ---- at the end ---- */

/* Every -o output, then the summary on stderr unless -q. 0, or the first -errno (each was said). */
int output_write(const struct session_settings *settings, const struct view_session *session,
		 struct output_live *live) MUST_CHECK;

#endif
