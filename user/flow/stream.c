/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/stream.h"

struct stream_held {
	struct stream_held *next;
	struct stream_piece piece;
	uint64_t since_ns;
	char data[];
};

void stream_init(struct stream *s, struct flow_conn *conn, enum wire_dir dir,
		 const struct flow_settings *settings)
{
	*s = (struct stream){.conn = conn, .dir = dir, .settings = settings};
}

void stream_fini(struct stream *s)
{
	while (s->held != NULL) {
		struct stream_held *next = s->held->next;

		free(s->held);
		s->held = next;
	}
	s->held_pieces = 0;
	s->held_bytes = 0;
}

static struct flow_side *side(struct stream *s)
{
	return &s->conn->side[s->dir];
}

/* ---- calls ---- */

static void call_lost(struct stream *s, enum wire_cause cause)
{
	if (cause == WIRE_CAUSE_QUEUE_FULL)
		s->call.queue_lost = true;
	else
		s->call.lost = true;
}

/* `next` moved on: has it left its call? */
static void call_end(struct stream *s)
{
	if (!s->call.active || s->next < s->call.end)
		return;
	s->call.active = false;
	if (s->call.lost)
		return;
	if (s->call.queue_lost)
		side(s)->calls_queue_full++;
	else
		side(s)->calls_kept++;
}

/* The piece at `next` is of this call; hole_cause says what happened to the part of it before, if any. */
static void call_begin(struct stream *s, const struct stream_piece *p, uint64_t hole_start,
		       enum wire_cause hole_cause)
{
	if (s->call.active && s->call.start == p->call_start && s->call.end == p->call_end)
		return;
	side(s)->calls++;
	s->call.active = true;
	s->call.start = p->call_start;
	s->call.end = p->call_end;
	s->call.lost = s->call.queue_lost = false;
	if (p->call_start >= s->next)
		return;
	/* It began before: in the hole, or in bytes that another call claims. */
	call_lost(s, p->call_start >= hole_start ? hole_cause : WIRE_CAUSE_FAULT);
}

/* ---- bytes, in order ---- */

static void tell_gap(struct stream *s, uint64_t end, enum wire_cause cause, uint64_t ts_ns)
{
	struct flow_gap gap = {
		.conn = s->conn,
		.dir = s->dir,
		.offset = s->next,
		.bytes = end - s->next,
		.cause = cause,
		.ts_ns = ts_ns,
	};

	if (end <= s->next)
		return;
	if (cause == WIRE_CAUSE_NONE)
		side(s)->skipped += gap.bytes;
	else
		side(s)->missing += gap.bytes;
	if (cause != WIRE_CAUSE_NONE && s->call.active && s->next < s->call.end)
		call_lost(s, cause);
	s->next = end;
	side(s)->bytes = end;
	call_end(s);
	s->settings->ops->gap(s->settings->ctx, &gap);
}

/* The kernel could not read how much a call moved: the stream is torn here, though no offset shows it. */
static void tell_tear(struct stream *s, enum wire_cause cause, uint64_t ts_ns)
{
	struct flow_gap gap = {
		.conn = s->conn, .dir = s->dir, .offset = s->next, .cause = cause, .ts_ns = ts_ns};

	s->settings->ops->gap(s->settings->ctx, &gap);
}

/* A hole up to `end`, where the kernel's count of skipped bytes is `skipped`: the missing ones first. */
static void tell_hole(struct stream *s, uint64_t end, uint64_t skipped, enum wire_cause cause, uint64_t ts_ns)
{
	uint64_t hole = end > s->next ? end - s->next : 0;
	uint64_t grown = skipped > s->skipped ? skipped - s->skipped : 0;

	tell_gap(s, end - (grown < hole ? grown : hole), cause, ts_ns);
	tell_gap(s, end, WIRE_CAUSE_NONE, ts_ns);
	/* What it grew by beyond the hole is of bytes whose place is still to come: a call of another thread. */
	s->skipped += grown < hole ? grown : hole;
}

/* What of a call is never sent is known with the last piece that is: no need to wait for the next call's. */
static void tell_call_rest(struct stream *s, const struct stream_piece *p)
{
	uint64_t sent = p->offset + p->len - p->call_start;

	if (sent != WIRE_CALL_MAX || p->call_end <= s->next)
		return;
	s->skipped += p->call_end - s->next;
	tell_gap(s, p->call_end, WIRE_CAUSE_NONE, p->ts_ns);
}

static void tell_data(struct stream *s, const struct stream_piece *p)
{
	struct flow_chunk chunk = {
		.conn = s->conn,
		.dir = s->dir,
		.offset = p->offset,
		.call_offset = p->call_start,
		.key = p->key,
		.start_ns = p->start_ns,
		.ts_ns = p->ts_ns,
		.tid = p->tid,
		.data = str_make(p->data, p->len),
	};

	s->next += p->len;
	side(s)->bytes = s->next;
	side(s)->kept += p->len;
	if (side(s)->sha)
		hash_sha_feed(side(s)->sha, chunk.data);
	call_end(s);
	s->settings->ops->data(s->settings->ctx, &chunk);
}

/* How many bytes before the piece, which does not begin before `next`, policy does not explain. */
static uint64_t missing_before(const struct stream *s, const struct stream_piece *p)
{
	uint64_t hole = p->offset - s->next;
	uint64_t grown = p->skipped > s->skipped ? p->skipped - s->skipped : 0;

	return hole > grown ? hole - grown : 0;
}

