/* SPDX-License-Identifier: BSD-2-Clause */
/* How words print. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"

int word_read(const struct json **j, struct arena *a, const struct buf *document)
{
	struct json_end end = {0};
	const struct json *whole = json_parse(a, buf_str(document), &end);

	/* Out of memory, a part of the tree would look like all of it. */
	if (whole == NULL || end.state != JSON_WHOLE)
		return end.state == JSON_MEMORY ? -ENOMEM : -EBADMSG;
	*j = whole;
	return 0;
}

/* The document as -o json wants it, in `text`. */
static int expand(struct buf *text, struct arena *a, const struct buf *document)
{
	const struct json *j;
	int r = word_read(&j, a, document);

	buf_init(text, LIMIT_DOCUMENT_BYTES);
	return r == 0 ? view_full(a, j, view_to_buf, text) : r;
}

int word_print_document(const struct option_values *v, const struct buf *document, enum session_format format,
			struct arena *a, const struct view_style *style)
{
	autodrop(buf_fini) struct buf text = {0};
	autodrop(buf_fini) struct buf whole = {0};
	int r = 0;

	if (v->full && format != SESSION_TEXT) {
		r = expand(&whole, a, document);
		document = &whole;
	}
	if (r == 0 && format == SESSION_JSON)
		return word_print(document);
	buf_init(&text, LIMIT_DOCUMENT_BYTES);
	const struct json *j = NULL;
	if (r == 0)
		r = word_read(&j, a, document);
	if (r == 0 && format == SESSION_JSONL)
		r = view_document_lines(&text, a, j);
	else if (r == 0)
		r = view_tree(&text, a, j, style);
	if (r < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot show the trace: %s", strerror(-r));
	return word_print(&text);
}

static int to_stdout(void *ctx, struct str piece)
{
	const struct buf b = {.p = (char *)piece.p, .n = piece.n};
	int *err = ctx;

	*err = buf_write(&b, STDOUT_FILENO);
	return *err;
}

static int print_whole(const struct option_values *v, const struct view_session *session,
		       enum session_format format, const struct view_style *style)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	autodrop(buf_fini) struct buf document = {0};

	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	int r = a ? view_document(session, view_to_buf, &document) : -ENOMEM;
	if (r < 0)
		return err_say(EXIT_HOST, NULL, "cannot show the trace: %s", strerror(-r));
	return word_print_document(v, &document, format, a, style);
}

int word_print_session(const struct option_values *v, const struct view_session *session,
		       enum session_format format, const struct view_style *style)
{
	int err = 0;

	if (format == SESSION_TEXT || v->full)
		return print_whole(v, session, format, style);
	signal(SIGPIPE, SIG_IGN);
	int r = (format == SESSION_JSON ? view_document : view_lines)(session, to_stdout, &err);
	if (err < 0)
		return word_write_failed(err);
	return r < 0 ? err_say(EXIT_HOST, NULL, "cannot show the trace: %s", strerror(-r)) : EXIT_OK;
}
