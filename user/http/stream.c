/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/stream.h"

#include <errno.h>

#include "http/websocket.h"

#define STREAMS_MAX 1000u /* open at once on one connection */
#define SOCKETS_MAX 64u	  /* of them that are WebSockets: each has two windows of 32 KiB */

/* ---- heads ---- */

void http_stream_head_init(struct http_stream_head *head)
{
	buf_init(&head->method, LIMIT_HEADER_BYTES);
	buf_init(&head->path, LIMIT_HEADER_BYTES);
	buf_init(&head->text, 2 * LIMIT_HEADER_BYTES);
	/* http_head_parse begins after a first line. */
	buf_add(&head->text, STR("HTTP/2\r\n"));
}

void http_stream_head_fini(struct http_stream_head *head)
{
	buf_fini(&head->method);
	buf_fini(&head->path);
	buf_fini(&head->text);
}

/* A field's bytes cannot end its line (RFC 9113 8.2.1): such a value is another message's disguise. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return false;
	return true;
}

static void field_add(struct http_stream_head *head, struct str name, struct str value)
{
	buf_add(&head->text, name);
	buf_add(&head->text, STR(": "));
	buf_add(&head->text, value);
	buf_add(&head->text, STR("\r\n"));
}

void http_stream_head_add(void *ctx, struct str name, struct str value, bool known)
{
	struct http_stream_head *head = ctx;
	uint64_t n;

	if (!known) {
		head->unknown = true;
		return;
	}
	if (!is_plain(name) || !is_plain(value))
		head->lost = true;
	else if (str_eq(name, STR(":method")))
		buf_add(&head->method, value);
	else if (str_eq(name, STR(":path")))
		buf_add(&head->path, value);
	else if (str_eq(name, STR(":authority")))
		field_add(head, STR("host"), value);
	else if (str_eq(name, STR(":protocol")))
		head->websocket = str_ieq(value, STR("websocket"));
	else if (str_eq(name, STR(":status")))
		head->status = str_to_u64(value, &n) && n >= 100 && n < 1000 ? (int)n : 0;
	else if (name.n > 0 && name.p[0] != ':' && !str_eq(name, STR("transfer-encoding")))
		field_add(head, name, value);
}

/* ---- streams ---- */

static struct http_open *find(const struct http_conn *c, uint32_t stream)
{
	for (struct http_open *o = c->last; o; o = o->prev)
		if (o->stream == stream)
			return o;
	return NULL;
}

static enum wire_dir dir_of(const struct http_conn *c, enum http_which which)
{
	return which == HTTP_REQUEST ? c->request_dir : 1 - c->request_dir;
}

/* Where the block began, with the facts of the call that made it whole. */
static struct http_piece place_of(const struct http_piece *p, const struct http_piece *first)
{
	struct http_piece at = *p;

	at.data = STR_NONE;
	at.offset = first->offset;
	at.write = first->write;
	return at;
}

static struct http_open *open_stream(struct http_conn *c, struct http_side *s, uint32_t stream)
{
	uint32_t n = 0;
	struct http_open *o;

	for (o = c->first; o; o = o->next)
		n++;
	o = n < STREAMS_MAX ? http_exchange_open(s) : NULL;
	if (o == NULL)
		return NULL;
	o->stream = stream;
	o->x.http2 = true;
	return o;
}

static uint64_t bytes_take(struct http_side *s)
{
	uint64_t bytes = s->stream_bytes;

	s->stream_bytes = 0;
	return bytes;
}

/* Who asks and who answers, when the preface was not seen: the first head that says so. */
static void roles_learn(struct http_conn *c, struct http_side *s, const struct http_stream_head *head)
{
	bool request = head->method.n > 0, response = head->status > 0;

	if (c->proved || request == response)
		return;
	enum wire_dir dir = request ? s->dir : 1 - s->dir;

	if (c->request_dir != dir)
		http_exchange_end_all(c, HTTP_END_LOST);
	c->request_dir = dir;
	c->proved = true;
}

static void head_fill(struct http_open *o, enum http_which which, const struct http_stream_head *head,
		      uint64_t offset)
{
	struct http_message *m = http_message_of(o, which);
	struct http_facts facts = {0};
	struct str text = arena_dup(o->x.arena, buf_str(&head->text));
	int r = -ENOMEM;

	if (head->lost || buf_err(&head->text) < 0)
		http_exchange_broken(o, dir_of(o->conn, which), offset, "header block cannot be read");
	else if (text.p != NULL)
		r = http_head_parse(o->x.arena, (char *)text.p, text.n, m, &facts);
	if (facts.why)
		http_exchange_broken(o, dir_of(o->conn, which), offset, facts.why);
	if (r < 0)
		facts = (struct http_facts){0};
	m->head_unknown = head->unknown || head->lost;
	if (http_body_open(o, which, &facts) < 0)
		http_exchange_broken(o, dir_of(o->conn, which), offset, "no memory");
	m->head_done = true;
}

