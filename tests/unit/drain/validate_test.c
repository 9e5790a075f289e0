/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include "drain/drain.h"
#include "record.h"

static bool valid(const void *rec)
{
	return drain_valid(rec, ((const struct wire_head *)rec)->size);
}

static const struct {
	uint16_t kind;
	size_t min;
} kinds[] = {
	{WIRE_TLS_DATA, 104}, /* at least one byte, rounded */
	{WIRE_TLS_CONN, 96},	 {WIRE_TLS_SNI, 56},	{WIRE_TLS_CLOSE, 112}, {WIRE_PROC_FORK, 64},
	{WIRE_PROC_EXEC, 56},	 {WIRE_PROC_EXIT, 40},	{WIRE_DRAIN_LOSS, 88}, {WIRE_SESSION, 104},
	{WIRE_LIB, 336},	 {WIRE_PROC_FACT, 72},	{WIRE_BLIND, 48},      {WIRE_PROC_FINAL, 344},
	{WIRE_CONN_FINAL, 112},	 {WIRE_TICK, 32},	{WIRE_END, 40},	       {WIRE_TARGET, 32},
	{WIRE_SHED, 64},	 {WIRE_KEEP, 56},	{WIRE_PRICES, 56}, /* at least one byte, rounded */
	{WIRE_PLAIN_CONN, 224},	 {WIRE_PROC_STDIO, 64}, {WIRE_PY_STACK, 104},  {WIRE_PY_CODE, 72},
	{WIRE_PY_RUNTIME, 48},	 {WIRE_PY_VALUE, 80},	{WIRE_RULES, 56},      {WIRE_PY_AUDIT, 40},
	{WIRE_PY_EXCEPTION, 64}, {WIRE_PY_PAUSE, 56},	{WIRE_PY_SUMS, 64},
};

/* A record of the kind, zeroed but for what it must have. */
static void *plain(uint16_t kind, size_t size)
{
	struct wire_head *h = record_new(kind, size, NULL, 0, NULL, 0);

	if (kind == WIRE_TLS_DATA && size >= sizeof(struct wire_tls_data)) {
		((struct wire_tls_data *)h)->len = 1;
		((struct wire_tls_data *)h)->call_len = 1;
	}
	if (kind == WIRE_RULES && size >= sizeof(struct wire_rules))
		((struct wire_rules *)h)->total = ((struct wire_rules *)h)->len = 1;
	if (kind == WIRE_PY_AUDIT && size >= sizeof(struct wire_py_audit))
		((struct wire_py_audit *)h)->event = WIRE_PY_OPEN;
	if (kind == WIRE_PRICES && size >= sizeof(struct wire_prices))
		((struct wire_prices *)h)->len = ((struct wire_prices *)h)->total = 1;
	if (kind == WIRE_DRAIN_LOSS && size >= sizeof(struct wire_drain_loss)) {
		((struct wire_drain_loss *)h)->len = 1;
		((struct wire_drain_loss *)h)->call_len = 1;
	}
	if (kind == WIRE_PLAIN_CONN && size >= sizeof(struct wire_plain_conn))
		((struct wire_plain_conn *)h)->transport = WIRE_PIPE;
	return h;
}

static void sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t size = 32; size < kinds[i].min; size += 8) {
			void *r = plain(kinds[i].kind, size);

			assert_false(valid(r));
			free(r);
		}
		struct wire_head *r = plain(kinds[i].kind, kinds[i].min);

		assert_true(valid(r));
		/* What is told and what is there must be one. */
		assert_false(drain_valid(r, r->size - 8));
		r->size += 8;
		assert_false(drain_valid(r, r->size - 8));
		free(r);
	}
	/* Kinds that nobody knows yet pass by their shape alone. */
	struct wire_head *r = record_new(0x0199, 40, NULL, 0, NULL, 0);
	assert_true(valid(r));
	r->size = 36;
	assert_false(drain_valid(r, 36));
	r->size = 24;
	assert_false(drain_valid(r, 24));
	free(r);
	r = record_new(0x0199, WIRE_RECORD_MAX, NULL, 0, NULL, 0);
	assert_true(valid(r));
	free(r);
	r = record_new(0x0199, WIRE_RECORD_MAX + 8, NULL, 0, NULL, 0);
	assert_false(valid(r));
	free(r);
}

