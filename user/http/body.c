/* SPDX-License-Identifier: BSD-2-Clause */
/* From a body's bytes as transferred to its decoded text or events. */
#include <errno.h>
#include <stdlib.h>

#include "http/parser.h"

void http_body_fini(struct http_body *b)
{
	buf_fini(&b->text);
	buf_fini(&b->tail);
	http_encoding_free(take(b->encoding));
	http_frames_close(&b->frames);
}

static void give_event(void *ctx, const struct http_event *ev)
{
	struct http_open *o = ctx;
	struct http *h = o->conn->http;

	h->ops.event(h->ctx, &o->x, ev);
}

int http_body_open(struct http_open *o, enum http_which which, const struct http_facts *facts)
{
	struct http_body *b = &o->body[which];
	struct http_message *m = http_message_of(o, which);

	m->body_kept = true;
	b->sniff = which == HTTP_RESPONSE ? http_frames_find(m->content_type) : NULL;
	m->encoded = facts->coding_unknown || facts->coding_count > 0;
	if (facts->has_length && !m->encoded)
		b->promised_bytes = facts->length;
	if (facts->coding_unknown) {
		m->body_kept = false;
		b->sniff = NULL;
		b->stopped = true;
	} else if (facts->coding_count > 0) {
		b->encoding = http_encoding_new(facts->codings, facts->coding_count);
		if (!b->encoding)
			return -ENOMEM;
	}
	return 0;
}

struct sink {
	struct http_open *o;
	enum http_which which;
	const struct http_piece *p;
};

static enum wire_dir dir_of(const struct http_open *o, enum http_which which)
{
	return which == HTTP_REQUEST ? o->conn->request_dir : 1 - o->conn->request_dir;
}

/* The end of a torn body; one beyond the limits is none. */
static void add_tail(struct http_body *b, struct http_message *m, struct str text)
{
	if (text.n > LIMIT_BODY_BYTES - b->tail.n)
		buf_fini(&b->tail);
	else
		buf_add(&b->tail, text);
	m->tail = buf_err(&b->tail) == 0 ? buf_str(&b->tail) : STR_NONE;
}

/* Of the room that a body's head asks for, how much is made at once: so many times what came. */
#define TRUST_TIMES 8u

/* Room for all of it, so that what came need not be moved when more comes. Who promises and does not keep it gets little. */
static void make_room(struct http_body *b, size_t more)
{
	uint64_t have = (uint64_t)b->text.n + more;
	uint64_t want = have * TRUST_TIMES < b->promised_bytes ? have * TRUST_TIMES : b->promised_bytes;

	if (have >= b->text.cap && want > have && want <= LIMIT_BODY_BYTES)
		(void)buf_reserve(&b->text, (size_t)want - b->text.n);
}

/* Of a body beyond the limits, what came within them stays. */
static void add_text(const struct sink *k, struct str text)
{
	struct http_body *b = &k->o->body[k->which];
	struct http_message *m = http_message_of(k->o, k->which);
	if (b->hidden) {
		add_tail(b, m, text);
		return;
	}
	size_t room = (b->encoding ? LIMIT_INFLATED_BYTES : LIMIT_BODY_BYTES) - b->text.n;

	if (b->encoding && m->body_bytes > LIMIT_BODY_BYTES)
		room = 0;
	if (text.n > room) {
		text = str_head(text, room);
		m->body_kept = false;
	}
	if (text.n == 0)
		return;
	make_room(b, text.n);
	buf_add(&b->text, text);
	if (buf_err(&b->text) < 0)
		m->body_kept = false;
	m->body = buf_str(&b->text);
}

static int add_events(const struct sink *k, struct str text)
{
	struct http_body *b = &k->o->body[k->which];
	const char *why = "an event cannot be read";
	size_t at = 0;
	int r = b->frames.kind->feed(b->frames.state, text, k->p->ts_ns, &at, &why);

	if (r != -EMSGSIZE && r != -EBADMSG)
		return r;
	/* Behind a coding there is no telling which byte of the wire it was. */
	http_exchange_broken(k->o, dir_of(k->o, k->which), b->encoding ? k->p->offset : k->p->offset + at,
			     why);
	if (r == -EMSGSIZE)
		return 0;
	/* Read up to there, however the bytes were cut into pieces. */
	http_message_of(k->o, k->which)->decoded_bytes -= text.n - at - 1;
	return -ECANCELED;
}

static int open_frames(struct http_open *o, struct http_body *b)
{
	const struct http_frames_kind *kind = b->sniff;

	b->sniff = NULL;
	return http_frames_open(&b->frames, kind, (struct http_frames_ops){give_event, o});
}

