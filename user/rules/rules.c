/* SPDX-License-Identifier: BSD-2-Clause */
/* Tab-separated rows under a line of column names (docs/rules.md). */
#include "rules/rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX   16u
#define LINE_BYTES  2048u
#define COLUMNS_MAX 16u

enum column {
	COLUMN_FRAMEWORK,
	COLUMN_KIND,
	COLUMN_FILE,
	COLUMN_FUNCTION,
	COLUMN_NAME,
	COLUMN_SOURCE,
	COLUMNS
};

static const char *const names[COLUMNS] = {
	[COLUMN_FRAMEWORK] = "framework", [COLUMN_KIND] = "kind", [COLUMN_FILE] = "file",
	[COLUMN_FUNCTION] = "function",	  [COLUMN_NAME] = "name", [COLUMN_SOURCE] = "source",
};

static const char *const kinds[RULES_KINDS] = {
	[RULES_WORKFLOW] = "workflow", [RULES_AGENT] = "agent", [RULES_RUN] = "run",
	[RULES_TURN] = "turn",	       [RULES_TASK] = "task",	[RULES_NODE] = "node",
	[RULES_STEP] = "step",	       [RULES_TOOL] = "tool",	[RULES_TOOL_ID] = "tool_id",
};

struct rules {
	struct rules_rule *rules;
	uint32_t count, cap;
	char *texts[TEXTS_MAX];
	uint32_t text_count;
};

struct reader {
	struct rules *r;
	struct rules_error *error;
	uint32_t line;
	enum column columns[COLUMNS_MAX]; /* in the file's order */
	uint32_t column_count;
};

struct rules *rules_new(void)
{
	return calloc(1, sizeof(struct rules));
}

void rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (uint32_t i = 0; i < r->text_count; i++)
		free(r->texts[i]);
	free(r->rules);
	free(r);
}

