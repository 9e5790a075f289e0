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
	struct buf line; /* a stored span */
	struct buf numbered;
	view_write_fn *write;
	void *ctx;
	int err; /* the first */
};

static int start(struct writer *o, const struct view_session *v, view_write_fn *write, void *ctx)
{
	*o = (struct writer){.v = v, .write = write, .ctx = ctx};
	buf_init(&o->b, LIMIT_SPAN_BYTES * 3ul);
	buf_init(&o->line, LIMIT_SPAN_BYTES * 2ul);
	buf_init(&o->numbered, LIMIT_SPAN_BYTES * 2ul + 32);
	jsonw_init(&o->w, &o->b);
	o->err = record_roster_init(&o->roster, v);
	return o->err;
}

static void drop_writer(struct writer *o)
{
	record_roster_fini(&o->roster);
	buf_fini(&o->b);
	buf_fini(&o->line);
	buf_fini(&o->numbered);
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

static const char *status_word(enum trace_status s)
{
	return s == TRACE_STATUS_OK ? "ok" : s == TRACE_STATUS_OPEN ? "open" : "error";
}

/* Everything of a trace that stands before its spans. */
static void write_head(struct writer *o, const struct trace *t)
{
	struct jsonw *w = &o->w;

	jsonw_z(jsonw_key(w, "schema"), "bottrace.v1.trace");
	jsonw_z(jsonw_key(w, "trace_id"), t->id);
	jsonw_key(w, "start");
	record_time(w, o->v, t->start_ns);
	jsonw_key(w, "end");
	record_time(w, o->v, t->end_ns);
	jsonw_key(w, "observed_until");
	record_time(w, o->v, t->until_ns);
	jsonw_z(jsonw_key(w, "root_rule"), t->root_rule);
	jsonw_null(jsonw_key(w, "session"));
	jsonw_z(jsonw_key(w, "status"), status_word(t->status));
	jsonw_bool(jsonw_key(w, "complete"), t->complete && store_lost(o->v->store) == 0);
	record_ledger(w, o->v, &o->roster, t);
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

/* The next span of a trace, numbered, in o->numbered. */
static bool next_span(struct writer *o, const struct trace *t, uint64_t *pos, struct store_entry *e)
{
	int r;

	if (o->err < 0)
		return false;
	r = store_next(o->v->store, t->index, pos, e, &o->line);
	if (r <= 0) {
		o->err = r;
		return false;
	}
	buf_clear(&o->numbered);
	view_numbered(&o->numbered, buf_str(&o->line), e->n);
	o->err = buf_err(&o->numbered);
	return o->err == 0;
}

static void write_trace(struct writer *o, const struct trace *t)
{
	struct store_entry e;
	uint64_t pos = 0;

	jsonw_object(&o->w);
	write_head(o, t);
	jsonw_array(jsonw_key(&o->w, "spans"));
	while (next_span(o, t, &pos, &e)) {
		jsonw_raw(&o->w, buf_str(&o->numbered));
		flush_some(o);
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
			buf_add(&o.b, buf_str(&o.numbered));
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
