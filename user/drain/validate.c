/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate: whoever casts a record relies on what is checked here, and only here. */
#include <assert.h>

#include "base/limits.h"
#include "drain/drain.h"

_Static_assert(LIMIT_TAPE_RECORD == WIRE_RECORD_MAX, "the wire's and the tape's limit are one");

/* No count of bytes that a record tells may be larger, so that a sum of two never overflows. */
#define COUNT_MAX (UINT64_C(1) << 62)

/* Whether payloads of a and b bytes fit behind the fixed fields. */
static bool fits(const struct wire_head *h, size_t fixed, uint64_t a, uint64_t b)
{
	return a <= WIRE_RECORD_MAX && b <= WIRE_RECORD_MAX && fixed + a + b <= h->size;
}

/* A piece lies inside its call, and its call inside its direction. */
static bool is_piece(uint64_t offset, uint64_t call_len, uint64_t call_off, uint32_t len)
{
	return len > 0 && len <= WIRE_PIECE_MAX && call_len <= COUNT_MAX && call_off <= call_len &&
	       len <= call_len - call_off && offset <= COUNT_MAX && offset >= call_off;
}

static bool is_tls_data(const struct wire_head *h)
{
	const struct wire_tls_data *d = (const void *)h;

	return is_piece(d->offset, d->call_len, d->call_off, d->len) && fits(h, sizeof(*d), d->len, 0) &&
	       d->dir < WIRE_DIRS && d->fn <= WIRE_FN_LAST && d->hole_cause < WIRE_CAUSES &&
	       d->skipped <= COUNT_MAX;
}

static bool is_drain_loss(const struct wire_head *h)
{
	const struct wire_drain_loss *l = (const void *)h;

	return is_piece(l->offset, l->call_len, l->call_off, l->len) && l->dir < WIRE_DIRS &&
	       l->cause < WIRE_CAUSES && l->hole_cause < WIRE_CAUSES && l->skipped <= COUNT_MAX;
}

static bool is_tls_conn(const struct wire_head *h)
{
	const struct wire_tls_conn *c = (const void *)h;

	return c->family == 0 || c->family == 2 || c->family == 10;
}

static bool is_plain_conn(const struct wire_head *h)
{
	const struct wire_plain_conn *c = (const void *)h;

	return h->flags < WIRE_DIRS && c->transport > WIRE_TLS && c->transport < WIRE_TRANSPORTS &&
	       c->path_len <= WIRE_UNIX_PATH_MAX && (c->family == 0 || c->family == 2 || c->family == 10);
}

static bool is_tls_sni(const struct wire_head *h)
{
	const struct wire_tls_sni *s = (const void *)h;

	return s->len <= WIRE_SNI_MAX && fits(h, sizeof(*s), s->len, 0);
}

static bool is_tls_close(const struct wire_head *h)
{
	const struct wire_tls_close *c = (const void *)h;

	for (int dir = 0; dir < WIRE_DIRS; dir++)
		if (c->side[dir].bytes > COUNT_MAX || c->side[dir].calls > COUNT_MAX ||
		    c->side[dir].skipped > COUNT_MAX || c->side[dir].hole_cause >= WIRE_CAUSES)
			return false;
	return true;
}

static bool is_proc_exec(const struct wire_head *h)
{
	const struct wire_proc_exec *e = (const void *)h;

	return fits(h, sizeof(*e), e->path_len, e->argv_len);
}

static bool is_proc_fact(const struct wire_head *h)
{
	const struct wire_proc_fact *f = (const void *)h;

	return fits(h, sizeof(*f), f->path_len, f->argv_len);
}

static bool is_mark(const struct wire_head *h)
{
	const struct wire_mark *m = (const void *)h;

	return m->len > 0 && m->len <= WIRE_MARK_MAX && fits(h, sizeof(*m), m->len, 0);
}

static bool is_lib(const struct wire_head *h)
{
	const struct wire_lib *l = (const void *)h;

	if (l->sites > WIRE_FNS || !fits(h, sizeof(*l), l->path_len, 0))
		return false;
	for (uint32_t i = 0; i < l->sites; i++)
		if (l->site[i].fn >= WIRE_FNS)
			return false;
	return true;
}

static bool is_blind(const struct wire_head *h)
{
	const struct wire_blind *b = (const void *)h;

	return fits(h, sizeof(*b), b->what_len, b->why_len);
}

/* Levels are shifted by. */
static bool is_shed(const struct wire_head *h)
{
	const struct wire_shed_step *s = (const void *)h;

	return s->level < 32 && s->before < 32;
}

