/* SPDX-License-Identifier: BSD-2-Clause */
/* Open markers, and what was said in them: for those who look at what is alive. */
#ifndef TRACE_MARKER_H
#define TRACE_MARKER_H

#include "trace/set.h"

/* Something that was said in a step: event or state. */
struct trace_said {
	struct trace_said *next;
	uint64_t time_ns;
	enum mark_kind kind;
	bool cut;
	struct str name, value; /* behind the struct */
};

struct trace_marker {
	struct trace_marker *prev, *next; /* open ones, oldest first */
	struct trace_process *process;
	struct trace_root *root;
	uint64_t number;
	uint64_t around; /* number of the one that it is in; 0: none */
	uint64_t id, parent;
	uint32_t seq, tid;
	uint64_t start_ns;
	const char *how;
	bool certain;
	bool told;
	bool cut; /* of input */
	uint32_t parent_tid;
	struct trace_saids saids;
	struct trace_thread *threads; /* that are in it */
	size_t held;
	struct str name, input; /* behind the struct */
};

#endif
