/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/limits.h"
#include "flow/flow.h"
#include "genai/genai.h"
#include "guard/guard.h"
#include "http/http.h"
#include "mark/mark.h"
#include "proc/proc.h"
#include "py/py.h"
#include "rules/rules.h"
#include "store/store.h"
#include "trace/trace.h"

#define LINE_KEEP_BYTES (1u << 20) /* of a span's line, from one span to the next */

struct pipeline {
	struct pipeline_settings settings;
	struct proc_table *procs;
	struct py *py;
	struct flow *flow;
	struct mark *marks;
	struct http *http;
	struct genai *genai;
	struct trace_set *traces;
	struct genai_prices *prices;
	struct buf price_file; /* as far as it came */
	struct rules *rules;
	struct buf rules_text; /* as far as it came */
	struct guard *guard;
	struct store *store;
	struct buf line;     /* the span being written */
	uint64_t lost_spans; /* that guard or store could not take */
	uint64_t last_ns;    /* of any record: the time, as far as we were told */
	bool ended;	     /* WIRE_END came */
	bool cut;
	bool digest;
};

/* ---- the hand-overs between rooms that are more than a callback table ---- */

static void flow_to_http_data(void *ctx, const struct flow_chunk *chunk)
{
	struct pipeline *p = ctx;

	http_feed(p->http, chunk);
}

static void flow_to_http_gap(void *ctx, const struct flow_gap *gap)
{
	struct pipeline *p = ctx;

	http_gap(p->http, gap);
}

static void flow_to_http_close(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	struct pipeline *p = ctx;

	http_close(p->http, conn, why, ts_ns);
}

static const struct flow_ops flow_ops = {
	.data = flow_to_http_data,
	.gap = flow_to_http_gap,
	.close = flow_to_http_close,
};

/* A long line's memory is not kept. */
static void give_back(struct pipeline *p)
{
	if (p->line.cap > LINE_KEEP_BYTES)
		buf_fini(&p->line);
}

static void trace_to_store(void *ctx, const struct trace_span *s)
{
	struct pipeline *p = ctx;

	buf_clear(&p->line);
	int r = guard_span(p->guard, s, trace_utc_offset(p->traces), p->settings.decode, &p->line);
	if (r == 0)
		r = store_add(p->store, s, buf_str(&p->line));
	if (r < 0) {
		if (p->lost_spans++ == 0)
			(void)fail(r, "keep a span (it is missing from the document)");
	} else if (p->settings.span && !s->undecided)
		p->settings.span(p->settings.ctx, buf_str(&p->line), s->seq);
	give_back(p);
}

/* --keep has decided. */
static void decided(void *ctx, uint64_t id, bool keep)
{
	struct pipeline *p = ctx;
	struct store_entry e;

	if (!keep)
		store_remove(p->store, id);
	else if (p->settings.span && store_get(p->store, id, &e, &p->line) > 0)
		p->settings.span(p->settings.ctx, buf_str(&p->line), e.seq);
	give_back(p);
}

/* Takes `part` out of the line in p->line; our own words, which no content can hold unescaped. */
static bool cut_out(struct pipeline *p, const char *part)
{
	ptrdiff_t at = str_find(buf_str(&p->line), str_of(part));
	size_t n = strlen(part);

	if (at < 0)
		return false;
	memmove(p->line.p + at, p->line.p + at + n, p->line.n - (size_t)at - n);
	buf_truncate(&p->line, p->line.n - n);
	return true;
}

/* The call in which a tool call was answered has gone. */
static void forgotten(void *ctx, uint64_t id, uint64_t call)
{
	struct pipeline *p = ctx;
	struct store_entry e;
	char part[128];

	if (store_get(p->store, id, &e, &p->line) <= 0)
		return;
	snprintf(part, sizeof(part), ",\"its result in the request of span %016llx\"",
		 (unsigned long long)call);
	bool found = cut_out(p, part);
	snprintf(part, sizeof(part), ",\"bottrace.answered_in\":\"%016llx\"", (unsigned long long)call);
	found |= cut_out(p, part);
	if (found && store_replace(p->store, id, buf_str(&p->line)) < 0)
		p->lost_spans++;
	give_back(p);
}

/* The line with another parent and, where one is given, another link. False: it is no span's line. */
static bool move(struct pipeline *p, struct str line, uint64_t parent, const struct trace_link *link,
		 struct buf *out)
{
	static const char head[] = "{\"id\":\"0123456789abcdef\",\"parent\":";
	size_t at = sizeof(head) - 1;
	struct str rest = str_skip(line, at);
	/* Our own words: no text before them can hold them unescaped, and no JSON stands before attributes. */
	ptrdiff_t from = str_find(rest, STR(",\"link\":")), to = str_find(rest, STR(",\"attributes\":{"));

