/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts of one trace, its connections and processes as docs/trace.md has them. */
#include "view/record.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/text.h"

/* Words of the ledger in the document's order; `kept` stands before them, in_flight, abandoned and empty behind. */
static const struct {
	const char *word;
	enum wire_cause cause;
} causes[] = {
	{"fault", WIRE_CAUSE_FAULT},
	{"ring_full", WIRE_CAUSE_RING_FULL},
	{"queue_full", WIRE_CAUSE_QUEUE_FULL},
	{"map_full", WIRE_CAUSE_MAP_FULL},
	{"throttled", WIRE_CAUSE_THROTTLED},
	{"filtered", WIRE_CAUSE_FILTERED},
	{"sampled_out", WIRE_CAUSE_SAMPLED_OUT},
};

#define CAUSES (sizeof(causes) / sizeof(causes[0]))

struct account {
	uint64_t seen, kept, lost[WIRE_CAUSES], in_flight, abandoned, empty;
	uint64_t down; /* missing for a cause that nobody is left to tell */
	bool unknown;  /* the kernel's counters never came: what only they know is null */
};

static void add_time(struct jsonw *w, const struct view_session *v, uint64_t ns)
{
	char z[32];

	if (v->no_times || ns == 0) {
		jsonw_null(w);
		return;
	}
	text_clock(ns, trace_utc_offset(v->traces), z);
	jsonw_z(w, z);
}

static void known(struct jsonw *w, const struct account *a, const char *word, uint64_t n)
{
	jsonw_key(w, word);
	if (a->unknown)
		jsonw_null(w);
	else
		jsonw_u64(w, n);
}

static void write_account(struct jsonw *w, const char *name, const struct account *a)
{
	jsonw_object(jsonw_key(w, name));
	jsonw_u64(jsonw_key(w, "seen"), a->seen);
	jsonw_u64(jsonw_key(w, "kept"), a->kept);
	for (size_t i = 0; i < CAUSES; i++) {
		if (causes[i].cause == WIRE_CAUSE_QUEUE_FULL)
			jsonw_u64(jsonw_key(w, "queue_full"), a->lost[WIRE_CAUSE_QUEUE_FULL]);
		else
			known(w, a, causes[i].word, a->lost[causes[i].cause]);
	}
	known(w, a, "in_flight", a->in_flight);
	known(w, a, "abandoned", a->abandoned);
	known(w, a, "empty", a->empty);
	if (a->down)
		jsonw_u64(jsonw_key(w, "tracer_down"), a->down);
	jsonw_object_end(w);
}

struct flow_sum {
	uint64_t calls, calls_kept, calls_queue_full, bytes, kept, skipped;
};

static struct flow_sum add_sides(const struct record_roster *r, uint32_t trace)
{
	struct flow_sum s = {0};

	for (size_t i = r->conn_from[trace]; i < r->conn_from[trace + 1]; i++)
		for (int d = 0; d < WIRE_DIRS; d++) {
			const struct flow_side *side = &r->conns[i]->side[d];

			s.calls += side->calls;
			s.calls_kept += side->calls_kept;
			s.calls_queue_full += side->calls_queue_full;
			s.bytes += side->bytes;
			s.kept += side->kept;
			s.skipped += side->skipped;
		}
	return s;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* From the kernel's counters: entered = empty + sent + lost + in_flight + abandoned. */
static struct account count_calls(const struct trace *t)
{
	const struct wire_counts *c = &t->counts;
	struct account a = {.in_flight = t->in_flight, .abandoned = c->abandoned, .empty = c->empty};

	a.seen = minus(c->entered, c->empty);
	a.kept = minus(c->sent, t->queue_full_calls);
	for (int i = 0; i < WIRE_CAUSES; i++)
		a.lost[i] = c->lost[i];
	a.lost[WIRE_CAUSE_QUEUE_FULL] += t->queue_full_calls;
	return a;
}

static struct account count_calls_without_kernel(const struct flow_sum *s, bool decode)
{
	struct account a = {.seen = s->calls, .kept = s->calls_kept, .unknown = !decode};

	a.lost[WIRE_CAUSE_QUEUE_FULL] = s->calls_queue_full;
	a.down = minus(s->calls, s->calls_kept + s->calls_queue_full);
	return a;
}

static struct account count_events(const struct trace *t, bool decode)
{
	struct account a = {.seen = t->counts.events_sent, .kept = t->counts.events_sent};