/* One field at a time is set to what it must not be. */
#define REFUSES(rec, field, value)                                \
	do {                                                      \
		__typeof__((rec)->field) was_ = (rec)->field;     \
		assert_true(valid(rec));                          \
		(rec)->field = (__typeof__((rec)->field))(value); \
		assert_false(valid(rec));                         \
		(rec)->field = was_;                              \
	} while (0)

static void data_fields(void **state)
{
	struct wire_tls_data *d = record_data(1, WIRE_READ, 100, "0123456789", 10, 50, 80);

	(void)state;
	REFUSES(d, len, 0);
	REFUSES(d, len, 17); /* 16 fit */
	REFUSES(d, len, WIRE_PIECE_MAX + 1);
	REFUSES(d, len, UINT32_MAX);
	REFUSES(d, dir, WIRE_DIRS);
	REFUSES(d, fn, WIRE_FN_LAST + 1);
	REFUSES(d, hole_cause, WIRE_CAUSES);
	REFUSES(d, skipped, UINT64_MAX);
	REFUSES(d, offset, 49); /* before its call */
	REFUSES(d, offset, UINT64_MAX);
	REFUSES(d, call_off, 71);
	REFUSES(d, call_off, UINT64_MAX);
	REFUSES(d, call_len, 59);
	REFUSES(d, call_len, UINT64_MAX);
	struct wire_drain_loss *l = record_loss(d);
	REFUSES(l, len, 0);
	REFUSES(l, len, 31);
	REFUSES(l, dir, WIRE_DIRS);
	REFUSES(l, cause, WIRE_CAUSES);
	REFUSES(l, hole_cause, WIRE_CAUSES);
	REFUSES(l, skipped, UINT64_MAX);
	REFUSES(l, offset, 49);
	REFUSES(l, call_len, UINT64_MAX);
	free(l);
	free(d);
}

static void other_fields(void **state)
{
	struct wire_tls_conn *c = plain(WIRE_TLS_CONN, sizeof(*c));
	struct wire_tls_close *e = plain(WIRE_CONN_FINAL, sizeof(*e));
	struct wire_plain_conn *p = plain(WIRE_PLAIN_CONN, sizeof(*p));
	struct wire_tls_sni *s = plain(WIRE_TLS_SNI, sizeof(*s) + 16);
	struct wire_proc_exec *x = plain(WIRE_PROC_EXEC, sizeof(*x) + 16);
	struct wire_proc_fact *f = plain(WIRE_PROC_FACT, sizeof(*f) + 16);
	struct wire_blind *b = plain(WIRE_BLIND, sizeof(*b) + 16);
	struct wire_lib *l = plain(WIRE_LIB, sizeof(*l) + 16);

	(void)state;
	REFUSES(p, transport, WIRE_TLS);
	REFUSES(p, transport, WIRE_TRANSPORTS);
	REFUSES(p, family, 1);
	REFUSES(p, path_len, WIRE_UNIX_PATH_MAX + 1);
	REFUSES(p, head.flags, WIRE_DIRS);
	free(p);
	REFUSES(c, family, 1);
	REFUSES(e, side[0].bytes, UINT64_MAX);
	REFUSES(e, side[1].calls, UINT64_MAX);
	REFUSES(e, side[1].hole_cause, WIRE_CAUSES);
	REFUSES(s, len, 17);
	REFUSES(s, len, UINT32_MAX);
	x->path_len = 8;
	x->argv_len = 8;
	REFUSES(x, path_len, 9);
	REFUSES(x, argv_len, 9);
	REFUSES(x, argv_len, UINT32_MAX - 7);
	f->path_len = 8;
	f->argv_len = 8;
	REFUSES(f, path_len, 9);
	REFUSES(f, argv_len, UINT32_MAX);
	b->what_len = 16;
	REFUSES(b, why_len, 1);
	REFUSES(b, what_len, UINT32_MAX);
	l->sites = WIRE_FNS;
	REFUSES(l, sites, WIRE_FNS + 1);
	REFUSES(l, site[WIRE_FNS - 1].fn, WIRE_FNS);
	REFUSES(l, path_len, 17);
	free(c);
	free(e);
	free(s);
	free(x);
	free(f);
	free(b);
	free(l);
}

