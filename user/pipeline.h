/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk of one record: proc, flow, http, genai, trace, guard, store, in one thread. Knows every room. */
#ifndef BOTTRACE_PIPELINE_H
#define BOTTRACE_PIPELINE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/json.h"
#include "genai/genai.h"
#include "http/http.h"
#include "view/view.h"
#include "wire.h"

struct pipeline;

struct pipeline_settings {
	const char *spool_dir; /* NULL: the default */
	struct str prices;     /* text of a price file, checked; p NULL: what the records bring */
	bool decode;	       /* no clock, no processes: root_rule decode */
	/* Each closed (or replaced) span, cleaned, as a stored line; with --keep when it is known that it stays. seq: its
	 * order of creation in its trace. May be NULL. */
	void (*span)(void *ctx, struct str line, uint32_t seq);
	/* What need not come any more. May be NULL: nobody could see to it. */
	http_verdict_fn *verdict;
	void *ctx;
};

/* NULL: errno. */
struct pipeline *pipeline_new(const struct pipeline_settings *settings);
void pipeline_feed(struct pipeline *p, const struct wire_head *rec);
/* Without a kernel (decode): the two directions of a connection from its beginning to its end, as they were written
 * and read. Recorded bytes have no times: an answer is taken to come before the next request. */
int pipeline_connection(struct pipeline *p, struct str server, struct str written,
			struct str read) MUST_CHECK;
/* One direction of such a connection that does not stand in memory whole. */
struct pipeline_input {
	struct str data; /* at hand, not yet fed */
	/* Called before each look at `data`: puts PIPELINE_PIECE_BYTES there, or all that is left of the direction, and
	 * keeps what was not fed. -errno ends the connection and is returned. */
	int (*fill)(void *ctx, struct str *data);
	void *ctx;
};
#define PIPELINE_PIECE_BYTES 65536u /* as a library hands bytes over: never all in one call */
int pipeline_inputs(struct pipeline *p, struct str server, struct pipeline_input *written,
		    struct pipeline_input *read) MUST_CHECK;
/* The same, byte by byte in the order in which they went over the wire. NULL: no memory. */
struct flow_conn *pipeline_open(struct pipeline *p, struct str server);
void pipeline_data(struct pipeline *p, struct flow_conn *c, enum wire_dir dir, struct str data);
void pipeline_close(struct pipeline *p, struct flow_conn *c);
/* Two programs that speak in lines: what genai_pipe_feed is to be given. NULL: no memory. */
struct genai_pipe *pipeline_pipe_open(struct pipeline *p, struct flow_conn **conn);
void pipeline_pipe_close(struct pipeline *p, struct genai_pipe *pipe, struct flow_conn *conn);
/* No more records. cut: the tape ended early. */
int pipeline_finish(struct pipeline *p, bool cut) MUST_CHECK;
/* After pipeline_finish: what view needs, borrowed. */
struct view_session pipeline_session(struct pipeline *p);
/* What is alive in a process and its descendants, cleaned, as one JSON object (docs/state.md), appended. 0; -ENOENT: no such
 * process is traced, or it ended; -ENOMEM. */
int pipeline_state(struct pipeline *p, uint32_t pid, uint64_t now_ns, struct buf *out) MUST_CHECK;
/* Whether every trace is complete (for --strict). */
bool pipeline_complete(const struct pipeline *p);
void pipeline_free(struct pipeline *p);
DROP_POINTER(pipeline, pipeline_free)

#endif
