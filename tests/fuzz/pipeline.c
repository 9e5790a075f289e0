/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records through the whole pipeline to document and tree. A part is a record; numbers first, commas between, then text:
 *
 *   S mode,options          session        L id,path        library          T ns          tick, later by ns
 *   w|r pid,conn,hole,bytes written, read; hole: bytes missing before them   E why         end
 *   W|R pid,conn,back,bytes the same again from `back` bytes earlier on      l pid,conn,dir,n drain loss
 *   n pid,conn,lib,family,port  connection   s pid,conn,name  server name    y pid,conn,dir,len,bytes  call cut short
 *   o pid,conn,ahead,bytes   read, but those before them come later
 *   c|C pid,conn,extra      closed, final: what was sent, and extra bytes that were not
 *   f pid,parent            fork           x pid,flags,path LF arguments     exec
 *   e pid,code,signal       exit           F pid,parent,flags,path LF args   fact
 *   t pid                   target         b pid,bytes,what LF why           blind
 *   P pid,calls,bytes,lost  final counters
 *   h level,before,cost     the governor's step
 *   k errors,slow,cost      what is kept
 *   m pid,thread,text       a message of markers          M pid,thread,number,offset,total,text  a piece of one
 *   q pid,code,epoch,file LF name   code object   Q pid,conn,back,code,epoch,... stack of the write `back` bytes ago
 *   p pid,version,reason    runtime
 *   u pid,conn,dir,transport,family,ino,peer,path   socket or pipe without TLS
 *
 * Parts a and z: all that one recorded connection wrote and read, decoded without a kernel.
 */
#include "base/json.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "flow/flow.h"
#include "fuzz.h"
#include "pipeline.h"
#include "view/view.h"

#define CONNS	    8u
#define RECORDS_MAX 400u

struct side {
	uint64_t offset, calls, bytes, skipped;
};

struct player {
	struct pipeline *p;
	uint64_t now_ns;
	struct side sides[CONNS][CONNS][WIRE_DIRS]; /* by pid, connection */
	unsigned records;
	bool ended;
	_Alignas(8) unsigned char record[WIRE_RECORD_MAX];
};

static void *begin(struct player *x, uint16_t kind, size_t fixed, uint64_t pid)
{
	struct wire_head *h = (void *)x->record;

	memset(x->record, 0, fixed);
	x->now_ns += 1000;
	*h = (struct wire_head){.size = (uint32_t)fixed,
				.kind = kind,
				.ts_ns = x->now_ns,
				.pid = (uint32_t)(100 + pid % CONNS),
				.tid = (uint32_t)(200 + pid % CONNS),
				.start_ns = 5000 + pid % CONNS};
	return h;
}

/* Appends a payload. */
static uint32_t add(struct player *x, struct str s)
{
	struct wire_head *h = (void *)x->record;

	s = str_head(s, WIRE_PIECE_MAX);
	if (s.n > 0)
		memcpy(x->record + h->size, s.p, s.n);
	h->size += (uint32_t)s.n;
	return (uint32_t)s.n;
}

static void send(struct player *x)
{
	struct wire_head *h = (void *)x->record;

	while (h->size % 8)
		x->record[h->size++] = 0;
	if (!drain_valid(h, h->size) || x->records++ > RECORDS_MAX || x->ended)
		return;
	x->ended = h->kind == WIRE_END;
	/* Alone on the heap: a look behind its end, or after the call, is seen. */
	char *copy = fuzz_copy(str_make(h, h->size));
	pipeline_feed(x->p, (const struct wire_head *)copy);
	free(copy);
}

static struct wire_conn_key key_of(uint64_t conn)
{
	return (struct wire_conn_key){.ssl = 0x1000 + conn % CONNS, .generation = 7};
}

static void data(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body), extra = fuzz_number(&body) % 100000;
	enum wire_dir dir = letter == 'w' || letter == 'W' ? WIRE_WRITE : WIRE_READ;
	struct side *side = &x->sides[pid % CONNS][conn % CONNS][dir];
	struct wire_tls_data *d = begin(x, WIRE_TLS_DATA, sizeof(*d), pid);
	bool again = letter == 'W' || letter == 'R', early = letter == 'o';

	d->conn = key_of(conn);
	d->len = add(x, body);
	d->call_len = d->len;
	d->skipped = side->skipped;
	d->dir = dir;
	d->fn = dir == WIRE_WRITE ? WIRE_FN_SSL_WRITE : WIRE_FN_SSL_READ;
	if (early) {
		d->offset = side->offset + extra;
	} else if (again) {
		d->offset = extra < side->offset ? side->offset - extra : 0;
	} else {
		d->offset = side->offset + extra;
		d->hole_cause = extra ? WIRE_CAUSE_RING_FULL : 0;
		side->offset = d->offset + d->len;
		side->calls += 1 + (extra > 0);
		side->bytes += d->len + extra;
	}
	send(x);
}

