/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/h2.h"

#include <errno.h>
#include <stdlib.h>

#include "http/hpack.h"
#include "http/stream.h"

#define FRAME_HEAD_BYTES 9u
#define FRAME_MAX	 (16u << 20) /* as large as a frame can be */

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
	FRAME_TYPES, /* the ones above; RFC 9218 has 16: PRIORITY_UPDATE */
};

#define BLOCK_FRAMES_MAX 16384u /* of one header block, each of a byte or of none */

#define FLAG_END_STREAM	 0x01u
#define FLAG_END_HEADERS 0x04u
#define FLAG_PADDED	 0x08u
#define FLAG_PRIORITY	 0x20u

struct frame {
	uint32_t length;
	uint8_t type, flags;
	uint32_t stream;
};

enum at {
	AT_SKIP /* the preface's rest */,
	AT_HEAD,
	AT_PAYLOAD,
	AT_LOST /* until a call begins with frames */
};

struct lane {
	enum at at;
	uint8_t head[FRAME_HEAD_BYTES];
	uint32_t have; /* bytes of head, or to skip */
	struct frame frame;
	uint32_t left;	    /* bytes of its payload to come */
	bool pad_read;	    /* DATA: the pad's length was read */
	uint32_t pad;	    /* DATA: bytes at its end that are no data */
	struct buf payload; /* of frames that are read whole */
	struct buf block;   /* header block so far */
	uint32_t block_stream;
	bool block_open, block_end_stream, block_lost;
	uint32_t block_frames;
	struct http_piece block_at; /* of its first byte */
	struct http_hpack *hpack;   /* NULL: cannot be read any more */
};

struct http_h2 {
	struct http_conn *conn;
	struct lane lane[WIRE_DIRS];
};

/* ---- frames ---- */

static struct frame frame_read(const uint8_t *p)
{
	return (struct frame){
		.length = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2],
		.type = p[3],
		.flags = p[4],
		.stream = ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) &
			  0x7fffffff,
	};
}

/* Strict where senders are: flags that a type does not have, lengths that it cannot have. */
static bool frame_is_plausible(const uint8_t *p)
{
	static const struct {
		uint8_t flags;
		uint32_t min, max;
		int stream; /* 0: none, 1: one, -1: either */
	} rows[FRAME_TYPES] = {
		[FRAME_DATA] = {0x09, 0, 16384, 1},	  [FRAME_HEADERS] = {0x2d, 1, 16384, 1},
		[FRAME_PRIORITY] = {0x00, 5, 5, 1},	  [FRAME_RST_STREAM] = {0x00, 4, 4, 1},
		[FRAME_SETTINGS] = {0x01, 0, 240, 0},	  [FRAME_PUSH_PROMISE] = {0x0c, 4, 16384, 1},
		[FRAME_PING] = {0x01, 8, 8, 0},		  [FRAME_GOAWAY] = {0x00, 8, 16384, 0},
		[FRAME_WINDOW_UPDATE] = {0x00, 4, 4, -1}, [FRAME_CONTINUATION] = {0x04, 1, 16384, 1},
	};
	struct frame f = frame_read(p);

	if (f.type >= FRAME_TYPES || p[5] & 0x80 || f.flags & ~rows[f.type].flags)
		return false;
	if (f.length < rows[f.type].min || f.length > rows[f.type].max)
		return false;
	if (f.type == FRAME_SETTINGS && f.length % 6 != 0)
		return false;
	return rows[f.type].stream < 0 || (rows[f.type].stream == 1) == (f.stream != 0);
}

bool http_h2_is_frames(struct str data)
{
	size_t frames = 0;

	while (data.n >= FRAME_HEAD_BYTES) {
		const uint8_t *p = (const uint8_t *)data.p;

		if (!frame_is_plausible(p))
			return false;
		frames++;
		size_t n = FRAME_HEAD_BYTES + frame_read(p).length;
		if (n > data.n)
			return true; /* the last one goes on in the next call */
		data = str_skip(data, n);
	}
	return frames > 0 && data.n < FRAME_HEAD_BYTES;
}

/* Without the pad's length, priority and padding; false: they do not fit. */
static bool payload_strip(const struct frame *f, struct str *payload)
{
	size_t front = 0, pad = 0;

	if (f->flags & FLAG_PADDED) {
		if (payload->n < 1)
			return false;
		pad = (uint8_t)payload->p[0];
		front = 1;
	}
	if (f->type == FRAME_HEADERS && f->flags & FLAG_PRIORITY)
		front += 5;
	if (f->type == FRAME_PUSH_PROMISE)
		front += 4;
	if (front + pad > payload->n)
		return false;
	*payload = str_head(str_skip(*payload, front), payload->n - front - pad);
	return true;
}

/* ---- header blocks ---- */

