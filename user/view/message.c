/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BLOB_SHOWN 64u /* characters of base64 that are shown of pictures and sounds */

/* ---- the whole conversation ---- */

uint32_t message_continued(const struct node_forest *f, uint32_t at, int64_t *messages, bool *dangling)
{
	const struct json *c = node_attribute(&f->nodes[at], "bottrace.continues");
	struct str id = json_get_str(f->a, c, "span");
	uint32_t found = NODE_NONE;
	uint64_t number;

	*messages = 0;
	if (json_type(c) != JSON_OBJECT)
		return NODE_NONE;
	if (str_to_u64_hex(id, &number))
		found = node_by_id(f, number);
	if (!json_i64(json_get(c, "messages"), messages) || *messages < 0 || found == NODE_NONE)
		*dangling = true;
	return *dangling ? NODE_NONE : found;
}

static size_t add_some(const struct json **items, size_t n, const struct json *array, size_t most)
{
	for (const struct json *m = json_first(array); m && most > 0; m = json_next(m), most--)
		items[n++] = m;
	return n;
}

void message_history_add(struct message_history *h, const struct node_forest *f, uint32_t at, uint32_t before)
{
	const struct node *s = &f->nodes[at];
	const struct json *system = node_attribute(s, "gen_ai.system_instructions");
	const struct json *tools = node_attribute(s, "gen_ai.tool.definitions");
	bool dangling = false;
	int64_t messages = 0;

	if (before != NODE_NONE)
		(void)message_continued(f, at, &messages, &dangling);
	if ((size_t)messages > h->count)
		h->count = add_some(h->items, h->count,
				    node_attribute(&f->nodes[before], "gen_ai.output.messages"),
				    (size_t)messages - h->count);
	if (dangling || (size_t)messages > h->count)
		h->lossy = true;
	else
		h->count = (size_t)messages;
	h->repeated = h->count;
	h->count = add_some(h->items, h->count, node_attribute(s, "gen_ai.input.messages"), SIZE_MAX);
	if (system)
		h->system = system;
	if (tools)
		h->tools = tools;
}

/* The calls from `at` back to the one that begins the conversation. Returns how many; their messages' sum in *most. */
static size_t find_chain(struct message_history *h, struct node_forest *f, uint32_t at, uint32_t *chain,
			 size_t *most)
{
	size_t n = 0;
	int64_t messages;

	for (uint32_t i = 0; i < f->count; i++)
		f->nodes[i].shown = false;
	while (at != NODE_NONE && !f->nodes[at].shown) {
		f->nodes[at].shown = true;
		chain[n++] = at;
		*most += json_count(node_attribute(&f->nodes[at], "gen_ai.input.messages")) +
			 json_count(node_attribute(&f->nodes[at], "gen_ai.output.messages"));
		at = message_continued(f, at, &messages, &h->lossy);
	}
	if (at != NODE_NONE)
		h->lossy = true;
	return n;
}

int message_history_init(struct message_history *h, struct node_forest *f, uint32_t at)
{
	uint32_t *chain = arena_alloc(f->a, (f->count + 1ul) * sizeof(*chain));
	size_t most = 0, n;

	*h = (struct message_history){0};
	if (chain == NULL)
		return -ENOMEM;
	n = find_chain(h, f, at, chain, &most);
	h->items = arena_alloc(f->a, (most + 1) * sizeof(struct json *));
	if (h->items == NULL)
		return -ENOMEM;
	for (size_t i = n; i-- > 0;)
		message_history_add(h, f, chain[i], i + 1 < n ? chain[i + 1] : NODE_NONE);
	h->from = n > 1 ? f->nodes[chain[1]].n : 0;
	return 0;
}

/* ---- text ---- */

static void add_indent(struct buf *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_add_char(out, ' ');
}

/* One line, tabs as spaces: a tab would move the cursor. */
static void add_line(struct buf *out, struct str s, bool ascii)
{
	while (s.n) {
		struct str head, rest = str_cut(s, '\t', &head);

		text_safe(out, head, ascii);
		if (rest.p == NULL)
			return;
		buf_add(out, STR("    "));
		s = rest;
	}
}

void message_write_text(struct buf *out, struct str text, unsigned indent, bool ascii)
{
	struct str rest = text;

	if (text.n == 0) {
		add_indent(out, indent);
		buf_add(out, STR("(empty)\n"));
	}
	while (rest.n && buf_err(out) == 0) {
		struct str head;

		rest = str_cut(rest, '\n', &head);
		if (str_ends(head, STR("\r")))
			head.n--;
		if (head.n)
			add_indent(out, indent);
		add_line(out, head, ascii);
		buf_add_char(out, '\n');
	}
}

