/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Python records to stacks. A part is a record; numbers first, commas between, then bytes:
 *
 *   c pid,code,epoch,first,minor,flags,kinds,files,names,bytes   code object: kinds are those of file name (ones) and name
 *             (tens); of the bytes so many are the file name, so many the name, the rest is the line table
 *   k pid,ssl,offset,reason,kind,code,epoch,lasti,...;text       stack: frames of three numbers, then the task's name
 *   t pid,ssl,offset,earlier,tid     a stack is asked for        h keep what is asked for until the end
 *   r pid,version,reason             runtime                     f pid,parent,arguments  fact; NULs as LF
 *   e pid / x pid                    exit, exec                  d pid,ssl               connection closed
 *   l minor,first,lasti,bytes        a line table alone
 *   a pid,event,count,bytes          audit event: items as they are on the wire; a stack of connection 0 is its
 *   b pid,flags,kind,type,bytes      exception: so many bytes are the type's name, the rest its message
 *   v bytes                          any record
 */
#include "base/arena.h"
#include "base/json.h"
#include "drain/drain.h"
#include "fuzz.h"
#include "proc/proc.h"
#include "py/py.h"
#include "py/table.h"

#define HELD_MAX 64u

struct player {
	struct proc_table *procs;
	struct py *py;
	struct py_stack *held[HELD_MAX];
	unsigned held_count;
	bool hold;
	_Alignas(8) unsigned char record[WIRE_RECORD_MAX];
};

static void begin(struct player *x, uint16_t kind, size_t fixed, uint64_t pid)
{
	memset(x->record, 0, fixed);
	*(struct wire_head *)x->record = (struct wire_head){.size = (uint32_t)fixed,
							    .kind = kind,
							    .ts_ns = 1000,
							    .pid = (uint32_t)(100 + pid % 4),
							    .tid = (uint32_t)(100 + pid % 4),
							    .start_ns = 7};
}

static uint32_t add(struct player *x, struct str s)
{
	struct wire_head *h = (void *)x->record;

	s = str_head(s, 32000);
	memcpy(x->record + h->size, s.p ? s.p : "", s.n);
	h->size += (uint32_t)s.n;
	return (uint32_t)s.n;
}

static void send(struct player *x)
{
	struct wire_head *h = (void *)x->record;

	while (h->size % 8)
		x->record[h->size++] = 0;
	if (!drain_valid(h, h->size))
		return;
	/* Alone on the heap: a look behind its end, or after the call, is seen. */
	char *copy = fuzz_copy(str_make(h, h->size));
	proc_feed(x->procs, (const struct wire_head *)copy);
	py_feed(x->py, (const struct wire_head *)copy);
	free(copy);
}

static void code(struct player *x, struct str body)
{
	uint64_t n[9], pid = fuzz_number(&body);

	for (size_t i = 0; i < 8; i++)
		n[i] = fuzz_number(&body);
	begin(x, WIRE_PY_CODE, sizeof(struct wire_py_code), pid);
	struct wire_py_code *c = (void *)x->record;
	c->code = n[0];
	c->epoch = (uint32_t)n[1];
	c->first_line = (int32_t)n[2];
	c->version_minor = (uint8_t)n[3];
	c->flags = (uint8_t)n[4];
	c->filename_kind = (uint8_t)(n[5] % 10);
	c->name_kind = (uint8_t)(n[5] / 10);
	c->filename_len = (uint32_t)(n[6] < body.n ? n[6] : body.n);
	c->name_len = (uint32_t)(n[7] < body.n - c->filename_len ? n[7] : body.n - c->filename_len);
	c->table_len = (uint32_t)body.n - c->filename_len - c->name_len;
	add(x, body);
	send(x);
}