/* Fields behind the body. Those of an unreadable block are none. */
static void trailers_fill(struct http_open *o, enum http_which which, const struct http_stream_head *head)
{
	struct http_message *m = http_message_of(o, which), fields = {0};
	struct http_facts facts = {0};

	if (m->trailers != NULL || head->lost || buf_err(&head->text) < 0 || head->status > 0)
		return;
	struct str text = arena_dup(o->x.arena, buf_str(&head->text));

	if (text.p == NULL || http_head_parse(o->x.arena, (char *)text.p, text.n, &fields, &facts) < 0)
		return;
	m->trailers = fields.fields;
	m->trailer_count = fields.count;
}

static void request_head(struct http_conn *c, struct http_side *s, uint32_t stream,
			 const struct http_stream_head *head, const struct http_piece *at)
{
	struct http *h = c->http;
	struct http_open *o = find(c, stream);

	if (o != NULL)
		return; /* trailers */
	o = open_stream(c, s, stream);
	if (o == NULL)
		return;
	o->x.request_seen = true;
	o->x.tid = at->tid;
	o->x.websocket = head->websocket && str_eq(buf_str(&head->method), STR("CONNECT"));
	o->x.method = arena_dup(o->x.arena, buf_str(&head->method));
	if (head->path.n > 0)
		o->x.target = arena_dup(o->x.arena, buf_str(&head->path));
	http_exchange_begins(&o->x.request, at);
	o->x.request.wire_bytes += bytes_take(s);
	h->ops.begin(h->ctx, &o->x);
	head_fill(o, HTTP_REQUEST, head, at->offset);
	h->ops.request_head(h->ctx, &o->x);
}

/* The stream carries a WebSocket from here on. */
static void socket_open(struct http_conn *c, struct http_side *s, struct http_open *o, uint64_t offset)
{
	uint32_t n = 0;

	for (const struct http_open *e = c->first; e; e = e->next)
		n += e->ws != NULL;
	if (n < SOCKETS_MAX)
		o->ws = http_ws_new(c, o);
	else
		http_exchange_broken(o, s->dir, offset, "too many WebSockets on one connection");
}

static void response_head(struct http_conn *c, struct http_side *s, uint32_t stream,
			  const struct http_stream_head *head, const struct http_piece *at)
{
	struct http *h = c->http;
	struct http_open *o = find(c, stream);

	if (o == NULL) {
		o = open_stream(c, s, stream);
		if (o == NULL)
			return;
		o->request_over = true;
		o->request_told = true;
		http_exchange_begins(&o->x.response, at);
		o->x.response.wire_bytes += bytes_take(s);
		h->ops.begin(h->ctx, &o->x);
	}
	if (o->x.response.head_done)
		trailers_fill(o, HTTP_RESPONSE, head);
	if (o->x.response.head_done || (head->status > 0 && head->status < 200))
		return; /* an interim response */
	http_exchange_begins(&o->x.response, at);
	o->x.status = head->status;
	http_exchange_told(o);
	head_fill(o, HTTP_RESPONSE, head, at->offset);
	h->ops.response_head(h->ctx, &o->x);
	if (o->x.websocket && head->status / 100 == 2)
		socket_open(c, s, o, at->offset);
}

static void over(struct http_conn *c, struct http_open *o, enum http_which which, const struct http_piece *p)
{
	struct http_message *m = http_message_of(o, which);

	m->done = true;
	m->end_ns = p->ts_ns;
	http_body_close(o, which, true, p->offset, p->ts_ns);
	if (which == HTTP_REQUEST) {
		o->request_over = true;
		http_exchange_told(o);
	} else {
		o->response_over = true;
	}
	(void)c;
	if (o->request_over && o->response_over)
		http_exchange_end(o, o->lost ? HTTP_END_LOST : o->ws ? HTTP_END_UPGRADED : HTTP_END_DONE);
}

void http_stream_headers(struct http_conn *c, struct http_side *s, uint32_t stream,
			 struct http_stream_head *head, bool end, const struct http_piece *first,
			 const struct http_piece *p)
{
	struct http_piece at = place_of(p, first);

	roles_learn(c, s, head);
	if (http_is_request_side(s))
		request_head(c, s, stream, head, &at);
	else
		response_head(c, s, stream, head, &at);
	http_stray(s, bytes_take(s)); /* no room for it, or nobody's */
	if (end)
		http_stream_end(c, s, stream, p);
}

