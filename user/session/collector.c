/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/collector.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "pipeline.h"
#include "session/desk.h"
#include "session/message.h"
#include "session/output.h"
#include "session/ruleset.h"
#include "session/verdict.h"

#define BATCH_RECORDS 512
#define TICK_MS	      1000
#define RETRY_MS      100
/* While the session runs. It takes little time, but what it takes it must have soon: on a busy machine the queue is full
 * within a tenth of a second of large writes (seen: 16 of 16 MiB under a load of 11 on 2 cores; 50 MB of 268 lost at 0,
 * none at -10). Without the right to it nothing is lost but this. */
#define WORKER_NICE (-10)
#define TEXT_PIECE  16384u

struct collector {
	const struct session_settings *settings;
	struct collector_sockets sockets;
	struct message *message;
	struct pipeline *pipeline;
	struct drain *drain;
	struct drain_tape *tape;
	struct wire_shared *shared;
	struct wire_verdict *verdicts;
	struct output_live *live;
	struct desk *desk; /* NULL: nobody can ask */
	int64_t utc_offset_ns;
	uint64_t last_ns; /* newest record or tick */
	uint64_t records; /* since the last tick */
	bool text_waits;  /* for a slow reader of live lines */
	bool detached;	  /* the ring is drained to its end */
	bool over;	  /* WIRE_END was fed */
};

static void feed_keep(struct collector *c, uint64_t ts_ns);
static void feed(void *ctx, const struct wire_head *rec);

/* A text that shapes the document is on the tape, in pieces: WIRE_PRICES and WIRE_RULES are of one form. */
static void feed_text(struct collector *c, uint32_t kind, struct str text, uint64_t ts_ns)
{
	_Static_assert(sizeof(struct wire_rules) == sizeof(struct wire_prices), "one form");
	union {
		struct wire_prices p;
		uint64_t align;
		char bytes[sizeof(struct wire_prices) + TEXT_PIECE];
	} rec;

	for (size_t at = 0; at < text.n; at += TEXT_PIECE) {
		struct str piece = str_head(str_skip(text, at), TEXT_PIECE);

		memset(&rec, 0, sizeof(rec));
		rec.p = (struct wire_prices){
			.head = {.size = (uint32_t)(sizeof(rec.p) + ((piece.n + 7) & ~7ul)),
				 .kind = kind,
				 .ts_ns = ts_ns},
			.total = (uint32_t)text.n,
			.offset = (uint32_t)at,
			.len = (uint32_t)piece.n,
		};
		memcpy(rec.bytes + sizeof(rec.p), piece.p, piece.n);
		feed(c, &rec.p.head);
	}
}

/* The built-in ones too: another version, whose table is another one, reads the tape as this one did. */
static void feed_rules(struct collector *c, uint64_t ts_ns)
{
	autodrop(buf_fini) struct buf text = {0};

	if (c->settings->stacks && ruleset_text(buf_str(&c->settings->rules), &text) == 0)
		feed_text(c, WIRE_RULES, buf_str(&text), ts_ns);
}

/* Everything that shapes the document goes through here, so that the tape has it all, in this order. */
static void feed(void *ctx, const struct wire_head *rec)
{
	struct collector *c = ctx;

	if (c->tape)
		drain_tape_feed(c->tape, rec);
	c->records++;
	if (rec->ts_ns > c->last_ns)
		c->last_ns = rec->ts_ns;
	if (rec->kind == WIRE_END)
		c->over = true;
	if (rec->kind == WIRE_SESSION)
		c->utc_offset_ns = ((const struct wire_session *)rec)->utc_offset_ns;
	if (rec->kind == WIRE_SHED)
		output_live_shed(c->live, (const struct wire_shed_step *)rec, c->utc_offset_ns);
	pipeline_feed(c->pipeline, rec);
	if (rec->kind == WIRE_SESSION)
		feed_text(c, WIRE_PRICES, buf_str(&c->settings->prices), rec->ts_ns);
	if (rec->kind == WIRE_SESSION)
		feed_rules(c, rec->ts_ns);
	if (rec->kind == WIRE_SESSION && trace_rules_has_any(&c->settings->keep))
		feed_keep(c, rec->ts_ns);
}

