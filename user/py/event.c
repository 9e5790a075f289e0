/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "py/code.h"

#define TEXT_MAX (64u << 10) /* bytes of an event's arguments as JSON: 24 of 1 KiB, escaped */

void event_init(struct event_table *t)
{
	*t = (struct event_table){0};
	buf_init(&t->text, TEXT_MAX);
}

void event_fini(struct event_table *t)
{
	for (uint32_t i = 0; i < EVENT_WAITING; i++)
		free(t->waiting[i]);
	buf_fini(&t->text);
}

bool event_waits(const struct wire_head *rec)
{
	const struct wire_py_exception *e = (const void *)rec;

	return rec->kind == WIRE_PY_AUDIT || rec->kind == WIRE_PY_PAUSE ||
	       (rec->kind == WIRE_PY_EXCEPTION && !(e->flags & WIRE_PY_PASSED));
}

static struct wire_head *take_at(struct event_table *t, uint32_t i)
{
	struct wire_head *rec = t->waiting[i];

	t->waiting[i] = NULL;
	t->count -= rec != NULL;
	return rec;
}

/* The place of a thread's own, else a free one, else the next in turn. */
static uint32_t place_of(struct event_table *t, const struct wire_head *rec)
{
	uint32_t free_at = EVENT_WAITING;

	for (uint32_t i = 0; i < EVENT_WAITING; i++) {
		const struct wire_head *x = t->waiting[i];

		if (x == NULL)
			free_at = i;
		else if (x->tid == rec->tid && x->start_ns == rec->start_ns)
			return i;
	}
	return free_at < EVENT_WAITING ? free_at : t->next++ % EVENT_WAITING;
}

bool event_keep(struct event_table *t, const struct wire_head *rec, struct wire_head **left)
{
	struct wire_head *copy = malloc(rec->size);
	uint32_t at = place_of(t, rec);

	*left = take_at(t, at);
	if (copy == NULL)
		return false;
	memcpy(copy, rec, rec->size);
	t->waiting[at] = copy;
	t->count++;
	return true;
}

struct wire_head *event_take(struct event_table *t, const struct wire_head *stack)
{
	for (uint32_t i = 0; t->count > 0 && i < EVENT_WAITING; i++) {
		const struct wire_head *x = t->waiting[i];

		if (x != NULL && x->tid == stack->tid && x->start_ns == stack->start_ns &&
		    x->ts_ns == stack->ts_ns)
			return take_at(t, i);
	}
	return NULL;
}

struct wire_head *event_take_any(struct event_table *t, uint32_t pid)
{
	for (uint32_t i = 0; t->count > 0 && i < EVENT_WAITING; i++)
		if (t->waiting[i] != NULL && (pid == 0 || t->waiting[i]->pid == pid))
			return take_at(t, i);
	return NULL;
}

/* ---- reading ---- */

/* A str as CPython keeps it, behind what is in *out. */
static void add_text(struct buf *out, uint8_t kind, struct str bytes)
{
	char text[CODE_TEXT_MAX];

	while (bytes.n > 0) {
		struct str part = str_head(bytes, WIRE_PY_NAME_MAX);

		buf_add(out, str_make(text, code_text(kind, part, text)));
		bytes = str_skip(bytes, part.n);
	}
}

static void write_other(struct jsonw *w, struct str type)
{
	char text[WIRE_PY_ITEM_MAX + 2];
	size_t n = type.n < WIRE_PY_TYPE_MAX ? type.n : WIRE_PY_TYPE_MAX;

	if (str_eq(type, STR("NoneType"))) {
		jsonw_null(w);
		return;
	}
	text[0] = '<';
	memcpy(text + 1, type.p, n);
	text[n + 1] = '>';
	jsonw_str(w, str_make(text, n + 2));
}

static void write_item(struct jsonw *w, struct buf *scratch, const struct wire_py_item *item)
{
	struct str bytes = str_make((const char *)(item + 1), item->len);
	int64_t number;

	switch (item->type) {
	case WIRE_PY_ITEM_STR:
		buf_clear(scratch);
		add_text(scratch, item->kind, bytes);
		jsonw_str(w, buf_str(scratch));
		break;
	case WIRE_PY_ITEM_BYTES:
		jsonw_str(w, bytes);
		break;
	case WIRE_PY_ITEM_INT:
		memcpy(&number, bytes.p, sizeof(number));
		jsonw_i64(w, number);
		break;
	case WIRE_PY_ITEM_OTHER:
		write_other(w, bytes);
		break;
	default:
		jsonw_null(w);
		break;
	}
}

