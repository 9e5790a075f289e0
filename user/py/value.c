/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "py/code.h"

#define EACH_MAX 512u /* of one stack: more are not kept */

struct value_set {
	struct value_set *next;
	struct value_key key;
	struct py_value *values;
	uint32_t count, cap;
	size_t bytes;
};

int value_init(struct value_table *t)
{
	*t = (struct value_table){.map = map_new(sizeof(struct value_key),
						 LIMIT_PY_VALUE_BYTES / sizeof(struct value_set) + 2)};
	return t->map ? 0 : -ENOMEM;
}

static void drop_oldest(struct value_table *t)
{
	struct value_set *s = t->first;

	t->first = s->next;
	if (t->first == NULL)
		t->last = NULL;
	t->bytes -= s->bytes;
	(void)map_remove(t->map, &s->key);
	for (uint32_t i = 0; i < s->count; i++)
		free((void *)s->values[i].text.p);
	free(s->values);
	free(s);
}

void value_fini(struct value_table *t)
{
	while (t->first)
		drop_oldest(t);
	map_free(t->map);
	t->map = NULL;
}

static struct value_set *set_get(struct value_table *t, const struct value_key *key)
{
	struct value_set *s = map_get(t->map, key);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL || map_add(t->map, key, s) < 0) {
		free(s);
		return NULL;
	}
	s->key = *key;
	s->bytes = sizeof(*s);
	t->bytes += s->bytes;
	*(t->last ? &t->last->next : &t->first) = s;
	t->last = s;
	return s;
}

static bool grow(struct value_set *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : 8;
	struct py_value *values = s->count < s->cap ? s->values : realloc(s->values, cap * sizeof(*values));

	if (values == NULL)
		return false;
	s->cap = s->count < s->cap ? s->cap : cap;
	s->values = values;
	return true;
}

static bool is_text(const struct wire_py_value *rec)
{
	return rec->kind == WIRE_PY_TEXT_LATIN1 || rec->kind == WIRE_PY_TEXT_UCS2 ||
	       rec->kind == WIRE_PY_TEXT_UCS4;
}

int value_add(struct value_table *t, uint64_t process, const struct wire_py_value *rec)
{
	struct value_key key = {process, rec->conn.ssl, rec->conn.generation, rec->offset};
	struct str bytes = str_make(rec->payload, rec->len);
	char text[CODE_TEXT_MAX];
	size_t n = is_text(rec) ? code_text(rec->kind, bytes, text) : 0;

	while (t->first && t->bytes > LIMIT_PY_VALUE_BYTES)
		drop_oldest(t);
	struct value_set *s = set_get(t, &key);
	autodrop(drop_memory) char *copy = n ? malloc(n) : NULL;
	if (s == NULL || !grow(s) || (n && copy == NULL))
		return -ENOMEM;
	if (s->count == EACH_MAX)
		return 0;
	struct py_value *v = &s->values[s->count++];
	*v = (struct py_value){
		.frame = rec->frame, .rule = rec->rule, .cut = rec->reason == WIRE_PY_VALUE_CUT};
	if (rec->kind == WIRE_PY_TEXT_NUMBER && rec->len == sizeof(v->number))
		memcpy(&v->number, rec->payload, sizeof(v->number));
	if (n) {
		memcpy(copy, text, n);
		v->text = str_make(take(copy), n);
	}
	size_t more = sizeof(*v) + n;
	s->bytes += more;
	t->bytes += more;
	return 0;
}

const struct py_value *value_find(const struct value_table *t, const struct value_key *key, uint32_t *count)
{
	const struct value_set *s = map_get(t->map, key);

	*count = s ? s->count : 0;
	return s ? s->values : NULL;
}