/* The rules of --keep shape the document: they are a record. */
static void feed_keep(struct collector *c, uint64_t ts_ns)
{
	const struct trace_rules *rules = &c->settings->keep;
	struct wire_keep k = {.head = {.size = sizeof(k), .kind = WIRE_KEEP, .ts_ns = ts_ns},
			      .errors = rules->errors,
			      .slow_ns = rules->slow_ns,
			      .cost_pico = rules->cost_pico};

	feed(c, &k.head);
}

static void tick(struct collector *c)
{
	struct wire_tick t = {.head = {.size = sizeof(t), .kind = WIRE_TICK, .ts_ns = clock_now_ns()}};

	/* Without records since the last one, nothing that a tick could settle has begun. */
	if (c->records == 0 || t.head.ts_ns < c->last_ns)
		return;
	feed(c, &t.head);
	c->records = 0;
	(void)malloc_trim(0); /* what a burst needed; for a second nothing has come */
}

static void flush_ring(struct collector *c)
{
	if (c->drain == NULL || c->detached)
		return;
	c->detached = true;
	drain_stop(c->drain);
	while (drain_feed(c->drain, feed, c, BATCH_RECORDS) > 0)
		;
}

static int open_ring(struct collector *c, struct message *m)
{
	uint64_t ring_bytes;

	if (c->drain != NULL || m->fd_count != 3 || m->size != sizeof(ring_bytes))
		return -EPROTO;
	memcpy(&ring_bytes, m->bytes, sizeof(ring_bytes));
	c->shared = mmap(NULL, sizeof(*c->shared), PROT_READ | PROT_WRITE, MAP_SHARED, m->fds[1], 0);
	if (c->shared == MAP_FAILED) {
		c->shared = NULL;
		return -errno;
	}
	c->verdicts = mmap(NULL, WIRE_VERDICTS * sizeof(*c->verdicts), PROT_READ | PROT_WRITE, MAP_SHARED,
			   m->fds[2], 0);
	if (c->verdicts == MAP_FAILED) {
		c->verdicts = NULL;
		return -errno;
	}
	struct drain_settings ds = {
		.ring_fd = m->fds[0],
		.ring_bytes = ring_bytes,
		.shared = c->shared,
		.queue_bytes = LIMIT_QUEUE_BYTES,
	};
	c->drain = drain_new(&ds);
	if (c->drain == NULL)
		return -errno;
	/* Only the drain's thread keeps all of what the attacher lent us. */
	(void)setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	m->fd_count = 0; /* they live as long as this process */
	return 0;
}

/* A record from the attacher. Final counters come after DETACHED, so the ring is empty by then. */
static int take_record(struct collector *c, struct message *m)
{
	if (!drain_valid(m->bytes, m->size))
		return -EPROTO;
	feed(c, (const struct wire_head *)m->bytes);
	return 0;
}

/* The attacher is gone without a word: what the ring holds is all there will ever be. */
static void attacher_died(struct collector *c)
{
	flush_ring(c);
	if (c->over)
		return;
	struct wire_end e = {.head = {.size = sizeof(e), .kind = WIRE_END, .ts_ns = clock_now_ns()},
			     .why = WIRE_END_ATTACHER};
	feed(c, &e.head);
}

