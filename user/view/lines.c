/* SPDX-License-Identifier: BSD-2-Clause */
/* A document that was read, as JSON lines. */
#include <errno.h>

#include "base/jsonw.h"
#include "view/view.h"

static void trace_lines(struct buf *out, struct arena *a, const struct json *trace)
{
	struct jsonw w;

	for (const struct json *s = json_first(json_get(trace, "spans")); s; s = json_next(s)) {
		jsonw_init(&w, out);
		jsonw_value(&w, a, s);
		buf_add_char(out, '\n');
	}
	jsonw_init(&w, out);
	jsonw_object(&w);
	for (const struct json *m = json_first(trace); m; m = json_next(m)) {
		struct str key = json_key(a, m);

		if (str_eq(key, STR("spans")))
			continue;
		jsonw_value(jsonw_key_str(&w, key), a, m);
	}
	jsonw_object_end(&w);
	buf_add_char(out, '\n');
}

int view_document_lines(struct buf *out, struct arena *a, const struct json *document)
{
	const struct json *traces = json_get(document, "traces");

	if (!view_is_document(document))
		return -EBADMSG;
	if (traces == NULL)
		trace_lines(out, a, document);
	for (const struct json *t = json_first(traces); t && buf_err(out) == 0; t = json_next(t))
		trace_lines(out, a, t);
	return buf_err(out);
}
