/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protobuf messages as the JSON that they are in ProtoJSON, by tables of their fields: no recursion on the input, a field
 * that no table has is left out. google.protobuf.Value, Struct and ListValue become the JSON that they stand for.
 */
#include "genai/protobuf.h"

#include <sodium.h>
#include <string.h>

#include "base/jsonw.h"

#define DEPTH_MAX 32u

enum wire_type { WIRE_TYPE_VARINT, WIRE_TYPE_I64, WIRE_TYPE_LEN, WIRE_TYPE_I32 = 5 };

struct value {
	uint64_t field;
	enum wire_type type;
	uint64_t number;  /* of VARINT, I64, I32 */
	struct str bytes; /* of LEN */
};

static bool varint_read(struct str *s, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < 10 && i < s->n; i++) {
		unsigned char c = (unsigned char)s->p[i];

		*out |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c < 0x80) {
			*s = str_skip(*s, i + 1);
			return true;
		}
	}
	return false;
}

static bool fixed_read(struct str *s, unsigned n, uint64_t *out)
{
	if (s->n < n)
		return false;
	*out = 0;
	for (unsigned i = n; i-- > 0;)
		*out = *out << 8 | (unsigned char)s->p[i];
	*s = str_skip(*s, n);
	return true;
}

/* The next field; false: there is none, or it is none (then *bad). */
static bool value_read(struct str *s, struct value *v, bool *bad)
{
	uint64_t tag, n;
	bool ok = false;

	if (s->n == 0)
		return false;
	if (varint_read(s, &tag)) {
		*v = (struct value){.field = tag >> 3, .type = (enum wire_type)(tag & 7)};
		switch (v->type) {
		case WIRE_TYPE_VARINT:
			ok = varint_read(s, &v->number);
			break;
		case WIRE_TYPE_I64:
			ok = fixed_read(s, 8, &v->number);
			break;
		case WIRE_TYPE_I32:
			ok = fixed_read(s, 4, &v->number);
			break;
		case WIRE_TYPE_LEN:
			ok = varint_read(s, &n) && n <= s->n;
			if (ok) {
				v->bytes = str_head(*s, (size_t)n);
				*s = str_skip(*s, (size_t)n);
			}
			break;
		}
	}
	*bad |= !ok;
	return ok;
}

/* A message being written: of a table, or a Struct, or a ListValue. */
struct frame {
	enum { FRAME_MESSAGE, FRAME_STRUCT, FRAME_LIST } kind;
	const struct genai_protobuf_field *row; /* of the table, the field that is written now */
	struct str all, rest;
	bool list_open; /* of a repeated field */
};

struct writer {
	struct jsonw out;
	struct arena *scratch;
	struct frame frames[DEPTH_MAX];
	uint32_t depth;
	bool bad;
};

static void push(struct writer *w, struct frame f)
{
	if (w->depth == DEPTH_MAX) {
		jsonw_null(&w->out);
		w->bad = true;
		return;
	}
	if (f.kind == FRAME_LIST)
		jsonw_array(&w->out);
	else
		jsonw_object(&w->out);
	f.rest = f.all;
	w->frames[w->depth++] = f;
}

/* google.protobuf.Value */
static void any_write(struct writer *w, struct str s)
{
	struct value v, last = {0};
	double number;

	while (value_read(&s, &v, &w->bad))
		last = v;
	switch (last.field) {
	case 2:
		memcpy(&number, &last.number, sizeof(number));
		jsonw_f64(&w->out, number);
		break;
	case 3:
		jsonw_str(&w->out, last.type == WIRE_TYPE_LEN ? last.bytes : STR(""));
		break;
	case 4:
		jsonw_bool(&w->out, last.number != 0);
		break;
	case 5:
		push(w, (struct frame){.kind = FRAME_STRUCT, .all = last.bytes});
		break;
	case 6:
		push(w, (struct frame){.kind = FRAME_LIST, .all = last.bytes});
		break;
	default:
		jsonw_null(&w->out);
	}
}

static void base64_write(struct writer *w, struct str s)
{
	size_t room = sodium_base64_ENCODED_LEN(s.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = arena_alloc(w->scratch, room);

	if (text == NULL) {
		jsonw_null(&w->out);
		return;
	}
	sodium_bin2base64(text, room, (const unsigned char *)s.p, s.n, sodium_base64_VARIANT_ORIGINAL);
	jsonw_str(&w->out, str_of(text));
}

/* What is base64 to its end; a text of letters whose length is a multiple of 4 is taken for it, too. */
static bool is_base64(struct str s)
{
	size_t pads = 0;

	while (pads < 2 && pads < s.n && s.p[s.n - 1 - pads] == '=')
		pads++;
	for (size_t i = 0; i < s.n - pads; i++) {
		char c = s.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && c != '+' &&
		    c != '/')
			return false;
	}
	return s.n > 0 && s.n % 4 == 0;
}