/* All messages that wait. */
static void take_messages(struct collector *c)
{
	while (!c->over) {
		struct pollfd p = {.fd = c->sockets.attacher, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			return;
		int r = message_receive(c->sockets.attacher, c->message);
		if (r <= 0) {
			attacher_died(c);
			return;
		}
		switch (c->message->kind) {
		case MESSAGE_RING:
			r = open_ring(c, c->message);
			break;
		case MESSAGE_RECORD:
			r = take_record(c, c->message);
			break;
		case MESSAGE_DETACHED:
			flush_ring(c);
			break;
		default:
			r = -EPROTO;
		}
		message_close_fds(c->message);
		if (r < 0) {
			(void)fail(r, "understand the attacher");
			attacher_died(c);
		}
	}
}

static void span_closed(void *ctx, struct str line, uint32_t seq)
{
	struct collector *c = ctx;

	output_live_span(c->live, line, seq);
}

static void give_verdict(void *ctx, const struct flow_conn *conn, const struct http_verdict *v)
{
	struct collector *c = ctx;

	/* A digest asks for every byte; what need be whole is whole all the same. */
	if (c->settings->digest && v->word != HTTP_WORD_WHOLE)
		return;
	if (c->verdicts)
		verdict_give(c->verdicts, conn, v);
}

static int show_state(void *ctx, uint32_t pid, struct buf *out)
{
	struct collector *c = ctx;

	return pipeline_state(c->pipeline, pid, clock_now_ns(), out);
}

static bool has_event(const struct pollfd *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (p[i].revents)
			return true;
	return false;
}

static int loop(struct collector *c)
{
	while (!c->over) {
		struct pollfd p[2 + DESK_POLLS] = {
			{.fd = c->sockets.attacher, .events = POLLIN},
			{.fd = c->drain ? drain_event_fd(c->drain) : -1, .events = POLLIN},
		};
		int wait_ms = c->text_waits ? RETRY_MS : c->records ? TICK_MS : -1, desk_ms = -1;
		unsigned asked = c->desk ? desk_poll(c->desk, p + 2, clock_now_ns(), &desk_ms) : 0;

		if (desk_ms >= 0 && (wait_ms < 0 || desk_ms < wait_ms))
			wait_ms = desk_ms;
		int n = poll(p, 2 + asked, wait_ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* The attacher speaks of libraries and processes before their first record can come. */
		take_messages(c);
		if (c->drain && !c->detached)
			drain_feed(c->drain, feed, c, BATCH_RECORDS);
		c->text_waits = output_live_flush(c->live);
		if (c->desk)
			desk_serve(c->desk, clock_now_ns(), n > 0 && has_event(p + 2, asked));
		if (!c->over && clock_now_ns() - c->last_ns > TICK_MS * 1000000ull)
			tick(c);
	}
	return 0;
}

static uint32_t write_everything(struct collector *c)
{
	uint32_t outcome = 0;

	(void)setpriority(PRIO_PROCESS, 0, 0); /* nothing can be lost any more */
	int r = c->tape ? drain_tape_close(take(c->tape)) : 0;

	if (r < 0) {
		(void)fail(r, "write tape %s", c->settings->tape);
		outcome |= MESSAGE_SINK_FAILED;
	}
	r = pipeline_finish(c->pipeline, false);
	if (r < 0) {
		(void)fail(r, "finish the trace");
		return outcome | MESSAGE_INCOMPLETE | MESSAGE_SINK_FAILED;
	}
	struct view_session session = pipeline_session(c->pipeline);
	if (output_write(c->settings, &session, c->live) < 0)
		outcome |= MESSAGE_SINK_FAILED;
	if (!pipeline_complete(c->pipeline))
		outcome |= MESSAGE_INCOMPLETE;
	return outcome;
}

int collector_run(const struct session_settings *settings, struct collector_sockets sockets, int tape_fd)
{
	struct collector c = {.settings = settings, .sockets = sockets};
	autodrop(drop_memory) struct message *m = malloc(sizeof(*m));
	int exit_code = EXIT_SINK;

	signal(SIGPIPE, SIG_IGN);
	c.message = m;
	c.live = output_live_new(settings);
	struct pipeline_settings ps = {.span = span_closed, .verdict = give_verdict, .ctx = &c};
	c.pipeline = pipeline_new(&ps);
	if (tape_fd >= 0)
		c.tape = drain_tape_new(tape_fd);
	if (!m || !c.live || !c.pipeline || (tape_fd >= 0 && !c.tape)) {
		(void)fail(-errno, "start the collector");
		return exit_code;
	}
	if (sockets.hatch >= 0)
		c.desk = desk_new(sockets.hatch, show_state, &c);
	int r = collector_sandbox(sockets.hatch);
	if (r < 0)
		(void)fail(r, "give up privileges");
	else
		r = loop(&c);
	/* Nothing is alive any more: who asks now is refused. */
	desk_free(take(c.desk));
	drop_fd(&sockets.hatch);
	if (r == 0) {
		uint32_t outcome = write_everything(&c);
		exit_code = message_send(sockets.front, MESSAGE_DONE, &outcome, sizeof(outcome), NULL, 0) < 0
				    ? EXIT_SINK
				    : EXIT_OK;
	}
	pipeline_free(c.pipeline);
	drain_free(c.drain);
	output_live_free(c.live);
	return exit_code;
}