/* One call of len bytes, of which only these came: the rest is left out by policy. */
static void cut_call(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body), dir = fuzz_number(&body) & 1;
	uint64_t len = fuzz_number(&body) % 1000000;
	struct side *side = &x->sides[pid % CONNS][conn % CONNS][dir];
	struct wire_tls_data *d = begin(x, WIRE_TLS_DATA, sizeof(*d), pid);

	d->conn = key_of(conn);
	d->len = add(x, body);
	d->call_len = len > d->len ? len : d->len;
	d->offset = side->offset;
	d->dir = (uint8_t)dir;
	d->skipped = side->skipped;
	side->skipped += d->call_len - d->len;
	side->offset += d->call_len;
	side->bytes += d->call_len;
	side->calls++;
	send(x);
}

static void loss(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body), dir = fuzz_number(&body) & 1;
	struct side *side = &x->sides[pid % CONNS][conn % CONNS][dir];
	struct wire_drain_loss *l = begin(x, WIRE_DRAIN_LOSS, sizeof(*l), pid);

	l->conn = key_of(conn);
	l->len = (uint32_t)(fuzz_number(&body) % WIRE_PIECE_MAX) + 1;
	l->call_len = l->len;
	l->skipped = side->skipped;
	l->offset = side->offset;
	l->dir = (uint8_t)dir;
	l->cause = WIRE_CAUSE_QUEUE_FULL;
	side->offset += l->len;
	side->bytes += l->len;
	side->calls++;
	send(x);
}

static void closing(struct player *x, uint16_t kind, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body), extra = fuzz_number(&body) % 100000;
	struct wire_tls_close *c = begin(x, kind, sizeof(*c), pid);

	c->conn = key_of(conn);
	for (int d = 0; d < WIRE_DIRS; d++) {
		const struct side *s = &x->sides[pid % CONNS][conn % CONNS][d];

		c->side[d] = (struct wire_side){.calls = s->calls + (extra > 0),
						.bytes = s->bytes + extra,
						.skipped = s->skipped,
						.hole_cause = extra ? WIRE_CAUSE_RING_FULL : 0};
	}
	send(x);
}

static void connection(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body);

	if (letter == 's') {
		struct wire_tls_sni *s = begin(x, WIRE_TLS_SNI, sizeof(*s), pid);

		s->conn = key_of(conn);
		s->len = add(x, str_head(body, WIRE_SNI_MAX));
	} else {
		struct wire_tls_conn *c = begin(x, WIRE_TLS_CONN, sizeof(*c), pid);

		c->conn = key_of(conn);
		c->lib = (uint32_t)fuzz_number(&body);
		c->family = (uint16_t)fuzz_number(&body);
		c->pport = (uint16_t)fuzz_number(&body);
		c->peer[15] = c->local[0] = 1;
	}
	send(x);
}

static void plain(struct player *x, struct str body)
{
	uint64_t pid = fuzz_number(&body), conn = fuzz_number(&body), dir = fuzz_number(&body);
	struct wire_plain_conn *c = begin(x, WIRE_PLAIN_CONN, sizeof(*c), pid);

	c->head.flags = (uint16_t)dir;
	c->conn = key_of(conn);
	c->transport = (uint16_t)fuzz_number(&body);
	c->family = (uint16_t)fuzz_number(&body);
	c->ino = fuzz_number(&body);
	c->peer_ino = fuzz_number(&body);
	c->path_len = (uint32_t)(body.n < sizeof(c->path) ? body.n : sizeof(c->path));
	memcpy(c->path, body.p, c->path_len);
	send(x);
}

static void marker(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), tid = fuzz_number(&body);
	unsigned number = letter == 'M' ? (unsigned)fuzz_number(&body) : x->records;
	unsigned offset = letter == 'M' ? (unsigned)fuzz_number(&body) : 0;
	unsigned total = letter == 'M' ? (unsigned)fuzz_number(&body) : (unsigned)body.n;
	struct wire_mark *m = begin(x, WIRE_MARK, sizeof(*m), pid);
	char head[25];

	m->head.tid = (uint32_t)(200 + tid % CONNS);
	snprintf(head, sizeof(head), "%08x%08x%08x", number, offset, total);
	m->len = add(x, str_make(head, 24));
	m->len += add(x, str_head(body, WIRE_MARK_MAX - 24));
	send(x);
}

