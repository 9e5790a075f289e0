/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What need not be copied out any more. Nothing here changes what is read: a word that comes late, or never (a tape, a
 * recording), only costs copies. What was left out comes back as gaps without a cause.
 */
#include "http/parser.h"

/* Less is here before the word gets to where it counts. */
#define WORTH_BYTES (64u << 10)
/* Bodies without a known end are skipped by stretches, and between two of them a call is seen: so the time of the last
 * byte is known to an eighth of the body's. */
#define STRETCH_BYTES (1u << 20)
/* What both sides must have said before they speak something else for sure. */
#define ALIEN_BYTES 64u

void http_judge(struct http *h, http_verdict_fn *fn, void *ctx)
{
	h->judge = fn;
	h->judge_ctx = ctx;
}

static void say(const struct http_conn *c, enum http_word word, enum wire_dir dir, uint64_t until)
{
	struct http_verdict v = {
		.word = word, .dir = dir, .until = until, .written = c->side[WIRE_WRITE].offset};

	c->http->judge(c->http->judge_ctx, c->flow, &v);
}

/* ---- bodies ---- */

static bool is_text(struct str type)
{
	static const char *const kinds[] = {"text/",
					    "multipart/",
					    "message/",
					    "application/x-www-form-urlencoded",
					    "application/vnd.amazon.eventstream",
					    NULL};

	if (type.n == 0 || str_find(type, STR("json")) >= 0 || str_find(type, STR("xml")) >= 0 ||
	    str_find(type, STR("yaml")) >= 0 || str_find(type, STR("javascript")) >= 0)
		return true;
	for (size_t i = 0; kinds[i]; i++)
		if (str_starts(type, str_of(kinds[i])))
			return true;
	return false;
}

/* Whether somebody reads what is still to come of the body. */
static bool is_wanted(const struct http_side *s)
{
	enum http_which which = http_which_of(s);
	const struct http_body *b = &s->x->body[which];
	const struct http_message *m = http_message_of(s->x, which);

	if (!b->stopped && (b->frames.kind || b->sniff))
		return true;
	if (m->body_bytes > LIMIT_BODY_BYTES)
		return false;
	if (which == HTTP_REQUEST || s->x->x.wanted)
		return true;
	return !b->stopped && is_text(m->content_type);
}

/* Whether the next bytes of this direction are the body's until the connection's next write. */
static bool is_last(const struct http_side *s)
{
	const struct http_open *o = s->x;

	return s->dir == WIRE_READ && !http_is_request_side(s) && !o->next && s->conn->waiting == 0;
}

void http_verdict_body(struct http_side *s)
{
	struct http_conn *c = s->conn;

	if (!c->http->judge || s->stage != HTTP_AT_BODY || s->offset < s->asked || is_wanted(s))
		return;
	if (s->framing == HTTP_BY_LENGTH) {
		if (s->left <= WORTH_BYTES)
			return;
		/* All but the last byte: the call that moves it says when the body ended. */
		s->asked = s->offset + s->left;
		say(c, HTTP_WORD_SKIP, s->dir, s->asked - 1);
		return;
	}
	uint64_t bytes = http_message_of(s->x, http_which_of(s))->body_bytes;

	if (!is_last(s) || bytes < WORTH_BYTES)
		return;
	s->asked = s->offset + (bytes / 8 > STRETCH_BYTES ? bytes / 8 : STRETCH_BYTES);
	say(c, HTTP_WORD_READS, s->dir, s->asked);
}

/* ---- what is no HTTP ---- */

/* A WebSocket frame (RFC 6455 5.2) as long as the call that moved it: what was attached to in the middle. */
static bool is_websocket_frame(struct str d)
{
	const uint8_t *p = (const uint8_t *)d.p;

	if (d.n < 2 || (p[0] & 0x30) || (p[0] & 0x0f) > 10)
		return false;
	uint64_t head = 2 + (p[1] & 0x80 ? 4 : 0), size = p[1] & 0x7f;
	unsigned more = size == 127 ? 8 : size == 126 ? 2 : 0;

	if (d.n < head + more)
		return false;
	if (more)
		size = 0;
	for (unsigned i = 0; i < more; i++)
		size = size << 8 | p[2 + i];
	return size == d.n - head - more;
}

void http_verdict_conn(struct http_conn *c, struct str call)
{
	if (!c->http->judge)
		return;
	if (!c->whole && (c->h2 || c->ws))
		http_verdict_whole(c);
	if (c->judged)
		return;
	if (c->index > 0 || c->role_known || c->h2 || c->ws || is_websocket_frame(call)) {
		c->judged = true; /* it is HTTP, or may be, and stays */
		return;
	}
	for (int d = 0; d < WIRE_DIRS; d++)
		if (c->side[d].stage != HTTP_AT_SCAN || c->side[d].offset < ALIEN_BYTES)
			return;
	http_verdict_all(c);
}

void http_verdict_whole(struct http_conn *c)
{
	c->whole = true;
	if (c->http->judge)
		say(c, HTTP_WORD_WHOLE, WIRE_READ, 0);
}

void http_verdict_all(struct http_conn *c)
{
	c->judged = true;
	if (c->http->judge)
		say(c, HTTP_WORD_ALL, WIRE_READ, 0);
}
