/* SPDX-License-Identifier: BSD-2-Clause */
/* Code objects: strings of all kinds, lives of an address, what goes when there is no room. */
#include "py/code.h"

#include "records.h"

static struct code_table table;
static struct code *first, *second; /* lists of two processes */

static struct code *add(uint64_t process, struct code **list, struct wire_py_code *rec)
{
	struct code *c = code_add(&table, process, list, rec);

	free(rec);
	return c;
}

static int begin(void **state)
{
	(void)state;
	first = second = NULL;
	return code_init(&table, 1u << 20);
}

static int end(void **state)
{
	(void)state;
	code_fini(&table);
	return 0;
}

static void text(enum wire_py_text kind, struct str bytes, const char *want)
{
	char out[CODE_TEXT_MAX];

	HARNESS_TEXT("text", str_make(out, code_text((uint8_t)kind, bytes, out)), want);
}

static void strings(void **state)
{
	static char most[2 * WIRE_PY_NAME_MAX];
	char out[CODE_TEXT_MAX];

	(void)state;
	text(WIRE_PY_TEXT_LATIN1, STR("agent.py"), "agent.py");
	text(WIRE_PY_TEXT_LATIN1, STR("caf\xe9\xff\x80"), "café\xc3\xbf\xc2\x80");
	text(WIRE_PY_TEXT_UCS2, STR("\xe5\x65\x2c\x67"), "日本");
	text(WIRE_PY_TEXT_UCS2, STR("\x80\xdc\x41\0"),
	     "\xef\xbf\xbd"
	     "A");					 /* a byte that is no UTF-8, escaped by Python */
	text(WIRE_PY_TEXT_UCS2, STR("\x41\0\x42"), "A"); /* half a unit */
	text(WIRE_PY_TEXT_UCS4, STR("\0\xf6\1\0\x41\0\0\0"), "😀A");
	text(WIRE_PY_TEXT_UCS4, STR("\0\0\x11\0\xff\xff\xff\xff"), "\xef\xbf\xbd\xef\xbf\xbd");
	text(WIRE_PY_TEXT_NONE, STR("x"), "");
	text(WIRE_PY_TEXT_NUMBER, STR("x"), "x");
	/* The largest of each kind, of the widest characters. */
	memset(most, 0xff, sizeof(most));
	assert_int_equal(code_text(WIRE_PY_TEXT_LATIN1, str_make(most, sizeof(most)), out), CODE_TEXT_MAX);
	assert_int_equal(code_text(WIRE_PY_TEXT_UCS2, str_make(most, sizeof(most)), out),
			 WIRE_PY_NAME_MAX / 2 * 3);
	assert_int_equal(code_text(WIRE_PY_TEXT_UCS4, str_make(most, sizeof(most)), out),
			 WIRE_PY_NAME_MAX / 4 * 3);
}

static void an_object(void **state)
{
	struct code *c = add(1, &first, code_record(0x10, 1, UCS2("\xe5\x65/\0"), LATIN("caf\xe9.run")));

	(void)state;
	assert_non_null(c);
	HARNESS_TEXT("file", c->file, "日/");
	HARNESS_TEXT("function", c->function, "café.run");
	HARNESS_TEXT("table", c->table, "\x80\xd9\1");
	assert_int_equal(c->first_line, 40);
	assert_ptr_equal(code_find(&table, 1, 0x10, 1), c);
	/* Another life of the address, another process, another address. */
	assert_null(code_find(&table, 1, 0x10, 2));
	assert_null(code_find(&table, 2, 0x10, 1));
	assert_null(code_find(&table, 1, 0x11, 1));
}

static void without_text(void **state)
{
	struct code *c = add(1, &first, code_record(0x10, 1, NO_TEXT, LATIN("")));

	(void)state;
	assert_null(c->file.p);
	assert_non_null(c->function.p);
	assert_int_equal(c->function.n, 0);
}

