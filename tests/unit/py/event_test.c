/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of code: their arguments as JSON, and the stack that follows them. */
#include "py/py.h"

#include "base/buf.h"
#include "records.h"

#define EVENTS_MAX 8

struct seen {
	enum py_event_kind kind;
	uint64_t ts_ns;
	char text[4096];
	uint32_t frames;
	bool stack, cut;
};

struct world {
	struct proc_table *procs;
	struct py *py;
	struct seen seen[EVENTS_MAX];
	unsigned count;
};

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	(void)ctx;
	(void)py;
	(void)place;
	fail_msg("an event's stack is nobody else's");
}

static void on_event(void *ctx, struct py *py, struct py_event *e)
{
	struct world *w = ctx;
	struct seen *s = &w->seen[w->count++];

	(void)py;
	assert_true(w->count <= EVENTS_MAX);
	*s = (struct seen){.kind = e->kind, .ts_ns = e->ts_ns, .stack = e->stack != NULL, .cut = e->cut};
	s->frames = e->stack ? e->stack->count : 0;
	if (e->kind == PY_EVENT_AUDIT)
		snprintf(s->text, sizeof(s->text), "%.*s %.*s", STR_ARG(e->name), STR_ARG(e->args));
	else if (e->kind == PY_EVENT_RAISED)
		snprintf(s->text, sizeof(s->text), "%.*s: %.*s", STR_ARG(e->type), STR_ARG(e->message));
	else if (e->kind == PY_EVENT_PASSED)
		snprintf(s->text, sizeof(s->text), "%llu in %llu", (unsigned long long)e->raised,
			 (unsigned long long)e->frame);
	else if (e->kind == PY_EVENT_PAUSE)
		snprintf(s->text, sizeof(s->text), "%llu %lld %u", (unsigned long long)e->pause_ns,
			 (long long)e->collected, e->generation);
	else
		snprintf(s->text, sizeof(s->text), "%llu %llu", (unsigned long long)e->sums.pauses,
			 (unsigned long long)e->sums.imports);
}

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

static const struct py_ops ops = {.stack = on_stack, .event = on_event};
static const struct proc_ops proc_ops = {.begin = nothing, .change = nothing, .end = nothing};

static void start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->procs = proc_new(&proc_ops, w);
	assert_non_null(w->procs);
	w->py = py_new(&(struct py_settings){.ops = &ops, .ctx = w, .procs = w->procs});
	assert_non_null(w->py);
}

static void stop(struct world *w)
{
	py_free(w->py);
	proc_free(w->procs);
}

static void feed(struct world *w, void *rec)
{
	struct wire_head *h = rec;

	assert_true(drain_valid(h, h->size));
	proc_feed(w->procs, h);
	py_feed(w->py, h);
	free(h);
}

/* An audit event under construction: items are put behind each other. */
struct audit {
	struct wire_py_audit *rec;
};

static struct audit audit(enum wire_py_event what, uint64_t ts_ns)
{
	struct wire_py_audit *a = record(WIRE_PY_AUDIT, sizeof(*a), WIRE_PY_AUDIT_MAX);

	a->head.ts_ns = ts_ns;
	a->event = (uint16_t)what;
	return (struct audit){a};
}

static void item(struct audit *a, enum wire_py_item_type type, uint8_t kind, uint8_t flags, const void *p,
		 size_t n)
{
	struct wire_py_item *i = (void *)(a->rec->payload + a->rec->len);

	*i = (struct wire_py_item){.type = (uint8_t)type, .kind = kind, .flags = flags, .len = (uint32_t)n};
	memcpy(i + 1, p, n);
	a->rec->len += (uint32_t)(sizeof(*i) + ((n + 7) & ~7ul));
	a->rec->count++;
}

static void number(struct audit *a, enum wire_py_item_type type, uint8_t flags, int64_t n)
{
	item(a, type, 0, flags, &n, sizeof(n));
}

static void stack_of(struct world *w, uint32_t tid, uint64_t ts_ns)
{
	const struct wire_py_frame f[2] = {{.code = 1, .frame = 8}, {.code = 2, .frame = 9}};
	struct wire_py_stack *s = stack_record(0, ts_ns, f, 2, NO_TEXT);

	s->head.tid = tid;
	s->head.ts_ns = ts_ns;
	s->conn.generation = WIRE_PY_AT_EVENT | tid;
	feed(w, s);
}

