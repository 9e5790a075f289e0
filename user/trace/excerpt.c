/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A little of what was said, for who looks at what is alive. Cut where white space is, so that of a key that does not fit
 * nothing is left which the guard could not know any more; of JSON whole members go, never half a value.
 */
#include "base/limits.h"
#include "trace/excerpt.h"

#define LEVELS_MAX 8u /* of JSON; what is deeper is left out */

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* goes_on: the last word of it may not be whole. */
static struct str whole_words(struct str s, size_t most, bool goes_on)
{
	size_t n = most < s.n ? most : s.n;

	if (s.n <= most && !goes_on)
		return s;
	while (n > 0 && (n == s.n || !is_space(s.p[n])))
		n--;
	return str_head(s, n);
}

struct str trace_excerpt_text(struct str s, size_t most)
{
	return whole_words(s, most, false);
}

/* ---- JSON ---- */

struct level {
	const struct json *next;
	bool object;
};

struct pruning {
	struct jsonw *w;
	struct arena *a;
	size_t left; /* bytes of text that may still come */
	bool cut;
	struct level levels[LEVELS_MAX];
	uint32_t depth;
};

static void spend(struct pruning *p, size_t n)
{
	p->left -= n < p->left ? n : p->left;
}

static void prune_value(struct pruning *p, const struct json *j)
{
	struct str text;

	switch (json_type(j)) {
	case JSON_STRING:
		text = json_str(p->a, j);
		jsonw_str(p->w, whole_words(text, p->left, json_is_cut(j)));
		p->cut |= text.n > p->left || json_is_cut(j);
		spend(p, text.n);
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (p->depth == LEVELS_MAX) {
			p->cut = true;
			jsonw_null(p->w);
			return;
		}
		p->levels[p->depth++] =
			(struct level){.next = json_first(j), .object = json_type(j) == JSON_OBJECT};
		if (json_type(j) == JSON_OBJECT)
			jsonw_object(p->w);
		else
			jsonw_array(p->w);
		return;
	case JSON_NUMBER:
	case JSON_BOOL:
		jsonw_raw(p->w, json_raw(j));
		spend(p, json_raw(j).n);
		return;
	default:
		jsonw_null(p->w);
	}
}

static void prune(struct pruning *p, const struct json *j)
{
	prune_value(p, j);
	while (p->depth > 0) {
		struct level *l = &p->levels[p->depth - 1];
		const struct json *child = l->next;

		if (child == NULL || p->left == 0) {
			p->cut |= child != NULL;
			if (l->object)
				jsonw_object_end(p->w);
			else
				jsonw_array_end(p->w);
			p->depth--;
			continue;
		}
		l->next = json_next(child);
		if (l->object) {
			struct str key = str_head(json_key(p->a, child), 256);

			jsonw_key_str(p->w, key);
			spend(p, key.n);
		}
		spend(p, 1);
		prune_value(p, child);
	}
}

bool trace_excerpt_value(struct jsonw *w, struct str json, size_t most)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	struct str head = str_head(json, most * 4 + 4096); /* escapes and white space take room, too */
	const struct json *j = a && json.p ? json_parse(a, head, NULL) : NULL;
	struct pruning p = {.w = w, .a = a, .left = most, .cut = head.n < json.n};

	if (json.p == NULL) {
		jsonw_null(w);
		return false;
	}
	if (j == NULL) {
		jsonw_str(w, whole_words(head, most, head.n < json.n));
		return json.n > most;
	}
	prune(&p, j);
	return p.cut;
}

/* ---- messages ---- */

static const char *type_of(const struct genai_part *p)
{
	switch (p->type) {
	case GENAI_TEXT:
		return "text";
	case GENAI_REASONING:
		return "reasoning";
	case GENAI_TOOL_CALL:
		return "tool_call";
	case GENAI_TOOL_RESPONSE:
		return "tool_call_response";
	case GENAI_SERVER_TOOL_CALL:
		return "server_tool_call";
	case GENAI_SERVER_TOOL_RESPONSE:
		return "server_tool_call_response";
	case GENAI_BLOB:
		return "blob";
	case GENAI_URI:
		return "uri";
	case GENAI_FILE:
		return "file";
	case GENAI_OTHER:
		break;
	}
	return "other";
}

static void write_text(struct jsonw *w, const char *key, struct str text, size_t most)
{
	struct str s = trace_excerpt_text(text, most);

	jsonw_str(jsonw_key(w, key), s);
	if (s.n < text.n)
		jsonw_u64(jsonw_key(w, "cut"), text.n - s.n);
}

/* Returns what it took. */
static size_t write_part(struct jsonw *w, const struct genai_part *p, size_t most)
{
	bool call = p->type == GENAI_TOOL_CALL || p->type == GENAI_SERVER_TOOL_CALL;
	bool response = p->type == GENAI_TOOL_RESPONSE || p->type == GENAI_SERVER_TOOL_RESPONSE;

	jsonw_object(w);
	jsonw_z(jsonw_key(w, "type"), type_of(p));
	if (p->type == GENAI_TEXT || p->type == GENAI_REASONING) {
		write_text(w, "content", p->text, most);
	} else if (call || response) {
		if (p->id.n)
			jsonw_str(jsonw_key(w, "id"), str_head(p->id, 256));
		if (p->name.n)
			jsonw_str(jsonw_key(w, "name"), str_head(p->name, 256));
		if (trace_excerpt_value(jsonw_key(w, call ? "arguments" : "response"), p->value, most))
			jsonw_bool(jsonw_key(w, "cut"), true);
		if (p->is_error)
			jsonw_bool(jsonw_key(w, "is_error"), true);
	} else if (p->modality.n) {
		jsonw_str(jsonw_key(w, "modality"), str_head(p->modality, 64));
	}
	jsonw_object_end(w);
	size_t size = p->text.n + p->value.n + 32;
	return size < most ? size : most;
}

void trace_excerpt_message(struct buf *out, const struct genai_message *m, size_t most)
{
	struct jsonw w;
	uint32_t i = 0;

	jsonw_init(&w, out);
	jsonw_object(&w);
	jsonw_str(jsonw_key(&w, "role"), str_head(m->role, 64));
	if (m->name.n)
		jsonw_str(jsonw_key(&w, "name"), str_head(m->name, 128));
	jsonw_array(jsonw_key(&w, "parts"));
	for (; i < m->count && most > 0; i++)
		most -= write_part(&w, &m->parts[i], most);
	jsonw_array_end(&w);
	if (i < m->count)
		jsonw_u64(jsonw_key(&w, "parts_left_out"), m->count - i);
	jsonw_object_end(&w);
}
