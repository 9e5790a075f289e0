/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/layout.h"

#include <stddef.h>

#define MINOR_FIRST 8u
#define MINOR_LAST  15u
#define MINOR_OWN   13u /* from here on the interpreter tells */
#define NONE	    STATE_PYTHON_NONE

/* x86-64, builds with GIL, compiled from each version's headers. 3.13 and later: what their own word leaves out; the
 * rest stands here as the newest release has it, and is taken from the file. */
static const struct state_python table[] = {
	{.minor = 8,
	 .thread_error = 88,
	 .threads_head = 8,
	 .interp_next = 0,
	 .thread_next = 8,
	 .thread_id = 176,
	 .thread_frame = 24,
	 .cframe_frame = NONE,
	 .thread_context = 240,
	 .thread_task = NONE,
	 .frame_bytes = 112,
	 .frame_code = 32,
	 .frame_back = 24,
	 .frame_ip = 104,
	 .frame_owner = 96,
	 .code_file = 104,
	 .code_name = 112,
	 .code_table = 120,
	 .code_line = 40,
	 .code_flags = 36,
	 .str_ascii = 48,
	 .str_compact = 72,
	 .code_locals = 72,
	 .frame_locals = 360,
	 .tuple_items = 24,
	 .type_keys = 872,
	 .type_name = 848},
	{.minor = 9,
	 .thread_error = 88,
	 .threads_head = 8,
	 .interp_next = 0,
	 .thread_next = 8,
	 .thread_id = 176,
	 .thread_frame = 24,
	 .cframe_frame = NONE,
	 .thread_context = 240,
	 .thread_task = NONE,
	 .frame_bytes = 112,
	 .frame_code = 32,
	 .frame_back = 24,
	 .frame_ip = 104,
	 .frame_owner = 96,
	 .code_file = 104,
	 .code_name = 112,
	 .code_table = 120,
	 .code_line = 40,
	 .code_flags = 36,
	 .str_ascii = 48,
	 .str_compact = 72,
	 .code_locals = 72,
	 .frame_locals = 360,
	 .tuple_items = 24,
	 .type_keys = 864,
	 .type_name = 840},
	{.minor = 10,
	 .thread_error = 88,
	 .threads_head = 8,
	 .interp_next = 0,
	 .thread_next = 8,
	 .thread_id = 176,
	 .thread_frame = 24,
	 .cframe_frame = NONE,
	 .thread_context = 240,
	 .thread_task = NONE,
	 .frame_bytes = 104,
	 .frame_code = 32,
	 .frame_back = 24,
	 .frame_ip = 96,
	 .frame_owner = 88,
	 .code_file = 104,
	 .code_name = 112,
	 .code_table = 120,
	 .code_line = 40,
	 .code_flags = 36,
	 .str_ascii = 48,
	 .str_compact = 72,
	 .code_locals = 72,
	 .frame_locals = 352,
	 .tuple_items = 24,
	 .type_keys = 872,
	 .type_name = 848},
	{.minor = 11,
	 .thread_error = 96,
	 .threads_head = 16,
	 .interp_next = 0,
	 .thread_next = 8,
	 .thread_id = 152,
	 .thread_frame = 56,
	 .cframe_frame = 8,
	 .thread_context = 224,
	 .thread_task = NONE,
	 .frame_bytes = 72,
	 .frame_code = 32,
	 .frame_back = 48,
	 .frame_ip = 56,
	 .frame_owner = 69,
	 .code_file = 112,
	 .code_name = 128,
	 .code_table = 136,
	 .code_line = 72,
	 .code_flags = 48,
	 .code_start = 184,
	 .gen_frame = 80,
	 .str_ascii = 48,
	 .str_compact = 72,
	 .code_locals = 96,
	 .code_kinds = 104,
	 .frame_locals = 72,
	 .tuple_items = 24,
	 .type_keys = 872,
	 .type_name = 848},
	{.minor = 12,
	 .thread_error = 96,
	 .threads_head = 72,
	 .interp_next = 0,
	 .thread_next = 8,
	 .thread_id = 136,
	 .thread_frame = 56,
	 .cframe_frame = 0,
	 .thread_context = 208,
	 .thread_task = NONE,
	 .frame_bytes = 72,
	 .frame_code = 0,
	 .frame_back = 8,
	 .frame_ip = 56,
	 .frame_owner = 70,
	 .code_file = 112,
	 .code_name = 128,
	 .code_table = 136,
	 .code_line = 68,
	 .code_flags = 48,
	 .code_start = 192,
	 .gen_frame = 72,
	 .str_ascii = 40,
	 .str_compact = 56,
	 .code_locals = 96,
	 .code_kinds = 104,
	 .frame_locals = 72,
	 .tuple_items = 24,
	 .type_keys = 880,
	 .type_name = 856},
	{.minor = 13,
	 .thread_error = 112,
	 .cframe_frame = NONE,
	 .thread_context = 208,
	 .thread_task = NONE,
	 .frame_bytes = 72,
	 .code_flags = 48,
	 .gen_frame = 72,
	 .str_compact = 56,
	 .type_keys = 880,
	 .type_name = 856,
	 .split_values = 8},
	{.minor = 14,
	 .thread_error = 112,
	 .cframe_frame = NONE,
	 .thread_context = 208,
	 .thread_task = 872,
	 .task_name = 136,
	 .frame_bytes = 80,
	 .code_flags = 48,
	 .str_compact = 56,
	 .type_keys = 880,
	 .type_name = 856,
	 .split_values = 8},
	{.minor = 15,
	 .thread_error = 136,
	 .cframe_frame = NONE,
	 .thread_context = 232,
	 .thread_task = 1032,
	 .task_name = 136,
	 .frame_bytes = 80,
	 .code_flags = 48,
	 .str_compact = 56,
	 .type_keys = 888,
	 .type_name = 864,
	 .split_values = 8},
};