void http_stream_count(struct http_conn *c, struct http_side *s, uint32_t stream, bool opens, uint64_t bytes,
		       uint64_t ts_ns)
{
	struct http_open *o = stream ? find(c, stream) : NULL;

	if (o == NULL && opens) {
		s->stream_bytes += bytes; /* until the block is whole, and says whose it is */
		return;
	}
	if (o == NULL) {
		http_stray(s, bytes);
		return;
	}
	struct http_message *m = http_message_of(o, http_which_of(s));

	m->wire_bytes += bytes;
	m->end_ns = ts_ns;
}

void http_stream_data(struct http_conn *c, struct http_side *s, uint32_t stream,
		      const struct http_piece *data)
{
	struct http_open *o = find(c, stream);

	if (o != NULL && o->ws != NULL)
		http_ws_feed(o->ws, s, data);
	else if (o != NULL && http_message_of(o, http_which_of(s))->head_done)
		http_body_feed(o, http_which_of(s), data);
}

void http_stream_end(struct http_conn *c, struct http_side *s, uint32_t stream, const struct http_piece *p)
{
	struct http_open *o = find(c, stream);
	enum http_which which = http_which_of(s);

	if (o != NULL && http_message_of(o, which)->head_done && !http_message_of(o, which)->done)
		over(c, o, which, p);
}

/* RFC 9113 7 */
static const char *code_name(uint32_t code)
{
	static const char *const names[] = {
		"NO_ERROR",
		"PROTOCOL_ERROR",
		"INTERNAL_ERROR",
		"FLOW_CONTROL_ERROR",
		"SETTINGS_TIMEOUT",
		"STREAM_CLOSED",
		"FRAME_SIZE_ERROR",
		"REFUSED_STREAM",
		"CANCEL",
		"COMPRESSION_ERROR",
		"CONNECT_ERROR",
		"ENHANCE_YOUR_CALM",
		"INADEQUATE_SECURITY",
		"HTTP_1_1_REQUIRED",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "_OTHER";
}

static void give_up(struct http_open *o, uint32_t code)
{
	/* After a whole answer it only stops the upload (RFC 9113 8.1). */
	if (!o->response_over)
		o->x.reset = code_name(code);
	http_exchange_end(o, o->response_over ? HTTP_END_DONE : HTTP_END_CLOSED);
}

void http_stream_reset(struct http_conn *c, uint32_t stream, uint32_t code)
{
	struct http_open *o = find(c, stream);

	if (o != NULL)
		give_up(o, code);
}

void http_stream_goaway(struct http_conn *c, uint32_t last, uint32_t code)
{
	struct http_open *next;

	for (struct http_open *o = c->first; o; o = next) {
		next = o->next;
		if (o->stream > last)
			give_up(o, code);
	}
}

void http_stream_broken(struct http_conn *c, struct http_side *s, uint32_t stream, const char *why)
{
	struct http_open *o = find(c, stream);

	if (o != NULL)
		http_exchange_broken(o, s->dir, s->at.offset, why);
}

void http_stream_gap(struct http_conn *c, struct http_side *s, uint32_t stream, const struct flow_gap *gap,
		     uint64_t bytes)
{
	struct http_open *o = find(c, stream);

	if (o == NULL) {
		http_stray_gap(s, gap);
		return;
	}
	if (!http_exchange_gap(o, gap))
		http_stray_gap(s, gap);
	if (o->ws != NULL)
		http_ws_skip(o->ws, s->dir, bytes);
	else if (http_message_of(o, http_which_of(s))->head_done)
		http_body_gap(o, http_which_of(s), bytes);
}

void http_stream_gap_all(struct http_conn *c, struct http_side *s, const struct flow_gap *gap)
{
	enum http_which which = http_which_of(s);
	bool told = gap->cause == WIRE_CAUSE_NONE;
	struct http_open *next;

	for (struct http_open *o = c->first; o; o = next) {
		struct http_message *m = http_message_of(o, which);

		next = o->next;
		if (m->done)
			continue;
		/* A gap stands in one span only: the first that it may have hit. */
		if (!told)
			told = http_exchange_gap(o, gap);
		if (o->ws != NULL) { /* it goes on where frames begin again */
			http_ws_lose(o->ws, s->dir);
			continue;
		}
		o->lost = true;
		m->body_kept = false;
		http_body_close(o, which, false, 0, m->end_ns);
		if (which == HTTP_RESPONSE)
			http_exchange_end(o, HTTP_END_LOST);
		else
			o->request_over = true;
	}
	if (!told)
		http_stray_gap(s, gap);
}
