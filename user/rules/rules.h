/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: which functions of which frameworks are an agent's, a workflow's, a tool's, and where its name lies.
 * in:    text of tab-separated rows (tools/rules/frames.tsv, the user's file)
 * out:   struct rules_rule (borrowed from the table)
 * owns:  the rows
 * may:   base
 * never: files, a process's memory
 * fails: the first row that is wrong: its line and why; then the table is as before
 * start: rules.c
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/drop.h"
#include "base/str.h"

#define RULES_MAX \
	4096u /* rows: wire_py_value.rule has sixteen bits, of which the highest numbers mean others */
#define RULES_STEPS	4u
#define RULES_NAME_MAX	64u  /* bytes of a local's, an attribute's and a key's name */
#define RULES_PLACE_MAX 256u /* of a file's tail, and of a function's name */

/* What a frame of such a function is. */
enum rules_kind {
	RULES_WORKFLOW, /* a run of what only directs others */
	RULES_AGENT,	/* a run of an agent */
	RULES_RUN,	/* a run of an agent that only frames within it name */
	RULES_TURN,	/* within an agent's run: it names the agent */
	RULES_TASK,
	RULES_NODE,
	RULES_STEP,
	RULES_TOOL,
	RULES_TOOL_ID, /* of a tool: the path leads to the id of the model's call */
	RULES_KINDS
};

enum rules_step_kind {
	RULES_ATTRIBUTE, /* of the object's own */
	RULES_KEY,	 /* of a dict */
	RULES_TYPE_NAME, /* the name of its type; the last step */
};

struct rules_step {
	enum rules_step_kind kind;
	struct str name; /* p NULL: RULES_TYPE_NAME */
};

struct rules_rule {
	enum rules_kind kind;
	uint32_t number; /* in the order of the text, from 0: wire_py_value.rule */
	struct str framework;
	struct str file;     /* tail of the path, from a directory on */
	struct str function; /* qualified, as CPython 3.11 and later say it */
	struct str name;     /* the last part of it: what earlier ones say */
	struct str local;    /* that the path begins with; p NULL: there is no path */
	struct rules_step steps[RULES_STEPS];
	uint32_t step_count;
};

struct rules;

struct rules_error {
	uint32_t line; /* of the text that was added, from 1 */
	char why[160];
};

/* Empty. NULL without memory. */
struct rules *rules_new(void);
/* Adds the rows of a text, behind those that are there; it is copied. 0, -EINVAL (error says where and why), -ENOMEM. */
int rules_add(struct rules *r, struct str text, struct rules_error *error) MUST_CHECK;
uint32_t rules_count(const struct rules *r);
/* By number; NULL beyond. */
const struct rules_rule *rules_get(const struct rules *r, uint32_t number);
/* The first rule behind `after` (NULL: from the start) that fits a function. `qualified`: its name is, else the last part
 * of it alone. NULL: no more. */
const struct rules_rule *rules_next(const struct rules *r, const struct rules_rule *after, struct str file,
				    struct str function, bool qualified);
void rules_free(struct rules *r);
DROP_POINTER(rules, rules_free)

/* The project's own table, borrowed for good. */
struct str rules_builtin(void);

#endif
