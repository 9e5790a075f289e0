/* SPDX-License-Identifier: BSD-2-Clause */
/* The ledger of a document that was read, as text; and sums over its spans. */
#ifndef VIEW_LEDGER_H
#define VIEW_LEDGER_H

#include "view/cost.h"
#include "view/node.h"

struct ledger_sums {
	uint64_t llm, tools, agents, errors;
	int64_t input, output; /* tokens */
	bool has_tokens;
	struct cost_sum cost;
	uint64_t gaps, gap_bytes;
	uint64_t certain, inferred;
};

/* A model call seen again behind a gateway has no part in totals; the span `header` (NODE_NONE: none) is no error of
 * its own. */
void ledger_sum(struct ledger_sums *s, const struct node_forest *f, uint32_t header);
/* The part of it that a forest knows which was not read: llm, tools, agents, errors. */
void ledger_sum_kinds(struct ledger_sums *s, const struct node_forest *f, uint32_t header);
/* Adds to a sum of s, unless it is no number of tokens. */
void ledger_add_tokens(struct ledger_sums *s, int64_t *sum, int64_t tokens);
/* A part of what a process did: its bytes stand in the process's own trace. */
bool ledger_is_elsewhere(const struct json *trace);
/* "ledger: calls 391 = 391 kept + 0 lost; bytes ...; events ..." and, when it does not balance, that. On a narrow
 * terminal three lines: an equation that is cut off says nothing. */
void ledger_write(struct line *l, const struct json *trace, struct buf *out);
/* "light; kept by errors; 12 dropped": how the run was asked to be told; nothing when in full. Led by two spaces. */
void ledger_write_mode(struct line *l, struct arena *a, const struct json *trace);
/* "  sampled 1/10" behind what stands in the line, when the trace was; "  not in the sample" for a run that is out. */
void ledger_write_sampled(struct line *l, struct arena *a, const struct json *trace);
/* "  shed in 3 steps, last: bodies": what the governor did; nothing without steps. */
void ledger_write_steps(struct line *l, uint32_t steps, struct str last);
/* The same from the events of the trace's root span. */
void ledger_write_shed(struct line *l, struct arena *a, const struct json *root);
/* Whether anything was lost. */
bool ledger_is_lossy(const struct json *trace);
int64_t ledger_number(const struct json *trace, const char *account, const char *word);

#endif