static bool is_prices(const struct wire_head *h)
{
	const struct wire_prices *p = (const void *)h;

	return p->total <= LIMIT_PRICES_BYTES && p->len > 0 && p->offset <= p->total &&
	       p->len <= p->total - p->offset && fits(h, sizeof(*p), p->len, 0);
}

/* A string as CPython keeps it: whole units. */
static bool is_py_text(uint32_t kind, uint32_t len, uint32_t max)
{
	switch (kind) {
	case WIRE_PY_TEXT_NONE:
		return len == 0;
	case WIRE_PY_TEXT_LATIN1:
	case WIRE_PY_TEXT_UCS2:
	case WIRE_PY_TEXT_UCS4:
		return len <= max && len % kind == 0;
	default:
		return false;
	}
}

static bool is_py_runtime(const struct wire_head *h)
{
	const struct wire_py_runtime *r = (const void *)h;

	return r->reason < WIRE_PY_REASONS && fits(h, sizeof(*r), r->path_len, 0);
}

/* The fields that two kinds share. */
static bool is_py_frames(const struct wire_head *h)
{
	const struct wire_py_stack *s = (const void *)h;
	const struct wire_py_frame *f = (const void *)s->payload;

	if (s->count > WIRE_PY_FRAMES || s->reason >= WIRE_PY_REASONS ||
	    !fits(h, sizeof(*s), s->count * sizeof(*f), s->task_name_len))
		return false;
	for (uint32_t i = 0; i < s->count; i++)
		if (f[i].lasti < -1)
			return false;
	if (s->task_name_kind == WIRE_PY_TEXT_NUMBER)
		return s->task_name_len == sizeof(uint64_t);
	return is_py_text(s->task_name_kind, s->task_name_len, WIRE_PY_TASK_MAX);
}

static bool is_py_stack(const struct wire_head *h)
{
	return ((const struct wire_py_stack *)(const void *)h)->offset <= COUNT_MAX && is_py_frames(h);
}

static bool is_py_made(uint64_t what)
{
	return what > 0 && what < WIRE_PY_MADE_KINDS;
}

static bool is_py_make(const struct wire_head *h)
{
	return is_py_made(((const struct wire_py_make *)(const void *)h)->what) && is_py_frames(h);
}

static bool is_py_work(const struct wire_head *h)
{
	return is_py_made(((const struct wire_py_work *)(const void *)h)->what);
}

static bool is_py_code(const struct wire_head *h)
{
	const struct wire_py_code *c = (const void *)h;

	return is_py_text(c->filename_kind, c->filename_len, WIRE_PY_NAME_MAX) &&
	       is_py_text(c->name_kind, c->name_len, WIRE_PY_NAME_MAX) && c->table_len <= WIRE_PY_TABLE_MAX &&
	       c->code_len <= WIRE_PY_TABLE_MAX &&
	       fits(h, sizeof(*c), (uint64_t)c->filename_len + c->name_len,
		    (uint64_t)c->table_len + c->code_len);
}

static bool is_py_value(const struct wire_head *h)
{
	const struct wire_py_value *v = (const void *)h;

	if (v->reason >= WIRE_PY_VALUE_REASONS || v->at >= WIRE_PY_FRAMES || v->offset > COUNT_MAX ||
	    !fits(h, sizeof(*v), v->len, 0))
		return false;
	if (v->kind == WIRE_PY_TEXT_NUMBER)
		return v->len == sizeof(uint64_t);
	return is_py_text(v->kind, v->len, WIRE_PY_VALUE_MAX * v->kind);
}

static bool is_rules(const struct wire_head *h)
{
	const struct wire_rules *r = (const void *)h;

	return r->total <= LIMIT_RULES_BYTES && r->len > 0 && r->offset <= r->total &&
	       r->len <= r->total - r->offset && fits(h, sizeof(*r), r->len, 0);
}

static bool is_py_item(const struct wire_py_item *i)
{
	if (i->type >= WIRE_PY_ITEM_TYPES || i->len > WIRE_PY_ITEM_MAX)
		return false;
	if (i->type == WIRE_PY_ITEM_INT || i->type == WIRE_PY_ITEM_LIST)
		return i->len == sizeof(uint64_t);
	return i->type != WIRE_PY_ITEM_STR || i->flags & WIRE_PY_ITEM_FAULT ||
	       is_py_text(i->kind, i->len, WIRE_PY_ITEM_MAX);
}