static void stack(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body);

	begin(x, WIRE_PY_STACK, sizeof(struct wire_py_stack), pid);
	struct wire_py_stack *s = (void *)x->record;
	s->conn = (struct wire_conn_key){.ssl = fuzz_number(&body), .generation = 1};
	s->conn.generation = s->conn.ssl != 0;
	s->offset = fuzz_number(&body);
	s->reason = (uint8_t)fuzz_number(&body);
	s->task_name_kind = (uint8_t)fuzz_number(&body);
	while (s->count < 300 && body.n > 0 && body.p[0] >= '0' && body.p[0] <= '9') {
		struct wire_py_frame f = {.code = fuzz_number(&body),
					  .epoch = (uint32_t)fuzz_number(&body),
					  .lasti = (int32_t)fuzz_number(&body) - 1};

		f.frame = f.code;
		f.flags = s->count % 2;
		add(x, str_make(&f, sizeof(f)));
		s->count++;
	}
	s->task_name_len = add(x, str_head(str_skip(body, 1), 200));
	send(x);
}

static void check_text(struct str s)
{
	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		assert((c < 0x80 || c >= 0xc2) && c < 0xf5 && n <= s.n);
		for (size_t i = 1; i < n; i++)
			assert(((unsigned char)s.p[i] & 0xc0) == 0x80);
		s = str_skip(s, n);
	}
}

static void check(const struct py_stack *s)
{
	uint32_t source = PY_NO_FRAME;

	assert(s->count <= WIRE_PY_FRAMES && s->partial >= 0 && s->partial <= PY_MEMORY);
	assert((py_partial_word(s->partial) == NULL) == (s->partial == PY_WHOLE));
	check_text(s->task);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct py_frame *f = &s->frames[i];

		check_text(f->file);
		check_text(f->function);
		assert(f->line <= INT32_MAX);
		assert(f->file.n > 0 || f->origin == PY_ORIGIN_UNKNOWN);
		if (f->origin == PY_ORIGIN_USER && source == PY_NO_FRAME)
			source = i;
	}
	assert(s->source == source);
}

static void ask(struct player *x, struct str body)
{
	struct py_place place = {.pid = (uint32_t)(100 + fuzz_number(&body) % 4), .start_ns = 7};

	place.ssl = fuzz_number(&body);
	place.generation = place.ssl != 0;
	place.offset = fuzz_number(&body);
	bool earlier = fuzz_number(&body) & 1;
	uint32_t tid = (uint32_t)fuzz_number(&body);
	struct py_stack *s = py_take(x->py, &place, earlier, tid);
	const struct py_runtime *r = py_find(x->py, place.pid, place.start_ns);
	assert(r == NULL || r->reason < WIRE_PY_REASONS);
	if (s == NULL)
		return;
	assert(earlier || s->partial != PY_EARLIER);
	check(s);
	if (x->hold && x->held_count < HELD_MAX)
		x->held[x->held_count++] = s;
	else
		py_stack_free(s);
}

static void line(struct str body)
{
	uint8_t minor = (uint8_t)fuzz_number(&body);
	int32_t first = (int32_t)fuzz_number(&body), lasti = (int32_t)fuzz_number(&body) - 1;
	char *alone = fuzz_copy(body);
	uint32_t n = table_line(minor, str_make(alone, body.n), first, lasti);

	assert(n <= INT32_MAX);
	/* What stands behind the instruction does not matter; a table that ends before it knows nothing of it. */
	if (minor == 10 && lasti >= 0)
		for (size_t cut = 0; cut <= body.n; cut += 1 + cut / 8) {
			uint32_t other = table_line(minor, str_make(alone, cut), first, lasti);

			assert(other == n || other == 0);
		}
	free(alone);
}

static void life(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), a = fuzz_number(&body), b = fuzz_number(&body);

	if (letter == 'r') {
		begin(x, WIRE_PY_RUNTIME, sizeof(struct wire_py_runtime), pid);
		struct wire_py_runtime *r = (void *)x->record;

		r->version = (uint32_t)a;
		r->reason = (uint32_t)b;
		r->path_len = add(x, body);
	} else if (letter == 'd') {
		begin(x, WIRE_TLS_CLOSE, sizeof(struct wire_tls_close), pid);
		((struct wire_tls_close *)x->record)->conn = (struct wire_conn_key){a, a != 0};
	} else if (letter == 'e') {
		begin(x, WIRE_PROC_EXIT, sizeof(struct wire_proc_exit), pid);
	} else {
		begin(x, WIRE_PROC_EXEC, sizeof(struct wire_proc_exec), pid);
	}
	send(x);
}