void message_write_value(struct buf *out, struct arena *a, const struct json *value, unsigned indent,
			 bool ascii)
{
	if (json_type(value) == JSON_STRING)
		message_write_text(out, json_str(a, value), indent, ascii);
	else
		message_write_text(out, value ? json_raw(value) : STR("null"), indent, ascii);
}

static void add_word(struct buf *out, struct str s, bool ascii)
{
	if (s.n == 0)
		return;
	buf_add_char(out, ' ');
	text_safe_cut(out, s, 200, ascii);
}

/* "tool_call bash call_1" and the value below it */
static void write_call(struct buf *out, struct arena *a, const struct json *part, const char *title,
		       const char *member, unsigned indent, bool ascii)
{
	bool is_error = false;

	add_indent(out, indent);
	buf_add(out, str_of(title));
	add_word(out, json_get_str(a, part, "name"), ascii);
	add_word(out, json_get_str(a, part, "id"), ascii);
	if (json_bool(json_get(part, "is_error"), &is_error) && is_error)
		buf_add(out, STR(" (error)"));
	buf_add_char(out, '\n');
	message_write_value(out, a, json_get(part, member), indent + 2, ascii);
}

static void write_blob(struct buf *out, struct arena *a, const struct json *part, unsigned indent, bool ascii)
{
	struct str content = json_get_str(a, part, "content");
	char size[24];

	text_size(content.n / 4 * 3, size);
	add_indent(out, indent);
	buf_add(out, STR("blob"));
	add_word(out, json_get_str(a, part, "modality"), ascii);
	add_word(out, json_get_str(a, part, "mime_type"), ascii);
	buf_addf(out, " %s: ", size);
	text_safe_cut(out, content, BLOB_SHOWN, ascii);
	buf_add_char(out, '\n');
}

static void write_part(struct buf *out, struct arena *a, const struct json *part, unsigned indent, bool ascii)
{
	const struct json *type = json_get(part, "type");

	if (json_is(type, "text")) {
		message_write_value(out, a, json_get(part, "content"), indent, ascii);
	} else if (json_is(type, "reasoning")) {
		add_indent(out, indent);
		buf_add(out, STR("reasoning\n"));
		message_write_value(out, a, json_get(part, "content"), indent + 2, ascii);
	} else if (json_is(type, "tool_call")) {
		write_call(out, a, part, "tool_call", "arguments", indent, ascii);
	} else if (json_is(type, "tool_call_response")) {
		write_call(out, a, part, "tool_result", "response", indent, ascii);
	} else if (json_is(type, "server_tool_call")) {
		write_call(out, a, part, "server_tool_call", "server_tool_call", indent, ascii);
	} else if (json_is(type, "server_tool_call_response")) {
		write_call(out, a, part, "server_tool_result", "server_tool_call_response", indent, ascii);
	} else if (json_is(type, "blob")) {
		write_blob(out, a, part, indent, ascii);
	} else {
		message_write_text(out, json_raw(part), indent, ascii);
	}
}

void message_write_parts(struct buf *out, struct arena *a, const struct json *parts, unsigned indent,
			 bool ascii)
{
	if (json_type(parts) != JSON_ARRAY) {
		message_write_value(out, a, parts, indent, ascii);
		return;
	}
	for (const struct json *p = json_first(parts); p && buf_err(out) == 0; p = json_next(p))
		write_part(out, a, p, indent, ascii);
	if (json_count(parts) == 0)
		message_write_text(out, STR_NONE, indent, ascii);
}

void message_write(struct buf *out, struct arena *a, const struct json *message, size_t ordinal, bool ascii)
{
	struct str role = json_get_str(a, message, "role"),
		   finish = json_get_str(a, message, "finish_reason");

	buf_add(out, STR(" "));
	if (ordinal)
		buf_addf(out, " %zu", ordinal);
	add_word(out, role.n ? role : STR("(no role)"), ascii);
	add_word(out, json_get_str(a, message, "name"), ascii);
	if (finish.n) {
		buf_add(out, STR(" (finish"));
		add_word(out, finish, ascii);
		buf_add_char(out, ')');
	}
	buf_add_char(out, '\n');
	message_write_parts(out, a, json_get(message, "parts"), 4, ascii);
}
