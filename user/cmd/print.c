/* SPDX-License-Identifier: BSD-2-Clause */
/* How words print. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

int word_print_document(const struct buf *document, enum session_format format, struct arena *a,
			const struct view_style *style)
{
	autodrop(buf_fini) struct buf text = {0};
	int r;

	if (format == SESSION_JSON)
		return word_print(document);
	buf_init(&text, LIMIT_DOCUMENT_BYTES);
	const struct json *j = json_parse(a, buf_str(document), NULL);
	if (format == SESSION_JSONL)
		r = view_document_lines(&text, a, j);
	else
		r = view_tree(&text, a, j, style);
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show the trace: %s", strerror(-r));
	return word_print(&text);
}
