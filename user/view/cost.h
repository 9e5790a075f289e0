/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls cost, as a document says it: sums, and text. */
#ifndef VIEW_COST_H
#define VIEW_COST_H

#include "base/money.h"
#include "view/node.h"

struct cost_sum {
	money_wide pusd;
	uint64_t known, unknown; /* calls; one that was refused costs nothing, and is neither */
	bool estimated;		 /* a part of it */
};

/* A call's cost; false: it is not known. */
bool cost_get(const struct node *n, int64_t *pusd, bool *estimated);
/* A model call that is no hop of another. One that was refused, or ended in an error before an answer, is on nobody's bill. */
void cost_add(struct cost_sum *s, struct arena *a, const struct node *n);
/* The same by what is known of it; pusd < 0: its cost is not. */
void cost_count(struct cost_sum *s, int64_t pusd, bool estimated, bool failed, int64_t http_status);
/* "  $0.0123 + 2 unknown", with ~ before it where counts were estimated; nothing without a call that could cost. */
void cost_total(struct line *l, const struct cost_sum *s);
/* "  $0.0299"; "  hop of 3" of a call that another span has seen first. */
void cost_note(struct line *l, struct arena *a, const struct node *n);
/* Behind "cost": every product of the sum, or who said it. False: nothing is known. */
bool cost_terms(struct line *l, struct arena *a, const struct node *n);

#endif