static void arguments(void **state)
{
	struct audit a = audit(WIRE_PY_POPEN, 50);
	struct world w;

	(void)state;
	start(&w);
	item(&a, WIRE_PY_ITEM_OTHER, 0, 0, "NoneType", 8);
	number(&a, WIRE_PY_ITEM_LIST, 0, 5);
	item(&a, WIRE_PY_ITEM_STR, WIRE_PY_TEXT_LATIN1, WIRE_PY_ITEM_ELEMENT, "caf\xe9 \"", 6);
	item(&a, WIRE_PY_ITEM_STR, WIRE_PY_TEXT_UCS2, WIRE_PY_ITEM_ELEMENT, "\xe5\x65\x2c\x67", 4);
	item(&a, WIRE_PY_ITEM_STR, WIRE_PY_TEXT_UCS4, WIRE_PY_ITEM_ELEMENT, "\x00\xf6\x01\x00", 4);
	item(&a, WIRE_PY_ITEM_BYTES, 0, WIRE_PY_ITEM_ELEMENT, "b\xff", 2);
	number(&a, WIRE_PY_ITEM_INT, WIRE_PY_ITEM_ELEMENT, -7);
	item(&a, WIRE_PY_ITEM_OTHER, 0, 0, "PosixPath", 9);
	feed(&w, a.rec);
	assert_int_equal(w.count, 0); /* its stack comes next */
	stack_of(&w, PID, 50);
	assert_int_equal(w.count, 1);
	assert_string_equal(w.seen[0].text, "subprocess.Popen [null,[\"caf\xc3\xa9 "
					    "\\\"\",\"\xe6\x97\xa5\xe6\x9c\xac\",\"\xf0\x9f\x98\x80\","
					    "\"b\xef\xbf\xbd\",-7],\"<PosixPath>\"]");
	assert_false(w.seen[0].cut);
	assert_int_equal(w.seen[0].frames, 2);
	stop(&w);
}

static void what_is_missing(void **state)
{
	struct audit a = audit(WIRE_PY_SYSTEM, 50);
	char text[WIRE_PY_ITEM_MAX];
	struct world w;

	(void)state;
	start(&w);
	memset(text, 0xe9, sizeof(text));
	item(&a, WIRE_PY_ITEM_STR, WIRE_PY_TEXT_LATIN1, WIRE_PY_ITEM_CUT, text, sizeof(text));
	feed(&w, a.rec);
	stack_of(&w, PID, 50);
	assert_true(w.seen[0].cut);
	assert_int_equal(strlen(w.seen[0].text), strlen("os.system [\"\"]") + 2 * sizeof(text));
	a = audit(WIRE_PY_POPEN, 60);
	number(&a, WIRE_PY_ITEM_LIST, 0, 40); /* of which one is here */
	item(&a, WIRE_PY_ITEM_BYTES, 0, WIRE_PY_ITEM_ELEMENT, "a", 1);
	feed(&w, a.rec);
	stack_of(&w, PID, 60);
	assert_string_equal(w.seen[1].text, "subprocess.Popen [[\"a\"]]");
	assert_true(w.seen[1].cut);
	stop(&w);
}

/* Each thread has its own; one whose stack was lost is told all the same. */
static void without_stacks(void **state)
{
	struct audit a = audit(WIRE_PY_SYSTEM, 50), b = audit(WIRE_PY_OPEN, 51), c = audit(WIRE_PY_URL, 60);
	struct wire_end *end = record(WIRE_END, sizeof(*end), 0);
	struct world w;

	(void)state;
	start(&w);
	b.rec->head.tid = PID + 1;
	feed(&w, a.rec);
	feed(&w, b.rec);
	feed(&w, c.rec); /* a's did not come */
	assert_int_equal(w.count, 1);
	assert_string_equal(w.seen[0].text, "os.system []");
	assert_false(w.seen[0].stack);
	stack_of(&w, PID + 1, 51);
	assert_string_equal(w.seen[1].text, "open []");
	assert_true(w.seen[1].stack);
	stack_of(&w, PID, 59); /* nobody's */
	assert_int_equal(w.count, 2);
	feed(&w, end);
	assert_int_equal(w.count, 3);
	assert_string_equal(w.seen[2].text, "urllib.Request []");
	stop(&w);
}

static void others(void **state)
{
	struct wire_py_exception *e = record(WIRE_PY_EXCEPTION, sizeof(*e), 16);
	struct wire_py_pause *p = record(WIRE_PY_PAUSE, sizeof(*p), 0);
	struct wire_py_sums *s = record(WIRE_PY_SUMS, sizeof(*s), 0);
	struct world w;

	(void)state;
	start(&w);
	e->head.ts_ns = e->raised = 70;
	e->type_len = 10;
	e->message_kind = WIRE_PY_TEXT_LATIN1;
	e->message_len = 3;
	memcpy(e->payload, "ValueErrorn\xf6!", 13);
	feed(&w, e);
	stack_of(&w, PID, 70);
	assert_string_equal(w.seen[0].text, "ValueError: n\xc3\xb6!");
	e = record(WIRE_PY_EXCEPTION, sizeof(*e), 0);
	e->raised = 70;
	e->frame = 9;
	e->flags = WIRE_PY_PASSED;
	feed(&w, e);
	assert_int_equal(w.seen[1].kind, PY_EVENT_PASSED);
	assert_string_equal(w.seen[1].text, "70 in 9");
	p->pause_ns = 5;
	p->collected = -1;
	p->generation = 2;
	p->head.ts_ns = 80;
	feed(&w, p);
	stack_of(&w, PID, 80);
	assert_string_equal(w.seen[2].text, "5 -1 2");
	s->pauses = 3;
	s->imports = 4;
	feed(&w, s);
	assert_string_equal(w.seen[3].text, "3 4");
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(without_stacks),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
