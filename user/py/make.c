/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOT WIRE_PY_MADE_KINDS /* the kind of a key that is a coroutine */

struct make_key {
	uint64_t process;
	uint64_t what;
	uint64_t address;
};

int make_init(struct make_table *t, size_t max_bytes, size_t *value_bytes)
{
	*t = (struct make_table){
		.map = map_new(sizeof(struct make_key), 2 * (max_bytes / sizeof(struct make)) + 4),
		.max_bytes = max_bytes,
		.value_bytes = value_bytes};
	return t->map ? 0 : -ENOMEM;
}

struct make *make_hold(struct make *m)
{
	if (m)
		m->refs++;
	return m;
}

void make_release(struct make *m)
{
	while (m && --m->refs == 0) {
		struct make *outer = m->link.to;

		value_release(m->values);
		free(m);
		m = outer;
	}
}

static void forget_key(struct make_table *t, const struct make *m, uint64_t what, uint64_t address)
{
	struct make_key key = {m->process, what, address};

	if (address && map_get(t->map, &key) == m)
		(void)map_remove(t->map, &key);
}

static void forget(struct make_table *t, struct make *m)
{
	forget_key(t, m, m->rec.what, m->rec.made);
	forget_key(t, m, ROOT, m->rec.root);
	*(m->older ? &m->older->newer : &t->oldest) = m->newer;
	*(m->newer ? &m->newer->older : &t->newest) = m->older;
	t->bytes -= m->bytes;
	make_release(m);
}

void make_fini(struct make_table *t)
{
	while (t->oldest)
		forget(t, t->oldest);
	map_free(t->map);
	t->map = NULL;
}

/* 0, -ENOMEM. */
static int put(struct make_table *t, struct make *m, uint64_t what, uint64_t address)
{
	struct make_key key = {m->process, what, address};

	return address ? map_add(t->map, &key, m) : 0;
}

int make_add(struct make_table *t, uint64_t process, const struct wire_py_make *rec, struct link *link)
{
	size_t bytes = sizeof(struct make) - sizeof(*rec) + rec->head.size;
	struct make *m = malloc(bytes), *same;

	if (m == NULL) {
		make_release(take(link->to));
		return -ENOMEM;
	}
	/* What had this address before has ended. */
	same = make_find(t, process, (uint32_t)rec->what, rec->made);
	if (same)
		forget(t, same);
	while (t->oldest && t->bytes + bytes > t->max_bytes)
		forget(t, t->oldest);
	*m = (struct make){.older = t->newest, .link = *link, .process = process, .refs = 1, .bytes = bytes};
	link->to = NULL;
	memcpy(&m->rec, rec, rec->head.size);
	m->depth = m->link.to ? m->link.to->depth + 1 : 0;
	if (m->depth > MAKE_DEPTH_MAX) {
		make_release(take(m->link.to));
		m->depth = 0;
	}
	*(t->newest ? &t->newest->newer : &t->oldest) = m;
	t->newest = m;
	t->bytes += bytes;
	if (put(t, m, rec->what, rec->made) < 0 || put(t, m, ROOT, rec->root) < 0) {
		forget(t, m);
		return -ENOMEM;
	}
	return 0;
}

struct make *make_find(const struct make_table *t, uint64_t process, uint32_t what, uint64_t made)
{
	struct make_key key = {process, what, made};

	return made ? map_get(t->map, &key) : NULL;
}

struct make *make_find_root(const struct make_table *t, uint64_t process, uint64_t root)
{
	return make_find(t, process, ROOT, root);
}

int make_tell(struct make_table *t, struct make *m, const struct wire_py_value *value)
{
	if (m->values == NULL)
		m->values = value_new(t->value_bytes);
	int n = m->values ? value_add(m->values, value) : -ENOMEM;
	if (n < 0)
		return n;
	m->bytes += (size_t)n;
	t->bytes += (size_t)n;
	return 0;
}

void make_drop_all(struct make_table *t, uint64_t process)
{
	for (struct make *m = t->oldest, *next; m; m = next) {
		next = m->newer;
		if (m->process == process)
			forget(t, m);
	}
}
