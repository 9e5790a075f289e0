/* SPDX-License-Identifier: BSD-2-Clause */
/* The document, from a session played by this file: its trace set, processes and connections are tables here. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

/* ---- the rooms behind view, played ---- */

static struct trace traces[3];
static size_t trace_count;
static struct proc procs[3];
static size_t proc_count;
static struct flow_conn conns[3];
static size_t conn_count;

const struct trace *trace_next(const struct trace_set *t, const struct trace *after)
{
	size_t i = after ? (size_t)(after - traces) + 1 : 0;

	(void)t;
	return i < trace_count ? &traces[i] : NULL;
}

uint32_t trace_of_proc(const struct trace_set *t, const struct proc *p)
{
	(void)t;
	return p == &procs[2] ? 1 : 0;
}

int64_t trace_utc_offset(const struct trace_set *t)
{
	(void)t;
	return 1000000000000000000;
}

uint64_t trace_session_site_ns(const struct trace_set *t)
{
	(void)t;
	return 1900;
}

struct proc *proc_next(const struct proc_table *t, const struct proc *after)
{
	size_t i = after ? (size_t)(after - procs) + 1 : 0;

	(void)t;
	return i < proc_count ? &procs[i] : NULL;
}

struct flow_conn *flow_next(const struct flow *f, const struct flow_conn *after)
{
	size_t i = after ? (size_t)(after - conns) + 1 : 0;

	(void)f;
	return i < conn_count ? &conns[i] : NULL;
}

/* ---- help ---- */

static struct str argv[] = {STR("/usr/bin/python3"), STR("a.py"), STR("--api-key"), STR("hunter2")};
static struct proc_blind blind = {.what = STR("grpc"), .why = STR("static BoringSSL without symbols")};

static void play(void)
{
	memset(traces, 0, sizeof(traces));
	memset(procs, 0, sizeof(procs));
	memset(conns, 0, sizeof(conns));
	trace_count = 1;
	proc_count = 2;
	conn_count = 2;
	procs[0] = (struct proc){.pid = 10,
				 .start_ns = 77,
				 .seq = 1,
				 .parent_pid = 9,
				 .exe = STR("/usr/bin/python3"),
				 .argv = argv,
				 .argc = 4,
				 .blind = &blind};
	procs[1] = (struct proc){.pid = 11,
				 .start_ns = 78,
				 .seq = 2,
				 .parent = &procs[0],
				 .parent_pid = 10,
				 .end_ns = 900,
				 .exit_signal = 9,
				 .fact_flags = WIRE_FACT_TLS};
	procs[2] = (struct proc){.pid = 12, .start_ns = 79, .seq = 3, .end_ns = 5, .exit_code = 3};
	conns[0] = (struct flow_conn){.id = 1,
				      .proc = &procs[0],
				      .server = STR("api.anthropic.com"),
				      .local = "10.0.0.7:51822",
				      .peer = "160.79.104.10:443",
				      .tls = STR("libssl.so.3")};
	conns[0].side[WIRE_WRITE] =
		(struct flow_side){.calls = 2, .calls_kept = 2, .bytes = 100, .kept = 100};
	conns[0].side[WIRE_READ] = (struct flow_side){.calls = 5,
						      .calls_kept = 3,
						      .calls_queue_full = 1,
						      .bytes = 60,
						      .kept = 40,
						      .missing = 15,
						      .skipped = 5};
	conns[1] =
		(struct flow_conn){.id = 2, .proc = &procs[1], .transport = WIRE_PIPE, .path = STR("/run/x")};
	traces[0] = (struct trace){.id = "0123456789abcdef0123456789abcdef",
				   .until_ns = 901,
				   .root_rule = "run",
				   .start_ns = 5,
				   .status = TRACE_STATUS_OPEN,
				   .complete = true,
				   .in_flight = 1,
				   .queue_full_calls = 1,
				   .counts_known = true};
	struct wire_counts *c = &traces[0].counts;
	c->entered = 12;
	c->returned = 10;
	c->abandoned = 1;
	c->empty = 3;
	c->sent = 6;
	c->lost[WIRE_CAUSE_RING_FULL] = 1;
	c->bytes_seen = 160;
	c->events_sent = 8;
	c->events_lost[WIRE_CAUSE_MAP_FULL] = 2;
}

