/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"
#include "probe/ldcache.h"

#if defined(__x86_64__)
#define ABI 0x0303u
#else
#define ABI 0x0a03u
#endif

struct entry {
	uint32_t abi;
	const char *name, *path;
};

static void add_u32(struct buf *b, uint32_t v)
{
	buf_add(b, str_make(&v, sizeof(v)));
}

/* glibc-ld.so.cache1.1, as ldconfig writes it; old_count: entries of an old table before it. */
static void build(struct buf *out, const struct entry *entries, uint32_t count, int old_count)
{
	struct buf strings;
	uint32_t base = 48 + 24 * count;

	buf_init(out, 1 << 20);
	buf_init(&strings, 1 << 20);
	if (old_count >= 0) {
		buf_add(out, STR("ld.so-1.7.0\0"));
		add_u32(out, (uint32_t)old_count);
		for (int i = 0; i < old_count * 3; i++)
			add_u32(out, 0);
		while (out->n % 8)
			buf_add_char(out, 0);
	}
	buf_add(out, STR("glibc-ld.so.cache1.1"));
	add_u32(out, count);
	for (int i = 0; i < 6; i++)
		add_u32(out, 0);
	for (uint32_t i = 0; i < count; i++) {
		add_u32(out, entries[i].abi);
		add_u32(out, base + (uint32_t)strings.n);
		buf_add(&strings, str_make(entries[i].name, strlen(entries[i].name) + 1));
		add_u32(out, base + (uint32_t)strings.n);
		buf_add(&strings, str_make(entries[i].path, strlen(entries[i].path) + 1));
		for (int k = 0; k < 3; k++)
			add_u32(out, 0);
	}
	buf_add(out, buf_str(&strings));
	buf_fini(&strings);
	assert_int_equal(buf_err(out), 0);
}

static const struct entry entries[] = {
	{ABI, "libssl.so.3", "/lib/x/libssl.so.3"},
	{0x0003, "libssl.so.3", "/lib32/libssl.so.3"}, /* another ABI */
	{ABI, "libz.so.1", "/lib/x/libz.so.1"},
};

static void check(struct str file)
{
	struct ldcache c;
	struct str name, path;

	assert_true(ldcache_open(&c, file));
	assert_true(ldcache_next(&c, &name, &path));
	HARNESS_TEXT("name", name, "libssl.so.3");
	HARNESS_TEXT("path", path, "/lib/x/libssl.so.3");
	assert_true(ldcache_next(&c, &name, &path));
	HARNESS_TEXT("path", path, "/lib/x/libz.so.1");
	assert_false(ldcache_next(&c, &name, &path));
}

static void new_format(void **state)
{
	struct buf b;

	(void)state;
	build(&b, entries, 3, -1);
	check(buf_str(&b));
	buf_fini(&b);
}

static void behind_the_old_format(void **state)
{
	(void)state;
	for (int old = 0; old < 4; old++) {
		struct buf b;

		build(&b, entries, 3, old);
		check(buf_str(&b));
		buf_fini(&b);
	}
}

static void walk(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct str name, path;
	struct ldcache c;

	assert_non_null(copy);
	memcpy(copy, p, n);
	if (ldcache_open(&c, str_make(copy, n)))
		while (ldcache_next(&c, &name, &path))
			assert_true(name.n > 0 && path.n > 0);
	free(copy);
}

/* Cut at each byte, and each byte flipped in each bit: ASAN looks. */
static void hostile_files(void **state)
{
	struct buf b;

	(void)state;
	build(&b, entries, 3, 1);
	for (size_t n = 0; n <= b.n; n++)
		walk(b.p, n);
	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (char)(1 << bit);
			walk(b.p, b.n);
			b.p[i] ^= (char)(1 << bit);
		}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_format),
		cmocka_unit_test(behind_the_old_format),
		cmocka_unit_test(hostile_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
