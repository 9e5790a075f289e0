/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "py/code.h"

#define EACH_MAX 512u /* of one stack: more are not kept */

struct value_list {
	uint32_t refs;
	uint32_t count, cap;
	size_t bytes; /* of them, and in: */
	size_t *all;
	struct py_value *values;
};

struct value_list *value_new(size_t *bytes)
{
	struct value_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->refs = 1;
	l->all = bytes;
	return l;
}

struct value_list *value_hold(struct value_list *l)
{
	if (l)
		l->refs++;
	return l;
}

void value_release(struct value_list *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	for (uint32_t i = 0; i < l->count; i++)
		free((void *)l->values[i].text.p);
	*l->all -= l->bytes;
	free(l->values);
	free(l);
}

static bool grow(struct value_list *l)
{
	uint32_t cap = l->cap ? l->cap * 2 : 8;
	struct py_value *values = l->count < l->cap ? l->values : realloc(l->values, cap * sizeof(*values));

	if (values == NULL)
		return false;
	l->cap = l->count < l->cap ? l->cap : cap;
	l->values = values;
	return true;
}

static bool is_text(const struct wire_py_value *rec)
{
	return rec->kind == WIRE_PY_TEXT_LATIN1 || rec->kind == WIRE_PY_TEXT_UCS2 ||
	       rec->kind == WIRE_PY_TEXT_UCS4;
}

int value_add(struct value_list *l, const struct wire_py_value *rec)
{
	struct str bytes = str_make(rec->payload, rec->len);
	char text[CODE_TEXT_MAX];
	size_t n = is_text(rec) ? code_text(rec->kind, bytes, text) : 0;
	size_t more = sizeof(struct py_value) + n;

	if (l->count == EACH_MAX || *l->all + more > LIMIT_PY_VALUE_BYTES)
		return -ENOSPC;
	autodrop(drop_memory) char *copy = n ? malloc(n) : NULL;
	if (!grow(l) || (n && copy == NULL))
		return -ENOMEM;
	struct py_value *v = &l->values[l->count++];
	*v = (struct py_value){
		.frame = rec->frame, .rule = rec->rule, .cut = rec->reason == WIRE_PY_VALUE_CUT};
	if (rec->kind == WIRE_PY_TEXT_NUMBER && rec->len == sizeof(v->number))
		memcpy(&v->number, rec->payload, sizeof(v->number));
	if (n) {
		memcpy(copy, text, n);
		v->text = str_make(take(copy), n);
	}
	l->bytes += more;
	*l->all += more;
	return (int)more;
}

const struct py_value *value_all(const struct value_list *l, uint32_t *count)
{
	*count = l ? l->count : 0;
	return l ? l->values : NULL;
}
