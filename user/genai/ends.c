/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read backwards from the closing brace. There the state is known: outside of every string, one object open. So the
 * next quote closes a string, and the string begins at the next quote to the left that is none of its own, which is one
 * with an even number of backslashes before it (in a string, an odd number escapes the quote). Where the backslashes
 * reach into the hole, nobody knows how many there are, and reading ends.
 */
#include "genai/ends.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of t up to `end` without the white space at their end. */
static size_t trim(struct str t, size_t end)
{
	while (end > 0 && is_space(t.p[end - 1]))
		end--;
	return end;
}

/* The quote that opens the string whose closing quote is at `close`; GENAI_ENDS_NONE: it cannot be told. */
static size_t open_quote(struct str t, size_t close)
{
	size_t end = close;
	const char *q;

	while ((q = memrchr(t.p, '"', end)) != NULL) {
		size_t at = (size_t)(q - t.p), i = at;

		while (i > 0 && t.p[i - 1] == '\\')
			i--;
		if (i == 0)
			return GENAI_ENDS_NONE;
		if ((at - i) % 2 == 0)
			return at;
		end = i;
	}
	return GENAI_ENDS_NONE;
}

/* The name before the colon at `colon`: its opening quote. */
static size_t name_before(struct str t, size_t colon)
{
	size_t end = trim(t, colon);

	return end > 0 && t.p[end - 1] == '"' ? open_quote(t, end - 1) : GENAI_ENDS_NONE;
}

size_t genai_ends_find(struct str tail)
{
	size_t end = trim(tail, tail.n), found = GENAI_ENDS_NONE, depth = 1;

	if (end == 0 || tail.p[end - 1] != '}')
		return GENAI_ENDS_NONE;
	for (size_t i = end - 1; i > 0;) {
		size_t at = --i;

		switch (tail.p[at]) {
		case '"':
			i = open_quote(tail, at);
			break;
		case '}':
		case ']':
			depth++;
			break;
		case '{':
		case '[':
			if (--depth == 0)
				return tail.p[at] == '{' ? found : GENAI_ENDS_NONE;
			break;
		case ':':
			if (depth > 1)
				break;
			i = name_before(tail, at);
			if (i != GENAI_ENDS_NONE)
				found = i;
			break;
		default:
			break;
		}
		if (i == GENAI_ENDS_NONE)
			break;
	}
	return found;
}

const struct json *genai_ends_members(struct arena *a, struct str tail, size_t at)
{
	struct json_end end = {0};
	char *text;

	if (at >= tail.n)
		return NULL;
	struct str from = str_skip(tail, at);

	text = arena_alloc(a, from.n + 1);
	if (text == NULL)
		return NULL;
	text[0] = '{';
	memcpy(text + 1, from.p, from.n);
	struct str all = str_make(text, from.n + 1);
	const struct json *j = json_parse(a, all, &end);

	return end.state == JSON_WHOLE && trim(all, all.n) == end.offset ? j : NULL;
}

const struct json *genai_ends_element(struct arena *a, struct str tail, size_t at)
{
	size_t end = trim(tail, at < tail.n ? at : tail.n);

	/* A comma before the members, or the object's own brace, then the array's end, then the element's. */
	if (end == 0 || tail.p[end - 1] != (at < tail.n ? ',' : '}'))
		return NULL;
	end = trim(tail, end - 1);
	if (end == 0 || tail.p[end - 1] != ']')
		return NULL;
	struct str element = str_head(tail, trim(tail, end - 1));

	return genai_ends_members(a, element, genai_ends_find(element));
}
