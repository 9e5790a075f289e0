/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/check.h"

#include <string.h>

#define TEXT_MAX 8192

void check_add(struct checks *c, const char *name, const char *state, const char *remedy, const char *fmt,
	       ...)
{
	va_list ap;

	if (strcmp(state, "FAIL") == 0)
		c->failed = true;
	if (c->count == CHECK_MAX)
		return;
	struct check *x = &c->list[c->count++];
	*x = (struct check){.name = name, .state = state, .remedy = remedy};
	buf_init(&x->text, TEXT_MAX);
	va_start(ap, fmt);
	buf_vaddf(&x->text, fmt, ap);
	va_end(ap);
}

void check_write(const struct checks *c, struct jsonw *w)
{
	jsonw_array(jsonw_key(w, "checks"));
	for (unsigned i = 0; i < c->count; i++) {
		const struct check *x = &c->list[i];

		jsonw_object(w);
		jsonw_z(jsonw_key(w, "name"), x->name);
		jsonw_z(jsonw_key(w, "state"), x->state);
		jsonw_str(jsonw_key(w, "text"), buf_str(&x->text));
		jsonw_z(jsonw_key(w, "remedy"), x->remedy);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void check_fini(struct checks *c)
{
	for (unsigned i = 0; i < c->count; i++)
		buf_fini(&c->list[i].text);
	c->count = 0;
}
