/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"
#include "probe/code.h"
#include "probe/site.h"

static void classes(void **state)
{
#if defined(__x86_64__)
	static const struct {
		uint8_t code[6];
		uint8_t len;
		bool emulated;
	} cases[] = {
		{{0x55}, 1, true},			    /* push %rbp */
		{{0x41, 0x57}, 2, true},		    /* push %r15 */
		{{0x90}, 1, true},			    /* nop */
		{{0x66, 0x90}, 2, true},		    /* xchg %ax,%ax */
		{{0x0f, 0x1f, 0x00}, 3, true},		    /* nopl (%rax) */
		{{0x0f, 0x1f, 0x44, 0x00, 0x00}, 5, true},  /* nop5 */
		{{0xe8, 1, 2, 3, 4}, 5, true},		    /* call */
		{{0xeb, 0x10}, 2, true},		    /* jmp */
		{{0x74, 0x10}, 2, true},		    /* je */
		{{0x0f, 0x84, 1, 2, 3, 4}, 6, true},	    /* je rel32 */
		{{0x48, 0x83, 0xec, 0x18}, 4, false},	    /* sub $0x18,%rsp */
		{{0xf3, 0x0f, 0x1e, 0xfa}, 4, false},	    /* endbr64 */
		{{0x66, 0x0f, 0x1f, 0x84, 0x00}, 5, false}, /* nopw */
		{{0x6a, 0x01}, 2, false},		    /* push imm */
		{{0x41}, 1, false},			    /* cut */
		{{0x0f}, 1, false},
		{{0}, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (code_is_emulated(cases[i].code, cases[i].len) != cases[i].emulated)
			fail_msg("case %zu: not %d", i, cases[i].emulated);
#else
	(void)state;
#endif
}

/* The allow-list: nothing but the calls that move data gets a return probe. */
static void returns(void **state)
{
	(void)state;
	for (int fn = 0; fn < WIRE_FNS; fn++)
		assert_int_equal(site_may_return(fn), fn <= WIRE_FN_SSL_WRITE_EX2);
	assert_false(site_may_return(WIRE_FNS));
	assert_string_equal(site_name(WIRE_FN_SSL_CTRL), "SSL_ctrl");
}

static void costs(void **state)
{
	struct site_costs c = {.data_ns = {1000, 200}, .plain_ns = {900, 100}};
	struct site s = {.returns = true};

	(void)state;
	assert_int_equal(site_cost(&s, &c), 1000);
	s.emulated = true;
	assert_int_equal(site_cost(&s, &c), 200);
	s.returns = false;
	assert_int_equal(site_cost(&s, &c), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(returns),
		cmocka_unit_test(costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