static int to_buf(void *ctx, struct str piece)
{
	buf_add(ctx, piece);
	return buf_err(ctx);
}

struct stage {
	struct view_session v;
	struct buf b;
};

static void open_stage(struct stage *s)
{
	s->v = (struct view_session){.store = store_new(NULL), .guard = guard_new()};
	buf_init(&s->b, 1 << 24);
}

static void close_stage(struct stage *s)
{
	store_free(s->v.store);
	guard_free(s->v.guard);
	buf_fini(&s->b);
}

static void add_span(struct stage *s, uint64_t id, uint64_t parent, uint32_t trace, uint64_t start_ns,
		     uint32_t seq)
{
	struct trace_span span = {.id = id,
				  .parent = parent,
				  .trace = trace,
				  .kind = "http",
				  .name = STR("x"),
				  .start_ns = start_ns,
				  .seq = seq};
	struct buf line;

	buf_init(&line, 1 << 20);
	assert_int_equal(guard_span(s->v.guard, &span, 0, true, &line), 0);
	assert_int_equal(store_add(s->v.store, &span, buf_str(&line)), 0);
	buf_fini(&line);
}

static int64_t number(const struct json *j, const char *a, const char *b, const char *c)
{
	int64_t n = -1;

	assert_true(json_i64(json_path(j, a, b, c, NULL), &n));
	return n;
}

/* ---- tests ---- */

#define REST                                                                                          \
	"\"task\":null,\"source\":null,\"stack\":null,\"link\":null,\"attributes\":{},\"events\":[]," \
	"\"gaps\":[]}"
#define SPAN(id, parent, n)                                                                               \
	"{\"id\":\"000000000000000" id "\",\"parent\":" parent ",\"n\":" n                                \
	",\"kind\":\"http\",\"name\":\"x\",\"start\":null,"                                               \
	"\"end\":null,\"duration_ns\":null,\"time\":\"observed\",\"status\":{\"code\":\"open\",\"type\":" \
	"null,\"message\":null},"                                                                         \
	"\"pid\":null,\"tid\":null," REST

#define HEAD                                                                                                 \
	"{\"schema\":\"bottrace.v1.trace\",\"trace_id\":\"0123456789abcdef0123456789abcdef\","               \
	"\"start\":\"2001-09-09T01:46:40.000000005Z\",\"end\":null,\"observed_until\":\"2001-09-09T01:46:"   \
	"40.000000901Z\",\"root_rule\":\"run\",\"session\":null,"                                            \
	"\"status\":\"open\",\"complete\":true,\"ledger\":{\"calls\":{\"seen\":9,\"kept\":5,\"fault\":0,"    \
	"\"ring_full\":1,"                                                                                   \
	"\"queue_full\":1,\"map_full\":0,\"throttled\":0,\"filtered\":0,\"sampled_out\":0,\"in_flight\":1,"  \
	"\"abandoned\":1,\"empty\":3},\"bytes\":{\"seen\":160,\"kept\":140,\"missing\":15,\"skipped\":5},"   \
	"\"events\":{\"seen\":10,\"kept\":8,\"fault\":0,\"ring_full\":0,\"queue_full\":0,\"map_full\":2,"    \
	"\"throttled\":0,"                                                                                   \
	"\"filtered\":0,\"sampled_out\":0,\"in_flight\":0,\"abandoned\":0,\"empty\":0},"                     \
	"\"added\":{\"calls\":12,\"ns_per_call\":1900,\"how\":\"hits \xc3\x97 the cost of each site, "       \
	"calibrated at attach\"}},"                                                                          \
	"\"connections\":[{\"id\":1,\"pid\":10,\"server\":\"api.anthropic.com\",\"local\":\"10.0.0.7:"       \
	"51822\","                                                                                           \
	"\"peer\":\"160.79.104.10:443\",\"tls\":\"libssl.so.3\",\"transport\":\"tls\",\"path\":null,"        \
	"\"write\":{\"calls\":2,\"bytes\":100,"                                                              \
	"\"missing\":0,\"skipped\":0},"                                                                      \
	"\"read\":{\"calls\":5,\"bytes\":60,\"missing\":15,\"skipped\":5}},{\"id\":2,\"pid\":11,\"server\":" \
	"null,"                                                                                              \
	"\"local\":null,"                                                                                    \
	"\"peer\":null,\"tls\":null,\"transport\":\"pipe\",\"path\":\"/run/"                                 \
	"x\",\"write\":{\"calls\":0,\"bytes\":0,\"missing\":0,\"skipped\":0},"                               \
	"\"read\":{\"calls\":0,\"bytes\":0,\"missing\":0,\"skipped\":0}}],"                                  \
	"\"processes\":[{\"pid\":10,\"start_ns\":77,\"parent_pid\":9,\"exe\":\"/usr/bin/python3\","          \
	"\"argv\":[\"/usr/bin/"                                                                              \
	"python3\",\"a.py\",\"--api-key\",\"[redacted:api-key]\"],\"end\":null,\"exit\":null,"               \
	"\"sees\":[\"tls\",\"python\"],\"blind\":[{\"what\":\"grpc\",\"why\":\"static BoringSSL without "    \
	"symbols\"}]},"                                                                                      \
	"{\"pid\":11,\"start_ns\":78,\"parent_pid\":10,\"exe\":null,\"argv\":null,"                          \
	"\"end\":\"2001-09-09T01:46:40.000000900Z\",\"exit\":{\"code\":null,\"signal\":9},\"sees\":["        \
	"\"tls\"],\"blind\":[]}]"

