/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "probe/body.h"
#include "probe/code.h"

#if defined(__x86_64__)

#define THREE (CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3))

/* A body whose memory ends where it ends, so that a look beyond is noticed. */
static struct body body_of(const void *code, size_t n)
{
	struct body b = {.address = 0x1000, .code = malloc(n), .size = n};

	assert_non_null(b.code);
	memcpy(b.code, code, n);
	return b;
}

static void prologues(void **state)
{
	static const struct {
		const char *code;
		uint8_t n;
		bool stack;
		int at; /* -1: none */
	} cases[] = {
		{"\x55\xc3", 2, true, 0},		      /* push; ret */
		{"\x41\x57\xc3", 3, true, 0},		      /* push %r15 */
		{"\xf3\x0f\x1e\xfa\x41\x56\xc3", 7, true, 4}, /* endbr64; push */
		{"\x48\x85\xff\x74\x01\xc3\xc3", 7, true, 3}, /* test %rdi,%rdi; je */
		{"\x48\x83\xec\x08\x55\xc3", 6, true, -1},    /* sub $8,%rsp; push: the stack moved */
		{"\x48\x83\xec\x08\x55\xc3", 6, false, 4},    /* which is nothing to entry probes */
		{"\x48\x83\xec\x08\xe8\x00\x01\x00\x00\xc3", 10, false, 4}, /* sub; call */
		{"\x48\x89\xf7\x55\xc3", 5, true, -1},	      /* mov %rsi,%rdi: an argument is gone */
		{"\x31\xd2\x55\xc3", 4, true, -1},	      /* xor %edx,%edx */
		{"\x89\xd0\x55\xc3", 4, true, 2},	      /* mov %edx,%eax; push */
		{"\x0f\x1f\x44\x00\x00\x55\xc3", 7, true, 5}, /* nop5 is never taken */
		{"\x0f\x1f\x44\x00\x00\xc3", 6, true, -1},
		{"\x90\xc3", 2, true, 0},
		{"\xe9\x00\x00\x00\x10", 5, true, 0},	       /* jmp: a tail jump, or hot-patched */
		{"\xff\xe0\x55", 3, true, -1},		       /* jmp *%rax */
		{"\xff\x25\x00\x00\x00\x00\x55", 7, true, -1}, /* jmp *0(%rip) */
		{"\xc3\x55", 2, true, -1},		       /* ret */
		{"\x0f\x0b\x55", 3, true, -1},		       /* ud2 */
		{"\xcc\x55", 2, true, -1},		       /* int3: somebody's breakpoint */
		{"\xf3\x0f\x1e\xfa\x53\x5b\xeb\xfc", 8, true,
		 -1},					   /* endbr64; 4: push; pop; jmp 4b: comes back */
		{"\x53\x5b\xeb\xfc", 4, true, 0},	   /* back to the entry itself is a call more */
		{"\x66\xe8\x00\x00\x55\xc3", 6, true, -1}, /* prefixed: not emulated, and a call */
		{"\x2e\x55\xc3", 3, true, -1},		   /* prefixed push */
		{"\x68\x01\x00\x00\x00\xc3", 6, true, -1}, /* push imm */
		{"\x48\x89", 2, true, -1},		   /* cut */
		{"\x06\x55", 2, true, -1},		   /* no instruction */
		{"\x55\x06\xc3", 3, true, -1},		   /* a body that does not decode is not trusted */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct body_wish wish = {.arguments = THREE, .stack = cases[i].stack};
		struct body b = body_of(cases[i].code, cases[i].n);
		const char *why = NULL;
		size_t at = 99;
		int r = body_find_site(&b, &wish, &at, &why);

		if (r != (cases[i].at < 0 ? -ENOENT : 0) || (r == 0 && at != (size_t)cases[i].at))
			fail_msg("case %zu: %d, at %zu", i, r, at);
		if (r < 0)
			assert_non_null(why);
		body_fini(&b);
	}
}

