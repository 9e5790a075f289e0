/* SPDX-License-Identifier: BSD-2-Clause */
/* Values that rules read: each is of the stack or make that came right before it, also when that was given out already. */
#include "py/value.h"

#include <errno.h>

#include "base/limits.h"
#include "records.h"

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	(void)ctx;
	(void)py;
	(void)place;
}

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

static struct proc_table *procs;
static struct py *py;

static int begin(void **state)
{
	static const struct py_ops ops = {.stack = on_stack};
	static const struct proc_ops proc_ops = {.begin = nothing, .change = nothing, .end = nothing};

	(void)state;
	procs = proc_new(&proc_ops, NULL);
	py = py_new(&(struct py_settings){.ops = &ops, .procs = procs});
	return procs && py ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	py_free(py);
	proc_free(procs);
	return 0;
}

static void feed(void *rec)
{
	py_feed(py, rec);
	free(rec);
}

static struct wire_py_value *value_record(uint64_t ssl, uint64_t generation, uint64_t offset, uint64_t frame,
					  struct text text)
{
	struct wire_py_value *v = record(WIRE_PY_VALUE, sizeof(*v), text.bytes.n);

	v->conn = (struct wire_conn_key){.ssl = ssl, .generation = generation};
	v->offset = offset;
	v->frame = frame;
	v->rule = 3;
	v->kind = (uint8_t)text.kind;
	v->len = (uint32_t)text.bytes.n;
	if (text.bytes.n)
		memcpy(v->payload, text.bytes.p, text.bytes.n);
	assert_true(drain_valid(v, v->head.size));
	return v;
}

static const struct wire_py_frame frames[] = {{0x10, 1, 0, 0x100, WIRE_PY_FRAME_GENERATOR, 0},
					      {0x20, 1, 0, 0x200, 0, 0}};

static void stack(uint64_t offset)
{
	feed(stack_record(1, offset, frames, 2, NO_TEXT));
}

static void make(uint64_t made, uint64_t root)
{
	struct wire_py_make *m = (void *)stack_record(0, 0, frames + 1, 1, NO_TEXT);

	m->head.kind = WIRE_PY_MAKE;
	m->made = made;
	m->root = root;
	m->what = WIRE_PY_MADE_TASK;
	assert_true(drain_valid(m, m->head.size));
	feed(m);
}

static struct py_stack *take_stack(uint64_t offset)
{
	struct py_place place = {.pid = PID, .start_ns = START, .ssl = 1, .generation = 5, .offset = offset};
	struct py_stack *s = py_take(py, &place, false, 0);

	assert_non_null(s);
	return s;
}

static void has(const struct py_stack *s, const char *want)
{
	uint32_t count;
	const struct py_value *v = py_values(s, &count);
	struct buf b;

	buf_init(&b, 4096);
	for (uint32_t i = 0; i < count; i++)
		buf_addf(&b, "%llx:%u=%.*s ", (unsigned long long)v[i].frame, v[i].rule, STR_ARG(v[i].text));
	HARNESS_TEXT("values", buf_str(&b), want);
	buf_fini(&b);
}

static void of_stacks(void **state)
{
	(void)state;
	stack(0);
	struct py_stack *early = take_stack(0);
	has(early, "");
	feed(value_record(1, 5, 0, 0x100, LATIN("caf\xe9")));
	stack(70);
	feed(value_record(1, 5, 70, 0x100, UCS2("\x2c\x67")));
	feed(value_record(1, 5, 70, 0x200, NO_TEXT));
	feed(value_record(1, 5, 99, 0x200, LATIN("of no stack")));
	struct py_stack *late = take_stack(70);
	has(early, "100:3=café ");
	has(late, "100:3=本 200:3= ");
	py_stack_free(early);
	py_stack_free(late);
}

/* They outlive what else is known of the process. */
static void after_the_process(void **state)
{
	(void)state;
	stack(0);
	feed(value_record(1, 5, 0, 0x100, LATIN("name")));
	struct py_stack *s = take_stack(0);
	feed(record(WIRE_PROC_EXIT, sizeof(struct wire_proc_exit), 0));
	feed(value_record(1, 5, 0, 0x100, LATIN("of nobody")));
	has(s, "100:3=name ");
	py_stack_free(s);
}

#define LOOP_FILE "/usr/lib/python3.11/asyncio/events.py"

static void of_makes(void **state)
{
	(void)state;
	feed(code_record(0x10, 1, LATIN("/x/a.py"), LATIN("ask")));
	feed(code_record(0x20, 1, LATIN(LOOP_FILE), LATIN("Handle._run")));
	make(0xa0, 0x100 - 80);
	feed(value_record(0xa0, 0x100 - 80, WIRE_PY_MADE_TASK, 0x200, LATIN("old")));
	make(0xa0, 0x100 - 80); /* the same addresses, another task */
	feed(value_record(0xa0, 0x100 - 80, WIRE_PY_MADE_TASK, 0x200, LATIN("outer")));
	feed(value_record(0xa0, 0x300, WIRE_PY_MADE_TASK, 0x200, LATIN("another coroutine's")));
	feed(value_record(0xa0, 0x100 - 80, WIRE_PY_MADE_WORK, 0x200, LATIN("work's")));
	stack(1); /* its offset is a kind of make's */
	feed(value_record(1, 5, 1, 0x100, LATIN("inner")));
	struct py_stack *s = take_stack(1);
	has(s, "100:3=inner ");
	assert_non_null(py_outwards(s));
	has(py_outwards(s), "200:3=outer ");
	py_stack_free(s);
}

static void bounded(void **state)
{
	static char text[256];
	size_t bytes = 0;
	unsigned n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	struct wire_py_value *v =
		value_record(1, 5, 0, 1, (struct text){WIRE_PY_TEXT_LATIN1, str_make(text, sizeof(text))});
	struct value_list *l = value_new(&bytes), *other = value_new(&bytes);
	assert_non_null(l);
	assert_non_null(other);
	while (value_add(l, v) > 0)
		n++;
	assert_in_range(n, 100, 1000);
	bytes += LIMIT_PY_VALUE_BYTES;
	assert_int_equal(value_add(other, v), -ENOSPC);
	bytes -= LIMIT_PY_VALUE_BYTES;
	assert_true(value_add(other, v) > 0);
	value_release(l);
	value_release(other);
	assert_int_equal(bytes, 0);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_stacks, begin, end),
		cmocka_unit_test_setup_teardown(after_the_process, begin, end),
		cmocka_unit_test_setup_teardown(of_makes, begin, end),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