static void image(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), parent = letter == 'F' ? fuzz_number(&body) : 0;
	uint64_t flags = fuzz_number(&body);
	struct str path, args = str_cut(body, '\n', &path);

	path = str_head(path, WIRE_PATH_MAX);
	args = str_head(args, WIRE_ARGV_MAX);
	if (letter == 'x') {
		struct wire_proc_exec *e = begin(x, WIRE_PROC_EXEC, sizeof(*e), pid);

		e->head.flags = (uint16_t)flags;
		e->path_len = add(x, path);
		e->argv_len = add(x, args);
		if (path.n > 0)
			memcpy(e->comm, path.p, path.n < 15 ? path.n : 15);
	} else {
		struct wire_proc_fact *f = begin(x, WIRE_PROC_FACT, sizeof(*f), pid);

		f->head.flags = (uint16_t)flags;
		f->parent_pid = parent ? (uint32_t)(100 + parent % CONNS) : 0;
		f->parent_start_ns = 5000 + parent % CONNS;
		f->path_len = add(x, path);
		f->argv_len = add(x, args);
	}
	send(x);
}

static void life(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), a = fuzz_number(&body), b = fuzz_number(&body);

	if (letter == 'f') {
		struct wire_proc_fork *f = begin(x, WIRE_PROC_FORK, sizeof(*f), pid);

		f->parent_pid = (uint32_t)(100 + a % CONNS);
		f->parent_tid = (uint32_t)(200 + a % CONNS);
		f->parent_start_ns = 5000 + a % CONNS;
	} else if (letter == 'e') {
		struct wire_proc_exit *e = begin(x, WIRE_PROC_EXIT, sizeof(*e), pid);

		e->code = (int32_t)a;
		e->signal = (int32_t)b;
	} else if (letter == 't') {
		begin(x, WIRE_TARGET, sizeof(struct wire_target), pid);
	} else {
		struct wire_proc_final *f = begin(x, WIRE_PROC_FINAL, sizeof(*f), pid);

		f->counts = (struct wire_counts){.entered = a + 1, .returned = a, .sent = a, .bytes_seen = b};
		f->counts.lost[WIRE_CAUSE_RING_FULL] = fuzz_number(&body);
		f->counts.bytes_sent = b;
		if (pid == 0)
			f->head.pid = 0;
	}
	send(x);
}

static void session(struct player *x, char letter, struct str body)
{
	uint64_t a = letter == 'b' ? 0 : fuzz_number(&body);

	if (letter == 'S') {
		struct wire_session *s = begin(x, WIRE_SESSION, sizeof(*s), 0);

		s->head.pid = 0;
		s->version = WIRE_VERSION;
		s->mode = (uint32_t)a;
		s->options = fuzz_number(&body);
		s->utc_offset_ns = 1790000000000000000;
	} else if (letter == 'L') {
		struct wire_lib *l = begin(x, WIRE_LIB, sizeof(*l), 0);

		l->id = (uint32_t)a;
		l->path_len = add(x, str_head(body, WIRE_PATH_MAX));
		l->sites = 1;
	} else if (letter == 'E') {
		struct wire_end *e = begin(x, WIRE_END, sizeof(*e), 0);

		e->why = (uint32_t)a;
		e->has_final = a & 1;
	} else if (letter == 'T') {
		x->now_ns += a < 1000000000000u ? a : 0;
		begin(x, WIRE_TICK, sizeof(struct wire_tick), 0);
	} else {
		uint64_t pid = fuzz_number(&body), bytes = fuzz_number(&body);
		struct wire_blind *b = begin(x, WIRE_BLIND, sizeof(*b), pid);
		struct str what, why = str_cut(body, '\n', &what);

		b->bytes = bytes;
		b->what_len = add(x, str_head(what, WIRE_PATH_MAX));
		b->why_len = add(x, str_head(why, WIRE_PATH_MAX));
	}
	send(x);
}

static void governor(struct player *x, char letter, struct str body)
{
	uint64_t a = fuzz_number(&body), b = fuzz_number(&body), c = fuzz_number(&body);

	if (letter == 'h') {
		struct wire_shed_step *s = begin(x, WIRE_SHED, sizeof(*s), 0);

		s->level = (uint32_t)a;
		s->before = (uint32_t)b;
		s->cost_ns = c;
	} else {
		struct wire_keep *k = begin(x, WIRE_KEEP, sizeof(*k), 0);

		k->errors = (uint32_t)a;
		k->slow_ns = b;
		k->cost_pico = c;
	}
	send(x);
}

