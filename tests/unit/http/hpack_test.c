/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks, from a connection's beginning and joined later. Bytes are RFC 7541's examples (appendix C). */
#include "harness.h"

#include "http/hpack.h"

static void field(void *ctx, struct str name, struct str value, bool known)
{
	buf_addf(ctx, "%s%.*s=%.*s ", known ? "" : "?", STR_ARG(name), STR_ARG(value));
}

static void feed(struct http_hpack *h, struct str block, const char *want)
{
	struct buf b;
	int r;

	buf_init(&b, SIZE_MAX);
	r = http_hpack_feed(h, block, field, &b);
	if (want != NULL)
		HARNESS_TEXT("fields", buf_str(&b), want);
	assert_int_equal(r < 0, want == NULL);
	buf_fini(&b);
}

static void blocks_of_one_connection(void **state)
{
	struct http_hpack *h = http_hpack_new(false);

	(void)state;
	assert_non_null(h);
	/* C.4: with Huffman codes. */
	feed(h, STR("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
	     ":method=GET :scheme=http :path=/ :authority=www.example.com ");
	feed(h, STR("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf"),
	     ":method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache ");
	feed(h,
	     STR("\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8"
		 "\xb4\xbf"),
	     ":method=GET :scheme=https :path=/index.html :authority=www.example.com "
	     "custom-key=custom-value ");
	feed(h, STR(""), "");
	feed(h, STR("\x20\x82"), ":method=GET "); /* the table shrinks to nothing */
	feed(h, STR("\xbe"), NULL);
	http_hpack_free(h);
}

static void blocks_that_are_none(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
		{"\xff\xff\xff\xff\xff\xff\xff\x7f", 8}, /* an index beyond any number */
		{"\x80", 1},				 /* index 0 */
		{"\xbe", 1},				 /* nothing in the table */
		{"\x40\x05name", 6},			 /* cut */
		{"\x41\x8c\xf1", 3},			 /* a Huffman text, cut */
		{"\x00\x01x\x81\x00", 5},		 /* Huffman padding that is none */
		{"\x3f\xff\xff\xff\x7f", 5},		 /* a table of gigabytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_hpack *h = http_hpack_new(false);

		feed(h, str_make(rows[i].p, rows[i].n), NULL);
		http_hpack_free(h);
	}
}

static void a_joined_table_is_unknown(void **state)
{
	struct http_hpack *h = http_hpack_new(true);

	(void)state;
	feed(h, STR("\x82\xbe\xc5"), ":method=GET ?= ?= ");
	feed(h, STR("\x7e\x01v"), "?=v "); /* a value whose name stands in the table */
	feed(h, STR("\x40\x01n\x01v"), "n=v ");
	feed(h, STR("\xbe\xbf\xc0"), "n=v ?=v ?= "); /* what came since is known, at its true place */
	http_hpack_free(h);
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1; n < 400; n++) {
		harness_fail_alloc(n);
		struct http_hpack *h = http_hpack_new(n % 2);

		if (h != NULL) {
			struct buf b;

			buf_init(&b, SIZE_MAX);
			(void)!http_hpack_feed(h, STR("\x40\x01n\x01v"), field, &b);
			buf_fini(&b);
		}
		http_hpack_free(h);
		bool failed = harness_alloc_failed();

		harness_fail_alloc(0);
		if (!failed && n % 2 == 0)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_one_connection),
		cmocka_unit_test(blocks_that_are_none),
		cmocka_unit_test(a_joined_table_is_unknown),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests_name("http hpack", tests, NULL, NULL);
}
