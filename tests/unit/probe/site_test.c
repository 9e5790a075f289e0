/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include "image.h"
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

/* ---- whole libraries, made to order ---- */

#if defined(__x86_64__)

static const uint8_t inner[] = {0x41, 0x57, 0x41, 0x56, 0x48, 0x89, 0xfb, 0x41, 0x5e, 0x41, 0x5f, 0xc3};

/* sub; call; add; ret: what hands its arguments on. */
static uint64_t leader(struct image_maker *m, const char *name, uint64_t target)
{
	static const uint8_t code[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08, 0xe8,
				       0,    0,	   0,	 0,    0x48, 0x83, 0xc4, 0x08, 0xc3};
	uint64_t at = image_function(m, name, code, sizeof(code));

	image_link(m, at + 9, target);
	return at;
}

static size_t choose(struct image_maker *m, size_t (*how)(struct elf_file *, struct site[WIRE_FNS]),
		     struct site sites[WIRE_FNS])
{
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	struct str file = image_finish(m);
	autodrop(drop_fd) int fd = memfd_create("library", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.p, file.n), (ssize_t)file.n);
	assert_int_equal(elf_open(&f, fd), 0);
	return how(f, sites);
}

/* The allow-list: nothing but the calls that move data gets a return probe. */
static void returns(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	for (int fn = 0; fn < WIRE_FNS; fn++)
		image_function(&m, site_name(fn), inner, sizeof(inner));
	assert_int_equal(choose(&m, site_choose_symbols, sites), WIRE_FNS);
	for (int i = 0; i < WIRE_FNS; i++)
		assert_int_equal(sites[i].returns, sites[i].fn <= WIRE_FN_SSL_WRITE_EX2);
	assert_string_equal(site_name(WIRE_FN_SSL_CTRL), "SSL_ctrl");
	image_fini(&m);
}

static const struct site *find(const struct site *sites, size_t count, enum wire_fn fn)
{
	for (size_t i = 0; i < count; i++)
		if (sites[i].covers & 1u << fn)
			return &sites[i];
	return NULL;
}

/* The exported functions do nothing but call an internal one: one site sees them all. */
static void a_family(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	uint64_t read = image_function(&m, NULL, inner, sizeof(inner));
	uint64_t write = image_function(&m, NULL, inner, sizeof(inner));
	uint64_t peek = image_function(&m, NULL, inner, sizeof(inner));
	leader(&m, "SSL_read", read);
	leader(&m, "SSL_read_ex", read);
	leader(&m, "SSL_peek", peek);
	leader(&m, "SSL_peek_ex", peek);
	leader(&m, "SSL_write", write);
	uint64_t ex2 = leader(&m, "SSL_write_ex2", write);
	leader(&m, "SSL_write_ex", ex2);
	image_function(&m, "SSL_free", inner, sizeof(inner));
	size_t n = choose(&m, site_choose, sites);
	assert_int_equal(n, 3);
	const struct site *s = find(sites, n, WIRE_FN_SSL_READ);
	assert_ptr_equal(s, find(sites, n, WIRE_FN_SSL_READ_EX));
	assert_int_equal(s->offset, read);
	assert_true(s->emulated && !s->symbol && s->returns);
	assert_string_equal(s->function, "ssl_read_internal");
	s = find(sites, n, WIRE_FN_SSL_WRITE);
	assert_int_equal(s->offset, write);
	assert_ptr_equal(s, find(sites, n, WIRE_FN_SSL_WRITE_EX));
	assert_ptr_equal(s, find(sites, n, WIRE_FN_SSL_WRITE_EX2));
	assert_false(find(sites, n, WIRE_FN_SSL_FREE)->returns);
	image_fini(&m);
}

/* What peeking calls too is no reader: bytes would be counted that nobody took. */
static void peeking_shares_it(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	uint64_t read = image_function(&m, NULL, inner, sizeof(inner));
	leader(&m, "SSL_read", read);
	leader(&m, "SSL_read_ex", read);
	leader(&m, "SSL_peek", read);
	size_t n = choose(&m, site_choose, sites);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_true(sites[i].symbol);
	image_fini(&m);
}

/* Calls of another library, through a stub: not the same as calling nothing. */
static void stubs(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	uint64_t other = image_stub(&m, "memcpy");
	uint64_t own = image_stub(&m, "SSL_read");
	image_function(&m, "SSL_read_ex", inner, sizeof(inner));
	leader(&m, "SSL_write", other);
	leader(&m, "SSL_write_ex", own);
	size_t n = choose(&m, site_choose, sites);
	assert_int_equal(n, 3);
	assert_true(find(sites, n, WIRE_FN_SSL_READ_EX)->emulated);
	assert_true(find(sites, n, WIRE_FN_SSL_WRITE)->symbol);
	assert_non_null(find(sites, n, WIRE_FN_SSL_WRITE)->why);
	image_fini(&m);
}

/* Without the unwinder's tables: a symbol's size is its extent; a static function's is not known. */
static void without_frames(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	m.no_frames = true;
	uint64_t read = image_function(&m, NULL, inner, sizeof(inner));
	leader(&m, "SSL_read", read);
	leader(&m, "SSL_read_ex", read);
	image_function(&m, "SSL_write", inner, sizeof(inner));
	size_t n = choose(&m, site_choose, sites);
	assert_true(find(sites, n, WIRE_FN_SSL_WRITE)->emulated);
	assert_int_equal(find(sites, n, WIRE_FN_SSL_READ)->offset, read);
	image_fini(&m);
}

/* Only names that look alike, or none that moves data. */
static void none(void **state)
{
	struct site sites[WIRE_FNS];
	struct image_maker m;

	(void)state;
	image_init(&m);
	image_function(&m, "SSL_free", inner, sizeof(inner));
	image_function(&m, "SSL_readx", inner, sizeof(inner));
	image_symbol(&m, "SSL_read", 0, 0);
	assert_int_equal(choose(&m, site_choose, sites), 0);
	image_fini(&m);
}

#define WHOLE                                                                                     \
	cmocka_unit_test(a_family), cmocka_unit_test(peeking_shares_it), cmocka_unit_test(stubs), \
		cmocka_unit_test(without_frames), cmocka_unit_test(none),
#else
#define WHOLE
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		WHOLE cmocka_unit_test(classes),
		cmocka_unit_test(returns),
		cmocka_unit_test(costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