static void python_stack(void **state)
{
	struct wire_py_stack *s = plain(WIRE_PY_STACK, sizeof(*s) + 2 * sizeof(struct wire_py_frame) + 8);
	struct wire_py_frame *f = (struct wire_py_frame *)s->payload;

	(void)state;
	s->count = 2;
	s->task_name_kind = WIRE_PY_TEXT_NUMBER;
	s->task_name_len = 8;
	f[1].lasti = -1;
	REFUSES(s, count, 3);
	REFUSES(s, count, UINT16_MAX);
	REFUSES(s, reason, WIRE_PY_REASONS);
	REFUSES(s, offset, UINT64_MAX);
	REFUSES(s, task_name_kind, WIRE_PY_TEXT_NONE);
	REFUSES(s, task_name_kind, 3);
	REFUSES(s, task_name_len, 7);
	REFUSES(s, task_name_len, 16);
	f[1].lasti = -2;
	assert_false(valid(s));
	f[1].lasti = -1;
	s->task_name_kind = WIRE_PY_TEXT_UCS4;
	REFUSES(s, task_name_len, 6);
	REFUSES(s, task_name_len, UINT32_MAX - 3);
	REFUSES(s, task_name_kind, 16);
	free(s);
	s = plain(WIRE_PY_STACK, sizeof(*s) + (WIRE_PY_FRAMES + 1) * sizeof(struct wire_py_frame));
	s->count = WIRE_PY_FRAMES;
	REFUSES(s, count, WIRE_PY_FRAMES + 1);
	s->task_name_kind = WIRE_PY_TEXT_LATIN1;
	s->count = 0;
	s->task_name_len = WIRE_PY_TASK_MAX;
	REFUSES(s, task_name_len, WIRE_PY_TASK_MAX + 1);
	free(s);
}

static void python_code(void **state)
{
	struct wire_py_code *c = plain(WIRE_PY_CODE, sizeof(*c) + 24);
	struct wire_py_runtime *r = plain(WIRE_PY_RUNTIME, sizeof(*r) + 8);

	(void)state;
	c->filename_kind = WIRE_PY_TEXT_UCS2;
	c->filename_len = 8;
	c->name_kind = WIRE_PY_TEXT_LATIN1;
	c->name_len = 9;
	c->table_len = 7;
	REFUSES(c, filename_len, 7);
	REFUSES(c, filename_len, 10);
	REFUSES(c, filename_len, UINT32_MAX - 1);
	REFUSES(c, filename_kind, WIRE_PY_TEXT_NONE);
	REFUSES(c, filename_kind, WIRE_PY_TEXT_NUMBER);
	REFUSES(c, name_kind, WIRE_PY_TEXT_NONE);
	REFUSES(c, name_kind, 3);
	REFUSES(c, name_len, 10);
	REFUSES(c, table_len, 8);
	REFUSES(c, table_len, UINT32_MAX);
	free(c);
	c = plain(WIRE_PY_CODE, sizeof(*c) + WIRE_PY_NAME_MAX + WIRE_PY_TABLE_MAX + 8);
	c->name_kind = WIRE_PY_TEXT_LATIN1;
	c->name_len = WIRE_PY_NAME_MAX;
	c->table_len = WIRE_PY_TABLE_MAX;
	REFUSES(c, name_len, WIRE_PY_NAME_MAX + 1);
	REFUSES(c, table_len, WIRE_PY_TABLE_MAX + 1);
	free(c);
	r->path_len = 8;
	REFUSES(r, path_len, 9);
	REFUSES(r, path_len, UINT32_MAX);
	REFUSES(r, reason, WIRE_PY_REASONS);
	free(r);
}