static void lane_lose(struct lane *l)
{
	http_hpack_free(take(l->hpack));
	buf_fini(&l->block);
	l->block_open = false;
}

static void block_done(struct http_h2 *h, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	struct http_stream_head head = {.lost = l->block_lost};
	int r = -EBADMSG;

	http_stream_head_init(&head);
	if (l->hpack != NULL && buf_err(&l->block) == 0)
		r = http_hpack_feed(l->hpack, buf_str(&l->block), http_stream_head_add, &head);
	if (r < 0) {
		/* Nothing after it can be read in this direction: the table is not the sender's any more. */
		lane_lose(l);
		l->hpack = http_hpack_new(true);
		head.lost = true;
	}
	l->block_open = false;
	if (l->block_stream != 0)
		http_stream_headers(h->conn, s, l->block_stream, &head, l->block_end_stream, &l->block_at, p);
	http_stream_head_fini(&head);
	buf_clear(&l->block);
	l->block_lost = false;
}

static void block_add(struct http_h2 *h, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	struct frame *f = &l->frame;
	struct str part = buf_str(&l->payload);

	if (f->type == FRAME_CONTINUATION) {
		if (!l->block_open || f->stream != l->block_stream)
			return; /* its beginning was not seen */
	} else {
		l->block_open = true;
		l->block_stream = f->type == FRAME_PUSH_PROMISE ? 0 : f->stream;
		l->block_end_stream = f->flags & FLAG_END_STREAM && f->type == FRAME_HEADERS;
		l->block_at = s->at;
		l->block_frames = 0;
		buf_clear(&l->block);
		if (!payload_strip(f, &part) || buf_err(&l->payload) < 0)
			l->block_lost = true;
	}
	buf_add(&l->block, part);
	/* One that is too long ends here, unread; what follows of it is nobody's. */
	if (++l->block_frames > BLOCK_FRAMES_MAX)
		lane_lose(l);
	if (f->flags & FLAG_END_HEADERS || buf_err(&l->block) < 0 || l->block_frames > BLOCK_FRAMES_MAX)
		block_done(h, s, l, p);
}

