/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "py/op.h"
#include "py/table.h"

#define CO_COROUTINE 0x80u
#define LOOPS_FROM   12u /* minor version whose line tables show the end of each loop */
#define SAME_LOOKS   16u /* frames before that may share their texts: recursion */

struct held {
	struct stack_account *account;
	size_t bytes;
	struct value_list *values;
	struct py_stack pub;
};

_Static_assert(WIRE_PY_TASK_MAX <= WIRE_PY_NAME_MAX, "a task's name is read like a code object's");

/* Frames that stand in no source: CPython 3.13's between a class and its __init__, 3.12's below a task's step. */
bool stack_is_shim(const struct code *c)
{
	return c && ((str_eq(c->file, STR("__init__")) && str_eq(c->function, STR("__init__"))) ||
		     str_eq(c->file, STR("<shim>")));
}

struct source {
	const struct wire_py_stack *rec;
	const struct wire_py_frame *frames;
	struct code *codes[WIRE_PY_FRAMES];
	char task[CODE_TEXT_MAX];
	size_t task_bytes, text_bytes;
	uint32_t count; /* without shims */
	int partial;
};

static size_t read_task(const struct wire_py_stack *rec, char out[CODE_TEXT_MAX])
{
	struct str text =
		str_make(rec->payload + rec->count * sizeof(struct wire_py_frame), rec->task_name_len);
	uint64_t number;

	if (rec->task_name_kind != WIRE_PY_TEXT_NUMBER)
		return code_text(rec->task_name_kind, text, out);
	memcpy(&number, text.p, sizeof(number));
	return (size_t)snprintf(out, CODE_TEXT_MAX, "Task-%llu", (unsigned long long)number);
}

static void source_init(struct source *s, const struct wire_py_stack *rec, struct code_table *codes,
			uint64_t process)
{
	s->rec = rec;
	s->frames = (const void *)rec->payload;
	s->partial = rec->reason;
	s->task_bytes = read_task(rec, s->task);
	s->text_bytes = 0;
	s->count = 0;
	for (uint32_t i = 0; i < rec->count; i++) {
		struct code *c = code_find(codes, process, s->frames[i].code, s->frames[i].epoch);

		s->codes[i] = c;
		if (stack_is_shim(c))
			continue;
		s->count++;
		s->text_bytes += c ? c->file.n + c->function.n : 0;
		if (c == NULL && s->partial == PY_WHOLE)
			s->partial = WIRE_PY_LOST;
		else if (c && c->flags & WIRE_PY_CODE_FAULT && s->partial == PY_WHOLE)
			s->partial = WIRE_PY_FAULT;
	}
}

static struct str put(char **at, struct str s)
{
	struct str out = str_make(*at, s.n);

	if (s.p == NULL)
		return STR_NONE;
	memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

/* The same code object's texts, from a frame before. */
static const struct py_frame *find_same(const struct py_stack *out, const struct wire_py_frame *f,
					struct str file)
{
	for (uint32_t i = out->count; i > 0 && out->count - i < SAME_LOOKS; i--)
		if (out->frames[i - 1].code == f->code && str_eq(out->frames[i - 1].file, file))
			return &out->frames[i - 1];
	return NULL;
}

/* inner: the frame within; NULL: none. A generator that does not come back to where it stands is not asked twice for this:
 * the loop over it comes back there with another one, or not at all. */
static enum py_loop loop_of(const struct code *c, int32_t lasti, const struct py_frame *inner)
{
	bool anew =
		inner && inner->generator && inner->origin == PY_ORIGIN_USER && inner->loop == PY_LOOP_NONE;
	bool all = !(c->flags & (WIRE_PY_CODE_CUT | WIRE_PY_CODE_FAULT));
	bool whole = c->version_minor >= LOOPS_FROM && all;