static void whole_document(void **state)
{
	struct stage s;

	(void)state;
	play();
	open_stage(&s);
	add_span(&s, 2, 1, 0, 9, 1);
	add_span(&s, 1, 0, 0, 5, 2);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	HARNESS_TEXT("document", buf_str(&s.b),
		     HEAD
		     ",\"spans\":[" SPAN("1", "null", "1") "," SPAN("2", "\"0000000000000001\"", "2") "]}\n");
	buf_clear(&s.b);
	assert_int_equal(view_lines(&s.v, to_buf, &s.b), 0);
	HARNESS_TEXT("lines", buf_str(&s.b),
		     SPAN("1", "null", "1") "\n" SPAN("2", "\"0000000000000001\"", "2") "\n" HEAD "}\n");
	buf_clear(&s.b);
	/* Both were written before with their seq: 2 and 1. */
	assert_int_equal(view_corrections(&s.v, to_buf, &s.b), 0);
	HARNESS_TEXT("corrections", buf_str(&s.b),
		     SPAN("1", "null", "1") "\n" SPAN("2", "\"0000000000000001\"", "2") "\n" HEAD "}\n");
	close_stage(&s);
}

/* calls.seen = kept + every cause + in_flight + abandoned; bytes.seen = kept + missing + skipped. */
static void equations(void **state)
{
	static const char *const words[] = {"kept",	 "fault",     "ring_full", "queue_full",
					    "map_full",	 "throttled", "filtered",  "sampled_out",
					    "in_flight", "abandoned"};
	struct arena *a = arena_new(1 << 24);
	struct stage s;
	int64_t calls = 0, events = 0, conn_bytes = 0;

	(void)state;
	play();
	open_stage(&s);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	const struct json *j = json_parse(a, buf_str(&s.b), NULL);
	assert_true(view_is_document(j));
	for (size_t i = 0; i < 10; i++) {
		calls += number(j, "ledger", "calls", words[i]);
		events += number(j, "ledger", "events", words[i]);
	}
	assert_int_equal(calls, number(j, "ledger", "calls", "seen"));
	assert_int_equal(events, number(j, "ledger", "events", "seen"));
	for (const struct json *c = json_first(json_get(j, "connections")); c; c = json_next(c)) {
		int64_t r, w;

		assert_true(json_i64(json_path(c, "read", "bytes", NULL), &r));
		assert_true(json_i64(json_path(c, "write", "bytes", NULL), &w));
		conn_bytes += r + w;
	}
	assert_int_equal(conn_bytes, number(j, "ledger", "bytes", "seen"));
	assert_int_equal(number(j, "ledger", "bytes", "seen"),
			 number(j, "ledger", "bytes", "kept") + number(j, "ledger", "bytes", "missing") +
				 number(j, "ledger", "bytes", "skipped"));
	close_stage(&s);
	arena_free(a);
}