/* How much white space an undecided stream may begin with. */
#define SNIFF_BYTES 4096u

/* An event stream by its type may be plain JSON by its first byte: errors come so. Returns -EAGAIN while undecided. */
static int sniff(const struct sink *k, struct str text)
{
	struct http_body *b = &k->o->body[k->which];
	struct http_message *m = http_message_of(k->o, k->which);
	bool plain = b->sniff->sniff;
	size_t i = 0;
	int r;

	while (plain && i < text.n && text.p[i] != 0 && strchr(" \t\r\n\xef\xbb\xbf", text.p[i]))
		i++;
	if (plain && i == text.n && b->text.n + i < SNIFF_BYTES)
		return -EAGAIN;
	if (plain && i < text.n && (text.p[i] == '{' || text.p[i] == '[')) {
		b->sniff = NULL;
		return 0;
	}
	r = open_frames(k->o, b);
	if (r == 0)
		r = add_events(k, buf_str(&b->text));
	buf_fini(&b->text);
	m->body = STR_NONE;
	m->body_kept = false;
	return r;
}

static int take_decoded(void *ctx, struct str text)
{
	const struct sink *k = ctx;
	struct http_body *b = &k->o->body[k->which];
	struct http_message *m = http_message_of(k->o, k->which);
	int r = 0;

	m->decoded_bytes += text.n;
	if (b->sniff)
		r = sniff(k, text);
	if (r < 0 && r != -EAGAIN)
		return r;
	if (b->frames.kind)
		return add_events(k, text);
	add_text(k, text);
	/* Nobody would see more of it: no time is spent on it either. */
	return b->encoding && m->decoded_bytes > LIMIT_INFLATED_BYTES ? -EMSGSIZE : 0;
}

void http_body_feed(struct http_open *o, enum http_which which, const struct http_piece *p)
{
	struct http *h = o->conn->http;
	struct http_body *b = &o->body[which];
	struct http_message *m = http_message_of(o, which);
	struct sink k = {o, which, p};
	const char *why = NULL;
	size_t used = 0;
	int r;

	if (m->body_bytes == 0 && which == HTTP_RESPONSE)
		h->ops.response_body(h->ctx, &o->x, p->ts_ns);
	m->body_bytes += p->data.n;
	if (b->stopped)
		return;
	if (b->encoding)
		r = http_encoding_feed(b->encoding, p->data, (struct http_encoding_sink){take_decoded, &k},
				       &used, &why);
	else
		r = take_decoded(&k, p->data);
	if (r == 0)
		return;
	b->stopped = true;
	m->body_kept = false;
	if (r == -EBADMSG)
		http_exchange_broken(o, dir_of(o, which), p->offset + used, why);
}

void http_body_gap(struct http_open *o, enum http_which which, uint64_t bytes)
{
	struct http_body *b = &o->body[which];
	struct http_message *m = http_message_of(o, which);

	if (!m->torn)
		m->torn_at = m->body_bytes;
	m->torn = true;
	m->body_bytes += bytes;
	m->body_kept = false;
	b->hidden = true;
	buf_clear(&b->tail);
	m->tail = STR_NONE;
	if (b->encoding)
		b->stopped = true;
	if (b->sniff && !b->stopped) {
		/* Its first byte is not known: believe its type. */
		if (open_frames(o, b) < 0)
			b->stopped = true;
		buf_fini(&b->text);
		m->body = STR_NONE;
	}
	b->sniff = NULL;
	if (b->frames.kind)
		b->frames.kind->gap(b->frames.state);
}

void http_body_close(struct http_open *o, enum http_which which, bool whole, uint64_t offset, uint64_t ts_ns)
{
	struct http_body *b = &o->body[which];
	struct http_message *m = http_message_of(o, which);

	if (whole && b->tail.n > 0 && o->conn->side[dir_of(o, which)].framing == HTTP_BY_NEXT) {
		http_tail_unchunk(&b->tail);
		m->tail = buf_str(&b->tail);
	}
	if (whole && b->encoding && !b->stopped && !http_encoding_is_whole(b->encoding))
		http_exchange_broken(o, dir_of(o, which), offset, "the encoded body ends early");
	if (b->frames.kind && b->frames.kind->flush)
		b->frames.kind->flush(b->frames.state, !whole || b->stopped, ts_ns);
	http_encoding_free(take(b->encoding));
	http_frames_close(&b->frames);
	b->stopped = true;
	/* An event stream's first bytes, all white space, are no body. */
	if (b->sniff && m->head_done) {
		m->body = STR_NONE;
		m->body_kept = false;
	}
	b->sniff = NULL;
}