static void python(struct player *x, char letter, struct str body)
{
	uint64_t pid = fuzz_number(&body), a = fuzz_number(&body), b = fuzz_number(&body);

	if (letter == 'p') {
		struct wire_py_runtime *r = begin(x, WIRE_PY_RUNTIME, sizeof(*r), pid);

		r->version = (uint32_t)a;
		r->reason = (uint32_t)b;
	} else if (letter == 'q') {
		struct wire_py_code *c = begin(x, WIRE_PY_CODE, sizeof(*c), pid);
		struct str file, name = str_cut(body, '\n', &file);

		c->code = a;
		c->epoch = (uint32_t)b;
		c->first_line = 1;
		c->version_minor = 11;
		c->filename_kind = c->name_kind = WIRE_PY_TEXT_LATIN1;
		c->filename_len = add(x, str_head(file, WIRE_PY_NAME_MAX));
		c->name_len = add(x, str_head(name, WIRE_PY_NAME_MAX));
	} else {
		struct wire_py_stack *s = begin(x, WIRE_PY_STACK, sizeof(*s), pid);
		uint64_t at = x->sides[pid % CONNS][a % CONNS][WIRE_WRITE].offset;

		s->conn = key_of(a);
		s->offset = b < at ? at - b : 0;
		while (s->count < 20 && body.n > 0 && body.p[0] >= '0' && body.p[0] <= '9') {
			struct wire_py_frame f = {.code = fuzz_number(&body),
						  .epoch = (uint32_t)fuzz_number(&body)};

			add(x, str_make(&f, sizeof(f)));
			s->count++;
		}
		if (body.n > 0)
			s->task_name_kind = WIRE_PY_TEXT_LATIN1;
		s->task_name_len = add(x, str_head(body, WIRE_PY_TASK_MAX));
	}
	send(x);
}

static void play(struct player *x, char letter, struct str body)
{
	if (letter && strchr("wrWRo", letter))
		data(x, letter, body);
	else if (letter == 'y')
		cut_call(x, body);
	else if (letter == 'l')
		loss(x, body);
	else if (letter == 'c' || letter == 'C')
		closing(x, letter == 'c' ? WIRE_TLS_CLOSE : WIRE_CONN_FINAL, body);
	else if (letter == 'n' || letter == 's')
		connection(x, letter, body);
	else if (letter == 'u')
		plain(x, body);
	else if (letter == 'x' || letter == 'F')
		image(x, letter, body);
	else if (letter && strchr("fetP", letter))
		life(x, letter, body);
	else if (letter == 'h' || letter == 'k')
		governor(x, letter, body);
	else if (letter == 'm' || letter == 'M')
		marker(x, letter, body);
	else if (letter && strchr("qQp", letter))
		python(x, letter, body);
	else if (letter && strchr("SLETb", letter))
		session(x, letter, body);
}

/* The accounts balance whatever came. */
static void check(struct player *x)
{
	struct view_session v = pipeline_session(x->p);

	for (const struct flow_conn *c = flow_next(v.flow, NULL); c; c = flow_next(v.flow, c))
		for (int d = 0; d < WIRE_DIRS; d++)
			assert(c->side[d].bytes == c->side[d].kept + c->side[d].missing + c->side[d].skipped);
}

static void show(struct player *x)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	autodrop(buf_fini) struct buf document, text;
	const struct view_style style = {.columns = 100};
	struct view_session v = pipeline_session(x->p);
	struct json_end end;

	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	buf_init(&text, LIMIT_TEXT_BYTES);
	if (view_document(&v, view_to_buf, &document) < 0)
		return;
	const struct json *j = json_parse(a, buf_str(&document), &end);
	assert(end.state == JSON_WHOLE && view_is_document(j));
	int r = view_tree(&text, a, j, &style);
	assert(r == 0);
	buf_clear(&text);
	r = view_summary(&text, &v, &style);
	assert(r == 0);
	buf_clear(&text);
	r = view_lines(&v, view_to_buf, &text);
	assert(r == 0);
	buf_clear(&text);
	r = view_corrections(&v, view_to_buf, &text);
	assert(r == 0);
}

static void decode(struct str written, struct str read)
{
	const struct pipeline_settings settings = {.spool_dir = "/dev/shm", .decode = true};
	struct player x = {.p = pipeline_new(&settings)};

	int r = pipeline_connection(x.p, STR("api.example.com"), written, read);
	assert(r == 0);
	r = pipeline_finish(x.p, false);
	assert(r == 0);
	check(&x);
	show(&x);
	pipeline_free(x.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pipeline_settings settings = {.spool_dir = "/dev/shm"};
	struct str written = STR_NONE, read = STR_NONE;
	struct str rest = str_make(data, size), body;
	struct player *x = calloc(1, sizeof(*x));
	char letter;

	if (x == NULL)
		abort();
	x->p = pipeline_new(&settings);
	x->now_ns = 1000000000;
	while (fuzz_part(&rest, &letter, &body)) {
		if (letter == 'a')
			written = body;
		else if (letter == 'z')
			read = body;
		else
			play(x, letter, body);
	}
	int r = pipeline_finish(x->p, false);
	assert(r == 0);
	check(x);
	show(x);
	pipeline_free(x->p);
	free(x);
	if (written.p || read.p)
		decode(written, read);
	return 0;
}
