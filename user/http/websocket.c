/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define HEAD_MAX	14u    /* 2 bytes, 8 of length, 4 of mask */
#define INFLATE_STEP	16384u /* bytes decoded at a time */
#define LAST_BLOCKS_MAX 16u    /* in one message: senders make one, and each costs us a window */

enum opcode { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct frame {
	bool fin, compressed, masked;
	uint8_t opcode;
	uint8_t mask[4];
	uint64_t length;
};

struct lane {
	bool lost; /* until a call begins with frames */
	uint8_t head[HEAD_MAX];
	uint32_t have;
	bool in_payload;
	struct http_piece frame_at; /* of its first byte */
	struct frame frame;
	uint64_t pos; /* in the frame's payload */

	/* the message that is being put together */
	bool active, text, compressed, cut;
	struct buf message;
	struct http_piece at; /* of its first byte */
	uint64_t wire_bytes;

	/* permessage-deflate, this direction's */
	bool deflate, fresh_each; /* agreed; without context takeover */
	bool deflate_lost;	  /* the context is */
	bool z_open;
	z_stream z;
};

struct http_ws {
	struct http_conn *conn;
	bool joined; /* the upgrade was not seen */
	struct http_open *o;
	struct lane lane[WIRE_DIRS];
};

/* ---- frames ---- */

/* Bytes of a frame's head by its first two. */
static uint32_t head_bytes(const uint8_t *p)
{
	uint32_t n = 2;

	if ((p[1] & 0x7f) == 126)
		n += 2;
	else if ((p[1] & 0x7f) == 127)
		n += 8;
	return n + (p[1] & 0x80 ? 4 : 0);
}

static struct frame frame_read(const uint8_t *p)
{
	struct frame f = {
		.fin = p[0] & 0x80,
		.compressed = p[0] & 0x40,
		.opcode = p[0] & 0x0f,
		.masked = p[1] & 0x80,
		.length = p[1] & 0x7f,
	};
	uint32_t at = 2, more = f.length == 126 ? 2 : f.length == 127 ? 8 : 0;