static void box_write(struct writer *w, struct str s)
{
	struct str inner = STR("");
	struct value v;

	while (value_read(&s, &v, &w->bad))
		if (v.field == 1 && v.type == WIRE_TYPE_LEN)
			inner = v.bytes;
	push(w, (struct frame){.kind = FRAME_STRUCT, .all = inner});
}

static void enum_write(struct writer *w, const struct genai_protobuf_field *row, uint64_t number)
{
	for (uint64_t i = 0; row->words[i] != NULL; i++)
		if (i == number) {
			jsonw_z(&w->out, row->words[i]);
			return;
		}
	jsonw_u64(&w->out, number);
}

static void field_write(struct writer *w, const struct genai_protobuf_field *row, const struct value *v)
{
	switch (row->type) {
	case GENAI_PROTOBUF_TEXT:
		jsonw_str(&w->out, v->bytes.p ? v->bytes : STR(""));
		break;
	case GENAI_PROTOBUF_BASE64:
		if (is_base64(v->bytes)) {
			jsonw_str(&w->out, v->bytes);
			break;
		}
		base64_write(w, v->bytes);
		break;
	case GENAI_PROTOBUF_BYTES:
		base64_write(w, v->bytes);
		break;
	case GENAI_PROTOBUF_BOX:
		box_write(w, v->bytes);
		break;
	case GENAI_PROTOBUF_WORD:
		enum_write(w, row, v->number);
		break;
	case GENAI_PROTOBUF_ANY:
		any_write(w, v->bytes);
		break;
	case GENAI_PROTOBUF_MESSAGE:
		push(w, (struct frame){.kind = FRAME_MESSAGE, .row = row->message, .all = v->bytes});
		break;
	}
}

static bool fits(const struct genai_protobuf_field *row, const struct value *v)
{
	enum wire_type want = row->type == GENAI_PROTOBUF_WORD ? WIRE_TYPE_VARINT : WIRE_TYPE_LEN;

	return v->field == row->number && v->type == want;
}

/* The next value of a message: of one field after the other, each time through all of its bytes. */
static void message_step(struct writer *w, struct frame *f)
{
	const struct genai_protobuf_field *row = f->row;
	struct value v;

	while (row->name != NULL && value_read(&f->rest, &v, &w->bad)) {
		if (!fits(row, &v))
			continue;
		if (!f->list_open)
			(void)jsonw_key(&w->out, row->name);
		if (row->repeated && !f->list_open)
			jsonw_array(&w->out);
		f->list_open = row->repeated;
		if (!row->repeated) {
			f->row++;
			f->rest = f->all;
		}
		field_write(w, row, &v);
		return;
	}
	if (f->list_open)
		jsonw_array_end(&w->out);
	f->list_open = false;
	if (row->name == NULL) {
		jsonw_object_end(&w->out);
		w->depth--;
		return;
	}
	f->row++;
	f->rest = f->all;
}

/* map<string, Value> fields = 1: each an entry of key = 1 and value = 2. */
static void struct_step(struct writer *w, struct frame *f)
{
	struct str key = STR(""), any = STR(""), entry;
	struct value v, e;

	if (!value_read(&f->rest, &v, &w->bad)) {
		jsonw_object_end(&w->out);
		w->depth--;
		return;
	}
	if (v.field != 1 || v.type != WIRE_TYPE_LEN)
		return;
	entry = v.bytes;
	while (value_read(&entry, &e, &w->bad)) {
		if (e.field == 1 && e.type == WIRE_TYPE_LEN)
			key = e.bytes;
		if (e.field == 2 && e.type == WIRE_TYPE_LEN)
			any = e.bytes;
	}
	(void)jsonw_key_str(&w->out, key);
	any_write(w, any);
}

/* repeated Value values = 1 */
static void list_step(struct writer *w, struct frame *f)
{
	struct value v;

	if (!value_read(&f->rest, &v, &w->bad)) {
		jsonw_array_end(&w->out);
		w->depth--;
	} else if (v.field == 1 && v.type == WIRE_TYPE_LEN) {
		any_write(w, v.bytes);
	}
}

struct str genai_protobuf_json(struct genai_work *work, struct str message,
			       const struct genai_protobuf_field *fields)
{
	struct writer w = {.scratch = genai_scratch(work)};
	struct buf *b = genai_text(work);

	if (w.scratch == NULL)
		return STR_NONE;
	jsonw_init(&w.out, b);
	push(&w, (struct frame){.kind = FRAME_MESSAGE, .row = fields, .all = message});
	while (w.depth > 0) {
		struct frame *f = &w.frames[w.depth - 1];

		if (f->kind == FRAME_MESSAGE)
			message_step(&w, f);
		else if (f->kind == FRAME_STRUCT)
			struct_step(&w, f);
		else
			list_step(&w, f);
	}
	return w.bad || buf_err(b) ? STR_NONE : arena_dup(w.scratch, buf_str(b));
}
