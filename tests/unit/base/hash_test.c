/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <string.h>
#include <xxhash.h>

#include "base/hash.h"

static void test_fingerprints(void **state)
{
	(void)state;
	/* xxhsum -H3 and -H128 of the empty input: the values in xxHash's own specification. */
	assert_true(hash_u64(STR_NONE, 0) == 0x2d06800538d394c2u);
	struct hash128 h = hash_u128(STR(""), 0);

	assert_true(h.hi == 0x99aa06d3014798d8u && h.lo == 0x6001c324468d497fu);
	assert_true(hash_u64(STR("a"), 0) != hash_u64(STR("a"), 1));
	assert_true(hash_eq(hash_u128(STR("abc"), 5), hash_u128(STR("abc"), 5)));
	assert_false(hash_eq(hash_u128(STR("abc"), 5), hash_u128(STR("abd"), 5)));
}

/* Long ones are hashed otherwise where the processor can: to the same values. xxHash's own library says which. */
static void test_long(void **state)
{
	static char text[70000];
	static const uint64_t seeds[] = {0, 1, 0x9e3779b97f4a7c15u};

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * i / 7 + i);
	for (size_t n = 230; n < sizeof(text); n += n < 1500 ? 1 : 4099)
		for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
			struct str s = str_make(text + n % 3, n - 3);
			XXH128_hash_t want = XXH3_128bits_withSeed(s.p, s.n, seeds[i]);
			struct hash128 h = hash_u128(s, seeds[i]);

			assert_true(h.lo == want.low64 && h.hi == want.high64);
			assert_true(hash_u64(s, seeds[i]) == XXH3_64bits_withSeed(s.p, s.n, seeds[i]));
		}
}

static void test_chain(void **state)
{
	struct hash128 zero = {0, 0}, a = hash_u128(STR("a"), 0), b = hash_u128(STR("b"), 0);

	(void)state;
	struct hash128 ab = hash_chain(hash_chain(zero, a), b), ba = hash_chain(hash_chain(zero, b), a);

	assert_false(hash_eq(ab, ba));
	assert_true(hash_eq(ab, hash_chain(hash_chain(zero, a), b)));
	assert_false(hash_eq(hash_chain(zero, a), a));
}

static void test_sha(void **state)
{
	struct hash_sha *h = hash_sha_new();
	char hex[65];

	(void)state;
	hash_sha_hex(h, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha_feed(h, STR_NONE);
	hash_sha_feed(h, STR("ab"));
	hash_sha_hex(h, hex);
	/* Looking does not end it. */
	hash_sha_feed(h, STR("c"));
	hash_sha_hex(h, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_sha_free(h);
	hash_sha_free(NULL);
	harness_fail_alloc(1);
	assert_null(hash_sha_new());
	harness_fail_alloc(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_sha),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