static uint32_t number_at(struct str s, size_t at)
{
	if (s.n < at + 4)
		return UINT32_MAX;
	const uint8_t *p = (const uint8_t *)s.p + at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void frame_done(struct http_h2 *h, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	switch (l->frame.type) {
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
	case FRAME_CONTINUATION:
		block_add(h, s, l, p);
		break;
	case FRAME_DATA:
		if (l->frame.flags & FLAG_END_STREAM)
			http_stream_end(h->conn, s, l->frame.stream, p);
		break;
	case FRAME_RST_STREAM:
		http_stream_reset(h->conn, l->frame.stream, number_at(buf_str(&l->payload), 0));
		break;
	case FRAME_GOAWAY:
		if (!http_is_request_side(s) && l->payload.n >= 8)
			http_stream_goaway(h->conn, number_at(buf_str(&l->payload), 0) & 0x7fffffff,
					   number_at(buf_str(&l->payload), 4));
		break;
	default:
		break;
	}
	buf_clear(&l->payload);
}

/* ---- bytes ---- */

static bool is_kept(const struct frame *f)
{
	return f->type == FRAME_HEADERS || f->type == FRAME_PUSH_PROMISE || f->type == FRAME_CONTINUATION ||
	       f->type == FRAME_RST_STREAM || f->type == FRAME_GOAWAY;
}

static void payload_feed(struct http_h2 *h, struct http_side *s, struct lane *l, struct str part,
			 const struct http_piece *p)
{
	struct http_piece data = *p;
	uint32_t after = l->left - (uint32_t)part.n;

	if (is_kept(&l->frame)) {
		buf_add(&l->payload, part);
		return;
	}
	if (l->frame.type != FRAME_DATA)
		return;
	data.data = part;
	if (l->frame.flags & FLAG_PADDED && !l->pad_read && part.n > 0) {
		l->pad_read = true;
		l->pad = (uint8_t)part.p[0];
		if (l->pad >= l->frame.length)
			http_stream_broken(h->conn, s, l->frame.stream,
					   "HTTP/2: padding longer than its frame");
		data.data = str_skip(data.data, 1);
		data.offset++;
	}
	/* The pad stands at the end: what of it is in this part. */
	if (after < l->pad) {
		size_t pad = l->pad - after;

		data.data = str_head(data.data, data.data.n > pad ? data.data.n - pad : 0);
	}
	if (data.data.n > 0)
		http_stream_data(h->conn, s, l->frame.stream, &data);
}

static void count(struct http_side *s, const struct lane *l, uint64_t bytes, const struct http_piece *p)
{
	bool opens = l->frame.type == FRAME_HEADERS || (l->frame.type == FRAME_CONTINUATION && l->block_open);

	http_stream_count(s->conn, s, l->frame.stream, opens, bytes, p->ts_ns);
}

static void head_done(struct http_side *s, struct lane *l, const struct http_piece *p)
{
	l->frame = frame_read(l->head);
	l->left = l->frame.length;
	l->have = 0;
	l->at = AT_PAYLOAD;
	l->pad_read = false;
	l->pad = 0;
	buf_clear(&l->payload);
	count(s, l, FRAME_HEAD_BYTES, p);
}

/* Bytes of one frame's head, or of its payload. Returns how many. */
static size_t step(struct http_h2 *h, struct http_side *s, struct lane *l, const struct http_piece *p)
{
	size_t n = p->data.n;

	if (l->at == AT_SKIP) {
		n = n < l->have ? n : l->have;
		l->have -= (uint32_t)n;
		http_stray(s, n);
		if (l->have == 0)
			l->at = AT_HEAD;
		return n;
	}
	if (l->at == AT_HEAD) {
		if (l->have == 0) {
			s->at = *p;
			s->at.data = STR_NONE;
		}
		n = n < FRAME_HEAD_BYTES - l->have ? n : FRAME_HEAD_BYTES - l->have;
		memcpy(l->head + l->have, p->data.p, n);
		l->have += (uint32_t)n;
		if (l->have < FRAME_HEAD_BYTES)
			return n;
		head_done(s, l, p);
	} else {
		n = n < l->left ? n : l->left;
		count(s, l, n, p);
		payload_feed(h, s, l, str_head(p->data, n), p);
		l->left -= (uint32_t)n;
	}
	if (l->left == 0) {
		l->at = AT_HEAD;
		frame_done(h, s, l, p);
	}
	return n;
}

void http_h2_feed(struct http_h2 *h, struct http_side *s, const struct http_piece *p)
{
	struct lane *l = &h->lane[s->dir];
	struct http_piece rest = *p;

	if (l->at == AT_LOST) {
		if (!http_h2_is_frames(p->data)) {
			http_stray(s, p->data.n);
			return;
		}
		l->at = AT_HEAD;
		l->have = 0;
	}
	while (rest.data.n > 0) {
		size_t n = step(h, s, l, &rest);

		rest.data = str_skip(rest.data, n);
		rest.offset += n;
		s->offset = rest.offset;
	}
}

void http_h2_gap(struct http_h2 *h, struct http_side *s, const struct flow_gap *gap)
{
	struct lane *l = &h->lane[s->dir];

	s->offset = gap->offset + gap->bytes;
	if (l->at == AT_PAYLOAD && l->frame.type == FRAME_DATA && gap->bytes < l->left) {
		http_stream_gap(h->conn, s, l->frame.stream, gap, gap->bytes);
		l->left -= (uint32_t)gap->bytes;
		l->pad_read = true;
		return;
	}
	http_stream_gap_all(h->conn, s, gap);
	lane_lose(l);
	l->hpack = http_hpack_new(true);
	l->at = AT_LOST;
	buf_clear(&l->payload);
}

size_t http_h2_reach(const struct http_h2 *h, enum wire_dir dir, size_t n)
{
	const struct lane *l = &h->lane[dir];
	size_t left = l->at == AT_HEAD ? FRAME_HEAD_BYTES - l->have : l->at == AT_SKIP ? l->have : l->left;

	return left > 0 && left < n ? left : n;
}

void http_h2_flush(struct http_h2 *h)
{
	for (int d = 0; d < WIRE_DIRS; d++) {
		struct http_side *s = &h->conn->side[d];

		http_stray(s, s->stream_bytes + (h->lane[d].at == AT_HEAD ? h->lane[d].have : 0));
		s->stream_bytes = 0;
	}
}

/* ---- life ---- */

struct http_h2 *http_h2_new(struct http_conn *c, bool joined, uint32_t skip)
{
	struct http_h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->conn = c;
	for (int d = 0; d < WIRE_DIRS; d++) {
		struct lane *l = &h->lane[d];
		bool request = c->role_known && c->request_dir == (enum wire_dir)d;

		buf_init(&l->payload, FRAME_MAX);
		buf_init(&l->block, LIMIT_HEADER_BYTES);
		l->at = request && skip > 0 ? AT_SKIP : joined ? AT_LOST : AT_HEAD;
		l->have = request ? skip : 0;
		l->hpack = http_hpack_new(joined);
	}
	return h;
}

void http_h2_free(struct http_h2 *h)
{
	if (h == NULL)
		return;
	for (int d = 0; d < WIRE_DIRS; d++) {
		http_hpack_free(h->lane[d].hpack);
		buf_fini(&h->lane[d].payload);
		buf_fini(&h->lane[d].block);
	}
	free(h);
}