/* Without the kernel's counters: what only they know is null, the rest is what arrived. */
static void sampled(void **state)
{
	struct stage s;
	(void)state;

	play();
	open_stage(&s);
	assert_int_equal(store_finish(s.v.store), 0);
	traces[0].sample_n = 1; /* all */
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	assert_false(str_has(buf_str(&s.b), STR("sampled\"")));
	buf_clear(&s.b);
	traces[0].sample_n = UINT32_MAX;
	traces[0].sampled_out = true;
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	assert_true(
		str_has(buf_str(&s.b), STR("\"sampled\":\"1/4294967295\",\"sampled_out\":true,\"ledger\":")));
	close_stage(&s);
}

static void without_final_counters(void **state)
{
	struct arena *a = arena_new(1 << 24);
	struct stage s;

	(void)state;
	play();
	traces[0].counts_known = false;
	traces[0].complete = false;
	open_stage(&s);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	const struct json *j = json_parse(a, buf_str(&s.b), NULL),
			  *calls = json_path(j, "ledger", "calls", NULL);
	assert_int_equal(number(j, "ledger", "calls", "seen"), 7);
	assert_int_equal(number(j, "ledger", "calls", "kept"), 5);
	assert_int_equal(number(j, "ledger", "calls", "queue_full"), 1);
	assert_int_equal(number(j, "ledger", "calls", "tracer_down"), 1);
	assert_int_equal(json_type(json_get(calls, "fault")), JSON_NULL);
	assert_int_equal(json_type(json_get(calls, "in_flight")), JSON_NULL);
	assert_int_equal(number(j, "ledger", "bytes", "seen"), 160);
	assert_int_equal(number(j, "ledger", "bytes", "missing"), 15);
	close_stage(&s);
	arena_free(a);
}

static void decode_has_no_clock_and_no_pids(void **state)
{
	struct stage s;

	(void)state;
	play();
	proc_count = 0;
	conn_count = 1;
	conns[0].proc = NULL;
	traces[0] = (struct trace){
		.id = "0", .root_rule = "decode", .start_ns = 5, .status = TRACE_STATUS_OK, .complete = true};
	open_stage(&s);
	s.v.no_times = true;
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	assert_true(
		str_has(buf_str(&s.b),
			STR("\"start\":null,\"end\":null,\"observed_until\":null,\"root_rule\":\"decode\"")));
	assert_true(str_has(buf_str(&s.b), STR("{\"id\":1,\"pid\":null,")));
	assert_true(str_has(buf_str(&s.b), STR("\"fault\":0,")));
	assert_true(str_has(buf_str(&s.b), STR("\"added\":{\"calls\":0,\"ns_per_call\":0,")));
	close_stage(&s);
}

static void several_traces(void **state)
{
	struct arena *a = arena_new(1 << 24);
	struct stage s;

	(void)state;
	play();
	trace_count = 2;
	proc_count = 3;
	conn_count = 3;
	conns[2] = (struct flow_conn){.id = 3, .proc = &procs[2]};
	traces[1] = (struct trace){
		.index = 1, .id = "1", .root_rule = "process", .status = TRACE_STATUS_ERROR, .end_ns = 7};
	open_stage(&s);
	add_span(&s, 3, 0, 1, 1, 1);
	add_span(&s, 1, 0, 0, 2, 1);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, to_buf, &s.b), 0);
	const struct json *j = json_parse(a, buf_str(&s.b), NULL);
	assert_true(view_is_document(j));
	assert_true(json_is(json_get(j, "schema"), "bottrace.v1.traces"));
	assert_int_equal(json_count(json_get(j, "traces")), 2);
	assert_int_equal(json_count(json_path(j, "traces", "0", "connections", NULL)), 2);
	assert_int_equal(json_count(json_path(j, "traces", "1", "connections", NULL)), 1);
	assert_int_equal(json_count(json_path(j, "traces", "1", "processes", NULL)), 1);
	assert_int_equal(json_count(json_path(j, "traces", "0", "spans", NULL)), 1);
	assert_true(json_is(json_path(j, "traces", "1", "spans", "0", "id", NULL), "0000000000000003"));
	assert_true(json_is(json_path(j, "traces", "1", "status", NULL), "error"));
	close_stage(&s);
	arena_free(a);
}

