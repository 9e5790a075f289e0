/* SPDX-License-Identifier: BSD-2-Clause */
/* The table's reader and finder: what is refused, with its line; what holds on which day, for which name and size. */
#include "genai/prices.h"

#include <errno.h>
#include <string.h>

#include "harness.h"

#define HEAD "provider\tmodels\tfrom\tclass\tabove\tinput\toutput\ttimes\n"

static const struct prices_row *find(const struct genai_prices *p, const char *provider, const char *model,
				     const char *class, int32_t day, int64_t input)
{
	struct prices_query q = {.provider = str_of(provider),
				 .model = str_of(model),
				 .class = str_of(class),
				 .day = day,
				 .input = input};

	return prices_find(p, &q);
}

static struct genai_prices *with(const char *text)
{
	struct genai_prices *p = genai_prices_new();
	struct genai_prices_error e;

	assert_non_null(p);
	if (genai_prices_add(p, str_of(text), &e) < 0)
		fail_msg("line %u: %s", e.line, e.why);
	return p;
}

static int64_t input_of(const struct prices_row *row)
{
	return row ? row->rate[PRICES_INPUT] : -99;
}

/* Each is refused with its line, and what stood before stands. */
static void bad_files(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *why;
	} rows[] = {
		{"", 0, "no line of column names"},
		{"# only words\n", 1, "no line of column names"},
		{"provider\tmodel\n", 1, "no column 'model'"},
		{"provider\tmodels\tinput\tinput\n", 1, "'input' comes twice"},
		{"provider\tinput\n", 1, "are needed"},
		{HEAD "x\tm\t-\t-\t-\t1\n", 2, "6 cells, of 8"},
		{HEAD "x\tm\t-\t-\t-\t1\t2\t-\t-\n", 2, "9 cells, of 8"},
		{HEAD "x m\t-\t-\t-\t1\t2\t-\n", 2, "7 cells"},
		{HEAD "x\tm\t-\t-\t-\t1\t2\t-\nx\tn\t-\t-\t-\tcheap\t2\t-\n", 3, "input is no number"},
		{HEAD "x\tm\t-\t-\t-\t-1\t2\t-\n", 2, "input is no number"},
		{HEAD "x\tm\t-\t-\t-\t1\t2,5\t-\n", 2, "output is no number"},
		{HEAD "x\tm\t-\t-\t-\t0.0000001\t2\t-\n", 2, "of at most 6 decimals"},
		{HEAD "x\tm\t-\t-\t-\t99999999999999999999\t2\t-\n", 2, "input is no number"},
		{HEAD "x\tm\t-\t-\t-\t-\t-\t-\n", 2, "without a price"},
		{HEAD "x\tm\t-\tflex\t-\t1\t2\t0.5\n", 2, "not both"},
		{HEAD "x\tm\t-\tflex\t10\t-\t-\t0.5\n", 2, "not both"},
		{HEAD "x\tm\t-\t-\t-\t-\t-\t0.5\n", 2, "another class"},
		{HEAD "\tm\t-\t-\t-\t1\t2\t-\n", 2, "provider is missing"},
		{HEAD "x\t-\t-\t-\t-\t1\t2\t-\n", 2, "models is missing"},
		{HEAD "x\ta  b\t-\t-\t-\t1\t2\t-\n", 2, "one space"},
		{HEAD "x\tGPT\t-\t-\t-\t1\t2\t-\n", 2, "lower case"},
		{HEAD "x\tm\t2026-13-01\t-\t-\t1\t2\t-\n", 2, "no day"},
		{HEAD "x\tm\t2026-04-31\t-\t-\t1\t2\t-\n", 2, "no day"},
		{HEAD "x\tm\t2026-4-1\t-\t-\t1\t2\t-\n", 2, "no day"},
		{HEAD "x\tm\t-\t-\t0\t1\t2\t-\n", 2, "no count"},
		{HEAD "x\tm\t-\t-\t2k\t1\t2\t-\n", 2, "no count"},
		{HEAD "x\tm\t-\t-\t-\t1\t2\t-\n# again\nx\tm\t-\tstandard\t-\t3\t4\t-\n", 4, "stands before"},
		{HEAD "x\tm\001\t-\t-\t-\t1\t2\t-\n", 2, "control character"},
	};
	struct genai_prices *p = with(HEAD "x\tkept\t-\t-\t-\t5\t6\t-\n");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct genai_prices_error e;

		assert_int_equal(genai_prices_add(p, str_of(rows[i].text), &e), -EINVAL);
		if (e.line != rows[i].line || strstr(e.why, rows[i].why) == NULL)
			fail_msg("row %zu: line %u: %s; want line %u: %s", i, e.line, e.why, rows[i].line,
				 rows[i].why);
		assert_int_equal(input_of(find(p, "x", "kept", "standard", PRICES_NEWEST, 1)), 5000000);
	}
	genai_prices_free(p);
}

