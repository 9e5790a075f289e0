/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/layout.h"

#include "harness.h"

/* What CPython 3.13.5, 3.14.10 and 3.15.2 say: {index in _Py_DebugOffsets, value}. */
struct word {
	uint16_t index, value;
};

static const struct word words_13[] = {{5, 632},  {8, 7264}, {9, 7344}, {21, 8},  {23, 72},
				       {24, 152}, {29, 8},   {30, 0},	{31, 56}, {33, 70},
				       {35, 112}, {37, 128}, {38, 136}, {39, 68}, {43, 200},
				       {70, 40},  {41, 96},  {42, 104}, {32, 72}, {51, 24}};
static const struct word words_14[] = {{5, 808},  {8, 7272}, {9, 7344}, {24, 8},  {26, 72},  {27, 152},
				       {32, 8},	  {33, 0},   {34, 56},	{36, 74}, {40, 112}, {42, 128},
				       {43, 136}, {44, 68},  {48, 208}, {80, 40}, {85, 72},  {46, 96},
				       {47, 104}, {35, 80},  {57, 32}};
static const struct word words_15[] = {{5, 936},  {8, 7264}, {9, 7336}, {24, 8},  {26, 72},  {30, 176},
				       {40, 8},	  {41, 0},   {42, 56},	{44, 74}, {48, 112}, {50, 128},
				       {51, 136}, {52, 68},  {56, 208}, {92, 40}, {101, 72}, {54, 96},
				       {55, 104}, {43, 80},  {69, 32}};

static const struct {
	const struct word *list;
	size_t count;
} words[] = {{words_13, sizeof(words_13) / sizeof(struct word)},
	     {words_14, sizeof(words_14) / sizeof(struct word)},
	     {words_15, sizeof(words_15) / sizeof(struct word)}};

static struct interpreter interpreter(unsigned minor)
{
	struct interpreter in = {.base = 0x400000, .runtime = 0x600000, .version = 3u << 24 | minor << 16};

	if (minor < 13)
		return in;
	in.has_offsets = true;
	for (size_t i = 0; i < words[minor - 13].count; i++)
		in.offsets[words[minor - 13].list[i].index] = words[minor - 13].list[i].value;
	return in;
}

static void each_version(void **state)
{
	static const uint32_t heads[] = {32, 32, 32, 40, 40, 632, 808, 936};
	static const uint16_t threads[] = {8, 8, 8, 16, 72, 7344, 7344, 7336};
	static const uint16_t ids[] = {176, 176, 176, 152, 136, 152, 152, 176};
	static const uint16_t contexts[] = {240, 240, 240, 224, 208, 208, 208, 232};
	static const uint16_t starts[] = {0, 0, 0, 184, 192, 200, 208, 208};
	(void)state;

	for (unsigned minor = 8; minor <= 15; minor++) {
		struct interpreter in = interpreter(minor);
		struct state_python p;

		assert_int_equal(layout_find(&p, &in, minor), WIRE_PY_WHOLE);
		assert_int_equal(p.minor, minor);
		assert_int_equal(p.interpreters, 0x200000 + heads[minor - 8]);
		assert_int_equal(p.threads_head, threads[minor - 8]);
		assert_int_equal(p.thread_id, ids[minor - 8]);
		assert_int_equal(p.thread_context, contexts[minor - 8]);
		assert_int_equal(p.code_start, starts[minor - 8]);
		assert_int_equal(p.cframe_frame == STATE_PYTHON_NONE, minor != 11 && minor != 12);
		assert_int_equal(p.thread_task == STATE_PYTHON_NONE, minor < 14);
		assert_true(p.frame_owner < p.frame_bytes && p.frame_bytes <= STATE_PYTHON_FRAME_MAX);
		assert_true(p.frame_ip + 8u <= p.frame_bytes || minor < 11);
		assert_true(p.code_table + 8u <= STATE_PYTHON_CODE);
		assert_int_equal(p.code_locals, minor < 11 ? 72 : 96);
		assert_int_equal(p.code_kinds, minor < 11 ? 0 : 104);
		assert_int_equal(p.frame_locals, minor < 10 ? 360 : minor == 10 ? 352 : minor < 14 ? 72 : 80);
		assert_int_equal(p.tuple_items, minor < 14 ? 24 : 32);
		assert_int_equal(p.type_keys - p.type_name, 24);
		assert_int_equal(p.split_values, minor < 13 ? 0 : 8);
		assert_int_equal(p.gen_frame, minor < 11 ? 0 : minor == 11 ? 80 : 72);
	}
}

static void no_stacks(void **state)
{
	struct interpreter in = interpreter(14);
	struct state_python p;
	(void)state;

	in.offsets[2] = 1;
	assert_int_equal(layout_find(&p, &in, 14), WIRE_PY_FREE_THREADED);
	in = interpreter(12);
	assert_int_equal(layout_find(&p, &in, 0), WIRE_PY_VERSION);
	assert_int_equal(layout_find(&p, &in, 7), WIRE_PY_VERSION);
	assert_int_equal(layout_find(&p, &in, 13), WIRE_PY_VERSION);
	in = interpreter(15);
	assert_int_equal(layout_find(&p, &in, 16), WIRE_PY_VERSION);
	assert_int_equal(layout_find(&p, &in, 12), WIRE_PY_VERSION);
}

/* Each word that is used, out of bounds. */
static void nonsense(void **state)
{
	(void)state;

	for (unsigned minor = 13; minor <= 15; minor++) {
		for (size_t i = 0; i < words[minor - 13].count; i++) {
			struct interpreter in = interpreter(minor);
			struct state_python p;

			in.offsets[words[minor - 13].list[i].index] = UINT64_MAX - 7;
			assert_int_equal(layout_find(&p, &in, minor), WIRE_PY_VERSION);
			in.offsets[words[minor - 13].list[i].index] = 0x10000;
			assert_int_equal(layout_find(&p, &in, minor), WIRE_PY_VERSION);
		}
		struct interpreter in = interpreter(minor);
		struct state_python p;
		in.offsets[minor == 13 ? 29 : minor == 14 ? 32 : 40] = 4; /* previous */
		assert_int_equal(layout_find(&p, &in, minor), WIRE_PY_VERSION);
		for (unsigned i = 0; i < 3;
		     i++) { /* previous, executable, instr_ptr: behind what is read of a frame */
			in = interpreter(minor);
			in.offsets[(minor == 13	  ? 29
				    : minor == 14 ? 32
						  : 40) +
				   i] = STATE_PYTHON_FRAME_MAX - 8;
			assert_int_equal(layout_find(&p, &in, minor), WIRE_PY_VERSION);
		}
	}
}

/* .AsyncioDebug of the interpreter itself goes before the table, when it can be. */
static void asyncio(void **state)
{
	struct interpreter in = interpreter(15);
	struct state_python p;
	(void)state;

	in.has_asyncio = true;
	in.asyncio[1] = 144;
	in.asyncio[11] = 1040;
	assert_int_equal(layout_find(&p, &in, 15), WIRE_PY_WHOLE);
	assert_int_equal(p.task_name, 144);
	assert_int_equal(p.thread_task, 1040);
	in.asyncio[11] = 1u << 20;
	assert_int_equal(layout_find(&p, &in, 15), WIRE_PY_WHOLE);
	assert_int_equal(p.thread_task, 1032);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version),
		cmocka_unit_test(no_stacks),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(asyncio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