static void fact(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body), parent = fuzz_number(&body);

	begin(x, WIRE_PROC_FACT, sizeof(struct wire_proc_fact), pid);
	struct wire_proc_fact *f = (void *)x->record;
	f->parent_pid = parent ? (uint32_t)(100 + parent % 4) : 0;
	f->parent_start_ns = parent ? 7 : 0;
	f->argv_len = add(x, str_head(body, WIRE_ARGV_MAX));
	for (uint32_t i = 0; i < f->argv_len; i++)
		f->payload[i] = f->payload[i] == '\n' ? '\0' : f->payload[i];
	send(x);
}

static void audit(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body);

	begin(x, WIRE_PY_AUDIT, sizeof(struct wire_py_audit), pid);
	struct wire_py_audit *a = (void *)x->record;
	a->event = (uint16_t)fuzz_number(&body);
	a->count = (uint16_t)fuzz_number(&body);
	a->len = add(x, body);
	send(x);
}

static void exception(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body);

	begin(x, WIRE_PY_EXCEPTION, sizeof(struct wire_py_exception), pid);
	struct wire_py_exception *e = (void *)x->record;
	e->flags = (uint8_t)fuzz_number(&body);
	e->message_kind = (uint8_t)fuzz_number(&body);
	e->type_len = (uint32_t)fuzz_number(&body);
	uint32_t n = add(x, body);
	e->message_len = n > e->type_len ? n - e->type_len : 0;
	send(x);
}

static void on_event(void *ctx, struct py *py, struct py_event *e)
{
	(void)ctx;
	(void)py;
	check_text(e->args);
	check_text(e->message);
	if (e->kind == PY_EVENT_AUDIT) {
		struct arena *a = arena_new(1 << 20);
		struct json_end end = {.state = JSON_WHOLE};

		if (a)
			(void)json_parse(a, e->args, &end);
		assert(end.state == JSON_WHOLE);
		arena_free(a);
	}
	if (e->stack)
		check(e->stack);
}

static void any(struct player *x, struct str body)
{
	struct wire_head *h = (void *)x->record;

	if (body.n < sizeof(*h))
		return;
	h->size = 0;
	uint32_t n = add(x, body);
	h->size = n;
	h->pid = 100 + h->pid % 4;
	h->start_ns = 7;
	send(x);
}

static void play(struct player *x, char letter, struct str body)
{
	if (letter == 'c')
		code(x, body);
	else if (letter == 'k')
		stack(x, body);
	else if (letter == 't')
		ask(x, body);
	else if (letter == 'h')
		x->hold = true;
	else if (letter == 'l')
		line(body);
	else if (letter == 'f')
		fact(x, body);
	else if (letter && strchr("rdex", letter))
		life(x, letter, body);
	else if (letter == 'a')
		audit(x, body);
	else if (letter == 'b')
		exception(x, body);
	else if (letter == 'v')
		any(x, body);
}

static void on_stack(void *ctx, struct py *py, const struct py_place *place)
{
	struct py_stack *s = py_take(py, place, false, 0);

	(void)ctx;
	if (s == NULL)
		abort();
	check(s);
	py_stack_free(s);
}

static void nothing(void *ctx, struct proc *p, const struct wire_head *rec)
{
	(void)ctx;
	(void)p;
	(void)rec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct proc_ops proc_ops = {.begin = nothing, .change = nothing, .end = nothing};
	static const struct py_ops ops = {.stack = on_stack, .event = on_event};
	struct player *x = calloc(1, sizeof(*x));
	struct str rest = str_make(data, size), body;
	char letter;

	if (x == NULL)
		abort();
	x->procs = proc_new(&proc_ops, x);
	x->py = py_new(&(struct py_settings){.ops = &ops, .ctx = x, .procs = x->procs});
	while (fuzz_part(&rest, &letter, &body))
		play(x, letter, body);
	while (x->held_count > 0) {
		check(x->held[--x->held_count]);
		py_stack_free(x->held[x->held_count]);
	}
	assert(py_stats(x->py).dropped == 0);
	py_free(x->py);
	proc_free(x->procs);
	free(x);
	return 0;
}