/* _PyRuntime.interpreters.head, of those that do not tell. */
static const uint16_t heads[] = {32, 32, 32, 40, 40};

/* ---- the interpreter's own word ---- */

/* Where in _Py_DebugOffsets, as an array of u64, a member stands in 3.13, 3.14, 3.15; what it may be at most. */
struct member {
	uint16_t to; /* in struct state_python */
	uint16_t index[3];
	uint16_t most;
};

#define RUNTIME_HEAD 5u
#define THREAD_MOST  4096u
#define FRAME_MOST   (STATE_PYTHON_FRAME_MAX - 8u)
#define CODE_MOST    (STATE_PYTHON_CODE - 8u)
#define AT(member)   offsetof(struct state_python, member)

static const struct member members[] = {
	{AT(interp_next), {8, 8, 8}, UINT16_MAX - 1}, {AT(threads_head), {9, 9, 9}, UINT16_MAX - 1},
	{AT(thread_next), {21, 24, 24}, THREAD_MOST}, {AT(thread_frame), {23, 26, 26}, THREAD_MOST},
	{AT(thread_id), {24, 27, 30}, THREAD_MOST},   {AT(frame_back), {29, 32, 40}, FRAME_MOST},
	{AT(frame_code), {30, 33, 41}, FRAME_MOST},   {AT(frame_ip), {31, 34, 42}, FRAME_MOST},
	{AT(frame_owner), {33, 36, 44}, FRAME_MOST},  {AT(code_file), {35, 40, 48}, CODE_MOST},
	{AT(code_name), {37, 42, 50}, CODE_MOST},     {AT(code_table), {38, 43, 51}, CODE_MOST},
	{AT(code_line), {39, 44, 52}, CODE_MOST},     {AT(code_start), {43, 48, 56}, 1024},
	{AT(str_ascii), {70, 80, 92}, 256},	      {AT(code_locals), {41, 46, 54}, CODE_MOST},
	{AT(code_kinds), {42, 47, 55}, CODE_MOST},    {AT(frame_locals), {32, 35, 43}, FRAME_MOST},
	{AT(tuple_items), {51, 57, 69}, 256},
};

#define GEN_FRAME_MOST 1024u
static const uint16_t gen_frame_index[3] = {0, 85, 101}; /* 0: not told */

static void set(struct state_python *p, uint16_t to, uint64_t value)
{
	*(uint16_t *)((char *)p + to) = (uint16_t)value;
}

/* What it says, when that can be. False: it cannot. */
static bool take_word(struct state_python *out, const struct interpreter *in, unsigned column)
{
	const uint64_t *o = in->offsets;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		uint64_t value = o[members[i].index[column]];

		if (value > members[i].most)
			return false;
		set(out, members[i].to, value);
	}
	uint16_t gen = gen_frame_index[column];
	if (gen && (o[gen] == 0 || o[gen] > GEN_FRAME_MOST))
		return false;
	if (gen)
		out->gen_frame = (uint16_t)o[gen];
	/* Words of 8 bytes, but for the owner and the line; and frames that lead to themselves would be a hoax. */
	if ((out->frame_back | out->frame_code | out->frame_ip | out->code_file | out->code_name |
	     out->code_table | out->code_locals | out->code_kinds | out->frame_locals | out->tuple_items) &
		    7 ||
	    out->code_line & 3 || out->frame_back == out->frame_code || out->frame_owner >= out->frame_bytes)
		return false;
	/* The walk reads frame_bytes of a frame, no more. */
	if (out->frame_back + 8u > out->frame_bytes || out->frame_code + 8u > out->frame_bytes ||
	    out->frame_ip + 8u > out->frame_bytes)
		return false;
	return o[RUNTIME_HEAD] <= UINT16_MAX;
}

/* Of a module that the interpreter brings itself; of others the table says it. */
static void take_asyncio(struct state_python *out, const struct interpreter *in)
{
	uint64_t name = in->asyncio[1], task = in->asyncio[11];

	if (!in->has_asyncio || name > THREAD_MOST || task == 0 || task > THREAD_MOST)
		return;
	out->task_name = (uint16_t)name;
	out->thread_task = (uint16_t)task;
}

uint32_t layout_find(struct state_python *out, const struct interpreter *in, unsigned minor)
{
	uint64_t head;

	if (in->has_offsets && in->offsets[2] != 0)
		return WIRE_PY_FREE_THREADED;
	if (minor < MINOR_FIRST || minor > MINOR_LAST || (minor >= MINOR_OWN) != in->has_offsets)
		return WIRE_PY_VERSION;
#if !defined(__x86_64__)
	return WIRE_PY_KERNEL;
#endif
	*out = table[minor - MINOR_FIRST];
	if (minor < MINOR_OWN) {
		head = heads[minor - MINOR_FIRST];
	} else {
		if (!take_word(out, in, minor - MINOR_OWN))
			return WIRE_PY_VERSION;
		head = in->offsets[RUNTIME_HEAD];
	}
	if (minor > MINOR_OWN)
		take_asyncio(out, in);
	out->interpreters = in->runtime - in->base + head;
	return WIRE_PY_WHOLE;
}