static int refuse(void *ctx, struct str piece)
{
	(void)ctx;
	(void)piece;
	return -ENOSPC;
}

static void the_writer_may_refuse(void **state)
{
	struct stage s;

	(void)state;
	play();
	open_stage(&s);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, refuse, NULL), -ENOSPC);
	close_stage(&s);
}

struct pieces {
	struct buf all;
	size_t longest;
};

static int gather(void *ctx, struct str piece)
{
	struct pieces *p = ctx;

	p->longest = piece.n > p->longest ? piece.n : p->longest;
	buf_add(&p->all, piece);
	return buf_err(&p->all);
}

/* A line of several MiB is never held whole. */
static void long_lines_go_in_pieces(void **state)
{
	struct trace_span span = {.id = 1, .kind = "http", .seq = 2};
	struct pieces p = {0};
	struct buf line, want;
	struct stage s;

	(void)state;
	play();
	open_stage(&s);
	buf_init(&p.all, 1 << 24);
	buf_init(&line, 1 << 24);
	buf_init(&want, 1 << 24);
	buf_add(&line, STR("{\"id\":\"0000000000000001\",\"parent\":null"));
	buf_add(&want, buf_str(&line));
	buf_add(&want, STR(",\"n\":1"));
	size_t same = line.n;
	for (unsigned i = 0; line.n < 3000001; i++)
		buf_addf(&line, ",\"%u\":%u", i, i);
	buf_add_char(&line, '}');
	buf_add(&want, str_skip(buf_str(&line), same));
	assert_int_equal(store_add(s.v.store, &span, buf_str(&line)), 0);
	assert_int_equal(store_finish(s.v.store), 0);
	assert_int_equal(view_document(&s.v, gather, &p), 0);
	assert_true(str_has(buf_str(&p.all), buf_str(&want)));
	assert_true(p.longest < 600000);
	buf_clear(&p.all);
	assert_int_equal(view_lines(&s.v, gather, &p), 0);
	assert_true(str_starts(buf_str(&p.all), buf_str(&want)));
	buf_clear(&p.all);
	assert_int_equal(view_corrections(&s.v, gather, &p), 0);
	assert_true(str_starts(buf_str(&p.all), buf_str(&want)));
	buf_fini(&p.all);
	buf_fini(&line);
	buf_fini(&want);
	close_stage(&s);
}

static void every_failed_allocation(void **state)
{
	unsigned long n = 0;
	bool failed;

	(void)state;
	play();
	do {
		struct stage s;

		open_stage(&s);
		add_span(&s, 1, 0, 0, 2, 1);
		assert_int_equal(store_finish(s.v.store), 0);
		harness_fail_alloc(++n);
		int r = view_document(&s.v, to_buf, &s.b);
		failed = harness_alloc_failed();
		harness_fail_alloc(0);
		if (r == 0 && !failed)
			assert_true(str_ends(buf_str(&s.b), STR("]}\n")));
		/* A text that could not be cleaned is replaced; anything else is said. */
		if (r == 0 && failed)
			assert_true(str_has(buf_str(&s.b), STR("[redacted:memory]")));
		close_stage(&s);
	} while (failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_document),
		cmocka_unit_test(equations),
		cmocka_unit_test(without_final_counters),
		cmocka_unit_test(decode_has_no_clock_and_no_pids),
		cmocka_unit_test(sampled),
		cmocka_unit_test(several_traces),
		cmocka_unit_test(the_writer_may_refuse),
		cmocka_unit_test(long_lines_go_in_pieces),
		cmocka_unit_test(every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