static void python_value(void **state)
{
	struct wire_py_value *v = plain(WIRE_PY_VALUE, sizeof(*v) + WIRE_PY_VALUE_MAX * 4 + 8);
	struct wire_rules *r = plain(WIRE_RULES, sizeof(*r) + 8);

	(void)state;
	REFUSES(v, reason, WIRE_PY_VALUE_REASONS);
	REFUSES(v, at, WIRE_PY_FRAMES);
	REFUSES(v, offset, UINT64_MAX);
	REFUSES(v, len, 1); /* of no kind */
	v->kind = WIRE_PY_TEXT_NUMBER;
	v->len = 8;
	REFUSES(v, len, 0);
	REFUSES(v, len, 16);
	v->kind = WIRE_PY_TEXT_UCS4;
	v->len = WIRE_PY_VALUE_MAX * 4;
	REFUSES(v, len, WIRE_PY_VALUE_MAX * 4 + 4);
	REFUSES(v, len, 3);
	REFUSES(v, len, UINT32_MAX);
	REFUSES(v, kind, WIRE_PY_TEXT_UCS2);
	free(v);
	r->total = 20;
	r->offset = 12;
	r->len = 8;
	REFUSES(r, offset, 13);
	REFUSES(r, len, 0);
	REFUSES(r, len, 9);
	REFUSES(r, total, 19);
	REFUSES(r, total, UINT32_MAX);
	free(r);
}

#define REFUSES_PART(rec, part, field, value)                       \
	do {                                                        \
		__typeof__((part)->field) was_ = (part)->field;     \
		assert_true(valid(rec));                            \
		(part)->field = (__typeof__((part)->field))(value); \
		assert_false(valid(rec));                           \
		(part)->field = was_;                               \
	} while (0)

static void python_event(void **state)
{
	struct wire_py_audit *a = plain(WIRE_PY_AUDIT, sizeof(*a) + 48);
	struct wire_py_item *one = (void *)a->payload, *two = (void *)(a->payload + 24);
	struct wire_py_exception *e = plain(WIRE_PY_EXCEPTION, sizeof(*e) + 24);

	(void)state;
	*one = (struct wire_py_item){.type = WIRE_PY_ITEM_STR, .kind = WIRE_PY_TEXT_UCS2, .len = 10};
	*two = (struct wire_py_item){.type = WIRE_PY_ITEM_INT, .len = 8};
	a->count = 2;
	a->len = 40;
	REFUSES(a, event, 0);
	REFUSES(a, event, WIRE_PY_EVENTS);
	REFUSES(a, count, 1); /* what is behind the items is none */
	REFUSES(a, count, 3);
	REFUSES(a, count, WIRE_PY_ITEMS_MAX + 1);
	REFUSES(a, len, 32);
	REFUSES(a, len, 36);
	REFUSES(a, len, 56);
	REFUSES(a, len, UINT32_MAX - 7);
	REFUSES_PART(a, one, len, 9); /* half a character */
	REFUSES_PART(a, one, len, UINT32_MAX);
	REFUSES_PART(a, one, len, WIRE_PY_ITEM_MAX + 2);
	REFUSES_PART(a, one, kind, WIRE_PY_TEXT_NONE);
	REFUSES_PART(a, one, type, WIRE_PY_ITEM_TYPES);
	REFUSES_PART(a, two, len, 4);
	REFUSES_PART(a, two, type, WIRE_PY_ITEM_STR);
	free(a);
	e->type_len = 10;
	e->message_len = 12;
	e->message_kind = WIRE_PY_TEXT_UCS4;
	REFUSES(e, type_len, WIRE_PY_TYPE_MAX + 1);
	REFUSES(e, type_len, 13);
	REFUSES(e, message_len, 13);
	REFUSES(e, message_len, UINT32_MAX - 3);
	REFUSES(e, message_kind, WIRE_PY_TEXT_NUMBER);
	free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),	cmocka_unit_test(data_fields), cmocka_unit_test(other_fields),
		cmocka_unit_test(python_stack), cmocka_unit_test(python_code), cmocka_unit_test(python_value),
		cmocka_unit_test(python_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
