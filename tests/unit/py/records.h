/* SPDX-License-Identifier: BSD-2-Clause */
/* Python records by hand, each in a block of its own size. */
#ifndef UNIT_PY_RECORDS_H
#define UNIT_PY_RECORDS_H

#include <stdlib.h>
#include <string.h>

#include "drain/drain.h"
#include "harness.h"
#include "wire.h"

#define UNUSED __attribute__((unused))
#define PID    100u
#define START  7u

struct text {
	enum wire_py_text kind;
	struct str bytes;
};

#define LATIN(literal) ((struct text){WIRE_PY_TEXT_LATIN1, STR(literal)})
#define UCS2(literal)  ((struct text){WIRE_PY_TEXT_UCS2, STR(literal)})
#define UCS4(literal)  ((struct text){WIRE_PY_TEXT_UCS4, STR(literal)})
#define NO_TEXT	       ((struct text){WIRE_PY_TEXT_NONE, STR_NONE})

static void *record(uint16_t kind, size_t fixed, size_t payload)
{
	size_t size = (fixed + payload + 7) & ~7ul;
	struct wire_head *h = calloc(1, size);

	assert_non_null(h);
	*h = (struct wire_head){.size = (uint32_t)size,
				.kind = kind,
				.ts_ns = 1000,
				.pid = PID,
				.tid = PID,
				.start_ns = START};
	return h;
}

UNUSED static struct wire_py_code *code_record(uint64_t address, uint32_t epoch, struct text file,
					       struct text name)
{
	struct wire_py_code *c = record(WIRE_PY_CODE, sizeof(*c), file.bytes.n + name.bytes.n + 3);

	c->code = address;
	c->epoch = epoch;
	c->first_line = 40;
	c->version_minor = 11;
	c->filename_kind = (uint8_t)file.kind;
	c->name_kind = (uint8_t)name.kind;
	c->filename_len = (uint32_t)file.bytes.n;
	c->name_len = (uint32_t)name.bytes.n;
	c->table_len = 3;
	if (file.bytes.n)
		memcpy(c->payload, file.bytes.p, file.bytes.n);
	if (name.bytes.n)
		memcpy(c->payload + file.bytes.n, name.bytes.p, name.bytes.n);
	/* one unit in the first line, two in the next */
	memcpy(c->payload + file.bytes.n + name.bytes.n, "\x80\xd9\1", 3);
	assert_true(drain_valid(c, c->head.size));
	return c;
}

UNUSED static struct wire_py_stack *stack_record(uint64_t ssl, uint64_t offset,
						 const struct wire_py_frame *frames, uint16_t count,
						 struct text task)
{
	struct wire_py_stack *s = record(WIRE_PY_STACK, sizeof(*s), count * sizeof(*frames) + task.bytes.n);

	s->conn = (struct wire_conn_key){.ssl = ssl, .generation = 5};
	s->offset = offset;
	s->count = count;
	s->task_name_kind = (uint8_t)task.kind;
	s->task_name_len = (uint32_t)task.bytes.n;
	if (count)
		memcpy(s->payload, frames, count * sizeof(*frames));
	if (task.bytes.n)
		memcpy(s->payload + count * sizeof(*frames), task.bytes.p, task.bytes.n);
	assert_true(drain_valid(s, s->head.size));
	return s;
}

#endif
