/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether code leads back to where a frame stands: loops of several CPythons, as they compile them, and any bytes. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "py/op.h"

#define CODE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

struct flow_case {
	const char *what;
	uint8_t minor;
	int32_t lasti;
	bool back;
	const uint8_t *code;
	size_t size;
};

static const struct flow_case cases[] = {
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
	{"a version that is not known", 16, 2, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"not started", 8, -1, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"beyond its end", 8, 100, false, CODE(101, 0, 131, 0, 1, 0, 113, 0)},
	{"a jump far out", 8, 0, false, CODE(113, 255)},
};

/* As each of them compiles
 *	for x in a(): x
 * and the same under `while a:`, and with `async for`; where it asks the iterator. */
static const struct flow_case iterators[] = {
	{"one loop", 8, 6, false,
	 CODE(124, 0, 131, 0, 68, 0, 93, 8, 125, 1, 124, 1, 1, 0, 113, 6, 100, 0, 83, 0)},
	{"a loop in a loop", 8, 10, true,
	 CODE(124, 0, 114, 22, 124, 0, 131, 0, 68, 0, 93, 8, 125, 1, 124, 1, 1, 0, 113, 10, 113, 0, 100, 0,
	      83, 0)},
	{"one async loop", 8, 14, false,
	 CODE(124, 1, 124, 0, 131, 1, 50, 0, 122, 12, 51, 0, 100, 0, 72, 0, 87, 0, 125, 2, 113, 8, 54, 0, 100,
	      0, 83, 0)},
	{"an async loop in a loop", 8, 18, true,
	 CODE(124, 0, 114, 30, 124, 1, 124, 0, 131, 1, 50, 0, 122, 12, 51, 0, 100, 0, 72, 0, 87, 0, 125, 2,
	      113, 12, 54, 0, 113, 0, 100, 0, 83, 0)},
	{"one async loop", 10, 16, false,
	 CODE(129, 1, 124, 1, 124, 0, 131, 1, 50, 0, 122, 6, 51, 0, 100, 0, 72, 0, 87, 0, 125, 2, 113, 5, 54,
	      0, 100, 0, 83, 0)},
	{"an async loop in a loop", 10, 20, true,
	 CODE(129, 1, 124, 0, 114, 19, 124, 1, 124, 0, 131, 1, 50, 0, 122, 6, 51, 0, 100, 0, 72, 0, 87, 0,
	      125, 2, 113, 7, 54, 0, 124, 0, 115, 3, 100, 0, 83, 0, 100, 0, 83, 0)},
	{"one loop", 10, 6, false,
	 CODE(124, 0, 131, 0, 68, 0, 93, 4, 125, 1, 124, 1, 1, 0, 113, 3, 100, 0, 83, 0)},
	{"a loop in a loop", 10, 10, true,
	 CODE(124, 0, 114, 14, 124, 0, 131, 0, 68, 0, 93, 4, 125, 1, 124, 1, 1, 0, 113, 5, 124, 0, 115, 2,
	      100, 0, 83, 0, 100, 0, 83, 0)},
	{"one loop", 11, 22, false,
	 CODE(151, 0, 2, 0, 124, 0, 166, 0, 0, 0, 171, 0, 0, 0, 0, 0, 0, 0, 0, 0, 68, 0, 93, 4, 125, 1, 124,
	      1, 1, 0, 140, 5, 100, 0, 83, 0)},
	{"a loop in a loop", 11, 26, true,
	 CODE(151, 0, 124, 0, 114, 19, 2, 0, 124, 0, 166, 0, 0, 0, 171, 0, 0, 0, 0, 0, 0, 0, 0, 0, 68, 0, 93,
	      4, 125, 1, 124, 1, 1, 0, 140, 5, 124, 0, 176, 17, 100, 0, 83, 0, 100, 0, 83, 0)},
	{"one async loop", 11, 30, false,
	 CODE(75, 0, 1, 0, 151, 0, 2, 0, 124, 0, 166, 0, 0, 0, 171, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 0, 51, 0,
	      100, 0, 123, 3, 86, 0, 151, 3, 134, 4, 125, 1, 124, 1, 1, 0, 140, 10, 54, 0, 100, 0, 83, 0)},
	{"an async loop in a loop", 11, 34, true,
	 CODE(75, 0, 1, 0, 151, 0, 124, 0, 114, 25, 2, 0, 124, 0, 166, 0, 0, 0, 171, 0, 0, 0, 0, 0, 0, 0, 0,
	      0, 50, 0, 51, 0, 100, 0, 123, 3, 86, 0, 151, 3, 134, 4, 125, 1, 124, 1, 1, 0, 140, 10, 54, 0,
	      124, 0, 176, 23, 100, 0, 83, 0, 100, 0, 83, 0)},
	{"one loop", 12, 16, false,
	 CODE(151, 0, 2, 0, 124, 0, 171, 0, 0, 0, 0, 0, 0, 0, 68, 0, 93, 4, 0, 0, 125, 1, 124, 1, 1, 0, 140,
	      6, 4, 0, 121, 0)},
	{"a loop in a loop", 12, 20, true,
	 CODE(151, 0, 124, 0, 114, 18, 2, 0, 124, 0, 171, 0, 0, 0, 0, 0, 0, 0, 68, 0, 93, 4, 0, 0, 125, 1,
	      124, 1, 1, 0, 140, 6, 4, 0, 124, 0, 114, 1, 140, 17, 121, 0, 121, 0)},
	{"one async loop", 12, 24, false,
	 CODE(75, 0, 1, 0, 151, 0, 2, 0, 124, 0, 171, 0, 0, 0, 0, 0, 0, 0, 50, 0, 51, 0, 100, 0, 123, 3, 0, 0,
	      150, 3, 151, 3, 134, 5, 5, 0, 125, 1, 124, 1, 1, 0, 140, 12, 55, 0, 140, 7, 54, 0, 121, 0, 173,
	      3, 119, 1)},
	{"an async loop in a loop", 12, 28, true,
	 CODE(75, 0, 1, 0, 151, 0, 124, 0, 114, 20, 2, 0, 124, 0, 171, 0, 0, 0, 0, 0, 0, 0, 50, 0, 51, 0, 100,
	      0, 123, 3, 0, 0, 150, 3, 151, 3, 134, 5, 5, 0, 125, 1, 124, 1, 1, 0, 140, 12, 121, 0, 121, 0,
	      55, 0, 140, 9, 54, 0, 124, 0, 114, 1, 140, 27, 140, 9, 173, 3, 119, 1)},
	{"one loop", 13, 16, false,
	 CODE(149, 0, 85, 0, 34, 0, 53, 0, 0, 0, 0, 0, 0, 0, 19, 0, 72, 4, 0, 0, 111, 17, 32, 0, 77, 6, 0, 0,
	      11, 0, 32, 0, 103, 0)},
	{"a loop in a loop", 13, 30, true,
	 CODE(149, 0, 85, 0, 40, 0, 0, 0, 0, 0, 0, 0, 97, 25, 0, 0, 85, 0, 34, 0, 53, 0, 0, 0, 0, 0, 0, 0, 19,
	      0, 72, 4, 0, 0, 111, 17, 32, 0, 77, 6, 0, 0, 11, 0, 32, 0, 85, 0, 40, 0, 0, 0, 0, 0, 0, 0, 97,
	      2, 0, 0, 77, 24, 0, 0, 103, 0, 103, 0)},
	{"one async loop", 13, 24, false,
	 CODE(35, 0, 32, 0, 149, 0, 85, 0, 34, 0, 53, 0, 0, 0, 0, 0, 0, 0, 16, 0, 18, 0, 83, 0, 104, 3, 0, 0,
	      118, 1, 149, 3, 78, 5, 12, 0, 111, 17, 32, 0, 77, 12, 0, 0, 8, 0, 78, 7, 10, 0, 103, 0, 55, 3,
	      102, 1)},
	{"an async loop in a loop", 13, 38, true,
	 CODE(35, 0, 32, 0, 149, 0, 85, 0, 40, 0, 0, 0, 0, 0, 0, 0, 97, 19, 0, 0, 85, 0, 34, 0, 53, 0, 0, 0,
	      0, 0, 0, 0, 16, 0, 18, 0, 83, 0, 104, 3, 0, 0, 118, 1, 149, 3, 78, 5, 12, 0, 111, 17, 32, 0, 77,
	      12, 0, 0, 103, 0, 8, 0, 78, 8, 10, 0, 85, 0, 40, 0, 0, 0, 0, 0, 0, 0, 97, 2, 0, 0, 77, 32, 0, 0,
	      103, 0, 55, 3, 102, 1)},
	{"one loop", 14, 16, false,
	 CODE(128, 0, 86, 0, 33, 0, 52, 0, 0, 0, 0, 0, 0, 0, 16, 0, 70, 4, 0, 0, 113, 17, 31, 0, 75, 6, 0, 0,
	      9, 0, 30, 0, 82, 0, 35, 0)},
	{"a loop in a loop", 14, 32, true,
	 CODE(128, 0, 86, 0, 39, 0, 0, 0, 0, 0, 0, 0, 100, 18, 0, 0, 28, 0, 86, 0, 33, 0, 52, 0, 0, 0, 0, 0,
	      0, 0, 16, 0, 70, 4, 0, 0, 113, 17, 31, 0, 75, 6, 0, 0, 9, 0, 30, 0, 75, 25, 0, 0, 82, 0, 35,
	      0)},
	{"one async loop", 14, 24, false,
	 CODE(34, 0, 31, 0, 128, 0, 86, 0, 33, 0, 52, 0, 0, 0, 0, 0, 0, 0, 14, 0, 15, 0, 82, 0, 106, 3, 0, 0,
	      120, 1, 128, 3, 76, 5, 10, 0, 28, 0, 113, 17, 31, 0, 75, 13, 0, 0, 7, 0, 76, 8, 68, 9, 82, 0,
	      35, 0, 53, 3, 105, 1)},
	{"an async loop in a loop", 14, 40, true,
	 CODE(34, 0, 31, 0, 128, 0, 86, 0, 39, 0, 0, 0, 0, 0, 0, 0, 100, 21, 0, 0, 28, 0, 86, 0, 33, 0, 52, 0,
	      0, 0, 0, 0, 0, 0, 14, 0, 15, 0, 82, 0, 106, 3, 0, 0, 120, 1, 128, 3, 76, 5, 10, 0, 28, 0, 113,
	      17, 31, 0, 75, 13, 0, 0, 82, 0, 35, 0, 7, 0, 76, 10, 68, 11, 75, 35, 0, 0, 53, 3, 105, 1)},
	{"one loop", 15, 20, false,
	 CODE(128, 0, 0, 0, 85, 0, 31, 0, 50, 0, 0, 0, 0, 0, 0, 0, 70, 0, 0, 0, 68, 4, 0, 0, 112, 17, 29, 0,
	      74, 6, 0, 0, 9, 0, 28, 0, 80, 7, 33, 0)},
	{"a loop in a loop", 15, 36, true,
	 CODE(128, 0, 0, 0, 85, 0, 37, 0, 0, 0, 0, 0, 0, 0, 99, 19, 0, 0, 26, 0, 85, 0, 31, 0, 50, 0, 0, 0, 0,
	      0, 0, 0, 70, 0, 0, 0, 68, 4, 0, 0, 112, 17, 29, 0, 74, 6, 0, 0, 9, 0, 28, 0, 74, 26, 0, 0, 80,
	      7, 33, 0)},
	{"one async loop", 15, 28, false,
	 CODE(32, 0, 29, 0, 128, 0, 0, 0, 85, 0, 31, 0, 50, 0, 0, 0, 0, 0, 0, 0, 14, 0, 15, 0, 31, 0, 80, 7,
	      105, 4, 0, 0, 119, 1, 128, 3, 0, 0, 75, 6, 10, 0, 26, 0, 112, 17, 29, 0, 74, 15, 0, 0, 7, 0, 75,
	      8, 66, 9, 80, 7, 33, 0, 51, 3, 104, 1)},
	{"an async loop in a loop", 15, 44, true,
	 CODE(32, 0, 29, 0, 128, 0, 0, 0, 85, 0, 37, 0, 0, 0, 0, 0, 0, 0, 99, 23, 0, 0, 26, 0, 85, 0, 31, 0,
	      50, 0, 0, 0, 0, 0, 0, 0, 14, 0, 15, 0, 31, 0, 80, 7, 105, 4, 0, 0, 119, 1, 128, 3, 0, 0, 75, 6,
	      10, 0, 26, 0, 112, 17, 29, 0, 74, 15, 0, 0, 80, 7, 33, 0, 7, 0, 75, 10, 66, 11, 74, 37, 0, 0,
	      51, 3, 104, 1)},
};

static void check(const struct flow_case *c, bool anew, bool back)
{
	if (op_comes_back(c->minor, str_make((const char *)c->code, c->size), c->lasti, anew) != back)
		fail_msg("%s, 3.%d", c->what, c->minor);
}

static void loops(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check(&cases[i], false, cases[i].back);
		check(&cases[i], true, cases[i].back);
	}
}

/* With the same iterator each of them comes back; with another one only what a loop stands around. */
static void another_iterator(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(iterators) / sizeof(iterators[0]); i++) {
		check(&iterators[i], false, true);
		check(&iterators[i], true, iterators[i].back);
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
				    n % 101 - 1, n & 1);
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops),
		cmocka_unit_test(another_iterator),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
