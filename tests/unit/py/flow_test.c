/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether code leads back to where a frame stands: loops of several CPythons, as they compile them, and any bytes. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "py/op.h"

#define CODE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static const struct {
	const char *what;
	uint8_t minor;
	int32_t lasti;
	bool back;
	const uint8_t *code;
	size_t size;
} cases[] = {
	/* 3.8: LOAD_NAME, CALL_FUNCTION, POP_TOP, JUMP_ABSOLUTE 0 */
	{"while True", 8, 2, true, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"return", 8, 2, false, CODE(101, 0, 131, 0, 83, 0, 113, 0)},
	/* 3.8: SETUP_FINALLY 6 (to the handler), LOAD_NAME, CALL_FUNCTION, RETURN_VALUE, JUMP_ABSOLUTE 0: the handler's */
	{"tried again when it raises", 8, 4, false, CODE(122, 6, 101, 0, 131, 0, 83, 0, 113, 0)},
	/* 3.10: units: NOP, CALL_FUNCTION, POP_JUMP_IF_TRUE 1, RETURN_VALUE */
	{"while", 10, 2, true, CODE(9, 0, 131, 0, 115, 1, 83, 0)},
	{"behind the loop", 10, 6, false, CODE(9, 0, 131, 0, 115, 1, 83, 0)},
	/* 3.11: CALL with its four caches, JUMP_BACKWARD 6 to itself; the frame may stand in the caches */
	{"a call", 11, 0, true, CODE(171, 0, 9, 9, 9, 9, 9, 9, 9, 9, 140, 6)},
	{"its cache", 11, 8, true, CODE(171, 0, 9, 9, 9, 9, 9, 9, 9, 9, 140, 6)},
	{"what a cache holds is no jump", 11, 0, false, CODE(171, 0, 140, 2, 140, 2, 140, 2, 140, 2, 83, 0)},
	/* SEND 3, YIELD_VALUE, RESUME, JUMP_BACKWARD_NO_INTERRUPT 4, RETURN_VALUE */
	{"an await", 11, 0, false, CODE(123, 3, 150, 0, 151, 0, 134, 4, 83, 0)},
	{"a version that is not known", 14, 2, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"not started", 8, -1, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"beyond its end", 8, 100, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"a jump far out", 8, 0, false, CODE(113, 255)},
};

static void loops(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str code = str_make((const char *)cases[i].code, cases[i].size);

		if (op_comes_back(cases[i].minor, code, cases[i].lasti) != cases[i].back)
			fail_msg("%s", cases[i].what);
	}
}

/* Nothing but bytes; a copy of exactly their size, so that one read too far is seen. */
static void any_bytes(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (int n = 0; n < 4000; n++) {
		size_t size = n % 97;
		uint8_t *code = malloc(size + 1);

		assert_non_null(code);
		for (size_t i = 0; i < size; i++)
			code[i] = (uint8_t)((x = x * 1103515245u + 12345u) >> 16);
		code = realloc(code, size ? size : 1);
		(void)op_comes_back((uint8_t)(OP_MINOR_MIN + n % OP_MINORS), str_make((char *)code, size),
				    n % 101 - 1);
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
