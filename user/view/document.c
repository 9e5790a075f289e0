/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "base/limits.h"
#include "view/record.h"
#include "view/view.h"

/* Bytes that gather before they go out. */
#define PIECE_BYTES (256u << 10)

struct writer {
	const struct view_session *v;
	struct record_roster roster;
	struct jsonw w;
	struct buf b;	 /* written, not yet gone */
	struct buf line; /* a piece of a stored span */
	view_write_fn *write;
	void *ctx;
	int err; /* the first */
};

static int start(struct writer *o, const struct view_session *v, view_write_fn *write, void *ctx)
{
	*o = (struct writer){.v = v, .write = write, .ctx = ctx};
	buf_init(&o->b, LIMIT_SPAN_BYTES * 3ul);
	buf_init(&o->line, PIECE_BYTES);
	jsonw_init(&o->w, &o->b);
	o->err = record_roster_init(&o->roster, v);
	return o->err;
}

static void drop_writer(struct writer *o)
{
	record_roster_fini(&o->roster);
	buf_fini(&o->b);
	buf_fini(&o->line);
}

static void flush(struct writer *o)
{
	if (o->err == 0)
		o->err = buf_err(&o->b);
	if (o->err == 0 && o->b.n > 0)
		o->err = o->write(o->ctx, buf_str(&o->b));
	buf_clear(&o->b);
}

static void flush_some(struct writer *o)
{
	if (o->b.n >= PIECE_BYTES || buf_err(&o->b))
		flush(o);
}

void view_numbered(struct buf *out, struct str line, uint32_t n)
{
	/* {"id":"0123456789abcdef","parent": then null or an id */
	const size_t head = 34;
	size_t at = line.n > head && line.p[head] == '"' ? head + 18 : head + 4;

	if (line.n <= at) {
		buf_add(out, line);
		return;
	}
	buf_add(out, str_head(line, at));
	buf_addf(out, ",\"n\":%u", n);
	buf_add(out, str_skip(line, at));
}

/* Everything of a trace that stands before its spans. */
static void write_head(struct writer *o, const struct trace *t)
{
	struct jsonw *w = &o->w;

	record_facts(w, o->v, &o->roster, t);
	jsonw_array(jsonw_key(w, "connections"));
	for (size_t i = o->roster.conn_from[t->index]; i < o->roster.conn_from[t->index + 1]; i++) {
		record_connection(w, o->v, o->roster.conns[i]);
		flush_some(o);
	}
	jsonw_array_end(w);
	jsonw_array(jsonw_key(w, "processes"));
	for (size_t i = o->roster.proc_from[t->index]; i < o->roster.proc_from[t->index + 1]; i++) {
		record_process(w, o->v, &o->roster, o->roster.procs[i]);
		flush_some(o);
	}
	jsonw_array_end(w);
}

/* The next span of a trace; its line's first piece is in o->line. */
static bool next_span(struct writer *o, const struct trace *t, uint64_t *pos, struct store_entry *e)
{
	int r = o->err;

	if (r == 0)
		r = store_next(o->v->store, t->index, pos, e);
	if (r == 1) {
		buf_clear(&o->line);
		o->err = store_read(o->v->store, e, 0, PIECE_BYTES, &o->line);
		return o->err == 0;
	}
	o->err = r;
	return false;
}

/* However long the line is, a piece of it is all that memory holds. */
static void write_span(struct writer *o, const struct store_entry *e)
{
	view_numbered(&o->b, buf_str(&o->line), e->n);
	flush_some(o);
	for (uint32_t at = (uint32_t)o->line.n; at < e->size && o->err == 0; at += (uint32_t)o->line.n) {
		buf_clear(&o->line);
		o->err = store_read(o->v->store, e, at, PIECE_BYTES, &o->line);
		buf_add(&o->b, buf_str(&o->line));
		flush_some(o);
	}
}

static void write_trace(struct writer *o, const struct trace *t)
{
	struct store_entry e;
	uint64_t pos = 0;

	jsonw_object(&o->w);
	write_head(o, t);
	jsonw_array(jsonw_key(&o->w, "spans"));
	while (next_span(o, t, &pos, &e)) {
		jsonw_raw(&o->w, STR("")); /* the comma */
		write_span(o, &e);
	}
	jsonw_array_end(&o->w);
	jsonw_object_end(&o->w);
}

int view_document(const struct view_session *v, view_write_fn *write, void *ctx)
{
	autodrop(drop_writer) struct writer o;
	const struct trace *t = trace_next(v->traces, NULL);

	if (start(&o, v, write, ctx) < 0)
		return o.err;
	if (t && trace_next(v->traces, t) == NULL) {
		write_trace(&o, t);
	} else {
		jsonw_object(&o.w);
		jsonw_z(jsonw_key(&o.w, "schema"), "bottrace.v1.traces");
		jsonw_array(jsonw_key(&o.w, "traces"));
		for (; t && o.err == 0; t = trace_next(v->traces, t))
			write_trace(&o, t);
		jsonw_array_end(&o.w);
		jsonw_object_end(&o.w);
	}
	buf_add_char(&o.b, '\n');
	flush(&o);
	return o.err;
}

/* all: every span; else only those whose ordinal is not their seq. */
static int write_lines(const struct view_session *v, bool all, view_write_fn *write, void *ctx)
{
	autodrop(drop_writer) struct writer o;

	if (start(&o, v, write, ctx) < 0)
		return o.err;
	for (const struct trace *t = trace_next(v->traces, NULL); t && o.err == 0;
	     t = trace_next(v->traces, t)) {
		struct store_entry e;
		uint64_t pos = 0;

		while (next_span(&o, t, &pos, &e)) {
			if (!all && e.n == e.seq)
				continue;
			write_span(&o, &e);
			buf_add_char(&o.b, '\n');
			flush_some(&o);
		}
		jsonw_init(&o.w, &o.b);
		jsonw_object(&o.w);
		write_head(&o, t);
		jsonw_object_end(&o.w);
		buf_add_char(&o.b, '\n');
		flush(&o);
	}
	return o.err;
}

int view_lines(const struct view_session *v, view_write_fn *write, void *ctx)
{
	return write_lines(v, true, write, ctx);
}

int view_corrections(const struct view_session *v, view_write_fn *write, void *ctx)
{
	return write_lines(v, false, write, ctx);
}

int view_to_buf(void *ctx, struct str piece)
{
	buf_add(ctx, piece);
	return buf_err(ctx);
}
