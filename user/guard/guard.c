/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/guard.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "guard/value.h"

struct guard *guard_new(void)
{
	autodrop(drop_guard) struct guard *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->frames = calloc(JSON_DEPTH_MAX + 2, sizeof(*g->frames));
	if (g->frames == NULL)
		return NULL;
	scan_table_init(&g->table);
	buf_init(&g->text, LIMIT_SPAN_BYTES * 2);
	buf_init(&g->marker, 128);
	return take(g);
}

struct str value_marker(struct guard *g, const char *kind)
{
	g->redacted++;
	buf_clear(&g->marker);
	buf_addf(&g->marker, "[redacted:%s]", kind);
	return buf_err(&g->marker) ? STR("[redacted:memory]") : buf_str(&g->marker);
}

struct str value_text(struct guard *g, struct str text, bool command)
{
	struct scan s = {.table = &g->table, .text = text, .command = command};
	struct scan_hit hit;
	size_t done = 0;

	if (!scan_next(&s, 0, &hit))
		return text;
	buf_clear(&g->text);
	do {
		buf_add(&g->text, str_make(text.p + done, hit.at - done));
		buf_add(&g->text, value_marker(g, hit.kind));
		done = hit.end;
	} while (scan_next(&s, done, &hit));
	buf_add(&g->text, str_skip(text, done));
	if (buf_err(&g->text)) {
		/* Rather nothing than half of it in clear. */
		g->err = buf_err(&g->text);
		return STR("[redacted:memory]");
	}
	return buf_str(&g->text);
}

struct str guard_text(struct guard *g, struct str text)
{
	return value_text(g, text, false);
}

struct str guard_url(struct guard *g, struct str url)
{
	return value_text(g, url, false);
}

int guard_json(struct guard *g, struct str json, struct buf *out)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	const struct json *j = a ? json_parse(a, json, NULL) : NULL;
	size_t size = out->n;
	struct jsonw w;

	if (j == NULL)
		return a ? -EBADMSG : -ENOMEM;
	g->err = 0;
	jsonw_init(&w, out);
	value_json(g, &w, a, STR_NONE, j);
	if (g->err == 0)
		g->err = buf_err(out);
	if (g->err != 0)
		buf_truncate(out, size);
	return g->err;
}

struct guard_stats guard_stats(const struct guard *g)
{
	return (struct guard_stats){.redacted = g->redacted};
}

void guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	buf_fini(&g->text);
	buf_fini(&g->marker);
	free(g->frames);
	free(g);
}