	if (more > 0)
		f.length = 0;
	for (uint32_t i = 0; i < more; i++)
		f.length = f.length << 8 | p[at++];
	if (f.masked)
		memcpy(f.mask, p + at, sizeof(f.mask));
	return f;
}

static bool is_opcode(uint8_t op)
{
	return op <= OP_BINARY || (op >= OP_CLOSE && op <= OP_PONG);
}

/* Whether bytes at the start of a call are frames, one right behind the other. */
static bool is_frames(const struct lane *l, bool masked, struct str data)
{
	size_t frames = 0;

	while (data.n >= 2) {
		const uint8_t *p = (const uint8_t *)data.p;
		bool bits = (p[0] & 0x30) == 0 && (l->deflate || !(p[0] & 0x40));

		if (!bits || !is_opcode(p[0] & 0x0f) || !!(p[1] & 0x80) != masked)
			return false;
		if (data.n < head_bytes(p))
			return frames > 0;
		struct frame f = frame_read(p);
		if (f.length > HTTP_SIZE_MAX)
			return false;
		frames++;
		if (f.length + head_bytes(p) > data.n)
			return true;
		data = str_skip(data, head_bytes(p) + (size_t)f.length);
	}
	return frames > 0;
}

int http_ws_likeness(struct str call, bool *masked)
{
	int likeness = 0; /* zeros are empty continuations */

	*masked = call.n >= 2 && (uint8_t)call.p[1] & 0x80;
	if (call.n == 0)
		return 0;
	for (size_t n; call.n > 0; call = str_skip(call, n)) {
		const uint8_t *p = (const uint8_t *)call.p;

		if (call.n < 2 || call.n < head_bytes(p) || (p[0] & 0x30) || !is_opcode(p[0] & 0x0f) ||
		    !!(p[1] & 0x80) != *masked)
			return 0;
		struct frame f = frame_read(p);
		bool control = f.opcode >= OP_CLOSE;

		if (f.length > call.n - head_bytes(p) ||
		    (control && (!f.fin || f.compressed || f.length > 125)) ||
		    (f.opcode == OP_CONTINUATION && f.compressed))
			return 0;
		n = head_bytes(p) + (size_t)f.length;
		if ((f.opcode == OP_TEXT || f.opcode == OP_BINARY) && f.length > 0 && likeness == 0)
			likeness = 1;
		if ((f.opcode == OP_TEXT || f.opcode == OP_BINARY) && !f.compressed && f.length > 1 &&
		    (p[head_bytes(p)] ^ (f.masked ? f.mask[0] : 0)) == '{')
			likeness = 2;
	}
	return likeness;
}

/* ---- messages ---- */

static void broken(struct http_ws *w, struct http_side *s, uint64_t offset, const char *why)
{
	http_exchange_broken(w->o, s->dir, offset, why);
}

/* A sender may end a message with a last block (RFC 7692 7.2.3.4); the window goes on all the same. */
static int window_keep(z_stream *z)
{
	Bytef window[1u << 15];
	uInt n = sizeof(window);

	if (inflateGetDictionary(z, window, &n) != Z_OK || inflateReset(z) != Z_OK)
		return -EBADMSG;
	return n == 0 || inflateSetDictionary(z, window, n) == Z_OK ? 0 : -EBADMSG;
}

/* Inflates the message in l into out; the tail is what RFC 7692 7.2.2 says senders leave out. */
static int inflate_message(struct lane *l, struct buf *out)
{
	static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
	unsigned last_blocks = 0;
	size_t fed = 0;

	if (!l->z_open) {
		if (inflateInit2(&l->z, -15) != Z_OK)
			return -ENOMEM;
		l->z_open = true;
	} else if (l->fresh_each && inflateReset(&l->z) != Z_OK) {
		return -EBADMSG;
	}
	for (int part = 0; part < 2; part++) {
		l->z.next_in = part == 0 ? (Bytef *)l->message.p : (Bytef *)tail;
		l->z.avail_in = part == 0 ? (uInt)l->message.n : sizeof(tail);
		fed += l->z.avail_in;
		do {
			char *room = buf_reserve(out, INFLATE_STEP);
			int r;

			if (room == NULL)
				return buf_err(out);
			l->z.next_out = (Bytef *)room;
			l->z.avail_out = INFLATE_STEP;
			r = inflate(&l->z, Z_SYNC_FLUSH);
			buf_commit(out, INFLATE_STEP - l->z.avail_out);
			if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
				return -EBADMSG;
			if (out->n > LIMIT_INFLATE_FREE && out->n / LIMIT_INFLATE_RATIO > fed)
				return -EMSGSIZE;
			if (r == Z_STREAM_END && (++last_blocks > LAST_BLOCKS_MAX || window_keep(&l->z) < 0))
				return -EBADMSG;
			if (r == Z_BUF_ERROR && l->z.avail_out > 0)
				break;
		} while (l->z.avail_in > 0 || l->z.avail_out == 0);
	}
	return 0;
}

static void give(struct http_ws *w, struct http_side *s, struct lane *l, struct str data,
		 const struct http_piece *p)
{
	struct http *h = w->conn->http;
	struct http_ws_message m = {
		.dir = s->dir,
		.text = l->text,
		.data = data,
		.cut = l->cut,
		.start_ns = l->at.start_ns,
		.ts_ns = p->ts_ns,
		.offset = l->at.offset,
		.write = l->at.write,
		.wire_bytes = l->wire_bytes,
		.tid = l->at.tid,
	};

	if (h->ops.message)
		h->ops.message(h->ctx, &w->o->x, &m);
}

static void message_done(struct http_ws *w, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	autodrop(buf_fini) struct buf out;

	buf_init(&out, LIMIT_INFLATED_BYTES);
	if (!l->compressed) {
		give(w, s, l, buf_str(&l->message), p);
	} else if (l->cut || l->deflate_lost) {
		/* What the missing bytes would have added to the window is missing from here on. */
		l->deflate_lost = !l->fresh_each;
		l->cut = true;
		give(w, s, l, STR_NONE, p);
	} else {
		int r = inflate_message(l, &out);

		if (r < 0) {
			if (!w->joined) /* else it builds on what was not seen: nobody's fault */
				broken(w, s, l->at.offset, "a WebSocket message cannot be inflated");
			l->deflate_lost = !l->fresh_each;
			l->cut = true;
		}
		give(w, s, l, r < 0 ? STR_NONE : buf_str(&out), p);
	}
	l->active = false;
	buf_clear(&l->message);
	if (l->message.cap > (1u << 20))
		buf_fini(&l->message);
}

static void message_begin(struct lane *l)
{
	l->active = true;
	l->text = l->frame.opcode == OP_TEXT;
	l->compressed = l->frame.compressed;
	l->cut = false;
	l->at = l->frame_at;
	l->wire_bytes = 0;
	buf_clear(&l->message);
}

static void lane_lose(struct lane *l)
{
	l->lost = true;
	l->have = 0;
	l->in_payload = false;
	l->active = false;
	buf_clear(&l->message);
	l->deflate_lost = l->deflate && !l->fresh_each;
}

/* A frame's head is whole. False: it is none. */
static bool head_done(struct http_ws *w, struct http_side *s, struct lane *l)
{
	struct frame *f = &l->frame;
	const char *why = NULL;

	*f = frame_read(l->head);
	if (l->head[0] & 0x30 || (f->compressed && !l->deflate))
		why = "WebSocket: reserved bits are set";
	else if (!is_opcode(f->opcode))
		why = "WebSocket: an unknown kind of frame";
	else if (f->length > HTTP_SIZE_MAX)
		why = "WebSocket: an impossible length";
	else if (f->opcode >= OP_CLOSE && (!f->fin || f->length > 125))
		why = "WebSocket: a control frame that is too long or in parts";
	if (why) {
		broken(w, s, l->frame_at.offset, why);
		lane_lose(l);
		return false;
	}
	l->in_payload = true;
	l->pos = 0;
	if (f->opcode == OP_TEXT || f->opcode == OP_BINARY)
		message_begin(l);
	if (f->opcode < OP_CLOSE)
		l->wire_bytes += l->have + f->length;
	return true;
}

static void payload_add(struct lane *l, struct str part)
{
	const struct frame *f = &l->frame;
	char *to;

	if (f->opcode >= OP_CLOSE || !l->active || l->cut)
		return;
	to = l->message.n + part.n <= LIMIT_BODY_BYTES ? buf_reserve(&l->message, part.n) : NULL;
	if (to == NULL) {
		l->cut = true;
		return;
	}
	memcpy(to, part.p, part.n);
	for (size_t i = 0; f->masked && i < part.n; i++)
		to[i] = (char)(to[i] ^ f->mask[(l->pos + i) & 3]);
	buf_commit(&l->message, part.n);
}

/* Returns how many bytes of p it took; 0: no frames any more. */
static size_t step(struct http_ws *w, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	size_t n = p->data.n;

	if (!l->in_payload) {
		if (l->have == 0) {
			l->frame_at = *p;
			l->frame_at.data = STR_NONE;
		}
		uint32_t want = l->have < 2 ? 2 : head_bytes(l->head);

		n = n < want - l->have ? n : want - l->have;
		memcpy(l->head + l->have, p->data.p, n);
		l->have += (uint32_t)n;
		if (l->have < 2 || l->have < head_bytes(l->head))
			return n;
		if (!head_done(w, s, l))
			return 0;
	} else {
		n = n < l->frame.length - l->pos ? n : (size_t)(l->frame.length - l->pos);
		payload_add(l, str_head(p->data, n));
		l->pos += n;
	}
	if (l->pos == l->frame.length) {
		l->in_payload = false;
		l->have = 0;
		if (l->frame.fin && l->frame.opcode < OP_CLOSE && l->active)
			message_done(w, s, l, p);
	}
	return n;
}

void http_ws_feed(struct http_ws *w, struct http_side *s, const struct http_piece *p)
{
	struct lane *l = &w->lane[s->dir];
	struct http_piece rest = *p;
	struct http_message *m = http_message_of(w->o, http_which_of(s));

	if (w->o->stream == 0) /* else the frames that carry it are counted */
		m->wire_bytes += p->data.n;
	m->body_bytes += p->data.n;
	m->end_ns = p->ts_ns;
	if (l->lost && is_frames(l, http_is_request_side(s), p->data))
		l->lost = false;
	while (rest.data.n > 0 && !l->lost) {
		size_t n = step(w, s, l, &rest);

		rest.data = str_skip(rest.data, n);
		rest.offset += n;
		s->offset = rest.offset;
	}
	s->offset = p->offset + p->data.n;
}

void http_ws_lose(struct http_ws *w, enum wire_dir dir)
{
	lane_lose(&w->lane[dir]);
}

void http_ws_skip(struct http_ws *w, enum wire_dir dir, uint64_t bytes)
{
	struct lane *l = &w->lane[dir];

	if (l->in_payload && bytes < l->frame.length - l->pos) {
		l->pos += bytes;
		l->cut |= l->frame.opcode < OP_CLOSE;
		return;
	}
	lane_lose(l);
}

void http_ws_gap(struct http_ws *w, struct http_side *s, const struct flow_gap *gap)
{
	s->offset = gap->offset + gap->bytes;
	if (!http_exchange_gap(w->o, gap))
		http_stray_gap(s, gap);
	http_ws_skip(w, s->dir, gap->bytes);
}

/* ---- life ---- */

static bool has_option(struct str extension, const char *option)
{
	struct str rest = extension, one;

	do {
		rest = str_cut(rest, ';', &one);
		if (str_ieq(str_trim(one), str_of(option)))
			return true;
	} while (rest.p);
	return false;
}

bool http_ws_is_of(const struct http_ws *w, const struct http_open *o)
{
	return w->o == o;
}

struct http_ws *http_ws_new(struct http_conn *c, struct http_open *o)
{
	struct http_ws *w = calloc(1, sizeof(*w));
	struct str extension = http_field(&o->x.response, "sec-websocket-extensions");

	if (w == NULL)
		return NULL;
	w->conn = c;
	w->o = o;
	for (int d = 0; d < WIRE_DIRS; d++) {
		struct lane *l = &w->lane[d];
		bool client = c->request_dir == (enum wire_dir)d;

		buf_init(&l->message, LIMIT_BODY_BYTES);
		l->deflate = has_option(extension, "permessage-deflate");
		l->fresh_each = has_option(extension, client ? "client_no_context_takeover"
							     : "server_no_context_takeover");
	}
	return w;
}

struct http_ws *http_ws_join(struct http_conn *c, struct http_open *o)
{
	struct http_ws *w = http_ws_new(c, o);

	if (w == NULL)
		return NULL;
	w->joined = true;
	for (int d = 0; d < WIRE_DIRS; d++)
		w->lane[d].deflate = w->lane[d].fresh_each = w->lane[d].lost = true;
	return w;
}

void http_ws_free(struct http_ws *w)
{
	if (w == NULL)
		return;
	for (int d = 0; d < WIRE_DIRS; d++) {
		if (w->lane[d].z_open)
			inflateEnd(&w->lane[d].z);
		buf_fini(&w->lane[d].message);
	}
	free(w);
}