/* The next piece in order: a hole before it is lost for good. */
static void settle_piece(struct stream *s, const struct stream_piece *piece)
{
	struct stream_piece p = *piece;
	uint64_t hole_start = s->next;
	enum wire_cause hole_cause = p.hole_cause ? p.hole_cause : WIRE_CAUSE_QUEUE_FULL;

	/* What was accounted already is not accounted twice, whatever it says. */
	if (p.offset < s->next) {
		uint64_t known = s->next - p.offset;

		if (known >= p.len)
			return;
		p.offset += known;
		p.len -= (uint32_t)known;
		if (p.data)
			p.data += known;
	}
	if (p.hole_cause && missing_before(s, &p) == 0 && p.call_start == p.offset)
		tell_tear(s, p.hole_cause, p.ts_ns);
	tell_hole(s, p.offset, p.skipped, hole_cause, p.ts_ns);
	call_begin(s, &p, hole_start, hole_cause);
	if (s->deaf)
		tell_gap(s, p.offset + p.len, s->deaf_cause, p.ts_ns);
	else if (p.data == NULL)
		tell_gap(s, p.offset + p.len, p.loss_cause, p.ts_ns);
	else
		tell_data(s, &p);
	tell_call_rest(s, &p);
}

/* ---- the window ---- */

static bool is_due(const struct stream *s, const struct stream_piece *p)
{
	if (p->early)
		return false;
	return p->offset <= s->next || p->hole_cause != WIRE_CAUSE_NONE || missing_before(s, p) == 0;
}

static void settle_first(struct stream *s)
{
	struct stream_held *h = s->held;

	s->held = h->next;
	s->held_pieces--;
	s->held_bytes -= sizeof(*h) + (h->piece.data ? h->piece.len : 0);
	settle_piece(s, &h->piece);
	free(h);
}

/* All that no longer has to wait. */
static void release(struct stream *s)
{
	while (s->held != NULL && is_due(s, &s->held->piece))
		settle_first(s);
	s->held_since_ns = UINT64_MAX;
	for (const struct stream_held *h = s->held; h != NULL; h = h->next)
		if (h->since_ns < s->held_since_ns)
			s->held_since_ns = h->since_ns;
}

void stream_admit(struct stream *s, uint64_t until_ns)
{
	for (struct stream_held *h = s->held; h != NULL && h->piece.ts_ns <= until_ns; h = h->next) {
		if (!h->piece.early)
			continue;
		h->piece.early = false;
		h->since_ns = h->piece.ts_ns;
	}
	if (s->held != NULL)
		release(s);
}

void stream_push(struct stream *s)
{
	if (s->held == NULL)
		return;
	settle_first(s);
	release(s);
}

void stream_flush(struct stream *s)
{
	while (s->held != NULL)
		stream_push(s);
}

void stream_tick(struct stream *s, uint64_t now_ns)
{
	while (s->held != NULL && now_ns > s->held_since_ns && now_ns - s->held_since_ns > STREAM_HELD_NS)
		stream_push(s);
}

static bool hold(struct stream *s, const struct stream_piece *p)
{
	size_t bytes = p->data ? p->len : 0;
	struct stream_held *h = malloc(sizeof(*h) + bytes);
	struct stream_held **at = &s->held;

	if (h == NULL)
		return false;
	h->piece = *p;
	h->since_ns = p->ts_ns + (p->early ? STREAM_EARLY_NS - STREAM_HELD_NS : 0);
	if (bytes > 0) {
		memcpy(h->data, p->data, bytes);
		h->piece.data = h->data;
	}
	while (*at != NULL && (*at)->piece.offset <= p->offset)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	s->held_pieces++;
	s->held_bytes += sizeof(*h) + bytes;
	return true;
}

void stream_feed(struct stream *s, const struct stream_piece *piece)
{
	stream_tick(s, piece->ts_ns);
	bool first = s->held == NULL || piece->offset < s->held->piece.offset;
	if ((s->deaf && s->held == NULL) || (first && is_due(s, piece))) {
		settle_piece(s, piece);
		if (s->held)
			release(s);
		return;
	}
	if (!hold(s, piece)) {
		stream_flush(s);
		settle_piece(s, piece);
		return;
	}
	release(s);
	while (s->held_pieces > STREAM_HELD_PIECES || s->held_bytes > STREAM_HELD_BYTES)
		stream_push(s);
}

/* ---- the end ---- */

void stream_add_total(struct stream *s, const struct wire_side *total)
{
	if (s->has_total && total->bytes < s->total_bytes)
		return;
	s->has_total = true;
	s->total_bytes = total->bytes;
	s->total_calls = total->calls;
	s->total_skipped = total->skipped;
	s->total_cause = total->hole_cause;
}

void stream_settle(struct stream *s, enum wire_cause unknown_cause, uint64_t ts_ns)
{
	enum wire_cause cause = s->has_total && s->total_cause ? s->total_cause : unknown_cause;
	uint64_t end, skipped;

	stream_flush(s);
	end = s->has_total ? s->total_bytes : s->next;
	skipped = s->has_total ? s->total_skipped : s->skipped;
	/* A piece was sent when its call had returned: all of the call has moved. */
	if (skipped < s->skipped)
		skipped = s->skipped;
	if (s->call.active && s->call.end > end) {
		uint64_t sent_end = s->call.start + WIRE_CALL_MAX;

		/* Beyond sent_end nothing was meant to come. */
		sent_end = sent_end > s->next ? sent_end : s->next;
		end = s->call.end;
		if (end > sent_end && end - sent_end > skipped - s->skipped)
			skipped = s->skipped + end - sent_end;
	}
	bool missing = end > s->next && end - s->next > skipped - s->skipped;
	if (!missing && s->has_total && s->total_cause && s->total_bytes >= s->next && !s->tail_told)
		tell_tear(s, s->total_cause, ts_ns);
	tell_hole(s, end, skipped, cause, ts_ns);
	s->tail_told |= s->has_total;
	if (s->has_total && s->total_calls > side(s)->calls)
		side(s)->calls = s->total_calls;
}