static int PRINTF(2, 3) bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	r->error->line = r->line;
	va_start(ap, fmt);
	(void)vsnprintf(r->error->why, sizeof(r->error->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- the path to a name: self.config["metadata"]["lc_agent_name"], type(self).__name__ ---- */

static bool is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Cuts an identifier off the front; n 0: there is none. */
static struct str cut_name(struct str *rest)
{
	size_t n = 0;

	while (n < rest->n && is_name_char(rest->p[n], n == 0))
		n++;
	struct str name = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return name;
}

static bool cut_word(struct str *rest, const char *word)
{
	if (!str_starts(*rest, str_of(word)))
		return false;
	*rest = str_skip(*rest, strlen(word));
	return true;
}

static int read_step(struct reader *r, struct rules_rule *rule, struct str *rest, struct str path)
{
	struct rules_step step = {.kind = RULES_ATTRIBUTE};

	if (cut_word(rest, ".")) {
		step.name = cut_name(rest);
	} else if (cut_word(rest, "[\"")) {
		ptrdiff_t end = str_find(*rest, STR("\"]"));

		step.kind = RULES_KEY;
		step.name = end > 0 ? str_head(*rest, (size_t)end) : STR_NONE;
		*rest = str_skip(*rest, end > 0 ? (size_t)end + 2 : 0);
		if (str_find_char(step.name, '"') >= 0 || str_find_char(step.name, '\\') >= 0)
			step.name = STR_NONE;
	}
	if (step.name.n == 0)
		return bad(r, "name: only .attribute and [\"key\"] can follow a local: %.*s",
			   STR_ARG(str_head(path, 60)));
	if (step.name.n > RULES_NAME_MAX)
		return bad(r, "name: more than %u bytes: %.*s", RULES_NAME_MAX,
			   STR_ARG(str_head(step.name, 60)));
	if (rule->step_count == RULES_STEPS)
		return bad(r, "name: more than %u steps: %.*s", RULES_STEPS, STR_ARG(str_head(path, 60)));
	rule->steps[rule->step_count++] = step;
	return 0;
}

static int read_path(struct reader *r, struct rules_rule *rule, struct str path)
{
	struct str rest = path;
	int err = 0;

	if (path.n == 0 || str_eq(path, STR("-")))
		return 0;
	bool type = cut_word(&rest, "type(");
	rule->local = cut_name(&rest);
	if (rule->local.n == 0 || rule->local.n > RULES_NAME_MAX)
		return bad(r, "name: begins with no local's name: %.*s", STR_ARG(str_head(path, 60)));
	while (err == 0 && rest.n > 0 && !(type && rest.p[0] == ')'))
		err = read_step(r, rule, &rest, path);
	if (err < 0 || !type)
		return err;
	if (!cut_word(&rest, ").__name__") || rest.n > 0 || rule->step_count == RULES_STEPS)
		return bad(r, "name: of a type only type(..).__name__ is read: %.*s",
			   STR_ARG(str_head(path, 60)));
	rule->steps[rule->step_count++] = (struct rules_step){.kind = RULES_TYPE_NAME};
	return 0;
}

/* ---- rows ---- */

static int read_kind(struct reader *r, struct rules_rule *rule, struct str cell)
{
	for (int i = 0; i < RULES_KINDS; i++)
		if (str_eq(cell, str_of(kinds[i]))) {
			rule->kind = (enum rules_kind)i;
			return 0;
		}
	return bad(r, "kind: no such one: %.*s", STR_ARG(str_head(cell, 60)));
}

static int read_place(struct reader *r, struct str cell, enum column c, struct str *out)
{
	if (cell.n == 0 || str_eq(cell, STR("-")))
		return bad(r, "%s is missing", names[c]);
	if (cell.n > RULES_PLACE_MAX)
		return bad(r, "%s: more than %u bytes", names[c], RULES_PLACE_MAX);
	if (c == COLUMN_FILE && (cell.p[0] == '/' || !str_ends(cell, STR(".py"))))
		return bad(r, "file: the tail of a path, as pkg/module.py: %.*s",
			   STR_ARG(str_head(cell, 60)));
	*out = cell;
	return 0;
}

static int read_cell(struct reader *r, struct rules_rule *rule, enum column c, struct str cell)
{
	switch (c) {
	case COLUMN_FRAMEWORK:
		rule->framework = cell;
		return 0;
	case COLUMN_KIND:
		return read_kind(r, rule, cell);
	case COLUMN_FILE:
		return read_place(r, cell, c, &rule->file);
	case COLUMN_FUNCTION:
		return read_place(r, cell, c, &rule->function);
	case COLUMN_NAME:
		return read_path(r, rule, cell);
	case COLUMN_SOURCE:
	case COLUMNS:
		break;
	}
	return 0;
}

static struct str last_part(struct str function)
{
	for (ptrdiff_t at; (at = str_find_char(function, '.')) >= 0;)
		function = str_skip(function, (size_t)at + 1);
	return function;
}

static int append(struct rules *r, const struct rules_rule *rule)
{
	if (r->count == r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : 64;
		struct rules_rule *rules = realloc(r->rules, cap * sizeof(*rules));

		if (rules == NULL)
			return -ENOMEM;
		r->rules = rules;
		r->cap = cap;
	}
	r->rules[r->count] = *rule;
	r->rules[r->count].number = r->count;
	r->count++;
	return 0;
}

static int read_row(struct reader *r, struct str line)
{
	struct rules_rule rule = {0};
	uint32_t at = 0;

	for (struct str rest = line, cell; rest.p != NULL; at++) {
		rest = str_cut(rest, '\t', &cell);
		if (at == r->column_count)
			return bad(r, "more than %u cells", r->column_count);
		int err = read_cell(r, &rule, r->columns[at], cell);
		if (err < 0)
			return err;
	}
	if (at < r->column_count)
		return bad(r, "%u cells where %u columns are", at, r->column_count);
	rule.name = last_part(rule.function);
	if (rule.kind == RULES_TOOL_ID && rule.local.p == NULL)
		return bad(r, "a tool_id has a path to the id");
	if (r->r->count == RULES_MAX)
		return bad(r, "more than %u rules", RULES_MAX);
	return append(r->r, &rule);
}

/* Another text's heading behind the rows of one before it. */
static bool is_heading(struct str line)
{
	bool kind = false;

	for (struct str rest = line, cell; rest.p != NULL;) {
		int c = 0;

		rest = str_cut(rest, '\t', &cell);
		while (c < COLUMNS && !str_eq(cell, str_of(names[c])))
			c++;
		if (c == COLUMNS)
			return false;
		kind |= c == COLUMN_KIND;
	}
	return kind;
}

static int read_heading(struct reader *r, struct str line)
{
	bool seen[COLUMNS] = {false};

	for (struct str rest = line, cell; rest.p != NULL;) {
		int c = 0;

		rest = str_cut(rest, '\t', &cell);
		while (c < COLUMNS && !str_eq(cell, str_of(names[c])))
			c++;
		if (c == COLUMNS)
			return bad(r, "no such column: %.*s", STR_ARG(str_head(cell, 60)));
		if (seen[c])
			return bad(r, "column %s stands there twice", names[c]);
		seen[c] = true;
		if (r->column_count == COLUMNS_MAX)
			return bad(r, "more than %u columns", COLUMNS_MAX);
		r->columns[r->column_count++] = (enum column)c;
	}
	for (int c = COLUMN_KIND; c <= COLUMN_FUNCTION; c++)
		if (!seen[c])
			return bad(r, "column %s is missing", names[c]);
	return 0;
}

static int read_line(struct reader *r, struct str line)
{
	r->line++;
	if (str_ends(line, STR("\r")))
		line = str_head(line, line.n - 1);
	if (str_trim(line).n == 0 || line.p[0] == '#')
		return 0;
	if (line.n > LINE_BYTES)
		return bad(r, "a line of more than %u bytes", LINE_BYTES);
	if (memchr(line.p, '\0', line.n))
		return bad(r, "a byte that is no text");
	if (r->column_count && !is_heading(line))
		return read_row(r, line);
	r->column_count = 0;
	return read_heading(r, line);
}

int rules_add(struct rules *r, struct str text, struct rules_error *error)
{
	struct reader reader = {.r = r, .error = error};
	uint32_t before = r->count;
	int err = 0;

	*error = (struct rules_error){0};
	if (r->text_count == TEXTS_MAX)
		return bad(&reader, "more than %u files", TEXTS_MAX);
	autodrop(drop_memory) char *copy = malloc(text.n + 1);
	if (copy == NULL)
		return -ENOMEM;
	if (text.n)
		memcpy(copy, text.p, text.n);
	for (struct str rest = str_make(copy, text.n), line; err == 0 && rest.p != NULL;) {
		rest = str_cut(rest, '\n', &line);
		err = read_line(&reader, line);
	}
	if (err < 0) {
		r->count = before;
		return err;
	}
	r->texts[r->text_count++] = take(copy);
	return 0;
}

uint32_t rules_count(const struct rules *r)
{
	return r->count;
}

const struct rules_rule *rules_get(const struct rules *r, uint32_t number)
{
	return number < r->count ? &r->rules[number] : NULL;
}

static bool has_tail(struct str path, struct str tail)
{
	return str_ends(path, tail) && (path.n == tail.n || path.p[path.n - tail.n - 1] == '/');
}

const struct rules_rule *rules_next(const struct rules *r, const struct rules_rule *after, struct str file,
				    struct str function, bool qualified)
{
	for (uint32_t i = after ? after->number + 1 : 0; i < r->count; i++) {
		const struct rules_rule *rule = &r->rules[i];

		if (str_eq(function, qualified ? rule->function : rule->name) && has_tail(file, rule->file))
			return rule;
	}
	return NULL;
}