	for (int i = 0; i < WIRE_CAUSES; i++) {
		a.lost[i] = t->counts.events_lost[i];
		a.seen += a.lost[i];
	}
	a.unknown = !t->counts_known && !decode;
	return a;
}

static void write_bytes(struct jsonw *w, const struct trace *t, const struct flow_sum *s)
{
	uint64_t seen = t->counts_known ? t->counts.bytes_seen : s->bytes;

	jsonw_object(jsonw_key(w, "bytes"));
	jsonw_u64(jsonw_key(w, "seen"), seen);
	jsonw_u64(jsonw_key(w, "kept"), s->kept);
	jsonw_u64(jsonw_key(w, "missing"), minus(seen, s->kept + s->skipped));
	jsonw_u64(jsonw_key(w, "skipped"), s->skipped);
	jsonw_object_end(w);
}

static void write_ledger(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
			 const struct trace *t)
{
	struct flow_sum sum = add_sides(r, t->index);
	bool decode = v->no_times;
	struct account calls = t->counts_known ? count_calls(t) : count_calls_without_kernel(&sum, decode);
	struct account events = count_events(t, decode);
	uint64_t hits = t->counts_known ? t->counts.entered : calls.seen + calls.empty;

	jsonw_object(jsonw_key(w, "ledger"));
	write_account(w, "calls", &calls);
	write_bytes(w, t, &sum);
	write_account(w, "events", &events);
	jsonw_object(jsonw_key(w, "added"));
	jsonw_u64(jsonw_key(w, "calls"), decode ? 0 : hits);
	jsonw_u64(jsonw_key(w, "ns_per_call"), decode ? 0 : trace_session_site_ns(v->traces));
	jsonw_z(jsonw_key(w, "how"), decode ? "decoded from recorded bytes: nothing was traced"
					    : "hits \xc3\x97 the cost of each site, calibrated at attach");
	jsonw_object_end(w);
	jsonw_object_end(w);
}

static const char *status_word(enum trace_status s)
{
	return s == TRACE_STATUS_OK ? "ok" : s == TRACE_STATUS_OPEN ? "open" : "error";
}

/* What --keep did. */
static void write_kept(struct jsonw *w, const struct trace *t)
{
	autodrop(buf_fini) struct buf rules = {0};

	buf_init(&rules, 256);
	trace_rules_format(&rules, &t->rules);
	jsonw_object(jsonw_key(w, "kept"));
	jsonw_str(jsonw_key(w, "rules"), buf_str(&rules));
	jsonw_u64(jsonw_key(w, "spans_dropped"), t->spans_dropped);
	jsonw_object_end(w);
}

static void write_text(struct jsonw *w, const struct view_session *v, struct str s)
{
	if (s.n == 0)
		jsonw_null(w);
	else
		jsonw_str(w, guard_text(v->guard, s));
}

void record_facts(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
		  const struct trace *t)
{
	jsonw_z(jsonw_key(w, "schema"), "bottrace.v1.trace");
	jsonw_z(jsonw_key(w, "trace_id"), t->id);
	jsonw_key(w, "start");
	add_time(w, v, t->start_ns);
	jsonw_key(w, "end");
	add_time(w, v, t->end_ns);
	jsonw_key(w, "observed_until");
	add_time(w, v, t->until_ns);
	jsonw_z(jsonw_key(w, "root_rule"), t->root_rule);
	write_text(jsonw_key(w, "session"), v, t->session);
	jsonw_z(jsonw_key(w, "status"), status_word(t->status));
	jsonw_bool(jsonw_key(w, "complete"), t->complete && store_lost(v->store) == 0);
	if (t->light)
		jsonw_bool(jsonw_key(w, "light"), true);
	if (trace_rules_has_any(&t->rules))
		write_kept(w, t);
	if (t->sample_n > 1) {
		char sampled[24];

		snprintf(sampled, sizeof(sampled), "1/%u", t->sample_n);
		jsonw_z(jsonw_key(w, "sampled"), sampled);
		jsonw_bool(jsonw_key(w, "sampled_out"), t->sampled_out);
	}
	write_ledger(w, v, r, t);
}

/* ---- connections ---- */

static void write_side(struct jsonw *w, const char *name, const struct flow_side *s, bool digest)
{
	char hex[65];

	jsonw_object(jsonw_key(w, name));
	jsonw_u64(jsonw_key(w, "calls"), s->calls);
	jsonw_u64(jsonw_key(w, "bytes"), s->bytes);
	jsonw_u64(jsonw_key(w, "missing"), s->missing);
	jsonw_u64(jsonw_key(w, "skipped"), s->skipped);
	if (digest && s->sha) {
		hash_sha_hex(s->sha, hex);
		jsonw_z(jsonw_key(w, "sha256"), hex);
	}
	jsonw_object_end(w);
}

static const char *const transports[WIRE_TRANSPORTS] = {
	[WIRE_TLS] = "tls", [WIRE_TCP] = "tcp", [WIRE_UNIX] = "unix", [WIRE_PIPE] = "pipe"};

void record_connection(struct jsonw *w, const struct view_session *v, const struct flow_conn *c)
{
	jsonw_object(w);
	jsonw_u64(jsonw_key(w, "id"), c->id);
	jsonw_key(w, "pid");
	if (c->proc && c->proc->pid && !v->no_times)
		jsonw_u64(w, c->proc->pid);
	else
		jsonw_null(w);
	write_text(jsonw_key(w, "server"), v, c->server);
	write_text(jsonw_key(w, "local"), v, str_of(c->local));
	write_text(jsonw_key(w, "peer"), v, str_of(c->peer));
	write_text(jsonw_key(w, "tls"), v, c->tls);
	jsonw_key(w, "transport");
	if (v->no_times) /* a recording does not say */
		jsonw_null(w);
	else
		jsonw_z(w, transports[c->transport]);
	write_text(jsonw_key(w, "path"), v, c->path);
	write_side(w, "write", &c->side[WIRE_WRITE], v->digest);
	write_side(w, "read", &c->side[WIRE_READ], v->digest);
	jsonw_object_end(w);
}

/* ---- processes ---- */

static bool is_python(const struct proc *p)
{
	const char *slash = p->exe.n ? memrchr(p->exe.p, '/', p->exe.n) : NULL;
	struct str base = slash ? str_skip(p->exe, (size_t)(slash + 1 - p->exe.p)) : p->exe;

	return (p->fact_flags & WIRE_FACT_PYTHON) || str_starts(base, STR("python"));
}

static void write_exit(struct jsonw *w, const struct proc *p)
{
	jsonw_key(w, "exit");
	if (p->end_ns == 0) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_key(w, "code");
	if (p->exit_signal)
		jsonw_null(w);
	else
		jsonw_i64(w, p->exit_code);
	jsonw_key(w, "signal");
	if (p->exit_signal)
		jsonw_i64(w, p->exit_signal);
	else
		jsonw_null(w);
	jsonw_object_end(w);
}

static void write_sight(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
			const struct proc *p)
{
	jsonw_array(jsonw_key(w, "sees"));
	if ((p->fact_flags & WIRE_FACT_TLS) || (p->seq < r->talks_count && r->talks[p->seq]))
		jsonw_z(w, "tls");
	if (is_python(p))
		jsonw_z(w, "python");
	jsonw_array_end(w);
	jsonw_array(jsonw_key(w, "blind"));
	for (const struct proc_blind *b = p->blind; b; b = b->next) {
		jsonw_object(w);
		write_text(jsonw_key(w, "what"), v, b->what);
		write_text(jsonw_key(w, "why"), v, b->why);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void record_process(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
		    const struct proc *p)
{
	jsonw_object(w);
	jsonw_u64(jsonw_key(w, "pid"), p->pid);
	jsonw_u64(jsonw_key(w, "start_ns"), p->start_ns);
	jsonw_key(w, "parent_pid");
	if (p->parent_pid)
		jsonw_u64(w, p->parent_pid);
	else
		jsonw_null(w);
	write_text(jsonw_key(w, "exe"), v, p->exe);
	jsonw_key(w, "argv");
	if (p->argv)
		guard_argv(v->guard, w, p->argv, p->argc);
	else
		jsonw_null(w);
	jsonw_key(w, "end");
	add_time(w, v, p->end_ns);
	write_exit(w, p);
	write_sight(w, v, r, p);
	jsonw_object_end(w);
}
