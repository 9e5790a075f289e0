/* SPDX-License-Identifier: BSD-2-Clause */
/* A document that somebody gives us, shown in every way: nothing in it may move a terminal's cursor. Parts: d a
 * document, s a stored span's line, o the doctor's document; before it w: columns. */
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "view/view.h"

#define ARENA_BYTES (16u << 20)
#define OUT_BYTES   (8u << 20)

/* Only line feeds, and our own colours. */
static void check_terminal(struct str s, bool colour)
{
	uint32_t code;

	while (s.n > 0) {
		size_t n = text_utf8(s, &code);

		assert(n > 0);
		assert(code >= 0x20 || code == '\n' || (colour && code == 0x1b));
		assert(code != 0x7f && !(code >= 0x80 && code < 0xa0));
		assert(!(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
		s = str_skip(s, n);
	}
}

static void spans(struct buf *out, struct arena *a, const struct json *j, const struct view_style *style)
{
	for (uint32_t t = 0; t < 2; t++)
		for (uint32_t n = 0; n < 8; n++) {
			if (view_find(j, t, n) == NULL)
				continue;
			buf_clear(out);
			if (view_span(out, a, j, t, n, style) == 0)
				check_terminal(buf_str(out), style->colour);
			buf_clear(out);
			(void)!view_full_span(out, a, j, t, n);
		}
}

static void document(struct buf *out, struct str text, const struct view_style *style)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	const struct json *j = json_parse(a, text, NULL);

	if (!view_is_document(j))
		return;
	if (view_tree(out, a, j, style) == 0)
		check_terminal(buf_str(out), style->colour);
	spans(out, a, j, style);
	buf_clear(out);
	(void)!view_document_lines(out, a, j);
	buf_clear(out);
	(void)!view_full(a, j, view_to_buf, out);
}

static void other(struct buf *out, char letter, struct str text, const struct view_style *style)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);

	if (letter == 's') {
		view_live_heading(out, style);
		view_live_line(out, a, text, style);
		check_terminal(buf_str(out), style->colour);
		buf_clear(out);
		if (text.n > 0 && text.p[0] == '{')
			view_numbered(out, text, 7);
	} else {
		const struct json *j = json_parse(a, text, NULL);

		if (j && view_doctor(out, a, j, style) == 0)
			check_terminal(buf_str(out), style->colour);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view_style style = {0};
	struct str rest = str_make(data, size), body;
	autodrop(buf_fini) struct buf out;
	char letter;

	buf_init(&out, OUT_BYTES);
	while (fuzz_part(&rest, &letter, &body)) {
		buf_clear(&out);
		if (letter == 'w') {
			style.columns = (uint32_t)(fuzz_number(&body) % 300);
			style.ascii = style.columns & 1;
			style.colour = style.columns & 2;
		} else if (letter == 'd') {
			document(&out, body, &style);
		} else if (letter == 's' || letter == 'o') {
			other(&out, letter, body, &style);
		}
	}
	return 0;
}