/* One record as the kernel cuts it. */
static void names_that_were_cut(void **state)
{
	static char longest[WIRE_PY_NAME_MAX];
	struct wire_py_code *rec;
	struct code *c;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	rec = code_record(0x10, 1, (struct text){WIRE_PY_TEXT_LATIN1, {longest, sizeof(longest)}},
			  LATIN("run"));
	rec->flags = WIRE_PY_CODE_CUT;
	c = add(1, &first, rec);
	assert_int_equal(c->file.n, sizeof(longest) + 3);
	assert_true(str_ends(c->file, STR("a\xe2\x80\xa6")));
	HARNESS_TEXT("function", c->function, "run");
	/* Of this one only the table was. */
	rec = code_record(0x20, 1, LATIN("a.py"), LATIN("run"));
	rec->flags = WIRE_PY_CODE_CUT;
	HARNESS_TEXT("file", add(1, &first, rec)->file, "a.py");
}

static void sent_again(void **state)
{
	struct wire_py_code *torn = code_record(0x10, 1, NO_TEXT, LATIN("run"));
	struct code *c;

	(void)state;
	torn->flags = WIRE_PY_CODE_FAULT;
	c = add(1, &first, torn);
	assert_null(c->file.p);
	/* What could not be read is there now. */
	c = add(1, &first, code_record(0x10, 1, LATIN("a.py"), LATIN("run")));
	HARNESS_TEXT("file", c->file, "a.py");
	/* What is whole stays, whatever comes. */
	torn = code_record(0x10, 1, NO_TEXT, LATIN("other"));
	torn->flags = WIRE_PY_CODE_FAULT;
	assert_ptr_equal(add(1, &first, torn), c);
	assert_ptr_equal(add(1, &first, code_record(0x10, 1, LATIN("b.py"), LATIN("run"))), c);
	assert_int_equal(map_count(table.map), 1);
}

static void processes_end(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		add(1, &first, code_record(i, 1, LATIN("a.py"), LATIN("f")));
		add(2, &second, code_record(i, 1, LATIN("a.py"), LATIN("f")));
	}
	code_drop(&table, &first);
	assert_null(first);
	assert_int_equal(map_count(table.map), 10);
	for (uint64_t i = 0; i < 10; i++) {
		assert_null(code_find(&table, 1, i, 1));
		assert_non_null(code_find(&table, 2, i, 1));
	}
	code_drop(&table, &second);
	assert_int_equal(table.bytes, 0);
	assert_null(table.newest);
}

static void no_room(void **state)
{
	(void)state;
	table.max_bytes = 2000;
	for (uint64_t i = 0; i < 100; i++) {
		assert_non_null(add(1 + i % 2, i % 2 ? &second : &first,
				    code_record(i, 1, LATIN("a.py"), LATIN("f"))));
		assert_non_null(code_find(&table, 1, 0, 1)); /* in use */
		assert_true(table.bytes <= table.max_bytes);
	}
	assert_null(code_find(&table, 1, 2, 1));
	assert_non_null(code_find(&table, 2, 99, 1));
	/* One that is larger than all the room goes in alone. */
	table.max_bytes = 10;
	assert_non_null(add(1, &first, code_record(1000, 1, LATIN("a.py"), LATIN("f"))));
	assert_int_equal(map_count(table.map), 1);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct wire_py_code *rec = code_record(0x10 + n, 1, LATIN("a.py"), LATIN("f"));

		harness_fail_alloc(n);
		struct code *c = code_add(&table, 1, &first, rec);
		bool failed = harness_alloc_failed();
		harness_fail_alloc(0);
		free(rec);
		if (!failed) {
			assert_non_null(c);
			break;
		}
		assert_null(c);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(strings),	  TEST(an_object),     TEST(without_text), TEST(names_that_were_cut),
		TEST(sent_again), TEST(processes_end), TEST(no_room),	   TEST(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
