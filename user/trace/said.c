/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tool calls that stand in a model's text, for clients that ask for them there instead of offering tools: DSPy's fields,
 * and the lines of ReAct prompts. Only what a client reads so itself is taken for a call; it has no id.
 */
#include "trace/said.h"

#include "base/arena.h"
#include "base/json.h"

#define NAME_MAX_BYTES	    128u
#define ARGUMENTS_MAX	    (64u << 10)
#define ARGUMENTS_NODES_MAX (4u << 20)

static struct str line_of(struct str s)
{
	struct str line;

	(void)str_cut(s, '\n', &line);
	return str_trim(line);
}

/* A name as a program may have one: no sentence. */
static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-' || c == '.' || (c & 0x80)))
			return false;
	}
	return true;
}

/* The JSON object that s begins with; p NULL: none. */
static struct str object_of(struct str s)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARGUMENTS_NODES_MAX);
	struct json_end end = {.state = JSON_MEMORY};

	s = str_trim(s);
	if (a == NULL || s.n == 0 || s.p[0] != '{' || s.n > ARGUMENTS_MAX)
		return STR_NONE;
	const struct json *j = json_parse(a, s, &end);
	return j && end.state == JSON_WHOLE && json_type(j) == JSON_OBJECT ? str_trim(str_head(s, end.offset))
									   : STR_NONE;
}

/* What stands behind a heading, up to the next one of its kind. */
static struct str behind(struct str text, struct str heading, struct str next)
{
	ptrdiff_t at = str_find(text, heading);

	if (at < 0)
		return STR_NONE;
	text = str_skip(text, (size_t)at + heading.n);
	ptrdiff_t end = str_find(text, next);
	return str_trim(end < 0 ? text : str_head(text, (size_t)end));
}

static bool find_fields(struct str text, struct trace_said *out)
{
	struct str name = behind(text, STR("[[ ## next_tool_name ## ]]"), STR("[[ ## "));

	if (!is_name(name))
		return false;
	out->name = name;
	out->arguments = object_of(behind(text, STR("[[ ## next_tool_args ## ]]"), STR("[[ ## ")));
	return true;
}

/* "Action: name" and, in the line below it, "Action Input: {...}"; what a model goes on to say of an observation it
 * invents. */
static bool find_lines(struct str text, struct trace_said *out)
{
	ptrdiff_t at = str_starts(text, STR("Action: ")) ? 0 : str_find(text, STR("\nAction: "));

	if (at < 0)
		return false;
	text = str_skip(text, (size_t)at + (at > 0 || text.p[0] == '\n' ? 9 : 8));
	struct str name = line_of(text), rest = str_cut(text, '\n', &(struct str){0});

	if (!is_name(name) || rest.p == NULL || !str_starts(rest, STR("Action Input:")))
		return false;
	out->name = name;
	out->arguments = object_of(behind(rest, STR("Action Input:"), STR("\nObservation:")));
	return true;
}

bool trace_said_find(struct str text, struct trace_said *out)
{
	*out = (struct trace_said){0};
	return find_fields(text, out) || find_lines(text, out);
}

bool trace_said_part(const struct genai_call *c, struct genai_part *call)
{
	const struct genai_message *m = c->output;
	struct trace_said said;

	if (c->output_count != 1)
		return false;
	for (uint32_t i = 0; i < m->count; i++)
		if (m->parts[i].type == GENAI_TOOL_CALL)
			return false;
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->parts[i].type != GENAI_TEXT || !trace_said_find(m->parts[i].text, &said))
			continue;
		*call = (struct genai_part){
			.type = GENAI_TOOL_CALL, .name = said.name, .value = said.arguments};
		return true;
	}
	return false;
}