/* The arguments as one array; lists within it are arrays. */
static bool read_audit(struct event_table *t, const struct wire_py_audit *rec, struct py_event *out)
{
	autodrop(buf_fini) struct buf scratch;
	bool in_list = false;
	uint64_t at = 0, expected = 0;
	struct jsonw w;

	buf_init(&scratch, 4 * WIRE_PY_ITEM_MAX);
	buf_clear(&t->text);
	jsonw_init(&w, &t->text);
	jsonw_array(&w);
	for (uint32_t i = 0; i < rec->count; i++) {
		const struct wire_py_item *item = (const void *)(rec->payload + at);

		at += sizeof(*item) + (((uint64_t)item->len + 7) & ~UINT64_C(7));
		out->cut |= (item->flags & (WIRE_PY_ITEM_CUT | WIRE_PY_ITEM_FAULT)) != 0;
		/* A list's elements are no lists. */
		if (in_list && (!(item->flags & WIRE_PY_ITEM_ELEMENT) || item->type == WIRE_PY_ITEM_LIST)) {
			jsonw_array_end(&w);
			in_list = false;
			out->cut |= expected > 0;
		}
		if (item->type == WIRE_PY_ITEM_LIST) {
			memcpy(&expected, item + 1, sizeof(expected));
			in_list = true;
			jsonw_array(&w);
			continue;
		}
		expected -= in_list && expected > 0;
		if (i == 0)
			out->first = item->type;
		write_item(&w, &scratch, item);
	}
	if (in_list)
		jsonw_array_end(&w);
	out->cut |= in_list && expected > 0;
	jsonw_array_end(&w);
	out->kind = PY_EVENT_AUDIT;
	out->name = str_of(wire_py_event_name(rec->event));
	out->what = (enum wire_py_event)rec->event;
	out->args = buf_str(&t->text);
	return buf_err(&t->text) == 0 && buf_err(&scratch) == 0;
}

static bool read_exception(struct event_table *t, const struct wire_py_exception *rec, struct py_event *out)
{
	const char *p = (const char *)rec->payload;

	out->kind = rec->flags & WIRE_PY_PASSED ? PY_EVENT_PASSED : PY_EVENT_RAISED;
	out->raised = rec->raised;
	out->frame = rec->frame;
	buf_clear(&t->text);
	buf_add(&t->text, str_make(p, rec->type_len));
	add_text(&t->text, rec->message_kind, str_make(p + rec->type_len, rec->message_len));
	if (buf_err(&t->text) != 0)
		return false;
	out->type = str_head(buf_str(&t->text), rec->type_len);
	if (rec->message_kind != WIRE_PY_TEXT_NONE)
		out->message = str_skip(buf_str(&t->text), rec->type_len);
	out->cut = (rec->flags & WIRE_PY_MESSAGE_CUT) != 0;
	return true;
}

bool event_read(struct event_table *t, const struct wire_head *rec, struct py_event *out)
{
	const struct wire_py_pause *pause = (const void *)rec;
	const struct wire_py_sums *sums = (const void *)rec;

	*out = (struct py_event){
		.pid = rec->pid, .tid = rec->tid, .start_ns = rec->start_ns, .ts_ns = rec->ts_ns};
	switch (rec->kind) {
	case WIRE_PY_AUDIT:
		return read_audit(t, (const void *)rec, out);
	case WIRE_PY_EXCEPTION:
		return read_exception(t, (const void *)rec, out);
	case WIRE_PY_PAUSE:
		out->kind = PY_EVENT_PAUSE;
		out->pause_ns = pause->pause_ns;
		out->collected = pause->collected;
		out->generation = pause->generation;
		return true;
	default:
		out->kind = PY_EVENT_SUMS;
		out->sums = (struct py_sums){.pauses = sums->pauses,
					     .pause_ns = sums->pause_ns,
					     .imports = sums->imports,
					     .import_ns = sums->import_ns};
		return true;
	}
}