	if (line.n < at || from < 0 || to < from)
		return false;
	buf_add(out, str_head(line, at));
	if (parent)
		buf_addf(out, "\"%016llx\"", (unsigned long long)parent);
	else
		buf_add(out, STR("null"));
	size_t skip = str_starts(rest, STR("null")) ? 4 : 18;
	if (link == NULL) {
		buf_add(out, str_skip(rest, skip));
		return true;
	}
	buf_add(out, str_skip(str_head(rest, (size_t)from), skip));
	buf_add(out, STR(",\"link\":"));
	if (guard_link(p->guard, link, out) < 0)
		return false;
	buf_add(out, str_skip(rest, (size_t)to));
	return true;
}

/* The agent's run that it belongs to was found. */
static void placed(void *ctx, uint64_t id, uint64_t parent, const struct trace_link *link, bool undecided)
{
	autodrop(buf_fini) struct buf line = {0};
	struct pipeline *p = ctx;
	struct store_entry e;

	if (store_get(p->store, id, &e, &p->line) <= 0)
		return;
	buf_init(&line, LIMIT_SPAN_BYTES * 2);
	bool moved = move(p, buf_str(&p->line), parent, link, &line) && buf_err(&line) == 0;
	bool certain = link ? link->certain : e.facts.certain;
	if (!moved || store_move(p->store, id, parent, certain, buf_str(&line)) < 0)
		p->lost_spans++;
	else if (p->settings.span && !undecided)
		p->settings.span(p->settings.ctx, buf_str(&line), e.seq);
	give_back(p);
}

/* What code did in a span that was told: behind its own events. */
static void said(void *ctx, const struct trace_span *s)
{
	static const char end[] = "],\"gaps\":[";
	autodrop(buf_fini) struct buf line = {0};
	autodrop(buf_fini) struct buf events = {0};
	struct pipeline *p = ctx;
	struct store_entry e;

	if (store_get(p->store, s->id, &e, &p->line) <= 0)
		return;
	/* Gaps are the last member, and have no texts. */
	struct str old = buf_str(&p->line);
	ptrdiff_t at = -1;
	for (ptrdiff_t n; (n = str_find(str_skip(old, (size_t)(at + 1)), str_of(end))) >= 0;)
		at += n + 1;
	buf_init(&line, LIMIT_SPAN_BYTES * 2);
	buf_init(&events, LIMIT_SPAN_BYTES);
	int r = guard_events(p->guard, s, trace_utc_offset(p->traces), p->settings.decode, &events);
	if (at > 0 && events.n > 0) {
		buf_add(&line, str_head(old, (size_t)at));
		buf_add(&line, str_skip(buf_str(&events), old.p[at - 1] == '['));
		buf_add(&line, str_skip(old, (size_t)at));
		if (r < 0 || buf_err(&line) != 0 || store_replace(p->store, s->id, buf_str(&line)) < 0)
			p->lost_spans++;
		else if (p->settings.span)
			p->settings.span(p->settings.ctx, buf_str(&line), e.seq);
	}
	give_back(p);
}

/* It stands at the top of that trace. */
static void rooted(void *ctx, uint64_t id, uint32_t trace)
{
	static const struct trace_link none = {0};
	struct pipeline *p = ctx;

	placed(ctx, id, 0, &none, false);
	store_root(p->store, id, trace);
}

static const struct trace_ops trace_ops = {
	.span = trace_to_store,
	.decide = decided,
	.forget = forgotten,
	.place = placed,
	.say = said,
	.root = rooted,
};

/* ---- life ---- */

/* The attacher has checked it. */
static struct rules *read_rules(struct str text)
{
	autodrop(drop_rules) struct rules *r = rules_new();
	struct rules_error error;
	int err = r ? rules_add(r, text, &error) : -ENOMEM;

	if (err == -EINVAL)
		err_note(ERR_NORMAL, "note: rules are not taken: line %u: %s", error.line, error.why);
	return err < 0 ? NULL : take(r);
}

