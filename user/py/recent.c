/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/recent.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

int recent_init(struct recent *r, size_t *value_bytes)
{
	/* Each connection has a stack. */
	*r = (struct recent){.conns = map_new(sizeof(struct recent_key),
					      LIMIT_PY_STACK_BYTES / sizeof(struct recent_stack) + 2),
			     .value_bytes = value_bytes};
	return r->conns ? 0 : -ENOMEM;
}

static void conn_free(struct recent *r, struct recent_conn *c)
{
	*(c->before ? &c->before->after : c->list) = c->after;
	if (c->after)
		c->after->before = c->before;
	(void)map_remove(r->conns, &c->key);
	free(c);
}

/* Its connection too, when it was the last. */
static void forget(struct recent *r, struct recent_stack *s)
{
	struct recent_conn *c = s->conn;

	*(s->prev ? &s->prev->next : &r->first) = s->next;
	*(s->next ? &s->next->prev : &r->last) = s->prev;
	*(s->older ? &s->older->newer : &c->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &c->newest) = s->older;
	r->bytes -= s->bytes;
	make_release(s->link.to);
	value_release(s->values);
	free(s);
	if (--c->count == 0)
		conn_free(r, c);
}

void recent_fini(struct recent *r)
{
	while (r->first)
		forget(r, r->first);
	map_free(r->conns);
	r->conns = NULL;
}

static struct recent_conn *conn_get(struct recent *r, const struct recent_key *key, struct recent_conn **list)
{
	struct recent_conn *c = map_get(r->conns, key);

	if (c != NULL)
		return c;
	c = calloc(1, sizeof(*c));
	if (c == NULL || map_add(r->conns, key, c) < 0) {
		free(c);
		return NULL;
	}
	c->key = *key;
	c->list = list;
	c->after = *list;
	if (*list)
		(*list)->before = c;
	*list = c;
	return c;
}

int recent_add(struct recent *r, uint64_t process, struct recent_conn **list, const struct wire_py_stack *rec,
	       struct link *link)
{
	struct recent_key key = {process, rec->conn.ssl, rec->conn.generation};
	size_t bytes = sizeof(struct recent_stack) - sizeof(*rec) + rec->head.size;
	struct recent_stack *s = malloc(bytes);

	if (s == NULL) {
		make_release(take(link->to));
		return -ENOMEM;
	}
	while (r->first && r->bytes + bytes > LIMIT_PY_STACK_BYTES)
		forget(r, r->first);
	struct recent_conn *c = conn_get(r, &key, list);
	if (c == NULL) {
		free(s);
		make_release(take(link->to));
		return -ENOMEM;
	}
	*s = (struct recent_stack){
		.conn = c, .older = c->newest, .prev = r->last, .bytes = bytes, .link = *link};
	link->to = NULL;
	memcpy(&s->rec, rec, rec->head.size);
	*(c->newest ? &c->newest->newer : &c->oldest) = s;
	c->newest = s;
	c->count++;
	*(r->last ? &r->last->next : &r->first) = s;
	r->last = s;
	r->bytes += bytes;
	if (c->count > LIMIT_PY_STACKS)
		forget(r, c->oldest);
	return 0;
}

static struct recent_stack *stack_of(const struct wire_py_stack *rec)
{
	return (struct recent_stack *)(void *)((char *)(uintptr_t)rec - offsetof(struct recent_stack, rec));
}

const struct link *recent_link(const struct wire_py_stack *rec)
{
	return &stack_of(rec)->link;
}

struct value_list *recent_values(struct recent *r, const struct wire_py_stack *rec)
{
	struct recent_stack *s = stack_of(rec);

	if (s->values == NULL)
		s->values = value_new(r->value_bytes);
	return s->values;
}

int recent_tell(struct recent *r, const struct wire_py_stack *rec, const struct wire_py_value *value)
{
	struct value_list *l = recent_values(r, rec);
	int n = l ? value_add(l, value) : -ENOMEM;

	if (n < 0)
		return n;
	stack_of(rec)->bytes += (size_t)n;
	r->bytes += (size_t)n;
	return 0;
}

const struct wire_py_stack *recent_find(const struct recent *r, const struct recent_key *key, uint64_t offset,
					bool before)
{
	const struct recent_conn *c = map_get(r->conns, key);
	const struct recent_stack *best = NULL;

	for (const struct recent_stack *s = c ? c->newest : NULL; s != NULL; s = s->older) {
		if (s->rec.offset == offset)
			return &s->rec;
		if (s->rec.offset < offset && (best == NULL || s->rec.offset > best->rec.offset))
			best = s;
	}
	return before && best ? &best->rec : NULL;
}

void recent_drop(struct recent *r, const struct recent_key *key)
{
	struct recent_conn *c = map_get(r->conns, key);

	while (c != NULL) {
		bool last = c->count == 1;

		forget(r, c->oldest);
		if (last)
			break;
	}
}

void recent_drop_all(struct recent *r, struct recent_conn **list)
{
	while (*list)
		recent_drop(r, &(*list)->key);
}
