/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON written anew with every string cleaned; members whose name gives a secret away lose it whatever it looks like. */
#include "guard/value.h"

#include <errno.h>

#include "guard/name.h"

/* Levels of JSON inside JSON strings that are opened to see what escapes hide. */
#define NESTED_MAX 3

static bool is_marker(struct str s)
{
	return str_starts(s, STR("[redacted:")) && s.p[s.n - 1] == ']';
}

/* The kind when a string under this name is a secret by its name. */
static const char *secret_by_name(struct str name, struct str text)
{
	struct name_found f = name_find(name);

	if (text.n == 0 || is_marker(text))
		return NULL;
	switch (f.class) {
	case NAME_STRICT:
	case NAME_HEADER:
		return f.kind;
	case NAME_KEY:
	case NAME_TOKEN:
		return name_is_likely(f.class, text) ? f.kind : NULL;
	default:
		return NULL;
	}
}

/* Text that is JSON itself and has escapes, which could hide a secret from the scanner. */
static bool is_escaped_json(struct str text)
{
	struct str t = str_trim(text);

	return t.n >= 2 && (t.p[0] == '{' || t.p[0] == '[') && str_has(t, STR("\\u"));
}

/* Opens such text and writes it anew when something in it had to go. Its levels are few: each doubles the escapes. */
static bool write_nested(struct guard *g, struct jsonw *w, struct str text, unsigned level);

static void write_text(struct guard *g, struct jsonw *w, struct str text, bool command, unsigned level)
{
	if (level < NESTED_MAX && is_escaped_json(text) && write_nested(g, w, text, level + 1))
		return;
	jsonw_str(w, value_text(g, text, command));
}

/* ---- the walk ---- */

struct walk {
	struct guard *g;
	struct jsonw *w;
	struct arena *a;
	struct value_frame *frames;
	uint32_t depth;
	unsigned level;
};

/* {"name": "Authorization", "value": "..."}: header fields, variables and parameters as lists have them. */
static bool is_named_pair(struct walk *k, struct value_frame *f, struct str name)
{
	static const char *const namers[] = {"name", "key", "header"};

	if (!str_eq(name, STR("value")))
		return false;
	if (f->asked)
		return f->pair;
	f->asked = true;
	for (size_t i = 0; i < sizeof(namers) / sizeof(namers[0]) && !f->pair; i++) {
		struct str s = json_get_str(k->a, f->parent, namers[i]);
		struct name_found found = name_find(s);

		f->pair = s.p != NULL && s.n <= 64 &&
			  (found.class == NAME_STRICT || found.class == NAME_HEADER);
		f->kind = found.kind;
	}
	return f->pair;
}

static void write_string(struct walk *k, struct value_frame *f, struct str name, const struct json *j)
{
	struct str text = json_str(k->a, j);
	const char *kind = NULL;
	bool command = f && f->command;

	if (text.p == NULL) {
		k->g->err = -ENOMEM;
		jsonw_null(k->w);
		return;
	}
	if (name.n > 0) {
		kind = secret_by_name(name, text);
		if (kind == NULL && f && text.n > 0 && is_named_pair(k, f, name))
			kind = f->kind;
		command |= name_is_command(name);
	} else if (f && f->secret && text.n > 0 && !is_marker(text)) {
		kind = f->kind;
	} else if (f && f->option) {
		kind = f->kind;
	}
	if (f && json_type(f->parent) == JSON_ARRAY) {
		const char *next = value_option(text);

		f->option = next != NULL;
		if (f->option)
			f->kind = next;
	}
	if (kind != NULL)
		jsonw_str(k->w, value_marker(k->g, kind));
	else
		write_text(k->g, k->w, text, command, k->level);
}

static void open_frame(struct walk *k, struct value_frame *parent, struct str name, const struct json *j)
{
	struct value_frame *f = &k->frames[k->depth++];
	struct name_found found = name_find(name);

	*f = (struct value_frame){.parent = j, .next = json_first(j)};
	f->command = (parent && parent->command) || (name.n > 0 && name_is_command(name));
	if (json_type(j) == JSON_ARRAY) {
		f->secret = found.class == NAME_STRICT || found.class == NAME_HEADER;
		f->kind = found.kind;
		jsonw_array(k->w);
	} else {
		jsonw_object(k->w);
	}
}

static void write_value(struct walk *k, struct value_frame *f, struct str name, const struct json *j)
{
	switch (json_type(j)) {
	case JSON_STRING:
		write_string(k, f, name, j);
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (k->depth <= JSON_DEPTH_MAX)
			open_frame(k, f, name, j);
		else
			jsonw_null(k->w);
		return;
	case JSON_NUMBER:
	case JSON_BOOL:
		jsonw_raw(k->w, json_raw(j));
		return;
	default:
		jsonw_null(k->w);
	}
}

static void walk(struct walk *k, struct str name, const struct json *j)
{
	write_value(k, NULL, name, j);
	while (k->depth > 0) {
		struct value_frame *f = &k->frames[k->depth - 1];
		bool object = json_type(f->parent) == JSON_OBJECT;
		const struct json *child = f->next;
		struct str key = STR_NONE;

		if (child == NULL) {
			if (object)
				jsonw_object_end(k->w);
			else
				jsonw_array_end(k->w);
			k->depth--;
			continue;
		}
		f->next = json_next(child);
		if (object) {
			key = json_key(k->a, child);
			if (key.p == NULL)
				k->g->err = -ENOMEM;
			jsonw_key_str(k->w, value_text(k->g, key, false));
		}
		write_value(k, f, key, child);
	}
}

/* ---- JSON in a string ---- */

static bool write_nested(struct guard *g, struct jsonw *w, struct str text, unsigned level)
{
	autodrop(drop_arena) struct arena *a = arena_new(text.n * 8 + (1u << 20));
	autodrop(drop_memory) struct value_frame *frames = calloc(JSON_DEPTH_MAX + 2, sizeof(*frames));
	autodrop(buf_fini) struct buf inner;
	struct json_end end;
	uint64_t before = g->redacted;
	struct jsonw iw;

	buf_init(&inner, text.n * 6 + 4096);
	if (a == NULL || frames == NULL) {
		g->err = -ENOMEM;
		return false;
	}
	const struct json *j = json_parse(a, str_trim(text), &end);
	if (end.state == JSON_MEMORY)
		g->err = -ENOMEM;
	if (j == NULL || end.state == JSON_BROKEN)
		return false;
	jsonw_init(&iw, &inner);
	struct walk k = {.g = g, .w = &iw, .a = a, .frames = frames, .level = level};
	walk(&k, STR_NONE, j);
	if (buf_err(&inner) == -ENOMEM)
		g->err = -ENOMEM;
	if (g->redacted == before || buf_err(&inner))
		return false;
	jsonw_str(w, buf_str(&inner));
	return true;
}

/* ---- doors ---- */

void value_string(struct guard *g, struct jsonw *w, struct str name, struct str text)
{
	const char *kind = name.n > 0 ? secret_by_name(name, text) : NULL;

	if (kind != NULL)
		jsonw_str(w, value_marker(g, kind));
	else
		write_text(g, w, text, name.n > 0 && name_is_command(name), 0);
}

void value_json(struct guard *g, struct jsonw *w, struct arena *a, struct str name, const struct json *j)
{
	struct walk k = {.g = g, .w = w, .a = a, .frames = g->frames};

	walk(&k, name, j);
}