static bool make_rooms(struct pipeline *p)
{
	struct trace_settings ts = {.ops = &trace_ops, .ctx = p};

	p->prices = genai_prices_new();
	if (!p->prices)
		return false;
	ts.prices = p->prices;
	p->guard = guard_new();
	p->store = store_new(p->settings.spool_dir);
	if (!p->guard || !p->store)
		return false;
	p->traces = trace_new(&ts);
	if (!p->traces)
		return false;
	p->rules = read_rules(rules_builtin());
	if (!p->rules || !trace_use_rules(p->traces, p->rules))
		return false;
	p->procs = proc_new(trace_proc_ops(), p->traces);
	p->genai = genai_new(trace_genai_ops(), p->traces);
	if (!p->procs || !p->genai)
		return false;
	p->marks = mark_new(p->procs, trace_marker, p->traces);
	if (!p->marks)
		return false;
	p->py = py_new(&(struct py_settings){.ops = trace_py_ops(), .ctx = p->traces, .procs = p->procs});
	if (!p->py)
		return false;
	trace_read_stacks(p->traces, p->py);
	p->http = http_new(genai_http_ops(), p->genai);
	if (!p->http)
		return false;
	http_judge(p->http, p->settings.verdict, p->settings.ctx);
	return true;
}

/* The flow room waits for the session record: it says whether bytes are hashed. */
static bool make_flow(struct pipeline *p)
{
	struct flow_settings fs = {.digest = p->digest, .ops = &flow_ops, .ctx = p, .procs = p->procs};

	if (p->flow == NULL)
		p->flow = flow_new(&fs);
	return p->flow != NULL;
}

static int take_prices(struct pipeline *p, struct str text)
{
	struct genai_prices_error error;
	int r = genai_prices_add(p->prices, text, &error);

	if (r == -EINVAL)
		err_note(ERR_NORMAL, "note: prices are not taken: line %u: %s", error.line, error.why);
	return r;
}

/* The file comes in pieces; it was checked before. */
static void feed_prices(struct pipeline *p, const struct wire_prices *rec)
{
	if (p->settings.prices.p != NULL || rec->offset != p->price_file.n)
		return;
	buf_add(&p->price_file, str_make(rec->payload, rec->len));
	if (buf_err(&p->price_file) == 0 && p->price_file.n == rec->total)
		(void)take_prices(p, buf_str(&p->price_file));
}

/* All rules in force come in pieces, before any stack that they are for. */
static void feed_rules(struct pipeline *p, const struct wire_rules *rec)
{
	if (rec->offset != p->rules_text.n)
		return;
	buf_add(&p->rules_text, str_make(rec->payload, rec->len));
	if (buf_err(&p->rules_text) != 0 || p->rules_text.n != rec->total)
		return;
	autodrop(drop_rules) struct rules *r = read_rules(buf_str(&p->rules_text));
	if (r == NULL || !trace_use_rules(p->traces, r))
		return;
	rules_free(p->rules);
	p->rules = take(r);
}

struct pipeline *pipeline_new(const struct pipeline_settings *settings)
{
	autodrop(drop_pipeline) struct pipeline *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->settings = *settings;
	buf_init(&p->line, LIMIT_SPAN_BYTES * 2);
	buf_init(&p->price_file, LIMIT_PRICES_BYTES);
	buf_init(&p->rules_text, LIMIT_RULES_BYTES);
	if (!make_rooms(p)) {
		if (errno == 0)
			errno = ENOMEM;
		return NULL;
	}
	if (settings->prices.p != NULL && take_prices(p, settings->prices) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (settings->decode) {
		struct wire_session s = {
			.head = {.size = sizeof(s), .kind = WIRE_SESSION},
			.version = WIRE_VERSION,
			.mode = WIRE_MODE_DECODE,
		};
		pipeline_feed(p, &s.head);
	}
	return take(p);
}

void pipeline_feed(struct pipeline *p, const struct wire_head *rec)
{
	if (rec->kind == WIRE_SESSION)
		p->digest = ((const struct wire_session *)rec)->options & WIRE_OPT_DIGEST;
	if (!make_flow(p)) {
		p->lost_spans++;
		return;
	}
	if (rec->ts_ns > p->last_ns)
		p->last_ns = rec->ts_ns;
	if (rec->kind == WIRE_END)
		p->ended = true;
	if (rec->kind == WIRE_PRICES)
		feed_prices(p, (const struct wire_prices *)rec);
	if (rec->kind == WIRE_RULES)
		feed_rules(p, (const struct wire_rules *)rec);
	if (rec->kind == WIRE_PROC_EXIT)
		trace_failure_exit(p->traces, proc_find(p->procs, rec->pid, rec->start_ns),
				   (const struct wire_proc_exit *)rec);
	/* A process's end: its connections end first, so that open calls are closed below an open process. */
	if (rec->kind == WIRE_PROC_EXIT || rec->kind == WIRE_PROC_EXEC) {
		flow_feed(p->flow, rec);
		proc_feed(p->procs, rec);
	} else {
		proc_feed(p->procs, rec);
		flow_feed(p->flow, rec);
	}
	mark_feed(p->marks, rec);
	py_feed(p->py,
		rec); /* behind the data that its stacks belong to, and when the calls of a process that ended are told */
	trace_feed(p->traces, rec);
}

static struct str feed_piece(struct pipeline *p, struct flow_conn *c, enum wire_dir dir, struct str data)
{
	size_t n = http_reach(c, dir, str_head(data, PIPELINE_PIECE_BYTES));

