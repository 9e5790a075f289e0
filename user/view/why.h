/* SPDX-License-Identifier: BSD-2-Clause */
/* What speaks for a span's parent, checked against the document, and who else could be it. */
#ifndef VIEW_WHY_H
#define VIEW_WHY_H

#include "view/node.h"

#define WHY_FACTS  12u
#define WHY_OTHERS 16u

struct why_fact {
	struct str text;
	bool holds;
};

struct why_other {
	uint32_t at;
	struct str why_not;
	bool same_pid;
	int64_t start_ns;
};

struct why {
	struct node_forest f;
	struct arena *a;
	const struct node *n, *parent; /* parent NULL: none, or not in the document */
	struct why_fact facts[WHY_FACTS];
	uint32_t fact_count;
	struct why_other others[WHY_OTHERS];
	uint32_t other_count, left_out;
};

/* n of the trace: -ENOENT when there is none. */
int why_find(struct why *w, struct arena *a, const struct json *trace, uint32_t n) MUST_CHECK;
/* fact.c: fills w->facts. */
void why_check(struct why *w);
/* rival.c: fills w->others. */
int why_compare(struct why *w) MUST_CHECK;
/* Whether a frame of the span's stack is the source of `other`: its index, or -1. */
ptrdiff_t why_frame(struct why *w, const struct node *other);
/* How many texts of a tool call's arguments stand in a process's command line; *all: texts that are long enough to tell. */
uint32_t why_strings(struct why *w, const struct node *tool, const struct node *process, uint32_t *all);
int64_t why_number(const struct node *n, const char *member);

#endif