static void handing_on(void **state)
{
	static const struct {
		const char *code;
		uint8_t n;
		bool hands_on; /* to 0x1109 */
	} cases[] = {
		{"\x48\x83\xec\x08\xe8\x00\x01\x00\x00\xc3", 10, true},
		/* over a branch away */
		{"\x85\xd2\x78\x05\xe8\x00\x01\x00\x00\xc3", 10, true},
		/* xor %ecx,%ecx is nothing to three arguments; xor %esi,%esi is */
		{"\x31\xc9\x90\x90\xe8\x00\x01\x00\x00\xc3", 10, true},
		{"\x31\xf6\x90\x90\xe8\x00\x01\x00\x00\xc3", 10, false},
		/* another call before it */
		{"\x90\x90\x90\x90\xe8\x01\x01\x00\x00\xe8\xfb\x00\x00\x00\xc3", 15, false},
		/* a loop around it */
		{"\x90\x90\x90\x90\xe8\x00\x01\x00\x00\xeb\xf6", 11, false},
		/* not there at all */
		{"\xc3", 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct body b = body_of(cases[i].code, cases[i].n);

		if (body_hands_on(&b, 0x1109, THREE) != cases[i].hands_on)
			fail_msg("case %zu: not %d", i, cases[i].hands_on);
		body_fini(&b);
	}
}

/* Pieces that functions are made of, so that random bodies get past their first instruction. */
static const char *const pieces[] = {
	"\x1\x55",
	"\x2\x41\x57",
	"\x4\xf3\x0f\x1e\xfa",
	"\x4\x48\x83\xec\x18",
	"\x3\x48\x85\xff",
	"\x2\x74\x05",
	"\x2\xeb\xf0",
	"\x5\xe8\x10\x01\x00\x01",
	"\x5\x0f\x1f\x44\x01\x01",
	"\x2\x31\xc0",
	"\x2\x31\xf6",
	"\x3\x48\x89\xfb",
	"\x1\xc3",
	"\x1\x90",
	"\x3\x4c\x89\xc7",
	"\x6\x0f\x84\x02\x01\x01\x01",
	"\x3\x48\x63\xd2",
	"\x5\x48\x89\x7c\x24\x08",
	"\x6\xff\x15\x01\x02\x03\x01",
};

/* Whatever the bytes: a site lies inside, at an instruction's start, is emulated, is no nop5, and what it asks for is
 * still there. */
static void anything(void **state)
{
	unsigned found = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 60000; round++) {
		uint8_t code[64];
		size_t n = 0, want = 1 + (size_t)rand() % sizeof(code);

		while (n < want) {
			const char *p = pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))];
			size_t k = rand() % 8 ? (size_t)p[0] : 0;

			if (k == 0)
				code[n++] = (uint8_t)rand();
			for (size_t i = 0; i < k && n < want; i++)
				code[n++] = (uint8_t)p[1 + i];
		}
		const struct body_wish wish = {.arguments = (uint8_t)rand() & 31, .stack = rand() & 1};
		struct body b = body_of(code, n);
		const char *why;
		size_t at, walked = 0;
		struct code c;

		b.open = rand() % 4 == 0;
		(void)body_hands_on(&b, 0x1000 + (uint64_t)rand() % 2000, wish.arguments);
		if (body_find_site(&b, &wish, &at, &why) == 0) {
			assert_true(at < n);
			while (walked < at) {
				assert_int_equal(code_decode(&c, code + walked, n - walked, 0x1000 + walked),
						 0);
				assert_int_equal(c.kind, CODE_PLAIN);
				assert_int_equal(c.overwritten & wish.arguments, 0);
				assert_false(wish.stack && c.moves_stack);
				walked += c.length;
			}
			assert_int_equal(walked, at);
			assert_int_equal(code_decode(&c, code + at, n - at, 0x1000 + at), 0);
			assert_true(c.emulated && code_is_emulated(code + at, n - at));
			assert_false(c.length == 5 && code[at] == 0x0f);
			found++;
		}
		body_fini(&b);
	}
	assert_true(found > 5000);
}

#else

static void prologues(void **state)
{
	(void)state;
}
#define handing_on prologues
#define anything   prologues

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prologues),
		cmocka_unit_test(handing_on),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
