/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CODES_MAX (1u << 20)
#define CUT	  STR("\xe2\x80\xa6") /* behind a name that is longer than what came */

int code_init(struct code_table *t, size_t max_bytes)
{
	*t = (struct code_table){.map = map_new(sizeof(struct code_key), CODES_MAX), .max_bytes = max_bytes};
	return t->map ? 0 : -ENOMEM;
}

static void use(struct code_table *t, struct code *c)
{
	c->older = t->newest;
	c->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void unuse(struct code_table *t, struct code *c)
{
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
}

static void drop(struct code_table *t, struct code *c)
{
	unuse(t, c);
	*(c->before ? &c->before->after : c->list) = c->after;
	if (c->after)
		c->after->before = c->before;
	t->bytes -= c->bytes;
	(void)map_remove(t->map, &c->key);
	free(c);
}

void code_drop(struct code_table *t, struct code **list)
{
	while (*list)
		drop(t, *list);
}

void code_fini(struct code_table *t)
{
	while (t->oldest)
		drop(t, t->oldest);
	map_free(t->map);
	t->map = NULL;
}

/* Units of two and four bytes stand at any address. */
static uint32_t unit_at(uint8_t kind, const char *p)
{
	uint16_t two;
	uint32_t four;

	if (kind == WIRE_PY_TEXT_UCS2)
		return memcpy(&two, p, sizeof(two)), two;
	if (kind == WIRE_PY_TEXT_UCS4)
		return memcpy(&four, p, sizeof(four)), four;
	return (uint8_t)*p;
}

size_t code_text(uint8_t kind, struct str bytes, char out[CODE_TEXT_MAX])
{
	size_t unit = kind == WIRE_PY_TEXT_UCS4 ? 4 : kind == WIRE_PY_TEXT_UCS2 ? 2 : 1, n = 0;

	if (kind == WIRE_PY_TEXT_NONE)
		return 0;
	/* At most two bytes of UTF-8 for one of latin-1, three for two, four for four. */
	bytes = str_head(bytes, WIRE_PY_NAME_MAX);
	for (size_t i = 0; i + unit <= bytes.n; i += unit)
		n += text_utf8_put(unit_at(kind, bytes.p + i), out + n);
	return n;
}

static struct str put(char **at, struct str s, bool cut)
{
	struct str out = str_make(*at, s.n + (cut ? CUT.n : 0));

	memcpy(*at, s.p, s.n);
	if (cut)
		memcpy(*at + s.n, CUT.p, CUT.n);
	*at += out.n;
	return out;
}

/* Whether of a text that has a limit no more came than that. */
static bool is_cut(const struct wire_py_code *rec, uint32_t len)
{
	return rec->flags & WIRE_PY_CODE_CUT && len + sizeof(uint32_t) > WIRE_PY_NAME_MAX;
}

static struct code *make(const struct wire_py_code *rec)
{
	char file[CODE_TEXT_MAX], name[CODE_TEXT_MAX];
	const char *p = (const char *)rec->payload;
	struct str f = {file, code_text(rec->filename_kind, str_make(p, rec->filename_len), file)};
	struct str n = {name,
			code_text(rec->name_kind, str_make(p + rec->filename_len, rec->name_len), name)};
	struct str table = str_make(p + rec->filename_len + rec->name_len, rec->table_len);
	struct str code = str_make(table.p + table.n, rec->code_len);
	size_t bytes = sizeof(struct code) + f.n + n.n + table.n + code.n + 2 * CUT.n;
	struct code *c = malloc(bytes);

	if (c == NULL)
		return NULL;
	*c = (struct code){.first_line = rec->first_line,
			   .version_minor = rec->version_minor,
			   .flags = rec->flags,
			   .co_flags = rec->co_flags,
			   .bytes = (uint32_t)bytes};
	char *at = (char *)(c + 1);
	if (rec->filename_kind != WIRE_PY_TEXT_NONE)
		c->file = put(&at, f, is_cut(rec, rec->filename_len));
	if (rec->name_kind != WIRE_PY_TEXT_NONE)
		c->function = put(&at, n, is_cut(rec, rec->name_len));
	c->table = put(&at, table, false);
	c->code = put(&at, code, false);
	return c;
}

struct code *code_add(struct code_table *t, uint64_t process, struct code **list,
		      const struct wire_py_code *rec)
{
	struct code_key key = {.process = process, .address = rec->code, .epoch = rec->epoch};
	struct code *c = code_find(t, process, rec->code, rec->epoch);

	/* What could not be read the first time may be there now. */
	if (c != NULL && c->flags & WIRE_PY_CODE_FAULT && !(rec->flags & WIRE_PY_CODE_FAULT))
		drop(t, c);
	else if (c != NULL)
		return c;
	c = make(rec);
	if (c == NULL)
		return NULL;
	while (t->oldest && (t->bytes + c->bytes > t->max_bytes || map_count(t->map) >= CODES_MAX))
		drop(t, t->oldest);
	c->key = key;
	if (map_add(t->map, &key, c) < 0) {
		free(c);
		return NULL;
	}
	use(t, c);
	c->list = list;
	c->after = *list;
	if (*list)
		(*list)->before = c;
	*list = c;
	t->bytes += c->bytes;
	return c;
}

struct code *code_find(struct code_table *t, uint64_t process, uint64_t address, uint32_t epoch)
{
	struct code_key key = {.process = process, .address = address, .epoch = epoch};
	struct code *c = map_get(t->map, &key);

	if (c != NULL) {
		unuse(t, c);
		use(t, c);
	}
	return c;
}
