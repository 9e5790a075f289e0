/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenTelemetry's message form (GenAI conventions v1.41.1: gen_ai.input.messages and its kin) as JSON text. */
#include "base/json.h"
#include "base/jsonw.h"
#include "base/limits.h"
#include "trace/set.h"

/* A value that claims to be JSON. What is none (cut in mid-stream) is closed, or becomes a string. */
static void write_value(struct jsonw *w, struct str v)
{
	struct json_end end;

	if (v.p == NULL) {
		jsonw_null(w);
		return;
	}
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
	const struct json *j = a ? json_parse(a, v, &end) : NULL;

	if (j == NULL)
		jsonw_str(w, v);
	else
		jsonw_value(w, a, j);
}

static void write_typed(struct jsonw *w, const char *type)
{
	jsonw_str(jsonw_key(w, "type"), str_of(type));
}

static void write_known(struct jsonw *w, const char *key, struct str v)
{
	if (v.p != NULL)
		jsonw_str(jsonw_key(w, key), v);
}

static void write_id(struct jsonw *w, struct str id)
{
	jsonw_key(w, "id");
	if (id.n)
		jsonw_str(w, id);
	else
		jsonw_null(w);
}

static void write_media(struct jsonw *w, const char *type, const struct genai_part *p, const char *key)
{
	write_typed(w, type);
	write_known(w, "modality", p->modality);
	write_known(w, "mime_type", p->mime);
	jsonw_str(jsonw_key(w, key), p->text);
}

static void write_call(struct jsonw *w, const char *type, const struct genai_part *p, const char *key)
{
	write_typed(w, type);
	write_id(w, p->id);
	write_known(w, "name", p->name);
	write_value(jsonw_key(w, key), p->value);
	if (p->is_error)
		jsonw_bool(jsonw_key(w, "is_error"), true);
}

static void write_part(struct jsonw *w, const struct genai_part *p)
{
	jsonw_object(w);
	switch (p->type) {
	case GENAI_TEXT:
		write_typed(w, "text");
		jsonw_str(jsonw_key(w, "content"), p->text);
		break;
	case GENAI_REASONING:
		write_typed(w, "reasoning");
		jsonw_str(jsonw_key(w, "content"), p->text);
		break;
	case GENAI_TOOL_CALL:
		write_call(w, "tool_call", p, "arguments");
		break;
	case GENAI_TOOL_RESPONSE:
		write_call(w, "tool_call_response", p, "response");
		break;
	case GENAI_SERVER_TOOL_CALL:
		write_call(w, "server_tool_call", p, "server_tool_call");
		break;
	case GENAI_SERVER_TOOL_RESPONSE:
		write_call(w, "server_tool_call_response", p, "server_tool_call_response");
		break;
	case GENAI_BLOB:
		write_media(w, "blob", p, "content");
		break;
	case GENAI_URI:
		write_media(w, "uri", p, "uri");
		break;
	case GENAI_FILE:
		write_media(w, "file", p, "file_id");
		break;
	case GENAI_OTHER:
		jsonw_str(jsonw_key(w, "type"), p->name.n ? p->name : STR("unknown"));
		write_value(jsonw_key(w, "content"), p->value);
		break;
	}
	jsonw_object_end(w);
}

static void write_parts(struct jsonw *w, const struct genai_part *parts, uint32_t count)
{
	jsonw_array(w);
	for (uint32_t i = 0; i < count; i++)
		write_part(w, &parts[i]);
	jsonw_array_end(w);
}

void trace_message_parts(struct buf *out, const struct genai_part *parts, uint32_t count)
{
	struct jsonw w;

	jsonw_init(&w, out);
	write_parts(&w, parts, count);
}

void trace_message_list(struct buf *out, const struct genai_message *m, uint32_t count, uint32_t skip,
			bool output)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_array(&w);
	for (uint32_t i = skip; i < count; i++) {
		jsonw_object(&w);
		jsonw_str(jsonw_key(&w, "role"), m[i].role);
		write_known(&w, "name", m[i].name);
		write_parts(jsonw_key(&w, "parts"), m[i].parts, m[i].count);
		if (output) {
			jsonw_key(&w, "finish_reason");
			if (m[i].finish.n)
				jsonw_str(&w, m[i].finish);
			else
				jsonw_null(&w);
		}
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
}