	flow_data(p->flow, c, dir, str_head(data, n), 0);
	return str_skip(data, n);
}

/* The beginning of a piece is looked for with all of the piece in sight, so that pieces end where they would if the
 * whole direction was. */
static int fill(struct pipeline_input *in)
{
	return in->fill && in->data.n < PIPELINE_PIECE_BYTES ? in->fill(in->ctx, &in->data) : 0;
}

int pipeline_inputs(struct pipeline *p, struct str server, struct pipeline_input *written,
		    struct pipeline_input *read)
{
	struct flow_conn *c = make_flow(p) ? flow_open(p->flow, NULL, server, 0) : NULL;
	int r = c ? 0 : -ENOMEM;

	while (r == 0) {
		r = fill(written);
		if (r == 0)
			r = fill(read);
		if (r < 0 || (written->data.n == 0 && read->data.n == 0))
			break;
		if (written->data.n > 0 && !(read->data.n > 0 && http_awaits_answer(c)))
			written->data = feed_piece(p, c, WIRE_WRITE, written->data);
		else
			read->data = feed_piece(p, c, WIRE_READ, read->data);
	}
	if (c)
		flow_close(p->flow, c, 0);
	return r;
}

struct flow_conn *pipeline_open(struct pipeline *p, struct str server)
{
	return make_flow(p) ? flow_open(p->flow, NULL, server, 0) : NULL;
}

void pipeline_data(struct pipeline *p, struct flow_conn *c, enum wire_dir dir, struct str data)
{
	while (data.n > 0)
		data = feed_piece(p, c, dir, data);
}

void pipeline_close(struct pipeline *p, struct flow_conn *c)
{
	flow_close(p->flow, c, 0);
}

struct genai_pipe *pipeline_pipe_open(struct pipeline *p, struct flow_conn **conn)
{
	*conn = pipeline_open(p, STR_NONE);
	return *conn ? genai_pipe_new(p->genai, *conn) : NULL;
}

void pipeline_pipe_close(struct pipeline *p, struct genai_pipe *pipe, struct flow_conn *conn)
{
	genai_pipe_free(pipe, HTTP_END_SESSION, 0);
	flow_close(p->flow, conn, 0);
}

int pipeline_connection(struct pipeline *p, struct str server, struct str written, struct str read)
{
	struct pipeline_input up = {.data = written}, down = {.data = read};

	return pipeline_inputs(p, server, &up, &down);
}

int pipeline_finish(struct pipeline *p, bool cut)
{
	p->cut = cut;
	if (!make_flow(p))
		return -ENOMEM;
	if (!p->ended && !p->settings.decode) {
		struct wire_end e = {
			.head = {.size = sizeof(e), .kind = WIRE_END, .ts_ns = p->last_ns},
			.why = WIRE_END_ATTACHER,
		};
		pipeline_feed(p, &e.head);
	}
	mark_finish(p->marks);
	trace_finish(p->traces, p->procs, p->flow, cut);
	return store_finish(p->store);
}

struct view_session pipeline_session(struct pipeline *p)
{
	return (struct view_session){
		.traces = p->traces,
		.procs = p->procs,
		.flow = p->flow,
		.store = p->store,
		.guard = p->guard,
		.digest = p->digest,
		.no_times = p->settings.decode,
	};
}

int pipeline_state(struct pipeline *p, uint32_t pid, uint64_t now_ns, struct buf *out)
{
	autodrop(buf_fini) struct buf raw;

	buf_init(&raw, 2 * TRACE_STATE_BYTES);
	int r = trace_state(p->traces, pid, now_ns, &raw);
	return r < 0 ? r : guard_json(p->guard, buf_str(&raw), out);
}

bool pipeline_complete(const struct pipeline *p)
{
	if (p->cut || p->lost_spans > 0)
		return false;
	for (const struct trace *t = trace_next(p->traces, NULL); t != NULL; t = trace_next(p->traces, t))
		if (!t->complete)
			return false;
	return true;
}

void pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	http_free(p->http);
	genai_free(p->genai);
	flow_free(p->flow);
	mark_free(p->marks);
	proc_free(p->procs);
	trace_free(p->traces); /* gives its stacks back */
	py_free(p->py);
	store_free(p->store);
	guard_free(p->guard);
	genai_prices_free(p->prices);
	rules_free(p->rules);
	buf_fini(&p->rules_text);
	buf_fini(&p->price_file);
	buf_fini(&p->line);
	free(p);
}
