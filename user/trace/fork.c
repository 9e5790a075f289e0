/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tool call ran a process. Between the answer that asked for a tool and the request that told its result, the
 * asking process forks: likely for the tool, never certainly. With several open calls the thread that forked may tell,
 * else the program's arguments, else nothing is said and the process is its parent's.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "trace/set.h"

#define FORK_TOOLS_MAX	 64u	    /* open calls that are looked at */
#define FORK_STRINGS_MAX 64u	    /* argument strings of one call */
#define FORK_STRING_MIN	 4u	    /* shorter ones stand in any command line */
#define FORK_PARSE_BYTES (4u << 20) /* arena for the arguments of one call */

static void blame(struct trace_set *t, struct trace_process *pr, const struct trace_tool *tool,
		  const char *how)
{
	pr->tool = tool->id;
	trace_keep_ran(t, pr, tool->ask->chat);
	pr->tool_how = how;
	pr->undecided = false;
	pr->open_tools = 0;
}

void trace_fork_begin(struct trace_set *t, struct trace_process *pr, struct trace_process *parent)
{
	const struct trace_tool *only = NULL, *threads = NULL;
	uint32_t open = 0, same_thread = 0;

	for (const struct trace_tool *k = parent->tools; k != NULL && open < FORK_TOOLS_MAX; k = k->after) {
		if (k->start_ns > pr->proc->seen_ns)
			continue;
		open++;
		only = k;
		if (k->ask->tid && k->ask->tid == pr->proc->forked_by_tid) {
			same_thread++;
			threads = k;
		}
	}
	if (open == 1) {
		blame(t, pr, only, "fork");
		snprintf(pr->tool_why, sizeof(pr->tool_why),
			 "the only open tool call of pid %u when it forked", parent->proc->pid);
	} else if (same_thread == 1) {
		blame(t, pr, threads, "fork");
		snprintf(pr->tool_why, sizeof(pr->tool_why),
			 "one of %u open tool calls of pid %u, asked for by thread %u, which forked", open,
			 parent->proc->pid, pr->proc->forked_by_tid);
	} else {
		pr->undecided = open > 1;
		pr->open_tools = open > 1 ? open : 0;
	}
}

/* ---- content ---- */

static bool in_argv(const struct proc *p, struct str s)
{
	for (uint32_t i = 0; i < p->argc; i++)
		if (str_has(p->argv[i], s))
			return true;
	return false;
}

struct match {
	uint32_t strings, found;
};

/* Every string of the arguments, however deep: a walk over siblings with a stack of parents. */
static struct match match_args(const struct proc *p, const struct trace_tool *k)
{
	const struct json *stack[32];
	struct match m = {0};
	uint32_t depth = 0;
	autodrop(drop_arena) struct arena *a = arena_new(FORK_PARSE_BYTES);

	if (a == NULL)
		return m;
	const struct json *j = json_parse(a, k->args, NULL);
	while (j != NULL && m.strings < FORK_STRINGS_MAX) {
		enum json_type type = json_type(j);
		struct str s = type == JSON_STRING ? str_trim(json_str(a, j)) : STR_NONE;

		if (s.n >= FORK_STRING_MIN) {
			m.strings++;
			m.found += in_argv(p, s);
		}
		const struct json *child = type == JSON_OBJECT || type == JSON_ARRAY ? json_first(j) : NULL;
		if (child && depth < 32) {
			stack[depth++] = j;
			j = child;
			continue;
		}
		/* The outermost value has no siblings: its "next" is never asked for. */
		const struct json *next = depth > 0 ? json_next(j) : NULL;
		while (next == NULL && depth > 0) {
			j = stack[--depth];
			next = depth > 0 ? json_next(j) : NULL;
		}
		j = next;
	}
	return m;
}

struct choice {
	const struct trace_tool *tool;
	uint32_t count;
	struct match match;
};

static void choose(struct choice *c, const struct trace_tool *k, struct match m)
{
	c->tool = k;
	c->match = m;
	c->count++;
}

void trace_fork_exec(struct trace_set *t, struct trace_process *pr, struct trace_process *parent)
{
	struct choice any = {0}, whole = {0}, named = {0};
	uint32_t open = 0;

	for (const struct trace_tool *k = parent->tools; k != NULL && open < FORK_TOOLS_MAX; k = k->after) {
		if (k->start_ns > pr->proc->seen_ns)
			continue;
		open++;
		struct match m = match_args(pr->proc, k);
		if (m.found > 0)
			choose(&any, k, m);
		if (m.found > 0 && m.found == m.strings)
			choose(&whole, k, m);
		if (k->name.n >= FORK_STRING_MIN && in_argv(pr->proc, k->name))
			choose(&named, k, m);
	}
	const struct choice *c = any.count == 1 ? &any : whole.count == 1 ? &whole : NULL;
	if (c) {
		blame(t, pr, c->tool, "content");
		snprintf(pr->tool_why, sizeof(pr->tool_why),
			 "its argv holds %u of %u argument strings of this call and not those of the other "
			 "open ones",
			 c->match.found, c->match.strings);
	} else if (any.count == 0 && named.count == 1) {
		blame(t, pr, named.tool, "content");
		snprintf(pr->tool_why, sizeof(pr->tool_why),
			 "its argv holds the name of this tool and of no other open one");
	}
}