static void good_files(void **state)
{
	struct genai_prices *p = with("# mine\r\n\r\nmodels\toutput\tprovider\r\na b*\t2.50\t*\r\n\n# end");

	(void)state;
	const struct prices_row *row = find(p, "whoever", "bcd", "standard", 0, 0);
	assert_non_null(row);
	assert_int_equal(row->rate[PRICES_OUTPUT], 2500000);
	assert_int_equal(row->rate[PRICES_INPUT], PRICES_NONE);
	assert_true(row->user);
	assert_null(find(p, "whoever", "c", "standard", 0, 0));
	genai_prices_free(p);
}

static void patterns(void **state)
{
	static const struct {
		const char *patterns, *name;
		bool fits;
	} rows[] = {
		{"gpt-5", "gpt-5", true},
		{"gpt-5", "gpt-5-mini", false},
		{"gpt-5*", "gpt-5-mini", true},
		{"gpt-5*", "gpt-5", true},
		{"*sonnet*", "us.anthropic.claude-sonnet-4", true},
		{"*-v#:0", "x-v2:0", true},
		{"*-v#:0", "x-vx:0", false},
		{"grok-####", "grok-2024", true},
		{"grok-####", "grok-202", false},
		{"a b c*", "b", true},
		{"a b c*", "cd", true},
		{"a b", "a b", false},
		{"*", "x", true},
		{"*", "", false},
		{"*a*b*c", "xaxbxbxc", true},
		{"*a*b*c", "xaxbxbx", false},
		{"**", "x", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (prices_fits(str_of(rows[i].patterns), str_of(rows[i].name)) != rows[i].fits)
			fail_msg("%s on %s", rows[i].patterns, rows[i].name);
	/* Stars upon stars over a long name end in time. */
	char name[500], stars[401];
	memset(name, 'a', sizeof(name));
	for (size_t i = 0; i < 400; i += 2)
		memcpy(stars + i, "*a", 2);
	stars[400] = 'b';
	assert_false(prices_fits(str_make(stars, sizeof(stars)), str_make(name, sizeof(name))));
}

static void days_and_tiers(void **state)
{
	struct genai_prices *p = with(HEAD "x\tm\t-\t-\t-\t1\t1\t-\n"
					   "x\tm\t2026-01-01\t-\t-\t2\t1\t-\n"
					   "x\tm\t2026-01-01\t-\t1000\t4\t1\t-\n"
					   "x\tm\t2026-01-01\t-\t5000\t8\t1\t-\n"
					   "x\tm\t2026-06-01\t-\t-\t3\t1\t-\n"
					   "x\tlater\t2026-06-01\t-\t-\t9\t1\t-\n"
					   "x\tm\t-\tflex\t-\t-\t-\t0.5\n");
	int32_t new_year = 20454, june = 20605; /* `date -d 2026-01-01 +%s` / 86400 */

	(void)state;
#define INPUT(day, n) input_of(find(p, "x", "m", "standard", day, n))
	assert_int_equal(INPUT(new_year - 1, 100000), 1000000);
	assert_int_equal(INPUT(new_year, 1), 2000000);
	assert_int_equal(INPUT(new_year, 1000), 2000000); /* above, not from */
	assert_int_equal(INPUT(new_year, 1001), 4000000);
	assert_int_equal(INPUT(new_year, 5000), 4000000);
	assert_int_equal(INPUT(new_year, INT64_MAX), 8000000);
	assert_int_equal(INPUT(new_year, GENAI_UNKNOWN), 2000000);
	assert_int_equal(INPUT(june - 1, 1), 2000000);
	assert_int_equal(INPUT(june, 100000), 3000000); /* the tiers went */
	assert_int_equal(INPUT(PRICES_NEWEST, 1), 3000000);
	assert_null(find(p, "x", "later", "standard", new_year, 1));
	assert_non_null(find(p, "x", "later", "standard", june, 1));
	assert_int_equal(find(p, "x", "m", "flex", june, 1)->times_micro, 500000);
	assert_null(find(p, "x", "m", "priority", june, 1));
	assert_null(find(p, "y", "m", "standard", june, 1));
	genai_prices_free(p);
}

/* The user's rows go first; a second file takes the place of the first. */
static void users_rows(void **state)
{
	struct genai_prices *p = genai_prices_new();
	struct genai_prices_error e;

	(void)state;
	assert_non_null(p);
	int64_t builtin = input_of(find(p, "openai", "gpt-4o", "standard", PRICES_NEWEST, 1));
	assert_int_equal(builtin, 2500000);
	assert_int_equal(genai_prices_add(p, STR(HEAD "openai\tgpt-4o\t-\t-\t-\t7\t8\t-\n"), &e), 0);
	assert_int_equal(input_of(find(p, "openai", "gpt-4o", "standard", PRICES_NEWEST, 1)), 7000000);
	assert_false(find(p, "openai", "gpt-4o-mini", "standard", PRICES_NEWEST, 1)->user);
	assert_int_equal(genai_prices_add(p, STR(HEAD "x\ty\t-\t-\t-\t7\t8\t-\n"), &e), 0);
	assert_int_equal(input_of(find(p, "openai", "gpt-4o", "standard", PRICES_NEWEST, 1)), builtin);
	/* One that holds only later hides nothing now. */
	assert_int_equal(genai_prices_add(p, STR(HEAD "openai\tgpt-4o\t2030-01-01\t-\t-\t7\t8\t-\n"), &e), 0);
	assert_int_equal(input_of(find(p, "openai", "gpt-4o", "standard", 20000, 1)), builtin);
	genai_prices_free(p);
}

/* Our own table: every row has a date and a source. */
static void builtin_rows(void **state)
{
	struct genai_prices *p = genai_prices_new();
	struct genai_prices_error e;
	struct str rest = prices_builtin(), line;
	unsigned rows = 0;

	(void)state;
	if (genai_prices_add(p, prices_builtin(), &e) < 0)
		fail_msg("prices.tsv:%u: %s", e.line, e.why);
	while (rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		if (line.n == 0 || line.p[0] == '#' || rows++ == 0)
			continue;
		const char *source = memrchr(line.p, '\t', line.n);
		assert_non_null(source);
		const char *date = memrchr(line.p, '\t', (size_t)(source - line.p));
		assert_non_null(date);
		assert_int_equal(source - date, 11);
		if (strncmp(source + 1, "https://", 8) != 0)
			fail_msg("%.*s", STR_ARG(line));
	}
	assert_true(rows > 500);
	genai_prices_free(p);
}

static void no_memory(void **state)
{
	struct genai_prices_error e;

	(void)state;
	for (unsigned long n = 1;; n++) {
		harness_fail_alloc(n);
		struct genai_prices *p = genai_prices_new();
		int r = p ? genai_prices_add(p, STR(HEAD "x\ty\t-\t-\t-\t7\t8\t-\n"), &e) : -ENOMEM;
		bool failed = harness_alloc_failed();

		harness_fail_alloc(0);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		genai_prices_free(p);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),  cmocka_unit_test(good_files),
		cmocka_unit_test(patterns),   cmocka_unit_test(days_and_tiers),
		cmocka_unit_test(users_rows), cmocka_unit_test(builtin_rows),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