	if (all && lasti >= 0 && c->code.n > 0 && op_is_known(c->version_minor))
		return op_comes_back(c->version_minor, c->code, lasti, anew) ? PY_LOOP_SURE : PY_LOOP_NONE;
	if (anew)
		return PY_LOOP_UNKNOWN;
	if (table_turns_back(c->version_minor, c->table, c->first_line, lasti))
		return PY_LOOP_LIKELY;
	return whole && lasti >= 0 ? PY_LOOP_NONE : PY_LOOP_UNKNOWN;
}

static void add_frame(struct py_stack *out, char **at, const struct wire_py_frame *f, const struct code *c,
		      const struct origin *origin)
{
	struct py_frame *to = &out->frames[out->count];
	const struct py_frame *same = c ? find_same(out, f, c->file) : NULL;

	*to = (struct py_frame){.generator = f->flags & WIRE_PY_FRAME_GENERATOR,
				.lasti = f->lasti,
				.code = f->code,
				.frame = f->frame};
	if (c != NULL) {
		to->file = same ? same->file : put(at, c->file);
		to->function =
			same && str_eq(same->function, c->function) ? same->function : put(at, c->function);
		to->qualified = (c->flags & WIRE_PY_CODE_QUALNAME) != 0;
		to->coroutine = (c->co_flags & CO_COROUTINE) != 0;
		to->line = table_line(c->version_minor, c->table, c->first_line, f->lasti);
		to->origin = same ? same->origin : origin_of(origin, c->file);
		if (to->origin == PY_ORIGIN_USER)
			to->loop = loop_of(c, f->lasti, out->count ? to - 1 : NULL);
	}
	if (out->source == PY_NO_FRAME && to->origin == PY_ORIGIN_USER)
		out->source = out->count;
	out->count++;
}

struct py_stack *stack_new(const struct wire_py_stack *rec, struct code_table *codes, uint64_t process,
			   const struct origin *origin, struct value_list *values,
			   struct stack_account *account)
{
	struct source s;

	source_init(&s, rec, codes, process);
	size_t bytes = sizeof(struct held) + s.count * sizeof(struct py_frame) + s.text_bytes + s.task_bytes;
	bool full = account->bytes + bytes > LIMIT_PY_HELD_BYTES;
	if (full)
		bytes = sizeof(struct held) + s.task_bytes;
	struct held *h = malloc(bytes);
	if (h == NULL)
		return NULL;
	*h = (struct held){.account = account, .bytes = bytes, .values = value_hold(values)};
	account->bytes += bytes;
	struct py_stack *out = &h->pub;
	*out = (struct py_stack){
		.ts_ns = rec->head.ts_ns,
		.tid = rec->head.tid,
		.partial = full ? PY_MEMORY : s.partial,
		.task_object = rec->task,
		.coroutine = rec->coroutine,
		.context = rec->context,
		.context_vars = rec->context_vars,
		.thread_state = rec->tstate,
		.source = PY_NO_FRAME,
	};
	char *at = (char *)(out->frames + (full ? 0 : s.count));
	if (rec->task_name_kind != WIRE_PY_TEXT_NONE)
		out->task = put(&at, str_make(s.task, s.task_bytes));
	for (uint32_t i = 0; !full && i < rec->count; i++) {
		if (stack_is_shim(s.codes[i]))
			continue;
		account->lost_frames += s.codes[i] == NULL;
		add_frame(out, &at, &s.frames[i], s.codes[i], origin);
	}
	return out;
}

static struct held *held_of(const struct py_stack *s)
{
	return (struct held *)(void *)((char *)(uintptr_t)s - offsetof(struct held, pub));
}

const struct py_value *py_values(const struct py_stack *s, uint32_t *count)
{
	return value_all(held_of(s)->values, count);
}

void py_stack_free(struct py_stack *s)
{
	while (s != NULL) {
		struct held *h = held_of(s);

		s = s->outer;
		h->account->bytes -= h->bytes;
		value_release(h->values);
		free(h);
	}
}
