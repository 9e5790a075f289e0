/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that speak something else than HTTP/1: from their beginning on, or joined in the middle. */
#include "http/h2.h"
#include "http/parser.h"
#include "http/websocket.h"

/* No HTTP/1 any more; what the sides held is stray. Without memory for more, all that follows is. */
static void begin_h2(struct http_conn *c, bool joined, uint32_t skip)
{
	c->http->stats.http2++;
	http_exchange_end_all(c, HTTP_END_LOST);
	for (int d = 0; d < WIRE_DIRS; d++) {
		http_scan_drop(&c->side[d]);
		c->side[d].stage = HTTP_AT_OVER;
	}
	c->h2 = http_h2_new(c, joined, skip);
}

/* The client's connection preface (RFC 9113 3.4): this line, then "\r\nSM\r\n\r\n". */
void http_switch_preface(struct http_side *s)
{
	struct http_conn *c = s->conn;

	c->role_known = true;
	c->proved = true;
	c->request_dir = s->dir;
	begin_h2(c, false, 8);
}

/* Frames without a preface: we came later, or the server's settings are read before it. */
bool http_switch_is_h2(const struct http_side *s, const struct http_piece *p)
{
	bool start = s->stage == HTTP_AT_START && s->unsure && s->held.n == 0;

	return (start || s->stage == HTTP_AT_SCAN) && http_h2_is_frames(p->data);
}

/* Settings at a connection's beginning are a server's; its client's preface comes in the other direction. */
void http_switch_h2(struct http_side *s, const struct http_piece *p)
{
	struct http_conn *c = s->conn;
	bool fresh = p->offset == 0 && p->data.p[3] == 4 && p->data.p[4] == 0;

	if (!c->role_known)
		c->request_dir = fresh ? 1 - s->dir : WIRE_WRITE;
	c->role_known = true;
	c->proved = fresh;
	begin_h2(c, !fresh, fresh ? 24 : 0);
}

/* A WebSocket's frames without its upgrade: we came later. JSON says so at once, anything else the second time. */
bool http_switch_is_ws(struct http_side *s, const struct http_piece *p)
{
	struct http_conn *c = s->conn;
	bool masked, start = s->stage == HTTP_AT_START && s->unsure && s->held.n == 0;

	if (c->index > 0 || c->role_known || !(start || s->stage == HTTP_AT_SCAN))
		return false;
	int likeness = http_ws_likeness(p->data, &masked);

	c->frames_seen = likeness == 0 ? 0 : c->frames_seen + (uint32_t)likeness;
	if (c->frames_seen < 2)
		return false;
	c->role_known = true;
	c->request_dir = masked ? s->dir : 1 - s->dir; /* a client masks */
	return true;
}

void http_switch_ws(struct http_side *s, const struct http_piece *p)
{
	struct http_conn *c = s->conn;
	struct http_open *o;

	s->at = *p;
	s->at.data = STR_NONE;
	if (s->dir ==
	    c->request_dir) /* the answer, which has to stand for the connection, was not written with it */
		s->at.write = (struct http_write){0};
	c->proved = true;
	o = http_exchange_open(s);
	for (int d = 0; d < WIRE_DIRS; d++) {
		http_scan_drop(&c->side[d]);
		c->side[d].stage = HTTP_AT_OVER;
	}
	if (o == NULL)
		return;
	o->request_over = o->request_told = true;
	o->x.joined = true;
	http_exchange_begins(&o->x.response, &s->at);
	c->http->ops.begin(c->http->ctx, &o->x);
	c->ws = http_ws_join(c, o);
	if (c->ws == NULL)
		http_exchange_end(o, HTTP_END_LOST);
}