/* Items lie one behind the other, each on a multiple of 8. */
static bool is_py_audit(const struct wire_head *h)
{
	const struct wire_py_audit *a = (const void *)h;
	uint64_t at = 0;

	if (a->event == 0 || a->event >= WIRE_PY_EVENTS || a->len > WIRE_PY_AUDIT_MAX || a->len % 8 ||
	    a->count > WIRE_PY_ITEMS_MAX || !fits(h, sizeof(*a), a->len, 0))
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct wire_py_item *item = (const void *)(a->payload + at);

		if (at + sizeof(*item) > a->len || !is_py_item(item))
			return false;
		at += sizeof(*item) + (((uint64_t)item->len + 7) & ~UINT64_C(7));
		if (at > a->len)
			return false;
	}
	return at == a->len;
}

static bool is_py_exception(const struct wire_head *h)
{
	const struct wire_py_exception *e = (const void *)h;

	return e->type_len <= WIRE_PY_TYPE_MAX &&
	       is_py_text(e->message_kind, e->message_len, WIRE_PY_MESSAGE_MAX) &&
	       fits(h, sizeof(*e), e->type_len, e->message_len);
}

/* What a kind must have: all its fixed fields, and the rule for its numbers and payload. */
static const struct kind {
	uint16_t kind;
	uint16_t min_bytes;
	bool (*rule)(const struct wire_head *h); /* NULL: nothing beyond the size */
} kinds[] = {
	{WIRE_TLS_DATA, sizeof(struct wire_tls_data), is_tls_data},
	{WIRE_TLS_CONN, sizeof(struct wire_tls_conn), is_tls_conn},
	{WIRE_TLS_SNI, sizeof(struct wire_tls_sni), is_tls_sni},
	{WIRE_TLS_CLOSE, sizeof(struct wire_tls_close), is_tls_close},
	{WIRE_PLAIN_CONN, sizeof(struct wire_plain_conn), is_plain_conn},
	{WIRE_PROC_STDIO, sizeof(struct wire_proc_stdio), NULL},
	{WIRE_PROC_FORK, sizeof(struct wire_proc_fork), NULL},
	{WIRE_PROC_EXEC, sizeof(struct wire_proc_exec), is_proc_exec},
	{WIRE_PROC_EXIT, sizeof(struct wire_proc_exit), NULL},
	{WIRE_PY_STACK, sizeof(struct wire_py_stack), is_py_stack},
	{WIRE_PY_MAKE, sizeof(struct wire_py_make), is_py_make},
	{WIRE_PY_WORK, sizeof(struct wire_py_work), is_py_work},
	{WIRE_PY_CODE, sizeof(struct wire_py_code), is_py_code},
	{WIRE_PY_AUDIT, sizeof(struct wire_py_audit), is_py_audit},
	{WIRE_PY_EXCEPTION, sizeof(struct wire_py_exception), is_py_exception},
	{WIRE_PY_PAUSE, sizeof(struct wire_py_pause), NULL},
	{WIRE_PY_SUMS, sizeof(struct wire_py_sums), NULL},
	{WIRE_PY_VALUE, sizeof(struct wire_py_value), is_py_value},
	{WIRE_MARK, sizeof(struct wire_mark), is_mark},
	{WIRE_DRAIN_LOSS, sizeof(struct wire_drain_loss), is_drain_loss},
	{WIRE_SESSION, sizeof(struct wire_session), NULL},
	{WIRE_LIB, sizeof(struct wire_lib), is_lib},
	{WIRE_PROC_FACT, sizeof(struct wire_proc_fact), is_proc_fact},
	{WIRE_BLIND, sizeof(struct wire_blind), is_blind},
	{WIRE_PROC_FINAL, sizeof(struct wire_proc_final), NULL},
	{WIRE_CONN_FINAL, sizeof(struct wire_tls_close), is_tls_close},
	{WIRE_TICK, sizeof(struct wire_tick), NULL},
	{WIRE_END, sizeof(struct wire_end), NULL},
	{WIRE_TARGET, sizeof(struct wire_target), NULL},
	{WIRE_SHED, sizeof(struct wire_shed_step), is_shed},
	{WIRE_KEEP, sizeof(struct wire_keep), NULL},
	{WIRE_PRICES, sizeof(struct wire_prices), is_prices},
	{WIRE_PY_RUNTIME, sizeof(struct wire_py_runtime), is_py_runtime},
	{WIRE_RULES, sizeof(struct wire_rules), is_rules},
};

bool drain_valid(const void *p, size_t size)
{
	const struct wire_head *h = p;

	assert(((uintptr_t)p & 7) == 0);
	if (size < sizeof(*h) || size % 8 != 0 || size > WIRE_RECORD_MAX || h->size != size)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == h->kind)
			return size >= kinds[i].min_bytes && (!kinds[i].rule || kinds[i].rule(h));
	return true;
}
